"""The whole body is found from what moves of it, and what is behind it is kept or filled in."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.evaluation.synthetic.study import StudySpec, render_again
from ubam.tracking.locate import scene_and_track
from ubam.tracking.scene.background import reduced
from ubam.tracking.scene.empty_scene import Scene, always_there, empty_scene
from ubam.tracking.track import Track

Films = tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]


@cache
def film(kind: str, scene: str, seed: int, seconds: float = 1.6) -> Films:
    """Frames of a rendered recording, true outlines bool [T,H,W], and its truth."""
    rendered = render_recording(seed, RecordingSpec(kind=kind, scene=scene, seconds=seconds))
    pictures, masks = zip(*rendered.frames_and_masks(), strict=True)
    return np.stack(pictures), np.stack(masks) > 0.5, rendered.truth


def found(frames: np.ndarray, fps: float = 25.0) -> tuple[Scene, Track]:
    """The scene and the track of a film."""
    at, times = np.arange(0, len(frames), 2), -(-max(frames.shape[1:3]) // 256)
    return scene_and_track(lambda: (reduced(frame, times) for frame in frames), frames[at], at, times, fps)


def reach(truth: np.ndarray, track: Track) -> float:
    """Share of the true outline that the boxes hold."""
    held = 0
    for mask, box in zip(truth, track.box, strict=True):
        y, x = np.nonzero(mask)
        held += int(((x + 0.5 > box[0]) & (x + 0.5 < box[2]) & (y + 0.5 > box[1]) & (y + 0.5 < box[3])).sum())
    return held / truth.sum()


@pytest.mark.parametrize(("kind", "seed"), [("human", 4), ("rodent", 5)])
def test_a_subject_in_place_is_found_whole(kind: str, seed: int) -> None:
    frames, truth, _ = film(kind, "treadmill", seed)
    scene, track = found(frames)
    assert scene.hidden
    assert any("stays in one place" in warning for warning in track.warnings)
    assert reach(truth, track) > 0.97
    widest = np.median([max(np.ptp(np.nonzero(mask)[1]), np.ptp(np.nonzero(mask)[0])) for mask in truth])
    assert 0.7 < (track.box[0, 2] - track.box[0, 0]) / widest < 1.8


@pytest.mark.parametrize(("kind", "seed"), [("human", 4), ("rodent", 5)])
def test_behind_a_subject_that_travels_the_scene_is_seen(kind: str, seed: int) -> None:
    frames, truth, _ = film(kind, "walkway", seed, 2.4)
    scene, track = found(frames)
    assert not scene.hidden
    assert track.warnings == ()
    assert track.found.mean() > 0.9
    assert reach(truth[track.found], track) > 0.9


def test_one_that_comes_and_goes_is_found_while_it_is_there() -> None:
    frames, _, _ = film("human", "walkway", 4, 2.4)
    empty = np.median(frames, axis=0).astype(np.uint8)
    _, track = found(np.concatenate([np.repeat(empty[None], 24, 0), frames, np.repeat(empty[None], 24, 0)]))
    assert not track.found[:20].any()
    assert not track.found[-20:].any()
    assert track.found[28:-28].mean() > 0.95


def test_one_that_rests_is_still_there() -> None:
    frames, truth, _ = film("human", "walkway", 4, 2.4)
    resting = np.concatenate([frames[:40], np.repeat(frames[40:41], 30, 0), frames[40:]])
    _, track = found(resting)
    assert track.found.mean() > 0.97
    assert reach(truth[40:41], replace(track, box=track.box[55:56])) > 0.9


def test_one_that_is_elsewhere_in_every_picture_is_looked_at_in_every_picture() -> None:
    frames, truth, _ = film("human", "walkway", 4, 2.4)
    order = np.argsort(np.arange(len(frames)) * 7 % len(frames))
    _, track = found(frames[order])
    assert reach(truth[order], track) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["human", "rodent"])
def test_of_a_whole_study_on_treadmills_nobody_is_lost(kind: str) -> None:
    lost = []
    for number in range(1, 11):
        spec = StudySpec(kind=kind, subjects=10, seed=31, scene="treadmill", seconds=2.0)
        rendered = render_again(f"{kind}{number:02d}", 0, 1.0, spec)
        scene, track = found(np.stack(list(rendered.frames())))
        height = track.body_height / float(rendered.truth["body_height"])
        if not scene.hidden or not 0.75 < height < 1.3:
            lost.append((number, height, track.warnings))
    assert not lost


def test_the_scene_is_what_the_subject_does_not_cover() -> None:
    random = np.random.default_rng(0)
    wall = np.repeat(random.integers(90, 150, (60, 80, 1), dtype=np.uint8), 3, 2)
    frames, covered = np.repeat(wall[None], 21, 0), np.zeros((21, 60, 80), bool)
    for t in range(21):
        covered[t, 20:40, 3 * t : 3 * t + 15] = True
        frames[t][covered[t]] = 240
    scene = empty_scene(frames, covered)
    assert not scene.hidden
    np.testing.assert_array_equal(scene.background, wall)
    assert scene.saliency(frames[10])[covered[10]].mean() > 0.9


def test_a_part_that_outlines_miss_now_and_then_is_not_taken_for_the_scene() -> None:
    """A walker in place: the trousers are outlined in half of the frames, and a foot swings to and fro."""
    wall = np.full((60, 80, 3), 120, np.uint8)
    frames, covered = np.repeat(wall[None], 20, 0), np.zeros((20, 60, 80), bool)
    for t in range(20):
        frames[t, 10:40, 30:50] = 40  # trousers
        covered[t, 10:40, 30:50] = t % 2 == 0
        foot = np.s_[t, 40:50, (20, 35, 50)[t % 3] : (20, 35, 50)[t % 3] + 12]
        frames[foot], covered[foot] = 220, True
    first = empty_scene(frames, covered)
    assert (first.background[15:35, 35:45] == 40).all()
    shown = always_there(frames, covered, first)
    assert shown[10:40, 30:50].mean() > 0.9
    assert not shown[42:48].any()
    scene = empty_scene(frames, covered | shown)
    assert scene.hidden
    assert cv2.absdiff(scene.background, wall).max() <= 1


def test_what_is_always_covered_is_filled_in_from_around() -> None:
    wall = np.full((60, 80, 3), 120, np.uint8)
    frames, covered = np.repeat(wall[None], 21, 0), np.zeros((21, 60, 80), bool)
    covered[:, 20:40, 30:50] = True
    frames[covered] = 240
    scene = empty_scene(frames, covered)
    assert scene.hidden
    assert cv2.absdiff(scene.background, wall).max() <= 1
