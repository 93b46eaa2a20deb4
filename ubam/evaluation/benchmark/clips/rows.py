"""The rows of the magnification benchmark: what turns a stretch of a recording and factors into pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.affine import similarity
from ubam.core.typing import Array
from ubam.evaluation.benchmark.clips.baselines import eulerian, phase_based, pixel_average
from ubam.evaluation.published.method import SynthesisGenerator, pasted, synthesised
from ubam.magnification.magnify import Embed, EmbeddedRecording, magnify
from ubam.magnification.quality_checks import frame_values
from ubam.magnification.subject_layer import subject_opacity
from ubam.magnification.transfer import TransferChecks, read_path, standing_shift, transferred
from ubam.recordings.video_reader import read_frames
from ubam.tracking.crop_store import CropStore
from ubam.tracking.scene.foreground import clean_mask

Pictures = NDArray[np.uint8]
Shown = Mapping[float, Pictures]  # pictures [n, H, W, 3] at each factor
Making = Callable[["Clip", Sequence[float]], Shown]


@dataclass(frozen=True)
class Source:
    """A reference recording: its crops, its video, and its postures float32 [T, D]."""

    store: CropStore
    video: Path
    posture: Array


@dataclass
class Clip:
    """Part of a recording, and what a row may use of it and of the reference; rows do not see the truth.

    positions int64 [n] in the store; recorded uint8 [n, H, W, 3]; references: name and matched positions [T] per
    reference subject, most alike first; sources: every recording of the reference's other subjects, by name. posture,
    twin float32 [T, D]. rendered: the renderer's own pictures at each factor, for the row `truth` alone. checked: by
    factor, what the last row itself measures of each of the n frames for its marks (`quality_checks.frame_values`);
    empty for a row that says nothing of it.
    """

    store: CropStore
    video: Path
    positions: NDArray[np.int64]
    recorded: Pictures
    references: list[tuple[str, NDArray[np.int64]]]
    sources: Mapping[str, Source]
    embed: Embed
    posture: Array
    twin: Array
    rendered: Shown
    synthesis: SynthesisGenerator | None = None
    checked: dict[float, list[dict[str, float]]] = field(default_factory=dict)

    def twin_pictures(self, number: int) -> Pictures:
        """Reference subject `number` in place of the recorded one, uint8 [n, H, W, 3]; see `in_place_of`."""
        name, path = self.references[number]
        return in_place_of(self, [(name, int(path[position])) for position in self.positions])


def in_place_of(clip: Clip, stand: Sequence[tuple[str, int]]) -> Pictures:
    """The recording with its subject replaced, at each moment, by that of a frame of another recording.

    stand: name and position of the other's frame, one per frame of the clip. It is brought over by body height, ground
    line and box centre, with the pixels that stand out from its own scene.
    """
    whole = clip.store.whole_scene()
    under = []
    for picture, position in zip(clip.recorded, clip.positions, strict=True):
        scene = clip.store.seen(whole, int(position))
        own = _opacity(clip.store, scene.saliency(picture))
        gone = np.clip(1.5 * cv2.dilate(own, np.ones((3, 3), np.uint8)), 0, 1)[..., None]
        under.append(gone * scene.background + (1 - gone) * picture)
    out = np.empty_like(clip.recorded)
    for name in dict.fromkeys(name for name, _ in stand):
        wanted = [index for index, (other, _) in enumerate(stand) if other == name]
        matched, source = [stand[index][1] for index in wanted], clip.sources[name]
        theirs = source.store.whole_scene()
        for index, place, picture in zip(wanted, matched, _frames_at(source, matched), strict=True):
            opacity = _opacity(source.store, source.store.seen(theirs, place).saliency(picture))
            move = _brought_over(clip.store, int(clip.positions[index]), source.store, place)
            out[index] = _laid_over(under[index], picture, opacity, move)
    return out


def _frames_at(source: Source, positions: Sequence[int]) -> list[Pictures]:
    """The pictures of a recording at these positions of its store."""
    wanted = source.store.frame_index[np.asarray(positions)]
    first = int(wanted.min())
    read = list(read_frames(source.video, start_frame=first, stop_frame=int(wanted.max()) + 1))
    return [read[int(frame) - first] for frame in wanted]


def _brought_over(query: CropStore, position: int, other: CropStore, place: int) -> NDArray[np.float64]:
    """The map [2, 3] from pixels of the other's frame to those of the query's."""
    scale = query.height_at(position) / max(other.height_at(place), 1.0)
    grounds = float(other.ground_y[place]), float(query.ground_y[position])
    return similarity(other.box[place], query.box[position], *grounds, scale)


def _laid_over(under: Array, picture: Pictures, opacity: Array, move: NDArray[np.float64]) -> Pictures:
    size = under.shape[1::-1]
    layer = cv2.warpAffine(opacity, move, size, flags=cv2.INTER_LINEAR)[..., None]
    moved = cv2.warpAffine(picture, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(np.rint(layer * moved + (1 - layer) * under), 0, 255).astype(np.uint8)


def _opacity(store: CropStore, salient: Array) -> Array:
    return subject_opacity(salient, clean_mask(salient), max(1.0, store.body_height / 100))


def truth(clip: Clip, factors: Sequence[float]) -> Shown:
    """The renderer's own pictures: what the instruments read on a perfect clip."""
    return {factor: clip.rendered[factor] for factor in factors}


def ubam(clip: Clip, factors: Sequence[float]) -> Shown:
    """The clip of ubam itself; what it measures of its frames is left in `clip`."""
    references = [(clip.sources[name].store, path) for name, path in clip.references]
    recording = EmbeddedRecording(clip.store, clip.video, clip.posture)
    made = magnify(recording, references, clip.positions, factors, embed=clip.embed, twin=clip.twin)
    frames = list(made.rendered(factors))
    for factor in factors:
        clip.checked[factor] = [frame_values(made, frame, factor) for frame in frames]
    return {factor: np.stack([frame.moved[factor].picture for frame in frames]) for factor in factors}


def published(clip: Clip, factors: Sequence[float]) -> Shown:
    """The published way: each frame's picture drawn from two codes, extrapolated from the nearest reference postures.

    The appearance comes from another frame of the recording; the drawn square covers the subject's box.
    """
    if clip.synthesis is None:
        return {}
    looks = clip.store.crops([int(_away(clip)[0])])[0]
    gallery = np.concatenate([source.posture for source in clip.sources.values()])
    own = clip.posture[clip.positions]
    drawn = {factor: synthesised(clip.synthesis, looks, own, gallery, factor) for factor in factors}
    boxes = clip.store.box[clip.positions]
    return {
        factor: np.stack([pasted(*parts) for parts in zip(clip.recorded, drawn[factor], boxes, strict=True)])
        for factor in factors
    }


def swap(clip: Clip, factors: Sequence[float]) -> Shown:
    """The reference frame with the nearest posture in place of each recorded frame; it has factor 0 only."""
    names = [(name, place) for name, source in clip.sources.items() for place in range(len(source.posture))]
    gallery = np.concatenate([source.posture for source in clip.sources.values()])
    own = clip.posture[clip.positions]
    nearest = [int(np.square(gallery - posture).sum(1).argmin()) for posture in own]
    return {0.0: in_place_of(clip, [names[index] for index in nearest])} if 0.0 in factors else {}


def rebuilt(clip: Clip, factors: Sequence[float]) -> Shown:
    """Each frame built from another one of its recording, moved into its posture, as `--appearance` does."""
    side = EmbeddedRecording(clip.store, clip.video, clip.posture)
    away = _away(clip)
    made, frames = transferred(side, side, clip.positions, away, embed=clip.embed)
    checks = TransferChecks(made, standing_shift(made.registration, clip.positions, away))
    pictures = np.stack(list(checks.watch(frames, clip.positions)))
    clip.checked[1.0] = checks.values
    return {1.0: pictures}


def copied(clip: Clip, factors: Sequence[float]) -> Shown:
    """That other frame as it is."""
    return {1.0: np.stack(list(read_path(clip.video, clip.store.frame_index[_away(clip)])))}


def _away(clip: Clip) -> NDArray[np.int64]:
    """For each frame, one that is half a recording away."""
    frames = len(clip.store.time_s)
    return (clip.positions + frames // 2) % frames


def _of_pair(way: Callable[[Pictures, Pictures, float], Pictures]) -> Making:
    """A way of exaggerating the difference of two pictures, on every frame and the twin that moves most like it."""

    def make(clip: Clip, factors: Sequence[float]) -> Shown:
        pairs = list(zip(clip.recorded, clip.twin_pictures(0), strict=True))
        return {factor: np.stack([way(own, twin, factor) for own, twin in pairs]) for factor in factors}

    return make


def average(clip: Clip, factors: Sequence[float]) -> Shown:
    """The mean picture of all matched references as the twin, the pixels extrapolated from it."""
    twins = np.stack([clip.twin_pictures(number) for number in range(len(clip.references))])
    return {
        factor: np.stack([pixel_average(own, twins[:, index], factor) for index, own in enumerate(clip.recorded)])
        for factor in factors
    }


AT_ONE = ("truth", "published", "rebuilt", "copied")  # rows whose factor 1 is not the recording itself
CLIP_ROWS: dict[str, Making] = {
    "truth": truth,
    "ubam": ubam,
    "rebuilt": rebuilt,
    "copied": copied,
    "published": published,
    "eulerian": _of_pair(eulerian),
    "phase": _of_pair(phase_based),
    "pixel average": average,
    "swap": swap,
}
