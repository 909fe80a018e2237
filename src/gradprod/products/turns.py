"""Partial derivatives and Jacobians of one step after another, in either order."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.cells import Arrays
from gradprod.products.layout import Stacked
from gradprod.unroll import Trajectory


def partials_between(
    trajectory: Trajectory, source: int, target: int, start: int, stop: int, *, newest_first: bool
) -> tuple[Arrays, Any]:
    """Scaled partials of the steps that lead to lags start … stop − 1, in that order, and their exponents."""
    first = target - stop + 1 if newest_first else source + start - 1
    partials, shift = trajectory.cell.scaled_partials(trajectory.steps(first, first + stop - start))
    if newest_first:
        partials = {name: array[::-1] for name, array in partials.items()}
        shift = shift[::-1] if np.ndim(shift) else shift
    return partials, shift


def partials_in_turn(
    trajectory: Trajectory, source: int, target: int, shifts: NDArray[np.int64], *, newest_first: bool
) -> Iterator[Arrays]:
    """The same from lag 1 on, as many at a time as stay in the cache; exponents go to ``shifts[lag]``."""
    many = max(1, 2**15 // (prod(trajectory.cell.width) * max(1, prod(trajectory.leading))))
    for start in range(1, target - source + 1, many):
        stop = min(start + many, target - source + 1)
        partials, shifts[start:stop] = partials_between(
            trajectory, source, target, start, stop, newest_first=newest_first
        )
        yield partials


def jacobians(
    trajectory: Trajectory,
    place: Stacked,
    source: int,
    target: int,
    shifts: NDArray[np.int64],
    *,
    newest_first: bool,
) -> Iterator[Any]:
    """Scaled Jacobians one by one, in the order of lags; their exponents as in `partials_in_turn`."""
    many = max(1, 2**15 // (place.size**2 * max(1, prod(trajectory.leading))))
    for partials in partials_in_turn(trajectory, source, target, shifts, newest_first=newest_first):
        for start in range(0, len(next(iter(partials.values()))), many):
            few = {name: array[start : start + many] for name, array in partials.items()}
            yield from place.each(place.assemble(trajectory.cell.jacobian(few)))


def checked_lags(lags: ArrayLike, longest: int) -> NDArray[np.int64]:
    """Lags as integers from 0 to the longest there is, in increasing order."""
    wanted = np.atleast_1d(np.asarray(lags))
    if (
        not np.issubdtype(wanted.dtype, np.integer)
        or wanted.size == 0
        or wanted.min() < 0
        or wanted.max() > longest
        or (np.diff(wanted) <= 0).any()
    ):
        raise ValueError(
            f"lags must be integers from 0 to {longest} in increasing order, got {lags!r}; "
            f"{longest} steps lie in between"
        )
    return wanted.astype(np.int64)
