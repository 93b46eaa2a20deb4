"""A study of the magnification benchmark: its learnt networks, its recordings' clips, and what is true of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from ubam.core.affine import similarity
from ubam.core.errors import UbamError
from ubam.core.files import atomic_path, read_arrays, write_arrays
from ubam.core.settings import Settings
from ubam.deviation.normal_variation import trimmed_mean
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.twin import Matcher, twin_basis
from ubam.encoding.embedding import embed_postures
from ubam.encoding.saved_model import Networks
from ubam.evaluation.benchmark.clips.rows import Clip, Shown, Source
from ubam.evaluation.benchmark.rows import REFERENCE, KnownStudy, networks, networks_folder
from ubam.evaluation.benchmark.run import Rendering, open_study
from ubam.evaluation.published.method import SynthesisGenerator, train_synthesis
from ubam.evaluation.synthetic.recording import Rendered
from ubam.evaluation.synthetic.study import render_again
from ubam.recordings.video_reader import read_frames

FRAMES = 24  # of each clip, in the middle of the recording: about a second, a step of either leg
SYNTHESIS_STEPS = 300  # of 8 frames: 3 core-minutes, 0.004 % of the published training
GROUND_PART = 0.5  # of the body height from the ground, on which the horizontal origin of references is fixed
Points = NDArray[np.float64]


def learn_study(out: Path, study: Rendering, settings: Settings, published: bool) -> None:
    """Train the study's networks, keep them and the postures of all recordings; with `published` its generator too."""
    cv2.setNumThreads(1)
    known = open_study(out / "studies" / study.name)
    folder = networks_folder(known.networks, settings)
    if not (folder / "postures.npz").exists():
        model, _ = networks(known, settings)
        postures = [embed_postures(model.posture, store.views) for store in known.stores]
        names = [recording.recording_id for recording in known.recordings]
        write_arrays(folder / "postures.npz", **dict(zip(names, postures, strict=True)))
    if published and not _synthesis_file(folder).exists():
        torch.set_num_threads(1)
        stored = read_arrays(folder / "postures.npz")
        network, _ = train_synthesis(known.stores, list(stored.values()), steps=SYNTHESIS_STEPS, seed=settings.seed)
        with atomic_path(_synthesis_file(folder)) as temporary:
            save_file(network.state_dict(), temporary)


def _synthesis_file(folder: Path) -> Path:
    return folder / f"synthesis-{SYNTHESIS_STEPS}.safetensors"


class ClipStudy:
    """A study with its learnt networks, as the rows use it."""

    def __init__(self, out: Path, study: Rendering, settings: Settings) -> None:
        self.study = study
        self.known: KnownStudy = open_study(out / "studies" / study.name)
        self.folder = networks_folder(self.known.networks, settings)
        self.truths = out / "studies" / study.name / "truth"
        self.model = Networks.load(self.folder)
        stored = read_arrays(self.folder / "postures.npz")
        self.names = [recording.recording_id for recording in self.known.recordings]
        self.codes: list[PostureSeries] = self.known.codes([stored[name] for name in self.names])

    @cached_property
    def matcher(self) -> Matcher:
        """Finds twins among the healthy."""
        return Matcher([code for code in self.codes if code.group == REFERENCE], twin_basis(self.codes))

    @cached_property
    def synthesis(self) -> SynthesisGenerator | None:
        """The published generator, where it was trained."""
        if not _synthesis_file(self.folder).exists():
            return None
        network = SynthesisGenerator(self.model.posture.dim)
        network.load_state_dict(load_file(_synthesis_file(self.folder)))
        return network.eval()

    def embed(self, views: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Views uint8 [n, V, V, 3] to postures float32 [n, D]."""
        return embed_postures(self.model.posture, views)

    def clip(self, recording_id: str, rendered: Shown) -> Clip:
        """The middle of a recording with its twin and the reference's recordings, never of its own subject."""
        index = self.names.index(recording_id)
        store, recording, code = self.known.stores[index], self.known.recordings[index], self.codes[index]
        positions = middle(len(store.time_s))
        wanted = store.frame_index[positions]
        read = read_frames(recording.video, start_frame=int(wanted[0]), stop_frame=int(wanted[-1]) + 1)
        twin = self.matcher.twin(code)
        sources = {
            other.recording_id: Source(known, row.video, other.posture)
            for other, known, row in zip(self.codes, self.known.stores, self.known.recordings, strict=True)
            if other.group == REFERENCE and other.subject != code.subject
        }
        return Clip(
            store, recording.video, positions, np.stack(list(read)), twin.references, sources, self.embed,
            code.posture, twin.posture, rendered, self.synthesis,
        )  # fmt: skip

    def render(self, recording_id: str, factor: float, first: int, stop: int) -> Rendered:
        """The frames `first` to `stop` of a recording, drawn at another factor; UbamError for an old rendering."""
        recording = self.known.recordings[self.names.index(recording_id)]
        number = int(recording.session or 1) - 1
        truth = read_arrays(self.truths / f"{recording_id}.npz")
        drawn = render_again(recording.subject, number, factor, self.study.spec)
        if not np.allclose(drawn.truth["keypoints_healthy"], truth["keypoints_healthy"], atol=0.01):
            raise UbamError(
                f"{self.truths.parent} was rendered by another version of ubam; remove it so that it is rendered again."
            )
        return drawn.between(first, stop)


def middle(frames: int) -> NDArray[np.int64]:
    """The positions of the clip's frames in a recording of so many."""
    first = max(0, (frames - FRAMES) // 2)
    return np.arange(first, min(first + FRAMES, frames))


@dataclass(frozen=True)
class ClipTruth:
    """What is known of the n frames of a clip, for H x W pixels and K keypoints.

    keypoints, healthy: float64 [n, K, 2] px, as rendered and as they would be without the impairment. body_height: px.
    empty: the scene without the subject, uint8 [n, H, W, 3]. masks: per factor the subject, bool [n, H, W].
    own: movement of the keypoints from those of the matched reference frames, float64 [n, K, 2] px, after these are
    brought over as registration brings pictures.
    """

    keypoints: Points
    healthy: Points
    body_height: float
    empty: NDArray[np.uint8]
    masks: dict[float, NDArray[np.bool_]]
    own: Points


def open_clip(opened: ClipStudy, recording: str, factors: Sequence[float]) -> tuple[Clip, ClipTruth]:
    """The middle of a recording, drawn again at all `factors` (1 among them), and what is true of it."""
    store = opened.known.stores[opened.names.index(recording)]
    positions = middle(len(store.time_s))
    first, stop = int(store.frame_index[positions[0]]), int(store.frame_index[positions[-1]]) + 1
    drawn = {factor: opened.render(recording, factor, first, stop) for factor in factors}
    pairs = {factor: list(rendered.frames_and_masks()) for factor, rendered in drawn.items()}
    clip = opened.clip(recording, {factor: np.stack([picture for picture, _ in pairs[factor]]) for factor in pairs})
    masks = {factor: np.stack([alpha > 0.5 for _, alpha in pairs[factor]]) for factor in pairs}
    truth = drawn[1.0].truth
    keypoints, healthy = (truth[name].astype(np.float64) for name in ("keypoints", "keypoints_healthy"))
    own = way_from_references(opened, clip, keypoints)
    empty = np.stack(list(drawn[1.0].empties()))
    return clip, ClipTruth(keypoints, healthy, float(truth["body_height"]), empty, masks, own)


def way_from_references(opened: ClipStudy, clip: Clip, keypoints: Points) -> Points:
    """Keypoints minus the trimmed mean of those of the matched reference frames, float64 [n, K, 2] px.

    These are brought over by body height, ground line and box centre, and moved along until the lower half of the body
    stands where the recorded one does on average, as registration does it.
    """
    brought = []
    for name, path in clip.references:
        theirs, store = read_arrays(opened.truths / f"{name}.npz")["keypoints"], clip.sources[name].store
        points = []
        for position in clip.positions:
            place = int(path[position])
            scale = clip.store.height_at(int(position)) / max(store.height_at(place), 1.0)
            grounds = float(store.ground_y[place]), float(clip.store.ground_y[position])
            move = similarity(store.box[place], clip.store.box[position], *grounds, scale)
            points.append(theirs[store.frame_index[place]] @ move[:, :2].T + move[:, 2])
        brought.append(points)
    way = keypoints - trimmed_mean(np.array(brought, np.float64))
    low = keypoints[..., 1] > clip.store.ground_y[clip.positions][:, None] - GROUND_PART * clip.store.body_height
    if low.any():
        way[..., 0] -= way[..., 0][low].mean()
    return way
