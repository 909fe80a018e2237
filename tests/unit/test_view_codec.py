"""How figures travel: every array arrives as precisely as a reader could tell, and nothing is sent twice."""

from __future__ import annotations

import copy
import datetime
import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gradprod.view.codec import Missing, Packed, Wire, diff, pack, plain

TYPES = {"i1": "b", "u1": "B", "i2": "<h", "u2": "<H", "i4": "<i", "u4": "<I", "f4": "<f", "f8": "<d"}


def unpack(packed: Packed) -> np.ndarray[Any, Any]:
    """The array as a page reads it."""
    size = {"1": 1, "2": 2, "4": 4, "8": 8}[packed.dtype[1]]
    view = memoryview(packed.data).cast("B")
    assert len(view) == size * int(np.prod(packed.shape))
    flat = np.frombuffer(view, dtype=np.dtype(TYPES[packed.dtype]))
    return flat.reshape(packed.shape)


@given(arrays(np.float64, st.integers(17, 60), elements=st.floats(allow_subnormal=True, width=64)))
def test_no_number_moves_by_more_than_can_be_seen(values: np.ndarray[Any, Any]) -> None:
    seen = unpack(pack(values)).astype(np.float64)
    finite = np.isfinite(values)
    np.testing.assert_array_equal(seen[~finite], values[~finite])
    error = np.abs(seen[finite] - values[finite])
    assert (error <= 1e-6 * np.abs(values[finite])).all()
    if finite.any() and len(set(values[finite])) > 1:
        with np.errstate(over="ignore"):
            assert (error <= 1e-6 * (values[finite].max() - values[finite].min())).all()


@given(arrays(np.float64, st.integers(17, 40), elements=st.floats(width=64)))
def test_numbers_that_may_be_printed_stay_exact(values: np.ndarray[Any, Any]) -> None:
    packed = pack({"customdata": values, "marker": {"text": values}})
    np.testing.assert_array_equal(unpack(packed["customdata"]).astype(np.float64), values)
    np.testing.assert_array_equal(unpack(packed["marker"]["text"]).astype(np.float64), values)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.arange(20), "u1"),
        (np.arange(20.0), "u1"),
        (np.arange(-1, 20), "i1"),
        (np.arange(300), "u2"),
        (np.arange(300) - 30_000, "i2"),
        (np.arange(20) + 2**31, "u4"),
        (np.arange(20) - 2**31, "i4"),
        (np.arange(20) + 2**40, "f8"),
        (np.linspace(0, 1, 20), "f4"),
        (np.full(20, 0.1), "f4"),
        (1e6 + np.linspace(0, 1, 20), "f8"),  # float32 would show a staircase
        (10.0 ** -np.arange(0, 100, 5), "f8"),  # float32 would show zero where a log axis shows a line
        (np.array([0.5, np.nan] * 10), "f4"),
        (np.full(20, np.nan), "f4"),
        (np.linspace(0, 1, 20, dtype=np.float16), "f4"),
    ],
)
def test_smallest_type_that_will_do(values: np.ndarray[Any, Any], dtype: str) -> None:
    packed = pack(values)
    assert packed.dtype == dtype
    np.testing.assert_allclose(unpack(packed).astype(float), values.astype(float), rtol=1e-6)


def test_memory_order_and_byte_order_do_not_matter() -> None:
    z = np.linspace(0, 1, 60).reshape(6, 10)
    for other in (np.asfortranarray(z), z.astype(">f8"), z[::-1][::-1]):
        np.testing.assert_array_equal(unpack(pack(other)), unpack(pack(z)))
    assert pack(z).shape == (6, 10)


def test_everything_else_is_plain_json() -> None:
    value = {
        "few": np.array([0.1, np.nan, np.inf]),
        "number": np.float64(0.1),
        "whole": np.int64(3),
        "flag": np.bool_(True),
        "nan": float("nan"),
        "names": np.array(["a", "b"]),
        "mixed": np.array([1, None, "c"], dtype=object),
        "when": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        "day": datetime.date(2020, 1, 3),
        "flags": np.array([True, False] * 20),
        "pair": (1, 2),
        3: None,
    }
    assert pack(value) == {
        "few": [0.1, None, None],
        "number": 0.1,
        "whole": 3,
        "flag": True,
        "nan": None,
        "names": ["a", "b"],
        "mixed": [1, None, "c"],
        "when": ["2020-01-01T00:00:00.000", "2020-01-02T00:00:00.000"],
        "day": "2020-01-03",
        "flags": [True, False] * 20,
        "pair": [1, 2],
        "3": None,
    }
    json.dumps(pack(value), allow_nan=False)


def test_long_lists_of_numbers_are_arrays() -> None:
    packed = pack(
        {"y": [0.5, None, 2] * 10, "z": [[i, 0.5] for i in range(20)], "text": ["1"] * 20, "b": [True] * 20}
    )
    np.testing.assert_array_equal(unpack(packed["y"]), np.float32([0.5, np.nan, 2] * 10))
    np.testing.assert_array_equal(unpack(packed["z"]), np.float32([[i, 0.5] for i in range(20)]))
    assert packed["text"] == ["1"] * 20
    assert packed["b"] == [True] * 20
    assert pack([[1, 2]] * 20 + [[1]]) == [[1, 2]] * 20 + [[1]]
    assert pack([10**30] * 20).dtype == "f4"


def test_takes_what_plotly_makes() -> None:
    y, z = np.linspace(0, 1, 50), np.linspace(-1, 1, 60).reshape(6, 10)
    figure = go.Figure([go.Scatter(y=y, name="s"), go.Heatmap(z=z)], layout={"title": {"text": "T"}})
    packed = pack(figure)
    np.testing.assert_allclose(unpack(packed["data"][0]["y"]), y, rtol=1e-6)
    np.testing.assert_allclose(unpack(packed["data"][1]["z"]), z, rtol=1e-6)
    assert packed["data"][0]["name"] == "s"
    assert packed["layout"]["title"]["text"] == "T"
    assert pack({"data": [go.Bar(x=["a"], y=[1])]})["data"] == [{"type": "bar", "x": ["a"], "y": [1]}]


def test_plotly_takes_the_plain_form() -> None:
    z = np.arange(60).reshape(6, 10)
    tree = pack(
        {"data": [{"type": "heatmap", "z": z}, {"type": "scatter", "y": np.linspace(0, 1, 50)}], "layout": {}}
    )
    json.dumps(plain(tree))
    figure = go.Figure(plain(tree)).to_dict()
    assert figure["data"][0]["z"] == {
        "dtype": "u1",
        "bdata": plain(tree)["data"][0]["z"]["bdata"],
        "shape": "6, 10",
    }
    np.testing.assert_array_equal(unpack(pack(figure)["data"][0]["z"]), z)


def apply(tree: Any, changes: list[tuple[tuple[str | int, ...], Any]]) -> Any:
    """What a page makes of the changes."""
    tree = copy.deepcopy(tree)
    for path, value in changes:
        if not path:
            tree = value
            continue
        *way, last = path
        place = tree
        for key in way:
            place = place[key]
        if isinstance(value, Missing):
            del place[last]
        elif last == "length":
            del place[value:]
        elif isinstance(place, list) and last == len(place):
            place.append(value)
        else:
            place[last] = value
    return tree


leaves = (
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2) | st.just(np.arange(20.0) / 7)
)
trees = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
        ),
        max_leaves=12,
    ),
)


@given(trees, trees)
def test_changes_make_the_new_of_the_old(old: Any, new: Any) -> None:
    old, new = pack(old), pack(new)
    assert apply(old, list(diff(old, new))) == new
    assert list(diff(new, new)) == []
    assert list(diff(new, copy.deepcopy(new))) == []


@pytest.mark.parametrize(("old", "new"), [(1, True), (True, 1), (0, False), ([0], [False]), (1, None)])
def test_true_is_not_one(old: Any, new: Any) -> None:
    assert list(diff({"a": old}, {"a": new})) == [(("a",), new)]


def test_only_what_changed() -> None:
    def figure(k: float, label: str, extra: int) -> Any:
        x = np.arange(100.0)
        return pack(
            {
                "data": [
                    {"x": x, "y": np.sin(x * k), "line": {"color": "red"}},
                    *({"y": [i]} for i in range(extra)),
                ],
                "layout": {
                    "annotations": [{"text": "fixed"}, {"text": label, "x": 1}],
                    "xaxis": {"range": [0, k]},
                },
            }
        )

    changes = dict(diff(figure(1, "one", 1), figure(2, "two", 2)))
    assert set(changes) == {
        ("data", 0, "y"),
        ("data", 2),
        ("layout", "annotations", 1, "text"),
        ("layout", "xaxis", "range"),
    }
    assert list(diff(figure(1, "one", 2), figure(1, "one", 0))) == [(("data", "length"), 1)]


def test_an_array_changed_in_place_is_noticed() -> None:
    y = np.linspace(0, 1, 30)
    old = pack({"y": y})
    y[3] = 7
    [(path, value)] = diff(old, pack({"y": y}))
    assert path == ("y",)
    assert unpack(value)[3] == 7


def test_equal_arrays_travel_once() -> None:
    x = np.linspace(0, 1, 50)
    wire = Wire()
    tree = wire.put(pack({"data": [{"x": x, "y": x**2}, {"x": x.copy(), "y": x**3}]}))
    assert tree == {"data": [{"x": {"$": 0}, "y": {"$": 1}}, {"x": {"$": 0}, "y": {"$": 2}}]}
    assert wire.arrays == [["f4", [50]]] * 3
    assert [len(buffer) for buffer in wire.buffers] == [200] * 3


def test_changes_on_the_wire() -> None:
    wire = Wire()
    old, new = pack({"a": 1, "y": [1]}), pack({"y": np.linspace(0, 1, 17)})
    assert wire.changes(diff(old, new)) == [[["a"]], [["y"], {"$": 0}]]
    json.dumps([wire.changes(diff(old, new)), wire.arrays])
