"""Initialisation: five ways to start, and what each leaves of a gradient before any training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.initialisation import chrono_biases
from gradprod.analysis.memory import memory_time
from gradprod.analysis.networks import random_network, recurrent_weights
from gradprod.analysis.spread import Spread, spread
from gradprod.analysis.starts import gradient_left, random_lstm
from gradprod.cells import VectorLSTM, VectorRNN
from gradprod.explorers.lessons.remedies.settings import INPUT, Remedy
from gradprod.explorers.model import Figure, Readout, Table, Verdict, cached
from gradprod.explorers.products import band_columns
from gradprod.explorers.reading import lag_table
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.relation import bars
from gradprod.figures.theme import Style, sizes
from gradprod.i18n import gettext as _
from gradprod.products import magnitudes
from gradprod.unroll import unroll
from gradprod.words import decimals, left_in_words, number, steps

NETWORKS = 11
LONGEST = 1000
"""Most steps that initialisations are compared over."""

NAMES = {
    "gaussian": "Gaussian",
    "orthogonal": "orthogonal",
    "identity": "identity",
    "forget": "forget bias",
    "chrono": "chrono",
}
GATED = ("forget", "chrono")
WEIGHTS = ("units", "gain", "network", *INPUT)


class Left(NamedTuple):
    """What an initialisation leaves, log₁₀ by lag: of each network, and of the middle ones."""

    each: NDArray[np.float64]
    middle: Spread


class Initialising(Remedy):
    """What is left of a gradient in untrained networks."""

    @property
    def compared(self) -> int:
        """Steps that initialisations are compared over."""
        return min(int(self.sequence_length), LONGEST)

    # What was computed at these settings, by name: the rest is when it is first shown.

    @cached("activation", *WEIGHTS)
    def _plain(self) -> dict[str, Left]:
        return {}

    @cached("forget_bias", *WEIGHTS)
    def _forget(self) -> dict[str, Left]:
        return {}

    @cached("longest", *WEIGHTS)
    def _chrono(self) -> dict[str, Left]:
        return {}

    @property
    def shown(self) -> dict[str, Left]:
        """What each initialisation leaves that is shown, those of one kind of cell computed at once."""
        names = [name for name in NAMES if getattr(self, f"show_{name}")] or ["gaussian"]
        kept = dict.fromkeys(NAMES, self._plain) | {"forget": self._forget, "chrono": self._chrono}
        for gated, compute in ((False, self._networks), (True, self._lstms)):
            new = [name for name in names if (name in GATED) is gated and name not in kept[name]]
            if new:
                for name, log10 in zip(new, compute(new), strict=True):
                    kept[name][name] = Left(log10, spread(log10))
        return {name: kept[name][name] for name in names}

    @property
    def left(self) -> dict[str, NDArray[np.float64]]:
        """log₁₀ of what is left, shape (networks, lags + 1), of each initialisation that is shown."""
        return {name: found.each for name, found in self.shown.items()}

    @property
    def medians(self) -> dict[str, NDArray[np.float64]]:
        """The median over the networks, by lag."""
        return {name: found.middle.median for name, found in self.shown.items()}

    def lstm(self, *names: str) -> VectorLSTM:
        """The LSTMs of one forget bias and of chrono biases, side by side on the same weights."""
        n, seed = self.units, self.network
        b_f, b_i = (b.reshape(-1, n) for b in chrono_biases(NETWORKS * n, self.longest, seed=seed))
        biases = {"forget": (np.full_like(b_f, self.forget_bias), np.zeros_like(b_i)), "chrono": (b_f, b_i)}
        forget, let_in = (np.stack(b) for b in zip(*(biases[name] for name in names), strict=True))
        return random_lstm(
            n, self.gain, forget_bias=forget, input_gate_bias=let_in, seed=seed, draws=NETWORKS
        )

    def _lstms(self, names: Sequence[str]) -> NDArray[np.float64]:
        return gradient_left(unroll(self.lstm(*names), self._inputs), seed=self.network)

    def _networks(self, names: Sequence[str]) -> NDArray[np.float64]:
        n, gain, seed = self.units, self.gain, self.network
        net = random_network(n, names[0], gain, seed=seed, draws=NETWORKS)  # the others have its U and h_0
        W = [recurrent_weights(n, name, gain, seed=seed, draws=NETWORKS) for name in names]
        cell = VectorRNN(
            activation=self.activation,
            recurrent_weight=np.stack(W),
            input_weight=net.cell.input_weight,
        )
        return gradient_left(unroll(cell, self._inputs, net.initial_state), seed=seed)

    @property
    def _inputs(self) -> NDArray[np.float64]:
        return self.inputs[: self.compared, None]

    def name_of(self, name: str) -> str:
        """An initialisation's name in the picture."""
        if name == "forget":
            return _("<i>b<sub>f</sub></i> = {b}", b=decimals(self.forget_bias))
        return _(NAMES[name])

    # ---- words ----

    def verdict(self) -> Verdict:
        ends = {name: float(m[-1]) for name, m in self.medians.items()}
        best, worst = max(ends, key=lambda k: -abs(ends[k])), min(ends, key=lambda k: -abs(ends[k]))
        sentence = _(
            "After {steps} {left}, by the median", steps=steps(self.compared), left=left_in_words(ends[best])
        )
        sentence += (
            _("; with {other} {left}.", other=self.name_of(worst), left=left_in_words(ends[worst]))
            if len(ends) > 1
            else "."
        )
        rule = _("Rule: the median over {n} networks that is nearest to 1 at the longest lag.", n=NETWORKS)
        if self.compared < self.sequence_length:
            rule += " " + _("Compared over the first {steps}.", steps=steps(self.compared))
        name = _("{name} holds best", name=self.name_of(best))
        return Verdict(kind="plain", name=name, sentence=sentence, rule=rule)

    def readouts(self) -> Sequence[Readout]:
        rows = []
        for name, left in self.shown.items():
            of = left.middle
            low, middle, high = (number(float(v[-1])) for v in (of.low, of.median, of.high))
            how = _("10th to 90th percentile: {a} to {b}", a=low, b=high)
            if name == "forget":
                time = float(f"{float(memory_time(self.forget_bias)):.2g}")
                how += "; " + _("gate alone: memory of {steps}", steps=steps(time))
            rows.append(Readout(self.name_of(name), middle, how))
        return rows

    def table(self) -> Table:
        return lag_table({self.name_of(name): median for name, median in self.medians.items()})

    def columns(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {"lag": np.arange(self.compared + 1)}
        for name, left in self.shown.items():
            found |= band_columns(f"log10_{name}", left.middle)
        return found

    def library_code(self) -> str:
        return f"""from gradprod import make_input, random_network, unroll
from gradprod.analysis.starts import gradient_left

network = random_network(
    {self.units},
    "orthogonal",
    {self.gain:.10g},
    activation={self.activation!r},
    seed={self.network},
    draws={NETWORKS},
)
run = unroll(network.cell, {self.inputs_code()}[:{self.compared}, None], network.initial_state)
print(gradient_left(run, seed={self.network}))"""

    # ---- pictures ----

    def _curve(self, name: str, log10: NDArray[np.float64]) -> Curve:
        return Curve(magnitudes(log10), name=self.name_of(name), cell="lstm" if name in GATED else "vector")

    def curve(self) -> Any:
        return self._curve(*next(iter(self.left.items())))

    def main_picture(self, style: Style) -> Figure:
        """What initialisations leave of a gradient."""
        found = self.left if sizes(style).wide else self.medians  # no room for bands' names
        return product_curve(
            [self._curve(name, log10) for name, log10 in found.items()],
            style,
            pins=self._pinned(),
            quantity=_("what is left of a unit gradient at step <i>t</i>, at step <i>k</i>"),
        )

    def side_picture(self, style: Style) -> Figure:
        """The end of each."""
        names, ends = zip(*((self.name_of(name), m[-1]) for name, m in self.medians.items()), strict=True)
        title = _("what is left after {steps}", steps=steps(self.compared))
        return bars(names, np.array(ends), style, title=title, colour=style.colours.muted)
