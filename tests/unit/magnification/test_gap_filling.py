"""The generator: starts as the identity, learns, resumes with the same numbers."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support import stick_figure
from ubam.core.errors import ModelError
from ubam.encoding.checkpoint import Checkpoint
from ubam.magnification.gap_filling_network import GapFillingNetwork, gap_window, infer, warp
from ubam.magnification.gap_filling_training import (
    GapFillingSettings,
    draw_pairs,
    objective,
    plain,
    repaired,
    stack_pairs,
    train_gap_filling,
    validate,
)
from ubam.tracking.crop_store import CropStore

pytestmark = pytest.mark.usefixtures("plain_eye")


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[CropStore]:
    folder: Path = tmp_path_factory.mktemp("generator")
    return [stick_figure.record(folder, f"walker{seed}", 0.0, 190 + 20 * seed, seed)[0] for seed in range(2)]


@pytest.fixture(scope="module")
def postures() -> list[np.ndarray]:
    return [np.random.default_rng(seed).normal(size=(stick_figure.FRAMES, 8)).astype(np.float32) for seed in range(2)]


def test_a_fresh_generator_leaves_the_registered_picture(stores: list[CropStore], postures: list[np.ndarray]) -> None:
    pairs = stack_pairs(draw_pairs(stores, postures, 3, np.random.default_rng(0)))
    picture, flow = repaired(GapFillingNetwork(8, 8).eval(), pairs)
    assert not flow.any()
    assert float((picture - plain(pairs)).abs().mean().detach()) < 1.5


def test_warp_reads_at_the_flow() -> None:
    picture = torch.arange(64.0).reshape(1, 1, 8, 8)
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = 2
    torch.testing.assert_close(warp(picture, flow)[..., :6], picture[..., 2:])


def test_training_lessens_the_loss_and_resumes_with_the_same_numbers(
    stores: list[CropStore], postures: list[np.ndarray], tmp_path: Path
) -> None:
    train = partial(train_gap_filling, stores, postures, GapFillingSettings(40, batch=2, width=8, pool=6))
    network, losses = train()
    for seed in range(2):
        pairs = stack_pairs(draw_pairs(stores, postures, 6, np.random.default_rng(seed)))
        assert float(objective(network, pairs)) < float(objective(GapFillingNetwork(8, 8).eval(), pairs))
    stopped = RuntimeError("stopped")

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise stopped

    path = tmp_path / "generator.safetensors"
    with pytest.raises(RuntimeError, match="stopped"):
        train(checkpoint=Checkpoint(path, every_s=0), progress=stop)
    done: list[int] = []
    again, resumed = train(checkpoint=Checkpoint(path), progress=lambda step, _: done.append(step))
    assert done[0] == 6
    assert resumed == losses
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_only_the_gaps_are_repaired(stores: list[CropStore], postures: list[np.ndarray]) -> None:
    pairs = stack_pairs(draw_pairs(stores, postures, 3, np.random.default_rng(1)))
    network = GapFillingNetwork(8, 8).eval()
    torch.nn.init.normal_(network.heads.weight)
    changed = (repaired(network, pairs)[0] - plain(pairs)).abs().amax(1, keepdim=True).detach()
    assert changed[pairs["gap"] > 0.5].mean() > 5
    assert not changed[pairs["gap"] == 0].any()


def test_a_part_is_repaired_as_the_whole() -> None:
    rng = np.random.default_rng(0)
    network = GapFillingNetwork(8, 8).eval()
    torch.nn.init.normal_(network.heads.weight, std=0.1)
    pictures = {name: rng.uniform(0, 255, (96, 120, 3)) for name in ("moved", "background", "appearance")}
    pictures |= {"layer": rng.uniform(0, 1, (96, 120)), "gap": np.zeros((96, 120))}
    assert not infer(network, pictures, np.ones(8, np.float32))[2].any()
    pictures["gap"][40:50, 60:70] = 1
    for found in infer(network, pictures, np.ones(8, np.float32)):
        assert found[40:50, 60:70].any()
        assert not found[:16].any()
    x0, y0, x1, y1 = gap_window(pictures["gap"].astype(np.float32)) or (0, 0, 0, 0)
    assert x0 <= 44
    assert y0 <= 24
    assert (x1 - x0) % 8 == (y1 - y0) % 8 == 0


def test_a_generator_that_does_harm_is_not_used(stores: list[CropStore], postures: list[np.ndarray]) -> None:
    network = GapFillingNetwork(8, 8).eval()
    assert not validate(network, stores, postures, count=6).helps
    torch.manual_seed(0)
    torch.nn.init.normal_(network.heads.weight, std=5.0)
    proof = validate(network, stores, postures, count=6)
    assert proof.gap_with > proof.gap_without
    assert not proof.as_dict()["used"]


def test_no_long_recording_is_said() -> None:
    with pytest.raises(ModelError, match="ten frames"):
        draw_pairs([], [], 4, np.random.default_rng(0))
