"""How a figure travels: a tree of plain values whose arrays are bytes, and what changed since the last."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SMALL = 16
"""Arrays of at most this many numbers travel as plain lists, which say as much in fewer bytes."""

RESOLUTION = 1e-6
"""float32 will do where it moves no point by more than this share of the array's span and of its value."""

INTEGERS = {t: (np.iinfo(t).min, np.iinfo(t).max) for t in ("u1", "i1", "u2", "i2", "u4", "i4")}
"""Integer types that JavaScript has arrays of, smallest first, and what they reach from and to."""

PLAIN = (str, bool, int, type(None))
"""What travels as it is; most of a figure, so that `pack` isn't called for each."""

EXACT = frozenset({"customdata", "text", "hovertext", "ids", "meta", "layout", "config"})
"""Below these keys numbers may be printed as they are, so none is rounded."""


@dataclass(frozen=True)
class Packed:
    """An array as bytes: its type ("f4", "u1", …), shape, and data, little-endian, row by row."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def array(self) -> np.ndarray[Any, Any]:
        """The array again."""
        return np.frombuffer(self.data, dtype=f"<{self.dtype}").reshape(self.shape)


@dataclass(frozen=True)
class Missing:
    """Stands in a change for "take it out"."""


Change = tuple[tuple[str | int, ...], Any]
"""Where in the tree, and what is there now."""


def pack(value: Any, exact: bool = False) -> Any:
    """Copy of ``value`` in plain Python values, its arrays of numbers as `Packed`.

    Parameters
    ----------
    value : Any
        A figure or a part of one: dicts, lists, arrays, anything with ``to_dict`` or ``__array__``.
    exact : bool
        Whether floats keep all their digits instead of those that can be seen.

    Returns
    -------
    Any
        Not-a-number is None outside of arrays: JSON has no other way to say it.
    """
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict) or isinstance(value, Mapping):  # noqa: SIM101  # the second takes far longer
        if "bdata" in value and "dtype" in value:
            return pack(_unpack_base64(value), exact)
        return {str(k): v if isinstance(v, PLAIN) else pack(v, exact or k in EXACT) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        numbers = _numbers(value) if len(value) > SMALL else None
        if numbers is not None:
            return pack(numbers, exact)
        return [v if isinstance(v, PLAIN) else pack(v, exact) for v in value]
    if hasattr(value, "to_dict") and not hasattr(value, "__array__"):
        return pack(value.to_dict(), exact)
    if hasattr(value, "to_plotly_json"):
        return pack(value.to_plotly_json(), exact)
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.ndim == 0 or array.dtype.kind == "O":
            return pack(array.tolist(), exact)
        if array.dtype.kind in "mM":
            return np.datetime_as_string(array.astype("datetime64[ms]")).tolist()
        if array.dtype.kind not in "iuf":
            return array.tolist()
        if array.size <= SMALL:
            return pack(array.tolist(), exact)
        return _packed(array, exact)
    return str(value)


def _numbers(values: list[Any] | tuple[Any, ...]) -> np.ndarray[Any, Any] | None:
    """A long list of nothing but numbers and None (a gap), or of equally long such lists, as an array."""
    rows = isinstance(values[0], (list, tuple))
    if rows and not all(isinstance(row, (list, tuple)) and len(row) == len(values[0]) for row in values):
        return None
    flat = [v for row in values for v in row] if rows else values
    if not flat or not all(v is None or type(v) in (int, float) for v in flat):
        return None
    whole = all(type(v) is int and abs(v) < 2**63 for v in flat)
    return np.array(values, dtype=np.int64 if whole else np.float64)


def _unpack_base64(spec: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """plotly's own way to write an array into JSON."""
    array = np.frombuffer(base64.b64decode(spec["bdata"]), dtype=spec["dtype"])
    shape = spec.get("shape", array.size)
    return array.reshape([int(n) for n in str(shape).split(",")])


def _packed(array: np.ndarray[Any, Any], exact: bool) -> Packed:
    dtype = _integer(array) or ("f8" if exact or not _float32_will_do(array) else "f4")
    return Packed(dtype, array.shape, np.ascontiguousarray(array, dtype=f"<{dtype}").tobytes())


def _integer(array: np.ndarray[Any, Any]) -> str | None:
    """The smallest integer type that holds every value exactly, None where none does."""
    if array.dtype.kind == "f" and not (np.isfinite(array).all() and (array == np.rint(array)).all()):
        return None
    low, high = array.min(), array.max()
    return next((t for t, (least, most) in INTEGERS.items() if least <= low and high <= most), None)


def _float32_will_do(array: np.ndarray[Any, Any]) -> bool:
    finite = array[np.isfinite(array)].astype(np.float64)
    if not finite.size:
        return True
    with np.errstate(over="ignore", under="ignore"):
        error = np.abs(finite - finite.astype(np.float32))
        span = np.ptp(finite)
    relative = bool((error <= RESOLUTION * np.abs(finite)).all())
    return relative and (span == 0 or float(error.max()) <= RESOLUTION * float(span))


def diff(old: Any, new: Any, path: tuple[str | int, ...] = ()) -> Iterator[Change]:
    """Changes that make one tree of another.

    Parameters
    ----------
    old, new : Any
        Both as `pack` makes them.
    path : tuple
        Where the two stand in the whole.

    Yields
    ------
    Change
        In the order in which to make them. Lists of dicts (traces, annotations, shapes) are compared member
        by member; when one grows shorter, a change of its ``"length"`` comes first, as JavaScript has it.
    """
    if old is new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() - new.keys():
            yield (*path, key), Missing()
        for key, value in new.items():
            if key not in old:
                yield (*path, key), value
            elif old[key] is not value:  # most are the same constant
                yield from diff(old[key], value, (*path, key))
    elif _records(old) and _records(new):
        if len(new) < len(old):
            yield (*path, "length"), len(new)
        for i, value in enumerate(new):
            if i < len(old):
                yield from diff(old[i], value, (*path, i))
            else:
                yield (*path, i), value
    elif not _same(old, new):
        yield path, new


def _same(old: Any, new: Any) -> bool:
    """Whether both mean the same in JSON, where True isn't 1."""
    if type(old) is not type(new) or old != new:
        return False
    return not isinstance(old, list) or all(map(_same, old, new))


def _records(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, dict) for v in value)


class Wire:
    """Takes the arrays out of a tree: what remains is JSON, the arrays are buffers, equal ones only once."""

    def __init__(self) -> None:
        self.arrays: list[list[Any]] = []
        self.buffers: list[bytes] = []
        self._places: dict[Packed, int] = {}

    def put(self, tree: Any) -> Any:
        """``tree`` with every array as ``{"$": place in buffers}``."""
        if isinstance(tree, Packed):
            if tree not in self._places:
                self._places[tree] = len(self.buffers)
                self.arrays.append([tree.dtype, list(tree.shape)])
                self.buffers.append(tree.data)
            return {"$": self._places[tree]}
        if isinstance(tree, dict):
            return {k: self.put(v) for k, v in tree.items()}
        if isinstance(tree, list):
            return [self.put(v) for v in tree]
        return tree

    def changes(self, changes: Iterator[Change]) -> list[list[Any]]:
        """Each change as ``[path, value]``, or ``[path]`` alone where something is taken out."""
        return [[list(p)] if isinstance(v, Missing) else [list(p), self.put(v)] for p, v in changes]


def plain(tree: Any) -> Any:
    """A packed tree as plotly's JSON, arrays in base64."""
    if isinstance(tree, Packed):
        shape = {"shape": ", ".join(map(str, tree.shape))} if len(tree.shape) > 1 else {}
        return {"dtype": tree.dtype, "bdata": base64.b64encode(tree.data).decode(), **shape}
    if isinstance(tree, dict):
        return {k: plain(v) for k, v in tree.items()}
    if isinstance(tree, list):
        return [plain(v) for v in tree]
    return tree
