"""Exact gradient products of recurrent networks."""

from gradprod.activations import LINEAR, SIGMOID, TANH, Activation, activation
from gradprod.analysis.readouts import Readouts, readouts
from gradprod.analysis.regimes import RegimeMap, regime_map
from gradprod.analysis.surface import GATES, Shares, flat_surface, path_shares, shares, surface
from gradprod.cells import CELLS, Cell, GatedCell, ScalarRNN, VectorRNN
from gradprod.inputs import (
    INPUT_KINDS,
    SUNSPOTS,
    Series,
    csv_columns,
    make_input,
    max_length,
    read_csv,
    standardise,
)
from gradprod.products import (
    Factors,
    LogProduct,
    bound,
    gradient_product,
    log_product,
    step_factors,
)
from gradprod.unroll import Trajectory, unroll

__all__ = [  # noqa: RUF022 - in the order of use
    # activations
    "Activation",
    "activation",
    "LINEAR",
    "TANH",
    "SIGMOID",
    # inputs
    "INPUT_KINDS",
    "make_input",
    "max_length",
    "SUNSPOTS",
    "Series",
    "standardise",
    "read_csv",
    "csv_columns",
    # cells
    "CELLS",
    "Cell",
    "ScalarRNN",
    "GatedCell",
    "VectorRNN",
    # a run and its products
    "unroll",
    "Trajectory",
    "step_factors",
    "Factors",
    "log_product",
    "gradient_product",
    "LogProduct",
    "bound",
    # what a product says
    "readouts",
    "Readouts",
    "regime_map",
    "RegimeMap",
    # the gate surface
    "surface",
    "flat_surface",
    "shares",
    "path_shares",
    "Shares",
    "GATES",
]
