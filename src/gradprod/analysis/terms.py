"""The four terms of an LSTM's or a GRU's step, exact, by name, and what bounds one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradprod.activations import SIGMOID, TANH, FloatArray
from gradprod.cells import (
    Arrays,
    ScalarGRU,
    ScalarLSTM,
    ScalarMinGRU,
    VectorGRU,
    VectorLSTM,
    VectorMinGRU,
)
from gradprod.unroll import Trajectory, require_trajectory

CELL_SLOPE_BOUND = 0.44774320469430284
"""max |c (1 − tanh² c)|, where 2 c tanh c = 1."""
CELL_SLOPE_AT = 0.7717023192091043
"""The c > 0 that reaches it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StepTerms:
    """The terms of a one-step derivative at each step; they add up to it.

    Attributes
    ----------
    steps : ndarray of int, shape (L,)
        The steps t.
    terms : dict of ndarray
        By name, each of shape (..., L) for a scalar cell, (..., L, n, n) for a vector cell.
    total : ndarray, same shape
        Their sum.
    """

    steps: np.ndarray[Any, np.dtype[np.int64]]
    terms: Arrays
    total: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class CellSlope:
    """|c_t (1 − tanh² c_t)| along a run; it is at most 0.447743.

    Attributes
    ----------
    values : ndarray, shape (..., T + 1) or (..., T + 1, n)
        At steps 0 … T.
    largest : ndarray, shape (...)
        The largest of them, and
    step : ndarray of int, shape (...)
        the first step that has it.
    touches : ndarray of bool, shape as values
        Where it comes within the given share of the bound.
    """

    values: FloatArray
    largest: FloatArray
    step: np.ndarray[Any, np.dtype[np.int64]]
    touches: np.ndarray[Any, np.dtype[np.bool_]]


def lstm_terms(trajectory: Trajectory, *, first: int = 2, last: int | None = None) -> StepTerms:
    """The four terms of dc_t/dc_{t−1} of an LSTM, h_{t−1} = o_{t−1} tanh(c_{t−1}) moving along.

        "keep"          diag(f_t)
        "forget_gate"   diag(c_{t−1}) ∂f_t,  ∂f_t = diag(f_t (1 − f_t)) [U_f D_{t−1} + p_f]
        "input_gate"    diag(ĉ_t) ∂i_t,      ∂i_t = diag(i_t (1 − i_t)) [U_i D_{t−1} + p_i]
        "candidate"     diag(i_t) ∂ĉ_t,      ∂ĉ_t = diag(1 − ĉ_t²) U_c D_{t−1}
        D = ∂h/∂c = diag(o (1 − tanh² c)) + diag(tanh(c) o (1 − o)) p_o

    Their sum is exact for one step. The product of such sums is no derivative at lag 2 or more: D_{t−1}
    leaves out that o_{t−1} depends on h_{t−2}, which moves as well.

    Parameters
    ----------
    trajectory : Trajectory
        Of a ScalarLSTM or VectorLSTM, at least two steps.
    first, last : int, optional
        Steps t to give, 2 to T by default. State 0 is given: no output gate has made h_0 of c_0.

    Returns
    -------
    StepTerms

    Raises
    ------
    ValueError
        If the cell isn't an LSTM, or the steps are out of range.
    """
    cell = _cell(trajectory, (ScalarLSTM, VectorLSTM), "lstm_terms")
    start, stop = _range(trajectory, first, last, earliest=2)
    A, P = cell.algebra, cell.weight_algebra("c")
    D = hidden_slope(trajectory, start - 1, stop - 1)
    d = cell.partials(trajectory.steps(start - 1, stop))
    terms = {
        "keep": A.diagonal(d["keep"]),
        "forget_gate": A.scale(d["f"], A.compose(cell.forget_recurrent_weight, D))
        + P.scale(d["f"], cell.forget_peephole),
        "input_gate": A.scale(d["i"], A.compose(cell.input_gate_recurrent_weight, D))
        + P.scale(d["i"], cell.input_gate_peephole),
        "candidate": A.scale(d["u"], A.compose(cell.candidate_recurrent_weight, D)),
    }
    return _step_terms(trajectory, terms, start, stop)


def gru_terms(trajectory: Trajectory, *, first: int = 1, last: int | None = None) -> StepTerms:
    """The four terms of dh_t/dh_{t−1} of a GRU; their sum, and its product at every lag, are exact.

        "keep"         diag(1 − z_t)
        "old_state"    −diag(h_{t−1}) ∂z_t
        "candidate"    diag(z_t) ∂h̃_t, through the reset gate as well
        "new_state"    diag(h̃_t) ∂z_t

    Parameters
    ----------
    trajectory : Trajectory
        Of a GRU or minGRU, scalar or vector. In a minGRU, whose gates see x alone, all but the first are 0.
    first, last : int, optional
        Steps t to give, 1 to T by default.

    Returns
    -------
    StepTerms

    Raises
    ------
    ValueError
        If the cell isn't a GRU, or the steps are out of range.
    """
    cell = _cell(trajectory, (ScalarGRU, VectorGRU, ScalarMinGRU, VectorMinGRU), "gru_terms")
    start, stop = _range(trajectory, first, last, earliest=1)
    A, steps = cell.algebra, trajectory.steps(start - 1, stop)
    a, gates, h = steps.pre_activations, steps.gates, steps.before["h"]
    keep = A.diagonal(SIGMOID.value(-a["z"]))
    if isinstance(cell, ScalarMinGRU | VectorMinGRU):
        zero = np.zeros(np.shape(keep))
        terms = {"keep": keep, "old_state": zero, "candidate": zero, "new_state": zero}
        return _step_terms(trajectory, terms, start, stop)
    U_z, U_r, U_h = (
        cell.update_recurrent_weight,
        cell.reset_recurrent_weight,
        cell.candidate_recurrent_weight,
    )
    z_slope, r_slope = SIGMOID.slope(a["z"]), SIGMOID.slope(a["r"])
    if cell.reset == "before":
        by_h = A.compose(U_h, A.diagonal(gates["r"]) + A.scale(h * r_slope, U_r))
    else:
        by_h = A.scale(gates["r"], U_h) + A.scale(a["v"] * r_slope, U_r)
    terms = {
        "keep": keep,
        "old_state": A.scale(-h * z_slope, U_z),
        "candidate": A.scale(gates["z"] * TANH.slope(a["u"]), by_h),
        "new_state": A.scale(gates["candidate"] * z_slope, U_z),
    }
    return _step_terms(trajectory, terms, start, stop)


def hidden_slope(trajectory: Trajectory, first: int, last: int) -> FloatArray:
    """D_t = ∂h_t/∂c_t of an LSTM, o_t's peephole included, steps first … last as the first axis."""
    cell = _cell(trajectory, (ScalarLSTM, VectorLSTM), "hidden_slope")
    d = cell.partials(trajectory.steps(first - 1, last))
    D: FloatArray = cell.algebra.diagonal(d["show"])
    D = D + cell.weight_algebra("c").scale(d["o"], cell.output_gate_peephole)
    return D


def term_bounds(cell: ScalarLSTM) -> Arrays:
    """Suprema of the four terms of a scalar LSTM without peepholes, whatever its input.

    Parameters
    ----------
    cell : ScalarLSTM
        With p = 0: a peephole brings in c_{t−1} itself, which has no bound.

    Returns
    -------
    dict of ndarray, shape (...)
        1, 0.1119 |U_f|, ¼ |U_i| and |U_c|, by the names of `lstm_terms`. Between two different units of a
        vector cell the second doesn't hold: there the factor is |c_a (1 − tanh² c_b)|, which has no bound.

    Raises
    ------
    ValueError
        If the cell isn't a ScalarLSTM, or has peepholes.
    """
    if not isinstance(cell, ScalarLSTM):
        raise ValueError(f"term_bounds needs a ScalarLSTM, got {type(cell).__name__}")
    for name, array in cell.parameters.items():
        if name.endswith("peephole") and np.any(array):
            raise ValueError(f"{name} must be 0, got {array}; with peepholes the terms have no bound")
    return {
        "keep": np.ones(cell.leading),
        "forget_gate": CELL_SLOPE_BOUND / 4 * np.abs(cell.forget_recurrent_weight),
        "input_gate": np.abs(cell.input_gate_recurrent_weight) / 4,
        "candidate": np.abs(cell.candidate_recurrent_weight),
    }


def cell_slope(trajectory: Trajectory, *, share: float = 0.99) -> CellSlope:
    """|c_t (1 − tanh² c_t)| along an LSTM's run: the factor that keeps its "forget_gate" term small.

    Parameters
    ----------
    trajectory : Trajectory
        Of a ScalarLSTM or VectorLSTM.
    share : float, optional
        What share of the bound 0.447743 counts as touching it, above 0 and at most 1.

    Returns
    -------
    CellSlope

    Raises
    ------
    ValueError
        If the cell isn't an LSTM, or share is out of range.
    """
    cell = _cell(trajectory, (ScalarLSTM, VectorLSTM), "cell_slope")
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share!r}")
    c = trajectory.states["c"]
    values = np.abs(c) * TANH.slope(c)
    by_step = values if not cell.algebra.axes else values.max(axis=-1)
    return CellSlope(
        values=values,
        largest=by_step.max(axis=-1),
        step=by_step.argmax(axis=-1),
        touches=values >= share * CELL_SLOPE_BOUND,
    )


def _step_terms(trajectory: Trajectory, terms: Arrays, start: int, stop: int) -> StepTerms:
    # a block has the axes of a state twice
    time = -1 - 2 * trajectory.cell.algebra.axes
    total = sum(terms.values(), start=np.zeros(()))

    def back(array: FloatArray) -> FloatArray:
        return np.moveaxis(np.broadcast_to(array, total.shape), 0, time)

    return StepTerms(
        steps=np.arange(start, stop + 1),
        terms={name: back(array) for name, array in terms.items()},
        total=back(total),
    )


def _cell(trajectory: Trajectory, kinds: tuple[type, ...], who: str) -> Any:
    require_trajectory(trajectory)
    cell = trajectory.cell
    if not isinstance(cell, kinds):
        names = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{who} needs a run of {names}, got {type(cell).__name__}")
    return cell


def _range(trajectory: Trajectory, first: int, last: int | None, *, earliest: int) -> tuple[int, int]:
    T = trajectory.length
    if earliest > T:
        raise ValueError(f"trajectory must have at least {earliest} steps, got {T}")
    stop = T if last is None else last
    for name, value, low in (("first", first, earliest), ("last", stop, first)):
        if not isinstance(value, int | np.integer) or not low <= value <= T:
            raise ValueError(f"{name} must be a step from {low} to {T}, got {value!r}")
    return int(first), int(stop)
