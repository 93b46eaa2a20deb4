"""The table of a study: guesses from file names, CSV in and out, and the study that a run is handed."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from marshmallow import ValidationError

from ubam.core.errors import StudyError
from ubam.core.files import guarded, unguarded
from ubam.recordings.cells import clean_name, has_decimal_commas, is_doubtful, read_number, without_separator_line
from ubam.recordings.guessing import Guess
from ubam.recordings.study_table import NAMES
from webui.data.models import Recording
from webui.http.answer_records import GuessAnswer
from webui.http.schemas import RecordingIn
from webui.jobs.companions import plain_name
from webui.jobs.records import RecordingValues
from webui.jobs.run_study import COLUMNS, FIELD_OF

NUMBERS = ("day", "dose", "start_s", "end_s", "fps")
BOXES = ("box", "face_box")
KNOWN = {*COLUMNS, "id"}


def table_text(recordings: Sequence[Recording]) -> str:
    """The table as CSV, one row per recording, `video` its file's name; a spreadsheet takes no cell for a formula.

    The last column, `id`, distinguishes recordings whose files have the same name.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    extra = list(dict.fromkeys(name for recording in recordings for name in recording.extra))
    writer.writerow([*COLUMNS, *(guarded(name) for name in extra), "id"])
    for recording in recordings:
        own = [getattr(recording, FIELD_OF.get(name, name)) for name in COLUMNS[1:]]
        cells = [recording.file_name, *own, *(recording.extra.get(name, "") for name in extra), recording.id]
        writer.writerow([_cell(value) for value in cells])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return " ".join(f"{side:g}" for side in value)
    if isinstance(value, float):
        return f"{value:g}"
    return guarded(str(value))


def read_table(text: str, recordings: Sequence[Recording]) -> list[tuple[Recording, RecordingValues]]:
    """What a CSV says of each recording, matched by its id or file name; StudyError names the first wrong row."""
    reader, above = _reader(text)
    try:
        names = reader.fieldnames or []
        rows = [
            (reader.line_num + above, row)
            for row in reader
            if any(cell for cell in row.values() if isinstance(cell, str))
        ]
    except csv.Error as error:
        raise StudyError(f"The table cannot be read as CSV ({error}); check its quotes.") from None
    if "video" not in names and "id" not in names:
        raise StudyError("The table has no column 'video'; the first row names the columns, 'video' holds file names.")
    found: list[tuple[Recording, RecordingValues]] = []
    lines: dict[str, int] = {}
    commas = has_decimal_commas(row.get(name) or "" for _, row in rows for name in NUMBERS)
    by_id, by_name = {recording.id: recording for recording in recordings}, _by_name(recordings)
    for line, row in rows:
        recording = _recording_of(line, row, by_id, by_name)
        if recording.id in lines:
            before = lines[recording.id]
            raise StudyError(f"Row {line}: {recording.file_name} is the recording of row {before} again; remove one.")
        lines[recording.id] = line
        values = _values(line, row, commas)
        values["extra"] = {name: cell for name, cell in {**recording.extra, **_extra(row)}.items() if cell}
        found.append((recording, values))
    return found


def _reader(text: str) -> tuple["csv.DictReader[str]", int]:
    """A reader of a CSV's rows, and how many lines stand above its header."""
    whole, separator = without_separator_line(text.lstrip("\ufeff"))
    body = whole.lstrip("\r\n")
    reader = csv.DictReader(io.StringIO(body, newline=""), delimiter=separator, skipinitialspace=True)
    named = [unguarded((name or "").strip()) for name in reader.fieldnames or []]
    reader.fieldnames = [name.casefold() if name.casefold() in KNOWN else name for name in named]
    return reader, whole[: len(whole) - len(body)].count("\n")


def _extra(row: Mapping[str, str | None]) -> dict[str, str]:
    """The cells of a row in columns that the table of the service does not have."""
    others = {name: cell for name, cell in row.items() if name and name not in KNOWN and isinstance(cell, str)}
    return {name[:200]: unguarded(cell.strip())[:200] for name, cell in others.items()}


def _by_name(recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    found: dict[str, list[Recording]] = {}
    for recording in recordings:
        found.setdefault(plain_name(recording.file_name), []).append(recording)
    return found


def _recording_of(
    line: int, row: dict[str, str | None], by_id: dict[str, Recording], by_name: dict[str, list[Recording]]
) -> Recording:
    """The recording of a row: by its id where one stands there, else by a file name that only one recording has."""
    identifier, video = (row.get("id") or "").strip(), row.get("video") or ""
    if identifier:
        if identifier not in by_id:
            raise StudyError(
                f"Row {line}: no recording of this study has the id '{identifier}'; download the table again, or "
                "remove the column 'id' so that rows are matched by file name."
            )
        return by_id[identifier]
    name = video.lstrip("'") if video[:1] == "'" else video
    found = by_name.get(plain_name(name)) or by_name.get(plain_name(video))
    if not found:
        raise StudyError(f"Row {line}: no recording of this study is called '{name}'; upload it or correct the name.")
    if len(found) > 1:
        raise StudyError(
            f"Row {line}: {len(found)} recordings are called '{name}', so it is not clear which one is meant; "
            "download the table and keep its column 'id'."
        )
    return found[0]


def _values(line: int, row: dict[str, str | None], commas: bool) -> RecordingValues:
    values: dict[str, Any] = {}
    for name in COLUMNS[1:]:
        if name not in row:
            continue
        cell = unguarded((row[name] or "").strip())
        cell = clean_name(cell) if name in NAMES else cell
        values[FIELD_OF.get(name, name)] = _value(line, name, cell, commas)
    try:
        loaded: RecordingValues = RecordingIn().load(values)
    except ValidationError as error:
        field, messages = next(iter(error.normalized_messages().items()))
        name = next((column for column, of in FIELD_OF.items() if of == field), field)
        words = messages[0] if isinstance(messages, list) else str(messages)
        raise StudyError(f"Row {line}: '{name}' is '{row.get(name) or ''}': {words}") from None
    return loaded


def _value(line: int, name: str, cell: str, commas: bool) -> Any:
    try:
        if name in NUMBERS:
            return read_number(cell, commas) if cell else None
        if name in BOXES:
            return [float(part) for part in cell.replace(",", " ").strip("()[] ").split()] if cell else None
    except ValueError as error:
        if name in NUMBERS and is_doubtful(cell, commas):
            raise StudyError(f"Row {line}: '{name}' is '{cell}', and {error}.") from None
        what = "a number" if name in NUMBERS else "four numbers, left top right bottom,"
        raise StudyError(f"Row {line}: '{name}' is '{cell}'; write {what} or leave it empty.") from None
    return cell


def guessed_values(found: Guess) -> GuessAnswer:
    """A guess as values of a recording; a group stands only where the file lay in a folder."""
    return {
        "subject": found.subject[:200], "group": found.group[:200], "session": found.session[:200],
        "day": found.day[:200],
    }  # fmt: skip


def kept_besides(text: str) -> list[str]:
    """A sentence about columns with values that this table has no cells for; none where there are none."""
    reader, _ = _reader(text)
    filled = dict.fromkeys(name for row in reader for name, cell in _extra(row).items() if cell)
    if not filled:
        return []
    names = ", ".join(f"'{name}'" for name in filled)
    return [f"Kept, and carried into the run and every table that it writes: {names}."]
