"""The stages of the clips: gap-filling network, magnified clips, and evidence for the report."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ubam.core.files import write_arrays, write_json
from ubam.core.plotting import save_figure
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.saved_model import Networks
from ubam.magnification.attribution import PREVIEW_FRAMES, PREVIEW_WIDTH, gather_evidence
from ubam.magnification.gap_filling_network import GapFillingNetwork, load_gap_filling, save_gap_filling
from ubam.magnification.gap_filling_training import SHORTEST, GapFillingSettings, train_gap_filling, validate
from ubam.magnification.layouts.layers import Layers
from ubam.magnification.layouts.plots import when_figure, where_figure
from ubam.magnification.layouts.write import write_magnified
from ubam.magnification.quality_checks import Check
from ubam.pipeline.job import Job, device_of
from ubam.pipeline.scored_run import ScoredRun, kept_run, pictured_of
from ubam.recordings.study_table import Recording
from ubam.recordings.video_reader import probe, read_frames
from ubam.recordings.video_writer import write_clip
from ubam.tracking.body import read_body
from ubam.tracking.crop_store import CropStore


def write_preview(store: CropStore, video: Path, out: Path) -> None:
    """A small clip of the recording as it was analysed, for the player above the timeline."""
    info = probe(video)
    scale = min(1.0, PREVIEW_WIDTH / info.width)
    size = (max(2, round(info.width * scale)), max(2, round(info.height * scale)))
    first, count = int(store.frame_index[0]), min(len(store.frame_index), PREVIEW_FRAMES)
    write_clip(out, read_frames(video, start_frame=first, stop_frame=first + count, size=size), store.fps, crf=28)


def clip_frames(store: CropStore, peak: tuple[float, float], seconds: float) -> slice:
    """The frames of a clip of about `seconds` around the stretch `peak` (start, end in seconds)."""
    middle = sum(peak) / 2
    first = int(np.searchsorted(store.time_s, middle - seconds / 2))
    length = max(2, round(seconds * store.fps))
    first = max(0, min(first, len(store.time_s) - length))
    return slice(first, min(first + length, len(store.time_s)))


def generator(job: Job) -> list[str]:
    """Train the generator on all subjects but one, and use it only when it helps on that one."""
    job.run.record["generator"] = {"used": False}
    recordings = [r for r in job.usable() if len(job.store(r.recording_id).time_s) >= SHORTEST]
    subjects = sorted({recording.subject for recording in recordings})
    if len(subjects) < 2:
        return [
            "The generator was not trained: that takes two subjects with recordings of at least "
            f"{SHORTEST} frames each. Magnified clips are made without it."
        ]
    held_out = subjects[int(np.random.default_rng((job.settings.seed, 7)).integers(len(subjects)))]
    torch.set_num_threads(job.settings.workers)
    model = Networks.load(job.files.model.path, device_of(job.settings.device))
    given = load_gap_filling(job.model, device_of(job.settings.device)) if job.model else None
    seen, dim = [recording for recording in recordings if recording.subject != held_out], model.posture.dim
    network = given or _trained(job, seen, dim)
    unseen = _shown(job, [recording for recording in recordings if recording.subject == held_out], dim)
    proof = validate(network, *unseen, seed=job.settings.seed)
    save_gap_filling(job.files.model.path, network)
    job.run.record["generator"] = {**proof.as_dict(), "held_out": held_out, "trained": given is None}
    return []


def _shown(job: Job, recordings: Sequence[Recording], dim: int) -> tuple[list[CropStore], list[np.ndarray]]:
    """The crops and the learned postures, `dim` long, of recordings."""
    names = [recording.recording_id for recording in recordings]
    return [job.store(n) for n in names], [pictured_of(job.embedding(n), dim) for n in names]


def _trained(job: Job, recordings: Sequence[Recording], dim: int) -> GapFillingNetwork:
    settings = GapFillingSettings(job.settings.generator_steps, seed=job.settings.seed)
    checkpoint = Checkpoint(job.files.model.generator_checkpoint)
    return train_gap_filling(
        *_shown(job, recordings, dim), settings, device=device_of(job.settings.device), checkpoint=checkpoint,
        progress=job.counted("generator"),
    )[0]  # fmt: skip


def magnify(job: Job) -> list[str]:
    """For the most deviant recording of every query subject: the clip of its most deviant windows, and the evidence."""
    shown, plan = job.shown(), ScoredRun(job).plan
    for _ in job.light().each("bodies", read_body_of, [recording.recording_id for recording in job.usable()], plan):
        pass  # clips share the bodies of references, so each is read before and only once
    for _ in job.each("magnify", show_recording, shown, plan):
        pass
    return []


def read_body_of(recording_id: str, job: Job, plan: str) -> None:
    """Read the body in every frame of a recording, in a worker; it is kept beside the crops."""
    read_body(job.store(recording_id), plan)


def show_recording(recording_id: str, job: Job, plan: str) -> None:
    """Evidence, preview, magnified clips and the plots of where and when of one recording, in a worker."""
    job.bring(job.files.model.path, job.files.scores("windows").parent, job.files.recordings_csv)
    material = kept_run(job, plan)
    store, video = material.store(recording_id), job.video(recording_id)
    proof = gather_evidence(
        store, material.twin(recording_id), material.store, material.windows(recording_id), material.embed
    )
    write_preview(store, video, job.files.preview(recording_id))
    stretch = (float(proof["peak_start_s"][0]), float(proof["peak_end_s"][0]))
    frames = clip_frames(store, stretch, job.settings.clip_seconds)
    made = material.magnification(recording_id, frames, job.settings.factors)  # registered once for all factors
    for number, factor in enumerate(job.settings.factors):
        check = Check(made, factor) if number else Layers(made, factor, job.files.layers(recording_id))
        out = job.clip(recording_id, factor)
        facts = write_magnified(out, "side-by-side", made, factor, check=check)
        write_json(out.with_suffix(".json"), facts.to_json())
        if isinstance(check, Layers):
            check.write()
            proof |= _plot(job, recording_id, check, facts.marked_s)
    write_arrays(job.files.evidence(recording_id), **proof)


def _plot(job: Job, recording_id: str, check: Check, marked_s: Sequence[Sequence[float]]) -> dict[str, np.ndarray]:
    """Write where and when a clip deviates as figures, and return both as arrays."""
    seen, files = check.displacement, job.files
    save_figure(
        where_figure(seen.length, seen.direction, seen.body, recording_id), files.figure(f"where_{recording_id}")
    )
    times, curve = np.array(seen.time_s), np.array(seen.curve)
    save_figure(when_figure(times, curve, marked_s, recording_id), files.figure(f"when_{recording_id}"))
    return {
        "displacement_map": seen.length,
        "displacement_towards": seen.direction,
        "displacement_body": seen.body,
        "displacement_time_s": times,
        "displacement": curve,
    }
