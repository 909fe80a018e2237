"""Gradient products of cells whose state is one number, as sign and log magnitude."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt, prod

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import LOG_10, FloatArray
from gradprod.cells.base import log_magnitude
from gradprod.cells.shapes import as_numbers
from gradprod.unroll import Trajectory, require_trajectory


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
        log₁₀ |product|; entry ``lag`` spans ``lag`` steps, entry 0 the empty product. −inf where it is zero.
    """

    sign: FloatArray
    log10: FloatArray


def magnitudes(log10: ArrayLike, /) -> LogProduct:
    """Numbers that are never negative, such as norms, as a product.

    Parameters
    ----------
    log10 : array_like, shape (..., L + 1)
        −inf where one is zero.

    Returns
    -------
    LogProduct
        Its ``sign`` is 0 there, else 1.
    """
    log = as_numbers("log10", log10)
    return LogProduct(sign=np.where(np.isneginf(log), 0.0, 1.0), log10=log)


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
    require_trajectory(trajectory)
    sign, log = _empty(trajectory.length, trajectory.leading)
    for start, stop, signs, logs in _factors(trajectory, 0, trajectory.length):
        sign[start:stop], log[start:stop] = signs, logs
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
    given = factors if isinstance(factors, Factors) else _as_factors(factors)
    lost = np.argwhere(np.isnan(given.log))
    if len(lost):
        step = int(lost[0, -1]) + 1
        raise ValueError(f"factors must not be NaN, got one at step {step}; keep those before it")
    sign, log = np.moveaxis(given.sign, -1, 0), np.moveaxis(given.log, -1, 0)
    signs, logs = _empty(len(sign) + 1, sign.shape[1:])
    signs[1:], logs[1:] = sign[::-1], log[::-1]
    return _running(signs, logs)


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
        Entry ``lag`` is ∂S_t/∂S_{t−lag}, from ``target`` (T by default) back to ``source`` (0 by default).
        With a source alone it is ∂S_{k+lag}/∂S_k, up to T. Where the state of a single run overflows, the
        last step before stands for T; in a grid, runs that overflow come out as NaN.

    Raises
    ------
    ValueError
        If source or target is out of range, or the cell's state is more than one number.
    """
    k, t = span(trajectory, source, target)
    signs, logs = _empty(t - k + 1, trajectory.leading)
    newest_first = source is None or target is not None
    by_lag = (signs[:0:-1], logs[:0:-1]) if newest_first else (signs[1:], logs[1:])
    for start, stop, sign, log in _factors(trajectory, k, t):
        by_lag[0][start - k : stop - k], by_lag[1][start - k : stop - k] = sign, log
    return _running(signs, logs)


def span(trajectory: Trajectory, source: int | None, target: int | None) -> tuple[int, int]:
    """Source and target step, checked; 0 and the last step by default.

    The last step is T; in a single run whose state overflows it is the one before, if J_t sees the state.
    """
    require_trajectory(trajectory)
    last, reason = trajectory.length, f"the trajectory has {trajectory.length} steps"
    overflow = trajectory.overflow_step
    if isinstance(overflow, int) and trajectory.cell.jacobian_sees_state:
        last, reason = overflow - 1, f"the state overflows at step {overflow}"
    for name, value in (("source", source), ("target", target)):
        if value is not None and (not isinstance(value, int | np.integer) or not 0 <= value <= last):
            raise ValueError(f"{name} must be a step from 0 to {last}, got {value!r}; {reason}")
    k, t = 0 if source is None else int(source), last if target is None else int(target)
    if k > t:
        raise ValueError(f"source must not lie after target, got source {k} and target {t}; swap them")
    return k, t


def _as_factors(values: ArrayLike) -> Factors:
    array = as_numbers("factors", values)
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        where = tuple(wrong[0])
        raise ValueError(
            f"factors must be finite, got {array[where]} at step {where[-1] + 1}; keep those before it"
        )
    return Factors(sign=np.sign(array), log=log_magnitude(array))


def _factors(
    trajectory: Trajectory, first: int, last: int
) -> Iterator[tuple[int, int, FloatArray, FloatArray]]:
    """Sign and log of the factors of steps first + 1 … last, so many at a time that the cache holds them."""
    many = max(1, 2**15 // max(1, prod(trajectory.leading)))
    for start in range(first, last, many):
        stop = min(start + many, last)
        yield start, stop, *trajectory.cell.factors(trajectory.steps(start, stop))


def _empty(length: int, leading: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    return np.empty((length, *leading)), np.empty((length, *leading))


def _running(signs: FloatArray, logs: FloatArray) -> LogProduct:
    """The running product of factors along the first axis, in place; entry 0 is set to 1."""
    signs[0], logs[0] = 1.0, 0.0
    accumulate(np.multiply, signs)
    running_sum(logs)
    logs /= LOG_10
    return LogProduct(sign=np.moveaxis(signs, 0, -1), log10=np.moveaxis(logs, 0, -1))


def running_sum(values: FloatArray) -> None:
    """Running sum along the first axis, in place.

    Block after block of √T steps: its relative rounding error stays below 2 √T ε, or 1.4e-13 at T = 10⁵,
    where that of a plain running sum may reach T ε.
    """
    size = isqrt(len(values)) + 1
    for start in range(0, len(values), size):
        accumulate(np.add, values[start : start + size])
        if start:
            values[start : start + size] += values[start - 1]


def accumulate(operation: np.ufunc, values: FloatArray) -> None:
    """``operation.accumulate`` along the first axis, in place; row by row where that is faster."""
    if values[0].size < 64:
        operation.accumulate(values, axis=0, out=values)
    else:
        for before, now in pairwise(values):
            operation(before, now, out=now)
