"""Products between every pair of steps: the full (t, s) maps."""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray
from gradprod.cells import Cell
from gradprod.cells.base import log_magnitude
from gradprod.cells.shapes import as_floats
from gradprod.products.layout import Stacked, exponents
from gradprod.products.matrix import LOG10_2
from gradprod.unroll import BidirectionalTrajectory, Trajectory, require_trajectory

_Products = Iterator[tuple[int, FloatArray, NDArray[np.int64]]]
"""Lag, matrices short of powers of two, and their exponents."""


def product_map(trajectory: Trajectory) -> FloatArray:
    """log₁₀ ‖∂state_t/∂state_s‖ between every two steps (Frobenius norm).

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell, of length T. Time and memory go with T².

    Returns
    -------
    ndarray, shape (..., T + 1, T + 1)
        Row t, column s; −inf above the diagonal, where a later state has no part in an earlier one.
    """
    require_trajectory(trajectory)
    place = Stacked(trajectory.cell, trajectory.leading)
    T = trajectory.length
    start = np.broadcast_to(np.eye(place.size), (T + 1, *place.grid, place.size, place.size))
    products = _lag_by_lag(start, *_jacobians(trajectory, place))
    return _log_norms(products, T + 1, place)


def influence_map(
    run: Trajectory | BidirectionalTrajectory,
    readout: ArrayLike | None = None,
    backward_readout: ArrayLike | None = None,
) -> FloatArray:
    """log₁₀ ‖∂y_t/∂x_s‖ between every output and every input (Frobenius norm).

    Parameters
    ----------
    run : Trajectory or BidirectionalTrajectory
        Of length T. Time and memory go with T².
    readout, backward_readout : array_like, shape () or (p, n)
        V_f and V_b in y_t = V_f h→_t + V_b h←_t + c; by default y_t is h_t, of a pair both side by side.

    Returns
    -------
    ndarray, shape (..., T, T)
        Row t − 1, column s − 1. −inf where an input has no influence: a one-way run has none above the
        diagonal.

    Raises
    ------
    ValueError
        If a readout doesn't fit.
    """
    if isinstance(run, Trajectory):
        return _triangle(run, _readout("readout", run.cell, readout))[0]
    return influence_maps(run, readout, backward_readout)[1]


def influence_maps(
    run: BidirectionalTrajectory, readout: ArrayLike | None = None, backward_readout: ArrayLike | None = None
) -> tuple[FloatArray, FloatArray]:
    """`influence_map` of the forward net alone, and of both, at the price of the second."""
    V_f = _readout("readout", run.cell.forward, readout)
    V_b = _readout("backward_readout", run.cell.backward, backward_readout)
    if readout is None and backward_readout is None:  # side by side
        f, b = len(V_f), len(V_b)
        V_f, V_b = np.pad(V_f, ((0, b), (0, 0))), np.pad(V_b, ((f, 0), (0, 0)))
    elif len(V_f) != len(V_b):
        raise ValueError(
            f"readout of shape {V_f.shape} must have as many rows as backward_readout of shape {V_b.shape}"
        )
    lower, at_f = _triangle(run.forward, V_f)
    upper, at_b = _triangle(run.backward, V_b)
    table = np.maximum(lower, upper[..., ::-1, ::-1])
    t = np.arange(run.forward.length)
    table[..., t, t] = np.moveaxis(_log_root(_squares(at_f + at_b[::-1])), 0, -1)
    return lower, table


def _triangle(run: Trajectory, V: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The map of a one-way run, and its diagonal ∂y_t/∂x_t as matrices."""
    cell, place, T = run.cell, Stacked(run.cell, run.leading), run.length
    partials = cell.partials(run.steps())
    # ∂y_t/∂state_t; ∂state_s/∂x_s, the state before held; and what x_t does to y_t past the state
    into_state, past_state = cell.output_adjoint(partials, _unit_rows(cell, place, V))
    units = np.split(np.eye(place.size), len(cell.parts), axis=1)
    each = {part: _unit_rows(cell, place, unit) for part, unit in zip(cell.parts, units, strict=True)}
    outputs = _matrices(cell, [into_state[part] for part in cell.parts], T, place)
    inputs = _matrices(cell, [cell.input_adjoint(partials, cell.adjoint(partials, each)[1])], T, place)
    none = cell.adjoint(partials, {part: 0 * row for part, row in into_state.items()})[1]
    direct = _matrices(cell, [cell.input_adjoint(partials, none | past_state)], T, place)

    J, shift = _jacobians(run, place)
    diagonal = outputs @ inputs + direct
    products = (
        (lag, P @ inputs[: len(P)] if lag else diagonal, exponent)
        for lag, P, exponent in _lag_by_lag(outputs, J[1:], shift[1:])
    )
    return _log_norms(products, T, place), diagonal


def _readout(name: str, cell: Cell, readout: ArrayLike | None) -> FloatArray:
    n = prod(cell.width)
    if readout is None:
        return np.eye(n)
    V = as_floats(name, readout)
    if not cell.width and V.ndim == 0:
        V = V.reshape(1, 1)
    if V.ndim != 2 or V.shape[1] != n:
        raise ValueError(f"{name} must have shape (p, {n}) to fit {type(cell).__name__}, got {V.shape}")
    return V


def _unit_rows(cell: Cell, place: Stacked, rows: FloatArray) -> FloatArray:
    """Rows (p, n) as adjoints (p, 1, …, 1[, n]) in front of steps and grid."""
    between = (1,) * (1 + len(place.grid))
    return rows.reshape(len(rows), *between, *cell.width)


def _matrices(cell: Cell, rows: list[Any], T: int, place: Stacked) -> FloatArray:
    """Adjoints (p, T, ...[, n]), those of several parts side by side, as matrices (T, ..., p, N)."""
    columns = [array if cell.width else array[..., None] for array in rows]
    columns = [np.broadcast_to(array, (len(array), T, *place.grid, array.shape[-1])) for array in columns]
    return np.moveaxis(np.concatenate(columns, axis=-1), 0, -2)


def _jacobians(run: Trajectory, place: Stacked) -> tuple[FloatArray, NDArray[np.int64]]:
    """J_1 … J_T short of powers of two, (T, ..., N, N), and their exponents, (T, ...)."""
    partials, shift = run.cell.scaled_partials(run.steps())
    J = np.broadcast_to(
        place.assemble(run.cell.jacobian(partials)), (run.length, *place.grid, place.size, place.size)
    )
    return J, np.broadcast_to(np.asarray(shift, dtype=np.int64), J.shape[:-2])


def _lag_by_lag(P: FloatArray, J: FloatArray, shift: NDArray[np.int64]) -> _Products:
    """P_t J_t … J_{t−lag+1} for all t at once, lag after lag, scaled; the first J is that of the second P."""
    exponent = np.zeros(P.shape[:-2], dtype=np.int64)
    for lag in range(len(P)):
        yield lag, P, exponent
        P, exponent = P[1:] @ J[: len(P) - 1], exponent[1:] + shift[: len(P) - 1]
        top = np.abs(P).max(axis=(-2, -1), initial=0.0)
        power = exponents(top)
        P, exponent = P * np.ldexp(1.0, -power)[..., None, None], exponent + power


def _log_norms(products: _Products, steps: int, place: Stacked) -> FloatArray:
    """log₁₀ ‖ ‖ of scaled matrices in rows t and columns t − lag, (..., steps, steps); −inf above."""
    squares = np.zeros((steps, steps, *place.grid))
    exponents = np.zeros(squares.shape, dtype=np.int64)
    for lag, M, exponent in products:
        t = np.arange(lag, steps)
        squares[t, t - lag], exponents[t, t - lag] = _squares(M), exponent
    table = _log_root(squares) + exponents * LOG10_2
    return np.moveaxis(table, (0, 1), (-2, -1))


def _squares(M: FloatArray) -> Any:
    """Squared Frobenius norms."""
    return np.einsum("...ij,...ij->...", M, M)


def _log_root(squares: FloatArray) -> FloatArray:
    log: FloatArray = log_magnitude(squares) / (2 * LOG_10)
    return log
