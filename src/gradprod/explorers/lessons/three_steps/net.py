"""What can be set in lesson 1, the terms that follow, which of them is in focus, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradprod.analysis.approximations import GateReading, gate_reading
from gradprod.analysis.partial_sums import StepSums, step_sums
from gradprod.bptt import Readout as LinearReadout
from gradprod.bptt import Terms, all_terms, step_terms
from gradprod.explorers.controls import PICTURE, Choice, Numbers, Real, Whole, around_zero, phi, recurrent
from gradprod.explorers.model import Explorer, Figure, Pointing, cached, diagram, picture
from gradprod.explorers.plain_cell import PlainCell
from gradprod.figures.diagrams import unrolled_net
from gradprod.figures.terms import Beside, gradient_terms
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.unroll import Trajectory, unroll
from gradprod.words import steps

MOST = 12
LETTERS = {
    "readout_weight": "<i>W<sub>o</sub></i>",
    "input_weight": "<i>W<sub>x</sub></i>",
    "recurrent_weight": "<i>W<sub>s</sub></i>",
    "bias": "<i>b</i><sub>1</sub>",
    "readout_bias": "<i>b</i><sub>2</sub>",
}
THREE = ("readout_weight", "input_weight", "recurrent_weight")
READINGS = {"none": "exact alone", "nearest": "gates as near", "open": "gates → 1", "shut": "gates → 0"}
WORK = "Inputs and targets"
LOSSES = {
    "last": "<i>L<sub>T</sub></i>: last step",
    "all": "<i>L</i> = Σ<sub><i>t</i></sub> <i>L<sub>t</sub></i>",
}
EACH: dict[str, Any] = {"low": -10, "high": 10, "most": MOST, "over": "sequence_length", "group": WORK}
STEP: dict[str, Any] = {"low": 1, "high": MOST, "slider": False, "look": True, "group": PICTURE}

POINTING = Pointing(at=lambda m, part: m.focus_at(part), walk=lambda m, right, up: m.walk(right, up))


def _box(symbol: str, label: str, start: float = 0.0) -> Real:
    return around_zero(symbol, label, start, slider=False, group=WORK)


class UnrolledNet(PlainCell, Explorer):
    """A net over a few steps, every term of its gradients, and a focus on one of them."""

    recurrent_weight = recurrent(0.5, live=True)
    input_weight = around_zero("W_x", "input weight", 1.0, live=True)
    readout_weight = around_zero("W_o", "readout weight", 2.0)
    sequence_length = Whole("T", "steps", 3, low=1, high=MOST, ticks=(1, 3, 6, 9, 12), live=True)
    activation = phi("linear")
    loss = Choice("", "Loss", "last", LOSSES, key="loss")
    inputs = Numbers("X", "inputs", (1.0, -2.0, 2.0), **EACH)
    targets = Numbers("Y", "targets", (2.0,), **EACH)
    initial_state = _box("S_0", "initial state", 2.0)
    bias = _box("b_1", "bias")
    readout_bias = _box("b_2", "readout bias")

    parameter = Choice(
        "",
        "Weight in focus",
        "input_weight",
        {name: LETTERS[name] for name in THREE},
        key="by",
        look=True,
        group=PICTURE,
    )
    target = Whole("t", "loss at step", 3, when=lambda m: m.loss == "all", **STEP)
    source = Whole("k", "term from step", 1, when=lambda m: m.parameter != "readout_weight", **STEP)
    reading = Choice("", "Gate reading", "none", READINGS, key="gates", look=True, group=PICTURE)

    follows = False
    """Whether the loss in focus goes with T while it is the last; a call says for itself which it is."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.follows = True

    # ---- what follows from the settings ----

    @property
    def linear_readout(self) -> LinearReadout:
        """O_t = W_o S_t + b_2."""
        return LinearReadout(weight=self.readout_weight, bias=self.readout_bias)

    def over_steps(self, numbers: Sequence[float]) -> NDArray[np.float64]:
        """One number for each step, repeated where fewer were given."""
        return np.resize(np.asarray(numbers, float), self.sequence_length)

    @cached
    def trajectory(self) -> Trajectory:
        """The run."""
        return unroll(self.cell, self.over_steps(self.inputs), self.initial_state)

    @cached
    def outputs(self) -> NDArray[np.float64]:
        """O_1 … O_T."""
        made: NDArray[np.float64] = self.readout_weight * self.trajectory.state[1:] + self.readout_bias
        return made

    @cached
    def losses(self) -> NDArray[np.float64]:
        """L_1 … L_T."""
        made: NDArray[np.float64] = 0.5 * (self.outputs - self.over_steps(self.targets)) ** 2
        return made

    @cached
    def table_of_all(self) -> dict[str, Terms]:
        """Every term of the summed loss, (t, k)."""
        return all_terms(self.trajectory, self.linear_readout, self.over_steps(self.targets))

    @cached
    def last_table(self) -> dict[str, Terms]:
        """Every term of the last loss."""
        return self._terms_of(self.sequence_length)

    @property
    def step_table(self) -> dict[str, Terms]:
        """Every term of the loss in focus."""
        return self.last_table if self.t == self.sequence_length else self._terms_of(self.t)

    def _terms_of(self, t: int) -> dict[str, Terms]:
        return step_terms(self.trajectory, self.linear_readout, self.over_steps(self.targets), t)

    @cached
    def shown(self) -> Mapping[str, Terms | StepSums]:
        """The sums that are drawn: of the last loss term by term, or of all losses loss by loss."""
        if self.loss == "last":
            return self.last_table
        return {name: step_sums(terms) for name, terms in self.table_of_all.items()}

    def said(self, name: str) -> Callable[[float], str]:
        """How one gradient and its terms are said."""
        raise NotImplementedError

    @property
    def t(self) -> int:
        """Step of the loss in focus."""
        T = int(self.sequence_length)
        return T if self.loss == "last" else min(int(self.target), T)

    @property
    def k(self) -> int:
        """Source step of the term in focus."""
        return self.t if self.parameter == "readout_weight" else min(int(self.source), self.t)

    @property
    def long_range_weight(self) -> str:
        """The weight in focus; W_x where that is W_o, which has no long-range terms."""
        return "input_weight" if self.parameter == "readout_weight" else str(self.parameter)

    @property
    def term(self) -> tuple[Terms, int]:
        """The terms that the one in focus is among, and its place."""
        terms = self.step_table[self.parameter]
        return terms, int(np.flatnonzero(terms.sources == self.k)[0])

    def read_as_gates(self, reading: str) -> Mapping[str, GateReading]:
        """Every sum with each product over one step or more taken to be 1 or 0."""
        T, of = self.sequence_length, self.last_table if self.loss == "last" else self.table_of_all
        ends = T if self.loss == "last" else np.arange(1, T + 1)[:, None]
        taken: dict[str, Callable[[Terms], Any]] = {
            "nearest": lambda terms: None,
            "open": lambda terms: True,
            "shut": lambda terms: terms.sources == ends,
        }
        return {name: gate_reading(of[name], taken[reading](of[name])) for name in THREE}

    def settle(self, new: dict[str, Any], asked: frozenset[str]) -> dict[str, str]:
        T = new["sequence_length"]
        notes = {}
        limits = {"target": T}
        if self.follows and "target" not in asked and self.target == self.sequence_length:
            new["target"] = T
        new["target"] = min(new["target"], T)
        limits["source"] = T if new["loss"] == "last" else new["target"]
        for name, most in limits.items():
            if name in asked and new[name] > most:
                notes[name] = _("There are {n} to choose from; it was set to the last.", n=steps(most))
            new[name] = min(new[name], most)
        return notes

    # ---- pointing at a term ----

    def focus_at(self, part: Any) -> Mapping[str, Any] | None:
        """What is in focus once a bar of the sums or a part of the net is pointed at."""
        if isinstance(part, str):
            return self._focus_in_net(part)
        kind, _dash, name = str(part.uid or "").partition("-")
        if name not in THREE:
            return None
        if kind != "terms":
            return {"parameter": name}
        step = int(self.shown[name].sources[::-1][part.index])
        return {"parameter": name, ("source" if self.loss == "last" else "target"): step}

    def _focus_in_net(self, name: str) -> Mapping[str, Any] | None:
        """X_k and its edge are terms of W_x, S_{k−1} and its edge to S_k of W_s, what is above S of W_o."""
        start, end = (name.split("-") * 2)[:2]
        row, step = start[0], int(start[1:])
        if row in "OL" or end[0] in "OL" or (row == "S" and step == self.sequence_length):
            at = int(end[1:])
            return {"parameter": "readout_weight"} | ({"target": at} if self.loss == "all" else {})
        parameter, k = ("input_weight", step) if row == "X" else ("recurrent_weight", step + 1)
        t = {"target": max(self.t, k)} if self.loss == "all" else {}
        return {"parameter": parameter, "source": k} | t

    def walk(self, right: int, up: int) -> Mapping[str, Any] | None:
        """Arrow keys: to the next bar on the right, which is an older one, or to the weight before."""
        if up:
            return {"parameter": THREE[(THREE.index(self.parameter) - up) % len(THREE)]}
        name, now, most = (
            ("source", self.k, self.t) if self.loss == "last" else ("target", self.t, self.sequence_length)
        )
        return {name: min(max(now - right, 1), most)}

    # ---- pictures ----

    @diagram("The net unrolled over its steps", height=240, place="main", pointing=POINTING)
    def net(self, style: Style) -> str:
        """States, inputs, outputs and losses; the path of the term in focus."""
        terms, i = self.term
        t, k, name = self.t, self.k, self.parameter
        narrow = style.width < 480
        if narrow or style.presenting:
            style = replace(style, height=150 if narrow else 330)
        immediate = float(terms.immediate[i])
        labels = {
            f"O{t}-L{t}": (
                f"<i>e</i><sub>{t}</sub>",
                float(self.outputs[t - 1] - self.over_steps(self.targets)[t - 1]),
            )
        }
        last = {"readout_weight": f"S{t}-O{t}", "input_weight": f"X{k}-S{k}"}.get(name, f"S{k - 1}-S{k}")
        labels[last] = ("∂<sup>+</sup>", immediate)
        return unrolled_net(
            self.trajectory,
            style,
            outputs=self.outputs.tolist(),
            losses=None if narrow else self.losses.tolist(),
            weights=(self.input_weight, self.readout_weight),
            lit=(name, k),
            target=t,
            labels=labels,
        )

    def curve(self) -> Beside:
        return Beside(name=_("pinned"), values={name: self.shown[name].values for name in THREE}, kind="pin")

    @picture(
        title="The terms, added up",
        heights=(290, 280, 185),
        pointing=POINTING,
        hint="Arrow keys lead from term to term and from weight to weight.",
    )
    def chart(self, style: Style) -> Figure:
        """Every gradient as a staircase of its terms."""
        narrow = style.width < 480 and not style.presenting
        names = [self.parameter] if narrow else list(THREE)
        beside = list(self.pins)
        if self.reading != "none":
            axis = None if self.loss == "last" else -1
            read = {
                name: made.values if axis is None else made.values.sum(axis=axis)
                for name, made in self.read_as_gates(self.reading).items()
            }
            beside.append(Beside(name=_("gate reading"), values=read))
        focus, guess = self.k if self.loss == "last" else self.t, self.prediction_shown
        return gradient_terms(
            {name: self.shown[name] for name in names},
            style,
            lit=(self.parameter, focus),
            loss="∂<i>L</i>" if self.loss == "all" else f"∂<i>L</i><sub>{self.sequence_length}</sub>",
            index="k" if self.loss == "last" else "t",
            beside=beside,
            sums={name: self.said(name)(float(self.shown[name].gradient)) for name in names},
            veil=self.veiled,
            prediction=None if guess is None else ("input_weight", guess),
        )
