"""What people write into cells and call their files: nothing is misread, doubts are named."""

import shutil
from pathlib import Path

import pytest

from tests.support.videos import make_study
from ubam.core.errors import StudyError
from ubam.recordings.doubts import doubts
from ubam.recordings.folders import find_films
from ubam.recordings.study_table import init_study, read_study
from ubam.recordings.validation import Verdict, describe_study, study_issues


@pytest.mark.parametrize("cell", ["1,000", "1,000,000", "0,125", "-2,500"])
def test_a_comma_before_three_digits_is_refused(tmp_path: Path, cell: str) -> None:
    path = make_study(tmp_path, f"video;subject;group;end_s\na.mp4;1;x;{cell}\nb.mp4;2;y;1")
    with pytest.raises(StudyError, match=r"row 2: 'end_s' is .* may mean a thousand or a fraction; write"):
        read_study(path)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("1,000", "a thousand or a fraction; write 1000 or 1.0000"),
        ("1,000,000", "a thousand or a fraction; write digits and at most one decimal point"),
        ("1,000.5", "write digits and at most one"),
    ],
)
def test_what_is_written_instead_is_said(tmp_path: Path, cell: str, words: str) -> None:
    path = make_study(tmp_path, f"video;subject;group;end_s\na.mp4;1;x;{cell}\nb.mp4;2;y;1")
    with pytest.raises(StudyError, match=words):
        read_study(path)


@pytest.mark.parametrize("cell", ["1.000", "12.500"])
def test_a_point_before_three_digits_is_refused_beside_decimal_commas_only(tmp_path: Path, cell: str) -> None:
    rows = f"video;subject;group;dose;end_s\na.mp4;1;x;{cell};\nb.mp4;2;y;2"
    assert read_study(make_study(tmp_path, f"{rows};2.5")).recordings[0].dose == float(cell)
    with pytest.raises(StudyError, match=r"row 2: 'dose' is .* may mean a thousand or a fraction; write"):
        read_study(make_study(tmp_path, f"{rows};2,5"))


@pytest.mark.parametrize(("cell", "number"), [("0,5", 0.5), ("12,25", 12.25), ("1,0000", 1), ("3", 3), ("1e3", 1000)])
def test_decimal_commas_stay(tmp_path: Path, cell: str, number: float) -> None:
    path = make_study(tmp_path, f"video;subject;group;end_s\na.mp4;1;x;{cell}\nb.mp4;2;y;1")
    assert read_study(path).recordings[0].end_s == number


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_excels_separator_line_is_no_header(tmp_path: Path, first: str) -> None:
    study = read_study(make_study(tmp_path, f"{first}\nvideo;subject;group\na.mp4;1;x\nb.mp4;2;y"))
    assert [recording.row for recording in study.recordings] == [3, 4]


def test_umlauts_and_invisible_letters_make_no_second_subject(tmp_path: Path) -> None:
    rows = "a.mp4,Ma\u0308x,wt\nb.mp4,Mäx\u200b,wt\nc.mp4,Moritz,\ufeffwt\nd.mp4,Lämpel,ko"
    study = read_study(make_study(tmp_path, f"video,subject,group\n{rows}"))
    assert study.subjects == ("Mäx", "Moritz", "Lämpel")
    assert study.groups == ("wt", "ko")


@pytest.mark.parametrize(("first", "second"), [("M1", "m1"), ("M1", "M 1"), ("001", "1"), ("m_1", "m-1")])
def test_subjects_that_differ_in_spelling_only_are_a_doubt(tmp_path: Path, first: str, second: str) -> None:
    study = read_study(make_study(tmp_path, f"video,subject,group\na.mp4,{first},wt\nb.mp4,{second},ko\nc.mp4,x,ko"))
    words = next(words for code, words in doubts(study) if code == "spelled_alike")
    assert f"'{first}' and '{second}' differ in spelling only and are counted as 2" in words


def test_groups_that_differ_in_spelling_only_are_a_doubt_of_check_and_run(tmp_path: Path) -> None:
    study = read_study(make_study(tmp_path, "video,subject,group\na.mp4,1,control\nb.mp4,2,Control\nc.mp4,3,drug"))
    verdicts = [Verdict(r.recording_id, r.subject, r.group) for r in study.recordings]
    assert "'control' and 'Control'" in study_issues(study, verdicts, "control")[0].words


def test_numbers_that_differ_are_no_doubt(tmp_path: Path) -> None:
    study = read_study(make_study(tmp_path, "video,subject,group\na.mp4,m1,wt\nb.mp4,m10,ko\nc.mp4,m100,ko"))
    assert "spelled_alike" not in dict(doubts(study))


def test_one_film_by_link_is_refused_and_by_copy_a_doubt(tmp_path: Path) -> None:
    make_study(tmp_path, "video,subject,group\na.mp4,1,wt\nb.mp4,2,ko")
    (tmp_path / "a.mp4").write_bytes(b"film" * 1000)
    shutil.copy(tmp_path / "a.mp4", tmp_path / "copy.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "a.mp4")
    copied = make_study(tmp_path, "video,subject,group\ncopy.mp4,1,wt\nb.mp4,2,ko\na.mp4,3,ko", ())
    assert "copy.mp4 (row 2) and a.mp4 (row 4) hold the same film" in doubts(read_study(copied))[0][1]
    linked = make_study(tmp_path, "video,subject,group\na.mp4,1,wt\nlink.mp4,2,ko", ())
    with pytest.raises(StudyError, match=r"row 3: names 'link.mp4' again as in row 2"):
        read_study(linked)


def test_subjects_in_both_groups_have_the_p_of_the_paired_test(tmp_path: Path) -> None:
    rows = "\n".join(f"{group}{n}.mp4,m{n},{group}" for group in ("wt", "ko") for n in range(4))
    study = read_study(
        make_study(
            tmp_path, f"video,subject,group\n{rows}", tuple(f"{g}{n}.mp4" for g in ("wt", "ko") for n in range(4))
        )
    )
    verdicts = [Verdict(r.recording_id, r.subject, r.group) for r in study.recordings]
    said = describe_study(study, verdicts, "wt")[-1]
    assert said == "ko (4) against wt (4), 4 subjects compared with themselves: the smallest possible p is 0.12."
    assert any(issue.code == "limited_group_p" for issue in study_issues(study, verdicts, "wt"))


def test_links_are_followed_once_and_what_looks_like_a_film_is_named(tmp_path: Path) -> None:
    store, folder = tmp_path / "store", tmp_path / "study"
    for name in ("study/wt/a.m2ts", "study/wt/b.ogv", "study/wt/.hidden.mp4", "study/wt/notes.txt", "store/c.h264"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (folder / "ko").symlink_to(store)
    (store / "loop").symlink_to(folder)
    (folder / "wt/no_suffix").write_bytes(b"\0\0\0\x18ftypisom" + b"\0" * 40)
    (folder / "wt/sound.m4a").write_bytes(b"\0\0\0\x18ftypM4A " + b"\0" * 40)
    (folder / "loose.mp4").write_bytes(b"x")
    assert [path.name for path in find_films(folder).films] == ["c.h264", "loose.mp4", "a.m2ts", "b.ogv"]
    path, said = init_study(folder)
    assert [recording.video.name for recording in read_study(path).recordings] == ["c.h264", "a.m2ts", "b.ogv"]
    assert said[0] == "3 files: 3 subjects, 2 groups."
    assert "Left out, as they are in no group folder: loose.mp4." in said
    assert "Left out, as their names do not end like a film's: wt/no_suffix." in said
