"""Scene and track of a recording from its survey, whether its camera stands still, moves, or cannot be followed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ubam.core.affine import inverse
from ubam.core.errors import VideoError
from ubam.core.progress import Progress, stretched
from ubam.recordings.film import VideoInfo
from ubam.recordings.study_table import Recording
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
from ubam.tracking.disturbances.faintness import (
    contrast,
    finer_reduction,
    reduction_for_length,
    said_of_contrast,
    said_of_size,
)
from ubam.tracking.disturbances.intruders import steadied, without_light
from ubam.tracking.disturbances.judges import judged
from ubam.tracking.disturbances.jumps import Jumps, find_jumps
from ubam.tracking.disturbances.light import evenly_lit, light_changes
from ubam.tracking.disturbances.rivals import choose_subject, same_body
from ubam.tracking.disturbances.sentences import said_of_jumps, said_of_larger, said_of_light
from ubam.tracking.disturbances.visits import Visit, visit_in
from ubam.tracking.finding import Finding
from ubam.tracking.first_pass import SAMPLE_BYTES, FirstPass, read_first_pass
from ubam.tracking.given_masks import find_by_masks
from ubam.tracking.heading import facing, from_above
from ubam.tracking.scene.background import (
    enlarged,
    median_background,
    noise_map,
    reduced,
    steadiest_background,
    steadiest_seen,
)
from ubam.tracking.scene.empty_scene import IN_PLACE, Scene, always_there, empty_scene, scene_of_motion
from ubam.tracking.second_look import Frames, Settled, Shown, follow_body, settle, subject_in_boxes
from ubam.tracking.track import LARGER, Track, fixed_track, motion_of

MOVING = "the camera moves: frames were brought into one picture before the subject was looked for"
LOST = (
    "the camera moves and its frames cannot be brought into one picture: the subject is what moves otherwise than its "
    "surroundings, and a magnified clip is not to be trusted; record with a camera at rest"
)
MOVING_BEHIND_MASKS = (
    "the camera moves and masks were given: what is behind the subject is not known, and a magnified clip is not to be "
    "trusted; record with a camera at rest"
)
MOVING_IN_BOX = "the camera moves and the given box does not: what the box shows is compared with a picture at rest"
LOCAL_S = 0.2  # seconds between the frames that give a lost camera's local background
SURVEYED, LOOKS = 0.25, 1000  # share of finding's time that the first pass takes, about; steps of its progress
SEEN = 0.5  # share of the frames before and after a visit in which the subject must be seen


def survey_and_find(
    recording: Recording, info: VideoInfo, folder: Path, progress: Progress | None = None
) -> tuple[FirstPass, Finding]:
    """The first pass over a recording, and the scene and track found in it; its pictures go into `folder`.

    Where the subject is small in the usual small pictures, or was not seen in them, a second pass has larger ones.

    Raises
    ------
        StudyError: the given masks do not fit.
        VideoError: fewer than 8 frames can be used, or the given box lies outside the picture.
    """
    surveyed, followed = stretched(progress, 0, SURVEYED, LOOKS), stretched(progress, SURVEYED, 1, LOOKS)
    survey = read_first_pass(recording, info, folder, surveyed)
    finding = find_subject(recording, survey, followed)
    finer = _finer(recording, survey, finding)
    if finer is not None:
        survey = read_first_pass(recording, info, folder, surveyed, finer)
        finding = find_subject(recording, survey, followed)
        finding = replace(finding, track=finding.track.saying(*said_of_size(finding.track.extent)))
    return survey, finding


def _finer(recording: Recording, survey: FirstPass, finding: Finding) -> int | None:
    """How many times smaller pictures should be instead; None where they are as they should be."""
    if finding.track.motionless:
        return finer_reduction(survey.samples, survey.reduction)
    told = recording.box is not None or recording.mask is not None
    if told or finding.camera is not None or finding.lost:
        return None
    return reduction_for_length(finding.track.extent, survey.reduction)


def find_subject(recording: Recording, survey: FirstPass, progress: Progress | None = None) -> Finding:
    """Scene and track of a recording; a given box or given masks are taken as they are.

    progress: of the looks that follow the body, which take most of the time.

    Raises
    ------
        StudyError: the given masks do not fit.
        VideoError: the given box lies outside the picture.
    """
    jumps = find_jumps(survey)
    camera, lost = _camera(survey) if jumps is None else (_pushed(survey, jumps), False)
    lit = light_changes(survey.light, survey.fps)
    finding = _find(recording, survey, camera, lost, lit, progress)
    joined = camera is not None and recording.mask is None and recording.box is None
    said = _said_of_camera(survey, jumps, joined=joined)
    return _saying(replace(finding, track=finding.track.saying(*said)), survey, lit)


def _find(
    recording: Recording, survey: FirstPass, camera: Camera | None, lost: bool, lit: Sequence[int],
    progress: Progress | None,
) -> Finding:  # fmt: skip
    if recording.mask is not None:
        finding = _turned(find_by_masks(recording.mask, survey), survey.fps)
        if camera is None and not lost:
            return finding
        return replace(finding, lost=True, track=finding.track.saying(MOVING_BEHIND_MASKS))
    if recording.box is not None:
        finding = _find_in_box(recording, survey, recording.box)
        remark = (MOVING_IN_BOX,) * (camera is not None or lost)
        return replace(finding, track=finding.track.saying(*remark))
    if lost:
        return _find_moving_parts(survey, progress)
    if camera is not None:
        return _find_in_mosaic(survey, camera, lit, progress)
    scene, track = scene_and_track(
        survey.small_frames, survey.samples, survey.sampled, survey.reduction, survey.fps, lit, progress
    )
    return _turned(Finding(scene, track), survey.fps)


def scene_and_track(
    frames: Frames, samples: np.ndarray, at: np.ndarray, times: int, fps: float, lit: Sequence[int] = (),
    progress: Progress | None = None,
) -> tuple[Scene, Track]:  # fmt: skip
    """The empty scene and the body's track, from what moves and then from what the eye sees there.

    Parameters
    ----------
    frames
        Gives the small pictures of all frames anew at every call.
    samples
        uint8 [N,H,W,3], the frames at positions `at` at full size.
    at
        Int [N], rising.
    times
        How many pixels of the full size make one of the small pictures.
    fps
        Frames per second.
    lit
        The frames at which the light changes.
    progress
        Of the looks that follow the body.
    """
    visit = Visit(np.zeros(len(samples), bool), 0.0) if lit else visit_in(_small(samples, times))
    shown = Shown(frames, times, fps, progress)
    seen = _seen_among(shown, samples, at, lit)
    if visit.there.any():
        alone = _seen_among(shown, samples[~visit.there], at[~visit.there], visited=True)
        seen = alone if _is_visitor(visit, at, alone, seen) else seen
    return seen.scene, seen.track


class _Seen(NamedTuple):
    """What was found, and the body that the eye saw; None where it saw none."""

    scene: Scene
    track: Track
    settled: Settled | None


def _is_visitor(visit: Visit, at: np.ndarray, alone: _Seen, together: _Seen) -> bool:
    """Whether what comes and goes is not the subject itself: a much smaller body is seen with it and without it."""
    if alone.settled is None or together.settled is None:
        return False
    found = together.track.found[at[~visit.there]]
    bodies = alone.settled.subject[found], together.settled.subject[~visit.there][found]
    return visit.area > LARGER * alone.settled.area and found.mean() > SEEN and same_body(*bodies)


def _small(samples: np.ndarray, times: int) -> np.ndarray:
    return np.stack([reduced(sample, times) for sample in samples])


def _seen_among(
    shown: Shown, samples: np.ndarray, at: np.ndarray, lit: Sequence[int] = (), visited: bool = False
) -> _Seen:
    """What is found with pictures of the scene that are made of these samples.

    visited: whether something much larger is in view in other frames than these.
    """
    frames, times, fps, _ = shown
    first = scene_of_motion(_small(samples, times))
    motion = motion_of(first.saliency(evenly_lit(frame, first.background)) for frame in frames())
    visit = steadied(motion.heavier(at), fps) if visited else np.zeros(len(motion.path), bool)
    motion = judged(frames, motion.without(visit) if visited else motion)
    choice = choose_subject(frames, at, motion, times, fps, first)
    moving, settled = choice.subject.track, choice.subject.settled
    subject = _boxes_of(moving, at, times, motion.size) if settled is None else settled.subject
    whole = np.stack([enlarged(one, times, samples.shape[2], samples.shape[1]) > 127 for one in subject])
    scene = empty_scene(samples, whole)
    if settled is not None and (always := always_there(samples, whole, scene)).any():
        whole |= always
        scene = empty_scene(samples, whole)
    track = moving
    if settled is not None:
        larger = visit | without_light(steadied(motion.larger(settled.area), fps), lit, fps)
        # Where the subject cannot be told from what is heavier, the eye may see a part of that.
        unsure = larger | (~moving.found if choice.beside else False)
        track = follow_body(shown, scene.resized(motion.size), moving, settled, ~unsure)
        track = replace(track, larger=larger)
    remarks = choice.subject.motion.remarks(track, times, beside=choice.beside, unlike=choice.unlike)
    faint = () if settled is None else said_of_contrast(contrast(samples, whole, scene))
    said = track.saying(*((IN_PLACE,) * scene.hidden), *remarks, *faint)
    return _Seen(scene, said, settled)


def _boxes_of(track: Track, at: np.ndarray, times: int, size: tuple[int, int]) -> np.ndarray:
    """The whole boxes of a track in the small pictures at some positions, bool [N,h,w]: no body was seen in them."""
    x, y = np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5
    x0, y0, x1, y1 = (track.box[at] / times).T[..., None]
    inside = ((y > y0) & (y < y1))[:, :, None] & ((x > x0) & (x < x1))[:, None]
    return np.asarray(inside & track.found[at, None, None])


def _camera(survey: FirstPass) -> tuple[Camera | None, bool]:
    """How the camera moves, in small pixels, and whether it was lost."""
    at_rest = share_at_rest(np.stack([reduced(sample, survey.reduction) for sample in survey.samples]))
    if at_rest >= AT_REST:
        return None, False
    try:
        return follow_camera(survey.small_frames, len(survey.times)), False
    except LostCamera:
        return None, at_rest < NOTHING_RESTS


def _pushed(survey: FirstPass, jumps: Jumps) -> Camera:
    height, width = survey.samples.shape[1:3]
    return jumps.camera(len(survey.times), (height // survey.reduction, width // survey.reduction))


def _said_of_camera(survey: FirstPass, jumps: Jumps | None, *, joined: bool) -> tuple[str, ...]:
    if jumps is None:
        return (MOVING,) * joined
    return (said_of_jumps(survey.times[list(jumps.at)].tolist(), joined=joined),)


def _saying(finding: Finding, survey: FirstPass, lit: Sequence[int]) -> Finding:
    """The finding with what is to be said of its light, and of something larger that was in view."""
    track = finding.track
    if lit:
        track = track.saying(said_of_light(survey.times[list(lit)].tolist()))
    if track.larger is not None and track.larger.any():
        track = track.saying(said_of_larger(track.larger, survey.times))
    return replace(finding, track=track)


def _turned(finding: Finding, fps: float) -> Finding:
    """The finding with its views turned to the subject's own heading where it is seen from above."""
    heading = facing(finding.track, fps)
    if heading is None:
        return finding
    track = from_above(finding.track)
    return replace(finding, track=track, heading=heading, egocentric=True, upright=finding.track)


def _find_in_mosaic(
    survey: FirstPass, small: Camera, lit: Sequence[int], progress: Progress | None = None
) -> Finding:  # fmt: skip
    """Scene and track, found in the scene's pixels as for a camera at rest; the boxes are converted back."""
    wanted = small.size[0] * small.size[1] * survey.reduction**2 * 3 * len(survey.samples)
    shrinking = min(1.0, float(np.sqrt(2 * SAMPLE_BYTES / wanted)))
    camera = small.scaled(survey.reduction, survey.reduction * shrinking)
    times = max(1, round(survey.reduction * shrinking))
    kept = small.registered[survey.sampled]
    at = survey.sampled[kept]
    laid = _laid_samples(survey.samples[kept], camera.at(at))
    around = reduced(steadiest_background(laid), times)
    tracker = replace(small.scaled(1, survey.reduction * shrinking / times), size=around.shape[1::-1])
    frames = partial(_laid_frames, tracker, survey, around)
    scene, track = scene_and_track(frames, laid, at, times, survey.fps, lit, progress)
    track = replace(track, found=track.found & camera.registered)
    finding = _turned(Finding(scene, track, camera), survey.fps)
    roll = camera.roll.astype(np.float32)
    heading = roll if finding.heading is None else finding.heading + roll
    upright = None if finding.upright is None else _brought_back(finding.upright, camera)
    return replace(finding, track=_brought_back(finding.track, camera), heading=heading, upright=upright)


def _laid_frames(tracker: Camera, survey: FirstPass, background: np.ndarray) -> Iterator[np.ndarray]:
    return laid_out(tracker, survey.small_frames(), background)


def _laid_samples(samples: np.ndarray, camera: Camera) -> np.ndarray:
    """Samples placed in the scene, uint8 [N,H,W,3]; where one does not reach, what is seen there most steadily."""
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


def _find_moving_parts(survey: FirstPass, progress: Progress | None = None) -> Finding:
    """The subject is what moves differently from its surroundings; the scene is only the median picture."""
    median = median_background(survey.samples)
    motion = motion_of(moving_parts(survey))
    track = motion.track(survey.reduction, survey.fps)
    settled = settle(survey.small_frames, survey.sampled, track, survey.reduction)
    if settled is not None:
        shown = Shown(survey.small_frames, survey.reduction, survey.fps, progress)
        track = follow_body(shown, None, track, settled)
    remarks = motion.remarks(track, survey.reduction)
    scene = Scene(median, noise_map(survey.samples, median), False)
    return Finding(scene, replace(track, warnings=(LOST, *track.warnings, *remarks)), lost=True)


def moving_parts(survey: FirstPass) -> Iterator[np.ndarray]:
    """The soft foreground of a lost camera's small frames, float32 [h,w] each."""
    return local_saliency(survey.small_frames(), max(1, round(LOCAL_S * survey.fps)))


def _find_in_box(recording: Recording, survey: FirstPass, box: tuple[float, float, float, float]) -> Finding:
    """The scene behind the subject in a given box, as others may move outside; the box itself is the track."""
    height, width = survey.samples.shape[1:3]
    left, right = (round(min(max(x, 0.0), width)) for x in box[::2])
    top, bottom = (round(min(max(y, 0.0), height)) for y in box[1::2])
    if right - left < 8 or bottom - top < 8:
        raise VideoError(
            f"{recording.video}: the box {box} of row {recording.row} lies outside its {width}x{height} picture"
        )
    track = fixed_track(len(survey.times), box, ())
    boxes = track.box[survey.sampled] / survey.reduction
    subject = subject_in_boxes(survey.small_frames, survey.sampled, boxes)
    whole = np.stack([enlarged(one, survey.reduction, width, height) > 127 for one in subject])
    scene = empty_scene(survey.samples, whole)
    return Finding(scene, track.saying(*((IN_PLACE,) * scene.hidden)))
