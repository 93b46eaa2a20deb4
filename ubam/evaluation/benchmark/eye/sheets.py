"""Contact sheets: frames with the outline that was found, and the true outline where it is known."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ubam.core.files import atomic_path

FOUND, TRUE, POINT = (255, 0, 255), (0, 255, 0), (255, 255, 0)  # RGB
TILE = 240  # px, the height of a tile
GAP = 4
SURROUNDINGS = 0.15  # of a box's side, shown around it


@dataclass(frozen=True)
class Tile:
    """A frame uint8 [H, W, 3], outlines [H, W] in 0..1, points [K, 2] px (labels), a caption.

    box: (x0, y0, x1, y1), when only the frame's part around it is to be shown.
    """

    picture: np.ndarray
    found: np.ndarray | None = None
    true: np.ndarray | None = None
    points: np.ndarray | None = None
    caption: str = ""
    box: np.ndarray | None = None


def draw_tile(tile: Tile, height: int = TILE) -> np.ndarray:
    """The frame, or its part around the box, at a height in px, with everything drawn on it."""
    left, top, right, bottom = _part(tile)
    picture, corner = tile.picture[top:bottom, left:right], np.array([left, top])
    zoom = height / picture.shape[0]
    size = (max(round(picture.shape[1] * zoom), 1), height)
    drawn = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR)
    for outline, colour in ((tile.true, TRUE), (tile.found, FOUND)):
        if outline is not None:
            part = outline[top:bottom, left:right].astype(np.float32)
            mask = (cv2.resize(part, size) > 0.5).astype(np.uint8)
            contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
            cv2.drawContours(drawn, contours, -1, colour, 1)
    for x, y in [] if tile.points is None else tile.points[np.isfinite(tile.points).all(1)]:
        cv2.circle(drawn, (round((x - corner[0]) * zoom), round((y - corner[1]) * zoom)), 2, POINT, -1, cv2.LINE_AA)
    if tile.caption:
        cv2.putText(drawn, tile.caption, (4, height - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(
            drawn, tile.caption, (4, height - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA
        )
    return np.asarray(drawn)


def _part(tile: Tile) -> tuple[int, int, int, int]:
    """The part that is shown (left, top, right, bottom): the box with some of its surroundings, or the whole frame."""
    height, width = tile.picture.shape[:2]
    if tile.box is None:
        return 0, 0, width, height
    room = SURROUNDINGS * (tile.box[2:] - tile.box[:2])
    left, top = np.maximum(np.floor(tile.box[:2] - room), 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(tile.box[2:] + room), [width, height]).astype(int).tolist()
    return (left, top, right, bottom) if right > left and bottom > top else (0, 0, width, height)


def write_sheet(path: Path, tiles: Iterable[Tile], columns: int = 6) -> None:
    """Write tiles as one PNG, row by row; the found outline is magenta, the true one green, labels are yellow."""
    drawn = [draw_tile(tile) for tile in tiles]
    if not drawn:
        return
    width = max(tile.shape[1] for tile in drawn)
    rows = []
    for start in range(0, len(drawn), columns):
        row = np.full((TILE + GAP, columns * (width + GAP), 3), 255, np.uint8)
        for number, tile in enumerate(drawn[start : start + columns]):
            row[: tile.shape[0], number * (width + GAP) : number * (width + GAP) + tile.shape[1]] = tile
        rows.append(row)
    _, encoded = cv2.imencode(".png", cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.tobytes())
