"""What can be set in lesson 6, the quantities that follow, and how they are drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradprod.analysis.ablation import Ablation, ablation
from gradprod.analysis.approximations import Approximations, approximations
from gradprod.analysis.memory import memory_time
from gradprod.analysis.starts import random_lstm, relative_step
from gradprod.analysis.terms import CELL_SLOPE_BOUND, StepTerms, cell_slope, lstm_terms
from gradprod.cells import ScalarLSTM
from gradprod.explorers.controls import PICTURE, Choice, Layer, Real, Switch, around_zero
from gradprod.explorers.model import Figure, cached, diagram, picture
from gradprod.explorers.products import CellExplorer
from gradprod.explorers.stepped import SteppedExplorer
from gradprod.figures.diagrams import lstm_cell, state_line
from gradprod.figures.gates import Panel, Series, gates_over_time, over_time
from gradprod.figures.product_curve import Curve
from gradprod.figures.relation import Mark, bars, relation
from gradprod.figures.terms import step_terms
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.inputs import make_input
from gradprod.products import LogProduct, block, matrix_product
from gradprod.unroll import Trajectory, unroll
from gradprod.words import grouped, steps

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

    # ---- pictures ----

    def curve(self) -> Curve:
        return Curve(self.result, name=_("exact partial"), cell="lstm")

    @picture(heights=(440, 380, 270))
    def chart(self, style: Style) -> Figure:
        """The quantities against lag."""
        curves = self.with_band(self.curve())
        if self.show_blocks and not self.veiled:
            cells = {"cc": "lstm", "ch": "plain", "hc": "gated", "hh": "gru"}
            curves = [Curve(self.blocks[of], name=BLOCKS[of], cell=cell) for of, cell in cells.items()]
        if self.sequence_length == 1:
            others = {"forget": self.show_forget}
        else:
            others = {"total": self.show_total, "forget": self.show_forget, "four_terms": self.show_four}
        for name, shown in others.items():
            if shown and not self.veiled:
                curves.append(self._other(name))
        quantity = "|∂<i>c<sub>t</sub></i>/∂<i>c<sub>k</sub></i>|"
        return self.product_chart(curves, style, quantity=quantity)

    def _other(self, name: str) -> Curve:
        """A quantity beside the partial; at k = 0 no gate has made h of c, so only ∏ f has an entry there."""
        p = self.called[name]
        if name == "forget":
            return Curve(p, name="∏ <i>f</i>", kind="approximation", cell="lstm")
        p = LogProduct(sign=p.sign[:-1], log10=p.log10[:-1])
        last = grouped(len(p.log10) - 1)
        if name == "total":
            return Curve(p, name=_("exact total<br>to lag {n}", n=last), cell="lstm")
        said = _("∏ four terms<br>to lag {n}", n=last)
        return Curve(p, name=said, kind="approximation", cell="lstm")

    @picture("below", heights=(320, 320, 300), when=lambda m: not m.veiled)
    def detail(self, style: Style) -> Figure:
        """What the choice under the picture names."""
        if self.below == "terms" and self.terms is not None:
            title = _("terms of <i>dc<sub>t</sub></i>/<i>dc<sub>t−1</sub></i>")
            return step_terms(self.terms, style, title=title)
        drawn = {"slope": self._slope, "memory": self._memory, "ablation": self._ablation}
        return drawn.get(self.below, self._gates)(style)

    def _gates(self, style: Style) -> Figure:
        run = self.trajectory
        gates = {name: run.gates[name] for name in ("f", "i", "o")}
        return gates_over_time(gates, run.states, style, colour=style.colours.lstm)

    @diagram("The cell, its lines and gates at that step", height=330)
    def drawn_cell(self, style: Style) -> str:
        """The whole cell with its numbers."""
        return lstm_cell(self.trajectory, style, step=self.step)

    @diagram("The same as one state line with three multiplications", height=200)
    def drawn_line(self, style: Style) -> str:
        """What is kept, written and shown."""
        return state_line(self.trajectory, style, step=self.step)

    def _slope(self, style: Style) -> Figure:
        values, c = cell_slope(self.trajectory).values, style.colours
        bound = np.full(values.shape, CELL_SLOPE_BOUND)
        series = [
            Series(name=_("this run"), values=values, colour=c.lstm, symbol="square", start=0),
            Series(name=_("bound"), values=bound, colour=c.bound, symbol="x", start=0),
        ]
        return over_time(
            [Panel(title="|<i>c</i> (1 − tanh² <i>c</i>)|", series=series, range=(-0.02, 0.5))], style
        )

    def _memory(self, style: Style) -> Figure:
        bias = np.linspace(-8, 8, 161)
        here = float(memory_time(self.forget_bias))
        return relation(
            bias,
            np.log10(memory_time(bias)),
            style,
            x_title=_("forget bias <i>b<sub>f</sub></i>"),
            y_title=_("memory time −1/ln σ(<i>b<sub>f</sub></i>), steps"),
            mark=Mark(x=self.forget_bias, y=math.log10(here), text=steps(here)),
            colour=style.colours.lstm,
        )

    def _ablation(self, style: Style) -> Figure:
        names = [_("nothing frozen"), *(_(GATES[gate]) for gate in self.frozen)]
        left = [self.readout.left_log10, *(a.readouts.left_log10 for a in self.frozen.values())]
        return bars(
            names,
            np.asarray(left, float),
            style,
            title=_("what is left at the longest lag, with one gate held at its mean"),
            colour=style.colours.lstm,
        )
