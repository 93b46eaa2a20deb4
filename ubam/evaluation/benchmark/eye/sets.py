"""The sets on which eyes are judged: recordings of both test renderers with true outlines, real ones with labels."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import cv2
import h5py
import numpy as np

from ubam.core.errors import StudyError
from ubam.core.files import read_arrays
from ubam.encoding.keypoint_postures import keypoints_of, nearest_animal
from ubam.evaluation.synthetic.capsules.study import CapsuleStudy, read_outlines
from ubam.evaluation.synthetic.study import StudySpec, render_again, synthesise_study
from ubam.recordings.folders import VIDEO_SUFFIXES
from ubam.recordings.keypoint_files import Keypoints
from ubam.recordings.study_table import Recording, read_study
from ubam.recordings.video_reader import probe
from ubam.recordings.video_writer import write_clip
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
CLIP_FPS = 10.0  # of labelled pictures that are joined into a clip; they were taken at odd moments
FRAMES = 8  # of each rendered recording
LABELLED = 30  # frames of each real recording
EDGE = 2  # frames at both ends of a rendered recording that are left out


@dataclass(frozen=True)
class PictureSet:
    """One set of rendered recordings: a test renderer, whom it shows, where, and from where."""

    name: str
    capsules: bool
    kind: str
    scene: str
    view: str = "side"


SETS = {
    one.name: one
    for one in (
        PictureSet("our walkers, treadmill", False, "human", "treadmill"),
        PictureSet("our walkers, walkway", False, "human", "walkway"),
        PictureSet("our rats, treadmill", False, "rodent", "treadmill"),
        PictureSet("our rats, walkway", False, "rodent", "walkway"),
        PictureSet("capsule people, in place", True, "human", "in place"),
        PictureSet("capsule people, travelling", True, "human", "travelling"),
        PictureSet("capsule rats, in place", True, "rodent", "in place"),
        PictureSet("capsule rats, travelling", True, "rodent", "travelling"),
        PictureSet("capsule rats from above, in place", True, "rodent", "in place", "above"),
        PictureSet("capsule rats from above, travelling", True, "rodent", "travelling", "above"),
    )
}


@dataclass(frozen=True)
class Known:
    """N frames of a rendered recording, at these positions [N] of its store, and what is true of them.

    alpha float32 [N, H, W] in 0..1; keypoints [N, K, 2] px; visible bool [N, K]; body_height px.
    """

    recording: Recording
    store: CropStore
    positions: np.ndarray
    alpha: np.ndarray
    names: tuple[str, ...]
    keypoints: np.ndarray
    visible: np.ndarray
    body_height: float


def rendered(out: Path, wanted: PictureSet, subjects: int, seconds: float, seed: int) -> list[Known]:
    """The recordings of a set, one a subject; rendered and cropped once in the folder `out`."""
    folder = out / f"{wanted.name.replace(', ', '-').replace(' ', '-')}-{seed}-{subjects}x{seconds:g}s"
    ours = {"kind": wanted.kind, "subjects": subjects, "seed": seed, "scene": wanted.scene, "seconds": seconds}
    if not (folder / "study.csv").exists():  # written last
        if wanted.capsules:
            CapsuleStudy(**ours, view=wanted.view).write(folder)  # type: ignore[arg-type]
        else:
            synthesise_study(folder, StudySpec(**ours))  # type: ignore[arg-type]
    found = []
    for recording in read_study(folder / "study.csv").recordings:
        store = build_crops(recording, folder / "crops" / recording.recording_id)
        last = len(store.frame_index) - 1 - EDGE
        positions = np.unique(np.linspace(EDGE, last, FRAMES).round().astype(int))
        frames = store.frame_index[positions]
        if wanted.capsules:
            alpha = read_outlines(folder / "study.csv", recording.recording_id)[frames]
        else:
            again = render_again(recording.subject, 0, 1.0, StudySpec(**ours))  # type: ignore[arg-type]
            alpha = np.stack([next(again.between(f, f + 1).frames_and_masks())[1] for f in frames.tolist()])
        found.append(_known(folder, recording, store, positions, alpha))
    return found


def _known(folder: Path, recording: Recording, store: CropStore, positions: np.ndarray, alpha: np.ndarray) -> Known:
    truth = read_arrays(folder / "truth" / f"{recording.recording_id}.npz")
    frames = store.frame_index[positions]
    keypoints = truth["keypoints"][frames]
    size = np.array([alpha.shape[2], alpha.shape[1]])
    framed = ((keypoints >= 0) & (keypoints < size)).all(-1)
    visible = truth["visible"][frames] if "visible" in truth else framed
    names = tuple(truth["names"].tolist())
    return Known(recording, store, positions, alpha, names, keypoints, visible & framed, float(truth["body_height"]))


@dataclass(frozen=True)
class Labelled:
    """N labelled frames of a real recording, at these positions [N] of its store: points [N, K, 2] px, NaN if unknown.

    others [N, M, 2]: the points of all other animals. body_length: px, median over frames of the largest distance
    between two points.
    """

    recording: Recording
    store: CropStore
    positions: np.ndarray
    points: np.ndarray
    others: np.ndarray
    body_length: float


def labelled_recordings(folder: Path, out: Path) -> list[Recording]:
    """What a folder tree holds of recordings with labelled keypoints.

    Every SLEAP project (.slp) gives its videos in the tree, every CSV of DeepLabCut that lies among its labelled
    pictures gives a clip of these pictures, written into `out`.
    """
    videos = sorted(path for path in folder.rglob("*") if path.suffix.casefold() in VIDEO_SUFFIXES)
    found = []
    for project in sorted(folder.rglob("*.slp")):
        found += [(video, project) for video in _videos_of(project, videos)]
    for table in sorted(folder.rglob("CollectedData*.csv")):
        found.append((_joined(table.parent, out / f"{table.parent.name}.mp4"), table))
    return [
        Recording(f"{number:02d}-{video.stem}", number + 2, video, video.stem, "", keypoints=labels)
        for number, (video, labels) in enumerate(found)
    ]


def _videos_of(project: Path, videos: Sequence[Path]) -> list[Path]:
    """The videos of a SLEAP project, by their names; a single one that was renamed, by its number of frames."""
    with h5py.File(project, "r") as file:
        described = [json.loads(text)["backend"].get("filename", "") for text in file["videos_json"][:]]
        frames = len(file["frames"])
    names = {PureWindowsPath(name).name for name in described}
    found = [video for video in videos if video.name in names]
    if found or len(described) > 1:
        return found
    as_long = [video for video in videos if probe(video).frames_declared == frames]
    return as_long if len(as_long) == 1 else []


def _joined(folder: Path, clip: Path) -> Path:
    """The pictures of a folder as a clip, in the order of their names, almost without loss."""
    pictures = sorted(path for path in folder.iterdir() if path.suffix.casefold() in PICTURES)
    frames = (np.asarray(cv2.imread(str(path)))[..., ::-1] for path in pictures)
    if not clip.exists():
        write_clip(clip, frames, CLIP_FPS, crf=4)
    return clip


def labelled(recording: Recording, out: Path, most: int = LABELLED) -> Labelled:
    """At most `most` labelled frames of a recording, evenly over them; its crops go into `out`.

    Raises
    ------
    StudyError
        Nothing is labelled.
    VideoError
        The recording cannot be used.
    """
    store = build_crops(recording, out / "crops" / recording.recording_id)
    points = keypoints_of(recording)
    xy = nearest_animal(points, store.frame_index, store.box)
    labelled_at = np.flatnonzero(np.isfinite(xy).all(-1).any(1))
    if not len(labelled_at):
        raise StudyError(f"{recording.keypoints}: labels no frame of {recording.video}")
    chosen = labelled_at[np.unique(np.linspace(0, len(labelled_at) - 1, most).round().astype(int))]
    others = other_animals(points, store.frame_index[chosen], xy[chosen])
    return Labelled(recording, store, chosen, xy[chosen], others, body_length(xy[labelled_at]))


def other_animals(points: Keypoints, frame_index: np.ndarray, mine: np.ndarray) -> np.ndarray:
    """Points [N, animals * K, 2] of labelled frames [N] that are not those of `mine` [N, K, 2]; NaN in their place."""
    row = {frame: number for number, frame in enumerate(points.frame.tolist())}
    xy = np.stack([points.xy[row[frame]] for frame in frame_index.tolist()])
    same = (np.isclose(xy, mine[:, None], equal_nan=True)).all((2, 3))
    return np.where(same[:, :, None, None], np.nan, xy).reshape(len(xy), -1, 2)


def body_length(points: np.ndarray) -> float:
    """Median over frames of the largest distance between two points of [N, K, 2]."""
    apart = np.linalg.norm(points[:, :, None] - points[:, None], axis=-1).reshape(len(points), -1)
    longest: Sequence[float] = [np.nanmax(row) for row in apart if np.isfinite(row).any()]
    return float(np.median(longest))
