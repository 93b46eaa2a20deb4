"""Recordings whose postures cannot be compared: not numbers, or the same in every frame."""

from collections.abc import Mapping

import numpy as np

STILL = 1e-3  # of the study's usual movement: below, a posture does not change


def unusable(postures: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Why recordings, by id and with postures [T, D], cannot be compared at all; empty when all can."""
    return {
        name: f"{1 - np.isfinite(posture).all(1).mean():.0%} of its postures are not numbers; "
        "train the networks again, or mend its keypoints"
        for name, posture in postures.items()
        if not np.isfinite(posture).all()
    }


def unmoving(postures: Mapping[str, np.ndarray]) -> list[str]:
    """What must be said of recordings whose posture is the same in every frame."""
    movement = {name: float(np.sqrt(posture.astype(np.float64).var(0).sum())) for name, posture in postures.items()}
    usual = float(np.median(list(movement.values()))) if movement else 0.0
    if usual == 0:
        return ["The postures are the same in every frame of most recordings: no score here says anything of movement."]
    still = [name for name, size in movement.items() if size < STILL * usual]
    if not still:
        return []
    return [f"{', '.join(still)}: the posture is the same in every frame, so the score says where, not how, it stands."]
