"""Train the eye on drawn pairs; goes on where it stopped."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ubam.pretraining.world.parts import Parts
from ubam.tracking.eye.network import EyeNetwork, landmark_places

from .lessons import Batch, make_batch
from .losses import losses, total

PAIRS, COOLING = 8, 0.25
Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]
TOLD_EVERY, MEASURED_EVERY = 50, 1000  # steps


@dataclass(frozen=True)
class Plan:
    """How long and how fast: steps in all, the largest rate, steps between checkpoints."""

    steps: int = 30_000
    rate: float = 1.5e-3
    warm: int = 300
    keep_every: int = 200


class Training:
    """A network on its way: with its optimiser, its average over the last steps, and the folder that keeps them."""

    def __init__(self, out: Path, plan: Plan, seed: int) -> None:
        torch.manual_seed(seed)
        self.out, self.plan, self.step = out, plan, 0
        self.network = EyeNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=plan.rate, weight_decay=0.01, betas=(0.9, 0.98)
        )
        self.mean = torch.optim.swa_utils.AveragedModel(self.network, multi_avg_fn=_towards, use_buffers=True)
        if (out / "state.pt").exists():
            kept = torch.load(out / "state.pt", weights_only=True)
            for name in ("network", "mean", "optimiser"):
                getattr(self, name).load_state_dict(kept[name])
            self.step = int(kept["step"])

    def keep(self) -> None:
        """Write the state, whole or not at all."""
        self.out.mkdir(parents=True, exist_ok=True)
        state = {name: getattr(self, name).state_dict() for name in ("network", "mean", "optimiser")}
        torch.save({"step": self.step, **state}, self.out / "working.pt")
        (self.out / "working.pt").replace(self.out / "state.pt")

    def advance(self, batch: Batch) -> dict[str, float]:
        """One step; the terms of the loss."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.plan, self.step)
        with torch.autocast("cpu", torch.bfloat16):
            answer = self.network(batch.crops, batch.plan)
        terms = losses(answer, batch)
        self.optimiser.zero_grad(set_to_none=True)
        total(terms).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.mean.update_parameters(self.network)
        self.step += 1
        return {name: float(term.detach()) for name, term in terms.items()}


def train(
    drawn: Path, held_out: Path, out: Path, plan: Plan, *, seed: int = 7, until: int | None = None,
    told: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """Train on the pairs in `drawn` (new parts are taken up as they come) and keep the state in `out`.

    Stops after all steps of the plan, or at step `until`; a later call with the same `out` goes on from there.
    """
    training, parts, sums = Training(out, plan, seed), Parts(drawn), dict[str, float]()
    while training.step < min(plan.steps, until or plan.steps):
        random = np.random.default_rng([seed, training.step])
        batch = make_batch([parts[int(k)] for k in random.integers(0, len(parts), PAIRS)], random)
        for name, value in training.advance(batch).items():
            sums[name] = 0.98 * sums.get(name, value) + 0.02 * value
        if training.step % TOLD_EVERY == 0:
            parts = Parts(drawn)
            told(f"{training.step} " + " ".join(f"{name} {value:.4f}" for name, value in sums.items()))
        if training.step % plan.keep_every == 0 or training.step == plan.steps:
            training.keep()
        if training.step % MEASURED_EVERY == 0 or training.step == plan.steps:
            measured = {"step": training.step, "pairs": len(parts), **evaluate(training.mean.module, Parts(held_out))}
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(measured) + "\n")


def rate_at(plan: Plan, step: int) -> float:
    """Rising, level, and over the last quarter falling to a hundredth: a training can be given more steps later."""
    left = (plan.steps - step) / (COOLING * plan.steps)
    return plan.rate * min(1.0, (step + 1) / plan.warm, max(0.01, left))


@torch.no_grad()
def _towards(averaged: Tensors, current: Tensors, number: torch.Tensor | int) -> None:
    """Averages over the last tenth of the training, at most over about 500 steps."""
    share = max(0.002, 10 / (int(number) + 10))
    for mean, now in zip(averaged, current, strict=True):
        mean.lerp_(now.to(mean.dtype), share) if mean.is_floating_point() else mean.copy_(now)


@torch.no_grad()
def evaluate(network: torch.nn.Module, held_out: Parts, most: int = 256) -> dict[str, float]:
    """On pairs never trained on: overlap of outlines, landmark errors in crops, what the looks do to the answers."""
    network.eval()
    sums: dict[str, list[float]] = {}
    random = np.random.default_rng(0)
    for first in range(0, min(most, len(held_out)), 16):
        batch = make_batch([held_out[k] for k in range(first, min(first + 16, len(held_out)))], random, vary=False)
        answer = network(batch.crops, batch.plan)
        found, _, _ = landmark_places(answer.heatmaps)
        inside = ((batch.landmarks > 0) & (batch.landmarks < 1)).all(-1)
        apart = torch.linalg.norm(found - batch.landmarks, dim=-1)
        mask, truth = answer.outline > 0, batch.alpha > 0.5
        overlap = (mask & truth).sum((1, 2, 3)) / (mask | truth).sum((1, 2, 3)).clamp_min(1)
        values = {
            "iou": overlap, "landmark": apart[inside], "close": (apart[inside] < 0.04).float(),
            "looks": torch.linalg.norm(found[::2] - found[1::2], dim=-1)[inside[::2]],
            "plan": (answer.plan.argmax(1) == batch.plan).float(),
        }  # fmt: skip
        for number in range(4):
            values[f"iou_{number}"] = overlap[batch.plan == number]
        for name, value in values.items():
            sums.setdefault(name, []).extend(value.tolist())
    network.train()
    return {name: round(float(np.mean(value)), 4) for name, value in sums.items() if value}
