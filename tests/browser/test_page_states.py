"""A page that computes for long, one whose kernel has gone, the way between lessons, a page in a notebook."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from visits import settled

from gradprod.explorers.lessons import LESSONS

APP = "from gradprod.explorers import App\nApp()"

SLOW = """
import time
from pathlib import Path
from gradprod.explorers.controls import Real
from gradprod.explorers.model import Explorer, Readout, Verdict, cached, picture
from gradprod.explorers.page import Page

class Slow(Explorer):
    number, title, lead, formula, formula_text = 50, "Slow", "It takes its time.", "t", "t"
    seconds = Real("s", "seconds", 0.0, low=0, high=60)

    @cached
    def waited(self):
        if self.seconds == 13:
            raise ValueError("13 is refused by the library; take 12")
        if self.seconds == 14:
            raise MemoryError
        while self.seconds == 1 and not Path(GATE).exists():
            time.sleep(0.01)
        if self.seconds > 1:
            time.sleep(self.seconds)
        return self.seconds

    def verdict(self):
        return Verdict(kind="claim", name="Waited", sentence=f"It took {self.waited:g} s.")

    @picture()
    def chart(self, style):
        size = {"width": style.width, "height": style.height}
        return {"data": [{"y": [self.waited, 1]}], "layout": size}

Page(Slow())
"""

TWO = """
from gradprod.explorers import App, app, lessons
from gradprod.explorers.controls import Real
from gradprod.explorers.model import Verdict, picture
from gradprod.explorers.sequence import SequenceExplorer

class Other(SequenceExplorer):
    number, title, lead, formula, formula_text = 4, "Other", "Another one.", "x^2", "x²"
    weight = Real("w", "weight", 1.0, low=-4, high=4, live=True)

    def verdict(self):
        sentence = f"{self.weight:g} over {self.sequence_length} steps."
        return Verdict(kind="claim", name="Sum", sentence=sentence)

    @picture()
    def chart(self, style):
        return {"data": [{"y": self.weight * self.inputs}],
                "layout": {"width": style.width, "height": style.height}}

class Here(lessons.Entry):
    def load(self):
        return Other

entries = list(lessons.LESSONS)
entries[3] = Here(4, "Other", "here:Other")
app.LESSONS = tuple(e if e.number in (3, 4) else lessons.Entry(e.number, e.name) for e in entries)
App()
"""


def drawn(page: Page, url: str) -> Page:
    page.goto(url)
    page.wait_for_selector(".gradprod .slot.main .main-svg")
    return page


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file: a second is over when it is there."""
    return tmp_path_factory.mktemp("gate") / "open"


@pytest.fixture(scope="module")
def slow(voila: Callable[..., str], gate: Path) -> str:
    """Address of the page that takes its time."""
    return voila(f"GATE = {str(gate)!r}\n{SLOW}")


def test_a_line_while_it_computes_and_a_way_to_stop_it(page: Page, slow: str, gate: Path) -> None:
    drawn(page, slow)
    settled(page)
    root = page.locator(".gradprod")
    box = page.get_by_role("textbox", name="s seconds")
    box.fill("1")
    box.press("Enter")
    expect(root).to_have_class(re.compile("computing"))
    expect(page.locator(".sentence")).to_have_text("It took 0 s.")
    gate.touch()
    expect(page.locator(".sentence")).to_have_text("It took 1 s.")
    expect(root).not_to_have_class(re.compile("computing"))
    box.fill("50")
    box.press("Enter")
    page.get_by_role("button", name="Stop").click()
    message = page.locator('[data-name="seconds"] .message')
    expect(message).to_have_text("✗ Stopped. The picture is the last good one.")
    expect(page.locator(".sentence")).to_have_text("It took 1 s.")
    assert float(page.get_by_role("slider", name="s seconds").input_value()) == 1
    box.fill("0.5")
    box.press("Enter")
    expect(page.locator(".sentence")).to_have_text("It took 0.5 s.")


def test_what_the_library_refuses_stands_under_the_control(page: Page, slow: str) -> None:
    drawn(page, slow)
    box, message = (
        page.get_by_role("textbox", name="s seconds"),
        page.locator('[data-name="seconds"] .message'),
    )
    for text, said in [
        ("13", "✗ 13 is refused by the library; take 12"),
        ("14", "✗ That needs more memory than there is."),
    ]:
        box.fill(text)
        box.press("Enter")
        expect(message).to_contain_text(said)
        expect(page.locator(".sentence")).to_have_text("It took 0 s.")
        assert float(page.get_by_role("slider", name="s seconds").input_value()) == 0


FRAGILE = """
import os
from gradprod.explorers import App
page = App()
page.on_msg(lambda widget, message, buffers: os._exit(1) if message.get("do") == "csv" else None)
page
"""


TOLD = """addEventListener('DOMContentLoaded', () => new MutationObserver(() => {
  const alert = document.querySelector('.gradprod .offline');
  if (alert?.checkVisibility()) sessionStorage.setItem('told', alert.textContent);
}).observe(document, { childList: true, subtree: true, attributes: true }));"""


def told_and_opened_again(page: Page) -> str:
    """What the page says before it opens itself again, once it has; that may be a moment later."""
    page.wait_for_function(
        """() => sessionStorage.told
          && document.querySelector('.gradprod:not(.waiting) [data-slot=chart] .main-svg')"""
    )
    settled(page)
    return page.evaluate("sessionStorage.told")


def forget_the_kernel(problems: list[str]) -> None:
    """The page asks after its kernel, and leaves it; both are answered with 404."""
    problems[:] = [p for p in problems if "/api/kernels/" not in p and "/api/shutdown/" not in p]


def test_a_kernel_that_dies_is_told_and_the_page_opens_again_as_it_was(
    page: Page, voila: Callable[..., str], problems: list[str]
) -> None:
    page.add_init_script(TOLD)
    drawn(page, f"{voila(FRAGILE)}?lesson=3&W_s=2.5")
    settled(page)
    said = page.locator(".sentence").inner_text()
    page.get_by_role("button", name="Data (CSV)").click()
    assert "Not connected to the computation." in told_and_opened_again(page)
    expect(page.locator(".sentence")).to_have_text(said)
    forget_the_kernel(problems)


def test_a_kernel_that_was_ended_is_missed_at_the_next_touch(
    page: Page, voila: Callable[..., str], problems: list[str]
) -> None:
    page.add_init_script(TOLD)
    drawn(page, f"{voila(APP)}?lesson=3&W_s=2.5")
    settled(page)
    said = page.locator(".sentence").inner_text()
    kernel = page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId")
    page.evaluate("id => fetch(`voila/api/shutdown/${id}`, {method: 'POST', body: new FormData()})", kernel)
    page.get_by_role("slider", name="W_x input weight").press("ArrowRight")
    assert "Not connected to the computation." in told_and_opened_again(page)
    expect(page.locator(".sentence")).to_have_text(said)
    expect(page.get_by_role("textbox", name="W_s recurrent weight")).to_have_value("2.5")
    forget_the_kernel(problems)


SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); sockets.push(this); }
};
"""
MOVE_AND_CUT = """() => {
  const handle = document.querySelector('.gradprod .controls [type=range]');
  for (let i = 0; i < 4; i++) {
    handle.value = Number(handle.value) + 0.05;
    handle.dispatchEvent(new Event('input', {bubbles: true}));
  }
  sockets.at(-1).close();
}"""


CURVES = "() => document.querySelector('.slot.main .js-plotly-plot').data.map(d => Array.from(d.y ?? []))"


def test_a_lost_connection_loses_nothing(page: Page, voila: Callable[..., str]) -> None:
    page.add_init_script(SOCKETS)
    drawn(page, f"{voila(APP)}?lesson=3&W_s=1")
    for reached in ("1.2", "1.4"):
        page.evaluate(MOVE_AND_CUT)
        page.wait_for_url(re.compile(f"W_s={reached}&"))
        expect(page.get_by_role("textbox", name="W_s recurrent weight")).to_have_value(reached)
    assert page.evaluate("sockets.length") == 3
    settled(page)
    said, table = page.locator(".sentence").inner_text(), page.locator("dl").inner_text()
    picture = page.evaluate(CURVES)
    page.reload()
    page.wait_for_selector(".gradprod:not(.opening) [data-slot=chart] .main-svg")
    settled(page)
    expect(page.locator(".sentence")).to_have_text(re.sub(r"\s+", " ", said))
    assert page.locator("dl").inner_text() == table
    assert page.evaluate(CURVES) == picture


def test_shared_settings_go_along_and_the_browser_goes_back(page: Page, voila: Callable[..., str]) -> None:
    drawn(page, f"{voila(TWO)}?lesson=3&W_s=1.5&T=40")
    expect(page.get_by_role("textbox", name="T sequence length")).to_have_value("40")
    page.get_by_role("navigation", name="Lessons").get_by_role("link", name="4 Other").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("4 Other")
    expect(page.locator(".sentence")).to_have_text("1 over 40 steps.")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.get_by_role("slider", name="w weight").press("ArrowRight")
    expect(page.locator(".sentence")).to_have_text("1.05 over 40 steps.")
    page.wait_for_url(re.compile("lesson=4&w=1.05"))
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 Vanish or explode")
    expect(page.get_by_role("textbox", name="W_s recurrent weight")).to_have_value("1.5")
    page.go_forward()
    expect(page.locator(".sentence")).to_have_text("1.05 over 40 steps.")
    page.get_by_role("link", name="‹ 3 Vanish or explode").click()
    expect(page.get_by_role("textbox", name="W_s recurrent weight")).to_have_value("1.5")
    page.locator("[data-slot=chart] .main-svg").first.wait_for()


def test_lessons_are_picked_on_a_phone(visit: Callable[..., Page], voila: Callable[..., str]) -> None:
    page = drawn(visit(viewport={"width": 390, "height": 844}, has_touch=True), f"{voila(TWO)}?lesson=3")
    page.locator(".pick select").select_option("4")
    expect(page.locator(".sentence")).to_contain_text("1 over 50 steps.")
    page.locator(".pick").get_by_role("link", name=re.compile("Previous: 3")).click()
    expect(page.locator(".chip")).to_have_text("▼ Vanishes")


def test_a_notebook_cell_under_voila_shows_its_own_page(page: Page, voila: Callable[..., str]) -> None:
    drawn(
        page, voila("from gradprod.explorers import VanishOrExplode\nVanishOrExplode(recurrent_weight=2.0)")
    )
    expect(page.get_by_role("textbox", name="W_s recurrent weight")).to_have_value("2")
    expect(page.get_by_role("navigation", name="Lessons")).to_have_count(0)
    page.get_by_role("slider", name="W_s recurrent weight").press("ArrowRight")
    expect(page.get_by_role("textbox", name="W_s recurrent weight")).to_have_value("2.05")
    assert "W_s" not in page.url


def test_a_cell_in_jupyterlab(lab: Callable[..., Page]) -> None:
    page = lab(
        "from gradprod.explorers import VanishOrExplode\nlesson = VanishOrExplode()\nlesson",
        "lesson.recurrent_weight = 2.0",
    )
    page.wait_for_selector(".gradprod [data-slot=chart] .main-svg")
    box = page.get_by_role("textbox", name="W_s recurrent weight")
    expect(box).to_have_value("2")
    page.get_by_role("slider", name="W_s recurrent weight").press("ArrowRight")
    expect(box).to_have_value("2.05")
    page.keyboard.press("p")
    expect(page.get_by_text("press Esc to leave")).to_be_visible()
    assert page.evaluate(
        "(r => r.left <= 0 && r.right >= innerWidth && r.top <= 0)"
        "(document.querySelector('.gradprod').getBoundingClientRect())"
    )
    page.keyboard.press("Escape")
    expect(page.get_by_text("press Esc to leave")).to_be_hidden()
    expect(page.locator(".formula mjx-container")).to_be_visible()


@pytest.mark.parametrize("number", [entry.number for entry in LESSONS if entry.home])
def test_little_travels_at_the_start(page: Page, voila: Callable[..., str], number: int) -> None:
    received: list[int] = []
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda payload: received.append(len(payload))),
    )
    drawn(page, f"{voila(APP)}?lesson={number}")
    page.wait_for_timeout(1500)
    assert sum(received) <= 150_000
