"""Controls: what they take, what they refuse and how they say so, and what they write into links."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradprod.explorers.controls import (
    BadValue,
    Choice,
    Interval,
    Layer,
    Length,
    Picks,
    Real,
    Switch,
    Whole,
    sentence_html,
    show,
    symbol_html,
)
from gradprod.explorers.model import Explorer

FRUIT = {"apple": ("tree", "Apple"), "pear": ("tree", "Pear"), "melon": ("ground", "Melon")}


class Some(Explorer):
    """A lesson with one control of each kind."""

    number = 99
    weight = Real("W_s", "recurrent weight", 0.9, low=-4, high=4)
    units = Whole("n", "units", 8, low=1, high=128)
    sequence_length = Length()
    activation = Choice("φ", "Activation φ", "tanh", {"linear": "linear", "tanh": "tanh"}, key="phi")
    scaled = Switch("", "standardised", False, key="std")
    bound = Layer("bound", "Bound", True)
    shown_range = Interval("x", "Rectangle", (-4.0, 4.0), low=-20, high=20)
    fruit = Picks("", "Fruit", FRUIT, most=2, key="add")


PICKED = "must be at most 2 of the menu’s entries, each once, such as apple"

REFUSED = [
    ("weight", 12, "weight must be a number from −4 to 4, got 12"),
    ("weight", 4.0001, "weight must be a number from −4 to 4, got 4.0001"),
    ("weight", math.nan, "weight must be a number from −4 to 4, got nan"),
    ("weight", math.inf, "weight must be a number from −4 to 4, got inf"),
    ("weight", "0.5", "weight must be a number from −4 to 4, got '0.5'"),
    ("weight", True, "weight must be a number from −4 to 4, got True"),
    ("weight", None, "weight must be a number from −4 to 4, got None"),
    ("weight", 1j, "weight must be a number from −4 to 4, got 1j"),
    ("units", 0, "units must be a whole number from 1 to 128, got 0"),
    ("units", 1.5, "units must be a whole number from 1 to 128, got 1.5"),
    ("sequence_length", 10_001, "sequence_length must be a whole number from 1 to 10\u202f000, got 10001"),
    ("sequence_length", True, "sequence_length must be a whole number from 1 to 10\u202f000, got True"),
    ("activation", "relu", "activation must be one of linear, tanh, got 'relu'"),
    ("activation", 3, "activation must be one of linear, tanh, got 3"),
    ("scaled", 1, "scaled must be True or False, got 1"),
    (
        "shown_range",
        (4, -4),
        "shown_range must be two numbers from −20 to 20, the first below the second, got (4, -4)",
    ),
    (
        "shown_range",
        5,
        "shown_range must be two numbers from −20 to 20, the first below the second, got 5",
    ),
    ("fruit", "pear", f"fruit {PICKED}, got 'pear'"),
    ("fruit", ("pear", "plum"), f"fruit {PICKED}, got 'plum'"),
    ("fruit", ("pear", "pear"), f"fruit {PICKED}, got pear twice"),
    ("fruit", ("pear", "apple", "melon"), f"fruit {PICKED}, got 3"),
    ("fruit", (1,), f"fruit {PICKED}, got 1"),
    ("fruit", 5, f"fruit {PICKED}, got 5"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), REFUSED)
def test_a_wrong_value_is_refused_in_one_sentence_and_nothing_changes(
    name: str, value: Any, sentence: str
) -> None:
    model = Some(weight=1.5)
    before = model.settings()
    whole = f"^{re.escape(sentence)}$"
    with pytest.raises(ValueError, match=whole):
        setattr(model, name, value)
    assert model.settings() == before
    with pytest.raises(ValueError, match=whole):
        Some(**{name: value})


TYPED = [
    ("weight", "12", "must be a number from −4 to 4, got “12”"),
    ("weight", "", "must be a number from −4 to 4, got “”"),
    ("weight", "nan", "must be a number from −4 to 4, got “nan”"),
    ("weight", "1e999", "must be a number from −4 to 4, got “1e999”"),
    ("weight", "two", "must be a number from −4 to 4, got “two”"),
    ("weight", "0,5", "must be written with a decimal point, got “0,5”; write 0.5"),
    ("weight", "−1,25", "must be written with a decimal point, got “−1,25”; write −1.25"),
    ("units", "2.5", "must be a whole number from 1 to 128, got “2.5”"),
    ("activation", "relu", "must be one of linear, tanh, got “relu”"),
    ("scaled", "yes", "must be 1 (on) or 0 (off), got “yes”"),
    ("shown_range", "3", "must be two numbers from −20 to 20, the first below the second, got “3”"),
    ("fruit", "pear,plum", f"{PICKED}, got “plum”"),
    ("fruit", "pear,", f"{PICKED}, got “”"),
]


@pytest.mark.parametrize(("name", "text", "rest"), TYPED)
def test_a_wrong_text_is_quoted_as_it_was_typed(name: str, text: str, rest: str) -> None:
    with pytest.raises(BadValue) as raised:
        Some.controls()[name].parse(text)
    assert raised.value.rest == rest
    assert raised.value.control == name


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("weight", " 1.5 ", 1.5),
        ("weight", "\N{MINUS SIGN}0.25", -0.25),
        ("weight", "1e-3", 0.001),
        ("weight", ".5", 0.5),
        ("units", "12", 12),
        ("sequence_length", "10\N{NARROW NO-BREAK SPACE}000", 10_000),
        ("sequence_length", "1e3", 1000),
        ("scaled", "1", True),
        ("shown_range", "\N{MINUS SIGN}1…2.5", (-1.0, 2.5)),
        ("fruit", "", ()),
        ("fruit", "melon,apple", ("melon", "apple")),
    ],
)
def test_a_text_is_read_as_people_write_numbers(name: str, text: str, value: Any) -> None:
    read = Some.controls()[name].parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize("value", [2, np.float64(2), np.int32(2), Fraction(2)])
def test_any_kind_of_number_is_a_number(value: Any) -> None:
    assert Some(weight=value).weight == 2.0
    assert type(Some(weight=value).weight) is float


@given(weight=st.floats(-4, 4), length=st.integers(1, 10_000))
def test_a_link_carries_every_value_to_ten_digits(weight: float, length: int) -> None:
    sent = Some(weight=weight, sequence_length=length)
    opened = Some()
    assert opened.apply_query(sent.query()) == []
    assert opened.sequence_length == length
    assert opened.weight == pytest.approx(weight, rel=1e-9, abs=1e-300)
    assert opened.query() == sent.query()


def test_extremes_are_allowed() -> None:
    for name, control in Some.controls().items():
        if isinstance(control, Real):
            for end in (control.low, control.high):
                assert getattr(Some(**{name: end}), name) == end


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-6, "0.000001"),
        (-2.5e-5, "−0.000025"),
        (0.9, "0.9"),
        (-0.25, "−0.25"),
        (10_000, "10\u202f000"),
        (1000, "1000"),
        (1 / 3, "0.3333333333"),
        (0.0, "0"),
    ],
)
def test_values_are_shown_as_people_write_them(value: float, text: str) -> None:
    assert show(value) == text


@pytest.mark.parametrize(
    ("symbol", "shown"),
    [
        ("W_s", "<i>W<sub>s</sub></i>"),
        ("T", "<i>T</i>"),
        ("|X|", "|<i>X</i>|"),
        ("S_0", "<i>S<sub>0</sub></i>"),
        ("U_{xy}", "<i>U<sub>xy</sub></i>"),
        ("b′_h", "<i>b′<sub>h</sub></i>"),
    ],
)
def test_symbols_are_set_as_in_equations(symbol: str, shown: str) -> None:
    assert symbol_html(symbol) == shown


def test_what_was_typed_cannot_become_markup() -> None:
    control = Some.controls()["weight"]
    with pytest.raises(BadValue) as raised:
        control.parse("<img src=x onerror=alert(1)>")
    assert "<img" not in sentence_html(raised.value, control)
    assert sentence_html(raised.value, control).startswith("<i>W<sub>s</sub></i> must be a number")


def test_what_was_picked_goes_along_in_its_order_and_nothing_is_no_part_of_a_link() -> None:
    sent, opened = Some(fruit=["melon", "apple"]), Some()
    assert sent.fruit == ("melon", "apple")
    assert "add=melon,apple" in sent.query()
    assert opened.apply_query(sent.query()) == []
    assert opened.fruit == ("melon", "apple")
    assert "add" not in Some().query()
    told = opened.apply_query("add=plum")
    assert told == [f"The link is wrong: Fruit {PICKED}, got “plum”. Opened with none."]
    spec = Some.controls()["fruit"].spec()
    assert spec["groups"] == [
        ("tree", [["apple", "tree, Apple"], ["pear", "tree, Pear"]]),
        ("ground", [["melon", "ground, Melon"]]),
    ]


def test_an_unknown_control_is_named() -> None:
    with pytest.raises(TypeError, match="Some has no control 'wieght'; it has weight, units"):
        Some(wieght=1)
