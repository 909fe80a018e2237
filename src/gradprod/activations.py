"""Activation functions φ with slopes φ′ that lose no digit in saturation.

Slopes and their logarithms are computed straight from the pre-activation u, never from φ(u): 1 − tanh² u has lost
half its digits at u = 10 and is exactly 0 from u = 19.06 on, where the slope itself is still 1e-16.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[ArrayLike], Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class Activation:
    """An activation function with its exact slope.

    Parameters
    ----------
    name : str
        "linear", "tanh" or "sigmoid".
    value : callable
        φ(u), elementwise, for u of any shape.
    slope : callable
        φ′(u), to the last digit at any u.
    log_slope : callable
        Natural logarithm of φ′(u), exact where φ′(u) itself underflows.
    slope_bound : float
        γ = sup |φ′|: 1, 1 and ¼.
    """

    name: str
    value: Function
    slope: Function
    log_slope: Function
    slope_bound: float

    def __repr__(self) -> str:
        return f"activation({self.name!r})"


def _tanh_slope(u: ArrayLike) -> Any:
    e = np.exp(-2 * np.abs(u))
    return 4 * e / ((1 + e) * (1 + e))


def _tanh_log_slope(u: ArrayLike) -> Any:
    # −2 ln cosh u, by ln cosh u = log1p(2 sinh²(u/2)): no cancellation near 0. Beyond 300, where the square would
    # soon overflow, ln cosh u = |u| − ln 2 to the last digit, so the rest is linear.
    a = np.abs(u)
    near = np.minimum(a, 300.0)
    s = np.sinh(near / 2)
    return -2 * (np.log1p(2 * s * s) + (a - near))


def _sigmoid(u: ArrayLike) -> Any:
    # 1/(1+e) or e/(1+e) with e = exp(−|u|): neither overflows
    return np.exp(np.minimum(u, 0)) / (1 + np.exp(-np.abs(u)))


def _sigmoid_slope(u: ArrayLike) -> Any:
    e = np.exp(-np.abs(u))
    return e / ((1 + e) * (1 + e))


def _sigmoid_log_slope(u: ArrayLike) -> Any:
    a = np.abs(u)
    return -a - 2 * np.log1p(np.exp(-a))


def log_sigmoid(u: ArrayLike) -> Any:
    """Natural logarithm of σ(u), exact at any u; ln(1 − σ(u)) is ``log_sigmoid(-u)``."""
    return np.minimum(u, 0) - np.log1p(np.exp(-np.abs(u)))


LINEAR = Activation(
    name="linear",
    value=lambda u: np.array(u, dtype=np.float64)[()],
    slope=lambda u: np.ones(np.shape(u))[()],
    log_slope=lambda u: np.zeros(np.shape(u))[()],
    slope_bound=1.0,
)
TANH = Activation(name="tanh", value=np.tanh, slope=_tanh_slope, log_slope=_tanh_log_slope, slope_bound=1.0)
SIGMOID = Activation(
    name="sigmoid", value=_sigmoid, slope=_sigmoid_slope, log_slope=_sigmoid_log_slope, slope_bound=0.25
)

_BY_NAME = {a.name: a for a in (LINEAR, TANH, SIGMOID)}
LOG_10 = log(10.0)


def activation(name: str | Activation) -> Activation:
    """The activation of that name: "linear", "tanh" or "sigmoid".

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if isinstance(name, Activation):
        return name
    if name not in _BY_NAME:
        raise ValueError(f"activation must be one of {', '.join(map(repr, _BY_NAME))}, got {name!r}")
    return _BY_NAME[name]
