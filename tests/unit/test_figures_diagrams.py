"""Diagrams: well-formed SVG whose gates and edges carry the run's own numbers."""

from xml.etree import ElementTree

import numpy as np
import pytest

from gradprod.cells import Bidirectional, GatedCell, ScalarGRU, ScalarLSTM, ScalarMinGRU, ScalarRNN
from gradprod.figures.diagrams import bidirectional_net, gru_cell, lstm_cell, state_line, unrolled_net
from gradprod.figures.svg import factor_colour
from gradprod.figures.theme import Style
from gradprod.unroll import unroll

STYLES = [Style(), Style("dark", 340, 320), Style(width=1336, height=640, presenting=True)]
X = np.array([0.5, -0.3, 0.8])
PLAIN = unroll(ScalarRNN(recurrent_weight=0.9, input_weight=0.5), X, 0.3)
LSTM = unroll(ScalarLSTM(forget_bias=1.0), X)
PEEPING = unroll(ScalarLSTM(forget_peephole=0.3, output_gate_peephole=0.2), X)
GRU = unroll(ScalarGRU(), X)
BOTH = unroll(
    Bidirectional(
        forward=ScalarRNN(recurrent_weight=0.9, input_weight=0.5),
        backward=ScalarRNN(recurrent_weight=-0.8, input_weight=0.5),
    ),
    X,
)
DIAGRAMS = {
    "net": lambda s: unrolled_net(PLAIN, s, outputs=PLAIN.state[1:], losses=[0.1, 0.2, 0.3], lit=("bias", 2)),
    "plain line": lambda s: state_line(PLAIN, s, step=2),
    "gated line": lambda s: state_line(unroll(GatedCell(), X), s, step=2),
    "lstm line": lambda s: state_line(LSTM, s, step=2),
    "lstm": lambda s: lstm_cell(LSTM, s, step=3),
    "peepholes": lambda s: lstm_cell(PEEPING, s, step=3),
    "gru": lambda s: gru_cell(GRU, s, step=3),
    "mingru": lambda s: gru_cell(unroll(ScalarMinGRU(), X), s, step=3),
    "both": lambda s: bidirectional_net(BOTH, s, source=1, target=3),
}


def texts(svg):
    root = ElementTree.fromstring(svg)
    return ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]


def edges(svg, colour):
    root = ElementTree.fromstring(svg)
    paths = root.iter("{http://www.w3.org/2000/svg}path")
    return {p.get("data-edge") for p in paths if p.get("stroke") == colour and p.get("data-edge")}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", DIAGRAMS)
def test_every_diagram_is_svg_with_a_name_and_stays_inside(name, style):
    svg = DIAGRAMS[name](style)
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert root.get("aria-label") == root[0].text != ""
    assert root.get("viewBox") == f"0 0 {style.width} {style.height}"
    for text in root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(text.get("x")) <= style.width
        assert 0 <= float(text.get("y")) <= style.height
        assert not style.presenting or float(text.get("font-size")) >= 20


def test_the_unrolled_net_carries_states_inputs_and_factors():
    svg = unrolled_net(PLAIN, Style(), outputs=[1.5, 2.5, 3.5])
    state = [0.3]
    for x in X:
        state.append(np.tanh(0.5 * x + 0.9 * state[-1]))
    factors = [0.9 * (1 - s * s) for s in state[1:]]
    said = texts(svg)
    for number in (*state, *factors):
        assert f"{number:.2g}".replace("-", "−") in said
    assert {"S0", "S3", "X1", "O2", "2.5", "Wx", "Wo"} <= set(said)


@pytest.mark.parametrize(
    ("lit", "path"),
    [
        (("recurrent_weight", 2), {"O3-L3", "S3-O3", "S2-S3", "S1-S2"}),
        (("input_weight", 2), {"O3-L3", "S3-O3", "S2-S3", "X2-S2"}),
        (("readout_weight", 3), {"O3-L3", "S3-O3"}),
        (("bias", 3), {"O3-L3", "S3-O3", "S2-S3"}),
    ],
)
def test_the_path_of_the_term_in_focus_is_lit(lit, path):
    svg = unrolled_net(PLAIN, Style(), outputs=[1, 2, 3], losses=[1, 2, 3], lit=lit)
    assert edges(svg, Style().colours.you) == path


def test_a_state_line_has_three_multiplications():
    said = texts(state_line(PLAIN, Style(), step=1, output_weight=2.0))
    assert {"× Ws", "0.9", "× Wx", "0.5", "× Wo", "2"} <= set(said)
    gated = texts(state_line(LSTM, Style(), step=1))
    f = 1 / (1 + np.exp(-(LSTM.cell.forget_weight * X[0] + 1.0)))
    assert {"× ft", f"{f:.2g}", "× it", "× ot"} <= set(gated)


def test_the_lstm_carries_its_gates_and_states():
    said = texts(lstm_cell(LSTM, Style(), step=3))
    for letter in "fio":
        assert f"{float(LSTM.gates[letter][2]):.2g}" in said
    assert f"ct = {float(LSTM.states['c'][3]):.2g}".replace("-", "−") in said
    assert f"ht = {float(LSTM.states['h'][3]):.2g}".replace("-", "−") in said


def test_only_peepholes_that_there_are_are_drawn():
    assert not {"pf", "pi", "po"} & set(texts(lstm_cell(LSTM, Style(), step=1)))
    assert {"pf", "po"} == {"pf", "pi", "po"} & set(texts(lstm_cell(PEEPING, Style(), step=1)))


def test_the_gru_carries_its_gates_and_says_where_it_resets():
    said = texts(gru_cell(GRU, Style(), step=2))
    z = float(GRU.gates["z"][1])
    assert {f"{z:.2g}", f"{1 - z:.2g}", "reset before the weight"} <= set(said)
    after = unroll(ScalarGRU(reset="after"), X)
    assert "reset after the weight" in texts(gru_cell(after, Style(), step=2))
    assert not any("reset" in t for t in texts(gru_cell(unroll(ScalarMinGRU(), X), Style(), step=2)))


@pytest.mark.parametrize(
    ("source", "target", "path"),
    [
        (1, 3, {"x1-f1", "f1-f2", "f2-f3", "f3-y3"}),
        (3, 1, {"x3-b3", "b3-b2", "b2-b1", "b1-y1"}),
        (2, 2, {"x2-f2", "f2-y2", "x2-b2", "b2-y2"}),
    ],
)
def test_the_path_from_an_input_to_an_output_is_lit(source, target, path):
    svg = bidirectional_net(BOTH, Style(), source=source, target=target)
    assert edges(svg, Style().colours.you) == path


def test_a_factor_has_the_colour_of_the_scale_and_a_text_that_can_be_read_on_it():
    assert factor_colour(0) == ("#00224E", "#FFFFFF")
    assert factor_colour(1) == ("#FEE838", "#17212B")
    assert factor_colour(-0.5)[0] == "#7D7C78"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="trajectory must have 1 to 12 steps, got 13; draw its first steps"):
        unrolled_net(unroll(ScalarRNN(), np.zeros(13)), Style())
    with pytest.raises(ValueError, match="step must be from 1 to 3, got 4; the run has no other steps"):
        lstm_cell(LSTM, Style(), step=4)
