"""Everything that statistics.json says of one study: its design, every test, power, classifier, curves, and notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ubam.core.text import capitalised
from ubam.deviation.intervals import reference_issues
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import StudyScores, SubjectScore
from ubam.recordings.study_table import Recording
from ubam.results.controls import OURS
from ubam.results.records.motifs import UsageRow
from ubam.results.records.scores import WindowRow
from ubam.results.records.study import Classifier, ControlScore, Design, Repeated, Statistics
from ubam.results.records.tests import Effect, GroupCount, LeftOut, Power, Test
from ubam.statistics.blocks import Blocks, describe_blocks, find_blocks
from ubam.statistics.classifier import classify
from ubam.statistics.effect_sizes import separation
from ubam.statistics.group_tests import (
    IN_BOTH_GROUPS,
    IN_ONE_GROUP,
    compare_groups,
    correct_p_values,
    share_subjects,
    subjects_of_groups,
)
from ubam.statistics.motif_usage import Usage, compare_usage
from ubam.statistics.permuted_references import MatchedSubjects, match_all_subjects, subject_distances
from ubam.statistics.power import describe_power
from ubam.statistics.sessions import Session, repeated_columns, score_sessions
from ubam.statistics.slopes import compare_sessions
from ubam.statistics.time_clusters import compare_courses
from ubam.statistics.without_reference import describe_without_reference


@dataclass(frozen=True)
class Inference:
    """statistics: what statistics.json holds; sessions: one score for each.

    relations of the N units that all are matched with, distance [N, N] between these.
    """

    statistics: Statistics
    sessions: list[Session]
    relations: MatchedSubjects
    distance: np.ndarray


@dataclass(frozen=True)
class Question:
    """What a study is asked.

    reference: the group that defines normal; None compares every subject with all others. block: the column of the
    cages, litters or sites within which permutations stay.
    """

    reference: str | None
    seed: int = 0
    block: str | None = None


@dataclass(frozen=True)
class Ahead:
    """What the tests of a study need and no score decides, so that it can be made beside the scores."""

    relations: MatchedSubjects
    classifier: Classifier | None


def match_ahead(codes: Sequence[PostureSeries], question: Question) -> MatchedSubjects:
    """All subjects matched with each other, or with enough of them, as the tests of the question need it."""
    return match_all_subjects(codes, question.reference)


def classify_ahead(
    recordings: Sequence[Recording], codes: Sequence[PostureSeries], question: Question
) -> Classifier | None:
    """The classifier of the groups; None where there is one group."""
    members = subjects_of_groups(codes, question.reference)
    blocks, _ = find_blocks(recordings, question.block)
    return classify(codes, members, question.seed, blocks) if len(members) > 1 else None


def study_statistics(
    recordings: Sequence[Recording],
    codes: Sequence[PostureSeries],
    scores: StudyScores,
    controls: Mapping[str, StudyScores],
    windows: Sequence[WindowRow],
    usage: Usage,
    question: Question,
    ahead: Ahead | None = None,
) -> Inference:
    """Make every test that the study's columns allow; one that cannot be made says why.

    recordings: those of `codes`, in the same order; windows: the rows of deviation/windows.csv; usage: the share of
    time of each motif, of each (subject, group); ahead: what was made before, by `match_ahead` and `classify_ahead`.
    """
    ahead = ahead or Ahead(match_ahead(codes, question), classify_ahead(recordings, codes, question))
    relations, classifier = ahead.relations, ahead.classifier
    reference, seed = question.reference, question.seed
    members = subjects_of_groups(codes, reference)
    blocks, notes = find_blocks(recordings, question.block)
    columns = repeated_columns(recordings)
    sessions = score_sessions(recordings, codes, scores, seed) if columns else []
    deviations = {(score.subject, score.group): score.deviation for score in scores.subjects}
    rows = compare_groups(codes, deviations, reference, seed, blocks, relations)
    over, curves = compare_sessions(sessions, columns, reference, seed, blocks)
    during, courses = compare_courses(relations, members, reference, seed, blocks)
    shares, motifs = compare_usage(usage, members, reference, seed, blocks)
    rows = correct_p_values([*rows, *over, *during, *shares, *_classifier_row(classifier)])
    design = _design(recordings, members, columns, blocks)
    statistics = Statistics(
        reference=reference, looks=scores.fitted.looks is not None,
        n={group: len(subjects) for group, subjects in members.items()},
        counts=_counts(members, recordings, windows), design=design,
        tests=rows, power=_power(rows), classifier=classifier,
        mutual=describe_without_reference(scores.subjects, windows) if reference is None else None,
        curves=curves, timecourse=courses, motifs=motifs,
        controls=_controls(scores, controls, reference) if len(members) > 1 else {},
        notes=[*notes, *_notes(rows, design, members), *reference_issues(scores.fitted)],
    )  # fmt: skip
    near = relations.among_matched()
    return Inference(statistics, sessions, near, subject_distances(near))


def _power(rows: Sequence[Test]) -> list[Power]:
    found = []
    for row in rows:
        if row.family in ("groups", "pairs") and row.groups and len(row.groups) == 2 and row.smallest_p is not None:
            first, second = row.groups
            sizes = row.n[first], row.n[second]
            found.append(describe_power((first, second), *sizes, row.smallest_p, row.kind == "paired"))
    return found


def _classifier_row(classifier: Classifier | None) -> list[Test]:
    """The classifier as one of the tests."""
    if classifier is None:
        return []
    row = Test(
        family="classifier", kind="classifier", measure="group told from the movement", left_out=[],
        question="Can a subject's group be recognised from its movement?",
        name=f"{classifier.name}; permutation of subject labels, everything fitted anew",
        groups=classifier.groups, n=classifier.n, p=classifier.p, smallest_p=classifier.smallest_p,
        arrangements=classifier.arrangements, exact=classifier.exact, refused=classifier.refused,
        unit=classifier.unit, blocks=classifier.blocks, downgraded=classifier.downgraded,
    )  # fmt: skip
    if classifier.auc is not None:
        effect = Effect("AUC", classifier.auc, classifier.auc_low, classifier.auc_high)
        return [replace(row, statistic=classifier.auc, statistic_name="AUC", effect=effect, effects=[effect])]
    if classifier.accuracy is not None:
        return [replace(row, statistic=classifier.accuracy, statistic_name="balanced accuracy", effects=[])]
    return [row]


def _counts(
    members: Mapping[str, Sequence[str]], recordings: Sequence[Recording], windows: Sequence[WindowRow]
) -> dict[str, GroupCount]:
    found = {}
    for group, subjects in members.items():
        mine = [row for row in windows if row.group == group]
        theirs = [one for one in recordings if one.group == group]
        seconds = round(sum(_span(mine, one) for one in theirs), 1)
        found[group] = GroupCount(len(subjects), len(theirs), len(mine), seconds)
    return found


def _span(windows: Sequence[WindowRow], recording: Recording) -> float:
    mine = [row for row in windows if row.recording_id == recording.recording_id]
    return mine[-1].t_end_s - mine[0].t_start_s if mine else 0.0


def _design(
    recordings: Sequence[Recording], members: Mapping[str, Sequence[str]], columns: Sequence[str], blocks: Blocks | None
) -> Design:
    groups = list(members)
    paired = [
        [a, b]
        for number, a in enumerate(groups)
        for b in groups[number + 1 :]
        if share_subjects(members[a], members[b], a, b)[1]
    ]
    words, repeated = [_group_words(members, paired)], None
    if columns:
        values = list(dict.fromkeys(getattr(one, columns[0]) for one in recordings))
        repeated = Repeated(columns[0], [value for value in values if value not in (None, "")])
        words.append(f"Subjects were recorded again over the column '{columns[0]}'.")
    block = describe_blocks(blocks, members) if blocks else None
    words += [block.words] if block is not None else []
    return Design(groups, paired, repeated, block, " ".join(words))


def _group_words(members: Mapping[str, Sequence[str]], paired: Sequence[Sequence[str]]) -> str:
    sizes = ", ".join(f"{group} ({len(subjects)})" for group, subjects in members.items())
    if len(members) == 1:
        return f"One group: {sizes}."
    same = "; ".join(f"{a} and {b} are the same subjects, compared with themselves" for a, b in paired)
    return f"{len(members)} groups: {sizes}." + (f" {capitalised(same)}." if same else "")


def _notes(rows: Sequence[Test], design: Design, members: Mapping[str, Sequence[str]]) -> list[str]:
    """What was refused, downgraded or left out, without repetition."""
    notes = []
    if len(members) == 1:
        notes.append(f"All subjects are in one group ({next(iter(members))}): no groups can be compared.")
    for row in rows:
        title = f"{row.kind.capitalize()}, {' against '.join(reversed(row.groups or []))}"
        notes += [f"{title}: not tested, because {row.refused}."] if row.refused is not None else []
        notes += [f"{title}: {row.downgraded}."] if row.downgraded is not None else []
        notes += [f"{one.subject} {_verb(one)}{one.why}." for one in row.left_out or []]
    for a, b in design.paired:
        notes.append(
            f"{a} and {b} hold the same subjects and are compared as before and after; if these are different animals, "
            "give them different names in the column subject."
        )
    return list(dict.fromkeys(notes))


def _verb(one: LeftOut) -> str:
    return "is left out, " if one.code in (IN_ONE_GROUP, IN_BOTH_GROUPS) else ""


def _controls(
    scores: StudyScores, controls: Mapping[str, StudyScores], reference: str | None
) -> dict[str, ControlScore]:
    compared = sum(score.group == reference for score in scores.subjects)
    if reference is None or min(compared, len(scores.subjects) - compared) < 2:
        return {}
    subjects = {OURS: scores.subjects, **{name: control.subjects for name, control in controls.items()}}
    return {name: ControlScore(_auc(rows, reference)) for name, rows in subjects.items()}


def _auc(subjects: Sequence[SubjectScore], reference: str) -> float:
    normal = np.array([score.deviation for score in subjects if score.group == reference])
    other = np.array([score.deviation for score in subjects if score.group != reference])
    return float(separation(normal, other))


def session_rows(sessions: Sequence[Session], windows: Sequence[WindowRow]) -> list[dict[str, object]]:
    """The rows of deviation/sessions.csv."""
    count: dict[str, int] = {}
    for row in windows:
        count[row.recording_id] = count.get(row.recording_id, 0) + 1
    return [
        {"subject": one.subject, "group": one.group, "session": one.session, "day": one.day, "dose": one.dose,
         "n_windows": sum(count.get(name, 0) for name in one.recordings), "deviation": one.deviation,
         "deviation_low": one.low, "deviation_high": one.high, "static": one.static, "dynamic": one.dynamic}
        for one in sessions
    ]  # fmt: skip


def distance_rows(inference: Inference) -> tuple[list[dict[str, object]], list[str]]:
    """The rows of deviation/distances.csv and their columns."""
    names, units = inference.relations.names, inference.relations
    rows: list[dict[str, object]] = [
        {"subject": subject, "group": group} | dict(zip(names, map(float, line), strict=True))
        for subject, group, line in zip(units.subjects, units.groups, inference.distance, strict=True)
    ]
    return rows, ["subject", "group", *names]


def usage_of(rows: Sequence[UsageRow]) -> dict[tuple[str, str], np.ndarray]:
    """Shares of time [K] of each (subject, group) from the rows of motifs/usage.csv."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row.subject, row.group), []).append(row.share)
    return {key: np.array(shares) for key, shares in found.items()}
