"""The types that many files share."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

Picture = NDArray[np.uint8]  # [H, W, 3] RGB

View = NDArray[np.uint8]  # [V, V, 3]: saliency, normalised grey, difference to the background

Progress = Callable[[int, int], None]  # what is done, of how much

StageProgress = Callable[[str, int, int], None]  # the stage, what is done of it, of how much
