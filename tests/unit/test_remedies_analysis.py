"""What clipping, initialisation and truncation do to a gradient, each by an independent route."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradprod import (
    Readout,
    ScalarLSTM,
    ScalarRNN,
    VectorRNN,
    loss_gradients,
    make_input,
    matrix_product,
    orthogonal_weights,
    unroll,
)
from gradprod.analysis.clipped_terms import clipped_terms
from gradprod.analysis.networks import last_steps, one_network, random_network
from gradprod.analysis.starts import gradient_left, random_lstm, relative_step
from gradprod.analysis.truncation import truncation_loss
from gradprod.products import magnitudes

X = make_input("noise", 30, seed=3)
TARGETS = np.concatenate([np.zeros(5), X])[:30]


@pytest.mark.parametrize("cell", [ScalarRNN(recurrent_weight=1.3), ScalarLSTM(forget_bias=3.0)])
@pytest.mark.parametrize("kept", [1, 4, 30])
def test_each_truncation_is_the_gradient_that_truncated_backpropagation_gives(cell, kept):
    run = unroll(cell, X)
    found = truncation_loss(run, Readout(), TARGETS)
    short = loss_gradients(run, Readout(), TARGETS, truncation=kept).parameters
    whole = loss_gradients(run, Readout(), TARGETS).parameters
    a = np.array([float(short[name]) for name in found.names])
    b = np.array([float(whole[name]) for name in found.names])
    np.testing.assert_allclose(found.gradient[kept], a, rtol=1e-10, atol=1e-13)
    assert found.error[kept] == pytest.approx(np.linalg.norm(b - a) / np.linalg.norm(b), rel=1e-9, abs=1e-12)
    turned = math.acos(min(1.0, float(a @ b) / np.linalg.norm(a) / np.linalg.norm(b)))
    assert found.angle[kept] == pytest.approx(turned, abs=1e-6)


def test_the_share_dropped_falls_from_all_to_none():
    found = truncation_loss(unroll(ScalarRNN(), X), Readout(), TARGETS)
    assert (found.dropped[0], found.dropped[-1], found.error[0], found.error[-1]) == (1, 0, 1, 0)
    assert (np.diff(found.dropped) <= 0).all()
    assert found.dropped[3] == pytest.approx(found.norm[3:].sum() / found.norm.sum(), rel=1e-12)


def test_a_gradient_of_zero_loses_nothing():
    found = truncation_loss(unroll(ScalarRNN(), np.zeros(4)), Readout(), np.zeros(4))
    for values in (found.norm, found.dropped, found.error, found.angle):
        np.testing.assert_array_equal(values, 0)


def test_truncation_takes_one_run():
    run = unroll(ScalarRNN(recurrent_weight=[0.5, 0.9]), X)
    with pytest.raises(ValueError, match=r"trajectory must be one run, got leading axes \(2,\)"):
        truncation_loss(run, Readout(), TARGETS)


def test_clipped_terms_of_a_linear_cell_are_powers_scaled_alike():
    run = unroll(ScalarRNN(activation="linear", recurrent_weight=-1.2), np.zeros(20))
    found = clipped_terms(run, 0.5)
    lags = np.arange(20)
    total = (1 - (-1.2) ** 20) / 2.2  # geometric series
    np.testing.assert_allclose(found.terms.log10, lags * math.log10(1.2), atol=1e-12)
    np.testing.assert_array_equal(found.terms.sign, (-1.0) ** lags)
    assert found.norm_log10 == pytest.approx(math.log10(abs(total)), abs=1e-12)
    np.testing.assert_allclose(
        found.clipped.log10, found.terms.log10 + math.log10(0.5 / abs(total)), atol=1e-12
    )


def test_a_gradient_within_the_threshold_stays():
    found = clipped_terms(unroll(ScalarRNN(recurrent_weight=0.5), X), 100.0)
    assert found.scale_log10 == 0
    np.testing.assert_array_equal(found.clipped.log10, found.terms.log10)


def test_the_clipped_terms_add_up_to_the_gradient():
    cell = ScalarRNN(recurrent_weight=1.5)
    run = unroll(cell, X)
    found = clipped_terms(run, 1e9)
    step = 1e-6
    ends = [
        unroll(ScalarRNN(recurrent_weight=1.5, bias=b), X).state[-1] for b in (step, -step)
    ]  # central difference
    terms = found.terms.sign * 10.0**found.terms.log10
    assert terms.sum() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)
    assert found.norm_log10 == pytest.approx(math.log10(abs(terms.sum())), abs=1e-12)


def test_no_length_overflows():
    found = clipped_terms(unroll(ScalarRNN(activation="linear", recurrent_weight=4.0), np.zeros(10_000)), 1.0)
    assert found.norm_log10 == pytest.approx(9999 * math.log10(4) + math.log10(4 / 3), rel=1e-12)
    assert found.norm_log10 + found.scale_log10 == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.inf, math.nan])
def test_a_threshold_that_is_none(threshold):
    with pytest.raises(ValueError, match="threshold must be finite and above 0, got"):
        clipped_terms(unroll(ScalarRNN(), X), threshold)


def test_clipped_terms_take_one_plain_run():
    for cell in (ScalarLSTM(), ScalarRNN(recurrent_weight=[0.1, 0.2])):
        with pytest.raises(ValueError, match="trajectory must be one run of ScalarRNN, got one of"):
            clipped_terms(unroll(cell, X), 1.0)


def test_what_is_left_is_the_length_of_the_adjoint():
    lstm = random_lstm(4, forget_bias=1.0, draws=3)
    run = unroll(lstm, X[:, None])
    left = gradient_left(run, seed=5)
    v = np.random.default_rng([5, 4]).standard_normal((3, 4))
    v /= np.linalg.norm(v, axis=-1, keepdims=True)
    product = matrix_product(run)
    whole = np.ldexp(product.matrix, product.exponent[..., None, None])  # (3, T + 1, 8, 8), c first
    covector = np.concatenate([v, 0 * v], axis=-1)
    lengths = np.linalg.norm(np.einsum("ri,rlij->rlj", covector, whole), axis=-1)
    np.testing.assert_allclose(left, np.log10(lengths), atol=1e-10)
    assert left.shape == (3, 31)


def test_orthogonal_linear_keeps_every_gradient():
    W = orthogonal_weights(8, draws=3)
    run = unroll(VectorRNN(activation="linear", recurrent_weight=W, input_weight=np.ones((8, 1))), X[:, None])
    np.testing.assert_allclose(gradient_left(run), 0, atol=1e-12)


def test_without_weights_an_lstm_is_its_forget_gate():
    run = unroll(random_lstm(4, 0.0, forget_bias=2.0, input_scale=0.0), np.zeros((50, 1)))
    np.testing.assert_allclose(gradient_left(run), -np.arange(51) * math.log10(1 + math.exp(-2)), atol=1e-12)


def test_a_scalar_cell_and_a_bias_that_does_not_fit_are_refused():
    with pytest.raises(ValueError, match="trajectory must be a run of a vector cell, got one of ScalarRNN"):
        gradient_left(unroll(ScalarRNN(), X))
    with pytest.raises(ValueError, match=r"forget_bias must have a shape that broadcasts to \(4,\), got"):
        random_lstm(4, forget_bias=np.zeros(3))


def test_networks_side_by_side_leave_what_each_leaves_alone():
    gains = (0.7, 1.3)
    nets = [random_network(4, "gaussian", g, draws=3) for g in gains]
    both = VectorRNN(
        recurrent_weight=np.stack([net.cell.recurrent_weight for net in nets]),
        input_weight=nets[0].cell.input_weight,
    )
    left = gradient_left(unroll(both, X[:, None], nets[0].initial_state), seed=5)
    assert left.shape == (2, 3, 31)
    for k, net in enumerate(nets):
        alone = gradient_left(unroll(net.cell, X[:, None], net.initial_state), seed=5)
        np.testing.assert_allclose(left[k], alone, atol=1e-13)
    biases = np.array([1.0, 4.0])[:, None, None] * np.ones((3, 4))
    left = gradient_left(unroll(random_lstm(4, forget_bias=biases, draws=3), X[:, None]), seed=5)
    for k in range(2):
        alone = random_lstm(4, forget_bias=biases[k], draws=3)
        np.testing.assert_allclose(left[k], gradient_left(unroll(alone, X[:, None]), seed=5), atol=1e-13)


def test_a_relative_step_is_that_of_a_spiral():
    turn = np.exp(1j * 0.3 * np.arange(80)) * 1.01 ** np.arange(80)
    states = np.stack([turn.real, turn.imag], axis=1)
    assert relative_step(states) == pytest.approx(abs(1.01 * np.exp(0.3j) - 1), rel=1e-12)
    states[:20] = 7.0
    assert relative_step(states, after=30) == pytest.approx(abs(1.01 * np.exp(0.3j) - 1), rel=1e-12)


def test_one_of_several_networks_and_the_end_of_its_run():
    net = random_network(3, "gaussian", 1.2, bias_scale=0.5, draws=4)
    run = unroll(net.cell, X[:, None], net.initial_state)
    one = one_network(run, 2)
    np.testing.assert_array_equal(one.state, run.state[2])
    again = unroll(one.cell, X[:, None], net.initial_state[2])
    np.testing.assert_allclose(again.state, run.state[2], atol=1e-14)
    end = last_steps(one, 10)
    assert end.length == 10
    np.testing.assert_array_equal(end.state, run.state[2, -11:])
    np.testing.assert_array_equal(end.inputs[:, 0], X[-10:])
    assert last_steps(one, 99).length == 30


def test_the_first_steps_of_many_are_those_of_a_shorter_run():
    run = unroll(ScalarLSTM(forget_bias=2.0), X)
    first, short = run.steps().until(7), unroll(ScalarLSTM(forget_bias=2.0), X[:7]).steps()
    for name in ("before", "after", "pre_activations", "gates", "complements"):
        kept, expected = getattr(first, name), getattr(short, name)
        assert kept.keys() == expected.keys()
        for key, array in expected.items():
            np.testing.assert_allclose(kept[key], array, rtol=1e-14)
    np.testing.assert_array_equal(first.inputs, X[:7])


def test_norms_as_a_product_have_no_sign_where_they_are_zero():
    product = magnitudes([0.0, -2.0, -np.inf])
    np.testing.assert_array_equal(product.sign, [1, 1, 0])
    np.testing.assert_array_equal(product.log10, [0, -2, -np.inf])
