"""Every output against every input: the (t, s) map of a run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.figures.theme import (
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    flat_title,
    note,
    regime_scale,
    sizes,
    step_ticks,
    text_width,
)
from gradprod.i18n import gettext as _
from gradprod.words import grouped, tick

FLOOR = -12.0
"""Powers of ten at which the darkest colour is reached, unless the map asks for fewer."""


def influence_map(
    table: ArrayLike,
    style: Style,
    *,
    first: int = 1,
    step: int | None = None,
    title: str | None = None,
    reach: float | None = None,
    prediction: tuple[float, float, str] | None = None,
    veil: bool = False,
) -> Figure:
    """∂y_t/∂x_s for every t and s: blue where it has vanished, gold where it holds, grey without a path.

    Parameters
    ----------
    table : array_like, shape (T, T)
        log₁₀ of the norms, a row for each t; −inf where there is no path.
    style : Style
    first : int, optional
        The step of the first row and column.
    step : int, optional
        t of the row in focus.
    title : str, optional
        Above the map, HTML.
    reach : float, optional
        Powers of ten at which the darkest colour is reached; the same in maps to be compared.
    prediction : (float, float, str), optional
        First and last step of the inputs that were guessed for the row in focus, and the guess in words.
    veil : bool, optional
        Show the diagonal alone: the rest would give the answer away.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    values = np.asarray(table, float)
    if veil:
        values = np.where(np.eye(len(values), dtype=bool), values, np.nan)
    c, size, big = style.colours, sizes(style), style.presenting
    steps = np.arange(values.shape[0]) + first
    path = np.isfinite(values)
    seen = np.abs(values[path])
    far = reach or min(-FLOOR, max(3.0, float(seen.max()) if seen.size else 3.0))
    speed = 0.08 + 0.92 * np.clip((np.abs(values) - 1) / max(far - 1, 1e-9), 0, 1)
    scaled = np.where(values < -1, -speed, np.where(values > 1, speed, 0.0))
    scaled = np.where(path, scaled, np.nan)
    sides = (86, 130, 84, 74) if big else (50, 78, 54, 50) if size.wide else (40, 56, 48, 44)
    left, right, top, bottom = sides
    side = min(style.width - left - right, style.height - top - bottom)
    wide, high = side / (style.width - left - right), side / (style.height - top - bottom)
    scale, ceiling, marks = regime_scale(style), 1.0, [-far, -far / 2, -1.0, 1.0, far / 2, far]
    if not (seen.size and (values[path] > 1).any()):  # nothing explodes: no red in the key
        scale, ceiling, marks = _without_red(style), 0.08, [-far, -far / 2, -1.0, 0.0]
    shown = [v for v in marks if abs(v) <= 1 or abs(v) >= 3]
    where = [np.sign(v) * (0.08 + 0.92 * max(abs(v) - 1, 0) / max(far - 1, 1e-9)) for v in shown]
    heat: Figure = {
        "type": "heatmap",
        "uid": "map",
        "name": _("influence"),
        "x": steps,
        "y": steps,
        "z": scaled.astype(np.float32),
        "zmin": -1,
        "zmax": ceiling,
        "colorscale": scale,
        "customdata": np.round(np.where(path, values, 0)).astype(np.int32),
        "hoverongaps": False,
        "hovertemplate": "<i>t</i> %{y}, <i>s</i> %{x}: <b>10<sup>%{customdata}</sup></b><extra></extra>",
        "colorbar": {
            "x": wide,
            "xpad": 10,
            "xanchor": "left",
            "y": 1,
            "yanchor": "top",
            "thickness": 22 if big else 14 if size.wide else 10,
            "outlinewidth": 0,
            "len": high,
            "ypad": 0,
            "tickvals": [float(v) for v in where],
            "ticktext": [tick(v) if float(v).is_integer() else "" for v in np.round(shown)],
            "tickfont": {"size": size.tick, "color": c.muted},
            "ticks": "",
        },
    }
    data = [heat]
    ticks = step_ticks(int(steps[-1]), 6 if size.wide else 4)
    named = {"tickmode": "array", "tickvals": ticks, "ticktext": [grouped(k) for k in ticks]}
    span = [float(steps[0]) - 0.5, float(steps[-1]) + 0.5]
    layout = base_layout(style, {"l": left, "r": right, "t": top, "b": bottom})
    layout["xaxis"] = base_axis(
        style,
        range=span,
        showgrid=False,
        domain=[0, wide],
        title=axis_title(style, _("input at step <i>s</i>"), 12 if big else 6),
        **named,
    )
    layout["yaxis"] = base_axis(style, range=span[::-1], showgrid=False, domain=[1 - high, 1], **named)
    ground: Figure = {"type": "rect", "xref": "x", "yref": "y"}
    ground |= {"x0": span[0], "x1": span[1], "y0": span[0], "y1": span[1]}
    shapes = [{**ground, "fillcolor": c.panel, "line": {"width": 0}, "layer": "below"}]
    if step is not None:
        edge = {"color": c.you, "width": 2.5 * size.line}
        shapes.append({**ground, "y0": step - 0.5, "y1": step + 0.5, "line": edge, "layer": "above"})
    if prediction is not None and step is not None:
        data.append(_prediction_trace(prediction, step, style))
    notes = [flat_title(style, title or _("output at step <i>t</i>"), 1, left)]
    if title:
        notes = [
            flat_title(style, f"<b>{title}</b>", 1, left, lift=30 if not big else 46),
            flat_title(style, _("output at step <i>t</i>"), 1, left),
        ]
    if prediction is not None and step is not None:
        up = step - steps[0] > 0.2 * len(steps)
        at: Figure = {"x": (prediction[0] + prediction[1]) / 2, "y": step}
        at |= {"yanchor": "bottom" if up else "top", "yshift": (10 if up else -10) * size.marker}
        notes.append(note(f"<b>✕ {prediction[2]}</b>", size.tick, c.you, bgcolor=c.page, borderpad=3, **at))
    text = _("drawn once you commit") if veil else _("no path")
    upper = ~path[np.triu_indices(len(values), 1)]
    lower = ~path[np.tril_indices(len(values), -1)]
    if len(values) > 2 and text_width(text, size.tick) < 0.4 * side:
        for empty, (x, y) in ((upper, (0.75, 0.25)), (lower, (0.25, 0.75))):
            if empty.all():
                at = {"x": span[0] + x * (span[1] - span[0]), "y": span[0] + y * (span[1] - span[0])}
                notes.append(note(text, size.tick, c.muted, **at))
    return {"data": data, "layout": layout | {"annotations": notes, "shapes": shapes}}


def _prediction_trace(prediction: tuple[float, float, str], step: int, style: Style) -> Figure:
    """From the first to the last input that was guessed, in the row in focus."""
    size, you = sizes(style), style.colours.you
    cross = {"symbol": "x-thin", "size": 14 * size.marker, "line": {"color": you, "width": 4 * size.line}}
    return {
        "type": "scatter",
        "uid": "prediction",
        "name": _("your prediction"),
        "x": list(prediction[:2]),
        "y": [step, step],
        "mode": "lines+markers",
        "line": {"color": you, "width": 2.5 * size.line, "dash": "dot"},
        "marker": cross,
        "cliponaxis": False,
        "hoverinfo": "skip",
    }


def _without_red(style: Style) -> list[list[Any]]:
    """The regime scale up to “holds”, for maps in which nothing explodes."""
    share = 2 / 1.08
    blue = [[stop * share, colour] for stop, colour in regime_scale(style)[:2]]
    return [*blue, [0.46 * share + 1e-4, style.colours.holds], [1.0, style.colours.holds]]
