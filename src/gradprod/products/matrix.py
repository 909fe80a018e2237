"""Exact products of whole step Jacobians, scaled so that no lag under- or overflows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log10, prod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray
from gradprod.cells import Arrays
from gradprod.cells.base import log_magnitude
from gradprod.cells.shapes import as_floats
from gradprod.products.layout import Stacked, exponents, layout
from gradprod.products.scalar import LogProduct, span
from gradprod.unroll import Trajectory

LOG10_2 = log10(2.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixProduct:
    """∂state_t/∂state_k against lag t − k, as ``matrix`` · 2^``exponent``.

    Parameters
    ----------
    matrix : ndarray, shape (..., L + 1, N, N)
        Entry ``lag`` spans ``lag`` steps, entry 0 is the identity. N is n times the number of parts.
    exponent : ndarray of int, shape (..., L + 1)
        The power of two that each matrix is short of.
    squares : ndarray, shape (..., L + 1)
        Squared Frobenius norm of each ``matrix``.
    parts : tuple of str
        The parts of the state, in the order of rows and columns.
    scalar : bool
        Whether the cell is a scalar one, its blocks single numbers.
    """

    matrix: FloatArray
    exponent: NDArray[np.int64]
    squares: FloatArray
    parts: tuple[str, ...]
    scalar: bool


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


def matrix_product(
    trajectory: Trajectory,
    *,
    source: int | None = None,
    target: int | None = None,
    lags: ArrayLike | None = None,
) -> MatrixProduct:
    """The exact product P(t, k) = J_t … J_{k+1} = ∂state_t/∂state_k over the whole state, against lag t − k.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell, of length T.
    source, target : int, optional
        Steps k and t. Entry ``lag`` is P(t, t − lag), from ``target`` (T by default) back to ``source`` (0 by
        default). With a source alone it is P(k + lag, k), up to T.
    lags : array_like of int, optional
        The lags to keep, in increasing order, where all of them would fill the memory.

    Returns
    -------
    MatrixProduct
        Scaled: finite at any lag, and zero only where the product is, as far as a float64 can tell: an entry
        10^−270 times the largest of its matrix may come out as 0, and a gate below 10^−308 is.

    Raises
    ------
    ValueError
        If source, target or a lag is out of range.
    """
    k, t = span(trajectory, source, target)
    if lags is None:
        ((_, product),) = product_windows(trajectory, source=source, target=target, length=t - k + 1)
        return product
    wanted = checked_lags(lags, t - k)
    found = [
        MatrixProduct(
            matrix=window.matrix[..., here, :, :],
            exponent=window.exponent[..., here],
            squares=window.squares[..., here],
            parts=window.parts,
            scalar=window.scalar,
        )
        for reached, window in product_windows(trajectory, source=source, target=target)
        if (here := np.flatnonzero(np.isin(reached, wanted))).size
    ]
    return MatrixProduct(
        matrix=np.concatenate([each.matrix for each in found], axis=-3),
        exponent=np.concatenate([each.exponent for each in found], axis=-1),
        squares=np.concatenate([each.squares for each in found], axis=-1),
        parts=found[0].parts,
        scalar=found[0].scalar,
    )


def product_windows(
    trajectory: Trajectory,
    *,
    source: int | None = None,
    target: int | None = None,
    length: int | None = None,
) -> Iterator[tuple[NDArray[np.int64], MatrixProduct]]:
    """The products of `matrix_product` window after window, for runs whose products would fill the memory.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell.
    source, target : int, optional
        As in `matrix_product`.
    length : int, optional
        Lags in a window; about 16 MB of them by default.

    Yields
    ------
    lags : ndarray of int, shape (L,)
        The lags of the window, one after another from 0 on.
    product : MatrixProduct
        With an entry for each.
    """
    k, t = span(trajectory, source, target)
    newest_first = source is None or target is not None
    place = layout(trajectory.cell, trajectory.leading)
    multiply, square_of, fits = place.multiply, place.square, place.fits
    shifts = np.zeros((t - k + 1, *trajectory.leading), dtype=np.int64)
    factors = jacobians(trajectory, place, k, t, shifts, newest_first=newest_first)
    length = length or max(1, 2**21 // (place.size**2 * max(1, prod(trajectory.leading))))
    before = place.empty(1)[0]
    before[...] = place.identity()
    carried = np.zeros(trajectory.leading, dtype=np.int64)
    for first in range(0, t - k + 1, length):
        lags = np.arange(first, min(first + length, t - k + 1))
        matrix = place.empty(len(lags))
        squares = np.empty((len(lags), *trajectory.leading))
        for i, lag in enumerate(lags.tolist()):
            P = matrix[i]
            if lag == 0:
                P[...] = before
            elif newest_first:
                multiply(before, next(factors), out=P)
            else:
                multiply(next(factors), before, out=P)
            square = square_of(P)
            if not fits(square):
                square, extra = place.rescale(P)
                shifts[lag] += extra
            squares[i] = square
            before = P
        exponent = carried + np.cumsum(shifts[lags], axis=0)
        carried = exponent[-1]
        yield (
            lags,
            MatrixProduct(
                matrix=place.public(matrix),
                exponent=np.moveaxis(exponent, 0, -1),
                squares=np.moveaxis(squares, 0, -1),
                parts=trajectory.cell.parts,
                scalar=place.scalar,
            ),
        )


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


def block(product: MatrixProduct, name: str) -> Any:
    """One block of a product by name: "ch" of an LSTM is ∂c_t/∂h_k.

    Returns
    -------
    LogProduct or MatrixProduct
        A `LogProduct` of a scalar cell; of a vector cell a `MatrixProduct` of n × n matrices.

    Raises
    ------
    ValueError
        If there is no such block.
    """
    names = [row + column for row in product.parts for column in product.parts]
    if name not in names:
        raise ValueError(f"block must be one of {', '.join(names)}, got {name!r}; rows come first")
    i, j = divmod(names.index(name), len(product.parts))
    n = product.matrix.shape[-1] // len(product.parts)
    matrix = product.matrix[..., i * n : (i + 1) * n, j * n : (j + 1) * n]
    if product.scalar:
        entry = matrix[..., 0, 0]
        return LogProduct(
            sign=np.sign(entry), log10=log_magnitude(entry) / LOG_10 + product.exponent * LOG10_2
        )
    shift = exponents(np.abs(matrix).max(axis=(-2, -1)))  # a block may be far smaller than the whole
    matrix = matrix * np.ldexp(1.0, -shift)[..., None, None]
    return MatrixProduct(
        matrix=matrix,
        exponent=product.exponent + shift,
        squares=np.einsum("...ij,...ij->...", matrix, matrix),
        parts=(name,),
        scalar=False,
    )


def norm(product: MatrixProduct, kind: Literal["fro", 2] = "fro") -> FloatArray:
    """log₁₀ of a norm of the product at each lag, shape (..., L + 1); −inf where it is exactly zero.

    Parameters
    ----------
    product : MatrixProduct
        From `matrix_product` or `block`.
    kind : {"fro", 2}
        "fro": the root of the sum of all squared entries, which the product comes with. 2: the largest
        singular value, the one that `bound` bounds; it takes a singular value decomposition for each lag.

    Raises
    ------
    ValueError
        If there is no such norm.
    """
    if kind == "fro":
        log = log_magnitude(product.squares) / 2
    elif kind == 2:
        log = log_magnitude(_largest_singular(product.matrix))
    else:
        raise ValueError(f"kind must be 'fro' or 2, got {kind!r}; singular_values gives the others")
    value: FloatArray = log / LOG_10 + product.exponent * LOG10_2
    return value


def partials_in_turn(
    trajectory: Trajectory,
    first: int,
    last: int,
    shifts: NDArray[np.int64],
    *,
    newest_first: bool,
) -> Iterator[Arrays]:
    """Scaled partials of the steps first + 1 … last in either order, as many at a time as stay in the cache.

    The exponents of the one that leads to a lag go to ``shifts[lag]``.
    """
    many = max(1, 2**15 // (prod(trajectory.cell.width) * max(1, prod(trajectory.leading))))
    for lag in range(0, last - first, many):
        count = min(many, last - first - lag)
        start = last - lag - count if newest_first else first + lag
        partials, shift = trajectory.cell.scaled_partials(trajectory.steps(start, start + count))
        if newest_first:
            partials = {name: array[::-1] for name, array in partials.items()}
            shift = shift[::-1] if np.ndim(shift) else shift
        shifts[lag + 1 : lag + 1 + count] = shift
        yield partials


def jacobians(
    trajectory: Trajectory,
    place: Stacked,
    first: int,
    last: int,
    shifts: NDArray[np.int64],
    *,
    newest_first: bool,
) -> Iterator[Any]:
    """Scaled J_t of the steps first + 1 … last in either order, their exponents as in `partials_in_turn`."""
    many = max(1, 2**15 // (place.size**2 * max(1, prod(trajectory.leading))))
    for partials in partials_in_turn(trajectory, first, last, shifts, newest_first=newest_first):
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


def _dot(array: FloatArray, axes: int) -> Any:
    return np.einsum("...i,...i->...", array, array) if axes else array * array


def _largest_singular(matrix: FloatArray) -> Any:
    if matrix.shape[-1] == 1:
        return np.abs(matrix[..., 0, 0])
    if matrix.shape[-1] == 2:
        a, b, c, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 0], matrix[..., 1, 1]
        return (np.hypot(a + d, b - c) + np.hypot(a - d, b + c)) / 2
    return np.linalg.norm(matrix, 2, axis=(-2, -1))
