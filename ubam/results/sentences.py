"""The sentences of the report: what was found, what to be careful about, each test in words, the methods paragraph."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

import numpy as np

from ubam.core.text import listed, p_text, plain, plural, shortened
from ubam.results.records.clips import REASONS, ClipFacts
from ubam.results.records.scores import ScoreRow
from ubam.results.records.tests import Test
from ubam.results.run_data import RunData

LEVEL = 0.05
MAIN_FAMILIES = ("groups", "pairs", "change", "slope")
FEW_TESTS, MOST_SENTENCES = 3, 6  # tests in the summary; the table has all


def headline(data: RunData) -> list[str]:
    """The sentences of the summary.

    First comes the answer to the study's question: about the groups where they could be tested, else about single
    subjects. Then follows what was compared, and what the comparison cannot see.
    """
    if not data.subjects:
        return ["No subject could be scored.", _what_failed(data)]
    if data.reference is None:
        return [
            _mutual(data),
            f"No reference group was named, so each subject was compared with all others. {_who(data)}",
        ]
    single, groups = [_individuals(data), _by_chance(data)], _groups(data)
    tested = any(test.p is not None for test in main_tests(data))
    scored = any(score.deviation is not None for score in data.queries)
    seen = UNSEEN if scored and data.reference_count else ""
    return [*(groups + single if tested else single + groups), _compared(data), seen]


UNSEEN = (
    "Small movements of a single limb, a dragged or a stiff one, can remain unseen. A subject unlike the reference "
    "need not be ill, and one like the reference need not be healthy."
)


def _mutual(data: RunData) -> str:
    scored = [score for score in data.queries if score.deviation is not None]
    if len(scored) < 2:
        return "One subject alone cannot be compared with anything."
    return f"Of {len(scored)} subjects, {scored[0].subject} moves least like the others."


def _individuals(data: RunData) -> str:
    scored = [score for score in data.queries if score.deviation is not None]
    beyond = [score.subject for score in scored if score.beyond_reference]
    normal = data.reference_count
    if not scored and {score.group for score in data.subjects} == {data.reference} and not _failed_queries(data):
        if len(data.subjects) == 1:
            return f"The only subject is of the reference group {data.reference}, so it is compared with nobody else."
        return (
            f"All {len(data.subjects)} subjects are of the reference group {data.reference}, each compared with the "
            "others; there is no other group."
        )
    if not scored:
        return f"No subject outside the reference group {data.reference} could be scored."
    if not normal:
        return f"No subject of the reference group {data.reference} could be scored, so nothing says what is normal."
    if normal == 1:
        return f"With one {data.reference} subject nothing says how far subjects of the reference are from each other."
    than = f"any of the {normal} {data.reference} subjects"
    if len(scored) == 1:
        verb = "moves" if beyond else "does not move"
        return f"{scored[0].subject} {verb} further from the {data.reference} reference than {than}."
    groups = {score.group for score in scored}
    whose = f"{next(iter(groups))} " if len(groups) == 1 else "compared "
    verb = "moves" if len(beyond or scored) == 1 else "move"
    share = "None" if not beyond else "All" if len(beyond) == len(scored) else str(len(beyond))
    who = f"{share} {'' if share == 'All' else 'of the '}{len(scored)} {whose}{plural(len(scored), 'subject')}"
    who = f"Both {whose}subjects" if len(beyond) == len(scored) == 2 else who
    names = f": {listed(shortened(beyond))}" if beyond else ""
    return f"{who} {verb} further from the {data.reference} reference than {than}{names}."


def _failed_queries(data: RunData) -> bool:
    """Whether a recording of another group than the reference is in the study at all."""
    return any(row.get("group") != data.reference for row in data.recordings)


def _by_chance(data: RunData) -> str:
    """How often chance alone gives what `_individuals` reports."""
    smallest = [score.smallest_p for score in data.queries if score.deviation is not None and score.smallest_p]
    if not smallest or data.reference_count < 2:
        return ""
    if len(smallest) == 1:
        return f"A subject that moves like the reference would do so in 1 of {round(1 / smallest[0])} such studies."
    each = round(len(smallest) / sum(smallest))
    return f"Any one subject that moves like the reference would do so in 1 of {each} such studies."


def _groups(data: RunData) -> list[str]:
    """The tests between groups and over time: all of them when there are few, else those that found something."""
    main = main_tests(data)
    answered = [test for test in main if test.p is not None]
    if len(answered or main) <= FEW_TESTS:
        return list(dict.fromkeys(words for test in answered or main for words in _answer(data, test)))
    found = [test for test in answered if significant(test)]
    told = [test_sentence(data, test) for test in found[:MOST_SENTENCES]]
    rest = len(answered) - len(told)
    if not told:
        return [f"None of {rest} tests of the groups found anything; the table has every test."]
    others = f"{rest} further {plural(rest, 'test')}"
    more = "; see every test" if len(found) > len(told) else " found nothing; the table has every test"
    return [*told, f"{others}{more}." if rest else ""]


def main_tests(data: RunData) -> list[Test]:
    """The tests that answer the study's question, of which the summary speaks."""
    return [test for test in data.statistics.tests if test.family in MAIN_FAMILIES]


def significant(test: Test) -> bool:
    """Whether a test has p <= 0.05 after its correction."""
    return test.decisive_p is not None and test.decisive_p <= LEVEL


def test_sentence(data: RunData, test: Test) -> str:
    """What one test found; where it found nothing, what these groups could have shown."""
    return " ".join(_answer(data, test)).rstrip()


def _answer(data: RunData, test: Test) -> list[str]:
    """What one test found, and beside that what these groups could have shown where it found nothing."""
    (first, second), p = test.pair, test.decisive_p
    if p is None:
        asked = (test.question or f"{second} against {first}").rstrip("?")
        return [f"Not tested: {asked} ({test.refused or 'no p could be computed'})."]
    yes, no = SENTENCES.get(test.kind, SENTENCES["two groups"])
    groups = listed([first, second] if test.groups is None else test.groups)
    sentence = (yes if p <= LEVEL else no).format(first=first, second=second, groups=groups, p=p_text(p))
    return [sentence] if p <= LEVEL else [sentence, _limit(data, test)]


SENTENCES = {
    "two groups": (
        "As a group, {second} differs from {first} ({p}).",
        "No difference between the groups {first} and {second} was found ({p}).",
    ),
    "paired": (
        "The same subjects differ between {first} and {second} ({p}).",
        "No difference between {first} and {second} was found in the same subjects ({p}).",
    ),
    "omnibus": ("The groups {groups} differ among themselves ({p}).", "No difference among {groups} was found ({p})."),
    "paired sessions": (
        "The subjects of {groups} change from the first session to the last ({p}).",
        "No change of the subjects of {groups} from the first session to the last was found ({p}).",
    ),
    "slope": (
        "Subjects of the group {groups} change over time or dose ({p}).",
        "No change of the subjects of {groups} over time or dose was found ({p}).",
    ),
    "slopes differ": (
        "Over time or dose, {groups} change differently ({p}).",
        "No difference was found in how {groups} change over time or dose ({p}).",
    ),
    "time course": (
        "At some moments of the recording {second} differs from {first} ({p}).",
        "No stretch of the recording was found in which {second} differs from {first} ({p}).",
    ),
}


def _limit(data: RunData, test: Test) -> str:
    """What groups of these sizes could have shown: by the run's own power, else by a rank test."""
    if test.kind not in ("two groups", "pair"):
        return ""
    for row in data.statistics.power or []:
        if row.groups == test.groups and row.words:
            return row.words
    sizes = list(test.n.values())
    return smallest_effect(sizes[0], sizes[1]) if len(sizes) == 2 else ""


def _compared(data: RunData) -> str:
    counts = Counter(score.group for score in data.subjects)
    queries = [f"{counts[group]} {group}" for group in data.groups if group != data.reference and counts[group]]
    recordings = sum(row.get("status") != "failed" for row in data.recordings)
    if data.frozen:
        whom = f"{len(data.subjects)} {plural(len(data.subjects), 'subject')}"
        return (
            f"Compared: {whom} with the frozen reference {data.frozen.group} of {data.reference_count} subjects "
            f"({data.frozen.hash}), from {recordings} {plural(recordings, 'recording')}; nothing was trained."
        )
    whom = f"{counts[data.reference or '']} {data.reference} {plural(counts[data.reference or ''], 'subject')}"
    pairs = f"{listed(queries)} with {whom} (the reference)" if queries else f"{whom} (the reference) with each other"
    return f"Compared: {pairs}, from {recordings} {plural(recordings, 'recording')}."


def _who(data: RunData) -> str:
    counts = Counter(score.group for score in data.subjects)
    return f"Subjects: {listed([f'{counts[group]} {group}' for group in data.groups if counts[group]])}."


def _what_failed(data: RunData) -> str:
    failed = sum(row.get("status") == "failed" for row in data.recordings)
    return f"{failed} of {len(data.recordings)} recordings failed; the reasons follow below." if failed else ""


def smallest_effect(first: int, second: int, level: float = LEVEL) -> str:
    """What groups of these sizes can show at best, in one sentence; a rank test stands for the test that was made."""
    auc = smallest_auc(first, second, level)
    sizes = f"groups of {first} and {second}"
    if auc is None:
        return f"With {sizes}, even groups that do not overlap at all give no p < {level:g}: more subjects are needed."
    return (
        f"The smallest effect that {sizes} can show at p < {level:g} in a rank test is an AUC of {auc:.2f} "
        f"(a subject of one group the more deviant in {round(100 * auc)} of 100 pairs); a smaller one may be there "
        "unseen."
    )


def smallest_auc(first: int, second: int, level: float = LEVEL) -> float | None:
    """Smallest AUC whose exact two-sided rank test (Mann and Whitney, 1947) has p <= level; None when there is none."""
    if min(first, second) < 1:
        return None
    size = first * second
    if size > 2500:
        return 0.5 + 1.96 * ((first + second + 1) / (12 * size)) ** 0.5
    steps = range(size // 2 + 1, size + 1)
    place = bisect_left(steps, -level * (1 + 1e-9), key=lambda u: -_rank_p(u, first, second))
    return steps[place] / size if place < len(steps) else None


def _rank_p(u: int, first: int, second: int) -> float:
    """Exact two-sided p of two groups of these sizes where `u` pairs have the larger value in the first."""
    from scipy.stats import mannwhitneyu  # here, so that a page without a test does not wait for scipy.stats

    whole, part = divmod(u, second)
    beaten = np.array([second] * whole + ([part] if whole < first else []) + [0] * (first - whole - 1))
    values = beaten - 0.5 + np.arange(first) / (10 * first)  # each beats so many of 0, 1 ... second - 1; no ties
    return float(mannwhitneyu(values, np.arange(second), alternative="two-sided", method="exact").pvalue)


def subject_sentence(data: RunData, score: ScoreRow) -> str:
    """What the numbers of one subject mean."""
    if score.deviation is None:
        return f"{score.subject} could not be scored."
    interval = (
        f" (interval {plain(score.low)} to {plain(score.high)})"
        if score.low is not None and score.high is not None
        else ""
    )
    normal = data.normal("deviation")
    words = f"Deviation {plain(score.deviation)}{interval}"
    if normal:
        who = f"{data.reference} {plural(len(normal), 'subject')}"
        words += f"; the {len(normal)} {who} have {plain(min(normal))} to {plain(max(normal))}"
    if score.p is None:
        return words + "."
    others = round(1 / score.smallest_p) - 1 if score.smallest_p else len(normal)
    as_deviant, who = round(score.p * (1 + others)) - 1, "reference" if data.reference else "other"
    if score.beyond_reference:
        smallest = f"{p_text(score.p)}, the smallest that their number allows"
        return f"{words}. None of {others} {who} subjects is as deviant: {smallest}."
    whose = f"{others} {who} {plural(others, 'subject')} {'is' if as_deviant == 1 else 'are'}"
    return f"{words}. {as_deviant} of {whose} at least as deviant: {p_text(score.p)}."


def about_recording(row: Mapping[str, str]) -> str:
    """Session, day, dose and remarks of a recording in one line."""
    named = [f"{name} {row[name]}" for name in ("session", "day", "dose") if row.get(name)]
    named += [f"only in part: {row.get('reason')}"] if row.get("status") == "partial" else []
    return ", ".join(named + ([row["warnings"]] if row.get("warnings") else []))


def magnified_words(facts: ClipFacts) -> list[str]:
    """What a magnified clip shows and how far to trust it, from the JSON beside it."""
    factor, measured, moved = facts.factor, facts.factor_measured, facts.factor_geometric
    kept, words = facts.appearance_kept, list[str]()
    if facts.from_s is not None and facts.to_s is not None:
        words.append(f"Shown: {facts.from_s:.1f} to {facts.to_s:.1f} s of the recording.")
    if factor is not None:
        checks = [f"{measured:.1f} by the posture code" if measured is not None else ""]
        checks += [f"{moved:.1f} in pixels" if moved is not None else ""]
        found = listed([check for check in checks if check])
        aim = f"The deviation is meant to be {factor:g} times as large as it is"
        words.append(f"{aim} (measured: {found})." if found else f"{aim}.")
        if measured is not None and factor > 0 and not 0.75 <= measured / factor <= 1.33:
            words.append(f"By its own check the clip shows {'less' if measured < factor else 'more'} than that.")
    if kept is not None:
        words.append(f"Colours of the subject kept: {100 * kept:.0f} %.")
    if facts.marked_frames:
        reasons = listed([reason for name, reason in REASONS.items() if facts.marked_reasons.get(name)])
        share = f"{facts.marked_frames} of {facts.frames} frames"
        words.append(f"{share} are marked as not to be trusted{f': {reasons}' if reasons else ''}.")
    return words
