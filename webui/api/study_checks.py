"""Is this enough? What `ubam check` says of a study, from what the probes have found."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ubam.recordings.study_table import Recording as Row
from ubam.recordings.study_table import Study, choose_reference
from webui.data.models import Recording
from webui.http.answer_records import CheckAnswer, GroupSizeAnswer, VerdictAnswer

if TYPE_CHECKING:
    from ubam.recordings.validation import Verdict


def describe(recordings: Sequence[Recording]) -> CheckAnswer:
    """Verdicts, groups, sentences, and the group that would be taken as reference."""
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
        "doubts": [issue.words for issue in study_issues(study, verdicts, reference)] if recordings else [],
        "problems": problems(recordings),
        "reference_guess": reference,
    }


def _verdict(recording: Recording) -> "Verdict":
    from ubam.recordings.validation import Verdict

    return Verdict(
        recording.id, recording.subject, recording.group,
        status="failed" if recording.status == "probing" else recording.status, reason=recording.reason,
        fps=recording.fps, duration_s=recording.duration_s, width=recording.width, height=recording.height,
        frames_declared=recording.frames, keypoints="",
    )  # fmt: skip


def _shown(verdict: "Verdict", file_name: str) -> VerdictAnswer:
    return {
        "recording_id": verdict.recording_id, "file_name": file_name, "subject": verdict.subject,
        "group": verdict.group, "status": verdict.status, "reason": verdict.reason, "keypoints": "",
        "fps": verdict.fps, "duration_s": verdict.duration_s, "width": verdict.width, "height": verdict.height,
        "frames_declared": verdict.frames_declared,
    }  # fmt: skip


def _study(recordings: Sequence[Recording]) -> Study:
    rows = [Row(r.id, number, Path(r.id), r.subject, r.group) for number, r in enumerate(recordings, 2)]
    return Study(Path("study"), tuple(rows))


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
