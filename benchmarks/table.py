"""Measurements beside their budgets, as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measurement, what it is compared with, and what was promised.

    The promise is about the ratio measured / reference, reference / measured for a `speedup`, and about the
    measurement itself where there is no reference. `skipped` gives the reason where nothing was measured.
    """

    what: str
    measured: float = math.nan
    unit: str = ""
    reference: float | None = None
    against: str = ""
    budget: float | None = None
    kind: Literal["at most", "at least", "speedup"] = "at most"
    note: str = ""
    skipped: str = ""

    @property
    def ratio(self) -> float:
        """The figure that the budget is about."""
        if self.reference is None:
            return self.measured
        return self.reference / self.measured if self.kind == "speedup" else self.measured / self.reference

    @property
    def met(self) -> bool | None:
        """Whether the budget is met; None where there is none or nothing was measured."""
        if self.budget is None or self.skipped:
            return None
        return self.ratio <= self.budget if self.kind == "at most" else self.ratio >= self.budget

    @property
    def missed(self) -> float:
        """How many times beyond the budget, 1 at its edge."""
        assert self.budget is not None
        return self.ratio / self.budget if self.kind == "at most" else self.budget / self.ratio

    def verdict(self) -> str:
        """Met or not, and by how much, in words."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.met is None:
            return ""
        return "yes" if self.met else f"**no, off by {self.missed:.2f} ×**"

    def cells(self) -> list[str]:
        """The row as text, for the columns of `COLUMNS`."""
        if self.skipped:
            return [self.what, "", "", "", self._promise(), self.verdict()]
        reference = (
            "" if self.reference is None else f"{quantity(self.reference, self.unit)} {self.against}".strip()
        )
        ratio = "" if self.reference is None else f"{number(self.ratio)} ×"
        measured = quantity(self.measured, self.unit) + (f" ({self.note})" if self.note else "")
        return [self.what, measured, reference, ratio, self._promise(), self.verdict()]

    def _promise(self) -> str:
        if self.budget is None:
            return ""
        sign = "≤" if self.kind == "at most" else "≥"
        if self.reference is None and not self.skipped:
            return f"{sign} {quantity(self.budget, self.unit)}"
        return f"{sign} {number(self.budget)} ×" + (" faster" if self.kind == "speedup" else "")


COLUMNS = ["what", "measured", "compared with", "ratio", "budget", "met"]


def number(value: float) -> str:
    """Three significant digits, without an exponent from 0.001 to 100 000."""
    if not math.isfinite(value):
        return "–"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"


def quantity(value: float, unit: str) -> str:
    """A number with its unit."""
    return f"{number(value)} {unit}".strip()


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def budgets(rows: Iterable[Row]) -> str:
    """The rows as one table."""
    return markdown(COLUMNS, (row.cells() for row in rows))


def by_page(pages: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """One line a page, one column a measurement; a cross and the excess where it is too much."""
    columns = ["page"]
    for column in zip(*(rows for _, rows in pages), strict=True):
        promise = next((f", {row._promise()}" for row in column if row._promise()), "")
        columns.append(column[0].what + promise)
    return markdown(columns, ([name, *map(_short, rows)] for name, rows in pages))


def _short(row: Row) -> str:
    if row.skipped:
        return row.skipped
    text = quantity(row.measured, row.unit)
    if row.reference is not None:
        text += f" = {number(row.ratio)} ×"
    return text if row.met is not False else f"**{text} ✗ off by {row.missed:.2f} ×**"


def replace(document: str, table: str) -> str:
    """The document with `table` between its two markers.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    if document.count(BEGIN) != 1 or document.count(END) != 1 or document.index(BEGIN) > document.index(END):
        raise ValueError(f"the document must hold {BEGIN!r} and then {END!r}, once each; add both lines")
    head, tail = document.split(BEGIN)[0], document.split(END)[1]
    return f"{head}{BEGIN}\n{table.strip()}\n{END}{tail}"
