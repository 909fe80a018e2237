"""Clipping and its change of angle, and the cliff surface against autograd."""

import math

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest

from gradprod.analysis.clipping import cliff, clip_by_norm, clip_by_value, descend_cliff

RNG = np.random.default_rng(7)


def test_clipping_by_norm_scales_and_keeps_the_direction():
    g = {"W": RNG.normal(size=(3, 4)), "b": RNG.normal(size=3)}
    total = math.sqrt(sum(float(np.sum(v**2)) for v in g.values()))
    clipped = clip_by_norm(g, 0.5)
    assert (clipped.changed, clipped.angle, clipped.norm_after) == (True, 0, 0.5)
    assert clipped.norm_before == pytest.approx(total, rel=1e-15)
    for name in g:
        np.testing.assert_allclose(clipped.gradient[name], g[name] * 0.5 / total, rtol=1e-15)
    untouched = clip_by_norm(g, 100)
    assert not untouched.changed
    np.testing.assert_array_equal(untouched.gradient["W"], g["W"])


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1.0, 1e300])
def test_no_size_over_or_underflows(size):
    clipped = clip_by_norm(size * np.array([3.0, -4]), 2.5 * size)
    np.testing.assert_allclose(clipped.gradient["gradient"], size * np.array([1.5, -2]), rtol=1e-15)
    assert clipped.norm_before == pytest.approx(5 * size, rel=1e-15)
    by_value = clip_by_value(size * np.array([3.0, -4]), 3 * size)
    assert by_value.angle == pytest.approx(math.atan2(4, 3) - math.pi / 4, rel=1e-14)


def test_clipping_by_value_turns_the_gradient():
    g = RNG.normal(size=50)
    clipped = clip_by_value({"a": g[:20], "b": g[20:].reshape(5, 6)}, 0.3)
    flat = np.concatenate([v.ravel() for v in clipped.gradient.values()])
    assert flat.tolist() == [min(max(v, -0.3), 0.3) for v in g]
    with mpmath.workdps(40):
        a, b = ([mpmath.mpf(v) for v in x.tolist()] for x in (g, flat))
        dot = mpmath.fdot(a, b) / mpmath.sqrt(mpmath.fdot(a, a) * mpmath.fdot(b, b))
        assert clipped.angle == pytest.approx(float(mpmath.acos(dot)), rel=1e-13)
    # an angle of 1e-9, which arccos of a double can't see
    assert clip_by_value([1.0, 1 + 2e-9], 1).angle == pytest.approx(1e-9, rel=1e-6)
    assert clip_by_value([0.1, -0.2], 1).angle == 0
    assert clip_by_value([0.0], 1).angle == clip_by_norm([0.0], 1).angle == 0


def recurrence(w, b, length=50):
    x = 0.5
    for _ in range(length):
        x = w / (1 + anp.exp(-x)) + b
    return (1 / (1 + anp.exp(-x)) - 0.7) ** 2


def test_the_cliff_and_its_slopes_against_autograd():
    w, b = np.meshgrid(np.linspace(3, 9, 13), np.linspace(-4, -1, 9))
    found = cliff(w, b)
    for index in np.ndindex(w.shape):
        error = recurrence(w[index], b[index])
        assert found.error[index] == pytest.approx(error, rel=1e-11)
        slopes = [autograd.grad(recurrence, i)(w[index], b[index]) for i in (0, 1)]
        assert found.weight_gradient[index] == pytest.approx(slopes[0], rel=1e-9, abs=1e-300)
        assert found.bias_gradient[index] == pytest.approx(slopes[1], rel=1e-9, abs=1e-300)


# x_0 = ½ is an unstable fixed point of w = 6 where b = ½ − 6 σ(½): either side of it the run ends elsewhere
EDGE = 0.5 - 6 / (1 + math.exp(-0.5))


def test_the_error_jumps_at_the_cliff():
    low, high = (float(cliff(6, EDGE + side).error) for side in (-1e-3, 1e-3))
    assert abs(low - high) > 0.3
    growth = 6 * math.exp(-0.5) / (1 + math.exp(-0.5)) ** 2  # of a deviation from x_0, a step
    slopes = cliff(6, EDGE)
    # ∂x_50/∂b on the fixed point, a geometric sum
    by_bias = (growth**50 - 1) / (growth - 1)
    sigma = 1 / (1 + math.exp(-0.5))
    assert slopes.bias_gradient == pytest.approx(2 * (sigma - 0.7) * growth / 6 * by_bias, rel=1e-4)
    assert slopes.weight_gradient == pytest.approx(sigma * float(slopes.bias_gradient), rel=1e-4)


def test_clipping_keeps_a_step_from_being_thrown_off_the_cliff():
    free = descend_cliff(6, EDGE, learning_rate=0.01, steps=1)
    held = descend_cliff(6, EDGE, learning_rate=0.01, steps=1, threshold=1.0)
    assert free.gradient_norm[0] == held.gradient_norm[0] > 1e5
    for path, length in ((free, 0.01 * free.gradient_norm[0]), (held, 0.01)):
        moved = math.hypot(path.weight[1] - path.weight[0], path.bias[1] - path.bias[0])
        assert moved == pytest.approx(length, rel=1e-9)
    assert held.error[1] == pytest.approx(recurrence(held.weight[1], held.bias[1]), rel=1e-11)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: clip_by_norm([1], 0), "threshold must be finite and above 0, got 0; 1 is a common choice"),
        (lambda: clip_by_value([1], math.inf), "threshold must be finite and above 0, got inf"),
        (
            lambda: clip_by_norm({"U": [1, math.nan]}, 1),
            "U must be finite, got nan; clipping can't mend an overflow",
        ),
        (lambda: cliff(1, 1, length=0), "length must be an integer of 1 or more, got 0; the figure has 50"),
        (lambda: cliff(math.nan, 1), "recurrent_weight must be finite, got nan"),
    ],
)
def test_what_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
