"""The crops of a recording, its postures and its twin come in.

Pictures of the subject whose own pixels are moved along its deviation go out, with the factor that they really show.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = [
    "Check",
    "Frame",
    "GapFillingNetwork",
    "Magnification",
    "gather_evidence",
    "train_gap_filling",
    "write_transfer",
]

if TYPE_CHECKING:
    from ubam.magnification.attribution import gather_evidence
    from ubam.magnification.gap_filling_network import GapFillingNetwork
    from ubam.magnification.gap_filling_training import train_gap_filling
    from ubam.magnification.magnify import Frame, Magnification
    from ubam.magnification.quality_checks import Check
    from ubam.magnification.transfer import write_transfer
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Check="quality_checks",
        Frame="magnify",
        GapFillingNetwork="gap_filling_network",
        Magnification="magnify",
        gather_evidence="attribution",
        train_gap_filling="gap_filling_training",
        write_transfer="transfer",
    )
