"""How many workers a run has, and on which device they look."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ubam.core.errors import RunError
from ubam.core.settings import Settings
from ubam.pipeline import job as job_module
from ubam.pipeline.job import Job, carry_out, workers_of
from ubam.recordings.study_table import Study
from ubam.results.run_record import RunRecord
from ubam.tracking import outlines

GIB = 2**30


@pytest.mark.parametrize(("memory", "workers"), [(80 * GIB, 16), (8 * GIB, 4), (GIB, 1)])
def test_a_gpu_has_no_more_workers_than_its_memory_holds(
    memory: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "usable_memory", lambda: None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=memory))
    assert workers_of(Settings(workers=16, device="auto")) == workers
    assert workers_of(Settings(workers=16, device="cpu")) == 16


@pytest.mark.parametrize(("memory", "workers"), [(None, 16), (64 * GIB, 16), (4 * GIB, 4), (GIB // 2, 1)])
def test_a_run_has_no_more_workers_than_the_memory_of_its_cgroups_holds(
    memory: int | None, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "usable_memory", lambda: memory)
    assert workers_of(Settings(workers=16, device="cpu")) == workers


def test_the_eye_of_a_worker_looks_on_the_device_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Given:
        settings, mirror, folder = Settings(device="cuda"), None, SimpleNamespace(is_dir=lambda: True)
        sight = None

        def here(self) -> "Given":
            return self

        def made_of(self, *_: object) -> list[object]:
            return []

        def keep(self, *_: object) -> None: ...

    monkeypatch.setattr(job_module, "device_of", lambda name: name)
    monkeypatch.setattr(outlines, "LOOKS_ON", ["cpu"])
    device = carry_out("one", Given(), "crops", lambda *_: outlines.LOOKS_ON[0])  # type: ignore[arg-type]
    assert device == "cuda"


class _Elsewhere(ThreadPoolExecutor):
    """A worker on a machine whose processor multiplies bfloat16, or does not."""

    def __init__(self, bfloat16: bool, patch: pytest.MonkeyPatch) -> None:
        super().__init__(1)
        self._bfloat16, self._patch = bfloat16, patch

    def submit(self, *work: Any, **words: Any) -> Future[Any]:
        self._patch.setattr(outlines, "multiplies_bfloat16", lambda device: self._bfloat16)
        return super().submit(*work, **words)


@pytest.mark.parametrize(("theirs", "refused"), [(False, True), (True, False)])
def test_a_worker_of_a_cluster_whose_eye_looks_otherwise_is_refused(
    theirs: bool, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "own_name", lambda: "tcp://there")
    monkeypatch.setattr(outlines, "multiplies_bfloat16", lambda device: True)
    run, study = RunRecord(tmp_path, {"stages": {}}), Study(tmp_path / "study.csv", ())
    job = Job(run, study, Settings(device="cpu"), scheduler="tcp://s")

    def made() -> list[tuple[str, str]]:
        with _Elsewhere(theirs, monkeypatch) as pool:
            return list(job.each_on(pool, "check", lambda name, job: name.upper(), ["one"]))

    if refused:
        with pytest.raises(RunError, match=r"tcp://there looks on cpu in float32 .* this machine on cpu in bfloat16"):
            made()
    else:
        assert made() == [("one", "ONE")]
