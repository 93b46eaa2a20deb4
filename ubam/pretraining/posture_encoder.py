"""Trains the posture encoder that ships with the program to locate the joints of random bodies in pictures.

`ubam pretrain` trains it again. It uses no recording, real or rendered.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from zlib import crc32

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from ubam.core.files import atomic_path
from ubam.core.parallel import executor
from ubam.core.progress import Progress
from ubam.encoding.augmentation import jitter
from ubam.encoding.checkpoint import Checkpoint
from ubam.encoding.encoders import LandmarkEncoder
from ubam.encoding.objectives import RECONSTRUCTED_SIDE, reconstruction_loss
from ubam.encoding.training_loop import Descent, Plan, RandomNumbers, cosine
from ubam.pretraining.body_pictures import MOST_JOINTS, MOST_PAIRS, Picture, draw_picture
from ubam.pretraining.random_bodies import PLANS

PICTURES, STEPS, BATCH, RATE = 50_000, 4500, 64, 2e-3
HELD_OUT = 1000
PART = 500
RISE, LARGEST_GRADIENT = 100, 5.0  # steps in which the learning rate rises; norm of the gradient of all weights
JOINTS, DIRECTIONS, PAIRS = 0.15, 0.5, 0.1  # about the standard deviations of the targets, so that all weigh the same


def draw_pictures(count: int, seed: int, workers: int, progress: Progress | None = None) -> Iterator[list[Picture]]:
    """`count` random pictures, part by part; picture i depends only on (seed, i)."""
    parts = [range(first, min(first + PART, count)) for first in range(0, count, PART)]
    with executor(workers) as pool:
        for numbers, part in zip(parts, pool.map(partial(_draw_part, seed), parts), strict=True):
            yield part
            if progress:
                progress(numbers.stop, count)


def _draw_part(seed: int, numbers: range) -> list[Picture]:
    cv2.setNumThreads(1)
    return [draw_picture(np.random.default_rng([seed, number])) for number in numbers]


class Lessons:
    """Pictures with their targets: views uint8 [N, 64, 64, 3], targets float32 [N, 152] (NaN: none), plans [N]."""

    def __init__(self, pictures: list[Picture]) -> None:
        self.views = np.stack([picture.view for picture in pictures])
        joints, directions, pairs = (
            np.stack([getattr(picture, name) for picture in pictures]).reshape(len(pictures), -1) / spread
            for name, spread in (("joints", JOINTS), ("directions", DIRECTIONS), ("pairs", PAIRS))
        )
        self.targets = np.concatenate([joints, directions, pairs], 1).astype(np.float32)
        self.plans = np.array([picture.plan for picture in pictures])

    def __len__(self) -> int:
        return len(self.views)


class _Teacher(nn.Module):
    """What only pre-training uses: a linear read-out of the targets for each plan, and a decoder of the picture."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.plans = nn.ModuleList([nn.Linear(dim, 4 * MOST_JOINTS + 3 * MOST_PAIRS) for _ in PLANS])
        self.decoder = nn.Sequential(nn.Linear(dim, 256), nn.ReLU(), nn.Linear(256, 2 * RECONSTRUCTED_SIDE**2))

    def error(self, postures: Tensor, lessons: Lessons, index: np.ndarray) -> Tensor:
        """Smooth L1 error of the read-out from postures [n, D], over the targets that the plans have."""
        answers = torch.stack([plan(postures) for plan in self.plans], 1)
        chosen = answers[torch.arange(len(index)), torch.from_numpy(lessons.plans[index])]
        wanted = torch.from_numpy(lessons.targets[index])
        known = torch.isfinite(wanted)
        return functional.smooth_l1_loss(chosen[known], wanted[known], beta=0.3)


def train_on(
    lessons: Lessons,
    *,
    steps: int = STEPS,
    seed: int = 7,
    dim: int = 64,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> tuple[LandmarkEncoder, list[float]]:
    """Train a posture encoder on `lessons`; returns it with its errors on 1,000 held-out pictures, every 200 steps.

    With a `checkpoint`, an interrupted training continues. ModelError when the loss is not finite.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, teacher = LandmarkEncoder(dim).to(memory_format=torch.channels_last), _Teacher(dim)  # type: ignore[call-overload]
    networks, random = nn.ModuleDict({"encoder": encoder, "teacher": teacher}), RandomNumbers(seed)
    descent = Descent(
        networks, torch.optim.AdamW(networks.parameters(), lr=RATE, weight_decay=1e-3),
        Plan("the posture encoder", steps, cosine(steps, RISE), LARGEST_GRADIENT, ("error",)),
        call=[steps, seed, dim, crc32(lessons.views.data)], kept={"random": random}, checkpoint=checkpoint,
    )  # fmt: skip
    held_out = min(HELD_OUT, len(lessons) // 4)
    for step in descent.steps(progress):
        index = random.numpy.integers(held_out, len(lessons), BATCH)
        pictures = encoder.prepare(torch.from_numpy(lessons.views[index]).permute(0, 3, 1, 2))
        postures = encoder.encode(jitter(pictures, random.torch))
        loss = teacher.error(postures, lessons, index)
        descent.take(loss + 0.1 * reconstruction_loss(teacher.decoder(postures), pictures))
        if step % 200 == 199 or step == steps - 1:
            descent.record(error=_held_out_error(encoder, teacher, lessons, held_out))
    return encoder.eval(), descent.history["error"]


def _held_out_error(encoder: LandmarkEncoder, teacher: _Teacher, lessons: Lessons, count: int) -> float:
    encoder.eval()
    with torch.no_grad():
        views = torch.from_numpy(lessons.views[:count]).permute(0, 3, 1, 2)
        postures = torch.cat([encoder(part) for part in views.split(100)])
        error = float(teacher.error(postures, lessons, np.arange(count)))
    encoder.train()
    return error


def pretrain(out: Path, *, pictures: int = PICTURES, steps: int = STEPS, seed: int = 7, workers: int = 1,
             progress: Callable[[str, int, int], None] | None = None) -> list[float]:  # fmt: skip
    """Draw random bodies, train on them and write the encoder to `out`; returns its errors on held-out pictures.

    Memory: 12 kB a picture. The same arguments give the same pictures and, on the same machine, the same weights. An
    interrupted training continues from a checkpoint beside `out`, after the pictures are drawn again.
    """

    def named(stage: str) -> Progress | None:
        return (lambda done, total: progress(stage, done, total)) if progress else None

    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out.parent):
        pass  # a folder that cannot be written to must fail now, not after the training
    drawn = [picture for part in draw_pictures(pictures, seed, workers, named("draw")) for picture in part]
    torch.set_num_threads(workers)
    checkpoint = Checkpoint(out.with_name(f"{out.stem}-training.safetensors"))
    encoder, errors = train_on(
        Lessons(drawn), steps=steps, seed=seed, checkpoint=checkpoint, progress=named("train")
    )  # fmt: skip
    made = {"network": encoder.settings, "pictures": pictures, "steps": steps, "seed": seed, "errors": errors}
    save_network(encoder, out, made)
    checkpoint.path.unlink(missing_ok=True)
    return errors


def save_network(network: nn.Module, out: Path, made: dict[str, object]) -> None:
    """Write the weights of a network to `out`, with the settings of their training as JSON in the header."""
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    with atomic_path(out) as temporary:
        save_file(weights, temporary, {"ubam": json.dumps(made)})
