"""Gradient products against autograd, big numbers, exact integers, closed forms and published values."""

import warnings
from math import log, prod

import mpmath as mp
import numpy as np
import pytest
import reference as ref
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import SCALAR, VECTOR, make_pair

from gradprod.cells import (
    Bidirectional,
    GatedCell,
    ScalarGRU,
    ScalarLSTM,
    ScalarMinGRU,
    ScalarRNN,
    VectorLSTM,
    VectorRNN,
)
from gradprod.products import (
    Factors,
    block,
    bound,
    gradient_product,
    influence_map,
    linear_rate,
    log_product,
    lyapunov_exponents,
    matrix_product,
    norm,
    product_map,
    product_windows,
    singular_values,
    spectral_radius,
    step_factors,
    vector_product,
    whole_product,
)
from gradprod.unroll import unroll

KINDS = [(case, False) for case in VECTOR] + [(case, True) for case in SCALAR]
ONE_NUMBER = [case for case in SCALAR if not case.startswith("lstm")]
LINEAR = {"activation": "linear", "input_weight": 0.0}
LONG = 100_000


def plain(product):
    """Matrices of a product in full, where they fit a float64; lag first."""
    full = product.matrix * np.exp2(product.exponent.astype(float))[..., None, None]
    return np.moveaxis(full, -3, 0)


def value(product):
    return product.sign * 10**product.log10


def reordered(pair, matrix):
    """From the reference's order of parts, h then c, to ours."""
    order = [
        pair.net.blocks.index(part) if part in pair.net.blocks else 0 for part in pair.trajectory.cell.parts
    ]
    index = np.concatenate([np.arange(k * pair.n, (k + 1) * pair.n) for k in order])
    return matrix[np.ix_(index, index)]


def close(ours, theirs, rtol=1e-10):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * np.abs(theirs).max(initial=0))


# ---- against autograd ----


@pytest.mark.parametrize(("case", "scalar"), KINDS)
@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 30), st.data())
def test_products_are_autograds_from_any_source_to_any_target(case, scalar, seed, n, length, data):
    pair = make_pair(case, np.random.default_rng(seed), n, 2, length, scalar=scalar)
    t = data.draw(st.integers(0, length))
    k = data.draw(st.integers(0, t))
    exact = reordered(pair, ref.product(*pair.run(), t, k)) if t > k else np.eye(len(pair.state))
    back = matrix_product(pair.trajectory, source=k, target=t)
    close(plain(back)[t - k], exact)
    close(plain(matrix_product(pair.trajectory, source=k))[t - k], exact)
    close(plain(matrix_product(pair.trajectory, target=t))[t - k], exact)
    if case in ONE_NUMBER and not pair.trajectory.cell.width:
        for product in (
            gradient_product(pair.trajectory, source=k, target=t),
            gradient_product(pair.trajectory, source=k),
            gradient_product(pair.trajectory, target=t),
        ):
            close(value(product)[t - k], exact[0, 0])


@pytest.mark.parametrize(("case", "scalar"), KINDS)
def test_a_backward_pass_gives_one_row_of_the_product(case, scalar, rng):
    run = make_pair(case, rng, 3, 2, 12, scalar=scalar).trajectory
    weights = {part: rng.normal(size=run.cell.width) for part in run.cell.parts}
    rows = vector_product(run, weights, target=10)
    flat = np.concatenate([np.ravel(weights[part]) for part in run.cell.parts])
    expected = flat @ plain(matrix_product(run, target=10))
    ours = np.concatenate([np.reshape(rows.vector[part], (11, -1)) for part in run.cell.parts], axis=1)
    close(ours * np.exp2(rows.exponent)[:, None], expected, 1e-12)


@pytest.mark.parametrize(("case", "scalar"), KINDS)
def test_the_whole_product_is_the_longest_lag(case, scalar, rng):
    pair = make_pair(case, rng, 3, 2, 12, scalar=scalar)
    run = pair.trajectory
    start = {
        part: states[..., 0] if scalar or not run.cell.width else states[0]
        for part, states in run.states.items()
    }
    whole = whole_product(run.cell, run.inputs, start)
    close(plain(whole)[0], reordered(pair, ref.product(*pair.run(), 12, 0)))


def test_a_grid_of_lstms_is_each_one_alone(rng):
    """The entry-by-entry layout of large grids beside BLAS on single runs, all blocks and both directions."""
    rows, columns = rng.normal(size=(5, 1)), rng.normal(size=6)
    cell = ScalarLSTM(forget_bias=columns, candidate_recurrent_weight=rows, forget_peephole=0.4)
    x = rng.normal(size=40)
    run = unroll(cell, x)
    both = matrix_product(run), matrix_product(run, source=0)
    whole = whole_product(cell, x)
    for i, j in [(0, 0), (4, 5), (2, 3)]:
        alone = ScalarLSTM(forget_bias=columns[j], candidate_recurrent_weight=rows[i, 0], forget_peephole=0.4)
        one = matrix_product(unroll(alone, x)), matrix_product(unroll(alone, x), source=0)
        for grid, single in zip(both, one, strict=True):
            for name in ("cc", "ch", "hc", "hh"):
                ours, theirs = block(grid, name), block(single, name)
                np.testing.assert_array_equal(ours.sign[i, j], theirs.sign)
                np.testing.assert_allclose(ours.log10[i, j, 1:], theirs.log10[1:], rtol=1e-9, atol=1e-11)
            for kind in ("fro", 2):
                np.testing.assert_allclose(norm(grid, kind)[i, j], norm(single, kind), rtol=0, atol=1e-11)
        np.testing.assert_allclose(norm(whole)[i, j, 0], norm(one[0])[-1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("kind", ["scalar", "vector", "LSTM"])
def test_the_map_between_all_pairs_of_steps(kind, rng):
    if kind == "scalar":
        run = unroll(ScalarRNN(recurrent_weight=[0.5, -2.0]), rng.normal(size=9))
    elif kind == "vector":
        run = unroll(
            VectorRNN(recurrent_weight=rng.normal(size=(2, 3, 3))), np.zeros((9, 1)), rng.normal(size=3)
        )
    else:
        run = unroll(ScalarLSTM(forget_bias=[0.0, 2.0]), rng.normal(size=9))
    table = product_map(run)
    assert table.shape == (2, 10, 10)
    for t in range(10):
        np.testing.assert_allclose(
            table[:, t, : t + 1][:, ::-1], norm(matrix_product(run, target=t)), atol=1e-13
        )
        assert (table[:, t, t + 1 :] == -np.inf).all()


@pytest.mark.parametrize(
    ("forward", "backward"), [("lstm", "rnn tanh"), ("gru after", "lstm peephole"), ("min gru", "gru before")]
)
def test_what_each_input_does_to_each_output_of_a_pair(forward, backward, rng):
    n, m, T, q = 3, 2, 6, 2
    ahead, behind = make_pair(forward, rng, n, m, T), make_pair(backward, rng, n, m, T)
    x, V_f, V_b = ahead.inputs, rng.normal(size=(q, n)), rng.normal(size=(q, n))
    pair = Bidirectional(forward=ahead.trajectory.cell, backward=behind.trajectory.cell)
    ours = influence_map(unroll(pair, x), V_f, V_b)
    params = {"forward": ahead.params, "backward": behind.params, "V_f": V_f, "V_b": V_b, "c": np.zeros(q)}
    zeros = np.zeros_like(ahead.state), np.zeros_like(behind.state)
    exact = ref.bidirectional_map(ahead.net, behind.net, params, x, *zeros, n)
    np.testing.assert_allclose(ours, np.log10(np.linalg.norm(exact, axis=(1, 3))), rtol=0, atol=1e-11)
    one_way = influence_map(unroll(ahead.trajectory.cell, x), V_f)
    params["V_b"] = 0 * V_b
    exact = np.linalg.norm(ref.bidirectional_map(ahead.net, behind.net, params, x, *zeros, n), axis=(1, 3))
    np.testing.assert_allclose(10**one_way, exact, rtol=1e-10)
    assert (one_way[np.triu_indices(T, 1)] == -np.inf).all()
    side_by_side = 10 ** (2 * influence_map(unroll(pair, x)))
    own = 10 ** (2 * influence_map(unroll(pair.forward, x)))
    other = 10 ** (2 * influence_map(unroll(pair.backward, x[::-1])))[::-1, ::-1]
    np.testing.assert_allclose(side_by_side, own + other, rtol=1e-10)


def test_what_each_input_does_to_the_gated_cells_output(rng):
    """x_t acts on h_t = o_t S_t through the output gate too, which no state sees."""
    pair = make_pair("gated tanh", rng, length=6)

    def outputs(x):
        states = ref.states(pair.net, pair.params, x, pair.state)
        return ref.gated_hidden(pair.params, states[1:, 0], x)

    exact = np.abs(ref.jacobian(outputs)(pair.inputs))
    np.testing.assert_allclose(10 ** influence_map(pair.trajectory), exact, rtol=1e-11)
    np.testing.assert_allclose(10 ** influence_map(pair.trajectory, -3.0), 3 * exact, rtol=1e-11)


# ---- closed forms and conventions ----


def test_log_product_reads_newest_first():
    product = log_product([[2.0, -3.0, 0.5]])
    np.testing.assert_array_equal(product.sign, [[1, 1, -1, -1]])
    np.testing.assert_allclose(product.log10, [np.log10([1, 0.5, 1.5, 3])], rtol=1e-15)


@pytest.mark.parametrize("case", ["rnn tanh", "lstm"])
@pytest.mark.parametrize("ends", [{}, {"source": 3}, {"source": 2, "target": 50}])
def test_windows_and_chosen_lags_are_cut_from_the_whole(case, ends, rng):
    run = make_pair(case, rng, 3, 2, 60).trajectory
    whole = matrix_product(run, **ends)
    last = len(whole.exponent) - 1
    for lags in ([0], [7], [0, 5, last]):
        some = matrix_product(run, **ends, lags=lags)
        np.testing.assert_array_equal(plain(some), plain(whole)[lags])
        np.testing.assert_array_equal(norm(some), norm(whole)[lags])
    windows = list(product_windows(run, **ends, length=16))
    np.testing.assert_array_equal(np.concatenate([lags for lags, _ in windows]), np.arange(last + 1))
    np.testing.assert_array_equal(np.concatenate([plain(part) for _, part in windows]), plain(whole))
    assert max(len(lags) for lags, _ in windows) == 16


def test_a_zero_factor_is_minus_infinity_from_its_lag_on():
    product = log_product([5.0, 0.0, 2.0])
    np.testing.assert_array_equal(product.sign, [1, 1, 0, 0])
    np.testing.assert_array_equal(product.log10[2:], [-np.inf, -np.inf])
    none = gradient_product(unroll(ScalarRNN(recurrent_weight=0.0), np.ones(3)))
    np.testing.assert_array_equal(none.log10, [0, -np.inf, -np.inf, -np.inf])
    np.testing.assert_array_equal(none.sign, [1, 0, 0, 0])
    dead = unroll(VectorRNN(recurrent_weight=np.zeros((2, 2))), np.ones((3, 1)))
    np.testing.assert_allclose(norm(matrix_product(dead)), [np.log10(2) / 2, *[-np.inf] * 3], rtol=1e-15)
    assert (norm(matrix_product(dead), 2)[1:] == -np.inf).all()


def test_source_and_target_name_the_ends(rng):
    run = unroll(ScalarRNN(recurrent_weight=1.3), rng.normal(size=8))
    factors = step_factors(run)
    J = factors.sign * np.exp(factors.log)
    for ends, expected in [
        ({}, [prod(J[8 - lag :]) for lag in range(9)]),
        ({"target": 5}, [prod(J[5 - lag : 5]) for lag in range(6)]),
        ({"source": 3}, [prod(J[3 : 3 + lag]) for lag in range(6)]),
        ({"source": 3, "target": 5}, [1, J[4], J[4] * J[3]]),
    ]:
        np.testing.assert_allclose(value(gradient_product(run, **ends)), expected, rtol=1e-13)
    assert gradient_product(run, source=8).log10.tolist() == [0.0]


def test_one_step_is_its_factor():
    run = unroll(ScalarRNN(recurrent_weight=-0.7, input_weight=1.0), [0.3])
    product = gradient_product(run)
    assert product.sign.tolist() == [1, -1]
    assert 10 ** product.log10[1] == pytest.approx(0.7 / np.cosh(0.3) ** 2, rel=1e-14)


@pytest.mark.parametrize("W_s", [-4.0, -1.0, 0.5, 0.999, 1.0, 3.0])
def test_the_linear_cells_product_is_a_power(W_s):
    run = unroll(ScalarRNN(recurrent_weight=W_s, **LINEAR), np.zeros(500), 1e-3)
    product, lags = gradient_product(run), np.arange(501)
    np.testing.assert_allclose(product.log10, lags * np.log10(abs(W_s)), rtol=1e-14)
    np.testing.assert_array_equal(product.sign, np.sign(W_s) ** lags)


def test_the_log_keeps_its_digits_where_factors_are_nearly_one():
    """tanh cell, W_s = 1, S_0 = 1e-6: ln J is about −1e-12, which 1 − S² leaves four digits of."""
    run = unroll(ScalarRNN(recurrent_weight=1.0, input_weight=0.0), np.zeros(10), 1e-6)
    with mp.workdps(50):
        S, total = mp.mpf(1e-6), mp.mpf(0)
        for _ in range(10):
            total += mp.log(mp.sech(S) ** 2)
            S = mp.tanh(S)
    assert gradient_product(run, source=0).log10[-1] * log(10) == pytest.approx(float(total), rel=1e-13)


def test_min_gru_and_linear_gated_products_are_those_of_their_gates(rng):
    x = rng.normal(size=30)
    run = unroll(ScalarMinGRU(update_weight=2.0, update_bias=-1.0), x)
    close(value(gradient_product(run))[-1], prod(1 - ref.sigma(2.0 * x - 1.0)), 1e-12)
    run = unroll(GatedCell(state_activation="linear", forget_weight=2.0, forget_bias=1.0), x)
    close(value(gradient_product(run))[-1], prod(ref.sigma(2.0 * x + 1.0)), 1e-12)


def test_the_forget_bias_alone_sets_the_lstms_memory():
    for bias, steps in [(0, 1.44), (1, 3.19), (3, 20.6)]:
        zero = dict.fromkeys(ScalarLSTM().parameters, 0.0)
        run = unroll(ScalarLSTM(**zero | {"forget_bias": bias}), np.ones(50))
        per_step = block(matrix_product(run), "cc").log10[-1] / 50 * log(10)
        assert -1 / per_step == pytest.approx(steps, abs=0.005 if steps < 10 else 0.05)


def test_blocks_by_name(rng):
    cell = VectorLSTM(
        forget_weight=rng.normal(size=(2, 2)), candidate_recurrent_weight=rng.normal(size=(2, 2))
    )
    product = matrix_product(unroll(cell, rng.normal(size=(5, 2))))
    full = plain(product)
    for name, rows, columns in [("cc", 0, 0), ("ch", 0, 2), ("hc", 2, 0), ("hh", 2, 2)]:
        part = block(product, name)
        np.testing.assert_array_equal(plain(part), full[:, rows : rows + 2, columns : columns + 2])
        with np.errstate(divide="ignore"):
            expected = np.log10(np.linalg.norm(plain(part), axis=(1, 2)))
        np.testing.assert_allclose(norm(part), expected, rtol=1e-12)
    square = sum(10 ** (2 * norm(block(product, name))) for name in ("cc", "ch", "hc", "hh"))
    np.testing.assert_allclose(10 ** (2 * norm(product)), square, rtol=1e-13)


def test_a_block_may_be_far_smaller_than_the_whole():
    cell = VectorLSTM(
        forget_bias=[3.0, 2.0], candidate_recurrent_weight=1e-170 * np.eye(2), input_gate_bias=1.0
    )
    product = matrix_product(unroll(cell, np.zeros((3, 1)), 0.5))
    i = ref.sigma(1.0)
    assert norm(block(product, "ch"))[1] == pytest.approx(np.log10(i * 1e-170 * np.sqrt(2)), rel=1e-12)
    assert norm(block(product, "ch"), 2)[1] == pytest.approx(np.log10(i * 1e-170), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_norms_are_numpys(n, rng):
    run = unroll(VectorRNN(recurrent_weight=rng.normal(size=(4, n, n))), np.zeros((6, 1)), rng.normal(size=n))
    product = matrix_product(run)
    full = np.moveaxis(plain(product), 0, 1)
    np.testing.assert_allclose(10 ** norm(product), np.linalg.norm(full, axis=(-2, -1)), rtol=1e-12)
    np.testing.assert_allclose(10 ** norm(product, 2), np.linalg.norm(full, 2, axis=(-2, -1)), rtol=1e-12)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 3), st.sampled_from(["linear", "tanh", "sigmoid"]))
def test_no_product_exceeds_its_bound(seed, gain, activation):
    rng = np.random.default_rng(seed)
    lags = np.arange(21)
    scalar = ScalarRNN(activation=activation, recurrent_weight=rng.normal(size=5) * gain)
    product = gradient_product(unroll(scalar, rng.normal(size=20)))
    assert (product.log10 <= bound(scalar, lags) + 1e-12).all()
    vector = VectorRNN(activation=activation, recurrent_weight=rng.normal(size=(2, 3, 3)) * gain)
    product = matrix_product(unroll(vector, np.zeros((20, 1)), rng.normal(size=3)))
    assert (norm(product, 2) <= bound(vector, lags) + 1e-12).all()
    gated = GatedCell(forget_bias=rng.normal(size=4), state_activation="tanh")
    assert (gradient_product(unroll(gated, rng.normal(size=20))).log10 <= bound(gated, lags)).all()


def test_bounds_and_rates_in_closed_form():
    lags = [0, 1, 7]
    np.testing.assert_allclose(bound(ScalarRNN(recurrent_weight=-3.0), lags), np.multiply(lags, np.log10(3)))
    sigmoid = ScalarRNN(activation="sigmoid", recurrent_weight=[2.0, 0.0])
    np.testing.assert_allclose(bound(sigmoid, lags)[0], np.multiply(lags, np.log10(0.5)))
    np.testing.assert_array_equal(bound(sigmoid, lags)[1], [0, -np.inf, -np.inf])
    shear = VectorRNN(recurrent_weight=[[0.5, 1.0], [0.0, 0.25]])
    golden = np.linalg.svd(shear.recurrent_weight)[1][0]
    np.testing.assert_allclose(bound(shear, lags), np.multiply(lags, np.log10(golden)))
    np.testing.assert_allclose(linear_rate(shear, lags), np.multiply(lags, np.log10(0.5)))
    assert spectral_radius([[0, -2], [2, 0]]) == pytest.approx(2)


# ---- numbers that no float64 holds ----


def exact_steps(name, x, W):
    """ln |J_t| and its sign by fifty digits, step by step: tanh, sigmoid and gated cells."""
    S = mp.mpf(0)
    for X in x:
        X = mp.mpf(float(X))
        if name == "tanh":
            S = mp.tanh(W * S + X / 2)
            yield mp.log(abs(W) * (1 - S * S))
        elif name == "sigmoid":
            S = 1 / (1 + mp.exp(-(W * S + X / 2)))
            yield mp.log(abs(W) * S * (1 - S))


@pytest.mark.parametrize(("name", "W"), [("tanh", 0.9), ("tanh", -2.5), ("sigmoid", -3.0)])
def test_lag_100_000_against_big_numbers(name, W):
    x = np.sin(np.arange(LONG) / 7)
    product = gradient_product(unroll(ScalarRNN(activation=name, recurrent_weight=W), x), source=0)
    with mp.workdps(30):
        total = mp.mpf(0)
        for lag, log_J in enumerate(exact_steps(name, x, mp.mpf(W)), start=1):
            total += log_J
            if lag in (1, 10, 1000, 31_623, LONG):
                assert abs(product.log10[lag] * mp.log(10) / total - 1) < 1e-12
                assert product.sign[lag] == (-1 if W < 0 and lag % 2 else 1)
    assert np.isfinite(product.log10).all()
    assert product.log10[-1] < -4000


def test_lag_100_000_of_a_grid_is_as_exact():
    W = np.linspace(-3, 3, 64)
    run = unroll(ScalarRNN(recurrent_weight=W, **LINEAR), np.zeros(LONG))
    product = gradient_product(run)
    for i in (0, 20, 40):
        with mp.workdps(40):
            exact = LONG * mp.log10(abs(mp.mpf(W[i])))
            assert abs(product.log10[i, -1] / exact - 1) < 1e-12


def test_lag_100_000_against_exact_integers(rng):
    factors = rng.choice([-7, -3, -2, 2, 3, 5, 1], size=LONG)
    product = log_product(factors)
    exact = 1
    for factor in factors[::-1].tolist():
        exact *= factor
    with mp.workdps(40):
        assert abs(product.log10[-1] / mp.log10(abs(mp.mpf(exact))) - 1) < 1e-12
    assert product.sign[-1] == (1 if exact > 0 else -1)


@pytest.mark.parametrize("W", [[[1, 2, 0], [0, 1, -1], [1, 0, 1]], [[1, 1], [1, 0]]])
def test_matrices_at_lag_100_000_against_exact_integers(W):
    cell = VectorRNN(recurrent_weight=W, activation="linear")
    run = unroll(cell, np.zeros((LONG, 1)))
    product = matrix_product(run)
    exact, square, power = (
        np.eye(len(W), dtype=object).astype(int).astype(object),
        np.array(W, dtype=object),
        LONG,
    )
    while power:
        exact = exact @ square if power & 1 else exact
        square, power = square @ square, power >> 1
    for i, j in np.ndindex(exact.shape):
        entry = product.matrix[-1, i, j]
        with mp.workdps(40):
            ours = (mp.log(abs(mp.mpf(entry))) + int(product.exponent[-1]) * mp.log(2)) / mp.log(10)
            assert abs(ours / mp.log10(abs(mp.mpf(int(exact[i, j])))) - 1) < 1e-12
        assert np.sign(entry) == np.sign(int(exact[i, j]))


def test_raw_sunspot_sized_inputs_saturate_without_zeros():
    """u = 190: 1 − S² is exactly 0, the slope 1e-165."""
    run = unroll(ScalarRNN(recurrent_weight=0.8, input_weight=1.0), np.full(50, 190.0))
    assert (step_factors(run).sign == 1).all()
    exact = np.log10(0.8) + 2 * np.log10(2) - 2 * (190 + 0.8) / np.log(10)
    np.testing.assert_allclose(np.diff(gradient_product(run).log10)[:-1], exact, rtol=1e-13)


@pytest.mark.parametrize("size", [3.0, 190.0, 800.0])
def test_vector_cells_saturate_as_scalar_ones_do(size):
    x = np.full(30, size)
    scalar = gradient_product(unroll(ScalarRNN(recurrent_weight=0.8, input_weight=1.0), x))
    vector = unroll(VectorRNN(recurrent_weight=[[0.8]], input_weight=[[1.0]]), x[:, None])
    np.testing.assert_allclose(norm(matrix_product(vector)), scalar.log10, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(norm(matrix_product(vector, source=0))[-1], scalar.log10[-1], rtol=1e-12)
    alone = matrix_product(unroll(ScalarRNN(recurrent_weight=0.8, input_weight=1.0), x))
    np.testing.assert_allclose(norm(alone), scalar.log10, rtol=1e-12, atol=1e-14)
    wide = unroll(ScalarRNN(recurrent_weight=np.full(20, 0.8), input_weight=1.0), x)
    np.testing.assert_allclose(norm(matrix_product(wide))[7], scalar.log10, rtol=1e-12, atol=1e-14)
    row = vector_product(vector, {"h": [1.0]})
    np.testing.assert_allclose(
        np.log10(row.vector["h"][:, 0]) + row.exponent * np.log10(2), scalar.log10, rtol=1e-12, atol=1e-14
    )
    whole = whole_product(ScalarRNN(recurrent_weight=0.8, input_weight=1.0), x)
    np.testing.assert_allclose(norm(whole)[0], scalar.log10[-1], rtol=1e-12)


@pytest.mark.parametrize("bias", [-800.0, -30.0, 30.0, 800.0])
def test_gru_factors_keep_their_digits_where_the_update_gate_saturates(bias):
    x = np.array([0.3, -0.2, 0.5])
    cell = ScalarGRU(update_bias=bias, candidate_recurrent_weight=-1.5)
    factors = step_factors(unroll(cell, x))
    with mp.workdps(800):
        h = mp.mpf(0)
        for t, X in enumerate(map(mp.mpf, x)):
            a = X / 2 + h / 2 + mp.mpf(bias)
            z, kept, r = 1 / (1 + mp.exp(-a)), 1 / (1 + mp.exp(a)), 1 / (1 + mp.exp(-(X + h) / 2))
            new = mp.tanh(X / 2 - 1.5 * r * h)
            inner = -1.5 * (r + h * r * (1 - r) / 2)
            J = kept + z * kept * (new - h) / 2 + z * (1 - new**2) * inner
            h = kept * h + z * new
            assert abs(factors.log[t] - mp.log(abs(J))) < 1e-13 * max(1, abs(mp.log(abs(J))))
            assert factors.sign[t] == mp.sign(J)


def test_an_lstm_against_big_numbers():
    T = 400
    x = np.cos(np.arange(T))
    U = dict(forget_recurrent_weight=-0.7, input_gate_recurrent_weight=0.9, output_gate_recurrent_weight=0.4)
    cell = ScalarLSTM(**U, candidate_recurrent_weight=1.5, forget_peephole=0.3, output_gate_peephole=-0.6)
    product = matrix_product(unroll(cell, x), source=0)
    with mp.workdps(40):
        half, c, h = mp.mpf("0.5"), mp.mpf(0), mp.mpf(0)
        U_f, U_i, U_o, p_f, p_o = map(mp.mpf, (-0.7, 0.9, 0.4, 0.3, -0.6))
        P = mp.eye(2)
        for X in map(mp.mpf, x):

            def s(a):
                return 1 / (1 + mp.exp(-a))

            f, i = s(half * X + U_f * h + p_f * c + 1), s(half * X + U_i * h)
            g = mp.tanh(half * X + mp.mpf("1.5") * h)
            df, di, dg = c * f * (1 - f), g * i * (1 - i), i * (1 - g * g) * mp.mpf("1.5")
            cc, ch = f + df * p_f, df * U_f + di * U_i + dg
            new = f * c + i * g
            o = s(half * X + U_o * h + p_o * new)
            y, do = mp.tanh(new), mp.tanh(new) * o * (1 - o)
            D = o * (1 - y * y) + do * p_o
            P = mp.matrix([[cc, ch], [D * cc, D * ch + do * U_o]]) * P
            c, h = new, o * y
        for name, exact in zip(("cc", "ch", "hc", "hh"), P, strict=True):
            ours = block(product, name)
            assert ours.log10[-1] == pytest.approx(float(mp.log10(abs(exact))), rel=1e-12)
            assert ours.sign[-1] == mp.sign(exact)


# ---- overflow ----


def test_a_linear_product_outlives_its_state():
    run = unroll(ScalarRNN(recurrent_weight=-4.0, **LINEAR), np.zeros(10_000), 1.0)
    assert run.overflow_step == 512
    product = gradient_product(run)
    assert product.log10[-1] == pytest.approx(10_000 * np.log10(4), rel=1e-14)
    run = unroll(
        VectorRNN(activation="linear", recurrent_weight=np.diag([4.0, 0.5])), np.zeros((2000, 1)), 1.0
    )
    np.testing.assert_allclose(norm(matrix_product(run), 2), np.arange(2001) * np.log10(4), rtol=1e-12)


def test_the_product_up_to_an_overflow_is_kept():
    """u_3 = ∞ − ∞: huge weights against a huge input."""
    cell = VectorRNN(recurrent_weight=[[1.7e308, 1.7e308], [5.0, 0.0]], input_weight=[[-1e308], [0.0]])
    run = unroll(cell, [[0.0], [0.0], [1e200], [0.0]], 3.0)
    assert run.overflow_step == 3
    assert norm(matrix_product(run)).shape == (3,)
    assert not np.isnan(norm(matrix_product(run))).any()
    with pytest.raises(
        ValueError, match="target must be a step from 0 to 2, got 4; the state overflows at step 3"
    ):
        matrix_product(run, target=4)


def test_in_a_grid_the_runs_that_overflow_are_nan():
    W = [[[1.7e308, 1.7e308], [5.0, 0.0]], [[0.5, 0.1], [0.0, 0.5]]]
    cell = VectorRNN(recurrent_weight=W, input_weight=[[-1e308], [0.0]])
    run = unroll(cell, [[0.0], [0.0], [1e200], [0.0]], 3.0)
    assert run.overflow_step.tolist() == [3, 0]
    norms = norm(matrix_product(run))
    assert np.isnan(norms[0, 1:]).all()
    assert not np.isnan(norms[1]).any()


# ---- published and derived values ----


def test_a_non_normal_matrix_grows_before_it_vanishes():
    n, w = 4, 0.8
    W = w * np.eye(n) + 0.5 * np.eye(n, k=1)
    run = unroll(VectorRNN(activation="linear", recurrent_weight=W), np.zeros((50, 1)))
    norms = 10 ** norm(matrix_product(run), 2)
    for T, published in [(1, 1.230), (5, 2.571), (10, 4.264), (20, 3.437), (50, 0.06898), (13, 4.568)]:
        assert norms[T] == pytest.approx(published, rel=3e-4)
    assert norms.argmax() == 13
    assert spectral_radius(W) == pytest.approx(0.8, abs=1e-3)


def test_a_large_weight_grows_for_a_few_steps_and_then_vanishes():
    run = unroll(ScalarRNN(recurrent_weight=4.0), np.zeros(100), 0.001)
    grown = value(gradient_product(run, source=0))
    np.testing.assert_allclose(grown[1:6], [4.0, 16, 64, 239, 401], rtol=0.005)
    assert grown[6] == pytest.approx(14, rel=0.05)
    assert grown[7] == pytest.approx(0.08, rel=0.05)
    slope = np.diff(gradient_product(run, source=0).log10[50:]).mean() * log(10)
    assert slope == pytest.approx(-5, abs=0.3)


def test_a_tanh_around_the_gated_state_breaks_the_carousel():
    gates = {"forget_weight": 0.0, "forget_bias": log(99), "input_gate_weight": 0.0}
    left = {
        form: gradient_product(unroll(GatedCell(state_activation=form, **gates), np.full(3000, 0.2))).log10[
            1000
        ]
        for form in ("tanh", "linear")
    }
    assert left["tanh"] == pytest.approx(-199, abs=3)
    assert left["linear"] == pytest.approx(-4.4, abs=0.05)


def test_an_lstm_can_be_made_to_explode():
    names = ("input_gate", "forget", "output_gate", "candidate")
    U = {f"{name}_recurrent_weight": u for name, u in zip(names, (-3, 3, -3, -6), strict=True)}
    b = {f"{name}_bias": v for name, v in zip(names, (3, -2, 1, -1), strict=True)}
    run = unroll(ScalarLSTM(**U, **b), np.zeros(4000), {"c": 0.1, "h": 0.1})
    logs = norm(matrix_product(run, source=0)) * log(10)
    assert (logs[-1] - logs[1000]) / 3000 == pytest.approx(0.29, abs=0.01)


def test_a_nilpotent_matrix_can_explode_for_ever_under_tanh(rng):
    n = 40
    G = 3 * rng.normal(size=(n, n)) / np.sqrt(n)
    W = np.block([[G, -G], [G, -G]])
    np.testing.assert_allclose(W @ W, 0, atol=1e-12)
    shut = np.ones(n)  # the second half sits at 1: W's first rows then read G h − G 1
    cell = VectorRNN(recurrent_weight=W, bias=np.concatenate([G @ shut, np.full(n, 60.0)]))
    run = unroll(cell, np.zeros((1000, 1)), np.concatenate([0.1 * rng.normal(size=n), shut]))
    assert lyapunov_exponents(run, count=1).exponents[0] > 0.1
    assert norm(matrix_product(run, source=0))[-1] > 30


@pytest.mark.parametrize(("g", "published"), [(2, 0.1547), (3, 0.3102)])
def test_lyapunov_exponent_of_random_networks_is_the_mean_fields(g, published, rng):
    n = 200
    cell = VectorRNN(recurrent_weight=g * rng.normal(size=(n, n)) / np.sqrt(n))
    run = unroll(cell, np.zeros((1200, 1)), rng.normal(size=n))
    lyapunov = lyapunov_exponents(run, count=2)
    assert lyapunov.exponents[0] == pytest.approx(published, abs=0.025)
    assert 0 < lyapunov.error[0] < 0.02
    assert lyapunov.running.shape == (1080, 2)
    np.testing.assert_allclose(lyapunov.running[-1], lyapunov.exponents)


# ---- spectra ----


def test_lyapunov_exponents_of_a_linear_cell_are_its_log_eigenvalues(rng):
    Q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    W = Q @ (np.diag([2.0, 0.9, 0.3, 1e-3]) + np.triu(rng.normal(size=(4, 4)), 1)) @ Q.T
    run = unroll(VectorRNN(activation="linear", recurrent_weight=W), np.zeros((4000, 1)))
    lyapunov = lyapunov_exponents(run, discard=500)
    np.testing.assert_allclose(lyapunov.exponents, np.log([2.0, 0.9, 0.3, 1e-3]), atol=1e-10)
    assert lyapunov.discarded == 500
    assert (lyapunov.error < 1e-8).all()
    scalar = unroll(ScalarRNN(recurrent_weight=[0.5, -2.0], **LINEAR), np.zeros(100))
    np.testing.assert_allclose(lyapunov_exponents(scalar).exponents, np.log([[0.5], [2.0]]), rtol=1e-13)


def test_lyapunov_exponents_add_up_to_the_log_determinants(rng):
    run = make_pair("lstm peephole", rng, 3, 2, 60).trajectory
    J = np.block(
        [[(b := run.cell.jacobian(run.cell.partials(run.steps())))["cc"], b["ch"]], [b["hc"], b["hh"]]]
    )
    expected = np.linalg.slogdet(J)[1].mean()
    assert lyapunov_exponents(run, discard=0).exponents.sum() == pytest.approx(expected, rel=1e-10)


def exact_singular_values(J, digits=400):
    """log₁₀ of the singular values of a product of matrices, newest first."""
    with mp.workdps(digits):
        P = mp.eye(J.shape[-1])
        for each in J:
            P = P * mp.matrix(each.tolist())
        squares = mp.eigsy(P * P.T, eigvals_only=True)
        return sorted((float(mp.log10(abs(s)) / 2) for s in squares), reverse=True)


@pytest.mark.parametrize(("n", "gain"), [(2, 0.9), (4, 1.5), (6, 1.0)])
def test_small_singular_values_are_as_right_as_large_ones(n, gain, rng):
    W = gain * rng.normal(size=(n, n))
    run = unroll(
        VectorRNN(recurrent_weight=W, input_weight=rng.normal(size=(n, 1))), 0.5 * rng.normal(size=(40, 1))
    )
    J = run.cell.jacobian(run.cell.partials(run.steps()))["hh"][::-1]
    ours = singular_values(run)
    assert ours.shape == (41, n)
    for lag in (1, 2, 10, 40):
        exact = exact_singular_values(J[:lag])
        np.testing.assert_allclose(ours[lag], exact, rtol=0, atol=1e-9)
    assert exact[0] - exact[-1] > 16  # a scaled float64 product has lost the last one
    np.testing.assert_allclose(singular_values(run, source=0)[40], exact, rtol=0, atol=1e-9)
    np.testing.assert_allclose(singular_values(run, lags=[1, 40]), ours[[1, 40]], rtol=1e-13)
    np.testing.assert_allclose(ours[:, 0], norm(matrix_product(run), 2), rtol=0, atol=1e-10)


def test_singular_values_in_an_awkward_order(rng):
    """The largest direction last, and hardly coupled: no column may be swamped by those after it."""
    W = np.diag([0.01, 0.1, 1.0]) + 1e-8 * rng.normal(size=(3, 3))
    run = unroll(VectorRNN(activation="linear", recurrent_weight=W), np.zeros((60, 1)))
    exact = exact_singular_values(np.broadcast_to(W, (60, 3, 3)))
    np.testing.assert_allclose(singular_values(run, lags=60)[0], exact, rtol=0, atol=1e-11)


def test_singular_values_of_a_grid_and_of_an_lstm(rng):
    run = unroll(ScalarLSTM(forget_bias=[0.0, 3.0, -2.0]), rng.normal(size=30))
    ours = singular_values(run, target=20)
    assert ours.shape == (3, 21, 2)
    np.testing.assert_allclose(ours[..., 0], norm(matrix_product(run, target=20), 2), rtol=0, atol=1e-11)
    J = run.cell.jacobian(run.cell.partials(run.steps(0, 20)))
    logdet = np.log10(np.abs(J["cc"] * J["hh"] - J["ch"] * J["hc"])).sum(axis=0)
    np.testing.assert_allclose(ours[:, -1].sum(axis=-1), logdet, rtol=0, atol=1e-7)


# ---- refusals ----

RUN = unroll(ScalarRNN(), np.zeros(5))
WIDE = unroll(ScalarLSTM(), np.zeros(5))
PAIR = unroll(Bidirectional(forward=ScalarRNN(), backward=ScalarRNN()), np.zeros(5))
STEP = "must be a step from 0 to 5, got {}; the trajectory has 5 steps"
NUMBER = "step factors need a state of one number, got ScalarLSTM; use matrix_product"
REFUSED = [
    (lambda: gradient_product(RUN, source=6), "source " + STEP.format(6)),
    (lambda: gradient_product(RUN, target=-1), "target " + STEP.format(-1)),
    (lambda: matrix_product(RUN, target=2.5), "target " + STEP.format(2.5)),
    (
        lambda: matrix_product(RUN, source=4, target=2),
        "source must not lie after target, got source 4 and target 2; swap them",
    ),
    (lambda: gradient_product(WIDE), NUMBER),
    (lambda: step_factors(WIDE), NUMBER),
    (lambda: log_product([1.0, np.nan, 2.0]), "factors must be finite, got nan at step 2"),
    (lambda: log_product([[1.0, 1.0], [np.inf, 1.0]]), "factors must be finite, got inf at step 1"),
    (
        lambda: log_product(Factors(sign=np.ones(2), log=np.array([0.0, np.nan]))),
        "factors must not be NaN, got one at step 2",
    ),
    (
        lambda: block(matrix_product(WIDE), "xx"),
        "block must be one of cc, ch, hc, hh, got 'xx'; rows come first",
    ),
    (
        lambda: norm(matrix_product(WIDE), 1),
        "kind must be 'fro' or 2, got 1; singular_values gives the others",
    ),
    (lambda: vector_product(WIDE, {"S": 1.0}), "covector must have parts c and h, got S"),
    (
        lambda: vector_product(WIDE, {"c": np.ones(3)}),
        r"covector c must have a shape that broadcasts to the state's \(\), got \(3,\)",
    ),
    (
        lambda: matrix_product(RUN, lags=[3, 2]),
        r"lags must be integers from 0 to 5 in increasing order, got \[3, 2\]; 5 steps lie in between",
    ),
    (
        lambda: singular_values(RUN, lags=[0, 6]),
        r"lags must be integers from 0 to 5 in increasing order, got \[0, 6\]",
    ),
    (lambda: lyapunov_exponents(RUN, count=2), "count must be from 1 to 1, got 2; the state has 1 numbers"),
    (
        lambda: lyapunov_exponents(RUN, discard=5),
        "discard must be from 0 to 4, got 5; some of the 5 steps must be left",
    ),
    (
        lambda: bound(ScalarLSTM(), [1]),
        "cell must be a ScalarRNN, VectorRNN or GatedCell to have a bound, got ScalarLSTM",
    ),
    (
        lambda: influence_map(RUN, np.ones((2, 3))),
        r"readout must have shape \(p, 1\) to fit ScalarRNN, got \(2, 3\)",
    ),
    (
        lambda: influence_map(PAIR, np.ones((2, 1)), np.ones((3, 1))),
        r"readout of shape \(2, 1\) must have as many rows as backward_readout of shape \(3, 1\)",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), REFUSED)
def test_what_does_not_fit_is_refused_with_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


def test_no_warning_on_the_way():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for cell in (
            ScalarRNN(recurrent_weight=[0.0, 4.0]),
            ScalarGRU(),
            ScalarLSTM(forget_bias=[-900.0, 900.0]),
        ):
            run = unroll(cell, np.array([0.0, 1e5, -1e5]))
            norm(matrix_product(run), 2)
            singular_values(run)
            lyapunov_exponents(run)
            product_map(run)
            influence_map(run)
            whole_product(cell, run.inputs)
