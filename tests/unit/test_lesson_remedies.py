"""Lesson 10 by number: its presets, claim and readouts against values that were computed apart from it."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from gradprod.explorers import Remedies
from gradprod.explorers.model import Claim
from gradprod.explorers.page import Page
from gradprod.figures.theme import Style
from gradprod.words import plain

PRESETS = {p.label: p.settings for p in Remedies.presets}


def at(label: str) -> Remedies:
    model = Remedies()
    model.start_from(PRESETS[label])
    return model


def error(w: float, b: float) -> float:
    """(σ(x_50) − 0.7)², by the recurrence as it is printed."""
    x = 0.5
    for _step in range(50):
        x = w / (1 + math.exp(-x)) + b
    return (1 / (1 + math.exp(-x)) - 0.7) ** 2


def slopes(w: float, b: float) -> np.ndarray:
    d = 1e-7
    return np.array(
        [
            (error(w + d, b) - error(w - d, b)) / (2 * d),
            (error(w, b + d) - error(w, b - d)) / (2 * d),
        ]
    )


def test_on_the_cliff_the_plain_step_is_thrown_and_the_clipped_one_is_not() -> None:
    model = at("Cliff")
    g = slopes(model.weight, model.offset)
    norm = float(np.linalg.norm(g))
    assert norm > 5 * model.threshold
    assert model.clipped["norm"].norm_before == pytest.approx(norm, rel=1e-4)
    plain, clipped = model.plain_walk, model.clipped_walk
    np.testing.assert_allclose(
        [plain.weight[1], plain.bias[1]], [model.weight, model.offset] - 0.15 * g, rtol=1e-4
    )
    step = [clipped.weight[1] - model.weight, clipped.bias[1] - model.offset]
    assert np.linalg.norm(step) == pytest.approx(0.15 * model.threshold, rel=1e-9)
    assert plain.bias[1] > -1.6  # out of the picture
    assert clipped.error[-1] < 0.01 < 0.05 < plain.error[-1]
    assert model.verdict().name == "Clipping acts"


def test_each_kind_of_clipping_turns_the_gradient_by_its_angle() -> None:
    model = at("Cliff")
    g = slopes(model.weight, model.offset)
    held = np.clip(g, -model.threshold, model.threshold)
    turned = abs(math.atan2(g[1], g[0]) - math.atan2(held[1], held[0]))
    assert model.clipped["norm"].angle == 0
    assert model.clipped["value"].angle == pytest.approx(turned, rel=1e-3)
    assert turned > math.radians(5)


def test_on_the_plateau_clipping_does_nothing() -> None:
    model = at("Plateau")
    assert np.linalg.norm(slopes(model.weight, model.offset)) < 0.1
    assert not model.clipped["norm"].changed
    np.testing.assert_array_equal(model.clipped_walk.error, model.plain_walk.error)
    assert model.verdict().name == "Clipping does nothing"
    np.testing.assert_allclose(model.terms.clipped.log10, np.arange(50) * math.log10(0.5), atol=1e-10)


CLAIM = next(c for c in Remedies.parts(Claim) if c.number == 26)


def judged(**settings: Any) -> tuple[str, str]:
    found = CLAIM.judge(Remedies(**settings))
    return found.mark, plain(found.why)


def test_claim_26_is_tested_where_clipping_acts_on_the_cliff_and_in_the_cell() -> None:
    model = Remedies(**CLAIM.test)
    explodes, vanishes = model.both
    assert explodes.norm_log10 == pytest.approx(math.log10((1.2**50 - 1) / 0.2), abs=1e-9)
    assert explodes.norm_log10 + explodes.scale_log10 == pytest.approx(0, abs=1e-9)
    assert vanishes.terms.log10[-1] == pytest.approx(49 * math.log10(0.5), abs=1e-9)
    assert vanishes.scale_log10 == pytest.approx(-math.log10((1 - 0.5**50) / 0.5), abs=1e-9)
    assert model.verdict().name == "Clipping acts"
    assert plain(model.verdict().sentence).startswith("On the cliff the gradient of 8.7 is cut to 1;")
    # Σ 1.2^ℓ = 4.5·10⁴ as in the readout “Gradient of the cell”; 0.5⁴⁹ = 1.8·10⁻¹⁵, halved since Σ 0.5^ℓ = 2
    assert model.readouts()[3].value == "4.5·10<sup>4</sup>"
    assert judged(**CLAIM.test) == (
        "true",
        "50 steps, θ = 1. This cell, W_s = 1.2: its gradient of 4.5·10⁴ is cut to 1. A linear cell with "
        "W_s = 0.5: its first step’s term is 1.8·10⁻¹⁵, and 8.9·10⁻¹⁶ once clipped. Clipping multiplies all "
        "terms by one factor, never above 1.",
    )


def test_claim_26_is_judged_on_the_cell_that_is_shown() -> None:
    # (1.5⁵⁰ − 1) / 0.5 = 1.3·10⁹
    assert "This cell, W_s = 1.5: its gradient of 1.3·10⁹ is cut to 1." in judged(recurrent_weight=1.5)[1]
    mark, why = judged(**PRESETS["Plateau"])
    assert mark == "true"
    assert "A linear cell with W_s = 1.2: its gradient of 4.5·10⁴ is cut to 10. This cell, W_s = 0.5: " in why
    assert "its first step’s term is 1.8·10⁻¹⁵, and stays." in why
    steady = judged(recurrent_weight=1.0)[1]
    assert "This cell" not in steady
    assert "A linear cell with W_s = 1.2: " in steady
    assert "A linear cell with W_s = 0.5: " in steady
    mark, why = judged(sequence_length=1)
    assert mark == "partly"
    assert why.startswith("1 step, θ = 1. A linear cell with W_s = 1.2: its gradient is 1, and stays.")
    # cut nowhere: Σ 1.2^ℓ = 58 over 14 steps
    assert judged(sequence_length=14, threshold=100.0)[0] == "partly"


def test_the_question_is_answered_by_arithmetic() -> None:
    model = Remedies()
    model.ask()
    assert Remedies.prediction is not None
    truth = Remedies.prediction.truth(model)
    assert truth == pytest.approx(-math.log10((1.5**50 - 1) / 0.5), abs=1e-9)
    assert truth < -9


def test_a_guess_is_said_as_the_size_that_was_asked_for() -> None:
    page = Page(Remedies())
    page._do_ask()
    assert page._predict() == {"stage": "open", "guess": 0, "words": "1"}
    page._do_guess(-9)
    assert page._predict()["words"] == "10<sup>−9</sup>"
    page._do_guess(0)
    page._do_commit()
    assert page._predict()["reveal"] == "You said 1; it is 10<sup>−9</sup>: 9 powers of ten lower."


@pytest.mark.parametrize(
    ("remedy", "sliders"),
    [
        ("clipping", {"threshold"}),
        ("initialisation", {"gain", "sequence_length"}),
        ("truncation", {"kept_steps", "sequence_length"}),
    ],
)
def test_what_is_presented_moves_the_picture_that_is_shown(remedy: str, sliders: set[str]) -> None:
    model = Remedies(remedy=remedy, activation="tanh", input="noise")
    controls = Remedies.controls()
    assert {name for name, c in controls.items() if c.presented(model)} == sliders
    assert {name for name, c in Page(model)._values()["controls"].items() if c.get("live")} == sliders
    for name, to in {"threshold": 3.0, "gain": 0.7, "kept_steps": 3, "sequence_length": 33}.items():
        if name in sliders:
            before = drawn(model)
            model.set(**{name: to})
            assert drawn(model) != before, name


def drawn(model: Remedies) -> str:
    """The main picture's curves and points."""
    name = "landscape" if model.remedy == "clipping" else "chart"
    return repr([(t.get("uid"), np.asarray(t["y"]).tolist()) for t in model.draw(name, Style())["data"]])


def test_the_best_initialisation_is_said_in_a_sentence() -> None:
    # the identity holds exactly in a linear cell
    said = plain(Remedies(remedy="initialisation", show_orthogonal=False).verdict().sentence)
    assert said.startswith("After 50 steps all of it is left, by the median; with ")


def test_the_guess_stays_in_the_picture_at_the_newest_step() -> None:
    model = Remedies()
    model.ask()
    model.predict(-5)
    assert "by_lag" not in model.pictures(Style())
    model.commit()
    figure = model.pictures(Style())["by_lag"]
    (cross,) = [trace for trace in figure["data"] if trace.get("uid") == "prediction"]
    assert (list(cross["x"]), list(cross["y"])) == ([0], [-5])
    (said,) = [note for note in figure["layout"]["annotations"] if "your prediction" in note["text"]]
    assert "10<sup>−5</sup>" in said["text"]
    assert (said["x"], said["y"]) == (0, -5)
    model.set(threshold=2.0)
    assert not [t for t in model.pictures(Style())["by_lag"]["data"] if t.get("uid") == "prediction"]


@pytest.mark.parametrize("name", ["gaussian", "orthogonal", "identity", "forget", "chrono"])
def test_an_initialisation_is_the_same_alone_and_beside_others(name: str) -> None:
    both = Remedies(remedy="initialisation", activation="tanh", input="noise", sequence_length=40)
    alone = Remedies(remedy="initialisation", activation="tanh", input="noise", sequence_length=40)
    alone.set(**{f"show_{other}": other == name for other in both.left})
    assert list(alone.left) == [name]
    np.testing.assert_allclose(alone.left[name], both.left[name], atol=1e-12)
    alone.set(**{f"show_{other}": True for other in both.left})
    for other, left in both.left.items():
        np.testing.assert_allclose(alone.left[other], left, atol=1e-12)


def test_a_control_moves_only_the_initialisations_that_it_is_of() -> None:
    model = Remedies(remedy="initialisation")
    before = model.left
    moved = {"forget_bias": 2.0, "longest": 50, "activation": "tanh"}
    others = {"forget_bias": ["forget"], "longest": ["chrono"], "activation": ["gaussian", "orthogonal"]}
    for control, value in moved.items():
        model.set(**{control: value})
        after = model.left
        assert {name for name in after if after[name] is not before[name]} >= set(others[control])
        if control != "activation":
            assert [name for name in after if after[name] is not before[name]] == others[control]
        before = after


def test_orthogonal_and_identity_hold_exactly_where_the_cell_is_linear() -> None:
    model = Remedies(remedy="initialisation")
    for name in ("orthogonal", "identity"):
        np.testing.assert_allclose(model.left[name], 0, atol=1e-12)
    assert model.medians["gaussian"][-1] < -0.2
    assert model.verdict().name in ("orthogonal holds best", "identity holds best")


def test_a_forget_bias_alone_holds_for_its_memory_time() -> None:
    model = Remedies(remedy="initialisation", gain=0.0, forget_bias=6.0, input="zero", sequence_length=400)
    np.testing.assert_allclose(model.left["forget"][:, -1], -400 * math.log10(1 + math.exp(-6)), atol=1e-9)


def test_long_memory_is_a_matter_of_biases() -> None:
    ends = {name: float(m[-1]) for name, m in at("Long memory").medians.items()}
    assert max(ends["gaussian"], ends["orthogonal"], ends["identity"]) < -5
    assert -1 < ends["chrono"] < 1
    assert ends["forget"] > 1  # open, it explodes
    assert at("Long memory").verdict().name == "chrono holds best"
    assert all(left.shape == (11, 501) for left in at("Long memory").left.values())


def test_too_open_explodes_at_the_rate_of_its_jacobian_at_rest() -> None:
    model = at("Too open")
    rates = []
    for draw in range(11):
        # at c = h = 0: c ← f c + ½ U_c h, h ← ½ (f c + ½ U_c h)
        f = 1 / (1 + math.exp(-6.0))
        U = model.lstm("forget").candidate_recurrent_weight[draw]
        J = np.block([[f * np.eye(16), U / 2], [f / 2 * np.eye(16), U / 4]])
        rates.append(math.log10(np.abs(np.linalg.eigvals(J)).max()))
    slopes_seen = (model.left["forget"][:, -1] - model.left["forget"][:, 300]) / 200
    np.testing.assert_allclose(slopes_seen, rates, atol=0.005)
    assert model.medians["forget"][-1] > 20
    assert abs(model.medians["chrono"][-1]) < 1


def test_truncation_loses_little_of_a_short_memory_and_much_of_a_long_one() -> None:
    short, long = at("Truncate"), at("Cut too short")
    assert short.truncation.error[short.cut] < 0.1
    assert long.truncation.dropped[long.cut] > 0.5
    assert long.truncation.error[long.cut] > 0.5


def test_all_steps_kept_drop_nothing() -> None:
    model = Remedies(remedy="truncation", kept_steps=50)
    assert (model.cut, model.truncation.error[-1]) == (50, 0)
    assert model.verdict().name == "Drops nothing"


EXTREMES: list[dict[str, Any]] = [
    *(
        {"remedy": "initialisation", "gain": g, "activation": a}
        for g in (0.0, 2.0)
        for a in ("linear", "tanh")
    ),
    *({"remedy": "initialisation", "forget_bias": b, "units": n} for b, n in ((-8.0, 1), (8.0, 32))),
    *({"remedy": "initialisation", "longest": n} for n in (2, 10_000)),
    *({"remedy": "truncation", "kept_steps": k, "delay": d} for k in (1, 10_000) for d in (0, 1000)),
    *({"remedy": "truncation", "recurrent_weight": w} for w in (-4.0, 0.0, 4.0)),
    *({"remedy": "truncation", "cell_kind": "lstm", "forget_bias": b} for b in (-8.0, 8.0)),
    *({"recurrent_weight": w, "threshold": t} for w in (-4.0, 0.0, 4.0) for t in (0.01, 100.0)),
]


@pytest.mark.parametrize(
    ("settings", "length", "given"),
    [(s, T, x) for s, (T, x) in itertools.product(EXTREMES, ((1, "noise"), (1, "zero"), (60, "zero")))]
    + [(s, 10_000, "noise") for s in EXTREMES[::5]],
)
def test_extremes_have_a_picture_and_words(settings: dict[str, Any], length: int, given: str) -> None:
    model = Remedies(**settings, sequence_length=length, input=given)
    verdict = model.verdict()
    texts = [verdict.name, verdict.sentence, verdict.rule]
    for r in model.readouts():
        texts += [r.name, r.value, r.how]
    table = model.table()
    assert table is not None
    for row in table.rows:
        assert len(row) == len(table.head)
        texts += row
    for text in texts:
        assert "nan" not in text.split(), text
        assert "inf" not in text.split(), text
    assert len({len(c) for c in model.columns().values()}) == 1
    for figure in model.pictures(Style()).values():
        go.Figure(figure)


def test_pins_belong_to_their_remedy() -> None:
    model = Remedies()
    model.pin()
    model.set(remedy="truncation")
    model.pin()
    assert len(model.pins) == 2
    assert len(model._pinned()) == 1
    for figure in model.pictures(Style()).values():
        go.Figure(figure)


@pytest.mark.parametrize("label", PRESETS)
def test_the_call_runs(label: str) -> None:
    exec(compile(at(label).code(), "<call>", "exec"), {})


def test_once_answered_the_verdict_is_about_what_was_asked() -> None:
    model = Remedies()
    model.ask()
    model.commit()
    # Σ 1.5^ℓ over 50 steps is 1.28e9, and the newest term of it 1
    assert plain(model.verdict().sentence) == (
        "The cell’s gradient of 1.3·10⁹ is cut to 1; with it the newest step’s term falls from 1 to "
        "7.8·10⁻¹⁰."
    )
    model.recurrent_weight = 1.4
    assert plain(model.verdict().sentence).startswith("On the cliff")
