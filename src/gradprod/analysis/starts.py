"""Untrained networks to compare: what is left of a gradient that goes back through each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import LOG_10, FloatArray
from gradprod.analysis.initialisation import gaussian_weights
from gradprod.cells import VectorLSTM
from gradprod.cells.base import log_magnitude
from gradprod.cells.shapes import as_numbers
from gradprod.products import vector_product
from gradprod.unroll import Trajectory, require_trajectory

_GATES = ("forget", "input_gate", "candidate", "output_gate")


def random_lstm(
    n: int,
    gain: float = 1.0,
    *,
    forget_bias: ArrayLike = 0.0,
    input_gate_bias: ArrayLike = 0.0,
    input_scale: float = 0.5,
    seed: int = 7,
    draws: int | None = None,
) -> VectorLSTM:
    """An untrained LSTM with one input: Gaussian weights, and biases as given.

        U_· ~ N(0, gain² / n)        W_· ~ N(0, σ_W²)

    Parameters
    ----------
    n : int
        Units.
    gain : float
        Of each of the four recurrent matrices, as in `gaussian_weights`.
    forget_bias, input_gate_bias : array_like, shape (), (n,) or (..., draws, n)
        b_f and b_i, as `forget_bias_for` or `chrono_biases` gives them; the other biases are 0. More leading
        axes than ``draws`` are biases side by side, on the same weights.
    input_scale : float
        σ_W.
    seed : int
        Where the weights come from.
    draws : int, optional
        How many networks, along a leading axis.

    Returns
    -------
    VectorLSTM

    Raises
    ------
    ValueError
        As `gaussian_weights`, and if a bias doesn't fit.
    """
    leading = () if draws is None else (draws,)
    weights: dict[str, Any] = {}
    for k, gate in enumerate(_GATES):
        weights[f"{gate}_recurrent_weight"] = gaussian_weights(
            n, gain, seed=np.random.default_rng([seed, k]), draws=draws
        )
        drawn = np.random.default_rng([seed, k, 1]).standard_normal((*leading, n, 1))
        weights[f"{gate}_weight"] = input_scale * drawn
    for name, given in {"forget_bias": forget_bias, "input_gate_bias": input_gate_bias}.items():
        bias = as_numbers(name, given)
        try:
            weights[name] = np.broadcast_to(bias, np.broadcast_shapes(bias.shape, (*leading, n))).copy()
        except ValueError:
            raise ValueError(
                f"{name} must have a shape that broadcasts to {(*leading, n)}, got {bias.shape}"
            ) from None
    return VectorLSTM(**weights)


def gradient_left(trajectory: Trajectory, *, seed: int = 7) -> FloatArray:
    """log₁₀ of what is left of a unit gradient of random direction against the lag that it has gone back.

        ‖λ_{T−lag}‖,    λ_{t−1} = J_tᵀ λ_t,    ‖λ_T‖ = 1

    It arrives at the state, of an LSTM at c; the norm is over the whole state. No matrix is formed, and no
    length under- or overflows. It is never above ‖P‖₂.

    Parameters
    ----------
    trajectory : Trajectory
        Of a vector cell.
    seed : int
        Of the directions, one for each run along the last leading axis, and the same along those before it.

    Returns
    -------
    ndarray, shape (..., T + 1)

    Raises
    ------
    ValueError
        If the cell is a scalar one.
    """
    require_trajectory(trajectory)
    cell = trajectory.cell
    if not cell.algebra.axes:
        raise ValueError(
            f"trajectory must be a run of a vector cell, got one of {type(cell).__name__}; "
            "gradient_product says it for scalars"
        )
    shape = (*trajectory.leading[-1:], *cell.width)
    direction = np.random.default_rng([seed, 4]).standard_normal(shape)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    found = vector_product(trajectory, {cell.parts[0]: direction})
    squares = sum((v**2).sum(axis=-1) for v in found.vector.values())
    log10: FloatArray = log_magnitude(squares) / (2 * LOG_10) + found.exponent * math.log10(2)
    log10[..., 0] = 0.0
    return log10


def relative_step(states: ArrayLike, *, after: int = 50) -> float:
    """Mean of ‖s_t − s_{t−1}‖ / ‖s_{t−1}‖: how much a state moves from step to step, relative to its size.

    Parameters
    ----------
    states : array_like, shape (T + 1, n)
        s_0 … s_T.
    after : int
        Steps at the start that aren't counted.

    Returns
    -------
    float
    """
    s = np.asarray(states, dtype=float)[after:]
    return float(np.mean(np.linalg.norm(np.diff(s, axis=0), axis=1) / np.linalg.norm(s[:-1], axis=1)))
