"""Readouts of products against closed forms, numpy.polyfit and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradprod.analysis.readouts import effective_memory, fit_rate, half_life, readouts, verdict
from gradprod.cells import ScalarRNN
from gradprod.inputs import SUNSPOTS, make_input, standardise
from gradprod.products import gradient_product
from gradprod.unroll import unroll

LAG = np.arange(201.0)


def log10_of(natural):
    return np.asarray(natural) / math.log(10)


def test_a_geometric_product_in_closed_form():
    r = readouts(LAG * math.log10(0.9))
    assert r.rate == pytest.approx(math.log(0.9), rel=1e-13)
    assert r.rate_factor == pytest.approx(0.9, rel=1e-13)
    assert r.half_life == pytest.approx(math.log(2) / -math.log(0.9), rel=1e-13)
    assert r.effective_memory == 43  # 0.9^43 = 0.01078, 0.9^44 = 0.0097
    assert (r.verdict, r.rule, r.left_log10) == ("vanishes", "tenfold", pytest.approx(-9.1514981, abs=1e-7))
    assert (r.peak_log10, r.peak_lag) == (0, 0)
    assert (r.power_law, r.memory_at_least, r.grows_first) == (False, False, False)
    assert (r.float64_limit_lag, r.float32_limit_lag) == (None, None)
    assert all(type(v) in (float, int, bool, str, type(None)) for v in vars(r).values())


def test_a_power_law_is_told_from_a_rate():
    r = readouts(-1.5 * np.log10(np.maximum(LAG, 1)))
    assert r.power_law
    assert r.power == pytest.approx(-1.5, rel=1e-12)
    lag = LAG[100:]
    assert r.rate == pytest.approx(np.polyfit(lag, -1.5 * np.log(lag), 1)[0], rel=1e-10)
    for constant in (0.0, 3.7):
        assert not readouts(np.full(50, constant)).power_law


def test_the_plain_cell_at_weight_one_falls_as_a_power_and_driven_cells_do_not():
    cell = ScalarRNN(recurrent_weight=1.0, input_weight=0.0)
    short, long = (readouts(gradient_product(unroll(cell, np.zeros(T), 1.0), source=0)) for T in (500, 2000))
    assert short.power_law
    assert long.power_law
    assert long.power == pytest.approx(-1.5, abs=0.01)
    # a fitted rate depends on the window: four times the lags, a quarter of the rate
    assert short.rate == pytest.approx(4 * long.rate, rel=0.02)
    weights = np.linspace(-4, 4, 81)
    for kind in ("constant", "sine", "noise", standardise(SUNSPOTS)):
        driven = unroll(ScalarRNN(recurrent_weight=weights), make_input(kind, 50))
        assert not readouts(gradient_product(driven)).power_law.any()


def test_a_saturating_start_that_vanishes():
    log10 = np.concatenate([np.linspace(0, 5, 11), np.linspace(4, -30, 40)])
    r = readouts(log10)
    assert r.grows_first
    assert (r.peak_log10, r.peak_lag, r.verdict) == (5, 10, "vanishes")
    # remembered once more at a later lag: the largest one counts
    assert r.effective_memory == np.flatnonzero(log10 >= -2)[-1]
    assert not readouts(log10[:11]).grows_first
    assert readouts(log10[:11]).memory_at_least


@pytest.mark.parametrize("length", [1, 2, 3, 4, 7, 10, 199, 200])
def test_the_rate_is_polyfits_over_the_second_half(length):
    log10 = np.cumsum(np.random.default_rng(length).normal(-0.1, 0.3, length + 1))
    half = [lag for lag in range(length + 1) if lag >= length / 2]
    half = half if len(half) > 1 else [0, 1]
    y = log10[half] * math.log(10)
    line = np.polyfit(half, y, 1)
    r = readouts(log10)
    assert r.rate == pytest.approx(line[0], rel=1e-9, abs=1e-12)
    if len(half) > 2:
        power = np.polyfit(np.log(half), y, 1)
        assert r.power == pytest.approx(power[0], rel=1e-9)
        squares = [np.sum((np.polyval(p, x) - y) ** 2) for p, x in ((line, half), (power, np.log(half)))]
        assert r.power_law == (squares[1] < squares[0] / 10)
    else:
        assert math.isnan(r.power)
        assert not r.power_law


@pytest.mark.parametrize(
    ("factor", "lag64", "lag32"),
    [
        # read from decimals, 1e-323 and float32's 1e-45 are subnormal numbers, 1e-324 and 1e-46 are 0
        (0.1, 324, 46),
        (10.0, 309, 39),
        (0.5, 1075, 150),
        (2.0, 1024, 128),
    ],
)
def test_limits_of_floating_point(factor, lag64, lag32):
    r = readouts(np.arange(2001) * math.log10(factor))
    assert (r.float64_limit_lag, r.float32_limit_lag) == (lag64, lag32)
    rounded = [factor**lag if factor < 1 or lag < lag64 else math.inf for lag in range(2001)]
    assert [v in (0, math.inf) for v in rounded].index(True) == lag64
    short = readouts(np.arange(lag32) * math.log10(factor))
    assert (short.float64_limit_lag, short.float32_limit_lag) == (None, None)


def test_an_exact_zero_is_shown_as_one():
    r = readouts([0, -1, -2, -np.inf, -np.inf])
    assert (r.rate, r.power, r.half_life, r.rate_factor, r.left_log10) == (-np.inf, -np.inf, 0, 0, -np.inf)
    assert (r.verdict, r.effective_memory, r.float64_limit_lag, r.float32_limit_lag) == ("vanishes", 2, 3, 3)
    assert not r.power_law


@pytest.mark.parametrize(
    ("left", "expected"),
    [(-1, "holds"), (1, "holds"), (-1.0000001, "vanishes"), (1.0000001, "explodes"), (-math.inf, "vanishes")],
)
def test_the_rule_of_ten(left, expected):
    assert readouts([0.0, left]).verdict == expected
    assert verdict(left) == expected


def test_nothing_holds_where_nothing_is_known():
    with pytest.raises(ValueError, match="left_log10 must not hold NaN, got it; look for a state"):
        verdict([0, math.nan])


def test_half_lives():
    np.testing.assert_allclose(
        half_life([-math.log(2), -math.log(2) / 8, 0, 1, -np.inf]), [1, 8, np.inf, np.inf, 0]
    )


def test_the_threshold_itself_is_remembered():
    assert effective_memory(LAG * math.log10(0.1), 0.01) == 2
    assert effective_memory(np.cumsum(np.full(300, math.log10(0.5))) - math.log10(0.5), 2.0**-200) == 200


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32 - 1), st.booleans())
def test_a_grid_is_read_as_its_rows_are(length, rows, seed, zeros):
    rng = np.random.default_rng(seed)
    log10 = np.cumsum(rng.normal(0, 8, (2, rows, length + 1)), axis=-1) - 0.1 * np.arange(length + 1)
    if zeros:
        log10[0, 0, rng.integers(1, length + 1) :] = -np.inf
    grid = readouts(log10, threshold=0.05)
    for index in np.ndindex(2, rows):
        for name, value in vars(readouts(log10[index], threshold=0.05)).items():
            if name != "rule":
                same = getattr(grid, name)[index]
                if isinstance(value, float):
                    assert same == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True), name
                else:
                    assert same == (-1 if value is None else value), name


@pytest.mark.parametrize(
    ("log10", "threshold", "sentence"),
    [
        ([0.0], 0.01, r"product must have lags 0 and 1 at least, got shape \(1,\); unroll over one step"),
        (0.0, 0.01, r"product must have lags 0 and 1 at least, got shape \(\)"),
        ([[0, 1, 2], [0, 1, np.nan]], 0.01, "product must not hold NaN, got it at lag 2; look at the factor"),
        ([0, 1], 0, "threshold must be above 0 and at most 1, got 0; 0.01 is the default"),
        ([0, 1], math.nan, "threshold must be above 0 and at most 1, got nan"),
        ([0, 1], 1.5, "threshold must be above 0 and at most 1, got 1.5"),
    ],
)
def test_what_is_refused(log10, threshold, sentence):
    with pytest.raises(ValueError, match=sentence):
        readouts(log10, threshold)


def test_fit_rate_alone_takes_products_too():
    class Product:
        log10 = log10_of(-0.25 * LAG)

    rate, power, power_law = fit_rate(Product())
    assert rate == pytest.approx(-0.25, rel=1e-12)
    assert power < 0
    assert not power_law
