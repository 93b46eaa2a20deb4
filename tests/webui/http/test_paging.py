"""Lists that grow come in pages, each naming the next, whatever comes and goes meanwhile."""

import base64
import json
from itertools import chain
from pathlib import Path

import pytest

from tests.webui.support.clients import Client, TestServer


def pages(client: Client, path: str) -> list[list[str]]:
    """The ids on each page, by following the header Link."""
    found, address = [], path
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.json
        found.append([row["id"] for row in answer.json])
        link = answer.headers.get("Link", "")
        assert not link or link.endswith('; rel="next"')
        address = link.partition(">")[0].lstrip("<")
    return found


def whole(found: list[list[str]]) -> list[str]:
    """All ids, page after page."""
    return list(chain.from_iterable(found))


@pytest.fixture
def root(server: TestServer) -> Client:
    return server.person("root", "admin")


def test_every_list_is_whole_and_in_order_page_by_page(server: TestServer, root: Client, fake_run: Path) -> None:
    studies = [root.post("studies", {"name": f"s{number}"}).json["id"] for number in range(5)]
    recordings = [server.add_recording(studies[0], f"{number}.mp4", subject="a", group="b") for number in range(5)]
    person = root.get("me").json["user"]["id"]
    runs = [server.add_run(studies[0], person, None) for _ in range(5)]
    for path, ids in {
        "studies": studies[::-1],
        f"studies/{studies[0]}/recordings": recordings,
        f"studies/{studies[0]}/runs": runs[::-1],
        "runs": runs[::-1],
    }.items():
        found = pages(root, f"{path}?limit=2")
        assert [len(page) for page in found] == [2, 2, 1]
        assert whole(found) == ids
        assert pages(root, f"{path}?limit=5") == pages(root, path) == [ids]
    assert [len(page) for page in pages(root, "users?limit=1")] == [1]
    assert pages(root, "references?limit=1") == [[]]


def test_a_page_goes_on_where_the_last_one_ended(server: TestServer, root: Client) -> None:
    first, second, third = (root.post("studies", {"name": name}).json["id"] for name in "abc")
    answer = root.get("studies?limit=1")
    assert [row["id"] for row in answer.json] == [third]
    assert root.delete(f"studies/{third}").status_code == 204
    root.post("studies", {"name": "new"})
    following = answer.headers["Link"].partition(">")[0].lstrip("<")
    assert whole(pages(root, following)) == [second, first]


def test_the_audit_log_names_its_next_page(root: Client) -> None:
    for _ in range(105):
        made = root.post("studies", {"name": "x"}).json["id"]
        root.delete(f"studies/{made}")
    found = pages(root, "audit?words=study")
    assert [len(page) for page in found[:-1]] == [200]
    assert whole(found) == sorted(whole(found), reverse=True)


@pytest.mark.parametrize("after", ["x", "W10=", "WzEsMl0=", "bnVsbA==", "é", "WyJ4IiwgInkiXQ=="])
def test_no_other_place_is_taken(root: Client, after: str) -> None:
    answer = root.get("studies", query_string={"after": after})
    assert answer.status_code == 422
    assert "Link" in answer.json["error"]
    assert root.get("studies?limit=0").status_code == 422


def test_a_number_that_no_database_holds_is_no_place(root: Client) -> None:
    study = root.post("studies", {"name": "x"}).json["id"]
    after = base64.urlsafe_b64encode(json.dumps([10**30, "x"]).encode()).decode()
    assert root.get(f"studies/{study}/recordings", query_string={"after": after}).status_code == 422
