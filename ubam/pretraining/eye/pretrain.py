"""Make the eye's network again: draw a cast and pairs of clips, train on them, write the weights."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file

from ubam.pretraining.world.parts import Parts
from ubam.tracking.eye.network import EyeNetwork

from .train import Plan, Training, train

PARTS, HELD_OUT = 40, 2
FIRST_HELD_OUT = 900


def pretrain_eye(
    out: Path, work: Path, *, parts: int = PARTS, plan: Plan = Plan(), seed: int = 7, workers: int = 1,  # noqa: B008
    report: Callable[[str], None] = print,
) -> None:  # fmt: skip
    """Draw `parts` of 250 pairs into `work`, train on them and write the network to `out`.

    Everything in `work` is kept, so that a second call continues where the first one stopped. Needs the extra
    `ubam[world]` and Debian's wallpapers (world/photographs.py). Disk: 115 MB a part.
    """
    draw_all(work, parts, seed, workers, report)
    torch.set_num_threads(workers)
    training = train(work / "shots", work / "held_out", work / "training", plan, seed=seed, report=report)
    write_weights(training, out, {"parts": parts, "seed": seed, "pairs": len(Parts(work / "shots"))})


def draw_all(work: Path, parts: int, seed: int, workers: int, report: Callable[[str], None]) -> None:
    """Draw the parts that are missing, each in a process of its own: the graphics driver does not give memory back."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from ubam.pretraining.world.bodies.cast import PLANS, make_cast
    from ubam.pretraining.world.store import draw_part

    cast = work / "cast"
    if not all((cast / f"{plan}.npz").exists() for plan in PLANS):
        make_cast(cast, seed)
    wanted = [("shots", k) for k in range(parts)] + [("held_out", FIRST_HELD_OUT + k) for k in range(HELD_OUT)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        drawn = [pool.submit(partial(draw_part, cast, work / folder, seed, number)) for folder, number in wanted]
        for done in drawn:
            report(str(done.result()))


def write_weights(training: Training, out: Path, made: dict[str, object]) -> None:
    """Write the averaged weights of a training as half floats, with how they were made and the errors on the way."""
    weights = training.mean.module.state_dict()
    about = {"network": EyeNetwork().settings, "step": training.descent.done, "log": training.measurements(), **made}
    halves = {name: (v.half() if v.is_floating_point() else v).contiguous() for name, v in weights.items()}
    save_file(halves, out, {"ubam": json.dumps(about)})
