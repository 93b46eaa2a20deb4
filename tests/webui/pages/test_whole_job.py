"""The whole way through in a browser: sign in, videos in, who is who, run, watch, results; on a desk and on a phone."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.webui.support.browser import DESKTOP, PHONE, Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.page_steps import SAMPLES, fill_groups, start, upload_samples
from tests.webui.support.processes import eventually
from tests.webui.support.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.mark.parametrize("size", [DESKTOP, pytest.param(PHONE, marks=pytest.mark.slow)], ids=["desk", "phone"])
def test_from_videos_to_results(chromium: Any, served: Served, size: tuple[int, int]) -> None:
    visitor = Visitor(chromium, served.address, size).sign_in("grace", PASSWORD)
    page = visitor.page
    visitor.new_study("Walkers")
    assert visitor.overflow() == 0
    upload_samples(visitor)
    assert page.get_by_label("Subject of human02.mp4").input_value() == "human02"
    fill_groups(visitor)
    assert visitor.overflow() == 0
    visitor.allowed = {404}  # until its clips are made, the stub's results are of recordings that are not here
    start(page)
    page.get_by_role("heading", name="differs from healthy").wait_for()
    page.locator("#tag").wait_for(state="hidden")  # the clips are there, too
    visitor.allowed = set()
    look_at_results(visitor)
    assert visitor.overflow() == 0
    assert visitor.faults == []
    visitor.close()


def look_at_results(visitor: Visitor) -> None:
    """Pick subjects and peaks, move the factor, point at a map."""
    page = visitor.page
    rows = page.locator("button.rank")
    assert rows.count() == 6
    assert rows.nth(0).get_attribute("aria-pressed") == "true"
    page.locator("button.rank", has_text="A01").click()
    page.locator("#viewer-title", has_text="A01").wait_for()
    peak = page.get_by_role("button", name="Peak 1 at").first
    peak.click()
    visitor.until("!document.querySelector('.player video').paused")
    before = page.locator(".player video").get_attribute("src")
    page.get_by_role("button", name="Magnified", exact=True).click()
    page.locator("#factor").focus()
    page.keyboard.press("ArrowRight")
    visitor.until("document.querySelector('.player video').src.includes('/api/v1/clips/')")
    assert page.locator(".player video").get_attribute("src") != before
    page.get_by_label("Show", exact=True).select_option("strip")
    visitor.until("document.querySelector('.strip img')?.naturalWidth > 0")
    assert page.get_by_role("link", name="Save as SVG").is_visible()
    page.get_by_label("Show", exact=True).select_option("transfer")
    visitor.until("document.querySelector('.player video').src.includes('/api/v1/clips/')")
    page.locator(".panels", has_text="with the appearance of").wait_for(state="attached")
    page.locator("button.rank", has_text="H01").click()
    visitor.until("document.querySelector('.player video').src.endsWith('/preview.mp4')")
    wish_while_it_loads(visitor)
    page.locator(".map canvas").first.scroll_into_view_if_needed()
    page.locator(".map canvas").first.focus()
    page.keyboard.press("ArrowRight")
    page.locator(".map .under", has_text=" at ").first.wait_for()
    page.locator(".plane img:visible").first.wait_for()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the report").click()
    opened.value.get_by_text("A report.").wait_for()
    opened.value.close()


def wish_while_it_loads(visitor: Visitor) -> None:
    """A factor that is chosen before a subject has loaded is kept."""
    page, held = visitor.page, list[Any]()
    page.route("**/evidence", lambda route: held.append(route))
    page.locator("button.rank", has_text="A01").click()
    visitor.until("document.querySelector('#viewer-title').textContent === 'A01'")
    page.locator("#factor").evaluate("slider => { slider.value = 3.5; slider.dispatchEvent(new Event('change')); }")
    eventually(lambda: page.evaluate("true") and held, "the evidence is asked for")
    for route in held:
        route.continue_()
    page.unroute("**/evidence")
    visitor.until("document.querySelector('.player video').src.includes('/api/v1/clips/')")


@pytest.mark.slow
def test_a_run_outlives_a_reload_a_closed_tab_and_a_stop(chromium: Any, served: Served) -> None:
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    visitor.new_study("Interrupted run")
    upload_samples(visitor)
    fill_groups(visitor)
    served.hold("train")
    start(visitor.page)
    address, running = visitor.page.url, "li.running:has-text('Learning postures')"
    visitor.page.locator(running).wait_for()
    visitor.page.reload()
    visitor.page.locator(running).wait_for()
    assert "%" in visitor.page.locator("#percent").inner_text()
    visitor.page.close()
    page = visitor.tab()
    page.goto(address)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    page.locator("#tag", has_text="cancelled").wait_for()
    served.hold("")
    page.get_by_role("button", name="Continue").click()
    page.locator("button.rank").first.wait_for()
    assert visitor.faults == []
    visitor.close()


@pytest.mark.slow
def test_an_upload_goes_on_after_a_reload_and_a_lost_connection(chromium: Any, served: Served, tmp_path: Path) -> None:
    video = tmp_path / "healthy" / "long walk.mp4"
    video.parent.mkdir()
    video.write_bytes((SAMPLES / "human03.mp4").read_bytes() + b"\0" * 900_000)  # players ignore what follows
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    page = visitor.page
    study = visitor.new_study("Interrupted upload")
    network = visitor.context.new_cdp_session(page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 150_000}
    network.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("#files", video)
    visitor.until("Number(JSON.parse(Object.values(localStorage)[0] ?? '{}').sent) > 100000")
    page.reload()
    page.get_by_text("1 upload was interrupted").wait_for()
    offsets: list[int] = []
    page.on("request", lambda asked: offsets.append(int(asked.headers.get("upload-offset", -1))))
    page.set_input_files("#files", video)
    page.locator(".up.sending").wait_for()
    network.send("Network.emulateNetworkConditions", slow | {"offline": True})
    page.get_by_text("continues by itself").first.wait_for()
    network.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
    page.locator("td.file", has_text="long walk.mp4").wait_for()
    assert min(offset for offset in offsets if offset >= 0) > 100_000
    stored = eventually(lambda: [p for p in served.data.glob(f"studies/{study}/**/*") if p.is_file()
                                 and p.stat().st_size == video.stat().st_size], "the file is stored")  # fmt: skip
    assert hashlib.sha256(stored[0].read_bytes()).digest() == hashlib.sha256(video.read_bytes()).digest()
    assert [fault for fault in visitor.faults if "ERR_INTERNET_DISCONNECTED" not in fault] == []
    visitor.close()
