"""Lesson 8: vector cells: what eigenvalues say of a gradient product, and what singular values do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.mean_field import critical_line, mean_field
from gradprod.analysis.spread import spread
from gradprod.explorers.lessons.vector_cells.run import (
    DETAIL,
    LEAST_GAIN,
    ONE_STEP,
    RandomNetworks,
    median_of,
    slopes_at_one_step,
)
from gradprod.explorers.model import (
    Figure,
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    claim,
    panel,
    picture,
)
from gradprod.explorers.products import band_columns
from gradprod.explorers.reading import chaos, lag_table, memory, rate, signed
from gradprod.figures.gates import Panel, Series, over_time
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.relation import Mark, relation
from gradprod.figures.spectrum import eigenvalues, lyapunov_spectrum, product_spectrum
from gradprod.figures.theme import Style, sizes
from gradprod.i18n import gettext as _
from gradprod.products import Lyapunov, magnitudes
from gradprod.words import decimals, factor, grouped, number, steps, value

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


class VectorCells(RandomNetworks):
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
            *chaos(self.horizon),
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
        exact, dropped = (median_of(t) for t in self.terms)
        held = _(
            "“<i>h<sub>s</sub></i> = tanh(<i>U x<sub>s</sub></i>)” for the immediate partial: "
            "<i>h<sub>s−1</sub></i> is <b>held</b>, not dropped; the slope is φ′(<i>W h<sub>s−1</sub></i> + "
            "<i>U x<sub>s</sub></i> + <i>b</i>). The largest term of ∂<i>h<sub>T</sub></i>/∂<i>{of}</i> is "
            "{a}; with <i>h</i> dropped, {b}.",
            of="U" if self.weighed == "input_weight" else "b",
            a=number(float(exact.max())),
            b=number(float(dropped.max())),
        )
        here, wrong = slopes_at_one_step()
        held += " " + _(
            "One unit, <i>W</i> = {W}, <i>h<sub>s−1</sub></i> = {h}, <i>U x<sub>s</sub></i> = {x}: the slope "
            "is {a}, and {b} with <i>h</i> dropped.",
            **{name: decimals(v, 3) for name, v in ONE_STEP.items()},
            a=f"{here:.3f}",
            b=f"{wrong:.3f}",
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
            _("bound"): median_of(self.bound),
            _("ρ<sup>lag</sup>"): median_of(self.linear_rate),
            _("lower bound"): median_of(self.norms.mean),
        }
        return lag_table(columns)

    def columns(self) -> Mapping[str, Any]:
        largest, pad = self.norms.largest, [math.nan]
        norms = band_columns("log10_norm", spread(largest)) if self.runs > 1 else {"log10_norm": largest}
        return {
            "lag": self.lags,
            **norms,
            "log10_bound": median_of(self.bound),
            "log10_rho_to_lag": median_of(self.linear_rate),
            "log10_lower_bound": median_of(self.norms.mean),
            f"log10_term_of_{self.weighed}": np.concatenate([median_of(self.terms[0]), pad]),
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
        limit = Curve(magnitudes(median_of(self.bound)), name=name, kind="bound")
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
            said.append(self._vector(median_of(self.linear_rate), "ρ<sup>lag</sup>"))
        if self.show_shortcut:
            said.append(self._vector(self.shortcut[0], _("shortcut")))
        if self.show_mean and np.isfinite(self.norms.mean).all():
            said.append(self._vector(median_of(self.norms.mean), "|det|<sup>1/<i>n</i></sup>", "bound"))
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
        return eigenvalues(
            self.matrix,
            style,
            slope_bound=self.cell.phi.slope_bound,
            mean_slope=slope,
            spectra=(self.of_first(self.eigenvalues), self.of_first(self.singular_of_weights)),
        )

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
        if np.isfinite(median_of(dropped)).any():
            curves.append(self._vector(median_of(dropped), _("<i>h</i> dropped")))
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
            "exact product, and the product of the factors <i>W</i> diag by {b} times. The shortcut is exact "
            "only where the factors commute.",
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
        if self.readout.grows_first:
            numbers += " " + _(
                "But first it grows to {peak}, at lag {lag}.",
                peak=number(float(self.readout.peak_log10)),
                lag=grouped(int(self.readout.peak_lag)),
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
