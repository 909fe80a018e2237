"""The gradient of any loss with respect to all parameters of any cell, by adjoints run backwards."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.bptt.readout import Readout, errors, lined_up, refuse_overflow
from gradprod.cells import Arrays, Cell
from gradprod.unroll import Trajectory

_CHUNK = 256  # steps whose outer products stand in memory at once


@dataclass(frozen=True, kw_only=True, eq=False)
class Backward:
    """What one backward pass gives; leading axes are those of the trajectory, one gradient for each run.

    Parameters
    ----------
    parameters : dict of ndarray
        ∂L/∂θ of each parameter of the cell, by its name.
    initial_state : dict of ndarray, shape (...) or (..., n)
        ∂L/∂state_0 by part.
    """

    parameters: Arrays
    initial_state: Arrays


@dataclass(frozen=True, kw_only=True, eq=False)
class LossGradients:
    """A loss and its gradient with respect to everything.

    Parameters
    ----------
    losses : ndarray, shape (..., T)
        L_t.
    parameters : dict of ndarray
        ∂L/∂θ of each parameter of the cell, by its name, L = Σ L_t.
    readout_weight, readout_bias : ndarray
        ∂L/∂W_o and ∂L/∂b_2, of the readout's shapes.
    initial_state : dict of ndarray
        ∂L/∂state_0 by part.
    """

    losses: FloatArray
    parameters: Arrays
    readout_weight: FloatArray
    readout_bias: FloatArray
    initial_state: Arrays


def backpropagate(
    trajectory: Trajectory,
    *,
    output: ArrayLike = 0.0,
    state: Mapping[str, ArrayLike] | None = None,
    truncation: int | None = None,
) -> Backward:
    """∂L/∂θ of every parameter of a cell, for any loss, by adjoints run backwards.

        λ_{t−1} = J_tᵀ λ_t + ∂⁺L/∂state_{t−1}        ∂L/∂θ = Σ_t (∂⁺state_t/∂θ)ᵀ λ_t

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell.
    output : array_like, shape (..., T) or (..., T, n)
        ∂L/∂(what the cell puts out) at steps 1 … T.
    state : dict of array_like, shapes as output
        ∂L/∂(state) by part, where the loss looks at the state itself.
    truncation : int, optional
        The number of steps that each step's adjoint visits, its own included: terms of lag ≥
        ``truncation`` are dropped; by default none.

    Returns
    -------
    Backward

    Raises
    ------
    ValueError
        If the trajectory overflows, if an array doesn't fit it, or if truncation isn't a positive integer. In
        a grid of runs those that overflow come out as NaN or infinity instead.
    """
    cell, state = trajectory.cell, state or {}
    if not set(state) <= set(cell.parts):
        raise ValueError(f"state must name parts of ({', '.join(cell.parts)}), got {', '.join(state)}")
    axes = cell.algebra.axes
    shape = np.moveaxis(trajectory.steps().after[cell.parts[0]], 0, -1 - axes).shape
    return _backward(
        trajectory,
        lined_up(output, "output", shape, "states", axes),
        {p: lined_up(array, f"state {p}", shape, "states", axes) for p, array in state.items()},
        truncation,
    )


def loss_gradients(
    trajectory: Trajectory, readout: Readout, targets: ArrayLike, *, truncation: int | None = None
) -> LossGradients:
    """The squared-error loss of a readout, and its gradient with respect to every parameter.

        O_t = W_o h_t + b_2        L_t = ½ ‖O_t − Y_t‖²        L = Σ_t L_t

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell.
    readout : Readout
        Of what the cell puts out.
    targets : array_like, shape (..., T) or (..., T, q)
        Y_t.
    truncation : int, optional
        As in `backpropagate`.

    Returns
    -------
    LossGradients

    Raises
    ------
    ValueError
        As `backpropagate`, and if readout or targets don't fit.
    """
    algebra = trajectory.cell.algebra
    with np.errstate(invalid="ignore", over="ignore"):
        hidden, error = errors(trajectory, readout, targets)
        back = _backward(trajectory, algebra.apply_transposed(readout.weight, error), {}, truncation)
        squares = (error**2).sum(axis=-1) if algebra.axes else error**2
        return LossGradients(
            losses=np.moveaxis(0.5 * squares, 0, -1),
            parameters=back.parameters,
            readout_weight=algebra.outer(error, hidden).sum(axis=0),
            readout_bias=error.sum(axis=0),
            initial_state=back.initial_state,
        )


def _backward(trajectory: Trajectory, output: FloatArray, state: Arrays, truncation: int | None) -> Backward:
    """One backward pass from the adjoints of output and state, time first."""
    refuse_overflow(trajectory)
    cell, steps = trajectory.cell, trajectory.steps()
    with np.errstate(invalid="ignore", over="ignore"):
        partials = cell.partials(steps)
        start, gates_out = cell.output_adjoint(partials, output)
        start |= {part: start[part] + array for part, array in state.items()}
        if truncation is None:
            into, initial = _walk(cell, partials, start)
        else:
            into, initial = _walk_truncated(cell, partials, start, _positive("truncation", truncation))
        into |= {name: into[name] + array for name, array in gates_out.items()}
        return Backward(parameters=_summed(trajectory, into), initial_state=initial)


def _walk(cell: Cell, partials: Arrays, start: Arrays) -> tuple[Arrays, Arrays]:
    """Adjoints of every pre-activation, time first, and of state_0."""
    T = len(next(iter(start.values())))
    into: Arrays = {}
    carried: Arrays = {part: np.zeros(()) for part in start}
    for t in reversed(range(T)):
        here = {part: carried[part] + array[t] for part, array in start.items()}
        carried, d = cell.adjoint({name: array[t] for name, array in partials.items()}, here)
        if not into:
            into = {name: np.empty((T, *np.shape(array))) for name, array in d.items()}
        for name, array in d.items():
            into[name][t] = array
    return into, carried


def _walk_truncated(cell: Cell, partials: Arrays, start: Arrays, steps: int) -> tuple[Arrays, Arrays]:
    """The same where each adjoint visits ``steps`` steps: all targets at once, one lag after another."""
    T = len(next(iter(start.values())))
    into: Arrays = {}
    initial: Arrays = {}
    flow = start
    for lag in range(min(steps, T)):
        # row i of flow: the adjoint that came from target i + 1 + lag to step i + 1
        flow, d = cell.adjoint({name: array[: T - lag] for name, array in partials.items()}, flow)
        if lag == 0:
            into, initial = {k: v.copy() for k, v in d.items()}, {k: v[0].copy() for k, v in flow.items()}
        else:
            for name, array in d.items():
                into[name][: T - lag] += array
            for part, array in flow.items():
                initial[part] += array[0]
        flow = {part: array[1:] for part, array in flow.items()}
    return into, initial


def _summed(trajectory: Trajectory, into: Arrays) -> Arrays:
    total: Arrays = {}
    for start in range(0, trajectory.length, _CHUNK):
        stop = min(start + _CHUNK, trajectory.length)
        chunk = trajectory.cell.parameter_vjp(
            trajectory.steps(start, stop), {name: array[start:stop] for name, array in into.items()}
        )
        for name, array in chunk.items():
            total[name] = total.get(name, 0.0) + array.sum(axis=0)
    return total


def _positive(name: str, value: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(
            f"{name} must be an integer from 1 on, got {value!r}; 1 keeps the step's own term alone"
        )
    return int(value)
