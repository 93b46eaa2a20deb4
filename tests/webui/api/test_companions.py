"""Keypoints and masks beside recordings: uploaded, looked at by the rules of `ubam check`, handed to the run."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.webui.support.clients import Client, TestServer, small_video
from ubam.core.files import read_csv
from ubam.recordings.video_writer import write_clip
from webui.data.models import Run

HEAD = ("scorer,s,s,s", "bodyparts,nose,nose,nose", "coords,x,y,likelihood")


def keypoints(rows: int) -> bytes:
    """A table as DeepLabCut writes it, a row for every frame."""
    return "\n".join([*HEAD, *(f"{row},{10 + row},20,0.9" for row in range(rows))]).encode()


@pytest.fixture
def client(alone: TestServer) -> Client:
    return alone.only_person()


@pytest.fixture
def study(alone: TestServer, client: Client, tmp_path: Path) -> str:
    """Two videos of 25 frames, each a subject and a group of its own."""
    made: str = client.post("studies", {"name": "with files"}).json["id"]
    for name, group in (("ann", "healthy"), ("bob", "stroke")):
        client.upload(made, f"{name}.mp4", small_video(tmp_path / f"{name}.mp4"), subject=name, group=group)
    alone.work()
    return made


def recordings(client: Client, study: str) -> dict[str, dict[str, object]]:
    return {str(row["subject"]): row for row in client.get(f"studies/{study}/recordings").json}


def send(client: Client, study: str, name: str, data: bytes, kind: str, recording: object = "") -> None:
    client.upload(study, name, data, kind=kind, recording=str(recording))


def test_keypoints_are_looked_at_and_join_the_posture(alone: TestServer, client: Client, study: str) -> None:
    rows = recordings(client, study)
    send(client, study, "ann.csv", keypoints(25), "keypoints", rows["ann"]["id"])
    send(client, study, "bob.csv", keypoints(7), "keypoints", rows["bob"]["id"])
    assert recordings(client, study)["ann"]["status"] == "probing"
    alone.work()
    rows = recordings(client, study)
    assert (rows["ann"]["keypoints"], rows["ann"]["keypoints_said"]) == ("ann.csv", "ok")
    assert rows["bob"]["keypoints_said"] == (
        "The keypoints: has 7 rows, its video 25 frames; give the keypoints of this video."
    )
    said = client.get(f"studies/{study}/check").json["enough"]
    assert any(words.startswith("Keypoints are not used, as all recordings must have them: 1 of 2") for words in said)
    answer = client.post(f"studies/{study}/runs", {"reference": "healthy", "posture": "keypoints"})
    assert (answer.status_code, "bob.mp4 has none" in answer.json["error"]) == (400, True)
    send(client, study, "bob.csv", keypoints(25), "keypoints")  # the same name: it replaces the one before
    alone.work()
    assert recordings(client, study)["bob"]["keypoints_said"] == "ok"
    assert len(client.get(f"studies/{study}/companions").json) == 2
    assert (
        "All 2 recordings have keypoints: they join the posture." in client.get(f"studies/{study}/check").json["enough"]
    )


def test_a_run_is_handed_clock_files_columns_and_options(alone: TestServer, client: Client, study: str) -> None:
    rows = recordings(client, study)
    for name in ("ann", "bob"):
        send(client, study, f"{name}.csv", keypoints(25), "keypoints", rows[name]["id"])
    table = "video,fps,cage\nann.mp4,50,A\nbob.mp4,50,B\n"
    client.send("PUT", f"studies/{study}/table.csv", data=table.encode())
    alone.work()
    assert recordings(client, study)["ann"]["duration_s"] == 0.5
    options = {"reference": "healthy", "posture": "both", "plan": "rodent", "block": "cage"}
    run = client.post(f"studies/{study}/runs", options).json
    assert (run["posture"], run["plan"], run["block"]) == ("both", "rodent", "cage")
    with alone.service.database.session() as session:
        folder = alone.service.storage.job(session.get_one(Run, run["id"]))
    object.__setattr__(alone.settings, "runner", "tests.webui.support.no_runner")
    alone.work()
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    assert (order["posture"], order["plan"], order["block"]) == ("both", "rodent", "cage")
    found = read_csv(folder / "study.csv")
    assert [(row["fps"], row["cage"], row["keypoints"]) for row in found] == [
        ("50", "A", "keypoints/ann-1.csv"),
        ("50", "B", "keypoints/bob-1.csv"),
    ]
    assert (folder / "keypoints" / "ann-1.csv").read_bytes() == keypoints(25)
    assert client.post(f"studies/{study}/runs", {"reference": "healthy", "block": "site"}).status_code == 400
    assert client.post(f"studies/{study}/runs", {"reference": "healthy", "plan": "cow"}).status_code == 422


def test_masks_of_another_length_are_told(alone: TestServer, client: Client, study: str, tmp_path: Path) -> None:
    ann = recordings(client, study)["ann"]["id"]
    for frames, status in ((9, "failed"), (25, "ok")):
        write_clip(tmp_path / "mask.mp4", [np.full((48, 64, 3), 255, np.uint8)] * frames, 25)
        send(client, study, "mask.mp4", (tmp_path / "mask.mp4").read_bytes(), "mask", ann)
        alone.work()
        row = recordings(client, study)["ann"]
        assert (row["mask"], row["status"]) == ("mask.mp4", status), row["reason"]
        assert str(tmp_path) not in str(row["reason"])
        assert str(row["reason"]).startswith("The masks: has 9 frames") == (frames == 9)
    assert set(recordings(client, study)) == {"ann", "bob"}  # a film of masks is no recording


def test_a_file_that_is_named_and_missing_is_told(alone: TestServer, client: Client, study: str) -> None:
    client.send(
        "PUT", f"studies/{study}/table.csv", data=b"video,keypoints,mask\nann.mp4,gone.h5,\nbob.mp4,,gone.json\n"
    )
    alone.work()
    rows = recordings(client, study)
    assert rows["ann"]["keypoints_said"] == (
        "The study has no file 'gone.h5' (keypoints); add it in the details of the recording."
    )
    assert (rows["bob"]["status"], "no file 'gone.json'" in str(rows["bob"]["reason"])) == ("failed", True)


def test_what_cannot_be_keypoints_is_refused_and_a_deleted_file_is_forgotten(
    alone: TestServer, client: Client, study: str
) -> None:
    for described in ({"kind": "keypoints", "filename": "ann.mp4"}, {"kind": "notes", "filename": "ann.csv"}):
        with pytest.raises(AssertionError, match=r"cannot be read as keypoints|is none"):
            client.begin_upload(study, described["filename"], 10, kind=described["kind"])
    send(client, study, "ann.csv", keypoints(25), "keypoints", recordings(client, study)["ann"]["id"])
    alone.work()
    one = client.get(f"studies/{study}/companions").json[0]
    assert client.delete(f"studies/{study}/companions/{one['id']}").status_code == 204
    alone.work()
    assert recordings(client, study)["ann"]["keypoints"] == ""
    assert list((alone.settings.data / "studies" / study / "companions").iterdir()) == []


def test_a_folder_of_the_server_holds_what_goes_with_its_videos(
    alone: TestServer, client: Client, tmp_path: Path
) -> None:
    lab = tmp_path / "lab" / "healthy"
    lab.mkdir(parents=True)
    small_video(lab / "eve.mp4")
    (lab.parent / "points").mkdir()
    (lab.parent / "points" / "eve.csv").write_bytes(keypoints(25))
    study = client.post("studies", {"name": "lab"}).json["id"]
    client.post(f"studies/{study}/folder", {"path": str(lab.parent)})
    client.send("PUT", f"studies/{study}/table.csv", data=b"video,keypoints\neve.mp4,points/eve.csv\n")
    alone.work()
    assert recordings(client, study)["eve"]["keypoints_said"] == "ok"
    client.send("PUT", f"studies/{study}/table.csv", data=b"video,keypoints\neve.mp4,../../../../etc/passwd\n")
    alone.work()
    assert "has no file" in str(recordings(client, study)["eve"]["keypoints_said"])
