"""Servers for the tests of the web service."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import generate_password_hash

from tests.support.run_folders import make_fake_run
from tests.webui.support.browser import chromium_path, launched
from tests.webui.support.clients import TestServer, small_limits
from tests.webui.support.served import Served, serving


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    """A server with accounts that nobody has yet."""
    return TestServer(tmp_path / "data", accounts=True, folders=(tmp_path / "lab",), limits=small_limits())


@pytest.fixture
def alone(tmp_path: Path) -> TestServer:
    """A server for one person."""
    return TestServer(tmp_path / "data", folders=(tmp_path / "lab",), limits=small_limits())


@pytest.fixture(scope="session")
def fake_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder with made-up numbers."""
    return make_fake_run(tmp_path_factory.mktemp("runs") / "run", reference_subjects=4, query_subjects=2, frames=60)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser for all page tests; they are skipped where there is none."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with accounts whose runs take a moment and find what make_fake_run made up."""
    chromium_path()
    with serving(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing that is meant to be slow would take most of the tests' time."""
    quick = partial(generate_password_hash, method="pbkdf2:sha256:1000")
    monkeypatch.setattr("webui.access.identity.generate_password_hash", quick)
