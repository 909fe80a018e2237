"""PlotView in the kernel: what it sends, and what it makes of what comes back."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.view import PlotView, Point, plotly_js
from gradprod.view.pacer import FRAMES

X = np.arange(40.0)


class Watched(PlotView):
    """Keeps what it would send."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.messages: list[tuple[dict[str, Any], list[bytes]]] = []
        super().__init__(*args, **kwargs)

    def send(self, content: Any, buffers: Any = None) -> None:
        json.dumps(content, allow_nan=False)
        self.messages.append((content, buffers or []))

    def receive(self, **message: Any) -> None:
        """As if the page had sent it."""
        self._handle_custom_msg(message, [])


def line(k: float = 1.0, **layout: Any) -> dict[str, Any]:
    return {"data": [{"x": X, "y": np.sin(X / 7 * k), "customdata": X / 3}], "layout": layout}


def test_first_state_is_binary() -> None:
    view = PlotView(line(), description="A sine")
    state = view.get_state()["_state"]
    assert state["description"] == "A sine"
    assert state["n"] == 0
    assert state["plotly"] == plotly_js.version()
    assert state["id"] == view.model_id
    assert state["figure"]["data"] == [{"x": {"$": 0}, "y": {"$": 1}, "customdata": {"$": 2}}]
    assert state["arrays"] == [["u1", [40]], ["f4", [40]], ["f8", [40]]]
    np.testing.assert_array_equal(np.frombuffer(state["buffers"][1], "<f4"), np.float32(np.sin(X / 7)))
    json.dumps({k: v for k, v in state.items() if k != "buffers"}, allow_nan=False)


def test_sends_only_what_changed() -> None:
    view = Watched(line(), description="A sine")
    view.show(line(2))
    [(message, buffers)] = view.messages
    assert message == {"n": 1, "set": [[["data", 0, "y"], {"$": 0}]], "arrays": [["f4", [40]]]}
    np.testing.assert_array_equal(np.frombuffer(buffers[0], "<f4"), np.float32(np.sin(X / 7 * 2)))
    view.show(line(2), "A sine")
    assert len(view.messages) == 1


def test_figure_and_description_travel_together() -> None:
    view = Watched(line(), description="one")
    view.show(line(1, height=300), "two")
    view.description = "three"
    assert [message for message, _ in view.messages] == [
        {"n": 1, "set": [[["layout", "height"], 300]], "arrays": [], "description": "two"},
        {"n": 2, "set": [], "arrays": [], "description": "three"},
    ]


def test_only_what_is_awaited_holds_up_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    under_way: list[str] = []
    monkeypatch.setattr(FRAMES, "sent", lambda view, number: under_way.append(view))
    main, other = Watched(line()), Watched(line())
    main.show(line(2), "two")
    other.show(line(2), "two", awaited=False)
    assert under_way == [main.model_id]
    assert "awaited" not in main.messages[0][0]
    assert other.messages[0][0]["awaited"] is False


def test_a_page_that_comes_late_gets_the_newest_state() -> None:
    view = Watched(line(), description="one")
    view.show(line(3), "two")
    state = view.get_state()["_state"]
    assert (state["n"], state["description"]) == (1, "two")
    np.testing.assert_array_equal(np.frombuffer(state["buffers"][1], "<f4"), np.float32(np.sin(X / 7 * 3)))


def test_a_page_that_missed_something_gets_everything() -> None:
    view = Watched(line())
    view.show(line(2))
    view.receive(want="figure")
    message, buffers = view.messages[-1]
    assert message["n"] == 1
    assert len(message["figure"]["data"]) == 1
    assert [len(buffer) for buffer in buffers] == [40, 160, 320]


def test_hands_out_plotly_where_no_server_does() -> None:
    view = Watched()
    view.receive(want="plotly")
    [(message, [packed])] = view.messages
    assert message == {"plotly": plotly_js.version()}
    assert gzip.decompress(packed) == plotly_js.script()


def test_takes_any_figure() -> None:
    view = Watched()
    view.show(go.Figure(go.Bar(x=["a", "b"], y=[1, 2])))
    [(message, _)] = view.messages
    assert [["data", 0], {"type": "bar", "x": ["a", "b"], "y": [1, 2]}] in message["set"]
    view.show({"data": [go.Bar(y=[1])]})
    view.show({})
    assert view.messages[-1][0]["set"][0] == [["data", "length"], 0]


@pytest.mark.parametrize(
    ("figure", "sentence"),
    [
        (
            [1, 2],
            "figure must be a plotly.graph_objects.Figure or a dict with its data and layout, got list; ",
        ),
        ({"data": {"y": [1]}}, "figure['data'] must be a list, got dict; "),
        ({"layout": 3}, "figure['layout'] must be a dict, got int; "),
        ({"config": []}, "figure['config'] must be a dict, got list; "),
    ],
)
def test_what_is_no_figure_is_refused_and_the_last_stays(figure: Any, sentence: str) -> None:
    with pytest.raises(TypeError) as error:
        PlotView(figure)
    assert str(error.value).startswith(sentence)
    view = Watched(line())
    with pytest.raises(TypeError):
        view.show(figure)
    assert view.messages == []
    view.receive(click={"curve": 0, "index": 3, "x": 0, "y": 0})


@pytest.mark.parametrize("make", [dict, go.Figure], ids=["dict", "Figure"])
def test_points_come_back_exactly(make: Callable[[Any], Any]) -> None:
    z = np.linspace(0, 1, 60).reshape(6, 10)
    x, y = np.linspace(0, 1, 10), np.linspace(-1, 0, 6)
    view = Watched(
        make({"data": [{"type": "heatmap", "x": x, "y": y, "z": z}, {"type": "scatter", "y": z[0]}]})
    )
    points: list[Point] = []
    view.on_click(points.append)
    rounded = {"x": 0.3, "y": -0.2, "z": 0.5}
    view.receive(click={"curve": 0, "index": [4, 3], **rounded})
    view.receive(click={"curve": 1, "index": 7, "x": 7, "y": 0.1})
    view.receive(click={"curve": 5, "index": 7, "x": 7, "y": 0.1})  # of a figure that is gone by now
    assert points == [
        Point(curve=0, index=(4, 3), x=x[3], y=y[4], z=z[4, 3]),
        Point(curve=1, index=7, x=7, y=z[0, 7]),
        Point(curve=5, index=7, x=7, y=0.1),
    ]
    assert type(points[0].z) is float
    view.show({})
    view.receive(click={"curve": 0, "x": 1, "y": 2})
    assert points[-1] == Point(curve=0, index=None, x=1, y=2)


def test_hover_is_asked_for_only_when_wanted() -> None:
    view = Watched(line())
    assert view.get_state()["_state"]["hover"] is False
    points: list[Point | None] = []
    view.on_hover(points.append)
    assert view.messages == [({"n": 1, "set": [], "arrays": [], "hover": True}, [])]
    view.set_state({"_hover": {"curve": 0, "index": 2, "x": 2, "y": 0.28}})
    view.set_state({"_hover": None})
    assert points == [Point(curve=0, index=2, x=2.0, y=np.sin(2 / 7)), None]


def test_size_comes_from_the_page() -> None:
    view = PlotView(line())
    assert view.size == (0, 0)
    view.set_state({"size": [640, 300]})
    assert view.size == (640, 300)


def test_without_a_kernel_the_figure_remains() -> None:
    view = PlotView(line(1, title={"text": "T"}), description="A <sine>")
    data, _ = view._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == view.model_id
    figure = go.Figure(data["application/vnd.plotly.v1+json"])
    y = figure.data[0].y
    assert y["dtype"] == "f4"
    np.testing.assert_array_equal(
        np.frombuffer(base64.b64decode(y["bdata"]), "<f4"), np.float32(np.sin(X / 7))
    )
    assert figure.layout.title.text == "T"
    assert "A &lt;sine&gt;" in data["text/html"]
    json.dumps(data)


def test_route_needs_no_widgets() -> None:
    code = """
import sys, gradprod.view.server_extension
heavy = {"ipywidgets", "anywidget", "traitlets", "plotly", "IPython"} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_only_what_is_there_has_a_name() -> None:
    import gradprod.view

    with pytest.raises(AttributeError, match=r"module 'gradprod\.view' has no attribute 'Plot'"):
        gradprod.view.Plot  # noqa: B018
