"""A number against a parameter: curves, and the mark where you are, are the given values."""

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.figures.against import Dependence, against
from gradprod.figures.theme import Style
from gradprod.words import plain

STYLES = [Style(), Style("dark", 340, 300, touch=True), Style(width=1000, height=540, presenting=True)]
B = np.linspace(-8, 8, 161)
MEMORY = 1 / np.log1p(np.exp(-B))
TITLES = {"x_title": "forget bias", "y_title": "memory time (steps)"}


def trace(figure, uid):
    return next(t for t in figure["data"] if t["uid"] == uid)


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_every_picture_is_a_plotly_figure(logarithmic, style):
    curves = [Dependence(values=MEMORY, name="LSTM", cell="lstm"), Dependence(values=np.nan * B, name="none")]
    figure = against(B, curves, style, position=1.0, logarithmic=logarithmic, **TITLES)
    assert len(go.Figure(figure).data) == 3


def test_the_mark_stands_on_the_curve_and_says_its_value():
    figure = against(B, [Dependence(values=MEMORY)], Style(), position=3.0, logarithmic=True, **TITLES)
    np.testing.assert_allclose(trace(figure, "curve-0")["y"], np.log10(MEMORY), rtol=1e-12)
    assert trace(figure, "here-0")["y"] == pytest.approx([np.log10(20.58)], abs=1e-3)
    assert "21" in texts(figure)
    assert figure["layout"]["shapes"][0]["x0"] == 3


def test_curves_are_named_with_their_values_here():
    gate = 1 / (1 + np.exp(-B))
    curves = [
        Dependence(values=gate, name="<i>f</i>", cell="lstm"),
        Dependence(values=gate * (1 - gate), name="slope", kind="approximation", cell="lstm"),
    ]
    figure = against(B, curves, Style(), position=3.0, **TITLES)
    assert {"f 0.95", "slope 0.045"} <= set(texts(figure))
    assert trace(figure, "curve-0")["line"]["dash"] != trace(figure, "curve-1")["line"]["dash"]


def test_no_curve_is_refused():
    with pytest.raises(ValueError, match="curves must hold at least one Dependence, got none"):
        against(B, [], Style(), **TITLES)
