"""The linear readout of a cell, its error, and what a trajectory must be to be differentiated."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.cells.shapes import as_floats, as_numbers
from gradprod.unroll import Trajectory, require_trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class Readout:
    """The linear readout O_t = W_o h_t + b_2, or y_t = V h_t + c, of what a cell puts out.

    Parameters
    ----------
    weight : array_like, shape (...) or (..., q, n)
        W_o of a scalar cell, V of a vector cell.
    bias : array_like, shape (...) or (..., q)
        b_2, or c; 0 by default.
    """

    weight: Any = 1.0
    bias: Any = 0.0

    def __post_init__(self) -> None:
        for name in ("weight", "bias"):
            object.__setattr__(self, name, as_floats(f"readout {name}", getattr(self, name)))


def errors(trajectory: Trajectory, readout: Readout, targets: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """What the readout sees and e_t = O_t − Y_t, time first."""
    if not isinstance(readout, Readout):
        raise ValueError(f"readout must be a Readout, got {readout!r}; Readout() puts out the state itself")
    cell = trajectory.cell
    axes = cell.algebra.axes
    hidden = cell.output(trajectory.steps())
    grid, width = hidden.shape[1 : hidden.ndim - axes], cell.width
    if (axes and readout.weight.shape[-1:] != width) or (axes and readout.weight.ndim < 2):
        raise ValueError(
            f"readout weight must have shape (..., q, {width[0]}) to fit the {width[0]} units of "
            f"{type(cell).__name__}, got {readout.weight.shape}"
        )
    outputs = cell.algebra.apply(readout.weight, hidden) + readout.bias
    shape = (*grid, trajectory.length, *outputs.shape[1 + len(grid) :])
    return hidden, outputs - lined_up(targets, "targets", shape, "outputs", axes)


def lined_up(given: ArrayLike, name: str, shape: tuple[int, ...], of: str, axes: int) -> FloatArray:
    """An array (..., T) or (..., T, n) broadcast to a shape, time first; NaN named by its step."""
    array = as_numbers(name, given)
    try:
        array = np.moveaxis(np.broadcast_to(array, shape), -1 - axes, 0)
    except ValueError:
        raise ValueError(
            f"{name} must have a shape that broadcasts to {shape}, that of the {of}, got {array.shape}"
        ) from None
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        raise ValueError(f"{name} must be finite, got {array[tuple(wrong[0])]} at step {wrong[0][0] + 1}")
    return array


def step_of(trajectory: Trajectory, step: int | None, name: str = "step") -> int:
    T = trajectory.length
    if step is None:
        return T
    if not isinstance(step, int | np.integer) or not 1 <= step <= T:
        raise ValueError(
            f"{name} must be an integer from 1 to {T}, got {step!r}; the trajectory has {T} steps"
        )
    return int(step)


def refuse_overflow(trajectory: Trajectory) -> None:
    require_trajectory(trajectory)
    step = trajectory.overflow_step
    if isinstance(step, int | np.integer):
        raise ValueError(
            f"trajectory must stay finite to be differentiated, its state overflows at step {step}; "
            f"unroll fewer steps"
        )
