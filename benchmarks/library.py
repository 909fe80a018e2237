"""The library beside what one would write without it: bare numpy loops over steps, bare matmuls, torch.

Each pair is timed in turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import gradprod as gp
from benchmarks.table import Row
from gradprod.products import matrix_product, norm

NO_TORCH = "torch is not installed"


def rows(*, quick: bool) -> Iterator[Row]:
    """All rows of the library part."""
    repeats = 3 if quick else 15
    yield from sweep(repeats)
    yield from scalar_lstm(repeats)
    yield from lstm_map(max(3, repeats // 3))
    yield from matrix_products(repeats)
    yield from whole_update(max(3, repeats // 3))
    yield from long_lag(10_000 if quick else 100_000)
    yield from imports(3 if quick else 9)


def in_turns(repeats: int, *functions: Callable[[], Any]) -> list[float]:
    """Median time of each function in ms; the first call of each is not counted."""
    times: list[list[float]] = [[] for _ in functions]
    for f in functions:
        f()
    for _ in range(repeats):
        for f, mine in zip(functions, times, strict=True):
            start = perf_counter()
            f()
            mine.append(1e3 * (perf_counter() - start))
    return [median(mine) for mine in times]


# ---- scalar cells ----


def sweep(repeats: int, values: int = 1000, steps: int = 1000) -> Iterator[Row]:
    """A thousand recurrent weights, a thousand steps: trajectory and product against every lag."""
    weights, x = np.linspace(-4, 4, values), gp.make_input("sine", steps)

    def ours() -> Any:
        run = gp.unroll(gp.ScalarRNN(recurrent_weight=weights, input_weight=0.5), x)
        return gp.gradient_product(run).log10

    def bare() -> Any:
        state, factors = np.zeros(values), np.empty((steps, values))
        for t in range(steps):
            state = np.tanh(weights * state + 0.5 * x[t])
            factors[t] = weights * (1 - state * state)
        signs, logs = np.ones((steps + 1, values)), np.zeros((steps + 1, values))
        for lag in range(1, steps + 1):
            factor = factors[steps - lag]
            signs[lag] = signs[lag - 1] * np.sign(factor)
            logs[lag] = logs[lag - 1] + np.log10(np.abs(factor))
        return logs.T

    with np.errstate(divide="ignore"):
        assert np.allclose(ours()[:, :50], bare()[:, :50], atol=1e-6)  # 1 − S² has lost its digits further on
        mine, theirs = in_turns(repeats, ours, bare)
    yield Row(
        what="scalar sweep, 1 000 values × 1 000 steps: signed product at every lag",
        measured=mine,
        unit="ms",
        reference=theirs,
        against="bare numpy loop over steps",
        budget=1.5,
    )


LSTM = {
    f"{gate}_{what}": value
    for gate, bias in (("forget", 1.0), ("input_gate", 0.0), ("candidate", 0.0), ("output_gate", 0.0))
    for what, value in (("weight", 0.5), ("recurrent_weight", 0.6), ("bias", bias))
}


def scalar_lstm(repeats: int, steps: int = 200) -> Iterator[Row]:
    """∂(c, h)_T/∂(c, h)_k of one scalar LSTM, for every k."""
    x = gp.make_input("sine", steps)
    cell = gp.ScalarLSTM(**LSTM)

    def ours() -> Any:
        return matrix_product(gp.unroll(cell, x))

    what = f"exact product of one T = {steps} scalar LSTM, every lag"
    try:
        import torch
    except ImportError:
        yield Row(what=what, budget=20, kind="speedup", skipped=NO_TORCH)
        return
    x_torch = torch.tensor(x)
    W, U, b = (
        {g: torch.tensor(LSTM[f"{g}_{k}"], dtype=torch.float64) for g in GATES}
        for k in ("weight", "recurrent_weight", "bias")
    )

    def gate(name: str, x: Any, h: Any) -> Any:
        return W[name] * x + U[name] * h + b[name]

    def by_hand() -> Any:
        """Autograd through a cell loop: two backward passes give both rows of the Jacobian at every lag."""
        c, h = (torch.zeros((), dtype=torch.float64, requires_grad=True) for _ in range(2))
        states = [c, h]
        for t in range(steps):
            f, i, o = (torch.sigmoid(gate(g, x_torch[t], h)) for g in ("forget", "input_gate", "output_gate"))
            c = f * c + i * torch.tanh(gate("candidate", x_torch[t], h))
            h = o * torch.tanh(c)
            states += [c, h]
        return [torch.autograd.grad(s, states[:-2], retain_graph=True) for s in (c, h)]

    layer = torch.nn.LSTMCell(1, 1, dtype=torch.float64)

    def by_layer() -> Any:
        """The same through torch's own cell."""
        h, c = (torch.zeros(1, 1, dtype=torch.float64, requires_grad=True) for _ in range(2))
        states = [c, h]
        for t in range(steps):
            h, c = layer(x_torch[t].reshape(1, 1), (h, c))
            states += [c, h]
        return [torch.autograd.grad(s, states[:-2], retain_graph=True) for s in (c, h)]

    mine, theirs, layers = in_turns(repeats, ours, by_hand, by_layer)
    yield Row(
        what=what,
        measured=mine,
        unit="ms",
        reference=theirs,
        against="torch autograd, its Jacobian through the same equations",
        budget=20,
        kind="speedup",
    )
    yield Row(
        what="the same, beside torch's own `LSTMCell`",
        measured=mine,
        unit="ms",
        reference=layers,
        against="torch autograd through `LSTMCell`",
        kind="speedup",
    )


GATES = ("forget", "input_gate", "candidate", "output_gate")


def lstm_map(repeats: int, side: int = 100, steps: int = 200) -> Iterator[Row]:
    """The spectral norm at lag T over a plane of forget bias and recurrent weight."""
    x = gp.make_input("sine", steps)
    biases, weights = np.linspace(-8, 8, side), np.linspace(-4, 4, side)
    cell = gp.ScalarLSTM(**LSTM)

    def ours() -> Any:
        plane = {"forget_bias": biases, "candidate_recurrent_weight": weights}
        return gp.regime_map(cell, plane, x, readout="left").values

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    def bare() -> Any:
        """The state and both rows of ∂(c, h)_t/∂(c, h)_0 carried forward, as plainly as it can be written."""
        p = LSTM | {"forget_bias": biases, "candidate_recurrent_weight": weights[:, None]}
        W, U, b = ({g: p[f"{g}_{k}"] for g in GATES} for k in ("weight", "recurrent_weight", "bias"))
        c, h = np.zeros((side, side)), np.zeros((side, side))
        dc, dh = np.zeros((2, side, side)), np.zeros((2, side, side))
        dc[0], dh[1] = 1, 1
        for t in range(steps):
            f, i, o = (
                sigmoid(W[g] * x[t] + U[g] * h + b[g]) for g in ("forget", "input_gate", "output_gate")
            )
            u = np.tanh(W["candidate"] * x[t] + U["candidate"] * h + b["candidate"])
            through_h = (
                c * f * (1 - f) * U["forget"]
                + u * i * (1 - i) * U["input_gate"]
                + i * (1 - u * u) * U["candidate"]
            )
            c, dc = f * c + i * u, f * dc + through_h * dh
            y = np.tanh(c)
            h, dh = o * y, o * (1 - y * y) * dc + y * o * (1 - o) * U["output_gate"] * dh
        sums, differences = np.hypot(dc[0] + dh[1], dc[1] - dh[0]), np.hypot(dc[0] - dh[1], dc[1] + dh[0])
        return np.log10((sums + differences) / 2)  # the larger singular value

    assert np.allclose(ours(), bare(), atol=1e-6)
    mine, theirs = in_turns(repeats, ours, bare)
    yield Row(
        what=f"regime map of the scalar LSTM, {side} × {side} at T = {steps}",
        measured=mine,
        unit="ms",
        reference=theirs,
        against="bare numpy loop over steps",
        budget=1.5,
    )


# ---- vector cells ----


def vector_cell(n: int, rng: np.random.Generator) -> gp.VectorRNN:
    """A tanh cell of n units at the edge of vanishing, one input."""
    return gp.VectorRNN(
        recurrent_weight=1.2 * rng.standard_normal((n, n)) / np.sqrt(n),
        input_weight=rng.standard_normal((n, 1)),
        bias=0.1 * rng.standard_normal(n),
    )


def bare_matmuls(W: Any, steps: int) -> Callable[[], Any]:
    """T products of n × n matrices, each kept."""
    kept = np.empty((steps + 1, *W.shape))
    kept[0] = np.eye(len(W))

    def run() -> Any:
        for t in range(steps):
            np.matmul(kept[t], W, out=kept[t + 1])
        return kept

    return run


def matrix_products(repeats: int, n: int = 64, steps: int = 200) -> Iterator[Row]:
    """P(T, k) of a vector cell for every k."""
    cell, x = vector_cell(n, np.random.default_rng(1)), gp.make_input("sine", steps)[:, None]
    run = gp.unroll(cell, x)

    def ours() -> Any:
        return matrix_product(gp.unroll(cell, x))

    mine, theirs = in_turns(repeats, lambda: matrix_product(run), bare_matmuls(cell.recurrent_weight, steps))
    what = f"exact matrix products, n = {n}, T = {steps}, every lag"
    yield Row(what=what, measured=mine, unit="ms", reference=theirs, against="bare matmuls", budget=2)
    what += ", with the run"
    try:
        import torch
    except ImportError:
        yield Row(what=what, budget=5, kind="speedup", skipped=NO_TORCH)
        return
    W, U, b, x_torch = map(torch.tensor, (cell.recurrent_weight, cell.input_weight, cell.bias, x))

    def step(h: Any, t: int) -> Any:
        return torch.tanh(W @ h + U @ x_torch[t] + b)

    def from_start(h: Any) -> Any:
        for t in range(steps):
            h = step(h, t)
        return h

    def from_each(nudges: Any) -> Any:
        h = nudges[0]
        for t in range(steps):
            h = step(h, t) + nudges[t + 1]
        return h

    start, nudges = torch.zeros(n, dtype=torch.float64), torch.zeros(steps + 1, n, dtype=torch.float64)
    jacrev = torch.func.jacrev
    mine, every, single = in_turns(
        repeats, ours, lambda: jacrev(from_each)(nudges), lambda: jacrev(from_start)(start)
    )
    yield Row(
        what=what,
        measured=mine,
        unit="ms",
        reference=every,
        against="`torch.func.jacrev` through the unroll, every lag",
        budget=5,
        kind="speedup",
    )
    yield Row(
        what="the same, beside torch's product at lag T alone",
        measured=mine,
        unit="ms",
        reference=single,
        against="`torch.func.jacrev` from state 0",
        kind="speedup",
    )


def whole_update(repeats: int, n: int = 64, steps: int = 1000) -> Iterator[Row]:
    """Everything that the lesson on vector cells computes when a slider moves."""
    cell, x = vector_cell(n, np.random.default_rng(1)), gp.make_input("sine", steps)[:, None]

    def ours() -> Any:
        product = matrix_product(gp.unroll(cell, x))
        return norm(product), gp.bound(cell, np.arange(steps + 1))

    def spectral() -> Any:
        return norm(matrix_product(gp.unroll(cell, x)), 2)

    mine, theirs = in_turns(repeats, ours, bare_matmuls(cell.recurrent_weight, steps))
    what = f"whole update, n = {n}, T = {steps}: run, products, Frobenius norms, bounds"
    yield Row(what=what, measured=mine, unit="ms", reference=theirs, against="its bare matmuls", budget=2)
    (two,) = in_turns(3, spectral)
    yield Row(what="the same with the 2-norm: a singular value for every lag", measured=two, unit="ms")


# ---- accuracy and imports ----


def long_lag(steps: int) -> Iterator[Row]:
    """Sign and log magnitude at lags to 100 000 beside numbers of fifty digits."""
    what = f"error of log₁₀ |product| at lag {steps:,}".replace(",", "\u202f")
    try:
        import mpmath
    except ImportError:
        yield Row(what=what, budget=1e-9, skipped="mpmath is not installed")
        return
    cells = {
        "tanh, W_s = 0.9": {"recurrent_weight": 0.9},
        "tanh, W_s = 3, saturating": {"recurrent_weight": 3.0, "input_weight": 1.0},
        "σ, W_s = −4": {"activation": "sigmoid", "recurrent_weight": -4.0},
        "linear, W_s = −1.2": {"activation": "linear", "recurrent_weight": -1.2, "input_weight": 0.0},
    }
    x = gp.make_input("sine", steps)
    for name, parameters in cells.items():
        cell = gp.ScalarRNN(**parameters)
        product = gp.gradient_product(gp.unroll(cell, x))
        exact = big_product(mpmath.mp, cell, x)
        errors = [abs(float(log - mpmath.mpf(float(product.log10[lag])))) for lag, (_, log) in exact.items()]
        signs = all(product.sign[lag] == sign for lag, (sign, _) in exact.items())
        log10 = float(product.log10[steps])
        note = f"log₁₀ = {log10:.6g}, " + ("every sign right" if signs else "WRONG SIGN")
        yield Row(what=f"{what}, {name}", measured=max(errors) if signs else np.inf, budget=1e-9, note=note)


def big_product(mp: Any, cell: gp.ScalarRNN, x: Any) -> dict[int, tuple[int, Any]]:
    """Sign and log₁₀ magnitude of ∂S_T/∂S_{T−lag} in fifty digits, at a hundred lags."""
    mp.dps = 50
    W, W_x, b = (mp.mpf(float(v)) for v in (cell.recurrent_weight, cell.input_weight, cell.bias))
    state, factors = mp.mpf(0), []
    for value in x:
        u = W_x * mp.mpf(float(value)) + W * state + b
        if cell.activation == "linear":
            state, slope = u, mp.mpf(1)
        elif cell.activation == "tanh":
            state = mp.tanh(u)
            slope = 1 / mp.cosh(u) ** 2
        else:
            e = mp.exp(-u)
            state = 1 / (1 + e)
            slope = e * state * state
        factors.append(W * slope)
    product, found, every = mp.mpf(1), {}, max(1, len(x) // 100)
    for lag, factor in enumerate(reversed(factors), start=1):
        product *= factor
        if lag % every == 0:
            found[lag] = (int(mp.sign(product)), mp.log10(abs(product)))
    return found


def imports(repeats: int) -> Iterator[Row]:
    """A fresh interpreter that imports us, and one that imports numpy."""

    def fresh(module: str) -> Callable[[], Any]:
        return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)

    mine, theirs, none = in_turns(repeats, fresh("gradprod"), fresh("numpy"), fresh("sys"))
    yield Row(
        what="import gradprod, fresh interpreter",
        measured=mine,
        unit="ms",
        reference=theirs,
        against="import numpy",
        note=f"the interpreter alone {none:.0f} ms",
    )
