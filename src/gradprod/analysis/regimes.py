"""One readout over a plane of two parameters: where a cell vanishes, holds and explodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray
from gradprod.analysis.readouts import effective_memory, fit_rate, verdict
from gradprod.cells import Cell
from gradprod.products import gradient_product, matrix_product, norm, step_factors
from gradprod.unroll import Trajectory, unroll

_BLOCK = 1_000_000  # numbers of a kind held at once: more fall out of the cache, and long maps out of memory

READOUTS: dict[str, Callable[[Trajectory, float], NDArray[Any]]] = {
    "verdict": lambda run, threshold: verdict(_left(run)),
    "left": lambda run, threshold: _left(run),
    "rate": lambda run, threshold: fit_rate(_log10(run))[0],
    "memory": lambda run, threshold: effective_memory(_log10(run), threshold),
}
"""What a regime map can show: the verdict, log₁₀ of what is left, the rate in nats per step, the memory."""


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
    threshold: float = 0.01,
    initial_state: ArrayLike = 0.0,
) -> RegimeMap:
    """A readout of the gradient product ∂state_T/∂state_0 over two parameters of a cell.

    Where the state is more than one number, of its spectral norm.

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
    parts = []
    for rows in np.array_split(y, min(len(y), 1 + len(y) * len(x) * len(inputs) // _BLOCK)):
        values = {"initial_state": initial_state, x_name: x, y_name: rows[:, None]}
        start = values.pop("initial_state")
        made = _made(cell, values)
        if inputs.ndim != 1 + made.algebra.axes:
            wanted = "(T, m)" if made.algebra.axes else "(T,)"
            raise ValueError(
                f"inputs must have shape {wanted}, got {inputs.shape}; map one sequence at a time"
            )
        parts.append(READOUTS[readout](unroll(made, inputs, start), threshold))
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


def _is_one_number(cell: Cell) -> bool:
    return not cell.width and len(cell.parts) == 1


def _log10(run: Trajectory) -> FloatArray:
    return gradient_product(run).log10 if _is_one_number(run.cell) else norm(matrix_product(run), 2)


def _left(run: Trajectory) -> FloatArray:
    if _is_one_number(run.cell):
        log: FloatArray = step_factors(run).log.sum(axis=-1) / LOG_10
        return log
    product = matrix_product(run)
    last = {name: getattr(product, name)[..., -1:] for name in ("exponent", "squares")}
    return norm(replace(product, matrix=product.matrix[..., -1:, :, :], **last), 2)[..., 0]
