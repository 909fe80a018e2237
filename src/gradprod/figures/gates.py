"""Gates and states over time, one under the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.figures.labels import Label, end_labels, label_room
from gradprod.figures.theme import (
    PINS,
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    flat_title,
    line,
    outward,
    sizes,
    step_ticks,
    text_width,
    translucent,
)
from gradprod.i18n import gettext as _
from gradprod.words import decimals, grouped, plain, value

_GLYPHS = {"circle": "●", "x": "✕", "square": "■", "diamond": "◆", "triangle-up": "▲", **dict(PINS)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """One line over the steps of a run, from step ``start`` on.

    ``values`` has shape (steps,), or leading axes of units or runs: then the median is drawn, with a band
    from the 10th to the 90th percentile. One that is ``pinned`` is faint.
    """

    name: str
    values: NDArray[np.float64]
    colour: str
    symbol: str = "circle"
    start: int = 1
    pinned: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """Lines on one axis: its title, HTML, and its range (by default what the values span)."""

    title: str
    series: Sequence[Series]
    range: tuple[float, float] | None = None


def gates_over_time(
    gates: Mapping[str, ArrayLike],
    states: Mapping[str, ArrayLike],
    style: Style,
    *,
    inputs: ArrayLike | None = None,
    colour: str | None = None,
) -> Figure:
    """The gates of a run above, its state below, and below that what it was given.

    Parameters
    ----------
    gates : mapping of str to array_like, shapes (..., T)
        By letter: "f", "i", "o", "z", "1-z", "r".
    states : mapping of str to array_like, shapes (..., T + 1)
        By letter: "S", "h", "c".
    style : Style
    inputs : array_like of shape (T,), optional
    colour : str, optional
        Of the states: their cell's; by default ink.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    panels = []
    c = style.colours
    known = {
        "f": (_("forget gate <i>f</i>"), c.keep, "circle"),
        "i": (_("input gate <i>i</i>"), c.input_path, "x"),
        "o": (_("output gate <i>o</i>"), c.muted, "square"),
        "z": (_("update gate <i>z</i>"), c.ink, "diamond"),
        "1-z": (_("kept 1 − <i>z</i>"), c.keep, "circle"),
        "r": (_("reset gate <i>r</i>"), c.candidate_path, "triangle-up"),
    }
    if gates:
        drawn = []
        for letter, values in gates.items():
            name, tone, symbol = known.get(letter, (f"<i>{letter}</i>", c.ink, "circle"))
            name = name if sizes(style).wide else f"<i>{letter.replace('-', ' − ')}</i>"
            drawn.append(Series(name=name, values=np.asarray(values, float), colour=tone, symbol=symbol))
        panels.append(Panel(title=_("gates: 0 shut, 1 open"), series=drawn, range=(-0.06, 1.06)))
    if states:
        symbols = ("circle", "square", "diamond")
        lines = [
            Series(
                name=f"<i>{letter}</i>",
                values=np.asarray(values, float),
                colour=(colour or c.ink) if k == 0 else c.muted,
                symbol=symbols[k % 3],
                start=0,
            )
            for k, (letter, values) in enumerate(states.items())
        ]
        panels.append(Panel(title=_("state"), series=lines))
    if inputs is not None:
        given = Series(name="<i>X</i>", values=np.asarray(inputs, float), colour=c.muted)
        panels.append(Panel(title=_("input"), series=[given]))
    return over_time(panels, style)


def over_time(panels: Sequence[Panel], style: Style, *, x_title: str | None = None) -> Figure:
    """Panels of lines over the steps of a run, on one axis of steps.

    Parameters
    ----------
    panels : sequence of Panel
        From the top.
    style : Style
    x_title : str, optional
        What the steps are, HTML; by default step t.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.

    Raises
    ------
    ValueError
        If there is no line.
    """
    if not any(panel.series for panel in panels):
        raise ValueError("panels must hold at least one series, got none; there is nothing to draw")
    c, size, big = style.colours, sizes(style), style.presenting
    top, bottom, between = (58, 74, 58) if big else (34, 50, 40) if size.wide else (30, 46, 32)
    inner = style.height - top - bottom
    tall = (inner - between * (len(panels) - 1)) / len(panels)
    length = max(s.start + s.values.shape[-1] - 1 for panel in panels for s in panel.series)
    spans = [_span(panel) for panel in panels]
    data: list[Figure] = []
    labels: list[list[Label]] = []
    for k, (panel, (low, high)) in enumerate(zip(panels, spans, strict=True)):
        labels.append([])
        for n, series in enumerate(panel.series):
            traces, end = _traces(series, k, n, len(panel.series), style)
            data += traces
            down = (high - min(max(end, low), high)) / (high - low) * tall
            name = f"{_GLYPHS.get(series.symbol, '')} {series.name}" if len(panel.series) > 1 else series.name
            tone = _text(series, style)
            said = "0" if abs(end) < 1e-9 * (high - low) else value(end)
            sign = series.colour if len(panel.series) > 1 and not series.pinned else ""
            made = Label(at=down, name=name, number=said, colour=tone, bold=not series.pinned, tone=sign)
            labels[-1].append(made)
    room = label_room([label for group in labels for label in group], style)
    ends = [text_width(decimals(v), size.tick) for span in spans for v in span]
    left = round(max(60 if big else 40, min(90, max(ends) + 14)))
    layout = base_layout(style, {"l": left, "r": room, "t": top, "b": bottom}, hovermode="x")
    notes: list[Figure] = []
    for k, (panel, span) in enumerate(zip(panels, spans, strict=True)):
        start = (len(panels) - 1 - k) * (tall + between) / inner
        end = start + tall / inner
        layout[f"yaxis{k + 1 if k else ''}"] = base_axis(
            style,
            domain=[start, min(end, 1.0)],
            range=list(span),
            nticks=3 if tall < 90 else 5,
            zeroline=span[0] < 0 < span[1],
            zerolinecolor=c.rule,
            zerolinewidth=1,
        )
        notes.append(flat_title(style, panel.title, end, left))
        notes += end_labels(labels[k], style, room=room, tall=tall, top=end, low=8)
    ticks = step_ticks(length, 8 if size.wide else 4)
    layout["xaxis"] = base_axis(
        style,
        range=[0, length + 0.5],
        showgrid=False,
        anchor=f"y{len(panels) if len(panels) > 1 else ''}",
        title=axis_title(style, x_title or _("step <i>t</i>"), 12 if big else 8),
        tickmode="array",
        tickvals=ticks,
        ticktext=[grouped(k) for k in ticks],
        showspikes=True,
        spikemode="across",
        spikethickness=1,
        spikecolor=c.muted,
        spikedash="solid",
        spikesnap="data",
    )
    return {"data": data, "layout": layout | {"annotations": notes}}


def _span(panel: Panel) -> tuple[float, float]:
    if panel.range is not None:
        return panel.range
    finite = np.concatenate([s.values[np.isfinite(s.values)].ravel() for s in panel.series])
    if not finite.size:
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    pad = 0.06 * (high - low) or 0.5
    return outward(low - pad, high + pad)


def _text(series: Series, style: Style) -> str:
    """A line's colour, or ink where that would be too faint for its label."""
    c = style.colours
    if series.pinned:
        return c.muted
    faint = {c.input_path, c.candidate_path, c.keep, c.forget_path}
    return c.ink if series.colour in faint else series.colour


def _traces(series: Series, panel: int, place: int, of: int, style: Style) -> tuple[list[Figure], float]:
    """The line with a few markers on it, a band where there are several runs; and its last value."""
    size = sizes(style)
    values = series.values
    traces: list[Figure] = []
    steps = np.arange(values.shape[-1]) + series.start
    axis = {"yaxis": f"y{panel + 1}" if panel else "y"}
    if values.ndim > 1:
        flat = values.reshape(-1, values.shape[-1])
        low, values, high = np.quantile(flat, (0.1, 0.5, 0.9), axis=0)
        edge: Figure = {"type": "scatter", "mode": "lines", "line": {"width": 0}}
        edge |= {"x": steps, "hoverinfo": "skip"}
        fill = {"fill": "tonexty", "fillcolor": translucent(series.colour, 0.2)}
        traces = [{**edge, **axis, "y": low}, {**edge, **axis, **fill, "y": high}]
    name = plain(series.name)
    says = f"{series.name} %{{y:.3g}}<extra></extra>"
    pen = line(style, series.colour, weight=0.5 if series.pinned else 0.8)
    both: Figure = {"type": "scatter", "name": name, **axis}
    if series.pinned:
        both["opacity"] = 0.45
    uid = f"{panel}-{place}"
    drawn = {"uid": f"line-{uid}", "mode": "lines", "x": steps, "y": values}
    hover = {"hoverinfo": "skip"} if series.pinned else {"hovertemplate": says}
    traces.append(both | drawn | {"line": pen, **hover})
    if of > 1 or len(steps) == 1:
        stride = max(1, len(steps) // 10)
        few = slice(stride * place // of, None, stride)
        marks = {"symbol": series.symbol, "size": 8 * size.marker, "color": series.colour}
        marked = {"uid": f"marks-{uid}", "mode": "markers", "x": steps[few], "y": values[few]}
        traces.append(both | marked | {"marker": marks, "hoverinfo": "skip"})
    finite = values[np.isfinite(values)]
    return traces, float(finite[-1]) if finite.size else 0.0
