"""A small run in a child that is struck at the n-th moment: before or after a file takes its place, or at a step.

Or a copy of its folder is kept at every moment, which is what a kill there would leave.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import RLock
from typing import Any

import cloudpickle
import cv2
import numpy as np
import pytest
from safetensors.torch import load_file

from tests.support.command_line import tiny_quick
from ubam.core.files import read_arrays, read_csv
from ubam.pipeline.plan import plan_run
from ubam.pipeline.runner import run_stages
from ubam.recordings.video_reader import probe
from ubam.results.run_record import RunRecord, locked
from ubam.tracking.crop_store import CropStore

Blow = Callable[[], None]
REPOSITORY = Path(__file__).parents[2]
ALONE = RLock()  # held while a file takes its place, or a copy is made


def kill() -> None:
    """What a power cut or the kernel does."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Moments:
    """Counts moments, and strikes at one of them; 0 is none."""

    strike_at: int
    blow: Blow = kill
    count: int = 0

    def pass_by(self, *_: object) -> None:
        """One more moment."""
        self.count += 1
        if self.count == self.strike_at:
            self.blow()

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call with a moment before and one after it."""

        def surrounded(*given: Any, **named: Any) -> Any:
            self.pass_by()
            value = call(*given, **named)
            self.pass_by()
            return value

        return surrounded


@dataclass
class Copies(Moments):
    """Keeps a copy of a run's folder at every moment at which it differs from the one before: `into`/1, `into`/2, ...

    No file takes its place while a copy is made.
    """

    strike_at: int = 0
    run: Path = Path()
    into: Path = Path()
    made: int = 0
    state: dict[str, tuple[int, int]] = field(default_factory=dict)

    def pass_by(self, *_: object) -> None:
        """One more moment."""
        with ALONE:
            now = state_of(self.run)
            if now != self.state:
                before, self.made = self.into / str(self.made), self.made + 1
                same = [name for name in now if self.state.get(name) == now[name]]
                _keep(self.run, self.into / str(self.made), before, same)
                self.state = now

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call with a moment before and one after it, and none between."""
        surrounded = super().around(call)

        def alone(*given: Any, **named: Any) -> Any:
            with ALONE:
                return surrounded(*given, **named)

        return alone


def state_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file that is there, by path."""
    found = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a temporary one
            state = path.stat()
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = (state.st_size, state.st_mtime_ns)
    return found


def _keep(run: Path, into: Path, before: Path, same: list[str]) -> None:
    """A copy of a folder; files that are the same as in the copy before it are links to those."""
    into.mkdir(parents=True)
    for path in run.rglob("*"):
        inside = path.relative_to(run)
        with suppress(FileNotFoundError):
            if path.is_dir():
                (into / inside).mkdir(parents=True, exist_ok=True)
            elif inside.as_posix() in same:
                os.link(before / inside, into / inside)
            else:
                (into / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, into / inside)


def analyse(study: Path, out: Path, until: str, moments: Moments) -> None:
    """Do the stages of a tiny run, with a moment before and after each file that takes its place."""
    with pytest.MonkeyPatch.context() as patch, tiny_quick(), locked(out):
        patch.setattr(os, "replace", moments.around(os.replace))
        patch.setattr(np, "save", moments.around(np.save))
        plan = plan_run(study, {"preset": "quick", "workers": 1}, ask=lambda groups: None)
        run_stages(plan.start(out, moments.pass_by), until)


def in_new_process(work: Callable[[], object]) -> int:
    """Do some work in a process of its own: 0 where it was done, -9 where it was killed, else 1.

    Networks and films have threads, of which a copy of this process would wait for ever: `nursery` has none.
    """
    given, pipes = cloudpickle.dumps(work), _nursery()
    assert pipes.stdin is not None
    assert pipes.stdout is not None
    pipes.stdin.write(len(given).to_bytes(8, "big") + given)
    pipes.stdin.flush()
    return int(pipes.stdout.readline())


@cache
def _nursery() -> subprocess.Popen[bytes]:
    """The one process that loads what a run needs; it ends with this one."""
    alone = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY,
        env=os.environ | alone | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip


def in_child(work: Callable[[], object]) -> int:
    """Do some light work in a copy of this process, with its patches; the answer is that of `in_new_process`."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status)


def assert_whole(run: Path) -> None:
    """Every file under a final name is whole: it can be read to its end by whoever reads it."""
    for path in run.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(run).parts)
        if path.is_file() and not hidden:
            read = READERS.get(path.suffix)
            assert path.stat().st_size > 0 or path.suffix == ".csv", path
            if read is not None:
                read(path)
    for store in (run / "crops").glob("[!.]*"):
        CropStore.open(store).crops([0, -1])
    if (run / "run.json").exists():
        RunRecord.open(run)


READERS: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".npz": read_arrays,
    ".npy": lambda path: np.load(path)[-1:].sum(),
    ".csv": read_csv,
    ".safetensors": load_file,
    ".mp4": lambda path: probe(path).frames_declared,
    ".png": lambda path: cv2.imread(str(path)).shape,
}


def results(run: Path) -> dict[str, bytes]:
    """The bytes of everything that a run found, by path; not what tells the time of day."""
    kinds = (".csv", ".npz", ".npy", ".bin", ".safetensors", ".mp4", ".png")
    found = {path.relative_to(run).as_posix(): path for path in run.rglob("*") if path.suffix in kinds}
    found |= {"statistics.json": run / "statistics.json"} if (run / "statistics.json").exists() else {}
    hidden = [name for name in found if any(part.startswith(".") for part in Path(name).parts)]
    return {name: path.read_bytes() for name, path in found.items() if name not in hidden}
