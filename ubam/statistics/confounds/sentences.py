"""The audit in words: what else separates the groups, and how much of the deviation it explains."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ubam.core.text import capitalised, listed
from ubam.results.controls import CONTROLS, OURS
from ubam.results.records.audit import Audit, Comparison, FollowRow, Follows, Identity, PropertyRow
from ubam.statistics.confounds.correlates import WITHOUT_MEAN
from ubam.statistics.confounds.group_differences import LEVEL

STRONG = 0.5  # |rho|; a weaker link explains less than a quarter of the ranks
AS_WELL = 0.05  # AUC below ubam's at which a control does about as well; the standard error is larger with few subjects


def with_words(
    comparisons: Sequence[Comparison], follows: Follows, identity: Identity, sides: Mapping[str, Sequence[str]]
) -> Audit:
    """The audit with a sentence beside every row, its warnings, and what cannot be known.

    sides: what is said of subjects that face or turn the other way, by property (`other_sides`).
    """
    plain = [name for name, words in sides.items() if words]
    told = [_told(entry) for entry in comparisons]
    followed = replace(follows, rows=[replace(row, words=_follow_words(row)) for row in follows.rows])
    nobody = "No group was compared with a reference, so no property of the recordings was tested."
    unknown = [words for entry in told for words in _limits(entry)] if told else [nobody]
    if follows.refused:
        unknown.append(f"Whether the deviation follows light, size or camera cannot be known: {follows.refused}.")
    return Audit(
        comparisons=told,
        follows=followed,
        identity=replace(identity, words=identity_words(identity)),
        warnings=[
            *(words for sentences in sides.values() for words in sentences),
            *(words for entry in told for words in _warnings(entry, plain)),
            *(row.words for row in followed.rows if _is_followed(row)),
        ],
        unknown=unknown,
    )


def _told(entry: Comparison) -> Comparison:
    """The comparison with a sentence in every row."""
    who = f"the groups {' and '.join(entry.groups)}"
    return replace(entry, rows=[replace(row, words=_row_words(row, who)) for row in entry.rows])


def _warnings(entry: Comparison, said: Collection[str]) -> list[str]:
    """The sentences of a comparison that are warnings, less those of the properties that were `said` otherwise."""
    reference, group = entry.groups
    rows = [row for row in entry.rows if row.feature not in said]
    warnings = [row.words for row in rows if row.verdict == "apart"]
    possible = [row for row in rows if row.verdict == "possible"]
    if possible:
        effect = " (the movement itself may change it)" if all(row.may_be_effect for row in possible) else ""
        warnings.append(
            f"Perhaps different between {reference} and {group}: {listed([row.label for row in possible])}{effect}. "
            "These subjects are too few to tell; see the audit."
        )
    return warnings + _control_words(entry)


def _row_words(row: PropertyRow, who: str) -> str:
    label = row.label
    if row.verdict == "same":
        return f"{capitalised(label)} is the same for all subjects."
    if row.verdict == "refused":
        return f"{capitalised(label)} was not tested: {row.refused or 'nothing to compare'}."
    found = f"AUC {row.separation:.2f}, p = {row.p:.2g}, corrected {row.corrected_p:.2g}"
    if row.verdict == "apart":
        effect = ", unless the movement itself changes it" if row.may_be_effect else ""
        return f"{capitalised(label)} alone separates {who} ({found}): this result may be about {row.about}{effect}."
    if row.verdict == "possible":
        return f"{capitalised(label)} may differ between the groups ({found}); these subjects are too few to decide."
    return f"No sign that {label} separates the groups ({found})."


def _control_words(entry: Comparison) -> list[str]:
    """A control is compared only where ubam itself finds more than chance does between groups of these sizes."""
    aucs = {row.name: row.auc for row in entry.controls if row.auc is not None}
    ours, visible, words = aucs.get(OURS), entry.smallest_visible_auc, {one.name: one.words for one in CONTROLS}
    if ours is None or visible is None or ours < visible:
        return []
    reference, group = entry.groups
    as_well = [
        f"{words[name]} (AUC {auc:.2f})"
        for name, auc in aucs.items()
        if name in words and auc > 0.6 and auc >= ours - AS_WELL
    ]
    if not as_well:
        return []
    return [
        f"The group {group} is separated from {reference} about as well by {listed(as_well)} as by ubam "
        f"(AUC {ours:.2f}): the scores alone do not show that this is movement."
    ]


def _limits(entry: Comparison) -> list[str]:
    reference, group = entry.groups
    sizes = " and ".join(f"{count} {name}" for name, count in entry.n.items())
    if entry.refused:
        return [
            f"Whether something besides movement separates {group} from {reference} cannot be known: {entry.refused}."
        ]
    visible = entry.smallest_visible_auc
    if visible is None:
        return [
            f"With {sizes} subjects no property could give p < {LEVEL:g} even if it separated them completely: what "
            "this audit did not find may be there."
        ]
    if visible <= 0.8:
        return []
    return [
        f"With {sizes} subjects the audit sees a property only if it separates the groups with an AUC of "
        f"{visible:.2f} or more: weaker confounds remain unseen."
    ]


def _is_followed(row: FollowRow) -> bool:
    """Whether the deviation follows a property so firmly that it is a warning."""
    return row.corrected_p is not None and row.corrected_p <= LEVEL and abs(row.rho or 0.0) >= STRONG


def _follow_words(row: FollowRow) -> str:
    found = f"rho {row.rho:.2f}, 95 % interval {row.low:.2f} to {row.high:.2f}, p = {row.p:.2g}"
    found += f", corrected {row.corrected_p:.2g}"
    if not _is_followed(row):
        return f"No sign that the deviation follows {row.label} within the groups ({found})."
    effect = ", unless the movement itself changes it" if row.may_be_effect else ""
    return (
        f"Within the groups the deviation follows {row.label} ({found}): part of it may be about {row.about}{effect}."
    )


def identity_words(entry: Identity) -> str:
    """How well the codes identify the subject."""
    if entry.refused:
        return f"Whether subjects can be recognised was not measured: {entry.refused}."
    accuracy, said = dict(entry.accuracy), []
    alike = accuracy.pop(WITHOUT_MEAN, None)
    parts = [f"{name} {100 * value:.0f} %" for name, value in accuracy.items()]
    where = "another recording" if entry.across == "recordings" else "the second half of the same recording"
    if parts:
        said.append(
            f"a linear probe names the subject of a moment in {where} correctly from {listed(parts)} of the time"
        )
    if alike is not None:
        said.append(f"the most alike of all {WITHOUT_MEAN} is the same subject's for {100 * alike:.0f} %")
    return (
        f"{capitalised('; '.join(said))} (chance {100 * (entry.chance or 0):.0f} %). Build, fur and place can "
        "identify a subject as well as movement."
    )
