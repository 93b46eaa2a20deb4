"""Studies of embeddings with known truth, thousands in minutes: they prove the statistics; rendering would take days.

A subject walks: postures go round a cycle of two harmonics that all share, each a little in its own way and at its own
tempo; it stands in its own way (an offset of few dimensions), a little otherwise in every session and recording; and
noise follows itself. Shares of variance are those of the rendered sample study (presets standard and quick: between
subjects 11 and 19 % of the variance within them, in about three directions; within them, four to six directions; a lean
of severity 0.5 moves the mean of a recording by 1.0 to 1.6 times the distance between subjects).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ubam.deviation.posture_series import PostureSeries

DIM = 32
RATE = 25.0
BETWEEN = 0.15  # variance between subjects, of the variance within them
WITHIN_SUBJECT = 0.25  # of that again between sessions, and between recordings of one session half of this
NOISE = 0.08  # of the variance within subjects
FOLLOWS = 0.8  # correlation of noise with that of the frame before
STYLE = 0.12  # by how much a subject's cycle differs from the shared one
LEAN = 2.0  # distances between subjects by which severity 1 moves the mean (rendered: 2 to 3.3)


@dataclass(frozen=True)
class Subject:
    """Who it is: offset [D] from the shared posture, cycle [4, D], tempo in cycles a second."""

    name: str
    offset: np.ndarray
    cycle: np.ndarray
    tempo: float


@dataclass(frozen=True)
class Impairment:
    """It leans by `severity` in the seconds `between`; `stiffness`, a share, damps its second harmonic."""

    severity: float = 0.0
    stiffness: float = 0.0
    between: tuple[float, float] = (0.0, math.inf)


class World:
    """Everything that all subjects of one simulation share: `seed` says which world."""

    def __init__(self, seed: int = 0, dim: int = DIM) -> None:
        rng = np.random.default_rng([7, seed])
        basis = np.linalg.qr(rng.normal(size=(dim, 10)))[0].T
        self.cycle = basis[:4] * np.sqrt(2 * np.array([0.45, 0.35, 0.12, 0.08]))[:, None]
        mixed = np.linalg.qr(np.vstack([0.5 * basis[:3] + basis[4:7], basis[7:]]).T)[0].T[:6]
        self.build = mixed * np.sqrt(BETWEEN * np.array([0.55, 0.25, 0.1, 0.05, 0.03, 0.02]))[:, None]
        direction = 0.7 * mixed[1] + 0.5 * mixed[3] + 0.5 * basis[8] + 0.3 * basis[0]
        self.lean = direction / np.linalg.norm(direction) * LEAN * np.sqrt(BETWEEN)
        self.dim = dim

    def subject(self, name: str, rng: np.random.Generator) -> Subject:
        """A subject drawn at random."""
        cycle = self.cycle * (1 + STYLE * rng.normal(size=(4, 1))) + 0.5 * STYLE * rng.normal(size=self.cycle.shape) / 2
        return Subject(name, rng.normal(size=6) @ self.build, cycle, float(rng.uniform(0.8, 1.2)))

    def recording(
        self,
        subject: Subject,
        group: str,
        name: str,
        rng: np.random.Generator,
        *,
        impairment: Impairment | None = None,
        session: np.ndarray | None = None,
        seconds: float = 4.0,
        fps: float = RATE,
    ) -> PostureSeries:
        """One recording; session [D]: the offset of the session, as `session` draws it."""
        how = impairment or Impairment()
        frames = round(seconds * fps)
        pace = subject.tempo / fps * (1 + 0.05 * _following(rng, frames, 0.98)[:, 0])
        phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.cumsum(pace)
        turns = np.stack([np.sin(phase), np.cos(phase), np.sin(2 * phase), np.cos(2 * phase)], axis=1)
        turns[:, 2:] *= 1 - how.stiffness
        time = np.arange(frames) / fps
        start, stop = how.between
        when = ((time >= start) & (time < stop)).astype(float)
        offset = subject.offset + self.session(rng) / np.sqrt(2) + (0 if session is None else session)
        noise = _following(rng, frames, FOLLOWS ** (RATE / fps), self.dim) * np.sqrt(NOISE / self.dim)
        posture = turns @ subject.cycle + offset + how.severity * when[:, None] * self.lean + noise
        return PostureSeries(name, subject.name, group, posture.astype(np.float32), max(1, round(fps / RATE)), fps)

    def session(self, rng: np.random.Generator) -> np.ndarray:
        """How much otherwise a subject stands in one session, [D]."""
        found: np.ndarray = np.sqrt(WITHIN_SUBJECT) * (rng.normal(size=6) @ self.build)
        return found


def _following(rng: np.random.Generator, frames: int, follows: float, dim: int = 1) -> np.ndarray:
    """Noise [T, D] of variance 1 in which each frame follows the one before."""
    drawn = rng.normal(size=(frames, dim)) * np.sqrt(1 - follows**2)
    drawn[0] /= np.sqrt(1 - follows**2)
    for frame in range(1, frames):
        drawn[frame] += follows * drawn[frame - 1]
    return drawn


def groups_study(
    seed: int,
    sizes: Mapping[str, int],
    severity: Mapping[str, float],
    recordings: int = 1,
    world: int = 0,
    **options: float,
) -> list[PostureSeries]:
    """Subjects of several groups; `severity` of each group, drawn between half and one and a half times that."""
    rng, shared, codes = np.random.default_rng(seed), World(world), []
    for group, size in sizes.items():
        for number in range(size):
            subject = shared.subject(f"{group}{number}", rng)
            mine = severity.get(group, 0.0) * rng.uniform(0.5, 1.5)
            codes += [
                shared.recording(subject, group, f"{subject.name}_{k}", rng, impairment=Impairment(mine), **options)  # type: ignore[arg-type]
                for k in range(recordings)
            ]
    return codes


def blocks_study(
    seed: int, blocks: int, per_group: int, severity: float, world: int = 0
) -> tuple[list[PostureSeries], dict[str, str]]:
    """Two groups in `blocks` cages, `per_group` of each in every cage; what a cage shares moves all of its subjects."""
    rng, shared, codes, of = np.random.default_rng(seed), World(world), [], {}
    for block in range(blocks):
        moved = 1.5 * rng.normal(size=6) @ shared.build
        for group, amount in (("reference", 0.0), ("query", severity)):
            for number in range(per_group):
                subject = shared.subject(f"{group}{block}_{number}", rng)
                subject = replace(subject, offset=subject.offset + moved)
                codes.append(shared.recording(subject, group, subject.name, rng, impairment=Impairment(amount)))
                of[subject.name] = f"cage{block}"
    return codes, of


def paired_study(seed: int, subjects: int, severity: float, world: int = 0) -> list[PostureSeries]:
    """The same subjects before and after, in the groups `before` and `after`, a session each."""
    rng, shared, codes = np.random.default_rng(seed), World(world), []
    for number in range(subjects):
        subject = shared.subject(f"m{number}", rng)
        mine = severity * rng.uniform(0.5, 1.5)
        for group, amount in (("before", 0.0), ("after", mine)):
            name, session = f"{subject.name}_{group}", shared.session(rng)
            codes.append(shared.recording(subject, group, name, rng, impairment=Impairment(amount), session=session))
    return codes


def recovery_study(
    seed: int, reference: int, queries: int, days: Sequence[float], severity: float, recovers: float, world: int = 0
) -> tuple[list[PostureSeries], dict[str, float]]:
    """Subjects recorded on several days, and the day of each recording; queries begin at `severity`.

    Of that, the share `recovers` is gone on the last day, evenly.
    """
    rng, shared, codes, day_of = np.random.default_rng(seed), World(world), [], {}
    for group, count, begins in (("reference", reference, 0.0), ("query", queries, severity)):
        for number in range(count):
            subject = shared.subject(f"{group}{number}", rng)
            for day in days:
                name, amount = (
                    f"{subject.name}_day{day:g}",
                    begins * (1 - recovers * (day - days[0]) / (days[-1] - days[0])),
                )
                codes.append(
                    shared.recording(
                        subject, group, name, rng, impairment=Impairment(amount), session=shared.session(rng)
                    )
                )
                day_of[name] = day
    return codes, day_of
