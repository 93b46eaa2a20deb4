"""The confound audit in the report: what besides movement separates the groups, a row for each property."""

from ubam.core.text import capitalised, p_text, plain
from ubam.report.sections.views import AuditView, ComparisonView, FollowView, HeldView, PropertyView
from ubam.results.controls import OURS, labels_of_controls
from ubam.results.records.audit import Comparison, FollowRow, Follows, NewSubject, PropertyRow
from ubam.results.run_data import RunData

VERDICTS = {
    "apart": "separates the groups",
    "possible": "may differ",
    "no sign": "no sign",
    "same": "the same for all",
    "refused": "not tested",
}

HELD = {"outside": "outside it", "refused": "not read in every recording"}


def audit_view(data: RunData) -> AuditView | None:
    """What the page shows of `audit` in statistics.json; None when the run has none."""
    audit = data.statistics.audit
    if audit is None:
        return None
    follows = audit.follows or Follows()
    return {
        "warnings": audit.warnings,
        "comparisons": [_comparison(entry) for entry in audit.comparisons],
        "follows": [_follow(row) for row in follows.rows],
        "follows_n": follows.n,
        "identity": audit.identity.words if audit.identity is not None else "",
        "unknown": audit.unknown,
        "against": [_held(entry) for entry in audit.against or []],
        "new": audit.against is not None,
    }


def _held(entry: NewSubject) -> HeldView:
    """One new subject beside the reference's range of every property."""
    labels: dict[str, list[str]] = {"usual": [], "outside": [], "refused": []}
    for row in entry.rows:
        labels.setdefault(row.verdict, []).append(row.label.removeprefix("the "))
    told = [f"{len(labels['usual'])} of {len(entry.rows)} properties within what the reference shows"]
    told += [f"{words}: {', '.join(labels[verdict])}" for verdict, words in HELD.items() if labels[verdict]]
    return {"words": f"{entry.subject}: {'; '.join(told)}."}


def _comparison(entry: Comparison) -> ComparisonView:
    names = labels_of_controls()
    return {
        "groups": entry.groups,
        "title": " against ".join(reversed(entry.groups)),
        "refused": entry.refused or "",
        "correction": entry.correction or "",
        "rows": [_property(row, entry.groups) for row in entry.rows],
        "controls": [
            {
                "name": names.get(row.name, row.name),
                "ours": row.name == OURS,
                "auc": row.auc,
                "p": p_text(row.p, bare=True),
            }
            for row in entry.controls
            if row.auc is not None
        ],
    }


def _property(row: PropertyRow, groups: list[str]) -> PropertyView:
    auc, medians = row.separation, row.medians or {}
    return {
        "label": _heading(row.label or row.feature),
        "auc": auc,
        "at": None if auc is None else 100 * auc,
        "medians": [plain(medians[group]) for group in groups if group in medians],
        "unit": row.unit or "",
        "p": p_text(row.p, bare=True),
        "corrected_p": p_text(row.corrected_p, bare=True),
        "verdict": VERDICTS.get(row.verdict, row.verdict),
        "class": {"apart": "bad", "possible": "doubt"}.get(row.verdict, ""),
        "words": row.words,
    }


def _follow(row: FollowRow) -> FollowView:
    rho, low, high, p = row.rho, row.low, row.high, row.corrected_p
    return {
        "label": _heading(row.label or row.feature),
        "rho": plain(rho),
        "at": {
            name: None if v is None else 50 + 50 * v for name, v in (("deviation", rho), ("low", low), ("high", high))
        },
        "interval": "" if low is None or high is None else f"{plain(low)} to {plain(high)}",
        "corrected_p": p_text(p, bare=True),
        "class": "bad" if p is not None and rho is not None and p <= 0.05 and abs(rho) >= 0.5 else "",
        "words": row.words,
    }


def _heading(label: str) -> str:
    return capitalised(label.removeprefix("the "))
