"""What clipping does to a gradient's terms, near and far lags apart."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradprod.activations import LOG_10
from gradprod.cells import ScalarRNN
from gradprod.products import LogProduct, gradient_product
from gradprod.unroll import Trajectory, require_trajectory


@dataclass(frozen=True, kw_only=True, eq=False)
class ClippedTerms:
    """The terms of ∂S_T/∂b by lag before and after clipping by norm, free of overflow.

    Parameters
    ----------
    terms, clipped : LogProduct
        ``sign`` and ``log10`` of shape (T,), at lags 0 … T − 1.
    norm_log10 : float
        log₁₀ |∂S_T/∂b|, the norm that is compared with θ.
    scale_log10 : float
        log₁₀ min(1, θ / norm), by which every term is multiplied.
    """

    terms: LogProduct
    clipped: LogProduct
    norm_log10: float
    scale_log10: float


def clipped_terms(trajectory: Trajectory, threshold: float) -> ClippedTerms:
    """The terms of ∂S_T/∂b of a plain cell by lag, and what clipping by norm makes of each.

        ∂S_T/∂b = Σ_k P(T, k) φ'(u_k)        g ← g · min(1, θ / |g|)

    One factor for all lags: clipping bounds the sum, and changes no term's share of it.

    Parameters
    ----------
    trajectory : Trajectory
        Of a ScalarRNN, without leading axes.
    threshold : float
        θ, above 0.

    Returns
    -------
    ClippedTerms

    Raises
    ------
    ValueError
        If the cell isn't a ScalarRNN or there are leading axes; if the threshold isn't above 0.
    """
    require_trajectory(trajectory)
    cell = trajectory.cell
    if not isinstance(cell, ScalarRNN) or trajectory.leading:
        raise ValueError(f"trajectory must be one run of ScalarRNN, got one of {type(cell).__name__}")
    if not 0 < threshold < math.inf:
        raise ValueError(f"threshold must be finite and above 0, got {threshold}; 1 is a common choice")
    product = gradient_product(trajectory)
    slopes = np.asarray(cell.phi.log_slope(trajectory.pre_activation))[::-1] / LOG_10
    sign, log10 = product.sign[:-1], product.log10[:-1] + slopes
    top = float(log10.max())  # divided out, so that nothing over- or underflows in the sum
    total = abs(float((sign * 10.0 ** (log10 - top)).sum()))
    norm = top + math.log10(total) if total > 0 else -math.inf
    scale = min(0.0, math.log10(threshold) - norm)
    return ClippedTerms(
        terms=LogProduct(sign=sign, log10=log10),
        clipped=LogProduct(sign=sign, log10=log10 + scale),
        norm_log10=norm,
        scale_log10=scale,
    )
