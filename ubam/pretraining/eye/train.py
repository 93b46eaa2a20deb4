"""Train the eye on drawn pairs; goes on where it stopped."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch

from ubam.pretraining.world.parts import Parts
from ubam.tracking.eye.network import EyeNetwork, landmark_places

from .lessons import Batch, make_batch
from .losses import losses, total

PAIRS, COOLING = 8, 0.25


@dataclass(frozen=True)
class Plan:
    """How long and how fast: steps in all, the largest rate, steps between checkpoints."""

    steps: int = 30_000
    rate: float = 1.5e-3
    warm: int = 300
    keep_every: int = 200


def train(
    drawn: Path, held_out: Path, out: Path, plan: Plan, *, seed: int = 7, until: int | None = None,
    told: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """Train on the pairs in `drawn` (new parts are taken up as they come) and keep the state in `out`.

    Stops after all steps of the plan, or at step `until`; a later call with the same `out` goes on from there.
    """
    torch.manual_seed(seed)
    network = EyeNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=0.01, betas=(0.9, 0.98))
    mean = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=_towards, use_buffers=True)  # type: ignore[arg-type]
    out.mkdir(parents=True, exist_ok=True)
    step = _resume(out, network, mean, optimiser)
    sums: dict[str, float] = {}
    parts = Parts(drawn)
    while step < min(plan.steps, until or plan.steps):
        if step % 50 == 0:
            parts = Parts(drawn)
        random = np.random.default_rng([seed, step])
        batch = make_batch([parts[int(k)] for k in random.integers(0, len(parts), PAIRS)], random)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(plan, step)
        terms = _step(network, optimiser, batch)
        mean.update_parameters(network)
        for name, value in terms.items():
            sums[name] = 0.98 * sums.get(name, value) + 0.02 * value
        step += 1
        if step % 50 == 0:
            told(f"{step} {len(parts)} pairs " + " ".join(f"{name} {value:.4f}" for name, value in sums.items()))
        if step % plan.keep_every == 0:
            _keep(out, step, network, mean, optimiser)
            if step % (5 * plan.keep_every) == 0:
                measured = {"step": step, **evaluate(cast(EyeNetwork, mean.module), Parts(held_out))}
                told(json.dumps(measured))
                with (out / "log.jsonl").open("a") as log:
                    log.write(json.dumps(measured) + "\n")


def rate_at(plan: Plan, step: int) -> float:
    """Rising, level, and over the last quarter falling to a hundredth: a training can be given more steps later."""
    left = (plan.steps - step) / (COOLING * plan.steps)
    return plan.rate * min(1.0, (step + 1) / plan.warm, max(0.01, left))


@torch.no_grad()
def _towards(averaged: list[torch.Tensor], current: list[torch.Tensor], number: torch.Tensor) -> None:
    """Averages over the last tenth of the training, at most over about 500 steps."""
    share = max(0.002, 10 / (int(number) + 10))
    for mean, now in zip(averaged, current, strict=True):
        mean.lerp_(now.to(mean.dtype), share) if mean.is_floating_point() else mean.copy_(now)


def _keep(out: Path, step: int, network: EyeNetwork, mean: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    state = {"network": network.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save({"step": step} | state, out / "working.pt")
    (out / "working.pt").replace(out / "state.pt")


def _resume(out: Path, network: EyeNetwork, mean: torch.nn.Module, optimiser: torch.optim.Optimizer) -> int:
    if not (out / "state.pt").exists():
        return 0
    kept = torch.load(out / "state.pt", weights_only=True)
    network.load_state_dict(kept["network"])
    mean.load_state_dict(kept["mean"])
    optimiser.load_state_dict(kept["optimiser"])
    return int(kept["step"])


def _step(network: EyeNetwork, optimiser: torch.optim.Optimizer, batch: Batch) -> dict[str, float]:
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        answer = network(batch.crops, batch.plan)
    terms = losses(answer, batch)
    optimiser.zero_grad(set_to_none=True)
    total(terms).backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimiser.step()
    return {name: float(term.detach()) for name, term in terms.items()}


@torch.no_grad()
def evaluate(network: EyeNetwork, held_out: Parts, most: int = 256) -> dict[str, float]:
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
