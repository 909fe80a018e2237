"""What truncated backpropagation through time drops from a gradient, for every truncation at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.analysis.memory import gradient_by_lag
from gradprod.bptt import Readout
from gradprod.unroll import Trajectory, require_trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class Truncation:
    """Gradients that keep K = 0 … T steps of every target, beside the whole one; all parameters together.

    A gradient without any term is taken to lose nothing.

    Parameters
    ----------
    norm : ndarray, shape (T,)
        ‖g_ℓ‖, the terms of lag ℓ.
    dropped : ndarray, shape (T + 1,)
        Σ_{ℓ≥K} ‖g_ℓ‖ / Σ_ℓ ‖g_ℓ‖, the share of the terms' sizes; it falls from 1 to 0.
    error : ndarray, shape (T + 1,)
        ‖g − Σ_{ℓ<K} g_ℓ‖ / ‖g‖. Terms cancel: it may exceed 1.
    angle : ndarray, shape (T + 1,)
        Angle in radians between the two; 0 where one of them is zero.
    gradient : ndarray, shape (T + 1, p)
        Σ_{ℓ<K} g_ℓ, its entries in the order of ``names``; the last row is the whole gradient.
    names : tuple of str
        Parameter of each entry.
    """

    norm: FloatArray
    dropped: FloatArray
    error: FloatArray
    angle: FloatArray
    gradient: FloatArray
    names: tuple[str, ...]


def truncation_loss(trajectory: Trajectory, readout: Readout, targets: ArrayLike) -> Truncation:
    """What each truncation K = 0 … T of backpropagation through time drops.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell, without leading axes, T steps.
    readout, targets
        As in `gradient_by_lag`, whose work it takes.

    Returns
    -------
    Truncation

    Raises
    ------
    ValueError
        As `gradient_by_lag`; if the trajectory has leading axes.
    """
    require_trajectory(trajectory)
    if trajectory.leading:
        raise ValueError(
            f"trajectory must be one run, got leading axes {trajectory.leading}; take one of them at a time"
        )
    by_lag = gradient_by_lag(trajectory, readout, targets)
    terms = np.concatenate([g.reshape(len(g), -1) for g in by_lag.values()], axis=1)
    kept = np.concatenate([np.zeros((1, terms.shape[1])), np.cumsum(terms, axis=0)])
    later = np.concatenate([np.cumsum(terms[::-1], axis=0)[::-1], np.zeros((1, terms.shape[1]))])
    norm = np.linalg.norm(terms, axis=1)
    beyond = np.concatenate([np.cumsum(norm[::-1])[::-1], np.zeros(1)])
    whole = kept[-1]
    return Truncation(
        norm=norm,
        dropped=_ratio(beyond, beyond[0]),
        error=_ratio(np.linalg.norm(later, axis=1), np.linalg.norm(whole)),
        angle=_angles(kept, whole),
        gradient=kept,
        names=tuple(name for name, g in by_lag.items() for _entry in range(g[0].size)),
    )


def _ratio(part: FloatArray, whole: Any) -> FloatArray:
    """Part over whole, 0 where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(part == 0, 0.0, part / whole)


def _angles(rows: FloatArray, whole: FloatArray) -> FloatArray:
    lengths, length = np.linalg.norm(rows, axis=1, keepdims=True), np.linalg.norm(whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = rows / lengths, whole / length
    # exact for small and for large angles alike, where arccos isn't (Kahan)
    turned = 2 * np.arctan2(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))
    return np.where(np.isfinite(turned), turned, 0.0)
