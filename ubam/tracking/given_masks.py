"""Scene and track of a recording for which the user gave the subject's outlines."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from ubam.core.errors import StudyError
from ubam.recordings.mask_files import read_masks
from ubam.tracking.blobs import enlarged_blobs, find_blobs
from ubam.tracking.finding import Finding
from ubam.tracking.first_pass import FirstPass
from ubam.tracking.scene.empty_scene import IN_PLACE, empty_scene
from ubam.tracking.track import smooth_track

NOBODY = "holds no mask of the subject in the part of the recording that is analysed"


def find_by_masks(path: Path, survey: FirstPass) -> Finding:
    """Scene and track from masks of every frame (`read_masks`); a frame without a mask has no subject.

    Raises
    ------
        StudyError: the masks do not fit the recording, or none of them shows a subject.
    """
    height, width = survey.samples.shape[1:3]
    small = width // survey.reduction, height // survey.reduction
    blobs = np.stack([find_blobs(mask)[0] for mask in _soft(path, survey, small)])
    there = blobs[:, 0] > 0
    if not there.any():
        raise StudyError(f"{path}: {NOBODY}")
    stretch = survey.reduction
    track = smooth_track(enlarged_blobs(blobs, stretch), there, survey.fps, ())
    wanted = set(survey.sampled.tolist())
    whole = [mask > 0.5 for at, mask in enumerate(_soft(path, survey, (width, height))) if at in wanted]
    scene = empty_scene(survey.samples, np.stack(whole))
    return Finding(scene, track.saying(*((IN_PLACE,) * scene.hidden)), masks=path)


def _soft(path: Path, survey: FirstPass, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """The masks of the frames that are analysed, float32 [h,w] in 0..1."""
    for mask in islice(read_masks(path, survey.declared, size, survey.first), len(survey.times)):
        yield np.zeros(size[::-1], np.float32) if mask is None else mask.astype(np.float32) / 255
