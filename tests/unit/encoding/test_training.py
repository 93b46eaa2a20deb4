"""The loop on a swinging bar: it learns, resumes with the same numbers, and refuses what it cannot learn from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.moving_bar import moving_bar
from ubam.core.errors import ModelError
from ubam.encoding.augmentation import jitter
from ubam.encoding.embedding import embed_postures
from ubam.encoding.encoders import LandmarkEncoder, PostureEncoder
from ubam.encoding.objectives import OBJECTIVES, Objectives
from ubam.encoding.training import build_encoders, train_encoders

SMALL: dict[str, Any] = {"batch_windows": 4, "dim": 16, "width": 8, "behaviour_dim": 16}


@pytest.fixture(scope="module")
def bars() -> list[np.ndarray]:
    return [moving_bar(80, seed)[0] for seed in range(4)]


def phase_error(postures: list[np.ndarray], phases: list[np.ndarray]) -> float:
    """Mean phase difference, in degrees, to the nearest posture in another recording (chance 90)."""
    errors = []
    for query, own in enumerate(postures):
        others = np.concatenate([p for index, p in enumerate(postures) if index != query])
        angle = np.concatenate([p for index, p in enumerate(phases) if index != query])
        nearest = ((own[:, None] - others[None]) ** 2).sum(-1).argmin(1)
        errors.append(np.abs(np.angle(np.exp(1j * (angle[nearest] - phases[query])))))
    return float(np.degrees(np.concatenate(errors).mean()))


@pytest.mark.parametrize(("objectives", "steps"), [("standard", 150), ("looks", 450)])
def test_training_reads_phase_better_than_no_training(objectives: str, steps: int) -> None:
    known, unseen = [moving_bar(80, seed)[0] for seed in range(8)], [moving_bar(80, seed) for seed in range(20, 24)]
    small = SMALL | {"objectives": OBJECTIVES[objectives]}
    trained, _, history = train_encoders(known, [1] * 8, steps=steps, seed=0, **small)
    untrained, _ = build_encoders(16, 8, 16, 0, "cpu")
    phases = [phase for _, phase in unseen]
    before = phase_error([embed_postures(untrained, views) for views, _ in unseen], phases)
    after = phase_error([embed_postures(trained, views) for views, _ in unseen], phases)
    assert after < 0.7 * before
    assert np.mean(history["contrast"][-20:]) < 0.8 * np.mean(history["contrast"][:5])


EVERYTHING = Objectives(contrast=1.0, order=0.5, reconstruction=4.0, landmarks=1.0, flow=0.5)


@pytest.mark.parametrize("objectives", [OBJECTIVES["standard"], OBJECTIVES["shuffled"], EVERYTHING])
def test_resumed_equals_uninterrupted(bars: list[np.ndarray], tmp_path: Path, objectives: Objectives) -> None:
    small = SMALL | {"objectives": objectives, "initial": build_encoders(16, 8, 16, 8, "cpu")[0], "keep_weight": 0.1}
    whole = train_encoders(bars, [1] * 4, steps=12, seed=3, **small)

    def stop(done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    path = tmp_path / "encoders.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_encoders(bars, [1] * 4, steps=12, seed=3, checkpoint=path, checkpoint_seconds=0, progress=stop, **small)
    done: list[int] = []
    again = train_encoders(
        bars, [1] * 4, steps=12, seed=3, checkpoint=path, progress=lambda step, _: done.append(step), **small
    )
    assert done[0] == 8
    assert again[2] == whole[2]
    for network in (0, 1):
        for name, value in whole[network].state_dict().items():
            assert torch.equal(value, again[network].state_dict()[name]), name


def test_a_finished_checkpoint_is_not_trained_again(bars: list[np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "encoders.safetensors"
    first = train_encoders(bars, [1] * 4, steps=3, checkpoint=path, **SMALL)
    done: list[int] = []
    second = train_encoders(bars, [1] * 4, steps=3, checkpoint=path, progress=lambda *_: done.append(1), **SMALL)
    assert not done
    assert torch.equal(first[0].head.weight, second[0].head.weight)


def test_another_call_does_not_take_up_the_checkpoint(bars: list[np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "encoders.safetensors"
    train_encoders(bars, [1] * 4, steps=2, checkpoint=path, **SMALL)
    others: list[dict[str, Any]] = [
        {"objectives": OBJECTIVES["contrast"]},
        {"initial": build_encoders(16, 8, 16, 1, "cpu")[0]},
        {"initial": build_encoders(16, 8, 16, 1, "cpu")[0], "keep_weight": 0.5},
        {"initial": build_encoders(16, 8, 16, 2, "cpu")[0], "keep_weight": 0.5},
    ]
    for other in others:
        done: list[int] = []
        progress = lambda *_: done.append(1)  # noqa: B023, E731
        train_encoders(bars, [1] * 4, steps=2, checkpoint=path, progress=progress, **SMALL, **other)
        assert len(done) == 2


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", None])
def test_a_damaged_or_foreign_checkpoint_is_begun_anew(
    bars: list[np.ndarray], tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "encoders.safetensors"
    if content is None:
        train_encoders(bars, [1] * 4, steps=3, seed=9, checkpoint=path, **SMALL)
        path.write_bytes(path.read_bytes()[:-100])
    else:
        path.write_bytes(content)
    _, _, history = train_encoders(bars, [1] * 4, steps=2, seed=1, checkpoint=path, **SMALL)
    assert len(history["contrast"]) == 2


def test_a_truncated_checkpoint_of_this_very_call_is_begun_anew(bars: list[np.ndarray], tmp_path: Path) -> None:
    path = tmp_path / "encoders.safetensors"
    expected = train_encoders(bars, [1] * 4, steps=3, checkpoint=path, **SMALL)
    path.write_bytes(path.read_bytes()[:-100])
    again = train_encoders(bars, [1] * 4, steps=3, checkpoint=path, **SMALL)
    assert torch.equal(expected[0].head.weight, again[0].head.weight)


def test_same_seed_same_numbers_and_the_global_random_state_is_left_alone(bars: list[np.ndarray]) -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = train_encoders(bars, [1] * 4, steps=3, seed=5, **SMALL)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(2)
    second = train_encoders(bars, [1] * 4, steps=3, seed=5, **SMALL)
    other = train_encoders(bars, [1] * 4, steps=3, seed=6, **SMALL)
    assert torch.equal(first[0].head.weight, second[0].head.weight)
    assert not torch.equal(first[0].head.weight, other[0].head.weight)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_set_of_objectives_trains_and_records_its_terms(bars: list[np.ndarray], name: str) -> None:
    _, _, history = train_encoders(bars, [1] * 4, steps=5, objectives=OBJECTIVES[name], **SMALL)
    assert set(history) == {*OBJECTIVES[name].terms, "accuracy", "level"}
    assert len(history["accuracy"]) == len(history["level"]) == (0 if name == "contrast" else 5)
    for term in OBJECTIVES[name].terms:
        assert np.isfinite(history[term]).all()
        assert len(history[term]) == 5


def test_training_starts_from_the_initial_network_and_leaves_it_as_it_was(bars: list[np.ndarray]) -> None:
    initial, _ = build_encoders(24, 8, 16, 5, "cpu")
    before = embed_postures(initial, bars[0])
    unchanged, behaviour, _ = train_encoders(bars, [1] * 4, steps=0, initial=initial, **SMALL)
    np.testing.assert_array_equal(embed_postures(unchanged, bars[0]), before)
    assert behaviour.dim == 24
    free, _, _ = train_encoders(bars, [1] * 4, steps=15, initial=initial, **SMALL)
    held, _, history = train_encoders(bars, [1] * 4, steps=15, initial=initial, keep_weight=100.0, **SMALL)
    np.testing.assert_array_equal(embed_postures(initial, bars[0]), before)

    def moved(network: PostureEncoder) -> float:
        return float(((embed_postures(network, bars[0]) - before) ** 2).mean() / before.var(0).mean())

    assert moved(held) < 0.5 * moved(free)
    assert len(history["kept"]) == 15


def test_a_larger_initial_network_is_trained_too(bars: list[np.ndarray]) -> None:
    torch.manual_seed(0)
    posture, behaviour, history = train_encoders(bars, [1] * 4, steps=2, initial=LandmarkEncoder(16, 8), **SMALL)
    assert isinstance(posture, LandmarkEncoder)
    assert behaviour.dim == 16
    assert np.isfinite(history["contrast"]).all()
    with pytest.raises(ModelError, match="LandmarkEncoder"):
        train_encoders(bars, [1] * 4, steps=1, initial=posture, objectives=OBJECTIVES["landmarks"], **SMALL)


def test_short_and_still_recordings_do_not_break_it(bars: list[np.ndarray]) -> None:
    still, short = np.full((40, 32, 32, 3), 128, np.uint8), bars[0][:5]
    posture, _, history = train_encoders([bars[0], still, short], [1, 1, 1], steps=5, seed=0, **SMALL)
    assert np.isfinite(history["contrast"]).all()
    assert np.isfinite(embed_postures(posture, still)).all()


def test_nothing_long_enough_is_an_error_with_a_remedy(bars: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match="add longer recordings"):
        train_encoders([bars[0][:7]], [1], steps=2, **SMALL)
    with pytest.raises(ModelError, match="add longer recordings"):
        train_encoders([bars[0]], [1], steps=2, found=[np.zeros(80, bool)], **SMALL)


def test_a_loss_that_is_not_finite_is_an_error(bars: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match="not finite"):
        train_encoders(bars, [1] * 4, steps=20, learning_rate=1e30, **SMALL)


def test_jitter_treats_every_frame_on_its_own_and_moves_it_a_little() -> None:
    picture = torch.zeros(6, 3, 40, 40)
    picture[:, :, 15:25, 15:25] = 1.0
    moved = jitter(picture, torch.Generator().manual_seed(0))
    assert moved.shape == picture.shape
    assert len({round(float(frame.sum()), 3) for frame in moved}) == 6
    weight = (moved[:, 0] - moved[:, 0, :1, :1]).clamp(min=0)
    centre = (weight * torch.arange(40.0)).sum((1, 2)) / weight.sum((1, 2))
    assert ((centre - 19.5).abs() < 0.07 * 40).all()
    assert centre.std() > 0.1
