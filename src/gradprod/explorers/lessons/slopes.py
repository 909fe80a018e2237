"""Lesson 2: the activations, their slopes, and the places that a running cell visits on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.analysis.surface import Shares, path_shares
from gradprod.explorers.calls import cell_call
from gradprod.explorers.controls import Layer, around_zero, phi, recurrent
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
    picture,
)
from gradprod.explorers.plain_cell import PlainCell
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.figures.slopes import Visited, slopes
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.unroll import Trajectory, unroll
from gradprod.words import factor, grouped, number, percent, steps, value

LETTERS = {"linear": "φ′", "tanh": "tanh′", "sigmoid": "σ′"}

FLAT = {"float32": 9.01, "float64": 19.06}
"""|u| beyond which 1 − S² is 0 in that arithmetic, though tanh′(u) is not."""

ASKED = 0.5
"""The slope that the question is about."""

RAW_SUNSPOTS = {
    "input": "sunspots",
    "standardised": False,
    "sequence_length": 309,
    "input_weight": 1.0,
    "recurrent_weight": 0.9,
}


class Slopes(PlainCell, SequenceExplorer):
    """Lesson 2: φ and φ′, and where on them the pre-activations of a running cell fall."""

    number = 2
    title = "Activations and slopes"
    lead = (
        "The gradient is multiplied by the slope <i>φ</i>′ wherever the cell is. See which places it visits, "
        "and how flat it is there."
    )
    formula = r"S_t = \varphi(u_t), \qquad 0 \le \varphi'(u_t) \le \gamma"
    formula_text = "S_t = φ(u_t), 0 ≤ φ′(u_t) ≤ γ"

    activation = phi()
    recurrent_weight = recurrent(live=True)
    input_weight = around_zero("W_x", "input weight", 0.5, live=True)
    bias = around_zero("b", "bias", 0.0)
    show_band = Layer("band", "Band over seeds", when=lambda m: m.input == "noise")

    presets = (
        Preset("tanh"),
        Preset("σ", {"activation": "sigmoid"}, "Its slope is at most ¼"),
        Preset("Linear", {"activation": "linear"}, "Its slope is 1 everywhere"),
        Preset("Rest at 0", {"input": "zero"}, "u = 0 at every step: the one place where tanh has slope 1"),
        Preset("Saturate", {"input_weight": 4.0, "recurrent_weight": 2.0}),
        Preset("Raw sunspots", RAW_SUNSPOTS, "So far out that ordinary arithmetic takes the slope for 0"),
    )
    prediction = Prediction.count(
        "Drive the cell harder: <i>W<sub>x</sub></i> = 2. In how many of the 50 steps will the slope tanh′ "
        "be above one half?",
        {"input_weight": 2.0},
        lambda m: int(np.count_nonzero(m.visited_slopes > ASKED)),
        of=50,
        start=25,
        show="Show the places",
    )

    # ---- what follows from the settings ----

    @cached
    def trajectory(self) -> Trajectory:
        """The cell's run."""
        return unroll(self.cell, self.inputs)

    @cached
    def visited_slopes(self) -> NDArray[np.float64]:
        """φ′(u_t) at every step."""
        return np.asarray(self.cell.phi.slope(self.trajectory.pre_activation))

    def typical(self, u: ArrayLike) -> Any:
        """log₁₀ of the slopes' geometric mean, from their logarithms: none is rounded to 0."""
        return self.cell.phi.log_slope(np.asarray(u)).mean(axis=-1) / math.log(10)

    @cached
    def typical_log10(self) -> float:
        """The same of this run."""
        return float(self.typical(self.trajectory.pre_activation))

    def shares_of(self, slopes: ArrayLike) -> Shares:
        """Shares of the steps with a slope near 0, near the bound, and between."""
        return path_shares(np.asarray(slopes) / self.cell.phi.slope_bound)

    @cached
    def shares(self) -> Shares:
        """The same of this run."""
        return self.shares_of(self.visited_slopes)

    @cached
    def places_of_seeds(self) -> NDArray[np.float64]:
        """u_t on the noise of several seeds, shape (SEEDS, T)."""
        return np.asarray(unroll(self.cell, self.inputs_of_seeds).pre_activation)

    @property
    def banded(self) -> bool:
        """Whether other seeds are shown."""
        return bool(self.show_band and self.input == "noise" and not self.veiled)

    # ---- words ----

    def verdict(self) -> Verdict:
        letter, bound = LETTERS[self.activation], float(self.cell.phi.slope_bound)
        words = {"slope": letter, "bound": _fraction(bound), "typical": number(self.typical_log10)}
        if self.activation == "linear":
            sentence = _(
                "{slope} is 1 wherever the cell is; only <i>W<sub>s</sub></i> is left to decide.", **words
            )
        else:
            near = int(np.count_nonzero(self.visited_slopes > 0.9 * bound))
            words |= {"near": grouped(near) if near else _("none"), "all": steps(self.sequence_length)}
            sentence = _(
                "Near its bound of {bound} in {near} of {all}; typically {slope} is {typical} where this "
                "cell goes.",
                **words,
            )
        name = _("{slope} = 1", **words) if self.activation == "linear" else _("{slope} ≤ {bound}", **words)
        return Verdict(kind="plain", name=name, sentence=sentence)

    def readouts(self) -> Sequence[Readout]:
        u, s = self.trajectory.pre_activation, self.shares
        bound = float(self.cell.phi.slope_bound)
        seeds = self._of_seeds() if self.banded else dict.fromkeys(("typical", "above", "below"), "")
        rows = [
            Readout(_("Slope bound γ"), _fraction(bound), _("the largest slope of φ")),
            Readout(
                _("Typical slope"),
                number(self.typical_log10),
                _("geometric mean over the steps") + seeds["typical"],
            ),
            Readout(
                _("Near the bound"), percent(s.above), _("of the steps have more than 0.9 γ") + seeds["above"]
            ),
            Readout(
                _("Nearly flat"), percent(s.below), _("of the steps have less than 0.1 γ") + seeds["below"]
            ),
            Readout(
                _("Pre-activation"),
                _("{low} … {high}", low=value(float(u.min())), high=value(float(u.max()))),
                _("smallest and largest <i>u<sub>t</sub></i>"),
            ),
        ]
        if self.activation == "tanh":
            for kind, limit in FLAT.items():
                lost = int(np.count_nonzero(np.abs(u) > limit))
                if lost:
                    name = _("1 − <i>S</i>² is 0 in {kind}", kind=kind)
                    how = _("though tanh′ is not: |<i>u<sub>t</sub></i>| above {limit}", limit=value(limit))
                    rows.append(Readout(name, percent(lost / self.sequence_length), how))
        return rows

    def _of_seeds(self) -> dict[str, str]:
        """The same three numbers over the seeds, to be said after them."""
        u = self.places_of_seeds
        s = self.shares_of(self.cell.phi.slope(u))
        return {
            "typical": f"; {self.of_seeds(self.typical(u), number)}",
            "above": f"; {self.of_seeds(s.above, percent)}",
            "below": f"; {self.of_seeds(s.below, percent)}",
        }

    def table(self) -> Table:
        T = self.sequence_length
        shown = [t for t in range(T) if t < 10 or t == T - 1]
        u, slope, state = self.trajectory.pre_activation, self.visited_slopes, self.trajectory.state
        rows = [
            [grouped(t + 1), value(float(u[t])), value(float(state[t + 1])), factor(float(slope[t]))]
            for t in shown
        ]
        return Table(
            [_("step"), "<i>u<sub>t</sub></i>", "<i>S<sub>t</sub></i>", LETTERS[self.activation]], rows
        )

    def columns(self) -> Mapping[str, Any]:
        run = self.trajectory
        return {
            "step": np.arange(1, self.sequence_length + 1),
            "input": run.inputs,
            "pre_activation": run.pre_activation,
            "state": run.state[1:],
            "slope": self.visited_slopes,
        }

    def library_code(self) -> str:
        return f"""from gradprod import ScalarRNN, activation, make_input, unroll

cell = {cell_call(self.cell)}
run = unroll(cell, {self.inputs_code()})
print(activation({self.activation!r}).slope(run.pre_activation))"""

    # ---- picture ----

    def curve(self) -> Visited:
        """The places visited."""
        return Visited(places=self.trajectory.pre_activation, activation=self.activation)

    @picture(heights=(590, 500, 290))
    def chart(self, style: Style) -> Figure:
        """φ, φ′ and the visited places."""
        visited = None if self.veiled else self.trajectory.pre_activation
        guess = self.prediction_shown
        return slopes(
            visited,
            style,
            activation=self.activation,
            others=self.places_of_seeds if self.banded else None,
            prediction=None if guess is None else (ASKED, _("{steps} above ½", steps=steps(guess))),
            pins=self.pins,
        )

    # ---- claims ----

    @claim(
        3,
        "tanh′ ≤ 1, and mostly below 1 in training, since <i>u</i> = 0 is rare.",
        articles="000, 001",
        test={},
        applies=lambda m: m.activation == "tanh",
    )
    def mostly_below_one(self) -> Judgement:
        if self.activation != "tanh":
            why = _("The claim is about tanh; its slope is at most 1, and 1 at <i>u</i> = 0 only.")
            return Judgement("partly", why)
        u = self.trajectory.pre_activation
        below = int(np.count_nonzero(self.visited_slopes < 1))
        words = {
            "n": grouped(below),
            "T": steps(self.sequence_length),
            "typical": number(self.typical_log10),
            "u": value(float(np.median(np.abs(u)))),
        }
        if below == 0:
            return Judgement(
                "partly",
                _("Here <i>u</i> is 0 at every step, and tanh′ is 1 at each. Any input or bias ends that."),
            )
        if 2 * below <= self.sequence_length:
            why = _(
                "Only in {n} of {T} is the slope below 1; at the others <i>u</i> is 0, or as good as 0.",
                **words,
            )
            return Judgement("partly", why)
        why = _(
            "In {n} of {T} the slope is below 1, typically {typical}: the median |<i>u</i>| is {u}. How far "
            "below depends on the drive.",
            **words,
        )
        return Judgement("true", why)

    @claim(
        31,
        "Hidden units usually use σ.",
        articles="004",
        test={"activation": "sigmoid"},
        applies=lambda m: m.activation == "sigmoid",
    )
    def usually_sigmoid(self) -> Judgement:
        u = self.trajectory.pre_activation
        why = _(
            "Hidden units use tanh in practice; σ is for gates. Where this cell goes, {phi} has a typical "
            "slope of {typical} at a mean |<i>u</i>| of {u}; the slope of σ never exceeds ¼, that of tanh "
            "reaches 1.",
            phi={"linear": "φ", "tanh": "tanh", "sigmoid": "σ"}[self.activation],
            typical=number(self.typical_log10),
            u=value(float(np.abs(u).mean())),
        )
        return Judgement("false", why)


def _fraction(bound: float) -> str:
    return "¼" if bound == 0.25 else value(bound)
