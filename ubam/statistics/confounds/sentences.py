"""The audit in words: what else separates the groups, and how much of the deviation it explains."""

from collections.abc import Mapping, Sequence
from typing import Any

from ubam.statistics.confounds.correlates import WITHOUT_MEAN
from ubam.statistics.confounds.group_differences import LEVEL

STRONG = 0.5  # |rho|; a weaker link explains less than a quarter of the ranks
AS_WELL = 0.05  # AUC below ubam's at which a control does about as well; the standard error is larger with few subjects
CONTROL_WORDS = {
    "untrained": "a network that learned nothing",
    "pixel": "the plain pixels of the subject",
    "background": "the empty scene",
}


def with_words(found: dict[str, Any]) -> dict[str, Any]:
    """The audit with a sentence beside every row, its warnings, and what cannot be known."""
    warnings: list[str] = []
    unknown: list[str] = []
    if not found["comparisons"]:
        unknown.append(
            "No group was compared with a reference, so no property was asked whether it tells groups apart."
        )
    for entry in found["comparisons"]:
        warnings += _comparison_words(entry)
        unknown += _limits(entry)
    warnings += _follow_words(found["follows"])
    if found["follows"].get("refused"):
        unknown.append(
            f"Whether the deviation follows light, size or camera cannot be known: {found['follows']['refused']}."
        )
    found["identity"]["words"] = identity_words(found["identity"])
    return found | {"warnings": warnings, "unknown": unknown}


def _comparison_words(entry: dict[str, Any]) -> list[str]:
    """Put a sentence into every row, and return those that are warnings."""
    reference, group = entry["groups"]
    who = f"The groups {reference} and {group}"
    warnings = []
    for row in entry["rows"]:
        row["words"] = _row_words(row, who)
        if row["verdict"] == "apart":
            warnings.append(row["words"])
    possible = [row for row in entry["rows"] if row["verdict"] == "possible"]
    if possible:
        effect = " (the movement itself may change it)" if all(row["may_be_effect"] for row in possible) else ""
        warnings.append(
            f"Perhaps different between {reference} and {group}: {_listed([r['label'] for r in possible])}{effect}. "
            "These subjects are too few to tell; see the audit."
        )
    return warnings + _control_words(entry)


def _row_words(row: Mapping[str, Any], who: str) -> str:
    label = row["label"]
    if row["verdict"] == "same":
        return f"{_capital(label)} is the same for all subjects."
    if row["verdict"] == "refused":
        return f"{_capital(label)} was not tested: {row.get('refused', 'nothing to compare')}."
    found = f"AUC {_auc(row):.2f}, p = {row['p']:.2g}, corrected {row['corrected_p']:.2g}"
    if row["verdict"] == "apart":
        effect = ", unless the movement itself changes it" if row["may_be_effect"] else ""
        return f"{who} can be told apart by {label} alone ({found}): this result may be about {row['about']}{effect}."
    if row["verdict"] == "possible":
        return f"{_capital(label)} may differ between the groups ({found}); these subjects cannot settle it."
    return f"No sign that {label} tells the groups apart ({found})."


def _auc(row: Mapping[str, Any]) -> float:
    """How well a row separates, whichever group has the larger value."""
    return max(row["auc"], 1 - row["auc"]) if "medians" in row else float(row["auc"])


def _control_words(entry: Mapping[str, Any]) -> list[str]:
    """A control is compared only where ubam itself finds more than chance does between groups of these sizes."""
    aucs = {row["name"]: row["auc"] for row in entry["controls"]}
    ours, visible = aucs.get("ubam"), entry.get("smallest_visible_auc")
    if ours is None or visible is None or ours < visible:
        return []
    reference, group = entry["groups"]
    as_well = [
        f"{CONTROL_WORDS[name]} (AUC {auc:.2f})"
        for name, auc in aucs.items()
        if name in CONTROL_WORDS and auc > 0.6 and auc >= ours - AS_WELL
    ]
    if not as_well:
        return []
    return [
        f"The group {group} is separated from {reference} about as well by {_listed(as_well)} as by ubam "
        f"(AUC {ours:.2f}): the scores alone do not show that this is movement."
    ]


def _limits(entry: Mapping[str, Any]) -> list[str]:
    reference, group = entry["groups"]
    sizes = " and ".join(f"{count} {name}" for name, count in entry["n"].items())
    if entry.get("refused"):
        return [
            f"Whether something besides movement separates {group} from {reference} cannot be known: "
            f"{entry['refused']}."
        ]
    visible = entry["smallest_visible_auc"]
    if visible is None:
        return [
            f"With {sizes} subjects no property could give p < {LEVEL:g} even if it separated them completely: what "
            "this audit did not find may be there."
        ]
    if visible <= 0.8:
        return []
    return [
        f"With {sizes} subjects the audit sees a property only if it separates the groups with an AUC of "
        f"{visible:.2f} or more: weaker confounds stay unseen."
    ]


def _follow_words(entry: dict[str, Any]) -> list[str]:
    warnings = []
    for row in entry["rows"]:
        found = f"rho {row['rho']:.2f}, 95 % interval {row['low']:.2f} to {row['high']:.2f}, p = {row['p']:.2g}"
        found += f", corrected {row['corrected_p']:.2g}"
        follows = row["corrected_p"] <= LEVEL and abs(row["rho"]) >= STRONG
        if not follows:
            row["words"] = f"No sign that the deviation follows {row['label']} within the groups ({found})."
            continue
        effect = ", unless the movement itself changes it" if row["may_be_effect"] else ""
        row["words"] = (
            f"Within the groups the deviation follows {row['label']} ({found}): part of it may be about "
            f"{row['about']}{effect}."
        )
        warnings.append(row["words"])
    return warnings


def identity_words(entry: Mapping[str, Any]) -> str:
    """How much the codes say who it is."""
    if entry.get("refused"):
        return f"Whether subjects can be recognised was not measured: {entry['refused']}."
    accuracy, said = dict(entry["accuracy"]), []
    alike = accuracy.pop(WITHOUT_MEAN, None)
    parts = [f"{name} {100 * value:.0f} %" for name, value in accuracy.items()]
    where = "another recording" if entry["across"] == "recordings" else "the second half of the same recording"
    if parts:
        said.append(
            f"a linear probe names the subject of a moment in {where} correctly from {_listed(parts)} of the time"
        )
    if alike is not None:
        said.append(f"the most alike of all {WITHOUT_MEAN} is the same subject's for {100 * alike:.0f} %")
    return (
        f"{_capital('; '.join(said))} (chance {100 * entry['chance']:.0f} %). What says who it is can hold build, fur "
        "and place as well as movement."
    )


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
