"""Every mistake in a study is one sentence that names the file, the row and the remedy."""

from pathlib import Path

import pytest

from tests.support.videos import make_study
from ubam.core.errors import StudyError
from ubam.recordings.study_table import init_study, read_study

HEAD = "video,subject,group"
BAD = {
    "no group column": ("video,subject\na.mp4,1\n", "no column 'group'.*add it"),
    "empty subject": (f"{HEAD}\na.mp4,1,x\nb.mp4,,y\n", "row 3.*'subject' is empty"),
    "day is a word": (f"{HEAD},day\na.mp4,1,x,1\nb.mp4,2,y,Monday\n", "row 3.*'day' is 'Monday'.*write a number"),
    "infinite dose": (f"{HEAD},dose\na.mp4,1,x,inf\nb.mp4,2,y,1\n", "row 2.*'dose' is 'inf'"),
    "end before start": (f"{HEAD},start_s,end_s\na.mp4,1,x,5,2\nb.mp4,2,y,,\n", "row 2.*'end_s' is 2.*start 5"),
    "negative start": (f"{HEAD},start_s\na.mp4,1,x,-1\nb.mp4,2,y,\n", "row 2.*'start_s' is -1"),
    "fps zero": (f"{HEAD},fps\na.mp4,1,x,0\nb.mp4,2,y,\n", "row 2.*'fps' is 0"),
    "box of three": (f"{HEAD},box\na.mp4,1,x,1 2 3\nb.mp4,2,y,\n", "row 2.*'box' is '1 2 3'.*x0 y0 x1 y1"),
    "box inside out": (f"{HEAD},box\na.mp4,1,x,9 9 1 1\nb.mp4,2,y,\n", "row 2.*'box'"),
    "box of not a number": (f"{HEAD},box\na.mp4,1,x,nan 0 9 9\nb.mp4,2,y,\n", "row 2.*'box'"),
    "duplicate row": (f"{HEAD}\na.mp4,1,x\nb.mp4,2,y\na.mp4,3,x\n", "row 4.*'a.mp4' again as in row 2.*remove one"),
    "one subject, one group": (f"{HEAD}\na.mp4,1,x\nb.mp4,1,x\n", "nothing to compare.*add another subject"),
    "no rows": (f"{HEAD}\n", "no recordings.*add one row"),
    "empty file": ("", "is empty"),
    "all videos missing": (f"{HEAD}\nc.mp4,1,x\nd.mp4,2,y\n", "none of its 2 videos exists.*row 2"),
    "too many cells": (f"{HEAD}\na,b.mp4,1,x\n", "row 2.*4 cells under 3 columns"),
    "column twice": (f"{HEAD},day,day\na.mp4,1,x,1,2\n", "'day' appears twice"),
    "not a table": ("\0\1\2\3", "not a text table"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_study_is_named(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    path = make_study(tmp_path, text)
    with pytest.raises(StudyError, match=message) as caught:
        read_study(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_table_in_another_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"not UTF-8.*save it"):
        read_study(make_study(tmp_path, f"{HEAD}\nä.mp4,1,x\n", encoding="latin-1"))


def test_a_missing_study_and_folders_without_videos_are_named(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no such study"):
        read_study(tmp_path / "none.csv")
    (tmp_path / "healthy").mkdir()
    for call in (read_study, init_study):
        with pytest.raises(StudyError, match="no videos in group folders"):
            call(tmp_path)
    with pytest.raises(StudyError, match="no such folder"):
        init_study(tmp_path / "none")
    assert not (tmp_path / "study.csv").exists()
