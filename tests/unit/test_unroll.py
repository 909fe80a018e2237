"""One unroll: shapes, broadcasting, what a trajectory keeps and what follows from it, overflow, refusals."""

import time
import warnings

import numpy as np
import pytest

from gradprod.activations import SIGMOID
from gradprod.cells import (
    CELLS,
    Bidirectional,
    GatedCell,
    ScalarLSTM,
    ScalarRNN,
    VectorLSTM,
    VectorRNN,
)
from gradprod.unroll import unroll


def plain(W_s, W_x, b, x, S):
    """The scalar tanh cell, in a loop of Python floats."""
    states = [S]
    for X in x:
        S = float(np.tanh(W_x * X + W_s * S + b))
        states.append(S)
    return states


def test_the_scalar_cell_step_by_step(rng):
    x = rng.normal(size=40)
    run = unroll(ScalarRNN(recurrent_weight=-1.7, input_weight=0.4, bias=0.1), x, 0.3)
    np.testing.assert_allclose(run.state, plain(-1.7, 0.4, 0.1, x, 0.3), rtol=1e-13)
    np.testing.assert_allclose(np.tanh(run.pre_activation), run.state[1:], rtol=1e-14)
    assert run.length == 40
    assert run.leading == ()
    assert run.overflow_step is None
    assert run.gates == {}


def test_a_grid_of_a_thousand_weights_and_a_thousand_steps_is_one_call(rng):
    weights, x = np.linspace(-4, 4, 1000), rng.normal(size=1000)
    start = time.process_time()
    run = unroll(ScalarRNN(recurrent_weight=weights), x)
    assert time.process_time() - start < 5
    assert run.state.shape == (1000, 1001)
    for i in (0, 333, 999):
        one = unroll(ScalarRNN(recurrent_weight=weights[i]), x)
        np.testing.assert_allclose(run.state[i, :20], one.state[:20], rtol=1e-13)


def test_parameters_inputs_and_initial_state_broadcast(rng):
    cell = ScalarRNN(recurrent_weight=rng.normal(size=(3, 1, 1)), bias=rng.normal(size=(4, 1)))
    x, S_0 = rng.normal(size=(5, 9)), rng.normal(size=(3, 1, 5))
    run = unroll(cell, x, S_0)
    assert run.state.shape == (3, 4, 5, 10)
    assert run.pre_activation.shape == (3, 4, 5, 9)
    for i, j, k in np.ndindex(3, 4, 5):
        expected = plain(
            float(cell.recurrent_weight[i, 0, 0]), 0.5, float(cell.bias[j, 0]), x[k], S_0[i, 0, k]
        )
        np.testing.assert_allclose(run.state[i, j, k], expected, rtol=1e-12, atol=1e-15)


def test_vector_runs_keep_time_before_units(rng):
    cell = VectorLSTM(forget_weight=rng.normal(size=(6, 1, 3, 2)), candidate_weight=rng.normal(size=(3, 2)))
    run = unroll(cell, rng.normal(size=(4, 7, 2)), {"c": np.ones(3), "h": 0.0})
    assert run.states["c"].shape == run.states["h"].shape == (6, 4, 8, 3)
    assert run.gates["i"].shape == (6, 4, 7, 3)
    assert run.output.shape == (6, 4, 7, 3)
    np.testing.assert_array_equal(run.states["c"][..., 0, :], 1)


def test_pre_activations_and_gates_follow_from_the_states(rng):
    x = rng.normal(size=6)
    run = unroll(ScalarLSTM(forget_peephole=0.3, output_gate_peephole=-0.2, forget_weight=0.7), x)
    c, h = run.states["c"], run.states["h"]
    np.testing.assert_allclose(
        run.pre_activations["f"], 0.7 * x + 0.5 * h[:-1] + 0.3 * c[:-1] + 1.0, rtol=1e-14
    )
    np.testing.assert_allclose(run.pre_activations["o"], 0.5 * x + 0.5 * h[:-1] - 0.2 * c[1:], rtol=1e-13)
    f, i, o, g = (run.gates[name] for name in ("f", "i", "o", "candidate"))
    np.testing.assert_allclose(c[1:], f * c[:-1] + i * g, rtol=1e-13)
    np.testing.assert_allclose(h[1:], o * np.tanh(c[1:]), rtol=1e-13)
    np.testing.assert_allclose(f, SIGMOID.value(run.pre_activations["f"]), rtol=1e-15)


@pytest.mark.parametrize("cls", [cls for cls in CELLS if not cls.algebra.axes])
def test_steps_are_slices_of_the_run(cls, rng):
    run = unroll(cls(), rng.normal(size=(2, 9)))
    whole, part = run.steps(), run.steps(3, 7)
    for name in ("before", "after", "pre_activations", "gates"):
        for key, array in getattr(whole, name).items():
            np.testing.assert_allclose(getattr(part, name)[key], array[3:7], rtol=1e-15)
    for name, states in run.states.items():
        np.testing.assert_array_equal(np.moveaxis(whole.before[name], 0, -1), states[..., :-1])
        np.testing.assert_array_equal(np.moveaxis(whole.after[name], 0, -1), states[..., 1:])


def test_gates_that_see_the_input_alone_are_not_spread_over_the_grid(rng):
    run = unroll(GatedCell(), rng.normal(size=8), np.linspace(0, 1, 5))
    assert run.state.shape == (5, 9)
    assert np.shape(np.squeeze(run.gates["f"])) == (8,)


def test_one_step_and_one_unit():
    assert unroll(ScalarRNN(), [1.0]).state.shape == (2,)
    run = unroll(VectorRNN(recurrent_weight=[[0.5]], input_weight=[[2.0]]), [[0.25]], [0.5])
    assert run.state.shape == (2, 1)
    assert run.state[1, 0] == pytest.approx(np.tanh(0.75), rel=1e-15)


def test_initial_state_by_part_or_one_number():
    one = unroll(ScalarLSTM(), np.zeros(3), 0.5)
    both = unroll(ScalarLSTM(), np.zeros(3), {"c": 0.5, "h": 0.5})
    for part in "ch":
        np.testing.assert_array_equal(one.states[part], both.states[part])


def test_a_pair_reads_from_both_ends(rng):
    x = rng.normal(size=(6, 2))
    ahead = VectorRNN(recurrent_weight=rng.normal(size=(3, 3)), input_weight=rng.normal(size=(3, 2)))
    behind = VectorLSTM(forget_weight=rng.normal(size=(2, 2)), candidate_weight=rng.normal(size=(2, 2)))
    run = unroll(Bidirectional(forward=ahead, backward=behind), x)
    np.testing.assert_array_equal(run.forward.state, unroll(ahead, x).state)
    np.testing.assert_array_equal(run.backward.states["c"], unroll(behind, x[::-1]).states["c"])


class TestOverflow:
    def test_names_the_first_step_that_is_not_finite(self):
        run = unroll(
            ScalarRNN(activation="linear", recurrent_weight=2.0, input_weight=0.0), np.zeros(1100), 1.0
        )
        assert run.overflow_step == 1024
        assert np.isfinite(run.state[1023])
        assert not np.isfinite(run.state[1024])

    def test_in_a_grid_each_run_has_its_own(self):
        cell = ScalarRNN(activation="linear", recurrent_weight=[0.5, 2.0, 4.0], input_weight=0.0)
        np.testing.assert_array_equal(unroll(cell, np.zeros(1100), 1.0).overflow_step, [0, 1024, 512])

    def test_in_a_vector_cell(self):
        W = np.diag([0.5, 2.0])
        run = unroll(VectorRNN(activation="linear", recurrent_weight=W), np.zeros((1100, 1)), 1.0)
        assert run.overflow_step == 1024

    def test_saturation_is_none(self):
        assert unroll(ScalarRNN(recurrent_weight=1e308), np.full(5, 10.0), 1.0).overflow_step is None

    def test_no_warning_is_given(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            unroll(ScalarRNN(activation="linear", recurrent_weight=[2.0, -3.0]), np.ones(2000))
            run = unroll(ScalarRNN(recurrent_weight=[1e308, 0]), np.full(4, 1e308))
            assert run.pre_activation.shape == (2, 4)


RNN = VectorRNN(recurrent_weight=np.eye(3), input_weight=np.ones((3, 2)))
REFUSED = [
    (
        lambda: unroll(ScalarRNN(), [0.0, np.nan, 1.0]),
        "inputs must be finite, got nan at step 2; replace or leave out such values",
    ),
    (lambda: unroll(RNN, [[0.0, 0.0], [0.0, -np.inf]]), "inputs must be finite, got -inf at step 2"),
    (lambda: unroll(ScalarRNN(), "abc"), "inputs must be numbers, got 'abc'; give an array of them"),
    (
        lambda: unroll(ScalarRNN(), []),
        r"inputs must hold at least one step, got shape \(0,\); give it a value",
    ),
    (lambda: unroll(ScalarRNN(), 1.0), r"inputs must have shape \(..., T\), got \(\)"),
    (
        lambda: unroll(RNN, np.zeros((5, 3))),
        r"inputs must have shape \(..., T, 2\) to fit input_weight of VectorRNN, got \(5, 3\)",
    ),
    (
        lambda: unroll(VectorRNN(recurrent_weight=np.eye(3)), np.zeros(5)),
        r"inputs must have shape \(..., T, 1\) to fit input_weight of VectorRNN, got \(5,\); "
        r"a single series is inputs\[:, None\]",
    ),
    (
        lambda: unroll(ScalarRNN(bias=np.ones(3)), np.zeros((4, 7))),
        r"inputs with leading axes \(4,\) does not broadcast with the cell's parameters with leading "
        r"axes \(3,\)",
    ),
    (
        lambda: unroll(ScalarRNN(bias=np.ones(3)), np.zeros(7), np.zeros(2)),
        r"initial_state S with leading axes \(2,\) does not broadcast with the cell's parameters with "
        r"leading axes \(3,\)",
    ),
    (
        lambda: unroll(RNN, np.zeros((5, 2)), np.zeros(4)),
        r"initial_state must have shape \(..., 3\) to fit VectorRNN of 3 units, got \(4,\)",
    ),
    (lambda: unroll(ScalarRNN(), [1.0], np.nan), "initial_state must be finite, got nan"),
    (
        lambda: unroll(ScalarLSTM(), [1.0], {"c": 0.0}),
        "initial_state must give c and h, got c; one number stands for all of them",
    ),
    (
        lambda: unroll(ScalarLSTM(), [1.0]).state,
        "the state of ScalarLSTM has parts c and h; take one from states",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
