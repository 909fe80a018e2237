"""A step of values is drawn like the same figure at once by plotly; what is more than values plotly draws."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

WIDTH, HEIGHT = 400, 260
X = np.linspace(0, 10, 21)
WAVE, OTHER = np.sin(X), 0.6 * np.cos(2 * X) + 0.3
Figure = dict[str, Any]


def trace(kind: str = "scatter", **more: Any) -> Figure:
    """With numbers that float32 can hold, as which they travel."""
    made = {"type": kind, "x": X, "y": WAVE} | ({"mode": "lines"} if kind == "scatter" else {}) | more
    return {k: np.float32(v).tolist() if isinstance(v, np.ndarray) else v for k, v in made.items()}


def figure(*traces: Figure, **layout: Any) -> Figure:
    base = {
        "width": WIDTH,
        "height": HEIGHT,
        "margin": {"l": 50, "r": 20, "t": 20, "b": 40},
        "showlegend": False,
        "xaxis": {"range": [-0.5, 10.5]},
        "yaxis": {"range": [-1.2, 1.2]},
    }
    return {"data": list(traces), "layout": base | layout}


def gaps(values: np.ndarray[Any, Any], *at: int) -> list[float | None]:
    return [None if i in at else v for i, v in enumerate(np.float32(values).tolist())]


def shapes(k: float, way: str = "x") -> list[Figure]:
    where = {"xref": way, "line": {"width": 2}}
    outline = f"M0,{0.1 * k}L{k},0.5H1.5V0.2Q1,{0.1 * k} 2,0.4Z"
    return [
        {"type": "rect", "x0": 0.1 * k, "x1": 0.2 + k, "y0": 0.2, "y1": k / 4, "yref": "y", **where},
        {"type": "line", "x0": 0, "x1": 1, "y0": 0.3 + k / 5, "y1": k / 3, "yref": "paper", **where},
        {
            "type": "path",
            "path": outline,
            "yref": "paper",
            **where,
        },
    ]


DOT = "data:image/svg+xml," + "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 4 4'/%3E"


def image(x: float, y: float) -> list[Figure]:
    size = {"sizex": 1, "sizey": 0.2, "xanchor": "center", "yanchor": "middle"}
    return [{"source": DOT, "xref": "x", "yref": "y", "x": x, "y": y, **size}]


def ticks(*values: float, reach: float = 1.2) -> Figure:
    texts = [f"<i>{v:g}</i>" for v in values]
    return {"range": [-reach, reach], "tickvals": list(values), "ticktext": texts}


def listed(low: float, high: float, *values: float, **more: Any) -> Figure:
    """An axis whose ticks are listed, and no more than labels and lines."""
    texts = [f"10<sup>{v:g}</sup>" if v else "1" for v in values]
    named = {"tickmode": "array", "tickvals": list(values), "ticktext": texts, "ticklabelstandoff": 5}
    plain = {"tickangle": 0, "ticklabeloverflow": "allow", "zeroline": False}
    return {"range": [low, high], **named, **plain, **more}


GRID = np.add.outer(WAVE, OTHER)
MAP = {"kind": "heatmap", "x": X, "y": X / 10 - 0.5, "zmin": -2, "zmax": 2, "showscale": True}
BARS = {"xaxis": {"range": [-0.5, 10.5], "tickvals": [0, 5, 10]}, "barmode": "relative", "bargap": 0.1}
COLOURS = {"color": ["#c00", "#00c", "#080"] * 7, "size": 7}
TIED = {"scaleanchor": "x", "range": [-3, 3]}
LOG = {"type": "log", "range": [-2, 1]}

VALUES: dict[str, tuple[Figure, Figure]] = {
    "a line": (figure(trace()), figure(trace(y=OTHER))),
    "another range": (figure(trace()), figure(trace(y=2 * OTHER), yaxis={"range": [-3, 3]})),
    "more points": (
        figure(trace()),
        figure(trace(x=X[:9] / 2, y=OTHER[:9]), xaxis={"range": [0, 5]}),
    ),
    "gaps": (figure(trace(y=gaps(WAVE, 4))), figure(trace(y=gaps(OTHER, 2, 3, 9, 15)))),
    "no x": (
        figure({"y": gaps(WAVE), "mode": "lines"}, xaxis={"range": [0, 20]}),
        figure({"y": gaps(OTHER)[:12], "mode": "lines"}, xaxis={"range": [0, 11]}),
    ),
    "what hover says": (
        figure(trace(text=list("ab" * 10), customdata=X, hovertemplate="%{y}")),
        figure(trace(text=list("cd" * 10), customdata=2 * X, hovertemplate="%{x}")),
    ),
    "two axes": (
        figure(trace(), trace(yaxis="y2"), yaxis2={"range": [0, 5], "overlaying": "y", "side": "right"}),
        figure(
            trace(), trace(yaxis="y2", y=OTHER), yaxis2={"range": [-1, 4], "overlaying": "y", "side": "right"}
        ),
    ),
    "points": (
        figure(trace(mode="markers", marker=COLOURS)),
        figure(trace(mode="markers", marker=COLOURS, y=gaps(OTHER, 3))),
    ),
    "words": (
        figure(trace(mode="text", text=list("abcdefghijklmnopqrstu"))),
        figure(trace(mode="text", y=OTHER, text=list("ABCDEFGHIJKLMNOPQRSTU"))),
    ),
    "a filled line": (figure(trace(fill="tozeroy")), figure(trace(fill="tozeroy", y=OTHER))),
    "a band": (
        figure(trace(y=WAVE - 0.2), trace(fill="tonexty"), trace(y=WAVE + 0.1)),
        figure(trace(y=OTHER - 0.2), trace(fill="tonexty", y=OTHER + 0.2), trace(y=WAVE + 0.1)),
    ),
    "steps and splines": (
        figure(trace(line={"shape": "hv"}), trace(line={"shape": "spline"})),
        figure(trace(line={"shape": "hv"}, y=OTHER), trace(line={"shape": "spline"}, y=WAVE / 2)),
    ),
    "a logarithmic axis": (
        figure(trace(y=np.exp(WAVE)), yaxis=LOG, shapes=shapes(1, "paper")),
        figure(trace(y=np.exp(OTHER)), yaxis=LOG | {"range": [-1, 2]}, shapes=shapes(1, "paper")),
    ),
    "bars": (
        figure(trace("bar"), trace("bar", y=WAVE / 3), **BARS),
        figure(trace("bar", y=OTHER), trace("bar", y=WAVE / 3), **BARS),
    ),
    "bars elsewhere": (
        figure(trace("bar", base=0.1 * X, text=list("abc" * 7)), **BARS),
        figure(trace("bar", x=X / 2, y=OTHER, base=0.2 - 0.1 * X, text=list("xyz" * 7)), **BARS),
    ),
    "bars and a line": (
        figure(trace("bar"), trace(), **BARS),
        figure(trace("bar"), trace(y=OTHER), **BARS),
    ),
    "a heatmap": (figure(trace(**MAP, z=GRID)), figure(trace(**MAP, z=GRID.T))),
    "a line over a heatmap": (
        figure(trace(**MAP, z=GRID), trace()),
        figure(trace(**MAP, z=GRID), trace(y=OTHER)),
    ),
    "ticks": (figure(trace(), yaxis=ticks(-1, 0, 1)), figure(trace(y=OTHER), yaxis=ticks(-1, -0.5, 0.5))),
    "shapes": (figure(trace(), shapes=shapes(1)), figure(trace(), shapes=shapes(2))),
    "shapes and a range": (
        figure(trace(), shapes=shapes(1)),
        figure(trace(y=OTHER), shapes=shapes(2), xaxis={"range": [0, 8]}),
    ),
    "an image": (
        figure(trace(), images=image(2, 0.5)),
        figure(trace(), images=image(5, -0.5)),
    ),
    "tied axes": (
        figure(trace(), xaxis={"range": [-5, 5.43]}, yaxis=TIED),
        figure(trace(), xaxis={"range": [-2.5, 2.715]}, yaxis=TIED | {"range": [-1.5, 1.5]}),
    ),
    "nothing": (figure(trace()), figure(trace())),
}
"""Figures that differ in values alone: plotly's react has no part in the second."""

Y, TO = listed(-2, 2, -1, 0, 1), listed(-1.5, 3, 0, 1)
SLIDES: dict[str, tuple[Figure, Figure]] = {
    "it slides": (figure(trace(), yaxis=Y), figure(trace(y=OTHER), yaxis=TO)),
    "it slides alone": (figure(trace(), yaxis=Y), figure(trace(), yaxis=TO)),
    "more ticks": (figure(trace(), yaxis=TO), figure(trace(), yaxis=listed(-2, 2, -1, 0, 1))),
    "ticks beyond": (figure(trace(), yaxis=TO), figure(trace(), yaxis=listed(-0.5, 1, -1, 0, 1, 2))),
    "upside down": (figure(trace(), yaxis=Y), figure(trace(), yaxis=listed(3, -1.5, 0, 1))),
    "sideways": (
        figure(trace(), xaxis=listed(0, 10, 0, 5, 10)),
        figure(trace(), xaxis=listed(-1, 6, 0, 5)),
    ),
    "both ways": (
        figure(trace(), trace(y=OTHER), xaxis=listed(0, 10, 0, 5, 10), yaxis=Y),
        figure(trace(), trace(y=OTHER / 2), xaxis=listed(-1, 6, 0, 5), yaxis=TO),
    ),
    "with shapes": (
        figure(trace(), shapes=shapes(1), yaxis=Y),
        figure(trace(y=OTHER), shapes=shapes(1), yaxis=TO),
    ),
    "with other shapes": (
        figure(trace(), shapes=shapes(1), yaxis=Y),
        figure(trace(y=OTHER), shapes=shapes(2), yaxis=TO),
    ),
    "with points, words and bars": (
        figure(trace("bar"), trace(mode="markers+text", marker=COLOURS, text=list("abc" * 7)), yaxis=Y),
        figure(trace("bar"), trace(mode="markers+text", marker=COLOURS, text=list("abc" * 7)), yaxis=TO),
    ),
    "with a band": (
        figure(trace(y=WAVE - 0.2), trace(fill="tonexty"), yaxis=Y),
        figure(trace(y=WAVE - 0.2), trace(fill="tonexty", y=OTHER + 0.3), yaxis=TO),
    ),
    "with a heatmap": (
        figure(trace(**MAP, z=GRID), trace(), yaxis=Y | {"ticks": ""}),
        figure(trace(**MAP, z=GRID), trace(), yaxis=TO | {"ticks": ""}),
    ),
    "no lines": (
        figure(trace(), yaxis=Y | {"showgrid": False}),
        figure(trace(), yaxis=TO | {"showgrid": False}),
    ),
    "at the right": (
        figure(trace(), yaxis=Y | {"side": "right"}),
        figure(trace(), yaxis=TO | {"side": "right"}),
    ),
    "the axis over another": (
        figure(trace(), trace(yaxis="y2"), yaxis2=Y | {"overlaying": "y", "side": "right"}),
        figure(trace(), trace(yaxis="y2"), yaxis2=TO | {"overlaying": "y", "side": "right"}),
    ),
}
"""Figures whose axis moves, with listed ticks: not even plotly's relayout has a part in the second."""

PANNED: dict[str, tuple[Figure, Figure]] = {
    "ticks of its own": (figure(trace(), yaxis=Y), figure(trace(), yaxis=listed(-2, 2, -1, 0.123))),
    "ticks with a mark": (
        figure(trace(), yaxis=Y | {"ticks": "outside"}),
        figure(trace(), yaxis=TO | {"ticks": "outside"}),
    ),
    "a zero line": (
        figure(trace(), yaxis=Y | {"zeroline": True}),
        figure(trace(), yaxis=TO | {"zeroline": True}),
    ),
    "a title beside": (
        figure(trace(), yaxis=Y | {"title": {"text": "size"}}),
        figure(trace(), yaxis=TO | {"title": {"text": "size"}}),
    ),
    "an image there": (
        figure(trace(), images=image(2, 0.5), yaxis=Y),
        figure(trace(), images=image(2, 0.5), yaxis=TO),
    ),
    "a round shape": (
        figure(trace(), shapes=[shapes(1)[0] | {"type": "circle"}], yaxis=Y),
        figure(trace(), shapes=[shapes(1)[0] | {"type": "circle"}], yaxis=TO),
    ),
    "a contour": (
        figure(trace("contour", x=X, y=X / 10, z=GRID), yaxis=Y),
        figure(trace("contour", x=X, y=X / 10, z=GRID), yaxis=TO),
    ),
}
"""Figures whose axis moves with more than its ticks: plotly draws it as when somebody pans."""

MORE: dict[str, tuple[Figure, Figure]] = {
    "another trace": (figure(trace()), figure(trace(), trace(y=OTHER))),
    "another colour": (figure(trace()), figure(trace(y=OTHER, line={"color": "#0a0"}))),
    "an axis that fits itself": (figure(trace(), yaxis={}), figure(trace(y=3 * OTHER), yaxis={})),
    "a title": (figure(trace()), figure(trace(y=OTHER), xaxis={"range": [-0.5, 10.5], "title": "lag"})),
    "categories": (
        figure(trace(x=list("abcdefghijklmnopqrstu")), xaxis={"range": [0, 20]}),
        figure(trace(x=list("zyxwvutsrqponmlkjihgf")), xaxis={"range": [0, 20]}),
    ),
    "stacked lines": (
        figure(trace(stackgroup="one"), trace(stackgroup="one")),
        figure(trace(stackgroup="one"), trace(stackgroup="one", y=OTHER)),
    ),
    "error bars": (
        figure(trace(error_y={"value": 0.1, "type": "constant"})),
        figure(trace(error_y={"value": 0.1, "type": "constant"}, y=OTHER)),
    ),
    "a heatmap that fits its colours": (
        figure(trace("heatmap", z=GRID)),
        figure(trace("heatmap", z=2 * GRID)),
    ),
    "a shape with a word": (
        figure(trace(), shapes=[shapes(1)[0] | {"label": {"text": "here"}}]),
        figure(trace(), shapes=[shapes(2)[0] | {"label": {"text": "here"}}]),
    ),
    "another shape": (
        figure(trace(), shapes=shapes(1)),
        figure(trace(y=OTHER), shapes=shapes(1)[:2]),
    ),
    "one of two tied axes": (
        figure(trace(), xaxis={"range": [-5, 5.43]}, yaxis=TIED),
        figure(trace(), xaxis={"range": [-5, 5.43]}, yaxis=TIED | {"range": [-1.5, 1.5]}),
    ),
    "an image on a logarithmic axis": (
        figure(trace(y=np.exp(WAVE)), yaxis=LOG, images=image(2, 0.5)),
        figure(trace(y=np.exp(WAVE)), yaxis=LOG, images=image(5, 0.2)),
    ),
    "another size": (figure(trace()), figure(trace(y=OTHER), height=200)),
}
"""Figures that differ in more, which react draws."""

VALUES |= SLIDES | PANNED
PAIRS = VALUES | MORE
CELL = f"""
import ipywidgets as W, json
from gradprod.view import PlotView
pairs = json.loads({json.dumps(json.dumps(PAIRS))})
size = W.Layout(width="{WIDTH}px", height="{HEIGHT}px", flex="0 0 auto")
views = {{name: PlotView(first, description=name, layout=size) for name, (first, _) in pairs.items()}}
button = W.Button(description="step")
def step(_):
    for name, view in views.items():
        view.show(pairs[name][1], name + ", then")
button.on_click(step)
W.VBox([button, *views.values()])
"""
COUNT = """() => {
  globalThis.drawn = {};
  for (const way of ["react", "newPlot", "relayout"]) {
    const stock = Plotly[way];
    Plotly[way] = (plot, ...rest) => {
      const name = plot.closest(".gradprod-plot")?.getAttribute("aria-label");
      if (name) (drawn[name] ??= []).push(way);
      return stock(plot, ...rest);
    };
  }
}"""
# What a picture consists of, node by node: ids of no matter made the same, ticks and grid lines in any order.
COMPARE = """async ([name, made]) => {
  const plot = document.querySelector(`.gradprod-plot[aria-label="${name}, then"] > div`);
  const box = document.body.appendChild(document.createElement("div")), { clientWidth, clientHeight } = plot;
  box.style.cssText = `position: absolute; left: -2000px; width: ${clientWidth}px; height: ${clientHeight}px`;
  const config = { displayModeBar: false, doubleClick: false, displaylogo: false };
  await Plotly.newPlot(box, made.data, made.layout, config);
  const ours_alone = (one) => !one || one.startsWith("marker"); // the view draws the markers of lines itself
  const styles = (text) => text.split(/;\\s*/).filter((one) => !ours_alone(one)).sort().join(";");
  const nodes = (root) => {
    const plain = (text) => text.replaceAll(root._fullLayout._uid, "")
      .replace(/(\\btrace|cb|clip)[0-9a-f]{6}/g, "").replace(/(\\.\\d{3})\\d+/g, "$1").trim();
    const walk = (node) => {
      if (node.nodeType !== 1) return node.textContent;
      const kind = node.getAttribute("class");
      if (/hoverlayer|zoomlayer/.test(kind)) return "";
      const attributes = [...node.attributes]
        .map(({ name, value }) => [name, plain(name === "style" ? styles(value) : value)])
        .filter(([name, value]) => value && !/^(data-|xmlns|version|cursor)/.test(name))
        .map((pair) => pair.join("=")).sort().join(" ");
      const inner = [...node.childNodes].map(walk);
      if (/gridlayer|axislayer/.test(`${kind} ${node.parentNode.getAttribute("class")}`)) inner.sort();
      return `\\n<${node.nodeName} ${attributes}>${inner.join("")}`;
    };
    return [...root.querySelectorAll(".main-svg")].map(walk).join("").split("\\n");
  };
  const kept = "x y z b p s s0 s1 p0 p1 tx htx data".split(" ");
  const known = (point) => kept.map((key) => point[key] ?? null);
  const points = (root) => JSON.stringify(root.calcdata.map((points) => points.map(known)));
  const ours = nodes(plot), theirs = nodes(box), hover = [points(plot), points(box)];
  Plotly.purge(box);
  box.remove();
  return { ours, theirs, hover };
}"""


@pytest.fixture(scope="module")
def stepped(browser: Browser, voila: Callable[..., str]) -> Iterator[Page]:
    """A page whose pictures have made their step."""
    page = browser.new_page(viewport={"width": 900, "height": (HEIGHT + 10) * (len(PAIRS) + 1)})
    page.goto(voila(CELL))
    page.add_style_tag(content="#starting { display: none }")
    for name in PAIRS:
        page.wait_for_selector(
            f'.gradprod-plot[aria-label="{name}"] .mlayer', state="attached", timeout=30_000
        )
    page.evaluate(COUNT)
    page.get_by_role("button", name="step").click()
    for name in PAIRS:
        page.wait_for_selector(f'.gradprod-plot[aria-label="{name}, then"]', state="attached", timeout=30_000)
    page.evaluate("new Promise(done => globalThis[Symbol.for('gradprod')].later(done))")
    yield page
    page.close()


@pytest.mark.parametrize("name", VALUES)
def test_a_step_is_drawn_like_the_figure_at_once(stepped: Page, name: str) -> None:
    found = stepped.evaluate(COMPARE, [name, PAIRS[name][1]])
    assert len(found["theirs"]) > 20
    assert found["ours"] == found["theirs"]
    assert found["hover"][0] == found["hover"][1]


@pytest.mark.parametrize("name", PAIRS)
def test_react_draws_what_is_more_than_values_and_nothing_else(stepped: Page, name: str) -> None:
    drawn = stepped.evaluate("name => drawn[name]", f"{name}, then")
    if name in SLIDES:
        assert drawn is None
    elif name in PANNED:
        assert drawn == ["relayout"]
    else:
        assert drawn in ([None, ["relayout"]] if name in VALUES else [["react"]])
