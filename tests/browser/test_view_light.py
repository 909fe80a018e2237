"""What a view draws itself, notes and the markers of lines, against the same figure drawn by plotly alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page
from visits import leave, settled

WIDTH, HEIGHT = 640, 420
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "cross",
    "triangle-up",
    "circle-open",
    "square-open",
    "diamond-open",
)
FONT = {"family": "Arial, sans-serif", "size": 15, "color": "#123456"}


def note(text: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    return {"text": text, "x": x, "y": y, "showarrow": False, **more}


def at(xref: str, yref: str) -> dict[str, str]:
    return {"xref": xref, "yref": yref}


NOTES = [
    *(
        note(f"{h} {v}", 0.02 + 0.48 * i, 0.1 + 0.4 * j, xanchor=h, yanchor=v, **at("paper", "paper"))
        for (i, h), (j, v) in product(
            enumerate(("left", "center", "right")), enumerate(("bottom", "middle", "top"))
        )
    ),
    note("auto low", 0.1, 0.25, **at("paper", "paper")),
    note("auto high", 0.9, 0.75, **at("paper", "paper")),
    note("in the data", 3, 0.4, xshift=12, yshift=-7, font={"size": 11, "color": "#a00"}, **at("x", "y")),
    note("of the domain", 0.5, 5, yanchor="bottom", **at("x domain", "y")),
    note("<b>x<sub>t</sub></b>   e<sup>−3</sup> &lt; 1", 8, 1.4, **at("x", "y")),
    note("two<br>lines of it", 6, 5.2, align="left", bgcolor="#eee", borderpad=4, **at("x", "y")),
    note('<span style="color:#0a0">green</span> one', 2, 4.6, opacity=0.5, **at("x", "y")),
    note("pointing", 4, 2, **at("x", "y"))
    | {"showarrow": True, "arrowhead": 0, "ax": 60, "ay": -35, "arrowwidth": 1.5, "standoff": 5},
    note("outside", 40, 2, **at("x", "y")),
]
OTHERS = [
    note("turned", 9, 4, textangle=-30),
    note('<a href="https://example.org">a link</a>', 9, 3),
    note("with a head", 9, 2.5, arrowhead=2) | {"showarrow": True},
    note("boxed", 9, 3.5, bordercolor="#000", borderwidth=2),
]


def line(k: int, symbol: str, **more: Any) -> dict[str, Any]:
    x = np.arange(12) / 1.2
    marker = {"symbol": symbol, "size": 9, "color": "#1060c0", "line": {"color": "#802000", "width": 1.5}}
    return {
        "x": x.tolist(),
        "y": (0.5 * k + 0.3 * np.sin(x)).tolist(),
        "mode": "lines+markers",
        "line": {"color": "#888", "width": 2},
        "marker": marker,
        **more,
    }


LINES = [line(k, symbol) for k, symbol in enumerate(SYMBOLS)]
LINES += [
    line(9, "circle", mode="markers"),
    line(10, "circle", marker={"symbol": "circle", "size": 7, "color": ["#c00"] * 12}),
    line(11, "diamond", x=[-3, 2, 9], y=[6.7, 6.9, 6.7], cliponaxis=False),
]
"""Whose markers the view draws."""

APART = [
    line(11, "star"),
    line(12, "circle", marker={"color": ["#c00", "#00c"] * 6}),
    line(13, "circle", y=[6.5, None, 6.5, None, *[6.5] * 8]),
    line(14, "circle", marker={"color": "#c00", "opacity": 0.5}),
    line(11, "square", x=[-0.5, 3, 10], y=[5, 7.5, -0.5], cliponaxis=False),  # over the axes' ends
    line(15, "circle", xaxis="x2"),
    line(16, "circle", x=list("abcdefghijkl"), xaxis="x3"),
]
"""Whose markers are plotly's."""


def figure(traces: list[dict[str, Any]], notes: list[dict[str, Any]]) -> dict[str, Any]:
    layout = {
        "font": FONT,
        "showlegend": False,
        "width": WIDTH,
        "height": HEIGHT,
        "margin": {"l": 60, "r": 80, "t": 40, "b": 50},
        "xaxis": {"range": [-0.5, 10]},
        "xaxis2": {"overlaying": "x", "side": "top"},  # without a range: markers make room for themselves
        "xaxis3": {"overlaying": "x", "type": "category", "range": [0, 11], "visible": False},
        "yaxis": {"range": [-0.5, 7.5]},
        "annotations": notes,
    }
    return {"data": traces, "layout": layout}


FIGURES = {
    "notes": figure([], NOTES),
    "others": figure([], OTHERS),
    "lines": figure(LINES, []),
    "apart": figure(APART, []),
}
CELL = f"""
import ipywidgets as W, json
from gradprod.view import PlotView
figures = json.loads({json.dumps(json.dumps(FIGURES))})
size = W.Layout(width="{WIDTH}px", height="{HEIGHT}px", flex="0 0 auto")
W.VBox([PlotView(made, description=name, layout=size) for name, made in figures.items()])
"""
NATIVE = """async ([name, made]) => {
  const { data, layout } = made;
  const box = Object.assign(document.createElement("div"), { id: "native-" + name });
  const at = document.querySelector(`.gradprod-plot[aria-label=${name}]`);
  box.style.cssText = `position: relative; width: ${layout.width}px; height: ${layout.height}px; flex: none`;
  at.parentElement.after(box);
  await Plotly.newPlot(box, data, layout, { displayModeBar: false });
}"""
BOXES = """box => Object.fromEntries([...box.querySelectorAll(".annotation-text")]
  .filter(n => n.checkVisibility()).map(n => [n.textContent.replace(/\\u200b/g, "").replace(/\\s+/g, " "), n])
  .map(([text, node]) => {
    const r = (node.parentElement.querySelector(":scope > .bg") ?? node).getBoundingClientRect();
    const o = box.getBoundingClientRect();
    return [text, [r.left - o.left, r.right - o.left, r.top - o.top, r.bottom - o.top]];
  }))"""


COMPARE = """async pictures => {
  const [ours, theirs] = await Promise.all(pictures.map(async picture => {
    const image = new Image();
    image.src = "data:image/png;base64," + picture;
    await image.decode();
    const paper = new OffscreenCanvas(image.width, image.height).getContext("2d");
    paper.drawImage(image, 0, 0);
    return paper.getImageData(0, 0, image.width, image.height).data;
  }));
  if (ours.length !== theirs.length) throw new Error("two sizes");
  const far = (p, q, limit) => [0, 1, 2].some(k => Math.abs(p(k) - q(k)) > limit);
  let drawn = 0, differs = 0;
  for (let i = 0; i < ours.length; i += 4) {
    drawn += far(k => theirs[i + k], () => 255, 40);
    differs += far(k => ours[i + k], k => theirs[i + k], 60);
  }
  return [drawn, differs, ours.length / 4];
}"""


@pytest.fixture(scope="module")
def stage(fresh: Callable[..., Page], voila: Callable[..., str]) -> Iterator[Page]:
    page = fresh(viewport={"width": 900, "height": 3600})
    page.goto(voila(CELL))
    page.add_style_tag(content="#starting { display: none }")
    page.wait_for_selector(".gradprod-plot[aria-label=apart] .scatterlayer", state="attached")
    settled(page)
    for name in FIGURES:
        page.evaluate(NATIVE, [name, FIGURES[name]])
    yield page
    leave(page)


def boxes(page: Page, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where each text stands, left, right, top and bottom: in the view, and as plotly draws it."""
    ours = page.locator(f".gradprod-plot[aria-label={name}]")
    return ours.evaluate(BOXES), page.locator(f"#native-{name}").evaluate(BOXES)


def test_notes_stand_where_plotly_would_write_them(stage: Page) -> None:
    view = stage.locator(".gradprod-plot[aria-label=notes]")
    assert view.locator(".annotation").count() == 0
    ours, native = boxes(stage, "notes")
    assert len(ours) == len(NOTES) - 1
    assert ours.keys() == native.keys()
    for text, box in ours.items():
        assert np.allclose(box, native[text], atol=3.5), (text, box, native[text])
        middle = [np.mean(side) for side in (box[:2], box[2:])]
        expected = [np.mean(side) for side in (native[text][:2], native[text][2:])]
        assert np.allclose(middle, expected, atol=2), (text, middle, expected)


def test_notes_follow_a_zoom_and_leave_the_picture_with_their_point(stage: Page) -> None:
    for name in (".gradprod-plot[aria-label=notes] .js-plotly-plot", "#native-notes"):
        stage.evaluate(
            """name => Plotly.relayout(document.querySelector(name),
              { "xaxis.range": [1, 5], "yaxis.range": [0, 4] })""",
            name,
        )
    ours, native = boxes(stage, "notes")
    assert "in the data" in ours
    assert not any("lines of it" in text for text in ours)
    assert ours.keys() == native.keys()
    for text, box in ours.items():
        assert np.allclose(box, native[text], atol=3.5), (text, box, native[text])


def test_an_arrow_goes_from_its_point_to_the_edge_of_its_text(stage: Page) -> None:
    def ends(path: str) -> NDArray[np.float64]:
        return np.array([point.split(",") for point in path[1:].split("L")], dtype=float)

    drawn = stage.locator(".gradprod-plot[aria-label=notes] .svg-container > div svg > path")
    assert drawn.count() == 1
    head, tail = ends(drawn.get_attribute("d") or "")
    native_tail, native_head = ends(
        stage.locator("#native-notes .annotation-arrow-g path").first.get_attribute("d") or ""
    )
    away = (native_tail - native_head) / np.linalg.norm(native_tail - native_head)
    assert np.allclose(head, native_head + 5 * away, atol=0.6)  # plotly keeps the distance by a dash
    assert np.allclose(tail, native_tail, atol=2)


def test_what_is_rarer_is_left_to_plotly(stage: Page) -> None:
    assert stage.locator(".gradprod-plot[aria-label=others] .annotation").count() == len(OTHERS)
    apart = stage.locator(".gradprod-plot[aria-label=apart] .scatterlayer .trace")
    assert [apart.nth(k).locator(".points path").count() for k in range(len(APART))] == [
        12,
        12,
        10,
        12,
        3,
        12,
        12,
    ]
    assert not any("marker" in (style or "") for style in map(style_of, apart.locator(".js-line").all()))


def style_of(element: Any) -> str | None:
    style: str | None = element.get_attribute("style")
    return style


def test_markers_along_a_line_look_like_plotlys(stage: Page) -> None:
    view = stage.locator(".gradprod-plot[aria-label=lines]")
    assert view.locator(".points path").count() == 0
    native = stage.locator("#native-lines")
    assert native.locator(".points path").count() == sum(len(made["x"]) for made in LINES)

    pictures = [base64.b64encode(element.screenshot()).decode() for element in (view, native)]
    drawn, differs, size = stage.evaluate(COMPARE, pictures)
    assert drawn > 0.02 * size
    assert differs < 0.01 * drawn


def test_a_saved_picture_is_plotlys_own(stage: Page) -> None:
    export = """async name => {
      const views = [...globalThis[Symbol.for('gradprod')].views.values()];
      const view = views.find(v => v.root.getAttribute('aria-label') === name);
      return decodeURIComponent((await view.export('svg')).split(',').slice(1).join(','));
    }"""
    ours, _native = boxes(stage, "notes")
    assert stage.evaluate(export, "notes").count('class="annotation-text"') == len(ours)
    assert stage.evaluate(export, "lines").count('class="point"') == sum(len(made["x"]) for made in LINES)
