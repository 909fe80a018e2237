"""Bounds on gradient products that hold for every input."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import LOG_10
from gradprod.cells import Cell, GatedCell, ScalarRNN, VectorRNN
from gradprod.cells.base import log_magnitude


def bound(cell: Cell, lags: ArrayLike) -> Any:
    """log₁₀ of the bound (γ |W_s|)^lag on the gradient product, or (γ σ_max(W))^lag of a vector cell.

    Parameters
    ----------
    cell : ScalarRNN, VectorRNN or GatedCell
        With leading axes (...). A gated cell's factors stay below γ = 1, whatever its gates do.
    lags : array_like, shape (L,)
        Lags ≥ 0.

    Returns
    -------
    ndarray, shape (..., L)
        −inf where the bound is exactly zero. σ_max < 1/γ is sufficient for vanishing, σ_max > 1/γ necessary
        for exploding (Pascanu, Mikolov and Bengio 2013, section 2.1).
    """
    if isinstance(cell, ScalarRNN):
        base = cell.phi.slope_bound * cell.recurrent_weight
    elif isinstance(cell, VectorRNN):
        base = cell.phi.slope_bound * np.linalg.norm(cell.recurrent_weight, 2, axis=(-2, -1))
    elif isinstance(cell, GatedCell):
        base = np.ones(cell.leading)
    else:
        raise ValueError(
            f"cell must be a ScalarRNN, VectorRNN or GatedCell to have a bound, got {type(cell).__name__}"
        )
    return power_of_lag(base, lags)


def spectral_radius(matrix: ArrayLike) -> Any:
    """ρ(W), the largest magnitude of an eigenvalue, of matrices of shape (..., n, n)."""
    return np.abs(np.linalg.eigvals(np.asarray(matrix, dtype=np.float64))).max(axis=-1)


def linear_rate(cell: VectorRNN, lags: ArrayLike) -> Any:
    """log₁₀ of ρ(W)^lag: the long-run rate of a linear cell, and no bound of any.

    Parameters
    ----------
    cell : VectorRNN
        With leading axes (...).
    lags : array_like, shape (L,)
        Lags ≥ 0.

    Returns
    -------
    ndarray, shape (..., L)

    Raises
    ------
    ValueError
        If the cell isn't a VectorRNN, or a lag is negative.
    """
    if not isinstance(cell, VectorRNN):
        raise ValueError(
            f"cell must be a VectorRNN, got {type(cell).__name__}; a scalar cell's linear rate is its bound"
        )
    return power_of_lag(spectral_radius(cell.recurrent_weight), lags)


def power_of_lag(base: ArrayLike, lags: ArrayLike) -> Any:
    """log₁₀ of |base|^lag, 0 at lag 0.

    Parameters
    ----------
    base : array_like, shape (...)
    lags : array_like, shape (L,)
        Lags ≥ 0.

    Returns
    -------
    ndarray, shape (..., L)

    Raises
    ------
    ValueError
        If a lag is negative.
    """
    lag = np.asarray(lags, dtype=np.float64)
    wrong = lag[~(lag >= 0)]
    if wrong.size:
        raise ValueError(f"lags must be 0 or more, got {wrong[0]:g}; lag t − k counts steps back")
    with np.errstate(invalid="ignore"):
        return np.where(lag == 0, 0.0, np.asarray(log_magnitude(base))[..., None] * lag) / LOG_10
