"""What a visitor does on the pages, step by step."""

from pathlib import Path
from typing import Any

from tests.webui.support.browser import Visitor

SAMPLES = Path(__file__).resolve().parents[3] / "sample_videos"
GROUPS = {"human02.mp4": "healthy", "human03.mp4": "healthy", "human08.mp4": "affected"}


def upload_samples(visitor: Visitor, names: dict[str, str] = GROUPS) -> None:
    """Choose sample videos on the study page and wait until each is read."""
    page = visitor.page
    page.set_input_files("#files", [SAMPLES / name for name in names])
    visitor.until(f"document.querySelectorAll('tr.ok').length === {len(names)}")


def fill_groups(visitor: Visitor) -> None:
    """Both healthy recordings at once with the bar, the other by typing."""
    page = visitor.page
    for name in ("human02.mp4", "human03.mp4"):
        page.get_by_label(f"Select {name}", exact=True).check()
    page.locator("#bulk-value").fill("healthy")
    page.locator("#bulk").get_by_role("button", name="Apply").click()
    visitor.until("document.querySelector('input[aria-label=\"Group of human02.mp4\"]').value === 'healthy'")
    page.get_by_label("Group of human08.mp4", exact=True).fill("affected")
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="healthy").wait_for()


def start(page: Any) -> None:
    """Press start as soon as the page lets one."""
    page.wait_for_selector("#start-button:enabled")
    page.get_by_role("radio", name="healthy").check()
    page.get_by_role("radio", name="Quick look").check()
    page.get_by_role("button", name="Start the analysis").click()
    page.wait_for_url("**/runs/*")
