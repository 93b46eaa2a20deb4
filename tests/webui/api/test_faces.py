"""A face that moves is hidden in the copy to play, in the still picture, and in what a run reads."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.webui.support.clients import Client, TestServer
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from webui.data.face import box_around, box_at, face_keys
from webui.data.models import Recording, Run
from webui.jobs.tasks import do_run
from webui.jobs.workplace import Workplace

FRAMES, SIDE = 50, 16
PATH = [[0.0, 8, 14, 30, 36], [1.0, 58, 14, 80, 36], [1.96, 106, 14, 128, 36]]


def place_of(frame: int) -> int:
    """The left edge of the face in a frame: 50 pixels a second."""
    return 11 + 2 * frame


def film_of_a_face(path: Path) -> bytes:
    """A chequered square, which stands for a face, moves to the right over grey."""
    face = np.indices((SIDE, SIDE)).sum(0) // 4 % 2 * 200 + 20

    def frame(number: int) -> np.ndarray:
        picture = np.full((48, 144, 3), 128, np.uint8)
        picture[17 : 17 + SIDE, place_of(number) : place_of(number) + SIDE] = face[:, :, None]
        return picture

    write_clip(path, map(frame, range(FRAMES)), 25.0)
    return path.read_bytes()


def contrast(picture: np.ndarray, frame: int) -> float:
    """How much of the face can be seen: neighbouring squares differ by 200 where nothing is hidden."""
    left = place_of(frame)
    part = picture[19 : 15 + SIDE, left + 2 : left + SIDE - 2].astype(float).mean(2)
    return float(np.abs(np.diff(part, axis=1)).mean())


@pytest.fixture
def client(alone: TestServer) -> Client:
    return alone.only_person()


@pytest.fixture
def recording(alone: TestServer, client: Client, tmp_path: Path) -> str:
    """The address of a film of a face."""
    study = client.post("studies", {"name": "gait"}).json["id"]
    client.upload(study, "walk.mp4", film_of_a_face(tmp_path / "walk.mp4"))
    alone.work()
    (row,) = client.get(f"studies/{study}/recordings").json
    client.patch(f"studies/{study}/recordings/{row['id']}", {"subject": "ada", "group": "healthy"})
    return f"studies/{study}/recordings/{row['id']}"


def test_a_face_is_between_the_boxes_that_were_drawn() -> None:
    assert box_at(PATH, 0.5) == (33, 14, 55, 36)
    assert box_at(PATH, 9.0) == tuple(PATH[-1][1:])
    assert box_at(PATH[1:], 0.0) == tuple(PATH[1][1:])
    assert box_around(PATH, 0.5, 1.5) == (33, 14, 105, 36)
    assert face_keys([1, 2, 3, 4], None) == [[0.0, 1, 2, 3, 4]]
    assert face_keys(None, None) == face_keys([], []) == []


def test_the_copy_and_the_still_hide_a_face_that_moves(
    alone: TestServer, client: Client, recording: str, tmp_path: Path
) -> None:
    def played() -> list[float]:
        assert client.get(f"{recording}/video").status_code == 202
        alone.work()
        out = tmp_path / "shown.mp4"
        out.write_bytes(client.get(f"{recording}/video").data)
        return [contrast(frame, number) for number, frame in enumerate(read_frames(out))]

    assert min(played()) > 20
    assert client.patch(recording, {"face_box": PATH[1][1:]}).json["face_path"] is None
    fixed = played()
    assert min(fixed) < 5 < 20 < max(fixed), "a box that stays loses a face that moves"
    assert client.patch(recording, {"face_path": PATH}).json["face_box"] is None
    assert max(played()) < 5
    still = np.asarray(Image.open(io.BytesIO(client.get(f"{recording}/frame.jpg").data)))
    assert max(contrast(still, number) for number in range(FRAMES)) < 20


def test_a_run_reads_what_hides_the_face(
    alone: TestServer, client: Client, recording: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = recording.split("/")[1]
    client.patch(recording, {"face_path": PATH})
    alone.add_recording(study, "bob.mp4", subject="bob", group="healthy")
    run = client.post(f"studies/{study}/runs", {"reference": "healthy", "preset": "quick"}).json["id"]
    handed: list[Path] = []

    def child(place: Workplace, order: object, folder: Path, stop: object) -> str:
        handed.append(folder)
        return ""

    monkeypatch.setattr("webui.jobs.tasks._in_child", child)
    place = Workplace(alone.settings, alone.service.database, alone.service.storage)
    assert do_run(place, run, lambda: False) == ""
    video = handed[0] / "videos" / "ada-1.mp4"
    assert max(contrast(frame, number) for number, frame in enumerate(read_frames(video))) < 5


def test_what_was_made_before_a_box_was_moved_is_held_back(
    alone: TestServer, client: Client, recording: str, fake_run: Path
) -> None:
    client.patch(recording, {"face_path": PATH})
    with alone.service.database.session() as session:
        row = session.get_one(Recording, recording.rpartition("/")[2])
        entry = {"a01_walk": {"id": row.id, "face_box": None, "face_path": PATH}}
        study, owner = row.study_id, row.study.owner_id
    alone.service.storage.folders = (fake_run.resolve(),)
    run = alone.add_run(study, owner, fake_run, recordings=entry)
    assert client.get(f"runs/{run}/recordings/a01_walk/preview.mp4").status_code == 200
    moved = [[time, x0 + 3, *rest] for time, x0, *rest in PATH]
    client.patch(recording, {"face_path": moved})
    assert client.get(f"runs/{run}/recordings/a01_walk/preview.mp4").status_code == 409
    with alone.service.database.session() as session:
        assert session.get_one(Run, run).recordings["a01_walk"]["face_path"] == PATH


@pytest.mark.parametrize(
    "path", [[], [[0, 1, 2, 3]], [[0, 5, 5, 2, 9]], [[1, 0, 0, 9, 9], [0, 0, 0, 9, 9]], [[-1, 0, 0, 9, 9]], "no", [[]]]
)
def test_a_path_is_boxes_in_the_order_of_time(client: Client, recording: str, path: object) -> None:
    answer = client.patch(recording, {"face_path": path})
    assert answer.status_code == 422
    assert "face_path" in answer.json["error"]


def test_no_table_takes_a_moving_box_away_by_accident(client: Client, recording: str) -> None:
    client.patch(recording, {"face_path": PATH})
    study = recording.split("/")[1]
    table = client.get(f"studies/{study}/table.csv").get_data(as_text=True)
    assert client.send("PUT", f"studies/{study}/table.csv", data=table.encode()).status_code == 200
    (row,) = client.get(f"studies/{study}/recordings").json
    assert json.dumps(row["face_path"]) == json.dumps([[float(side) for side in key] for key in PATH])
