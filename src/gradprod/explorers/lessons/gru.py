"""Lesson 7: the GRU: four terms, two places for the reset gate, and the LSTM that does the same."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradprod.analysis.approximations import Approximations, approximations
from gradprod.analysis.terms import StepTerms, gru_terms
from gradprod.cells import ScalarGRU, ScalarLSTM, ScalarMinGRU
from gradprod.explorers.controls import PICTURE, Choice, Layer, around_zero
from gradprod.explorers.model import (
    Figure,
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    cached,
    claim,
    diagram,
    panel,
    picture,
)
from gradprod.explorers.products import CellExplorer, beside_lags
from gradprod.explorers.reading import chaos, half_life, lag_table, memory, rate, signed
from gradprod.explorers.stepped import SteppedExplorer
from gradprod.figures.diagrams import gru_cell
from gradprod.figures.gates import gates_over_time
from gradprod.figures.product_curve import Curve
from gradprod.figures.terms import step_terms
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.products import LogProduct, block, matrix_product
from gradprod.unroll import Trajectory, unroll
from gradprod.words import decimals, factor, number, steps, value

RECURRENT, INPUT = "Recurrent weights U", "Input weights W"
SEES_INPUT_ALONE = {"reset": "none"}


def _box(symbol: str, label: str, start: float = 0.5, **place: Any) -> Any:
    return around_zero(symbol, label, start, reach=8, slider=False, **place)


def _gated(model: Any) -> bool:
    return bool(model.reset != "none")


NEAR = 0.1
"""Mean of z up to which it is near 0."""

ALIKE = 1.0
"""Powers of ten by which two products may differ at any lag and still be called alike."""


class GRU(CellExplorer, SteppedExplorer):
    """Lesson 7: the GRU's exact product, its four terms, and an LSTM on the same run."""

    number = 7
    title = "GRU"
    lead = (
        "One gate z does what forget and input gate do in an LSTM: it keeps 1 − <i>z</i> of the old state. "
        "Drag its bias, and see what the other three terms add."
    )
    formula = (
        r"h_t = (1 - z_t) h_{t-1} + z_t \tilde h_t, \qquad \frac{dh_t}{dh_{t-1}} = "
        r"(1 - z_t) - h_{t-1}\partial z_t + z_t\,\partial\tilde h_t + \tilde h_t\,\partial z_t"
    )
    formula_text = (
        "h_t = (1 − z_t) h_{t−1} + z_t h̃_t; dh_t/dh_{t−1} = (1 − z_t) − h_{t−1} ∂z_t + z_t ∂h̃_t + h̃_t ∂z_t"
    )
    folded = (RECURRENT, INPUT)

    update_bias = around_zero("b_z", "update bias", -2.0, reach=8, live=True)
    candidate_bias = around_zero("b_h", "candidate bias", 0.0, reach=8)
    reset = Choice(
        "", "Reset gate", "before", {"before": "before", "after": "after", "none": "minGRU"}, key="reset"
    )
    reset_bias = around_zero("b_r", "reset bias", 0.0, reach=8, live=True, when=_gated)
    update_recurrent_weight = _box("U_z", "update gate", group=RECURRENT, when=_gated)
    reset_recurrent_weight = _box("U_r", "reset gate", group=RECURRENT, when=_gated)
    candidate_recurrent_weight = _box("U_h", "candidate", 1.0, group=RECURRENT, when=_gated)
    candidate_recurrent_bias = _box(
        "b′_h", "bias inside the reset", 0.0, group=RECURRENT, key="b2_h", when=lambda m: m.reset == "after"
    )
    update_weight = _box("W_z", "update gate", group=INPUT)
    reset_weight = _box("W_r", "reset gate", group=INPUT, when=_gated)
    candidate_weight = _box("W_h", "candidate", 1.0, group=INPUT)
    show_keep = Layer("keep", "∏ (1 − z)", True)
    show_lstm = Layer("lstm", "LSTM beside it", True)
    below = Choice(
        "",
        "Under it",
        "terms",
        {"terms": "terms of each step", "gates": "gates and state over time"},
        key="below",
        group=PICTURE,
    )

    presets = (
        Preset("Typical"),
        Preset("Keeps", {"update_bias": -6.0, "sequence_length": 200}, "z near 0 keeps the gradient"),
        Preset("Overwrites", {"update_bias": 4.0}, "z near 1 replaces the state at each step"),
        Preset("minGRU", SEES_INPUT_ALONE, "∏ (1 − z) is exact"),
        Preset(
            "Explodes",
            {
                "update_bias": 2.0,
                "reset_bias": 4.0,
                "candidate_recurrent_weight": 4.0,
                "candidate_weight": 0.0,
                "update_weight": 0.0,
                "reset_weight": 0.0,
                "input": "zero",
                "sequence_length": 20,
            },
            "A candidate weight of 4 while the state stays at 0",
        ),
    )
    prediction = Prediction.powers_of_ten(
        "The update bias is 4: <i>z</i> is near 0.98, and the factors 1 − <i>z</i> alone would leave "
        "10<sup>−91</sup>. What is left after 50 steps?",
        {"update_bias": 4.0},
        lambda m: m.readout.left_log10,
        reach=100,
        start=-91,
    )

    # ---- what follows from the settings ----

    @property
    def cell(self) -> ScalarGRU | ScalarMinGRU:
        """The GRU or minGRU at these settings."""
        kind = ScalarMinGRU if self.reset == "none" else ScalarGRU
        names = [n for n in kind.enters if n != "candidate_recurrent_bias" or self.reset == "after"]
        place = {} if self.reset == "none" else {"reset": self.reset}
        made: ScalarGRU | ScalarMinGRU = kind(**place, **{name: getattr(self, name) for name in names})
        return made

    @property
    def lstm(self) -> ScalarLSTM:
        """The LSTM that does the same: f = 1 − z, i = z, the same candidate, its output gate open."""
        U = {f"{g}_recurrent_weight": 0.0 for g in ("forget", "input_gate", "candidate", "output_gate")}
        if self.reset != "none":
            U["forget_recurrent_weight"] = -self.update_recurrent_weight
            U["input_gate_recurrent_weight"] = self.update_recurrent_weight
            U["candidate_recurrent_weight"] = self.candidate_recurrent_weight
        return ScalarLSTM(
            **U,
            forget_weight=-self.update_weight,
            input_gate_weight=self.update_weight,
            candidate_weight=self.candidate_weight,
            output_gate_weight=0.0,
            forget_bias=-self.update_bias,
            input_gate_bias=self.update_bias,
            candidate_bias=self.candidate_bias,
            output_gate_bias=8.0,
        )

    @cached
    def compared(self) -> Approximations:
        """∏ (1 − z) beside it."""
        return approximations(self.trajectory)

    @property
    def keep(self) -> LogProduct:
        """∏ (1 − z_j)."""
        found = self.compared.approximate["keep"]
        assert isinstance(found, LogProduct)
        return found

    @cached
    def lstm_run(self) -> Trajectory:
        """The LSTM's run on the same input."""
        return unroll(self.lstm, self.inputs)

    @cached
    def lstm_result(self) -> LogProduct:
        """The LSTM's ∂c_t/∂c_k."""
        found = block(matrix_product(self.lstm_run), "cc")
        assert isinstance(found, LogProduct)
        return found

    @property
    def apart(self) -> float:
        """log₁₀ of the factor between the two products, at the lag where it is largest."""
        gru, lstm = self.result.log10, self.lstm_result.log10
        differ = gru != lstm  # where both are exactly zero they agree
        return float(np.abs(gru[differ] - lstm[differ]).max(initial=0.0))

    @cached
    def terms(self) -> StepTerms:
        """The four terms at each step."""
        return gru_terms(self.trajectory)

    # ---- words ----

    def readouts(self) -> Sequence[Readout]:
        z = self.trajectory.gates["z"]
        off = self.result.log10[-1] - self.keep.log10[-1]
        return [
            rate(self.readout),
            half_life(self.readout),
            memory(self.readout, self.sequence_length, self.threshold),
            *chaos(self.horizon),
            Readout(
                _("Kept, 1 − <i>z</i>"),
                factor(float((1 - z).mean())),
                _("mean; {low} … {high}", low=factor(1 - float(z.max())), high=factor(1 - float(z.min()))),
            ),
            Readout(
                _("∏ (1 − <i>z</i>) is off by"),
                _("{n} powers of ten", n=decimals(abs(off), 1)) if math.isfinite(off) else "∞",
                _("at the longest lag"),
            ),
            Readout(
                _("LSTM beside it"),
                signed(self.lstm_result),
                _("∂<i>c<sub>t</sub></i>/∂<i>c<sub>k</sub></i> left"),
            ),
        ]

    def table(self) -> Table:
        columns = {_("exact"): self.result, "∏ (1 − <i>z</i>)": self.keep, "LSTM": self.lstm_result}
        return lag_table(columns)

    def columns(self) -> Mapping[str, Any]:
        run, T = self.trajectory, self.sequence_length
        terms = {f"term_{name}": v for name, v in self.terms.terms.items()}
        return {
            "lag": np.arange(T + 1),
            "sign": self.result.sign.astype(int),
            "log10_product": self.result.log10,
            "log10_product_keep": self.keep.log10,
            "log10_lstm": self.lstm_result.log10,
            **beside_lags({"input": run.inputs, "h": run.state[1:], **run.gates, **terms}, T),
        }

    # ---- pictures ----

    def curve(self) -> Curve:
        return Curve(self.result, name=_("exact"), cell="mingru" if self.reset == "none" else "gru")

    @picture(heights=(440, 380, 270))
    def chart(self, style: Style) -> Figure:
        """The product against lag."""
        curves = self.with_band(self.curve())
        if self.show_keep and not self.veiled:
            curves.append(Curve(self.keep, name="∏ (1 − <i>z</i>)", kind="approximation", cell="gru"))
        if self.show_lstm and not self.veiled:
            curves.append(Curve(self.lstm_result, name="LSTM", cell="lstm"))
        return self.product_chart(curves, style, quantity="|∂<i>h<sub>t</sub></i>/∂<i>h<sub>k</sub></i>|")

    @picture("below", heights=(320, 320, 300), when=lambda m: not m.veiled)
    def detail(self, style: Style) -> Figure:
        """What the choice under the picture names."""
        run = self.trajectory
        if self.below == "terms":
            return step_terms(
                self.terms, style, title=_("terms of <i>dh<sub>t</sub></i>/<i>dh<sub>t−1</sub></i>")
            )
        gates = {name: values for name, values in run.gates.items() if name != "candidate"}
        return gates_over_time(gates, {"h": run.state}, style, colour=style.colours.gru)

    @diagram("The cell, its lines and gates at that step", height=330)
    def drawn_cell(self, style: Style) -> str:
        """The whole cell with its numbers."""
        return gru_cell(self.trajectory, style, step=self.step)

    @panel("Which z?")
    def conventions(self) -> str:
        """The update gate's meaning here and elsewhere."""
        z = float(self.trajectory.gates["z"].mean())
        rows = "".join(
            f"<tr><td>{who}</td><td>{what}</td><td>{factor(v)}</td></tr>"
            for who, what, v in (
                (_("here, articles"), _("weighs the new state"), z),
                (_("PyTorch, Keras, Cho 2014"), _("weighs the old state"), 1 - z),
            )
        )
        return f"<table><tr><th></th><th><i>z</i></th><th>{_('mean')}</th></tr>{rows}</table>"

    # ---- claims ----

    @claim(
        16,
        "A GRU merges forget and input gate, and cell and hidden state.",
        articles="002",
        test=SEES_INPUT_ALONE,
    )
    def merges(self) -> Judgement:
        gap = float(np.abs(self.trajectory.state - self.lstm_run.states["c"]).max())
        alike = _("are the same") if gap <= 1e-15 else _("differ by {gap} at most", gap=value(gap))
        why = _(
            "An LSTM with <i>f</i> = 1 − <i>z</i> and <i>i</i> = <i>z</i> runs beside it: its <i>c</i> and "
            "this <i>h</i> {alike}, and {lstm} is left of its product, {gru} of this one. Where the two "
            "products are farthest apart, it is by a factor of {apart}; the claim holds if that is at most "
            "10.",
            alike=alike,
            lstm=signed(self.lstm_result),
            gru=signed(self.result),
            apart=number(self.apart),
        )
        return Judgement("true" if self.apart <= ALIKE else "partly", why)

    @claim(17, "<i>z</i> near 0 keeps the gradient.", articles="002", test={"update_bias": -6.0})
    def small_z_keeps(self) -> Judgement:
        z = float(self.trajectory.gates["z"].mean())
        why = _(
            "In this convention: <i>z</i> is {z} on average and {left} is left after {T}. PyTorch and Keras "
            "weigh the old state by <i>z</i>: there it has to be near 1.",
            z=factor(z),
            left=signed(self.result),
            T=steps(self.sequence_length),
        )
        return Judgement("true" if z < NEAR and self.readout.verdict == "holds" else "partly", why)
