"""The product against lag: every curve, label and verdict in the picture comes from the record."""

import re
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log, log10

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.figures.product_curve import FLOAT_LIMITS, Curve, marks, product_curve
from gradprod.figures.theme import PALETTE, Style
from gradprod.words import plain


@dataclass
class Product:
    sign: np.ndarray
    log10: np.ndarray


@dataclass
class Factors:
    sign: np.ndarray
    log: np.ndarray


def geometric(factor, length):
    """∂S_T/∂S_{T−lag} = factor^lag."""
    lags = np.arange(length + 1)
    return Product(np.sign(factor) ** lags, lags * log10(abs(factor)))


def cut_off(length, zero_from):
    lags = np.arange(length + 1)
    return Product((lags < zero_from) * 1.0, np.where(lags < zero_from, -0.1 * lags, -inf))


def traces(figure, uid):
    return [t for t in figure["data"] if str(t.get("uid", "")).startswith(uid)]


def texts(figure):
    return [plain(a["text"]) for a in figure["layout"]["annotations"]]


STYLES = [
    Style(),
    Style("dark", 340, 300, touch=True),
    Style(width=1336, height=440, presenting=True),
]
SUBJECTS = {
    "vanishing": (geometric(0.5, 50), {"bound": np.arange(51) * log10(0.9)}),
    "negative": (geometric(-0.9, 300), {}),
    "one step": (geometric(1.5, 1), {"prediction": 3.0}),
    "zero": (cut_off(30, 1), {"bound": cut_off(30, 1).log10}),
    "long": (geometric(0.9, 10_000), {"factors": Factors(np.ones(10_000), np.full(10_000, log(0.9)))}),
    "veiled": (geometric(0.5, 50), {"veil": True, "prediction": 9.0}),
    "bars": (cut_off(3, 2), {"factors": Factors(np.array([1, 0, 1]), np.array([log(2), -inf, log(0.1)]))}),
    "pinned": (geometric(0.5, 50), {"pins": [Curve(geometric(0.7, 50), "<i>W<sub>s</sub></i> = 0.7")]}),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_picture_is_a_plotly_figure(subject, style):
    product, options = SUBJECTS[subject]
    figure = go.Figure(product_curve([Curve(product)], style, **options))
    assert (figure.layout.width, figure.layout.height) == (style.width, style.height)
    assert figure.layout.dragmode == (False if style.touch else "zoom")
    assert all(a.text for a in figure.layout.annotations)


@pytest.mark.parametrize("length", [1, 50, 400, 10_000])
def test_the_curve_is_the_record(length):
    product = geometric(-0.8, length)
    figure = product_curve([Curve(product)], Style())
    (curve,) = traces(figure, "curve-0")
    np.testing.assert_array_equal(curve["x"], np.arange(length + 1))
    np.testing.assert_array_equal(curve["y"], product.log10)
    assert curve["line"]["dash"] == "solid"


def test_an_end_label_names_the_curve_and_its_value():
    found = texts(product_curve([Curve(geometric(0.5, 50))], Style(), bound=np.arange(51) * log10(0.9)))
    assert "exact 8.9·10⁻¹⁶" in found
    assert "bound (γ|W_s|)^lag 0.0052" in found


def test_a_bound_that_is_the_curve_is_said_so_and_drawn_once():
    product = geometric(1.2, 50)
    figure = product_curve([Curve(product)], Style(), bound=product.log10.copy())
    assert not traces(figure, "bound")
    assert "exact = bound 9 100".replace(" 100", "\u202f100") in texts(figure)


def test_a_bound_is_dashed_and_has_its_ends():
    figure = product_curve([Curve(geometric(0.5, 50))], Style(), bound=np.arange(51) * log10(0.9))
    (bound,) = traces(figure, "bound")
    assert bound["line"]["dash"] == "10px,6px"
    np.testing.assert_allclose(bound["y"][[0, -1]], [0, 50 * log10(0.9)], rtol=1e-12)


def test_negative_products_are_open():
    (curve,) = traces(product_curve([Curve(geometric(-0.9, 4))], Style()), "curve-0")
    ink, page = PALETTE["light"].plain, PALETTE["light"].page
    assert curve["marker"]["color"] == [ink, page, ink, page, ink]
    assert "−0.9" in curve["text"][1]


def test_an_alternating_sign_is_seen_in_a_long_product_too():
    (marks,) = traces(product_curve([Curve(geometric(-0.9, 1000))], Style()), "marks-0")
    assert {PALETTE["light"].plain, PALETTE["light"].page} == set(marks["marker"]["color"])


def test_a_zero_is_marked_and_not_dropped():
    figure = product_curve([Curve(cut_off(30, 12))], Style())
    (curve,) = traces(figure, "curve-0")
    axis = figure["layout"]["yaxis"]
    zero = axis["tickvals"][axis["ticktext"].index("<b>0</b>")]
    np.testing.assert_allclose(curve["y"][:12], -0.1 * np.arange(12), rtol=1e-12)
    assert set(curve["y"][12:]) == {zero}
    assert axis["range"][0] < zero < -1.1
    assert {"exactly 0 from lag 12", "exact 0"} <= set(texts(figure))


def strip(figure):
    """Verdict, left, right, top and bottom of each run in the strip."""
    return [
        (shape["name"], float(left), float(right), float(top), float(bottom))
        for shape in figure["layout"]["shapes"]
        if shape["type"] == "path"
        for left, top, right, bottom in re.findall(r"M(.+?),(.+?)H(.+?)V(.+?)H.+?Z", shape["path"])
    ]


def test_the_strip_says_the_verdict_of_every_lag():
    product = Product(np.ones(7), np.array([0, 0.5, 1.5, 2, 0.2, -3, -inf]))
    runs = strip(product_curve([Curve(product)], Style()))
    assert [(verdict, left, right) for verdict, left, right, _top, _bottom in runs] == [
        ("vanishes", 4.5, 6.5),
        ("holds", -0.5, 1.5),
        ("holds", 3.5, 4.5),
        ("explodes", 1.5, 3.5),
    ]
    found = texts(product_curve([Curve(geometric(0.9, 50))], Style()))
    assert {"holds to lag 21", "vanishes"} <= set(found)


def test_factor_bars_add_up_to_the_curve():
    factors = Factors(np.array([1, -1, 1]), np.log([0.5, 0.2, 3]))
    figure = product_curve([Curve(geometric(0.5, 3))], Style(), factors=factors)
    (bars,) = traces(figure, "factors")
    np.testing.assert_allclose(bars["y"], np.log10([3, 0.2, 0.5]), rtol=1e-12)
    assert bars["marker"]["color"] == [PALETTE["light"].explodes, *2 * [PALETTE["light"].vanishes]]
    assert [plain(t) for t in bars["hovertext"]] == [
        "factor 3 at step 3",
        "factor −0.2 at step 2",
        "factor 0.5 at step 1",
    ]


def test_forward_the_first_step_has_the_first_factor():
    factors = Factors(np.array([1, -1, 1]), np.log([0.5, 0.2, 3]))
    figure = product_curve([Curve(geometric(0.5, 3))], Style(), factors=factors, forward=True)
    (bars,) = traces(figure, "factors")
    np.testing.assert_allclose(bars["y"], np.log10([0.5, 0.2, 3]), rtol=1e-12)
    assert plain(bars["hovertext"][0]) == "factor 0.5 at step 1"
    assert "on from the first" in figure["layout"]["xaxis"]["title"]["text"]


def test_long_factors_are_an_area_above_and_below_one():
    log_factors = np.log(np.where(np.arange(1000) % 2, 0.5, 1.5))
    figure = product_curve(
        [Curve(geometric(0.9, 1000))], Style(), factors=Factors(np.ones(1000), log_factors)
    )
    below, above = traces(figure, "factors")
    np.testing.assert_allclose(below["y"] + above["y"], log_factors[::-1] / log(10), rtol=1e-12)
    assert below["y"].max() == 0 == above["y"].min()


@pytest.mark.parametrize(
    ("factor", "names"),
    [(0.5, []), (0.1, ["float32"]), (1e-8, ["float32", "float64"]), (1e3, ["float32"]), (0.9, [])],
)
def test_where_ordinary_numbers_end_is_dotted(factor, names):
    figure = product_curve([Curve(geometric(factor, 50))], Style())
    dotted = [s["y0"] for s in figure["layout"]["shapes"] if s["line"].get("dash") == "dot"]
    side = 0 if factor < 1 else 1
    assert dotted == [FLOAT_LIMITS[name][side] for name in names]
    assert {f"{name} ends here" for name in names} <= set(texts(figure))


def test_float_limits_are_numpy_s_own():
    with np.errstate(over="ignore", under="ignore"):
        for name, kind in (("float32", np.float32), ("float64", np.float64)):
            tiny, huge = np.finfo(kind).smallest_subnormal, np.finfo(kind).max
            low, high = FLOAT_LIMITS[name]
            assert low == pytest.approx(log10(float(tiny)) - log10(2), abs=1e-6)
            assert high == pytest.approx(log10(float(huge)), abs=1e-6)


def test_the_veil_gives_nothing_away():
    options = {"veil": True, "prediction": 9.0, "bound": np.arange(51) * log10(0.9)}
    factors = Factors(np.ones(50), np.full(50, log(0.5)))
    pins = [Curve(geometric(0.5, 50), "earlier")]
    one, other = (
        product_curve([Curve(geometric(f, 50))], Style(), factors=factors, pins=pins, **options)
        for f in (0.5, 1.4)
    )
    (curve,) = traces(one, "curve-0")
    assert len(curve["y"]) == 5
    assert len(one["data"]) == 2
    assert one["layout"] == other["layout"]
    assert "drawn once you commit" in texts(one)
    assert one["layout"]["hovermode"] is False


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("lag", "guess"), [(0, 0.0), (0, -20.0), (30, 9.0), (50, -3.0)])
def test_a_prediction_may_be_for_another_lag(style, lag, guess):
    figure = product_curve([Curve(geometric(0.5, 50))], style, prediction=guess, predicted_lag=lag)
    (mark,) = traces(figure, "prediction")
    assert (list(mark["x"]), list(mark["y"])) == ([lag], [guess])
    (said,) = [a for a in figure["layout"]["annotations"] if "your prediction" in a["text"]]
    assert (said["x"], said["y"], said["xanchor"]) == (lag, guess, "right" if lag > 25 else "left")
    assert not any("you said" in text for text in texts(figure))


def test_a_prediction_stays_in_the_picture():
    figure = product_curve([Curve(geometric(0.5, 50))], Style(), prediction=9.0)
    (mark,) = traces(figure, "prediction")
    assert (mark["x"][0], mark["y"][0], mark["marker"]["symbol"]) == (50, 9, "x-thin")
    assert "your prediction 1.0·10⁹" in texts(figure)
    assert "you said 1.0·10⁹" in texts(product_curve([Curve(geometric(0.5, 50))], STYLES[1], prediction=9.0))


def test_several_curves_differ_in_colour_marker_or_dash_and_each_has_a_strip():
    curves = [
        Curve(geometric(0.9, 200), "gated", cell="gated"),
        Curve(geometric(0.8, 200), "plain", cell="plain"),
        Curve(geometric(0.95, 200), "∏<i>f</i>", "approximation", "lstm"),
        Curve(geometric(0.94, 200), "exact, h held", "exact", "lstm"),
        Curve(geometric(0.93, 200), "exact, h moving", "exact", "lstm"),
    ]
    figure = product_curve(curves, Style())
    lines, marks = traces(figure, "curve"), traces(figure, "marks")
    looks = {
        (a["line"]["color"], a["line"]["dash"], b["marker"]["symbol"])
        for a, b in zip(lines, marks, strict=True)
    }
    assert len(looks) == len(curves)
    assert [t["name"] for t in lines] == ["gated", "plain", "∏f", "exact, h held", "exact, h moving"]
    rows = sorted({(bottom, top) for _verdict, _left, _right, top, bottom in strip(figure)})
    assert len(rows) == len(curves)
    assert all(top < bottom for (_low, top), (bottom, _high) in pairwise(rows))
    joined = " ".join(texts(figure))
    for name in ("◆ gated", "● plain", "■ ∏f", "✚ exact, h held", "★ exact, h moving"):
        assert name in joined


def test_a_bound_among_the_curves_is_dashed_and_has_neither_marks_nor_strip():
    curves = [Curve(geometric(0.9, 200), "norm", cell="vector"), Curve(geometric(0.95, 200), "γσ", "bound")]
    figure = product_curve(curves, Style())
    exact, limit = traces(figure, "curve")
    assert (limit["line"]["dash"], limit["line"]["color"]) == ("10px,6px", Style().colours.bound)
    assert len({top for _verdict, _left, _right, top, _bottom in strip(figure)}) == 1
    assert exact["line"]["dash"] == "solid"
    assert "γσ 3.5·10⁻⁵" in texts(figure)


def test_labels_do_not_touch():
    curves = [Curve(geometric(0.9 + 1e-4 * i, 200), f"curve {i}", cell="gru") for i in range(6)]
    figure = product_curve(curves, Style())
    ends = [a for a in figure["layout"]["annotations"] if "curve " in a["text"]]
    tops = sorted((-a["yshift"], a["font"]["size"] * 1.3 * (1 + a["text"].count("<br>"))) for a in ends)
    assert len(ends) == 6
    assert all(low + tall <= following for (low, tall), (following, _) in pairwise(tops))


def test_runs_become_a_median_with_a_band():
    factors = np.linspace(0.5, 0.9, 11)
    product = Product(np.ones((11, 21)), np.log10(factors)[:, None] * np.arange(21))
    figure = product_curve([Curve(product)], Style())
    (curve,) = traces(figure, "curve-0")
    low, high = (t for t in figure["data"] if t["type"] == "scatter" and t["line"]["width"] == 0)
    np.testing.assert_allclose(curve["y"][-1], 20 * log10(0.7), rtol=1e-12)
    np.testing.assert_allclose([low["y"][-1], high["y"][-1]], 20 * np.log10([0.54, 0.86]), rtol=1e-12)
    assert high["fill"] == "tonexty"
    assert any("median of 11" in text for text in texts(figure))


def test_pins_are_faint_and_named():
    pins = [Curve(geometric(0.7, 50), "<i>W<sub>s</sub></i> = 0.7")]
    figure = product_curve([Curve(geometric(0.5, 50))], Style(), pins=pins)
    (pin,) = traces(figure, "pin")
    np.testing.assert_array_equal(pin["y"], pins[0].product.log10)
    assert pin["opacity"] < 0.5
    assert "W_s = 0.7 1.8·10⁻⁸" in texts(figure)
    alike = product_curve([Curve(geometric(0.5, 50))], Style(), pins=[Curve(geometric(0.7, 50))])
    assert {"exact, pinned 1.8·10⁻⁸", "exact 8.9·10⁻¹⁶"} <= set(texts(alike))


def test_no_curve_is_refused():
    with pytest.raises(
        ValueError, match="curves must hold at least one Curve, got none; there is nothing to draw"
    ):
        product_curve([], Style())


def test_a_zero_in_between_is_drawn_and_not_called_the_end():
    between, nothing = np.array([-inf, 0.0, -inf, -1.0]), np.full(3, -inf)
    for values, said in ((between, False), (nothing, True)):
        layout = product_curve([Curve(Product(np.isfinite(values) * 1.0, values))], Style())["layout"]
        assert any("exactly 0 from lag 0" in note["text"] for note in layout["annotations"]) is said


def test_a_curve_s_band_is_that_of_its_other_runs_with_a_thin_median():
    runs = np.sort(np.random.default_rng(1).normal(size=(21, 31)), axis=0) - np.arange(31)
    runs[0, 20:] = -inf
    band = Product(np.ones(runs.shape), runs)
    subject = geometric(0.5, 30)
    figure = product_curve([Curve(subject, band=band), Curve(geometric(0.9, 30))], Style())
    np.testing.assert_array_equal(traces(figure, "low-curve-0")[0]["y"], runs[2])
    np.testing.assert_array_equal(traces(figure, "high-curve-0")[0]["y"], runs[18])
    median = traces(figure, "median-curve-0")[0]
    np.testing.assert_array_equal(median["y"], runs[10])
    assert median["line"]["width"] < traces(figure, "curve-0")[0]["line"]["width"]
    np.testing.assert_array_equal(traces(figure, "curve-0")[0]["y"], subject.log10)
    assert not traces(figure, "median-curve-1")
    low, high = figure["layout"]["yaxis"]["range"]
    assert low <= runs[2].min() <= runs[18].max() <= high
    assert not traces(product_curve([Curve(subject, band=band)], Style(), veil=True), "median")


def test_curves_of_one_colour_have_marks_of_their_own_wherever_they_stand():
    kinds = ["plain", "vector", "lstm", "lstm", "gru", "mingru", "mingru", "lstm", "plain"]
    curves = [Curve(geometric(0.9, 9), cell=kind) for kind in kinds]
    found = marks(curves)
    assert len({sign for _symbol, sign in found}) == len(curves)
    assert [found[i] for i in (0, 2, 4)] == [("circle", "●"), ("square", "■"), ("triangle-up", "▲")]
    ten = marks([Curve(geometric(0.9, 9), cell="lstm")] * 7)
    assert len(set(ten)) == 7
    last = Curve(curves[3].product, cell="lstm", mark=found[3])
    assert marks([last, curves[2]]) == [found[3], ("square", "■")]


def test_where_there_is_no_room_for_names_a_curve_s_sign_stands_alone():
    cells = [
        "plain",
        "gated",
        "lstm",
        "gru",
        "mingru",
        "plain",
        "lstm",
        "lstm",
        "gru",
        "gru",
        "plain",
        "gated",
    ]
    curves = [
        Curve(geometric(0.9 - 0.02 * k, 100), name=f"A long name, {k}", cell=cell)
        for k, cell in enumerate(cells)
    ]
    style = Style("light", 358, 270, touch=True)
    notes = [a for a in product_curve(curves, style)["layout"]["annotations"] if a.get("xanchor") == "left"]
    ends = [a for a in notes if a.get("x") == 1 and a["xref"] == "paper"]
    signs = [sign for _symbol, sign in marks(curves)]
    assert {plain(a["text"])[0] for a in ends} == set(signs)
    assert not any("name" in a["text"] for a in ends)
    tops = sorted(-a["yshift"] for a in ends)
    assert all(b - a >= 12 for a, b in pairwise(tops))
