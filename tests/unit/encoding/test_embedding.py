"""The same numbers whatever the batch size; windows where the contract says; all of it on a device that is no GPU."""

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.moving_bar import moving_bar
from ubam.encoding import embedding
from ubam.encoding.embedding import BATCHES, embed_behaviours, embed_postures, encoded, precision, sent
from ubam.encoding.encoders import WINDOW, BehaviourEncoder, PostureEncoder
from ubam.encoding.training import build_encoders

Encoders = tuple[PostureEncoder, BehaviourEncoder]


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    return build_encoders(16, 8, 12, 0, "cpu")


def test_postures_do_not_depend_on_the_batch_size(encoders: Encoders) -> None:
    views, _ = moving_bar(70, 0, size=64)
    whole = embed_postures(encoders[0], views)
    assert whole.dtype == np.float32
    assert whole.shape == (70, 16)
    for batch in (1, 7, 64, 1000):
        np.testing.assert_allclose(embed_postures(encoders[0], views, batch=batch), whole, atol=1e-5)


def test_postures_are_those_of_the_plain_network(encoders: Encoders) -> None:
    views, _ = moving_bar(9, 0, size=64)
    plain = encoders[0](torch.from_numpy(views).permute(0, 3, 1, 2)).detach().numpy()
    np.testing.assert_allclose(embed_postures(encoders[0], views), plain, atol=1e-5)


def test_behaviours_do_not_depend_on_the_batch_size(encoders: Encoders) -> None:
    postures = np.random.default_rng(0).normal(size=(100, 16)).astype(np.float32)
    whole, _, _ = embed_behaviours(encoders[1], postures, 2)
    for batch in (1, 3):
        np.testing.assert_allclose(embed_behaviours(encoders[1], postures, 2, batch)[0], whole, atol=1e-5)


@pytest.mark.parametrize(("frames", "stride"), [(8, 1), (9, 1), (40, 1), (100, 2), (100, 3)])
def test_windows_begin_every_four_strides_and_end_inside(encoders: Encoders, frames: int, stride: int) -> None:
    postures = np.random.default_rng(1).normal(size=(frames, 16)).astype(np.float32)
    behaviours, first, last = embed_behaviours(encoders[1], postures, stride)
    slow = [start for start in range(0, frames, 4 * stride) if start + (WINDOW - 1) * stride < frames]
    assert first.tolist() == slow
    assert last.tolist() == [start + (WINDOW - 1) * stride for start in slow]
    expected = encoders[1](torch.from_numpy(postures[first[0] : last[0] + 1 : stride][None])).detach().numpy()
    np.testing.assert_allclose(behaviours[:1], expected, atol=1e-5)


@pytest.mark.parametrize("frames", [0, 1, 7])
def test_a_recording_shorter_than_a_window_has_no_behaviour(encoders: Encoders, frames: int) -> None:
    behaviours, first, last = embed_behaviours(encoders[1], np.zeros((frames, 16), np.float32))
    assert behaviours.shape == (0, 12)
    assert len(first) == len(last) == 0


def test_no_frames_no_postures(encoders: Encoders) -> None:
    assert embed_postures(encoders[0], np.empty((0, 64, 64, 3), np.uint8)).shape == (0, 16)


def test_progress_ends_at_the_whole(encoders: Encoders) -> None:
    calls: list[tuple[int, int]] = []
    embed_postures(encoders[0], moving_bar(10, 0)[0], batch=4, progress=lambda *call: calls.append(call))
    assert calls == [(4, 10), (8, 10), (10, 10)]


def test_on_the_device_of_a_gpu_pictures_are_pinned_and_come_in_its_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch's device without numbers stands for the GPU: a tensor that was left behind would be refused."""
    pinned, asked, answers = list[int](), list[str](), list[torch.Tensor]()

    def pin(pictures: torch.Tensor) -> torch.Tensor:
        pinned.append(len(pictures))
        return pictures

    def precise(device: str) -> Any:
        asked.append(device)
        return nullcontext()

    def kept(found: torch.Tensor) -> np.ndarray:
        answers.append(found)
        return np.zeros(tuple(found.shape), np.float32)

    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(embedding, "precision", precise)
    monkeypatch.setattr(embedding, "as_array", kept)
    monkeypatch.setitem(BATCHES, "meta", BATCHES["cuda"])
    posture, behaviour = build_encoders(16, 8, 12, 0, "cpu")
    postures = embed_postures(posture, np.zeros((1500, 64, 64, 3), np.uint8), "meta")
    encoded(posture, torch.zeros(5, 3, 64, 64), "meta")
    assert pinned == [1024, 476, 5]
    assert asked == ["meta"] * 3
    embed_behaviours(behaviour.to("meta"), postures)
    assert {answer.device.type for answer in answers} == {"meta"}


@pytest.mark.parametrize(
    ("device", "supported", "half"), [("cuda", True, True), ("cuda", False, False), ("cpu", True, False)]
)
def test_only_a_gpu_is_asked_in_half_precision(
    device: str, supported: bool, half: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list[tuple[object, ...]]()
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    monkeypatch.setattr(torch, "autocast", lambda device, kind, enabled: made.append((device, kind, enabled)))
    precision(device)
    assert made == [(device, torch.bfloat16, half)]


def test_answers_in_half_precision_are_kept_as_float32() -> None:
    assert embedding.as_array(torch.ones(2, 3, dtype=torch.bfloat16)).dtype == np.float32


def test_what_stays_in_memory_is_not_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "pin_memory", None)
    assert sent(torch.ones(3), "cpu").tolist() == [1, 1, 1]
