"""One training loop for both encoders; killed at any step, it goes on from its checkpoint with the same numbers."""

import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from ubam.errors import ModelError
from ubam.files import atomic_path
from ubam.networks import WINDOW, BehaviourEncoder, Heads, PostureEncoder
from ubam.ordering import (
    RECONSTRUCTED_SIDE,
    STRIDE_FACTORS,
    Curriculum,
    order_accuracy,
    order_loss,
    permutations,
    reconstruction_loss,
    time_contrast,
)

TRANSLATION, GAIN, SHIFT, SCALE = 0.05, 0.2, 6 / 128, 0.08  # jitter per frame; the first three as published
CHECKPOINT_SECONDS = 20.0
HISTORY = ("contrast", "order", "reconstruction", "accuracy", "level")
Starts = list[dict[int, np.ndarray]]  # per recording: stride factor -> first frames of whole windows


def train_encoders(
    views: Sequence[np.ndarray],
    strides: Sequence[int],
    *,
    steps: int,
    batch_windows: int = 16,
    dim: int = 64,
    width: int = 32,
    behaviour_dim: int = 64,
    order_weight: float = 0.5,
    reconstruction_weight: float = 4.0,
    learning_rate: float = 2e-3,
    seed: int = 0,
    device: str = "cpu",
    found: Sequence[np.ndarray] | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[PostureEncoder, BehaviourEncoder, dict[str, Any]]:
    """Train both encoders on views uint8 [T, V, V, 3] per recording, windows of 8 frames `strides` apart.

    `found` bool [T] per recording leaves out windows with frames in which the subject was not found. Recordings shorter
    than a window are skipped; ModelError when none is left or when the loss is not finite. `checkpoint` is a file
    ending in .safetensors, taken up when it stems from the same call, and otherwise begun anew. The history holds, per
    step, `contrast`, `order`, `reconstruction`, `accuracy` and `level`.
    """
    starts = window_starts(views, strides, found)
    posture, behaviour = build_encoders(dim, width, behaviour_dim, seed, device)
    weights = (order_weight, reconstruction_weight)
    trainer = _Trainer(posture, behaviour, steps, learning_rate, weights, seed)
    call: dict[str, Any] = {"steps": steps, "batch_windows": batch_windows, "rate": learning_rate}
    call |= {"order_weight": order_weight, "reconstruction_weight": reconstruction_weight}
    call |= {"seed": seed, "device": device, "frames": [len(item) for item in views], "strides": list(strides)}
    call |= posture.settings | behaviour.settings
    if checkpoint is not None:
        trainer.resume(checkpoint, call)
    saved = time.monotonic()
    while trainer.step < steps:
        trainer.advance(views, strides, starts, batch_windows)
        if checkpoint is not None and (time.monotonic() - saved > checkpoint_seconds or trainer.step == steps):
            trainer.save(checkpoint, call)
            saved = time.monotonic()
        if progress is not None:
            progress(trainer.step, steps)
    return posture.eval(), behaviour.eval(), trainer.history


def build_encoders(
    dim: int, width: int, behaviour_dim: int, seed: int, device: str
) -> tuple[PostureEncoder, BehaviourEncoder]:
    """Fresh encoders whose first weights depend on `seed` alone; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        posture, behaviour = PostureEncoder(dim, width), BehaviourEncoder(dim, behaviour_dim)
    return posture.to(device).to(memory_format=torch.channels_last), behaviour.to(device)  # type: ignore[call-overload]


def window_starts(
    views: Sequence[np.ndarray], strides: Sequence[int], found: Sequence[np.ndarray] | None = None
) -> Starts:
    """First frames of the windows wholly inside each recording, per stride factor; ModelError if there are none."""
    masks = (
        [np.ones(len(item), bool) for item in views] if found is None else [np.asarray(item, bool) for item in found]
    )
    starts: Starts = []
    for mask, stride in zip(masks, strides, strict=True):
        starts.append({factor: _whole_windows(mask, stride * factor) for factor in STRIDE_FACTORS})
    if not any(len(item[1]) for item in starts):
        longest = max((len(item) for item in views), default=0)
        raise ModelError(
            f"no recording is long enough to learn from: a window needs {WINDOW} frames with the subject found, and "
            f"the longest recording has {longest} frames; add longer recordings or widen start_s and end_s"
        )
    return starts


def _whole_windows(mask: np.ndarray, stride: int) -> np.ndarray:
    last = len(mask) - (WINDOW - 1) * stride
    if last <= 0:
        return np.empty(0, np.int64)
    whole = np.logical_and.reduce([mask[k * stride : k * stride + last] for k in range(WINDOW)])
    return np.flatnonzero(whole)


def draw_windows(
    views: Sequence[np.ndarray],
    strides: Sequence[int],
    starts: Starts,
    count: int,
    random: np.random.Generator,
) -> np.ndarray:
    """Draw `count` windows uint8 [count, 8, V, V, 3]: uniformly a recording, then a stride factor, then a start."""
    usable = [index for index, item in enumerate(starts) if len(item[1])]
    windows = []
    for index in random.choice(usable, count):
        possible = [factor for factor in STRIDE_FACTORS if len(starts[index][factor])]
        factor = possible[random.integers(len(possible))]
        start = starts[index][factor][random.integers(len(starts[index][factor]))]
        windows.append(views[index][start + np.arange(WINDOW) * strides[index] * factor])
    return np.stack(windows)


def jitter(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Translate, scale, gain and shift each picture [N, 3, H, W] on its own, which removes low-level continuity.

    Translation up to 5 % of the box, gain 0.8-1.2 and shift per channel as published, scale up to 8 %.
    """
    count, channels = pictures.shape[:2]
    noise = 2 * torch.rand(count, 3 + 2 * channels, generator=generator).to(pictures.device) - 1
    transform = torch.zeros(count, 2, 3, device=pictures.device)
    transform[:, 0, 0] = transform[:, 1, 1] = 1 + SCALE * noise[:, 0]
    transform[:, :, 2] = 2 * TRANSLATION * noise[:, 1:3]
    grid = functional.affine_grid(transform, list(pictures.shape), align_corners=False)
    moved = functional.grid_sample(pictures, grid, align_corners=False)
    gain, shift = noise[:, 3:, None, None].split(channels, dim=1)
    return moved * (1 + GAIN * gain) + SHIFT * shift


class _Trainer:
    """Networks, optimiser, curriculum and history: all that a checkpoint holds."""

    def __init__(
        self,
        posture: PostureEncoder,
        behaviour: BehaviourEncoder,
        steps: int,
        learning_rate: float,
        weights: tuple[float, float],
        seed: int,
    ) -> None:
        self.posture, self.behaviour = posture.train(), behaviour.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = Heads(posture.dim, 2 * RECONSTRUCTED_SIDE**2).to(posture.centre.device)
        self.parameters = [*posture.parameters(), *behaviour.parameters(), *self.heads.parameters()]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=learning_rate, weight_decay=1e-2)
        self.steps, self.learning_rate, self.weights, self.seed = steps, learning_rate, weights, seed
        self.step, self.curriculum = 0, Curriculum()
        self.history: dict[str, list[float]] = {name: [] for name in HISTORY}

    def advance(self, views: Sequence[np.ndarray], strides: Sequence[int], starts: Starts, batch_windows: int) -> None:
        """One step. All random numbers come from (seed, step), so that a resumed run draws the same ones."""
        random = np.random.default_rng((self.seed, self.step))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        batch = draw_windows(views, strides, starts, batch_windows, random)
        contrast, order, reconstruction, accuracy = self._losses(torch.from_numpy(batch), generator)
        loss = contrast + self.weights[0] * order + self.weights[1] * reconstruction
        if not math.isfinite(loss.item()):
            raise ModelError(f"training failed at step {self.step}: the loss is not finite; try another --seed")
        self.optimiser.param_groups[0]["lr"] = self.learning_rate * _schedule(self.step, self.steps)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimiser.step()
        self._record(contrast.item(), order.item(), reconstruction.item(), accuracy.item())

    def _losses(self, batch: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        count = len(batch)
        device = self.posture.centre.device
        frames = batch.to(device).flatten(0, 1).permute(0, 3, 1, 2)
        pictures = self.posture.prepare(frames)
        twice = torch.cat([jitter(pictures, generator), jitter(pictures, generator)])
        postures = self.posture.encode(twice)
        first = postures[: count * WINDOW].unflatten(0, (count, WINDOW))
        contrast = time_contrast(*self.heads.projection(postures).unflatten(0, (2, count, WINDOW)))
        reconstruction = reconstruction_loss(self.heads.decoder(postures), pictures.repeat(2, 1, 1, 1))
        orders = torch.arange(WINDOW).repeat(count, 1)
        orders[count // 2 :] = permutations(count - count // 2, self.curriculum.families, generator)
        real = (torch.arange(count) < count // 2).to(device)
        logit = self.behaviour.order_logit(self.behaviour(_reorder(first, orders.to(device))))
        return contrast, order_loss(logit, real), reconstruction, order_accuracy(logit, real)

    def _record(self, contrast: float, order: float, reconstruction: float, accuracy: float) -> None:
        self.curriculum.update(accuracy)
        self.step += 1
        values = (contrast, order, reconstruction, accuracy, self.curriculum.level)
        for name, value in zip(HISTORY, values, strict=True):
            self.history[name].append(value)

    def save(self, path: Path, call: dict[str, Any]) -> None:
        """Write everything to one .safetensors file; the numbers that are no tensors go into its JSON header."""
        tensors = {f"posture.{k}": v for k, v in self.posture.state_dict().items()}
        tensors |= {f"behaviour.{k}": v for k, v in self.behaviour.state_dict().items()}
        tensors |= {f"heads.{k}": v for k, v in self.heads.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": v for k, v in state.items()}
        curriculum = {"level": self.curriculum.level, "accuracy": self.curriculum.accuracy}
        header = {"call": call, "step": self.step, "curriculum": curriculum, "history": self.history}
        with atomic_path(path) as temporary:
            save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, {"ubam": json.dumps(header)})

    def resume(self, path: Path, call: dict[str, Any]) -> None:
        """Take up a checkpoint of the same call; a missing, damaged or foreign one is left aside."""
        header = _read_header(path)
        if header is None or header["call"] != call:
            return
        tensors = load_file(path, device=str(self.posture.centre.device))
        self.posture.load_state_dict(_part(tensors, "posture."))
        self.behaviour.load_state_dict(_part(tensors, "behaviour."))
        self.heads.load_state_dict(_part(tensors, "heads."))
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimiser.").items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})
        self.step, self.history = header["step"], header["history"]
        self.curriculum = Curriculum(**header["curriculum"])


def _reorder(postures: Tensor, orders: Tensor) -> Tensor:
    return postures.gather(1, orders[:, :, None].expand_as(postures))


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate: a short rise, then a cosine down to nothing."""
    rise = min(1.0, (step + 1) / max(1, min(50, steps // 10)))
    return rise * 0.5 * (1 + math.cos(math.pi * step / steps))


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def _read_header(path: Path) -> dict[str, Any] | None:
    from safetensors import safe_open

    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as opened:
            header: dict[str, Any] = json.loads((opened.metadata() or {})["ubam"])
            return header
    except (SafetensorError, KeyError, ValueError):
        return None
