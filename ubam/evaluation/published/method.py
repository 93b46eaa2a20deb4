"""The published method, repaired: its score, its synthesis generator and its magnification.

Brattoli, Büchler, Dorkenwald et al., Nature Machine Intelligence 2021, and the code released with it. The generator
draws each picture from two codes of 50 numbers: appearance, from a picture, and posture, from posture features. A
decoder makes 128 px of them. The loss is reconstruction in the features of a network, interpolation, KL of both codes,
and agreement of the appearance of two frames. Repaired: reconstruction is in pixels and in the features of a fixed
random network, because no downloaded weights are shipped; the posture features are those of the study's own encoder.
"""

import time
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ubam.core.errors import ModelError
from ubam.core.progress import Progress
from ubam.core.typing import Array, Picture
from ubam.deviation.posture_series import PostureSeries
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.training_loop import Descent, Plan
from ubam.tracking.crop_store import CropStore

NEAREST = 10  # reference postures whose mean is the reference of a frame


def faithful_scores(codes: Sequence[PostureSeries], reference: str | None) -> dict[str, float]:
    """Deviation of each subject as published: the mean over its frames of the distance to the nearest references.

    A frame's deviation is one minus the cosine of its posture with the mean of the 10 nearest postures, by cosine, of
    other subjects of the group `reference` (None: of all other subjects).
    """
    deviations: dict[str, list[np.ndarray]] = {}
    for subject in dict.fromkeys(code.subject for code in codes):
        others = [c.posture for c in codes if c.subject != subject and (reference is None or c.group == reference)]
        gallery = torch.from_numpy(np.concatenate(others)).float()
        own = [nearest_deviation(torch.from_numpy(c.posture).float(), gallery) for c in codes if c.subject == subject]
        deviations[subject] = own
    return {subject: float(np.concatenate(own).mean()) for subject, own in deviations.items()}


def nearest_deviation(postures: Tensor, gallery: Tensor) -> np.ndarray:
    """One minus the cosine, [T], of each posture [T, D] with the mean of its 10 nearest in the gallery [N, D]."""
    similarity = functional.normalize(postures, dim=1) @ functional.normalize(gallery, dim=1).T
    nearest = similarity.topk(min(NEAREST, len(gallery)), dim=1).indices
    cosine = functional.cosine_similarity(postures, gallery[nearest].mean(1), dim=1)
    return (1 - cosine).numpy()


SIDE, CODE = 128, 50  # pixels of a picture, and numbers of a code

RATE = 1e-3
INTERPOLATION, KL, AGREEMENT = 1.0, 1e-4, 1e-2  # weights beside the reconstruction
PUBLISHED_SECONDS = 53 * 86400  # core-seconds of the published training on a CPU


class SynthesisGenerator(nn.Module):
    """Encodes appearance from a picture and posture from `dim` features, and decodes a picture from both codes."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.normal = nn.LayerNorm(dim, elementwise_affine=False)
        self.posture = nn.Linear(dim, 2 * CODE)
        widths = (3, 24, 32, 64, 96, 128)
        layers = [_down(a, b) for a, b in pairwise(widths)]
        self.appearance = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 2 * CODE))
        widths = (128, 96, 64, 32, 24, 16)
        self.first = nn.Linear(2 * CODE, 128 * 16)
        self.decoder = nn.Sequential(
            *[_up(a, b) for a, b in pairwise(widths)], nn.Conv2d(16, 3, 3, padding=1), nn.Sigmoid()
        )

    def encode_posture(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [N, dim] to mean and log variance [N, 50] of the posture code."""
        mean, spread = self.posture(self.normal(features)).chunk(2, dim=1)
        return mean, spread

    def encode_appearance(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures [N, 3, 128, 128] in 0..1 to mean and log variance [N, 50] of the appearance code."""
        mean, spread = self.appearance(pictures - 0.5).chunk(2, dim=1)
        return mean, spread

    def decode(self, appearance: Tensor, posture: Tensor) -> Tensor:
        """Both codes [N, 50] to pictures [N, 3, 128, 128] in 0..1."""
        picture: Tensor = self.decoder(self.first(torch.cat([appearance, posture], 1)).unflatten(1, (128, 4, 4)))
        return picture


def _down(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), nn.GroupNorm(8, outputs), nn.LeakyReLU(0.2, inplace=True))


def _up(inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )  # fmt: skip


class FixedFeatures(nn.Module):
    """A fixed network with random weights, in whose features pictures are compared."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64)
        convolutions = [nn.Conv2d(a, b, 3, 2, 1, bias=False) for a, b in pairwise(widths)]
        for layer in convolutions:
            nn.init.orthogonal_(layer.weight, 2**0.5)
        self.layers = nn.ModuleList(convolutions)
        self.requires_grad_(False)

    def distance(self, one: Tensor, other: Tensor) -> Tensor:
        """Mean absolute difference of pictures [N, 3, S, S] in pixels, plus that in each of three layers."""
        total = (one - other).abs().mean()
        for layer in self.layers:
            one, other = functional.relu(layer(one)), functional.relu(layer(other))
            total = total + (one - other).abs().mean()
        return total


def train_synthesis(
    stores: Sequence[CropStore],
    features: Sequence[Array],
    *,
    steps: int,
    batch: int = 8,
    seed: int = 0,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> tuple[SynthesisGenerator, dict[str, list[float]]]:
    """Train on the crops of every recording; returns the network with `loss` and `cpu_s` (CPU seconds) of every step.

    Parameters
    ----------
    stores, features
        Per recording its crops and its posture features float32 [T, D].
    steps, batch
        The published training takes about 53 core-days.
    checkpoint
        Where an interrupted training is kept, and goes on.

    Raises
    ------
    ModelError
        No recording has three frames, or the loss is not finite.
    """
    usable = [(store, own) for store, own in zip(stores, features, strict=True) if len(own) >= 3]
    if not usable:
        raise ModelError("The synthesis generator needs a recording of three frames or more; the study has none.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network, fixed = SynthesisGenerator(usable[0][1].shape[1]).to(device), FixedFeatures().to(device)
    call = [steps, batch, seed, [(store.recording_id, float(np.abs(own).sum())) for store, own in usable]]
    descent = Descent(
        network, torch.optim.Adam(network.parameters(), RATE),
        Plan("the synthesis generator", steps, records=("loss", "cpu_s")), call=call, checkpoint=checkpoint,
    )  # fmt: skip
    for step in descent.steps(progress):
        began = time.process_time()
        chance = torch.Generator().manual_seed(seed * 1_000_003 + step)
        loss = _loss(network, fixed, _draw(usable, batch, np.random.default_rng((seed, step)), device), chance)
        descent.take(loss)
        descent.record(loss=loss.item(), cpu_s=time.process_time() - began)
    return network.eval(), descent.history


def _draw(
    usable: Sequence[tuple[CropStore, Array]], batch: int, random: np.random.Generator, device: str
) -> tuple[Tensor, Tensor]:
    """Pictures [4, N, 3, 128, 128], of t, t + 1, t + 2 and another frame of the recording, and features [3, N, D]."""
    pictures, features = [], []
    for index in random.integers(len(usable), size=batch):
        store, own = usable[index]
        first, other = int(random.integers(len(own) - 2)), int(random.integers(len(own)))
        pictures.append(_pictures(store.crops([first, first + 1, first + 2, other])))
        features.append(torch.from_numpy(own[first : first + 3]))
    return torch.stack(pictures, 1).to(device), torch.stack(features, 1).float().to(device)


def _pictures(crops: Picture) -> Tensor:
    """Crops uint8 [n, S, S, 3] as [n, 3, 128, 128] in 0..1."""
    picture = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    return functional.interpolate(picture, (SIDE, SIDE), mode="area") if crops.shape[1] != SIDE else picture


def _loss(
    network: SynthesisGenerator, fixed: FixedFeatures, drawn: tuple[Tensor, Tensor], chance: torch.Generator
) -> Tensor:
    pictures, features = drawn
    appearance, look_spread = network.encode_appearance(pictures[3])
    again, _ = network.encode_appearance(pictures[0])
    (now, spread), (later, _) = network.encode_posture(features[0]), network.encode_posture(features[2])
    look, posture = _sampled(appearance, look_spread, chance), _sampled(now, spread, chance)
    rebuilt = fixed.distance(network.decode(look, posture), pictures[0])
    between = fixed.distance(network.decode(look, (now + later) / 2), pictures[1])
    near_normal = _kl(appearance, look_spread) + _kl(now, spread)
    agreed = (appearance - again).square().mean()
    return rebuilt + INTERPOLATION * between + KL * near_normal + AGREEMENT * agreed


def _sampled(mean: Tensor, spread: Tensor, chance: torch.Generator) -> Tensor:
    noise = torch.randn(mean.shape, generator=chance).to(mean.device)
    return mean + noise * (0.5 * spread).exp()


def _kl(mean: Tensor, spread: Tensor) -> Tensor:
    """KL of N(mean, exp(spread)) from N(0, 1), mean over the batch."""
    return 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1).mean()


@torch.inference_mode()
def synthesised(
    network: SynthesisGenerator, appearance: Picture, features: Array, gallery: Array, factor: float
) -> Picture:
    """Pictures uint8 [n, 128, 128, 3] of the codes z_ref + factor (z - z_ref), frame by frame.

    Parameters
    ----------
    appearance
        Crop uint8 [S, S, 3] of another frame of the same recording.
    features
        float32 [n, D] of the frames; gallery: float32 [N, D] of the reference's frames, whose 10 nearest by
        cosine give z_ref, their mean code.
    """
    own, others = (torch.from_numpy(np.asarray(one, np.float32)) for one in (features, gallery))
    similarity = functional.normalize(own, dim=1) @ functional.normalize(others, dim=1).T
    nearest = similarity.topk(min(NEAREST, len(others)), dim=1).indices
    codes, reference = network.encode_posture(own)[0], network.encode_posture(others)[0][nearest].mean(1)
    look = network.encode_appearance(_pictures(appearance[None]))[0].expand(len(codes), -1)
    drawn = network.decode(look, reference + factor * (codes - reference))
    return np.asarray((drawn * 255).round().byte().permute(0, 2, 3, 1).numpy(), np.uint8)


def pasted(picture: Picture, drawn: Picture, box: Array) -> Picture:
    """The picture [H, W, 3] with a drawn square [S, S, 3] over its box (x0, y0, x1, y1)."""
    height, width = picture.shape[:2]
    scale = float(box[2] - box[0]) / len(drawn)
    move = np.array([[scale, 0, box[0] + scale / 2 - 0.5], [0, scale, box[1] + scale / 2 - 0.5]], np.float64)
    laid = cv2.warpAffine(drawn, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.full(drawn.shape[:2], 255, np.uint8), move, (width, height), flags=cv2.INTER_NEAREST)
    return np.where(inside[..., None] > 0, laid, picture).astype(np.uint8)
