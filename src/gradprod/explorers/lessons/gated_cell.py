"""Lesson 5: the simplified gated cell beside the plain cell, on the same input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.readouts import Readouts, readouts
from gradprod.cells import GatedCell, ScalarRNN
from gradprod.explorers.controls import PICTURE, Choice, Layer, Real, around_zero, recurrent
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
    picture,
)
from gradprod.explorers.products import CellExplorer, beside_lags
from gradprod.explorers.reading import lag_table, memory, rate, signed
from gradprod.explorers.stepped import SteppedExplorer
from gradprod.figures.diagrams import state_line
from gradprod.figures.gates import gates_over_time
from gradprod.figures.product_curve import Curve
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.products import Factors, LogProduct, gradient_product, step_factors
from gradprod.unroll import Trajectory, unroll
from gradprod.words import factor, number, percent, steps, value

BESIDE = "Plain cell beside it"
WIDE_OPEN = {"forget_weight": 0.0, "forget_bias": 4.6, "input_gate_weight": 0.0, "input_gate_bias": -2.2}
"""f = 0.99 and i = 0.1 at every step."""

DRIVEN = {"input": "constant", "sequence_length": 1000}

ALIKE = {
    "forget_weight": 0.0,
    "forget_bias": 0.0,
    "input_gate_weight": 0.0,
    "recurrent_weight": 0.5,
    "input_weight": 0.5,
}
"""f = i = 0.5 = W_s = W_x."""


class GatedAgainstPlain(CellExplorer, SteppedExplorer):
    """Lesson 5: what a forget gate does for the gradient product, beside the plain cell."""

    number = 5
    title = "The simplified gated cell"
    lead = (
        "A gate f, chosen anew at each step, stands where the plain cell has its fixed <i>W<sub>s</sub></i>. "
        "Drag the forget bias and see which cell keeps more."
    )
    formula = r"\frac{\partial S_t}{\partial S_k} = \prod_{j=k+1}^{t} \varphi'(u_j)\, \sigma(W_f X_j + b_f)"
    formula_text = "∂S_t/∂S_k = ∏ φ′(u_j) σ(W_f X_j + b_f), j = k+1 … t"
    side = ("claims", "readouts", "...")

    forget_bias = around_zero("b_f", "forget bias", 4.0, reach=8, live=True)
    forget_weight = around_zero("W_f", "forget weight", 1.0)
    input_gate_weight = around_zero("W_i", "input-gate weight", 1.0)
    input_gate_bias = Real("b_i", "input-gate bias", 0.0, low=-8, high=8, slider=False)
    state_activation = Choice("φ", "State", "linear", {"linear": "linear", "tanh": "through tanh"}, key="phi")
    recurrent_weight = recurrent(live=True, group=BESIDE)
    input_weight = around_zero("W_x", "input weight", group=BESIDE)
    threshold = Real("", "remembered above", 0.01, key="kept", low=1e-6, high=1, slider=False, group=PICTURE)
    show_factors = Layer("factors", "Each factor", room=120)
    folded = (BESIDE,)

    presets = (
        Preset("Open", title="f near 1 and a linear state: it holds on"),
        Preset(
            "Open, but tanh",
            {**WIDE_OPEN, **DRIVEN, "state_activation": "tanh"},
            "f = 0.99, and the tanh round the state forgets all the same",
        ),
        Preset("Shut", {"forget_bias": -4.0}, "f near 0 forgets at once"),
        Preset("Half open", {"forget_bias": 0.0}),
        Preset("As the plain cell", ALIKE, "f = i = 0.5 = W_s = W_x: both cells are one"),
    )
    prediction = Prediction.powers_of_ten(
        "The gate is wide open, f = 0.99, and the state goes through tanh; the input is a constant 1, let in "
        "by a tenth. Going back 1000 steps, what is left of the gradient?",
        {**WIDE_OPEN, **DRIVEN, "state_activation": "tanh"},
        lambda m: m.readout.left_log10,
        reach=250,
        start=-4,
    )

    # ---- what follows from the settings ----

    @property
    def cell(self) -> GatedCell:
        """The gated cell at these settings."""
        return GatedCell(
            state_activation=self.state_activation,
            forget_weight=self.forget_weight,
            forget_bias=self.forget_bias,
            input_gate_weight=self.input_gate_weight,
            input_gate_bias=self.input_gate_bias,
        )

    @property
    def plain(self) -> ScalarRNN:
        """The plain cell beside it, with the same φ."""
        return ScalarRNN(
            activation=self.state_activation,
            recurrent_weight=self.recurrent_weight,
            input_weight=self.input_weight,
        )

    @cached
    def factors(self) -> Factors:
        """φ′(u_t) f_t at every step."""
        return step_factors(self.trajectory)

    @cached
    def plain_trajectory(self) -> Trajectory:
        """The plain cell's run on the same input."""
        return unroll(self.plain, self.inputs)

    @cached
    def plain_result(self) -> LogProduct:
        """Its product."""
        return gradient_product(self.plain_trajectory)

    @cached
    def plain_readout(self) -> Readouts:
        """Rate, memory and verdict of the plain cell."""
        return readouts(self.plain_result, self.threshold)

    # ---- words ----

    def readouts(self) -> Sequence[Readout]:
        f = self.trajectory.gates["f"]
        T = self.sequence_length
        spread = _("from {low} to {high}", low=factor(float(f.min())), high=factor(float(f.max())))
        return [
            rate(self.readout, _("Gated: rate per step")),
            rate(self.plain_readout, _("Plain: rate per step"), math.copysign(1, self.recurrent_weight)),
            memory(self.readout, T, self.threshold, _("Gated: memory")),
            memory(self.plain_readout, T, self.threshold, _("Plain: memory")),
            Readout(_("Forget gate"), factor(float(f.mean())), spread),
        ]

    def table(self) -> Table:
        return lag_table({_("gated"): self.result, _("plain"): self.plain_result})

    def columns(self) -> Mapping[str, Any]:
        run, T = self.trajectory, self.sequence_length
        gates = {"forget_gate": run.gates["f"], "input_gate": run.gates["i"]}
        return {
            "lag": np.arange(T + 1),
            "log10_gated": self.result.log10,
            "sign_plain": self.plain_result.sign.astype(int),
            "log10_plain": self.plain_result.log10,
            **beside_lags({"input": run.inputs, "state": run.state[1:], **gates}, T),
        }

    # ---- pictures ----

    def curve(self) -> Curve:
        return Curve(self.result, name=_("gated"), cell="gated")

    @picture()
    def chart(self, style: Style) -> Figure:
        """Both products against lag."""
        plain = Curve(self.plain_result, name=_("plain"), cell="plain")
        return self.product_chart(
            [*self.with_band(self.curve()), plain],
            style,
            factors=self.factors if self.show_factors else None,
            factor_name=_("each factor φ′(<i>u<sub>j</sub></i>)·<i>f<sub>j</sub></i> of the gated cell"),
        )

    @picture("side", title="Gates and state over time", heights=(320, 320, 300), when=lambda m: not m.veiled)
    def gates(self, style: Style) -> Figure:
        """What the gates do, and the state that they let through."""
        run = self.trajectory
        gates = {"f": run.gates["f"], "i": run.gates["i"]}
        return gates_over_time(gates, {"S": run.state}, style, colour=style.colours.gated)

    @diagram("Both cells as one state line with three multiplications, at that step", height=200)
    def gated_line(self, style: Style) -> str:
        """What the gated cell keeps, writes and shows."""
        return state_line(self.trajectory, style, step=self.step)

    @diagram("The plain cell: the three are fixed", height=200)
    def plain_line(self, style: Style) -> str:
        """What the plain cell keeps, writes and shows."""
        return state_line(self.plain_trajectory, style, step=self.step)

    # ---- claims ----

    @claim(
        7, "The cure is to make each factor nearly 1 or nearly 0.", articles="001", test={"forget_bias": -4.0}
    )
    def one_or_zero(self) -> Judgement:
        f = float(np.exp(self.factors.log).mean())
        left = signed(self.result)
        if f > 0.9:
            why = _(
                "Near 1, yes: the factors are {f} on average here, and {left} is left.",
                f=factor(f),
                left=left,
            )
            return Judgement("true" if self.readout.verdict == "holds" else "partly", why)
        if f > 0.1:
            why = _(
                "Here the factors are neither: {f} on average, and {left} is left. Only factors "
                "near 1 are a cure.",
                f=factor(f),
                left=left,
            )
            return Judgement("partly", why)
        why = _(
            "Factors near 0 <i>are</i> the vanishing: here they are {f} on average, and {left} is left. "
            "Only factors near 1 are a cure.",
            f=factor(f),
            left=left,
        )
        return Judgement("false", why)

    @claim(
        9,
        "Each long-range term of the gradient is kept or dropped whole, as its gates are open or shut.",
        articles="001",
        test={"forget_bias": 1.0, "sequence_length": 3, "step": 3},
    )
    def kept_or_dropped(self) -> Judgement:
        lags = min(2, int(self.sequence_length))
        seen = [percent(float(10.0 ** self.result.log10[lag])) for lag in range(1, lags + 1)]
        between = any(0.1 < 10.0 ** self.result.log10[lag] < 0.9 for lag in range(1, lags + 1))
        if lags == 1:
            why = _("Here the product to the step before is {seen}. ", seen=seen[0])
        else:
            why = _(
                "Here the product to the step before is {one}, to the one before that {two}. ",
                one=seen[0],
                two=seen[1],
            )
        why += _(
            "The expansion is an idealisation; and this cell has no <i>W<sub>s</sub></i> to differentiate "
            "by: its parameters are <i>W<sub>f</sub></i>, <i>b<sub>f</sub></i>, <i>W<sub>i</sub></i> and "
            "<i>b<sub>i</sub></i>."
        )
        return Judgement("false" if between else "partly", why)

    @claim(
        10,
        "<i>f S</i> + <i>i X</i> is like <i>W<sub>s</sub> S</i> + <i>W<sub>x</sub> X</i>.",
        articles="001",
        test=ALIKE,
    )
    def like_the_plain_cell(self) -> Judgement:
        f, i = self.trajectory.gates["f"], self.trajectory.gates["i"]
        gap = float(np.abs(self.result.log10 - self.plain_result.log10).max())
        if gap < 1e-9 and float(np.abs(i - self.input_weight).max()) < 1e-9:
            why = _(
                "With f = {f} = <i>W<sub>s</sub></i> and i = {i} = <i>W<sub>x</sub></i> the two products are "
                "the same.",
                f=value(float(f[0])),
                i=value(float(i[0])),
            )
            return Judgement("exact", why)
        spans = {"f": _span(f), "i": _span(i)}
        fixed = {"Ws": value(self.recurrent_weight), "Wx": value(self.input_weight)}
        if np.ptp(f) + np.ptp(i) < 1e-9:
            why = _(
                "In form. Here both gates stand still: f at {f}, i at {i}, where <i>W<sub>s</sub></i> is "
                "{Ws} and <i>W<sub>x</sub></i> is {Wx}.",
                **spans,
                **fixed,
            )
            return Judgement("true", why)
        why = _(
            "In form. But f is {f} and i is {i}, chosen anew at each step, where <i>W<sub>s</sub></i> = {Ws} "
            "and <i>W<sub>x</sub></i> = {Wx} are fixed.",
            **spans,
            **fixed,
        )
        return Judgement("true", why)

    @claim(
        12,
        "With a tanh round the state the gated cell still solves it.",
        articles="000, 001",
        test={**WIDE_OPEN, **DRIVEN, "state_activation": "tanh"},
        applies=lambda m: m.state_activation == "tanh",
    )
    def tanh_round_the_state(self) -> Judgement:
        gates_alone = float(np.log10(self.trajectory.gates["f"]).sum())
        if self.state_activation == "linear":
            why = _("Without the tanh: {left} after {steps}.", left=signed(self.result), steps=self._steps())
            return Judgement("partly", why)
        why = _(
            "The gates alone would leave {f}, as in the linear form; with the tanh {left} is left after "
            "{steps}. That tanh is in the way of the state itself.",
            f=number(gates_alone),
            left=signed(self.result),
            steps=self._steps(),
        )
        close = gates_alone - float(self.result.log10[-1]) < 1
        return Judgement("partly" if close else "false", why)

    def _steps(self) -> str:
        return steps(self.sequence_length)


def _span(gate: NDArray[np.float64]) -> str:
    """The values that a gate takes: one, or the lowest and the highest."""
    low, high = value(float(gate.min())), value(float(gate.max()))
    return low if low == high else _("{low} to {high}", low=low, high=high)
