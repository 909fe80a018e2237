"""The approximations that people use for a gradient product, each beside the exact value with its error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray, log_sigmoid
from gradprod.analysis.terms import hidden_slope, lstm_terms
from gradprod.bptt import Terms
from gradprod.cells import (
    GatedCell,
    ScalarGRU,
    ScalarLSTM,
    ScalarMinGRU,
    ScalarRNN,
    VectorGRU,
    VectorLSTM,
    VectorMinGRU,
    VectorRNN,
)
from gradprod.products import (
    Factors,
    LogProduct,
    MatrixProduct,
    block,
    gradient_product,
    linear_rate,
    log_product,
    matrix_product,
    norm,
    spectral_radius,
    step_factors,
)
from gradprod.unroll import Trajectory, require_trajectory

Product: TypeAlias = LogProduct | MatrixProduct

_LN2 = np.log(2.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Approximations:
    """Exact products and what stands in for them, against lag 0 … L from one target step back.

    Attributes
    ----------
    exact, approximate : dict of LogProduct or MatrixProduct
        By name. A scalar cell's are numbers, a vector cell's n × n matrices. NaN where one isn't defined.
    error : dict of dict of ndarray, shape (..., L + 1)
        ``error[approximate][exact]`` from `relative_error`.
    """

    exact: dict[str, Product]
    approximate: dict[str, Product]
    error: dict[str, dict[str, FloatArray]]


@dataclass(frozen=True, kw_only=True, eq=False)
class EigenvalueReading:
    """What the eigenvalues of W say of a vector recurrent cell, beside the exact product.

    Attributes
    ----------
    spectral_radius, largest_singular : ndarray, shape (...)
        ρ and σ_max of W.
    sure_to_vanish : ndarray of bool, shape (...)
        γ σ_max < 1: the condition that is sufficient.
    predicted_log10 : ndarray, shape (..., L + 1)
        log₁₀ ρ^lag, the rate of the linear cell.
    exact_log10 : ndarray, shape (..., L + 1)
        log₁₀ ‖P(t, t − lag)‖₂.
    error_log10 : ndarray, shape (..., L + 1)
        predicted − exact, in orders of magnitude.
    """

    spectral_radius: FloatArray
    largest_singular: FloatArray
    sure_to_vanish: NDArray[np.bool_]
    predicted_log10: FloatArray
    exact_log10: FloatArray
    error_log10: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class GateReading:
    """A sum over source steps with each product taken to be 1 (open) or 0 (shut).

    Attributes
    ----------
    open : ndarray of bool, shape as the terms
        Which terms are kept.
    values : ndarray
        Error signal × immediate partial of those, 0 of the others.
    gradient : ndarray, shape (...)
        Their sum.
    error : ndarray, shape (...)
        |reading − exact| / |exact|.
    """

    open: NDArray[np.bool_]
    values: FloatArray
    gradient: FloatArray
    error: FloatArray


def approximations(trajectory: Trajectory, *, target: int | None = None) -> Approximations:
    """The exact product of a run and the approximations in use for its cell, each with its error.

    ================  ==============================  ===================================================
    cell              exact                           approximate
    ================  ==============================  ===================================================
    ScalarRNN         ``"product"``                   ``"weight"`` W_s^lag, every slope taken to be 1
    GatedCell         ``"product"``                   ``"forget"`` ∏ f_j
    LSTM              ``"partial"`` ∂c_t/∂c_k, h_k    ``"forget"`` ∏ f_j;
                      held;                           with peepholes ``"direct"``, ∏ (∂c_j/∂c_{j−1}, h held);
                      ``"total"`` dc_t/dc_k, where    ``"four_terms"``, the product of the sums of
                      h_k = o_k tanh(c_k) moves too   `lstm_terms`
    GRU, minGRU       ``"product"``                   ``"keep"`` ∏ (1 − z_j)
    VectorRNN         ``"product"``                   ``"shortcut"`` W^lag ∏ diag φ′(u_j);
                                                      ``"swapped"`` ∏ W diag φ′(u_j);
                                                      ``"pre_activation"`` ∏ W diag φ′(u_{j−1}) = ∂u_t/∂u_k
    ================  ==============================  ===================================================

    All but the VectorRNN also have ``"open_or_shut"``: each factor J_j, f_j or 1 − z_j taken to be 1 where it
    is at least ½, else 0. Of an LSTM at lag 1, "direct" is the partial and "four_terms" the total; the total
    and the four terms need an output gate that has made h_k of c_k, and are NaN at k = 0.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell but a bidirectional pair.
    target : int, optional
        Step t, T by default.

    Returns
    -------
    Approximations

    Raises
    ------
    ValueError
        If target is out of range, or the cell is of another kind.
    """
    require_trajectory(trajectory)
    cell = trajectory.cell
    exact: dict[str, Product]
    if isinstance(cell, ScalarRNN | GatedCell | ScalarGRU | ScalarMinGRU):
        numbers = gradient_product(trajectory, target=target)
        exact, t = {"product": numbers}, numbers.sign.shape[-1] - 1
        if isinstance(cell, ScalarRNN | GatedCell):
            approximate = _one_number(trajectory, numbers)
        else:
            approximate = _gates(trajectory, "keep", "z", -1, t)
    elif isinstance(cell, ScalarLSTM | VectorLSTM):
        exact, approximate = _lstm(trajectory, matrix_product(trajectory, target=target))
    elif isinstance(cell, VectorRNN | VectorGRU | VectorMinGRU):
        matrices = matrix_product(trajectory, target=target)
        exact, t = {"product": matrices}, matrices.exponent.shape[-1] - 1
        if isinstance(cell, VectorRNN):
            approximate = _vector_rnn(trajectory, cell, t)
        else:
            approximate = _gates(trajectory, "keep", "z", -1, t)
    else:
        raise ValueError(f"no approximation is known for {type(cell).__name__}")
    error = {
        name: {of: relative_error(one, other) for of, other in exact.items()}
        for name, one in approximate.items()
    }
    return Approximations(exact=exact, approximate=approximate, error=error)


def relative_error(approximate: Product, exact: Product) -> FloatArray:
    """|approximate − exact| / |exact| at each lag, Frobenius norms of matrices.

    Parameters
    ----------
    approximate, exact : LogProduct or MatrixProduct
        Both of one kind.

    Returns
    -------
    ndarray, shape (..., L + 1)
        0 where both are exactly zero; inf where the exact one alone is, or where the ratio leaves the range
        of doubles.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if isinstance(approximate, LogProduct) and isinstance(exact, LogProduct):
            log = (approximate.log10 - exact.log10) * LOG_10
            error = np.where(approximate.sign == exact.sign, np.abs(np.expm1(log)), 1 + np.exp(log))
            none, no_exact = (approximate.sign == 0) & (exact.sign == 0), exact.sign == 0
        elif isinstance(approximate, MatrixProduct) and isinstance(exact, MatrixProduct):
            shift = np.clip(approximate.exponent - exact.exponent, -4000, 4000)
            moved = np.ldexp(approximate.matrix, shift[..., None, None])
            error = _frobenius(moved - exact.matrix) / np.sqrt(exact.squares)
            none, no_exact = (approximate.squares == 0) & (exact.squares == 0), exact.squares == 0
        else:
            raise ValueError(
                "approximate and exact must both be LogProducts or both MatrixProducts, got "
                f"{type(approximate).__name__} and {type(exact).__name__}"
            )
    return np.where(none, 0.0, np.where(no_exact, np.inf, error))


def eigenvalue_reading(trajectory: Trajectory, *, target: int | None = None) -> EigenvalueReading:
    """What "eigenvalues below 1 vanish, above 1 explode" says of a run, beside the exact norm.

    Parameters
    ----------
    trajectory : Trajectory
        Of a VectorRNN.
    target : int, optional
        Step t, T by default.

    Returns
    -------
    EigenvalueReading
        ρ^lag has the long-run rate of the linear cell. Before that, and under tanh for good, the exact norm
        may do either: only γ σ_max < 1 is sure.

    Raises
    ------
    ValueError
        If the cell isn't a VectorRNN, or target is out of range.
    """
    require_trajectory(trajectory)
    cell = trajectory.cell
    if not isinstance(cell, VectorRNN):
        raise ValueError(f"eigenvalue_reading needs a run of VectorRNN, got {type(cell).__name__}")
    exact = norm(matrix_product(trajectory, target=target), 2)
    predicted = np.asarray(linear_rate(cell, np.arange(exact.shape[-1])))
    largest = np.linalg.norm(cell.recurrent_weight, 2, axis=(-2, -1))
    with np.errstate(invalid="ignore"):
        error = np.where(predicted == exact, 0.0, predicted - exact)
    return EigenvalueReading(
        spectral_radius=np.asarray(spectral_radius(cell.recurrent_weight)),
        largest_singular=np.asarray(largest),
        sure_to_vanish=np.asarray(cell.phi.slope_bound * largest < 1),
        predicted_log10=predicted,
        exact_log10=exact,
        error_log10=error,
    )


def gate_reading(terms: Terms, open: ArrayLike | None = None) -> GateReading:
    """A gradient's terms with each product replaced by 1 (open) or 0 (shut), beside the exact sum.

    Parameters
    ----------
    terms : Terms
        From `step_terms` or `all_terms`.
    open : array_like of bool, optional
        Which products are taken to be 1; by default those of at least ½. Broadcasts to the terms.

    Returns
    -------
    GateReading

    Raises
    ------
    ValueError
        If open doesn't broadcast to the terms.
    """
    if not isinstance(terms, Terms):
        raise ValueError(f"terms must be Terms, got {terms!r}; take those of one weight from step_terms")
    shape = terms.values.shape
    gates = np.asarray(terms.product >= 0.5 if open is None else open, dtype=bool)
    try:
        gates = np.broadcast_to(gates, shape)
    except ValueError:
        raise ValueError(
            f"open must have a shape that broadcasts to that of the terms, {shape}, got {gates.shape}"
        ) from None
    axes = len(shape) - np.ndim(terms.gradient)
    if axes == 2 and shape[-1] > 1:
        gates = np.tril(gates)  # a table of all targets has no term where k > t
    values = np.where(gates, terms.error_signal * terms.immediate, 0.0)
    gradient = values.sum(axis=tuple(range(-axes, 0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(gradient - terms.gradient) / np.abs(terms.gradient)
    return GateReading(
        open=gates, values=values, gradient=gradient, error=np.where(gradient == terms.gradient, 0.0, error)
    )


def _one_number(trajectory: Trajectory, exact: LogProduct) -> dict[str, Product]:
    t = exact.sign.shape[-1] - 1
    factors = step_factors(trajectory)
    log = np.where(factors.sign > 0, factors.log, -np.inf)[..., :t]
    if isinstance(trajectory.cell, GatedCell):
        return _gates(trajectory, "forget", "f", 1, t) | {"open_or_shut": _open_or_shut(log)}
    W = np.asarray(trajectory.cell.parameters["recurrent_weight"])[..., None]
    return {"weight": log_product(np.broadcast_to(W, log.shape)), "open_or_shut": _open_or_shut(log)}


def _gates(trajectory: Trajectory, name: str, gate: str, sign: int, t: int) -> dict[str, Product]:
    """∏ σ(±a_j) of a gate, and the same with each factor taken to be 0 or 1."""
    a = trajectory.pre_activations[gate]
    units = bool(trajectory.cell.width)
    log = log_sigmoid(sign * (np.moveaxis(a, -1, -2) if units else a)[..., :t])  # (..., n, t) or (..., t)
    running, rounded = log_product(Factors(sign=np.ones(log.shape), log=log)), _open_or_shut(log)
    if units:
        return {name: _diagonal(running), "open_or_shut": _diagonal(rounded)}
    return {name: running, "open_or_shut": rounded}


def _open_or_shut(log: FloatArray) -> LogProduct:
    # σ(0) is exactly ½, and open
    shut = log < -_LN2 * (1 + 1e-15)
    return log_product(Factors(sign=np.where(shut, 0.0, 1.0), log=np.where(shut, -np.inf, 0.0)))


def _lstm(trajectory: Trajectory, whole: MatrixProduct) -> tuple[dict[str, Product], dict[str, Product]]:
    cell, scalar = trajectory.cell, whole.scalar
    t = whole.exponent.shape[-1] - 1
    approximate = _gates(trajectory, "forget", "f", 1, t)
    if np.any(cell.parameters["forget_peephole"]) or np.any(cell.parameters["input_gate_peephole"]):
        held = cell.jacobian(cell.partials(trajectory.steps(0, t)))["cc"]
        approximate["direct"] = _chain(held, t, scalar)
    if t >= 2:
        sums = np.moveaxis(lstm_terms(trajectory, last=t).total, -1 if scalar else -3, 0)
    else:
        sums = np.empty((0, *whole.matrix.shape[:-3], *2 * cell.width))
    approximate["four_terms"] = _chain(sums, t, scalar)
    return {"partial": block(whole, "cc"), "total": _total(trajectory, whole, t)}, approximate


def _total(trajectory: Trajectory, whole: MatrixProduct, t: int) -> Product:
    """P_cc + P_ch D_k; k = 0 has no D."""
    n = whole.matrix.shape[-1] // 2
    at = {part: slice(i * n, (i + 1) * n) for i, part in enumerate(whole.parts)}
    cc = whole.matrix[..., at["c"], at["c"]].copy()
    cc[..., t, :, :] = np.nan
    if t:
        D = hidden_slope(trajectory, 1, t)[::-1]
        D = np.moveaxis(D[..., None, None] if whole.scalar else D, 0, -3)
        cc[..., :t, :, :] += whole.matrix[..., :t, at["c"], at["h"]] @ D
    if whole.scalar:
        return _number(cc[..., 0, 0], whole.exponent)
    return _scaled(cc, whole.exponent)


def _vector_rnn(trajectory: Trajectory, cell: VectorRNN, t: int) -> dict[str, Product]:
    u, W = trajectory.pre_activation, cell.recurrent_weight
    log = np.moveaxis(cell.phi.log_slope(u), -1, -2)[..., :t]
    slopes = _diagonal(log_product(Factors(sign=np.ones(log.shape), log=log)))
    powers = _chain(np.broadcast_to(W, (t, *W.shape)), t, False)
    assert isinstance(powers, MatrixProduct)
    swapped = W * np.moveaxis(cell.phi.slope(u), -2, 0)[:t, ..., None, :]
    diagonal = np.diagonal(slopes.matrix, axis1=-2, axis2=-1)
    return {
        "shortcut": _scaled(powers.matrix * diagonal[..., None, :], powers.exponent + slopes.exponent),
        "swapped": _chain(swapped, t, False),
        "pre_activation": _chain(swapped[:-1], t, False),
    }


def _chain(factors: FloatArray, lags: int, scalar: bool) -> Product:
    """Products of factors, time first, newest on the left, at lags 0 … ``lags``; NaN where they run out."""
    if scalar:
        running = log_product(np.moveaxis(factors, 0, -1))
        missing = np.full((*running.sign.shape[:-1], lags - len(factors)), np.nan)
        return LogProduct(
            sign=np.concatenate([running.sign, missing], axis=-1),
            log10=np.concatenate([running.log10, missing], axis=-1),
        )
    grid, n = factors.shape[1:-2], factors.shape[-1]
    matrix = np.full((lags + 1, *grid, n, n), np.nan)
    exponent = np.zeros((lags + 1, *grid), dtype=np.int64)
    matrix[0] = np.eye(n)
    for lag, factor in enumerate(factors[::-1]):
        P = matrix[lag] @ factor
        _, shift = np.frexp(np.abs(P).max(axis=(-2, -1)))
        matrix[lag + 1] = np.ldexp(P, -shift[..., None, None])
        exponent[lag + 1] = exponent[lag] + shift
    return _matrices(np.moveaxis(matrix, 0, -3), np.moveaxis(exponent, 0, -1))


def _diagonal(numbers: LogProduct) -> MatrixProduct:
    """Diagonal matrices of numbers (..., n, L + 1)."""
    sign, log2 = np.moveaxis(numbers.sign, -2, -1), np.moveaxis(numbers.log10, -2, -1) * LOG_10 / _LN2
    top = log2.max(axis=-1)
    exponent = np.where(np.isneginf(top), 0, np.floor(top)).astype(np.int64)
    entries = sign * np.exp2(log2 - exponent[..., None])
    return _matrices(entries[..., None] * np.eye(entries.shape[-1]), exponent)


def _number(value: FloatArray, exponent: NDArray[np.int64]) -> LogProduct:
    with np.errstate(divide="ignore"):
        return LogProduct(sign=np.sign(value), log10=(np.log(np.abs(value)) + exponent * _LN2) / LOG_10)


def _scaled(matrix: FloatArray, exponent: NDArray[np.int64]) -> MatrixProduct:
    """With the largest entry of each matrix brought to about 1."""
    _, shift = np.frexp(np.abs(matrix).max(axis=(-2, -1)))
    return _matrices(np.ldexp(matrix, -shift[..., None, None]), exponent + shift)


def _matrices(matrix: FloatArray, exponent: NDArray[np.int64]) -> MatrixProduct:
    squares = np.einsum("...ij,...ij->...", matrix, matrix)
    return MatrixProduct(matrix=matrix, exponent=exponent, squares=squares, parts=("",), scalar=False)


def _frobenius(matrix: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.einsum("...ij,...ij->...", matrix, matrix)))
