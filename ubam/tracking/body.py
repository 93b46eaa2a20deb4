"""The body of the subject in every frame: landmarks and body coordinates, as the eye reads them from the crops."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ubam.results.run_folder import CropFolder
from ubam.tracking.crop_store import CropStore, scene_behind
from ubam.tracking.eye.eye import Eye, Seen
from ubam.tracking.eye.landmarks import LANDMARKS
from ubam.tracking.outlines import shipped_eye

CHUNK = 64  # frames looked at together
BODY_VERSION = 1


@dataclass(frozen=True)
class Body:
    """Where the parts of the subject are, T frames.

    plan: one of person, rodent, dog, fly. landmarks float32 [T,L,2]: x and y in crop sides, 0..1 from the crop's upper
    left corner, of `LANDMARKS[plan]`; spread float32 [T,L]: their uncertainty, likewise; inside float32 [T,L]: the
    chance that each lies within the crop. places int8 [T,64,64,4]: for every cell of the crop front, left and height on
    the canonical body, times 127, and the chance of the left half, times 127; to be read inside the outline only.
    Rows of frames without the subject are 0.
    """

    plan: str
    landmarks: np.ndarray
    spread: np.ndarray
    inside: np.ndarray
    places: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the landmarks."""
        return LANDMARKS[self.plan]


def likeliest_plan(stores: list[CropStore], frames: int = 16) -> str:
    """The plan of body of a study: the likeliest one of some frames of every recording together."""
    eye = shipped_eye()
    chances = [eye.plan_chances(*_shown(store, _some(store, frames))) for store in stores if store.found.any()]
    return eye.plan_of(np.concatenate(chances)) if chances else "person"


def read_body(store: CropStore, plan: str) -> Body:
    """The body in every frame of a store; kept in the store's folder, and read from there the next time."""
    files = CropFolder(store.folder)
    about = files.path / "body.json"
    wanted = {"version": BODY_VERSION, "plan": plan}
    if not (about.is_file() and json.loads(about.read_text(encoding="utf-8")) == wanted):
        arrays = _look(store, plan)
        for name, array in arrays.items():
            np.save(files.array(name), array)
        about.write_text(json.dumps(wanted), encoding="utf-8")
    marks = np.load(files.array("landmarks"))
    return Body(plan, marks[..., :2], marks[..., 2], marks[..., 3], np.load(files.array("places"), mmap_mode="r"))


def _look(store: CropStore, plan: str) -> dict[str, np.ndarray]:
    count, eye = len(store.time_s), shipped_eye()
    marks = np.zeros((count, len(LANDMARKS[plan]), 4), np.float32)
    places = np.zeros((count, 64, 64, 4), np.int8)
    found = np.flatnonzero(store.found)
    for first in range(0, len(found), CHUNK):
        here = found[first : first + CHUNK]
        seen = _see(eye, store, here, plan)
        marks[here] = np.concatenate([seen.landmarks, seen.spread[..., None], seen.inside[..., None]], -1)
        places[here] = np.round(np.concatenate([seen.places, seen.left[..., None]], -1) * 127)
    return {"landmarks": marks, "places": places}


def _see(eye: Eye, store: CropStore, here: np.ndarray, plan: str) -> Seen:
    crops, empty, neighbours = _shown(store, here)
    return eye.see(crops, empty, plan, neighbours)


def _shown(store: CropStore, here: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Crops of the frames at these positions, the scene behind them where it is known, and their neighbours in time."""
    last = len(store.time_s) - 1
    beside = [store.crops(np.clip(here + step, 0, last)) for step in (-1, 1)]
    empty = None if store.camera_lost else np.stack(list(_behind(store, here)))
    return store.crops(here), empty, np.stack(beside, 1)


def _behind(store: CropStore, here: np.ndarray) -> Iterator[np.ndarray]:
    for position in here:
        yield scene_behind(store, int(position))


def _some(store: CropStore, frames: int) -> np.ndarray:
    found = np.flatnonzero(store.found)
    return found[np.unique(np.linspace(0, len(found) - 1, frames).astype(int))]
