"""Who moves like whom: the matrix of distances between subjects, in an order that puts similar ones together."""

import numpy as np
from matplotlib import colormaps
from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform

from ubam.report.charts import group_class
from ubam.report.sections.views import Cell, DistancesView, NamedSubject
from ubam.results.records.codec import number
from ubam.results.run_data import RunData, read_table
from ubam.results.run_folder import RunFolder

MOST_CELLS = 60  # subjects to a side that the page draws; the figure beside it has all
COLOURS = colormaps["cividis_r"]


def read_distances(run: RunFolder) -> tuple[list[str], list[str], np.ndarray] | None:
    """Names [N], groups [N] and distances [N, N] from deviation/distances.csv; None when missing, odd or too small."""
    rows = read_table(run.scores("distances"))
    names = list(rows[0])[2:] if rows else []
    if len(names) < 3 or len(names) != len(rows):
        return None
    apart = np.array([[number(row.get(name)) for name in names] for row in rows], dtype=float)
    if not np.isfinite(apart).all() or (apart < 0).any():
        return None
    return names, [row.get("group", "") for row in rows], apart


def clustered(apart: np.ndarray) -> np.ndarray:
    """An order of N subjects that puts those with small distances [N, N] together (average linkage)."""
    even = (apart + apart.T) / 2
    pairs = squareform(even - np.diag(np.diag(even)), checks=False)
    return np.asarray(leaves_list(optimal_leaf_ordering(linkage(pairs, "average"), pairs)))


def distances_view(data: RunData) -> DistancesView | None:
    """The matrix for the page; None when there is none, `cells` empty when it is too large to draw there."""
    found = read_distances(data.files)
    if found is None:
        return None
    names, groups, apart = found
    order = clustered(apart)
    most = float(apart.max()) or 1.0
    subjects: list[NamedSubject] = [
        {"name": names[i], "group": groups[i], "class": group_class(data, groups[i])} for i in order
    ]
    shown = len(names) <= MOST_CELLS
    cells: list[Cell] = [
        {
            "x": column,
            "y": row,
            "colour": _colour(apart[i, j] / most),
            "text": f"{names[i]}, {names[j]}: {apart[i, j]:.2f}",
        }
        for row, i in enumerate(order if shown else [])
        for column, j in enumerate(order)
        if i != j
    ]
    ramp = [_colour(step / 8) for step in range(9)]
    nearest = [_nearest(apart, names, index) for index in order] if shown else []
    return {
        "subjects": subjects,
        "cells": cells,
        "size": len(names),
        "ramp": ramp,
        "most": f"{most:.1f}",
        "nearest": nearest,
    }


def _nearest(apart: np.ndarray, names: list[str], index: int) -> str:
    others = apart[index] + np.where(np.arange(len(apart)) == index, np.inf, 0.0)
    return names[int(others.argmin())]


def _colour(share: float) -> str:
    red, green, blue, _ = COLOURS(float(share), bytes=True)
    return f"#{red:02x}{green:02x}{blue:02x}"
