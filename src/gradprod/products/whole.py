"""The product over a whole run of which nothing is kept, for large grids."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.cells import Arrays, Cell, Step
from gradprod.products.layout import layout
from gradprod.products.windows import MatrixProduct
from gradprod.unroll import InitialState, check_inputs, prepare, time_first


def whole_product(cell: Cell, inputs: ArrayLike, initial_state: InitialState = 0.0) -> MatrixProduct:
    """∂state_T/∂state_0, carried along with the state: what `matrix_product` says of the longest lag.

    No step is kept, so that a grid of any size takes the memory of one step.

    Parameters
    ----------
    cell : Cell
        With leading axes (...).
    inputs, initial_state : array_like
        As in `unroll`.

    Returns
    -------
    MatrixProduct
        With one entry, L + 1 = 1.

    Raises
    ------
    ValueError
        As `unroll`.
    """
    x = check_inputs(cell, inputs)
    drive, now, shape = prepare(cell, x, initial_state)
    grid = shape[: len(shape) - cell.algebra.axes]
    place = layout(cell, grid)
    P, spare = place.empty(2)
    P[...] = place.identity()
    exponent = np.zeros(grid, dtype=np.int64)
    with np.errstate(over="ignore", invalid="ignore"):
        for x_t, driven in zip(time_first(x, cell, len(grid)), drive, strict=True):
            now, blocks, shift = _advance(cell, x_t, now, driven)
            place.multiply(place.assemble(blocks), P, out=spare)
            P, spare = spare, P
            exponent += shift
            square = place.square(P)
            if not place.fits(square):
                square, more = place.rescale(P)
                exponent += more
    return MatrixProduct(
        matrix=place.public(P[None]),
        exponent=exponent[..., None],
        squares=np.asarray(square)[..., None],
        parts=cell.parts,
        scalar=place.scalar,
    )


def _advance(cell: Cell, x_t: FloatArray, before: Arrays, driven: Arrays) -> tuple[Arrays, Arrays, Any]:
    # In a function of its own, so that what it computes on the way is freed at once and the cache used again
    pre, gates, complements = cell.activate_for_partials(before, driven)
    after = cell.update(before, pre, gates)
    step = Step(
        inputs=x_t, before=before, after=after, pre_activations=pre, gates=gates, complements=complements
    )
    partials, shift = cell.scaled_partials(step)
    return after, cell.jacobian(partials), shift
