"""The objective against slow versions written by hand, and the curriculum's gate."""

import math

import pytest
import torch

from ubam.networks import WINDOW
from ubam.ordering import (
    FAMILIES,
    Curriculum,
    order_accuracy,
    order_loss,
    permutations,
    reconstruction_loss,
    time_contrast,
)


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


@pytest.mark.parametrize("family", FAMILIES)
def test_a_permutation_is_one_and_never_the_real_order(family: str) -> None:
    orders = permutations(2000, (family,), torch.Generator().manual_seed(2))
    real = torch.arange(WINDOW)
    assert torch.equal(orders.sort(1).values, real.expand_as(orders))
    assert not (orders == real).all(1).any()


def test_families_move_what_they_say() -> None:
    generator = torch.Generator().manual_seed(3)
    real = torch.arange(WINDOW)
    assert torch.equal(permutations(1, ("reversal",), generator)[0], real.flip(0))
    assert ((permutations(50, ("swap",), generator) != real).sum(1) == 2).all()
    steps = permutations(50, ("rotation",), generator).diff(dim=1) % WINDOW
    assert (steps == 1).all()


def test_no_windows_have_no_permutations() -> None:
    assert permutations(0, FAMILIES, torch.Generator()).shape == (0, WINDOW)


def test_curriculum_rises_only_past_ninety_per_cent() -> None:
    curriculum = Curriculum()
    for _ in range(2000):
        curriculum.update(0.899)
    assert curriculum.level == 0
    assert curriculum.families == ("random",)
    for _ in range(200):
        curriculum.update(1.0)
        if curriculum.level:
            break
    assert curriculum.level == 1
    assert curriculum.accuracy == 0.5
    assert curriculum.families == FAMILIES[:2]


def test_curriculum_ends_with_every_family() -> None:
    curriculum = Curriculum()
    for _ in range(1000):
        curriculum.update(1.0)
    assert curriculum.families == FAMILIES


def test_reconstruction_is_one_for_the_mean_and_zero_for_the_picture() -> None:
    pictures = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    small = torch.nn.functional.avg_pool2d(pictures[:, :2], 2).flatten(1)
    assert reconstruction_loss(small, pictures).item() == pytest.approx(0, abs=1e-6)
    assert reconstruction_loss(small.mean(0).expand_as(small), pictures).item() == pytest.approx(1, rel=1e-4)


def test_order_loss_and_accuracy() -> None:
    logit, real = torch.tensor([2.0, -1.0, 3.0, -4.0]), torch.tensor([True, True, False, False])
    expected = sum(math.log1p(math.exp(-score)) for score in (2.0, -1.0, -3.0, 4.0)) / 4
    assert order_loss(logit, real).item() == pytest.approx(expected, rel=1e-5)
    assert order_accuracy(logit, real).item() == 0.5
