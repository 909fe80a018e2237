"""The presets and claim cards of lessons 2, 4, 5, 6, 7, 9 and 11, by number.

Expected values are closed forms, or were computed independently of this project.
"""

import math

import numpy as np
import pytest

from gradprod.explorers import GRU, LSTM, BothDirections, Compare, GatedAgainstPlain, GateSurface, Slopes
from gradprod.explorers.lessons.gated_cell import ALIKE, WIDE_OPEN
from gradprod.explorers.lessons.lstm import EXPLODES, GATE_ALONE, KERAS
from gradprod.explorers.lessons.slopes import RAW_SUNSPOTS
from gradprod.explorers.model import Claim, Explorer
from gradprod.figures.theme import Style
from gradprod.words import plain


def at(lesson: type[Explorer], label: str) -> Explorer:
    """The lesson at one of its presets."""
    model = lesson()
    model.start_from(next(p.settings for p in lesson.presets if p.label == label))
    return model


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# ---- 2 ----


def test_slopes_at_rest_and_far_out() -> None:
    rest = at(Slopes, "Rest at 0")
    np.testing.assert_array_equal(rest.visited_slopes, 1.0)
    assert (at(Slopes, "σ").visited_slopes <= 0.25).all()
    assert (at(Slopes, "Linear").visited_slopes == 1).all()
    raw = Slopes(**RAW_SUNSPOTS)
    state = raw.trajectory.state[1:]
    assert np.mean(1 - state**2 == 0) == pytest.approx(0.72, abs=0.005)  # what 1 − S² would fake
    assert (raw.visited_slopes > 0).all()


# ---- 4 ----


def test_the_surface_s_shares_are_the_published_ones() -> None:
    model = GateSurface(x_range=(-5, 5), y_range=(-5, 5))
    s = model.plane_shares
    assert (s.below, s.above, s.between) == pytest.approx((0.784, 0.0144, 0.2013), abs=5e-4)
    assert GateSurface(x_range=(-2, 2), y_range=(-2, 2)).plane_shares.above == 0
    assert at(GateSurface, "Typical").path_shares.between == pytest.approx(0.94)
    assert at(GateSurface, "Shut").path_shares.below == 1
    saturated, opened = at(GateSurface, "Saturate"), at(GateSurface, "Open")
    assert saturated.path_shares.below > opened.path_shares.below


def test_the_rectangle_can_be_fitted_to_the_path() -> None:
    model = GateSurface(input_size=4.0)
    model.fit()
    assert model._outside() == 0
    assert model.x_range[0] <= model.path.x.min() <= model.path.x.max() <= model.x_range[1]


def test_the_flat_surface_is_the_plain_cell() -> None:
    model = GateSurface(gate="flat", recurrent_weight=-0.5, activation="linear")
    np.testing.assert_allclose(model.path.z, 0.5)


# ---- 5 ----


def test_the_tanh_round_the_state_forgets_what_the_gate_keeps() -> None:
    driven = {**WIDE_OPEN, "input": "constant", "sequence_length": 1000}
    linear = GatedAgainstPlain(**driven, state_activation="linear")
    assert linear.result.log10[-1] == pytest.approx(1000 * math.log10(sigma(4.6)), rel=1e-12)
    assert GatedAgainstPlain(**driven, state_activation="tanh").result.log10[-1] == pytest.approx(-199, abs=2)


def test_equal_gates_and_weights_make_one_cell_of_two() -> None:
    model = GatedAgainstPlain(**ALIKE)
    np.testing.assert_allclose(model.result.log10, model.plain_result.log10, rtol=1e-12)
    assert at(GatedAgainstPlain, "Open").readout.verdict == "holds"
    assert at(GatedAgainstPlain, "Open").plain_readout.verdict == "vanishes"
    assert at(GatedAgainstPlain, "Shut").readout.verdict == "vanishes"


# ---- 6 ----


@pytest.mark.parametrize(
    ("bias", "steps", "log10"), [(3.0, 1000, -21.1), (5.0, 1000, -2.92), (5.0, 10000, -29.2)]
)
def test_the_forget_gate_alone_to_the_power_of_the_lag(bias: float, steps: int, log10: float) -> None:
    model = LSTM(**GATE_ALONE, forget_bias=bias, sequence_length=steps)
    assert model.result.log10[-1] == pytest.approx(log10, abs=0.05)
    assert model.result.log10[-1] == pytest.approx(steps * math.log10(sigma(bias)), rel=1e-9)


def test_an_lstm_can_explode_for_ever_and_keras_default_forgets_in_twenty_steps() -> None:
    model = LSTM(**{**EXPLODES, "sequence_length": 10000})
    assert model.result.log10[-1] * math.log(10) / 10000 == pytest.approx(0.295, abs=0.01)
    assert 15 <= LSTM(**KERAS).readout.effective_memory <= 25


def test_the_four_quantities_are_one_where_only_the_gate_speaks() -> None:
    model = LSTM(**GATE_ALONE, forget_bias=2.0)
    for name in ("forget", "four_terms"):
        p = model.compared.approximate[name]
        np.testing.assert_allclose(p.log10[:-1], model.result.log10[:-1], rtol=1e-9, atol=1e-12)


def test_the_slips_of_article_004_are_put_right_with_the_state_of_the_step_before() -> None:
    model = LSTM(step=10)
    said = model.slips()
    assert "W_hc h_t_1" in plain(said)
    h = float(model.trajectory.gates["o"][8] * np.tanh(model.trajectory.states["c"][9]))
    assert f"Here h_9 = {h:.2f} goes into step 10." in plain(said)
    assert "p_i ⊙ c_(t−1) in common use" in plain(said)
    model.ask()
    assert model.slips() is None


@pytest.mark.parametrize("width", [330, 700])
def test_a_line_that_ends_one_lag_earlier_says_so(width: int) -> None:
    model = LSTM(**GATE_ALONE, forget_bias=3.0, sequence_length=1000, show_four=True, show_total=True)
    notes = model.draw("chart", Style(width=width, height=440))["layout"]["annotations"]
    told = [" ".join(plain(note["text"]).split()) for note in notes if "to lag 999" in plain(note["text"])]
    assert [any(name in said for said in told) for name in ("exact total", "∏ four terms")] == [True, True]
    # σ(3)^999, a step short of the 7.9·10⁻²² that the other lines end at
    assert all("8.3·10⁻²²" in said for said in told)


def test_terms_add_up_and_a_peephole_changes_the_partial() -> None:
    model = at(LSTM, "Peepholes")
    np.testing.assert_allclose(sum(model.terms.terms.values()), model.terms.total, rtol=1e-12)
    run = model.trajectory
    f, i, c, new = (run.gates["f"][-1], run.gates["i"][-1], run.states["c"][-2], run.gates["candidate"][-1])
    expected = f + c * f * (1 - f) * model.forget_peephole + new * i * (1 - i) * model.input_gate_peephole
    assert model.result.sign[1] * 10 ** model.result.log10[1] == pytest.approx(expected, rel=1e-12)


def test_where_only_the_gate_speaks_its_reach_is_the_run_s_and_no_gate_matters_more() -> None:
    model = LSTM(**GATE_ALONE, forget_bias=3.0, sequence_length=1000)
    reach = math.floor(math.log(0.01) / math.log(sigma(3.0)))
    assert model.why().count(f"{reach} steps") == 2
    card = next(c for c in model.parts(Claim) if c.number == 11)
    assert "freezing one at its mean changes nothing" in card.judge(model).why
    assert "matters most" in card.judge(LSTM(**card.test)).why
    assert LSTM(**EXPLODES).why() is None


def test_only_where_the_run_is_chaotic_are_its_digits_called_rounding() -> None:
    told = {
        preset.label: [row.value for row in at(LSTM, preset.label).readouts() if row.name == "Chaotic run"]
        for preset in LSTM.presets
        if preset.label != "10 000 steps"
    }
    # the same run in sixty digits has parted from it by step 96: tests/unit/test_rounding.py
    assert told.pop("Explodes for ever") == ["from step 92"]
    assert not any(told.values())


# ---- 7 ----


def test_the_gru_question_says_what_1_minus_z_alone_leaves():
    """1 − z = 1/(1 + e^a) with a = 4 + x/2 + h/2, stepped here by hand."""
    h, alone = 0.0, 0.0
    for t in range(1, 51):
        x = math.sin(2 * math.pi * t / 20)
        z = 1 / (1 + math.exp(-(4 + 0.5 * x + 0.5 * h)))
        r = 1 / (1 + math.exp(-(0.5 * x + 0.5 * h)))
        h = (1 - z) * h + z * math.tanh(x + r * h)
        alone += math.log10(1 - z)
    assert f"would leave 10{plain(f'<sup>−{-alone:.0f}</sup>')}" in plain(GRU.prediction.question)
    assert GRU.prediction.start == round(alone)


def test_the_mingru_s_product_is_that_of_its_gates_and_an_lstm_does_the_same() -> None:
    model = at(GRU, "minGRU")
    z = model.trajectory.gates["z"]
    assert model.result.log10[-1] == pytest.approx(np.log10(1 - z).sum(), rel=1e-12)
    np.testing.assert_allclose(model.trajectory.state, model.lstm_run.states["c"], rtol=1e-12, atol=1e-15)
    assert at(GRU, "Keeps").readout.verdict == "holds"
    assert at(GRU, "Overwrites").readout.verdict == "vanishes"
    assert at(GRU, "Explodes").readout.verdict == "explodes"


def test_at_rest_the_gru_s_factor_has_a_closed_form() -> None:
    model = at(GRU, "Explodes")
    z, r = sigma(2.0), sigma(4.0)
    assert model.result.log10[-1] == pytest.approx(20 * math.log10(1 - z + z * r * 4), rel=1e-12)


# ---- 9 ----


def test_an_open_question_covers_both_maps_but_their_diagonal() -> None:
    model = BothDirections()
    model.ask()
    for name, title in (("chart", "two-way"), ("other", "one-way")):
        figure = model.pictures(Style())[name]
        z = figure["data"][0]["z"]
        assert np.array_equal(np.isfinite(z), np.eye(len(z), dtype=bool))
        told = [plain(note["text"]) for note in figure["layout"]["annotations"]]
        assert title in told
        assert "no path" not in told


def test_one_way_has_the_lower_triangle_and_two_ways_the_whole() -> None:
    model = BothDirections()
    upper = np.triu_indices(40, 1)
    assert np.isneginf(model.one_way[upper]).all()
    assert np.isfinite(model.two_way).all()
    alone = at(BothDirections, "One way only")
    np.testing.assert_allclose(alone.two_way[np.tril_indices(40)], alone.one_way[np.tril_indices(40)])


# ---- 11 ----


def test_cells_side_by_side_are_those_of_their_lessons() -> None:
    model = Compare(show_diagonal=True, show_mingru=True, rate=0.9)
    assert model.products["diagonal"].log10[-1] == pytest.approx(50 * math.log10(0.9), rel=1e-12)
    ranked = Compare(order="memory").read
    memories = [r.effective_memory for r in ranked.values()]
    assert memories == sorted(memories, reverse=True)


def test_the_reader_s_own_cell_joins_in() -> None:
    model = Compare(own=lambda h, x: 0.5 * h + x, own_name="half <me>")
    assert model.products["own"].log10[-1] == pytest.approx(50 * math.log10(0.5), rel=1e-12)
    assert "half &lt;me&gt;" in model.ranking()
