"""Shares of the surface Z against quadrature the other way round, closed forms and counting."""

import math

import mpmath
import numpy as np
import pytest

from gradprod.analysis.surface import GATES, flat_surface, path_shares, shares, surface

SLOPE = {
    "linear": lambda x: mpmath.mpf(1),
    "tanh": lambda x: mpmath.sech(x) ** 2,
    "sigmoid": lambda x: mpmath.sech(x / 2) ** 2 / 4,
}


def measured_over_x(activation, level, sides):
    """Share with Z > level: for each x the y are an interval, cut at a logit (mpmath, tanh-sinh)."""
    x_0, x_1, y_0, y_1 = map(mpmath.mpf, sides)

    def cut(x):
        slope = SLOPE[activation](x)
        if slope <= level:
            return mpmath.mpf(0)
        return y_1 - min(max(mpmath.log(level / (slope - level)), y_0), y_1)

    # where the cut leaves the rectangle by its upper or its lower side
    kinks = {x_0, x_1, mpmath.mpf(0)}
    for y in (y_0, y_1):
        s = level * (1 + mpmath.exp(-y)) * (4 if activation == "sigmoid" else 1)
        if activation != "linear" and s < 1:
            width = mpmath.acosh(1 / mpmath.sqrt(s)) * (2 if activation == "sigmoid" else 1)
            kinks |= {width, -width}
    points = sorted(k for k in kinks if x_0 <= k <= x_1)
    return float(mpmath.quad(cut, points) / ((x_1 - x_0) * (y_1 - y_0)))


def test_the_published_shares():
    s = shares("tanh", "sigmoid", (-5, 5, -5, 5))
    assert [round(100 * v, 1) for v in (s.below, s.above, s.between)] == [78.4, 1.4, 20.1]
    assert s.error < 1e-12
    small = shares("tanh", "sigmoid", (-2, 2, -2, 2))
    assert small.above == 0


@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid"])
@pytest.mark.parametrize(
    "sides", [(-5, 5, -5, 5), (-4, 4, -6, 6), (-1, 3, -2, 8), (0.5, 0.75, 1, 9), (-80, 1, -60, 90)]
)
@pytest.mark.parametrize(("low", "high"), [(0.1, 0.9), (0.01, 0.2), (1e-6, 0.5)])
def test_shares_against_integration_over_x(activation, sides, low, high):
    s = shares(activation, "sigmoid", sides, low, high)
    assert s.above == pytest.approx(measured_over_x(activation, high, sides), abs=1e-11)
    assert s.below == pytest.approx(1 - measured_over_x(activation, low, sides), abs=1e-11)
    assert s.below + s.between + s.above == pytest.approx(1, abs=1e-15)
    assert s.error < 1e-10
    x_0, x_1, y_0, y_1 = sides
    mirrored = shares(activation, "one_minus_sigmoid", (x_0, x_1, -y_1, -y_0), low, high)
    assert (mirrored.below, mirrored.above) == (s.below, s.above)


def test_shares_against_counting_on_a_lattice():
    n = 1500
    x, y = (-3 + 7 * (np.arange(n) + 0.5) / n), (-4 + 10 * (np.arange(n) + 0.5) / n)
    for activation in SLOPE:
        for gate in GATES:
            z = surface(activation, gate, x, y)
            assert z.shape == (n, n)
            s = shares(activation, gate, (-3, 4, -4, 6), 0.15, 0.6)
            counted = path_shares(z.ravel(), 0.15, 0.6)
            for name in ("below", "between", "above"):
                assert getattr(s, name) == pytest.approx(getattr(counted, name), abs=2e-3)


def test_the_surfaces_themselves():
    x, y = np.array([-1.0, 0, 30]), np.array([-40.0, 2])
    expected = [[1 / math.cosh(a) ** 2 / (1 + math.exp(-b)) for a in x] for b in y]
    np.testing.assert_allclose(surface("tanh", "sigmoid", x, y), expected, rtol=1e-14)
    np.testing.assert_allclose(surface("tanh", "one_minus_sigmoid", x, -y), expected, rtol=1e-14)
    flat = [[-3 / math.cosh(a / 2) ** 2 / 4 for a in x]] * 2
    np.testing.assert_allclose(flat_surface("sigmoid", -3, x, y), flat, rtol=1e-14)


def test_the_flat_counterpart_in_closed_form():
    s = shares("tanh", -0.9, (-5, 5, -6, 6))
    width = math.acosh(math.sqrt(0.9 / 0.1))
    assert s.below == pytest.approx(1 - 2 * width / 10, abs=1e-14)
    assert (s.above, s.error) == (0, 0)
    s = shares("sigmoid", 4.0, (0, 5, -6, 6))
    assert s.above == pytest.approx(2 * math.acosh(math.sqrt(1 / 0.9)) / 5, abs=1e-14)
    for weight, expected in [(0, (1, 0, 0)), (0.1, (0, 1, 0)), (-0.9, (0, 1, 0)), (1.5, (0, 0, 1))]:
        s = shares("linear", weight, (-5, 5, -5, 5))
        assert (s.below, s.between, s.above) == expected
    s = shares("tanh", 0, (-5, 5, -5, 5), low=0)
    assert (s.below, s.between, s.above) == (0, 1, 0)


def test_a_path_is_counted():
    s = path_shares([0.05, -0.05, 0.1, 0.9, -0.95])
    assert (s.below, s.between, s.above) == (0.4, pytest.approx(0.4), 0.2)
    grid = path_shares(np.array([[0.05, 0.5], [0.95, 0.95]]))
    assert grid.below.tolist() == [0.5, 0]
    assert grid.above.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: shares("tanh", "sigmoid", (5, -5, -5, 5)), r"rectangle must be .*got \(5, -5, -5, 5\)"),
        (lambda: shares("tanh", "sigmoid", (0, 1, 2)), "rectangle must be four finite numbers, x from"),
        (lambda: shares("tanh", "sigmoid", (0, 1, 2, math.inf)), r"pair rising, got \(0, 1, 2, inf\); take"),
        (lambda: shares("tanh", "relu", (0, 1, 2, 3)), "gate must be 'sigmoid' or 'one.*; a number"),
        (lambda: surface("tanh", "relu", [0], [0]), "gate must be 'sigmoid' or 'one_minus_sigmoid', got"),
        (lambda: shares("relu", "sigmoid", (0, 1, 2, 3)), "activation must be one of"),
        (lambda: shares("tanh", 1.0, (0, 1, 2, 3), 0.9, 0.1), "low and high must be rising from 0, got 0.9"),
        (lambda: path_shares([1], -1, 0.5), "got -1 and 0.5; take 0.1 and 0.9"),
        (lambda: path_shares([]), r"values must hold one step at least, got shape \(0,\); give"),
        (lambda: path_shares([1, math.nan]), "values must not hold NaN, got it at step 2; end"),
    ],
)  # fmt: skip
def test_what_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
