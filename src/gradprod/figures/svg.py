"""A small canvas for diagrams: lines, nodes and texts with italics and indices, as SVG."""

from __future__ import annotations

import re
from html import escape, unescape
from itertools import pairwise

from gradprod.figures.theme import FACTOR_SCALE, FONT, Style, text_width
from gradprod.words import plain


class Canvas:
    """Collects shapes, in pixels from the top left; `svg` is the drawing."""

    def __init__(self, style: Style, title: str) -> None:
        self.style = style
        self._title = title
        self._parts: list[str] = []

    @property
    def svg(self) -> str:
        """The drawing, named for a screen reader by its title."""
        w, h = self.style.width, self.style.height
        label = escape(plain(self._title), quote=True)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
            f'role="img" aria-label="{label}" font-family="{escape(FONT, quote=True)}">'
        )
        return f"{head}<title>{label}</title>{''.join(self._parts)}</svg>"

    def line(
        self,
        points: list[tuple[float, float]],
        colour: str,
        width: float = 2,
        *,
        dash: str = "",
        arrow: bool = True,
        data: str = "",
    ) -> None:
        """A line through points, with a head at its end; `data` names it for the page."""
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        name = f' data-edge="{escape(data, quote=True)}"' if data else ""
        self._parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
            f'stroke-linejoin="round"{extra}{name}/>'
        )
        if arrow:
            self._head(points[-2], points[-1], colour, width)

    def _head(self, before: tuple[float, float], end: tuple[float, float], colour: str, width: float) -> None:
        dx, dy = end[0] - before[0], end[1] - before[1]
        away = (dx * dx + dy * dy) ** 0.5 or 1.0
        dx, dy, reach = dx / away, dy / away, 4 + 2 * width
        x, y = end[0] - dx * reach, end[1] - dy * reach
        half = reach * 0.5
        corners = [end, (x - dy * half, y + dx * half), (x + dy * half, y - dx * half)]
        points = " ".join(f"{px:.1f},{py:.1f}" for px, py in corners)
        self._parts.append(f'<polygon points="{points}" fill="{colour}"/>')

    def circle(
        self, x: float, y: float, radius: float, fill: str, edge: str, width: float = 2, data: str = ""
    ) -> None:
        """A disc."""
        name = f' data-node="{escape(data, quote=True)}"' if data else ""
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" stroke="{edge}" '
            f'stroke-width="{width:g}"{name}/>'
        )

    def box(
        self,
        x: float,
        y: float,
        wide: float,
        tall: float,
        fill: str,
        edge: str,
        width: float = 2,
        *,
        round: float = 5,
        data: str = "",
    ) -> None:
        """A rounded box around its middle; `data` names it for the page."""
        name = f' data-node="{escape(data, quote=True)}"' if data else ""
        self._parts.append(
            f'<rect x="{x - wide / 2:.1f}" y="{y - tall / 2:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
            f'rx="{round:g}" fill="{fill}" stroke="{edge}" stroke-width="{width:g}"{name}/>'
        )

    def text(
        self,
        x: float,
        y: float,
        html: str,
        size: float,
        colour: str,
        *,
        anchor: str = "middle",
        bold: bool = False,
        ground: str = "",
    ) -> None:
        """A text with its middle line at `y`; `ground` puts a patch of that colour behind it."""
        if ground:
            wide, tall = text_width(html, size) + 6, 1.15 * size
            left = x - {"start": 3, "middle": wide / 2, "end": wide - 3}[anchor]
            self._parts.append(
                f'<rect x="{left:.1f}" y="{y - tall / 2:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
                f'rx="3" fill="{ground}"/>'
            )
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y + 0.35 * size:.1f}" font-size="{size:g}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}>{_spans(html)}</text>'
        )


def _spans(html: str) -> str:
    """HTML with <i>, <b>, <sub> and <sup> as tspans: SVG has no other way to lower a letter."""
    out, italic, bold, level, moved = [], False, False, 0, 0
    for tag, text in re.findall(r"<(/?\w+)[^>]*>|([^<]+)", html):
        if tag:
            on = not tag.startswith("/")
            name = tag.strip("/")
            italic = on if name == "i" else italic
            bold = on if name == "b" else bold
            level = {"sub": 1, "sup": -1}.get(name, level) if on else 0 if name in ("sub", "sup") else level
            continue
        looks = ' font-style="italic"' if italic else ""
        looks += ' font-weight="bold"' if bold else ""
        looks += ' font-size="72%"' if level else ""
        # a shift stays for what follows: the next run has to undo it, in its own size of letters
        unit = 0.38 if level else 0.38 * 0.72
        shift = level - moved
        looks += f' dy="{shift * (0.38 if level else unit):.3f}em"' if shift else ""
        moved = level
        out.append(f"<tspan{looks}>{escape(unescape(text))}</tspan>")
    return "".join(out)


def factor_colour(value: float) -> tuple[str, str]:
    """The colour of a factor from 0 to 1 on the factor scale, and of a text on it."""
    v = min(max(abs(value), 0.0), 1.0)
    for (low, a), (high, b) in pairwise(FACTOR_SCALE):
        if v <= high:
            share = (v - low) / (high - low)
            mixed = [
                round(int(a[i : i + 2], 16) * (1 - share) + int(b[i : i + 2], 16) * share) for i in (1, 3, 5)
            ]
            light = 0.299 * mixed[0] + 0.587 * mixed[1] + 0.114 * mixed[2] > 140
            return "#" + "".join(f"{m:02X}" for m in mixed), "#17212B" if light else "#FFFFFF"
    return "#FEE838", "#17212B"
