"""The lessons, one file each; here is how to write one.

A lesson is a subclass of `SequenceExplorer` if it runs on an input X_1 … X_T (it then has T, the input, the
reader's CSV file, and ``self.inputs``), else of `Explorer`. One about the product of one cell is a
`gradprod.explorers.products.CellExplorer`: run, product, readouts, verdict and band over seeds come with it.
A lesson holds no widget and imports none; page, app, links, downloads and keyboard come with it.
``vanish_or_explode.py`` is the one to read beside this list. A long one is a package: what can be set and
what follows from it, apart from what is said of it.

1.  Class attributes: ``number``, ``title``, ``lead``, ``formula`` (TeX), ``formula_text`` (the same as
    text), ``presets``, ``prediction``. English is the key of every translation: texts stand there plain,
    the page translates them. In words made while it runs, ``_("after {steps} {left}", steps=…)`` from
    `gradprod.i18n`, numbers through `gradprod.words`. Text is HTML with <i>, <sub>, <sup>, <b>; a name of
    the reader's own must be escaped.
2.  Controls, in their order on the page, from `gradprod.explorers.controls`: ``Real("W_s", "recurrent
    weight", 0.9, low=-4, high=4, ticks=(…), step=0.05, live=True)`` slider and box (``slider=False``: box
    alone; ``log=True``); ``Whole`` the same for whole numbers; ``Length`` T; ``Choice("φ", "Activation φ",
    "tanh", {value: label})`` toggle, or menu from five on; ``Switch`` check box; ``Layer("bound", "Bound",
    True, room=0)`` pressed button under the picture, which grows by ``room`` pixels; ``Interval`` two
    boxes; ``Numbers`` a box for each step; ``Picks`` a menu that adds, and chips that take out. All take
    ``group`` (`CELL`, `SHARED`, `PICTURE` = the row under the picture, or a heading of one's own; name it
    in ``folded`` to have it closed), ``key`` (name in links, where the symbol won't do), ``live`` (in the
    presenter's view: three at most), ``when`` (shown only while it has an effect). The trait's name is the
    parameter's name in the library. `around_zero`, `recurrent` and `phi` make those that many lessons have.
3.  Results: ``@cached`` methods, read as attributes, computed once for each setting of all controls but the
    layers; ``@cached("activation", "bias")`` for those that depend on a few. A ValueError raised there
    stands on the page, and the last good settings come back.
4.  Words: ``verdict()`` → `Verdict`; ``readouts()`` → list of `Readout`; ``table()`` → `Table` or None;
    ``columns()`` → arrays of one length by name, for the CSV file; ``library_code()`` → the library call
    that computes what is drawn; what ``self.inputs_code()`` needs is imported by itself. ``settle()``
    where settings must go together. ``self.of_seeds(numbers, say)`` → median and range over seeds.
    What lessons say alike, and their tables, is in `gradprod.explorers.reading`.
5.  Pictures: methods ``(self, style) → figure`` decorated with ``@picture()`` (under the verdict),
    ``@picture("side", title=…, hint=…, moves={"x": (control, step), …})`` or ``@picture("below")``;
    ``heights`` for desk, tablet, phone; ``when`` for one that is there at times. They only call
    `gradprod.figures`. ``self.veiled`` hides what would answer an open question, ``self.prediction_shown``
    is the guess. ``curve()`` returns what a pin keeps, ``self.pins`` holds the pinned ones. ``square =
    True`` if the picture stands beside its sentence for the presenter.
    ``@diagram("…")`` is a drawing (SVG or HTML) under it, with ``place="main"`` over it.
    ``pointing=Pointing(at, walk)`` on either says what the pointer over a part and the arrow keys put into
    focus: controls with ``look=True``, which presets leave and no result depends on.
6.  Claims: methods ``(self) → Judgement("true" | "false" | "exact" | "partly", why)`` decorated with
    ``@claim(number, says, articles=…, test={settings}, applies=lambda m: …)``. They judge the present
    settings, by number; the card that applies opens by itself, “Test it” sets ``test``.
7.  Panels: methods that return HTML (SVG as well) decorated with ``@panel("Shares, measured")``; buttons:
    ``@action("Fit to the path")`` on a method that sets controls. ``side`` gives the order in the side
    column, by default claims, readouts, then panels and side pictures as declared.
8.  A line in `LESSONS` below, and a test: every preset and claim by number
    (``tests/unit/test_explorer_lessons.py`` runs the rest over all lessons).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gradprod.explorers.model import Explorer


class Entry(NamedTuple):
    """A place in the strip: the lesson's number, its name there, and its class (empty: not built yet)."""

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
    Entry(1, "Three steps", "three_steps:ThreeSteps"),
    Entry(2, "Slopes", "slopes:Slopes"),
    Entry(3, "Vanish or explode", "vanish_or_explode:VanishOrExplode"),
    Entry(4, "Gate surface", "gate_surface:GateSurface"),
    Entry(5, "Gated cell", "gated_cell:GatedAgainstPlain"),
    Entry(6, "LSTM", "lstm:LSTM"),
    Entry(7, "GRU", "gru:GRU"),
    Entry(8, "Vector cells", "vector_cells:VectorCells"),
    Entry(9, "Both directions", "both_directions:BothDirections"),
    Entry(10, "Remedies", "remedies:Remedies"),
    Entry(11, "Compare", "compare:Compare"),
    Entry(12, "Memory"),
)
