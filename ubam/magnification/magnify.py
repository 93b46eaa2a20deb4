"""Magnification: a recording's own pixels are moved along its deviation, and the result is measured.

Factor 0 is the twin, 1 the recording as it is, 2 the deviation doubled. One displacement towards the twin serves all
factors: it is applied (1 - factor) times. The factor that a few rendered pictures show is measured by looking at them
as at recorded ones.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ubam.core.affine import box_map
from ubam.core.errors import UbamError
from ubam.core.parallel import one_ahead
from ubam.core.settings import check_factors
from ubam.core.typing import Array, Picture
from ubam.magnification.gap_filling_network import GapFillingNetwork, infer
from ubam.magnification.registration.kept import recall
from ubam.magnification.registration.register import FIELD, Field, Matches, Registration, fields
from ubam.magnification.seen_again import SeenAgain, crop_of, factors_shown, look_again
from ubam.magnification.side_by_side import side_by_side
from ubam.magnification.subject_layer import layer_of
from ubam.magnification.warping import Moved, fill_gaps, move_layer
from ubam.recordings.video_reader import read_frames
from ubam.tracking.body import likeliest_plan
from ubam.tracking.crop_store import CropStore
from ubam.tracking.scene.empty_scene import Scene
from ubam.tracking.views import whole_outline

Embed = Callable[[Picture], Array]

MARGIN = 1.4  # side of the part that is rendered, over the side of the box
GRID = 160  # largest side of the grid on which displacements are inverted
MEASURED_S = 0.25  # seconds between the frames in which the factor is measured
MOST_MEASURED = 48


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
    with its maps over `region` only. region: (x0, y0, x1, y1), the part that was rendered. background: uint8 [h, w, 3],
    the region without the subject. flow: float32 [h, w, 2]
    towards the twin, in pixels of the recording, on a grid over the region. field, weight, error: as in `Field`.
    """

    position: int
    recording: Picture
    moved: dict[float, Moved]
    region: tuple[int, int, int, int]
    background: Picture
    flow: Array
    field: Array
    weight: Array
    error: Array


@dataclass(frozen=True)
class Magnification:
    """What `magnify` returns: frames on demand, and the factor that they show."""

    query: CropStore
    video: Path
    registration: Registration
    positions: NDArray[np.int64]
    scene: Scene
    embed: Embed
    posture: Array
    twin: Array
    generator: GapFillingNetwork | None = None
    appearance: Picture = field(default_factory=lambda: np.zeros((8, 8, 3), np.uint8))
    _measured: dict[float, "Measured"] = field(default_factory=dict, init=False)

    def frames(self, factor: float) -> Iterator[Picture]:
        """Pictures of the recording's own size at `factor`, uint8 [H, W, 3], one per position."""
        for frame in self.rendered((factor,)):
            yield frame.moved[factor].picture

    def rendered(self, factors: Sequence[float]) -> Iterator[Frame]:
        """Every position rendered at all `factors`; factor 1 is the recording itself, bit for bit."""
        alike = partial(torch.set_num_threads, torch.get_num_threads())
        return self._rendered(self.positions, factors, one_ahead(fields(self.registration, self.positions), alike))

    def _rendered(
        self, positions: NDArray[np.int64], factors: Sequence[float], parts: Iterable[Field]
    ) -> Iterator[Frame]:
        frames = self._read(positions, parts)
        return side_by_side(lambda frame: self.render(*frame, factors), frames)

    def _read(
        self, positions: NDArray[np.int64], parts: Iterable[Field]
    ) -> Iterator[tuple[Picture, Field, int]]:  # fmt: skip
        """The pictures at `positions`, each with its field and its index in that, as far as the film can be read."""
        wanted = self.query.frame_index[positions]
        pictures = enumerate(
            read_frames(self.video, start_frame=int(wanted[0]), stop_frame=int(wanted[-1]) + 1), int(wanted[0])
        )
        for part in parts:
            for index, position in enumerate(part.position):
                number = int(self.query.frame_index[position])
                picture = next((picture for count, picture in pictures if count == number), None)
                if picture is None:
                    return
                yield picture, part, index

    def measured(self, factor: float) -> "Measured":
        """What a few frames of the clip show at `factor`, a quarter of a second apart; looked at once."""
        if factor not in self._measured:
            step = max(1, round(MEASURED_S * self.query.fps), -(-len(self.positions) // MOST_MEASURED))
            sample = self.positions[(len(self.positions) - 1) % step // 2 :: step]
            frames = list(self._looked_at(sample, factor))
            self._measured[factor] = self._measure(factor, frames)
        return self._measured[factor]

    def _looked_at(self, sample: NDArray[np.int64], factor: float) -> Iterator[tuple[int, Picture, Array]]:
        for frame in self._rendered(sample, (factor,), fields(self.registration, sample)):
            crop = crop_of(self.query, frame.moved[factor].picture, frame.position)
            yield frame.position, crop, frame.field

    def _measure(self, factor: float, frames: Sequence[tuple[int, Picture, Array]]) -> "Measured":
        positions = np.array([position for position, _, _ in frames])
        again = look_again(self.query, self.registration.bodies[0].plan, [crop for _, crop, _ in frames], positions)
        flows = [flow for _, _, flow in frames]
        shown = factors_shown(self.registration, positions, again.contours, flows)
        return Measured(factor, positions, again, shown, self._by_posture(again.views, positions))

    def render(self, picture: Picture, part: Field, index: int, factors: Sequence[float]) -> Frame:
        """Render one frame of a field at each of `factors`: moved by 1 - factor times its displacement to the twin."""
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
        for factor in factors:
            if factor == 1:
                still = np.zeros(opacity.shape, np.float32)
                moved[factor] = Moved(picture, opacity, still, opacity)
                continue
            layer = move_layer(inside, scene.background, opacity, flow * np.float32(1 - factor), scene.hidden)
            if self.generator is not None and layer.carried is not None and layer.carried.gap.any():
                code = self.twin[position] + factor * (self.posture[position] - self.twin[position])
                layer = replace(layer, picture=self._repaired(self.generator, layer, scene.background, position, code))
            whole = picture.copy()
            whole[y0:y1, x0:x1] = layer.picture
            moved[factor] = replace(layer, picture=whole, carried=None)
        return Frame(
            position, picture, moved, region, scene.background, flow,
            part.flow[index], part.weight[index], part.error[index],
        )  # fmt: skip

    def _opacity(self, scene: Scene, inside: Picture, region: tuple[int, int, int, int], position: int) -> Array:
        """Opacity [h, w] of the subject in a region of a frame: its outline, sharp where the scene is known."""
        box = self.query.box[position]
        outline = whole_outline(self.query.outline_at(position), box, region)
        unseen = self.query.in_place or self.query.camera_lost
        return layer_of(
            inside, None if unseen else scene, outline, box - np.array(region[:2] * 2), self.query.body_height
        )

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

    def _by_posture(self, views: Picture, positions: NDArray[np.int64]) -> float:
        """The factor in the postures of rendered `views` [n, V, V, 3]."""
        return factor_in_postures(self.embed(views), self.posture[positions], self.twin[positions])


@dataclass(frozen=True)
class Measured:
    """What some rendered frames show at a factor.

    positions [n]: in the store. again: the frames looked at. shown float [n, 2]: how far each goes along the
    displacement to the twin, and how far that is, squared; see `factors_shown`. by_posture: the factor in the encoder's
    postures.
    """

    factor: float
    positions: NDArray[np.int64]
    again: SeenAgain
    shown: NDArray[np.float64]
    by_posture: float

    @property
    def geometric(self) -> float:
        """The factor that the contours of all the frames show together; 1 where nothing deviates."""
        along, length = self.shown.sum(0)
        return float(1 - along / length) if length > 0 else 1.0


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

    heading: radians by which the views, and so the field, were turned back around the middle of the box. Beyond the box
    nothing was registered: the flow at its border fades away there, so that a tail bends and does not break.
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
    beyond = np.maximum(_beyond(x, box[0], box[2])[None], _beyond(y, box[1], box[3])[:, None])
    return moved * (np.float32(box[2] - box[0]) * np.clip(1 - beyond, 0, 1))[..., None]


def _beyond(place: NDArray[np.float64], low: float, high: float) -> Array:
    """How far places lie beyond an edge of the box, over the room that is rendered there; float32, 0 inside."""
    room = (MARGIN - 1) / 2 * (high - low)
    return np.asarray(np.maximum(np.maximum(low - place, place - high), 0) / room, np.float32)


def magnify(
    recording: EmbeddedRecording,
    references: Matches,
    frames: slice | NDArray[np.int64],
    factors: Sequence[float],
    *,
    embed: Embed,
    twin: Array,
    plan: str | None = None,
    generator: GapFillingNetwork | None = None,
) -> Magnification:
    """Prepare the magnification of a recording.

    Parameters
    ----------
    recording
        Whose deviation is magnified.
    references
        Per reference subject a store, and the matched position in it of each of the T frames, int [T].
    frames
        Increasing positions in the recording's store.
    factors
        That will be shown, to be checked: 0 the twin, 1 the recording, 2 the deviation doubled; each within
        `core.settings.FACTOR_RANGE`.
    embed
        Maps views uint8 [n, V, V, 3] to postures float32 [n, D].
    twin
        float32 [T, D], the postures of its twin.
    plan
        Of the subjects' bodies, as `tracking.body` has it; without it the likeliest one of these recordings.
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
    plan = plan or likeliest_plan([query, *(store for store, _ in references)])
    posture, twin = np.asarray(recording.posture, np.float32), np.asarray(twin, np.float32)
    registration = Registration.of(query, references, plan)
    recall(registration)
    return Magnification(
        query, Path(recording.video), registration, positions, query.whole_scene(), embed, posture, twin, generator,
        query.crops([len(query.time_s) // 2])[0],
    )  # fmt: skip
