"""Progress as a callback: the caller is told how many of how many steps are done."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Progress = Callable[[int, int], None]
Item = TypeVar("Item")


def counted(items: Iterable[Item], total: int, progress: Progress | None) -> Iterator[Item]:
    """Yield `items`; before each one, call `progress` with its number, from 1, and `total`."""
    for number, item in enumerate(items, 1):
        if progress is not None:
            progress(number, total)
        yield item
