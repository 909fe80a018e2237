"""Where a chaotic run stops being that of its equations and becomes that of its rounding errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gradprod.activations import FloatArray
from gradprod.unroll import Trajectory, require_trajectory, unroll

_LAST_DIGIT = float(np.spacing(1.0))
_AT_A_TIME = 256


def rounding_horizon(trajectory: Trajectory, *, tolerance: float = 1e-3) -> int | None:
    """First step at which rounding decides where the run is.

    The run is repeated from its first state that isn't 0, with that and all inputs larger by one unit in the
    last place. Where products
    explode and the state stays bounded the two part: from then on neither follows the equations, and every
    product over those steps is that of a neighbouring run, right in kind and rate but in none of its digits.

    Parameters
    ----------
    trajectory : Trajectory
        A single run.
    tolerance : float, optional
        How far apart the two runs may be, as a share of the largest state so far.

    Returns
    -------
    int or None
        A step from 1 to T; None if the runs stay together, as they do where products vanish, in a linear
        cell, and where the state is exactly 0. Steps from an overflow on are not looked at.

    Raises
    ------
    ValueError
        If the trajectory is a grid of runs.
    """
    require_trajectory(trajectory)
    if trajectory.leading:
        raise ValueError(
            f"trajectory must be a single run, got a grid of shape {trajectory.leading}; "
            "unroll the cell with one set of parameters"
        )
    end = trajectory.length if trajectory.overflow_step is None else int(trajectory.overflow_step) - 1
    size = _largest({part: states[: end + 1] for part, states in trajectory.states.items()})
    moving = np.flatnonzero(size)
    if not moving.size:
        return None
    first, more = int(moving[0]), 1 + _LAST_DIGIT
    size = np.maximum.accumulate(size)
    beside = {part: states[first] * more for part, states in trajectory.states.items()}
    for start in range(first, end, _AT_A_TIME):
        stop = min(start + _AT_A_TIME, end)
        other = unroll(trajectory.cell, trajectory.inputs[start:stop] * more, beside)
        if other.overflow_step is not None:  # a step before the run itself
            return None
        beside = {part: states[-1] for part, states in other.states.items()}
        with np.errstate(invalid="ignore"):
            gap = _largest(
                {part: of[start : stop + 1] - other.states[part] for part, of in trajectory.states.items()}
            )
        apart = np.flatnonzero(gap > tolerance * size[start : stop + 1])
        if apart.size:
            return start + int(apart[0])
    return None


def _largest(states: Mapping[str, FloatArray]) -> FloatArray:
    """The largest part and unit of the state at each step."""
    largest: FloatArray = np.max(
        [np.abs(of).reshape(len(of), -1).max(axis=1) for of in states.values()], axis=0
    )
    return largest
