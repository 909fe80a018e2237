"""Memory times in closed form; gradients by lag against truncated ones and the scalar cells' own terms."""

import math

import mpmath
import numpy as np
import pytest

from gradprod.analysis.initialisation import forget_bias_for
from gradprod.analysis.memory import (
    gradient_by_lag,
    lag_shares,
    memory_horizon,
    memory_time,
    shares_beyond,
)
from gradprod.bptt import Readout, backpropagate, loss_gradients, step_terms
from gradprod.cells import GatedCell, ScalarLSTM, ScalarRNN, VectorGRU, VectorLSTM, VectorRNN
from gradprod.inputs import make_input
from gradprod.unroll import unroll

RNG = np.random.default_rng(5)


def test_memory_times_of_a_forget_bias():
    assert [float(f"{t:.3g}") for t in memory_time([0, 1, 3])] == [1.44, 3.19, 20.6]
    for b in (-700.0, -3.0, 0.0, 5.0, 40.0, 700.0):
        with mpmath.workdps(340):
            f = 1 / (1 + mpmath.exp(-mpmath.mpf(b)))
            assert memory_time(b) == pytest.approx(float(-1 / mpmath.log(f)), rel=1e-14)
            assert memory_horizon(b) == pytest.approx(float(1 / (1 - f)), rel=1e-13)
        if b > -30:
            assert forget_bias_for(memory_time(b)) == pytest.approx(b, rel=1e-12, abs=1e-12)
    assert memory_horizon(9.0) - memory_time(9.0) == pytest.approx(0.5, abs=1e-4)


def cells():
    def weights(*shape):
        return RNG.normal(size=shape) / math.sqrt(shape[-1])

    n, m = 3, 2
    yield ScalarRNN(recurrent_weight=0.9, bias=0.1), ()
    yield ScalarRNN(recurrent_weight=[0.9, -1.5], input_weight=[[0.3], [2.0], [0.0]]), ()
    yield GatedCell(forget_bias=2.0), ()
    yield ScalarLSTM(forget_bias=2.0, input_gate_peephole=0.4, output_gate_peephole=-0.5), ()
    yield VectorRNN(recurrent_weight=weights(n, n), input_weight=weights(n, m), bias=weights(n)), (m,)
    gru = ("update", "reset", "candidate")
    yield (
        VectorGRU(
            **{f"{g}_weight": weights(n, m) for g in gru},
            **{f"{g}_recurrent_weight": weights(n, n) for g in gru},
        ),
        (m,),
    )
    lstm = ("forget", "input_gate", "candidate", "output_gate")
    yield (
        VectorLSTM(
            **{f"{g}_weight": weights(n, m) for g in lstm},
            **{f"{g}_recurrent_weight": weights(n, n) for g in lstm},
            output_gate_peephole=weights(n),
        ),
        (m,),
    )


@pytest.mark.parametrize(("cell", "m"), list(cells()), ids=lambda v: type(v).__name__)
def test_terms_by_lag_add_up_and_agree_with_truncation(cell, m):
    T = 9
    run = unroll(cell, RNG.normal(size=(T, *m)), 0.3)
    readout = Readout(weight=RNG.normal(size=(2, 3)) if m else 1.7, bias=0.2)
    targets = RNG.normal(size=(T, 2) if m else T)
    by_lag = gradient_by_lag(run, readout, targets)
    for cut in (1, 2, 5, T):
        truncated = loss_gradients(run, readout, targets, truncation=cut).parameters
        assert by_lag.keys() == truncated.keys()
        for name, g in by_lag.items():
            np.testing.assert_allclose(g[:cut].sum(axis=0), truncated[name], rtol=1e-11, atol=1e-13)
    for name, shares in lag_shares(run, readout, targets).items():
        g = by_lag[name]
        whole = loss_gradients(run, readout, targets).parameters[name]
        norm_axes = tuple(range(1 + len(cell.leading), g.ndim))
        sizes = np.moveaxis(np.sqrt(np.sum(g**2, axis=norm_axes)), 0, -1)
        np.testing.assert_allclose(shares.norm, sizes, rtol=1e-13)
        for k in range(T):
            if (sizes.sum(axis=-1) > 0).all():
                expected = sizes[..., k + 1 :].sum(axis=-1) / sizes.sum(axis=-1)
                np.testing.assert_allclose(shares.beyond[..., k], expected, atol=1e-14)
                kept = loss_gradients(run, readout, targets, truncation=k + 1).parameters[name]
                axes = tuple(range(len(cell.leading), whole.ndim))
                net = np.sqrt(np.sum((whole - kept) ** 2, axis=axes) / np.sum(whole**2, axis=axes))
                np.testing.assert_allclose(shares.net_beyond[..., k], net, rtol=1e-9, atol=1e-11)


def test_a_scalar_cells_terms_of_one_step():
    cell = ScalarRNN(recurrent_weight=0.95, input_weight=0.4)
    run = unroll(cell, make_input("noise", 30))
    targets = run.output.copy()
    targets[-1] += 1  # the error, and so the loss, is at the last step alone
    terms = step_terms(run, Readout(), targets)["recurrent_weight"].values
    shares = lag_shares(run, Readout(), targets)["recurrent_weight"]
    np.testing.assert_allclose(shares.norm, np.abs(terms[::-1]), rtol=1e-12, atol=1e-300)


def test_a_gradient_may_be_large_with_no_memory_in_it():
    """The leaky integrator: a unit's gradient has variance (1 + λ²)/(1 − λ²)³, and the near lags carry it."""
    T, leak = 400, 0.9
    cell = ScalarRNN(activation="linear", recurrent_weight=leak, input_weight=1.0)
    run = unroll(cell, np.eye(T))  # dh_T/dλ is linear in the inputs: an impulse a row
    last = np.zeros(T)
    last[-1] = 1.0
    coefficients = backpropagate(run, output=last).parameters["recurrent_weight"]
    assert round(float(np.sum(coefficients**2)), 1) == 263.9
    assert np.sum(coefficients**2) == pytest.approx((1 + leak**2) / (1 - leak**2) ** 3, rel=1e-12)
    shares = lag_shares(unroll(cell, make_input("noise", T)), Readout(), np.zeros(T))["recurrent_weight"]
    assert shares.beyond[0] > 0.5
    assert shares.beyond[50] < 0.02


def test_shares_of_sizes():
    np.testing.assert_allclose(shares_beyond([1, 2, 5]), [7 / 8, 5 / 8, 0], rtol=1e-15)
    np.testing.assert_allclose(
        shares_beyond([[1e-320, 3e-320], [1e308, 1e308]]), [[0.75, 0], [0.5, 0]], rtol=1e-3
    )
    assert np.isnan(shares_beyond([0.0, 0])).all()
    with pytest.raises(ValueError, match=r"not negative, got -1\.0 at lag 1; take magnitudes"):
        shares_beyond([1, -1])


def test_an_overflowed_run_is_refused():
    run = unroll(ScalarRNN(activation="linear", recurrent_weight=1e200), np.ones(9))
    with pytest.raises(ValueError, match="overflows at step"):
        gradient_by_lag(run, Readout(), np.zeros(9))
