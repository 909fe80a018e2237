"""Lesson 6: the LSTM: what its forget gate keeps, and what its other paths do to that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradprod.activations import SIGMOID
from gradprod.analysis.initialisation import forget_bias_for
from gradprod.analysis.memory import memory_time
from gradprod.analysis.terms import cell_slope, term_bounds
from gradprod.explorers.calls import cell_call
from gradprod.explorers.lessons.lstm.run import BLOCKS, GATES, INPUT, PEEPHOLES, RECURRENT, LSTMRun
from gradprod.explorers.model import Judgement, Prediction, Preset, Readout, Table, claim, panel
from gradprod.explorers.products import beside_lags
from gradprod.explorers.reading import chaos, half_life, lag_table, memory, rate, signed, slip
from gradprod.i18n import gettext as _
from gradprod.words import decimals, factor, grouped, number, steps, value

EXPLODES = {
    "input_gate_recurrent_weight": -3.0,
    "forget_recurrent_weight": 3.0,
    "output_gate_recurrent_weight": -3.0,
    "candidate_recurrent_weight": -6.0,
    "input_gate_bias": 3.0,
    "forget_bias": -2.0,
    "output_gate_bias": 1.0,
    "candidate_bias": -1.0,
    **{f"{gate}_weight": 0.0 for gate in GATES},
    "input": "zero",
    "sequence_length": 10_000,
}
"""A scalar LSTM whose product grows for ever."""

KERAS = {"forget_bias": 1.0, "sequence_length": 50, "input": "noise"}
"""Keras' default: the forget bias starts at 1, every other bias at 0."""

PEEPING = {"peepholes": True, "forget_peephole": -2.0, "input_gate_peephole": 2.0}
GATE_ALONE = {**{f"{gate}_recurrent_weight": 0.0 for gate in GATES}, "forget_weight": 0.0}


class LSTM(LSTMRun):
    """Lesson 6: four quantities that are called ∂c_t/∂c_k, on one axis."""

    number = 6
    title = "LSTM"
    lead = (
        "Four different things are written ∂<i>c<sub>t</sub></i>/∂<i>c<sub>k</sub></i>. Drag the forget bias "
        "and see when the product of the forget gates tells the truth."
    )
    formula = (
        r"c_t = f_t c_{t-1} + i_t \hat c_t, \qquad \frac{dc_t}{dc_{t-1}} = "
        r"f_t + c_{t-1}\partial f_t + \hat c_t\,\partial i_t + i_t\,\partial\hat c_t"
    )
    formula_text = "c_t = f_t c_{t−1} + i_t ĉ_t; dc_t/dc_{t−1} = f_t + c_{t−1} ∂f_t + ĉ_t ∂i_t + i_t ∂ĉ_t"
    folded = (RECURRENT, INPUT, PEEPHOLES)

    presets = (
        Preset("Typical"),
        Preset("Open", {"forget_bias": 5.0, "sequence_length": 1000}, "f = 0.993"),
        Preset("Shut", {"forget_bias": -4.0}),
        Preset("Keras’ default", KERAS, "Why does my LSTM forget in 20 steps?"),
        Preset("Peepholes", {**PEEPING, "show_total": True}),
        Preset("Explodes for ever", EXPLODES, "+0.30 nats a step, with no input at all"),
        Preset("10\u202f000 steps", {**GATE_ALONE, "forget_bias": 5.0, "sequence_length": 10000}),
    )
    prediction = Prediction.powers_of_ten(
        "A forget bias of 3 means <i>f</i> = 0.953 when nothing else speaks. Going back 1000 steps along "
        "such gates, what is left of the gradient?",
        {**GATE_ALONE, "forget_bias": 3.0, "sequence_length": 1000},
        lambda m: m.readout.left_log10,
        reach=40,
        start=-3,
    )

    # ---- words ----

    def readouts(self) -> Sequence[Readout]:
        f = self.trajectory.gates["f"]
        off = abs(self.result.log10[-1] - self.called["forget"].log10[-1])
        spread = _("mean; {low} … {high}", low=factor(float(f.min())), high=factor(float(f.max())))
        return [
            rate(self.readout),
            half_life(self.readout),
            memory(self.readout, self.sequence_length, self.threshold),
            *chaos(self.horizon),
            Readout(_("Forget gate"), factor(float(f.mean())), spread),
            Readout(
                _("Memory time by b<sub>f</sub> alone"),
                steps(float(memory_time(self.forget_bias))),
                "−1/ln σ(<i>b<sub>f</sub></i>)",
            ),
            Readout(
                _("∏ <i>f</i> is off by"), _("{n} powers of ten", n=decimals(off, 1)), _("at the longest lag")
            ),
        ]

    def table(self) -> Table:
        names = {
            "partial": _("exact partial"),
            "total": _("exact total"),
            "forget": "∏ <i>f</i>",
            "four_terms": _("∏ four terms"),
        }
        return lag_table({said: self.called[name] for name, said in names.items()})

    def columns(self) -> Mapping[str, Any]:
        run, T = self.trajectory, self.sequence_length
        gates = {gate: run.gates[gate] for gate in ("f", "i", "o", "candidate")}
        return {
            "lag": np.arange(T + 1),
            **{f"log10_{name}": p.log10 for name, p in self.blocks.items()},
            **{f"sign_{name}": p.sign.astype(int) for name, p in self.blocks.items()},
            "log10_total": self.called["total"].log10,
            "log10_product_f": self.called["forget"].log10,
            "log10_product_four_terms": self.called["four_terms"].log10,
            **beside_lags({**gates, **{part: state[1:] for part, state in run.states.items()}}, T),
        }

    def library_code(self) -> str:
        return f"""from gradprod import ScalarLSTM, block, make_input, matrix_product, readouts, unroll

cell = {cell_call(self.cell)}
run = unroll(cell, {self.inputs_code()})
product = block(matrix_product(run), "cc")
print(product.log10, readouts(product))"""

    @panel("Why does it forget?")
    def why(self) -> str | None:
        """How far the forget gates alone reach, and which bias would reach farther."""
        if self.veiled or self.readout.memory_at_least:
            return None
        reach = math.floor(math.log(100) * float(memory_time(self.forget_bias)))
        T = self.sequence_length
        told = _(
            "A forget bias of {b} alone makes <i>f</i> = {f}, which keeps 1 % for {reach}. This run keeps "
            "1 % for {memory}. ",
            b=value(self.forget_bias),
            f=factor(float(SIGMOID.value(np.asarray(self.forget_bias)))),
            reach=steps(reach),
            memory=steps(self.readout.effective_memory),
        )
        needed = T / math.log(100)
        told += _(
            "To keep 1 % over all {T} by the gates alone takes <i>b<sub>f</sub></i> = {need}.",
            T=steps(T),
            need=decimals(float(forget_bias_for(needed)), 1),
        )
        return f"<p>{told}</p>"

    @panel("Slips in print")
    def slips(self) -> str | None:
        """Formulas of article 004, put right."""
        if self.veiled:
            return None
        at = self.step
        here = _(
            "Here <i>h</i><sub>{s}</sub> = {h} goes into step {t}.",
            s=grouped(at - 1),
            t=grouped(at),
            h=value(float(self.trajectory.states["h"][at - 1])),
        )
        before = "<sub><i>t</i>−1</sub>"
        return slip(
            "W_{hc} h_{t_1} in the candidate",
            f"W_{{hc}} <i>h</i>{before}, the state one step before",
            "004",
            here,
        ) + slip(
            f"W_{{ci}} <i>c</i>{before} in a gate, W_{{ci}} a whole matrix",
            f"<i>p<sub>i</sub></i> ⊙ <i>c</i>{before} in common use: one weight a unit",
            "004",
            _("With one unit, as here, both are the same; the library’s VectorLSTM takes either."),
        )

    # ---- claims ----

    @claim(
        11,
        "The forget gate is the key one.",
        articles="001",
        test={"forget_weight": 2.0, "forget_bias": 2.0, "below": "ablation"},
    )
    def forget_gate_is_key(self) -> Judgement:
        here = self.readout.left_log10
        off = {gate: abs(a.readouts.left_log10 - here) for gate, a in self.frozen.items()}
        told = ", ".join(
            _("{gate} {n}", gate=_(GATES[g]), n=decimals(v, 1)) for g, v in off.items() if v == v
        )
        most = max(off, key=lambda g: off[g] if off[g] == off[g] else -1.0)
        if not off[most] > 0.05:
            why = _(
                "Each gate is the same at every step here, or nearly: freezing one at its mean changes "
                "nothing, so nothing tells which matters. The mean of <i>f</i> is what decides."
            )
            return Judgement("partly", why)
        why = _(
            "Frozen at its mean, each moves what is left by so many powers of ten: {told}. Here the {most} "
            "matters most; but freezing keeps its mean, and the mean of <i>f</i> is what decides.",
            told=told,
            most=_(GATES[most]),
        )
        return Judgement("true" if most == "forget" else "partly", why)

    @claim(
        14,
        "<i>c</i> changes slowly, <i>h</i> a lot.",
        articles="002",
        test={"forget_bias": 0.0, "below": "gates"},
    )
    def slow_c_fast_h(self) -> Judgement:
        c, h = self.relative_steps
        why = _(
            "At this forget bias, 64 units on white noise: the relative step is {c} of <i>c</i> and {h} of "
            "<i>h</i>. It takes a forget bias of about 3.",
            c=decimals(c, 2),
            h=decimals(h, 2),
        )
        return Judgement("true" if h > 2 * c else "false", why)

    @claim(
        15,
        "Only the path from <i>c</i> to <i>c</i> is cured; the other paths vanish.",
        articles="002",
        test={"forget_bias": 4.0, "show_blocks": True},
    )
    def other_paths(self) -> Judgement:
        told = ", ".join(f"{BLOCKS[of]} {number(float(p.log10[-1]))}" for of, p in self.blocks.items())
        why = _(
            "At the longest lag: {told}. Every path that starts in <i>h</i> or ends there runs along "
            "<i>c</i> between: all four share one long-run rate, and differ by how they enter and leave.",
            told=told,
        )
        return Judgement("partly", why)

    @claim(
        21, "Studying <i>c</i> is as good as studying <i>h</i>.", articles="003", test={"show_total": True}
    )
    def c_for_h(self) -> Judgement:
        why = _(
            "The state is (<i>h</i>, <i>c</i>). Over {T}: ∂<i>c</i>/∂<i>c</i> {cc}, ∂<i>h</i>/∂<i>h</i> "
            "{hh}; neither is the whole 2 × 2 product.",
            T=steps(self.sequence_length),
            cc=signed(self.result),
            hh=signed(self.blocks["hh"]),
        )
        return Judgement("false", why)

    @claim(
        22, "The three other terms are minor, each with more gates.", articles="003", test={"below": "terms"}
    )
    def minor_terms(self) -> Judgement:
        U = {g: abs(getattr(self, f"{g}_recurrent_weight")) for g in ("forget", "input_gate", "candidate")}
        if self.terms is None:
            return Judgement("partly", _("One step has no earlier <i>h</i>: only <i>f</i> is there."))
        sizes = {name: float(np.abs(v).max()) for name, v in self.terms.terms.items()}
        keep = float(np.abs(self.terms.terms["keep"]).mean())
        others = max(v for name, v in sizes.items() if name != "keep")
        told = _(
            "<i>f</i> is {f} on average, the largest of the others {o}. ", f=factor(keep), o=value(others)
        )
        if not self.peepholes:
            b = term_bounds(self.cell)
            told += _(
                "They depend on U and are not alike: at most 0.112 |<i>U<sub>f</sub></i>| = {f}, ¼ "
                "|<i>U<sub>i</sub></i>| = {i}, 1 · |<i>U<sub>c</sub></i>| = {c}.",
                f=value(float(b["forget_gate"])),
                i=value(float(b["input_gate"])),
                c=value(float(b["candidate"])),
            )
        return Judgement("true" if others < 0.25 * keep and max(U.values()) < 4 else "partly", told)

    @claim(
        23,
        "|<i>c</i> (1 − tanh² <i>c</i>)| &lt; 0.45.",
        articles="003",
        test={"below": "slope", "forget_bias": 3.0, "candidate_weight": 2.0},
    )
    def below_045(self) -> Judgement:
        found = cell_slope(self.trajectory)
        why = _(
            "Its largest value is 0.4477, at <i>c</i> = 0.7717; this run comes to {top}, at step {t}.",
            top=decimals(float(found.largest), 4),
            t=grouped(int(found.step)),
        )
        return Judgement("true", why)

    @claim(
        24,
        "The risk of explosion is small since <i>f</i> &lt; 1; but an exploding LSTM can be built.",
        articles="003",
        test=EXPLODES,
    )
    def can_explode(self) -> Judgement:
        r = self.readout
        why = _(
            "Here the product goes by {rate} nats a step, to {left}; <i>f</i> is never above {f}.",
            rate=decimals(r.rate, 2) if math.isfinite(r.rate) else "–",
            left=signed(self.result),
            f=factor(float(self.trajectory.gates["f"].max())),
        )
        return Judgement("true", why)

    @claim(
        28,
        "Over thousands of steps it still vanishes.",
        articles="003",
        test={**GATE_ALONE, "forget_bias": 3.0, "sequence_length": 1000},
    )
    def thousands_of_steps(self) -> Judgement:
        log = float(math.log10(SIGMOID.value(np.asarray(self.forget_bias))))
        why = _(
            "By this forget bias alone: <i>f</i><sup>1000</sup> = {a}, <i>f</i><sup>10000</sup> = {b}. Here "
            "{left} is left after {T}.",
            a=number(1000 * log),
            b=number(10000 * log),
            left=signed(self.result),
            T=steps(self.sequence_length),
        )
        return Judgement("true" if 1000 * log < -1 else "partly", why)

    @claim(
        33,
        "With peepholes, ∂<i>c<sub>t</sub></i>/∂<i>c<sub>t−1</sub></i> = <i>f<sub>t</sub></i>.",
        articles="004",
        test=PEEPING,
        applies=lambda m: m.peepholes,
    )
    def peephole_partial(self) -> Judgement:
        f, exact = self.trajectory.gates["f"][-1], self.result
        lag1 = float(exact.sign[1] * 10 ** exact.log10[1])
        why = _(
            "At the last step <i>f</i> = {f}, and the exact partial with <i>h</i> held is {exact} = <i>f</i> "
            "+ <i>c f</i>(1 − <i>f</i>)<i>p<sub>f</sub></i> + <i>ĉ i</i>(1 − <i>i</i>)<i>p<sub>i</sub></i>.",
            f=factor(float(f)),
            exact=factor(lag1),
        )
        if abs(lag1 - f) < 1e-12:
            return Judgement(
                "exact", _("Without peepholes it is, with <i>h</i> held: {f}.", f=factor(float(f)))
            )
        return Judgement("false", why)

    @claim(
        34,
        "Depth now mainly hurts the gates’ own learning.",
        articles="004",
        test={**GATE_ALONE, "forget_bias": 5.0, "sequence_length": 1000},
    )
    def gates_learn_slowly(self) -> Judgement:
        f = float(self.trajectory.gates["f"].mean())
        slope = float(SIGMOID.slope(self.trajectory.pre_activations["f"]).mean())
        why = _(
            "A true core: the gate’s slope <i>f</i>(1 − <i>f</i>) is {s} where <i>f</i> is {f}. Long memory "
            "costs the gate its plasticity.",
            s=value(slope),
            f=factor(f),
        )
        return Judgement("true" if slope < 0.05 else "partly", why)
