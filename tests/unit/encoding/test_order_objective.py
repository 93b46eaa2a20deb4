"""Order and its curriculum: losses against slow versions written by hand, families, gate and bandit."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest
import torch

from ubam.encoding.encoders import WINDOW
from ubam.encoding.order_objective import (
    FAMILIES,
    PERMUTED,
    STRIDE,
    Curriculum,
    order_accuracy,
    order_loss,
    permutations,
    reordered,
    shuffled_contrast,
)


@pytest.mark.parametrize("family", PERMUTED)
def test_a_permutation_is_one_and_never_the_real_order(family: str) -> None:
    orders = permutations([family] * 2000, torch.Generator().manual_seed(2))
    real = torch.arange(WINDOW)
    assert torch.equal(orders.sort(1).values, real.expand_as(orders))
    assert not (orders == real).all(1).any()


def test_families_move_what_they_say() -> None:
    generator = torch.Generator().manual_seed(3)
    real = torch.arange(WINDOW)
    assert torch.equal(permutations(["reversal"], generator)[0], real.flip(0))
    assert torch.equal(permutations([STRIDE], generator)[0], real)
    assert ((permutations(["swap"] * 50, generator) != real).sum(1) == 2).all()
    steps = permutations(["rotation"] * 50, generator).diff(dim=1) % WINDOW
    assert (steps == 1).all()


def test_no_windows_have_no_permutations() -> None:
    assert permutations([], torch.Generator()).shape == (0, WINDOW)


def test_postures_are_reordered_window_by_window() -> None:
    postures = torch.arange(2.0 * WINDOW).view(2, WINDOW, 1).repeat(1, 1, 3)
    orders = permutations(["reversal", "random"], torch.Generator().manual_seed(0))
    again = reordered(postures, orders)
    for window in range(2):
        assert torch.equal(again[window], postures[window][orders[window]])


def told(curriculum: Curriculum, accuracy: float, steps: int, losses: dict[str, float] | None = None) -> Curriculum:
    """A curriculum after `steps` with this accuracy, each family drawn once a step with its loss."""
    values = losses or dict.fromkeys(FAMILIES, 0.5)
    for _ in range(steps):
        curriculum.update(accuracy, list(values), list(values.values()))
    return curriculum


def test_curriculum_keeps_to_random_permutations_up_to_ninety_per_cent() -> None:
    curriculum = told(Curriculum(), 0.899, 2000)
    assert curriculum.level == 0
    assert curriculum.chances().tolist() == [1, 0, 0, 0, 0]
    assert told(curriculum, 1.0, 200).level == len(FAMILIES) - 1


def test_once_opened_it_stays_open() -> None:
    assert told(told(Curriculum(), 1.0, 100), 0.2, 500).opened


def test_the_bandit_draws_what_is_told_worst_and_forgets_nothing() -> None:
    losses = {"random": 0.01, "swap": 0.1, "rotation": 0.6, "reversal": 0.01, "stride": 0.3}
    curriculum = told(Curriculum(), 1.0, 300, losses)
    chances = dict(zip(FAMILIES, curriculum.chances(), strict=True))
    assert sorted(chances, key=chances.__getitem__)[-3:] == ["swap", "stride", "rotation"]
    assert min(chances.values()) >= 0.2 / len(FAMILIES)
    assert sum(chances.values()) == pytest.approx(1)
    likely = np.exp(np.array([losses[family] for family in PERMUTED]) / 0.2)
    expected = 0.8 * likely / likely.sum() + 0.2 / 4
    np.testing.assert_allclose(curriculum.chances(PERMUTED), expected, rtol=1e-3)


def test_a_curriculum_survives_json() -> None:
    curriculum = told(Curriculum(), 0.93, 37, {"random": 0.1, "swap": 1 / 3})
    assert Curriculum(**json.loads(json.dumps(asdict(curriculum)))) == curriculum


def test_order_loss_and_accuracy_weigh_real_and_disordered_alike() -> None:
    real, disordered = torch.tensor([2.0, -1.0]), torch.tensor([3.0, -4.0, -5.0])
    of_real = sum(math.log1p(math.exp(-score)) for score in (2.0, -1.0)) / 2
    each = [math.log1p(math.exp(score)) for score in (3.0, -4.0, -5.0)]
    loss, of_disordered = order_loss(real, disordered)
    assert loss.item() == pytest.approx((of_real + sum(each) / 3) / 2, rel=1e-5)
    assert of_disordered.tolist() == pytest.approx(each, rel=1e-4)
    assert order_accuracy(real, disordered).item() == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_shuffled_contrast_is_the_formula() -> None:
    generator = torch.Generator().manual_seed(4)
    window, other = torch.randn(2, 3, 5, generator=generator)
    shuffles = torch.randn(3, 4, 5, generator=generator)
    loss, each, right = shuffled_contrast(window, other, shuffles, 0.2)
    cosine = torch.nn.functional.cosine_similarity
    total, nearer = 0.0, 0
    for index in range(3):
        same = float(cosine(window[index], other[index], dim=0)) / 0.2
        wrong = [float(cosine(window[index], shuffle, dim=0)) / 0.2 for shuffle in shuffles[index]]
        total += math.log(sum(math.exp(score) for score in [same, *wrong])) - same
        nearer += same > max(wrong)
        assert each[index].tolist() == pytest.approx([math.log1p(math.exp(w - same)) for w in wrong], rel=1e-4)
    assert loss.item() == pytest.approx(total / 3, rel=1e-5)
    assert right.item() == pytest.approx(nearer / 3)
