"""The GRU, its reset gate before or after the recurrent weight, and minGRU."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gradprod.activations import SIGMOID, TANH, FloatArray, log_sigmoid
from gradprod.cells.algebra import SCALAR, VECTOR
from gradprod.cells.base import Arrays, Cell, Parameter, Step, log_magnitude


class _GRU(Cell):
    parts = ("h",)
    enters: ClassVar = {
        "update_weight": ("z", "x"),
        "update_recurrent_weight": ("z", "h"),
        "update_bias": ("z", "1"),
        "reset_weight": ("r", "x"),
        "reset_recurrent_weight": ("r", "h"),
        "reset_bias": ("r", "1"),
        "candidate_weight": ("u", "x"),
        "candidate_recurrent_weight": ("v", "q"),  # v_t = U_h q_t + b′_h, q_t = r_t ⊙ h_{t−1} or h_{t−1}
        "candidate_bias": ("u", "1"),
        "candidate_recurrent_bias": ("v", "1"),
    }

    update_recurrent_weight: Any
    reset_recurrent_weight: Any
    candidate_recurrent_weight: Any
    candidate_recurrent_bias: Any
    reset: str

    def __post_init__(self) -> None:
        if self.reset not in ("before", "after"):
            raise ValueError(f"reset must be 'before' or 'after', got {self.reset!r}")
        super().__post_init__()
        if self.reset == "before" and np.any(self.candidate_recurrent_bias):
            raise ValueError(
                "candidate_recurrent_bias must be 0 with reset='before'; there it adds to candidate_bias"
            )

    def activate(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays]:
        A, h = self.algebra, before["h"]
        a_z = A.apply(self.update_recurrent_weight, h) + drive["z"]
        a_r = A.apply(self.reset_recurrent_weight, h) + drive["r"]
        r = SIGMOID.value(a_r)
        if self.reset == "before":
            v = A.apply(self.candidate_recurrent_weight, r * h)
            u = v + drive["u"]
        else:
            v = A.apply(self.candidate_recurrent_weight, h) + self.candidate_recurrent_bias
            u = r * v + drive["u"]
        return (
            {"z": a_z, "r": a_r, "u": u, "v": v},
            {"z": SIGMOID.value(a_z), "r": r, "candidate": TANH.value(u)},
        )

    def update(self, before: Arrays, pre_activations: Arrays, gates: Arrays) -> Arrays:
        kept = SIGMOID.value(-pre_activations["z"])  # 1 − z_t
        return {"h": kept * before["h"] + gates["z"] * gates["candidate"]}

    def partials(self, step: Step) -> Arrays:
        a, gates, h = step.pre_activations, step.gates, step.before["h"]
        u = gates["z"] * TANH.slope(a["u"])
        through = h if self.reset == "before" else u * a["v"]
        return {
            "keep": SIGMOID.value(-a["z"]),  # 1 − z_t
            "z": SIGMOID.slope(a["z"]) * (gates["candidate"] - h),  # ∂h_t/∂a_z
            "u": u,  # ∂h_t/∂u_t
            "r": gates["r"],
            "reset": SIGMOID.slope(a["r"]) * through,  # before: ∂q_t/∂a_r; after: ∂h_t/∂a_r
        }

    def jacobian(self, partials: Arrays) -> Arrays:
        A, d = self.algebra, partials
        U_z, U_r, U_h = (
            self.update_recurrent_weight,
            self.reset_recurrent_weight,
            self.candidate_recurrent_weight,
        )
        if self.reset == "before":
            inner = A.diagonal(d["r"]) + A.scale(d["reset"], U_r)  # ∂q_t/∂h_{t−1}
            by_candidate = A.scale(d["u"], A.compose(U_h, inner))
        else:
            by_candidate = A.scale(d["u"] * d["r"], U_h) + A.scale(d["reset"], U_r)
        return {"hh": A.diagonal(d["keep"]) + A.scale(d["z"], U_z) + by_candidate}

    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        T, d, h = self.algebra.apply_transposed, partials, state["h"]
        z, u = d["z"] * h, d["u"] * h
        if self.reset == "before":
            q = T(self.candidate_recurrent_weight, u)
            v, r, direct = u, d["reset"] * q, d["r"] * q
        else:
            v, r = d["r"] * u, d["reset"] * h
            direct = T(self.candidate_recurrent_weight, v)
        before = (
            d["keep"] * h + direct + T(self.update_recurrent_weight, z) + T(self.reset_recurrent_weight, r)
        )
        return {"h": before}, {"z": z, "r": r, "u": u, "v": v}

    def signals(self, step: Step) -> Arrays:
        h = step.before["h"]
        return super().signals(step) | {"q": step.gates["r"] * h if self.reset == "before" else h}


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalarGRU(_GRU):
    """Scalar GRU cell.

        z_t = σ(W_z x_t + U_z h_{t−1} + b_z)        r_t = σ(W_r x_t + U_r h_{t−1} + b_r)
        reset before:  h̃_t = tanh(W_h x_t + U_h (r_t h_{t−1}) + b_h)
        reset after:   h̃_t = tanh(W_h x_t + b_h + r_t (U_h h_{t−1} + b′_h))
        h_t = (1 − z_t) h_{t−1} + z_t h̃_t

    PyTorch, Keras and Cho (2014) weigh the *old* state by z: their z is 1 − z here.

    Parameters
    ----------
    reset : {"before", "after"}
        Where the reset gate acts.
    update_weight, update_recurrent_weight, update_bias : array_like, shape (...)
        W_z, U_z, b_z; all parameters broadcast.
    reset_weight, reset_recurrent_weight, reset_bias : array_like
        W_r, U_r, b_r.
    candidate_weight, candidate_recurrent_weight, candidate_bias : array_like
        W_h, U_h, b_h.
    candidate_recurrent_bias : array_like
        b′_h, with reset after only.
    """

    algebra = SCALAR

    reset: str = "before"
    update_weight: Parameter = 0.5
    update_recurrent_weight: Parameter = 0.5
    update_bias: Parameter = 0.0
    reset_weight: Parameter = 0.5
    reset_recurrent_weight: Parameter = 0.5
    reset_bias: Parameter = 0.0
    candidate_weight: Parameter = 0.5
    candidate_recurrent_weight: Parameter = 0.5
    candidate_bias: Parameter = 0.0
    candidate_recurrent_bias: Parameter = 0.0

    def factors(self, step: Step) -> tuple[FloatArray, FloatArray]:
        """Sign and natural log magnitude of J_t, no digit lost where z_t saturates."""
        # J = (1 − z) [1 + z (h̃ − h) U_z] + z tanh′(u) [∂u/∂h]: each saturates on its own and has its own log
        a, gates, h = step.pre_activations, step.gates, step.before["h"]
        U_z, U_r, U_h = (
            self.update_recurrent_weight,
            self.reset_recurrent_weight,
            self.candidate_recurrent_weight,
        )
        slope = SIGMOID.slope(a["r"]) * U_r
        inner = (
            U_h * (gates["r"] + h * slope) if self.reset == "before" else gates["r"] * U_h + slope * a["v"]
        )
        kept = 1 + gates["z"] * (gates["candidate"] - h) * U_z
        log_kept = log_sigmoid(-a["z"]) + log_magnitude(kept)
        log_new = log_sigmoid(a["z"]) + TANH.log_slope(a["u"]) + log_magnitude(inner)
        top = np.maximum(np.maximum(log_kept, log_new), -1e300)
        total = np.sign(kept) * np.exp(log_kept - top) + np.sign(inner) * np.exp(log_new - top)
        return np.sign(total), top + log_magnitude(total)


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorGRU(_GRU):
    """Vector GRU cell.

        z_t = σ(W_z x_t + U_z h_{t−1} + b_z)        r_t = σ(W_r x_t + U_r h_{t−1} + b_r)
        reset before:  h̃_t = tanh(W_h x_t + U_h (r_t ⊙ h_{t−1}) + b_h)
        reset after:   h̃_t = tanh(W_h x_t + b_h + r_t ⊙ (U_h h_{t−1} + b′_h))
        h_t = (1 − z_t) ⊙ h_{t−1} + z_t ⊙ h̃_t

    PyTorch, Keras and Cho (2014) weigh the *old* state by z: their z is 1 − z here.

    Parameters
    ----------
    reset : {"before", "after"}
        Where the reset gate acts.
    update_weight, reset_weight, candidate_weight : array_like, shape (..., n, m)
        W_z, W_r, W_h. 0 stands for a matrix of zeros here and below.
    update_recurrent_weight, reset_recurrent_weight : array_like, shape (..., n, n)
        U_z, U_r.
    candidate_recurrent_weight : array_like, shape (..., n, n)
        U_h.
    update_bias, reset_bias, candidate_bias : array_like, shape (..., n)
        b_z, b_r, b_h.
    candidate_recurrent_bias : array_like, shape (..., n)
        b′_h, with reset after only.
    """

    algebra = VECTOR

    reset: str = "before"
    update_weight: Parameter = 0.0
    update_recurrent_weight: Parameter = 0.0
    update_bias: Parameter = 0.0
    reset_weight: Parameter = 0.0
    reset_recurrent_weight: Parameter = 0.0
    reset_bias: Parameter = 0.0
    candidate_weight: Parameter = 0.0
    candidate_recurrent_weight: Parameter = 0.0
    candidate_bias: Parameter = 0.0
    candidate_recurrent_bias: Parameter = 0.0


class _MinGRU(Cell):
    parts = ("h",)
    enters: ClassVar = {
        "update_weight": ("z", "x"),
        "update_bias": ("z", "1"),
        "candidate_weight": ("u", "x"),
        "candidate_bias": ("u", "1"),
    }

    def drive(self, inputs: FloatArray) -> Arrays:
        a = super().drive(inputs)
        return a | {"z value": SIGMOID.value(a["z"]), "candidate": TANH.value(a["u"])}

    def activate(self, before: Arrays, drive: Arrays) -> tuple[Arrays, Arrays]:
        return {"z": drive["z"], "u": drive["u"]}, {"z": drive["z value"], "candidate": drive["candidate"]}

    def update(self, before: Arrays, pre_activations: Arrays, gates: Arrays) -> Arrays:
        kept = SIGMOID.value(-pre_activations["z"])  # 1 − z_t
        return {"h": kept * before["h"] + gates["z"] * gates["candidate"]}

    def partials(self, step: Step) -> Arrays:
        a, gates = step.pre_activations, step.gates
        return {
            "keep": SIGMOID.value(-a["z"]),  # 1 − z_t
            "z": SIGMOID.slope(a["z"]) * (gates["candidate"] - step.before["h"]),
            "u": gates["z"] * TANH.slope(a["u"]),
        }

    def jacobian(self, partials: Arrays) -> Arrays:
        return {"hh": self.algebra.diagonal(partials["keep"])}

    def adjoint(self, partials: Arrays, state: Arrays) -> tuple[Arrays, Arrays]:
        h = state["h"]
        return {"h": partials["keep"] * h}, {"z": partials["z"] * h, "u": partials["u"] * h}


@dataclass(frozen=True, kw_only=True, eq=False)
class ScalarMinGRU(_MinGRU):
    """Scalar minGRU cell, whose product is exactly ∏ (1 − z_j).

        z_t = σ(W_z x_t + b_z)        h̃_t = tanh(W_h x_t + b_h)        h_t = (1 − z_t) h_{t−1} + z_t h̃_t

    Parameters
    ----------
    update_weight, update_bias : array_like, shape (...)
        W_z, b_z; all parameters broadcast.
    candidate_weight, candidate_bias : array_like, shape (...)
        W_h, b_h.
    """

    algebra = SCALAR

    update_weight: Parameter = 0.5
    update_bias: Parameter = 0.0
    candidate_weight: Parameter = 0.5
    candidate_bias: Parameter = 0.0

    def factors(self, step: Step) -> tuple[FloatArray, FloatArray]:
        """Sign and natural log magnitude of J_t = 1 − z_t."""
        log = log_sigmoid(-step.pre_activations["z"])
        return np.ones(log.shape), log


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorMinGRU(_MinGRU):
    """Vector minGRU cell, whose product is exactly diag ∏ (1 − z_j).

        z_t = σ(W_z x_t + b_z)        h̃_t = tanh(W_h x_t + b_h)        h_t = (1 − z_t) ⊙ h_{t−1} + z_t ⊙ h̃_t

    Parameters
    ----------
    update_weight, candidate_weight : array_like, shape (..., n, m)
        W_z, W_h.
    update_bias, candidate_bias : array_like, shape (..., n)
        b_z, b_h.
    """

    algebra = VECTOR

    update_weight: Parameter = 0.0
    update_bias: Parameter = 0.0
    candidate_weight: Parameter = 0.0
    candidate_bias: Parameter = 0.0
