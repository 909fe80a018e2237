"""Lesson 11: any cells side by side on one input; other lessons' presets and the reader's own join in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np

from gradprod.analysis.own_cell import Step
from gradprod.analysis.readouts import Readouts, effective_memory
from gradprod.analysis.spread import spread
from gradprod.explorers.borrowed import borrowed, sources
from gradprod.explorers.controls import PICTURE, Choice, Layer, Picks, Real, around_zero
from gradprod.explorers.lessons.compare.lines import KINDS, THRESHOLD, Line, of_kind, of_preset, of_step
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
)
from gradprod.explorers.reading import html_table, lag_table, memory, signed
from gradprod.explorers.sequence import SEEDS, SequenceExplorer, import_order
from gradprod.figures.product_curve import Curve, marks, product_curve
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.products import LogProduct
from gradprod.words import GLYPHS, factor, grouped, plain, steps

FURTHER = 6
BANDS = 4
"""Of more curves than these only the longest and the shortest memory have a band."""


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
    forget_bias = around_zero("b_f", "gated and LSTM", 2.0, reach=8, live=True)
    update_bias = around_zero("b_z", "GRU and minGRU", -2.0, reach=8)
    leak = Real("a", "leak of the leaky RNN", 0.1, low=0, high=1, slider=False)
    rate = Real("λ", "largest rate, diagonal", 0.99, low=-1.2, high=1.2, slider=False, key="rate")
    show_plain = Layer("plain", "plain", True)
    show_gated = Layer("gated", "gated (tanh)", True)
    show_lstm = Layer("lstm", "LSTM", True)
    show_gru = Layer("gru", "GRU", True)
    show_mingru = Layer("mingru", "minGRU")
    show_leaky = Layer("leaky", "leaky RNN")
    show_diagonal = Layer("diagonal", "diagonal recurrence")
    show_band = Layer("band", "Band over seeds", when=lambda m: m.input == "noise")
    order = Choice(
        "", "Order", "listed", {"listed": "as listed", "memory": "by memory"}, key="order", group=PICTURE
    )
    further = Picks(
        "",
        "Other lessons’ presets",
        {name: (source.kind, source.preset.label) for name, source in sources().items()},
        most=FURTHER,
        key="add",
        title="The preset’s cell, on the input and over the length of this page",
    )
    presets = (
        Preset("Typical"),
        Preset("Gates open", {"forget_bias": 6.0, "update_bias": -6.0, "sequence_length": 500}),
        Preset("Gates shut", {"forget_bias": -4.0, "update_bias": 4.0}),
        Preset(
            "Hard drive", {"recurrent_weight": 2.0, "input": "noise", "forget_bias": 4.0, "update_bias": -4.0}
        ),
        Preset("At rest", {"input": "zero", "recurrent_weight": 1.0}),
        Preset(
            "Four LSTMs",
            {
                "further": ("lstm.shut", "lstm.peepholes", "lstm.open"),
                "sequence_length": 200,
                "input": "noise",
            },
            "Presets of lesson 6 beside this page’s LSTM",
        ),
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

    def _made(self, name: str, values: tuple[float, ...]) -> Line:
        """A curve, computed now."""
        if name == "own" and self.own is not None:
            return of_step(self.own, self.own_state, self)
        return of_kind(name, values, self) if name in KINDS else of_preset(name, self)

    @cached("sequence_length", "input", "period", "seed", "standardised")
    def _kept(self) -> dict[str, tuple[Any, Line]]:
        """The newest of every curve on this input."""
        return {}

    @cached("sequence_length", "seed")
    def _kept_bands(self) -> dict[str, tuple[Line, LogProduct]]:
        return {}

    def _values(self, name: str) -> tuple[float, ...]:
        """What a curve's cell is made of."""
        uses = KINDS[name].uses if name in KINDS else ()
        return tuple(getattr(self, control) for control in uses)

    @property
    def listed(self) -> dict[str, Line]:
        """The curves that are shown, each computed once for its cell and the input."""
        shown = [name for name in KINDS if getattr(self, f"show_{name}")] or ["plain"]
        if self.own is not None:
            shown.append("own")
        shown += self.further
        if self.prediction_shown is not None:
            shown = list(dict.fromkeys(["gated", *shown]))
        found = {}
        for name in shown:
            at = self._values(name)
            kept = self._kept.get(name)
            if kept is None or kept[0] != at:
                kept = self._kept[name] = (at, self._made(name, at))
            found[name] = kept[1]
        return found

    @property
    def lines(self) -> dict[str, Line]:
        """The same in the order that is asked for."""
        if self.order == "listed":
            return self.listed
        return dict(sorted(self.listed.items(), key=lambda pair: pair[1].rank, reverse=True))

    @property
    def products(self) -> dict[str, LogProduct]:
        """Their products."""
        return {name: line.product for name, line in self.lines.items()}

    @property
    def banded(self) -> bool:
        """Whether other seeds are asked for."""
        return bool(self.show_band and self.input == "noise")

    def band(self, name: str) -> LogProduct | None:
        """The product on the noise of `SEEDS` seeds, while asked for; of a cell given as a function none."""
        line = self.lines[name]
        if not self.banded or line.of_seeds is None:
            return None
        kept = self._kept_bands.get(name)
        if kept is None or kept[0] is not line:
            kept = self._kept_bands[name] = (line, line.of_seeds())
        return kept[1]

    @property
    def read(self) -> dict[str, Readouts]:
        """Readouts of those products."""
        return {name: line.read for name, line in self.lines.items()}

    def name_of(self, name: str) -> str:
        """The cell's name on the page."""
        if name in sources():
            changed = self.lines[name].changed
            return type(self).further.name_of(name) + (f" ({changed})" if changed else "")
        return escape(self.own_name) if name == "own" else _(KINDS[name].name)

    # ---- words ----

    @property
    def ends(self) -> tuple[str, str]:
        """Which remembers longest, and which shortest."""
        lines = self.lines
        return max(lines, key=lambda name: lines[name].rank), min(lines, key=lambda name: lines[name].rank)

    def verdict(self) -> Verdict:
        best, worst = self.ends
        rule = _("Rule: a cell remembers a lag while at least 1 % is left.")
        if self.banded:
            seeds = {"a": grouped(self.seed), "b": grouped(self.seed + SEEDS - 1)}
            rule += " " + _("Shaded: seeds {a} to {b}, 10 to 90 %, and their median.", **seeds)
        if len(self.lines) == 1:
            sentence = _("Remembers 1 % for {memory}.", memory=self._memory(best))
        elif (kept := self._memory(best)) == self._memory(worst):
            sentence = _(
                "All remember 1 % for {memory}; most is left of {name}.",
                memory=kept,
                name=self.name_of(best),
            )
        elif kept in [self._memory(name) for name in self.lines if name != best]:
            sentence = _(
                "Remembers 1 % for {memory}, as others do, and keeps most of these; {other} for {shortest}.",
                memory=kept,
                other=self.name_of(worst),
                shortest=self._memory(worst),
            )
        else:
            sentence = _(
                "Remembers longest, 1 % for {memory}; {other} for {shortest}.",
                memory=kept,
                other=self.name_of(worst),
                shortest=self._memory(worst),
            )
        return Verdict(kind="plain", name=self.name_of(best), sentence=sentence, rule=rule)

    def _memory(self, name: str) -> str:
        r = self.lines[name].read
        if r.memory_at_least:
            return _("at least {steps}", steps=steps(self.sequence_length))
        return steps(r.effective_memory)

    def readouts(self) -> Sequence[Readout]:
        return [
            memory(self.lines[name].read, self.sequence_length, THRESHOLD, self.name_of(name))
            for name in dict.fromkeys(self.ends)
        ]

    @panel("Who remembers")
    def ranking(self) -> str:
        """A table of readouts, a row a cell."""
        rows = [
            (
                f"{sign}\u00a0{self.name_of(name)}",
                f"×\u00a0{factor(line.read.rate_factor)}" if math.isfinite(line.read.rate) else "–",
                self._memories(name),
                f"{GLYPHS[line.read.verdict]}\u00a0{signed(line.product)}",
            )
            for (name, line), (_symbol, sign) in zip(self.lines.items(), marks(self.curves), strict=True)
        ]
        of = f"<small>{_('seeds: median')}</small>" if self.banded else ""
        head = ("", _("per step"), _("memory, steps") + of, _("left"))
        return f'<div class="tablebox">{html_table(rows, head=head)}</div>'

    def _memories(self, name: str) -> str:
        """The memory in steps, and under it that on other seeds: median, 10th and 90th percentile."""

        def say(memory: Any) -> str:
            return f"≥\u00a0{grouped(memory)}" if memory == self.sequence_length else grouped(int(memory))

        here = say(self.lines[name].read.effective_memory)
        if (band := self.band(name)) is None:
            return here
        found = spread(effective_memory(band, THRESHOLD))
        median, low, high = map(say, (found.median, found.low, found.high))
        told = median if low == high else f"{median} ({low}–{high})"
        return f"{here}<small>{told}</small>"

    def table(self) -> Table:
        return lag_table({self.name_of(name): line.product for name, line in self.lines.items()})

    def columns(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {"lag": np.arange(self.sequence_length + 1)}
        for name, p in self.products.items():
            found |= {f"log10_{name}": p.log10, f"sign_{name}": p.sign.astype(int)}
        return found

    def library_code(self) -> str:
        names = [name for name in self.listed if name in KINDS]
        made = {name: KINDS[name].call(*self._values(name)) for name in names}
        needed = {"make_input", "readouts"}.union(*(call.imports for call in made.values()))
        lines = "".join(f"\nproducts[{name!r}] = {call.text}" for name, call in made.items())
        alone = f"""from gradprod import {", ".join(sorted(needed, key=import_order))}

x = {self.inputs_code()}
products = {{}}{lines}
for name, product in products.items():
    print(name, product.log10[-1], readouts(product, {THRESHOLD}).effective_memory)"""
        others = [
            f"# {plain(self.name_of(name))}\n{borrowed(name, self).library_code()}" for name in self.further
        ]
        return "\n\n".join([alone, *others])

    def code(self) -> str:
        return f"""{super().code()}

# with a cell of your own: step(state, x) -> state, for instance
#     import numpy as np
#     Compare(own=lambda h, x: 0.95 * h + np.tanh(0.1 * h + x), own_name="mine")"""

    # ---- picture ----

    @property
    def curves(self) -> list[Curve]:
        """The curves without their bands, each with the mark that it has in the list."""
        made = [Curve(ln.product, name=self.name_of(name), cell=ln.cell) for name, ln in self.listed.items()]
        marked = {
            name: replace(curve, mark=mark)
            for name, curve, mark in zip(self.listed, made, marks(made), strict=True)
        }
        return [marked[name] for name in self.lines]

    @picture()
    def chart(self, style: Style) -> Figure:
        """All products on one axis."""
        curves = self.curves[:1] if self.veiled else self.curves
        if self.banded and not self.veiled:
            named = list(self.lines)
            wide = named if len(named) <= BANDS else self.ends
            bands = [self.band(name) if name in wide else None for name in named]
            curves = [replace(curve, band=band) for curve, band in zip(curves, bands, strict=True)]
        return product_curve(
            curves,
            style,
            prediction=self.prediction_shown,
            veil=self.veiled,
            pins=self.pins,
            quantity=_("|∂state<sub><i>t</i></sub>/∂state<sub><i>k</i></sub>|"),
        )

    def curve(self) -> Curve:
        return self.curves[0]
