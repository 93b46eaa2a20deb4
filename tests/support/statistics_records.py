"""statistics.json, sessions.csv and distances.csv of a made-up run, after docs/formats.md."""

from typing import Any

import numpy as np

DAYS = (0.0, 3.0, 7.0, 14.0, 28.0)
NAME = "permutation of subject labels, reference, twins and units computed anew"


def describe(
    subjects: list[dict[str, Any]], reference: str | None, days: bool, rng: np.random.Generator
) -> dict[str, Any]:
    """What statistics.json holds; `subjects` are the rows of subjects.csv."""
    groups = list(dict.fromkeys(row["group"] for row in subjects))
    sizes = {group: sum(row["group"] == group for row in subjects) for group in groups}
    counts = {
        group: {"subjects": n, "recordings": n, "windows": 36 * n, "seconds": 6.0 * n} for group, n in sizes.items()
    }
    found: dict[str, Any] = {"format": 2, "unit": "subject", "n": sizes, "counts": counts, "reference": reference}
    found |= {"tests": [], "notes": [], "power": [], "curves": [], "timecourse": [], "classifier": None, "mutual": None}
    if reference is None or len(groups) < 2:
        return found | {"notes": ["no group test: no reference group was named"], "mutual": _mutual(subjects)}
    other = next(group for group in groups if group != reference)
    test = _test(reference, other, sizes)
    found["tests"] = [test, *(_slopes(other, sizes) if days else []), _refused(other)]
    found["controls"] = {
        "ubam": {"auc": 0.952}, "untrained": {"auc": 0.71}, "pixel": {"auc": 0.64}, "background": {"auc": 0.55},
    }  # fmt: skip
    words = f"Groups of {sizes[reference]} and {sizes[other]} find 1.7 standard deviations in 80 of 100 studies."
    found["power"] = [{"groups": [reference, other], "n": sizes, "level": 0.05, "power": 0.8, "smallest_g": 1.7,
                       "smallest_auc": 0.88, "method": "noncentral t", "words": words}]  # fmt: skip
    found["classifier"] = _classifier(subjects, groups, rng)
    found["timecourse"] = [_time_course(reference, other, rng)]
    found["curves"] = [_curve(group, subjects, group != reference, rng) for group in groups] if days else []
    found["audit"] = _audit(reference, other, sizes)
    return found


def _test(reference: str, other: str, sizes: dict[str, int]) -> dict[str, Any]:
    test: dict[str, Any] = {
        "family": "groups",
        "kind": "two groups",
        "name": NAME,
        "groups": [reference, other],
        "unit": "subject",
    }
    test |= {
        "question": f"Do {other} subjects deviate more than {reference} subjects?",
        "measure": "deviation",
        "n": sizes,
    }
    test |= {"statistic": 0.62, "statistic_name": "difference of means", "p": 0.0047, "smallest_p": 0.0012}
    test |= {"arrangements": 1716, "exact": True, "correction": "none (one test)", "correction_p": 0.0047}
    effects = [("AUC", 0.952, 0.81, 1.0), ("Cliff's delta", 0.905, 0.62, 1.0), ("Hedges' g", 1.9, 0.9, 3.1)]
    rows = [
        {"name": n, "value": v, "low": a, "high": b, "interval": "95 % bootstrap over subjects"}
        for n, v, a, b in effects
    ]
    return test | {"effect": rows[0], "effects": rows}


def _slopes(other: str, sizes: dict[str, int]) -> list[dict[str, Any]]:
    row: dict[str, Any] = {
        "family": "slope",
        "kind": "slope",
        "name": "sign flips of the subjects' slopes",
        "unit": "subject",
    }
    row |= {"groups": [other], "levels": list(DAYS), "n": {other: sizes[other]}, "measure": "deviation per day"}
    row |= {
        "question": f"Does the deviation of {other} subjects change over the days?",
        "p": 0.031,
        "smallest_p": 0.031,
    }
    row |= {
        "statistic": -0.03,
        "arrangements": 64,
        "exact": True,
        "correction": "none (one test)",
        "correction_p": 0.031,
    }
    effect = {"name": "mean slope", "value": -0.031, "low": -0.05, "high": -0.012}
    return [row | {"effect": effect, "effects": [effect], "left_out": [{"subject": "A06", "why": "one day only"}]}]


def _refused(other: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "family": "motifs",
        "kind": "motif usage",
        "name": "permutation",
        "groups": ["healthy", other],
        "unit": "subject",
    }
    row |= {"question": "Do the groups use the motifs differently?", "n": {}, "p": None, "measure": "share of time"}
    return row | {"refused": "there is one motif only"}


def _classifier(subjects: list[dict[str, Any]], groups: list[str], rng: np.random.Generator) -> dict[str, Any]:
    rows = []
    for row in subjects:
        own = float(np.clip(rng.normal(0.75, 0.2), 0.02, 0.98))
        probability = {group: own if group == row["group"] else (1 - own) / (len(groups) - 1) for group in groups}
        predicted = max(probability, key=probability.__getitem__)
        rows.append(
            {"subject": row["subject"], "group": row["group"], "probability": probability, "predicted": predicted}
        )
    found: dict[str, Any] = {
        "name": "kernel logistic regression, leave one subject out",
        "features": "behaviours",
        "unit": "subject",
    }
    found |= {
        "groups": groups,
        "accuracy": 0.85,
        "chance": 0.5,
        "auc": 0.91,
        "auc_low": 0.7,
        "auc_high": 1.0,
        "p": 0.01,
    }
    found |= {"smallest_p": 0.001, "arrangements": 1000, "exact": False, "brier": 0.14, "brier_chance": 0.25}
    return found | {
        "words": "A classifier that never saw the subject names its group in 85 % of subjects.",
        "subjects": rows,
    }


def _time_course(reference: str, other: str, rng: np.random.Generator) -> dict[str, Any]:
    time = np.linspace(0, 5, 24)
    mean = {reference: 1 + 0.05 * np.sin(time), other: 1.3 + 0.6 * np.exp(-((time - 3) ** 2))}
    found: dict[str, Any] = {"groups": [reference, other], "time_s": time, "mean": mean, "threshold": 2.2}
    found |= {"low": {g: v - 0.15 for g, v in mean.items()}, "high": {g: v + 0.15 for g, v in mean.items()}}
    found |= {"t": rng.normal(size=24), "p": 0.01, "smallest_p": 0.001, "words": "They differ most from 2.1 to 3.9 s."}
    clusters = [{"start_s": 2.1, "end_s": 3.9, "mass": 22.0, "p": 0.01, "direction": "more"}]
    return found | {"clusters": clusters}


def _curve(group: str, subjects: list[dict[str, Any]], ill: bool, rng: np.random.Generator) -> dict[str, Any]:
    points, slopes = [], []
    for row in (row for row in subjects if row["group"] == group):
        base = rng.normal(0.6, 0.1)
        for day in DAYS:
            value = base + (1.4 * np.exp(-day / 8) if ill else 0) + rng.normal(0, 0.08)
            points.append(
                {"subject": row["subject"], "x": day, "deviation": value, "low": value - 0.15, "high": value + 0.2}
            )
        slopes.append({"subject": row["subject"], "slope": -0.03 * ill, "points": len(DAYS)})
    mean = []
    for day in DAYS:
        mine = [point["deviation"] for point in points if point["x"] == day]
        middle, spread = float(np.mean(mine)), 0.2
        mean.append({"x": day, "n": len(mine), "deviation": middle, "low": middle - spread, "high": middle + spread})
    found: dict[str, Any] = {"column": "day", "group": group, "points": points, "subjects": slopes, "mean": mean}
    found |= {"slope": -0.03 * ill, "slope_low": -0.05, "slope_high": -0.01, "p": 0.03, "left_out": []}
    return found | {"words": f"The deviation of {group} subjects falls by 0.03 a day." if ill else ""}


def _mutual(subjects: list[dict[str, Any]]) -> dict[str, Any]:
    ranked = sorted(subjects, key=lambda row: -row["deviation"])
    window = {"recording_id": "h01_walk", "t_start_s": 1.0, "t_end_s": 1.3, "deviation": 2.0}
    rows = [
        {"subject": row["subject"], "group": row["group"], "deviation": row["deviation"], "rank": rank, "p_value": 0.2,
         "smallest_p": 0.1, "windows": [window | {"recording_id": f"{row['subject'].lower()}_walk"}]}
        for rank, row in enumerate(ranked, 1)
    ]  # fmt: skip
    return {"words": "Each subject was compared with all others.", "subjects": rows}


def _audit(reference: str, other: str, sizes: dict[str, int]) -> dict[str, Any]:
    shared = {"auc": 0.6, "p": 0.6, "corrected_p": 0.95, "verdict": "no sign", "may_be_effect": False}
    rows: list[dict[str, Any]] = [
        shared | {"feature": "background", "label": "the background", "about": "the cage", "words": "No sign of it."},
        shared | {"feature": "brightness", "label": "the brightness of the empty scene", "unit": "grey levels",
                  "auc": 0.1, "p": 0.002, "corrected_p": 0.01, "verdict": "apart",
                  "medians": {reference: 120.0, other: 180.5},
                  "words": f"The brightness of the empty scene alone separates the groups {reference} and {other} "
                           "(AUC 0.90, p = 0.002, corrected 0.01): this result may be about the light."},
        {"feature": "resolution", "label": "the size of the picture", "auc": None, "p": None, "corrected_p": None,
         "verdict": "same", "words": "The size of the picture is the same for all subjects."},
    ]  # fmt: skip
    entry = {
        "groups": [reference, other],
        "n": sizes,
        "paired": False,
        "arrangements": 1716,
        "exact": True,
        "rows": rows,
    }
    entry |= {"smallest_p": 0.001, "smallest_visible_auc": 0.84, "correction": "max-statistic"}
    entry["controls"] = [
        {"name": "ubam", "auc": 0.952, "p": None}, {"name": "untrained", "auc": 0.71, "p": 0.23},
        {"name": "pixel", "auc": 0.64, "p": 0.41}, {"name": "background", "auc": 0.55, "p": 0.84},
    ]  # fmt: skip
    follows = [{"feature": "size", "label": "the height of the body in the picture", "rho": -0.2, "low": -0.7,
                "high": 0.5, "p": 0.5, "corrected_p": 0.9, "words": "No sign that it follows."}]  # fmt: skip
    identity: dict[str, Any] = {
        "subjects": sum(sizes.values()),
        "chance": 0.1,
        "accuracy": {"postures": 0.7},
        "across": "halves",
    }
    return {
        "unit": "subject", "comparisons": [entry], "follows": {"n": 13, "rows": follows, "correction": "max-statistic"},
        "identity": identity | {"words": "A linear probe names the subject of a moment in 70 % (chance 10 %)."},
        "warnings": [rows[1]["words"]], "unknown": ["With 7 and 6 subjects weaker confounds remain unseen."],
    }  # fmt: skip


def sessions(curves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of deviation/sessions.csv."""
    return [
        {"subject": point["subject"], "group": curve["group"], "day": point["x"], "n_windows": 36,
         "deviation": point["deviation"], "deviation_low": point["low"], "deviation_high": point["high"]}
        for curve in curves
        for point in curve["points"]
    ]  # fmt: skip


def distances(subjects: list[dict[str, Any]], rng: np.random.Generator) -> list[dict[str, Any]]:
    """The rows of deviation/distances.csv: groups lie apart, symmetric, 0 on the diagonal."""
    place = np.array([[row["group"] == "affected"] for row in subjects]) * 2.0 + rng.normal(0, 0.5, (len(subjects), 3))
    apart = np.sqrt(((place[:, None] - place[None]) ** 2).sum(-1))
    names = [f"{row['subject']}" for row in subjects]
    return [
        {"subject": name, "group": row["group"]} | dict(zip(names, line.tolist(), strict=True))
        for name, row, line in zip(names, subjects, apart, strict=True)
    ]
