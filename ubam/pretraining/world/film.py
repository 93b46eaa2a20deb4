"""What cameras and files do to pictures: blur, noise, exposure, infrared, compression, low resolution."""

from fractions import Fraction

import av
import cv2
import numpy as np


def develop(frames: list[np.ndarray], side: int, random: np.random.Generator) -> list[np.ndarray]:
    """Rendered frames uint8 [240, 240, 3] of one clip as a camera would record them, uint8 [side, side, 3].

    All frames share the camera; the last one, the empty scene, has less noise, as it is a median.
    """
    few = int(np.clip(side * random.choice([np.exp(random.uniform(np.log(0.3), 0)), 1.0]), 36, side))
    blur = abs(random.normal(0, 0.5)) if random.uniform() < 0.5 else 0.0
    tone, tint, grain = _exposure(random), _white(random), abs(random.normal(0, 0.025)) * (random.uniform() < 0.8)
    vignette = _vignette(few, random)
    taken = []
    for number, frame in enumerate(frames):
        small = np.asarray(cv2.resize(frame, (few, few), interpolation=cv2.INTER_AREA), np.float32) / 255
        if blur:
            small = np.asarray(cv2.GaussianBlur(small, (0, 0), max(blur, 0.05)), np.float32)
        small = tone(tint(small)) * vignette
        noise = random.normal(0, 1, (few, few, 1 if random.uniform() < 0.5 else 3)).astype(np.float32)
        small = small + noise * grain * (0.35 if number == len(frames) - 1 else 1.0) * (0.4 + small)
        taken.append((255 * np.clip(small, 0, 1)).astype(np.uint8))
    taken = _compressed(taken, random)
    way = random.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA])
    return [frame if few == side else cv2.resize(frame, (side, side), interpolation=way) for frame in taken]


def interlaced(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Interlace: every second line of the three moments comes from the next moment."""
    mixed = [frame.copy() for frame in frames]
    for k in (0, 1):
        mixed[k][1::2] = frames[k + 1][1::2]
    return mixed


def blurred(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Blur the middle moment as a slow shutter does, by mixing in its neighbours."""
    before, at, after = (frame.astype(np.uint16) for frame in frames[:3])
    return [frames[0], ((before + 2 * at + after) // 4).astype(np.uint8), *frames[2:]]


def at_the_border(picture: np.ndarray, side: int, share: float, black: bool) -> np.ndarray:
    """Let the crop reach over one border of the video: there the last row is repeated, or all is black."""
    turned = np.rot90(picture, side).copy()
    row = int(share * len(turned))
    turned[:row] = 0 if black else turned[row]
    return np.ascontiguousarray(np.rot90(turned, -side))


def _exposure(random: np.random.Generator):  # type: ignore[no-untyped-def]
    gain, gamma = np.exp(random.normal(0, 0.3)), np.exp(random.normal(-0.1, 0.25))
    lift = max(0.0, random.normal(0, 0.04))
    if random.uniform() < 0.07:
        gain *= random.choice([0.25, 2.2])
    return lambda picture: lift + np.clip(picture * gain, 0, 1) ** gamma


def _white(random: np.random.Generator):  # type: ignore[no-untyped-def]
    if random.uniform() < 0.35:  # grey or infrared
        weights = random.dirichlet([2, 2, 2]).astype(np.float32)
        return lambda picture: np.repeat(picture @ weights[:, None], 3, 2)
    balance, colourful = np.exp(random.normal(0, 0.1, 3)), random.uniform(0.5, 1.25)
    return lambda picture: (picture.mean(2, keepdims=True) * (1 - colourful) + picture * colourful) * balance


def _vignette(side: int, random: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:side, :side] / side - 0.5
    slope = random.normal(0, 0.25, 2) * (random.uniform() < 0.4)
    return (1 + slope[0] * x + slope[1] * y - random.uniform(0, 0.5) * (x**2 + y**2))[..., None].astype(np.float32)


def _compressed(frames: list[np.ndarray], random: np.random.Generator) -> list[np.ndarray]:
    kind = random.choice(["none", "jpeg", "h264"], p=[0.3, 0.35, 0.35])
    if kind == "none":
        return frames
    if kind == "jpeg":
        quality = int(random.integers(25, 95))
        return [_jpeg(frame, quality) for frame in frames]
    return _h264(frames, str(random.integers(18, 36)))


def _jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))


def _h264(frames: list[np.ndarray], quality: str) -> list[np.ndarray]:
    side = frames[0].shape[0]
    even = side + side % 2
    coder = av.CodecContext.create("libx264", "w")
    coder.width = coder.height = even
    coder.pix_fmt, coder.time_base, coder.thread_count = "yuv420p", Fraction(1, 25), 1
    coder.options = {"crf": quality, "preset": "veryfast", "tune": "zerolatency"}
    order = [frames[-1], *frames]
    packets = []
    for frame in order:
        padded = cv2.copyMakeBorder(frame, 0, even - side, 0, even - side, cv2.BORDER_REPLICATE)
        packets += coder.encode(av.VideoFrame.from_ndarray(padded.astype(np.uint8), format="bgr24"))
    packets += coder.encode()
    reader = av.CodecContext.create("h264", "r")
    reader.thread_count = 1
    decoded = [f for packet in [*packets, None] for f in reader.decode(packet)]
    if len(decoded) != len(order):
        return frames
    return [f.to_ndarray(format="bgr24")[:side, :side] for f in decoded[1:]]
