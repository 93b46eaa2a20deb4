"""A study and the options of a run come in.

The stages are done in order, and a finished run folder goes out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = [
    "Job",
    "find_neighbours",
    "magnify_recording",
    "plan_again",
    "plan_run",
    "plan_scoring",
    "run_scoring",
    "run_stages",
]

if TYPE_CHECKING:
    from ubam.pipeline.job import Job
    from ubam.pipeline.plan import plan_again, plan_run, plan_scoring
    from ubam.pipeline.queries import find_neighbours, magnify_recording
    from ubam.pipeline.runner import run_scoring, run_stages
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Job="job",
        find_neighbours="queries",
        magnify_recording="queries",
        plan_again="plan",
        plan_run="plan",
        plan_scoring="plan",
        run_scoring="runner",
        run_stages="runner",
    )
