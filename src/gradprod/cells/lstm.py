"""The LSTM, with optional peepholes."""

from dataclasses import dataclass
from typing import Any, ClassVar

from gradprod.activations import SIGMOID, TANH, FloatArray
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
        "output_gate_peephole": ("o", "new c"),
        "output_gate_bias": ("o", "1"),
    }

    forget_recurrent_weight: Any
    input_gate_recurrent_weight: Any
    candidate_recurrent_weight: Any
    output_gate_recurrent_weight: Any
    forget_peephole: Any
    input_gate_peephole: Any
    output_gate_peephole: Any

    @property
    def _recurrent(self) -> tuple[Any, Any, Any, Any]:
        """U_f, U_i, U_c, U_o."""
        return (
            self.forget_recurrent_weight,
            self.input_gate_recurrent_weight,
            self.candidate_recurrent_weight,
            self.output_gate_recurrent_weight,
        )

    @property
    def _peepholes(self) -> tuple[Any, Any, Any]:
        """p_f, p_i, p_o."""
        return self.forget_peephole, self.input_gate_peephole, self.output_gate_peephole

    def step(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays, Arrays]:
        A, P = self.algebra, self.weight_algebra("c")
        U_f, U_i, U_c, U_o = self._recurrent
        p_f, p_i, p_o = self._peepholes
        c, h = before["c"], before["h"]
        a_f = drive["f"] + A.apply(U_f, h) + P.apply(p_f, c)
        a_i = drive["i"] + A.apply(U_i, h) + P.apply(p_i, c)
        u = drive["u"] + A.apply(U_c, h)
        f, i, candidate = SIGMOID.value(a_f), SIGMOID.value(a_i), TANH.value(u)
        c = f * c + i * candidate
        a_o = drive["o"] + A.apply(U_o, h) + P.apply(p_o, c)
        o = SIGMOID.value(a_o)
        return (
            {"c": c, "h": o * TANH.value(c)},
            {"f": a_f, "i": a_i, "u": u, "o": a_o},
            {"f": f, "i": i, "candidate": candidate, "o": o},
        )

    def partials(self, step: Step) -> Arrays:
        a, gates, c = step.pre_activations, step.gates, step.after["c"]
        return {
            "keep": gates["f"],  # ∂c_t/∂c_{t−1}, gates held
            "f": step.before["c"] * SIGMOID.slope(a["f"]),  # ∂c_t/∂a_f, and so on
            "i": gates["candidate"] * SIGMOID.slope(a["i"]),
            "u": gates["i"] * TANH.slope(a["u"]),
            "show": gates["o"] * TANH.slope(c),  # ∂h_t/∂c_t, gate held
            "o": TANH.value(c) * SIGMOID.slope(a["o"]),  # ∂h_t/∂a_o
        }

    def jacobian(self, partials: Arrays) -> Arrays:
        A, P, d = self.algebra, self.weight_algebra("c"), partials
        U_f, U_i, U_c, U_o = self._recurrent
        p_f, p_i, p_o = self._peepholes

        def through_c(M: FloatArray) -> Any:  # ∂h_t/∂c_t M
            return A.scale(d["show"], M) + A.scale(d["o"], P.compose(p_o, M))

        cc = A.diagonal(d["keep"]) + P.scale(d["f"], p_f) + P.scale(d["i"], p_i)
        ch = A.scale(d["f"], U_f) + A.scale(d["i"], U_i) + A.scale(d["u"], U_c)
        return {"cc": cc, "ch": ch, "hc": through_c(cc), "hh": through_c(ch) + A.scale(d["o"], U_o)}

    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        A, P, d = self.algebra, self.weight_algebra("c"), partials
        U_f, U_i, U_c, U_o = self._recurrent
        p_f, p_i, p_o = self._peepholes
        o = d["o"] * state["h"]
        c = state["c"] + d["show"] * state["h"] + P.apply_transposed(p_o, o)
        f, i, u = d["f"] * c, d["i"] * c, d["u"] * c
        T = A.apply_transposed
        before = {
            "c": d["keep"] * c + P.apply_transposed(p_f, f) + P.apply_transposed(p_i, i),
            "h": T(U_f, f) + T(U_i, i) + T(U_c, u) + T(U_o, o),
        }
        return before, {"f": f, "i": i, "u": u, "o": o}

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
