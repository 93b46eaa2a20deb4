"""One training loop for both encoders; killed at any step, it goes on from its checkpoint with the same numbers."""

import copy
import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ubam.core.errors import ModelError
from ubam.core.files import atomic_path
from ubam.encoding.augmentation import change_looks, jitter
from ubam.encoding.encoders import WINDOW, BehaviourEncoder, PostureEncoder
from ubam.encoding.objectives import OBJECTIVES, SHUFFLES, Batch, Criterion, Objectives, kept_loss
from ubam.encoding.order_objective import PERMUTED, STRIDE, Curriculum
from ubam.encoding.window_sampling import Pictures, Windows

CHECKPOINT_SECONDS = 20.0
Jitter = Callable[[Tensor, torch.Generator], Tensor]
Optimiser = Callable[[Sequence[dict[str, Any]], float], torch.optim.Optimizer]


def train_encoders(
    views: Sequence[Pictures],
    strides: Sequence[int],
    *,
    steps: int,
    batch_windows: int = 16,
    dim: int = 64,
    width: int = 32,
    behaviour_dim: int = 64,
    objectives: Objectives = OBJECTIVES["standard"],
    learning_rate: float = 2e-3,
    seed: int = 0,
    device: str = "cpu",
    found: Sequence[np.ndarray] | None = None,
    initial: PostureEncoder | None = None,
    posture_rate: float = 1.0,
    keep_weight: float = 0.0,
    **options: Any,
) -> tuple[PostureEncoder, BehaviourEncoder, dict[str, Any]]:
    """Train both encoders on views uint8 [T, V, V, 3] per recording, windows of 8 frames `strides` apart.

    `initial` is a posture encoder to start from, left as it is; its own sizes then replace `dim` and `width`,
    `posture_rate` is its share of the learning rate, and `keep_weight` holds the postures near its own. `found` bool
    [T] per recording leaves out windows with frames in which the subject was not found; `options` go to
    `train_networks`, which says the rest.
    """
    posture, behaviour = build_encoders(dim, width, behaviour_dim, seed, device, initial)
    history = train_networks(
        posture, behaviour, views, strides, steps=steps, batch_windows=batch_windows, objectives=objectives,
        learning_rate=learning_rate, posture_rate=posture_rate if initial is not None else 1.0,
        keep_weight=keep_weight if initial is not None else 0.0, seed=seed, found=found,
        **options,
    )  # fmt: skip
    return posture, behaviour, history


def build_encoders(
    dim: int, width: int, behaviour_dim: int, seed: int, device: str, initial: PostureEncoder | None = None
) -> tuple[PostureEncoder, BehaviourEncoder]:
    """Fresh encoders whose first weights depend on `seed` alone; the global random state stays as it was.

    With `initial`, the posture encoder is a copy of it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        posture = PostureEncoder(dim, width) if initial is None else copy.deepcopy(initial)
        behaviour = BehaviourEncoder(posture.dim, behaviour_dim)
    return posture.to(device).to(memory_format=torch.channels_last), behaviour.to(device)  # type: ignore[call-overload]


def adaptive(parameters: Sequence[dict[str, Any]], learning_rate: float) -> torch.optim.Optimizer:
    """The optimiser of our own networks (AdamW)."""
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=1e-2)


def train_networks(
    posture: nn.Module, behaviour: nn.Module, pictures: Sequence[Pictures], strides: Sequence[int], *, steps: int,
    batch_windows: int, objectives: Objectives, learning_rate: float, posture_rate: float = 1.0,
    keep_weight: float = 0.0, seed: int = 0, found: Sequence[np.ndarray] | None = None, jittered: Jitter = jitter,
    optimiser: Optimiser = adaptive, checkpoint: Path | None = None, checkpoint_seconds: float = CHECKPOINT_SECONDS,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train given networks in place for `objectives`, on pictures uint8 [T, S, S, 3] per recording; their history.

    Recordings shorter than a window are skipped; ModelError when none is left or when the loss is not finite.
    `keep_weight` holds the postures near those of the network as it comes in. `checkpoint` is a file ending in
    .safetensors, taken up when it stems from the same call, and otherwise begun anew. The history holds, per step, each
    term of the objectives, and `accuracy` and `level` where order is learnt.
    """
    windows = Windows(pictures, strides, found, objectives.factors)
    rates = (learning_rate * posture_rate, learning_rate)
    trainer = _Trainer(posture, behaviour, objectives, steps, rates, keep_weight, seed, jittered, optimiser)
    sizes = ([len(item) for item in pictures], list(strides))
    numbers = {"steps": steps, "windows": batch_windows, "rates": rates, "keep_weight": keep_weight, "seed": seed}
    call = _as_kept([numbers, asdict(objectives), fingerprint(posture), fingerprint(behaviour), sizes])
    if checkpoint is not None:
        trainer.resume(checkpoint, call)
    saved = time.monotonic()
    while trainer.step < steps:
        trainer.advance(windows, batch_windows)
        if checkpoint is not None and (time.monotonic() - saved > checkpoint_seconds or trainer.step == steps):
            trainer.save(checkpoint, call)
            saved = time.monotonic()
        if progress is not None:
            progress(trainer.step, steps)
    posture.eval(), behaviour.eval()
    return trainer.history


def _as_kept(call: list[Any]) -> list[Any]:
    """As a checkpoint gives it back."""
    kept: list[Any] = json.loads(json.dumps(call))
    return kept


def fingerprint(network: nn.Module) -> str:
    """SHA-256 of a network's kind, weights and device, in hexadecimal."""
    digest = hashlib.sha256(type(network).__name__.encode())
    for name, weight in network.state_dict().items():
        digest.update(f"{name}{tuple(weight.shape)}{weight.device.type}".encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class _Trainer:
    """Networks, optimiser, curriculum and history: all that a checkpoint holds."""

    def __init__(
        self,
        posture: Any,
        behaviour: Any,
        objectives: Objectives,
        steps: int,
        rates: tuple[float, float],
        keep_weight: float,
        seed: int,
        jittered: Jitter,
        optimiser: Optimiser,
    ) -> None:
        self.initial = copy.deepcopy(posture).eval() if keep_weight else None
        self.posture, self.behaviour = posture.train(), behaviour.train()
        self.device = next(posture.parameters()).device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            criterion = Criterion(posture, behaviour, objectives).to(self.device)
        self.criterion = criterion.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.parameters = [*posture.parameters(), *behaviour.parameters(), *self.criterion.parameters()]
        others = [*behaviour.parameters(), *self.criterion.parameters()]
        self.optimiser = optimiser([{"params": list(posture.parameters())}, {"params": others}], rates[1])
        self.objectives, self.keep_weight, self.jittered = objectives, keep_weight, jittered
        self.steps, self.rates, self.seed = steps, rates, seed
        self.step, self.curriculum = 0, Curriculum()
        kept = ("kept",) if keep_weight else ()
        self.history: dict[str, list[float]] = {name: [] for name in (*objectives.terms, *kept, "accuracy", "level")}

    def advance(self, windows: Windows, batch_windows: int) -> None:
        """One step. All random numbers come from (seed, step), so that a resumed run draws the same ones."""
        random = np.random.default_rng((self.seed, self.step))
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        disorder = self._disorder(batch_windows, random)
        batch = self._batch(windows, batch_windows, disorder, random, generator)
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global state
            torch.manual_seed(int(random.integers(2**62)))
            outcome = self.criterion(self.posture, self.behaviour, batch, generator)
        terms = outcome.terms
        loss = sum(getattr(self.objectives, name) * value for name, value in terms.items())
        if self.initial is not None:
            with torch.no_grad():
                target = self.initial.encode(batch.pictures).repeat(self.objectives.looks, 1)
            terms["kept"] = kept_loss(outcome.postures, target)
            loss = loss + self.keep_weight * terms["kept"]
        self._descend(loss)
        for name, value in terms.items():
            self.history[name].append(value.item())
        if outcome.accuracy is not None:
            self._learn_order(outcome.accuracy.item(), batch.disorder, outcome.disordered.tolist())
        self.step += 1

    def _disorder(self, count: int, random: np.random.Generator) -> list[str]:
        """A family for each window or each shuffle; the first half of the windows stays even, so that some are real."""
        if self.objectives.shuffled:
            return self._families(PERMUTED, SHUFFLES * count, random)
        if not self.objectives.order:
            return []
        half = -(-count // 2)
        return self._families(PERMUTED, half, random) + self._families((*PERMUTED, STRIDE), count - half, random)

    def _families(self, families: Sequence[str], count: int, random: np.random.Generator) -> list[str]:
        chosen: list[str] = random.choice(families, count, p=self.curriculum.chances(families)).tolist()
        return chosen

    def _batch(
        self, windows: Windows, count: int, disorder: list[str], random: np.random.Generator, generator: torch.Generator
    ) -> Batch:
        asked = np.array([family == STRIDE for family in disorder]) if self.objectives.order else None
        drawn, uneven = windows.draw(count, random, uneven=asked, together=self.objectives.together)
        if asked is not None:
            kept = asked & ~uneven  # a recording too short for an uneven window is disordered at random
            disorder = ["random" if lost else family for lost, family in zip(kept, disorder, strict=True)]
        frames = torch.from_numpy(drawn).to(self.device).flatten(0, 1).permute(0, 3, 1, 2)
        pictures = self.posture.prepare(frames)
        looks = torch.cat(
            [self.jittered(self._in_other_looks(pictures, generator), generator) for _ in range(self.objectives.looks)]
        )
        return Batch(pictures, looks, disorder)

    def _in_other_looks(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """Each window in looks of its own, if that is learnt."""
        if not self.objectives.other_looks:
            return pictures
        centre, scale = self.posture.centre, self.posture.scale
        return (change_looks(pictures * scale + centre, WINDOW, generator) - centre) / scale

    def _descend(self, loss: Tensor) -> None:
        if not math.isfinite(loss.item()):
            raise ModelError(f"training failed at step {self.step}: the loss is not finite; try another --seed")
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * _schedule(self.step, self.steps)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 5.0)
        self.optimiser.step()

    def _learn_order(self, accuracy: float, disorder: Sequence[str], losses: list[float]) -> None:
        if self.objectives.curriculum:
            self.curriculum.update(accuracy, disorder, losses)
        self.history["accuracy"].append(accuracy)
        self.history["level"].append(self.curriculum.level)

    def save(self, path: Path, call: list[Any]) -> None:
        """Write everything to one .safetensors file; the numbers that are no tensors go into its JSON header."""
        tensors = {f"posture.{k}": v for k, v in self.posture.state_dict().items()}
        tensors |= {f"behaviour.{k}": v for k, v in self.behaviour.state_dict().items()}
        tensors |= {f"criterion.{k}": v for k, v in self.criterion.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{k}": v for k, v in state.items()}
        header = {"call": call, "step": self.step, "curriculum": asdict(self.curriculum), "history": self.history}
        with atomic_path(path) as temporary:
            save_file({k: v.contiguous() for k, v in tensors.items()}, temporary, {"ubam": json.dumps(header)})

    def resume(self, path: Path, call: list[Any]) -> None:
        """Take up a checkpoint of the same call; a missing, damaged or foreign one is left aside."""
        header = _read_header(path)
        if header is None or header["call"] != call:
            return
        tensors = load_file(path, device=str(self.device))
        self.posture.load_state_dict(_part(tensors, "posture."))
        self.behaviour.load_state_dict(_part(tensors, "behaviour."))
        self.criterion.load_state_dict(_part(tensors, "criterion."))
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _part(tensors, "optimiser.").items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})
        self.step, self.history = header["step"], header["history"]
        self.curriculum = Curriculum(**header["curriculum"])


def _schedule(step: int, steps: int) -> float:
    """Share of the learning rate: a short rise, then a cosine down to nothing."""
    rise = min(1.0, (step + 1) / max(1, min(50, steps // 10)))
    return rise * 0.5 * (1 + math.cos(math.pi * step / steps))


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name[len(prefix) :]: value for name, value in tensors.items() if name.startswith(prefix)}


def _read_header(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as opened:
            header: dict[str, Any] = json.loads((opened.metadata() or {})["ubam"])
            return header
    except (SafetensorError, KeyError, ValueError):
        return None
