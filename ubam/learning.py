"""From crop stores to a trained model, and from a model to the embeddings of a recording, whatever the networks are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ubam.crops import CropStore
from ubam.embedding import embed_behaviours, embed_postures, looks_of_encoder, stride_of
from ubam.faithful import CropPictures, FaithfulPosture, train_faithful
from ubam.model import Model
from ubam.objectives import OBJECTIVES
from ubam.pretraining import pretrained
from ubam.settings import Settings
from ubam.training import train_encoders


@dataclass(frozen=True)
class Embedding:
    """One recording: posture float32 [T, D]; behaviour float32 [W, E] of windows from frame first [W] to last [W].

    looks: float32 [D, D], what imagined changes of looks do to its postures (looks.py), where views are what is coded.
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
    return Model(posture, behaviour, None, settings.as_dict()), history


def embed(model: Model, store: CropStore, device: str = "cpu") -> Embedding:
    """Postures and behaviours of one recording."""
    published = isinstance(model.posture, FaithfulPosture)
    pictures: Any = CropPictures(store) if published else store.views
    posture = embed_postures(model.posture, pictures, device)
    looks = None if published else looks_of_encoder(model.posture, store.views, store.found, device)
    behaviour, first, last = embed_behaviours(model.behaviour, posture, stride_of(store.fps))
    return Embedding(posture, behaviour, first, last, looks)
