"""The tests in the report: the main ones in sentences, every row in a table, power, and the classifier."""

from collections.abc import Mapping
from typing import Any

from ubam.core.text import p_text, plain
from ubam.report.charts import group_class
from ubam.results.run_data import RunData, mapping, number
from ubam.results.sentences import MAIN_FAMILIES, group_tests, pair_of, test_sentence

FAMILIES = {
    "groups": "Groups",
    "pairs": "Pairs of groups",
    "change": "Before and after",
    "slope": "Over days or doses",
    "time course": "Within the recording",
    "motifs": "Motifs",
    "classifier": "Classifier",
}


def main_tests(data: RunData) -> list[dict[str, Any]]:
    """The tests that answer the study's question, each with a heading, one sentence and its effect sizes."""
    rows = [test for test in group_tests(data) if test.get("family", "groups") in MAIN_FAMILIES]
    return [
        {
            "heading": str(test.get("question") or " against ".join(reversed(pair_of(test)))),
            "sentence": in_words(data, test),
            "family": str(test.get("family") or "groups"),
            "notes": notes_of(test),
            "p": p_text(number(test.get("p")), bare=True),
            "smallest_p": p_text(number(test.get("smallest_p")), bare=True),
            "corrected_p": p_text(number(test.get("correction_p")), bare=True),
            "correction": str(test.get("correction") or "none"),
            "effects": effects_of(test),
            "n": n_of(test),
            "name": str(test.get("name") or "") + how_many(test),
            "unit": str(test.get("unit") or "subject"),
        }
        for test in rows
    ]


def in_words(data: RunData, test: Mapping[str, Any]) -> str:
    """The result of a test and what its AUC means."""
    sentence, effect = test_sentence(data, test), mapping(test.get("effect"))
    value = number(effect.get("value"))
    if value is not None and str(effect.get("name")).upper() == "AUC":
        first, second = pair_of(test)
        sentence += (
            f" In {round(100 * value)} of 100 pairs of subjects the one of {second} deviates more than the one of "
        )
        sentence += f"{first} (50 is chance)."
    return sentence


def notes_of(test: Mapping[str, Any]) -> list[str]:
    """What was left out, and how blocks changed the test."""
    left = test.get("left_out")
    out = [
        f"{one.get('subject')} ({one.get('why')})" for one in (left if isinstance(left, list) else []) if mapping(one)
    ]
    words = [str(test.get("downgraded") or mapping(test.get("blocks")).get("words") or "")]
    words += [f"left out: {'; '.join(out[:6])}{f'; and {len(out) - 6} more' if len(out) > 6 else ''}"] if out else []
    return [word[:1].upper() + word[1:].rstrip(".") + "." for word in words if word]


def effects_of(test: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each effect size with its interval, the main one first."""
    listed = test.get("effects")
    found = [mapping(one) for one in (listed if isinstance(listed, list) else []) if mapping(one)]
    found = found or [mapping(test.get("effect"))]
    return [
        {"name": str(one.get("name", "effect")), "value": plain(number(one.get("value"))), "interval": interval_of(one)}
        for one in found
        if number(one.get("value")) is not None
    ]


def interval_of(effect: Mapping[str, Any]) -> str:
    """'0.81 to 1.00', or nothing."""
    low, high = number(effect.get("low")), number(effect.get("high"))
    return "" if low is None or high is None else f"{plain(low)} to {plain(high)}"


def n_of(test: Mapping[str, Any]) -> str:
    """'healthy: 7, impaired: 5', with recordings where there are more of them than subjects."""
    counts, parts = mapping(test.get("counts")), []
    for group, count in mapping(test.get("n")).items():
        recordings = number(mapping(counts.get(group)).get("recordings"))
        more = f" ({recordings:.0f} recordings)" if recordings and recordings != number(count) else ""
        parts.append(f"{group}: {count}{more}")
    return ", ".join(parts)


def how_many(test: Mapping[str, Any]) -> str:
    """How many arrangements of the labels a test counted."""
    count = number(test.get("arrangements"))
    kind = "every one of " if test.get("exact") else ""
    return f" ({kind}{count:,.0f} arrangements)" if count else ""


def table(data: RunData) -> list[dict[str, Any]]:
    """Every row of the tests, by family, those that were refused with their reason."""
    families: dict[str, list[dict[str, Any]]] = {}
    for test in group_tests(data):
        families.setdefault(str(test.get("family") or "groups"), []).append(_row(test))
    return [{"name": FAMILIES.get(name, name.capitalize()), "rows": rows} for name, rows in families.items()]


def _row(test: Mapping[str, Any]) -> dict[str, Any]:
    p = number(test.get("p"))
    return {
        "question": str(test.get("question") or " against ".join(reversed(pair_of(test)))),
        "name": str(test.get("name") or "") + how_many(test),
        "unit": str(test.get("unit") or "subject"),
        "n": n_of(test),
        "p": p_text(p, bare=True),
        "smallest_p": p_text(number(test.get("smallest_p")), bare=True),
        "corrected_p": p_text(number(test.get("correction_p")), bare=True),
        "correction": str(test.get("correction") or ""),
        "effects": effects_of(test),
        "refused": "" if p is not None else str(test.get("refused") or "no p could be computed"),
        "notes": notes_of(test),
    }


def power(data: RunData) -> list[str]:
    """What effect these group sizes can see, a sentence for each pair of groups."""
    listed = data.statistics.get("power")
    found = [mapping(one) for one in (listed if isinstance(listed, list) else []) if mapping(one).get("words")]
    if len(found) < 2:
        return [str(one["words"]) for one in found]
    return [f"{second} against {first}: {one['words']}" for one in found for first, second in [pair_of(one)]]


def classifier(data: RunData) -> dict[str, Any] | None:
    """Which subjects look like which group: a row for each, with the probability of every group in percent."""
    found = mapping(data.statistics.get("classifier"))
    if not found:
        return None
    listed, groups = found.get("subjects"), found.get("groups")
    rows = [mapping(one) for one in (listed if isinstance(listed, list) else [])]
    names = [str(group) for group in groups] if isinstance(groups, list) else []
    return {
        "words": str(found.get("words") or ""),
        "refused": str(found.get("refused") or ""),
        "name": str(found.get("name") or ""),
        "groups": [{"name": name, "class": group_class(data, name)} for name in names],
        "facts": _facts(found),
        "rows": [_looks_like(data, row, names) for row in sorted(rows, key=lambda row: _own_share(row))],
    }


def _facts(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    value = {name: number(found.get(name)) for name in ("accuracy", "chance", "auc", "brier", "brier_chance", "p")}
    facts = []
    if value["accuracy"] is not None:
        chance = "" if value["chance"] is None else f" (chance {100 * value['chance']:.0f} %)"
        facts.append(("subjects named rightly", f"{100 * value['accuracy']:.0f} %{chance}"))
    if value["auc"] is not None:
        interval = interval_of({"low": found.get("auc_low"), "high": found.get("auc_high")})
        facts.append(("AUC", plain(value["auc"]) + (f" ({interval})" if interval else "")))
    if value["p"] is not None:
        smallest = p_text(number(found.get("smallest_p")), bare=True)
        facts.append(("p (smallest possible)", p_text(value["p"], bare=True) + (f" ({smallest})" if smallest else "")))
    if value["brier"] is not None:
        chance = "" if value["brier_chance"] is None else f" (chance {plain(value['brier_chance'])})"
        facts.append(("Brier score, 0 is best", plain(value["brier"]) + chance))
    return facts


def _own_share(row: Mapping[str, Any]) -> float:
    return number(mapping(row.get("probability")).get(str(row.get("group")))) or 0.0


def _looks_like(data: RunData, row: Mapping[str, Any], groups: list[str]) -> dict[str, Any]:
    shares = {group: number(mapping(row.get("probability")).get(group)) or 0.0 for group in groups}
    group, predicted = str(row.get("group", "")), str(row.get("predicted") or "")
    return {
        "subject": str(row.get("subject", "")),
        "group": group,
        "class": group_class(data, group),
        "parts": [
            {"class": group_class(data, name), "group": name, "percent": round(100 * share, 1)}
            for name, share in shares.items()
        ],
        "own": f"{100 * shares.get(group, 0.0):.0f} %",
        "predicted": predicted,
        "wrong": bool(predicted) and predicted != group,
    }
