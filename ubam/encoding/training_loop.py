"""The loop that all trainings share: learning rate, gradient step, history, checkpoint and progress.

What a step learns from, and its loss, is each training's own:

    descent = Descent(network, optimiser, Plan("the network", steps=100, schedule=cosine(100)))
    for step in descent.steps():
        descent.take(loss(network, batch(step)))
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from ubam.core.errors import ModelError
from ubam.core.progress import Progress
from ubam.encoding.checkpoint import Checkpoint, Stateful
from ubam.encoding.learning.many_processes import average_gradients, leads

Schedule = Callable[[int], float]


def constant(step: int) -> float:
    """The whole learning rate in every step."""
    return 1.0


def cosine(steps: int, rise: int = 1) -> Schedule:
    """Share of the learning rate in each step: up in a line over `rise` steps, down in half a cosine to 0 at `steps`.

    Loshchilov and Hutter 2017 (SGDR), without restarts.
    """

    def share(step: int) -> float:
        return min(1.0, (step + 1) / rise) * 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))

    return share


@dataclass(frozen=True)
class Plan:
    """How a training descends.

    what: the network in words, for messages. steps: how many. schedule: step to the share of the learning rate.
    clip: the largest norm of the gradient of all weights together, None for any. records: the names in its history.
    """

    what: str
    steps: int
    schedule: Schedule = constant
    clip: float | None = None
    records: tuple[str, ...] = ("loss",)


class RandomNumbers:
    """Random numbers of one seed that a checkpoint can keep: a NumPy generator and a PyTorch generator."""

    def __init__(self, seed: int) -> None:
        self.numpy = np.random.default_rng(seed)
        self.torch = torch.Generator().manual_seed(seed)

    def state_dict(self) -> dict[str, Any]:
        """The state of both generators."""
        return {"numpy": self.numpy.bit_generator.state, "torch": self.torch.get_state()}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from such a state."""
        self.numpy.bit_generator.state = state_dict["numpy"]
        self.torch.set_state(state_dict["torch"].cpu())


class Descent:
    """The gradient descent of one training; with a checkpoint it continues where the same training was interrupted.

    Parameters
    ----------
    network
        All weights that learn, in place.
    optimiser
        Over these weights, at their whole learning rates.
    plan
        Steps, schedule, clipping.
    call
        JSON that differs between two trainings that differ; a checkpoint of another call is passed over.
    kept
        What else must be restored, besides network, optimiser, scheduler and history.
    checkpoint
        Read now, written while the training runs and at its end.
    """

    def __init__(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        plan: Plan,
        *,
        call: object,
        kept: Mapping[str, Stateful] | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.network, self.optimiser, self.plan = network, optimiser, plan
        self.call, self.kept, self.checkpoint = call, kept or {}, checkpoint
        self.scheduler = LambdaLR(optimiser, plan.schedule)
        self.end = plan.steps
        self.history: dict[str, list[float]] = {name: [] for name in plan.records}
        if checkpoint is not None:
            device = next(network.parameters()).device
            checkpoint.read(call, self._parts(), device)

    @property
    def done(self) -> int:
        """Steps taken so far."""
        return self.scheduler.last_epoch

    @property
    def finished(self) -> bool:
        """Whether no step is left, as after a checkpoint of a training that ended."""
        return self.done >= self.end

    def end_at(self, steps: int) -> None:
        """End after so many steps, at most as many as planned."""
        self.end = min(steps, self.plan.steps)

    def steps(self, progress: Progress | None = None) -> Iterator[int]:
        """The numbers of the steps that are left; the caller hands the loss of each to `take` before the next.

        `progress` is called after each step with the steps done and their total.
        """
        written = time.monotonic()
        while not self.finished:
            yield self.done
            if (
                self.checkpoint is not None
                and leads()
                and (time.monotonic() - written >= self.checkpoint.every_s or self.finished)
            ):
                self.checkpoint.write(self.call, self._parts())
                written = time.monotonic()
            if progress is not None:
                progress(self.done, self.end)

    def take(self, loss: Tensor) -> None:
        """Take one step down the gradient of a scalar loss; ModelError when it is not finite."""
        if not math.isfinite(loss.item()):
            raise ModelError(
                f"training {self.plan.what} failed at step {self.done}: the loss is not finite; try another --seed"
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.network)
        if self.plan.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip)
        self.optimiser.step()
        self.scheduler.step()

    def record(self, **values: float) -> None:
        """Append numbers of this step to the history, by name."""
        for name, value in values.items():
            self.history[name].append(value)

    def _parts(self) -> dict[str, Stateful]:
        return {
            "network": self.network, "optimiser": self.optimiser, "scheduler": self.scheduler,
            "history": _History(self.history), **self.kept,
        }  # fmt: skip


@dataclass(frozen=True)
class _History:
    """The history as a part of a checkpoint."""

    values: dict[str, list[float]]

    def state_dict(self) -> dict[str, list[float]]:
        return self.values

    def load_state_dict(self, state_dict: Mapping[str, list[float]]) -> None:
        self.values.update(state_dict)
