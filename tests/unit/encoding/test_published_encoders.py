"""The published method: its networks' sizes, its jitter, its reference, its way through learning."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.support.plain_eye import plain_eye
from tests.support.videos import walking_frames, write_video
from ubam.core.settings import preset
from ubam.deviation.posture_series import PostureSeries
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.encoders import WINDOW
from ubam.encoding.published_encoders import (
    CropPictures,
    FaithfulBehaviour,
    FaithfulPosture,
    build_published,
    published_jitter,
    published_settings,
    train_published,
)
from ubam.encoding.saved_model import Networks
from ubam.encoding.study_encoder import embed, learn
from ubam.encoding.window_sampling import Windows
from ubam.evaluation.published.method import faithful_scores
from ubam.recordings.study_table import Recording
from ubam.tracking.crop_store import CropStore
from ubam.tracking.cropping import build_crops

Trained = tuple[FaithfulPosture, FaithfulBehaviour, dict[str, list[float]]]


def train(crops: list[np.ndarray], checkpoint: Checkpoint | None = None, progress: Any = None) -> Trained:
    """Small networks trained for four steps."""
    posture, behaviour = build_published(12, 8, 67, seed=2)
    windows, settings = Windows(crops, [1] * len(crops)), published_settings(steps=4, batch_windows=2, seed=2)
    history = train_published(posture, behaviour, windows, settings, checkpoint=checkpoint, progress=progress)
    return posture, behaviour, history


def parameters(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_networks_are_as_large_as_published() -> None:
    with torch.device("meta"):
        posture, behaviour = FaithfulPosture(), FaithfulBehaviour()
    assert parameters(posture.layers) == 34_944 + 307_456 + 885_120 + 663_936 + 442_624  # CaffeNet's convolutions
    assert parameters(posture.head) == 256 * 6 * 6 * 4096 + 4096
    assert behaviour.recurrent.input_size == 4096
    assert behaviour.recurrent.hidden_size == 1024


def test_postures_and_behaviours_have_their_lengths_and_no_randomness_in_use() -> None:
    posture, behaviour = FaithfulPosture(12, 67).eval(), FaithfulBehaviour(12, 8).eval()
    crops = torch.randint(256, (2 * WINDOW, 3, 128, 128), dtype=torch.uint8)
    postures = posture(crops)
    assert postures.shape == (2 * WINDOW, 12)
    assert torch.equal(postures, posture(crops))
    windows = postures.unflatten(0, (2, WINDOW))
    assert behaviour(windows).shape == (2, 8)
    assert behaviour.order_logit(behaviour(windows)).shape == (2,)
    assert torch.equal(behaviour(windows), behaviour(windows))


def test_published_jitter_keeps_size_and_shows_no_black_border() -> None:
    picture = torch.full((50, 3, 40, 40), 0.5)
    moved = published_jitter(picture, torch.Generator().manual_seed(0))
    assert (moved.amax((2, 3)) - moved.amin((2, 3)) < 1e-6).all()
    assert moved.min() >= 0.5 * 0.8 - 6 / 255
    assert moved.max() <= 0.5 * 1.2 + 6 / 255
    edge = torch.zeros(50, 3, 40, 40)
    edge[:, :, :, 20:] = 1.0
    share = (published_jitter(edge, torch.Generator().manual_seed(1)) > 0.5).float().mean((1, 2, 3))
    assert ((share - 0.5).abs() <= 0.05 + 1 / 40).all()
    assert share.std() > 0.005


def test_resumed_equals_uninterrupted_although_units_are_dropped(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    crops = [random.integers(0, 255, (12, 40, 40, 3), np.uint8) for _ in range(3)]
    whole = train(crops)

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    path = tmp_path / "encoders.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(crops, Checkpoint(path, every_s=0), stop)
    torch.manual_seed(5)
    again = train(crops, Checkpoint(path))
    assert again[2] == whole[2]
    assert set(whole[2]) == {"order", "accuracy", "level"}
    for network, resumed in zip(whole[:2], again[:2], strict=True):
        for name, value in network.state_dict().items():
            assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CropStore:
    folder = tmp_path_factory.mktemp("walk")
    video = write_video(folder / "walk.mp4", walking_frames(20))
    recording = Recording(recording_id="walk", video=video, subject="a", group="g", row=2)
    with plain_eye():
        return build_crops(recording, folder / "crops", crop_size=64, view_size=64)


def test_the_preset_goes_through_learning_saving_and_embedding(store: CropStore, tmp_path: Path) -> None:
    settings = replace(preset("faithful"), posture_dim=12, behaviour_dim=8, train_steps=1, batch_windows=1)
    model, history = learn([store], settings)
    assert len(history["order"]) == 1
    model.save(tmp_path / "model")
    embedding = embed(Networks.load(tmp_path / "model"), store)
    assert embedding.posture.shape == (len(store.time_s), 12)
    assert embedding.behaviour.shape == (len(embedding.first), 8)
    crops = torch.from_numpy(store.crops([0, 5])).permute(0, 3, 1, 2)
    plain = model.posture(crops).detach().numpy()
    np.testing.assert_allclose(embedding.posture[[0, 5]], plain, rtol=1e-4, atol=1e-4 * np.abs(plain).max())


def test_settings_name_the_objectives(store: CropStore) -> None:
    settings = preset("quick", networks="compact", objectives="contrast", train_steps=2, posture_dim=8, behaviour_dim=8)
    assert learn([store], settings)[1].keys() == {"contrast", "accuracy", "level"}


def test_crops_are_read_by_slice_and_by_positions(store: CropStore) -> None:
    pictures = CropPictures(store)
    assert len(pictures) == len(store.time_s)
    np.testing.assert_array_equal(pictures[3:6], store.crops([3, 4, 5]))
    np.testing.assert_array_equal(pictures[np.array([7, 2])], store.crops([7, 2]))
    assert pictures[len(pictures) :].shape == (0, 64, 64, 3)


def planted(seed: int = 0) -> list[PostureSeries]:
    """Five subjects of two recordings on a common circle of postures, the last of group `ill` pushed off it."""
    random = np.random.default_rng(seed)
    codes = []
    for subject in range(5):
        for recording in range(2):
            angle = random.uniform(0, 2 * np.pi, 20)
            posture = np.stack([np.cos(angle), np.sin(angle), np.full(20, 0.9 * (subject == 4)), 0 * angle], 1)
            posture += random.normal(0, 0.05, posture.shape)
            group = "ill" if subject >= 3 else "well"
            codes.append(PostureSeries(f"{subject}_{recording}", f"s{subject}", group, posture.astype(np.float32), 1))
    return codes


@pytest.mark.parametrize("reference", ["well", None])
def test_scores_are_the_formula(reference: str | None) -> None:
    codes = planted()
    scores = faithful_scores(codes, reference)
    for subject in ("s0", "s4"):
        others = np.concatenate(
            [c.posture for c in codes if c.subject != subject and reference in (None, c.group)]
        ).astype(float)
        frames = []
        for posture in np.concatenate([c.posture for c in codes if c.subject == subject]).astype(float):
            cosine = others @ posture / np.linalg.norm(others, axis=1) / np.linalg.norm(posture)
            mean = others[np.argsort(-cosine)[:10]].mean(0)
            frames.append(1 - mean @ posture / np.linalg.norm(mean) / np.linalg.norm(posture))
        assert scores[subject] == pytest.approx(np.mean(frames), rel=1e-3)
    assert list(scores) == [f"s{index}" for index in range(5)]


def test_who_is_pushed_off_deviates_most_and_a_subject_is_never_its_own_reference() -> None:
    scores = faithful_scores(planted(), "well")
    assert max(scores, key=scores.__getitem__) == "s4"
    assert scores["s4"] > 5 * scores["s3"]
    twice = [replace(code, subject="s0") if code.subject == "s1" else code for code in planted()]
    assert faithful_scores(twice, "well")["s0"] > 0
