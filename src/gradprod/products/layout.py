"""How a product's matrices lie in memory: as BLAS wants them, or one array for each entry of a whole grid."""

from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np

from gradprod.activations import FloatArray
from gradprod.cells import Arrays
from gradprod.unroll import Trajectory


class Stacked:
    """Matrices along the last two axes, (..., N, N), multiplied one by one."""

    def __init__(self, trajectory: Trajectory) -> None:
        self.parts = trajectory.cell.parts
        self.scalar = not trajectory.cell.width
        self.grid = trajectory.leading
        self.n = prod(trajectory.cell.width)
        self.size = self.n * len(self.parts)

    def empty(self, length: int) -> FloatArray:
        """Room for ``length`` matrices."""
        return np.empty((length, *self.grid, self.size, self.size))

    def identity(self) -> FloatArray:
        """One identity matrix."""
        return np.eye(self.size)

    def assemble(self, blocks: Arrays) -> Any:
        """Jacobians of many steps from their blocks, steps along the first axis."""
        if self.scalar:
            blocks = {name: array[..., None, None] for name, array in blocks.items()}
        if len(self.parts) == 1:
            return next(iter(blocks.values()))
        steps = max(len(array) for array in blocks.values())
        J = self.empty(steps)
        for i, row in enumerate(self.parts):
            for j, column in enumerate(self.parts):
                J[..., i * self.n : (i + 1) * self.n, j * self.n : (j + 1) * self.n] = blocks[row + column]
        return J

    def each(self, J: Any, order: Iterable[int]) -> list[Any]:
        """The Jacobians of single steps, in some order."""
        return [J[t] for t in order]

    def multiply(self, A: Any, B: Any, out: FloatArray) -> Any:
        """A B into ``out``."""
        return np.matmul(A, B, out=out)

    def square(self, A: FloatArray) -> Any:
        """Squared Frobenius norm of each matrix."""
        if self.grid:
            return np.einsum("...ij,...ij->...", A, A)
        entries = A.reshape(-1)
        return entries @ entries

    def fits(self, square: Any, low: float, high: float) -> bool:
        """Whether all numbers lie between two."""
        if self.grid:
            return bool((square > low).all() and (square < high).all())
        return bool(low < square < high)

    def largest(self, A: FloatArray) -> Any:
        """The largest magnitude in each matrix."""
        return np.abs(A).max(axis=(-2, -1))

    def scale(self, A: FloatArray, factor: Any) -> None:
        """Each matrix times its factor, in place."""
        A *= factor[..., None, None]

    def public(self, A: FloatArray) -> FloatArray:
        """(L, ..., N, N) as (..., L, N, N)."""
        return np.moveaxis(A, 0, -3)


class Elementwise(Stacked):
    """Matrices along the first two axes, (N, N, ...), each entry an array over the grid. For small N and large grids."""

    def empty(self, length: int) -> FloatArray:
        return np.empty((length, self.size, self.size, *self.grid))

    def identity(self) -> FloatArray:
        return np.eye(self.size).reshape(self.size, self.size, *(1 for _ in self.grid))

    def assemble(self, blocks: Arrays) -> Any:
        return [[blocks[row + column] for column in self.parts] for row in self.parts]

    def each(self, J: Any, order: Iterable[int]) -> list[Any]:
        return [[[entry[t] for entry in row] for row in J] for t in order]

    def multiply(self, A: Any, B: Any, out: FloatArray) -> Any:
        for i in range(self.size):
            for k in range(self.size):
                entry = out[i, k]
                np.multiply(A[i][0], B[0][k], out=entry)
                for j in range(1, self.size):
                    entry += A[i][j] * B[j][k]
        return out

    def square(self, A: FloatArray) -> Any:
        return np.einsum("ij...,ij...->...", A, A)

    def largest(self, A: FloatArray) -> Any:
        return np.abs(A).max(axis=(0, 1))

    def scale(self, A: FloatArray, factor: Any) -> None:
        A *= factor

    def public(self, A: FloatArray) -> FloatArray:
        return np.moveaxis(A, (0, 1, 2), (-3, -2, -1))


def layout(trajectory: Trajectory) -> Stacked:
    """The faster one."""
    many = not trajectory.cell.width and prod(trajectory.leading) >= 16
    return Elementwise(trajectory) if many else Stacked(trajectory)
