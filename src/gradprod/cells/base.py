"""What every cell is: parameters, a step, elementwise partials, and the Jacobian and adjoint made of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, TypeAlias

import numpy as np

from gradprod.activations import FloatArray
from gradprod.cells.algebra import DIAGONAL, Algebra
from gradprod.cells.shapes import as_floats, fitted, joint_leading

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
    pre_activations : dict of ndarray, shape (...) or (..., n)
        What each gate's σ, and the candidate's φ, was applied to. Those that depend on the input alone keep
        to the axes that they vary along.
    gates : dict of ndarray, shape (...) or (..., n)
        Gate and candidate values.
    complements : dict of ndarray, shape (...) or (..., n)
        1 − σ of the gates of which a cell computes it along with σ.
    """

    inputs: FloatArray
    before: Arrays
    after: Arrays
    pre_activations: Arrays
    gates: Arrays
    complements: Arrays = field(default_factory=dict)

    def until(self, stop: int) -> "Step":
        """The first ``stop`` of many steps, which are the first axis of every array."""

        def first(arrays: Arrays) -> Arrays:
            return {name: array[:stop] for name, array in arrays.items()}

        return Step(
            inputs=self.inputs[:stop],
            before=first(self.before),
            after=first(self.after),
            pre_activations=first(self.pre_activations),
            gates=first(self.gates),
            complements=first(self.complements),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Cell(ABC):
    """A recurrent cell: equations stated once over ``algebra``. `gradprod.cells` describes what it offers."""

    algebra: ClassVar[Algebra]
    parts: ClassVar[tuple[str, ...]]
    enters: ClassVar[dict[str, tuple[str, str]]]
    """Each parameter's pre-activation, and what it weighs there: "x", a part of the state, "1" for a bias."""

    def __post_init__(self) -> None:
        values = {name: as_floats(name, getattr(self, name)) for name in self.enters}
        for name, array in fitted(type(self).__name__, values, self._axes).items():
            array.setflags(write=False)
            object.__setattr__(self, name, array[()])
        joint_leading(self._leading)

    @cached_property
    def parameters(self) -> Arrays:
        """Every parameter by name."""
        return {name: getattr(self, name) for name in self.enters}

    @cached_property
    def leading(self) -> tuple[int, ...]:
        """The leading axes that the parameters broadcast to."""
        return joint_leading(self._leading)

    @cached_property
    def width(self) -> tuple[int, ...]:
        """The trailing axes of a part of the state: () of a scalar cell, (n,) of a vector cell."""
        return self._lengths("n")

    @cached_property
    def input_width(self) -> tuple[int, ...]:
        """The trailing axes of an input: () of a scalar cell, (m,) of a vector cell."""
        return self._lengths("m")

    def _lengths(self, letter: str) -> tuple[int, ...]:
        return next(
            (self.parameters[name].shape[-1:] for name, axes in self._axes.items() if axes[-1:] == letter), ()
        )

    @cached_property
    def _axes(self) -> dict[str, str]:
        return {name: self._axes_of(of) if self.algebra.axes else "" for name, (_, of) in self.enters.items()}

    def _axes_of(self, signal: str) -> str:
        if signal == "1" or self.weight_algebra(signal) is DIAGONAL:
            return "n"
        return "nm" if signal == "x" else "nn"

    @property
    def _leading(self) -> dict[str, tuple[int, ...]]:
        return {
            name: array.shape[: array.ndim - len(self._axes[name])] for name, array in self.parameters.items()
        }

    @property
    def jacobian_sees_state(self) -> bool:
        """Whether J_t depends on the state; where it doesn't, products outlive a state that overflows."""
        return True

    def weight_algebra(self, signal: str) -> Algebra:
        """The algebra of a signal's weights."""
        return self.algebra

    def drive(self, inputs: FloatArray) -> Arrays:
        """What the inputs alone decide, all steps at once: W x + b of each pre-activation that they enter."""
        drive = {
            into: self.algebra.apply(self.parameters[name], inputs)
            for name, (into, of) in self.enters.items()
            if of == "x"
        }
        for name, (into, of) in self.enters.items():
            if of == "1" and into in drive:
                drive[into] = drive[into] + self.parameters[name]
        return drive

    @abstractmethod
    def activate(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays]:
        """The pre-activations and the gates of one step, from the state before it and its drive."""

    def activate_for_partials(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays, Arrays]:
        """As `activate`, with what a `Step` calls complements: for steps whose partials are wanted too."""
        return *self.activate(before, drive), {}

    @abstractmethod
    def update(self, before: Arrays, pre_activations: Arrays, gates: Arrays) -> Arrays:
        """The state after one step."""

    def step(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays, Arrays]:
        """The state after one step, its pre-activations and its gates."""
        pre_activations, gates = self.activate(before, drive)
        return self.update(before, pre_activations, gates), pre_activations, gates

    @abstractmethod
    def partials(self, step: Step) -> Arrays:
        """The elementwise partial derivatives that Jacobian and adjoint are made of."""

    @abstractmethod
    def jacobian(self, partials: Arrays) -> Arrays:
        """The blocks of ∂state_t/∂state_{t−1} by name, "ch" being ∂c_t/∂h_{t−1}."""

    def scaled_partials(self, step: Step) -> tuple[Arrays, Any]:
        """Partials that are short of a power of two, and its exponent: 0 unless all would underflow."""
        return self.partials(step), 0

    @abstractmethod
    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        """From λ_t = ∂L/∂state_t by part: J_tᵀ λ_t by part, and the adjoint of each pre-activation."""

    def factors(self, step: Step) -> tuple[FloatArray, FloatArray]:
        """Sign and natural log magnitude of J_t, where the state is one number; saturation costs no digit."""
        raise ValueError(
            f"step factors need a state of one number, got {type(self).__name__}; use matrix_product"
        )

    def signals(self, step: Step) -> Arrays:
        """What each parameter but a bias is a weight of."""
        return {"x": step.inputs, **step.before}

    def parameter_vjp(self, step: Step, pre_activations: Arrays) -> Arrays:
        """(∂⁺state_t/∂θ)ᵀ λ_t of every parameter θ, from the adjoints of the pre-activations.

        Leading axes, steps among them, are kept: each step's term can be read.
        """
        signals = self.signals(step)
        return {
            name: pre_activations[into]
            if of == "1"
            else self.weight_algebra(of).outer(pre_activations[into], signals[of])
            for name, (into, of) in self.enters.items()
        }

    def parameter_sum(self, step: Step, pre_activations: Arrays) -> Arrays:
        """The sum of `parameter_vjp` over steps, the first axis, without holding a term for each."""
        signals = self.signals(step)
        return {
            name: pre_activations[into].sum(axis=0)
            if of == "1"
            else self.weight_algebra(of).outer_sum(pre_activations[into], signals[of])
            for name, (into, of) in self.enters.items()
        }

    def input_adjoint(self, partials: Arrays, pre_activations: Arrays) -> FloatArray:
        """(∂⁺state_t/∂x_t)ᵀ λ_t, from the adjoints of the pre-activations."""
        terms = [
            self.algebra.apply_transposed(self.parameters[name], pre_activations[into])
            for name, (into, of) in self.enters.items()
            if of == "x"
        ]
        total: FloatArray = sum(terms[1:], terms[0])
        return total

    def output(self, step: Step) -> FloatArray:
        """What a readout sees: the last part of the state, unless the cell says otherwise."""
        return step.after[self.parts[-1]]

    def output_adjoint(self, partials: Arrays, output: FloatArray) -> tuple[Arrays, Arrays]:
        """From ∂L/∂output_t: adjoints of the state by part, and of pre-activations that it alone sees."""
        zero = np.zeros(np.shape(output))
        return {part: zero for part in self.parts[:-1]} | {self.parts[-1]: output}, {}


def log_magnitude(x: Any) -> Any:
    """ln |x|, −inf at 0 without a warning."""
    with np.errstate(divide="ignore"):
        return np.log(np.abs(x))
