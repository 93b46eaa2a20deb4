"""What postures are made of: the learned part, the landmarks that the eye sees, the study's own keypoints."""

from collections.abc import Mapping, Sequence

import numpy as np

from ubam.core.errors import StudyError
from ubam.encoding.keypoint_postures import PoseCode, encode_points
from ubam.encoding.landmarks.other_looks import block_diagonal, moved_by_other_looks
from ubam.encoding.landmarks.postures import LandmarkCode, encode_landmarks
from ubam.pipeline.job import Job
from ubam.results.run_folder import ModelFolder
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore

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
    job: Job, stores: Sequence[CropStore], learned: Sequence[np.ndarray | None] | None, width: int
) -> list[np.ndarray | None]:
    """What changes of looks do to the postures of every recording, [width, width]; None where that is not known.

    learned: the same of the learned part, None where there is none. Keypoints that were brought are moved by no looks.
    """
    kind, own = job.settings.posture, job.files.model
    code = LandmarkCode.load(own.landmarks) if kind in SEEN_BY_THE_EYE else None
    found: list[np.ndarray | None] = []
    for number, store in enumerate(stores):
        parts = [] if learned is None else [learned[number]]
        parts += [moved_by_other_looks(store, code)] if code else []
        moment = block_diagonal(*parts) if parts else None
        found.append(None if moment is None else np.pad(moment, (0, width - len(moment))))
        job.progress("embed", number + 1, len(stores))
    return found


def code_parts(
    job: Job, stores: Sequence[CropStore], learned: Sequence[np.ndarray] | None
) -> tuple[list[np.ndarray], list[str]]:
    """What stands beside the learned postures [T, D] of every recording, float32 [T, P], and messages for the user.

    learned: None where postures are of landmarks or keypoints alone. Each part is scaled to the variance of the learned
    one over the study, so that neither outweighs the other. P may be 0.

    Raises
    ------
    StudyError
        Keypoints alone were asked for, and not every recording has some.
    """
    variance = None if learned is None else float(np.concatenate(learned).astype(np.float64).var(0).sum())
    kind, parts, messages = job.settings.posture, list[list[np.ndarray]](), list[str]()
    own, given = job.files.model, ModelFolder(job.model) if job.model else None
    own.landmarks.unlink(missing_ok=True)
    if kind in SEEN_BY_THE_EYE:
        code = LandmarkCode.load(given.landmarks) if given else None
        plan = code.plan if code else job.run.record.get("plan") or likeliest_plan(stores)
        progress = job.counted("embed")
        parts.append(encode_landmarks(stores, plan, own.landmarks, given=code, variance=variance, progress=progress))
    if kind != "landmarks":
        known = PoseCode.load(given.keypoints) if given and given.keypoints.exists() else None
        points, messages = encode_points(job.usable(), stores, variance or 1.0, own.keypoints, known)
        parts.append(points)
        if kind == "keypoints" and not points[0].shape[1]:
            why = messages[0] if messages else "The study names none in a column 'keypoints'."
            raise StudyError(f"--posture keypoints takes keypoints of every recording. {why}")
    return [np.concatenate(blocks, axis=1) for blocks in zip(*parts, strict=True)], messages
