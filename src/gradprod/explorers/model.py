"""The model of a lesson: what can be set, what follows from it, and the words for both; no widget."""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar, TypeVar, overload
from urllib.parse import parse_qsl, urlencode

import numpy as np
import traitlets

from gradprod.explorers.controls import LAYERS, SHARED, BadValue, Control, sentence_html
from gradprod.i18n import gettext as _
from gradprod.words import grouped, guess_in_words, plain, prediction_sentence

E = TypeVar("E", bound="Explorer")
T = TypeVar("T")
Figure = dict[str, Any]


# ---- what a lesson is made of ----


@dataclass(frozen=True)
class Preset:
    """Settings to start from, by one button; whatever they don't name goes to its default."""

    label: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the picture shows, in a chip and one sentence.

    ``kind`` is ``"vanishes"``, ``"holds"`` or ``"explodes"``, which colour the chip, or ``"claim"``.
    """

    kind: str
    name: str
    sentence: str
    glyph: str = ""
    rule: str = ""


@dataclass(frozen=True)
class Readout:
    """A measured number: its name, its value with unit, and how it was measured."""

    name: str
    value: str
    how: str = ""


@dataclass(frozen=True)
class Table:
    """Numbers for those who read rather than look."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


MARKS = {"true": "✓", "false": "✗", "exact": "=", "partly": "±"}


@dataclass(frozen=True)
class Judgement:
    """Whether a claim holds at some settings, and why, with numbers.

    ``mark`` is ``"true"``, ``"false"``, ``"exact"`` or ``"partly"``.
    """

    mark: str
    why: str

    @property
    def tag(self) -> str:
        """The verdict on the claim in two words."""
        return {
            "true": _("Holds here"),
            "false": _("Fails here"),
            "exact": _("Exact here"),
            "partly": _("True if …"),
        }[self.mark]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A sentence that is often read, and the settings that test it."""

    number: int
    says: str
    articles: str
    test: Mapping[str, Any]
    applies: Callable[[Any], bool]
    judge: Callable[[Any], Judgement]


@dataclass(frozen=True, kw_only=True)
class Pointing:
    """What pointing at a part of a picture or drawing sets.

    Parameters
    ----------
    at : callable
        Takes the explorer and the part (a `gradprod.view.Point`, or the name that a drawing gives its part);
        the settings that follow, or None.
    walk : callable
        Takes the explorer and the arrow key as (right, up), each −1, 0 or 1; the settings that follow.
    """

    at: Callable[[Any, Any], Mapping[str, Any] | None]
    walk: Callable[[Any, int, int], Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure on the page: how it is drawn, where it stands, and how it is clicked."""

    name: str
    draw: Callable[[Any, Any], Figure]
    place: str
    title: str
    hint: str
    heights: tuple[int, int, int]
    moves: Mapping[str, tuple[str, float]]
    when: Callable[[Any], bool] | None
    pointing: Pointing | None = None


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A few lines of HTML beside the picture: bars, a diagram, a text."""

    name: str
    title: str
    body: Callable[[Any], str | None]
    presented: bool


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """A drawing over or under the picture, across its whole width: SVG with live numbers."""

    name: str
    title: str
    body: Callable[[Any, Any], str | None]
    height: int
    place: str = "below"
    pointing: Pointing | None = None


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button that changes settings by a rule: “Fit to the path”."""

    name: str
    label: str
    place: str
    run: Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A question to answer before the picture does.

    Parameters
    ----------
    question : str
        About the settings below, which are not the ones that the page opens on.
    settings : mapping
        The case that the question is about.
    truth : callable
        Takes the explorer at those settings; the number that the slider should have been on.
    low, high, start, step : float
        The slider.
    ends : sequence of (float, str)
        Words under the slider, by position.
    words : callable
        A position in words.
    reveal : callable
        Takes the guess and the truth; the sentence once the reader has committed.
    show : str
        Label of the button that commits.
    """

    question: str
    settings: Mapping[str, Any]
    truth: Callable[[Any], float]
    low: float
    high: float
    start: float
    step: float = 1
    ends: Sequence[tuple[float, str]] = ()
    words: Callable[[float], str] = guess_in_words
    reveal: Callable[[float, float], str] = prediction_sentence
    show: str = "Show the curve"

    @classmethod
    def powers_of_ten(
        cls,
        question: str,
        settings: Mapping[str, Any],
        truth: Callable[[Any], float],
        *,
        reach: int = 30,
        start: int = 0,
    ) -> Prediction:
        """A question about what is left, answered in powers of ten from −`reach` to `reach`."""
        ends = ((-reach, "almost nothing"), (0, "unchanged"), (reach, "enormous"))
        return cls(
            question=question, settings=settings, truth=truth, low=-reach, high=reach, start=start, ends=ends
        )

    @classmethod
    def count(
        cls,
        question: str,
        settings: Mapping[str, Any],
        truth: Callable[[Any], float],
        *,
        of: int,
        start: int = 0,
        reveal: Callable[[float, float], str] | None = None,
        show: str = "Show the curve",
    ) -> Prediction:
        """A question about a number of steps from 0 to `of`."""

        def words(n: float) -> str:
            if n in (0, of):
                return _("all of them") if n else _("none of them")
            return _("{n} of {total} steps", n=grouped(n), total=grouped(of))

        def said(guess: float, truth: float) -> str:
            return _(
                "You said {a}; it is {b} of {total}.", a=grouped(guess), b=grouped(truth), total=grouped(of)
            )

        return cls(
            question=question,
            settings=settings,
            truth=truth,
            low=0,
            high=of,
            start=start,
            ends=((0, "none of them"), (of, "all of them")),
            words=words,
            reveal=reveal or said,
            show=show,
        )


# ---- decorators that a lesson's methods wear ----


def claim(
    number: int,
    says: str,
    *,
    articles: str,
    test: Mapping[str, Any],
    applies: Callable[[Any], bool] = lambda m: True,
) -> Callable[[Callable[[E], Judgement]], Callable[[E], Judgement]]:
    """Make a method the judge of a claim.

    Parameters
    ----------
    number : int
        In the register of claims.
    says : str
        The claim in our words.
    articles : str
        Where it is made.
    test : mapping
        Settings that test it; the rest at their defaults.
    applies : callable
        Whether the claim says anything about an explorer's present settings; its card opens by itself then.
    """

    def mark(judge: Callable[[E], Judgement]) -> Callable[[E], Judgement]:
        judge.made = Claim(  # type: ignore[attr-defined]
            number=number, says=says, articles=articles, test=test, applies=applies, judge=judge
        )
        return judge

    return mark


def picture(
    place: str = "main",
    *,
    title: str = "",
    hint: str = "",
    heights: tuple[int, int, int] = (500, 380, 270),
    moves: Mapping[str, tuple[str, float]] | None = None,
    when: Callable[[Any], bool] | None = None,
    pointing: Pointing | None = None,
) -> Callable[[Callable[[E, Any], Figure]], Callable[[E, Any], Figure]]:
    """Make a method ``(self, style) → figure`` a picture of the page.

    Parameters
    ----------
    place : str
        ``"main"``: under the verdict; ``"side"``: in the side column; ``"below"``: under the picture.
    title, hint : str
        Over and under it.
    heights : three ints
        Pixels on a desk, on a tablet, on a phone.
    moves : mapping
        What a click and the arrow keys set: ``{"x": ("recurrent_weight", 0.1), …}``, each with its step.
    when : callable
        Takes the explorer; whether the picture is there now.
    pointing : Pointing
        What the pointer over it and the arrow keys set, where it isn't what the axes stand for.
    """

    def mark(draw: Callable[[E, Any], Figure]) -> Callable[[E, Any], Figure]:
        draw.made = Picture(  # type: ignore[attr-defined]
            name=draw.__name__,
            draw=draw,
            place=place,
            title=title,
            hint=hint,
            heights=heights,
            moves=moves or {},
            when=when,
            pointing=pointing,
        )
        return draw

    return mark


def panel(
    title: str, *, presented: bool = False
) -> Callable[[Callable[[E], str | None]], Callable[[E], str | None]]:
    """Make a method that returns HTML (or None for nothing) a panel of the side column.

    Parameters
    ----------
    title : str
        Its heading.
    presented : bool
        Whether it stands in the presenter's view, where the picture is square.
    """

    def mark(body: Callable[[E], str | None]) -> Callable[[E], str | None]:
        body.made = Panel(name=body.__name__, title=title, body=body, presented=presented)  # type: ignore[attr-defined]
        return body

    return mark


def diagram(
    title: str, *, height: int = 260, place: str = "below", pointing: Pointing | None = None
) -> Callable[[Callable[[E, Any], str | None]], Callable[[E, Any], str | None]]:
    """Make a method ``(self, style) → SVG`` (or None for nothing) a drawing across the picture's width.

    Parameters
    ----------
    title : str
        Its heading.
    height : int
        In pixels; it is as wide as the picture.
    place : str
        ``"below"`` the picture, or ``"main"``: over it, under the verdict.
    pointing : Pointing
        What pointing at its parts sets: those that carry ``data-node`` or ``data-edge``.
    """

    def mark(body: Callable[[E, Any], str | None]) -> Callable[[E, Any], str | None]:
        body.made = Diagram(  # type: ignore[attr-defined]
            name=body.__name__, title=title, body=body, height=height, place=place, pointing=pointing
        )
        return body

    return mark


def action(label: str, *, place: str = "picture") -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Make a method a button; `place` is a group of controls or ``"picture"`` for the row under it."""

    def mark(run: Callable[[E], None]) -> Callable[[E], None]:
        run.made = Action(name=run.__name__, label=label, place=place, run=run)  # type: ignore[attr-defined]
        return run

    return mark


@overload
def cached(first: Callable[[E], T], /) -> T: ...
@overload
def cached(first: str, /, *names: str) -> Callable[[Callable[[E], T]], T]: ...
def cached(first: Any, /, *names: str) -> Any:
    """Make a method a property, computed once for each setting of these controls (bare: all but layers)."""
    if not callable(first):
        return lambda method: _cached(method, (first, *names))
    return _cached(first, None)


def _cached(method: Callable[[Any], T], names: tuple[str, ...] | None) -> property:
    slot = f"_cached_{method.__name__}"

    @functools.wraps(method)
    def get(self: Explorer) -> T:
        now, kept = (self.data_version, self.times_set), self.__dict__.get(slot)
        if kept is None or kept[0] != now:  # else nothing was set: a shortcut, for many are read many times
            used = type(self).result_controls() if names is None else names
            key = (self.data_version, *(getattr(self, name) for name in used))
            made = method(self) if kept is None or kept[1] != key else kept[2]
            kept = self.__dict__[slot] = (now, key, made)
        result: T = kept[2]
        return result

    return property(get)


# ---- the explorer ----


class Explorer(traitlets.HasTraits):
    """One lesson without its page: controls as traits, results that follow, words for them.

    A subclass declares its controls, `presets` and `prediction`, and writes `verdict`, `readouts`, `columns`
    and the methods that are decorated with `picture`, `claim` and `panel`. In a notebook it shows its page.

    Parameters
    ----------
    **settings
        Controls by name; the rest start at their defaults.

    Raises
    ------
    ValueError
        If a value is not allowed: the control's name, what it must be, what it was.
    TypeError
        If there is no such control.
    """

    number: ClassVar[int] = 0
    title: ClassVar[str] = ""
    lead: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    formula_text: ClassVar[str] = ""
    presets: ClassVar[tuple[Preset, ...]] = ()
    prediction: ClassVar[Prediction | None] = None
    folded: ClassVar[tuple[str, ...]] = ()
    side: ClassVar[tuple[str, ...]] = ("claims", "readouts", "...")
    readouts_title: ClassVar[str] = "Measured"
    square: ClassVar[bool] = False

    is_settling = False
    data_version = 0
    times_set = 0

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.stage = "idle"
        self.guess = self.prediction.start if self.prediction else 0.0
        self.notes: dict[str, str] = {}
        self.elsewhere: dict[str, Any] = {}
        self.pins: list[Any] = []
        self._pinned_at: tuple[Any, ...] = ()
        self.set(**settings)

    # ---- what it is made of ----

    @classmethod
    @functools.cache
    def controls(cls) -> dict[str, Control]:
        """Every control by name, in the order of declaration, shared ones last."""
        found = [t for t in cls.class_traits().values() if isinstance(t, Control)]

        def place(c: Control) -> tuple[bool, int]:
            """A shared control stands where its first declaration put it, in every lesson."""
            first = next(vars(base)[c.name] for base in reversed(cls.__mro__) if c.name in vars(base))
            return c.group == SHARED, (first if c.group == SHARED else c).order

        return {str(c.name): c for c in sorted(found, key=place)}

    @classmethod
    @functools.cache
    def result_controls(cls) -> tuple[str, ...]:
        """Names of the controls that results depend on: all but the layers."""
        return tuple(name for name, c in cls.controls().items() if not c.look)

    @classmethod
    @functools.cache
    def parts(cls, kind: type[T]) -> tuple[T, ...]:
        """What decorated methods made: all of one kind, in order of declaration."""
        names = dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base))
        made = (
            getattr(getattr(cls, name, None), "made", None) for name in names if not name.startswith("__")
        )
        return tuple(m for m in made if isinstance(m, kind))

    # ---- settings ----

    def settings(self) -> dict[str, Any]:
        """Every control's value by name."""
        return {name: getattr(self, name) for name in type(self).controls()}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Every control's default by name."""
        return {name: c.default_value for name, c in cls.controls().items()}

    def set(self, **values: Any) -> None:
        """Set controls, all of them or, where one is refused, none.

        Raises
        ------
        ValueError
            With one sentence, for the first value that is refused.
        """
        controls = type(self).controls()
        for name in values:
            if name not in controls:
                raise TypeError(
                    f"{type(self).__name__} has no control {name!r}; it has {', '.join(controls)}"
                )
        new = self.settings() | {name: controls[name].check(v, self) for name, v in values.items()}
        notes = self.settle(new, frozenset(values))
        changed = {name: v for name, v in new.items() if v != getattr(self, name)}
        self.is_settling = True
        try:
            with self.hold_trait_notifications():
                for name, v in changed.items():
                    setattr(self, name, v)
        finally:
            self.is_settling = False
        self.notes = notes
        self.elsewhere = {name: v for name, v in self.elsewhere.items() if name not in values}
        if any(not controls[name].look for name in changed):
            self.skip()

    def settle(self, new: dict[str, Any], asked: frozenset[str]) -> dict[str, str]:
        """Check settings against one another before they are taken.

        Parameters
        ----------
        new : dict
            All settings as they would be. May be changed where the reader didn't ask for that value.
        asked : frozenset of str
            The controls that were set.

        Returns
        -------
        dict of str to str
            What was changed unasked, said in a sentence for each control.

        Raises
        ------
        BadValue
            If the settings don't go together.
        """
        return {}

    def start_from(self, settings: Mapping[str, Any]) -> None:
        """Take settings over the defaults; layers stay as they are."""
        kept = {name for name, c in type(self).controls().items() if c.look}
        base = {name: v for name, v in self.defaults().items() if name not in kept}
        self.set(**(base | dict(settings)))

    def start_over(self) -> None:
        """Every control at its default, layers and shared ones too."""
        self.set(**self.defaults())

    def is_at(self, settings: Mapping[str, Any]) -> bool:
        """Whether the present settings are these over the defaults, whatever the layers."""
        want = self.defaults() | dict(settings)
        return all(getattr(self, name) == want[name] for name in type(self).result_controls())

    @property
    def pressed(self) -> int | None:
        """Which preset the present settings are."""
        return next((i for i, p in enumerate(self.presets) if self.is_at(p.settings)), None)

    @property
    def shared(self) -> dict[str, Any]:
        """The shared settings as the reader made them, also those that this lesson can't take."""
        mine = type(self).controls().items()
        return {name: getattr(self, name) for name, c in mine if c.group == SHARED} | self.elsewhere

    def carry(self, other: Explorer) -> None:
        """Take over another lesson's shared settings.

        What isn't allowed here comes as near as it can, with a note, and is kept for the lessons after this
        one; while a question is open nothing is taken, and all is kept.
        """
        controls = type(self).controls()
        fitting: dict[str, Any] = {}
        notes: dict[str, str] = {}
        kept: dict[str, Any] = {}
        for name, v in other.shared.items():
            c = controls.get(name)
            if c is None or c.group != SHARED or self.veiled:
                kept[name] = v
                continue
            try:
                fitting[name] = c.check(v, self)
            except BadValue:
                kept[name] = v
                here = fitting[name] = c.nearest(v, getattr(self, name))
                notes[name] = _(
                    "{there} in the lessons that allow it, {here} here.", there=c.text(v), here=c.text(here)
                )
        while fitting:
            try:
                self.set(**fitting)
                break
            except BadValue as error:  # they don't go together here
                if error.control not in fitting:
                    raise
                kept[error.control] = fitting.pop(error.control)
                notes[error.control] = f"{error.rest[0].upper()}{error.rest[1:]}."
        self.notes |= notes
        self.elsewhere = kept

    # ---- links ----

    def query(self) -> str:
        """The settings as a link carries them; layers and what has no effect only where changed."""
        pairs: list[tuple[str, str]] = [("lesson", str(self.number))]
        for name, control in type(self).controls().items():
            v = getattr(self, name)
            idle = control.look or (control.when is not None and not control.when(self)) or v == ()
            if not idle or v != control.default_value:
                pairs.append((control.key, control.write(v)))
        return urlencode(pairs, safe=",")

    def apply_query(self, query: str) -> list[str]:
        """Set the controls as a link says, over the defaults, and tell what was wrong with it.

        Parameters
        ----------
        query : str
            ``W_s=1.5&T=50``; keys of the page itself (``lesson``, ``lang``) and of a server (``token``,
            ``voila-…``) are passed over.

        Returns
        -------
        list of str
            One sentence (HTML) for each value that couldn't be taken and for names that aren't known; the
            rest is set.
        """
        by_key = {c.key: (name, c) for name, c in type(self).controls().items()}
        good: dict[str, Any] = {}
        wrong: list[tuple[Control, BadValue]] = []
        unknown: list[str] = []
        for key, text in parse_qsl(query.lstrip("?"), keep_blank_values=True):
            name, control = by_key.get(key, ("", None))
            if control is None:
                if not re.fullmatch(r"lesson|lang|token|voila-.*", key):
                    unknown.append(f"“{escape(key[:40])}”")
                continue
            try:
                good[name] = control.check(control.parse(text), self)
            except BadValue as error:
                wrong.append((control, error))
        controls = type(self).controls()
        while True:
            try:
                self.set(**(self.defaults() | good))
                break
            except BadValue as error:
                if good.pop(error.control, None) is None:
                    raise
                wrong.append((controls[error.control], error))
        told = [
            _(
                "The link is wrong: {sentence}. Opened with {value}.",
                sentence=sentence_html(error, c),
                value=c.text(getattr(self, str(c.name))),
            )
            for c, error in wrong
        ]
        if unknown:
            names = ", ".join(unknown[:5])
            told.append(_("The link is wrong: this lesson has no {names}. Opened without.", names=names))
        return told

    # ---- prediction ----

    @property
    def veiled(self) -> bool:
        """Whether a question is open, so that nothing may give the answer away."""
        return self.stage == "open"

    @property
    def prediction_shown(self) -> float | None:
        """The guess, where it belongs into the picture."""
        if self.prediction is None or self.stage == "idle" or not self.is_at(self.prediction.settings):
            return None
        return self.guess

    def ask(self) -> None:
        """Open the question: its settings are taken, its answer is hidden."""
        if self.prediction is not None:
            self.start_from(self.prediction.settings)
            self.stage = "open"

    def predict(self, guess: float) -> None:
        """Move the prediction's slider."""
        p = self.prediction
        if p is not None and p.low <= guess <= p.high:
            self.guess = guess

    def commit(self) -> None:
        """Show the answer beside the guess."""
        if self.veiled:
            self.stage = "done"

    def skip(self) -> None:
        """Close the question."""
        if self.stage != "done":
            self.stage = "idle"

    # ---- what a lesson says; each may be overridden ----

    def verdict(self) -> Verdict:
        """What the picture shows."""
        raise NotImplementedError

    def readouts(self) -> Sequence[Readout]:
        """The measured numbers."""
        return ()

    def table(self) -> Table | None:
        """Numbers as a table."""
        return None

    def columns(self) -> Mapping[str, Any]:
        """What the downloaded data hold: arrays of one length by name."""
        return {}

    def curve(self) -> Any:
        """What is kept of the present curve when the reader pins it; None where nothing can be pinned."""
        return None

    def describe(self, name: str) -> str:
        """A picture in one sentence, for those who don't see it."""
        made = next(p for p in self.parts(Picture) if p.name == name)
        title = plain(_(made.title) if made.title else _(self.title))
        if self.veiled:
            return f"{title}. {_('Drawn once you have committed.')}"
        if made.place == "side":
            return title
        verdict = self.verdict()
        return f"{title}. {plain(verdict.name)}. {plain(verdict.sentence)}"

    def draw(self, name: str, style: Any) -> Figure:
        """One picture as a plotly figure."""
        figure: Figure = next(p for p in self.parts(Picture) if p.name == name).draw(self, style)
        return figure

    def pictures(self, style: Any) -> dict[str, Figure]:
        """Every picture that is there now, in one style."""
        return {p.name: p.draw(self, style) for p in self.parts(Picture) if p.when is None or p.when(self)}

    def csv(self) -> str:
        """The data as CSV, every setting in its head."""
        out = io.StringIO()
        out.write(f"# gradprod, lesson {self.number}: {self.title}\n")
        for name, control in type(self).controls().items():
            if control.group != LAYERS and (control.when is None or control.when(self)):
                said = f" ({plain(control.label)})" if control.label else ""
                out.write(f"# {control.key}{said} = {control.write(getattr(self, name))}\n")
        columns = self.columns()
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(columns)
        for row in zip(*(np.asarray(c).tolist() for c in columns.values()), strict=True):
            rows.writerow("" if v != v else v for v in row)
        return out.getvalue()

    def code(self) -> str:
        """The Python expression that opens this picture, and the library's own."""
        call = f"from gradprod.explorers import {type(self).__name__}\n\n{self!r}"
        alone = self.library_code()
        return f"{call}\n\n# or by the library alone\n{alone}" if alone else call

    def library_code(self) -> str:
        """The library call that computes what the picture shows, without an explorer."""
        return ""

    def pin(self) -> None:
        """Keep the present curve beside those to come, once; the oldest of three gives way."""
        here = (self.data_version, *(getattr(self, name) for name in type(self).result_controls()))
        if (kept := self.curve()) is not None and not (self.pins and self._pinned_at == here):
            self.pins, self._pinned_at = [*self.pins[-2:], kept], here

    def unpin(self) -> None:
        """Let go of all pinned curves."""
        self.pins = []

    # ---- display ----

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        from gradprod.explorers.page import Page

        if "_page" not in self.__dict__:
            self._page = Page(self)
        return self._page._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        changed = ", ".join(
            f"{name}={v!r}" for name, v in self.settings().items() if v != self.defaults()[name]
        )
        return f"{type(self).__name__}({changed})"


LAGS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def table_lags(length: int) -> list[int]:
    """Lags worth a row in a table of a run of `length` steps."""
    return sorted({lag for lag in LAGS if lag < length} | {length})
