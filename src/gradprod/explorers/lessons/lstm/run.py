"""What can be set in lesson 6, and the quantities that follow."""

from __future__ import annotations

from typing import Any

from gradprod.analysis.ablation import Ablation, ablation
from gradprod.analysis.approximations import Approximations, approximations
from gradprod.analysis.starts import random_lstm, relative_step
from gradprod.analysis.terms import StepTerms, lstm_terms
from gradprod.cells import ScalarLSTM
from gradprod.explorers.controls import PICTURE, Choice, Layer, Real, Switch, around_zero
from gradprod.explorers.model import cached
from gradprod.explorers.products import CellExplorer
from gradprod.explorers.stepped import SteppedExplorer
from gradprod.inputs import make_input
from gradprod.products import LogProduct, block, matrix_product
from gradprod.unroll import Trajectory, unroll

RECURRENT, INPUT, PEEPHOLES = "Recurrent weights U", "Input weights W", "Peepholes p"
BLOCKS = {"cc": "∂c/∂c", "ch": "∂c/∂h", "hc": "∂h/∂c", "hh": "∂h/∂h"}
GATES = {
    "forget": "forget gate",
    "input_gate": "input gate",
    "output_gate": "output gate",
    "candidate": "candidate",
}


def _box(symbol: str, label: str, start: float = 0.5, **place: Any) -> Real:
    return around_zero(symbol, label, start, reach=8, slider=False, **place)


def _peephole(symbol: str, label: str) -> Real:
    return _box(symbol, label, group=PEEPHOLES, when=lambda m: m.peepholes)


class LSTMRun(CellExplorer, SteppedExplorer):
    """An LSTM on the input, and what is called its ∂c_t/∂c_k."""

    forget_bias = around_zero("b_f", "forget bias", 1.0, reach=8, ticks=(-8, -4, 0, 1, 4, 8), live=True)
    input_gate_bias = around_zero("b_i", "input-gate bias", 0.0, reach=8, live=True)
    output_gate_bias = around_zero("b_o", "output-gate bias", 0.0, reach=8)
    candidate_bias = _box("b_c", "candidate bias", 0.0)
    forget_recurrent_weight = _box("U_f", "forget gate", group=RECURRENT)
    input_gate_recurrent_weight = _box("U_i", "input gate", group=RECURRENT)
    output_gate_recurrent_weight = _box("U_o", "output gate", group=RECURRENT)
    candidate_recurrent_weight = _box("U_c", "candidate", group=RECURRENT)
    forget_weight = _box("W_f", "forget gate", group=INPUT)
    input_gate_weight = _box("W_i", "input gate", group=INPUT)
    output_gate_weight = _box("W_o", "output gate", group=INPUT)
    candidate_weight = _box("W_c", "candidate", group=INPUT)
    peepholes = Switch("", "the gates see c", False, key="peep", group=PEEPHOLES)
    forget_peephole = _peephole("p_f", "forget gate")
    input_gate_peephole = _peephole("p_i", "input gate")
    output_gate_peephole = _peephole("p_o", "output gate")
    show_forget = Layer("forget", "∏ f", True)
    show_four = Layer("four", "∏ four terms")
    show_total = Layer("total", "Total")
    show_blocks = Layer("blocks", "All four blocks")
    below = Choice(
        "",
        "Under it",
        "terms",
        {
            "terms": "terms of each step",
            "gates": "gates and states over time",
            "slope": "|c (1 − tanh² c)|",
            "memory": "memory time by forget bias",
            "ablation": "one gate frozen",
        },
        key="below",
        group=PICTURE,
    )

    # ---- what follows from the settings ----

    @property
    def cell(self) -> ScalarLSTM:
        """The LSTM at these settings."""
        names = [name for name in ScalarLSTM.enters if not name.endswith("peephole") or self.peepholes]
        return ScalarLSTM(**{name: getattr(self, name) for name in names})

    def product(self, run: Trajectory) -> LogProduct:
        """The exact partial ∂c_t/∂c_k, h_k held: the cc block."""
        found = block(matrix_product(run), "cc")
        assert isinstance(found, LogProduct)
        return found

    @cached
    def result(self) -> LogProduct:
        """The exact partial, as it is compared with the others."""
        return self.called["partial"]

    @cached
    def compared(self) -> Approximations:
        """The four quantities: exact partial and total, ∏ f and ∏ four terms."""
        return approximations(self.trajectory)

    @property
    def called(self) -> dict[str, LogProduct]:
        """The same by name, which only a vector cell has as matrices."""
        found: dict[str, Any] = {**self.compared.exact, **self.compared.approximate}
        return found

    @cached
    def blocks(self) -> dict[str, LogProduct]:
        """The blocks of the product over the whole state (c, h)."""
        whole = matrix_product(self.trajectory)
        found: dict[str, Any] = {name: block(whole, name) for name in BLOCKS}
        return found

    @cached
    def terms(self) -> StepTerms | None:
        """The four terms at each step; they need h_{t−1}, so a run of two steps."""
        return lstm_terms(self.trajectory) if self.sequence_length > 1 else None

    @cached
    def frozen(self) -> dict[str, Ablation]:
        """The run with one gate at a time frozen."""
        return ablation(self.trajectory)

    @cached("forget_bias")
    def relative_steps(self) -> tuple[float, float]:
        """Relative steps of c and h: 64 units on white noise."""
        cell = random_lstm(64, forget_bias=self.forget_bias, input_scale=1.0)
        states = unroll(cell, make_input("noise", 200, seed=7)[:, None]).states
        return relative_step(states["c"]), relative_step(states["h"])
