"""Lesson 9: which inputs an output hears, one way and both ways."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.cells import Bidirectional, Cell, GatedCell, ScalarGRU, ScalarLSTM, ScalarMinGRU, ScalarRNN
from gradprod.explorers.calls import cell_call
from gradprod.explorers.controls import PICTURE, Choice, Layer, Length, Real, Whole, around_zero, recurrent
from gradprod.explorers.model import (
    Figure,
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    Verdict,
    cached,
    claim,
    diagram,
    picture,
)
from gradprod.explorers.sequence import SEEDS
from gradprod.explorers.stepped import SteppedExplorer
from gradprod.figures.diagrams import COLUMNS_TO, bidirectional_net
from gradprod.figures.gates import Panel, Series, over_time
from gradprod.figures.map_ts import influence_map as map_figure
from gradprod.figures.theme import PINS, Style
from gradprod.i18n import gettext as _
from gradprod.i18n import ngettext
from gradprod.products.maps import influence_maps
from gradprod.unroll import BidirectionalTrajectory, unroll
from gradprod.words import grouped, number

HEARD = 0.01
"""Share of the influence of an output's own input that counts as heard."""

LONGEST = 200
"""Longest run of this lesson: its maps have T² places."""

RUN = (
    *("kind", "recurrent_weight", "forget_bias", "update_bias", "backward_readout"),
    *("sequence_length", "input", "period", "seed", "standardised"),
)
"""The controls that decide the maps."""

CELLS = {"plain": "plain", "gated": "gated", "lstm": "LSTM", "gru": "GRU", "mingru": "minGRU"}


class BothDirections(SteppedExplorer):
    """Lesson 9: the map of ∂y_t/∂x_s, of a net that reads one way and of one that reads both ways."""

    number = 9
    title = "Both directions"
    lead = (
        "A net that reads from the left can’t hear what comes later. A second one from the right can. Pick "
        "an output <i>t</i> and see which inputs <i>s</i> still speak to it."
    )
    formula = (
        r"y_t = V_f \overrightarrow{h}_t + V_b \overleftarrow{h}_t + c, \qquad "
        r"\frac{\partial y_t}{\partial x_s}: \overrightarrow{P}\ (s \le t),\ \overleftarrow{P}\ (s \ge t)"
    )
    formula_text = (
        "y_t = V_f h→_t + V_b h←_t + c; "
        "∂y_t/∂x_s by the forward product for s ≤ t, the backward one for s ≥ t"
    )
    square = True

    sequence_length = Length(40, high=LONGEST)
    kind = Choice("", "Cell", "lstm", CELLS, menu=True, key="cell")
    recurrent_weight = recurrent(when=lambda m: m.kind == "plain")
    forget_bias = around_zero(
        "b_f", "forget bias", 1.0, reach=8, live=True, when=lambda m: m.kind in ("gated", "lstm")
    )
    update_bias = around_zero("b_z", "update bias", -2.0, reach=8, when=lambda m: m.kind in ("gru", "mingru"))
    backward_readout = Real("V_b", "weight of the backward cell", 1.0, low=-4, high=4, slider=False)
    step = Whole(
        *("t", "output step", 20),
        low=1,
        high=LONGEST,
        ticks=(1, 50, 100, 150, 200),
        most="sequence_length",
        live=True,
    )
    show_band = Layer("band", "Median over seeds", when=lambda m: m.input == "noise")
    view = Choice("", "Map of", "both", {"both": "two-way", "one": "one-way"}, key="view", group=PICTURE)

    presets = (
        Preset("LSTM"),
        Preset("Long memory", {"forget_bias": 6.0}),
        Preset("GRU", {"kind": "gru"}),
        Preset("Plain cell", {"kind": "plain"}),
        Preset("One way only", {"backward_readout": 0.0}, "With V_b = 0 the upper triangle is empty"),
    )
    prediction = Prediction.count(
        "The forget bias is 6. How many of the 40 inputs does output 20 of the two-way net hear, at 1 % of "
        "its own or more?",
        {"forget_bias": 6.0},
        lambda m: m.heard(m.two_way),
        of=40,
        start=20,
        show="Show the map",
    )

    # ---- what follows from the settings ----

    @property
    def cell(self) -> Cell:
        """The cell that both directions use."""
        kind: dict[str, Cell] = {
            "plain": ScalarRNN(recurrent_weight=self.recurrent_weight),
            "gated": GatedCell(forget_bias=self.forget_bias),
            "lstm": ScalarLSTM(forget_bias=self.forget_bias),
            "gru": ScalarGRU(update_bias=self.update_bias),
            "mingru": ScalarMinGRU(update_bias=self.update_bias),
        }
        return kind[self.kind]

    def run_on(self, inputs: ArrayLike) -> BidirectionalTrajectory:
        """Both runs on an input, or on several."""
        return unroll(Bidirectional(forward=self.cell, backward=self.cell), inputs)

    @cached(*RUN)
    def run(self) -> BidirectionalTrajectory:
        """Both runs."""
        return self.run_on(self.inputs)

    def maps(self, run: BidirectionalTrajectory) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """log₁₀ |∂y_t/∂x_s| of the forward net alone, and with the backward cell added."""
        return influence_maps(run, 1.0, self.backward_readout)

    @cached(*RUN)
    def both_maps(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same of this run."""
        return self.maps(self.run)

    @cached(*RUN)
    def maps_of_seeds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The same on the noise of several seeds, each of shape (SEEDS, T, T)."""
        return self.maps(self.run_on(self.inputs_of_seeds))

    @cached(*RUN)
    def medians(self) -> list[NDArray[np.float64]]:
        """Their medians over the seeds, place by place."""
        return [np.median(table, axis=0) for table in self.maps_of_seeds]

    @property
    def one_way(self) -> NDArray[np.float64]:
        """log₁₀ |∂y_t/∂x_s| of the forward net alone."""
        return self.both_maps[0]

    @property
    def two_way(self) -> NDArray[np.float64]:
        """The same with the backward cell added."""
        return self.both_maps[1]

    @property
    def banded(self) -> bool:
        """Whether the maps are medians over seeds."""
        return bool(self.show_band and self.input == "noise" and not self.veiled)

    def heard(self, table: NDArray[np.float64]) -> Any:
        """How many inputs the output at t hears, at `HEARD` of its own or more; of each map of many."""
        row = table[..., self.step - 1, :]
        own = row[..., self.step - 1 : self.step]
        count = np.count_nonzero((row >= own + math.log10(HEARD)) & np.isfinite(own), axis=-1)
        return int(count) if np.ndim(count) == 0 else count

    # ---- words ----

    def verdict(self) -> Verdict:
        one, two = self.heard(self.one_way), self.heard(self.two_way)
        sentence = ngettext(
            "Of {T} input, output {t} hears {two} both ways; reading one way it hears {one}.",
            "Of {T} inputs, output {t} hears {two} both ways; reading one way it hears {one}.",
            self.sequence_length,
            T=grouped(self.sequence_length),
            t=grouped(self.step),
            one=grouped(one),
            two=grouped(two),
        )
        rule = _("Rule: an input is heard if it has 1 % of the influence of the output’s own or more.")
        if self.banded:
            seeds = {"a": grouped(self.seed), "b": grouped(self.seed + SEEDS - 1)}
            rule += " " + _("Maps: median of seeds {a} to {b}; the words are of seed {a}.", **seeds)
        return Verdict(kind="plain", name=_("{n} heard", n=grouped(two)), sentence=sentence, rule=rule)

    def readouts(self) -> Sequence[Readout]:
        t, T = self.step - 1, self.sequence_length
        rows = []
        for name, s in ((_("First input"), 0), (_("Its own input"), t), (_("Last input"), T - 1)):
            two, one = number(float(self.two_way[t, s])), number(float(self.one_way[t, s]))
            rows.append(Readout(name, two, _("one way: {n}", n=one)))
        behind = int(np.count_nonzero(np.isfinite(self.one_way[t])))
        rows.append(
            Readout(
                _("Inputs with a path at all"),
                grouped(int(np.count_nonzero(np.isfinite(self.two_way[t])))),
                _("one way: {n}", n=grouped(behind)),
            )
        )
        if self.banded:
            for name, table, of in zip(
                (_("Heard, one way"), _("Heard, both ways")), self.both_maps, self.maps_of_seeds, strict=True
            ):
                told = self.of_seeds(self.heard(of), grouped)
                rows.append(Readout(name, grouped(self.heard(table)), told))
        return rows

    def table(self) -> Table:
        t, T = self.step - 1, self.sequence_length
        shown = sorted(
            {0, t, T - 1, *(s for d in (1, 2, 5, 10, 20, 50, 100) for s in (t - d, t + d) if 0 <= s < T)}
        )
        rows = [
            [grouped(s + 1), number(float(self.one_way[t, s])), number(float(self.two_way[t, s]))]
            for s in shown
        ]
        return Table([_("input <i>s</i>"), _("one-way"), _("two-way")], rows)

    def columns(self) -> Mapping[str, Any]:
        T = self.sequence_length
        t, s = (a.ravel() + 1 for a in np.indices((T, T)))
        return {
            "t": t,
            "s": s,
            "log10_one_way": self.one_way.ravel(),
            "log10_two_way": self.two_way.ravel(),
        }

    def library_code(self) -> str:
        name = type(self.cell).__name__
        return f"""from gradprod import Bidirectional, {name}, influence_map, make_input, unroll

cell = {cell_call(self.cell)}
run = unroll(Bidirectional(forward=cell, backward=cell), {self.inputs_code()})
print(influence_map(run, 1.0, {self.backward_readout:.10g}))"""

    # ---- pictures ----

    def curve(self) -> tuple[str, int, NDArray[np.float64]]:
        """The cell, t, and what the two-way row holds."""
        return self.kind, self.step, self.drawn[1][0][self.step - 1]

    @property
    def drawn(self) -> list[tuple[NDArray[np.float64], str]]:
        """Both maps, or their medians over seeds, with their titles."""
        tables, names = self.medians if self.banded else self.both_maps, (_("one-way"), _("two-way"))
        more = _(", median of {n} seeds", n=SEEDS) if self.banded else ""
        return [(table, name + more) for table, name in zip(tables, names, strict=True)]

    @property
    def reach(self) -> float:
        """Powers of ten at the maps' darkest colour: the same in both."""
        two = self.drawn[1][0]
        seen = np.abs(two[np.isfinite(two)])
        return min(30.0, max(3.0, float(seen.max(initial=3.0))))

    @picture(
        heights=(520, 460, 340),
        hint="Click a row to choose t, or focus the map and use the arrow keys.",
        moves={"y": ("step", 1)},
    )
    def chart(self, style: Style) -> Figure:
        """The map chosen under it."""
        table, title = self.drawn[self.view == "both"]
        told = self._guessed() if self.view == "both" else None
        reach = None if self.veiled else self.reach
        return map_figure(
            *(table, style), step=self.step, title=title, reach=reach, prediction=told, veil=self.veiled
        )

    def _guessed(self) -> tuple[float, float, str] | None:
        """The guess as the row's nearest inputs on both sides, as many as were said."""
        guess = self.prediction_shown
        if guess is None:
            return None
        T, t, n = int(self.sequence_length), int(self.step), int(guess)
        first = min(max(t - max(n - 1, 0) // 2, 1), T - max(n, 1) + 1)
        return first, first + max(n, 1) - 1, _("you said {n}", n=grouped(n))

    @picture(
        "side",
        title="The other one",
        hint="One-way beside two-way: the same run, the same colours.",
        heights=(300, 300, 300),
        moves={"y": ("step", 1)},
    )
    def other(self, style: Style) -> Figure:
        """The map that is not the main picture."""
        table, title = self.drawn[self.view != "both"]
        reach = None if self.veiled else self.reach
        return map_figure(table, style, step=self.step, title=title, reach=reach, veil=self.veiled)

    @picture("below", heights=(280, 280, 260), when=lambda m: not m.veiled)
    def row(self, style: Style) -> Figure:
        """The chosen row of both maps, and the pinned ones of the two-way map."""
        t, c = self.step - 1, style.colours
        tables = self.maps_of_seeds if self.banded else self.both_maps
        one, two = (np.where(np.isfinite(m[..., t, :]), m[..., t, :], np.nan) for m in tables)
        series = [Series(name=_("two-way"), values=two, colour=c.lstm, symbol="square")]
        if np.isfinite(one).any():
            series.append(Series(name=_("one-way"), values=one, colour=c.ink, symbol="circle"))
        for (kind, at, kept), (symbol, _glyph) in zip(self.pins, PINS, strict=False):
            name = _("pinned: {cell}, <i>t</i> = {t}", cell=_(CELLS[kind]), t=grouped(at))
            values = np.where(np.isfinite(kept), kept, np.nan)
            series.append(Series(name=name, values=values, colour=c.lstm, symbol=symbol, pinned=True))
        title = _("log₁₀ |∂<i>y<sub>t</sub></i>/∂<i>x<sub>s</sub></i>| by input step <i>s</i>")
        return over_time([Panel(title=title, series=series)], style, x_title=_("input at step <i>s</i>"))

    @diagram("The net, drawn over its first steps: the path from one input to one output is lit", height=300)
    def net(self, style: Style) -> str:
        """Both directions over a few steps."""
        n = min(self.sequence_length, COLUMNS_TO, 3 if style.width < 520 else 8)
        run = unroll(self.run.cell, self.inputs[:n])
        t = min(self.step, n)
        return bidirectional_net(run, style, source=n if t < n else 1, target=t)

    # ---- claims ----

    @claim(35, "A bidirectional net reads both contexts.", articles="002", test={})
    def reads_both(self) -> Judgement:
        t = self.step - 1
        after = self.two_way[t, t + 1 :]
        paths = int(np.count_nonzero(np.isfinite(after)))
        if paths == 0:
            return Judgement("partly", _("Not here: nothing comes from the right of t."))
        why = ngettext(
            "Output {t} has a path from {n} of the {m} input after it; the one-way net from none. How far "
            "it hears is again the product’s business: {far} is left from the last input.",
            "Output {t} has a path from {n} of the {m} inputs after it; the one-way net from none. How far "
            "it hears is again the product’s business: {far} is left from the last input.",
            after.size,
            t=grouped(t + 1),
            n=grouped(paths),
            m=grouped(after.size),
            far=number(float(after[-1])),
        )
        return Judgement("true", why)
