"""The factor at once: layers are moved in the browser, by the graphics card and by a plain canvas."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.webui.support.browser import Visitor
from tests.webui.support.clients import PASSWORD
from tests.webui.support.kinds import groups
from tests.webui.support.served import Served, complete, opened_run
from ubam.core.files import write_json
from ubam.recordings.video_writer import write_clip

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
WIDTH, HEIGHT, SIDE, LEFT, TOP = 96, 64, 16, 40, 24
GAP = 4  # between panels
TOWARDS_TWIN, STEP = 10.0, 0.1  # pixels to the right
NO_CARD = """const real = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext =
    function (kind, ...others) { return kind === "webgl" ? null : real.call(this, kind, ...others); };"""
# A busy browser says late that a frame is on the screen, and the slider is moved before.
LATE = "HTMLVideoElement.prototype.requestVideoFrameCallback = () => 0;"
# Where each panel is white, as [left, right] in pixels of the panel; read as soon as they were drawn.
WHITE = """(factor) => {
    const slider = document.querySelector('#factor'), canvas = document.querySelector('canvas.live');
    slider.value = factor; const began = performance.now(); slider.dispatchEvent(new Event('input'));
    const copy = document.createElement('canvas'); [copy.width, copy.height] = [canvas.width, canvas.height];
    const pen = copy.getContext('2d'); pen.drawImage(canvas, 0, 0); const took = performance.now() - began;
    const white = [0, 1, 2].map((panel) => {
      const row = pen.getImageData(panel * %d, %d, %d, 1).data, bright = [];
      for (let x = 0; x < row.length / 4; x += 1) if (row[4 * x] > 150) bright.push(x);
      return [bright[0], bright.at(-1)]; });
    return [white, took]; }""" % (WIDTH + GAP, TOP + SIDE // 2, WIDTH)  # noqa: UP031  (braces are JavaScript's)


def add_layers(run: Path, name: str) -> None:
    """Layers of a white square on grey that its twin has ten pixels further to the right."""
    recording = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    opacity = np.zeros_like(recording)
    square = np.s_[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    recording[square], opacity[square] = 250, 255
    scene = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    film = run / "layers" / f"{name}.mp4"
    film.parent.mkdir()
    write_clip(film, [np.vstack([recording, scene, opacity])] * 20, 25, crf=10)
    flow = np.zeros((20, 14, 20, 2), np.int8)
    flow[..., 0] = round(TOWARDS_TWIN / STEP)
    coded = b64encode(flow.tobytes()).decode()
    facts = {"fps": 25, "size": [WIDTH, HEIGHT], "grid": [20, 14], "heights": [1e6] * 20, "step": STEP, "flow": coded}
    write_json(film.with_suffix(".json"), facts)


@pytest.fixture(scope="module")
def run(served: Served) -> str:
    folder = served.lab / "layers"
    groups(folder)
    complete(folder, folder / "preview" / "a01_walk.mp4")
    add_layers(folder, "a01_walk")
    return opened_run(served, folder)


@pytest.fixture(params=["card", "canvas", "late"])
def visitor(request: pytest.FixtureRequest, chromium: Any, served: Served) -> Iterator[Visitor]:
    found = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    if script := {"canvas": NO_CARD, "late": LATE}.get(request.param):
        found.context.add_init_script(script)
    yield found
    found.close()


def test_the_factor_follows_the_slider(visitor: Visitor, run: str) -> None:
    page = visitor.go(f"/runs/{run}")
    page.locator("button.rank", has_text="A01").click()
    page.locator("canvas.live").wait_for()
    visitor.until("document.querySelector('.player video').readyState >= 2", 60)
    for factor in (0, 1, 2, 3):
        white, took = page.evaluate(WHITE, factor)
        for (left, right), shown in zip(white, (0, 1, factor), strict=True):
            moved = (1 - shown) * TOWARDS_TWIN
            assert abs(left - (LEFT + moved)) <= 1, factor
            assert abs(right - (LEFT + SIDE - 1 + moved)) <= 1, factor
        assert took < 1000
        page.wait_for_timeout(100)  # what is on the screen is kept: the next step draws one panel
    assert page.locator(".panels").inner_text().split("\n") == ["twin", "recording", "magnified × 3"]
    assert page.get_by_role("button", name="Make a clip of this factor").is_visible()
    page.get_by_label("Show", exact=True).select_option("twin")
    visitor.until(f"document.querySelector('canvas.live').width === {WIDTH}")
    page.locator("button.rank", has_text="H01").click()
    page.locator("canvas.live").wait_for(state="hidden")
    assert visitor.faults == []


def test_the_film_is_painted_before_anything_is_touched(visitor: Visitor, run: str) -> None:
    visitor.page.set_viewport_size({"width": 390, "height": 400})  # it stands far below what is in sight
    visitor.go(f"/runs/{run}#recording=a01_walk").locator("canvas.live").wait_for()
    painted = """(() => { const pen = document.createElement('canvas').getContext('2d');
        pen.drawImage(document.querySelector('canvas.live'), 0, 0); return pen.getImageData(4, 4, 1, 1).data[3]; })()"""
    visitor.until(f"{painted} === 255", 60)
    assert visitor.faults == []


def test_layers_are_no_download_and_nobody_else_s(served: Served, chromium: Any, run: str) -> None:
    visitor = Visitor(chromium, served.address).sign_in("vera", PASSWORD)
    visitor.allowed = {404}
    for address in (f"runs/{run}/recordings/a01_walk/layers.json", f"runs/{run}/recordings/a01_walk/layers.mp4"):
        assert visitor.page.evaluate(f"fetch('/api/v1/{address}').then((answer) => answer.status)") == 404
    visitor.close()
    visitor = Visitor(chromium, served.address).sign_in("grace", PASSWORD)
    ask = "(address) => fetch(`/api/v1/${address}`).then((answer) => answer.json())"
    found = visitor.page.evaluate(ask, f"runs/{run}/results")
    assert "layers" not in json.dumps([file["path"] for file in found["files"]])
    assert visitor.page.evaluate(ask, f"runs/{run}/recordings/a01_walk/layers.json")["size"] == [WIDTH, HEIGHT]
    visitor.close()


@pytest.mark.usefixtures("run")
def test_the_net_is_drawn_as_opencv_reads_it(served: Served) -> None:
    """The film of the fixture is what the test believes: one square, and its opacity below."""
    film = cv2.VideoCapture(str(served.lab / "layers" / "layers" / "a01_walk.mp4"))
    _, picture = film.read()
    assert picture[TOP + SIDE // 2, LEFT + SIDE // 2].min() > 230
    assert picture[2 * HEIGHT + TOP + SIDE // 2, LEFT + SIDE // 2].min() > 230
