"""A checkpoint gives back what was written, and is passed over when it is damaged or of another training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from ubam.encoding.checkpoint import Checkpoint, fingerprint

CPU = torch.device("cpu")
CALL = {"steps": 3, "rates": (0.1, 0.2)}
STATE: dict[Any, Any] = {
    "weight": torch.arange(6.0).reshape(2, 3),
    "groups": [{"lr": 0.1}, {}],
    0: {"step": torch.tensor(2)},
    "no": None,
}


class Part:
    """Holds any state."""

    def __init__(self, state: Mapping[Any, Any] | None = None) -> None:
        self.state = state

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state_dict: Any) -> None:
        self.state = state_dict


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    written = Checkpoint(tmp_path / "training.safetensors")
    written.write(CALL, {"part": Part(STATE), "other": Part({"done": 1})})
    return written


def test_states_come_back_with_their_tensors_numbers_and_keys(checkpoint: Checkpoint) -> None:
    part, other = Part(), Part()
    assert checkpoint.read(CALL, {"part": part, "other": other}, CPU)
    assert other.state == {"done": 1}
    assert part.state is not None
    assert torch.equal(part.state["weight"], STATE["weight"])
    assert torch.equal(part.state[0]["step"], torch.tensor(2))
    assert part.state["groups"] == [{"lr": 0.1}, {}]
    assert part.state["no"] is None


def test_the_checkpoint_of_another_call_is_passed_over(checkpoint: Checkpoint) -> None:
    part = Part()
    assert not checkpoint.read(CALL | {"steps": 4}, {"part": part}, CPU)
    assert part.state is None


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "not safetensors", "other safetensors"])
def test_a_damaged_checkpoint_is_passed_over(checkpoint: Checkpoint, damage: str) -> None:
    path, part = checkpoint.path, Part()
    if damage == "missing":
        path.unlink()
    elif damage == "other safetensors":
        from safetensors.torch import save_file

        save_file({"weight": torch.zeros(2)}, path, {"call": "[1, 2]"})
    else:
        path.write_bytes({"empty": b"", "truncated": path.read_bytes()[:-10]}.get(damage, b"not a checkpoint at all"))
    assert not checkpoint.read(CALL, {"part": part}, CPU)
    assert part.state is None


def test_a_fingerprint_knows_class_and_weights() -> None:
    torch.manual_seed(0)
    one, other = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    assert fingerprint(one) != fingerprint(other)
    other.load_state_dict(one.state_dict())
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(torch.nn.ReLU()) != fingerprint(torch.nn.SiLU())
