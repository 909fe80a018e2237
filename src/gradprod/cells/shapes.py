"""Checks that numbers are finite and shapes fit, and the sentences for when they don't."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gradprod.activations import FloatArray


def as_numbers(name: str, value: Any) -> FloatArray:
    """``value`` as a float64 array, which may hold NaN and infinity.

    Raises
    ------
    ValueError
        If it isn't numeric.
    """
    try:
        if value is None:  # for numpy a NaN
            raise TypeError
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers, got {value!r}; give an array of them") from None


def above_zero(name: str, value: Any, next_step: str) -> float:
    """``value`` as a float, finite and above 0.

    Raises
    ------
    ValueError
        If it is anything else, with what to do next.
    """
    try:
        number = math.nan if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        got = repr(value) if isinstance(value, str | bytes) else value
        raise ValueError(f"{name} must be finite and above 0, got {got}; {next_step}")
    return number


def as_floats(name: str, value: Any) -> FloatArray:
    """``value`` as a new float64 array, all of it finite.

    Raises
    ------
    ValueError
        If it isn't numeric, or holds NaN or infinity, naming where.
    """
    array = np.array(as_numbers(name, value))
    wrong = ~np.isfinite(array)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        at = f" at index {where if len(where) > 1 else where[0]}" if where else ""
        raise ValueError(f"{name} must be finite, got {array[where]}{at}; replace or leave out such values")
    return array


def fitted(owner: str, values: Mapping[str, FloatArray], axes: Mapping[str, str]) -> dict[str, FloatArray]:
    """Arrays whose trailing axes agree.

    Parameters
    ----------
    owner : str
        What the arrays belong to.
    values : mapping of ndarray
        The arrays.
    axes : mapping of str
        The trailing axes of each, a letter for each length: "nn", "nm", "n" or "". An array of full rank
        sets a letter's length for all that come after it. A single number stands for a vector of it, 0 also
        for a matrix.

    Raises
    ------
    ValueError
        If they don't agree, naming both arrays and both shapes.
    """
    first: dict[str, tuple[int, str]] = {}  # a letter's length, and the array that sets it
    for name, array in values.items():
        for letter, length in zip(axes[name], trailing(array, axes[name]), strict=False):
            first.setdefault(letter, (length, name))
    if "n" in "".join(axes.values()) and "n" not in first:
        raise ValueError(
            f"{owner} must be given a weight matrix or a bias vector: they say how many units it has"
        )
    first.setdefault("m", (1, ""))
    fitting = {}
    for name, array in values.items():
        wanted = tuple(first[letter][0] for letter in axes[name])
        if array.ndim == 0 and (len(wanted) == 1 or array == 0):
            array = np.full(wanted, array)
        got = trailing(array, axes[name])
        if got != wanted:
            others = [
                first[letter][1] for letter, g, w in zip(axes[name], got, wanted, strict=False) if g != w
            ]
            other = others[0] if others else first["n"][1]
            fit = f" to fit {other} of shape {values[other].shape}" if other != name else ""
            raise ValueError(
                f"{name} must have shape (..., {', '.join(map(str, wanted))}){fit}, got {array.shape}"
            )
        fitting[name] = array
    return fitting


def trailing(array: FloatArray, axes: str) -> tuple[int, ...]:
    """The lengths of an array's trailing axes; () if it has fewer than those."""
    return array.shape[array.ndim - len(axes) :] if array.ndim >= len(axes) else ()


def joint_leading(shapes: Mapping[str, tuple[int, ...]]) -> tuple[int, ...]:
    """What named leading shapes broadcast to.

    Raises
    ------
    ValueError
        If two don't broadcast, naming both arrays and both shapes.
    """
    seen: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        for other, before in seen.items():
            try:
                np.broadcast_shapes(before, shape)
            except ValueError:
                raise ValueError(
                    f"{name} with leading axes {shape} does not broadcast with {other} with leading axes "
                    f"{before}; give each an axis of its own, of length 1 in the other"
                ) from None
        if shape:
            seen[name] = shape
    return np.broadcast_shapes(*seen.values())
