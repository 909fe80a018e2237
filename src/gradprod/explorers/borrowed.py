"""Cells of other lessons on this lesson's input: each of their presets is a curve that may be added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from gradprod.explorers.controls import LAYERS, PICTURE, SHARED
from gradprod.explorers.lessons import LESSONS
from gradprod.explorers.model import Explorer, Preset
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.words import plain

KINDS = {3: "plain", 5: "gated", 6: "LSTM", 7: "GRU", 8: "vector"}
"""The lessons that lend their cells, and what those are called."""


@dataclass(frozen=True)
class Source:
    """Where a curve is taken from: the lesson, its preset, and what kind of cell that is."""

    lesson: type[Explorer]
    preset: Preset
    kind: str


@cache
def sources() -> dict[str, Source]:
    """Every preset that may be borrowed, by its name in links: ``lstm.open``."""
    found = {}
    for entry in LESSONS:
        if entry.number in KINDS and entry.home:
            lesson, kind = entry.load(), KINDS[entry.number]
            for preset in lesson.presets:
                if "runs" not in preset.settings:  # several networks are no curve
                    found[f"{kind.lower()}.{_slug(preset.label)}"] = Source(lesson, preset, kind)
    return found


def _slug(label: str) -> str:
    text = plain(label.replace("<sup>", "^")).lower().replace("ρ", "rho")
    return re.sub(r"[^a-z0-9.]+", "-", text).strip("-")


def borrowed(name: str, page: SequenceExplorer) -> Any:
    """The lesson that a curve comes from: the preset's cell on the input of `page`.

    What its preset says of length and input, or of what is drawn, is left out.
    """
    source = sources()[name]
    controls = source.lesson.controls()
    elsewhere = {n for n, c in controls.items() if c.group in (SHARED, LAYERS, PICTURE)}
    model: Any = source.lesson()
    model.series, model.file = page.series, page.file
    model.set(**{n: v for n, v in source.preset.settings.items() if n not in elsewhere})
    shared = {n: c for n, c in type(page).controls().items() if c.group == SHARED and n in controls}
    model.set(**{n: getattr(page, n) for n in shared})
    return model


def reduced(model: Explorer) -> str:
    """What a borrowed lesson had to change for so long an input, as “n = 40”; mostly nothing."""
    controls = type(model).controls()
    mine = [controls[n] for n in model.notes if controls[n].group not in (SHARED, LAYERS, PICTURE)]
    return ", ".join(f"{c.symbol} = {c.text(getattr(model, str(c.name)))}" for c in mine)
