"""The training of the eye: what mirroring does to a lesson, what the losses punish, and that a training goes on."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ubam.pretraining.eye import lessons
from ubam.pretraining.eye.lessons import Batch, make_batch
from ubam.pretraining.eye.losses import losses
from ubam.pretraining.eye.train import Plan, ahead, rate_share, train
from ubam.tracking.eye.landmarks import LANDMARKS, MOST_LANDMARKS
from ubam.tracking.eye.network import Answer


def pair(seed: int = 0) -> dict[str, np.ndarray]:
    """A bright square that is a person, its left side on the right of the picture, in two looks."""
    random = np.random.default_rng(seed)
    frames = random.integers(0, 90, (2, 3, 128, 128, 3), dtype=np.uint8)
    empty = random.integers(0, 90, (2, 128, 128, 3), dtype=np.uint8)
    frames[:, :, 40:100, 20:60] += 150
    alpha = np.zeros((2, 128, 128), np.uint8)
    alpha[:, 40:100, 20:60] = 255
    place = np.zeros((2, 64, 64, 3), np.int8)
    place[:, 20:50, 10:30, 1] = np.linspace(-120, 120, 20).astype(np.int8)
    landmarks = np.full((MOST_LANDMARKS, 2), np.nan, np.float32)
    landmarks[: len(LANDMARKS["person"])] = random.uniform(0.3, 0.5, (len(LANDMARKS["person"]), 2))
    return {"frames": frames, "empty": empty, "alpha": alpha, "place": place, "on_body": alpha[:, ::2, ::2] > 0,
            "landmarks": landmarks, "plan": np.array(0, np.int8), "empty_kind": np.zeros(2, np.int8),
            "visible": np.ones((2, MOST_LANDMARKS), bool)}  # fmt: skip


def perfect(batch: Batch) -> Answer:
    """Answers as good as the network can give them."""
    count = len(batch.plan)
    heat = torch.full((count, MOST_LANDMARKS, 64 * 64 + 1), -30.0)
    cell = (torch.nan_to_num(batch.landmarks).clamp_min(0) * 64).long()
    heat.scatter_(2, (cell[..., 1] * 64 + cell[..., 0])[..., None], 30.0)
    front, left, high = batch.place.unbind(1)
    places = torch.stack([front, left.abs(), high, 50 * left], 1)
    told = torch.full((count, 4), -20.0)
    told[torch.arange(count), batch.plan] = 20.0
    return Answer((batch.alpha - 0.5) * 40, heat, places, told)


def test_perfect_answers_cost_next_to_nothing() -> None:
    batch = make_batch([pair(0), pair(1)], np.random.default_rng(0), vary=False)
    terms = losses(perfect(batch), batch)
    for name in ("outline", "overlap", "landmark", "place", "side", "plan", "looks", "looks_constant", "looks_place"):
        assert float(terms[name]) < 0.01, name


def test_losses_are_computed_where_the_answers_are() -> None:
    """Were a tensor made on PyTorch's usual device, and not on theirs, a GPU would refuse it."""
    batch = make_batch([pair(0), pair(1)], np.random.default_rng(0), vary=False)
    answer = perfect(batch)
    with torch.device("meta"):
        terms = losses(answer, batch)
    assert {term.device.type for term in terms.values()} == {"cpu"}


@pytest.mark.parametrize("term", ["looks", "looks_constant", "landmark"])
def test_an_answer_that_moves_with_the_looks_is_punished(term: str) -> None:
    batch = make_batch([pair(0), pair(1)], np.random.default_rng(0), vary=False)
    answer = perfect(batch)
    before = float(losses(answer, batch)[term])
    answer.heatmaps[1::2] = answer.heatmaps[1::2].roll(6, -1)
    assert float(losses(answer, batch)[term]) > before + 0.01


def test_what_stays_is_punished_beside_what_comes_and_goes() -> None:
    """Off by as much at both moments, to the same side or to opposite ones."""
    batch, terms = make_batch([pair(0), pair(1)], np.random.default_rng(0), vary=False), []
    for later in (6, -6):
        answer = perfect(batch)
        answer.heatmaps[1] = answer.heatmaps[1].roll(6, -1)
        answer.heatmaps[3] = answer.heatmaps[3].roll(later, -1)
        terms.append(losses(answer, batch))
    staying, passing = terms
    assert float(staying["looks"]) == pytest.approx(float(passing["looks"]), rel=0.3)
    assert float(staying["looks_constant"]) > 10 * float(passing["looks_constant"])


def test_a_mirror_exchanges_left_and_right() -> None:
    drawn = pair()
    plain = make_batch([drawn, drawn], np.random.default_rng(0), vary=False)
    batches = (make_batch([drawn, drawn], np.random.default_rng(seed)) for seed in range(50))
    mirrored = next(batch for batch in batches if torch.equal(batch.alpha, plain.alpha.flip(-1)))
    torch.testing.assert_close(mirrored.place[:, 1], -plain.place[:, 1].flip(-1))
    left, right = (LANDMARKS["person"].index(f"knee_{side}") for side in ("left", "right"))
    torch.testing.assert_close(mirrored.landmarks[0, left, 0], 1 - plain.landmarks[0, right, 0])


def test_where_nobody_is_there_nothing_is_outlined() -> None:
    for seed in range(200):
        batch = make_batch([pair(), pair()], np.random.default_rng(seed))
        absent = batch.alpha.sum((1, 2, 3)) == 0
        if absent.any():
            break
    assert absent.sum() == 1
    gone = int(absent.nonzero())
    assert not batch.on_body[gone].any()
    assert float(batch.landmarks[gone].nan_to_num(-1).max()) == -1
    assert all(torch.isfinite(term) for term in losses(perfect(batch), batch).values())


def test_the_rate_rises_stays_and_falls() -> None:
    plan = Plan(steps=1000, warm=10)
    assert rate_share(plan, 0) == pytest.approx(0.1)
    assert rate_share(plan, 500) == 1.0
    assert rate_share(plan, 999) < 0.02


def test_a_training_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ubam.pretraining.eye.train.PAIRS", 2)
    part = tmp_path / "drawn" / "part00000"
    part.mkdir(parents=True)
    drawn = [pair(k) for k in range(4)]
    for name in drawn[0]:
        np.save(part / f"{name}.npy", np.stack([p[name] for p in drawn]))
    for steps in (1, 2):
        training = train(tmp_path / "drawn", tmp_path / "drawn", tmp_path / "out", Plan(steps=steps))
        assert training.descent.done == steps
        assert int(training.mean.n_averaged) == steps
    assert [entry["step"] for entry in training.measurements()] == [1, 2]
    with training.log.open("a") as log:
        log.write('{"step": 3}\n')  # measured, and then interrupted before the state of step 3 was saved
    again = train(tmp_path / "drawn", tmp_path / "drawn", tmp_path / "out", Plan(steps=2))
    assert [entry["step"] for entry in again.measurements()] == [1, 2]
    for name, weight in training.mean.state_dict().items():
        torch.testing.assert_close(again.mean.state_dict()[name], weight, rtol=0, atol=0)


def test_batches_that_are_made_ahead_are_those_of_their_steps() -> None:
    assert list(ahead(iter(range(3, 20)), 20, lambda step: step)) == list(range(3, 20))


def test_some_empty_scenes_are_filled_in_from_around_the_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    filled = []
    for share in (0.0, 1.0):
        monkeypatch.setattr(lessons, "FILLED", share)
        drawn = [pair(seed) for seed in range(6)]
        stacked = {name: np.stack([one[name] for one in drawn]) for name in ("frames", "empty", "alpha")}
        lessons.fill_in(stacked, np.random.default_rng(0))
        filled.append(stacked)
    plain, shown = filled
    body = plain["alpha"] > 0
    np.testing.assert_array_equal(plain["empty"], np.stack([pair(seed)["empty"] for seed in range(6)]))
    assert shown["empty"][body].max() < 90  # the bright subject is not in it
    outside = np.zeros_like(body)
    outside[:, :, :20] = True  # far from the subject it is the frame itself
    np.testing.assert_array_equal(shown["empty"][outside], shown["frames"][:, :, 1][outside])
