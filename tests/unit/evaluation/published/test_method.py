"""The published synthesis generator: its codes, its extrapolation, its training, and where its picture is laid."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support import stick_figure
from ubam.core.errors import ModelError
from ubam.evaluation.published.method import SIDE, SynthesisGenerator, pasted, synthesised, train_synthesis
from ubam.tracking.crop_store import CropStore
from ubam.tracking.views import cut

pytestmark = pytest.mark.usefixtures("plain_eye")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CropStore:
    return stick_figure.record(tmp_path_factory.mktemp("synthesis"), "walker")[0]


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(stick_figure.FRAMES, 12)).astype(np.float32)


def test_training_is_repeatable_and_lowers_the_loss(store: CropStore, features: np.ndarray) -> None:
    torch.set_num_threads(1)
    seen: list[tuple[int, int]] = []
    progress = lambda *step: seen.append(step)  # noqa: E731
    once = train_synthesis([store], [features], steps=8, batch=2, progress=progress)[1]["loss"]
    again = train_synthesis([store], [features], steps=3, batch=2)[1]["loss"]
    assert again == once[:3]
    assert np.mean(once[-3:]) < 0.9 * np.mean(once[:3])
    assert seen[-1] == (8, 8)
    with pytest.raises(ModelError, match="three frames"):
        train_synthesis([store], [features[:2]], steps=1)


def test_the_code_goes_from_the_nearest_references_outwards(features: np.ndarray) -> None:
    torch.manual_seed(0)
    network = SynthesisGenerator(12).eval()
    looks = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    own, gallery = features[:3], features[8:30]
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (own, gallery)]
    with torch.inference_mode():
        codes, others = (network.encode_posture(torch.from_numpy(each))[0].numpy() for each in (own, gallery))
        look = network.encode_appearance(torch.from_numpy(looks).permute(2, 0, 1)[None].float() / 255)[0]
    for factor in (0.0, 1.0, 2.5):
        drawn = synthesised(network, looks, own, gallery, factor)
        assert drawn.shape == (3, SIDE, SIDE, 3)
        for frame in range(3):
            nearest = np.argsort(-np.array([float(unit[0][frame] @ other) for other in unit[1]]))[:10]
            reference = np.mean([others[other] for other in nearest], axis=0)
            code = torch.from_numpy(reference + factor * (codes[frame] - reference)).float()[None]
            with torch.inference_mode():
                expected = 255 * network.decode(look, code)[0].permute(1, 2, 0).numpy()
            assert np.abs(drawn[frame] - expected).max() <= 0.51


def test_the_drawn_square_lies_over_its_box_and_nowhere_else(tmp_path: Path) -> None:
    drawn = np.random.default_rng(2).integers(0, 256, (8, 8, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    box = np.array([20.0, 10.0, 84.0, 74.0], np.float32)
    picture = np.full((90, 120, 3), 7, np.uint8)
    laid = pasted(picture, drawn, box)
    for outside in (laid[:9], laid[76:], laid[:, :19], laid[:, 86:]):
        assert (outside == 7).all()
    back = cut(laid, box, SIDE).astype(int)
    assert np.abs(back - drawn)[4:-4, 4:-4].mean() < 8
