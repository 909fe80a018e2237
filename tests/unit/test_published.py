"""Published or derived values that the library must give, each where a reader would look for it."""

import math

import numpy as np
import pytest

import gradprod as gp


@pytest.mark.parametrize(
    ("f", "largest", "at"),
    [
        (lambda c: c * gp.TANH.slope(c), 0.447743, 0.771702),
        (lambda u: u * gp.SIGMOID.slope(u), 0.223872, 1.543405),
    ],
)
def test_the_largest_effect_of_a_gate(f, largest, at):
    x = np.linspace(-40, 40, 80_001)
    near = x[np.argmax(f(x))] + np.linspace(-1e-3, 1e-3, 20_001)
    assert f(near).max() == pytest.approx(largest, abs=5e-7)
    assert near[np.argmax(f(near))] == pytest.approx(at, abs=2e-6)
    assert -f(x).min() == pytest.approx(largest, abs=5e-7)


def test_a_saturating_cell_grows_for_a_few_steps_and_then_vanishes_fastest():
    run = gp.unroll(gp.ScalarRNN(recurrent_weight=4.0), np.zeros(60), 0.001)
    product = gp.gradient_product(run, source=0)
    grown = 10 ** product.log10[1:8]
    np.testing.assert_allclose(grown[:5], [4.0, 16, 64, 239, 401], rtol=5e-3)
    np.testing.assert_allclose(grown[5:], [14, 0.08], rtol=0.05)
    said = gp.readouts(product)
    assert said.grows_first
    assert (said.verdict, said.peak_lag) == ("vanishes", 5)
    assert said.rate == pytest.approx(-5, abs=0.3)


def test_a_hundredth_to_the_fifty():
    run = gp.unroll(gp.ScalarRNN(activation="linear", recurrent_weight=0.01), gp.make_input("sine", 50))
    assert gp.readouts(gp.gradient_product(run)).left_log10 == pytest.approx(-100, rel=1e-14)


def test_a_tanh_round_the_gated_state_breaks_the_carousel():
    bias = math.log(0.99 / 0.01)
    for activation, left in (("tanh", -199), ("linear", -4.4)):
        # i_t X_t = 0.1 at every step
        cell = gp.GatedCell(
            state_activation=activation,
            forget_weight=0,
            forget_bias=bias,
            input_gate_weight=0,
            input_gate_bias=0,
        )
        run = gp.unroll(cell, gp.make_input("constant", 1000, size=0.2))
        assert gp.readouts(gp.gradient_product(run)).left_log10 == pytest.approx(left, rel=0.01)


def test_thousands_of_steps_still_vanish():
    for forget_bias, length, left in ((3, 1000, -21), (5, 1000, -2.9), (5, 10_000, -29)):
        cell = gp.GatedCell(state_activation="linear", forget_weight=0, forget_bias=forget_bias)
        run = gp.unroll(cell, gp.make_input("zero", length))
        assert gp.readouts(gp.gradient_product(run)).left_log10 == pytest.approx(left, rel=0.02)
