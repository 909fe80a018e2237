"""How a product's matrices lie in memory: as BLAS wants them, or an array over the grid for each entry."""

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np

from gradprod.activations import FloatArray
from gradprod.cells import Arrays, Cell

_LOW, _HIGH = 2.0**-240, 2.0**240


class Stacked:
    """Matrices along the last two axes, (..., N, N), multiplied one by one.

    ``assemble`` and ``public`` take steps along a first axis, if there are any.
    """

    def __init__(self, cell: Cell, grid: tuple[int, ...]) -> None:
        self.parts = cell.parts
        self.scalar = not cell.width
        self.grid = grid
        self.n = prod(cell.width)
        self.size = self.n * len(self.parts)

    def empty(self, length: int) -> FloatArray:
        """Room for ``length`` matrices."""
        return np.empty((length, *self.grid, self.size, self.size))

    def identity(self) -> FloatArray:
        """The identity matrix."""
        return np.eye(self.size)

    def assemble(self, blocks: Arrays) -> Any:
        """Jacobians from their blocks."""
        if self.scalar:
            blocks = {name: np.asarray(array)[..., None, None] for name, array in blocks.items()}
        if len(self.parts) == 1:
            return next(iter(blocks.values()))
        shape = np.broadcast_shapes(*(array.shape[:-2] for array in blocks.values()))
        J = np.empty((*shape, self.size, self.size))
        for i, row in enumerate(self.parts):
            for j, column in enumerate(self.parts):
                J[..., i * self.n : (i + 1) * self.n, j * self.n : (j + 1) * self.n] = blocks[row + column]
        return J

    def each(self, J: Any) -> Iterable[Any]:
        """The Jacobians of single steps."""
        return list(J)

    def multiply(self, A: Any, B: Any, out: FloatArray) -> Any:
        """A B into ``out``."""
        return np.matmul(A, B, out=out)

    def square(self, A: FloatArray) -> Any:
        """Squared Frobenius norm of each matrix."""
        if self.grid:
            return np.einsum("...ij,...ij->...", A, A)
        entries = A.reshape(-1)
        return entries @ entries

    def fits(self, square: Any) -> bool:
        """Whether squared norms are so far from what a float64 can hold that one step more loses nothing."""
        if self.grid:
            return bool(square.min() > _LOW and square.max() < _HIGH)
        return bool(_LOW < square < _HIGH)

    def rescale(self, A: FloatArray) -> tuple[Any, Any]:
        """Powers of two taken out of every matrix, in place: the new squared norms, and the exponents."""
        exponent = exponents(self._largest(A))
        self._scale(A, np.ldexp(1.0, -exponent))
        return self.square(A), exponent

    def _largest(self, A: FloatArray) -> Any:
        return np.abs(A).max(axis=(-2, -1))

    def _scale(self, A: FloatArray, factor: Any) -> None:
        A *= np.asarray(factor)[..., None, None]

    def public(self, A: FloatArray) -> FloatArray:
        """(L, ..., N, N) as (..., L, N, N)."""
        return np.moveaxis(A, 0, -3)


class Elementwise(Stacked):
    """Matrices along the first two axes, (N, N, ...): for small N and large grids."""

    def empty(self, length: int) -> FloatArray:
        return np.empty((length, self.size, self.size, *self.grid))

    def identity(self) -> FloatArray:
        return np.eye(self.size).reshape(self.size, self.size, *(1 for _ in self.grid))

    def assemble(self, blocks: Arrays) -> Any:
        return [[blocks[row + column] for column in self.parts] for row in self.parts]

    def each(self, J: Any) -> Iterable[Any]:
        return zip(*(zip(*row, strict=True) for row in J), strict=True)

    def multiply(self, A: Any, B: Any, out: FloatArray) -> Any:
        # One of the two is a Jacobian, entry by entry; of the other whole rows, or columns, are taken at once
        if isinstance(A, np.ndarray):  # (A B)ᵀ = Bᵀ Aᵀ
            A, B, out = list(zip(*B, strict=True)), A.swapaxes(0, 1), out.swapaxes(0, 1)
        for i, row in enumerate(A):
            np.multiply(row[0], B[0], out=out[i])
            for j in range(1, self.size):
                out[i] += row[j] * B[j]
        return out

    def square(self, A: FloatArray) -> Any:
        return np.einsum("ij...,ij...->...", A, A)

    def _largest(self, A: FloatArray) -> Any:
        return np.abs(A).max(axis=(0, 1))

    def _scale(self, A: FloatArray, factor: Any) -> None:
        A *= factor

    def public(self, A: FloatArray) -> FloatArray:
        return np.moveaxis(A, (0, 1, 2), (-3, -2, -1))


def layout(cell: Cell, grid: tuple[int, ...]) -> Stacked:
    """The faster one."""
    return Elementwise(cell, grid) if not cell.width and prod(grid) >= 16 else Stacked(cell, grid)


def exponents(top: Any) -> Any:
    """The exponents of numbers as powers of two; 0 for 0 and what is not finite."""
    return np.where(np.isfinite(top), np.frexp(top)[1], 0)
