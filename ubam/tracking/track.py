"""Where the subject is: a background model, soft foreground, and one smooth track of square boxes of constant size."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from ubam.tracking.blobs import CANDIDATES, COLUMNS, enlarged_blobs, find_blobs, follow, step_lengths


@dataclass(frozen=True)
class Track:
    """The subject over time, in pixels of the recording.

    box float32 [T,4] (x0, y0, x1, y1): square, one size for the whole recording, may reach outside the picture;
    found bool [T]; body_height: median vertical extent of the subject; ground_y float32 [T]: its lowest point, smooth;
    centre float32 [T,2] (x, y), smoothed; warnings: sentences for the user; shape float32 [T,7]: the moments of the
    subject's blob as `find_blobs` has them; extent: its typical longer side as seen. larger bool [T]: where something
    much larger is in view; None where nobody looked for it. motionless: whether nothing moved, so that no subject was
    found.
    """

    box: np.ndarray
    found: np.ndarray
    body_height: float
    ground_y: np.ndarray
    centre: np.ndarray
    warnings: tuple[str, ...]
    shape: np.ndarray
    extent: float
    larger: np.ndarray | None = None
    motionless: bool = False

    def saying(self, *warnings: str) -> "Track":
        """The same track with further warnings."""
        return replace(self, warnings=self.warnings + warnings)


NO_MOTION = "nothing moves: no subject was found, and the whole picture is used; give a box in the study"
SEVERAL = "several subjects are in view: the heaviest is followed; give a box per subject in the study"
UNLIKE = "something else moves and does not look like a subject: it is left out; look at the crops, or give a box"
UNSTEADY = "much besides the subject moves: does the camera move, or the light change?"
OFTEN = 0.33  # share of the frames in which something else must be there before it counts
SECOND = 0.4  # of the subject's mass: what is as heavy may be a second one
RIVAL = 0.1  # of the mass of what is followed: what is as heavy may be the subject instead
LARGER = 4.0  # times the subject's area: a second one has about one, an arm or a person ten and more


@dataclass(frozen=True)
class Motion:
    """What moves in small frames, and which blob is followed.

    blobs float32 [T,CANDIDATES,14] as `find_blobs` has them; path int [T]: the blob that is followed, -1 for none;
    beside float [T]: summed saliency beside the heaviest blob; size: (width, height) of the frames.
    """

    blobs: np.ndarray
    path: np.ndarray
    beside: np.ndarray
    size: tuple[int, int]

    def track(self, scale: float, fps: float) -> Track:
        """The track of what moves, in pixels of the recording; a small pixel is `scale` of them wide."""
        found = self.path >= 0
        if not found.any():
            width, height = (float(round(side * scale)) for side in self.size)
            whole = fixed_track(len(self.path), (0.0, 0.0, width, height), (NO_MOTION,))
            return replace(whole, motionless=True)
        chosen = self.blobs[np.arange(len(self.path)), np.maximum(self.path, 0)]
        return smooth_track(enlarged_blobs(chosen, scale), found, fps, ())

    def remarks(self, track: Track, scale: float, *, beside: bool = False, unlike: bool = False) -> tuple[str, ...]:
        """Warnings about movement besides a subject whose track is known.

        beside: whether something heavier is known to move; unlike: whether nothing else looks like a subject. What is
        lighter and does not is left out without a word.
        """
        box = track.box / scale
        others = beside or self._share_beside(box, SECOND) > OFTEN
        heavier = beside or self._share_beside(box, 1.0) > OFTEN
        several = (UNLIKE,) * heavier if unlike else (SEVERAL,) * others
        return several + (UNSTEADY,) * bool(np.median(self.beside) > 0.1 * self.size[0] * self.size[1])

    def rival(self, track: Track, scale: float) -> "Motion | None":
        """What else moves, besides what is followed by a track; None where that is small or seldom there."""
        box = _settled(track.box / scale)
        if self._share_beside(box, RIVAL) <= OFTEN:
            return None
        blobs = np.where(self._outside(box).T[..., None], self.blobs, 0)
        order = np.argsort(-blobs[:, :, 0], axis=1, kind="stable")
        blobs = np.take_along_axis(blobs, order[..., None], axis=1)
        return replace(self, blobs=blobs, path=follow(blobs))

    def larger(self, area: float) -> np.ndarray:
        """In which frames something moves that is `LARGER` times as large as a subject of an area (px), bool [T].

        A wheel that is always there has come from nowhere: what counts is larger than what mostly moves, too.
        """
        heaviest = self.blobs[:, 0, 0]
        return np.asarray(heaviest > LARGER * max(area, float(np.percentile(heaviest, 25))))

    def heavier(self, usual: np.ndarray) -> np.ndarray:
        """In which frames `LARGER` times as much moves as in usual ones, int [N], bool [T]."""
        heaviest = self.blobs[:, 0, 0]
        return np.asarray(heaviest > LARGER * float(np.median(heaviest[usual])))

    def without(self, frames: np.ndarray) -> "Motion":
        """The same motion as if nothing moved in some frames, bool [T]."""
        blobs = np.where(frames[:, None, None], 0, self.blobs)
        return replace(self, blobs=blobs, path=follow(blobs))

    def _share_beside(self, box: np.ndarray, least: float) -> float:
        """In which share of the frames a blob of so much of the subject's mass is outside its box."""
        seen = np.flatnonzero(self.path >= 0)
        own = self.blobs[seen, self.path[seen]]
        heavy = least * own[:, 0] < self.blobs[seen, :, 0].T
        return float((heavy & self._outside(box)[:, seen]).any(axis=0).mean()) if len(seen) else 0.0

    def _outside(self, box: np.ndarray) -> np.ndarray:
        """Which blobs have their centres outside a box [T,4], bool [CANDIDATES,T]."""
        x, y = self.blobs[:, :, 1].T, self.blobs[:, :, 2].T
        x0, y0, x1, y1 = box.T
        return (x < x0) | (x > x1) | (y < y0) | (y > y1)


def _settled(box: np.ndarray) -> np.ndarray:
    """Boxes [T,4], or where they mostly are, for all frames, if they mostly stay there: a path may jump to a rival."""
    place = np.median(box, axis=0)
    away = np.median(np.abs(box - place).max(axis=1))
    return np.tile(place, (len(box), 1)) if away < 0.5 * (place[2] - place[0]) else box


def motion_of(salient: Iterable[np.ndarray]) -> Motion:
    """What moves in soft foregrounds float32 [h,w], one for each frame."""
    kept, beside, size = array("f"), array("d"), (0, 0)  # small objects between pictures would hold on to their memory
    for one in salient:
        blobs = find_blobs(one)
        kept.frombytes(blobs.tobytes())
        beside.append(float(one.sum()) - float(blobs[0, 0]))
        size = (one.shape[1], one.shape[0])
    held = np.array(kept, np.float32).reshape(-1, CANDIDATES, COLUMNS)
    return Motion(held, follow(held), np.array(beside), size)


def fixed_track(count: int, box: tuple[float, float, float, float], warnings: tuple[str, ...]) -> Track:
    """One given box, made square around its centre, in every frame."""
    x0, y0, x1, y1 = box
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2], np.float32)
    half = max(x1 - x0, y1 - y0) / 2
    boxes = np.concatenate([centre - half, centre + half]).astype(np.float32)
    return Track(
        np.repeat(boxes[None], count, 0), np.ones(count, bool), y1 - y0, np.full(count, y1, np.float32),
        np.repeat(centre[None], count, 0), warnings, np.zeros((count, 7), np.float32), 2 * float(half),
    )  # fmt: skip


def smooth_track(chosen: np.ndarray, found: np.ndarray, fps: float, warnings: tuple[str, ...]) -> Track:
    """The track along one blob per frame [T,14] (`find_blobs`, pixels of the recording), where it was found [T]."""
    x0, y0, x1, y1 = chosen[:, 3:7].T
    extent = np.maximum(x1 - x0, y1 - y0)[found]
    half = 0.5 * 1.25 * float(np.median(extent))
    known = np.flatnonzero(found)
    elsewhere = known[1:][step_lengths(chosen[known, 1:3]) > half]
    runs = np.split(np.arange(len(found)), elsewhere)
    middle = np.stack([(x0 + x1) / 2, (y0 + y1) / 2, y1], 1)
    quick = smooth_runs(chosen[:, 1:3], found, 0.12 * fps, runs)
    slow = smooth_runs(np.concatenate([chosen[:, 1:3], middle], 1), found, 0.5 * fps, runs)
    centre = (quick + slow[:, 2:4] - slow[:, :2]).astype(np.float32)
    ground = slow[:, 4].astype(np.float32)
    box = np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)
    return Track(
        box, found, float(np.median((y1 - y0)[found])), ground, centre, warnings, chosen[:, 7:],
        float(np.percentile(extent, 90)),
    )  # fmt: skip


def smooth_runs(values: np.ndarray, found: np.ndarray, sigma: float, runs: Sequence[np.ndarray]) -> np.ndarray:
    """`smooth` each run of frames (positions) by itself, as the subject jumps between runs."""
    return np.concatenate([smooth(values[run], found[run], sigma) for run in runs])


def smooth(values: np.ndarray, found: np.ndarray, sigma: float) -> np.ndarray:
    """Values [T,C], held where not found, without single outliers, smoothed by a Gaussian of sigma frames."""
    known = np.flatnonzero(found)
    nearest = known[np.clip(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0, None)]
    held = median_filter(values[nearest].astype(np.float64), size=(5, 1), mode="nearest")
    reach = max(1, int(3 * sigma))
    return np.asarray(gaussian_filter1d(held, max(sigma, 1e-3), axis=0, mode="nearest", radius=reach))
