"""Scene and track of a recording from its survey, whether its camera stands still, moves, or cannot be followed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from ubam.core.affine import inverse
from ubam.core.errors import VideoError
from ubam.recordings.study_table import Recording
from ubam.tracking.background import median_background, noise_map, reduced, steadiest_seen
from ubam.tracking.camera_motion import (
    AT_REST,
    NOTHING_RESTS,
    Camera,
    LostCamera,
    follow_camera,
    laid_out,
    local_saliency,
    share_at_rest,
)
from ubam.tracking.first_pass import SAMPLE_BYTES, FirstPass, reduction_of
from ubam.tracking.heading import facing, from_above
from ubam.tracking.scene import Scene, learn_scene
from ubam.tracking.track import Track, fixed_track, track_saliency, track_subject

MOVING = "the camera moves: frames were brought into one picture before the subject was looked for"
LOST = (
    "the camera moves and its frames cannot be brought into one picture: the subject is what moves otherwise than its "
    "surroundings, and a magnified clip is not to be trusted; record with a camera at rest"
)
MOVING_IN_BOX = "the camera moves and the given box does not: what the box shows is compared with a picture at rest"
LOCAL_S = 0.2  # seconds between the frames that give a lost camera's local background


@dataclass(frozen=True)
class Finding:
    """What is known of a recording before its views are made.

    scene: of the whole recording; in its own pixels, unless there is a camera. track: in pixels of the recording.
    camera: how it moves, from pixels of the recording to those of the scene; None where it stands still. heading
    float32 [T]: by how much each view is turned back, radians, clockwise. egocentric: whether that is the subject's
    own heading. lost: whether the camera moves and nothing is known of how.
    """

    scene: Scene
    track: Track
    camera: Camera | None = None
    heading: np.ndarray | None = None
    egocentric: bool = False
    lost: bool = False


def find_subject(recording: Recording, survey: FirstPass) -> Finding:
    """Scene and track of a recording; a given box is taken as it is.

    Raises
    ------
    VideoError
        The given box lies outside the picture.
    """
    camera, lost = _camera(survey)
    if recording.box is not None:
        scene, track = _scene_in_box(recording, survey.samples, recording.box, len(survey.times))
        remark = (MOVING_IN_BOX,) * (camera is not None or lost)
        return Finding(scene, replace(track, warnings=track.warnings + remark))
    if lost:
        return _find_moving_parts(survey)
    if camera is not None:
        return _find_in_mosaic(survey, camera)
    scene, small, remarks = learn_scene(survey.samples, survey.reduction)
    track = track_subject(survey.small_frames(), small, scale=survey.reduction, fps=survey.fps)
    return _turned(Finding(scene, replace(track, warnings=remarks + track.warnings)), survey.fps)


def _camera(survey: FirstPass) -> tuple[Camera | None, bool]:
    """How the camera moves, in small pixels, and whether it was lost."""
    at_rest = share_at_rest(np.stack([reduced(sample, survey.reduction) for sample in survey.samples]))
    if at_rest >= AT_REST:
        return None, False
    try:
        return follow_camera(survey.small_frames, len(survey.times)), False
    except LostCamera:
        return None, at_rest < NOTHING_RESTS


def _turned(finding: Finding, fps: float) -> Finding:
    """The finding with its views turned to the subject's own heading where it is seen from above."""
    heading = facing(finding.track, fps)
    if heading is None:
        return finding
    return replace(finding, track=from_above(finding.track), heading=heading, egocentric=True)


def _find_in_mosaic(survey: FirstPass, small: Camera) -> Finding:
    """Scene and track in the scene's pixels, where everything is as for a camera at rest; the boxes brought back."""
    wanted = small.size[0] * small.size[1] * survey.reduction**2 * 3 * len(survey.samples)
    shrinking = min(1.0, float(np.sqrt(2 * SAMPLE_BYTES / wanted)))
    camera = small.scaled(survey.reduction, survey.reduction * shrinking)
    times = max(1, round(survey.reduction * shrinking))
    kept = small.registered[survey.sampled]
    laid = _laid_samples(survey.samples[kept], camera.at(survey.sampled[kept]))
    scene, small_scene, remarks = learn_scene(laid, times)
    del laid
    height, width = small_scene.background.shape[:2]
    tracker = replace(small.scaled(1, survey.reduction * shrinking / times), size=(width, height))
    frames = laid_out(tracker, survey.small_frames(), small_scene.background)
    track = track_subject(frames, small_scene, scale=times, fps=survey.fps)
    track = replace(track, found=track.found & camera.registered, warnings=(MOVING, *remarks, *track.warnings))
    finding = _turned(Finding(scene, track, camera), survey.fps)
    roll = camera.roll.astype(np.float32)
    heading = roll if finding.heading is None else finding.heading + roll
    return replace(finding, track=_brought_back(finding.track, camera), heading=heading)


def _laid_samples(samples: np.ndarray, camera: Camera) -> np.ndarray:
    """Samples laid into the scene, and what is seen there most steadily where one does not reach; uint8 [N,H,W,3]."""
    laid, outside = (np.stack(parts) for parts in zip(*map(camera.register, samples, count()), strict=False))
    around = steadiest_seen(laid, outside)
    for picture, missing in zip(laid, outside, strict=True):
        picture[missing] = around[missing]
    return laid


def _brought_back(track: Track, camera: Camera) -> Track:
    """A track in the scene's pixels as one in the recording's: its box grows and shrinks with the camera's zoom."""
    back = np.stack([inverse(move) for move in camera.moves])
    middle = (track.box[:, :2] + track.box[:, 2:]) / 2
    zoom = camera.zoom
    centre, middle_there = (
        np.einsum("tij,tj->ti", back[:, :, :2], at) + back[:, :, 2] for at in (track.centre, middle)
    )
    half = (0.5 * (track.box[0, 2] - track.box[0, 0]) * zoom)[:, None]
    ground = middle_there[:, 1] + (track.ground_y - middle[:, 1]) * zoom
    box = np.concatenate([middle_there - half, middle_there + half], axis=1).astype(np.float32)
    height = track.body_height * float(np.median(zoom))
    return replace(
        track, box=box, body_height=height, ground_y=ground.astype(np.float32), centre=centre.astype(np.float32)
    )


def _find_moving_parts(survey: FirstPass) -> Finding:
    """What moves otherwise than its surroundings is the subject; the scene is only the median picture."""
    median = median_background(survey.samples)
    scene = Scene(
        median, noise_map(survey.samples, median), np.dstack([median, np.zeros(median.shape[:2], np.uint8)]), False
    )
    small = scene.resized((median.shape[1] // survey.reduction, median.shape[0] // survey.reduction))
    track = track_saliency(moving_parts(survey), small, scale=survey.reduction, fps=survey.fps)
    return Finding(scene, replace(track, warnings=(LOST, *track.warnings)), lost=True)


def moving_parts(survey: FirstPass) -> Iterator[np.ndarray]:
    """The soft foreground of a lost camera's small frames, float32 [h,w] each."""
    return local_saliency(survey.small_frames(), max(1, round(LOCAL_S * survey.fps)))


def _scene_in_box(
    recording: Recording, samples: np.ndarray, box: tuple[float, float, float, float], count: int
) -> tuple[Scene, Track]:
    """The scene learnt inside a given box only, as another subject may move outside; the box itself is the track."""
    height, width = samples.shape[1:3]
    left, right = (round(min(max(x, 0.0), width)) for x in box[::2])
    top, bottom = (round(min(max(y, 0.0), height)) for y in box[1::2])
    if right - left < 8 or bottom - top < 8:
        raise VideoError(
            f"{recording.video}: the box {box} of row {recording.row} lies outside its {width}x{height} picture"
        )
    inside = np.ascontiguousarray(samples[:, top:bottom, left:right])
    part, _, remarks = learn_scene(inside, reduction_of(right - left, bottom - top))
    median = median_background(samples)
    whole = Scene(
        median, noise_map(samples, median), np.dstack([median, np.zeros((height, width), np.uint8)]), part.hidden
    )
    for name in ("background", "noise", "still"):
        getattr(whole, name)[top:bottom, left:right] = getattr(part, name)
    return whole, fixed_track(count, box, remarks)
