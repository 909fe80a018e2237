"""What lessons share that draw their cell at one step."""

from __future__ import annotations

from typing import Any

from gradprod.explorers.controls import PICTURE, BadValue, Whole, show
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.i18n import gettext as _
from gradprod.words import steps


class SteppedExplorer(SequenceExplorer):
    """A lesson with a drawing of its cell at step t, from 1 to T."""

    step = Whole("t", "drawn at step", 10, low=1, high=10_000, slider=False, group=PICTURE)

    def settle(self, new: dict[str, Any], asked: frozenset[str]) -> dict[str, str]:
        notes = super().settle(new, asked)
        T = new["sequence_length"]
        if new["step"] > T:
            if "step" in asked and new["step"] != self.step:
                rest = _(
                    "must be a whole number from 1 to {T}, the length of the run, got {value}",
                    T=show(T),
                    value=show(new["step"]),
                )
                raise BadValue("step", rest)
            new["step"] = T
            notes |= {"step": _("The run has {steps}; the drawing is of the last.", steps=steps(T))}
        return notes
