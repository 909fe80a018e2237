"""The page's kernel side without a browser: what it answers to what a browser sends."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradprod import i18n
from gradprod.explorers import App, VanishOrExplode
from gradprod.explorers import app as app_module
from gradprod.explorers import page as page_module
from gradprod.explorers.controls import Real
from gradprod.explorers.lessons import LESSONS, Entry
from gradprod.explorers.messages import messages
from gradprod.explorers.model import Explorer, Figure, Picture, Verdict, cached, picture
from gradprod.explorers.page import Page
from gradprod.explorers.script import SERVED, module, packed, source
from gradprod.figures.theme import Style
from gradprod.view import Point


class Fragile(Explorer):
    """Something that fails at some settings."""

    number, title, lead, formula, formula_text = 96, "Fragile", "It fails.", "x", "x"
    x = Real("x", "number", 1.0, low=0, high=9)

    @cached
    def result(self) -> float:
        failures = {
            2.0: ValueError("x must not be 2 <here>"),
            3.0: MemoryError(),
            4.0: KeyboardInterrupt(),
            5.0: RuntimeError("boom"),
        }
        if self.x in failures:
            raise failures[self.x]
        return float(self.x)

    def verdict(self) -> Verdict:
        return Verdict(kind="claim", name="Is", sentence=f"It is {self.result:g}.")

    @picture()
    def chart(self, style: Any) -> Figure:
        return {"data": [{"y": [self.result]}], "layout": {}}


def does(page: Page, what: str, **data: Any) -> None:
    """As if the browser had sent it."""
    page._receive(page, {"do": what, "with": data, "seq": page.done + 1}, [])


@pytest.fixture
def page() -> Page:
    shown = Page(VanishOrExplode())
    does(shown, "hello", sizes={"chart": [700, 500]})
    return shown


@pytest.fixture
def sent(page: Page, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    messages: list[Any] = []
    monkeypatch.setattr(page, "send", lambda message, buffers=(): messages.append((message, list(buffers))))
    return messages  # type: ignore[return-value]


def test_everything_is_said_and_answered(page: Page) -> None:
    assert page.frame["title"] == "Vanish or explode"
    assert page.words["sentence"].startswith("Falls tenfold every 3.1 steps;")
    assert page.values["controls"]["recurrent_weight"] == {"v": 0.9, "text": "0.9", "live": True}
    assert page.values["preset"] == 0
    assert page.address.startswith("lesson=3&W_s=0.9&W_x=0.5&b=0&phi=tanh")
    assert page.done == 1


def test_values_and_texts_are_set(page: Page) -> None:
    does(page, "set", values={"recurrent_weight": 1.5}, texts={"bias": "\N{MINUS SIGN}0.5"})
    assert (page.explorer.recurrent_weight, page.explorer.bias) == (1.5, -0.5)
    assert page.words["name"] == "▼ Vanishes"
    assert page.notes == {}


def test_a_wrong_value_leaves_the_others_and_says_so(page: Page) -> None:
    does(page, "set", texts={"recurrent_weight": "12", "bias": "1"})
    assert (page.explorer.recurrent_weight, page.explorer.bias) == (0.9, 1.0)
    assert page.notes == {
        "recurrent_weight": {
            "text": "✗ <i>W<sub>s</sub></i> must be a number from −4 to 4, got “12”. "
            "The picture still shows 0.9.",
            "error": True,
        }
    }
    does(page, "set", values={"recurrent_weight": 1.0})
    assert page.notes == {}


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (2.0, "✗ x must not be 2 &lt;here&gt; The picture is the last good one."),
        (3.0, "✗ That needs more memory than there is. The picture is the last good one."),
        (4.0, "✗ Stopped. The picture is the last good one."),
        (5.0, "✗ That failed (RuntimeError('boom')). The picture is the last good one."),
    ],
)
def test_a_computation_that_fails_goes_back_to_the_last_good_settings(x: float, said: str) -> None:
    page = Page(Fragile())
    does(page, "hello")
    does(page, "set", values={"x": 7.0})
    does(page, "set", values={"x": x})
    assert page.explorer.x == 7.0
    assert page.words["sentence"] == "It is 7."
    assert page.values["controls"]["x"]["v"] == 7.0
    assert page.notes == {"x": {"text": said, "error": True}}
    assert page.done == 3
    does(page, "set", values={"x": 8.0})
    assert (page.words["sentence"], page.notes) == ("It is 8.", {})


def test_a_lesson_that_cannot_even_start_says_why() -> None:
    page = Page(Fragile(x=5.0))
    does(page, "hello")
    assert "RuntimeError" in page.notes[""]["text"]


def test_python_moves_the_page_too(page: Page) -> None:
    page.explorer.recurrent_weight = 2.0
    assert page.values["controls"]["recurrent_weight"]["v"] == 2.0


def test_unknown_messages_are_passed_over(page: Page) -> None:
    page._receive(page, {"do": "nonsense", "seq": 9}, [])
    page._receive(page, {"hello": 1}, [])
    page._receive(page, "text", [])
    does(page, "set", values={"nonsense": 1})
    assert page.notes == {}


def test_nothing_sent_gives_the_answer_away_while_a_question_is_open(page: Page) -> None:
    does(page, "ask")
    assert page.words == {"veiled": True, "link": []}
    assert page.numbers["readouts"] == []
    assert set(page.cards["claim"]) == {"i", "n", "says", "source"}
    does(page, "table", open=True)
    assert page.table == {}
    does(page, "guess", guess=3)
    assert page.cards["predict"] == {
        "stage": "open",
        "guess": 3,
        "words": "10<sup>3</sup> times as large",
    }
    does(page, "commit")
    assert page.cards["predict"]["reveal"].startswith("You said 10<sup>3</sup>; it is 10<sup>−12</sup>")
    assert page.table["rows"]


def test_nothing_moves_the_case_of_an_open_question(page: Page) -> None:
    does(page, "ask")
    does(page, "guess", guess=3)
    asked = page.explorer.settings()
    does(page, "set", values={"recurrent_weight": 2.0}, texts={"sequence_length": "9"})
    does(page, "preset", index=1)
    does(page, "reset")
    does(page, "claim", test=True)
    does(page, "pin", on=True)
    page._click(next(p for p in page.explorer.parts(Picture) if p.moves), Point(0, 0, 0.5, 0.5))
    assert page.explorer.settings() == asked
    assert page.explorer.pins == []
    assert page.words["veiled"]
    assert page.cards["predict"]["guess"] == 3
    assert page.frame["labels"]["held"].startswith("The controls wait: the question is about the case")
    does(page, "skip")
    does(page, "set", values={"recurrent_weight": 2.0})
    assert page.explorer.recurrent_weight == 2.0


def test_the_picture_is_drawn_in_the_size_and_theme_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    styles = []
    monkeypatch.setattr(VanishOrExplode, "draw", lambda self, name, style: styles.append((name, style)) or {})
    page = Page(VanishOrExplode())
    does(page, "hello", sizes={"chart": [640, 444]}, theme="dark")
    assert ("chart", Style(theme="dark", width=640, height=444)) in styles


def test_the_page_draws_the_main_picture_undisturbed_unless_it_is_dragged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[Any] = []
    now = [100.0]
    monkeypatch.setattr(page_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(page_module.time, "sleep", done.append)
    monkeypatch.setattr(VanishOrExplode, "draw", lambda self, name, style: done.append(name) or {})
    page = Page(VanishOrExplode())
    does(page, "hello", sizes={"chart": [640, 444]})
    done.clear()
    now[0] += 1
    does(page, "set", values={"recurrent_weight": 1.2})
    assert done == ["chart", page_module.HEAD_START, "map"]
    done.clear()
    for _ in range(3):
        now[0] += 0.03
        does(page, "set", values={"recurrent_weight": now[0] / 100})
    assert done == 3 * ["chart", "map"]


def test_downloads_and_calls_are_sent(page: Page, sent: list[Any]) -> None:
    does(page, "csv")
    does(page, "code")
    messages = [m for m, _ in sent]
    assert {"file": "gradprod-3.csv"} in messages
    assert sent[0][1][0].startswith(b"# gradprod, lesson 3")
    assert any("VanishOrExplode()" in m.get("code", "") for m in messages)


def test_a_page_brings_its_script_unless_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    state = Page(VanishOrExplode()).get_state()
    assert 'model.get("script")' in state["_esm"]
    assert gzip.decompress(state["script"]).decode() == source()
    assert source().count("class Overlay") == 1
    monkeypatch.setenv(SERVED, "served")
    assert len(module()) < 150
    assert "link[data-gradprod]" in module()
    assert packed() == b""


def test_a_page_without_a_kernel_has_a_picture() -> None:
    data, _ = VanishOrExplode()._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]
    assert data["application/vnd.plotly.v1+json"]["data"]


def test_the_app_opens_what_a_link_says() -> None:
    app = App()
    does(app, "hello", query="?lesson=3&W_s=1.5&T=20")
    assert (app.explorer.recurrent_weight, app.explorer.sequence_length) == (1.5, 20)
    assert app.words["link"] == []
    does(app, "query", query="?lesson=<3>&W_s=x")
    assert app.words["link"][0] == "The link is wrong: there is no lesson “&lt;3&gt;”."
    assert "got “x”. Opened with 0.9." in app.words["link"][1]


def test_the_app_imports_the_other_lessons_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[int] = []
    load = Entry.load
    monkeypatch.setattr(Entry, "load", lambda entry: (loaded.append(entry.number), load(entry))[1])
    monkeypatch.setattr(app_module, "AHEAD", 0.05)

    async def visit() -> list[int]:
        App()
        at_once = loaded.copy()
        await asyncio.sleep(0.05)
        while set(loaded) != {e.number for e in LESSONS if e.home}:
            await asyncio.sleep(0.01)
        return at_once

    assert asyncio.run(asyncio.wait_for(visit(), 120)) == [3]


def test_the_app_keeps_a_length_that_one_lesson_does_not_allow() -> None:
    app = App()
    does(app, "hello")
    does(app, "set", values={"sequence_length": 1000})
    does(app, "lesson", number=9)
    assert app.explorer.sequence_length == 200
    assert app.notes["sequence_length"] == {
        "text": "1000 in the lessons that allow it, 200 here.",
        "error": False,
    }
    does(app, "lesson", number=3)
    assert app.explorer.sequence_length == 1000


def test_the_app_keeps_shared_settings_and_each_lessons_own() -> None:
    app = App()
    does(app, "hello")
    does(app, "set", values={"recurrent_weight": 2.0, "sequence_length": 70, "input": "noise"})
    does(app, "lesson", number=5)
    assert app.frame["number"] == 5
    assert (app.explorer.sequence_length, app.explorer.input) == (70, "noise")
    does(app, "set", values={"sequence_length": 30})
    does(app, "lesson", number=3)
    assert (app.explorer.recurrent_weight, app.explorer.sequence_length) == (2.0, 30)


@pytest.fixture
def upside_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A language in which every declared text is written in capitals."""
    entries = "".join(
        f"msgid {json.dumps(m, ensure_ascii=False)}\nmsgstr {json.dumps(m.upper(), ensure_ascii=False)}\n\n"
        for m in messages()
    )
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (tmp_path / "zh.po").write_text(head + entries, encoding="utf-8")
    monkeypatch.setattr(i18n, "FOLDER", tmp_path)
    i18n.languages.cache_clear()
    i18n._catalogue.cache_clear()
    yield
    i18n.languages.cache_clear()
    i18n._catalogue.cache_clear()


@pytest.mark.usefixtures("upside_down")
def test_another_language_reaches_every_declared_text() -> None:
    app = App()
    does(app, "hello", query="?lesson=3&lang=zh")
    assert app.address.endswith("&lang=zh")
    assert app.frame["title"] == "VANISH OR EXPLODE"
    assert app.frame["lessons"][2][1] == "VANISH OR EXPLODE"
    assert app.frame["labels"]["copy_link"] == "COPY LINK"
    assert app.frame["groups"][0]["title"] == "THIS CELL"
    assert app.frame["groups"][0]["controls"][0]["label"] == "RECURRENT WEIGHT"
    assert app.frame["presets"][0][0] == "VANISH"
    assert app.frame["predict"]["show"] == "SHOW THE CURVE"
    assert app.frame["pictures"][1]["title"] == "WHERE YOU ARE"
    assert app.cards["claim"]["says"].startswith("WITH 0")
    does(app, "look", lang="en")
    assert (app.frame["title"], app.address.count("lang")) == ("Vanish or explode", 0)


def test_the_script_travels_small() -> None:
    assert len(Page._esm) + len(packed()) < 42_000  # with the script of all its plots


def test_a_bad_file_leaves_the_good_one_and_names_it(page: Page) -> None:
    for name, data in (("good<b>.csv", b"1\n2\n"), ("bad.csv", b"1\nx\n")):
        page._receive(page, {"do": "upload", "with": {"name": name}, "seq": page.done + 1}, [data])
    said = page.notes["input"]["text"]
    assert said.startswith("✗ bad.csv: row 2")
    assert said.endswith("The picture still shows good&lt;b&gt;.csv.")
