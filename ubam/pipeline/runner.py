"""The stages of a run, in order, top to bottom; each reads what the ones before wrote (docs/formats.md has the files).

check -> crops -> train -> embed -> score -> generator -> magnify -> report. A stage is skipped when its inputs and
settings are as they were when it was done.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ubam.core.errors import RunError
from ubam.core.files import file_stamp
from ubam.core.parallel import Workers
from ubam.core.provenance import key_of
from ubam.deviation.frozen_reference import find_reference
from ubam.pipeline.job import Job, row_of, workers_of
from ubam.pipeline.mirrored_run import kept_in_step
from ubam.pipeline.recording_stages import croppable, judge_size
from ubam.pipeline.stages import NEEDS, READS, SETTINGS_OF, STAGES
from ubam.results.run_folder import ModelFolder
from ubam.results.run_record import locked
from ubam.results.run_tables import OF_RECORDINGS, damaged_tables, refuse_damaged


def run_stages(job: Job, until: str = "report", redo: bool = False) -> list[str]:
    """Do every stage up to `until` that is not done, and return their names; `redo` repeats `until` in any case.

    Those whose tables are damaged come first: what else is to be done is read in them.
    """
    mended = _with_damaged_tables(job)
    _carry_out(job, mended)
    pending = pending_stages(job, until, redo)
    if "check" not in pending and (words := judge_size(job)) != job.run.record["stages"]["check"].get("warnings", []):
        job.run.warn("check", words)  # another reference than when the recordings were checked
    _carry_out(job, pending)
    return [stage for stage in STAGES if stage in (*mended, *pending)]


def _carry_out(job: Job, stages: Sequence[str]) -> None:
    with Workers(workers_of(job.settings), job.scheduler) as workers:
        for stage in stages:
            if stage == "crops":
                croppable(job)  # checked before the record says that the stage has started
            with kept_in_step(job):
                work = partial(WORK[stage], replace(job, workers=workers))
                messages = job.run.perform(stage, stage_key(job, stage), work)
                job.run.warn(stage, messages)


def pending_stages(job: Job, until: str = "report", redo: bool = False) -> list[str]:
    """The stages that `run_stages` would do.

    A stage whose files are gone is done again where they are asked for: it is `until`, or one that is to be done reads
    them. One whose table is damaged is done again in any case, and only then the files that are gone are known.
    """
    needed, damaged = _needed(until), _with_damaged_tables(job)
    pending = set(damaged)
    for stage in reversed(STAGES):
        if stage in needed:
            asked = stage == until or any(stage in READS[later] for later in pending)
            done = job.run.is_done(stage, stage_key(job, stage)) and not (redo and stage == until)
            if not done or (asked and not damaged and job.lacks(stage)):
                pending.add(stage)
    if "train" in pending:
        pending |= {"generator"} & needed  # training saves networks without one
    return [stage for stage in STAGES if stage in pending]


def _with_damaged_tables(job: Job) -> list[str]:
    """The stages that are done and wrote a table that is not what it was; RunError where it cannot be made again.

    A stage that other settings call for is not among them: it is to be done in any case.
    """
    damaged = damaged_tables(job.folder)
    writers = [*OF_RECORDINGS] if job.files.recordings_csv in damaged else []
    writers += ["score"] if set(damaged) - {job.files.recordings_csv} else []
    broken = [stage for stage in writers if job.run.is_done(stage, stage_key(job, stage))]
    if "check" in broken:
        _require_videos(job)
    return broken


def _require_videos(job: Job) -> None:
    """RunError where a video is gone since recordings.csv was written, so that it cannot be made again."""
    stamps = job.run.record.get("stamps", {})
    for recording in job.study.recordings:
        if stamps.get(recording.recording_id) and not recording.is_there():
            raise RunError(
                f"{job.files.recordings_csv} is damaged, or was changed by hand, and {recording.video} is not there, "
                "from which it is made again; put one of them back."
            )


def require_scored(job: Job) -> None:
    """Make sure that a run can be shown: RunError when it is not scored; crops that are gone are made again."""
    refuse_damaged(job.folder)
    if pending_stages(job, "score"):
        raise RunError(f"{job.folder} is not scored yet; do first: ubam score {job.folder}")
    if pending_stages(job, "crops"):
        with locked(job.folder):
            run_stages(job, "crops")


def _needed(until: str) -> set[str]:
    return {until}.union(*(_needed(stage) for stage in NEEDS[until]))


def stage_key(job: Job, stage: str) -> str:
    """Fingerprint of all that decides the result of a stage: its settings, the files, and the stages before it."""
    if stage == "check":
        rows = [row_of(recording) | {"keypoints": None} for recording in job.study.recordings]
        kept = job.run.record.get("stamps", {})  # a video that is gone since is not another one
        urls = [recording.urls for recording in job.study.recordings if recording.urls]
        stamps = [r.stamp() or kept.get(r.recording_id, []) for r in job.study.recordings]
        return key_of(rows, stamps, *([urls] if urls else []))
    values = job.settings.as_dict() | {"model": file_stamp(ModelFolder(job.model).description) if job.model else None}
    values["against"] = find_reference(job.against).hash if job.against else None
    points = [[str(r.keypoints), r.stamp("keypoints")] for r in job.study.recordings if r.keypoints]
    values["keypoints"] = points
    masks = [[str(r.mask), r.stamp("mask")] for r in job.study.recordings if r.mask]
    values |= {"masks": masks} if masks else {}
    names = [*SETTINGS_OF.get(stage, ()), *(["plan"] if stage == "crops" and values["plan"] else [])]
    return key_of(
        stage,
        {name: values[name] for name in names if name in values},
        [stage_key(job, n) for n in NEEDS[stage]],
    )


def run_scoring(job: Job) -> list[str]:
    """Do the stages of a job of `plan_scoring`, and its report; the names of those that were done."""
    done = run_stages(job, "score")
    with kept_in_step(job):
        report(job)
    return done


def report(job: Job) -> list[str]:
    """The figures and report.html."""
    from ubam.report.figures.write import write_figures  # here, as matplotlib comes with them
    from ubam.report.page import write_report

    begun = job.workers.begun if job.workers and job.scheduler is None else None
    write_figures(job.folder, *((begun, job.settings.workers) if begun else ()))
    write_report(job.folder, job.counted("report"))
    return []


# The libraries of a stage come with its work: a clip of a finished run waits for those of no other stage.


def _check(job: Job) -> list[str]:
    from ubam.pipeline.recording_stages import check

    return check(job)


def _crops(job: Job) -> list[str]:
    from ubam.pipeline.recording_stages import crops

    return crops(job)


def _train(job: Job) -> list[str]:
    from ubam.pipeline.encoding_stages import train

    return train(job)


def _embed(job: Job) -> list[str]:
    from ubam.pipeline.embedding_stage import embed

    return embed(job)


def _score(job: Job) -> list[str]:
    from ubam.pipeline.score_stage import score

    return score(job)


def _generator(job: Job) -> list[str]:
    from ubam.pipeline.clip_stages import generator

    return generator(job)


def _magnify(job: Job) -> list[str]:
    from ubam.pipeline.clip_stages import magnify

    return magnify(job)


WORK: dict[str, Callable[[Job], list[str]]] = {
    "check": _check,
    "crops": _crops,
    "train": _train,
    "embed": _embed,
    "score": _score,
    "generator": _generator,
    "magnify": _magnify,
    "report": report,
}
