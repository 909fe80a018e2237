"""The local factor as a surface, Z(x, y) = φ'(x) g(y), and how much of it is near 0, near 1 and between."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod import activations
from gradprod.activations import SIGMOID, Activation, FloatArray

GATES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "sigmoid": SIGMOID.value,
    "one_minus_sigmoid": lambda y: SIGMOID.value(-y),
}
"""The gates g(y) by name: σ(y), as an LSTM keeps its state, and 1 − σ(y), as a GRU does."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shares:
    """Shares of a rectangle, or of the steps of a run, by the size of the local factor.

    Parameters
    ----------
    below, between, above : float or ndarray
        Share with |Z| < ``low``, with ``low`` ≤ |Z| ≤ ``high``, with |Z| > ``high``; they add up to 1.
    low, high : float
        The thresholds.
    error : float
        How far a share may be off, from two quadratures of different order; 0 for a count.
    """

    below: Any
    between: Any
    above: Any
    low: float
    high: float
    error: float


def surface(activation: str | Activation, gate: str, x: ArrayLike, y: ArrayLike, /) -> FloatArray:
    """Local factor Z(x, y) = φ'(x) g(y) of a cell with a gate on its state line.

    Parameters
    ----------
    activation : str or Activation
        φ.
    gate : str
        g, one of `GATES`.
    x : array_like, shape (n,)
        Pre-activations of the state.
    y : array_like, shape (m,)
        Pre-activations of the gate.

    Returns
    -------
    ndarray, shape (m, n)
        A row for each y.
    """
    slope: FloatArray = activations.activation(activation).slope(np.asarray(x, dtype=float))
    return _gate(gate)(np.asarray(y, dtype=float))[:, None] * slope


def flat_surface(
    activation: str | Activation, recurrent_weight: float, x: ArrayLike, y: ArrayLike, /
) -> FloatArray:
    """The plain cell's counterpart of `surface`: φ'(x) W_s, the same at every y.

    Parameters
    ----------
    activation : str or Activation
        φ.
    recurrent_weight : float
        W_s.
    x : array_like, shape (n,)
        Pre-activations of the state.
    y : array_like, shape (m,)
        Only its length counts.

    Returns
    -------
    ndarray, shape (m, n)
        A row for each y, with the sign of W_s.
    """
    slope: FloatArray = activations.activation(activation).slope(np.asarray(x, dtype=float))
    return np.tile(recurrent_weight * slope, (len(np.asarray(y)), 1))


def shares(
    activation: str | Activation,
    gate: str | float,
    rectangle: Sequence[float],
    /,
    low: float = 0.1,
    high: float = 0.9,
) -> Shares:
    """Shares of a rectangle where the local factor is near 0, near 1 and between.

    For each y the x with Z > level are an interval around 0 whose ends are in closed form; its length is
    integrated over y by Gauss–Legendre quadrature between the y at which it appears or meets the
    rectangle's sides.

    Parameters
    ----------
    activation : str or Activation
        φ.
    gate : str or float
        g, one of `GATES`, or a number: the plain cell's W_s, taken by magnitude.
    rectangle : (float, float, float, float)
        x from, x to, y from, y to.
    low, high : float
        Thresholds, 0 ≤ low < high.

    Returns
    -------
    Shares
        With the quadrature's error, about 1e-12.

    Raises
    ------
    ValueError
        If the rectangle has no area, if the thresholds are not in order, if there is no such gate.
    """
    low, high = _thresholds(low, high)
    sides = [float(side) for side in rectangle]
    if len(sides) != 4 or not all(map(math.isfinite, sides)) or sides[0] >= sides[1] or sides[2] >= sides[3]:
        raise ValueError(
            "rectangle must be four finite numbers, x from, x to, y from, y to, each pair rising, "
            f"got {tuple(rectangle)}; take (-5, 5, -5, 5), for instance"
        )
    name = activations.activation(activation).name
    if isinstance(gate, str):
        _gate(gate)
        if gate == "one_minus_sigmoid":
            sides[2:] = -sides[3], -sides[2]
        not_below, error_low = _share_above_level(name, low, sides)
        above, error_high = _share_above_level(name, high, sides)
        error = max(error_low, error_high)
    else:
        weight, error = abs(float(gate)), 0.0
        if name == "linear":
            not_below, above = float(weight >= low), float(weight > high)
        else:
            not_below, above = (
                1.0
                if level == 0
                else float(_length(name, np.array(level / weight if weight else np.inf), sides))
                for level in (low, high)
            )
    return Shares(
        below=1 - not_below, between=not_below - above, above=above, low=low, high=high, error=error
    )


def path_shares(values: ArrayLike, /, low: float = 0.1, high: float = 0.9) -> Shares:
    """Shares of the steps of a run whose local factor is near 0, near 1 and between.

    Parameters
    ----------
    values : array_like, shape (..., T)
        The local factors, taken by magnitude.
    low, high : float
        Thresholds, 0 ≤ low < high.

    Returns
    -------
    Shares
        Over the leading axes.

    Raises
    ------
    ValueError
        If there is no step, if a value is NaN, if the thresholds are not in order.
    """
    low, high = _thresholds(low, high)
    z = np.abs(np.asarray(values, dtype=float))
    if z.ndim == 0 or z.shape[-1] == 0:
        raise ValueError(
            f"values must hold one step at least, got shape {z.shape}; give a run's local factors"
        )
    if np.isnan(z).any():
        step = int(np.argwhere(np.isnan(z))[0][-1]) + 1
        raise ValueError(f"values must not hold NaN, got it at step {step}; end the run before it")
    below, above = (z < low).mean(axis=-1), (z > high).mean(axis=-1)
    if z.ndim == 1:
        below, above = float(below), float(above)
    return Shares(below=below, between=1 - below - above, above=above, low=low, high=high, error=0.0)


def _gate(name: str) -> Callable[[FloatArray], FloatArray]:
    if name not in GATES:
        raise ValueError(
            f"gate must be {' or '.join(map(repr, GATES))}, got {name!r}; a number is a fixed W_s"
        )
    return GATES[name]


def _thresholds(low: float, high: float) -> tuple[float, float]:
    if not 0 <= low < high < math.inf:
        raise ValueError(f"low and high must be rising from 0, got {low} and {high}; take 0.1 and 0.9")
    return float(low), float(high)


def _tanh_half_width(slope: FloatArray) -> FloatArray:
    s = np.minimum(slope, 1.0)
    return np.asarray(np.log1p(np.sqrt(1 - s)) - np.log(s) / 2)  # arccosh(1/√s), without forming 1/√s


_HALF_WIDTH: dict[str, Callable[[FloatArray], FloatArray]] = {
    "linear": lambda slope: np.where(slope < 1, np.inf, 0.0),
    "tanh": _tanh_half_width,
    "sigmoid": lambda slope: 2 * _tanh_half_width(4 * slope),  # σ'(x) = tanh'(x/2) / 4
}
"""The largest |x| at which φ'(x) is above a slope > 0; 0 where it nowhere is."""


def _length(name: str, slope: FloatArray, sides: Sequence[float]) -> FloatArray:
    """Share of the x side on which φ'(x) is above ``slope``."""
    half = _HALF_WIDTH[name](slope)
    x_0, x_1 = sides[:2]
    return np.asarray(np.maximum(np.minimum(half, x_1) - np.maximum(-half, x_0), 0) / (x_1 - x_0))


def _share_above_level(name: str, level: float, sides: Sequence[float]) -> tuple[float, float]:
    """Share of the rectangle with φ'(x) σ(y) > level, and the quadrature's error."""
    if level == 0:
        return 1.0, 0.0
    x_0, x_1, y_0, y_1 = sides
    slopes = activations.activation(name).slope(np.array([0.0, x_0, x_1]))
    # σ(y) = level / φ': where the interval opens, and where its ends pass the sides
    kinks = [math.log(level / (d - level)) for d in slopes.tolist() if d > level]
    inner = sorted({y for y in kinks if y_0 < y < y_1} | {y for y in (-40.0, 40.0) if y_0 < y < y_1})
    ends = [y_0, *inner, y_1]
    pieces = [np.linspace(a, b, min(max(math.ceil((b - a) / 4), 1), 200) + 1) for a, b in pairwise(ends)]
    start = np.concatenate([p[:-1] for p in pieces])[:, None]
    width = np.concatenate([np.diff(p) for p in pieces])[:, None]

    def integral(order: int) -> float:
        node, weight = np.polynomial.legendre.leggauss(order)
        v, weight = (node + 1) / 2, weight / 2
        y = start + width * v**2  # the interval opens as a square root: v² makes it smooth
        with np.errstate(over="ignore"):
            slope = level * (1 + np.exp(-y))  # level / σ(y)
        return float(np.sum(_length(name, slope, sides) * weight * 2 * v * width) / (y_1 - y_0))

    fine = integral(32)
    return min(max(fine, 0.0), 1.0), abs(fine - integral(24)) + 1e-14
