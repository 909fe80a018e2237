"""The server behind the app, as its visitors meet it."""

from collections.abc import Callable

from playwright.sync_api import Page


def test_app_shows_its_page(page: Page, app_url: str) -> None:
    page.goto(app_url)
    page.wait_for_selector("#page .lm-Widget")
    assert page.title() == "gradprod"


def test_voila_shows_any_cell(page: Page, voila: Callable[..., str]) -> None:
    page.goto(voila("import ipywidgets; ipywidgets.HTML('<b id=hello>hello</b>')"))
    assert page.wait_for_selector("#hello").inner_text() == "hello"


def test_lab_shows_any_cell(lab: Callable[..., Page]) -> None:
    page = lab("import ipywidgets; ipywidgets.HTML('<b id=hello>hello</b>')")
    assert page.wait_for_selector("#hello").inner_text() == "hello"
