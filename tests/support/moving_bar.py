"""A bar that swings before a grey wall, as views: the smallest recording with a phase."""

import numpy as np


def moving_bar(frames: int, seed: int, size: int = 32, period: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """Views uint8 [frames, size, size, 3] and the phase [frames] in radians; build and texture vary with `seed`."""
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(frames) / period
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    pivot, length, thickness = random.uniform(-0.08, 0.08), random.uniform(0.55, 0.75), random.uniform(0.05, 0.12)
    views = np.empty((frames, size, size, 3), np.uint8)
    for frame, angle in enumerate(phase):
        swing, bend = 0.6 * np.sin(angle), 0.8 * np.cos(angle)
        depth = rows + 0.4
        across = columns - pivot - depth * np.tan(swing) - bend * depth**2
        inside = np.clip((thickness - np.abs(across)) * size, 0, 1) * ((depth > 0) & (depth < length))
        grey = inside * random.normal(0, 0.02, inside.shape) + inside * 0.4
        views[frame] = np.stack([255 * inside, 128 + 100 * grey, 128 + 60 * inside], -1).astype(np.uint8)
    return views, phase
