"""The stages of a run, in order, top to bottom; each reads what the ones before wrote (docs/formats.md has the files).

check -> crops -> train -> embed -> score -> generator -> magnify -> report. A stage is skipped when its inputs and
settings are as they were when it was done.
"""

from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ubam.checking import check_recording, check_study, doubts
from ubam.crops import CropStore, build_crops
from ubam.disentangling import SHORTEST, train_generator, validate
from ubam.errors import ModelError, RunError, StudyError, VideoError
from ubam.files import content_hash, read_arrays, read_csv, write_arrays, write_csv, write_json
from ubam.frozen import find_reference
from ubam.generator import Generator
from ubam.job import RECORDING_COLUMNS, Job, Progress, device_of, no_progress, plan_scoring, row_of
from ubam.learning import Embedding, learn
from ubam.learning import embed as embed_recording
from ubam.model import Model
from ubam.neighbours import nearest
from ubam.pose_code import PoseCode, encode_points
from ubam.report import write_figures, write_report
from ubam.runs import Run, key_of
from ubam.score_stage import score
from ubam.screening import unmoving, unusable
from ubam.settings import SETTINGS_OF
from ubam.showing import magnify_recording as magnify_recording  # a program asks the pipeline for one clip
from ubam.showing import show_recording
from ubam.study import Recording, choose_reference

LEARNT = 0.7  # order accuracy below which a study taught little
NEEDS: dict[str, tuple[str, ...]] = {
    "check": (),
    "crops": ("check",),
    "train": ("crops",),
    "embed": ("train",),
    "score": ("embed",),
    "generator": ("embed",),
    "magnify": ("score", "generator"),
    "report": ("magnify",),
}
READS: dict[str, tuple[str, ...]] = {  # whose files a stage opens, beyond what it is made of
    "check": (),
    "crops": ("check",),
    "train": ("crops",),
    "embed": ("crops", "train"),
    "score": ("crops", "train", "embed"),
    "generator": ("crops", "train", "embed"),
    "magnify": ("crops", "train", "embed", "score", "generator"),
    "report": ("score", "magnify"),
}
STAGES = tuple(NEEDS)
VERDICT_COLUMNS = (
    "status", "reason", "frames_declared", "frames_decoded", "fps", "duration_s", "width", "height", "found",
    "warnings",
)  # fmt: skip


def run_stages(job: Job, until: str = "report", redo: bool = False) -> list[str]:
    """Do every stage up to `until` that is not done, and return their names; `redo` repeats `until` in any case."""
    pending = pending_stages(job, until, redo)
    for stage in pending:
        if stage == "crops":
            _croppable(job)  # asked before the record says that crops were begun
        messages = job.run.perform(stage, stage_key(job, stage), partial(WORK[stage], job))
        job.run.warn(stage, messages)
    return pending


def pending_stages(job: Job, until: str = "report", redo: bool = False) -> list[str]:
    """The stages that `run_stages` would do.

    A stage whose files are gone is done again where they are asked for: it is `until`, or one that is to be done reads
    them.
    """
    needed, pending = _needed(until), set[str]()
    for stage in reversed(STAGES):
        if stage in needed:
            asked = stage == until or any(stage in READS[later] for later in pending)
            done = job.run.is_done(stage, stage_key(job, stage)) and not (redo and stage == until)
            if not done or (asked and job.lacks(stage)):
                pending.add(stage)
    if "train" in pending:
        pending |= {"generator"} & needed  # training saves networks without one
    return [stage for stage in STAGES if stage in pending]


def _needed(until: str) -> set[str]:
    return {until}.union(*(_needed(stage) for stage in NEEDS[until]))


def stage_key(job: Job, stage: str) -> str:
    """Fingerprint of all that decides the result of a stage: its settings, the files, and the stages before it."""
    if stage == "check":
        rows = [row_of(recording) | {"keypoints": None} for recording in job.study.recordings]
        kept = job.run.record.get("stamps", {})  # a video that is gone since is not another one
        return key_of(rows, [_stamp(r.video) or kept.get(r.recording_id, []) for r in job.study.recordings])
    values = job.settings.as_dict() | {"model": _stamp(job.model / "model.json") if job.model else None}
    values["against"] = find_reference(job.against).hash if job.against else None
    values["keypoints"] = [[str(r.keypoints), _stamp(r.keypoints)] for r in job.study.recordings if r.keypoints]
    return key_of(
        stage, {name: values[name] for name in SETTINGS_OF.get(stage, ())}, [stage_key(job, n) for n in NEEDS[stage]]
    )


def _stamp(path: Path) -> list[Any]:
    """Size and time of a file: enough to notice a change without reading gigabytes."""
    return [path.stat().st_size, path.stat().st_mtime_ns] if path.exists() else []


# ---- the stages: each takes the job, writes its files and returns its warnings ----


def check(job: Job) -> list[str]:
    """Probe every recording and write recordings.csv; StudyError when none can be used."""
    verdicts = check_study(job.study, job.counted("check"))
    if all(verdict["status"] == "failed" for verdict in verdicts):
        raise StudyError(f"No recording of {job.study.path} can be used; the first: {verdicts[0]['reason']}")
    _write_recordings(job, {verdict["recording_id"]: verdict for verdict in verdicts})
    job.run.record["stamps"] = {r.recording_id: _stamp(r.video) for r in job.study.recordings}
    reference = choose_reference(job.study, job.settings.reference)
    return [] if job.against else doubts(job.study, verdicts, reference)  # a frozen reference has its own size


def crops(job: Job) -> list[str]:
    """Find and crop the subject of every recording; one that cannot be used is failed, the others go on."""
    hashes = job.run.record.get("inputs", {})
    verdicts: dict[str, dict[str, Any]] = {
        row["recording_id"]: dict(row) | {"sha256": hashes.get(row["recording_id"])} for row in job.verdicts()
    }
    messages = []
    for recording_id, outcome in make_crops(job, _croppable(job)):
        verdicts[recording_id] |= outcome
    _write_recordings(job, verdicts)
    if all(verdict["status"] == "failed" for verdict in verdicts.values()):
        reasons = next(v["reason"] for v in verdicts.values() if v["status"] == "failed")
        raise StudyError(f"No recording of {job.study.path} can be analysed; the first: {reasons}")
    for row in verdicts.values():
        if row["status"] != "ok":
            messages.append(f"{row['recording_id']} {row['status']}: {row['reason']}")
        if row.get("warnings"):
            messages.append(f"{row['recording_id']}: {row['warnings']}")
    return messages


def _croppable(job: Job) -> list[Recording]:
    """The usable recordings whose videos are there; RunError when one is not, and neither are its crops."""
    usable = job.usable()
    for recording in usable:
        if not recording.video.exists() and not (job.crops_folder(recording.recording_id) / "store.json").exists():
            raise RunError(
                f"{recording.video} is not there, and the crops of {recording.recording_id} are made from it."
            )
    return [recording for recording in usable if recording.video.exists()]


def make_shard(job: Job, shard: tuple[int, int]) -> list[str]:
    """Crop every n-th recording from the i-th (shard i, n), so that machines can share the work on one run folder."""
    share = job.study.recordings[shard[0] - 1 :: shard[1]]
    make_crops(job, [recording for recording in share if check_recording(recording)["status"] == "ok"])
    return [f"crops of shard {shard[0]}/{shard[1]}; without --shard the run goes on"]


def make_crops(job: Job, recordings: Sequence[Recording]) -> list[tuple[str, dict[str, Any]]]:
    """Crop recordings on the executor; id and verdict columns of each, in order."""
    outcomes: dict[str, dict[str, Any]] = {}
    with job.executor() as pool:
        size, view = job.settings.crop_size, job.settings.view_size
        futures = {
            pool.submit(crop_recording, recording, job.crops_folder(recording.recording_id), size, view): recording
            for recording in recordings
        }
        for done, future in enumerate(as_completed(futures), 1):
            outcomes[futures[future].recording_id] = future.result()
            job.progress("crops", done, len(futures))
    return [(recording.recording_id, outcomes[recording.recording_id]) for recording in recordings]


def crop_recording(recording: Recording, out: Path, crop_size: int, view_size: int) -> dict[str, Any]:
    """Crop one recording in a worker; its verdict columns, `failed` with the reason when it cannot be used."""
    try:
        store = build_crops(recording, out, crop_size=crop_size, view_size=view_size)
    except VideoError as error:
        return {"status": "failed", "reason": str(error)}
    return {
        "status": store.status, "reason": store.reason, "fps": store.fps, "width": store.width, "height": store.height,
        "frames_declared": store.frames_declared, "frames_decoded": store.frames_decoded,
        "duration_s": float(store.time_s[-1] - store.time_s[0]), "found": float(np.mean(store.found)),
        "warnings": "; ".join(store.warnings), "sha256": content_hash(recording.video),
    }  # fmt: skip


def _write_recordings(job: Job, verdicts: dict[str, dict[str, Any]]) -> None:
    named = {name: True for recording in job.study.recordings for name in row_of(recording)}
    extra = [name for name in named if name not in (*RECORDING_COLUMNS, "box", "fps")]
    rows = []
    for recording in job.study.recordings:
        verdict = verdicts[recording.recording_id]
        rows.append(row_of(recording) | {name: verdict.get(name) for name in VERDICT_COLUMNS})
    write_csv(job.folder / "recordings.csv", rows, [*RECORDING_COLUMNS, *extra, *VERDICT_COLUMNS])
    job.run.record["inputs"] = {key: verdict.get("sha256") for key, verdict in verdicts.items()}


def train(job: Job) -> list[str]:
    """Learn the posture and behaviour networks from the study's own crops, or take the model that was given."""
    job.run.record["stages"].pop("generator", None)
    if job.model is not None:
        given = Model.load(job.model)
        if given.settings.get("view_size") != job.settings.view_size:
            raise ModelError(f"{job.model} was trained on views of another size; train a model with this version.")
        Model(given.posture, given.behaviour, None, given.settings).save(job.model_folder)
        return [f"The networks come from {job.model} and were not trained on this study."]
    stores = [job.store(recording.recording_id) for recording in job.usable()]
    model, history = learn(
        stores, job.settings, device_of(job.settings.device), job.counted("train"),
        checkpoint=job.folder / "model" / "training.safetensors",
    )  # fmt: skip
    model.save(job.model_folder)
    write_json(job.model_folder / "history.json", history)
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
    """Postures, the keypoints beside them where there are any, and behaviours of every usable recording."""
    model = Model.load(job.model_folder, device_of(job.settings.device))
    torch.set_num_threads(job.settings.workers)
    stores, embeddings = [job.store(recording.recording_id) for recording in job.usable()], []
    for done, store in enumerate(stores, 1):
        embeddings.append(embed_recording(model, store, device_of(job.settings.device)))
        job.progress("embed", done, len(stores))
    given = job.model / job.pose_file.name if job.model else None
    code = PoseCode.load(given) if given and given.exists() else None
    points, messages = encode_points(job.usable(), stores, [e.posture for e in embeddings], job.pose_file, code)
    coded = {
        store.recording_id: np.concatenate([embedding.posture, beside], axis=1)
        for store, embedding, beside in zip(stores, embeddings, points, strict=True)
    }
    messages += _fail(job, unusable(coded)) + unmoving({n: p for n, p in coded.items() if np.isfinite(p).all()})
    for store, embedding in zip(stores, embeddings, strict=True):
        write_arrays(
            job.embedding_file(store.recording_id),
            posture=coded[store.recording_id].astype(np.float16),
            **_looks(embedding, coded[store.recording_id].shape[1]),
            frame_index=store.frame_index, time_s=store.time_s,
            box=store.box, behaviour=embedding.behaviour.astype(np.float16),
            window_start_s=store.time_s[embedding.first], window_end_s=store.time_s[embedding.last],
        )  # fmt: skip
    return messages


def _looks(embedding: Embedding, width: int) -> dict[str, np.ndarray]:
    """What changes of looks do to postures of `width` numbers; keypoints beside them are not moved by looks."""
    if embedding.looks is None:
        return {}
    beside = width - len(embedding.looks)
    return {"looks": np.pad(embedding.looks, (0, beside))}


def _fail(job: Job, reasons: dict[str, str]) -> list[str]:
    """Mark recordings as failed, so that the others are still analysed; ModelError when none is left."""
    if reasons and len(reasons) == len(job.usable()):
        raise ModelError(f"No recording has usable postures; the first: {next(iter(reasons.values()))}.")
    rows: list[dict[str, Any]] = [dict(row) for row in job.verdicts()]
    for row in rows:
        if row["recording_id"] in reasons:
            row |= {"status": "failed", "reason": reasons[row["recording_id"]]}
    if reasons:
        write_csv(job.folder / "recordings.csv", rows, list(rows[0]))
    return [f"{name} failed: {reason}." for name, reason in reasons.items()]


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
    model = Model.load(job.model_folder, device_of(job.settings.device))
    given = Model.load(job.model, device_of(job.settings.device)).generator if job.model else None
    trained = not isinstance(given, Generator)
    seen, dim = [recording for recording in recordings if recording.subject != held_out], model.posture.dim
    network = given if isinstance(given, Generator) else _trained(job, seen, dim)
    unseen = _shown(job, [recording for recording in recordings if recording.subject == held_out], dim)
    proof = validate(network, *unseen, seed=job.settings.seed)
    model.generator = network
    model.save(job.model_folder)
    job.run.record["generator"] = proof.as_dict() | {"held_out": held_out, "trained": trained}
    return []


def _shown(job: Job, recordings: Sequence[Recording], dim: int) -> tuple[list[CropStore], list[np.ndarray]]:
    """The crops and the learned postures, `dim` long, of recordings."""
    names = [recording.recording_id for recording in recordings]
    return [job.store(n) for n in names], [read_arrays(job.embedding_file(n))["posture"][:, :dim] for n in names]


def _trained(job: Job, recordings: Sequence[Recording], dim: int) -> Generator:
    return train_generator(
        *_shown(job, recordings, dim), steps=job.settings.generator_steps, seed=job.settings.seed,
        device=device_of(job.settings.device), checkpoint=job.model_folder / "generator-training.safetensors",
        progress=job.counted("generator"),
    )[0]  # fmt: skip


def score_against(
    study: Path, against: Path, out: Path, options: dict[str, Any], progress: Progress = no_progress
) -> tuple[Job, list[str]]:
    """Score the recordings of `study` by the frozen reference `against` (RUN/model/reference, or RUN) into a run `out`.

    Its networks code them; nothing is trained, and nobody's earlier score changes. options: device and workers. Returns
    the job and the stages that were done. ModelError when the reference is damaged or does not fit its networks.
    """
    job = plan_scoring(study, against, options).start(out, progress)
    return job, run_scoring(job)


def run_scoring(job: Job) -> list[str]:
    """Do the stages of a job of `plan_scoring`, and its report; the names of those that were done."""
    done = run_stages(job, "score")
    report(job)
    return done


def magnify(job: Job) -> list[str]:
    """For the most deviant recording of every query subject: the clip of its most deviant windows, and the evidence."""
    shown = job.shown()
    with job.executor() as pool:
        futures = [pool.submit(show_recording, replace(job, progress=no_progress), name) for name in shown]
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            job.progress("magnify", done, len(shown))
    return []


def report(job: Job) -> list[str]:
    """The figures and report.html."""
    write_figures(job.folder)
    write_report(job.folder, job.counted("report"))
    return []


def find_neighbours(run: Path, recording_id: str, time_s: float, what: str, count: int) -> list[dict[str, Any]]:
    """The `count` postures or behaviours of other subjects most like the one at `time_s` of a recording.

    One neighbour per recording and half second; similarity as in `nearest`.
    """
    record = Run.open(run)
    rows = {row["recording_id"]: row for row in read_csv(record.folder / "recordings.csv") if row["status"] != "failed"}
    if recording_id not in rows:
        raise RunError(f"{run} has no recording '{recording_id}'; it has {', '.join(rows)}.")
    arrays = {name: read_arrays(record.folder / "embeddings" / f"{name}.npz") for name in rows}
    found = nearest(arrays, {name: row["subject"] for name, row in rows.items()}, recording_id, time_s, what, count)
    return [one | {"group": rows[one["recording_id"]]["group"]} for one in found]


WORK = {
    "check": check,
    "crops": crops,
    "train": train,
    "embed": embed,
    "score": score,
    "generator": generator,
    "magnify": magnify,
    "report": report,
}
