"""Checks of a clip: the factor that it shows, and the frames that are not to be trusted.

The factor is measured twice in frames of the clip a quarter of a second apart: by the contours that the eye finds in
them, and in the postures of the encoder. Frames of which no faithful picture could be made are marked, not repaired.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Picture
from ubam.magnification.displacement_map import DisplacementMap
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.trust import (
    OVER_SHARE,
    TORN_SHARE,
    hardly_deviates,
    is_unsure,
    outline_lost,
    overlaid_share,
    torn_share,
)
from ubam.results.records.clips import REASONS, ClipFacts, Marked

DOSE_SHARE = 0.5  # of the requested change, by which the pictures may miss it


def factor_words(made: Magnification, factor: float) -> str:
    """Return the requested and the measured factor in words, as "asked 2×, measured 1.7×"."""
    return f"asked {factor:g}×, measured {round(made.measured(factor).geometric, 1) + 0.0:.1f}×"  # no "-0.0"


def frame_issues(made: Magnification, frame: Frame, factor: float) -> tuple[str, ...]:
    """Return the keys of `REASONS` that hold for a frame at `factor`; a frame with nothing to magnify has none."""
    if factor == 1 or hardly_deviates(frame.field, frame.weight):
        return ()
    amount = 1 - factor
    found = {
        "lost": outline_lost(made.query, frame.position),
        "unsure": is_unsure(frame.field, frame.weight, frame.spread, len(made.registration.matches)),
        "torn": max(frame.moved[factor].torn, torn_share(frame.field, frame.weight, amount)) > TORN_SHARE,
        "limbs": overlaid_share(frame.field, frame.weight, amount) > OVER_SHARE,
        "dose": misses_dose(made, frame.position, factor),
    }
    return tuple(name for name in REASONS if found.get(name))


def misses_dose(made: Magnification, position: int, factor: float) -> bool:
    """Whether the clip, or the measured frames beside this one, show far less or far more than was asked for."""
    measured = made.measured(factor)
    off = abs(measured.geometric - factor)
    if off > DOSE_SHARE * abs(factor - 1):
        return True
    beside = np.argsort(np.abs(measured.positions - position), kind="stable")[:2]
    along, length = measured.shown[beside].sum(0)
    return bool(length > 0 and abs(1 - along / length - factor) > DOSE_SHARE * abs(factor - 1))


class Check:
    """Gathers what is to be said of a clip while it is written; keeps no pictures."""

    def __init__(self, made: Magnification, factor: float) -> None:
        self.made, self.factor = made, factor
        self.measured = made.measured(factor)
        self.displacement = DisplacementMap(made.query)
        self.kept: list[float] = []
        self.issues: list[tuple[str, ...]] = []

    def watch(self, frames: Iterator[Frame]) -> Iterator[tuple[Frame, tuple[str, ...]]]:
        """Yield the frames, each with the keys of `REASONS` that hold for it."""
        looked_at = set(self.measured.positions.tolist())
        for frame in frames:
            if frame.position in looked_at or not self.kept:
                self.kept.append(appearance_kept(frame, self.factor))
            self.issues.append(frame_issues(self.made, frame, self.factor))
            self.displacement.add(frame.position, frame.field)
            yield frame, self.issues[-1]

    def facts(self, layout: str) -> ClipFacts:
        """The facts for the JSON beside the clip."""
        times, positions = self.made.query.time_s, self.made.positions
        marks = marked(self.issues, times[positions])
        return ClipFacts(
            recording_id=self.made.query.recording_id,
            factor=self.factor,
            factor_measured=self.measured.by_posture,
            factor_geometric=self.measured.geometric if self.factor != 1 else 1.0,
            appearance_kept=float(np.mean(self.kept)),
            frames=len(self.issues),
            from_s=float(times[positions[0]]),
            to_s=float(times[positions[-1]]),
            fps=self.made.query.fps,
            reference_subjects=len(self.made.registration.matches),
            marked_frames=marks.frames,
            marked_reasons=marks.reasons,
            marked_s=marks.stretches_s,
            regions=self.displacement.regions(),
            displacement=self.displacement.over_time(),
            layout=layout,
        )


def marked(issues: list[tuple[str, ...]], time_s: NDArray[np.float64]) -> Marked:
    """Return the number of marked frames, in all and for each reason, and the marked stretches [start, end] in s."""
    counts = Counter(reason for reasons in issues for reason in reasons)
    stretches: list[list[float]] = []
    for index, reasons in enumerate(issues):
        if reasons and index and issues[index - 1]:
            stretches[-1][1] = round(float(time_s[index]), 3)
        elif reasons:
            stretches.append([round(float(time_s[index]), 3)] * 2)
    return Marked(sum(map(bool, issues)), {reason: counts[reason] for reason in REASONS}, stretches)


def appearance_kept(frame: Frame, factor: float) -> float:
    """Return the overlap (0..1) of the subject's colour histograms, of 512 bins, before and after the move."""
    x0, y0, x1, y1 = frame.region
    moved = frame.moved[factor]
    before, after = frame.recording[y0:y1, x0:x1], moved.picture[y0:y1, x0:x1]
    shares = [_colours(before, moved.source_opacity), _colours(after, moved.opacity)]
    return float(np.minimum(*shares).sum())


def _colours(picture: Picture, opacity: NDArray[np.float32]) -> NDArray[np.float64]:
    bins = (picture >> 5).astype(np.int64) @ np.array([64, 8, 1])
    histogram = np.bincount(bins.ravel(), opacity.ravel(), 512)
    return histogram / max(histogram.sum(), 1e-9)
