"""What postures are made of: the learned part, the landmarks that the eye sees, the study's own keypoints."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ubam.core.errors import StudyError
from ubam.deviation.posture_series import PostureSeries
from ubam.encoding.keypoint_postures import PoseCode, settle_points
from ubam.encoding.landmarks.other_looks import block_diagonal
from ubam.encoding.landmarks.postures import LandmarkCode, Landmarks, enough, settle_landmark_code
from ubam.encoding.landmarks.total_variance import total_variance
from ubam.pipeline.job import Job
from ubam.recordings.study_table import Recording
from ubam.results.run_folder import ModelFolder

UNLEARNT = ("landmarks", "keypoints")  # kinds of posture that no training teaches
SEEN_BY_THE_EYE = ("landmarks", "both")
WORDS = {
    "learned": "learned numbers",
    "landmarks": "the landmarks that the eye sees",
    "keypoints": "the study's own keypoints",
    "both": "learned numbers and landmarks",
}


def posture_of(settings: Mapping[str, object]) -> str:
    """The kind of posture in the settings of a model; one from before there were others is of learned postures."""
    return str(settings.get("posture", "learned"))


def looks_of(
    moved: np.ndarray | None, code: LandmarkCode | None, learned: np.ndarray | None, alone: bool, width: int
) -> np.ndarray | None:
    """What changes of looks do to the postures of a recording, [width, width]; None where that is not known.

    moved, code: of the landmarks in the postures, if there are some. learned: the same of the learned part, which
    postures have unless they are `alone`. Keypoints that were brought are moved by no looks.
    """
    parts = [] if alone else [learned]
    parts += [code.normal(moved)] if code and moved is not None else []
    moment = block_diagonal(*parts) if parts else None
    return None if moment is None else np.pad(moment, (0, width - len(moment)))


class LearntArrays(Sequence[np.ndarray]):
    """One array of what the networks made of each recording: read when it is asked for, and not kept."""

    def __init__(self, job: Job, names: Sequence[str], array: str) -> None:
        self._job, self._names, self._array = job, names, array

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: Any) -> Any:
        path = self._job.files.learnt(self._names[index])
        self._job.bring(path)
        with np.load(path, allow_pickle=False) as stored:
            return stored[self._array]


class _SeenLandmarks(Sequence[Landmarks]):
    """The landmarks of each recording, likewise."""

    def __init__(self, plan: str, arrays: LearntArrays) -> None:
        self._plan, self._arrays = plan, arrays

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, index: Any) -> Any:
        return Landmarks(self._plan, self._arrays[index])


def _learned_variance(job: Job, names: Sequence[str]) -> float | None:
    """Variance of the learned postures over the study; None where postures have no learned part."""
    alone = job.settings.posture in UNLEARNT
    return None if alone else total_variance(LearntArrays(job, names, "posture"))


def fit_landmarks(job: Job, names: Sequence[str], plan: str) -> list[str]:
    """Write the code by which landmarks become postures: of the given model, else fitted to the study.

    A fitted one is scaled to the variance of the learned part over the study, so that neither outweighs the other. It
    is empty, and a message says so, where hardly a landmark is seen and learned numbers are there.
    """
    landmarks = _SeenLandmarks(plan, LearntArrays(job, names, "landmarks"))
    if job.settings.posture == "both" and not job.model and not enough(landmarks):
        LandmarkCode(plan, (), (), ()).save(job.files.model.landmarks)
        return [f"Hardly a landmark of a {plan} is seen in most recordings: postures are learned numbers alone."]
    given = LandmarkCode.load(ModelFolder(job.model).landmarks) if job.model else None
    fps = [job.store(name).fps for name in names]
    moved = LearntArrays(job, names, "moved")
    settle_landmark_code(landmarks, moved, fps, given, _learned_variance(job, names)).save(job.files.model.landmarks)
    return []


def fit_points(job: Job, recordings: Sequence[Recording]) -> tuple[PoseCode | None, list[str]]:
    """The code by which the study's own keypoints join the posture, None where they do not, and messages for the user.

    It is scaled as that of landmarks.

    Raises
    ------
    StudyError
        Keypoints alone were asked for, and not every recording has some.
    """
    kind, own = job.settings.posture, job.files.model
    if kind not in SEEN_BY_THE_EYE:
        own.landmarks.unlink(missing_ok=True)
    if kind == "landmarks":
        return None, []
    given = ModelFolder(job.model) if job.model else None
    known = PoseCode.load(given.keypoints) if given and given.keypoints.exists() else None
    named = [recording.recording_id for recording in recordings]
    variance = _learned_variance(job, named) if any(one.keypoints for one in recordings) else None
    brought = [recording.fetched() if recording.keypoints else recording for recording in recordings]
    code, messages = settle_points(brought, map(job.store, named), variance or 1.0, own.keypoints, known)
    if kind == "keypoints" and code is None:
        why = messages[0] if messages else "The study names none in a column 'keypoints'."
        raise StudyError(f"--posture keypoints takes keypoints of every recording. {why}")
    return code, messages


def keypoints_alone(job: Job, codes: Sequence[PostureSeries]) -> list[PostureSeries] | None:
    """The recordings coded by the study's own keypoints, the last numbers of postures; None unless others stand beside.

    No changes of looks move keypoints that were brought.
    """
    path = job.files.model.keypoints
    if job.settings.posture in UNLEARNT or not path.exists():
        return None
    width = 2 * len(PoseCode.load(path).names)
    return [replace(code, posture=code.posture[:, -width:], looks=None) for code in codes]
