"""The table of `ubam benchmark --eye`: rows by sets for each measure, and every value in a CSV."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ubam.core.files import write_csv, write_json
from ubam.core.provenance import installed_versions
from ubam.evaluation.benchmark.table import Mean, aligned, mean_of, mean_text

PARTS = ("outlines", "real", "postures", "null")
COLUMNS = ("part", "set", "row", "measure", "value", "standard_error", "n", "unit_of_n")
DIGITS = {"phase_posture": 1, "pieces": 1, "constant_error": 4}  # 2 of all others


@dataclass(frozen=True)
class Value:
    """One cell of the table: a mean with its standard error over n units (subjects, recordings or studies)."""

    part: str
    set: str
    row: str
    measure: str
    value: float
    standard_error: float
    n: int
    unit_of_n: str


HEADINGS = {
    "iou": "outline: intersection over union with the true one",
    "missed": "outline: share of the subject missed",
    "foreign": "outline: share of it that is not the subject",
    "pieces": "outline: connected parts (1 is whole)",
    "found": "share of frames in which the subject was found",
    "pck5": "landmarks within 5 % of the body height",
    "pck2": "landmarks within 2 %",
    "pck5_defined": "landmarks within 5 %, differences of definition taken away",
    "pck2_defined": "landmarks within 2 %, differences of definition taken away",
    "constant_error": "landmarks: constant error of a subject, body heights",
    "inside": "labelled keypoints inside the outline",
    "others_inside": "labelled keypoints of other animals inside the outline",
    "over_hull": "area of the outline over the labels' hull",
    "r2w": "postures: R2w",
    "pck": "postures: PCK, read out",
    "phase_posture": "postures: phase error, degrees",
    "auc": "deviation: AUC",
    "rho": "deviation: rho",
    "rho_impaired": "deviation: rho among the impaired",
    "identity_posture": "postures: identity leak",
    "positive": "null: false positives",
    "errors_alone": "null: AUC of the landmarks' errors alone",
}

Found = Iterable[tuple[tuple[str, str, str], float]]  # (set, row, measure) and a value


def means(part: str, found: Found, unit: str) -> list[Value]:
    """The mean of each measure of a row on a set, over the values of `units`."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for key, number in found:
        groups.setdefault(key, []).append(number)
    values = []
    for key, group in groups.items():
        mean = mean_of(group)
        values.append(Value(part, *key, mean.mean, mean.error, mean.studies, unit))
    return values


def eye_table(values: Sequence[Value]) -> str:
    """The values as text: for each part and measure a line per set and a column per row, n at the end."""
    blocks = []
    for part in PARTS:
        for measure, heading in HEADINGS.items():
            mine = [value for value in values if value.part == part and value.measure == measure]
            if mine:
                blocks.append("\n".join([f"{part}: {heading}", *aligned(_lines(mine, DIGITS.get(measure, 2)))]))
    return "\n\n".join(blocks)


def _lines(values: Sequence[Value], digits: int) -> list[list[str]]:
    rows = list(dict.fromkeys(value.row for value in values))
    lines = [["", *rows, "n"]]
    for name in dict.fromkeys(value.set for value in values):
        cells = {value.row: value for value in values if value.set == name}
        shown = [
            Mean(cells[row].value, cells[row].standard_error, cells[row].n) if row in cells else None for row in rows
        ]
        most = max(cells.values(), key=lambda value: value.n)
        lines.append([name, *(mean_text(mean, digits) for mean in shown), f"{most.n} {most.unit_of_n}"])
    return lines


def write_eye_results(out: Path, values: Sequence[Value], size: Mapping[str, object]) -> list[Value]:
    """Write eye.csv, one line per value, and eye.json: the same with the versions and the size of what was measured.

    Earlier values stay unless they are measured anew or are of another size. Returns all values.
    """
    named = {(value.part, value.set, value.row, value.measure): value for value in [*_kept(out, size), *values]}
    everything = sorted(named.values(), key=lambda value: PARTS.index(value.part))
    lines = [asdict(value) for value in everything]
    write_csv(out / "eye.csv", lines, COLUMNS)
    write_json(out / "eye.json", {"size": size, "versions": installed_versions(), "values": lines})
    return everything


def _kept(out: Path, size: Mapping[str, object]) -> list[Value]:
    try:
        kept = json.loads((out / "eye.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    nothing = float("nan")  # JSON has none
    numbers = ("value", "standard_error")
    lines = kept["values"] if kept.get("size") == size else []
    return [Value(**line | {name: nothing if line[name] is None else line[name] for name in numbers}) for line in lines]
