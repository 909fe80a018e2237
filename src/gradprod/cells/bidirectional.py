"""Two cells that read a sequence from both ends."""

from dataclasses import dataclass

from gradprod.cells.base import Cell


@dataclass(frozen=True, kw_only=True, eq=False)
class Bidirectional:
    """A pair of cells, one of which reads the sequence from its end.

        y_t = V_f h→_t + V_b h←_t + c

    ∂y_t/∂x_s uses the forward cell's product for s ≤ t and the backward cell's for s ≥ t.

    Parameters
    ----------
    forward, backward : Cell
        Any two cells, both scalar or both vector cells with inputs of the same width.

    Raises
    ------
    ValueError
        If one is a scalar cell and the other isn't, or their inputs differ in width.
    """

    forward: Cell
    backward: Cell

    def __post_init__(self) -> None:
        if self.forward.algebra.axes != self.backward.algebra.axes:
            names = f"{type(self.forward).__name__} and {type(self.backward).__name__}"
            raise ValueError(f"forward and backward must be both scalar or both vector cells, got {names}")
        if self.forward.input_width != self.backward.input_width:
            raise ValueError(
                "forward and backward must take inputs of the same width, got "
                f"{self.forward.input_width} and {self.backward.input_width}"
            )
