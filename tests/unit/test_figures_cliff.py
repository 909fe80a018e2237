"""The cliff and clipping: surface, descents and angles are those of the records."""

import math

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.analysis.clipping import Clipped, Descent
from gradprod.figures.cliff import Walk, cliff_map, clipping_arrows
from gradprod.figures.theme import Style, text_width
from gradprod.words import plain

STYLES = [Style(), Style("dark", 340, 360, touch=True), Style(width=1000, height=540, presenting=True)]
W, B = np.linspace(2, 8, 61), np.linspace(-4, 0, 41)
ERROR = 10.0 ** (-3 + np.abs(W - 5) + 0 * B[:, None])


def descent(w, b):
    w, b = np.asarray(w, float), np.asarray(b, float)
    return Descent(weight=w, bias=b, error=0.1 + 0 * w, gradient_norm=2 + 0 * w)


WALKS = [
    Walk(descent=descent([5, 4.5, 40], [-2, -1.9, 9]), name="plain"),
    Walk(descent=descent([5, 4.8, 4.6], [-2, -2.1, -2.2]), name="clipped", exact=False),
]


def trace(figure, uid):
    return next(t for t in figure["data"] if t["uid"] == uid)


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


@pytest.mark.parametrize("style", STYLES)
def test_every_picture_is_a_plotly_figure(style):
    assert len(go.Figure(cliff_map(W, B, ERROR, style, walks=WALKS, start=(5, -2))).data) == 7
    assert len(go.Figure(cliff_map(W, B, 0 * ERROR, style)).data) == 1


def test_the_surface_is_the_error_on_a_logarithmic_scale():
    surface = trace(cliff_map(W, B, ERROR, Style()), "surface")
    np.testing.assert_allclose(surface["z"][0], -3 + np.abs(W - 5), atol=1e-12)


def test_walks_differ_in_dash_and_marker_and_say_when_they_leave():
    figure = cliff_map(W, B, ERROR, Style(), walks=WALKS)
    one, other = trace(figure, "walk-0"), trace(figure, "walk-1")
    np.testing.assert_array_equal(one["x"], [5, 4.5, 40])
    assert one["line"]["dash"] != other["line"]["dash"]
    assert one["marker"]["symbol"] != other["marker"]["symbol"]
    assert {"plain step 2 leaves the picture", "clipped"} <= set(texts(figure))
    assert plain(one["text"][1]) == "step 1: error 0.1, gradient 2"


PHONE = Style(width=390, height=270, touch=True)


@pytest.mark.parametrize("style", [PHONE, Style(width=684, height=440), STYLES[2]])
@pytest.mark.parametrize("start", [(4.2, -2.12), (4.6, -2.36), (3.9, -1.9)])
def test_labels_leave_the_cliff_and_the_paths_free(style, start):
    # an error that is least on the line b = −1.75 − 0.65 (w − 3.7); the plain walk leaves to the right
    w, b = np.linspace(3.7, 5.2, 81), np.linspace(-2.8, -1.6, 65)
    error = np.clip(np.abs(b[:, None] + 1.75 + 0.65 * (w - 3.7)), 1e-4, None)
    away = descent([start[0], start[0] + 1], [start[1], start[1] + 1.6])
    near = descent([start[0], start[0] + 0.08], [start[1], start[1] + 0.13])
    walks = [Walk(descent=away, name="plain"), Walk(descent=near, name="clipped", exact=False)]
    figure = cliff_map(w, b, error, style, walks=walks, start=start)
    margin = figure["layout"]["margin"]
    across, tall = style.width - margin["l"] - margin["r"], style.height - margin["t"] - margin["b"]

    def place(x, y):
        return (np.asarray(x) - 3.7) / 1.5 * across, (-1.6 - np.asarray(y)) / 1.2 * tall

    valley = place(w, -1.75 - 0.65 * (w - 3.7))
    path = place(start[0] + np.linspace(0, 1, 300), start[1] + 1.6 * np.linspace(0, 1, 300))
    for label in (a for a in figure["layout"]["annotations"] if a.get("showarrow")):
        x, y = place(label["x"], label["y"])
        lines = label["text"].split("<br>")
        wide = max(text_width(line, label["font"]["size"]) for line in lines) / 2
        high = len(lines) * 0.65 * label["font"]["size"]
        for px, py in (valley, path):
            covered = (np.abs(px - x - label["ax"]) < wide) & (np.abs(py - y - label["ay"]) < high)
            assert not covered.any(), label["text"]


def test_the_start_has_a_ring():
    figure = cliff_map(W, B, ERROR, Style(), start=(5, -2))
    assert [(t["x"], t["y"]) for t in figure["data"][1:]] == [([5.0], [-2.0])] * 2


@pytest.mark.parametrize("style", STYLES)
def test_arrows_have_equal_scales_and_say_their_angles(style):
    by_norm = Clipped(
        gradient={"g": np.array([0.6, 0.8])}, norm_before=5, norm_after=1, angle=0.0, changed=True
    )
    by_value = Clipped(
        gradient={"g": np.array([1.0, 1.0])},
        norm_before=5,
        norm_after=2**0.5,
        angle=math.radians(8),
        changed=True,
    )
    made = clipping_arrows([3, 4], [("by norm", by_norm), ("by value", by_value)], style, names=("w", "b"))
    figure = go.Figure(made)
    np.testing.assert_array_equal([trace(made, f"arrow-{k}")["x"][1] for k in range(3)], [3, 0.6, 1])
    assert {"gradient", "by norm turned by 0°", "by value turned by 8°"} <= set(texts(made))
    assert len({trace(made, f"arrow-{k}")["line"]["dash"] for k in range(3)}) == 3
    layout, margin = figure.layout, figure.layout.margin
    x, y = layout.xaxis.range, layout.yaxis.range
    across, tall = style.width - margin.l - margin.r, style.height - margin.t - margin.b
    assert across / (x[1] - x[0]) == pytest.approx(tall / (y[1] - y[0]))
