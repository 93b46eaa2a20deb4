"""What is said of disturbances, with their times."""

from collections.abc import Sequence

import numpy as np

from ubam.core.text import listed


def said_of_jumps(times: Sequence[float], *, joined: bool) -> str:
    """That the picture jumps at these times (s), and whether what comes before and after was brought together."""
    words = f"the picture jumps at {_times(times)}"
    return f"{words}: the frames before and after were brought into one picture" if joined else words


def said_of_light(times: Sequence[float]) -> str:
    """That the light changes at these times (s)."""
    return f"the light changes at {_times(times)}: what lies on both sides looks different; set start_s and end_s"


def said_of_larger(larger: np.ndarray, times: np.ndarray) -> str:
    """That something is in view in some frames, bool [T], with the times of all frames (s)."""
    step = float(np.median(np.diff(times)))
    at = np.flatnonzero(larger)
    return (
        f"for {larger.sum() * step:.1f} s, first at {times[at[0]]:.1f} s, something much larger than the subject is in "
        "view: those frames are left out; set start_s and end_s"
    )


def _times(times: Sequence[float]) -> str:
    return listed([f"{time:.1f} s" for time in times])
