"""Backpropagation through time against autograd through the unrolled nets."""

import re

import autograd.numpy as anp
import mpmath
import numpy as np
import pairs
import pytest
import reference as ref
from autograd import grad
from hypothesis import given, settings
from hypothesis import strategies as st

from gradprod.bptt import (
    Readout,
    all_terms,
    backpropagate,
    bidirectional_loss_gradients,
    loss_gradients,
    step_terms,
    term_formula,
    weight_recursion,
    weight_terms,
)
from gradprod.cells import Bidirectional, GatedCell, ScalarGRU, ScalarLSTM, ScalarRNN, VectorRNN
from gradprod.unroll import unroll

EVERY = [(case, False) for case in pairs.VECTOR] + [(case, True) for case in pairs.SCALAR]
ONE_NUMBER = [case for case in pairs.SCALAR if not case.startswith("lstm")]


def assert_close(actual, expected):
    """To 1e-10; where terms cancel, to 1e-11 of the array's largest entry (measured: 4e-13 at most)."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-11 * max(np.abs(expected).max(), 1e-3))


def reference_gradient(pair, letters, targets, loss=anp.sum):
    """∂ loss(L_1 … L_T) by every letter, the readout's among them, and by the initial state."""

    def total(p, state):
        return loss(pair.losses(p, ref.states(pair.net, p, pair.inputs, state), targets))

    every = pair.params | letters
    return grad(total)(every, pair.state), grad(total, 1)(every, pair.state)


def make_case(case, scalar, rng, n=3, m=2, length=6):
    pair = pairs.make_pair(case, rng, n, m, length, scalar=scalar)
    readout, letters = pairs.make_readout(pair, rng)
    targets = rng.normal(size=length if pair.scalar else (length, 2))
    return pair, readout, letters, targets


# ------------------------------------------------------------------ adjoints


@pytest.mark.parametrize(("case", "scalar"), EVERY)
@given(n=st.integers(1, 8), m=st.integers(1, 3), length=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=12, deadline=None)
def test_gradients_are_autograds(case, scalar, n, m, length, seed):
    rng = np.random.default_rng(seed)
    pair, readout, letters, targets = make_case(case, scalar, rng, n, m, length)
    found = loss_gradients(pair.trajectory, readout, targets)
    by_letter, by_state = reference_gradient(pair, letters, targets)

    run = ref.states(*pair.run())
    assert_close(found.losses, pair.losses(pair.params | letters, run, targets))
    weight, bias = (by_letter.pop(k) for k in letters)
    assert_close(found.readout_weight, weight)
    assert_close(found.readout_bias, bias)
    for name, expected in pair.ours(by_letter).items():
        assert_close(found.parameters[name], expected)
    for part, value in found.initial_state.items():
        expected = pairs.part_of(pair, by_state, part)
        assert_close(value, np.squeeze(expected) if pair.scalar else expected)


@pytest.mark.parametrize(("case", "scalar"), EVERY)
@pytest.mark.parametrize("truncation", [1, 2, 5, 6, 50])
def test_truncated_gradients_stop_each_loss_beyond_so_many_steps(case, scalar, truncation):
    pair, readout, letters, targets = make_case(case, scalar, np.random.default_rng(8))

    def total(p):
        # L_t of a net that starts at step t − K from a state that depends on nothing
        found = 0.0
        for t in range(1, 7):
            k = max(t - truncation, 0)
            start = ref.states(pair.net, pair.params, pair.inputs, pair.state)[k]
            run = ref.states(pair.net, p, pair.inputs[k:t], start)
            found = found + pair.losses(p, run[-2:], targets, slice(t - 1, t))[0]
        return found

    expected = grad(total)(pair.params | letters)
    found = loss_gradients(pair.trajectory, readout, targets, truncation=truncation)
    for name, value in pair.ours({k: v for k, v in expected.items() if k not in letters}).items():
        assert_close(found.parameters[name], value)


def test_a_loss_on_the_state_itself_and_on_the_output_at_once():
    rng = np.random.default_rng(9)
    pair = pairs.make_pair("lstm peephole", rng, 3, 2, 5)
    on_c, on_h = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    found = backpropagate(pair.trajectory, output=on_h, state={"c": on_c})
    expected = ref.loss_gradient(
        *pair.run(), lambda run: anp.sum(run[1:, :3] * on_h) + anp.sum(run[1:, 3:] * on_c)
    )
    for name, value in pair.ours(expected).items():
        assert_close(found.parameters[name], value)


@pytest.mark.parametrize(("case", "scalar"), EVERY)
def test_a_grid_of_runs_is_its_runs(case, scalar):
    rng = np.random.default_rng(10)
    grid = [make_case(case, scalar, rng, 2, 2, 4) for _ in range(3)]
    stacked = {k: np.stack([pair.params[k] for pair, *_ in grid]) for k in grid[0][0].params}
    names = grid[0][0].ours(stacked) if not grid[0][0].scalar else None
    values = names or {grid[0][0].names[k]: v.reshape(3) for k, v in stacked.items()}
    cell = type(grid[0][0].trajectory.cell)(**values, **pairs.CASES[case][3])
    inputs = np.stack([pair.trajectory.inputs for pair, *_ in grid])
    start = {
        part: np.stack([np.take(pair.trajectory.states[part], 0, axis=0) for pair, *_ in grid])
        for part in cell.parts
    }
    _, readout, _, targets = grid[0]
    for truncation in (None, 2):
        found = loss_gradients(unroll(cell, inputs, start), readout, targets, truncation=truncation)
        for i, (pair, *_) in enumerate(grid):
            alone = loss_gradients(pair.trajectory, readout, targets, truncation=truncation)
            for name, value in alone.parameters.items():
                assert_close(found.parameters[name][i], value)
            assert_close(found.losses[i], alone.losses)
            assert_close(found.readout_weight[i], alone.readout_weight)


@pytest.mark.parametrize("scalar", [False, True])
@pytest.mark.parametrize(("ahead", "behind"), [("lstm peephole", "gru before"), ("rnn tanh", "lstm")])
def test_a_bidirectional_pair(ahead, behind, scalar):
    rng = np.random.default_rng(16)
    n, m, T = (1, 1, 7) if scalar else (3, 2, 7)
    f, b = (pairs.make_pair(case, rng, n, m, T, scalar=scalar) for case in (ahead, behind))
    letters = {"V_f": rng.normal(size=(2 - scalar, n)), "V_b": rng.normal(size=(2 - scalar, n))}
    letters["c"] = rng.normal(size=2 - scalar)
    targets = rng.normal(size=(T, 2 - scalar))

    def loss(p):
        y = ref.bidirectional_outputs(f.net, b.net, p, f.inputs, 0 * f.state, 0 * b.state, n)
        return 0.5 * anp.sum((y - targets) ** 2)

    params = {"forward": f.params, "backward": b.params, **letters}
    expected = grad(loss)(params)
    squeeze = np.squeeze if scalar else np.asarray
    run = unroll(Bidirectional(forward=f.trajectory.cell, backward=b.trajectory.cell), f.trajectory.inputs)
    found = bidirectional_loss_gradients(
        run,
        Readout(weight=squeeze(letters["V_f"]), bias=squeeze(letters["c"])),
        Readout(weight=squeeze(letters["V_b"])),
        squeeze(targets),
    )
    assert_close(found.losses.sum(), loss(params))
    for name, value in f.ours(expected["forward"]).items():
        assert_close(found.forward.parameters[name], value)
    for name, value in b.ours(expected["backward"]).items():
        assert_close(found.backward.parameters[name], value)
    assert_close(found.readout_weight, squeeze(expected["V_f"]))
    assert_close(found.backward_readout_weight, squeeze(expected["V_b"]))
    assert_close(found.readout_bias, squeeze(expected["c"]))


@pytest.mark.parametrize("case", [case for case in pairs.SCALAR if case in pairs.VECTOR])
@pytest.mark.parametrize("truncation", [None, 3])
def test_a_scalar_cell_is_a_vector_cell_of_one_unit(case, truncation):
    rng = np.random.default_rng(17)
    number = pairs.make_pair(case, rng, length=20, scalar=True)
    unit = pairs.pair_of(case, number.params, number.inputs, number.state)
    readout, targets = Readout(weight=0.8, bias=-0.1), rng.normal(size=20)
    found = loss_gradients(number.trajectory, readout, targets, truncation=truncation)
    wide = Readout(weight=[[0.8]], bias=[-0.1])
    same = loss_gradients(unit.trajectory, wide, targets[:, None], truncation=truncation)
    for name, value in found.parameters.items():
        assert_close(value, np.squeeze(same.parameters[name]))
    for value, theirs in zip(found.initial_state.values(), same.initial_state.values(), strict=True):
        assert_close(value, np.squeeze(theirs))
    assert_close(found.readout_weight, np.squeeze(same.readout_weight))


def test_the_variance_of_a_linear_cells_sensitivity():
    """h_t = λ h_{t−1} + x_t, unit white noise: E(dh/dλ)² = (1 + λ²)/(1 − λ²)³, 263.9 at λ = .9.

    dh/dλ is linear in the inputs, so that its variance is the sum of squares over single impulses.
    """
    cell = ScalarRNN(activation="linear", recurrent_weight=0.9, input_weight=1.0)
    run = unroll(cell, np.eye(500))
    last = np.zeros(500)
    last[-1] = 1.0
    by_impulse = backpropagate(run, state={"S": last}).parameters["recurrent_weight"]
    assert_close(np.sum(by_impulse**2), (1 + 0.81) / (1 - 0.81) ** 3)
    assert round(np.sum(by_impulse**2), 1) == 263.9


def in_high_precision(step, params, inputs, start, readout, target):
    """∂ ½ (W_o h_T + b_2 − Y)² / ∂ every parameter, by central differences with 400 digits."""

    def loss(values):
        state = [mpmath.mpf(s) for s in start]
        for x in inputs:
            state = step(values, state, x)
        return (readout[0] * state[-1] + readout[1] - target) ** 2 / 2

    with mpmath.workdps(400):
        values = {name: mpmath.mpf(value) for name, value in params.items()}
        h = mpmath.mpf(10) ** -80
        return {
            name: float((loss(values | {name: v + h}) - loss(values | {name: v - h})) / (2 * h))
            for name, v in values.items()
        }


def mp_sigma(x):
    return 1 / (1 + mpmath.exp(-x))


def mp_lstm(p, state, x):
    c, h = state
    drive = {
        g: p[f"{g}_weight"] * x + p[f"{g}_recurrent_weight"] * h + p[f"{g}_bias"]
        for g in ("forget", "input_gate", "candidate", "output_gate")
    }
    f = mp_sigma(drive["forget"] + p["forget_peephole"] * c)
    i = mp_sigma(drive["input_gate"] + p["input_gate_peephole"] * c)
    c = f * c + i * mpmath.tanh(drive["candidate"])
    return c, mp_sigma(drive["output_gate"] + p["output_gate_peephole"] * c) * mpmath.tanh(c)


def mp_gru(p, state, x):
    (h,) = state
    z, r = (
        mp_sigma(p[f"{g}_weight"] * x + p[f"{g}_recurrent_weight"] * h + p[f"{g}_bias"])
        for g in ("update", "reset")
    )
    inner = p["candidate_recurrent_weight"] * h + p["candidate_recurrent_bias"]
    new = mpmath.tanh(p["candidate_weight"] * x + p["candidate_bias"] + r * inner)
    return ((1 - z) * h + z * new,)


def mp_rnn(p, state, x):
    return (mpmath.tanh(p["input_weight"] * x + p["recurrent_weight"] * state[0] + p["bias"]),)


@pytest.mark.parametrize(
    ("kind", "options", "step", "start"),
    [
        (ScalarRNN, {}, mp_rnn, (0.3,)),
        (ScalarLSTM, {}, mp_lstm, (0.4, 0.2)),
        (ScalarGRU, {"reset": "after"}, mp_gru, (0.3,)),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 6.0, 25.0])
def test_saturation_costs_no_digit(kind, options, step, start, scale):
    """Gates and candidates up to |u| = 100, against arithmetic with 400 digits."""
    rng = np.random.default_rng(18)
    for _ in range(5):
        params = {name: rng.normal() * scale for name in kind(**options).parameters}
        inputs, target = rng.normal(size=4), rng.normal()
        run = unroll(kind(**params, **options), inputs, dict(zip(kind.parts, start, strict=True)))
        found = loss_gradients(run, Readout(weight=0.9, bias=0.1), [*run.output[:-1] * 0.9 + 0.1, target])
        expected = in_high_precision(step, params, inputs, start, (0.9, 0.1), target)
        for name, value in expected.items():
            np.testing.assert_allclose(found.parameters[name], value, rtol=1e-10, atol=1e-290)


# ------------------------------------------------------------------ terms


@pytest.mark.parametrize("case", ONE_NUMBER)
@given(length=st.integers(1, 12), seed=st.integers(0, 2**32 - 1), data=st.data())
@settings(max_examples=12, deadline=None)
def test_terms_are_error_times_product_times_immediate_partial(case, length, seed, data):
    rng = np.random.default_rng(seed)
    pair, readout, letters, targets = make_case(case, True, rng, length=length)
    t = data.draw(st.integers(1, length))
    terms = step_terms(pair.trajectory, readout, targets, t)
    by_letter, _ = reference_gradient(pair, letters, targets, loss=lambda losses: losses[t - 1])
    for letter, name in {"W_out": "readout_weight", "b_2": "readout_bias"}.items():
        assert_close(terms[name].gradient, by_letter.pop(letter))
        assert terms[name].sources == [t]
    run = ref.states(*pair.run())
    error = -grad(lambda y: anp.sum(pair.losses(pair.params | letters, run, y)))(targets)[t - 1]
    seen = letters["W_out"]
    if "W_og" in pair.params:
        seen = letters["W_out"] * ref.gated_hidden(pair.params, 1.0, pair.inputs[t - 1])
    for letter, expected in by_letter.items():
        found = terms[pair.names[letter]]
        assert_close(found.gradient, np.squeeze(expected))
        assert_close(found.values.sum(), found.gradient)
        assert_close(found.values, found.error_signal * found.product * found.immediate)
        if letter in ("W_og", "b_og"):
            assert found.sources == [t]
            assert_close(found.error_signal, error * letters["W_out"])
            by_gate = grad(lambda p: ref.gated_hidden(p, run[t, 0], pair.inputs[t - 1]))(pair.params)
            assert_close(found.immediate, by_gate[letter])
            continue
        assert found.sources.tolist() == list(range(1, t + 1))
        assert_close(found.error_signal, error * seen)
        for k in range(1, t + 1):
            assert_close(found.product[k - 1], ref.product(*pair.run(), t, k)[0, 0])
            assert_close(found.product_log10[k - 1], np.log10(abs(ref.product(*pair.run(), t, k)[0, 0])))
            # ∂⁺S_k/∂θ: one step from a state k − 1 that is held
            held = ref.state_jacobian(pair.net, pair.params, pair.inputs[k - 1 : k], run[k - 1], letter)
            assert_close(found.immediate[k - 1], held.squeeze())


@pytest.mark.parametrize("case", ONE_NUMBER)
def test_the_table_of_all_terms(case):
    rng = np.random.default_rng(12)
    pair, readout, letters, targets = make_case(case, True, rng, length=9)
    table = all_terms(pair.trajectory, readout, targets)
    by_letter, _ = reference_gradient(pair, letters, targets)
    names = pair.names | {"W_out": "readout_weight", "b_2": "readout_bias"}
    for letter, expected in by_letter.items():
        assert_close(table[names[letter]].gradient, np.squeeze(expected))
    for t in (1, 4, 9):
        row = step_terms(pair.trajectory, readout, targets, t)
        for name in row:
            width = len(row[name].values)
            assert_close(table[name].values[t - 1, :width], row[name].values)
            np.testing.assert_array_equal(table[name].values[t - 1, width:], 0)


def test_terms_of_a_grid_of_weights():
    rng = np.random.default_rng(13)
    weights, inputs, targets = np.linspace(-2, 2, 5)[:, None], rng.normal(size=(3, 6)), rng.normal(size=6)
    readout = Readout(weight=0.7, bias=-0.2)
    cell = ScalarRNN(recurrent_weight=weights, input_weight=0.4, bias=0.1)
    whole = step_terms(unroll(cell, inputs, 0.3), readout, targets, 5)
    tables = all_terms(unroll(cell, inputs, 0.3), readout, targets)
    for i in range(5):
        for j in range(3):
            one = ScalarRNN(recurrent_weight=weights[i, 0], input_weight=0.4, bias=0.1)
            run = unroll(one, inputs[j], 0.3)
            alone, table = step_terms(run, readout, targets, 5), all_terms(run, readout, targets)
            for name in alone:
                assert_close(whole[name].values[i, j], alone[name].values)
                assert_close(tables[name].values[i, j], table[name].values)


def test_three_linear_steps_by_hand():
    W_x, W_s, b_1, W_o, b_2 = 0.5, 0.8, 0.1, 1.5, -0.3
    X, S, Y = [1.0, -2.0, 0.5], [0.25], 0.7
    for x in X:
        S.append(W_x * x + W_s * S[-1] + b_1)
    e = W_o * S[3] + b_2 - Y
    cell = ScalarRNN(activation="linear", recurrent_weight=W_s, input_weight=W_x, bias=b_1)
    terms = step_terms(unroll(cell, X, S[0]), Readout(weight=W_o, bias=b_2), [0.0, 0.0, Y])
    powers = np.array([W_s**2, W_s, 1.0])
    assert_close(terms["readout_weight"].values, [e * S[3]])
    assert_close(terms["readout_bias"].values, [e])
    assert_close(terms["input_weight"].values, e * W_o * powers * X)
    assert_close(terms["recurrent_weight"].values, e * W_o * powers * S[:3])
    assert_close(terms["bias"].values, e * W_o * powers)

    # the same terms, read off their formulas
    letters = {f"{k}_{i}": v for k, seq in (("X", [0, *X]), ("S", S)) for i, v in enumerate(seq)}
    letters |= {"W_o": W_o, "W_s": W_s, "O_3": W_o * S[3] + b_2, "Y_3": Y}
    for name, found in terms.items():
        for source, value in zip(found.sources, found.values, strict=True):
            formula = str(term_formula(cell, name, 3, int(source)))
            python = re.sub(r"\^\{(\d+)\}", r"**\1", formula).replace(r"\, ", " * ")
            assert_close(eval(python, {}, letters), value)


def test_formulas():
    linear, tanh = ScalarRNN(activation="linear"), ScalarRNN(activation="tanh")
    assert str(term_formula(linear, "readout_weight", 3)) == r"(O_3 - Y_3)\, S_3"
    assert str(term_formula(linear, "readout_bias", 3)) == "(O_3 - Y_3)"
    assert term_formula(linear, "input_weight", 3, 1) == (r"(O_3 - Y_3)\, W_o", "W_s^{2}", "X_1")
    assert str(term_formula(linear, "recurrent_weight", 3, 2)) == r"(O_3 - Y_3)\, W_o\, W_s\, S_1"
    assert str(term_formula(linear, "recurrent_weight", 3)) == r"(O_3 - Y_3)\, W_o\, S_2"
    assert str(term_formula(linear, "bias", 12, 1)) == r"(O_{12} - Y_{12})\, W_o\, W_s^{11}"
    assert term_formula(tanh, "input_weight", 3, 1) == (
        r"(O_3 - Y_3)\, W_o",
        r"\tanh'(u_3)\, W_s\, \tanh'(u_2)\, W_s",
        r"\tanh'(u_1)\, X_1",
    )
    assert term_formula(ScalarRNN(activation="sigmoid"), "bias", 1).immediate == r"\sigma'(u_1)"
    gated = GatedCell(state_activation="linear")
    assert term_formula(gated, "forget_weight", 3, 1) == (
        r"(O_3 - Y_3)\, W_o\, o_3",
        r"f_3\, f_2",
        r"f_1(1 - f_1)\, X_1\, S_0",
    )
    assert term_formula(gated, "input_gate_weight", 2).immediate == r"i_2(1 - i_2)\, X_2^2"
    assert str(term_formula(gated, "output_gate_bias", 2)) == r"(O_2 - Y_2)\, W_o\, o_2(1 - o_2)\, S_2"
    assert term_formula(GatedCell(), "forget_bias", 2, 1).product == r"\tanh'(u_2)\, f_2"


def test_the_gated_formulas_are_the_terms():
    rng = np.random.default_rng(14)
    inputs, targets = rng.normal(size=3), rng.normal(size=3)
    for cell in (GatedCell(forget_weight=-0.7, output_gate_bias=0.3), GatedCell(state_activation="linear")):
        run, readout = unroll(cell, inputs, 0.4), Readout(weight=1.3, bias=0.2)
        letters = {"W_o": 1.3, "tanh_": lambda u: 1 - np.tanh(u) ** 2}
        for j in range(4):
            letters[f"S_{j}"] = run.state[j]
            if j:
                S, X = run.state[j - 1], inputs[j - 1]
                f, i, o = (
                    1 / (1 + np.exp(-(getattr(cell, f"{g}_weight") * X + getattr(cell, f"{g}_bias"))))
                    for g in ("forget", "input_gate", "output_gate")
                )
                letters |= {f"f_{j}": f, f"i_{j}": i, f"o_{j}": o, f"X_{j}": X, f"u_{j}": f * S + i * X}
                letters |= {f"O_{j}": 1.3 * o * run.state[j] + 0.2, f"Y_{j}": targets[j - 1]}
        for name, found in step_terms(run, readout, targets).items():
            for source, value in zip(found.sources, found.values, strict=True):
                formula = str(term_formula(cell, name, 3, int(source)))
                python = formula.replace(r"\, ", " * ").replace(r"\tanh'", "tanh_").replace("^2", "**2")
                python = re.sub(r"(\w_\d)\(1 -", r"\1 * (1 -", python)
                assert_close(eval(python, {}, letters), value)


def test_products_that_leave_the_range_of_doubles_are_still_read():
    cell = ScalarRNN(activation="linear", recurrent_weight=[0.01, 4.0], input_weight=0.0)
    terms = step_terms(unroll(cell, np.zeros(1000)), Readout(), np.ones(1000))["recurrent_weight"]
    # S = 0 throughout: every immediate partial is 0, and so is every term, even where the product overflows
    np.testing.assert_array_equal(terms.values, 0)
    assert terms.product[0, 0] == 0
    assert terms.product[1, 0] == np.inf
    np.testing.assert_allclose(terms.product_log10[:, 0], 999 * np.log10([0.01, 4.0]), rtol=1e-13)


def test_a_zero_weight_leaves_the_last_step_alone():
    cell = ScalarRNN(recurrent_weight=0.0, input_weight=0.5)
    terms = step_terms(unroll(cell, np.ones(4)), Readout(), np.zeros(4))["input_weight"]
    np.testing.assert_array_equal(terms.product, [0, 0, 0, 1])
    np.testing.assert_array_equal(terms.product_log10, [-np.inf, -np.inf, -np.inf, 0])
    np.testing.assert_array_equal(terms.values[:3], 0)


def test_saturated_slopes_keep_their_digits():
    """φ′(19.5) is 4.6e-17, where 1 − tanh² is exactly 0."""
    cell = ScalarRNN(recurrent_weight=0.5, input_weight=1.0)
    terms = step_terms(unroll(cell, [19.5]), Readout(), [0.0])["input_weight"]
    np.testing.assert_allclose(terms.immediate, [19.5 / np.cosh(19.5) ** 2], rtol=1e-14)


def test_the_immediate_partial_holds_the_earlier_state():
    """Article 003 drops h_{s−1} instead: with W = .8, h_{s−1} = 1, U x_s = .867 that makes .510 of .133."""
    cell = ScalarRNN(recurrent_weight=0.8, input_weight=0.867)
    held = step_terms(unroll(cell, [1.0], 1.0), Readout(), [0.0])["input_weight"].immediate
    dropped = step_terms(unroll(cell, [1.0], 0.0), Readout(), [0.0])["input_weight"].immediate
    assert (round(held.item(), 3), round(dropped.item(), 3)) == (0.133, 0.510)


# ------------------------------------------------------------------ ∂h_t/∂U


@pytest.mark.parametrize("activation", ref.PHI)
@given(n=st.integers(1, 8), m=st.integers(1, 3), length=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_states_derivative_by_a_weight_matrix(activation, n, m, length, seed):
    rng = np.random.default_rng(seed)
    pair = pairs.make_pair(f"rnn {activation}", rng, n, m, length)
    for letter, name in pair.names.items():
        expected = ref.state_jacobian(*pair.run(), letter)
        found = weight_terms(pair.trajectory, name)
        assert_close(found.total.reshape(expected.shape), expected)
        assert_close(weight_recursion(pair.trajectory, name).reshape(expected.shape), expected)
        tensors = np.einsum(
            "kia,kb->kiab", found.spread, np.broadcast_to(found.signal, (length, found.signal.shape[-1]))
        )
        assert_close(tensors.sum(axis=0), found.total)
        assert_close(10**found.norm_log10, np.sqrt((tensors**2).sum(axis=(1, 2, 3))))


def test_a_term_is_the_product_times_the_immediate_partial():
    rng = np.random.default_rng(15)
    pair = pairs.make_pair("rnn tanh", rng, 3, 2, 6)
    found = weight_terms(pair.trajectory, target=5)
    run = ref.states(*pair.run())
    for k in range(1, 6):
        held = ref.state_jacobian(pair.net, pair.params, pair.inputs[k - 1 : k], run[k - 1], "U")
        term = np.tensordot(ref.product(*pair.run(), 5, k), held, 1)
        assert_close(np.einsum("ia,b->iab", found.spread[k - 1], found.signal[k - 1]), term)
        assert_close(found.norm_log10[k - 1], np.log10(np.linalg.norm(term)))


def test_term_norms_far_below_the_range_of_doubles():
    cell = VectorRNN(
        activation="linear", recurrent_weight=0.01 * np.eye(2), input_weight=np.ones((2, 1)), bias=0
    )
    found = weight_terms(unroll(cell, np.ones((400, 1))))
    np.testing.assert_allclose(found.norm_log10[0], 399 * -2 + np.log10(np.sqrt(2)), rtol=1e-12)
    assert not found.spread[0].any()
    grid = VectorRNN(recurrent_weight=0.5 * np.ones((4, 2, 2)), input_weight=np.ones((2, 1)), bias=0)
    assert weight_terms(unroll(grid, np.ones((7, 1)))).total.shape == (4, 2, 2, 1)
    assert weight_recursion(unroll(grid, np.ones((7, 1)))).shape == (4, 2, 2, 1)


def test_a_term_that_is_exactly_zero():
    cell = VectorRNN(recurrent_weight=np.zeros((2, 2)), input_weight=np.ones((2, 1)), bias=0)
    found = weight_terms(unroll(cell, np.ones((3, 1))))
    assert found.norm_log10[:2].tolist() == [-np.inf, -np.inf]
    assert np.isfinite(found.norm_log10[2])


# ------------------------------------------------------------------ what is refused


def refuses(sentence):
    return pytest.raises(ValueError, match="^" + re.escape(sentence) + "$")


def test_what_is_refused():
    run = unroll(ScalarRNN(), np.ones(4))
    vector = unroll(
        VectorRNN(recurrent_weight=np.eye(2), input_weight=np.ones((2, 1)), bias=0), np.ones((4, 1))
    )
    zeros = np.zeros(4)
    with refuses("step must be an integer from 1 to 4, got 0; the trajectory has 4 steps"):
        step_terms(run, Readout(), zeros, 0)
    with refuses("step must be an integer from 1 to 4, got 5; the trajectory has 4 steps"):
        step_terms(run, Readout(), zeros, 5)
    with refuses("target must be an integer from 1 to 4, got 2.0; the trajectory has 4 steps"):
        weight_terms(vector, target=2.0)
    with refuses("truncation must be an integer from 1 on, got 0; 1 keeps the step's own term alone"):
        loss_gradients(run, Readout(), zeros, truncation=0)
    with refuses("targets must have a shape that broadcasts to (4,), that of the outputs, got (3,)"):
        loss_gradients(run, Readout(), np.zeros(3))
    with refuses("targets must be finite, got nan at step 2"):
        loss_gradients(run, Readout(), [0, np.nan, 0, 0])
    with refuses("output must have a shape that broadcasts to (4, 2), that of the states, got (4, 3)"):
        backpropagate(vector, output=np.ones((4, 3)))
    with refuses("state must name parts of (S), got c"):
        backpropagate(run, state={"c": zeros})
    with refuses("readout weight must have shape (..., q, 2) to fit the 2 units of VectorRNN, got (3,)"):
        loss_gradients(vector, Readout(weight=np.ones(3)), zeros)
    with refuses("readout weight must be finite, got nan; replace or leave out such values"):
        Readout(weight=np.nan)
    with refuses("the sum over source steps is written for VectorRNN, got ScalarRNN"):
        weight_terms(run)
    with refuses("parameter must be one of recurrent_weight, input_weight, bias, got 'U'"):
        weight_terms(vector, "U")
    with refuses("formulas are known for ScalarRNN and GatedCell, got ScalarGRU"):
        term_formula(ScalarGRU(), "update_weight", 3)
    with refuses("source must be a step from 1 to 3, got 4"):
        term_formula(ScalarRNN(), "bias", 3, 4)
    with refuses("readout_weight acts on the output alone, so source must be 3, got 1"):
        term_formula(ScalarRNN(), "readout_weight", 3, 1)
    names = "input_weight, recurrent_weight, bias, readout_weight, readout_bias"
    with refuses(f"parameter must be one of {names}, got 'W_s'"):
        term_formula(ScalarRNN(), "W_s", 3)
    with refuses("terms are those of a state that is one number, got ScalarLSTM; use loss_gradients"):
        step_terms(unroll(ScalarLSTM(), zeros), Readout(), zeros)


def test_a_state_that_overflows():
    cell = ScalarRNN(activation="linear", recurrent_weight=1e200, input_weight=1.0)
    run = unroll(cell, np.ones(4), 1.0)
    with refuses(
        "trajectory must stay finite to be differentiated, its state overflows at step 2; unroll fewer steps"
    ):
        loss_gradients(run, Readout(), np.zeros(4))
    grid = ScalarRNN(activation="linear", recurrent_weight=[0.5, 1e200], input_weight=1.0)
    found = loss_gradients(unroll(grid, np.ones(4), 1.0), Readout(), np.zeros(4)).parameters[
        "recurrent_weight"
    ]
    assert np.isfinite(found[0])
    assert not np.isfinite(found[1])
