"""Magnified clips as files: twin, recording and magnified side by side, or one alone at the recording's size."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.errors import UbamError
from ubam.magnification import Frame, Magnification, region_of
from ubam.registration import delivered
from ubam.video import write_clip

Picture = NDArray[np.uint8]
Region = tuple[int, int, int, int]

LAYOUTS = ("side-by-side", "magnified", "twin")
PANEL_HEIGHT = (256, 480)
WIDEST_PANEL = 640
HEADER = 30
WARM = np.array([255, 120, 40], np.float32)
SIGNIFICANT = 0.02  # of the body height: smaller displacements are not marked
MEASURED_FRAMES = 200
GEOMETRIC_FRAMES = 12


def write_magnified(
    out: Path,
    layout: str,
    magnification: Magnification,
    factor: float,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write one clip at the recording's frame rate and return what its JSON says.

    Args:
        out: the .mp4 to write, whole or not at all.
        layout: "side-by-side" (twin, recording, magnified with the difference marked), "magnified" or "twin" (one frame
            per frame of the recording, at its size, nothing drawn).
        factor: of the magnified picture; "twin" is always factor 0.

    The dose is measured again on the finished pictures (at most 200, evenly spread): `factor_measured` in the posture
    code, `factor_geometric` in the picture, along the displacement that was asked for; `appearance_kept` is the share
    of the subject's colours that the magnified picture still has,
    `off_manifold` the share of frames whose posture is unlike any real one.
    """
    if layout not in LAYOUTS:
        raise UbamError(f"There is no layout '{layout}'; choose one of {', '.join(LAYOUTS)}.")
    factor = 0.0 if layout == "twin" else float(factor)
    factors = (0.0, factor) if layout == "side-by-side" else (factor,)
    check = _Check(magnification, factor)
    frames = _counted(magnification.rendered(factors), len(magnification.positions), progress)
    checked = check.watch(frames)
    if layout == "side-by-side":
        pictures = _panels(magnification, checked, factor)
    else:
        pictures = (frame.moved[factor].picture for frame in checked)
    write_clip(out, pictures, magnification.query.fps)
    return check.facts() | {"layout": layout}


def _counted(frames: Iterator[Frame], total: int, progress: Callable[[int, int], None] | None) -> Iterator[Frame]:
    for done, frame in enumerate(frames, 1):
        if progress:
            progress(done, total)
        yield frame


class _Check:
    """Measures a clip while it is written; keeps a view of some frames, never a picture."""

    def __init__(self, magnification: Magnification, factor: float) -> None:
        self.made, self.factor = magnification, factor
        self.every = max(1, len(magnification.positions) // MEASURED_FRAMES)
        self.views: list[Picture] = []
        self.positions: list[int] = []
        self.fields: list[NDArray[np.float32]] = []
        self.kept: list[float] = []
        self.count = 0

    def watch(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Pass frames on, looking at every n-th."""
        for frame in frames:
            if self.count % self.every == 0:
                picture = frame.moved[self.factor].picture
                self.views.append(self.made.view(picture, frame.position))
                self.positions.append(frame.position)
                self.fields.append(frame.field)
                self.kept.append(appearance_kept(frame, self.factor))
            self.count += 1
            yield frame

    def geometric(self) -> float:
        """The factor that registering a few of the finished pictures again finds; 1 where nothing deviates."""
        chosen = np.unique(np.linspace(0, len(self.views) - 1, GEOMETRIC_FRAMES).round().astype(int))
        lists = ([each[index] for index in chosen] for each in (self.positions, self.views, self.fields))
        positions, views, asked = lists
        found = delivered(self.made.query, positions, views, asked)
        return found if np.isfinite(found) else 1.0

    def facts(self) -> dict[str, Any]:
        """The numbers of the JSON beside the clip."""
        measured, off = self.made.measure(np.stack(self.views), np.array(self.positions))
        times, positions, gain = self.made.query.time_s, self.made.positions, self.made.gain.get(self.factor, 1.0)
        return {
            "recording_id": self.made.query.recording_id,
            "factor": self.factor,
            "factor_measured": measured,
            "factor_geometric": self.geometric() if self.factor != 1 else 1.0,
            "inner_gain": gain,
            "appearance_kept": float(np.mean(self.kept)),
            "off_manifold": off,
            "frames": self.count,
            "from_s": float(times[positions[0]]),
            "to_s": float(times[positions[-1]]),
            "fps": self.made.query.fps,
            "reference_subjects": len(self.made.matches),
        }


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


def _panels(made: Magnification, frames: Iterator[Frame], factor: float) -> Iterator[Picture]:
    regions = shown_regions(made)
    scale = panel_scale(regions[0])
    size = (
        max(2, round((regions[0][2] - regions[0][0]) * scale)),
        max(2, round((regions[0][3] - regions[0][1]) * scale)),
    )
    header = _header(made, factor, size[0])
    for region, frame in zip(regions, frames, strict=False):
        marked = mark(frame, factor, made.query.body_height)
        panels = [_panel(picture, region, size) for picture in (frame.moved[0.0].picture, frame.recording, marked)]
        if _is_off(made, frame, factor):
            _sign(panels[2])
        yield np.vstack([header, np.hstack(panels)])


def shown_regions(made: Magnification) -> list[Region]:
    """Return the part of the picture (x0, y0, x1, y1) shown at each position, of one size over the whole clip.

    All that the subject passes through, unless it goes far: then the panel goes with the subject, which is seen larger.
    """
    query, boxes = made.query, made.query.box[made.positions]
    parts = np.array([region_of(box, query.width, query.height) for box in boxes])
    x0, y0, x1, y1 = (int(side) for side in (*parts[:, :2].min(0), *parts[:, 2:].max(0)))
    if (x1 - x0) * (y1 - y0) > 0.8 * query.width * query.height and x1 - x0 < 1.6 * (parts[:, 2] - parts[:, 0]).max():
        return [(0, 0, query.width, query.height)] * len(boxes)
    if max(x1 - x0, y1 - y0) < 1.6 * max((parts[:, 2:] - parts[:, :2]).max(), 1):
        return [(x0, y0, x1, y1)] * len(boxes)
    return [_beside(box, parts, query.width, query.height) for box in boxes]


def _beside(box: NDArray[np.float32], parts: NDArray[np.int64], width: int, height: int) -> Region:
    wide, high = (int(side) for side in (parts[:, 2:] - parts[:, :2]).max(0))
    x0 = int(np.clip(round(float(box[0] + box[2] - wide) / 2), 0, width - wide))
    y0 = int(np.clip(round(float(box[1] + box[3] - high) / 2), 0, height - high))
    return x0, y0, x0 + wide, y0 + high


def panel_scale(region: Region) -> float:
    """Return a scale that makes a panel at least 256 px high, whole where it enlarges, and no wider than 640 px."""
    width, height = region[2] - region[0], region[3] - region[1]
    scale = float(np.ceil(PANEL_HEIGHT[0] / height)) if height < PANEL_HEIGHT[0] else min(1.0, PANEL_HEIGHT[1] / height)
    return min(scale, max(WIDEST_PANEL / width, 0.2))


def _panel(picture: Picture, region: Region, size: tuple[int, int]) -> Picture:
    part = picture[region[1] : region[3], region[0] : region[2]]
    method = cv2.INTER_AREA if size[0] < part.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, size, interpolation=method), np.uint8)


def mark(frame: Frame, factor: float, body_height: float) -> Picture:
    """Return the magnified picture with a warm tint and a few arrows where it differs from the recording by more than
    2 % of the body height."""
    x0, y0, x1, y1 = frame.region
    moved = frame.moved[factor]
    picture = moved.picture.copy()
    part = picture[y0:y1, x0:x1].astype(np.float32)
    strength = np.clip(moved.length / (SIGNIFICANT * body_height) - 1, 0, 2) / 2
    tint = 0.45 * cv2.GaussianBlur(strength * moved.opacity, (0, 0), max(1.0, body_height / 100))[..., None]
    part = np.ascontiguousarray((part * (1 - tint) + WARM * tint).astype(np.uint8))
    for start, end in _arrows(frame, factor, body_height):
        thickness = max(1, round(body_height / 160))
        cv2.arrowedLine(part, start, end, (255, 235, 120), thickness, cv2.LINE_AA, tipLength=0.35)
    picture[y0:y1, x0:x1] = part
    return picture


def _arrows(frame: Frame, factor: float, body_height: float) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Sparse arrows (start, end) in pixels of the region, from the recording's place to the magnified one."""
    moved, flow = frame.moved[factor], frame.flow * np.float32(frame.amount(factor))
    height, width = moved.opacity.shape
    to_grid = np.array([flow.shape[1] / width, flow.shape[0] / height])
    length = np.linalg.norm(flow, axis=-1)
    inside = cv2.resize(moved.source_opacity, flow.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.6
    length = np.where(inside, length, 0)
    arrows: list[tuple[tuple[int, int], tuple[int, int]]] = []
    reach = 0.16 * body_height * to_grid.mean()
    while len(arrows) < 6 and length.max() > 2 * SIGNIFICANT * body_height:
        row, column = np.unravel_index(int(length.argmax()), length.shape)
        start = (np.array([column, row]) + 0.5) / to_grid
        end = start + flow[row, column]
        arrows.append(((int(start[0]), int(start[1])), (int(end[0]), int(end[1]))))
        rows, columns = np.ogrid[: length.shape[0], : length.shape[1]]
        length[(rows - row) ** 2 + (columns - column) ** 2 < reach**2] = 0
    return arrows


def _is_off(made: Magnification, frame: Frame, factor: float) -> bool:
    view = made.view(frame.moved[factor].picture, frame.position)
    return bool(made.manifold is not None and made.manifold.outside(made.embed(view[None]))[0])


def _sign(panel: Picture) -> None:
    """A small hollow triangle in the corner: this posture is unlike any real one."""
    side = max(8, panel.shape[0] // 16)
    right = panel.shape[1] - 6
    corners = np.array([[right - side, 6 + side], [right, 6 + side], [right - side // 2, 6]])
    cv2.polylines(panel, [corners], True, (255, 200, 0), max(1, side // 8), cv2.LINE_AA)


def _header(made: Magnification, factor: float, width: int) -> Picture:
    """The bar above the panels, with the factor asked and measured."""
    measured = made.dose.get(factor)
    found = f", posture code {measured:.1f}×" if measured is not None else ""
    words = ("Twin", "Recording", f"Magnified {factor:g}×{found}")
    return np.hstack([label(word, width, HEADER) for word in words])


def label(text: str, width: int, height: int) -> Picture:
    """Return `text` in dark grey on white, uint8 [height, width, 3], smaller where it would not fit."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    size = min(0.36 * height, 1.15 * width / max(len(text), 1))
    figure.text(8 / width, 0.5, text, va="center", ha="left", fontsize=size, color="#222222")
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3]
    return np.ascontiguousarray(cv2.resize(picture, (width, height)))
