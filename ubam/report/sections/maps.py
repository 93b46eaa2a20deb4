"""The maps in the report: points as paths that the page colours by group, subject, motif or time."""

from collections.abc import Sequence

import numpy as np

from ubam.core.plotting import OKABE_ITO
from ubam.report.charts import group_class
from ubam.report.sections.views import MapShape, MapView, MotifLabel
from ubam.results.run_data import RunData

MAP = 1000.0  # side of the maps' drawing
MOST_MAP_POINTS = 6000


def map_view(
    data: RunData,
    what: str,
    xy: np.ndarray,
    recordings: np.ndarray,
    times: np.ndarray | None = None,
    motifs: np.ndarray | None = None,
) -> MapView | None:
    """A map's points as paths of one recording, motif and fifth of the recording's time, with what colours each.

    what: posture or behaviour. xy [N, 2]; recordings, times (s) and motifs [N] of each point. None without a point.
    """
    xy, names = np.asarray(xy, dtype=float), np.asarray(recordings).astype(str)
    keep = np.isfinite(xy).all(axis=1) if xy.ndim == 2 and len(xy) == len(names) else np.zeros(0, dtype=bool)
    if not keep.any():
        return None
    every = max(1, int(np.ceil(keep.sum() / MOST_MAP_POINTS)))
    chosen = np.flatnonzero(keep)[::every]
    xy, names = xy[chosen], names[chosen]
    times, motifs = (None if own is None or len(own) != len(keep) else own[chosen] for own in (times, motifs))
    places, top = _placed(xy)
    subjects = list(dict.fromkeys(row.get("subject", "") for row in data.recordings))
    shapes = _shapes(data, places, names, times, motifs, subjects)
    shown = {shape["subject"] for shape in shapes}
    return {
        "what": what,
        "shapes": shapes,
        "subjects": [{"number": place, "name": name} for place, name in enumerate(subjects) if place in shown],
        "motifs": _motif_labels(places, motifs),
        "timed": times is not None,
        "points": len(xy),
        "marks": [
            {"point": int(chosen[i]), "x": float(places[i, 0]), "y": float(places[i, 1])} for i in spread_points(xy)
        ],
        "box": f"0 {top:.0f} {MAP:.0f} {MAP - 2 * top:.0f}",
    }


def _placed(xy: np.ndarray) -> tuple[np.ndarray, float]:
    """Points on the drawing [N, 2], y downwards, and how much of its height above and below is left empty."""
    low, span = xy.min(axis=0), np.ptp(xy, axis=0)
    places = (xy - low - span / 2) / max(float(span.max()), 1e-9) * (MAP - 60) + MAP / 2
    places[:, 1] = MAP - places[:, 1]
    return places, float(places[:, 1].min() - 40)


def _shapes(
    data: RunData,
    places: np.ndarray,
    names: np.ndarray,
    times: np.ndarray | None,
    motifs: np.ndarray | None,
    subjects: Sequence[str],
) -> list[MapShape]:
    fifth = (share_of_recording(names, times) * 4.999).astype(int) if times is not None else np.zeros(len(names), int)
    motif = motifs if motifs is not None else np.ones(len(names), int)
    keys = [(str(name), int(own), int(part)) for name, own, part in zip(names, motif, fifth, strict=True)]
    points: dict[tuple[str, int, int], list[int]] = {}
    for index, key in enumerate(keys):
        points.setdefault(key, []).append(index)
    rows = {row.get("recording_id", ""): row for row in data.recordings}
    shapes = list[MapShape]()
    for (name, own, part), indices in points.items():
        row = rows.get(name, {})
        subject = subjects.index(row.get("subject", "")) if row.get("subject", "") in subjects else 0
        shapes.append({
            "path": "".join(f"M{x:.0f} {y:.0f}h0" for x, y in places[indices]),
            "recording": name, "subject": subject, "group": group_class(data, row.get("group", "")),
            "motif": (own - 1) % len(OKABE_ITO), "fifth": part,
            "times": "" if times is None else " ".join(f"{times[index]:.2f}" for index in indices),
        })  # fmt: skip
    return shapes


def _motif_labels(places: np.ndarray, motifs: np.ndarray | None) -> list[MotifLabel]:
    """Where the number of each motif stands: at its median point; none when there is only one."""
    found = [] if motifs is None else np.unique(motifs).tolist()
    centres = [(int(motif), np.median(places[motifs == motif], axis=0)) for motif in found if len(found) > 1]
    return [
        {"number": motif, "class": f"m{(motif - 1) % len(OKABE_ITO)}", "x": float(x), "y": float(y)}
        for motif, (x, y) in centres
    ]


def share_of_recording(recordings: np.ndarray, times: np.ndarray) -> np.ndarray:
    """When in its recording each point is [N]: 0 for the recording's earliest point, 1 for its latest."""
    times, share = np.asarray(times, dtype=float), np.zeros(len(times))
    for name in np.unique(recordings):
        own = recordings == name
        share[own] = (times[own] - times[own].min()) / max(np.ptp(times[own]), 1e-9)
    return share


def spread_points(xy: np.ndarray, side: int = 4, most: int = 12) -> list[int]:
    """Points that stand for the parts of a map [N, 2]: of each crowded cell of a grid the one nearest its median."""
    span = np.ptp(xy, axis=0)
    cell = np.minimum((xy - xy.min(axis=0)) / np.where(span > 0, span, 1) * side, side - 1e-9).astype(int)
    number_of_cell = cell[:, 0] - side * cell[:, 1]
    cells, counts = np.unique(number_of_cell, return_counts=True)
    crowded = sorted(cells[np.argsort(-counts, kind="stable")][:most].tolist())
    chosen = []
    for place in crowded:
        members = np.flatnonzero(number_of_cell == place)
        chosen.append(int(members[((xy[members] - np.median(xy[members], axis=0)) ** 2).sum(axis=1).argmin()]))
    return chosen
