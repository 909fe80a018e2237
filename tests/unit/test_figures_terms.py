"""Bars of terms: they stack up to the sum that the record states, each with its colour and hatch."""

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
    shapes = [b["marker"].get("pattern", {}).get("shape", "") for b in bars]
    assert shapes == [HATCHES[n] for n in names]
    assert sum("mean" in text for text in texts(figure)) == 5


def test_of_matrices_the_norms_are_drawn_and_no_sum():
    result = made(LSTM, 5, (3, 3))
    figure = step_terms(result, Style())
    norms = np.sqrt((result.terms["candidate"] ** 2).sum(axis=(1, 2)))
    np.testing.assert_allclose(trace(figure, "term-candidate")["y"], norms, rtol=1e-12)
    assert "sum" not in {t["uid"] for t in figure["data"]}


def test_many_steps_are_lines():
    figure = step_terms(made(LSTM, 1000), Style())
    assert {t["type"] for t in figure["data"]} == {"scatter"}
    assert sum(t["mode"] == "lines" for t in figure["data"]) == 5


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
