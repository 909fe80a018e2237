"""Lesson 10: what is done about vanishing and exploding gradients, and what it does to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gradprod.explorers.lessons.remedies.clip import VANISHES, Clipping
from gradprod.explorers.lessons.remedies.initialise import Initialising
from gradprod.explorers.lessons.remedies.settings import DETAIL, Remedy, clipping, initialising
from gradprod.explorers.lessons.remedies.truncate import Truncating
from gradprod.explorers.model import Figure, Prediction, Preset, Readout, Table, Verdict, picture
from gradprod.figures.theme import Style
from gradprod.words import tick

LONG = {
    "remedy": "initialisation",
    "activation": "tanh",
    "sequence_length": 500,
    "longest": 500,
    "forget_bias": 6.0,
}
TRUNCATE = {"remedy": "truncation", "input": "noise"}

PARTS: dict[str, type[Remedy]] = {
    "clipping": Clipping,
    "initialisation": Initialising,
    "truncation": Truncating,
}


class Remedies(Clipping, Initialising, Truncating):
    """Lesson 10: clipping, initialisation and truncation, each with what it does to the gradient."""

    number = 10
    title = "Remedies"
    lead = (
        "Clip the gradient, start from better weights, or cut it short. Each cures something; see what it "
        "leaves as it was."
    )
    formula = (
        r"g \leftarrow g \cdot \min\!\left(1, \frac{\theta}{\|g\|}\right), \qquad "
        r"g_K = \sum_{\ell < K} g_\ell"
    )
    formula_text = "g ← g · min(1, θ/‖g‖); g_K = Σ g_ℓ over the lags ℓ < K"
    folded = (DETAIL,)

    presets = (
        Preset("Cliff"),
        Preset(
            "Plateau",
            {"weight": 5.0, "offset": -1.8, "recurrent_weight": VANISHES, "threshold": 10.0},
            "Small gradients, on the cliff’s flat side and in the cell: clipping leaves them small",
        ),
        Preset(
            "Initialise",
            {"remedy": "initialisation", "activation": "tanh", "input": "noise"},
            "Five ways to start, the same input",
        ),
        Preset("Long memory", LONG | {"input": "noise"}, "500 steps: biases do what weights can’t"),
        Preset("Too open", LONG | {"input": "zero"}, "The same forget bias, at rest: it explodes"),
        Preset("Truncate", TRUNCATE | {"recurrent_weight": 0.9}, "Short memory: little is lost"),
        Preset(
            "Cut too short",
            TRUNCATE | {"cell_kind": "lstm", "sequence_length": 200},
            "Long memory, ten steps kept",
        ),
    )
    prediction = replace(
        Prediction.powers_of_ten(
            "A linear cell with <i>W<sub>s</sub></i> = 1.5 explodes within 50 steps, and its gradient is "
            "clipped at θ = 1. The newest step’s term was 1. How large is it once clipped?",
            {"recurrent_weight": 1.5},
            lambda m: float(m.terms.clipped.log10[0]),
        ),
        words=tick,
    )

    # ---- what the chosen remedy says and shows ----

    @property
    def part(self) -> type[Remedy]:
        """The remedy that is chosen."""
        return PARTS[self.remedy]

    def verdict(self) -> Verdict:
        return self.part.verdict(self)

    def readouts(self) -> Sequence[Readout]:
        return self.part.readouts(self)

    def table(self) -> Table:
        return self.part.table(self)

    def columns(self) -> Mapping[str, Any]:
        return self.part.columns(self)

    def library_code(self) -> str:
        return self.part.library_code(self)

    def curve(self) -> Any:
        return self.remedy, self.part.curve(self)

    @picture(
        title="The cliff",
        hint="Click to start there, or focus the picture and use the arrow keys.",
        heights=(440, 380, 270),
        moves={"x": ("weight", 0.01), "y": ("offset", 0.01)},
        when=clipping,
    )
    def landscape(self, style: Style) -> Figure:
        """Two descents over w and b."""
        return self.part.main_picture(self, style)

    @picture(heights=(480, 380, 270), when=lambda m: not clipping(m))
    def chart(self, style: Style) -> Figure:
        """What initialisations leave of a gradient, or what a truncation drops."""
        return self.part.main_picture(self, style)

    @picture("side", title="Side by side", heights=(300, 300, 300))
    def beside(self, style: Style) -> Figure:
        """The gradient and what clipping makes of it; each initialisation's end; each truncation's error."""
        return self.part.side_picture(self, style)

    @picture("below", heights=(320, 320, 300), when=lambda m: not (m.veiled or initialising(m)))
    def by_lag(self, style: Style) -> Figure:
        """The terms of a gradient by lag, whole and clipped, or whole and truncated."""
        return self.part.lower_picture(self, style)
