"""Is this enough? What `ubam check` says of a study, from what the probes have found."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import select

from ubam.core.errors import UbamError
from ubam.core.settings import RUN_PRESETS
from ubam.recordings.study_table import Recording as Row
from ubam.recordings.study_table import Study, choose_reference
from webui.context import service
from webui.data.models import Job, Recording, Run
from webui.data.session import database
from webui.http.answer_records import CheckAnswer, GroupSizeAnswer, VerdictAnswer
from webui.jobs.progress import expected_seconds, video_seconds_of

LATEST = 5  # runs whose pace counts

if TYPE_CHECKING:
    from ubam.recordings.validation import Verdict


def describe(recordings: Sequence[Recording]) -> CheckAnswer:
    """Verdicts, groups, sentences, and the group that would be taken as reference."""
    from ubam.recordings.doubts import film_doubts
    from ubam.recordings.validation import describe_study, study_issues  # loads OpenCV

    verdicts = [_verdict(recording) for recording in recordings]
    study = _study(recordings)
    reference = choose_reference(study, None)
    return {
        "verdicts": [
            _shown(verdict, recording.file_name) for recording, verdict in zip(recordings, verdicts, strict=True)
        ],
        "groups": [_group(name, verdicts) for name in study.groups],
        "enough": describe_study(study, verdicts, reference) if recordings else [],
        "doubts": [issue.words for issue in study_issues(study, verdicts, reference)] + film_doubts(_films(recordings))
        if recordings
        else [],
        "problems": problems(recordings),
        "reference_guess": reference,
        "estimates": _estimates(recordings),
        "measured": pace_here() is not None,
    }


def _estimates(recordings: Sequence[Recording]) -> dict[str, float]:
    """Seconds that a run of each preset would take; by the pace of this server's own runs where there are some."""
    seconds = sum(r.duration_s or 0 for r in recordings if r.status in ("ok", "partial"))
    pace = pace_here() or 1.0
    return {name: round(pace * expected_seconds(name, seconds), 1) for name in RUN_PRESETS}


def pace_here() -> float | None:
    """How many times longer than expected the latest runs took that ran through here; None before there is one."""
    done = select(Job, Run).join(Run, Run.job_id == Job.id).where(Job.kind == "run", Job.status == "done")
    ratios = []
    for job, run in database().execute(done.order_by(Job.finished.desc()).limit(LATEST)):
        expected = expected_seconds(run.preset, video_seconds_of(run))
        if job.attempts == 1 and job.started and job.finished and expected:
            ratios.append((job.finished - job.started).total_seconds() / expected)
    return median(ratios) if ratios else None


def _verdict(recording: Recording) -> "Verdict":
    from ubam.recordings.validation import Verdict

    return Verdict(
        recording.id, recording.subject, recording.group,
        status="failed" if recording.status == "probing" else recording.status, reason=recording.reason,
        fps=recording.fps, duration_s=recording.duration_s, width=recording.width, height=recording.height,
        frames_declared=recording.frames, keypoints=recording.keypoints_said if recording.keypoints else "",
    )  # fmt: skip


def _shown(verdict: "Verdict", file_name: str) -> VerdictAnswer:
    return {
        "recording_id": verdict.recording_id, "file_name": file_name, "subject": verdict.subject,
        "group": verdict.group, "status": verdict.status, "reason": verdict.reason,
        "keypoints": verdict.keypoints or "", "fps": verdict.fps, "duration_s": verdict.duration_s,
        "width": verdict.width, "height": verdict.height, "frames_declared": verdict.frames_declared,
    }  # fmt: skip


def _study(recordings: Sequence[Recording]) -> Study:
    rows = [Row(r.id, number, Path(r.id), r.subject, r.group) for number, r in enumerate(recordings, 2)]
    return Study(Path("study"), tuple(rows))


def _films(recordings: Sequence[Recording]) -> Iterator[tuple[Path, str]]:
    """The files that may be read, and what their people call them."""
    for recording in recordings:
        with suppress(UbamError):
            yield service().storage.video(recording), recording.file_name


def _group(name: str, verdicts: Sequence["Verdict"]) -> GroupSizeAnswer:
    usable = [verdict for verdict in verdicts if verdict.group == name and verdict.usable]
    minutes = sum(verdict.duration_s or 0 for verdict in usable) / 60
    subjects = len({verdict.subject for verdict in usable if verdict.subject})
    return {"name": name, "subjects": subjects, "recordings": len(usable), "minutes": round(minutes, 2)}


def problems(recordings: Sequence[Recording]) -> list[str]:
    """What must be corrected before a run, one sentence each; empty when nothing must."""
    usable = [recording for recording in recordings if recording.status in ("ok", "partial")]
    found = []
    probing = sum(recording.status == "probing" for recording in recordings)
    if probing:
        found.append(
            f"{probing} {'recording is' if probing == 1 else 'recordings are'} still being read; wait a moment."
        )
    if not usable and not probing:
        found.append("No recording can be used yet; add videos." if recordings else "Add videos first.")
    for what in ("subject", "group"):
        lacking = [recording.file_name for recording in usable if not getattr(recording, what).strip()]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            found.append(f"{lacking[0]}{more}: fill in the {what}.")
    if usable and len({r.subject for r in usable}) < 2 and len({r.group for r in usable}) < 2:
        found.append("There is one subject in one group, so nothing to compare; add another subject or a second group.")
    return found
