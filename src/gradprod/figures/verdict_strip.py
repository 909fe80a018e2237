"""The strip of verdicts under a product: what every lag is worth, in colour and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gradprod.figures.theme import Figure, Style, note, sizes, text_width, verdict_scale
from gradprod.i18n import gettext as _
from gradprod.words import grouped, regime_name


def strip_trace(products: Sequence[NDArray[np.float64]], style: Style) -> Figure:
    """A row of verdicts for each product, given as log₁₀ against lag; drawn on the second vertical axis."""
    codes = [_verdicts(log10) for log10 in products]
    edges = np.unique(np.concatenate([_runs(v) for v in codes]))
    rows = np.full((len(codes), len(edges) - 1), np.nan)
    for row, v in zip(rows, codes, strict=True):
        inside = edges[:-1] < len(v)
        row[inside] = v[edges[:-1][inside]]
    return {
        "type": "heatmap",
        "uid": "strip",
        "name": _("verdict by lag"),
        "x": edges - 0.5,
        "y": np.arange(len(codes)),
        "z": rows,
        "yaxis": "y2",
        "zmin": 0,
        "zmax": 2,
        "colorscale": verdict_scale(style),
        "showscale": False,
        "hoverinfo": "skip",
        "ygap": 0 if len(codes) == 1 else 2,
    }


def strip_notes(
    products: Sequence[NDArray[np.float64]],
    owners: Sequence[tuple[str, str]],
    style: Style,
    across: float,
    tall: float,
) -> list[Figure]:
    """The verdicts, named inside the strip wherever there is room.

    Parameters
    ----------
    products : sequence of ndarray
        As for `strip_trace`.
    owners : sequence of (str, str)
        Marker and colour of each product, shown where there are several.
    style : Style
    across, tall : float
        Width and height of the strip in pixels.
    """
    c, size, several = style.colours, sizes(style), len(products) > 1
    font = 22 if style.presenting else 15 if size.wide and not several else 13
    named = tall / len(products) > font + 2
    inks = (c.on_vanishes, c.on_holds, c.on_explodes)
    names = [regime_name(v) for v in ("vanishes", "holds", "explodes")]
    length = max(len(v) for v in products)
    notes = []
    for row, (log10, (glyph, colour)) in enumerate(zip(products, owners, strict=True)):
        if several:
            at = {"x": 0, "xref": "paper", "xanchor": "right", "xshift": -8, "y": row, "yref": "y2"}
            notes.append(note(glyph, min(font, tall / len(products)), colour, **at))
        if not named:
            continue
        codes = _verdicts(log10)
        edges = _runs(codes)
        wide = (edges[1:] - edges[:-1]) / length * across
        for i in np.flatnonzero(wide > 2 * font):
            start, code = int(edges[i]), codes[edges[i]]
            if math.isnan(code):
                continue
            texts = [names[int(code)]]
            if code == 1 and i == 0 and len(edges) > 2:
                texts.insert(0, _("holds to lag {n}", n=grouped(int(edges[1]) - 1)))
            for text in texts:
                if text_width(f"<b>{text}</b>", font) + 16 < wide[i]:
                    at = {"x": start - 0.5, "xanchor": "left", "xshift": 8, "y": row, "yref": "y2"}
                    notes.append(note(f"<b>{text}</b>", font, inks[int(code)], **at))
                    break
    return notes


def _verdicts(log10: NDArray[np.float64]) -> NDArray[np.float64]:
    """0, 1, 2 where the product has vanished, holds, has exploded."""
    with np.errstate(invalid="ignore"):
        codes = 1.0 - (log10 < -1) + (log10 > 1)
    return np.asarray(np.where(np.isnan(log10), np.nan, codes))


def _runs(codes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Where each run of equal verdicts begins, and the end."""
    change = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    return np.concatenate(([0], change, [len(codes)]))
