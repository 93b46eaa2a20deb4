"""The audit of new subjects that a frozen reference scores: whether place, light or camera leave its range.

There is no group to compare, so each property of a new subject is compared with the range of the reference subjects.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ubam.core.errors import ModelError
from ubam.core.files import read_arrays, write_arrays
from ubam.core.text import capitalised
from ubam.results.records.audit import Audit, NewSubject, RangeRow
from ubam.results.run_folder import ReferenceFolder
from ubam.statistics.confounds.direction import other_sides
from ubam.statistics.confounds.group_differences import Key, Subjects, features_of, of_subjects
from ubam.statistics.confounds.recording_properties import MOVED_BY_THE_SUBJECT, Feature, RecordingProperties

ARRAYS = "capture"  # the file beside the frozen postures
MARGIN = 0.25  # of the reference's range: how far beyond it still counts as usual
NOT_KEPT = (
    "An earlier version of ubam froze this reference and did not keep its light, places and cameras, so new subjects "
    "could not be compared with them; score its run again (ubam score RUN) to keep them."
)
SAME = 1e-3  # of a number: where all reference subjects have one value, a codec or a clock moves it by less


def save_properties(folder: Path, seen: RecordingProperties, subjects: Sequence[str]) -> None:
    """Keep the properties of the reference's recordings, `subjects` the subject of each, in a frozen reference."""
    arrays = {"scene": seen.scene, "subject": np.array(subjects)}
    arrays |= {f"number {name}": values for name, values in seen.numbers.items()}
    arrays |= {f"place {name}": np.array(cells) for name, cells in seen.places.items()}
    write_arrays(ReferenceFolder(folder).arrays(ARRAYS), **arrays)


def load_properties(folder: Path) -> tuple[RecordingProperties, list[str]] | None:
    """What `save_properties` kept; None in a reference that is older than it, ModelError when damaged."""
    path = ReferenceFolder(folder).arrays(ARRAYS)
    if not path.exists():
        return None
    try:
        arrays = read_arrays(path)
        numbers = {name.removeprefix("number "): arrays[name] for name in arrays if name.startswith("number ")}
        places: dict[str, Sequence[str]] = {
            name.removeprefix("place "): arrays[name].tolist() for name in arrays if name.startswith("place ")
        }
        return RecordingProperties(arrays["scene"], numbers, places), arrays["subject"].tolist()
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: {path.name} is damaged; copy the folder RUN/model/reference again.") from error


def audit_new(
    seen: RecordingProperties, keys: Sequence[Key], kept: tuple[RecordingProperties, list[str]] | None
) -> Audit:
    """What `audit` in statistics.json holds of new subjects, `keys` (subject, group) of each of their recordings.

    kept: the properties of the reference's recordings and the subject of each, as `load_properties` gives them. A
    subject that the reference has, too, is held to the others of it.
    """
    if kept is None:
        return Audit(against=[], unknown=[NOT_KEPT])
    frozen, known = kept
    subjects = of_subjects(together(frozen, seen), [*((f"reference {name}", "") for name in known), *keys])
    count = len(dict.fromkeys(known))
    found: list[NewSubject] = []
    for position, (subject, group) in enumerate(subjects.keys[count:], count):
        others = [place for place in range(count) if subjects.keys[place] != (f"reference {subject}", "")]
        rows = [held_to(subjects, feature, position, others) for feature in features_of(subjects)]
        found.append(NewSubject(subject, group, [replace(row, words=_words(row, subject)) for row in rows]))
    sides = other_sides(subjects.keys, subjects.numbers, np.arange(len(subjects.keys)) < count, "the reference")
    warnings = [words for sentences in sides.values() for words in sentences]
    plain = [name for name, words in sides.items() if words]
    outside = [row for one in found for row in one.rows if row.verdict == "outside" and row.feature not in plain]
    warnings += [row.words for row in outside]
    unknown = [
        f"Each new subject was compared with the range of {count} reference subjects. Within it, light, place "
        "or camera may still contribute to a deviation: one subject cannot show that."
    ]
    return Audit(against=found, warnings=warnings, unknown=unknown)


def together(first: RecordingProperties, second: RecordingProperties) -> RecordingProperties:
    """The recordings of both, with the properties that both have."""
    return RecordingProperties(
        np.concatenate([first.scene, second.scene]),
        {
            name: np.concatenate([values, second.numbers[name]])
            for name, values in first.numbers.items()
            if name in second.numbers
        },
        {name: [*first.places[name], *second.places[name]] for name in first.places if name in second.places},
    )


def held_to(subjects: Subjects, feature: Feature, position: int, others: Sequence[int]) -> RangeRow:
    """Compare one property of the subject at `position` with the reference subjects at `others`.

    value: the property, or for a scene or a place the likeness to the most similar reference subject. low, high: the
    range of the same value over the reference subjects, each compared with the others.
    """
    may_be_effect = feature.name in MOVED_BY_THE_SUBJECT
    row = RangeRow(feature.name, feature.label, feature.about, may_be_effect, feature.unit)
    if feature.name in subjects.numbers:
        values = subjects.numbers[feature.name]
        value, usual, above = float(values[position]), values[list(others)], True
    else:
        likeness = subjects.likeness[feature.name]
        value, above = float(likeness[position, list(others)].max()), False
        usual = np.array([likeness[one, [other for other in others if other != one]].max() for one in others])
        row = replace(row, unit="likeness")
    if not np.isfinite([value, *usual]).all():
        return replace(row, verdict="refused")
    low, high = float(usual.min()), float(usual.max())
    room = max(MARGIN * (high - low), SAME * max(abs(low), abs(high)))
    outside = value < low - room or (above and value > high + room)
    return replace(row, verdict="outside" if outside else "usual", value=value, low=low, high=high)


def _words(row: RangeRow, subject: str) -> str:
    label = capitalised(row.label)
    if row.verdict == "refused":
        return f"{subject}: {label} could not be read in every recording."
    if row.verdict == "usual":
        return f"{subject}: {label} is within what the reference shows."
    effect = ", unless the movement itself changes it" if row.may_be_effect else ""
    known = row.unit != "likeness"
    found = f" ({row.value:.3g} {row.unit}; there {row.low:.3g} to {row.high:.3g})" if known else ""
    return (
        f"{subject}: {row.label} is unlike that of every reference subject{found}: the deviation may be "
        f"about {row.about}{effect}."
    )
