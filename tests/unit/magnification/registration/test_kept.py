"""What was registered is kept: a second clip has the same fields, and no network looks at its frames again."""

from collections.abc import Iterator

import numpy as np
import pytest

from tests.support import stick_figure
from ubam.magnification.registration import register
from ubam.magnification.registration.kept import keep, recall
from ubam.magnification.registration.register import Registration, fields
from ubam.results.run_folder import CropFolder

POSITIONS = np.arange(12, 15)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registration]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(register, "GROUND_FRAMES", 2)
        registration = stick_figure.leaning(tmp_path_factory.mktemp("kept"), slice(12, 15), (2.0,)).registration
        next(fields(registration, POSITIONS))
        yield registration


def again(first: Registration, later: int = 0) -> Registration:
    """The same recording beside the same references, matched `later` frames on, with what was kept."""
    matches = [(store, path + later) for store, path in first.matches]
    second = Registration.of(first.query, matches, "person")
    recall(second)
    return second


def test_a_second_clip_has_the_same_fields_and_registers_nothing(
    first: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = next(fields(first, POSITIONS))
    keep(first)
    monkeypatch.delattr(register, "seen_at")
    monkeypatch.delattr(Registration, "by_contours")
    kept = next(fields(again(first), POSITIONS))
    np.testing.assert_array_equal(kept.flow, made.flow)
    np.testing.assert_array_equal(kept.error, made.error)


def test_other_moments_of_the_references_are_registered(first: Registration) -> None:
    keep(first)
    assert again(first).found
    assert not again(first, later=1).found


def test_a_damaged_file_is_made_again(first: Registration) -> None:
    file = CropFolder(first.query.folder).registered
    file.write_bytes(b"half of it")
    assert not again(first).found
    keep(first)
    assert again(first).found.keys() == first.found.keys()
