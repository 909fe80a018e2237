"""Diagrams of nets and cells whose gates and edges carry the numbers of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradprod.figures.svg import Canvas, factor_colour
from gradprod.figures.theme import Sizes, Style, cell_colour, sizes, text_width
from gradprod.i18n import gettext as _
from gradprod.products import step_factors
from gradprod.unroll import BidirectionalTrajectory, Trajectory
from gradprod.words import value

COLUMNS_TO = 12
"""Most steps of an unrolled net."""

LETTERS = ("<i>W<sub>x</sub></i>", "<i>W<sub>o</sub></i>")


def unrolled_net(
    trajectory: Trajectory,
    style: Style,
    *,
    outputs: Sequence[float] | None = None,
    losses: Sequence[float] | None = None,
    weights: tuple[float, float] | None = None,
    lit: tuple[str, int] | None = None,
    target: int | None = None,
    labels: Mapping[str, tuple[str, float]] | None = None,
) -> str:
    """The net unrolled over its steps, as SVG: each step's factor stands on the edge that it belongs to.

    Parameters
    ----------
    trajectory : Trajectory
        Of a cell whose state is one number, over at most 12 steps.
    style : Style
    outputs, losses : sequence of float, optional
        O_t and L_t of every step.
    weights : (float, float), optional
        W_x and W_o, to stand on their edges.
    lit : (str, int), optional
        The term in focus: "input_weight" or another parameter, and its source step k. Its path from the
        loss of the target step back to step k is lit.
    target : int, optional
        t of that term; the last step by default.
    labels : mapping of str to (str, float), optional
        Letter and number of single edges, as ``{"O3-L3": ("<i>e</i><sub>3</sub>", -0.8)}``.

    Raises
    ------
    ValueError
        If there are more steps.
    """
    length = trajectory.length
    if length > COLUMNS_TO:
        raise ValueError(f"trajectory must have 1 to {COLUMNS_TO} steps, got {length}; draw its first steps")
    c, size = style.colours, sizes(style)
    canvas = Canvas(style, _("The net unrolled over {n} steps", n=length))
    factors = step_factors(trajectory)
    ratio = np.asarray(factors.sign * np.exp(factors.log), float)
    rows = [*"L" * (losses is not None), *"O" * (outputs is not None), "S", "X"]
    per_x, per_y = style.width / (length + 1), style.height / len(rows)
    font = size.tick if style.presenting else min(size.tick, max(10.0, per_x / 4.6))
    numbers = {
        "L": losses,
        "O": outputs,
        "S": np.asarray(trajectory.state, float),
        "X": np.asarray(trajectory.inputs, float),
    }
    texts = {
        (row, step): (f"<i>{row}</i><sub>{step}</sub>", value(float(numbers[row][step - (row != "S")])))  # type: ignore[index]
        for row in rows
        for step in range(row != "S", length + 1)
    }
    gap = 0.5 * font
    wide = max(text_width(f"<b>{name}{said}</b>", font) for name, said in texts.values()) + 3 * gap
    in_line = wide < 0.62 * per_x
    half_x = (wide if in_line else min(0.8 * per_x, 4.2 * font)) / 2
    half_y = min((1.7 if in_line else 2.5) * font / 2, 0.36 * per_y)
    t = length if target is None else target
    path = _lit_path(lit, t)
    names = ("<i>i</i>", "<i>o</i>") if "f" in trajectory.gates else tuple(LETTERS)
    given = labels or {}

    def at(row: str, step: int) -> tuple[float, float]:
        return (step + 0.5) * per_x, (rows.index(row) + 0.5) * per_y

    def edge(
        a: tuple[str, int], b: tuple[str, int], label: tuple[str, float | None], strength: float
    ) -> None:
        (x0, y0), (x1, y1), name = at(*a), at(*b), f"{a[0]}{a[1]}-{b[0]}{b[1]}"
        on, flat = (a, b) in path, a[0] == b[0]
        colour = c.you if on else c.ink
        dx, dy = (half_x, 0.0) if flat else (0.0, -half_y)
        ends = [(x0 + dx, y0 + dy), (x1 - dx - 2 * (dx > 0), y1 - dy + 2 * (dy < 0))]
        canvas.line(ends, colour, (3.0 if on else 1.0 + 1.5 * strength) * size.line, data=name)
        canvas.line(ends, "transparent", 18, arrow=False, data=name)
        letter, number = given.get(name, label) if on else label
        said = "" if number is None else value(number)
        both = f"{letter} {said}".strip()
        room = per_x - 2 * half_x - 8
        if flat:
            text = both if text_width(f"<b>{both}</b>", font) < room else said
            lift = half_y if text_width(f"<b>{text}</b>", font) > room else 0.0
            place, anchor = ((x0 + x1) / 2, y0 - lift - 0.85 * font), "middle"
        else:
            text = both if in_line or text_width(f"<b>{both}</b>", font) < 0.8 * per_x else said
            between = per_y - 2 * half_y
            text = text if between > 1.4 * font and (on or in_line) else ""
            right = x0 + 8 + text_width(f"<b>{text}</b>", font) < style.width
            place, anchor = (x0 + (6 if right else -6), 0.38 * y0 + 0.62 * y1), "start" if right else "end"
        if text:
            canvas.text(*place, text, font, colour, anchor=anchor, bold=on, ground=c.page if on else "")

    order: list[tuple[tuple[str, int], tuple[str, int], tuple[str, float | None], float]] = []
    for step in range(1, length + 1):
        r = float(ratio[step - 1])
        order.append((("S", step - 1), ("S", step), ("", r), min(abs(r), 1.0)))
        w_x, w_o = weights or (None, None)
        order.append((("X", step), ("S", step), (names[0], w_x), 0.2))
        if outputs is not None:
            order.append((("S", step), ("O", step), (names[1], w_o), 0.2))
        if losses is not None and outputs is not None:
            order.append((("O", step), ("L", step), ("", None), 0.2))
    for parts in sorted(order, key=lambda parts: parts[:2] in path):  # what is lit lies on top
        edge(*parts)
    touched = {node for ends in path for node in ends}
    for (row, step), (name, said) in texts.items():
        (px, py), on = at(row, step), (row, step) in touched
        look = (c.panel, c.you if on else c.ink, (3.0 if on else 1.5) * size.line)
        canvas.box(px, py, 2 * half_x, 2 * half_y, *look, round=half_y, data=f"{row}{step}")
        if in_line:
            ends = (text_width(name, font) + text_width(f"<b>{said}</b>", font) + gap) / 2
            canvas.text(px - ends, py, name, font, c.muted, anchor="start")
            canvas.text(px + ends, py, said, font, c.ink, anchor="end", bold=on)
        elif half_y > 0.95 * font:
            small = font * min(1.0, 1.9 * half_x / (text_width(f"<b>{said}</b>", font) + 0.5 * font))
            small = max(small, 20.0 if style.presenting else 8.0)
            canvas.text(px, py - 0.55 * font, name, 0.95 * font, c.muted)
            canvas.text(px, py + 0.55 * font, said, small, c.ink, bold=on)
        else:
            canvas.text(px, py, name, font, c.ink, bold=on)
    return canvas.svg


def _lit_path(lit: tuple[str, int] | None, t: int) -> set[tuple[tuple[str, int], tuple[str, int]]]:
    """The edges, forward, of one term of the gradient."""
    if lit is None:
        return set()
    parameter, k = lit
    path = {(("O", t), ("L", t)), (("S", t), ("O", t))}
    if parameter.startswith("readout"):
        return path
    path |= {(("S", j - 1), ("S", j)) for j in range(k + 1, t + 1)}
    path.add((("X", k), ("S", k)) if parameter.startswith("input") else (("S", k - 1), ("S", k)))
    return path


# ---- one state line, three multiplications ----


def state_line(trajectory: Trajectory, style: Style, *, step: int, output_weight: float = 1.0) -> str:
    """One step as a state line with three multiplications: what is kept, what is written, what is shown.

    Of the plain cell they are W_s, W_x and W_o; of a gated one f, i and o, chosen anew at each step.

    Parameters
    ----------
    trajectory : Trajectory
        Of a scalar cell: plain, gated or LSTM.
    style : Style
    step : int
        t, from 1 to T.
    output_weight : float, optional
        W_o of the plain cell.
    """
    k = _step(trajectory, step)
    c, size = style.colours, sizes(style)
    w, h = style.width, style.height
    gated = "f" in trajectory.gates
    part = "c" if "c" in trajectory.states else "S"
    before, after = (float(trajectory.states[part][k + d]) for d in (0, 1))
    x = float(trajectory.inputs[k])
    if gated:
        keep, write, show = (float(trajectory.gates[g][k]) for g in "fio")
        letters = [f"<i>{g}<sub>t</sub></i>" for g in "fio"]
        given = float(trajectory.gates["candidate"][k]) if "candidate" in trajectory.gates else x
        given_name = "<i>ĉ<sub>t</sub></i>" if "candidate" in trajectory.gates else "<i>X<sub>t</sub></i>"
        bends = part == "c" or getattr(trajectory.cell, "state_activation", "linear") == "tanh"
        curve = "tanh" if bends else ""
        title = _("A gated cell as one state line with three gates")
    else:
        cell: Any = trajectory.cell
        keep, write, show = float(cell.recurrent_weight), float(cell.input_weight), float(output_weight)
        letters = [f"<i>W<sub>{i}</sub></i>" for i in "sxo"]
        given, given_name = x, "<i>X<sub>t</sub></i>"
        curve = {"tanh": "tanh", "sigmoid": "σ", "linear": ""}[cell.activation]
        title = _("A plain cell as one state line with three weights")
    canvas = Canvas(style, title)
    colour = cell_colour(style, "lstm" if part == "c" else "gated" if gated else "plain")
    y, low = 0.34 * h, 0.86 * h
    xs = {
        "in": 0.03 * w,
        "keep": 0.24 * w,
        "plus": 0.44 * w,
        "curve": 0.6 * w,
        "out": 0.74 * w,
        "show": 0.86 * w,
    }
    radius = min(0.075 * w, 0.13 * h, 30 * size.marker)
    thick = 3.5 * size.line
    canvas.line([(xs["in"], y), (xs["out"], y)], colour, thick)
    canvas.line([(xs["plus"], low - 0.02 * h), (xs["plus"], y + 0.06 * h)], c.ink, 2 * size.line)
    canvas.line([(xs["out"], y), (0.985 * w, y)], c.ink, 2 * size.line)
    state_name = f"<i>{part}<sub>t−1</sub></i>"
    lift = y - (1.4 * size.tick if size.wide else radius + 1.3 * size.tick)
    _value(canvas, (xs["in"], lift), state_name, before, size, anchor="start")
    at_out = (xs["out"] - 0.01 * w if part != "c" else xs["curve"], lift)
    _value(canvas, at_out, f"<i>{part}<sub>t</sub></i>", after, size)
    _multiply(canvas, (xs["keep"], y), radius, letters[0], keep, gated, size)
    _multiply(canvas, (xs["plus"], 0.62 * h), radius, letters[1], write, gated, size)
    _multiply(canvas, (xs["show"], y), radius, letters[2], show, gated, size)
    canvas.circle(xs["plus"], y, 0.05 * h + 4, c.page, c.ink, 2 * size.line)
    canvas.text(xs["plus"], y, "+", 1.3 * size.tick, c.ink, bold=True)
    at_plus = part != "c"  # an LSTM bends what it shows, the others what they keep
    if curve:
        font = min(size.tick, 0.026 * w)
        wide = text_width(curve, font) + 10
        where = xs["curve"] if at_plus else xs["show"] - radius - wide / 2 - 4
        canvas.box(where, y, wide, 1.9 * font, c.panel, c.ink, 1.5)
        canvas.text(where, y, curve, font, c.ink)
    _value(canvas, (xs["plus"] + 0.03 * w, low), given_name, given, size, anchor="start")
    shown = show * (np.tanh(after) if part == "c" else after)
    last = "<i>h<sub>t</sub></i>" if gated else "<i>W<sub>o</sub> S<sub>t</sub></i>"
    _value(canvas, (0.985 * w, lift), last, float(shown), size, anchor="end")
    return canvas.svg


def _step(trajectory: Trajectory, step: int) -> int:
    if not 1 <= step <= trajectory.length:
        raise ValueError(
            f"step must be from 1 to {trajectory.length}, got {step}; the run has no other steps"
        )
    return step - 1


def _value(
    canvas: Canvas,
    at: tuple[float, float],
    name: str,
    number: float,
    size: Sizes,
    *,
    anchor: str = "middle",
    inline: bool = False,
) -> None:
    """A name with its number under it, or beside it."""
    c, font = canvas.style.colours, size.tick
    if inline:
        canvas.text(*at, f"{name} = {value(number)}", font, c.ink, anchor=anchor, ground=c.page)
        return
    canvas.text(at[0], at[1] - 0.55 * font, name, font, c.muted, anchor=anchor)
    canvas.text(at[0], at[1] + 0.6 * font, value(number), font, c.ink, anchor=anchor, bold=True)


def _multiply(
    canvas: Canvas,
    at: tuple[float, float],
    radius: float,
    name: str,
    number: float,
    gate: bool,
    size: Sizes,
) -> None:
    """A multiplication: a disc with what it multiplies by; a gate has the colour of how open it is."""
    c = canvas.style.colours
    fill, ink = factor_colour(number) if gate else (c.panel, c.ink)
    canvas.circle(*at, radius, fill, c.ink, 2 * size.line)
    font = min(size.tick, 0.62 * radius)
    canvas.text(at[0], at[1] - 0.6 * font, f"× {name}", font, ink)
    canvas.text(at[0], at[1] + 0.62 * font, value(number), font, ink, bold=True)


# ---- whole cells ----


def lstm_cell(trajectory: Trajectory, style: Style, *, step: int) -> str:
    """An LSTM at one step, as SVG: gates coloured by how open they are, every line with its number.

    Parameters
    ----------
    trajectory : Trajectory
        Of a scalar LSTM; dotted lines are its peepholes, where it has any.
    style : Style
    step : int
        t, from 1 to T.
    """
    k = _step(trajectory, step)
    c, size = style.colours, sizes(style)
    w, h = style.width, style.height
    canvas = Canvas(style, _("An LSTM cell at step {n}", n=step))
    state, gates = trajectory.states, trajectory.gates
    f, i, o, new = (float(gates[g][k]) for g in ("f", "i", "o", "candidate"))
    c0, c1, h0, h1 = (float(state[p][k + d]) for p in "ch" for d in (0, 1))
    top, product, row, base = 0.17 * h, 0.4 * h, 0.62 * h, 0.84 * h
    x = {"f": 0.2 * w, "i": 0.37 * w, "candidate": 0.54 * w, "o": 0.71 * w, "out": 0.87 * w}
    x["plus"] = (x["i"] + x["candidate"]) / 2
    radius = min(0.03 * w + 6, 0.055 * h)
    green, thin, thick = cell_colour(style, "lstm"), 1.8 * size.line, 3.5 * size.line
    canvas.line([(0.02 * w, top), (0.98 * w, top)], green, thick)
    canvas.line([(0.02 * w, base), (x["o"], base), (x["o"], row)], c.ink, thin, arrow=False)
    for name in ("f", "i", "candidate"):
        canvas.line([(x[name], base), (x[name], row + 0.06 * h)], c.ink, thin)
    canvas.line([(x["o"], base), (x["o"], row + 0.06 * h)], c.ink, thin)
    canvas.line([(0.1 * w, h - 2), (0.1 * w, base)], c.ink, thin)
    canvas.line([(x["f"], row), (x["f"], top + radius)], c.ink, thin)
    canvas.line([(x["i"], row), (x["i"], product), (x["plus"] - radius, product)], c.ink, thin)
    canvas.line(
        [(x["candidate"], row), (x["candidate"], product), (x["plus"] + radius, product)], c.ink, thin
    )
    canvas.line([(x["plus"], product), (x["plus"], top + radius)], c.ink, thin)
    canvas.line(
        [(x["o"], row), (x["o"], product + 0.1 * h), (x["out"] - radius, product + 0.1 * h)], c.ink, thin
    )
    canvas.line([(x["out"], top), (x["out"], product + 0.1 * h - radius)], c.ink, thin)
    canvas.line([(x["out"], product + 0.1 * h), (x["out"], base), (0.98 * w, base)], c.ink, thin)
    peepholes = {"f": "forget_peephole", "i": "input_gate_peephole", "o": "output_gate_peephole"}
    for name, peephole in peepholes.items():
        if np.any(getattr(trajectory.cell, peephole)):
            bend = x[name] - 0.055 * w
            ends = [(bend, top), (bend, row - 0.09 * h), (x[name] - 0.02 * w, row - 0.06 * h)]
            canvas.line(ends, c.muted, thin, dash="2 5")
            where = (bend - 4, (top + row) / 2 - 0.02 * h)
            canvas.text(*where, f"<i>p<sub>{name}</sub></i>", size.tick, c.muted, anchor="end")
    for name, letter, number, curve in (
        ("f", "<i>f</i>", f, "σ"),
        ("i", "<i>i</i>", i, "σ"),
        ("candidate", "<i>ĉ</i>", new, "tanh"),
        ("o", "<i>o</i>", o, "σ"),
    ):
        _gate(canvas, (x[name], row), letter, number, curve, name != "candidate", size)
    for at in ((x["f"], top), (x["plus"], product), (x["out"], product + 0.1 * h)):
        _sign(canvas, at, "×", radius, size)
    _sign(canvas, (x["plus"], top), "+", radius, size)
    font = min(size.tick, 0.032 * w)
    canvas.box(
        x["out"],
        (top + product) / 2 + 0.02 * h,
        text_width("tanh", font) + 10,
        1.9 * font,
        c.panel,
        c.ink,
        1.5,
    )
    canvas.text(x["out"], (top + product) / 2 + 0.02 * h, "tanh", font, c.ink)
    lift = 0.085 * h
    _edge_value(canvas, (0.02 * w, top - lift), "<i>c<sub>t−1</sub></i>", c0, size, "start")
    _edge_value(canvas, (0.98 * w, top - lift), "<i>c<sub>t</sub></i>", c1, size, "end")
    between = ((x["f"] + x["plus"]) / 2, top - lift if size.wide else top + 0.1 * h)
    _edge_value(canvas, between, "<i>f c</i>", f * c0, size, "middle")
    _edge_value(
        canvas, (x["plus"] + radius + 4, (top + product) / 2 + 0.02 * h), "<i>i ĉ</i>", i * new, size, "start"
    )
    _edge_value(canvas, (0.02 * w, base - 0.06 * h), "<i>h<sub>t−1</sub></i>", h0, size, "start")
    _edge_value(canvas, (0.98 * w, base + 0.07 * h), "<i>h<sub>t</sub></i>", h1, size, "end")
    x_t = float(np.asarray(trajectory.inputs)[k])
    _edge_value(canvas, (0.1 * w + 8, h - 0.07 * h), "<i>x<sub>t</sub></i>", x_t, size, "start")
    return canvas.svg


def gru_cell(trajectory: Trajectory, style: Style, *, step: int) -> str:
    """A GRU at one step, as SVG: gates coloured by how open they are, every line with its number.

    Parameters
    ----------
    trajectory : Trajectory
        Of a scalar GRU or minGRU; the reset gate acts before or after the weight as in the cell.
    style : Style
    step : int
        t, from 1 to T.
    """
    k = _step(trajectory, step)
    c, size = style.colours, sizes(style)
    w, h = style.width, style.height
    canvas = Canvas(style, _("A GRU cell at step {n}", n=step))
    gates, state = trajectory.gates, trajectory.states["h"]
    z, new = float(gates["z"][k]), float(gates["candidate"][k])
    resets = "r" in gates
    h0, h1 = float(state[k]), float(state[k + 1])
    top, product, row, base = 0.17 * h, 0.4 * h, 0.62 * h, 0.83 * h
    x = {"r": 0.22 * w, "z": 0.5 * w, "candidate": 0.76 * w, "keep": 0.5 * w, "plus": 0.86 * w}
    radius = min(0.03 * w + 6, 0.055 * h)
    tone, thin, thick = cell_colour(style, "gru"), 1.8 * size.line, 3.5 * size.line
    canvas.line([(0.02 * w, top), (0.98 * w, top)], tone, thick)
    given, aside = 0.93 * h, 0.022 * w
    names = ("r", "z", "candidate") if resets else ("z", "candidate")
    canvas.line([(0.02 * w, given), (x["candidate"] + aside, given)], c.ink, thin, arrow=False)
    for name in names:  # each sees the input
        canvas.line([(x[name] + aside, given), (x[name] + aside, row + 0.065 * h)], c.ink, thin)
    if resets:  # and the old state
        canvas.line(
            [(0.06 * w, top), (0.06 * w, base), (x["candidate"] - aside, base)], c.ink, thin, arrow=False
        )
        for name in names:
            canvas.line([(x[name] - aside, base), (x[name] - aside, row + 0.065 * h)], c.ink, thin)
    canvas.line([(x["z"], row), (x["keep"], top + radius)], c.ink, thin)
    # z also lets the candidate in
    canvas.line([(x["z"], product), (x["plus"] - radius, product)], c.ink, thin)
    canvas.line([(x["candidate"], row), (x["plus"], row), (x["plus"], product + radius)], c.ink, thin)
    canvas.line([(x["plus"], product), (x["plus"], top + radius)], c.ink, thin)
    if resets:
        middle = (x["r"] + x["z"]) / 2
        canvas.line([(x["r"], row), (middle, row), (middle, base - radius)], c.ink, thin)
        _sign(canvas, (middle, base), "×", radius, size)
        before = getattr(trajectory.cell, "reset", "before") == "before"
        said = _("reset before the weight") if before else _("reset after the weight")
        font = min(size.tick, 0.03 * w)
        canvas.text(0.5 * w, 0.975 * h, said, font, c.muted)
        _gate(canvas, (x["r"], row), "<i>r</i>", float(gates["r"][k]), "σ", True, size)
    _gate(canvas, (x["z"], row), "<i>z</i>", z, "σ", True, size)
    _gate(canvas, (x["candidate"], row), "<i>h̃</i>", new, "tanh", False, size)
    fill, ink = factor_colour(1 - z)
    canvas.circle(x["keep"], top, 1.5 * radius, fill, c.ink, 2 * size.line)
    font = min(size.tick, 0.75 * radius)
    canvas.text(x["keep"], top - 0.55 * font, "×(1−<i>z</i>)", font, ink)
    canvas.text(x["keep"], top + 0.65 * font, value(1 - z), font, ink, bold=True)
    _sign(canvas, (x["plus"], product), "×", radius, size)
    _sign(canvas, (x["plus"], top), "+", radius, size)
    lift = 0.085 * h
    _edge_value(canvas, (0.02 * w, top - lift), "<i>h<sub>t−1</sub></i>", h0, size, "start")
    _edge_value(canvas, (0.98 * w, top - lift), "<i>h<sub>t</sub></i>", h1, size, "end")
    between = ((x["keep"] + x["plus"]) / 2 + 0.02 * w, top - lift if size.wide else top + 0.06 * h)
    _edge_value(canvas, between, "(1−<i>z</i>) <i>h</i>", (1 - z) * h0, size, "middle")
    _edge_value(
        canvas, (x["plus"] - radius - 4, (top + product) / 2 + 0.01 * h), "<i>z h̃</i>", z * new, size, "end"
    )
    x_t = float(np.asarray(trajectory.inputs)[k])
    _edge_value(canvas, (0.02 * w, 0.975 * h), "<i>x<sub>t</sub></i>", x_t, size, "start")
    return canvas.svg


def _gate(
    canvas: Canvas, at: tuple[float, float], name: str, number: float, curve: str, gate: bool, size: Sizes
) -> None:
    """A box: what it is, its function, and its value, in the colour of how open it is."""
    c, w, h = canvas.style.colours, canvas.style.width, canvas.style.height
    wide, tall = min(0.15 * w, 110.0 * size.marker), 0.13 * h
    fill, ink = factor_colour(number) if gate else (c.panel, c.ink)
    canvas.box(*at, wide, tall, fill, c.ink, 2 * size.line)
    font = min(size.tick, 0.4 * tall, wide / 4.4)
    canvas.text(at[0], at[1] - 0.58 * font, f"{name} = {curve}", font, ink)
    canvas.text(at[0], at[1] + 0.62 * font, value(number), font, ink, bold=True)


def _sign(canvas: Canvas, at: tuple[float, float], sign: str, radius: float, size: Sizes) -> None:
    c = canvas.style.colours
    canvas.circle(*at, radius, c.page, c.ink, 2 * size.line)
    canvas.text(*at, sign, min(1.3 * size.tick, 1.5 * radius), c.ink, bold=True)


def _edge_value(
    canvas: Canvas, at: tuple[float, float], name: str, number: float, size: Sizes, anchor: str
) -> None:
    c, w = canvas.style.colours, canvas.style.width
    font = size.tick if canvas.style.presenting else min(size.tick, max(11.0, 0.03 * w))
    canvas.text(*at, f"{name} = <b>{value(number)}</b>", font, c.ink, anchor=anchor, ground=c.page)


# ---- both directions ----


def bidirectional_net(
    run: BidirectionalTrajectory, style: Style, *, source: int | None = None, target: int | None = None
) -> str:
    """A net that reads both ways, as SVG: the path from one input to one output is lit, with its factors.

    Parameters
    ----------
    run : BidirectionalTrajectory
        Of scalar cells, over at most 12 steps.
    style : Style
    source, target : int, optional
        s of the input and t of the output in focus.
    """
    forward, backward = run.forward, run.backward
    length = forward.length
    if length > COLUMNS_TO:
        raise ValueError(f"run must have 1 to {COLUMNS_TO} steps, got {length}; draw its first steps")
    c, size = style.colours, sizes(style)
    canvas = Canvas(style, _("A net that reads both ways, over {n} steps", n=length))
    per_x, per_y = style.width / length, style.height / 4
    radius = min(0.26 * per_x, 0.26 * per_y, 28 * size.marker)
    small = min(size.tick, max(9.0, per_x / 4.2)) if not style.presenting else size.tick
    rows = {"y": 0.5, "b": 1.5, "f": 2.5, "x": 3.5}

    def ratios(part: Trajectory) -> Any:
        if len(part.states) > 1:  # of an LSTM, the line along c
            return part.cell.jacobian(part.cell.partials(part.steps()))["cc"]
        factors = step_factors(part)
        return factors.sign * np.exp(factors.log)

    ahead, back = ratios(forward), ratios(backward)[::-1]
    touched: set[tuple[str, int]] = set()
    if source is not None and target is not None:
        if source <= target:
            touched |= {("f", k) for k in range(source, target + 1)}
        if source >= target:
            touched |= {("b", k) for k in range(target, source + 1)}
        touched |= {("x", source), ("y", target)}

    def at(row: str, step: int) -> tuple[float, float]:
        return (step - 0.5) * per_x, rows[row] * per_y

    def edge(a: tuple[str, int], b: tuple[str, int], text: str = "", bend: float = 0.0) -> None:
        (x0, y0), (x1, y1) = at(*a), at(*b)
        on = a in touched and b in touched and (a[0] == b[0] or a[1] in (source, target))
        colour = c.you if on else c.ink
        away = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        ux, uy = (x1 - x0) / away, (y1 - y0) / away
        start = (x0 + ux * radius, y0 + uy * radius)
        end = (x1 - ux * (radius + 2), y1 - uy * (radius + 2))
        points = [start, end]
        if bend:
            side = (x0 + bend, (y0 + y1) / 2)
            points = [(x0 + 0.6 * bend, y0 - 0.8 * radius), side, (x1 + 0.6 * bend, y1 + 0.8 * radius)]
        canvas.line(points, colour, (3.5 if on else 1.5) * size.line, data=f"{a[0]}{a[1]}-{b[0]}{b[1]}")
        if text and text_width(text, small) < per_x - 2 * radius + 6:
            canvas.text(
                (x0 + x1) / 2, (y0 + y1) / 2 - 0.9 * small, text, small, colour, bold=on, ground=c.page
            )

    for k in range(1, length + 1):
        edge(("x", k), ("f", k))
        edge(("b", k), ("y", k))
        edge(("x", k), ("b", k), bend=-1.25 * radius)
        edge(("f", k), ("y", k), bend=1.25 * radius)
        if k > 1:
            edge(("f", k - 1), ("f", k), value(float(ahead[k - 1])))
            edge(("b", k), ("b", k - 1), value(float(back[k - 2])))
    for row in rows:
        for k in range(1, length + 1):
            on = (row, k) in touched
            px, py = at(row, k)
            canvas.circle(
                px, py, radius, c.panel, c.you if on else c.ink, (3.0 if on else 1.5) * size.line, f"{row}{k}"
            )
            letter = {"y": "y", "x": "x", "f": "h→", "b": "h←"}[row]
            name = f"<i>{letter}</i><sub>{k}</sub>"
            canvas.text(px, py, name, min(small, 0.85 * radius), c.ink, bold=on)
    return canvas.svg
