"""What a scored run shows of one recording: the stage's evidence and clips, a clip somebody asks for, a transfer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from ubam.deviation import Matcher, twin_basis
from ubam.errors import RunError
from ubam.evidence import clip_frames, gather_evidence, write_preview
from ubam.figures import save_figure
from ubam.figures_clip import when_figure, where_figure
from ubam.files import write_arrays, write_json
from ubam.job import Job
from ubam.layouts import TO_THE_TWIN, write_magnified
from ubam.magnification import Magnification
from ubam.marks import Check
from ubam.material import Material
from ubam.transfer import Side, write_transfer

Span = tuple[float | None, float | None]


def show_recording(job: Job, recording_id: str) -> None:
    """Evidence, preview, magnified clips and the plots of where and when of one recording, in a worker."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)  # one thread per process: the other recordings have the other cores
    material = Material(job)
    store, video = material.store(recording_id), job.video(recording_id)
    proof = gather_evidence(
        store, material.twin(recording_id), material.store, material.windows(recording_id), material.embed
    )
    write_preview(store, video, job.preview_file(recording_id))
    stretch = (float(proof["peak_start_s"][0]), float(proof["peak_end_s"][0]))
    frames = clip_frames(store, stretch, job.settings.clip_seconds)
    for number, factor in enumerate(job.settings.factors):
        made = material.magnification(recording_id, frames, factor)
        check = Check(made, factor)
        out = job.clip_file(recording_id, factor)
        facts = write_magnified(out, "side-by-side", made, factor, check=check)
        write_json(out.with_suffix(".json"), facts)
        if number == 0:
            proof |= _plot(job, recording_id, check, facts["marked_s"])
    write_arrays(job.evidence_file(recording_id), **proof)


def _plot(job: Job, recording_id: str, check: Check, marked_s: Sequence[Sequence[float]]) -> dict[str, np.ndarray]:
    """Write where and when a clip deviates as figures, and return both as arrays."""
    seen, folder = check.whereabouts, job.folder / "figures"
    save_figure(where_figure(seen.length, seen.direction, seen.body, recording_id), folder / f"where_{recording_id}")
    times, curve = np.array(seen.time_s), np.array(seen.curve)
    save_figure(when_figure(times, curve, marked_s, recording_id), folder / f"when_{recording_id}")
    return {
        "displacement_map": seen.length,
        "displacement_towards": seen.direction,
        "displacement_body": seen.body,
        "displacement_time_s": times,
        "displacement": curve,
    }


def magnify_recording(
    job: Job, recording_id: str, factor: float, layout: str, span: Span, out: Path, count: int = 0
) -> dict[str, Any]:
    """Write one clip of a scored run, from `span` seconds (None: the recording's end) of a recording, and its JSON.

    count: moments in a strip; 0: as many as it usually has.
    """
    material = material_of(job, recording_id)
    frames = frames_within(material, recording_id, span)
    made: Magnification = material.magnification(recording_id, frames, 0.0 if layout in TO_THE_TWIN else factor)
    facts = write_magnified(out, layout, made, factor, progress=job.counted("magnify"), moments=count)
    write_json(out.with_suffix(".json"), facts)
    return facts


def transfer_posture(job: Job, recording_id: str, appearance: str, span: Span, out: Path) -> dict[str, Any]:
    """Write the pixels of the recording `appearance` in the posture of `recording_id`, and the clip's JSON."""
    material = material_of(job, recording_id, appearance)
    if appearance == recording_id:
        raise RunError(f"{appearance} already has its own posture; --appearance takes another recording.")
    positions = frames_within(material, recording_id, span)
    basis = twin_basis(list(material.codes.values()))
    path = Matcher([material.codes[appearance]], basis).twin(material.codes[recording_id]).references[0][1]
    sides = [
        Side(material.store(name), job.video(name), material.codes[name].posture[:, : material.model.posture.dim])
        for name in (appearance, recording_id)
    ]
    facts = write_transfer(
        out, sides[0], sides[1], positions, path,
        embed=material.embed, manifold=material.manifold, progress=job.counted("magnify"),
    )  # fmt: skip
    write_json(out.with_suffix(".json"), facts)
    return facts


def material_of(job: Job, *recording_ids: str) -> Material:
    """Everything of a scored run; RunError when it has not all of these recordings."""
    names = [recording.recording_id for recording in job.usable()]
    for name in recording_ids:
        if name not in names:
            raise RunError(f"{job.folder} has no recording '{name}'; it has {', '.join(names)}.")
    return Material(job)


def frames_within(material: Material, recording_id: str, span: Span) -> np.ndarray:
    """Return the positions of a recording within `span` seconds; RunError when they are fewer than two."""
    times = material.store(recording_id).time_s
    low, high = times[0] if span[0] is None else span[0], times[-1] if span[1] is None else span[1]
    frames = np.flatnonzero((times >= low - 1e-6) & (times <= high + 1e-6))
    if len(frames) < 2:
        raise RunError(
            f"{recording_id} runs from {times[0]:.2f} to {times[-1]:.2f} s; {low:g} to {high:g} s holds no clip."
        )
    return frames
