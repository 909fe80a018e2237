"""Lesson 4: the local factor Z(x, y) = φ′(x)·g(y) as a surface, and where a running cell is on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.activations import SIGMOID
from gradprod.analysis.readouts import Readouts, readouts
from gradprod.analysis.surface import Shares, flat_surface, path_shares, shares, surface
from gradprod.cells import GatedCell, ScalarRNN
from gradprod.explorers.calls import cell_call
from gradprod.explorers.controls import PICTURE, Choice, Interval, Layer, Real, around_zero, phi, recurrent
from gradprod.explorers.model import (
    Figure,
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    Verdict,
    action,
    cached,
    claim,
    panel,
    picture,
)
from gradprod.explorers.reading import share_bar, signed
from gradprod.explorers.sequence import SEEDS, SequenceExplorer
from gradprod.figures.surface import Path, gate_surface, gate_surface_solid
from gradprod.figures.theme import PINS, Style
from gradprod.i18n import gettext as _
from gradprod.products import LogProduct, gradient_product, step_factors
from gradprod.unroll import Trajectory, unroll
from gradprod.words import GLYPHS, factor, grouped, percent, regime_name, steps, value

TOLERATED = 0.05
"""Share of the steps that may lie between before “basically 0 or 1” fails."""

ASKED = 50
"""Steps that the question is about."""

POINTS, SOLID_POINTS = 101, 61
OPEN = {"forget_bias": 5.0, "forget_weight": 0.0}


class GateSurface(SequenceExplorer):
    """Lesson 4: how often the local factor of a gated cell is near 0, near 1, and between."""

    number = 4
    title = "The gate surface"
    lead = (
        "At every step the gradient is multiplied by <i>Z</i>. It is often said to be “basically 0 or 1”. "
        "See where this cell really is."
    )
    formula = r"Z(x, y) = \varphi'(x) \cdot \sigma(y)"
    formula_text = "Z(x, y) = φ′(x) · σ(y)"
    readouts_title = "What it adds up to"
    side = ("measured_shares", "claims", "readouts")
    square = True

    forget_bias = around_zero("b_f", "forget bias", 2.0, reach=8, live=True)
    forget_weight = around_zero("W_f", "forget weight", 2.0)
    input_gate_weight = around_zero("W_i", "input-gate weight", 1.0, slider=False)
    input_size = Real("|X|", "input size", 1.0, low=0, high=4, ticks=(0, 1, 2, 3, 4), key="size", live=True)
    activation = phi()
    gate = Choice(
        "", "Surface", "gate", {"gate": "gate σ(<i>y</i>)", "flat": "fixed <i>W<sub>s</sub></i>"}, key="gate"
    )
    recurrent_weight = recurrent(slider=False, when=lambda m: m.gate == "flat")
    view = Choice("", "View", "map", {"map": "Map", "solid": "3-D"}, key="view", group=PICTURE)
    near = Interval(
        "", "", (0.1, 0.9), low=0.001, high=0.999, words=("Near 0 below", "Near 1 above"), key="near"
    )
    x_range = Interval("", "Rectangle <i>x</i>", (-4.0, 4.0), low=-400, high=400, words=("", "to"), key="x")
    y_range = Interval("", "<i>y</i>", (-6.0, 6.0), low=-400, high=400, words=("", "to"), key="y")

    show_band = Layer("band", "Band over seeds", when=lambda m: m.input == "noise")

    presets = (
        Preset("Typical"),
        Preset("Shut", {"forget_bias": -5.0, "forget_weight": 0.5}),
        Preset("Half open", {"forget_bias": 0.0, "forget_weight": 0.5}),
        Preset("Open", OPEN),
        Preset("Saturate", {**OPEN, "input_size": 4.0}),
    )
    prediction = Prediction.count(
        "Open the gate wide: <i>b<sub>f</sub></i> = 5, <i>W<sub>f</sub></i> = 0. In how many of the 50 steps "
        "will <i>Z</i> be above 0.9?",
        OPEN,
        lambda m: round(m.path_shares.above * ASKED),
        of=ASKED,
        start=45,
        show="Show the path",
    )

    # ---- what follows from the settings ----

    @property
    def cell(self) -> GatedCell | ScalarRNN:
        """The gated cell, or the plain cell that has W_s in the gate's place."""
        if self.gate == "flat":
            return ScalarRNN(
                activation=self.activation, recurrent_weight=self.recurrent_weight, input_weight=1.0
            )
        return GatedCell(
            state_activation=self.activation,
            forget_weight=self.forget_weight,
            forget_bias=self.forget_bias,
            input_gate_weight=self.input_gate_weight,
        )

    @cached
    def scaled(self) -> NDArray[np.float64]:
        """The input times its size."""
        return np.asarray(self.input_size * self.inputs)

    @cached
    def trajectory(self) -> Trajectory:
        """The cell's run."""
        return unroll(self.cell, self.scaled)

    def on_surface(self, run: Trajectory) -> Path:
        """A run, or several, on the surface."""
        return Path(
            x=run.pre_activation,
            y=self.forget_weight * run.inputs + self.forget_bias,
            z=np.exp(step_factors(run).log),
        )

    @cached
    def path(self) -> Path:
        """The run on the surface."""
        return self.on_surface(self.trajectory)

    @cached
    def paths_of_seeds(self) -> Path:
        """The runs on the noise of several seeds, arrays of shape (SEEDS, T)."""
        return self.on_surface(unroll(self.cell, self.input_size * self.inputs_of_seeds))

    @property
    def banded(self) -> bool:
        """Whether other seeds are shown."""
        return bool(self.show_band and self.input == "noise" and not self.veiled)

    @cached
    def result(self) -> LogProduct:
        """The product of all the factors visited."""
        return gradient_product(self.trajectory)

    @cached
    def readout(self) -> Readouts:
        """Its verdict."""
        return readouts(self.result)

    @cached
    def path_shares(self) -> Shares:
        """Shares of the steps taken."""
        return path_shares(self.path.z, *self.near)

    @cached("activation", "gate", "recurrent_weight", "near", "x_range", "y_range")
    def plane_shares(self) -> Shares:
        """Shares of the whole rectangle."""
        height = "sigmoid" if self.gate == "gate" else self.recurrent_weight
        return shares(self.activation, height, (*self.x_range, *self.y_range), *self.near)

    @cached("activation", "gate", "recurrent_weight", "x_range", "y_range", "view")
    def sheet(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """x, y and Z over the rectangle."""
        n = POINTS if self.view == "map" else SOLID_POINTS
        x, y = (np.linspace(low, high, n) for low, high in (self.x_range, self.y_range))
        if self.gate == "gate":
            return x, y, surface(self.activation, "sigmoid", x, y)
        return x, y, flat_surface(self.activation, self.recurrent_weight, x, y)

    @action("Fit to the path")
    def fit(self) -> None:
        """Make the rectangle just hold the path."""
        x, y = self.path.x, self.path.y
        self.set(
            x_range=(math.floor(2 * x.min() - 0.5) / 2, math.ceil(2 * x.max() + 0.5) / 2),
            y_range=(math.floor(y.min() - 0.5), math.ceil(y.max() + 0.5)),
        )

    # ---- words ----

    def verdict(self) -> Verdict:
        s = self.path_shares
        fails, shut = s.between > TOLERATED, s.below > 1 - TOLERATED
        words = {"p": percent(s.between), "lo": value(s.low), "hi": value(s.high)}
        if shut:
            sentence = _("{p} of the steps taken lie near 0; such factors keep nothing.", p=percent(s.below))
        elif s.between == 0:
            sentence = _("Not one of the steps taken lies between {lo} and {hi}.", **words)
        elif fails:
            sentence = _("{p} of the steps taken lie between {lo} and {hi}: neither 0 nor 1.", **words)
        else:
            sentence = _("Only {p} of the steps taken lie between {lo} and {hi}.", **words)
        outside = self._outside()
        if outside:
            sentence += " " + _("The path leaves the rectangle in {steps}.", steps=steps(outside))
        return Verdict(
            kind="claim",
            glyph="✗" if fails else "±" if shut else "✓",
            name=_("Claim fails here") if fails else _("Half true here") if shut else _("Claim holds here"),
            sentence=sentence,
            rule=_("Rule: the claim fails if more than {p} of the steps lie between.", p=percent(TOLERATED)),
        )

    def _outside(self) -> int:
        (x0, x1), (y0, y1), p = self.x_range, self.y_range, self.path
        return int(np.count_nonzero((p.x < x0) | (p.x > x1) | (p.y < y0) | (p.y > y1)))

    def readouts(self) -> Sequence[Readout]:
        left, T = float(self.result.log10[-1]), self.sequence_length
        kind = self.readout.verdict
        stay = max(
            (sum(1 for _z in run) for near, run in groupby(self.path.z > self.near[1]) if near), default=0
        )
        return [
            Readout(
                _("Product of all {n}", n=grouped(T)),
                f"{GLYPHS[kind]} {signed(self.result)}",
                regime_name(kind),
            ),
            Readout(_("Typical factor"), factor(10 ** (left / T)), _("geometric mean per step")),
            Readout(_("Longest stay near 1"), steps(stay), _("steps in a row")),
        ]

    def table(self) -> Table:
        rows = [
            [name, percent(s.below), percent(s.between), percent(s.above)]
            for name, s in ((_("Whole rectangle"), self.plane_shares), (self._taken(), self.path_shares))
        ]
        return Table(["", _("near 0"), _("between"), _("near 1")], rows)

    def _taken(self) -> str:
        return _("The {steps} taken", steps=steps(self.sequence_length))

    def columns(self) -> Mapping[str, Any]:
        p = self.path
        return {
            "step": np.arange(1, self.sequence_length + 1),
            "input": self.scaled,
            "x_pre_activation": p.x,
            "y_gate_pre_activation": p.y,
            "gate": SIGMOID.value(p.y),
            "Z": p.z,
        }

    def library_code(self) -> str:
        height = "'sigmoid'" if self.gate == "gate" else f"{self.recurrent_weight:.10g}"
        low, high = self.near
        rectangle = (*self.x_range, *self.y_range)
        kind = type(self.cell).__name__
        return f"""import numpy as np

from gradprod import {kind}, make_input, path_shares, shares, step_factors, unroll

cell = {cell_call(self.cell)}
run = unroll(cell, {self.input_size:.10g} * {self.inputs_code()})
print("the steps taken", path_shares(np.exp(step_factors(run).log), {low:.10g}, {high:.10g}))
print("the rectangle", shares({self.activation!r}, {height}, {rectangle}, {low:.10g}, {high:.10g}))"""

    # ---- pictures and panels ----

    def curve(self) -> Path:
        """The run on the surface."""
        return self.path

    @picture(heights=(590, 500, 372))
    def chart(self, style: Style) -> Figure:
        """Z over the rectangle, with the path on it."""
        path = None if self.veiled else self.path
        if self.view == "solid":
            return gate_surface_solid(*self.sheet, style, path=path, pins=self.pins)
        low, high = self.near
        others = self.paths_of_seeds if self.banded else None
        flat = None if self.gate == "gate" else _("<i>y</i>: <i>W<sub>s</sub></i> is the same for all of it")
        return gate_surface(
            *(*self.sheet, style), path=path, others=others, pins=self.pins, low=low, high=high, y_title=flat
        )

    @panel("Shares, measured", presented=True)
    def measured_shares(self) -> str:
        """The claim, the rectangle and the path: one bar each."""
        key = "".join(
            f'<span><i class="{name}"></i>{word}</span>'
            for name, word in (("below", _("near 0")), ("between", _("between")), ("above", _("near 1")))
        )
        claimed = _("near 0 or near 1, nothing between")
        bars = [share_bar(_("Whole rectangle"), self.plane_shares)]
        if not self.veiled:
            bars.append(share_bar(self._taken(), self.path_shares, self._guessed()))
            bars += self._pinned()
        if self.banded:
            bars.append(self._of_seeds())
        return (
            f'<p class="key">{key}</p><div class="share"><p>{_("As often said")}</p>'
            f'<div class="bar claimed" aria-hidden="true"><span></span></div><small>{claimed}</small></div>'
            + "".join(bars)
        )

    def _pinned(self) -> list[str]:
        """The same shares of the pinned runs, by the present thresholds."""
        return [
            share_bar(
                _("{mark} Pinned, {steps}", mark=glyph, steps=steps(len(kept.z))),
                path_shares(kept.z, *self.near),
            )
            for kept, (_symbol, glyph) in zip(self.pins, PINS, strict=False)
        ]

    def _guessed(self) -> str:
        """The guess as a mark under the bar: where “near 1” would begin."""
        guess = self.prediction_shown
        if guess is None:
            return ""
        said = _("you said {n} of {total} near 1", n=grouped(guess), total=grouped(ASKED))
        return f'<div class="said" style="--p:{1 - guess / ASKED:.4f}"><b>✕</b><small>{said}</small></div>'

    def _of_seeds(self) -> str:
        """The same shares over seeds: medians as a bar, ranges in words."""
        s = path_shares(self.paths_of_seeds.z, *self.near)
        median = {n: float(np.median(getattr(s, n))) for n in ("below", "between", "above")}
        ranges = [
            f"{word} {low} … {high}"
            for word, of in ((_("near 0"), s.below), (_("between"), s.between), (_("near 1"), s.above))
            for low, high in [map(percent, np.quantile(of, (0.1, 0.9), method="nearest").tolist())]
        ]
        title = _("Seeds {a} to {b}, median", a=grouped(self.seed), b=grouped(self.seed + SEEDS - 1))
        told = _("10 to 90 %: {ranges}", ranges=", ".join(ranges)).replace(" %", "\u00a0%")
        return share_bar(title, replace(s, **median), note=told)

    # ---- claims ----

    @claim(
        8,
        "<i>Z</i> = tanh′(<i>x</i>)σ(<i>y</i>) is basically 0 or 1, so the problem is solved.",
        articles="000, 001",
        test={"x_range": (-5.0, 5.0), "y_range": (-5.0, 5.0)},
        applies=lambda m: m.gate == "gate",
    )
    def zero_or_one(self) -> Judgement:
        a, p = self.plane_shares, self.path_shares
        why = _(
            "Of the rectangle, {below} is near 0, {above} near 1 and {between} between. ",
            below=percent(a.below),
            above=percent(a.above),
            between=percent(a.between),
        )
        if p.below > 1 - TOLERATED:
            why += _(
                "The cell’s factor is near 0 in {below} of its steps: the claim holds, and nothing is "
                "remembered.",
                below=percent(p.below),
            )
            return Judgement("partly", why)
        where = {"between": percent(p.between), "above": percent(p.above)}
        if p.between > TOLERATED:
            why += _(
                "But the cell goes where it is driven: there {between} of its steps are between, and {above} "
                "near 1.",
                **where,
            )
            return Judgement("false", why)
        why += _(
            "Where the cell goes, {between} of its steps are between, and {above} near 1: here the claim "
            "holds.",
            **where,
        )
        return Judgement("true", why)
