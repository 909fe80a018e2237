"""The gradient product against lag: the picture that most lessons are about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.analysis.spread import spread
from gradprod.figures.factor_bars import factor_bars
from gradprod.figures.labels import Label, end_labels, label_room
from gradprod.figures.theme import (
    GLYPHS,
    SYMBOLS,
    Figure,
    Sizes,
    Style,
    axis_title,
    base_axis,
    base_layout,
    cell_colour,
    flat_title,
    line,
    note,
    outward,
    sizes,
    text_width,
    translucent,
    whole_ticks,
)
from gradprod.figures.verdict_strip import strip_notes, strip_shapes
from gradprod.i18n import gettext as _
from gradprod.products import Factors, LogProduct
from gradprod.words import grouped, left_in_words, number, plain, tick

FLOAT_LIMITS = {
    "float32": (-150 * math.log10(2), 128 * math.log10(2)),
    "float64": (-1075 * math.log10(2), 1024 * math.log10(2)),
}
"""log₁₀ of the magnitudes below which a product is 0 and above which it is ∞ in ordinary arithmetic."""

WORDS_TO = 200
"""Longest sequence whose every lag has its hover in words; beyond, plotly writes the number."""

VEILED_FROM = 4
"""Under the veil of a prediction, the lags up to this one stay visible."""

_VARIANTS = (
    *(("cross", "✚"), ("star", "★"), ("hexagon", "⬢"), ("bowtie", "⧓"), ("pentagon", "⬟")),
    ("star-diamond", "✦"),
)
"""Marker, and its sign in a text, of the second, third … curve of one colour; once where that can be."""
_FAMILIES = {"vector": "plain", "mingru": "gru"}
"""Cells that have another's colour."""
_MOST_STRIPS = 6


@dataclass(frozen=True, eq=False)
class Curve:
    """One product in the picture.

    Parameters
    ----------
    product : gradprod.products.LogProduct
        ``log10`` and ``sign`` of shape (T + 1,); or (runs, T + 1), drawn as the median with a band
        from the 10th to the 90th percentile.
    name : str
        Its label, HTML; by default by its kind.
    kind : str
        "exact", "bound" or "approximation": decides the dash.
    cell : str
        "plain", "vector", "gated", "lstm", "gru" or "mingru": decides colour and marker.
    band : gradprod.products.LogProduct, optional
        Of other runs, shape (runs, T + 1): their median is a thin line beside the curve, in a band from the
        10th to the 90th percentile.
    mark : (str, str), optional
        Marker, and its sign in a text, as `marks` gives them; by default by its place among the curves.
    """

    product: LogProduct
    name: str = ""
    kind: str = "exact"
    cell: str = "plain"
    band: LogProduct | None = None
    mark: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Drawn:
    """A curve, ready to be drawn."""

    log10: NDArray[np.float64]
    sign: NDArray[Any]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None
    median: NDArray[np.float64] | None = None
    name: str
    kind: str
    colour: str
    symbol: str
    glyph: str
    pinned: bool = False


@dataclass(frozen=True)
class _Seen:
    """The lines that may be named: nothing under a veil."""

    shown: Sequence[_Drawn] = ()
    kept: Sequence[_Drawn] = ()
    limit: _Drawn | None = None
    same: bool = False


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """Where the product is drawn, in pixels and in powers of ten."""

    size: Sizes
    length: int
    low: float
    high: float
    zero: float | None
    left: float
    right: float
    top: float
    bottom: float
    across: float
    tall: float
    strip: tuple[float, float]
    factors: float
    inner: float

    def down(self, exponent: Any) -> Any:
        """Pixels from the top of the product's axis."""
        return (self.high - exponent) / (self.high - self.low) * self.tall

    def along(self, lag: Any) -> Any:
        """Pixels from the left of the axis."""
        return (lag + 0.5) / (self.length + 1) * self.across


def product_curve(
    curves: Sequence[Curve],
    style: Style,
    *,
    bound: ArrayLike | Curve | None = None,
    factors: Factors | None = None,
    prediction: float | None = None,
    predicted_lag: int | None = None,
    veil: bool = False,
    pins: Sequence[Curve] = (),
    forward: bool = False,
    quantity: str | None = None,
    factor_name: str | None = None,
) -> Figure:
    """The gradient product against lag, on a logarithmic axis.

    Gold marks where it holds, a strip under it says in words what each lag is worth. An open marker is a
    negative product; an exact zero runs along the bottom, at the tick 0.

    Parameters
    ----------
    curves : sequence of Curve
        The first one is the picture's subject.
    style : Style
    bound : array_like of shape (T + 1,) or Curve, optional
        log₁₀ of the bound at every lag; said to be the same where it is.
    factors : gradprod.products.Factors, optional
        Of shape (T,): drawn as bars from 1, which add up to the first curve.
    prediction : float, optional
        log₁₀ of what was predicted for the longest lag.
    predicted_lag : int, optional
        Another lag that it was predicted for.
    veil : bool, optional
        Hide everything that would give the answer away.
    pins : sequence of Curve, optional
        Earlier curves, kept faintly.
    forward : bool, optional
        Lags run on from the first step instead of back from the last: the factor at lag 1 is that of step 1.
    quantity : str, optional
        What is drawn, HTML; by default |∂S_t/∂S_k|.
    factor_name : str, optional
        What a factor is, HTML; by default φ′(u_j)·W_s.

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
        raise ValueError("curves must hold at least one Curve, got none; there is nothing to draw")
    c = style.colours
    shown = _prepared(curves, style)
    names = {d.name for d in shown}
    kept = [
        replace(d, name=_("{name}, pinned", name=d.name)) if d.name in names else d
        for d in ([] if veil else _prepared(pins, style, pinned=True))
    ]
    limit = None if bound is None or veil else _bound(bound, style)
    same = limit is not None and _same(shown[0], limit)
    if same or (limit is not None and not np.isfinite(limit.log10[1:]).any()):
        limit = None
    length = max(len(d.log10) for d in shown) - 1
    lines = [*kept, *([limit] if limit else []), *shown]
    seen = _Seen() if veil else _Seen(shown, kept, limit, same)
    at_end = prediction if predicted_lag is None else None
    right = label_room(_labels(seen, at_end, style), style)
    frame = _frame(lines, limit, style, length, prediction, veil, factors is not None and not veil, right)

    data: list[Figure] = []
    for i, d in enumerate(kept):
        data += _traces(d, style, frame, limit, i, len(shown), veil)
    if limit is not None:
        data.append(_bound_trace(limit, style))
    for i, d in enumerate(shown):
        data += _traces(d, style, frame, limit, i, len(shown), veil)
    if prediction is not None:
        data.append(_prediction_trace(prediction, style, length if predicted_lag is None else predicted_lag))
    notes = [flat_title(style, _quantity(style, quantity), 1, frame.left)]
    shapes: list[Figure] = [_box(-1, 1, c.hold_band)]
    if veil:
        cut = _visible(length)
        shapes.append({**_box(frame.low, frame.high, c.panel), "xref": "x", "x0": cut, "x1": length + 0.5})
        middle = (cut + length) / 2
        text = _("drawn once you commit")
        notes.append(note(text, frame.size.label, c.muted, x=middle, y=-0.33 * frame.high))
    else:
        strips = [d for d in shown if d.kind != "bound"][:_MOST_STRIPS]
        rows, owners = [d.log10 for d in strips], [(d.glyph, d.colour) for d in strips]
        place = frame.strip[0] / frame.inner, frame.strip[1] / frame.inner
        shapes += strip_shapes(rows, style, place)
        notes += strip_notes(rows, owners, style, place, frame.across, frame.strip[1] - frame.strip[0])
        taken = [d for d in lines if d.log10.size]
        band = _band_note(taken, style, frame)
        notes += [band] if band else []
        for shape, text_note in _float_limits(taken, style, frame):
            shapes.append(shape)
            notes += [text_note] if text_note else []
        notes += _zero_note(shown[0], style, frame)
    if prediction is not None and predicted_lag is not None:
        notes.append(_predicted(prediction, predicted_lag, lines, style, frame))
    labels = _labels(seen, at_end, style, frame)
    notes += end_labels(
        labels, style, room=frame.right, tall=frame.tall, low=frame.strip[1] - frame.strip[0] + 20
    )

    layout = base_layout(
        style,
        {"l": frame.left, "r": frame.right, "t": frame.top, "b": frame.bottom},
        hovermode=False if veil else "x",
        annotations=notes,
        shapes=shapes,
    )
    layout |= _axes(style, frame, veil)
    if forward:
        layout["xaxis"]["title"]["text"] = _("lag <i>t − k</i> (steps on from the first)")
    if frame.factors and factors is not None:
        bars, axis = factor_bars(factors, style, tall=frame.factors, forward=forward)
        data += bars
        layout["yaxis2"] = axis | {"domain": [0, frame.factors / frame.inner]}
        layout |= {"barmode": "overlay", "bargap": 0.25 if length <= 120 else 0}
        text = _("each factor {factor}: the bars add up to the curve", factor=factor_name or _FACTOR)
        room = style.width - 12
        text = text if text_width(text, frame.size.title) < room else text.split(":")[0]
        notes.append(flat_title(style, text, frame.factors / frame.inner, frame.left))
    return {"data": data, "layout": layout}


_FACTOR = "φ′(<i>u<sub>j</sub></i>)·<i>W<sub>s</sub></i>"
_QUANTITY = "|∂<i>S<sub>t</sub></i>/∂<i>S<sub>k</sub></i>|"


# ---- what is drawn ----


def _prepared(curves: Sequence[Curve], style: Style, pinned: bool = False) -> list[_Drawn]:
    drawn = []
    for curve, (symbol, glyph) in zip(curves, marks(curves), strict=True):
        cell = curve.cell
        limiting = curve.kind == "bound"
        log10, sign = np.asarray(curve.product.log10, float), np.asarray(curve.product.sign)
        low = high = median = None
        name = curve.name or _kind_name(curve.kind)
        if curve.band is not None:
            others = spread(curve.band.log10)
            low, median, high = others.low, others.median, others.high
        if log10.ndim == 2:
            runs = len(log10)
            middle = spread(log10)
            low, log10, high = middle.low, middle.median, middle.high
            sign = np.ones(log10.shape)
            name = _("{name}, median of {n}", name=name, n=grouped(runs))
        drawn.append(
            _Drawn(
                log10=log10,
                sign=sign,
                low=low,
                high=high,
                median=median,
                name=name,
                kind=curve.kind,
                colour=style.colours.bound if limiting else cell_colour(style, cell),
                symbol=symbol,
                glyph=glyph,
                pinned=pinned,
            )
        )
    return drawn


def marks(curves: Sequence[Curve]) -> list[tuple[str, str]]:
    """Marker of each curve, and its sign in a text: the cell's own, then another for each of its kind."""
    used: dict[str, set[str]] = {}
    found = []
    for curve in curves:
        own = SYMBOLS.get(curve.cell, "circle"), GLYPHS.get(curve.cell, "●")
        if curve.kind == "bound" or curve.mark is not None:
            found.append(curve.mark or (own[0], ""))
            continue
        taken = used.setdefault(_FAMILIES.get(curve.cell, curve.cell), set())
        mark = next((m for m in (own, *_VARIANTS) if m[1] not in set().union(*used.values())), own)
        if mark[1] in taken:
            mark = next((m for m in _VARIANTS if m[1] not in taken), own)
        taken.add(mark[1])
        found.append(mark)
    return found


def _kind_name(kind: str) -> str:
    return {"exact": _("exact"), "bound": _("bound"), "approximation": _("approximation")}[kind]


def _bound(bound: ArrayLike | Curve, style: Style) -> _Drawn:
    if isinstance(bound, Curve):
        return _prepared([bound], style)[0]
    log10 = np.asarray(bound, float)
    short = not sizes(style).wide
    return _Drawn(
        log10=log10,
        sign=np.ones(log10.shape),
        low=None,
        high=None,
        name=_("bound") if short else _("bound (γ|<i>W<sub>s</sub></i>|)<sup>lag</sup>"),
        kind="bound",
        colour=style.colours.bound,
        symbol="circle",
        glyph="",
    )


def _same(drawn: _Drawn, limit: _Drawn) -> bool:
    a, b = drawn.log10, limit.log10
    if a.shape != b.shape:
        return False
    with np.errstate(invalid="ignore"):
        return bool(np.all((a == b) | (np.abs(a - b) <= 1e-9 * np.maximum(1, np.abs(b)))))


def _visible(length: int) -> int:
    """The last lag that the veil leaves in sight."""
    return min(VEILED_FROM, length // 2)


def _frame(
    lines: Sequence[_Drawn],
    limit: _Drawn | None,
    style: Style,
    length: int,
    prediction: float | None,
    veil: bool,
    factors: bool,
    right: float,
) -> _Frame:
    size, big = sizes(style), style.presenting
    low, high, zero = -1.5, 1.5, None
    if veil:
        high = max(30.0, abs(prediction or 0))
        low = -high
    else:
        for d in lines:
            if d is limit:
                continue
            for values in (d.log10, d.low, d.high):
                if values is not None and (finite := values[np.isfinite(values)]).size:
                    low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        if limit is not None:
            end = float(limit.log10[-1])
            low, high = min(low, max(end, 3 * low - 20)), max(high, min(end, 20 - 3 * low))
        if prediction is not None:
            low, high = min(low, prediction), max(high, prediction)
    pad = 0.025 * (high - low)
    low, high = outward(low - pad, high + pad)
    if not veil and any((d.log10 == -math.inf).any() for d in lines if d is not limit):
        zero = low - 0.06 * (high - low)
        low = zero - 0.05 * (high - zero)

    ticks = whole_ticks(low, high, 4)
    longest = max(text_width(tick(v), size.tick) for v in ticks)
    left = max(92 if big else 62 if size.wide else 50, longest + (22 if big else 12))
    top, bottom = (58, 74) if big else (34, 50)
    inner = style.height - top - bottom
    rows = 0 if veil else min(_MOST_STRIPS, sum(d.kind != "bound" and not d.pinned for d in lines))
    thick = size.strip if rows < 2 else min(rows * (size.tick + 8), max(0.3 * inner, 10 * rows))
    bars = 0.0
    under = 0.0
    if factors:
        bars = 150 if big else 104 if size.wide else 76
        bars = min(bars, inner * 0.3)
        under = bars + (62 if big else 44 if size.wide else 40)
    strip = (under, under + thick)
    return _Frame(
        size=size,
        length=length,
        low=low,
        high=high,
        zero=zero,
        left=round(left),
        right=right,
        top=top,
        bottom=bottom,
        across=style.width - round(left) - right,
        tall=max(20.0, inner - strip[1] - 12),
        strip=strip,
        factors=bars,
        inner=inner,
    )


def _axes(style: Style, frame: _Frame, veil: bool) -> Figure:
    size, inner = frame.size, frame.inner
    bottom = frame.low if frame.zero is None else frame.zero
    most = min(5 if style.presenting else 6, frame.tall / (1.7 * size.tick))
    ticks = whole_ticks(bottom, frame.high, max(3, int(most)))
    ticks = [v for v in ticks if frame.down(v) > 0.6 * size.tick]  # else it touches the title
    if frame.zero is not None:
        room = 1.3 * size.tick / frame.tall * (frame.high - frame.low)
        ticks = [v for v in ticks if v > frame.zero + room]
    vals, names = list(map(float, ticks)), [tick(v) for v in ticks]
    if frame.zero is not None:
        vals, names = [frame.zero, *vals], ["<b>0</b>", *names]
    return {
        "xaxis": base_axis(
            style,
            range=[-0.5, frame.length + 0.5],
            showgrid=False,
            anchor="free",
            position=0 if frame.factors else frame.strip[0] / inner,
            title=axis_title(style, _("lag <i>t − k</i> (steps back)"), 12 if style.presenting else 8),
            tickformat=",d",
            **({"tick0": 0, "dtick": 1} if frame.length <= 5 else {"nticks": 10 if size.wide else 5}),
            showspikes=not veil,
            spikemode="across",
            spikethickness=1,
            spikecolor=style.colours.muted,
            spikedash="solid",
            spikesnap="data",
        ),
        "yaxis": base_axis(
            style,
            domain=[(frame.strip[1] + 12) / inner, 1],
            range=[frame.low, frame.high],
            tickmode="array",
            tickvals=vals,
            ticktext=names,
        ),
    }


# ---- the curves ----


def _traces(
    d: _Drawn, style: Style, frame: _Frame, limit: _Drawn | None, index: int, of: int, veil: bool
) -> list[Figure]:
    size, c = frame.size, style.colours
    cut = (_visible(len(d.log10) - 1) if veil else len(d.log10) - 1) + 1
    y = d.log10[:cut]
    if frame.zero is not None:
        y = np.where(y == -math.inf, frame.zero, y)
    lags = np.arange(cut)
    traces: list[Figure] = []
    if d.low is not None and d.high is not None and not veil:
        traces = _band_traces(d, lags, frame, f"{'pin' if d.pinned else 'curve'}-{index}")
    trace: Figure = {
        "type": "scatter",
        "uid": f"{'pin' if d.pinned else 'curve'}-{index}",
        "name": plain(d.name),
        "x": lags,
        "y": y,
        "mode": "lines",
        "cliponaxis": False,
        "line": line(style, d.colour, d.kind, 0.6 if d.pinned else 1.0),
        "opacity": 0.45 if d.pinned else 1.0,
    }
    traces.append(trace)
    if d.pinned or veil or d.kind == "bound":
        trace["hoverinfo"] = "skip"
        return traces
    trace |= _hover(d, limit, of)
    zero = d.log10[:cut] == -math.inf
    if cut > WORDS_TO and zero.any():
        trace["y"] = np.where(zero, np.nan, y)
        says = f"{_('exactly 0')}<extra></extra>"
        traces.append({**trace, "uid": f"zero-{index}", "x": lags[zero], "y": y[zero], "hovertemplate": says})
    every = cut <= 61 and size.wide and of <= 2
    if every:
        marked = slice(None)
    elif of > 1 or bool((d.sign[:cut] < 0).any()):
        stride = max(1, cut // (14 if size.wide else 8)) | 1  # odd: an alternating sign stays visible
        marked = slice(min(index * stride // max(of, 1), cut - 1), None, stride)
    else:
        return traces
    below = d.sign[:cut][marked] < 0
    fill = np.where(below, c.page, d.colour).tolist() if below.any() else d.colour
    marker = {
        "symbol": d.symbol,
        "size": (5 if every and of == 1 else 7 if every else 8) * size.marker,
        "color": fill,
        "line": {"color": d.colour, "width": 1.5 * size.marker},
    }
    if every:
        trace |= {"mode": "lines+markers", "marker": marker}
    else:
        traces.append(
            {
                "type": "scatter",
                "uid": f"marks-{index}",
                "name": plain(d.name),
                "x": lags[marked],
                "y": y[marked],
                "mode": "markers",
                "cliponaxis": False,
                "marker": marker,
                "hoverinfo": "skip",
            }
        )
    return traces


def _hover(d: _Drawn, limit: _Drawn | None, of: int) -> Figure:
    """What pointing at a lag says: in words, or written by plotly where that would be too many words."""
    length = len(d.log10) - 1
    named = f"<b>{d.name}</b>" if of > 1 else ""
    if length > WORDS_TO:
        lag = _("lag {n}", n="%{x:,d}")
        return {"hovertemplate": f"{named} {lag}: <b>10<sup>%{{y:.1f}}</sup></b><extra></extra>"}
    kind, bound = _kind_name(d.kind), _("bound")
    beside, alone = _("{name} at lag {n}: {w}"), _("lag {n}: {w}")
    values = zip(d.log10.tolist(), d.sign.tolist(), strict=True)
    words = []
    for n, (log10, sign) in enumerate(values):
        exact = number(log10, sign=sign)
        if of > 1:
            words.append(beside.format(name=named, n=n, w=exact))
            continue
        head = alone.format(n=n, w=left_in_words(log10))
        tail = f"   {bound} {number(float(limit.log10[n]))}" if limit is not None else ""
        words.append(f"<b>{head}</b><br>{kind} {exact}{tail}")
    return {"text": words, "hovertemplate": "%{text}<extra></extra>"}


def _band_traces(d: _Drawn, lags: NDArray[Any], frame: _Frame, uid: str) -> list[Figure]:
    edge: Figure = {"type": "scatter", "x": lags, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    floor = frame.low if frame.zero is None else frame.zero
    low, high, median = (
        None if v is None else np.where(np.isfinite(v), v, floor) for v in (d.low, d.high, d.median)
    )
    traces = [
        {**edge, "uid": f"low-{uid}", "y": low},
        {
            **edge,
            "uid": f"high-{uid}",
            "y": high,
            "fill": "tonexty",
            "fillcolor": translucent(d.colour, 0.22),
        },
    ]
    if median is not None:
        traces.append(
            {**edge, "uid": f"median-{uid}", "y": median, "line": {"color": d.colour, "width": 1.5}}
        )
    return traces


def _bound_trace(d: _Drawn, style: Style) -> Figure:
    steps = np.diff(d.log10)
    straight = len(steps) > 1 and bool(np.ptp(steps) <= 1e-9 * max(1.0, abs(float(steps[0]))))
    at = np.array([0, len(d.log10) - 1]) if straight else np.arange(len(d.log10))
    return {
        "type": "scatter",
        "uid": "bound",
        "name": plain(d.name),
        "x": at,
        "y": d.log10[at],
        "mode": "lines",
        "line": line(style, d.colour, "bound"),
        "hoverinfo": "skip",
    }


def _prediction_trace(prediction: float, style: Style, length: int) -> Figure:
    size, you = sizes(style), style.colours.you
    return {
        "type": "scatter",
        "uid": "prediction",
        "name": _("your prediction"),
        "x": np.array([length]),
        "y": np.array([float(prediction)]),
        "mode": "markers",
        "cliponaxis": False,
        "hoverinfo": "skip",
        "marker": {
            "symbol": "x-thin",
            "size": 14 * size.marker,
            "color": you,
            "line": {"color": you, "width": 4 * size.line},
        },
    }


# ---- texts inside the picture ----


def _quantity(style: Style, quantity: str | None) -> str:
    return f'{quantity or _QUANTITY}   <span style="color:{style.colours.muted}">{_("log scale")}</span>'


def _box(low: float, high: float, colour: str) -> Figure:
    return {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "yref": "y",
        "y0": low,
        "y1": high,
        "fillcolor": colour,
        "line": {"width": 0},
        "layer": "below",
    }


def _clear(lines: Sequence[_Drawn], frame: _Frame, box: tuple[float, float, float, float]) -> bool:
    """Whether no curve passes through a box (left, right, top, bottom) in pixels of the axis."""
    left, right, top, bottom = box
    for d in lines:
        per = (frame.length + 1) / frame.across
        first, last = math.floor(left * per - 0.5), math.ceil(right * per - 0.5)
        inside = d.log10[max(0, first) : max(0, last) + 1]
        if inside.size == 0:
            continue
        inside = np.where(inside == -math.inf, frame.low if frame.zero is None else frame.zero, inside)
        down = frame.down(inside)
        if down.min() < bottom and down.max() > top:
            return False
    return True


def _predicted(prediction: float, lag: int, lines: Sequence[_Drawn], style: Style, frame: _Frame) -> Figure:
    """What was predicted for a lag inside the picture, said beside its mark where no line passes."""
    text, size = _("your prediction: {n}", n=tick(prediction)), frame.size.label
    x, y, tall = float(frame.along(lag)), float(frame.down(prediction)), 1.4 * size
    wide, left = text_width(text, size) + 18, x > frame.across / 2
    tops = [top for top in (y - tall / 2, y - tall - 6, y + 6) if 0 <= top <= frame.tall - tall]
    start = x - wide if left else x
    top = next((t for t in tops if _clear(lines, frame, (start, start + wide, t, t + tall))), tops[0])
    at: Figure = {"x": lag, "xanchor": "right" if left else "left", "xshift": -14 if left else 14}
    at |= {"y": prediction, "yanchor": "middle", "yshift": y - top - tall / 2}
    return note(f"<b>{text}</b>", size, style.colours.you, **at)


def _band_note(lines: Sequence[_Drawn], style: Style, frame: _Frame) -> Figure | None:
    """“holds”, in the gold band where no line passes."""
    text, size = _("holds"), frame.size.tick
    top, bottom = frame.down(1), frame.down(-1)
    wide = text_width(text, size) + 16
    if bottom - top < 1.3 * size or not _clear(
        lines, frame, (frame.across - wide, frame.across, top - 4, bottom + 4)
    ):
        return None
    at = {"x": 1, "xref": "paper", "xanchor": "right", "xshift": -8, "y": 0, "yanchor": "middle"}
    return note(text, size, style.colours.hold_text, **at)


def _float_limits(lines: Sequence[_Drawn], style: Style, frame: _Frame) -> list[tuple[Figure, Figure | None]]:
    """A dotted line where ordinary numbers end, named on a side where no line passes."""
    c, size = style.colours, frame.size.tick
    ends = np.concatenate([d.log10[np.isfinite(d.log10)] for d in lines])
    levels = {
        v: n
        for n, pair in FLOAT_LIMITS.items()
        for v in pair
        if ends.min(initial=0.0) < v < ends.max(initial=0.0)
    }
    levels = {v: n for v, n in levels.items() if frame.low < v < frame.high}
    found: list[tuple[Figure, Figure | None]] = []
    taken = [float(frame.down(v)) for v in levels]
    for level, name in levels.items():
        shape = {**_box(level, level, c.muted), "type": "line", "layer": "above"}
        shape["line"] = {"color": c.muted, "width": 1.5, "dash": "dot"}
        text = _("{name} ends here", name=name)
        y, wide, tall = float(frame.down(level)), text_width(text, size) + 8, 1.5 * size
        sides = {
            "left": (0, 0.0, 8),
            "right": (1, frame.across - wide, -8),
            "center": (0.5, (frame.across - wide) / 2, 0),
        }
        found.append((shape, None))
        for (side, (x, left, shift)), up in product(sides.items(), (True, False)):
            top = y - tall - 1 if up else y + 1
            others = any(top - 2 < t < top + tall + 2 for t in taken if t != y)
            inside = top > 0 and top + tall < frame.tall
            if others or not inside or not _clear(lines, frame, (left, left + wide, top, top + tall)):
                continue
            at = {"x": x, "xref": "paper", "xanchor": side, "xshift": shift, "y": level}
            found[-1] = (shape, note(text, size, c.muted, yanchor="bottom" if up else "top", **at))
            taken.append(top + tall / 2)
            break
    return found


def _zero_note(d: _Drawn, style: Style, frame: _Frame) -> list[Figure]:
    """Where the product becomes exactly zero."""
    zeros = np.flatnonzero(d.log10 == -math.inf)
    if frame.zero is None or not zeros.size or len(zeros) < len(d.log10) - zeros[0]:
        return []
    text = _("exactly 0 from lag {n}", n=grouped(int(zeros[0])))
    right = frame.along(int(zeros[0])) + text_width(text, frame.size.tick) + 16 > frame.across
    at = {"x": 1 if right else int(zeros[0]), "xref": "paper" if right else "x"}
    at |= {"xanchor": "right" if right else "left", "xshift": -4 if right else 10}
    return [note(text, frame.size.tick, style.colours.ink, y=frame.zero, yanchor="bottom", yshift=4, **at)]


def _labels(seen: _Seen, prediction: float | None, style: Style, frame: _Frame | None = None) -> list[Label]:
    """Name and value at the end of every line; without a frame, for their widths alone."""
    c, several = style.colours, len(seen.shown) > 1

    def down(v: float) -> float:
        if frame is None:
            return 0.0
        floor = frame.low if frame.zero is None else frame.zero
        return float(frame.down(min(frame.high, max(floor, v))))

    labels = []
    for d in [*seen.shown, *([seen.limit] if seen.limit else []), *seen.kept]:
        name = f"{d.glyph} {d.name}" if several and d in seen.shown and d.glyph else d.name
        name = _("{name} = bound", name=name) if seen.same and d is seen.shown[0] else name
        end, sign = float(d.log10[-1]), float(d.sign[-1])
        colour = c.muted if d.pinned else d.colour
        labels.append(
            Label(at=down(end), name=name, number=number(end, sign=sign), colour=colour, bold=not d.pinned)
        )
    if prediction is not None:
        name = _("your prediction") if sizes(style).wide else _("you said")
        labels.append(Label(at=down(prediction), name=name, number=number(prediction), colour=c.you))
    return labels
