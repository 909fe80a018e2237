"""The four terms of one step, against autograd and written out once more."""

import re

import autograd.numpy as anp
import mpmath
import numpy as np
import pairs
import pytest
import reference as ref
from autograd import jacobian
from hypothesis import given, settings
from hypothesis import strategies as st

from gradprod.analysis.terms import (
    CELL_SLOPE_AT,
    CELL_SLOPE_BOUND,
    cell_slope,
    gru_terms,
    lstm_terms,
    term_bounds,
)
from gradprod.cells import ScalarLSTM, ScalarMinGRU, ScalarRNN, VectorLSTM, VectorMinGRU
from gradprod.unroll import unroll

LSTMS = [("lstm", False), ("lstm peephole", False), ("lstm peephole matrix", False)]
LSTMS += [("lstm", True), ("lstm peephole", True)]
GRUS = [(case, scalar) for case in ("gru before", "gru after", "min gru") for scalar in (False, True)]


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-14)


def by_hand(pair, t):
    """The four terms at step t with autograd for every ∂, h_{t−1} = o_{t−1} tanh(c_{t−1}) moving along."""
    p, n = pair.params, pair.n
    run = ref.states(*pair.run())
    h_before = run[t - 2][:n]
    x_before, x = pair.inputs[t - 2], pair.inputs[t - 1]
    c = run[t - 1][n:]

    def hidden(c):
        u = anp.dot(p["W_o"], x_before) + anp.dot(p["U_o"], h_before) + p["b_o"]
        return ref.sigma(u + ref._peep(p, "o", c)) * ref.PHI["tanh"](c)

    def drive(gate, c):
        return anp.dot(p[f"W_{gate}"], x) + anp.dot(p[f"U_{gate}"], hidden(c)) + p[f"b_{gate}"]

    gates = {
        "f": lambda c: ref.sigma(drive("f", c) + ref._peep(p, "f", c)),
        "i": lambda c: ref.sigma(drive("i", c) + ref._peep(p, "i", c)),
        "c": lambda c: ref.PHI["tanh"](drive("c", c)),
    }
    value = {name: gate(c) for name, gate in gates.items()}
    slope = {name: jacobian(gate)(c) for name, gate in gates.items()}
    return {
        "keep": np.diag(value["f"]),
        "forget_gate": np.diag(c) @ slope["f"],
        "input_gate": np.diag(value["c"]) @ slope["i"],
        "candidate": np.diag(value["i"]) @ slope["c"],
    }


@pytest.mark.parametrize(("case", "scalar"), LSTMS)
@given(n=st.integers(1, 8), length=st.integers(2, 30), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_four_terms_of_an_lstm(case, scalar, n, length, seed):
    pair = pairs.make_pair(case, np.random.default_rng(seed), n, 2, length, scalar=scalar)
    found = lstm_terms(pair.trajectory)
    assert found.steps.tolist() == list(range(2, length + 1))
    assert list(found.terms) == ["keep", "forget_gate", "input_gate", "candidate"]
    close(sum(found.terms.values()), found.total)
    t = int(np.random.default_rng(seed).integers(2, length + 1))
    for name, expected in by_hand(pair, t).items():
        close(found.terms[name][t - 2], np.squeeze(expected) if scalar else expected)
    expected = ref.carried_cell_jacobian(*pair.run(), t, t - 1)
    close(found.total[t - 2], np.squeeze(expected) if scalar else expected)


@pytest.mark.parametrize(("case", "scalar"), GRUS)
@given(n=st.integers(1, 8), length=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_the_four_terms_of_a_gru(case, scalar, n, length, seed):
    pair = pairs.make_pair(case, np.random.default_rng(seed), n, 2, length, scalar=scalar)
    found = gru_terms(pair.trajectory)
    assert list(found.terms) == ["keep", "old_state", "candidate", "new_state"]
    assert found.steps.tolist() == list(range(1, length + 1))
    close(sum(found.terms.values()), found.total)
    run, product = ref.states(*pair.run()), np.eye(pair.n)
    for t in range(1, length + 1):
        product = np.reshape(found.total[t - 1], (pair.n, pair.n)) @ product
    close(product, ref.product(*pair.run(), length, 0))

    t = int(np.random.default_rng(seed).integers(1, length + 1))
    p, x, h = pair.params, pair.inputs[t - 1], run[t - 1]
    gated = "U_z" in p

    def z(h):
        return ref.sigma(anp.dot(p["W_z"], x) + (anp.dot(p["U_z"], h) if gated else 0 * h) + p["b_z"])

    def candidate(h):  # a step with z = 1 shows it
        shut = p | {"W_z": 0 * p["W_z"], "b_z": 0 * p["b_z"] + 1e3} | ({"U_z": 0 * p["U_z"]} if gated else {})
        return pair.net.step(shut, h, x)

    value, slope, new = z(h), jacobian(z)(h), jacobian(candidate)(h)
    expected = {
        "keep": np.diag(1 - value),
        "old_state": -np.diag(h) @ slope,
        "candidate": np.diag(value) @ new,
        "new_state": np.diag(candidate(h)) @ slope,
    }
    for name, matrix in expected.items():
        close(found.terms[name][t - 1], np.squeeze(matrix) if scalar else matrix)


@pytest.mark.parametrize(
    ("case", "terms", "first"), [("lstm peephole", lstm_terms, 2), ("gru after", gru_terms, 1)]
)
def test_a_range_of_steps_and_a_scalar_cell_against_one_unit(case, terms, first):
    pair = pairs.make_pair(case, np.random.default_rng(2), length=9, scalar=True)
    whole = terms(pair.trajectory)
    part = terms(pair.trajectory, first=4, last=6)
    assert part.steps.tolist() == [4, 5, 6]
    np.testing.assert_array_equal(part.total, whole.total[4 - first : 7 - first])
    unit = pairs.pair_of(case, pair.params, pair.inputs, pair.state)
    for name, array in terms(unit.trajectory).terms.items():
        close(array[:, 0, 0], whole.terms[name])


def test_terms_of_a_grid():
    cell = ScalarLSTM(
        forget_bias=np.linspace(-1, 3, 5)[:, None], forget_peephole=0.3, output_gate_peephole=-0.4
    )
    inputs = np.random.default_rng(3).normal(size=(2, 6))
    grid = lstm_terms(unroll(cell, inputs))
    assert grid.total.shape == (5, 2, 5)
    for i, bias in enumerate(np.linspace(-1, 3, 5)):
        one = ScalarLSTM(forget_bias=bias, forget_peephole=0.3, output_gate_peephole=-0.4)
        for j in range(2):
            alone = lstm_terms(unroll(one, inputs[j]))
            for name in alone.terms:
                close(grid.terms[name][i, j], alone.terms[name])


def test_peepholes_make_the_direct_path_more_than_f():
    """∂c_t/∂c_{t−1} with h held is f + c f(1−f) p_f + ĉ i(1−i) p_i: not f alone (article 004)."""
    cell = ScalarLSTM(forget_peephole=0.8, input_gate_peephole=-0.6)
    run = unroll(cell, np.random.default_rng(4).normal(size=5), {"c": 0.9, "h": 0.3})
    f, i, new = (run.gates[name] for name in ("f", "i", "candidate"))
    c = run.states["c"][:-1]
    held = cell.jacobian(cell.partials(run.steps()))["cc"]
    close(held, f + c * f * (1 - f) * 0.8 + new * i * (1 - i) * -0.6)
    assert np.abs(held - f).max() > 0.05


# ------------------------------------------------------------------ bounds


def test_the_bound_on_c_times_its_slope():
    mpmath.mp.dps = 30
    at = mpmath.findroot(lambda c: 2 * c * mpmath.tanh(c) - 1, 0.77)
    assert float(at) == CELL_SLOPE_AT
    np.testing.assert_allclose(CELL_SLOPE_BOUND, float(at * (1 - mpmath.tanh(at) ** 2)), rtol=1e-15)
    assert (round(CELL_SLOPE_AT, 6), round(CELL_SLOPE_BOUND, 6)) == (0.771702, 0.447743)


def test_where_a_run_touches_the_bound():
    # an integrator: c grows by tanh(b_c) = ¼ a step on its way past ±0.77
    biases = {"forget_bias": 40.0, "input_gate_bias": 40.0, "candidate_bias": np.arctanh(0.25)}
    cell = ScalarLSTM(**dict.fromkeys(ScalarLSTM().parameters, 0.0) | biases)
    run = unroll(cell, np.zeros(8), {"c": -1.0, "h": 0.0})
    found = cell_slope(run)
    c = -1 + 0.25 * np.arange(9)
    close(found.values, np.abs(c) / np.cosh(c) ** 2)
    assert found.step == 1  # c = −0.75, before c = 0.75 at step 7
    assert found.touches.tolist() == [abs(x) == 0.75 for x in c]
    assert found.largest < CELL_SLOPE_BOUND
    assert cell_slope(run, share=0.5).touches.tolist() == [abs(x) >= 0.25 for x in c]
    vector = VectorLSTM(**{name: [value, 0.0] for name, value in biases.items()})
    both = cell_slope(unroll(vector, np.zeros((8, 1)), {"c": [-1.0, 5.0], "h": 0.0}))
    close(both.values[:, 0], found.values)
    assert both.largest.shape == ()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_no_term_passes_its_bound(seed):
    rng = np.random.default_rng(seed)
    values = {name: rng.normal() * 4 for name in ScalarLSTM().parameters if not name.endswith("peephole")}
    run = unroll(ScalarLSTM(**values), rng.normal(size=40), {"c": rng.normal() * 3, "h": rng.uniform(-1, 1)})
    assert (cell_slope(run).values <= CELL_SLOPE_BOUND).all()
    bounds = term_bounds(run.cell)
    for name, array in lstm_terms(run).terms.items():
        assert (np.abs(array) <= bounds[name] * (1 + 1e-12)).all()


def test_the_bounds_are_the_least_ones():
    """Suprema .112 |U_f|, .25 |U_i|, 1 · |U_c|: a state put where a term is largest comes within 1e-6."""

    def largest(term, c, second):
        # step 1 makes c_1 = c and opens the output gate; step 2 has the biases given, by an input of its own
        first = {"input_gate": 40.0, "output_gate": 40.0, "candidate": np.arctanh(c), "forget": 0.0}
        cell = ScalarLSTM(
            **dict.fromkeys(ScalarLSTM().parameters, 0.0)
            | {f"{gate}_bias": bias for gate, bias in first.items()}
            | {f"{gate}_weight": bias - first[gate] for gate, bias in second.items()}
            | {f"{term.removesuffix('_gate') if term == 'forget_gate' else term}_recurrent_weight": 1e-9}
        )
        run = unroll(cell, [0.0, 1.0])
        return np.abs(lstm_terms(run).terms[term][0]) / 1e-9, term_bounds(cell)[term] / 1e-9

    for term, c, second, expected in (
        ("forget_gate", CELL_SLOPE_AT, {}, 0.447743 / 4),
        ("input_gate", 1e-4, {"input_gate": 0.0, "candidate": 40.0}, 0.25),
        ("candidate", 1e-4, {"candidate": 0.0}, 1.0),
    ):
        found, bound = largest(term, c, second)
        np.testing.assert_allclose(found, expected, rtol=2e-6)
        np.testing.assert_allclose(found, bound, rtol=1e-6)


# ------------------------------------------------------------------ what is refused


def refuses(sentence):
    return pytest.raises(ValueError, match="^" + re.escape(sentence) + "$")


def test_what_is_refused():
    lstm, gru = unroll(ScalarLSTM(), np.zeros(4)), unroll(ScalarMinGRU(), np.zeros(4))
    with refuses("lstm_terms needs a run of ScalarLSTM or VectorLSTM, got ScalarMinGRU"):
        lstm_terms(gru)
    with refuses(
        "gru_terms needs a run of ScalarGRU or VectorGRU or ScalarMinGRU or VectorMinGRU, got ScalarLSTM"
    ):
        gru_terms(lstm)
    with refuses("cell_slope needs a run of ScalarLSTM or VectorLSTM, got ScalarMinGRU"):
        cell_slope(gru)
    with refuses("first must be a step from 2 to 4, got 1"):
        lstm_terms(lstm, first=1)
    with refuses("last must be a step from 3 to 4, got 2"):
        lstm_terms(lstm, first=3, last=2)
    with refuses("first must be a step from 1 to 4, got 5"):
        gru_terms(gru, first=5)
    with refuses("trajectory must have at least 2 steps, got 1"):
        lstm_terms(unroll(ScalarLSTM(), [0.0]))
    with refuses("share must be above 0 and at most 1, got 0"):
        cell_slope(lstm, share=0)
    with refuses("term_bounds needs a ScalarLSTM, got ScalarRNN"):
        term_bounds(ScalarRNN())
    with refuses("forget_peephole must be 0, got 0.5; with peepholes the terms have no bound"):
        term_bounds(ScalarLSTM(forget_peephole=0.5))


def test_a_min_gru_keeps_alone():
    found = gru_terms(unroll(VectorMinGRU(update_bias=[0.0, 1.0]), np.zeros((3, 1)), [0.2, 0.4]))
    for name in ("old_state", "candidate", "new_state"):
        np.testing.assert_array_equal(found.terms[name], np.zeros((3, 2, 2)))
