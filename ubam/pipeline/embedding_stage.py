"""The stage `embed`: postures and behaviours of every recording, one recording in memory at a time.

First the networks are applied to each recording, in the workers. Then the codes of landmarks and keypoints are fitted
over the study, which need the spread of what was learnt. Last, each recording's parts are joined, in the workers again.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ubam.core.errors import ModelError
from ubam.core.files import content_hash, read_arrays, write_arrays, write_csv
from ubam.core.provenance import key_of
from ubam.encoding.embedding import embed_behaviours, stride_of
from ubam.encoding.keypoint_postures import PoseCode, locate_points
from ubam.encoding.landmarks.other_looks import moved_landmarks
from ubam.encoding.landmarks.postures import LandmarkCode, Landmarks, read_landmarks
from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import embed as embed_recording
from ubam.encoding.study_encoder import movement_of, unmoving, unusable
from ubam.pipeline.job import Job, device_of, in_one_process
from ubam.pipeline.posture_parts import SEEN_BY_THE_EYE, UNLEARNT, fit_landmarks, fit_points, looks_of
from ubam.recordings.study_table import Recording
from ubam.tracking.body import likeliest_plan

LEARNT = 2  # raise it when the networks' answers hold something else


def embed(job: Job) -> list[str]:
    """Postures of the kind that was asked for, and behaviours, of every usable recording."""
    recordings, kind = job.usable(), job.settings.posture
    names = [recording.recording_id for recording in recordings]
    spread = in_one_process(job) if device_of(job.settings.device) == "cuda" and not job.scheduler else job
    plan = _plan_of(job, names) if kind in SEEN_BY_THE_EYE else None
    for _ in spread.light().each("embed", apply_networks, names, plan):
        pass
    messages = [] if plan is None else fit_landmarks(job, names, plan)
    points, said = fit_points(job, recordings)
    messages += said
    job.keep(job.files.model.path)
    finite, movement = dict[str, float](), dict[str, float]()
    for recording, (share, size) in spread.light().each("embed", join_parts, recordings, points):
        finite[recording.recording_id], movement[recording.recording_id] = share, size
    messages += _fail(job, unusable({name: finite[name] for name in names}))
    messages += unmoving({name: movement[name] for name in names if finite[name] == 1})
    job.drop(*(job.files.learnt(name) for name in names))
    return messages


def _plan_of(job: Job, names: list[str]) -> str:
    """The plan of body whose landmarks are read: of the model that was given, else of the study."""
    if job.model is not None:
        return LandmarkCode.load(type(job.files.model)(job.model).landmarks).plan
    return job.run.record.get("plan") or likeliest_plan([job.store(name) for name in names])


def apply_networks(name: str, job: Job, plan: str | None) -> None:
    """Apply the networks to one recording, and keep what they made until all are done; nothing where it is kept.

    plan: of the body whose landmarks are read, too; None for none.
    """
    out, model, store = job.files.learnt(name), job.files.model, job.store(name)
    job.bring(model.path, out)
    weights = [content_hash(model.weights(network)) for network in ("posture", "behaviour")]
    key = key_of(LEARNT, weights, content_hash(job.files.crops(name).description), plan)
    if out.is_file() and str(read_arrays(out)["key"]) == key:
        return
    found = embed_recording(_networks(model.path, tuple(weights), job.settings.device), store, _device(job))
    seen = {} if plan is None else {
        "landmarks": read_landmarks(store, plan).xy, "moved": moved_landmarks(store, plan),
    }  # fmt: skip
    looks = {} if found.looks is None else {"looks": found.looks}
    write_arrays(
        out, key=np.array(key), posture=found.posture, behaviour=found.behaviour, first=found.first, last=found.last,
        **looks, **seen,
    )  # fmt: skip


def _device(job: Job) -> str:
    return device_of(job.settings.device)


@lru_cache(maxsize=1)
def _networks(folder: Path, weights: tuple[str, ...], device: str) -> Networks:
    """The networks of a run, read once in each worker; weights: their hashes."""
    return Networks.load(folder, device_of(device))


def join_parts(recording: Recording, job: Job, points: PoseCode | None) -> tuple[float, float]:
    """Write the embedding of one recording; the share of its postures that are numbers, and how much they move."""
    name, kind = recording.recording_id, job.settings.posture
    path, store = job.files.learnt(name), job.store(name)
    job.bring(path, job.files.model.path)
    learnt, alone = read_arrays(path), kind in UNLEARNT
    code = LandmarkCode.load(job.files.model.landmarks) if kind in SEEN_BY_THE_EYE else None
    parts = [] if alone else [learnt["posture"]]
    parts += [code.encode(Landmarks(code.plan, learnt["landmarks"]))] if code else []
    parts += [points.encode(locate_points(recording.fetched(), store))] if points else []
    posture = np.concatenate(parts, axis=1)
    looks = looks_of(learnt.get("moved"), code, None if alone else learnt.get("looks"), alone, posture.shape[1])
    behaviour, first, last = learnt["behaviour"], learnt["first"], learnt["last"]
    if alone:  # what was not learnt: behaviours are the ways of the postures
        weights = tuple(content_hash(job.files.model.weights(network)) for network in ("posture", "behaviour"))
        network = _networks(job.files.model.path, weights, job.settings.device).behaviour
        behaviour, first, last = embed_behaviours(network, posture, stride_of(store.fps))
    write_arrays(
        job.files.embedding(name),
        posture=posture.astype(np.float16),
        **({} if looks is None else {"looks": looks}),
        **({"pictured": learnt["posture"].astype(np.float16)} if alone else {}),
        frame_index=store.frame_index, time_s=store.time_s,
        box=store.box, behaviour=behaviour.astype(np.float16),
        window_start_s=store.time_s[first], window_end_s=store.time_s[last],
    )  # fmt: skip
    return float(np.isfinite(posture).all(1).mean()), movement_of(posture)


def _fail(job: Job, reasons: dict[str, str]) -> list[str]:
    """Mark recordings as failed, so that the others are still analysed; ModelError when none is left."""
    if reasons and len(reasons) == len(job.usable()):
        raise ModelError(f"No recording has usable postures; the first: {next(iter(reasons.values()))}.")
    rows: list[dict[str, Any]] = [dict(row) for row in job.read_verdicts()]
    for row in rows:
        if row["recording_id"] in reasons:
            row |= {"status": "failed", "reason": reasons[row["recording_id"]]}
    if reasons:
        write_csv(job.files.recordings_csv, rows, list(rows[0]))
    return [f"{name} failed: {reason}." for name, reason in reasons.items()]
