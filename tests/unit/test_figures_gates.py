"""Gates and states over time: every line is the record's, named at its end."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.figures.gates import Panel, Series, gates_over_time, over_time
from gradprod.figures.theme import Style
from gradprod.words import plain

STYLES = [Style(), Style("dark", 340, 320, touch=True), Style(width=1336, height=540, presenting=True)]


def run(length):
    t = np.arange(1, length + 1)
    gates = {"f": 0.7 + 0.1 * np.sin(t / 3), "i": 0.5 + 0.1 * np.sin(t / 3), "o": np.full(length, 0.25)}
    return gates, {"S": np.concatenate(([0.0], np.sin(t / 5)))}, np.cos(t / 3)


def trace(figure, uid):
    return next(t for t in figure["data"] if t.get("uid") == uid)


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("length", [1, 50, 10_000])
def test_every_picture_is_a_plotly_figure(length, style):
    gates, states, inputs = run(length)
    figure = go.Figure(gates_over_time(gates, states, style, inputs=inputs))
    assert figure.layout.yaxis3.domain[0] == 0
    assert figure.layout.yaxis.domain[1] == pytest.approx(1)
    assert figure.layout.xaxis.anchor == "y3"


def test_gates_start_at_step_one_and_states_at_step_zero():
    gates, states, _inputs = run(50)
    figure = gates_over_time(gates, states, Style())
    f, s = trace(figure, "line-0-0"), trace(figure, "line-1-0")
    np.testing.assert_array_equal(f["x"], np.arange(1, 51))
    np.testing.assert_array_equal(f["y"], gates["f"])
    np.testing.assert_array_equal(s["x"], np.arange(51))
    np.testing.assert_array_equal(s["y"], states["S"])
    assert figure["layout"]["yaxis"]["range"] == [-0.06, 1.06]


def test_lines_of_a_panel_differ_in_marker_as_in_colour_and_are_named():
    gates, states, _inputs = run(50)
    figure = gates_over_time(gates, states, Style())
    looks = {
        (trace(figure, f"line-0-{k}")["line"]["color"], trace(figure, f"marks-0-{k}")["marker"]["symbol"])
        for k in range(3)
    }
    assert len({c for c, _ in looks}) == len({s for _, s in looks}) == 3
    said = " ".join(texts(figure))
    for name in ("● forget gate f", "✕ input gate i", "■ output gate o", "0.25", "S"):
        assert name in said


@pytest.mark.parametrize("style", STYLES)
def test_the_sign_before_a_name_has_the_colour_of_its_line(style):
    gates, states, _inputs = run(50)
    figure = gates_over_time(gates, states, style)
    said = " ".join(a["text"] for a in figure["layout"]["annotations"])
    for k, sign in enumerate("●✕■"):
        assert f'<span style="color:{trace(figure, f"line-0-{k}")["line"]["color"]}">{sign}</span>' in said


def test_several_runs_become_a_median_with_a_band():
    values = np.linspace(0, 1, 11)[:, None] * np.ones(20)
    figure = gates_over_time({"f": values}, {}, Style())
    low, high = (t for t in figure["data"] if t["line"]["width"] == 0)
    np.testing.assert_allclose(trace(figure, "line-0-0")["y"], 0.5)
    np.testing.assert_allclose([low["y"][0], high["y"][0]], [0.1, 0.9], rtol=1e-12)


def test_an_end_that_is_zero_but_for_rounding_is_said_to_be_zero():
    said = texts(gates_over_time({}, {"S": np.array([0.0, 1.0, 6e-16])}, Style()))
    assert "S 0" in said


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="panels must hold at least one series, got none"):
        over_time([Panel(title="state", series=[])], Style())


def test_a_pinned_line_is_thin_faint_and_hollow():
    now, kept = np.linspace(0, 1, 20), np.linspace(3, 2, 30)
    lines = [
        Series(name="now", values=now, colour="#123456"),
        Series(name="pinned", values=kept, colour="#123456", symbol="circle-open", pinned=True),
    ]
    figure = over_time([Panel(title="row", series=lines)], Style())
    drawn, pin = trace(figure, "line-0-0"), trace(figure, "line-0-1")
    np.testing.assert_array_equal(pin["y"], kept)
    assert pin["opacity"] < 0.5
    assert pin["line"]["width"] < drawn["line"]["width"]
    assert trace(figure, "marks-0-1")["marker"]["symbol"] == "circle-open"
    assert {"● now 1", "○ pinned 2"} <= set(texts(figure))
    assert figure["layout"]["xaxis"]["range"][1] >= 30
