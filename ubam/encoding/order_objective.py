"""The order objective: the network distinguishes real windows from disordered ones, with a curriculum of disorder.

Order task: Brattoli et al., Nature Machine Intelligence 2021. Curriculum: after the learned policy over permutations of
Büchler et al., ECCV 2018; here a bandit draws the families with the largest recent loss. Shuffled contrast: Dorkenwald
et al., CVPR Workshops 2022.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ubam.encoding.encoders import WINDOW

PERMUTED = ("random", "swap", "rotation", "reversal")  # other orders of a window's own frames
STRIDE = "stride"  # frames in order but unevenly spaced, as window_sampling.py draws them
FAMILIES = (*PERMUTED, STRIDE)
PASS_ACCURACY = 0.9  # order accuracy at which harder families begin; a network that starts with them learns nothing


def order_loss(real: Tensor, disordered: Tensor) -> tuple[Tensor, Tensor]:
    """Binary cross-entropy of the logits of real [A] and disordered [B] windows; both kinds have the same weight.

    Returns the scalar, and the loss of each disordered window [B].
    """
    of_disordered = functional.softplus(disordered)
    return (functional.softplus(-real).mean() + of_disordered.mean()) / 2, of_disordered


def order_accuracy(real: Tensor, disordered: Tensor) -> Tensor:
    """Share of windows classified correctly by logits of real [A] and disordered [B] windows, of equal weight."""
    return ((real > 0).float().mean() + (disordered <= 0).float().mean()) / 2


def shuffled_contrast(
    window: Tensor, other: Tensor, shuffles: Tensor, temperature: float = 0.15
) -> tuple[Tensor, Tensor, Tensor]:
    """InfoNCE of a window's behaviour [B, E] with that of its other view [B, E] against its shuffles' [B, K, E].

    All of them show the same frames, so that only their order can solve the task. Returns the scalar, the loss of each
    shuffle against the other view alone [B, K], and the share of windows that are nearer to their other view than to
    any shuffle.
    """
    unit = functional.normalize(window, dim=-1)
    same = (unit * functional.normalize(other, dim=-1)).sum(-1, keepdim=True) / temperature
    shuffled = (functional.normalize(shuffles, dim=-1) @ unit[:, :, None]).squeeze(-1) / temperature
    loss = functional.cross_entropy(torch.cat([same, shuffled], 1), torch.zeros_like(same[:, 0], dtype=torch.int64))
    accuracy = (same > shuffled).all(1).float().mean()
    return loss, functional.softplus(shuffled - same), accuracy


@dataclass
class Curriculum:
    """Decides how often each family of disorder is drawn: at first random permutations only, then by a bandit.

    Once the running accuracy passes 0.9, a family's probability is a softmax over the running losses. A fifth of the
    draws stays uniform, so that no family is forgotten (Exp3, Auer et al. 2002). A family that was never drawn has the
    loss of chance. memory: weight of the past in the running means, per step.
    """

    opened: bool = False
    accuracy: float = 0.5
    losses: dict[str, float] = field(default_factory=lambda: dict.fromkeys(FAMILIES, float(np.log(2))))
    memory: float = 0.95
    temperature: float = 0.2
    uniform: float = 0.2

    @property
    def level(self) -> int:
        """Number of families beyond the first that are drawn."""
        return len(FAMILIES) - 1 if self.opened else 0

    def chances(self, families: Sequence[str] = FAMILIES) -> np.ndarray:
        """Probability of each of `families`, float64 [n]; their sum is 1."""
        if not self.opened:
            return np.array([float(family == FAMILIES[0]) for family in families])
        losses = np.array([self.losses[family] for family in families])
        likely = np.exp((losses - losses.max()) / self.temperature)
        return (1 - self.uniform) * likely / likely.sum() + self.uniform / len(families)

    def update(self, accuracy: float, families: Sequence[str], losses: Sequence[float]) -> None:
        """Account for one step: its accuracy, and the families and losses of its disordered windows."""
        self.accuracy = self.memory * self.accuracy + (1 - self.memory) * accuracy
        self.opened = self.opened or self.accuracy > PASS_ACCURACY
        for family in dict.fromkeys(families):
            mean = float(np.mean([loss for name, loss in zip(families, losses, strict=True) if name == family]))
            self.losses[family] = self.memory * self.losses[family] + (1 - self.memory) * mean

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint."""
        return asdict(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from such a state."""
        for name, value in state_dict.items():
            setattr(self, name, value)


def permutations(families: Sequence[str], generator: torch.Generator) -> Tensor:
    """One order int64 [n, 8] for each of `families`, never the real one, except that `stride` keeps it."""
    orders = [_permutation(family, generator) for family in families]
    return torch.stack(orders) if orders else torch.empty(0, WINDOW, dtype=torch.int64)


def _permutation(family: str, generator: torch.Generator) -> Tensor:
    real = torch.arange(WINDOW)
    if family == STRIDE:
        return real
    if family == "reversal":
        return real.flip(0)
    if family == "rotation":
        return real.roll(int(torch.randint(1, WINDOW, (), generator=generator)))
    order = torch.randperm(WINDOW, generator=generator)
    if family == "swap":
        swapped = real.clone()
        swapped[order[:2]] = order[:2].flip(0)
        return swapped
    return real.flip(0) if torch.equal(order, real) else order


def reordered(postures: Tensor, orders: Tensor) -> Tensor:
    """Postures [B, 8, D] in the orders int64 [B, 8]."""
    return postures.gather(1, orders[:, :, None].expand_as(postures))
