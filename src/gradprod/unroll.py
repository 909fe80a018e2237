"""One unroll over any cell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import FloatArray
from gradprod.cells import Arrays, Cell, Step
from gradprod.cells.base import as_floats, broadcast_or_say


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectory:
    """What a cell did on an input sequence.

    Parameters
    ----------
    cell : Cell
        The cell that ran.
    inputs : ndarray, shape (..., T) or (..., T, m)
        x_1 … x_T.
    states : dict of ndarray, shape (..., T + 1) or (..., T + 1, n)
        Each part of the state at steps 0 … T.
    pre_activations, gates : dict of ndarray, shape (..., T) or (..., T, n)
        At steps 1 … T. Those that depend on the input alone keep only the leading axes that they vary along.
    overflow_step : None, int, or ndarray of int, shape (...)
        The first step whose state is not finite; None where every state is. In a grid of runs, 0 marks those that stay finite.
    """

    cell: Cell
    inputs: FloatArray
    states: Arrays
    pre_activations: Arrays
    gates: Arrays
    overflow_step: None | int | NDArray[np.int64]

    @property
    def state(self) -> FloatArray:
        """The state at steps 0 … T, of a cell whose state has one part."""
        if len(self.states) > 1:
            raise ValueError(
                f"the state of {type(self.cell).__name__} has parts {', '.join(self.states)}; take one from states"
            )
        return next(iter(self.states.values()))

    @property
    def pre_activation(self) -> FloatArray:
        """What the state's own activation was applied to, at steps 1 … T."""
        return self.pre_activations["u"]

    @property
    def output(self) -> FloatArray:
        """What a readout sees at steps 1 … T."""
        return self._time_back(self.cell.output(self.steps()))

    @property
    def length(self) -> int:
        """T."""
        return next(iter(self.states.values())).shape[self._time] - 1

    @property
    def _time(self) -> int:
        return -1 - self.cell.algebra.axes

    def _time_back(self, array: Any) -> Any:
        return np.moveaxis(array, 0, self._time)

    def steps(self, start: int = 0, stop: int | None = None) -> Step:
        """Steps start + 1 … stop (all of them by default) as one record, time as the first axis."""
        stop = self.length if stop is None else stop
        first = {name: np.moveaxis(array, self._time, 0) for name, array in self.states.items()}

        def cut(arrays: Arrays) -> Arrays:
            return {name: np.moveaxis(array, self._time, 0)[start:stop] for name, array in arrays.items()}

        lined_up = _time_first(self.inputs, self.cell, next(iter(first.values())).ndim - 1)
        return Step(
            inputs=lined_up[start:stop],
            before={name: array[start:stop] for name, array in first.items()},
            after={name: array[start + 1 : stop + 1] for name, array in first.items()},
            pre_activations=cut(self.pre_activations),
            gates=cut(self.gates),
        )


def unroll(
    cell: Cell, inputs: ArrayLike, initial_state: ArrayLike | Mapping[str, ArrayLike] = 0.0
) -> Trajectory:
    """The trajectory of a cell over an input sequence, for all leading axes at once.

    Parameters
    ----------
    cell : Cell
        Parameters with leading axes (...).
    inputs : array_like, shape (..., T) or, for a vector cell, (..., T, m)
        x_1 … x_T. Leading axes broadcast with those of the parameters.
    initial_state : array_like, shape (...) or (..., n), or a dict of them by part
        State at step 0.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If an input is not finite, naming its step; if shapes don't fit, naming both arrays and both shapes.
    """
    x = _inputs(cell, inputs)
    start = _initial(cell, initial_state)
    axes = cell.algebra.axes
    grid, seen = broadcast_or_say(cell.leading, "the parameters", x.shape[: x.ndim - 1 - axes], "inputs")
    for part, array in start.items():
        grid, seen = broadcast_or_say(grid, seen, array.shape[: array.ndim - axes], f"initial_state {part}")
    T = x.shape[-1 - axes]
    with np.errstate(over="ignore", invalid="ignore"):
        states, pre, gates = _run(cell, _time_first(x, cell, len(grid) + axes), start, grid + cell.width, T)

    def back(arrays: Arrays) -> Arrays:
        return {name: np.moveaxis(array, 0, -1 - axes) for name, array in arrays.items()}

    return Trajectory(
        cell=cell,
        inputs=x,
        states=back(states),
        pre_activations=back(pre),
        gates=back(gates),
        overflow_step=_overflow(list(states.values()), axes),
    )


def _run(
    cell: Cell, x: FloatArray, start: Arrays, shape: tuple[int, ...], T: int
) -> tuple[Arrays, Arrays, Arrays]:
    drive, pre, gates = cell.drive(x)
    states = {part: np.empty((T + 1, *shape)) for part in cell.parts}
    before = {part: np.broadcast_to(start[part], shape)[()] for part in cell.parts}
    for part in cell.parts:
        states[part][0] = before[part]
    new_pre: Arrays = {}
    new_gates: Arrays = {}
    for t in range(T):
        before, a, g = cell.step(before, {name: array[t] for name, array in drive.items()})
        if t == 0:
            new_pre = {name: np.empty((T, *shape)) for name in a}
            new_gates = {name: np.empty((T, *shape)) for name in g}
        for part, array in before.items():
            states[part][t + 1] = array
        for name, array in a.items():
            new_pre[name][t] = array
        for name, array in g.items():
            new_gates[name][t] = array
    return states, pre | new_pre, gates | new_gates


def _overflow(states: list[FloatArray], axes: int) -> None | int | NDArray[np.int64]:
    # What is not finite stays so, in every cell: the last state tells
    if all(np.isfinite(array[-1]).all() for array in states):
        return None
    finite = np.logical_and.reduce([np.isfinite(a).all(axis=-1) if axes else np.isfinite(a) for a in states])
    step = np.where(finite.all(axis=0), 0, np.argmin(finite, axis=0))
    return int(step) if step.ndim == 0 else step


def _inputs(cell: Cell, inputs: ArrayLike) -> FloatArray:
    axes, width = cell.algebra.axes, cell.input_width
    try:
        x = np.array(inputs, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"inputs must be numbers, got {inputs!r}") from None
    if x.ndim < 1 + axes or x.shape[x.ndim - axes :] != width:
        wanted = f"(..., T, {width[0]})" if axes else "(..., T)"
        fit = f" to fit input_weight of {type(cell).__name__}" if axes else ""
        hint = "; a single series is inputs[:, None]" if axes and x.ndim == 1 else ""
        raise ValueError(f"inputs must have shape {wanted}{fit}, got {x.shape}{hint}")
    if x.shape[-1 - axes] == 0:
        raise ValueError(f"inputs must hold at least one step, got shape {x.shape}")
    wrong = np.argwhere(~np.isfinite(x))
    if len(wrong):
        where = tuple(wrong[0])
        raise ValueError(f"inputs must be finite, got {x[where]} at step {where[x.ndim - 1 - axes] + 1}")
    return x


def _initial(cell: Cell, initial_state: ArrayLike | Mapping[str, ArrayLike]) -> Arrays:
    given = initial_state if isinstance(initial_state, Mapping) else dict.fromkeys(cell.parts, initial_state)
    if set(given) != set(cell.parts):
        raise ValueError(
            f"initial_state must give {' and '.join(cell.parts)}, got {' and '.join(given) or 'nothing'}"
        )
    start = {}
    for part in cell.parts:
        array = as_floats("initial_state", given[part])
        if cell.width and (array.ndim == 0 or array.shape[-1] != cell.width[0]):
            if array.ndim:
                raise ValueError(
                    f"initial_state must have shape (..., {cell.width[0]}) to fit the {cell.width[0]} units of "
                    f"{type(cell).__name__}, got {array.shape}"
                )
            array = np.full(cell.width, array)
        start[part] = array
    return start


def _time_first(x: FloatArray, cell: Cell, ndim: int) -> FloatArray:
    """Inputs (..., T[, m]) as (T, ..., [m]), axes of length 1 put in so that the leading ones line up with a grid of ``ndim`` axes."""
    axes = cell.algebra.axes
    first = np.moveaxis(x, -1 - axes, 0)
    return first.reshape(first.shape[:1] + (1,) * (ndim + 1 - first.ndim) + first.shape[1:])
