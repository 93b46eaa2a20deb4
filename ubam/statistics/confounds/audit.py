"""The confound audit of a scored study."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ubam.deviation.scores import StudyScores
from ubam.recordings.study_table import Recording
from ubam.results.controls import OURS
from ubam.results.records.audit import Audit, Comparison, ControlRow
from ubam.statistics.confounds.correlates import WITHOUT_MEAN, follow, identity_leak
from ubam.statistics.confounds.direction import other_sides
from ubam.statistics.confounds.group_differences import compare, label_permutations, of_subjects, rank_aucs
from ubam.statistics.confounds.recording_properties import RecordingProperties
from ubam.statistics.confounds.sentences import with_words


def audit_study(
    recordings: Sequence[Recording],
    seen: RecordingProperties,
    embeddings: Sequence[Mapping[str, np.ndarray]],
    scores: StudyScores,
    controls: Mapping[str, StudyScores],
    reference: str | None,
    seed: int,
) -> Audit:
    """Audit a study: what else separates its groups, what the deviation follows, whether subjects are recognisable.

    recordings, what is `seen` of them, and embeddings (posture [T, D] and behaviour [W, E]) are in the same order.
    """
    keys = [(recording.subject, recording.group) for recording in recordings]
    subjects = of_subjects(seen, keys)
    scored = {(score.subject, score.group): score.deviation for score in scores.subjects}
    order = [*dict.fromkeys(group for _, group in keys)]
    comparisons = [
        with_controls(compare(subjects, reference, group, seed), scores, controls, seed)
        for group in order
        if reference in order and group != reference and reference is not None
    ]
    empty = (
        {(s.subject, s.group): s.deviation for s in controls["background"].subjects} if "background" in controls else {}
    )
    background = np.array([empty.get(key, np.nan) for key in subjects.keys]) if empty else None
    deviation = np.array([scored.get(key, np.nan) for key in subjects.keys])
    known = np.array([group == reference or reference is None for _, group in subjects.keys])
    return with_words(
        comparisons,
        follow(subjects, deviation, background, seed),
        identity_leak(_codes(embeddings), keys, [recording.session for recording in recordings]),
        other_sides(subjects.keys, subjects.numbers, known, reference or "the others"),
    )


def _codes(embeddings: Sequence[Mapping[str, np.ndarray]]) -> dict[str, list[np.ndarray]]:
    """The codes in which the probe looks for the subject."""
    behaviours = [arrays["behaviour"] for arrays in embeddings]
    dynamic = [behaviour - behaviour.mean(0) if len(behaviour) else behaviour for behaviour in behaviours]
    return {
        "postures": [arrays["posture"] for arrays in embeddings],
        "behaviours": behaviours,
        WITHOUT_MEAN: dynamic,
    }


def with_controls(entry: Comparison, scores: StudyScores, controls: Mapping[str, StudyScores], seed: int) -> Comparison:
    """Add the AUC of the group by ubam and by each control; a control's p permutes its finished scores.

    A group of one subject has none: any two numbers differ, so its AUC would be 0 or 1.
    """
    reference, group = entry.groups
    if entry.refused is not None:
        return entry
    rows = []
    for name, study in {OURS: scores, **controls}.items():
        values = [(s.deviation, s.group == group) for s in study.subjects if s.group in (reference, group)]
        deviation, is_query = (
            np.array([value for value, _ in values]),
            np.array([mine for _, mine in values], dtype=bool),
        )
        if not np.isfinite(deviation).all() or is_query.all() or not is_query.any():
            continue
        aucs = rank_aucs(deviation.round(9), label_permutations(is_query, None, seed))
        far = np.abs(aucs - 0.5)
        p = None if name == OURS else float(np.mean(far >= far[0] - 1e-9))  # its own test is among the tests
        rows.append(ControlRow(name, float(aucs[0]), p))
    return replace(entry, controls=rows)
