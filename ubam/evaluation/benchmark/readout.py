"""How well a linear read-out of postures predicts the keypoints of labelled recordings, compared with no learning.

The labels come from the study's column `keypoints`. Every frame is predicted by a ridge regression that was fitted
without it, its neighbours in time and, where there are several subjects, its subject; the penalty is chosen within the
training part. It predicts places in the encoder's view; the error is the distance in pixels of the recording.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut

from ubam.core.errors import StudyError
from ubam.core.files import write_csv, write_json
from ubam.core.provenance import installed_versions
from ubam.core.settings import Settings
from ubam.core.typing import StageProgress
from ubam.deviation.controls import principal_components, thumbnails
from ubam.encoding.embedding import embed_postures
from ubam.encoding.encoders import PostureEncoder
from ubam.encoding.keypoint_postures import in_picture, in_view, keypoints_of, nearest_animal
from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import embed, learn
from ubam.encoding.training import build_encoders
from ubam.evaluation.benchmark.view_alignment import align_views
from ubam.pipeline.job import device_of
from ubam.recordings.study_table import Recording, Study
from ubam.tracking.body import likeliest_plan, read_body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops
from ubam.tracking.views import turned

PENALTIES = 10.0 ** np.arange(-5.0, 4.0)  # per training frame, for features of unit variance in all
SUBJECTS = 5  # from so many subjects on, subjects are held out; below, blocks of time
BLOCKS = 5  # of each recording, when it has more labelled frames than SINGLE
SINGLE = 40  # labelled frames up to which each is held out alone
GAP_S = 0.5  # frames nearer than this to a held-out block of the same recording are not trained on
FEWEST = 8  # labelled frames


@dataclass(frozen=True)
class Labels:
    """The labelled frames of a study: N frames, K points.

    recording, position int [N]: which store, and which of its frames; subject [N]; time_s [N]; xy [N, K, 2] in pixels,
    NaN where missing; box [N, 4]; heading [N].
    """

    names: tuple[str, ...]
    recording: np.ndarray
    position: np.ndarray
    subject: np.ndarray
    time_s: np.ndarray
    xy: np.ndarray
    box: np.ndarray
    heading: np.ndarray

    @property
    def body_length(self) -> float:
        """Median over frames of the largest distance between two points, pixels."""
        apart = np.linalg.norm(self.xy[:, :, None] - self.xy[:, None], axis=-1).reshape(len(self.xy), -1)
        return float(np.median(np.nanmax(apart, axis=1)))


@dataclass(frozen=True)
class Readout:
    """One row: mean distance of predicted from labelled points over held-out frames, in pixels and in body lengths."""

    row: str
    error_px: float
    error_body_lengths: float
    dimensions: int
    frames: int


def measure_readout(
    study: Study, out: Path, settings: Settings, model: Path | None = None, progress: StageProgress | None = None
) -> list[Readout]:
    """Measure every row on a study with keypoints; crops and readout.csv, readout.json go into the folder `out`.

    The networks of the row `trained` learn from the recordings of this study alone; `model` adds the row of a trained
    model folder.

    Raises
    ------
    StudyError
        No recording has keypoints, their names differ, or hardly a frame is labelled.
    VideoError
        A recording cannot be used.
    """
    recordings = [recording for recording in study.recordings if recording.keypoints is not None]
    if not recordings:
        raise StudyError(f"{study.path}: has no column 'keypoints' with files in it; a read-out needs labelled frames")
    stores = [
        build_crops(
            recording, out / "crops" / recording.recording_id, crop_size=settings.crop_size,
            view_size=settings.view_size,
        )
        for recording in recordings
    ]  # fmt: skip
    stores = aligned(stores)
    labels = read_labels(recordings, stores)
    device = device_of(settings.device)
    report = None if progress is None else lambda done, total: progress("train", done, total)
    trained, _ = learn(stores, settings, device, report, subjects=[one.subject for one in recordings])
    codes = control_features(stores, labels, settings)
    learned, landmarks = _features(trained, stores, labels, device), landmark_features(stores, labels)
    codes |= {TRAINED: learned, LANDMARKS: landmarks, "both together": side_by_side(learned, landmarks)}
    if model is not None:
        codes[f"model {model.name}"] = _features(Networks.load(model, device), stores, labels, device)
    rows = [read_out(name, code, labels, turned_views=name != AS_RECORDED) for name, code in codes.items()]
    write_csv(out / "readout.csv", map(asdict, rows), list(asdict(rows[0])))
    facts = {"study": str(study.path), "settings": settings.as_dict(), "versions": installed_versions()}
    write_json(out / "readout.json", facts | {"body_length_px": labels.body_length, "rows": [asdict(r) for r in rows]})
    return rows


AS_RECORDED = "pixels, views not turned"
TRAINED, LANDMARKS = "trained on these recordings", "landmarks of the eye"


def aligned(stores: Sequence[CropStore]) -> list[CropStore]:
    """The stores with their views turned to point the same way, where the subject is seen from above."""
    turns = align_views([store.views for store in stores])
    if turns is None:
        return list(stores)
    return [
        replace(
            store,
            views=np.stack([turned(view, angle) for view, angle in zip(store.views, turn, strict=True)]),
            heading=store.heading + turn,
        )
        for store, turn in zip(stores, turns, strict=True)
    ]


def read_labels(recordings: Sequence[Recording], stores: Sequence[CropStore]) -> Labels:
    """The labelled frames of recordings in which the subject was found; StudyError as `measure_readout`."""
    parts, names = [], []
    for number, (recording, store) in enumerate(zip(recordings, stores, strict=True)):
        points = keypoints_of(recording)
        names.append(points.names)
        xy = nearest_animal(points, store.frame_index, store.box)
        position = np.flatnonzero(np.isfinite(xy).all(-1).any(1) & store.found)
        of, whose = np.full(len(position), number), np.full(len(position), recording.subject)
        own = (array[position] for array in (store.time_s, xy, store.box, store.heading))
        parts.append((of, position, whose, *own))
    if len(set(names)) > 1:
        raise StudyError("the recordings' keypoints have different names; measure each set of names on its own")
    joined = Labels(names[0], *map(np.concatenate, zip(*parts, strict=True)))
    if len(joined.position) < FEWEST:
        raise StudyError(f"only {len(joined.position)} frames are labelled and show the subject; {FEWEST} are needed")
    return joined


def control_features(stores: Sequence[CropStore], labels: Labels, settings: Settings) -> dict[str, np.ndarray]:
    """Features [N, D] of the labelled frames without any learning, by row."""
    untrained, _ = build_encoders(
        settings.posture_dim, PostureEncoder().width, settings.posture_dim, settings.seed, "cpu"
    )
    views = [stores[r].views[p] for r, p in zip(labels.recording, labels.position, strict=True)]
    codes = {"mean place": np.zeros((len(views), 1), np.float32)}
    if labels.heading.any():
        upright = [turned(view, -heading) for view, heading in zip(views, labels.heading, strict=True)]
        codes[AS_RECORDED] = _pixels(upright, settings.posture_dim)
    codes["pixels"] = _pixels(views, settings.posture_dim)
    codes["untrained"] = embed_postures(untrained, np.stack(views))
    return codes


def landmark_features(stores: Sequence[CropStore], labels: Labels) -> np.ndarray:
    """Where the eye sees its own landmarks in the labelled frames, in shares of the view, [N, 2 L]."""
    plan = likeliest_plan(stores)
    seen = [read_body(store, plan).landmarks for store in stores]
    shares = np.stack([seen[r][p] for r, p in zip(labels.recording, labels.position, strict=True)])
    upright = np.zeros_like(labels.heading)
    return in_view(in_picture(shares, labels.box, upright), labels.box, labels.heading).reshape(len(shares), -1)


def side_by_side(*codes: np.ndarray) -> np.ndarray:
    """Features [N, D] of all codes, each of unit variance in all."""
    return np.hstack([code / max(float(np.sqrt(code.var(0).sum())), 1e-12) for code in codes])


def _pixels(views: Sequence[np.ndarray], dim: int) -> np.ndarray:
    return principal_components([thumbnails(np.stack(views))], dim)[0]


def _features(model: Networks, stores: Sequence[CropStore], labels: Labels, device: str) -> np.ndarray:
    postures = [embed(model, store, device).posture for store in stores]
    return np.stack([postures[r][p] for r, p in zip(labels.recording, labels.position, strict=True)])


def read_out(name: str, code: np.ndarray, labels: Labels, turned_views: bool = True) -> Readout:
    """The row of features [N, D], of the turned views or of views as they were recorded."""
    heading = labels.heading if turned_views else np.zeros_like(labels.heading)
    wanted = in_view(labels.xy, labels.box, heading)
    found = in_picture(predict_held_out(code, wanted, *held_out(labels)), labels.box, heading)
    error = float(np.nanmean(np.linalg.norm(found - labels.xy, axis=-1)))
    return Readout(name, error, error / labels.body_length, code.shape[1], len(code))


def held_out(labels: Labels) -> tuple[np.ndarray, np.ndarray]:
    """The fold int [N] in which a frame is held out, and bool [folds, N]: what may be trained on for each."""
    subjects = list(dict.fromkeys(labels.subject))
    if len(subjects) >= SUBJECTS:
        fold = np.array([subjects.index(subject) % SUBJECTS for subject in labels.subject])
        return fold, np.stack([fold != k for k in range(SUBJECTS)])
    fold = np.empty(len(labels.position), np.int64)
    for number in np.unique(labels.recording):
        mine = np.flatnonzero(labels.recording == number)
        blocks = np.array_split(mine, len(mine) if len(mine) <= SINGLE else BLOCKS)
        for k, block in enumerate(blocks):
            fold[block] = k if len(mine) > SINGLE else block[0]
    fold = np.unique(fold, return_inverse=True)[1]
    return fold, np.stack([_away_from(fold == k, labels) for k in range(fold.max() + 1)])


def _away_from(block: np.ndarray, labels: Labels) -> np.ndarray:
    """Frames bool [N] that lie outside a block and further than `GAP_S` from it."""
    away = ~block
    for number in np.unique(labels.recording[block]):
        mine = labels.recording == number
        time_s = labels.time_s[block & mine]
        away &= ~mine | (labels.time_s < time_s.min() - GAP_S) | (labels.time_s > time_s.max() + GAP_S)
    return away


def predict_held_out(code: np.ndarray, wanted: np.ndarray, fold: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Points [N, K, 2] of every frame from its features [N, D], by a ridge regression on the frames that it may see."""
    features = (code - code.mean(0)) / max(float(np.sqrt(code.var(0).sum())), 1e-12)
    found = np.full(wanted.shape, np.nan)
    seen = np.isfinite(wanted).all(-1)
    for k, training in enumerate(allowed):
        patterns, which = np.unique(seen & training[:, None], axis=1, return_inverse=True)
        for number, frames in enumerate(patterns.T):
            if frames.sum() < FEWEST // 2:
                continue
            points = np.flatnonzero(which.ravel() == number)
            model = _ridge(features[frames], wanted[frames][:, points].reshape(frames.sum(), -1), fold[frames])
            predicted = model.predict(features[fold == k]).reshape(-1, len(points), 2)
            found[np.ix_(np.flatnonzero(fold == k), points)] = predicted
    return found


def _ridge(features: np.ndarray, wanted: np.ndarray, groups: np.ndarray) -> GridSearchCV:
    """Ridge with the penalty that predicts held-out groups of the training part best, at most five parts of them."""
    parts = np.unique(groups, return_inverse=True)[1] % BLOCKS
    grid = {"alpha": PENALTIES * len(features)}
    return GridSearchCV(Ridge(), grid, cv=LeaveOneGroupOut(), scoring="neg_mean_squared_error").fit(
        features, wanted, groups=parts
    )
