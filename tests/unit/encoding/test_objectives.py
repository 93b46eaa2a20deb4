"""Terms of the loss against slow versions written by hand; what a set computes, and what its terms teach."""

import math

import numpy as np
import pytest
import torch

from tests.support.moving_bar import moving_bar
from ubam.encoding.encoders import WINDOW
from ubam.encoding.landmark_objective import Landmarks
from ubam.encoding.objectives import (
    OBJECTIVES,
    Batch,
    Criterion,
    Objectives,
    flow_agreement,
    kept_loss,
    reconstruction_loss,
    time_contrast,
)
from ubam.encoding.training import build_encoders


def slow_time_contrast(first: torch.Tensor, second: torch.Tensor, temperature: float) -> float:
    """One frame and one direction at a time, as the formula is written."""
    total, terms = 0.0, 0
    for a, b in ((first, second), (second, first)):
        for window in range(len(a)):
            for frame in range(a.shape[1]):
                query = a[window, frame] / a[window, frame].norm()
                scores = [float(query @ (key / key.norm())) / temperature for key in b[window]]
                total += math.log(sum(math.exp(score) for score in scores)) - scores[frame]
                terms += 1
    return total / terms


def test_time_contrast_is_the_formula() -> None:
    first, second = torch.randn(2, 3, WINDOW, 5, generator=torch.Generator().manual_seed(0))
    expected = slow_time_contrast(first, second, 0.15)
    assert time_contrast(first, second).item() == pytest.approx(expected, rel=1e-5)


def test_time_contrast_takes_negatives_from_its_own_window_only() -> None:
    first, second = torch.randn(2, 3, WINDOW, 5, generator=torch.Generator().manual_seed(1))
    whole = time_contrast(first, second)
    alone = torch.stack([time_contrast(first[i : i + 1], second[i : i + 1]) for i in range(3)]).mean()
    assert whole.item() == pytest.approx(alone.item(), rel=1e-5)


def test_time_contrast_of_a_frozen_window_is_chance_and_finite() -> None:
    still = torch.ones(2, WINDOW, 4)
    assert time_contrast(still, still).item() == pytest.approx(math.log(WINDOW), rel=1e-5)
    assert torch.isfinite(time_contrast(0 * still, 0 * still))


def test_reconstruction_is_one_for_the_mean_and_zero_for_the_picture() -> None:
    pictures = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    small = torch.nn.functional.avg_pool2d(pictures[:, :2], 2).flatten(1)
    assert reconstruction_loss(small, pictures).item() == pytest.approx(0, abs=1e-6)
    assert reconstruction_loss(small.mean(0).expand_as(small), pictures).item() == pytest.approx(1, rel=1e-4)


def test_flow_agreement_compares_windows_of_one_recording_only() -> None:
    behaviours, motions = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(2))
    whole = flow_agreement(behaviours, motions, together=4)
    groups = [
        slow_time_contrast(behaviours[None, part], motions[None, part], 0.15) for part in (slice(0, 4), slice(4, 8))
    ]
    assert whole.item() == pytest.approx(np.mean(groups), rel=1e-5)
    one_more = flow_agreement(torch.cat([behaviours, behaviours[:1]]), torch.cat([motions, motions[:1]]), together=4)
    assert one_more.item() == pytest.approx(whole.item())
    assert torch.isfinite(flow_agreement(behaviours[:2], motions[:2]))


def test_kept_loss_is_in_units_of_the_initial_variance() -> None:
    initial = torch.randn(500, 6, generator=torch.Generator().manual_seed(3))
    assert kept_loss(initial, initial).item() == 0
    assert kept_loss(initial.mean(0).expand_as(initial), initial).item() == pytest.approx(1, rel=1e-3)
    assert kept_loss(7 * initial + 1, 7 * initial).item() == pytest.approx(1 / 49, rel=0.2)


def test_landmarks_are_drawn_where_they_are() -> None:
    landmarks = Landmarks(8, 2, count=3)
    maps = landmarks.draw(torch.tensor([[[0.0, 0.0], [-0.9375, 0.5], [0.9375, -0.9375]]]))
    assert maps.shape == (1, 3, 16, 16)
    for drawn, (x, y) in zip(maps[0, 1:], [(0, 11.5), (15, 0)], strict=True):
        weight = drawn / drawn.sum()
        assert (weight.sum(0) * torch.arange(16)).sum().item() == pytest.approx(x, abs=0.7)
        assert (weight.sum(1) * torch.arange(16)).sum().item() == pytest.approx(y, abs=0.7)


def test_landmarks_follow_a_thing_that_moves() -> None:
    """Told only to draw one frame from another, the points learn where the square is."""
    torch.manual_seed(0)
    layers = torch.nn.Conv2d(3, 8, 8, 8)
    landmarks = Landmarks(8, 4, count=1)
    optimiser = torch.optim.Adam([*layers.parameters(), *landmarks.parameters()], lr=1e-2)
    corner = torch.randint(0, 24, (64, 2))
    pictures = torch.zeros(64, 3, 32, 32)
    for picture, (row, column) in zip(pictures, corner.tolist(), strict=True):
        picture[:, row : row + 8, column : column + 8] = 1.0
    for step in range(60):
        part = torch.arange(16) + 16 * (step % 4)
        loss = landmarks(layers(pictures[part]), pictures[part], pictures[part].roll(1, 0))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    points = landmarks.points(layers(pictures)).detach().flatten(1)
    design = torch.cat([points, torch.ones(64, 1)], 1)
    place = corner.float()
    fitted = design @ torch.linalg.lstsq(design, place).solution
    assert (1 - ((fitted - place) ** 2).sum() / ((place - place.mean(0)) ** 2).sum()).item() > 0.8


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_set_computes_its_own_terms_only(name: str) -> None:
    objectives = OBJECTIVES[name]
    posture, behaviour = build_encoders(16, 8, 12, 0, "cpu")
    frames = torch.from_numpy(moving_bar(4 * WINDOW, 0)[0]).permute(0, 3, 1, 2)
    pictures = posture.prepare(frames)
    disorder = ["random", "swap", "reversal", "stride"] if objectives.order else ["random"] * 16
    batch = Batch(pictures, pictures.repeat(objectives.looks, 1, 1, 1), disorder)
    outcome = Criterion(posture, behaviour, objectives)(posture, behaviour, batch, torch.Generator().manual_seed(0))
    assert set(outcome.terms) == set(objectives.terms)
    assert all(torch.isfinite(value) for value in outcome.terms.values())
    assert outcome.postures.shape == (len(frames) * objectives.looks, 16)
    expected = {"order": 4, "shuffled": 16}.get(next((t for t in ("order", "shuffled") if t in objectives.terms), ""))
    assert (outcome.disordered is None) == (expected is None)
    if outcome.disordered is not None:
        assert outcome.disordered.shape == (expected,)


def test_order_and_shuffled_are_one_task() -> None:
    with pytest.raises(ValueError, match="one of them"):
        Objectives(order=1.0, shuffled=1.0)
