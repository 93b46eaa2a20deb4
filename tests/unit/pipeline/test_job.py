"""How many workers a run has, and on which device they look."""

from types import SimpleNamespace

import pytest
import torch

from ubam.core.settings import Settings
from ubam.pipeline import job as job_module
from ubam.pipeline.job import carry_out, workers_of
from ubam.tracking import outlines

GIB = 2**30


@pytest.mark.parametrize(("memory", "workers"), [(80 * GIB, 16), (8 * GIB, 4), (GIB, 1)])
def test_a_gpu_has_no_more_workers_than_its_memory_holds(
    memory: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=memory))
    assert workers_of(Settings(workers=16, device="auto")) == workers
    assert workers_of(Settings(workers=16, device="cpu")) == 16


def test_the_eye_of_a_worker_looks_on_the_device_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Given:
        settings, mirror, folder = Settings(device="cuda"), None, SimpleNamespace(is_dir=lambda: True)

        def here(self) -> "Given":
            return self

        def made_of(self, *_: object) -> list[object]:
            return []

        def keep(self, *_: object) -> None: ...

    monkeypatch.setattr(job_module, "device_of", lambda name: name)
    monkeypatch.setattr(outlines, "LOOKS_ON", ["cpu"])
    device = carry_out("one", Given(), "crops", lambda *_: outlines.LOOKS_ON[0])  # type: ignore[arg-type]
    assert device == "cuda"
