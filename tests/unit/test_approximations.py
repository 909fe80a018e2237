"""Approximations and exact products, each written out again from the reference nets."""

import re
from pathlib import Path

import autograd.numpy as anp
import numpy as np
import pairs
import pytest
import reference as ref
from autograd import jacobian
from hypothesis import given, settings
from hypothesis import strategies as st

from gradprod.analysis.approximations import (
    approximations,
    eigenvalue_reading,
    gate_reading,
    relative_error,
)
from gradprod.bptt import Readout, all_terms, step_terms
from gradprod.cells import GatedCell, ScalarGRU, ScalarLSTM, ScalarMinGRU, ScalarRNN, VectorGRU, VectorRNN
from gradprod.conventions import from_pytorch
from gradprod.products import LogProduct, matrix_product
from gradprod.unroll import unroll

LSTMS = [("lstm", False), ("lstm peephole", False), ("lstm peephole matrix", False)]
LSTMS += [("lstm", True), ("lstm peephole", True)]
GRUS = [(case, scalar) for case in ("gru before", "gru after", "min gru") for scalar in (False, True)]


def close(actual, expected, rtol=1e-10):
    np.testing.assert_allclose(
        actual, expected, rtol=rtol, atol=1e-13 * np.nanmax(np.abs(expected), initial=1e-3)
    )


def value(product, lag):
    """A library product at one lag as a plain number or matrix."""
    if isinstance(product, LogProduct):
        return product.sign[..., lag] * 10 ** product.log10[..., lag]
    return np.ldexp(product.matrix[..., lag, :, :], product.exponent[..., lag, None, None])


def chain(factors):
    """∏ of matrices given oldest first, newest on the left."""
    P = np.eye(len(factors[0])) if len(factors) else np.eye(1)
    for factor in factors:
        P = factor @ P
    return P


def shaped(pair, matrix):
    return np.squeeze(matrix) if pair.scalar else matrix


def forget_gates(pair):
    """f_1 … f_T of the reference, shape (T, n)."""
    p, n = pair.params, pair.n
    run = ref.states(*pair.run())
    return [
        ref.sigma(np.dot(p["W_f"], x) + np.dot(p["U_f"], s[:n]) + p["b_f"] + ref._peep(p, "f", s[n:]))
        for x, s in zip(pair.inputs, run, strict=False)
    ]


# ------------------------------------------------------------------ LSTM (math 4, a to d)


@pytest.mark.parametrize(("case", "scalar"), LSTMS)
@given(n=st.integers(1, 8), length=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_an_lstms_two_exact_products_and_what_stands_in_for_them(case, scalar, n, length, seed):
    pair = pairs.make_pair(case, np.random.default_rng(seed), n, 2, length, scalar=scalar)
    n = pair.n
    found = approximations(pair.trajectory)
    f = forget_gates(pair)
    one = {t: ref.product(*pair.run(), t, t - 1)[n:, n:] for t in range(1, length + 1)}  # h held
    sums = {t: ref.carried_cell_jacobian(*pair.run(), t, t - 1) for t in range(2, length + 1)}
    for k in range(length, -1, -1):
        lag = length - k
        expected = {
            "partial": ref.product(*pair.run(), length, k)[n:, n:],
            "forget": np.diag(np.prod(f[k:], axis=0) if lag else np.ones(n)),
            "open_or_shut": np.diag(np.prod(np.round(f[k:]), axis=0) if lag else np.ones(n)),
        }
        if k:
            expected["total"] = ref.carried_cell_jacobian(*pair.run(), length, k)
            expected["four_terms"] = chain([np.eye(n)] + [sums[t] for t in range(k + 1, length + 1)])
        else:
            assert np.isnan(value(found.exact["total"], lag)).all()
            assert np.isnan(value(found.approximate["four_terms"], lag)).all() or length == 0
        if "peephole" in case:
            expected["direct"] = chain([np.eye(n)] + [one[t] for t in range(k + 1, length + 1)])
        both = found.exact | found.approximate
        for name, matrix in expected.items():
            close(value(both[name], lag), shaped(pair, matrix))
            for exact in ("partial", "total"):
                if name in found.error and exact in expected:
                    size = np.linalg.norm(expected[exact])
                    wanted = np.linalg.norm(matrix - expected[exact]) / size
                    np.testing.assert_allclose(found.error[name][exact][lag], wanted, rtol=1e-8, atol=1e-10)
    assert ("direct" in found.approximate) == ("peephole" in case)


@pytest.mark.parametrize(("case", "scalar"), LSTMS)
def test_at_lag_one_the_direct_path_is_the_partial_and_the_four_terms_are_the_total(case, scalar):
    pair = pairs.make_pair(case, np.random.default_rng(1), 3, 2, 6, scalar=scalar)
    error = approximations(pair.trajectory).error
    direct = error["direct" if "peephole" in case else "forget"]
    assert direct["partial"][1] < 1e-14
    assert error["four_terms"]["total"][1] < 1e-14
    # and at lag 2 neither is
    assert direct["partial"][2] > 1e-4
    assert error["four_terms"]["total"][2] > 1e-4
    if "peephole" in case:
        assert error["forget"]["partial"][1] > 1e-3  # claim 33: f_t is not ∂c_t/∂c_{t−1} with peepholes


def test_pytorchs_gradient_of_c_by_c_is_the_total():
    """Against torch.autograd.grad(c_6, c_1) itself."""
    with np.load(Path(__file__).parent.parent / "fixtures" / "torch_lstm.npz") as file:
        theirs = dict(file)
    run = unroll(from_pytorch(theirs), theirs["inputs"], {"h": theirs["h_0"], "c": theirs["c_0"]})
    close(value(approximations(run).exact["total"], 5), theirs["dc_dc"], rtol=1e-12)


def test_an_lstm_that_explodes_for_ever():
    """Claim 24: U = (−3, 3, −3, −6), b = (3, −2, 1, −1) for i, f, o, c; +.29 nats a step."""
    gates = ("input_gate", "forget", "output_gate", "candidate")
    cell = ScalarLSTM(
        **dict.fromkeys(ScalarLSTM().parameters, 0.0)
        | {f"{g}_recurrent_weight": U for g, U in zip(gates, (-3, 3, -3, -6), strict=True)}
        | {f"{g}_bias": b for g, b in zip(gates, (3, -2, 1, -1), strict=True)}
    )
    run = unroll(cell, np.zeros(3000), {"c": 0.1, "h": 0.1})
    found = approximations(run)

    def rate(product):  # nats a step over the second half of the lags
        half = product.log10[1500:3000] * np.log(10)
        return np.polyfit(np.arange(len(half)), half, 1)[0]

    assert abs(rate(found.exact["partial"]) - 0.29) < 0.01
    assert abs(rate(found.exact["total"]) - 0.29) < 0.01
    assert rate(found.approximate["forget"]) < -0.1


# ------------------------------------------------------------------ GRU


@pytest.mark.parametrize(("case", "scalar"), GRUS)
@given(n=st.integers(1, 8), length=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_a_grus_product_and_what_it_keeps(case, scalar, n, length, seed):
    pair = pairs.make_pair(case, np.random.default_rng(seed), n, 2, length, scalar=scalar)
    found = approximations(pair.trajectory)
    p, run = pair.params, ref.states(*pair.run())
    U = p.get("U_z", np.zeros((pair.n, pair.n)))
    keep = [
        1 - ref.sigma(np.dot(p["W_z"], x) + np.dot(U, h) + p["b_z"])
        for x, h in zip(pair.inputs, run, strict=False)
    ]
    for lag in range(length + 1):
        exact = ref.product(*pair.run(), length, length - lag)
        kept = np.diag(np.prod(keep[length - lag :], axis=0) if lag else np.ones(pair.n))
        close(value(found.exact["product"], lag), shaped(pair, exact))
        close(value(found.approximate["keep"], lag), shaped(pair, kept))
        wanted = np.linalg.norm(kept - exact) / np.linalg.norm(exact)
        np.testing.assert_allclose(found.error["keep"]["product"][lag], wanted, rtol=1e-8, atol=1e-10)
        if case == "min gru":
            assert found.error["keep"]["product"][lag] < 1e-13  # there it is exact


# ------------------------------------------------------------------ cells whose state is one number


@pytest.mark.parametrize("case", ["scalar rnn tanh", "scalar rnn sigmoid", "gated tanh", "gated linear"])
@given(length=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_a_number_cells_product_and_its_readings(case, length, seed):
    pair = pairs.make_pair(case, np.random.default_rng(seed), length=length)
    found = approximations(pair.trajectory)
    p = pair.params
    name = "forget" if "gated" in case else "weight"
    factors = np.array([ref.product(*pair.run(), t, t - 1).item() for t in range(1, length + 1)])
    stand_in = (
        ref.sigma(p["W_f"] * pair.inputs + p["b_f"]) if "gated" in case else np.full(length, p.get("W_s"))
    )
    for lag in range(length + 1):
        k = length - lag
        close(value(found.exact["product"], lag), ref.product(*pair.run(), length, k).item())
        close(value(found.approximate[name], lag), np.prod(stand_in[k:]))
        assert value(found.approximate["open_or_shut"], lag) == (factors[k:] >= 0.5).all()
        wanted = abs(np.prod(stand_in[k:]) / np.prod(factors[k:]) - 1)
        np.testing.assert_allclose(found.error[name]["product"][lag], wanted, rtol=1e-8, atol=1e-10)


def test_the_tanh_around_the_state_breaks_the_carousel():
    """Claim 12: f = .99, drive .1, lag 1000: about 10^−199; the linear form 10^−4.4, the ∏ f of both."""
    gate = {"forget_weight": 0.0, "forget_bias": np.log(99), "input_gate_weight": 0.0, "input_gate_bias": 0.0}
    for activation, expected in (("tanh", -199), ("linear", -4.4)):
        run = unroll(GatedCell(state_activation=activation, **gate), np.full(2000, 0.2))
        found = approximations(run)
        assert abs(found.exact["product"].log10[1000] - expected) < 0.5
        assert abs(found.approximate["forget"].log10[1000] - 1000 * np.log10(0.99)) < 1e-9
    np.testing.assert_allclose(
        found.error["forget"]["product"], 0, atol=1e-11
    )  # the linear form, at every lag


# ------------------------------------------------------------------ vector cell


@pytest.mark.parametrize("activation", ref.PHI)
@given(n=st.integers(1, 8), length=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=8, deadline=None)
def test_the_shortcuts_of_the_vector_cell(activation, n, length, seed):
    pair = pairs.make_pair(f"rnn {activation}", np.random.default_rng(seed), n, 2, length)
    found = approximations(pair.trajectory)
    run, W = ref.states(*pair.run()), pair.params["W"]
    u = [W @ h + pair.params["U"] @ x + pair.params["b"] for x, h in zip(pair.inputs, run, strict=False)]
    slopes = np.array([ref.slope(activation, v) for v in u])

    def pre_activation(k):  # ∂u_t/∂u_k, by autograd: h_k = φ(u_k), then on to u_t
        def last(v):
            return anp.dot(
                W, ref.states(pair.net, pair.params, pair.inputs[k:-1], ref.PHI[activation](v))[-1]
            )

        return jacobian(last)(u[k - 1])

    for lag in range(length + 1):
        k = length - lag
        expected = {
            "product": ref.product(*pair.run(), length, k),
            "shortcut": np.linalg.matrix_power(W, lag)
            @ np.diag(np.prod(slopes[k:], axis=0) if lag else np.ones(n)),
            "swapped": chain([np.eye(n)] + [W @ np.diag(s) for s in slopes[k:]]),
        }
        if k and lag:
            expected["pre_activation"] = pre_activation(k)
        for name, matrix in expected.items():
            close(value((found.exact | found.approximate)[name], lag), matrix)
            if name != "product":
                wanted = np.linalg.norm(matrix - expected["product"]) / np.linalg.norm(expected["product"])
                np.testing.assert_allclose(found.error[name]["product"][lag], wanted, rtol=1e-8, atol=1e-10)
    assert np.isnan(value(found.approximate["pre_activation"], length)).all()


def test_the_shortcut_gets_worse_with_more_units():
    """Claim 18: at lag 10 its error is of the size of the product itself, and grows with n."""
    median = {}
    for n in (2, 8, 64):
        errors = []
        for seed in range(30):
            rng = np.random.default_rng(seed)
            W, U = np.linalg.qr(rng.normal(size=(n, n)))[0], 0.3 * rng.normal(size=(n, 1))
            run = unroll(VectorRNN(recurrent_weight=W, input_weight=U, bias=0), rng.normal(size=(20, 1)))
            J = [np.diag(1 - h**2) @ W for h in run.states["h"][11:]]
            shortcut = np.linalg.matrix_power(W, 10) * np.prod(1 - run.states["h"][11:] ** 2, axis=0)
            wanted = np.linalg.norm(shortcut - chain(J)) / np.linalg.norm(chain(J))
            errors.append(approximations(run).error["shortcut"]["product"][10])
            np.testing.assert_allclose(errors[-1], wanted, rtol=1e-9)
        median[n] = np.median(errors)
    assert 0.1 < median[2] < median[8] < median[64]
    assert median[64] > 0.9


@pytest.mark.parametrize(
    "cell",
    [
        VectorRNN(recurrent_weight=[[0.8]], input_weight=[[0.5]], bias=0),
        VectorRNN(recurrent_weight=np.diag([0.9, -0.4, 1.2]), input_weight=np.ones((3, 1)), bias=0),
        VectorRNN(
            activation="linear",
            recurrent_weight=[[0.5, 0.9], [-0.2, 0.7]],
            input_weight=np.ones((2, 1)),
            bias=0,
        ),
    ],
)
def test_the_shortcut_is_exact_where_the_factors_commute(cell):
    found = approximations(unroll(cell, np.random.default_rng(2).normal(size=(20, 1))))
    assert found.error["shortcut"]["product"].max() < 1e-12
    assert found.error["swapped"]["product"].max() < 1e-12


# ------------------------------------------------------------------ eigenvalues


def test_eigenvalues_are_wrong_both_ways():
    # wI + 0.5 N, w = .8: ρ < 1, and the norm grows to 4.568 at lag 13 before it falls (published values)
    W = 0.8 * np.eye(4) + 0.5 * np.eye(4, k=1)
    linear = VectorRNN(activation="linear", recurrent_weight=W, input_weight=np.zeros((4, 1)), bias=0)
    found = eigenvalue_reading(unroll(linear, np.zeros((50, 1))))
    np.testing.assert_allclose(found.spectral_radius, 0.8, rtol=1e-3)  # defective: eigvals gives it to 1e-4
    norms = 10**found.exact_log10
    expected = {1: 1.230, 5: 2.571, 10: 4.264, 20: 3.437, 50: 0.06898}
    np.testing.assert_allclose([norms[T] for T in expected], list(expected.values()), rtol=3e-4)
    assert np.argmax(norms) == 13
    np.testing.assert_allclose(norms[13], 4.568, rtol=1e-4)
    assert not found.sure_to_vanish

    # ρ = 0, and it explodes for ever: half the units saturated, G alone acts (math 3)
    G = 2.0
    W = np.array([[G, -G], [G, -G]])
    tanh = VectorRNN(recurrent_weight=W, input_weight=np.zeros((2, 1)), bias=[G, 40.0])
    found = eigenvalue_reading(unroll(tanh, np.zeros((100, 1)), [0.0, 1.0]))
    assert found.spectral_radius < 1e-7
    assert found.exact_log10[-1] > 0.9 * 100 * np.log10(G)
    assert found.error_log10[-1] < -100


def test_a_singular_value_below_one_is_sure_and_the_error_is_in_orders_of_magnitude():
    rng = np.random.default_rng(3)
    W = rng.normal(size=(5, 5))
    W *= 0.9 / np.linalg.norm(W, 2)
    run = unroll(
        VectorRNN(recurrent_weight=W, input_weight=np.ones((5, 1)), bias=0), rng.normal(size=(30, 1))
    )
    found = eigenvalue_reading(run)
    assert found.sure_to_vanish
    np.testing.assert_allclose(found.largest_singular, 0.9, rtol=1e-12)
    rho = np.abs(np.linalg.eigvals(W)).max()
    np.testing.assert_allclose(found.predicted_log10, np.arange(31) * np.log10(rho), rtol=1e-12)
    J = [np.diag(1 - h**2) @ W for h in run.states["h"][1:]]
    exact = [np.log10(np.linalg.norm(chain([np.eye(5), *J[30 - lag :]]), 2)) for lag in range(31)]
    np.testing.assert_allclose(found.exact_log10, exact, atol=1e-10)
    np.testing.assert_allclose(found.error_log10, found.predicted_log10 - exact, atol=1e-10)
    sigmoid = VectorRNN(
        activation="sigmoid", recurrent_weight=3.9 * np.eye(2), input_weight=np.ones((2, 1)), bias=0
    )
    assert eigenvalue_reading(unroll(sigmoid, np.ones((3, 1)))).sure_to_vanish


# ------------------------------------------------------------------ gates that are 0 or 1


def test_three_gates_open_or_shut():
    cell = ScalarRNN(activation="linear", recurrent_weight=0.7, input_weight=0.4, bias=0.1)
    X, Y = np.array([1.0, -2.0, 0.5]), np.array([0.0, 0.0, 1.0])
    run, readout = unroll(cell, X, 0.2), Readout(weight=1.5, bias=0.0)
    terms = step_terms(run, readout, Y)["input_weight"]
    signal = (1.5 * run.state[3] - 1.0) * 1.5
    found = gate_reading(terms)  # .49, .7 and 1: the first is shut
    assert found.open.tolist() == [False, True, True]
    np.testing.assert_allclose(found.values, [0, signal * X[1], signal * X[2]], rtol=1e-14)
    np.testing.assert_allclose(found.gradient, signal * (X[1] + X[2]), rtol=1e-14)
    exact = signal * (0.49 * X[0] + 0.7 * X[1] + X[2])
    np.testing.assert_allclose(found.error, abs((X[1] + X[2]) * signal - exact) / abs(exact), rtol=1e-12)
    np.testing.assert_allclose(
        gate_reading(terms, [True, False, True]).gradient, signal * (X[0] + X[2]), rtol=1e-14
    )
    assert gate_reading(terms, False).gradient == 0
    assert gate_reading(step_terms(run, readout, Y)["readout_weight"]).error == 0


def test_a_table_has_no_gate_after_the_target():
    cell = GatedCell(state_activation="linear", forget_bias=5.0)
    inputs = np.random.default_rng(4).normal(size=(2, 5))
    terms = all_terms(unroll(cell, inputs), Readout(), np.ones(5))["forget_bias"]
    found = gate_reading(terms, True)
    np.testing.assert_array_equal(found.open, np.broadcast_to(np.tril(np.ones((5, 5), bool)), (2, 5, 5)))
    np.testing.assert_allclose(found.values, np.tril(terms.error_signal * terms.immediate), rtol=1e-15)
    assert found.gradient.shape == (2,)
    assert (found.error < 0.1).all()  # f = σ(5 + …): nearly open throughout


# ------------------------------------------------------------------ grids, extremes, refusals


@pytest.mark.parametrize("target", [None, 0, 1, 2, 5])
@pytest.mark.parametrize(
    "make",
    [
        lambda b: ScalarLSTM(forget_bias=b, forget_peephole=0.3, output_gate_peephole=-0.2),
        lambda b: ScalarGRU(update_bias=b),
        lambda b: ScalarMinGRU(update_bias=b),
        lambda b: GatedCell(forget_bias=b),
        lambda b: ScalarRNN(recurrent_weight=b),
        lambda b: VectorGRU(update_bias=b[..., None] * np.ones(2), candidate_recurrent_weight=np.eye(2)),
        lambda b: VectorRNN(
            recurrent_weight=b[..., None, None] * np.ones((2, 2)), input_weight=np.ones((2, 1)), bias=0
        ),
    ],
)
def test_a_grid_is_its_runs(make, target):
    biases = np.array([-1.0, 0.0, 2.0])
    cell = make(biases[:, None])
    inputs = np.random.default_rng(5).normal(size=(2, 6, 1) if cell.width else (2, 6))
    grid = approximations(unroll(cell, inputs), target=target)
    for i, bias in enumerate(biases):
        for j in range(2):
            alone = approximations(unroll(make(bias[()]), inputs[j]), target=target)
            for name, product in (alone.exact | alone.approximate).items():
                many = (grid.exact | grid.approximate)[name]
                lags = range(
                    product.sign.shape[-1] if isinstance(product, LogProduct) else product.squares.shape[-1]
                )
                assert len(lags) == (6 if target is None else target) + 1
                for lag in lags:
                    whole = value(many, lag)
                    whole = np.broadcast_to(whole, (3, 2, *np.shape(value(product, lag))))
                    np.testing.assert_allclose(whole[i, j], value(product, lag), rtol=1e-12, atol=1e-15)
            for name, errors in alone.error.items():
                for exact, error in errors.items():
                    whole = np.broadcast_to(grid.error[name][exact], (3, 2, len(error)))
                    np.testing.assert_allclose(whole[i, j], error, rtol=1e-6, atol=1e-11)


def test_long_lags_stay_within_range():
    """f = σ(−8) over 10 000 steps is 10^−34 744; U_c adds what ∏ f leaves out."""
    cell = ScalarLSTM(**dict.fromkeys(ScalarLSTM().parameters, 0.0) | {"forget_bias": -8.0})
    found = approximations(unroll(cell, np.zeros(10_000)))
    expected = -10_000 * np.log1p(np.exp(8.0)) / np.log(10)
    for product in (found.exact["partial"], found.approximate["forget"]):
        np.testing.assert_allclose(product.log10[-1], expected, rtol=1e-12)
    np.testing.assert_allclose(found.error["forget"]["partial"], 0, atol=1e-9)
    vector = VectorRNN(recurrent_weight=0.01 * np.eye(3), input_weight=np.ones((3, 1)), bias=0)
    shortcut = approximations(unroll(vector, np.full((1000, 1), 5.0))).error["shortcut"]["product"]
    np.testing.assert_allclose(shortcut, 0, atol=1e-10)


def test_relative_error_at_its_extremes():
    def log(*numbers):
        numbers = np.array(numbers)
        with np.errstate(divide="ignore"):
            return LogProduct(sign=np.sign(numbers), log10=np.log10(np.abs(numbers)))

    found = relative_error(log(2.0, -1.0, 0.0, 0.0, 3.0, 1e300), log(1.0, 1.0, 0.0, 2.0, 0.0, 1e-300))
    np.testing.assert_allclose(found[:4], [1.0, 2.0, 0.0, 1.0], rtol=1e-14)
    assert np.isinf(found[4:]).all()
    close_to_one = LogProduct(sign=np.ones(1), log10=np.array([1e-14]))
    np.testing.assert_allclose(relative_error(close_to_one, log(1.0)), [np.log(10) * 1e-14], rtol=1e-10)


def refuses(sentence):
    return pytest.raises(ValueError, match="^" + re.escape(sentence) + "$")


def test_what_is_refused():
    scalar = unroll(ScalarRNN(), np.zeros(4))
    vector = unroll(
        VectorRNN(recurrent_weight=np.eye(2), input_weight=np.ones((2, 1)), bias=0), np.zeros((4, 1))
    )
    with refuses("eigenvalue_reading needs a run of VectorRNN, got ScalarRNN"):
        eigenvalue_reading(scalar)
    kinds = "LogProducts or both MatrixProducts, got LogProduct and MatrixProduct"
    with refuses(f"approximate and exact must both be {kinds}"):
        relative_error(approximations(scalar).exact["product"], matrix_product(vector))
    terms = step_terms(scalar, Readout(), np.zeros(4))["bias"]
    with refuses("open must have a shape that broadcasts to that of the terms, (4,), got (3,)"):
        gate_reading(terms, [True, False, True])
