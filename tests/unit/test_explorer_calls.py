"""What lessons share: cells as calls, tables, columns beside lags, and the band over seeds of one cell."""

import math

import numpy as np
import pytest

import gradprod
from gradprod.analysis.spread import spread
from gradprod.cells import GatedCell, ScalarGRU, ScalarLSTM, ScalarMinGRU, ScalarRNN
from gradprod.explorers import GRU, LSTM, GatedAgainstPlain, VanishOrExplode
from gradprod.explorers.calls import cell_call
from gradprod.explorers.products import band_columns, beside_lags
from gradprod.explorers.reading import degrees, html_table, lag_table
from gradprod.products import LogProduct


@pytest.mark.parametrize(
    "cell",
    [
        ScalarRNN(activation="sigmoid", recurrent_weight=-1.25, bias=0.0),
        GatedCell(state_activation="tanh", forget_bias=4.6, forget_weight=0.0),
        ScalarLSTM(forget_bias=-2.0, candidate_weight=0.0, input_gate_peephole=2.0),
        ScalarGRU(reset="after", update_bias=1 / 3),
        ScalarMinGRU(update_bias=0.0),
    ],
)
def test_a_cell_as_a_call_makes_the_same_cell(cell):
    again = eval(cell_call(cell), vars(gradprod))
    assert type(again) is type(cell)
    for name, value in cell.parameters.items():
        assert float(getattr(again, name)) == pytest.approx(float(value), rel=1e-9), name
    for name in ("activation", "state_activation", "reset"):
        assert getattr(again, name, None) == getattr(cell, name, None)


def test_a_call_leaves_out_what_is_zero_here_and_by_default():
    assert cell_call(ScalarRNN(bias=0.0)) == (
        "ScalarRNN(\n    activation='tanh',\n    recurrent_weight=0.9,\n    input_weight=0.5,\n)"
    )
    assert "input_weight=0," in cell_call(ScalarRNN(input_weight=0.0))


def test_a_table_of_lags_says_products_with_their_sign_and_dashes_where_there_is_no_entry():
    product = LogProduct(sign=np.array([1, -1, np.nan]), log10=np.array([0, 1, np.nan]))
    table = lag_table({"p": product, "size": np.array([0.0, -1.0, -np.inf])})
    assert list(table.head)[1:] == ["p", "size"]
    assert table.rows == [["1", "−10", "0.1"], ["2", "–", "0"]]
    assert lag_table({"one": np.zeros(1)}).rows == [["0", "1"]]


def test_a_table_in_html_marks_the_row_in_focus():
    text = html_table([["a", "1"], ["b", "2"]], head=["", "n"], lit=1)
    rows = text.split("<tr")[1:]
    assert ["box-shadow" in row for row in rows] == [False, False, True]
    assert rows[1].index("text-align:left") < rows[1].index("a</td>")
    assert text.count("text-align:left") == 3
    assert degrees(math.pi / 2) == "90°"


def test_columns_beside_lags_begin_with_the_newest_step_or_with_the_first():
    back = beside_lags({"x": [5.0, 6.0, 7.0], "one": 1.0}, 3)
    np.testing.assert_array_equal(back["step"], [np.nan, 3, 2, 1])
    np.testing.assert_array_equal(back["x"], [np.nan, 7, 6, 5])
    np.testing.assert_array_equal(back["one"], [np.nan, 1, 1, 1])
    np.testing.assert_array_equal(beside_lags({"x": [5.0, 6.0]}, 2, forward=True)["x"], [np.nan, 5, 6])


def test_the_spread_of_eleven_runs_is_three_of_them():
    runs = np.random.default_rng(3).permutation(11)[:, None] * np.array([1.0, -2.0])
    found = spread(runs)
    np.testing.assert_array_equal(found.low, [1, -18])
    np.testing.assert_array_equal(found.median, [5, -10])
    np.testing.assert_array_equal(found.high, [9, -2])
    for n in (1, 2, 6, 25, 26):
        runs = np.random.default_rng(n).normal(size=(n, 3))
        expected = np.quantile(runs, (0.1, 0.5, 0.9), axis=0, method="nearest")
        found_here = spread(runs)
        np.testing.assert_array_equal([found_here.low, found_here.median, found_here.high], expected)
    assert list(band_columns("n", found)) == ["n", "n_10th_percentile", "n_90th_percentile"]


@pytest.mark.parametrize("lesson", [VanishOrExplode, GatedAgainstPlain, LSTM, GRU])
def test_the_band_is_the_lesson_s_own_product_on_other_seeds(lesson):
    model = lesson(input="noise", sequence_length=12, seed=5, show_band=True)
    assert model.band.log10.shape == (25, 13)
    for k in (0, 24):
        other = lesson(input="noise", sequence_length=12, seed=5 + k)
        np.testing.assert_allclose(model.band.log10[k], other.result.log10, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(model.band.sign[k], other.result.sign)
    assert len(model.with_band(model.curve())) == 2
    model.ask()
    assert len(model.with_band(model.curve())) == 1
