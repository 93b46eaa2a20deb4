"""The twin of a recording: for every moment, what the reference subjects do at the same moment of the movement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ubam.deviation.normal_variation import trimmed_mean
from ubam.deviation.posture_series import PostureSeries, pace_of, usual_rate
from ubam.deviation.time_alignment import (
    Moments,
    describe_moments,
    match_agreeing,
    match_subjects,
    spread_to_frames,
    widest_reach,
)

SIGNATURE_DIM = 16  # principal directions of movement that choose the moment
TWIN_DIM = 32  # the same for twins that are shown
MATCHED = 60  # reference subjects; a twin of these is that of ten times as many, within the error of a score
EVENED = 0.5  # of the logarithm of their variances is taken away; see `twin_basis`


@dataclass(frozen=True)
class Match:
    """One reference subject's moments beside a query recording's: which of its recordings and which frame [M]."""

    recordings: tuple[PostureSeries, ...]
    recording: np.ndarray
    frame: np.ndarray

    @property
    def posture(self) -> np.ndarray:
        """The reference subject's postures float32 [M, D] at those moments."""
        found = np.empty((len(self.frame), self.recordings[0].posture.shape[1]), np.float32)
        for index, code in enumerate(self.recordings):
            mine = self.recording == index
            found[mine] = code.posture[self.frame[mine]]
        return found


@dataclass(frozen=True)
class Twin:
    """The twin of a recording: posture [T, D], and for each reference subject the recording and its frame [T] shown."""

    posture: np.ndarray
    references: list[tuple[str, np.ndarray]]


def matched_subjects(subjects: Iterable[str], most: int | None = None) -> list[str]:
    """Those of many subjects that recordings are matched with: all, or `most` (MATCHED) of them, in the same order.

    Which ones hangs on their names alone, as good as drawn by lot: not on their order, nor on who else is scored.
    """
    names = list(dict.fromkeys(subjects))
    drawn = sorted(names, key=lambda name: sha256(name.encode()).digest())[: MATCHED if most is None else most]
    kept = set(drawn)
    return [name for name in names if name in kept]


class Matcher:
    """Finds and remembers the moments of reference subjects that correspond to those of a recording.

    by_subject: all recordings of the reference. matched: the subjects among whom moments are looked for, everybody
    unless some are given.
    """

    def __init__(self, codes: Sequence[PostureSeries], basis: np.ndarray, matched: Sequence[str] | None = None) -> None:
        self.codes = {code.recording_id: code for code in codes}
        self.by_subject: dict[str, list[PostureSeries]] = {}
        for code in codes:
            self.by_subject.setdefault(code.subject, []).append(code)
        self.matched = list(self.by_subject if matched is None else matched)
        self.basis = basis
        self._reach = min(widest_reach(len(code.posture), code.stride) for code in codes)
        self._rate = usual_rate(codes)
        self._moments: dict[tuple[str, int], Moments] = {}
        self._matches: dict[str, dict[str, Match]] = {}

    def moments(self, code: PostureSeries, reach: int | None = None) -> Moments:
        """The windows of a recording, one every `stride` frames, `reach` postures to either side."""
        reach = self.reach(code) if reach is None else reach
        key = (code.recording_id, reach)
        if key not in self._moments:
            pace = pace_of(code, self._rate)
            self._moments[key] = describe_moments(code.posture, self.basis, code.stride, code.stride, reach, pace)
        return self._moments[key]

    def reach(self, code: PostureSeries) -> int:
        """The reach of windows at which this recording is matched: the shortest recording decides."""
        return min(self._reach, widest_reach(len(code.posture), code.stride))

    def match(self, code: PostureSeries, subject: str) -> Match:
        """The moments of `subject` that correspond to those of `code`; those of all others are found with them."""
        known = self._matches.setdefault(code.recording_id, {})
        if subject not in known:
            others = [name for name in self.matched if name != code.subject] if subject != code.subject else [subject]
            reach = self.reach(code)
            found = match_subjects(
                self.moments(code), [[self.moments(o, reach) for o in self.by_subject[name]] for name in others]
            )
            for name, (recording, frame) in zip(others, found, strict=True):
                known[name] = Match(tuple(self.by_subject[name]), recording, frame)
        return known[subject]

    def forget(self, code: PostureSeries) -> None:
        """Free what is remembered of a recording that is not asked for again."""
        self._matches.pop(code.recording_id, None)
        if code.recording_id not in self.codes:
            self._moments = {key: moments for key, moments in self._moments.items() if key[0] != code.recording_id}

    def twin(self, code: PostureSeries, limit: int = 8) -> Twin:
        """The reference posture at every frame of a recording, from at most `limit` reference subjects.

        Each subject is shown by its one recording that moves most like the query; subjects that move most like it come
        first. A recording's own subject is never taken, unless the reference has no other.
        """
        subjects = [subject for subject in self.matched if subject != code.subject] or list(self.by_subject)
        found = sorted(self._shown(code, subjects), key=lambda item: item[0])[:limit]
        posture = blend([self.codes[name].posture[frame] for _, name, frame in found], code.stride)
        return Twin(posture, [(name, frame) for _, name, frame in found])

    def _shown(self, code: PostureSeries, subjects: Sequence[str]) -> list[tuple[float, str, np.ndarray]]:
        """Of each subject the recording that moves most like `code`: mean distance, name and its frames [T]."""
        moments, reach, found = self.moments(code), self.reach(code), []
        own = [[o for o in self.by_subject[subject] if o.recording_id != code.recording_id] for subject in subjects]
        others = [rest or self.by_subject[subject] for rest, subject in zip(own, subjects, strict=True)]
        agreed = match_agreeing(moments, [[self.moments(other, reach) for other in subject] for subject in others])
        for subject, (distance, recording, frame) in zip(others, agreed, strict=True):
            other = subject[recording]
            path = spread_to_frames(moments, frame, len(code.posture), np.full(len(frame), len(other.posture)))
            found.append((distance, other.recording_id, path))
        return found

    def beside(self, code: PostureSeries, subjects: Iterable[str]) -> np.ndarray:
        """The matching postures [S, M, D] of `subjects`, all of them matched ones.

        Never of the recording's own subject, but where there is no other.
        """
        others = [subject for subject in subjects if subject != code.subject] or [code.subject]
        return np.stack([self.match(code, subject).posture for subject in others])

    def residual(self, code: PostureSeries, subjects: Iterable[str]) -> np.ndarray:
        """Posture minus twin [M, D], the twin made of `subjects`, never of the recording's own."""
        return code.posture[self.moments(code).frame] - trimmed_mean(self.beside(code, subjects))


def blend(postures: Sequence[np.ndarray], stride: int) -> np.ndarray:
    """The twin float32 [T, D] of what each reference subject does at the same moments, [T, D] each."""
    mean = gaussian_filter1d(trimmed_mean(np.stack(postures)), stride, axis=0, mode="nearest")
    return np.asarray(mean, np.float32)


def movement_basis(codes: Sequence[PostureSeries]) -> np.ndarray:
    """Principal directions [D, K] in which postures move within recordings."""
    return movement_directions(codes, SIGNATURE_DIM)[1]


def twin_basis(codes: Sequence[PostureSeries]) -> np.ndarray:
    """Directions [D, K] by which a shown twin finds its moments; the strong ones have less weight.

    Opening and closing the legs is what moves most, and is the same half a cycle later; which of them is in front shows
    in weaker directions. So a direction counts by the square root of its standard deviation (reference frames half a
    cycle out, two rendered studies coded by `standard`: 13 and 20 % with 16 directions as they are, 9 and 15 % so).
    Scores gain nothing by it, and a deviation of a second reaches further beyond it.
    """
    values, vectors = movement_directions(codes, TWIN_DIM)
    share = values / max(float(values[0]), 1e-12)
    return (vectors * np.maximum(share, 1e-6) ** (-EVENED / 2)).astype(np.float32)


def movement_directions(codes: Sequence[PostureSeries], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Variances [K] and principal directions [D, K] in which postures move within recordings, at most `count`."""
    moving = [code.posture - code.posture.mean(0) for code in codes]
    covariance = np.mean([m.T @ m / len(m) for m in moving], axis=0)
    values, vectors = np.linalg.eigh(covariance)
    return values[::-1][:count], np.ascontiguousarray(vectors[:, ::-1][:, :count], np.float32)
