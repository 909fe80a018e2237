"""Gradient products P(t, k) = J_t … J_{k+1}, exact at any lag."""

from gradprod.products.bounds import bound
from gradprod.products.scalar import Factors, LogProduct, gradient_product, log_product, step_factors

__all__ = ["Factors", "LogProduct", "bound", "gradient_product", "log_product", "step_factors"]
