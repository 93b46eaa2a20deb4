"""The motifs in the report: what they are, examples from several subjects, and how much each subject uses them."""

import cv2
import numpy as np

from ubam.core.errors import UbamError
from ubam.encoding.encoders import WINDOW
from ubam.report.charts import group_class
from ubam.report.media import picture
from ubam.report.sections.views import Film, MotifCard, MotifsView, UsageRow
from ubam.results.records.codec import number
from ubam.results.records.motifs import Cycle, Example, MotifDescription, MotifExamples
from ubam.results.run_data import RunData, read_facts, read_table
from ubam.tracking.crop_store import CropStore

FILM_SIDE = 112  # px of a picture in an example's film


def motifs_view(data: RunData) -> MotifsView | None:
    """What the page shows of the folder `motifs`; None when it is missing or holds nothing.

    `cards` are the motifs with the films of their examples, `usage` the rows of the table; both are empty when there is
    one motif only, as there is nothing to compare.
    """
    facts = MotifDescription.from_json(read_facts(data.files.motifs_json))
    if not facts.motifs:
        return None
    several = len(facts.motifs) > 1
    return {
        "words": facts.words,
        "order": order_words(facts.cycle),
        "kind": facts.kind,
        "cards": [_card(data, one) for one in in_order(facts.motifs, facts.cycle)] if several else [],
        "usage": usage_rows(data) if several else [],
        "tests": data.statistics.motifs.words if data.statistics.motifs is not None else "",
    }


def in_order(found: list[MotifExamples], cycle: Cycle | None) -> list[MotifExamples]:
    """The motifs in the order in which they follow each other, where they do."""
    places = {motif: place for place, motif in enumerate(cycle.order if cycle is not None else [])}
    return sorted(found, key=lambda one: places.get(one.motif, 0))


def order_words(cycle: Cycle | None) -> str:
    """The sentence on the order of the motifs; "" when they have none."""
    if cycle is None or cycle.share is None:
        return ""
    way = " → ".join(str(motif) for motif in [*cycle.order, *cycle.order[:1]])
    forward = f"{100 * cycle.share:.0f} % of all changes go forward in it (50 % would be chance)"
    return f"They follow each other in the order {way}; {forward}."


def usage_rows(data: RunData) -> list[UsageRow]:
    """Subjects with their share of each motif, the reference group first.

    `at` is the length of a bar, 0 to 100 of the longest; None where a subject has no windows. `band` is the range of
    the reference group on the same scale, `text` the share in percent.
    """
    shares = usage_table(data)
    known = [value for values in shares.values() for value in values if value is not None]
    most = max(known, default=1.0) or 1.0
    normal = [values for (_, group), values in shares.items() if group == data.reference]
    bands = [_band([value for value in column if value is not None], most) for column in zip(*normal, strict=True)] or [
        None
    ] * max(map(len, shares.values()), default=0)
    return [
        {
            "subject": subject,
            "group": group,
            "class": group_class(data, group),
            "cells": [
                {
                    "at": None if value is None else round(100 * value / most, 2),
                    "band": band,
                    "text": "" if value is None else f"{100 * value:.0f}",
                }
                for value, band in zip(values, bands, strict=True)
            ],
        }
        for (subject, group), values in shares.items()
    ]


def usage_table(data: RunData) -> dict[tuple[str, str], list[float | None]]:
    """Share of each motif, 0..1, of each subject in each of its groups, the reference's subjects first."""
    rows = read_table(data.files.motifs("usage"))
    count = max((int(number(row.get("motif")) or 0) for row in rows), default=0)
    shares: dict[tuple[str, str], list[float | None]] = {}
    for row in sorted(rows, key=lambda row: row.get("group") != data.reference):
        values = shares.setdefault((row.get("subject", ""), row.get("group", "")), [None] * count)
        motif = int(number(row.get("motif")) or 0)
        if motif > 0:
            values[motif - 1] = number(row.get("share"))
    return shares


def _band(values: list[float], most: float) -> tuple[float, float] | None:
    if not values:
        return None
    low, high = 100 * min(values) / most, 100 * max(values) / most
    return round(low, 2), round(max(high - low, 0.8), 2)


def _card(data: RunData, one: MotifExamples) -> MotifCard:
    films = [_film(data, example) for example in one.examples]
    return {
        "number": one.motif,
        "class": f"m{(one.motif - 1) % 6}",
        "share": "" if one.share is None else f"{100 * one.share:.0f} %",
        "films": [film for film in films if film["picture"]],
    }


def _film(data: RunData, example: Example) -> Film:
    crops = example_film(data, example)
    return {
        "picture": "" if crops is None else picture(np.hstack(list(crops)), 80),
        "recording": example.recording_id,
        "subject": example.subject or example.recording_id,
        "time": example.t_start_s,
    }


def example_film(data: RunData, example: Example) -> np.ndarray | None:
    """The eight crops uint8 [8, 112, 112, 3] of an example's window; None when they are not there."""
    start, end, name = example.t_start_s, example.t_end_s, example.recording_id
    if start is None or end is None or not name:
        return None
    try:
        store = CropStore.open(data.files.crops(name).path)
        crops = store.crops([int(np.abs(store.time_s - time).argmin()) for time in np.linspace(start, end, WINDOW)])
        return np.stack([cv2.resize(crop, (FILM_SIDE, FILM_SIDE), interpolation=cv2.INTER_AREA) for crop in crops])
    except (UbamError, OSError, EOFError, ValueError, KeyError, IndexError):
        return None
