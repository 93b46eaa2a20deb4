"""Heat, arrows, labels and borders that are drawn into the pictures of a clip.

Heat runs from yellow to vermilion (Okabe and Ito 2008) and is transparent, so that texture stays visible. Arrows are
white with a dark rim. Both are visible to colour-blind people, on light and on dark subjects.
"""

from functools import lru_cache

import cv2
import numpy as np

from ubam.core.typing import Array, Picture
from ubam.magnification.layouts.colours import AMBER, heat_colour
from ubam.magnification.magnify import Frame
from ubam.magnification.trust import WEAKEST
from ubam.results.records.clips import REASONS

Arrow = tuple[tuple[float, float], tuple[float, float]]  # start and end (x, y) in pixels
Region = tuple[int, int, int, int]

LOW, HIGH = WEAKEST, 0.10  # body heights: a displacement below LOW is not marked, one above HIGH has the last colour

OPACITY = (0.5, 0.65)  # of the heat, from LOW to HIGH
ARROWS_FROM = 0.04  # body heights; a shorter arrow would be a dot
ARROW_STEP = 0.11  # body heights between the places where arrows start

RAMP = heat_colour(np.linspace(0, 1, 256, dtype=np.float32))

INK = (34, 38, 43)
ROW = 22  # pixels, height of a line of text


def lay_heat(picture: Picture, length: Array, opacity: Array, body_height: float) -> Picture:
    """Return `picture` [h, w, 3] with heat where the subject's displacement is above 2 % of the body height.

    length [h, w]: of the displacement, in pixels. opacity [h, w]: of the subject, in 0..1. body_height: pixels.
    """
    soft = max(0.7, body_height / 200)
    warm, out = opacity * (length > LOW * body_height), picture.copy()
    x, y, width, height = cv2.boundingRect((warm > 0).astype(np.uint8))
    if not width:
        return out
    rim = int(4 * soft) + 1  # as far as the blur reaches
    part = np.s_[max(0, y - rim) : y + height + rim, max(0, x - rim) : x + width + rim]
    share = np.clip((length[part] / np.float32(body_height) - LOW) / (HIGH - LOW), 0, 1)
    there = cv2.GaussianBlur(warm[part].astype(np.float32), (0, 0), soft)
    shown = there > 0
    share, there, before = share[shown], there[shown], picture[part][shown]
    alpha = np.repeat(there * (OPACITY[0] + (OPACITY[1] - OPACITY[0]) * share), 3).reshape(-1, 3)
    grey = cv2.cvtColor(picture[part], cv2.COLOR_RGB2GRAY)[shown].astype(np.float32) / 255
    light = np.repeat(np.float32(0.6) + np.float32(0.4) * grey, 3).reshape(-1, 3)
    painted = RAMP[np.rint(share * (len(RAMP) - 1)).astype(np.int64)] * light
    out[part][shown] = np.rint((1 - alpha) * before + alpha * painted).clip(0, 255).astype(np.uint8)
    return out


def arrows_of(flow: Array, opacity: Array, box: Array, body_height: float) -> list[Arrow]:
    """Return arrows (start, end) along `flow`; they start on a lattice that moves with the box, so that none jumps.

    Parameters
    ----------
    flow
        float32 [h, w, 2], in pixels of the picture, on a grid over it.
    opacity
        float32 [H, W] in 0..1, the subject where the arrows start.
    box
        (x0, y0, x1, y1) of the subject in the picture.
    """
    height, width = opacity.shape
    step, middle = ARROW_STEP * body_height, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    reach = int((box[2] - box[0]) / step) + 1
    arrows = []
    for row in range(-reach, reach + 1):
        for column in range(-reach, reach + 1):
            x, y = middle[0] + (column + 0.5 * (row % 2)) * step, middle[1] + row * step
            if not (0 <= x < width and 0 <= y < height and opacity[int(y), int(x)] > 0.6):
                continue
            shift = flow[int(y * flow.shape[0] / height), int(x * flow.shape[1] / width)]
            if float(np.hypot(*shift)) > ARROWS_FROM * body_height:
                arrows.append(((float(x), float(y)), (float(x + shift[0]), float(y + shift[1]))))
    return arrows


def draw_arrows(picture: Picture, arrows: list[Arrow], body_height: float) -> None:
    """Draw white arrows in a dark rim into `picture`."""
    thickness = max(1, round(body_height / 170))
    for colour, width in ((INK, thickness + 2), ((255, 255, 255), thickness)):
        for start, end in arrows:
            tip = min(0.5, 4.5 * thickness / max(float(np.hypot(end[0] - start[0], end[1] - start[1])), 1e-6))
            tail, head = ([round(x), round(y)] for x, y in (start, end))
            cv2.arrowedLine(picture, tail, head, colour, width, cv2.LINE_AA, tipLength=tip)


def mark_change(frame: Frame, factor: float, box: Array, body_height: float) -> tuple[Picture, list[Arrow]]:
    """Return the magnified picture with heat where it differs from the recording, and arrows along the move."""
    moved = frame.moved[factor]
    flow = frame.flow * np.float32(1 - factor)
    picture = _heated(moved.picture, frame.region, moved.length, moved.opacity, body_height)
    return picture, _arrows(frame.region, flow, moved.source_opacity, box, body_height)


def shows_heat(frame: Frame, factor: float, body_height: float) -> bool:
    """Whether any part of the subject is moved far enough at `factor` to be marked."""
    moved = frame.moved[factor]
    return bool((moved.length[moved.opacity > 0.5] > LOW * body_height).any())


def mark_deviation(frame: Frame, box: Array, body_height: float) -> tuple[Picture, list[Arrow]]:
    """Return the recording with heat where it deviates from its twin, and arrows towards the twin."""
    opacity, flow = frame.moved[0.0].source_opacity, frame.flow
    length = cv2.resize(np.linalg.norm(flow, axis=-1), opacity.shape[::-1], interpolation=cv2.INTER_LINEAR)
    picture = _heated(frame.recording, frame.region, np.asarray(length, np.float32), opacity, body_height)
    return picture, _arrows(frame.region, flow, opacity, box, body_height)


def _heated(picture: Picture, region: Region, length: Array, opacity: Array, body_height: float) -> Picture:
    x0, y0, x1, y1 = region
    out = picture.copy()
    out[y0:y1, x0:x1] = lay_heat(picture[y0:y1, x0:x1], length, opacity, body_height)
    return out


def _arrows(region: Region, flow: Array, opacity: Array, box: Array, body_height: float) -> list[Arrow]:
    x0, y0 = region[:2]
    found = arrows_of(flow, opacity, box - np.array([x0, y0, x0, y0]), body_height)
    return [((sx + x0, sy + y0), (ex + x0, ey + y0)) for (sx, sy), (ex, ey) in found]


def reasons_words(issues: tuple[str, ...]) -> str:
    """The reasons in words, in the order of `REASONS`."""
    return ", ".join(REASONS[name] for name in REASONS if name in issues)


def fence(picture: Picture) -> None:
    """Draw an amber border with dark edges into a picture that must be judged with care."""
    thick = max(2, picture.shape[0] // 60)
    cv2.rectangle(picture, (0, 0), (picture.shape[1] - 1, picture.shape[0] - 1), INK, 2 * thick + 2)
    cv2.rectangle(picture, (0, 0), (picture.shape[1] - 1, picture.shape[0] - 1), AMBER, 2 * thick)


@lru_cache(maxsize=8)
def legend(width: int, height: int) -> Picture:
    """The scale of the heat, uint8 [height, width, 3]: from 2 to 10 % of the body height."""
    words = (f"{100 * LOW:.0f} %", f"{100 * HIGH:.0f} % of body height")
    left, right = round(0.16 * width), round(0.58 * width)
    ramp = np.repeat(heat_colour(np.linspace(0, 1, width - left - right, dtype=np.float32))[None], height, 0)
    bar = np.full((height, ramp.shape[1], 3), 255, np.uint8)
    bar[height // 4 : -(height // 4)] = ramp[height // 4 : -(height // 4)]
    return np.hstack([label(words[0], left, height), bar, label(words[1], right, height)])


@lru_cache(maxsize=64)
def label(text: str, width: int, height: int, warning: bool = False) -> Picture:
    """Return `text` in dark grey on white (amber for a warning), uint8 [height, width, 3], smaller where too long."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    ground = "#{:02x}{:02x}{:02x}".format(*AMBER) if warning else "white"
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=ground)
    canvas = FigureCanvasAgg(figure)
    words = figure.text(min(8, 0.04 * width) / width, 0.5, text, va="center", ha="left", color="#22262b")
    words.set_fontsize(0.42 * height)
    wide = words.get_window_extent(canvas.get_renderer()).width / max(0.95 * width - 8, 1)
    words.set_fontsize(0.42 * height / max(wide, 1))
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3]
    return np.ascontiguousarray(cv2.resize(picture, (width, height)))
