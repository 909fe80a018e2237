"""The strip of verdicts under a product: what every lag is worth, in colour and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gradprod.figures.theme import Figure, Style, note, sizes, text_width
from gradprod.i18n import gettext as _
from gradprod.words import grouped, regime_name

Place = tuple[float, float]
"""Where the strip begins and ends, in paper units."""


def strip_shapes(products: Sequence[NDArray[np.float64]], style: Style, place: Place) -> list[Figure]:
    """A row of verdicts for each product, given as log₁₀ against lag: a shape for each verdict.

    Shapes, because a heatmap in their place would make every step of a slider a fifth slower; always three,
    since a picture whose shapes stay is drawn sooner.
    """
    c, (low, high) = style.colours, place
    row = (high - low) / len(products)
    gap = 0 if len(products) == 1 else 0.06 * row
    paths = ["", "", ""]
    for i, log10 in enumerate(products):
        codes = _verdicts(log10)
        edges = _runs(codes)
        top = high - i * row - gap
        for start, end in pairwise(edges.tolist()):
            if not math.isnan(code := codes[start]):
                paths[int(code)] += (
                    f"M{start - 0.5},{top:.5f}H{end - 0.5}V{top - row + 2 * gap:.5f}H{start - 0.5}Z"
                )
    shape = {"type": "path", "xref": "x", "yref": "paper", "line": {"width": 0}}
    named = zip(("vanishes", "holds", "explodes"), (c.vanishes, c.holds, c.explodes), paths, strict=True)
    return [
        {**shape, "name": name, "path": path or "M0,0Z", "fillcolor": colour} for name, colour, path in named
    ]


def strip_notes(
    products: Sequence[NDArray[np.float64]],
    owners: Sequence[tuple[str, str]],
    style: Style,
    place: Place,
    across: float,
    tall: float,
) -> list[Figure]:
    """The verdicts, named inside the strip wherever there is room.

    Parameters
    ----------
    products : sequence of ndarray
        As for `strip_shapes`.
    owners : sequence of (str, str)
        Marker and colour of each product, shown where there are several.
    style : Style
    place : (float, float)
        Where the strip begins and ends, in paper units.
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
        y = {"y": place[1] - (row + 0.5) / len(products) * (place[1] - place[0]), "yref": "paper"}
        y |= {"yanchor": "middle"}
        if several:
            at = {"x": 0, "xref": "paper", "xanchor": "right", "xshift": -8, **y}
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
                    at = {"x": start - 0.5, "xanchor": "left", "xshift": 8, **y}
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
