"""The objectives of the encoders: the terms of the loss, their weights, and named sets of weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ubam.core.errors import ModelError
from ubam.encoding.encoders import WINDOW, BehaviourNetwork, Heads, PostureEncoder, PostureNetwork
from ubam.encoding.landmark_objective import Landmarks
from ubam.encoding.learning.many_processes import encode_together
from ubam.encoding.order_objective import STRIDE, order_accuracy, order_loss, permutations, reordered, shuffled_contrast

RECONSTRUCTED_SIDE = 16
STRIDE_FACTORS = (1, 2, 3)  # larger strides let windows show slow movements
SHUFFLES = 4  # of each window, in the shuffled-contrastive form
TOGETHER = 4  # windows of one recording in a batch, where the windows of a recording are compared


@dataclass(frozen=True)
class Objectives:
    """Weight of each term of the loss; a term of weight 0 is not computed.

    contrast: distinguishes the postures of a window in time. order: distinguishes real windows from disordered ones.
    shuffled: the same task, as a contrast of a window, its other view and its shuffles. reconstruction: of the
    unjittered picture from the posture. landmarks: reconstruction of a frame from the appearance of another one and its
    own landmarks. flow: agreement of a window's behaviour with the changes from frame to frame.

    curriculum: disorder of several families instead of random permutations only. factors: strides, as multiples of the
    recording's own, that the frames of a window may have. other_looks: every jittered window gets an appearance of its
    own (augmentation.py), and only the outline is reconstructed.
    """

    contrast: float = 0.0
    order: float = 0.0
    shuffled: float = 0.0
    reconstruction: float = 0.0
    landmarks: float = 0.0
    flow: float = 0.0
    curriculum: bool = True
    factors: tuple[int, ...] = STRIDE_FACTORS
    other_looks: bool = False

    def __post_init__(self) -> None:
        if self.order and self.shuffled:
            raise ValueError("order and shuffled are two forms of one task: give a weight to one of them")

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms that are computed."""
        names = ("contrast", "order", "shuffled", "reconstruction", "landmarks", "flow")
        return tuple(name for name in names if getattr(self, name))

    @property
    def looks(self) -> int:
        """Number of jittered views of every frame."""
        return 2 if self.contrast or self.shuffled else 1

    @property
    def together(self) -> int:
        """Number of windows of one recording that stand side by side in a batch."""
        return TOGETHER if self.flow else 1


OBJECTIVES: dict[str, Objectives] = {
    "order": Objectives(order=1.0, curriculum=False, factors=(1,)),
    "order-curriculum": Objectives(order=1.0),
    "contrast": Objectives(contrast=1.0),
    "standard": Objectives(contrast=1.0, order=0.5, reconstruction=4.0),
    "shuffled": Objectives(contrast=1.0, shuffled=0.5, reconstruction=4.0),
    "landmarks": Objectives(contrast=1.0, order=0.5, reconstruction=4.0, landmarks=4.0),
    "flow": Objectives(contrast=1.0, order=0.5, reconstruction=4.0, flow=0.5),
    "looks": Objectives(contrast=1.0, order=0.5, reconstruction=4.0, other_looks=True),
}


def time_contrast(first: Tensor, second: Tensor, temperature: float = 0.15) -> Tensor:
    """InfoNCE between two augmented views [B, 8, D] of the same windows; the negatives are the window's other frames.

    All frames of a window share identity and background, so that neither can solve the task. Returns a scalar.
    """
    similarity = (
        functional.normalize(first, dim=-1) @ functional.normalize(second, dim=-1).transpose(1, 2) / temperature
    )
    return _both_ways(similarity)


def flow_agreement(behaviours: Tensor, motions: Tensor, together: int = TOGETHER, temperature: float = 0.15) -> Tensor:
    """InfoNCE between behaviours [B, D] and the motion of the same windows [B, D].

    A window's negatives are the others of its group: `together` windows of one recording, side by side. Windows beyond
    the last whole group are left out. Returns a scalar.
    """
    together = min(together, len(behaviours))
    whole = len(behaviours) // together * together
    groups = [functional.normalize(item[:whole], dim=-1).unflatten(0, (-1, together)) for item in (behaviours, motions)]
    return _both_ways(groups[0] @ groups[1].transpose(1, 2) / temperature)


def _both_ways(similarity: Tensor) -> Tensor:
    """Cross-entropy of the diagonal of similarities [B, K, K], by rows and by columns."""
    target = torch.arange(similarity.shape[1], device=similarity.device).expand(similarity.shape[0], -1)
    forth = functional.cross_entropy(similarity, target)
    back = functional.cross_entropy(similarity.transpose(1, 2), target)
    return (forth + back) / 2


def reconstruction_loss(decoded: Tensor, pictures: Tensor) -> Tensor:
    """Squared error of the first channels, decoded [N, channels * 256], over that of the mean picture.

    pictures: [N, C, S, S], prepared, not jittered, so that the posture does not keep position and gain of the box.
    Order and time contrast are blind to what is constant in a window, such as a lean; this term keeps it.
    """
    channels = decoded.shape[1] // RECONSTRUCTED_SIDE**2
    target = functional.adaptive_avg_pool2d(pictures[:, :channels], RECONSTRUCTED_SIDE).flatten(1)
    return functional.mse_loss(decoded, target) / target.var(0, unbiased=False).mean().clamp_min(1e-6)


def kept_loss(postures: Tensor, initial: Tensor) -> Tensor:
    """Squared distance of postures [N, D] from those of the initial network [N, D], over the variance of the latter.

    It keeps a network from forgetting, on a small study, what it learnt before.
    """
    return functional.mse_loss(postures, initial) / initial.var(0, unbiased=False).mean().clamp_min(1e-6)


class MotionEncoder(nn.Module):
    """From the changes between the frames of a window to its motion, the second view of a behaviour."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2 * (WINDOW - 1), 32, 3, 2, 1), nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(64 * 16, dim),
        )  # fmt: skip

    def forward(self, pictures: Tensor) -> Tensor:
        """Unjittered pictures [B, 8, 3, S, S] to motions [B, dim]."""
        small = functional.adaptive_avg_pool2d(pictures[:, :, :2].flatten(0, 1), 16).unflatten(0, pictures.shape[:2])
        motion: Tensor = self.layers(small.diff(dim=1).flatten(1, 2))
        return motion


@dataclass(frozen=True)
class Batch:
    """The batch of one step.

    pictures: [B * 8, 3, S, S], prepared, not jittered. looks: one or two jittered copies of them, one after the other.
    disorder: the family of disorder of each window, or of each of its shuffles; windows of the family `stride` are
    uneven already.
    """

    pictures: Tensor
    looks: Tensor
    disorder: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """The terms and the postures; where order is learnt, also its accuracy and the loss of each disordered window."""

    terms: dict[str, Tensor]
    postures: Tensor
    accuracy: Tensor | None = None
    disordered: Tensor | None = None


class Criterion(nn.Module):
    """Computes the terms of `objectives`; it holds the weights that only the training uses."""

    def __init__(self, posture: PostureNetwork, behaviour: BehaviourNetwork, objectives: Objectives) -> None:
        super().__init__()
        self.objectives = objectives
        if objectives.contrast or objectives.reconstruction:
            channels = 1 if objectives.other_looks else posture.reconstructed
            self.heads = Heads(posture.dim, channels * RECONSTRUCTED_SIDE**2)
        if objectives.shuffled:
            self.ordered = nn.Linear(behaviour.behaviour_dim, behaviour.behaviour_dim)
        if objectives.landmarks:
            encoder = _layered(posture)
            empty = encoder.prepare(encoder.centre.expand(1, 3, encoder.side, encoder.side))
            channels, cells = encoder.layers(empty).shape[1:3]
            self.landmarks = Landmarks(channels, cells)
        if objectives.flow:
            self.moving = nn.Linear(behaviour.behaviour_dim, behaviour.behaviour_dim)
            self.motion = MotionEncoder(behaviour.behaviour_dim)

    def forward(
        self, posture: PostureNetwork, behaviour: BehaviourNetwork, batch: Batch, generator: torch.Generator
    ) -> Outcome:
        """The terms, one by one, for one batch."""
        wanted = self.objectives
        features = encode_together(_layered(posture).layers, batch.looks) if wanted.landmarks else None
        if features is None:
            postures = encode_together(posture.encode, batch.looks)
        else:
            postures = _layered(posture).head(features.flatten(1))
        windows = postures.unflatten(0, (wanted.looks, -1, WINDOW))
        terms: dict[str, Tensor] = {}
        if wanted.contrast:
            terms["contrast"] = time_contrast(*self.heads.projection(windows))
        if wanted.reconstruction:
            pictures = batch.pictures.repeat(wanted.looks, 1, 1, 1)
            terms["reconstruction"] = reconstruction_loss(self.heads.decoder(postures), pictures)
        if features is not None:
            terms["landmarks"] = self._landmarks(features, batch, generator)
        if wanted.flow:
            motions = self.motion(batch.pictures.unflatten(0, (-1, WINDOW)))
            terms["flow"] = flow_agreement(self.moving(behaviour(windows[0])), motions)
        if wanted.order:
            terms["order"], accuracy, disordered = _order(behaviour, windows[0], batch.disorder, generator)
        elif wanted.shuffled:
            terms["shuffled"], accuracy, disordered = self._shuffled(behaviour, windows, batch.disorder, generator)
        else:
            return Outcome(terms, postures)
        return Outcome(terms, postures, accuracy, disordered)

    def _landmarks(self, features: Tensor, batch: Batch, generator: torch.Generator) -> Tensor:
        """Reconstruction of every second frame from the appearance of another frame of its window."""
        count = len(batch.pictures)
        looks = batch.looks[:count].unflatten(0, (-1, WINDOW))
        others = looks.roll(int(torch.randint(1, WINDOW, (), generator=generator)), 1)
        loss: Tensor = self.landmarks(features[:count:2], looks[:, ::2].flatten(0, 1), others[:, ::2].flatten(0, 1))
        return loss

    def _shuffled(
        self, behaviour: BehaviourNetwork, windows: Tensor, disorder: Sequence[str], generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        first, second = windows
        orders = permutations(disorder, generator).to(first.device)
        shuffles = reordered(first.repeat_interleave(SHUFFLES, 0), orders)
        codes = self.ordered(behaviour(torch.cat([first, second, shuffles])))
        own, other, shuffled = codes.split([len(first), len(first), len(shuffles)])
        loss, each, accuracy = shuffled_contrast(own, other, shuffled.unflatten(0, (-1, SHUFFLES)))
        return loss, accuracy, each.flatten()


def _layered(posture: PostureNetwork) -> PostureEncoder:
    """The posture network as one whose features `layers` gives; ModelError for any other."""
    if not isinstance(posture, PostureEncoder) or not hasattr(posture, "layers"):
        raise ModelError(f"landmarks are learnt by a PostureEncoder, not by a {type(posture).__name__}")
    return posture


def _order(
    behaviour: BehaviourNetwork, windows: Tensor, disorder: Sequence[str], generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The order task as published: the same frames in real order and disordered; uneven windows count as disordered."""
    even = torch.tensor([family != STRIDE for family in disorder], device=windows.device)
    permuted = reordered(windows, permutations(disorder, generator).to(windows.device))
    logit = behaviour.order_logit(behaviour(torch.cat([windows[even], permuted])))
    real, disordered = logit.split([int(even.sum()), len(windows)])
    loss, each = order_loss(real, disordered)
    return loss, order_accuracy(real, disordered), each
