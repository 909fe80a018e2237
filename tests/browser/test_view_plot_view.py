"""PlotView as a reader meets it: a page under Voilà with a slider and every kind of view, and JupyterLab."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, WebSocket
from visits import PATIENCE, leave, settled

from gradprod.view import plotly_js
from gradprod.view.scripts import plot_script

STAGE = """
import ipywidgets as W, numpy as np
from gradprod.view import Pacer, PlotView, pacer as pace

pace.PATIENCE = 60  # on a busy machine too a computation waits for the page
MARGIN = {"l": 50, "r": 20, "t": 20, "b": 40}
x = np.arange(201.0)
slider = W.IntSlider(value=10, min=1, max=100)
said, count = W.HTML(), W.HTML("<i class=count>0</i>")

def curves(k, dark=False):
    ink = "#fff" if dark else "#000"
    data = [{"x": x, "y": k * np.sin(x / 15), "name": "sine", "line": {"color": ink}},
            {"x": x, "y": k * np.cos(x / 15), "name": "cosine"}]
    return {"data": data, "layout": {"margin": MARGIN, "hovermode": "x", "xaxis": {"range": [0, 200]}, "font": {"color": ink},
                                     "yaxis": {"range": [-k, k]}, "paper_bgcolor": "#000" if dark else "rgba(0,0,0,0)"}}

def cells(k):
    z = np.linspace(0, 1, 60).reshape(6, 10) * k
    return {"data": [{"type": "heatmap", "x": np.linspace(0, 0.9, 10), "y": np.arange(6) / 3, "z": z}], "layout": {"margin": MARGIN}}

N = 20_000
t = np.arange(N) / 20
long = np.sin(t / 100) + 0.01 * np.random.default_rng(1).standard_normal(N)
long[2_469], long[10_864], long[14_000:14_400] = 7.0, -6.0, np.nan

main = PlotView(curves(10), description="Two waves, 10 high", layout=W.Layout(height="300px"))
grid = PlotView(cells(10), description="Sixty cells")
deep = PlotView({"data": [{"x": t, "y": long, "mode": "lines", "customdata": np.arange(N)}], "layout": {"margin": MARGIN, "height": 260}})
hidden = PlotView(curves(10), description="Behind")
behind = W.VBox([hidden], layout=W.Layout(display="none"))
far = PlotView(curves(10), description="Far below")
steps = {"open": 0, "done": 0}

def compute():
    k = slider.value
    main.show(curves(k), f"Two waves, {k} high")
    grid.show(cells(k))
    hidden.show(curves(k))
    far.show(curves(k))
    steps["done"] += 1
    count.value = f"<i class=count>{steps['done']}</i>"

pacer = Pacer(compute)
slider.observe(lambda change: pacer.request(), "value")
def say(what):
    def tell(value):
        said.value = f"<pre class=said>{what} {value}</pre>"
    return tell
grid.on_click(say("click")); deep.on_click(say("click")); main.on_hover(say("hover"))

def button(name, act):
    b = W.Button(description=name)
    b.on_click(lambda _: act())
    return b
buttons = W.HBox([button("dark", lambda: main.show(curves(slider.value, dark=True), "Dark")),
                  button("light", compute), button("lose", lambda: setattr(main, "_number", main._number + 1)),
                  button("unveil", lambda: setattr(behind.layout, "display", None)),
                  button("size", lambda: say("size")(main.size)),
                  button("narrow", lambda: setattr(main.layout, "width", "500px")),
                  button("wide", lambda: setattr(main.layout, "width", None)),
                  button("burst", lambda: [main.show(curves(k), f"Two waves, {k} high") for k in range(20, 61)])])
W.VBox([slider, buttons, main, grid, deep, said, count, behind, W.Box(layout=W.Layout(height="3000px", flex="0 0 auto")), far])
"""  # noqa: E501
LINE = ".scatterlayer path.js-line"
ROUTE = "**/gradprod/plotly-*.js"
PLOT = "globalThis[Symbol.for('gradprod')].views"


def until(check: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The first true answer of `check`."""
    end = time.monotonic() + seconds
    while not (answer := check()):
        assert time.monotonic() < end, f"never: {check()!r}"
        time.sleep(0.02)
    return answer


class Stage:
    """A page with views on it, and what travelled to it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.received: list[str] = []
        self.sent: list[str] = []
        self.bytes = 0
        self.fetched: list[str] = []
        page.on("websocket", self._listen)
        page.on("request", lambda request: self.fetched.append(request.url))

    def _listen(self, socket: WebSocket) -> None:
        def text(data: str | bytes) -> str:
            return data if isinstance(data, str) else data.decode("latin-1")

        def received(data: str | bytes) -> None:
            self.bytes += len(data)
            self.received.append(text(data))

        socket.on("framereceived", received)
        socket.on("framesent", lambda data: self.sent.append(text(data)))

    def view(self, name: str) -> Locator:
        """A view by the beginning of its description."""
        return self.page.locator(f'.gradprod-plot[aria-label^="{name}"]')

    def wait(self, name: str = "Two waves", what: str = LINE) -> Locator:
        view = self.view(name)
        view.locator(what).first.wait_for(state="attached")
        return view

    def open(self, url: str) -> None:
        """Visit a page that has no lesson on it, and so no end of its start."""
        self.page.goto(url)
        self.page.add_style_tag(content="#starting { display: none }")

    def set(self, value: int) -> None:
        """Move the slider by its keys, and wait for the picture."""
        handle = self.page.locator(".noUi-handle").first
        handle.focus()
        now = float(handle.get_attribute("aria-valuenow") or "nan")
        for _ in range(abs(value - round(now))):
            self.page.keyboard.press("ArrowRight" if value > now else "ArrowLeft")
        until(lambda: self.view(f"Two waves, {value} high").count())
        settled(self.page)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def said(self) -> str:
        told = self.page.locator(".said")
        return told.inner_text() if told.count() else ""

    def ticks(self, axis: str, name: str = "Two waves") -> list[float]:
        texts = self.view(name).locator(f".{axis}tick text").all_text_contents()
        return [float(text.replace("−", "-").replace("k", "000")) for text in texts]

    def inner(self, view: Locator) -> dict[str, float]:
        """The rectangle in which a view draws, in the page's pixels."""
        box = view.locator(".nsewdrag").first.bounding_box()
        assert box
        return box

    def drag(self, view: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Draw a rectangle to zoom to; places are shares of the width and height."""
        box = self.inner(view)
        (x0, y0), (x1, y1) = (
            (box["x"] + fx * box["width"], box["y"] + fy * box["height"]) for fx, fy in (start, end)
        )
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move(x1, y1, steps=4)
        self.page.mouse.up()

    def let_go(self, view: Locator) -> None:
        """Double click on the middle."""
        box = self.inner(view)
        self.page.mouse.dblclick(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"])


@pytest.fixture(scope="module")
def theatre(fresh: Callable[..., Page], voila: Callable[..., str]) -> Iterator[Stage]:
    """One page for all tests that leave it as they found it; it takes seconds to open."""
    stage = Stage(fresh())
    stage.open(voila(STAGE))
    stage.wait()
    stage.wait("Sixty", ".heatmaplayer image")
    yield stage
    leave(stage.page)


@pytest.fixture
def stage(theatre: Stage, problems: Any) -> Stage:
    problems.watch(theatre.page)
    theatre.page.evaluate("scrollTo(0, 0)")
    theatre.page.mouse.move(5, 5)
    return theatre


def test_every_view_is_drawn_and_says_what_it_is(stage: Stage) -> None:
    assert stage.wait("Two waves").locator(LINE).count() == 2
    assert stage.wait("Sixty", ".heatmaplayer image").get_attribute("role") == "img"
    assert [url for url in stage.fetched if "plotly" in url] == [
        url for url in stage.fetched if url.endswith(plotly_js.url())
    ]
    assert len([url for url in stage.fetched if "plotly" in url]) == 1
    assert stage.page.get_by_role("img", name="Two waves, 10 high").count() == 1
    assert stage.page.get_by_role("img", name="Sixty cells").count() == 1
    x, y = stage.ticks("x"), stage.ticks("y")
    assert (min(x), max(x)) == (0, 200)
    assert (min(y), max(y)) == (-10, 10)


def test_arrays_travel_as_bytes(stage: Stage) -> None:
    assert (
        stage.bytes < 400_000
    )  # most of it the long line, 10 bytes a point; as text it would be four times that
    stage.set(15)
    stage.page.wait_for_timeout(300)
    before = stage.bytes
    stage.set(16)
    stage.page.wait_for_timeout(300)
    assert (
        stage.bytes - before < 20_000
    )  # three times two lines of 201 points and 60 cells; the rest is the slider


def test_a_drag_leaves_no_backlog(stage: Stage) -> None:
    page = stage.page
    stage.set(10)
    box = page.locator(".noUi-handle").first.bounding_box()
    track = page.locator(".noUi-base").first.bounding_box()
    assert box
    assert track
    y, start = box["y"] + box["height"] / 2, box["x"] + box["width"] / 2
    end, moves = track["x"] + track["width"], 120
    before = int(page.locator(".count").inner_text())
    page.mouse.move(start, y)
    page.mouse.down()
    stage.sent.clear()
    for i in range(moves):
        page.mouse.move(start + (end - start) * (i + 1) / moves, y)
    page.mouse.up()
    until(lambda: max(stage.ticks("y")) == 100)
    assert stage.view("Two waves, 100 high").count() == 1
    page.wait_for_timeout(500)  # nothing comes after the newest
    assert max(stage.ticks("y")) == 100
    computed = int(page.locator(".count").inner_text()) - before
    taken = sum('"taken"' in frame for frame in stage.sent)
    assert 2 < computed <= taken + 1  # each waited until the page had taken the one before
    assert computed < moves


def test_of_a_burst_the_newest_is_drawn(stage: Stage) -> None:
    page = stage.page
    stage.set(10)
    page.evaluate(
        """() => { globalThis.paints = 0;
        document.querySelector('.gradprod-plot > div').on('plotly_afterplot', () => paints++); }"""
    )
    stage.press("burst")
    until(lambda: max(stage.ticks("y")) == 60)
    assert stage.view("Two waves, 60 high").count() == 1
    assert 0 < page.evaluate("paints") < 41
    stage.press("light")


def test_a_lost_message_is_made_up_for(stage: Stage) -> None:
    stage.set(10)
    stage.press("lose")
    stage.set(30)
    assert max(stage.ticks("y")) == 30
    assert any('"want"' in frame for frame in stage.sent)
    stage.set(40)  # and on by changes
    assert max(stage.ticks("y")) == 40


def test_zoom_survives_until_a_double_click(stage: Stage) -> None:
    view = stage.view("Two waves")
    stage.set(10)

    def zoomed() -> bool:
        x, y = stage.ticks("x"), stage.ticks("y")
        return min(x) >= 50 and max(x) <= 100 and min(y) >= -5 and max(y) <= 5

    stage.drag(view, (0.25, 0.25), (0.5, 0.75))
    until(zoomed)
    stage.set(13)  # brings another range on y, the same on x
    assert zoomed()
    stage.let_go(view)
    until(lambda: max(stage.ticks("x")) == 200 and max(stage.ticks("y")) >= 10)
    stage.set(20)
    assert max(stage.ticks("y")) == 20
    stage.drag(view, (0.25, 0.25), (0.5, 0.75))
    until(lambda: max(stage.ticks("x")) <= 100)
    stage.let_go(view)
    until(lambda: max(stage.ticks("x")) == 200)


def test_legend_survives(stage: Stage) -> None:
    stage.set(11)
    view = stage.view("Two waves")
    view.locator(".legendtoggle").first.click()
    until(lambda: view.locator(LINE).count() == 1)
    stage.set(12)
    assert view.locator(LINE).count() == 1
    stage.page.wait_for_timeout(500)  # or it would be a double click
    view.locator(".legendtoggle").first.click()
    until(lambda: view.locator(LINE).count() == 2)


def test_hover_survives_and_comes_back(stage: Stage) -> None:
    stage.set(10)
    page, view = stage.page, stage.view("Two waves")
    box = stage.inner(view)
    labels = view.locator(".hoverlayer .hovertext")
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    until(lambda: labels.count() == 2)
    until(lambda: "index=100, x=100.0" in stage.said())
    assert f"{10 * math.sin(100 / 15):.4f}" in "".join(labels.all_text_contents())
    stage.set(20)
    until(lambda: f"{20 * math.sin(100 / 15):.4f}" in "".join(labels.all_text_contents()))
    assert labels.count() == 2
    page.mouse.move(5, 5)
    until(lambda: "None" in stage.said())


def test_a_click_comes_back_exactly(stage: Stage) -> None:
    stage.set(10)
    box = stage.inner(stage.view("Sixty"))
    stage.page.mouse.click(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.3)
    until(lambda: "click" in stage.said())
    found = re.search(r"curve=0, index=\(4, 3\), x=([\d.e-]+), y=([\d.e-]+), z=([\d.e-]+)", stage.said())
    assert found, stage.said()
    assert list(map(float, found.groups())) == pytest.approx([0.3, 4 / 3, 43 / 59 * 10], rel=1e-14)


def test_what_is_out_of_sight_waits(stage: Stage) -> None:
    stage.set(14)
    assert stage.view("Behind").locator("svg").count() == 0
    assert stage.view("Far").locator("svg").count() == 0
    stage.press("unveil")
    stage.view("Behind").scroll_into_view_if_needed()
    stage.wait("Behind")
    until(lambda: 10 <= max(stage.ticks("y", "Behind")) <= 14)
    stage.view("Far").scroll_into_view_if_needed()
    stage.wait("Far")


def test_every_extreme_of_a_long_line_shows(stage: Stage) -> None:
    page = stage.page
    view = page.locator(".gradprod-plot").nth(2)
    view.scroll_into_view_if_needed()
    view.locator(LINE).first.wait_for(state="attached")
    look = """() => {
        const {x, y, customdata} = document.querySelectorAll('.gradprod-plot > div')[2].data[0];
        return [Array.from(x), Array.from(y, v => isNaN(v) ? null : v), Array.from(customdata)]; }"""
    width = stage.inner(view)["width"]

    def drawn() -> tuple[list[float], list[float | None], list[int]]:
        return page.evaluate(look)

    x, y, data = drawn()
    assert width < len(x) < 4.2 * width
    values = [v for v in y if v is not None]
    assert max(values) == 7
    assert min(values) == -6
    assert x[y.index(7)] == pytest.approx(123.45, rel=1e-6)
    assert data[y.index(7)] == 2_469  # what goes with a point goes along
    gap = [x[i] for i, v in enumerate(y) if v is None]
    assert gap == pytest.approx([700, 719.95], rel=1e-6)
    stage.drag(view, (0.115, 0.02), (0.135, 0.98))  # closer, where all points have room, all are there
    until(lambda: len(drawn()[0]) != len(x))
    low, high = page.evaluate("() => document.querySelectorAll('.gradprod-plot > div')[2].layout.xaxis.range")
    assert (low, high) == pytest.approx((115, 135), abs=1)
    inside = [round(v * 20) for v in drawn()[0] if low <= v <= high]
    assert inside == list(range(inside[0], inside[-1] + 1))
    assert len(inside) == pytest.approx((high - low) * 20, abs=1)
    box = stage.inner(view)
    bottom, top = page.evaluate(
        "() => document.querySelectorAll('.gradprod-plot > div')[2]._fullLayout.yaxis.range"
    )
    page.mouse.click(
        box["x"] + (123.45 - low) / (high - low) * box["width"],
        box["y"] + (top - 7) / (top - bottom) * box["height"],
    )
    until(lambda: "index=2469, x=123.45, y=7.0" in stage.said())


COLUMNS = """async ([source, x, y, low, high, count]) => {
    const module = await import(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
    const ys = Float64Array.from(y, v => v ?? NaN);
    return module.columns(i => x[i], ys, x.length, low, high, count);
}"""


@pytest.mark.parametrize("even", [True, False])
def test_columns_keep_first_lowest_highest_and_last(
    stage: Stage, even: bool, rng: np.random.Generator
) -> None:
    source, _name = plot_script()
    n, count = 5_000, 40
    x = np.arange(n) / 8 if even else np.sort(rng.uniform(0, 600, n))
    y = rng.standard_normal(n).cumsum()
    y[1_000:1_100], y[3_000] = np.nan, np.nan

    def columns(low: float, high: float, x: Any = x) -> list[int] | None:
        values = [None if np.isnan(v) else v for v in y]
        return stage.page.evaluate(COLUMNS, [source, list(map(float, x)), values, low, high, count])

    def expected(low: float, high: float) -> set[int]:
        """Of each stretch of points within one column and without a gap."""
        column = np.floor((x - low) / ((high - low) / count))
        column[np.isnan(y)] = -1e9
        kept: set[int] = set()
        for stretch in np.split(np.arange(n), np.flatnonzero(np.diff(column) != 0) + 1):
            kept |= {int(stretch[0]), int(stretch[-1])}
            if not np.isnan(y[stretch[0]]):
                kept |= {int(stretch[y[stretch].argmin()]), int(stretch[y[stretch].argmax()])}
        return kept

    whole = columns(x[0], x[-1])
    assert whole == sorted(expected(x[0], x[-1]))
    assert len(whole) <= 4 * (count + 3) + 4
    # Closer: exact for a screen to the left and to the right; beyond, every extreme of the wide columns.
    low, high = 250.0, 300.0
    near = (x >= low - 50) & (x <= high + 50)
    inner = (x >= low - 45) & (x <= high + 45)
    close = columns(low, high)
    assert close is not None
    assert {i for i in close if inner[i]} == {i for i in expected(low, high) if inner[i]}
    assert {int(np.nanargmin(y)), int(np.nanargmax(y)), 0, n - 1} <= set(close)
    assert sum(not near[i] for i in close) <= 4 * (count + 3)
    assert columns(0, 600, x[::-1]) is None  # a line that runs back has no columns


BREAK = """times => {
  const plot = document.querySelector('.gradprod-plot > div'), calls = [];
  const made = plot._fullData[0]._module, { calc } = made;
  made.calc = (at, trace) => {
    if (at !== plot) return calc(at, trace);
    if (calls.push(trace) <= times) throw new Error('no such thing');
    made.calc = calc;
    return calc(at, trace);
  };
  return calls;
}"""


def test_a_broken_figure_says_so_and_the_next_is_drawn(stage: Stage) -> None:
    page = stage.page
    stage.set(10)
    alert = page.get_by_role("alert")
    # however it is drawn: as a step, and anew after that went wrong
    page.evaluate(BREAK, 2)
    stage.set(11)
    alert.wait_for()
    assert alert.inner_text() == "The picture can't be drawn: no such thing"
    stage.set(12)
    until(lambda: not alert.count())


def test_a_step_that_goes_wrong_is_drawn_anew(stage: Stage) -> None:
    stage.set(10)
    calls = stage.page.evaluate_handle(BREAK, 1)
    stage.set(11)
    until(lambda: calls.evaluate("calls => calls.length > 1"))
    assert stage.page.get_by_role("alert").count() == 0
    highest = (
        "document.querySelector('.gradprod-plot > div').calcdata[0].reduce((m, p) => Math.max(m, p.y), 0)"
    )
    assert stage.page.evaluate(highest) == pytest.approx(11 * np.sin(np.arange(201) / 15).max(), rel=1e-6)


def test_follows_its_place(stage: Stage) -> None:
    stage.press("size")
    until(lambda: "size" in stage.said())
    box = stage.view("Two waves").bounding_box()
    assert box
    assert stage.said() == f"size ({box['width']:.0f}, 300)"
    paper = stage.view("Two waves").locator("svg.main-svg").first
    stage.press("narrow")
    until(lambda: paper.get_attribute("width") == "500")
    stage.press("size")
    until(lambda: "(500, 300)" in stage.said())
    stage.press("wide")
    until(lambda: paper.get_attribute("width") == f"{box['width']:.0f}")


def test_another_theme_keeps_the_zoom(stage: Stage) -> None:
    stage.set(10)
    stage.drag(stage.view("Two waves"), (0.25, 0.25), (0.5, 0.75))
    until(lambda: max(stage.ticks("x")) < 200)
    ticks, label = sorted(stage.ticks("x")), stage.page.locator(".gradprod-plot .xtick text").first
    stage.press("dark")
    until(lambda: "rgb(255, 255, 255)" in (label.get_attribute("style") or ""))
    assert sorted(stage.ticks("x", "Dark")) == ticks
    stage.press("light")
    until(lambda: "rgb(0, 0, 0)" in (label.get_attribute("style") or ""))
    stage.let_go(stage.view("Two waves"))
    until(lambda: max(stage.ticks("x")) == 200)


def test_carries_the_picture_away(stage: Stage) -> None:
    page = stage.page
    svg = page.evaluate(f"[...{PLOT}.values()][0].export('svg')")
    assert svg.startswith("data:image/svg+xml,")
    assert "sine" in svg
    size = """async () => {
        const image = new Image(), c = new OffscreenCanvas(1, 1).getContext('2d');
        image.src = await [...%s.values()][0].export('png', {width: 400, height: 200, scale: 3});
        await image.decode();
        c.drawImage(image, 0, 0);
        return [image.width, image.height, ...c.getImageData(0, 0, 1, 1).data]; }"""
    assert page.evaluate(size % PLOT) == [1200, 600, 255, 255, 255, 255]  # on the page's own ground


@pytest.fixture
def phone(visit: Callable[..., Page]) -> Stage:
    return Stage(visit(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True))


def test_touch_scrolls_the_page_and_taps_a_point(phone: Stage, voila: Callable[..., str]) -> None:
    page = phone.page
    phone.open(voila(STAGE))
    box = phone.inner(phone.wait("Sixty", ".heatmaplayer image"))
    page.touchscreen.tap(box["x"] + box["width"] * 0.35, box["y"] + box["height"] * 0.3)
    until(lambda: "index=(4, 3)" in phone.said())
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + 80, box["y"] + 150
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for i in range(1, 16):
        move = {"type": "touchMove", "touchPoints": [{"x": x, "y": y - 10 * i}]}
        touch.send("Input.dispatchTouchEvent", move)
        page.wait_for_timeout(16)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(lambda: page.evaluate("scrollY") > 100)


# ---- where no server has plotly.js ----


def missing(page: Page) -> None:
    """Take the route away."""
    page.route(ROUTE, lambda route: route.fulfill(status=404, body="gone"))


def test_without_the_route_the_kernel_sends_it_once(
    page: Page, voila: Callable[..., str], problems: Any
) -> None:
    missing(page)
    stage = Stage(page)
    stage.open(voila(STAGE))
    stage.wait()
    assert sum('"want": "plotly"' in frame or '"want":"plotly"' in frame for frame in stage.sent) == 1
    assert 1_400_000 < stage.bytes < 2_000_000
    problems.expect("404")
    again = Stage(page)
    again.open(voila(STAGE))
    again.wait()
    assert again.bytes < 400_000  # from the browser's own store
    problems.expect("404")


NONSENSE = """
from gradprod.view import PlotView, plotly_js
plotly_js.compressed = lambda: b"nonsense"
PlotView({"data": [{"y": [1, 2]}]}, description="A line")
"""


def test_a_failed_load_says_what_to_do(page: Page, voila: Callable[..., str], problems: Any) -> None:
    missing(page)
    Stage(page).open(voila(NONSENSE))
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert alert.inner_text() == (
        "The picture can't be drawn: plotly.js did not arrive. "
        "Try again; if that doesn't help, reload the page. Try again"
    )
    problems.expect("404")
    page.unroute(ROUTE)
    alert.get_by_role("button", name="Try again").click()
    Stage(page).wait("A line")
    assert alert.count() == 0


# ---- inside of another widget, and in JupyterLab ----

PARENT = '''
import anywidget, traitlets
from gradprod.view import PlotView
class Page(anywidget.AnyWidget):
    _esm = """
    export default {
      async render({ model, el, host }) {
        el.innerHTML = "<section style='height: 240px'></section><section style='height: 260px'></section>";
        const [one, two] = model.get("children"), manager = model.widget_manager;
        const child = await host.getWidget("anywidget:" + one);
        await child.render({ el: el.firstChild });
        const view = await manager.create_view(await manager.get_model(two));
        el.lastChild.append(view.el);
        const views = globalThis[Symbol.for("gradprod")].views;
        globalThis.pictures = () => Promise.all([child.exports.export("svg"), views.get(two).export("svg")]);
      }
    };
    """
    children = traitlets.List().tag(sync=True)
views = [PlotView({"data": [{"y": [1, 3, 2]}]}, description=f"Child {i}") for i in (1, 2)]
Page(children=[view.model_id for view in views])
'''


def test_is_a_child_of_another_page(page: Page, voila: Callable[..., str]) -> None:
    Stage(page).open(voila(PARENT))
    box = Stage(page).wait("Child 1").bounding_box()
    assert box
    assert box["height"] == 240  # what its place has
    Stage(page).wait("Child 2")
    for picture in page.evaluate("pictures()"):
        assert picture.startswith("data:image/svg")


LAB = """
from gradprod.view import PlotView
view = PlotView({"data": [{"y": list(range(50))}]}, description="Before")
display(view, view)
view.show({"data": [{"y": [0, 1] * 30}]}, "After")
"""


def test_in_jupyterlab(lab: Callable[..., Page], problems: Any) -> None:
    page = lab(LAB)
    stage = Stage(page)
    stage.wait("After")
    box = page.locator(".gradprod-plot").first.bounding_box()
    assert box
    assert box["height"] == 450
    page.locator(".gradprod-plot").nth(1).scroll_into_view_if_needed()
    page.locator(".gradprod-plot").nth(1).locator(LINE).wait_for(state="attached")
    assert (
        page.evaluate(
            "performance.getEntriesByType('resource').filter(e => /gradprod\\/plotly/.test(e.name)).length"
        )
        == 1
    )
    with page.expect_response(lambda r: "/api/contents/" in r.url and r.request.method == "PUT"):
        page.keyboard.press("Control+s")
    page.reload()  # the kernel lives on and tells the newest state
    stage.wait("After")


def test_in_jupyterlab_without_the_route(lab: Callable[..., Page], page: Page, problems: Any) -> None:
    missing(page)
    lab(LAB)
    Stage(page).wait("After")
    problems.expect("404")
