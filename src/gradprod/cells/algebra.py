"""The products that a cell's equations need, for numbers, for vectors, and for diagonal matrices.

A cell states its equations once, over one of these. ``W`` is a weight, ``v`` a state or input, ``d`` the
diagonal of a matrix, ``M`` a block of a Jacobian; leading axes broadcast.
"""

from typing import Any

import numpy as np

from gradprod.activations import FloatArray


class Algebra:
    """Weights are matrices, states are vectors.

    ``W`` (..., n, m), ``v`` (..., m), ``d`` (..., n), ``M`` (..., n, n).
    """

    axes = 1
    """How many axes a state has after its leading ones."""

    def apply(self, W: FloatArray, v: FloatArray) -> Any:
        """W v."""
        return v @ W.T if W.ndim == 2 else (W @ v[..., None])[..., 0]

    def apply_transposed(self, W: FloatArray, d: FloatArray) -> Any:
        """Wᵀ d."""
        return d @ W if W.ndim == 2 else (d[..., None, :] @ W)[..., 0, :]

    def scale(self, d: FloatArray, W: FloatArray) -> Any:
        """diag(d) W."""
        return d[..., None] * W

    def compose(self, W: FloatArray, M: FloatArray) -> Any:
        """W M."""
        return W @ M

    def diagonal(self, d: FloatArray) -> Any:
        """diag(d)."""
        return d[..., None] * np.eye(d.shape[-1])

    def outer(self, d: FloatArray, v: FloatArray) -> Any:
        """d vᵀ, the derivative of dᵀ W v by W."""
        return d[..., :, None] * v[..., None, :]


def _times(a: FloatArray, b: FloatArray) -> Any:
    return a * b


class ScalarAlgebra(Algebra):
    """Weights and states are numbers; every product is elementwise over the leading axes."""

    axes = 0
    apply = apply_transposed = scale = compose = outer = staticmethod(_times)

    def diagonal(self, d: FloatArray) -> Any:
        return d


class DiagonalAlgebra(Algebra):
    """Weights are diagonal matrices, kept as the vectors of their diagonals; blocks are full."""

    apply = apply_transposed = outer = staticmethod(_times)

    def scale(self, d: FloatArray, W: FloatArray) -> Any:
        return self.diagonal(d * W)

    def compose(self, W: FloatArray, M: FloatArray) -> Any:
        return W[..., None] * M


SCALAR, VECTOR, DIAGONAL = ScalarAlgebra(), Algebra(), DiagonalAlgebra()
