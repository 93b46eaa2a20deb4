"""A process that has loaded what a run needs and has no threads yet; copies of it do what `in_new_process` is given.

Read from standard input: the length of a pickled function, 8 bytes, and the function. Written: its exit code, a line.
"""

import os
import sys
import traceback
from pathlib import Path

import cloudpickle

from tests.faults import crashes  # loads torch and OpenCV
from ubam.pipeline import runner

LOADED = (crashes, runner)
OWN = str(os.getpid())


def main() -> None:
    """Copy this process for each function that comes, until none comes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the work prints is no answer
    while length := sys.stdin.buffer.read(8):
        given = sys.stdin.buffer.read(int.from_bytes(length, "big"))
        threads = {
            (task / "comm").read_text().strip() for task in Path("/proc/self/task").iterdir() if task.name != OWN
        }
        assert threads <= {"jemalloc_bg_thd"}, f"{threads}: a copy could wait for ever"  # that one knows of copies
        child = os.fork()
        if child == 0:
            _do(given)
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        answers.flush()


def _do(given: bytes) -> None:
    code = 1
    try:
        cloudpickle.loads(given)()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
