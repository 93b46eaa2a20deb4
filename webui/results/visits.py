"""A patient over visits: the deviation of each visit beside the reference's range, and what may be said of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ubam.core.text import p_text, plain
from ubam.results.run_data import RunData, read_run
from ubam.results.sentences import UNSEEN

RESEARCH = "ubam is a research tool and not a medical device."
FIRST_LOOK = "The reference was made by the preset quick, which trains too briefly for results to be relied on."
FEWER = 19  # reference subjects below which the p of one visit cannot reach 0.05


@dataclass(frozen=True)
class Visit:
    """One visit: its date (ISO 8601), its recordings in the run, most deviant first, and its deviation."""

    date: str
    recordings: tuple[str, ...]
    deviation: float | None
    low: float | None
    high: float | None
    p: float | None


@dataclass(frozen=True)
class Course:
    """All visits in the order of their dates; band: the lowest and highest deviation of a reference subject.

    program: the version of ubam that compared them.
    """

    visits: tuple[Visit, ...]
    band: tuple[float, float] | None
    reference: str
    reference_count: int
    first_look: bool
    program: str = ""


def course_of(run: Path) -> Course:
    """The visits of a run that scored a patient: there, the date of the visit is the group."""
    data = read_run(run)
    normal = data.normal("deviation")
    return Course(
        tuple(sorted(_visits(data), key=lambda visit: visit.date)),
        (min(normal), max(normal)) if normal else None,
        data.reference or "",
        data.reference_count,
        data.record.preset == "quick",
        data.record.ubam or "",
    )


def _visits(data: RunData) -> list[Visit]:
    return [
        Visit(
            score.group, tuple(row.recording_id for row in data.recordings_of(score.subject, score.group)),
            score.deviation, score.low, score.high, score.p,
        )
        for score in data.subjects
    ]  # fmt: skip


def finding(course: Course) -> list[str]:
    """What the visits show, in sentences: the last beside the reference, and what changed since the first."""
    scored = [visit for visit in course.visits if visit.deviation is not None]
    if not scored:
        return ["No visit could be compared."]
    first, last = scored[0], scored[-1]
    said = [_beside_the_reference(last, course)]
    return [*said, _change(first, last)] if len(scored) > 1 else said


def _beside_the_reference(visit: Visit, course: Course) -> str:
    value = visit.deviation or 0.0
    words = f"At the visit of {day(visit.date)} the deviation was {plain(value)}{_interval(visit)}"
    if course.band is None:
        return f"{words}; nothing is known of the reference subjects' own."
    low, high = course.band
    where = "above" if value > high else "below" if value < low else "within"
    words += f", {where} the range of the {course.reference_count} {course.reference} subjects, "
    return f"{words}{plain(low)} to {plain(high)}{f' ({p_text(visit.p)})' if visit.p is not None else ''}."


def _change(first: Visit, last: Visit) -> str:
    before, now = first.deviation or 0.0, last.deviation or 0.0
    way = "smaller than" if now < before else "larger than" if now > before else "the same as"
    words = f"It was {way} at the first visit, of {day(first.date)}: {plain(before)}{_interval(first)}."
    known = [end for visit in (first, last) for end in (visit.low, visit.high) if end is not None]
    if len(known) < 4:
        return f"{words} How certain that is is not known."
    apart = (last.high or 0) < (first.low or 0) or (first.high or 0) < (last.low or 0)
    return f"{words} The two intervals {'do not overlap' if apart else 'overlap, so it may be no change'}."


def _interval(visit: Visit) -> str:
    known = visit.low is not None and visit.high is not None
    return f" (interval {plain(visit.low)} to {plain(visit.high)})" if known else ""


def limits(course: Course) -> list[str]:
    """What nobody may read into it."""
    few = (
        f"With {course.reference_count} reference subjects the p of one visit cannot be smaller than "
        f"{plain(1 / (course.reference_count + 1))}."
    )
    said = [FIRST_LOOK] if course.first_look else []
    return [*said, UNSEEN, *([few] if 0 < course.reference_count < FEWER else []), RESEARCH]


def day(iso: str) -> str:
    """A date as people write it: 3 May 2026."""
    try:
        found = date.fromisoformat(iso)
    except ValueError:
        return iso
    return f"{found.day} {found:%B %Y}"


def ends(visits: Sequence[Visit]) -> tuple[Visit, Visit] | None:
    """The first and the last visit with recordings that were compared."""
    shown = [visit for visit in visits if visit.recordings and visit.deviation is not None]
    return (shown[0], shown[-1]) if shown else None
