"""What the page draws, in numbers the template can place: percentages, path strings, ticks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ubam.core.plotting import OKABE_ITO, thinned
from ubam.core.text import p_text, plain, seconds_text
from ubam.report.views import Numbers, Part, RankedSubject, Ranking, Tick, TimelineView
from ubam.results.records.codec import number
from ubam.results.records.scores import ScoreRow
from ubam.results.run_data import RunData, Timeline

WIDTH, HEIGHT = 1000.0, 100.0  # of the timelines' drawing, stretched by the page


@dataclass(frozen=True)
class Scale:
    """A straight axis from `low` to `high`."""

    low: float
    high: float

    def percent(self, value: float | None) -> float | None:
        """Where `value` lies, 0..100, kept on the axis; None for None."""
        if value is None or not np.isfinite(value):
            return None
        return round(100 * min(max((value - self.low) / (self.high - self.low), 0.0), 1.0), 3)

    def ticks(self, most: int = 6) -> list[float]:
        """Round numbers on the axis."""
        wide = (self.high - self.low) / most
        unit = 10.0 ** np.floor(np.log10(wide))
        step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= wide * 0.999)
        first = np.ceil(self.low / step - 1e-9) * step
        return [float(value) + 0.0 for value in np.arange(first, self.high + step * 1e-6, step).round(12)]


def scale_of(values: Sequence[float | None], from_zero: bool = True) -> Scale:
    """An axis that holds all values, with a little room."""
    known = [value for value in values if value is not None and np.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    low = min(low, 0.0) if from_zero else low
    return Scale(low, high + 0.04 * (high - low)) if high > low else Scale(low, low + 1.0)


def group_class(data: RunData, group: str) -> str:
    """The CSS class that colours a group: 'ref', or 'g0' to 'g5' in the order of figures.group_colours."""
    if data.reference_here is not None and group == data.reference_here:
        return "ref"
    queries = [name for name in data.groups if name != data.reference_here]
    return f"g{queries.index(group) % len(OKABE_ITO)}" if group in queries else "g0"


def tick_marks(scale: Scale, most: int = 6) -> list[Tick]:
    """Ticks as percentages with their words."""
    return [{"at": scale.percent(tick), "text": f"{tick:g}"} for tick in scale.ticks(most)]


def time_marks(scale: Scale, most: int = 5) -> list[Tick]:
    """Ticks of an axis of seconds: '2 s', or '1:30' when it is longer than two minutes, '1:30 h' beyond two hours."""
    wide = scale.high - scale.low
    if wide <= 120:
        return [{"at": mark["at"], "text": f"{mark['text']} s"} for mark in tick_marks(scale, most)]
    unit = 60.0 if wide <= 7200 else 3600.0
    steps = [unit * factor for factor in (0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 240, 480)]
    step = next((step for step in steps if wide / step <= most), steps[-1])
    ticks = np.arange(np.ceil(scale.low / step) * step, scale.high + 1e-6, step)
    words = [
        f"{int(tick // unit)}:{round(tick % unit / unit * 60):02d}" + (" h" if unit > 60 else "") for tick in ticks
    ]
    return [{"at": scale.percent(tick), "text": word} for tick, word in zip(ticks, words, strict=True)]


def ranking(data: RunData) -> Ranking:
    """The dot plot of all subjects, most deviant first, with the reference's range as a band."""
    scores = sorted(data.subjects, key=lambda s: -np.inf if s.deviation is None else s.deviation, reverse=True)
    normal = data.normal("deviation")
    scale = scale_of([*normal, *(value for score in scores for value in (score.deviation, score.low, score.high))])
    band = (scale.percent(min(normal)), scale.percent(max(normal))) if normal else None
    return {
        "rows": [_ranked(data, score, scale) for score in scores],
        "ticks": tick_marks(scale),
        "band": band,
        "legend": [{"name": group, "class": group_class(data, group)} for group in data.groups],
    }


def _ranked(data: RunData, score: ScoreRow, scale: Scale) -> RankedSubject:
    places = {name: scale.percent(getattr(score, name)) for name in ("deviation", "low", "high")}
    return {
        "subject": score.subject, "group": score.group, "class": group_class(data, score.group), "at": places,
        "windows": score.n_windows, "beyond": score.beyond_reference, **numbers_of(score),
    }  # fmt: skip


def numbers_of(score: ScoreRow) -> Numbers:
    """The numbers of one subject for the table, as text."""
    return {
        "deviation": plain(score.deviation),
        "interval": "" if score.low is None or score.high is None else f"{plain(score.low)} to {plain(score.high)}",
        "percentile": "" if score.percentile is None else f"{score.percentile:.0f}",
        "p": p_text(score.p, bare=True),
        "smallest_p": p_text(score.smallest_p, bare=True),
    }


def parts(data: RunData, score: ScoreRow) -> list[Part]:
    """The static and the dynamic part of a subject's deviation beside the reference's range of the same part."""
    if score.static is None and score.dynamic is None:
        return []
    known = [value for other in data.subjects for value in (other.static, other.dynamic)]
    scale = scale_of([*known, *data.normal("static"), *data.normal("dynamic")])
    rows: list[Part] = []
    for name, words in (
        ("static", "how the body is held, all the time (a lean, a hunch)"),
        ("dynamic", "how it moves, from moment to moment (a stiff or dragged limb)"),
    ):
        normal = data.normal(name)
        band = (scale.percent(min(normal)), scale.percent(max(normal))) if normal else None
        value = getattr(score, name)
        row: Part = {"name": name, "words": words, "value": plain(value), "at": scale.percent(value), "band": band}
        if value is not None and normal:
            row["verdict"] = _verdict(value, normal)
        rows.append(row)
    return rows


def _verdict(value: float, normal: list[float]) -> str:
    if value > max(normal):
        return "beyond every reference subject"
    return "less than every reference subject" if value < min(normal) else "within the reference's range"


def timeline(
    line: Timeline,
    usual: tuple[float, float] | None,
    peaks: Sequence[float],
    begin: float,
    finish: float,
    shown: tuple[float | None, float | None] = (None, None),
) -> TimelineView:
    """One recording's deviation over its time, from `begin` to `finish` (s), or to the last window when that is later.

    `usual` is the shaded range of deviations, `peaks` (s) get a button, `shown` (s) is what the magnified clip covers.
    """
    last = float(line.end.max()) if len(line.end) else begin
    across = Scale(begin, max(last, finish, begin + 1e-3))
    known = line.deviation[np.isfinite(line.deviation)]
    upward = scale_of([*known.tolist(), *(usual or ())])
    band = None if usual is None else (_down(upward, usual[1]), _down(upward, usual[0]))
    return {
        "path": _path(line, across, upward),
        "band": band,
        "shown": (across.percent(shown[0]), across.percent(shown[1])) if None not in shown else None,
        "ticks": time_marks(across),
        "levels": [{"at": _down(upward, tick), "text": f"{tick:g}"} for tick in upward.ticks(3)],
        "peaks": [
            {
                "at": across.percent(time),
                "time": round(float(time), 3),
                "text": seconds_text(float(time)),
                "number": number,
            }
            for number, time in enumerate(peaks, start=1)
        ],
        "begin": begin,
        "span": across.high - across.low,
    }


def clip_clock(time_s: np.ndarray | None, row: Mapping[str, str], knots: int = 200) -> list[list[float]]:
    """Pairs (time in the recording, time in its preview clip), both in s and rising; in between the clock is straight.

    The clip shows one frame after the other at an even rate, the recording has its own timestamps `time_s` [T]; they
    run apart where its rate varies. Without timestamps the row's start_s and duration_s serve.
    """
    if time_s is None or len(time_s) < 2 or not np.isfinite(time_s).all():
        begin = number(row.get("start_s")) or 0.0
        duration = number(row.get("duration_s")) or 0.0
        return [[begin, 0.0], [begin + duration, duration]]
    step = float(np.median(np.diff(time_s)))
    even = np.arange(len(time_s)) * step
    constant = np.abs(time_s - time_s[0] - even).max() < max(step, 1e-9)
    chosen = np.unique(np.linspace(0, len(time_s) - 1, 2 if constant else min(knots, len(time_s))).round().astype(int))
    return [[round(float(time_s[index]), 4), round(float(even[index]), 4)] for index in chosen]


def _down(scale: Scale, value: float) -> float:
    return round(100 - float(scale.percent(value) or 0.0), 2)


def _path(line: Timeline, across: Scale, upward: Scale) -> str:
    time, values = thinned(line.middle, line.deviation, 1200)
    words, pen = [], "M"
    for at, value in zip(time, values, strict=True):
        if not np.isfinite(value):
            pen = "M"
            continue
        words.append(f"{pen}{WIDTH * (across.percent(at) or 0) / 100:.1f} {_down(upward, value) * HEIGHT / 100:.2f}")
        pen = "L"
    return "".join(words) + ("h0.1" if len(words) == 1 else "")


def region_in_words(region: np.ndarray) -> str:
    """Where in a crop most of a region map [h, w] lies: 'upper left', 'middle', 'lower' part; "" when nowhere."""
    weight = np.clip(np.nan_to_num(region.astype(float)), 0, None)
    if weight.sum() <= 0:
        return ""
    weight = weight**2 / (weight**2).sum()
    down = float((weight.sum(axis=1) * (np.arange(len(weight)) + 0.5) / len(weight)).sum())
    across = float((weight.sum(axis=0) * (np.arange(weight.shape[1]) + 0.5) / weight.shape[1]).sum())
    rows = "upper" if down < 0.4 else "lower" if down > 0.6 else ""
    sides = "left" if across < 0.4 else "right" if across > 0.6 else ""
    return " ".join(word for word in (rows, sides) if word) + " part" if rows or sides else "middle"
