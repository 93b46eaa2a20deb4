"""When a training has learnt: its loss on subjects that it does not learn from no longer falls (Prechelt 1998).

The learning rate stays whole until then and falls to 0 in the last fifth, in which every subject is learnt from. That
ends as well as a rate that falls all the time (Hägele et al. 2024), and needs not know how long the training takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

SHORTEST = 1000  # steps at most of a training that is worth watching; a shorter one takes all of its steps
FEWEST, SHARE, ENOUGH = 12, 6, 24  # subjects of a study that can spare some; every sixth of them, 24 at most
EVERY = 100  # steps between two looks at the subjects that were held out
LOOKS = 8  # looks whose mean is compared with that of as many before them
GAIN = 0.02  # of the loss: as much as means of eight looks differ by chance on a rendered study
FALL = 5  # the rate falls in the last fifth
RULE = (SHORTEST, FEWEST, SHARE, ENOUGH, EVERY, LOOKS, GAIN, FALL)  # what is learnt by another rule is not the same


def held_out_recordings(subjects: Sequence[str], usable: Sequence[int], seed: int) -> tuple[int, ...]:
    """Positions of recordings whose subjects tell when a training has learnt; none where too few subjects could.

    subjects: of each recording. usable: the recordings from which windows are drawn. Names alone decide who is drawn:
    a training looks at no group.
    """
    names = list(dict.fromkeys(subjects[index] for index in usable))
    if len(names) < FEWEST:
        return ()
    drawn = sorted(names, key=lambda name: sha256(f"{seed} {name}".encode()).digest())[
        : min(len(names) // SHARE, ENOUGH)
    ]
    return tuple(index for index in usable if subjects[index] in drawn)


@dataclass
class Course:
    """How long a training goes on, and its learning rate: it is a part of a checkpoint.

    most: steps at most. rise: in which the rate rises. losses: on held-out subjects, at every look. learnt: the step
    at which they no longer fell; None while they do.
    """

    most: int
    rise: int
    losses: list[float] = field(default_factory=list)
    learnt: int | None = None

    @property
    def falls(self) -> int:
        """The step at which the rate begins to fall: where enough is learnt, or where the steps are going to end."""
        latest = self.most - self.most // FALL
        return latest if self.learnt is None else min(self.learnt, latest)

    @property
    def end(self) -> int:
        """The number of steps, as far as it is known now."""
        return min(self.most, self.falls + max(1, self.falls // (FALL - 1)))

    def share(self, step: int) -> float:
        """Share of the learning rate in a step."""
        left = (self.end - step) / max(1, self.end - self.falls)
        return min(1.0, (step + 1) / self.rise, max(0.0, left))

    def looks(self, step: int) -> bool:
        """Whether the held-out subjects are looked at before this step."""
        return self.learnt is None and 0 < step < self.falls and step % EVERY == 0

    def judge(self, step: int, loss: float) -> None:
        """Account for the loss on held-out subjects before a step."""
        self.losses.append(loss)
        if len(self.losses) >= 2 * LOOKS:
            before, now = np.mean(self.losses[-2 * LOOKS : -LOOKS]), np.mean(self.losses[-LOOKS:])
            self.learnt = step if now > (1 - GAIN) * before else None

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint."""
        return asdict(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from such a state."""
        for name, value in state_dict.items():
            setattr(self, name, value)
