"""Sums of terms: those of one step of a gated cell, and those of a whole gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.terms import StepTerms
from gradprod.figures.labels import Label, end_labels, label_room
from gradprod.figures.theme import (
    TRUTH,
    Figure,
    Style,
    axis_title,
    base_axis,
    base_layout,
    flat_title,
    note,
    outward,
    sizes,
    step_ticks,
    text_width,
    translucent,
)
from gradprod.i18n import gettext as _
from gradprod.words import MINUS, decimals, grouped, plain, power, value

BARS_TO = 150
"""Most stacked bars; of more steps, every bar is the mean of several."""

HATCHES = {
    "keep": "",
    "forget_gate": "/",
    "old_state": "/",
    "input_gate": "x",
    "new_state": "x",
    "candidate": ".",
}
"""plotly's hatch of each term; the GRU's update gate acts on the old state and on the new one."""


def step_terms(result: StepTerms, style: Style, *, title: str | None = None) -> Figure:
    """The terms of every one-step derivative as stacked bars, their sum as a line.

    Each term has a colour and a hatch, and a swatch of both beside its name; terms below zero are stacked
    downwards. Means of terms add up to the mean of the sums, so that a bar may stand for several steps.

    Parameters
    ----------
    result : gradprod.analysis.terms.StepTerms
        Of a scalar cell; of a vector cell every term is drawn by its Frobenius norm, without a sum.
    style : Style
    title : str, optional
        What the terms add up to, HTML.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`.
    """
    matrices = next(iter(result.terms.values())).ndim > 1
    terms = {
        name: np.linalg.norm(v, axis=(-2, -1)) if matrices else np.asarray(v, float)
        for name, v in result.terms.items()
    }
    what = title or (_("size of every term, ‖·‖") if matrices else _("terms of one step, and their sum"))
    total = None if matrices else np.asarray(result.total, float)
    means = {name: float(v.mean()) for name, v in terms.items()}
    every, said = -(-len(result.steps) // BARS_TO), ""
    steps: NDArray[np.float64] = np.asarray(result.steps, float)
    widths: Figure = {}
    if every > 1:
        starts = np.arange(0, len(steps), every)
        counts = np.diff(np.append(starts, len(steps)))
        terms = {name: np.add.reduceat(v, starts) / counts for name, v in terms.items()}
        ends = steps[starts + counts - 1]
        widths = {
            "width": counts,
            "customdata": [f"{a:.0f}–{b:.0f}" for a, b in zip(steps[starts], ends, strict=True)],
        }
        steps = (steps[starts] + ends) / 2
        what = _("{what}, mean of every {n} steps", what=what, n=grouped(every))
        said = _(" (mean of steps {which})", which="%{customdata}")
    c, size, big = style.colours, sizes(style), style.presenting
    top, bottom = (58, 74) if big else (34, 50)
    tall = style.height - top - bottom
    stack = np.stack(list(terms.values()))
    above, below = np.maximum(stack, 0).sum(axis=0), np.minimum(stack, 0).sum(axis=0)
    high, low = max(float(above.max()), 0.1), min(float(below.min()), 0.0)
    low, high = outward(low - 0.04 * (high - low) * (low < 0), high + 0.04 * (high - low))
    data: list[Figure] = []
    labels, swatches = [], []
    dark = c.ink if style.theme == "light" else c.page
    middle = {"up": 0.0, "down": 0.0}
    for name, values in terms.items():
        shown, colour, hatch = _look(name, style)
        marker = {"color": colour, "line": {"color": dark, "width": 0.5 if len(values) <= 60 else 0}}
        if hatch:
            marker["pattern"] = {
                "shape": hatch,
                "bgcolor": colour,
                "fgcolor": dark,
                "size": 6,
                "solidity": 0.2,
                "fgopacity": 0.8,
            }
        data.append(
            {
                "type": "bar",
                "uid": f"term-{name}",
                "name": plain(shown),
                "x": steps,
                "y": values,
                "marker": marker,
                "hovertemplate": f"{shown} %{{y:.3g}}{said}<extra></extra>",
                **widths,
            }
        )
        way = "up" if values[-1] >= 0 else "down"
        at = middle[way] + float(values[-1]) / 2
        middle[way] += float(values[-1])
        swatches.append(_swatch(_HATCHED[hatch], colour, dark))
        labels.append(
            Label(
                at=(high - at) / (high - low) * tall,
                name=shown,
                number=_("mean {n}", n=value(means[name])),
                colour=c.ink,
            )
        )
    if total is not None:
        mean = value(float(total.mean()))
        total = np.sum(list(terms.values()), axis=0) if every > 1 else total
        data.append(
            {
                "type": "scatter",
                "uid": "sum",
                "name": _("sum"),
                "x": steps,
                "y": total,
                "mode": "lines+markers" if len(total) <= 60 else "lines",
                "line": {"color": c.ink, "width": 2 * size.line},
                "marker": {"symbol": "circle", "size": 6 * size.marker, "color": c.page}
                | {"line": {"color": c.ink, "width": 2 * size.line}},
                "hovertemplate": _("sum {n}", n="%{y:.3g}") + "<extra></extra>",
            }
        )
        at = (high - float(total[-1])) / (high - low) * tall
        labels.append(Label(at=at, name=_("sum"), number=_("mean {n}", n=mean), colour=c.ink))
        swatches.append(_swatch('<path d="M0 8h16"/><circle cx="8" cy="8" r="4"/>', c.page, c.ink, width=2))
    side = size.label
    indent = side + (10 if big else 6)
    room = label_room(labels, style) + indent
    left = round(max(60 if big else 40, text_width(decimals(low, 1), size.tick) + 14))
    layout = base_layout(
        style,
        {"l": left, "r": room, "t": top, "b": bottom},
        barmode="relative",
        bargap=0.2 if len(steps) <= 60 else 0,
        hovermode="x",
    )
    first, last = int(result.steps[0]), int(result.steps[-1])
    ticks = [k for k in step_ticks(last, 8 if size.wide else 4) if k >= first]
    layout["xaxis"] = base_axis(
        style,
        range=[first - 0.6, last + 0.6],
        showgrid=False,
        title=axis_title(style, _("step <i>t</i>"), 12 if big else 8),
        tickmode="array",
        tickvals=ticks,
        ticktext=[grouped(k) for k in ticks],
    )
    layout["yaxis"] = base_axis(
        style, range=[low, high], nticks=6, zeroline=True, zerolinecolor=c.ink, zerolinewidth=1.5
    )
    ends_at = end_labels(labels, style, room=room - indent, tall=tall)
    wide = style.width - left - room
    layout["images"] = [
        {
            "source": source,
            "xref": "paper",
            "yref": "paper",
            "x": 1 + label["xshift"] / wide,
            "y": 1 + (label["yshift"] - 0.2 * label["font"]["size"]) / tall,
            "sizex": 0.9 * side / wide,
            "sizey": 0.9 * side / tall,
        }
        for source, label in zip(swatches, ends_at, strict=True)
    ]
    ends_at = [label | {"xshift": label["xshift"] + indent} for label in ends_at]
    return {"data": data, "layout": layout | {"annotations": [flat_title(style, what, 1, left), *ends_at]}}


_BOX = '<path d="M1 1h14v14h-14z"/>'
_HATCHED = {
    "": _BOX,
    "/": _BOX + '<path d="M1 8l7-7M1 15l14-14M8 15l7-7"/>',
    "x": _BOX + '<path d="M1 1l14 14M1 15l14-14M8 1l7 7l-7 7l-7-7z" fill="none"/>',
    ".": _BOX
    + "".join(f'<circle cx="{x}" cy="{y}" r=".8"/>' for x, y in ((5, 5), (11, 5), (8, 8), (5, 11), (11, 11))),
}
"""What a bar of each hatch looks like, on a square of 16."""


def _swatch(shape: str, fill: str, stroke: str, *, width: float = 1) -> str:
    """A drawing of 16 by 16 as the address of an image."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" width="64" height="64" fill="{fill}" '
    return "data:image/svg+xml," + quote(f'{svg}stroke="{stroke}" stroke-width="{width}">{shape}</svg>')


def _look(name: str, style: Style) -> tuple[str, str, str]:
    """Name, colour and hatch of a term."""
    c = style.colours
    looks = {
        "keep": (_("kept directly"), c.keep),
        "forget_gate": (_("through the forget gate"), c.forget_path),
        "old_state": (_("through the update gate: old state"), c.forget_path),
        "input_gate": (_("through the input gate"), c.input_path),
        "new_state": (_("through the update gate: new state"), c.input_path),
        "candidate": (_("through the candidate"), c.candidate_path),
    }
    shown, colour = looks.get(name, (name.replace("_", " "), c.muted))
    return shown, colour, HATCHES.get(name, "")


# ---- a gradient, term by term ----


class Parts(Protocol):
    """A gradient as a sum: `gradprod.bptt.Terms` of one L_t, or `gradprod.analysis.partial_sums.StepSums`."""

    @property
    def sources(self) -> NDArray[np.int64]: ...
    @property
    def values(self) -> NDArray[np.float64]: ...
    @property
    def gradient(self) -> NDArray[np.float64]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Beside:
    """Other terms of the same gradients, to be compared: their running sums are drawn as a line.

    ``values`` are the terms by parameter, oldest source first; ``kind`` is ``"approximation"`` (dotted) or
    ``"pin"`` (what was kept from other settings, faint).
    """

    name: str
    values: Mapping[str, NDArray[np.float64]]
    kind: str = "approximation"


_LETTERS = {
    "readout_weight": "<i>W<sub>o</sub></i>",
    "readout_bias": "<i>b</i><sub>2</sub>",
    "recurrent_weight": "<i>W<sub>s</sub></i>",
    "input_weight": "<i>W<sub>x</sub></i>",
    "bias": "<i>b</i><sub>1</sub>",
    "forget_weight": "<i>W<sub>f</sub></i>",
    "forget_bias": "<i>b<sub>f</sub></i>",
    "input_gate_weight": "<i>W<sub>i</sub></i>",
    "input_gate_bias": "<i>b<sub>i</sub></i>",
}


def gradient_terms(
    terms: Mapping[str, Parts],
    style: Style,
    *,
    lit: tuple[str, int] | None = None,
    loss: str = "∂<i>L</i>",
    index: str = "k",
    beside: Sequence[Beside] = (),
    sums: Mapping[str, str] | None = None,
    veil: bool = False,
    prediction: tuple[str, float] | None = None,
) -> Figure:
    """Every gradient as a staircase: each term starts where the one before ended, the last step is the sum.

    A term is the fainter, the farther back its source step is.

    Parameters
    ----------
    terms : mapping of str to Parts
        ∂L_t/∂θ for one t term by term, or ∂L/∂θ loss by loss, by parameter; a panel each.
    style : Style
    lit : (str, int), optional
        Parameter and source step of the term in focus.
    loss : str, optional
        What is differentiated, HTML.
    index : str, optional
        The letter of what the terms are counted by.
    beside : sequence of Beside, optional
        Other terms, whose running sums are to be compared with these.
    sums : mapping of str to str, optional
        The gradients in words, by parameter; of two digits where not given.
    veil : bool, optional
        Hide every number, while a question about them is open.
    prediction : (str, float), optional
        Parameter, and how many of its terms, the newest first, were guessed to make nearly all of it.

    Returns
    -------
    dict
        ``{"data": [...], "layout": {...}}`` for `plotly.graph_objects.Figure`. Bars carry
        ``customdata``: their source steps.
    """
    c, size, big = style.colours, sizes(style), style.presenting
    columns = len(terms) if size.wide else 1
    rows = -(-len(terms) // columns)
    left, right, top, bottom = (92, 24, 58, 62) if big else (56, 14, 36, 40)
    between_x, between_y = (86 if big else 58), (96 if big else 64)
    inner = style.height - top - bottom
    across = style.width - left - right
    sizes_of = np.array([max(2, t.values.shape[-1] + 1) for t in terms.values()], float)
    titles = {name: f"{loss}/∂{_LETTERS.get(name, name)} = " for name in terms}
    words = {
        name: f"{titles[name]}<b>{'?' if veil else (sums or {}).get(name) or value(float(t.gradient))}</b>"
        for name, t in terms.items()
    }
    if columns > 1:
        room = across - between_x * (columns - 1)
        # as if most numbers were of one width: panels that stay where they are while a number changes
        usual = np.array([text_width(f"{title}<b>{MINUS}0.00</b>", size.title) for title in titles.values()])
        least = np.array([text_width(text, size.title) for text in words.values()])
        least = usual + 24 * np.ceil((least - usual).clip(0) / 24) - 20
        wide = least + max(room - least.sum(), 0) * sizes_of / sizes_of.sum()
        wide *= room / wide.sum()
    else:
        wide = np.full(len(terms), across)
    tall = (inner - between_y * (rows - 1)) / rows
    layout = base_layout(style, {"l": left, "r": right, "t": top, "b": bottom}, bargap=0.15)
    data: list[Figure] = []
    notes: list[Figure] = []
    start = 0.0
    for k, (name, parts) in enumerate(terms.items()):
        row, column = divmod(k, columns)
        if column == 0:
            start = 0.0
        x_domain = [start / across, min(1.0, (start + wide[k]) / across)]
        high = 1 - row * (tall + between_y) / inner
        y_domain = [max(0.0, high - tall / inner), high]
        axes = {"xaxis": f"x{k + 1 if k else ''}", "yaxis": f"y{k + 1 if k else ''}"}
        letter = _LETTERS.get(name, name.replace("_", " "))
        bars, tick_names, span = _staircase(name, parts, letter, lit, style, (float(wide[k]), tall), index)
        lines = [
            _running_sum(name, other, len(tick_names) - 1, style) for other in beside if name in other.values
        ]
        if veil:  # a place without a trace would have no axes
            bars, lines, span = (
                [{"type": "scatter", "x": [0], "y": [0], "opacity": 0, "hoverinfo": "skip"}],
                [],
                [-1, 1],
            )
        falls = bool(np.min(parts.values) < 0) and not veil
        span = _widened(span, [line["y"] for line in lines], falls, 1.5 * size.tick / max(tall, 1.0))
        if "text" in bars[0]:
            moved = _off_the_axis(bars[0], span, tall, style)
            notes += [n | {"xref": axes["xaxis"], "yref": axes["yaxis"]} for n in moved]
        if prediction is not None and prediction[0] == name:
            cross, said = _guessed(prediction[1], parts, span, veil, style)
            lines.append(cross)
            notes.append(said | {"xref": axes["xaxis"], "yref": axes["yaxis"]})
        data += [{**trace, **axes} for trace in [*bars, *lines]]
        layout[f"xaxis{k + 1 if k else ''}"] = base_axis(
            style,
            domain=x_domain,
            anchor=axes["yaxis"],
            showgrid=False,
            range=[-0.6, len(tick_names) - 0.4],
            tickmode="array",
            tickvals=list(range(len(tick_names))),
            ticktext=tick_names,
            tickangle=0,
        )
        layout[f"yaxis{k + 1 if k else ''}"] = base_axis(
            style,
            domain=y_domain,
            anchor=axes["xaxis"],
            range=span,
            nticks=max(2, min(5, int(tall / (2.4 * size.tick)))),
            showticklabels=not veil,
            **_ticks(span),
            zeroline=True,
            zerolinecolor=c.ink,
            zerolinewidth=1.5,
        )
        shift = 8 - left if column == 0 else -30
        at = {"x": x_domain[0], "xref": "paper", "xanchor": "left", "xshift": shift}
        at |= {"y": high, "yref": "paper", "yanchor": "bottom", "yshift": 16 if big else 10}
        notes.append(note(words[name], size.title, c.ink, **at))
        start += wide[k] + between_x
    return {"data": data, "layout": layout | {"annotations": notes}}


def _staircase(
    name: str,
    parts: Parts,
    letter: str,
    lit: tuple[str, int] | None,
    style: Style,
    room: tuple[float, float],
    index: str,
) -> tuple[list[Figure], list[str], list[float]]:
    """The bars of one gradient, newest source first, the names below them, and the range that they take."""
    c, size = style.colours, sizes(style)
    values = np.asarray(parts.values, float).ravel()[::-1]
    sources = np.asarray(parts.sources).ravel()[::-1]
    ends = np.cumsum(values)
    starts = ends - values
    total = float(np.asarray(parts.gradient))
    lags = sources[0] - sources
    shades = [translucent(c.ink, round(float(max(0.18, 0.82**lag)), 2)) for lag in lags]
    in_focus = [lit is not None and lit == (name, int(k)) for k in sources]
    edges = [c.you if f else c.ink for f in in_focus]
    said = [
        f"<i>{index}</i> = {int(k)}: <b>{value(float(v))}</b>" for k, v in zip(sources, values, strict=True)
    ]
    each = room[0] / (len(values) + 1)
    texts = [value(float(v)) for v in values]
    texts = [t if text_width(t, size.tick) < 1.15 * each and room[1] > 4.5 * size.tick else "" for t in texts]
    bars: Figure = {
        "type": "bar",
        "uid": f"terms-{name}",
        "name": plain(letter),
        "x": np.arange(len(values)),
        "y": values,
        "base": starts,
        "marker": {"color": shades, "line": {"color": edges, "width": [3.0 if f else 1.0 for f in in_focus]}},
        "customdata": sources,
        "hovertext": said,
        "hovertemplate": "%{hovertext}<extra></extra>",
        "cliponaxis": False,
    }
    if any(texts):
        bars |= {"text": texts, "textposition": "outside", "textfont": {"size": size.tick, "color": c.ink}}
    whole: Figure = {
        "type": "bar",
        "uid": f"sum-{name}",
        "name": _("sum"),
        "x": [len(values)],
        "y": [total],
        "marker": {"color": c.page, "line": {"color": c.ink, "width": 2.5 * size.line}},
        "hovertemplate": _("sum {n}", n=value(total)) + "<extra></extra>",
    }
    low, high = min(0.0, float(ends.min())), max(0.0, float(ends.max()))
    long = each > text_width(f"{index} = 12", size.tick) + 4
    every = max(1, round(text_width("12", size.tick) * 1.6 / each))
    named = [f"<i>{index}</i> = {k}" if long else str(k) for k in sources.tolist()]
    names = [name if i % every == 0 else "" for i, name in enumerate(named)]
    return [bars, whole], [*names, _("sum")], [low, high]


def _off_the_axis(bars: Figure, span: list[float], tall: float, style: Style) -> list[Figure]:
    """Put numbers that the zero line would strike through into their bars, or where their bars start."""
    size, c = sizes(style), style.colours
    high = 1.4 * size.tick * (span[1] - span[0]) / max(tall, 1.0)
    starts, values = np.asarray(bars["base"]), np.asarray(bars["y"])
    ends = starts + values
    struck = (values > 0) & (ends < -0.05 * high) & (ends > -high)
    struck |= (values < 0) & (ends > 0.05 * high) & (ends < high)
    moved = struck & (np.abs(values) <= high)
    at_start = [
        note(bars["text"][i], size.tick, c.ink, x=int(i), y=float(starts[i]))
        | {"yanchor": "bottom" if values[i] < 0 else "top"}
        for i in np.flatnonzero(moved)
        if bars["text"][i]
    ]
    bars["text"] = ["" if m else t for t, m in zip(bars["text"], moved, strict=True)]
    bars["textposition"] = ["inside" if s else "outside" for s in struck]
    bars |= {"insidetextanchor": "middle", "constraintext": "none", "textangle": 0}
    dark = [float(shade.rpartition(",")[2].rstrip(") ")) > 0.5 for shade in bars["marker"]["color"]]
    bars["insidetextfont"] = {"size": size.tick, "color": [c.page if d else c.ink for d in dark]}
    return at_start


def _guessed(
    count: float, parts: Parts, span: list[float], veil: bool, style: Style
) -> tuple[Figure, Figure]:
    """A cross on the running sum after so many terms, and what it is."""
    size, you = sizes(style), style.colours.you
    ends = np.append(0.0, np.cumsum(np.asarray(parts.values, float).ravel()[::-1]))
    x, y = max(count - 1, -0.5), 0.0 if veil else float(ends[min(int(count), len(ends) - 1)])
    side = "left" if count < 3 else "right" if count > len(ends) - 3 else "center"
    below = y > sum(span) / 2
    cross: Figure = {
        "type": "scatter",
        "uid": "prediction",
        "name": _("your prediction"),
        "mode": "markers",
        "x": [x],
        "y": [y],
        "marker": {
            "symbol": "x-thin",
            "size": 14 * size.marker,
            "line": {"color": you, "width": 4 * size.line},
        },
        "hoverinfo": "skip",
        "cliponaxis": False,
    }
    said = note(f"<b>{_('you said {n}', n=grouped(count))}</b>", size.tick, you, x=x, y=y)
    said["x"] = x + {"left": 0.55, "right": -0.55, "center": 0}[side]
    said |= {"xanchor": side, "yanchor": "top" if below else "bottom"}
    return cross, said | {"yshift": (-10 if below else 10) * size.marker}


def _running_sum(name: str, other: Beside, count: int, style: Style) -> Figure:
    """A staircase's outline, level over each of `count` bars and the sum; of another count, its sum."""
    c, size = style.colours, sizes(style)
    ends = np.cumsum(np.asarray(other.values[name], float).ravel()[::-1])
    levels = np.append(ends if len(ends) == count else np.full(count, ends[-1]), ends[-1])
    (a, b), wide = TRUTH["approximation" if other.kind == "approximation" else "bound"][0], size.line
    dotted = other.kind == "approximation"
    return {
        "type": "scatter",
        "uid": f"beside-{other.name}-{name}",
        "name": plain(other.name),
        "mode": "lines",
        "x": (np.arange(len(levels))[:, None] + np.array([-0.5, 0.5])).ravel(),
        "y": np.repeat(levels, 2),
        "line": {
            "color": c.ink if dotted else c.bound,
            "width": (2.5 if dotted else 2) * wide,
            "dash": f"{a}px,{b}px",
        },
        "hovertemplate": f"{other.name} <b>{value(float(ends[-1]))}</b><extra></extra>",
        "cliponaxis": False,
    }


def _widened(span: list[float], lines: list[NDArray[np.float64]], falls: bool, label: float) -> list[float]:
    """A range that has room for some lines too, and for numbers that take a share `label` of it."""
    low, high = span
    for y in lines:
        low, high = min(low, float(y.min())), max(high, float(y.max()))
    share = min(label, 0.25)
    pad = (high - low) * share / (1 - 2 * share) or 0.5
    return list(outward(low - (pad if falls or high == low else 0.3 * pad), high + pad))


def _ticks(span: list[float]) -> Figure:
    """Where numbers of an axis are too long to be written out: 0 and one power of ten on each side of it."""
    most = max(abs(end) for end in span)
    if 1e-3 <= most < 1e5:
        return {}
    ends = [end for end in span if abs(end) > 0.3 * most]
    powers = [math.floor(math.log10(0.9 * abs(end))) for end in ends]
    first = [math.floor(0.9 * abs(end) / 10.0**n) for end, n in zip(ends, powers, strict=True)]
    at = [math.copysign(m * 10.0**n, end) for m, n, end in zip(first, powers, ends, strict=True)]
    text = [f"{MINUS if v < 0 else ''}{m}·{power(n)}" for v, m, n in zip(at, first, powers, strict=True)]
    return {"tickmode": "array", "tickvals": [0.0, *at], "ticktext": ["0", *text]}
