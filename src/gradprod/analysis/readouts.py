"""What a gradient product says, in a few numbers: how fast it goes, what is left, how long it remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.cells.shapes import as_numbers

VERDICTS = ("vanishes", "holds", "explodes")

# a result at or below half of the smallest subnormal rounds to 0; from halfway above the largest number it
# rounds to infinity
_FLOAT64_RANGE = (-1075 * math.log10(2), 1024 * math.log10(2))
_FLOAT32_RANGE = (-150 * math.log10(2), 128 * math.log10(2))


class HasLog10(Protocol):
    """Anything that holds log₁₀ magnitudes against lag, as `LogProduct` does."""

    @property
    def log10(self) -> NDArray[np.float64]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Readouts:
    """Readouts of gradient products; each a scalar, or an array over the leading axes.

    Parameters
    ----------
    left_log10 : float or ndarray
        log₁₀ |∂S_T/∂S_0|, at the longest lag.
    verdict : str or ndarray of str
        ``"vanishes"`` if |∂S_T/∂S_0| < 1/10, ``"explodes"`` if it is > 10, else ``"holds"``.
    rule : str
        Which rule gave the verdict: ``"tenfold"``, the one above.
    rate : float or ndarray
        Least-squares slope of ln |product| on lag over the second half of the lags, in nats per step; −inf
        where a factor is exactly 0.
    rate_factor : float or ndarray
        exp(rate): what one step multiplies the product by.
    power_law : bool or ndarray of bool
        Whether a straight line on ln lag fits that half far better than one on lag, with a tenth of the
        squared residual or less: the rate then depends on the window.
    power : float or ndarray
        Slope of that line on ln lag, the exponent p of lag^p; NaN with fewer than three lags.
    half_life : float or ndarray
        Steps in which the product halves, ln 2 / −rate; inf where it doesn't fall.
    effective_memory : int or ndarray of int
        The largest lag with |product| ≥ ``threshold``; −1 if there is none.
    memory_at_least : bool or ndarray of bool
        Whether that is the longest lag of all, so that the memory may be longer than is seen.
    peak_log10 : float or ndarray
        The largest log₁₀ |product| over the lags, and
    peak_lag : int or ndarray of int
        the first lag that has it.
    grows_first : bool or ndarray of bool
        Whether the product rises above 10 on its way and vanishes all the same.
    float64_limit_lag, float32_limit_lag : int or ndarray of int, or None
        The first lag whose product is rounded to 0 or to infinity in that arithmetic; None if none is (−1
        in an array).
    """

    left_log10: Any
    verdict: Any
    rule: str
    rate: Any
    rate_factor: Any
    power_law: Any
    power: Any
    half_life: Any
    effective_memory: Any
    memory_at_least: Any
    peak_log10: Any
    peak_lag: Any
    grows_first: Any
    float64_limit_lag: Any
    float32_limit_lag: Any


def readouts(product: HasLog10 | ArrayLike, /, threshold: float = 0.01) -> Readouts:
    """Rate, half-life, effective memory, verdict and limits of gradient products.

    Parameters
    ----------
    product : LogProduct or array_like, shape (..., T + 1)
        Products by lag 0 … T, or their log₁₀ magnitudes; −inf where the product is exactly 0.
    threshold : float
        What counts as remembered, between 0 and 1.

    Returns
    -------
    Readouts
        Scalars where there are no leading axes, else arrays over them.

    Raises
    ------
    ValueError
        If there is no lag but 0, if a magnitude is NaN (naming its lag), if the threshold is out of range.
    """
    log10 = _log10(product)
    memory = effective_memory(log10, threshold)
    slope, power, power_law = fit_rate(log10)
    left = log10[..., -1]
    peak_lag = log10.argmax(axis=-1)
    peak = np.take_along_axis(log10, peak_lag[..., None], axis=-1)[..., 0]
    found = verdict(left)
    limits = [_first_outside(log10, *limits) for limits in (_FLOAT64_RANGE, _FLOAT32_RANGE)]
    scalar = log10.ndim == 1
    fields = {
        "left_log10": left,
        "verdict": found,
        "rate": slope,
        "rate_factor": np.exp(slope),
        "power_law": power_law,
        "power": power,
        "half_life": half_life(slope),
        "effective_memory": memory,
        "memory_at_least": memory == log10.shape[-1] - 1,
        "peak_log10": peak,
        "peak_lag": peak_lag,
        "grows_first": (peak > 1) & (found == "vanishes"),
        "float64_limit_lag": limits[0],
        "float32_limit_lag": limits[1],
    }
    if scalar:
        fields = {name: np.asarray(value).item() for name, value in fields.items()}
        for name in ("float64_limit_lag", "float32_limit_lag"):
            fields[name] = None if fields[name] < 0 else fields[name]
    return Readouts(rule="tenfold", **fields)


def verdict(left_log10: ArrayLike, /) -> NDArray[np.str_]:
    """``"vanishes"``, ``"holds"`` or ``"explodes"``, from what is left at the longest lag.

    Parameters
    ----------
    left_log10 : array_like
        log₁₀ |∂S_T/∂S_0|.

    Returns
    -------
    ndarray of str, same shape
        ``"vanishes"`` below −1 (a tenth), ``"explodes"`` above 1 (ten), else ``"holds"``.

    Raises
    ------
    ValueError
        If a value is NaN.
    """
    left = as_numbers("left_log10", left_log10)
    if np.isnan(left).any():
        raise ValueError("left_log10 must not hold NaN, got it; look for a state that overflows")
    return np.where(left < -1, VERDICTS[0], np.where(left > 1, VERDICTS[2], VERDICTS[1]))


def fit_rate(
    product: HasLog10 | ArrayLike, /
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Least-squares slopes of ln |product| on lag and on ln lag, over the second half of the lags.

    Parameters
    ----------
    product : LogProduct or array_like, shape (..., T + 1)
        As in `readouts`.

    Returns
    -------
    rate : ndarray, shape (...)
        Slope on lag, in nats per step; −inf where the product reaches exactly 0.
    power : ndarray, shape (...)
        Slope on ln lag; NaN with fewer than three lags, −inf where the product reaches 0.
    power_law : ndarray of bool, shape (...)
        Whether the fit on ln lag leaves a tenth of the squared residual or less. Merely smaller says nothing
        for a driven cell, whose product wavers round either line.
    """
    log10 = _log10(product)
    length = log10.shape[-1] - 1
    first = min((length + 1) // 2, length - 1)
    lag = np.arange(first, length + 1.0)
    zero = log10[..., -1] == -np.inf
    # an exact 0 stays 0 at longer lags: the fit is skipped there and its rate set below
    y = np.where(zero[..., None], 0.0, log10[..., first:]) * math.log(10)
    mean = y.mean(axis=-1, keepdims=True)
    centred = y - mean
    rate, residual = _slope(centred, lag)
    power = np.full(rate.shape, np.nan)
    power_law = np.zeros(rate.shape, dtype=bool)
    if len(lag) > 2:
        power, residual_power = _slope(centred, np.log(lag))
        # residuals at the rounding error of the logarithms themselves say nothing
        rounding = len(lag) * (1e-12 * np.abs(y).max(axis=-1)) ** 2
        power_law = (residual_power < residual / 10) & (residual > rounding) & ~zero
    return np.where(zero, -np.inf, rate), np.where(zero, -np.inf, power), power_law


def half_life(rate: ArrayLike, /) -> NDArray[np.float64]:
    """Steps in which a product of this rate halves, ln 2 / −rate.

    Parameters
    ----------
    rate : array_like
        Nats per step.

    Returns
    -------
    ndarray, same shape
        inf where the rate is 0 or above: it never halves.
    """
    rate = as_numbers("rate", rate)
    with np.errstate(divide="ignore"):
        return np.where(rate < 0, math.log(2) / -np.minimum(rate, 0.0), np.inf)


def effective_memory(product: HasLog10 | ArrayLike, /, threshold: float = 0.01) -> NDArray[np.int64]:
    """The largest lag whose product is at least ``threshold`` in magnitude.

    Parameters
    ----------
    product : LogProduct or array_like, shape (..., T + 1)
        As in `readouts`.
    threshold : float
        Between 0 and 1.

    Returns
    -------
    ndarray of int, shape (...)
        The lag. T means "at least T", since longer lags aren't seen.

    Raises
    ------
    ValueError
        As `readouts`.
    """
    log10 = _log10(product)
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold must be above 0 and at most 1, got {threshold}; 0.01 is the default")
    # a hair of tolerance, since log10(0.1) + log10(0.1) isn't the same double as log10(0.01)
    kept = log10 >= math.log10(threshold) - 1e-12
    last = kept.shape[-1] - 1 - kept[..., ::-1].argmax(axis=-1)
    return np.where(kept.any(axis=-1), last, -1)


def _log10(product: HasLog10 | ArrayLike) -> NDArray[np.float64]:
    try:
        log10 = np.asarray(getattr(product, "log10", product), dtype=float)
    except (TypeError, ValueError):
        kind = type(product).__name__
        raise ValueError(
            f"product must be a LogProduct or log₁₀ by lag, got {kind}; take a block of a MatrixProduct"
        ) from None
    if log10.ndim == 0 or log10.shape[-1] < 2:
        raise ValueError(
            f"product must have lags 0 and 1 at least, got shape {log10.shape}; unroll over one step or more"
        )
    bad = np.isnan(log10)
    if bad.any():
        lag = int(np.argwhere(bad)[0][-1])
        raise ValueError(f"product must not hold NaN, got it at lag {lag}; look at the factor of that step")
    return log10


def _slope(
    centred: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slope of centred values on x, and the sum of squared residuals."""
    x = x - x.mean()
    slope = centred @ x / (x @ x)
    return slope, np.square(centred - slope[..., None] * x).sum(axis=-1)


def _first_outside(log10: NDArray[np.float64], low: float, high: float) -> NDArray[np.int64]:
    outside = (log10 <= low) | (log10 >= high)
    return np.where(outside.any(axis=-1), outside.argmax(axis=-1), -1)
