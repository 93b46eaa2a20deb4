"""The confound audit in the report: what besides movement tells the groups apart, a row for each property."""

from collections.abc import Mapping
from typing import Any

from ubam.core.text import p_text, plain
from ubam.results.run_data import RunData, mapping, number
from ubam.results.sentences import CONTROL_NAMES

VERDICTS = {
    "apart": "tells the groups apart",
    "possible": "may differ",
    "no sign": "no sign",
    "same": "the same for all",
    "refused": "not tested",
}

HELD = {"outside": "outside it", "refused": "not read in every recording"}


def audit_view(data: RunData) -> dict[str, Any] | None:
    """What the page shows of `audit` in statistics.json; None when the run has none."""
    audit = mapping(data.statistics.get("audit"))
    compared = [mapping(entry) for entry in _rows(audit.get("comparisons"))]
    follows = mapping(audit.get("follows"))
    if not audit:
        return None
    wrong = [str(words) for words in _rows(audit.get("warnings"))]
    return {
        "warnings": wrong,
        "comparisons": [_comparison(entry) for entry in compared if entry],
        "follows": [_follow(mapping(row)) for row in _rows(follows.get("rows")) if mapping(row)],
        "follows_n": follows.get("n"),
        "identity": str(mapping(audit.get("identity")).get("words") or ""),
        "unknown": [str(words) for words in _rows(audit.get("unknown"))],
        "against": [_held(mapping(entry)) for entry in _rows(audit.get("against")) if mapping(entry)],
        "new": "against" in audit,
    }


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _held(entry: Mapping[str, Any]) -> dict[str, Any]:
    """One new subject beside the reference's range of every property."""
    rows = [mapping(row) for row in _rows(entry.get("rows"))]
    labels: dict[str, list[str]] = {"usual": [], "outside": [], "refused": []}
    for row in rows:
        labels.setdefault(str(row.get("verdict")), []).append(str(row.get("label") or "").removeprefix("the "))
    told = [f"{len(labels['usual'])} of {len(rows)} properties within what the reference shows"]
    told += [f"{words}: {', '.join(labels[verdict])}" for verdict, words in HELD.items() if labels[verdict]]
    return {"words": f"{entry.get('subject') or ''}: {'; '.join(told)}."}


def _comparison(entry: Mapping[str, Any]) -> dict[str, Any]:
    groups = [str(group) for group in _rows(entry.get("groups"))]
    controls = [mapping(row) for row in _rows(entry.get("controls"))]
    return {
        "groups": groups,
        "title": " against ".join(reversed(groups)),
        "refused": str(entry.get("refused") or ""),
        "correction": str(entry.get("correction") or ""),
        "rows": [_property(mapping(row), groups) for row in _rows(entry.get("rows")) if mapping(row)],
        "controls": [
            {
                "name": CONTROL_NAMES.get(str(row.get("name")), str(row.get("name"))),
                "ours": row.get("name") == "ubam",
                "auc": number(row.get("auc")),
                "p": p_text(number(row.get("p")), bare=True),
            }
            for row in controls
            if number(row.get("auc")) is not None
        ],
    }


def _property(row: Mapping[str, Any], groups: list[str]) -> dict[str, Any]:
    auc, medians = number(row.get("auc")), mapping(row.get("medians"))
    verdict = str(row.get("verdict") or "")
    if auc is not None and medians:
        auc = max(auc, 1 - auc)
    return {
        "label": _capital(str(row.get("label") or row.get("feature") or "")),
        "auc": auc,
        "at": None if auc is None else 100 * auc,
        "medians": [f"{plain(number(medians[group]))}" for group in groups if group in medians],
        "unit": str(row.get("unit") or ""),
        "p": p_text(number(row.get("p")), bare=True),
        "corrected_p": p_text(number(row.get("corrected_p")), bare=True),
        "verdict": VERDICTS.get(verdict, verdict),
        "class": {"apart": "bad", "possible": "doubt"}.get(verdict, ""),
        "words": str(row.get("words") or ""),
    }


def _follow(row: Mapping[str, Any]) -> dict[str, Any]:
    rho, low, high, p = (number(row.get(name)) for name in ("rho", "low", "high", "corrected_p"))
    return {
        "label": _capital(str(row.get("label") or row.get("feature") or "")),
        "rho": plain(rho),
        "at": {
            name: None if v is None else 50 + 50 * v for name, v in (("deviation", rho), ("low", low), ("high", high))
        },
        "interval": "" if low is None or high is None else f"{plain(low)} to {plain(high)}",
        "corrected_p": p_text(p, bare=True),
        "class": "bad" if p is not None and rho is not None and p <= 0.05 and abs(rho) >= 0.5 else "",
        "words": str(row.get("words") or ""),
    }


def _capital(text: str) -> str:
    text = text.removeprefix("the ")
    return text[:1].upper() + text[1:]
