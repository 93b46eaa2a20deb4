"""Tests of what is seen have the shipped eye; the plain one, which other tests have, sees what was drawn."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import stick_figure
from tests.support.plain_eye import PlainEye, plain_eye
from ubam.tracking.eye.eye import Eye
from ubam.tracking.outlines import shipped_eye

TESTS = Path(__file__).parents[2]
OF_WHAT_IS_SEEN = (  # by folder or file
    "unit/tracking", "faults/crashes.py", "faults/moving_things.py", "faults/test_crashes.py",
    "faults/test_moving_things.py", "faults/test_same_behaviour.py",
)  # fmt: skip


def test_tests_of_what_is_seen_have_the_shipped_eye() -> None:
    files = [file for place in OF_WHAT_IS_SEEN for file in (TESTS / place, *(TESTS / place).rglob("*.py"))]
    files = [file for file in files if file.is_file() and file != Path(__file__)]
    assert len(files) > 20
    assert [file for file in files if "plain_eye" in file.read_text(encoding="utf-8")] == []
    assert type(shipped_eye()) is Eye


def test_the_plain_eye_is_gone_afterwards_even_after_an_error() -> None:
    with plain_eye():
        with pytest.raises(KeyError), plain_eye():
            raise KeyError
        assert type(shipped_eye()) is PlainEye
    assert type(shipped_eye()) is Eye


def test_the_plain_eye_sees_what_was_drawn(tmp_path: Path) -> None:
    store, _ = stick_figure.record(tmp_path, "leaning", 18.0)
    assert store.found.all()
    assert type(shipped_eye()) is Eye  # also where a figure was seen by the other
    empty = store.background().astype(int)
    for position in (4, 24, 44):
        left, top, right, _ = store.box[position]
        seen = cv2.resize(store.outline_at(position), (128, 128)) > 0.5
        x, y = (stick_figure.joints(position, 18.0) - (left, top)).T * 128 / (right - left)
        assert seen[y.astype(int), x.astype(int)].all()  # head, hip and feet
        crop = store.crops([position])[0].astype(int)
        scene = cv2.warpAffine(
            empty.astype(np.uint8), np.array([[1, 0, -left], [0, 1, -top]]) * 128 / (right - left), (128, 128)
        )
        drawn = np.abs(crop - scene).max(2) > 40
        drawn[int((112 - top) * 128 / (right - left)) - 1 :] = False  # below the picture
        assert (drawn & seen).sum() / (drawn | seen).sum() > 0.8
