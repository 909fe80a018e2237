"""Recurrent cells: each one's equations, stated once as step and step Jacobian over its whole state.

A cell is a frozen record of parameters, array_like in, float64 arrays out. Leading axes broadcast: ``ScalarRNN(recurrent_weight=
np.linspace(-4, 4, 1000))`` is a thousand cells. Below, (...) are leading axes, parameters' axes last; a scalar cell's arrays end
there, a vector cell's go on with (n,) units or (m,) inputs. Any number of further axes (time first among them) may stand in front.

What a cell offers
------------------
``parts``
    The state's parts in order: ("S",), ("h",) or ("c", "h"). States, adjoints and Jacobian blocks are dicts by these names.
``parameters``, ``leading``, ``width``, ``input_width``
    Parameters by name; the shape that they broadcast to; () or (n,); () or (m,).
``drive(inputs) -> (drive, pre_activations, gates)``
    What the inputs alone decide, all steps at once: what they and biases add to each pre-activation, and the pre-activations and
    gates that depend on nothing else.
``step(before, drive) -> (after, pre_activations, gates)``
    One step, from the parts of the state and one step of the drive; pre-activations and gates that the state has a part in.
``partials(step) -> dict``
    The elementwise partial derivatives at a `Step` record (one step or all of a trajectory: ``trajectory.steps()``), slopes taken
    straight from pre-activations.
``jacobian(partials) -> {"cc": …, "ch": …}``
    The blocks of J_t = ∂state_t/∂state_{t−1}, "ch" being ∂c_t/∂h_{t−1}: (..., n, n), or (...) of a scalar cell.
``adjoint(partials, state) -> (state, pre_activations)``
    From λ_t = ∂L/∂state_t by part: J_tᵀ λ_t by part, and the adjoint of each pre-activation. Vectors only, no matrix is formed.
``parameter_vjp(step, pre_activations) -> dict``
    (∂⁺state_t/∂θ)ᵀ λ_t for every parameter θ by name, leading axes (steps among them) kept.
``output(step)``, ``output_adjoint(partials, output) -> (state, pre_activations)``
    What a readout sees (h_t; S_t of the plain scalar cell; o_t S_t of the gated cell), and its adjoint.
``factors(step) -> (sign, log)``
    Where the state is one number: J_t by sign and natural log magnitude, no digit lost in saturation.

Backpropagation through time is then: λ_T from `output_adjoint`; for t = T … 1: ``λ, d = cell.adjoint(partials_t, λ)``, add
∂L_{t−1}/∂state_{t−1}; and ``parameter_vjp`` of the d's of all steps at once.
"""

from gradprod.cells.base import Arrays, Cell, Step
from gradprod.cells.gated import GatedCell
from gradprod.cells.rnn import ScalarRNN, VectorRNN

#: Every cell that steps; property tests run over it.
CELLS: tuple[type[Cell], ...] = (ScalarRNN, VectorRNN, GatedCell)

__all__ = ["CELLS", "Arrays", "Cell", "GatedCell", "ScalarRNN", "Step", "VectorRNN"]
