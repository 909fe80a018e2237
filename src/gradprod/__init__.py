"""Exact gradient products of recurrent networks."""

from gradprod.activations import LINEAR, SIGMOID, TANH, Activation, activation
from gradprod.analysis.clipping import (
    Cliff,
    Clipped,
    Descent,
    cliff,
    clip_by_norm,
    clip_by_value,
    descend_cliff,
)
from gradprod.analysis.initialisation import (
    chrono_biases,
    forget_bias_for,
    gaussian_weights,
    identity_weights,
    orthogonal_weights,
    shifted_identity,
)
from gradprod.analysis.mean_field import MeanField, Simulation, critical_line, mean_field, simulate_mean_field
from gradprod.analysis.memory import (
    LagShares,
    gradient_by_lag,
    lag_shares,
    memory_horizon,
    memory_time,
    shares_beyond,
)
from gradprod.analysis.readouts import Readouts, effective_memory, fit_rate, half_life, readouts, verdict
from gradprod.analysis.regimes import RegimeMap, regime_map
from gradprod.analysis.surface import GATES, Shares, flat_surface, path_shares, shares, surface
from gradprod.bptt import (
    Backward,
    Formula,
    LossGradients,
    Readout,
    Terms,
    WeightTerms,
    all_terms,
    backpropagate,
    loss_gradients,
    step_terms,
    term_formula,
    weight_recursion,
    weight_terms,
)
from gradprod.cells import (
    CELLS,
    Cell,
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
from gradprod.conventions import from_keras, from_pytorch
from gradprod.inputs import (
    INPUT_KINDS,
    SUNSPOTS,
    Series,
    csv_columns,
    make_input,
    max_length,
    read_csv,
    standardise,
    trained_weights,
)
from gradprod.products import Factors, LogProduct, bound, gradient_product, log_product, step_factors
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
    "trained_weights",
    # cells
    "CELLS",
    "Cell",
    "ScalarRNN",
    "VectorRNN",
    "GatedCell",
    "ScalarLSTM",
    "VectorLSTM",
    "ScalarGRU",
    "VectorGRU",
    "ScalarMinGRU",
    "VectorMinGRU",
    "from_pytorch",
    "from_keras",
    # initialisation
    "gaussian_weights",
    "orthogonal_weights",
    "identity_weights",
    "shifted_identity",
    "forget_bias_for",
    "chrono_biases",
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
    "fit_rate",
    "half_life",
    "effective_memory",
    "verdict",
    "regime_map",
    "RegimeMap",
    # the gate surface
    "surface",
    "flat_surface",
    "shares",
    "path_shares",
    "Shares",
    "GATES",
    # backpropagation through time
    "Readout",
    "loss_gradients",
    "LossGradients",
    "backpropagate",
    "Backward",
    "step_terms",
    "all_terms",
    "Terms",
    "term_formula",
    "Formula",
    "weight_terms",
    "weight_recursion",
    "WeightTerms",
    # memory
    "memory_time",
    "memory_horizon",
    "gradient_by_lag",
    "lag_shares",
    "LagShares",
    "shares_beyond",
    # clipping
    "clip_by_norm",
    "clip_by_value",
    "Clipped",
    "cliff",
    "Cliff",
    "descend_cliff",
    "Descent",
    # mean field
    "mean_field",
    "MeanField",
    "critical_line",
    "simulate_mean_field",
    "Simulation",
]
