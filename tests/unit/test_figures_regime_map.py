"""The regime map: colours say the regime and its speed, each regime is named once, a ring marks the place."""

from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.analysis.regimes import RegimeMap
from gradprod.figures.regime_map import FASTEST, regime_map
from gradprod.figures.theme import Style
from gradprod.words import plain

X, Y = np.linspace(-4, 4, 81), np.linspace(-4, 4, 41)


def made(values, readout="left"):
    return RegimeMap(
        x_name="recurrent_weight", x=X, y_name="input_weight", y=Y, readout=readout, values=values
    )


LEFT = np.tile(np.where(np.abs(X) < 0.95, -40.0, np.where(np.abs(X) < 1.05, 0.5, 20.0)), (41, 1))
STYLES = [
    Style(width=320, height=260),
    Style("dark", 300, 240, touch=True),
    Style(width=700, height=420, presenting=True),
]


def names(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("readout", ["left", "rate", "verdict", "memory"])
def test_every_map_is_a_plotly_figure(readout, style):
    values = {
        "left": LEFT,
        "rate": LEFT / 50,
        "verdict": np.where(LEFT < -1, "vanishes", np.where(LEFT > 1, "explodes", "holds")),
        "memory": np.tile(np.arange(81), (41, 1)),
    }[readout]
    figure = go.Figure(regime_map(made(values, readout), style, length=50, position=(0.9, 0.5)))
    assert figure.layout.dragmode is False
    assert [t.type for t in figure.data] == ["heatmap"]
    assert len(figure.layout.images) == 1


def test_colour_says_regime_and_speed():
    z = regime_map(made(LEFT), Style(), length=50)["data"][0]["z"]
    assert z.shape == (41, 81)
    np.testing.assert_allclose(z[:, 40], -(0.08 + 0.92 * 40 / 50 / FASTEST), rtol=1e-6)
    np.testing.assert_allclose(z[:, 80], 0.08 + 0.92 * 20 / 50 / FASTEST, rtol=1e-6)
    np.testing.assert_array_equal(z[:, 50], 0)


def test_an_exact_zero_is_the_darkest_blue():
    values = LEFT.copy()
    values[:, 40] = -np.inf
    z = regime_map(made(values), Style(), length=50)["data"][0]["z"]
    np.testing.assert_array_equal(z[:, 40], -1)


def test_a_rate_has_the_colour_of_what_it_leaves():
    by_left = regime_map(made(LEFT), Style(), length=50)["data"][0]["z"]
    by_rate = regime_map(made(LEFT * np.log(10) / 50, "rate"), Style(), length=50)["data"][0]["z"]
    np.testing.assert_allclose(by_rate, by_left, rtol=1e-12)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("position", [(0.9, 0.5), (-4, -4), (4, 4), None])
def test_every_regime_that_is_there_is_named_once(style, position):
    found = names(regime_map(made(LEFT), style, length=50, position=position))
    assert sorted(found) == sorted(["W_x", "vanishes", "holds", "explodes"])
    only = names(regime_map(made(np.full((41, 81), -9.0)), style, length=50, position=position))
    assert only == ["W_x", "vanishes"]


def test_a_name_stands_in_its_regime_and_a_line_ends_there():
    figure = regime_map(made(LEFT), Style(width=320, height=260), length=50, position=(0.9, 0.5))
    for name, belongs in (("vanishes", -40), ("holds", 0.5), ("explodes", 20)):
        (at,) = (a for a in figure["layout"]["annotations"] if plain(a["text"]) == name)
        column = int(np.abs(X - at["x"]).argmin())
        assert LEFT[0, column] == belongs


def test_the_ring_marks_the_place():
    figure = regime_map(made(LEFT), Style(), length=50, position=(1.5, -2))
    layout = figure["layout"]
    (ring,) = layout["images"]
    for anchor, axis, value in (("x", "xaxis", 1.5), ("y", "yaxis", -2.0)):
        low, high = layout[axis]["range"]
        assert low + ring[anchor] * (high - low) == pytest.approx(value, rel=1e-12)
    margin = layout["margin"]
    across = ring["sizex"] * (layout["width"] - margin["l"] - margin["r"])
    assert across == pytest.approx(ring["sizey"] * (layout["height"] - margin["t"] - margin["b"]))
    assert across > 15
    circles = ElementTree.fromstring(unquote(ring["source"].partition(",")[2]))
    assert len({circle.get("stroke") for circle in circles}) == 2


def test_names_rest_while_the_ring_moves_a_little():
    one, other = (
        regime_map(made(LEFT), Style(), length=50, position=(x, 0.5))["layout"] for x in (1.5, 1.55)
    )
    assert one["images"] != other["images"]
    assert {**one, "images": 0} == {**other, "images": 0}


def test_a_small_map_is_drawn_without_names():
    small = RegimeMap(x_name="bias", x=[0.0], y_name="x", y=[0.0, 1], readout="left", values=np.zeros((2, 1)))
    assert go.Figure(regime_map(small, Style(width=200, height=200), length=5)).data[0].z.shape == (2, 1)
