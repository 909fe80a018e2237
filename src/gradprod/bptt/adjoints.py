"""The gradient of any loss with respect to all parameters of any cell, by adjoints run backwards."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.bptt.readout import Readout, errors, lined_up, refuse_overflow
from gradprod.cells import Arrays, Cell, Step
from gradprod.cells.algebra import VECTOR, Algebra
from gradprod.unroll import BidirectionalTrajectory, Trajectory, require_trajectory


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


@dataclass(frozen=True, kw_only=True, eq=False)
class BidirectionalGradients:
    """A loss of a bidirectional pair and its gradient with respect to everything.

    Parameters
    ----------
    losses : ndarray, shape (..., T)
        L_t.
    forward, backward : Backward
        Of each cell.
    readout_weight, backward_readout_weight, readout_bias : ndarray
        ∂L/∂V_f, ∂L/∂V_b and ∂L/∂c.
    """

    losses: FloatArray
    forward: Backward
    backward: Backward
    readout_weight: FloatArray
    backward_readout_weight: FloatArray
    readout_bias: FloatArray


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
    require_trajectory(trajectory)
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
    require_trajectory(trajectory)
    algebra = trajectory.cell.algebra
    with np.errstate(invalid="ignore", over="ignore"):
        hidden, error = errors(trajectory, readout, targets)
        back = _backward(trajectory, algebra.apply_transposed(readout.weight, error), {}, truncation)
        return LossGradients(
            losses=_losses(algebra, error),
            parameters=back.parameters,
            readout_weight=_outer_sum(algebra, error, hidden),
            readout_bias=error.sum(axis=0),
            initial_state=back.initial_state,
        )


def bidirectional_loss_gradients(
    run: BidirectionalTrajectory,
    readout: Readout,
    backward_readout: Readout,
    targets: ArrayLike,
    *,
    truncation: int | None = None,
) -> BidirectionalGradients:
    """The squared-error loss of a bidirectional pair, and its gradient with respect to every parameter.

        y_t = V_f h→_t + V_b h←_t + c        L_t = ½ ‖y_t − y*_t‖²        L = Σ_t L_t

    Parameters
    ----------
    run : BidirectionalTrajectory
        Of any two cells.
    readout, backward_readout : Readout
        V_f and c; V_b, whose own bias adds to c.
    targets : array_like, shape (..., T) or (..., T, q)
        y*_t.
    truncation : int, optional
        As in `backpropagate`, each way.

    Returns
    -------
    BidirectionalGradients

    Raises
    ------
    ValueError
        As `loss_gradients`.
    """
    algebra = run.forward.cell.algebra
    with np.errstate(invalid="ignore", over="ignore"):
        behind, of_backward = errors(run.backward, backward_readout, 0.0)
        ahead, of_forward = errors(run.forward, readout, 0.0)
        behind, outputs = behind[::-1], of_forward + of_backward[::-1]
        shape = np.moveaxis(outputs, 0, -1 - algebra.axes).shape
        error = outputs - lined_up(targets, "targets", shape, "outputs", algebra.axes)
        to_forward = algebra.apply_transposed(readout.weight, error)
        to_backward = algebra.apply_transposed(backward_readout.weight, error[::-1])
        return BidirectionalGradients(
            losses=_losses(algebra, error),
            forward=_backward(run.forward, to_forward, {}, truncation),
            backward=_backward(run.backward, to_backward, {}, truncation),
            readout_weight=_outer_sum(algebra, error, ahead),
            backward_readout_weight=_outer_sum(algebra, error, behind),
            readout_bias=error.sum(axis=0),
        )


def _losses(algebra: Algebra, error: FloatArray) -> FloatArray:
    squares = (error**2).sum(axis=-1) if algebra.axes else error**2
    return np.moveaxis(0.5 * squares, 0, -1)


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
        return Backward(parameters=_summed(cell, steps, into), initial_state=initial)


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


def _summed(cell: Cell, steps: Step, into: Arrays) -> Arrays:
    """Σ_t (∂⁺state_t/∂θ)ᵀ λ_t: `Cell.parameter_vjp` summed over steps, its outer products never formed."""
    signals = cell.signals(steps)
    return {
        name: into[gate].sum(axis=0)
        if of == "1"
        else _outer_sum(cell.weight_algebra(of), into[gate], signals[of])
        for name, (gate, of) in cell.enters.items()
    }


def _outer_sum(algebra: Algebra, d: FloatArray, v: FloatArray) -> FloatArray:
    """Σ_t d_t v_tᵀ."""
    if algebra is VECTOR:
        return np.asarray(np.moveaxis(d, 0, -1) @ np.moveaxis(v, 0, -2))
    return np.asarray((d * v).sum(axis=0))


def _positive(name: str, value: int) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise ValueError(
            f"{name} must be an integer from 1 on, got {value!r}; 1 keeps the step's own term alone"
        )
    return int(value)
