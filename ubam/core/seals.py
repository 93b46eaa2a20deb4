"""Seals: a record carries the SHA-256 of what it says and of the files beside it, so that a flipped byte is found.

A record without a seal, from an older version, is read as it is.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ubam.core.errors import DamagedFile
from ubam.core.files import content_hash, plain_json, write_json

Record = dict[str, Any]  # a JSON object
SEAL = "seal"  # the first name in a record, so that a copy without its line is a record still


def write_record(path: Path, value: Mapping[str, object]) -> None:
    """Write a JSON object with its seal."""
    plain = plain_json(value)
    write_json(path, {SEAL: _seal(plain), **plain})


def read_record(path: Path) -> Record:
    """The JSON object that `write_record`, or an older version without a seal, wrote.

    Raises
    ------
    DamagedFile
        It is no JSON object, or was changed since.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFile(f"{path} is damaged ({error})") from error
    if not isinstance(value, dict):
        raise DamagedFile(f"{path} is damaged (it holds no record)")
    seal = value.pop(SEAL, None)
    if seal is not None and seal != _seal(value):
        raise DamagedFile(f"{path} is damaged, or was changed by hand without removing its line {SEAL}")
    return value


def _seal(value: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def digests_of(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of files, by their names."""
    return {path.name: content_hash(path) for path in paths}


def check_digests(folder: Path, digests: Mapping[str, str]) -> None:
    """Compare the files of a folder with what they were.

    Raises
    ------
    DamagedFile
        One is missing or differs.
    """
    for name, digest in digests.items():
        path = folder / name
        if not path.is_file() or content_hash(path) != digest:
            raise DamagedFile(f"{path} is damaged or missing")
