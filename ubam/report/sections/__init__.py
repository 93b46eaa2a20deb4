"""What a run folder says of one subject matter comes in: tests, curves, distances, maps, motifs, confounds.

What the template of that section shows goes out, as plain values.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["audit_view", "curves_view", "distances_view", "main_tests", "map_view", "motifs_view"]

if TYPE_CHECKING:
    from ubam.report.sections.audit import audit_view
    from ubam.report.sections.curves import curves_view
    from ubam.report.sections.distances import distances_view
    from ubam.report.sections.group_tests import main_tests
    from ubam.report.sections.maps import map_view
    from ubam.report.sections.motifs import motifs_view
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        audit_view="audit",
        curves_view="curves",
        distances_view="distances",
        main_tests="group_tests",
        map_view="maps",
        motifs_view="motifs",
    )
