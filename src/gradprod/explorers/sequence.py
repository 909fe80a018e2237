"""What every lesson that runs on an input shares: its length, the input, a reader's own CSV file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.analysis.spread import spread
from gradprod.explorers.controls import SHARED, BadValue, Choice, Length, Switch, Whole, show
from gradprod.explorers.model import Explorer, cached
from gradprod.i18n import gettext as _
from gradprod.inputs import MAX_BYTES, SUNSPOTS, Series, csv_columns, make_input, read_csv, standardise
from gradprod.words import grouped

SEEDS = 25
"""Seeds in a band."""

INPUTS = {
    "zero": "zero",
    "constant": "constant 1",
    "impulse": "impulse at step 1",
    "step": "step half-way",
    "sine": "sine",
    "noise": "noise",
    "sunspots": "sunspots 1700–2008",
    "csv": "your own CSV …",
}


class InputChoice(Choice):
    """The input X_1 … X_T: by formula, the sunspot numbers, or an uploaded file."""

    kind = "input"

    def __init__(self, default: str = "sine", **place: Any) -> None:
        super().__init__("", "Input", default, INPUTS, **{"group": SHARED, "key": "input", **place})

    def spec(self) -> dict[str, Any]:
        too_large = _(
            "✗ The file has {size} MB, and at most {most} MB are read.",
            size="{size}",
            most=MAX_BYTES // 10**6,
        )
        return {
            **super().spec(),
            "most": MAX_BYTES,
            "too_large": too_large,
            "upload": _("Upload a CSV file"),
            "column": _("Column"),
            "limits": _("UTF-8 text, up to 5 MB and 100 000 rows; numbers with a decimal point."),
        }


def import_order(name: str) -> tuple[bool, bool, str]:
    """Constants, classes, functions, as formatters sort them."""
    return not name.isupper(), name.islower(), name


class SequenceExplorer(Explorer):
    """A lesson that runs on an input of length T, kept when the reader moves between lessons.

    Attributes
    ----------
    series : Series or None
        The reader's own series, once a file was read.
    file : tuple of (str, tuple of str) or None
        Its name and its columns.

    Parameters
    ----------
    file : path, optional
        A CSV file to run on, not standardised unless that is set.
    column : str, optional
        Its column; the last one where none is named.
    **settings
        Controls by name.
    """

    sequence_length = Length()
    input = InputChoice()
    period = Whole(
        "",
        "period",
        20,
        key="period",
        low=2,
        high=1000,
        slider=False,
        group=SHARED,
        when=lambda m: m.input == "sine",
    )
    seed = Whole(
        "",
        "seed",
        7,
        key="seed",
        low=0,
        high=9999,
        slider=False,
        group=SHARED,
        when=lambda m: m.input == "noise",
    )
    standardised = Switch(
        "",
        "standardised to mean 0, deviation 1",
        True,
        key="std",
        group=SHARED,
        when=lambda m: m.input in ("sunspots", "csv"),
    )

    def __init__(self, *, file: str | Path | None = None, column: str | None = None, **settings: Any) -> None:
        self.series: Series | None = None
        self.file: tuple[str, tuple[str, ...]] | None = None
        self._data = b""
        if file is None:
            super().__init__(**settings)
            return
        super().__init__()
        self.upload(Path(file).read_bytes(), Path(file).name, column)
        self.set(**settings)

    @cached("sequence_length", "input", "period", "seed", "standardised")
    def inputs(self) -> NDArray[np.float64]:
        """The input X_1 … X_T."""
        source = self._source(self.input, self.standardised)
        period = self.period if source == "sine" else None
        return make_input(source, self.sequence_length, period=period, seed=self.seed)

    @cached("sequence_length", "seed")
    def inputs_of_seeds(self) -> NDArray[np.float64]:
        """The noise of `SEEDS` seeds from the chosen one on, shape (SEEDS, T)."""
        return make_input("noise", self.sequence_length, seed=range(self.seed, self.seed + SEEDS))

    def of_seeds(self, numbers: ArrayLike, say: Callable[[float], str]) -> str:
        """A number of each of the seeds, in words: its median, 10th and 90th percentile."""
        found = spread(numbers)
        low, median, high = (
            say(float(v)).replace(" ", "\u00a0") for v in (found.low, found.median, found.high)
        )
        seeds = {"a": grouped(self.seed), "b": grouped(self.seed + SEEDS - 1)}
        return _("seeds {a} to {b}: {m} ({low} … {high})", **seeds, m=median, low=low, high=high)

    def inputs_code(self) -> str:
        """The library call that makes the input; `code` imports what it needs."""
        T = self.sequence_length
        if self.input == "csv":
            name = repr(self.file[0] if self.file else "")
            column = f", column={self.series.name!r}" if self.series else ""
            source = f"read_csv({name}{column})"
        else:
            source = "SUNSPOTS" if self.input == "sunspots" and self.standardised else repr(self.input)
        if self.standardised and self.input in ("sunspots", "csv"):
            source = f"standardise({source})"
        extra = {"sine": f", period={self.period}", "noise": f", seed={self.seed}"}.get(self.input, "")
        return f"make_input({source}, {T}{extra})"

    def code(self) -> str:
        text = super().code()
        call = self.inputs_code()
        needed = [name for name in ("SUNSPOTS", "read_csv", "standardise") if f"{name}" in call]
        return re.sub(
            r"(?<=^from gradprod import )(.*\bmake_input\b.*)$",
            lambda found: ", ".join(sorted({*found[1].split(", "), *needed}, key=import_order)),
            text,
            count=1,
            flags=re.MULTILINE,
        )

    def __repr__(self) -> str:
        if self.input != "csv" or self.file is None or self.series is None:
            return super().__repr__()
        start = self.defaults() | {"input": "csv", "standardised": False}
        given = {"file": self.file[0], "column": self.series.name}
        given |= {name: v for name, v in self.settings().items() if v != start[name]}
        return f"{type(self).__name__}({', '.join(f'{name}={v!r}' for name, v in given.items())})"

    def _source(self, kind: str, scaled: bool) -> str | Series:
        series = {"sunspots": SUNSPOTS, "csv": self.series}.get(kind)
        if series is None:
            return kind
        return standardise(series) if scaled else series

    def settle(self, new: dict[str, Any], asked: frozenset[str]) -> dict[str, str]:
        if new["input"] == "csv" and self.series is None:
            raise BadValue("input", _("is a file of the reader’s own, which has to be uploaded first"))
        series = {"sunspots": SUNSPOTS, "csv": self.series}.get(new["input"])
        if series is None:
            return {}
        if new["standardised"] and series is self.series:
            try:
                standardise(series)
            except ValueError as error:
                raise BadValue("standardised", f"– {error}") from None
        most = len(series.values)
        if new["sequence_length"] <= most:
            return {}
        if "sequence_length" in asked and new["sequence_length"] != self.sequence_length:
            rest = _(
                "must be a whole number from 1 to {most} with this input, got {value}; "
                "“{name}” has no more values",
                most=show(most),
                value=show(new["sequence_length"]),
                name=series.name,
            )
            raise BadValue("sequence_length", rest)
        new["sequence_length"] = most
        if most == 1:
            return {"sequence_length": _("The series has one value; the length was set to 1.")}
        return {"sequence_length": _("The series has {n} values; the length was set to {n}.", n=show(most))}

    def upload(self, data: bytes, name: str, column: str | None = None) -> None:
        """Read a CSV file and run on it, not standardised.

        Parameters
        ----------
        data : bytes
            The file.
        name : str
            Its name.
        column : str, optional
            Which column; the last one where none is named.

        Raises
        ------
        ValueError
            If the file can't be read, with the row and the value. The input stays what it was.
        """
        columns = csv_columns(data)
        series = read_csv(data, columns[-1] if column is None else column)
        before = self.series, self.file, self._data
        self.series, self.file, self._data = series, (name, columns), data
        self.data_version += 1
        try:
            self.set(input="csv", standardised=False)
        except BadValue:
            self.series, self.file, self._data = before
            raise

    def use_column(self, column: str) -> None:
        """Run on another column of the uploaded file."""
        if self.file is not None:
            self.upload(self._data, self.file[0], column)

    def carry(self, other: Explorer) -> None:
        if isinstance(other, SequenceExplorer):
            self.series, self.file, self._data = other.series, other.file, other._data
            self.data_version += 1
        super().carry(other)
