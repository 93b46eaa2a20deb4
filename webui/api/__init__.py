"""Requests under /api/v1 come in.

JSON, files and pictures go out, one blueprint for each subject matter.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["clip_json", "door", "found", "recording_json", "run_json", "study_json"]

if TYPE_CHECKING:
    from webui.api.clips import clip_json
    from webui.api.people import door
    from webui.api.recordings import recording_json
    from webui.api.results import found
    from webui.api.runs import run_json
    from webui.api.studies import study_json
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        clip_json="clips",
        door="people",
        found="results",
        recording_json="recordings",
        run_json="runs",
        study_json="studies",
    )
