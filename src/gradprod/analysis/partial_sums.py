"""What the terms of a gradient add up to on the way: by loss, and newest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gradprod.activations import FloatArray
from gradprod.bptt import Terms


@dataclass(frozen=True, kw_only=True, eq=False)
class StepSums:
    """∂L/∂θ as the sum of the losses' own gradients.

    Attributes
    ----------
    sources : ndarray of int, shape (T,)
        The step t of each loss.
    values : ndarray, shape (..., T)
        ∂L_t/∂θ.
    gradient : ndarray, shape (...)
        Their sum.
    """

    sources: NDArray[np.int64]
    values: FloatArray
    gradient: FloatArray


def step_sums(terms: Terms) -> StepSums:
    """∂L/∂θ = Σ_t ∂L_t/∂θ, the terms of each loss added up.

    Parameters
    ----------
    terms : Terms
        Of ∂L/∂θ, from `all_terms`.

    Returns
    -------
    StepSums

    Raises
    ------
    ValueError
        If they are the terms of one L_t.
    """
    if not isinstance(terms, Terms):
        raise ValueError(f"terms must be Terms, got {terms!r}; take those of one weight from all_terms")
    if terms.values.ndim - np.ndim(terms.gradient) != 2:
        raise ValueError(
            "terms must be those of the whole loss, from all_terms, got those of one L_t; "
            "they are one loss's already"
        )
    values = terms.values.sum(axis=-1)
    return StepSums(
        sources=np.arange(1, values.shape[-1] + 1), values=values, gradient=np.asarray(terms.gradient)
    )


def terms_needed(terms: Terms | StepSums, within: float = 0.01) -> NDArray[np.int64]:
    """How many terms, the newest first, come within a share of the gradient and stay there.

    Parameters
    ----------
    terms : Terms or StepSums
        From `step_terms` or `step_sums`.
    within : float, optional
        The largest |partial sum − gradient| / |gradient|.

    Returns
    -------
    ndarray of int, shape (...)
        From 1 to the number of terms, and 0 where the gradient is 0 without any.

    Raises
    ------
    ValueError
        If `within` isn't between 0 and 1.
    """
    if not 0 < within < 1:
        raise ValueError(f"within must be a number between 0 and 1, got {within!r}; 0.01 is one per cent")
    if not isinstance(terms, Terms | StepSums):
        raise ValueError(f"terms must be Terms, got {terms!r}; take those of one weight from step_terms")
    newest = np.asarray(terms.values)[..., ::-1]
    start = np.zeros((*newest.shape[:-1], 1))
    partial = np.concatenate([start, np.cumsum(newest, axis=-1)], axis=-1)
    whole = np.asarray(terms.gradient)[..., None]
    off = np.abs(partial - whole) > within * np.abs(whole)
    off[..., -1] = False  # all of them are the gradient, whatever rounding says
    last = newest.shape[-1] - np.argmax(off[..., ::-1], axis=-1)
    return np.where(off.any(axis=-1), last + 1, 0)
