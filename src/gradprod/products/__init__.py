"""Gradient products P(t, k) = J_t … J_{k+1}, exact at any lag."""

from gradprod.products.bounds import bound
from gradprod.products.matrix import MatrixProduct, VectorProduct, block, matrix_product, norm, vector_product
from gradprod.products.scalar import Factors, LogProduct, gradient_product, log_product, step_factors

__all__ = [
    "Factors",
    "LogProduct",
    "MatrixProduct",
    "VectorProduct",
    "block",
    "bound",
    "gradient_product",
    "log_product",
    "matrix_product",
    "norm",
    "step_factors",
    "vector_product",
]
