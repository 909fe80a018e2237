"""Which gate matters: an LSTM with one gate at a time held at what it is on average."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from gradprod.analysis.readouts import Readouts, readouts
from gradprod.cells import ScalarLSTM
from gradprod.products import block, matrix_product
from gradprod.unroll import Trajectory, require_trajectory, unroll

FROZEN = {
    "forget": ("f", "forget"),
    "input_gate": ("i", "input_gate"),
    "output_gate": ("o", "output_gate"),
    "candidate": ("candidate", "candidate"),
}
"""What can be frozen: its gate in a trajectory, and how its parameters' names begin."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ablation:
    """A run with one gate frozen.

    Attributes
    ----------
    value : float
        What the gate is held at.
    readouts : Readouts
        Of the exact partial ∂c_t/∂c_k.
    """

    value: float
    readouts: Readouts


def freeze(trajectory: Trajectory, gate: str) -> ScalarLSTM:
    """The cell of a run with one gate held at its mean over that run.

    Parameters
    ----------
    trajectory : Trajectory
        Of one ScalarLSTM, without leading axes.
    gate : str
        One of `FROZEN`.

    Returns
    -------
    ScalarLSTM
        Weights and peepholes of that gate are 0, its bias gives the mean.

    Raises
    ------
    ValueError
        If the cell isn't a single ScalarLSTM, or there is no such gate.
    """
    require_trajectory(trajectory)
    cell = trajectory.cell
    if not isinstance(cell, ScalarLSTM) or trajectory.leading:
        raise ValueError(
            f"trajectory must be of one ScalarLSTM, got {type(cell).__name__} with leading axes "
            f"{trajectory.leading}; unroll one cell"
        )
    if gate not in FROZEN:
        raise ValueError(f"gate must be one of {', '.join(FROZEN)}, got {gate!r}; choose one")
    letter, prefix = FROZEN[gate]
    mean = float(trajectory.gates[letter].mean())
    with np.errstate(divide="ignore"):
        bias = float(np.arctanh(mean) if gate == "candidate" else np.log(mean) - np.log1p(-mean))
    names = [name for name in cell.parameters if name.startswith(prefix)]
    held = dict.fromkeys(names, 0.0) | {f"{prefix}_bias": float(np.clip(bias, -700, 700))}
    return replace(cell, **held)


def ablation(
    trajectory: Trajectory, *, threshold: float = 0.01, initial_state: ArrayLike = 0.0
) -> dict[str, Ablation]:
    """The same run four times, each with one gate frozen at its mean.

    Parameters
    ----------
    trajectory : Trajectory
        Of one ScalarLSTM, without leading axes.
    threshold : float
        What counts as remembered.
    initial_state : array_like
        Of the runs.

    Returns
    -------
    dict of str to Ablation
        By the names of `FROZEN`.

    Raises
    ------
    ValueError
        As of `freeze`.
    """
    found = {}
    for gate, (letter, _prefix) in FROZEN.items():
        run = unroll(freeze(trajectory, gate), trajectory.inputs, initial_state)
        product = block(matrix_product(run), "cc")
        found[gate] = Ablation(
            value=float(trajectory.gates[letter].mean()), readouts=readouts(product, threshold)
        )
    return found
