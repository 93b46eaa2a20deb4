"""The whole way with nothing made up: real videos, a real run, a real clip, and a new subject against its reference."""

from pathlib import Path

import pytest

from tests.webui.support.processes import Remote, eventually, running

SAMPLES = Path(__file__).resolve().parents[3] / "sample_videos"
LONG_S = 1500.0


@pytest.mark.slow
@pytest.mark.timeout(2 * LONG_S)
def test_from_videos_to_a_clip_and_a_score_against_the_frozen_reference(tmp_path: Path) -> None:
    people = {"human02": "healthy", "human03": "healthy", "human04": "healthy", "human01": "impaired"}
    videos = {(name, group): (SAMPLES / f"{name}.mp4").read_bytes() for name, group in people.items()}
    with running(do="serve", data=str(tmp_path / "data"), runner="webui.jobs.analysis_process") as server:
        person = Remote(server)
        study = person.study(videos)
        face = person.json("GET", f"studies/{study}/recordings")[0]["id"]
        person.json("PATCH", f"studies/{study}/recordings/{face}", json={"face_box": [0, 0, 40, 40]})
        run = person.run(study, reference="healthy")
        eventually(lambda: person.status(run) not in ("queued", "running"), "the run ends", LONG_S)
        assert person.json("GET", f"runs/{run}")["error"] == ""
        found = person.json("GET", f"runs/{run}/results")
        assert [row["subject"] for row in found["subjects"]] == list(people)
        assert all(row["deviation"] > 0 for row in found["subjects"])
        assert found["words"]["headline"]
        assert len(found["clips"]) == 1
        wish = {"recording_id": "human01-1", "factor": 3, "layout": "magnified", "from_s": 1, "to_s": 2}
        clip = person.json("POST", f"runs/{run}/clips", json=wish)["id"]
        eventually(lambda: person.json("GET", f"clips/{clip}")["status"] not in ("queued", "running"), "a clip", LONG_S)
        made = person.json("GET", f"clips/{clip}")
        assert (made["status"], made["facts"]["factor"]) == ("done", 3)
        new = person.json("GET", f"studies/{study}/recordings")[3]["id"]
        scored = person.json("POST", f"runs/{run}/score", json={"recordings": [new]})["id"]
        eventually(lambda: person.status(scored) not in ("queued", "running"), "the score", LONG_S)
        (row,) = person.json("GET", f"runs/{scored}/results")["subjects"]
        before = next(entry for entry in found["subjects"] if entry["subject"] == "human01")
        assert row["deviation"] == pytest.approx(before["deviation"], rel=0.02)
