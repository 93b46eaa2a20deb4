"""Per-recording work on many cores or machines: any concurrent.futures.Executor is the one seam."""

import math
import multiprocessing
import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from queue import Empty, SimpleQueue
from typing import Any, Self, TypeVar

from ubam.core.errors import UbamError

Item = TypeVar("Item")
Result = TypeVar("Result")

KILLED = (
    "A worker process was ended from outside, most often for want of memory: use fewer --workers; the same command "
    "continues from here."
)
AHEAD = 2000  # items handed over and not yet done: enough for every worker of a cluster, little to hold for a scheduler


class WorkerKilled(UbamError):  # noqa: N818 - nothing went wrong in the worker
    """A worker process was ended from outside, and all others of its pool with it."""


@contextmanager
def named_when_killed() -> Iterator[None]:
    """WorkerKilled where a worker of a pool that is used within was ended from outside."""
    try:
        yield
    except BrokenProcessPool as error:
        raise WorkerKilled(KILLED) from error


def executor(workers: int, scheduler: str | None = None) -> Executor:
    """A pool of `workers` processes here, or the executor of the Dask scheduler at the address `scheduler`.

    With one worker the work is done in a thread of this process. UbamError when Dask is not installed or not reached.
    """
    if scheduler is not None:
        from ubam.core.cluster import Cluster

        return Cluster(scheduler)
    return ThreadPoolExecutor(1) if workers <= 1 else processes(workers)


def processes(count: int) -> ProcessPoolExecutor:
    """A pool of so many processes on this machine, which end with this one."""
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_the_parent)


class Workers:
    """The executor of a run, begun when it is first asked for and kept for all stages; ended with the `with` block."""

    def __init__(self, workers: int, scheduler: str | None = None) -> None:
        self._asked = workers, scheduler
        self._pool: Executor | None = None

    def pool(self) -> Executor:
        """The executor; UbamError as `executor`."""
        if self._pool is None:
            self._pool = executor(*self._asked)
        return self._pool

    @property
    def begun(self) -> Executor | None:
        """The executor, where one is there already."""
        return self._pool

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.end()

    def end(self) -> None:
        """End the executor; the next call of `pool` begins another."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._pool = None


def each_done(
    pool: Executor, work: Callable[..., Result], items: Iterable[Item], *shared: Any,
    meanwhile: Callable[[], None] | None = None,
) -> Generator[tuple[Item, Result], None, None]:  # fmt: skip
    """Do `work(item, *shared)` for every item on the pool; yields each item with its result as soon as it is done.

    No more than AHEAD items are handed over at a time, so that a million of them cost no more memory than a thousand.
    The first error ends it: what has not begun is taken back. WorkerKilled when a worker was ended from outside.
    `meanwhile` is called once a second while nothing is done.
    """
    waiting, running, done = iter(items), dict[Future[Result], Item](), SimpleQueue[Future[Result]]()

    def hand_over(count: int) -> None:
        for item in islice(waiting, count):
            future = pool.submit(work, item, *shared)
            running[future] = item
            future.add_done_callback(done.put)

    try:
        with named_when_killed():
            hand_over(AHEAD)
            while running:
                future = _next_done(done, meanwhile)
                item = running.pop(future)
                result = future.result()
                hand_over(1)
                yield item, result
    finally:
        for future in running:
            future.cancel()


def _next_done(done: SimpleQueue[Future[Result]], meanwhile: Callable[[], None] | None) -> Future[Result]:
    while meanwhile is not None:
        with suppress(Empty):
            return done.get(timeout=1.0)
        meanwhile()
    return done.get()


def one_ahead(parts: Iterator[Item], begin: Callable[[], None] | None = None) -> Iterator[Item]:
    """The same in order; another thread, in which `begin` is called first, makes the next one while one is used."""
    end = object()
    with ThreadPoolExecutor(1, initializer=begin) as pool:
        coming = pool.submit(next, parts, end)
        while (part := coming.result()) is not end:
            coming = pool.submit(next, parts, end)
            yield part  # type: ignore[misc]


def end_with_the_parent() -> None:
    """End this worker when the process that started it is gone, whatever ended that: a signal, a crash, a power cut."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


CGROUPS, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
NO_LIMIT = 1 << 60  # bytes; version 1 writes a number beyond it where there is none


def usable_cores(cgroups: Path = CGROUPS, own: Path = OWN) -> int:
    """How many cores this process may use: those of the machine, of its affinity mask, and of its cgroups' quotas."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [_share(group / "cpu.max") for group in _groups(cgroups, own, "")]
    for group in _groups(cgroups, own, "cpu"):
        quotas.append(_share(*(group / f"cpu.cfs_{name}_us" for name in ("quota", "period"))))
    return max(1, math.ceil(min([affinity, *(quota for quota in quotas if quota is not None)])))


def usable_memory(cgroups: Path = CGROUPS, own: Path = OWN) -> int | None:
    """Bytes that the cgroups of this process leave to all of its processes; None where they set no limit."""
    files = [group / "memory.max" for group in _groups(cgroups, own, "")]
    files += [group / "memory.limit_in_bytes" for group in _groups(cgroups, own, "memory")]
    limits = [int(found[0]) for found in map(_numbers, files) if found and found[0] < NO_LIMIT]
    return min(limits, default=None)


def _groups(cgroups: Path, own: Path, controller: str) -> list[Path]:
    """The folders of this process's cgroup and of all above it; controller: of version 1, empty for version 2.

    Within a container a path may be that of the machine, of which only the last folders, or the root, are there.
    """
    root, path = cgroups / controller, PurePosixPath("/")
    with suppress(OSError):
        for number, controllers, found in (line.split(":", 2) for line in own.read_text().splitlines()):
            if controller in controllers.split(",") and (controller or number == "0"):
                path = PurePosixPath(found)
    return [root.joinpath(*part.parts[1:]) for part in (path, *path.parents)]


def _share(*paths: Path) -> float | None:
    """Cores that a quota grants, by a file with quota and period or by one for each; None where it sets no limit."""
    numbers = [number for path in paths for number in _numbers(path)]
    return numbers[0] / numbers[1] if len(numbers) == 2 and min(numbers) > 0 else None


def _numbers(path: Path) -> list[float]:
    """The numbers in a file; nothing where it is missing or says `max`."""
    try:
        return [float(word) for word in path.read_text().split()]
    except (OSError, ValueError):
        return []
