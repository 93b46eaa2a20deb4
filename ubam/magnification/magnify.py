"""Magnification: a recording's own pixels are moved along its deviation, and the result is measured.

Factor 0 is the twin, 1 the recording as it is, 2 the deviation doubled. One displacement towards the twin serves all
factors. The rendered subject is registered with the references again, which measures the factor reached. An inner gain
per factor brings that as near to the requested factor as the bounds of the gain allow.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.affine import box_map
from ubam.core.errors import UbamError
from ubam.core.settings import check_factors
from ubam.core.typing import Array, Picture
from ubam.magnification.gap_filling_network import GapFillingNetwork, infer
from ubam.magnification.posture_manifold import Manifold
from ubam.magnification.registration.measured_factor import MeasuredFactor, RenderedView
from ubam.magnification.registration.register import (
    FIELD,
    Field,
    Matches,
    Registered,
    fields,
    frames_to_register,
    ground_frames,
    ground_origin,
    registered,
)
from ubam.magnification.warping import Moved, fill_gaps, move_layer, subject_opacity
from ubam.recordings.video_reader import read_frame, read_frames
from ubam.tracking.crop_store import CLOSE, CropStore
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.views import whole_outline

Embed = Callable[[Picture], Array]

MARGIN = 1.4  # side of the part that is rendered, over the side of the box
GRID = 160  # largest side of the grid on which displacements are inverted
GAIN_BOUNDS = (1.0, 1.5)  # below 1 the true factor of rendered leans falls short; above 1.5 noise is magnified
GAIN_FRAMES, GAIN_ROUNDS = 10, 2
WEAKEST_RESPONSE = 0.15  # measured factor per unit of displacement; below it registration is blind and no gain is used


@dataclass(frozen=True)
class EmbeddedRecording:
    """A recording: its crops, its video and its learned postures float32 [T, D]."""

    store: CropStore
    video: Path
    posture: Array


@dataclass(frozen=True)
class Frame:
    """One rendered frame.

    position: in the store. recording: its picture uint8 [H, W, 3]. moved: per factor the moved picture at full size,
    with its maps over `region` only. region: (x0, y0, x1, y1), the part that was rendered. flow: float32 [h, w, 2]
    towards the twin, in pixels of the recording, on a grid over the region. field: the same as in `Field`. amounts: per
    factor how many times the flow was applied.
    """

    position: int
    recording: Picture
    moved: dict[float, Moved]
    region: tuple[int, int, int, int]
    flow: Array
    field: Array
    amounts: dict[float, float]

    def amount(self, factor: float) -> float:
        """How many times the flow towards the twin was applied at `factor`."""
        return self.amounts[factor]


@dataclass(frozen=True)
class Magnification:
    """What `magnify` returns: frames on demand, and the inner gain and the measured factor of every factor.

    measured: the factor that a few rendered frames show, by the factor that was requested. known: registered frames,
    by position.
    """

    query: CropStore
    video: Path
    matches: Matches
    positions: NDArray[np.int64]
    scene: Scene
    embed: Embed
    posture: Array
    twin: Array
    manifold: Manifold | None = None
    generator: GapFillingNetwork | None = None
    appearance: Picture = field(default_factory=lambda: np.zeros((8, 8, 3), np.uint8))
    origin: Array = field(default_factory=lambda: np.zeros(2, np.float32))
    gain: dict[float, float] = field(default_factory=dict)
    measured: dict[float, float] = field(default_factory=dict)
    known: dict[int, Registered] = field(default_factory=dict)

    def frames(self, factor: float) -> Iterator[Picture]:
        """Pictures of the recording's own size at `factor`, uint8 [H, W, 3], one per position."""
        for frame in self.rendered((factor,)):
            yield frame.moved[factor].picture

    def rendered(self, factors: Sequence[float]) -> Iterator[Frame]:
        """Every position rendered at all `factors`; factor 1 is the recording itself, bit for bit."""
        first = int(self.query.frame_index[self.positions[0]])
        last = int(self.query.frame_index[self.positions[-1]])
        pictures = enumerate(read_frames(self.video, start_frame=first, stop_frame=last + 1), first)
        for part in _ahead(fields(self.query, self.matches, self.positions, self.origin, self.known)):
            for index, position in enumerate(part.position):
                wanted = int(self.query.frame_index[position])
                picture = next((picture for number, picture in pictures if number == wanted), None)
                if picture is None:
                    return
                yield self.render(picture, part, index, {factor: self.amount_of(factor) for factor in factors})

    def amount_of(self, factor: float) -> float:
        """How many times the displacement to the twin is applied at `factor`, the inner gain included."""
        return (1 - factor) * self.gain.get(factor, 1.0)

    def render(self, picture: Picture, part: Field, index: int, amounts: dict[float, float]) -> Frame:
        """Render one frame of a field, moved by each of `amounts` (key: factor) times its displacement to the twin."""
        position = int(part.position[index])
        region = region_of(self.query.box[position], self.query.width, self.query.height)
        x0, y0, x1, y1 = region
        scene = self.query.seen(self.scene, position)
        pictures = {name: getattr(scene, name)[y0:y1, x0:x1] for name in ("background", "noise")}
        scene = replace(scene, **pictures)
        inside = np.ascontiguousarray(picture[y0:y1, x0:x1])
        opacity = self._opacity(scene, inside, region, position)
        heading = float(self.query.heading[position])
        flow = flow_over(region, self.query.box[position], part.flow[index], heading)
        moved = {}
        for factor, amount in amounts.items():
            if amount == 0:
                still = np.zeros(opacity.shape, np.float32)
                moved[factor] = Moved(picture, opacity, still, opacity)
                continue
            layer = move_layer(inside, scene.background, opacity, flow * np.float32(amount), scene.hidden)
            if self.generator is not None and layer.carried is not None and layer.carried.gap.any():
                code = self.twin[position] + (1 - amount) * (self.posture[position] - self.twin[position])
                layer = replace(layer, picture=self._repaired(self.generator, layer, scene.background, position, code))
            whole = picture.copy()
            whole[y0:y1, x0:x1] = layer.picture
            moved[factor] = replace(layer, picture=whole, carried=None)
        return Frame(position, picture, moved, region, flow, part.flow[index], amounts)

    def _opacity(self, scene: Scene, inside: Picture, region: tuple[int, int, int, int], position: int) -> Array:
        """Opacity [h, w] of the subject in a region of a frame: its outline, sharp where the scene is known."""
        box = self.query.box[position]
        outline = whole_outline(self.query.outline_at(position), box, region)
        rim = scene.saliency(inside) if not (self.query.in_place or self.query.camera_lost) else outline
        return subject_opacity(rim, outline > 0.5, max(1.0, self.query.body_height / 100))

    def _repaired(
        self, generator: GapFillingNetwork, layer: Moved, background: Picture, position: int, code: Array
    ) -> Picture:
        """The picture of a moved `layer` with its gaps filled by the network, which works at the size of crops."""
        box, carried = self.query.box[position], layer.carried
        if carried is None:
            return layer.picture
        x0, y0, *_ = region_of(box, self.query.width, self.query.height)
        zoom = self.query.crop_size / float(box[2] - box[0])
        size = [max(8, round(side * zoom)) for side in carried.gap.shape[::-1]]
        pictures: dict[str, NDArray[Any]] = {
            "moved": carried.colour,
            "layer": carried.opacity,
            "gap": carried.gap,
            "background": background,
        }
        small = {n: np.asarray(cv2.resize(p, size, interpolation=cv2.INTER_AREA)) for n, p in pictures.items()}
        place = np.array([[1, 0, (box[0] - x0) * zoom], [0, 1, (box[1] - y0) * zoom]], np.float32)
        small["appearance"] = cv2.warpAffine(self.appearance, place, size, borderMode=cv2.BORDER_REPLICATE)
        flow, opacity, colour = infer(generator, small, code)
        return fill_gaps(layer.picture, background, carried, flow / np.float32(zoom), opacity, colour)

    def view(self, picture: Picture, position: int, size: int | None = None) -> Picture:
        """The encoder's view of a full-size picture, made as the crop store makes it; `size` pixels a side."""
        return self.query.view_of(picture, position, self.scene, size)

    def measure(self, views: Picture, positions: NDArray[np.int64]) -> tuple[float, float]:
        """Return the factor in the postures of rendered `views` [n, V, V, 3], and the share off the manifold."""
        postures = self.embed(views)
        measured = factor_in_postures(postures, self.posture[positions], self.twin[positions])
        off = float(self.manifold.outside(postures).mean()) if self.manifold else 0.0
        return measured, off


def _ahead(parts: Iterator[Field]) -> Iterator[Field]:
    """The parts in order; another thread registers the next one while one is rendered."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = pool.submit(next, parts, None)
            yield part


def factor_in_postures(rendered: Array, posture: Array, twin: Array) -> float:
    """Return the factor that rendered postures show: 0 for the twin, 1 for the recording. All are [n, D].

    It is the projection of (rendered - twin) on (posture - twin), summed over frames.
    """
    deviation = posture - twin
    return float(((rendered - twin) * deviation).sum() / max(float((deviation**2).sum()), 1e-12))


def region_of(box: Array, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the part of the picture (x0, y0, x1, y1), in whole pixels, around a box with room for movement."""
    centre_x, centre_y, half = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2, MARGIN * (box[2] - box[0]) / 2
    x0, x1 = _part(centre_x - half, centre_x + half, width)
    y0, y1 = _part(centre_y - half, centre_y + half, height)
    return x0, y0, x1, y1


def _part(low: float, high: float, length: int) -> tuple[int, int]:
    first = int(np.clip(np.floor(low), 0, length - 2))
    return first, int(np.clip(np.ceil(high), first + 2, length))


def flow_over(region: tuple[int, int, int, int], box: Array, flow: Array, heading: float = 0.0) -> Array:
    """Return a field's flow [FIELD, FIELD, 2] (shares of the box) on a grid over `region`, in pixels of the recording.

    heading: radians by which the views, and so the field, were turned back around the middle of the box.
    """
    width, height = region[2] - region[0], region[3] - region[1]
    shrinking = min(1.0, GRID / max(width, height))
    grid = max(2, round(width * shrinking)), max(2, round(height * shrinking))
    to_field = box_map(box, FIELD)
    x = region[0] + (np.arange(grid[0]) + 0.5) * width / grid[0] - 0.5
    y = region[1] + (np.arange(grid[1]) + 0.5) * height / grid[1] - 0.5
    map_x, map_y = np.meshgrid(to_field[0, 0] * x + to_field[0, 2], to_field[1, 1] * y + to_field[1, 2])
    if heading:
        middle, c, s = (FIELD - 1) / 2, np.cos(heading), np.sin(heading)
        map_x, map_y = map_x - middle, map_y - middle
        map_x, map_y = middle + c * map_x + s * map_y, middle - s * map_x + c * map_y
        flow = flow @ np.array([[c, s], [-s, c]], np.float32)  # the vectors turned with the animal
    moved = cv2.remap(
        flow, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return moved * np.float32(box[2] - box[0])


def magnify(
    recording: EmbeddedRecording,
    references: Matches,
    frames: slice | NDArray[np.int64],
    factors: Sequence[float],
    *,
    embed: Embed,
    twin: Array,
    manifold: Manifold | None = None,
    generator: GapFillingNetwork | None = None,
) -> Magnification:
    """Prepare the magnification of a recording: choose the inner gain of every factor and measure the factor reached.

    Parameters
    ----------
    recording
        Whose deviation is magnified.
    references
        Per reference subject a store, and the matched position in it of each of the T frames, int [T].
    frames
        Increasing positions in the recording's store.
    factors
        0 the twin, 1 the recording, 2 the deviation doubled; each within `core.settings.FACTOR_RANGE`.
    embed
        Maps views uint8 [n, V, V, 3] to postures float32 [n, D].
    twin
        float32 [T, D], the postures of its twin.
    manifold
        Real postures, to count frames that leave them; see `real_postures`.
    generator
        The network that repairs the gaps which the move tears.

    Raises
    ------
    UbamError
        There is no reference or no frame, or a factor is out of range.
    """
    query = recording.store
    positions = np.arange(len(query.time_s))[frames].astype(np.int64)
    if not len(references) or not len(positions):
        raise UbamError(f"{query.recording_id}: magnification needs a matched reference subject and a frame")
    check_factors(factors)
    matches = [(store, np.asarray(path, np.int64)) for store, path in references]
    posture, twin = np.asarray(recording.posture, np.float32), np.asarray(twin, np.float32)
    known = registered(query, matches, ground_frames(query))
    made = Magnification(
        query, Path(recording.video), matches, positions, query.whole_scene(), embed, posture, twin, manifold,
        generator, query.crops([len(query.time_s) // 2])[0], ground_origin(query, matches, known), known=known,
    )  # fmt: skip
    _choose_gains(made, [0.0, *(float(factor) for factor in factors)])  # a clip shows the twin beside every factor
    return made


def _choose_gains(made: Magnification, factors: Sequence[float]) -> None:
    """Find the inner gain and the measured factor of every factor on a few frames; both are kept in `made`."""
    last, query = len(made.positions) - 1, made.query
    sample = made.positions[np.unique(np.linspace(0, last, GAIN_FRAMES).round().astype(int))]
    made.known.update(registered(query, made.matches, frames_to_register(query, sample), made.known))
    parts = list(fields(query, made.matches, sample, made.origin, made.known))
    measure = MeasuredFactor(query, made.matches, made.origin)
    pictures = [read_frame(made.video, int(query.frame_index[position])) for position in sample]
    for factor in dict.fromkeys(factors):
        made.gain[factor], made.measured[factor] = _choose_gain(made, measure, parts, pictures, factor)


def _choose_gain(
    made: Magnification, measure: MeasuredFactor, parts: list[Field], pictures: list[Picture], factor: float
) -> tuple[float, float]:
    if factor == 1:
        return 1.0, 1.0
    gain, reached = 1.0, _try_gain(made, measure, parts, pictures, factor, 1.0)
    for _ in range(GAIN_ROUNDS):
        response = (reached - 1) / ((factor - 1) * gain)
        if not response >= WEAKEST_RESPONSE or abs(reached - factor) < 0.05 * abs(factor - 1):
            break
        wanted = float(np.clip(1 / response, *GAIN_BOUNDS))
        attempt = _try_gain(made, measure, parts, pictures, factor, wanted)
        if abs(attempt - factor) >= abs(reached - factor):
            break
        gain, reached = wanted, attempt
    return gain, reached


def _try_gain(
    made: Magnification,
    measure: MeasuredFactor,
    parts: list[Field],
    pictures: list[Picture],
    factor: float,
    gain: float,
) -> float:
    """The factor measured at an inner gain; 1 where nothing deviates."""
    amounts, shown = {factor: (1 - factor) * gain}, []
    places = [(part, index) for part in parts for index in range(len(part.position))]
    for picture, (part, index) in zip(pictures, places, strict=True):
        position = int(part.position[index])
        view = made.view(made.render(picture, part, index, amounts).moved[factor].picture, position, CLOSE)
        shown.append(RenderedView(position, view, part.flow[index], amounts[factor]))
    reached = measure.reached(shown)
    return reached if np.isfinite(reached) else 1.0
