"""The stage `train`: the networks learn postures and behaviours from the study, or are taken from a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ubam.core.errors import ModelError
from ubam.core.files import write_json
from ubam.core.settings import Settings
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.encoders import TrajectoryEncoder
from ubam.encoding.learning.early_stopping import FEWEST
from ubam.encoding.saved_model import Networks
from ubam.encoding.shipped_weights import pretrained
from ubam.encoding.study_encoder import HELD_OUT, learn, watched
from ubam.pipeline.job import Job, device_of
from ubam.pipeline.posture_parts import SEEN_BY_THE_EYE, UNLEARNT, WORDS, posture_of
from ubam.results.records.run import TrainingEntry
from ubam.tracking.body import likeliest_plan

LEARNT = 0.7  # order accuracy below which a study taught little


def train(job: Job) -> list[str]:
    """Learn the posture and behaviour networks from the study's own crops, or take the model that was given.

    Postures of landmarks or keypoints alone need no learning: the networks that ship stand by for clips.
    """
    job.run.record["stages"].pop("generator", None)
    if job.model is not None:
        return _take(job, job.model)
    plan = _plan_of(job)
    recordings = job.usable()
    stores = [job.store(recording.recording_id) for recording in recordings]
    job.run.record.pop("training", None)
    if job.settings.posture in UNLEARNT:
        job.run.record["order_accuracy"] = None
        job.files.model.history.unlink(missing_ok=True)
        Networks(pretrained(), TrajectoryEncoder(), job.settings.as_dict() | {"plan": plan}).save(job.files.model.path)
        return []
    model, history = learn(
        stores, job.settings, device_of(job.settings.device), job.counted("train"),
        checkpoint=Checkpoint(job.files.model.checkpoint), subjects=[recording.subject for recording in recordings],
    )  # fmt: skip
    model.settings |= {"plan": plan}
    model.save(job.files.model.path)
    write_json(job.files.model.history, history)
    job.run.record["training"] = describe_training(history, job.settings, model.settings.get(HELD_OUT, []))
    accuracy = float(np.mean(history["accuracy"][-20:])) if history["accuracy"] else None
    job.run.record["order_accuracy"] = accuracy
    scratch = job.settings.networks == "compact"  # few steps adapt the others, too few to learn the order
    if scratch and accuracy is not None and accuracy < LEARNT and not history["level"][-1]:  # hard disorder lowers it
        return [
            f"The networks hardly learnt the order of frames (accuracy {accuracy:.2f}, chance 0.50): "
            "there may be too little motion."
        ]
    return []


def describe_training(
    history: Mapping[str, Sequence[float]], settings: Settings, held_out: Sequence[str]
) -> TrainingEntry:
    """How many steps a training took, and why no more; held_out: the subjects that told when it had learnt."""
    steps, most = len(next(iter(history.values()))), settings.train_steps
    if not held_out:
        spare = f"; subjects that tell when enough is learnt are held out where there are {FEWEST}"
        why = f"All {most:,} training steps were taken{spare if watched(settings) else ''}."
    elif steps < most:
        why = (
            f"Training ended after {steps:,} of at most {most:,} steps: on held-out subjects, the loss no longer fell."
        )
    else:
        why = f"All {most:,} training steps were taken: on held-out subjects, the loss fell until the end."
    return {"steps": steps, "most": most, "held_out": list(held_out), "why": why}


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
