"""A flipped byte in a record, or in a file beside it, is found; older records without a seal open."""

import json
from pathlib import Path

import numpy as np
import pytest

from ubam.core.errors import DamagedFile
from ubam.core.files import read_arrays, write_arrays
from ubam.core.seals import SEAL, check_digests, digests_of, read_record, write_record

RECORD = {"name": "Käfig 1", "values": [1.5, None, 3], "parts": {"a": True, "b": "text"}}


def flipped(path: Path, place: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_a_record_comes_back(tmp_path: Path) -> None:
    write_record(tmp_path / "a.json", RECORD | {"number": np.float32(0.5), "endless": np.inf})
    assert read_record(tmp_path / "a.json") == RECORD | {"number": 0.5, "endless": None}


def test_no_flipped_bit_of_a_record_goes_unseen(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_record(path, RECORD)
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped(path, place, place % 8)
        try:
            found = read_record(path)
            assert {name: found[name] for name in RECORD} == RECORD  # a blank, or the seal's own name, became another
        except DamagedFile as error:
            assert str(path) in str(error)  # noqa: PT017 - both ends are right
        path.write_bytes(whole)


def test_a_record_without_a_seal_opens(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    assert read_record(tmp_path / "a.json") == RECORD


def test_a_copy_without_the_line_of_its_seal_opens(tmp_path: Path) -> None:
    write_record(tmp_path / "a.json", RECORD)
    lines = (tmp_path / "a.json").read_text().splitlines(keepends=True)
    (tmp_path / "a.json").write_text("".join(line for line in lines if SEAL not in line))
    assert read_record(tmp_path / "a.json") == RECORD


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "null"])
def test_what_is_no_record_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DamagedFile, match=r"a\.json is damaged"):
        read_record(tmp_path / "a.json")


def test_files_beside_a_record_are_compared(tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(bytes(100))
    digests = digests_of([tmp_path / "b.bin"])
    check_digests(tmp_path, digests)
    flipped(tmp_path / "b.bin", 50)
    with pytest.raises(DamagedFile, match=r"b\.bin is damaged"):
        check_digests(tmp_path, digests)
    (tmp_path / "b.bin").unlink()
    with pytest.raises(DamagedFile, match="or missing"):
        check_digests(tmp_path, digests)


def test_no_flipped_bit_of_arrays_gives_other_numbers(tmp_path: Path) -> None:
    path, kept = (
        tmp_path / "a.npz",
        {"posture": np.arange(60, dtype=np.float16).reshape(6, 10), "time_s": np.arange(6.0)},
    )
    write_arrays(path, **kept)
    whole = path.read_bytes()
    for place in range(len(whole)):
        flipped(path, place, place % 8)
        try:
            found = read_arrays(path)
        except DamagedFile as error:
            assert str(path) in str(error)  # noqa: PT017 - both ends are right
        else:
            for name in set(found) & set(kept):
                np.testing.assert_array_equal(found[name], kept[name])
        path.write_bytes(whole)
