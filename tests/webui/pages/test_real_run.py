"""The same way through with the real pipeline: sample videos in, a ranked list and a clip rendered on demand out."""

from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import start, upload_samples
from tests.webui.support.served import serving

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(2400)]
NAMES = {
    f"human{number:02d}.mp4": group for number, group in ((2, "healthy"), (3, "healthy"), (4, "healthy"), (8, "lean"))
}
MINUTE = 60_000


def test_sample_videos_to_a_magnified_clip(chromium: Any, tmp_path: Path) -> None:
    with serving(tmp_path, runner="webui.jobs.analysis_process") as served:
        visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
        page = visitor.page
        visitor.new_study("Walkers")
        upload_samples(visitor, NAMES)
        for name, group in NAMES.items():
            page.get_by_label(f"Group of {name}").fill(group)
            page.keyboard.press("Enter")
        start(page)
        page.locator("button.rank").first.wait_for(timeout=25 * MINUTE)
        assert page.locator("button.rank").count() == len(NAMES)
        page.locator("button.rank", has_text="human08").click()
        page.locator("#factor").focus()
        page.keyboard.press("ArrowRight")
        visitor.until("document.querySelector('.player video').src.includes('/api/v1/clips/')", 10 * 60)
        visitor.until("document.querySelector('.player video').duration > 1")
        assert visitor.faults == []
        visitor.close()
