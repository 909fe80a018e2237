"""What can be set in lesson 10, and what each of its remedies has to show."""

from __future__ import annotations

from typing import Any

from gradprod.explorers.controls import Choice, Layer, Length, Real, Whole, around_zero, phi, recurrent
from gradprod.explorers.model import Figure, Table
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.figures.product_curve import Curve
from gradprod.figures.theme import Style

INPUT = ("sequence_length", "input", "period", "seed", "standardised")
WEIGHTS, BIASES = (3.7, 5.2), (-2.8, -1.6)
"""The part of the cliff that is drawn."""
B_TICKS = (-2.8, -2.4, -2, -1.6)
DETAIL = "Start, seed, sizes"
REMEDIES = {"clipping": "Clip", "initialisation": "Initialise", "truncation": "Truncate"}
CELLS = {"plain": "plain, tanh", "lstm": "LSTM"}
DECADES, LENGTHS = (0.01, 0.1, 1, 10, 100), (1, 10, 100, 1000, 10_000)


def clipping(m: Any) -> bool:
    """Whether the page is about clipping; below, the same for the other two."""
    return bool(m.remedy == "clipping")


def initialising(m: Any) -> bool:
    return bool(m.remedy == "initialisation")


def truncating(m: Any) -> bool:
    return bool(m.remedy == "truncation")


def _truncates(m: Any, cell: str) -> bool:
    return truncating(m) and bool(m.cell_kind == cell)


CLIFF: dict[str, Any] = {"group": DETAIL, "when": clipping}
BOX: dict[str, Any] = {"group": DETAIL, "slider": False}


class Remedy(SequenceExplorer):
    """The controls of the lesson; a subclass for each remedy has its results, its words and its pictures."""

    sequence_length = Length(live=lambda m: not clipping(m))
    remedy = Choice("", "Remedy", "clipping", REMEDIES, key="remedy")
    threshold = Real(
        "θ", "clipping threshold", 1.0, low=0.01, high=100, ticks=DECADES, log=True, live=True, when=clipping
    )
    gain = Real("g", "gain", 1.0, low=0, high=2, ticks=(0, 0.5, 1, 1.5, 2), live=True, when=initialising)
    kept_steps = Whole(
        "K", "steps kept", 10, low=1, high=10_000, ticks=LENGTHS, log=True, live=True, when=truncating
    )
    cell_kind = Choice("", "Cell", "plain", CELLS, key="cell", when=truncating)
    recurrent_weight = recurrent(1.2, when=lambda m: clipping(m) or _truncates(m, "plain"))
    forget_bias = around_zero(
        "b_f", "forget bias", 3.0, reach=8, when=lambda m: initialising(m) or _truncates(m, "lstm")
    )
    longest = Whole(
        "", "longest memory, chrono", 100, key="T_max", low=2, high=10_000, slider=False, when=initialising
    )
    activation = phi("linear", "Activation φ of plain cells", when=lambda m: not truncating(m))
    weight = Real(
        "w", "start on the cliff", 4.2, low=WEIGHTS[0], high=WEIGHTS[1], step=0.01, ticks=(4, 4.5, 5), **CLIFF
    )
    offset = Real(
        "b", "start on the cliff", -2.12, low=BIASES[0], high=BIASES[1], step=0.01, ticks=B_TICKS, **CLIFF
    )
    learning_rate = Real("η", "learning rate", 0.15, key="eta", low=0.001, high=1, slider=False, **CLIFF)
    descent_steps = Whole("", "steps of descent", 12, key="steps", low=1, high=30, slider=False, **CLIFF)
    units = Whole("n", "units", 16, low=1, high=32, when=initialising, **BOX)
    network = Whole("", "seed of the weights", 7, key="net", low=0, high=9999, when=initialising, **BOX)
    delay = Whole("d", "the target is the input of d steps ago", 20, low=0, high=1000, when=truncating, **BOX)
    show_gaussian = Layer("gaussian", "Gaussian", True, when=initialising)
    show_orthogonal = Layer("orthogonal", "orthogonal", True, when=initialising)
    show_identity = Layer("identity", "identity", True, when=initialising)
    show_forget = Layer("forget", "forget bias", True, when=initialising)
    show_chrono = Layer("chrono", "chrono", True, when=initialising)

    def table(self) -> Table:
        """Numbers by lag or by steps kept."""
        raise NotImplementedError

    def main_picture(self, style: Style) -> Figure:
        """The main picture."""
        raise NotImplementedError

    def side_picture(self, style: Style) -> Figure:
        """What the remedy does, in a few bars or arrows."""
        raise NotImplementedError

    def lower_picture(self, style: Style) -> Figure:
        """The terms of a gradient by lag, with and without the remedy."""
        raise NotImplementedError

    def _pinned(self) -> list[Curve]:
        """The pinned curves of this remedy."""
        return [curve for remedy, curve in self.pins if remedy == self.remedy]
