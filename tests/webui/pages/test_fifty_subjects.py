"""The results page of fifty subjects: what measures its speed opens it, and it answers in time."""

from pathlib import Path

import pytest

from tests.webui.support.browser import chromium_path
from tests.webui.support.fifty_subjects import make_fifty_subjects
from webui.load_test import results_page
from webui.load_test.tools import Browser, server

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_page_of_fifty_subjects_answers_a_click(tmp_path: Path) -> None:
    """How soon is printed by `webui.load_test.targets --results`; here other tests run beside it."""
    chromium_path()
    run = make_fifty_subjects(tmp_path / "fifty")
    with server(tmp_path / "data", tmp_path) as (process, address, token):
        found = results_page.open_results(address, Browser(address).enter(token), process, run)
    assert found.keys() == {"desk", "phone"}
    for opened in found.values():
        assert opened.subjects == 50
        assert 0 < opened.shown_ms < opened.answered_ms
        assert opened.server_ms > 0
