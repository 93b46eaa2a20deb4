"""Magnification: bit-exact identity, still background, direction of the picture, the dose, the clips on disk."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.support import stick_figure
from ubam.core.errors import UbamError
from ubam.magnification.gap_filling_network import GapFillingNetwork
from ubam.magnification.layouts.side_by_side import panel_scale
from ubam.magnification.layouts.write import write_magnified
from ubam.magnification.magnify import EmbeddedRecording, Magnification, factor_in_postures, magnify, region_of
from ubam.magnification.seen_again import crop_of, look_again
from ubam.magnification.warping import backward_flow, move_layer, splat
from ubam.recordings.video_reader import probe, read_frames

pytestmark = pytest.mark.usefixtures("plain_eye")

FACTORS = (0.0, 1.0, 2.0)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Magnification:
    return stick_figure.leaning(tmp_path_factory.mktemp("magnify"), slice(10, 26), FACTORS)


@pytest.fixture(scope="module")
def short(made: Magnification) -> Magnification:
    """Every third frame, where each frame is looked at by itself."""
    return replace(made, positions=made.positions[::3])


def head_x(picture: np.ndarray, background: np.ndarray, box: np.ndarray) -> float:
    """Horizontal centre of what differs from the background in the top third of the subject's box."""
    x0, y0, x1, y1 = np.clip(box, 0, None).astype(int)
    apart = np.abs(picture.astype(int) - background)[y0 : y0 + (y1 - y0) // 3, x0:x1].max(2) > 40
    return float(np.nonzero(apart)[1].mean())


def test_factor_one_is_the_recording_bit_for_bit(made: Magnification) -> None:
    first = int(made.query.frame_index[10])
    for shown, read in zip(
        made.frames(1.0), read_frames(made.video, start_frame=first, stop_frame=first + 16), strict=True
    ):
        np.testing.assert_array_equal(shown, read)


def test_the_twin_stands_up_and_the_magnified_leans_further(short: Magnification) -> None:
    background = short.query.background().astype(int)
    for frame in short.rendered(FACTORS):
        box = short.query.box[frame.position]
        twin, recording, double = (head_x(frame.moved[factor].picture, background, box) for factor in FACTORS)
        assert twin < recording < double


def test_the_background_stays_bit_still_away_from_the_subject(short: Magnification) -> None:
    for frame in short.rendered((2.0,)):
        moved = frame.moved[2.0]
        far = np.ones(frame.recording.shape[:2], bool)
        x0, y0, *_ = frame.region
        near = (moved.opacity > 0) | (moved.source_opacity > 0)
        rows, columns = np.nonzero(near)
        far[
            max(0, y0 + rows.min() - 4) : y0 + rows.max() + 5, max(0, x0 + columns.min() - 4) : x0 + columns.max() + 5
        ] = False
        np.testing.assert_array_equal(moved.picture[far], frame.recording[far])


def test_measured_dose_follows_the_factor(made: Magnification) -> None:
    assert made.measured(0.0).geometric < 0.6
    assert made.measured(1.0).geometric == pytest.approx(1, abs=0.15)
    assert made.measured(2.0).geometric > 1.3


def test_same_again_gives_the_same_pictures(short: Magnification) -> None:
    for once, again in zip(short.frames(2.0), short.frames(2.0), strict=True):
        np.testing.assert_array_equal(once, again)


def test_a_recorded_picture_looked_at_again_is_seen_as_it_was(made: Magnification) -> None:
    frame = next(made.rendered((1.0,)))
    crop = crop_of(made.query, frame.recording, frame.position)
    again = look_again(made.query, "person", [crop], np.array([frame.position]))
    recorded = made.registration.seen(frame.position).contour
    assert np.abs(crop.astype(int) - made.query.crops([frame.position])[0]).mean() < 3  # stored as JPEG
    assert np.abs(again.views[0].astype(int) - made.query.views[frame.position]).mean() < 3
    assert len(again.contours[0]) == pytest.approx(len(recorded), rel=0.1)


def test_a_frame_looks_the_same_in_every_clip(made: Magnification) -> None:
    alone, others = replace(made, positions=made.positions[4:7]), replace(made, positions=made.positions[2:9])
    for one, other in zip(alone.frames(2.0), list(others.frames(2.0))[2:5], strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_generator_changes_nothing_but_gaps(short: Magnification) -> None:
    network = GapFillingNetwork(short.posture.shape[1], 8).eval()
    torch.nn.init.normal_(network.heads.weight)
    painted = replace(short, generator=network)
    for plain, repaired in zip(short.rendered((1.0, 2.0)), painted.rendered((1.0, 2.0)), strict=True):
        np.testing.assert_array_equal(plain.moved[1.0].picture, repaired.moved[1.0].picture)
        x0, y0, x1, y1 = plain.region
        changed = (plain.moved[2.0].picture != repaired.moved[2.0].picture).any(2)
        assert changed.sum() < 0.3 * (plain.moved[2.0].source_opacity > 0.5).sum()
        assert not changed[y0:y1, x0:x1][cv2.erode(plain.moved[2.0].opacity, np.ones((5, 5))) > 0.999].any()


def test_dose_matches_its_definition() -> None:
    twin, posture = np.zeros((3, 2), np.float32), np.array([[1, 0], [0, 2], [1, 1]], np.float32)
    assert factor_in_postures(twin + 2 * posture, posture, twin) == pytest.approx(2)
    assert factor_in_postures(twin, posture, twin) == 0


def test_splat_matches_a_slow_version() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(0.1, 1, (6, 7, 2)).astype(np.float32)
    forward = rng.uniform(-3, 3, (6, 7, 2)).astype(np.float32)
    slow = np.zeros_like(values)
    for row, column in np.ndindex(6, 7):
        x, y = column + forward[row, column, 0], row + forward[row, column, 1]
        for r in range(6):
            for c in range(7):
                slow[r, c] += values[row, column] * max(0, 1 - abs(x - c)) * max(0, 1 - abs(y - r))
    np.testing.assert_allclose(splat(values, forward), slow, atol=1e-5)


def test_backward_flow_turns_a_translation_round() -> None:
    weight = np.zeros((40, 40), np.float32)
    weight[10:20, 10:20] = 1
    forward = np.zeros((40, 40, 2), np.float32)
    forward[..., 0] = 6
    backward, coverage = backward_flow(forward, weight)
    np.testing.assert_allclose(backward[12:18, 18:24, 0], -6, atol=1e-3)
    assert coverage[15, 20] == 1
    assert coverage[15, 5] == 0


def test_a_moved_square_leaves_its_background_behind() -> None:
    background = np.full((60, 60, 3), 100, np.uint8)
    frame = background.copy()
    frame[20:40, 10:30] = 220
    opacity = np.zeros((60, 60), np.float32)
    opacity[20:40, 10:30] = 1
    forward = np.zeros((60, 60, 2), np.float32)
    forward[..., 0] = 15
    moved = move_layer(frame, background, opacity, forward).picture
    assert np.abs(moved[25:35, 12:22].astype(int) - 100).max() <= 2
    assert np.abs(moved[25:35, 30:40].astype(int) - 220).max() <= 2
    assert (moved[:15] == 100).all()


def test_a_region_stays_inside_the_picture() -> None:
    assert region_of(np.array([-30.0, -10, 20, 40], np.float32), 64, 48) == (
        0,
        0,
        30,
        48,
    )  # 40 % wider than the box, inside the picture
    x0, y0, x1, y1 = region_of(np.array([200.0, 200, 260, 260]), 64, 48)
    assert 0 <= x0 < x1 <= 64
    assert 0 <= y0 < y1 <= 48


@pytest.mark.parametrize("layout", ["side-by-side", "magnified", "twin"])
def test_clips_have_one_frame_per_frame(made: Magnification, layout: str, tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    few = replace(made, positions=made.positions[:6])
    facts = write_magnified(tmp_path / "clip.mp4", layout, few, 2.0, progress=lambda *step: done.append(step))
    info = probe(tmp_path / "clip.mp4")
    assert info.frames_declared == facts.frames == 6
    assert info.fps == pytest.approx(25)
    assert done[-1] == (6, 6)
    assert facts.factor == (0.0 if layout == "twin" else 2.0)
    assert 0.5 < facts.appearance_kept <= 1
    if layout == "side-by-side":
        assert info.height >= 256
    else:
        assert (info.width, info.height) == (stick_figure.WIDTH, stick_figure.HEIGHT)


def test_panels_are_readable() -> None:
    assert panel_scale((0, 0, 120, 120)) * 120 >= 256
    assert panel_scale((0, 0, 1920, 1080)) * 1920 <= 640


def test_bad_requests_are_refused_in_a_sentence(made: Magnification, tmp_path: Path) -> None:
    with pytest.raises(UbamError, match="layout"):
        write_magnified(tmp_path / "clip.mp4", "sideways", made, 2.0)
    assert not list(tmp_path.iterdir())
    recording = EmbeddedRecording(made.query, made.video, made.posture)
    again = partial(magnify, recording, frames=slice(0, 4), embed=stick_figure.embed, twin=made.twin)
    with pytest.raises(UbamError, match="factor must lie"):
        again(references=made.registration.matches, factors=[99.0])
    with pytest.raises(UbamError, match="reference"):
        again(references=[], factors=[2.0])
