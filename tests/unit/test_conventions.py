"""Our cells against what PyTorch and Keras computed themselves: tests/fixtures, made by scripts/make_*."""

import re
from pathlib import Path

import numpy as np
import pytest
import reference as ref

from gradprod.bptt import backpropagate
from gradprod.cells import VectorGRU, VectorLSTM, VectorRNN
from gradprod.conventions import from_keras, from_pytorch
from gradprod.unroll import unroll

FIXTURES = Path(__file__).parent.parent / "fixtures"
LSTM = ("input_gate", "forget", "candidate", "output_gate")
n = 3


def load(name):
    with np.load(FIXTURES / f"{name}.npz") as file:
        return dict(file)


def close(actual, expected, digits=12):
    """To so many digits of each array's largest entry."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=10.0**-digits * np.abs(expected).max())


def keras_weights(arrays, prefix=""):
    return [arrays[f"{prefix}weight_{i}"] for i in range(len([k for k in arrays if k.startswith("weight_")]))]


def stacked(gradient, gates, kind):
    """A gradient by our names, gates stacked in another order; the update gate's sign is theirs."""
    return np.concatenate([(-1 if g == "update" else 1) * gradient[f"{g}_{kind}"] for g in gates])


# ------------------------------------------------------------------ PyTorch


@pytest.mark.parametrize(
    ("name", "cell"),
    [("rnn", VectorRNN), ("lstm", VectorLSTM), ("gru", VectorGRU), ("gru_without_bias", VectorGRU)],
)
def test_pytorchs_outputs_states_and_gradients(name, cell):
    theirs = load(f"torch_{name}")
    ours = from_pytorch(theirs)
    assert type(ours) is cell
    state = {part: theirs[f"{part}_0"] for part in ours.parts}
    run = unroll(ours, theirs["inputs"], state)
    close(run.output, theirs["outputs"])
    for part in ours.parts:
        close(run.states[part][-1], theirs[f"{part}_n"])

    found = backpropagate(run, output=theirs["probe"])
    for part in ours.parts:
        close(found.initial_state[part], theirs[f"grad:{part}_0"])
    g = found.parameters
    if cell is VectorRNN:
        close(g["input_weight"], theirs["grad:weight_ih_l0"])
        close(g["recurrent_weight"], theirs["grad:weight_hh_l0"])
        close(g["bias"], theirs["grad:bias_ih_l0"])
        close(g["bias"], theirs["grad:bias_hh_l0"])
        return
    gates = LSTM if cell is VectorLSTM else ("reset", "update", "candidate")
    close(stacked(g, gates, "weight"), theirs["grad:weight_ih_l0"])
    close(stacked(g, gates, "recurrent_weight"), theirs["grad:weight_hh_l0"])
    if name == "gru_without_bias":
        return
    close(stacked(g, gates, "bias"), theirs["grad:bias_ih_l0"])
    second = g if cell is VectorLSTM else g | {"candidate_bias": g["candidate_recurrent_bias"]}
    close(stacked(second, gates, "bias"), theirs["grad:bias_hh_l0"])


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_pytorchs_jacobian_over_the_whole_state(name):
    theirs = load(f"torch_{name}")
    cell = from_pytorch(theirs)
    run = unroll(cell, theirs["inputs"], {part: theirs[f"{part}_0"] for part in cell.parts})
    order = [part for part in ("h", "c") if part in cell.parts]
    J = np.eye(n * len(order))
    for step in range(run.length):
        blocks = cell.jacobian(cell.partials(run.steps(step, step + 1)))
        J = np.block([[blocks[a + b][0] for b in order] for a in order]) @ J
    close(J, theirs["jacobian"])


def test_pytorchs_bidirectional_lstm():
    theirs = load("torch_bilstm")
    found = []
    for reverse, ending in ((False, ""), (True, "_reverse")):
        cell = from_pytorch(theirs, reverse=reverse)
        state = {part: theirs[f"{part}_0{ending}"] for part in cell.parts}
        inputs = theirs["inputs"][::-1] if reverse else theirs["inputs"]
        run = unroll(cell, inputs, state)
        found.append(run.output[::-1] if reverse else run.output)
        half = theirs["probe"][:, n:][::-1] if reverse else theirs["probe"][:, :n]
        g = backpropagate(run, output=half).parameters
        close(stacked(g, LSTM, "recurrent_weight"), theirs[f"grad:weight_hh_l0{ending}"])
    close(np.concatenate(found, axis=1), theirs["outputs"])


def test_pytorch_differentiates_c_by_c_with_h_moving_along():
    """Through a loop of LSTMCell: the exact total, as the reference has it, and not the partial."""
    theirs = load("torch_lstm")
    params = {}
    for number, letter in enumerate("ifco"):
        rows = slice(n * number, n * (number + 1))
        params[f"W_{letter}"], params[f"U_{letter}"] = (
            theirs["weight_ih_l0"][rows],
            theirs["weight_hh_l0"][rows],
        )
        params[f"b_{letter}"] = (theirs["bias_ih_l0"] + theirs["bias_hh_l0"])[rows]
    run = ref.NETS["lstm"], params, theirs["inputs"], np.concatenate([theirs["h_0"], theirs["c_0"]])
    close(ref.carried_cell_jacobian(*run, 6, 1), theirs["dc_dc"])
    assert np.abs(ref.product(*run, 6, 1)[n:, n:] - theirs["dc_dc"]).max() > 1e-3


def test_a_deeper_layer_is_read_by_its_number():
    theirs = {k.replace("_l0", "_l2"): v for k, v in load("torch_rnn").items()}
    np.testing.assert_array_equal(from_pytorch(theirs, layer=2).recurrent_weight, theirs["weight_hh_l2"])
    assert from_pytorch(theirs, layer=2, activation="linear").activation == "linear"


# ------------------------------------------------------------------ Keras


@pytest.mark.parametrize(
    ("name", "cell", "reset", "digits"),
    [
        ("rnn", VectorRNN, "after", 6),  # Keras' matmul rounds to float32
        ("lstm", VectorLSTM, "after", 12),
        ("gru", VectorGRU, "after", 12),
        ("gru_reset_before", VectorGRU, "before", 6),
    ],
)
def test_keras_outputs_and_gradients(name, cell, reset, digits):
    theirs = load(f"keras_{name}")
    ours = from_keras(keras_weights(theirs), reset=reset)
    assert type(ours) is cell
    run = unroll(ours, theirs["inputs"])
    close(run.output, theirs["outputs"], digits)

    g = backpropagate(run, output=theirs["probe"]).parameters
    W, U, b = keras_weights(theirs, "grad:")
    if cell is VectorRNN:
        close(g["input_weight"].T, W, digits)
        close(g["recurrent_weight"].T, U, digits)
        close(g["bias"], b, digits)
        return
    gates = LSTM if cell is VectorLSTM else ("update", "reset", "candidate")
    close(stacked(g, gates, "weight").T, W, digits)
    close(stacked(g, gates, "recurrent_weight").T, U, digits)
    if b.ndim == 1:
        close(stacked(g, gates, "bias"), b, digits)
    else:
        close(stacked(g, gates, "bias"), b[0], digits)
        close(stacked(g | {"candidate_bias": g["candidate_recurrent_bias"]}, gates, "bias"), b[1], digits)


def test_keras_bidirectional_lstm():
    theirs = load("keras_bilstm")
    weights = keras_weights(theirs)
    ahead = unroll(from_keras(weights[:3]), theirs["inputs"]).output
    behind = unroll(from_keras(weights[3:]), theirs["inputs"][::-1]).output[::-1]
    close(np.concatenate([ahead, behind], axis=1), theirs["outputs"])


def test_keras_without_bias():
    weights = keras_weights(load("keras_gru"))
    cell = from_keras(weights[:2])
    assert not cell.update_bias.any()
    np.testing.assert_array_equal(cell.update_weight, -weights[0].T[:n])


# ------------------------------------------------------------------ what is refused


def refuses(sentence):
    return pytest.raises(ValueError, match="^" + re.escape(sentence) + "$")


def test_what_is_refused():
    theirs = {k: v for k, v in load("torch_lstm").items() if k.startswith("weight") or k.startswith("bias")}
    with refuses("weights must hold weight_ih_l1, got weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0"):
        from_pytorch(theirs, layer=1)
    with refuses("weights must hold weight_ih_l0, got nothing"):
        from_pytorch({})
    with refuses("weights must be of an LSTM without projection, got weight_hr_l0; use proj_size=0"):
        from_pytorch(theirs | {"weight_hr_l0": np.eye(3)})
    with refuses("weight_hh_l0 must hold 1, 3 or 4 square matrices (RNN, GRU or LSTM), got shape (6, 3)"):
        from_pytorch(theirs | {"weight_hh_l0": np.ones((6, 3))})
    with refuses("weight_ih_l0 must stack 4 × 3 rows to fit weight_hh_l0, got 9"):
        from_pytorch(theirs | {"weight_ih_l0": np.ones((9, 2))})
    with refuses("bias must stack 4 × 3 rows to fit weight_hh_l0, got 9"):
        from_pytorch(theirs | {"bias_ih_l0": np.ones(9)})
    gru = keras_weights(load("keras_gru"))
    with refuses(
        "bias of a GRU with reset 'before' must have one axis, got shape (2, 9); give reset='after'"
    ):
        from_keras(gru, reset="before")
    with refuses("bias of a GRU with reset 'after' must have two rows, got shape (9,); give reset='before'"):
        from_keras([*gru[:2], np.zeros(9)])
    with refuses(
        "weights must be a kernel, a recurrent kernel and at most one bias, got 6 arrays; "
        "give the halves of a Bidirectional layer one at a time"
    ):
        from_keras(gru + gru)
