"""The deviations of subjects and the columns of the study come in.

Tests of groups, sessions, slopes and time courses go out, with effect sizes and what the study could have found.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = [
    "Inference",
    "classify",
    "compare_courses",
    "compare_groups",
    "compare_sessions",
    "compare_usage",
    "group_effects",
    "power_of_groups",
]

if TYPE_CHECKING:
    from ubam.statistics.classifier import classify
    from ubam.statistics.effect_sizes import group_effects
    from ubam.statistics.group_tests import compare_groups
    from ubam.statistics.motif_usage import compare_usage
    from ubam.statistics.power import power_of_groups
    from ubam.statistics.slopes import compare_sessions
    from ubam.statistics.study_statistics import Inference
    from ubam.statistics.time_clusters import compare_courses
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Inference="study_statistics",
        classify="classifier",
        compare_courses="time_clusters",
        compare_groups="group_tests",
        compare_sessions="slopes",
        compare_usage="motif_usage",
        group_effects="effect_sizes",
        power_of_groups="power",
    )
