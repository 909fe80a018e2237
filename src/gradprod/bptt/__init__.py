"""Backpropagation through time: whole gradients by adjoints, and the same gradients term by term.

The loss is L = Σ_t L_t with L_t = ½ ‖O_t − Y_t‖² on a linear readout O_t = W_o h_t + b_2 of what the cell
puts out. Term by term,

    ∂L_t/∂θ = Σ_{k=1}^{t}  (∂L_t/∂S_t) · P(t, k) · ∂⁺S_k/∂θ
                           error signal   product   immediate partial

where ∂⁺ holds every earlier state. State 0 is given and depends on no parameter, so the sum starts at k = 1.
"""

from gradprod.bptt.adjoints import (
    Backward,
    BidirectionalGradients,
    LossGradients,
    backpropagate,
    bidirectional_loss_gradients,
    loss_gradients,
)
from gradprod.bptt.formulas import Formula, term_formula
from gradprod.bptt.readout import Readout
from gradprod.bptt.terms import Terms, all_terms, step_terms
from gradprod.bptt.weights import WeightTerms, weight_recursion, weight_terms

__all__ = [
    "Backward",
    "BidirectionalGradients",
    "Formula",
    "LossGradients",
    "Readout",
    "Terms",
    "WeightTerms",
    "all_terms",
    "backpropagate",
    "bidirectional_loss_gradients",
    "loss_gradients",
    "step_terms",
    "term_formula",
    "weight_recursion",
    "weight_terms",
]
