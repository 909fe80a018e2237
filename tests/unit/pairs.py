"""Library cells beside their reference nets: the letters of the equations, mapped to our names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import reference as ref

from gradprod.bptt import Readout
from gradprod.cells import (
    Cell,
    GatedCell,
    ScalarGRU,
    ScalarLSTM,
    ScalarMinGRU,
    ScalarRNN,
    VectorGRU,
    VectorLSTM,
    VectorMinGRU,
    VectorRNN,
)
from gradprod.unroll import Trajectory, unroll

_KIND = {"W": "weight", "U": "recurrent_weight", "p": "peephole", "b": "bias"}
_LSTM = {"f": "forget", "i": "input_gate", "c": "candidate", "o": "output_gate"}
_GRU = {"z": "update", "r": "reset", "h": "candidate"}

NAMES: dict[str, dict[str, str]] = {
    "scalar rnn": {"W_x": "input_weight", "W_s": "recurrent_weight", "b_1": "bias"},
    "gated": {
        "W_f": "forget_weight",
        "b_f": "forget_bias",
        "W_i": "input_gate_weight",
        "b_i": "input_gate_bias",
        "W_og": "output_gate_weight",
        "b_og": "output_gate_bias",
    },
    "rnn": {"W": "recurrent_weight", "U": "input_weight", "b": "bias"},
    "lstm": {f"{w}_{g}": f"{gate}_{kind}" for w, kind in _KIND.items() for g, gate in _LSTM.items()},
    "gru": {f"{w}_{g}": f"{gate}_{kind}" for w, kind in _KIND.items() for g, gate in _GRU.items()}
    | {"b_h2": "candidate_recurrent_bias"},
}

#: Name of a case: its reference net, vector class, scalar class, and options of both.
CASES: dict[str, tuple[str, type[Cell] | None, type[Cell] | None, dict[str, str]]] = {
    **{f"scalar rnn {a}": ("scalar rnn", None, ScalarRNN, {"activation": a}) for a in ref.PHI},
    **{f"gated {a}": ("gated", None, GatedCell, {"state_activation": a}) for a in ("linear", "tanh")},
    **{f"rnn {a}": ("rnn", VectorRNN, ScalarRNN, {"activation": a}) for a in ref.PHI},
    "lstm": ("lstm", VectorLSTM, ScalarLSTM, {}),
    "lstm peephole": ("lstm", VectorLSTM, ScalarLSTM, {}),
    "lstm peephole matrix": ("lstm", VectorLSTM, None, {"peepholes": "matrix"}),
    "gru before": ("gru", VectorGRU, ScalarGRU, {"reset": "before"}),
    "gru after": ("gru", VectorGRU, ScalarGRU, {"reset": "after"}),
    "min gru": ("gru", VectorMinGRU, ScalarMinGRU, {}),
}
VECTOR = [name for name, (_, vector, _, _) in CASES.items() if vector]
SCALAR = [name for name, (_, _, scalar, _) in CASES.items() if scalar]


@dataclass
class Pair:
    """One run in the library and in the reference; ``n`` and ``m`` are 0 for a scalar cell."""

    net: ref.Net
    params: dict[str, Any]
    inputs: np.ndarray  # of the reference
    state: np.ndarray  # h, then c
    names: dict[str, str]
    trajectory: Trajectory
    scalar: bool

    @property
    def n(self) -> int:
        return len(self.state) // len(self.net.blocks)

    def run(self):
        """What the reference's ``product`` and ``state_jacobian`` take."""
        return self.net, self.params, self.inputs, self.state

    def losses(self, p, run, targets, steps=slice(None)):
        """L_t of the reference at ``steps``, from all its parameters and its states, one more than steps."""
        hidden = run[1:, : self.n]
        if not self.scalar:
            return ref.vector_losses(p, hidden, targets[steps])
        hidden = hidden[:, 0]
        if "W_og" in p:
            hidden = ref.gated_hidden(p, hidden, self.inputs[steps])
        return ref.scalar_losses(p, hidden, targets[steps])

    def ours(self, letters: dict[str, Any]) -> dict[str, np.ndarray]:
        """Arrays by the equations' letters, under the library's names and in its shapes."""
        return {self.names[k]: np.squeeze(v) if self.scalar else v for k, v in letters.items()}


def make_cell(case: str, params: dict[str, Any], *, scalar: bool) -> Cell:
    family, vector, number, options = CASES[case]
    names = NAMES[family]
    if number is ScalarRNN and scalar and family == "rnn":
        names = {"W": "recurrent_weight", "U": "input_weight", "b": "bias"}
    values = {names[k]: np.squeeze(v) if scalar else v for k, v in params.items()}
    return (number if scalar else vector)(**values, **options)


def make_pair(case: str, rng, n=1, m=1, length=6, *, scalar=False, scale=1.0) -> Pair:
    """A random cell with a random input, twice. ``scalar``: the library's scalar class, n = m = 1."""
    net = ref.NETS[case]
    scalar = scalar or net.scalar
    n, m = (1, 1) if scalar else (n, m)
    params = net.draw(rng, n, m, scale)
    inputs, state = net.draw_inputs(rng, length, m), net.draw_state(rng, n)
    return pair_of(case, params, inputs, state, scalar=scalar)


def pair_of(case: str, params, inputs, state, *, scalar=False) -> Pair:
    net = ref.NETS[case]
    scalar = scalar or net.scalar
    cell = make_cell(case, params, scalar=scalar)
    n = len(state) // len(net.blocks)
    given = inputs.reshape(len(inputs)) if scalar else inputs
    # the library's order of parts may differ from the reference's h, then c
    start = {part: state[_at(net, part, n)] for part in cell.parts}
    start = {part: np.squeeze(value) if scalar else value for part, value in start.items()}
    return Pair(net, params, inputs, state, NAMES[CASES[case][0]], unroll(cell, given, start), scalar)


def _at(net: ref.Net, part: str, n: int) -> slice:
    k = net.blocks.index(part) if part in net.blocks else 0
    return slice(k * n, (k + 1) * n)


def part_of(pair: Pair, array: np.ndarray, part: str) -> np.ndarray:
    """The entries of a part on the last axis of an array over the reference's flat state."""
    return array[..., _at(pair.net, part, pair.n)]


def make_readout(pair: Pair, rng, q=2) -> tuple[Readout, dict[str, Any]]:
    """A random readout, as ours and by its letters."""
    if pair.scalar:
        letters = {"W_out": rng.normal(), "b_2": rng.normal()}
        return Readout(weight=letters["W_out"], bias=letters["b_2"]), letters
    letters = {"V": rng.normal(size=(q, pair.n)), "c": rng.normal(size=q)}
    return Readout(weight=letters["V"], bias=letters["c"]), letters
