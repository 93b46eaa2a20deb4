"""In place of the child process that analyses: stages that take a moment, results that lie ready in UBAM_TEST_RUN.

It imports nothing heavy. As long as the data folder's file `hold` names a stage, that stage waits; stages that were
finished before a stop are not done again, as in a real run.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from ubam.pipeline.stages import STAGES
from webui.jobs.analysis_process import Progress, say
from webui.jobs.subprocesses import end_with_parent

STEPS, STEP_S = 4, 0.05


def main() -> None:
    """Do what order.json says, as webui.jobs.analysis_process would."""
    end_with_parent()
    folder = Path(sys.argv[1])
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    render(order, folder) if order["do"] == "clip" else analyse(order, folder)
    (folder / "result.json").write_text(json.dumps({"error": ""}), encoding="utf-8")


def analyse(order: dict[str, Any], folder: Path) -> None:
    """Every stage that is not done yet, then the results."""
    out, done = Path(order["out"]), folder / "done.txt"
    finished = done.read_text(encoding="utf-8").split() if done.exists() else []
    progress = Progress(folder, list(STAGES), dict.fromkeys(finished, 0.1))
    for stage in (name for name in STAGES if name not in finished):
        progress.begin(stage)
        for step in range(STEPS):
            progress(stage, step, STEPS)
            time.sleep(STEP_S)
        _wait(folder.parents[3] / "hold", stage)
        progress.end(stage)
        if stage == "score":
            shutil.copytree(os.environ["UBAM_TEST_RUN"], out, dirs_exist_ok=True, ignore=_later, copy_function=_whole)
        finished.append(stage)
        done.write_text(" ".join(finished), encoding="utf-8")
    shutil.copytree(os.environ["UBAM_TEST_RUN"], out, dirs_exist_ok=True, copy_function=_whole)
    say("done")


def _whole(source: str, target: str) -> None:
    """Copy a file as runs write theirs: whole or absent, whoever reads meanwhile."""
    shutil.copy(source, f"{target}.part")
    os.replace(f"{target}.part", target)


def _later(folder: str, names: list[str]) -> set[str]:
    """What the stages after `score` write."""
    return {"magnified", "evidence", "preview", "report.html"} & set(names)


def _wait(hold: Path, stage: str) -> None:
    while hold.exists() and hold.read_text(encoding="utf-8").strip() == stage:
        time.sleep(0.05)


def render(order: dict[str, Any], folder: Path) -> None:
    """The clip that lies ready, with the facts that were asked for."""
    progress = Progress(folder, ["magnify"], {})
    progress.begin("magnify")
    for step in range(STEPS):
        progress("magnify", step, STEPS)
        time.sleep(8 * STEP_S)
    clips, out = Path(os.environ["UBAM_TEST_RUN"]) / "magnified", Path(order["out"])
    own = clips / f"{order['recording']}.json"
    ready = own if own.exists() else min(clips.glob("*.json"))  # of somebody: a run may hold others than the ready one
    facts = json.loads(ready.with_suffix(".json").read_text(encoding="utf-8"))
    facts |= {name: order[name] for name in ("factor", "layout", "appearance")} | {"leaps": 2}
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_suffix(".json").write_text(json.dumps(facts), encoding="utf-8")
    if order["layout"] == "strip":
        for drawn in (out, out.with_suffix(".svg")):
            shutil.copy(Path(os.environ["UBAM_TEST_RUN"]) / "figures" / f"strip{drawn.suffix}", drawn)
    else:
        shutil.copy(ready.with_suffix(".mp4"), out)
    progress.end("magnify")


if __name__ == "__main__":
    main()
