"""The study: a table of recordings with subjects and groups, read and checked; a wrong row is named with its remedy."""

import csv
import io
import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ubam.core.errors import StudyError, VideoError
from ubam.core.files import file_stamp, unguarded, write_csv
from ubam.core.storage import MissingFileError, fetch, is_url
from ubam.recordings.cells import clean_name, has_decimal_commas, is_doubtful, read_number, without_separator_line
from ubam.recordings.folders import find_films
from ubam.recordings.guessing import Guess, describe_guess, guess

REQUIRED = ("video", "subject", "group")
OPTIONAL = ("session", "day", "dose", "severity", "start_s", "end_s", "box", "fps", "keypoints", "mask")
FILES = ("video", "keypoints", "mask")
NAMES = ("subject", "group", "session")
NUMBERS = ("day", "dose", "severity", "start_s", "end_s", "fps")
REFERENCE_NAMES = ("reference", "healthy", "control", "sham", "wildtype")


@dataclass(frozen=True)
class Recording:
    """One row of the study: a video, or a part of it, of one subject.

    `row` is the line in the CSV (the header is 1); `box` is (x0, y0, x1, y1) in pixels; `start_s` and `end_s` are
    seconds of the video's own clock; `fps` overrides that clock; `keypoints` is a file of DeepLabCut or SLEAP; `mask`
    holds the user's own outlines (`mask_files`); `urls` holds the cells of these three columns that are URLs of a
    storage: their paths are names only, until `fetched` brings the files; `extra` holds all other columns
    in their order.
    """

    recording_id: str
    row: int
    video: Path
    subject: str
    group: str
    session: str = ""
    day: float | None = None
    dose: float | None = None
    severity: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    box: tuple[float, float, float, float] | None = None
    fps: float | None = None
    keypoints: Path | None = None
    mask: Path | None = None
    urls: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    def fetched(self) -> "Recording":
        """The recording with all of its files on this machine; itself when it names no URL.

        VideoError when one of the files is not in its storage; StorageError when that refuses or does not answer.
        """
        if not self.urls:
            return self
        try:
            files: dict[str, Any] = {name: fetch(url) for name, url in self.urls.items()}
        except MissingFileError as error:
            raise VideoError(str(error)) from error
        return replace(self, **files, urls={})

    def is_there(self) -> bool:
        """Whether the video is a file here, or is said to be in a storage."""
        return "video" in self.urls or self.video.exists()

    def stamp(self, name: str = "video") -> list[int]:
        """Size and time of the video, `keypoints` or `mask`; nothing for one in a storage, whose URL stands for it."""
        path: Path | None = None if name in self.urls else getattr(self, name)
        return file_stamp(path) if path is not None else []


@dataclass(frozen=True)
class Study:
    """The recordings of a study, in the order of its rows; notes: what was left out, a sentence each."""

    path: Path
    recordings: tuple[Recording, ...]
    notes: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """Group names in order of first appearance."""
        return tuple(dict.fromkeys(recording.group for recording in self.recordings))

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subject names in order of first appearance."""
        return tuple(dict.fromkeys(recording.subject for recording in self.recordings))


def read_study(path: Path | str, compared: bool = True) -> Study:
    """Read and check a study: a CSV, a folder with study.csv, or a folder of group folders.

    With `compared`, one subject in one group is an error, as there is nothing to compare.
    A video file that is missing is no error here, unless all are: that recording fails later, the others are analysed.

    Raises
    ------
    StudyError
        What is wrong, in which file and row, and what to do.
    """
    path = Path(path)
    if path.is_dir() and (path / "study.csv").is_file():
        path = path / "study.csv"
    if not path.exists():
        raise StudyError(f"{path}: no such study; give a CSV file or a folder of group folders")
    rows, notes = (_csv_rows(path), []) if path.is_file() else _folder_rows(path)
    if not rows:
        raise StudyError(f"{path}: the study has no recordings; add one row per video")
    study = Study(path, _recordings(path, rows), tuple(notes))
    _check_study(study, compared)
    return study


def init_study(folder: Path | str) -> tuple[Path, list[str]]:
    """Write study.csv into a folder of group folders (healthy/*.mp4, impaired/*.mp4).

    Subjects are guessed (guessing.py); the user corrects them in the CSV. Returns its path, and in sentences what was
    made of the files and what was left out.

    Raises
    ------
    StudyError
        No such folder, study.csv exists already, or no videos were found.
    """
    folder = Path(folder)
    target = folder / "study.csv"
    if not folder.is_dir():
        raise StudyError(f"{folder}: no such folder; give the folder that holds one folder of videos per group")
    if target.exists():
        raise StudyError(f"{target}: exists already; edit it, or remove it to have it written anew")
    rows, notes = _folder_rows(folder)
    write_csv(target, [cells for _, cells in rows], [*REQUIRED, "session", "day"])
    guesses = [
        Guess(cells["video"], cells["subject"], cells["group"], cells["session"], cells["day"]) for _, cells in rows
    ]
    return target, [*describe_guess(guesses), *notes]


def choose_reference(study: Study, reference: str | None) -> str | None:
    """The group that defines normal: the one named, else one called reference, healthy, control, sham or wildtype.

    Returns None when none was named and none has such a name.

    Raises
    ------
    StudyError
        The study has no group of that name.
    """
    if reference is not None:
        if reference not in study.groups:
            raise StudyError(f"{study.path}: no group is called '{reference}'; its groups are {_listed(study.groups)}")
        return reference
    for name in REFERENCE_NAMES:
        for group in study.groups:
            if group.casefold() == name:
                return group
    return None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


Row = tuple[int, dict[str, str]]


def _folder_rows(folder: Path) -> tuple[list[Row], list[str]]:
    """Rows of the films in group folders, and sentences about those that were left out."""
    found = find_films(folder)
    films = [film for film in found.films if film.parent != folder]
    if not films:
        raise StudyError(
            f"{folder}: no videos in group folders; put them into one folder per group (healthy/a.mp4, impaired/b.mp4)"
        )
    guesses = guess([film.relative_to(folder).as_posix() for film in films])
    rows = [
        (line, {"video": one.path, "subject": one.subject, "group": one.group, "session": one.session, "day": one.day})
        for line, one in enumerate(guesses, 2)
    ]
    loose = [film.name for film in found.films if film.parent == folder]
    others = [other.relative_to(folder).as_posix() for other in found.left_out]
    notes = [f"Left out, as they are in no group folder: {_first_of(loose)}."] if loose else []
    notes += [f"Left out, as their names do not end like a film's: {_first_of(others)}."] if others else []
    return rows, notes


def _first_of(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _csv_rows(path: Path) -> list[Row]:
    """(line, cells by column) of every row that is not blank; known columns in small letters, others as written."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError(f"{path}: is not UTF-8 text; save it as 'CSV UTF-8' and try again") from None
    if "\0" in text:
        raise StudyError(f"{path}: is not a text table; give a CSV file or a folder of group folders")
    text, delimiter = without_separator_line(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise StudyError(f"{path}, row {reader.line_num}: cannot be read as CSV ({error}); check its quotes") from None
    if not lines:
        raise StudyError(f"{path}: is empty; it needs the columns video, subject and group, and one row per video")
    columns = _columns(path, lines[0][1])
    return [(line, _cells(path, line, columns, cells, delimiter)) for line, cells in lines[1:]]


def _columns(path: Path, header: list[str]) -> list[str]:
    known = {*REQUIRED, *OPTIONAL}
    columns = [unguarded(name.strip()) for name in header]
    columns = [name.casefold() if name.casefold() in known else name for name in columns]
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise StudyError(f"{path}: has no column {_listed(missing)}, only {_listed(columns)}; add it to the first row")
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice:
        raise StudyError(f"{path}: the column '{twice}' appears twice; rename one of them")
    return columns


def _cells(path: Path, line: int, columns: list[str], cells: list[str], delimiter: str) -> dict[str, str]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise StudyError(
            f"{path}, row {line}: has {len(cells)} cells under {len(columns)} columns; "
            f"put cells that hold a '{delimiter}' into double quotes"
        )
    padded = [unguarded(cell.strip()) for cell in cells] + [""] * len(columns)
    named = {column: cell for column, cell in zip(columns, padded, strict=False) if column}
    return named | {column: clean_name(named[column]) for column in NAMES if column in named}


def _recordings(path: Path, rows: list[Row]) -> tuple[Recording, ...]:
    taken: set[str] = set()
    recordings: dict[tuple[object, ...], Recording] = {}
    commas = has_decimal_commas(cells.get(name, "") for _, cells in rows for name in NUMBERS)
    for line, cells in rows:
        recording = _recording(path, line, cells, taken, commas)
        key = (
            recording.urls.get("video") or recording.video.resolve(),
            recording.start_s,
            recording.end_s,
            recording.box,
        )
        if key in recordings:
            raise StudyError(
                f"{path}, row {line}: names '{cells['video']}' again as in row {recordings[key].row}; "
                "remove one, or give them different start_s, end_s or box"
            )
        recordings[key] = recording
    return tuple(recordings.values())


def _recording(path: Path, line: int, cells: dict[str, str], taken: set[str], commas: bool) -> Recording:
    for name in REQUIRED:
        if not cells[name]:
            raise StudyError(f"{path}, row {line}: the cell '{name}' is empty; fill it in or remove the row")
    numbers = {name: _number(path, line, name, cells.get(name, ""), commas) for name in NUMBERS}
    _check_times(path, line, numbers)
    folder = path if path.is_dir() else path.parent
    video = _located(folder, cells["video"])
    return Recording(
        recording_id=_unique_id(video.stem, taken),
        row=line,
        video=video,
        subject=cells["subject"],
        group=cells["group"],
        session=cells.get("session", ""),
        box=_box(path, line, cells.get("box", "")),
        keypoints=_located(folder, cells["keypoints"]) if cells.get("keypoints") else None,
        mask=_located(folder, cells["mask"]) if cells.get("mask") else None,
        urls={name: cells[name] for name in FILES if is_url(cells.get(name, ""))},
        extra={name: cell for name, cell in cells.items() if name not in (*REQUIRED, *OPTIONAL)},
        **numbers,
    )


def _number(path: Path, line: int, name: str, cell: str, commas: bool) -> float | None:
    if not cell:
        return None
    try:
        number = read_number(cell, commas)
    except ValueError as error:
        if is_doubtful(cell, commas):
            raise StudyError(f"{path}, row {line}: '{name}' is '{cell}', and {error}") from None
        number = math.nan
    if not math.isfinite(number):
        raise StudyError(f"{path}, row {line}: '{name}' is '{cell}'; write a number or leave it empty")
    return number


def _check_times(path: Path, line: int, numbers: dict[str, float | None]) -> None:
    start_s, end_s, fps = numbers["start_s"], numbers["end_s"], numbers["fps"]
    if start_s is not None and start_s < 0:
        raise StudyError(f"{path}, row {line}: 'start_s' is {start_s:g}; write seconds from 0 or leave it empty")
    if end_s is not None and end_s <= (start_s or 0):
        raise StudyError(
            f"{path}, row {line}: 'end_s' is {end_s:g}, not after the start {start_s or 0:g}; swap or correct them"
        )
    if fps is not None and fps <= 0:
        raise StudyError(f"{path}, row {line}: 'fps' is {fps:g}; write frames per second above 0 or leave it empty")


def _box(path: Path, line: int, cell: str) -> tuple[float, float, float, float] | None:
    if not cell:
        return None
    try:
        x0, y0, x1, y1 = (float(part) for part in cell.replace(",", " ").strip("()[] ").split())
    except ValueError:
        x0, y0, x1, y1 = math.nan, math.nan, math.nan, math.nan
    if not (0 <= x0 < x1 < math.inf and 0 <= y0 < y1 < math.inf):
        raise StudyError(
            f"{path}, row {line}: 'box' is '{cell}'; write left, top, right and bottom in pixels as 'x0 y0 x1 y1'"
        )
    return x0, y0, x1, y1


def _located(folder: Path, cell: str) -> Path:
    """A file's absolute path; a name from another system (backslashes, composed umlauts) is found too.

    Of a URL, the name in its storage.
    """
    if is_url(cell):
        return Path(cell)
    slashed = cell.replace("\\", "/")
    spellings = (
        cell,
        slashed,
        clean_name(slashed),
        unicodedata.normalize("NFC", slashed),
        unicodedata.normalize("NFD", slashed),
    )
    candidates = [Path((folder / spelling).absolute()) for spelling in spellings]
    return next((candidate for candidate in candidates if candidate.is_file()), candidates[0])


def _unique_id(stem: str, taken: set[str]) -> str:
    """The stem as a safe file name, unique whatever the file system thinks of capitals."""
    safe = "".join("_" if letter in '<>:"/\\|?*' or ord(letter) < 32 else letter for letter in stem)
    safe = safe.lstrip(".").rstrip(". ")[:120] or "recording"
    name, number = safe, 1
    while name.casefold() in taken:
        number += 1
        name = f"{safe}_{number}"
    taken.add(name.casefold())
    return name


def _check_study(study: Study, compared: bool) -> None:
    if compared and len(study.subjects) < 2 and len(study.groups) < 2:
        raise StudyError(
            f"{study.path}: has one subject ('{study.subjects[0]}') and one group ('{study.groups[0]}'), so there is "
            "nothing to compare; add another subject, or name a second group (before and after, for example)"
        )
    if not any(recording.urls.get("video") or recording.video.is_file() for recording in study.recordings):
        first = study.recordings[0]
        raise StudyError(
            f"{study.path}: none of its {len(study.recordings)} videos exists (row {first.row}: {first.video}); "
            "write paths relative to the study's own folder"
        )
