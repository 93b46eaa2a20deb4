"""Two processes that learn together: the weights are those that one process learns from the same batches."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist

from tests.support.moving_bar import moving_bar
from ubam.core.settings import PRESETS
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.encoders import PostureEncoder
from ubam.encoding.learning import many_processes
from ubam.encoding.learning.many_processes import Call, average_gradients, encode_together, helps, leads
from ubam.encoding.objectives import OBJECTIVES
from ubam.encoding.training import TrainingSettings, build_encoders, train_encoders
from ubam.encoding.window_sampling import Windows

SETTINGS = TrainingSettings(
    4, 5, OBJECTIVES["standard"], keep_weight=0.1, seed=3
)  # 80 pictures, 16 windows of 5 frames


def trained(checkpoint: Path | None = None) -> tuple[PostureEncoder, dict[str, list[float]]]:
    """A small encoder of three bars and its history, learnt by as many processes as are joined."""
    bars = [moving_bar(60, seed)[0] for seed in range(3)]
    posture, behaviour = build_encoders(16, 8, 16, 3)
    kept = Checkpoint(checkpoint, every_s=0) if checkpoint else None
    history = train_encoders(posture, behaviour, Windows(bars, [1] * 3, factors=(1, 2, 3)), SETTINGS, checkpoint=kept)
    return posture, history


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[None]:
    """A group of one process."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def test_a_group_of_one_computes_what_no_group_does(alone: None) -> None:
    network, pictures = torch.nn.Linear(3, 2), torch.randn(5, 3)
    expected = torch.autograd.grad(network(pictures).square().mean(), network.weight)[0]
    encode_together(network, pictures).square().mean().backward()
    average_gradients(network)
    assert network.weight.grad is not None
    assert torch.allclose(network.weight.grad, expected)
    assert leads()


def test_only_further_processes_of_torchrun_help(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not helps()
    for world, rank, expected in (("1", "0", False), ("2", "0", False), ("2", "1", True)):
        monkeypatch.setenv("WORLD_SIZE", world)
        monkeypatch.setenv("RANK", rank)
        assert helps() is expected
    monkeypatch.delenv("RANK")
    assert not helps()


def meet(port: int, rank: int) -> dict[str, str]:
    """What `torchrun` writes into the environment of one of two processes on this machine."""
    return {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "RANK": str(rank)}


def test_two_processes_learn_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, history = trained()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    program = "from tests.unit.encoding.learning.test_many_processes import help_once; help_once()"
    other = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **meet(port, 1)})
    try:
        for name, value in meet(port, 0).items():
            monkeypatch.setenv(name, value)
        with many_processes.helped():
            many_processes.ask_for_help(Call([], PRESETS["quick"], "cpu", str(tmp_path / "other.safetensors"), None))
            both, told = trained(tmp_path / "first.safetensors")
        assert other.wait(120) == 0
    finally:
        other.kill()
    for term, values in history.items():
        np.testing.assert_allclose(told[term], values, rtol=1e-4)
    for name, value in one.state_dict().items():
        torch.testing.assert_close(both.state_dict()[name], value, rtol=1e-3, atol=1e-5, msg=name)
    assert (tmp_path / "first.safetensors").exists()
    assert not (tmp_path / "other.safetensors").exists()  # only the first one writes
    assert not dist.is_initialized()


def help_once() -> None:
    """The other process: it learns whatever it is asked to."""
    assert helps()
    for call in many_processes.calls_for_help():
        assert not leads()
        assert call.settings.preset == "quick"
        trained(Path(str(call.checkpoint)))
