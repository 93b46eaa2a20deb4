"""A run that is there already is noticed before it starts."""

from typing import Any

import pytest

from tests.webui.support.clients import Client, TestServer
from webui.data.models import Job

WISH: dict[str, Any] = {"reference": "healthy", "preset": "quick"}


@pytest.fixture
def client(alone: TestServer) -> Client:
    return alone.only_person()


@pytest.fixture
def study(alone: TestServer, client: Client) -> str:
    study = client.post("studies", {"name": "gait"}).json["id"]
    for who, group in (("ada", "healthy"), ("bob", "impaired")):
        alone.add_recording(study, f"{who}.mp4", subject=who, group=group, day=2.0, box=[1, 2, 30, 40])
    return str(study)


def test_the_same_run_starts_once_unless_it_is_wanted_again(alone: TestServer, client: Client, study: str) -> None:
    runs = f"studies/{study}/runs"
    first = client.post(runs, WISH).json
    refused = client.post(runs, WISH | {"name": "another name"})
    assert refused.status_code == 409
    assert refused.json["detail"] == {"run": first["id"], "name": first["name"]}
    assert len(alone.queue.jobs) == len(client.get(runs).json) == 1
    again = client.post(runs, WISH | {"again": True})
    assert again.status_code == 201
    assert client.post(runs, WISH).json["detail"]["run"] == again.json["id"]  # the newest is named


@pytest.mark.parametrize("other", [{"seed": 1}, {"preset": "standard"}, {"reference": None}, {"posture": "landmarks"}])
def test_other_settings_are_another_run(client: Client, study: str, other: dict[str, Any]) -> None:
    assert client.post(f"studies/{study}/runs", WISH).status_code == 201
    assert client.post(f"studies/{study}/runs", WISH | other).status_code == 201


def test_other_recordings_or_a_run_that_failed_are_no_reason(alone: TestServer, client: Client, study: str) -> None:
    runs = f"studies/{study}/runs"
    run = client.post(runs, WISH).json["id"]
    rows = client.get(f"studies/{study}/recordings").json
    client.patch(f"studies/{study}/recordings/{rows[0]['id']}", {"face_box": [0, 0, 9, 9]})
    assert client.post(runs, WISH).status_code == 201
    client.patch(f"studies/{study}/recordings/{rows[0]['id']}", {"face_box": None})
    assert client.post(runs, WISH).json["detail"]["run"] == run
    alone.change(Job, alone.queue.jobs[0], status="failed")
    assert client.post(runs, WISH).status_code == 201
