"""Only a pointer that moves points at something."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect


def test_a_net_that_appears_under_the_pointer_is_not_pointed_at(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}?lesson=1")
    page.wait_for_selector(".gradprod:not(.opening) .slot.main .main-svg")
    place, address = (0.0, 0.0), page.locator("footer .address input")
    net = page.locator('.charts .diagram [data-node="O12"]')
    for _time in range(2):
        page.keyboard.press("q")
        show = page.get_by_role("button", name="Show the terms")
        expect(show).to_be_visible()
        expect(page.get_by_role("slider", name="Your prediction")).to_be_focused()
        page.mouse.move(*place)
        show.press("Enter")
        expect(page.locator(".predict")).to_contain_text("You said")
        expect(net).to_be_visible()
        page.wait_for_timeout(800)
        expect(address).not_to_have_value(re.compile("by="))
        box = net.bounding_box()
        assert box
        place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(place[0] + 1, place[1])
    expect(address).to_have_value(re.compile("by=readout_weight"))
