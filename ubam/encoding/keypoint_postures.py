"""Keypoints as a part of the posture, [learned posture | points], if every recording of a study has keypoints.

Points are mapped into the subject's view, whose side is 1 and which is turned to the heading. Short gaps are bridged,
and the position of the body is subtracted. The block of points is scaled to the variance of the learned posture over
the study, so that neither outweighs the other in a distance.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ubam.core.errors import ModelError, StudyError
from ubam.core.files import write_json
from ubam.recordings.keypoint_files import Keypoints, read_keypoints
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import probe
from ubam.tracking.crop_store import CropStore


def nearest_animal(points: Keypoints, frame_index: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Points float32 [T, K, 2] of the animal nearest to the middle of the subject's box in each frame, NaN for none.

    frame_index: int [T], frames of the video. box: [T, 4], pixels. The tracker's names of animals are not used, because
    trackers swap animals.
    """
    order = np.argsort(points.frame, kind="stable")
    place = order[np.clip(np.searchsorted(points.frame, frame_index, sorter=order), 0, len(order) - 1)]
    here = np.where((points.frame[place] == frame_index)[:, None, None, None], points.xy[place], np.nan)
    seen = np.isfinite(here)
    centre = np.where(seen, here, 0).sum(2) / np.maximum(seen.sum(2), 1)
    middle = (box[:, None, :2] + box[:, None, 2:]) / 2
    distance = np.where(seen.any((2, 3)), np.linalg.norm(centre - middle, axis=-1), np.inf)
    chosen: np.ndarray = here[np.arange(len(here)), distance.argmin(1)]
    return chosen.astype(np.float32)


def in_view(xy: np.ndarray, box: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """Points [T, K, 2] in pixels of the video as shares of the view: box [T, 4], turned back by heading [T] radians."""
    shares = (xy - box[:, None, :2]) / _side(box) - 0.5
    return np.asarray(np.einsum("tij,tkj->tki", _turns(-heading), shares) + 0.5)


def in_picture(shares: np.ndarray, box: np.ndarray, heading: np.ndarray) -> np.ndarray:
    """The inverse of `in_view`."""
    xy = np.einsum("tij,tkj->tki", _turns(heading), shares - 0.5) + 0.5
    return np.asarray(xy * _side(box) + box[:, None, :2])


def _side(box: np.ndarray) -> np.ndarray:
    return (box[:, 2] - box[:, 0])[:, None, None]


def _turns(angle: np.ndarray) -> np.ndarray:
    """Rotation matrices [T, 2, 2] by `angle` [T] radians, clockwise in the picture."""
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)


BRIDGED_S = 0.2  # longest gap that is interpolated
ENOUGH = 0.5  # share of the frames in which a point must be present, and of the recordings that must have it
FEWEST = 2  # points; a single one is constant once its position is subtracted


@dataclass(frozen=True)
class Points:
    """The subject's points in one recording: K names, xy float32 [T, K, 2] in shares of its view, NaN where missing."""

    names: tuple[str, ...]
    xy: np.ndarray


@dataclass(frozen=True)
class PoseCode:
    """How points become a part of the posture: K names, mean positions `shape` [K, 2], and the weight of the block."""

    names: tuple[str, ...]
    shape: tuple[tuple[float, float], ...]
    weight: float

    def encode(self, points: Points) -> np.ndarray:
        """The block of points, float32 [T, 2 K], never NaN: a missing point has its mean position over the study."""
        xy, shape = _ordered(points, self.names), np.array(self.shape)
        placed = xy - _offset(xy, shape)[:, None]
        return (self.weight * np.where(np.isfinite(placed), placed, shape)).reshape(len(xy), -1).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> "PoseCode":
        """Read what `save` wrote; ModelError when it is damaged."""
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            return cls(tuple(value["names"]), tuple((x, y) for x, y in value["shape"]), float(value["weight"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path} is missing or damaged: copy the model folder again or train anew") from error


def encode_points(
    recordings: Sequence[Recording],
    stores: Sequence[CropStore],
    variance: float,
    path: Path,
    given: PoseCode | None = None,
) -> tuple[list[np.ndarray], list[str]]:
    """The block of points float32 [T, P] of every recording, and messages about it for the user.

    P is 0 if no keypoints are used, because the study names none or not every recording has usable ones. The pose code
    is fitted to the study, scaled to a total `variance`, and written to `path`; a `given` one is used as it is.
    """
    nothing = [np.zeros((len(store.time_s), 0), np.float32) for store in stores]
    path.unlink(missing_ok=True)
    if all(recording.keypoints is None for recording in recordings):
        words = "The model was trained beside keypoints, and this study names none: only learned postures are used."
        return nothing, [] if given is None else [words]
    found, problems = _located(recordings, stores)
    if problems:
        return nothing, [
            f"Keypoints are not used, as all recordings must have them: {len(problems)} of {len(recordings)} have none "
            f"that can be used. The first: {problems[0]}"
        ]
    code, left_out = _settled(found, variance, given)
    if code is None:
        return nothing, ["Keypoints are not used: hardly any point is present in most frames of most recordings."]
    code.save(path)
    words = f"Points left out of the posture: {', '.join(left_out)}"
    why = "the model does not know them" if given else "they are missing in most recordings"
    return [code.encode(points) for points in found], [f"{words} ({why})."] if left_out else []


def _located(recordings: Sequence[Recording], stores: Sequence[CropStore]) -> tuple[list[Points], list[str]]:
    found, problems = [], []
    for recording, store in zip(recordings, stores, strict=True):
        try:
            found.append(locate_points(recording, store))
        except StudyError as error:
            problems.append(str(error))
    return found, problems


def _settled(found: Sequence[Points], variance: float, given: PoseCode | None) -> tuple[PoseCode | None, list[str]]:
    if given is None:
        return fit_pose_code(found, variance)
    there = {name for points in found for name in points.names}
    code = given if len(there & set(given.names)) >= FEWEST else None
    return code, sorted(name for name in there if name not in given.names)


def keypoints_of(recording: Recording) -> Keypoints:
    """The keypoints of a recording; StudyError if there are none, or the file is unreadable or of another video."""
    if recording.keypoints is None:
        raise StudyError(f"{recording.video}: has no keypoints; name their file in the study's column 'keypoints'")
    return read_keypoints(recording.keypoints, recording.video, probe(recording.video).frames_declared)


def locate_points(recording: Recording, store: CropStore) -> Points:
    """The points of a recording's subject in its T frames, with short gaps bridged and single outliers removed.

    Raises
    ------
    StudyError
        The file is missing or unreadable, belongs to another video, or has too few points of the subject.
    """
    found = keypoints_of(recording)
    xy = nearest_animal(found, store.frame_index, store.box)
    share = float(np.isfinite(xy).any((1, 2)).mean())
    if share < ENOUGH:
        raise StudyError(
            f"{recording.keypoints}: has points of the subject in {share:.0%} of the frames, and {ENOUGH:.0%} are "
            "needed; give a file with the points of every frame"
        )
    inside = _inside(xy, store.box)[np.isfinite(xy).any((1, 2))].mean()
    if inside < ENOUGH:
        raise StudyError(
            f"{recording.keypoints}: its points lie outside the subject's box in {1 - inside:.0%} of the frames; is it "
            "the file of another recording?"
        )
    bridged = bridge(in_view(xy, store.box, store.heading), max(1, round(BRIDGED_S * store.fps)))
    return Points(found.names, steady(bridged).astype(np.float32))


def _inside(xy: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Whether a point [T, K, 2] lies in the box [T, 4] of its frame or a quarter of its side around it, bool [T]."""
    margin = _side(box) / 4
    low, high = box[:, None, :2] - margin, box[:, None, 2:] + margin
    return np.asarray(((xy >= low) & (xy <= high)).all(-1).any(-1))


def bridge(xy: np.ndarray, longest: int) -> np.ndarray:
    """Interpolate gaps of at most `longest` frames in tracks [T, K, 2]; longer gaps and missing ends stay."""
    filled = xy.copy()
    for point in range(xy.shape[1]):
        seen = np.flatnonzero(np.isfinite(xy[:, point]).all(-1))
        apart = np.diff(seen)
        for gap in np.flatnonzero((apart > 1) & (apart <= longest + 1)):
            before, after = seen[gap], seen[gap + 1]
            share = np.linspace(0, 1, after - before + 1)[:, None]
            filled[before : after + 1, point] = xy[before, point] * (1 - share) + xy[after, point] * share
    return filled


def steady(xy: np.ndarray) -> np.ndarray:
    """Tracks [T, K, 2] as the median over three frames where all three are present; it removes single outliers."""
    three = np.stack([np.roll(xy, 1, 0), xy, np.roll(xy, -1, 0)])[:, 1:-1]
    calm = xy.copy()
    calm[1:-1] = np.where(np.isfinite(three).all(0), np.median(three, axis=0), xy[1:-1])
    return calm


def fit_pose_code(recordings: Sequence[Points], posture_variance: float) -> tuple[PoseCode | None, list[str]]:
    """The pose code of a study, None when fewer than two points are common to it; and the names of points left out.

    posture_variance: total variance of the learned postures over the study, to which the block of points is scaled.
    """
    names = list(dict.fromkeys(name for points in recordings for name in points.names))
    common = [name for name in names if np.mean([_stands(points, name) for points in recordings]) >= ENOUGH]
    left_out = [name for name in names if name not in common]
    if len(common) < FEWEST:
        return None, left_out
    xy = np.concatenate([_ordered(points, tuple(common)) for points in recordings])
    shape = np.zeros((len(common), 2))
    for _ in range(5):  # the offset of a frame with missing points depends on the mean positions, and these on it
        shape = np.nanmean(xy - _offset(xy, shape)[:, None], axis=0)
        shape -= shape.mean(0)
    plain = PoseCode(tuple(common), tuple((float(x), float(y)) for x, y in shape), 1.0)
    variance = float(np.concatenate([plain.encode(points) for points in recordings]).var(0).sum())
    return PoseCode(plain.names, plain.shape, float(np.sqrt(posture_variance / max(variance, 1e-12)))), left_out


def _stands(points: Points, name: str) -> bool:
    return bool(np.isfinite(_ordered(points, (name,))).all(-1).mean() >= ENOUGH)


def _ordered(points: Points, names: tuple[str, ...]) -> np.ndarray:
    """xy float64 [T, len(names), 2] of these names, NaN for a name that the recording lacks."""
    missing = np.full((len(points.xy), 1, 2), np.nan)
    columns = [points.xy[:, [points.names.index(name)]] if name in points.names else missing for name in names]
    return np.concatenate(columns, axis=1).astype(np.float64)


def _offset(xy: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The position of the body, [T, 2]: the mean offset of the points of a frame from their mean positions."""
    way = xy - shape
    seen = np.isfinite(way)
    return np.where(seen, way, 0).sum(1) / np.maximum(seen.sum(1), 1)
