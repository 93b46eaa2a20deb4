"""Registration: affine bookkeeping, consensus, and the direction of a known lean."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.support import stick_figure
from ubam.core import affine as affine_module
from ubam.magnification.registration import flow_fields, register
from ubam.magnification.registration.flow_fields import consensus, shrink
from ubam.tracking.crop_store import CropStore


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CropStore]:
    folder: Path = tmp_path_factory.mktemp("stick")
    leans = {"leaning": 22.0, "first": 0.0, "second": 1.0, "third": -1.0}
    return {
        name: stick_figure.record(folder, name, lean, 180 + 20 * seed, seed)[0]
        for seed, (name, lean) in enumerate(leans.items())
    }


def matches(study: dict[str, CropStore]) -> register.Matches:
    path = np.arange(stick_figure.FRAMES)
    return [(study[name], path) for name in ("first", "second", "third")]


def displacement_at(field: register.Field, index: int, store: CropStore, points: np.ndarray) -> np.ndarray:
    box = store.box[field.position[index]]
    affine = affine_module.box_map(box, register.FIELD)
    x, y = (points @ affine[:, :2].T + affine[:, 2]).astype(np.float32).T
    return cv2.remap(field.flow[index], x[None], y[None], cv2.INTER_LINEAR)[0] * (box[2] - box[0])


def test_box_map_sends_the_corners_of_the_box_to_the_corners_of_the_canvas() -> None:
    affine = affine_module.box_map(np.array([10.0, 20.0, 42.0, 52.0], np.float32), 64)
    corner = affine[:, :2] @ (np.array([10.0, 20.0]) - 0.5) + affine[:, 2]
    np.testing.assert_allclose(corner, [-0.5, -0.5], atol=1e-5)


def test_similarity_keeps_ground_line_and_centre() -> None:
    source, target = np.array([0.0, 0, 100, 100]), np.array([50.0, 30, 250, 230])
    affine = affine_module.similarity(source, target, 90.0, 210.0, 2.0)
    np.testing.assert_allclose(affine @ [50, 90, 1], [150, 210])
    np.testing.assert_allclose(affine @ [50, 80, 1], [150, 190])


def test_compose_applies_the_first_map_first() -> None:
    first, second = np.array([[2.0, 0, 1], [0, 2, 0]]), np.array([[1.0, 0, 0], [0, 1, 5]])
    np.testing.assert_allclose(affine_module.compose(second, first) @ [1, 1, 1], [3, 7])


def test_consensus_matches_a_slow_version() -> None:
    flows = np.random.default_rng(0).normal(size=(5, 4, 4, 2)).astype(np.float32)
    median, spread = consensus(flows)
    at = flows[:, 2, 3]
    middle = [sorted(at[:, axis])[2] for axis in (0, 1)]
    apart = (sum(float(np.hypot(*(one - middle))) ** 2 for one in at) / 4) ** 0.5
    np.testing.assert_allclose(median[2, 3], middle)
    assert spread[2, 3] == pytest.approx(apart, rel=1e-5)


def test_what_lies_within_the_spread_is_drawn_to_zero_and_the_rest_keeps_its_direction() -> None:
    flow = np.array([[[0.5, 0.0], [3.0, 4.0]]], np.float32)
    shrunk = shrink(flow, np.ones((1, 2), np.float32), 1.0)
    np.testing.assert_allclose(shrunk[0, 0], 0)
    np.testing.assert_allclose(shrunk[0, 1], np.array([3, 4]) * (1 - 1 / 25), rtol=1e-5)


def test_flow_finds_a_translation() -> None:
    saliency = np.zeros((128, 128), np.float32)
    saliency[40:90, 50:80] = 1
    moved = np.roll(saliency, 5, axis=1)
    flow = flow_fields.dense_flow(flow_fields.outline(saliency), flow_fields.outline(moved))
    assert np.abs(np.median(flow[45:85, 52:78], axis=(0, 1)) - [5, 0]).max() < 1


def test_a_lean_points_upright_and_an_upright_figure_hardly_moves(study: dict[str, CropStore]) -> None:
    positions = np.arange(8, 40, 4)
    cosines, lengths = [], []
    for query, lean in (("leaning", 22.0), ("second", 1.0)):
        others = [pair for pair in matches(study) if pair[0] is not study[query]]
        field = next(register.fields(study[query], others, positions))
        truth = np.stack([stick_figure.joints(int(p), 0.0) - stick_figure.joints(int(p), lean) for p in positions])
        found = np.stack(
            [
                displacement_at(field, i, study[query], stick_figure.joints(int(p), lean))
                for i, p in enumerate(positions)
            ]
        )
        cosines.append((truth * found).sum() / np.linalg.norm(truth) / max(np.linalg.norm(found), 1e-9))
        lengths.append(np.linalg.norm(found, axis=-1).mean())
    assert cosines[0] > 0.6
    assert lengths[1] < 0.5 * lengths[0]


def test_chunks_meet_without_a_seam(study: dict[str, CropStore], monkeypatch: pytest.MonkeyPatch) -> None:
    positions = np.arange(10, 30)
    whole = next(register.fields(study["leaning"], matches(study), positions))
    monkeypatch.setattr(register, "CHUNK_FRAMES", 7)
    parts = list(register.fields(study["leaning"], matches(study), positions))
    assert [len(part.position) for part in parts] == [7, 7, 6]
    np.testing.assert_allclose(np.concatenate([part.flow for part in parts]), whole.flow, atol=1e-6)


def test_no_frame_is_registered_twice_and_what_is_known_changes_nothing(
    study: dict[str, CropStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    query, others, positions, seen = study["leaning"], matches(study), np.arange(12, 26), []
    register_frame = register.register_frame

    def counted(*arguments: Any, **named: Any) -> register.Registered:
        seen.append(arguments[2])
        return register_frame(*arguments, **named)

    monkeypatch.setattr(register, "register_frame", counted)
    monkeypatch.setattr(register, "CHUNK_FRAMES", 5)
    origin = register.ground_origin(query, others)
    seen.clear()
    plain = list(register.fields(query, others, positions, origin))
    assert sorted(seen) == sorted(set(seen))
    known = register.registered(query, others, register.frames_to_register(query, positions[3:5]))
    seen.clear()
    helped = list(register.fields(query, others, positions, origin, known))
    assert not set(seen) & set(known)
    for one, other in zip(plain, helped, strict=True):
        np.testing.assert_array_equal(one.flow, other.flow)
