"""One number against one parameter, with the place where you are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.figures.labels import Label, clear_place, end_labels, label_room
from gradprod.figures.theme import (
    SYMBOLS,
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    cell_colour,
    flat_title,
    line,
    note,
    sizes,
    text_width,
    whole_ticks,
)
from gradprod.i18n import gettext as _
from gradprod.words import plain, tick, value


@dataclass(frozen=True, kw_only=True, eq=False)
class Dependence:
    """A number for every value of the parameter: ``values`` of shape (n,), NaN where there is none.

    ``kind`` and ``cell`` are those of `gradprod.figures.product_curve.Curve`.
    """

    values: NDArray[np.float64]
    name: str = ""
    kind: str = "exact"
    cell: str = "plain"


def against(
    x: ArrayLike,
    curves: Sequence[Dependence],
    style: Style,
    *,
    x_title: str,
    y_title: str,
    position: float | None = None,
    logarithmic: bool = False,
) -> Figure:
    """How a number depends on a parameter; a dotted line and a mark on each curve say where you are.

    Parameters
    ----------
    x : array_like, shape (n,)
        The parameter, rising.
    curves : sequence of Dependence
    style : Style
    x_title, y_title : str
        What the axes are, HTML.
    position : float, optional
        The parameter's value now.
    logarithmic : bool, optional
        Powers of ten on the vertical axis.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.

    Raises
    ------
    ValueError
        If there is no curve.
    """
    if not curves:
        raise ValueError("curves must hold at least one Dependence, got none; there is nothing to draw")
    xs = np.asarray(x, float)
    c, size, big = style.colours, sizes(style), style.presenting
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = [np.asarray(d.values, float) for d in curves]
        shown = [np.log10(v) for v in shown] if logarithmic else shown
    finite = np.concatenate([v[np.isfinite(v)] for v in shown])
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (-1.0, 1.0)
    pad = 0.06 * (high - low) or 0.5
    low, high = low - pad, high + pad
    top, bottom = (58, 74) if big else (34, 50)
    tall = style.height - top - bottom
    data: list[Figure] = []
    labels = []
    for k, (d, v) in enumerate(zip(curves, shown, strict=True)):
        colour = c.bound if d.kind == "bound" else cell_colour(style, d.cell)
        seen = np.where(np.isfinite(v), v, np.nan)
        number = "<b>10<sup>%{y:.2f}</sup></b>" if logarithmic else "<b>%{y:.3g}</b>"
        both: Figure = {"type": "scatter", "name": plain(d.name)}
        pen = line(style, colour, d.kind)
        curve = {"uid": f"curve-{k}", "x": xs, "y": seen, "mode": "lines", "line": pen}
        data.append(both | curve | {"hovertemplate": f"%{{x:.2f}}: {number}<extra></extra>"})
        inside = np.flatnonzero(np.isfinite(v))
        at = float(v[inside[-1]]) if inside.size else low
        said = ""
        if position is not None and inside.size:
            here = float(np.interp(position, xs[inside], v[inside]))
            said = value(10.0**here if logarithmic else here)
            marker = {"symbol": SYMBOLS.get(d.cell, "circle"), "size": 11 * size.marker, "color": colour}
            marker["line"] = {"color": c.page, "width": 2}
            mark = {"uid": f"here-{k}", "x": [float(position)], "y": [here], "mode": "markers"}
            data.append(both | mark | {"marker": marker, "hoverinfo": "skip", "cliponaxis": False})
        place = (high - at) / (high - low) * tall
        labels.append(Label(at=place, name=d.name, number=said, colour=colour))
    room = label_room(labels, style) if any(d.name for d in curves) else 24
    ticks = whole_ticks(low, high, 5) if logarithmic else []
    widest = [text_width(tick(v), size.tick) for v in ticks] or [3.2 * size.tick]
    left = round(max(60 if big else 40, max(widest) + 14))
    layout = base_layout(style, {"l": left, "r": room, "t": top, "b": bottom})
    layout["xaxis"] = base_axis(
        style,
        range=[float(xs[0]), float(xs[-1])],
        showgrid=False,
        title=axis_title(style, x_title, 12 if big else 8),
        nticks=9 if size.wide else 5,
    )
    layout["yaxis"] = base_axis(style, range=[low, high], nticks=6)
    muted = ""
    if logarithmic:
        layout["yaxis"] |= {"tickmode": "array", "tickvals": [float(v) for v in ticks]}
        layout["yaxis"]["ticktext"] = [tick(v) for v in ticks]
        muted = f'   <span style="color:{c.muted}">{_("log scale")}</span>'
    notes = [flat_title(style, y_title + muted, 1, left)]
    if any(d.name for d in curves):
        notes += end_labels(labels, style, room=room, tall=tall)
    elif labels[0].number:
        across, span = style.width - left - room, xs[-1] - xs[0]
        marks = ((xs - xs[0]) / span * across, (high - shown[0]) / (high - low) * tall)
        point = (float(position or 0) - xs[0]) / span * across, (high - data[1]["y"][0]) / (high - low) * tall
        text = f"<b>{labels[0].number}</b>"
        half = text_width(text, size.label) / 2 + 4, 0.7 * size.label
        beside = clear_place(point, half, marks, [], (across, tall))
        where = {"x": float(position or 0), "y": data[1]["y"][0]}
        where |= {"xshift": beside[0] - point[0], "yshift": point[1] - beside[1]}
        notes.append(note(text, size.label, c.ink, bgcolor=c.page, **where))
    if position is not None:
        upright = {"type": "line", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
        upright |= {"x0": float(position), "x1": float(position)}
        layout["shapes"] = [{**upright, "line": {"color": c.muted, "width": 1, "dash": "dot"}}]
    return {"data": data, "layout": layout | {"annotations": notes}}
