"""Regime maps against one run at a time, and against what is known in closed form."""

from dataclasses import replace

import numpy as np
import pytest

from gradprod.analysis import regimes
from gradprod.analysis.readouts import readouts
from gradprod.analysis.regimes import READOUTS, regime_map
from gradprod.cells import GatedCell, ScalarRNN
from gradprod.inputs import make_input
from gradprod.products import gradient_product
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
