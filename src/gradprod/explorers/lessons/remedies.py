"""Lesson 10: what is done about vanishing and exploding gradients, and what it does to them."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.clipped_terms import ClippedTerms, clipped_terms
from gradprod.analysis.clipping import (
    Clipped,
    Descent,
    cliff,
    clip_by_norm,
    clip_by_value,
    descend_cliff,
)
from gradprod.analysis.initialisation import chrono_biases
from gradprod.analysis.memory import memory_time
from gradprod.analysis.networks import random_network
from gradprod.analysis.starts import gradient_left, random_lstm
from gradprod.analysis.truncation import Truncation, truncation_loss
from gradprod.bptt import Readout as Output
from gradprod.cells import ScalarLSTM, ScalarRNN, VectorLSTM
from gradprod.explorers.controls import Choice, Layer, Real, Whole
from gradprod.explorers.model import (
    Figure,
    Judgement,
    Prediction,
    Preset,
    Readout,
    Table,
    Verdict,
    cached,
    claim,
    picture,
    table_lags,
)
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.figures.cliff import Walk, cliff_map, clipping_arrows
from gradprod.figures.product_curve import Curve, product_curve
from gradprod.figures.relation import Mark, bars, relation
from gradprod.figures.theme import Style, sizes
from gradprod.i18n import gettext as _
from gradprod.products import LogProduct
from gradprod.unroll import unroll
from gradprod.words import decimals, grouped, number, percent, steps, value

EXPLODES, VANISHES = 1.2, 0.5
"""Recurrent weights of the linear cell that claim 26 is tested on."""

NETWORKS = 11
LONGEST = 1000
"""Most steps that initialisations are compared over."""
WINDOW = 300
"""Most steps, the last ones, whose gradient is truncated: its terms grow with the square."""

WEIGHTS, BIASES = (3.7, 5.2), (-2.8, -1.6)
DETAIL = "Start, seed, sizes"
INPUT = ("sequence_length", "input", "period", "seed", "standardised")
KEEP = (1, 2, 5, 10, 20, 50, 100)
LONG = {
    "remedy": "initialisation",
    "activation": "tanh",
    "sequence_length": 500,
    "longest": 500,
    "forget_bias": 6.0,
}
NAMES = {
    "gaussian": "Gaussian",
    "orthogonal": "orthogonal",
    "identity": "identity",
    "forget": "forget bias",
    "chrono": "chrono",
}


def clipping(m: Any) -> bool:
    """Whether the page is about clipping; below, the same for the other two."""
    return bool(m.remedy == "clipping")


def initialising(m: Any) -> bool:
    return bool(m.remedy == "initialisation")


def truncating(m: Any) -> bool:
    return bool(m.remedy == "truncation")


class Remedies(SequenceExplorer):
    """Lesson 10: clipping, initialisation and truncation, each with what it does to the gradient."""

    number = 10
    title = "Remedies"
    lead = (
        "Clip the gradient, start from better weights, or cut it short. Each cures something; see what it "
        "leaves as it was."
    )
    formula = (
        r"g \leftarrow g \cdot \min\!\left(1, \frac{\theta}{\|g\|}\right), \qquad "
        r"g_K = \sum_{\ell < K} g_\ell"
    )
    formula_text = "g ← g · min(1, θ/‖g‖); g_K = Σ g_ℓ over the lags ℓ < K"

    remedy = Choice(
        "",
        "Remedy",
        "clipping",
        {"clipping": "Clip", "initialisation": "Initialise", "truncation": "Truncate"},
        key="remedy",
    )
    threshold = Real(
        "θ",
        "clipping threshold",
        1.0,
        low=0.01,
        high=100,
        ticks=(0.01, 0.1, 1, 10, 100),
        log=True,
        live=True,
        when=clipping,
    )
    gain = Real("g", "gain", 1.0, low=0, high=2, ticks=(0, 0.5, 1, 1.5, 2), when=initialising)
    kept_steps = Whole(
        "K",
        "steps kept",
        10,
        low=1,
        high=10_000,
        ticks=(1, 10, 100, 1000, 10_000),
        log=True,
        live=True,
        when=truncating,
    )
    cell_kind = Choice(
        "", "Cell", "plain", {"plain": "plain, tanh", "lstm": "LSTM"}, key="cell", when=truncating
    )
    recurrent_weight = Real(
        "W_s",
        "recurrent weight",
        1.2,
        low=-4,
        high=4,
        ticks=(-4, -2, -1, 0, 1, 2, 4),
        when=lambda m: clipping(m) or (truncating(m) and m.cell_kind == "plain"),
    )
    forget_bias = Real(
        "b_f",
        "forget bias",
        3.0,
        low=-8,
        high=8,
        ticks=(-8, -4, 0, 4, 8),
        when=lambda m: initialising(m) or (truncating(m) and m.cell_kind == "lstm"),
    )
    longest = Whole(
        "",
        "longest memory, chrono",
        100,
        key="T_max",
        low=2,
        high=10_000,
        slider=False,
        when=initialising,
    )
    activation = Choice(
        "φ",
        "Activation φ of plain cells",
        "linear",
        {"linear": "linear", "tanh": "tanh", "sigmoid": "σ"},
        key="phi",
        when=lambda m: not truncating(m),
    )
    weight = Real(
        "w",
        "start on the cliff",
        4.2,
        low=WEIGHTS[0],
        high=WEIGHTS[1],
        step=0.01,
        ticks=(4, 4.5, 5),
        group=DETAIL,
        when=clipping,
    )
    offset = Real(
        "b",
        "start on the cliff",
        -2.12,
        low=BIASES[0],
        high=BIASES[1],
        step=0.01,
        ticks=(-2.8, -2.4, -2, -1.6),
        group=DETAIL,
        when=clipping,
    )
    learning_rate = Real(
        "η",
        "learning rate",
        0.15,
        key="eta",
        low=0.001,
        high=1,
        slider=False,
        group=DETAIL,
        when=clipping,
    )
    descent_steps = Whole(
        "", "steps of descent", 12, key="steps", low=1, high=30, slider=False, group=DETAIL, when=clipping
    )
    units = Whole("n", "units", 16, low=1, high=32, slider=False, group=DETAIL, when=initialising)
    network = Whole(
        "",
        "seed of the weights",
        7,
        key="net",
        low=0,
        high=9999,
        slider=False,
        group=DETAIL,
        when=initialising,
    )
    delay = Whole(
        "d",
        "the target is the input of d steps ago",
        20,
        low=0,
        high=1000,
        slider=False,
        group=DETAIL,
        when=truncating,
    )
    show_gaussian = Layer("gaussian", "Gaussian", True, when=initialising)
    show_orthogonal = Layer("orthogonal", "orthogonal", True, when=initialising)
    show_identity = Layer("identity", "identity", True, when=initialising)
    show_forget = Layer("forget", "forget bias", True, when=initialising)
    show_chrono = Layer("chrono", "chrono", True, when=initialising)

    folded = (DETAIL,)

    presets = (
        Preset("Cliff"),
        Preset(
            "Plateau",
            {"weight": 5.0, "offset": -1.8, "recurrent_weight": VANISHES, "threshold": 10.0},
            "Small gradients, on the cliff's flat side and in the cell: clipping leaves them small",
        ),
        Preset(
            "Initialise",
            {"remedy": "initialisation", "activation": "tanh", "input": "noise"},
            "Five ways to start, the same input",
        ),
        Preset("Long memory", LONG | {"input": "noise"}, "500 steps: biases do what weights can’t"),
        Preset("Too open", LONG | {"input": "zero"}, "The same forget bias, at rest: it explodes"),
        Preset(
            "Truncate",
            {"remedy": "truncation", "input": "noise", "recurrent_weight": 0.9},
            "Short memory: little is lost",
        ),
        Preset(
            "Cut too short",
            {
                "remedy": "truncation",
                "input": "noise",
                "cell_kind": "lstm",
                "sequence_length": 200,
            },
            "Long memory, ten steps kept",
        ),
    )
    prediction = Prediction.powers_of_ten(
        "A linear cell with <i>W<sub>s</sub></i> = 1.5 explodes within 50 steps, and its gradient is clipped "
        "at θ = 1. The newest step’s term was 1. How large is it once clipped?",
        {"recurrent_weight": 1.5},
        lambda m: float(m.terms.clipped.log10[0]),
        start=0,
    )

    # ---- clipping ----

    @property
    def start(self) -> dict[str, float]:
        """∂E/∂w and ∂E/∂b where the walks start."""
        here = cliff(self.weight, self.offset)
        return {"w": float(here.weight_gradient), "b": float(here.bias_gradient)}

    @cached("weight", "offset", "threshold")
    def clipped(self) -> dict[str, Clipped]:
        """That gradient clipped, by norm and by value."""
        gradient = self.start
        return {
            "norm": clip_by_norm(gradient, self.threshold),
            "value": clip_by_value(gradient, self.threshold),
        }

    @cached("weight", "offset", "learning_rate", "descent_steps")
    def plain_walk(self) -> Descent:
        """Descent by the gradient as it is."""
        return self._walk(None)

    @cached("weight", "offset", "learning_rate", "descent_steps", "threshold")
    def clipped_walk(self) -> Descent:
        """Descent by the gradient clipped by norm."""
        return self._walk(self.threshold)

    def _walk(self, threshold: float | None) -> Descent:
        return descend_cliff(
            self.weight,
            self.offset,
            learning_rate=self.learning_rate,
            steps=self.descent_steps,
            threshold=threshold,
        )

    @cached("recurrent_weight", "activation", "threshold", *INPUT)
    def terms(self) -> ClippedTerms:
        """The terms of ∂S_T/∂b of the plain cell, before and after."""
        cell = ScalarRNN(activation=self.activation, recurrent_weight=self.recurrent_weight)
        return clipped_terms(unroll(cell, self.inputs), self.threshold)

    @cached("sequence_length", "threshold")
    def both(self) -> tuple[ClippedTerms, ClippedTerms]:
        """The same of a linear cell that explodes and of one that vanishes."""
        nothing = np.zeros(self.sequence_length)
        cells = (ScalarRNN(activation="linear", recurrent_weight=weight) for weight in (EXPLODES, VANISHES))
        explodes, vanishes = (clipped_terms(unroll(cell, nothing), self.threshold) for cell in cells)
        return explodes, vanishes

    # ---- initialisation ----

    @property
    def compared(self) -> int:
        """Steps that initialisations are compared over."""
        return min(int(self.sequence_length), LONGEST)

    @cached("units", "gain", "activation", "network", *INPUT)
    def _plain(self) -> dict[str, NDArray[np.float64]]:
        return {}

    @cached("units", "gain", "network", "forget_bias", *INPUT)
    def _forget(self) -> dict[str, NDArray[np.float64]]:
        return {}

    @cached("units", "gain", "network", "longest", *INPUT)
    def _chrono(self) -> dict[str, NDArray[np.float64]]:
        return {}

    @property
    def left(self) -> dict[str, NDArray[np.float64]]:
        """log₁₀ of what is left, shape (networks, lags + 1), of each initialisation that is shown."""
        shown = [name for name in NAMES if getattr(self, f"show_{name}")] or ["gaussian"]
        kept = {"forget": self._forget, "chrono": self._chrono}
        found: dict[str, NDArray[np.float64]] = {}
        for name in shown:
            store = kept.get(name, self._plain)
            if name not in store:
                store[name] = self._left(name)
            found[name] = store[name]
        return found

    def lstm(self, name: str) -> VectorLSTM:
        """The LSTMs of one forget bias, or of chrono biases."""
        n, seed = self.units, self.network
        biases: dict[str, Any] = {"forget_bias": self.forget_bias}
        if name == "chrono":
            b_f, b_i = chrono_biases(NETWORKS * n, self.longest, seed=seed)
            biases = {"forget_bias": b_f.reshape(-1, n), "input_gate_bias": b_i.reshape(-1, n)}
        return random_lstm(n, self.gain, **biases, seed=seed, draws=NETWORKS)

    def _left(self, name: str) -> NDArray[np.float64]:
        x, seed = self.inputs[: self.compared, None], self.network
        if name in ("forget", "chrono"):
            return gradient_left(unroll(self.lstm(name), x), seed=seed)
        net = random_network(
            self.units, name, self.gain, activation=self.activation, seed=seed, draws=NETWORKS
        )
        return gradient_left(unroll(net.cell, x, net.initial_state), seed=seed)

    @property
    def medians(self) -> dict[str, NDArray[np.float64]]:
        """The median over the networks, by lag."""
        return {name: np.quantile(log10, 0.5, axis=0, method="nearest") for name, log10 in self.left.items()}

    def name_of(self, name: str) -> str:
        """An initialisation's name in the picture."""
        if name == "forget":
            return _("<i>b<sub>f</sub></i> = {b}", b=decimals(self.forget_bias))
        return _(NAMES[name])

    # ---- truncation ----

    @cached("cell_kind", "recurrent_weight", "forget_bias", "delay", *INPUT)
    def truncation(self) -> Truncation:
        """What each truncation drops of the gradient over the last steps."""
        x = self.inputs
        late = np.concatenate([np.zeros(self.delay), x])[: len(x)]
        x, late = x[-WINDOW:], late[-WINDOW:]
        cell: ScalarLSTM | ScalarRNN = ScalarRNN(recurrent_weight=self.recurrent_weight)
        if self.cell_kind == "lstm":
            cell = ScalarLSTM(forget_bias=self.forget_bias)
        return truncation_loss(unroll(cell, x), Output(), late)

    @property
    def cut(self) -> int:
        """K; at most the steps that there are."""
        return min(int(self.kept_steps), len(self.truncation.norm))

    # ---- words ----

    def verdict(self) -> Verdict:
        if initialising(self):
            return self._initialisation_verdict()
        return self._truncation_verdict() if truncating(self) else self._clipping_verdict()

    def _clipping_verdict(self) -> Verdict:
        c = self.clipped["norm"]
        said = {"g": value(c.norm_before), "t": value(self.threshold)}
        if c.changed:
            sentence = _(
                "The gradient of {g} is cut to {t}; after {steps} the error is {b}, without clipping {a}.",
                steps=steps(self.descent_steps),
                a=value(float(self.plain_walk.error[-1])),
                b=value(float(self.clipped_walk.error[-1])),
                **said,
            )
        else:
            sentence = _("The gradient is {g}, within θ = {t}; clipping leaves it as small as it is.", **said)
        return Verdict(
            kind="plain",
            name=_("Clipping acts") if c.changed else _("Clipping does nothing"),
            sentence=sentence,
            rule=_("Rule: it acts where the norm of the gradient is above θ."),
        )

    def _initialisation_verdict(self) -> Verdict:
        ends = {name: float(m[-1]) for name, m in self.medians.items()}
        best, worst = max(ends, key=lambda k: -abs(ends[k])), min(ends, key=lambda k: -abs(ends[k]))
        sentence = _(
            "After {steps} its median gradient is {a} of what it was",
            steps=steps(self.compared),
            a=number(ends[best]),
        )
        sentence += (
            _("; of {other} it is {b}.", other=self.name_of(worst), b=number(ends[worst]))
            if len(ends) > 1
            else "."
        )
        rule = _("Rule: the median over {n} networks that is nearest to 1 at the longest lag.", n=NETWORKS)
        if self.compared < self.sequence_length:
            rule += " " + _("Compared over the first {steps}.", steps=steps(self.compared))
        return Verdict(
            kind="plain",
            name=_("{name} holds best", name=self.name_of(best)),
            sentence=sentence,
            rule=rule,
        )

    def _truncation_verdict(self) -> Verdict:
        t, K = self.truncation, self.cut
        rule = _("Rule: K steps of every target are kept, its own included.")
        if len(t.norm) < self.sequence_length:
            rule += " " + _("Measured over the last {steps}.", steps=steps(len(t.norm)))
        if not t.norm.any():
            name, sentence = _("Nothing to drop"), _("The gradient is exactly 0 at every lag.")
        elif len(t.norm) == K:
            name = _("Drops nothing")
            sentence = _("All {steps} are kept; the gradient is whole.", steps=steps(K))
        else:
            name = _("Drops {p}", p=percent(float(t.dropped[K])))
            sentence = _(
                "Lags of {steps} and more hold {p} of the terms’ size; without them the gradient is off by "
                "{e} of its norm, and turned by {a}°.",
                steps=steps(K),
                p=percent(float(t.dropped[K])),
                e=percent(float(t.error[K])),
                a=value(math.degrees(t.angle[K])),
            )
        return Verdict(kind="plain", name=name, sentence=sentence, rule=rule)

    def readouts(self) -> Sequence[Readout]:
        if initialising(self):
            return [self._spread(name, log10) for name, log10 in self.left.items()]
        return self._truncation_rows() if truncating(self) else self._clipping_rows()

    def _clipping_rows(self) -> list[Readout]:
        by_norm, by_value, terms = self.clipped["norm"], self.clipped["value"], self.terms
        return [
            Readout(_("Gradient at the start"), value(by_norm.norm_before), _("norm, on the cliff")),
            Readout(
                _("Clipped by norm"),
                value(by_norm.norm_after),
                _("turned by {a}°", a=value(math.degrees(by_norm.angle))),
            ),
            Readout(
                _("Clipped by value"),
                value(by_value.norm_after),
                _("turned by {a}°", a=value(math.degrees(by_value.angle))),
            ),
            Readout(
                _("Gradient of the cell"),
                number(terms.norm_log10),
                _("clipped to {n}", n=number(terms.norm_log10 + terms.scale_log10)),
            ),
            Readout(
                _("From its newest step"),
                number(float(terms.terms.log10[0])),
                _("after clipping {n}", n=number(float(terms.clipped.log10[0]))),
            ),
            Readout(
                _("From its first step"),
                number(float(terms.terms.log10[-1])),
                _("after clipping {n}", n=number(float(terms.clipped.log10[-1]))),
            ),
        ]

    def _spread(self, name: str, log10: NDArray[np.float64]) -> Readout:
        low, middle, high = np.quantile(log10[:, -1], (0.1, 0.5, 0.9), method="nearest").tolist()
        how = _("10th to 90th percentile: {a} to {b}", a=number(low), b=number(high))
        if name == "forget":
            time = float(memory_time(self.forget_bias))
            how += "; " + _("gate alone: memory of {steps}", steps=steps(float(f"{time:.2g}")))
        return Readout(self.name_of(name), number(middle), how)

    def _truncation_rows(self) -> list[Readout]:
        t, K = self.truncation, self.cut
        enough = next(k for k in range(len(t.error)) if (t.error[k:] <= 0.1).all())
        return [
            Readout(_("Terms dropped"), percent(float(t.dropped[K])), _("share of their sizes")),
            Readout(_("Gradient off by"), percent(float(t.error[K])), _("of its norm")),
            Readout(_("Turned by"), f"{value(math.degrees(t.angle[K]))}°"),
            Readout(_("Steps needed"), steps(enough), _("for an error of at most 10 %")),
        ]

    def table(self) -> Table:
        if truncating(self):
            t = self.truncation
            rows = [
                [grouped(k), *(percent(float(v[k])) for v in (t.dropped, t.error)), self._degrees(t.angle[k])]
                for k in table_lags(len(t.norm))
            ]
            return Table([_("steps kept <i>K</i>"), _("terms dropped"), _("error"), _("turned by")], rows)
        if initialising(self):
            medians = self.medians
            rows = [
                [grouped(lag), *(number(float(m[lag])) for m in medians.values())]
                for lag in table_lags(self.compared)
            ]
            return Table([_("lag <i>t − k</i>"), *(self.name_of(name) for name in medians)], rows)
        terms = self.terms
        last = len(terms.terms.log10) - 1
        rows = [
            [grouped(lag), *(number(float(p.log10[lag]), sign=float(p.sign[lag])) for p in self._pair())]
            for lag in (table_lags(last) if last else [0])
        ]
        return Table([_("lag <i>t − k</i>"), _("term"), _("clipped")], rows)

    def _pair(self) -> tuple[LogProduct, LogProduct]:
        return self.terms.terms, self.terms.clipped

    @staticmethod
    def _degrees(angle: float) -> str:
        return f"{value(math.degrees(angle))}°"

    def columns(self) -> Mapping[str, Any]:
        if truncating(self):
            t = self.truncation
            return {
                "steps_kept": np.arange(len(t.dropped)),
                "dropped": t.dropped,
                "error": t.error,
                "angle_in_radians": t.angle,
                "term_norm_at_this_lag": np.append(t.norm, math.nan),
            }
        if initialising(self):
            found: dict[str, Any] = {"lag": np.arange(self.compared + 1)}
            for name, log10 in self.left.items():
                low, middle, high = np.quantile(log10, (0.1, 0.5, 0.9), axis=0, method="nearest")
                found |= {
                    f"log10_{name}": middle,
                    f"log10_{name}_10th_percentile": low,
                    f"log10_{name}_90th_percentile": high,
                }
            return found
        a, b = self.plain_walk, self.clipped_walk
        found = {"step": np.arange(len(a.error))}
        for name, walk in (("plain", a), ("clipped", b)):
            found |= {
                f"{name}_w": walk.weight,
                f"{name}_b": walk.bias,
                f"{name}_error": walk.error,
                f"{name}_gradient_norm": walk.gradient_norm,
            }
        return found

    def code(self) -> str:
        if truncating(self):
            lstm = self.cell_kind == "lstm"
            cell = (
                f"ScalarLSTM(forget_bias={self.forget_bias:.10g})"
                if lstm
                else f"ScalarRNN(recurrent_weight={self.recurrent_weight:.10g})"
            )
            rest = f"""import numpy as np

from gradprod import Readout, {"ScalarLSTM" if lstm else "ScalarRNN"}, loss_gradients, make_input, unroll

x = {self.inputs_code()}
targets = np.concatenate([np.zeros({self.delay}), x])[:len(x)][-{WINDOW}:]
run = unroll({cell}, x[-{WINDOW}:])
print(loss_gradients(run, Readout(), targets).parameters)
print(loss_gradients(run, Readout(), targets, truncation={self.kept_steps}).parameters)"""
        elif initialising(self):
            rest = f"""from gradprod import make_input, random_network, unroll
from gradprod.analysis.starts import gradient_left

network = random_network(
    {self.units},
    "orthogonal",
    {self.gain:.10g},
    activation={self.activation!r},
    seed={self.network},
    draws={NETWORKS},
)
run = unroll(network.cell, {self.inputs_code()}[:{self.compared}, None], network.initial_state)
print(gradient_left(run, seed={self.network}))"""
        else:
            rest = f"""from gradprod import cliff, clip_by_norm, clip_by_value, descend_cliff

here = cliff({self.weight:.10g}, {self.offset:.10g})
gradient = {{"w": here.weight_gradient, "b": here.bias_gradient}}
print(clip_by_norm(gradient, {self.threshold:.10g}), clip_by_value(gradient, {self.threshold:.10g}))
walk = descend_cliff(
    {self.weight:.10g},
    {self.offset:.10g},
    learning_rate={self.learning_rate:.10g},
    steps={self.descent_steps},
    threshold={self.threshold:.10g},
)
print(walk.error)"""
        return f"{super().code()}\n\n# or by the library alone\n{rest}"

    # ---- pictures ----

    def curve(self) -> tuple[str, Curve]:
        if initialising(self):
            name, log10 = next(iter(self.left.items()))
            return self.remedy, self._curve(name, log10)
        if truncating(self):
            return self.remedy, self._all_terms()
        return self.remedy, Curve(self.terms.clipped, name=_("clipped"), kind="approximation")

    def _pinned(self) -> list[Curve]:
        return [curve for remedy, curve in self.pins if remedy == self.remedy]

    def _curve(self, name: str, log10: NDArray[np.float64]) -> Curve:
        cell = "lstm" if name in ("forget", "chrono") else "vector"
        return Curve(_positive(log10), name=self.name_of(name), cell=cell)

    @picture(
        title="The cliff",
        hint="Click to start there, or focus the picture and use the arrow keys.",
        heights=(440, 380, 270),
        moves={"x": ("weight", 0.01), "y": ("offset", 0.01)},
        when=clipping,
    )
    def landscape(self, style: Style) -> Figure:
        """The error over w and b, with a plain and a clipped descent from the same start."""
        return cliff_map(
            *_surface(),
            style,
            walks=[
                Walk(descent=self.plain_walk, name=_("plain")),
                Walk(descent=self.clipped_walk, name=_("clipped"), exact=False),
            ],
            start=(self.weight, self.offset),
        )

    @picture(heights=(480, 380, 270), when=lambda m: not clipping(m))
    def chart(self, style: Style) -> Figure:
        """What initialisations leave of a gradient, or what a truncation drops."""
        if initialising(self):
            found = self.left if sizes(style).wide else self.medians  # no room for bands' names
            return product_curve(
                [self._curve(name, log10) for name, log10 in found.items()],
                style,
                pins=self._pinned(),
                quantity=_("what is left of a unit gradient at step <i>t</i>, at step <i>k</i>"),
            )
        t, K = self.truncation, self.cut
        share, error = _logs(t.dropped), _logs(t.error)
        share[0] = 0.0  # none kept, all dropped, even of nothing
        at = share[K] if np.isfinite(share[K]) else np.nanmin(share)
        return relation(
            np.arange(len(share), dtype=float),
            share,
            style,
            x_title=_("steps kept <i>K</i>"),
            y_title=_("line: share of the terms dropped; ◆ error of the gradient"),
            mark=Mark(x=K, y=float(at), text=self._mark(K)),
            points=_some(error),
            colour=style.colours.lstm if self.cell_kind == "lstm" else style.colours.plain,
        )

    def _mark(self, K: int) -> str:
        dropped = float(self.truncation.dropped[K])
        return _("drops {p}", p=percent(dropped)) if dropped else _("drops nothing")

    @picture("side", title="Side by side", heights=(300, 300, 300))
    def beside(self, style: Style) -> Figure:
        """The gradient and what clipping makes of it; each initialisation's end; each truncation's error."""
        colours = style.colours
        if initialising(self):
            ends = {self.name_of(name): float(m[-1]) for name, m in self.medians.items()}
            title = _("what is left after {steps}", steps=steps(self.compared))
            return bars(list(ends), np.array(list(ends.values())), style, title=title, colour=colours.muted)
        if truncating(self):
            error = _logs(self.truncation.error, -np.inf)
            keep = [k for k in KEEP if k < len(error)]
            keep = [self.cut, *(k for k in keep if k != self.cut)][:8]
            names = [f"<i>K</i> = {grouped(k)}" for k in keep]
            title = _("error of the gradient")
            return bars(names, error[keep], style, title=title, colour=colours.plain)
        kinds = [(_("by norm"), self.clipped["norm"]), (_("by value"), self.clipped["value"])]
        return clipping_arrows(list(self.start.values()), kinds, style, names=("<i>w</i>", "<i>b</i>"))

    @picture("below", heights=(320, 320, 300), when=lambda m: not (m.veiled or initialising(m)))
    def by_lag(self, style: Style) -> Figure:
        """The terms of a gradient by lag, whole and clipped, or whole and truncated."""
        if truncating(self):
            whole = self._all_terms()
            lags = np.arange(len(self.truncation.norm))
            kept = np.where(lags < self.cut, whole.product.log10, -np.inf)
            curves = [
                whole,
                Curve(_positive(kept), name=_("kept"), kind="approximation", cell=whole.cell),
            ]
            quantity = _("size of the terms of ∂<i>L</i>/∂θ by lag, the largest as 1")
            return product_curve(curves, style, pins=self._pinned(), quantity=quantity)
        curves = [
            Curve(self.terms.terms, name=_("as it is")),
            Curve(self.terms.clipped, name=_("clipped"), kind="approximation"),
        ]
        return product_curve(
            curves,
            style,
            pins=self._pinned(),
            quantity=_("a plain cell: terms of ∂<i>S<sub>T</sub></i>/∂<i>b</i> by lag"),
        )

    def _all_terms(self) -> Curve:
        log10 = _logs(self.truncation.norm, -np.inf)
        top = float(log10.max())
        return Curve(
            _positive(log10 - top if math.isfinite(top) else log10),
            name=_("all"),
            cell="lstm" if self.cell_kind == "lstm" else "plain",
        )

    # ---- claims ----

    @claim(
        26,
        "Clipping cures exploding gradients, not vanishing ones.",
        articles="003",
        test={"recurrent_weight": VANISHES, "threshold": 10.0},
        applies=clipping,
    )
    def clipping_cures(self) -> Judgement:
        explodes, vanishes = self.both
        shared = {"n": grouped(len(explodes.terms.log10)), "t": value(self.threshold)}
        why = _(
            "A linear cell, {n} steps, θ = {t}. <i>W<sub>s</sub></i> = {a}: the gradient is {g}, clipped "
            "{h}. <i>W<sub>s</sub></i> = {b}: its first step’s term is {v}, clipped {w}. All lags are "
            "multiplied by the same factor, never above 1.",
            a=decimals(EXPLODES),
            g=number(explodes.norm_log10),
            h=number(explodes.norm_log10 + explodes.scale_log10),
            b=decimals(VANISHES),
            v=number(float(vanishes.terms.log10[-1])),
            w=number(float(vanishes.clipped.log10[-1])),
            **shared,
        )
        acted = explodes.scale_log10 < 0
        lost = vanishes.terms.log10[-1] < -1 and vanishes.clipped.log10[-1] <= vanishes.terms.log10[-1]
        return Judgement("true" if acted and lost else "partly", why)


@functools.cache
def _surface() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """w, b and the error over them."""
    w, b = np.linspace(*WEIGHTS, 81), np.linspace(*BIASES, 65)
    return w, b, cliff(w, b[:, None]).error


def _positive(log10: NDArray[np.float64]) -> LogProduct:
    return LogProduct(sign=np.where(np.isneginf(log10), 0.0, 1.0), log10=log10)


def _logs(values: NDArray[np.float64], zero: float = math.nan) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.where(values > 0, np.log10(values), zero)


def _some(log10: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most thirty points of a line, those that can be drawn."""
    at = np.unique(np.linspace(0, len(log10) - 1, 30).astype(int))
    at = at[np.isfinite(log10[at])]
    return at.astype(float), log10[at]
