"""Checks of a clip: the factor that it shows, and the frames that are not to be trusted.

The factor is measured twice in frames of the clip a quarter of a second apart: by the contours that the eye finds in
them, and in the postures of the encoder. Frames of which no faithful picture could be made are marked, not repaired.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Picture
from ubam.magnification.displacement_map import DisplacementMap
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.trust import (
    BENT_SHARE,
    DOUBT,
    OVER_SHARE,
    TORN_SHARE,
    bent_share,
    doubt,
    hardly_moves,
    outline_lost,
    overlaid_share,
    torn_share,
)
from ubam.results.records.clips import REASONS, ClipFacts, Marked
from ubam.tracking.crop_store import CropStore

DOSE_SHARE = 0.5  # of the requested change, by which the pictures may miss it


def factor_words(made: Magnification, factor: float) -> str:
    """Return the requested and the measured factor in words, as "asked 2×, measured 1.7×"."""
    return f"asked {factor:g}×, measured {round(made.measured(factor).geometric, 1) + 0.0:.1f}×"  # no "-0.0"


def frame_issues(made: Magnification, frame: Frame, factor: float) -> tuple[str, ...]:
    """Return the keys of `REASONS` that hold for a frame at `factor`: those whose value is above 1."""
    return issues_of(frame_values(made, frame, factor))


def issues_of(values: Mapping[str, float]) -> tuple[str, ...]:
    """Return the keys of `REASONS` whose value, as in `frame_values`, is above 1, in their order."""
    return tuple(name for name in REASONS if values.get(name, 0) > 1)


def frame_values(made: Magnification, frame: Frame, factor: float) -> dict[str, float]:
    """What is measured of a frame at `factor` for each of `REASONS`, over the limit above which the frame is marked.

    Of a frame with nothing to magnify only whether its outline is lost: then nothing could be found in it.
    """
    box, height = made.query.box[frame.position], made.query.height_at(frame.position)
    if hardly_moves(frame.field, frame.weight, (1 - factor) * float(box[2] - box[0]) / height):
        return {"lost": outline_lost(made.query, frame.position)}
    return {
        "unsure": doubt(frame.field, frame.weight, frame.error) / DOUBT,
        "dose": missed_dose(made, frame.position, factor) / DOSE_SHARE,
    } | picture_values(made.query, frame, factor)


def picture_values(query: CropStore, frame: Frame, factor: float) -> dict[str, float]:
    """Those values of `frame_values` that tell how well the subject was found and moved at `factor`."""
    moved, amount, (x0, y0, x1, y1) = frame.moved[factor], 1 - factor, frame.region
    before, flow = frame.recording[y0:y1, x0:x1], frame.flow * np.float32(amount)
    return {
        "lost": outline_lost(query, frame.position),
        "torn": max(moved.torn, torn_share(frame.field, frame.weight, amount)) / TORN_SHARE,
        "limbs": overlaid_share(frame.field, frame.weight, amount) / OVER_SHARE,
        "bent": bent_share(before, frame.background, moved.source_opacity, flow) / BENT_SHARE,
    }


def missed_dose(made: Magnification, position: int, factor: float) -> float:
    """By what share of the change that was asked for the clip, or the measured frames beside this one, miss it."""
    measured = made.measured(factor)
    beside = np.argsort(np.abs(measured.positions - position), kind="stable")[:2]
    along, length = measured.shown[beside].sum(0)
    near = 1 - along / length if length > 0 else factor
    return float(max(abs(measured.geometric - factor), abs(near - factor)) / abs(factor - 1))


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
