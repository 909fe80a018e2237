"""Direct labels: name and value at the end of a line, instead of a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gradprod.figures.theme import BOLDER, Figure, Style, note, sizes, text_width, wrapped


@dataclass(frozen=True, kw_only=True)
class Label:
    """What stands at the end of a line; ``at`` is the line's end, in pixels from the top of its axis.

    ``tone`` is the colour of the sign that the name begins with, where it isn't that of the name.
    """

    at: float
    name: str
    number: str = ""
    colour: str
    bold: bool = True
    tone: str = ""


def label_room(labels: Sequence[Label], style: Style) -> float:
    """The right margin that labels need; steady while their numbers change."""
    size = sizes(style)
    least, most, gap = (210, 330, 28) if style.presenting else (140, 230, 24) if size.wide else (74, 118, 14)
    needed = [0.0]
    for label in labels:
        parts = [label.name] if size.wide else label.name.split(" ")
        needed += [text_width(f"<b>{part}</b>", size.label) for part in parts]
        needed.append(text_width(label.number, size.label))
    return round(max(least, min(most, 0.36 * style.width, max(needed) + gap)))


def end_labels(
    labels: Sequence[Label],
    style: Style,
    *,
    room: float,
    tall: float,
    top: float = 1.0,
    low: float | None = None,
) -> list[Figure]:
    """Labels to the right of an axis, pushed apart where they would touch.

    Parameters
    ----------
    labels : sequence of Label
    style : Style
    room : float
        The right margin, from `label_room`.
    tall : float
        Height of the axis in pixels.
    top : float, optional
        Where it ends above, in paper units.
    low : float, optional
        How many pixels below the axis the last label may end.
    """
    size = sizes(style)
    gap = 14 if size.wide else 8
    font = size.label
    low = 1.6 * font if low is None else low
    for shape in ("stacked", "inline", "small", "bare"):
        least = shape in ("small", "bare")
        font = max(20 if style.presenting else 12, round(0.8 * size.label)) if least else size.label
        texts = [_text(label, font, room - gap - 2, shape) for label in labels]
        heights = [font * 1.3 * (1 + text.count("<br>")) + (0 if shape == "bare" else 4) for text in texts]
        if sum(heights) <= tall + 1.3 * font + low:
            break
    for k, label in enumerate(labels):
        if label.tone:
            sign = label.name[0]
            texts[k] = texts[k].replace(sign, f'<span style="color:{label.tone}">{sign}</span>', 1)
    tops = push_apart([label.at for label in labels], heights, -1.3 * font, tall + low)
    where = {"x": 1, "xref": "paper", "xanchor": "left", "xshift": gap, "y": top, "yref": "paper"}
    where |= {"yanchor": "top", "align": "left"}
    return [
        note(text, font, label.colour, yshift=-at, **where)
        for text, at, label in zip(texts, tops, labels, strict=True)
    ]


def _text(label: Label, font: float, room: float, shape: str) -> str:
    room = room / BOLDER if label.bold else room
    if shape == "bare" and len(label.name.partition(" ")[0]) == 1 and label.number:  # its sign has to do
        label = replace(label, name=label.name[0])
    if shape == "stacked" and label.number:
        name = wrapped(label.name, font, room)
        return f"<b>{name}</b><br>{label.number}" if label.bold else f"{name}<br>{label.number}"
    name = f"<b>{label.name}</b>" if label.bold else label.name
    return wrapped(f"{name} {label.number}".rstrip(), font, room)


def push_apart(centres: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Tops of labels so that none touches another, each as near as may be to its centre.

    Parameters
    ----------
    centres, heights : sequence of float
        Where each label would like its middle, and its height, in pixels from the top.
    low, high : float
        Where the first may begin and the last must end.
    """
    order = sorted(range(len(centres)), key=lambda i: centres[i])
    tops = [0.0] * len(centres)
    edge = low
    for i in order:
        tops[i] = max(centres[i] - heights[i] / 2, edge)
        edge = tops[i] + heights[i]
    edge = high
    for i in reversed(order):
        tops[i] = min(tops[i], edge - heights[i])
        edge = tops[i]
    return tops


Box = tuple[float, float, float, float]
"""Centre, half width and half height, in pixels from the left and from the top."""


def clear_place(
    point: tuple[float, float],
    half: tuple[float, float],
    marks: tuple[NDArray[np.float64], NDArray[np.float64]],
    taken: list[Box],
    room: tuple[float, float],
) -> tuple[float, float]:
    """The nearest place for the label of a point that covers few marks and no other label; it is then taken.

    Parameters
    ----------
    point, half : (float, float)
        Where the point is, and the label's half width and height, in pixels.
    marks : (ndarray, ndarray)
        What had better not be covered.
    taken : list of Box
        Labels that stand already; the new one is added.
    room : (float, float)
        Width and height of the picture.
    """
    angle, reach = np.meshgrid(np.arange(0, 2 * np.pi, np.pi / 12), [1.6, 2.4, 3.4, 5.0])
    x = np.clip(point[0] + np.cos(angle) * (half[0] + reach * half[1]), half[0], room[0] - half[0])
    y = np.clip(point[1] + np.sin(angle) * reach * 1.6 * half[1], half[1], room[1] - half[1])
    beside = np.abs(x[..., None] - marks[0]) < half[0] + 6
    covered = (beside & (np.abs(y[..., None] - marks[1]) < half[1] + 6)).sum(axis=-1)
    cost = 30 * covered + np.hypot(x - point[0], y - point[1])
    for left, top, wide, tall in taken:
        cost += 1e4 * ((np.abs(x - left) < half[0] + wide + 2) & (np.abs(y - top) < half[1] + tall + 2))
    best = np.unravel_index(int(np.argmin(cost)), cost.shape)
    taken.append((float(x[best]), float(y[best]), *half))
    return float(x[best]), float(y[best])
