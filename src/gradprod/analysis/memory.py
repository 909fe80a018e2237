"""How long a cell remembers: what its forget gate says, and how far back its gradient comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray, log_sigmoid
from gradprod.bptt import Readout
from gradprod.bptt.readout import errors, refuse_overflow
from gradprod.cells import Arrays
from gradprod.cells.shapes import as_numbers
from gradprod.unroll import Trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class LagShares:
    """How much of a gradient comes from how far back.

    Parameters
    ----------
    norm : ndarray, shape (..., L)
        ‖g_ℓ‖, the norm of the gradient's terms of lag ℓ = 0 … L − 1 together.
    beyond : ndarray, shape (..., L)
        Σ_{ℓ>k} ‖g_ℓ‖ / Σ_ℓ ‖g_ℓ‖, the share of the terms' sizes that comes from lags above k. It falls to 0.
    net_beyond : ndarray, shape (..., L)
        ‖Σ_{ℓ>k} g_ℓ‖ / ‖Σ_ℓ g_ℓ‖, what they add up to in the gradient itself. Terms cancel: it may exceed 1.
    """

    norm: FloatArray
    beyond: FloatArray
    net_beyond: FloatArray


def memory_time(forget_bias: ArrayLike, /) -> FloatArray:
    """Steps in which a forget gate f = σ(b_f) lets a memory fall by a factor of e: −1 / ln f.

    Parameters
    ----------
    forget_bias : array_like
        b_f, or any forget gate's pre-activation. A GRU keeps by 1 − z = σ(−a_z): give −a_z.

    Returns
    -------
    ndarray, same shape
        1.44, 3.19 and 20.6 steps at 0, 1 and 3; `forget_bias_for` goes the other way.
    """
    return np.asarray(-1 / log_sigmoid(as_numbers("forget_bias", forget_bias)))


def memory_horizon(forget_bias: ArrayLike, /) -> FloatArray:
    """Sum of all that a forget gate f = σ(b_f) keeps of a unit, 1 + f + f² + … = 1 / (1 − f) = 1 + e^b_f.

    Parameters
    ----------
    forget_bias : array_like
        As in `memory_time`.

    Returns
    -------
    ndarray, same shape
        Steps; `memory_time` and half a step more, for long memories.
    """
    return np.asarray(1 + np.exp(as_numbers("forget_bias", forget_bias)))


def shares_beyond(norms: ArrayLike, /) -> FloatArray:
    """Share of a sum of sizes by lag that comes from lags above each.

    Parameters
    ----------
    norms : array_like, shape (..., L)
        Sizes at lags 0 … L − 1, none negative.

    Returns
    -------
    ndarray, shape (..., L)
        Entry k is Σ_{ℓ>k} / Σ_ℓ; NaN where every size is 0.

    Raises
    ------
    ValueError
        If a size is negative, infinite or NaN, naming its lag.
    """
    sizes = as_numbers("norms", norms)
    wrong = ~((sizes >= 0) & np.isfinite(sizes))
    if wrong.any():
        where = tuple(np.argwhere(wrong)[0])
        raise ValueError(
            f"norms must be finite and not negative, got {sizes[where]} at lag {where[-1]}; take magnitudes"
        )
    with np.errstate(invalid="ignore"):
        scaled = sizes / sizes.max(axis=-1, keepdims=True, initial=0.0)
    beyond = np.cumsum(scaled[..., ::-1], axis=-1)[..., ::-1]
    return np.asarray((beyond - scaled) / beyond[..., :1])


def gradient_by_lag(trajectory: Trajectory, readout: Readout, targets: ArrayLike) -> Arrays:
    """∂L/∂θ of any cell, its terms gathered by lag.

        g_ℓ = Σ_t (∂⁺state_{t−ℓ}/∂θ)ᵀ P(t, t−ℓ)ᵀ ∂L_t/∂state_t        ∂L/∂θ = Σ_ℓ g_ℓ

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell, T steps.
    readout : Readout
        Of what the cell puts out.
    targets : array_like, shape (..., T) or (..., T, q)
        Y_t, with L_t = ½ ‖O_t − Y_t‖² and L = Σ L_t.

    Returns
    -------
    dict of ndarray
        By parameter: g_ℓ, ℓ = 0 … T − 1 along the first axis. The work grows with T².

    Raises
    ------
    ValueError
        If the trajectory overflows, or if readout or targets don't fit.
    """
    refuse_overflow(trajectory)
    cell, T = trajectory.cell, trajectory.length
    _, error = errors(trajectory, readout, targets)
    steps = trajectory.steps()
    partials = cell.partials(steps)
    flow, into_output = cell.output_adjoint(partials, cell.algebra.apply_transposed(readout.weight, error))
    by_lag: Arrays = {}
    for lag in range(T):
        # row i: what came from target i + 1 + lag to step i + 1
        flow, into = cell.adjoint({name: array[: T - lag] for name, array in partials.items()}, flow)
        if lag == 0:
            into = {name: array + into_output.get(name, 0.0) for name, array in into.items()}
        for name, g in cell.parameter_sum(steps.until(T - lag), into).items():
            by_lag.setdefault(name, np.empty((T, *g.shape)))[lag] = g
        flow = {part: array[1:] for part, array in flow.items()}
    return by_lag


def lag_shares(trajectory: Trajectory, readout: Readout, targets: ArrayLike) -> dict[str, LagShares]:
    """Share of ‖∂L/∂θ‖ that comes from lags above k, for every parameter of a cell.

    A gradient bounded away from zero doesn't mean memory: the near lags may carry it all.

    Parameters
    ----------
    trajectory, readout, targets
        As in `gradient_by_lag`.

    Returns
    -------
    dict of LagShares
        By parameter, over the trajectory's leading axes.

    Raises
    ------
    ValueError
        As `gradient_by_lag`.
    """
    by_lag = gradient_by_lag(trajectory, readout, targets)
    leading = trajectory.states[trajectory.cell.parts[0]].ndim - 1 - trajectory.cell.algebra.axes
    shares = {}
    for name, g in by_lag.items():
        flat = np.moveaxis(g.reshape(*g.shape[: 1 + leading], -1), 0, -2)  # (..., L, entries)
        later = np.cumsum(flat[..., ::-1, :], axis=-2)[..., ::-1, :]
        norm, remaining = np.linalg.norm(flat, axis=-1), np.linalg.norm(later, axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            net = np.concatenate([remaining[..., 1:], 0 * norm[..., :1]], axis=-1) / remaining[..., :1]
        shares[name] = LagShares(norm=norm, beyond=shares_beyond(norm), net_beyond=net)
    return shares
