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
    trajectory: Trajectory, *, source: int | None = None, target: int | None = None
) -> MatrixProduct:
    """The exact product P(t, k) = J_t … J_{k+1} = ∂state_t/∂state_k over the whole state, against lag t − k.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell, of length T.
    source, target : int, optional
        Steps k and t. Entry ``lag`` is P(t, t − lag), from ``target`` (T by default) back to ``source`` (0 by
        default). With a source alone it is P(k + lag, k), up to T.

    Returns
    -------
    MatrixProduct
        Scaled: finite at any lag, and zero only where the product is. (An entry that is 10^−270 of its
        matrix's largest may come out as 0 too.)

    Raises
    ------
    ValueError
        If source or target is out of range.
    """
    k, t = span(trajectory, source, target)
    newest_first = source is None or target is not None
    place = layout(trajectory.cell, trajectory.leading)
    matrix = place.empty(t - k + 1)
    squares = np.empty((t - k + 1, *trajectory.leading))
    exponent = np.zeros(squares.shape, dtype=np.int64)
    matrix[0], squares[0] = place.identity(), place.size
    multiply, square_of, fits = place.multiply, place.square, place.fits
    for lag, J in jacobians(trajectory, place, k, t, exponent, newest_first=newest_first):
        P = matrix[lag + 1]
        if newest_first:
            multiply(matrix[lag], J, out=P)
        else:
            multiply(J, matrix[lag], out=P)
        square = square_of(P)
        if not fits(square):
            square, shift = place.rescale(P)
            exponent[lag + 1] += shift
        squares[lag + 1] = square
    return MatrixProduct(
        matrix=place.public(matrix),
        exponent=np.moveaxis(np.cumsum(exponent, axis=0, out=exponent), 0, -1),
        squares=np.moveaxis(squares, 0, -1),
        parts=trajectory.cell.parts,
        scalar=place.scalar,
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
    for lag, partials in _partials(trajectory, t):
        now, _ = cell.adjoint(partials, now)
        square = sum(_dot(array, axes) for array in now.values())
        if not place.fits(square):
            top = np.maximum.reduce([np.abs(a).max(axis=-1) if axes else np.abs(a) for a in now.values()])
            shift = exponents(top)
            factor = np.ldexp(1.0, -shift)
            now = {part: array * (factor[..., None] if axes else factor) for part, array in now.items()}
            exponent[lag + 1] = shift
        for part, array in now.items():
            vector[part][lag + 1] = array
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
    return MatrixProduct(
        matrix=matrix,
        exponent=product.exponent,
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


def jacobians(
    trajectory: Trajectory,
    place: Stacked,
    first: int,
    last: int,
    exponent: NDArray[np.int64],
    *,
    newest_first: bool,
) -> Iterator[tuple[int, Any]]:
    """Lag and J_t of the steps first + 1 … last, in either order; exponents go to ``exponent[lag + 1]``.

    They are made as many steps at a time as stay in the cache.
    """
    for start, stop in chunks(trajectory, first, last, place.size**2, newest_first=newest_first):
        blocks, shift = trajectory.cell.scaled_jacobian(trajectory.steps(start, stop))
        order = range(stop - start)
        lag = start - first
        if newest_first:
            order, lag, shift = order[::-1], last - stop, shift[::-1] if np.ndim(shift) else shift
        exponent[lag + 1 : lag + 1 + len(order)] = shift
        yield from enumerate(place.each(place.assemble(blocks), order), lag)


def _partials(trajectory: Trajectory, last: int) -> Iterator[tuple[int, Arrays]]:
    """Lag and partial derivatives of the steps last … 1."""
    size = prod(trajectory.cell.width)
    for start, stop in chunks(trajectory, 0, last, size, newest_first=True):
        partials = trajectory.cell.partials(trajectory.steps(start, stop))
        for t in reversed(range(start, stop)):
            yield last - t - 1, {name: array[t - start] for name, array in partials.items()}


def chunks(
    trajectory: Trajectory, first: int, last: int, size: int, *, newest_first: bool
) -> Iterator[tuple[int, int]]:
    many = max(1, 2**17 // max(1, size * prod(trajectory.leading)))
    if newest_first:
        for stop in range(last, first, -many):
            yield max(first, stop - many), stop
    else:
        for start in range(first, last, many):
            yield start, min(start + many, last)


def _dot(array: FloatArray, axes: int) -> Any:
    return np.einsum("...i,...i->...", array, array) if axes else array * array


def _largest_singular(matrix: FloatArray) -> Any:
    if matrix.shape[-1] == 1:
        return np.abs(matrix[..., 0, 0])
    if matrix.shape[-1] == 2:
        a, b, c, d = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 1, 0], matrix[..., 1, 1]
        return (np.hypot(a + d, b - c) + np.hypot(a - d, b + c)) / 2
    return np.linalg.norm(matrix, 2, axis=(-2, -1))
