"""The body of the subject in every frame: landmarks and body coordinates, as the eye reads them from the crops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ubam.core.errors import DamagedFile, VideoError
from ubam.core.files import atomic_path
from ubam.core.seals import check_digests, digests_of, read_record, write_record
from ubam.results.run_folder import CropFolder
from ubam.tracking.crop_store import CropStore, scene_behind
from ubam.tracking.eye.eye import PLACES
from ubam.tracking.eye.landmarks import LANDMARKS, PLANS
from ubam.tracking.outlines import Glimpse, eye_fingerprint, looks, shipped_eye

BODY_VERSION = 2
BODY_ARRAYS = ("landmarks", "places")  # they may be written again, apart from the rest of a store


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


def likeliest_plan(stores: Sequence[CropStore]) -> str:
    """The plan of body of a study: the likeliest one of all its recordings together."""
    return PLANS[int(np.sum([store.plan_chances for store in stores], axis=0).argmax())]


def write_plan(folder: Path, plan: str) -> None:
    """Say which plan of body the landmarks and places in a store's folder are of."""
    files = CropFolder(folder)
    digests = digests_of(files.array(name) for name in BODY_ARRAYS)
    write_record(files.body, _about(plan) | {"digests": digests})


def _about(plan: str) -> dict[str, object]:
    return {"version": BODY_VERSION, "plan": plan, "eye": eye_fingerprint()}


def read_body(store: CropStore, plan: str) -> Body:
    """The body in every frame of a store; looked at again where its landmarks are of another plan.

    Raises
    ------
    VideoError
        A file of it is damaged.
    """
    files = CropFolder(store.folder)
    if not _is_of(store.folder, plan):
        files.body.unlink(missing_ok=True)
        for name, array in _look(store, plan).items():
            with atomic_path(files.array(name)) as temporary:  # others may have the old one mapped
                np.save(temporary, array)
        write_plan(store.folder, plan)
    marks = np.load(files.array("landmarks"))
    return Body(plan, marks[..., :2], marks[..., 2], marks[..., 3], np.load(files.array("places"), mmap_mode="r"))


def landmarks_as_seen(store: CropStore) -> tuple[str, np.ndarray] | None:
    """Plan of body and landmarks float32 [T,L,4] that a store holds, as `Look` has them; None where it has none.

    Raises
    ------
    VideoError
        They are damaged.
    """
    files = CropFolder(store.folder)
    if not files.body.is_file():
        return None
    marks = files.array("landmarks")
    try:
        told: dict[str, Any] = read_record(files.body)
        digests = told.get("digests", {})
        check_digests(store.folder, {name: digests[name] for name in digests if name == marks.name})
    except DamagedFile as error:
        raise VideoError(f"{error}; remove its folder and run the crops stage again") from error
    return str(told["plan"]), np.load(marks)


def _is_of(folder: Path, plan: str) -> bool:
    """Whether the landmarks and places in a store's folder are of a plan, by this eye; VideoError if damaged.

    Looking at the crops gives slightly other ones than the film gave, so damaged ones are not replaced in silence.
    """
    described = CropFolder(folder).body
    if not described.is_file():
        return False
    try:
        told: dict[str, Any] = read_record(described)
        digests = told.pop("digests", {})
        if told != _about(plan):
            return False
        check_digests(folder, digests)
    except DamagedFile as error:
        raise VideoError(f"{error}; remove its folder and run the crops stage again") from error
    return True


def _look(store: CropStore, plan: str) -> dict[str, np.ndarray]:
    count, found = len(store.time_s), np.flatnonzero(store.found)
    marks = np.zeros((count, len(LANDMARKS[plan]), 4), np.float32)
    places = np.zeros((count, PLACES, PLACES, 4), np.int8)
    for position, look in zip(found, looks(shipped_eye(), _glimpses(store, found), store.crop_size, plan), strict=True):
        marks[position], places[position] = look.landmarks, look.places
    return {"landmarks": marks, "places": places}


def _glimpses(store: CropStore, positions: np.ndarray) -> Iterator[Glimpse]:
    """Crops of the frames at these positions, their neighbours in time, and the scene behind them where it is known."""
    last = len(store.time_s) - 1
    for position in positions:
        before, crop, after = store.crops([max(position - 1, 0), position, min(position + 1, last)])
        yield Glimpse(before, crop, after, None if store.camera_lost else scene_behind(store, int(position)))
