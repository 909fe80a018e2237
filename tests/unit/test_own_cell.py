"""A reader's own cell against the library's cells and closed forms."""

import numpy as np
import pytest

from gradprod.analysis.own_cell import diagonal_recurrence, leaky_rnn, own_cell
from gradprod.cells import ScalarRNN, VectorRNN
from gradprod.products import gradient_product, matrix_product, norm
from gradprod.unroll import unroll

INPUTS = np.sin(0.3 * np.arange(1, 61))


def test_the_plain_cell_written_as_a_step_is_the_plain_cell() -> None:
    run = own_cell(lambda h, x: np.tanh(-1.3 * h + 0.5 * x), INPUTS)
    exact = gradient_product(unroll(ScalarRNN(recurrent_weight=-1.3, input_weight=0.5), INPUTS))
    np.testing.assert_allclose(run.product.log10, exact.log10, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(run.product.sign, exact.sign)


def test_a_vector_cell_written_as_a_step_has_the_same_norm() -> None:
    rng = np.random.default_rng(3)
    W, U = rng.normal(size=(4, 4)) / 2, rng.normal(size=(4, 1))
    run = own_cell(lambda h, x: np.tanh(W @ h + U[:, 0] * x), INPUTS, np.zeros(4))
    exact = norm(matrix_product(unroll(VectorRNN(recurrent_weight=W, input_weight=U), INPUTS[:, None])), 2)
    np.testing.assert_allclose(run.product.log10, exact, rtol=1e-10, atol=1e-11)


def test_the_leaky_cell_s_factor_is_its_derivative() -> None:
    run = own_cell(leaky_rnn(0.2, 1.5, 0.5), INPUTS)
    h = run.states[:-1, 0]
    slope = 1 - np.tanh(1.5 * h + 0.5 * INPUTS) ** 2
    np.testing.assert_allclose(run.jacobians[:, 0, 0], 0.8 + 0.2 * 1.5 * slope, rtol=1e-13)


def test_the_diagonal_recurrence_keeps_its_largest_rate_to_the_power_of_the_lag() -> None:
    run = own_cell(diagonal_recurrence((0.99, 0.9, 0.5)), INPUTS, np.zeros(3))
    np.testing.assert_allclose(run.product.log10, np.arange(61) * np.log10(0.99), rtol=1e-12, atol=1e-14)


def test_far_lags_neither_underflow_nor_overflow() -> None:
    for rate in (1e-3, 1e3):
        run = own_cell(lambda h, x, rate=rate: rate * h, np.zeros(400), 0.0)
        assert run.product.log10[-1] == pytest.approx(400 * np.log10(rate), rel=1e-12)


def test_a_cell_that_forgets_at_once_leaves_exactly_nothing() -> None:
    run = own_cell(lambda h, x: 0 * h + x, INPUTS)
    assert run.product.log10[1] == -np.inf
    assert run.product.sign[-1] == 0


def test_what_can_t_be_used_is_told_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"step must be analytic: at step 1 .* do without abs"):
        own_cell(lambda h, x: np.abs(h) + x, INPUTS, 0.5)
    with pytest.raises(ValueError, match=r"step must return a state of shape \(1,\), got \(2,\) at step 1"):
        own_cell(lambda h, x: np.concatenate([h, h]), INPUTS)
    with pytest.raises(ValueError, match=r"step must return finite numbers, got \[inf\] at step \d+"):
        own_cell(lambda h, x: h * h * 1e200, INPUTS, 3.0)
    with pytest.raises(ValueError, match=r"inputs must have shape \(T,\) or \(T, m\)"):
        own_cell(lambda h, x: h, [])
