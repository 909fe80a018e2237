"""The cells of lesson 11 on its input, each a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gradprod.analysis.own_cell import Step, diagonal_recurrence, leaky_rnn, own_cell
from gradprod.analysis.readouts import Readouts, readouts
from gradprod.cells import Cell, GatedCell, ScalarGRU, ScalarLSTM, ScalarMinGRU, ScalarRNN
from gradprod.explorers.borrowed import borrowed, reduced
from gradprod.explorers.calls import cell_call
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.products import LogProduct, block, gradient_product, matrix_product
from gradprod.unroll import unroll

THRESHOLD = 0.01
RATES = np.array((1.0, 0.9, 0.5))
"""The diagonal recurrence's rates, as multiples of its λ."""


class Call(NamedTuple):
    """An expression, and the names that it needs."""

    text: str
    imports: set[str]


class Kind(NamedTuple):
    """A cell of this lesson: its name, its controls, how it is made of them, and its first state.

    ``step`` is the call that makes it, where it is given as a function.
    """

    name: str
    uses: tuple[str, ...]
    make: Callable[..., Cell | Step]
    start: ArrayLike = 0.0
    step: str = ""

    def call(self, *values: float) -> Call:
        """The library's expression for the product of this cell on an input x."""
        made = self.make(*values)
        if not isinstance(made, Cell):
            step = self.step.format(*(f"{v:.10g}" for v in values))
            start = np.asarray(self.start, float).tolist()
            return Call(f"own_cell({step}, x, {start}).product", {"own_cell", step.partition("(")[0]})
        run, name = f"unroll({cell_call(made)}, x)", type(made).__name__
        if isinstance(made, ScalarLSTM):
            return Call(f'block(matrix_product({run}), "cc")', {"block", "matrix_product", "unroll", name})
        return Call(f"gradient_product({run})", {"gradient_product", "unroll", name})


KINDS = {
    "plain": Kind("plain", ("recurrent_weight",), lambda w: ScalarRNN(recurrent_weight=w)),
    "gated": Kind("gated (tanh)", ("forget_bias",), lambda b: GatedCell(forget_bias=b)),
    "lstm": Kind("LSTM", ("forget_bias",), lambda b: ScalarLSTM(forget_bias=b)),
    "gru": Kind("GRU", ("update_bias",), lambda b: ScalarGRU(update_bias=b)),
    "mingru": Kind("minGRU", ("update_bias",), lambda b: ScalarMinGRU(update_bias=b)),
    "leaky": Kind(
        "leaky RNN",
        ("recurrent_weight", "leak"),
        lambda w, a: leaky_rnn(a, w, 0.5),
        step="leaky_rnn({1}, {0}, 0.5)",
    ),
    "diagonal": Kind(
        "diagonal recurrence",
        ("rate",),
        lambda rate: diagonal_recurrence(rate * RATES),
        0 * RATES,
        "diagonal_recurrence([{0}, 0.9 * {0}, 0.5 * {0}])",
    ),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A cell on the input.

    Parameters
    ----------
    product : LogProduct
    cell : str
        What kind it is, as `gradprod.figures.product_curve.Curve` says.
    changed : str
        What had to be changed for so long an input.
    of_seeds : callable, optional
        Its products on the noise of several seeds, where it has equations.
    """

    product: LogProduct
    cell: str = "plain"
    changed: str = ""
    of_seeds: Callable[[], LogProduct] | None = None
    read: Readouts

    @property
    def rank(self) -> tuple[int, float]:
        """By memory, then by what is left."""
        return int(self.read.effective_memory), float(self.read.left_log10)


def of_kind(name: str, values: tuple[float, ...], page: SequenceExplorer) -> Line:
    """A cell of this lesson."""
    made = KINDS[name].make(*values)
    if not isinstance(made, Cell):
        return of_step(made, KINDS[name].start, page)
    return _line(_product(made, page.inputs), name, of_seeds=lambda: _product(made, page.inputs_of_seeds))


def of_step(step: Step, start: ArrayLike, page: SequenceExplorer) -> Line:
    """A cell that is given as a function."""
    return _line(own_cell(step, page.inputs, start).product)


def of_preset(name: str, page: SequenceExplorer) -> Line:
    """Another lesson's cell at one of its presets."""
    other = borrowed(name, page)
    seeds = (lambda: other.band) if hasattr(type(other), "band") else None
    return _line(other.result, other.curve().cell, changed=reduced(other), of_seeds=seeds)


def _line(product: LogProduct, cell: str = "plain", **more: Any) -> Line:
    return Line(product=product, cell=cell, read=readouts(product, THRESHOLD), **more)


def _product(cell: Cell, x: ArrayLike) -> LogProduct:
    """∂state_t/∂state_k; of an LSTM from c to c."""
    run = unroll(cell, x)
    found = block(matrix_product(run), "cc") if isinstance(cell, ScalarLSTM) else gradient_product(run)
    assert isinstance(found, LogProduct)
    return found
