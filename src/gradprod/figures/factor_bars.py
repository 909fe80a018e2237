"""Every factor of a product as a bar that starts at 1: on the logarithmic axis they add up to the curve."""

from __future__ import annotations

import math

import numpy as np

from gradprod.figures.theme import Figure, Style, base_axis, sizes, whole_ticks
from gradprod.i18n import gettext as _
from gradprod.products import Factors
from gradprod.words import decimals, number, tick

BARS_TO = 200
"""Longest sequence drawn bar by bar with its hover; beyond, an area below and one above 1."""


def factor_bars(
    factors: Factors, style: Style, *, tall: float, forward: bool = False
) -> tuple[list[Figure], Figure]:
    """Traces of the factors, newest step first, and their axis (the third), `tall` pixels high.

    With `forward` the oldest step is first, as lags run on from it.
    """
    c, size, length = style.colours, sizes(style), len(factors.log)
    order = slice(None, None, 1 if forward else -1)
    log10 = np.asarray(factors.log, float)[order] / math.log(10)
    sign = np.asarray(factors.sign)[order]
    finite = log10[np.isfinite(log10)]
    top = max(0.1, float(finite.max())) if finite.size else 0.1
    low = min(-0.1, float(finite.min())) if finite.size else -0.1
    top, low = max(top, -0.15 * low), min(low, -0.15 * top)
    zero = log10 == -math.inf
    y = np.where(zero, low * 1.08, log10)
    lags = np.arange(1, len(y) + 1)
    base: Figure = {"x": lags, "yaxis": "y2", "name": _("factor")}
    if length <= BARS_TO:
        steps = range(1, length + 1)[order]
        words = [
            _("factor {f} at step {n}", f=number(v, sign=s), n=k)
            for v, s, k in zip(log10.tolist(), sign.tolist(), steps, strict=True)
        ]
        said = {"hovertemplate": "%{hovertext}<extra></extra>", "type": "bar"}
        marker = {"color": np.where(log10 > 0, c.explodes, c.vanishes).tolist(), "line": {"width": 0}}
        bars = [{**base, **said, "uid": "factors", "y": y, "hovertext": words, "marker": marker}]
        if zero.any():  # over the plain bars, to the bottom of the axis
            hatch = {"color": c.page, "line": {"color": c.ink, "width": 1.5}}
            hatch["pattern"] = {"shape": "x", "fgcolor": c.ink, "solidity": 0.4}
            none = [word for word, is_zero in zip(words, zero, strict=True) if is_zero]
            lost = {"x": lags[zero], "y": y[zero], "hovertext": none}
            bars.append({**base, **said, **lost, "uid": "zero-factors", "marker": hatch})
    else:
        area = {**base, "type": "scatter", "mode": "lines", "fill": "tozeroy", "hoverinfo": "skip"}
        area |= {"line": {"width": 0, "shape": "hvh"}}
        bars = [
            {**area, "uid": "factors-below", "y": np.minimum(y, 0), "fillcolor": c.vanishes},
            {**area, "uid": "factors-above", "y": np.maximum(y, 0), "fillcolor": c.explodes},
        ]
    span = tall / (1.15 * top - 1.08 * low)
    if span * math.log10(2) > size.tick:
        ticks = {0.0: "1"}
        for v in (2, 0.5, 3, 0.3, 1.2, 0.8, 0.1, 1.5, 0.7, 10):
            at = math.log10(v)
            if low <= at <= top and all(abs(at - t) * span > 1.1 * size.tick for t in ticks):
                ticks[at] = decimals(v, 1)
    else:
        ticks = {float(v): tick(v) for v in whole_ticks(low * 1.02, top, 3)} | {0.0: "1"}
    if zero.any():
        ticks = {v: name for v, name in ticks.items() if v > 0.8 * low} | {low * 1.08: "<b>0</b>"}
    axis = base_axis(
        style,
        range=[low * 1.08, top * 1.15],
        tickmode="array",
        tickvals=list(ticks),
        ticktext=list(ticks.values()),
        showgrid=False,
        zeroline=True,
        zerolinecolor=c.ink,
        zerolinewidth=1.5,
    )
    return bars, axis
