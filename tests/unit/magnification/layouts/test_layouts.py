"""Overlay and strip, marked frames, and that heat and arrows can be told apart by everybody on any subject."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support import stick_figure
from ubam.cli import magnify as cli_magnify
from ubam.core.errors import UbamError
from ubam.core.settings import LAYOUTS, SUFFIXES
from ubam.magnification.layouts import colours, drawing, overlay
from ubam.magnification.layouts import side_by_side as panels
from ubam.magnification.layouts.side_by_side import footer, side_by_side
from ubam.magnification.layouts.strip import strip_moments
from ubam.magnification.layouts.write import write_magnified
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.quality_checks import Check, factor_words, frame_issues, frame_values, issues_of, marked
from ubam.magnification.trust import TORN_SHARE
from ubam.magnification.warping import Moved
from ubam.recordings.video_reader import probe
from ubam.results.records.clips import REASONS

pytestmark = pytest.mark.usefixtures("plain_eye")

BAR = 2 * drawing.ROW
DEUTERANOPE = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
PROTANOPE = np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]])  # Vienot et al. 1999


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Magnification:
    return stick_figure.leaning(tmp_path_factory.mktemp("layouts"), slice(6, 34), ())


def watched(made: Magnification, factors: tuple[float, ...]) -> Iterator[tuple[Frame, tuple[str, ...]]]:
    return Check(made, factors[-1]).watch(made.rendered(factors))


def test_an_overlay_is_the_recording_under_a_bar(made: Magnification, tmp_path: Path) -> None:
    short = replace(made, positions=made.positions[:8])
    facts = write_magnified(tmp_path / "over.mp4", "overlay", short, 2.0)
    info = probe(tmp_path / "over.mp4")
    assert (info.width, info.height) == (overlay.NARROWEST, stick_figure.HEIGHT + BAR)
    assert info.frames_declared == facts.frames == 8
    assert facts.factor == 0


def test_an_overlay_changes_nothing_but_the_subject(made: Magnification) -> None:
    short = replace(made, positions=made.positions[:4])
    pictures = overlay.overlay_pictures(short, watched(short, (0.0,)))
    left = (overlay.NARROWEST - stick_figure.WIDTH) // 2
    for picture, frame in zip(pictures, short.rendered((0.0,)), strict=True):
        below = picture[BAR:, left : left + stick_figure.WIDTH]
        changed = (below != frame.recording).any(2)
        assert changed.any()
        x0, y0, x1, y1 = frame.region
        near = np.zeros(changed.shape, np.uint8)
        near[y0:y1, x0:x1] = cv2.dilate((frame.moved[0.0].source_opacity > 0.02).astype(np.uint8), np.ones((9, 9)))
        reach = cv2.dilate(near, np.ones((61, 61)))  # arrows leave the subject
        assert not changed[reach == 0].any()


def test_arrows_lead_to_where_the_twin_has_it(made: Magnification) -> None:
    for frame in replace(made, positions=made.positions[::6]).rendered((0.0,)):
        box = made.query.box[frame.position]
        _, arrows = drawing.mark_deviation(frame, box, made.query.body_height)
        middle = (box[1] + box[3]) / 2
        high = [end[0] - start[0] for start, end in arrows if start[1] < middle]
        assert high
        assert np.mean(high) < -0.04 * made.query.body_height  # the figure leans to the right


@pytest.mark.parametrize("arrows", [True, False])
def test_nothing_to_magnify_is_never_said_under_arrows(arrows: bool, made: Magnification) -> None:
    """A displacement with a small mean over the body may be large on its back."""
    short = replace(made, positions=made.positions[:1])
    frame = next(short.rendered((0.0, 2.0)))
    still = {factor: replace(moved, length=0 * moved.length) for factor, moved in frame.moved.items()}
    frame = replace(frame, field=0 * frame.field) if arrows else replace(frame, flow=0 * frame.flow, moved=still)
    picture = next(side_by_side(short, iter([(frame, ())]), 2.0))
    words = (factor_words(short, 2.0), (), "") if arrows else ("asked 2×", (), panels.NOTHING)  # nothing, not 1.5×
    bar = footer(picture.shape[1] // 3, *words)
    np.testing.assert_array_equal(picture[-len(bar) :], bar)


def test_what_hardly_moves_is_not_coloured() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    still = drawing.lay_heat(picture, np.full((40, 40), 1.9, np.float32), np.ones((40, 40), np.float32), 100.0)
    np.testing.assert_array_equal(still, picture)


def seen_by(colour: np.ndarray, sight: np.ndarray | None) -> np.ndarray:
    """CIELAB of an sRGB colour [3] in 0..255, for a dichromat where `sight` says so."""
    linear = (colour / 255) ** 2.2
    linear = linear if sight is None else np.clip(sight @ linear, 0, 1)
    return cv2.cvtColor((linear ** (1 / 2.2)).astype(np.float32)[None, None], cv2.COLOR_RGB2LAB)[0, 0]


@pytest.mark.parametrize("sight", [None, DEUTERANOPE, PROTANOPE])
@pytest.mark.parametrize("grey", [15, 60, 128, 190, 245])
def test_heat_is_seen_on_any_subject_by_anybody(grey: int, sight: np.ndarray | None) -> None:
    picture, opacity = np.full((20, 20, 3), grey, np.uint8), np.ones((20, 20), np.float32)
    lengths = (2.1, 10.0)  # per cent of a body of 100 px: the weakest that is marked, and the strongest
    shown = [drawing.lay_heat(picture, np.full((20, 20), length, np.float32), opacity, 100.0) for length in lengths]
    colours = [seen_by(one[10, 10].astype(float), sight) for one in (picture, *shown)]
    apart = [float(np.linalg.norm(colours[i] - colours[j])) for i, j in ((0, 1), (0, 2), (1, 2))]
    assert apart[0] > 12, apart  # about 2 is just seen
    assert apart[1] > 20, apart
    assert apart[2] > 8, apart


def test_an_arrow_shows_on_black_and_on_white() -> None:
    for ground in (0, 255):
        picture = np.full((40, 60, 3), ground, np.uint8)
        drawing.draw_arrows(picture, [((10.0, 20.0), (45.0, 20.0))], 120.0)
        assert np.abs(picture.astype(int) - ground).max() > 200


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_strip_is_a_picture_and_a_drawing_with_text(made: Magnification, suffix: str, tmp_path: Path) -> None:
    facts = write_magnified(tmp_path / f"strip{suffix}", "strip", made, 2.0, moments=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["strip.png", "strip.svg"]
    with Image.open(tmp_path / "strip.png") as picture:
        assert picture.size[0] == pytest.approx(183 / 25.4 * 300, abs=2)
    words = [node.text for node in ElementTree.parse(tmp_path / "strip.svg").iter() if node.tag.endswith("}text")]
    assert {"Twin", "Recording"} <= set(words)
    assert any("asked" in (word or "").lower() for word in words)
    assert facts.frames == 5


def test_the_moments_of_a_strip_are_one_cycle_where_there_is_one(made: Magnification) -> None:
    chosen, period = strip_moments(made, 4)
    step = stick_figure.PERIOD / 2 / 25  # seen from the side, the left leg's step looks like the right one's
    assert period == pytest.approx(step, abs=0.05)
    assert len(set(np.diff(chosen))) == 1
    assert chosen[-1] - chosen[0] < step * 25
    still = replace(made, posture=np.random.default_rng(0).normal(size=made.posture.shape).astype(np.float32))
    chosen, period = strip_moments(still, 4)
    assert period is None
    assert (chosen[0], chosen[-1]) == (0, len(made.positions) - 1)


def test_frames_are_marked_for_what_makes_their_picture_wrong(made: Magnification) -> None:
    frame = next(made.rendered((2.0,)))
    assert frame_issues(made, frame, 2.0) == ()
    torn = replace(frame, moved={2.0: replace(frame.moved[2.0], torn=TORN_SHARE + 0.01)})
    assert frame_issues(made, torn, 2.0) == ("torn",)
    assert frame_issues(made, replace(frame, error=10 * np.abs(frame.field).max(-1)), 2.0) == ("unsure",)
    missed = replace(made.measured(2.0), shown=np.tile([0.0, 1.0], (len(made.measured(2.0).positions), 1)))
    made_badly = replace(made)
    made_badly._measured[2.0] = missed
    assert frame_issues(made_badly, frame, 2.0) == ("dose",)
    gone = replace(made, query=replace(made.query, found=np.zeros_like(made.query.found)))
    gone._measured[2.0] = made.measured(2.0)
    assert frame_issues(gone, frame, 2.0) == ("lost",)
    assert frame_issues(made_badly, torn, 1.0) == ()
    assert frame_issues(made_badly, replace(torn, field=0 * frame.field), 2.0) == ()


def test_a_frame_in_which_the_subject_is_missing_is_marked_though_nothing_moves(made: Magnification) -> None:
    short = replace(made, positions=made.positions[:1])
    found = short.query.found.copy()
    found[short.positions[0]] = False
    gone = replace(short, query=replace(short.query, found=found))
    frame = next(short.rendered((0.0, 2.0)))
    still = {factor: replace(moved, length=0 * moved.length) for factor, moved in frame.moved.items()}
    frame = replace(frame, weight=0 * frame.weight, flow=0 * frame.flow, moved=still)
    assert issues_of(frame_values(short, frame, 2.0)) == ()
    assert issues_of(frame_values(gone, frame, 2.0)) == ("lost",)
    picture = next(side_by_side(gone, iter([(frame, ("lost",))]), 2.0))
    bar = footer(picture.shape[1] // 3, "asked 2×", ("lost",))
    np.testing.assert_array_equal(picture[-len(bar) :], bar)


def test_a_torn_subject_is_measured(made: Magnification) -> None:
    from ubam.magnification.warping import move_layer

    frame, background = np.full((60, 80, 3), 200, np.uint8), np.full((60, 80, 3), 20, np.uint8)
    opacity = np.zeros((60, 80), np.float32)
    opacity[20:40, 20:40] = 1
    apart = np.zeros((60, 80, 2), np.float32)
    apart[:, 30:, 0] = 16  # the right half goes away from the left one
    whole: Moved = move_layer(frame, background, opacity, np.full((60, 80, 2), 8, np.float32))
    assert whole.torn < 0.02
    assert move_layer(frame, background, opacity, apart).torn > 0.2


def test_marked_frames_are_counted_and_their_stretches_given() -> None:
    issues = [(), ("torn",), ("torn", "dose"), (), ("lost",)]
    found = marked(issues, np.arange(5) / 10)
    assert found.frames == 3
    assert {reason: count for reason, count in found.reasons.items() if count} == {"lost": 1, "torn": 2, "dose": 1}
    assert set(found.reasons) == set(REASONS)
    assert found.stretches_s == [[0.1, 0.2], [0.4, 0.4]]
    assert marked([()], np.zeros(1)).stretches_s == []


def test_the_corner_says_the_dose_and_a_marked_frame_is_fenced(made: Magnification) -> None:
    short = replace(made, positions=made.positions[:1])
    short._measured[2.0] = replace(made.measured(2.0), shown=np.array([[-0.72, 1.0]]))
    words = factor_words(short, 2.0)
    assert words == "asked 2×, measured 1.7×"
    frame = next(short.rendered((0.0, 2.0)))
    trusted, doubtful = (next(side_by_side(short, iter([(frame, d)]), 2.0)) for d in ((), ("torn",)))
    panel = trusted.shape[1] // 3
    assert np.abs(trusted[40, -2].astype(int) - colours.AMBER).max() > 40
    assert np.abs(doubtful[40, -2].astype(int) - colours.AMBER).max() < 5
    np.testing.assert_array_equal(trusted[:-44, : 2 * panel], doubtful[:-44, : 2 * panel])  # only its own panel
    assert (footer(panel, words, ("torn",))[-2, -2] == colours.AMBER).all()
    assert (footer(panel, words, ())[-2, -2] == 255).all()
    assert (footer(panel, words, ()) < 128).any()


def test_a_clip_counts_its_marked_frames(made: Magnification, tmp_path: Path) -> None:
    gone = replace(made, query=replace(made.query, found=np.zeros_like(made.query.found)), positions=made.positions[:6])
    facts = write_magnified(tmp_path / "clip.mp4", "side-by-side", gone, 2.0)
    assert facts.marked_frames == facts.marked_reasons["lost"] == 6
    assert "; 6 of 6 frames are marked as not to be trusted: outline lost 6" in cli_magnify.said_of(facts)
    assert facts.marked_s == [[pytest.approx(made.query.time_s[made.positions[i]], abs=1e-3) for i in (0, 5)]]


def test_a_file_of_the_wrong_kind_is_refused(made: Magnification, tmp_path: Path) -> None:
    for name, layout in (("clip.png", "overlay"), ("strip.mp4", "strip"), ("clip.avi", "magnified")):
        with pytest.raises(UbamError, match="written as"):
            write_magnified(tmp_path / name, layout, made, 2.0)
    assert not list(tmp_path.iterdir())
    assert set(SUFFIXES) == set(LAYOUTS)
    for layout, appearance, out in (("strip", None, "a.mp4"), ("overlay", "b", "a.mp4"), ("strip", None, None)):
        with pytest.raises(UbamError):
            cli_magnify.check_request(layout, appearance, Path(out) if out else None)
