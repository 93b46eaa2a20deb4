"""Runs: started, watched, cancelled, resumed, opened from a folder, compared; and clips on demand."""

import json
from pathlib import Path

from apiflask import APIBlueprint, abort
from sqlalchemy import select

from ubam.core.errors import UbamError
from ubam.core.settings import RUN_PRESETS
from ubam.results.run_folder import RunFolder
from webui.access.audit_log import note
from webui.access.identity import me
from webui.access.permissions import recording_of, role_in, run_of, study_of, visible
from webui.api.study_checks import problems
from webui.context import service
from webui.data.models import Job, Recording, Run, Study
from webui.data.session import database
from webui.http.answer_records import LogAnswer, RunAnswer, ShortRunAnswer
from webui.http.answer_schemas import LogOut, RunOut, ShortRun
from webui.http.paging import Headers, ListIn, ListRequest, Order, page_of
from webui.http.request_records import NameRequest, PageRequest, PathRequest, RunRequest, ScoreRequest
from webui.http.schemas import PageIn, PathIn, RunIn, ScoreIn, StudyIn
from webui.http.security import identity, limiter
from webui.jobs.progress import (
    expected_seconds,
    log_lines,
    read_progress,
    share_and_rest,
    stages_of_folder,
    video_seconds_of,
)
from webui.jobs.records import RunEntry
from webui.jobs.requests import LIVE, add_job, cancel_job, job_of, position, same_run
from webui.jobs.run_study import entry_of, run_names
from webui.results.path_redaction import cut_text
from webui.results.reader import cut_from

NEWEST = Order((Run.created, Run.id), newest_first=True)
runs = APIBlueprint("runs", __name__, url_prefix="/api/v1", tag="runs")


def run_json(run: Run) -> RunAnswer:
    """What the API says of a run."""
    job, editable = job_of(run), role_in(run.study) != "viewer" and me().role != "viewer"
    folder, refused = _folder(run)
    stages = stages_of_folder(folder) if job is None else read_progress(service().storage.job(run))["stages"]
    share, rest = share_and_rest(stages, run.preset, video_seconds_of(run))
    running = next((stage["name"] for stage in stages if stage["state"] == "running"), "")
    status = job.status if job is not None else "done" if RunFolder(folder).report.exists() else "failed"
    error, *warnings = _without_folders(run, [job.error if job else refused, *_warnings(folder)])
    return {
        "id": run.id, "study": run.study_id, "study_name": run.study.name, "can_edit": editable, "name": run.name,
        "status": status, "stage": running if status == "running" else "", "stages": stages,
        "fraction": 1.0 if status == "done" else round(share, 4), "eta_s": rest if status == "running" else None,
        "queue_position": position(job), "error": error, "warnings": warnings,
        "posture": run.posture, "plan": run.plan, "block": run.block,
        "reference": run.reference, "preset": run.preset, "seed": run.seed, "created": run.created.isoformat(),
        "started": _time(job, "started"), "finished": _time(job, "finished"), "against": run.against_id,
        "opened": run.folder is not None, "kind": "score" if run.against_id else "run",
    }  # fmt: skip


def _time(job: Job | None, name: str) -> str | None:
    value = getattr(job, name) if job is not None else None
    return value.isoformat() if value is not None else None


def _folder(run: Run) -> tuple[Path, str]:
    """The run folder, and why nothing of it may be read; then it is a folder that holds nothing."""
    try:
        return service().storage.run(run), ""
    except UbamError:
        return service().storage.job(run), "The server may no longer read the folder of this run; ask whoever runs it."


def _warnings(folder: Path) -> list[str]:
    try:
        found: list[str] = json.loads(RunFolder(folder).run_json.read_text(encoding="utf-8")).get("warnings", [])
    except (OSError, json.JSONDecodeError):
        return []
    return found


def _without_folders(run: Run, sentences: list[str]) -> list[str]:
    """Sentences without the folders that a run of the command line names."""
    cut = cut_from(run) if run.folder is not None and any(sentences) else ()
    return [cut_text(sentence, cut) for sentence in sentences]


@runs.get("/runs")
@runs.input(ListIn, location="query", arg_name="given")
@runs.output(ShortRun(many=True))
@runs.doc(summary="Every run that one may see, newest first")
def list_all_runs(given: ListRequest) -> tuple[list[ShortRunAnswer], int, Headers]:
    """Those of all studies."""
    me()
    found, headers = page_of(select(Run).join(Study).where(visible()), NEWEST, given)
    return [_short(run) for run in found], 200, headers


def _short(run: Run) -> ShortRunAnswer:
    whole = run_json(run)
    return {
        "id": whole["id"], "study": whole["study"], "study_name": whole["study_name"], "name": whole["name"],
        "status": whole["status"], "preset": whole["preset"], "created": whole["created"], "kind": whole["kind"],
    }  # fmt: skip


@runs.get("/studies/<string:study_id>/runs")
@runs.input(ListIn, location="query", arg_name="given")
@runs.output(RunOut(many=True))
@runs.doc(summary="The runs of a study, newest first")
def list_runs(study_id: str, given: ListRequest) -> tuple[list[RunAnswer], int, Headers]:
    """Newest first."""
    found, headers = page_of(select(Run).where(Run.study_id == study_of(study_id).id), NEWEST, given)
    return [run_json(run) for run in found], 200, headers


@runs.post("/studies/<string:study_id>/runs")
@runs.input(RunIn, arg_name="given")
@runs.output(RunOut, status_code=201)
@runs.doc(summary="Start a run", responses={201: "queued", 400: "what must be mended first"})
@limiter.limit("30 per minute", key_func=identity)
def start_run(study_id: str, given: RunRequest) -> tuple[RunAnswer, int]:
    """Queue the stages of `ubam run` on the usable recordings as they are now."""
    study = study_of(study_id, "editor")
    if given["preset"] not in RUN_PRESETS:
        abort(422, f"There is no preset '{given['preset']}'; choose one of {', '.join(RUN_PRESETS)}.")
    found = problems(study.recordings)
    if found:
        abort(400, found[0], detail={"problems": found})
    usable = [recording for recording in study.recordings if recording.status in ("ok", "partial")]
    reference = given.get("reference") or None
    groups = list(dict.fromkeys(recording.group for recording in usable))
    if reference is not None and reference not in groups:
        abort(422, f"No usable recording is in a group called '{reference}'; the groups are {', '.join(groups)}.")
    _check_options(given, usable)
    name = (given.get("name") or "").strip() or f"{given['preset']}, {len(usable)} recordings"
    run = Run(name=name, reference=reference, preset=given["preset"], seed=given["seed"])
    run.posture, run.plan, run.block = given.get("posture"), given.get("plan"), given.get("block") or None
    return _queue(run, study, usable, "run", given["again"]), 201


def _check_options(given: RunRequest, usable: list[Recording]) -> None:
    """What `ubam run` would refuse later."""
    without = [one for one in usable if not one.keypoints or one.keypoints_said != "ok"]
    if given.get("posture") == "keypoints" and without:
        why = f": {without[0].keypoints_said}" if without[0].keypoints_said else ""
        abort(
            400,
            f"Postures of keypoints take keypoints of every recording; {without[0].file_name} has none that can be "
            f"used{why}",
        )
    block = given.get("block")
    if block and not all(one.extra.get(block) for one in usable):
        abort(400, f"Not every recording says its '{block}'; fill in that column of the table.")


def _queue(run: Run, study: Study, chosen: list[Recording], kind: str, again: bool) -> RunAnswer:
    entries = {name: entry_of(recording) for name, recording in run_names(chosen).items()}
    if kind == "score":  # beside a frozen reference, whoever is scored is none of it; and may be in no group at all
        for entry in entries.values():
            entry["group"] = entry["group"] if entry["group"].strip() not in ("", run.reference) else "new"
    return queue_entries(run, study, entries, kind, again=again)


def queue_entries(run: Run, study: Study, entries: dict[str, RunEntry], kind: str, *, again: bool = False) -> RunAnswer:
    """Queue a run of recordings as they are now; `entries` by their names in the run.

    409 where the same run waits, goes on or is done, unless it is wanted `again`.
    """
    run.study_id, run.user_id, run.recordings = study.id, me().id, entries
    same = None if again else same_run(run, study)
    if same is not None:
        known = {"run": same.id, "name": same.name}
        abort(409, f"The same recordings were started with the same settings: '{same.name}'.", detail=known)
    database().add(run)
    database().flush()
    add_run_job(run, study, kind)
    note("start run", "run", run.id)
    return run_json(run)


def add_run_job(run: Run, study: Study, kind: str) -> None:
    """Queue a run, its priority by how long it will take."""
    run.study = study
    add_job(kind, run, study, expected_seconds(run.preset, video_seconds_of(run)))


@runs.post("/studies/<string:study_id>/runs/open")
@runs.input(PathIn, arg_name="given")
@runs.output(RunOut, status_code=201)
@runs.doc(summary="Open a run that was made on the command line", responses={201: "opened"})
@limiter.limit("30 per minute", key_func=identity)
def open_run(study_id: str, given: PathRequest) -> tuple[RunAnswer, int]:
    """The run folder stays where it is and is only read."""
    study = study_of(study_id, "editor")
    folder = service().storage.allowed(Path(given["path"]))
    try:
        record = json.loads(RunFolder(folder).run_json.read_text(encoding="utf-8"))
        preset, seed, reference = str(record["preset"]), int(record["seed"]), record.get("reference")
    except (OSError, ValueError, KeyError, TypeError):
        abort(400, f"{given['path']} holds no run (no run.json that can be read); give the folder that --out named.")
    run = Run(study_id=study.id, name=folder.name[:200], preset=preset[:32], seed=seed, user_id=me().id)
    run.reference, run.folder = (str(reference)[:200] if reference else None), str(folder)
    database().add(run)
    database().commit()
    note("open folder", "run", run.id)
    return run_json(run), 201


@runs.get("/runs/<string:run_id>")
@runs.output(RunOut)
@runs.doc(summary="A run: status, stages, share done, estimate")
def get_run(run_id: str) -> RunAnswer:
    """One run."""
    return run_json(run_of(run_id))


@runs.patch("/runs/<string:run_id>")
@runs.input(StudyIn, arg_name="given")
@runs.output(RunOut)
@runs.doc(summary="Rename a run")
def rename_run(run_id: str, given: NameRequest) -> RunAnswer:
    """Another name."""
    run = run_of(run_id, "editor")
    run.name = given["name"].strip()
    database().commit()
    return run_json(run)


@runs.get("/runs/<string:run_id>/log")
@runs.input(PageIn, location="query", arg_name="given")
@runs.output(LogOut)
@runs.doc(summary="The log of a run from a position on")
def get_log(run_id: str, given: PageRequest) -> LogAnswer:
    """Whole lines; `next` is the position for the next question."""
    lines, following = log_lines(service().storage.job(run_of(run_id)) / "log.txt", given["after"])
    return {"lines": lines, "next": following}


@runs.post("/runs/<string:run_id>/cancel")
@runs.output(RunOut)
@runs.doc(summary="Cancel a run that waits or runs")
def cancel_run(run_id: str) -> RunAnswer:
    """Its processes end within a second; what is finished stays."""
    run = run_of(run_id, "editor")
    job = job_of(run)
    if job is not None:
        cancel_job(job)
        note("cancel run", "run", run.id)
    return run_json(run)


@runs.post("/runs/<string:run_id>/resume")
@runs.output(RunOut)
@runs.doc(summary="Continue a run that failed or was cancelled, after its last finished stage")
@limiter.limit("30 per minute", key_func=identity)
def resume_run(run_id: str) -> RunAnswer:
    """Another job for the same run."""
    run = run_of(run_id, "editor")
    job = job_of(run)
    if job is None:
        abort(409, "This run was made elsewhere and is only read here; resume it there.")
    if job.status in LIVE:
        abort(409, "This run is waiting or running already.")
    add_run_job(run, run.study, job.kind)
    return run_json(run)


@runs.delete("/runs/<string:run_id>")
@runs.output({}, status_code=204)
@runs.doc(summary="Delete a run with every file of it, for good")
def delete_run(run_id: str) -> str:
    """A run that was opened from a folder stays there."""
    run = run_of(run_id, "editor")
    for target in (run.id, *(clip.id for clip in run.clips)):
        for job in database().scalars(select(Job).where(Job.target_id == target)):
            cancel_job(job)
            database().delete(job)
    folder = service().storage.job(run)
    service().storage.bury(folder)
    database().delete(run)
    database().commit()
    service().storage.remove(folder)
    note("delete run", "run", run_id)
    return ""


@runs.post("/runs/<string:run_id>/score")
@runs.input(ScoreIn, arg_name="given")
@runs.output(RunOut, status_code=201)
@runs.doc(summary="Score recordings against the frozen reference of this run", responses={201: "queued"})
@limiter.limit("30 per minute", key_func=identity)
def score_against(run_id: str, given: ScoreRequest) -> tuple[RunAnswer, int]:
    """The recordings may be of any of one's studies; the result is a run of the same study."""
    run = run_of(run_id, "editor")
    chosen = [_any_recording(recording_id) for recording_id in dict.fromkeys(given["recordings"])]
    unusable = next((r for r in chosen if r.status not in ("ok", "partial") or not r.subject.strip()), None)
    if unusable is not None:
        abort(400, f"{unusable.file_name} cannot be scored: {unusable.reason or 'it has no subject yet'}")
    name = (
        given.get("name") or ""
    ).strip() or f"{', '.join(dict.fromkeys(r.subject for r in chosen))} against {run.name}"
    scored = Run(name=name[:200], reference=run.reference, preset=run.preset, seed=run.seed, against_id=run.id)
    return _queue(scored, run.study, chosen, "score", given["again"]), 201


def _any_recording(recording_id: str) -> Recording:
    recording = database().get(Recording, recording_id)
    if recording is None:
        abort(404, "There is no such recording.")
    return recording_of(recording.study_id, recording_id)
