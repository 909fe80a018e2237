"""A number over a parameter, and named numbers as bars."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.figures.relation import Mark, bars, relation
from gradprod.figures.theme import Style

STYLES = [Style(), Style(theme="dark", width=340, height=270), Style(width=1300, height=480, presenting=True)]


@pytest.mark.parametrize("style", STYLES)
def test_the_line_holds_the_values_and_the_ring_is_where_you_are(style: Style) -> None:
    x, y = np.linspace(-8, 8, 9), np.linspace(-1, 3, 9)
    figure = relation(
        x,
        y,
        style,
        x_title="bias",
        y_title="steps",
        mark=Mark(x=2.0, y=1.5, text="32 steps"),
        colour="#00785A",
    )
    go.Figure(figure)
    curve, ring = figure["data"]
    np.testing.assert_array_equal(curve["y"], y)
    assert (ring["x"][0], ring["y"][0]) == (2.0, 1.5)
    assert any("32 steps" in a["text"] for a in figure["layout"]["annotations"])


@pytest.mark.parametrize("style", STYLES)
def test_every_bar_says_its_number_and_nothing_at_all_says_0(style: Style) -> None:
    figure = bars(["as it is", "frozen"], np.array([-3.0, -np.inf]), style, title="left", colour="#00785A")
    go.Figure(figure)
    texts = [a["text"] for a in figure["layout"]["annotations"]]
    assert any("10<sup>−3</sup>" in t for t in texts)
    assert any(t == "<b>0</b>" for t in texts)
    assert figure["data"][0]["x"][0] == -3.0
    low, _high = figure["layout"]["xaxis"]["range"]
    assert figure["data"][0]["x"][1] == low


def test_measured_points_stand_beside_the_line_and_widen_its_axis() -> None:
    x, y = np.linspace(0, 4, 5), np.linspace(-1, 1, 5)
    points = np.array([1.0, 3.0]), np.array([-3.0, 2.0])
    mark = Mark(x=2.0, y=0.0, text="here")
    figure = relation(x, y, Style(), x_title="g", y_title="rate", mark=mark, colour="#17212B", points=points)
    go.Figure(figure)
    measured = next(t for t in figure["data"] if t["uid"] == "points")
    np.testing.assert_array_equal(measured["y"], points[1])
    low, high = figure["layout"]["yaxis"]["range"]
    assert low < -3
    assert high > 2
