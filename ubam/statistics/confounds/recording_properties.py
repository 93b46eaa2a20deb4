"""What a recording shows besides movement: place, light, looks, size, camera, clock; the audit asks about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ubam.deviation.controls import scene_row
from ubam.recordings.study_table import Recording
from ubam.statistics.confounds.direction import facing, turning
from ubam.tracking.crop_store import CropStore
from ubam.tracking.views import scene_at

LUMA = np.array([0.299, 0.587, 0.114])  # grey of red, green and blue (ITU-R BT.601)
LOOKS = 8  # frames in which the subject's own brightness is read
STANDS_OUT = 24.0  # grey levels between a pixel of the subject and the background behind it
FEWEST_PIXELS = 20
PLACES = (
    "session", "site", "camera", "cage", "litter", "batch", "cohort", "room", "rig", "arena", "experimenter",
    "operator", "lab", "block",
)  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """A property of a recording: its name, how a sentence calls it, what it would make the result about, its unit."""

    name: str
    label: str
    about: str
    unit: str = ""


FEATURES = (
    Feature("background", "the background", "the cage, the wall or where the camera stands"),
    Feature("brightness", "the brightness of the empty scene", "the light or the exposure", "grey levels"),
    Feature("looks", "the brightness of the subject itself", "fur or clothes", "grey levels"),
    Feature("size", "the height of the body in the picture", "the distance of the camera or the build", "px"),
    Feature("across", "the place in the picture, left to right", "how the camera was pointed", "share of the width"),
    Feature("down", "the place in the picture, top to bottom", "how the camera was pointed", "share of the height"),
    Feature(
        "direction",
        "the side that the subject faces",
        "the side from which was filmed",
        "on the scale -1 left, 1 right",
    ),
    Feature("turning", "the way in which the subject turns", "a film in a mirror", "on the scale -1 left, 1 right"),
    Feature("noise", "the noise of the picture", "the camera or its compression", "grey levels"),
    Feature("resolution", "the size of the picture", "the camera"),
    Feature("frame_rate", "the frame rate", "the camera", "frames per s"),
    Feature("duration", "the length of the recordings", "how long was filmed", "s"),
)
MOVED_BY_THE_SUBJECT = ("size", "across", "down", "turning")  # a hunch makes smaller, a drag takes elsewhere
OF_SOME = ("direction", "turning")  # of subjects from the side, of those from above: a study may have none to read


@dataclass(frozen=True)
class RecordingProperties:
    """The same properties of R recordings: the empty scenes [R, F], `numbers` name -> float [R], `places` name -> [R].

    A number that could not be read is NaN, a place that was not given is empty.
    """

    scene: np.ndarray
    numbers: Mapping[str, np.ndarray]
    places: Mapping[str, Sequence[str]]

    def only(self, chosen: Sequence[int]) -> "RecordingProperties":
        """The recordings at these positions."""
        places = {name: [cells[index] for index in chosen] for name, cells in self.places.items()}
        return RecordingProperties(
            self.scene[list(chosen)], {name: values[list(chosen)] for name, values in self.numbers.items()}, places
        )


def recording_properties(
    recordings: Sequence[Recording], stores: Sequence[CropStore], plan: str | None = None
) -> RecordingProperties:
    """Read the properties of every recording from its crops and its row of the study; plan: of the study's bodies."""
    scenes = [scene_row(store)[0] for store in stores]
    numbers = [_numbers(store, scene, plan) for store, scene in zip(stores, scenes, strict=True)]
    held = {name: np.array([row[name] for row in numbers]) for name in numbers[0]}
    held = {name: values for name, values in held.items() if name not in OF_SOME or np.isfinite(values).any()}
    places = {"resolution": [f"{store.width}x{store.height}" for store in stores]}
    for name in PLACES:
        cells = [_place(recording, name) for recording in recordings]
        if any(cells):
            places[name] = cells
    return RecordingProperties(np.stack(scenes), held, places)


def _place(recording: Recording, name: str) -> str:
    if name == "session":
        return recording.session
    return next((cell for column, cell in recording.extra.items() if column.casefold() == name), "")


def _numbers(store: CropStore, scene: np.ndarray, plan: str | None) -> dict[str, float]:
    box = store.box[store.found] if store.found.any() else store.box
    return {
        "brightness": float((scene.reshape(-1, 3) @ LUMA).mean()),
        "looks": _looks(store),
        "size": float(store.body_height),
        "across": float(np.median(box[:, [0, 2]].mean(1)) / store.width),
        "down": float(np.median(box[:, [1, 3]].mean(1)) / store.height),
        "direction": facing(store, plan),
        "turning": turning(store),
        "noise": float(store.noise),
        "frame_rate": float(store.fps),
        "duration": float(store.time_s[-1] - store.time_s[0]),
    }


def _looks(store: CropStore) -> float:
    """Median grey of the pixels that differ from the empty scene behind them; NaN where too few do."""
    found = np.flatnonzero(store.found)
    chosen = found[np.linspace(0, len(found) - 1, min(LOOKS, len(found))).astype(int)] if len(found) else found
    whole, greys = store.whole_scene(), []
    for position, crop in zip(chosen, store.crops(chosen), strict=True):
        behind = scene_at(store.seen(whole, int(position)), store.box[position], store.crop_size).background
        apart = np.abs(crop.astype(float) - behind).max(2) > STANDS_OUT
        greys.append((crop.astype(float) @ LUMA)[apart])
    grey = np.concatenate(greys) if greys else np.empty(0)
    return float(np.median(grey)) if len(grey) >= FEWEST_PIXELS else float("nan")
