"""Gradient clipping, what it does to a gradient's direction, and the cliff that it was made for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import SIGMOID, FloatArray
from gradprod.cells import ScalarRNN
from gradprod.cells.shapes import above_zero, as_numbers


@dataclass(frozen=True, kw_only=True, eq=False)
class Clipped:
    """A gradient after clipping.

    Parameters
    ----------
    gradient : dict of ndarray
        The clipped gradient by parameter.
    norm_before, norm_after : float
        Norm over all the parameters together.
    angle : float
        Angle in radians between the gradient before and after; 0 where one of them is zero.
    changed : bool
        Whether clipping did anything.
    """

    gradient: dict[str, FloatArray]
    norm_before: float
    norm_after: float
    angle: float
    changed: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Cliff:
    """The error surface of a recurrence with one weight and one bias, and its slopes.

    Parameters
    ----------
    error : ndarray, shape (...)
        E.
    weight_gradient, bias_gradient : ndarray, shape (...)
        ∂E/∂w, ∂E/∂b.
    """

    error: FloatArray
    weight_gradient: FloatArray
    bias_gradient: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent:
    """Gradient descent on the cliff, steps 0 … K.

    Parameters
    ----------
    weight, bias, error, gradient_norm : ndarray, shape (K + 1,)
        w, b, E and ‖∂E/∂(w, b)‖ before clipping.
    """

    weight: FloatArray
    bias: FloatArray
    error: FloatArray
    gradient_norm: FloatArray


def clip_by_norm(gradient: ArrayLike | Mapping[str, ArrayLike], threshold: float, /) -> Clipped:
    """Gradient scaled back to a norm of at most ``threshold``: g · min(1, θ / ‖g‖).

    Its direction stays (Pascanu, Mikolov and Bengio 2013, section 3.2).

    Parameters
    ----------
    gradient : array_like, or mapping of names to them
        ∂L/∂θ; the norm is over all the parameters together. An array alone is named ``"gradient"``.
    threshold : float
        θ, above 0.

    Returns
    -------
    Clipped
        With ``angle`` 0.

    Raises
    ------
    ValueError
        If the gradient is not finite, naming the parameter; if the threshold isn't above 0.
    """
    given = _gradient(gradient, threshold)
    norm = _norm(given)
    if norm <= threshold:
        return Clipped(gradient=given, norm_before=norm, norm_after=norm, angle=0.0, changed=False)
    scaled = {name: g / norm * threshold for name, g in given.items()}
    return Clipped(gradient=scaled, norm_before=norm, norm_after=float(threshold), angle=0.0, changed=True)


def clip_by_value(gradient: ArrayLike | Mapping[str, ArrayLike], threshold: float, /) -> Clipped:
    """Gradient with each entry held within ±``threshold``; its direction changes.

    Parameters
    ----------
    gradient : array_like, or mapping of names to them
        As in `clip_by_norm`.
    threshold : float
        θ, above 0.

    Returns
    -------
    Clipped
        With the ``angle`` by which the direction changed.

    Raises
    ------
    ValueError
        As `clip_by_norm`.
    """
    given = _gradient(gradient, threshold)
    held = {name: np.clip(g, -threshold, threshold) for name, g in given.items()}
    before, after = _norm(given), _norm(held)
    angle = 0.0
    if before > 0 and after > 0:
        # exact for small and for large angles alike, where arccos isn't (Kahan)
        a = np.concatenate([(g / before).ravel() for g in given.values()])
        b = np.concatenate([(g / after).ravel() for g in held.values()])
        angle = 2 * math.atan2(float(np.linalg.norm(a - b)), float(np.linalg.norm(a + b)))
    changed = any((np.abs(g) > threshold).any() for g in given.values())
    return Clipped(
        gradient=held, norm_before=before, norm_after=after, angle=angle if changed else 0.0, changed=changed
    )


def cliff(weight: ArrayLike, bias: ArrayLike, /, *, length: int = 50, target: float = 0.7) -> Cliff:
    """The cliff surface of Pascanu, Mikolov and Bengio (2013, figure 6), with its slopes.

        x_t = w σ(x_{t−1}) + b        x_0 = ½        E = (σ(x_T) − target)²

    Parameters
    ----------
    weight, bias : array_like, shape (...)
        w and b; they broadcast.
    length : int
        T.
    target : float
        What σ(x_T) should be.

    Returns
    -------
    Cliff
        ``error`` and both slopes, of shape (...).

    Raises
    ------
    ValueError
        If w or b is not finite, if there is no step.
    """
    if length < 1:
        raise ValueError(f"length must be an integer of 1 or more, got {length}; the figure has 50 steps")
    cell = ScalarRNN(activation="sigmoid", recurrent_weight=weight, input_weight=0.0, bias=bias)
    return _cliff(cell.recurrent_weight, cell.bias, length, target)


def _cliff(w: Any, b: Any, length: int, target: float) -> Cliff:
    """As `cliff`, of numbers or arrays: a descent takes many of them, one after the other."""
    state, u = [SIGMOID.value(0.5)], []  # σ(x_t) and x_{t+1}
    for _ in range(length):
        u.append(w * state[-1] + b)
        state.append(SIGMOID.value(u[-1]))
    by_weight = by_bias = 0.0 * u[0]
    for before, slope in zip(state, SIGMOID.slope(np.array(u)), strict=False):
        by_weight = slope * (before + w * by_weight)
        by_bias = slope * (1 + w * by_bias)
    off = state[-1] - target
    return Cliff(error=off**2, weight_gradient=2 * off * by_weight, bias_gradient=2 * off * by_bias)


def descend_cliff(
    weight: float,
    bias: float,
    /,
    *,
    learning_rate: float,
    steps: int,
    threshold: float | None = None,
    length: int = 50,
    target: float = 0.7,
) -> Descent:
    """Gradient descent on the cliff from one point, its gradient clipped by norm or not.

    Parameters
    ----------
    weight, bias : float
        Where it starts.
    learning_rate : float
        η.
    steps : int
        K.
    threshold : float, optional
        θ of `clip_by_norm`; None clips nothing.
    length, target
        As in `cliff`.

    Returns
    -------
    Descent
        Each of shape (K + 1,).

    Raises
    ------
    ValueError
        As `cliff` and `clip_by_norm`; if the learning rate isn't above 0, or steps not an integer from 0 on.
    """
    learning_rate = above_zero("learning_rate", learning_rate, "below 0 it climbs")
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise ValueError(f"steps must be an integer of 0 or more, got {steps!r}; 0 gives the start alone")
    path = []
    at = np.array([weight, bias], dtype=float)
    for _ in range(steps + 1):
        here = _cliff(at[0], at[1], length, target)
        gradient = np.array([here.weight_gradient, here.bias_gradient])
        path.append([*at, float(here.error), float(np.hypot(*gradient))])
        if threshold is not None:
            gradient = clip_by_norm(gradient, threshold).gradient["gradient"]
        at = at - learning_rate * gradient
    w, b, error, norm = np.array(path).T
    return Descent(weight=w, bias=b, error=error, gradient_norm=norm)


def _gradient(gradient: ArrayLike | Mapping[str, ArrayLike], threshold: float) -> dict[str, FloatArray]:
    above_zero("threshold", threshold, "1 is a common choice")
    given = gradient if isinstance(gradient, Mapping) else {"gradient": gradient}
    arrays = {name: np.array(as_numbers(name, g)) for name, g in given.items()}
    for name, g in arrays.items():
        if not np.isfinite(g).all():
            raise ValueError(
                f"{name} must be finite, got {g[~np.isfinite(g)][0]}; clipping can't mend an overflow"
            )
    return arrays


def _norm(arrays: Mapping[str, FloatArray]) -> float:
    flat = np.concatenate([np.zeros(1), *(g.ravel() for g in arrays.values())])
    largest = float(np.abs(flat).max())  # divided out, so that no square over- or underflows
    return largest * float(np.linalg.norm(flat / largest)) if largest > 0 else 0.0
