"""Activations and their slopes against fifty digits of mpmath, far into saturation."""

import warnings

import mpmath as mp
import numpy as np
import pytest

from gradprod.activations import LINEAR, SIGMOID, TANH, activation, log_sigmoid, sigmoid_and_complement

U = np.concatenate(
    [
        np.linspace(-45, 45, 181),
        10.0 ** np.arange(-18, 2.81, 0.2),
        -(10.0 ** np.arange(-18, 2.81, 0.2)),
        [0.0, 299.9, 300.0, 300.1, -354.0, 354.9, 700.0, -700.0],
    ]
)


def sigma(u):
    return 1 / (1 + mp.exp(-u))


EXACT = {
    "tanh": (TANH, mp.tanh, lambda u: mp.sech(u) ** 2, lambda u: -2 * mp.log(mp.cosh(u))),
    "sigmoid": (
        SIGMOID,
        sigma,
        lambda u: sigma(u) * sigma(-u),
        lambda u: mp.log(sigma(u)) + mp.log(sigma(-u)),
    ),
    "linear": (LINEAR, lambda u: u, lambda u: mp.mpf(1), lambda u: mp.mpf(0)),
}


def assert_exact(got, exact, at, rtol=1e-15):
    for value, u in zip(np.asarray(got), at, strict=True):
        with mp.workdps(320):  # 1 − σ at u = 700 needs the digits
            true = exact(mp.mpf(float(u)))
            if abs(true) < 1e-307 and true != 0:
                continue  # no float64 has all its digits there
            assert abs(mp.mpf(float(value)) - true) <= rtol * abs(true), (u, value)


@pytest.mark.parametrize("name", EXACT)
def test_value_slope_and_log_slope_are_right_to_the_last_digit(name):
    ours, value, slope, log_slope = EXACT[name]
    assert_exact(ours.value(U), value, U)
    assert_exact(ours.slope(U), slope, U)
    assert_exact(ours.log_slope(U), log_slope, U)


@pytest.mark.parametrize("name", EXACT)
def test_log_slope_goes_on_where_the_slope_underflows(name):
    ours, *_, log_slope = EXACT[name]
    far = np.array([-1e4, -800.0, 750.0, 1e5])
    with mp.workdps(60):
        limit = {"tanh": lambda u: 2 * mp.log(2) - 2 * abs(u), "sigmoid": lambda u: -abs(u)}
        exact = limit.get(name, log_slope)
        for value, u in zip(ours.log_slope(far), far, strict=True):
            assert abs(value - exact(mp.mpf(u))) <= 1e-15 * abs(u)


def test_log_sigmoid_is_exact_on_both_sides():
    assert_exact(log_sigmoid(U), lambda u: mp.log(sigma(u)), U)


def test_sigmoid_and_its_complement_are_right_to_the_last_digit():
    value, complement = sigmoid_and_complement(U)
    assert_exact(value, sigma, U)
    assert_exact(complement, lambda u: sigma(-u), U)
    assert_exact(value * complement, lambda u: sigma(u) * sigma(-u), U)


def test_sigmoid_and_its_complement_at_any_size():
    u = [-np.inf, -1e5, -709.9, 0.0, 709.9, 1e5, np.inf, np.nan]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, complement = sigmoid_and_complement(u)
        assert sigmoid_and_complement(-1e5) == (0.0, 1.0)
    np.testing.assert_allclose(value, [0, 0, 0, 0.5, 1, 1, 1, np.nan], atol=1e-300)
    np.testing.assert_allclose(complement, [1, 1, 1, 0.5, 0, 0, 0, np.nan], atol=1e-300)


@pytest.mark.parametrize("name", EXACT)
def test_one_number_and_an_array_of_it_agree(name):
    ours = EXACT[name][0]
    one = [ours.value(float(u)) for u in U]
    np.testing.assert_allclose(one, ours.value(U), rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", EXACT)
def test_lists_integers_and_numbers_are_taken(name):
    ours = EXACT[name][0]
    for function in (ours.value, ours.slope, ours.log_slope):
        np.testing.assert_allclose(function([0, 1]), function(np.array([0.0, 1.0])), rtol=0, atol=1e-16)
        assert np.shape(function(1.0)) == ()


@pytest.mark.parametrize("name", EXACT)
def test_no_warning_at_any_size(name):
    ours = EXACT[name][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for function in (ours.value, ours.slope, ours.log_slope):
            assert np.isfinite(function(np.array([-1e5, -1e3, 0.0, 1e3, 1e5]))).all()
            assert np.isfinite(function(-1e5))


@pytest.mark.parametrize(("name", "bound"), [("linear", 1.0), ("tanh", 1.0), ("sigmoid", 0.25)])
def test_slope_bound_is_the_largest_slope(name, bound):
    ours = activation(name)
    assert ours.slope_bound == bound == ours.slope(0.0)
    assert ours.slope(np.linspace(-30, 30, 10_001)).max() <= bound


def test_published_maxima():
    u = np.linspace(0, 3, 3_000_001)
    pull = u * SIGMOID.slope(u)
    assert pull.max() == pytest.approx(0.223872, abs=5e-7)
    assert u[pull.argmax()] == pytest.approx(1.543405, abs=2e-6)
    spread = u * TANH.slope(u)
    assert spread.max() == pytest.approx(0.447743, abs=5e-7)
    assert u[spread.argmax()] == pytest.approx(0.771702, abs=2e-6)


def test_an_unknown_name_is_refused():
    known = "'linear', 'tanh', 'sigmoid'"
    with pytest.raises(
        ValueError, match=f"activation must be one of {known}, got 'relu'; choose one of them"
    ):
        activation("relu")


def test_an_activation_stands_for_itself():
    assert activation(TANH) is TANH
    assert repr(TANH) == "activation('tanh')"
