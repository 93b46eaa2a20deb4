"""The layer of the subject in a frame: which pixels move when it is magnified, and how opaque each is."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ubam.core.typing import Array, Picture
from ubam.tracking.scene.empty_scene import Scene

SALIENT = 0.5  # from which a pixel is unlike the empty scene
WEAK = 0.1  # of an outline, that is enough for what sticks out and is unlike the empty scene
STICKS_OUT = 0.2  # body heights; nearer to the sure outline lie its soft edge and shadows of feet
THIN = 0.25  # of the thickness of the body; a shadow or another animal that the eye half sees is thicker
RING = 1 / 32  # of the box, at its border, where an outline is cut off
EDGE = 8  # pixels of room beside the layer


def layer_of(inside: Picture, scene: Scene | None, outline: Array, box: Array, height: float) -> Array:
    """Return the opacity, float32 [h, w] in 0..1, of the subject in a part of a frame.

    Parameters
    ----------
    inside
        uint8 [h, w, 3], the part.
    scene
        The same part without the subject; None where that was never seen.
    outline
        float32 [h, w] in 0..1, as the eye drew it in its box.
    box
        x0, y0, x1, y1, that box in pixels of the part; a tail or a nose may reach beyond it.
    height
        Of the body, in pixels.
    """
    body, width, rim = outline > 0.5, max(1.0, height / 100), outline
    if scene is not None:
        rim = scene.saliency(inside)
        salient = rim > SALIENT
        body = continued(body, salient & (outline > WEAK), salient & ~_inner(body.shape, box), height)
    x, y, w, h = cv2.boundingRect(body.astype(np.uint8))
    room = int(4 * width) + EDGE  # as far as the layer and its blur reach
    part = np.s_[max(0, y - room) : y + h + room, max(0, x - room) : x + w + room]
    found = np.zeros(outline.shape, np.float32)
    found[part] = subject_opacity(rim[part], body[part], width)
    return found


def _inner(size: tuple[int, ...], box: Array) -> NDArray[np.bool_]:
    """The pixels of a part [h, w] well inside a box."""
    ring = RING * float(box[2] - box[0])
    x, y = np.arange(size[1]), np.arange(size[0])
    across = (x >= box[0] + ring) & (x < box[2] - ring)
    return ((y >= box[1] + ring) & (y < box[3] - ring))[:, None] & across


def continued(body: NDArray[np.bool_], weak: NDArray[np.bool_], edge: NDArray[np.bool_], height: float) -> NDArray[Any]:
    """An outline with the thin parts that the eye was not sure of, and with what reaches beyond its box.

    All are bool [h, w] where the picture is unlike the empty scene: weak, where there is a weak outline, and edge, at
    the border of the box and beyond. A thin part sticks out of the sure `body`, which is `height` pixels high; what the
    border cuts off goes on beyond it.
    """
    if not body.any():
        return body
    apart = cv2.distanceTransform((~body).astype(np.uint8), cv2.DIST_L2, 5)
    new = _joined(body, body | weak | edge) & ~body
    new = _joined(new & (apart > STICKS_OUT * height), new)
    body = body | _thin(new, THIN * float(_depth(body).max()))
    return body | _joined(body & edge, edge)


def _thin(there: NDArray[np.bool_], most: float) -> NDArray[np.bool_]:
    """The connected parts of what is there that are nowhere deeper than `most` pixels; bool [h, w]."""
    count, labels = cv2.connectedComponents(there.astype(np.uint8))
    deepest = np.zeros(count)
    np.maximum.at(deepest, labels.ravel().astype(np.intp), _depth(there).ravel())
    return there & (deepest <= most)[labels]


def _depth(there: NDArray[np.bool_]) -> NDArray[Any]:
    """How many pixels lie between each pixel and what is not there; beyond the picture nothing is. float32 [h, w]."""
    return cv2.distanceTransform(np.pad(there.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]


def _joined(sure: NDArray[np.bool_], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected parts of what is there that hold something sure; bool [h, w]."""
    count, labels = cv2.connectedComponents(there.astype(np.uint8))
    kept = np.zeros(count, np.bool_)
    kept[labels[sure]] = True
    return kept[labels]


def subject_opacity(salient: Array, mask: NDArray[np.bool_], width: float) -> Array:
    """Return the opacity, float32 [H, W] in 0..1, of the subject's layer.

    Parameters
    ----------
    salient
        float32 [H, W] in 0..1, how unlike the background each pixel is.
    mask
        bool [H, W], the cleaned mask; parts smaller than a tenth of the largest are left out.
    width
        Of the rim, in pixels.

    The layer is opaque well inside the mask. On the rim its opacity is the saliency, so that no background moves along.
    """
    body = _main_parts(mask)
    reach = max(1, round(width))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    inside, near = cv2.erode(body, disc), cv2.dilate(body, disc)
    opacity = np.maximum(inside.astype(np.float32), np.minimum(1.3 * salient, 1) * near)
    return cv2.GaussianBlur(opacity.astype(np.float32), (0, 0), 0.5 * width)


def _main_parts(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return (areas >= max(1, 0.1 * areas.max(initial=0)))[labels].astype(np.uint8)
