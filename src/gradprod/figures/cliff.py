"""The cliff in the error surface, and descents on it with and without clipping."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.analysis.clipping import Clipped, Descent
from gradprod.figures.labels import Box, clear_place
from gradprod.figures.theme import (
    CHIP_ON_PICTURE,
    DARK_ON_PICTURE,
    LIGHT_ON_PICTURE,
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
)
from gradprod.i18n import gettext as _
from gradprod.words import grouped, plain, tick, value

ERROR_SCALE: list[list[object]] = [
    [0, "#FEE838"],
    [0.3, "#B8AB63"],
    [0.6, "#7D7C78"],
    [0.85, "#3B496C"],
    [1, "#00224E"],
]
"""Errors on a logarithmic scale: bright is small."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Walk:
    """One descent on the surface; ``exact`` is False for one whose gradient was changed on the way."""

    descent: Descent
    name: str
    exact: bool = True


def cliff_map(
    weight: ArrayLike,
    bias: ArrayLike,
    error: ArrayLike,
    style: Style,
    *,
    walks: Sequence[Walk] = (),
    start: tuple[float, float] | None = None,
) -> Figure:
    """The error over w and b, on a logarithmic scale, and descents on it from the same start.

    A step that leaves the picture is drawn to its edge, and the label says where it landed.

    Parameters
    ----------
    weight, bias : array_like, shapes (n,) and (m,)
        The axes.
    error : array_like, shape (m, n)
        E, a row for each b.
    style : Style
    walks : sequence of Walk, optional
    start : (float, float), optional
        (w, b) of the ring.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`. The first trace is the
        surface: a click's x and y are a new start.
    """
    w, b = np.asarray(weight, float), np.asarray(bias, float)
    c, size, big = style.colours, sizes(style), style.presenting
    with np.errstate(divide="ignore"):
        log = np.log10(np.asarray(error, float))
    low = max(-4.0, float(np.min(log)))
    high = max(low + 1, float(np.max(log)))
    sides = (76, 130, 58, 74) if big else (46, 78, 34, 50) if size.wide else (40, 52, 32, 44)
    left, right, top, bottom = sides
    ticks = [v for v in range(math.ceil(low), math.floor(high) + 1)]
    surface: Figure = {
        "type": "heatmap",
        "uid": "surface",
        "name": _("error"),
        "x": w,
        "y": b,
        "z": np.clip(log, low, high).astype(np.float32),
        "zmin": low,
        "zmax": high,
        "zsmooth": "fast",
        "colorscale": ERROR_SCALE,
        "hovertemplate": "<i>w</i> %{x:.2f}, <i>b</i> %{y:.2f}: <b>10<sup>%{z:.1f}</sup></b><extra></extra>",
        "colorbar": {
            "x": 1,
            "xpad": 10,
            "xanchor": "left",
            "len": 1,
            "ypad": 0,
            "thickness": 22 if big else 14 if size.wide else 10,
            "outlinewidth": 0,
            "tickvals": [float(v) for v in ticks],
            "ticktext": [tick(v) for v in ticks],
            "tickfont": {"size": size.tick, "color": c.muted},
            "ticks": "",
        },
    }
    span_x, span_y = (float(w.min()), float(w.max())), (float(b.min()), float(b.max()))
    notes = [
        flat_title(style, _("<i>b</i>, bias"), 1, left),
        note(
            "<b><i>E</i></b>",
            size.title,
            c.ink,
            x=1,
            xref="paper",
            xanchor="left",
            xshift=12,
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=4,
        ),
    ]
    data = [surface]
    room = style.width - left - right, style.height - top - bottom
    taken: list[Box] = []
    deep = np.min(log, axis=0) < low + 0.4 * (high - low)
    lines = [(w[deep], b[np.argmin(log, axis=0)][deep])]  # the valley, and the paths
    lines += [(np.asarray(walk.descent.weight), np.asarray(walk.descent.bias)) for walk in walks]
    marks = _along(lines, (span_x, span_y), room)
    for k, walk in enumerate(walks):
        traces, label = _walk_traces(walk, k, (span_x, span_y), room, marks, taken, style)
        data += traces
        notes.append(label)
    if start is not None:
        data += _ring(start, style)
    still = base_axis(style, showgrid=False, nticks=6)
    layout = base_layout(style, {"l": left, "r": right, "t": top, "b": bottom}, dragmode=False)
    title = axis_title(style, _("<i>w</i>, recurrent weight"), 12 if big else 6)
    layout["xaxis"] = still | {"range": list(span_x), "title": title, "fixedrange": True}
    layout["yaxis"] = still | {"range": list(span_y), "fixedrange": True}
    return {"data": data, "layout": layout | {"annotations": notes}}


def _along(
    lines: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    spans: tuple[tuple[float, float], tuple[float, float]],
    room: tuple[float, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points of lines every few pixels, inside the picture and in its pixels."""
    (left, right), (low, high) = spans
    along = np.linspace(0, 1, 200)[:, None]
    columns, rows = (max(0, int(side // 8) + 2) for side in room)
    met = np.zeros((columns, rows), dtype=bool)
    for x, y in lines:
        ends = np.stack([(x - left) / (right - left) * room[0], (high - y) / (high - low) * room[1]], axis=-1)
        every = (ends[:-1, None] + along * np.diff(ends, axis=0)[:, None]).reshape(-1, 2)
        inside = every[((every >= 0) & (every <= room)).all(axis=1)]
        met[tuple(np.round(inside / 8).astype(int).T)] = True
    px, py = 8.0 * np.array(np.nonzero(met))
    return px, py


def _walk_traces(
    walk: Walk,
    place: int,
    spans: tuple[tuple[float, float], tuple[float, float]],
    room: tuple[float, float],
    marks: tuple[NDArray[np.float64], NDArray[np.float64]],
    taken: list[Box],
    style: Style,
) -> tuple[list[Figure], Figure]:
    span_x, span_y = spans
    size = sizes(style)
    x, y = np.asarray(walk.descent.weight, float), np.asarray(walk.descent.bias, float)
    inside = (x >= span_x[0]) & (x <= span_x[1]) & (y >= span_y[0]) & (y <= span_y[1])
    symbol, kind = ("circle", "exact") if walk.exact else ("diamond", "approximation")
    both: Figure = {"type": "scatter", "x": x, "y": y, "name": plain(walk.name)}
    ground = line(style, DARK_ON_PICTURE, weight=1.0)
    pen = line(style, LIGHT_ON_PICTURE, kind, 0.5)
    marker = {"symbol": symbol, "size": 9 * size.marker, "color": LIGHT_ON_PICTURE}
    marker["line"] = {"color": DARK_ON_PICTURE, "width": 1.8 * size.line}
    words = [
        _("step {n}: error {e}, gradient {g}", n=grouped(n), e=value(float(e)), g=value(float(g)))
        for n, (e, g) in enumerate(zip(walk.descent.error, walk.descent.gradient_norm, strict=True))
    ]
    said = {"text": words, "hovertemplate": f"<b>{walk.name}</b><br>%{{text}}<extra></extra>"}
    traces = [
        both | {"uid": f"ground-{place}", "mode": "lines", "line": ground, "hoverinfo": "skip"},
        both | {"uid": f"walk-{place}", "mode": "lines+markers", "line": pen, "marker": marker, **said},
    ]
    last = int(np.flatnonzero(inside)[-1]) if inside.any() else 0
    text = f"<b>{walk.name}</b>"
    if not inside.all():
        gone = int(np.flatnonzero(~inside)[0])
        text += "<br>" + _("step {n} leaves the picture", n=grouped(gone))
    px = (x - span_x[0]) / (span_x[1] - span_x[0]) * room[0]
    py = (span_y[1] - y) / (span_y[1] - span_y[0]) * room[1]
    half = text_width(text, size.tick) / 2 + 8, (1 + text.count("<br>")) * 0.65 * size.tick + 7
    lx, ly = clear_place((float(px[last]), float(py[last])), half, marks, taken, room)
    label = {
        "text": text,
        "x": float(x[last]),
        "y": float(y[last]),
        "ax": lx - float(px[last]),
        "ay": ly - float(py[last]),
        "showarrow": True,
        "arrowhead": 0,
        "arrowwidth": 1.5,
        "arrowcolor": LIGHT_ON_PICTURE,
        "standoff": 6 * size.marker,
        "bgcolor": CHIP_ON_PICTURE,
        "borderpad": 4,
        "align": "left",
        "font": {"size": size.tick, "color": LIGHT_ON_PICTURE},
    }
    return traces, label


def _ring(start: tuple[float, float], style: Style) -> list[Figure]:
    size = sizes(style)
    rings = []
    for colour, width in ((DARK_ON_PICTURE, 6), (LIGHT_ON_PICTURE, 3)):
        marker = {"symbol": "circle-open", "size": 19 * size.marker, "color": colour}
        marker["line"] = {"width": width * size.marker, "color": colour}
        ring: Figure = {"type": "scatter", "mode": "markers", "hoverinfo": "skip", "cliponaxis": False}
        ring |= {"uid": f"ring-{width}", "name": _("start"), "marker": marker}
        rings.append(ring | {"x": [float(start[0])], "y": [float(start[1])]})
    return rings


def clipping_arrows(
    gradient: ArrayLike, clipped: Sequence[tuple[str, Clipped]], style: Style, *, names: tuple[str, str]
) -> Figure:
    """A gradient of two parameters as an arrow, and what each kind of clipping makes of it, with its angle.

    Parameters
    ----------
    gradient : array_like, shape (2,)
    clipped : sequence of (str, Clipped)
        Name of each kind of clipping, HTML, and its result; its gradient's two entries in the same order.
    style : Style
    names : (str, str)
        The two parameters, HTML.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    c, size, big = style.colours, sizes(style), style.presenting
    g = np.asarray(gradient, float)
    arrows: list[tuple[str, NDArray[np.float64], str, str]] = [(_("gradient"), g, "exact", "circle")]
    looks = (("approximation", "diamond"), ("bound", "square"))
    for (name, result), (kind, symbol) in zip(clipped, looks, strict=False):
        entries = np.concatenate([np.ravel(v) for v in result.gradient.values()])
        degrees = _("turned by {n}°", n=value(math.degrees(result.angle)))
        arrows.append((f"{name}<br>{degrees}", entries, kind, symbol))
    left, right, top, bottom = (92, 40, 58, 74) if big else (54, 24, 34, 50)
    across, tall = style.width - left - right, style.height - top - bottom
    ends = np.array([end for _name, end, *_rest in arrows])
    low, high = np.minimum(ends.min(axis=0), 0), np.maximum(ends.max(axis=0), 0)
    per = 0.6 * min(across / max(high[0] - low[0], 1e-300), tall / max(high[1] - low[1], 1e-300))
    middle, reach = (low + high) / 2, (across / per / 2, tall / per / 2)
    data: list[Figure] = []
    notes = [flat_title(style, f"∂<i>L</i>/∂{names[1]}", 1, left)]
    taken: list[Box] = []
    along = np.linspace(0, 1, 12)[:, None, None] * ends  # the arrows themselves are not to be covered
    marks = (
        ((along[..., 0] - middle[0] + reach[0]) * per).ravel(),
        ((middle[1] + reach[1] - along[..., 1]) * per).ravel(),
    )
    for k, (name, end, kind, symbol) in enumerate(arrows):
        said = f"{name.replace('<br>', ', ')}: %{{x:.3g}}, %{{y:.3g}}<extra></extra>"
        arrow: Figure = {"type": "scatter", "uid": f"arrow-{k}", "name": plain(name), "mode": "lines+markers"}
        arrow |= {"x": np.array([0.0, end[0]]), "y": np.array([0.0, end[1]])}
        marker = {"symbol": symbol, "size": [0.1, 12 * size.marker], "color": c.ink, "opacity": 1}
        data.append(arrow | {"line": line(style, c.ink, kind), "marker": marker, "hovertemplate": said})
        text = f"<b>{name}</b>"
        half = text_width(text, size.tick) / 2 + 4, (1 + text.count("<br>")) * 0.65 * size.tick + 3
        at = (float(end[0] - middle[0] + reach[0]) * per, float(middle[1] + reach[1] - end[1]) * per)
        lx, ly = clear_place(at, half, marks, taken, (across, tall))
        place = {"x": float(end[0]), "y": float(end[1]), "xshift": lx - at[0], "yshift": at[1] - ly}
        notes.append(note(text, size.tick, c.ink, align="left", **place))
    layout = base_layout(style, {"l": left, "r": right, "t": top, "b": bottom})
    still = base_axis(style, zeroline=True, zerolinecolor=c.rule, zerolinewidth=1, nticks=5)
    title = axis_title(style, f"∂<i>L</i>/∂{names[0]}", 8)
    layout["xaxis"] = still | {"title": title, "showgrid": False}
    for axis, m, r in zip(("xaxis", "yaxis"), middle.tolist(), reach, strict=True):
        layout[axis] = layout.get(axis, still) | {"range": [m - r, m + r]}
    return {"data": data, "layout": layout | {"annotations": notes}}
