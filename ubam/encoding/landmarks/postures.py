"""Landmarks as postures: where the eye sees the parts of the body, in body units, as the numbers of a posture.

The frame of a recording is a similarity frame: the middle of the trunk is the origin, the subject's own size the unit,
and a subject that faces left is mirrored, with left and right changed, so that everybody walks one way. A subject seen
from above is turned to its heading. Left and right of a limb keep their sides (tracking/sides.py).

The numbers of a pair are the sum and the difference of its landmarks. The sum is the same whichever of them is left; so
where the eye can't tell, as of the far arm of a walker, the difference alone is unreliable, and counts less. Directions
that can't be relied on (reliable.py) count as normal in scores.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ubam.core.errors import ModelError
from ubam.core.files import write_json
from ubam.encoding.landmarks.reliable import unreliable, weights
from ubam.encoding.landmarks.total_variance import total_variance
from ubam.tracking.body import Body, read_body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.eye.landmarks import LANDMARKS, mirrored
from ubam.tracking.sides import settle_sides

TRUNK = {
    "person": ("neck", "shoulder_left", "shoulder_right", "hip_left", "hip_right", "pelvis"),
    "rodent": ("neck", "back", "tail_base"),
    "dog": ("neck", "back", "tail_base"),
    "fly": ("neck", "waist", "abdomen_tip"),
}  # the parts that move least against each other, whose middle is the origin
AHEAD = {
    "person": (("toe_left", "ankle_left"), ("toe_right", "ankle_right"), ("nose", "head")),
    "rodent": (("nose", "tail_base"),),
    "dog": (("nose", "tail_base"),),
    "fly": (("head", "abdomen_tip"),),
}  # of each, the first is ahead of the second
SIDEWAYS = 0.1  # body sizes by which the parts ahead lie beside the others where a subject is seen from the side
SEEN = 0.5  # chance of lying within the crop, from which on a landmark is seen
ENOUGH = 0.5  # share of the frames in which a landmark is seen, and of the recordings in which it is
FEWEST = 3  # landmarks
SMOOTH_S = 0.04  # seconds


@dataclass(frozen=True)
class Landmarks:
    """The landmarks of one recording in its body frame: xy float32 [T, L, 2] in body sizes, NaN where never seen."""

    plan: str
    xy: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the landmarks."""
        return LANDMARKS[self.plan]


@dataclass(frozen=True)
class LandmarkCode:
    """How landmarks become a posture: K names, their mean places `shape` [K, 2] and the weight of each number [2 K].

    unreliable: second moment [2 K, 2 K] of postures that counts as normal, as `reliable.unreliable` has it; empty in
    the codes of earlier models.
    """

    plan: str
    names: tuple[str, ...]
    shape: tuple[tuple[float, float], ...]
    weight: tuple[float, ...]
    unreliable: tuple[tuple[float, ...], ...] = ()

    def encode(self, landmarks: Landmarks) -> np.ndarray:
        """Postures float32 [T, 2 K], never NaN: a landmark that was never seen has its mean place over the study."""
        known = dict(zip(self.names, self.shape, strict=True))
        usual = np.array([known.get(name, (0.0, 0.0)) for name in landmarks.names])
        return self.numbers(np.where(np.isfinite(landmarks.xy), landmarks.xy, usual)).astype(np.float32)

    def numbers(self, xy: np.ndarray) -> np.ndarray:
        """The numbers [n, 2 K] of all landmarks of the plan [n, L, 2], or of their displacements."""
        chosen = [LANDMARKS[self.plan].index(name) for name in self.names]
        return sums_and_differences(xy[:, chosen], self.names).reshape(len(xy), -1) * np.array(self.weight)

    def normal(self, displacements: np.ndarray) -> np.ndarray:
        """Second moment float32 [2 K, 2 K] of what is normal beside movement.

        That is what other looks do to a recording, by the displacements of its landmarks [n, L, 2], and what is
        unreliable.
        """
        rows = self.numbers(displacements)
        return np.asarray(rows.T @ rows / len(rows) + (np.array(self.unreliable) if self.unreliable else 0), np.float32)

    def scaled(self, factor: float) -> "LandmarkCode":
        """The same code times `factor`."""
        weight = tuple(factor * weight for weight in self.weight)
        return replace(self, weight=weight, unreliable=_rows(factor**2 * np.array(self.unreliable)))

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "LandmarkCode":
        """Read what `save` wrote; ModelError when it is damaged."""
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            shape = tuple((float(x), float(y)) for x, y in value["shape"])
            weight = tuple(float(one) for one in value["weight"])
            return cls(value["plan"], tuple(value["names"]), shape, weight, _rows(value.get("unreliable", ())))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is missing or damaged: copy the model folder again or train anew") from error


def read_landmarks(store: CropStore, plan: str) -> Landmarks:
    """The landmarks of a recording in its body frame; the eye looks at it unless it has."""
    return in_body_frame(read_body(store, plan), store)


def in_body_frame(body: Body, store: CropStore) -> Landmarks:
    """What the eye saw in a recording as landmarks in body sizes; gaps are bridged, and single outliers removed."""
    side = (store.box[:, 2] - store.box[:, 0])[:, None, None]
    xy = turned_back(np.asarray(body.landmarks, np.float64) - 0.5, store.heading) * side
    found = np.flatnonzero(store.found)
    order = settle_sides(xy[found], body.plan, store.fps)
    seen = (np.take_along_axis(body.inside[found], order, 1) > SEEN)[..., None]
    whole = bridged(np.where(seen, np.take_along_axis(xy[found], order[..., None], 1), np.nan), found, len(xy))
    smooth = gaussian_filter1d(whole, SMOOTH_S * store.fps, axis=0, mode="nearest")
    return Landmarks(body.plan, facing_right(centred(smooth, body.plan), body.plan).astype(np.float32))


def turned_back(xy: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Points [T, L, 2] around the middle of the crop, turned back by the heading [T] radians, clockwise as seen."""
    c, s = np.cos(heading), np.sin(heading)
    turns = np.stack([np.stack([c, s], -1), np.stack([-s, c], -1)], -2)
    return np.asarray(np.einsum("tij,tkj->tki", turns, xy))


def bridged(xy: np.ndarray, frames: np.ndarray, count: int) -> np.ndarray:
    """Points [n, L, 2] of some frames [n], in order, as [count, L, 2]: what is missing lies between its neighbours.

    NaN for a point that is missing in more than half of them.
    """
    whole = np.full((count, *xy.shape[1:]), np.nan)
    for point in range(xy.shape[1]):
        seen = np.isfinite(xy[:, point]).all(-1)
        if len(seen) and seen.mean() >= ENOUGH:
            for axis in range(2):
                whole[:, point, axis] = np.interp(np.arange(count), frames[seen], xy[seen, point, axis])
    return whole


def centred(xy: np.ndarray, plan: str) -> np.ndarray:
    """Points [T, L, 2] from the middle of the trunk, in body sizes.

    A size is the median over frames of the root mean square distance of the points from their middle: nothing but the
    eye says how large a subject is.
    """
    numbers = [LANDMARKS[plan].index(name) for name in TRUNK[plan]]
    trunk = xy[:, [number for number in numbers if np.isfinite(xy[:, number]).all()] or slice(None)]
    placed = xy - np.nan_to_num(np.nanmean(trunk, axis=1, keepdims=True)) if np.isfinite(trunk).any() else xy
    apart = placed - np.nanmean(placed, axis=1, keepdims=True) if np.isfinite(placed).any() else np.zeros_like(placed)
    size = np.median(np.sqrt(np.nansum(apart**2, -1).sum(1) / np.maximum(np.isfinite(apart[..., 0]).sum(1), 1)))
    return np.asarray(placed / max(float(size), 1e-9))


def facing_right(xy: np.ndarray, plan: str) -> np.ndarray:
    """Points [T, L, 2] in body sizes, mirrored and left and right exchanged where the subject faces left."""
    names = LANDMARKS[plan]
    ways = [xy[:, names.index(ahead), 0] - xy[:, names.index(behind), 0] for ahead, behind in AHEAD[plan]]
    known = [way for way in ways if np.isfinite(way).all()]
    if not known or np.mean([np.median(way) for way in known]) > -SIDEWAYS:
        return xy
    return np.asarray(xy[:, mirrored(plan)] * [-1.0, 1.0])


def settle_landmark_code(
    landmarks: Sequence[Landmarks], moved: Sequence[np.ndarray], fps: Sequence[float], given: LandmarkCode | None,
    variance: float | None,
) -> LandmarkCode:  # fmt: skip
    """The code of a study: that of a model as it is, or one fitted to the recordings, as `fit_landmark_code` does.

    One recording at a time is taken from `landmarks`. variance: to which the whole of a fitted code is scaled, so that
    it weighs as much as what stands beside it; without it, it stays as it is.
    """
    code = given or fit_landmark_code(landmarks, moved, fps)
    if given is not None or variance is None:
        return code
    own = total_variance(_Encoded(code, landmarks))
    return code.scaled(float(np.sqrt(variance / max(own, 1e-12))))


@dataclass(frozen=True)
class _Encoded:
    """The postures of recordings, each made when it is asked for."""

    code: LandmarkCode
    landmarks: Sequence[Landmarks]

    def __len__(self) -> int:
        return len(self.landmarks)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.code.encode(self.landmarks[index])

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.code.encode, self.landmarks)


def sums_and_differences(xy: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Points [T, K, 2] with those of a pair replaced by their sum and their difference, over the root of 2."""
    made = xy.copy()
    for left, name in enumerate(names):
        other = name.removesuffix("_left") + "_right"
        if name.endswith("_left") and other in names:
            right = list(names).index(other)
            made[:, left] = (xy[:, left] + xy[:, right]) / np.sqrt(2)
            made[:, right] = (xy[:, left] - xy[:, right]) / np.sqrt(2)
    return made


def fit_landmark_code(
    recordings: Sequence[Landmarks], moved: Sequence[np.ndarray], fps: Sequence[float]
) -> LandmarkCode:
    """The code of a study: the landmarks that most recordings show, each number weighed by how little it errs.

    moved: of each recording, how other looks move its landmarks [C, L, 2] (other_looks.py).
    ModelError when hardly a landmark is seen.
    """
    plan, numbers = recordings[0].plan, _shown(recordings)
    if len(numbers) < FEWEST:
        raise ModelError(f"Hardly a landmark of a {plan} is seen in most recordings; use --posture learned.")
    shape = np.nanmean([one.xy[:, numbers].mean(0) for one in recordings], axis=0)  # all of a recording is NaN, or none
    names = tuple(LANDMARKS[plan][number] for number in numbers)
    plain = LandmarkCode(plan, names, tuple((float(x), float(y)) for x, y in shape), (1.0,) * (2 * len(names)))
    code = replace(plain, weight=tuple(weights(_Encoded(plain, recordings), fps).tolist()))
    looks = np.mean([code.normal(one) for one in moved], axis=0)
    return replace(code, unreliable=_rows(unreliable(_Encoded(code, recordings), fps, looks)))


def enough(recordings: Sequence[Landmarks]) -> bool:
    """Whether most recordings show so many landmarks that postures can be made of them."""
    return len(_shown(recordings)) >= FEWEST


def _shown(recordings: Sequence[Landmarks]) -> np.ndarray:
    """The numbers [K] of the landmarks that most recordings show."""
    return np.flatnonzero(np.mean([np.isfinite(one.xy).all((0, 2)) for one in recordings], axis=0) >= ENOUGH)


def _rows(matrix: Iterable[Iterable[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in matrix)
