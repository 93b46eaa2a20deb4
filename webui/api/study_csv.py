"""The table of a study: guesses from file names, CSV in and out, and the study that a run is handed."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from typing import Any

from marshmallow import ValidationError

from ubam.core.errors import StudyError
from ubam.core.files import guarded, unguarded
from ubam.recordings.cells import THOUSAND, clean_name, read_number, without_separator_line
from ubam.recordings.guessing import Guess
from ubam.recordings.study_table import NAMES
from webui.data.models import Recording
from webui.http.answer_records import GuessAnswer
from webui.http.schemas import RecordingIn
from webui.jobs.records import RecordingValues
from webui.jobs.run_study import COLUMNS

NUMBERS = ("day", "dose", "start_s", "end_s")
BOXES = ("box", "face_box")


def table_text(recordings: Sequence[Recording]) -> str:
    """The table as CSV, one row per recording, `video` its file's name; a spreadsheet takes no cell for a formula.

    The last column, `id`, distinguishes recordings whose files have the same name.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*COLUMNS, "id"])
    for recording in recordings:
        cells = [recording.file_name, *(getattr(recording, name) for name in COLUMNS[1:]), recording.id]
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
        names = [(name or "").strip().casefold() for name in reader.fieldnames or []]
        reader.fieldnames = names
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
    by_id, by_name = {recording.id: recording for recording in recordings}, _by_name(recordings)
    for line, row in rows:
        recording = _recording_of(line, row, by_id, by_name)
        if recording.id in lines:
            before = lines[recording.id]
            raise StudyError(f"Row {line}: {recording.file_name} is the recording of row {before} again; remove one.")
        lines[recording.id] = line
        found.append((recording, _values(line, row)))
    return found


def _reader(text: str) -> tuple["csv.DictReader[str]", int]:
    """A reader of a CSV's rows, and how many lines stand above its header."""
    whole, separator = without_separator_line(text.lstrip("\ufeff"))
    body = whole.lstrip("\r\n")
    reader = csv.DictReader(io.StringIO(body, newline=""), delimiter=separator, skipinitialspace=True)
    return reader, whole[: len(whole) - len(body)].count("\n")


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]).strip()


def _by_name(recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    found: dict[str, list[Recording]] = {}
    for recording in recordings:
        found.setdefault(_plain(recording.file_name), []).append(recording)
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
    found = by_name.get(_plain(name)) or by_name.get(_plain(video))
    if not found:
        raise StudyError(f"Row {line}: no recording of this study is called '{name}'; upload it or correct the name.")
    if len(found) > 1:
        raise StudyError(
            f"Row {line}: {len(found)} recordings are called '{name}', so it is not clear which one is meant; "
            "download the table and keep its column 'id'."
        )
    return found[0]


def _values(line: int, row: dict[str, str | None]) -> RecordingValues:
    values: dict[str, Any] = {}
    for name in COLUMNS[1:]:
        if name not in row:
            continue
        cell = unguarded((row[name] or "").strip())
        cell = clean_name(cell) if name in NAMES else cell
        values[name] = _value(line, name, cell)
    try:
        loaded: RecordingValues = RecordingIn().load(values)
    except ValidationError as error:
        name, messages = next(iter(error.normalized_messages().items()))
        words = messages[0] if isinstance(messages, list) else str(messages)
        raise StudyError(f"Row {line}: '{name}' is '{row.get(name) or ''}': {words}") from None
    return loaded


def _value(line: int, name: str, cell: str) -> Any:
    try:
        if name in NUMBERS:
            return read_number(cell) if cell else None
        if name in BOXES:
            return [float(part) for part in cell.replace(",", " ").strip("()[] ").split()] if cell else None
    except ValueError as error:
        if THOUSAND.search(cell) and name in NUMBERS:
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


def left_out(text: str) -> list[str]:
    """A sentence about columns with values that this table does not keep; none where there are none."""
    rows, _ = _reader(text)
    kept = {*COLUMNS, "id"}
    named = {(name or "").strip(): name for name in rows.fieldnames or []}
    others = [name for name in named if name and name.casefold() not in kept]
    cells = list(rows) if others else []
    filled = [name for name in others if any((row.get(named[name]) or "").strip() for row in cells)]
    if not filled:
        return []
    names = ", ".join(f"'{name}'" for name in filled)
    return [f"Not kept here, and not used in a run: the values of {names}. `ubam run` on the command line uses them."]
