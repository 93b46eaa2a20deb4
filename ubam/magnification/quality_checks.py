"""What a finished clip really shows: the dose it reached, and which of its frames are not to be trusted, and why.

The dose is read by registering rendered pictures with the references again (`registration.dose.MeasuredFactor`), and
beside it by the posture code. A frame that no honest picture could be made of is marked, never repaired by guessing.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Picture
from ubam.magnification.displacement_map import Whereabouts, body_at
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.registration.dose import MeasuredFactor, RenderedView, outline_factor
from ubam.results.records.clips import ClipFacts, Marked
from ubam.tracking.crop_store import CLOSE

TORN_SHARE = 0.1  # of the subject's area without a source pixel: more, and the picture is a guess
DOSE_SHARE = 0.5  # by how much of the asked change a frame's outline may miss it
WEAKEST = 0.01  # mean displacement of a frame in shares of the box, below which its dose cannot be read
REASONS = {"off_manifold": "unlike any real posture", "torn": "torn", "dose": "dose missed"}
MEASURED_FRAMES = 200
GEOMETRIC_FRAMES = 12


def dose_words(made: Magnification, factor: float) -> str:
    """Return "asked 2×, measured 1.7×", as far as it was measured."""
    measured = made.dose.get(factor)
    return f"asked {factor:g}×" + (
        f", measured {round(measured, 1) + 0.0:.1f}×" if measured is not None else ", not measured"  # no "-0.0"
    )


def frame_issues(made: Magnification, frame: Frame, factor: float, view: Picture) -> tuple[str, ...]:
    """Return the names in `REASONS` of why a frame at `factor`, its view [V, V, 3] beside it, is not to be trusted."""
    if factor == 1:
        return ()
    found = []
    if made.manifold is not None and made.manifold.outside(made.embed(view[None]))[0]:
        found.append("off_manifold")
    if frame.moved[factor].torn > TORN_SHARE:
        found.append("torn")
    if _misses(made, frame, factor, view):
        found.append("dose")
    return tuple(found)


def hardly_deviates(made: Magnification, frame: Frame) -> bool:
    """Whether there is nothing to magnify in a frame: its mean displacement is below 1 % of the box."""
    body, length = body_at(made.query, frame.position), np.linalg.norm(frame.field, axis=-1)
    return float((body * length).sum()) < WEAKEST * float(body.sum())


def _misses(made: Magnification, frame: Frame, factor: float, view: Picture) -> bool:
    """Whether the clip's dose is far from the one asked for, or this outline from where it was to be moved."""
    if hardly_deviates(made, frame):
        return False
    amount = frame.amount(factor)
    if abs(made.dose.get(factor, factor) - factor) > DOSE_SHARE * abs(factor - 1):
        return True
    found = outline_factor(made.query, [frame.position], [view], [frame.field])
    return bool(np.isfinite(found) and abs(found - (1 - amount)) > DOSE_SHARE * abs(amount))


class Check:
    """Measures a clip while it is written; keeps a view of some frames, never a picture."""

    def __init__(self, made: Magnification, factor: float) -> None:
        self.made, self.factor = made, factor
        self.every = max(1, len(made.positions) // MEASURED_FRAMES)
        self.whereabouts = Whereabouts(made.query, made.gain.get(0.0, 1.0))
        self.shown: list[RenderedView] = []
        self.views: list[Picture] = []
        self.kept: list[float] = []
        self.doubts: list[tuple[str, ...]] = []

    def watch(self, frames: Iterator[Frame]) -> Iterator[tuple[Frame, tuple[str, ...]]]:
        """Pass frames on, each with the reasons not to trust it."""
        for frame in frames:
            picture = frame.moved[self.factor].picture
            view = self.made.view(picture, frame.position)
            if len(self.doubts) % self.every == 0:
                close = self.made.view(picture, frame.position, CLOSE)
                self.shown.append(RenderedView(frame.position, close, frame.field, frame.amount(self.factor)))
                self.views.append(view)
                self.kept.append(appearance_kept(frame, self.factor))
            self.doubts.append(frame_issues(self.made, frame, self.factor, view))
            self.whereabouts.add(frame.position, frame.field)
            yield frame, self.doubts[-1]

    def geometric(self) -> float:
        """The factor that registering a few of the finished pictures again finds; 1 where nothing deviates."""
        chosen = np.unique(np.linspace(0, len(self.shown) - 1, GEOMETRIC_FRAMES).round().astype(int))
        ruler = MeasuredFactor(self.made.query, self.made.matches, self.made.origin)
        found = ruler.reached([self.shown[i] for i in chosen])
        return found if np.isfinite(found) else 1.0

    def facts(self, layout: str) -> ClipFacts:
        """The numbers of the JSON beside the clip."""
        seen = np.array([one.position for one in self.shown])
        measured, off = self.made.measure(np.stack(self.views), seen)
        times, positions = self.made.query.time_s, self.made.positions
        doubtful = marked(self.doubts, times[positions])
        return ClipFacts(
            recording_id=self.made.query.recording_id,
            factor=self.factor,
            factor_measured=measured,
            factor_geometric=self.geometric() if self.factor != 1 else 1.0,
            inner_gain=self.made.gain.get(self.factor, 1.0),
            appearance_kept=float(np.mean(self.kept)),
            off_manifold=off,
            frames=len(self.doubts),
            from_s=float(times[positions[0]]),
            to_s=float(times[positions[-1]]),
            fps=self.made.query.fps,
            reference_subjects=len(self.made.matches),
            marked_frames=doubtful.frames,
            marked_reasons=doubtful.reasons,
            marked_s=doubtful.stretches_s,
            regions=self.whereabouts.regions(),
            displacement=self.whereabouts.displacement(),
            layout=layout,
        )


def marked(doubts: list[tuple[str, ...]], time_s: NDArray[np.float64]) -> Marked:
    """Return how many frames are marked, how many for each reason, and the stretches [start, end] in seconds."""
    counts = Counter(reason for reasons in doubts for reason in reasons)
    stretches: list[list[float]] = []
    for index, reasons in enumerate(doubts):
        if reasons and index and doubts[index - 1]:
            stretches[-1][1] = round(float(time_s[index]), 3)
        elif reasons:
            stretches.append([round(float(time_s[index]), 3)] * 2)
    return Marked(sum(map(bool, doubts)), {reason: counts[reason] for reason in REASONS}, stretches)


def appearance_kept(frame: Frame, factor: float) -> float:
    """Return the share (0..1) of the recording's subject colours, in 512 bins, that its moved picture still has."""
    x0, y0, x1, y1 = frame.region
    moved = frame.moved[factor]
    before, after = frame.recording[y0:y1, x0:x1], moved.picture[y0:y1, x0:x1]
    shares = [_colours(before, moved.source_opacity), _colours(after, moved.opacity)]
    return float(np.minimum(*shares).sum())


def _colours(picture: Picture, opacity: NDArray[np.float32]) -> NDArray[np.float64]:
    bins = (picture >> 5).astype(np.int64) @ np.array([64, 8, 1])
    histogram = np.bincount(bins.ravel(), opacity.ravel(), 512)
    return histogram / max(histogram.sum(), 1e-9)
