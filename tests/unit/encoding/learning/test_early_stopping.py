"""A training that ends when it has learnt: its course, whom it holds out, and its way through an interruption."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.moving_bar import moving_bar
from ubam.encoding import training
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.encoders import PostureEncoder
from ubam.encoding.learning import early_stopping
from ubam.encoding.learning.early_stopping import EVERY, LOOKS, Course, held_out_recordings
from ubam.encoding.training import TrainingSettings, build_encoders, train_encoders
from ubam.encoding.window_sampling import Windows


def course_of(losses: Callable[[int], float], most: int = 10_000) -> Course:
    """The course of a training whose held-out loss is a function of the step."""
    course, step = Course(most, rise=10), 0
    while step < course.end:
        if course.looks(step):
            course.judge(step, losses(step))
        step += 1
    return course


def test_a_training_that_goes_on_learning_takes_all_of_its_steps() -> None:
    course = course_of(lambda step: 5.0 / (1 + step))
    assert course.learnt is None
    assert course.end == 10_000
    assert course.falls == 8000


def test_a_training_that_has_learnt_ends_with_a_fifth_more() -> None:
    course = course_of(lambda step: max(1.0, 5.0 - step / 300))  # it falls until step 1,200
    assert course.learnt is not None
    assert 1200 + LOOKS * EVERY <= course.learnt <= 1200 + 2 * LOOKS * EVERY
    assert course.end == course.learnt + course.learnt // 4
    last = course_of(lambda step: 1.0, most=1100)
    assert last.end <= 1100


def test_the_rate_rises_stays_whole_and_falls_to_nothing() -> None:
    course = Course(1000, rise=10, learnt=400)
    assert [course.share(step) for step in (0, 4, 9, 399, 400)] == [0.1, 0.5, 1, 1, 1]
    assert course.end == 500
    falling = [course.share(step) for step in range(400, 500)]
    assert np.all(np.diff(falling) < 0)
    assert falling[-1] == pytest.approx(0.01)
    assert course.share(500) == 0


def test_every_sixth_subject_of_twelve_is_held_out_with_all_of_its_recordings() -> None:
    subjects = [f"m{number}" for number in range(12) for _ in range(2)]
    held = held_out_recordings(subjects, range(24), seed=0)
    assert len(held) == 4
    assert len({subjects[index] for index in held}) == 2
    assert held_out_recordings(subjects, range(22), seed=0) == ()  # eleven whose recordings are long enough
    assert held != held_out_recordings(subjects, range(24), seed=1)
    turned = subjects[::-1]
    again = held_out_recordings(turned, range(24), seed=0)
    assert {turned[index] for index in again} == {subjects[index] for index in held}
    many = [f"m{number}" for number in range(1000)]
    assert len(held_out_recordings(many, range(1000), seed=0)) == early_stopping.ENOUGH


class Watched:
    """Pictures of a recording that tell whenever they are read."""

    def __init__(self, pictures: np.ndarray, read: Callable[[], None]) -> None:
        self.pictures, self.read = pictures, read

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: Any, /) -> np.ndarray:
        self.read()
        found: np.ndarray = self.pictures[index]
        return found


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at every second step, and two looks that are compared with two before: nothing is gain enough."""
    for name, value in {"EVERY": 2, "LOOKS": 2, "GAIN": 0.9}.items():
        monkeypatch.setattr(early_stopping, name, value)
    monkeypatch.setattr(training, "HELD_OUT_BATCHES", 1)


SETTINGS = TrainingSettings(40, 4, held_out=(0, 1), seed=3)


def trained(**options: Any) -> tuple[PostureEncoder, dict[str, list[float]]]:
    """A small encoder of six bars, two of which are held out, and its history."""
    bars = options.pop("bars", None) or [moving_bar(40, seed)[0] for seed in range(6)]
    posture, behaviour = build_encoders(16, 8, 16, 3)
    history = train_encoders(posture, behaviour, Windows(bars, [1] * 6, factors=(1, 2, 3)), SETTINGS, **options)
    return posture, history


def test_held_out_recordings_teach_in_the_last_fifth_only(early: None) -> None:
    reads: list[int] = []
    step = [0]
    bars: list[Any] = [Watched(moving_bar(40, seed)[0], lambda: reads.append(step[0])) for seed in range(2)]
    bars += [moving_bar(40, seed)[0] for seed in range(2, 6)]
    totals = []

    def progress(done: int, total: int) -> None:
        step[0] = done
        totals.append(total)

    _, history = trained(bars=bars, progress=progress)
    assert len(history["held_out"]) == 4  # before steps 2, 4, 6 and 8
    assert totals[0] == 40
    assert totals[-1] == len(totals) == len(history["contrast"]) == 10
    assert {read for read in reads if read < 8} <= {2, 4, 6}
    assert {read for read in reads if read > 8}


def test_an_interrupted_training_ends_at_the_same_step_with_the_same_weights(early: None, tmp_path: Path) -> None:
    whole, history = trained()
    for stopped in (3, 9):  # before the end is known, and after

        def stop(done: int, total: int, at: int = stopped) -> None:
            if done == at:
                raise KeyboardInterrupt

        path = tmp_path / f"{stopped}.safetensors"
        with pytest.raises(KeyboardInterrupt):
            trained(checkpoint=Checkpoint(path, every_s=0), progress=stop)
        again, resumed = trained(checkpoint=Checkpoint(path))
        assert resumed == history
        for name, value in whole.state_dict().items():
            assert torch.equal(value, again.state_dict()[name]), name
