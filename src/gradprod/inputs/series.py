"""A named series of numbers, and its standardised form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """A measured series, one value a step.

    Parameters
    ----------
    name : str
        What the values are: the column's name in its file.
    values : ndarray, shape (T,)
        Finite numbers.
    rows : ndarray of int, shape (T,)
        The row of the file that each value stands in, counted from 1 as an editor counts.
    standardised : bool
        Whether the values were scaled to mean 0 and standard deviation 1.
    """

    name: str
    values: NDArray[np.float64]
    rows: NDArray[np.int64]
    standardised: bool = False


def standardise(series: Series, /) -> Series:
    """Series minus its mean, divided by its standard deviation, both over the whole series.

    Parameters
    ----------
    series : Series
        At least two different values.

    Returns
    -------
    Series
        Mean 0 and (population) standard deviation 1; ``standardised`` is True.

    Raises
    ------
    ValueError
        If all values are equal, so that there is nothing to scale by.
    """
    if not isinstance(series, Series):
        raise ValueError(f"series must be a Series, got {series!r}; read_csv reads one, SUNSPOTS is one")
    values = series.values
    if values.min() == values.max():
        raise ValueError(
            f"series must hold at least two different values to be standardised, got {values[0]:g} "
            f'throughout "{series.name}"; use it as it is'
        )
    # a first scaling by the largest magnitude keeps the squares finite for values near 1e300
    scaled = values / np.abs(values).max()
    centred = scaled - scaled.mean()
    return replace(series, values=centred / np.sqrt(np.mean(centred**2)), standardised=True)
