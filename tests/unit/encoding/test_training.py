"""Training on a swinging bar: it learns, goes on with the same numbers, and refuses what it cannot learn from."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.moving_bar import moving_bar
from ubam.core.errors import ModelError
from ubam.encoding import training
from ubam.encoding.augmentation import jitter
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.embedding import embed_postures
from ubam.encoding.encoders import BehaviourEncoder, LandmarkEncoder, PostureEncoder
from ubam.encoding.objectives import OBJECTIVES, Objectives
from ubam.encoding.training import TrainingSettings, build_encoders, train_encoders
from ubam.encoding.window_sampling import Windows

Trained = tuple[PostureEncoder, BehaviourEncoder, dict[str, list[float]]]


def train(
    views: Sequence[np.ndarray],
    steps: int,
    *,
    initial: PostureEncoder | None = None,
    checkpoint: Checkpoint | None = None,
    progress: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> Trained:
    """Small encoders trained on every window of the views."""
    chosen = TrainingSettings(steps, 4, **settings)
    posture, behaviour = build_encoders(16, 8, 16, chosen.seed, initial=initial)
    windows = Windows(views, [1] * len(views), factors=chosen.objectives.factors)
    return posture, behaviour, train_encoders(
        posture, behaviour, windows, chosen, checkpoint=checkpoint, progress=progress
    )  # fmt: skip


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


@pytest.mark.parametrize(
    ("objectives", "steps"), [("standard", 150), pytest.param("looks", 450, marks=pytest.mark.slow)]
)
def test_training_reads_phase_better_than_no_training(objectives: str, steps: int) -> None:
    known, unseen = [moving_bar(80, seed)[0] for seed in range(8)], [moving_bar(80, seed) for seed in range(20, 24)]
    trained, _, history = train(known, steps, objectives=OBJECTIVES[objectives])
    untrained, _ = build_encoders(16, 8, 16)
    phases = [phase for _, phase in unseen]
    before = phase_error([embed_postures(untrained, views) for views, _ in unseen], phases)
    after = phase_error([embed_postures(trained, views) for views, _ in unseen], phases)
    assert after < 0.7 * before
    assert np.mean(history["contrast"][-20:]) < 0.8 * np.mean(history["contrast"][:5])


EVERYTHING = Objectives(contrast=1.0, order=0.5, reconstruction=4.0, landmarks=1.0, flow=0.5)


@pytest.mark.parametrize("objectives", [OBJECTIVES["standard"], OBJECTIVES["shuffled"], EVERYTHING])
def test_resumed_equals_uninterrupted(bars: list[np.ndarray], tmp_path: Path, objectives: Objectives) -> None:
    initial = build_encoders(16, 8, 16, 8)[0]
    small: dict[str, Any] = {"objectives": objectives, "initial": initial, "keep_weight": 0.1, "seed": 3}
    whole = train(bars, 12, **small)

    def stop(done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    path = tmp_path / "encoders.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(bars, 12, checkpoint=Checkpoint(path, every_s=0), progress=stop, **small)
    done: list[int] = []
    again = train(bars, 12, checkpoint=Checkpoint(path), progress=lambda step, _: done.append(step), **small)
    assert done[0] == 8
    assert again[2] == whole[2]
    for network, resumed in zip(whole[:2], again[:2], strict=True):
        for name, value in network.state_dict().items():
            assert torch.equal(value, resumed.state_dict()[name]), name


def test_a_finished_checkpoint_is_not_trained_again(bars: list[np.ndarray], tmp_path: Path) -> None:
    path = Checkpoint(tmp_path / "encoders.safetensors")
    first = train(bars, 3, checkpoint=path)
    done: list[int] = []
    second = train(bars, 3, checkpoint=path, progress=lambda *_: done.append(1))
    assert not done
    assert torch.equal(first[0].head.weight, second[0].head.weight)


def test_another_call_does_not_take_up_the_checkpoint(bars: list[np.ndarray], tmp_path: Path) -> None:
    path = Checkpoint(tmp_path / "encoders.safetensors")
    train(bars, 2, checkpoint=path)
    others: list[dict[str, Any]] = [
        {"objectives": OBJECTIVES["contrast"]},
        {"initial": build_encoders(16, 8, 16, 1)[0]},
        {"initial": build_encoders(16, 8, 16, 1)[0], "keep_weight": 0.5},
        {"initial": build_encoders(16, 8, 16, 2)[0], "keep_weight": 0.5},
    ]
    for other in others:
        done: list[int] = []
        progress = lambda *_: done.append(1)  # noqa: B023, E731
        train(bars, 2, checkpoint=path, progress=progress, **other)
        assert len(done) == 2


def test_same_seed_same_numbers_and_the_global_random_state_is_left_alone(bars: list[np.ndarray]) -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = train(bars, 3, seed=5)
    assert torch.equal(state, torch.random.get_rng_state())
    torch.manual_seed(2)
    second = train(bars, 3, seed=5)
    other = train(bars, 3, seed=6)
    assert torch.equal(first[0].head.weight, second[0].head.weight)
    assert not torch.equal(first[0].head.weight, other[0].head.weight)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_set_of_objectives_trains_and_records_its_terms(bars: list[np.ndarray], name: str) -> None:
    _, _, history = train(bars, 5, objectives=OBJECTIVES[name])
    assert set(history) == {*OBJECTIVES[name].terms, "accuracy", "level"}
    assert len(history["accuracy"]) == len(history["level"]) == (0 if name == "contrast" else 5)
    for term in OBJECTIVES[name].terms:
        assert np.isfinite(history[term]).all()
        assert len(history[term]) == 5


def test_training_starts_from_the_initial_network_and_leaves_it_as_it_was(bars: list[np.ndarray]) -> None:
    initial, _ = build_encoders(24, 8, 16, 5)
    before = embed_postures(initial, bars[0])
    unchanged, behaviour, _ = train(bars, 0, initial=initial)
    np.testing.assert_array_equal(embed_postures(unchanged, bars[0]), before)
    assert behaviour.dim == 24
    free, _, _ = train(bars, 15, initial=initial)
    held, _, history = train(bars, 15, initial=initial, keep_weight=100.0)
    np.testing.assert_array_equal(embed_postures(initial, bars[0]), before)

    def moved(network: PostureEncoder) -> float:
        return float(((embed_postures(network, bars[0]) - before) ** 2).mean() / before.var(0).mean())

    assert moved(held) < 0.5 * moved(free)
    assert len(history["kept"]) == 15


def test_a_larger_initial_network_is_trained_too(bars: list[np.ndarray]) -> None:
    torch.manual_seed(0)
    posture, behaviour, history = train(bars, 2, initial=LandmarkEncoder(16, 8))
    assert isinstance(posture, LandmarkEncoder)
    assert behaviour.dim == 16
    assert np.isfinite(history["contrast"]).all()
    with pytest.raises(ModelError, match="LandmarkEncoder"):
        train(bars, 1, initial=posture, objectives=OBJECTIVES["landmarks"])


def test_short_and_still_recordings_do_not_break_it(bars: list[np.ndarray]) -> None:
    still, short = np.full((40, 32, 32, 3), 128, np.uint8), bars[0][:5]
    posture, _, history = train([bars[0], still, short], 5)
    assert np.isfinite(history["contrast"]).all()
    assert np.isfinite(embed_postures(posture, still)).all()


def test_a_loss_that_is_not_finite_is_an_error(bars: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match="not finite"):
        train(bars, 20, learning_rate=1e30)


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


def test_batches_are_made_on_the_device_of_a_gpu_from_pinned_memory(
    bars: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch's device without numbers stands for the GPU, as in `test_embedding`."""
    pinned, made = list[torch.Tensor](), list[torch.Tensor]()

    def pin(pictures: torch.Tensor) -> torch.Tensor:
        pinned.append(pictures)
        return pictures

    def batch(pictures: torch.Tensor, looks: torch.Tensor, disorder: list[str]) -> None:
        made.extend([pictures, looks])
        raise InterruptedError  # a loss without numbers cannot be written down

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(training, "Batch", batch)
    monkeypatch.setattr(training, "fingerprint", lambda network: "none")
    posture, behaviour = build_encoders(16, 8, 16, device="meta")
    with pytest.raises(InterruptedError):
        train_encoders(posture, behaviour, Windows(bars, [1] * 4, factors=(1, 2, 3)), TrainingSettings(2, 4))
    assert [pictures.dtype for pictures in pinned] == [torch.uint8]
    assert [pictures.device.type for pictures in made] == ["meta"] * 2
