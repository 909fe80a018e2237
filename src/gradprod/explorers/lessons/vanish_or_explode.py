"""Lesson 3: the gradient product of the plain recurrent cell against lag."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.analysis.regimes import RegimeMap, regime_map
from gradprod.cells import ScalarRNN
from gradprod.explorers.calls import cell_call
from gradprod.explorers.controls import PICTURE, Choice, Layer, Real, around_zero, phi, recurrent
from gradprod.explorers.model import (
    Figure,
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    cached,
    claim,
    picture,
)
from gradprod.explorers.plain_cell import PlainCell
from gradprod.explorers.products import CellExplorer, beside_lags
from gradprod.explorers.reading import half_life, lag_table, limits, memory, rate
from gradprod.figures.product_curve import Curve
from gradprod.figures.regime_map import regime_map as map_figure
from gradprod.i18n import gettext as _
from gradprod.products import Factors, LogProduct, bound, gradient_product, step_factors
from gradprod.unroll import Trajectory, unroll
from gradprod.words import grouped, number, steps

MAP_STEPS = 300
"""Longest run that the map of regimes is measured on."""

TEN = math.log(10)


class VanishOrExplode(PlainCell, CellExplorer):
    """Lesson 3: what is left of a gradient that goes back through the plain recurrent cell."""

    number = 3
    title = "Vanish or explode"
    lead = (
        "A gradient that goes back from step t to step k is multiplied by t − k factors. Drag "
        "<i>W<sub>s</sub></i> and see what is left of it."
    )
    formula = r"\frac{\partial S_t}{\partial S_k} = \prod_{j=k+1}^{t} \varphi'(u_j)\, W_s"
    formula_text = "∂S_t/∂S_k = ∏ φ′(u_j) W_s, j = k+1 … t"

    recurrent_weight = recurrent(live=True)
    input_weight = around_zero("W_x", "input weight", live=True)
    bias = around_zero("b", "bias", 0.0)
    activation = phi()
    initial_state = Real("S_0", "first state", 0.0, low=-1, high=1, slider=False)
    direction = Choice(
        "",
        "Lags",
        "back",
        {"back": "back from the last step", "on": "on from the first"},
        key="lags",
        group=PICTURE,
    )
    threshold = Real("", "remembered above", 0.01, key="kept", low=1e-6, high=1, slider=False, group=PICTURE)
    show_bound = Layer("bound", "Bound", True)
    show_factors = Layer("factors", "Each factor", room=120)
    show_band = Layer("band", "Band over seeds", when=lambda m: m.input == "noise")

    presets = (
        Preset("Vanish"),
        Preset("Hold", {"activation": "linear", "recurrent_weight": 1.0}),
        Preset("Explode", {"activation": "linear", "recurrent_weight": 1.2}),
        Preset(
            "Saturate",
            {"recurrent_weight": 4.0, "initial_state": 0.001, "input": "zero", "direction": "on"},
            "Grows for a few steps, then vanishes fastest of all",
        ),
        Preset("0.01<sup>50</sup>", {"activation": "linear", "recurrent_weight": 0.01}),
    )
    prediction = Prediction.powers_of_ten(
        "<i>W<sub>s</sub></i> is 1.5, so without tanh each factor would be 1.5. Going back 50 steps through "
        "tanh, what is left of the gradient?",
        {"recurrent_weight": 1.5},
        lambda m: m.readout.left_log10,
        start=9,
    )

    # ---- what follows from the settings ----

    def run(self, inputs: ArrayLike) -> Trajectory:
        return unroll(self.cell, inputs, self.initial_state)

    def product(self, run: Trajectory) -> LogProduct:
        """The product against lag: back from the last step, or on from the first."""
        return gradient_product(run, source=0 if self.direction == "on" else None)

    @cached
    def factors(self) -> Factors:
        """φ′(u_t) W_s at every step."""
        return step_factors(self.trajectory)

    @cached
    def bound(self) -> np.ndarray:
        """log₁₀ of (γ |W_s|)^lag."""
        return np.asarray(bound(self.cell, np.arange(self.sequence_length + 1)))

    @cached(
        *("activation", "bias", "initial_state"),
        *("sequence_length", "input", "period", "seed", "standardised"),
    )
    def regimes(self) -> RegimeMap:
        """log₁₀ of what is left, over W_s and W_x."""
        return regime_map(
            ScalarRNN(activation=self.activation, bias=self.bias),
            {"recurrent_weight": np.linspace(-4, 4, 81), "input_weight": np.linspace(-4, 4, 41)},
            self.inputs[:MAP_STEPS],
            readout="left",
            initial_state=self.initial_state,
        )

    # ---- words ----

    def readouts(self) -> Sequence[Readout]:
        r = self.readout
        sign = -1 if self.recurrent_weight < 0 else 1
        return [
            rate(r, sign=sign),
            half_life(r),
            memory(r, self.sequence_length, self.threshold),
            *limits(r, self.result),
        ]

    def table(self) -> Table:
        return lag_table({_("exact"): self.result, _("bound"): self.bound})

    def columns(self) -> Mapping[str, Any]:
        run, p = self.trajectory, self.result
        per_step = {
            "input": run.inputs,
            "pre_activation": run.pre_activation,
            "state": run.state[1:],
            "factor_sign": self.factors.sign,
            "log10_factor": self.factors.log / TEN,
        }
        return {
            "lag": np.arange(self.sequence_length + 1),
            "sign": p.sign.astype(int),
            "log10_product": p.log10,
            "log10_bound": self.bound,
            **beside_lags(per_step, self.sequence_length, forward=self.direction == "on"),
        }

    # ---- pictures ----

    def library_code(self) -> str:
        source = ", source=0" if self.direction == "on" else ""
        return f"""from gradprod import ScalarRNN, gradient_product, make_input, readouts, unroll

cell = {cell_call(self.cell)}
inputs = {self.inputs_code()}
product = gradient_product(unroll(cell, inputs, {self.initial_state:.10g}){source})
print(product.log10, readouts(product, {self.threshold:.10g}))"""

    def curve(self) -> Curve:
        return Curve(self.result)

    @picture()
    def chart(self, style: Any) -> Figure:
        """The product against lag."""
        return self.product_chart(
            self.with_band(self.curve()),
            style,
            bound=self.bound if self.show_bound else None,
            factors=self.factors if self.show_factors else None,
            forward=self.direction == "on",
        )

    @picture(
        "side",
        title="Where you are",
        hint="Click to go there, or focus the map and use the arrow keys.",
        heights=(300, 300, 300),
        moves={"x": ("recurrent_weight", 0.1), "y": ("input_weight", 0.1)},
    )
    def map(self, style: Any) -> Figure:
        """What is left, over W_s and W_x."""
        at = (self.recurrent_weight, self.input_weight)
        length = min(int(self.sequence_length), MAP_STEPS)
        remark = _("over the first {steps}", steps=steps(length)) if length < self.sequence_length else ""
        return map_figure(self.regimes, style, length=length, position=at, remark=remark)

    # ---- claims ----

    @claim(
        4,
        "With 0 &lt; <i>W<sub>s</sub></i> &lt; 1 the product vanishes.",
        articles="000, 001",
        test={},
        applies=lambda m: m.reach < 1 and m.activation != "sigmoid",
    )
    def small_weight(self) -> Judgement:
        b, e = self._ends()
        if self.readout.verdict == "vanishes":
            why = _(
                "It does, for |<i>W<sub>s</sub></i>| below 1 of either sign, and often faster than "
                "|<i>W<sub>s</sub></i>| alone says: the bound allows {b}, the exact product is {e}.",
                b=b,
                e=e,
            )
            return Judgement("true", why)
        why = _(
            "It will, but over {steps} it has not yet: {e} is left.", steps=steps(self.sequence_length), e=e
        )
        return Judgement("partly", why)

    @claim(
        5,
        "When <i>W<sub>s</sub></i> is large the product goes to infinity.",
        articles="000, 001, 002",
        test={"recurrent_weight": 4.0, "initial_state": 0.001, "input": "zero", "direction": "on"},
        applies=lambda m: m.reach > 1 and m.activation != "sigmoid",
    )
    def large_weight(self) -> Judgement:
        b, e = self._ends()
        r = self.readout
        flat = int(np.count_nonzero(self.factors.log < 0))
        if self.activation == "linear":
            return Judgement("true", _("For the linear cell it does: {e} at the longest lag.", e=e))
        if r.verdict == "explodes":
            why = _(
                "It does while the state stays near 0, where the slope is largest: {e} after {steps}. "
                "Any input or bias ends that.",
                e=e,
                steps=steps(self.sequence_length),
            )
            return Judgement("true", why)
        rises = ""
        if r.peak_log10 > 1:
            rises = _("It grows to {p} at lag {lag}. ", p=number(r.peak_log10), lag=grouped(r.peak_lag))
        why = _(
            "Only the bound does: it allows {b}. {rises}The exact product is {e}: in {n} of {steps} the "
            "slope is so small that the factor is below 1.",
            b=b,
            e=e,
            rises=rises,
            n=grouped(flat),
            steps=steps(self.sequence_length),
        )
        return Judgement("false", why)

    @claim(
        6,
        "Many small factors: it is like 0.01<sup>50</sup>.",
        articles="001",
        test={"activation": "linear", "recurrent_weight": 0.01},
        applies=lambda m: m.activation == "linear" and m.reach < 0.1,
    )
    def like_a_power(self) -> Judgement:
        why = _(
            "As arithmetic: {w}<sup>{T}</sup> = {e}. The linear cell’s product is <i>W<sub>s</sub></i> to "
            "the power of the lag, exactly.",
            w=self._text("recurrent_weight"),
            T=self._text("sequence_length"),
            e=self._ends()[1],
        )
        return Judgement("exact" if self.activation == "linear" else "partly", why)

    @claim(
        30,
        "The slope of σ is at most ¼, so the gradient shrinks.",
        articles="004",
        test={"activation": "sigmoid", "recurrent_weight": 3.0},
        applies=lambda m: m.activation == "sigmoid",
    )
    def sigmoid_shrinks(self) -> Judgement:
        b, e = self._ends()
        if self.reach < 1:
            why = _(
                "It must while |<i>W<sub>s</sub></i>| is below 4: the bound allows {b}, the exact product is "
                "{e}.",
                b=b,
                e=e,
            )
            return Judgement("true", why)
        why = _(
            "At |<i>W<sub>s</sub></i>| = 4 the bound no longer shrinks: it allows {b}. The exact product is "
            "{e}.",
            b=b,
            e=e,
        )
        return Judgement("true" if self.readout.verdict == "vanishes" else "partly", why)

    @property
    def reach(self) -> float:
        """γ |W_s|: what the bound multiplies by at every step."""
        return float(self.cell.phi.slope_bound * abs(self.recurrent_weight))

    def _ends(self) -> tuple[str, str]:
        p = self.result
        return number(self.bound[-1]), number(p.log10[-1], sign=p.sign[-1])

    def _text(self, name: str) -> str:
        return type(self).controls()[name].text(getattr(self, name))
