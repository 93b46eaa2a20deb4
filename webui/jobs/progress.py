"""How far a job is, from the files that its child writes: stages, share done, and an estimate of the rest."""

import json
from collections.abc import Mapping
from pathlib import Path

from ubam.pipeline.stages import STAGES
from ubam.results.run_folder import RunFolder
from webui.data.models import Run
from webui.jobs.records import JobProgress, StageProgress

# Seconds of the sample study (12 recordings, one minute of video) on two cores, from its run.json. What grows with the
# length of the videos is scaled by their minutes; a running stage corrects the rest by how it fares itself.
SECONDS = {
    "quick": {"check": 0.5, "crops": 20, "train": 34, "embed": 1, "score": 10, "generator": 12, "magnify": 40,
              "report": 9},
    "standard": {"check": 0.5, "crops": 24, "train": 180, "embed": 1, "score": 13, "generator": 59, "magnify": 40,
                 "report": 9},
    "thorough": {"check": 0.5, "crops": 24, "train": 4800, "embed": 2, "score": 13, "generator": 440, "magnify": 40,
                 "report": 9},
}  # fmt: skip
GROWS = ("check", "crops", "embed", "score", "magnify", "report")


def expected_seconds(preset: str, video_seconds: float, stage: str | None = None) -> float:
    """About how long a run, or one stage of it, takes on two cores."""
    table = SECONDS.get(preset, SECONDS["standard"])
    minutes = max(video_seconds / 60, 0.2)
    stages = STAGES if stage is None else (stage,)
    return sum(table.get(name, 10) * (minutes if name in GROWS else 1.0) for name in stages)


def read_progress(folder: Path) -> JobProgress:
    """What the child wrote last: `stage` and `stages`; empty before it began."""
    try:
        found: JobProgress = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {"stage": "", "stages": []}
    return found


def stages_of_folder(run_folder: Path) -> list[StageProgress]:
    """The stages of a run that was made on the command line, from its run.json."""
    try:
        record = json.loads(RunFolder(run_folder).run_json.read_text(encoding="utf-8"))["stages"]
    except (OSError, json.JSONDecodeError, KeyError):
        return []
    return [
        {"name": name, "state": record.get(name, {}).get("state", "waiting"), "done": 0, "total": 0,
         "seconds": record.get(name, {}).get("seconds")}
        for name in STAGES
    ]  # fmt: skip


def share_and_rest(stages: list[StageProgress], preset: str, video_seconds: float) -> tuple[float, float | None]:
    """Share of the work that is done (0..1), and seconds that the rest will take; None while nothing speaks for it."""
    if not stages:
        return 0.0, None
    expected = {stage["name"]: expected_seconds(preset, video_seconds, stage["name"]) for stage in stages}
    done = sum(_share(stage) * expected[stage["name"]] for stage in stages)
    total = sum(expected.values()) or 1.0
    left, pace = total - done, _pace(stages, expected)
    return min(done / total, 1.0), round(left * pace, 1)


def _share(stage: StageProgress) -> float:
    if stage["state"] == "done":
        return 1.0
    return min(stage["done"] / stage["total"], 1.0) if stage["state"] == "running" and stage["total"] else 0.0


def _pace(stages: list[StageProgress], expected: Mapping[str, float]) -> float:
    """How much slower than expected this run has been so far; 1 while little is done."""
    planned = sum(_share(stage) * expected[stage["name"]] for stage in stages if stage["seconds"])
    taken = sum(stage["seconds"] or 0 for stage in stages if _share(stage))
    return taken / planned if planned > 2.0 else 1.0


def video_seconds_of(run: Run) -> float:
    """Seconds of video that a run analyses."""
    return sum(float(entry.get("duration_s") or 0) for entry in run.recordings.values())


def log_lines(path: Path, after: int) -> tuple[list[str], int]:
    """Whole lines of a log from byte `after` on, a quarter of a megabyte at most, and where the next ones begin."""
    if not path.is_file():
        return [], 0
    size = path.stat().st_size
    with open(path, "rb") as handle:
        handle.seek(min(after, size))
        data = handle.read(256 * 1024)
    end = data.rfind(b"\n") + 1
    return data[:end].decode("utf-8", "replace").split("\n")[:-1], min(after, size) + end
