"""What was registered of a recording, kept beside its crops, so that another clip of it does not register it again.

Only the displacements of contours are kept, which take nearly all of the time. What follows from them is made again, so
that a clip has the same pixels either way.
"""

from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import numpy as np

from ubam.core.errors import DamagedFile
from ubam.core.files import content_hash, read_arrays, write_arrays
from ubam.core.provenance import key_of
from ubam.magnification.registration.network import WEIGHTS
from ubam.magnification.registration.register import Registration
from ubam.results.run_folder import CropFolder
from ubam.tracking.crop_store import CropStore

VERSION = 1  # raise it when frames are registered otherwise


def recall(registration: Registration) -> None:
    """Take over what was kept of the same recording beside the same frames of the same references, if there is any."""
    path = CropFolder(registration.query.folder).registered
    with suppress(DamagedFile, OSError):  # what is not there is registered again
        kept = read_arrays(path) if path.exists() else {}
        if not kept or str(kept["key"]) != _key(registration):
            return
        parts = np.split(kept["moves"], np.cumsum(kept["points"])[:-1], axis=1)
        for way, position, moves in zip(kept["way"], kept["position"], parts, strict=True):
            registration.found[int(way), int(position)] = moves


def keep(registration: Registration) -> None:
    """Keep what was registered; a disk that is full, or cannot be written, costs the next clip its time alone."""
    path, found = CropFolder(registration.query.folder).registered, registration.found
    if not found:
        return
    key = _key(registration)
    with suppress(DamagedFile, OSError):
        if path.exists() and _same(read_arrays(path), key, registration):
            return
    with suppress(OSError):
        write_arrays(
            path, key=np.array(key), moves=np.concatenate(list(found.values()), axis=1),
            way=np.array([way for way, _ in found]), position=np.array([position for _, position in found]),
            points=np.array([moves.shape[1] for moves in found.values()]),
        )  # fmt: skip


def _same(kept: dict[str, np.ndarray], key: str, registration: Registration) -> bool:
    """Whether a file holds all that was found."""
    known = set(zip(kept["way"].tolist(), kept["position"].tolist(), strict=True))
    return str(kept["key"]) == key and known >= set(registration.found)


def _key(registration: Registration) -> str:
    """All that decides a displacement: both sides' crops and bodies, the frames that were matched, and the network."""
    network = Path(str(files("ubam.magnification.registration") / WEIGHTS))
    sides = [_identity(store) for store in (registration.query, *(store for store, _ in registration.matches))]
    matched = [path.tobytes().hex() for _, path in registration.matches]
    return key_of(VERSION, content_hash(network), sides, matched)


def _identity(store: CropStore) -> list[str]:
    """The hashes of what says which crops and which body these are."""
    described = CropFolder(store.folder)
    return [content_hash(path) for path in (described.description, described.body)]
