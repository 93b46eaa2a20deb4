"""Per-recording work on many cores or machines: any concurrent.futures.Executor is the one seam."""

import multiprocessing
import os
import threading
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

from ubam.core.errors import UbamError


def executor(workers: int, scheduler: str | None = None) -> Executor:
    """A pool of `workers` processes here, or the executor of the Dask scheduler at the address `scheduler`.

    With one worker the work is done in a thread of this process. UbamError when Dask is not installed or not reached.
    """
    if scheduler is not None:
        return _dask(scheduler)
    return ThreadPoolExecutor(1) if workers <= 1 else processes(workers)


def processes(count: int) -> ProcessPoolExecutor:
    """A pool of so many processes on this machine, which end with this one."""
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_the_parent)


def end_with_the_parent() -> None:
    """End this worker when the process that started it is gone, whatever ended that: a signal, a crash, a power cut."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: multiprocessing.process.BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _dask(address: str) -> Executor:
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise UbamError("--scheduler needs Dask: pip install 'ubam[cluster]'") from error
    try:
        reached: Executor = Client(address, timeout=10).get_executor()
        return reached
    except (OSError, TimeoutError, ValueError) as error:
        raise UbamError(f"No Dask scheduler answers at {address}; start one or leave out --scheduler.") from error
