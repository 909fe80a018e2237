"""Lesson 1: a gradient over three steps, every term of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.approximations import GateReading, gate_reading
from gradprod.analysis.partial_sums import StepSums, step_sums, terms_needed
from gradprod.bptt import Readout as LinearReadout
from gradprod.bptt import Terms, all_terms, step_terms, term_formula
from gradprod.cells import ScalarRNN
from gradprod.explorers.controls import PICTURE, Choice, Numbers, Real, Whole
from gradprod.explorers.model import (
    Explorer,
    Figure,
    Judgement,
    Pointing,
    Prediction,
    Preset,
    Readout,
    Table,
    Verdict,
    cached,
    claim,
    diagram,
    panel,
    picture,
)
from gradprod.explorers.reading import tex_html
from gradprod.figures.diagrams import unrolled_net
from gradprod.figures.terms import Beside, gradient_terms
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.unroll import Trajectory, unroll
from gradprod.words import GLYPHS, decimals, grouped, percent, rule_sentence, steps, value, verdict_name

MOST = 12
LETTERS = {
    "readout_weight": "<i>W<sub>o</sub></i>",
    "input_weight": "<i>W<sub>x</sub></i>",
    "recurrent_weight": "<i>W<sub>s</sub></i>",
    "bias": "<i>b</i><sub>1</sub>",
    "readout_bias": "<i>b</i><sub>2</sub>",
}
THREE = ("readout_weight", "input_weight", "recurrent_weight")
READINGS = {"none": "exact alone", "nearest": "gates as near", "open": "gates → 1", "shut": "gates → 0"}
ONES = {"inputs": (1.0,), "sequence_length": 12, "recurrent_weight": 0.5, "initial_state": 0.0}
GROWING = {"sequence_length": 12, "recurrent_weight": 2.0}
WORK = "Inputs and targets"

SLIPS = (
    (
        "000, 001",
        "<i>L</i> = Σ <i>L<sub>t</sub></i> from <i>t</i> = 0",
        "from <i>t</i> = 1: there is no <i>O</i><sub>0</sub>",
        "",
    ),
    (
        "000, 001",
        "<i>X<sub>t</sub></i> inside ∏<sub><i>j</i></sub>",
        "<i>X<sub>j</sub></i>, as the product runs over <i>j</i>",
        "",
    ),
    (
        "000, 001",
        "<i>o<sub>i</sub></i> = σ(…)",
        "<i>o<sub>t</sub></i> = σ(…), the output gate at step <i>t</i>",
        "",
    ),
    ("002", "∏ tanh′ · <i>w<sub>x</sub></i>", "∏ tanh′ · <i>w<sub>s</sub></i>", "w_s"),
    (
        "002",
        "∂<i>L<sub>t</sub></i>/∂<i>w<sub>x</sub></i> in the third formula",
        "∂<i>L<sub>t</sub></i>/∂<i>w<sub>o</sub></i>: one term, no sum",
        "",
    ),
    (
        "003",
        "<i>L<sub>t</sub></i> = (<i>y<sub>t</sub></i> − <i>y</i><sub>t0</sub>)<sup>2</sup>",
        "with ½, as here; without it every gradient is twice as large",
        "½",
    ),
    (
        "004",
        "∂<i>L<sub>t</sub></i>/∂<i>W<sub>hh</sub></i> = Σ …",
        "∂<i>L</i>/∂<i>W<sub>hh</sub></i>, of the whole loss",
        "",
    ),
    (
        "004",
        "terms that end in the product, ∂<i>h<sub>t</sub></i>/∂<i>h<sub>k</sub></i>",
        "each ends in ∂<sup>+</sup><i>h<sub>k</sub></i>/∂<i>W<sub>hh</sub></i>",
        "",
    ),
    (
        "004",
        "<i>y<sub>t</sub></i> = <i>W<sub>hy</sub></i> + <i>b</i>",
        "<i>W<sub>hy</sub> h<sub>t</sub></i> + <i>b</i>",
        "",
    ),
)
"""Article, as printed, right, and what a number is told of."""

POINTING = Pointing(at=lambda m, part: m.focus_at(part), walk=lambda m, right, up: m.walk(right, up))


class ThreeSteps(Explorer):
    """Lesson 1: the terms of a gradient through time, one by one, and what they add up to."""

    number = 1
    title = "Three steps, every term"
    lead = (
        "A weight used at every step gets a term of the gradient from every step. Point at a term: its path "
        "lights up, and the numbers along the path multiply to it."
    )
    formula = (
        r"\frac{\partial L_t}{\partial W} = \sum_{k=1}^{t} \frac{\partial L_t}{\partial S_t}\,"
        r"\frac{\partial S_t}{\partial S_k}\, \frac{\partial^{+} S_k}{\partial W}"
    )
    formula_text = "∂L_t/∂W = Σ_k ∂L_t/∂S_t · ∂S_t/∂S_k · ∂⁺S_k/∂W, k = 1 … t"
    side = ("in_focus", "claims", "readouts", "...")
    readouts_title = "Gradients"

    recurrent_weight = Real(
        "W_s", "recurrent weight", 0.5, low=-4, high=4, ticks=(-4, -2, -1, 0, 1, 2, 4), live=True
    )
    input_weight = Real("W_x", "input weight", 1.0, low=-4, high=4, ticks=(-4, -2, 0, 2, 4), live=True)
    readout_weight = Real("W_o", "readout weight", 2.0, low=-4, high=4, ticks=(-4, -2, 0, 2, 4))
    sequence_length = Whole("T", "steps", 3, low=1, high=MOST, ticks=(1, 3, 6, 9, 12), live=True)
    activation = Choice(
        "φ", "Activation φ", "linear", {"linear": "linear", "tanh": "tanh", "sigmoid": "σ"}, key="phi"
    )
    loss = Choice(
        "",
        "Loss",
        "last",
        {
            "last": "<i>L<sub>T</sub></i>: last step",
            "all": "<i>L</i> = Σ<sub><i>t</i></sub> <i>L<sub>t</sub></i>",
        },
        key="loss",
    )
    inputs = Numbers(
        "X", "inputs", (1.0, -2.0, 2.0), low=-10, high=10, most=MOST, over="sequence_length", group=WORK
    )
    targets = Numbers("Y", "targets", (2.0,), low=-10, high=10, most=MOST, over="sequence_length", group=WORK)
    initial_state = Real("S_0", "initial state", 2.0, low=-4, high=4, slider=False, group=WORK)
    bias = Real("b_1", "bias", 0.0, low=-4, high=4, slider=False, group=WORK)
    readout_bias = Real("b_2", "readout bias", 0.0, low=-4, high=4, slider=False, group=WORK)

    parameter = Choice(
        "",
        "Weight in focus",
        "input_weight",
        {name: LETTERS[name] for name in THREE},
        key="by",
        look=True,
        group=PICTURE,
    )
    target = Whole(
        "t",
        "loss at step",
        3,
        low=1,
        high=MOST,
        slider=False,
        look=True,
        group=PICTURE,
        when=lambda m: m.loss == "all",
    )
    source = Whole(
        "k",
        "term from step",
        1,
        low=1,
        high=MOST,
        slider=False,
        look=True,
        group=PICTURE,
        when=lambda m: m.parameter != "readout_weight",
    )
    reading = Choice("", "Gate reading", "none", READINGS, key="gates", look=True, group=PICTURE)

    presets = (
        Preset("Three steps", title="1 + 3 + 3 terms, without an activation"),
        Preset("Through tanh", {"activation": "tanh"}, "every factor carries a slope"),
        Preset("Twelve steps", {"sequence_length": 12}, "the far terms fade"),
        Preset("No way back", {"recurrent_weight": 0.0}, "W_s = 0: only the step itself is left"),
        Preset("It grows", GROWING, "W_s = 2: the far terms are the large ones"),
        Preset("All losses", {"loss": "all"}, "each step has a loss, and each loss its terms"),
    )
    prediction = Prediction.count(
        "Twelve steps, every input is 1, <i>W<sub>s</sub></i> = 0.5, no activation. How many of the twelve "
        "terms of ∂<i>L</i><sub>12</sub>/∂<i>W<sub>x</sub></i>, the newest first, already make 99 % of it?",
        ONES,
        lambda m: float(terms_needed(m.last_table["input_weight"])),
        of=12,
        start=12,
        show="Show the terms",
    )

    # ---- what follows from the settings ----

    @property
    def cell(self) -> ScalarRNN:
        """The cell at these settings."""
        return ScalarRNN(
            activation=self.activation,
            recurrent_weight=self.recurrent_weight,
            input_weight=self.input_weight,
            bias=self.bias,
        )

    @property
    def linear_readout(self) -> LinearReadout:
        """O_t = W_o S_t + b_2."""
        return LinearReadout(weight=self.readout_weight, bias=self.readout_bias)

    def over_steps(self, numbers: Sequence[float]) -> NDArray[np.float64]:
        """One number for each step, repeated where fewer were given."""
        return np.resize(np.asarray(numbers, float), self.sequence_length)

    @cached
    def trajectory(self) -> Trajectory:
        """The run."""
        return unroll(self.cell, self.over_steps(self.inputs), self.initial_state)

    @cached
    def outputs(self) -> NDArray[np.float64]:
        """O_1 … O_T."""
        made: NDArray[np.float64] = self.readout_weight * self.trajectory.state[1:] + self.readout_bias
        return made

    @cached
    def losses(self) -> NDArray[np.float64]:
        """L_1 … L_T."""
        made: NDArray[np.float64] = 0.5 * (self.outputs - self.over_steps(self.targets)) ** 2
        return made

    @cached
    def table_of_all(self) -> dict[str, Terms]:
        """Every term of the summed loss, (t, k)."""
        return all_terms(self.trajectory, self.linear_readout, self.over_steps(self.targets))

    @cached
    def last_table(self) -> dict[str, Terms]:
        """Every term of the last loss."""
        return step_terms(self.trajectory, self.linear_readout, self.over_steps(self.targets))

    @property
    def step_table(self) -> dict[str, Terms]:
        """Every term of the loss in focus."""
        if self.t == self.sequence_length:
            return self.last_table
        return step_terms(self.trajectory, self.linear_readout, self.over_steps(self.targets), self.t)

    @cached
    def shown(self) -> Mapping[str, Terms | StepSums]:
        """The sums that are drawn: of the last loss term by term, or of all losses loss by loss."""
        if self.loss == "last":
            return self.last_table
        return {name: step_sums(terms) for name, terms in self.table_of_all.items()}

    @property
    def t(self) -> int:
        """Step of the loss in focus."""
        T = int(self.sequence_length)
        return T if self.loss == "last" else min(int(self.target), T)

    @property
    def k(self) -> int:
        """Source step of the term in focus."""
        return self.t if self.parameter == "readout_weight" else min(int(self.source), self.t)

    @property
    def _long_range(self) -> str:
        """The weight in focus; W_x where that is W_o, which has no long-range terms."""
        return "input_weight" if self.parameter == "readout_weight" else str(self.parameter)

    @property
    def term(self) -> tuple[Terms, int]:
        """The terms that the one in focus is among, and its place."""
        terms = self.step_table[self.parameter]
        return terms, int(np.flatnonzero(terms.sources == self.k)[0])

    def read_as_gates(self, reading: str) -> Mapping[str, GateReading]:
        """Every sum with each product over one step or more taken to be 1 or 0."""
        T, of = self.sequence_length, self.last_table if self.loss == "last" else self.table_of_all
        ends = T if self.loss == "last" else np.arange(1, T + 1)[:, None]
        taken: dict[str, Callable[[Terms], Any]] = {
            "nearest": lambda terms: None,
            "open": lambda terms: True,
            "shut": lambda terms: terms.sources == ends,
        }
        return {name: gate_reading(of[name], taken[reading](of[name])) for name in THREE}

    def settle(self, new: dict[str, Any], asked: frozenset[str]) -> dict[str, str]:
        T = new["sequence_length"]
        notes = {}
        limits = {"target": T}
        new["target"] = min(new["target"], T)
        limits["source"] = T if new["loss"] == "last" else new["target"]
        for name, most in limits.items():
            if name in asked and new[name] > most:
                notes[name] = _("There are {n} to choose from; it was set to the last.", n=steps(most))
            new[name] = min(new[name], most)
        return notes

    # ---- pointing at a term ----

    def focus_at(self, part: Any) -> Mapping[str, Any] | None:
        """What is in focus once a bar of the sums or a part of the net is pointed at."""
        if isinstance(part, str):
            return self._focus_in_net(part)
        kind, _dash, name = str(part.uid or "").partition("-")
        if name not in THREE:
            return None
        if kind != "terms":
            return {"parameter": name}
        step = int(self.shown[name].sources[::-1][part.index])
        return {"parameter": name, ("source" if self.loss == "last" else "target"): step}

    def _focus_in_net(self, name: str) -> Mapping[str, Any] | None:
        """X_k and its edge are terms of W_x, S_{k−1} and its edge to S_k of W_s, what is above S of W_o."""
        start, end = (name.split("-") * 2)[:2]
        row, step = start[0], int(start[1:])
        if row in "OL" or end[0] in "OL" or (row == "S" and step == self.sequence_length):
            at = int(end[1:])
            return {"parameter": "readout_weight"} | ({"target": at} if self.loss == "all" else {})
        parameter, k = ("input_weight", step) if row == "X" else ("recurrent_weight", step + 1)
        t = {"target": max(self.t, k)} if self.loss == "all" else {}
        return {"parameter": parameter, "source": k} | t

    def walk(self, right: int, up: int) -> Mapping[str, Any] | None:
        """Arrow keys: to the next bar on the right, which is an older one, or to the weight before."""
        if up:
            return {"parameter": THREE[(THREE.index(self.parameter) - up) % len(THREE)]}
        name, now, most = (
            ("source", self.k, self.t) if self.loss == "last" else ("target", self.t, self.sequence_length)
        )
        return {name: min(max(now - right, 1), most)}

    # ---- words ----

    def _whole(self, name: str, t: int | None = None) -> str:
        """∂L_t/∂W in letters; without t the loss that is shown."""
        index = f"<sub>{self.sequence_length if t is None else t}</sub>"
        return f"∂<i>L</i>{'' if t is None and self.loss == 'all' else index}/∂{LETTERS[name]}"

    def _formula(self, name: str, k: int) -> tuple[str, str, str]:
        """The three factors of a term of L_t; a long product by what it is."""
        parts = term_formula(self.cell, name, self.t, k)
        product = parts.product
        if self.t - k > 2 and self.activation != "linear":
            product = rf"∂S_{{{self.t}}}/∂S_{{{k}}}"
        return tex_html(parts.error_signal), tex_html(product), tex_html(parts.immediate)

    def verdict(self) -> Verdict:
        T = self.sequence_length
        name = self._long_range
        terms = self.last_table[name]
        log = float(terms.product_log10[0])
        kind = "holds" if abs(log) <= 1 else "explodes" if log > 0 else "vanishes"
        product, oldest = value(float(terms.product[0])), value(float(terms.values[0]))
        whole = value(float(self.shown[name].gradient))
        if self.loss == "all":
            sentence = _(
                "The loss of step {T} alone has {last} in {one}; the losses of all {steps} add up to "
                "{whole} = {sum}.",
                T=T,
                last=value(float(terms.gradient)),
                one=self._whole(name, T),
                steps=steps(T),
                whole=self._whole(name),
                sum=whole,
            )
        elif T == 1:
            sentence = _(
                "One step has one term, and nothing to multiply; {whole} = {sum}.",
                whole=self._whole(name),
                sum=whole,
            )
        else:
            sentence = _(
                "The product back to step 1 is {product}; the term from there is {term} in {whole} = {sum}.",
                product=product,
                term=oldest,
                whole=self._whole(name),
                sum=whole,
            )
        return Verdict(
            kind=kind, glyph=GLYPHS[kind], name=verdict_name(kind), sentence=sentence, rule=rule_sentence()
        )

    def readouts(self) -> Sequence[Readout]:
        rows = []
        for name in LETTERS:
            of = self.shown[name]
            count, total = int(terms_needed(of)), len(of.values)
            how = ""
            if 0 < count < total:
                unit = _("terms") if self.loss == "last" else _("losses")
                how = _(
                    "the newest {n} of {total} {what} are within 1 %",
                    n=grouped(count),
                    total=grouped(total),
                    what=unit,
                )
            rows.append(Readout(self._whole(name), value(float(of.gradient)), how))
        return rows

    def table(self) -> Table:
        head = ["<i>t</i>", "<i>k</i>", _("product"), *(LETTERS[name] for name in THREE)]
        rows = []
        first = self.sequence_length if self.loss == "last" else 1
        for t in range(first, self.sequence_length + 1):
            for k in range(t, 0, -1):
                cells = [self.table_of_all[name].values[t - 1, k - 1] for name in THREE[1:]]
                own = self.table_of_all["readout_weight"].values[t - 1, 0]
                product = self.table_of_all["input_weight"].product[t - 1, k - 1]
                rows.append(
                    [grouped(t), grouped(k), value(product), value(own) if k == t else ""]
                    + [value(float(v)) for v in cells]
                )
        return Table(head, rows)

    def columns(self) -> Mapping[str, Any]:
        T = self.sequence_length
        t, k = (index + 1 for index in np.tril_indices(T))
        of = self.table_of_all
        own = np.where(t == k, of["readout_weight"].values[t - 1, 0], np.nan)
        return {
            "t": t,
            "k": k,
            "error_signal": of["input_weight"].error_signal[t - 1, 0],
            "product": of["input_weight"].product[t - 1, k - 1],
            "term_readout_weight": own,
            **{
                f"term_{name}": of[name].values[t - 1, k - 1]
                for name in ("input_weight", "recurrent_weight", "bias")
            },
        }

    def code(self) -> str:
        call, extra = ("step_terms", "") if self.loss == "last" else ("all_terms", ".sum(axis=-1)")
        X, Y = self.over_steps(self.inputs).tolist(), self.over_steps(self.targets).tolist()
        return f"""{super().code()}

# or by the library alone
from gradprod import Readout, ScalarRNN, {call}, unroll

cell = ScalarRNN(
    activation={self.activation!r},
    recurrent_weight={self.recurrent_weight:.10g},
    input_weight={self.input_weight:.10g},
    bias={self.bias:.10g},
)
run = unroll(cell, {X}, {self.initial_state:.10g})
readout = Readout(weight={self.readout_weight:.10g}, bias={self.readout_bias:.10g})
for name, terms in {call}(run, readout, {Y}).items():
    print(name, terms.values{extra}, terms.gradient)"""

    # ---- pictures ----

    @diagram("The net unrolled over its steps", height=240, place="main", pointing=POINTING)
    def net(self, style: Style) -> str:
        """States, inputs, outputs and losses; the path of the term in focus."""
        terms, i = self.term
        t, k, name = self.t, self.k, self.parameter
        narrow = style.width < 480
        if narrow or style.presenting:
            style = replace(style, height=150 if narrow else 330)
        immediate = float(terms.immediate[i])
        labels = {
            f"O{t}-L{t}": (
                f"<i>e</i><sub>{t}</sub>",
                float(self.outputs[t - 1] - self.over_steps(self.targets)[t - 1]),
            )
        }
        last = {"readout_weight": f"S{t}-O{t}", "input_weight": f"X{k}-S{k}"}.get(name, f"S{k - 1}-S{k}")
        labels[last] = ("∂<sup>+</sup>", immediate)
        return unrolled_net(
            self.trajectory,
            style,
            outputs=self.outputs.tolist(),
            losses=None if narrow else self.losses.tolist(),
            weights=(self.input_weight, self.readout_weight),
            lit=(name, k),
            target=t,
            labels=labels,
        )

    def curve(self) -> Beside:
        return Beside(name=_("pinned"), values={name: self.shown[name].values for name in THREE}, kind="pin")

    @picture(
        title="The terms, added up",
        heights=(290, 280, 185),
        pointing=POINTING,
        hint="Arrow keys lead from term to term and from weight to weight.",
    )
    def chart(self, style: Style) -> Figure:
        """Every gradient as a staircase of its terms."""
        narrow = style.width < 480 and not style.presenting
        names = [self.parameter] if narrow else list(THREE)
        beside = list(self.pins)
        if self.reading != "none":
            axis = None if self.loss == "last" else -1
            read = {
                name: made.values if axis is None else made.values.sum(axis=axis)
                for name, made in self.read_as_gates(self.reading).items()
            }
            beside.append(Beside(name=_("gate reading"), values=read))
        focus = self.k if self.loss == "last" else self.t
        return gradient_terms(
            {name: self.shown[name] for name in names},
            style,
            lit=(self.parameter, focus),
            loss="∂<i>L</i>" if self.loss == "all" else f"∂<i>L</i><sub>{self.sequence_length}</sub>",
            index="k" if self.loss == "last" else "t",
            beside=beside,
            veil=self.veiled,
        )

    @diagram("Every term, as formula and as number")
    def every_term(self, style: Style) -> str:
        """The sums of the loss in focus, written out; of many terms, the formulas of one weight."""
        if self.t > 4:
            return self._long_table()
        blocks = []
        for name in THREE:
            terms = self.step_table[name]
            rows, say = [], _alike(terms.values, terms.gradient)
            for i in range(len(terms.values) - 1, -1, -1):
                k = int(terms.sources[i])
                text = " ".join(part for part in self._formula(name, k) if part)
                number = f"<b>{say(float(terms.values[i]))}</b>"
                lit = name == self.parameter and k == self.k
                mark = ' style="box-shadow:inset 4px 0 var(--you)"' if lit else ""
                rows.append(
                    f'<tr{mark}><td style="text-align:left;padding-left:10px">{text}</td>'
                    f"<td>{number}</td></tr>"
                )
            total = say(float(terms.gradient))
            head = f"{self._whole(name, self.t)} = <b>{total}</b>"
            blocks.append(f"<div><h3>{head}</h3><table>{''.join(rows)}</table></div>")
        return f'<div style="display:flex;flex-wrap:wrap;gap:12px 32px">{"".join(blocks)}</div>'

    def _long_table(self) -> str:
        of = {name: self.step_table[name] for name in THREE}
        said = {name: _alike(terms.values, terms.gradient) for name, terms in of.items()}
        head = "".join(f"<th>{LETTERS[name]}</th>" for name in THREE)
        rows = []
        for k in range(self.t, 0, -1):
            text = " ".join(part for part in self._formula(self._long_range, k) if part)
            at = {name: np.flatnonzero(terms.sources == k) for name, terms in of.items()}
            cells = "".join(
                f"<td>{said[name](float(of[name].values[i[0]])) if len(i) else ''}</td>"
                for name, i in at.items()
            )
            mark = ' style="box-shadow:inset 4px 0 var(--you)"' if k == self.k else ""
            rows.append(f'<tr{mark}><td>{k}</td><td style="text-align:left">{text}</td>{cells}</tr>')
        sums = "".join(f"<td><b>{said[name](float(terms.gradient))}</b></td>" for name, terms in of.items())
        rows.append(f"<tr><td></td><td><b>{_('sum')}</b></td>{sums}</tr>")
        term = _("the term of {weight}", weight=LETTERS[self._long_range])
        return (
            f'<table style="width:100%"><tr><th><i>k</i></th><th style="text-align:left">{term}</th>'
            f"{head}</tr>{''.join(rows)}</table>"
        )

    @panel("The term in focus")
    def in_focus(self) -> str:
        """Its three factors apart, each as formula and number."""
        terms, i = self.term
        error, product, immediate = self._formula(self.parameter, self.k)
        at_output = self.parameter == "readout_weight"
        rows = [
            (_("error signal"), error, float(terms.error_signal[0])),
            (_("× product"), product or _("none"), float(terms.product[i])),
            (_("× immediate partial"), immediate or "1", float(terms.immediate[i])),
            (_("= term"), "", float(terms.values[i])),
        ]
        if at_output:
            rows.pop(1)
        body = "".join(
            f'<tr><td style="text-align:left">{name}<small>{formula}</small></td>'
            f"<td><b>{value(number)}</b></td></tr>"
            for name, formula, number in rows
        )
        where = _("from step {k} to the loss of step {t}", k=self.k, t=self.t)
        return (
            f'<p>{self._whole(self.parameter, self.t)}, {where}</p><table style="width:100%">{body}</table>'
        )

    @panel("The gate reading")
    def gates(self) -> str:
        """Each product taken to be 1 or 0, beside the exact sum."""
        name = self._long_range
        exact = value(float(self.shown[name].gradient))
        rows = [f"<tr><td>{_('exact')}</td><td><b>{exact}</b></td><td></td></tr>"]
        words = {
            "nearest": _("1 if at least ½, else 0"),
            "open": _("all 1: kept whole"),
            "shut": _("all 0: dropped whole"),
        }
        for reading, said in words.items():
            made = self.read_as_gates(reading)[name]
            off = _("{p} off", p=_off(float(made.error)))
            rows.append(
                f"<tr><td>{said}</td><td><b>{value(float(made.gradient))}</b></td><td>{off}</td></tr>"
            )
        told = _("Each product over one step or more in {whole} replaced:", whole=self._whole(name))
        return f"<p>{told}</p><table>{''.join(rows)}</table>"

    @panel("Slips in print")
    def slips(self) -> str:
        """Formulas as they are printed in the articles, and right."""
        twice = 2 * float(self.shown["input_weight"].gradient)
        lag = 1 if self.sequence_length > 1 else 0
        wrong = self.input_weight**lag if self.activation == "linear" else None
        terms = self.last_table["input_weight"]
        right = float(terms.product[-1 - lag])
        effect = ""
        if lag and wrong is not None:
            effect = " " + _(
                "Over one step here {wrong} for {right}.", wrong=value(wrong), right=value(right)
            )
        told = {
            "w_s": effect,
            "½": _("Here {n} for {whole}.", n=value(twice), whole=self._whole("input_weight")),
        }
        rows = "".join(
            f'<p style="margin-top:6px">✗ {_(printed)}<br>✓ {_(better)}. '
            f"{told.get(key, '')} "
            f"<small>{_('article {n}', n=article)}</small></p>"
            for article, printed, better, key in SLIPS
        )
        return rows

    # ---- claims ----

    @claim(
        1,
        "∂<i>L</i>/∂<i>W<sub>o</sub></i> has no long-range part, so it can't explode.",
        articles="000, 001, 002",
        test={**GROWING, "parameter": "readout_weight"},
        applies=lambda m: m.parameter == "readout_weight",
    )
    def no_long_range(self) -> Judgement:
        T = self.sequence_length
        last, first = (float(abs(self.trajectory.state[i])) for i in (-1, 1))
        gradient = value(float(self.last_table["readout_weight"].gradient))
        grown = self.activation == "linear" and last > 10 * max(first, 0.1)
        why = _(
            "One term, and no product in it: true. But it carries <i>S<sub>t</sub></i> itself, which is "
            "{last} after {steps} where it was {first} after one, so {whole} = {gradient}.",
            whole=self._whole("readout_weight", T),
            last=value(last),
            first=value(first),
            steps=steps(T),
            gradient=gradient,
        )
        if grown:
            return Judgement("partly", why)
        why = _(
            "One term, and no product in it: {whole} = {gradient}. It can grow only as <i>S<sub>t</sub></i> "
            "does, and that is {last} here.",
            whole=self._whole("readout_weight", T),
            gradient=gradient,
            last=value(last),
        )
        return Judgement("true", why)

    @claim(
        2,
        "∂<i>L</i>/∂<i>W<sub>x</sub></i> and ∂<i>L</i>/∂<i>W<sub>s</sub></i> have long-range terms, since "
        "<i>S<sub>t</sub></i> is itself a function of both.",
        articles="000, 001",
        test={},
    )
    def long_range(self) -> Judgement:
        said = []
        for name in THREE[1:]:
            size = np.abs(self.last_table[name].values)
            share = float(size[:-1].sum() / size.sum()) if size.sum() > 0 else 0.0
            said.append(
                _("{share} of {whole}", share=percent(share), whole=self._whole(name, self.sequence_length))
            )
        why = _(
            "One term from each of {steps}; in size, earlier steps than the last make up {said}.",
            steps=steps(self.sequence_length),
            said=_(" and ").join(said),
        )
        reach = any((self.last_table[name].values[:-1] != 0).any() for name in THREE[1:])
        return Judgement("true" if reach else "partly", why)

    @claim(
        9,
        "With gates the sum is as if each long-range term were kept whole or dropped whole.",
        articles="001",
        test={"reading": "nearest", "parameter": "input_weight"},
        applies=lambda m: m.reading != "none",
    )
    def kept_or_dropped(self) -> Judgement:
        name = self._long_range
        made = self.read_as_gates("nearest")[name]
        error = float(made.error)
        why = _(
            "An idealisation. Each product read as 1 or 0, whichever is nearer, makes {whole} {read}; it is "
            "{exact}, so the reading is {off} off.",
            whole=self._whole(name),
            read=value(float(made.gradient)),
            exact=value(float(self.shown[name].gradient)),
            off=_off(error),
        )
        return Judgement("exact" if error < 1e-9 else "false" if error > 0.1 else "partly", why)


def _alike(*numbers: Any) -> Callable[[float], str]:
    """How to say numbers that are to be added up by eye: to the same place, where they are of one size."""
    largest = max(float(np.abs(n).max()) for n in numbers)
    if not 1e-2 <= largest < 1e4:
        return value
    places = max(0, 3 - int(np.floor(np.log10(largest))))
    return lambda x: decimals(x, places) if abs(x) >= 10.0**-places else value(x)


def _off(error: float) -> str:
    """A relative error in words."""
    return "∞" if not np.isfinite(error) else percent(error) if error < 10 else _("{n} times", n=value(error))
