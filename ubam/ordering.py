"""The objective: postures of one window told apart in time, real order told from permuted, easy permutations first.

Order: Brattoli et al., Nature Machine Intelligence 2021. Time contrast and order together: shuffled
contrastive video learning, 2022.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ubam.networks import WINDOW

FAMILIES = ("random", "rotation", "swap", "reversal")
PASS_ACCURACY = 0.9  # order accuracy at which harder permutations begin; hard ones first never start
STRIDE_FACTORS = (1, 2, 3)  # windows of slow movements too hold some of it
RECONSTRUCTED_SIDE = 16


def time_contrast(first: Tensor, second: Tensor, temperature: float = 0.15) -> Tensor:
    """InfoNCE between two augmented views [B, 8, D] of the same windows; a frame's negatives are its window's others.

    Neither identity nor background can solve it, since all frames of a window share them. Returns a scalar.
    """
    similarity = (
        functional.normalize(first, dim=-1) @ functional.normalize(second, dim=-1).transpose(1, 2) / temperature
    )
    target = torch.arange(first.shape[1], device=first.device).expand(first.shape[0], -1)
    forth = functional.cross_entropy(similarity, target)
    back = functional.cross_entropy(similarity.transpose(1, 2), target)
    return (forth + back) / 2


def reconstruction_loss(decoded: Tensor, pictures: Tensor) -> Tensor:
    """Error of the decoded saliency and grey [N, 512] against the unjittered pictures [N, 3, S, S], 1 for their mean.

    Order and time contrast cannot see what is constant in a window, such as a lean; this keeps it in the posture. The
    target is not jittered, so that position and gain of the box are not kept.
    """
    target = functional.adaptive_avg_pool2d(pictures[:, :2], RECONSTRUCTED_SIDE).flatten(1)
    return functional.mse_loss(decoded, target) / target.var(0, unbiased=False).mean().clamp_min(1e-6)


def order_loss(logit: Tensor, real: Tensor) -> Tensor:
    """Binary cross-entropy of logits [B] against `real` bool [B]."""
    return functional.binary_cross_entropy_with_logits(logit, real.float())


def order_accuracy(logit: Tensor, real: Tensor) -> Tensor:
    """Share of windows whose order is told rightly."""
    return ((logit > 0) == real).float().mean()


@dataclass
class Curriculum:
    """Which permutation families are in play: the next one joins when the running accuracy passes 0.9.

    `level` counts the families in play beyond the first.
    """

    level: int = 0
    accuracy: float = 0.5
    memory: float = 0.95  # of the running mean, per step

    @property
    def families(self) -> tuple[str, ...]:
        """Permutation families in play."""
        return FAMILIES[: self.level + 1]

    def update(self, accuracy: float) -> None:
        """Take the accuracy of one step; rise one level once the running mean passes 0.9, and start counting anew."""
        self.accuracy = self.memory * self.accuracy + (1 - self.memory) * accuracy
        if self.accuracy > PASS_ACCURACY and self.level < len(FAMILIES) - 1:
            self.level, self.accuracy = self.level + 1, 0.5


def permutations(count: int, families: tuple[str, ...], generator: torch.Generator) -> Tensor:
    """Draw `count` orders int64 [count, 8], each of a family drawn at random and never the real order."""
    chosen = torch.randint(len(families), (count,), generator=generator).tolist()
    orders = [_permutation(families[index], generator) for index in chosen]
    return torch.stack(orders) if orders else torch.empty(0, WINDOW, dtype=torch.int64)


def _permutation(family: str, generator: torch.Generator) -> Tensor:
    real = torch.arange(WINDOW)
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
