"""Regime maps against one run at a time, and against what is known in closed form."""

from dataclasses import replace

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from gradprod.analysis import regimes
from gradprod.analysis.readouts import readouts
from gradprod.analysis.regimes import READOUTS, regime_map
from gradprod.cells import GatedCell, ScalarGRU, ScalarLSTM, ScalarRNN, VectorRNN
from gradprod.inputs import make_input
from gradprod.products import gradient_product, matrix_product, norm
from gradprod.unroll import unroll

SINE = make_input("sine", 40)
NAMES = {"verdict": "verdict", "left": "left_log10", "rate": "rate", "memory": "effective_memory"}


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize(
    ("cell", "plane"),
    [
        (ScalarRNN(bias=0.2), {"recurrent_weight": [-3, 0, 0.9, 2], "input_weight": [-1.0, 0, 0.5]}),
        (ScalarRNN(activation="linear"), {"bias": [0, 1.0], "recurrent_weight": [-1.2, 1, 0.3]}),
        (ScalarRNN(input_weight=0), {"initial_state": [0, 0.001, 1], "recurrent_weight": [1.0, 4]}),
        (GatedCell(state_activation="linear"), {"forget_bias": [-8, 0, 3.0, 8], "forget_weight": [0, 2.0]}),
    ],
)
def test_a_map_is_one_run_at_a_time(cell, plane, readout, monkeypatch):
    found = regime_map(cell, plane, SINE, readout=readout, threshold=0.05)
    (x_name, xs), (y_name, ys) = plane.items()
    assert (found.x_name, found.y_name, found.readout) == (x_name, y_name, readout)
    assert found.values.shape == (len(ys), len(xs))
    for i, y in enumerate(ys):
        for j, x in enumerate(xs):
            values = {"initial_state": 0.0, x_name: x, y_name: y}
            start = values.pop("initial_state")
            run = unroll(replace(cell, **values), SINE, start)
            alone = getattr(readouts(gradient_product(run), 0.05), NAMES[readout])
            same = found.values[i, j]
            assert same == (alone if isinstance(alone, str) else pytest.approx(alone, rel=1e-12, abs=1e-13))
    monkeypatch.setattr(regimes, "_BLOCK", 100)
    in_blocks = regime_map(cell, plane, SINE, readout=readout, threshold=0.05)
    if readout == "verdict":
        assert (in_blocks.values == found.values).all()
    else:
        np.testing.assert_allclose(in_blocks.values, found.values, rtol=1e-13, atol=1e-15)


def test_the_linear_cell_in_closed_form():
    weights = np.array([-1.3, -1, -0.5, 0, 0.2, 1.1])
    plane = {"recurrent_weight": weights, "input_weight": [0.0, 2]}
    cell = ScalarRNN(activation="linear")
    found = {name: regime_map(cell, plane, SINE, readout=name).values for name in READOUTS}
    for row in range(2):
        some = [0, 1, 2, 4, 5]
        np.testing.assert_allclose(found["left"][row, some], 40 * np.log10(np.abs(weights[some])))
        np.testing.assert_allclose(found["rate"][row, [0, 2, 5]], np.log([1.3, 0.5, 1.1]), rtol=1e-12)
        assert found["left"][row, 3] == found["rate"][row, 3] == -np.inf
        assert "".join(v[0] for v in found["verdict"][row]) == "ehvvve"
        assert found["memory"][row].tolist() == [40, 40, 6, 0, 2, 40]


def test_a_factory_makes_the_cell():
    def cell(weight, share):
        return ScalarRNN(activation="linear", recurrent_weight=weight * share)

    found = regime_map(cell, {"weight": [1.0, 2], "share": [0.5, 1]}, SINE, readout="left")
    np.testing.assert_allclose(found.values, 40 * np.log10([[0.5, 1], [1, 2]]), atol=1e-13)


def states_by_autograd(cell, inputs):
    """∂(c_T, h_T)/∂(c_0, h_0) of a scalar LSTM, each column by autograd through a loop of our own."""

    def run(start):
        c, h = start[0], start[1]
        sigma = lambda v: 1 / (1 + anp.exp(-v))  # noqa: E731
        p = {name: float(value) for name, value in cell.parameters.items()}
        for x in inputs:
            a = {
                g: p[f"{g}_weight"] * x + p[f"{g}_recurrent_weight"] * h + p[f"{g}_bias"]
                for g in ("forget", "input_gate", "candidate", "output_gate")
            }
            c = sigma(a["forget"]) * c + sigma(a["input_gate"]) * anp.tanh(a["candidate"])
            h = sigma(a["output_gate"]) * anp.tanh(c)
        return anp.array([c, h])

    return autograd.jacobian(run)(np.zeros(2))


def test_an_lstm_is_mapped_by_the_norm_over_its_whole_state():
    biases, weights = [0.0, 3.0], [-2.0, 0.5, 4.0]
    plane = {"forget_bias": biases, "candidate_recurrent_weight": weights}
    left = regime_map(ScalarLSTM(), plane, SINE, readout="left")
    for i, j in np.ndindex(3, 2):
        cell = ScalarLSTM(forget_bias=biases[j], candidate_recurrent_weight=weights[i])
        exact = np.linalg.norm(states_by_autograd(cell, SINE), 2)
        assert left.values[i, j] == pytest.approx(np.log10(exact), rel=1e-10)
        for block, entry in (("cc", (0, 0)), ("hc", (1, 0)), ("ch", (0, 1))):
            one = regime_map(ScalarLSTM(), plane, SINE, readout="left", block=block).values[i, j]
            assert one == pytest.approx(np.log10(abs(states_by_autograd(cell, SINE)[entry])), rel=1e-9)
    verdicts = regime_map(ScalarLSTM(), plane, SINE).values
    assert ((verdicts == "vanishes") == (left.values < -1)).all()
    rate = regime_map(ScalarLSTM(), plane, SINE, readout="rate").values
    run = unroll(ScalarLSTM(forget_bias=3.0, candidate_recurrent_weight=0.5), SINE)
    alone = readouts(norm(matrix_product(run), 2))
    assert rate[1, 1] == pytest.approx(alone.rate, rel=1e-12)
    memory = regime_map(ScalarLSTM(), plane, SINE, readout="memory").values
    assert memory[1, 1] == alone.effective_memory


def test_a_product_far_below_the_smallest_double():
    plane = {"forget_bias": [-600.0, -300.0, 5.0], "candidate_bias": [0.0]}
    lonely = {f"{gate}_recurrent_weight": 0 for gate in ("forget", "input_gate", "candidate", "output_gate")}
    cell = ScalarLSTM(forget_weight=0, **lonely)
    left = regime_map(cell, plane, SINE, readout="left", block="cc").values
    exact = [-40 * np.logaddexp(0, -b) / np.log(10) for b in plane["forget_bias"]]
    np.testing.assert_allclose(left[0], exact, rtol=1e-12)
    memory = regime_map(cell, plane, SINE, readout="memory", block="cc").values
    assert memory.tolist() == [[0, 0, 40]]


def test_a_gru_and_a_vector_cell():
    gru = regime_map(
        ScalarGRU(), {"update_bias": [-3.0, 0], "reset_bias": [0.0]}, SINE, readout="left"
    ).values
    for j, bias in enumerate((-3.0, 0)):
        product = gradient_product(unroll(ScalarGRU(update_bias=bias), SINE))
        assert gru[0, j] == pytest.approx(product.log10[-1], rel=1e-12)

    def cell(gain, turn):
        c, s = np.cos(turn), np.sin(turn)
        rotation = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
        return VectorRNN(activation="linear", recurrent_weight=np.asarray(gain)[..., None, None] * rotation)

    plane = {"gain": [0.5, 1, 1.25], "turn": [0.0, 1.0]}
    left = regime_map(cell, plane, np.zeros((30, 1)), readout="left").values
    np.testing.assert_allclose(left, np.tile(30 * np.log10([0.5, 1, 1.25]), (2, 1)), atol=1e-13)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"readout": "peak"}, "readout must be one of verdict, left, rate, memory, got 'peak'; choose one"),
        ({"plane": {"bias": [1]}}, "plane must name two parameters, got 1; for one, unroll"),
        ({"plane": {"bias": [1], "forget_bias": [1]}}, "of ScalarRNN, got 'forget_bias'; choose"),
        (
            {"plane": {"bias": [1], "input_weight": []}},
            r"input_weight must be a list of values .* shape \(0,\)",
        ),
        ({"inputs": [[1.0, 2]]}, r"inputs must have shape \(T,\), got \(1, 2\); map one sequence at a time"),
        ({"cell": ScalarRNN(recurrent_weight=np.ones((3, 1, 1)))}, "single numbers, got a map of shape"),
    ],
)
def test_what_is_refused(change, sentence):
    arguments = {"cell": ScalarRNN(), "plane": {"bias": [1], "input_weight": [2]}, "inputs": SINE, **change}
    with pytest.raises(ValueError, match=sentence):
        regime_map(**arguments)
