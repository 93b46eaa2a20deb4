"""The postures of one recording, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SAME_PACE = 0.1  # by which the rates of two cameras may differ and count as one


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

    @property
    def rate(self) -> float:
        """Postures of a window per second."""
        return self.fps / self.stride


def usual_rate(codes: Sequence[PostureSeries]) -> float:
    """Postures of a window per second, of most recordings."""
    return float(np.median([code.rate for code in codes]))


def pace_of(code: PostureSeries, rate: float) -> float:
    """Postures per second of a recording as a share of a usual rate; 1 for about as many."""
    pace = code.rate / rate
    return pace if abs(pace - 1) > SAME_PACE else 1.0
