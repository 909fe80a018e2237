"""One theme for every picture: colours, dashes, sizes, and what a layout starts from.

Colour says which cell or term a line belongs to, dash says what kind of truth it is, and a marker says both
again for those who can't tell the colours apart.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

Figure = dict[str, Any]
"""A plotly figure as ``{"data": [...], "layout": {...}}``, with numpy arrays in it."""

FONT = (
    '-apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", "DejaVu Sans Condensed", '
    '"PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif'
)


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The colours of one theme; see `PALETTE`."""

    page: str
    panel: str
    ink: str
    muted: str
    rule: str
    grid: str
    vanishes: str
    holds: str
    explodes: str
    on_vanishes: str
    on_holds: str
    on_explodes: str
    hold_band: str
    hold_text: str
    you: str
    plain: str
    gated: str
    lstm: str
    gru: str
    bound: str
    keep: str
    forget_path: str
    input_path: str
    candidate_path: str


PALETTE = {
    "light": Palette(
        page="#FFFFFF",
        panel="#F4F6F8",
        ink="#17212B",
        muted="#55626F",
        rule="#D5DBE1",
        grid="#E6EAEE",
        vanishes="#1F66B0",
        holds="#F2BE22",
        explodes="#B3263A",
        on_vanishes="#FFFFFF",
        on_holds="#17212B",
        on_explodes="#FFFFFF",
        hold_band="rgba(242,190,34,0.20)",
        hold_text="#6B5000",
        you="#D4008F",
        plain="#17212B",
        gated="#7A1FA2",
        lstm="#00785A",
        gru="#A86500",
        bound="#6B7785",
        keep="#2B2E83",
        forget_path="#D9CBEF",
        input_path="#1FC796",
        candidate_path="#C4682F",
    ),
    "dark": Palette(
        page="#0E141B",
        panel="#18212B",
        ink="#F4F7FA",
        muted="#A9B4C0",
        rule="#32404D",
        grid="#222D38",
        vanishes="#6AA6F5",
        holds="#F8D24A",
        explodes="#E2607A",
        on_vanishes="#0E141B",
        on_holds="#0E141B",
        on_explodes="#0E141B",
        hold_band="rgba(248,210,74,0.20)",
        hold_text="#F8D24A",
        you="#FF7CCB",
        plain="#F4F7FA",
        gated="#E39BFF",
        lstm="#2FE0A0",
        gru="#C98A2B",
        bound="#8592A0",
        keep="#6A72E0",
        forget_path="#E0C8F7",
        input_path="#35E0B0",
        candidate_path="#F07A30",
    ),
}

SYMBOLS = {
    "plain": "circle",
    "vector": "circle",
    "gated": "diamond",
    "lstm": "square",
    "gru": "triangle-up",
    "mingru": "triangle-up-open",
}
"""plotly's marker for each cell."""

GLYPHS = {"plain": "●", "vector": "●", "gated": "◆", "lstm": "■", "gru": "▲", "mingru": "△"}
"""The same marker in a text."""

TRUTH = {"exact": ((), 3.5), "bound": ((10, 6), 2.5), "approximation": ((2, 5), 3.5)}
"""Dash and width by kind of truth."""

PINS = (("circle-open", "○"), ("square-open", "□"), ("diamond-open", "◇"))
"""plotly's marker for what is pinned first, second, third, and the same in a text: hollow."""

FACTOR_SCALE: list[list[Any]] = [
    [0, "#00224E"],
    [0.1, "#123570"],
    [0.25, "#3B496C"],
    [0.5, "#7D7C78"],
    [0.75, "#B8AB63"],
    [0.9, "#E9D54D"],
    [1, "#FEE838"],
]
"""A factor from 0 to 1: dark forgets, bright keeps; common kinds of colour blindness read it alike."""

DARK_ON_PICTURE = "#17212B"
LIGHT_ON_PICTURE = "#FFFFFF"
CHIP_ON_PICTURE = "rgba(14,20,27,0.82)"
"""Ink, light and the ground of a label on a coloured picture, in both themes."""


@dataclass(frozen=True)
class Style:
    """How a picture is drawn, apart from what is in it.

    Parameters
    ----------
    theme : str
        "light" or "dark".
    width, height : int
        In pixels; sizes follow the picture's own width.
    presenting : bool
        For a projector: everything larger, nothing to read under 20 pixels.
    touch : bool
        No dragging inside the picture, so that the page scrolls.

    Raises
    ------
    ValueError
        If the theme is unknown.
    """

    theme: str = "light"
    width: int = 700
    height: int = 500
    presenting: bool = False
    touch: bool = False

    def __post_init__(self) -> None:
        if self.theme not in PALETTE:
            raise ValueError(f'theme must be "light" or "dark", got {self.theme!r}; pass one of the two')

    @property
    def colours(self) -> Palette:
        """The palette of this theme."""
        return PALETTE[self.theme]


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes in pixels (`line` and `marker`: factors); `wide` where there is room for words."""

    tick: int
    label: int
    title: int
    line: float
    marker: float
    strip: int
    wide: bool


def sizes(style: Style) -> Sizes:
    """Sizes for a picture of this width: a phone's, a page's, or a projector's."""
    if style.presenting:
        return Sizes(tick=22, label=24, title=22, line=1.7, marker=1.6, strip=44, wide=style.width > 700)
    if style.width < 520:
        return Sizes(tick=13, label=14, title=13, line=0.9, marker=0.85, strip=24, wide=False)
    return Sizes(tick=14, label=16, title=15, line=1.0, marker=1.0, strip=28, wide=True)


def cell_colour(style: Style, cell: str) -> str:
    """The colour of a cell in every picture; a vector cell has the plain cell's, minGRU the GRU's."""
    c = style.colours
    return {"gated": c.gated, "lstm": c.lstm, "gru": c.gru, "mingru": c.gru}.get(cell, c.plain)


def line(style: Style, colour: str, kind: str = "exact", weight: float = 1.0) -> Figure:
    """A plotly line of this colour, with the dash and the width of a kind of truth."""
    dash, width = TRUTH[kind]
    scale = sizes(style).line
    text = ",".join(f"{part * max(1.0, scale):g}px" for part in dash) if dash else "solid"
    return {"color": colour, "width": round(width * scale * weight, 2), "dash": text}


def translucent(colour: str, share: float) -> str:
    """The colour as rgba with this share of opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share:g})"


def regime_scale(style: Style) -> list[list[Any]]:
    """Colour scale from −1 (vanishes fastest) over 0 (holds) to 1 (explodes fastest); darker is faster."""
    dark = style.theme == "dark"
    holds = style.colours.holds
    return [
        [0.0, "#1C4E8C" if dark else "#0E3E78"],
        [0.46, "#7FB2F2" if dark else "#9CC3EA"],
        [0.4601, holds],
        [0.5399, holds],
        [0.54, "#F0A0AE" if dark else "#F0A9B2"],
        [1.0, "#A3283F" if dark else "#7E1023"],
    ]


def base_layout(style: Style, margin: dict[str, float], **more: Any) -> Figure:
    """What the layout of every picture starts from."""
    c, size = style.colours, sizes(style)
    return {
        "font": {"family": FONT, "size": size.tick, "color": c.ink},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "separators": ".\u202f",
        "dragmode": False if style.touch else "zoom",
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": c.ink,
            "bordercolor": c.ink,
            "font": {"family": FONT, "size": size.tick, "color": c.page},
            "align": "left",
        },
        "uirevision": "keep",  # but no transition: even one of no duration draws every change twice
        "width": style.width,
        "height": style.height,
        "margin": {**margin, "pad": 0},
        **more,
    }


def base_axis(style: Style, **more: Any) -> Figure:
    """What every axis starts from: muted ticks, no line, a faint grid."""
    c, size = style.colours, sizes(style)
    return {
        "color": c.ink,
        "gridcolor": c.grid,
        "gridwidth": 1,
        "zeroline": False,
        "showline": False,
        "ticks": "",
        "ticklabelstandoff": 10 if style.presenting else 5,
        "tickfont": {"size": size.tick, "color": c.muted},
        "tickangle": 0,  # left to plotly, this and the next cost a measurement of every label at every step
        "ticklabeloverflow": "allow",
        "fixedrange": style.touch,
        **more,
    }


def axis_title(style: Style, text: str, standoff: float = 8) -> Figure:
    """The title of an axis."""
    return {
        "text": text,
        "font": {"size": sizes(style).title, "color": style.colours.ink},
        "standoff": standoff,
    }


def note(text: str, size: float, colour: str, **more: Any) -> Figure:
    """A text in the picture, without an arrow."""
    return {"text": text, "showarrow": False, "font": {"size": size, "color": colour}, **more}


def flat_title(style: Style, text: str, y: float, left: float, lift: float | None = None) -> Figure:
    """The title of a vertical axis, flat above it; `y` in paper units, `left` the left margin."""
    return note(
        text,
        sizes(style).title,
        style.colours.ink,
        x=0,
        xref="paper",
        xanchor="left",
        xshift=4 - left,
        y=y,
        yref="paper",
        yanchor="bottom",
        yshift=(16 if style.presenting else 8) if lift is None else lift,
        align="left",
    )


def outward(low: float, high: float) -> tuple[float, float]:
    """The range rounded outwards by at most a twelfth, to where it stays while its ends move a little.

    plotly draws a step faster whose axes stand still, and the eye has something to hold on to.
    """
    least = (high - low) / 30
    step = 10.0 ** math.floor(math.log10(least)) if least > 0 else 1.0
    step = next(k * step for k in (1, 2, 5, 10) if k * step >= least)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def whole_ticks(low: float, high: float, count: int) -> list[int]:
    """About `count` whole numbers at even, round distances from `low` to `high`."""
    raw = max((high - low) / count, 1)
    scale = 1
    while raw > 10 * scale:
        scale *= 10
    step = next(k * scale for k in (1, 2, 5, 10) if k * scale >= raw)
    first = -int(-low // step)
    return [k * step for k in range(first, int(high // step) + 1)]


def step_ticks(length: int, count: int) -> list[int]:
    """Steps to name on an axis from 1 to `length`: the first, then round ones."""
    ticks = [k for k in whole_ticks(0, length, count) if k > 0]
    step = ticks[0] if ticks else 1
    return [1, *(k for k in ticks if k > 0.4 * step and k != 1)]


# ---- how wide a text will be ----

# Those of DejaVu Sans, the widest font that stands in for `FONT`: no text turns out wider than its room.
BOLDER = 1.12
"""How much wider a text is in bold."""

_WIDTHS = {
    **dict.fromkeys("iljI'’|.,:;! \u202f/·", 0.33),
    **dict.fromkeys("ft()[]r-", 0.39),
    **dict.fromkeys("szcL‖∂", 0.54),
    **dict.fromkeys("w▲", 0.82),
    **dict.fromkeys("mMW@%−→✚●○■◆★⬢⧓⬟✦▨▩░△✕", 0.96),
}


def text_width(html: str, size: float) -> float:
    """About how many pixels the widest line of a text takes."""
    widest = 0.0
    for row in html.split("<br>"):
        width, scale = 0.0, 1.0
        for tag, letter in re.findall(r"<(/?su[bp])>|<[^>]+>|(&\w+;|.)", row):
            if tag:
                scale = 1.0 if tag[0] == "/" else 0.7
            elif letter:
                wide = 0.72 if letter.isupper() else 0.63
                width += scale * (1.05 if letter > "\u2e80" else _WIDTHS.get(letter[0], wide))
        widest = max(widest, width * (BOLDER if "<b>" in row else 1.0))
    return widest * size


def wrapped(html: str, size: float, room: float) -> str:
    """The text broken at its spaces so that no line is wider than `room`, where words allow."""
    lines: list[str] = []
    for word in re.split(r" (?![^<]*>)", html):
        if lines and text_width(f"{lines[-1]} {word}", size) <= room:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "<br>".join(lines)
