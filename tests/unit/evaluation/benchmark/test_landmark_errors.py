"""Errors of landmarks against known keypoints: which side is which is told by the truth, once for a recording."""

import numpy as np

from ubam.evaluation.benchmark.landmark_errors import sides_as

NAMES = ("nose", "knee_left", "knee_right", "tail_tip")


def test_sides_that_are_exchanged_throughout_are_put_right_and_single_frames_are_errors() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(20, 4, 2))
    true[:, 1] += 10
    exchanged = true[:, [0, 2, 1, 3]]
    assert np.array_equal(sides_as(true, exchanged, NAMES), true)
    once = true.copy()
    once[3] = exchanged[3]
    assert np.array_equal(sides_as(true, once, NAMES), once)
