"""Train the eye on drawn pairs; an interrupted training continues where it stopped."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from ubam.encoding import training_loop
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.training_loop import Descent
from ubam.pretraining.world.parts import Parts
from ubam.tracking.eye.network import EyeNetwork, landmark_places

from .lessons import Batch, make_batch
from .losses import losses, total

PAIRS, COOLING, LARGEST_GRADIENT = 8, 0.25, 1.0
REPORT_EVERY, MEASURE_EVERY = 50, 1000  # steps
AHEAD = 4  # batches that are made while a step is taken
SAVE_EVERY_S = 120.0
STATE, LOG = "training.safetensors", "log.jsonl"
Made = TypeVar("Made")
Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train: steps in all, the largest learning rate, steps until it is reached."""

    steps: int = 30_000
    rate: float = 1.5e-3
    warm: int = 300


class Training:
    """The network in training and the average of its weights, which is what is shipped; both are kept in `out`."""

    def __init__(self, out: Path, plan: Plan, seed: int) -> None:
        torch.manual_seed(seed)
        self.log = out / LOG
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = EyeNetwork().to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.mean = torch.optim.swa_utils.AveragedModel(self.network, multi_avg_fn=_towards, use_buffers=True)
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=plan.rate, weight_decay=0.01, betas=(0.9, 0.98))
        self.descent = Descent(
            self.network, optimiser,
            training_loop.Plan("the eye", plan.steps, partial(rate_share, plan), LARGEST_GRADIENT, records=()),
            call={"seed": seed, "rate": plan.rate, "warm": plan.warm}, kept={"mean": self.mean},
            checkpoint=Checkpoint(out / STATE, SAVE_EVERY_S),
        )  # fmt: skip
        out.mkdir(parents=True, exist_ok=True)
        self._forget_what_is_not_saved()

    def advance(self, batch: Batch) -> dict[str, float]:
        """Take one step; returns the terms of the loss."""
        self.network.train()
        batch = batch.on(self.device)
        with torch.autocast(self.device, torch.bfloat16):
            answer = self.network(batch.crops, batch.plan)
        terms = losses(answer, batch)
        self.descent.take(total(terms))
        self.mean.update_parameters(self.network)
        return {name: float(term.detach()) for name, term in terms.items()}

    def measurements(self) -> list[dict[str, float]]:
        """The errors on held-out pairs, one entry every `MEASURE_EVERY` steps."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def measure(self, pairs: int, held_out: Parts) -> None:
        """Append the present errors on held-out pairs to the log; `pairs`: how many there are to train on."""
        entry = {"step": self.descent.done, "pairs": pairs, **evaluate(self.mean.module, held_out)}
        with self.log.open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def _forget_what_is_not_saved(self) -> None:
        """Remove measurements of steps that an interruption undid; they will be taken again."""
        entries = self.measurements()
        kept = [entry for entry in entries if entry["step"] <= self.descent.done]
        if len(kept) < len(entries):
            self.log.write_text("".join(json.dumps(entry) + "\n" for entry in kept))


def train(
    drawn: Path, held_out: Path, out: Path, plan: Plan, *, seed: int = 7, report: Callable[[str], None] = print
) -> Training:
    """Train on the pairs in `drawn` and return the finished training; parts that are added meanwhile are used, too.

    The state is kept in `out`. A later call with the same `out` continues from it, and may ask for more steps.
    """
    training, parts, sums = Training(out, plan, seed), Parts(drawn), dict[str, float]()

    def make(step: int) -> Batch:
        return _batch(parts, seed, step)

    for batch in ahead(training.descent.steps(), plan.steps, make):
        for name, value in training.advance(batch).items():
            sums[name] = 0.98 * sums.get(name, value) + 0.02 * value
        done = training.descent.done
        if done % REPORT_EVERY == 0:
            parts = Parts(drawn)
            report(f"{done} " + " ".join(f"{name} {value:.4f}" for name, value in sums.items()))
        if done % MEASURE_EVERY == 0 or training.descent.finished:
            training.measure(len(parts), Parts(held_out))
    return training


def ahead(steps: Iterator[int], end: int, make: Callable[[int], Made]) -> Iterator[Made]:
    """The batch of every step; those of the next steps are made meanwhile, so that a GPU does not wait for them."""
    with ThreadPoolExecutor(AHEAD) as threads:
        made = deque[Future[Made]]()
        for step in steps:
            for later in range(step + len(made), min(step + AHEAD + 1, end)):
                made.append(threads.submit(make, later))
            yield made.popleft().result()


def _batch(parts: Parts, seed: int, step: int) -> Batch:
    random = np.random.default_rng([seed, step])
    shots = random.integers(0, len(parts) // 2, PAIRS // 2)
    return make_batch([parts[int(k)] for shot in shots for k in (2 * shot, 2 * shot + 1)], random)


def rate_share(plan: Plan, step: int) -> float:
    """Share of the learning rate in a step: it rises, stays, and over the last quarter falls to a hundredth."""
    left = (plan.steps - step) / (COOLING * plan.steps)
    return min(1.0, (step + 1) / plan.warm, max(0.01, left))


@torch.no_grad()
def _towards(averaged: Tensors, current: Tensors, number: torch.Tensor | int) -> None:
    """Average the weights over the last tenth of the training, over about 500 steps at most."""
    share = max(0.002, 10 / (int(number) + 10))
    for mean, now in zip(averaged, current, strict=True):
        mean.lerp_(now.to(mean.dtype), share) if mean.is_floating_point() else mean.copy_(now)


@torch.no_grad()
def evaluate(network: torch.nn.Module, held_out: Parts, most: int = 256) -> dict[str, float]:
    """Errors on pairs that were not trained on.

    iou: overlap of the outlines. landmark: distance of landmarks in widths of the crop; close: the share below 0.04;
    close_visible: of those that nothing hides. looks: how far a landmark moves when only the appearance changes;
    looks_constant: the part of it that two moments share. plan: the share of right body plans.
    """
    network.eval()
    device = next(network.parameters()).device.type
    sums: dict[str, list[float]] = {}
    random = np.random.default_rng(0)
    for first in range(0, min(most, len(held_out)), 16):
        chosen = [held_out[k] for k in range(first, min(first + 16, len(held_out)))]
        batch = make_batch(chosen, random, vary=False).on(device)
        answer = network(batch.crops, batch.plan)
        found, _, _ = landmark_places(answer.heatmaps)
        inside = ((batch.landmarks > 0) & (batch.landmarks < 1)).all(-1)
        error = torch.linalg.norm(found - batch.landmarks, dim=-1)
        mask, truth = answer.outline > 0, batch.alpha > 0.5
        overlap = (mask & truth).sum((1, 2, 3)) / (mask | truth).sum((1, 2, 3)).clamp_min(1)
        between = found[::2] - found[1::2]
        twice = inside[::4] & inside[2::4]
        values = {
            "close_visible": (error[inside & batch.visible] < 0.04).float(),
            "looks_constant": torch.linalg.norm((between[::2] + between[1::2]) / 2, dim=-1)[twice],
            "iou": overlap, "landmark": error[inside], "close": (error[inside] < 0.04).float(),
            "looks": torch.linalg.norm(between, dim=-1)[inside[::2]],
            "plan": (answer.plan.argmax(1) == batch.plan).float(),
        }  # fmt: skip
        for number in range(4):
            values[f"iou_{number}"] = overlap[batch.plan == number]
        for name, value in values.items():
            sums.setdefault(name, []).extend(value.tolist())
    network.train()
    return {name: round(float(np.mean(value)), 4) for name, value in sums.items() if value}
