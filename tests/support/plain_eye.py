"""An eye for drawn figures before a still wall, in place of the network that takes most of the time of cropping.

For tests of what is done with crops; those of what is seen, as in `tests/unit/tracking`, have the shipped eye.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from ubam.tracking.eye.eye import PLACES, Eye, Seen
from ubam.tracking.eye.landmarks import LANDMARKS, PLANS
from ubam.tracking.eye.network import SIDE
from ubam.tracking.outlines import eye_on, shipped_eye

FAINT, CLEAR = 9.0, 25.0  # grey levels of change that are none, and that are certain


class PlainEye(Eye):
    """The subject is what differs from the empty scene, or moves where that is unknown; its landmarks are made up."""

    def __init__(self) -> None:
        self.device, self.bfloat16 = "cpu", False

    def outline(
        self, before: np.ndarray, at: np.ndarray, after: np.ndarray, empty: np.ndarray, known: torch.Tensor
    ) -> np.ndarray:
        """Soft outlines float32 [n, S, S]; arguments as of `Eye.outline`."""
        return np.stack([
            _changed(now, scene) if sure else np.maximum(_changed(now, earlier), _changed(now, later))
            for earlier, now, later, scene, sure in zip(before, at, after, empty, known.tolist(), strict=True)
        ])  # fmt: skip

    def body(
        self, before: np.ndarray, at: np.ndarray, after: np.ndarray, empty: np.ndarray, known: torch.Tensor, plan: str
    ) -> Seen:
        """Outlines, upright body coordinates and landmarks one below the other; arguments as of `Eye.body`."""
        alpha = _at_side(self.outline(before, at, after, empty, known))
        places = np.stack([_upright(one) for one in alpha])
        landmarks = np.stack([_landmarks(one, LANDMARKS[plan]) for one in alpha])
        sure = np.ones(landmarks.shape[:2], np.float32)
        side = np.full(places.shape[:3], 0.5, np.float32)
        return Seen(plan, alpha, places, side, landmarks, 0.02 * sure, sure)

    def see(
        self, crops: np.ndarray, empty: np.ndarray | None = None, plan: str | None = None,
        neighbours: np.ndarray | None = None,
    ) -> Seen:  # fmt: skip
        """As `body`; arguments as of `Eye.see`."""
        before, after = (crops, crops) if neighbours is None else (neighbours[:, 0], neighbours[:, 1])
        behind = np.broadcast_to(crops if empty is None else empty, crops.shape)
        known = torch.full((len(crops),), empty is not None)
        return self.body(before, crops, after, behind, known, plan or PLANS[0])

    def plan_chances(
        self, crops: np.ndarray, empty: np.ndarray | None = None, neighbours: np.ndarray | None = None
    ) -> np.ndarray:
        """Everybody is a person."""
        return np.tile(np.log(np.array([0.97, 0.01, 0.01, 0.01], np.float32)), (len(crops), 1))


@contextmanager
def plain_eye() -> Iterator[None]:
    """Everything that is cropped meanwhile in this process is seen by a `PlainEye`."""
    eye_on.cache_clear()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Eye, "load", lambda *_, **__: PlainEye())
            shipped_eye()  # kept until the end
            yield
    finally:
        eye_on.cache_clear()


def _changed(picture: np.ndarray, other: np.ndarray) -> np.ndarray:
    apart = cv2.GaussianBlur(cv2.absdiff(picture, np.asarray(other)), (3, 3), 0).max(2).astype(np.float32)
    change = np.clip((apart - FAINT) / (CLEAR - FAINT), 0, 1)
    return np.asarray(cv2.morphologyEx(change, cv2.MORPH_CLOSE, np.ones((7, 7))), np.float32)


def _at_side(outlines: np.ndarray) -> np.ndarray:
    return np.stack([cv2.resize(one, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR) for one in outlines])


def _upright(outline: np.ndarray) -> np.ndarray:
    """Body coordinates [PLACES, PLACES, 3]: forwards across the outline, upwards from its foot to its head."""
    small = cv2.resize(outline, (PLACES, PLACES), interpolation=cv2.INTER_AREA) > 0.5
    places = np.zeros((PLACES, PLACES, 3), np.float32)
    rows, columns = np.nonzero(small)
    if len(rows):
        places[..., 0] = _between(np.arange(PLACES), columns)[None]
        places[..., 2] = -_between(np.arange(PLACES), rows)[:, None]
    return places


def _landmarks(outline: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Places [L, 2] in crop sides from the top of an outline to its foot; those of a pair at its left and right."""
    rows = np.flatnonzero((outline > 0.5).any(1))
    found = np.full((len(names), 2), 0.5, np.float32)
    for number, name in enumerate(names if len(rows) else ()):
        row = int(rows[number * (len(rows) - 1) // len(names)])
        share = 0.25 if name.endswith("_left") else 0.75 if name.endswith("_right") else 0.5
        found[number] = np.quantile(np.flatnonzero(outline[row] > 0.5), share) if outline[row].max() > 0.5 else 0, row
        found[number] = (found[number] + 0.5) / SIDE
    return found


def _between(cells: np.ndarray, of: np.ndarray) -> Any:
    """Cells as -1 at the lowest of some to 1 at the highest."""
    return np.clip(2 * (cells - of.min()) / max(np.ptp(of), 1) - 1, -1, 1)
