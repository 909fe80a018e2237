"""One row of the gradient product for every source step, by a backward pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import FloatArray
from gradprod.cells import Arrays
from gradprod.cells.shapes import as_floats
from gradprod.products.layout import exponents, layout
from gradprod.products.scalar import span
from gradprod.products.turns import partials_in_turn
from gradprod.unroll import Trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorProduct:
    """vᵀ ∂state_t/∂state_k against lag t − k, as ``vector`` · 2^``exponent``.

    Parameters
    ----------
    vector : dict of ndarray, shape (..., L + 1) or (..., L + 1, n)
        By part of state_k; entry ``lag`` is at k = t − lag.
    exponent : ndarray of int, shape (..., L + 1)
        The power of two that each is short of.
    """

    vector: Arrays
    exponent: NDArray[np.int64]


def vector_product(
    trajectory: Trajectory, covector: Mapping[str, ArrayLike], *, target: int | None = None
) -> VectorProduct:
    """vᵀ P(t, k) for every source step k of one target, by one backward pass in which no matrix is formed.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell, of length T.
    covector : dict of array_like, shape (...) or (..., n)
        v by part of state_t; parts left out are 0. ``{"c": 1}`` gives a scalar LSTM's ∂c_t/∂(c_k, h_k).
    target : int, optional
        Step t, T by default.

    Returns
    -------
    VectorProduct

    Raises
    ------
    ValueError
        If target is out of range, or the covector doesn't fit the state.
    """
    _, t = span(trajectory, None, target)
    cell = trajectory.cell
    if not isinstance(covector, Mapping):
        raise ValueError(
            f"covector must be a dict by part of the state, got {covector!r}; "
            f"give {{{cell.parts[0]!r}: {'[1, 2]' if cell.width else 1}}} or the like"
        )
    shape = (*trajectory.leading, *cell.width)
    unknown = set(covector) - set(cell.parts)
    if unknown:
        raise ValueError(
            f"covector must have parts {' and '.join(cell.parts)}, got {', '.join(sorted(unknown))}"
        )
    vector = {part: np.zeros((t + 1, *shape)) for part in cell.parts}
    for part, value in covector.items():
        array = as_floats(f"covector {part}", value)
        try:
            vector[part][0] = array
        except ValueError:
            raise ValueError(
                f"covector {part} must have a shape that broadcasts to the state's {shape}, got {array.shape}"
            ) from None
    exponent = np.zeros((t + 1, *trajectory.leading), dtype=np.int64)
    now = {part: array[0] for part, array in vector.items()}
    axes = cell.algebra.axes
    place = layout(cell, trajectory.leading)
    each = (
        {name: array[i] for name, array in partials.items()}
        for partials in partials_in_turn(trajectory, 0, t, exponent, newest_first=True)
        for i in range(len(next(iter(partials.values()))))
    )
    for lag, partials in enumerate(each, start=1):
        now, _ = cell.adjoint(partials, now)
        square = sum(_dot(array, axes) for array in now.values())
        if not place.fits(square):
            top = np.maximum.reduce([np.abs(a).max(axis=-1) if axes else np.abs(a) for a in now.values()])
            shift = exponents(top)
            factor = np.ldexp(1.0, -shift)
            now = {part: array * (factor[..., None] if axes else factor) for part, array in now.items()}
            exponent[lag] += shift
        for part, array in now.items():
            vector[part][lag] = array
    return VectorProduct(
        vector={part: np.moveaxis(array, 0, -1 - axes) for part, array in vector.items()},
        exponent=np.moveaxis(np.cumsum(exponent, axis=0, out=exponent), 0, -1),
    )


def _dot(array: FloatArray, axes: int) -> Any:
    return np.einsum("...i,...i->...", array, array) if axes else array * array
