"""The trained LSTM on the sunspot series, through terms, approximations and gradients, against autograd."""

import autograd.numpy as anp
import numpy as np
import pairs
import pytest
import reference as ref
from autograd import grad

import gradprod as gp
from gradprod.analysis.approximations import approximations, gate_reading
from gradprod.analysis.terms import CELL_SLOPE_BOUND, cell_slope, lstm_terms
from gradprod.bptt import all_terms, loss_gradients, step_terms
from gradprod.products import LogProduct

T = 308  # years that predict
GATES = {"i": "input_gate", "f": "forget", "c": "candidate", "o": "output_gate"}


@pytest.fixture(scope="module")
def net():
    weights = gp.trained_weights()
    series = gp.standardise(gp.SUNSPOTS).values
    run = gp.unroll(gp.from_pytorch(weights), series[:-1, None])
    readout = gp.Readout(weight=weights["readout.weight"], bias=weights["readout.bias"])
    return run, readout, series[1:, None], weights


@pytest.fixture(scope="module")
def reference(net):
    """The same net for autograd, read from PyTorch's arrays without the library."""
    run, _, _, weights = net
    params = {"V": weights["readout.weight"], "c": weights["readout.bias"]}
    for number, letter in enumerate("ifco"):
        rows = slice(4 * number, 4 * number + 4)
        params[f"W_{letter}"], params[f"U_{letter}"] = (
            weights["weight_ih_l0"][rows],
            weights["weight_hh_l0"][rows],
        )
        params[f"b_{letter}"] = (weights["bias_ih_l0"] + weights["bias_hh_l0"])[rows]
    return ref.NETS["lstm"], params, run.inputs, np.zeros(8)


def test_it_predicts_what_it_predicted_when_it_was_trained(net):
    """0.153 and 0.565 are what the training script printed."""
    run, readout, targets, _ = net
    predicted = run.output @ readout.weight.T + readout.bias
    judged = slice(258, 308)
    assert round(np.mean((predicted - targets)[judged] ** 2), 3) == 0.153
    assert round(np.mean((run.inputs - targets)[judged] ** 2), 3) == 0.565


def test_its_gradient(net, reference):
    run, readout, targets, _ = net
    lstm, params, inputs, state = reference

    def loss(p):
        return anp.sum(ref.vector_losses(p, ref.states(lstm, p, inputs, state)[1:, :4], targets))

    expected, found = grad(loss)(params), loss_gradients(run, readout, targets)
    names = pairs.NAMES["lstm"]
    for letter in params:
        ours = {"V": found.readout_weight, "c": found.readout_bias}.get(letter)
        ours = found.parameters[names[letter]] if ours is None else ours
        size = np.abs(expected[letter]).max()
        np.testing.assert_allclose(ours, expected[letter], rtol=0, atol=1e-11 * size)
    # what 10 and 100 steps of it leave out
    whole = found.parameters["forget_recurrent_weight"]
    for truncation, most in ((10, 0.7), (100, 1e-3)):
        cut = loss_gradients(run, readout, targets, truncation=truncation).parameters[
            "forget_recurrent_weight"
        ]
        assert np.linalg.norm(cut - whole) < most * np.linalg.norm(whole)


@pytest.mark.parametrize("lag", [1, 2, 10, 40])
def test_its_products_and_their_stand_ins(net, reference, lag):
    run, *_ = net
    found = approximations(run)
    k = T - lag
    partial = ref.product(*reference, T, k)[4:, 4:]
    total = ref.carried_cell_jacobian(*reference, T, k)
    for product, expected in ((found.exact["partial"], partial), (found.exact["total"], total)):
        ours = np.ldexp(product.matrix[lag], product.exponent[lag])
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
    # measured: exact at lag 1; beyond it ∏ f misses by a quarter to nearly all, ∏ (four terms) by 1 to 8 %
    forget, four = found.error["forget"]["partial"][lag], found.error["four_terms"]["total"][lag]
    if lag == 1:
        assert max(forget, four) < 1e-14
    else:
        assert 0.25 < forget < 0.9
        assert 0.01 < four < 0.08


def test_its_four_terms(net, reference):
    run, *_ = net
    found = lstm_terms(run)
    assert found.total.shape == (T - 1, 4, 4)
    for t in (2, 100, T):
        expected = ref.carried_cell_jacobian(*reference, t, t - 1)
        np.testing.assert_allclose(found.total[t - 2], expected, rtol=0, atol=1e-12 * np.abs(expected).max())
    slope = cell_slope(run)
    c = ref.states(*reference)[:, 4:]
    np.testing.assert_allclose(slope.values, np.abs(c) * (1 - np.tanh(c) ** 2), rtol=1e-6, atol=1e-14)
    assert slope.largest <= CELL_SLOPE_BOUND
    assert slope.touches.any()


@pytest.mark.parametrize("standardised", [True, False])
@pytest.mark.parametrize(
    "cell",
    [
        gp.ScalarRNN(recurrent_weight=0.9, input_weight=1.0),
        gp.ScalarRNN(activation="sigmoid", recurrent_weight=-2.0, input_weight=0.1),
        gp.GatedCell(forget_weight=-0.3, forget_bias=2.0),
        gp.GatedCell(state_activation="linear", forget_bias=2.0),
        gp.ScalarGRU(update_bias=-2.0),
        gp.ScalarGRU(reset="after", update_bias=-2.0),
        gp.ScalarMinGRU(update_bias=-2.0),
    ],
)
def test_every_number_cell_on_the_series_as_it_is_and_standardised(cell, standardised):
    """Raw, W_x = 1 drives |u| to 190; every sum still equals its terms, and no factor is faked to 0."""
    series = (gp.standardise(gp.SUNSPOTS) if standardised else gp.SUNSPOTS).values
    run, readout = gp.unroll(cell, series[:-1]), gp.Readout(weight=0.5)
    whole, table = loss_gradients(run, readout, series[1:]), all_terms(run, readout, series[1:])
    for name, terms in table.items():
        expected = {"readout_weight": whole.readout_weight, "readout_bias": whole.readout_bias}.get(name)
        expected = whole.parameters[name] if expected is None else expected
        scale = np.abs(terms.values).max()
        np.testing.assert_allclose(terms.values.sum(), expected, rtol=1e-10, atol=1e-12 * scale)
        np.testing.assert_allclose(terms.gradient, expected, rtol=1e-10, atol=1e-12 * scale)
    one = step_terms(run, readout, series[1:], 200)
    for name, terms in one.items():
        np.testing.assert_allclose(table[name].values[199, : len(terms.values)], terms.values, rtol=1e-12)
    found = approximations(run)
    assert isinstance(found.exact["product"], LogProduct)
    assert (found.exact["product"].sign != 0).all()
    assert gate_reading(next(iter(one.values()))).open.shape == (200,)
