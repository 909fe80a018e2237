"""Recurrent cells: each one's equations, stated once as step and step Jacobian over its whole state.

A cell is a frozen record of parameters: array_like where it is made, read-only float64 arrays afterwards.
Leading axes broadcast: ``ScalarRNN(recurrent_weight=np.linspace(-4, 4, 1000))`` is a thousand cells. Below,
(...) stands for these axes; a scalar cell's arrays end there, a vector cell's go on with (n,) units or (m,)
inputs. Further axes, time among them, may stand in front.

What a cell offers
------------------
``parts``
    The state's parts in order: ("S",), ("h",) or ("c", "h"). States, adjoints and blocks are dicts by them.
``parameters``, ``leading``, ``width``, ``input_width``
    Parameters by name; the leading axes that they broadcast to; () or (n,); () or (m,).
``drive(inputs) -> dict``
    What the inputs alone decide, for all steps at once.
``activate(before, drive) -> (pre_activations, gates)``, ``update(before, pre_activations, gates) -> after``
    One step in two halves, from the parts of the state and the drive of that step (or of many side by side);
    ``step(before, drive) -> (after, pre_activations, gates)`` is both.
``partials(step) -> dict``
    The elementwise partial derivatives at a `Step` (``trajectory.steps()`` is a run's, time first), slopes
    taken straight from the pre-activations.
``jacobian(partials) -> {"cc": …, "ch": …, …}``
    The blocks of J_t = ∂state_t/∂state_{t−1}, "ch" being ∂c_t/∂h_{t−1}: (..., n, n), of a scalar cell (...).
``adjoint(partials, state) -> (state, pre_activations)``
    From λ_t = ∂L/∂state_t by part: J_tᵀ λ_t by part, and the adjoint of each pre-activation.
``parameter_vjp(step, pre_activations) -> dict``
    (∂⁺state_t/∂θ)ᵀ λ_t for every parameter θ by name, leading axes (steps among them) kept;
    ``parameter_sum`` adds the steps up, ``input_adjoint(partials, pre_activations)`` is the same for x_t.
``output(step)``, ``output_adjoint(partials, output) -> (state, pre_activations)``
    What a readout sees (h_t; S_t of the plain scalar cell; o_t S_t of the gated cell), and its adjoint.
``factors(step) -> (sign, log)``
    Where the state is one number: J_t by sign and natural log magnitude, no digit lost in saturation.

Backpropagation through time is then: at each t from T down to 1 add ``output_adjoint`` of ∂L/∂output_t to λ,
and take ``λ, d = cell.adjoint(partials_t, λ)``; ``parameter_sum`` turns the d of all steps into gradients.
"""

from gradprod.cells.base import Arrays, Cell, Step
from gradprod.cells.bidirectional import Bidirectional
from gradprod.cells.gated import GatedCell
from gradprod.cells.gru import ScalarGRU, ScalarMinGRU, VectorGRU, VectorMinGRU
from gradprod.cells.lstm import ScalarLSTM, VectorLSTM
from gradprod.cells.rnn import ScalarRNN, VectorRNN

#: Every cell; property tests run over it. A `Bidirectional` is a pair of them.
CELLS: tuple[type[Cell], ...] = (
    ScalarRNN,
    VectorRNN,
    GatedCell,
    ScalarLSTM,
    VectorLSTM,
    ScalarGRU,
    VectorGRU,
    ScalarMinGRU,
    VectorMinGRU,
)

__all__ = [
    "CELLS",
    "Arrays",
    "Bidirectional",
    "Cell",
    "GatedCell",
    "ScalarGRU",
    "ScalarLSTM",
    "ScalarMinGRU",
    "ScalarRNN",
    "Step",
    "VectorGRU",
    "VectorLSTM",
    "VectorMinGRU",
    "VectorRNN",
]
