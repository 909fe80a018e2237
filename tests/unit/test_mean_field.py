"""Mean field against mpmath, brute-force quadrature, published exponents and simulated networks."""

import math

import mpmath
import numpy as np
import pytest

from gradprod.analysis.mean_field import critical_line, mean_field, simulate_mean_field


def expect(f, q):
    """E f(√q z) by mpmath's tanh-sinh quadrature."""
    root = mpmath.sqrt(q)
    near = [0, 1 / root, 10 / root, 12] if root > 1 else [0, 3, 12]
    return 2 * mpmath.quad(lambda z: f(root * z) * mpmath.npdf(z), near)  # f is even


def brute_force(f, q, c, step=0.02):
    """E f(u) f(u*) over a square lattice of two independent normal numbers."""
    z = np.arange(-10, 10 + step / 2, step)
    p = step * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    u, other = math.sqrt(q) * z, math.sqrt(q) * (c * z[:, None] + math.sqrt(1 - c**2) * z)
    return float(p @ (f(u)[:, None] * f(other)) @ p)


@pytest.mark.parametrize(
    ("w", "b"),
    [(0.5, 0.0), (0.9, 0.3), (1.3, 0.05), (2.0, 0.0), (3.0, 0.0), (2.0, 1.0), (8.0, 5.0), (30.0, 50.0)],
)
def test_the_fixed_point_solves_its_equation(w, b):
    m = mean_field(w, b)
    q = mpmath.mpf(float(m.variance))
    if q:
        assert float(w**2 * expect(lambda u: mpmath.tanh(u) ** 2, q) + b**2) == pytest.approx(
            float(q), rel=1e-12
        )
    slope = lambda u: mpmath.sech(u) ** 2  # noqa: E731
    assert m.chi == pytest.approx(float(w**2 * expect(lambda u: slope(u) ** 2, q)), rel=1e-12)
    assert m.rate == pytest.approx(math.log(m.chi) / 2, rel=1e-14)
    assert m.gradient_depth == pytest.approx(1 / abs(m.rate), rel=1e-14)
    if q:
        # ξ_q from the slope of the variance map, by a central difference in high precision
        with mpmath.workdps(30):
            map_ = lambda v: w**2 * expect(lambda u: mpmath.tanh(u) ** 2, v)  # noqa: E731
            h = q * mpmath.mpf("1e-9")
            derivative = (map_(q + h) - map_(q - h)) / (2 * h)
        assert m.variance_depth == pytest.approx(float(-1 / mpmath.log(derivative)), rel=1e-9)


def test_published_lyapunov_exponents():
    assert mean_field([2, 3]).rate.round(4).tolist() == [0.1547, 0.3102]


@pytest.mark.parametrize("g", [2.0, 3.0])
def test_a_simulated_network_of_500_units(g):
    found, theory = simulate_mean_field(g), mean_field(g)
    # a network of 500 units stays a little below the limit: about 0.150 and 0.305
    assert {2.0: 0.150, 3.0: 0.305}[g] == pytest.approx(found.rate, abs=4 * found.rate_error)
    assert found.rate_error < 0.004
    assert found.variance == pytest.approx(float(theory.variance), rel=0.05)
    vanishing = simulate_mean_field(0.5, 0.3, units=300, length=100)
    assert vanishing.rate == pytest.approx(float(mean_field(0.5, 0.3).rate), abs=0.05)


@pytest.mark.parametrize(
    ("w", "b"), [(1.5, 0.3), (2.0, 0.0), (2.0, 1.0), (4.0, 0.5), (3.0, 3.0), (1.05, 0.0)]
)
def test_the_correlation_that_two_runs_settle_at(w, b):
    m = mean_field(w, b)
    q, c = float(m.variance), float(m.correlation)
    assert m.chi > 1
    assert c < 1
    assert (w**2 * brute_force(np.tanh, q, c) + b**2) / q == pytest.approx(c, abs=1e-10)
    growth = w**2 * brute_force(lambda u: 1 / np.cosh(u) ** 2, q, c)
    assert m.correlation_depth == pytest.approx(-1 / math.log(growth), rel=1e-8)


def test_where_nearby_runs_meet():
    m = mean_field([0.5, 0.9, 1.0], [0.2, 0.0, 0.5])
    assert m.correlation.tolist() == [1, 1, 1]
    np.testing.assert_allclose(m.correlation_depth, -1 / np.log(m.chi), rtol=1e-14)
    np.testing.assert_allclose(mean_field([0.5, 0.9]).rate, np.log([0.5, 0.9]), rtol=1e-14)
    critical = mean_field(1.0)
    assert (critical.chi, critical.rate, critical.variance) == (1, 0, 0)
    assert critical.gradient_depth == critical.correlation_depth == np.inf


def test_the_critical_line_has_chi_one():
    bias = np.array([[1e-3, 0.01, 0.1], [0.5, 2, 10]])
    weight = critical_line(bias)
    np.testing.assert_allclose(mean_field(weight, bias).chi, 1, atol=1e-12)
    assert (mean_field(weight * 1.001, bias).chi > 1).all()
    assert (mean_field(weight * 0.999, bias).chi < 1).all()
    assert critical_line(0.0) == 1


def test_the_plane_is_one_call():
    w, b = np.linspace(0.5, 4, 8), np.linspace(0, 2, 5)[:, None]
    plane = mean_field(w, b)
    assert plane.chi.shape == (5, 8)
    for i, j in np.ndindex(5, 8):
        alone = mean_field(w[j], b[i, 0])
        for name, value in vars(alone).items():
            assert getattr(plane, name)[i, j] == pytest.approx(float(value), rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: mean_field(0), "weight_scale must be above 0, got 0; without weights"),
        (lambda: mean_field([1, -2]), "weight_scale must be from 0 to 100, got -2.0; 1 is"),
        (lambda: mean_field(1, math.nan), "bias_scale must be from 0 to 100, got nan"),
        (lambda: critical_line(11), "bias_scale must be from 0 to 10, got 11.0"),
        (
            lambda: simulate_mean_field(1, length=9),
            "length must be an integer of 10 or more, got 9; the error",
        ),
    ],
)
def test_what_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
