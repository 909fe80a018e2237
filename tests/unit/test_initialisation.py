"""Initial weights and biases: their distributions, and the published powers of a non-normal matrix."""

import math

import mpmath
import numpy as np
import pytest

from gradprod.analysis.initialisation import (
    chrono_biases,
    forget_bias_for,
    gaussian_weights,
    identity_weights,
    orthogonal_weights,
    shifted_identity,
)


def test_gaussian_entries_and_spectrum():
    w = gaussian_weights(400, 1.5, seed=1)
    assert w.shape == (400, 400)
    assert abs(w.mean()) < 4 * 1.5 / math.sqrt(400) / 400
    assert w.var() == pytest.approx(1.5**2 / 400, rel=4 * math.sqrt(2) / 400)
    assert np.abs(np.linalg.eigvals(w)).max() == pytest.approx(1.5, rel=0.1)
    assert np.linalg.norm(w, 2) == pytest.approx(3, rel=0.05)
    several = gaussian_weights(3, seed=1, draws=5)
    assert several.shape == (5, 3, 3)
    np.testing.assert_array_equal(several[0], gaussian_weights(3, seed=np.random.default_rng(1)))


def test_orthogonal_matrices_are_orthogonal_and_evenly_drawn():
    w = orthogonal_weights(5, -0.8, draws=4000)
    np.testing.assert_allclose(np.swapaxes(w, 1, 2) @ w, np.tile(0.64 * np.eye(5), (4000, 1, 1)), atol=1e-14)
    q = w / -0.8
    trace = np.trace(q, axis1=1, axis2=2)
    # Haar: E tr Q = 0, E (tr Q)² = 1, E (tr Q)⁴ = 3, determinants of both signs alike
    for power, moment, spread in [(1, 0, 1), (2, 1, 2), (4, 3, 96)]:
        assert np.mean(trace**power) == pytest.approx(moment, abs=4 * math.sqrt(spread / 4000))
    assert abs(np.linalg.det(q).mean()) < 4 / math.sqrt(4000)
    np.testing.assert_allclose(np.mean(q**2, axis=0), 0.2, atol=0.02)


def test_a_non_normal_matrix_grows_before_it_vanishes():
    w = shifted_identity(4, 0.8, 0.5)
    np.testing.assert_array_equal(w, [[0.8, 0.5, 0, 0], [0, 0.8, 0.5, 0], [0, 0, 0.8, 0.5], [0, 0, 0, 0.8]])
    norm = {T: np.linalg.norm(np.linalg.matrix_power(w, T), 2) for T in range(1, 51)}
    published = {1: 1.230, 5: 2.571, 10: 4.264, 20: 3.437, 50: 0.06898}
    assert {T: float(f"{norm[T]:.4g}") for T in published} == published
    assert max(norm, key=norm.get) == 13
    assert norm[13] == pytest.approx(4.568, abs=5e-4)
    assert shifted_identity(3, [0.1, 0.2], [[1], [2], [3]]).shape == (3, 2, 3, 3)
    np.testing.assert_array_equal(identity_weights(3, -2), -2 * np.eye(3))


@pytest.mark.parametrize("memory", [1e-3, 0.5, 1.4426950408889634, 20.6, 1e6, 1e15])
def test_the_forget_bias_for_a_memory_time(memory):
    with mpmath.workdps(40):
        b = mpmath.mpf(float(forget_bias_for(memory)))
        assert float(-1 / mpmath.log(1 / (1 + mpmath.exp(-b)))) == pytest.approx(memory, rel=1e-12)


def test_chrono_spreads_the_memory_times_evenly():
    forget_bias, input_gate_bias = chrono_biases(20_000, 100)
    np.testing.assert_array_equal(input_gate_bias, -forget_bias)
    times = np.sort(np.exp(forget_bias))
    assert times[0] >= 1
    assert times[-1] <= 99
    assert np.abs(times - np.linspace(1, 99, 20_000)).max() < 98 * 1.63 / math.sqrt(20_000)  # Kolmogorov, 1 %
    np.testing.assert_array_equal(chrono_biases(4, 2)[0], np.zeros(4))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: gaussian_weights(0), "n must be an integer of 1 or more, got 0; there is nothing to draw"),
        (lambda: orthogonal_weights(2.5), "n must be an integer of 1 or more, got 2.5"),
        (lambda: gaussian_weights(2, draws=0), "draws must be an integer of 1 or more, got 0"),
        (lambda: orthogonal_weights(2, math.inf), "gain must be a finite number, got inf; 1 keeps"),
        (lambda: chrono_biases(3, 1), "longest must be at least 2 steps, got 1; take the length"),
        (
            lambda: forget_bias_for([1, 0]),
            r"memory must be finite and above 0 steps, got \[1, 0\]; a forget bias",
        ),
    ],
)
def test_what_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
