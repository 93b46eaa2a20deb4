"""What differs from the background in a frame: soft saliency, and masks without specks and holes."""

import cv2
import numpy as np

LEAST = 5.0  # smaller differences, in grey levels, are never foreground


def saliency(frame: np.ndarray, background: np.ndarray, noise: np.ndarray | float) -> np.ndarray:
    """How far each pixel of a frame is from the background, in units of noise, float32 [H,W] in 0..1.

    Parameters
    ----------
    frame
        uint8 [H,W,3].
    background
        uint8 [H,W,3].
    noise
        Grey levels, one number or float32 [H,W].
    """
    red, green, blue = cv2.split(cv2.absdiff(frame, background))
    widest = cv2.medianBlur(cv2.max(cv2.max(red, green), blue), 3).astype(np.float32)
    lit = exposure(background)
    low = np.maximum(LEAST * lit, 2.5 * noise)
    return np.clip((widest - low) / (low + 8.0 * lit), 0.0, 1.0, dtype=np.float32)


def exposure(background: np.ndarray) -> np.ndarray:
    """How strongly differences show before a background uint8 [H,W,3], float32 [H,W]: from 0.5 in the dark to 1."""
    bright = cv2.blur(cv2.cvtColor(background, cv2.COLOR_RGB2GRAY), (5, 5)).astype(np.float32)
    return np.clip(0.3 + bright / 150, 0.5, 1.0)


def clean_mask(salient: np.ndarray) -> np.ndarray:
    """Soft foreground float32 [H,W] -> bool [H,W]: gaps closed, specks removed."""
    raw = cv2.medianBlur((salient > 0.3).astype(np.uint8), 3)
    return cv2.morphologyEx(raw, cv2.MORPH_CLOSE, disc(0.01 * min(salient.shape))).astype(bool)


def grown(region: np.ndarray) -> np.ndarray:
    """A region bool [H,W] with a rim of 1.5 % of the picture's shorter side."""
    return cv2.dilate(region.astype(np.uint8), disc(0.015 * min(region.shape))) > 0


def disc(radius: float) -> np.ndarray:
    """The smallest disc of at least that radius (px) that OpenCV's morphology takes, uint8 [side,side]."""
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
