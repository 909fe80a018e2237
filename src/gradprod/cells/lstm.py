"""The LSTM, with optional peepholes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from gradprod.activations import SIGMOID, TANH, FloatArray, sigmoid_and_complement
from gradprod.cells.algebra import DIAGONAL, SCALAR, VECTOR, Algebra
from gradprod.cells.base import Arrays, Cell, Parameter, Step


class _LSTM(Cell):
    parts = ("c", "h")
    enters: ClassVar = {
        "forget_weight": ("f", "x"),
        "forget_recurrent_weight": ("f", "h"),
        "forget_peephole": ("f", "c"),
        "forget_bias": ("f", "1"),
        "input_gate_weight": ("i", "x"),
        "input_gate_recurrent_weight": ("i", "h"),
        "input_gate_peephole": ("i", "c"),
        "input_gate_bias": ("i", "1"),
        "candidate_weight": ("u", "x"),
        "candidate_recurrent_weight": ("u", "h"),
        "candidate_bias": ("u", "1"),
        "output_gate_weight": ("o", "x"),
        "output_gate_recurrent_weight": ("o", "h"),
        "output_gate_peephole": ("o", "new c"),  # the c_t just made
        "output_gate_bias": ("o", "1"),
    }

    forget_recurrent_weight: Any
    input_gate_recurrent_weight: Any
    candidate_recurrent_weight: Any
    output_gate_recurrent_weight: Any
    forget_peephole: Any
    input_gate_peephole: Any
    output_gate_peephole: Any

    @cached_property
    def has_peepholes(self) -> bool:
        """Whether a peephole is anything but 0."""
        return any(
            np.any(p) for p in (self.forget_peephole, self.input_gate_peephole, self.output_gate_peephole)
        )

    def activate(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays]:
        return self._activate(before, drive, SIGMOID.value)

    def activate_for_partials(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays, Arrays]:
        complements = []

        def sigmoid(a: FloatArray) -> Any:
            value, complement = sigmoid_and_complement(a)
            complements.append(complement)
            return value

        pre_activations, gates = self._activate(before, drive, sigmoid)
        return pre_activations, gates, dict(zip("fio", complements, strict=True))

    def _activate(
        self, before: Arrays, drive: Arrays, sigmoid: Callable[[FloatArray], Any]
    ) -> tuple[Arrays, Arrays]:
        # σ is taken of f, then i, then o
        A, P = self.algebra, self.weight_algebra("c")
        c, h = before["c"], before["h"]
        a_f = A.apply(self.forget_recurrent_weight, h) + drive["f"]
        a_i = A.apply(self.input_gate_recurrent_weight, h) + drive["i"]
        a_o = A.apply(self.output_gate_recurrent_weight, h) + drive["o"]
        u = A.apply(self.candidate_recurrent_weight, h) + drive["u"]
        if self.has_peepholes:
            a_f = a_f + P.apply(self.forget_peephole, c)
            a_i = a_i + P.apply(self.input_gate_peephole, c)
        f, i, candidate = sigmoid(a_f), sigmoid(a_i), TANH.value(u)
        if self.has_peepholes:
            a_o = a_o + P.apply(self.output_gate_peephole, f * c + i * candidate)
        return (
            {"f": a_f, "i": a_i, "o": a_o, "u": u},
            {"f": f, "i": i, "o": sigmoid(a_o), "candidate": candidate},
        )

    def update(self, before: Arrays, pre_activations: Arrays, gates: Arrays) -> Arrays:
        c = gates["f"] * before["c"] + gates["i"] * gates["candidate"]
        return {"c": c, "h": gates["o"] * TANH.value(c)}

    def partials(self, step: Step) -> Arrays:
        a, gates, c = step.pre_activations, step.gates, step.after["c"]
        off = step.complements or {gate: SIGMOID.value(-a[gate]) for gate in "fio"}
        return {
            "keep": gates["f"],  # ∂c_t/∂c_{t−1}, gates held
            "f": gates["f"] * off["f"] * step.before["c"],  # ∂c_t/∂a_f
            "i": gates["i"] * off["i"] * gates["candidate"],  # ∂c_t/∂a_i
            "u": TANH.slope(a["u"]) * gates["i"],  # ∂c_t/∂u_t
            "show": TANH.slope(c) * gates["o"],  # ∂h_t/∂c_t, gate held
            "o": off["o"] * step.after["h"],  # ∂h_t/∂a_o = o (1 − o) tanh c
        }

    def jacobian(self, partials: Arrays) -> Arrays:
        A, P, d = self.algebra, self.weight_algebra("c"), partials
        cc = A.diagonal(d["keep"])
        ch = (
            A.scale(d["f"], self.forget_recurrent_weight)
            + A.scale(d["i"], self.input_gate_recurrent_weight)
            + A.scale(d["u"], self.candidate_recurrent_weight)
        )
        if self.has_peepholes:
            cc = cc + P.scale(d["f"], self.forget_peephole) + P.scale(d["i"], self.input_gate_peephole)
        hc = A.scale(d["show"], cc)
        hh = A.scale(d["show"], ch) + A.scale(d["o"], self.output_gate_recurrent_weight)
        if self.has_peepholes:  # o_t peeps at c_t
            hc = hc + A.scale(d["o"], P.compose(self.output_gate_peephole, cc))
            hh = hh + A.scale(d["o"], P.compose(self.output_gate_peephole, ch))
        return {"cc": cc, "ch": ch, "hc": hc, "hh": hh}

    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        T, PT, d = self.algebra.apply_transposed, self.weight_algebra("c").apply_transposed, partials
        o = d["o"] * state["h"]
        c = state["c"] + d["show"] * state["h"]
        if self.has_peepholes:
            c = c + PT(self.output_gate_peephole, o)
        f, i, u = d["f"] * c, d["i"] * c, d["u"] * c
        before_c = d["keep"] * c
        if self.has_peepholes:
            before_c = before_c + PT(self.forget_peephole, f) + PT(self.input_gate_peephole, i)
        before_h = (
            T(self.forget_recurrent_weight, f)
            + T(self.input_gate_recurrent_weight, i)
            + T(self.candidate_recurrent_weight, u)
            + T(self.output_gate_recurrent_weight, o)
        )
        return {"c": before_c, "h": before_h}, {"f": f, "i": i, "o": o, "u": u}

    def signals(self, step: Step) -> Arrays:
        return super().signals(step) | {"new c": step.after["c"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalarLSTM(_LSTM):
    """Scalar LSTM cell; p = 0 is the ordinary one.

        i_t = σ(W_i x_t + U_i h_{t−1} + p_i c_{t−1} + b_i)
        f_t = σ(W_f x_t + U_f h_{t−1} + p_f c_{t−1} + b_f)
        ĉ_t = tanh(W_c x_t + U_c h_{t−1} + b_c)        c_t = f_t c_{t−1} + i_t ĉ_t
        o_t = σ(W_o x_t + U_o h_{t−1} + p_o c_t + b_o)        h_t = o_t tanh(c_t)

    Its state is (c, h), so J_t is 2 × 2.

    Parameters
    ----------
    forget_weight, forget_recurrent_weight, forget_peephole, forget_bias : array_like, shape (...)
        W_f, U_f, p_f, b_f; all parameters broadcast.
    input_gate_weight, input_gate_recurrent_weight, input_gate_peephole, input_gate_bias : array_like
        W_i, U_i, p_i, b_i.
    candidate_weight, candidate_recurrent_weight, candidate_bias : array_like
        W_c, U_c, b_c.
    output_gate_weight, output_gate_recurrent_weight, output_gate_peephole, output_gate_bias : array_like
        W_o, U_o, p_o, b_o; the output gate peeps at the new c_t.
    """

    algebra = SCALAR

    forget_weight: Parameter = 0.5
    forget_recurrent_weight: Parameter = 0.5
    forget_peephole: Parameter = 0.0
    forget_bias: Parameter = 1.0
    input_gate_weight: Parameter = 0.5
    input_gate_recurrent_weight: Parameter = 0.5
    input_gate_peephole: Parameter = 0.0
    input_gate_bias: Parameter = 0.0
    candidate_weight: Parameter = 0.5
    candidate_recurrent_weight: Parameter = 0.5
    candidate_bias: Parameter = 0.0
    output_gate_weight: Parameter = 0.5
    output_gate_recurrent_weight: Parameter = 0.5
    output_gate_peephole: Parameter = 0.0
    output_gate_bias: Parameter = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorLSTM(_LSTM):
    """Vector LSTM cell; p = 0 is the ordinary one.

        i_t = σ(W_i x_t + U_i h_{t−1} + p_i ⊙ c_{t−1} + b_i)
        f_t = σ(W_f x_t + U_f h_{t−1} + p_f ⊙ c_{t−1} + b_f)
        ĉ_t = tanh(W_c x_t + U_c h_{t−1} + b_c)        c_t = f_t ⊙ c_{t−1} + i_t ⊙ ĉ_t
        o_t = σ(W_o x_t + U_o h_{t−1} + p_o ⊙ c_t + b_o)        h_t = o_t ⊙ tanh(c_t)

    Its state is (c, h), so J_t is 2n × 2n.

    Parameters
    ----------
    forget_weight, input_gate_weight, candidate_weight, output_gate_weight : array_like, shape (..., n, m)
        W_f, W_i, W_c, W_o. 0 stands for a matrix of zeros here and below.
    forget_recurrent_weight, input_gate_recurrent_weight : array_like, shape (..., n, n)
        U_f, U_i.
    candidate_recurrent_weight, output_gate_recurrent_weight : array_like, shape (..., n, n)
        U_c, U_o.
    forget_peephole, input_gate_peephole, output_gate_peephole : array_like, shape (..., n) or (..., n, n)
        p_f, p_i, p_o; the output gate peeps at the new c_t.
    forget_bias, input_gate_bias, candidate_bias, output_gate_bias : array_like, shape (..., n)
        b_f, b_i, b_c, b_o.
    peepholes : {"diagonal", "matrix"}
        "diagonal": p ⊙ c, with p of shape (..., n). "matrix": P c, with P of shape (..., n, n).
    """

    algebra = VECTOR

    forget_weight: Parameter = 0.0
    forget_recurrent_weight: Parameter = 0.0
    forget_peephole: Parameter = 0.0
    forget_bias: Parameter = 0.0
    input_gate_weight: Parameter = 0.0
    input_gate_recurrent_weight: Parameter = 0.0
    input_gate_peephole: Parameter = 0.0
    input_gate_bias: Parameter = 0.0
    candidate_weight: Parameter = 0.0
    candidate_recurrent_weight: Parameter = 0.0
    candidate_bias: Parameter = 0.0
    output_gate_weight: Parameter = 0.0
    output_gate_recurrent_weight: Parameter = 0.0
    output_gate_peephole: Parameter = 0.0
    output_gate_bias: Parameter = 0.0
    peepholes: str = "diagonal"

    def __post_init__(self) -> None:
        if self.peepholes not in ("diagonal", "matrix"):
            raise ValueError(f"peepholes must be 'diagonal' or 'matrix', got {self.peepholes!r}")
        super().__post_init__()

    def weight_algebra(self, of: str) -> Algebra:
        return DIAGONAL if of.endswith("c") and self.peepholes == "diagonal" else VECTOR
