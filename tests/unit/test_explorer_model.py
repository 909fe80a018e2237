"""The explorer: setting all or nothing, results computed once, links, presets, predictions, pins."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from gradprod.explorers.controls import SHARED, BadValue, Layer, Real, Whole
from gradprod.explorers.model import (
    Explorer,
    Figure,
    Judgement,
    Prediction,
    Preset,
    Verdict,
    cached,
    claim,
    picture,
    table_lags,
)
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.inputs import SUNSPOTS


class Square(Explorer):
    """x² of a number."""

    number = 98
    title = "Square"
    x = Real("x", "number", 2.0, low=-9, high=9)
    places = Whole("n", "places", 3, low=0, high=9, group=SHARED)
    offset = Real("a", "offset", 0.0, low=-9, high=9, when=lambda m: m.x > 0)
    marked = Layer("marked", "Marked")
    presets = (Preset("Two"), Preset("Three", {"x": 3.0}))
    prediction = Prediction.count("What is 4²?", {"x": 4.0}, lambda m: m.squared, of=20, start=8)

    def __init__(self, **settings: Any) -> None:
        self.computed = 0
        super().__init__(**settings)

    @cached
    def squared(self) -> float:
        self.computed += 1
        return float(self.x**2)

    @cached("places")
    def unit(self) -> float:
        return float(10.0**-self.places)

    def verdict(self) -> Verdict:
        return Verdict(kind="claim", name="Squared", sentence=f"It is {self.squared:g}.")

    def columns(self) -> dict[str, Any]:
        return {"x": np.array([self.x, np.nan]), "squared": np.array([self.squared, 0.5])}

    def curve(self) -> float:
        return self.squared

    @picture()
    def chart(self, style: Any) -> Figure:
        return {"data": [{"y": [self.squared]}], "layout": {}}

    @claim(1, "Squares are large.", articles="000", test={"x": 0.5}, applies=lambda m: m.x > 1)
    def large(self) -> Judgement:
        return Judgement("true" if self.squared > 1 else "false", f"{self.squared:g}")


class Neighbour(SequenceExplorer):
    """A lesson that shares the places, and has fewer of them."""

    number = 97
    places = Whole("n", "places", 1, low=0, high=4, group=SHARED)


def test_controls_keep_the_order_of_declaration_shared_ones_last() -> None:
    assert list(Square.controls()) == ["x", "offset", "marked", "places"]


def test_results_are_computed_when_read_and_once() -> None:
    model = Square(x=3)
    assert model.computed == 0
    assert (model.squared, model.squared, model.computed) == (9.0, 9.0, 1)
    model.marked = True
    assert (model.squared, model.computed) == (9.0, 1)
    model.x = -2
    assert (model.squared, model.computed) == (4.0, 2)


def test_settings_are_taken_all_or_none() -> None:
    model = Square()
    with pytest.raises(ValueError, match="places must be a whole number from 0 to 9, got 10"):
        model.set(x=1.0, places=10)
    assert model.x == 2.0


def test_observers_hear_of_a_change_once() -> None:
    model, heard = Square(), []
    model.observe(lambda change: heard.append((change.name, change.new)), ["x", "places"])
    model.set(x=5.0, places=2, offset=0.0)
    assert sorted(heard) == [("places", 2), ("x", 5.0)]


def test_presets_set_everything_and_are_recognised() -> None:
    model = Square(x=7, marked=True)
    assert model.pressed is None
    model.start_from(model.presets[1].settings)
    assert (model.x, model.pressed, model.marked) == (3.0, 1, True)
    model.x = 3.5
    assert model.pressed is None


def test_a_reset_takes_layers_and_shared_controls_too() -> None:
    model = Square(x=7, marked=True, offset=2)
    model.start_over()
    assert model.settings() == Square.defaults()


def test_a_link_leaves_out_what_has_no_effect() -> None:
    assert Square().query() == "lesson=98&x=2&a=0&n=3"
    assert Square(x=-1).query() == "lesson=98&x=-1&n=3"
    assert Square(x=-1, offset=2, marked=True).query() == "lesson=98&x=-1&a=2&marked=1&n=3"


def test_a_wrong_link_says_what_and_opens_with_the_rest() -> None:
    model = Square(x=8)
    said = model.apply_query("?lesson=98&x=99&n=5&n2=7&a=<b>&lang=zh&<i>=1&token=1&voila-theme=dark")
    assert (model.x, model.places, model.offset) == (2.0, 5, 0.0)
    assert len(said) == 3
    assert "must be a number from −9 to 9, got “99”. Opened with 2." in said[0]
    assert "got “&lt;b&gt;”. Opened with 0." in said[1]
    assert said[2] == "The link is wrong: this lesson has no “n2”, “&lt;i&gt;”. Opened without."


def test_shared_settings_go_along_where_they_are_allowed() -> None:
    other = Neighbour()
    other.carry(Square(x=5, places=3))
    assert other.places == 3
    assert other.notes == {}
    back = Square()
    back.carry(Neighbour(places=4))
    assert (back.places, back.x) == (4, 2.0)


def test_what_a_lesson_cannot_take_comes_as_near_as_it_can_and_is_kept_for_the_others() -> None:
    first, second, third = Square(places=8), Neighbour(), Square()
    second.carry(first)
    assert second.places == 4
    assert second.notes == {"places": "8 in the lessons that allow it, 4 here."}
    third.carry(second)
    assert (third.places, third.notes) == (8, {})
    first.carry(third)
    assert first.places == 8


def test_a_shared_setting_that_the_reader_changes_is_changed_for_all() -> None:
    first, second = Square(places=8), Neighbour(sequence_length=70)
    second.carry(first)
    second.places = 2
    first.carry(second)
    assert first.places == 2
    again = Neighbour()
    again.carry(first)
    assert again.sequence_length == 70  # which the lesson between hasn't got
    linked = Neighbour()
    linked.carry(Square(places=8))
    linked.apply_query("n=4")
    first.carry(linked)
    assert first.places == 4


def test_settings_that_do_not_go_together_here_say_why() -> None:
    first = Neighbour(sequence_length=1000)
    second = Neighbour(sequence_length=20, places=0)
    first.elsewhere["input"] = "sunspots"  # as from a lesson that allows both
    second.carry(first)
    assert (second.input, second.sequence_length) == ("sunspots", 20)
    assert second.notes["sequence_length"].startswith("Must be a whole number from 1 to 309 with this input")
    assert second.shared["sequence_length"] == 1000


def test_an_open_question_stays_at_its_settings_when_the_reader_comes_back() -> None:
    asked, other = Square(), Square(places=7)
    asked.ask()
    asked.predict(12)
    asked.carry(other)
    assert (asked.veiled, asked.guess, asked.places) == (True, 12, 3)
    asked.commit()
    after = Square()
    after.carry(asked)
    assert after.places == 7


def test_a_prediction_is_asked_guessed_and_revealed() -> None:
    model = Square(x=7)
    assert model.prediction is not None
    model.ask()
    assert (model.x, model.veiled, model.prediction_shown) == (4.0, True, 8)
    assert "16" not in model.describe("chart")
    model.predict(12)
    model.predict(21)  # outside of the slider
    model.commit()
    assert (model.veiled, model.prediction_shown) == (False, 12)
    assert (
        model.prediction.reveal(model.guess, model.prediction.truth(model)) == "You said 12; it is 16 of 20."
    )
    model.x = 1
    assert model.prediction_shown is None
    model.x = 4
    assert model.prediction_shown == 12


def test_a_question_closes_when_something_is_moved_or_skipped() -> None:
    model = Square()
    model.ask()
    model.marked = True
    assert model.veiled
    model.x = 4.5
    assert not model.veiled
    model.ask()
    model.skip()
    assert (model.stage, model.prediction_shown) == ("idle", None)


def test_pins_keep_three() -> None:
    model = Square()
    for x in (1, 2, 3, 4):
        model.x = x
        model.pin()
    assert model.pins == [4.0, 9.0, 16.0]
    model.pin()
    assert model.pins == [4.0, 9.0, 16.0], "the same curve twice says nothing"
    model.unpin()
    assert model.pins == []


def test_data_carry_their_settings() -> None:
    assert Square(x=3, marked=True).csv() == (
        "# gradprod, lesson 98: Square\n"
        "# x (number) = 3\n"
        "# a (offset) = 0\n"
        "# n (places) = 3\n"
        "x,squared\n"
        "3.0,9.0\n"
        ",0.5\n"
    )


def test_the_call_that_opens_it_again() -> None:
    assert Square(x=3).code() == "from gradprod.explorers import Square\n\nSquare(x=3.0)"
    assert repr(Square(places=0)) == "Square(places=0)"


def test_lags_worth_a_row() -> None:
    assert table_lags(1) == [1]
    assert table_lags(50) == [1, 2, 5, 10, 20, 50]
    assert table_lags(60) == [1, 2, 5, 10, 20, 50, 60]


# ---- inputs ----


def test_a_short_series_shortens_the_run_and_says_so() -> None:
    model = Neighbour(sequence_length=500)
    model.input = "sunspots"
    assert model.sequence_length == 309
    assert model.notes == {"sequence_length": "The series has 309 values; the length was set to 309."}
    model.period = 21
    assert model.notes == {}
    with pytest.raises(ValueError, match="sequence_length must be a whole number from 1 to 309 with this"):
        model.sequence_length = 400
    assert model.sequence_length == 309


def test_a_link_that_wants_too_much_of_a_series_opens_with_the_default_length() -> None:
    model = Neighbour()
    (said,) = model.apply_query("T=400&input=sunspots")
    assert (model.input, model.sequence_length) == ("sunspots", 50)
    assert "<i>T</i> must be a whole number from 1 to 309 with this input, got 400" in said


def test_sunspots_are_standardised_unless_told() -> None:
    model = Neighbour(input="sunspots", sequence_length=309)
    assert model.inputs.mean() == pytest.approx(0, abs=1e-12)
    assert model.inputs.std() == pytest.approx(1, rel=1e-12)
    model.standardised = False
    np.testing.assert_array_equal(model.inputs, SUNSPOTS.values)


def test_a_file_is_read_as_it_stands() -> None:
    model = Neighbour()
    model.upload(b"year,level\n2000,3\n2001,5\n2002,4\n", "lake.csv")
    assert (model.input, model.standardised, model.sequence_length) == ("csv", False, 3)
    np.testing.assert_array_equal(model.inputs, [3, 5, 4])
    model.use_column("year")
    np.testing.assert_array_equal(model.inputs, [2000, 2001, 2002])
    model.upload(b"1\n2\n3\n4\n", "other.csv")
    np.testing.assert_array_equal(model.inputs, [1, 2, 3])
    model.upload(b"5\n", "one.csv")
    assert model.notes == {"sequence_length": "The series has one value; the length was set to 1."}


BAD_FILES = [
    (b"", "the file is empty"),
    (b"a\n1\nx\n", 'row 3, column "a": "x" is not a finite number'),
    (b"a\n1\nnan\n", 'row 3, column "a": "nan" is not a finite number'),
    (b"a;b\n1;2,5\n", 'row 2, column "b": "2,5" has a comma in the number'),
    (b"a\n" + b"1\n" * 100_001, "the file has 100001 rows of numbers"),
    (b"a\n" + b"1" * 5_000_000, "the file has 5.0 MB, and at most 5 MB are read"),
    (b"a\n\xff\xfe\n", "the file is not UTF-8 text: row 2 has the byte 0xFF"),
]


@pytest.mark.parametrize(("data", "sentence"), BAD_FILES)
def test_a_bad_file_is_refused_and_the_input_stays(data: bytes, sentence: str) -> None:
    model = Neighbour(input="noise")
    before = model.inputs.copy()
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        model.upload(data, "bad.csv")
    assert model.input == "noise"
    np.testing.assert_array_equal(model.inputs, before)


def test_a_file_goes_along_to_the_next_lesson() -> None:
    model, other = Neighbour(), Neighbour()
    model.upload(b"1\n2\n4\n", "mine.csv")
    other.carry(model)
    assert other.input == "csv"
    np.testing.assert_array_equal(other.inputs, [1, 2, 4])


def test_a_link_does_not_carry_the_file() -> None:
    model = Neighbour()
    (said,) = model.apply_query("input=csv&T=7")
    assert (model.input, model.sequence_length) == ("sine", 7)
    assert "Input is a file of the reader’s own, which has to be uploaded first. Opened with sine." in said


def test_a_constant_file_cannot_be_standardised() -> None:
    model = Neighbour()
    model.upload(b"2\n2\n2\n", "flat.csv")
    with pytest.raises(BadValue, match="standardised – series must hold at least two different values"):
        model.standardised = True
    np.testing.assert_array_equal(model.inputs, [2, 2, 2])
