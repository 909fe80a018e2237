"""Lesson 11: other lessons' presets beside its own cells, and bands over seeds."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest

from gradprod.explorers import GRU, LSTM, Compare, VectorCells
from gradprod.explorers.borrowed import KINDS, reduced, sources
from gradprod.explorers.controls import BadValue
from gradprod.explorers.lessons import LESSONS
from gradprod.explorers.lessons.compare import lines
from gradprod.explorers.model import Explorer
from gradprod.figures.theme import Style
from gradprod.inputs import make_input
from gradprod.words import plain


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(x, float)))


def test_every_preset_of_the_cell_lessons_can_be_added_and_told_apart() -> None:
    lent = [(entry.load(), p) for entry in LESSONS if entry.number in KINDS for p in entry.load().presets]
    found = [(s.lesson, s.preset) for s in sources().values()]
    assert [pair for pair in lent if "runs" not in pair[1].settings] == found
    names = [Compare.controls()["further"].name_of(name) for name in sources()]  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and name.islower() for name in sources())


def closed_forms(x: np.ndarray) -> dict[str, float]:
    """log₁₀ of the product over the whole of `x`, where the preset's cell has one on any input."""
    T = len(x)
    return {
        "plain.hold": 0.0,
        "plain.explode": T * math.log10(1.2),
        "plain.0.01-50": -2.0 * T,
        "gated.half-open": float(np.log10(sigma(1.0 * x)).sum()),
        "lstm.10-000-steps": T * math.log10(sigma(5.0)),
        "gru.mingru": float(np.log10(1 - sigma(0.5 * x - 2)).sum()),
        "vector.hold": 0.0,
    }


@pytest.mark.parametrize("name", closed_forms(np.zeros(1)))
def test_a_preset_s_cell_runs_on_this_page_s_input(name: str) -> None:
    model = Compare(further=(name,), sequence_length=70, input="noise", seed=3)
    x = make_input("noise", 70, seed=3)
    assert model.products[name].log10[-1] == pytest.approx(closed_forms(x)[name], abs=1e-9)
    assert model.read[name].left_log10 == model.products[name].log10[-1]
    settings = {"sequence_length": 70, "input": "noise", "seed": 3}
    assert Compare(**settings).products.keys() == model.products.keys() - {name}


def test_what_a_preset_says_of_length_input_and_view_stays_at_home() -> None:
    model = Compare(further=("plain.saturate", "lstm.explodes-for-ever"))
    at_home: dict[str, Explorer] = {
        "lstm.explodes-for-ever": LSTM(
            **{
                n: v
                for n, v in sources()["lstm.explodes-for-ever"].preset.settings.items()
                if n not in ("input", "sequence_length")
            }
        )
    }
    for name, alone in at_home.items():
        np.testing.assert_array_equal(model.products[name].log10, alone.result.log10)  # type: ignore[attr-defined]
    s, log10 = 0.001, 0.0  # back from the last step, on the sine, from the preset's first state
    for x in make_input("sine", 50, period=20):
        s = math.tanh(4 * s + 0.5 * x)
        log10 += math.log10((1 - s * s) * 4) if s * s < 1 else -math.inf
    assert model.products["plain.saturate"].log10[-1] == pytest.approx(log10, abs=1e-3)


def test_a_long_run_takes_fewer_units_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Compare(further=("vector.chaos",)).name_of("vector.chaos") == "vector, Chaos"
    home = inspect.getmodule(VectorCells.settle)
    monkeypatch.setattr(home, "MOST_SECONDS", 0.05)
    model = Compare(further=("vector.chaos",), sequence_length=200)
    most = int(math.sqrt((0.05 - 1e-5 * 200) / (4.5e-8 * 200)))
    assert model.name_of("vector.chaos") == f"vector, Chaos (n = {most})"
    assert reduced(VectorCells()) == ""


def test_several_of_one_kind_stand_in_pictures_table_ranking_data_call_and_link() -> None:
    further = ("lstm.shut", "lstm.open", "lstm.peepholes", "gru.keeps")
    model = Compare(further=further)
    names = ["LSTM, Shut", "LSTM, Open", "LSTM, Peepholes", "GRU, Keeps"]
    labels = [note["text"] for note in model.pictures(Style(width=900))["chart"]["layout"]["annotations"]]
    for name in names:
        assert name in model.ranking()
        assert name in model.table().head
        assert any(name in label for label in labels), name
    assert {f"log10_{name}" for name in further} <= set(model.columns())
    assert repr(further) in model.code()
    assert "add=lstm.shut,lstm.open,lstm.peepholes,gru.keeps" in model.query()
    glyphs = [row.split(">")[1][0] for row in model.ranking().split("<tr><td")[1:]]
    assert len(set(glyphs)) == len(glyphs) == 8


def test_they_are_sorted_with_the_rest_and_go_with_a_preset() -> None:
    model = Compare(further=("lstm.shut", "gru.keeps", "plain.hold"), order="memory", sequence_length=200)
    memories = [r.effective_memory for r in model.read.values()]
    assert memories == sorted(memories, reverse=True)
    assert next(iter(model.products)) == "plain.hold"
    marked = dict(zip(model.lines, [curve.mark for curve in model.curves], strict=True))
    model.order = "listed"
    assert marked == dict(zip(model.lines, [curve.mark for curve in model.curves], strict=True))
    assert model.pressed is None
    model.start_from(Compare.presets[0].settings)
    assert model.further == ()
    assert model.pressed == 0
    model.start_from(next(p.settings for p in Compare.presets if p.label == "Four LSTMs"))
    assert sum(line.cell == "lstm" for line in model.lines.values()) == 4


def test_the_call_computes_every_curve_by_the_library_alone(capsys: pytest.CaptureFixture[str]) -> None:
    layers = {f"show_{name}": True for name in lines.KINDS}
    model = Compare(**layers, further=("lstm.open", "vector.hold"), rate=-0.7, leak=0.3, input="sunspots")
    scope: dict[str, Any] = {}
    exec(compile(model.code(), "<call>", "exec"), scope)
    assert scope["products"].keys() == lines.KINDS.keys()
    for name, product in scope["products"].items():
        np.testing.assert_array_equal(product.log10, model.products[name].log10)
        np.testing.assert_array_equal(product.sign, model.products[name].sign)
    np.testing.assert_array_equal(scope["product"].log10, model.products["lstm.open"].log10)
    np.testing.assert_array_equal(scope["norms"].largest, model.products["vector.hold"].log10)
    last = [line.removeprefix("#") for line in model.code().splitlines() if line.startswith("#     ")]
    exec(compile(inspect.cleandoc("\n" + "\n".join(last)), "<own>", "exec"), scope)


def test_a_seventh_or_an_unknown_one_is_refused() -> None:
    seven = tuple(sources())[:7]
    assert len(Compare(further=seven[:6]).products) == 10
    with pytest.raises(BadValue, match=r"further must be at most 6 of the menu’s entries, .*, got 7"):
        Compare(further=seven)
    with pytest.raises(BadValue, match=r"such as plain\.vanish, got 'lstm\.opne'"):
        Compare(further=("lstm.opne",))


def test_a_slider_s_step_runs_only_what_it_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    before = Compare._made

    def counted(self: Compare, name: str, values: Any) -> Any:
        made.append(name)
        return before(self, name, values)

    monkeypatch.setattr(Compare, "_made", counted)
    model = Compare(further=("lstm.open", "vector.gaussian"))
    model.pictures(Style())
    assert made == ["plain", "gated", "lstm", "gru", "lstm.open", "vector.gaussian"]
    made.clear()
    model.recurrent_weight = 1.1
    model.pictures(Style()), model.ranking(), model.verdict(), model.readouts(), model.table()
    assert made == ["plain"]
    model.forget_bias = 1.0
    model.further = ("lstm.open",)
    model.ranking()
    assert made == ["plain", "gated", "lstm"]
    model.input = "noise"
    model.ranking()
    assert made[3:] == ["plain", "gated", "lstm", "gru", "lstm.open"]


def test_the_reader_s_file_feeds_them_too() -> None:
    model = Compare(further=("gru.mingru",))
    model.upload(b"v\n" + b"\n".join(b"%d" % (k % 7) for k in range(30)), "seven.csv")
    x = np.arange(30) % 7
    expected = float(np.log10(1 - sigma(0.5 * x - 2)).sum())
    assert model.products["gru.mingru"].log10[-1] == pytest.approx(expected, abs=1e-9)


def test_seeds_are_a_band_for_each_cell_that_has_equations() -> None:
    model = Compare(
        input="noise", seed=3, show_band=True, show_leaky=True, show_mingru=True, further=("gru.mingru",)
    )
    assert model.band("leaky") is None
    for name, bias in (("mingru", -2.0), ("gru.mingru", -2.0)):
        rows = np.stack([make_input("noise", 50, seed=s) for s in range(3, 28)])
        factors = np.log10(1 - sigma(0.5 * rows + bias))[:, ::-1]
        band = model.band(name)
        assert band is not None
        np.testing.assert_allclose(band.log10[:, 1:], np.cumsum(factors, axis=-1), atol=1e-9)
    kept = (np.log10(0.01) - 1e-12 <= model.band("mingru").log10).sum(axis=-1) - 1  # type: ignore[union-attr]
    middle = np.sort(kept)[[12, 2, 22]]
    assert f"<small>{middle[0]} ({middle[1]}–{middle[2]})</small>" in model.ranking()
    assert "seeds 3 to 27" in model.verdict().rule


def test_bands_are_drawn_for_few_curves_or_for_the_longest_and_the_shortest() -> None:
    def bands(model: Compare) -> int:
        traces = model.pictures(Style())["chart"]["data"]
        return sum(str(trace.get("uid", "")).startswith("median") for trace in traces)

    assert bands(Compare(input="noise", show_band=True)) == 4
    assert bands(Compare(input="noise", show_band=True, further=("lstm.open",))) == 2
    assert bands(Compare(input="sine", show_band=True)) == 0


def test_no_seed_is_run_while_the_band_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    run = lines.unroll

    def watched(cell: Any, inputs: Any, *rest: Any) -> Any:
        shapes.append(np.shape(inputs))
        return run(cell, inputs, *rest)

    monkeypatch.setattr(lines, "unroll", watched)
    model = Compare(input="noise")
    model.pictures(Style()), model.ranking()
    assert set(shapes) == {(50,)}
    model.show_band = True
    model.pictures(Style()), model.ranking()
    assert shapes.count((25, 50)) == 4
    model.recurrent_weight = 1.2
    model.pictures(Style()), model.ranking()
    assert shapes.count((25, 50)) == 5


def test_once_answered_the_question_s_cell_may_be_taken_away_again() -> None:
    model = Compare(show_gated=False)
    assert "gated" not in model.products
    model.ask()
    assert next(iter(model.products)) == "gated"
    model.commit()
    assert "gated" in model.products
    model.recurrent_weight = 0.5
    assert "gated" not in model.products


def test_the_gru_beside_it_is_lesson_7_s() -> None:
    here = Compare(further=("gru.overwrites",)).products["gru.overwrites"]
    np.testing.assert_array_equal(here.log10, GRU(update_bias=4.0).result.log10)


def test_who_remembers_longest_is_not_said_of_one_among_equals() -> None:
    model = Compare()
    model.start_from({"forget_bias": 6.0, "update_bias": -6.0, "sequence_length": 500})
    kept = {name: read.effective_memory for name, read in model.read.items()}
    assert kept["lstm"] == kept["gru"] == 500
    assert "as others do, and keeps most of these; plain for 4 steps" in plain(model.verdict().sentence)
    model.start_from({})
    assert plain(model.verdict().sentence).startswith("Remembers longest")
