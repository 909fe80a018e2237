"""Norms of a vector cell's product against lag, in one pass that keeps no matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradprod.activations import LOG_10, FloatArray
from gradprod.cells import VectorRNN
from gradprod.cells.base import log_magnitude
from gradprod.products import norm, product_windows
from gradprod.unroll import Trajectory, require_trajectory

LOG10_2 = np.log10(2.0)
_KEPT = 2**19
"""Numbers kept at a time, for singular values of many lags in one call."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductNorms:
    """How large P(T, T − lag) is, log₁₀, against lag 0 … T.

    Parameters
    ----------
    largest : ndarray, shape (..., T + 1)
        ‖P‖₂, the largest singular value.
    columns : ndarray, shape (..., T + 1, n)
        The length of each column: what one unit of state T − lag does to state T.
    mean : ndarray, shape (..., T + 1)
        |det P|^(1/n), the geometric mean of the singular values, so that ‖P‖₂ is never less.
    """

    largest: FloatArray
    columns: FloatArray
    mean: FloatArray


def product_norms(trajectory: Trajectory) -> ProductNorms:
    """Norm, column lengths and mean singular value of P(T, k) for every k, in memory that T doesn't fill.

    Parameters
    ----------
    trajectory : Trajectory
        Of a VectorRNN, of length T.

    Returns
    -------
    ProductNorms

    Raises
    ------
    ValueError
        If the cell isn't a VectorRNN.
    """
    cell, T, grid = _vector_rnn(trajectory), trajectory.length, trajectory.leading
    n = trajectory.state.shape[-1]
    columns = np.zeros((*grid, T + 1, n))
    largest = np.zeros((*grid, T + 1))
    many = max(1, _KEPT // (n * n * max(1, int(np.prod(grid)))))
    for lags, window in product_windows(trajectory, length=many):
        P, short = window.matrix, window.exponent * LOG10_2
        lengths = log_magnitude(np.einsum("...ij,...ij->...j", P, P)) / (2 * LOG_10)
        columns[..., lags, :] = lengths + short[..., None]
        largest[..., lags] = norm(window, 2)
    # log |det P| = lag log |det W| + Σ log φ′
    logs = np.moveaxis(cell.phi.log_slope(trajectory.pre_activation), -2, 0)[::-1].sum(axis=-1)
    steps = (np.linalg.slogdet(cell.recurrent_weight)[1] + logs) / (n * LOG_10)
    mean = np.concatenate([np.zeros((1, *grid)), np.cumsum(steps, axis=0)])
    return ProductNorms(
        largest=largest,
        columns=columns,
        mean=np.moveaxis(mean, 0, -1),
    )


def input_term_norms(
    trajectory: Trajectory, norms: ProductNorms, parameter: str = "input_weight", *, state_held: bool = True
) -> FloatArray:
    """log₁₀ of the Frobenius norm of each term of ∂h_T/∂U, by lag T − k = 0 … T − 1.

        ‖P(T, k) ∂⁺h_k/∂U‖ = ‖x_k‖ ‖P(T, k) diag φ′(u_k)‖_F

    With the memory of one number a unit and step, where `weight_terms` keeps every term whole.

    Parameters
    ----------
    trajectory : Trajectory
        Of a VectorRNN.
    norms : ProductNorms
        Of the same run.
    parameter : {"input_weight", "bias"}
        U, or b, for which 1 stands in the place of ‖x_k‖.
    state_held : bool
        False for a slip: φ′ taken at U x_k + b, as though h_{k−1} were not held but absent.

    Returns
    -------
    ndarray, shape (..., T)
        −inf where x_k is 0.

    Raises
    ------
    ValueError
        If the cell isn't a VectorRNN, or the parameter is neither of the two.
    """
    cell = _vector_rnn(trajectory)
    if parameter not in ("input_weight", "bias"):
        raise ValueError(
            f"parameter must be 'input_weight' or 'bias', got {parameter!r}; weight_terms takes the others"
        )
    u = trajectory.pre_activation
    if not state_held:
        u = np.broadcast_to(np.moveaxis(_drive(trajectory), 0, -2), u.shape)
    slopes = cell.phi.log_slope(u)[..., ::-1, :] / LOG_10
    logs = norms.columns[..., : trajectory.length, :] + slopes
    top = logs.max(axis=-1)
    safe = np.where(np.isfinite(top), top, 0.0)
    spread = np.log10(np.maximum((10 ** (2 * (logs - safe[..., None]))).sum(axis=-1), 1e-300)) / 2 + safe
    terms: FloatArray = np.where(np.isfinite(top), spread, -np.inf)
    if parameter == "bias":
        return terms
    return np.asarray(terms + log_magnitude(np.linalg.norm(trajectory.inputs, axis=-1))[..., ::-1] / LOG_10)


def _drive(trajectory: Trajectory) -> FloatArray:
    """U x_t + b, time first."""
    drive: FloatArray = trajectory.cell.drive(trajectory.steps().inputs)["u"]
    return drive


def _vector_rnn(trajectory: Trajectory) -> VectorRNN:
    require_trajectory(trajectory)
    if not isinstance(trajectory.cell, VectorRNN):
        raise ValueError(
            f"trajectory must be a run of VectorRNN, got one of {type(trajectory.cell).__name__}"
        )
    return trajectory.cell
