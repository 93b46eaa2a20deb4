"""The behaviours of all recordings come in.

Motifs, the kinds that recur, go out, with maps and the most similar moments of other subjects.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Motifs", "WindowSet", "draw_maps", "find_motifs", "motif_tables", "nearest", "write_motifs"]

if TYPE_CHECKING:
    from ubam.motifs.discovery import Motifs, WindowSet, find_motifs
    from ubam.motifs.maps import draw_maps
    from ubam.motifs.retrieval import nearest
    from ubam.motifs.tables import motif_tables, write_motifs
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Motifs="discovery",
        WindowSet="discovery",
        draw_maps="maps",
        find_motifs="discovery",
        motif_tables="tables",
        nearest="retrieval",
        write_motifs="tables",
    )
