"""A camera, or an arena that fills the picture, that is pushed: at rest before, and at rest elsewhere after.

Pictures of the scene before and after are median pictures, so that the subject is not in them. How far the second is
shifted against the first is told by phase correlation (Kuglin and Hines 1975), and believed where the two then match.
"""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from ubam.core.affine import centred, compose
from ubam.tracking.camera_motion import (
    AT_REST,
    IDENTITY,
    MOVED,
    Camera,
    LostCamera,
    evened,
    laid_upon,
    placed,
    share_at_rest,
)
from ubam.tracking.first_pass import FirstPass
from ubam.tracking.scene.background import median_background, reduced

MOST = 3  # a camera that is pushed more often is one that moves
SUDDEN = 1.5  # times the usual change from one picture to the next
MATCHES = 0.8  # of the difference that two pictures have, at most this is left once one is shifted; a wrong shift adds


@dataclass(frozen=True)
class Jumps:
    """Where the picture jumps.

    at: the first frame after each jump, rising; moves float64 [n,2,3]: pixels of the small pictures after it to those
    before it.
    """

    at: tuple[int, ...]
    moves: np.ndarray

    def camera(self, count: int, shape: tuple[int, int]) -> Camera:
        """The camera over `count` small frames of this shape (height, width): at rest between the jumps."""
        so_far, parts, edges = IDENTITY, [], [0, *self.at, count]
        for number, (start, stop) in enumerate(pairwise(edges)):
            so_far = so_far if number == 0 else compose(so_far, self.moves[number - 1])
            parts.append(np.repeat(so_far[None], stop - start, 0))
        return placed(np.concatenate(parts), np.ones(count, bool), shape)


def find_jumps(survey: FirstPass) -> Jumps | None:
    """The jumps of a picture that is otherwise at rest; None where there are none, or it moves all along."""
    small = np.stack([reduced(sample, survey.reduction) for sample in survey.samples])
    looks = [evened(picture) for picture in small]
    after = _sudden(looks)
    edges, found = [0, *after, len(looks)], []
    scenes = [median_background(np.stack(looks[start:stop])) for start, stop in pairwise(edges)]
    before = scenes[0]
    for number, scene in zip(after, scenes[1:], strict=True):
        move = _move(before, scene)
        if move is not None and _explains(move, looks[number - 1], looks[number]):
            found.append((_first_after(survey, number, before, scene), move))
            before = scene
    if not found:
        return None
    jumps = Jumps(tuple(at for at, _ in found), np.stack([move for _, move in found]))
    try:
        camera = jumps.camera(len(survey.times), small.shape[1:3])
    except LostCamera:  # so far apart that it is no push
        return None
    return jumps if _at_rest(small, camera.at(survey.sampled)) else None


def _sudden(looks: list[np.ndarray]) -> list[int]:
    """The evened pictures, at most `MOST`, that differ most from the ones before them, and more than is usual."""
    changes = np.array([float(cv2.absdiff(first, second).mean()) for first, second in pairwise(looks)])
    largest = np.argsort(-changes, kind="stable")[:MOST]
    return sorted(int(one) + 1 for one in largest if changes[one] > SUDDEN * np.median(changes))


def _explains(move: np.ndarray, before: np.ndarray, after: np.ndarray) -> bool:
    """Whether a move brings two pictures, one right after the other, together: of a camera that pans it does not."""
    return _difference(before, after, move) < _difference(before, after, IDENTITY)


def _at_rest(pictures: np.ndarray, camera: Camera) -> bool:
    """Whether pictures [N,h,w,3] are at rest once each is laid into the scene."""
    laid = [camera.register(picture, at)[0] for at, picture in enumerate(pictures)]
    return share_at_rest(np.stack(laid)) >= AT_REST


def _shift(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """By how many pixels (x, y) the second evened picture is shifted against the first, [2]."""
    window = cv2.createHanningWindow(first.shape[::-1], cv2.CV_32F)
    return np.array(cv2.phaseCorrelate(first.astype(np.float32), second.astype(np.float32), window)[0])


def _move(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """The move of the points of an evened picture to those of the one before it; None where it explains too little."""
    shift = _shift(before, after)
    if np.abs(shift).max() <= MOVED:
        return None
    guess = np.array([[1.0, 0, -shift[0]], [0, 1.0, -shift[1]]])
    finer = [laid_upon(before, after, one) for one in (guess, IDENTITY)]  # one that also turned is followed from there
    moves = [guess, *(move for move in finer if move is not None)]
    left, best = min(((_difference(before, after, move), number) for number, move in enumerate(moves)))
    return moves[best] if left < MATCHES * _difference(before, after, IDENTITY) else None


def _difference(before: np.ndarray, after: np.ndarray, move: np.ndarray) -> float:
    """Mean difference in grey levels of one picture to the other, laid upon it, where both are seen."""
    size = before.shape[::-1]
    laid = cv2.warpAffine(after, centred(move), size)
    seen = cv2.warpAffine(np.full_like(after, 255), centred(move), size) == 255
    return float(cv2.absdiff(before, laid)[seen].mean()) if seen.any() else np.inf


def _first_after(survey: FirstPass, number: int, before: np.ndarray, after: np.ndarray) -> int:
    """The first frame after a jump that is between a sample and the one before it."""
    start, stop = int(survey.sampled[number - 1]), int(survey.sampled[number])
    nearer = 0
    for frame in survey.small_frames(start, stop):
        even = evened(frame)
        nearer += int(_difference(before, even, IDENTITY) <= _difference(after, even, IDENTITY))
    return start + max(1, nearer)
