"""What lessons share that follow one gradient product of one cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.analysis.readouts import Readouts, readouts
from gradprod.analysis.rounding import rounding_horizon
from gradprod.analysis.spread import Spread
from gradprod.explorers.calls import cell_call
from gradprod.explorers.controls import Layer
from gradprod.explorers.model import Figure, Verdict, cached
from gradprod.explorers.reading import product_verdict
from gradprod.explorers.sequence import SEEDS, SequenceExplorer
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.products import LogProduct, gradient_product
from gradprod.unroll import Trajectory, unroll

ROUNDED = 9.0
"""log₁₀ to which a product has to grow before a rounding may matter: 10⁻¹⁶ is then 10⁻⁷."""


class ProductExplorer(SequenceExplorer):
    """A lesson about one product against lag: a subclass says what its `result` is."""

    threshold: Any = 0.01
    """What counts as remembered."""

    @property
    def trajectory(self) -> Any:
        """The run that it is of."""
        raise NotImplementedError

    @property
    def result(self) -> LogProduct:
        """The product."""
        raise NotImplementedError

    @cached
    def readout(self) -> Readouts:
        """Rate, memory and verdict."""
        return readouts(self.result, self.threshold)

    @cached
    def horizon(self) -> int | None:
        """The first step at which rounding decides where the run is."""
        if self.trajectory.leading:
            return None
        grown = np.max(self.result.log10, initial=0.0, where=np.isfinite(self.result.log10))
        return rounding_horizon(self.trajectory) if grown > ROUNDED else None

    def verdict(self) -> Verdict:
        return product_verdict(self.readout, self.result)

    def product_chart(self, curves: Sequence[Curve], style: Style, **more: Any) -> Figure:
        """Products against lag, with the guess and what is pinned."""
        return product_curve(
            curves, style, prediction=self.prediction_shown, veil=self.veiled, pins=self.pins, **more
        )


class CellExplorer(ProductExplorer):
    """A lesson about the product of one cell on the input: a subclass says what `cell` is.

    Where the run or its product is more than a matter of that, it says what `run` and `product` are.
    """

    show_band = Layer("band", "Band over seeds", when=lambda m: m.input == "noise")

    @property
    def cell(self) -> Any:
        """The cell at these settings."""
        raise NotImplementedError

    def run(self, inputs: ArrayLike) -> Trajectory:
        """The cell's run on some inputs."""
        run: Trajectory = unroll(self.cell, inputs)
        return run

    def product(self, run: Trajectory) -> LogProduct:
        """The product of a run against lag."""
        return gradient_product(run)

    @cached
    def trajectory(self) -> Trajectory:
        """The run on this input."""
        return self.run(self.inputs)

    @cached
    def result(self) -> LogProduct:
        """Its product."""
        return self.product(self.trajectory)

    @cached
    def band(self) -> LogProduct:
        """The same product on the noise of several seeds, shape (SEEDS, T + 1)."""
        return self.product(self.run(self.inputs_of_seeds))

    def with_band(self, curve: Curve) -> list[Curve]:
        """The picture's subject, and the band where it is asked for."""
        if not self.show_band or self.input != "noise" or self.veiled:
            return [curve]
        name = _("seeds {a} to {b}", a=self.seed, b=self.seed + SEEDS - 1)
        return [curve, Curve(self.band, name=name, cell=curve.cell)]

    def library_code(self) -> str:
        name = type(self.cell).__name__
        return f"""from gradprod import {name}, gradient_product, make_input, readouts, unroll

cell = {cell_call(self.cell)}
product = gradient_product(unroll(cell, {self.inputs_code()}))
print(product.log10, readouts(product, {self.threshold:.10g}))"""


def beside_lags(
    per_step: Mapping[str, ArrayLike], length: int, *, forward: bool = False
) -> dict[str, NDArray[np.float64]]:
    """Numbers of each step as columns beside lag 0 … T: the newest step at lag 1, or the first."""
    per_step = {"step": np.arange(1, length + 1), **per_step}
    return {
        name: np.concatenate([[math.nan], np.broadcast_to(v, (length,))[:: 1 if forward else -1]])
        for name, v in per_step.items()
    }


def band_columns(name: str, of: Spread) -> dict[str, NDArray[np.float64]]:
    """A median and its band as columns."""
    return {name: of.median, f"{name}_10th_percentile": of.low, f"{name}_90th_percentile": of.high}
