"""The product over a whole run that isn't kept, for maps over large grids."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray
from gradprod.cells import Cell, Step
from gradprod.cells.base import log_magnitude
from gradprod.products.matrix import HIGH, LOG10_2, LOW, shift_of
from gradprod.unroll import InitialState, check_inputs, prepare, time_first


def whole_product(
    cell: Cell, inputs: ArrayLike, initial_state: InitialState = 0.0, *, block: str | None = None
) -> tuple[FloatArray, FloatArray]:
    """Sign and log₁₀ magnitude of ∂state_T/∂state_0 of a scalar cell, by carrying it along with the state.

    No step is kept: a grid of any size takes the memory of one step.

    Parameters
    ----------
    cell : Cell
        A scalar cell with leading axes (...).
    inputs : array_like, shape (..., T)
        x_1 … x_T.
    initial_state : array_like or dict
        As in `unroll`.
    block : str, optional
        Which entry, where the state has two parts: "cc" is ∂c_T/∂c_0.

    Returns
    -------
    sign, log10 : ndarray, shape (...)

    Raises
    ------
    ValueError
        If the cell is no scalar one, if there is no such block, or as `unroll`.
    """
    if cell.width:
        raise ValueError(f"cell must be a scalar cell, got {type(cell).__name__}; use matrix_product")
    names = [row + column for row in cell.parts for column in cell.parts]
    if len(cell.parts) == 1 and block is None:
        block = names[0]
    if block not in names:
        raise ValueError(f"block must be one of {', '.join(names)}, got {block!r}; rows come first")
    row, column = divmod(names.index(block), len(cell.parts))
    if len(cell.parts) == 1:
        return _by_factors(cell, inputs, initial_state)
    return _by_tangents(cell, inputs, initial_state, cell.parts[row], cell.parts[column])


def _by_tangents(
    cell: Cell, inputs: ArrayLike, initial_state: InitialState, row: str, column: str
) -> tuple[FloatArray, FloatArray]:
    exponent: NDArray[np.int64] | int = 0
    tangent: dict[str, Any] = {part: np.asarray(float(part == column)) for part in cell.parts}
    for step in _steps(cell, inputs, initial_state):
        J = cell.jacobian(cell.partials(step))
        tangent = {p: sum(J[p + q] * tangent[q] for q in cell.parts) for p in cell.parts}
        square = sum(value * value for value in tangent.values())
        if not (np.min(square) > LOW and np.max(square) < HIGH):
            shift = shift_of(np.maximum.reduce([np.abs(value) for value in tangent.values()]), square)
            tangent = {part: np.ldexp(value, -shift) for part, value in tangent.items()}
            exponent = exponent + shift
    return np.sign(tangent[row]), log_magnitude(tangent[row]) / LOG_10 + exponent * LOG10_2


def _by_factors(cell: Cell, inputs: ArrayLike, initial_state: InitialState) -> tuple[FloatArray, FloatArray]:
    sign, total, recent = np.ones(()), np.zeros(()), np.zeros(())
    for t, step in enumerate(_steps(cell, inputs, initial_state)):
        signs, logs = cell.factors(step)
        sign, recent = sign * signs, recent + logs
        if t % 256 == 255:  # in stretches, as a long sum rounds
            total, recent = total + recent, np.zeros(())
    return sign, (total + recent) / LOG_10


def _steps(cell: Cell, inputs: ArrayLike, initial_state: InitialState) -> Iterator[Step]:
    x = check_inputs(cell, inputs)
    drive, now, shape = prepare(cell, x, initial_state)
    with np.errstate(over="ignore", invalid="ignore"):
        for x_t, driven in zip(time_first(x, cell, len(shape)), drive, strict=True):
            after, pre_activations, gates = cell.step(now, driven)
            yield Step(inputs=x_t, before=now, after=after, pre_activations=pre_activations, gates=gates)
            now = after
