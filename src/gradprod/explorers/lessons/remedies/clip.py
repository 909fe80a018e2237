"""Clipping: the cliff, two descents on it, and the terms of a gradient before and after."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.clipped_terms import ClippedTerms, clipped_terms
from gradprod.analysis.clipping import Clipped, Descent, cliff, clip_by_norm, clip_by_value, descend_cliff
from gradprod.cells import ScalarRNN
from gradprod.explorers.controls import show
from gradprod.explorers.lessons.remedies.settings import BIASES, INPUT, WEIGHTS, Remedy, clipping
from gradprod.explorers.model import Figure, Judgement, Readout, Table, Verdict, cached, claim
from gradprod.explorers.reading import degrees, lag_table
from gradprod.figures.cliff import Walk, cliff_map, clipping_arrows
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.unroll import Trajectory, unroll
from gradprod.words import decimals, number, steps, value

EXPLODES, VANISHES = 1.2, 0.5
"""Recurrent weights of the linear cell that claim 26 is tested on."""

START = ("weight", "offset")


class Clipping(Remedy):
    """What clipping does to one step of descent, and to every term of a gradient."""

    @cached(*START)
    def gradient(self) -> dict[str, float]:
        """∂E/∂w and ∂E/∂b where the walks start."""
        here = cliff(self.weight, self.offset)
        return {"w": float(here.weight_gradient), "b": float(here.bias_gradient)}

    @cached(*START, "threshold")
    def clipped(self) -> dict[str, Clipped]:
        """That gradient clipped, by norm and by value."""
        return {
            "norm": clip_by_norm(self.gradient, self.threshold),
            "value": clip_by_value(self.gradient, self.threshold),
        }

    @cached(*START, "learning_rate", "descent_steps")
    def plain_walk(self) -> Descent:
        """Descent by the gradient as it is."""
        return self._walk(None)

    @cached(*START, "learning_rate", "descent_steps", "threshold")
    def clipped_walk(self) -> Descent:
        """Descent by the gradient clipped by norm."""
        return self._walk(self.threshold)

    def _walk(self, threshold: float | None) -> Descent:
        eta, K = self.learning_rate, self.descent_steps
        return descend_cliff(self.weight, self.offset, learning_rate=eta, steps=K, threshold=threshold)

    @cached("recurrent_weight", "activation", *INPUT)
    def run(self) -> Trajectory:
        """The plain cell's run."""
        cell = ScalarRNN(activation=self.activation, recurrent_weight=self.recurrent_weight)
        return unroll(cell, self.inputs)

    @cached("recurrent_weight", "activation", "threshold", *INPUT)
    def terms(self) -> ClippedTerms:
        """The terms of its ∂S_T/∂b, before and after."""
        return clipped_terms(self.run, self.threshold)

    @cached("sequence_length", "threshold")
    def both(self) -> tuple[ClippedTerms, ClippedTerms]:
        """The same of a linear cell that explodes and of one that vanishes."""
        explodes, vanishes = (
            clipped_terms(_at_rest(weight, self.sequence_length), self.threshold)
            for weight in (EXPLODES, VANISHES)
        )
        return explodes, vanishes

    # ---- words ----

    def verdict(self) -> Verdict:
        rule = _("Rule: it acts where the norm of the gradient is above θ.")
        if self.prediction_shown is not None:
            return Verdict(kind="plain", name=_("Clipping acts"), sentence=self._newest_term(), rule=rule)
        c = self.clipped["norm"]
        said = {"g": value(c.norm_before), "t": show(self.threshold)}
        if c.changed:
            sentence = _(
                "On the cliff the gradient of {g} is cut to {t}; after {steps} the error is {b}, without "
                "clipping {a}.",
                steps=steps(self.descent_steps),
                a=value(float(self.plain_walk.error[-1])),
                b=value(float(self.clipped_walk.error[-1])),
                **said,
            )
        else:
            sentence = _("On the cliff the gradient is {g}, within θ = {t}; it stays as it is.", **said)
        return Verdict(
            kind="plain",
            name=_("Clipping acts") if c.changed else _("Clipping does nothing"),
            sentence=sentence,
            rule=rule,
        )

    def _newest_term(self) -> str:
        """The answer to the question about the cell, once it has been given."""
        t = self.terms
        return _(
            "The cell’s gradient of {g} is cut to {t}; with it the newest step’s term falls from {a} to {b}.",
            g=number(t.norm_log10),
            t=number(t.norm_log10 + t.scale_log10),
            a=number(float(t.terms.log10[0])),
            b=number(float(t.clipped.log10[0])),
        )

    def readouts(self) -> Sequence[Readout]:
        by_norm, by_value, t = self.clipped["norm"], self.clipped["value"], self.terms

        def clipped(name: str, result: Clipped) -> Readout:
            return Readout(name, value(result.norm_after), _("turned by {a}", a=degrees(result.angle)))

        def term(name: str, lag: int) -> Readout:
            after = number(float(t.clipped.log10[lag]))
            return Readout(name, number(float(t.terms.log10[lag])), _("after clipping {n}", n=after))

        norm = number(t.norm_log10)
        return [
            Readout(_("Gradient at the start"), value(by_norm.norm_before), _("norm, on the cliff")),
            clipped(_("Clipped by norm"), by_norm),
            clipped(_("Clipped by value"), by_value),
            Readout(
                _("Gradient of the cell"), norm, _("clipped to {n}", n=number(t.norm_log10 + t.scale_log10))
            ),
            term(_("From its newest step"), 0),
            term(_("From its first step"), -1),
        ]

    def table(self) -> Table:
        return lag_table({_("term"): self.terms.terms, _("clipped"): self.terms.clipped})

    def columns(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {"step": np.arange(self.descent_steps + 1)}
        for name, walk in (("plain", self.plain_walk), ("clipped", self.clipped_walk)):
            found |= {
                f"{name}_w": walk.weight,
                f"{name}_b": walk.bias,
                f"{name}_error": walk.error,
                f"{name}_gradient_norm": walk.gradient_norm,
            }
        return found

    def library_code(self) -> str:
        return f"""from gradprod import cliff, clip_by_norm, clip_by_value, descend_cliff

here = cliff({self.weight:.10g}, {self.offset:.10g})
gradient = {{"w": here.weight_gradient, "b": here.bias_gradient}}
print(clip_by_norm(gradient, {self.threshold:.10g}), clip_by_value(gradient, {self.threshold:.10g}))
walk = descend_cliff(
    {self.weight:.10g},
    {self.offset:.10g},
    learning_rate={self.learning_rate:.10g},
    steps={self.descent_steps},
    threshold={self.threshold:.10g},
)
print(walk.error)"""

    # ---- pictures ----

    def curve(self) -> Any:
        return Curve(self.terms.clipped, name=_("clipped"), kind="approximation")

    def main_picture(self, style: Style) -> Figure:
        """The error over w and b, with a plain and a clipped descent from the same start."""
        walks = [
            Walk(descent=self.plain_walk, name=_("plain")),
            Walk(descent=self.clipped_walk, name=_("clipped"), exact=False),
        ]
        return cliff_map(*_surface(), style, walks=walks, start=(self.weight, self.offset))

    def side_picture(self, style: Style) -> Figure:
        """The gradient as an arrow, and what clipping makes of it."""
        kinds = [(_("by norm"), self.clipped["norm"]), (_("by value"), self.clipped["value"])]
        return clipping_arrows(list(self.gradient.values()), kinds, style, names=("<i>w</i>", "<i>b</i>"))

    def lower_picture(self, style: Style) -> Figure:
        """The terms, whole and clipped; what was predicted is the newest clipped one."""
        return product_curve(
            [Curve(self.terms.terms, name=_("as it is")), Clipping.curve(self)],
            style,
            prediction=self.prediction_shown,
            predicted_lag=0,
            pins=self._pinned(),
            quantity=_("a plain cell: terms of ∂<i>S<sub>T</sub></i>/∂<i>b</i> by lag"),
        )

    # ---- claims ----

    @claim(
        26,
        "Clipping cures exploding gradients, not vanishing ones.",
        articles="003",
        test={},
        applies=clipping,
    )
    def clipping_cures(self) -> Judgement:
        """On this cell and on one that does the opposite; on two where this one does neither."""
        cells = [
            _("A linear cell with <i>W<sub>s</sub></i> = {w}", w=decimals(w)) for w in (EXPLODES, VANISHES)
        ]
        explodes, vanishes = self.both
        here = _("This cell, <i>W<sub>s</sub></i> = {w}", w=decimals(self.recurrent_weight))
        oldest = float(self.terms.terms.log10[-1])
        if oldest > 1:
            explodes, cells[0] = self.terms, here
        elif oldest < -1:
            vanishes, cells[1] = self.terms, here
        before, after = explodes.norm_log10, explodes.norm_log10 + explodes.scale_log10
        v, w = (float(p.log10[-1]) for p in (vanishes.terms, vanishes.clipped))
        acted = before > after
        cut = (
            _("{cell}: its gradient of {g} is cut to {h}.")
            if acted
            else _("{cell}: its gradient is {g}, and stays.")
        )
        far = (
            _("{cell}: its first step’s term is {v}, and {w} once clipped.")
            if w < v
            else _("{cell}: its first step’s term is {v}, and stays.")
        )
        why = [
            _("{steps}, θ = {t}.", steps=steps(len(self.terms.terms.log10)), t=show(self.threshold)),
            cut.format(cell=cells[0], g=number(before), h=number(after)),
            far.format(cell=cells[1], v=number(v), w=number(w)),
            _("Clipping multiplies all terms by one factor, never above 1."),
        ]
        return Judgement("true" if acted and v < -1 else "partly", " ".join(why))


@functools.cache
def _surface() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """w, b and the error over them."""
    w, b = np.linspace(*WEIGHTS, 81), np.linspace(*BIASES, 65)
    parts = np.split(b, 5)  # a cliff keeps every step: a fifth of the memory at a time
    return w, b, np.concatenate([cliff(w, part[:, None]).error for part in parts])


def _at_rest(weight: float, length: int) -> Trajectory:
    """A linear cell that nothing moves."""
    cell = ScalarRNN(activation="linear", recurrent_weight=weight)
    state = np.zeros(length + 1)
    return Trajectory(cell=cell, inputs=state[1:], states={"S": state}, overflow_step=None)
