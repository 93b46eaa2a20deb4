"""Several things that move: the subject is the one whose outline the eye is surest of.

A wheel, a lamp that flickers or a plant in the wind may be heavier than the subject. The eye is unsure where its
outline is: three to ten times as much as with an animal. Of two that look alike the heavier one is followed.
"""

from dataclasses import dataclass

import numpy as np

from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.second_look import Frames, Settled, settle
from ubam.tracking.track import Motion, Track

MOST = 3  # things that are looked at
SURER = 2.0  # times less doubt, by which a lighter one is the subject; of two animals, each has about as much
SAME = 0.5  # of the smaller outline lies in the other one


@dataclass(frozen=True)
class Candidate:
    """What moves and may be the subject, its track, and the body that the eye sees there; None where it sees none."""

    motion: Motion
    track: Track
    settled: Settled | None

    @property
    def doubt(self) -> float:
        """How unsure the outline is; endless where there is none."""
        return np.inf if self.settled is None else self.settled.doubt


@dataclass(frozen=True)
class Choice:
    """The subject among what moves.

    beside: whether something heavier moves, too; unlike: whether nothing else looks like a subject.
    """

    subject: Candidate
    beside: bool
    unlike: bool


def choose_subject(frames: Frames, at: np.ndarray, motion: Motion, scale: float, fps: float, still: Scene) -> Choice:
    """The subject among all that moves; arguments as for `settle`."""
    candidates: list[Candidate] = []
    rival: Motion | None = motion
    while rival is not None and len(candidates) < MOST:
        track = rival.track(scale, fps)
        candidates.append(Candidate(rival, track, settle(frames, at, track, scale, still)))
        rival = rival.rival(track, scale)
    first, surest = candidates[0], min(candidates, key=lambda one: one.doubt)
    subject = surest if first.doubt > SURER * surest.doubt else first
    others = [one for one in candidates if one is not subject]
    alike = [one for one in others if one.doubt <= SURER * subject.doubt]
    unlike = len(others) > len(alike) and all(_is_same(one, subject) for one in alike)
    return Choice(subject, subject is not first, unlike)


def _is_same(one: Candidate, subject: Candidate) -> bool:
    """Whether the eye sees one body at both: it may look from what moves beside a body to the body."""
    return bool(one.settled and subject.settled and same_body(one.settled.subject, subject.settled.subject))


def same_body(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether outlines bool [N,h,w] in the same frames are those of one body; outlines of nothing are none."""
    return bool((first & second).sum() > SAME * min(first.sum(), second.sum()))
