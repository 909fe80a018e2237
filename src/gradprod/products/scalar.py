"""Gradient products of cells whose state is one number, as sign and log magnitude."""

from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import LOG_10, FloatArray
from gradprod.unroll import Trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """Step factors J_t = ∂S_t/∂S_{t−1}, t = 1 … T.

    Parameters
    ----------
    sign : ndarray, shape (..., T)
        −1, 0 or 1.
    log : ndarray, shape (..., T)
        ln |J_t|; −inf where a factor is exactly zero.
    """

    sign: FloatArray
    log: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class LogProduct:
    """A gradient product against lag.

    Parameters
    ----------
    sign : ndarray, shape (..., L + 1)
        −1, 0 or 1.
    log10 : ndarray, shape (..., L + 1)
        log₁₀ |product|; entry ``lag`` spans ``lag`` steps, entry 0 is the product of none. −inf where it is exactly zero.
    """

    sign: FloatArray
    log10: FloatArray


def step_factors(trajectory: Trajectory) -> Factors:
    """Step factors J_t of a trajectory, straight from the pre-activations.

    Returns
    -------
    Factors
        ``sign`` and ``log`` of shape (..., T); saturation costs no digit, and φ′ is never rounded to zero.

    Raises
    ------
    ValueError
        If the cell's state is more than one number.
    """
    factors = getattr(trajectory.cell, "factors", None)
    if factors is None:
        raise ValueError(
            f"the state of {type(trajectory.cell).__name__} is more than one number; use matrix_product"
        )
    sign, log = factors(trajectory.steps())
    return Factors(sign=np.moveaxis(sign, 0, -1), log=np.moveaxis(log, 0, -1))


def log_product(factors: Factors | ArrayLike, /) -> LogProduct:
    """Running product of step factors, newest first, as sign and log magnitude.

    Parameters
    ----------
    factors : Factors, or array_like of shape (..., T)
        ∂s_j/∂s_{j−1} for j = 1 … T.

    Returns
    -------
    LogProduct
        ``sign`` and ``log10`` of shape (..., T + 1); entry ``lag`` is ∂s_T/∂s_{T−lag}; entry 0 is 1.

    Raises
    ------
    ValueError
        If a factor is NaN or infinite, naming its step.
    """
    given = factors if isinstance(factors, Factors) else _factors(factors)
    return _running(given, newest_first=True)


def gradient_product(
    trajectory: Trajectory, *, source: int | None = None, target: int | None = None
) -> LogProduct:
    """The gradient product ∂S_t/∂S_k of a cell whose state is one number, against lag t − k.

    Parameters
    ----------
    trajectory : Trajectory
        Of length T.
    source : int, optional
        Step k, from 0 to T.
    target : int, optional
        Step t, from k to T.

    Returns
    -------
    LogProduct
        Entry ``lag`` is ∂S_t/∂S_{t−lag}, from ``target`` (T by default) back to ``source`` (0 by default). With a source alone it
        is ∂S_{k+lag}/∂S_k, up to T.

    Raises
    ------
    ValueError
        If source or target is out of range, or the cell's state is more than one number.
    """
    k, t = span(trajectory, source, target)
    factors = step_factors(trajectory)
    cut = Factors(sign=factors.sign[..., k:t], log=factors.log[..., k:t])
    return _running(cut, newest_first=source is None or target is not None)


def span(trajectory: Trajectory, source: int | None, target: int | None) -> tuple[int, int]:
    """Source and target step, checked; 0 and T by default."""
    T = trajectory.length
    for name, value in (("source", source), ("target", target)):
        if value is not None and (not isinstance(value, int | np.integer) or not 0 <= value <= T):
            raise ValueError(
                f"{name} must be a step from 0 to {T}, got {value!r}; the trajectory has {T} steps"
            )
    k, t = 0 if source is None else int(source), T if target is None else int(target)
    if k > t:
        raise ValueError(f"source must not lie after target, got source {k} and target {t}")
    return k, t


def _factors(values: ArrayLike) -> Factors:
    array = np.asarray(values, dtype=np.float64)
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        where = tuple(wrong[0])
        raise ValueError(f"factors must be finite, got {array[where]} at step {where[-1] + 1}")
    with np.errstate(divide="ignore"):
        return Factors(sign=np.sign(array), log=np.log(np.abs(array)))


def _running(factors: Factors, *, newest_first: bool) -> LogProduct:
    sign, log = np.moveaxis(factors.sign, -1, 0), np.moveaxis(factors.log, -1, 0)
    if newest_first:
        sign, log = sign[::-1], log[::-1]
    signs = np.ones((len(sign) + 1, *sign.shape[1:]))
    np.cumprod(sign, axis=0, out=signs[1:])
    logs = np.zeros((len(log) + 1, *log.shape[1:]))
    logs[1:] = running_sum(log) / LOG_10
    return LogProduct(sign=np.moveaxis(signs, 0, -1), log10=np.moveaxis(logs, 0, -1))


def running_sum(values: Any) -> Any:
    """Running sum along the first axis, its relative rounding error about 2 √T ε: in blocks of √T, then over the blocks."""
    T = len(values)
    if T <= 1024:
        return np.cumsum(values, axis=0)
    size = isqrt(T - 1) + 1
    blocks = np.zeros((size * size, *values.shape[1:]))
    blocks[:T] = values
    blocks = np.cumsum(blocks.reshape(size, size, *values.shape[1:]), axis=1)
    blocks[1:] += np.cumsum(blocks[:-1, -1], axis=0)[:, None]
    return blocks.reshape(size * size, *values.shape[1:])[:T]
