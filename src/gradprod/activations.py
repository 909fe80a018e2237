"""Activation functions φ with slopes φ′ that lose no digit in saturation.

Slopes and their logarithms come straight from the pre-activation u, never from φ(u): 1 − tanh² u has lost
half its digits at u = 10 and is exactly 0 from u = 19.06 on, where the slope itself is still 1e-16.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]
LOG_10 = math.log(10.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Activation:
    """An activation function with its exact slope.

    Parameters
    ----------
    name : str
        "linear", "tanh" or "sigmoid".
    value : callable
        φ(u), elementwise.
    slope : callable
        φ′(u), full precision at any u.
    log_slope : callable
        ln φ′(u), exact also where φ′(u) is too small for a float64.
    slope_bound : float
        γ = sup |φ′|: 1, 1 and ¼.
    """

    name: str
    value: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    log_slope: Callable[[Any], Any]
    slope_bound: float

    def __repr__(self) -> str:
        return f"activation({self.name!r})"


# Single numbers go through math, several times as fast on them as numpy: an unroll of one run is all calls.


def _tanh(u: Any) -> Any:
    return math.tanh(u) if isinstance(u, float) else np.tanh(u)


def _linear(u: Any) -> Any:
    return u if isinstance(u, float) else np.asarray(u, dtype=np.float64)[()]


def _tanh_slope(u: ArrayLike) -> Any:
    with np.errstate(over="ignore"):
        s = 1 / np.cosh(np.asarray(u, dtype=np.float64))
    return s * s


def _tanh_log_slope(u: ArrayLike) -> Any:
    # −ln cosh² u = −log1p(sinh² u): no cancellation near 0. Beyond 300, where the square would soon
    # overflow, it is linear to the last digit.
    u = np.asarray(u, dtype=np.float64)
    near = np.clip(u, -300.0, 300.0)
    s = np.sinh(near)
    return -np.log1p(s * s) - 2 * np.abs(u - near)


def _sigmoid(u: Any) -> Any:
    if isinstance(u, float):
        e = math.exp(-abs(u))
        return (1.0 if u >= 0 else e) / (1 + e)
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-np.asarray(u, dtype=np.float64)))


def sigmoid_and_complement(u: ArrayLike) -> tuple[Any, Any]:
    """σ(u) and 1 − σ(u) = σ(−u) from one exponential, both with all their digits; σ′(u) is their product."""
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(-np.asarray(u, dtype=np.float64))
        value = 1 / (1 + e)
        complement = e * value
    if not np.max(e, initial=0) < np.inf:  # beyond u = −709, or not a number
        complement = np.where(np.isinf(e), 1.0, complement)[()]
    return value, complement


def _sigmoid_slope(u: ArrayLike) -> Any:
    with np.errstate(over="ignore"):
        s = 0.5 / np.cosh(np.asarray(u, dtype=np.float64) / 2)
    return s * s


def _sigmoid_log_slope(u: ArrayLike) -> Any:
    a = np.abs(u)
    return -a - 2 * np.log1p(np.exp(-a))


def log_sigmoid(u: ArrayLike) -> Any:
    """ln σ(u), exact at any u; ln(1 − σ(u)) is ``log_sigmoid(-u)``."""
    return np.minimum(u, 0) - np.log1p(np.exp(-np.abs(u)))


LINEAR = Activation(
    name="linear",
    value=_linear,
    slope=lambda u: np.ones(np.shape(u))[()],
    log_slope=lambda u: np.zeros(np.shape(u))[()],
    slope_bound=1.0,
)
TANH = Activation(name="tanh", value=_tanh, slope=_tanh_slope, log_slope=_tanh_log_slope, slope_bound=1.0)
SIGMOID = Activation(
    name="sigmoid",
    value=_sigmoid,
    slope=_sigmoid_slope,
    log_slope=_sigmoid_log_slope,
    slope_bound=0.25,
)
_ACTIVATIONS = {each.name: each for each in (LINEAR, TANH, SIGMOID)}


def activation(name: str | Activation, *, called: str = "activation") -> Activation:
    """The activation of that name: "linear", "tanh" or "sigmoid".

    Raises
    ------
    ValueError
        If there is none of that name; the sentence speaks of what was ``called`` so.
    """
    if isinstance(name, Activation):
        return name
    if name not in _ACTIVATIONS:
        names = ", ".join(map(repr, _ACTIVATIONS))
        raise ValueError(f"{called} must be one of {names}, got {name!r}; choose one of them")
    return _ACTIVATIONS[name]
