"""Eigenvalues, spectra and (t, s) maps: what is drawn is the record, or follows from it by linear algebra."""

from math import log, log10

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.figures.map_ts import influence_map
from gradprod.figures.spectrum import eigenvalues, lyapunov_spectrum, product_spectrum
from gradprod.figures.theme import Style
from gradprod.products.spectra import Lyapunov
from gradprod.words import plain

STYLES = [Style(), Style("dark", 340, 360, touch=True), Style(width=1000, height=540, presenting=True)]
W = np.array([[0.0, -0.8], [0.8, 0.0]])
NILPOTENT = 2 * np.array([[1.0, -1.0], [1.0, -1.0]])


def exponents(values):
    values = np.asarray(values, float)
    return Lyapunov(exponents=values, error=np.full(values.shape, 0.01), running=values[None], discarded=0)


def trace(figure, uid):
    return next(t for t in figure["data"] if t["uid"] == uid)


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "matrix", [np.array([[0.5]]), W, NILPOTENT, np.random.default_rng(1).standard_normal((40, 40))]
)
def test_every_complex_plane_is_a_plotly_figure(matrix, style):
    figure = go.Figure(eigenvalues(matrix, style, slope_bound=0.25, mean_slope=0.2))
    x, y = figure.layout.xaxis.range, figure.layout.yaxis.range
    margin = figure.layout.margin
    across = style.width - margin.l - margin.r
    tall = style.height - margin.t - margin.b
    assert across / (x[1] - x[0]) == pytest.approx(tall / (y[1] - y[0]))


def test_eigenvalues_singular_values_and_the_critical_circle():
    figure = eigenvalues(W, Style(), slope_bound=0.25)
    dots, diamonds, circle = (trace(figure, uid) for uid in ("eigenvalues", "singular", "circle-bound"))
    np.testing.assert_allclose(dots["x"], 0, atol=1e-15)
    np.testing.assert_allclose(sorted(dots["y"]), [-0.8, 0.8], rtol=1e-12)
    np.testing.assert_allclose(diamonds["x"], 0.8, rtol=1e-12)
    np.testing.assert_allclose(np.hypot(circle["x"], circle["y"]), 4, rtol=1e-12)
    assert (dots["marker"]["symbol"], diamonds["marker"]["symbol"]) == ("circle-open", "diamond")
    assert circle["line"]["dash"] == "10px,6px"


def test_a_nilpotent_matrix_has_radius_zero_and_norm_four():
    (key,) = (text for text in texts(eigenvalues(NILPOTENT, Style())) if "eigenvalue" in text)
    assert "ρ = 0" in key
    assert "largest singular value 4" in key


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("n", [1, 8, 40])
def test_every_spectrum_is_a_plotly_figure(n, style):
    values = -np.arange(31)[:, None] * np.linspace(0.1, 2, n)
    assert go.Figure(product_spectrum(values, style, lyapunov=exponents(np.linspace(-0.2, -4, n)))).data
    assert go.Figure(lyapunov_spectrum(exponents(np.linspace(0.3, -4, n)), style)).data


def test_every_singular_value_is_a_line():
    values = -np.arange(31)[:, None] * np.array([0.1, 0.5, 2])
    figure = product_spectrum(values, Style())
    for k in range(3):
        np.testing.assert_array_equal(trace(figure, f"singular-{k}")["y"], values[:, k])
    assert {"largest 1.0·10⁻³", "smallest 1.0·10⁻⁶⁰"} <= set(texts(figure))


def test_of_many_singular_values_three_are_lines_within_a_band():
    values = -np.arange(31)[:, None] * np.linspace(0.1, 2, 41)
    figure = product_spectrum(values, Style())
    assert [t["uid"] for t in figure["data"]] == [
        "band-low",
        "band-high",
        "singular-40",
        "singular-20",
        "singular-0",
    ]


def test_a_lyapunov_exponent_is_a_straight_line_and_said_as_a_factor():
    values = -np.arange(31)[:, None] * np.array([0.1, 0.5])
    figure = product_spectrum(values, Style(), lyapunov=exponents([log(0.8), log(0.3)]))
    np.testing.assert_allclose(trace(figure, "lyapunov-0")["y"], [0, 30 * log10(0.8)], rtol=1e-12)
    assert "long-run rate × 0.8 a step" in texts(figure)


def test_growing_directions_have_another_colour_and_marker():
    figure = lyapunov_spectrum(exponents([0.3, -0.1, -np.inf]), Style())
    (dots,) = figure["data"]
    np.testing.assert_array_equal(dots["y"], [0.3, -0.1])
    assert dots["marker"]["symbol"] == ["triangle-up", "triangle-down"]
    assert len(set(dots["marker"]["color"])) == 2
    assert "1 of 3 directions are lost altogether" in texts(figure)


def table(length, per=-0.5):
    lag = np.arange(length)[:, None] - np.arange(length)
    return np.where(lag >= 0, per * lag, -np.inf)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("length", [1, 2, 40])
def test_every_map_is_a_plotly_figure(length, style):
    assert go.Figure(influence_map(table(length), style, title="one-way", step=1)).data


def test_where_there_is_no_path_there_is_no_colour():
    figure = influence_map(table(40), Style())
    z = figure["data"][0]["z"]
    np.testing.assert_array_equal(np.isnan(z), np.triu(np.ones((40, 40)), 1) == 1)
    assert texts(figure).count("no path") == 1
    both = np.maximum(table(40), table(40).T)
    assert "no path" not in texts(influence_map(both, Style()))


def test_colour_is_gold_within_ten_and_darker_with_distance():
    z = influence_map(table(40), Style(), reach=12)["data"][0]["z"]
    np.testing.assert_array_equal(np.diag(z, -2), 0)
    np.testing.assert_allclose(np.diag(z, -10), -(0.08 + 0.92 * 4 / 11), rtol=1e-6)
    assert (np.diag(z, -30) == -1).all()


def test_red_is_in_the_key_only_where_something_explodes():
    assert influence_map(table(40), Style())["data"][0]["zmax"] < 0.1
    grown = influence_map(table(40, 0.2), Style())["data"][0]
    assert grown["zmax"] == 1
    assert grown["z"][39, 0] > 0


def test_the_map_is_square():
    for style in STYLES:
        layout = influence_map(table(40), style)["layout"]
        margin = layout["margin"]
        x, y = layout["xaxis"]["domain"], layout["yaxis"]["domain"]
        across = (x[1] - x[0]) * (style.width - margin["l"] - margin["r"])
        assert across == pytest.approx((y[1] - y[0]) * (style.height - margin["t"] - margin["b"]))
