"""From a frame to what the encoder sees: cut out the box, find the scene behind it, make the view and turn it."""

import cv2
import numpy as np

from ubam.core.affine import box_map, centred, compose, inverse
from ubam.tracking.scene.empty_scene import Scene

EMPTY = np.array([0, 128, 128], np.uint8)  # the view where the subject is absent


def reduction_for(box: np.ndarray, crop_size: int) -> float:
    """The factor, at most 1, by which a picture is made smaller before a box is cut out: to a box of 1.5 crops."""
    return min(1.0, 1.5 * crop_size / float(box[2] - box[0]))


def reduced_size(width: int, height: int, zoom: float) -> tuple[int, int]:
    """Width and height of a picture that is made smaller by `zoom`."""
    return max(1, round(width * zoom)), max(1, round(height * zoom))


def cut(picture: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """The square box (x0, y0, x1, y1) of a picture [H,W,...] as [size,size,...]; black outside the picture.

    Interpolated, so that a slowly moving box does not jitter.
    """
    return cv2.warpAffine(picture, box_map(box, size), (size, size), flags=cv2.INTER_LINEAR)


def whole_outline(outline: np.ndarray, box: np.ndarray, region: tuple[int, int, int, int]) -> np.ndarray:
    """The outline float32 [S,S] of the crop at a square box, placed in a region (x0, y0, x1, y1), float32 [h,w]."""
    zoom = len(outline) / float(box[2] - box[0])
    x, y = ((region[k] - box[k]) * zoom + 0.5 * zoom - 0.5 for k in range(2))
    size = (region[2] - region[0], region[3] - region[1])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(outline, np.array([[zoom, 0, x], [0, zoom, y]]), size, flags=flags)


def scene_at(scene: Scene, box: np.ndarray, size: int) -> Scene:
    """The scene inside a square box, at size x size pixels."""
    return Scene(cut(scene.background, box, size), cut(scene.noise, box, size), scene.hidden)


def moved_scene_at(scene: Scene, box: np.ndarray, size: int, move: np.ndarray, frame_size: tuple[int, int]) -> Scene:
    """The scene inside a square box of a frame of a moving camera, at size x size pixels; black outside the frame.

    Parameters
    ----------
    move
        float64 [2,3], from pixels of the frame to those of the scene.
    frame_size
        (width, height).
    """
    zoom = size / float(box[2] - box[0])
    into_box = np.array([[zoom, 0, -box[0] * zoom], [0, zoom, -box[1] * zoom]])
    part = scene_through(scene, compose(into_box, inverse(move)), (size, size))
    inside = cut(np.ones(frame_size[::-1], np.float32), box, size)
    background = (part.background * inside[..., None] + 0.5).astype(np.uint8)
    return Scene(background, part.noise, scene.hidden)


def scene_through(scene: Scene, move: np.ndarray, size: tuple[int, int]) -> Scene:
    """A scene moved by float64 [2,3] into a picture of size (width, height)."""

    def warped(picture: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(picture, centred(move), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    return Scene(warped(scene.background), warped(scene.noise), scene.hidden)


def in_picture(outline: np.ndarray, box: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An outline [S,S] of the crop at a square box, laid into the whole picture of size (width, height), float32."""
    return whole_outline(np.asarray(outline, np.float32), box, (0, 0, *size))


def paint_view(
    crop: np.ndarray, salient: np.ndarray, background: np.ndarray, size: int, heading: float = 0.0
) -> np.ndarray:
    """The encoder's input, uint8 [size,size,3], from a crop uint8 [S,S,3] and the subject's soft outline there, [S,S].

    Channels: the outline; 128 + grey, normalised within a quarter of the crop, times the outline; 128 + half the
    difference to the background times the outline. The view is turned back by `heading` radians, clockwise as seen,
    around its middle.
    """
    grey, grey_behind = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY).astype(np.float32) for x in (crop, background))
    reach = (crop.shape[0] // 4 | 1, crop.shape[0] // 4 | 1)
    weight = cv2.blur(salient, reach) + 1e-3
    mean = cv2.blur(grey * salient, reach) / weight
    spread = np.sqrt(np.maximum(cv2.blur(grey * grey * salient, reach) / weight - mean * mean, 0)) + 6
    normal = np.clip((grey - mean) / spread, -2.5, 2.5) * 50 * salient + 128
    difference = 128 + (grey - grey_behind) / 2 * salient
    view = cv2.merge([salient * 255, normal, difference]).clip(0, 255).round().astype(np.uint8)
    return cv2.resize(turned(view, heading), (size, size), interpolation=cv2.INTER_AREA)


def around(crop: np.ndarray, salient: np.ndarray) -> np.ndarray:
    """The smooth colours around a subject, uint8 [S,S,3], in place of a background that is not known."""
    free = np.clip(1 - salient, 1e-3, 1)[..., None]
    sigma = len(crop) / 8
    total = cv2.GaussianBlur(crop * free, (0, 0), sigma)
    return np.asarray(total / cv2.GaussianBlur(free, (0, 0), sigma)[..., None], np.uint8)


def turned(view: np.ndarray, heading: float) -> np.ndarray:
    """A view uint8 [S,S,3] turned back by `heading` radians around its middle: what pointed there points right."""
    if heading == 0:
        return view
    middle = (len(view) - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), float(np.degrees(heading)), 1.0)
    empty = [int(value) for value in EMPTY]
    return cv2.warpAffine(view, matrix, view.shape[1::-1], flags=cv2.INTER_LINEAR, borderValue=empty)
