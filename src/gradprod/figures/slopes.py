"""An activation and its slope, with the places that a running cell visits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LINEAR, SIGMOID, TANH, Activation
from gradprod.analysis.terms import CELL_SLOPE_BOUND
from gradprod.figures.labels import Label, end_labels, label_room
from gradprod.figures.theme import (
    PINS,
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    cell_colour,
    flat_title,
    line,
    sizes,
    text_width,
    translucent,
)
from gradprod.i18n import gettext as _
from gradprod.words import decimals, factor, grouped

MARKED = 400
"""Most places that are marked one by one; of more, every place once to the pixel."""

_SHAPES = {LINEAR.name: LINEAR, TANH.name: TANH, SIGMOID.name: SIGMOID}


@dataclass(frozen=True, kw_only=True, eq=False)
class Visited:
    """The pre-activations of an earlier run, of shape (T,), and its activation."""

    places: NDArray[np.float64]
    activation: str


def slopes(
    visited: ArrayLike | None,
    style: Style,
    *,
    activation: str = "tanh",
    reach: float = 5.0,
    others: ArrayLike | None = None,
    prediction: tuple[float, str] | None = None,
    pins: Sequence[Visited] = (),
) -> Figure:
    """φ above, φ′ below it and how often each place is visited, on one axis of pre-activations.

    Parameters
    ----------
    visited : array_like of shape (T,), or None
        Pre-activations u_1 … u_T of a run; none while they are being predicted.
    style : Style
    activation : str
        The one that stands out: "linear", "tanh" or "sigmoid".
    reach : float, optional
        The axis covers ±reach at least.
    others : array_like of shape (runs, T), optional
        Pre-activations of other runs: how often they visit each place is drawn as median and band.
    prediction : (float, str), optional
        A slope that the reader's guess is about, and the guess in words.
    pins : sequence of Visited, optional
        Earlier runs, kept faintly: their typical slopes, and how often they visit each place. They are seen
        where a run is.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.

    Raises
    ------
    ValueError
        If there is no such activation.
    """
    if activation not in _SHAPES:
        known = ", ".join(map(repr, _SHAPES))
        raise ValueError(f"activation must be one of {known}, got {activation!r}; choose one of them")
    u = None if visited is None else np.asarray(visited, float).ravel()
    c, size, big = style.colours, sizes(style), style.presenting
    runs = None if others is None or u is None else np.asarray(others, float)
    kept = [] if u is None else list(zip(pins, PINS, strict=False))
    low, high = -reach, reach
    for seen in (u, runs, *(pin.places for pin, _mark in kept)):
        if seen is not None and seen.size:
            low, high = min(low, 1.04 * float(seen.min())), max(high, 1.04 * float(seen.max()))
    chosen = _SHAPES[activation]
    top, bottom = (58, 74) if big else (34, 50)
    inner = style.height - top - bottom
    title_room = 56 if big else 36 if size.wide else 30
    counted = u is not None and u.size > 1 and style.height >= 340
    third = (0.2 if counted else 0) * inner
    tall = (inner - third - title_room * (2 if counted else 1)) / 2
    value_axis = (1 - tall / inner, 1.0)
    slope_axis = ((third + (title_room if counted else 0)) / inner, 0.0)
    slope_axis = (slope_axis[0], slope_axis[0] + tall / inner)

    grid = np.unique(np.concatenate((np.linspace(low, high, 241), np.linspace(-6, 6, 121).clip(low, high))))
    data: list[Figure] = []
    labels: dict[str, list[Label]] = {"value": [], "slope": []}
    ranges = {"value": (-1.25, 1.25), "slope": (-0.08, 1.18)}
    if u is not None and u.size:
        values = 1.08 * chosen.value(u)
        ranges["value"] = (min(-1.25, float(values.min())), max(1.25, float(values.max())))
    for shape in sorted(_SHAPES.values(), key=lambda s: s is chosen):
        data += _shape_traces(shape, grid, shape is chosen, style)
        for part, curve in (("value", shape.value), ("slope", shape.slope)):
            a, b = ranges[part]
            end = min(max(float(curve(np.float64(high))), a), b)
            colour = c.ink if shape is chosen else c.muted
            at = (b - end) / (b - a) * tall
            if part == "value" or shape is chosen or (size.wide and not big):  # else there is no room for all
                labels[part].append(Label(at=at, name=_name(shape), colour=colour, bold=shape is chosen))
    left = round(max(56 if big else 38, text_width("−0.5", size.tick) + 14))
    typical = _typical(chosen, u)
    for level, name, colour in (
        (chosen.slope_bound, _("bound"), c.bound),
        (typical, _("typical slope"), c.ink),
    ):
        if level is not None:
            at = (ranges["slope"][1] - level) / (ranges["slope"][1] - ranges["slope"][0]) * tall
            said = f"{name} {factor(level)}"
            labels["slope"].append(Label(at=at, name=said, colour=colour, bold=False))
    for k, (pin, (symbol, glyph)) in enumerate(kept):
        level = _typical(_SHAPES[pin.activation], pin.places)
        if level is not None:
            at = (ranges["slope"][1] - level) / (ranges["slope"][1] - ranges["slope"][0]) * tall
            name = (
                _("pinned")
                if pin.activation == activation
                else f"{_('pinned')}, {_name(_SHAPES[pin.activation])}"
            )
            labels["slope"].append(
                Label(at=at, name=f"{glyph} {name} {factor(level)}", colour=c.muted, bold=False)
            )
            data.append(_pinned_slope(level, (low, high), f"pin-slope-{k}", symbol, style))
    if prediction is not None:
        at = (ranges["slope"][1] - prediction[0]) / (ranges["slope"][1] - ranges["slope"][0]) * tall
        said = _("your prediction") if size.wide else _("you said")
        labels["slope"].append(Label(at=at, name=said, number=prediction[1], colour=c.you))
        data.append(_prediction_trace(prediction[0], high, style))
    room = label_room([*labels["value"], *labels["slope"]], style)
    notes = [
        flat_title(style, _("what comes out, φ(<i>u</i>)"), 1, left),
        flat_title(style, _("how steep it is, φ′(<i>u</i>)"), slope_axis[1], left),
        *end_labels(labels["value"], style, room=room, tall=tall, low=8),
        *end_labels(labels["slope"], style, room=room, tall=tall, top=slope_axis[1], low=8),
    ]
    margin: dict[str, float] = {"l": left, "r": room, "t": top, "b": bottom}
    layout = base_layout(style, margin, bargap=0)
    layout["shapes"] = _bound_shapes(chosen, typical, style)
    if u is not None and u.size:
        across = style.width - left - room
        data += _visited_traces(chosen, u, (high - low) / across, style)
        if counted:
            data.append(_counts_trace(u, (low, high), across, style, thin=runs is not None, faint=bool(kept)))
            centres = data[-1]["x"]
            for k, (pin, (symbol, _glyph)) in enumerate(kept):
                data.append(_pinned_counts(pin.places, centres, (low, high), f"pin-{k}", symbol, style))
            says = _("how often it is there")
            if runs is not None:
                data += _other_counts(runs, centres, (low, high), style)
                says = _("how often it is there; {n} seeds as median and band", n=grouped(len(runs)))
            notes.append(flat_title(style, says, third / inner, left))
    layout["annotations"] = notes
    steady = base_axis(style, zeroline=True, zerolinecolor=c.rule, zerolinewidth=1)
    layout["xaxis"] = steady | {
        "range": [low, high],
        "showgrid": False,
        "zeroline": False,
        "anchor": "y3" if counted else "y2",
        "title": axis_title(style, _("pre-activation <i>u</i>"), 12 if big else 8),
        "nticks": 9 if size.wide else 5,
    }
    span, place = list(ranges["value"]), list(value_axis)
    unit = _unit_ticks((-1, 0, 1)) if span[1] < 3 and span[0] > -3 else {"nticks": 4}
    layout["yaxis"] = steady | unit | {"range": span, "domain": place}
    span, place = list(ranges["slope"]), list(slope_axis)
    layout["yaxis2"] = steady | _unit_ticks((0, 0.25, 1)) | {"range": span, "domain": place}
    if counted:
        highest = max((np.nanmax(t["y"]) for t in data if t.get("yaxis") == "y3"), default=0.0)
        layout["yaxis3"] = base_axis(style, domain=[0, third / inner], range=[0, highest / 0.95 or 1])
        layout["yaxis3"] |= {"showgrid": False, "showticklabels": False}
    return {"data": data, "layout": layout}


def _name(shape: Activation) -> str:
    return {"linear": _("linear"), "tanh": "tanh", "sigmoid": "σ"}[shape.name]


def _typical(chosen: Activation, u: NDArray[np.float64] | None) -> float | None:
    """The geometric mean of the slopes visited: what a step multiplies by, W_s aside."""
    if u is None or not u.size:
        return None
    return math.exp(float(np.mean(chosen.log_slope(u))))


def _unit_ticks(values: tuple[float, ...]) -> Figure:
    return {"tickmode": "array", "tickvals": list(values), "ticktext": [decimals(v) for v in values]}


def _shape_traces(shape: Activation, grid: NDArray[np.float64], chosen: bool, style: Style) -> list[Figure]:
    c = style.colours
    colour = c.ink if chosen else c.muted
    pen = line(style, colour, weight=1.0 if chosen else 0.5)
    both: Figure = {"type": "scatter", "mode": "lines", "x": grid, "line": pen}
    name = _name(shape)
    where = "<i>u</i> = %{x:.2f}: <b>%{y:.3f}</b><extra></extra>"
    value = {"uid": f"value-{shape.name}", "name": name, "y": shape.value(grid)}
    slope = {"uid": f"slope-{shape.name}", "name": f"{name}′", "y": shape.slope(grid), "yaxis": "y2"}
    return [
        both | value | {"hovertemplate": f"{name} {where}"},
        both | slope | {"hovertemplate": f"{name}′ {where}"},
    ]


def _visited_traces(chosen: Activation, u: NDArray[np.float64], pixel: float, style: Style) -> list[Figure]:
    """A mark on both curves at every place visited."""
    c, size = style.colours, sizes(style)
    places = u if u.size <= MARKED else u[np.unique(np.round(u / pixel), return_index=True)[1]]
    thin = 1.0 if u.size <= MARKED else 0.6
    edge = {"color": c.ink, "width": 2 * size.line * thin}
    ring = {"size": 9 * size.marker * thin, "color": c.page, "line": edge}
    both: Figure = {"type": "scatter", "mode": "markers", "x": places, "marker": ring, "name": _("visited")}
    if u.size <= MARKED:
        where = "%{text}: <i>u</i> = %{x:.2f}, <b>%{y:.3f}</b><extra></extra>"
        says = {"text": [_("step {n}", n=k) for k in range(1, u.size + 1)], "hovertemplate": where}
    else:
        says = {"hovertemplate": "<i>u</i> = %{x:.2f}: <b>%{y:.3f}</b><extra></extra>"}
    return [
        both | {"uid": "visited-value", "y": chosen.value(places), **says},
        both | {"uid": "visited-slope", "y": chosen.slope(places), "yaxis": "y2", **says},
    ]


def _prediction_trace(level: float, high: float, style: Style) -> Figure:
    size, you = sizes(style), style.colours.you
    cross = {"symbol": "x-thin", "size": 14 * size.marker, "line": {"color": you, "width": 4 * size.line}}
    return {
        "type": "scatter",
        "uid": "prediction",
        "name": _("your prediction"),
        "x": [high],
        "y": [level],
        "yaxis": "y2",
        "mode": "markers",
        "marker": cross,
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _counts_trace(
    u: NDArray[np.float64], span: tuple[float, float], across: float, style: Style, *, thin: bool, faint: bool
) -> Figure:
    """How many steps fall into each stretch of the axis; fainter where outlines are drawn over it."""
    bins = int(min(80, across / 8, max(24, 2 * math.sqrt(u.size))))
    count, edges = np.histogram(u, bins=bins, range=span)
    share = count / u.size
    return {
        "type": "bar",
        "uid": "counts",
        "name": _("share of the steps"),
        "x": (edges[1:] + edges[:-1]) / 2,
        "y": share,
        "width": float(edges[1] - edges[0]) * (0.4 if thin else 1),
        "yaxis": "y3",
        "marker": {"color": translucent(style.colours.ink, 0.3 if faint else 0.65), "line": {"width": 0}},
        "hovertemplate": _("{share} of the steps", share="%{y:.0%}") + "<extra></extra>",
    }


def shares_by_place(u: ArrayLike, bins: int, span: tuple[float, float]) -> NDArray[np.float64]:
    """Share of each run's steps in each stretch of an axis, shape (runs, bins), of `u` of shape (runs, T)."""
    runs = np.asarray(u, float)
    place = ((runs - span[0]) / (span[1] - span[0]) * bins).astype(int).clip(0, bins - 1)
    place += bins * np.arange(len(runs))[:, None]
    count: NDArray[np.int64] = np.bincount(place.ravel(), minlength=bins * len(runs))
    return count.reshape(-1, bins) / float(runs.shape[-1])


def _other_counts(
    runs: NDArray[np.float64], centres: NDArray[np.float64], span: tuple[float, float], style: Style
) -> list[Figure]:
    """Median and band of how often other runs are in the same stretches."""
    shares = shares_by_place(runs, len(centres), span)
    low, median, high = np.quantile(shares, (0.1, 0.5, 0.9), axis=0)
    median = np.where(high > 0, median, np.nan)
    ink = style.colours.ink
    both: Figure = {"type": "scatter", "mode": "lines", "x": centres, "yaxis": "y3", "hoverinfo": "skip"}
    edge = {"color": ink, "width": 0, "shape": "hvh"}
    fill = {"fill": "tonexty", "fillcolor": translucent(ink, 0.2)}
    says = _("{share} of the steps, median of the seeds", share="%{y:.0%}") + "<extra></extra>"
    middle = {"line": {"color": ink, "width": 2 * sizes(style).line, "shape": "hvh"}, "hovertemplate": says}
    return [
        {**both, "uid": "others-low", "y": low, "line": edge},
        {**both, "uid": "others-high", "y": high, "line": edge, **fill},
        {**both, "uid": "others", "y": median, **middle, "hoverinfo": "all"},
    ]


def _pinned_slope(level: float, span: tuple[float, float], uid: str, symbol: str, style: Style) -> Figure:
    """The typical slope of an earlier run: a faint line with its hollow mark at the end."""
    muted, size = style.colours.muted, sizes(style)
    return {
        "type": "scatter",
        "uid": uid,
        "name": _("pinned"),
        "x": list(span),
        "y": [level, level],
        "yaxis": "y2",
        "mode": "lines+markers",
        "line": line(style, muted, "approximation", 0.5),
        "marker": {"symbol": symbol, "size": [0, 9 * size.marker], "color": muted, "opacity": 1},
        "opacity": 0.7,
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _pinned_counts(
    u: NDArray[np.float64],
    centres: NDArray[np.float64],
    span: tuple[float, float],
    uid: str,
    symbol: str,
    style: Style,
) -> Figure:
    """How often an earlier run is in the same stretches: an outline with its hollow mark on the highest."""
    share = shares_by_place(u[None], len(centres), span)[0]
    muted, size = style.colours.muted, sizes(style)
    highest = np.arange(len(share)) == share.argmax()
    return {
        "type": "scatter",
        "uid": uid,
        "name": _("pinned"),
        "x": centres,
        "y": share,
        "yaxis": "y3",
        "mode": "lines+markers",
        "line": {"color": muted, "width": 1.5 * size.line, "shape": "hvh"},
        "marker": {
            "symbol": symbol,
            "size": np.where(highest, 9 * size.marker, 0),
            "color": muted,
            "opacity": 1,
        },
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _bound_shapes(chosen: Activation, typical: float | None, style: Style) -> list[Figure]:
    """The slope's bound as a dashed line, the typical slope as a dotted one."""
    c = style.colours
    shapes = []
    where = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y2"}
    for level, kind, colour in ((chosen.slope_bound, "bound", c.bound), (typical, "approximation", c.ink)):
        if level is not None:
            shapes.append({**where, "y0": level, "y1": level, "line": line(style, colour, kind, 0.7)})
    return shapes


def cell_slope_curve(visited: ArrayLike | None, style: Style) -> Figure:
    """|c (1 − tanh² c)| with the cell states of a run on it, under its bound 0.4477 at |c| = 0.77.

    Parameters
    ----------
    visited : array_like of shape (T,), or None
        c_0 … c_T.
    style : Style

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    c, size, big = style.colours, sizes(style), style.presenting
    u = np.empty(0) if visited is None else np.asarray(visited, float).ravel()
    reach = max([4.0, *(1.04 * np.abs(u))])
    grid = np.unique(np.concatenate((np.linspace(-reach, reach, 241), np.linspace(-4, 4, 161))))
    top, bottom, left = (58, 74, 92) if big else (34, 50, 44)
    tall = style.height - top - bottom
    high = 0.5
    colour = cell_colour(style, "lstm")
    curve: Figure = {
        "type": "scatter",
        "uid": "curve",
        "name": "|c (1 − tanh² c)|",
        "x": grid,
        "y": np.abs(grid) * TANH.slope(grid),
        "mode": "lines",
        "line": line(style, colour),
        "hovertemplate": "<i>c</i> = %{x:.2f}: <b>%{y:.4f}</b><extra></extra>",
    }
    data = [curve]
    bound = _("bound {n}", n=f"{CELL_SLOPE_BOUND:.4f}")
    labels = [Label(at=(1 - CELL_SLOPE_BOUND / high) * tall, name=bound, colour=c.bound, bold=False)]
    if u.size:
        largest = float((np.abs(u) * TANH.slope(u)).max())
        said = _("largest here {n}", n=decimals(largest, 4))
        labels.append(Label(at=(1 - largest / high) * tall, name=said, colour=c.ink))
    room = label_room(labels, style)
    if u.size:
        pixel = 2 * reach / (style.width - left - room)
        places = u if u.size <= MARKED else u[np.unique(np.round(u / pixel), return_index=True)[1]]
        edge = {"color": c.ink, "width": 2 * size.line}
        marks: Figure = {"type": "scatter", "uid": "visited", "name": _("visited"), "mode": "markers"}
        marks |= {"x": places, "y": np.abs(places) * TANH.slope(places), "hoverinfo": "skip"}
        data.append(marks | {"marker": {"size": 8 * size.marker, "color": c.page, "line": edge}})
    layout = base_layout(style, {"l": left, "r": room, "t": top, "b": bottom})
    layout["xaxis"] = base_axis(
        style,
        range=[-reach, reach],
        showgrid=False,
        title=axis_title(style, _("cell state <i>c</i>"), 12 if big else 8),
        nticks=9 if size.wide else 5,
    )
    layout["yaxis"] = base_axis(style, range=[0, high], nticks=6)
    level = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y"}
    level |= {"y0": CELL_SLOPE_BOUND, "y1": CELL_SLOPE_BOUND}
    layout["shapes"] = [{**level, "line": line(style, c.bound, "bound", 0.7)}]
    notes = [flat_title(style, "|<i>c</i> (1 − tanh<sup>2</sup> <i>c</i>)|", 1, left)]
    notes += end_labels(labels, style, room=room, tall=tall)
    return {"data": data, "layout": layout | {"annotations": notes}}
