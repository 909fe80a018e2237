"""φ and φ′ with the visited places on them, and how often each is visited."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.figures.slopes import Visited, cell_slope_curve, slopes
from gradprod.figures.theme import Style
from gradprod.words import plain

STYLES = [Style(), Style("dark", 340, 340, touch=True), Style(width=1336, height=540, presenting=True)]
U = 1.2 * np.sin(np.arange(1, 51) / 3)


def trace(figure, uid):
    return next(t for t in figure["data"] if t["uid"] == uid)


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid"])
@pytest.mark.parametrize("visited", [None, U[:1], U, 100 * np.sin(np.arange(10_000))])
def test_every_picture_is_a_plotly_figure(visited, activation, style):
    figure = go.Figure(slopes(visited, style, activation=activation))
    assert figure.layout.xaxis.range[0] <= -5 < 5 <= figure.layout.xaxis.range[1]


def test_the_curves_are_the_activations_and_their_slopes():
    figure = slopes(U, Style())
    for name, value, slope in (
        ("linear", lambda u: u, lambda u: 0 * u + 1),
        ("tanh", np.tanh, lambda u: 1 / np.cosh(u) ** 2),
        ("sigmoid", lambda u: 1 / (1 + np.exp(-u)), lambda u: 0.25 / np.cosh(u / 2) ** 2),
    ):
        curve, steep = trace(figure, f"value-{name}"), trace(figure, f"slope-{name}")
        np.testing.assert_allclose(curve["y"], value(curve["x"]), rtol=1e-12)
        np.testing.assert_allclose(steep["y"], slope(steep["x"]), rtol=1e-12)
        assert steep["yaxis"] == "y2"


def test_the_visited_places_are_the_run():
    figure = slopes(U, Style())
    marks = trace(figure, "visited-slope")
    np.testing.assert_array_equal(marks["x"], U)
    np.testing.assert_allclose(marks["y"], 1 / np.cosh(U) ** 2, rtol=1e-12)
    assert marks["text"][3] == "step 4"


def test_the_typical_slope_is_the_geometric_mean():
    mean = np.exp(np.mean(np.log(1 / np.cosh(U) ** 2)))
    figure = slopes(U, Style())
    assert f"typical slope {mean:.2f}" in texts(figure)
    assert figure["layout"]["shapes"][1]["y0"] == pytest.approx(mean, rel=1e-12)


@pytest.mark.parametrize(("activation", "bound"), [("linear", 1), ("tanh", 1), ("sigmoid", 0.25)])
def test_the_bound_of_the_slope_is_dashed_and_named(activation, bound):
    figure = slopes(U, Style(), activation=activation)
    line = figure["layout"]["shapes"][0]
    assert (line["y0"], line["line"]["dash"]) == (bound, "10px,6px")
    assert f"bound {bound}" in texts(figure)


def test_the_shares_of_the_steps_add_up():
    for length in (50, 10_000):
        counts = trace(slopes(np.sin(np.arange(length)), Style()), "counts")
        assert counts["y"].sum() == pytest.approx(1, rel=1e-12)


def test_the_chosen_one_stands_out():
    figure = slopes(U, Style(), activation="sigmoid")
    widths = {name: trace(figure, f"slope-{name}")["line"]["width"] for name in ("linear", "tanh", "sigmoid")}
    assert widths["sigmoid"] > 1.5 * widths["tanh"] == 1.5 * widths["linear"]
    assert any(a["text"] == "<b>σ</b>" for a in figure["layout"]["annotations"])


def test_without_a_run_nothing_of_it_is_seen():
    figure = slopes(None, Style())
    assert not [t for t in figure["data"] if t["uid"].startswith(("visited", "counts"))]
    assert not any("typical" in text for text in texts(figure))


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="activation must be one of 'linear', 'tanh', 'sigmoid', got 'relu'"):
        slopes(U, Style(), activation="relu")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("visited", [None, np.array([0.0]), np.linspace(-9, 9, 1000)])
def test_every_cell_slope_is_a_plotly_figure(visited, style):
    assert go.Figure(cell_slope_curve(visited, style)).data[0].type == "scatter"


def test_the_cell_slope_has_its_bound_and_the_largest_visited():
    c = np.array([0.0, 0.2, -1.5])
    figure = cell_slope_curve(c, Style())
    marks = trace(figure, "visited")
    np.testing.assert_allclose(marks["y"], np.abs(c) * (1 - np.tanh(c) ** 2), rtol=1e-12)
    assert figure["layout"]["shapes"][0]["y0"] == pytest.approx(0.447743, abs=1e-6)
    assert {"bound 0.4477", "largest here 0.2711"} <= set(texts(figure))


def test_a_pinned_run_is_an_outline_and_a_line_of_its_own_mark():
    kept = np.array([0.0, 0.0, 0.0, -2.0])
    pins = [Visited(places=kept, activation="tanh"), Visited(places=kept + 8.0, activation="sigmoid")]
    figure = slopes(U, Style(), pins=pins)
    outline, other = trace(figure, "pin-0"), trace(figure, "pin-1")
    assert outline["y"].sum() == other["y"].sum() == pytest.approx(1, rel=1e-12)
    top = outline["y"].argmax()
    assert outline["y"][top] == 0.75
    assert outline["x"][top] == pytest.approx(0, abs=0.3)
    np.testing.assert_array_equal(outline["x"], trace(figure, "counts")["x"])
    assert figure["layout"]["xaxis"]["range"][1] >= 8
    mean = (1 / np.cosh(2) ** 2) ** 0.25
    assert trace(figure, "pin-slope-0")["y"] == pytest.approx([mean, mean], rel=1e-12)
    symbols = [trace(figure, f"pin{part}-{k}")["marker"]["symbol"] for part in ("", "-slope") for k in (0, 1)]
    assert symbols == ["circle-open", "square-open"] * 2
    said = " ".join(texts(figure))
    assert f"○ pinned {mean:.2f}" in said
    assert "□ pinned, σ" in said


def test_pins_are_hidden_with_the_run():
    pins = [Visited(places=U, activation="tanh")]
    figure = slopes(None, Style(), pins=pins)
    assert not [t for t in figure["data"] if t["uid"].startswith("pin")]
    assert not any("pinned" in text for text in texts(figure))


@pytest.mark.parametrize("style", STYLES)
def test_three_pins_fit(style):
    kept = (U, U[:1], 40 * U)
    pins = [Visited(places=u, activation=a) for u, a in zip(kept, ("tanh", "linear", "sigmoid"), strict=True)]
    go.Figure(slopes(U, style, pins=pins))
    go.Figure(slopes(U[:1], style, pins=pins))
