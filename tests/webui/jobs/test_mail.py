"""When a run ends its person is told by e-mail, where the server has a mail server and the person an address."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.webui.support.clients import Client, TestServer, small_limits
from tests.webui.support.mail_server import MailServer, mail_server
from ubam.core.errors import UbamError
from webui.data.models import Job
from webui.jobs.mail import check_mail, send
from webui.jobs.tasks import begin, conclude
from webui.jobs.workplace import Workplace
from webui.settings import ServerSettings

SECRET = "Ada Lovelace, gait"


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def started(server: TestServer, client: Client) -> tuple[str, str]:
    """A run that waits; its id and its job's."""
    study = client.post("studies", {"name": SECRET}).json["id"]
    for who, group in (("ada", "healthy"), ("bob", "impaired")):
        server.add_recording(study, f"{who}.mp4", subject=who, group=group)
    run = client.post(f"studies/{study}/runs", {"reference": "healthy", "name": SECRET}).json["id"]
    return run, server.queue.jobs[-1]


def ended(server: TestServer, job: str, ending: str) -> None:
    place = Workplace(server.settings, server.service.database, server.service.storage, name="test")
    assert begin(place, job)
    conclude(place, job, ending)


@pytest.mark.parametrize(("ending", "said"), [("", "is done"), ("The disk is full.", "stopped with an error")])
def test_the_end_of_a_run_is_told_without_names(tmp_path: Path, mail: MailServer, ending: str, said: str) -> None:
    server = TestServer(
        tmp_path / "data", accounts=True, public_name="ubam.example.org", mail=mail.address,
        mail_from="ubam@example.org", limits=small_limits(),
    )  # fmt: skip
    client = server.person("grace")
    person = client.get("me").json["user"]["id"]
    assert client.patch(f"users/{person}", {"email": "grace@example.org"}).status_code == 200
    run, job = started(server, client)
    ended(server, job, ending)
    (message,), (envelope,) = mail.messages, mail.envelopes
    assert "grace@example.org" in envelope[1]
    text = message.get_content()
    assert (message["Subject"], message["From"]) == (f"ubam: a run {said}", "ubam@example.org")
    assert f"https://ubam.example.org/runs/{run}" in text
    assert "UTC" in text
    assert SECRET not in message.as_string()


def test_nobody_is_written_to_who_did_not_say_so_or_where_no_server_is_set(
    tmp_path: Path, alone: TestServer, mail: MailServer
) -> None:
    client = alone.only_person()
    client.patch(f"users/{client.get('me').json['user']['id']}", {"email": "me@example.org"})
    ended(alone, started(alone, client)[1], "")  # this server has no mail server
    told = TestServer(tmp_path / "told", mail=mail.address, mail_from="u@example.org", limits=small_limits())
    ended(told, started(told, told.only_person())[1], "")  # this person gave no address
    assert mail.messages == []


def test_a_mail_server_that_is_away_ends_no_run(tmp_path: Path) -> None:
    server = TestServer(tmp_path / "data", mail="smtp://127.0.0.1:9", mail_from="u@example.org", limits=small_limits())
    client = server.only_person()
    client.patch(f"users/{client.get('me').json['user']['id']}", {"email": "me@example.org"})
    run, job = started(server, client)
    ended(server, job, "")
    with server.service.database.session() as session:
        assert session.get_one(Job, job).status == "done"
    assert client.get(f"runs/{run}").json["status"] == "done"


def test_a_password_is_not_sent_where_anybody_could_read_it(
    tmp_path: Path, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webui.jobs.mail.LOCAL_NAMES", ())
    settings = ServerSettings(data=tmp_path, mail=mail.address.replace("//", "//u:secret@"), mail_from="u@example.org")
    with pytest.raises(UbamError, match="offers no TLS"):
        send(settings, EmailMessage())
    monkeypatch.undo()
    with pytest.raises(smtplib.SMTPNotSupportedError):
        send(settings, EmailMessage())  # to this machine itself it would have been


@pytest.mark.parametrize(("address", "sender"), [("mail.example.org", "u@x"), ("http://x", "u@x"), ("smtp://x", "me")])
def test_what_cannot_be_a_mail_server_is_refused(address: str, sender: str) -> None:
    with pytest.raises(UbamError, match="--mail"):
        check_mail(address, sender)


def test_only_an_address_is_taken_and_only_from_oneself(server: TestServer) -> None:
    ada, grace = server.person("ada", "admin"), server.person("grace")
    mine, hers = (one.get("me").json["user"]["id"] for one in (ada, grace))
    for wrong in ("me", "a@b\nBcc: all@example.org", "x" * 400):
        assert grace.patch(f"users/{hers}", {"email": wrong}).status_code == 422
    assert ada.patch(f"users/{hers}", {"email": "spy@example.org"}).status_code == 403
    assert ada.patch(f"users/{mine}", {"email": "ada@example.org"}).status_code == 200
    assert ada.patch(f"users/{mine}", {"email": ""}).json["id"] == mine
