"""A lesson's title, lead and formula share the top of the page at every width."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

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
    expect(page.locator(".formula :is(mjx-container, math)").first).to_be_visible(timeout=60_000)
    for width in (1400, 1240, 1100, 960, 800, 660):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(200)
        top = page.evaluate(TOP)
        assert top["apart"], width
        assert top["inside"], width
        assert top["lines"] <= 4, width
