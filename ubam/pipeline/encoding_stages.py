"""The stages that learn postures and behaviours, and write them."""

from typing import Any

import numpy as np
import torch

from ubam.core.errors import ModelError
from ubam.core.files import write_arrays, write_csv, write_json
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.keypoint_postures import PoseCode, encode_points
from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import Embedding, learn, unmoving, unusable
from ubam.encoding.study_encoder import embed as embed_recording
from ubam.pipeline.job import Job, device_of
from ubam.results.run_folder import ModelFolder

LEARNT = 0.7  # order accuracy below which a study taught little


def train(job: Job) -> list[str]:
    """Learn the posture and behaviour networks from the study's own crops, or take the model that was given."""
    job.run.record["stages"].pop("generator", None)
    if job.model is not None:
        given = Networks.load(job.model)
        if given.settings.get("view_size") != job.settings.view_size:
            raise ModelError(f"{job.model} was trained on views of another size; train a model with this version.")
        if given.settings.get("outlines") != job.settings.outlines:
            raise ModelError(f"{job.model} was trained on outlines of an older version; train a model with this one.")
        Networks(given.posture, given.behaviour, given.settings).save(job.files.model.path)
        return [f"The networks come from {job.model} and were not trained on this study."]
    stores = [job.store(recording.recording_id) for recording in job.usable()]
    model, history = learn(
        stores, job.settings, device_of(job.settings.device), job.counted("train"),
        checkpoint=Checkpoint(job.files.model.checkpoint),
    )  # fmt: skip
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


def embed(job: Job) -> list[str]:
    """Postures, with keypoints where there are any, and behaviours of every usable recording."""
    model = Networks.load(job.files.model.path, device_of(job.settings.device))
    torch.set_num_threads(job.settings.workers)
    stores, embeddings = [job.store(recording.recording_id) for recording in job.usable()], []
    for done, store in enumerate(stores, 1):
        embeddings.append(embed_recording(model, store, device_of(job.settings.device)))
        job.progress("embed", done, len(stores))
    own = job.files.model
    given = ModelFolder(job.model).keypoints if job.model else None
    code = PoseCode.load(given) if given and given.exists() else None
    postures = [embedding.posture for embedding in embeddings]
    points, messages = encode_points(job.usable(), stores, postures, own.keypoints, code)
    coded = {
        store.recording_id: np.concatenate([embedding.posture, beside], axis=1)
        for store, embedding, beside in zip(stores, embeddings, points, strict=True)
    }
    messages += _fail(job, unusable(coded)) + unmoving({n: p for n, p in coded.items() if np.isfinite(p).all()})
    for store, embedding in zip(stores, embeddings, strict=True):
        write_arrays(
            job.files.embedding(store.recording_id),
            posture=coded[store.recording_id].astype(np.float16),
            **_looks(embedding, coded[store.recording_id].shape[1]),
            frame_index=store.frame_index, time_s=store.time_s,
            box=store.box, behaviour=embedding.behaviour.astype(np.float16),
            window_start_s=store.time_s[embedding.first], window_end_s=store.time_s[embedding.last],
        )  # fmt: skip
    return messages


def _looks(embedding: Embedding, width: int) -> dict[str, np.ndarray]:
    """What changes of appearance do to postures of `width` numbers; they do not move keypoints."""
    if embedding.looks is None:
        return {}
    beside = width - len(embedding.looks)
    return {"looks": np.pad(embedding.looks, (0, beside))}


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
