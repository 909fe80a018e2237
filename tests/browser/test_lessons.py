"""Every lesson as its reader meets it: by link, at every width, by keyboard, presented, dark, alone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect
from visits import free_port, notebook, running, settled, wait_for

from gradprod.explorers.lessons import LESSONS, Entry

BUILT = [entry for entry in LESSONS if entry.home]
lessons = pytest.mark.parametrize("entry", BUILT, ids=lambda entry: entry.class_name)
DRAWN = ".slot.main .main-svg"

UNNAMED = """() => {
  const visible = n => n.checkVisibility({visibilityProperty: true});
  const text = n => (n?.textContent ?? '').trim();
  const by = n => document.getElementById(n.getAttribute('aria-labelledby'));
  const ids = [...document.querySelectorAll('.gradprod [id]')].map(n => n.id);
  const named = n => n.getAttribute('aria-label') || text(by(n)) || [...(n.labels ?? [])].some(text) ||
    (n.matches('button, a, summary, h1') && text(n));
  const stops = ':is(button, a[href], select, input, summary, [tabindex="0"], [role])';
  const some = document.querySelectorAll(`.gradprod ${stops}:not([role=status], [role=alert])`);
  const bare = [...some].filter(n => visible(n) && !named(n));
  return [...bare.map(n => n.outerHTML.slice(0, 160)), ...ids.filter((id, i) => ids.indexOf(id) !== i)];
}"""

PICTURES = """() => [...document.querySelectorAll('.slot.main, .charts .diagram')]
  .filter(n => n.checkVisibility())
  .map(n => [n.dataset.slot ?? 'diagram', n.querySelector('[role=img]')?.getAttribute('aria-label') ?? '',
    n.querySelectorAll('svg path, svg image, canvas').length])"""

CUT = """() => [...document.querySelectorAll(
  '.gradprod :is(.chip, .formula, .controls button, .under button, legend, h2, label, dt, dd b, th, td)')]
  .filter(n => n.checkVisibility())
  .filter(n => n.scrollWidth > n.clientWidth + 2 && getComputedStyle(n).display !== 'inline'
    || n.getBoundingClientRect().right > innerWidth + 1 && !n.closest('.tablebox, .panel, .diagram'))
  .map(n => n.outerHTML.slice(0, 120))"""

NARROW = """() => [...document.querySelectorAll('.slot')]
  .filter(n => n.checkVisibility() && n.querySelector('.gradprod-plot'))
  .filter(n => n.querySelector('.gradprod-plot').clientWidth < n.clientWidth - 2 || n.clientWidth < 220)
  .map(n => `${n.dataset.slot} ${n.clientWidth}`)"""

SMALL = """() => [...document.querySelectorAll('.gradprod *')]
  .filter(n => n.checkVisibility({visibilityProperty: true}))
  .filter(n => [...n.childNodes].some(c => c.nodeType === 3 && c.data.trim()))
  .filter(n => !n.closest('sub, sup, .sr, .skip, tspan, math, mjx-container, [baseline-shift]'))
  .map(n => [n, n.closest('svg:not(.main-svg)')?.getScreenCTM().a ?? 1])
  .map(([n, zoom]) => [parseFloat(getComputedStyle(n).fontSize) * zoom, n])
  .filter(([size]) => size < 19.5).map(([size, n]) => `${size} ${n.outerHTML.slice(0, 90)}`)"""


def opened(page: Page, url: str, number: int) -> Page:
    """The lesson by its link, drawn and at rest."""
    page.goto(f"{url}?lesson={number}")
    page.wait_for_selector(f".gradprod:not(.opening) {DRAWN}")
    settled(page)
    expect(page.locator(".sentence")).not_to_be_empty()
    return page


def soon(page: Page, script: str) -> list[str]:
    """What `script` finds wrong, once that is nothing: pictures follow when their place has another size."""
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(f"() => !({script})().length")
    return page.evaluate(script)


def word(page: Page, sentence: str) -> None:
    """No error stands on the page."""
    errors = page.locator(".gradprod :is(.message.error, .offline, [role=alert]):visible")
    assert errors.all_inner_texts() == [], sentence


def handles(page: Page) -> list[Locator]:
    return page.locator(".controls [type=range]:visible").all()


def each_picture_is_drawn_and_named(page: Page) -> None:
    expect(page.locator(f"{DRAWN}:visible, .charts .diagram svg:visible").first).to_be_visible()
    pictures = page.evaluate(PICTURES)
    assert pictures
    for name, label, marks in pictures:
        assert marks, name
        assert re.search(r"\w.*\s.*\w.*\s.*\w", label), f"{name}: {label!r} is no sentence"


@lessons
def test_on_a_desk(page: Page, app_url: str, entry: Entry) -> None:
    opened(page, app_url, entry.number)
    expect(page.locator("h1 .no")).to_have_text(str(entry.number))
    expect(page.locator(".lessons [aria-current=page]")).to_contain_text(entry.name)
    each_picture_is_drawn_and_named(page)
    assert page.evaluate(UNNAMED) == []
    names = page.evaluate("[...document.querySelectorAll('.slot[tabindex]')].map(n => n.ariaLabel)")
    assert all(re.match(r"\w", name) for name in names), names
    expect(page.locator(".formula :is(mjx-container, math)").first).to_be_visible()
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    assert page.evaluate("document.querySelector('.chip').offsetHeight") < 40

    low = page.evaluate(
        "[...document.querySelectorAll('.slot.main, .controls [type=range]')]"
        ".filter(n => n.checkVisibility())"
        ".map(n => [n.getBoundingClientRect().bottom, n.dataset.slot ?? n.ariaLabel])"
        ".filter(([bottom]) => bottom > 900)"
    )
    assert low == []
    every_slider_moves(page)
    every_button_is_pressed(page)
    a_pin_stays_until_it_is_taken_out(page)
    a_question_is_asked_and_answered(page)
    it_is_presented(page)
    it_is_dark(page)
    for width in (1240, 1100, 960, 800):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        assert soon(page, CUT) == [], width
        assert soon(page, NARROW) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    each_picture_is_drawn_and_named(page)
    word(page, "on a tablet")


def every_slider_moves(page: Page) -> None:
    assert handles(page)
    for handle in handles(page):
        name, before = handle.get_attribute("aria-label"), handle.get_attribute("aria-valuetext")
        key = "ArrowLeft" if handle.evaluate("n => n.value === n.max") else "ArrowRight"
        handle.press(key)
        expect(handle, name).not_to_have_attribute("aria-valuetext", before or "")
        box = page.get_by_role("textbox", name=name, exact=True)
        expect(box).to_have_value(handle.get_attribute("aria-valuetext") or "")
        settled(page)
    word(page, "after the sliders")


def every_button_is_pressed(page: Page) -> None:
    for summary in page.locator(".group summary, .numbers summary").all():
        summary.click()
    expect(page.locator(".tablebox tbody tr").first).to_be_visible()
    said = set()
    presets = page.locator(".chips button")
    for i in range(presets.count()):
        presets.nth(i).click()
        expect(presets.nth(i)).to_have_attribute("aria-pressed", "true")
        settled(page)
        said.add(page.locator(".verdict").inner_text())
        word(page, f"preset {presets.nth(i).inner_text()}")
    assert len(said) > 1
    card = page.locator(".claim:visible")
    count = re.search(r"of (\d+)", card.inner_text()) if card.count() else None
    for _ in range(int(count[1]) if count else card.count()):
        test = page.locator(".claim").get_by_role("button", name="Test it")
        test.click()
        expect(test).to_have_attribute("aria-pressed", "true")
        settled(page)
        expect(page.locator(".claim .tag")).to_have_text(re.compile("[✓✗=±] (Holds|Fails|Exact|True)"))
        word(page, page.locator(".claim blockquote").inner_text())
        if page.locator(".pager").count():
            page.locator(".pager button").last.click()
            settled(page)
    presets.first.click()
    pressed = page.locator(
        ".layers button:visible, .controls .segments button, .under .segments button, .action"
    )
    for i in range(pressed.count()):
        button = pressed.nth(i)
        if button.is_visible():
            button.click()
            settled(page)
            word(page, "after a button")
    for select in page.locator(".under select:visible").all():
        for value in select.locator("option").evaluate_all("all => all.map(n => n.value)"):
            select.select_option(value)
            settled(page)
            word(page, f"{value} below")
    each_picture_is_drawn_and_named(page)
    page.get_by_role("button", name="Reset everything").click()
    settled(page)
    expect(presets.first).to_have_attribute("aria-pressed", "true")


def a_pin_stays_until_it_is_taken_out(page: Page) -> None:
    pin, unpin = page.locator(".layers .pin"), page.locator(".layers .unpin")
    presets = page.locator(".chips button")
    if unpin.is_visible():  # pressing every button may have pinned already
        unpin.click()
    expect(unpin).to_be_hidden()
    for i in (0, 1, 0):
        presets.nth(i).click()
        settled(page)
        pin.click()
        expect(unpin).to_be_visible()
    presets.nth(presets.count() - 1).click()
    settled(page)
    word(page, "with three pins")
    assert page.evaluate(CUT) == []
    each_picture_is_drawn_and_named(page)
    unpin.click()
    expect(unpin).to_be_hidden()
    presets.first.click()
    settled(page)


def a_question_is_asked_and_answered(page: Page) -> None:
    if not page.locator(".predict:visible").count():
        return
    page.keyboard.press("q")
    guess = page.get_by_role("slider", name="Your prediction")
    expect(guess).to_be_focused()
    settled(page)
    for part in (".verdict", ".measured", ".rule", ".where", ".panel", ".slot.below"):
        for node in page.locator(f".gradprod {part}").all():
            expect(node).to_be_hidden()
    assert not page.locator(".tablebox table").count()
    words = page.locator(".predict output").inner_text()
    guess.press("ArrowLeft" if guess.evaluate("n => n.value === n.max") else "ArrowRight")
    expect(page.locator(".predict output")).not_to_have_text(words)
    assert page.evaluate(UNNAMED) == []
    page.locator(".predict .primary").click()
    settled(page)
    expect(page.locator(".predict")).to_contain_text("You said")
    expect(page.locator(".verdict")).to_be_visible()
    word(page, "after the answer")


def it_is_presented(page: Page) -> None:
    page.keyboard.press("p")
    expect(page.get_by_text("press Esc to leave")).to_be_visible()
    settled(page)
    assert soon(page, SMALL) == []
    each_picture_is_drawn_and_named(page)
    assert page.evaluate("document.querySelector('.gradprod').scrollHeight <= innerHeight")
    assert page.evaluate("document.querySelector('.sheet').scrollHeight <= innerHeight")
    assert 1 <= page.get_by_role("slider").count() <= 3
    plot = page.locator(".slot.main:visible .plot").first
    expect(plot.locator(".main-svg").first).to_have_css("width", f"{plot.evaluate('n => n.clientWidth')}px")
    page.keyboard.press("Escape")
    expect(page.get_by_text("press Esc to leave")).to_be_hidden()


def it_is_dark(page: Page) -> None:
    page.get_by_role("button", name="Dark").click()
    settled(page)
    expect(page.locator(".gradprod")).to_have_attribute("data-theme", "dark")
    ink = page.locator(".slot.main:visible .annotation-text").first
    expect(ink).to_have_css("color", re.compile(r"rgb\((244, 247, 250|169, 180, 192)\)"))


@lessons
def test_on_a_phone(visit: Callable[..., Page], app_url: str, entry: Entry) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    opened(page, app_url, entry.number)
    each_picture_is_drawn_and_named(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(UNNAMED) == []
    assert page.evaluate(CUT) == []
    share = 0.55 if page.locator(".gradprod.square, .charts .diagram").count() else 0.45
    assert page.evaluate("document.querySelector('.pinned').offsetHeight") <= share * 844
    for handle in handles(page):
        before = handle.get_attribute("aria-valuetext")
        handle.press("ArrowLeft" if handle.evaluate("n => n.value === n.max") else "ArrowRight")
        expect(handle).not_to_have_attribute("aria-valuetext", before or "")
        assert page.evaluate("document.querySelector('.pinned').getBoundingClientRect().top") >= -1
    settled(page)
    word(page, "on a phone")


def test_presets_of_other_lessons_are_added_and_taken_out_by_keyboard(page: Page, app_url: str) -> None:
    opened(page, app_url, 11)
    menu = page.get_by_label("Other lessons’ presets", exact=True)
    chips, ranking = page.locator(".picked button"), page.locator(".panel table").first
    menu.focus()
    menu.select_option("lstm.open")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Add, Other lessons’ presets")).to_be_focused()
    page.keyboard.press("Enter")
    expect(chips).to_have_text(["LSTM, Open ✕"])
    expect(ranking).to_contain_text("LSTM, Open")
    expect(menu.locator("option[value='lstm.open']")).to_be_disabled()
    expect(menu).to_have_value("lstm.shut")
    page.keyboard.press("Enter")
    expect(chips).to_have_text(["LSTM, Open ✕", "LSTM, Shut ✕"])
    expect(page.locator("footer .address input")).to_have_value(re.compile("add=lstm.open,lstm.shut"))
    for _ in range(4):
        page.keyboard.press("Enter")
        settled(page)
    expect(chips).to_have_count(6)
    word(page, "with six")
    page.keyboard.press("Enter")
    error = page.locator(".picks .message.error")
    expect(error).to_contain_text(
        "must be at most 6 of the menu’s entries, each once, such as plain.vanish, got 7"
    )
    expect(chips).to_have_count(6)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Take out LSTM, Open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(chips).to_have_count(5)
    expect(page.get_by_role("button", name="Take out LSTM, Shut")).to_be_focused()
    expect(error).to_be_hidden()
    expect(ranking).not_to_contain_text("LSTM, Open")
    for _ in range(5):
        page.keyboard.press("Enter")
        settled(page)
    expect(chips).to_have_count(0)
    expect(menu).to_be_focused()
    assert page.evaluate(UNNAMED) == []


def test_the_row_of_layers_is_named_while_there_is_one(page: Page, app_url: str) -> None:
    opened(page, app_url, 2)
    name = page.locator(".layers .label")
    expect(page.get_by_role("button", name="Pin", exact=True)).to_be_visible()
    expect(name).to_be_hidden()
    page.get_by_label("Input", exact=True).select_option("noise")
    expect(page.get_by_role("button", name="Band over seeds")).to_be_visible()
    expect(name).to_have_text("Show")
    expect(name).to_be_visible()


def test_a_button_comes_after_what_was_dragged_before_it(page: Page, app_url: str) -> None:
    opened(page, app_url, 3)
    page.evaluate(
        """() => {
          const slider = document.querySelector('.controls [type=range]');
          for (const v of [1, 2, 3]) { slider.value = v; slider.dispatchEvent(new Event('input')); }
          document.querySelectorAll('.chips button')[1].click();
        }"""
    )
    expect(page.locator(".chips button").nth(1)).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(500)
    expect(page.locator(".chips button").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("textbox", name="W_s recurrent weight")).to_have_value("1")


def test_a_picture_that_was_out_of_sight_for_a_moment_goes_on(page: Page, app_url: str) -> None:
    page.add_init_script(
        """const Watch = IntersectionObserver;
        globalThis.IntersectionObserver = class extends Watch {
          constructor(call) { super(entries => call([{ isIntersecting: false }, ...entries], this)); }
        };"""
    )
    opened(page, app_url, 3)
    picture = page.locator(".slot.main [role=img]")
    page.locator(".chips button").nth(2).click()
    expect(picture).to_have_attribute("aria-label", re.compile("Explodes"))
    expect(page.locator(".slot.main .annotation-text", has_text="explodes").first).to_be_visible()


def test_copied_is_said_for_a_moment(page: Page, app_url: str) -> None:
    opened(page, app_url, 3)
    button = page.locator("footer button", has_text="LaTeX")
    button.evaluate(
        """node => { globalThis.said = [];
        new MutationObserver(() => said.push(node.textContent)).observe(node, { childList: true }); }"""
    )
    button.dblclick()
    page.wait_for_function("() => said.includes('LaTeX')")
    assert set(page.evaluate("said.slice(0, said.indexOf('LaTeX'))")) == {"Copied"}
    expect(page.locator("footer button", has_text="Copied")).to_have_count(0)
    expect(button).to_be_visible()


def test_the_picture_that_is_seen_is_the_one_that_is_saved(page: Page, app_url: str, tmp_path: Path) -> None:
    page.goto(f"{app_url}?lesson=10&remedy=truncation")
    page.wait_for_selector(".gradprod:not(.opening) .slot.main:not([hidden]) .main-svg")
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Picture (SVG)").click()
    waiting.value.save_as(tmp_path / "picture.svg")
    seen = page.locator(".slot.main:visible .annotation-text").first.inner_html()
    saved = re.sub("<[^>]*>", "", (tmp_path / "picture.svg").read_text())
    assert re.sub("<[^>]*>", "", seen) in saved
    assert "gradprod 10  Remedies" in saved.replace("\N{NO-BREAK SPACE}", " ")
    assert "remedy = truncation" in saved


@pytest.fixture(scope="module")
def stock_voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """`stock_voila(cell)`: address at which Voilà as it comes shows a notebook of one cell."""
    folder, port = tmp_path_factory.mktemp("stock"), free_port()
    home = tmp_path_factory.mktemp("home")
    places = {"JUPYTER_CONFIG_DIR": str(home), "IPYTHONDIR": str(home / "ipython")}
    arguments = (
        "-m",
        "voila",
        str(folder),
        "--no-browser",
        f"--port={port}",
        "--port_retries=0",
        "--Voila.ip=127.0.0.1",
    )
    with running(*arguments, log=home / "log.txt", **places) as process:
        wait_for(f"http://127.0.0.1:{port}/", process, home / "log.txt")

        def url(cell: str) -> str:
            (folder / "page.ipynb").write_text(notebook(cell, kernel="python3"))
            return f"http://127.0.0.1:{port}/voila/render/page.ipynb"

        yield url


def a_lesson_alone(page: Page, number: int) -> None:
    """It is all there without the app, and moves."""
    page.wait_for_selector(f".gradprod {DRAWN}")
    each_picture_is_drawn_and_named(page)
    expect(page.locator("h1 .no")).to_have_text(str(number))
    assert page.evaluate(UNNAMED) == []
    every_slider_moves(page)
    presets = page.locator(".chips button")
    presets.last.click()
    expect(presets.last).to_have_attribute("aria-pressed", "true")
    settled(page)
    word(page, "alone")


def test_alone_in_jupyterlab(lab: Callable[..., Page]) -> None:
    a_lesson_alone(lab("from gradprod.explorers import LSTM\nLSTM()"), 6)


def test_alone_in_voila_as_it_comes(
    page: Page, problems: list[str], stock_voila: Callable[[str], str]
) -> None:
    page.goto(stock_voila("from gradprod.explorers import GateSurface\nGateSurface()"))
    a_lesson_alone(page, 4)
    stock = ("cdn.jsdelivr.net", "net::ERR_NAME_NOT_RESOLVED", "/gradprod/plotly-", "status of 404")
    problems[:] = [p for p in problems if not any(part in p for part in stock)]  # Voilà's own, and no route


def test_a_slider_ends_where_another_control_says(page: Page, app_url: str) -> None:
    opened(page, app_url, 9)
    t, T = page.get_by_role("slider", name="output step"), page.get_by_role("textbox", name="sequence length")
    t.press("End")
    expect(t).to_have_attribute("aria-valuetext", "40")
    ticks = page.locator("[data-name=step] .ticks span")
    expect(ticks).to_have_text(["1", "40"])
    T.fill("200")
    T.press("Enter")
    expect(ticks).to_have_text(["1", "50", "100", "150", "200"])
    t.press("End")
    expect(t).to_have_attribute("aria-valuetext", "200")
    word(page, "at the end")
