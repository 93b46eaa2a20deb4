"""Something that comes, stays for long and goes again: an arm, a person.

What is in view for half of the time is as steady as the floor, so that a picture of the scene may show it. What is seen
both before it comes and after it is gone is the scene.
"""

from typing import NamedTuple

import cv2
import numpy as np
from scipy.ndimage import binary_opening

ENDS = 0.1  # share of the samples, at the beginning and again at the end, that show what is there without it
CHANGED = 20  # grey levels by which a pixel differs from what it was, in one colour at least
LARGER = 4.0  # times as much of the picture is other than it is between the beginning and the end
STAYS = 3  # samples, one after the other, that show it at least: what is there for less is no part of the scene
FEWEST = 10  # samples without it, of which a picture of the scene can be made


class Visit(NamedTuple):
    """Which samples show it, bool [N], and how many pixels it changes, the median over them; 0 where there is none."""

    there: np.ndarray
    area: float


def visit_in(samples: np.ndarray) -> Visit:
    """What comes and goes in small samples uint8 [N,h,w,3], in their order."""
    looks = [cv2.GaussianBlur(one, (0, 0), 1.0) for one in samples]
    ends = max(2, round(ENDS * len(looks)))
    first, last = (_changed(looks, some) for some in (looks[:ends], looks[-ends:]))
    usual, least = float(np.median(first[-ends:])), np.minimum(first, last)
    there = binary_opening(least > LARGER * usual, np.ones(STAYS))
    if usual == 0 or not there.any() or (~there).sum() < FEWEST:
        return Visit(np.zeros(len(looks), bool), 0.0)
    return Visit(there, float(np.median(least[there])))


def _changed(looks: list[np.ndarray], some: list[np.ndarray]) -> np.ndarray:
    """In how many pixels pictures differ from others of them, the median over those, [N]."""
    apart = [[cv2.absdiff(one, other).max(axis=2) > CHANGED for other in some] for one in looks]
    return np.median(np.array(apart).sum(axis=(2, 3)), axis=1)
