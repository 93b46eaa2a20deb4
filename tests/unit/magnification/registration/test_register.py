"""Registration: affine bookkeeping, contours that correspond, and the direction of a known lean."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import stick_figure
from ubam.core import affine as affine_module
from ubam.magnification.registration import contours, flow_fields, register
from ubam.magnification.registration.anchors import Anchors, anchors_of, start_of, steady
from ubam.magnification.registration.contours import Contour, contour_in, kin_of, towards
from ubam.magnification.registration.normal_parts import NormalParts
from ubam.magnification.registration.register import Registration
from ubam.tracking.body import Body
from ubam.tracking.crop_store import CropStore
from ubam.tracking.eye.landmarks import LANDMARKS

pytestmark = pytest.mark.usefixtures("plain_eye")


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


def figure(thigh: float, lean: float = 0.0, leg: int = 0) -> Contour:
    """A trunk on a thigh that is turned by `thigh` degrees, drawn with its places on the body; `lean` shears it."""
    outline, known = np.zeros((128, 128), np.float32), np.zeros((128, 128, 3), np.float32)
    hip = np.array([64, 70])
    turned = np.deg2rad(thigh)
    foot = hip + 45 * np.array([np.sin(turned), np.cos(turned)])
    cv2.line(known, hip.tolist(), foot.round().astype(int).tolist(), (0.2, 0.1, -0.7), 12)
    cv2.line(outline, hip.tolist(), foot.round().astype(int).tolist(), 1.0, 10, cv2.LINE_AA)
    top = (hip + np.array([lean, -50])).round().astype(int)
    cv2.line(known, hip.tolist(), top.tolist(), (0.0, 0.1, 0.5), 24)
    cv2.line(outline, hip.tolist(), top.tolist(), 1.0, 22, cv2.LINE_AA)
    return contour_in(outline, np.asarray(cv2.resize(known, (contours.CELLS,) * 2, interpolation=cv2.INTER_AREA)))


def test_a_contour_lies_where_the_outline_passes_one_half() -> None:
    y, x = np.mgrid[:128, :128]
    disc = np.clip(40.3 - np.hypot(x - 63.5, y - 63.5) + 0.5, 0, 1).astype(np.float32)
    found = contour_in(disc, np.zeros((contours.CELLS, contours.CELLS, 3), np.float32))
    radius = np.linalg.norm(found.place - 0.5, axis=1) * 128
    assert len(found) > 100
    assert np.abs(radius - 40.3).max() < 0.6
    towards_middle = ((0.5 - found.place) / radius[:, None] * 128 * found.inward).sum(1)
    assert towards_middle.min() > 0.95


def test_an_empty_outline_has_no_contour_and_nothing_moves() -> None:
    nothing = contour_in(np.zeros((128, 128), np.float32), np.zeros((contours.CELLS, contours.CELLS, 3), np.float32))
    some = figure(0)
    assert len(nothing) == 0
    assert towards(nothing, some, kin_of(nothing)).shape == (0, 2)
    assert (towards(some, nothing, kin_of(some)) == 0).all()


def test_a_thigh_swings_and_the_trunk_stays() -> None:
    query, reference = figure(-8), figure(8)
    move = towards(query, reference, kin_of(query))
    low, high = query.place[:, 1] > 0.8, query.place[:, 1] < 0.4
    swing = 2 * 45 / 128 * np.sin(np.deg2rad(8))
    assert move[low, 0].mean() == pytest.approx(swing, rel=0.25)
    assert np.abs(move[high]).mean() < 0.1 * swing


def test_a_lean_moves_the_head_most() -> None:
    query, reference = figure(0, lean=10), figure(0)
    move = towards(query, reference, kin_of(query))
    head = query.place[:, 1] < 0.25
    assert move[head, 0].mean() == pytest.approx(-9 / 128, rel=0.3)
    assert np.abs(move[query.place[:, 1] > 0.7]).mean() < 0.01


def test_what_references_differ_in_is_no_deviation_and_what_all_agree_in_is() -> None:
    rng, frames = np.random.default_rng(0), 12
    body = np.concatenate([rng.normal(at, 0.02, (40, 3)) for at in (-0.6, 0.6)]).astype(np.float32)
    build = np.repeat(rng.normal(0, 0.03, (4, 1, 2)), 80, 1)  # every reference has its own
    limb = np.zeros((80, 2))
    limb[40:, 0] = 0.05
    moves = [(build * (np.arange(80) < 40)[:, None] + limb * np.sin(t)).astype(np.float32) for t in range(frames)]
    parts = NormalParts.of([body] * frames, moves, moves)
    shown = np.stack([parts.abnormal(body, move)[0] for move in moves])
    assert np.abs(shown[:, :40]).max() < 0.5 * np.abs(np.mean([m[:, :40].mean(0) for m in moves], 0)).max() + 1e-3
    np.testing.assert_allclose(shown[:, 40:, 0], np.stack([limb[40:, 0] * np.sin(t) for t in range(frames)]), atol=0.01)


def test_with_one_reference_the_whole_displacement_is_shown() -> None:
    body = np.random.default_rng(1).normal(size=(60, 3)).astype(np.float32)
    moves = [np.full((1, 60, 2), 0.02 * t, np.float32) for t in range(5)]
    parts = NormalParts.of([body] * 5, [move / np.float32(2) for move in moves], moves)
    shown, error = parts.abnormal(body, moves[3])
    np.testing.assert_allclose(shown, moves[3][0], atol=1e-6)
    assert (error == 0).all()


def test_what_stays_is_the_longer_of_both_and_what_moves_the_networks() -> None:
    frames, body = 10, np.concatenate([np.full((30, 3), at, np.float32) for at in (-0.6, 0.6)])
    low = np.arange(60) < 30
    contours, network = (np.zeros((frames, 3, 60, 2), np.float32) for _ in range(2))
    contours[:, :, low, 0], network[:, :, low, 0] = 0.05, 0.02
    contours[:, :, ~low, 0], network[:, :, ~low, 0] = 0.01, 0.03
    swing = 0.04 * np.sin(2 * np.pi * np.arange(frames, dtype=np.float32) / frames)
    contours[..., 1], network[..., 1] = 2 * swing[:, None, None], swing[:, None, None]
    parts = NormalParts.of([body] * frames, list(contours), list(network))
    shown = np.stack([parts.abnormal(body, move)[0] for move in network])
    np.testing.assert_allclose(shown[:, low, 0], 0.05, atol=1e-3)
    np.testing.assert_allclose(shown[:, ~low, 0], 0.03, atol=1e-3)
    np.testing.assert_allclose(shown[..., 1], np.tile(swing[:, None], 60), atol=1e-3)


def test_the_error_to_expect_is_what_references_differ_by() -> None:
    rng, frames = np.random.default_rng(3), 10
    body = rng.normal(0, 0.3, (60, 3)).astype(np.float32)
    apart = 0.01 * np.array([-1, -1, 1, 1], np.float32)
    moves = np.zeros((frames, 4, 60, 2), np.float32)
    moves[..., 0] = 0.08 + apart[:, None]
    parts = NormalParts.of([body] * frames, list(moves), list(moves))
    shown, error = parts.abnormal(body, moves[0])
    assert 0.07 < shown[:, 0].mean() < 0.08
    np.testing.assert_allclose(error, 0.01 * np.sqrt(5 / 3), rtol=0.1)  # 4/3 between references, (1 + 1/4) times


def test_contours_start_to_look_where_landmarks_lead() -> None:
    query, far = figure(0), figure(0)
    far = replace(far, place=far.place + np.float32(0.25))  # further than contours find each other by themselves
    known = np.zeros((contours.CELLS, contours.CELLS, 3), np.float32)
    own = Anchors(np.array([[0.5, 0.2], [0.5, 0.5], [0.5, 0.8]], np.float32), np.ones(3, np.float32))
    start = start_of(query, known, own, own.brought(np.array([[1, 0, 0.25], [0, 1, 0.25]])))
    np.testing.assert_allclose(start, 0.25, atol=0.01)
    found = towards(query, far, kin_of(query), start)
    assert np.abs(found - 0.25).mean() < 0.01
    assert np.abs(towards(query, far, kin_of(query)) - 0.25).mean() > 0.03
    unseen = replace(own, inside=np.zeros(3, np.float32))
    assert (start_of(query, known, own, unseen) == 0).all()


def test_anchors_are_the_midline_and_the_middle_of_pairs_but_no_limb() -> None:
    names = LANDMARKS["rodent"]
    groups = steady(names)
    assert [names.index("shoulder_left"), names.index("shoulder_right")] in groups
    assert not any("paw" in names[number] or "tail_tip" in names[number] for group in groups for number in group)


def some_body() -> Body:
    rng = np.random.default_rng(5)
    count = len(LANDMARKS["person"])
    landmarks = rng.uniform(0.2, 0.8, (1, count, 2)).astype(np.float32)
    certain, places = np.ones((1, count), np.float32), np.zeros((1, 64, 64, 4), np.int8)
    return Body("person", landmarks, certain, certain, places)


def test_anchors_turn_with_the_view() -> None:
    upright, lying = (anchors_of(some_body(), 0, heading) for heading in (0.0, np.pi / 2))
    away = upright.place - 0.5
    np.testing.assert_allclose(lying.place - 0.5, np.column_stack([away[:, 1], -away[:, 0]]), atol=1e-5)


def test_flow_finds_a_translation() -> None:
    saliency = np.zeros((128, 128), np.float32)
    saliency[40:90, 50:80] = 1
    moved = np.roll(saliency, 5, axis=1)
    flow = flow_fields.dense_flow(flow_fields.outline(saliency), flow_fields.outline(moved))
    assert np.abs(np.median(flow[45:85, 52:78], axis=(0, 1)) - [5, 0]).max() < 1


def registration(study: dict[str, CropStore], name: str) -> Registration:
    return Registration.of(study[name], [pair for pair in matches(study) if pair[0] is not study[name]], "person")


def test_a_lean_points_upright_and_an_upright_figure_hardly_moves(study: dict[str, CropStore]) -> None:
    positions = np.arange(8, 40, 4)
    cosines, lengths = [], []
    for query, lean in (("leaning", 22.0), ("second", 1.0)):
        field = next(register.fields(registration(study, query), positions))
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
    positions, beside = np.arange(10, 20), registration(study, "leaning")
    whole = next(register.fields(beside, positions))
    monkeypatch.setattr(register, "CHUNK_FRAMES", 4)
    parts = list(register.fields(beside, positions))
    assert [len(part.position) for part in parts] == [4, 4, 2]
    np.testing.assert_allclose(np.concatenate([part.flow for part in parts]), whole.flow, atol=1e-6)


def test_a_frame_that_was_forgotten_is_registered_alike(
    study: dict[str, CropStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    positions = np.arange(12, 19)
    plain = next(register.fields(registration(study, "leaning"), positions))
    monkeypatch.setattr(register, "KEPT", 3)
    beside = registration(study, "leaning")
    np.testing.assert_array_equal(next(register.fields(beside, positions)).flow, plain.flow)
    np.testing.assert_array_equal(next(register.fields(beside, positions)).flow, plain.flow)


def test_a_frame_in_which_nothing_is_seen_does_not_move(
    study: dict[str, CropStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, seen = registration(study, "leaning"), CropStore.outline_at

    def nothing_once(store: CropStore, position: int) -> np.ndarray:
        return seen(store, position) * (store is not found.query or position != 6)

    monkeypatch.setattr(CropStore, "outline_at", nothing_once)
    flow, _, error = found.frame(6)
    assert not flow.any()
    assert not error.any()
    assert found.frame(8)[0].any()


def test_a_map_between_canvases_brings_box_to_box(study: dict[str, CropStore]) -> None:
    own, other = study["leaning"], study["first"]
    place = register.to_canvas(own, 10, other, 20)
    box, theirs = own.box[10], other.box[20]
    middle = np.array([(theirs[0] + theirs[2]) / 2, other.ground_y[20]])
    share = (middle + 0.5 - theirs[:2]) / (theirs[2] - theirs[0])
    pixels = (place @ [*share, 1]) * (box[2] - box[0]) + box[:2] - 0.5
    np.testing.assert_allclose(pixels, [(box[0] + box[2]) / 2, own.ground_y[10]], atol=1e-3)
