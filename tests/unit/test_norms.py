"""Random networks, and norms of their products that keep no matrix, against plain matrix arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from gradprod import (
    ScalarRNN,
    input_term_norms,
    nilpotent_weights,
    product_norms,
    random_network,
    unroll,
)
from gradprod.analysis import norms as module

SLOPES = {
    "linear": lambda u: np.ones_like(u),
    "tanh": lambda u: 1 / np.cosh(u) ** 2,
    "sigmoid": lambda u: 1 / (2 + np.exp(u) + np.exp(-u)),
}
VALUES = {"linear": lambda u: u, "tanh": np.tanh, "sigmoid": lambda u: 1 / (1 + np.exp(-u))}


def products(W, U, b, h, x, phi):
    """P(T, T − lag), u_t and h_{t−1}, by a loop in which every factor is written out."""
    factors, u, before = [], [], []
    for value in x:
        before.append(h)
        u.append(W @ h + U[:, 0] * value + b)
        h = VALUES[phi](u[-1])
        factors.append(np.diag(SLOPES[phi](u[-1])) @ W)
    P = [np.eye(len(W))]
    for J in factors[::-1]:
        P.append(P[-1] @ J)
    return P, u, before


@pytest.mark.parametrize("phi", list(SLOPES))
@pytest.mark.parametrize(("n", "draws"), [(1, None), (2, 3), (5, None), (6, 2)])
@pytest.mark.parametrize("kept", [1, 60, 2**19])
def test_norms_columns_mean_and_terms_are_those_of_the_plain_product(monkeypatch, phi, n, draws, kept):
    monkeypatch.setattr(module, "_KEPT", kept)  # windows of one step, of a few, and the whole run in one
    network = random_network(n, "gaussian", 1.2, activation=phi, bias_scale=0.3, coupling=0.2, draws=draws)
    x = np.cos(np.arange(12.0))
    run = unroll(network.cell, x[:, None], network.initial_state)
    found = product_norms(run)
    terms, dropped = input_term_norms(run, found), input_term_norms(run, found, state_held=False)
    of_bias = input_term_norms(run, found, "bias")
    p = network.cell.parameters
    for at in [()] if draws is None else [(i,) for i in range(draws)]:
        W, U, b = p["recurrent_weight"][at], p["input_weight"][at], p["bias"][at]
        P, u, _before = products(W, U, b, network.initial_state[at], x, phi)
        s = np.linalg.svd(np.array(P), compute_uv=False)
        np.testing.assert_allclose(found.largest[at], np.log10(s[:, 0]), atol=1e-12)
        np.testing.assert_allclose(found.mean[at], np.log10(s).mean(axis=1), atol=1e-9)
        np.testing.assert_allclose(found.columns[at], np.log10(np.linalg.norm(P, axis=1)), atol=1e-12)
        for lag in range(12):
            k = 11 - lag
            size = np.linalg.norm(P[lag] @ np.diag(SLOPES[phi](u[k])))
            assert of_bias[*at, lag] == pytest.approx(np.log10(size), abs=1e-12)
            assert terms[*at, lag] == pytest.approx(np.log10(abs(x[k]) * size), abs=1e-12)
            wrong = abs(x[k]) * np.linalg.norm(P[lag] @ np.diag(SLOPES[phi](U[:, 0] * x[k] + b)))
            assert dropped[*at, lag] == pytest.approx(np.log10(wrong), abs=1e-12)


def test_no_lag_under_or_overflows():
    for gain, sign in ((0.01, -1), (50.0, 1)):
        network = random_network(3, "orthogonal", gain, activation="linear", initial_scale=0.0)
        found = product_norms(unroll(network.cell, np.zeros((2000, 1)), network.initial_state))
        expected = np.arange(2001) * np.log10(gain)
        np.testing.assert_allclose(found.largest, expected, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(found.mean, expected, rtol=1e-12, atol=1e-12)
        assert np.sign(found.largest[-1]) == sign


def test_an_input_of_zero_has_a_term_of_zero():
    network = random_network(3)
    run = unroll(network.cell, np.array([[1.0], [0.0], [1.0]]), network.initial_state)
    terms = input_term_norms(run, product_norms(run))
    assert np.isfinite(terms).tolist() == [True, False, True]


def test_what_is_no_vector_cell_is_refused():
    run = unroll(ScalarRNN(), np.ones(3))
    with pytest.raises(ValueError, match="trajectory must be a run of VectorRNN, got one of ScalarRNN"):
        product_norms(run)
    network = random_network(2)
    run = unroll(network.cell, np.ones((3, 1)), network.initial_state)
    with pytest.raises(ValueError, match="parameter must be 'input_weight' or 'bias', got 'W'"):
        input_term_norms(run, product_norms(run), "W")
    with pytest.raises(ValueError, match="initialisation must be one of gaussian, orthogonal, identity"):
        random_network(2, "xavier")


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_the_square_of_a_nilpotent_matrix_is_zero(n):
    W = nilpotent_weights(n, 3.0)
    np.testing.assert_allclose(W @ W, 0, atol=1e-12)
    half = n // 2
    assert half == 0 or np.abs(W[:half, :half]).max() > 0
    assert nilpotent_weights(n, draws=2).shape == (2, n, n)


def test_a_nilpotent_network_runs_as_its_first_half_alone():
    network = random_network(16, "nilpotent", 3.0)
    run = unroll(network.cell, np.zeros((20, 1)), network.initial_state)
    G, h = network.cell.parameters["recurrent_weight"][:8, :8], run.state[1, :8]
    for t in range(2, 6):
        h = np.tanh(G @ h)
        np.testing.assert_allclose(run.state[t, :8], h, atol=1e-12)
    np.testing.assert_allclose(run.state[1:, 8:], 1, atol=1e-12)


def test_draws_start_with_the_network_drawn_alone():
    for kind in ("gaussian", "orthogonal", "identity", "nilpotent"):
        alone, several = (
            random_network(4, kind, bias_scale=1.0),
            random_network(4, kind, bias_scale=1.0, draws=3),
        )
        for name, value in alone.cell.parameters.items():
            np.testing.assert_array_equal(
                np.broadcast_to(several.cell.parameters[name], (3, *value.shape))[0], value
            )
        np.testing.assert_array_equal(several.initial_state[0], alone.initial_state)


def test_each_part_has_its_own_scale():
    network = random_network(4000, "identity", input_scale=2.0, bias_scale=0.5, initial_scale=3.0)
    p = network.cell.parameters
    assert p["input_weight"].std() == pytest.approx(2.0, rel=0.05)
    assert p["bias"].std() == pytest.approx(0.5, rel=0.05)
    assert network.initial_state.std() == pytest.approx(3.0, rel=0.05)
    together = np.corrcoef([p["input_weight"][:, 0], p["bias"], network.initial_state])
    assert np.abs(together - np.eye(3)).max() < 0.06
