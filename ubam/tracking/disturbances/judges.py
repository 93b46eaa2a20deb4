"""What moves and looks like a body: where several things move at once, the eye glances at each of them.

Mass alone takes a cloth at the edge of the picture for the subject while that is heavier. The eye says how sure it is
of an outline; what it is much less sure of than of the surest thing counts less on the subject's path.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ubam.tracking.blobs import follow
from ubam.tracking.second_look import WIDER, WIDEST, Frames, glance
from ubam.tracking.track import Motion

GLANCES = 16  # frames that are looked at
RIVAL = 0.1  # of the mass of the heaviest: what is as heavy may be the subject instead
SURER = 2.0  # times the least doubt, up to which a thing looks as much like a body; two animals have about as much
NEIGHBOURS = 3  # judged things that a thing is compared with, those nearest to it in place and mass
UNSEEN = 0.5  # the doubt where nothing is seen: as much as an outline can have


def judged(frames: Frames, motion: Motion) -> Motion:
    """The same motion, with the path of what looks like a body.

    Parameters
    ----------
    frames
        Gives the small pictures of all frames, uint8 [h,w,3], anew at every call.
    """
    mass = motion.blobs[:, :, 0]
    rivals = (mass > 0) & (mass >= RIVAL * mass[:, :1])
    unclear = np.flatnonzero(rivals.sum(axis=1) > 1)
    if not len(unclear):
        return motion
    at = unclear[np.unique(np.linspace(0, len(unclear) - 1, GLANCES).round().astype(int))]
    which = np.argwhere(rivals[at])
    shown = motion.blobs[at[which[:, 0]], which[:, 1]]
    doubt = _doubts(frames, at[which[:, 0]], shown)
    least = np.median([doubt[which[:, 0] == row].min() for row in range(len(at))])
    worth = np.where(doubt < UNSEEN, np.minimum(1.0, SURER * least / np.maximum(doubt, 1e-6)), 0.0)
    worths = np.ones_like(mass)
    worths[unclear] = _as_neighbours(motion.blobs[unclear], shown, worth)
    return replace(motion, path=follow(motion.blobs, worths))


def _doubts(frames: Frames, at: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    """How unsure the eye is of the outline of each blob [n,14] at its frame [n], [n]; the surer of two looks."""
    sides = np.maximum(blobs[:, 5] - blobs[:, 3], blobs[:, 6] - blobs[:, 4])
    middle = np.stack([blobs[:, 3] + blobs[:, 5], blobs[:, 4] + blobs[:, 6]], 1) / 2
    looks = [glance(frames, at, middle, wider * sides, wider) for wider in (WIDER, WIDEST)]
    return np.min([list(_doubt(look)) for look in looks], axis=0)


def _doubt(outlines: Iterator[np.ndarray]) -> Iterator[float]:
    for outline in outlines:
        sure = outline[outline > 0.5]
        yield float(1 - sure.mean()) if len(sure) else UNSEEN


def _as_neighbours(blobs: np.ndarray, shown: np.ndarray, worth: np.ndarray) -> np.ndarray:
    """What blobs [T,CANDIDATES,14] are worth: as much as the judged ones [n,14] that are nearest in place and mass."""
    size = np.sqrt(np.median(shown[:, 0]))
    apart = np.hypot(*(blobs[..., None, axis] - shown[:, axis] for axis in (1, 2))) / size
    heavier = np.abs(np.log(np.maximum(blobs[..., None, 0], 1.0) / np.maximum(shown[:, 0], 1.0)))
    nearest = np.argsort(apart + heavier, axis=-1, kind="stable")[..., :NEIGHBOURS]
    return np.asarray(worth[nearest].mean(axis=-1))
