"""Trains the registration network that ships with the program, on pairs of random bodies (`ubam pretrain`)."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from zlib import crc32

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ubam.core.parallel import executor
from ubam.core.progress import Progress
from ubam.encoding.checkpoint import Checkpoint, fingerprint
from ubam.encoding.shipped_weights import pretrained
from ubam.encoding.training_loop import Descent, Plan, RandomNumbers, cosine
from ubam.magnification.registration.network import SIDE, RegistrationNetwork
from ubam.pretraining.body_pairs import Pair, draw_pair
from ubam.pretraining.posture_encoder import save_network

BATCH = 24
HELD_OUT = 1000
PART = 250
RISE, LARGEST_GRADIENT = 100, 5.0  # steps in which the learning rate rises; norm of the gradient of all weights
KNEE = 4.0  # px below which the error is squared; with absolute errors the network learns nothing at first


@dataclass(frozen=True)
class Stage:
    """One stage of the training: number of pairs, share of them of one kind, steps, largest learning rate."""

    pairs: int
    related: float
    steps: int
    rate: float


# A single stage finds leans a tenth too small.
STAGES = (Stage(24_000, 0.0, 5000, 1.5e-3), Stage(9000, 0.75, 2000, 8e-4))
Lessons = tuple[Tensor, Tensor, Tensor, Tensor]


def draw_pairs(
    count: int, seed: int, workers: int, progress: Progress | None = None, related: float = STAGES[-1].related
) -> Lessons:
    """`count` pairs: queries and references uint8 [N, 3, 64, 64], flow float16 [N, 2, 64, 64], body bool [N, 64, 64].

    Pair i depends on (seed, i) and `related`, the share of one kind. Memory: 45 kB a pair.
    """
    parts = [range(first, min(first + PART, count)) for first in range(0, count, PART)]
    pairs: list[Pair] = []
    with executor(workers) as pool:
        for part in pool.map(partial(_draw_part, seed, related), parts):
            pairs += part
            if progress:
                progress(len(pairs), count)
    names = ("query", "reference", "flow")
    pictures = [np.stack([getattr(pair, name) for pair in pairs]).transpose(0, 3, 1, 2) for name in names]
    query, reference, flow = (torch.from_numpy(np.ascontiguousarray(picture)) for picture in pictures)
    return query, reference, flow, torch.from_numpy(np.stack([pair.body for pair in pairs]))


def _draw_part(seed: int, related: float, numbers: range) -> list[Pair]:
    cv2.setNumThreads(1)
    return [draw_pair(np.random.default_rng([seed, number]), related) for number in numbers]


def new_registration_network(seed: int) -> RegistrationNetwork:
    """An untrained network around the shipped posture encoder."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: RegistrationNetwork = RegistrationNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.encoder.load_state_dict(pretrained().state_dict())
    return network


def train_on_pairs(
    network: RegistrationNetwork,
    lessons: Lessons,
    *,
    steps: int,
    rate: float,
    seed: int = 7,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> list[float]:
    """Train a network in place; returns its `agreement` on 1,000 held-out pairs, every 500 steps.

    With a `checkpoint`, an interrupted training continues. ModelError when the loss is not finite.
    """
    random = RandomNumbers(seed)
    call = [steps, rate, seed, fingerprint(network), crc32(lessons[2].numpy().data)]
    descent = Descent(
        network.train(), torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-4),
        Plan("the registration network", steps, cosine(steps, RISE), LARGEST_GRADIENT, ("agreement",)),
        call=call, kept={"random": random}, checkpoint=checkpoint,
    )  # fmt: skip
    held_out = min(HELD_OUT, len(lessons[0]) // 4)
    for step in descent.steps(progress):
        index = torch.from_numpy(random.numpy.integers(held_out, len(lessons[0]), BATCH))
        query, reference, flow, body = varied(network, lessons, index, random.torch)
        seen = network.encoder.features(torch.cat([query, reference]))
        found = network.register(seen.part(slice(None, BATCH)), seen.part(slice(BATCH, None)))
        descent.take(error(found, flow, body))
        if step % 500 == 499 or step == steps - 1:
            descent.record(agreement=agreement(network, lessons, held_out))
    network.eval()
    return descent.history["agreement"]


def varied(
    network: RegistrationNetwork, lessons: Lessons, index: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Prepared pictures of pairs with random contrast, half of them mirrored; flow in pixels; bodies."""
    query, reference, flow, body = (part[index] for part in lessons)
    count = len(index)
    mirrored = torch.rand(count, generator=generator) < 0.5
    flow = SIDE * flow.float()
    turned = flow.flip(3) * torch.tensor([-1.0, 1.0]).view(1, 2, 1, 1)
    flow = torch.where(mirrored.view(-1, 1, 1, 1), turned, flow)
    body = torch.where(mirrored.view(-1, 1, 1), body.flip(2), body)
    pictures = []
    for views in (query, reference):
        picture = network.encoder.prepare(views)
        picture = torch.where(mirrored.view(-1, 1, 1, 1), picture.flip(3), picture)
        spread = torch.tensor([0.1, 0.25, 0.25]).view(1, 3, 1, 1)
        gain = torch.exp(spread * torch.randn(count, 3, 1, 1, generator=generator))
        darker = torch.where(torch.rand(count, 1, 1, 1, generator=generator) < 0.5, -1.0, 1.0)
        gain = torch.cat([gain[:, :2], gain[:, 2:] * darker], 1)  # a subject may be darker or lighter than its wall
        pictures.append(picture * gain + 0.05 * torch.randn(picture.shape, generator=generator))
    return pictures[0], pictures[1], flow, body


def error(found: Tensor, flow: Tensor, body: Tensor) -> Tensor:
    """Smooth absolute error on the body, a scalar; the third channel of `found` learns the logarithm of that error."""
    weight = body.float() / body.sum()
    apart = functional.smooth_l1_loss(found[:, :2], flow, beta=KNEE, reduction="none").sum(1)
    size = (found[:, :2] - flow).abs().sum(1).detach()
    spread = found[:, 2].clamp(-3, 4)
    return ((apart + 0.05 * (size / spread.exp() + 2 * spread)) * weight).sum()


@torch.no_grad()
def agreement(network: RegistrationNetwork, lessons: Lessons, count: int) -> float:
    """Cosine between found and true displacements over the bodies of the first `count` pairs."""
    network.eval()
    sums = torch.zeros(3)
    for first in range(0, count, 100):
        query, reference, flow, body = (part[first : min(first + 100, count)] for part in lessons)
        found, truth = network(query, reference)[:, :2] * body[:, None], SIDE * flow.float() * body[:, None]
        sums += torch.stack([(found * truth).sum(), (found**2).sum(), (truth**2).sum()])
    network.train()
    return float(sums[0] / (sums[1] * sums[2]).clamp_min(1e-12).sqrt())


def pretrain_registration(out: Path, *, stages: Sequence[Stage] = STAGES, seed: int = 7, workers: int = 1,
             progress: Callable[[str, int, int], None] | None = None) -> list[float]:  # fmt: skip
    """Draw pairs of random bodies, train on them stage by stage and write the network to `out`, as half floats.

    Returns its agreements on held-out pairs. An interrupted training continues from checkpoints beside `out`, after the
    pairs are drawn again.
    """

    def named(number: int, what: str) -> Progress | None:
        name = f"{what} {number}/{len(stages)}"
        return (lambda done, total: progress(name, done, total)) if progress else None

    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out.parent):
        pass  # a folder that cannot be written to must fail now, not after the training
    network, checkpoints = new_registration_network(seed), list[Checkpoint]()
    agreements: list[float] = []
    for number, stage in enumerate(stages, 1):
        own = seed + number - 1
        lessons = draw_pairs(stage.pairs, own, workers, named(number, "draw"), stage.related)
        torch.set_num_threads(workers)
        checkpoints.append(Checkpoint(out.with_name(f"{out.stem}-training-{number}.safetensors")))
        agreements += train_on_pairs(
            network, lessons, steps=stage.steps, rate=stage.rate, seed=own, checkpoint=checkpoints[-1],
            progress=named(number, "train"),
        )  # fmt: skip
    made = {"stages": [asdict(stage) for stage in stages], "seed": seed, "agreements": agreements}
    save_network(network.half(), out, made)
    for checkpoint in checkpoints:
        checkpoint.path.unlink(missing_ok=True)
    return agreements
