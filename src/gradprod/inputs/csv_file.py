"""A reader's CSV file as a series of numbers: read as it stands, or refused with the row and the reason."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradprod.inputs.series import Series

MAX_BYTES = 5_000_000
"""Largest file read, in bytes (5 MB)."""

MAX_ROWS = 100_000
"""Most rows of numbers read."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NOT_A_NUMBER = {"nan", "inf", "infinity", "na", "n/a", "null", "none", "-", ""}


def read_csv(data: bytes | str | os.PathLike[str], column: str | int | None = None) -> Series:
    """One column of a CSV file as a series; nothing is guessed, skipped or repaired.

    The file is UTF-8 text with cells between commas, semicolons or tabs and numbers with a decimal point. The
    first row names the columns if none of its cells is a number. Lines before it that begin with ``#``
    are comments; empty lines at the end are ignored.

    Parameters
    ----------
    data : bytes or path
        The file's content, or where it is: at most `MAX_BYTES` and `MAX_ROWS` rows of numbers.
    column : str or int, optional
        The column's name, or its number counted from 1. Needed where the file has more than one.

    Returns
    -------
    Series
        The column; not standardised.

    Raises
    ------
    ValueError
        With the row and the value, if the file is too large, empty or not text, if its rows differ in
        length, if there is no such column or no choice of one, or if a value is not a finite number with
        a decimal point.
    """
    table = _table(data, column)
    index = _index(table, column)
    name = table.names[index]
    if not table.rows:
        raise ValueError(f'the file has no row under its header "{name}"; add at least one number')
    values = [_value(cells[index], row, name) for row, cells in table.rows]
    return Series(
        name=name, values=np.array(values), rows=np.array([row for row, _ in table.rows], dtype=np.int64)
    )


def csv_columns(data: bytes | str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the columns of a CSV file, ``"column 1"`` and so on where the file doesn't name them.

    Parameters
    ----------
    data : bytes or path
        As in `read_csv`.

    Returns
    -------
    tuple of str
        What ``column`` of `read_csv` may be.

    Raises
    ------
    ValueError
        As `read_csv` does for a file that can't be read as a table.
    """
    return _table(data, None).names


@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    names: tuple[str, ...]
    rows: list[tuple[int, list[str]]]  # (row in the file, its cells)


def _table(data: bytes | str | os.PathLike[str], column: str | int | None) -> _Table:
    lines = _text(data).split("\n")
    start = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if start is None:
        raise ValueError("the file is empty; give it a header and at least one number")
    unquoted = re.sub('"[^"]*"', "", lines[start])
    separator = next((c for c in ";\t" if c in unquoted), ",")
    rows = list(_rows(lines, start, separator))
    first_row, first = rows[0]
    for row, cells in rows[1:]:
        if len(cells) != len(first):
            raise ValueError(
                f'row {row} has {_count(len(cells), "cell")} ("{_short(separator.join(cells))}") where row '
                f"{first_row} has {len(first)}; make the rows alike, and write decimals with a point"
            )
    is_header = column in first or not any(
        _NUMBER.fullmatch(c) or c.lower() in _NOT_A_NUMBER - {""} for c in first
    )
    names = [c if is_header and c else f"column {i}" for i, c in enumerate(first, 1)]
    rows = rows[1:] if is_header else rows
    if len(rows) > MAX_ROWS:
        raise ValueError(
            f"the file has {len(rows)} rows of numbers, and at most {MAX_ROWS} are read; "
            f"cut it before row {rows[MAX_ROWS][0]}"
        )
    return _Table(names=tuple(names), rows=rows)


def _text(data: bytes | str | os.PathLike[str]) -> str:
    size = len(data) if isinstance(data, bytes) else os.stat(data).st_size
    if size > MAX_BYTES:
        raise ValueError(
            f"the file has {size / 1e6:.1f} MB, and at most {MAX_BYTES / 1e6:g} MB are read; "
            "keep only the column and rows that are needed"
        )
    content = data if isinstance(data, bytes) else Path(data).read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.start
    else:
        control = _CONTROL.search(content)
        if control is None:
            return text.replace("\r\n", "\n").replace("\r", "\n")
        bad = control.start()
    row = content.count(b"\n", 0, bad) + 1
    raise ValueError(
        f"the file is not UTF-8 text: row {row} has the byte 0x{content[bad]:02X}; save it as CSV in UTF-8"
    )


def _rows(lines: list[str], start: int, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that isn't empty, with its number; an empty one may only be followed by empty ones."""
    reader = csv.reader(lines[start:], delimiter=separator, strict=True, skipinitialspace=True)
    empty = None
    while True:
        row = start + reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            raise ValueError(f"row {row} can’t be read as CSV ({error}); check its quotation marks") from None
        if cells in ([], [""]):
            empty = empty or row
        elif empty:
            raise ValueError(f"row {empty} is empty; write its value or take the row out")
        else:
            yield row, cells


def _index(table: _Table, column: str | int | None) -> int:
    names = table.names
    listed = ", ".join(f'"{name}"' for name in names[:12]) + (", …" if len(names) > 12 else "")
    if column is None:
        if len(names) > 1:
            raise ValueError(
                f"column must be given, since the file has {len(names)}: {listed}; "
                f'take "{names[-1]}", for instance'
            )
        return 0
    if isinstance(column, int):
        if not 1 <= column <= len(names):
            raise ValueError(f"column must be from 1 to {len(names)}, got {column}; the columns are {listed}")
        return column - 1
    if names.count(column) != 1:
        what = f"stands {names.count(column)} times in" if column in names else "is not in"
        raise ValueError(f'column "{column}" {what} the file; choose one of {listed} by name or by number')
    return names.index(column)


def _value(cell: str, row: int, name: str) -> float:
    if _NUMBER.fullmatch(cell) and math.isfinite(value := float(cell)):
        return value
    where = f'row {row}, column "{name}"'
    if not cell:
        raise ValueError(f"{where} is empty; write its value or take the row out")
    if _NUMBER.fullmatch(cell):
        raise ValueError(f'{where}: "{cell}" is too large, the largest number is 1.8e308; rescale the column')
    if "," in cell and _NUMBER.fullmatch(cell.replace(",", "")):
        raise ValueError(
            f'{where}: "{cell}" has a comma in the number; write decimals with a point, as in 3.14'
        )
    raise ValueError(f'{where}: "{_short(cell)}" is not a finite number; correct it or take the row out')


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
