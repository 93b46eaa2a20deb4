"""The layers of a clip hold what a picture at any factor is made of."""

import json
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import stick_figure
from ubam.magnification.layouts import layers as written
from ubam.magnification.layouts.layers import Layers
from ubam.magnification.layouts.side_by_side import cut_panel, shown_regions
from ubam.magnification.layouts.write import write_magnified
from ubam.magnification.magnify import Magnification
from ubam.recordings.video_reader import read_frames

pytestmark = pytest.mark.usefixtures("plain_eye")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Magnification:
    return stick_figure.leaning(tmp_path_factory.mktemp("layers"), slice(6, 18), ())


@pytest.fixture(scope="module")
def film(made: Magnification, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    check = Layers(made, 2.0, folder / "layers.mp4")
    write_magnified(folder / "clip.mp4", "side-by-side", made, 2.0, check=check)
    assert check.write()
    return folder / "layers.mp4"


def test_a_film_of_layers_shows_recording_scene_and_opacity(made: Magnification, film: Path) -> None:
    frames = list(read_frames(film))
    assert len(frames) == len(made.positions)
    height = frames[0].shape[0] // 3
    for shown, frame, region in zip(frames, made.rendered((2.0,)), shown_regions(made), strict=True):
        recording = cut_panel(frame.recording, region, (shown.shape[1], height))
        assert np.abs(shown[:height].astype(int) - recording).mean() < 4
        scene = cut_panel(made.scene.background, region, (shown.shape[1], height))
        assert np.abs(shown[height : 2 * height].astype(int) - scene).mean() < 4
        opaque = shown[2 * height :, :, 1] > 127
        assert 0.01 < opaque.mean() < 0.4
        unlike = np.abs(recording.astype(int) - scene).max(2)
        assert unlike[opaque].mean() > 4 * unlike[~opaque].mean()


def test_the_picture_moved_by_its_layers_is_the_rendered_one(made: Magnification, film: Path) -> None:
    """Nearer to it than the recording is: the points of the grid carry the subject where the renderer does."""
    facts = json.loads(film.with_suffix(".json").read_text(encoding="utf-8"))
    (width, height), (columns, rows) = facts["size"], facts["grid"]
    flows = np.frombuffer(b64decode(facts["flow"]), np.int8).reshape(-1, rows, columns, 2) * facts["step"]
    regions = shown_regions(made)
    errors = []
    for shown, flow, frame, region in zip(read_frames(film), flows, made.rendered((0.0,)), regions, strict=True):
        recording, scene, opacity = shown[:height], shown[height : 2 * height], shown[2 * height :, :, 1] / 255.0
        dense = cv2.resize(flow.astype(np.float32), (width, height))
        moved = recording.astype(float) * opacity[..., None]
        place = np.dstack(np.meshgrid(np.arange(width), np.arange(height))) + dense
        landed, there = np.zeros((height, width, 3)), np.zeros((height, width))
        x, y = (np.rint(place[..., axis]).astype(int).clip(0, size - 1) for axis, size in ((0, width), (1, height)))
        np.maximum.at(landed, (y, x), moved)
        np.maximum.at(there, (y, x), opacity)
        under = np.where(cv2.dilate(opacity, np.ones((3, 3)))[..., None] > 0.2, scene, recording)
        picture = landed + (1 - there[..., None]) * under
        wanted = cut_panel(frame.moved[0.0].picture, region, (width, height)).astype(float)
        errors.append((np.abs(picture - wanted).mean(), np.abs(recording - wanted).mean()))
    ours, recorded = np.mean(errors, axis=0)
    assert ours < 0.6 * recorded, (ours, recorded)


def test_a_long_clip_has_no_layers(made: Magnification, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "MOST_FRAMES", 3)
    short = replace(made, positions=made.positions[:4])
    check = Layers(short, 2.0, tmp_path / "layers.mp4")
    write_magnified(tmp_path / "clip.mp4", "side-by-side", short, 2.0, check=check)
    assert not check.write()
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
