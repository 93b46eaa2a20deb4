"""The loop that all trainings share: its learning rates, and its way through an interruption."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ubam.core.errors import ModelError
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.training_loop import Descent, Plan, RandomNumbers, cosine


def fit(
    steps: int, checkpoint: Checkpoint | None = None, stop_at: int | None = None, seed: int = 0
) -> tuple[torch.Tensor, Descent, list[int]]:
    """A linear network fitted to random numbers; its weight, its descent and the steps that were taken."""
    torch.manual_seed(seed)
    network, random = torch.nn.Linear(3, 1), RandomNumbers(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.1)
    plan = Plan("a line", steps, cosine(steps, 3), clip=1.0)
    descent = Descent(network, optimiser, plan, call=[steps, seed], kept={"random": random}, checkpoint=checkpoint)
    taken = []
    for step in descent.steps():
        if step == stop_at:
            break
        points = torch.from_numpy(random.numpy.normal(size=(8, 3))).float() + torch.rand(8, 3, generator=random.torch)
        loss = (network(points) - points.sum(1, keepdim=True)).square().mean()
        descent.take(loss)
        descent.record(loss=loss.item())
        taken.append(step)
    return network.weight.detach(), descent, taken


def test_the_learning_rate_rises_in_a_line_and_falls_in_half_a_cosine() -> None:
    share = cosine(100, rise=10)
    for step in range(100):
        expected = min(1, (step + 1) / 10) * (1 + math.cos(math.pi * step / 100)) / 2
        assert share(step) == pytest.approx(expected, rel=1e-12)
    assert cosine(0)(0) == 1


def test_every_group_of_weights_has_its_share_of_the_rate() -> None:
    network = torch.nn.Linear(2, 1)
    groups = [{"params": [network.weight], "lr": 0.5}, {"params": [network.bias], "lr": 2.0}]
    optimiser = torch.optim.SGD(groups)
    descent = Descent(network, optimiser, Plan("a line", 4, cosine(4)), call=[])
    for step in descent.steps():
        share = (1 + math.cos(math.pi * step / 4)) / 2
        assert [group["lr"] for group in optimiser.param_groups] == pytest.approx([0.5 * share, 2.0 * share])
        descent.take(network(torch.ones(1, 2)).square().sum())


def test_an_interrupted_training_ends_with_the_same_weights_and_history(tmp_path: Path) -> None:
    weight, descent, _ = fit(12)
    checkpoint = Checkpoint(tmp_path / "line.safetensors", every_s=0)
    fit(12, checkpoint, stop_at=7)
    again, resumed, taken = fit(12, checkpoint)
    assert taken == [7, 8, 9, 10, 11]
    assert torch.equal(weight, again)
    assert resumed.history == descent.history
    assert np.diff(descent.history["loss"]).min() < 0


def test_a_finished_training_is_not_taken_up_again_and_another_is_begun_anew(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "line.safetensors")
    weight, _, _ = fit(5, checkpoint)
    again, descent, taken = fit(5, checkpoint)
    assert descent.finished
    assert not taken
    assert torch.equal(weight, again)
    assert fit(5, checkpoint, seed=1)[2] == [0, 1, 2, 3, 4]
    checkpoint.path.write_bytes(b"damaged")
    assert fit(5, checkpoint)[2] == [0, 1, 2, 3, 4]


def test_the_gradient_is_clipped_over_all_weights_together() -> None:
    network = torch.nn.Linear(2, 1, bias=False)
    before = network.weight.detach().clone()
    descent = Descent(network, torch.optim.SGD(network.parameters(), lr=1.0), Plan("a line", 1, clip=0.5), call=[])
    for _ in descent.steps():
        descent.take(1e6 * network(torch.ones(1, 2)).sum())
    assert float((network.weight.detach() - before).norm()) == pytest.approx(0.5, rel=1e-4)


def test_a_loss_that_is_not_finite_ends_the_training_and_names_it() -> None:
    network = torch.nn.Linear(2, 1)
    descent = Descent(network, torch.optim.SGD(network.parameters()), Plan("a line", 3), call=[])
    loss = network(torch.ones(1, 2)).sum() * math.nan
    assert next(descent.steps()) == 0
    with pytest.raises(ModelError, match=r"a line failed at step 0.*another --seed"):
        descent.take(loss)
