"""The tests in the report: the main ones in sentences, every row in a table, power, and the classifier."""

from ubam.core.text import p_text, plain
from ubam.report.charts import group_class
from ubam.report.sections.views import ClassifierView, EffectView, Family, LikenessRow, MainTest, TestRow
from ubam.results.records.study import Classifier, Likeness
from ubam.results.records.tests import Effect, Test
from ubam.results.run_data import RunData
from ubam.results.sentences import main_tests as tests_of_the_question
from ubam.results.sentences import test_sentence

FAMILIES = {
    "groups": "Groups",
    "pairs": "Pairs of groups",
    "change": "Before and after",
    "slope": "Over days or doses",
    "time course": "Within the recording",
    "motifs": "Motifs",
    "classifier": "Classifier",
}


def main_tests(data: RunData) -> list[MainTest]:
    """The tests that answer the study's question, each with a heading, one sentence and its effect sizes."""
    return [
        {
            "heading": test.question or " against ".join(reversed(test.pair)),
            "sentence": in_words(data, test),
            "family": test.family,
            "notes": notes_of(test),
            "p": p_text(test.p, bare=True),
            "smallest_p": p_text(test.smallest_p, bare=True),
            "corrected_p": p_text(test.correction_p, bare=True),
            "correction": test.correction or "none",
            "effects": effects_of(test),
            "n": n_of(test),
            "name": test.name + how_many(test),
            "unit": test.unit,
        }
        for test in tests_of_the_question(data)
    ]


def in_words(data: RunData, test: Test) -> str:
    """The result of a test and what its AUC means."""
    sentence, effect = test_sentence(data, test), test.effect
    if effect is not None and effect.value is not None and effect.name.upper() == "AUC":
        first, second = test.pair
        pairs = f"In {round(100 * effect.value)} of 100 pairs of subjects"
        sentence += f" {pairs} the one of {second} deviates more than the one of {first} (50 is chance)."
    return sentence


def notes_of(test: Test) -> list[str]:
    """What was left out, and how blocks changed the test."""
    out = [f"{one.subject} ({one.why})" for one in test.left_out or []]
    words = [test.downgraded or (test.blocks.words if test.blocks is not None else "")]
    words += [f"left out: {'; '.join(out[:6])}{f'; and {len(out) - 6} more' if len(out) > 6 else ''}"] if out else []
    return [word[:1].upper() + word[1:].rstrip(".") + "." for word in words if word]


def effects_of(test: Test) -> list[EffectView]:
    """Each effect size with its interval, the main one first."""
    found: list[Effect] = test.effects or ([test.effect] if test.effect is not None else [])
    return [
        {"name": one.name, "value": plain(one.value), "interval": interval_of(one.low, one.high)}
        for one in found
        if one.value is not None
    ]


def interval_of(low: float | None, high: float | None) -> str:
    """'0.81 to 1.00', or nothing."""
    return "" if low is None or high is None else f"{plain(low)} to {plain(high)}"


def n_of(test: Test) -> str:
    """'healthy: 7, impaired: 5', with recordings where there are more of them than subjects."""
    counts, parts = test.counts or {}, []
    for group, count in test.n.items():
        recordings = counts[group].recordings if group in counts else 0
        more = f" ({recordings} recordings)" if recordings and recordings != count else ""
        parts.append(f"{group}: {count}{more}")
    return ", ".join(parts)


def how_many(test: Test) -> str:
    """How many arrangements of the labels a test counted."""
    kind = "every one of " if test.exact else ""
    return f" ({kind}{test.arrangements:,} arrangements)" if test.arrangements else ""


def table(data: RunData) -> list[Family]:
    """Every row of the tests, by family, those that were refused with their reason."""
    families: dict[str, list[TestRow]] = {}
    for test in data.statistics.tests:
        families.setdefault(test.family, []).append(_row(test))
    return [{"name": FAMILIES.get(name, name.capitalize()), "rows": rows} for name, rows in families.items()]


def _row(test: Test) -> TestRow:
    return {
        "question": test.question or " against ".join(reversed(test.pair)),
        "name": test.name + how_many(test),
        "unit": test.unit,
        "n": n_of(test),
        "p": p_text(test.p, bare=True),
        "smallest_p": p_text(test.smallest_p, bare=True),
        "corrected_p": p_text(test.correction_p, bare=True),
        "correction": test.correction or "",
        "effects": effects_of(test),
        "refused": "" if test.p is not None else test.refused or "no p could be computed",
        "notes": notes_of(test),
    }


def power(data: RunData) -> list[str]:
    """What effect these group sizes can see, a sentence for each pair of groups."""
    found = [one for one in data.statistics.power or [] if one.words]
    if len(found) < 2:
        return [one.words for one in found]
    return [f"{second} against {first}: {one.words}" for one in found for first, second in [one.pair]]


def classifier(data: RunData) -> ClassifierView | None:
    """Which subjects look like which group: a row for each, with the probability of every group in percent."""
    found = data.statistics.classifier
    if found is None:
        return None
    return {
        "words": found.words or "",
        "refused": found.refused or "",
        "name": found.name,
        "groups": [{"name": name, "class": group_class(data, name)} for name in found.groups],
        "facts": _facts(found),
        "rows": [_looks_like(data, row, found.groups) for row in sorted(found.subjects, key=_own_share)],
    }


def _facts(found: Classifier) -> list[tuple[str, str]]:
    facts = []
    if found.accuracy is not None:
        chance = "" if found.chance is None else f" (chance {100 * found.chance:.0f} %)"
        facts.append(("subjects named rightly", f"{100 * found.accuracy:.0f} %{chance}"))
    if found.auc is not None:
        interval = interval_of(found.auc_low, found.auc_high)
        facts.append(("AUC", plain(found.auc) + (f" ({interval})" if interval else "")))
    if found.p is not None:
        smallest = p_text(found.smallest_p, bare=True)
        facts.append(("p (smallest possible)", p_text(found.p, bare=True) + (f" ({smallest})" if smallest else "")))
    if found.brier is not None:
        chance = "" if found.brier_chance is None else f" (chance {plain(found.brier_chance)})"
        facts.append(("Brier score, 0 is best", plain(found.brier) + chance))
    return facts


def _own_share(row: Likeness) -> float:
    return row.probability.get(row.group, 0.0)


def _looks_like(data: RunData, row: Likeness, groups: list[str]) -> LikenessRow:
    shares = {group: row.probability.get(group, 0.0) for group in groups}
    group, predicted = row.group, row.predicted
    return {
        "subject": row.subject,
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
