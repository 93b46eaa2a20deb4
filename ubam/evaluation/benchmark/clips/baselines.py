"""The baselines of the clips: ways to exaggerate the difference of two pictures without knowledge of bodies.

Each takes a picture and the picture of its twin on the same canvas, uint8 [H, W, 3], and a factor: 0 is the twin,
1 the picture, 2 the difference doubled.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Array = NDArray[Any]

LEVELS = 5  # of the Laplacian pyramid
SCALES, ANGLES = 4, 4  # of the steerable pyramid, an octave each


def _picture(values: Array) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def pixel_average(picture: Picture, twins: NDArray[np.uint8], factor: float) -> Picture:
    """mean + factor * (picture - mean), the mean over the twins uint8 [R, H, W, 3] of several references."""
    mean = twins.astype(np.float32).mean(0)
    return _picture(mean + factor * (picture - mean))


def eulerian(picture: Picture, twin: Picture, factor: float) -> Picture:
    """Linear Eulerian magnification (Wu et al. 2012) of the two frames [twin, picture].

    The difference of the pictures in each band of a Laplacian pyramid is added (factor - 1) times; the finest band,
    which is noise, and the mean brightness that remains above the coarsest are left as they are.
    """
    difference = _laplacian(picture.astype(np.float32) - twin)  # the pyramid is linear: bands of a difference
    total = np.zeros_like(difference[-1])
    for band in difference[-2:0:-1]:
        total = cv2.pyrUp(total, dstsize=band.shape[1::-1]) + band
    total = cv2.pyrUp(total, dstsize=picture.shape[1::-1])
    return _picture(picture + (factor - 1) * total)


def _laplacian(picture: Array) -> list[Array]:
    """Bands from fine to coarse, and what is left."""
    bands: list[Array] = []
    for _ in range(LEVELS):
        smaller = cv2.pyrDown(picture)
        bands.append(picture - cv2.pyrUp(smaller, dstsize=picture.shape[1::-1]))
        picture = smaller
    return [*bands, picture]


@dataclass(frozen=True)
class Steerable:
    """The filters of a complex steerable pyramid (Portilla and Simoncelli 2000) over the whole spectrum [H, W].

    bands float32 [SCALES * ANGLES, H, W], one-sided; rest float32 [H, W]: what no band holds. With the picture's
    spectrum F the picture is the real part of the inverse transform of F rest² + 2 sum over bands of F band².
    """

    bands: NDArray[np.float32]
    rest: NDArray[np.float32]


@lru_cache(maxsize=4)
def steerable(height: int, width: int) -> Steerable:
    """The filters for pictures of this size: raised cosines of an octave, and of the angle to the power ANGLES - 1."""
    y, x = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    octave = np.log2(np.maximum(np.hypot(y, x), 1e-6) / 0.25)  # 0 at half of the highest frequency
    angle = np.arctan2(y, x)
    bands = []
    for scale in range(SCALES):
        ring = np.cos(np.pi / 2 * np.clip(octave + scale, -1, 1))
        for number in range(ANGLES):
            turned = np.angle(np.exp(1j * (angle - np.pi * number / ANGLES)))
            bands.append(ring * np.cos(turned) ** (ANGLES - 1) * (np.abs(turned) < np.pi / 2))
    stacked = np.stack(bands)
    power = (stacked**2).sum(0)
    power += np.roll(power[::-1, ::-1], 1, axis=(0, 1))  # of the opposite frequencies too, as the real part has both
    stacked, rest = stacked / np.sqrt(power.max()), np.sqrt(np.maximum(1 - power / power.max(), 0))
    return Steerable(stacked.astype(np.float32), rest.astype(np.float32))


def phase_based(picture: Picture, twin: Picture, factor: float) -> Picture:
    """Phase-based magnification (Wadhwa et al. 2013) of the two frames [twin, picture].

    In every band of a complex steerable pyramid of the brightness, (factor - 1) times the difference to the twin's
    phase, in -pi..pi, is added to the phase. Amplitudes, colours and what no band holds stay as they are.
    """
    colour = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    moved = phase_shifted(colour[..., 0], cv2.cvtColor(twin, cv2.COLOR_RGB2YCrCb)[..., 0], factor)
    return np.asarray(cv2.cvtColor(np.dstack([_picture(moved), colour[..., 1:]]), cv2.COLOR_YCrCb2RGB), np.uint8)


def phase_shifted(grey: Array, twin: Array, factor: float) -> NDArray[np.float32]:
    """The grey picture [H, W] of `phase_based`, not yet rounded."""
    filters = steerable(*grey.shape)
    spectra = [np.fft.fft2(np.asarray(one, np.float32)).astype(np.complex64) for one in (grey, twin)]
    total = spectra[0] * filters.rest**2
    for band in filters.bands:
        own, other = (np.fft.ifft2(spectrum * band) for spectrum in spectra)
        apart = np.angle(own * other.conj())
        total += 2 * band * np.fft.fft2(own * np.exp(1j * (factor - 1) * apart))
    return np.asarray(np.fft.ifft2(total).real, np.float32)
