"""The published way of magnifying as a clip to look at: the recording beside what its synthesis generator draws."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ubam.core.errors import RunError
from ubam.core.files import atomic_path, write_json
from ubam.core.settings import PUBLISHED
from ubam.core.typing import Picture
from ubam.deviation.frozen_reference import fingerprint
from ubam.evaluation.published.method import PUBLISHED_SECONDS, SynthesisGenerator, pasted, synthesised, train_synthesis
from ubam.magnification.layouts.drawing import label
from ubam.magnification.layouts.side_by_side import HEADER, cut_panel, panel_size, regions_beside
from ubam.magnification.magnify import region_of
from ubam.pipeline.job import Job
from ubam.pipeline.queries import Span, frames_within, material_of
from ubam.pipeline.scored_run import ScoredRun
from ubam.recordings.video_reader import read_frames
from ubam.recordings.video_writer import write_clip
from ubam.results.records.clips import PublishedFacts

STEPS = 300  # of 8 frames: about 3 core-minutes


def write_published(job: Job, recording_id: str, factor: float, span: Span, out: Path) -> PublishedFacts:
    """Write the recording beside the published way's pictures at `factor`, and the clip's JSON.

    Each frame is drawn by itself from two codes: the appearance of a frame half a recording away, and the posture,
    extrapolated from the mean code of the ten nearest reference postures. The generator is trained when it is first
    asked for, and kept beside the study's networks.
    """
    material = material_of(job, recording_id)
    frames = frames_within(material.store(recording_id), span)
    network, trained_s = _generator(job, material)
    store, own = material.store(recording_id), _learned(material, recording_id)
    away = (int(frames[0]) + len(own) // 2) % len(own)
    gallery = np.concatenate([_learned(material, name) for name in _references(job, material, recording_id)])
    drawn = synthesised(network, store.crops([away])[0], own[frames], gallery, factor)
    write_clip(out, _panels(material, recording_id, frames, drawn, factor), store.fps)
    facts = PublishedFacts(
        recording_id, PUBLISHED, factor, len(frames), float(store.time_s[frames[0]]), float(store.time_s[frames[-1]]),
        store.fps, STEPS, trained_s / PUBLISHED_SECONDS,
    )  # fmt: skip
    write_json(out.with_suffix(".json"), facts.to_json())
    return facts


def _learned(material: ScoredRun, recording_id: str) -> NDArray[np.float32]:
    return np.asarray(material.codes[recording_id].posture[:, : material.model.posture.dim], np.float32)


def _references(job: Job, material: ScoredRun, recording_id: str) -> list[str]:
    """Recordings of the reference's other subjects; of all others without a reference."""
    group, subject = job.settings.reference, material.codes[recording_id].subject
    chosen = [name for name, code in material.codes.items() if code.subject != subject and group in (None, code.group)]
    if not chosen:
        raise RunError(f"{recording_id}: the published way needs another subject to compare it with; the run has none.")
    return chosen


def _generator(job: Job, material: ScoredRun) -> tuple[SynthesisGenerator, float]:
    """The trained generator of the study and the CPU seconds that it took; kept beside the networks."""
    model = job.files.model
    path = model.weights(f"published-{fingerprint(model.path)}")
    network = SynthesisGenerator(material.model.posture.dim)
    try:
        network.load_state_dict(load_file(path))
        with safe_open(path, framework="pt") as kept:
            return network.eval(), float(kept.metadata()["trained_s"])
    except (OSError, SafetensorError):
        pass  # not there yet, or damaged: trained anew
    names, began = list(material.codes), time.process_time()
    stores, postures = [material.store(name) for name in names], [_learned(material, name) for name in names]
    network, _ = train_synthesis(
        stores, postures, steps=STEPS, seed=job.settings.seed, progress=job.counted("magnify")
    )  # fmt: skip
    trained_s = time.process_time() - began
    with atomic_path(path) as temporary:
        save_file(network.state_dict(), temporary, {"trained_s": str(trained_s)})
    return network, trained_s


def _panels(
    material: ScoredRun, recording_id: str, frames: NDArray[np.int64], drawn: Picture, factor: float
) -> Iterator[Picture]:
    """The recording and the drawn picture over its box, side by side under their names."""
    store, video = material.store(recording_id), material.job.video(recording_id)
    boxes = store.box[frames]
    parts = np.array([region_of(box, store.width, store.height) for box in boxes])
    regions = regions_beside(boxes, parts, store.width, store.height)
    size = panel_size(regions[0])
    header = np.hstack([label(name, size[0], HEADER) for name in ("Recording", f"Published way {factor:g}×")])
    first = int(store.frame_index[frames[0]])
    pictures = read_frames(video, start_frame=first, stop_frame=int(store.frame_index[frames[-1]]) + 1)
    for picture, square, box, region in zip(pictures, drawn, boxes, regions, strict=True):
        both = [cut_panel(one, region, size) for one in (picture, pasted(picture, square, box))]
        yield np.vstack([header, np.hstack(both)])
