"""The postures of one recording, and whose they are."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PostureSeries:
    """The postures [T, D] of one recording and whose they are; `stride` frames lie between postures of a window.

    fps: frames per second of the recording, by which moments are placed in time. looks: second moment [D, D] of what
    imagined changes of looks do to its postures (augmentation.py); None where that is not known, as of true keypoints.
    """

    recording_id: str
    subject: str
    group: str
    posture: np.ndarray
    stride: int
    fps: float = 25.0
    looks: np.ndarray | None = None
