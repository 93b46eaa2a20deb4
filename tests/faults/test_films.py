"""Every film of the table is read right, or refused in a sentence about the file."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.film_table import COUNT, TABLE, Row
from tests.support.videos import index_of
from ubam.core.errors import VideoError
from ubam.recordings.study_table import Recording
from ubam.recordings.validation import check_recording
from ubam.recordings.video_reader import read_frame, read_frames, read_timed_frames


@pytest.mark.parametrize("row", TABLE, ids=[f"{number}-{row.name[:30]!r}" for number, row in enumerate(TABLE)])
def test_a_film_is_read_right_or_refused(tmp_path: Path, row: Row) -> None:
    path = row.make(tmp_path)
    verdict = check_recording(Recording("a", 2, path, "a", "g"))
    assert verdict.status == (row.status or verdict.status)
    assert row.says in f"{verdict.reason} {verdict.warnings}"
    if row.frames == 0:
        with pytest.raises(VideoError, match=r"\w"):
            next(read_frames(path))
        return
    _check_frames(path, row)


def _check_frames(path: Path, row: Row) -> None:
    damage: list[str] = []
    found = [index_of(frame) for frame in read_frames(path, damage=damage)]
    timed = [(index_of(frame), time_s) for _, time_s, frame in read_timed_frames(path)]
    times = [time_s for _, time_s in timed]
    assert found == [index for index, _ in timed]
    assert times[0] == 0
    assert all(later > earlier for earlier, later in pairwise(times))
    if row.frames is not None:
        assert (len(found), damage) == (row.frames, [])
        assert times[-1] == pytest.approx(row.last_s, abs=2e-3)
        assert index_of(read_frame(path, row.frames // 2)) == found[row.frames // 2]
    if row.barcodes and row.frames is not None:
        assert found == list(range(row.frames))
    if row.frames is None and row.status:  # cut: the last frames may be damaged
        assert found[:-3] == list(range(len(found) - 3))
    elif row.frames is None:
        assert damage or found == list(range(COUNT))


def test_the_table_is_long_enough() -> None:
    assert len(TABLE) >= 80
