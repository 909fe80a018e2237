"""The gradient of a cell whose state is one number, term by term."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray
from gradprod.bptt.readout import Readout, errors, refuse_overflow, step_of
from gradprod.products import step_factors
from gradprod.unroll import Trajectory, require_trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class Terms:
    """A gradient as the sum of its terms, each a product of three factors.

    Of ∂L_t/∂θ the last axis is the source step k = 1 … t; of ∂L/∂θ the last two are (t, k), both 1 … T, and
    terms with k > t are 0. The factors broadcast against one another.

    Parameters
    ----------
    sources : ndarray of int
        The step k of each term; t alone where θ acts on the output and on no state.
    error_signal : ndarray
        ∂L_t/∂S_t; ∂L_t/∂O_t where θ acts on the output and on no state.
    product : ndarray
        P(t, k) = ∂S_t/∂S_k, 0 where it is too small for a double.
    product_log10 : ndarray
        log₁₀ |P(t, k)| at any size, −inf where it is exactly zero.
    immediate : ndarray
        ∂⁺S_k/∂θ, earlier states held; ∂⁺O_t/∂θ where θ acts on the output and on no state.
    values : ndarray
        The terms: error signal × product × immediate partial.
    gradient : ndarray, shape (...)
        Their sum.
    """

    sources: NDArray[np.int64]
    error_signal: FloatArray
    product: FloatArray
    product_log10: FloatArray
    immediate: FloatArray
    values: FloatArray
    gradient: FloatArray


def step_terms(
    trajectory: Trajectory, readout: Readout, targets: ArrayLike, step: int | None = None
) -> dict[str, Terms]:
    """∂L_t/∂θ for one t, term by term, of a cell whose state is one number.

    Parameters
    ----------
    trajectory : Trajectory
        Of a cell whose state is one number.
    readout : Readout
        W_o and b_2.
    targets : array_like, shape (..., T)
        Y_t.
    step : int, optional
        t, from 1 to T; T by default.

    Returns
    -------
    dict of Terms
        By the cell's names of its parameters, then ``"readout_weight"`` and ``"readout_bias"``. The last axis
        is the source step; it has one entry where θ acts on the output alone, as W_o and b_2 do, and the
        gated cell's output gate.

    Raises
    ------
    ValueError
        If the state is more than one number, the trajectory overflows, targets or readout don't fit, or step
        is out of range.
    """
    _one_number(trajectory)
    t = step_of(trajectory, step)
    log, sign = _products_to(trajectory, t)
    table = _terms(trajectory, readout, targets, slice(t - 1, t), log[None], sign[None])
    return {name: _first_row(terms) for name, terms in table.items()}


def all_terms(trajectory: Trajectory, readout: Readout, targets: ArrayLike) -> dict[str, Terms]:
    """∂L/∂θ for L = Σ_t L_t, term by term: a table of target step t and source step k.

    Memory grows with T²; `loss_gradients` gives the sums alone.

    Parameters
    ----------
    trajectory, readout, targets
        As in `step_terms`.

    Returns
    -------
    dict of Terms
        The last two axes are (t, k), each 1 … T; (t, 1) where θ acts on the output alone.

    Raises
    ------
    ValueError
        As `step_terms`.
    """
    _one_number(trajectory)
    log, sign = _product_table(trajectory)
    return _terms(trajectory, readout, targets, slice(0, trajectory.length), log, sign)


def _one_number(trajectory: Trajectory) -> None:
    require_trajectory(trajectory)
    cell = trajectory.cell
    if cell.width or len(cell.parts) > 1:
        raise ValueError(
            f"terms are those of a state that is one number, got {type(cell).__name__}; use loss_gradients"
        )


def _products_to(trajectory: Trajectory, t: int) -> tuple[FloatArray, FloatArray]:
    """ln |P(t, k)| and its sign for k = 1 … t, sources first."""
    factors = step_factors(trajectory)
    log = np.moveaxis(factors.log, -1, 0)[1:t][::-1]
    sign = np.moveaxis(factors.sign, -1, 0)[1:t][::-1]
    zero = np.zeros((1, *log.shape[1:]))
    return (
        np.concatenate([zero, np.cumsum(log, axis=0)])[::-1],
        np.concatenate([zero + 1, np.cumprod(sign, axis=0)])[::-1],
    )


def _product_table(trajectory: Trajectory) -> tuple[FloatArray, FloatArray]:
    """ln |P(t, k)| and its sign, targets then sources first; −inf and 0 where k > t."""
    factors = step_factors(trajectory)
    log, sign = np.moveaxis(factors.log, -1, 0), np.moveaxis(factors.sign, -1, 0)
    T = len(log)
    logs, signs = np.full((T, T, *log.shape[1:]), -np.inf), np.zeros((T, T, *log.shape[1:]))
    for t in range(T):
        # row by row: differences of running sums would make NaN of −inf − (−inf)
        if t:
            logs[t, :t] = logs[t - 1, :t] + log[t]
            signs[t, :t] = signs[t - 1, :t] * sign[t]
        logs[t, t], signs[t, t] = 0.0, 1.0
    return logs, signs


def _terms(
    trajectory: Trajectory, readout: Readout, targets: ArrayLike, at: slice, log: FloatArray, sign: FloatArray
) -> dict[str, Terms]:
    """Terms of the targets ``at``, from ln |P(t, k)| and its sign, both (targets, sources, ...)."""
    refuse_overflow(trajectory)
    cell, steps = trajectory.cell, trajectory.steps(0, at.stop)
    hidden, error = errors(trajectory, readout, targets)
    hidden, error = hidden[at, None], error[at, None]  # (targets, 1, ...)
    partials = cell.partials(steps)
    one = np.ones(np.shape(steps.after[cell.parts[0]]))
    seen, gates_out = cell.output_adjoint(partials, one)
    _, gates_in = cell.adjoint(partials, dict.fromkeys(cell.parts, one))
    by_state = cell.parameter_vjp(steps, gates_in)
    by_output = cell.parameter_vjp(steps, {name: gates_out.get(name, 0 * d) for name, d in gates_in.items()})

    at_output = error * readout.weight
    at_state = at_output * seen[cell.parts[0]][at, None]
    sources = np.arange(1, at.stop + 1)[None]
    own = sources.T[at]  # k = t alone
    zero = np.zeros(hidden.shape)  # ln of the product of no factors
    terms = {
        name: _three_factors(own, at_output, zero, zero + 1, by_output[name][at, None])
        if gate in gates_out
        else _three_factors(sources, at_state, log, sign, by_state[name][None])
        for name, (gate, _) in cell.enters.items()
    }
    terms["readout_weight"] = _three_factors(own, error, zero, zero + 1, hidden)
    terms["readout_bias"] = _three_factors(own, error, zero, zero + 1, zero + 1)
    return terms


def _three_factors(
    sources: NDArray[np.int64],
    error_signal: FloatArray,
    log: FloatArray,
    sign: FloatArray,
    immediate: FloatArray,
) -> Terms:
    with np.errstate(over="ignore", invalid="ignore"):
        product = sign * np.exp(log)
        values = error_signal * product * immediate
    # a product may overflow where the partial beside it is exactly zero, as at the fixed point S = 0
    values = np.where((error_signal == 0) | (immediate == 0) | (sign == 0), 0.0, values)

    def back(array: FloatArray) -> FloatArray:
        return np.moveaxis(array, (0, 1), (-2, -1))

    return Terms(
        sources=sources,
        error_signal=back(error_signal),
        product=back(product),
        product_log10=back(log) / LOG_10,
        immediate=back(immediate),
        values=back(values),
        gradient=values.sum(axis=(0, 1)),
    )


def _first_row(terms: Terms) -> Terms:
    tables = ("sources", "error_signal", "product", "product_log10", "immediate", "values")
    return replace(terms, **{name: getattr(terms, name)[..., 0, :] for name in tables})
