"""The variance of a study, one recording at a time, is that of all its rows in one array."""

import numpy as np
import pytest

from ubam.encoding.landmarks.total_variance import total_variance


@pytest.mark.parametrize("width", [2, 12, 64])
def test_it_is_that_of_all_rows_together_to_the_last_digit(width: int) -> None:
    rng = np.random.default_rng(width)
    parts = [rng.normal(3, 2, (rows, width)).astype(np.float32) for rows in (1, 700, 13, 2050)]
    assert total_variance(parts) == float(np.concatenate(parts).astype(np.float64).var(0).sum())


def test_without_a_row_there_is_none() -> None:
    with pytest.raises(ValueError, match="no parts"):
        total_variance([])
