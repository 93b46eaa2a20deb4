"""The generator's objective: appearance from another frame, posture from this one, on pairs that registration made.

Two frames s and t of one recording are registered exactly as a query and its reference are; the crop of s, moved onto
t, is repaired towards the true crop of t. In half of the pairs the flow is halved and the true frame in the middle is
the target with the mean of both postures (the interpolation objective of the published method).
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from ubam.background import clean_mask
from ubam.crops import CropStore, cut
from ubam.errors import ModelError
from ubam.files import atomic_path
from ubam.generator import Generator, compose
from ubam.layers import backward_flow, subject_opacity
from ubam.registration import dense_flow, outline, saliency_of

Array = NDArray[np.float32]
FURTHEST_S = 0.28  # seconds between the two frames of a pair: as far as deviations move a limb
FOREGROUND, COARSE, GRADIENT, SMOOTH = 4.0, 0.5, 0.5, 0.02
CHECKPOINT_STEPS = 50


def train_generator(
    stores: Sequence[CropStore],
    postures: Sequence[Array],
    *,
    steps: int,
    batch: int = 6,
    width: int = 16,
    learning_rate: float = 1e-3,
    pool: int = 360,
    seed: int = 0,
    device: str = "cpu",
    checkpoint: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Generator, list[float]]:
    """Train a generator on pairs of frames of each recording; returns it with the loss of every step.

    Args:
        stores, postures: per recording its crops and its postures float32 [T, D].
        steps, batch: a step costs about 0.25 s on one core at batch 6 and crops of 128 pixels.
        pool: pairs that are prepared once and drawn from.
        checkpoint: a .safetensors file, taken up when it stems from the same call, written every 50 steps.

    Raises:
        ModelError: no recording has ten frames, or the loss is not finite.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Generator(int(postures[0].shape[1]) if len(postures) else 0, width).to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=1e-3)
    call = json.dumps([steps, batch, width, learning_rate, pool, seed, [store.recording_id for store in stores]])
    losses = _resume(checkpoint, call, network, optimiser)
    pairs = (
        draw_pairs(stores, postures, min(pool, steps * batch), np.random.default_rng(seed))
        if len(losses) < steps
        else []
    )
    for step in range(len(losses), steps):
        chosen = np.random.default_rng((seed, step)).integers(len(pairs), size=batch)
        loss = objective(network, stack_pairs([pairs[index] for index in chosen], device))
        if not math.isfinite(loss.item()):
            raise ModelError(
                f"training the generator failed at step {step}: the loss is not finite; try another --seed"
            )
        optimiser.param_groups[0]["lr"] = learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
        if checkpoint is not None and (len(losses) % CHECKPOINT_STEPS == 0 or len(losses) == steps):
            _save(checkpoint, call, network, optimiser, losses)
        if progress:
            progress(len(losses), steps)
    return network.eval(), losses


def draw_pairs(
    stores: Sequence[CropStore], postures: Sequence[Array], count: int, random: np.random.Generator
) -> list[dict[str, NDArray[Any]]]:
    """Prepare `count` pairs from recordings of ten frames or more, each as the arrays that `objective` takes."""
    usable = [index for index, store in enumerate(stores) if len(store.time_s) >= 10]
    if not usable:
        raise ModelError("no recording is long enough to train the generator: ten frames are needed")
    backgrounds: dict[int, NDArray[np.uint8]] = {}
    pairs = []
    for recording in np.sort(random.choice(usable, count)):
        store = stores[recording]
        if recording not in backgrounds:
            backgrounds = {recording: store.background()}
        pairs.append(make_pair(store, postures[recording], backgrounds[recording], random))
    return pairs


def make_pair(
    store: CropStore, posture: Array, background: NDArray[np.uint8], random: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """One training pair: the source crop moved by registration, its layer, and the true target."""
    reach = min(max(2, round(FURTHEST_S * store.fps)), len(store.time_s) // 2 - 1)
    half = int(random.integers(1, reach // 2 + 1))
    source = int(random.integers(0, len(store.time_s) - 2 * half))
    between = bool(random.integers(2))
    end, target = source + 2 * half, source + (half if between else 2 * half)
    other = int(random.integers(len(store.time_s)))
    crops = store.crops([source, target, other])
    size = crops.shape[1]
    saliencies = [saliency_of(store, position) for position in (source, end)]
    flow = dense_flow(*(outline(saliency) for saliency in saliencies)) * (0.5 if between else 1.0)
    moved = move_crop(crops[0], saliencies[0], cv2.resize(flow, (size, size)) * np.float32(size / len(flow)))
    code = (posture[source] + posture[end]) / 2 if between else posture[target]
    foreground = cv2.resize(saliency_of(store, target), (size, size))
    return moved | {
        "background": cut(background, store.box[target], size), "appearance": crops[2], "target": crops[1],
        "posture": np.asarray(code, np.float32), "foreground": foreground[..., None],
    }  # fmt: skip


def move_crop(crop: NDArray[np.uint8], saliency: Array, forward: Array) -> dict[str, NDArray[Any]]:
    """Return a crop moved by `forward` [S, S, 2] (pixels), its layer and its coverage [S, S, 1]."""
    salient = np.asarray(cv2.resize(saliency, crop.shape[1::-1]), np.float32)
    opacity = subject_opacity(salient, clean_mask(salient), 1.2)
    backward, coverage = backward_flow(forward, np.where(opacity > 0.1, opacity, 0).astype(np.float32))
    map_x = backward[..., 0] + np.arange(crop.shape[1], dtype=np.float32)
    map_y = backward[..., 1] + np.arange(crop.shape[0], dtype=np.float32)[:, None]
    colour = cv2.remap(crop, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    layer = cv2.remap(opacity, map_x, map_y, cv2.INTER_LINEAR) * coverage
    return {"moved": colour, "layer": layer[..., None], "coverage": coverage[..., None]}


def stack_pairs(pairs: Sequence[dict[str, NDArray[Any]]], device: str = "cpu") -> dict[str, Tensor]:
    """Stack pairs into float tensors: pictures [N, C, S, S], postures [N, D]."""
    stacked = {name: torch.from_numpy(np.stack([pair[name] for pair in pairs])).float().to(device) for name in pairs[0]}
    return {name: value.permute(0, 3, 1, 2) if value.ndim == 4 else value for name, value in stacked.items()}


def repaired(network: Generator, pairs: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the repaired pictures [N, 3, S, S] in 0..255 and the residual flow [N, 2, S, S]."""
    inputs = (pairs[name] for name in ("moved", "layer", "coverage", "background", "appearance", "posture"))
    residuals = network(*inputs)
    return compose(pairs["moved"], pairs["background"], pairs["coverage"], residuals), residuals[0]


def objective(network: Generator, pairs: dict[str, Tensor]) -> Tensor:
    """Foreground-weighted L1 + coarse L1 + L1 of the gradients + smoothness of the residual flow."""
    picture, flow = repaired(network, pairs)
    error = (picture - pairs["target"]) / 255
    weight = 1 + FOREGROUND * torch.maximum(pairs["foreground"], pairs["layer"])
    fine = (error.abs() * weight).mean()
    coarse = functional.avg_pool2d(error * weight, 8).abs().mean()
    edges = (_slope(error, 2).abs() * weight[:, :, 1:]).mean() + (_slope(error, 3).abs() * weight[:, :, :, 1:]).mean()
    rough = _slope(flow, 2).abs().mean() + _slope(flow, 3).abs().mean()
    return fine + COARSE * coarse + GRADIENT * edges + SMOOTH * rough


def _slope(picture: Tensor, axis: int) -> Tensor:
    return picture.diff(dim=axis)


def _save(path: Path, call: str, network: Generator, optimiser: torch.optim.Optimizer, losses: list[float]) -> None:
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    with atomic_path(path) as temporary:
        contiguous = {name: value.contiguous() for name, value in tensors.items()}
        save_file(contiguous, temporary, {"call": call, "losses": json.dumps(losses)})


def _resume(path: Path | None, call: str, network: Generator, optimiser: torch.optim.Optimizer) -> list[float]:
    """Take up a checkpoint of the same call; a missing, damaged or foreign one is left aside."""
    if path is None or not path.is_file():
        return []
    try:
        with safe_open(path, framework="pt") as opened:
            header = opened.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError):
        return []
    if header.get("call") != call:
        return []
    network.load_state_dict({name[8:]: value for name, value in tensors.items() if name.startswith("network.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return [float(loss) for loss in json.loads(header["losses"])]
