"""What every cell is: parameters, a step, its elementwise partials, and the Jacobian and adjoint built from them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from gradprod.activations import FloatArray
from gradprod.cells.algebra import DIAGONAL, Algebra

Arrays: TypeAlias = dict[str, FloatArray]
Parameter: TypeAlias = Any  # array_like where a cell is made; a read-only float64 array afterwards


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One step of a cell, or many along leading axes.

    Parameters
    ----------
    inputs : ndarray, shape (...) or (..., m)
        x_t.
    before, after : dict of ndarray, shape (...) or (..., n)
        Each part of the state, at t − 1 and at t.
    pre_activations : dict of ndarray
        What each gate's σ, and the candidate's φ, was applied to.
    gates : dict of ndarray
        Gate and candidate values.
    """

    inputs: FloatArray
    before: Arrays
    after: Arrays
    pre_activations: Arrays
    gates: Arrays


def as_floats(name: str, value: Any) -> FloatArray:
    """``value`` as a new float64 array, all of it finite.

    Raises
    ------
    ValueError
        If it isn't numeric or holds NaN or infinity, naming where.
    """
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers, got {value!r}") from None
    wrong = ~np.isfinite(array)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        at = f" at index {where if len(where) > 1 else where[0]}" if where else ""
        raise ValueError(f"{name} must be finite, got {array[where]}{at}")
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell(ABC):
    """A recurrent cell. Subclasses state equations once, over ``self.algebra``; see `gradprod.cells` for the interface."""

    algebra: ClassVar[Algebra]
    parts: ClassVar[tuple[str, ...]]
    enters: ClassVar[dict[str, tuple[str, str]]]
    """Each parameter's pre-activation, and the signal it weighs there: "x", "1" for a bias, or a state's part."""

    def __post_init__(self) -> None:
        values = {name: as_floats(name, getattr(self, name)) for name in self.enters}
        for name, array in _fitted(self, values).items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def parameters(self) -> Arrays:
        """Every parameter by name."""
        return {name: getattr(self, name) for name in self.enters}

    @property
    def leading(self) -> tuple[int, ...]:
        """The leading axes that the parameters broadcast to."""
        return np.broadcast_shapes(*(_leading(self, name, array) for name, array in self.parameters.items()))

    @property
    def width(self) -> tuple[int, ...]:
        """The trailing axes of a state's part: () of a scalar cell, (n,) of a vector cell."""
        return self._width("1")

    @property
    def input_width(self) -> tuple[int, ...]:
        """The trailing axes of an input: () of a scalar cell, (m,) of a vector cell."""
        return self._width("x")

    def _width(self, signal: str) -> tuple[int, ...]:
        array = next(getattr(self, name) for name, (_, of) in self.enters.items() if of == signal)
        return array.shape[-1:] if self.algebra.axes else ()

    def weight_algebra(self, of: str) -> Algebra:
        """The algebra of the weights of a signal."""
        return self.algebra

    def drive(self, inputs: FloatArray) -> Arrays:
        """What the inputs alone decide, all steps at once: W x + b for each pre-activation that inputs enter."""
        total = {
            into: self.algebra.apply(getattr(self, name), inputs)
            for name, (into, of) in self.enters.items()
            if of == "x"
        }
        for name, (into, of) in self.enters.items():
            if of == "1" and into in total:
                total[into] = total[into] + getattr(self, name)
        return total

    @abstractmethod
    def step(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays, Arrays]:
        """The state after one step, its pre-activations and its gates."""

    @abstractmethod
    def partials(self, step: Step) -> Arrays:
        """The elementwise partial derivatives that Jacobian and adjoint are made of."""

    @abstractmethod
    def jacobian(self, partials: Arrays) -> Arrays:
        """The blocks of ∂state_t/∂state_{t−1} by name, "ch" being ∂c_t/∂h_{t−1}."""

    @abstractmethod
    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        """J_tᵀ λ_t by part of the state, and the adjoint of each pre-activation, from λ_t = ∂L/∂state_t by part."""

    def signals(self, step: Step) -> Arrays:
        """What each parameter is a weight of."""
        return {"x": step.inputs, "1": np.ones(()), **step.before}

    def parameter_vjp(self, step: Step, pre_activations: Arrays) -> Arrays:
        """(∂⁺state_t/∂θ)ᵀ λ_t for every parameter θ, from the adjoints of the pre-activations.

        Leading axes (steps among them) are kept, so that every step's term can be read; `parameter_gradient` sums over steps.
        """
        signals = self.signals(step)
        return {
            name: pre_activations[into]
            if of == "1"
            else self.weight_algebra(of).outer(pre_activations[into], signals[of])
            for name, (into, of) in self.enters.items()
        }

    def output(self, step: Step) -> FloatArray:
        """What a readout sees: the last part of the state, unless the cell says otherwise."""
        return step.after[self.parts[-1]]

    def output_adjoint(self, partials: Arrays, output: FloatArray) -> tuple[Arrays, Arrays]:
        """From ∂L/∂output_t, the adjoints of the state's parts and of the pre-activations that act on the output alone."""
        zero = np.zeros(np.shape(output))
        return {part: output if part == self.parts[-1] else zero for part in self.parts}, {}


def _trailing(cell: Cell, name: str) -> str:
    """The trailing axes of a parameter, a letter each: "nn", "nm", "n" or ""."""
    _, of = cell.enters[name]
    if not cell.algebra.axes:
        return ""
    if of == "1" or cell.weight_algebra(of) is DIAGONAL:
        return "n"
    return "nm" if of == "x" else "nn"


def _leading(cell: Cell, name: str, array: FloatArray) -> tuple[int, ...]:
    return array.shape[: array.ndim - len(_trailing(cell, name))]


def _fitted(cell: Cell, values: Arrays) -> Arrays:
    """Parameters checked against one another; in a vector cell a plain number stands for a vector of it, 0 for a matrix of zeros."""
    sizes = {"m": (1, "")}  # n and m: the length, and the parameter that sets it
    for name, array in values.items():
        letters = _trailing(cell, name)
        for letter, length in zip(
            letters, array.shape[-len(letters) :] if array.ndim >= len(letters) else (), strict=False
        ):
            if letter not in sizes or not sizes[letter][1]:
                sizes[letter] = (length, name)
    if cell.algebra.axes and "n" not in sizes:
        raise ValueError(
            f"{type(cell).__name__} needs a weight matrix or a bias vector that says how many units it has"
        )
    fitted = {}
    shape: tuple[int, ...] = ()
    shape_of = ""
    for name, array in values.items():
        letters = _trailing(cell, name)
        wanted = tuple(sizes[letter][0] for letter in letters)
        if array.ndim == 0 and (len(wanted) == 1 or array == 0):
            array = np.full(wanted, array)
        got = array.shape[max(array.ndim - len(wanted), 0) :]
        if got != wanted:
            wrong = [letter for letter, g, w in zip(letters, got, wanted, strict=False) if g != w] or [
                letters[0]
            ]
            other = sizes[wrong[0]][1]
            fit = f" to fit {other} of shape {values[other].shape}" if other != name else ""
            raise ValueError(
                f"{name} must have shape (..., {', '.join(map(str, wanted))}){fit}, got {array.shape}"
            )
        fitted[name] = array
        shape, shape_of = broadcast_or_say(shape, shape_of, _leading(cell, name, array), name)
    return fitted


def broadcast_or_say(
    shape: tuple[int, ...], name: str, other: tuple[int, ...], other_name: str
) -> tuple[tuple[int, ...], str]:
    """The broadcast of two leading shapes, and the name of the array that set it.

    Raises
    ------
    ValueError
        If they don't broadcast, naming both arrays and both shapes.
    """
    try:
        joint = np.broadcast_shapes(shape, other)
    except ValueError:
        raise ValueError(
            f"{other_name} with leading axes {other} does not broadcast with {name} with leading axes {shape}; "
            "give each of them its own axis, of length 1 in the other"
        ) from None
    return joint, (other_name if joint != shape else name)


def log_magnitude(x: Any) -> Any:
    """ln |x|, −inf at 0 without a warning."""
    with np.errstate(divide="ignore"):
        return np.log(np.abs(x))
