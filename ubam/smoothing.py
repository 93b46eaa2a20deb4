"""Paths over time without single outliers, smooth, in runs between which the subject is suddenly elsewhere."""

from collections.abc import Sequence

import numpy as np


def smooth_runs(values: np.ndarray, found: np.ndarray, sigma: float, runs: Sequence[np.ndarray]) -> np.ndarray:
    """`smooth`, each run of frames (positions) by itself: between them the subject is suddenly elsewhere."""
    return np.concatenate([smooth(values[run], found[run], sigma) for run in runs])


def smooth(values: np.ndarray, found: np.ndarray, sigma: float) -> np.ndarray:
    """values [T,C] held where not found, freed of single outliers, then smoothed by a Gaussian of sigma frames."""
    known = np.flatnonzero(found)
    nearest = known[np.clip(np.searchsorted(known, np.arange(len(values)), side="right") - 1, 0, None)]
    held = values[nearest].astype(np.float64)
    padded = np.pad(held, ((2, 2), (0, 0)), mode="edge")
    held = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5, axis=0), axis=-1)
    radius = max(1, int(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(sigma, 1e-3)) ** 2)
    padded = np.pad(held, ((radius, radius), (0, 0)), mode="edge")
    columns = [np.convolve(column, weights / weights.sum(), mode="valid") for column in padded.T]
    return np.stack(columns, axis=1)
