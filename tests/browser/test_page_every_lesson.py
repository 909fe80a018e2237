"""Every lesson in a real browser: nothing overflows, handles move by keyboard, buttons can be pressed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gradprod.explorers.lessons import LESSONS

APP = "from gradprod.explorers import App\nApp()"
BUILT = [entry for entry in LESSONS if entry.home]


@pytest.fixture(params=BUILT, ids=lambda entry: entry.class_name)
def url(request: pytest.FixtureRequest, voila: Callable[..., str]) -> str:
    return f"{voila(APP)}?lesson={request.param.number}"


def opened(page: Page, url: str) -> Page:
    page.goto(url)
    page.wait_for_selector(".gradprod:not(.opening) .slot.main .main-svg, .slot.main svg", timeout=30_000)
    expect(page.locator(".sentence")).not_to_be_empty()
    return page


def settled(page: Page) -> None:
    page.wait_for_timeout(120)
    expect(page.locator(".gradprod")).not_to_have_class(re.compile("computing"), timeout=15_000)


def test_every_width(browser: Browser, url: str, problems: Any) -> None:
    for width in (1400, 800, 390):
        context = browser.new_context(viewport={"width": width, "height": 844}, has_touch=width < 500)
        page = context.new_page()
        problems.watch(page)
        opened(page, url)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if width == 390:
            assert page.evaluate("document.querySelector('.pinned').offsetHeight") <= 0.55 * 844
        page.goto("about:blank")  # leaving lets the server end the page's kernel
        context.close()


def test_every_handle_and_every_button(page: Page, url: str) -> None:
    opened(page, url)
    for handle in page.locator(".controls [type=range]:visible").all():
        name = handle.get_attribute("aria-label")
        assert name
        before = handle.get_attribute("aria-valuetext")
        handle.press("ArrowRight")
        if handle.get_attribute("aria-valuetext") == before:  # it stands at its end
            handle.press("ArrowLeft")
        assert handle.get_attribute("aria-valuetext") != before, name
        settled(page)
    pressed = page.locator(".chips button, .layers button:visible, .claim button, .segments button")
    for i in range(pressed.count()):
        if i < pressed.count() and pressed.nth(i).is_visible():
            pressed.nth(i).click()
            settled(page)
    page.get_by_role("button", name="Reset everything").click()
    settled(page)
    expect(page.locator(".message.error:visible")).to_have_count(0)
    if page.locator(".predict:visible").count():
        page.keyboard.press("q")
        expect(page.locator(".verdict")).to_be_hidden()
        page.locator(".predict .primary").click()
        expect(page.locator(".verdict")).to_be_visible()
        settled(page)
    page.keyboard.press("p")
    page.wait_for_timeout(500)
    assert page.evaluate("document.querySelector('.gradprod').scrollHeight <= innerHeight")
