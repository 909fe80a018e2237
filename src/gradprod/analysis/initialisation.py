"""Recurrent weights and gate biases to start from."""

from __future__ import annotations

import math
import operator

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.cells.shapes import as_numbers

Seed = int | np.random.Generator


def gaussian_weights(n: int, gain: float = 1.0, *, seed: Seed = 7, draws: int | None = None) -> FloatArray:
    """Matrix of independent normal entries, W_ij ~ N(0, gain² / n), of spectral radius about ``gain``.

    Parameters
    ----------
    n : int
        Units.
    gain : float
        g.
    seed : int or numpy.random.Generator
        Where the numbers come from.
    draws : int, optional
        How many matrices; none gives one, without a leading axis.

    Returns
    -------
    ndarray, shape (n, n) or (draws, n, n)
        W. Its largest singular value is about 2 ``gain``.

    Raises
    ------
    ValueError
        If a number of units or draws is below 1, or the gain is not finite.
    """
    return gain * _normal(n, gain, seed, draws) / math.sqrt(n)


def orthogonal_weights(n: int, gain: float = 1.0, *, seed: Seed = 7, draws: int | None = None) -> FloatArray:
    """Orthogonal matrix, drawn evenly from all of them, times ``gain``.

    From the QR decomposition of normal entries, its signs chosen so that the distribution is Haar's (Mezzadri
    2007).

    Parameters
    ----------
    n, gain, seed, draws
        As in `gaussian_weights`.

    Returns
    -------
    ndarray, shape (n, n) or (draws, n, n)
        W, with WᵀW = gain² I: every singular value is |gain|.

    Raises
    ------
    ValueError
        As `gaussian_weights`.
    """
    q, r = np.linalg.qr(_normal(n, gain, seed, draws))
    signs = np.where(np.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0)
    return gain * q * signs[..., None, :]


def identity_weights(n: int, gain: float = 1.0) -> FloatArray:
    """Identity matrix times ``gain`` (Le, Jaitly and Hinton 2015).

    Parameters
    ----------
    n : int
        Units.
    gain : float
        What each unit keeps of itself.

    Returns
    -------
    ndarray, shape (n, n)
        gain · I.
    """
    return shifted_identity(n, gain, 0.0)


def shifted_identity(n: int, weight: ArrayLike, coupling: ArrayLike) -> FloatArray:
    """The non-normal matrix w I + c N, N the upper shift: unit j feeds unit j − 1.

    Its only eigenvalue is w, whatever c is, while its powers may grow a long way before they vanish.

    Parameters
    ----------
    n : int
        Units.
    weight, coupling : array_like, shape (...)
        w and c; they broadcast.

    Returns
    -------
    ndarray, shape (..., n, n)
        w I + c N.

    Raises
    ------
    ValueError
        If there is no unit.
    """
    n = _count("n", n)
    w, c = (np.asarray(v, dtype=float)[..., None, None] for v in (weight, coupling))
    return np.asarray(w * np.eye(n) + c * np.eye(n, k=1))


def nilpotent_weights(n: int, gain: float = 1.0, *, seed: Seed = 7, draws: int | None = None) -> FloatArray:
    """The matrix [[G, −G], [G, −G]], whose square is 0, with G as `gaussian_weights` draws it.

    Every eigenvalue is 0; but where φ saturates the second half of the units, G alone acts on the first.

    Parameters
    ----------
    n : int
        Units; of an odd number the last one is left out.
    gain, seed, draws
        As in `gaussian_weights`, for G.

    Returns
    -------
    ndarray, shape (n, n) or (draws, n, n)
        W.

    Raises
    ------
    ValueError
        As `gaussian_weights`.
    """
    half = _count("n", n) // 2
    W = np.zeros((n, n) if draws is None else (_count("draws", draws), n, n))
    if half:
        G = gaussian_weights(half, gain, seed=seed, draws=draws)
        W[..., : 2 * half, : 2 * half] = np.concatenate([np.concatenate([G, -G], axis=-1)] * 2, axis=-2)
    return W


def forget_bias_for(memory: ArrayLike) -> FloatArray:
    """Forget bias whose gate alone has this memory time: b_f = −ln(e^(1/T) − 1).

    Parameters
    ----------
    memory : array_like
        T = −1/ln σ(b_f), in steps, above 0.

    Returns
    -------
    ndarray, same shape
        b_f; about ln T for long memories.

    Raises
    ------
    ValueError
        If a memory time is not above 0.
    """
    T = as_numbers("memory", memory)
    if not (np.isfinite(T) & (T > 0)).all():
        raise ValueError(
            f"memory must be finite and above 0 steps, got {memory!r}; a forget bias of 1 is 3.19 steps"
        )
    x = 1 / T
    return np.asarray(
        -(x + np.log(-np.expm1(-x)))
    )  # ln(eˣ − 1) = x + ln(1 − e⁻ˣ): no overflow for short memories


def chrono_biases(n: int, longest: float, *, seed: Seed = 7) -> tuple[FloatArray, FloatArray]:
    """Forget and input-gate biases for memory times spread up to ``longest`` (Tallec and Ollivier 2018).

        b_f ~ ln U[1, T_max − 1]        b_i = −b_f

    Parameters
    ----------
    n : int
        Units.
    longest : float
        T_max, the longest dependency expected, in steps; at least 2.
    seed : int or numpy.random.Generator
        Where the numbers come from.

    Returns
    -------
    forget_bias, input_gate_bias : ndarray, shape (n,)
        b_f and b_i.

    Raises
    ------
    ValueError
        If there is no unit, or ``longest`` is below 2.
    """
    if not 2 <= longest < math.inf:
        raise ValueError(f"longest must be at least 2 steps, got {longest}; take the length of the sequences")
    forget_bias = np.log(np.random.default_rng(seed).uniform(1, longest - 1, _count("n", n)))
    return forget_bias, -forget_bias


def _normal(n: int, gain: float, seed: Seed, draws: int | None) -> FloatArray:
    n = _count("n", n)
    if not math.isfinite(gain):
        raise ValueError(f"gain must be a finite number, got {gain}; 1 keeps the size of the state")
    shape = (n, n) if draws is None else (_count("draws", draws), n, n)
    return np.random.default_rng(seed).standard_normal(shape)


def _count(name: str, value: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise ValueError(f"{name} must be an integer of 1 or more, got {value!r}; there is nothing to draw")
    return count
