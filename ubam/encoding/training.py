"""Trains the posture and the behaviour encoder together."""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.optimizer import ParamsT

from ubam.core.errors import ModelError
from ubam.core.progress import Progress
from ubam.encoding.augmentation import change_looks, jitter
from ubam.encoding.checkpoint import Checkpoint, fingerprint
from ubam.encoding.embedding import sent
from ubam.encoding.encoders import WINDOW, BehaviourEncoder, BehaviourNetwork, PostureEncoder, PostureNetwork
from ubam.encoding.learning.early_stopping import Course
from ubam.encoding.learning.many_processes import encode_together
from ubam.encoding.objectives import OBJECTIVES, SHUFFLES, Batch, Criterion, Objectives, Outcome, kept_loss
from ubam.encoding.order_objective import PERMUTED, STRIDE, Curriculum
from ubam.encoding.training_loop import Descent, Plan, cosine
from ubam.encoding.window_sampling import Windows

Jitter = Callable[[Tensor, torch.Generator], Tensor]
Optimiser = Callable[[ParamsT], torch.optim.Optimizer]

LONGEST_RISE = 50  # steps in which the learning rate rises
LARGEST_GRADIENT = 5.0
HELD_OUT_BATCHES = 4  # looked at each time


@dataclass(frozen=True)
class TrainingSettings:
    """The numbers of one training.

    steps, batch_windows: number of steps, and of windows in each. learning_rate: its largest value. posture_rate: the
    posture network's share of it. keep_weight: weight of the distance of postures from those before the training, 0 for
    none. seed: of all random numbers. held_out: positions of recordings that tell when enough is learnt
    (early_stopping.py), so that `steps` is the largest number; without any, all steps are taken.
    """

    steps: int
    batch_windows: int = 16
    objectives: Objectives = OBJECTIVES["standard"]
    learning_rate: float = 2e-3
    posture_rate: float = 1.0
    keep_weight: float = 0.0
    seed: int = 0
    held_out: tuple[int, ...] = ()


def build_encoders(
    dim: int = 64,
    width: int = 32,
    behaviour_dim: int = 64,
    seed: int = 0,
    device: str = "cpu",
    initial: PostureEncoder | None = None,
    kind: type[PostureEncoder] = PostureEncoder,
) -> tuple[PostureEncoder, BehaviourEncoder]:
    """Fresh encoders whose first weights depend on `seed` alone; the global random state stays as it was.

    kind: of posture encoder. With `initial`, it is a copy of that, and its own sizes replace `dim` and `width`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        posture = kind(dim, width) if initial is None else copy.deepcopy(initial)
        behaviour = BehaviourEncoder(posture.dim, behaviour_dim)
    return posture.to(device).to(memory_format=torch.channels_last), behaviour.to(device)  # type: ignore[call-overload]


def adamw(parameters: ParamsT) -> torch.optim.Optimizer:
    """The optimiser of our own networks (Loshchilov and Hutter 2019)."""
    return torch.optim.AdamW(parameters, weight_decay=1e-2)


def train_encoders(
    posture: PostureNetwork,
    behaviour: BehaviourNetwork,
    windows: Windows,
    settings: TrainingSettings,
    *,
    jittered: Jitter = jitter,
    optimiser: Optimiser = adamw,
    checkpoint: Checkpoint | None = None,
    progress: Progress | None = None,
) -> dict[str, list[float]]:
    """Train both networks in place on `windows`; returns the history.

    The history holds, per step, each term of the objectives, and `accuracy` and `level` where order is learnt; with
    recordings held out, also `held_out`, the loss on them at every look. With a `checkpoint` an interrupted training
    continues, and ends with the same weights. ModelError when the loss is not finite.
    """
    lesson = _Lesson(posture, behaviour, windows, settings, jittered)
    rises = max(1, min(LONGEST_RISE, settings.steps // 10))
    course = Course(settings.steps, rises)
    schedule = course.share if settings.held_out else cosine(settings.steps, rises)
    descent = Descent(
        lesson.networks, optimiser(lesson.parameter_groups()),
        Plan("the encoders", settings.steps, schedule, LARGEST_GRADIENT, lesson.records),
        call=lesson.call, kept={"curriculum": lesson.curriculum, "course": course}, checkpoint=checkpoint,
    )  # fmt: skip
    if settings.held_out:
        descent.end_at(course.end)
    for step in descent.steps(progress):
        if settings.held_out and course.looks(step):
            course.judge(step, lesson.held_out_loss())
            descent.record(held_out=course.losses[-1])
            descent.end_at(course.end)
        loss, numbers = lesson.loss(step, everybody=step >= course.falls)
        descent.take(loss)
        descent.record(**numbers)
    posture.eval(), behaviour.eval()
    return descent.history


class _Lesson:
    """The networks, their criterion and the curriculum, with the loss of each step.

    All random numbers of a step come from (seed, step), so that a resumed training draws the same ones.
    """

    def __init__(
        self,
        posture: PostureNetwork,
        behaviour: BehaviourNetwork,
        windows: Windows,
        settings: TrainingSettings,
        jittered: Jitter,
    ) -> None:
        self.settings, self.objectives, self.windows, self.jittered = settings, settings.objectives, windows, jittered
        self.held = windows.only(settings.held_out) if settings.held_out else windows
        self.taught = windows.without(settings.held_out)
        sizes = [len(item) for item in windows.pictures], list(windows.strides)
        self.call = [asdict(settings), fingerprint(posture), fingerprint(behaviour), sizes]
        self.initial = copy.deepcopy(posture).eval() if settings.keep_weight else None
        self.posture, self.behaviour = posture.train(), behaviour.train()
        self.device = next(posture.parameters()).device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            criterion = Criterion(posture, behaviour, self.objectives).to(self.device)
        self.criterion: Criterion = criterion.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.networks = nn.ModuleDict({"posture": posture, "behaviour": behaviour, "criterion": self.criterion})
        self.curriculum = Curriculum()
        kept = ("kept",) if settings.keep_weight else ()
        held = ("held_out",) if settings.held_out else ()
        self.records = (*self.objectives.terms, *kept, "accuracy", "level", *held)

    def parameter_groups(self) -> ParamsT:
        """The weights of the posture network and all others, each with its learning rate."""
        rate, others = self.settings.learning_rate, [*self.behaviour.parameters(), *self.criterion.parameters()]
        return [
            {"params": list(self.posture.parameters()), "lr": rate * self.settings.posture_rate},
            {"params": others, "lr": rate},
        ]

    def loss(self, step: int, everybody: bool = True) -> tuple[Tensor, dict[str, float]]:
        """The loss of one step, a scalar, and what is recorded of it; everybody: held-out recordings, too."""
        random = np.random.default_rng((self.settings.seed, step))
        windows = self.windows if everybody else self.taught
        batch, outcome = self._outcome(windows, self.curriculum, random)
        terms = outcome.terms
        loss = self._weighed(terms)
        if self.initial is not None:
            with torch.no_grad():
                target = encode_together(self.initial.encode, batch.pictures).repeat(self.objectives.looks, 1)
            terms["kept"] = kept_loss(outcome.postures, target)
            loss = loss + self.settings.keep_weight * terms["kept"]
        numbers = {name: value.item() for name, value in terms.items()}
        if outcome.accuracy is not None and outcome.disordered is not None:
            numbers |= self._order_learnt(outcome.accuracy.item(), batch.disorder, outcome.disordered.tolist())
        return loss, numbers

    def held_out_loss(self) -> float:
        """The loss of the same windows of the held-out recordings each time, with disorder of every family."""
        self.networks.eval()
        with torch.no_grad():
            losses = []
            for number in range(HELD_OUT_BATCHES):
                random = np.random.default_rng((self.settings.seed, number, len("held out")))
                terms = self._outcome(self.held, Curriculum(opened=True), random)[1].terms
                losses.append(float(self._weighed(terms)))
        self.networks.train()
        return float(np.mean(losses))

    def _weighed(self, terms: Mapping[str, Tensor]) -> Tensor:
        return reduce(torch.add, [getattr(self.objectives, name) * value for name, value in terms.items()])

    def _outcome(self, windows: Windows, curriculum: Curriculum, random: np.random.Generator) -> tuple[Batch, Outcome]:
        """A batch of these windows, with disorder as the curriculum has it, and what the criterion says of it."""
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        disorder = self._disorder(self.settings.batch_windows, curriculum, random)
        batch = self._batch(windows, disorder, random, generator)
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global state
            torch.manual_seed(int(random.integers(2**62)))
            return batch, self.criterion(self.posture, self.behaviour, batch, generator)

    def _disorder(self, count: int, curriculum: Curriculum, random: np.random.Generator) -> list[str]:
        """A family for each window or each shuffle; the first half of the windows stays even, so that some are real."""
        if self.objectives.shuffled:
            return _families(PERMUTED, SHUFFLES * count, curriculum, random)
        if not self.objectives.order:
            return []
        half = -(-count // 2)
        even = _families(PERMUTED, half, curriculum, random)
        return even + _families((*PERMUTED, STRIDE), count - half, curriculum, random)

    def _batch(
        self, windows: Windows, disorder: list[str], random: np.random.Generator, generator: torch.Generator
    ) -> Batch:
        asked = np.array([family == STRIDE for family in disorder]) if self.objectives.order else None
        count, together = self.settings.batch_windows, self.objectives.together
        drawn, uneven = windows.draw(count, random, uneven=asked, together=together)
        if asked is not None:
            kept = asked & ~uneven  # a recording too short for an uneven window is disordered at random
            disorder = ["random" if lost else family for lost, family in zip(kept, disorder, strict=True)]
        frames = sent(torch.from_numpy(drawn), self.device).flatten(0, 1).permute(0, 3, 1, 2)
        pictures = self.posture.prepare(frames)
        looks = torch.cat(
            [self.jittered(self._in_other_looks(pictures, generator), generator) for _ in range(self.objectives.looks)]
        )
        return Batch(pictures, looks, disorder)

    def _in_other_looks(self, pictures: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures, each window with an appearance of its own if the objectives ask for that."""
        if not self.objectives.other_looks:
            return pictures
        if not isinstance(self.posture, PostureEncoder):
            raise ModelError(f"a {type(self.posture).__name__} takes crops, and only views change their appearance")
        centre, scale = self.posture.centre, self.posture.scale
        return (change_looks(pictures * scale + centre, WINDOW, generator) - centre) / scale

    def _order_learnt(self, accuracy: float, disorder: Sequence[str], losses: list[float]) -> dict[str, float]:
        if self.objectives.curriculum:
            self.curriculum.update(accuracy, disorder, losses)
        return {"accuracy": accuracy, "level": self.curriculum.level}


def _families(families: Sequence[str], count: int, curriculum: Curriculum, random: np.random.Generator) -> list[str]:
    chosen: list[str] = random.choice(families, count, p=curriculum.chances(families)).tolist()
    return chosen
