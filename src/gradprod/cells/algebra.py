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

    def apply(self, W: FloatArray, v: FloatArray, /) -> Any:
        """W v."""
        return v @ W.T if W.ndim == 2 else (W @ v[..., None])[..., 0]

    def apply_transposed(self, W: FloatArray, d: FloatArray, /) -> Any:
        """Wᵀ d."""
        return d @ W if W.ndim == 2 else (d[..., None, :] @ W)[..., 0, :]

    def scale(self, d: FloatArray, W: FloatArray, /) -> Any:
        """diag(d) W."""
        return d[..., None] * W

    def compose(self, W: FloatArray, M: FloatArray, /) -> Any:
        """W M."""
        return W @ M

    def diagonal(self, d: FloatArray, /) -> Any:
        """diag(d)."""
        return d[..., None] * np.eye(d.shape[-1])

    def outer(self, d: FloatArray, v: FloatArray, /) -> Any:
        """d vᵀ, the derivative of dᵀ W v by W."""
        return d[..., :, None] * v[..., None, :]

    def outer_sum(self, d: FloatArray, v: FloatArray, /) -> Any:
        """Σ d vᵀ over the first axis, the steps."""
        return np.moveaxis(d, 0, -1) @ np.moveaxis(v, 0, -2)


class ScalarAlgebra(Algebra):
    """Weights and states are numbers; every product is elementwise over the leading axes."""

    axes = 0

    def apply(self, W: FloatArray, v: FloatArray, /) -> Any:
        return W * v

    apply_transposed = scale = compose = outer = apply

    def diagonal(self, d: FloatArray, /) -> Any:
        return d

    def outer_sum(self, d: FloatArray, v: FloatArray, /) -> Any:
        return (d * v).sum(axis=0)


class DiagonalAlgebra(Algebra):
    """Weights are diagonal matrices, kept as the vectors of their diagonals; blocks are full."""

    def apply(self, W: FloatArray, v: FloatArray, /) -> Any:
        return W * v

    apply_transposed = outer = apply

    def scale(self, d: FloatArray, W: FloatArray, /) -> Any:
        return self.diagonal(d * W)

    def compose(self, W: FloatArray, M: FloatArray, /) -> Any:
        return W[..., None] * M

    def outer_sum(self, d: FloatArray, v: FloatArray, /) -> Any:
        return (d * v).sum(axis=0)


SCALAR, VECTOR, DIAGONAL = ScalarAlgebra(), Algebra(), DiagonalAlgebra()
