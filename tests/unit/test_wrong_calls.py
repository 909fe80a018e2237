"""Calls that a newcomer gets wrong: each answer names the value, what it must be, and what it was."""

import pytest

from gradprod import (
    ScalarLSTM,
    ScalarRNN,
    bound,
    descend_cliff,
    gradient_product,
    leaky_rnn,
    linear_rate,
    log_product,
    make_input,
    matrix_product,
    own_cell,
    readouts,
    unroll,
)

INPUTS = make_input("sine", 5)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: unroll("rnn", INPUTS), "cell must be a cell, got 'rnn'; give one such as"),
        (lambda: gradient_product([1, 2]), r"trajectory must be a Trajectory, got \[1, 2\]; unroll a cell"),
        (lambda: matrix_product("x"), "trajectory must be a Trajectory, got 'x'; unroll a cell"),
        (lambda: log_product("abc"), "factors must be numbers, got 'abc'; give an array"),
        (
            lambda: readouts(matrix_product(unroll(ScalarLSTM(), INPUTS))),
            "product must be a LogProduct or log₁₀ by lag, got MatrixProduct; take a block",
        ),
        (lambda: bound(ScalarRNN(), [0, -1]), "lags must be 0 or more, got -1; lag t − k counts"),
        (lambda: linear_rate(ScalarRNN(), [1]), "cell must be a VectorRNN, got ScalarRNN; a scalar cell's"),
        (
            lambda: descend_cliff(4, -2, learning_rate=-1, steps=3),
            "learning_rate must be finite and above 0, got -1; below 0 it climbs",
        ),
        (
            lambda: descend_cliff(4, -2, learning_rate=0.1, steps=-1),
            "steps must be an integer of 0 or more, got -1; 0 gives the start alone",
        ),
        (lambda: leaky_rnn(leak=2), "leak must be from 0 to 1, got 2; 1 is a plain cell"),
        (lambda: own_cell(3, INPUTS), "step must be a function of state and input, got 3; give def step"),
        (lambda: own_cell(lambda s, x: "a", INPUTS), r"step must return numbers, got \['a'\] at step 1"),
    ],
)
def test_a_wrong_call_is_told_what_it_must_be(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
