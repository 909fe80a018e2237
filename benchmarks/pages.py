"""The pages in turns: those built for comparison, the app's front page, and every lesson."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks.browser import Feel, Load, visit
from benchmarks.servers import STOCK, Server, start
from benchmarks.table import Row

TITLES = {
    "floor": "floor: stock Voilà, slider and echo",
    "one_figure_widget": "1 `FigureWidget`",
    "six_figure_widgets": "6 `FigureWidget`s",
    "app": "**the app's front page**",
}


@dataclass(kw_only=True)
class Page:
    """A page and what was measured of it."""

    name: str
    query: str = ""
    server: Server
    first_visit: Load | None = None
    loads: list[Load] = field(default_factory=list)
    feel: Feel = field(default_factory=Feel)
    failures: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Name in the tables, with what went wrong."""
        name = TITLES.get(self.name, self.name)
        if not self.failures:
            return name
        return f"{name} ({len(self.failures)} visits failed: {self.failures[-1]})"

    def typical(self, what: str) -> float:
        """Median over the visits."""
        return median(getattr(load, what) for load in self.loads)


def measure(
    *, quick: bool, lessons: Sequence[int] | None
) -> tuple[list[Row], list[tuple[str, Sequence[Row]]]]:
    """The budgets of the front page, and the same measurements of every page."""
    rounds, keys, drags = (2, 4, 2) if quick else (5, 12, 10)
    with ExitStack() as stack:
        pages = {name: Page(name=name, server=stack.enter_context(start(name))) for name in (*STOCK, "app")}
        for page in pages.values():  # the first visit pays for the server's imports, and counts apart
            _go(page, 0, 0)
            page.first_visit = page.loads.pop() if page.loads else None
        app = pages["app"]
        for number in _lessons() if lessons is None else lessons:
            name = f"lesson {number}"
            pages[name] = Page(name=name, query=f"?lesson={number}", server=app.server)
        for i in range(rounds):
            for page in pages.values():
                if i < 3 or page.name in TITLES:
                    last = i == (rounds if page.name in TITLES else min(rounds, 3)) - 1
                    often = page.name == "floor" and i in (
                        0,
                        rounds // 2,
                    )  # it is what all others are held to
                    _go(page, keys, drags if last or often else 0)
    floor, six = pages["floor"], pages["six_figure_widgets"]
    if not floor.feel.settle:
        raise RuntimeError(f"the floor page was not measured, and all else is held to it: {floor.failures}")
    return _budgets(app, floor, six), [(page.title, _measured(page, floor)) for page in pages.values()]


def _lessons() -> list[int]:
    from gradprod.explorers.lessons import LESSONS

    return [entry.number for entry in LESSONS if entry.home]


def _go(page: Page, keys: int, drags: int) -> None:
    """One visit; where it goes wrong the reason is kept and the run goes on."""
    if page.first_visit:
        page.server.settle()
    print(f"{page.name} …", file=sys.stderr, flush=True)
    try:
        with visit(page.server) as v:
            load = v.open(page.query)
            felt = v.feel(keys, drags) if drags else Feel()
            if v.errors:
                raise RuntimeError("; ".join(v.errors))
        page.loads.append(load)
        for name, values in vars(felt).items():
            getattr(page.feel, name).extend(values)
    except Exception as error:
        page.failures.append(str(error).splitlines()[0])
        print(f"{page.name}: {error}", file=sys.stderr, flush=True)


def _measured(page: Page, floor: Page) -> list[Row]:
    """The measurements of one page beside the floor's; only of ours something was promised."""
    ours = page.name not in STOCK

    def row(what: str, measured: float, unit: str, reference: float | None, budget: float, kind: str) -> Row:
        return Row(
            what=what,
            measured=measured,
            unit=unit,
            reference=reference if ours else None,
            against="floor",
            budget=budget if ours else None,
            kind=kind,
        )

    if not page.feel.settle:
        return [Row(what=name, skipped="no visit succeeded") for name in NAMES]
    load, feel, base = page.typical, page.feel, floor.feel
    values = [
        (load("first") / 1e3, "s", floor.typical("first") / 1e3, 1.0, "at most"),
        (load("every") / 1e3, "s", None, None, "at most"),
        (load("websocket") / 1e3, "KB", None, 150, "at most"),
        (median(feel.key_main), "ms", median(base.key_main), 2.5, "at most"),
        (median(feel.key_all), "ms", median(base.key_main), 6, "at most"),
        (median(feel.repaints), "", median(base.repaints), 0.5, "at least"),
        (max(0, median(feel.settle)), "ms", None, 150, "at most"),
        (max(0, max(feel.settle)), "ms", None, 300, "at most"),
        (load("rss"), "MB", floor.typical("rss"), 1.3, "at most"),
        (load("pss"), "MB", None, None, "at most"),
    ]
    return [row(name, *value) for name, value in zip(NAMES, values, strict=True)]


NAMES = [
    "first plot, cold browser",
    "every visible plot",
    "websocket at load",
    "key press → repaint of the main plot",
    "key press → every visible plot",
    "repaints of the main plot in a 2 s drag",
    "settled after release, median",
    "settled after release, worst",
    "kernel memory (RSS)",
    "kernel memory (PSS)",
]


def _budgets(app: Page, floor: Page, six: Page) -> list[Row]:
    """What was promised of the front page."""
    rows = [row for row in _measured(app, floor) if row.budget is not None or row.skipped]
    if app.loads and six.loads:
        rows.insert(
            1,
            Row(
                what=NAMES[0],
                measured=app.typical("first") / 1e3,
                unit="s",
                reference=six.typical("first") / 1e3,
                against="6 `FigureWidget`s",
                budget=0.5,
            ),
        )
    if app.first_visit and floor.first_visit:
        rows.append(
            Row(
                what="first plot of the very first visit, the server just started",
                measured=app.first_visit.first / 1e3,
                unit="s",
                reference=floor.first_visit.first / 1e3,
                against="floor",
            )
        )
    return rows
