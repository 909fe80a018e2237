"""Lesson 1: a gradient over three steps, every term of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradprod.analysis.partial_sums import terms_needed
from gradprod.bptt import term_formula
from gradprod.explorers.calls import cell_call
from gradprod.explorers.lessons.three_steps.net import LETTERS, THREE, UnrolledNet
from gradprod.explorers.model import (
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    Verdict,
    claim,
    diagram,
    panel,
)
from gradprod.explorers.reading import html_table, slip, tex_html
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.i18n import ngettext
from gradprod.words import (
    GLYPHS,
    MINUS,
    decimals,
    grouped,
    percent,
    rule_sentence,
    steps,
    value,
    verdict_name,
)

ONES = {
    "inputs": (1.0,),
    "sequence_length": 12,
    "recurrent_weight": 0.5,
    "initial_state": 0.0,
    "parameter": "input_weight",  # what the question is about
}
GROWING = {"sequence_length": 12, "recurrent_weight": 2.0}

SLIPS = (
    ("000, 001", "<i>L</i> = Σ L_t from <i>t</i> = 0", "from <i>t</i> = 1: there is no <i>O</i><sub>0</sub>"),
    ("000, 001", "X_t inside ∏<sub><i>j</i></sub>", "X_j, as the product runs over <i>j</i>"),
    ("000, 001", "o_i = σ(…)", "o_t = σ(…), the output gate at step <i>t</i>"),
    ("002", "∏ tanh′ · w_x", "∏ tanh′ · w_s"),
    ("002", "∂L_t/∂w_x in the third formula", "∂L_t/∂w_o: one term, no sum"),
    ("003", "L_t = (y_t − y_{t0})^2", "with ½, as here; without it every gradient is twice as large"),
    ("004", "∂L_t/∂W_{hh} = Σ …", "∂<i>L</i>/∂W_{hh}, of the whole loss"),
    ("004", "terms that end in the product, ∂h_t/∂h_k", "each ends in ∂<sup>+</sup>h_k/∂W_{hh}"),
    ("004", "y_t = W_{hy} + <i>b</i>", "W_{hy} h_t + <i>b</i>"),
)
"""Article, as printed, and right."""


class ThreeSteps(UnrolledNet):
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

    # ---- words ----

    def said(self, name: str) -> Callable[[float], str]:
        """How one gradient and its terms are said, wherever they stand."""
        of = self.shown[name]
        return _alike(of.values, of.gradient)

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
        name = self.long_range_weight
        terms = self.last_table[name]
        log = float(terms.product_log10[0])
        kind = "holds" if abs(log) <= 1 else "explodes" if log > 0 else "vanishes"
        product, oldest = value(float(terms.product[0])), self.said(name)(float(terms.values[0]))
        whole = self.said(name)(float(self.shown[name].gradient))
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
                of_terms = (
                    "the newest of {total} terms is within 1 %",
                    "the newest {n} of {total} terms are within 1 %",
                )
                of_losses = (
                    "the newest of {total} losses is within 1 %",
                    "the newest {n} of {total} losses are within 1 %",
                )
                words = of_terms if self.loss == "last" else of_losses
                how = ngettext(*words, count, n=grouped(count), total=grouped(total))
            rows.append(Readout(self._whole(name), self.said(name)(float(of.gradient)), how))
        return rows

    def table(self) -> Table:
        head = ["<i>t</i>", "<i>k</i>", _("product"), *(LETTERS[name] for name in THREE)]
        rows = []
        first = self.sequence_length if self.loss == "last" else 1
        said = {name: _alike(self.table_of_all[name].values[first - 1 :]) for name in THREE}
        for t in range(first, self.sequence_length + 1):
            for k in range(t, 0, -1):
                cells = [
                    said[name](float(self.table_of_all[name].values[t - 1, k - 1])) for name in THREE[1:]
                ]
                own = said["readout_weight"](float(self.table_of_all["readout_weight"].values[t - 1, 0]))
                product = self.table_of_all["input_weight"].product[t - 1, k - 1]
                rows.append([grouped(t), grouped(k), value(product), own if k == t else "", *cells])
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

    def library_code(self) -> str:
        call, extra = ("step_terms", "") if self.loss == "last" else ("all_terms", ".sum(axis=-1)")
        X, Y = self.over_steps(self.inputs).tolist(), self.over_steps(self.targets).tolist()
        return f"""from gradprod import Readout, ScalarRNN, {call}, unroll

cell = {cell_call(self.cell)}
run = unroll(cell, {X}, {self.initial_state:.10g})
readout = Readout(weight={self.readout_weight:.10g}, bias={self.readout_bias:.10g})
for name, terms in {call}(run, readout, {Y}).items():
    print(name, terms.values{extra}, terms.gradient)"""

    @diagram("Every term, as formula and as number")
    def every_term(self, style: Style) -> str:
        """The sums of the loss in focus, written out; of many terms, the formulas of one weight."""
        of, many = {name: self.step_table[name] for name in THREE}, self.t > 4
        said = {name: _alike(terms.values, terms.gradient) for name, terms in of.items()}
        terms = {
            name: {k: said[name](v) for k, v in zip(t.sources.tolist(), t.values.tolist(), strict=True)}
            for name, t in of.items()
        }
        sums = {name: f"<b>{said[name](float(t.gradient))}</b>" for name, t in of.items()}
        formulas = {
            name: {k: " ".join(filter(None, self._formula(name, k))) for k in terms[name]}
            for name in ([self.long_range_weight] if many else THREE)
        }
        if many:
            of_one = LETTERS[self.long_range_weight]
            head = ["<i>k</i>", _("the term of {weight}", weight=of_one), *(LETTERS[name] for name in THREE)]
            rows = [
                [str(k), formulas[self.long_range_weight][k], *(terms[name].get(k, "") for name in THREE)]
                for k in range(self.t, 0, -1)
            ]
            total = ["", f"<b>{_('sum')}</b>", *sums.values()]
            return html_table([*rows, total], head=head, left=1, lit=self.t - self.k)
        blocks = []
        for name in THREE:
            newest_first = sorted(terms[name], reverse=True)
            rows = [[formulas[name][k], f"<b>{terms[name][k]}</b>"] for k in newest_first]
            lit = newest_first.index(self.k) if name == self.parameter else -1
            whole = f"{self._whole(name, self.t)} = {sums[name]}"
            blocks.append(f"<div><h3>{whole}</h3>{html_table(rows, lit=lit)}</div>")
        return f'<div style="display:flex;flex-wrap:wrap;gap:12px 32px">{"".join(blocks)}</div>'

    @panel("The term in focus")
    def in_focus(self) -> str:
        """Its three factors apart, each as formula and number."""
        terms, i = self.term
        error, product, immediate = self._formula(self.parameter, self.k)
        factors = [
            (_("error signal"), error, terms.error_signal[0]),
            (_("× product"), product or _("none"), terms.product[i]),
            (_("× immediate partial"), immediate or "1", terms.immediate[i]),
            (_("= term"), "", terms.values[i]),
        ]
        if self.parameter == "readout_weight":
            factors.pop(1)
        rows = [[f"{name}<small>{how}</small>", f"<b>{value(float(v))}</b>"] for name, how, v in factors]
        where = _("from step {k} to the loss of step {t}", k=self.k, t=self.t)
        return f"<p>{self._whole(self.parameter, self.t)}, {where}</p>{html_table(rows)}"

    @panel("The gate reading")
    def gates(self) -> str:
        """Each product taken to be 1 or 0, beside the exact sum."""
        name = self.long_range_weight
        words = {
            "nearest": _("1 if at least ½, else 0"),
            "open": _("all 1: kept whole"),
            "shut": _("all 0: dropped whole"),
        }
        rows = [[_("exact"), f"<b>{self.said(name)(float(self.shown[name].gradient))}</b>", ""]]
        for reading, said in words.items():
            made = self.read_as_gates(reading)[name]
            off = _("{p} off", p=_off(float(made.error)))
            rows.append([said, f"<b>{self.said(name)(float(made.gradient))}</b>", off])
        told = _("Each product over one step or more in {whole} replaced:", whole=self._whole(name))
        return f"<p>{told}</p>{html_table(rows)}"

    @panel("Slips in print")
    def slips(self) -> str:
        """Formulas as they are printed in the articles, and right."""
        terms, lag = self.last_table["input_weight"], min(1, self.sequence_length - 1)
        told = {
            "with ½": _(
                "Here {n} for {whole}.",
                n=value(2 * float(self.shown["input_weight"].gradient)),
                whole=self._whole("input_weight"),
            )
        }
        if lag and self.activation == "linear":
            told["∏ tanh′ · w_s"] = _(
                "Over one step here {wrong} for {right}.",
                wrong=value(self.input_weight),
                right=value(float(terms.product[-2])),
            )
        return "".join(
            slip(printed, better, article, next((n for at, n in told.items() if better.startswith(at)), ""))
            for article, printed, better in SLIPS
        )

    # ---- claims ----

    @claim(
        1,
        "∂<i>L</i>/∂<i>W<sub>o</sub></i> has no long-range part, so it can’t explode.",
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
        if any((self.last_table[name].values[:-1] != 0).any() for name in THREE[1:]):
            return Judgement("true", why)
        why = _(
            "Here nothing comes from before the last step. It takes more than one step, "
            "<i>W<sub>s</sub></i> other than 0, an error at the end, and an input or state before it."
        )
        return Judgement("partly", why)

    @claim(
        9,
        "With gates the sum is as if each long-range term were kept whole or dropped whole.",
        articles="001",
        test={"reading": "nearest", "parameter": "input_weight"},
        applies=lambda m: m.reading != "none",
    )
    def kept_or_dropped(self) -> Judgement:
        name = self.long_range_weight
        made = self.read_as_gates("nearest")[name]
        error = float(made.error)
        why = _(
            "An idealisation. Each product read as 1 or 0, whichever is nearer, makes {whole} {read}; it is "
            "{exact}, so the reading is {off} off.",
            whole=self._whole(name),
            read=self.said(name)(float(made.gradient)),
            exact=self.said(name)(float(self.shown[name].gradient)),
            off=_off(error),
        )
        return Judgement("exact" if error < 1e-9 else "false" if error > 0.1 else "partly", why)


def _alike(*numbers: Any) -> Callable[[float], str]:
    """How to say numbers that are to be added up by eye: to the same place, where they are of one size.

    From 1000 on they have two digits, as everywhere.
    """
    largest = max(float(np.abs(n).max()) for n in numbers)
    if not 1e-2 <= largest < 999.5:
        return value
    places = max(0, 3 - int(np.floor(np.log10(largest))))
    every = np.concatenate([np.ravel(n) for n in numbers])
    if np.abs(every - np.round(every, 2)).max() <= 1e-9:  # 4, −2 and 0.5 need no zeros
        return lambda x: decimals(x, places) if abs(x) >= 10.0**-places else value(x)
    return lambda x: f"{x:.{places}f}".replace("-", MINUS) if abs(x) >= 10.0**-places else value(x)


def _off(error: float) -> str:
    """A relative error in words."""
    return "∞" if not np.isfinite(error) else percent(error) if error < 10 else _("{n} times", n=value(error))
