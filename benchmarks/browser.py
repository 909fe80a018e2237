"""Pages in a real browser: one script drives them all.

A visit is a new browser process with an empty profile. The server has been visited once before, so that its
imports are paid; what the kernel has to do is each page's own affair: stock Voilà starts one at the visit,
the app has one ready.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, WebSocket, sync_playwright

from benchmarks.servers import Server

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # nobody waits for a CDN
]
WATCH = (Path(__file__).parent / "watch.js").read_text()
QUIET = 700  # ms without a repaint: everything has settled


def find_chromium() -> str | None:
    """Path of the Chromium to drive, None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@dataclass(kw_only=True)
class Load:
    """One visit: times in ms since navigation, bytes, and the kernel's memory in MB."""

    first: float
    every: float
    plots: int
    visible: int
    websocket: int
    rss: float
    pss: float


@dataclass(kw_only=True)
class Feel:
    """What dragging and pressing keys felt like: ms, and repaints in a drag."""

    key_main: list[float] = field(default_factory=list)
    key_all: list[float] = field(default_factory=list)
    repaints: list[int] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)
    settle: list[float] = field(default_factory=list)


class Visit:
    """A page opened in a browser of its own."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self.server, self.bytes, self.errors = page, server, 0, list[str]()
        self.visible: list[bool] = []
        self.arrivals = 0
        page.add_init_script(WATCH)
        page.on("websocket", self._count)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("domcontentloaded", self._arrive)

    def _arrive(self, page: Page) -> None:
        self.arrivals += 1
        if self.arrivals == 2:
            self.errors.append("the page loaded itself anew, so that its times count from there")

    def _count(self, socket: WebSocket) -> None:
        def add(payload: str | bytes) -> None:
            self.bytes += len(payload.encode() if isinstance(payload, str) else payload)

        socket.on("framereceived", add)
        socket.on("framesent", add)

    def open(self, query: str = "") -> Load:
        """Go there, wait until all plots are drawn and the socket is silent."""
        page = self.page
        page.goto(self.server.url + query, wait_until="commit")
        try:
            page.wait_for_function("benchmark.drawn.length > 0", timeout=60_000)
        except Exception as error:
            raise RuntimeError(f"{self.server.url}{query} shows no plot: {self.errors}\n{error}") from None
        seen, quiet = (0, 0), 0
        while quiet < 4:
            page.wait_for_timeout(500)
            now = (self.bytes, page.evaluate("benchmark.drawn.length"))
            seen, quiet = now, quiet + 1 if now == seen else 0
        plots = page.evaluate("benchmark.attach()")
        kernel = page.evaluate(
            "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
        )
        memory = self.server.kernel(kernel).memory_full_info()
        self.visible = [plot["visible"] for plot in plots]
        times = [plot["drawn"] for plot in plots]
        return Load(
            first=times[0],
            every=max(t for t, plot in zip(times, self.visible, strict=True) if plot),
            plots=len(plots),
            visible=sum(self.visible),
            websocket=self.bytes,
            rss=memory.rss / 1e6,
            pss=memory.pss / 1e6,
        )

    def feel(self, keys: int, drags: int, slider: int = 0) -> Feel:
        """Press keys on a slider, then drag it, and see what the page does."""
        page, feel = self.page, Feel()
        page.evaluate("i => benchmark.slider(i)", slider)
        page.wait_for_timeout(QUIET)
        for i in range(keys):
            page.evaluate("benchmark.reset()")
            page.keyboard.press("ArrowRight" if i % 4 < 2 else "ArrowLeft")
            report = self._settled()
            pressed, last = _first(report, "keydown"), self._last_paints(report)
            if 0 not in last:
                raise RuntimeError(f"{page.url}: a key press changed nothing in the main plot")
            feel.key_main.append(last[0] - pressed)
            feel.key_all.append(max(last.values()) - pressed)
        for _ in range(drags):
            page.evaluate("benchmark.reset()")
            self._drag(page.evaluate("i => benchmark.slider(i)", slider))
            report = self._settled()
            moved, released = _first(report, "pointermove"), _first(report, "pointerup")
            last = self._last_paints(report)
            if 0 not in last:
                raise RuntimeError(f"{page.url}: a drag changed nothing in the main plot")
            feel.repaints.append(sum(i == 0 and moved <= t <= released for i, t in report["paints"]))
            feel.moves.append(sum(kind == "pointermove" for kind, _ in report["events"]))
            feel.settle.append(max(last.values()) - released)
        return feel

    def _drag(self, slider: dict[str, float], seconds: float = 2) -> None:
        """Back and forth once a second; a move every 16 ms, or as often as the page takes one."""
        mouse, y, start_x = self.page.mouse, slider["y"], slider["x"]
        mouse.move(start_x, y)
        mouse.down()
        start = time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds:
            aim = slider["left"] + slider["width"] * (0.5 + 0.35 * math.sin(2 * math.pi * passed))
            mouse.move(start_x + (aim - start_x) * min(1, 5 * passed), y)
            time.sleep(max(0, 0.016 - (time.perf_counter() - start - passed)))
        mouse.up()
        mouse.move(5, 5)

    def _settled(self) -> dict[str, Any]:
        """What happened since the last reset, once nothing has been repainted for a while."""
        report: dict[str, Any] = {"paints": None}
        while True:
            self.page.wait_for_timeout(QUIET)
            before, report = report, self.page.evaluate("benchmark.report()")
            if report["paints"] == before["paints"]:
                return report

    def _last_paints(self, report: dict[str, Any]) -> dict[int, float]:
        """When each visible plot was last painted."""
        return {i: t for i, t in report["paints"] if self.visible[i]}


def _first(report: dict[str, Any], kind: str) -> float:
    return next(time for event, time in report["events"] if event == kind)


@contextlib.contextmanager
def visit(server: Server) -> Iterator[Visit]:
    """A browser that has been nowhere yet, about to open a page of this server."""
    path = find_chromium()
    if path is None:
        raise LookupError(f"none of {', '.join(CHROMIUM_NAMES)} on the PATH; install one of them")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            # The app's policy forbids eval, which Playwright's waiting needs.
            context = browser.new_context(viewport={"width": 1400, "height": 900}, bypass_csp=True)
            yield Visit(context.new_page(), server)
        finally:
            browser.close()


def version() -> str:
    """The browser's name and version."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        try:
            return f"Chromium {browser.version}"
        finally:
            browser.close()
