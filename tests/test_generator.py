"""The generator: starts as the identity, learns, resumes with the same numbers."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests import stick
from ubam.crops import CropStore
from ubam.disentangling import draw_pairs, objective, repaired, stack_pairs, train_generator
from ubam.errors import ModelError
from ubam.generator import Generator, warp


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[CropStore]:
    folder: Path = tmp_path_factory.mktemp("generator")
    return [stick.record(folder, f"walker{seed}", 0.0, 190 + 20 * seed, seed)[0] for seed in range(2)]


@pytest.fixture(scope="module")
def postures() -> list[np.ndarray]:
    return [np.random.default_rng(seed).normal(size=(stick.FRAMES, 8)).astype(np.float32) for seed in range(2)]


def test_a_fresh_generator_leaves_the_registered_picture(stores: list[CropStore], postures: list[np.ndarray]) -> None:
    pairs = stack_pairs(draw_pairs(stores, postures, 3, np.random.default_rng(0)))
    picture, flow = repaired(Generator(8, 8).eval(), pairs)
    plain = pairs["layer"] * pairs["moved"] + (1 - pairs["layer"]) * pairs["background"]
    assert not flow.any()
    assert float((picture - plain).abs().mean().detach()) < 1.5


def test_warp_reads_at_the_flow() -> None:
    picture = torch.arange(64.0).reshape(1, 1, 8, 8)
    flow = torch.zeros(1, 2, 8, 8)
    flow[:, 0] = 2
    torch.testing.assert_close(warp(picture, flow)[..., :6], picture[..., 2:])


def test_training_lessens_the_loss_and_resumes_with_the_same_numbers(
    stores: list[CropStore], postures: list[np.ndarray], tmp_path: Path
) -> None:
    train = partial(train_generator, stores, postures, steps=12, batch=2, width=8, pool=6)
    network, losses = train()
    pairs = stack_pairs(draw_pairs(stores, postures, 6, np.random.default_rng(0)))
    assert float(objective(network, pairs)) < float(objective(Generator(8, 8).eval(), pairs))
    stopped = RuntimeError("stopped")

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise stopped

    checkpoint = tmp_path / "generator.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ubam.disentangling.CHECKPOINT_STEPS", 5)
        with pytest.raises(RuntimeError, match="stopped"):
            train(checkpoint=checkpoint, progress=stop)
    again, resumed = train(checkpoint=checkpoint)
    np.testing.assert_allclose(resumed, losses, rtol=1e-5)
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_no_long_recording_is_said() -> None:
    with pytest.raises(ModelError, match="ten frames"):
        draw_pairs([], [], 4, np.random.default_rng(0))
