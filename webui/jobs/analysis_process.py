"""A child process that analyses: the stages of `ubam.pipeline`, progress into a file, words into the log.

`python -m webui.jobs.analysis_process FOLDER`; FOLDER/order.json says what, FOLDER/result.json how it ended.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ubam.core.errors import RunError, UbamError
from ubam.core.files import write_json
from ubam.pipeline.stages import STAGE_WORDS
from webui.jobs.records import IN_PHASE, ClipOrder, RunOrder, ScoreOrder, StageProgress
from webui.jobs.subprocesses import end_with_parent

if TYPE_CHECKING:
    from ubam.recordings.study_table import Recording

EVERY_S = 0.4
LOCK_S = 20.0


class Progress:
    """Writes progress.json, at most every 0.4 s, and a line per stage into the log."""

    def __init__(self, folder: Path, stages: list[str], seconds: dict[str, float]) -> None:
        self._path, self._written, self._began = folder / "progress.json", 0.0, time.monotonic()
        done = {name: name in seconds for name in stages}
        self._stages: dict[str, StageProgress] = {
            name: {"name": name, "state": "done" if done[name] else "waiting", "done": 0, "total": 0,
                   "seconds": seconds.get(name)}
            for name in stages
        }  # fmt: skip
        self._write("")

    def begin(self, stage: str) -> None:
        """A stage begins."""
        self._began, entry = time.monotonic(), self._stages[stage]
        entry["state"], entry["seconds"] = "running", 0.0
        self._write(stage)
        say(STAGE_WORDS.get(stage, stage))

    def end(self, stage: str) -> None:
        """A stage is done."""
        entry = self._stages[stage]
        entry["state"], entry["seconds"] = "done", round(time.monotonic() - self._began, 2)
        self._write("")
        say(f"{STAGE_WORDS.get(stage, stage)}: done in {entry['seconds']:.1f} s")

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Count within a stage."""
        entry = self._stages.get(stage)
        if entry is None:
            return
        entry["done"], entry["total"], entry["seconds"] = done, total, round(time.monotonic() - self._began, 2)
        if time.monotonic() - self._written > EVERY_S or done == total:
            self._write(stage)

    def _write(self, stage: str) -> None:
        self._written = time.monotonic()
        write_json(self._path, {"stage": stage, "stages": list(self._stages.values())})


def say(text: str) -> None:
    """A line of the log, which is this process's standard output."""
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Do what order.json says and write how it ended."""
    end_with_parent()
    folder = Path(sys.argv[1])
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    error = ""
    try:
        KINDS[order["do"]](order, folder)
    except UbamError as problem:
        error = str(problem)
    except OSError as problem:
        error = f"{problem.strerror or problem}: is the disk full? Resume continues after the last finished stage."
        traceback.print_exc()
    except Exception as problem:
        error = f"This is a fault of ubam ({type(problem).__name__}: {problem}); the log has the lines to report."
        traceback.print_exc()
    if error:
        say(error)
    write_json(folder / "result.json", {"error": error})
    sys.exit(1 if error else 0)


def analyse(order: RunOrder, folder: Path) -> None:
    """Every stage of a run that is not done yet."""
    from ubam.pipeline import runner
    from ubam.pipeline import stages as stages_module
    from ubam.pipeline.plan import plan_run
    from ubam.results.records.run import RunOptions
    from ubam.results.run_record import locked

    out = Path(order["out"])
    options: RunOptions = {
        "reference": order["reference"], "preset": order["preset"], "seed": order["seed"],
        "workers": order["workers"], "device": "auto", "model": None, "scheduler": None, "factors": (),
        "posture": order["posture"], "plan": order["plan"], "block": order["block"],
    }  # fmt: skip
    plan = plan_run(folder / "study.csv", options, ask=lambda groups: None)
    say(plan.choice_of_reference)
    _wait_for(out)
    with locked(out):
        job = plan.dry(out)
        pending = set(runner.pending_stages(job))
        kept = {name: entry.get("seconds") or 0.0 for name, entry in job.run.record["stages"].items()}
        progress = Progress(folder, list(stages_module.STAGES), {n: s for n, s in kept.items() if n not in pending})
        job = plan.start(out, progress)
        for stage in stages_module.STAGES:
            if stage in pending:
                progress.begin(stage)
                runner.run_stages(job, stage)
                progress.end(stage)
    for warning in job.run.record.get("warnings", []):
        say(f"note: {warning}")


def _wait_for(out: Path) -> None:
    """Give a process that was just told to end the time to let go of the run folder."""
    from ubam.results.run_record import locked

    until = time.monotonic() + LOCK_S
    while True:
        try:
            with locked(out):
                return
        except RunError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def render(order: ClipOrder, folder: Path) -> None:
    """One clip of a scored run."""
    progress = Progress(folder, ["magnify"], {})
    progress.begin("magnify")
    how = _in_phase if order["layout"] == IN_PHASE else _beside_frozen if order["against"] else _magnified
    how(order, progress)
    progress.end("magnify")


def _magnified(order: ClipOrder, progress: Progress) -> None:
    """A clip of a run that has its reference recordings itself."""
    from ubam.pipeline import runner
    from ubam.pipeline.plan import plan_run
    from ubam.pipeline.queries import magnify_recording, transfer_posture
    from ubam.results.run_record import RunRecord

    run = Path(order["run"])
    record = RunRecord.open(run).record
    job = plan_run(Path(record["study"]), record["options"], ask=lambda groups: None).dry(run, progress)
    if runner.pending_stages(job, "score"):
        raise RunError("The run is not scored, or its recordings changed since; resume it first.")
    span = (order["from_s"], order["to_s"])
    if order["appearance"]:
        transfer_posture(job, order["recording"], order["appearance"], span, Path(order["out"]))
    else:
        out, layers = Path(order["out"]), Path(order["out"]).with_suffix(".layers.mp4")
        magnify_recording(job, order["recording"], order["factor"], order["layout"], span, out, layers=layers)


def _in_phase(order: ClipOrder, progress: Progress) -> None:
    """Two recordings of a run beside each other."""
    from webui.jobs.phase_film import write_in_phase

    run, names = Path(order["run"]), (order["recording"], order["appearance"] or "")
    videos = {name: one.fetched().video for name, one in recordings_of(run).items() if name in names}
    write_in_phase(run, names, videos, Path(order["out"]), progress)


def _beside_frozen(order: ClipOrder, progress: Progress) -> None:
    """A clip of a recording that was scored against a frozen reference, whose run still has its recordings."""
    import ubam
    from ubam.api.subject import CroppedRecording
    from ubam.deviation.twin import matched_subjects
    from ubam.results.run_data import read_run
    from ubam.results.run_folder import RunFolder
    from ubam.tracking.crop_store import CropStore

    run, against = RunFolder(Path(order["run"])), RunFolder(Path(order["against"] or ""))
    query, group = recordings_of(run.path)[order["recording"]], read_run(against.path).reference
    known = [one for one in recordings_of(against.path).values() if one.group == group]
    known = [one for one in known if against.crops(one.recording_id).description.is_file()]
    subjects = set(matched_subjects(list(dict.fromkeys(one.subject for one in known))))
    ubam.magnify(
        CroppedRecording(query.fetched(), CropStore.open(run.crops(query.recording_id).path)),
        [
            CroppedRecording(one, CropStore.open(against.crops(one.recording_id).path))
            for one in known if one.subject in subjects
        ],
        ubam.Model.load(against.model.path), order["factor"], order["out"], layout=order["layout"],
        span=(order["from_s"], order["to_s"]), progress=lambda done, total: progress("magnify", done, total),
    )  # fmt: skip


def recordings_of(run: Path) -> dict[str, "Recording"]:
    """The rows of the study of a run, by their names in the run."""
    from ubam.recordings.study_table import read_study
    from ubam.results.run_record import RunRecord

    study = read_study(Path(RunRecord.open(run).record["study"]), compared=False)
    return {one.recording_id: one for one in study.recordings}


def score(order: ScoreOrder, folder: Path) -> None:
    """Score recordings against the frozen reference of another run; nothing is trained."""
    from ubam.pipeline import runner
    from ubam.pipeline import stages as stages_module
    from ubam.pipeline.plan import plan_scoring
    from ubam.results.run_record import locked

    out, against = Path(order["out"]), Path(order["against"])
    plan = plan_scoring(folder / "study.csv", against, {"device": "auto", "workers": order["workers"]})
    say(plan.choice_of_reference)
    _wait_for(out)
    with locked(out):
        needed = list(stages_module.STAGES[: stages_module.STAGES.index("score") + 1])
        pending = set(runner.pending_stages(plan.dry(out), "score"))
        progress = Progress(folder, [*needed, "report"], {name: 0.0 for name in needed if name not in pending})
        job = plan.start(out, progress)
        for stage in needed:
            if stage in pending:
                progress.begin(stage)
                runner.run_stages(job, stage)
                progress.end(stage)
        progress.begin("report")
        runner.report(job)
        progress.end("report")


KINDS: dict[str, Callable[[Any, Path], None]] = {"run": analyse, "clip": render, "score": score}

if __name__ == "__main__":
    main()
