"""Trains the gap-filling network on pairs of frames of one recording.

The two frames are registered as a query and its reference are. The crop of the first is moved by half of that flow, all
of it or twice as much: interpolation, as in the published method, and extrapolation, as in a magnified clip. The
network repairs the gaps of the moved crop; its target is the true frame at that moment. Only the gaps and their border
count in the loss.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import wilcoxon
from torch import Tensor
from torch.nn import functional

from ubam.core.errors import ModelError
from ubam.core.progress import Progress
from ubam.core.typing import Array
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.training_loop import Descent, Plan, cosine
from ubam.magnification.gap_filling_network import GapFillingNetwork, compose
from ubam.magnification.registration.flow_fields import CANVAS, dense_flow, outline, saliency_in
from ubam.magnification.subject_layer import subject_opacity
from ubam.magnification.warping import Carried, carry
from ubam.results.records.run import GeneratorEntry
from ubam.tracking.crop_store import CropStore
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.scene.foreground import clean_mask
from ubam.tracking.views import cut, turned

FURTHEST_S = 0.28  # between the two frames of a pair, at most: as far as deviations move a limb
COARSE, SMOOTH = 0.5, 0.02  # weights of the coarse error and of the roughness of the flow
PATCH = 64  # side of the part of a crop, around a gap, that training sees
SHARES = (0.5, 1.0, 2.0)  # of the registered flow that the source is moved by
DRAWS = 3  # pairs drawn for each pair that is kept; most have hardly any gap
SHORTEST = 10  # frames of a recording that pairs are drawn from
LEAST_GAIN = 0.03  # of the error in the gaps


@dataclass(frozen=True)
class GapFillingSettings:
    """The numbers of one training of the gap-filling network.

    steps, batch: a step costs about 0.13 s on one core at batch 12. width: channels of the network's first layer.
    pool: pairs, at most, that are prepared once (20 ms each) and drawn from. seed: of all random numbers.
    """

    steps: int
    batch: int = 12
    width: int = 16
    learning_rate: float = 2e-3
    pool: int = 240
    seed: int = 0


def train_gap_filling(
    stores: Sequence[CropStore],
    postures: Sequence[Array],
    settings: GapFillingSettings,
    *,
    device: str = "cpu",
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> tuple[GapFillingNetwork, list[float]]:
    """Train a network on pairs of frames of each recording; returns it with the loss of every step.

    Parameters
    ----------
    stores, postures
        Per recording its crops and its postures float32 [T, D].
    checkpoint
        Where an interrupted training is kept and continues.

    Raises
    ------
    ModelError
        No recording has ten frames, or the loss is not finite.
    """
    seed, steps, rate = settings.seed, settings.steps, settings.learning_rate
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dim = int(postures[0].shape[1]) if len(postures) else 0
        network = GapFillingNetwork(dim, settings.width).to(device).train()
    shown = [(s.recording_id, float(np.abs(p).sum())) for s, p in zip(stores, postures, strict=True)]
    descent = Descent(
        network, torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3),
        Plan("the gap-filling network", steps, cosine(steps)), call=[asdict(settings), shown], checkpoint=checkpoint,
    )  # fmt: skip
    count = 0 if descent.finished else min(settings.pool, 2 * steps)
    pairs = draw_pairs(stores, postures, count, np.random.default_rng(seed))
    for step in descent.steps(progress):
        random = np.random.default_rng((seed, step))
        chosen = [around_gap(pairs[index], random) for index in random.integers(len(pairs), size=settings.batch)]
        loss = objective(network, stack_pairs(chosen, device))
        descent.take(loss)
        descent.record(loss=loss.item())
    return network.eval(), descent.history["loss"]


def draw_pairs(
    stores: Sequence[CropStore], postures: Sequence[Array], count: int, random: np.random.Generator
) -> list[dict[str, NDArray[Any]]]:
    """Prepare `count` pairs from recordings of ten frames or more, each as the arrays that `objective` takes."""
    usable = [index for index, store in enumerate(stores) if len(store.time_s) >= SHORTEST]
    if not usable:
        raise ModelError("no recording is long enough to train the generator: ten frames are needed")
    backgrounds: dict[int, Scene] = {}
    pairs = []
    for recording in np.sort(random.choice(usable, count)):
        store = stores[recording]
        if recording not in backgrounds:
            backgrounds = {recording: store.whole_scene()}
        pairs.append(make_pair(store, postures[recording], backgrounds[recording], random))
    return pairs


def make_pair(store: CropStore, posture: Array, whole: Scene, random: np.random.Generator) -> dict[str, NDArray[Any]]:
    """One pair with a gap: the source crop moved by registration, its layer and gap, and the true target."""
    drawn = [_drawn(store, random) for _ in range(DRAWS)]
    moments, share, carried = max(drawn, key=lambda one: float(one[2].gap.sum()))
    source, end, target = moments
    other = int(random.integers(len(store.time_s)))
    crops = store.crops([target, other])
    size = crops.shape[1]
    return {
        "moved": carried.colour, "layer": carried.opacity[..., None], "gap": carried.gap[..., None],
        "background": cut(store.seen(whole, target).background, store.box[target], size),
        "appearance": crops[1], "target": crops[0],
        "posture": np.asarray(posture[source] + share * (posture[end] - posture[source]), np.float32),
        "foreground": cv2.resize(_crop_saliency(store, target), (size, size))[..., None],
    }  # fmt: skip


def _drawn(store: CropStore, random: np.random.Generator) -> tuple[tuple[int, int, int], float, Carried]:
    """A source, the frame it is registered with, the target; the share of the flow; the source moved."""
    reach = min(max(2, round(FURTHEST_S * store.fps)), len(store.time_s) // 2 - 1)
    half = int(random.integers(1, reach // 2 + 1))
    share = float(random.choice(SHARES))
    source = int(random.integers(0, len(store.time_s) - 2 * half))
    end = source + (half if share > 1 else 2 * half)
    target = source + (half if share < 1 else 2 * half)
    if random.integers(2):
        last = len(store.time_s) - 1
        source, end, target = last - source, last - end, last - target
    crop = store.crops([source])[0]
    saliencies = [_crop_saliency(store, position) for position in (source, end)]
    flow = dense_flow(*(outline(saliency) for saliency in saliencies)) * np.float32(share * len(crop) / CANVAS)
    salient = np.asarray(cv2.resize(saliencies[0], crop.shape[1::-1]), np.float32)
    opacity = subject_opacity(salient, clean_mask(salient), 1.2)
    flow = np.asarray(cv2.resize(flow, crop.shape[1::-1]), np.float32)
    return (source, end, target), share, carry(crop, opacity, flow, store.in_place)


def _crop_saliency(store: CropStore, position: int) -> Array:
    """The saliency of one frame as its crop shows it: the view may be turned to the animal's heading."""
    return saliency_in(turned(store.views[position], -float(store.heading[position])))


def around_gap(pair: dict[str, NDArray[Any]], random: np.random.Generator) -> dict[str, NDArray[Any]]:
    """The part of a pair, `PATCH` pixels a side, around a gap drawn at random."""
    height, width = pair["gap"].shape[:2]
    places = np.argwhere(pair["gap"][..., 0] > 0.3)
    middle = places[random.integers(len(places))] if len(places) else np.array([height, width]) // 2
    top, left = (
        int(np.clip(at - PATCH // 2, 0, max(0, side - PATCH))) for at, side in zip(middle, (height, width), strict=True)
    )
    return {
        name: value[top : top + PATCH, left : left + PATCH] if value.ndim == 3 else value
        for name, value in pair.items()
    }


def stack_pairs(pairs: Sequence[dict[str, NDArray[Any]]], device: str = "cpu") -> dict[str, Tensor]:
    """Stack pairs into float tensors: pictures [N, C, S, S], postures [N, D]."""
    stacked = {name: torch.from_numpy(np.stack([pair[name] for pair in pairs])).float().to(device) for name in pairs[0]}
    return {name: value.permute(0, 3, 1, 2) if value.ndim == 4 else value for name, value in stacked.items()}


def repaired(network: GapFillingNetwork, pairs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the repaired pictures [N, 3, S, S] in 0..255 and the residual flow [N, 2, S, S]."""
    residuals = network(*(pairs[name] for name in ("moved", "layer", "gap", "background", "appearance", "posture")))
    return compose(pairs["moved"], pairs["layer"], pairs["gap"], pairs["background"], residuals), residuals[0]


def plain(pairs: dict[str, Tensor]) -> Tensor:
    """Return the pictures [N, 3, S, S] as registration moved them, without repair."""
    return pairs["layer"] * pairs["moved"] + (1 - pairs["layer"]) * pairs["background"]


def objective(network: GapFillingNetwork, pairs: dict[str, Tensor]) -> Tensor:
    """The loss, a scalar: L1 and coarse L1 error in the gaps and their border, and the roughness of the flow."""
    picture, flow = repaired(network, pairs)
    weight = pairs["gap"]
    error = (picture - pairs["target"]) / 255 * weight
    total = weight.mean() + 1e-4
    coarse = functional.avg_pool2d(error, 4).abs().mean()
    rough = _slope(flow, 2).abs().mean() + _slope(flow, 3).abs().mean()
    return (error.abs().mean() + COARSE * coarse) / total + SMOOTH * rough


@dataclass(frozen=True)
class Validation:
    """Mean absolute errors, in grey levels, on pairs of a subject left out of the training, without and with repair."""

    foreground_without: float
    foreground_with: float
    gap_without: float
    gap_with: float
    gap_share: float
    pairs: int
    significant: bool

    @property
    def helps(self) -> bool:
        """Whether the error in the gaps falls by `LEAST_GAIN`, beyond chance, and that of the subject does not rise."""
        better = self.gap_with < (1 - LEAST_GAIN) * self.gap_without and self.foreground_with <= self.foreground_without
        return better and self.significant

    def as_dict(self) -> GeneratorEntry:
        """The entry of run.json."""
        return {
            "l1_without": self.foreground_without, "l1_with": self.foreground_with, "gap_l1_without": self.gap_without,
            "gap_l1_with": self.gap_with, "gap_share": self.gap_share, "pairs": self.pairs, "used": self.helps,
        }  # fmt: skip


@torch.inference_mode()
def validate(
    network: GapFillingNetwork,
    stores: Sequence[CropStore],
    postures: Sequence[Array],
    *,
    count: int = 48,
    seed: int = 0,
) -> Validation:
    """Measure the network on `count` pairs of recordings it was not trained on; `seed` decides which.

    The gain in the gaps is tested against chance with the signed-rank test of Wilcoxon, one-sided at 5 %.
    """
    random = np.random.default_rng((seed, 1))
    device = str(next(network.parameters()).device)
    rows = []
    for pair in draw_pairs(stores, postures, count, random):
        one = stack_pairs([pair], device)
        errors = [(picture - one["target"]).abs().mean(1) for picture in (plain(one), repaired(network, one)[0])]
        subject, gap = torch.maximum(one["foreground"], one["layer"])[:, 0], one["gap"][:, 0]
        sums = [float((error * weight).sum()) for weight in (subject, gap) for error in errors]
        rows.append([*sums, float(subject.sum()), float(gap.sum())])
    table = np.array(rows)
    total = [float(value) + 1e-9 for value in table.sum(0)]
    gain = table[:, 2] - table[:, 3]
    significant = bool(gain.any()) and float(wilcoxon(gain, alternative="greater").pvalue) < 0.05
    return Validation(
        total[0] / total[4], total[1] / total[4], total[2] / total[5], total[3] / total[5], total[5] / total[4],
        len(rows), significant,
    )  # fmt: skip


def _slope(picture: Tensor, axis: int) -> Tensor:
    return picture.diff(dim=axis)
