"""Weights of PyTorch and Keras as cells of ours, and what the three name differently.

Same equations, other arrangements:

==================  =======================================  ==========================================
ours                PyTorch                                  Keras 3
==================  =======================================  ==========================================
one array a gate    gates stacked along the first axis:      gates side by side along the last axis:
                    LSTM i, f, g, o; GRU r, z, n             LSTM i, f, c, o; GRU z, r, h
W (n, m), W x       ``weight_ih`` (gn, m), W x               ``kernel`` (m, gn), x W: transposed
U (n, n), U h       ``weight_hh`` (gn, n), U h               ``recurrent_kernel`` (n, gn), h U: transposed
one bias b          two, ``bias_ih`` + ``bias_hh``           one; the GRU with reset after has two rows
candidate ĉ, h̃      g, n                                     c, hh
z weighs the new    z weighs the *old* state: their z is     as PyTorch
state h̃ (GRU)       1 − z here, so that W_z, U_z and b_z
                    change sign
reset "before"      reset after, always: the second bias     ``reset_after=True`` by default; False is
by default (GRU)    of n is b′_h                             our "before"
p (LSTM)            none: p = 0                              none: p = 0
state (c, h)        (h, c)                                   [h, c]
==================  =======================================  ==========================================

The two start the LSTM's forget gate differently: PyTorch draws every bias from U(−1/√n, 1/√n), twice; Keras
sets b_f = 1 and the others to 0. Differentiating c_t by c_k through a loop of PyTorch's cells moves h_k
along: it gives the exact total, not the partial.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from gradprod.activations import FloatArray
from gradprod.cells import VectorGRU, VectorLSTM, VectorRNN

Recurrent: TypeAlias = VectorRNN | VectorLSTM | VectorGRU

_LSTM_GATES = ("input_gate", "forget", "candidate", "output_gate")  # the order of both
_PYTORCH_GRU = ("reset", "update", "candidate")
_KERAS_GRU = ("update", "reset", "candidate")


def from_pytorch(
    weights: Mapping[str, ArrayLike], *, layer: int = 0, reverse: bool = False, activation: str = "tanh"
) -> Recurrent:
    """The cell of one layer and direction of a ``torch.nn.RNN``, ``LSTM`` or ``GRU``.

    Parameters
    ----------
    weights : mapping of str to array_like
        ``module.state_dict()``, or its arrays: ``weight_ih_l0``, ``weight_hh_l0`` and, if there,
        ``bias_ih_l0`` and ``bias_hh_l0``.
    layer : int, optional
        Which layer.
    reverse : bool, optional
        The direction from the end, ``weight_ih_l0_reverse`` and so on: the ``backward`` of a `Bidirectional`.
    activation : {"tanh", "linear", "sigmoid"}, optional
        φ of the plain cell.

    Returns
    -------
    VectorRNN, VectorLSTM or VectorGRU
        By the number of gates stacked in ``weight_hh``: 1, 4 or 3. The GRU has ``reset="after"``.

    Raises
    ------
    ValueError
        If a weight is missing, shapes don't fit, or the LSTM projects its state.
    """
    ending = f"l{layer}{'_reverse' if reverse else ''}"

    def array(name: str) -> FloatArray | None:
        value = weights.get(f"{name}_{ending}")
        return None if value is None else np.asarray(value, dtype=np.float64)

    W, U = array("weight_ih"), array("weight_hh")
    if W is None or U is None:
        missing = "weight_ih" if W is None else "weight_hh"
        raise ValueError(f"weights must hold {missing}_{ending}, got {', '.join(weights) or 'nothing'}")
    if array("weight_hr") is not None:
        raise ValueError(
            f"weights must be of an LSTM without projection, got weight_hr_{ending}; use proj_size=0"
        )
    bias, recurrent_bias = array("bias_ih"), array("bias_hh")
    return _cell(
        W,
        U,
        np.zeros(len(U)) if bias is None else bias,
        np.zeros(len(U)) if recurrent_bias is None else recurrent_bias,
        gru_gates=_PYTORCH_GRU,
        reset="after",
        activation=activation,
        names=(f"weight_ih_{ending}", f"weight_hh_{ending}"),
    )


def from_keras(weights: Sequence[ArrayLike], *, reset: str = "after", activation: str = "tanh") -> Recurrent:
    """The cell of a Keras ``SimpleRNN``, ``LSTM`` or ``GRU`` layer whose gates use the logistic function.

    Parameters
    ----------
    weights : sequence of array_like
        ``layer.get_weights()``: kernel (m, gn), recurrent kernel (n, gn) and, if there, bias. Of a
        ``Bidirectional`` layer the first half is the forward cell's.
    reset : {"after", "before"}, optional
        ``reset_after=True`` or ``False`` of a GRU. Its bias has two rows where the reset comes after.
    activation : {"tanh", "linear", "sigmoid"}, optional
        φ of the plain cell.

    Returns
    -------
    VectorRNN, VectorLSTM or VectorGRU
        By the number of gates side by side in the recurrent kernel: 1, 4 or 3.

    Raises
    ------
    ValueError
        If there aren't two or three arrays, shapes don't fit, or the bias belongs to the other ``reset``.
    """
    arrays = [np.asarray(array, dtype=np.float64) for array in weights]
    if len(arrays) not in (2, 3):
        raise ValueError(
            f"weights must be a kernel, a recurrent kernel and at most one bias, got {len(arrays)} arrays; "
            "give the halves of a Bidirectional layer one at a time"
        )
    W, U = arrays[0].T, arrays[1].T
    bias = arrays[2] if len(arrays) == 3 else np.zeros(len(U))
    two = bias.ndim == 2
    if len(arrays) == 3 and len(U) == 3 * U.shape[-1] and two != (reset == "after"):
        raise ValueError(
            f"bias of a GRU with reset {reset!r} must have {'two rows' if reset == 'after' else 'one axis'}, "
            f"got shape {bias.shape}; give reset={'after' if two else 'before'!r}"
        )
    return _cell(
        W,
        U,
        bias[0] if two else bias,
        bias[1] if two else np.zeros(len(U)),
        gru_gates=_KERAS_GRU,
        reset=reset,
        activation=activation,
        names=("kernel", "recurrent kernel"),
    )


def _cell(
    W: FloatArray,
    U: FloatArray,
    bias: FloatArray,
    recurrent_bias: FloatArray,
    *,
    gru_gates: tuple[str, ...],
    reset: str,
    activation: str,
    names: tuple[str, str],
) -> Recurrent:
    """The cell of gates stacked along the first axis of W, U and both biases."""
    n = U.shape[-1]
    count = len(U) // n if n and len(U) % n == 0 else 0
    if U.ndim != 2 or W.ndim != 2 or count not in (1, 3, 4):
        raise ValueError(
            f"{names[1]} must hold 1, 3 or 4 square matrices (RNN, GRU or LSTM), got shape {U.shape}"
        )
    for name, array in ((names[0], W), ("bias", bias), ("recurrent bias", recurrent_bias)):
        if len(array) != len(U):
            raise ValueError(f"{name} must stack {count} × {n} rows to fit {names[1]}, got {len(array)}")
    if count == 1:
        return VectorRNN(
            activation=activation, recurrent_weight=U, input_weight=W, bias=bias + recurrent_bias
        )
    gates = _LSTM_GATES if count == 4 else gru_gates
    values: dict[str, Any] = {}
    for number, gate in enumerate(gates):
        rows = slice(number * n, (number + 1) * n)
        # theirs weighs the old state by z, and 1 − σ(a) = σ(−a)
        sign = -1.0 if gate == "update" else 1.0
        values[f"{gate}_weight"] = sign * W[rows]
        values[f"{gate}_recurrent_weight"] = sign * U[rows]
        if gate == "candidate" and count == 3 and reset == "after":
            values["candidate_bias"], values["candidate_recurrent_bias"] = bias[rows], recurrent_bias[rows]
        else:
            values[f"{gate}_bias"] = sign * (bias[rows] + recurrent_bias[rows])
    return VectorLSTM(**values) if count == 4 else VectorGRU(reset=reset, **values)
