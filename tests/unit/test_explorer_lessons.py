"""Every lesson, without a browser: extremes, presets, claims, links, predictions, downloads."""

from __future__ import annotations

import ast
import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

import gradprod.explorers
from gradprod.explorers.controls import BadValue, Choice, Control, Interval, Real, Switch
from gradprod.explorers.lessons import LESSONS
from gradprod.explorers.model import MARKS, Claim, Diagram, Explorer, Panel, Picture
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.figures.theme import Style

BUILT = [entry for entry in LESSONS if entry.home]
STYLES = [
    Style(),
    Style(theme="dark", width=380, height=270, touch=True),
    Style(width=1300, height=480, presenting=True),
]
MARKUP = re.compile(r"\bnan\b|\bNone\b|\{\w*\}|\binf\b")


@pytest.fixture(params=BUILT, ids=lambda entry: entry.class_name)
def lesson(request: pytest.FixtureRequest) -> type[Explorer]:
    found: type[Explorer] = request.param.load()
    return found


def settings_worth_trying(control: Control) -> list[object]:
    if isinstance(control, Real):
        return [control.low, control.high, *control.ticks]
    if isinstance(control, Choice):
        return [value for value in control.options if value != "csv"]
    if isinstance(control, Switch):
        return [True, False]
    if isinstance(control, Interval):
        return [(control.low, control.high)]
    return [control.default_value]


def says_all(model: Explorer) -> None:
    """Everything that the page shows can be said and drawn, and nothing in it is a placeholder."""
    verdict = model.verdict()
    texts = [verdict.name, verdict.sentence, verdict.rule]
    for r in model.readouts():
        texts += [r.name, r.value, r.how]
    if (table := model.table()) is not None:
        texts += [*table.head, *(cell for row in table.rows for cell in row)]
    texts += [p.body(model) or "" for p in model.parts(Panel)]
    texts += [d.body(model, Style(width=700, height=d.height)) or "" for d in model.parts(Diagram)]
    for text in texts:
        assert not MARKUP.search(text), (text, model)
    for name, figure in model.pictures(STYLES[0]).items():
        go.Figure(figure)
        assert model.describe(name)


def test_the_registry_and_the_class_agree(lesson: type[Explorer]) -> None:
    entry = next(e for e in BUILT if e.class_name == lesson.__name__)
    assert lesson.number == entry.number
    assert lesson.title
    assert lesson.lead
    assert lesson.formula
    assert lesson.formula_text


def test_names_in_links_are_unique(lesson: type[Explorer]) -> None:
    keys = [c.key for c in lesson.controls().values()]
    assert "" not in keys
    assert len(set(keys)) == len(keys)
    assert not {"lesson", "lang", "theme", "present"} & set(keys)


def test_three_sliders_at_most_stand_in_the_presenters_view(lesson: type[Explorer]) -> None:
    for settings in [{}, *(p.settings for p in lesson.presets)]:
        model = lesson(**settings)
        assert 1 <= sum(c.presented(model) for c in lesson.controls().values()) <= 3


def test_every_setting_can_be_shown(lesson: type[Explorer]) -> None:
    for name, control in lesson.controls().items():
        for value in settings_worth_trying(control):
            length = getattr(lesson(), "sequence_length", 0)
            if name == "step" and value > length:
                with pytest.raises(BadValue, match=f"step .* from 1 to {length}, the length of the run"):
                    lesson(**{name: value})
                continue
            says_all(lesson(**{name: value}))


@pytest.mark.parametrize("style", STYLES, ids=["desk", "phone", "projector"])
def test_every_style_can_be_drawn(lesson: type[Explorer], style: Style) -> None:
    for figure in lesson().pictures(style).values():
        go.Figure(figure)


def test_presets_differ_are_recognised_and_survive_a_link(lesson: type[Explorer]) -> None:
    assert lesson.presets
    for i, preset in enumerate(lesson.presets):
        model = lesson()
        model.start_from(preset.settings)
        assert model.pressed == i
        says_all(model)
        opened = lesson()
        assert opened.apply_query(model.query()) == []
        assert opened.settings() == model.settings()


def test_whatever_was_set_starts_over(lesson: type[Explorer]) -> None:
    explorer = lesson()
    first = explorer.settings()
    for preset in explorer.presets:
        explorer.start_from(preset.settings)
    explorer.start_over()
    assert explorer.settings() == first
    assert explorer.pressed == 0


def test_claims_are_judged_where_they_are_tested_and_elsewhere(lesson: type[Explorer]) -> None:
    for made in lesson.parts(Claim):
        tested = lesson(**made.test)
        assert made.applies(tested), made.number
        assert tested.is_at(made.test), f"{made.number}: “Test it” would not stay pressed"
        for model in (tested, lesson()):
            judged = made.judge(model)
            assert judged.mark in MARKS
            assert judged.tag
            assert not MARKUP.search(judged.why), judged.why


def test_the_question_is_about_another_case_than_the_one_in_sight(lesson: type[Explorer]) -> None:
    question = lesson.prediction
    if question is None:
        return
    model = lesson()
    assert not model.is_at(question.settings)
    model.ask()
    assert model.veiled
    for picture in lesson.parts(Picture):
        assert model.verdict().sentence not in model.describe(picture.name)
    model.commit()
    truth = question.truth(model)
    assert question.low <= question.start <= question.high
    assert question.reveal(question.start, truth)
    assert question.words(question.start)


def test_data_are_columns_of_one_length_under_their_settings(lesson: type[Explorer]) -> None:
    model = lesson()
    lines = model.csv().splitlines()
    head = [line for line in lines if line.startswith("#")]
    rows = list(csv.reader(io.StringIO("\n".join(lines[len(head) :]))))
    assert rows[0] == list(model.columns())
    assert len(rows) > 1
    assert {len(row) for row in rows} == {len(rows[0])}


NUMBERS = b"year,price\n" + b"".join(b"%d,%.1f\n" % (1900 + k, (k * k) % 17 + 0.5) for k in range(60))


def in_all_its_ways(lesson: type[Explorer]) -> Iterator[Explorer]:
    """A lesson at each preset and choice, on each input, and on a file in the present folder."""
    for preset in lesson.presets:
        model = lesson()
        model.start_from(preset.settings)
        yield model
    for name, control in lesson.controls().items():
        if isinstance(control, Choice):
            for value in control.options:
                if value != "csv":
                    yield lesson(**{name: value})
    if issubclass(lesson, SequenceExplorer):
        yield lesson(input="sunspots", standardised=False)
        remedies = getattr(lesson.controls().get("remedy"), "options", [""])
        for more in ({}, {"standardised": True, "sequence_length": 20, "step": 5}):
            for remedy in remedies:
                model = lesson()
                model.upload(NUMBERS, "prices.csv", "price")
                wanted = {"remedy": remedy, **more}
                model.set(**{name: v for name, v in wanted.items() if name in lesson.controls()})
                yield model


def test_the_call_runs_as_it_stands_and_opens_the_same_picture(
    lesson: type[Explorer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prices.csv").write_bytes(NUMBERS)
    monkeypatch.chdir(tmp_path)
    for model in in_all_its_ways(lesson):
        scope: dict[str, Any] = {}
        exec(compile(model.code(), "<call>", "exec"), scope)
        again = eval(repr(model), {lesson.__name__: lesson})
        assert again.settings() == model.settings(), repr(model)
        if "product" in scope and hasattr(model, "result"):
            np.testing.assert_array_equal(scope["product"].log10, model.result.log10, err_msg=model.code())


def test_a_file_is_read_by_name() -> None:
    with pytest.raises(FileNotFoundError, match=r"prices\.csv"):
        LESSONS[2].load()(file="prices.csv")


def test_models_import_no_widget() -> None:
    names = ", ".join(entry.class_name for entry in BUILT)
    code = (
        f"import sys; from gradprod.explorers import {names}\n"
        f"for lesson in ({names},): lesson().verdict()\n"
        "print([m for m in ('anywidget', 'ipywidgets', 'plotly', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_apostrophes_are_of_one_kind() -> None:
    straight = []
    for file in Path(gradprod.explorers.__file__).parent.rglob("*.py"):
        tree = ast.parse(file.read_text())
        docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        straight += [
            (file.name, n.lineno, n.value)
            for n in ast.walk(tree)
            if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs
            if re.search(r"[a-z]'(s|t)\b", n.value)
        ]
    assert straight == []
