"""Several frames at once: in order, few at a time, each with one thread of PyTorch, and errors are told."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from ubam.magnification.side_by_side import side_by_side


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order(threads: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (number % 3 == 0))
        return -number

    assert list(side_by_side(work, range(20))) == [-number for number in range(20)]
    assert list(side_by_side(work, [])) == []


def test_work_has_one_thread_and_the_caller_keeps_its_own(threads: int) -> None:
    assert set(side_by_side(lambda _: torch.get_num_threads(), range(8))) == {1}
    assert torch.get_num_threads() == threads


def test_several_work_at_once_where_there_are_threads(threads: int) -> None:
    together = threading.Barrier(threads, timeout=20)
    assert len(list(side_by_side(lambda _: together.wait(), range(3 * threads)))) == 3 * threads


def test_few_items_are_taken_before_a_result_is_used(threads: int) -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = side_by_side(lambda number: number, items())
    next(results)
    assert len(taken) <= threads + 1
    results.close()  # type: ignore[attr-defined]


def test_an_error_ends_it(threads: int) -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    found: list[int] = []
    with pytest.raises(ValueError, match="three"):
        found.extend(side_by_side(work, range(50)))
    assert found == [0, 1, 2]
