"""Magnified clips as files, in the layouts that a person can choose."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ubam.core.errors import UbamError
from ubam.core.progress import Progress, counted
from ubam.core.settings import LAYOUTS, SUFFIXES
from ubam.magnification.layouts.overlay import overlay_pictures
from ubam.magnification.layouts.side_by_side import side_by_side
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.quality_checks import Check
from ubam.magnification.registration.kept import keep
from ubam.recordings.video_writer import write_clip
from ubam.results.records.clips import ClipFacts

TO_THE_TWIN = ("twin", "overlay")  # these layouts show factor 0, whatever the requested one


def write_magnified(
    out: Path,
    layout: str,
    magnification: Magnification,
    factor: float,
    *,
    progress: Progress | None = None,
    check: Check | None = None,
    moments: int = 0,
) -> ClipFacts:
    """Write one clip at the recording's frame rate, or a strip figure, and return the facts for its JSON.

    Parameters
    ----------
    out
        The .mp4 to write, whole or not at all. For a strip, the .png or the .svg; both are written.
    layout
        "side-by-side" (twin, recording, magnified with the difference marked), "magnified" or "twin" (one frame
        per frame of the recording), "overlay" (the recording with its deviation marked), "strip" (a figure).
    factor
        Of the magnified picture; "twin" and "overlay" are always factor 0.
    check
        Made for this magnification and factor, if the caller reads it afterwards.
    moments
        Of a strip; 0 for six.

    The factor is measured in at most 48 of the pictures, evenly spread: `factor_measured` in postures,
    `factor_geometric` by contours. `appearance_kept` is the share of the subject's colours that the magnified picture
    keeps; `marked_frames` are not to be trusted (`results.records.clips.REASONS`).

    Raises
    ------
    UbamError
        There is no such layout, or `out` has the wrong suffix.
    """
    if layout not in LAYOUTS:
        raise UbamError(f"There is no layout '{layout}'; choose one of {', '.join(LAYOUTS)}.")
    if out.suffix.lower() not in SUFFIXES[layout]:
        raise UbamError(f"The layout '{layout}' is written as {' and '.join(SUFFIXES[layout])}, not as {out.name}.")
    factor = 0.0 if layout in TO_THE_TWIN else float(factor)
    if layout == "strip":
        from ubam.magnification.layouts.strip import MOMENTS, write_strip  # here: a clip does not wait for matplotlib

        return write_strip(out, magnification, factor, moments or MOMENTS)
    check = check or Check(magnification, factor)
    factors = (0.0, factor) if layout == "side-by-side" else (factor,)
    frames = counted(magnification.rendered(factors), len(magnification.positions), progress)
    write_clip(out, _pictures(layout, magnification, check.watch(frames), factor), magnification.query.fps)
    keep(magnification.registration)
    return check.facts(layout)


def _pictures(
    layout: str, made: Magnification, frames: Iterator[tuple[Frame, tuple[str, ...]]], factor: float
) -> Iterator[NDArray[np.uint8]]:
    if layout == "side-by-side":
        return side_by_side(made, frames, factor)
    if layout == "overlay":
        return overlay_pictures(made, frames)
    return (frame.moved[factor].picture for frame, _ in frames)
