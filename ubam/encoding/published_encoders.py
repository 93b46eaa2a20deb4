"""The published method, repaired: its networks, its jitter and its order task.

Brattoli, Büchler, Dorkenwald et al., Nature Machine Intelligence 2021, and the code released with it: CaffeNet up to
fc6 for posture, fc7 and an LSTM of 1024 for behaviour, 227-px RGB crops, Xavier weights, dropout 0.5, SGD with rate
0.01, momentum 0.9 and decay 0.0005. Repaired: undefined parts of its code are left out, neighbours come from other
subjects and not only from other videos, and weights start at random, because those of ImageNet cannot ship with the
program. A real window and its permutation share their jittered frames, which halves the cost; the learning rate
falls as in training.py.
"""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.optimizer import ParamsT

from ubam.encoding.augmentation import jitter
from ubam.encoding.encoders import BehaviourNetwork, PostureNetwork
from ubam.encoding.objectives import OBJECTIVES
from ubam.encoding.training import TrainingSettings, train_encoders
from ubam.tracking.crop_store import CropStore

SIDE = 227  # px, CaffeNet's

RATE = 0.01
published_jitter = partial(jitter, scale=0.0, shift=6 / 255, beyond="border")


class CropPictures:
    """The RGB crops uint8 [T, S, S, 3] of a recording, read on demand, by a slice or by positions."""

    def __init__(self, store: CropStore) -> None:
        self.store = store

    def __len__(self) -> int:
        return len(self.store.time_s)

    def __getitem__(self, index: Any, /) -> np.ndarray:
        return self.store.crops(np.arange(len(self))[index])


class FaithfulPosture(PostureNetwork):
    """CaffeNet (Jia et al. 2014) up to fc6: from RGB crops, resized to `side` px, to postures of length `dim`."""

    def __init__(self, dim: int = 4096, side: int = SIDE) -> None:
        super().__init__()
        self.dim, self.side = dim, side
        self.layers = nn.Sequential(
            _Centre(),
            nn.Conv2d(3, 96, 11, 4), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(5, 1e-4, 0.75),
            nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.LocalResponseNorm(5, 1e-4, 0.75),
            nn.Conv2d(256, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        cells = _pooled(_pooled(_pooled((side - 11) // 4 + 1)))
        self.head = nn.Sequential(nn.Linear(256 * cells * cells, dim), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.apply(_published_weights)

    @property
    def settings(self) -> dict[str, int]:
        """The arguments that build this network again."""
        return {"dim": self.dim, "side": self.side}

    def prepare(self, pictures: Tensor) -> Tensor:
        """Crops [N, 3, S, S] in 0..255 to the network's pictures [N, 3, side, side] in 0..1."""
        size = (self.side, self.side)
        return functional.interpolate(pictures.float() / 255, size=size, mode="bilinear", antialias=True)

    def encode(self, pictures: Tensor) -> Tensor:
        """Prepared pictures [N, 3, side, side] to postures [N, dim]."""
        posture: Tensor = self.head(self.layers(pictures).flatten(1))
        return posture


def _pooled(cells: int) -> int:
    return (cells - 3) // 2 + 1


class _Centre(nn.Module):
    """From pictures in 0..1 to CaffeNet's range, about -120..135 around the mean colour of ImageNet."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([123.0, 117.0, 104.0]).view(1, 3, 1, 1), persistent=False)

    def forward(self, pictures: Tensor) -> Tensor:
        return 255 * pictures - self.mean


class FaithfulBehaviour(BehaviourNetwork):
    """fc7 and an LSTM over eight postures; the last state of the LSTM is the behaviour."""

    def __init__(self, dim: int = 4096, behaviour_dim: int = 1024) -> None:
        super().__init__()
        self.dim, self.behaviour_dim = dim, behaviour_dim
        self.fc7 = nn.Sequential(nn.Linear(dim, dim), nn.ReLU(inplace=True), nn.Dropout(0.5))
        self.recurrent = nn.LSTM(dim, behaviour_dim, batch_first=True)
        self.order_head = nn.Linear(behaviour_dim, 1)
        self.apply(_published_weights)

    def forward(self, postures: Tensor) -> Tensor:
        """Postures [B, 8, dim] to behaviours [B, behaviour_dim]."""
        behaviour: Tensor = self.recurrent(self.fc7(postures))[1][0][0]
        return behaviour


def _published_weights(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.Linear, nn.LSTM)):
        for weight in module.parameters(recurse=False):
            if weight.dim() > 1:
                nn.init.xavier_normal_(weight)
            else:
                nn.init.constant_(weight, 0.1)


def build_published(
    dim: int = 4096, behaviour_dim: int = 1024, side: int = SIDE, seed: int = 0, device: str = "cpu"
) -> tuple[FaithfulPosture, FaithfulBehaviour]:
    """Fresh networks whose first weights depend on `seed` alone; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FaithfulPosture(dim, side).to(device), FaithfulBehaviour(dim, behaviour_dim).to(device)


def published_settings(steps: int, batch_windows: int, seed: int = 0) -> TrainingSettings:
    """The published training at another length: real windows against random permutations of them."""
    return TrainingSettings(steps, batch_windows, OBJECTIVES["order"], RATE, seed=seed)


def published_optimiser(parameters: ParamsT) -> torch.optim.Optimizer:
    """Stochastic gradient descent as published."""
    return torch.optim.SGD(parameters, momentum=0.9, weight_decay=5e-4)


train_published = partial(train_encoders, jittered=published_jitter, optimiser=published_optimiser)
