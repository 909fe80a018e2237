"""What can be set in lesson 8, and the networks and products that follow."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.approximations import approximations
from gradprod.analysis.mean_field import Simulation, simulate_mean_field
from gradprod.analysis.networks import RandomNetwork, last_steps, one_network, random_network
from gradprod.analysis.norms import ProductNorms, input_term_norms, product_norms
from gradprod.analysis.spread import spread
from gradprod.cells import VectorRNN
from gradprod.explorers.controls import PICTURE, BadValue, Choice, Layer, Real, Whole, phi
from gradprod.explorers.model import cached
from gradprod.explorers.products import ProductExplorer
from gradprod.i18n import gettext as _
from gradprod.products import (
    LogProduct,
    Lyapunov,
    lyapunov_exponents,
    magnitudes,
    norm,
    singular_values,
)
from gradprod.products.bounds import power_of_lag
from gradprod.unroll import Trajectory, unroll
from gradprod.words import decimals, grouped

DETAIL = "φ, draws, sizes"
MOST_SECONDS = 2.0
LEAST_GAIN = 0.05
"""Below it the mean-field picture has nothing to show."""

ONE_STEP = {"W": 0.8, "h": 1.0, "x": 0.867}
"""One unit at one step, U = 1: tanh is at 0.93, and would be at 0.7 with the state before dropped."""

NETWORK = (
    *("units", "initialisation", "gain", "coupling", "activation", "bias_scale"),
    *("input_weight", "initial_scale", "network", "runs"),
    *("sequence_length", "input", "period", "seed", "standardised"),
)
"""The controls that decide the run: not what is shown under the picture."""

BOX: dict[str, Any] = {"group": DETAIL, "slider": False}


def seconds(units: int, length: int, runs: int) -> float:
    """About how long the norms of so many networks take, measured on one ordinary core."""
    return 1e-5 * length + 4.5e-8 * length * runs * units**2


def _shifted(m: Any) -> bool:
    return bool(m.initialisation != "nilpotent")


class RandomNetworks(ProductExplorer):
    """Untrained networks of vector cells on the input, and the norm of their products."""

    units = Whole("n", "units", 64, low=1, high=128, ticks=(1, 2, 4, 8, 16, 32, 64, 128), log=True)
    initialisation = Choice(
        "",
        "Recurrent weights W",
        "gaussian",
        {
            "gaussian": "Gaussian, g/√n",
            "orthogonal": "orthogonal × g",
            "identity": "identity × g",
            "nilpotent": "[[G, −G], [G, −G]], ρ = 0",
        },
        key="init",
        menu=True,
    )
    gain = Real("g", "gain", 1.0, low=0, high=4, ticks=(0, 0.5, 1, 2, 3, 4), live=True)
    coupling = Real(
        "c",
        "non-normality",
        0.0,
        low=0,
        high=2,
        ticks=(0, 0.5, 1, 2),
        live=True,
        when=_shifted,
        title="W + c N: unit j also feeds unit j − 1",
    )
    activation = phi(group=DETAIL)
    network = Whole("", "seed of the weights", 7, key="net", low=0, high=9999, **BOX)
    runs = Whole("", "networks (median and band)", 1, key="runs", low=1, high=25, **BOX)
    input_weight = Real("σ_U", "size of U", 0.5, key="sU", low=0, high=4, **BOX)
    bias_scale = Real("σ_b", "size of b", 0.0, key="sb", low=0, high=4, when=_shifted, **BOX)
    initial_scale = Real("σ_h", "size of h_0", 0.5, key="sh", low=0, high=4, **BOX)
    show_bound = Layer("bound", "Bound", True)
    show_rate = Layer("rate", "ρ to the lag", True)
    show_mean = Layer("mean", "Lower bound")
    show_shortcut = Layer("short", "Shortcut")
    below = Choice(
        "",
        "Under it",
        "terms",
        {
            "terms": "∂hₜ/∂U, term by term",
            "spectrum": "singular values of the product",
            "lyapunov": "Lyapunov exponents",
            "shortcut": "the shortcut’s error",
            "mean_field": "mean field and simulation",
        },
        key="below",
        group=PICTURE,
    )
    # ---- what follows from the settings ----

    def settle(self, new: dict[str, Any], asked: frozenset[str]) -> dict[str, str]:
        notes = super().settle(new, asked)
        n, T, runs = new["units"], new["sequence_length"], new["runs"]
        if seconds(n, T, runs) <= MOST_SECONDS:
            return notes
        left = (MOST_SECONDS - 1e-5 * T) / (4.5e-8 * T)
        said = {"T": grouped(T), "n": grouped(n), "time": decimals(seconds(n, T, runs), 0)}

        def lower(name: str, most: int, refusal: str, note: str) -> None:
            if name in asked and new[name] != getattr(self, name):
                raise BadValue(name, refusal)
            new[name], notes[name] = most, note

        if runs > 1:
            fewer = max(1, int(left / n**2))
            refusal = _(
                "must be at most {most} for n = {n} and {T} steps, got {runs}: it would take about {time} "
                "seconds; take fewer units or steps",
                most=fewer,
                runs=runs,
                **said,
            )
            note = _("Set to {fewer}, for n = {n} and {T} steps would take long.", fewer=fewer, **said)
            lower("runs", fewer, refusal, note)
        if seconds(n, T, new["runs"]) > MOST_SECONDS:
            most = int(math.sqrt(left))
            refusal = _(
                "must be a whole number from 1 to {most} with {T} steps, got {n}: it would take about {time} "
                "seconds; take fewer steps first",
                most=most,
                **said,
            )
            note = _("Set to {most}: with {T} steps more units would take long.", most=most, **said)
            lower("units", most, refusal, note)
        return notes

    @cached(*NETWORK)
    def cell(self) -> VectorRNN:
        """Their cell, with a leading axis of networks if there are several."""
        return self.weights.cell

    @cached(*NETWORK)
    def weights(self) -> RandomNetwork:
        """The networks at these settings."""
        return random_network(
            self.units,
            self.initialisation,
            self.gain,
            coupling=self.coupling,
            activation=self.activation,
            input_scale=self.input_weight,
            bias_scale=self.bias_scale,
            initial_scale=self.initial_scale,
            seed=self.network,
            draws=self.runs if self.runs > 1 else None,
        )

    @cached(*NETWORK)
    def trajectory(self) -> Trajectory:
        """Their runs."""
        return unroll(self.cell, self.inputs[:, None], self.weights.initial_state)

    @cached(*NETWORK)
    def first(self) -> Trajectory:
        """The run of the first network."""
        return one_network(self.trajectory) if self.runs > 1 else self.trajectory

    @cached(*NETWORK)
    def norms(self) -> ProductNorms:
        """Norms of every network's product."""
        return product_norms(self.trajectory)

    @cached(*NETWORK)
    def result(self) -> LogProduct:
        """‖P(T, T − lag)‖₂; of several networks the median."""
        return magnitudes(median_of(self.norms.largest))

    @cached(*NETWORK)
    def eigenvalues(self) -> NDArray[np.complex128]:
        """Of every network's W, shape (..., n)."""
        return np.asarray(np.linalg.eigvals(self.cell.recurrent_weight), dtype=np.complex128)

    @cached(*NETWORK)
    def singular_of_weights(self) -> NDArray[np.float64]:
        """Singular values of every network's W, shape (..., n), largest first."""
        return np.asarray(np.linalg.svd(self.cell.recurrent_weight, compute_uv=False))

    @cached(*NETWORK)
    def bound(self) -> NDArray[np.float64]:
        """log₁₀ of (γ σ_max)^lag."""
        largest = self.singular_of_weights[..., 0]
        return np.asarray(power_of_lag(self.cell.phi.slope_bound * largest, self.lags))

    @cached(*NETWORK)
    def linear_rate(self) -> NDArray[np.float64]:
        """log₁₀ of ρ^lag."""
        if self.initialisation == "nilpotent":  # exactly 0, where the solver finds the root of its rounding
            exact = np.where(self.lags == 0, 0.0, -np.inf)
            return np.broadcast_to(exact, self.norms.largest.shape)
        return np.asarray(power_of_lag(np.abs(self.eigenvalues).max(axis=-1), self.lags))

    @property
    def lags(self) -> NDArray[np.int64]:
        """0 … T."""
        return np.arange(self.sequence_length + 1)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """W of the first network."""
        return np.asarray(self.first.cell.parameters["recurrent_weight"])

    def of_first(self, spectra: NDArray[Any]) -> NDArray[Any]:
        """The first network's, of what has a leading axis of networks if there are several."""
        return spectra[0] if self.runs > 1 else spectra

    @property
    def radius(self) -> float:
        """ρ(W) of the first network."""
        return (
            0.0
            if self.initialisation == "nilpotent"
            else float(np.abs(self.of_first(self.eigenvalues)).max())
        )

    @property
    def reach(self) -> float:
        """γ σ_max(W) of the first network: what the bound multiplies by at every step."""
        return float(self.cell.phi.slope_bound * self.of_first(self.singular_of_weights)[0])

    @cached(*NETWORK)
    def shortcut(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Over the last 100 steps: the shortcut's norm, its relative error, and that of W diag φ′."""
        found = approximations(last_steps(self.first, 100))
        short: Any = found.approximate["shortcut"]
        errors = [found.error[name]["product"] for name in ("shortcut", "swapped")]
        return norm(short, 2), errors[0], errors[1]

    @cached(*NETWORK)
    def terms(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The terms of ∂h_T/∂U (without input, of ∂h_T/∂b) by lag; and with h_{k−1} dropped from φ′."""
        run, norms, of = self.trajectory, self.norms, self.weighed
        both = (input_term_norms(run, norms, of, state_held=held) for held in (True, False))
        # 10^−16 of the largest is what rounding leaves of a sine's zero
        size = np.abs(self.inputs[::-1])
        none = (size < 1e-12 * size.max()) & (of == "input_weight")
        exact, dropped = (np.where(none, -np.inf, terms) for terms in both)
        return exact, dropped

    @property
    def weighed(self) -> str:
        """U; where there is no input that it could weigh, b."""
        return "input_weight" if self.inputs.any() else "bias"

    @property
    def _most_steps(self) -> int:
        """How many steps of repeated QR take half a second."""
        return max(100, int(6e7 / float(self.units) ** 2.5))

    @cached(*NETWORK)
    def lyapunov(self) -> Lyapunov:
        """The first network's exponents, from as many of its last steps as a second allows."""
        return lyapunov_exponents(last_steps(self.first, self._most_steps))

    @cached(*NETWORK)
    def singular(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Lags, and log₁₀ of the singular values of the first network's product at them."""
        many = 25 if self.units <= 24 else 12 if self.units <= 40 else 6 if self.units <= 64 else 3
        most: int = min(int(self.sequence_length), self._most_steps)
        lags = np.unique(np.linspace(0, most, many).astype(int))
        return lags, singular_values(last_steps(self.first, most), lags=lags)

    @cached("units", "bias_scale", "network")
    def simulated(self) -> tuple[NDArray[np.float64], list[Simulation]]:
        """Gaussian tanh networks of this size without input, at several gains."""
        gains = np.array([0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4])
        return gains, [self._simulate(float(g)) for g in gains]

    @cached("units", "bias_scale", "network", "gain")
    def simulated_here(self) -> Simulation:
        """The same at this gain."""
        return self._simulate(max(float(self.gain), LEAST_GAIN))

    def _simulate(self, gain: float) -> Simulation:
        return simulate_mean_field(
            gain, self.bias_scale, units=self.units, length=200, transient=50, seed=self.network
        )


def median_of(log10: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of several networks the one in the middle, as the curve draws it."""
    return log10 if log10.ndim == 1 else spread(log10).median


@cache
def slopes_at_one_step() -> tuple[float, float]:
    """φ′ of that unit with its state held, and with it dropped."""
    cell = VectorRNN(recurrent_weight=[[ONE_STEP["W"]]], input_weight=[[1.0]])
    run = unroll(cell, [[ONE_STEP["x"]]], [ONE_STEP["h"]])
    norms = product_norms(run)
    held, dropped = (
        10.0 ** float(input_term_norms(run, norms, "bias", state_held=kept)[0]) for kept in (True, False)
    )
    return held, dropped
