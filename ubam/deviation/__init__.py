"""The postures of a reference group and of other recordings come in.

How far each moment, recording and subject deviates from the reference goes out, with intervals and controls.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = [
    "Matcher",
    "PostureSeries",
    "RecordingDeviation",
    "ReferenceModel",
    "Twin",
    "control_codes",
    "find_reference",
    "score_study",
]

if TYPE_CHECKING:
    from ubam.deviation.controls import control_codes
    from ubam.deviation.frozen_reference import find_reference
    from ubam.deviation.posture_series import PostureSeries
    from ubam.deviation.reference_model import RecordingDeviation, ReferenceModel
    from ubam.deviation.scores import score_study
    from ubam.deviation.twin import Matcher, Twin
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Matcher="twin",
        PostureSeries="posture_series",
        RecordingDeviation="reference_model",
        ReferenceModel="reference_model",
        Twin="twin",
        control_codes="controls",
        find_reference="frozen_reference",
        score_study="scores",
    )
