"""What the folded answers of notebooks say: against numbers that they don't compute themselves."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from gradprod.explorers import Answer
from gradprod.explorers.lessons.lstm import LSTM
from gradprod.words import plain

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def cells(name: str, kind: str) -> list[str]:
    found = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(c["source"]) for c in found if c["cell_type"] == kind]


def answer(name: str, holding: str, *before: str) -> str:
    """The answer of the code cell that holds a text, after the cells that hold the others."""
    names: dict[str, Any] = {}
    value: Any = None
    for wanted in (*before, holding):
        code = ast.parse(next(c for c in cells(name, "code") if wanted in c))
        last = code.body.pop()
        assert isinstance(last, ast.Expr)
        exec(compile(code, name, "exec"), names)
        value = eval(compile(ast.Expression(last.value), name, "eval"), names)
    assert isinstance(value, Answer)
    return plain(value.text)


def test_how_far_back_keras_gate_keeps_one_percent() -> None:
    f = 1 / (1 + np.exp(-1.0))
    assert f**14 > 0.01 > f**15
    said = answer("06-lstm", "memory_time(1.0)")
    assert said == f"14 steps: {100 * f**14:.1f} % is left there, {100 * f**15:.1f} % one step further back."


def test_the_exploding_lstm_has_one_rate_in_notebook_preset_and_title() -> None:
    preset = next(p for p in LSTM.presets if p.label == "Explodes for ever")
    run = LSTM(**preset.settings)
    rate = np.polyfit(np.arange(5000, 10_001), run.result.log10[5000:] * np.log(10), 1)[0]
    said = answer("06-lstm", "EXPLODES", "memory_time(1.0)")
    assert re.findall(r"0\.\d\d", said + preset.title)[::2] == [f"{rate:.2f}"] * 2
    assert f"{rate:.2f}" == "0.30"


def test_the_shortcut_s_error_is_said_as_it_is() -> None:
    said = answer("08-vector-cells", "shortcut[1][10]", "peak_lag")
    found = re.findall(r"n = (\d+): (\S+) \((\S+) … (\S+?)\)", said)
    two, eight, many = ([float(v) for v in row[1:]] for row in found[1:])
    assert two[1] < 0.2 < 1 < two[2]  # of two units: a fair guess or far off, by the draw
    assert min(eight[0], many[0]) > 1
    assert "worthless" not in said


def test_both_articles_that_print_another_index_are_named() -> None:
    theory = "".join(cells("03-vanish-or-explode", "markdown"))
    assert "Articles 000 and 001 print the input as $X_t$" in theory
    assert "input weight is printed" not in theory
