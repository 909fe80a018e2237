"""Sentences of lessons 2, 4, 5, 7, 9 and 11 where a number is one, none, or all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradprod.explorers import (
    GRU,
    BothDirections,
    Compare,
    GatedAgainstPlain,
    GateSurface,
    Remedies,
    Slopes,
)
from gradprod.explorers.lessons.gated_cell import ALIKE
from gradprod.explorers.model import Claim
from gradprod.words import plain


def sentence(model: Any) -> str:
    return plain(model.verdict().sentence)


def judged(model: Any, number: int) -> tuple[str, str]:
    made = next(c for c in model.parts(Claim) if c.number == number)
    found = made.judge(model)
    return found.mark, plain(found.why)


def test_slopes_near_the_bound_are_counted_of_the_steps() -> None:
    # zero input: u = 0, tanh′ = 1, at every step
    assert sentence(Slopes(input="zero", sequence_length=1)).startswith("Near its bound of 1 in 1 of 1 step;")
    # u ≥ 4 at every step: tanh′ < 0.002
    far = Slopes(recurrent_weight=0.0, input_weight=4.0, input="constant")
    assert sentence(far).startswith("Near its bound of 1 in none of 50 steps;")
    assert Slopes(activation="linear").verdict().name == "φ′ = 1"


def test_mostly_below_one_means_more_than_half_of_the_steps() -> None:
    half = Slopes(input="step", sequence_length=50, recurrent_weight=0.0)
    assert judged(half, 3) == (
        "partly",
        "Only in 25 of 50 steps is the slope below 1; at the others u is 0, or as good as 0.",
    )
    assert judged(Slopes(), 3)[0] == "true"


def test_what_is_said_of_the_path_agrees_with_the_verdict() -> None:
    # linear state, gate open: every factor is σ(8) = 0.99966
    opened = GateSurface(activation="linear", forget_bias=8.0, forget_weight=0.0)
    mark, why = judged(opened, 8)
    assert mark == "true"
    assert why.endswith(
        "Where the cell goes, 0 % of its steps are between, and 100 % near 1: here the claim holds."
    )
    mark, why = judged(GateSurface(forget_bias=-5.0, forget_weight=0.5), 8)
    assert mark == "partly"
    assert "near 0 in 100 % of its steps" in why
    mark, why = judged(GateSurface(), 8)
    assert (mark, "But the cell goes" in why) == ("false", True)


def test_terms_kept_or_dropped_one_or_two_steps_back() -> None:
    assert (
        "Here the product to the step before is 50 %. The"
        in judged(GatedAgainstPlain(**ALIKE, sequence_length=1, step=1), 9)[1]
    )
    assert (
        "to the step before is 50 %, to the one before that 25 %. The"
        in judged(GatedAgainstPlain(**ALIKE), 9)[1]
    )


def test_gate_and_weight_are_called_equal_only_where_they_are() -> None:
    assert judged(GatedAgainstPlain(**ALIKE), 10)[0] == "exact"
    mark, why = judged(GatedAgainstPlain(**{**ALIKE, "input_weight": 2.0}), 10)
    assert mark == "true"
    assert why == "In form. Here both gates stand still: f at 0.5, i at 0.5, where W_s is 0.5 and W_x is 2."
    # f = σ(4 + X), i = σ(X), X between −1 and 1
    why = judged(GatedAgainstPlain(recurrent_weight=0.5), 10)[1]
    assert "f is 0.95 to 0.99 and i is 0.27 to 0.73, chosen anew at each step, where W_s = 0.5" in why
    why = judged(GatedAgainstPlain(forget_weight=0.0, forget_bias=0.0), 10)[1]
    assert "f is 0.5 and i is 0.27 to 0.73" in why


@pytest.mark.parametrize(
    ("bias", "length", "mark"), [(-8.0, 50, "true"), (-2.0, 50, "partly"), (-4.0, 10_000, "partly")]
)
def test_z_keeps_where_it_is_near_0_and_the_product_holds(bias: float, length: int, mark: str) -> None:
    assert judged(GRU(update_bias=bias, sequence_length=length), 17)[0] == mark


def test_lstm_and_gru_are_the_same_or_differ() -> None:
    same = next(c for c in GRU.parts(Claim) if c.number == 16)
    assert "this h are the same, and" in plain(same.judge(GRU(**same.test)).why)
    assert "this h differ by" in judged(GRU(), 16)[1]


@pytest.mark.parametrize(
    ("preset", "mark", "factor"),
    [
        ("minGRU", "true", "1"),
        ("Typical", "true", "2.1"),
        ("Overwrites", "partly", "8 000"),
        ("Explodes", "partly", "30"),
    ],
)
def test_lstm_and_gru_are_alike_up_to_a_factor_of_ten(preset: str, mark: str, factor: str) -> None:
    model = GRU(**next(p for p in GRU.presets if p.label == preset).settings)
    found, why = judged(model, 16)
    # the factor from the products themselves, in plain numpy
    here, there = (p.sign * 10.0**p.log10 for p in (model.result, model.lstm_result))
    ratio = np.abs(here / there)
    assert float(factor.replace(" ", "")) == pytest.approx(np.maximum(ratio, 1 / ratio).max(), rel=0.05)
    assert found == mark
    assert f"by a factor of {factor}; the claim holds if that is at most 10" in why.replace("\u202f", " ")


def test_one_input_is_one_input() -> None:
    alone = BothDirections(sequence_length=1, step=1)
    assert sentence(alone) == "Of 1 input, output 1 hears 1 both ways; reading one way it hears 1."
    assert judged(alone, 35)[0] == "partly"
    pair = BothDirections(sequence_length=2, step=1)
    assert judged(pair, 35)[1].startswith("Output 1 has a path from 1 of the 1 input after it;")


def test_without_a_path_the_right_is_not_heard() -> None:
    shut = BothDirections(kind="plain", recurrent_weight=0.0)
    assert judged(shut, 35) == ("partly", "Not here: nothing comes from the right of t.")
    row = next(r for r in shut.readouts() if r.name == "Inputs with a path at all")
    assert (row.value, row.how) == ("1", "one way: 1")


def test_nobody_is_called_shortest_where_all_remember_alike() -> None:
    assert sentence(Compare(sequence_length=1)).startswith(
        "All remember 1 % for at least 1 step; most is left of "
    )


def test_the_head_of_the_data_is_plain_text() -> None:
    head = [line for line in GateSurface().csv().splitlines() if line.startswith("#")]
    assert "# x (Rectangle x) = -4,4" in head
    assert "# near = 0.1,0.9" in head


@pytest.mark.parametrize("settings", [{}, {"gate": "flat", "recurrent_weight": -2.0}, {"input_size": 4.0}])
def test_the_gate_surface_s_call_gives_the_shares_of_the_page(
    settings: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    lesson = GateSurface(**settings)
    exec(compile(lesson.code(), "<call>", "exec"), {})
    taken, rectangle = capsys.readouterr().out.splitlines()
    assert taken == f"the steps taken {lesson.path_shares}"
    assert rectangle == f"the rectangle {lesson.plane_shares}"


def test_a_threshold_is_said_as_it_was_set() -> None:
    assert "within θ = 99.5; it stays" in sentence(Remedies(threshold=99.5))
