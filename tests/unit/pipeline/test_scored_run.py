"""A worker reads a scored run once for all its clips, and again when a stage was done since."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from ubam.core.files import write_json
from ubam.pipeline.job import Job
from ubam.pipeline.scored_run import kept_run
from ubam.results.run_folder import RunFolder


def test_a_run_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    files = RunFolder(tmp_path)
    job = cast(Job, SimpleNamespace(folder=tmp_path, files=files))
    write_json(files.run_json, {})
    first = kept_run(job, "person")
    assert kept_run(job, "person") is first
    assert kept_run(job, "rodent") is not first
    first = kept_run(job, "person")
    write_json(files.run_json, {"stages": "score"})
    assert kept_run(job, "person") is not first
