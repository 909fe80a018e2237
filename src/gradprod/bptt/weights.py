"""The derivative of a vector recurrent cell's state by a weight matrix: a sum of terms, and a recursion."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradprod.activations import LOG_10, FloatArray
from gradprod.bptt.readout import refuse_overflow, step_of
from gradprod.cells import VectorRNN
from gradprod.unroll import Trajectory, require_trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightTerms:
    """∂h_t/∂θ of a vector recurrent cell as a sum over source steps.

    Term k is the tensor [i, a, b] ↦ ``spread[k, i, a] · signal[k, b]``: the derivative of unit i by θ_{ab}.

    Parameters
    ----------
    spread : ndarray, shape (..., t, n, n)
        P(t, k) diag φ′(u_k), k = 1 … t.
    signal : ndarray, shape (..., t, m), (..., t, n) or (t, 1)
        What θ weighs at step k: x_k, h_{k−1} or 1.
    norm_log10 : ndarray, shape (..., t)
        log₁₀ of each term's Frobenius norm ‖signal_k‖ ‖spread_k‖_F, at any size.
    total : ndarray, shape (..., n, n, m), (..., n, n, n) or (..., n, n, 1)
        The sum of the terms.
    """

    spread: FloatArray
    signal: FloatArray
    norm_log10: FloatArray
    total: FloatArray


def weight_terms(
    trajectory: Trajectory, parameter: str = "input_weight", target: int | None = None
) -> WeightTerms:
    """∂h_t/∂U of a vector recurrent cell as a sum of terms, one for each source step.

        ∂h_t/∂U = Σ_{k=1}^{t} P(t, k) ∂⁺h_k/∂U        ∂⁺h_k/∂U_{ab} = φ′(u_k)_a x_{k,b} e_a

    Parameters
    ----------
    trajectory : Trajectory
        Of a VectorRNN.
    parameter : {"input_weight", "recurrent_weight", "bias"}
        U, W or b: x_k, h_{k−1} or 1 stands in the place of x_k.
    target : int, optional
        t, from 1 to T; T by default.

    Returns
    -------
    WeightTerms

    Raises
    ------
    ValueError
        If the cell isn't a VectorRNN, the parameter isn't one of its own, or target is out of range.
    """
    slopes, signal, W = _weight_steps(trajectory, parameter, target)
    t, grid, n = len(slopes), slopes.shape[1:-1], slopes.shape[-1]
    spread = np.empty((t, *grid, n, n))
    log = np.empty((t, *grid))
    P, scale = np.broadcast_to(np.eye(n), (*grid, n, n)), np.zeros(grid, dtype=np.int64)
    for k in reversed(range(t)):
        term = P * slopes[k][..., None, :]
        spread[k] = np.ldexp(term, scale[..., None, None])
        log[k] = _log_norm(term, 2) + scale * np.log(2)
        P = term @ W
        # a power of two keeps every digit, and P within range at any lag
        _, exponent = np.frexp(np.abs(P).max(axis=(-2, -1)))
        P, scale = np.ldexp(P, -exponent[..., None, None]), scale + exponent
    log += _log_norm(signal, 1)
    return WeightTerms(
        spread=np.moveaxis(spread, 0, -3),
        signal=np.moveaxis(signal, 0, -2),
        norm_log10=np.moveaxis(log, 0, -1) / LOG_10,
        total=np.einsum(
            "k...ia,k...b->...iab", spread, np.broadcast_to(signal, (t, *grid, signal.shape[-1]))
        ),
    )


def weight_recursion(
    trajectory: Trajectory, parameter: str = "input_weight", target: int | None = None
) -> FloatArray:
    """∂h_t/∂U of a vector recurrent cell by its recursion.

        ∂h_t/∂U = diag(φ′(u_t)) [W ∂h_{t−1}/∂U + ∂(U x_t)/∂U]        ∂h_0/∂U = 0

    Parameters
    ----------
    trajectory, parameter, target
        As in `weight_terms`.

    Returns
    -------
    ndarray, shape (..., n, n, m)
        [i, a, b]: the derivative of unit i by U_{ab}.

    Raises
    ------
    ValueError
        As `weight_terms`.
    """
    slopes, signal, W = _weight_steps(trajectory, parameter, target)
    n = slopes.shape[-1]
    unit = np.eye(n)[:, :, None]
    G: FloatArray = np.zeros(())
    for slope, x in zip(slopes, signal, strict=True):
        inner = unit * x[..., None, None, :]
        if np.ndim(G):
            inner = inner + (W @ G.reshape(*G.shape[:-2], -1)).reshape(G.shape)
        G = slope[..., None, None] * inner
    return G


def _weight_steps(
    trajectory: Trajectory, parameter: str, target: int | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """φ′(u_k) and what the parameter weighs, k = 1 … t first; and W."""
    require_trajectory(trajectory)
    cell = trajectory.cell
    if not isinstance(cell, VectorRNN):
        raise ValueError(f"the sum over source steps is written for VectorRNN, got {type(cell).__name__}")
    if parameter not in cell.enters:
        raise ValueError(f"parameter must be one of {', '.join(cell.enters)}, got {parameter!r}")
    refuse_overflow(trajectory)
    steps = trajectory.steps(0, step_of(trajectory, target, "target"))
    slopes = cell.partials(steps)["u"]
    _, of = cell.enters[parameter]
    signal = np.ones((len(slopes), 1)) if of == "1" else cell.signals(steps)[of]
    return slopes, signal, cell.recurrent_weight


def _log_norm(array: FloatArray, axes: int) -> Any:
    """Natural logarithm of the Euclidean norm over the last axes."""
    with np.errstate(divide="ignore"):
        return 0.5 * np.log((array**2).sum(axis=tuple(range(-axes, 0))))
