"""A moving camera is told from one at rest, its frames are brought into one picture, and the store keeps its word."""

import json
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.videos import write_video
from ubam.core.affine import centred, compose, inverse
from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import read_frames
from ubam.tracking.camera_motion import AT_REST, NOTHING_RESTS, LostCamera, follow_camera, local_saliency, share_at_rest
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops
from ubam.tracking.locate import LOST, MOVING, MOVING_BEHIND_MASKS
from ubam.tracking.views import cut

WIDE, WINDOW = (400, 200), (240, 160)


def texture(seed: int = 0, size: tuple[int, int] = WIDE) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(90, 180, (size[1] // 14, size[0] // 14, 3), dtype=np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def hand(count: int) -> list[np.ndarray]:
    """Moves from a wide picture to a window that pans, shakes, rolls and zooms."""
    random = np.random.default_rng(1)
    shake = cv2.GaussianBlur(random.normal(0, 6, (count, 2)), (1, 21), 0)
    moves = []
    for t in range(count):
        at = 130 + 140 * t / count + shake[t, 0], 100 + shake[t, 1]
        move = cv2.getRotationMatrix2D(at, 1.5 * np.sin(t / 9), 1 + 0.1 * t / count)
        move[:, 2] += np.array(WINDOW) / 2 - at
        moves.append(move)
    return moves


def through(pictures: list[np.ndarray], moves: list[np.ndarray]) -> list[np.ndarray]:
    return [cv2.warpAffine(picture, move, WINDOW) for picture, move in zip(pictures, moves, strict=True)]


@lru_cache(maxsize=1)
def walker() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Pictures of a rendered person that walks, and how much of each pixel is the person."""
    pictures, alphas = zip(
        *render_recording(4, RecordingSpec(scene="walkway", seconds=2.4)).frames_and_masks(), strict=True
    )
    part = np.s_[4:204, 70:470]
    return [picture[part] for picture in pictures], [alpha[part] for alpha in alphas]


def walk(count: int = 60) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A person that walks before a texture, and where it is, bool."""
    pictures, alphas = walker()
    frames = [
        (alpha[..., None] * picture + (1 - alpha[..., None]) * texture()).astype(np.uint8)
        for picture, alpha in zip(pictures[:count], alphas[:count], strict=True)
    ]
    return frames, [alpha > 0.5 for alpha in alphas[:count]]


def test_a_camera_at_rest_is_told_from_one_that_moves() -> None:
    frames, _ = walk(40)
    assert share_at_rest(np.stack(frames)) > 2 * AT_REST
    assert share_at_rest(np.stack(through(frames, hand(40)))) < NOTHING_RESTS / 2
    assert share_at_rest(np.full((20, 60, 80, 3), 90, np.uint8)) == 1


def test_the_moves_of_a_hand_held_camera_are_found_below_the_pixel() -> None:
    frames, _ = walk(50)
    moves = hand(50)
    seen = through(frames, moves)
    camera = follow_camera(lambda: seen, len(seen))
    assert camera is not None
    assert camera.registered.all()
    corners = np.array([[0, 0, 1], [240, 0, 1], [0, 160, 1], [240, 160, 1]], float)
    for t in (0, 12, 37, 49):
        found = centred(compose(inverse(camera.moves[25]), camera.moves[t]))
        true = compose(moves[25], inverse(moves[t]))
        assert np.abs(corners @ (found - true).T).max() < 0.7
    assert camera.zoom[-1] / camera.zoom[0] == pytest.approx(1.1, abs=0.01)
    assert np.ptp(np.degrees(camera.roll)) == pytest.approx(3.0, abs=0.3)


def test_frames_without_texture_or_movement_have_no_camera_and_a_cut_loses_it() -> None:
    frames, _ = walk(30)
    lit = [np.clip(frame * (0.8 + 0.2 * np.sin(t / 5)), 0, 255).astype(np.uint8) for t, frame in enumerate(frames)]
    assert follow_camera(lambda: lit, 30) is None
    noise = [np.random.default_rng(t).normal(120, 1, (80, 120, 3)).astype(np.uint8) for t in range(20)]
    assert follow_camera(lambda: noise, 20) is None
    elsewhere = [texture(t, WINDOW) for t in range(30)]
    with pytest.raises(LostCamera):
        follow_camera(lambda: elsewhere, 30)


def test_a_subject_stands_out_from_the_frames_around_it_while_the_camera_pans() -> None:
    frames, masks = walk(60)
    moves = hand(60)
    seen, truth = through(frames, moves), through([mask.astype(np.float32) for mask in masks], moves)
    salient = list(local_saliency(seen, 5))
    assert len(salient) == 60
    overlaps = [overlap(salient[t] > 0.5, truth[t] > 0.5) for t in range(15, 45, 5)]
    assert min(overlaps) > 0.6


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[CropStore, CropStore, Path]:
    """The same walk from a camera at rest and from one in the hand, and the latter's video."""
    folder = tmp_path_factory.mktemp("cameras")
    frames, _ = walk()
    write_video(folder / "rest.mp4", iter(frames))
    write_video(folder / "hand.mp4", iter(through(frames, hand(60))))
    rest, held = (
        build_crops(Recording(name, 2, folder / f"{name}.mp4", "s", "g"), folder / name) for name in ("rest", "hand")
    )
    return rest, held, folder / "hand.mp4"


def test_views_from_a_moving_camera_are_as_from_one_at_rest(stores: tuple[CropStore, CropStore, Path]) -> None:
    rest, held, _ = stores
    assert rest.moves is None
    assert not rest.heading.any()
    assert MOVING in held.warnings
    assert held.found.mean() > 0.95
    masks = [mask.astype(np.float32) for mask in walk()[1]]
    moved = through(masks, hand(60))
    times = range(8, 52, 3)
    resting = np.mean([overlap(cut(masks[t], rest.box[t], 128) > 0.5, rest.outline_at(t) > 0.5) for t in times])
    moving = np.mean([overlap(cut(moved[t], held.box[t], 128) > 0.5, held.outline_at(t) > 0.5) for t in times])
    assert min(resting, moving) > 0.8
    assert abs(resting - moving) < 0.05
    assert np.mean([overlap(held.views[t, ..., 0] > 127, rest.views[t, ..., 0] > 127) for t in times]) > 0.65


def test_boxes_and_crops_of_a_moving_camera_are_in_its_own_pixels(stores: tuple[CropStore, CropStore, Path]) -> None:
    rest, held, video = stores
    moves, frames = hand(60), list(read_frames(video))
    for t in (5, 30, 55):
        centre = (rest.box[t, :2] + rest.box[t, 2:]) / 2
        expected = moves[t][:, :2] @ centre + moves[t][:, 2]
        assert np.abs((held.box[t, :2] + held.box[t, 2:]) / 2 - expected).max() < 4
        assert np.abs(held.crops([t])[0].astype(int) - cut(frames[t], held.box[t], 128)).mean() < 4
    sides = held.box[:, 2] - held.box[:, 0]
    assert sides[-1] / sides[0] == pytest.approx(1.1, abs=0.02)


def test_the_scene_of_a_moving_camera_is_seen_from_any_frame(stores: tuple[CropStore, CropStore, Path]) -> None:
    _, held, _ = stores
    whole = held.whole_scene()
    assert whole.background.shape[1] > 1.4 * held.width
    assert held.background().shape == (held.height, held.width, 3)
    empty = through([texture()] * 60, hand(60))
    for t in (4, 31, 57):
        seen = held.seen(whole, t)
        assert np.median(np.abs(seen.background.astype(int) - empty[t])) < 6
        assert seen.background.shape == (held.height, held.width, 3)


def test_a_lost_camera_is_said_and_what_moves_is_followed(tmp_path: Path) -> None:
    frames, masks = walk(40)
    for t in range(40):  # the wall is another one after every tenth frame
        frames[t] = np.where(masks[t][..., None], frames[t], texture(t // 10))[::2, ::2]
    video = write_video(tmp_path / "cuts.mp4", iter(frames))
    store = build_crops(Recording("cuts", 2, video, "s", "g"), tmp_path / "cuts")
    assert LOST in store.warnings
    assert store.camera_lost
    described = json.loads((store.folder / "store.json").read_text())
    del described["camera_lost"], described["seal"]
    (store.folder / "store.json").write_text(json.dumps(described))
    assert CropStore.open(store.folder).camera_lost  # a store without the flag says it in its warnings
    assert store.views.shape == (40, 64, 64, 3)
    assert store.moves is None


def test_masks_from_a_moving_camera_are_followed_and_the_unknown_scene_is_said(tmp_path: Path) -> None:
    frames, masks = walk(40)
    moves = hand(40)
    video = write_video(tmp_path / "hand.mp4", iter(through(frames, moves)))
    soft = through([mask.astype(np.float32) for mask in masks], moves)
    moved = [np.where(mask > 0.5, np.uint8(255), np.uint8(0)) for mask in soft]
    (tmp_path / "masks").mkdir()
    for t, mask in enumerate(moved):
        cv2.imwrite(str(tmp_path / "masks" / f"{t:03d}.png"), mask)
    store = build_crops(Recording("hand", 2, video, "s", "g", mask=tmp_path / "masks"), tmp_path / "crops")
    assert MOVING_BEHIND_MASKS in store.warnings
    assert store.camera_lost
    for t in (8, 20, 32):
        assert overlap(cut(moved[t], store.box[t], 128) > 127, store.outline_at(t) > 0.5) > 0.9
