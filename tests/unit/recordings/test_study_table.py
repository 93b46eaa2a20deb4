"""Studies as people write them: separators, folders, names, groups."""

from pathlib import Path

import pytest

from tests.support.videos import make_study
from ubam.core.errors import StudyError
from ubam.recordings.study_table import choose_reference, init_study, read_study


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_common_kind_of_csv_reads_the_same(tmp_path: Path, separator: str, encoding: str, ending: str) -> None:
    lines = [
        "video,subject,group,day,start_s,box,Käfig",
        "a.mp4,M1,healthy,1,0.5,1 2 30 40,K1",
        "",
        "b.mp4,M2,ill,2,,,",
    ]
    text = ending.join(lines).replace(",", separator)
    study = read_study(make_study(tmp_path, text, encoding=encoding))
    first, second = study.recordings
    assert (first.subject, first.group, first.day, first.start_s) == ("M1", "healthy", 1.0, 0.5)
    assert first.box == (1.0, 2.0, 30.0, 40.0)
    assert first.extra == {"Käfig": "K1"}
    assert (first.row, second.row) == (2, 4)
    assert second.box is None
    assert first.video == tmp_path / "a.mp4"
    assert study.groups == ("healthy", "ill")
    assert study.subjects == ("M1", "M2")


def test_column_names_may_have_capitals_and_decimals_a_comma(tmp_path: Path) -> None:
    study = read_study(make_study(tmp_path, "Video;Subject;Group;Dose\na.mp4;1;x;0,5\nb.mp4;2;y;1"))
    assert study.recordings[0].dose == 0.5


def test_paths_with_spaces_umlauts_and_backslashes_are_found(tmp_path: Path) -> None:
    path = make_study(
        tmp_path, "video,subject,group\nmy dir\\Mäuse 1.mp4,1,x\nb.mp4,2,y", ("my dir/Mäuse 1.mp4", "b.mp4")
    )
    first = read_study(path).recordings[0]
    assert first.video.is_file()
    assert first.recording_id == "Mäuse 1"


def test_recording_ids_are_unique_even_where_capitals_do_not_count(tmp_path: Path) -> None:
    names = ("x/run.mp4", "y/run.mp4", "z/RUN.mov", "run_2.mp4")
    rows = "\n".join(f"{name},s{index},g" for index, name in enumerate(names))
    ids = [
        recording.recording_id
        for recording in read_study(make_study(tmp_path, f"video,subject,group\n{rows}", names)).recordings
    ]
    assert ids == ["run", "run_2", "RUN_3", "run_2_2"]


def test_one_video_may_have_several_rows_with_different_boxes_or_parts(tmp_path: Path) -> None:
    rows = ("a.mp4,1,g,,,0 0 9 9", "a.mp4,2,g,,,9 0 18 9", "a.mp4,1,h,0,5,", "a.mp4,1,g,5,9,")
    text = "\n".join(["video,subject,group,start_s,end_s,box", *rows])
    assert len(read_study(make_study(tmp_path, text)).recordings) == 4


def test_a_missing_video_is_left_to_the_recording(tmp_path: Path) -> None:
    study = read_study(make_study(tmp_path, "video,subject,group\na.mp4,1,x\ngone.mp4,2,y"))
    assert not study.recordings[1].video.exists()


def test_a_folder_of_group_folders_is_a_study(tmp_path: Path) -> None:
    for name in (
        "healthy/m1.mp4",
        "healthy/m2.MOV",
        "ill/anna/day1.mp4",
        "ill/anna/day2.mp4",
        "ill/notes.txt",
        ".trash/x.mp4",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    study = read_study(tmp_path)
    assert [(r.subject, r.group) for r in study.recordings] == [
        ("m1", "healthy"),
        ("m2", "healthy"),
        ("anna", "ill"),
        ("anna", "ill"),
    ]
    written, _ = init_study(tmp_path)
    again = read_study(written)
    assert [r.recording_id for r in again.recordings] == [r.recording_id for r in study.recordings]
    assert [r.video for r in again.recordings] == [r.video for r in study.recordings]
    assert read_study(tmp_path).path == written
    with pytest.raises(StudyError, match="exists already"):
        init_study(tmp_path)


def test_the_reference_is_the_group_named_or_one_with_a_usual_name(tmp_path: Path) -> None:
    study = read_study(make_study(tmp_path, "video,subject,group\na.mp4,1,Sham\nb.mp4,2,Lesion"))
    assert choose_reference(study, None) == "Sham"
    assert choose_reference(study, "Lesion") == "Lesion"
    with pytest.raises(StudyError, match="'Sham', 'Lesion'"):
        choose_reference(study, "healthy")
    other = read_study(make_study(tmp_path, "video,subject,group\na.mp4,1,pre\nb.mp4,2,post"))
    assert choose_reference(other, None) is None
