"""The eye: shapes, independence of batch and light, landmarks from heatmaps."""

import threading
from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ubam.tracking import outlines
from ubam.tracking.eye import eye as eye_module
from ubam.tracking.eye.eye import BATCHES, PLACES, Eye, folded
from ubam.tracking.eye.landmarks import LANDMARKS, PLANS, mirrored
from ubam.tracking.eye.network import HALF, SIDE, EyeNetwork, landmark_places, prepare
from ubam.tracking.outlines import Glimpse, look_on, shipped_eye


@pytest.fixture(scope="module")
def network() -> EyeNetwork:
    torch.manual_seed(1)
    made = EyeNetwork()
    for part in made.modules():  # statistics as a trained network has them: folding must use them
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(part.running_var, 0.5, 2)
    return made.eval()


def crops(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def copy_of(network: EyeNetwork) -> EyeNetwork:
    made = EyeNetwork()
    made.load_state_dict(network.state_dict())
    return made.eval()


def test_the_network_stays_small(network: EyeNetwork) -> None:
    assert 0.5e6 < sum(part.numel() for part in network.parameters()) < 2e6


def test_folding_changes_no_answer(network: EyeNetwork) -> None:
    x = torch.randn(2, 11, SIDE, SIDE)
    with torch.no_grad():
        before, after = network(x), folded(copy_of(network))(x)
    torch.testing.assert_close(before.outline, after.outline, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(before.heatmaps, after.heatmaps, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("plan", PLANS)
def test_what_is_seen_has_the_promised_shapes_and_ranges(network: EyeNetwork, plan: str) -> None:
    seen = Eye(copy_of(network)).see(crops(3), crops(1)[0], plan)
    assert seen.alpha.shape == (3, SIDE, SIDE)
    assert 0 <= seen.alpha.min() <= seen.alpha.max() <= 1
    assert seen.places.shape == (3, PLACES, PLACES, 3)
    assert np.abs(seen.places).max() <= 1
    assert seen.landmarks.shape == (3, len(LANDMARKS[plan]), 2)
    assert 0 <= seen.landmarks.min() <= seen.landmarks.max() <= 1
    assert seen.names == LANDMARKS[plan]


def test_answers_do_not_depend_on_how_many_crops_are_asked_for(network: EyeNetwork) -> None:
    eye, one = Eye(copy_of(network)), crops(1)
    alone, among = eye.see(one, plan="dog"), eye.see(np.repeat(one, 11, 0), plan="dog")
    assert np.array_equal(alone.alpha[0], among.alpha[10])
    assert np.array_equal(alone.landmarks[0], among.landmarks[3])


def test_larger_batches_of_a_gpu_change_no_answer(network: EyeNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    some = crops(3)
    small = Eye(copy_of(network)).see(some, plan="dog")
    monkeypatch.setitem(BATCHES, "cpu", BATCHES["cuda"])
    large = Eye(copy_of(network)).see(some, plan="dog")
    np.testing.assert_allclose(large.alpha, small.alpha, atol=1e-4)
    np.testing.assert_allclose(large.landmarks, small.landmarks, atol=1e-4)


def test_everything_is_computed_on_the_device_of_the_eye(network: EyeNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's device without numbers stands for the GPU: a tensor that was left behind would be refused."""
    found = list[torch.Tensor]()

    def kept(tensor: torch.Tensor) -> np.ndarray:
        found.append(tensor)
        return np.zeros(tuple(tensor.shape), np.float32)

    monkeypatch.setattr(eye_module, "_array", kept)
    monkeypatch.setattr(Eye, "_precision", lambda _: nullcontext())
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    monkeypatch.setitem(BATCHES, "meta", 4)
    eye, some, known = Eye(copy_of(network), device="meta"), crops(5), torch.ones(5, dtype=torch.bool)
    eye.see(some, some[0])
    eye.see(some, plan="rodent", neighbours=np.stack([some, some], 1))
    eye.outline(some, some, some, some, known)
    eye.body(some, some, some, some, known, "fly")
    eye.plan_chances(some, some[0])
    assert len(found) > 20
    assert {tensor.device.type for tensor in found} == {"meta"}


def test_the_eye_of_a_process_looks_on_the_device_that_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(Eye, "load", lambda **asked_for: asked.append(asked_for))
    outlines.eye_on.cache_clear()
    try:
        look_on("cuda")
        shipped_eye()
        shipped_eye()
    finally:
        look_on("cpu")
        outlines.eye_on.cache_clear()
    assert asked == [{"device": "cuda", "bfloat16": True}]


def test_frames_are_read_in_another_thread_only_where_a_gpu_or_a_core_would_wait(
    network: EyeNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    eye, readers = Eye(copy_of(network)), set[int]()

    def glimpses() -> Iterator[Glimpse]:
        for crop in crops(9):
            readers.add(threading.get_ident())
            yield Glimpse(crop, crop, crop, None)

    found = []
    for threads, device, aside in ((1, "cpu", False), (2, "cpu", True), (1, "cuda", True)):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        looking = SimpleNamespace(device=device, batch=eye.batch, outline=eye.outline)
        readers.clear()
        found.append(list(outlines.outlines(looking, glimpses(), SIDE)))  # type: ignore[arg-type]
        assert (readers == {threading.get_ident()}) is not aside
        assert len(readers) == 1
    assert len(found[0]) == 9
    assert all(np.array_equal(one, first) for other in found[1:] for one, first in zip(other, found[0], strict=True))


def test_neighbours_that_are_given_are_the_neighbours(network: EyeNetwork) -> None:
    eye, three = Eye(copy_of(network)), crops(3)
    in_order = eye.see(three, plan="fly")
    given = eye.see(three[1:2], plan="fly", neighbours=three[None, [0, 2]])
    assert np.array_equal(in_order.alpha[1], given.alpha[0])
    assert not np.array_equal(in_order.alpha[1], eye.see(three[1:2], plan="fly").alpha[0])


def test_the_plan_is_one_for_all_crops(network: EyeNetwork) -> None:
    assert Eye(copy_of(network)).see(crops(5)).plan in PLANS


def test_light_and_contrast_are_taken_out_of_the_input() -> None:
    at, empty = torch.rand(2, 2, 3, SIDE, SIDE)
    known = torch.tensor([True, True])
    bright = prepare(at, at, at, empty, known)
    dim_at, dim_empty = 0.6 * at + 0.1, 0.6 * empty + 0.1
    dim = prepare(dim_at, dim_at, dim_at, dim_empty, known)
    assert float((bright[:, :3] - dim[:, :3]).abs().mean()) < 0.12 * float(bright[:, :3].abs().mean())


def test_an_unknown_scene_tells_nothing() -> None:
    at, empty = torch.rand(2, 1, 3, SIDE, SIDE)
    unknown = torch.tensor([False])
    torch.testing.assert_close(prepare(at, at, at, empty, unknown), prepare(at, at, at, 1 - empty, unknown))


def test_a_landmark_is_where_its_heatmap_peaks() -> None:
    heat = torch.full((1, 2, HALF * HALF + 1), -20.0)
    heat[0, 0, 10 * HALF + 40] = 20.0
    heat[0, 1, -1] = 20.0
    where, spread, inside = landmark_places(heat)
    assert where[0, 0].tolist() == pytest.approx([40.5 / HALF, 10.5 / HALF], abs=1e-3)
    assert float(spread[0, 0]) < 0.01
    assert inside[0].tolist() == pytest.approx([1.0, 0.0], abs=1e-3)


@pytest.mark.parametrize("plan", PLANS)
def test_a_mirror_of_a_mirror_is_the_landmark_itself(plan: str) -> None:
    swap = mirrored(plan)
    assert [swap[k] for k in swap] == list(range(len(swap)))
    assert any(k != swapped for k, swapped in enumerate(swap))
