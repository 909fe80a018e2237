"""The lessons, one file each.

A lesson is a subclass of `Explorer`, or of `SequenceExplorer` if it runs on an input; its line in `LESSONS` puts it
into the app's strip and into ``gradprod.explorers``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gradprod.explorers.model import Explorer


class Entry(NamedTuple):
    """A place in the strip: the lesson's number, its name there, and where its class is (empty: not built yet)."""

    number: int
    name: str
    home: str = ""

    @property
    def class_name(self) -> str:
        """Name of the explorer's class."""
        return self.home.partition(":")[2]

    def load(self) -> type[Explorer]:
        """The explorer's class, imported now."""
        module, _, name = self.home.partition(":")
        found: type[Explorer] = getattr(import_module(f"{__name__}.{module}"), name)
        return found


LESSONS: tuple[Entry, ...] = (
    Entry(1, "Three steps"),
    Entry(2, "Slopes"),
    Entry(3, "Vanish or explode", "vanish_or_explode:VanishOrExplode"),
    Entry(4, "Gate surface"),
    Entry(5, "Gated cell"),
    Entry(6, "LSTM"),
    Entry(7, "GRU"),
    Entry(8, "Vector cells"),
    Entry(9, "Both directions"),
    Entry(10, "Remedies"),
    Entry(11, "Compare"),
    Entry(12, "Memory"),
)
