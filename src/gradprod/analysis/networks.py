"""Random vector recurrent networks: weights by a rule, the rest drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gradprod.activations import FloatArray
from gradprod.analysis.initialisation import (
    gaussian_weights,
    identity_weights,
    nilpotent_weights,
    orthogonal_weights,
    shifted_identity,
)
from gradprod.cells import VectorRNN
from gradprod.cells.shapes import as_floats
from gradprod.unroll import Trajectory

INITIALISATIONS = ("gaussian", "orthogonal", "identity", "nilpotent")

SATURATING = 30.0
"""Bias of the second half of a nilpotent network: tanh is flat there to 1e-25."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomNetwork:
    """A vector recurrent cell and a state to start from.

    Parameters
    ----------
    cell : VectorRNN
        With a leading axis of draws, if several were asked for.
    initial_state : ndarray, shape (n,) or (draws, n)
        h_0.
    """

    cell: VectorRNN
    initial_state: FloatArray


def recurrent_weights(
    n: int, initialisation: str, gain: float = 1.0, *, seed: int = 7, draws: int | None = None
) -> FloatArray:
    """Recurrent weights W_0 by the name of their rule.

    Parameters
    ----------
    n, initialisation, gain, seed, draws
        As in `random_network`.

    Returns
    -------
    ndarray, shape (n, n) or (draws, n, n)

    Raises
    ------
    ValueError
        If there is no such rule, no unit, or no draw.
    """
    rules = {
        "gaussian": gaussian_weights,
        "orthogonal": orthogonal_weights,
        "nilpotent": nilpotent_weights,
    }
    if initialisation == "identity":
        return np.broadcast_to(identity_weights(n, gain), (*(() if draws is None else (draws,)), n, n))
    if initialisation not in rules:
        raise ValueError(
            f"initialisation must be one of {', '.join(INITIALISATIONS)}, got {initialisation!r}"
        )
    return rules[initialisation](n, gain, seed=seed, draws=draws)


def random_network(
    n: int,
    initialisation: str = "gaussian",
    gain: float = 1.0,
    *,
    coupling: float = 0.0,
    activation: str = "tanh",
    input_scale: float = 0.5,
    bias_scale: float = 0.0,
    initial_scale: float = 0.5,
    seed: int = 7,
    draws: int | None = None,
) -> RandomNetwork:
    """A vector recurrent network with one input, its recurrent weights by a rule.

        W = W_0 + c N        U ~ N(0, σ_U²)        b ~ N(0, σ_b²)        h_0 ~ N(0, σ_h²)

    N is the upper shift: unit j feeds unit j − 1, which makes W non-normal. A nilpotent network takes neither
    c nor σ_b: its bias holds the second half h″ of its units at 1 and undoes what they send to the first,

        h′ = tanh(G h′ − G h″ + G 1) = tanh(G h′)        where h″ = tanh(G h′ − G h″ + 30) = 1.

    Parameters
    ----------
    n : int
        Units.
    initialisation : {"gaussian", "orthogonal", "identity", "nilpotent"}
        Which rule gives W_0: `gaussian_weights`, `orthogonal_weights`, `identity_weights`,
        `nilpotent_weights`.
    gain : float
        Its gain.
    coupling : float
        c.
    activation : {"tanh", "linear", "sigmoid"}
        φ.
    input_scale, bias_scale, initial_scale : float
        σ_U, σ_b and σ_h.
    seed : int
        Of W_0; U, b and h_0 are drawn apart from it, so that changing one leaves the others.
    draws : int, optional
        How many networks, along a leading axis; the first is the one that is drawn alone.

    Returns
    -------
    RandomNetwork

    Raises
    ------
    ValueError
        If there is no such rule, no unit, or no draw; if a σ is below 0.
    """
    for name, scale in {
        "input_scale": input_scale,
        "bias_scale": bias_scale,
        "initial_scale": initial_scale,
    }.items():
        if as_floats(name, scale) < 0:
            raise ValueError(f"{name} must be 0 or more, got {scale}; it is a standard deviation")
    W = recurrent_weights(n, initialisation, gain, seed=seed, draws=draws)
    leading = () if draws is None else (draws,)

    def normal(stream: int, scale: float) -> FloatArray:
        return scale * np.random.default_rng([seed, stream]).standard_normal((*leading, n))

    bias = normal(2, bias_scale)
    if initialisation == "nilpotent":
        half = n // 2
        bias = np.zeros((*leading, n))
        bias[..., :half] = W[..., :half, :half].sum(axis=-1)
        bias[..., half : 2 * half] = SATURATING
    elif coupling:
        W = W + shifted_identity(n, 0.0, coupling)
    cell = VectorRNN(
        activation=activation, recurrent_weight=W, input_weight=normal(1, input_scale)[..., None], bias=bias
    )
    return RandomNetwork(cell=cell, initial_state=normal(3, initial_scale))


def one_network(trajectory: Trajectory, draw: int = 0) -> Trajectory:
    """The run of one of several networks.

    Parameters
    ----------
    trajectory : Trajectory
        Of a VectorRNN with one leading axis, on one input.
    draw : int
        Which.

    Returns
    -------
    Trajectory
    """
    cell = replace(
        trajectory.cell, **{name: array[draw] for name, array in trajectory.cell.parameters.items()}
    )
    states = {part: array[draw] for part, array in trajectory.states.items()}
    return Trajectory(cell=cell, inputs=trajectory.inputs, states=states, overflow_step=None)


def last_steps(trajectory: Trajectory, most: int) -> Trajectory:
    """The end of a run without leading axes.

    Parameters
    ----------
    trajectory : Trajectory
    most : int
        How many steps, or all that there are.

    Returns
    -------
    Trajectory
    """
    start = max(0, trajectory.length - most)
    states = {part: array[start:] for part, array in trajectory.states.items()}
    return replace(trajectory, inputs=trajectory.inputs[start:], states=states, overflow_step=None)
