"""Progress as a callback: the caller is told how many of how many steps are done."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Progress = Callable[[int, int], None]
Item = TypeVar("Item")


def stretched(progress: Progress | None, low: float, high: float, whole: int) -> Progress | None:
    """The progress of a part of the work: that between two shares of the whole, which has `whole` steps."""
    if progress is None:
        return None
    return lambda done, total: progress(int(whole * (low + (high - low) * done / max(total, 1))), whole)


def rising(progress: Progress) -> Progress:
    """The same progress without steps back, as when a part of the work is done again."""
    most = [0]

    def told(done: int, total: int) -> None:
        if done > most[0]:
            most[0] = done
            progress(done, total)

    return told


def counted(items: Iterable[Item], total: int, progress: Progress | None) -> Iterator[Item]:
    """Yield `items`; before each one, call `progress` with its number, from 1, and `total`."""
    for number, item in enumerate(items, 1):
        if progress is not None:
            progress(number, total)
        yield item
