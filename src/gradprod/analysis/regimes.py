"""One readout over a plane of two parameters: where a cell vanishes, holds and explodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray
from gradprod.analysis.readouts import effective_memory, fit_rate, verdict
from gradprod.cells import Cell, Step
from gradprod.products import (
    LogProduct,
    MatrixProduct,
    gradient_product,
    matrix_product,
    norm,
    whole_product,
)
from gradprod.products import block as named_block
from gradprod.unroll import check_inputs, prepare, unroll

_BLOCK = 1_000_000  # numbers of a kind held at once, whatever the map: more would fall out of the cache

READOUTS = ("verdict", "left", "rate", "memory")
"""What a regime map can show: the verdict, log₁₀ of what is left, the rate in nats per step, the memory."""

_STREAMED = ("verdict", "left")


@dataclass(frozen=True, kw_only=True, eq=False)
class RegimeMap:
    """A readout over a plane of two parameters.

    Parameters
    ----------
    x_name, y_name : str
        The parameters.
    x, y : ndarray, shape (n,), (m,)
        Their values.
    readout : str
        Which of `READOUTS`.
    values : ndarray, shape (m, n)
        A row for each y.
    """

    x_name: str
    x: FloatArray
    y_name: str
    y: FloatArray
    readout: str
    values: NDArray[Any]


def regime_map(
    cell: Cell | Callable[..., Cell],
    plane: Mapping[str, ArrayLike],
    inputs: ArrayLike,
    *,
    readout: str = "verdict",
    block: str | None = None,
    threshold: float = 0.01,
    initial_state: ArrayLike = 0.0,
) -> RegimeMap:
    """A readout of the gradient product ∂state_T/∂state_0 over two parameters of a cell.

    Where the state is more than one number, of the product's spectral norm, or of one of its blocks.

    Parameters
    ----------
    cell : Cell or callable
        The cell whose two parameters vary, or what makes one from them by keyword.
    plane : mapping of two names to array_like, shapes (n,) and (m,)
        The parameter along x and its values, then the one along y: parameters of the cell, or
        ``"initial_state"``.
    inputs : array_like, shape (T,), or (T, m) for a vector cell
        The input sequence.
    readout : str
        One of `READOUTS`, each as `readouts` defines it.
    block : str, optional
        A block by name, where the state has parts: ``"cc"`` is the exact partial ∂c_T/∂c_0 of an LSTM.
    threshold : float
        What counts as remembered, for ``"memory"``.
    initial_state : array_like
        State 0.

    Returns
    -------
    RegimeMap
        ``values`` of shape (m, n).

    Raises
    ------
    ValueError
        If there are not two parameters, if one isn't the cell's, if there is no such readout.
    """
    if readout not in READOUTS:
        raise ValueError(f"readout must be one of {', '.join(READOUTS)}, got {readout!r}; choose one")
    if len(plane) != 2:
        raise ValueError(
            f"plane must name two parameters, got {len(plane)}; for one, unroll along an axis of it"
        )
    (x_name, x), (y_name, y) = ((name, _axis(name, values)) for name, values in plane.items())
    inputs = np.asarray(inputs, dtype=float)
    values = {"initial_state": initial_state, x_name: x, y_name: y[:, None]}
    whole = _made(cell, {name: value for name, value in values.items() if name != "initial_state"})
    if inputs.ndim != 1 + whole.algebra.axes:
        wanted = "(T, m)" if whole.algebra.axes else "(T,)"
        raise ValueError(f"inputs must have shape {wanted}, got {inputs.shape}; map one sequence at a time")
    kept = 1 if readout in _STREAMED else len(inputs) * math.prod(whole.width) ** 2
    parts = []
    for rows in np.array_split(y, min(len(y), 1 + len(y) * len(x) * kept // _BLOCK)):
        here = values | {y_name: rows[:, None]}
        start = here.pop("initial_state")
        parts.append(_read(readout, _made(cell, here), inputs, start, block, threshold))
        if parts[-1].shape != (len(rows), len(x)):
            raise ValueError(
                f"the cell's other parameters must be single numbers, got a map of shape {parts[-1].shape}; "
                "map one cell at a time"
            )
    return RegimeMap(x_name=x_name, x=x, y_name=y_name, y=y, readout=readout, values=np.concatenate(parts))


def _axis(name: str, values: ArrayLike) -> FloatArray:
    array = np.asarray(values, dtype=float)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be a list of values along its axis, got shape {array.shape}")
    return array


def _made(cell: Cell | Callable[..., Cell], values: Mapping[str, Any]) -> Cell:
    if not isinstance(cell, Cell):
        return cell(**values)
    unknown = [name for name in values if name not in cell.parameters]
    if unknown:
        raise ValueError(
            f"plane must name parameters of {type(cell).__name__}, got {unknown[0]!r}; "
            f"choose from {', '.join(cell.parameters)} and initial_state"
        )
    return replace(cell, **values)


def _read(
    readout: str, cell: Cell, inputs: FloatArray, start: ArrayLike, block: str | None, threshold: float
) -> NDArray[Any]:
    one_number = not cell.width and len(cell.parts) == 1 and block is None
    if readout in _STREAMED:
        left = _left(cell, inputs, start) if one_number else _sizes(whole_product(cell, inputs, start), block)
        return verdict(left[..., 0]) if readout == "verdict" else left[..., 0]
    run = unroll(cell, inputs, start)
    log10 = gradient_product(run).log10 if one_number else _sizes(matrix_product(run), block)
    return fit_rate(log10)[0] if readout == "rate" else effective_memory(log10, threshold)


def _sizes(product: MatrixProduct, block: str | None) -> FloatArray:
    part = product if block is None else named_block(product, block)
    return part.log10 if isinstance(part, LogProduct) else norm(part, 2)


def _left(cell: Cell, inputs: FloatArray, start: ArrayLike) -> FloatArray:
    """log₁₀ |∂S_T/∂S_0| of a cell whose state is one number, summed step by step: nothing else is kept."""
    x = check_inputs(cell, inputs)
    drive, state, grid = prepare(cell, x, start)
    log: FloatArray = np.zeros(grid)
    for x_t, driven in zip(x, drive, strict=True):
        after, pre, gates = cell.step(state, driven)
        step = Step(inputs=x_t, before=state, after=after, pre_activations=pre, gates=gates)
        log = log + cell.factors(step)[1]
        state = after
    return log[..., None] / LOG_10
