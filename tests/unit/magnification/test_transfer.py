"""Posture transfer: the posture of one and the pixels of the other, against stick figures."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import stick_figure
from ubam.magnification.magnify import EmbeddedRecording
from ubam.magnification.registration.flow_fields import saliency_of
from ubam.magnification.registration.register import Registration
from ubam.magnification.seen_again import crop_of, look_again
from ubam.magnification.transfer import (
    GHOST_SHARE,
    TransferChecks,
    agreement,
    missed_by,
    read_path,
    runs_of,
    shifted,
    standing_shift,
    steady_path,
    transferred,
    write_transfer,
)
from ubam.recordings.video_reader import probe, read_frame, read_frames
from ubam.tracking.crop_store import CropStore

pytestmark = pytest.mark.usefixtures("plain_eye")

PATH = np.arange(stick_figure.FRAMES)


def side_of(store: CropStore, video: Path) -> EmbeddedRecording:
    return EmbeddedRecording(store, video, stick_figure.embed(store.views))


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, EmbeddedRecording]:
    folder: Path = tmp_path_factory.mktemp("transfer")
    return {
        "upright": side_of(*stick_figure.record(folder, "upright", 0.0, 180, 1)),
        "leaning": side_of(*stick_figure.record(folder, "leaning", 20.0, 230, 2)),
    }


def test_the_upright_one_leans_like_the_other_on_its_own_background(
    sides: dict[str, EmbeddedRecording], tmp_path: Path
) -> None:
    positions, done = np.arange(10, 22), []
    facts = write_transfer(
        tmp_path / "clip.mp4", sides["upright"], sides["leaning"], positions, PATH, embed=stick_figure.embed,
        progress=lambda *step: done.append(step),
    )  # fmt: skip
    info = probe(tmp_path / "clip.mp4")
    assert (info.width, info.height, info.frames_declared) == (stick_figure.WIDTH, stick_figure.HEIGHT, 12)
    assert done[-1] == (12, 12)
    assert (facts.appearance, facts.recording_id) == ("upright", "leaning")
    assert facts.agreement > facts.agreement_before + 0.1
    assert facts.appearance_kept > 0.8
    store = sides["upright"].store
    background = store.background().astype(int)
    shown, own = (
        list(read_frames(path, start_frame=start, stop_frame=start + 12))
        for path, start in ((tmp_path / "clip.mp4", 0), (sides["upright"].video, 10))
    )
    for position, after, before in zip(positions, shown, own, strict=True):
        x0, y0, x1, y1 = store.box[position].clip(0).astype(int)
        heads = [head_x(one[y0 : y0 + (y1 - y0) // 3, x0:x1], background[y0 : y0 + (y1 - y0) // 3, x0:x1])
                 for one in (after, before)]  # fmt: skip
        assert heads[0] > heads[1] + 4
        assert np.abs(after[:8].astype(int) - before[:8]).mean() < 3  # the wall above is its own


def test_a_leg_that_was_left_behind_is_told(sides: dict[str, EmbeddedRecording]) -> None:
    positions = np.arange(20, 22)
    made, moved = transferred(
        sides["upright"], sides["leaning"], positions, PATH[positions], embed=stick_figure.embed, plan="person"
    )
    whole, left = list(moved)
    picture = left.moved[0.0].picture.copy()
    hip = int(stick_figure.joints(21, 0.0)[1, 0])
    cv2.line(picture, (hip - 24, 68), (hip - 30, 98), (180, 180, 40), 8)  # behind both legs, nowhere near them
    left = replace(left, moved={0.0: replace(left.moved[0.0], picture=picture)})
    checks = TransferChecks(made, standing_shift(made.registration, positions, PATH[positions]))
    assert len(list(checks.watch(iter([whole, left]), positions))) == 2
    ghosts = [GHOST_SHARE * values["ghost"] for values in checks.values]
    assert ghosts[0] < 0.03
    assert ghosts[1] > ghosts[0] + 0.15


def head_x(picture: np.ndarray, background: np.ndarray) -> float:
    apart = np.abs(picture.astype(int) - background).max(2) > 40
    return float(np.nonzero(apart)[1].mean())


def test_a_path_loses_its_hesitations_and_keeps_its_jumps() -> None:
    path = np.array([*range(0, 20, 2), *range(20, 30), *([30] * 5), *range(200, 220)])
    steady = steady_path(path, 25.0)
    jump = int(np.argmax(np.diff(path)))
    assert steady[jump + 1] - steady[jump] > 150
    assert len(runs_of(path, 25.0)) == 2
    assert (np.diff(steady[: jump + 1]) >= 0).all()
    assert np.abs(steady - path).max() <= 3


def test_pictures_are_read_in_any_order(sides: dict[str, EmbeddedRecording]) -> None:
    wanted = np.array([4, 4, 5, 7, 2, 3, 40])
    for number, picture in zip(wanted, read_path(sides["upright"].video, wanted), strict=True):
        np.testing.assert_array_equal(picture, read_frame(sides["upright"].video, int(number)))


def test_agreement_is_one_with_itself_and_a_shift_is_undone(sides: dict[str, EmbeddedRecording]) -> None:
    salient = saliency_of(sides["upright"].store, 12)
    assert agreement(salient, salient) == 1
    moved = np.roll(salient, 8, axis=1)
    assert agreement(moved, salient) < 0.9
    assert agreement(shifted(moved, np.array([8 / len(salient), 0])), salient) > 0.99


def test_a_posture_that_was_not_reached_is_missed_by_its_distance(sides: dict[str, EmbeddedRecording]) -> None:
    """Frames of one recording as if they were transferred: the wanted one, and the one that nobody moved."""
    leaning = sides["leaning"]
    store, frame, target = leaning.store, 12, 16
    beside = Registration.of(store, [(store, PATH)], "person")
    pictures = [read_frame(leaning.video, number) for number in (target, frame)]
    crops = [crop_of(store, picture, at) for picture, at in zip(pictures, (target, frame), strict=True)]
    reached, unmoved = look_again(store, "person", crops, np.array([target, frame])).contours
    still = np.zeros(2, np.float32)
    size = np.square(beside.by_contours(frame, [target])[0]).sum(1).mean() ** 0.5
    size *= float(np.ptp(store.box[frame][[0, 2]])) / store.height_at(frame)
    assert size > 0.02
    assert missed_by(beside, frame, unmoved, target, still) == pytest.approx(size, rel=0.3)
    assert missed_by(beside, frame, reached, target, still) < 0.3 * size
    nothing = replace(reached, place=reached.place[:0], inward=reached.inward[:0], body=reached.body[:0])
    assert missed_by(beside, frame, nothing, target, still) == np.inf
