"""Lessons 1, 2, 4 and 9: other seeds as median and band, and the reader's guess in the picture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gradprod.explorers import BothDirections, GateSurface, Slopes, ThreeSteps
from gradprod.explorers.model import Explorer
from gradprod.figures.slopes import shares_by_place
from gradprod.figures.theme import Style
from gradprod.inputs import make_input

SEEDED = [Slopes, GateSurface, BothDirections]


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(x, float)))


def trace(figure: dict[str, Any], uid: str) -> dict[str, Any]:
    return next(t for t in figure["data"] if t.get("uid") == uid)


def said(figure: dict[str, Any]) -> str:
    return " ".join(note["text"] for note in figure["layout"]["annotations"])


def states(weight: float, drive: float, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pre-activations and states of S_t = tanh(weight S_{t−1} + drive x_t), step by step."""
    u, s, last = [], [], 0.0
    for value in x:
        u.append(weight * last + drive * value)
        last = math.tanh(u[-1])
        s.append(last)
    return np.array(u), np.array(s)


# ---- over seeds ----


@pytest.mark.parametrize("lesson", SEEDED)
def test_no_seed_is_run_until_it_is_asked_for(lesson: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    before = lesson.inputs_of_seeds.fget
    monkeypatch.setattr(lesson, "inputs_of_seeds", property(lambda m: asked.append(1) or before(m)))

    def shown(model: Explorer) -> str:
        model.pictures(Style())
        verdict = model.verdict()
        return (
            f"{verdict.rule} {[r.how for r in model.readouts()]} {getattr(model, 'measured_shares', str)()}"
        )

    model = lesson(input="noise")
    assert "to 31" not in shown(model)
    model.show_band = True
    model.input = "sine"
    shown(model)
    assert not asked
    model.input = "noise"
    assert "seeds 7 to 31" in shown(model).replace("Seeds", "seeds")
    assert asked


def test_slopes_of_other_seeds_are_those_of_their_runs() -> None:
    model = Slopes(input="noise", seed=3, show_band=True, recurrent_weight=-0.5, input_weight=1.5)
    runs = [states(-0.5, 1.5, make_input("noise", 50, seed=seed)) for seed in range(3, 28)]
    u = np.stack([u for u, _s in runs])
    np.testing.assert_allclose(model.places_of_seeds, u, rtol=1e-12)
    slopes = 1 - np.stack([s for _u, s in runs]) ** 2
    above = np.sort((slopes > 0.9).mean(axis=-1))[[2, 12, 22]] * 100
    row = next(r for r in model.readouts() if r.name == "Near the bound")
    low, median, high = (f"{v:.0f}\u00a0%" for v in above)
    assert row.how.endswith(f"seeds 3 to 27: {median} ({low} … {high})")
    typical = np.sort(np.log10(slopes).mean(axis=-1))[12]
    how = next(r.how for r in model.readouts() if r.name == "Typical slope")
    assert f"seeds 3 to 27: {10**typical:.2g}" in how


def test_how_often_a_place_is_visited_is_counted_run_by_run() -> None:
    u = np.random.default_rng(5).normal(size=(7, 40))
    counts = [np.histogram(row, bins=12, range=(-4, 4))[0] / 40 for row in u]
    np.testing.assert_allclose(shares_by_place(u, 12, (-4, 4)), counts)
    np.testing.assert_allclose(shares_by_place([[4.0, -4.0]], 4, (-4, 4)), [[0.5, 0, 0, 0.5]])
    figure = Slopes(input="noise", show_band=True).pictures(Style(width=900, height=590))["chart"]
    low, high = trace(figure, "others-low")["y"], trace(figure, "others-high")["y"]
    middle = trace(figure, "others")["y"]
    visited = high > 0
    assert (low[visited] <= middle[visited]).all()
    assert (middle[visited] <= high[visited]).all()
    assert np.isnan(middle[~visited]).all()


def test_shares_of_other_seeds_are_those_of_their_runs() -> None:
    model = GateSurface(input="noise", seed=3, show_band=True)
    z = []
    for seed in range(3, 28):
        x, s, row = make_input("noise", 50, seed=seed), 0.0, []
        for value in x:
            f = sigma(2 * value + 2)
            s = math.tanh(f * s + sigma(value) * value)
            row.append(f * (1 - s * s))
        z.append(row)
    np.testing.assert_allclose(model.paths_of_seeds.z, z, rtol=1e-12)
    between = np.mean((np.array(z) >= 0.1) & (np.array(z) <= 0.9), axis=-1)
    low, median, high = np.sort(between)[[2, 12, 22]] * 100
    told = model.measured_shares()
    assert f"between {low:.0f}\u00a0% … {high:.0f}\u00a0%" in told
    assert "Seeds 3 to 27, median</p>" in told
    assert f">{median:.0f} %</span>" in told.split("Seeds 3")[1]
    dots = trace(model.pictures(Style())["chart"], "others")
    assert 200 < len(dots["x"]) <= 25 * 50


def test_the_map_of_medians_is_the_median_of_the_maps() -> None:
    model = BothDirections(input="noise", seed=3, show_band=True, kind="plain", sequence_length=12, step=6)
    maps = [
        BothDirections(input="noise", seed=seed, kind="plain", sequence_length=12, step=6)
        for seed in range(3, 28)
    ]
    for which, table in (("one_way", model.drawn[0][0]), ("two_way", model.drawn[1][0])):
        each = np.sort([getattr(m, which) for m in maps], axis=0)
        np.testing.assert_allclose(table, each[12], rtol=1e-12)
    heard = np.sort([m.heard(m.two_way) for m in maps])
    row = next(r for r in model.readouts() if r.name == "Heard, both ways")
    assert row.how == f"seeds 3 to 27: {heard[12]} ({heard[2]} … {heard[22]})"
    assert "median of 25 seeds" in said(model.pictures(Style())["chart"])
    assert "the words are of seed 3" in model.verdict().rule
    bands = [t for t in model.pictures(Style())["row"]["data"] if t.get("fill") == "tonexty"]
    assert len(bands) == 2


def test_moving_the_step_makes_no_map_anew() -> None:
    model = BothDirections(input="noise", show_band=True)
    before = model.both_maps, model.maps_of_seeds, model.medians
    model.step = 3
    model.view = "one"
    after = model.both_maps, model.maps_of_seeds, model.medians
    assert all(a is b for a, b in zip(before, after, strict=True))
    model.forget_bias = 2.0
    assert model.both_maps is not before[0]


# ---- guesses ----


def guessed(lesson: type[Explorer], guess: float) -> Any:
    model = lesson()
    model.ask()
    model.predict(guess)
    hidden = model.pictures(Style())
    model.commit()
    return model, hidden["chart"], model.pictures(Style())["chart"]


def test_no_picture_has_a_cross_before_anything_was_asked() -> None:
    for lesson in (ThreeSteps, Slopes, BothDirections):
        model = lesson(**dict(lesson.prediction.settings))
        figure = model.pictures(Style())["chart"]
        assert not [t for t in figure["data"] if t.get("uid") == "prediction"]


def test_the_guess_of_terms_is_a_cross_on_the_running_sum() -> None:
    _model, hidden, shown = guessed(ThreeSteps, 3)
    cross = trace(shown, "prediction")
    # inputs 1, W_s ½, W_x 1, W_o 2, no target: 4 (1 + ½ + ¼ + …), to within the last state's rounding to 2
    assert cross["x"] == [2]
    assert cross["y"][0] == pytest.approx(7, rel=1e-3)
    assert cross["xaxis"] == "x2"
    assert "you said 3" in said(shown)
    assert trace(hidden, "prediction")["y"] == [0.0]


@pytest.mark.parametrize("guess", [0, 1, 12])
def test_a_cross_stays_within_its_axis(guess: int) -> None:
    _model, _hidden, shown = guessed(ThreeSteps, guess)
    low, high = shown["layout"]["xaxis2"]["range"]
    assert low <= trace(shown, "prediction")["x"][0] <= high


def test_the_guess_of_slopes_stands_where_a_slope_is_one_half() -> None:
    model, _hidden, shown = guessed(Slopes, 20)
    assert trace(shown, "prediction")["y"] == [0.5]
    assert "20 steps above ½" in said(shown).replace("<br>", " ")
    u, _s = states(0.9, 2.0, make_input("sine", 50, period=20))
    assert Slopes.prediction.truth(model) == sum(1 / math.cosh(v) ** 2 > 0.5 for v in u)


def test_the_guess_of_factors_is_marked_where_near_1_would_begin() -> None:
    model = GateSurface()
    model.ask()
    model.predict(45)
    assert "you said" not in model.measured_shares()
    model.commit()
    told = model.measured_shares()
    assert 'style="--p:0.1000"><b>✕</b><small>you said 45 of 50 near 1</small>' in told
    model.forget_bias = 4.0
    assert "you said" not in model.measured_shares()


@pytest.mark.parametrize(
    ("guess", "ends"), [(0, (20, 20)), (1, (20, 20)), (2, (20, 21)), (21, (10, 30)), (40, (1, 40))]
)
def test_the_guess_of_inputs_is_a_stretch_of_the_row(guess: int, ends: tuple[int, int]) -> None:
    model, _hidden, shown = guessed(BothDirections, guess)
    cross = trace(shown, "prediction")
    assert tuple(cross["x"]) == ends
    assert cross["y"] == [20, 20]
    assert f"you said {guess}" in said(shown)
    model.view = "one"
    assert "you said" not in said(model.pictures(Style())["chart"])
