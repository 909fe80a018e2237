"""Calls that a newcomer gets wrong: each answer names the value, what it must be, and what it was."""

import inspect

import pytest

import gradprod
from gradprod import (
    SUNSPOTS,
    Readout,
    ScalarLSTM,
    ScalarRNN,
    bound,
    clip_by_norm,
    clip_by_value,
    descend_cliff,
    diagonal_recurrence,
    forget_bias_for,
    gate_reading,
    gradient_product,
    half_life,
    lag_shares,
    leaky_rnn,
    linear_rate,
    log_product,
    magnitudes,
    make_input,
    matrix_product,
    mean_field,
    memory_horizon,
    memory_time,
    own_cell,
    random_network,
    readouts,
    shares_beyond,
    standardise,
    unroll,
    vector_product,
    verdict,
)

INPUTS = make_input("sine", 5)
RUN = unroll(ScalarRNN(), INPUTS)


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
        (lambda: leaky_rnn(leak="a"), "leak must be numbers, got 'a'; give an array"),
        (lambda: leaky_rnn(leak=2), "leak must be from 0 to 1, got 2; 1 is a plain cell"),
        (lambda: own_cell(3, INPUTS), "step must be a function of state and input, got 3; give def step"),
        (lambda: own_cell(lambda s, x: "a", INPUTS), r"step must return numbers, got \['a'\] at step 1"),
        (lambda: memory_time("a"), "forget_bias must be numbers, got 'a'; give an array"),
        (lambda: memory_time(None), "forget_bias must be numbers, got None; give an array"),
        (lambda: memory_horizon(["a"]), r"forget_bias must be numbers, got \['a'\]; give an array"),
        (lambda: forget_bias_for("a"), "memory must be numbers, got 'a'; give an array"),
        (lambda: verdict("a"), "left_log10 must be numbers, got 'a'; give an array"),
        (lambda: half_life("a"), "rate must be numbers, got 'a'; give an array"),
        (lambda: magnitudes("a"), "log10 must be numbers, got 'a'; give an array"),
        (lambda: shares_beyond("a"), "norms must be numbers, got 'a'; give an array"),
        (lambda: mean_field("a"), "weight_scale must be numbers, got 'a'; give an array"),
        (lambda: diagonal_recurrence([2, "a"]), r"rates must be numbers, got \[2, 'a'\]; give an array"),
        (lambda: clip_by_norm([3.0], "a"), "threshold must be finite and above 0, got 'a'; 1 is a common"),
        (lambda: clip_by_norm("a", 1), "gradient must be numbers, got 'a'; give an array"),
        (lambda: clip_by_value([3.0], None), "threshold must be finite and above 0, got None; 1 is a common"),
        (
            lambda: descend_cliff(4, -2, learning_rate="a", steps=3),
            "learning_rate must be finite and above 0, got 'a'; below 0 it climbs",
        ),
        (
            lambda: vector_product(RUN, [1, 2]),
            r"covector must be a dict by part of the state, got \[1, 2\]; give \{'S': 1\} or the like",
        ),
        (lambda: gate_reading(None), "terms must be Terms, got None; take those of one weight from step_te"),
        (lambda: standardise([1, 2]), r"series must be a Series, got \[1, 2\]; read_csv reads one"),
        (lambda: lag_shares(RUN, None, INPUTS), r"readout must be a Readout, got None; Readout\(\) puts out"),
        (lambda: lag_shares("x", Readout(), INPUTS), "trajectory must be a Trajectory, got 'x'; unroll a"),
        (
            lambda: random_network(4, input_scale=-1),
            "input_scale must be 0 or more, got -1; it is a standard",
        ),
        (lambda: random_network(4, bias_scale="a"), "bias_scale must be numbers, got 'a'; give an array"),
        (
            lambda: make_input("zero", 20, period=3),
            "period must be left out for 'zero', got 3; it is for sine",
        ),
        (
            lambda: make_input(SUNSPOTS, 20, at=3),
            'at must be left out for "sunspot_number", got 3; it is for impulse and step',
        ),
    ],
)
def test_a_wrong_call_is_told_what_it_must_be(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


OF_A_RUN = {
    **dict.fromkeys(
        [
            "ablation",
            "all_terms",
            "approximations",
            "backpropagate",
            "cell_slope",
            "clipped_terms",
            "eigenvalue_reading",
            "freeze",
            "gradient_by_lag",
            "gradient_left",
            "gradient_product",
            "gru_terms",
            "input_term_norms",
            "lag_shares",
            "loss_gradients",
            "lstm_terms",
            "lyapunov_exponents",
            "matrix_product",
            "product_map",
            "product_norms",
            "rounding_horizon",
            "step_factors",
            "step_terms",
            "truncation_loss",
            "vector_product",
            "weight_recursion",
            "weight_terms",
        ],
        "trajectory must be a Trajectory, got None; unroll a cell over an input",
    ),
    "block": "product must be a MatrixProduct, got None; matrix_product makes one",
    "norm": "product must be a MatrixProduct, got None; matrix_product makes one",
    "step_sums": "terms must be Terms, got None; take those of one weight from all_terms",
    "terms_needed": "terms must be Terms, got None; take those of one weight from step_terms",
}


@pytest.mark.parametrize("name", OF_A_RUN)
def test_nothing_in_the_place_of_a_result_is_told_where_to_get_one(name):
    function = getattr(gradprod, name)
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    with pytest.raises(ValueError, match=OF_A_RUN[name]):
        function(*[None for _p in needed])
