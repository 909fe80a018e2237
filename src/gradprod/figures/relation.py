"""One number against another with a mark where you are, and named numbers as bars; both by powers of ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradprod.figures.theme import (
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    flat_title,
    line,
    note,
    sizes,
    text_width,
    whole_ticks,
)
from gradprod.words import number, plain, tick


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Where you are, and what is read off there, HTML."""

    x: float
    y: float
    text: str


def relation(
    x: NDArray[np.float64],
    log10: NDArray[np.float64],
    style: Style,
    *,
    x_title: str,
    y_title: str,
    mark: Mark,
    colour: str,
    points: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Figure:
    """A quantity over one parameter, on a log axis, with a ring where you are.

    Parameters
    ----------
    x, log10 : ndarray, shape (n,)
        The parameter, and log₁₀ of the quantity.
    style : Style
    x_title, y_title : str
        What the axes are, with units, HTML.
    mark : Mark
        Its ``y`` is log₁₀ as well.
    colour : str
        Of the cell that it is about.
    points : pair of ndarray, optional
        Measured values beside the line, as diamonds: where, and log₁₀.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    c, size, big = style.colours, sizes(style), style.presenting
    left, top, bottom = (92, 58, 74) if big else (56, 34, 50)
    drawn = log10 if points is None else np.concatenate([log10, points[1]])
    finite = drawn[np.isfinite(drawn)]
    low, high = float(min(finite.min(), mark.y)), float(max(finite.max(), mark.y))
    pad = 0.06 * max(high - low, 1.0)
    ticks = whole_ticks(low - pad, high + pad, 6)
    layout = base_layout(style, {"l": left, "r": 24, "t": top, "b": bottom})
    layout["xaxis"] = base_axis(
        style, range=[float(x[0]), float(x[-1])], showgrid=False, title=axis_title(style, x_title)
    )
    layout["yaxis"] = base_axis(
        style, range=[low - pad, high + pad], tickvals=ticks, ticktext=[tick(v) for v in ticks]
    )
    side = mark.x < (x[0] + x[-1]) / 2
    layout["annotations"] = [
        flat_title(style, y_title, 1, left),
        note(
            f"<b>{mark.text}</b>",
            size.label,
            c.ink,
            x=mark.x,
            y=mark.y,
            xanchor="left" if side else "right",
            xshift=16 if side else -16,
            yanchor="bottom",
            yshift=6,
        ),
    ]
    data: list[Figure] = [
        {
            "type": "scatter",
            "uid": "relation",
            "name": plain(y_title),
            "x": x,
            "y": log10,
            "mode": "lines",
            "line": line(style, colour),
            "text": [plain(number(float(v))) for v in log10],
            "hovertemplate": "%{x:.2f}: <b>%{text}</b><extra></extra>",
        },
        {
            "type": "scatter",
            "uid": "mark",
            "name": plain(mark.text),
            "x": np.array([mark.x]),
            "y": np.array([mark.y]),
            "mode": "markers",
            "hoverinfo": "skip",
            "marker": {
                "symbol": "circle",
                "size": 14 * size.marker,
                "color": c.page,
                "line": {"width": 3.5 * size.line, "color": colour},
            },
        },
    ]
    if points is not None:
        measured: Figure = {"type": "scatter", "uid": "points", "mode": "markers", "name": plain(y_title)}
        measured |= {"x": points[0], "y": points[1], "text": [plain(number(float(v))) for v in points[1]]}
        measured["hovertemplate"] = "%{x:.2f}: <b>%{text}</b><extra></extra>"
        measured["marker"] = {"symbol": "diamond", "size": 9 * size.marker, "color": c.muted}
        data.insert(1, measured)
    return {"data": data, "layout": layout}


def bars(
    names: Sequence[str],
    log10: NDArray[np.float64],
    style: Style,
    *,
    title: str,
    colour: str,
) -> Figure:
    """Named numbers as horizontal bars from 1, on a log axis, each with its number.

    Parameters
    ----------
    names : sequence of str
        From the top, HTML; the first is what the others are compared with.
    log10 : ndarray, shape (len(names),)
        log₁₀ of the numbers; −inf is drawn to the axis' end and says 0.
    style : Style
    title : str
        What the numbers are.
    colour : str

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    c, size, big = style.colours, sizes(style), style.presenting
    top, bottom = (58, 64) if big else (34, 44)
    left = round(max(text_width(plain(name), size.label) for name in names) + 16)
    finite = log10[np.isfinite(log10) & (np.abs(log10) > 1e-9)]  # what rounding leaves of 1 is no bar
    low = min(float(finite.min(initial=0.0)), 0.0)
    high = max(float(finite.max(initial=0.0)), 0.0)
    told = max(text_width(plain(number(float(v))), size.label) for v in log10) * 1.15 + 20
    share = min(0.4, told / max(style.width - left - 24, 1))
    room = max(0.22, share / (1 - share)) * max(high - low, 1.0)
    low, high = low - (room if low < 0 or high == 0 else 0), high + (room if high > 0 else 0.02 * room)
    drawn = np.where(np.isfinite(log10), log10, low)
    ticks = whole_ticks(low, high, 5)
    rows = np.arange(len(names))
    layout = base_layout(style, {"l": left, "r": 24, "t": top, "b": bottom}, bargap=0.35)
    layout["xaxis"] = base_axis(style, range=[low, high], tickvals=ticks, ticktext=[tick(v) for v in ticks])
    layout["yaxis"] = base_axis(
        style,
        range=[len(names) - 0.5, -0.5],
        tickvals=rows,
        ticktext=list(names),
        showgrid=False,
        tickfont={"size": size.label, "color": c.ink},
    )
    layout["annotations"] = [flat_title(style, title, 1, left)]
    for row, value in zip(rows, log10, strict=True):
        at = value if math.isfinite(value) else low
        inside = at > high - room * 0.5 or not math.isfinite(value)
        below = at < 0
        layout["annotations"].append(
            note(
                f"<b>{number(float(value))}</b>",
                size.label,
                c.page if inside and not math.isfinite(value) else c.ink,
                x=float(at),
                y=int(row),
                xanchor="left" if not math.isfinite(value) or not below else "right",
                xshift=8 if not math.isfinite(value) or not below else -8,
                yanchor="middle",
            )
        )
    data: list[Figure] = [
        {
            "type": "bar",
            "uid": "bars",
            "orientation": "h",
            "name": plain(title),
            "x": drawn,
            "y": rows,
            "marker": {"color": [colour if row == 0 else c.muted for row in rows]},
            "text": [f"{plain(n)}: {plain(number(float(v)))}" for n, v in zip(names, log10, strict=True)],
            "textposition": "none",
            "hovertemplate": "%{text}<extra></extra>",
        }
    ]
    return {"data": data, "layout": layout}
