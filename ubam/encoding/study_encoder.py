"""From crop stores to a trained model, and from a model to the embeddings of a recording."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch

from ubam.core.progress import Progress
from ubam.core.settings import Settings
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.embedding import embed_behaviours, embed_postures, encoded, looks_of_encoder, stride_of
from ubam.encoding.encoders import CoordinateEncoder, PostureEncoder, PostureNetwork
from ubam.encoding.landmarks.coordinate_views import CoordinateViews
from ubam.encoding.landmarks.other_looks import moved_coordinates
from ubam.encoding.learning.early_stopping import SHORTEST, held_out_recordings
from ubam.encoding.learning.many_processes import Call, ask_for_help, calls_for_help
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
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore

HELD_OUT = "held_out"  # among the settings of a model: the subjects that told when it had learnt
FROM_NOTHING = ("compact", "coordinates")


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
    subjects: Sequence[str] | None = None,
) -> tuple[Networks, dict[str, list[float]]]:
    """Train both networks on the stores as `settings` say; the model and its history (see `train_encoders`).

    subjects: of each store. Where they are enough, some tell when a training from nothing has learnt, which then ends
    before the steps that `settings` allow; `held_out` of the history says whether that was so. With a `checkpoint` an
    interrupted training continues. ModelError when no recording has a whole window with the subject found, or when the
    loss is not finite.
    """
    kept, folders = str(checkpoint.path) if checkpoint else None, [str(store.folder) for store in stores]
    ask_for_help(Call(folders, settings, device, kept, subjects))
    torch.set_num_threads(settings.workers)
    if settings.networks == "coordinates":
        settings = replace(settings, plan=settings.plan or likeliest_plan(stores))
    if settings.networks == "published":
        return _learn_published(stores, settings, device, progress, checkpoint)
    return _learn_encoders(stores, settings, device, progress, checkpoint, subjects)


def help_to_learn() -> None:
    """Help the first of the processes that `torchrun` started to learn, until it ends; see many_processes.py.

    This process must see the crops of the run at the same path.
    """
    for call in calls_for_help():
        stores = [CropStore.open(Path(folder)) for folder in call.stores]
        checkpoint = Checkpoint(Path(call.checkpoint)) if call.checkpoint else None
        learn(stores, call.settings, call.device, None, checkpoint, call.subjects)


def watched(settings: Settings) -> bool:
    """Whether held-out subjects can end such a training: one from nothing, and not a short one."""
    return settings.networks in FROM_NOTHING and settings.train_steps >= SHORTEST


def _learn_encoders(
    stores: Sequence[CropStore],
    settings: Settings,
    device: str,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
    subjects: Sequence[str] | None,
) -> tuple[Networks, dict[str, list[float]]]:
    """Our own networks, from nothing or from the shipped posture encoder; of views, or of body coordinates."""
    objectives, initial = OBJECTIVES[settings.objectives], None
    training = TrainingSettings(settings.train_steps, settings.batch_windows, objectives, seed=settings.seed)
    if settings.networks == "pretrained":
        initial = pretrained()
        training = replace(training, posture_rate=settings.posture_rate, keep_weight=settings.keep_weight)
    pictures: list[Pictures] = [store.views for store in stores]
    kind: type[PostureEncoder] = PostureEncoder
    if settings.networks == "coordinates":
        kind, pictures = CoordinateEncoder, [CoordinateViews(store, str(settings.plan)) for store in stores]
    posture, behaviour = build_encoders(
        settings.posture_dim, behaviour_dim=settings.behaviour_dim, seed=settings.seed, device=device, initial=initial,
        kind=kind,
    )  # fmt: skip
    windows = _windows(pictures, stores, objectives.factors)
    described = settings.as_dict()
    if subjects is not None and watched(settings):
        training = replace(training, held_out=held_out_recordings(subjects, windows.usable, settings.seed))
        described[HELD_OUT] = sorted({subjects[index] for index in training.held_out})
    history = train_encoders(posture, behaviour, windows, training, checkpoint=checkpoint, progress=progress)
    return Networks(posture, behaviour, described), history


def _learn_published(
    stores: Sequence[CropStore],
    settings: Settings,
    device: str,
    progress: Progress | None,
    checkpoint: Checkpoint | None,
) -> tuple[Networks, dict[str, list[float]]]:
    """The networks of the published method, as it trains them."""
    training = published_settings(settings.train_steps, settings.batch_windows, settings.seed)
    posture, behaviour = build_published(
        settings.posture_dim, settings.behaviour_dim, seed=settings.seed, device=device
    )
    windows = _windows([CropPictures(store) for store in stores], stores, training.objectives.factors)
    history = train_published(posture, behaviour, windows, training, checkpoint=checkpoint, progress=progress)
    return Networks(posture, behaviour, settings.as_dict()), history


def _windows(pictures: Sequence[Pictures], stores: Sequence[CropStore], factors: Sequence[int]) -> Windows:
    return Windows(pictures, [stride_of(store.fps) for store in stores], [store.found for store in stores], factors)


def embed(model: Networks, store: CropStore, device: str = "cpu") -> Embedding:
    """Postures and behaviours of one recording."""
    looks: np.ndarray | None
    if isinstance(model.posture, FaithfulPosture):
        pictures, looks = cast(Pictures, CropPictures(store)), None
    elif isinstance(model.posture, CoordinateEncoder):
        plan = str(model.settings["plan"])
        pictures, looks = CoordinateViews(store, plan), _looks_of_coordinates(model.posture, store, plan, device)
    else:
        pictures, looks = store.views, looks_of_encoder(model.posture, store.views, store.found, device)
    posture = embed_postures(model.posture, pictures, device)
    behaviour, first, last = embed_behaviours(model.behaviour, posture, stride_of(store.fps))
    return Embedding(posture, behaviour, first, last, looks)


def _looks_of_coordinates(encoder: PostureNetwork, store: CropStore, plan: str, device: str) -> np.ndarray:
    """What other looks do to postures of body coordinates: the eye sees changed crops again (`moved_coordinates`)."""
    encoder = encoder.to(device).eval()

    def encode(pictures: np.ndarray) -> np.ndarray:
        return encoded(encoder, torch.from_numpy(pictures).permute(0, 3, 1, 2), device)

    return moved_coordinates(store, plan, encode)


STILL = 1e-3  # of the study's median movement: below it a posture counts as constant


def unusable(finite: Mapping[str, float]) -> dict[str, str]:
    """Recordings that cannot be compared, each with the reason; `finite`: the share of postures that are numbers."""
    return {
        name: f"{1 - share:.0%} of its postures are not numbers; train the networks again, or mend its keypoints"
        for name, share in finite.items()
        if share < 1
    }


def movement_of(posture: np.ndarray) -> float:
    """How much a posture [T, D] moves: the root of its variance over time, summed over its numbers."""
    return float(np.sqrt(posture.astype(np.float64).var(0).sum()))


def unmoving(movement: Mapping[str, float]) -> list[str]:
    """Warnings about recordings whose posture is the same in every frame; `movement_of` each by recording id."""
    usual = float(np.median(list(movement.values()))) if movement else 0.0
    if usual == 0:
        return ["The postures are the same in every frame of most recordings: no score here says anything of movement."]
    still = [name for name, size in movement.items() if size < STILL * usual]
    if not still:
        return []
    return [f"{', '.join(still)}: the posture is the same in every frame, so the score says where, not how, it stands."]
