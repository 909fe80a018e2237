"""Where a cell vanishes, holds and explodes, over a plane of two of its parameters; a ring marks you."""

from __future__ import annotations

import math
from itertools import product
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.regimes import RegimeMap
from gradprod.figures.theme import (
    CHIP_ON_PICTURE,
    DARK_ON_PICTURE,
    FACTOR_SCALE,
    LIGHT_ON_PICTURE,
    Figure,
    Sizes,
    Style,
    axis_title,
    base_axis,
    base_layout,
    flat_title,
    note,
    regime_scale,
    sizes,
    text_width,
)
from gradprod.i18n import gettext as _
from gradprod.words import decimals, regime_name

LETTERS = {
    "recurrent_weight": "<i>W<sub>s</sub></i>",
    "input_weight": "<i>W<sub>x</sub></i>",
    "bias": "<i>b</i>",
    "forget_weight": "<i>W<sub>f</sub></i>",
    "forget_bias": "<i>b<sub>f</sub></i>",
    "input_gate_weight": "<i>W<sub>i</sub></i>",
    "input_gate_bias": "<i>b<sub>i</sub></i>",
    "initial_state": "<i>S</i><sub>0</sub>",
}
"""Parameters as equations write them."""

FASTEST = 0.8
"""Powers of ten a step at which a regime has its darkest colour."""

_VERDICTS = ("vanishes", "holds", "explodes")

_Place = tuple[float, float, float, float]
"""Centre, in pixels from the left and from below, width and height of something in the map."""


def regime_map(
    result: RegimeMap,
    style: Style,
    *,
    length: int,
    position: tuple[float, float] | None = None,
    names: tuple[str, str] | None = None,
    remark: str = "",
) -> Figure:
    """The regimes over two parameters: blue, gold and red, darker where it goes faster, each named once.

    Parameters
    ----------
    result : gradprod.analysis.regimes.RegimeMap
        Of the readout "left", "verdict", "rate" or "memory".
    style : Style
    length : int
        Steps T of the runs.
    position : (float, float), optional
        Where the ring stands.
    names : (str, str), optional
        What the axes are called, HTML; by default the letters of the parameters.
    remark : str, optional
        What is said above the map beside the vertical axis' name, HTML.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`. The first trace is the map:
        a click's x and y are parameters.
    """
    size = sizes(style)
    x, y = np.asarray(result.x, float), np.asarray(result.y, float)
    left = max(
        34 if not style.presenting else 60, max(text_width(decimals(v), size.tick) for v in y[[0, -1]]) + 12
    )
    margin = {"l": round(left), "r": 14, "t": 30 if not style.presenting else 46, "b": 2.4 * size.title + 6}
    across, tall = style.width - margin["l"] - margin["r"], style.height - margin["t"] - margin["b"]
    x_name, y_name = names or (_letter(result.x_name), _letter(result.y_name))
    heatmap, codes = _heatmap(result, style, length, x_name, y_name)
    said = f'   <span style="color:{style.colours.muted}">{remark}</span>' if remark else ""
    notes = [flat_title(style, y_name + said, 1, margin["l"], 6)]
    if codes is not None:
        notes += _regime_names(codes, heatmap["z"], x, y, (across, tall), position, size)
    half = (abs(x[1] - x[0]) / 2 if len(x) > 1 else 0.5, abs(y[1] - y[0]) / 2 if len(y) > 1 else 0.5)
    still = {"fixedrange": True, "showgrid": False}
    layout = base_layout(style, margin, dragmode=False, annotations=notes)
    layout["xaxis"] = base_axis(
        style,
        range=[x.min() - half[0], x.max() + half[0]],
        title=axis_title(style, x_name, 4),
        **_few_ticks(x, 5),
        **still,
    )
    layout["yaxis"] = base_axis(
        style, range=[y.min() - half[1], y.max() + half[1]], **_few_ticks(y, 3), **still
    )
    if position is not None:
        ends = [layout[axis]["range"] for axis in ("xaxis", "yaxis")]
        p, q = ((v - low) / (high - low) for v, (low, high) in zip(position, ends, strict=True))
        layout["images"] = [_ring((float(p), float(q)), (across, tall), size)]
    return {"data": [heatmap], "layout": layout}


def _few_ticks(values: NDArray[np.float64], count: int) -> Figure:
    """Ticks at the ends and evenly between."""
    at = np.linspace(values.min(), values.max(), count)
    return {"tickmode": "array", "tickvals": at.tolist(), "ticktext": [decimals(v) for v in at]}


def _letter(name: str) -> str:
    return LETTERS.get(name, name.replace("_", " "))


def _heatmap(
    result: RegimeMap, style: Style, length: int, x_name: str, y_name: str
) -> tuple[Figure, NDArray[np.int64] | None]:
    """The map's trace, and which regime each place belongs to (none for a memory)."""
    where = f"{x_name} %{{x:.2f}}, {y_name} %{{y:.2f}}"
    trace: Figure = {
        "type": "heatmap",
        "uid": "map",
        "name": _("regimes"),
        "x": np.asarray(result.x, float),
        "y": np.asarray(result.y, float),
        "showscale": False,
    }
    if result.readout == "memory":
        memory = np.maximum(np.asarray(result.values, float), 0)
        trace |= {
            "z": np.log1p(memory) / math.log1p(length),
            "zmin": 0,
            "zmax": 1,
            "colorscale": FACTOR_SCALE,
        }
        says = _("remembers {n} steps", n="%{customdata:,d}")
        return trace | {"customdata": memory, "hovertemplate": f"{where}<br>{says}<extra></extra>"}, None
    if result.readout == "verdict":
        codes = np.select([result.values == "vanishes", result.values == "explodes"], [0, 2], 1)
        scaled = (codes - 1) * 0.75
    else:
        left: NDArray[np.float64] = np.asarray(result.values, float)
        left = left * length / math.log(10) if result.readout == "rate" else left
        with np.errstate(invalid="ignore"):
            codes = 1 - (left < -1).astype(int) + (left > 1)
        speed = 0.08 + 0.92 * np.minimum(1, np.abs(left) / length / FASTEST)
        scaled = (codes - 1) * np.where(np.isfinite(left), speed, 1)
        exponent = np.where(np.isfinite(left), np.round(left), -9999).astype(np.int32)
        trace |= {
            "customdata": exponent,
            "hovertemplate": f"{where}<br>10<sup>%{{customdata}}</sup><extra></extra>",
        }
    return trace | {
        "z": scaled.astype(np.float32),
        "zmin": -1,
        "zmax": 1,
        "colorscale": regime_scale(style),
    }, codes


def _ring(at: tuple[float, float], room: tuple[float, float], size: Sizes) -> Figure:
    """A ring that is seen on every colour, white inside dark, at shares of the map's width and height.

    An image: plotly moves one without drawing anything else anew, and the map’s edge does not clip it.
    """
    reach = 11 * size.marker
    circles = "".join(
        f"<circle r='8' fill='none' stroke='{colour}' stroke-width='{width}'/>"
        for colour, width in ((DARK_ON_PICTURE, 6), (LIGHT_ON_PICTURE, 3))
    )
    picture = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='-11 -11 22 22'>{circles}</svg>"
    return {
        "name": _("you are here"),
        "source": f"data:image/svg+xml,{quote(picture)}",
        "xref": "paper",
        "yref": "paper",
        "x": at[0],
        "y": at[1],
        "sizex": 2 * reach / room[0],
        "sizey": 2 * reach / room[1],
        "xanchor": "center",
        "yanchor": "middle",
    }


# ---- every regime is named once: inside it, or by a line to its thickest place ----


def _regime_names(
    codes: NDArray[np.int64],
    shade: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    pixels: tuple[float, float],
    position: tuple[float, float] | None,
    size: Sizes,
) -> list[Figure]:
    per_x, per_y = pixels[0] / len(x), pixels[1] / len(y)
    taken: list[_Place] = []
    if position is not None and len(x) > 1 and len(y) > 1:
        # a coarse place, so that the names rest while the ring moves a little
        p, q = (round(8 * (p - v[0]) / (v[-1] - v[0])) / 8 for p, v in zip(position, (x, y), strict=True))
        taken.append((p * pixels[0], q * pixels[1], 30 * size.marker, 30 * size.marker))
    notes: list[Figure] = []
    outside = []
    for code in (0, 2, 1):
        mask = codes == code
        if not mask.any():
            continue
        text = f"<b>{regime_name(_VERDICTS[code])}</b>"
        wide, tall = text_width(text, size.tick) + 10, size.tick + 8.0
        window = (math.ceil(tall / per_y), math.ceil(wide / per_x))
        inside = _windows(mask, window) == window[0] * window[1]
        if not inside.any():
            outside.append((mask, text, wide, tall))
            continue
        deep = _windows(np.abs(shade) > 0.6, window) == window[0] * window[1]
        row, column = _farthest(inside, deep, window, (per_x, per_y), taken, pixels)
        taken.append(((column + window[1] / 2) * per_x, (row + window[0] / 2) * per_y, wide, tall))
        at = {"x": float(x[column + window[1] // 2]), "y": float(y[row + window[0] // 2])}
        ink = DARK_ON_PICTURE if code == 1 else LIGHT_ON_PICTURE
        chip = {} if code == 1 or deep[row, column] else {"bgcolor": CHIP_ON_PICTURE, "borderpad": 3}
        notes.append(note(text, size.tick, ink, **at, **chip))
    for mask, text, wide, tall in outside:
        notes.append(_pointed(mask, text, wide, tall, x, y, pixels, taken, size))
    return notes


def _windows(mask: NDArray[np.bool_], window: tuple[int, int]) -> NDArray[np.int64]:
    """How many places of the mask lie in each window; empty if the window doesn't fit."""
    rows, columns = window
    if rows > mask.shape[0] or columns > mask.shape[1]:
        return np.zeros((0, 0), dtype=np.int64)
    total = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int64)
    total[1:, 1:] = mask.cumsum(0).cumsum(1)
    return np.asarray(
        total[rows:, columns:] - total[:-rows, columns:] - total[rows:, :-columns] + total[:-rows, :-columns]
    )


def _farthest(
    inside: NDArray[np.bool_],
    deep: NDArray[np.bool_],
    window: tuple[int, int],
    per: tuple[float, float],
    taken: list[_Place],
    pixels: tuple[float, float],
) -> tuple[int, int]:
    """The window that is deep in its colour and far from the edges and from what is there already."""
    rows, columns = np.nonzero(inside)
    across, up = (columns + window[1] / 2) * per[0], (rows + window[0] / 2) * per[1]
    # what is beside a text is as near as what is above it, though the text is wide
    reach = 0.5 * window[1] * per[0]
    edges = np.minimum.reduce([across, pixels[0] - across, up + reach, pixels[1] - up + reach])
    score = 0.3 * np.minimum(edges, 90) + 30 * deep[rows, columns]
    for p, q, *_size in taken:
        score += np.minimum(np.hypot((across - p) / 1.6, up - q), 70)
    best = int(np.argmax(score))
    return int(rows[best]), int(columns[best])


def _pointed(
    mask: NDArray[np.bool_],
    text: str,
    wide: float,
    tall: float,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    pixels: tuple[float, float],
    taken: list[_Place],
    size: Sizes,
) -> Figure:
    """A name outside of its regime, with a line to the thickest place of it."""
    per = pixels[0] / len(x), pixels[1] / len(y)
    window = (min(3, mask.shape[0]), min(9, mask.shape[1]))
    thick = np.zeros(mask.shape)
    counts = _windows(mask, window)
    top, left = window[0] // 2, window[1] // 2
    thick[top : top + counts.shape[0], left : left + counts.shape[1]] = counts
    rows, columns = np.nonzero(mask)
    score = thick[rows, columns]
    for p, q, *_size in taken:
        score = score + 0.08 * np.minimum(np.hypot(columns * per[0] - p, rows * per[1] - q), 60)
    best = int(np.argmax(score))
    row, column = int(rows[best]), int(columns[best])
    px, py = (column + 0.5) * per[0], (row + 0.5) * per[1]
    choices = []
    for dx, dy in product((-1.2, -0.6, 0, 0.6, 1.2), (-2, -1, 1, 2)):
        lx = min(max(px + dx * wide, wide / 2 + 2), pixels[0] - wide / 2 - 2)
        ly = py + dy * (tall / 2 + 1.4 * size.tick)
        if tall / 2 < ly < pixels[1] - tall / 2:
            gaps = [max(abs(lx - p) - (wide + w) / 2, abs(ly - q) - (tall + h) / 2) for p, q, w, h in taken]
            choices.append((min([12.0, *gaps]), -math.hypot(lx - px, ly - py), lx, ly))
    lx, ly = max(choices)[2:] if choices else (px, py)
    taken.append((lx, ly, wide, tall))
    return {
        "text": text,
        "x": float(x[column]),
        "y": float(y[row]),
        "ax": lx - px,
        "ay": py - ly,
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1.5,
        "arrowcolor": LIGHT_ON_PICTURE,
        "standoff": 1,
        "bgcolor": CHIP_ON_PICTURE,
        "borderpad": 3,
        "font": {"size": size.tick, "color": LIGHT_ON_PICTURE},
    }
