"""Any text in place of a study, a table of keypoints or a setting: read, or refused in words."""

import math
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.crashes import in_child
from ubam.core.errors import StudyError, UbamError
from ubam.core.settings import FACTOR_RANGE, check_factors, preset
from ubam.recordings.cells import clean_name, read_number, spelled_alike
from ubam.recordings.keypoint_files import read_keypoints
from ubam.recordings.study_table import read_study

STEADY = settings(max_examples=80, deadline=None, derandomize=True, database=None)
CELL = st.one_of(
    st.text(max_size=12), st.sampled_from(["", "1,5", "1,000", "-3", "nan", "inf", "1e999", '"', "=1+1", "0 0 9 9"])
)
COLUMNS = ("video", "subject", "group", "session", "day", "start_s", "end_s", "box", "fps", "keypoints", "mask", "x")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    (folder / "a.mp4").write_bytes(b"")
    return folder


def read_or_refused(path: Path) -> None:
    try:
        study = read_study(path)
    except StudyError as error:
        assert str(path) in str(error)  # noqa: PT017 - both ends are right
        return
    for one in study.recordings:
        assert one.subject == clean_name(one.subject) != ""
        assert all(value is None or math.isfinite(value) for value in (one.day, one.start_s, one.end_s, one.fps))
        assert one.end_s is None or one.end_s > (one.start_s or 0) >= 0
    assert len({one.recording_id for one in study.recordings}) == len(study.recordings)


@STEADY
@given(st.binary(max_size=300))
def test_any_bytes_as_a_study(place: Path, content: bytes) -> None:
    (place / "study.csv").write_bytes(content)
    read_or_refused(place / "study.csv")


@STEADY
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, CELL)), max_size=4), st.sampled_from(",;\t"))
def test_any_cells_in_a_study(place: Path, rows: list[dict[str, str]], separator: str) -> None:
    lines = [separator.join(COLUMNS)]
    lines += [separator.join(["a.mp4", *(row[name] for name in COLUMNS[1:])]) for row in rows]
    (place / "study.csv").write_text("\n".join(lines), encoding="utf-8", errors="replace")
    read_or_refused(place / "study.csv")


def points_or_refused(path: Path, frames: int = 4) -> None:
    try:
        points = read_keypoints(path, path.parent / "a.mp4", frames)
    except StudyError as error:
        assert str(path) in str(error)  # noqa: PT017 - both ends are right
        return
    assert points.xy.shape == (len(points.frame), points.xy.shape[1], len(points.names), 2)
    assert np.isfinite(points.xy).any()
    assert (np.diff(points.frame) > 0).all()
    assert points.frame.max() < frames + 2


@STEADY
@given(st.binary(max_size=300))
def test_any_bytes_as_keypoints(place: Path, content: bytes) -> None:
    for name in ("points.csv", "points.h5"):
        (place / name).write_bytes(content)
        points_or_refused(place / name)


@STEADY
@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=6), st.sampled_from(",;"))
def test_any_cells_in_keypoints(place: Path, rows: list[tuple[str, ...]], separator: str) -> None:
    head = [("scorer", "n", "n", "n"), ("bodyparts", "nose", "nose", "nose"), ("coords", "x", "y", "likelihood")]
    path = place / "points.csv"
    text = "\n".join(separator.join(row) for row in [*head, *rows])
    path.write_text(text, encoding="utf-8", errors="replace")
    points_or_refused(path)


def test_damaged_files_of_sleap(place: Path) -> None:
    path = place / "whole.h5"
    with h5py.File(path, "w") as file:
        file["tracks"] = np.random.default_rng(0).uniform(1, 99, (1, 2, 3, 4))
        file["node_names"] = [b"a", b"b", b"c"]
    whole = path.read_bytes()

    def work() -> None:
        for seed in range(150):
            random, content = np.random.default_rng(seed), bytearray(whole)
            for at in random.integers(0, len(content), random.integers(1, 20)):
                content[at] = random.integers(256)
            (place / "points.h5").write_bytes(content)
            points_or_refused(place / "points.h5")

    assert in_child(work) == 0


def test_an_array_of_terabytes_is_refused(place: Path) -> None:
    with h5py.File(place / "points.h5", "w") as file:
        file.create_dataset("tracks", (1000, 2, 1000, 10**6), np.float64, chunks=(1, 2, 10, 1000))
        file["node_names"] = [b"a"]
    assert (place / "points.h5").stat().st_size < 1e5
    with pytest.raises(StudyError, match="16000 GB"):
        read_keypoints(place / "points.h5", place / "a.mp4", 4)


@STEADY
@given(st.text(max_size=30))
def test_cleaning_a_name_is_done_once(name: str) -> None:
    assert clean_name(clean_name(name)) == clean_name(name)
    assert spelled_alike(clean_name(name)) == spelled_alike(name)


@STEADY
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_come_back_with_a_point_and_with_a_comma(number: float) -> None:
    text = repr(number)
    assert read_number(text) == number
    with_comma = text.replace(".", ",")
    try:
        assert read_number(with_comma) == number
    except ValueError:
        assert len(with_comma.partition(",")[2].partition("e")[0]) == 3


@STEADY
@given(st.lists(st.floats(), max_size=4))
def test_factors_are_in_range_or_refused(factors: list[float]) -> None:
    low, high = FACTOR_RANGE
    if all(low <= factor <= high for factor in factors):
        check_factors(factors)
    else:
        with pytest.raises(UbamError, match="must lie between"):
            check_factors(factors)


@STEADY
@given(st.text(max_size=20))
def test_a_preset_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UbamError, match="There is no preset"):
        preset(name)
