"""The stages that read videos: check them, then find and crop the subjects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ubam.core.errors import RunError, StudyError, VideoError
from ubam.core.files import content_hash, write_csv
from ubam.core.parallel import WorkerKilled, processes
from ubam.core.progress import rising
from ubam.pipeline.job import RECORDING_COLUMNS, Job, row_of
from ubam.pipeline.shares import forget, shares, sharing
from ubam.recordings.study_table import Recording
from ubam.recordings.validation import Verdict, check_recording, study_issues
from ubam.tracking.cropping import build_crops

VERDICT_COLUMNS = (
    "status", "reason", "frames_declared", "frames_decoded", "fps", "duration_s", "width", "height", "found",
    "warnings",
)  # fmt: skip

SHARED = 1000  # recordings up to which those in the workers' hands are looked for each second
Cells = dict[str, object]  # of one row of recordings.csv, by column


@dataclass(frozen=True)
class CropOutcome:
    """What cropping one recording came to: the cells of recordings.csv that it fills; None where it fails before."""

    status: str
    reason: str
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    frames_declared: int | None = None
    frames_decoded: int | None = None
    duration_s: float | None = None
    found: float | None = None
    warnings: str | None = None
    sha256: str | None = None

    def cells(self) -> Cells:
        """The cells that are known, by column."""
        return {name: value for name, value in vars(self).items() if value is not None}


# ---- the stages: each takes the job, writes its files and returns its warnings ----


def check(job: Job) -> list[str]:
    """Probe every recording and write recordings.csv; StudyError when none can be used."""
    found = {one.recording_id: verdict for one, verdict in job.light().each("check", check_one, job.study.recordings)}
    verdicts = [found[recording.recording_id] for recording in job.study.recordings]
    if not any(verdict.usable for verdict in verdicts):
        raise StudyError(f"No recording of {job.study.path} can be used; the first: {verdicts[0].reason}")
    _write_recordings(job, {verdict.recording_id: verdict.to_json() for verdict in verdicts})
    job.run.record["stamps"] = {r.recording_id: r.stamp() for r in job.study.recordings}
    return judge_size(job)


def check_one(recording: Recording, job: Job) -> Verdict:
    """Probe one recording, in a worker."""
    return check_recording(recording)


def judge_size(job: Job) -> list[str]:
    """Why the checked study of a job may be too small for its reference; the codes go into the run's record.

    A frozen reference has its own size, whatever this study has.
    """
    verdicts = [
        Verdict(row["recording_id"], row["subject"], row["group"], row["status"], row["reason"])
        for row in job.read_verdicts()
    ]
    issues = [] if job.against else study_issues(job.study, verdicts, job.settings.reference)
    job.run.record["issues"] = [issue.code for issue in issues]
    return [issue.words for issue in issues]


def crops(job: Job) -> list[str]:
    """Find and crop the subject of every recording; one that cannot be used fails, and the others continue."""
    hashes = job.run.record.get("inputs", {})
    verdicts: dict[str, Cells] = {
        row["recording_id"]: dict(row) | {"sha256": hashes.get(row["recording_id"])} for row in job.read_verdicts()
    }
    messages = []
    for recording_id, outcome in make_crops(job, croppable(job)):
        verdicts[recording_id] |= outcome.cells()
    _write_recordings(job, verdicts)
    if all(verdict["status"] == "failed" for verdict in verdicts.values()):
        reasons = next(v["reason"] for v in verdicts.values() if v["status"] == "failed")
        raise StudyError(f"No recording of {job.study.path} can be analysed; the first: {reasons}")
    for row in verdicts.values():
        if row["status"] != "ok":
            messages.append(f"{row['recording_id']} {row['status']}: {row['reason']}")
        if row.get("warnings"):
            messages.append(f"{row['recording_id']}: {row['warnings']}")
    return messages


def croppable(job: Job) -> list[Recording]:
    """The usable recordings whose videos are there; RunError when one is not, and neither are its crops."""
    usable = job.usable()
    for recording in usable:
        if not recording.is_there() and not job.has(job.files.crops(recording.recording_id).description):
            raise RunError(
                f"{recording.video} is not there, and the crops of {recording.recording_id} are made from it."
            )
    return [recording for recording in usable if recording.is_there()]


def make_shard(job: Job, shard: tuple[int, int]) -> list[tuple[str, CropOutcome]]:
    """Crop every n-th recording from the i-th (shard i, n), so that machines can share the work on one run folder.

    Returns id and outcome of each of them, in order.
    """
    share = job.study.recordings[shard[0] - 1 :: shard[1]]
    verdicts = [check_recording(recording) for recording in share]
    found = {one.recording_id: CropOutcome("failed", one.reason) for one in verdicts if not one.usable}
    found |= dict(make_crops(job, [recording for recording in share if recording.recording_id not in found]))
    return [(recording.recording_id, found[recording.recording_id]) for recording in share]


def make_crops(job: Job, recordings: Sequence[Recording]) -> list[tuple[str, CropOutcome]]:
    """Crop recordings where such work runs, the longest first; id and outcome of each, in order.

    One worker that is killed ends the others with it: what is left is then cropped one by one.
    """
    light, found, frames = job.light(), dict[str, CropOutcome](), _frames(job)
    told = rising(partial(job.progress, "crops"))

    def tell() -> None:
        """Frames of recordings that are done, and the share of those in the workers' hands."""
        left = {} if len(recordings) > SHARED else shares(job.files.crops_folder)
        parts = dict.fromkeys(found, 1.0) | {name: share for name, share in left.items() if name not in found}
        whole = sum(frames.get(one.recording_id, 1) for one in recordings)
        told(int(sum(share * frames.get(name, 1) for name, share in parts.items())), whole)

    longest_first = sorted(recordings, key=lambda one: -frames.get(one.recording_id, 0))
    try:
        for one, outcome in light.each("crops", crop_recording, longest_first, meanwhile=tell):
            found[one.recording_id] = outcome
            tell()
    except WorkerKilled:
        for one in recordings:
            if one.recording_id not in found:
                forget(job.files.crops(one.recording_id).path)
                found[one.recording_id] = _crop_alone(light, one)
                forget(job.files.crops(one.recording_id).path)
                tell()
    return [(recording.recording_id, found[recording.recording_id]) for recording in recordings]


def _frames(job: Job) -> dict[str, int]:
    """How many frames of each recording count, by what its file declares; 1 where that is unknown."""
    rows = job.read_verdicts() if job.files.recordings_csv.exists() else []
    lengths = {row["recording_id"]: (row.get("duration_s") or 0, row.get("fps") or 0) for row in rows}
    return {name: max(1, round(float(seconds) * float(fps))) for name, (seconds, fps) in lengths.items()}


def _crop_alone(job: Job, recording: Recording) -> CropOutcome:
    """Crop a recording in a process of its own; one that is killed again fails."""
    try:
        with processes(1) as pool:
            [(_, outcome)] = job.each_on(pool, "crops", crop_recording, [recording])
        return outcome
    except WorkerKilled:
        reason = f"{recording.video.name}: the process that read it was killed, most likely for want of memory"
        return CropOutcome("failed", f"{reason}; use fewer workers or a smaller picture")


def crop_recording(recording: Recording, job: Job) -> CropOutcome:
    """Crop one recording in a worker; one that cannot be used is an outcome, not an error."""
    out, settings = job.files.crops(recording.recording_id).path, job.settings
    try:
        recording = recording.fetched()
        job.bring(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with sharing(out) as progress:
            store = build_crops(
                recording, out, crop_size=settings.crop_size, view_size=settings.view_size, plan=settings.plan,
                progress=progress,
            )  # fmt: skip
    except (StudyError, VideoError) as error:
        return CropOutcome("failed", str(error))
    return CropOutcome(
        store.status, store.reason, fps=store.fps, width=store.width, height=store.height,
        frames_declared=store.frames_declared, frames_decoded=store.frames_decoded,
        duration_s=float(store.time_s[-1] - store.time_s[0]), found=float(np.mean(store.found)),
        warnings="; ".join(store.warnings), sha256=content_hash(recording.video),
    )  # fmt: skip


def _write_recordings(job: Job, verdicts: Mapping[str, Cells]) -> None:
    named = {name: True for recording in job.study.recordings for name in row_of(recording)}
    extra = [name for name in named if name not in (*RECORDING_COLUMNS, "box", "fps")]
    rows = []
    for recording in job.study.recordings:
        verdict = verdicts[recording.recording_id]
        rows.append(row_of(recording) | {name: verdict.get(name) for name in VERDICT_COLUMNS})
    write_csv(job.files.recordings_csv, rows, [*RECORDING_COLUMNS, *extra, *VERDICT_COLUMNS])
    job.run.record["inputs"] = {key: verdict.get("sha256") for key, verdict in verdicts.items()}
