"""A lesson's title, lead and formula share the top of the page at every width."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from visits import settled

TOP = """() => {
  const [lead, formula] = ['.lead', '.formula'].map(name => document.querySelector(`.gradprod ${name}`));
  const words = document.createRange();
  words.selectNodeContents(lead);
  const [a, b, c] = [words, formula, formula.querySelector('mjx-container, math')].map(
    node => node.getBoundingClientRect());
  const height = parseFloat(getComputedStyle(lead).lineHeight);
  const [left, right] = [Math.min(b.left, c.left), Math.max(b.right, c.right)];
  return {
    lines: Math.round(a.height / height),
    apart: a.right <= left || a.bottom <= Math.min(b.top, c.top) + 1,
    inside: left >= 0 && right <= innerWidth - 16,
  };
}"""


@pytest.mark.parametrize("number", [6, 7, 9])
def test_a_wide_formula_leaves_the_lead_its_room(page: Page, app_url: str, number: int) -> None:
    page.goto(f"{app_url}?lesson={number}")
    expect(page.locator(".formula :is(mjx-container, math)").first).to_be_visible()
    for width in (1400, 1240, 1100, 960, 800, 660):
        page.set_viewport_size({"width": width, "height": 900})
        settled(page)
        top = page.evaluate(TOP)
        assert top["apart"], width
        assert top["inside"], width
        assert top["lines"] <= 4, width


FONTS = "() => [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)"
RULES = "() => [...document.styleSheets].flatMap(s => [...s.cssRules]).map(r => r.selectorText ?? '')"


def test_a_formula_has_fonts_made_for_it_and_the_page_keeps_its_style(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}?lesson=3")
    expect(page.locator(".formula mjx-container")).to_be_visible()
    page.wait_for_function(f"() => ({FONTS})().some(family => family.startsWith('MJX'))")
    assert not any(".jp-RenderedHTMLCommon" in selector for selector in page.evaluate(RULES))


def test_on_a_tablet_the_controls_follow_the_picture_that_they_move(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"{app_url}?lesson=6")
    expect(page.locator("[data-slot=chart] .main-svg, .slot.main .main-svg").first).to_be_visible()
    settled(page)
    order = [".predict", ".slot.main", ".under", ".controls", ".slot.below", "aside.side", ".path"]
    tops = [page.locator(f".gradprod {name}").first.bounding_box()["y"] for name in order]  # type: ignore[index]
    assert tops == sorted(tops)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to the picture"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.picture') !== null")


BESIDE = """() => {
  const last = [...document.querySelectorAll('.lessons :is(a, span[title])')].at(-1).getBoundingClientRect();
  return last.right <= document.querySelector('.tools').getBoundingClientRect().left;
}"""


@pytest.mark.parametrize("width", [1400, 1360, 960])
def test_the_lessons_leave_the_buttons_their_room_where_letters_are_wide(
    page: Page, app_url: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{app_url}?lesson=9")
    expect(page.locator("header.top")).to_be_visible()
    page.add_style_tag(content="header.top { letter-spacing: .12em }")
    assert page.evaluate(BESIDE)
