"""The types that many files share."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

Picture = NDArray[np.uint8]

View = NDArray[np.uint8]
