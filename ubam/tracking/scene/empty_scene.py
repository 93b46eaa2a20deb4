"""The scene of a recording without its subject: background, noise, and whether what is behind the subject was seen."""

from dataclasses import dataclass

import cv2
import numpy as np

from ubam.tracking.scene.background import (
    fill,
    free_median,
    in_place_noise,
    noise_map,
    steadiest_background,
)
from ubam.tracking.scene.foreground import grown, saliency

ALWAYS = 0.9  # share of the frames in which a place is covered, above which its background counts as unseen
HIDDEN = 0.3  # share of a subject before unseen background, above which it counts as staying in place
LIKE = 0.5  # saliency up to which two pictures of a place are alike
IN_PLACE = "the subject stays in one place, so that the picture behind it was never seen: it is filled in from around"


@dataclass(frozen=True)
class Scene:
    """What stays the same in a recording, all at one picture size.

    background uint8 [H,W,3]: without the subject; noise float32 [H,W]: grey levels (standard deviation) per pixel;
    hidden: whether the subject stays in place, so that the background behind it is filled in, never seen.
    """

    background: np.ndarray
    noise: np.ndarray
    hidden: bool

    def saliency(self, frame: np.ndarray) -> np.ndarray:
        """How far a frame uint8 [H,W,3] is from the background, in units of noise, float32 [H,W] in 0..1."""
        return saliency(frame, self.background, self.noise)

    def resized(self, size: tuple[int, int]) -> "Scene":
        """The same scene at another size (width, height)."""
        background, noise = (
            cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in (self.background, self.noise)
        )
        return Scene(background, noise, self.hidden)


def scene_of_motion(frames: np.ndarray) -> Scene:
    """A first scene for finding what moves, from frames uint8 [N,h,w,3]; it may hide a subject that stays in place."""
    background = steadiest_background(frames)
    return Scene(background, in_place_noise(noise_map(frames, background)), True)


def empty_scene(frames: np.ndarray, subject: np.ndarray) -> Scene:
    """The scene behind a subject whose outline is known in every frame.

    Each pixel is the median over the frames in which the subject does not cover it, with a margin. What is always
    covered is filled in from around.

    Parameters
    ----------
    frames
        uint8 [N,H,W,3].
    subject
        bool [N,H,W].
    """
    covered = np.stack([grown(one) for one in subject])
    always = covered.mean(axis=0) > ALWAYS
    free = free_median(frames, covered)
    background = fill(free, always)
    size = max(float(subject.sum(axis=(1, 2)).mean()), 1.0)
    behind = float((subject & always).sum(axis=(1, 2)).mean())
    noise = noise_map(frames, background, covered)
    hidden = behind > HIDDEN * size
    return Scene(background, in_place_noise(noise) if hidden else noise, hidden)


def always_there(frames: np.ndarray, subject: np.ndarray, scene: Scene) -> np.ndarray:
    """Where the scene shows the subject itself, bool [H,W]; arguments as in `empty_scene`, and what that made of them.

    Outlines may miss a part of a body that stays in place in some of the frames, which are then taken for free: what
    often covers such a place looks as the scene does there. Nowhere, where that is less of the subject than what makes
    a scene `hidden`: an outline with a rim covers a little of the scene, too.
    """
    often = subject.mean(axis=0) > HIDDEN
    if not often.any():
        return often
    rows, columns = (np.flatnonzero(often.any(axis=axis)) for axis in (1, 0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    usual = scene.background.copy()
    usual[part] = free_median(frames[:, *part], ~subject[:, *part])
    shown = often & (scene.saliency(usual) <= LIKE)
    return shown if (subject & shown).sum() > HIDDEN * subject.sum() else np.zeros_like(shown)
