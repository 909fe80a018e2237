"""Input sequences X_1 … X_T by name, and the bundled sunspot series."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from gradprod.inputs.csv_file import read_csv
from gradprod.inputs.series import Series

MAX_LENGTH = 100_000
"""Longest sequence that `make_input` makes."""

SUNSPOTS: Series = read_csv(
    files("gradprod.inputs").joinpath("data/sunspots.csv").read_bytes(), column="sunspot_number"
)
"""Yearly mean sunspot numbers 1700–2008: 309 raw values, public domain, National Geophysical Data Center."""

_BY_FORMULA: dict[str, Callable[[NDArray[np.float64], float, int], NDArray[np.float64]]] = {
    "zero": lambda t, period, at: np.zeros_like(t),
    "constant": lambda t, period, at: np.ones_like(t),
    "impulse": lambda t, period, at: (t == at).astype(float),
    "step": lambda t, period, at: (t >= at).astype(float),
    # π isn't a float: without the zeros sin(π) would be 1.2·10⁻¹⁶
    "sine": lambda t, period, at: np.where(2 * t % period == 0, 0.0, np.sin(2 * np.pi * t / period)),
}

INPUT_KINDS: tuple[str, ...] = (*_BY_FORMULA, "noise", "sunspots")
"""The names that `make_input` takes."""


def make_input(
    kind: str | Series,
    length: int,
    *,
    size: float = 1.0,
    period: float | None = None,
    at: int | None = None,
    seed: int | Sequence[int] = 7,
) -> NDArray[np.float64]:
    """Input sequence X_1 … X_T of one kind.

    ==============  ==============================================================
    ``"zero"``      0
    ``"constant"``  1
    ``"impulse"``   1 at step ``at``, else 0
    ``"step"``      0 before step ``at``, 1 from it on
    ``"sine"``      sin(2πt / period), t = 1 … T
    ``"noise"``     independent standard normal numbers
    ``"sunspots"``  the yearly sunspot numbers from 1700 on, raw
    a `Series`      its first T values; ``standardise(SUNSPOTS)`` for the scaled ones
    ==============  ==============================================================

    Parameters
    ----------
    kind : str or Series
        One of `INPUT_KINDS`, or a series.
    length : int
        T, from 1 to `max_length` of the kind.
    size : float
        Multiplies the sequence.
    period : float, optional
        Steps in one wave of the sine, 20 by default; for no other kind.
    at : int, optional
        Step, counted from 1, of the impulse (default 1) or the step (default T // 2 + 1); for no other kind.
    seed : int or sequence of int
        Seed of the noise; n seeds give n sequences. A longer sequence begins with the shorter one.

    Returns
    -------
    ndarray, shape (T,) or (n, T)
        One row for each seed where a sequence of seeds was given.

    Raises
    ------
    ValueError
        If an argument is out of range, or for another kind; if a series is shorter than ``length``, since it
        is not repeated.
    """
    length = _integer("length", length, 1, max_length(kind), _why_no_longer(kind))
    for name, given, kinds in (("period", period, ("sine",)), ("at", at, ("impulse", "step"))):
        if given is not None and kind not in kinds:
            called = f'"{kind.name}"' if isinstance(kind, Series) else repr(kind)
            raise ValueError(
                f"{name} must be left out for {called}, got {given!r}; it is for {' and '.join(kinds)}"
            )
    period = 20.0 if period is None else period
    for name, value in (("size", size), ("period", period)):
        if not np.isfinite(value):
            raise ValueError(f"{name} must be a finite number, got {value}; give a number such as 1.5")
    if period <= 0:
        raise ValueError(f"period must be above 0 steps, got {period:g}; 20 gives one wave in 20 steps")
    if isinstance(kind, Series):
        return size * kind.values[:length]
    if kind == "sunspots":
        return size * SUNSPOTS.values[:length]
    if kind == "noise":
        return size * _noise(seed, length)
    if at is None:
        at = length // 2 + 1 if kind == "step" else 1
    at = _integer("at", at, 1, length, "the sequence ends there")
    return size * _BY_FORMULA[kind](np.arange(1.0, length + 1), period, at)


def max_length(kind: str | Series, /) -> int:
    """Number of steps that an input can give: the values in a series, else `MAX_LENGTH`.

    Parameters
    ----------
    kind : str or Series
        One of `INPUT_KINDS`, or a series.

    Returns
    -------
    int
        The largest ``length`` that `make_input` takes for it.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    if isinstance(kind, Series):
        return len(kind.values)
    if kind not in INPUT_KINDS:
        raise ValueError(
            f"kind must be one of {', '.join(INPUT_KINDS)} or a Series, got {kind!r}; choose one"
        )
    return len(SUNSPOTS.values) if kind == "sunspots" else MAX_LENGTH


def _why_no_longer(kind: str | Series) -> str:
    series = SUNSPOTS if kind == "sunspots" else kind
    if isinstance(series, Series):
        return f'"{series.name}" has {len(series.values)} values: shorten the run or choose another input'
    return "shorten the run"


def _integer(name: str, value: int, low: int, high: int, why_no_more: str) -> int:
    try:
        integer = operator.index(value)
    except TypeError:
        integer = low - 1
    if isinstance(value, bool | np.bool_) or not low <= integer <= high:
        next_step = why_no_more if integer > high else f"steps are counted from {low}"
        raise ValueError(f"{name} must be an integer from {low} to {high}, got {value!r}; {next_step}")
    return integer


def _noise(seed: int | Sequence[int], length: int) -> NDArray[np.float64]:
    seeds = np.asarray(seed)
    if seeds.dtype.kind not in "iu" or seeds.ndim > 1 or seeds.size == 0 or seeds.min() < 0:
        raise ValueError(f"seed must be an integer of 0 or more, or several, got {seed!r}; 7 is the default")
    rows = [np.random.default_rng(s).standard_normal(length) for s in seeds.ravel().tolist()]
    return np.stack(rows).reshape(*seeds.shape, length)
