"""Workers do their work, and none outlives the process that started it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from ubam.core.parallel import executor, one_ahead

BUSY = """
import signal, sys, time
from ubam.core.parallel import executor, one_ahead

def work(path):
    import os
    with open(path, "a") as told:
        told.write(f"{os.getpid()}\\n")
    while True:
        sum(range(10000))

if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup` has it ignored
    with executor(2) as pool:
        [pool.submit(work, sys.argv[1]) for _ in range(2)]
        time.sleep(600)
"""


def test_workers_give_back_what_they_computed() -> None:
    with executor(2) as pool:
        assert [task.result() for task in [pool.submit(abs, -k) for k in range(5)]] == list(range(5))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_no_worker_outlives_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    told = tmp_path / "workers"
    parent = subprocess.Popen([sys.executable, str(tmp_path / "busy.py"), str(told)], env=os.environ)
    try:
        workers = _eventually(lambda: told.read_text().split() if told.exists() else [], lambda found: len(found) == 2)
        parent.send_signal(how)
        parent.wait(20)
        alive = _eventually(lambda: [one for one in workers if psutil.pid_exists(int(one))], lambda left: not left)
        assert alive == []
    finally:
        parent.kill()


def test_a_process_multiplies_in_one_thread() -> None:
    """Two workers with two threads each would take three times the processor on two cores."""
    ask = "import ubam, numpy, scipy.linalg, threadpoolctl as t; print({m['num_threads'] for m in t.threadpool_info()})"
    free = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    assert subprocess.run([sys.executable, "-c", ask], env=free, capture_output=True, text=True).stdout == "{1}\n"


def test_the_next_part_is_made_in_another_thread_while_one_is_used() -> None:
    made, begun = threading.Event(), list[int]()

    def parts() -> Iterator[int]:
        yield threading.get_ident()
        made.set()
        yield threading.get_ident()
        raise ValueError("the third")

    coming = one_ahead(parts(), lambda: begun.append(threading.get_ident()))
    first = next(coming)
    assert made.wait(20)
    assert [next(coming)] == [first] == begun
    assert first != threading.get_ident()
    with pytest.raises(ValueError, match="the third"):
        next(coming)


def _eventually(look: Callable[[], Any], enough: Callable[[Any], bool], within_s: float = 60.0) -> Any:
    end = time.monotonic() + within_s
    while not enough(found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return found
