"""From crop stores to a trained model, and from a model to the embeddings of a recording, whatever the networks are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ubam.core.settings import Settings
from ubam.encoding.embedding import embed_behaviours, embed_postures, looks_of_encoder, stride_of
from ubam.encoding.objectives import OBJECTIVES
from ubam.encoding.published_encoders import CropPictures, FaithfulPosture, train_faithful
from ubam.encoding.saved_model import Model
from ubam.encoding.shipped_weights import pretrained
from ubam.encoding.training import train_encoders
from ubam.tracking.crop_store import CropStore


@dataclass(frozen=True)
class Embedding:
    """One recording: posture float32 [T, D]; behaviour float32 [W, E] of windows from frame first [W] to last [W].

    looks: float32 [D, D], what imagined changes of looks do to its postures (augmentation.py), where views are what is
    coded.
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
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> tuple[Model, dict[str, Any]]:
    """Train both encoders on the stores as `settings` say; the model and its history. ModelError as `train_encoders`.

    `options` go to `train_encoders` or `train_faithful` (their checkpoint).
    """
    torch.set_num_threads(settings.workers)
    options |= {
        "steps": settings.train_steps, "batch_windows": settings.batch_windows, "dim": settings.posture_dim,
        "behaviour_dim": settings.behaviour_dim, "seed": settings.seed, "device": device,
        "found": [store.found for store in stores], "progress": progress,
    }  # fmt: skip
    strides = [stride_of(store.fps) for store in stores]
    posture: nn.Module
    behaviour: nn.Module
    if settings.networks == "published":
        posture, behaviour, history = train_faithful([CropPictures(store) for store in stores], strides, **options)
    else:
        chosen = OBJECTIVES[settings.objectives]
        views = [store.views for store in stores]
        initial = pretrained() if settings.networks == "pretrained" else None
        posture, behaviour, history = train_encoders(
            views, strides, objectives=chosen, initial=initial, keep_weight=settings.keep_weight,
            posture_rate=settings.posture_rate, **options,
        )  # fmt: skip
    return Model(posture, behaviour, settings.as_dict()), history


def embed(model: Model, store: CropStore, device: str = "cpu") -> Embedding:
    """Postures and behaviours of one recording."""
    published = isinstance(model.posture, FaithfulPosture)
    pictures: Any = CropPictures(store) if published else store.views
    posture = embed_postures(model.posture, pictures, device)
    looks = None if published else looks_of_encoder(model.posture, store.views, store.found, device)
    behaviour, first, last = embed_behaviours(model.behaviour, posture, stride_of(store.fps))
    return Embedding(posture, behaviour, first, last, looks)


STILL = 1e-3  # of the study's usual movement: below, a posture does not change


def unusable(postures: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Why recordings, by id and with postures [T, D], cannot be compared at all; empty when all can."""
    return {
        name: f"{1 - np.isfinite(posture).all(1).mean():.0%} of its postures are not numbers; "
        "train the networks again, or mend its keypoints"
        for name, posture in postures.items()
        if not np.isfinite(posture).all()
    }


def unmoving(postures: Mapping[str, np.ndarray]) -> list[str]:
    """What must be said of recordings whose posture is the same in every frame."""
    movement = {name: float(np.sqrt(posture.astype(np.float64).var(0).sum())) for name, posture in postures.items()}
    usual = float(np.median(list(movement.values()))) if movement else 0.0
    if usual == 0:
        return ["The postures are the same in every frame of most recordings: no score here says anything of movement."]
    still = [name for name, size in movement.items() if size < STILL * usual]
    if not still:
        return []
    return [f"{', '.join(still)}: the posture is the same in every frame, so the score says where, not how, it stands."]
