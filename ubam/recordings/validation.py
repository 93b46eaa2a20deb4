"""`ubam check`: one verdict for each recording, and whether the study can show anything at all."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb

from ubam.core.errors import StudyError, VideoError
from ubam.core.issue_codes import (
    LIMITED_GROUP_P,
    LIMITED_SINGLE_P,
    NO_REFERENCE_SUBJECT,
    NOTHING_READABLE,
    ONE_REFERENCE_SUBJECT,
    ONE_SUBJECT,
)
from ubam.core.parallel import each_done, executor
from ubam.core.typing import Progress
from ubam.recordings.doubts import doubts
from ubam.recordings.keypoint_files import read_keypoints
from ubam.recordings.mask_files import check_masks
from ubam.recordings.study_table import Recording, Study
from ubam.recordings.video_reader import probe

MANY = 50  # recordings for each worker: its start takes as long as some dozens of them
WINDOW_S = 8 / 25  # a window is 8 postures at about 25 a second


@dataclass(frozen=True)
class Verdict:
    """Whether a recording can be used, and what its file declares of itself.

    status: `ok`, `partial` or `failed`, with the reason of the last two. duration_s: of the part that counts.
    keypoints: as `check_keypoints` says. warnings: what is unusual about the file. What is not known is None.
    """

    recording_id: str
    subject: str
    group: str
    status: str = "ok"
    reason: str = ""
    fps: float | None = None
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    frames_declared: int | None = None
    keypoints: str | None = None
    warnings: str | None = None

    @property
    def usable(self) -> bool:
        """Whether the recording will be analysed, in part at least."""
        return self.status != "failed"

    def to_json(self) -> dict[str, object]:
        """What is known, by name."""
        return {name: value for name, value in vars(self).items() if value is not None}


def check_recording(recording: Recording) -> Verdict:
    """Probe one recording, fetched if the study names a URL; a file that cannot be read is a verdict, not an error."""
    who = recording.recording_id, recording.subject, recording.group
    try:
        recording = recording.fetched()
        info = probe(recording.video)
    except VideoError as error:
        return Verdict(*who, status="failed", reason=str(error))
    whole = info.frames_declared / recording.fps if recording.fps else info.duration_s
    length = min(recording.end_s or whole, whole) - (recording.start_s or 0.0)
    verdict = Verdict(
        *who, fps=recording.fps or info.fps, duration_s=length, width=info.width, height=info.height,
        frames_declared=info.frames_declared, warnings="; ".join(info.warnings) or None,
    )  # fmt: skip
    if info.ends_early:
        reason = f"{recording.video.name} ends early; what is there will be analysed, copy it again to have the whole"
        verdict = replace(verdict, status="partial", reason=reason)
    if length < WINDOW_S:
        reason = f"{recording.video.name} has {max(length, 0):.2f} s to analyse, a window needs {WINDOW_S:.2f} s"
        return replace(verdict, status="failed", reason=f"{reason}; use a longer one")
    if recording.mask is not None:
        try:
            check_masks(recording.mask, info.frames_declared)
        except StudyError as error:
            return replace(verdict, status="failed", reason=str(error))
    return replace(verdict, keypoints=check_keypoints(recording, info.frames_declared))


def check_keypoints(recording: Recording, frames: int) -> str:
    """`ok`, or why the keypoints of a recording whose video has `frames` frames cannot be used; empty without any."""
    if recording.keypoints is None:
        return ""
    try:
        read_keypoints(recording.keypoints, recording.video, frames)
    except StudyError as error:
        return str(error)
    return "ok"


def check_study(study: Study, progress: Progress | None = None, workers: int = 1) -> list[Verdict]:
    """The verdicts of all recordings in the order of the study, by up to so many workers: one for each MANY of them."""
    found = dict[str, Verdict]()
    with executor(min(workers, len(study.recordings) // MANY)) as pool:
        for recording, verdict in each_done(pool, check_recording, study.recordings):
            found[recording.recording_id] = verdict
            if progress is not None:
                progress(len(found), len(study.recordings))
    return [found[recording.recording_id] for recording in study.recordings]


def describe_study(study: Study, verdicts: Sequence[Verdict], reference: str | None) -> list[str]:
    """What there is, in plain sentences: minutes, subjects, and the smallest p that these group sizes allow."""
    usable = [verdict for verdict in verdicts if verdict.usable]
    minutes = sum(verdict.duration_s or 0 for verdict in usable) / 60
    subjects = count_subjects(study, verdicts)
    counts = ", ".join(f"{count} {group or 'without a group'}" for group, count in subjects.items() if count)
    messages = [f"{len(usable)} of {len(verdicts)} recordings are readable: {minutes:.1f} minutes."]
    messages += [f"Subjects: {counts}."] if counts else []
    messages += describe_keypoints(usable)
    if reference is None:
        return [*messages, "No reference group: every subject is scored against all others."] if counts else messages
    n = subjects[reference]
    if n:
        messages.append(
            f"One subject against {n} of {reference}: the smallest possible p is 1/{n + 1} = {1 / (n + 1):.3f}."
        )
    for group, count in subjects.items():
        if group != reference and count and n:
            least, who = _least_p(study, verdicts, reference, group)
            compared = f"{group or 'No group'} ({count}) against {reference} ({n}){who}"
            messages.append(f"{compared}: the smallest possible p is {least:.2g}.")
    return messages


def describe_keypoints(usable: Sequence[Verdict]) -> list[str]:
    """Whether the keypoints of usable recordings will be joined to the posture; nothing where there are none."""
    found = [verdict.keypoints or "" for verdict in usable]
    if not any(found):
        return []
    bad = [(verdict.recording_id, words) for verdict, words in zip(usable, found, strict=True) if words != "ok"]
    if not bad:
        return [f"All {len(found)} recordings have keypoints: they join the posture."]
    name, words = bad[0]
    return [
        f"Keypoints are not used, as all recordings must have them: {len(bad)} of {len(found)} have none that can be "
        f"used. The first: {name}: {words or 'its cell in the column keypoints is empty'}"
    ]


@dataclass(frozen=True)
class Issue:
    """What stands against a study: a code (core/issue_codes.py), and a sentence."""

    code: str
    words: str


def study_issues(study: Study, verdicts: Sequence[Verdict], reference: str | None) -> list[Issue]:
    """What in this study is probably not meant, and why it may be too small; empty when all is well."""
    return [Issue(*doubt) for doubt in doubts(study)] + _size_issues(study, verdicts, reference)


def _size_issues(study: Study, verdicts: Sequence[Verdict], reference: str | None) -> list[Issue]:
    usable = [verdict for verdict in verdicts if verdict.usable]
    if not usable:
        return [Issue(NOTHING_READABLE, "No recording is readable, so there is nothing to analyse.")]
    if reference is None:
        words = "Only one subject is usable: it is compared with parts of itself."
        return [Issue(ONE_SUBJECT, words)] if len({one.subject for one in usable if one.subject}) == 1 else []
    subjects = count_subjects(study, verdicts)
    n = subjects[reference]
    issues = _reference_issues(reference, n)
    for group, count in subjects.items():
        if group != reference and count and n >= 2 and _least_p(study, verdicts, reference, group)[0] > 0.05:
            words = f"{group} ({count}) against {reference} ({n}) cannot reach p < 0.05; record more subjects."
            issues.append(Issue(LIMITED_GROUP_P, words))
    return issues


def _reference_issues(reference: str, n: int) -> list[Issue]:
    """What `n` usable subjects in the reference group cannot show."""
    if n == 0:
        words = f"No subject of the reference group {reference} is usable, so there is nothing to compare with."
        return [Issue(NO_REFERENCE_SUBJECT, words)]
    if n == 1:
        words = (
            f"The reference group {reference} has one usable subject: normal variation is read from parts of its "
            "recordings, so nothing here speaks for other subjects, and there is no p-value. Record at least 5 "
            "reference subjects."
        )
        return [Issue(ONE_REFERENCE_SUBJECT, words)]
    if 1 / (n + 1) > 0.05:
        words = (
            f"With {n} reference subjects no single subject can reach p < 0.05 (smallest possible {1 / (n + 1):.2f}); "
            "19 would be needed."
        )
        return [Issue(LIMITED_SINGLE_P, words)]
    return []


def _least_p(study: Study, verdicts: Sequence[Verdict], reference: str, group: str) -> tuple[float, str]:
    """The smallest p of a group against the reference, and who is compared where it is the same subjects.

    As the run decides: subjects with themselves where at least two, and half of a group, are in both groups; else those
    in both count for the reference only.
    """
    first, second = (subjects_of(verdicts, name) for name in (reference, group))
    both = first & second
    if len(both) >= 2 and 2 * len(both) >= min(len(first), len(second)):
        return min(1.0, 2 / 2 ** len(both)), f", {len(both)} subjects compared with themselves"
    alone = second - both
    return (smallest_p(len(first), len(alone)) if alone else 1.0), ""


def subjects_of(verdicts: Sequence[Verdict], group: str) -> set[str]:
    """Named subjects of a group with at least one usable recording."""
    return {verdict.subject for verdict in verdicts if verdict.usable and verdict.subject and verdict.group == group}


def count_subjects(study: Study, verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Named subjects with at least one usable recording, by group."""
    return {group: len(subjects_of(verdicts, group)) for group in study.groups}


def smallest_p(n_reference: int, n_query: int) -> float:
    """Smallest p-value of the two-sided exact permutation test of two groups of subjects."""
    return min(1.0, 2 / comb(n_reference + n_query, n_query))
