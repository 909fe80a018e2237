"""The theme: text that can be read, curves that stay apart for every eye, sizes by width."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from gradprod.figures.labels import push_apart
from gradprod.figures.theme import (
    GLYPHS,
    PALETTE,
    SYMBOLS,
    TRUTH,
    Style,
    cell_colour,
    line,
    sizes,
    step_ticks,
    text_width,
    whole_ticks,
    wrapped,
)

# simulated dichromacy in linear RGB (Machado, Oliveira, Fernandes 2009, severity 1)
EYES = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def linear(colour):
    v = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """WCAG 2: (L₁ + .05)/(L₂ + .05)."""
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (a, b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = np.cbrt(np.maximum(xyz / [0.9505, 1, 1.089], 1e-6))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", PALETTE)
@pytest.mark.parametrize(
    ("ground", "texts"),
    [
        ("page", "ink muted vanishes explodes hold_text you plain gated lstm gru bound"),
        ("panel", "ink muted"),
    ],
)
def test_text_colours_have_contrast(theme, ground, texts):
    for text in texts.split():
        assert contrast(getattr(PALETTE[theme], text), getattr(PALETTE[theme], ground)) >= 4.5, text


@pytest.mark.parametrize("theme", PALETTE)
@pytest.mark.parametrize("verdict", ["vanishes", "holds", "explodes"])
def test_text_on_a_verdict_has_contrast(theme, verdict):
    c = PALETTE[theme]
    assert contrast(getattr(c, f"on_{verdict}"), getattr(c, verdict)) >= 4.5


@pytest.mark.parametrize("theme", PALETTE)
@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize(
    ("names", "least"),
    [
        (("plain", "gated", "lstm", "gru"), 15),
        (("vanishes", "holds", "explodes"), 15),
        (("keep", "forget_path", "input_path", "candidate_path"), 15),
    ],
)
def test_colours_stay_apart_for_every_eye(theme, eye, names, least):
    seen = {n: lab(np.clip(EYES[eye] @ linear(getattr(PALETTE[theme], n)), 0, 1)) for n in names}
    for a, b in combinations(names, 2):
        assert np.linalg.norm(seen[a] - seen[b]) >= least, (a, b)


def test_what_colour_says_marker_and_dash_say_again():
    cells = ("plain", "gated", "lstm", "gru", "mingru")
    assert len({SYMBOLS[c] for c in cells}) == len({GLYPHS[c] for c in cells}) == len(cells)
    assert len({line(Style(), "#000000", kind)["dash"] for kind in TRUTH}) == len(TRUTH)


def test_a_cell_has_one_colour():
    assert cell_colour(Style(), "vector") == cell_colour(Style(), "plain") == "#17212B"
    assert cell_colour(Style("dark"), "mingru") == cell_colour(Style("dark"), "gru") == "#C98A2B"


def test_sizes_follow_width_and_presenter():
    assert (sizes(Style(width=340)).tick, sizes(Style(width=340)).title) == (13, 13)
    assert (sizes(Style()).tick, sizes(Style()).title, sizes(Style()).label) == (14, 15, 16)
    big = sizes(Style(width=1300, presenting=True))
    assert min(big.tick, big.label, big.title) >= 20
    assert line(Style(width=1300, presenting=True), "#000000")["width"] == pytest.approx(3.5 * 1.7)


def test_an_unknown_theme_is_refused():
    with pytest.raises(
        ValueError, match='theme must be "light" or "dark", got \'sepia\'; pass one of the two'
    ):
        Style("sepia")


def test_whole_ticks():
    assert whole_ticks(-17.2, 1.9, 6) == [-15, -10, -5, 0]
    assert whole_ticks(-1.6, 1.6, 6) == [-1, 0, 1]
    assert whole_ticks(-2310, 10, 6) == [-2000, -1500, -1000, -500, 0]
    assert step_ticks(50, 6) == [1, 10, 20, 30, 40, 50]
    assert step_ticks(1, 6) == [1]


def test_labels_are_pushed_apart_within_bounds():
    tops = push_apart([50, 50, 52], [20, 20, 20], 0, 100)
    ordered = sorted(tops)
    assert all(b - a >= 20 for a, b in pairwise(ordered))
    assert ordered[0] >= 0
    assert ordered[-1] + 20 <= 100
    assert push_apart([10, 80], [20, 20], 0, 100) == [0, 70]


def test_text_is_wrapped_at_spaces_outside_tags():
    assert wrapped("your prediction", 14, 60) == "your<br>prediction"
    assert wrapped('a <span style="color:red">b</span>', 14, 400) == 'a <span style="color:red">b</span>'
    assert text_width("10<sup>−12</sup>", 10) < text_width("10−12", 10)


@pytest.mark.parametrize(
    ("text", "ems"),
    [  # as Chromium's canvas measures them in DejaVu Sans, in which a Linux without Arial sets `FONT`
        ("<b>■ exact partial</b>", 8.43),
        ("<b>through the candidate</b>", 12.66),
        ("<b>◆ gated (tanh)</b>", 8.22),
        ("holds to lag 24", 7.43),
        ("through the update gate", 12.30),
        ("vanishes", 4.41),
        ("1.5", 1.59),
    ],
)
def test_no_font_makes_a_text_wider_than_its_room(text, ems):
    assert 0.99 * ems <= text_width(text, 1) <= 1.1 * ems
