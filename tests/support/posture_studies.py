"""Made-up posture codes of walking subjects: a cycle of its own speed and style, an offset, and noise."""

from typing import Any

import numpy as np

from ubam.deviation.posture_series import PostureSeries


def make_code(
    rng: np.random.Generator,
    subject: str,
    group: str,
    *,
    shift: float = 0.0,
    dim: int = 12,
    frames: int = 90,
    name: str = "",
) -> PostureSeries:
    """One recording; `shift` moves every posture along a direction that no reference subject uses."""
    shared = np.random.default_rng(99)
    gait, direction = shared.normal(size=(4, dim)), shared.normal(size=dim) / np.sqrt(dim)
    phase = rng.uniform(0, 2 * np.pi) + 2 * np.pi * rng.uniform(0.8, 1.2) * np.arange(frames) / 25
    cycle = np.stack([np.sin(phase), np.cos(phase), np.sin(2 * phase), np.cos(2 * phase)], axis=1)
    posture = cycle @ (gait * (1 + 0.1 * rng.normal(size=gait.shape))) + 0.4 * rng.normal(size=dim)
    posture = posture + 0.1 * rng.normal(size=(frames, dim)) + shift * direction
    return PostureSeries(name or subject, subject, group, posture.astype(np.float32), 1)


def make_study(seed: int, reference: int, queries: int, *, shift: float = 0.0, **options: Any) -> list[PostureSeries]:
    """A study of one recording per subject: the reference, then the queries, moved by `shift`."""
    rng = np.random.default_rng(seed)
    codes = [make_code(rng, f"r{number}", "healthy", **options) for number in range(reference)]
    return codes + [make_code(rng, f"q{number}", "impaired", shift=shift, **options) for number in range(queries)]
