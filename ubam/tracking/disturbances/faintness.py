"""A subject that can hardly be seen: as bright as what is behind it, or too small for the surveyed pictures."""

import numpy as np

from ubam.tracking.blobs import find_blobs
from ubam.tracking.scene.background import reduced
from ubam.tracking.scene.empty_scene import Scene, scene_of_motion
from ubam.tracking.scene.foreground import exposure

FAINT = 25.0  # grey levels, a tenth of all: the least of the sample recordings has 26, half of them 60
SURVEYED = 40.0  # pixels that a subject should have in the surveyed pictures: below 12 it is not looked at
MOSTLY = 0.5  # share of the samples in which it must be seen
SHORT, LONG_ENOUGH = 8.0, 16.0  # pixels of the surveyed pictures: what is shorter is seen better in larger ones
TINY = 20.0  # pixels of the recording, below which a posture can hardly be seen


def contrast(samples: np.ndarray, subject: np.ndarray, scene: Scene) -> float | None:
    """How far the subject is from what is behind it: the median over frames, in grey levels of a well-lit scene.

    Parameters
    ----------
    samples
        uint8 [N,H,W,3].
    subject
        bool [N,H,W].
    scene
        Without the subject.

    Returns
    -------
        None where the subject was not seen, or what is behind it was not.
    """
    lit = exposure(scene.background)
    apart = [
        float(np.median(np.abs(frame[there].astype(int) - scene.background[there]).max(1) / lit[there]))
        for frame, there in zip(samples, subject, strict=True)
        if there.any()
    ]
    return float(np.median(apart)) if apart and not scene.hidden else None


def said_of_contrast(levels: float | None) -> tuple[str, ...]:
    """That a subject is faint; nothing of one that is not."""
    if levels is None or levels >= FAINT:
        return ()
    return (
        f"the subject differs from what is behind it by about {levels:.0f} of 255 grey levels: a part of it may be "
        "missing; look at the crops, and record before a floor or wall of another brightness",
    )


def finer_reduction(samples: np.ndarray, reduction: int) -> int | None:
    """By how much less to reduce pictures in which nothing moved, so that what moves in the samples can be seen.

    Parameters
    ----------
    samples
        uint8 [N,H,W,3], at full size.
    reduction
        How many times smaller the pictures were.

    Returns
    -------
        None where nothing moves in the samples, either.
    """
    for finer in range(reduction - 1, 0, -1):
        small = np.stack([reduced(sample, finer) for sample in samples]) if finer > 1 else samples
        scene = scene_of_motion(small)
        mass = np.array([find_blobs(scene.saliency(frame))[0, 0] for frame in small])
        if (mass > 0).mean() > MOSTLY and (finer == 1 or np.median(mass[mass > 0]) > SURVEYED):
            return finer
    return None


def reduction_for_length(length: float, reduction: int) -> int | None:
    """The reduction for a subject of a length in pixels of the recording; None where the one used does."""
    if length >= SHORT * reduction or reduction == 1:
        return None
    return max(1, int(length / LONG_ENOUGH))


def said_of_size(length: float) -> tuple[str, ...]:
    """That a subject, of a length in pixels of the recording, is tiny; nothing of a larger one."""
    if length >= TINY:
        return ()
    return (
        f"the subject is only about {length:.0f} pixels long in a wide picture: where it is can be told, its posture "
        "hardly; record closer, or with a lens that shows less",
    )
