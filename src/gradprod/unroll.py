"""One unroll over any cell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import FloatArray
from gradprod.cells import Arrays, Bidirectional, Cell, Step
from gradprod.cells.shapes import as_floats, joint_leading

# The GNU C library hands freed memory back to the system after every operation on a large grid, only to ask
# for it again at the next, which takes ten times as long as the operation; until it has seen a large block
# freed. Nothing is touched.
np.empty(4_190_000)

InitialState: TypeAlias = ArrayLike | Mapping[str, ArrayLike]


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
    overflow_step : int, ndarray of int with shape (...), or None
        The first step whose state is not finite; None where every state is. In a grid of runs, 0 marks those
        that stay finite.
    """

    cell: Cell
    inputs: FloatArray
    states: Arrays
    overflow_step: int | NDArray[np.int64] | None

    @property
    def state(self) -> FloatArray:
        """The state at steps 0 … T, of a cell whose state has one part."""
        if len(self.states) > 1:
            parts = " and ".join(self.states)
            raise ValueError(
                f"the state of {type(self.cell).__name__} has parts {parts}; take one from states"
            )
        return next(iter(self.states.values()))

    @property
    def length(self) -> int:
        """T."""
        return int(self.inputs.shape[self._time])

    @property
    def leading(self) -> tuple[int, ...]:
        """The leading axes of the states: every run of a grid."""
        return next(iter(self.states.values())).shape[: self._time]

    @cached_property
    def pre_activations(self) -> Arrays:
        """What each gate's σ, and the candidate's φ ("u"), was applied to, shape (..., T) or (..., T, n)."""
        return self._back(self._all.pre_activations)

    @property
    def pre_activation(self) -> FloatArray:
        """u_t, what the state's own activation was applied to."""
        return self.pre_activations["u"]

    @cached_property
    def gates(self) -> Arrays:
        """Gate and candidate values at steps 1 … T."""
        return self._back(self._all.gates)

    @property
    def output(self) -> FloatArray:
        """What a readout sees at steps 1 … T."""
        return self._back({"output": self.cell.output(self._all)})["output"]

    def steps(self, start: int = 0, stop: int | None = None) -> Step:
        """Steps start + 1 … stop (all by default) as one record, time as its first axis.

        Pre-activations and gates are not kept by the unroll: they follow from the states, all steps at once.
        """
        stop = self.length if stop is None else stop
        first = {part: np.moveaxis(array, self._time, 0) for part, array in self.states.items()}
        before = {part: array[start:stop] for part, array in first.items()}
        x = time_first(self.inputs, self.cell, len(self.leading))[start:stop]
        with np.errstate(over="ignore", invalid="ignore"):
            pre, gates, complements = self.cell.activate_for_partials(before, self.cell.drive(x))
        after = {part: array[start + 1 : stop + 1] for part, array in first.items()}
        return Step(
            inputs=x, before=before, after=after, pre_activations=pre, gates=gates, complements=complements
        )

    @property
    def _time(self) -> int:
        return -1 - self.cell.algebra.axes

    @cached_property
    def _all(self) -> Step:
        return self.steps()

    def _back(self, arrays: Arrays) -> Arrays:
        return {name: np.moveaxis(array, 0, self._time) for name, array in arrays.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class BidirectionalTrajectory:
    """What a pair of cells did on an input sequence.

    Parameters
    ----------
    cell : Bidirectional
        The pair that ran.
    forward : Trajectory
        The forward cell's run on x_1 … x_T.
    backward : Trajectory
        The backward cell's run on x_T … x_1: its step j reads x_{T+1−j}.
    """

    cell: Bidirectional
    forward: Trajectory
    backward: Trajectory


def require_trajectory(value: object) -> None:
    """Refuse what isn't a trajectory.

    Raises
    ------
    ValueError
        Saying how to get one.
    """
    if not isinstance(value, Trajectory):
        raise ValueError(f"trajectory must be a Trajectory, got {value!r}; unroll a cell over an input")


@overload
def unroll(cell: Cell, inputs: ArrayLike, initial_state: InitialState = 0.0) -> Trajectory: ...


@overload
def unroll(
    cell: Bidirectional, inputs: ArrayLike, initial_state: InitialState = 0.0
) -> BidirectionalTrajectory: ...


def unroll(
    cell: Cell | Bidirectional, inputs: ArrayLike, initial_state: InitialState = 0.0
) -> Trajectory | BidirectionalTrajectory:
    """The trajectory of a cell over an input sequence, for all leading axes at once.

    Parameters
    ----------
    cell : Cell or Bidirectional
        Parameters with leading axes (...).
    inputs : array_like, shape (..., T) or, for a vector cell, (..., T, m)
        x_1 … x_T. Leading axes broadcast with those of the parameters.
    initial_state : array_like, shape (...) or (..., n), or a dict of them by part
        State at step 0, of either cell of a pair; one number stands for all of it.

    Returns
    -------
    Trajectory or BidirectionalTrajectory

    Raises
    ------
    ValueError
        If an input is not finite, naming its step; if shapes don't fit, naming both arrays and both shapes.
    """
    if isinstance(cell, Bidirectional):
        x = check_inputs(cell.forward, inputs)
        return BidirectionalTrajectory(
            cell=cell,
            forward=unroll(cell.forward, x, initial_state),
            backward=unroll(cell.backward, np.flip(x, axis=-1 - cell.forward.algebra.axes), initial_state),
        )
    x = check_inputs(cell, inputs)
    axes = cell.algebra.axes
    drive, now, shape = prepare(cell, x, initial_state)
    states = {part: np.empty((x.shape[-1 - axes] + 1, *shape)) for part in cell.parts}
    for part, array in states.items():
        array[0] = now[part]
    with np.errstate(over="ignore", invalid="ignore"):
        for t, driven in enumerate(drive, start=1):
            now, _, _ = cell.step(now, driven)
            for part, array in now.items():
                states[part][t] = array
    return Trajectory(
        cell=cell,
        inputs=x,
        states={part: np.moveaxis(array, 0, -1 - axes) for part, array in states.items()},
        overflow_step=_overflow(states, axes),
    )


def prepare(
    cell: Cell, x: FloatArray, initial_state: InitialState
) -> tuple[Iterator[Arrays], Arrays, tuple[int, ...]]:
    """The drive of each step in turn, the state at step 0 by part, and a part's shape over the whole grid."""
    axes = cell.algebra.axes
    start = _initial(cell, initial_state)
    shapes = {"the cell's parameters": cell.leading, "inputs": x.shape[: x.ndim - 1 - axes]}
    shapes |= {f"initial_state {part}": array.shape[: array.ndim - axes] for part, array in start.items()}
    grid = joint_leading(shapes)
    shape = grid + cell.width
    with np.errstate(over="ignore", invalid="ignore"):
        drive = cell.drive(time_first(x, cell, len(grid)))
    each = ({name: array[t] for name, array in drive.items()} for t in range(x.shape[-1 - axes]))
    return each, {part: np.broadcast_to(array, shape)[()] for part, array in start.items()}, shape


def _overflow(states: Arrays, axes: int) -> int | NDArray[np.int64] | None:
    # In every cell what is not finite stays so: the last state tells
    if all(np.isfinite(array[-1]).all() for array in states.values()):
        return None
    each = [np.isfinite(array).all(axis=-1) if axes else np.isfinite(array) for array in states.values()]
    finite = np.logical_and.reduce(each)
    step = np.where(finite.all(axis=0), 0, np.argmin(finite, axis=0))
    return int(step) if step.ndim == 0 else step


def check_inputs(cell: Cell, inputs: ArrayLike) -> FloatArray:
    """Inputs as float64, finite and of a shape that the cell takes."""
    if not isinstance(cell, Cell):
        raise ValueError(f"cell must be a cell, got {cell!r}; give one such as ScalarRNN()")
    axes, width = cell.algebra.axes, cell.input_width
    try:
        x = np.array(inputs, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"inputs must be numbers, got {inputs!r}; give an array of them") from None
    if x.ndim < 1 + axes or x.shape[x.ndim - axes :] != width:
        wanted = f"(..., T, {width[0]})" if axes else "(..., T)"
        fit = f" to fit input_weight of {type(cell).__name__}" if axes else ""
        hint = "; a single series is inputs[:, None]" if axes and x.ndim == 1 else ""
        raise ValueError(f"inputs must have shape {wanted}{fit}, got {x.shape}{hint}")
    if x.shape[-1 - axes] == 0:
        raise ValueError(f"inputs must hold at least one step, got shape {x.shape}; give it a value")
    wrong = np.argwhere(~np.isfinite(x))
    if len(wrong):
        where = tuple(wrong[0])
        step = where[x.ndim - 1 - axes] + 1
        raise ValueError(
            f"inputs must be finite, got {x[where]} at step {step}; replace or leave out such values"
        )
    return x


def _initial(cell: Cell, initial_state: InitialState) -> Arrays:
    given = initial_state if isinstance(initial_state, Mapping) else dict.fromkeys(cell.parts, initial_state)
    if set(given) != set(cell.parts):
        parts, got = " and ".join(cell.parts), " and ".join(given) or "nothing"
        raise ValueError(f"initial_state must give {parts}, got {got}; one number stands for all of them")
    start = {}
    for part in cell.parts:
        array = as_floats("initial_state", given[part])
        if cell.width and (array.ndim == 0 or array.shape[-1] != cell.width[0]):
            if array.ndim:
                n, name = cell.width[0], type(cell).__name__
                raise ValueError(
                    f"initial_state must have shape (..., {n}) to fit {name} of {n} units, got {array.shape}"
                )
            array = np.full(cell.width, array)
        start[part] = array
    return start


def time_first(x: FloatArray, cell: Cell, leading: int) -> FloatArray:
    """Inputs with time as first axis, and axes of length 1 after it that make up ``leading`` ones."""
    axes = cell.algebra.axes
    first = np.moveaxis(x, -1 - axes, 0)
    return first.reshape(first.shape[:1] + (1,) * (leading + 1 + axes - first.ndim) + first.shape[1:])
