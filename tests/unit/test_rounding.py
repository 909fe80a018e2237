"""From which step on rounding decides: beside the same run in sixty digits."""

import mpmath
import numpy as np
import pytest

from gradprod import (
    ScalarGRU,
    ScalarLSTM,
    ScalarRNN,
    VectorRNN,
    make_input,
    random_network,
    rounding_horizon,
    unroll,
)

NOTHING = np.zeros(200)
EXPLODES = {
    f"{gate}_{what}": value
    for gate, weight, bias in (
        ("forget", 3.0, -2.0),
        ("input_gate", -3.0, 3.0),
        ("output_gate", -3.0, 1.0),
        ("candidate", -6.0, -1.0),
    )
    for what, value in (("weight", 0.0), ("recurrent_weight", weight), ("bias", bias))
}


def lstm_in_sixty_digits(steps):
    """c and h at every step, from equations written out here."""
    with mpmath.workdps(60):
        one = mpmath.mpf(1)

        def sigma(a):
            return one / (one + mpmath.exp(-a))

        c = h = mpmath.mpf(0)
        found = [(0.0, 0.0)]
        for _ in range(steps):
            f, i, o = sigma(3 * h - 2), sigma(-3 * h + 3), sigma(-3 * h + 1)
            c = f * c + i * mpmath.tanh(-6 * h - 1)
            h = o * mpmath.tanh(c)
            found.append((float(c), float(h)))
    return np.array(found)


def test_a_chaotic_run_parts_from_its_equations_about_there():
    run = unroll(ScalarLSTM(**EXPLODES), NOTHING)
    gap = np.abs(lstm_in_sixty_digits(200) - np.stack([run.states["c"], run.states["h"]], axis=1)).max(axis=1)
    size = np.maximum.accumulate(np.abs(run.states["c"]))
    true = int(np.flatnonzero(gap > 1e-3 * size)[0])
    assert gap[: true // 2].max() < 1e-8
    horizon = rounding_horizon(run)
    assert horizon is not None
    assert abs(horizon - true) <= 15


@pytest.mark.parametrize(
    ("cell", "inputs", "start"),
    [
        (ScalarRNN(recurrent_weight=0.9), make_input("sine", 500), 0.0),
        (ScalarRNN(activation="linear", recurrent_weight=-1.5), make_input("noise", 500), 0.0),
        (ScalarRNN(activation="linear", recurrent_weight=-4.0), make_input("noise", 2000), 0.0),  # overflows
        (ScalarRNN(recurrent_weight=4.0), NOTHING, 0.001),
        (ScalarRNN(recurrent_weight=4.0), NOTHING, 0.0),
        (ScalarLSTM(forget_bias=8.0), make_input("sine", 2000), 0.0),
        (ScalarGRU(candidate_recurrent_weight=4.0, reset_bias=4.0), NOTHING, 0.0),
        (ScalarRNN(), np.ones(1), 0.0),
    ],
)
def test_what_vanishes_is_linear_or_rests_stays_together(cell, inputs, start):
    assert rounding_horizon(unroll(cell, inputs, start)) is None


def test_a_random_network_is_chaotic_at_gain_3_and_not_at_a_half():
    x = make_input("noise", 400)[:, None]
    horizon = {}
    for gain in (0.5, 3.0):
        cell = random_network(64, "gaussian", gain, seed=1).cell
        assert isinstance(cell, VectorRNN)
        horizon[gain] = rounding_horizon(unroll(cell, x))
    assert horizon[0.5] is None
    # 10⁻¹⁶ grows to 10⁻³ at 0.31 nats a step (Lyapunov exponent for g = 3) in some 96 steps; input slows it
    assert 50 < horizon[3.0] < 400


def test_a_run_that_starts_late_is_followed_from_there():
    cell = ScalarLSTM(**EXPLODES | {"candidate_bias": 0.0, "candidate_weight": -1.0})
    assert rounding_horizon(unroll(cell, np.zeros(300))) is None  # c and h stay 0
    late = np.repeat([0.0, 0.5], [100, 200])
    horizon = rounding_horizon(unroll(cell, late))
    assert horizon is not None
    assert horizon == 100 + rounding_horizon(unroll(cell, late[100:]))


def test_a_grid_of_runs_is_refused():
    run = unroll(ScalarRNN(recurrent_weight=np.ones(3)), NOTHING)
    with pytest.raises(ValueError, match=r"trajectory must be a single run, got a grid of shape \(3,\)"):
        rounding_horizon(run)
