"""Lesson 8 by number: its presets, claims and readouts against values that were computed apart from it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradprod.explorers import VectorCells
from gradprod.explorers.controls import BadValue
from gradprod.explorers.model import Claim
from gradprod.figures.theme import Style
from gradprod.words import plain

TEN = math.log(10)
PRESETS = {p.label: i for i, p in enumerate(VectorCells.presets)}


def at(label: str) -> VectorCells:
    model = VectorCells()
    model.start_from(model.presets[PRESETS[label]].settings)
    return model


def factors(model: VectorCells) -> list[np.ndarray]:
    """diag(φ′) W of the first network, newest first, from a run of its own."""
    p = model.weights.cell.parameters
    first = (0,) if model.runs > 1 else ()
    W, U, b = p["recurrent_weight"][first], p["input_weight"][first][:, 0], p["bias"][first]
    h, found = model.weights.initial_state[first], []
    for x in model.inputs:
        u = W @ h + U * x + b
        h = u if model.activation == "linear" else np.tanh(u)
        found.append((np.ones_like(u) if model.activation == "linear" else 1 / np.cosh(u) ** 2)[:, None] * W)
    return found[::-1]


def plain_norms(model: VectorCells) -> np.ndarray:
    P = np.eye(model.units)
    logs = [0.0]
    for J in factors(model):
        P = P @ J
        logs.append(math.log10(np.linalg.norm(P, 2)))
    return np.array(logs)


@pytest.mark.parametrize("label", [p for p in PRESETS if p != "Band"])
def test_the_curve_is_the_norm_of_the_product(label: str) -> None:
    model = at(label)
    # (a trajectory in chaos is another one after a hundred steps; its norms are the same in kind alone)
    if label in ("Chaos", "ρ = 0"):
        model.set(sequence_length=20)
    np.testing.assert_allclose(model.result.log10, plain_norms(model), atol=1e-6)


def test_gaussian_grows_a_little_and_vanishes_though_its_radius_is_above_one() -> None:
    model = at("Gaussian")
    W = model.matrix
    assert np.abs(np.linalg.eigvals(W)).max() == pytest.approx(model.radius, rel=1e-12)
    assert model.radius > 1
    assert model.verdict().kind == "vanishes"
    assert (model.result.log10 <= model.bound + 1e-12).all()
    assert (model.result.log10 >= model.norms.mean - 1e-9).all()


def test_sure_to_vanish_has_every_singular_value_below_one() -> None:
    model = VectorCells(gain=0.45)
    assert np.linalg.svd(model.matrix, compute_uv=False).max() < 1
    assert model.verdict().kind == "vanishes"
    assert (np.diff(model.result.log10) < 0).all()


def test_orthogonal_holds_exactly() -> None:
    model = at("Hold")
    assert model.verdict().kind == "holds"
    np.testing.assert_allclose(model.result.log10, 0, atol=1e-12)


def test_grows_first_is_the_matrix_of_eigenvalues_08() -> None:
    model = at("Grows")
    np.testing.assert_array_equal(model.matrix, 0.8 * np.eye(8) + 0.5 * np.eye(8, k=1))
    assert model.radius == pytest.approx(0.8, rel=1e-12)
    assert model.readout.peak_lag == 33
    assert 10**model.readout.peak_log10 == pytest.approx(119.8, rel=1e-3)
    assert model.verdict().kind == "vanishes"
    assert model.readout.grows_first


def test_four_units_give_the_published_norms() -> None:
    model = VectorCells(initialisation="identity", gain=0.8, coupling=0.5, activation="linear", units=4)
    norms = 10**model.result.log10
    np.testing.assert_allclose(norms[[1, 5, 10, 20, 50]], [1.230, 2.571, 4.264, 3.437, 0.06898], rtol=5e-4)
    assert norms.argmax() == 13
    assert norms.max() == pytest.approx(4.568, rel=2e-4)


def test_no_eigenvalue_but_zero_and_it_explodes_for_ever() -> None:
    model = at("ρ = 0")
    np.testing.assert_allclose(model.matrix @ model.matrix, 0, atol=1e-12)
    assert model.radius == 0
    assert model.verdict().kind == "explodes"
    model.set(sequence_length=2000)
    assert model.readout.rate > 0.1  # nats a step, over the second thousand
    assert float(model.lyapunov.exponents[0]) > 0.1


def test_chaos_is_near_its_mean_field() -> None:
    model = at("Chaos")
    assert model.verdict().kind == "explodes"
    shown = {r.name: r.value for r in model.readouts()}
    assert shown["Mean-field rate ½ ln χ"] == "0.155"  # published: 0.1547
    assert shown["Critical gain"] == "1"
    assert model.simulated_here.rate == pytest.approx(0.1547, abs=0.03)
    assert model.readout.rate == pytest.approx(0.1547, abs=0.05)


def test_the_shortcut_is_another_matrix() -> None:
    model = VectorCells(units=8, below="shortcut")
    run, W = factors(model)[:10], model.matrix
    exact, short, swapped = np.eye(8), np.linalg.matrix_power(W, 10), np.eye(8)
    for J in run:
        slopes = np.diag(J @ np.linalg.inv(W))
        exact = exact @ J
        short = short @ np.diag(slopes)
        swapped = swapped @ W @ np.diag(slopes)
    for found, other in zip(model.shortcut[1:], (short, swapped), strict=True):
        expected = np.linalg.norm(other - exact) / np.linalg.norm(exact)
        assert found[10] == pytest.approx(expected, rel=1e-6)
        assert found[10] > 0.1


def test_a_band_is_drawn_over_networks() -> None:
    model = at("Band")
    assert model.norms.largest.shape == (25, 51)
    np.testing.assert_allclose(model.norms.largest[0], plain_norms(model), atol=1e-9)
    names = [trace.get("uid", "") for trace in model.draw("chart", Style())["data"]]
    assert len(names) > len(VectorCells().draw("chart", Style())["data"])
    assert "log10_norm_10th_percentile" in model.columns()
    low, high = (model.columns()[f"log10_norm_{p}th_percentile"] for p in ("10", "90"))
    assert (low <= model.result.log10).all()
    assert (model.result.log10 <= high).all()


def test_claims_with_their_verdicts() -> None:
    judged = {c.number: c.judge(VectorCells(**c.test)).mark for c in VectorCells.parts(Claim)}
    assert judged == {18: "false", 19: "false"}


@pytest.mark.parametrize(
    ("settings", "number", "mark"),
    [
        ({"units": 1}, 18, "exact"),
        ({"initialisation": "identity"}, 18, "exact"),
        ({"activation": "linear"}, 18, "exact"),
        ({"units": 2}, 18, "false"),
        ({"units": 64}, 18, "false"),
        ({"gain": 0.45}, 19, "true"),
        ({}, 19, "false"),  # ρ > 1, and it vanishes
        ({"gain": 0.9, "activation": "linear", "sequence_length": 500}, 19, "partly"),
        ({"initialisation": "identity", "gain": 0.8, "coupling": 0.5, "activation": "linear"}, 19, "false"),
    ],
)
def test_claims_are_judged_anew(settings: dict[str, object], number: int, mark: str) -> None:
    made = next(c for c in VectorCells.parts(Claim) if c.number == number)
    assert made.judge(VectorCells(**settings)).mark == mark


def test_the_shortcut_s_card_says_what_each_number_is_of() -> None:
    made = next(c for c in VectorCells.parts(Claim) if c.number == 18)
    why = plain(made.judge(VectorCells(**made.test)).why)
    assert "times the size of the exact product, and the product of the factors W diag by" in why


def test_the_menu_has_no_letters_of_tex() -> None:
    assert "_" not in "".join(VectorCells.below.options.values())


def test_the_slip_of_the_immediate_partial_is_shown_by_number() -> None:
    model = VectorCells(units=1, initialisation="identity", gain=0.8, input="constant", initial_scale=0.0)
    U = float(model.weights.cell.parameters["input_weight"][0, 0])
    h, terms, dropped = 0.0, [], []
    slopes = []
    for _step in range(50):
        u = 0.8 * h + U
        slopes.append(1 / math.cosh(u) ** 2)
        h = math.tanh(u)
    P = 1.0
    for slope in slopes[::-1]:
        terms.append(math.log10(P * slope))
        dropped.append(math.log10(P / math.cosh(U) ** 2))
        P *= 0.8 * slope
    np.testing.assert_allclose(model.terms[0], terms, atol=1e-10)
    np.testing.assert_allclose(model.terms[1], dropped, atol=1e-10)
    said = model.slips()
    assert said is not None
    assert said.count("<p>") == 4
    a, b = 1 / math.cosh(0.8 * 1 + 0.867) ** 2, 1 / math.cosh(0.867) ** 2
    assert (f"{a:.3f}", f"{b:.3f}") == ("0.133", "0.510")
    assert "x_s = 0.867: the slope is 0.133, and 0.510 with h dropped." in plain(said)
    model.ask()
    assert model.slips() is None


def test_the_question_is_answered_by_the_library() -> None:
    model = VectorCells()
    model.ask()
    assert [p for p in model.pictures(Style())] == ["chart"]
    model.commit()
    W = 0.8 * np.eye(32) + 0.5 * np.eye(32, k=1)
    exact = math.log10(np.linalg.norm(np.linalg.matrix_power(W, 50), 2))
    assert model.prediction.truth(model) == pytest.approx(exact, rel=1e-10)
    assert exact == pytest.approx(5.62, abs=0.01)
    assert "11 powers of ten higher" in model.prediction.reveal(-5, exact)


def test_long_runs_lower_what_was_not_asked_for_and_say_so() -> None:
    model = VectorCells(units=128, runs=25)
    model.set(sequence_length=10_000)
    assert model.runs == 1
    assert model.units < 128
    assert set(model.notes) == {"runs", "units"}
    with pytest.raises(BadValue, match=r"units must be a whole number from 1 to \d+ with 10"):
        model.set(units=128)
    with pytest.raises(BadValue, match="runs must be at most 1 for n = "):
        model.set(runs=25)
    assert model.runs == 1
    opened = VectorCells()
    assert opened.apply_query(model.query()) == []
    assert opened.settings() == model.settings()


def test_a_link_that_asks_for_too_much_is_told_so() -> None:
    model = VectorCells()
    told = model.apply_query("lesson=8&n=128&T=10000")
    assert len(told) == 1
    assert model.sequence_length == 10_000
    assert model.units < 128


@pytest.mark.parametrize("below", ["terms", "spectrum", "lyapunov", "shortcut", "mean_field"])
@pytest.mark.parametrize(
    "settings",
    [
        {"sequence_length": 1},
        {"sequence_length": 5, "units": 1},
        {"gain": 0.0},
        {"gain": 0.0, "coupling": 2.0, "units": 3},
        {"gain": 4.0, "input_weight": 4.0, "bias_scale": 4.0},
        {"input": "zero", "initial_scale": 0.0},
        {"input": "impulse", "units": 2},
        {"initialisation": "nilpotent", "units": 1},
        {"initialisation": "nilpotent", "activation": "linear", "units": 5},
        {"activation": "linear", "gain": 4.0, "sequence_length": 2000, "units": 3},
        {"activation": "sigmoid", "runs": 3, "units": 4},
    ],
)
def test_extremes_give_pictures_and_words(settings: dict[str, object], below: str) -> None:
    model = VectorCells(**settings, below=below, show_mean=True, show_shortcut=True)
    model.pictures(Style())
    model.pictures(Style(width=380, height=270))
    words = " ".join(
        [model.verdict().sentence, *(f"{r.name} {r.value} {r.how}" for r in model.readouts())]
        + [c.judge(model).why for c in model.parts(Claim)]
        + [cell for row in model.table().rows for cell in row]
        + [model.slips() or ""]
    )
    assert " nan" not in words
    assert "inf" not in words.replace("infinit", "")
    model.csv()


def test_the_singular_values_fan_out_to_the_norm() -> None:
    model = VectorCells(units=16, below="spectrum")
    lags, values = model.singular
    np.testing.assert_allclose(values[:, 0], model.norms.largest[lags], atol=1e-9)
    np.testing.assert_allclose(values.mean(axis=1), model.norms.mean[lags], atol=1e-9)
    assert lags[-1] == 50


def test_a_sines_zero_is_zero_among_the_terms() -> None:
    exact, dropped = VectorCells().terms
    zeros = np.flatnonzero(np.isneginf(exact))
    np.testing.assert_array_equal(zeros, [0, 10, 20, 30, 40])  # lags; period 20, so x_50 = 0
    np.testing.assert_array_equal(zeros, np.flatnonzero(np.isneginf(dropped)))
