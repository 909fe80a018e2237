"""A reader's own cell: a step in Python, its Jacobian by complex step, checked against differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.cells.shapes import as_floats
from gradprod.products import LogProduct

Step = Callable[[Any, Any], Any]

_COMPLEX_STEP = 1e-30
_DIFFERENCE = 6e-6
_CHECKED = 5
_TOLERANCE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnRun:
    """What a reader's own cell did on an input.

    Attributes
    ----------
    states : ndarray, shape (T + 1, n)
        Steps 0 … T.
    jacobians : ndarray, shape (T, n, n)
        J_t = ∂state_t/∂state_{t−1}.
    product : LogProduct
        ∂state_T/∂state_{T−lag} by lag: the number itself with its sign for n = 1, else the 2-norm.
    """

    states: FloatArray
    jacobians: FloatArray
    product: LogProduct


def own_cell(step: Step, inputs: ArrayLike, initial_state: ArrayLike = 0.0) -> OwnRun:
    """Run a cell that is given as a function, and take its gradient product.

    Parameters
    ----------
    step : callable
        ``step(state, x) -> state`` with state of shape (n,). Built of operations that take complex numbers
        (``+``, ``*``, ``@``, ``np.tanh`` …): its Jacobian is Im step(state + ih e_j, x)/h, exact to rounding
        (Squire and Trapp 1998, SIAM Review 40).
    inputs : array_like, shape (T,) or (T, m)
        The input sequence.
    initial_state : array_like, shape () or (n,)
        state_0.

    Returns
    -------
    OwnRun

    Raises
    ------
    ValueError
        If the state changes its shape or stops being finite (naming the step), or if the Jacobian is not what
        differences give: then the step holds something that isn't analytic, such as abs or a comparison.
    """
    if not callable(step):
        raise ValueError(f"step must be a function of state and input, got {step!r}; give def step(state, x)")
    x = np.asarray(inputs, dtype=float)
    state = np.atleast_1d(np.asarray(initial_state, dtype=float))
    if x.ndim not in (1, 2) or len(x) == 0:
        raise ValueError(f"inputs must have shape (T,) or (T, m), T at least 1, got {x.shape}")
    n, T = state.size, len(x)
    states, jacobians = np.empty((T + 1, n)), np.empty((T, n, n))
    states[0] = state
    for t in range(T):
        states[t + 1] = _called(step, states[t], x[t], t + 1, n)
        for j in range(n):
            moved = states[t].astype(complex)
            moved[j] += 1j * _COMPLEX_STEP
            jacobians[t, :, j] = np.imag(_result(step, moved, x[t], t + 1, n)) / _COMPLEX_STEP
    _check(step, states, jacobians, x)
    return OwnRun(states=states, jacobians=jacobians, product=_product(jacobians))


def _result(step: Step, state: Any, x: Any, t: int, n: int) -> Any:
    after = np.atleast_1d(np.asarray(step(state, x)))
    if after.shape != (n,):
        raise ValueError(
            f"step must return a state of shape ({n},), got {after.shape} at step {t}; give as many numbers "
            f"as it gets"
        )
    return after


def _called(step: Step, state: FloatArray, x: Any, t: int, n: int) -> FloatArray:
    after = _result(step, state, x, t, n)
    if after.dtype.kind not in "biufc":
        raise ValueError(f"step must return numbers, got {after} at step {t}; return the new state")
    if np.iscomplexobj(after):
        raise ValueError(f"step must return real numbers for real states, got complex ones at step {t}")
    if not np.isfinite(after).all():
        raise ValueError(f"step must return finite numbers, got {after} at step {t}; take smaller weights")
    return np.asarray(after, dtype=float)


def _check(step: Step, states: FloatArray, jacobians: FloatArray, x: FloatArray) -> None:
    T, n = len(x), states.shape[1]
    for t in np.unique(np.linspace(0, T - 1, min(_CHECKED, T)).astype(int)):
        for j in range(n):
            h = _DIFFERENCE * max(1.0, abs(float(states[t, j])))
            up, down = states[t].copy(), states[t].copy()
            up[j] += h
            down[j] -= h
            slope = (_called(step, up, x[t], t + 1, n) - _called(step, down, x[t], t + 1, n)) / (2 * h)
            size = max(1.0, float(np.abs(slope).max()))
            if np.abs(slope - jacobians[t, :, j]).max() > _TOLERANCE * size:
                raise ValueError(
                    f"step must be analytic: at step {t + 1} the complex step gives {jacobians[t, :, j]}, "
                    f"differences give {slope}; do without abs, max, comparisons, np.real and conj"
                )


def _product(jacobians: FloatArray) -> LogProduct:
    T, n = len(jacobians), jacobians.shape[1]
    sign, log10 = np.ones(T + 1), np.zeros(T + 1)
    P, exponent = np.eye(n), 0
    for lag in range(1, T + 1):
        P = P @ jacobians[T - lag]
        top = float(np.abs(P).max())
        if top == 0:
            sign[lag:], log10[lag:] = 0.0, -np.inf
            break
        shift = math.frexp(top)[1]
        P, exponent = np.ldexp(P, -shift), exponent + shift
        size = abs(float(P[0, 0])) if n == 1 else float(np.linalg.norm(P, 2))
        sign[lag] = math.copysign(1, float(P[0, 0])) if n == 1 else 1.0
        log10[lag] = math.log10(size) + exponent * math.log10(2)
    return LogProduct(sign=sign, log10=log10)


def leaky_rnn(leak: float = 0.1, recurrent_weight: float = 1.2, input_weight: float = 0.5) -> Step:
    """A leaky RNN, h_t = (1 − a) h_{t−1} + a tanh(W h_{t−1} + U x_t), as a step for `own_cell`.

    Raises
    ------
    ValueError
        If the leak a isn't from 0 to 1.
    """
    if not 0 <= as_floats("leak", leak) <= 1:
        raise ValueError(f"leak must be from 0 to 1, got {leak}; 1 is a plain cell")

    def step(h: Any, x: Any) -> Any:
        return (1 - leak) * h + leak * np.tanh(recurrent_weight * h + input_weight * x)

    return step


def diagonal_recurrence(rates: ArrayLike = (0.99, 0.9, 0.5)) -> Step:
    """A diagonal linear recurrence, h_t = λ ⊙ h_{t−1} + x_t, as a step for `own_cell`.

    The state at step 0 sets its width.

    Parameters
    ----------
    rates : array_like, shape (n,) or ()
        λ, what each unit keeps a step.

    Raises
    ------
    ValueError
        If a rate isn't a finite number.
    """
    keep = as_floats("rates", rates)

    def step(h: Any, x: Any) -> Any:
        return keep * h + x

    return step
