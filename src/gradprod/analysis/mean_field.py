"""Mean field of a large random tanh network: where signals and gradients die out, hold and grow.

    x_t = J tanh(x_{t−1}) + bias        J ~ N(0, σ_w² / n)        bias ~ N(0, σ_b²)

As n → ∞ each unit is normal with variance q; gradients grow by χ a step in the mean square (Sompolinsky,
Crisanti and Sommers 1988; Poole et al. 2016; Schoenholz et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import TANH, FloatArray
from gradprod.analysis.initialisation import Seed, gaussian_weights
from gradprod.cells import VectorRNN
from gradprod.cells.shapes import as_numbers
from gradprod.products import lyapunov_exponents
from gradprod.unroll import unroll

_NODES = 120
_TERMS = 200
_LARGEST = 100.0  # of both scales: to here the quadrature is exact to rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class MeanField:
    """The mean-field state of a random tanh network; each of shape (...).

    Parameters
    ----------
    variance : ndarray
        q, the variance of a unit's pre-activation at the fixed point.
    chi : ndarray
        χ, the factor by which a gradient's mean square grows in one step; 1 on the critical line.
    rate : ndarray
        ½ ln χ, in nats per step: the largest Lyapunov exponent.
    gradient_depth : ndarray
        1/|rate|: steps in which a gradient's norm changes by a factor of e.
    variance_depth : ndarray
        ξ_q, steps in which a deviation of the variance falls by e.
    correlation : ndarray
        c*, the correlation that two runs of one network settle at: 1 where nearby runs meet (χ ≤ 1).
    correlation_depth : ndarray
        ξ_c, steps in which a deviation from c* falls by e.
    """

    variance: FloatArray
    chi: FloatArray
    rate: FloatArray
    gradient_depth: FloatArray
    variance_depth: FloatArray
    correlation: FloatArray
    correlation_depth: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """What one random network of finite size did.

    Parameters
    ----------
    variance : float
        Mean square of the pre-activations, over units and steps.
    rate, rate_error : float
        Largest Lyapunov exponent in nats per step, and its standard error from ten stretches of the run.
    """

    variance: float
    rate: float
    rate_error: float


def mean_field(weight_scale: ArrayLike, bias_scale: ArrayLike = 0.0) -> MeanField:
    """Mean-field variance, χ, rate and depth scales of a random tanh network.

        q = σ_w² E tanh²(√q z) + σ_b²        χ = σ_w² E tanh′(√q z)²        z ~ N(0, 1)
        ξ_q = −1 / ln σ_w² E[tanh′² + tanh tanh″]        ξ_c = −1 / ln σ_w² E tanh′(u) tanh′(u*)

    u and u* normal with variance q and correlation c*. At σ_b = 0 and σ_w > 1 the fixed point q = 0 is
    unstable; the other one is given.

    Parameters
    ----------
    weight_scale, bias_scale : array_like, shape (...)
        σ_w > 0 and σ_b ≥ 0, at most 100; they broadcast.

    Returns
    -------
    MeanField

    Raises
    ------
    ValueError
        If a scale is out of range.
    """
    w, b = np.broadcast_arrays(_scale("weight_scale", weight_scale), _scale("bias_scale", bias_scale))
    if (w == 0).any():
        raise ValueError("weight_scale must be above 0, got 0; without weights there is no gradient")
    shape = w.shape
    w, b = np.ravel(w), np.ravel(b)
    q = np.where((b == 0) & (w <= 1), 0.0, w**2 + b**2)

    def excess(q: FloatArray, some: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        square, slope = _expect(q, _square), _expect(q, _square_slope)
        return w[some] ** 2 * square + b[some] ** 2 - q, w[some] ** 2 * slope - 1

    # σ_w² E tanh² is concave in q: Newton from above falls to the fixed point without overshooting it
    q = _newton(excess, q, np.flatnonzero(q))
    chi = w**2 * _expect(q, _slope_squared)
    correlation, slope = _correlation(w, b, q, chi)
    with np.errstate(divide="ignore"):  # on the critical line a depth is infinite
        fields = {
            "variance": q,
            "chi": chi,
            "rate": np.log(chi) / 2,
            "gradient_depth": 2 / np.abs(np.log(chi)),
            "variance_depth": 1 / np.abs(np.log(w**2 * _expect(q, _square_slope))),
            "correlation": correlation,
            "correlation_depth": 1 / np.abs(np.log(slope)),
        }
    return MeanField(**{name: value.reshape(shape) for name, value in fields.items()})


def critical_line(bias_scale: ArrayLike) -> FloatArray:
    """The weight scale at which gradients neither vanish nor explode, χ = 1.

    Parameters
    ----------
    bias_scale : array_like
        σ_b ≥ 0, at most 10.

    Returns
    -------
    ndarray, same shape
        σ_w; 1 at σ_b = 0.

    Raises
    ------
    ValueError
        If a scale is out of range.
    """
    b = _scale("bias_scale", bias_scale, largest=10.0)
    # on the line q fixes both: σ_w² = 1/E tanh′², σ_b² = q − σ_w² E tanh², which rises with q
    low, high = np.full(b.shape, -40.0), np.full(b.shape, np.log(1e6))
    for _ in range(80):
        middle = (low + high) / 2
        q = np.exp(middle)
        above = q - _expect(q, _square) / _expect(q, _slope_squared) > b**2
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.where(b == 0, 1.0, 1 / np.sqrt(_expect(np.exp(low), _slope_squared)))


def simulate_mean_field(
    weight_scale: float,
    bias_scale: float = 0.0,
    *,
    units: int = 500,
    length: int = 1000,
    transient: int = 100,
    seed: Seed = 7,
) -> Simulation:
    """One random network of finite size, run by itself, to hold against `mean_field`.

    Parameters
    ----------
    weight_scale, bias_scale : float
        σ_w and σ_b.
    units : int
        n.
    length : int
        Steps measured, at least 10, after
    transient : int
        steps to forget the start.
    seed : int or numpy.random.Generator
        Of weights, biases and start.

    Returns
    -------
    Simulation

    Raises
    ------
    ValueError
        If ``length`` is below 10.
    """
    if length < 10:
        raise ValueError(f"length must be an integer of 10 or more, got {length}; the error needs ten blocks")
    random = np.random.default_rng(seed)
    weight = gaussian_weights(units, weight_scale, seed=random)
    cell = VectorRNN(recurrent_weight=weight, bias=bias_scale * random.standard_normal(units))
    run = unroll(cell, np.zeros((transient + length, 1)), random.standard_normal(units))
    largest = lyapunov_exponents(run, count=1, discard=transient)
    return Simulation(
        variance=float(np.mean(run.pre_activation[transient:] ** 2)),
        rate=float(largest.exponents[0]),
        rate_error=float(largest.error[0]),
    )


def _scale(name: str, value: ArrayLike, largest: float = _LARGEST) -> FloatArray:
    scale = as_numbers(name, value)
    outside = ~((scale >= 0) & (scale <= largest))
    if outside.any():
        raise ValueError(
            f"{name} must be from 0 to {largest:g}, got {scale[outside].flat[0]}; 1 is a common choice"
        )
    return scale


def _square(u: FloatArray) -> FloatArray:
    return np.tanh(u) ** 2


def _slope_squared(u: FloatArray) -> FloatArray:
    slope: FloatArray = TANH.slope(u)
    return slope**2


def _square_slope(u: FloatArray) -> FloatArray:
    """tanh′² + tanh tanh″, whose expectation is the slope of E tanh² in q."""
    slope: FloatArray = TANH.slope(u)
    return np.asarray(slope * (slope - 2 * np.tanh(u) ** 2))


def _expect(q: FloatArray, f: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """E f(√q z), z standard normal, for an f with tanh's poles: exact to rounding.

    The trapezoidal rule in s, where z = k sinh s and k = min(1, 1/√q): the poles then stay π/2 away from the
    real line at any q. Gauss–Hermite with 64 nodes would be off by 7 % at q = 9.
    """
    root = np.sqrt(q)[..., None]
    k = 1 / np.maximum(root, 1.0)
    end = np.arcsinh(9.5 / k)
    s = np.linspace(-1, 1, _NODES + 1) * end
    z = k * np.sinh(s)
    weight = k * np.cosh(s) * np.exp(-(z**2) / 2) * (2 * end / _NODES / np.sqrt(2 * np.pi))
    return np.asarray(np.sum(f(root * z) * weight, axis=-1))


def _correlation(
    w: FloatArray, b: FloatArray, q: FloatArray, chi: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """c* and the slope of the correlation map there, from E tanh u tanh u* = Σ_n a_n² cⁿ (Mehler)."""
    some = np.where(q > 0, q, 1.0)
    hermite, z, weight = _hermite(_TERMS)
    a2 = (np.tanh(np.sqrt(some)[..., None] * z) @ (hermite * weight).T) ** 2
    n = np.arange(1.0, 2 * _TERMS, 2)
    # what the series leaves out goes with the next power, so that the map keeps its fixed point c = 1
    a2[..., -1] += _expect(some, _square) - a2.sum(axis=-1)
    a2 *= (w**2 / some)[..., None]

    def excess(c: FloatArray, which: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        terms = a2[which] * c[:, None] ** (n - 1)
        return terms.sum(axis=-1) * c + (b**2 / some)[which] - c, (terms * n).sum(axis=-1) - 1

    # the map is convex: Newton from 0 climbs to its lower fixed point without overshooting it
    chaotic = np.flatnonzero(chi > 1)
    c = np.ones(q.shape)
    c[chaotic] = 0.0
    c = _newton(excess, c, chaotic)
    slope = chi.copy()
    slope[chaotic] = excess(c[chaotic], chaotic)[1] + 1
    return c, slope


def _newton(
    excess: Callable[[FloatArray, NDArray[np.intp]], tuple[FloatArray, FloatArray]],
    x: FloatArray,
    active: NDArray[np.intp],
) -> FloatArray:
    """Newton's method at the places ``active``, each until it stands still (a double root takes longer)."""
    for _ in range(100):
        value, slope = excess(x[active], active)
        step = value / np.minimum(slope, -1e-12)
        x[active] = np.maximum(x[active] - step, 0.0)
        active = active[np.abs(step) > 1e-15 * x[active]]
        if active.size == 0:
            break
    return x


def _hermite(terms: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Normalised Hermite polynomials of odd degree, nodes and normal weights, both halved by e^(−z²/4)."""
    z = np.linspace(-16, 16, 1601)
    damping = np.exp(-(z**2) / 4)
    rows = [damping, z * damping]
    for n in range(1, 2 * terms - 1):
        rows.append((z * rows[-1] - np.sqrt(n) * rows[-2]) / np.sqrt(n + 1))
    return np.array(rows[1::2]), z, damping * (z[1] - z[0]) / np.sqrt(2 * np.pi)
