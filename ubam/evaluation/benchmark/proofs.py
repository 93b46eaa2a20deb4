"""Proofs of the statistics on simulated studies (embeddings.py): false positives, power, calibration, coverage, time.

Every study is a cell that is kept, so that a stopped proof continues. Our tests are compared with those found in
publications: every frame as if it were an animal, every recording as if it were one, and reference subjects scored by a
reference that holds them.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NotRequired, TypedDict

import numpy as np
from scipy.stats import binomtest, mannwhitneyu

from ubam.core.files import write_json
from ubam.core.parallel import executor
from ubam.core.typing import StageProgress
from ubam.deviation.normal_variation import length, pooled, shrink, summarise, whiten
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import ReferenceModel
from ubam.deviation.scores import StudyScores, score_study
from ubam.evaluation.benchmark.simulated_scores import QUERY, REFERENCE, score_simulated
from ubam.evaluation.synthetic.embeddings import (
    Impairment,
    World,
    blocks_study,
    groups_study,
    paired_study,
    recovery_study,
)
from ubam.results.records.study import Classifier
from ubam.results.records.tests import Test
from ubam.statistics.blocks import Blocks
from ubam.statistics.classifier import classify
from ubam.statistics.effect_sizes import group_effects
from ubam.statistics.group_tests import compare_groups, subjects_of_groups
from ubam.statistics.motif_usage import compare_usage
from ubam.statistics.permuted_references import MatchedSubjects, match_all_subjects
from ubam.statistics.sessions import Session
from ubam.statistics.slopes import compare_sessions
from ubam.statistics.time_clusters import compare_courses

ARRANGEMENTS = 200  # enough for exact tests at 5 %, and fast; studies themselves use 2,000
LEVEL = 0.05
SIZES = {REFERENCE: 12, QUERY: 9}
LARGE = {REFERENCE: 100, QUERY: 100}
Numbers = dict[str, float]


def null_groups(seed: int) -> Numbers:
    """p of all tests between groups of subjects who do not differ, 12 + 9 with two recordings each."""
    return _groups(seed, 0.0)


def planted_groups(seed: int) -> Numbers:
    """The same where the second group leans with severity 0.5."""
    return _groups(seed, 0.5)


def _groups(seed: int, severity: float) -> Numbers:
    codes = groups_study(seed, SIZES, {QUERY: severity}, recordings=2, seconds=2.4)
    scores = score_study(codes, REFERENCE, intervals=False)
    relations, members = match_all_subjects(codes), subjects_of_groups(codes, REFERENCE)
    deviations = {(one.subject, one.group): one.deviation for one in scores.subjects}
    found = {
        "two groups": _only(compare_groups(codes, deviations, REFERENCE, seed, None, relations, ARRANGEMENTS)),
        "distance": _only(compare_groups(codes, deviations, None, seed, None, relations, ARRANGEMENTS)),
        "time course": _only(compare_courses(relations, members, REFERENCE, seed, None, ARRANGEMENTS)[0]),
        "classifier": _only([classify(codes, members, seed, None, ARRANGEMENTS)]),
        "motif usage": _usage(seed, members, severity),
    }
    ranks = [one.p_value for one in scores.subjects if one.group == QUERY]
    return found | _others(codes, scores, relations) | {f"conformal {k}": p for k, p in enumerate(ranks)}


def _only(rows: Sequence[Test | Classifier]) -> float:
    return _known(rows[0].p)


def _known(value: float | None) -> float:
    return float("nan") if value is None else value


def _usage(seed: int, members: Mapping[str, Sequence[str]], severity: float) -> float:
    rng = np.random.default_rng([3, seed])
    habits = {REFERENCE: np.array([6.0, 4.0, 2.0, 1.0]), QUERY: np.array([6.0, 4.0, 2.0, 1.0 + 8 * severity])}
    usage = {(name, group): rng.dirichlet(habits[group]) for group, names in members.items() for name in names}
    return _only(compare_usage(usage, members, REFERENCE, seed)[0])


def _others(codes: Sequence[PostureSeries], scores: StudyScores, relations: MatchedSubjects) -> Numbers:
    """p of the tests that are found in publications, by rank sums (Mann and Whitney 1947)."""
    groups = {code.recording_id: code.group for code in codes}
    moments: dict[str, list[np.ndarray]] = {REFERENCE: [], QUERY: []}
    for name, score in scores.recordings.items():
        moments[groups[name]].append(score.moment.mean(0))
    frames = [np.concatenate(moments[group]) for group in (REFERENCE, QUERY)]
    recordings = [np.array([summarise(one) for one in moments[group]]) for group in (REFERENCE, QUERY)]
    inside = in_sample(relations)
    return {
        "frames as units": float(mannwhitneyu(*frames).pvalue),
        "recordings as units": float(mannwhitneyu(*recordings).pvalue),
        "in-sample reference": float(mannwhitneyu(*inside).pvalue),
    }


def in_sample(relations: MatchedSubjects) -> tuple[np.ndarray, np.ndarray]:
    """Deviations of reference and query subjects from the mean of all reference subjects, the scored one included."""
    chosen = np.flatnonzero([group == REFERENCE for group in relations.groups])
    residuals = []
    for unit in range(len(relations.names)):
        stack = np.array([relations.own[unit] if other == unit else relations.others[unit, other] for other in chosen])
        residuals.append(relations.own[unit] - stack.mean(0))
    units = whiten(shrink(pooled([residuals[unit] for unit in chosen]), 4 * len(chosen)))
    values = np.array([summarise(length(residual, units)) for residual in residuals])
    inside = np.isin(np.arange(len(values)), chosen)
    return values[inside], values[~inside]


def null_several(seed: int) -> Numbers:
    """p of three groups that do not differ (8 + 6 + 6): all at once, and the smallest corrected p of the pairs."""
    codes = groups_study(seed, {REFERENCE: 8, "b": 6, "c": 6}, {}, seconds=2.4)
    relations, deviations = match_all_subjects(codes), _deviations(codes)
    rows = compare_groups(codes, deviations, REFERENCE, seed, None, relations, ARRANGEMENTS)
    mutual = compare_groups(codes, deviations, None, seed, None, relations, ARRANGEMENTS)
    return {
        "omnibus": _only(rows),
        "pairs, corrected": min(row.correction_p for row in rows[1:] if row.correction_p is not None),
        "omnibus of distances": _only(mutual),
    }  # fmt: skip


def null_blocks(seed: int) -> Numbers:
    """p where cages move their subjects and groups do not differ: labels within cages, and whole cages of one group."""
    codes, of = blocks_study(seed, 5, 2, 0.0)
    apart, held = blocks_study(seed + 10_000, 8, 1, 0.0)
    # Whole cages: both subjects of a cage are in one group.
    apart = [replace(code, group=REFERENCE if int(held[code.subject][4:]) < 4 else QUERY) for code in apart]
    return {
        "within blocks": _only(
            compare_groups(codes, _deviations(codes), REFERENCE, seed, Blocks("cage", of), None, ARRANGEMENTS)
        ),
        "whole blocks": _only(
            compare_groups(apart, _deviations(apart), REFERENCE, seed, Blocks("cage", held), None, ARRANGEMENTS)
        ),
        "blocks ignored": _only(compare_groups(apart, _deviations(apart), REFERENCE, seed, None, None, ARRANGEMENTS)),
    }


def _deviations(codes: Sequence[PostureSeries]) -> dict[tuple[str, str], float]:
    """Placeholders where only p is asked for and effect sizes are not used."""
    return {(code.subject, code.group): 0.0 for code in codes}


def null_paired(seed: int) -> Numbers:
    """p of a change from before to after in 10 subjects that do not change."""
    return _paired(seed, 0.0)


def planted_paired(seed: int) -> Numbers:
    """The same where subjects lean with severity 0.5 afterwards."""
    return _paired(seed, 0.5)


def _paired(seed: int, severity: float) -> Numbers:
    codes = paired_study(seed, 10, severity)
    rows = compare_groups(codes, _deviations(codes), "before", seed, None, None, ARRANGEMENTS)
    return {"before and after": _only(rows)}


def null_days(seed: int) -> Numbers:
    """p of slopes over four days in 8 + 8 subjects that do not change."""
    return _days(seed, 0.0, 0.0)


def planted_days(seed: int) -> Numbers:
    """The same where the second group leans with severity 0.8 on the first day and gets well by the last."""
    return _days(seed, 0.8, 1.0)


def _days(seed: int, severity: float, recovers: float) -> Numbers:
    codes, day_of = recovery_study(seed, 8, 8, (1, 7, 14, 28), severity, recovers)
    codes = [replace(code, posture=code.posture[:60]) for code in codes]
    scores = score_study(codes, REFERENCE, intervals=False)
    sessions = [_session(code, scores, day_of[code.recording_id]) for code in codes]
    rows, _ = compare_sessions(sessions, ["day"], REFERENCE, seed)
    twice = [replace(one, session=str(one.day)) for one in sessions if one.day in (1, 7)]
    pair, _ = compare_sessions(twice, ["session"], REFERENCE, seed)
    by_kind = {(row.kind, row.pair[1] if len(row.n) > 1 else row.pair[0]): _only([row]) for row in [*rows, *pair]}
    return {
        "slope": by_kind["slope", QUERY], "slopes differ": by_kind["slopes differ", QUERY],
        "paired sessions": by_kind["paired sessions", QUERY],
    }  # fmt: skip


def _session(code: PostureSeries, scores: StudyScores, day: float) -> Session:
    score = scores.recordings[code.recording_id]
    value = float(summarise(score.moment).mean())
    parts = float(score.static.mean()), float(score.dynamic.mean())
    return Session(code.subject, code.group, "", day, None, (code.recording_id,), value, value, value, *parts)


def coverage(seed: int) -> Numbers:
    """Whether the 95 % intervals hold the truth: of a subject's deviation, and of the difference between two groups.

    Subjects have two recordings each; `alone` is a subject of studies with one recording for each subject, which cannot
    show how recordings differ.
    """
    codes = groups_study(seed, SIZES, {QUERY: 0.3}, recordings=2, seconds=2.4)
    scores = score_study(codes, REFERENCE, seed=seed)
    normal, other = ([o.deviation for o in scores.subjects if o.group == g] for g in (REFERENCE, QUERY))
    auc, _, g = group_effects(np.array(normal), np.array(other), seed)
    single = score_study(groups_study(seed, SIZES, {QUERY: 0.3}, seconds=2.4), REFERENCE, seed=seed)
    found = {
        "auc": _known(auc.value), "auc low": _known(auc.low), "auc high": _known(auc.high),
        "g": _known(g.value), "g low": _known(g.low), "g high": _known(g.high),
    }  # fmt: skip
    for name, recordings, subjects in (("subject", 2, scores.subjects), ("alone", 1, single.subjects)):
        first = next(one for one in subjects if one.group == QUERY)
        truth = _expected_deviation(seed, first.subject, recordings)
        found |= {f"{name} low": first.low, f"{name} high": first.high, f"{name} truth": truth}
        found |= {f"{name} deviation": first.deviation}
    return found


def _expected_deviation(seed: int, name: str, recordings: int, draws: int = 8) -> float:
    """Mean deviation of the same subject in new recordings by new references of the same size."""
    # The subject as `groups_study` drew it: the reference's draws come before it.
    rng, world = np.random.default_rng(seed), World(0)
    for number in range(SIZES[REFERENCE]):
        one = world.subject(f"{REFERENCE}{number}", rng)
        rng.uniform(0.5, 1.5)
        for _ in range(recordings):
            world.recording(one, REFERENCE, "", rng, seconds=2.4)
    subject = world.subject(name, rng)
    severity = 0.3 * rng.uniform(0.5, 1.5)
    values = []
    for draw in range(draws):
        again = np.random.default_rng([seed, draw])
        drawn = int(again.integers(2**31))
        reference = groups_study(drawn, {REFERENCE: SIZES[REFERENCE]}, {}, recordings, seconds=2.4)
        codes = [
            world.recording(subject, QUERY, f"again{k}", again, impairment=Impairment(severity), seconds=2.4)
            for k in range(recordings)
        ]
        fitted = ReferenceModel().fit(reference, [*reference, *codes])
        moments = np.concatenate([fitted.score(code).moment for code in codes], axis=1)
        values.append(float(summarise(moments).mean()))
    return float(np.mean(values))


def large(seed: int) -> Numbers:
    """Seconds for scores with intervals, three controls and every test of 200 subjects with two recordings each."""
    codes = groups_study(seed, LARGE, {QUERY: 0.5}, recordings=2)
    began = time.perf_counter()
    with executor(1) as pool:
        found = score_simulated(codes, pool, seed)
    return {"two groups": _only(found.statistics.tests), "wall_s": time.perf_counter() - began}


CHECKS: dict[str, Callable[[int], Numbers]] = {
    "null_groups": null_groups, "null_several": null_several, "null_blocks": null_blocks, "null_paired": null_paired,
    "null_days": null_days, "planted_groups": planted_groups, "planted_paired": planted_paired,
    "planted_days": planted_days, "coverage": coverage, "large": large,
}  # fmt: skip
SHARE = {  # of the null studies
    "planted_groups": 0.25, "planted_paired": 0.25, "planted_days": 0.25, "coverage": 0.25, "large": 0.0025,
}  # fmt: skip


class Check(TypedDict):
    """One check: its studies, mean seconds for each, and rates, each with `share`, `low` and `high`."""

    studies: int
    cpu_s: float
    rates: dict[str, Numbers]
    wall_s: NotRequired[float]


class Summary(TypedDict):
    """proofs.json: the checks by name, at this level and with so many permutations."""

    level: float
    arrangements: int
    checks: dict[str, Check]


def run_proofs(out: Path, studies: int, names: Sequence[str] = (), progress: StageProgress | None = None) -> Summary:
    """Do every check on its studies that is not done yet, and write proofs.json into `out`; its contents.

    names: the checks to do, all of them by default.
    """
    for name in names or CHECKS:
        wanted = max(1, round(studies * SHARE.get(name, 1.0)))
        for seed in range(wanted):
            cell = out / "cells" / f"{name}_{seed:04d}.json"
            if not cell.exists():
                began = time.process_time()
                write_json(cell, CHECKS[name](seed) | {"cpu_s": time.process_time() - began})
            if progress is not None:
                progress(name, seed + 1, wanted)
    summary = summarise_proofs(out)
    write_json(out / "proofs.json", summary)
    return summary


def summarise_proofs(out: Path) -> Summary:
    """Rates with exact binomial intervals over all cells in `out`."""
    summary: Summary = {"level": LEVEL, "arrangements": ARRANGEMENTS, "checks": {}}
    for name in CHECKS:
        cells = [
            json.loads(path.read_text(encoding="utf-8")) for path in sorted((out / "cells").glob(f"{name}_*.json"))
        ]
        if not cells:
            continue
        if name == "coverage":
            found = _coverage_rates(cells)
        else:
            tests = [key for key in cells[0] if not key.startswith("conformal") and key not in ("cpu_s", "wall_s")]
            found = {test: rate([cell[test] <= LEVEL for cell in cells]) for test in tests}
            ranks = np.array([p for cell in cells for key, p in cell.items() if key.startswith("conformal")])
            if name == "null_groups":
                found |= conformal_rates(ranks, SIZES[REFERENCE])
        cpu_s = float(np.mean([cell["cpu_s"] for cell in cells]))
        check: Check = {"studies": len(cells), "cpu_s": cpu_s, "rates": found}
        if "wall_s" in cells[0]:
            check["wall_s"] = float(np.mean([cell["wall_s"] for cell in cells]))
        summary["checks"][name] = check
    return summary


def rate(hits: Sequence[bool]) -> Numbers:
    """Share of hits with its exact 95 % binomial interval (Clopper and Pearson 1934)."""
    interval = binomtest(int(sum(hits)), len(hits)).proportion_ci()
    return {"share": float(np.mean(hits)), "low": float(interval.low), "high": float(interval.high)}


def conformal_rates(ranks: np.ndarray, reference: int) -> dict[str, Numbers]:
    """Share of healthy new subjects at or below some of the p that `reference` subjects allow: ideally that p."""
    grid = [(k + 1) / (reference + 1) for k in (0, 1, 3, 6, 9)]
    return {f"conformal p at most {p:.3f}": rate((ranks <= p + 1e-9).tolist()) for p in grid}


def _coverage_rates(cells: Sequence[Numbers]) -> dict[str, Numbers]:
    """The truth of the groups is the mean over the studies; that of a subject its own expected deviation."""
    truth = {"auc": float(np.mean([cell["auc"] for cell in cells])), "g": float(np.mean([cell["g"] for cell in cells]))}
    found = {
        words: rate([cell[f"{name} low"] <= cell[f"{name} truth"] <= cell[f"{name} high"] for cell in cells])
        for name, words in (("subject", "subject"), ("alone", "subject, one recording each"))
    }
    for name, value in truth.items():
        found[name] = rate([cell[f"{name} low"] <= value <= cell[f"{name} high"] for cell in cells])
    return found


def table(summary: Summary) -> str:
    """The rates as lines of text."""
    lines = []
    for name, check in summary["checks"].items():
        wall = f", {check['wall_s']:.0f} seconds by the clock" if "wall_s" in check else ""
        lines.append(f"{name}: {check['studies']} studies, {check['cpu_s']:.1f} CPU-seconds each{wall}")
        for test, found in check["rates"].items():
            lines.append(f"  {test:30} {found['share']:6.3f}  [{found['low']:.3f}, {found['high']:.3f}]")
    return "\n".join(lines)
