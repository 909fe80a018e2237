"""The page of a lesson in a real browser: everything on it can be moved, and what is seen follows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect
from visits import settled

APP = "from gradprod.explorers import App\nApp()"
START = "Falls tenfold every 3.1 steps; after 50 steps 1 part in 1016 is left."


@pytest.fixture
def url(voila: Callable[..., str]) -> str:
    return voila(APP)


@pytest.fixture
def lesson(page: Page, url: str) -> Page:
    """Lesson 3 in the app, drawn."""
    return opened(page, f"{url}?lesson=3")


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    page.wait_for_selector(".gradprod [data-slot=chart] .main-svg")
    settled(page)
    return page


def sentence(page: Page) -> Locator:
    return page.locator(".gradprod .sentence")


def slider(page: Page, name: str = "W_s recurrent weight") -> Locator:
    return page.get_by_role("slider", name=name)


def box(page: Page, name: str = "W_s recurrent weight") -> Locator:
    return page.get_by_role("textbox", name=name)


def curves(page: Page) -> list[dict[str, Any]]:
    """The traces that plotly shows in the main picture, arrays as lists."""
    found: list[dict[str, Any]] = page.evaluate(
        "document.querySelector('[data-slot=chart] .js-plotly-plot').data"
        ".map(d => ({uid: d.uid, type: d.type, y: Array.from(d.y ?? [])}))"
    )
    return found


def query(page: Page) -> dict[str, str]:
    return {k: v[0] for k, v in parse_qs(urlsplit(page.url).query).items()}


def test_the_page_reads_complete_when_nobody_touches_anything(lesson: Page) -> None:
    expect(lesson.get_by_role("heading", level=1)).to_have_text("3 Vanish or explode")
    expect(lesson.locator(".chip")).to_have_text("▼ Vanishes")
    expect(sentence(lesson)).to_have_text(START)
    expect(lesson.get_by_text("Rule: it holds if the product at the longest lag")).to_be_visible()
    expect(lesson.locator("dl")).to_contain_text("Effective memory")
    expect(lesson.get_by_role("img", name=re.compile("Vanishes. Falls tenfold every 3.1"))).to_be_visible()
    expect(lesson).to_have_title("3 Vanish or explode · gradprod")
    assert len(curves(lesson)) >= 2
    expect(lesson.locator(".formula mjx-container")).to_be_visible()


def test_every_handle_has_a_name_and_moves_by_keyboard(lesson: Page) -> None:
    for name, key, text in [
        ("W_s recurrent weight", "ArrowRight", "0.95"),
        ("W_s recurrent weight", "PageDown", "0.45"),
        ("W_x input weight", "ArrowLeft", "0.45"),
        ("b bias", "End", "4"),
        ("b bias", "Home", "\N{MINUS SIGN}4"),
        ("T sequence length", "ArrowUp", "51"),
        ("T sequence length", "PageUp", "61"),
        ("T sequence length", "End", "10000"),
        ("T sequence length", "Home", "1"),
    ]:
        slider(lesson, name).press(key)
        expect(box(lesson, name)).to_have_value(text)
        expect(slider(lesson, name)).to_have_attribute("aria-valuetext", text)
    expect(sentence(lesson)).not_to_have_text(START)
    expect(lesson.locator("#never")).to_have_count(0)
    lesson.wait_for_url(lambda url: "T=1&" in url and "W_s=0.45" in url)


def test_dragging_ends_where_the_hand_ends(lesson: Page) -> None:
    handle = slider(lesson)
    place = handle.bounding_box()
    assert place is not None
    middle = place["y"] + place["height"] / 2
    lesson.mouse.move(place["x"] + place["width"] / 2, middle)
    lesson.mouse.down()
    for i in range(60):
        lesson.mouse.move(place["x"] + place["width"] * (0.5 + i / 150), middle)
    lesson.mouse.move(place["x"] + place["width"] - 1, middle)
    lesson.mouse.up()
    expect(box(lesson)).to_have_value("4")
    lesson.wait_for_url(re.compile("W_s=4&"))
    expect(lesson.get_by_role("img", name=re.compile("Product|Vanish")).first).to_be_visible()


def test_a_typed_value_is_taken_to_the_digit(lesson: Page) -> None:
    box(lesson).fill("\N{MINUS SIGN}1.2345")
    box(lesson).press("Enter")
    lesson.wait_for_url(re.compile(re.escape("W_s=-1.2345&")))
    assert float(slider(lesson).input_value()) == pytest.approx(-1.2345)
    lesson.get_by_role("button", name="Reset W_s recurrent weight").click()
    expect(box(lesson)).to_have_value("0.9")
    expect(sentence(lesson)).to_have_text(START)


def test_a_wrong_value_stands_under_its_control_and_the_picture_stays(lesson: Page) -> None:
    before = curves(lesson)
    for text, said in [
        ("12", "✗ Ws must be a number from −4 to 4, got “12”. The picture still shows 0.9."),
        (
            "0,5",
            "✗ Ws must be written with a decimal point, got “0,5”; write 0.5. The picture still shows 0.9.",
        ),
        ("nan", "✗ Ws must be a number from −4 to 4, got “nan”. The picture still shows 0.9."),
        ("<b>", "✗ Ws must be a number from −4 to 4, got “<b>”. The picture still shows 0.9."),
    ]:
        box(lesson).fill(text)
        box(lesson).press("Enter")
        expect(lesson.locator('[data-name="recurrent_weight"] .message')).to_have_text(said)
        expect(box(lesson)).to_have_value(text)
        expect(box(lesson)).to_have_attribute("aria-invalid", "true")
    assert float(slider(lesson).input_value()) == pytest.approx(0.9)
    assert curves(lesson) == before
    expect(lesson.locator("[aria-live=polite]")).to_have_text(re.compile("must be a number"))
    box(lesson).fill("1.5")
    box(lesson).press("Enter")
    expect(lesson.locator('[data-name="recurrent_weight"] .message')).to_be_hidden()
    expect(sentence(lesson)).not_to_have_text(START)


def test_presets_toggles_and_layers_are_pressed(lesson: Page) -> None:
    vanish, hold = (lesson.get_by_role("button", name=name, exact=True) for name in ("Vanish", "Hold"))
    expect(vanish).to_have_attribute("aria-pressed", "true")
    hold.click()
    expect(hold).to_have_attribute("aria-pressed", "true")
    expect(vanish).to_have_attribute("aria-pressed", "false")
    expect(lesson.locator(".chip")).to_have_text("■ Holds")
    linear, tanh = (lesson.get_by_role("radio", name=name) for name in ("linear", "tanh"))
    expect(linear).to_have_attribute("aria-checked", "true")
    linear.press("ArrowRight")
    expect(tanh).to_have_attribute("aria-checked", "true")
    expect(tanh).to_be_focused()
    expect(hold).to_have_attribute("aria-pressed", "false")
    lesson.get_by_role("button", name="Each factor").click()
    lesson.wait_for_url(re.compile("factors=1"))
    expect(lesson.get_by_role("button", name="Each factor")).to_have_attribute("aria-pressed", "true")
    lesson.get_by_role("button", name="Reset everything").click()
    expect(vanish).to_have_attribute("aria-pressed", "true")


def test_a_case_of_each_preset(lesson: Page) -> None:
    for name, said in [
        ("Explode", "▲ Explodes"),
        ("Saturate", "▼ Vanishes"),
        ("0.0150", "▼ Vanishes"),
        ("Hold", "■ Holds"),
    ]:
        lesson.locator(".chips button", has_text=name).click()
        expect(lesson.locator(".chip")).to_have_text(said)
        expect(lesson.locator(".chips button", has_text=name)).to_have_attribute("aria-pressed", "true")


def test_the_map_is_moved_by_arrows_and_by_click(lesson: Page) -> None:
    map = lesson.get_by_role("group", name=re.compile("Where you are"))
    map.focus()
    map.press("ArrowRight")
    expect(box(lesson)).to_have_value("1")
    map.press("ArrowUp")
    expect(box(lesson, "W_x input weight")).to_have_value("0.6")
    map.locator(".main-svg").first.wait_for()
    place = map.locator(".nsewdrag").first.bounding_box()
    assert place is not None
    lesson.mouse.click(place["x"] + place["width"] * 0.25, place["y"] + place["height"] * 0.25)
    expect(box(lesson)).to_have_value(re.compile("^\N{MINUS SIGN}(1.9|2|2.1)$"))
    expect(box(lesson, "W_x input weight")).to_have_value(re.compile("^(1.8|2|2.2)$"))


def test_a_click_in_the_map_goes_after_the_keys_before_it(lesson: Page) -> None:
    map = lesson.get_by_role("group", name=re.compile("Where you are"))
    map.locator(".main-svg").first.wait_for()
    map.focus()  # which scrolls there
    place = map.locator(".nsewdrag").first.bounding_box()
    assert place is not None
    kernels = [
        child
        for child in psutil.Process().children(recursive=True)
        if "gradprod.serve.kernel" in child.cmdline()
    ]
    for kernel in kernels:
        kernel.suspend()
    map.press("ArrowRight")  # under way
    map.press("ArrowUp")  # waits for that one
    lesson.mouse.click(place["x"] + place["width"] * 0.25, place["y"] + place["height"] * 0.25)
    for kernel in kernels:
        kernel.resume()
    settled(lesson)
    expect(box(lesson)).to_have_value(re.compile("^\N{MINUS SIGN}(1.9|2|2.1)$"))
    expect(box(lesson, "W_x input weight")).to_have_value(re.compile("^(1.8|2|2.2)$"))


def test_nothing_gives_the_answer_away_while_a_question_is_open(lesson: Page) -> None:
    lesson.keyboard.press("q")
    guess = slider(lesson, "Your prediction")
    expect(guess).to_be_focused()
    expect(box(lesson)).to_have_value("1.5")
    expect(lesson.get_by_text("drawn once you commit")).to_be_visible()
    settled(lesson)
    for part in (".chip", "dl", "[data-slot=map]", ".pager"):
        expect(lesson.locator(f".gradprod {part}").first).to_be_hidden()
    exact = next(c for c in curves(lesson) if c["uid"] not in (None, "prediction", "bound"))
    assert len(exact["y"]) <= 5
    assert "10⁻¹²" not in lesson.locator(".gradprod").inner_text()
    for control in (slider(lesson), box(lesson), lesson.get_by_role("button", name="Reset everything")):
        expect(control).to_be_disabled()
    expect(
        lesson.get_by_text("The controls wait: the question is about the case they are at.")
    ).to_be_visible()
    for _ in range(2):
        guess.press("ArrowRight")
    expect(lesson.locator("output")).to_have_text("1011 times as large")
    lesson.get_by_role("button", name="Show the curve").click()
    expect(lesson.get_by_text("You said 1011; it is 10−12: 23 powers of ten lower.")).to_be_visible()
    expect(lesson.locator(".chip")).to_have_text("▼ Vanishes")
    settled(lesson)
    assert any(c["uid"] == "prediction" and c["y"] == [11] for c in curves(lesson))
    slider(lesson).press("ArrowRight")
    expect(lesson.get_by_role("button", name="Predict first")).to_be_visible()


def test_a_question_can_be_skipped(lesson: Page) -> None:
    lesson.get_by_role("button", name="Predict first").click()
    lesson.get_by_role("button", name="Skip", exact=True).click()
    expect(lesson.locator(".chip")).to_be_visible()
    expect(lesson.get_by_role("button", name="Predict first")).to_be_focused()


def test_claims_are_turned_and_tested(lesson: Page) -> None:
    card = lesson.locator(".claim")
    expect(card).to_contain_text("✓ Holds here")
    card.get_by_role("button", name="Next").click()
    expect(card).to_contain_text("goes to infinity")
    expect(card).to_contain_text("2 of 4")
    expect(card.get_by_role("button", name="Next")).to_be_focused()
    card.get_by_role("button", name="Test it").click()
    expect(card).to_contain_text("✗ Fails here")
    expect(card).to_contain_text("It grows to 400 at lag 5.")
    expect(box(lesson)).to_have_value("4")
    expect(card.get_by_role("button", name="Test it")).to_have_attribute("aria-pressed", "true")


def test_a_link_opens_the_same_picture(lesson: Page, url: str) -> None:
    link = "lesson=3&W_s=-1.3&W_x=1.25&b=0.5&phi=sigmoid&T=77&input=noise&seed=3&bound=0"
    opened(lesson, f"{url}?{link}")
    expect(box(lesson)).to_have_value("\N{MINUS SIGN}1.3")
    said = sentence(lesson).inner_text()
    assert said != START
    for key, value in parse_qs(link).items():
        assert query(lesson)[key] == value[0]
    copied = lesson.get_by_label("Link to this picture").input_value()
    lesson.wait_for_url(copied)
    opened(lesson, copied)
    expect(sentence(lesson)).to_have_text(said)
    lesson.reload()
    expect(sentence(lesson)).to_have_text(said)


def test_a_wrong_link_says_which_and_opens_with_the_rest(lesson: Page, url: str) -> None:
    opened(lesson, f"{url}?lesson=77&W_s=12&T=20&phi=<script>alert(1)</script>")
    notes = lesson.locator(".linknotes li")
    expect(notes).to_have_count(3)
    expect(notes.nth(0)).to_have_text("The link is wrong: there is no lesson “77”.")
    expect(notes.nth(1)).to_contain_text("Ws must be a number from −4 to 4, got “12”. Opened with 0.9.")
    expect(notes.nth(2)).to_contain_text("got “<script>alert(1)</script>”")
    expect(box(lesson, "T sequence length")).to_have_value("20")


def test_downloads_are_what_is_seen(lesson: Page, tmp_path: Path) -> None:
    kept = {}
    for name in ("Data (CSV)", "Picture (PNG)", "Picture (SVG)"):
        with lesson.expect_download() as waiting:
            lesson.get_by_role("button", name=name).click()
        path = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(path)
        kept[path.suffix] = path.read_bytes()
    assert kept[".csv"].startswith(
        b"# gradprod, lesson 3: Vanish or explode\n# W_s (recurrent weight) = 0.9\n"
    )
    assert kept[".csv"].count(b"\n") > 60
    assert kept[".png"].startswith(b"\x89PNG")
    assert b"<svg" in kept[".svg"][:200]


def test_a_file_of_the_readers_own(lesson: Page) -> None:
    chooser = lesson.locator("input[type=file]")
    chooser.set_input_files(
        {"name": "lake.csv", "mimeType": "text/csv", "buffer": b"year,level\n1,3\n2,5\n3,4\n"}
    )
    expect(box(lesson, "T sequence length")).to_have_value("3")
    expect(lesson.get_by_label("Input", exact=True)).to_have_value("csv")
    expect(lesson.get_by_label("Column")).to_have_value("level")
    expect(lesson.get_by_text("The series has 3 values; the length was set to 3.")).to_be_visible()
    expect(lesson.get_by_label(re.compile("standardised"))).not_to_be_checked()
    said = sentence(lesson).inner_text()
    chooser.set_input_files({"name": "<i>bad</i>.csv", "mimeType": "text/csv", "buffer": b"a\n1\nx\n"})
    message = lesson.locator('[data-name="input"] .message')
    expect(message).to_contain_text('✗ <i>bad</i>.csv: row 3, column "a": "x" is not a finite number')
    expect(sentence(lesson)).to_have_text(said)
    chooser.set_input_files({"name": "huge.csv", "mimeType": "text/csv", "buffer": b"1\n" * 3_000_000})
    expect(message).to_have_text("✗ The file has 6.0 MB, and at most 5 MB are read.")
    expect(sentence(lesson)).to_have_text(said)


def test_the_table_of_numbers(lesson: Page) -> None:
    lesson.get_by_text("Numbers as a table").click()
    expect(lesson.locator("tbody tr")).to_have_count(6)
    expect(lesson.locator("tbody tr").last).to_contain_text("8.3·10−17")


def test_pinning_keeps_a_curve(lesson: Page) -> None:
    before = len(curves(lesson))
    lesson.get_by_role("button", name="Pin", exact=True).click()
    slider(lesson).press("PageUp")
    expect(lesson.get_by_role("button", name="Unpin")).to_be_visible()
    expect(sentence(lesson)).not_to_have_text(START)
    settled(lesson)
    assert len(curves(lesson)) > before
    lesson.get_by_role("button", name="Unpin").click()
    expect(lesson.get_by_role("button", name="Unpin")).to_be_hidden()


def test_the_presenters_view_by_keyboard(lesson: Page) -> None:
    lesson.keyboard.press("p")
    expect(lesson.get_by_text("press Esc to leave")).to_be_visible()
    expect(lesson.get_by_role("slider")).to_have_count(3)
    lesson.wait_for_function(  # the pictures follow when they have been computed for the new size
        """() => ![...document.querySelectorAll('.gradprod *')]
        .filter(n => n.checkVisibility({visibilityProperty: true}))
        .some(n => [...n.childNodes].some(c => c.nodeType === 3 && c.data.trim())
        && !n.closest('sub, sup, .sr, .skip, svg tspan')
        && parseFloat(getComputedStyle(n).fontSize) < 20)"""
    )
    assert lesson.evaluate("document.querySelector('.gradprod').scrollHeight <= innerHeight")
    lesson.keyboard.press("Escape")
    expect(lesson.get_by_text("press Esc to leave")).to_be_hidden()
    box(lesson).focus()
    lesson.keyboard.press("p")
    lesson.keyboard.press("q")
    expect(lesson.get_by_text("press Esc to leave")).to_be_hidden()
    expect(lesson.locator(".chip")).to_be_visible()


def test_dark_is_kept_but_not_in_the_link(lesson: Page) -> None:
    lesson.get_by_role("button", name="Dark").click()
    expect(lesson.locator(".gradprod")).to_have_attribute("data-theme", "dark")
    assert lesson.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 20, 27)"
    exact = lesson.locator("[data-slot=chart] .annotation-text", has_text="exact")
    expect(exact).to_have_css("color", "rgb(244, 247, 250)")
    assert "dark" not in lesson.url
    lesson.reload()
    expect(lesson.locator(".gradprod")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("width", [1400, 1100, 800, 390])
def test_every_width_has_all_of_the_page(visit: Callable[..., Page], url: str, width: int) -> None:
    page = visit(viewport={"width": width, "height": 844}, has_touch=width < 500)
    opened(page, f"{url}?lesson=3")
    expect(sentence(page)).to_have_text(START)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 1400:
        bottom = page.evaluate(
            "Math.max(...['[data-slot=chart]', '[data-name=sequence_length]'].map(q => "
            "document.querySelector(q).getBoundingClientRect().bottom))"
        )
        assert bottom <= 900
    if width == 390:
        page.mouse.wheel(0, 900)
        page.wait_for_function("() => !document.querySelector('.pinned').getBoundingClientRect().top")
        top, height = page.evaluate(
            "(r => [r.top, r.height])(document.querySelector('.pinned').getBoundingClientRect())"
        )
        assert top == 0
        assert height <= 0.45 * 844
        sizes = page.evaluate(
            "[...document.querySelectorAll("
            "'.gradprod :is(button, select, input:not([type=file], [readonly]))')]"
            ".filter(n => n.checkVisibility()).map(n => n.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 18


CHANGES = """() => {
  globalThis.changes = [];
  for (const [name, place] of [['sentence', '.verdict'], ['live', '[aria-live=polite]']])
    new MutationObserver(() => changes.push([name, performance.now()]))
      .observe(document.querySelector(`.gradprod ${place}`), { childList: true, subtree: true });
}"""


def test_a_polite_word_after_the_last_change(lesson: Page) -> None:
    live = lesson.locator("[aria-live=polite]")
    expect(live).to_have_text("")
    lesson.evaluate(CHANGES)
    slider(lesson).press("End")
    expect(live).to_have_text(re.compile("^Vanishes. Falls"))
    changes = lesson.evaluate("changes")
    assert [name for name, _when in changes].count("live") == 1
    (last,) = (when for name, when in changes if name == "live")
    assert last - max(when for name, when in changes if name == "sentence") > 650


def test_skip_link_and_order_of_stops(lesson: Page) -> None:
    lesson.keyboard.press("Tab")
    expect(lesson.get_by_role("link", name="Skip to the picture")).to_be_focused()
    lesson.keyboard.press("Enter")
    expect(lesson.locator(".picture")).to_be_focused()
    lesson.keyboard.press("Tab")
    expect(lesson.get_by_role("button", name="Predict first")).to_be_focused()
