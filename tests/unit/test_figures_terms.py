"""Bars of terms: they stack up to the sum that the record states, each with its colour and hatch."""

from urllib.parse import unquote

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.analysis.terms import StepTerms
from gradprod.bptt import Terms
from gradprod.figures.terms import HATCHES, gradient_terms, step_terms
from gradprod.figures.theme import Style
from gradprod.words import plain

STYLES = [Style(), Style("dark", 340, 420, touch=True), Style(width=1336, height=540, presenting=True)]
LSTM = ("keep", "forget_gate", "input_gate", "candidate")
GRU = ("keep", "old_state", "candidate", "new_state")


def made(names, length, shape=()):
    rng = np.random.default_rng(3)
    terms = {n: rng.standard_normal((length, *shape)) for n in names}
    return StepTerms(steps=np.arange(2, length + 2), terms=terms, total=sum(terms.values()))


def gradient(values, t):
    values = np.asarray(values, float)
    one = np.ones(len(values))
    return Terms(
        sources=np.arange(t - len(values) + 1, t + 1),
        error_signal=one,
        product=one,
        product_log10=0 * one,
        immediate=values,
        values=values,
        gradient=values.sum(),
    )


THREE = {
    "readout_weight": gradient([0.5], 3),
    "input_weight": gradient([0.1, -0.4, 0.2], 3),
    "recurrent_weight": gradient([0.05, 0.3, 0.9], 3),
}


def trace(figure, uid):
    return next(t for t in figure["data"] if t.get("uid") == uid)


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("names", [LSTM, GRU])
@pytest.mark.parametrize(("length", "shape"), [(1, ()), (49, ()), (1000, ()), (20, (3, 3))])
def test_every_picture_of_steps_is_a_plotly_figure(length, shape, names, style):
    assert len(go.Figure(step_terms(made(names, length, shape), style)).data) >= 4


@pytest.mark.parametrize("names", [LSTM, GRU])
def test_the_bars_stack_up_to_the_sum(names):
    result = made(names, 20)
    figure = step_terms(result, Style())
    bars = [trace(figure, f"term-{n}") for n in names]
    np.testing.assert_allclose(sum(b["y"] for b in bars), result.total, rtol=1e-12)
    np.testing.assert_array_equal(trace(figure, "sum")["y"], result.total)
    np.testing.assert_array_equal(bars[0]["x"], np.arange(2, 22))
    assert figure["layout"]["barmode"] == "relative"


@pytest.mark.parametrize("names", [LSTM, GRU])
def test_terms_differ_in_colour_and_in_hatch_and_are_named(names):
    figure = step_terms(made(names, 20), Style())
    bars = [trace(figure, f"term-{n}") for n in names]
    assert len({b["marker"]["color"] for b in bars}) == len({HATCHES[n] for n in names}) == 4
    patterns = [b["marker"].get("pattern", {}) for b in bars]
    assert [p.get("shape", "") for p in patterns] == [HATCHES[n] for n in names]
    # plotly leaves out a bar's own colour behind a hatch unless it is told
    assert all(p["bgcolor"] == b["marker"]["color"] for b, p in zip(bars, patterns, strict=True) if p)
    assert sum("mean" in text for text in texts(figure)) == 5


def test_of_matrices_the_norms_are_drawn_and_no_sum():
    result = made(LSTM, 5, (3, 3))
    figure = step_terms(result, Style())
    norms = np.sqrt((result.terms["candidate"] ** 2).sum(axis=(1, 2)))
    np.testing.assert_allclose(trace(figure, "term-candidate")["y"], norms, rtol=1e-12)
    assert "sum" not in {t["uid"] for t in figure["data"]}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("length", [20, 1000])
def test_a_swatch_has_the_colour_and_hatch_of_its_bars_and_stands_before_its_name(length, style):
    figure = step_terms(made(LSTM, length), style)
    images, labels = figure["layout"]["images"], figure["layout"]["annotations"][1:]
    drawn = [unquote(i["source"]) for i in images]
    assert len(set(drawn)) == 5
    margin = figure["layout"]["margin"]
    wide = style.width - margin["l"] - margin["r"]
    for n, name in enumerate(LSTM):
        marker = trace(figure, f"term-{name}")["marker"]
        assert f'fill="{marker["color"]}"' in drawn[n]
        assert f'stroke="{marker["line"]["color"]}"' in drawn[n]
    for image, label in zip(images, labels, strict=True):
        end = (image["x"] - 1 + image["sizex"]) * wide
        assert 0 < label["xshift"] - end < 14


def contrast(one, other):
    def light(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return float(np.dot((0.2126, 0.7152, 0.0722), linear)) + 0.05

    a, b = light(one), light(other)
    return max(a, b) / min(a, b)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hatch_and_fill_can_be_told_apart(theme):
    figure = step_terms(made(LSTM, 20), Style(theme))
    hatched = [t["marker"] for t in figure["data"] if "pattern" in t.get("marker", {})]
    assert len(hatched) == 3
    assert all(contrast(m["color"], m["pattern"]["fgcolor"]) > 3 for m in hatched)


def test_of_many_steps_every_bar_is_the_mean_of_several():
    result = made(LSTM, 1000)  # 7 steps a bar, and 6 in the last
    figure = step_terms(result, Style())
    bar = trace(figure, "term-candidate")
    values = result.terms["candidate"]
    assert len(bar["y"]) == 143
    assert bar["y"][0] == pytest.approx(values[:7].mean(), rel=1e-12)
    assert bar["y"][-1] == pytest.approx(values[-6:].mean(), rel=1e-12)
    assert (bar["x"][0], bar["x"][-1]) == (5, 998.5)
    assert (bar["customdata"][0], bar["customdata"][-1]) == ("2–8", "996–1001")
    assert list(bar["width"][[0, -1]]) == [7, 6]
    sums = trace(figure, "sum")["y"]
    assert sums[3] == pytest.approx(result.total[21:28].mean(), rel=1e-12)
    assert "mean of every 7 steps" in texts(figure)[0]


@pytest.mark.parametrize("style", STYLES)
def test_every_staircase_is_a_plotly_figure(style):
    assert len(go.Figure(gradient_terms(THREE, style)).data) == 6


def test_each_term_begins_where_the_one_before_ended_and_the_last_ends_at_the_gradient():
    figure = gradient_terms(THREE, Style())
    bars = trace(figure, "terms-input_weight")
    np.testing.assert_allclose(bars["y"], [0.2, -0.4, 0.1])
    np.testing.assert_allclose(bars["base"], [0, 0.2, -0.2], atol=1e-15)
    np.testing.assert_array_equal(bars["customdata"], [3, 2, 1])
    assert trace(figure, "sum-input_weight")["y"] == pytest.approx([-0.1])
    assert "∂L/∂W_x = −0.1" in texts(figure)
    assert "∂L/∂W_s = 1.2" in texts(figure)


def test_terms_fade_with_the_lag_and_the_one_in_focus_has_an_edge():
    figure = gradient_terms(THREE, Style(), lit=("recurrent_weight", 2))
    marker = trace(figure, "terms-recurrent_weight")["marker"]
    alphas = [float(c.rsplit(",", 1)[1].rstrip(")")) for c in marker["color"]]
    assert alphas[0] == 1 > alphas[1] > alphas[2]
    assert marker["line"]["color"][1] == Style().colours.you
    assert marker["line"]["width"] == [1, 3, 1]
