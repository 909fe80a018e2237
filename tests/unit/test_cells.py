"""Every cell against autograd through the same equations, and the sentences that refuse what doesn't fit."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import CASES, SCALAR, VECTOR, make_pair, part_of

from gradprod.cells import (
    CELLS,
    Bidirectional,
    GatedCell,
    ScalarGRU,
    ScalarLSTM,
    ScalarMinGRU,
    ScalarRNN,
    VectorGRU,
    VectorLSTM,
    VectorMinGRU,
    VectorRNN,
)
from gradprod.cells.algebra import DIAGONAL
from gradprod.cells.algebra import SCALAR as NUMBERS
from gradprod.cells.algebra import VECTOR as MATRICES
from gradprod.unroll import unroll

KINDS = [(case, False) for case in VECTOR] + [(case, True) for case in SCALAR]
DRAWS = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 4), st.integers(1, 30))
SMALL = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 3), st.integers(1, 8))
SCALES = st.sampled_from([0.3, 1.0, 2.0])


def whole(pair, blocks, t):
    """Jacobian blocks of one step as a matrix in the reference's order of parts."""
    n = pair.n
    order = [part for part in pair.net.blocks if part in pair.trajectory.cell.parts]
    order = order or list(pair.trajectory.cell.parts)
    rows = [[np.reshape(np.asarray(blocks[p + q])[t], (n, n)) for q in order] for p in order]
    return np.block(rows)


def drawn(case, scalar, draw, scale):
    seed, n, m, length = draw
    return make_pair(case, np.random.default_rng(seed), n, m, length, scalar=scalar, scale=scale)


def close(ours, theirs, rtol=1e-10):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * max(1e-30, np.abs(theirs).max(initial=0)))


def test_every_cell_has_a_reference():
    classes = {cls for _, vector, scalar, _ in CASES.values() for cls in (vector, scalar) if cls}
    assert classes == set(CELLS)


@pytest.mark.parametrize(("case", "scalar"), KINDS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(DRAWS, SCALES)
def test_states_follow_the_equations(case, scalar, draw, scale):
    pair = drawn(case, scalar, draw, scale)
    run = ref.states(*pair.run())
    for part, states in pair.trajectory.states.items():
        close(states.reshape(len(run), pair.n), part_of(pair, run, part), 1e-11)


@pytest.mark.parametrize(("case", "scalar"), KINDS)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(DRAWS, SCALES)
def test_step_jacobian_is_autograds(case, scalar, draw, scale):
    pair = drawn(case, scalar, draw, scale)
    cell = pair.trajectory.cell
    blocks = cell.jacobian(cell.partials(pair.trajectory.steps()))
    for t in {1, pair.trajectory.length}:
        close(whole(pair, blocks, t - 1), ref.product(*pair.run(), t, t - 1))


@pytest.mark.parametrize(("case", "scalar"), KINDS)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(DRAWS, SCALES)
def test_adjoint_is_the_transposed_jacobian(case, scalar, draw, scale):
    pair = drawn(case, scalar, draw, scale)
    cell = pair.trajectory.cell
    partials = cell.partials(pair.trajectory.steps())
    blocks = cell.jacobian(partials)
    rng = np.random.default_rng(1)
    after = {part: rng.normal(size=(pair.trajectory.length, *cell.width)) for part in cell.parts}
    before, _ = cell.adjoint(partials, after)
    for q in cell.parts:
        expected = sum(
            np.asarray(blocks[p + q]) * after[p]
            if scalar or not cell.width
            else np.einsum("tij,ti->tj", blocks[p + q], after[p])
            for p in cell.parts
        )
        close(before[q], expected, 1e-12)


@pytest.mark.parametrize(("case", "scalar"), KINDS)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(SMALL, SCALES)
def test_parameter_gradients_are_autograds(case, scalar, draw, scale):
    """Adjoints run backwards, and (∂⁺state_t/∂θ)ᵀ λ_t summed over steps."""
    pair = drawn(case, scalar, draw, scale)
    cell, steps = pair.trajectory.cell, pair.trajectory.steps()
    partials = cell.partials(steps)
    weights = np.random.default_rng(1).normal(size=pair.state.shape)
    now = {part: np.reshape(part_of(pair, weights, part), cell.width) for part in cell.parts}
    into = []
    for t in reversed(range(pair.trajectory.length)):
        now, d = cell.adjoint({name: array[t] for name, array in partials.items()}, now)
        into.insert(0, d)
    into = {name: np.stack([d[name] for d in into]) for name in into[0]}
    terms, sums = cell.parameter_vjp(steps, into), cell.parameter_sum(steps, into)
    letters = {name: letter for letter, name in pair.names.items()}
    ours, theirs = [], []
    for name in cell.parameters:
        close(sums[name], terms[name].sum(axis=0), 1e-12)
        if letters.get(name) in pair.params:
            jacobian = ref.state_jacobian(*pair.run(), letters[name])
            ours.append(np.ravel(terms[name].sum(axis=0)))
            theirs.append(np.ravel(np.tensordot(weights, jacobian, axes=1)))
        else:  # of the output alone, or left at 0
            assert name.startswith("output_gate") or not cell.parameters[name].any()
    close(np.concatenate(ours), np.concatenate(theirs))  # beside the largest: 1 − z has lost digits in theirs


@pytest.mark.parametrize(("case", "scalar"), KINDS)
def test_input_adjoint_is_autograds(case, scalar, rng):
    pair = make_pair(case, rng, 3, 2, 1, scalar=scalar)
    cell = pair.trajectory.cell
    partials = cell.partials(pair.trajectory.steps())
    weights = rng.normal(size=pair.state.shape)
    after = {part: np.reshape(part_of(pair, weights, part), (1, *cell.width)) for part in cell.parts}
    ours = cell.input_adjoint(partials, cell.adjoint(partials, after)[1])
    theirs = ref.jacobian(lambda x: ref.states(pair.net, pair.params, x, pair.state)[-1])(pair.inputs)
    close(np.ravel(ours), np.ravel(np.tensordot(weights, theirs, axes=1)))


@pytest.mark.parametrize("case", [case for case in VECTOR if CASES[case][2]])
@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), SCALES)
def test_scalar_is_vector_with_one_unit(case, seed, scale):
    """Step, partials, Jacobian, adjoint and parameter terms of both."""
    vector = make_pair(case, np.random.default_rng(seed), 1, 1, 10, scale=scale).trajectory
    scalar = make_pair(case, np.random.default_rng(seed), 1, 1, 10, scale=scale, scalar=True).trajectory
    for a, b in zip(vector.states.values(), scalar.states.values(), strict=True):
        np.testing.assert_allclose(a[:, 0], b, rtol=1e-12, atol=1e-15)
    each = []
    for run in (vector, scalar):
        cell, steps = run.cell, run.steps()
        partials = cell.partials(steps)
        blocks = cell.jacobian(partials)
        before, d = cell.adjoint(partials, {part: np.ones((10, *cell.width)) for part in cell.parts})
        each.append([*blocks.values(), *before.values(), *cell.parameter_vjp(steps, d).values()])
    for a, b in zip(*each, strict=True):
        np.testing.assert_allclose(np.reshape(a, np.shape(b)), b, rtol=1e-11, atol=1e-14)


def test_the_gated_cell_shows_o_times_s(rng):
    pair = make_pair("gated tanh", rng, length=5)
    run = pair.trajectory
    cell, partials = run.cell, run.cell.partials(run.steps())
    close(
        run.output,
        [ref.gated_hidden(pair.params, s, x) for s, x in zip(run.state[1:], pair.inputs, strict=True)],
    )
    state, into = cell.output_adjoint(partials, np.ones(5))
    o = ref.sigma(pair.params["W_og"] * pair.inputs + pair.params["b_og"])
    close(state["S"], o)
    close(into["o"], run.state[1:] * o * (1 - o))


@pytest.mark.parametrize("case", ["lstm", "gru before", "rnn tanh"])
def test_other_cells_show_their_last_part(case, rng):
    run = make_pair(case, rng, 3, 2, 5).trajectory
    np.testing.assert_array_equal(run.output, run.states["h"][1:])
    state, into = run.cell.output_adjoint({}, np.ones((5, 3)))
    assert into == {}
    assert {part: float(array.sum()) for part, array in state.items()} == dict.fromkeys(state, 0.0) | {
        "h": 15.0
    }


@pytest.mark.parametrize("cls", CELLS)
def test_leading_axes_are_that_many_cells(cls, rng):
    """A grid of cells on a batch of inputs, against each cell on each input alone."""
    n, m, T = 3, 2, 7
    size = {"n": n, "m": m}
    axes = cls.algebra.axes

    def shape(of):
        letters = ("n" if of in ("1", "c", "new c") else "nm" if of == "x" else "nn") if axes else ""
        return tuple(size[letter] for letter in letters)

    values = {name: rng.normal(size=(4, 1, *shape(of))) for name, (_, of) in cls.enters.items()}
    values.pop("candidate_recurrent_bias", None)
    x = rng.normal(size=(5, T, m) if axes else (5, T))
    grid = unroll(cls(**values), x)
    for part, states in grid.states.items():
        assert states.shape == (4, 5, T + 1, *grid.cell.width)
        for i in range(4):
            cell = cls(**{name: value[i, 0] for name, value in values.items()})
            for j in range(5):
                np.testing.assert_allclose(
                    states[i, j], unroll(cell, x[j]).states[part], rtol=1e-12, atol=1e-15
                )
    blocks = grid.cell.jacobian(grid.cell.partials(grid.steps()))
    one = unroll(cls(**{name: value[2, 0] for name, value in values.items()}), x[3])
    for name, block in one.cell.jacobian(one.cell.partials(one.steps())).items():
        full = np.broadcast_to(blocks[name], (T, 4, 5, *np.shape(block)[1:]))
        np.testing.assert_allclose(full[:, 2, 3], block, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("cls", CELLS)
@pytest.mark.parametrize("bias", [-900.0, -40.0, 0.0, 40.0, 900.0])
def test_saturated_and_zero_cells_stay_finite(cls, bias):
    weights = (
        {}
        if cls.algebra.axes == 0
        else {name: np.zeros(2) for name, (_, of) in cls.enters.items() if of == "1"}
    )
    values = weights | {
        name: np.full_like(weights.get(name, np.zeros(())), bias)
        for name, (_, of) in cls.enters.items()
        if of == "1"
    }
    values.pop("candidate_recurrent_bias", None)
    run = unroll(cls(**values), np.ones((6, 1) if cls.algebra.axes else 6), 0.5)
    partials = run.cell.partials(run.steps())
    for array in [*run.states.values(), *partials.values(), *run.cell.jacobian(partials).values()]:
        assert np.isfinite(array).all()


def test_gate_slopes_keep_their_digits_in_saturation():
    """1 − f at b_f = 40 is 4e-18: f (1 − f) computed from f would be 0."""
    run = unroll(
        ScalarLSTM(forget_bias=40.0, forget_weight=0.0, forget_recurrent_weight=0.0),
        np.ones(2),
        {"c": 0.5, "h": 0.0},
    )
    slope = run.cell.partials(run.steps())["f"][0] / 0.5
    assert slope == pytest.approx(np.exp(-40) / (1 + np.exp(-40)) ** 2, rel=1e-14)


def test_peepholes_may_be_matrices(rng):
    diagonal = {
        name: rng.normal(size=3)
        for name in ("forget_peephole", "input_gate_peephole", "output_gate_peephole")
    }
    rest = {"candidate_weight": rng.normal(size=(3, 2)), "forget_recurrent_weight": rng.normal(size=(3, 3))}
    x = rng.normal(size=(5, 2))
    a = unroll(VectorLSTM(**diagonal, **rest), x)
    b = unroll(VectorLSTM(peepholes="matrix", **{k: np.diag(v) for k, v in diagonal.items()}, **rest), x)
    for part in "ch":
        np.testing.assert_allclose(a.states[part], b.states[part], rtol=1e-14)
    for name, block in a.cell.jacobian(a.cell.partials(a.steps())).items():
        np.testing.assert_allclose(
            block, b.cell.jacobian(b.cell.partials(b.steps()))[name], rtol=1e-13, atol=1e-16
        )


def test_min_gru_is_the_gru_that_ignores_its_state(rng):
    shared = {
        k: rng.normal(size=(3, 2) if k.endswith("weight") else 3)
        for k in ("update_weight", "update_bias", "candidate_weight", "candidate_bias")
    }
    x = rng.normal(size=(6, 2))
    np.testing.assert_allclose(
        unroll(VectorMinGRU(**shared), x).state, unroll(VectorGRU(**shared), x).state, rtol=1e-14
    )


def test_parameters_are_kept_as_they_were_given():
    weight = np.eye(2)
    cell = VectorRNN(recurrent_weight=weight)
    weight[0, 0] = 7
    assert cell.recurrent_weight[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        cell.recurrent_weight[0, 0] = 7
    with pytest.raises(FrozenInstanceError):
        cell.bias = 1
    assert replace(ScalarRNN(), bias=2.0).bias == 2
    assert cell.width == (2,)
    assert cell.input_width == (1,)
    assert ScalarRNN(bias=[1.0, 2.0]).leading == (2,)
    assert set(cell.parameters) == {"recurrent_weight", "input_weight", "bias"}


def test_an_algebra_is_what_it_says(rng):
    W, v, d = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3)
    np.testing.assert_allclose(MATRICES.apply(W, v), W @ v)
    np.testing.assert_allclose(MATRICES.apply(np.stack([W, W.T]), v), [W @ v, W.T @ v])
    np.testing.assert_allclose(MATRICES.apply_transposed(np.stack([W, W.T]), v), [W.T @ v, W @ v])
    np.testing.assert_allclose(MATRICES.scale(d, W), np.diag(d) @ W)
    np.testing.assert_allclose(MATRICES.compose(W, W), W @ W)
    for operation in (DIAGONAL.apply, DIAGONAL.apply_transposed):
        np.testing.assert_allclose(operation(d, v), np.diag(d) @ v)
    np.testing.assert_allclose(DIAGONAL.scale(d, v), np.diag(d) @ np.diag(v))
    np.testing.assert_allclose(DIAGONAL.compose(d, W), np.diag(d) @ W)
    assert NUMBERS.apply(2.0, 3.0) == NUMBERS.scale(2.0, 3.0) == NUMBERS.outer(2.0, 3.0) == 6


REFUSED = [
    (
        lambda: ScalarRNN(activation="relu"),
        "activation must be one of 'linear', 'tanh', 'sigmoid', got 'relu'",
    ),
    (lambda: ScalarRNN(bias="much"), "bias must be numbers, got 'much'; give an array of them"),
    (lambda: ScalarRNN(bias=np.nan), "bias must be finite, got nan; replace or leave out such values"),
    (lambda: ScalarRNN(bias=[0, 1, np.inf]), "bias must be finite, got inf at index 2; replace"),
    (
        lambda: VectorRNN(recurrent_weight=[[0, np.nan], [0, 0]]),
        r"recurrent_weight must be finite, got nan at index \(0, 1\)",
    ),
    (
        lambda: ScalarRNN(recurrent_weight=np.ones(3), bias=np.ones(4)),
        r"bias with leading axes \(4,\) does not broadcast with recurrent_weight with leading axes \(3,\); "
        "give each an axis of its own, of length 1 in the other",
    ),
    (
        lambda: VectorRNN(),
        "VectorRNN must be given a weight matrix or a bias vector: they say how many units it has",
    ),
    (
        lambda: VectorRNN(recurrent_weight=np.ones((3, 4))),
        r"recurrent_weight must have shape \(..., 3, 3\), got \(3, 4\)",
    ),
    (
        lambda: VectorRNN(recurrent_weight=np.eye(3), bias=np.ones(4)),
        r"bias must have shape \(..., 3\) to fit recurrent_weight of shape \(3, 3\), got \(4,\)",
    ),
    (
        lambda: VectorRNN(recurrent_weight=np.eye(3), input_weight=np.ones((2, 3))),
        r"input_weight must have shape \(..., 3, 3\) to fit recurrent_weight of shape \(3, 3\), got \(2, 3\)",
    ),
    (
        lambda: VectorRNN(recurrent_weight=0.5, bias=np.ones(3)),
        r"recurrent_weight must have shape \(..., 3, 3\) to fit bias of shape \(3,\), got \(\)",
    ),
    (
        lambda: VectorLSTM(forget_weight=np.ones((3, 2)), candidate_weight=np.ones((3, 4))),
        r"candidate_weight must have shape \(..., 3, 2\) to fit forget_weight of shape \(3, 2\), "
        r"got \(3, 4\)",
    ),
    (
        lambda: VectorLSTM(forget_bias=np.ones(3), peepholes="full"),
        "peepholes must be 'diagonal' or 'matrix', got 'full'",
    ),
    (
        lambda: GatedCell(state_activation="relu"),
        "state_activation must be one of 'linear', 'tanh', 'sigmoid', got 'relu'; choose one of them",
    ),
    (lambda: ScalarGRU(reset="never"), "reset must be 'before' or 'after', got 'never'"),
    (
        lambda: ScalarGRU(candidate_recurrent_bias=1.0),
        "candidate_recurrent_bias must be 0 with reset='before'; there it adds to candidate_bias",
    ),
    (
        lambda: Bidirectional(forward=ScalarRNN(), backward=VectorRNN(bias=[0.0])),
        "forward and backward must be both scalar or both vector cells, got ScalarRNN and VectorRNN",
    ),
    (
        lambda: Bidirectional(
            forward=VectorRNN(input_weight=np.ones((2, 3))), backward=VectorRNN(input_weight=np.ones((2, 4)))
        ),
        r"forward and backward must take inputs of the same width, got \(3,\) and \(4,\)",
    ),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_with_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def test_defaults_are_whole_cells():
    for cls in CELLS:
        if cls.algebra.axes == 0:
            assert unroll(cls(), np.ones(3)).length == 3
    assert ScalarMinGRU().leading == ()
