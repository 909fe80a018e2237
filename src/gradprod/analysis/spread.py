"""Many runs of one quantity as their median and the band round it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """What the runs in the middle have.

    Parameters
    ----------
    low, median, high : ndarray, shape (...)
        10th percentile, median and 90th percentile.
    """

    low: FloatArray
    median: FloatArray
    high: FloatArray


def spread(runs: ArrayLike, /) -> Spread:
    """Median of many runs, and the band that holds four fifths of them.

    Parameters
    ----------
    runs : array_like, shape (runs, ...)

    Returns
    -------
    Spread
        Each number is one that occurred, so that −inf stays out of averages.
    """
    ordered = np.sort(np.asarray(runs, dtype=float), axis=0)  # an eighth of the time that np.quantile takes
    low, median, high = (ordered[round((len(ordered) - 1) * share)] for share in (0.1, 0.5, 0.9))
    return Spread(low=low, median=median, high=high)
