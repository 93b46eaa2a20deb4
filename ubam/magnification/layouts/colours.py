"""The colours that are drawn into pictures, light to import: those of figures bring matplotlib."""

import numpy as np

from ubam.core.typing import Array

HEAT = np.array([[240, 228, 66], [213, 94, 0]], np.float32)

AMBER = (230, 159, 0)


def heat_colour(share: Array) -> Array:
    """Return the colour [..., 3] of displacements `share` [...], 0 at 2 % and 1 at 10 % of the body height."""
    share = np.clip(share, 0, 1)[..., None]
    return ((1 - share) * HEAT[0] + share * HEAT[1]).astype(np.float32)
