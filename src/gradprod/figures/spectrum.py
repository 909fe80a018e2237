"""Eigenvalues beside singular values, and spectra of products against lag."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.figures.labels import Label, end_labels, label_room
from gradprod.figures.theme import (
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    flat_title,
    line,
    note,
    outward,
    sizes,
    text_width,
    translucent,
    whole_ticks,
)
from gradprod.i18n import gettext as _
from gradprod.products.spectra import Lyapunov
from gradprod.words import decimals, factor, number, tick, value

LINES_TO = 24
"""Most singular values drawn as a line each; of more, the largest, the median, the smallest and a band."""


def eigenvalues(
    matrix: ArrayLike,
    style: Style,
    *,
    slope_bound: float = 1.0,
    mean_slope: float | None = None,
    spectra: tuple[ArrayLike, ArrayLike] | None = None,
) -> Figure:
    """The eigenvalues of W in the complex plane (○), singular values on the axis (◆), the critical circle.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        W.
    style : Style
    slope_bound : float, optional
        γ = sup |φ′|: the circle has radius 1/γ. Inside it with every *singular* value means vanishing.
    mean_slope : float, optional
        The mean slope of a run; a second, dotted circle at its inverse, where a typical step neither grows
        nor shrinks.
    spectra : (array_like, array_like), optional
        The eigenvalues and singular values of W, where they are known.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    W = np.asarray(matrix, float)
    c, size, big = style.colours, sizes(style), style.presenting
    values, singular = map(np.asarray, spectra or (np.linalg.eigvals(W), np.linalg.svd(W, compute_uv=False)))
    radius, norm = float(np.abs(values).max()), float(singular.max())
    circles = [(1 / slope_bound, "bound", "1/γ =")]
    if mean_slope is not None and 0 < mean_slope < slope_bound:
        circles.append((1 / mean_slope, "approximation", _("1/typical slope =")))
    near = 4 * max(radius, norm, 0.26)
    widest = outward(0.0, 1.1 * max(radius, norm, *(r for r, *_rest in circles if r < near), 0.25))[1]
    rows = [
        ("○", _("largest eigenvalue"), "ρ = " + (value(radius) if radius > 1e-7 * norm else "0")),
        ("◆", _("largest singular value"), value(norm)),
        *(("╌╌" if kind == "bound" else "┈┈", name, value(r)) for r, kind, name in circles),
    ]
    left, top, bottom = (70, 58, 74) if big else (46, 34, 50)
    right = 16.0
    if size.wide:
        names = [f"<b>{glyph} {name}</b>" for glyph, name, _n in rows]
        right = round(max(text_width(name, size.label) for name in names) + 34)
        key = "<br>".join(f"<b>{glyph} {name}</b><br>{number}<br>" for glyph, name, number in rows)
        at = {"x": 1, "xanchor": "left", "xshift": 16, "y": 1, "yanchor": "top"}
    else:
        key = "<br>".join(f"{glyph} {name} {number}" for glyph, name, number in rows)
        top += round(1.3 * size.tick * len(rows) + 8)
        at = {"x": 0, "xanchor": "left", "xshift": 4 - left, "y": 1, "yanchor": "bottom"}
        at["yshift"] = 2.2 * size.title
    font = size.label if size.wide else size.tick
    at |= {"xref": "paper", "yref": "paper", "align": "left"}
    notes = [flat_title(style, _("imaginary part"), 1, left), note(key, font, c.ink, **at)]
    across, tall = style.width - left - right, style.height - top - bottom
    per = min(across, tall) / (2 * widest)
    turn = np.linspace(0, 2 * np.pi, 181)
    data: list[Figure] = [
        {
            "type": "scatter",
            "uid": f"circle-{kind}",
            "name": said,
            "x": r * np.cos(turn),
            "y": r * np.sin(turn),
            "mode": "lines",
            "line": line(style, c.bound, kind),
            "hoverinfo": "skip",
        }
        for r, kind, said in circles
    ]
    ring = {"symbol": "circle-open", "size": 9 * size.marker, "color": c.ink}
    ring["line"] = {"width": 2 * size.line, "color": c.ink}
    diamond = {"symbol": "diamond", "size": 9 * size.marker, "color": translucent(c.ink, 0.55)}
    data.append(
        {
            "type": "scatter",
            "uid": "eigenvalues",
            "name": _("eigenvalues"),
            "x": values.real,
            "y": values.imag,
            "mode": "markers",
            "marker": ring,
            "customdata": np.abs(values),
            "hovertemplate": _("eigenvalue, size {n}", n="%{customdata:.3f}") + "<extra></extra>",
        }
    )
    data.append(
        {
            "type": "scatter",
            "uid": "singular",
            "name": _("singular values"),
            "x": singular,
            "y": np.zeros(len(singular)),
            "mode": "markers",
            "marker": diamond,
            "hovertemplate": _("singular value {n}", n="%{x:.3f}") + "<extra></extra>",
        }
    )
    layout = base_layout(style, {"l": left, "r": right, "t": top, "b": bottom})
    plain_axis = base_axis(style, zeroline=True, zerolinecolor=c.rule, zerolinewidth=1, nticks=7)
    layout["xaxis"] = plain_axis | {
        "range": [-across / 2 / per, across / 2 / per],
        "title": axis_title(style, _("real part; singular values"), 12 if big else 8),
        "showgrid": False,
        "nticks": 7 if size.wide else 5,
    }
    layout["yaxis"] = plain_axis | {"range": [-tall / 2 / per, tall / 2 / per], "scaleanchor": "x"}
    return {"data": data, "layout": layout | {"annotations": notes}}


def product_spectrum(
    singular: ArrayLike,
    style: Style,
    *,
    lags: ArrayLike | None = None,
    lyapunov: Lyapunov | None = None,
) -> Figure:
    """The singular values of the gradient product against lag, fanning out on a logarithmic axis.

    Parameters
    ----------
    singular : array_like, shape (L, n)
        log₁₀ of them, largest first, as `gradprod.products.spectra.singular_values` gives.
    style : Style
    lags : array_like, shape (L,), optional
        0 … L − 1 by default.
    lyapunov : Lyapunov, optional
        Its exponents are drawn as dotted lines: what each direction does in the long run.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    values = np.asarray(singular, float)
    at = np.arange(len(values)) if lags is None else np.asarray(lags)
    c, size, big = style.colours, sizes(style), style.presenting
    finite = values[np.isfinite(values)]
    low, high = min(-1.5, float(finite.min())), max(1.5, float(finite.max()))
    low, high = outward(low - 0.025 * (high - low), high + 0.025 * (high - low))
    top, bottom = (58, 74) if big else (34, 50)
    tall = style.height - top - bottom
    data = _spectrum_traces(values, at, style)
    labels = []

    def label(name: str, exponent: float, colour: str) -> None:
        end = min(max(exponent, low), high)
        place = (high - end) / (high - low) * tall
        labels.append(Label(at=place, name=name, number=number(exponent), colour=colour))

    label(_("largest"), float(values[-1, 0]), c.ink)
    if values.shape[1] > 1:
        label(_("smallest"), float(values[-1, -1]), c.muted)
    if lyapunov is not None:
        exponents = np.asarray(lyapunov.exponents, float) / math.log(10)
        for k in sorted({0, len(exponents) - 1}):
            end = exponents[k] * float(at[-1])
            trace: Figure = {
                "type": "scatter",
                "uid": f"lyapunov-{k}",
                "name": _("Lyapunov exponent {n}", n=k + 1),
                "x": np.array([0, at[-1]]),
                "y": np.array([0.0, end]),
                "mode": "lines",
                "line": line(style, c.bound, "approximation", 0.7),
                "hoverinfo": "skip",
            }
            if math.isfinite(end):
                data.insert(0, trace)
        rate = factor(10 ** float(exponents[0]))
        labels.append(
            Label(
                at=(high - min(max(exponents[0] * float(at[-1]), low), high)) / (high - low) * tall,
                name=_("long-run rate"),
                number=_("× {n} a step", n=rate),
                colour=c.bound,
                bold=False,
            )
        )
    room = label_room(labels, style)
    ticks = whole_ticks(low, high, 5 if big else 6)
    left = round(
        max(92 if big else 62 if size.wide else 50, *(text_width(tick(v), size.tick) + 14 for v in ticks))
    )
    layout = base_layout(style, {"l": left, "r": room, "t": top, "b": bottom}, hovermode="x")
    layout["xaxis"] = base_axis(
        style,
        range=[float(at[0]) - 0.5, float(at[-1]) + 0.5],
        showgrid=False,
        title=axis_title(style, _("lag <i>t − k</i> (steps back)"), 12 if big else 8),
        tickformat=",d",
        nticks=10 if size.wide else 5,
    )
    layout["yaxis"] = base_axis(
        style,
        range=[low, high],
        tickmode="array",
        tickvals=[float(v) for v in ticks],
        ticktext=[tick(v) for v in ticks],
    )
    muted = f'<span style="color:{c.muted}">{_("log scale")}</span>'
    notes = [flat_title(style, f"{_('singular values of the product')}   {muted}", 1, left)]
    band = {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "yref": "y",
        "y0": -1,
        "y1": 1,
        "layer": "below",
    }
    layout["shapes"] = [{**band, "fillcolor": c.hold_band, "line": {"width": 0}}]
    notes += end_labels(labels, style, room=room, tall=tall)
    return {"data": data, "layout": layout | {"annotations": notes}}


def _spectrum_traces(values: NDArray[np.float64], at: NDArray[np.int64], style: Style) -> list[Figure]:
    c, n = style.colours, values.shape[1]
    shown = np.where(np.isfinite(values), values, np.nan)
    hover = _("lag {n}", n="%{x:,d}") + ": <b>10<sup>%{y:.1f}</sup></b><extra></extra>"
    both: Figure = {"type": "scatter", "mode": "lines", "x": at, "hovertemplate": hover}
    kept = list(range(n)) if n <= LINES_TO else [0, n // 2, n - 1]
    traces: list[Figure] = []
    if n > LINES_TO:
        edge = {"type": "scatter", "mode": "lines", "x": at, "line": {"width": 0}, "hoverinfo": "skip"}
        fill = {"fill": "tonexty", "fillcolor": translucent(c.ink, 0.12)}
        traces = [
            {**edge, "uid": "band-low", "y": shown[:, -1]},
            {**edge, **fill, "uid": "band-high", "y": shown[:, 0]},
        ]
    for k in reversed(kept):
        first, last = k == 0, k == n - 1
        colour = c.ink if first else c.muted if last else translucent(c.ink, 0.45)
        pen = line(style, colour, weight=1.0 if first else 0.6 if last else 0.35)
        name = _("singular value {n}", n=k + 1)
        traces.append(both | {"uid": f"singular-{k}", "name": name, "y": shown[:, k], "line": pen})
    return traces


def lyapunov_spectrum(result: Lyapunov, style: Style) -> Figure:
    """The Lyapunov exponents with their standard errors: above 0 a direction grows for ever."""
    c, size, big = style.colours, sizes(style), style.presenting
    exponents, error = np.asarray(result.exponents, float), np.asarray(result.error, float)
    finite = np.isfinite(exponents)
    index = np.arange(1, len(exponents) + 1)
    colours = np.where(exponents > 0, c.explodes, c.vanishes).tolist()
    symbols = np.where(exponents > 0, "triangle-up", "triangle-down").tolist()
    left, top, bottom = (92, 58, 74) if big else (58, 34, 50)
    layout = base_layout(style, {"l": left, "r": 24, "t": top, "b": bottom})
    trace: Figure = {
        "type": "scatter",
        "uid": "lyapunov",
        "name": _("Lyapunov exponents"),
        "x": index[finite],
        "y": exponents[finite],
        "mode": "markers",
        "marker": {
            "size": (9 if len(exponents) <= 40 else 6) * size.marker,
            "color": [v for v, f in zip(colours, finite, strict=True) if f],
            "symbol": [v for v, f in zip(symbols, finite, strict=True) if f],
        },
        "error_y": {
            "type": "data",
            "array": np.where(np.isfinite(error), error, 0.0)[finite],
            "color": c.muted,
            "thickness": 1.5,
            "width": 0,
        },
        "hovertemplate": _("exponent {k}: {n} nats a step", k="%{x}", n="%{y:.4f}") + "<extra></extra>",
    }
    layout["xaxis"] = base_axis(
        style,
        range=[0.4, len(exponents) + 0.6],
        showgrid=False,
        title=axis_title(style, _("exponent, largest first"), 12 if big else 8),
        **({"tick0": 1, "dtick": 1} if len(exponents) <= 12 else {"nticks": 8}),
    )
    low, high = min([0.0, *exponents[finite]]), max([0.0, *exponents[finite]])
    pad = 0.08 * (high - low) or 0.1
    layout["yaxis"] = base_axis(style, zeroline=True, zerolinecolor=c.ink, zerolinewidth=1.5, nticks=6)
    layout["yaxis"]["range"] = list(outward(low - pad, high + pad))
    title = _("Lyapunov exponents (nats per step)")
    if finite.any():
        title = _("{title}, the largest {n}", title=title, n=decimals(float(exponents[finite][0]), 3))
    notes = [flat_title(style, title, 1, left)]
    lost = int((~finite).sum())
    if lost:
        text = _("{n} of {all} directions are lost altogether", n=lost, all=len(exponents))
        at = {"x": 1, "xref": "paper", "xanchor": "right", "y": 0, "yref": "paper", "yanchor": "bottom"}
        notes.append(note(text, size.tick, c.muted, yshift=6, **at))
    return {"data": [trace], "layout": layout | {"annotations": notes}}
