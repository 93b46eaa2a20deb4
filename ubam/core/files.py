"""Files that are whole or absent: written beside their place, synced, then renamed."""

import csv
import errno
import hashlib
import json
import mmap
import os
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from ubam.core.errors import DamagedFile


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is synced and takes its place.

    The temporary file keeps the suffix of `path`, since encoders choose their format by it. On any error it is
    removed and `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; a number that is not finite becomes null, as JSON has no word for it."""
    write_text(path, json.dumps(plain_json(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def plain_json(value: Any) -> Any:
    """What JSON can hold of a value: a number that is not finite becomes null, a path or an array its plain form."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain_json(value.tolist())
    if isinstance(value, np.generic):
        return plain_json(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def write_csv(path: Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Write `rows` under `columns`; a missing or not-finite value becomes an empty cell, a float six digits.

    Text that a spreadsheet would take for a formula is `guarded`.
    """
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow([guarded(column) for column in columns])
        for row in rows:
            writer.writerow([_cell(row.get(column)) for column in columns])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}" if np.isfinite(value) else ""
    return guarded(str(value))


FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
NUMBER = re.compile(r"[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?")


def guarded(text: str) -> str:
    """Text that a spreadsheet executes (it begins with = + - @, a tab or an end of line) with an apostrophe before it.

    Numbers stay as they are; `unguarded` gives back any text exactly.
    """
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def unguarded(cell: str) -> str:
    """The text of a cell that `guarded` made."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a table that `write_csv` wrote."""
    with open(path, newline="", encoding="utf-8-sig") as handle:
        lines = csv.reader(handle)
        names = [unguarded(name) for name in next(lines, [])]
        return [_row(names, cells) for cells in lines if cells]


def _row(names: list[str], cells: list[str]) -> dict[str, str]:
    """A row by column, as `csv.DictReader` gives it; only a cell with an apostrophe in front is looked at closely."""
    plain = [unguarded(cell) if cell[:1] == "'" else cell for cell in cells]
    return dict(zip_longest(names, plain[: len(names)]))


UNREADABLE = (  # what the readers of a damaged .npz raise
    ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, MemoryError, struct.error, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip


def write_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write named arrays as one .npz."""
    with atomic_path(path) as temporary, open(temporary, "wb") as handle:
        np.savez(handle, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what `write_arrays` wrote; half floats come back as float32, ready for arithmetic.

    Raises
    ------
    DamagedFile
        It is not what was written: each array in the file has a checksum.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, *UNREADABLE) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # which is: a place before the file's beginning
            raise
        raise DamagedFile(f"{path} is damaged; remove it, and the same command makes it again") from error
    return {name: value.astype(np.float32) if value.dtype == np.float16 else value for name, value in arrays.items()}


def leave_memory(array: object) -> None:
    """Give back the memory of what was read of, or written to, an array that is mapped from a file.

    Nothing is lost: what was written is in the file, and pages are read again when they are asked for. Nothing happens
    to another array, nor where the system cannot do it.
    """
    owner = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        owner.madvise(mmap.MADV_DONTNEED)


def content_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def file_stamp(path: Path) -> list[int]:
    """Size and time of a file: enough to notice a change without reading gigabytes."""
    return [path.stat().st_size, path.stat().st_mtime_ns] if path.exists() else []
