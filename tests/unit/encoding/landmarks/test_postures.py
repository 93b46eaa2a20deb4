"""Landmarks as postures: the body frame, the code of a study, and what other looks do to it."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ubam.core.errors import ModelError
from ubam.encoding.landmarks import other_looks as looks
from ubam.encoding.landmarks.postures import (
    LandmarkCode,
    Landmarks,
    bridged,
    centred,
    facing_right,
    fit_landmark_code,
    sums_and_differences,
    turned_back,
)
from ubam.tracking.eye.eye import Seen
from ubam.tracking.eye.landmarks import LANDMARKS, PLANS, mirrored

NAMES = LANDMARKS["person"]


def body(frames: int = 40, plan: str = "person", seed: int = 0) -> np.ndarray:
    """Landmarks [T, L, 2] px of a body that faces right, with something moving."""
    rng = np.random.default_rng(seed)
    still = rng.normal(size=(len(LANDMARKS[plan]), 2))
    for ahead, behind in (("toe_left", "ankle_left"), ("toe_right", "ankle_right"), ("nose", "head")):
        if plan == "person":
            still[LANDMARKS[plan].index(ahead), 0] = still[LANDMARKS[plan].index(behind), 0] + 1
    wave = np.sin(np.arange(frames) / 4)[:, None, None] * rng.normal(size=still.shape)
    return 30 * (still + 0.2 * wave)


def test_place_and_size_in_the_picture_do_not_matter() -> None:
    xy = body()
    assert centred(3.7 * xy + [100, 20], "person") == pytest.approx(centred(xy, "person"), abs=1e-9)


@pytest.mark.parametrize("plan", PLANS)
def test_a_mirrored_subject_with_its_sides_exchanged_is_the_same(plan: str) -> None:
    right = centred(body(plan=plan), plan)
    names = LANDMARKS[plan]
    if plan != "person":
        first, last = {"fly": ("head", "abdomen_tip")}.get(plan, ("nose", "tail_base"))
        right[:, names.index(first), 0], right[:, names.index(last), 0] = 1.0, -1.0
    left = (right * [-1, 1])[:, mirrored(plan)]
    assert facing_right(left, plan) == pytest.approx(right)
    assert facing_right(right, plan) is right


def test_somebody_seen_from_the_front_is_not_mirrored() -> None:
    front = centred(body(), "person")
    for ahead, behind in (("toe_left", "ankle_left"), ("toe_right", "ankle_right"), ("nose", "head")):
        front[:, NAMES.index(ahead), 0] = front[:, NAMES.index(behind), 0] - 0.02
    assert facing_right(front, "person") is front


def test_a_heading_is_turned_back() -> None:
    points = np.array([[[0.0, 1.0]]])  # below the middle: where an animal that heads down has its nose
    assert turned_back(points, np.array([np.pi / 2])) == pytest.approx(np.array([[[1.0, 0.0]]]), abs=1e-12)


def test_gaps_are_bridged_and_what_is_hardly_seen_is_unknown() -> None:
    xy = np.zeros((4, 2, 2))
    xy[:, 0, 0] = [0, 1, np.nan, 3]
    xy[:, 0, 1] = [0, 1, np.nan, 3]
    xy[1:, 1] = np.nan
    whole = bridged(xy, np.array([0, 1, 2, 4]), 5)
    assert whole[:, 0, 0] == pytest.approx([0, 1, 5 / 3, 7 / 3, 3])
    assert np.isnan(whole[:, 1]).all()


def test_sums_do_not_know_which_is_left_and_the_turn_keeps_distances() -> None:
    xy = body()
    exchanged = xy[:, mirrored("person")]
    made, other = sums_and_differences(xy, NAMES), sums_and_differences(exchanged, NAMES)
    left = [number for number, name in enumerate(NAMES) if not name.endswith("_right")]
    assert made[:, left] == pytest.approx(other[:, left])
    assert not np.allclose(made, other)
    assert (made**2).sum() == pytest.approx((xy**2).sum())


def study(count: int = 6) -> list[Landmarks]:
    return [Landmarks("person", centred(body(seed=1) + 0.3 * body(seed=5 + k), "person")) for k in range(count)]


def unmoved(count: int = 6) -> list[np.ndarray]:
    """Other looks change nothing."""
    return [np.zeros((2, len(NAMES), 2), np.float32)] * count


def fit(recordings: list[Landmarks], moved: list[np.ndarray] | None = None) -> LandmarkCode:
    return fit_landmark_code(recordings, moved or unmoved(len(recordings)), [25.0] * len(recordings))


def relied_on(code: LandmarkCode, name: str) -> float:
    """By how much the numbers of a landmark lie in directions that are relied on, 0 to 1."""
    normal = np.diag(code.unreliable)
    return float(1 - normal.reshape(-1, 2)[code.names.index(name)].min() / np.linalg.eigvalsh(code.unreliable).max())


def test_noise_and_what_hangs_on_looks_are_not_relied_on() -> None:
    rng, recordings = np.random.default_rng(0), study()
    for one in recordings:
        one.xy[:, NAMES.index("head")] += 2 * rng.normal(size=(len(one.xy), 2))
    moved = [2 * rng.normal(size=(4, len(NAMES), 2)) * (np.array(NAMES) == "neck")[:, None] for _ in recordings]
    usual, code = fit(study()), fit(recordings, moved)
    assert code.weight[2 * code.names.index("head")] < 0.6 * np.median(code.weight)
    for name in ("head", "neck"):
        assert relied_on(code, name) < 0.3 * relied_on(usual, name)


def test_a_code_of_another_size_relies_on_the_same() -> None:
    code = fit(study())
    twice = code.scaled(2)
    assert twice.encode(study()[0]) == pytest.approx(2 * code.encode(study()[0]))
    assert twice.normal(unmoved()[0]) == pytest.approx(4 * code.normal(unmoved()[0]))


def test_a_code_is_read_as_it_was_written(tmp_path: Path) -> None:
    recordings = study()
    code = fit(recordings)
    code.save(tmp_path / "landmarks.json")
    again = LandmarkCode.load(tmp_path / "landmarks.json")
    assert again == code
    assert np.array_equal(again.encode(recordings[0]), code.encode(recordings[0]))
    (tmp_path / "landmarks.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="landmarks"):
        LandmarkCode.load(tmp_path / "landmarks.json")


def test_a_code_of_weights_as_models_had_them_before_is_read(tmp_path: Path) -> None:
    weight = np.linspace(0.5, 2, 6)
    earlier = {"plan": "person", "names": ["head", "knee_left", "knee_right"], "shape": [[0, 0]] * 3,
               "weight": weight.tolist()}  # fmt: skip
    (tmp_path / "landmarks.json").write_text(json.dumps(earlier), encoding="utf-8")
    one = study()[0]
    chosen = [NAMES.index(name) for name in earlier["names"]]
    numbers = sums_and_differences(one.xy[:, chosen], earlier["names"]).reshape(len(one.xy), -1)
    code = LandmarkCode.load(tmp_path / "landmarks.json")
    assert code.encode(one) == pytest.approx(numbers * weight, rel=1e-5)
    assert not code.scaled(3).normal(unmoved()[0]).any()


def test_a_landmark_that_was_never_seen_stands_at_its_mean_place() -> None:
    recordings = study()
    code, nose = fit(recordings), NAMES.index("nose")
    blind, still = (replace(recordings[0], xy=recordings[0].xy.copy()) for _ in range(2))
    blind.xy[:, nose] = np.nan
    still.xy[:, nose] = code.shape[code.names.index("nose")]
    assert np.isfinite(code.encode(blind)).all()
    assert np.array_equal(code.encode(blind), code.encode(still))


def test_a_landmark_that_one_recording_lacks_has_its_place_from_the_others() -> None:
    recordings, nose = study(), NAMES.index("nose")
    recordings[0].xy[:, nose] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        code = fit(recordings)
    place = np.mean([one.xy[:, nose].mean(0) for one in recordings[1:]], axis=0)
    assert code.shape[code.names.index("nose")] == pytest.approx(place, rel=1e-4)


def test_nothing_to_see_is_said() -> None:
    blind = [Landmarks("person", np.full((10, len(NAMES), 2), np.nan))] * 3
    with pytest.raises(ModelError, match="Hardly a landmark of a person is seen"):
        fit(blind)


def test_an_exchange_of_sides_is_no_error_of_looks() -> None:
    own = body(5) / 100
    assert looks.like(own[:, mirrored("person")] + 0.001, own, "person") == pytest.approx(own + 0.001)


def test_a_moved_box_is_known_to_a_part_of_a_pixel() -> None:
    size = 64
    pictures = np.zeros((1, size, size, 3), np.uint8)
    pictures[0, 40:44, 20:24] = 255
    place = np.array([22.0, 42.0]) / size
    shown = looks.Shown(pictures, pictures, pictures, pictures, np.zeros((1, size, size), np.float32), np.zeros(1))
    for seed in range(4):
        changed, move = looks.other_looks(shown, np.random.default_rng(seed))
        bright = changed.crops[0].astype(float).mean(-1)
        bright -= np.median(bright)
        rows, columns = np.mgrid[:size, :size] + 0.5
        found = np.array([(bright * columns).sum(), (bright * rows).sum()]) / bright.sum() / size
        assert found == pytest.approx(move[:, :2] @ place + move[:, 2], abs=0.5 / size)


def test_parts_stand_beside_each_other_and_one_unknown_part_leaves_all_unknown() -> None:
    both = looks.block_diagonal(np.eye(2), 3 * np.eye(1))
    assert both is not None
    assert both.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 3]]
    assert looks.block_diagonal(np.eye(2), None) is None


def seen_as(landmarks: np.ndarray, alpha: float = 1.0) -> Seen:
    """What an eye says of n frames in which it sees these landmarks [n, L, 2] and an even outline."""
    count = len(landmarks)
    flat, places = np.ones((count, len(NAMES)), np.float32), np.zeros((count, 64, 64, 3), np.float32)
    outline = np.full((count, 128, 128), alpha, np.float32)
    return Seen("person", outline, places, np.zeros((count, 64, 64), np.float32), landmarks, flat, flat)


def again(own: np.ndarray, others: list[Seen]) -> looks.SeenAgain:
    """The frames as they are and in other looks, through a box that did not move."""
    return looks.SeenAgain(seen_as(own), others, [np.eye(2, 3)] * len(others), np.zeros(len(own)))


def test_errors_that_other_looks_make_in_every_frame_count_and_those_that_come_and_go_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, knee = body(8) / 200 + 0.5, NAMES.index("knee_left")
    constant, going = own.copy(), own.copy()
    constant[:, knee] += 0.02
    going[:, knee] += 0.02 * np.resize([1, -1], 8)[:, None]
    code, moments = fit(study()), {}
    for name, changed in (("constant", constant), ("going", going), ("none", own)):
        monkeypatch.setattr(looks, "see_again", lambda store, plan, changed=changed: again(own, [seen_as(changed)]))
        moments[name] = replace(code, unreliable=()).normal(looks.moved_landmarks(None, "person"))
    assert np.trace(moments["constant"]) > 20 * np.trace(moments["going"])
    assert np.abs(moments["none"]).max() < 1e-9


def test_other_outlines_move_postures_of_coordinates(monkeypatch: pytest.MonkeyPatch) -> None:
    own = body(4) / 200 + 0.5
    others = [seen_as(own, 1.0), seen_as(own, 0.0)]
    monkeypatch.setattr(looks, "see_again", lambda store, plan: again(own, others))
    found = looks.moved_coordinates(None, "person", lambda shown: shown.mean((1, 2)))
    assert found.shape == (4, 4)
    assert found[0, 0] == pytest.approx(255**2 / 2)
    monkeypatch.setattr(looks, "see_again", lambda store, plan: None)
    nobody = looks.moved_coordinates(None, "person", lambda shown: shown.mean((1, 2)))
    assert not nobody.any()
