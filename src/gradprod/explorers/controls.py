"""The control vocabulary of the lessons: traits that know their bounds, words and place on the page.

A control is declared once, on its explorer; library, slider, number box and link refuse the same values with
the same sentence.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from gradprod.i18n import gettext as _
from gradprod.words import MINUS, THIN, grouped, plain

if TYPE_CHECKING:
    from gradprod.explorers.model import Explorer

CELL, SHARED, LAYERS, PICTURE = "This cell", "Kept in every lesson", "Show", "picture"
"""Places: two groups beside the picture (a lesson may name more), pressed buttons and a row under it."""

_ASCII = str.maketrans({MINUS: "-", "\N{EN DASH}": "-", THIN: "", "\N{NO-BREAK SPACE}": "", " ": ""})


class BadValue(ValueError):
    """A value that a control refuses, told in one sentence.

    Attributes
    ----------
    control : str
        The trait's name.
    rest : str
        The sentence after the name: what it must be, what it was, and the next step.
    """

    def __init__(self, control: str, rest: str) -> None:
        super().__init__(f"{control} {rest}")
        self.control = control
        self.rest = rest


class BadText(BadValue):
    """Text that can't be read as a value of its control."""


def show(value: float) -> str:
    """A control's value for people: up to ten digits, true minus, thin spaces from 10 000 on."""
    text = f"{value:.10g}"
    if "e-" in text:  # 0.000001, as in a number box
        text = f"{value:.16f}".rstrip("0")
    whole = text.lstrip("-")
    if whole.isdigit() and len(whole) > 4:
        text = f"{int(text):,}".replace(",", THIN)
    return text.replace("-", MINUS)


def symbol_html(symbol: str) -> str:
    """``W_s`` as ``<i>W<sub>s</sub></i>``; other signs in it, as in ``|X|``, stay upright."""
    return re.sub(
        r"([A-Za-zφσθ]+′?)(?:_(\{[^}]*\}|\w+))?",
        lambda m: f"<i>{m[1]}{'<sub>' + m[2].strip('{}') + '</sub>' if m[2] else ''}</i>",
        symbol,
    )


class Control(traitlets.TraitType[Any, Any]):
    """One parameter of a lesson: a trait with a symbol, a name, a place and a default.

    Parameters
    ----------
    symbol : str
        Letter in the equations, ``W_s``; also the key in links unless `key` says otherwise.
    label : str
        What it is, in words: ``recurrent weight``.
    default : object
        Value at the start and after a reset.
    group : str
        Place on the page: `CELL`, `SHARED` (kept when the reader moves between lessons), `LAYERS`, `PICTURE`,
        or a heading of the lesson's own.
    live : bool or callable
        Whether it stands in the presenter's view; a callable takes the explorer.
    key : str
        Name in links.
    when : callable, optional
        Takes the explorer, tells whether the control has any effect now; if not, the page hides it.
    look : bool
        Whether it changes only how a result is looked at: presets leave it, and no result is computed anew.
    title : str
        A longer explanation, shown on hover.
    """

    kind: ClassVar[str] = ""
    _order = itertools.count()

    def __init__(
        self,
        symbol: str,
        label: str,
        default: Any,
        *,
        group: str = CELL,
        live: bool | Callable[[Any], bool] = False,
        key: str = "",
        when: Callable[[Any], bool] | None = None,
        look: bool = False,
        title: str = "",
    ) -> None:
        super().__init__(default)
        self.symbol, self.label, self.group, self.live, self.look = symbol, label, group, live, look
        self.key = key or symbol
        self.when, self.title = when, title
        self.order = next(Control._order)

    def set(self, obj: Any, value: Any) -> None:
        """Every assignment goes through the explorer, which checks the settings as a whole."""
        if obj.is_settling:
            super().set(obj, value)
            obj.times_set += 1
        else:
            obj.set(**{str(self.name): value})

    def check(self, value: Any, model: Explorer) -> Any:
        """`value` as this control keeps it; raises `BadValue`."""
        raise NotImplementedError

    def nearest(self, value: Any, present: Any) -> Any:
        """The allowed value that stands for a refused one; the present one where none is nearer."""
        return present

    def parse(self, text: str) -> Any:
        """Value that a link or a text box means; raises `BadValue` where it means none."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        """Text for a link; `parse` reads it back to the same value."""
        return f"{value:.10g}"

    def text(self, value: Any) -> str:
        """Text for the reader, as in a number box."""
        return show(value).replace(THIN, "")

    def spec(self) -> dict[str, Any]:
        """What the page needs to draw the control, in the current language."""
        return {
            "name": self.name,
            "kind": self.kind,
            "symbol": symbol_html(self.symbol) if self.symbol else "",
            "label": _(self.label),
            "spoken": f"{self.symbol} {plain(_(self.label))}".strip(),
            "title": _(self.title) if self.title else "",
            "start": self.send(self.default_value),
        }

    def send(self, value: Any) -> Any:
        """Value as JSON for the page."""
        return value

    def presented(self, model: Any) -> bool:
        """Whether it stands in the presenter's view now."""
        here = self.when is None or self.when(model)
        return here and (self.live(model) if callable(self.live) else self.live)

    def refuse(self, must: str, got: object) -> BadValue:
        """The error for `got`: a text as the reader typed it, anything else as Python writes it."""
        quoted = got if isinstance(got, Shown) else f"“{got}”" if isinstance(got, Typed) else repr(got)
        return BadValue(str(self.name), _("must be {what}, got {value}", what=must, value=quoted))


class Shown(str):
    """A value as people write it, for an error."""

    __slots__ = ()


class Typed(str):
    """Text from a box or a link, quoted in errors as it was typed."""

    __slots__ = ()


class Real(Control):
    """A real number from `low` to `high`: a slider with a number box.

    Parameters
    ----------
    low, high : float
        Bounds, both allowed.
    step : float
        What one press of an arrow key adds.
    ticks : sequence of float
        Values worth naming under the slider.
    log : bool
        Whether the slider's scale is logarithmic.
    slider : bool
        False for a number box alone.
    most : str
        Name of the control whose value the slider goes up to, where that is less than `high`.
    """

    kind = "real"
    whole = False

    def __init__(
        self,
        symbol: str,
        label: str,
        default: float,
        *,
        low: float,
        high: float,
        step: float = 0.05,
        ticks: Sequence[float] = (),
        log: bool = False,
        slider: bool = True,
        most: str = "",
        **place: Any,
    ) -> None:
        super().__init__(symbol, label, default, **place)
        self.low, self.high, self.step, self.log, self.slider = low, high, step, log, slider
        self.most = most
        self.ticks = tuple(ticks) or (low, high)

    @property
    def must(self) -> str:
        """What a value must be, in words."""
        return _("a number from {low} to {high}", low=show(self.low), high=show(self.high))

    def nearest(self, value: Any, present: Any) -> Any:
        return min(max(value, self.low), self.high)

    def check(self, value: Any, model: Explorer) -> float:
        if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
            raise self.refuse(self.must, value)
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self.refuse(self.must, value) from None
        if not self.low <= number <= self.high:
            raise self.refuse(self.must, Shown(show(number)))
        return number

    def parse(self, text: str) -> float:
        typed = Typed(text.strip())
        plain = typed.translate(_ASCII)
        if re.fullmatch(r"[+-]?\d+,\d+", plain):
            point = plain.replace(",", ".")
            raise BadText(
                str(self.name),
                _(
                    "must be written with a decimal point, got “{text}”; write {point}",
                    text=typed,
                    point=point.replace("-", MINUS),
                ),
            )
        if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", plain, re.ASCII):
            raise self.refuse(self.must, typed)
        number = float(plain)
        if not self.low <= number <= self.high:
            raise self.refuse(self.must, typed)
        return number

    def spec(self) -> dict[str, Any]:
        return {
            **super().spec(),
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "log": self.log,
            "whole": self.whole,
            "slider": self.slider,
            "most": self.most,
            "ticks": [[t, grouped(t) if t >= 1000 else show(t)] for t in self.ticks],
        }


class Whole(Real):
    """A whole number from `low` to `high`."""

    whole = True

    def __init__(
        self, symbol: str, label: str, default: int, *, low: int, high: int, step: int = 1, **rest: Any
    ) -> None:
        super().__init__(symbol, label, default, low=low, high=high, step=step, **rest)

    @property
    def must(self) -> str:
        return _("a whole number from {low} to {high}", low=show(self.low), high=show(self.high))

    def check(self, value: Any, model: Explorer) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            raise self.refuse(self.must, value) from None
        if isinstance(value, bool) or not self.low <= number <= self.high:
            raise self.refuse(self.must, value)
        return number

    def parse(self, text: str) -> int:
        number = super().parse(text)
        if number != math.floor(number):
            raise self.refuse(self.must, Typed(text.strip()))
        return int(number)

    def write(self, value: Any) -> str:
        return str(value)


class Length(Whole):
    """The sequence length T, from 1 to 10 000 steps on a logarithmic slider."""

    def __init__(self, default: int = 50, *, low: int = 1, high: int = 10_000, **rest: Any) -> None:
        ticks = tuple(t for t in (1, 10, 100, 1000, 10_000) if low <= t <= high)
        settings: dict[str, Any] = {"group": SHARED, "live": True, "ticks": ticks, "log": True, **rest}
        super().__init__("T", "sequence length", default, low=low, high=high, **settings)


class Choice(Control):
    """One of a few names: a segmented toggle, or a menu where there are more than four.

    Parameters
    ----------
    options : mapping of str to str
        Each value with its label.
    """

    kind = "choice"

    def __init__(
        self,
        symbol: str,
        label: str,
        default: str,
        options: Mapping[str, str],
        *,
        menu: bool = False,
        **place: Any,
    ) -> None:
        super().__init__(symbol, label, default, **place)
        self.options = dict(options)
        self.menu = menu or len(options) > 4

    def check(self, value: Any, model: Explorer) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise self.refuse(_("one of {names}", names=", ".join(self.options)), value)
        return str(value)

    def parse(self, text: str) -> str:
        return self.check(Typed(text.strip()), None)  # type: ignore[arg-type]

    def write(self, value: Any) -> str:
        return str(value)

    def text(self, value: Any) -> str:
        return _(self.options[value])

    def spec(self) -> dict[str, Any]:
        options = [[value, _(label)] for value, label in self.options.items()]
        return {
            **super().spec(),
            "symbol": "",
            "spoken": plain(_(self.label)),
            "options": options,
            "menu": self.menu,
        }


class Switch(Control):
    """On or off: a check box."""

    kind = "switch"

    def check(self, value: Any, model: Explorer) -> bool:
        if not isinstance(value, bool):
            raise self.refuse(_("True or False"), value)
        return value

    def parse(self, text: str) -> bool:
        typed = Typed(text.strip())
        if typed not in ("0", "1"):
            raise self.refuse(_("1 (on) or 0 (off)"), typed)
        return typed == "1"

    def write(self, value: Any) -> str:
        return str(int(value))

    def text(self, value: Any) -> str:
        return _("on") if value else _("off")


class Layer(Switch):
    """Something that the picture may show: a pressed button under it.

    Parameters
    ----------
    room : int
        Pixels that the picture grows by while it is shown.
    """

    kind = "layer"

    def __init__(self, key: str, label: str, default: bool = False, *, room: int = 0, **place: Any) -> None:
        super().__init__("", label, default, **{"group": LAYERS, "key": key, "look": True, **place})
        self.room = room

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), "room": self.room}


class Numbers(Control):
    """Up to `most` numbers, one for each step and repeated where there are more steps: a number box each.

    Parameters
    ----------
    low, high : float
        Bounds of each.
    most : int
        How many there may be.
    over : str
        The control that says how many boxes are shown.
    """

    kind = "several"

    def __init__(
        self,
        symbol: str,
        label: str,
        default: tuple[float, ...],
        *,
        low: float,
        high: float,
        most: int,
        over: str,
        **place: Any,
    ) -> None:
        super().__init__(symbol, label, default, **place)
        self.low, self.high, self.most, self.over = low, high, most, over

    @property
    def must(self) -> str:
        """What a value must be, in words."""
        return _(
            "1 to {most} numbers from {low} to {high}",
            most=self.most,
            low=show(self.low),
            high=show(self.high),
        )

    def check(self, value: Any, model: Explorer) -> tuple[float, ...]:
        try:
            numbers = tuple(float(v) for v in value)
        except (TypeError, ValueError):
            raise self.refuse(self.must, value) from None
        if isinstance(value, str) or not 1 <= len(numbers) <= self.most:
            raise self.refuse(self.must, value)
        for number in numbers:
            if not self.low <= number <= self.high:
                raise self.refuse(self.must, Shown(show(number)))
        return numbers

    def parse(self, text: str) -> tuple[float, ...]:
        """Numbers between semicolons, as boxes send them, or between commas, as in links."""
        parts = text.removesuffix(";").split(";" if ";" in text else ",")
        one = Real(self.symbol, self.label, self.low, low=self.low, high=self.high)
        one.name = self.name
        return self.check([one.parse(part) for part in parts], None)  # type: ignore[arg-type]

    def write(self, value: Any) -> str:
        return ",".join(f"{v:.10g}" for v in value)

    def text(self, value: Any) -> str:
        return ", ".join(show(v) for v in value)

    def send(self, value: Any) -> Any:
        return [show(v) for v in value]

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), "over": self.over}


class Interval(Control):
    """Two numbers, the first below the second: two number boxes.

    Parameters
    ----------
    low, high : float
        Bounds of both.
    words : pair of str
        What stands before each box.
    """

    kind = "interval"

    def __init__(
        self,
        symbol: str,
        label: str,
        default: tuple[float, float],
        *,
        low: float,
        high: float,
        words: tuple[str, str] = ("", "to"),
        **place: Any,
    ) -> None:
        super().__init__(symbol, label, default, **{"group": PICTURE, **place})
        self.low, self.high, self.words = low, high, words

    @property
    def must(self) -> str:
        """What a value must be, in words."""
        return _(
            "two numbers from {low} to {high}, the first below the second",
            low=show(self.low),
            high=show(self.high),
        )

    def check(self, value: Any, model: Explorer) -> tuple[float, float]:
        try:
            first, second = (float(v) for v in value)
        except (TypeError, ValueError):
            raise self.refuse(self.must, value) from None
        if isinstance(value, str) or not self.low <= first < second <= self.high:
            raise self.refuse(self.must, value)
        return first, second

    def parse(self, text: str) -> tuple[float, float]:
        parts = [p.translate(_ASCII).strip() for p in text.split("…" if "…" in text else ",")]
        try:
            first, second = (float(p) for p in parts)
        except ValueError:
            raise self.refuse(self.must, Typed(text.strip())) from None
        if not self.low <= first < second <= self.high:
            raise self.refuse(self.must, Typed(text.strip()))
        return first, second

    def write(self, value: Any) -> str:
        return ",".join(f"{v:.10g}" for v in value)

    def text(self, value: Any) -> str:
        return " … ".join(show(v) for v in value)

    def send(self, value: Any) -> Any:
        return [show(v) for v in value]

    def spec(self) -> dict[str, Any]:
        return {**super().spec(), "words": [_(w) if w else "" for w in self.words]}


# ---- controls that several lessons have ----


def around_zero(symbol: str, label: str, default: float = 0.5, *, reach: int = 4, **place: Any) -> Real:
    """A weight or bias from −`reach` to `reach`."""
    place = {"ticks": (-reach, -reach // 2, 0, reach // 2, reach), **place}
    return Real(symbol, label, default, low=-reach, high=reach, **place)


def recurrent(default: float = 0.9, **place: Any) -> Real:
    """W_s of the plain cell, its ticks where a linear one turns."""
    return Real("W_s", "recurrent weight", default, low=-4, high=4, ticks=(-4, -2, -1, 0, 1, 2, 4), **place)


def phi(default: str = "tanh", label: str = "Activation φ", **place: Any) -> Choice:
    """φ: linear, tanh or σ."""
    names = {"linear": "linear", "tanh": "tanh", "sigmoid": "σ"}
    return Choice("φ", label, default, names, key="phi", **place)


class Picks(Control):
    """Up to `most` of many things, each once: a menu with a button that adds, and a chip for each that is in.

    Parameters
    ----------
    options : mapping of str to (str, str)
        Each value with the group that it stands in and its label there.
    most : int
        How many there may be.
    """

    kind = "picks"

    def __init__(
        self, symbol: str, label: str, options: Mapping[str, tuple[str, str]], *, most: int, **place: Any
    ) -> None:
        super().__init__(symbol, label, (), **{"group": PICTURE, **place})
        self.options, self.most = dict(options), most

    @property
    def must(self) -> str:
        """What a value must be, in words."""
        return _(
            "at most {most} of the menu’s entries, each once, such as {first}",
            most=self.most,
            first=next(iter(self.options)),
        )

    def check(self, value: Any, model: Explorer) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise self.refuse(self.must, value)
        for i, one in enumerate(value):
            if one not in self.options:
                raise self.refuse(self.must, one)
            if one in value[:i]:
                raise self.refuse(self.must, Shown(_("{name} twice", name=one)))
        if len(value) > self.most:
            raise self.refuse(self.must, Shown(str(len(value))))
        return tuple(map(str, value))

    def parse(self, text: str) -> tuple[str, ...]:
        parts = text.strip().split(",") if text.strip() else []
        return self.check([Typed(part) for part in parts], None)  # type: ignore[arg-type]

    def write(self, value: Any) -> str:
        return ",".join(value)

    def text(self, value: Any) -> str:
        return "; ".join(map(self.name_of, value)) or _("none")

    def name_of(self, value: str) -> str:
        """What one of the values is called where its group isn't beside it."""
        group, label = self.options[value]
        return f"{_(group)}, {_(label)}"

    def send(self, value: Any) -> Any:
        return list(value)

    def spec(self) -> dict[str, Any]:
        groups: dict[str, list[list[str]]] = {}
        for value, (group, _label) in self.options.items():
            groups.setdefault(_(group), []).append([value, plain(self.name_of(value))])
        return {**super().spec(), "groups": list(groups.items())}


def sentence_html(error: BadValue, control: Control) -> str:
    """The error's sentence with the control's symbol in place of its Python name, safe to show."""
    name = symbol_html(control.symbol) if control.symbol else escape(_(control.label))
    return f"{name} {escape(error.rest, quote=False)}"
