"""The stages that learn postures and behaviours, and write them."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ubam.core.errors import ModelError
from ubam.core.files import write_arrays, write_csv, write_json
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.embedding import embed_behaviours, stride_of
from ubam.encoding.encoders import TrajectoryEncoder
from ubam.encoding.saved_model import Networks
from ubam.encoding.shipped_weights import pretrained
from ubam.encoding.study_encoder import Embedding, learn, unmoving, unusable
from ubam.encoding.study_encoder import embed as embed_recording
from ubam.pipeline.job import Job, device_of
from ubam.pipeline.posture_parts import SEEN_BY_THE_EYE, UNLEARNT, WORDS, code_parts, looks_of, posture_of
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore

LEARNT = 0.7  # order accuracy below which a study taught little


def train(job: Job) -> list[str]:
    """Learn the posture and behaviour networks from the study's own crops, or take the model that was given.

    Postures of landmarks or keypoints alone need no learning: the networks that ship stand by for clips.
    """
    job.run.record["stages"].pop("generator", None)
    if job.model is not None:
        return _take(job, job.model)
    plan = _plan_of(job)
    stores = [job.store(recording.recording_id) for recording in job.usable()]
    if job.settings.posture in UNLEARNT:
        job.run.record["order_accuracy"] = None
        job.files.model.history.unlink(missing_ok=True)
        Networks(pretrained(), TrajectoryEncoder(), job.settings.as_dict() | {"plan": plan}).save(job.files.model.path)
        return []
    model, history = learn(
        stores, job.settings, device_of(job.settings.device), job.counted("train"),
        checkpoint=Checkpoint(job.files.model.checkpoint),
    )  # fmt: skip
    model.settings |= {"plan": plan}
    model.save(job.files.model.path)
    write_json(job.files.model.history, history)
    accuracy = float(np.mean(history["accuracy"][-20:])) if history["accuracy"] else None
    job.run.record["order_accuracy"] = accuracy
    scratch = job.settings.networks == "compact"  # few steps adapt the others, too few to learn the order
    if scratch and accuracy is not None and accuracy < LEARNT and not history["level"][-1]:  # hard disorder lowers it
        return [
            f"The networks hardly learnt the order of frames (accuracy {accuracy:.2f}, chance 0.50): "
            "there may be too little motion."
        ]
    return []


def _take(job: Job, path: Path) -> list[str]:
    """Take the networks of a model that was given; ModelError when they were made for other crops or postures."""
    given = Networks.load(path)
    if given.settings.get("view_size") != job.settings.view_size:
        raise ModelError(f"{path} was trained on views of another size; train a model with this version.")
    if given.settings.get("outlines") != job.settings.outlines:
        raise ModelError(f"{path} was trained on outlines of an older version; train a model with this one.")
    kind, plan = posture_of(given.settings), given.settings.get("plan")
    if kind != job.settings.posture:
        raise ModelError(
            f"The postures of {path} are made of {WORDS[kind]}, and --posture {job.settings.posture} was asked for; "
            f"use --posture {kind}, or another model."
        )
    if plan and job.settings.plan not in (None, plan):
        raise ModelError(f"{path} is a model of the body plan {plan}, and --plan {job.settings.plan} was asked for.")
    job.run.record["plan"] = plan
    Networks(given.posture, given.behaviour, given.settings).save(job.files.model.path)
    return [f"The networks come from {path} and were not trained on this study."]


def _plan_of(job: Job) -> str | None:
    """The plan of body of the study: as asked, or as the eye sees it; None where no part of the body is used."""
    plan = job.settings.plan
    if plan is None and (job.settings.posture in SEEN_BY_THE_EYE or job.settings.networks == "coordinates"):
        plan = likeliest_plan([job.store(recording.recording_id) for recording in job.usable()])
    job.run.record["plan"] = plan
    return plan


def embed(job: Job) -> list[str]:
    """Postures of the kind that was asked for, and behaviours, of every usable recording."""
    model = Networks.load(job.files.model.path, device_of(job.settings.device))
    torch.set_num_threads(job.settings.workers)
    stores, embeddings = [job.store(recording.recording_id) for recording in job.usable()], []
    for done, store in enumerate(stores, 1):
        embeddings.append(embed_recording(model, store, device_of(job.settings.device)))
        job.progress("embed", done, len(stores))
    alone = job.settings.posture in UNLEARNT
    parts, messages = code_parts(job, stores, None if alone else [one.posture for one in embeddings])
    if alone:
        coded = {store.recording_id: part for store, part in zip(stores, parts, strict=True)}
    else:
        coded = {
            store.recording_id: np.concatenate([embedding.posture, beside], axis=1)
            for store, embedding, beside in zip(stores, embeddings, parts, strict=True)
        }
    looks = looks_of(
        job, stores, None if alone else [one.looks for one in embeddings], next(iter(coded.values())).shape[1]
    )
    messages += _fail(job, unusable(coded)) + unmoving({n: p for n, p in coded.items() if np.isfinite(p).all()})
    for store, embedding, moved in zip(stores, embeddings, looks, strict=True):
        posture = coded[store.recording_id]
        made = _alone(model, embedding, posture, store) if alone else embedding
        write_arrays(
            job.files.embedding(store.recording_id),
            posture=posture.astype(np.float16),
            **({} if moved is None else {"looks": moved}),
            **({"pictured": embedding.posture.astype(np.float16)} if alone else {}),
            frame_index=store.frame_index, time_s=store.time_s,
            box=store.box, behaviour=made.behaviour.astype(np.float16),
            window_start_s=store.time_s[made.first], window_end_s=store.time_s[made.last],
        )  # fmt: skip
    return messages


def _alone(model: Networks, embedding: Embedding, posture: np.ndarray, store: CropStore) -> Embedding:
    """The embedding of a recording whose postures were not learnt: its behaviours are the ways of its postures."""
    behaviour, first, last = embed_behaviours(model.behaviour, posture, stride_of(store.fps))
    return Embedding(posture, behaviour, first, last)


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
