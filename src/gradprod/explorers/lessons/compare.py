"""Lesson 11: any cells side by side on one input; the reader's own joins in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from gradprod.analysis.own_cell import Step, diagonal_recurrence, leaky_rnn, own_cell
from gradprod.analysis.readouts import Readouts, readouts
from gradprod.cells import GatedCell, ScalarGRU, ScalarLSTM, ScalarMinGRU, ScalarRNN
from gradprod.explorers.controls import PICTURE, Choice, Layer, Real
from gradprod.explorers.model import (
    Figure,
    Prediction,
    Preset,
    Readout,
    Table,
    Verdict,
    cached,
    panel,
    picture,
    table_lags,
)
from gradprod.explorers.reading import memory, signed
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.products import LogProduct, block, gradient_product, matrix_product
from gradprod.unroll import unroll
from gradprod.words import GLYPHS, factor, grouped, steps

THRESHOLD = 0.01
RATES = (1.0, 0.9, 0.5)
"""The diagonal recurrence's rates, as multiples of its λ."""

NAMES = {
    "plain": "plain",
    "gated": "gated",
    "lstm": "LSTM",
    "gru": "GRU",
    "mingru": "minGRU",
    "leaky": "leaky RNN",
    "diagonal": "diagonal recurrence",
}
COLOURS = {"leaky": "plain", "diagonal": "plain"}


class Compare(SequenceExplorer):
    """Lesson 11: who still remembers.

    Parameters
    ----------
    own : callable, optional
        A cell of the reader's own, ``step(state, x) -> state``, as `gradprod.own_cell` takes it.
    own_name : str, optional
        What it is called.
    own_state : array_like, optional
        Its state at step 0, which sets its width.
    **settings
        Controls by name.
    """

    number = 11
    title = "Compare"
    lead = (
        "All cells run on the same input and share one axis. Press the cells that you want, move their "
        "gates, and see who still remembers."
    )
    formula = r"\left|\frac{\partial\,\mathrm{state}_t}{\partial\,\mathrm{state}_k}\right|"
    formula_text = "|∂state_t/∂state_k|"
    readouts_title = "Longest and shortest"
    side = ("ranking", "readouts")

    recurrent_weight = Real(
        "W_s", "plain and leaky", 0.9, low=-4, high=4, ticks=(-4, -2, -1, 0, 1, 2, 4), live=True
    )
    forget_bias = Real("b_f", "gated and LSTM", 2.0, low=-8, high=8, ticks=(-8, -4, 0, 4, 8), live=True)
    update_bias = Real("b_z", "GRU and minGRU", -2.0, low=-8, high=8, ticks=(-8, -4, 0, 4, 8))
    leak = Real("a", "leak of the leaky RNN", 0.1, low=0, high=1, slider=False)
    rate = Real("λ", "largest rate, diagonal", 0.99, low=-1.2, high=1.2, slider=False, key="rate")
    show_plain = Layer("plain", "plain", True)
    show_gated = Layer("gated", "gated", True)
    show_lstm = Layer("lstm", "LSTM", True)
    show_gru = Layer("gru", "GRU", True)
    show_mingru = Layer("mingru", "minGRU")
    show_leaky = Layer("leaky", "leaky RNN")
    show_diagonal = Layer("diagonal", "diagonal recurrence")
    order = Choice(
        "", "Order", "listed", {"listed": "as listed", "memory": "by memory"}, key="order", group=PICTURE
    )

    presets = (
        Preset("Typical"),
        Preset("Gates open", {"forget_bias": 6.0, "update_bias": -6.0, "sequence_length": 500}),
        Preset("Gates shut", {"forget_bias": -4.0, "update_bias": 4.0}),
        Preset(
            "Hard drive", {"recurrent_weight": 2.0, "input": "noise", "forget_bias": 4.0, "update_bias": -4.0}
        ),
        Preset("At rest", {"input": "zero", "recurrent_weight": 1.0}),
    )
    prediction = Prediction.powers_of_ten(
        "All gates are opened: <i>b<sub>f</sub></i> = 6, <i>b<sub>z</sub></i> = −6. After 500 steps, "
        "what is left of the <em>simplified gated</em> cell, whose state goes through tanh?",
        {"forget_bias": 6.0, "update_bias": -6.0, "sequence_length": 500},
        lambda m: float(m.products["gated"].log10[-1]),
        reach=200,
        start=-1,
    )

    def __init__(
        self, *, own: Step | None = None, own_name: str = "own cell", own_state: Any = 0.0, **settings: Any
    ) -> None:
        self.own, self.own_name, self.own_state = own, own_name, own_state
        super().__init__(**settings)

    # ---- what follows from the settings ----

    def _product(self, name: str) -> LogProduct:
        x = self.inputs
        if name == "own" and self.own is not None:
            return own_cell(self.own, x, self.own_state).product
        if name == "leaky":
            return own_cell(leaky_rnn(self.leak, self.recurrent_weight, 0.5), x).product
        if name == "diagonal":
            rates = self.rate * np.asarray(RATES)
            return own_cell(diagonal_recurrence(rates), x, np.zeros(len(rates))).product
        if name == "lstm":
            whole = block(matrix_product(unroll(ScalarLSTM(forget_bias=self.forget_bias), x)), "cc")
            assert isinstance(whole, LogProduct)
            return whole
        cells: dict[str, Callable[[], Any]] = {
            "plain": lambda: ScalarRNN(recurrent_weight=self.recurrent_weight),
            "gated": lambda: GatedCell(forget_bias=self.forget_bias),
            "gru": lambda: ScalarGRU(update_bias=self.update_bias),
            "mingru": lambda: ScalarMinGRU(update_bias=self.update_bias),
        }
        return gradient_product(unroll(cells[name](), x))

    @cached
    def _computed(self) -> dict[str, LogProduct]:
        return {}

    @property
    def products(self) -> dict[str, LogProduct]:
        """The products of the cells that are shown, each computed once for these settings."""
        shown = [name for name in NAMES if getattr(self, f"show_{name}")] or ["plain"]
        if self.own is not None:
            shown.append("own")
        if self.veiled or self.stage == "done":
            shown = list(dict.fromkeys(["gated", *shown]))
        kept = self._computed
        for name in shown:
            if name not in kept:
                kept[name] = self._product(name)
        found = {name: kept[name] for name in shown}
        if self.order == "memory":
            read = {name: readouts(product, THRESHOLD) for name, product in found.items()}
            ranked = sorted(found, key=lambda name: _rank(read[name]), reverse=True)
            return {name: found[name] for name in ranked}
        return found

    @property
    def read(self) -> dict[str, Readouts]:
        """Readouts of those products."""
        return {name: readouts(product, THRESHOLD) for name, product in self.products.items()}

    def name_of(self, name: str) -> str:
        """The cell's name on the page."""
        return escape(self.own_name) if name == "own" else _(NAMES[name])

    # ---- words ----

    def verdict(self) -> Verdict:
        read = self.read
        best = max(read, key=lambda name: _rank(read[name]))
        worst = min(read, key=lambda name: _rank(read[name]))
        rule = _("Rule: a cell remembers a lag while at least 1 % is left.")
        if len(read) == 1:
            sentence = _("Remembers 1 % for {memory}.", memory=self._memory(read[best]))
        else:
            sentence = _(
                "Remembers longest, 1 % for {memory}; {other} for {shortest}.",
                memory=self._memory(read[best]),
                other=self.name_of(worst),
                shortest=self._memory(read[worst]),
            )
        return Verdict(
            kind="plain",
            name=self.name_of(best),
            sentence=sentence,
            rule=rule,
        )

    def _memory(self, r: Readouts) -> str:
        if r.memory_at_least:
            return _("at least {steps}", steps=steps(self.sequence_length))
        return steps(r.effective_memory)

    def readouts(self) -> Sequence[Readout]:
        read = self.read
        ranked = sorted(read, key=lambda name: _rank(read[name]))
        rows = [memory(read[ranked[-1]], self.sequence_length, THRESHOLD, self.name_of(ranked[-1]))]
        if len(ranked) > 1:
            rows.append(memory(read[ranked[0]], self.sequence_length, THRESHOLD, self.name_of(ranked[0])))
        return rows

    @panel("Who remembers")
    def ranking(self) -> str:
        """A table of readouts, a row a cell."""
        rows = ""
        for name, r in self.read.items():
            rate = factor(r.rate_factor) if math.isfinite(r.rate) else "–"
            rows += (
                f"<tr><td>{self.name_of(name)}</td><td>×\u00a0{rate}</td><td>{self._memory(r)}</td>"
                f"<td>{GLYPHS[r.verdict]}\u00a0{signed(self.products[name])}</td></tr>"
            )
        head = "".join(f"<th>{t}</th>" for t in ("", _("per step"), _("memory"), _("left")))
        return (
            f'<div class="tablebox"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        )

    def table(self) -> Table:
        products = self.products
        rows = [
            [grouped(lag), *(signed(p, lag) for p in products.values())]
            for lag in table_lags(self.sequence_length)
        ]
        return Table([_("lag <i>t − k</i>"), *(self.name_of(name) for name in products)], rows)

    def columns(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {"lag": np.arange(self.sequence_length + 1)}
        for name, p in self.products.items():
            found |= {f"log10_{name}": p.log10, f"sign_{name}": p.sign.astype(int)}
        return found

    def code(self) -> str:
        return f"""{super().code()}

# with a cell of your own: step(state, x) -> state, for instance
#     Compare(own=lambda h, x: 0.95 * h + np.tanh(0.1 * h + x), own_name="mine")"""

    # ---- picture ----

    @picture()
    def chart(self, style: Style) -> Figure:
        """All products on one axis."""
        curves = [
            Curve(p, name=self.name_of(name), cell=COLOURS.get(name, "plain" if name == "own" else name))
            for name, p in self.products.items()
        ]
        if self.veiled:
            curves = curves[:1]
        return product_curve(
            curves,
            style,
            prediction=self.prediction_shown,
            veil=self.veiled,
            pins=self.pins,
            quantity=_("|∂state<sub><i>t</i></sub>/∂state<sub><i>k</i></sub>|"),
        )

    def curve(self) -> Curve | None:
        name, product = next(iter(self.products.items()))
        return Curve(
            product, name=self.name_of(name), cell=COLOURS.get(name, "plain" if name == "own" else name)
        )


def _rank(r: Readouts) -> tuple[int, float]:
    return int(r.effective_memory), float(r.left_log10)
