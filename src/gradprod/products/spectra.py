"""Singular values of gradient products, however small, and Lyapunov exponents."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradprod.activations import LOG_10, FloatArray
from gradprod.cells.base import log_magnitude
from gradprod.products.layout import Stacked
from gradprod.products.scalar import span
from gradprod.products.turns import checked_lags, jacobians
from gradprod.unroll import Trajectory

_SWEEPS = 60
_TURNS = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Lyapunov:
    """Lyapunov exponents of a run.

    Parameters
    ----------
    exponents : ndarray, shape (..., count)
        In nats per step, largest first.
    error : ndarray, shape (..., count)
        Standard error of each, from the means of ten stretches of the run.
    running : ndarray, shape (..., S, count)
        The means over the first 1 … S steps after those discarded.
    discarded : int
        Steps left out at the start.
    """

    exponents: FloatArray
    error: FloatArray
    running: FloatArray
    discarded: int


def singular_values(
    trajectory: Trajectory,
    *,
    source: int | None = None,
    target: int | None = None,
    lags: ArrayLike | None = None,
) -> FloatArray:
    """log₁₀ of the singular values of P(t, k) against lag, the small ones as accurately as the large.

    One scaled matrix has lost whatever is 1e-16 of its largest singular value. Here P = C Qᵀ is kept as an
    orthogonal Q, by repeated QR, and columns C of known direction and log length; one-sided Jacobi rotations
    make them orthogonal, which gives each singular value to the accuracy of its own column (Demmel and
    Veselić 1992). What limits it is the QR of a single step: a J_t with a condition number of 10^k costs the
    smallest ones k digits, and one that is singular leaves 1e-16 in place of 0.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell.
    source, target : int, optional
        As in `matrix_product`.
    lags : array_like of int, optional
        The lags wanted, in increasing order; all by default.

    Returns
    -------
    ndarray, shape (..., L + 1, N)
        Or (..., len(lags), N). Largest first; −inf where one is exactly zero.

    Raises
    ------
    ValueError
        If source, target or a lag is out of range.
    """
    k, t = span(trajectory, source, target)
    wanted = np.arange(t - k + 1) if lags is None else checked_lags(lags, t - k)
    newest_first = source is None or target is not None
    place = Stacked(trajectory.cell, trajectory.leading)
    directions = np.empty((len(wanted), *place.grid, place.size, place.size))
    lengths = np.empty((len(wanted), *place.grid, place.size))
    for lag, direction, length in _columns(trajectory, place, k, t, newest_first):
        for at in np.flatnonzero(wanted == lag):
            directions[at], lengths[at] = direction, length
    logs = np.sort(_orthogonalise(directions, lengths), axis=-1)[..., ::-1] / LOG_10
    return np.moveaxis(logs, 0, -2)


def lyapunov_exponents(
    trajectory: Trajectory, *, count: int | None = None, discard: int | None = None
) -> Lyapunov:
    """Lyapunov exponents: mean log stretches of an orthogonal frame that J_t carries along, by repeated QR.

    Parameters
    ----------
    trajectory : Trajectory
        Of any cell, of length T.
    count : int, optional
        How many, from the largest; all by default.
    discard : int, optional
        Steps left out at the start, while the frame turns into place; T // 10 by default.

    Returns
    -------
    Lyapunov
        −inf for directions that are lost altogether.

    Raises
    ------
    ValueError
        If count or discard is out of range.
    """
    _, t = span(trajectory, None, None)
    place = Stacked(trajectory.cell, trajectory.leading)
    count = place.size if count is None else count
    if not 1 <= count <= place.size:
        raise ValueError(
            f"count must be from 1 to {place.size}, got {count}; the state has {place.size} numbers"
        )
    discard = t // 10 if discard is None else discard
    if not 0 <= discard < t:
        raise ValueError(
            f"discard must be from 0 to {t - 1}, got {discard}; some of the {t} steps must be left"
        )
    start = np.random.default_rng(0).standard_normal(
        (place.size, count)
    )  # any frame that no cell is aligned with
    frame = np.broadcast_to(np.linalg.qr(start)[0], (*place.grid, place.size, count))
    stretch = np.empty((t, *place.grid, count))
    exponent = np.zeros((t + 1, *place.grid), dtype=np.int64)
    for lag, J in enumerate(jacobians(trajectory, place, 0, t, exponent, newest_first=False)):
        frame, R = np.linalg.qr(J @ frame)
        stretch[lag] = log_magnitude(np.diagonal(R, axis1=-2, axis2=-1))
    stretch += exponent[1:, ..., None] * np.log(2.0)
    stretch = stretch[discard:]
    running = np.cumsum(stretch, axis=0) / np.arange(1, len(stretch) + 1).reshape(
        -1, *(1,) * (stretch.ndim - 1)
    )
    order = np.argsort(-running[-1], axis=-1)
    means = np.stack([part.mean(axis=0) for part in np.array_split(stretch, min(10, len(stretch)))])
    with np.errstate(invalid="ignore", divide="ignore"):
        error = means.std(axis=0, ddof=1) / np.sqrt(len(means))
    running = np.take_along_axis(running, order[None], axis=-1)
    return Lyapunov(
        exponents=running[-1],
        error=np.take_along_axis(error, order, axis=-1),
        running=np.moveaxis(running, 0, -2),
        discarded=discard,
    )


def _columns(
    trajectory: Trajectory, place: Stacked, k: int, t: int, newest_first: bool
) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Lag, unit columns and log lengths of C in P = C Qᵀ (or in Pᵀ, whose singular values are the same)."""
    N = place.size
    Q = np.broadcast_to(np.eye(N), (*place.grid, N, N))
    C, length = Q, np.zeros((*place.grid, N))
    exponent = np.zeros((t - k + 1, *place.grid), dtype=np.int64)
    yield 0, C, length
    for lag, J in enumerate(jacobians(trajectory, place, k, t, exponent, newest_first=newest_first)):
        order = np.argsort(
            -length, axis=-1, kind="stable"
        )  # longest first: no column is swamped by the ones after it
        Q, C = (np.take_along_axis(A, order[..., None, :], axis=-1) for A in (Q, C))
        length = np.take_along_axis(length, order, axis=-1)
        # newest first P J = C Qᵀ J = C (Jᵀ Q)ᵀ = C Rᵀ Q′ᵀ; else (J Pᵀ…)ᵀ in the same way, J for Jᵀ
        Q, R = np.linalg.qr((np.swapaxes(J, -1, -2) if newest_first else J) @ Q)
        logs = length[..., None, :] + log_magnitude(R)  # [j, i]: column i's share in the new column j
        top = np.maximum(logs.max(axis=-1), -1e300)
        shares = np.sign(R) * np.exp(logs - top[..., None])
        C = C @ np.swapaxes(shares, -1, -2)
        C, extra = _normalised(C)
        length = top + extra + exponent[lag + 1][..., None] * np.log(2.0)
        yield lag + 1, C, length


def _normalised(C: FloatArray) -> tuple[FloatArray, FloatArray]:
    norms = np.sqrt(np.einsum("...ij,...ij->...j", C, C))
    with np.errstate(invalid="ignore"):
        return np.where(norms[..., None, :] > 0, C / norms[..., None, :], 0.0), log_magnitude(norms)


def _orthogonalise(C: FloatArray, length: FloatArray) -> FloatArray:
    """Log singular values of matrices of unit columns C and log lengths, by one-sided Jacobi rotations."""
    N = C.shape[-1]
    if N == 1:
        return length
    for _ in range(_TURNS):
        C, length = _turned(C, length)
    C, length = C.copy(), length.copy()
    rounds = _tournament(N)
    for _ in range(_SWEEPS):
        worst = 0.0
        for i, j in rounds:
            worst = max(worst, _rotate(C, length, i, j))
        if worst < 4 * N * np.finfo(float).eps:
            break
    return length


def _turned(C: FloatArray, length: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Columns with the same singular values, nearer to orthogonal: (R D)ᵀ, where C = Q R, the longest first.

    It halves the sweeps (Drmač and Veselić 2008).
    """
    order = np.argsort(-length, axis=-1, kind="stable")
    length = np.take_along_axis(length, order, axis=-1)
    R = np.linalg.qr(np.take_along_axis(C, order[..., None, :], axis=-1), mode="r")
    logs = length[..., None, :] + log_magnitude(R)
    top = np.maximum(logs.max(axis=-1), -1e300)
    turned, extra = _normalised(np.swapaxes(np.sign(R) * np.exp(logs - top[..., None]), -1, -2))
    return turned, top + extra


def _rotate(C: FloatArray, length: FloatArray, i: NDArray[np.int64], j: NDArray[np.int64]) -> float:
    """Make columns i orthogonal to columns j, each pair by one rotation; the largest cosine there was."""
    swap = length[..., j] > length[..., i]
    first, second = np.where(swap, j, i), np.where(swap, i, j)  # the longer one of each pair, and the other
    a, b = (np.take_along_axis(C, each[..., None, :], axis=-1) for each in (first, second))
    la, lb = (np.take_along_axis(length, each, axis=-1) for each in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.nan_to_num(np.exp(lb - la))  # of lengths, ≤ 1
        cosine = np.einsum("...ij,...ij->...j", a, b)
        gap = np.nan_to_num(-np.expm1(2 * (lb - la)))
        bottom = gap + np.hypot(gap, 2 * ratio * cosine)
        over = np.where(
            bottom > 0, 2 * cosine / bottom, 0.0
        )  # tan θ / ratio, finite where the ratio underflows
    tan = ratio * over
    cos = 1 / np.hypot(1, tan)
    new_a, new_b = a + b * (tan * ratio)[..., None, :], b - a * over[..., None, :]
    new_a, more_a = _normalised(new_a)
    new_b, more_b = _normalised(new_b)
    for each, column, log in ((first, new_a, la + more_a), (second, new_b, lb + more_b)):
        np.put_along_axis(C, each[..., None, :], column, axis=-1)
        np.put_along_axis(length, each, log + np.log(cos), axis=-1)
    return float(np.abs(cosine).max(initial=0.0))


def _tournament(N: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rounds of disjoint pairs in which each of N meets each other one once."""
    players = list(range(N + N % 2))
    rounds = []
    for _ in range(len(players) - 1):
        half = len(players) // 2
        pairs = [
            (a, b) for a, b in zip(players[:half], reversed(players[half:]), strict=True) if max(a, b) < N
        ]
        rounds.append((np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])))
        players = [players[0], players[-1], *players[1:-1]]
    return rounds
