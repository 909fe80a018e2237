"""Lesson 8: vector cells: what eigenvalues say of a gradient product, and what singular values do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.approximations import approximations
from gradprod.analysis.mean_field import Simulation, critical_line, mean_field, simulate_mean_field
from gradprod.analysis.networks import RandomNetwork, last_steps, one_network, random_network
from gradprod.analysis.norms import ProductNorms, input_term_norms, product_norms
from gradprod.analysis.spread import spread
from gradprod.cells import VectorRNN
from gradprod.explorers.controls import PICTURE, BadValue, Choice, Layer, Real, Whole, phi
from gradprod.explorers.model import (
    Figure,
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    cached,
    claim,
    panel,
    picture,
)
from gradprod.explorers.products import ProductExplorer, band_columns
from gradprod.explorers.reading import lag_table, memory, rate, signed
from gradprod.figures.gates import Panel, Series, over_time
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.relation import Mark, relation
from gradprod.figures.spectrum import eigenvalues, lyapunov_spectrum, product_spectrum
from gradprod.figures.theme import Style, sizes
from gradprod.i18n import gettext as _
from gradprod.products import (
    LogProduct,
    Lyapunov,
    bound,
    linear_rate,
    lyapunov_exponents,
    magnitudes,
    norm,
    singular_values,
    spectral_radius,
)
from gradprod.unroll import Trajectory, unroll
from gradprod.words import decimals, factor, grouped, number, steps, value

DETAIL = "φ, draws, sizes"
MOST_SECONDS = 2.0
LEAST_GAIN = 0.05
"""Below it the mean-field picture has nothing to show."""

NETWORK = (
    *("units", "initialisation", "gain", "coupling", "activation", "bias_scale"),
    *("input_weight", "initial_scale", "network", "runs"),
    *("sequence_length", "input", "period", "seed", "standardised"),
)
"""The controls that decide the run: not what is shown under the picture."""

GROWS_FIRST = {
    "initialisation": "identity",
    "gain": 0.8,
    "coupling": 0.5,
    "activation": "linear",
    "units": 8,
    "sequence_length": 200,
    "below": "spectrum",
}
NO_EIGENVALUE = {
    "initialisation": "nilpotent",
    "gain": 3.0,
    "input": "zero",
    "sequence_length": 200,
    "below": "lyapunov",
}
"""Every eigenvalue is 0, and the product grows for ever."""


BOX: dict[str, Any] = {"group": DETAIL, "slider": False}


def seconds(units: int, length: int, runs: int) -> float:
    """About how long the norms of so many networks take, measured on one ordinary core."""
    return 1e-5 * length + 4.5e-8 * length * runs * units**2


def _shifted(m: Any) -> bool:
    return bool(m.initialisation != "nilpotent")


class VectorCells(ProductExplorer):
    """Lesson 8: the norm of the gradient product of a vector cell, between what bounds it."""

    number = 8
    title = "Vector cells"
    lead = (
        "Each factor is a matrix now. Drag <i>c</i> and see why eigenvalues do not decide what becomes of a "
        "gradient."
    )
    formula = (
        r"P = \prod_{j=t}^{k+1} \mathrm{diag}(\varphi'(u_j))\, W, \quad "
        r"\|P\|_2 \le (\gamma\,\sigma_{\max})^{t-k}"
    )
    formula_text = (
        "P = ∂h_t/∂h_k = ∏ diag(φ′(u_j)) W, j = t … k+1, newest on the left; ‖P‖₂ ≤ (γ σ_max(W))^(t−k)"
    )
    side = ("spectrum_of_weights", "claims", "readouts", "...")

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
            "terms": "∂h_t/∂U, term by term",
            "spectrum": "singular values of the product",
            "lyapunov": "Lyapunov exponents",
            "shortcut": "the shortcut’s error",
            "mean_field": "mean field and simulation",
        },
        key="below",
        group=PICTURE,
    )
    folded = (DETAIL,)

    presets = (
        Preset("Gaussian"),
        Preset(
            "Hold",
            {"initialisation": "orthogonal", "activation": "linear"},
            "Orthogonal and linear: every singular value is 1",
        ),
        Preset("Band", {"units": 16, "runs": 25}, "25 networks: median and band"),
        Preset("Grows", GROWS_FIRST, "Every eigenvalue is 0.8: it grows first, and decays later"),
        Preset("ρ = 0", NO_EIGENVALUE, "No eigenvalue but 0, and it grows for ever"),
        Preset(
            "Chaos",
            {"gain": 2.0, "units": 128, "input": "zero", "sequence_length": 200, "below": "mean_field"},
            "A large random network without input, beside its mean field",
        ),
    )
    prediction = Prediction.powers_of_ten(
        "Linear units in a chain, 32 of them: every eigenvalue of <i>W</i> is 0.8, and each unit also hears "
        "the next one by 0.5. Going back 50 steps, how large is the norm of the product?",
        {"initialisation": "identity", "gain": 0.8, "coupling": 0.5, "activation": "linear", "units": 32},
        lambda m: m.readout.left_log10,
        reach=12,
        start=-5,
    )

    # ---- what follows from the settings ----

    def settle(self, new: dict[str, Any], asked: frozenset[str]) -> dict[str, str]:
        notes = super().settle(new, asked)
        n, T, runs = new["units"], new["sequence_length"], new["runs"]
        if seconds(n, T, runs) <= MOST_SECONDS:
            return notes
        left = (MOST_SECONDS - 1e-5 * T) / (4.5e-8 * T)
        said = {"T": grouped(T), "n": grouped(n), "time": decimals(seconds(n, T, runs), 0)}
        if runs > 1:
            fewer = max(1, int(left / n**2))
            if "runs" in asked and runs != self.runs:
                rest = _(
                    "must be at most {most} for n = {n} and {T} steps, got {runs}: it would take about "
                    "{time} seconds; take fewer units or steps",
                    most=fewer,
                    runs=runs,
                    **said,
                )
                raise BadValue("runs", rest)
            new["runs"] = fewer
            notes["runs"] = _(
                "Set to {fewer}, for n = {n} and {T} steps would take long.", fewer=fewer, **said
            )
        if seconds(n, T, new["runs"]) > MOST_SECONDS:
            most = int(math.sqrt(left))
            if "units" in asked and n != self.units:
                rest = _(
                    "must be a whole number from 1 to {most} with {T} steps, got {n}: it would take about "
                    "{time} seconds; take fewer steps first",
                    most=most,
                    **said,
                )
                raise BadValue("units", rest)
            new["units"] = most
            notes["units"] = _("Set to {most}: with {T} steps more units would take long.", most=most, **said)
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
        return magnitudes(_median(self.norms.largest))

    @cached(*NETWORK)
    def bound(self) -> NDArray[np.float64]:
        """log₁₀ of (γ σ_max)^lag."""
        return np.asarray(bound(self.cell, self.lags))

    @cached(*NETWORK)
    def linear_rate(self) -> NDArray[np.float64]:
        """log₁₀ of ρ^lag."""
        if self.initialisation == "nilpotent":  # exactly 0, where the solver finds the root of its rounding
            exact = np.where(self.lags == 0, 0.0, -np.inf)
            return np.broadcast_to(exact, self.norms.largest.shape)
        return np.asarray(linear_rate(self.cell, self.lags))

    @property
    def lags(self) -> NDArray[np.int64]:
        """0 … T."""
        return np.arange(self.sequence_length + 1)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """W of the first network."""
        return np.asarray(self.first.cell.parameters["recurrent_weight"])

    @cached(*NETWORK)
    def radius(self) -> float:
        """ρ(W) of the first network."""
        return 0.0 if self.initialisation == "nilpotent" else float(spectral_radius(self.matrix))

    @cached(*NETWORK)
    def reach(self) -> float:
        """γ σ_max(W) of the first network: what the bound multiplies by at every step."""
        return float(self.cell.phi.slope_bound * np.linalg.norm(self.matrix, 2))

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

    # ---- words ----

    def readouts(self) -> Sequence[Readout]:
        sure = (
            _("below 1: sure to vanish") if self.reach < 1 else _("only below 1 would it be sure to vanish")
        )
        rows = [
            Readout("ρ(<i>W</i>)", factor(self.radius), _("largest eigenvalue, by size")),
            Readout("γ σ<sub>max</sub>(<i>W</i>)", factor(self.reach), sure),
            rate(self.readout),
            memory(self.readout, self.sequence_length, 0.01),
        ]
        peak = self.readout
        if peak.peak_lag and peak.peak_log10 > 0.005:
            rows.append(
                Readout(_("Largest norm"), number(peak.peak_log10), _("at lag {n}", n=grouped(peak.peak_lag)))
            )
        if self.below == "lyapunov" and self.sequence_length >= 10:
            rows.append(self._lyapunov_row(self.lyapunov))
        if self.below == "spectrum":
            lags = self.singular[0]
            how = _("exact at {n} lags to {last}, straight between", n=len(lags), last=grouped(int(lags[-1])))
            rows.append(Readout(_("Singular values"), grouped(self.units), how))
        if self.below == "mean_field":
            rows += self._mean_field_rows()
        return rows

    @staticmethod
    def _lyapunov_row(found: Lyapunov) -> Readout:
        name, over = _("Largest Lyapunov exponent"), steps(found.running.shape[-2])
        largest, error = float(found.exponents[0]), float(found.error[0])
        if not math.isfinite(largest):
            return Readout(name, "−∞", _("everything is lost"))
        how = _("± {e} nats a step, over the last {n}", e=value(error), n=over)
        return Readout(name, decimals(largest, 3), how)

    def _mean_field_rows(self) -> list[Readout]:
        gain: float = max(float(self.gain), LEAST_GAIN)
        theory, here = mean_field(gain, self.bias_scale), self.simulated_here
        return [
            Readout(
                _("Mean-field rate ½ ln χ"), decimals(float(theory.rate), 3), _("nats a step, <i>n</i> → ∞")
            ),
            Readout(
                _("Simulated"),
                decimals(here.rate, 3),
                _("± {e}; one network of {n} units", e=value(here.rate_error), n=self.units),
            ),
            Readout(
                _("Critical gain"),
                factor(float(critical_line(self.bias_scale))),
                _("χ = 1 at this size of <i>b</i>"),
            ),
        ]

    @panel("Slips in article 003")
    def slips(self) -> str | None:
        """Its formulas, put right, with numbers of this run."""
        if self.veiled:
            return None
        exact, dropped = (_median(t) for t in self.terms)
        held = _(
            "“<i>h<sub>s</sub></i> = tanh(<i>U x<sub>s</sub></i>)” for the immediate partial: "
            "<i>h<sub>s−1</sub></i> is <b>held</b>, not dropped; the slope is φ′(<i>W h<sub>s−1</sub></i> + "
            "<i>U x<sub>s</sub></i> + <i>b</i>). The largest term is {a}; with <i>h</i> dropped, {b}.",
            a=number(float(exact.max())),
            b=number(float(dropped.max())),
        )
        lines = [
            held,
            _("The sum over <i>s</i> ends at <i>t</i>, not at 4: 4 was one example’s last step."),
            _(
                "The first part of ∂<i>h<sub>t</sub></i>/∂<i>U</i> is (1 − <i>h<sub>t</sub></i>²) "
                "<i>x<sub>t</sub></i><sup>T</sup>; the “+ (1 − <i>h<sub>t</sub></i>²)” after it is too many."
            ),
            _(
                "Its loss is (<i>y</i> − <i>y*</i>)², without the ½ of article 001: its gradients are twice "
                "those here."
            ),
        ]
        return "".join(f"<p>✗ {line}</p>" for line in lines)

    def table(self) -> Table:
        columns = {
            _("‖product‖"): self.result.log10,
            _("bound"): _median(self.bound),
            _("ρ<sup>lag</sup>"): _median(self.linear_rate),
            _("lower bound"): _median(self.norms.mean),
        }
        return lag_table(columns)

    def columns(self) -> Mapping[str, Any]:
        largest, pad = self.norms.largest, [math.nan]
        norms = band_columns("log10_norm", spread(largest)) if self.runs > 1 else {"log10_norm": largest}
        return {
            "lag": self.lags,
            **norms,
            "log10_bound": _median(self.bound),
            "log10_rho_to_lag": _median(self.linear_rate),
            "log10_lower_bound": _median(self.norms.mean),
            f"log10_term_of_{self.weighed}": np.concatenate([_median(self.terms[0]), pad]),
            "step": np.concatenate([np.arange(self.sequence_length, 0, -1.0), pad]),
            "input": np.concatenate([self.inputs[::-1], pad]),
        }

    def library_code(self) -> str:
        return f"""from gradprod import make_input, product_norms, random_network, readouts, unroll

network = random_network(
    {self.units},
    {self.initialisation!r},
    {self.gain:.10g},
    coupling={self.coupling:.10g},
    activation={self.activation!r},
    input_scale={self.input_weight:.10g},
    bias_scale={self.bias_scale:.10g},
    initial_scale={self.initial_scale:.10g},
    seed={self.network},
    draws={self.runs if self.runs > 1 else None},
)
run = unroll(network.cell, {self.inputs_code()}[:, None], network.initial_state)
norms = product_norms(run)
print(norms.largest, readouts(norms.largest).verdict)"""

    # ---- pictures ----

    def curve(self) -> Curve:
        return self._vector(self.norms.largest, _("exact norm"), "exact")

    @picture(heights=(440, 380, 270))
    def chart(self, style: Style) -> Figure:
        """The norm of the product against lag, and what is said of it."""
        name = _("(γ σ<sub>max</sub>)<sup>lag</sup>") if sizes(style).wide else _("bound")
        limit = Curve(magnitudes(_median(self.bound)), name=name, kind="bound")
        return self.product_chart(
            [self.curve(), *([] if self.veiled else self._said())],
            style,
            bound=limit if self.show_bound else None,
            quantity="‖∂<i>h<sub>t</sub></i>/∂<i>h<sub>k</sub></i>‖<sub>2</sub>",
        )

    def _said(self) -> list[Curve]:
        """What is said of the norm."""
        said = []
        if self.show_rate and np.isfinite(self.linear_rate).all():
            said.append(self._vector(_median(self.linear_rate), "ρ<sup>lag</sup>"))
        if self.show_shortcut:
            said.append(self._vector(self.shortcut[0], _("shortcut")))
        if self.show_mean and np.isfinite(self.norms.mean).all():
            said.append(self._vector(_median(self.norms.mean), "|det|<sup>1/<i>n</i></sup>", "bound"))
        return said

    @staticmethod
    def _vector(log10: NDArray[np.float64], name: str, kind: str = "approximation") -> Curve:
        return Curve(magnitudes(log10), name=name, kind=kind, cell="vector")

    @picture(
        "side",
        title="Eigenvalues ○ and singular values ◆ of W",
        heights=(330, 330, 330),
        when=lambda m: not m.veiled,
    )
    def spectrum_of_weights(self, style: Style) -> Figure:
        """The eigenvalues of W in the complex plane."""
        slope = float(self.cell.phi.slope(self.first.pre_activation).mean())
        return eigenvalues(self.matrix, style, slope_bound=self.cell.phi.slope_bound, mean_slope=slope)

    @picture("below", heights=(320, 320, 300), when=lambda m: not m.veiled)
    def detail(self, style: Style) -> Figure:
        """What the choice under the picture names."""
        if self.below in ("mean_field", "shortcut", "terms"):
            drawn = {"mean_field": self._mean_field, "shortcut": self._shortcut, "terms": self._terms}
            return drawn[self.below](style)
        if self.below == "lyapunov" and self.sequence_length >= 10:
            return lyapunov_spectrum(self.lyapunov, style)
        lags, values = self.singular
        exponents = self.lyapunov if self.sequence_length >= 10 else None
        return product_spectrum(values, style, lags=lags, lyapunov=exponents)

    def _terms(self, style: Style) -> Figure:
        exact, dropped = self.terms
        curves = [self._vector(exact, _("exact term"), "exact")]
        if np.isfinite(_median(dropped)).any():
            curves.append(self._vector(_median(dropped), _("<i>h</i> dropped")))
        size = "‖<i>P</i> diag φ′(<i>u<sub>k</sub></i>)‖<sub>F</sub>"
        if self.weighed == "input_weight":
            quantity = "∂<i>h<sub>t</sub></i>/∂<i>U</i>: ‖<i>x<sub>k</sub></i>‖ " + size
        else:
            quantity = _("∂<i>h<sub>t</sub></i>/∂<i>b</i>, as there is no input: {size}", size=size)
        return product_curve(curves, style, quantity=quantity)

    def _shortcut(self, style: Style) -> Figure:
        _norm, *errors = self.shortcut
        short, swapped = (np.log10(np.maximum(e[1:], 1e-16)) for e in errors)
        names = _("shortcut"), "∏ <i>W</i> diag φ′"
        colours = style.colours.plain, style.colours.bound
        series = [
            Series(name=names[0], values=short, colour=colours[0]),
            Series(name=names[1], values=swapped, colour=colours[1], symbol="diamond"),
        ]
        title = _("log<sub>10</sub> of the relative error (Frobenius norm; −16: exact)")
        return over_time([Panel(title=title, series=series)], style, x_title=_("lag <i>t − k</i>"))

    def _mean_field(self, style: Style) -> Figure:
        gains, found = self.simulated
        grid = np.linspace(LEAST_GAIN, 4, 80)
        gain: float = max(float(self.gain), LEAST_GAIN)
        here = self.simulated_here.rate / math.log(10)
        return relation(
            grid,
            np.asarray(mean_field(grid, self.bias_scale).rate) / math.log(10),
            style,
            x_title=_("gain <i>g</i> of Gaussian weights (tanh, no input)"),
            y_title=_("growth of a gradient a step: line mean field, ◆ one network"),
            mark=Mark(x=gain, y=here, text=_("× {n}", n=number(here))),
            points=(gains, np.array([s.rate for s in found]) / math.log(10)),
            colour=style.colours.plain,
        )

    # ---- claims ----

    @claim(
        18,
        "The Jacobian is <i>W</i> diag(1 − <i>h<sub>t</sub></i>²), so the product is "
        "<i>W</i><sup><i>t</i>−<i>k</i></sup> ∏ diag(1 − <i>h</i>²).",
        articles="003",
        test={"units": 8, "below": "shortcut"},
        applies=lambda m: m.below == "shortcut",
    )
    def shortcut_claim(self) -> Judgement:
        lag = min(10, int(self.sequence_length))
        _norm, short, swapped = self.shortcut
        if short[lag] < 1e-9:
            return Judgement(
                "exact", _("Exact where the factors commute: one unit, diagonal <i>W</i>, linear φ.")
            )
        why = _(
            "The order is diag · <i>W</i>. At lag {lag} the shortcut is off by {a} times the size of the "
            "exact product, and factors <i>W</i> diag by {b}. It is exact only where the factors commute.",
            lag=lag,
            a=value(float(short[lag])),
            b=value(float(swapped[lag])),
        )
        return Judgement("false", why)

    @claim(
        19,
        "Eigenvalues of <i>W</i> below 1 make it vanish, above 1 explode.",
        articles="003",
        test=NO_EIGENVALUE,
        applies=lambda m: m.below != "shortcut",
    )
    def eigenvalue_claim(self) -> Judgement:
        said = "vanishes" if self.radius < 1 - 1e-9 else "explodes" if self.radius > 1 + 1e-9 else "holds"
        numbers = _(
            "ρ = {rho}, and after {T} the norm is {left}.",
            rho=factor(self.radius),
            T=steps(self.sequence_length),
            left=signed(self.result),
        )
        if self.reach < 1:
            why = _(
                "Sure here by the largest singular value: γ σ<sub>max</sub> = {s} < 1.", s=factor(self.reach)
            )
            return Judgement("true", f"{numbers} {why}")
        if said != self.readout.verdict or self.readout.grows_first:
            why = _(
                "Eigenvalues fail both ways; only γ σ<sub>max</sub> &lt; 1 is sure to vanish, and here it is "
                "{s}.",
                s=factor(self.reach),
            )
            return Judgement("false", f"{numbers} {why}")
        why = _("Both agree here, but γ σ<sub>max</sub> = {s} allows either.", s=factor(self.reach))
        return Judgement("partly", f"{numbers} {why}")


def _median(log10: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of several networks the one in the middle, as the curve draws it."""
    return log10 if log10.ndim == 1 else spread(log10).median
