"""What decides whether a stage is done again."""

from types import SimpleNamespace
from typing import Any

from ubam.core.errors import StudyError
from ubam.core.settings import Settings
from ubam.pipeline import recording_stages
from ubam.pipeline.recording_stages import crop_recording
from ubam.pipeline.runner import stage_key


def job_of(**settings: Any) -> Any:
    study, run = SimpleNamespace(recordings=[]), SimpleNamespace(record={})
    return SimpleNamespace(settings=Settings(**settings), study=study, run=run, model=None, against=None)


def test_a_plan_that_was_asked_for_reaches_the_crops(tmp_path: Any, monkeypatch: Any) -> None:
    assert stage_key(job_of(plan="person"), "crops") != stage_key(job_of(), "crops")
    assert stage_key(job_of(plan="person"), "check") == stage_key(job_of(), "check")
    asked = dict[str, Any]()

    def build_crops(*_: Any, **how: Any) -> None:
        asked.update(how)
        raise StudyError("seen enough")

    monkeypatch.setattr(recording_stages, "build_crops", build_crops)
    job = job_of(plan="person")
    job.files = SimpleNamespace(crops=lambda _: SimpleNamespace(path=tmp_path / "a"))
    job.bring = lambda _: None
    recording: Any = SimpleNamespace(recording_id="a", fetched=lambda: recording)
    assert crop_recording(recording, job).status == "failed"
    assert asked["plan"] == "person"
