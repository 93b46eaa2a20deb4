"""What a scored run shows of one recording: evidence, clips and transfers."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ubam.core.errors import RunError
from ubam.core.files import read_arrays, read_csv, write_json
from ubam.deviation.twin import Matcher, twin_basis
from ubam.magnification.layouts.layers import Layers
from ubam.magnification.layouts.write import TO_THE_TWIN, write_magnified
from ubam.magnification.magnify import Magnification
from ubam.magnification.transfer import write_transfer
from ubam.motifs.retrieval import Neighbour, nearest
from ubam.pipeline.job import Job
from ubam.pipeline.scored_run import ScoredRun
from ubam.results.records.clips import ClipFacts, TransferFacts
from ubam.results.run_folder import RunFolder
from ubam.results.run_record import RunRecord
from ubam.results.run_tables import refuse_damaged
from ubam.tracking.crop_store import CropStore


def find_neighbours(run: Path, recording_id: str, time_s: float, what: str, count: int) -> list[Neighbour]:
    """The `count` postures or behaviours of other subjects most like the one at `time_s` of a recording.

    One neighbour per recording and half second; similarity as in `nearest`.
    """
    files = RunFolder(RunRecord.open(run).folder)
    refuse_damaged(run, files.recordings_csv)
    rows = {row["recording_id"]: row for row in read_csv(files.recordings_csv) if row["status"] != "failed"}
    if recording_id not in rows:
        raise RunError(f"{run} has no recording '{recording_id}'; it has {', '.join(rows)}.")
    arrays = {name: read_arrays(files.embedding(name)) for name in rows}
    found = nearest(arrays, {name: row["subject"] for name, row in rows.items()}, recording_id, time_s, what, count)
    return [replace(one, group=rows[one.recording_id]["group"]) for one in found]


Span = tuple[float | None, float | None]


def magnify_recording(
    job: Job, recording_id: str, factor: float, layout: str, span: Span, out: Path, count: int = 0, *,
    layers: Path | None = None,
) -> ClipFacts:  # fmt: skip
    """Write one clip of a scored run, from `span` seconds (None: the recording's end) of a recording, and its JSON.

    count: moments in a strip; 0: as many as it usually has. layers: the film of layers to write of a clip of panels.
    """
    material = material_of(job, recording_id)
    frames = frames_within(material.store(recording_id), span)
    made: Magnification = material.magnification(recording_id, frames, [0.0 if layout in TO_THE_TWIN else factor])
    check = Layers(made, factor, layers) if layers and layout == "side-by-side" else None
    progress = job.counted("magnify")
    facts = write_magnified(out, layout, made, factor, progress=progress, check=check, moments=count)
    write_json(out.with_suffix(".json"), facts.to_json())
    if check is not None:
        check.write()
    return facts


def transfer_posture(job: Job, recording_id: str, appearance: str, span: Span, out: Path) -> TransferFacts:
    """Write the pixels of the recording `appearance` in the posture of `recording_id`, and the clip's JSON."""
    material = material_of(job, recording_id, appearance)
    if appearance == recording_id:
        raise RunError(f"{appearance} already has its own posture; --appearance takes another recording.")
    positions = frames_within(material.store(recording_id), span)
    basis = twin_basis(list(material.codes.values()))
    path = Matcher([material.codes[appearance]], basis).twin(material.codes[recording_id]).references[0][1]
    facts = write_transfer(
        out, material.embedded(appearance), material.embedded(recording_id), positions, path,
        embed=material.embed, plan=material.plan, progress=job.counted("magnify"),
    )  # fmt: skip
    write_json(out.with_suffix(".json"), facts.to_json())
    return facts


def material_of(job: Job, *recording_ids: str) -> ScoredRun:
    """Everything of a scored run; RunError when it has not all of these recordings."""
    names = [recording.recording_id for recording in job.usable()]
    for name in recording_ids:
        if name not in names:
            raise RunError(f"{job.folder} has no recording '{name}'; it has {', '.join(names)}.")
    return ScoredRun(job)


def frames_within(store: CropStore, span: Span) -> np.ndarray:
    """Return the positions of a recording within `span` seconds; RunError when they are fewer than two."""
    times = store.time_s
    low, high = times[0] if span[0] is None else span[0], times[-1] if span[1] is None else span[1]
    frames = np.flatnonzero((times >= low - 1e-6) & (times <= high + 1e-6))
    if len(frames) < 2:
        raise RunError(
            f"{store.recording_id} runs from {times[0]:.2f} to {times[-1]:.2f} s; {low:g} to {high:g} s holds no clip."
        )
    return frames
