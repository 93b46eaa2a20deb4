"""Work on the workers of a Dask scheduler, as a concurrent.futures.Executor whose errors say what to do.

Dask itself gives the work of a lost worker to another one, and the next piece to whichever worker is free.
"""

import asyncio
import logging
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ubam.core.errors import UbamError
from ubam.core.provenance import installed_versions, source_hash, version_of

CONTINUES = "what is done is kept, and the same command continues from here."


class Cluster(Executor):
    """The workers of the Dask scheduler at an address.

    Raises
    ------
    UbamError
        Dask is not installed, or nothing answers at the address. As the exception of a future: the scheduler went away,
        a worker lacks ubam or has other versions, or the work ended several workers.
    """

    def __init__(self, address: str, timeout_s: float = 10.0) -> None:
        try:
            from dask.distributed import Client
        except ImportError as error:
            raise UbamError("--scheduler needs Dask: pip install 'ubam[cluster]'") from error
        for logger in ("distributed", "distributed.client"):  # they write pages about what is said in a sentence
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of packages of its own; those that matter are compared with each call
                self._client = Client(address, timeout=timeout_s, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UbamError(f"No Dask scheduler answers at {address}; start one or leave out --scheduler.") from error
        self._address = address

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have `fn` called on a worker, which must have the versions of this process."""
        outer: Future[Any] = Future()
        outer.set_running_or_notify_cancel()
        call = pickle.dumps(_Call(deciding_versions(), fn, args, kwargs))
        loop: Any = self._client.loop
        loop.add_callback(self._settle, self._client.submit(pickle.loads, call, pure=False), outer)
        return outer

    async def _settle(self, inner: Any, outer: Future[Any]) -> None:
        """Hand on what came of a call; its result is let go of then, or it would be made again with a lost worker."""
        try:
            outer.set_result(await inner)
        except (CancelledError, asyncio.CancelledError) as error:
            outer.set_exception(self._gone(error))
        except Exception as error:
            outer.set_exception(self._in_words(error))
        finally:
            inner.release()

    def _gone(self, error: BaseException) -> UbamError:
        gone = UbamError(f"The Dask scheduler at {self._address} went away; {CONTINUES}")
        gone.__cause__ = error
        return gone

    def _in_words(self, error: Exception) -> Exception:
        """An error of the work as it is; one of the cluster in words for the user."""
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        if isinstance(error, CommClosedError):
            return self._gone(error)
        if isinstance(error, KilledWorker):
            words = f"Several workers ended over the same recording, most often for want of memory; {CONTINUES}"
        elif isinstance(error, ModuleNotFoundError):
            lacking = f"lacks ubam {version_of('ubam')} or a package of it ({error})"
            words = f"A worker of the Dask scheduler at {self._address} {lacking}; install the same version everywhere."
        else:
            return error
        told = UbamError(words)
        told.__cause__ = error
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let go of the scheduler; what has not begun there is taken back."""
        self._client.close(timeout=5)


@dataclass(frozen=True)
class _Call:
    """A call that is made where it is unpickled: a worker without ubam fails in its work, not in reading what it is."""

    versions: tuple[tuple[str, str], ...]
    work: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        return _call, (self.versions, self.work, self.args, self.kwargs)


def _call(
    versions: tuple[tuple[str, str], ...], work: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    return call_alike(versions, work, *args, **kwargs)


@lru_cache
def deciding_versions() -> tuple[tuple[str, str], ...]:
    """Name and version of all that numbers depend on: ubam, Python and the packages of `installed_versions`.

    The version of ubam has the hash of its source behind it, as development changes one and not the other.
    """
    versions = {"ubam": f"{version_of('ubam')}+{source_hash()}"} | installed_versions()
    return tuple((name, version) for name, version in versions.items() if name != "cpu_cores")


def call_alike(versions: tuple[tuple[str, str], ...], work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Do the work on a worker, once its versions are those of the process that asks; UbamError when they are not.

    An error of the worker's disk names the worker.
    """
    mine, theirs = dict(deciding_versions()), dict(versions)
    other = next((name for name in theirs if mine.get(name) != theirs[name]), None)
    if other is not None:
        raise UbamError(
            f"The worker {own_name()} has {other} {mine.get(other)} and this machine {theirs[other]}, so its numbers "
            "could differ; install the same versions everywhere."
        )
    try:
        return work(*args, **kwargs)
    except OSError as error:
        if error.errno is None or isinstance(error, UbamError):
            raise
        raise OSError(error.errno, error.strerror, f"{error.filename or 'a file'} on {own_name()}") from error


def own_name() -> str:
    """The address of the Dask worker in which this is called."""
    from distributed import get_worker

    return str(get_worker().address)
