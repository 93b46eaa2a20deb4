"""From crop stores to a trained model, and from a model to the embeddings of a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ubam.core.progress import Progress
from ubam.core.settings import Settings
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.embedding import embed_behaviours, embed_postures, looks_of_encoder, stride_of
from ubam.encoding.encoders import BehaviourNetwork, PostureNetwork
from ubam.encoding.objectives import OBJECTIVES
from ubam.encoding.published_encoders import (
    CropPictures,
    FaithfulPosture,
    build_published,
    published_settings,
    train_published,
)
from ubam.encoding.saved_model import Networks
from ubam.encoding.shipped_weights import pretrained
from ubam.encoding.training import TrainingSettings, build_encoders, train_encoders
from ubam.encoding.window_sampling import Pictures, Windows
from ubam.tracking.crop_store import CropStore


@dataclass(frozen=True)
class Embedding:
    """One recording: posture float32 [T, D]; behaviour float32 [W, E] of windows from frame first [W] to last [W].

    looks: float32 [D, D], the effect of simulated changes of appearance on the postures (augmentation.py); None for
    networks that take crops instead of views.
    """

    posture: np.ndarray
    behaviour: np.ndarray
    first: np.ndarray
    last: np.ndarray
    looks: np.ndarray | None = None


def learn(
    stores: Sequence[CropStore],
    settings: Settings,
    device: str = "cpu",
    progress: Progress | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[Networks, dict[str, list[float]]]:
    """Train both networks on the stores as `settings` say; the model and its history (see `train_encoders`).

    With a `checkpoint` an interrupted training continues. ModelError when no recording has a whole window with the
    subject found, or when the loss is not finite.
    """
    torch.set_num_threads(settings.workers)
    learn_networks = _learn_published if settings.networks == "published" else _learn_encoders
    posture, behaviour, history = learn_networks(stores, settings, device, progress, checkpoint)
    return Networks(posture, behaviour, settings.as_dict()), history


def _learn_encoders(
    stores: Sequence[CropStore],
    settings: Settings,
    device: str,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
) -> tuple[PostureNetwork, BehaviourNetwork, dict[str, list[float]]]:
    """Our own networks, from nothing or from the shipped posture encoder."""
    objectives, initial = OBJECTIVES[settings.objectives], None
    training = TrainingSettings(settings.train_steps, settings.batch_windows, objectives, seed=settings.seed)
    if settings.networks == "pretrained":
        initial = pretrained()
        training = replace(training, posture_rate=settings.posture_rate, keep_weight=settings.keep_weight)
    posture, behaviour = build_encoders(
        settings.posture_dim, behaviour_dim=settings.behaviour_dim, seed=settings.seed, device=device, initial=initial
    )
    windows = _windows([store.views for store in stores], stores, objectives.factors)
    history = train_encoders(posture, behaviour, windows, training, checkpoint=checkpoint, progress=progress)
    return posture, behaviour, history


def _learn_published(
    stores: Sequence[CropStore],
    settings: Settings,
    device: str,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
) -> tuple[PostureNetwork, BehaviourNetwork, dict[str, list[float]]]:
    """The networks of the published method, as it trains them."""
    training = published_settings(settings.train_steps, settings.batch_windows, settings.seed)
    posture, behaviour = build_published(
        settings.posture_dim, settings.behaviour_dim, seed=settings.seed, device=device
    )
    windows = _windows([CropPictures(store) for store in stores], stores, training.objectives.factors)
    history = train_published(posture, behaviour, windows, training, checkpoint=checkpoint, progress=progress)
    return posture, behaviour, history


def _windows(pictures: Sequence[Pictures], stores: Sequence[CropStore], factors: Sequence[int]) -> Windows:
    return Windows(pictures, [stride_of(store.fps) for store in stores], [store.found for store in stores], factors)


def embed(model: Networks, store: CropStore, device: str = "cpu") -> Embedding:
    """Postures and behaviours of one recording."""
    published = isinstance(model.posture, FaithfulPosture)
    pictures: Pictures = CropPictures(store) if published else store.views
    posture = embed_postures(model.posture, pictures, device)
    looks = None if published else looks_of_encoder(model.posture, store.views, store.found, device)
    behaviour, first, last = embed_behaviours(model.behaviour, posture, stride_of(store.fps))
    return Embedding(posture, behaviour, first, last, looks)


STILL = 1e-3  # of the study's median movement: below it a posture counts as constant


def unusable(postures: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Recordings, of postures [T, D] by id, that cannot be compared, each with the reason; empty when all can."""
    return {
        name: f"{1 - np.isfinite(posture).all(1).mean():.0%} of its postures are not numbers; "
        "train the networks again, or mend its keypoints"
        for name, posture in postures.items()
        if not np.isfinite(posture).all()
    }


def unmoving(postures: Mapping[str, np.ndarray]) -> list[str]:
    """Warnings about recordings whose posture is the same in every frame; postures [T, D] by recording id."""
    movement = {name: float(np.sqrt(posture.astype(np.float64).var(0).sum())) for name, posture in postures.items()}
    usual = float(np.median(list(movement.values()))) if movement else 0.0
    if usual == 0:
        return ["The postures are the same in every frame of most recordings: no score here says anything of movement."]
    still = [name for name, size in movement.items() if size < STILL * usual]
    if not still:
        return []
    return [f"{', '.join(still)}: the posture is the same in every frame, so the score says where, not how, it stands."]
