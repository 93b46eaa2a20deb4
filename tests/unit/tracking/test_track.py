"""The subject is found whole, its track is steady, and what cannot be found is said."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support.videos import walking_frames
from ubam.tracking.blobs import find_blobs, follow
from ubam.tracking.scene.background import fill, free_median, median_background, noise_map
from ubam.tracking.scene.empty_scene import scene_of_motion
from ubam.tracking.scene.foreground import clean_mask, saliency
from ubam.tracking.track import SEVERAL, Motion, Track, motion_of, smooth


def spread(frames: list[np.ndarray], count: int = 30) -> np.ndarray:
    return np.stack([frames[index] for index in np.linspace(0, len(frames) - 1, count).astype(int)])


@pytest.mark.parametrize("count", [1, 2, 3, 8, 15, 23])
def test_the_median_is_the_lower_median(count: int) -> None:
    frames = np.random.default_rng(count).integers(0, 256, (count, 9, 7, 3), dtype=np.uint8)
    assert np.array_equal(median_background(frames), np.sort(frames, axis=0)[(count - 1) // 2])


def test_the_free_median_forgets_what_is_covered() -> None:
    random = np.random.default_rng(0)
    frames = random.integers(90, 110, (21, 20, 30, 3), dtype=np.uint8)
    covered = random.random((21, 20, 30)) < 0.6
    frames[covered] = 250
    slow = np.ma.median(np.ma.masked_array(frames, np.repeat(covered[..., None], 3, -1)), axis=0)
    enough = (~covered).sum(axis=0) >= 5
    assert np.abs(free_median(frames, covered).astype(float) - slow)[enough].max() <= 12
    assert free_median(frames, covered)[enough].max() < 115


def test_a_hole_is_filled_from_around() -> None:
    picture = np.repeat(np.arange(40, dtype=np.uint8)[:, None, None] * 5, 50, 1).repeat(3, 2)
    hole = np.zeros((40, 50), bool)
    hole[10:30, 20:40] = True
    broken = np.where(hole[..., None], np.uint8(255), picture)
    assert np.abs(fill(broken, hole).astype(int) - picture).max() <= 15
    assert np.array_equal(fill(broken, hole)[~hole], picture[~hole])


def test_noise_alone_is_not_salient_and_the_subject_is() -> None:
    random = np.random.default_rng(0)
    empty = np.full((60, 80, 3), 120, np.uint8)
    frames = np.stack([(empty + random.normal(0, 5, empty.shape)).clip(0, 255).astype(np.uint8) for _ in range(15)])
    noise = float(np.median(noise_map(frames, empty)))
    assert 3 < noise < 12
    subject = frames[0].copy()
    subject[20:40, 30:50] = 200
    salient = saliency(subject, empty, noise)
    assert salient[22:38, 32:48].min() > 0.9
    assert salient[:15].mean() < 0.02
    assert clean_mask(salient).sum() == pytest.approx(400, rel=0.25)


def followed(
    frames: list[np.ndarray], fps: float = 25.0, scene_of: list[np.ndarray] | None = None
) -> tuple[Motion, Track]:
    """What moves in frames, and the track of it; the scene is learnt from `scene_of`, from the frames without it."""
    scene = scene_of_motion(spread(scene_of or frames))
    motion = motion_of(scene.saliency(frame) for frame in frames)
    return motion, motion.track(1.0, fps)


def test_what_walks_is_followed_by_a_steady_box_of_one_size() -> None:
    motion, track = followed(list(walking_frames(60)))
    assert motion.remarks(track, 1.0) == ()
    assert track.found.all()
    assert track.body_height == pytest.approx(64, abs=8)
    truth = 24 + (160 - 48) * np.arange(60) / 59
    assert np.abs(track.centre[5:-5, 0] - truth[5:-5]).max() < 5
    assert np.ptp(track.box[:, 2] - track.box[:, 0]) < 1e-3
    assert np.abs(np.diff(track.centre, 2, axis=0)).max() < 0.6
    assert np.abs(track.ground_y - 104).max() < 6
    assert (track.box[:, 1] < 40).all()
    assert (track.box[:, 3] > 104).all()


def test_a_subject_that_is_away_is_not_found_and_the_box_is_held() -> None:
    frames = list(walking_frames(60))
    empty = median_background(np.stack(frames))
    _, track = followed([empty] * 15 + frames + [empty] * 20)
    assert not track.found[:13].any()
    assert not track.found[-18:].any()
    assert track.found[17:73].mean() > 0.95
    assert np.isfinite(track.box).all()
    assert np.ptp(track.box[-10:, 0]) < 2


def test_a_still_picture_is_said_and_used_whole() -> None:
    frames = [np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)] * 20
    _, track = followed(frames)
    assert "nothing moves" in track.warnings[0]
    assert track.box[0].tolist() == [0, -10, 80, 70]


def test_two_subjects_are_said() -> None:
    def pair(index: int) -> np.ndarray:
        frame = np.full((90, 120, 3), 100, np.uint8)
        frame[20:36, 5 + index : 25 + index] = 220
        frame[60:76, 95 - index : 115 - index] = 30
        return frame

    motion, track = followed([pair(index) for index in range(60)])
    assert SEVERAL in motion.remarks(track, 1.0)
    assert track.found.mean() > 0.9


def test_the_limbs_of_one_body_are_not_several_subjects() -> None:
    def limbs(index: int) -> np.ndarray:
        frame = np.full((90, 120, 3), 100, np.uint8)
        swing = round(6 * np.sin(index))
        frame[15:25, 55 + swing : 65 + swing] = 220
        frame[65:75, 55 - swing : 65 - swing] = 220
        return frame

    motion, track = followed([limbs(index) for index in range(60)])
    whole = replace(track, box=np.tile(np.array([15, 0, 105, 90], np.float32), (60, 1)))
    assert motion.remarks(whole, 1.0) == ()


def test_the_path_prefers_one_body_over_jumping_to_a_heavier_flicker() -> None:
    blobs = np.zeros((40, 4, 7), np.float32)
    blobs[:, 0] = [[100, 10 + t, 50, 5 + t, 45, 15 + t, 55] for t in range(40)]
    blobs[20, 1] = blobs[20, 0]
    blobs[20, 0] = [110, 150, 10, 145, 5, 155, 15]
    blobs[30:33] = 0
    path = follow(blobs)
    assert path[20] == 1
    assert (path[30:33] == -1).all()
    assert (np.delete(path, [20, 30, 31, 32]) == 0).all()


def test_a_flash_is_no_subject() -> None:
    assert find_blobs(np.ones((50, 60), np.float32)).sum() == 0


def test_smoothing_holds_ignores_single_outliers_and_keeps_a_straight_way() -> None:
    values = np.arange(50, dtype=float)[:, None] * 2
    values[25] = 900
    found = np.ones(50, bool)
    assert np.abs(smooth(values, found, 2.0)[12:38, 0] - 2 * np.arange(12, 38)).max() < 1.5
    found[30:] = False
    assert np.allclose(smooth(values, found, 1.0)[40:], 58)


def test_a_subject_that_is_elsewhere_in_every_picture_is_found_there() -> None:
    random = np.random.default_rng(5)
    wall = random.integers(90, 110, (120, 160, 3), dtype=np.uint8)
    places = random.permutation([(x, y) for x in range(14, 150, 26) for y in range(14, 110, 26)])[:20]
    frames = []
    for x, y in places:
        frames.append(wall.copy())
        frames[-1][y - 6 : y + 6, x - 9 : x + 9] = 20
    _, track = followed(frames)
    assert track.found.all()
    assert np.abs(track.centre - places).max() < 2


def test_a_cut_does_not_draw_the_box_away_from_the_subject() -> None:
    frames = list(walking_frames(40))
    cut = [*frames[:26], *frames[:6][::-1]]  # the walker is suddenly back at the left
    _, track = followed(cut, scene_of=frames)
    _, walked = followed(frames)
    assert np.abs(track.centre[:24] - walked.centre[:24]).max() < 3
    assert np.abs(track.centre[26:, 0] - walked.centre[:6][::-1, 0]).max() < 6
