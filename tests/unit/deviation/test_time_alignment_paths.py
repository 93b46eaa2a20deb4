import numpy as np
import pytest

from tests.support.oracles.time_alignment import match_path, match_subject
from tests.support.posture_studies import make_study
from ubam.deviation.time_alignment import Moments, describe_moments, match_agreeing, match_paths, match_subjects
from ubam.deviation.twin import movement_basis


@pytest.mark.parametrize("cells", [20_000_000, 30_000])
def test_all_subjects_at_once_are_matched_as_one_by_one(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ubam.deviation.time_alignment.CELLS", cells)
    codes = [*make_study(0, 6, 2, frames=90), *make_study(1, 2, 1, frames=57)]
    basis = movement_basis(codes)
    moments = [describe_moments(code.posture, basis, 1) for code in codes]
    references = [[moments[1]], moments[2:4], [moments[8], moments[4]], moments[5:8]]
    for found, subject in zip(match_subjects(moments[0], references), references, strict=True):
        recording, frame, _ = match_subject(moments[0], subject)
        np.testing.assert_array_equal(found[0], recording)
        np.testing.assert_array_equal(found[1], frame)


def test_paths_that_run_stay_skip_and_jump() -> None:
    rng = np.random.default_rng(0)
    distance = rng.uniform(0.5, 1.5, size=(12, 3, 9)).astype(np.float32)
    first = np.zeros((3, 9), bool)
    first[:, 0] = first[1, 4] = first[2, 1] = True
    for row, path in enumerate(match_paths(distance, first)):
        np.testing.assert_array_equal(path, match_path(distance[:, row], first[row]))


def walk(start: float, arms: float, tail: float, frames: int = 80) -> Moments:
    """A cycle of 20 frames whose legs look the same half a cycle later, and whose arms and tail do not."""
    phase = 2 * np.pi * (np.arange(frames) + start) / 20
    posture = np.stack([np.cos(2 * phase), np.sin(2 * phase), arms * np.cos(phase), tail * np.cos(phase)], axis=1)
    return describe_moments(posture, np.eye(4, dtype=np.float32), 1)


def test_what_most_subjects_show_outvotes_a_match_half_a_cycle_out() -> None:
    query, starts = walk(0, 1, 0), np.array([[4], [11], [7], [3]])
    references = [[walk(4, 1, 1)], [walk(11, 1, 1)], [walk(7, 1, 1)], [walk(3, -0.2, 1), walk(9, -2, 1)]]
    alone = np.stack([frame for _, frame in match_subjects(query, [subject[:1] for subject in references])])
    assert np.median((alone + starts - query.frame) % 20, axis=1).tolist() == [0, 0, 0, 10]
    agreeing = match_agreeing(query, references)
    assert [which for _, which, _ in agreeing] == [0, 0, 0, 0]
    frames = np.stack([frame for _, _, frame in agreeing])
    assert np.median((frames + starts - query.frame) % 20, axis=1).tolist() == [0, 0, 0, 0]
