"""The layers of a clip, small enough to be sent: with them a browser shows any factor at once.

A film holds the recording, the empty scene and the subject's opacity, one below the other; beside it stands the
displacement of every frame on a coarse grid. Moving the subject by (1 - factor) times its displacement over the empty
scene gives the picture at that factor, without the repairs of the gap-filling network.
"""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from ubam.core.files import write_json
from ubam.core.typing import Array, Picture
from ubam.magnification.layouts.side_by_side import Region, cut_panel, panel_size, shown_regions
from ubam.magnification.magnify import Frame, Magnification
from ubam.magnification.quality_checks import Check
from ubam.recordings.video_writer import clip_film

GRID = 40  # points of the displacement along the longer side
MOST_FRAMES = 400  # of a longer clip no layers are kept
STEPS = 127  # of a displacement in one direction, the largest of the clip
CRF = 16  # a soft opacity would be a soft rim


class Layers(Check):
    """A check that writes the layers of the clip that it watches into the film `out` (.mp4), frame by frame."""

    def __init__(self, made: Magnification, factor: float, out: Path) -> None:
        super().__init__(made, factor)
        self._out, self._regions = out, shown_regions(made)
        width, height = panel_size(self._regions[0])
        self._size = width - width % 2, height - height % 2
        self._flows: list[Array] = []
        self._heights: list[float] = []

    def watch(self, frames: Iterator[Frame]) -> Iterator[tuple[Frame, tuple[str, ...]]]:
        """Yield what `Check` does, and write the film on the way."""
        if len(self._regions) > MOST_FRAMES:
            yield from super().watch(frames)
            return
        width, height = self._size
        with clip_film(self._out, (3 * height, width, 3), self.made.query.fps, CRF) as add:
            for (frame, issues), region in zip(super().watch(frames), self._regions, strict=False):
                add(self._layers(frame, region))
                yield frame, issues

    def _layers(self, frame: Frame, region: Region) -> Picture:
        query = self.made.query
        self._flows.append(flow_on_grid(frame, region, self._size[0]))
        self._heights.append(query.height_at(frame.position) * self._size[0] / (region[2] - region[0]))
        scene = query.seen(self.made.scene, frame.position).background
        opacity = _placed(frame, query.height, query.width)
        return np.vstack([cut_panel(picture, region, self._size) for picture in (frame.recording, scene, opacity)])

    def write(self) -> bool:
        """Write the displacements beside the film (.json); False where the clip was too long."""
        if not self._flows:
            return False
        flows = np.stack(self._flows)
        step = max(float(np.abs(flows).max()), 1e-3) / STEPS
        coded = b64encode(np.rint(flows / step).astype(np.int8).tobytes()).decode()
        write_json(self._out.with_suffix(".json"), {
            "fps": self.made.query.fps, "size": list(self._size), "grid": [flows.shape[2], flows.shape[1]],
            "heights": [round(height, 1) for height in self._heights], "step": step, "flow": coded,
        })  # fmt: skip
        return True


def flow_on_grid(frame: Frame, region: Region, width: int) -> Array:
    """The displacement to the twin at points over `region`, corners included, in pixels of a panel of that width.

    float32 [h, w, 2] (x, y), at most `GRID` points along the longer side.
    """
    x0, y0, x1, y1 = region
    longest = max(x1 - x0, y1 - y0)
    points = [max(2, round(GRID * side / longest)) for side in (x1 - x0, y1 - y0)]
    x, y = np.linspace(x0, x1, points[0]), np.linspace(y0, y1, points[1])
    left, top, right, bottom = frame.region
    rows, columns = frame.flow.shape[:2]
    map_x, map_y = np.meshgrid((x - left) * columns / (right - left) - 0.5, (y - top) * rows / (bottom - top) - 0.5)
    maps = map_x.astype(np.float32), map_y.astype(np.float32)
    found = cv2.remap(frame.flow, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found * np.float32(width / (x1 - x0)), np.float32)


def _placed(frame: Frame, height: int, width: int) -> Picture:
    """The subject's opacity in the whole picture, as a grey picture uint8 [H, W, 3]."""
    x0, y0, x1, y1 = frame.region
    whole = np.zeros((height, width), np.uint8)
    opacity = next(iter(frame.moved.values())).source_opacity
    whole[y0:y1, x0:x1] = np.rint(255 * np.clip(opacity, 0, 1)).astype(np.uint8)
    return np.repeat(whole[..., None], 3, axis=2)
