"""Library calls as text, for the reader to copy."""

from __future__ import annotations

import dataclasses

from gradprod.cells import Cell


def cell_call(cell: Cell) -> str:
    """The expression that makes a scalar cell; what is 0 here and by default is left out."""
    lines = []
    for field in dataclasses.fields(cell):
        value = getattr(cell, field.name)
        if isinstance(value, str):
            lines.append(f"    {field.name}={value!r},\n")
        elif value != 0 or field.default != 0:
            lines.append(f"    {field.name}={float(value):.10g},\n")
    return f"{type(cell).__name__}(\n{''.join(lines)})"
