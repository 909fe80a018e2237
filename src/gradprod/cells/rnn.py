"""The plain recurrent cell."""

from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any, ClassVar

import numpy as np

from gradprod.activations import Activation, FloatArray, activation
from gradprod.cells.algebra import SCALAR, VECTOR
from gradprod.cells.base import Arrays, Cell, Parameter, Step, log_magnitude

LOG_2 = log(2.0)


class _RNN(Cell):
    activation: str
    recurrent_weight: Any

    def __post_init__(self) -> None:
        activation(self.activation)
        super().__post_init__()

    @cached_property
    def phi(self) -> Activation:
        """φ."""
        return activation(self.activation)

    @property
    def jacobian_sees_state(self) -> bool:
        return self.activation != "linear"

    def activate(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays]:
        (part,) = self.parts
        return {"u": self.algebra.apply(self.recurrent_weight, before[part]) + drive["u"]}, {}

    def update(self, before: Arrays, pre_activations: Arrays, gates: Arrays) -> Arrays:
        (part,) = self.parts
        return {part: self.phi.value(pre_activations["u"])}

    def partials(self, step: Step) -> Arrays:
        return {"u": self.phi.slope(step.pre_activations["u"])}

    def jacobian(self, partials: Arrays) -> Arrays:
        (part,) = self.parts
        return {part + part: self.algebra.scale(partials["u"], self.recurrent_weight)}

    def scaled_partials(self, step: Step) -> tuple[Arrays, Any]:
        u = step.pre_activations["u"]
        slope = np.asarray(self.phi.slope(u))
        if (slope > 1e-200).all():
            return {"u": slope}, 0
        logs = np.asarray(self.phi.log_slope(u))
        largest = logs.max(axis=-1) if self.algebra.axes else logs
        exponent = np.where(np.isfinite(largest), np.ceil(largest / LOG_2), 0.0)
        shift = exponent[..., None] if self.algebra.axes else exponent
        return {"u": np.exp(logs - shift * LOG_2)}, exponent.astype(np.int64)

    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        (part,) = self.parts
        d = partials["u"] * state[part]
        return {part: self.algebra.apply_transposed(self.recurrent_weight, d)}, {"u": d}


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalarRNN(_RNN):
    """Scalar recurrent cell.

        u_t = W_x X_t + W_s S_{t−1} + b_1        S_t = φ(u_t)        J_t = φ′(u_t) W_s

    Parameters
    ----------
    activation : {"tanh", "linear", "sigmoid"}
        φ.
    recurrent_weight, input_weight, bias : array_like, shape (...)
        W_s, W_x, b_1; they broadcast.
    """

    algebra = SCALAR
    parts = ("S",)
    enters: ClassVar = {"recurrent_weight": ("u", "S"), "input_weight": ("u", "x"), "bias": ("u", "1")}

    activation: str = "tanh"
    recurrent_weight: Parameter = 0.9
    input_weight: Parameter = 0.5
    bias: Parameter = 0.0

    def factors(self, step: Step) -> tuple[FloatArray, FloatArray]:
        """Sign and natural log magnitude of J_t, straight from u_t."""
        log = self.phi.log_slope(step.pre_activations["u"]) + log_magnitude(self.recurrent_weight)
        return np.broadcast_to(np.sign(self.recurrent_weight), log.shape), log


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorRNN(_RNN):
    """Vector recurrent cell.

        u_t = W h_{t−1} + U x_t + b        h_t = φ(u_t)        J_t = diag(φ′(u_t)) W

    Parameters
    ----------
    activation : {"tanh", "linear", "sigmoid"}
        φ.
    recurrent_weight : array_like, shape (..., n, n)
        W.
    input_weight : array_like, shape (..., n, m)
        U; 0 stands for zeros with m = 1.
    bias : array_like, shape (..., n)
        b.
    """

    algebra = VECTOR
    parts = ("h",)
    enters: ClassVar = {"recurrent_weight": ("u", "h"), "input_weight": ("u", "x"), "bias": ("u", "1")}

    activation: str = "tanh"
    recurrent_weight: Parameter = 0.0
    input_weight: Parameter = 0.0
    bias: Parameter = 0.0
