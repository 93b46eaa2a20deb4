"""Everything that statistics.json says of one study: its design, every test, power, classifier, curves, and notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ubam.deviation.intervals import reference_issues
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.scores import StudyScores, SubjectScore
from ubam.recordings.study_table import Recording
from ubam.statistics.blocks import Blocks, describe_blocks, find_blocks
from ubam.statistics.classifier import classify
from ubam.statistics.effect_sizes import separation
from ubam.statistics.group_tests import compare_groups, correct_p_values, share_subjects, subjects_of_groups
from ubam.statistics.motif_usage import Usage, compare_usage
from ubam.statistics.permuted_references import MatchedSubjects, match_all_subjects, subject_distances
from ubam.statistics.power import describe_power
from ubam.statistics.sessions import Session, repeated_columns, score_sessions
from ubam.statistics.slopes import compare_sessions
from ubam.statistics.time_clusters import compare_courses
from ubam.statistics.without_reference import describe_without_reference

FORMAT = 2


@dataclass(frozen=True)
class Inference:
    """statistics: what statistics.json holds; sessions: one score for each; relations of N units, distance [N, N]."""

    statistics: dict[str, Any]
    sessions: list[Session]
    relations: MatchedSubjects
    distance: np.ndarray


def study_statistics(
    recordings: Sequence[Recording],
    codes: Sequence[PostureSeries],
    scores: StudyScores,
    controls: Mapping[str, StudyScores],
    windows: Sequence[Mapping[str, Any]],
    usage: Usage,
    reference: str | None,
    seed: int,
    block: str | None = None,
) -> Inference:
    """Test all that the study's columns allow; a test that cannot be made says why, and the rest is made.

    recordings: those of `codes`, in the same order; windows: the rows of deviation/windows.csv; usage: the share of
    time of each motif, of each (subject, group); block: the column whose cages, litters or sites are respected.
    """
    members = subjects_of_groups(codes, reference)
    blocks, notes = find_blocks(recordings, block)
    relations = match_all_subjects(codes)
    columns = repeated_columns(recordings)
    sessions = score_sessions(recordings, codes, scores, seed) if columns else []
    deviations = {(score.subject, score.group): score.deviation for score in scores.subjects}
    rows = compare_groups(codes, deviations, reference, seed, blocks, relations)
    over, curves = compare_sessions(sessions, columns, reference, seed, blocks)
    during, courses = compare_courses(relations, members, reference, seed, blocks)
    shares, motifs = compare_usage(usage, members, reference, seed, blocks)
    classifier = classify(codes, members, seed, blocks) if len(members) > 1 else None
    rows = correct_p_values([*rows, *over, *during, *shares, *_classifier_row(classifier)])
    statistics: dict[str, Any] = {
        "format": FORMAT, "unit": "subject", "reference": reference, "looks": scores.fitted.looks is not None,
        "n": {group: len(subjects) for group, subjects in members.items()},
        "counts": _counts(members, recordings, windows),
        "design": _design(recordings, members, columns, blocks),
        "tests": rows, "power": _power(rows), "classifier": classifier,
        "mutual": describe_without_reference(scores.subjects, windows) if reference is None else None,
        "curves": curves, "timecourse": courses, "motifs": motifs,
        "controls": _controls(scores, controls, reference) if len(members) > 1 else {},
    }  # fmt: skip
    statistics["notes"] = [*notes, *_notes(statistics, members), *reference_issues(scores.fitted)]
    return Inference(statistics, sessions, relations, subject_distances(relations))


def _power(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for row in rows:
        if row["family"] in ("groups", "pairs") and len(row["groups"]) == 2 and "smallest_p" in row:
            first, second = row["groups"]
            sizes = row["n"][first], row["n"][second]
            found.append(describe_power((first, second), *sizes, row["smallest_p"], row["kind"] == "paired"))
    return found


_AUC = {"value": "auc", "low": "auc_low", "high": "auc_high"}


def _classifier_row(classifier: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The classifier as one of the tests."""
    if classifier is None:
        return []
    row: dict[str, Any] = {
        "family": "classifier", "kind": "classifier", "unit": "subject", "measure": "group told from the movement",
        "question": "Can a subject's group be told from its movement?", "left_out": [],
        "name": f"{classifier['name']}; permutation of subject labels, everything fitted anew", "statistic": None,
    }  # fmt: skip
    kept = ("groups", "n", "p", "smallest_p", "arrangements", "exact", "refused", "unit", "blocks", "downgraded")
    row |= {name: classifier[name] for name in kept if name in classifier}
    if "auc" in classifier:
        effect = {"name": "AUC"} | {name: classifier[key] for name, key in _AUC.items()}
        row |= {"statistic": classifier["auc"], "statistic_name": "AUC", "effect": effect, "effects": [effect]}
    elif "accuracy" in classifier:
        row |= {"statistic": classifier["accuracy"], "statistic_name": "balanced accuracy"}
        row |= {"effect": None, "effects": []}
    return [row]


def _counts(
    members: Mapping[str, Sequence[str]], recordings: Sequence[Recording], windows: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, float]]:
    found = {}
    for group, subjects in members.items():
        mine = [row for row in windows if row["group"] == group]
        theirs = [one for one in recordings if one.group == group]
        found[group] = {
            "subjects": len(subjects), "recordings": len(theirs), "windows": len(mine),
            "seconds": round(sum(_span(mine, one) for one in theirs), 1),
        }  # fmt: skip
    return found


def _span(windows: Sequence[Mapping[str, Any]], recording: Recording) -> float:
    mine = [row for row in windows if row["recording_id"] == recording.recording_id]
    return mine[-1]["t_end_s"] - mine[0]["t_start_s"] if mine else 0.0


def _design(
    recordings: Sequence[Recording], members: Mapping[str, Sequence[str]], columns: Sequence[str], blocks: Blocks | None
) -> dict[str, Any]:
    groups = list(members)
    paired = [
        [a, b]
        for number, a in enumerate(groups)
        for b in groups[number + 1 :]
        if share_subjects(members[a], members[b], a, b)[1]
    ]
    design: dict[str, Any] = {"groups": groups, "paired": paired, "repeated": None, "block": None}
    words = [_group_words(members, paired)]
    if columns:
        values = list(dict.fromkeys(getattr(one, columns[0]) for one in recordings))
        design["repeated"] = {"column": columns[0], "values": [value for value in values if value not in (None, "")]}
        words.append(f"Subjects were recorded again over the column '{columns[0]}'.")
    if blocks:
        design["block"] = describe_blocks(blocks, members)
        words.append(design["block"]["words"])
    return design | {"words": " ".join(words)}


def _group_words(members: Mapping[str, Sequence[str]], paired: Sequence[Sequence[str]]) -> str:
    sizes = ", ".join(f"{group} ({len(subjects)})" for group, subjects in members.items())
    if len(members) == 1:
        return f"One group: {sizes}."
    same = "; ".join(f"{a} and {b} are the same subjects, compared with themselves" for a, b in paired)
    return f"{len(members)} groups: {sizes}." + (f" {same[0].upper()}{same[1:]}." if same else "")


def _notes(statistics: Mapping[str, Any], members: Mapping[str, Sequence[str]]) -> list[str]:
    """What was refused, downgraded or left out, each once."""
    notes = []
    if len(members) == 1:
        notes.append(f"All subjects are in one group ({next(iter(members))}): no groups can be compared.")
    for row in statistics["tests"]:
        title = f"{row['kind'].capitalize()}, {' against '.join(reversed(row['groups']))}"
        notes += [f"{title}: not tested, because {row['refused']}."] if "refused" in row else []
        notes += [f"{title}: {row['downgraded']}."] if "downgraded" in row else []
        notes += [f"{one['subject']} {_verb(one['why'])}{one['why']}." for one in row.get("left_out", [])]
    for a, b in statistics["design"]["paired"]:
        notes.append(
            f"{a} and {b} hold the same subjects and are compared as before and after; if these are different animals, "
            "give them different names in the column subject."
        )
    return list(dict.fromkeys(notes))


def _verb(why: str) -> str:
    return "is left out, " if why.startswith("in ") else ""


def _controls(
    scores: StudyScores, controls: Mapping[str, StudyScores], reference: str | None
) -> dict[str, dict[str, float]]:
    compared = sum(score.group == reference for score in scores.subjects)
    if reference is None or min(compared, len(scores.subjects) - compared) < 2:
        return {}
    subjects = {"ubam": scores.subjects, **{name: control.subjects for name, control in controls.items()}}
    return {name: {"auc": _auc(rows, reference)} for name, rows in subjects.items()}


def _auc(subjects: Sequence[SubjectScore], reference: str) -> float:
    normal = np.array([score.deviation for score in subjects if score.group == reference])
    other = np.array([score.deviation for score in subjects if score.group != reference])
    return float(separation(normal, other))


def session_rows(sessions: Sequence[Session], windows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of deviation/sessions.csv."""
    count: dict[str, int] = {}
    for row in windows:
        count[row["recording_id"]] = count.get(row["recording_id"], 0) + 1
    return [
        {"subject": one.subject, "group": one.group, "session": one.session, "day": one.day, "dose": one.dose,
         "n_windows": sum(count.get(name, 0) for name in one.recordings), "deviation": one.deviation,
         "deviation_low": one.low, "deviation_high": one.high, "static": one.static, "dynamic": one.dynamic}
        for one in sessions
    ]  # fmt: skip


def distance_rows(inference: Inference) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of deviation/distances.csv and their columns."""
    names, units = inference.relations.names, inference.relations
    rows: list[dict[str, Any]] = [
        {"subject": subject, "group": group} | dict(zip(names, map(float, line), strict=True))
        for subject, group, line in zip(units.subjects, units.groups, inference.distance, strict=True)
    ]
    return rows, ["subject", "group", *names]


def usage_of(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], np.ndarray]:
    """Shares of time [K] of each (subject, group) from the rows of motifs/usage.csv."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row["subject"], row["group"]), []).append(row["share"])
    return {key: np.array(shares) for key, shares in found.items()}
