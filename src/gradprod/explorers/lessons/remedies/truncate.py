"""Truncation: what is lost of a gradient that goes back K steps and no farther."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.truncation import Truncation, truncation_loss
from gradprod.bptt import Readout as Output
from gradprod.cells import ScalarLSTM, ScalarRNN
from gradprod.explorers.calls import cell_call
from gradprod.explorers.lessons.remedies.settings import INPUT, Remedy
from gradprod.explorers.model import Figure, Readout, Table, Verdict, cached, table_lags
from gradprod.explorers.reading import degrees
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.relation import Mark, bars, relation
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.products import magnitudes
from gradprod.unroll import unroll
from gradprod.words import grouped, percent, steps

WINDOW = 300
"""Most steps, the last ones, whose gradient is truncated: its terms grow with the square."""

KEEP = (1, 2, 5, 10, 20, 50, 100)


class Truncating(Remedy):
    """What each truncation drops of a gradient, and how far that turns it."""

    @property
    def truncated_cell(self) -> ScalarLSTM | ScalarRNN:
        """The cell whose gradient it is."""
        if self.cell_kind == "lstm":
            return ScalarLSTM(forget_bias=self.forget_bias)
        return ScalarRNN(recurrent_weight=self.recurrent_weight)

    @cached("cell_kind", "recurrent_weight", "forget_bias", "delay", *INPUT)
    def truncation(self) -> Truncation:
        """What each truncation drops of the gradient over the last steps."""
        x = self.inputs
        late = np.concatenate([np.zeros(self.delay), x])[: len(x)]
        return truncation_loss(unroll(self.truncated_cell, x[-WINDOW:]), Output(), late[-WINDOW:])

    @property
    def cut(self) -> int:
        """K; at most the steps that there are."""
        return min(int(self.kept_steps), len(self.truncation.norm))

    # ---- words ----

    def _lost(self, K: int) -> tuple[str, str, str]:
        """Of K steps kept: the share of the terms dropped, the error, the angle."""
        t = self.truncation
        return percent(float(t.dropped[K])), percent(float(t.error[K])), degrees(t.angle[K])

    def verdict(self) -> Verdict:
        t, K = self.truncation, self.cut
        dropped, error, angle = self._lost(K)
        rule = _("Rule: K steps of every target are kept, its own included.")
        if len(t.norm) < self.sequence_length:
            rule += " " + _("Measured over the last {steps}.", steps=steps(len(t.norm)))
        if not t.norm.any():
            name, sentence = _("Nothing to drop"), _("The gradient is exactly 0 at every lag.")
        elif len(t.norm) == K:
            name = _("Drops nothing")
            sentence = _("All {steps} are kept; the gradient is whole.", steps=steps(K))
        else:
            name = _("Drops {p}", p=dropped)
            sentence = _(
                "Lags of {steps} and more hold {p} of the terms’ size; without them the gradient is off by "
                "{e} of its norm, and turned by {a}.",
                steps=steps(K),
                p=dropped,
                e=error,
                a=angle,
            )
        return Verdict(kind="plain", name=name, sentence=sentence, rule=rule)

    def readouts(self) -> Sequence[Readout]:
        dropped, error, angle = self._lost(self.cut)
        enough = int(np.flatnonzero(self.truncation.error > 0.1).max(initial=-1)) + 1
        return [
            Readout(_("Terms dropped"), dropped, _("share of their sizes")),
            Readout(_("Gradient off by"), error, _("of its norm")),
            Readout(_("Turned by"), angle),
            Readout(_("Steps needed"), steps(enough), _("for an error of at most 10 %")),
        ]

    def table(self) -> Table:
        rows = [[grouped(K), *self._lost(K)] for K in table_lags(len(self.truncation.norm))]
        return Table([_("steps kept <i>K</i>"), _("terms dropped"), _("error"), _("turned by")], rows)

    def columns(self) -> Mapping[str, Any]:
        t = self.truncation
        return {
            "steps_kept": np.arange(len(t.dropped)),
            "dropped": t.dropped,
            "error": t.error,
            "angle_in_radians": t.angle,
            "term_norm_at_this_lag": np.append(t.norm, math.nan),
        }

    def library_code(self) -> str:
        cell = self.truncated_cell
        return f"""import numpy as np

from gradprod import Readout, {type(cell).__name__}, loss_gradients, make_input, unroll

x = {self.inputs_code()}
targets = np.concatenate([np.zeros({self.delay}), x])[:len(x)][-{WINDOW}:]
cell = {cell_call(cell)}
run = unroll(cell, x[-{WINDOW}:])
print(loss_gradients(run, Readout(), targets).parameters)
print(loss_gradients(run, Readout(), targets, truncation={self.kept_steps}).parameters)"""

    # ---- pictures ----

    def curve(self) -> Any:
        """All terms by lag, the largest as 1."""
        log10 = _logs(self.truncation.norm, -np.inf)
        top = float(log10.max())
        return Curve(
            magnitudes(log10 - top if math.isfinite(top) else log10),
            name=_("all"),
            cell="lstm" if self.cell_kind == "lstm" else "plain",
        )

    def main_picture(self, style: Style) -> Figure:
        """The share of the terms that each truncation drops, and its error."""
        t, K = self.truncation, self.cut
        share, error = _logs(t.dropped), _logs(t.error)
        share[0] = 0.0  # none kept, all dropped, even of nothing
        at = share[K] if np.isfinite(share[K]) else np.nanmin(share)
        said = _("drops {p}", p=self._lost(K)[0]) if t.dropped[K] else _("drops nothing")
        return relation(
            np.arange(len(share), dtype=float),
            share,
            style,
            x_title=_("steps kept <i>K</i>"),
            y_title=_("line: share of the terms dropped; ◆ error of the gradient"),
            mark=Mark(x=K, y=float(at), text=said),
            points=_some(error),
            colour=style.colours.lstm if self.cell_kind == "lstm" else style.colours.plain,
        )

    def side_picture(self, style: Style) -> Figure:
        """The errors of some truncations, this one first."""
        error = _logs(self.truncation.error, -np.inf)
        keep = [self.cut, *(k for k in KEEP if k < len(error) and k != self.cut)][:8]
        names = [f"<i>K</i> = {grouped(k)}" for k in keep]
        return bars(names, error[keep], style, title=_("error of the gradient"), colour=style.colours.plain)

    def lower_picture(self, style: Style) -> Figure:
        """The terms, whole and truncated."""
        whole = Truncating.curve(self)
        lags = np.arange(len(self.truncation.norm))
        kept = magnitudes(np.where(lags < self.cut, whole.product.log10, -np.inf))
        return product_curve(
            [whole, Curve(kept, name=_("kept"), kind="approximation", cell=whole.cell)],
            style,
            pins=self._pinned(),
            quantity=_("size of the terms of ∂<i>L</i>/∂θ by lag, the largest as 1"),
        )


def _logs(values: NDArray[np.float64], zero: float = math.nan) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.where(values > 0, np.log10(values), zero)


def _some(log10: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most thirty points of a line, those that can be drawn."""
    at = np.unique(np.linspace(0, len(log10) - 1, 30).astype(int))
    at = at[np.isfinite(log10[at])]
    return at.astype(float), log10[at]
