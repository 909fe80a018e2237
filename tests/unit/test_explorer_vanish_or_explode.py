"""Lesson 3 by number: its presets, claims and readouts against values that were computed apart from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradprod.explorers import VanishOrExplode
from gradprod.explorers.model import Claim
from gradprod.figures.theme import Style
from gradprod.words import plain


def plain_product(
    phi: str, W_s: float, W_x: float, b: float, inputs: np.ndarray, S: float = 0.0
) -> np.ndarray:
    """log₁₀ |∂S_T/∂S_{T−lag}|, step by step in ordinary floats."""
    factors = []
    for x in inputs:
        u = W_x * x + W_s * S + b
        if phi == "linear":
            S, slope = u, 1.0
        elif phi == "tanh":
            S, slope = math.tanh(u), 1 / math.cosh(u) ** 2
        else:
            S = 1 / (1 + math.exp(-u))
            slope = S * (1 - S)
        factors.append(slope * W_s)
    logs = np.log10(np.abs(factors))
    return np.concatenate([[0.0], np.cumsum(logs[::-1])])


SINE = np.sin(2 * np.pi * np.arange(1, 51) / 20)


@pytest.mark.parametrize("phi", ["linear", "tanh", "sigmoid"])
@pytest.mark.parametrize("W_s", [-2.0, 0.9, 3.0])
def test_the_curve_is_the_product_of_the_slopes_and_weights(phi: str, W_s: float) -> None:
    model = VanishOrExplode(activation=phi, recurrent_weight=W_s, input_weight=0.7, bias=0.2)
    expected = plain_product(phi, W_s, 0.7, 0.2, SINE)
    np.testing.assert_allclose(model.result.log10, expected, rtol=1e-10, atol=1e-12)
    assert model.result.sign[1] == math.copysign(1, W_s)


def at(preset: int) -> VanishOrExplode:
    model = VanishOrExplode()
    model.start_from(model.presets[preset].settings)
    return model


def test_vanish_vanishes() -> None:
    model = at(0)
    assert model.verdict().kind == "vanishes"
    assert model.readout.left_log10 == pytest.approx(plain_product("tanh", 0.9, 0.5, 0, SINE)[-1], rel=1e-12)
    assert (
        model.verdict().sentence
        == "Falls tenfold every 3.1 steps; after 50 steps 1 part in 10<sup>16</sup> is left."
    )


def test_hold_holds_exactly() -> None:
    assert at(1).verdict().kind == "holds"
    np.testing.assert_array_equal(at(1).result.log10, np.zeros(51))


def test_explode_explodes() -> None:
    assert at(2).verdict().kind == "explodes"
    assert at(2).readout.left_log10 == pytest.approx(50 * math.log10(1.2), rel=1e-12)


def test_saturate_grows_for_a_few_steps_and_then_vanishes() -> None:
    model = at(3)
    product = 10 ** model.result.log10[:8]
    np.testing.assert_allclose(product[1:6], [4.0, 16, 64, 239, 401], rtol=5e-3)
    assert product[6] == pytest.approx(14, rel=0.05)
    assert product[7] == pytest.approx(0.08, rel=0.1)
    assert model.readout.grows_first
    assert model.readout.rate == pytest.approx(-5, abs=0.4)
    assert model.verdict().sentence.startswith("Grows to 400 at lag 5, then vanishes;")


def test_a_hundredth_to_the_fifty_is_ten_to_the_minus_hundred() -> None:
    assert at(4).readout.left_log10 == pytest.approx(-100, rel=1e-12)
    assert at(4).readout.float32_limit_lag == 23  # 10^-46 is below half of the smallest float32, 1.4e-45
    assert at(4).readout.float64_limit_lag is None


CLAIMS = {4: "true", 5: "false", 6: "exact", 30: "true"}


def test_every_claim_of_the_lesson_is_there_with_its_verdict() -> None:
    judged = {c.number: c.judge(VanishOrExplode(**c.test)).mark for c in VanishOrExplode.parts(Claim)}
    assert judged == CLAIMS


@pytest.mark.parametrize(
    ("settings", "number", "mark"),
    [
        ({"recurrent_weight": -0.9}, 4, "true"),
        ({"recurrent_weight": 0.9, "sequence_length": 2}, 4, "partly"),
        ({"recurrent_weight": 4.0, "input": "zero"}, 5, "true"),  # exactly on the fixed point
        ({"recurrent_weight": 4.0, "input": "noise"}, 5, "false"),
        ({"recurrent_weight": 1.2, "activation": "linear"}, 5, "true"),
        ({"recurrent_weight": -3.9, "activation": "sigmoid"}, 30, "true"),
    ],
)
def test_claims_are_judged_anew_at_other_settings(
    settings: dict[str, object], number: int, mark: str
) -> None:
    made = next(c for c in VanishOrExplode.parts(Claim) if c.number == number)
    model = VanishOrExplode(**settings)
    assert made.applies(model)
    assert made.judge(model).mark == mark


def test_the_question_is_answered_by_the_library() -> None:
    model = VanishOrExplode()
    model.ask()
    model.commit()
    exact = plain_product("tanh", 1.5, 0.5, 0, SINE)[-1]
    assert model.prediction.truth(model) == pytest.approx(exact, rel=1e-12)
    said = model.prediction.reveal(9, exact)
    assert said == "You said 10<sup>9</sup>; it is 10<sup>−12</sup>: 21 powers of ten lower."


def test_the_map_shows_the_same_number_as_the_curve() -> None:
    model = VanishOrExplode(recurrent_weight=-1.5, input_weight=2.0)
    row = int(np.flatnonzero(np.isclose(model.regimes.y, 2.0))[0])
    column = int(np.flatnonzero(np.isclose(model.regimes.x, -1.5))[0])
    assert model.regimes.values[row, column] == pytest.approx(model.readout.left_log10, rel=1e-12)


def test_both_ends_of_the_length() -> None:
    short = VanishOrExplode(sequence_length=1)
    assert short.result.log10[1] == pytest.approx(math.log10(0.9 / math.cosh(0.5 * SINE[0]) ** 2), rel=1e-12)
    long = VanishOrExplode(sequence_length=10_000)
    assert np.isfinite(long.result.log10).all()
    assert long.readout.left_log10 < -3000


def test_a_weight_of_zero_stops_everything() -> None:
    model = VanishOrExplode(recurrent_weight=0.0)
    assert model.result.log10[1] == -math.inf
    assert "nothing passes beyond lag 0" in model.verdict().sentence


def test_the_band_is_the_same_run_on_the_noise_of_other_seeds() -> None:
    model = VanishOrExplode(input="noise", seed=3, show_band=True)
    assert model.band.log10.shape == (25, 51)
    np.testing.assert_allclose(model.band.log10[0], model.result.log10, rtol=1e-12)
    other = VanishOrExplode(input="noise", seed=5)
    np.testing.assert_allclose(model.band.log10[2], other.result.log10, rtol=1e-12)


def test_lags_may_run_on_from_the_first_step() -> None:
    back, on = VanishOrExplode(), VanishOrExplode(direction="on")
    assert on.result.log10[-1] == pytest.approx(back.result.log10[-1], rel=1e-12)
    expected = np.cumsum(-np.diff(plain_product("tanh", 0.9, 0.5, 0, SINE))[::-1])
    np.testing.assert_allclose(on.result.log10[1:], -expected, rtol=1e-10)


def test_readouts_name_their_units() -> None:
    shown = {r.name: r.value for r in VanishOrExplode().readouts()}
    assert shown == {
        "Rate per step": "× 0.48",
        "Half-life": "0.93 steps",
        "Effective memory": "4 steps",
        "float32 gives 0": "not within 50 steps",
    }


@pytest.mark.parametrize(("length", "says"), [(300, ""), (301, "over the first 300 steps")])
def test_the_map_says_when_it_is_of_the_first_steps_alone(length, says):
    figure = VanishOrExplode(sequence_length=length).pictures(Style())["map"]
    title = plain(figure["layout"]["annotations"][0]["text"])
    assert title.split()[1:] == says.split()


def test_the_map_starts_where_the_cell_starts():
    saturates = next(p.settings for p in VanishOrExplode.presets if p.label == "Saturate")
    model = VanishOrExplode(**saturates)
    assert (model.recurrent_weight, model.initial_state) == (4.0, 0.001)
    assert model.readout.verdict == "vanishes"
    at_weight_4 = model.regimes.values[:, -1]  # no input: W_x is the same everywhere
    np.testing.assert_allclose(at_weight_4, model.result.log10[-1], rtol=1e-9)
