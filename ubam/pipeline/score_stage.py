"""The stage `score`: from embeddings to tables of deviation, every test, motifs, maps and the frozen reference.

With `--against`, new recordings are scored by a reference that was frozen earlier, and nothing is fitted.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from ubam.core.errors import ModelError
from ubam.core.files import write_arrays, write_csv
from ubam.core.parallel import executor, named_when_killed
from ubam.deviation.controls import Coded, Components, code_simply, fit_pixels, join_controls
from ubam.deviation.frozen_reference import Frozen, check_fit, find_reference, fingerprint
from ubam.deviation.intervals import reference_issues
from ubam.deviation.posture_series import PostureSeries
from ubam.deviation.reference_model import ReferenceModel
from ubam.deviation.score_tables import ScoreTables, score_tables, usual_values
from ubam.deviation.scores import StudyScores, score_subjects
from ubam.motifs.discovery import WindowSet
from ubam.motifs.maps import draw_maps
from ubam.motifs.tables import motif_usage, write_motifs
from ubam.pipeline.job import Job, row_of
from ubam.pipeline.posture_parts import keypoints_alone
from ubam.pipeline.score_pieces import score_pieces
from ubam.pipeline.scored_run import posture_series
from ubam.recordings.study_table import Recording
from ubam.results.controls import KEYPOINTS
from ubam.results.records.scores import WindowRow
from ubam.results.records.study import Statistics
from ubam.statistics.confounds.audit import audit_study
from ubam.statistics.confounds.new_subjects import audit_new, load_properties, save_properties
from ubam.statistics.confounds.recording_properties import RecordingProperties, recording_properties
from ubam.statistics.study_statistics import (
    Inference,
    Question,
    distance_rows,
    session_rows,
    study_statistics,
    usage_of,
)
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore

WORTH_WORKERS = 64  # recordings from which on scoring takes longer than to start a worker


def score(job: Job) -> list[str]:
    """Deviation of every window, recording and subject, the controls, the group tests, the motifs and the maps."""
    if job.against is not None:
        return score_new(job)
    recordings = job.usable()
    embeddings = [job.embedding(recording.recording_id) for recording in recordings]
    stores = [job.store(recording.recording_id) for recording in recordings]
    codes = posture_series(recordings, embeddings, stores)
    settings = job.settings
    windows = [
        WindowSet(c.recording_id, c.subject, c.group, e["behaviour"], e["window_start_s"], e["window_end_s"])
        for c, e in zip(codes, embeddings, strict=True)
    ]
    question = Question(settings.reference, settings.seed, settings.block)
    coded = _keypoints_alone(job, codes) | _coded_simply(job, codes, stores)
    with named_when_killed(), _here(job, len(codes)) as pool:
        found = score_pieces(recordings, codes, coded, windows, question, pool, job.counted("score"))
    scores, controls, motifs = found.scores, found.controls, found.motifs
    tables = score_tables(recordings, embeddings, scores, controls)
    usage = usage_of(motif_usage(windows, motifs))
    inference = study_statistics(recordings, codes, scores, controls, tables.windows, usage, question, found.ahead)
    seen = recording_properties(recordings, stores, _plan_of(job, stores))
    audit = audit_study(recordings, seen, embeddings, scores, controls, settings.reference, settings.seed)
    _write_scores(job, tables, inference)
    replace(inference.statistics, audit=audit).write(job.files.statistics_json)
    write_motifs(job.files, windows, motifs, settings.reference)
    write_arrays(job.files.maps, **draw_maps(windows, embeddings, motifs, settings.seed))
    _freeze(job, scores, tables.windows, recordings, seen)
    return [*audit.warnings, *inference.statistics.notes]


def _here(job: Job, recordings: int) -> AbstractContextManager[Executor]:
    """The workers that coded the controls, where they are on this machine and for later stages, too; else others."""
    if job.workers is not None and job.workers.begun is not None and job.scheduler is None:
        return nullcontext(job.workers.begun)
    return executor(job.settings.workers if recordings >= WORTH_WORKERS else 1)


def _coded_simply(
    job: Job, codes: Sequence[PostureSeries], stores: Sequence[CropStore]
) -> dict[str, list[PostureSeries]]:
    """The recordings as each of the controls codes them."""
    dim, names = job.settings.posture_dim, [code.recording_id for code in codes]
    made = dict(job.light().each("controls", code_one_simply, names, fit_pixels(stores, dim)))
    return join_controls(codes, stores, [made[name] for name in names], dim)


def _keypoints_alone(job: Job, codes: Sequence[PostureSeries]) -> dict[str, list[PostureSeries]]:
    """What stands beside the score where keypoints joined its postures: the score of these alone."""
    alone = keypoints_alone(job, codes)
    return {} if alone is None else {KEYPOINTS: alone}


def code_one_simply(name: str, job: Job, components: Components) -> dict[str, Coded]:
    """One recording as two of the controls code it, in a worker."""
    return code_simply(job.store(name), components, job.settings.posture_dim, job.settings.seed)


def _plan_of(job: Job, stores: Sequence[CropStore]) -> str:
    """The plan of the study's bodies: as the run has it, or the likeliest."""
    return job.run.record.get("plan") or likeliest_plan(stores)


def _freeze(
    job: Job,
    scores: StudyScores,
    windows: Sequence[WindowRow],
    recordings: Sequence[Recording],
    seen: RecordingProperties,
) -> None:
    folder = job.files.model.reference.path
    held = {code.recording_id for code in scores.fitted.codes}
    chosen = [index for index, recording in enumerate(recordings) if recording.recording_id in held]
    save_properties(folder, seen.only(chosen), [recordings[index].subject for index in chosen])
    scores.fitted.save(folder, fingerprint(job.files.model.path), job.settings.seed, usual_values(scores, windows))


def _write_scores(job: Job, scored: ScoreTables, inference: Inference | None) -> None:
    """The tables of scores; of sessions and distances, too, where they were compared."""
    recordings, files = job.usable(), job.files
    columns = {recording.recording_id: row_of(recording) for recording in recordings}
    for name, (rows, names) in scored.tables().items():
        extra = [] if name != "recordings" else list(columns[recordings[0].recording_id])[3:]
        rows = [columns.get(str(row.get("recording_id", "")), {}) | row for row in rows] if extra else rows
        write_csv(files.scores(name), rows, [*names, *(column for column in extra if column not in names)])
    if inference is not None:
        write_csv(files.scores("distances"), *distance_rows(inference))
        files.scores("sessions").unlink(missing_ok=True)
    if inference is not None and inference.sessions:
        rows = session_rows(inference.sessions, scored.windows)
        write_csv(files.scores("sessions"), rows, list(rows[0]))


def score_new(job: Job) -> list[str]:
    """Deviation of every window, recording and subject from the frozen reference that the job names."""
    if job.against is None:
        raise ModelError("No frozen reference was named; give one with --against.")
    frozen = find_reference(job.against)
    recordings = job.usable()
    embeddings = [job.embedding(recording.recording_id) for recording in recordings]
    stores = [job.store(recording.recording_id) for recording in recordings]
    codes = posture_series(recordings, embeddings, stores)
    fitted = check_fit(frozen, fingerprint(job.files.model.path), codes)
    # A new recording may have the name of one in the reference.
    named = [replace(code, recording_id=f"new/{code.recording_id}") for code in codes]
    found = {}
    for done, code in enumerate(named, 1):
        found[code.recording_id] = fitted.score(code)
        job.counted("score")(done, len(named))
    subjects = score_subjects(fitted, named, found, fitted.own, seed=frozen.seed)
    scores = StudyScores({name.removeprefix("new/"): score for name, score in found.items()}, subjects, fitted)
    tables = score_tables(recordings, embeddings, scores, {})
    _write_scores(job, tables, None)
    statistics = describe_new(frozen, recordings, fitted)
    keys = [(recording.subject, recording.group) for recording in recordings]
    properties = recording_properties(recordings, stores, _plan_of(job, stores))
    audit = audit_new(properties, keys, load_properties(frozen.folder))
    replace(statistics, audit=audit).write(job.files.statistics_json)
    return [*audit.warnings, *statistics.notes]


def describe_new(frozen: Frozen, recordings: Sequence[Recording], fitted: ReferenceModel) -> Statistics:
    """What statistics.json holds where new subjects were scored one by one: no test, but what they were held to."""
    again = [name for name in dict.fromkeys(one.subject for one in recordings) if name in fitted.subjects]
    notes = [
        f"{', '.join(again)}: the reference has a subject of that name, which was left out for it; "
        "if it is another one, give it another name."
    ] if again else []  # fmt: skip
    subjects = dict.fromkeys((one.subject, one.group) for one in recordings)
    groups = dict.fromkeys(group for _, group in subjects)
    return Statistics(
        reference=frozen.group, against=frozen.facts(), looks=fitted.looks is not None,
        n={group: sum(other == group for _, other in subjects) for group in groups},
        notes=[*notes, *reference_issues(fitted)],
    )  # fmt: skip
