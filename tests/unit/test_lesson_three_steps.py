"""Lesson 1 by number: its terms, readings, presets and claims, and what pointing at a term does.

Gradients come from a net written out here and the complex step, the three-step case from a sheet of paper.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from gradprod import Readout, ScalarRNN, all_terms, step_terms, unroll
from gradprod.analysis.partial_sums import step_sums, terms_needed
from gradprod.explorers import ThreeSteps
from gradprod.explorers.controls import BadValue, Numbers
from gradprod.explorers.model import Claim, Diagram, Picture, Pointing
from gradprod.explorers.page import Page
from gradprod.explorers.reading import tex_html
from gradprod.figures.terms import Beside, gradient_terms
from gradprod.figures.theme import Style
from gradprod.words import grouped, plain

PHI = {"linear": lambda u: u, "tanh": np.tanh, "sigmoid": lambda u: 1 / (1 + np.exp(-u))}
WEIGHTS = ("readout_weight", "input_weight", "recurrent_weight", "bias", "readout_bias")


def loss_of(model: ThreeSteps, losses: slice, **changed: complex) -> complex:
    """Σ ½ (O_t − Y_t)² of some steps, with weights changed."""
    w = {name: getattr(model, name) for name in WEIGHTS} | changed
    T, state, each = model.sequence_length, model.initial_state, []
    for t in range(T):
        x, y = model.inputs[t % len(model.inputs)], model.targets[t % len(model.targets)]
        state = PHI[model.activation](w["input_weight"] * x + w["recurrent_weight"] * state + w["bias"])
        each.append(0.5 * (w["readout_weight"] * state + w["readout_bias"] - y) ** 2)
    return sum(each[losses])


def slope_of(model: ThreeSteps, name: str, losses: slice) -> float:
    step = 1e-30
    return float(loss_of(model, losses, **{name: getattr(model, name) + 1j * step}).imag / step)


def judged(number: int, model: ThreeSteps | None = None):
    made = next(c for c in ThreeSteps.parts(Claim) if c.number == number)
    return made.judge(model or ThreeSteps(**made.test))


def at(label: str) -> ThreeSteps:
    model = ThreeSteps()
    model.start_from(next(p.settings for p in ThreeSteps.presets if p.label == label))
    return model


# ---- the terms ----


def test_the_seven_terms_are_those_of_the_sheet_of_paper():
    # S = 2, −1, 1.5; O_3 = 3, e_3 = 1; e_3 W_o = 2; W_s = ½
    model = ThreeSteps()
    table = model.last_table
    np.testing.assert_array_equal(model.trajectory.state, [2, 2, -1, 1.5])
    np.testing.assert_array_equal(table["readout_weight"].values, [1.5])
    np.testing.assert_array_equal(table["input_weight"].values, [0.25 * 2, 0.5 * 2 * -2, 2 * 2])
    np.testing.assert_array_equal(table["recurrent_weight"].values, [0.25 * 2 * 2, 0.5 * 2 * 2, 2 * -1])
    np.testing.assert_array_equal(model.losses, [2, 8, 0.5])


@pytest.mark.parametrize("activation", ["linear", "tanh", "sigmoid"])
@pytest.mark.parametrize("T", [1, 3, 12])
@pytest.mark.parametrize("loss", ["last", "all"])
def test_the_terms_add_up_to_the_gradient(activation, T, loss):
    model = ThreeSteps(
        activation=activation,
        sequence_length=T,
        loss=loss,
        recurrent_weight=-1.3,
        bias=0.2,
        readout_bias=-0.4,
        targets=(0.3, -1.0),
    )
    for name in WEIGHTS:
        exact = slope_of(model, name, slice(T - 1, T) if loss == "last" else slice(None))
        of = model.shown[name]
        assert float(of.gradient) == pytest.approx(exact, rel=1e-12, abs=1e-15)
        assert float(np.sum(of.values)) == pytest.approx(exact, rel=1e-12, abs=1e-15)


def test_a_sum_over_losses_is_counted_by_loss():
    model = ThreeSteps(loss="all", sequence_length=5, activation="tanh")
    for t in range(5):
        exact = slope_of(model, "recurrent_weight", slice(t, t + 1))
        assert model.shown["recurrent_weight"].values[t] == pytest.approx(exact, rel=1e-12, abs=1e-15)
    with pytest.raises(ValueError, match="must be those of the whole loss, from all_terms"):
        step_sums(model.last_table["input_weight"])


def test_the_numbers_along_the_lit_path_multiply_to_the_term():
    for parameter, k in (("input_weight", 1), ("recurrent_weight", 2), ("readout_weight", 3)):
        model = ThreeSteps(activation="tanh", parameter=parameter, source=k)
        terms, i = model.term
        error = model.outputs[2] - 2.0
        path = error * (1 if parameter == "readout_weight" else 2.0) * terms.immediate[i]
        for j in range(k + 1, 4):
            path *= 0.5 * (1 - model.trajectory.state[j] ** 2)
        assert terms.values[i] == pytest.approx(path, rel=1e-12)


@pytest.mark.parametrize(("ratio", "needed"), [(0.5, 7), (0.9, 12), (0.02, 2), (0.0, 1)])
def test_terms_needed_of_a_geometric_sum(ratio, needed):
    run = unroll(ScalarRNN(activation="linear", recurrent_weight=ratio, input_weight=1.0), np.ones(12))
    terms = step_terms(run, Readout(weight=1.0), np.zeros(12))["input_weight"]
    assert int(terms_needed(terms)) == needed
    assert (1 - ratio**needed) >= 0.99 * (1 - ratio**12)
    assert needed == 1 or (1 - ratio ** (needed - 1)) < 0.99 * (1 - ratio**12)


def test_no_terms_are_needed_for_a_gradient_that_is_zero_throughout():
    run = unroll(ScalarRNN(activation="linear"), np.zeros(4))
    assert int(terms_needed(step_terms(run, Readout(), np.zeros(4))["input_weight"])) == 0
    with pytest.raises(ValueError, match=r"within must be a number between 0 and 1, got 2; 0\.01 is one per"):
        terms_needed(step_terms(run, Readout(), np.zeros(4))["input_weight"], 2)


def test_the_question_is_answered_by_arithmetic():
    model = ThreeSteps()
    model.ask()
    model.commit()
    assert ThreeSteps.prediction.truth(model) == 7


# ---- presets, claims and the gate reading ----


def test_presets_show_what_they_say():
    assert float(at("Three steps").last_table["input_weight"].product[0]) == 0.25
    tanh = at("Through tanh")
    slopes = 1 - np.tanh(np.arctanh(tanh.trajectory.state[1:])) ** 2
    product = float(tanh.last_table["input_weight"].product[0])
    assert product == pytest.approx(0.25 * slopes[1] * slopes[2], rel=1e-10)
    assert tanh.verdict().kind == "vanishes"
    assert float(at("Twelve steps").last_table["input_weight"].product[0]) == pytest.approx(
        0.5**11, rel=1e-14
    )
    alone = at("No way back").last_table["input_weight"]
    assert (alone.values[:-1] == 0).all()
    assert alone.values[-1] != 0
    assert at("It grows").verdict().kind == "explodes"
    assert float(at("It grows").last_table["input_weight"].product[0]) == pytest.approx(2**11, rel=1e-14)
    assert len(at("All losses").shown["input_weight"].values) == 3


@pytest.mark.parametrize(
    ("reading", "sums"), [("nearest", (0.0, 0.0)), ("open", (2.0, 6.0)), ("shut", (4.0, -2.0))]
)
def test_the_gate_reading_keeps_or_drops_whole_terms(reading, sums):
    # 2·(2 − 2·g_2 + 1·g_1) and 2·(−1 + 2·g_2 + 2·g_1), with g_2 = ½ and g_1 = ¼ read as gates
    read = ThreeSteps().read_as_gates(reading)
    open_two = {"nearest": (1, 0), "open": (1, 1), "shut": (0, 0)}[reading]
    expected = (2 * (2 - 2 * open_two[0] + open_two[1]), 2 * (-1 + 2 * open_two[0] + 2 * open_two[1]))
    got = float(read["input_weight"].gradient), float(read["recurrent_weight"].gradient)
    assert got == expected
    assert got[0] == sums[0]
    assert float(read["readout_weight"].gradient) == 1.5


def test_shut_gates_leave_each_loss_its_own_step():
    model = ThreeSteps(loss="all", sequence_length=4)
    own = (model.outputs - 2.0) * 2.0 * np.resize(model.inputs, 4)
    assert float(model.read_as_gates("shut")["input_weight"].gradient) == pytest.approx(own.sum(), rel=1e-14)


def test_claim_1_is_true_of_the_product_and_false_of_growth():
    growing = judged(1)
    state = 2.0
    for x in np.resize([1.0, -2.0, 2.0], 12):
        state = 2 * state + x
    assert growing.mark == "partly"
    assert grouped(round(state, -2)) in growing.why
    assert judged(1, ThreeSteps(activation="tanh", parameter="readout_weight")).mark == "true"


def test_claim_2_is_true_and_says_how_much_comes_from_before():
    far = judged(2)
    assert far.mark == "true"
    assert f"{round(100 * 2.5 / 6.5)} %" in far.why
    assert f"{round(100 * 3 / 5)} %" in far.why
    assert judged(2, ThreeSteps(recurrent_weight=0.0)).mark == "partly"


def test_claim_9_is_an_idealisation():
    read = judged(9)
    assert read.mark == "false"
    assert "100 %" in read.why
    assert judged(9, ThreeSteps(recurrent_weight=1.0, reading="nearest")).mark == "exact"


# ---- pointing ----


def test_a_bar_and_a_part_of_the_net_put_their_term_into_focus():
    model = ThreeSteps()
    assert model.focus_at(SimpleNamespace(uid="terms-recurrent_weight", index=0)) == {
        "parameter": "recurrent_weight",
        "source": 3,
    }
    assert model.focus_at(SimpleNamespace(uid="sum-readout_weight", index=0)) == {
        "parameter": "readout_weight"
    }
    assert model.focus_at(SimpleNamespace(uid="beside-pinned-input_weight", index=0)) is None
    for part, wanted in {
        "X2": ("input_weight", 2),
        "X2-S2": ("input_weight", 2),
        "S0": ("recurrent_weight", 1),
        "S1-S2": ("recurrent_weight", 2),
        "S3": ("readout_weight", None),
        "O3-L3": ("readout_weight", None),
    }.items():
        found = model.focus_at(part)
        assert (found["parameter"], found.get("source")) == wanted


def test_the_focus_of_summed_losses_is_a_loss_and_a_step():
    model = ThreeSteps(loss="all", sequence_length=5, target=2, source=1)
    assert (model.t, model.k) == (2, 1)
    assert model.focus_at(SimpleNamespace(uid="terms-input_weight", index=0))["target"] == 5
    assert model.focus_at("X4") == {"parameter": "input_weight", "source": 4, "target": 4}
    assert model.focus_at("O3") == {"parameter": "readout_weight", "target": 3}


def test_arrow_keys_walk_over_the_bars_and_stop_at_the_ends():
    model = ThreeSteps(source=3)
    assert model.walk(1, 0) == {"source": 2}
    assert model.walk(-1, 0) == {"source": 3}
    assert model.walk(0, -1) == {"parameter": "recurrent_weight"}
    assert model.walk(0, 1) == {"parameter": "readout_weight"}


def test_pointing_leaves_the_preset_the_results_and_an_open_question():
    model = ThreeSteps()
    before = model.last_table
    model.set(parameter="recurrent_weight", source=3, reading="open")
    assert model.pressed == 0
    assert model.last_table is before
    model.ask()
    model.set(source=2)
    assert model.veiled


def test_the_page_follows_the_pointer_and_the_arrow_keys():
    model = ThreeSteps()
    page = Page(model)
    page._do_point("net", "X3")
    assert (model.parameter, model.source) == ("input_weight", 3)
    page._do_walk("chart", 1, 0)
    assert model.source == 2
    model.ask()
    page._do_point("net", "X1")
    assert model.source == 2
    assert all(isinstance(p.pointing, Pointing) for p in ThreeSteps.parts(Picture))
    assert [d.place for d in ThreeSteps.parts(Diagram)] == ["main", "below"]


def test_the_focus_goes_along_with_a_shorter_run_and_says_so_if_asked_for():
    model = ThreeSteps(sequence_length=12, source=9)
    model.set(sequence_length=3)
    assert model.source == 3
    assert model.notes == {}
    model.set(source=7)
    assert model.source == 3
    assert "3" in model.notes["source"]


# ---- several numbers in one control ----


def test_numbers_repeat_over_the_steps_and_travel_in_links():
    model = ThreeSteps(inputs=[1, 2], sequence_length=5)
    np.testing.assert_array_equal(model.trajectory.inputs, [1, 2, 1, 2, 1])
    again = ThreeSteps()
    assert again.apply_query(model.query()) == []
    assert again.inputs == (1.0, 2.0)
    control = ThreeSteps.controls()["inputs"]
    assert isinstance(control, Numbers)
    assert control.parse("1;−0.5;2;") == (1.0, -0.5, 2.0)
    assert control.text((1.0, -0.5)) == "1, −0.5"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,5;", "must be written with a decimal point, got “1,5”; write 1.5"),
        ("1;11;", "inputs must be a number from −10 to 10, got “11”"),
        ("1;x;", "inputs must be a number from −10 to 10, got “x”"),
        ("0;" * 13, "inputs must be 1 to 12 numbers from −10 to 10, got"),
    ],
)
def test_numbers_that_cannot_be_read_are_refused(text, sentence):
    with pytest.raises(BadValue, match=sentence):
        ThreeSteps.controls()["inputs"].parse(text)


@pytest.mark.parametrize("value", [(), "12", 3, (11.0,), ("a",)])
def test_numbers_from_python_are_checked_too(value):
    with pytest.raises(ValueError, match="inputs must be 1 to 12 numbers from −10 to 10, got"):
        ThreeSteps(inputs=value)


# ---- pictures and words ----


def test_the_net_lights_the_path_and_carries_the_factors():
    model = ThreeSteps(parameter="input_weight", source=1)
    svg = model.net(Style(width=700, height=240))
    lit = Style().colours.you
    for edge in ("O3-L3", "S3-O3", "S2-S3", "S1-S2", "X1-S1"):
        at_edge = [part for part in svg.split("<path ") if f'data-edge="{edge}"' in part and lit in part]
        assert at_edge, edge
    assert not [part for part in svg.split("<path ") if 'data-edge="X2-S2"' in part and lit in part]
    assert 'role="img"' in svg


def test_other_sums_are_drawn_beside_the_bars_and_nothing_under_the_veil():
    model = ThreeSteps()
    shown = {name: model.shown[name] for name in ("input_weight", "recurrent_weight")}
    read = Beside(name="gates", values={"input_weight": np.array([0.0, -4.0, 4.0])})
    figure = gradient_terms(shown, Style(), beside=[read])
    line = next(t for t in figure["data"] if t["uid"] == "beside-gates-input_weight")
    np.testing.assert_array_equal(line["y"], [4, 4, 0, 0, 0, 0, 0, 0])
    other = Beside(name="pin", values={"input_weight": np.array([1.0, 2.0])}, kind="pin")
    line = next(
        t for t in gradient_terms(shown, Style(), beside=[other])["data"] if "pin" in t.get("uid", "")
    )
    assert set(line["y"].tolist()) == {3.0}
    veiled = gradient_terms(shown, Style(), beside=[read], veil=True)
    assert not [t for t in veiled["data"] if t["type"] == "bar"]
    assert not any("2.5" in a["text"] for a in veiled["layout"]["annotations"])


def test_one_term_is_and_more_terms_are():
    said = {plain(r.name): r.how for r in ThreeSteps(recurrent_weight=0.0).readouts()}
    assert said["∂L_3/∂W_x"] == "the newest of 3 terms is within 1 %"
    said = {plain(r.name): r.how for r in at("Twelve steps").readouts()}
    assert said["∂L_12/∂W_x"] == "the newest 7 of 12 terms are within 1 %"
    # S = X = 0, 0, 1 and O = 2 S = 0, 0, 2: only the last loss isn't 0
    alone = ThreeSteps(loss="all", inputs=(0.0, 0.0, 1.0), targets=(0.0, 0.0, 5.0), recurrent_weight=0.0)
    said = {plain(r.name): r.how for r in alone.readouts()}
    assert said["∂L/∂W_x"] == "the newest of 3 losses is within 1 %"


def test_one_gradient_has_the_same_digits_wherever_it_stands():
    # every input 1, W_s = ½, W_o = 2: S_12 = 2 − 2⁻¹¹, e = 2 S_12 − 2, ∂L/∂W_x = 2 e Σ 2⁻ᵏ
    model = ThreeSteps(**ThreeSteps.prediction.settings)
    S = 2 - 2**-11
    assert pytest.approx(7.994, abs=5e-4) == 2 * (2 * S - 2) * S
    rows = {plain(r.name): r.value for r in model.readouts()}
    assert (rows["∂L_12/∂W_x"], rows["∂L_12/∂W_s"]) == ("7.994", "15.94")
    assert plain(model.verdict().sentence).endswith("∂L_12/∂W_x = 7.994.")
    assert "sum3.9977.99415.94" in plain(model.every_term(Style()))
    titles = [plain(a["text"]) for a in model.chart(Style(width=1000))["layout"]["annotations"]]
    assert {"∂L_12/∂W_x = 7.994", "∂L_12/∂W_s = 15.94"} <= set(titles)


def test_a_column_of_terms_has_one_number_of_decimals():
    columns = list(zip(*at("Twelve steps").table().rows, strict=True))
    assert columns[4][:3] == ("3.430", "−1.715", "0.429")
    assert columns[5][6:9] == ("−0.030", "0.023", "0.010")
    assert [row[4] for row in ThreeSteps().table().rows] == ["4", "−2", "0.5"]


def test_the_zero_line_strikes_no_number_through():
    # ∂L_12/∂W_s: the first bar falls to −2, the second rises by 1.5 and ends under the line
    chart = at("Twelve steps").chart(Style(width=1336, height=250, presenting=True))
    bars = next(t for t in chart["data"] if t["uid"] == "terms-recurrent_weight")
    assert bars["text"][:2] == ["−2", "1.5"]
    assert bars["textposition"][:2] == ["outside", "inside"]
    assert bars["textangle"] == 0
    assert bars["insidetextfont"]["color"][1] == Style().colours.page
    # ∂L_3/∂W_s = −2 + 2 + 1: the bars end at −2, 0 and 1
    chart = ThreeSteps().chart(Style(width=1336, height=250, presenting=True))
    bars = next(t for t in chart["data"] if t["uid"] == "terms-recurrent_weight")
    assert bars["textposition"] == ["outside"] * 3


def test_where_a_bar_is_too_low_for_its_number_it_stands_where_the_bar_starts():
    figure = ThreeSteps().draw("chart", Style(width=1350, height=230, presenting=True))
    (bars,) = [trace for trace in figure["data"] if trace["uid"] == "terms-input_weight"]
    assert bars["text"] == ["4", "", "0.5"]
    (said,) = [note for note in figure["layout"]["annotations"] if note["text"] == "−2"]
    assert (said["x"], said["y"], said["yref"], said["yanchor"]) == (1, 4.0, "y2", "bottom")


def test_terms_as_latex_become_html():
    assert tex_html(r"(O_{12} - Y_{12})\, W_o\, W_s^{2}\, \tanh'(u_3)\, X_1") == (
        "(<i>O<sub>12</sub></i> − <i>Y<sub>12</sub></i>)\u202f<i>W<sub>o</sub></i>\u202f"
        "<i>W<sub>s</sub></i><sup>2</sup>\u202ftanh′(<i>u<sub>3</sub></i>)\u202f<i>X<sub>1</sub></i>"
    )


def test_panels_carry_the_factors_and_the_slips_their_numbers():
    model = ThreeSteps()
    assert all(text in plain(model.in_focus()) for text in ("error signal", "2", "0.25", "0.5"))
    assert "100 % off" in plain(model.gates())
    slips = plain(model.slips())
    assert "Here 5 for ∂L_3/∂W_x" in slips  # 2 · 2.5 without the ½
    assert "Over one step here 1 for 0.5" in slips  # W_x for W_s
    long = ThreeSteps(sequence_length=12, activation="tanh").every_term(Style())
    assert long.count("<tr") == 14


def test_the_copied_call_prints_the_same_sums(capsys):
    for loss in ("last", "all"):
        model = ThreeSteps(loss=loss, sequence_length=4, activation="tanh")
        exec(compile(model.code(), "<call>", "exec"), {})
        out = capsys.readouterr().out
        for name in ("input_weight", "recurrent_weight"):
            line = next(line for line in out.splitlines() if line.startswith(name))
            assert float(line.split()[-1]) == pytest.approx(float(model.shown[name].gradient), rel=1e-12)


def test_a_table_of_every_term_is_downloaded():
    model = ThreeSteps(sequence_length=4)
    columns = model.columns()
    terms = all_terms(model.trajectory, model.linear_readout, model.over_steps(model.targets))
    assert len(columns["t"]) == 10
    total = columns["term_recurrent_weight"].sum()
    assert total == pytest.approx(slope_of(model, "recurrent_weight", slice(None)), rel=1e-12)
    assert float(terms["recurrent_weight"].gradient) == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("settings", [{"recurrent_weight": 0.0}, {"sequence_length": 1}])
def test_without_a_way_back_the_claim_says_what_it_takes(settings):
    said = ThreeSteps(**settings).long_range()
    assert said.mark == "partly"
    assert "It takes more than one step, W_s other than 0" in plain(said.why)


def test_the_answer_is_about_the_weight_of_the_question():
    lesson = ThreeSteps(parameter="recurrent_weight")
    lesson.ask()
    lesson.commit()
    # x = 1 and W_s = 1/2: S_12 = 2 − 2^−11, and ∂L_12/∂W_x = (2 S_12 − 2) · 2 · S_12
    state = 2 - 0.5**11
    assert f"∂L_12/∂W_x = {(2 * state - 2) * 2 * state:.3f}" in plain(lesson.verdict().sentence)


def test_the_loss_in_focus_stays_the_last_one_while_it_is():
    model = ThreeSteps(loss="all")
    for T in (1, 3, 12):
        model.sequence_length = T
        assert model.t == T
    model.target = 2
    for T, t in ((5, 2), (3, 2), (4, 2)):
        model.sequence_length = T
        assert model.t == t


@pytest.mark.parametrize("target", [2, 3, 5, 12])
def test_a_call_and_a_link_open_the_loss_that_was_in_focus(target):
    model = ThreeSteps(loss="all")
    model.sequence_length = 12
    model.target = target
    assert eval(repr(model)).target == target
    again = ThreeSteps()
    again.apply_query(model.query())
    assert again.target == target


def test_reset_everything_resets_what_is_looked_at_too():
    page = Page(ThreeSteps(loss="all", sequence_length=5, target=2, source=2, reading="open"))
    page.explorer.parameter = "recurrent_weight"
    page._receive(page, {"do": "reset"}, [])
    assert page.explorer.settings() == ThreeSteps.defaults()


def test_large_gradients_have_two_digits_and_thin_spaces():
    said = {}
    for W_s in (2.0, -2.0, 1.0):
        for T in range(3, 13):
            model = ThreeSteps(recurrent_weight=W_s, sequence_length=T)
            said |= {row.value: None for row in model.readouts()}
            said |= {cell: None for row in model.table().rows for cell in row[2:]}
    large = [text for text in said if "<sup>" not in text and abs(_number(text)) >= 1000]
    assert large
    for text in large:
        assert "\u202f" in text
        assert text.replace("\u202f", "").strip("−")[2:].strip("0") == ""


def _number(text: str) -> float:
    return float(text.replace("\u202f", "").replace("−", "-") or 0)
