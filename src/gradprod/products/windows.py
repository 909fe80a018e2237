"""Gradient products window after window of lags, scaled so that none under- or overflows."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.activations import FloatArray
from gradprod.products.layout import Elementwise, Stacked, exponents, layout
from gradprod.products.scalar import span
from gradprod.products.turns import jacobians, partials_between
from gradprod.unroll import Trajectory


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
    cell, grid = trajectory.cell, trajectory.leading
    N = prod(cell.width) * len(cell.parts)
    length = length or max(1, 2**21 // (N**2 * max(1, prod(grid))))
    run = _by_doubling if not cell.width and prod(grid) < 16 else _step_by_step
    newest_first = source is None or target is not None
    for lags, place, matrix, squares, exponent in run(trajectory, k, t, length, newest_first):
        yield (
            lags,
            MatrixProduct(
                matrix=place.public(matrix),
                exponent=np.moveaxis(exponent, 0, -1),
                squares=np.moveaxis(squares, 0, -1),
                parts=cell.parts,
                scalar=place.scalar,
            ),
        )


_Window = tuple[NDArray[np.int64], Stacked, FloatArray, FloatArray, NDArray[np.int64]]


def _step_by_step(
    trajectory: Trajectory, k: int, t: int, length: int, newest_first: bool
) -> Iterator[_Window]:
    """Each product from the one before: for vector cells, and for grids so large that a step fills numpy."""
    place = layout(trajectory.cell, trajectory.leading)
    multiply, square_of, fits = place.multiply, place.square, place.fits
    shifts = np.zeros((t - k + 1, *trajectory.leading), dtype=np.int64)
    factors = jacobians(trajectory, place, k, t, shifts, newest_first=newest_first)
    before = place.empty(1)[0]
    before[...] = place.identity()
    carried = np.zeros(trajectory.leading, dtype=np.int64)
    for lags in _windows(t - k, length):
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
        yield lags, place, matrix, squares, exponent


def _by_doubling(
    trajectory: Trajectory, k: int, t: int, length: int, newest_first: bool
) -> Iterator[_Window]:
    """All products of a window side by side, over 1, 2, 4, 8 … steps: for single runs of scalar cells."""
    cell, grid = trajectory.cell, trajectory.leading
    place = Elementwise(cell, grid)
    carried, short = place.identity()[:, :, None], np.zeros(grid, dtype=np.int64)
    for lags in _windows(t - k, length):
        P = np.empty((place.size, place.size, len(lags), *grid))
        exponent = np.zeros((len(lags), *grid), dtype=np.int64)
        P[:, :, :1] = place.identity()[:, :, None]
        start, stop = max(1, int(lags[0])), int(lags[-1]) + 1
        if start < stop:
            partials, shift = partials_between(trajectory, k, t, start, stop, newest_first=newest_first)
            P[:, :, start - stop :] = place.assemble(cell.jacobian(partials))
            exponent[start - stop :] = shift
        _bring_to_one(P, exponent)
        over = 1
        while over < len(lags):
            earlier, later = P[:, :, :-over], P[:, :, over:]
            P[:, :, over:] = _compose(earlier, later) if newest_first else _compose(later, earlier)
            exponent[over:] = exponent[over:] + exponent[:-over]
            _bring_to_one(P, exponent)
            over *= 2
        P = _compose(carried, P) if newest_first else _compose(P, carried)
        exponent += short
        _bring_to_one(P, exponent)
        carried, short = P[:, :, -1:], exponent[-1]
        yield lags, place, np.moveaxis(P, 2, 0), place.square(P), exponent


def _compose(A: FloatArray, B: FloatArray) -> Any:
    """A B, entry by entry along the first two axes."""
    return sum(A[:, j, None] * B[None, j] for j in range(len(B)))


def _bring_to_one(P: FloatArray, exponent: NDArray[np.int64]) -> None:
    """Take powers of two out of each matrix, in place."""
    shift = exponents(np.abs(P).max(axis=(0, 1)))
    P *= np.ldexp(1.0, -shift)
    exponent += shift


def _windows(longest: int, length: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, longest + 1, length):
        yield np.arange(first, min(first + length, longest + 1))
