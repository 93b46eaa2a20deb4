"""Rendered pictures looked at as recorded ones are: what the encoder and the eye see in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array, Picture, View
from ubam.magnification.registration.contours import CELLS, Contour, contour_in, coordinates, kin_of, towards
from ubam.magnification.registration.flow_fields import read_at
from ubam.magnification.registration.register import Registration
from ubam.tracking.body import Body
from ubam.tracking.crop_store import CropStore, scene_behind
from ubam.tracking.outlines import shipped_eye
from ubam.tracking.views import cut, paint_view, reduced_size, reduction_for, turned


@dataclass(frozen=True)
class SeenAgain:
    """n rendered pictures: views uint8 [n, V, V, 3] of the encoder, and the contours in them on the views' canvas.

    body: landmarks and body coordinates in their crops.
    """

    views: View
    contours: tuple[Contour, ...]
    body: Body


def crop_of(query: CropStore, picture: Picture, position: int) -> Picture:
    """The crop uint8 [S, S, 3] of a picture [H, W, 3] that stands in place of the frame at a position."""
    box = query.box[position]
    zoom = reduction_for(box, query.crop_size)
    if zoom < 1:
        small = reduced_size(picture.shape[1], picture.shape[0], zoom)
        stretch = np.array([small[0] / picture.shape[1], small[1] / picture.shape[0]] * 2, np.float32)
        picture, box = np.asarray(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), np.uint8), box * stretch
    return cut(picture, box, query.crop_size)


def look_again(query: CropStore, plan: str, crops: Sequence[Picture], positions: NDArray[np.int64]) -> SeenAgain:
    """Look at rendered crops uint8 [n][S, S, 3] of frames at `positions`, all together."""
    stack = np.stack(list(crops))
    behind = np.stack([scene_behind(query, int(position)) for position in positions])
    beside = np.repeat(stack[:, None], 2, 1)  # a rendered picture is looked at alone
    seen = shipped_eye().see(stack, None if query.camera_lost else behind, plan, beside)
    places = np.round(np.concatenate([seen.places, seen.left[..., None]], -1) * 127).astype(np.int8)
    body = Body(plan, seen.landmarks, seen.spread, seen.inside, places)
    views, contours = [], []
    for index, position in enumerate(positions):
        heading = float(query.heading[position])
        alpha = cv2.resize(seen.alpha[index], (query.crop_size,) * 2, interpolation=cv2.INTER_LINEAR)
        views.append(paint_view(stack[index], alpha, behind[index], query.views.shape[1], heading))
        outline = turned(alpha, heading)
        contours.append(contour_in(outline, coordinates(body, outline, index, heading)))
    return SeenAgain(np.stack(views), tuple(contours), body)


def factors_shown(
    registration: Registration, positions: NDArray[np.int64], contours: Sequence[Contour], flows: Sequence[Array]
) -> NDArray[np.float64]:
    """What each rendered contour shows of the displacement to the twin: along it, and its squared length, [n, 2].

    The recorded contour is moved to the rendered one. flows: per frame [FIELD, FIELD, 2] as in `Field`. The factor of
    some frames is one minus the sum of the first over that of the second.
    """
    found = np.zeros((len(contours), 2))
    for index, (position, contour, flow) in enumerate(zip(positions, contours, flows, strict=True)):
        recorded = registration.seen(int(position)).contour
        if not len(recorded) or not len(contour):
            continue
        shown = towards(recorded, contour, kin_of(recorded))
        wanted = read_at(flow, (recorded.place * CELLS - 0.5)[None])[0]
        found[index] = float((shown * wanted).sum()), float((wanted**2).sum())
    return found
