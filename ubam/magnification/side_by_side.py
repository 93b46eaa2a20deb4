"""Several frames of a clip at once, on the cores that this process has to spare."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import torch

MOST = 8  # at once: each holds whole pictures of a film that may be large
Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`work(item)` of every item in order, as many at once as PyTorch has threads here; a few results are held.

    Each has one thread, so that a result does not depend on their number. A worker of a run has a single one: the other
    recordings have the other cores.
    """
    threads = min(torch.get_num_threads(), MOST)
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1)) as pool:
        coming = deque[Future[Result]]()
        try:
            for item in items:
                coming.append(pool.submit(work, item))
                if len(coming) > threads:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()
