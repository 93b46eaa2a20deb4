"""Tables of keypoints as programs and spreadsheets write them: each row on its own frame, or a plain refusal."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.support.videos import film
from ubam.core.errors import StudyError
from ubam.recordings.keypoint_files import read_keypoints
from ubam.recordings.video_reader import probe

VIDEO = Path("cage.mp4")
HEAD = ("scorer,net,net,net,net,net,net", "bodyparts,nose,nose,nose,tail,tail,tail",
        "coords,x,y,likelihood,x,y,likelihood")  # fmt: skip


def table(path: Path, rows: list[str], head: tuple[str, ...] = HEAD) -> Path:
    path.write_text("\n".join([*head, *rows]), encoding="utf-8")
    return path


def row(index: object, x: float = 10, y: float = 20) -> str:
    return f"{index},{x},{y},0.9,{x + 5},{y},0.9"


def test_an_index_of_decimal_numbers_names_every_frame(tmp_path: Path) -> None:
    points = read_keypoints(table(tmp_path / "a.csv", [row(f"{i}.0", 10 + i) for i in range(12)]), VIDEO, 12)
    assert points.frame.tolist() == list(range(12))
    assert points.xy[:, 0, 0, 0].tolist() == list(range(10, 22))


def test_rows_with_gaps_belong_to_the_frames_that_they_name(tmp_path: Path) -> None:
    points = read_keypoints(table(tmp_path / "a.csv", [row(i) for i in (0, 1, 5, 9)]), VIDEO, 12)
    assert points.frame.tolist() == [0, 1, 5, 9]
    later = read_keypoints(table(tmp_path / "b.csv", [row(i) for i in (4, 5, 6)]), VIDEO, 12)
    assert later.frame.tolist() == [4, 5, 6]


def test_a_frame_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="name frame 1 twice or out of order"):
        read_keypoints(table(tmp_path / "a.csv", [row(i) for i in (0, 1, 1, 2)]), VIDEO, 4)


def test_the_corner_is_where_trackers_put_what_they_did_not_see(tmp_path: Path) -> None:
    points = read_keypoints(table(tmp_path / "a.csv", [row(0), "1,0,0,1,15,20,1", row(2)]), VIDEO, 3)
    assert np.isnan(points.xy[1, 0, 0]).all()
    assert points.xy[1, 0, 1].tolist() == [15, 20]


def test_a_german_spreadsheets_table_is_read(tmp_path: Path) -> None:
    rows = [row(i, 10.5, 20.25).replace(",", ";").replace(".", ",") for i in range(6)]
    head = tuple(line.replace(",", ";") for line in HEAD)
    points = read_keypoints(table(tmp_path / "a.csv", rows, ("sep=;", *head)), VIDEO, 6)
    assert points.xy[3, 0, 0].tolist() == [10.5, 20.25]


def test_a_table_in_two_bytes_a_letter_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("\n".join([*HEAD, *(row(i) for i in range(6))]), encoding="utf-16")
    assert read_keypoints(tmp_path / "a.csv", VIDEO, 6).names == ("nose", "tail")


def test_likelihoods_in_percent_are_refused(tmp_path: Path) -> None:
    rows = [f"{i},10,20,95,15,20,4" for i in range(6)]
    with pytest.raises(StudyError, match="its likelihoods go up to 95, and should to 1"):
        read_keypoints(table(tmp_path / "a.csv", rows), VIDEO, 6)


def test_the_variances_of_an_ensemble_are_left_out(tmp_path: Path) -> None:
    names = ("x", "y", "likelihood", "x_ens_median", "y_ens_var", "zscore")
    head = ("scorer" + ",eks" * 6, "bodyparts" + ",nose" * 6, ",".join(("coords", *names)))
    points = read_keypoints(table(tmp_path / "a.csv", [f"{i},10,20,0.9,11,3,0.1" for i in range(5)], head), VIDEO, 5)
    assert points.names == ("nose",)
    assert points.xy[2, 0, 0].tolist() == [10, 20]


@pytest.mark.parametrize(
    ("head", "rows", "words"),
    [
        (("scorer,a,a,a", "bodyparts,n,n,n", "coords,x,y,z"), ["0,1,2,3"], "points in space"),
        (("bodyparts,n,n", "coords,x,likelihood"), ["0,1,2"], "no columns x and y"),
        (("coords,x,y",), ["0,1,2"], "no row that begins with 'bodyparts'"),
        (("bodyparts,n,n", "coords,x,y"), ["0,1,much"], "'much' stands where a number should"),
        (("bodyparts,n,n", "coords,x,y"), ["0,1"], "do not have the 2 values"),
        (("bodyparts,n,n", "coords,x,y"), ["first,1,2"], "the row 'first' names no frame"),
    ],
)
def test_what_cannot_be_read_is_refused_in_plain_words(
    tmp_path: Path, head: tuple[str, ...], rows: list[str], words: str
) -> None:
    with pytest.raises(StudyError, match=words) as caught:
        read_keypoints(table(tmp_path / "a.csv", rows, head), VIDEO, 1)
    assert "could not convert" not in str(caught.value)


def test_a_sleap_file_may_end_with_its_last_detection(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracks"] = np.full((1, 2, 2, 9), 7.0)
        file["node_names"] = np.array([b"nose", b"tail"])
    points = read_keypoints(tmp_path / "a.h5", VIDEO, 40)
    assert points.frame.tolist() == list(range(9))
    with pytest.raises(StudyError, match="names frame 8, its video has 5 frames"):
        read_keypoints(tmp_path / "a.h5", VIDEO, 5)


def test_rows_that_count_dropped_frames_are_brought_to_those_that_are_there(tmp_path: Path) -> None:
    path = film(tmp_path / "drops.avi", "-vf", "select='lt(n,20)+gt(n,29)'", "-fps_mode", "vfr", "-c:v", "mjpeg",
                "-q:v", "3", count=60)  # fmt: skip
    frames = probe(path).frames_declared
    assert frames == 50
    stored = read_keypoints(table(tmp_path / "a.csv", [row(i, 100 + i) for i in range(60)]), path, frames)
    assert stored.frame.tolist() == list(range(50))
    assert stored.xy[[19, 20, 49], 0, 0, 0].tolist() == [119, 130, 159]
    decoded = read_keypoints(table(tmp_path / "b.csv", [row(i, 100 + i) for i in range(50)]), path, frames)
    assert decoded.xy[[19, 20, 49], 0, 0, 0].tolist() == [119, 120, 149]


def test_what_holds_no_keypoints_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StudyError, match="no such keypoints file; write its path relative to the study"):
        read_keypoints(tmp_path / "gone.csv", VIDEO, 3)
    with pytest.raises(StudyError, match="no point that its tracker was sure of"):
        read_keypoints(table(tmp_path / "a.csv", [f"{i},1,2,0.1,1,2,0.1" for i in range(3)]), VIDEO, 3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["other"] = np.zeros(3)
        file.create_group("empty")
    with pytest.raises(StudyError, match="no table of pandas and no tracks"):
        read_keypoints(tmp_path / "a.h5", VIDEO, 3)
    monkeypatch.setattr("ubam.recordings.keypoint_files.MOST_BYTES", 50)
    with pytest.raises(StudyError, match="it has 0 GB"):
        read_keypoints(tmp_path / "a.csv", VIDEO, 3)


def test_umlauts_of_older_programs_are_read(tmp_path: Path) -> None:
    text = "\n".join([*HEAD, *(row(i) for i in range(3))]).replace("net", "Mäuse")
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    assert read_keypoints(tmp_path / "a.csv", VIDEO, 3).names == ("nose", "tail")
