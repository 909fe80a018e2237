"""The equations of every cell once more, for HIPS autograd, so that the library never checks itself.

Nothing here imports ``gradprod``. Parameters are dictionaries named by the letters of the equations; a state
is one flat vector (an LSTM's is h, then c); scalar cells take numbers, vector cells matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import autograd.numpy as np
from autograd import elementwise_grad, grad, jacobian
from autograd.misc import flatten

Params = dict[str, Any]


def sigma(x):
    return 1 / (1 + np.exp(-x))


PHI: dict[str, Callable] = {"linear": lambda u: u * 1.0, "tanh": np.tanh, "sigmoid": sigma}


# Steps: (parameters, previous state, input) -> state. Scalars: state (1,) or (2,), input ().


def scalar_rnn(activation):
    def step(p, s, x):
        return PHI[activation](p["W_x"] * x + p["W_s"] * s + p["b_1"])

    return step


def gated(state_activation):
    """The cell whose gates see the input alone: S = φ(f S + i X)."""

    def step(p, s, x):
        f = sigma(p["W_f"] * x + p["b_f"])
        i = sigma(p["W_i"] * x + p["b_i"])
        return PHI[state_activation](f * s + i * x)

    return step


def gated_hidden(p, s, x):
    """h = o S, our completion of the gated cell; its gate's W_o′ and b_o are W_og and b_og."""
    return sigma(p["W_og"] * x + p["b_og"]) * s


def vector_rnn(activation):
    def step(p, h, x):
        return PHI[activation](np.dot(p["W"], h) + np.dot(p["U"], x) + p["b"])

    return step


def _peep(p, gate, c):
    """p ⊙ c, or P c where the peephole is a matrix, or nothing."""
    weight = p.get("p_" + gate)
    if weight is None:
        return 0.0
    return np.dot(weight, c) if np.ndim(weight) == 2 else weight * c


def lstm(p, state, x):
    n = state.shape[0] // 2
    h, c = state[:n], state[n:]

    def drive(gate):
        return np.dot(p["W_" + gate], x) + np.dot(p["U_" + gate], h) + p["b_" + gate]

    i = sigma(drive("i") + _peep(p, "i", c))
    f = sigma(drive("f") + _peep(p, "f", c))
    new = f * c + i * np.tanh(drive("c"))
    o = sigma(drive("o") + _peep(p, "o", new))
    return np.concatenate([o * np.tanh(new), new])


def gru(reset):
    def step(p, h, x):
        z = sigma(np.dot(p["W_z"], x) + np.dot(p["U_z"], h) + p["b_z"])
        r = sigma(np.dot(p["W_r"], x) + np.dot(p["U_r"], h) + p["b_r"])
        if reset == "before":
            candidate = np.tanh(np.dot(p["W_h"], x) + np.dot(p["U_h"], r * h) + p["b_h"])
        else:
            candidate = np.tanh(np.dot(p["W_h"], x) + p["b_h"] + r * (np.dot(p["U_h"], h) + p["b_h2"]))
        return (1 - z) * h + z * candidate

    return step


def min_gru(p, h, x):
    z = sigma(np.dot(p["W_z"], x) + p["b_z"])
    return (1 - z) * h + z * np.tanh(np.dot(p["W_h"], x) + p["b_h"])


@dataclass(frozen=True)
class Net:
    """One cell: its step, the shape of each parameter, and the blocks of its state."""

    step: Callable
    shapes: Mapping[str, str]  # letters of the dimensions: "nm", "nn", "n", or "" for a number
    blocks: str = "h"
    scalar: bool = False

    def draw(self, rng, n=1, m=1, scale=1.0) -> Params:
        """Random parameters; matrices are scaled by 1/√n so that states stay off saturation."""
        size = {"n": n, "m": m}
        params = {}
        for name, dims in self.shapes.items():
            value = rng.normal(size=tuple(size[d] for d in dims)) * scale
            params[name] = value / np.sqrt(n) if len(dims) == 2 else value
        return {k: float(v) if np.ndim(v) == 0 else v for k, v in params.items()}

    def draw_state(self, rng, n=1):
        return rng.normal(size=n * len(self.blocks)) * 0.5

    def draw_inputs(self, rng, length, m=1):
        return rng.normal(size=length if self.scalar else (length, m))


_GATE = {"W": "nm", "U": "nn", "b": "n"}


def _shapes(letters, gates, **more):
    return {f"{w}_{g}": _GATE[w] for g in gates for w in letters} | more


def _lstm_net(peephole):
    peepholes = {f"p_{g}": peephole for g in "ifo"} if peephole else {}
    return Net(lstm, _shapes("WUb", "ifco") | peepholes, "hc")


_GATED = dict.fromkeys(["W_f", "b_f", "W_i", "b_i", "W_og", "b_og"], "")
_RNN1 = {"W_x": "", "W_s": "", "b_1": ""}
_RNN = {"W": "nn", "U": "nm", "b": "n"}

NETS: dict[str, Net] = {
    **{f"scalar rnn {a}": Net(scalar_rnn(a), _RNN1, scalar=True) for a in PHI},
    **{f"gated {a}": Net(gated(a), _GATED, scalar=True) for a in ("linear", "tanh")},
    **{f"rnn {a}": Net(vector_rnn(a), _RNN) for a in PHI},
    "lstm": _lstm_net(""),
    "lstm peephole": _lstm_net("n"),
    "lstm peephole matrix": _lstm_net("nn"),
    "gru before": Net(gru("before"), _shapes("WUb", "zrh")),
    "gru after": Net(gru("after"), _shapes("WUb", "zrh", b_h2="n")),
    "min gru": Net(min_gru, _shapes("Wb", "zh")),
}


def states(net, params, inputs, state_0):
    """state_0 … state_T, shape (T + 1, S)."""
    run = [state_0]
    for x in inputs:
        run.append(net.step(params, run[-1], x))
    return np.array(run)


def product(net, params, inputs, state_0, target, source):
    """∂state_target/∂state_source, shape (S, S), by autograd through the unrolled net."""
    at = states(net, params, inputs[:source], state_0)[-1]
    return jacobian(lambda s: states(net, params, inputs[source:target], s)[-1])(at)


def state_jacobian(net, params, inputs, state_0, name):
    """∂state_T/∂θ of one parameter, the given initial state depending on none; shape (S, *θ.shape)."""

    def last(value):
        return states(net, {**params, name: value}, inputs, state_0)[-1]

    return jacobian(last)(params[name] * 1.0)


def loss_gradient(net, params, inputs, state_0, loss):
    """∂ loss(states) / ∂ every parameter, as a dictionary."""
    return grad(lambda p: loss(states(net, p, inputs, state_0)))(params)


def carried_cell_jacobian(net, params, inputs, state_0, target, source):
    """dc_target/dc_source with h_source = o_source tanh(c_source) moving along: the exact *total*, n × n."""
    n = state_0.shape[0] // 2
    run = states(net, params, inputs[:source], state_0)
    h, x = run[-2][:n], inputs[source - 1]

    def target_cell(c):
        u = np.dot(params["W_o"], x) + np.dot(params["U_o"], h) + _peep(params, "o", c) + params["b_o"]
        state = np.concatenate([sigma(u) * np.tanh(c), c])
        return states(net, params, inputs[source:target], state)[-1][n:]

    return jacobian(target_cell)(run[-1][n:])


def scalar_losses(p, hidden, targets):
    """L_t = ½ (Y_t − W_out h_t − b_2)², one a step; ``hidden`` is S_t, h_t or o_t S_t, of shape (T,)."""
    return 0.5 * (targets - p["W_out"] * hidden - p["b_2"]) ** 2


def vector_losses(p, hidden, targets):
    """L_t = ½ ‖V h_t + c − y_t‖², one for each step; ``hidden`` has shape (T, n)."""
    return 0.5 * np.sum((np.dot(hidden, p["V"].T) + p["c"] - targets) ** 2, axis=1)


def bidirectional_outputs(forward, backward, params, inputs, state_f, state_b, n):
    """y_t = V_f h→_t + V_b h←_t + c; ``n`` units are read of each state. Shape (T, q)."""
    ahead = states(forward, params["forward"], inputs, state_f)[1:, :n]
    behind = states(backward, params["backward"], inputs[::-1], state_b)[1:, :n][::-1]
    return np.dot(ahead, params["V_f"].T) + np.dot(behind, params["V_b"].T) + params["c"]


def bidirectional_map(*args):
    """∂y_t/∂x_s for every t and s, shape (T, q, T, m)."""
    forward, backward, params, inputs, *rest = args
    return jacobian(lambda x: bidirectional_outputs(forward, backward, params, x, *rest))(inputs)


def slope(activation, u):
    return elementwise_grad(PHI[activation])(np.asarray(u, dtype=float))


def check_directional(function, gradient, at, rng, *, rel=1e-6, step=1e-3):
    """Hold ``gradient`` to a fourth-order central difference of ``function`` along one random direction.

    Both may be any nest of dictionaries and arrays. The difference itself is good to about 1e-10 of the
    function's size, hence the default tolerance.
    """
    flat, unflatten = flatten(at)
    direction = rng.normal(size=flat.shape)
    direction /= np.linalg.norm(direction)

    def along(a):
        return function(unflatten(flat + a * direction))

    numeric = (8 * (along(step) - along(-step)) - (along(2 * step) - along(-2 * step))) / (12 * step)
    claimed = flatten(gradient)[0] @ direction
    size = max(abs(numeric), np.linalg.norm(flatten(gradient)[0]) * 1e-3)
    assert abs(numeric - claimed) <= rel * size, (numeric, claimed)
