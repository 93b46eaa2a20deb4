"""The subject is found whole, its track is steady, and what cannot be found is said."""

from typing import Any

import numpy as np
import pytest

from tests.support.videos import walking_frames
from ubam.evaluation.synthetic.recording import RecordingSpec, render_recording
from ubam.evaluation.synthetic.study import StudySpec, render_again
from ubam.tracking.background import fill, free_median, median_background, noise_map, reduced
from ubam.tracking.blobs import find_blobs, follow
from ubam.tracking.foreground import clean_mask, saliency
from ubam.tracking.scene import CLUTTER, Scene, learn_scene
from ubam.tracking.track import SEVERAL, smooth, track_subject


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
    masked: Any = np.ma  # its median has no types
    slow = masked.median(np.ma.masked_array(frames, np.repeat(covered[..., None], 3, -1)), axis=0)
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


def test_a_reduced_scene_and_the_full_one_agree() -> None:
    frames = [np.kron(frame, np.ones((3, 3, 1), np.uint8))[:-1, :-2] for frame in walking_frames(40)]
    scene, small, _ = learn_scene(spread(frames), 3)
    assert scene.background.shape == (359, 478, 3)
    assert small.background.shape == (119, 159, 3)
    track = track_subject([reduced(frame, 3) for frame in frames], small, scale=3)
    assert track.body_height == pytest.approx(64 * 3, abs=20)
    assert track.centre[20, 0] == pytest.approx(3 * (24 + 112 * 20 / 39), abs=12)
    frame = frames[20]
    assert (
        overlap(
            clean_mask(scene.saliency(frame))[:357, :477][1::3, 1::3], clean_mask(small.saliency(reduced(frame, 3)))
        )
        > 0.8
    )


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


def test_a_walker_is_followed_by_a_steady_box_of_one_size_that_holds_it_whole() -> None:
    frames = list(walking_frames(60))
    scene, small, warnings = learn_scene(spread(frames))
    track = track_subject(frames, small)
    assert not scene.hidden
    assert warnings + track.warnings == ()
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
    frames = [empty] * 15 + frames + [empty] * 20
    _, small, _ = learn_scene(spread(frames))
    track = track_subject(frames, small)
    assert not track.found[:13].any()
    assert not track.found[-18:].any()
    assert track.found[17:73].mean() > 0.95
    assert np.isfinite(track.box).all()
    assert np.ptp(track.box[-10:, 0]) < 2


@pytest.mark.parametrize(("kind", "seed"), [("human", 4), ("rodent", 3)])
def test_a_subject_in_place_is_found_with_its_trunk(kind: str, seed: int) -> None:
    rendered = render_recording(seed, RecordingSpec(kind=kind, scene="treadmill", seconds=1.6))
    pairs = [(picture, alpha > 0.5) for picture, alpha in rendered.frames_and_masks()][::2]
    frames, truth = (np.stack(values) for values in zip(*pairs, strict=True))
    scene, _, warnings = learn_scene(frames)
    assert scene.hidden
    assert any("stays in one place" in warning for warning in warnings)
    found = np.stack([clean_mask(scene.saliency(frame)) for frame in frames])
    against_median = np.stack([clean_mask(saliency(frame, median_background(frames), scene.noise)) for frame in frames])
    assert overlap(found, truth) > max(0.55, overlap(against_median, truth) - 0.02)
    assert (found & truth).sum() / truth.sum() > 0.9


@pytest.mark.parametrize(("subject", "seed"), [("rodent08", 102), ("rodent10", 103)])
def test_a_dark_rat_in_place_is_found_whole_and_not_its_legs_alone(subject: str, seed: int) -> None:
    """Its legs were followed as if they travelled, or taken for clutter, in one recording of rats in eight."""
    rendered = render_again(
        subject, 0, 1.0, StudySpec(kind="rodent", subjects=10, seed=seed, scene="treadmill", seconds=1.6, null=True)
    )
    pictures, masks = zip(*rendered.frames_and_masks(), strict=True)
    truth = np.stack(masks) > 0.5
    scene, small, warnings = learn_scene(np.stack(pictures)[::2])
    assert scene.hidden, warnings
    track = track_subject(pictures, small)
    found = np.stack([clean_mask(scene.saliency(picture)) for picture in pictures])
    assert (found & truth).sum() / truth.sum() > 0.8
    columns = np.flatnonzero(truth[20].any(axis=0))
    assert 1.0 < (track.box[20, 2] - track.box[20, 0]) / np.ptp(columns) < 1.6


def test_a_walker_in_place_is_no_clutter_beside_its_own_shoe() -> None:
    """Its limbs were taken for clutter and a shoe for the subject, in one recording of walkers in sixteen."""
    rendered = render_again(
        "human13", 1, 1.0, StudySpec(kind="human", subjects=24, seed=1, scene="treadmill", seconds=2.0, confound=0.5)
    )
    pictures = list(rendered.frames())
    scene, small, warnings = learn_scene(np.stack(pictures)[::2])
    assert scene.hidden, warnings
    track = track_subject(pictures, small)
    assert 0.8 < track.body_height / float(rendered.truth["body_height"]) < 1.2


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["human", "rodent"])
def test_of_a_whole_study_on_treadmills_nobody_is_lost(kind: str) -> None:
    lost = []
    for number in range(1, 11):
        rendered = render_again(
            f"{kind}{number:02d}", 0, 1.0, StudySpec(kind=kind, subjects=10, seed=31, scene="treadmill", seconds=2.0)
        )
        pictures = list(rendered.frames())
        scene, small, warnings = learn_scene(np.stack(pictures)[::2])
        height = track_subject(pictures, small).body_height / float(rendered.truth["body_height"])
        if not scene.hidden or not 0.75 < height < 1.3:
            lost.append((number, height, warnings))
    assert not lost


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def test_a_walker_is_found_beside_a_lamp_that_flickers() -> None:
    frames = list(walking_frames(60))
    for t, frame in enumerate(frames):
        if t % 7 < 4:
            frame[2:60, 110:158] += 90
    _, small, warnings = learn_scene(spread(frames))
    track = track_subject(frames, small)
    assert warnings == (CLUTTER,)
    assert track.found.all()
    truth = 24 + (160 - 48) * np.arange(60) / 59
    assert np.median(np.abs(track.centre[:, 0] - truth)) < 4


def test_a_still_picture_is_said_and_used_whole() -> None:
    frames = [np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)] * 20
    scene, small, warnings = learn_scene(np.stack(frames))
    track = track_subject(frames, small)
    assert warnings == ()
    assert "nothing moves" in track.warnings[0]
    assert track.box[0].tolist() == [0, -10, 80, 70]
    assert scene.saliency(frames[0]).min() == 1


def test_two_subjects_are_said() -> None:
    def pair(index: int) -> np.ndarray:
        frame = np.full((90, 120, 3), 100, np.uint8)
        frame[20:36, 5 + index : 25 + index] = 220
        frame[60:76, 95 - index : 115 - index] = 30
        return frame

    frames = [pair(index) for index in range(60)]
    _, small, _ = learn_scene(spread(frames))
    track = track_subject(frames, small)
    assert SEVERAL in track.warnings
    assert track.found.mean() > 0.9


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


def test_a_shadow_does_not_pull_the_box_sideways() -> None:
    height, width = 96, 192
    background = np.full((height, width, 3), (120, 130, 150), np.uint8)
    frames = []
    for step in range(30):
        frame = background.copy()
        x = 30 + 4 * step
        frame[84:90, x : x + 40] = frame[84:90, x : x + 40] * 0.6
        frame[20:90, x - 6 : x + 6] = (170, 60, 50)
        frames.append(frame)
    scene = Scene(background, np.full((height, width), 2, np.float32), np.zeros((height, width, 4), np.uint8), False)
    track = track_subject(frames, scene)
    offset = (track.box[:, 0] + track.box[:, 2]) / 2 - (30 + 4 * np.arange(30))
    assert np.abs(offset[5:-5]).max() < 3
    assert track.body_height == pytest.approx(70, abs=4)


def test_a_subject_that_is_elsewhere_in_every_picture_is_found_there() -> None:
    random = np.random.default_rng(5)
    wall = random.integers(90, 110, (120, 160, 3), dtype=np.uint8)
    places = random.permutation([(x, y) for x in range(14, 150, 26) for y in range(14, 110, 26)])[:20]
    frames = []
    for x, y in places:
        frames.append(wall.copy())
        frames[-1][y - 6 : y + 6, x - 9 : x + 9] = 20
    track = track_subject(frames, learn_scene(np.stack(frames))[1], fps=25)
    assert track.found.all()
    assert np.abs(track.centre - places).max() < 2


def test_a_cut_does_not_draw_the_box_away_from_the_subject() -> None:
    frames = list(walking_frames(40))
    cut = [*frames[:20], *frames[:6][::-1]]  # the walker is suddenly back at the left
    track = track_subject(cut, learn_scene(spread(frames))[1], fps=25)
    walked = track_subject(frames, learn_scene(spread(frames))[1], fps=25)
    assert np.abs(track.centre[:18] - walked.centre[:18]).max() < 3
    assert np.abs(track.centre[20:, 0] - walked.centre[:6][::-1, 0]).max() < 6
