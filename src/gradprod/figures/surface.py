"""The local factor as a surface Z(x, y), with the path that the running cell takes on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.figures.labels import Box, clear_place
from gradprod.figures.theme import (
    CHIP_ON_PICTURE,
    DARK_ON_PICTURE,
    FACTOR_SCALE,
    LIGHT_ON_PICTURE,
    PINS,
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    flat_title,
    note,
    sizes,
    step_ticks,
    text_width,
)
from gradprod.i18n import gettext as _
from gradprod.words import decimals, grouped

WORDS_TO = 400
"""Longest path drawn step by step, each with its hover."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Path:
    """A run on the surface: both pre-activations and the local factor at steps 1 … T, each of shape (T,)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """The heatmap's rectangle, in the units of its axes and in pixels."""

    x: tuple[float, float]
    y: tuple[float, float]
    across: float
    tall: float
    left: float

    def pixels(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Pixels from the left and from the top."""
        along = (x - self.x[0]) / (self.x[1] - self.x[0]) * self.across
        return along, (self.y[1] - y) / (self.y[1] - self.y[0]) * self.tall


def gate_surface(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    style: Style,
    *,
    path: Path | None = None,
    others: Path | None = None,
    pins: Sequence[Path] = (),
    low: float = 0.1,
    high: float = 0.9,
    x_title: str | None = None,
    y_title: str | None = None,
) -> Figure:
    """Z as a heatmap with level lines at the thresholds, the path on it, and Z at every step below.

    Parameters
    ----------
    x, y : array_like, shapes (n,) and (m,)
        Evenly spaced pre-activations of the state and of the gate.
    z : array_like, shape (m, n)
        The local factor, a row for each y; drawn by magnitude.
    style : Style
    path : Path, optional
        Without one (while it is being predicted) the surface stands alone.
    others : Path, optional
        Other runs, its arrays of shape (runs, T): their places are dots under the path.
    pins : sequence of Path, optional
        Earlier runs: hollow marks under the path, which are seen where it is.
    low, high : float
        What counts as near 0 and near 1.
    x_title, y_title : str, optional
        What the axes are, HTML.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    xs, ys, zs = np.asarray(x, float), np.asarray(y, float), np.abs(np.asarray(z, float))
    c, size, big = style.colours, sizes(style), style.presenting
    sides = (70, 96, 84, 44) if big else (46, 66, 60, 30) if size.wide else (34, 44, 46, 30)
    margin: dict[str, float] = dict(zip("lrtb", sides, strict=True))
    inner = style.height - margin["t"] - margin["b"]
    strip = 44 if big else 30 if size.wide else 22
    gap = 132 if big else 92 if size.wide else 70
    if path is None:
        strip, gap = 1, 40
    bottom = (strip + gap) / inner
    place = _Place(
        x=(float(xs[0]), float(xs[-1])),
        y=(float(ys[0]), float(ys[-1])),
        across=style.width - margin["l"] - margin["r"],
        tall=inner * (1 - bottom),
        left=margin["l"],
    )
    data = [_heatmap(xs, ys, zs, style, low, high, bottom, place.tall)]
    for level, colour in ((low, LIGHT_ON_PICTURE), (high, DARK_ON_PICTURE)):
        data.append(_level_trace(xs, ys, zs, level, colour, style))
    title = y_title or _(
        "<i>y</i> = <i>W<sub>f</sub> X<sub>t</sub></i> + <i>b<sub>f</sub></i>, what the gate is given"
    )
    over = {"x": 1, "xref": "paper", "xanchor": "left", "y": 1, "yref": "paper", "yanchor": "bottom"}
    notes = [
        flat_title(style, title, 1, margin["l"], 40 if big else 27),
        note("<b><i>Z</i></b>", size.title, c.ink, xshift=14 if big else 11, yshift=2, **over),
        *_level_names(xs, ys, zs, (low, high), place, style),
    ]
    layout = base_layout(style, margin)
    axis = base_axis(style, showgrid=False)
    layout["xaxis"] = axis | {
        "range": list(place.x),
        "title": axis_title(style, x_title or _("<i>x</i> = <i>u<sub>t</sub></i>, what φ is given"), 6),
        "nticks": 9 if size.wide else 7,
        "anchor": "y",
    }
    layout["yaxis"] = axis | {"range": list(place.y), "domain": [bottom, 1], "nticks": 7}
    if path is not None:
        if others is not None:
            data.append(_others_trace(others, place, style))
        for k, pin in enumerate(pins[: len(PINS)]):
            data += _pin_traces(pin, k, place, style)
        data += [*_path_traces(path, place, style), _ends_trace(path, style)]
        data.append(strip_trace(path.z, style, across=place.across))
        taken: list[Box] = []
        notes += _end_names(path, place, style, taken)
        if pins:
            notes.append(_pins_name(path, pins, place, style, taken))
        length = len(path.z)
        says = _("<i>Z</i> at every step of the run")
        if length > place.across:
            says = _("<i>Z</i> along the run: greatest above, least below")
        notes.append(flat_title(style, says, strip / inner, margin["l"], 10 if big else 7))
        ticks = step_ticks(length, 8 if size.wide else 5)
        layout["xaxis2"] = axis | {
            "range": [0.5, length + 0.5],
            "anchor": "y2",
            "tickmode": "array",
            "tickvals": ticks,
            "ticktext": [_("step {n}", n=1), *(grouped(k) for k in ticks[1:])],
        }
        layout["yaxis2"] = {
            "domain": [0, strip / inner],
            "range": [-0.5, 0.5],
            "visible": False,
            "fixedrange": True,
        }
    return {"data": data, "layout": layout | {"annotations": notes}}


def gate_surface_solid(
    x: ArrayLike,
    y: ArrayLike,
    z: ArrayLike,
    style: Style,
    *,
    path: Path | None = None,
    pins: Sequence[Path] = (),
) -> Figure:
    """The same surface in three dimensions, to be turned; parameters as of `gate_surface`."""
    c, size = style.colours, sizes(style)
    zs = np.abs(np.asarray(z, float))
    data: list[Figure] = [
        {
            "type": "surface",
            "uid": "surface",
            "name": "Z",
            "x": np.asarray(x, float),
            "y": np.asarray(y, float),
            "z": zs,
            "cmin": 0,
            "cmax": 1,
            "colorscale": FACTOR_SCALE,
            "showscale": False,
            "hovertemplate": _HOVER,
        }
    ]
    if path is not None:
        for k, (pin, (symbol, _glyph)) in enumerate(zip(pins, PINS, strict=False)):
            data.append(
                {
                    "type": "scatter3d",
                    "uid": f"pin-{k}",
                    "name": _("pinned"),
                    "x": pin.x,
                    "y": pin.y,
                    "z": np.abs(pin.z) + 0.03,  # hollow marks would be cut by the surface
                    "mode": "markers",
                    "marker": {"symbol": symbol, "size": 4, "color": LIGHT_ON_PICTURE},
                    "hoverinfo": "skip",
                }
            )
        lifted = np.abs(path.z) + 0.01
        few = len(path.z) <= WORDS_TO
        data.append(
            {
                "type": "scatter3d",
                "uid": "path",
                "name": _("path of the cell"),
                "x": path.x,
                "y": path.y,
                "z": lifted,
                "mode": "lines+markers" if few else "markers",
                "line": {"color": LIGHT_ON_PICTURE, "width": 5},
                "marker": {
                    "size": 4 if few else 2,
                    "color": LIGHT_ON_PICTURE,
                    "line": {"color": DARK_ON_PICTURE, "width": 1},
                },
                "hoverinfo": "skip",
            }
        )
    axis = {
        "color": c.ink,
        "gridcolor": c.rule,
        "backgroundcolor": "rgba(0,0,0,0)",
        "tickfont": {"size": size.tick - 2, "color": c.muted},
    }
    layout = base_layout(style, {"l": 0, "r": 0, "t": 0, "b": 0}, dragmode="turntable")
    layout["scene"] = {
        "xaxis": axis | {"title": {"text": "x"}},
        "yaxis": axis | {"title": {"text": "y"}},
        "zaxis": axis | {"title": {"text": "Z"}, "range": [0, max(1.0, float(zs.max()))]},
        "camera": {"eye": {"x": 1.4, "y": -1.5, "z": 0.9}},
    }
    return {"data": data, "layout": layout}


_HOVER = "<i>x</i> %{x:.2f}, <i>y</i> %{y:.2f}<br><b>Z = %{z:.3f}</b><extra></extra>"


def _heatmap(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    style: Style,
    low: float,
    high: float,
    bottom: float,
    tall: float,
) -> Figure:
    c, size, big = style.colours, sizes(style), style.presenting
    top = "1" if z.max() <= 1 else "≥ 1"
    middle = [0.5] if low < 0.4 and high > 0.6 else []
    ticks = [0.0, low, *middle, high, 1.0]
    ticks = [v for v in ticks if v in (0, 1) or min(v, 1 - v) * tall > 0.9 * size.tick]
    bar = {
        "x": 1,
        "xpad": 10,
        "xanchor": "left",
        "y": (bottom + 1) / 2,
        "len": 1 - bottom,
        "lenmode": "fraction",
        "ypad": 0,
        "thickness": 22 if big else 14 if size.wide else 10,
        "outlinewidth": 0,
        "tickvals": ticks,
        "ticktext": ["0", *(decimals(v, 3) for v in ticks[1:-1]), top],
        "tickfont": {"size": size.tick, "color": c.muted},
        "ticks": "",
    }
    return {
        "type": "heatmap",
        "uid": "surface",
        "name": "Z",
        "x": x,
        "y": y,
        "z": z,
        "zmin": 0,
        "zmax": 1,
        "colorscale": FACTOR_SCALE,
        "zsmooth": "fast",
        "colorbar": bar,
        "hovertemplate": _HOVER,
    }


# ---- level lines ----


def level_line(
    x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The line Z = level of a surface that falls to both sides of its ridge, NaN outside of the rectangle.

    Parameters
    ----------
    x, y, z : ndarray, shapes (n,), (m,), (m, n)
        Each row of `z` rises to one ridge and falls again, or is flat.
    level : float

    Returns
    -------
    (ndarray, ndarray)
        x and y along the line: down its left branch, up its right one.
    """
    ridge = z.max(axis=1)
    rows = np.flatnonzero(ridge > level)
    if rows.size == 0 or z.min() > level:
        return np.empty(0), np.empty(0)
    above = z[rows] > level
    left, right = above.argmax(axis=1), above.shape[1] - 1 - above[:, ::-1].argmax(axis=1)

    def crossing(inner: NDArray[np.int64], outer: NDArray[np.int64]) -> NDArray[np.float64]:
        inside = (outer >= 0) & (outer < len(x))
        far = np.clip(outer, 0, len(x) - 1)
        a, b = z[rows, inner], z[rows, far]
        share = np.divide(a - level, a - b, out=np.zeros(len(rows)), where=a != b)
        return np.where(inside, x[inner] + share * (x[far] - x[inner]), np.nan)

    ends = [crossing(left, left - 1), crossing(right, right + 1)]
    apex: list[tuple[float, float]] = []
    for row, outer in ((rows[0], rows[0] - 1), (rows[-1], rows[-1] + 1)):
        if 0 <= outer < len(y):
            share = (ridge[row] - level) / (ridge[row] - ridge[outer])
            apex.append((float(x[z[row].argmax()]), float(y[row] + share * (y[outer] - y[row]))))
        else:
            apex.append((np.nan, np.nan))
    if np.isnan(ends[0]).all() and np.isnan(ends[1]).all():  # flat rows: the level is a height
        heights = [v for _x, v in apex if not math.isnan(v)]
        return np.array([x[0], x[-1]] * len(heights)), np.repeat(heights, 2)
    (bottom_x, bottom_y), (top_x, top_y) = apex
    along = np.concatenate(([top_x], ends[0][::-1], [bottom_x], ends[1], [top_x]))
    up = np.concatenate(([top_y], y[rows][::-1], [bottom_y], y[rows], [top_y]))
    return along, up


def _level_trace(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    level: float,
    colour: str,
    style: Style,
) -> Figure:
    along, up = level_line(x, y, z, level)
    return {
        "type": "scatter",
        "uid": f"level-{'high' if colour == DARK_ON_PICTURE else 'low'}",
        "name": f"Z = {decimals(level, 3)}",
        "x": along,
        "y": up,
        "mode": "lines",
        "line": {"color": colour, "width": 2 * sizes(style).line, "dash": "7px,5px"},
        "hoverinfo": "skip",
    }


def _level_names(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    levels: tuple[float, float],
    place: _Place,
    style: Style,
) -> list[Figure]:
    """The levels, named where their lines leave the rectangle: at the top, else on the right."""
    c, size = style.colours, sizes(style)
    notes: list[Figure] = []
    taken: list[tuple[float, float]] = []
    for level in reversed(levels):
        name, short = f"<i>Z</i> = {decimals(level, 3)}", decimals(level, 3)
        half = text_width(name, size.tick) / 2
        over = np.flatnonzero((z[-1, 1:] > level) != (z[-1, :-1] > level))
        at = place.pixels((x[over] + x[over + 1]) / 2, np.full(over.size, y[-1]))[0].tolist()
        if len(at) == 2 and at[1] - at[0] < 2 * half + 8:
            at = [sum(at) / 2]
        for px in at:
            for text in (name, short):
                reach = text_width(text, size.tick) / 2 + 3
                if all(abs(px - q) >= reach + r for q, r in taken):
                    taken.append((px, reach))
                    where = {"x": place.x[0] + px / place.across * (place.x[1] - place.x[0]), "y": 1}
                    where |= {"yref": "y domain", "yanchor": "bottom", "yshift": 2}
                    notes.append(note(text, size.tick, c.ink, **where))
                    break
        side = np.flatnonzero((z[1:, -1] > level) != (z[:-1, -1] > level))
        if not at and side.size:
            where = {
                "x": x[-1],
                "xanchor": "right",
                "xshift": -6,
                "y": float(y[side[0]]),
                "yanchor": "bottom",
            }
            notes.append(note(name, size.tick, LIGHT_ON_PICTURE, bgcolor=CHIP_ON_PICTURE, yshift=2, **where))
    return notes


# ---- the path ----


def _path_traces(path: Path, place: _Place, style: Style) -> list[Figure]:
    size, length = sizes(style), len(path.z)
    name = _("path of the cell")
    if length > WORDS_TO:
        first = _places(path, place)
        swell = size.marker * (1.5 if len(first) <= WORDS_TO else 1)
        dot: Figure = {"type": "scatter", "x": path.x[first], "y": path.y[first], "mode": "markers"}
        dot |= {"name": name, "hoverinfo": "skip"}
        marks = {"size": 3.5 * swell, "color": LIGHT_ON_PICTURE}
        ground = {"size": 6.5 * swell, "color": DARK_ON_PICTURE}
        return [{**dot, "uid": "path-ground", "marker": ground}, {**dot, "uid": "path", "marker": marks}]
    words = [
        f"<b>{_('step {n}', n=k)}</b><br><i>Z</i> = {v:.3f}" for k, v in enumerate(np.abs(path.z).tolist(), 1)
    ]
    both: Figure = {"type": "scatter", "name": name, "x": path.x, "y": path.y}
    return [
        {
            **both,
            "uid": "path-ground",
            "mode": "lines",
            "line": {"color": DARK_ON_PICTURE, "width": 3.5 * size.line},
            "hoverinfo": "skip",
        },
        {
            **both,
            "uid": "path",
            "mode": "lines+markers",
            "line": {"color": LIGHT_ON_PICTURE, "width": 1.6 * size.line},
            "marker": {
                "size": 9 * size.marker,
                "color": LIGHT_ON_PICTURE,
                "line": {"color": DARK_ON_PICTURE, "width": 1.8 * size.line},
            },
            "text": words,
            "hovertemplate": "%{text}<extra></extra>",
        },
    ]


def _places(path: Path, place: _Place) -> NDArray[np.int64]:
    """Where every place is visited first, to the pixel: a long run comes by the same ones again and again."""
    px, py = (np.round(v / 2) for v in place.pixels(path.x.ravel(), path.y.ravel()))
    return np.unique(px * 1e6 + py, return_index=True)[1]


def _others_trace(others: Path, place: _Place, style: Style) -> Figure:
    """The places of other runs, faint."""
    first = _places(others, place)
    return {
        "type": "scatter",
        "uid": "others",
        "name": _("other seeds"),
        "x": others.x.ravel()[first],
        "y": others.y.ravel()[first],
        "mode": "markers",
        "hoverinfo": "skip",
        "marker": {"size": 4 * sizes(style).marker, "color": LIGHT_ON_PICTURE, "opacity": 0.55},
    }


def _pin_traces(pin: Path, index: int, place: _Place, style: Style) -> list[Figure]:
    """An earlier run: small hollow marks, light on a dark ground, so that they are seen on any factor."""
    first, size = _places(pin, place), sizes(style)
    marks: Figure = {"type": "scatter", "name": _("pinned"), "mode": "markers", "opacity": 0.75}
    marks |= {"x": pin.x[first], "y": pin.y[first], "hoverinfo": "skip"}
    shape = {"symbol": PINS[index][0], "size": 8 * size.marker}
    ground = {**shape, "color": DARK_ON_PICTURE, "line": {"width": 3.5 * size.line}}
    ring = {**shape, "color": LIGHT_ON_PICTURE, "line": {"width": 1.5 * size.line}}
    return [
        {**marks, "uid": f"pin-ground-{index}", "marker": ground},
        {**marks, "uid": f"pin-{index}", "marker": ring},
    ]


def _pins_name(path: Path, pins: Sequence[Path], place: _Place, style: Style, taken: list[Box]) -> Figure:
    """What the hollow marks are, in a corner that is free of paths."""
    size = sizes(style)
    glyphs = " ".join(glyph for _pin, (_symbol, glyph) in zip(pins, PINS, strict=False))
    text = f"{glyphs} {_('pinned')}"
    px, py = (
        np.concatenate(along)
        for along in zip(
            *(place.pixels(*(v[:: max(1, len(v) // 500)] for v in (run.x, run.y))) for run in (path, *pins)),
            strict=True,
        )
    )
    half = text_width(text, size.tick) / 2 + 6, size.tick / 2 + 7
    lx, ly = clear_place((0, place.tall), half, (px, py), taken, (place.across, place.tall))
    return note(
        text,
        size.tick,
        LIGHT_ON_PICTURE,
        x=place.x[0] + lx / place.across * (place.x[1] - place.x[0]),
        y=place.y[1] - ly / place.tall * (place.y[1] - place.y[0]),
        bgcolor=CHIP_ON_PICTURE,
        borderpad=4,
    )


def _ends_trace(path: Path, style: Style) -> Figure:
    """The first step a square, the last a diamond."""
    at = [0, -1] if len(path.z) > 1 else [0]
    return {
        "type": "scatter",
        "uid": "path-ends",
        "name": _("first and last step"),
        "x": path.x[at],
        "y": path.y[at],
        "mode": "markers",
        "hoverinfo": "skip",
        "marker": {
            "symbol": ["square", "diamond"][: len(at)],
            "size": 15 * sizes(style).marker,
            "color": LIGHT_ON_PICTURE,
            "line": {"color": DARK_ON_PICTURE, "width": 2.5},
        },
    }


def strip_trace(
    z: NDArray[np.float64], style: Style, *, across: float, axes: tuple[str, str] = ("x2", "y2")
) -> Figure:
    """The factor at every step, as a strip; where steps outnumber pixels, the least below the greatest."""
    z = np.abs(z)
    length = len(z)
    trace: Figure = {
        "type": "heatmap",
        "uid": "strip",
        "name": _("<i>Z</i> at every step"),
        "xaxis": axes[0],
        "yaxis": axes[1],
        "zmin": 0,
        "zmax": 1,
        "colorscale": FACTOR_SCALE,
        "showscale": False,
    }
    if length <= across:
        says = f"<b>{_('step {n}', n='%{x:,d}')}</b><br><i>Z</i> = %{{z:.3f}}<extra></extra>"
        gap = 1 if length <= 100 else 0
        edges = np.arange(1, length + 1) if length > 1 else np.array([0.5, 1.5])
        return trace | {"x": edges, "y": [0], "z": z[None, :], "xgap": gap, "hovertemplate": says}
    edges = np.linspace(0, length, int(across) + 1).astype(int)
    rows = np.stack((np.minimum.reduceat(z, edges[:-1]), np.maximum.reduceat(z, edges[:-1])))
    says = f"<b>{_('about step {n}', n='%{x:,d}')}</b><br><i>Z</i> = %{{z:.3f}}<extra></extra>"
    return trace | {"x": edges + 0.5, "y": [-0.25, 0.25], "z": rows, "hovertemplate": says}


def _end_names(path: Path, place: _Place, style: Style, taken: list[Box]) -> list[Figure]:
    """The first and the last step, named beside the path."""
    size, length = sizes(style), len(path.z)
    px, py = place.pixels(path.x, path.y)
    few = slice(None, None, max(1, length // 500))
    notes: list[Figure] = []
    for step in sorted({0, length - 1}):
        x, y = float(path.x[step]), float(path.y[step])
        if not (place.x[0] <= x <= place.x[1] and place.y[0] <= y <= place.y[1]):
            continue
        text = f"<b>{_('step {n}', n=grouped(step + 1))}</b>"
        half = text_width(text, size.tick) / 2 + 6, size.tick / 2 + 7
        room = place.across, place.tall
        lx, ly = clear_place((px[step], py[step]), half, (px[few], py[few]), taken, room)
        notes.append(
            {
                "text": text,
                "x": x,
                "y": y,
                "ax": float(lx - px[step]),
                "ay": float(ly - py[step]),
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 1.5,
                "arrowcolor": LIGHT_ON_PICTURE,
                "standoff": 7 * size.marker,
                "bgcolor": CHIP_ON_PICTURE,
                "borderpad": 4,
                "font": {"size": size.tick, "color": LIGHT_ON_PICTURE},
            }
        )
    return notes
