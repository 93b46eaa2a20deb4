"""How whole bodies differ, as the registration network sees it: leans and hunches, which a contour shows badly.

It looks at both views at once, coarse to fine (coarse_to_fine.py), and knows bodies, but not where a thin limb is. So
it is asked for what stays over a recording, on a few frames, and contours for the rest.
"""

import cv2
import numpy as np

from ubam.core.affine import centred
from ubam.core.typing import Array, View
from ubam.magnification.registration.coarse_to_fine import CanvasReferences, towards
from ubam.magnification.registration.flow_fields import read_at
from ubam.magnification.registration.network import SIDE
from ubam.tracking.crop_store import CropStore, close_view

NOTHING = (0, 128, 128)  # a view's background


def seen_at(points: Array, query: View, references: list[View]) -> Array:
    """The displacement of points [n, 2] (shares of the canvas) to each reference, float32 [R, n, 2], likewise.

    query, references: close views uint8 [CLOSE, CLOSE, 3], all on the query's canvas.
    """
    found = towards(query, CanvasReferences.of(references))
    return np.stack([read_at(flow, (points * SIDE - 0.5)[None])[0] for flow in found])


def view_on(reference: CropStore, matched: int, move: np.ndarray) -> View:
    """The close view of a reference's frame, brought to another canvas by `move` [2, 3], in shares of either's side."""
    view = close_view(reference, matched)
    pixels = centred(np.column_stack([move[:, :2], move[:, 2] * len(view)]))
    size = view.shape[1::-1]
    return np.asarray(cv2.warpAffine(view, pixels, size, flags=cv2.INTER_LINEAR, borderValue=NOTHING), np.uint8)
