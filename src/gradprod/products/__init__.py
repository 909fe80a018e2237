"""Gradient products P(t, k) = J_t … J_{k+1}, exact at any lag."""

from gradprod.products.bounds import bound, linear_rate, spectral_radius
from gradprod.products.maps import influence_map, product_map
from gradprod.products.matrix import block, matrix_product, norm
from gradprod.products.scalar import (
    Factors,
    LogProduct,
    gradient_product,
    log_product,
    magnitudes,
    step_factors,
)
from gradprod.products.spectra import Lyapunov, lyapunov_exponents, singular_values
from gradprod.products.vector import VectorProduct, vector_product
from gradprod.products.whole import whole_product
from gradprod.products.windows import MatrixProduct, product_windows

__all__ = [
    "Factors",
    "LogProduct",
    "Lyapunov",
    "MatrixProduct",
    "VectorProduct",
    "block",
    "bound",
    "gradient_product",
    "influence_map",
    "linear_rate",
    "log_product",
    "lyapunov_exponents",
    "magnitudes",
    "matrix_product",
    "norm",
    "product_map",
    "product_windows",
    "singular_values",
    "spectral_radius",
    "step_factors",
    "vector_product",
    "whole_product",
]
