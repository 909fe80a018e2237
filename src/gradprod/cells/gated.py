"""The simplified gated cell, its gates driven by the input alone."""

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from gradprod.activations import SIGMOID, Activation, FloatArray, activation, log_sigmoid
from gradprod.cells.algebra import SCALAR
from gradprod.cells.base import Arrays, Cell, Parameter, Step


@dataclass(frozen=True, kw_only=True, eq=False)
class GatedCell(Cell):
    """Scalar cell with forget, input and output gates that see the input only.

        f_t = σ(W_f X_t + b_f)        i_t = σ(W_i X_t + b_i)        o_t = σ(W_o′ X_t + b_o)
        u_t = f_t S_{t−1} + i_t X_t        S_t = φ(u_t)        h_t = o_t S_t        J_t = φ′(u_t) f_t

    Parameters
    ----------
    state_activation : {"tanh", "linear", "sigmoid"}
        φ.
    forget_weight, forget_bias : array_like, shape (...)
        W_f, b_f.
    input_gate_weight, input_gate_bias : array_like, shape (...)
        W_i, b_i.
    output_gate_weight, output_gate_bias : array_like, shape (...)
        W_o′, b_o; h_t = o_t S_t is what a readout sees, and the state product doesn't depend on them.
    """

    algebra = SCALAR
    parts = ("S",)
    enters: ClassVar = {
        "forget_weight": ("f", "x"),
        "forget_bias": ("f", "1"),
        "input_gate_weight": ("i", "x"),
        "input_gate_bias": ("i", "1"),
        "output_gate_weight": ("o", "x"),
        "output_gate_bias": ("o", "1"),
    }

    state_activation: str = "tanh"
    forget_weight: Parameter = 0.5
    forget_bias: Parameter = 1.0
    input_gate_weight: Parameter = 0.5
    input_gate_bias: Parameter = 0.0
    output_gate_weight: Parameter = 0.5
    output_gate_bias: Parameter = 0.0

    def __post_init__(self) -> None:
        activation(self.state_activation, called="state_activation")
        super().__post_init__()

    @cached_property
    def phi(self) -> Activation:
        """φ."""
        return activation(self.state_activation)

    def drive(self, inputs: FloatArray) -> Arrays:
        a = super().drive(inputs)
        gates = {gate + " value": SIGMOID.value(a[gate]) for gate in "fio"}
        return a | gates | {"iX": gates["i value"] * inputs}

    @property
    def jacobian_sees_state(self) -> bool:
        return self.state_activation != "linear"

    def activate(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays]:
        u = drive["f value"] * before["S"] + drive["iX"]
        return {"u": u} | {gate: drive[gate] for gate in "fio"}, {
            gate: drive[gate + " value"] for gate in "fio"
        }

    def update(self, before: Arrays, pre_activations: Arrays, gates: Arrays) -> Arrays:
        return {"S": self.phi.value(pre_activations["u"])}

    def partials(self, step: Step) -> Arrays:
        a, x = step.pre_activations, step.inputs
        return {
            "u": self.phi.slope(a["u"]),
            "f": SIGMOID.slope(a["f"]) * step.before["S"],
            "i": SIGMOID.slope(a["i"]) * x,
            "o": SIGMOID.slope(a["o"]) * step.after["S"],
            "keep": step.gates["f"],
            "write": step.gates["i"],
            "show": step.gates["o"],
        }

    def jacobian(self, partials: Arrays) -> Arrays:
        return {"SS": partials["u"] * partials["keep"]}

    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        d = partials["u"] * state["S"]
        return {"S": partials["keep"] * d}, {
            "u": d,
            "f": partials["f"] * d,
            "i": partials["i"] * d,
            "o": 0 * d,
        }

    def input_adjoint(self, partials: Arrays, pre_activations: Arrays) -> FloatArray:
        return super().input_adjoint(partials, pre_activations) + partials["write"] * pre_activations["u"]

    def output(self, step: Step) -> FloatArray:
        return step.gates["o"] * step.after["S"]

    def output_adjoint(self, partials: Arrays, output: FloatArray) -> tuple[Arrays, Arrays]:
        return {"S": partials["show"] * output}, {"o": partials["o"] * output}

    def factors(self, step: Step) -> tuple[FloatArray, FloatArray]:
        """Sign and natural log magnitude of J_t, straight from u_t and the forget gate's pre-activation."""
        a = step.pre_activations
        log = self.phi.log_slope(a["u"]) + log_sigmoid(a["f"])
        return np.ones(log.shape), log
