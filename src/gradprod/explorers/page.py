"""The page of a lesson: one widget that draws what an explorer declares, and sets what the reader moves."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

import anywidget
import traitlets

from gradprod.explorers.controls import LAYERS, PICTURE, BadValue, sentence_html
from gradprod.explorers.model import MARKS, Action, Claim, Diagram, Explorer, Judgement, Panel, Picture
from gradprod.explorers.script import module, packed
from gradprod.explorers.sequence import SequenceExplorer
from gradprod.figures.theme import Style
from gradprod.i18n import gettext as _
from gradprod.i18n import language, languages, ngettext
from gradprod.view import Pacer, PlotView
from gradprod.view.scripts import plot_script
from gradprod.words import plain

LANGUAGE_NAMES = {"en": "English", "zh": "中文"}

LABELS = {
    "add": "Add",
    "again": "Predict again",
    "ask": "Predict first",
    "computing": "computing …",
    "controls": "Controls",
    "copied": "Copied",
    "copy_call": "Python call",
    "copy_formula": "LaTeX",
    "copy_link": "Copy link",
    "copy": "Copy",
    "csv": "Data (CSV)",
    "dark": "Dark",
    "download": "Download",
    "empty": "The picture appears here.",
    "gone": "Not connected to the computation. The picture stays as it was; the controls wait.",
    "guess": "Your prediction",
    "held": "The controls wait: the question is about the case they are at. To move them, show the answer or "
    "skip it.",
    "language": "Language",
    "leave": "press Esc to leave",
    "lessons": "Lessons",
    "link": "Link to this picture",
    "next": "Next",
    "numbers": "Numbers as a table",
    "often": "Often said",
    "of": "{i} of {n}",
    "pin": "Pin",
    "png": "Picture (PNG)",
    "present": "Present",
    "presets": "Start from",
    "previous": "Previous",
    "remove": "Take out {name}",
    "reopen": "Reopen in this state",
    "reset": "Back to {value}",
    "reset_all": "Reset everything",
    "reset_name": "Reset {name}",
    "restart": "The computation has ended. Run the cell again to go on.",
    "show": "Show",
    "skip": "Skip",
    "skip_link": "Skip to the picture",
    "stop": "Stop",
    "svg": "Picture (SVG)",
    "test": "Test it",
    "try": "Try now",
    "trying": "Trying again in {n} s",
    "unpin": "Unpin",
}

MOVES = ("set", "preset", "reset", "run", "upload", "pin")
"""Messages that would change what an open question is about, or give its answer away."""

CALM = 0.1
"""Seconds without a picture after which the next one is a step by itself, not part of a drag."""

HEAD_START = 0.01
"""Seconds that the page has for the main picture of such a step before the others ask for a processor too."""

SHOWN = ("frame", "values", "words", "cards", "numbers", "table", "notes", "address", "done")
"""Traits that the page shows."""


class SlotView(PlotView):
    """A plot on a page, which has brought the script along: a page may have many plots."""

    _esm = f"""export default async () => {{
const scripts = (globalThis[Symbol.for("gradprod")] ??= {{}}).scripts ??= {{}};
while (!scripts["{plot_script()[1]}"]) await new Promise(done => setTimeout(done, 5));
return (await scripts["{plot_script()[1]}"]).default();
}};"""


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Let an interrupt raise KeyboardInterrupt inside; outside of its messages a kernel ignores it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Page(anywidget.AnyWidget):
    """The page of one explorer.

    Parameters
    ----------
    explorer : Explorer
        What to show. Setting its traits from Python moves the page too.
    """

    _esm = module()
    script = traitlets.Bytes(packed()).tag(sync=True)

    # All of these go from here to the browser; it answers with messages alone, so that nothing is echoed.
    frame = traitlets.Dict().tag(sync=True)
    values = traitlets.Dict().tag(sync=True)
    words = traitlets.Dict().tag(sync=True)
    cards = traitlets.Dict().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)
    table = traitlets.Dict().tag(sync=True)
    notes = traitlets.Dict().tag(sync=True)
    address = traitlets.Unicode().tag(sync=True)
    done = traitlets.Int().tag(sync=True)

    in_app = False

    def __init__(self, explorer: Explorer) -> None:
        super().__init__()
        self.language = "en"
        self.look: dict[str, Any] = {"theme": "light", "presenting": False, "touch": False}
        self.sizes: dict[str, tuple[int, int]] = {}
        self.errors: dict[str, str] = {}
        self.link_notes: list[str] = []
        self.table_open = False
        self.newest = 0
        self._views: dict[tuple[int, str], PlotView] = {}
        self._chosen_claim: int | None = None
        self._measured: dict[tuple[int, int, str], Judgement] = {}
        self._busy = self._greeted = False
        self._drawn = 0.0
        self._watched: Explorer | None = None
        self._pacer = Pacer(self._compute)
        self.on_msg(self._receive)
        self._show(explorer)

    # ---- which lesson ----

    def _show(self, explorer: Explorer) -> None:
        """Put an explorer on the page, its frame first."""
        if self._watched is not None:
            self._watched.unobserve(self._moved, list(type(self._watched).controls()))
            if explorer.number != self._watched.number:  # the page tells the sizes of its new pictures first
                self._greeted, self.sizes = False, {}
        self.explorer = self._watched = explorer
        self.good = explorer.settings()
        self.errors, self._chosen_claim = {}, None
        explorer.observe(self._moved, list(type(explorer).controls()))
        with self.hold_sync():
            self.frame, self.values = self._frame(), self._values()
            self.words = self.cards = self.numbers = self.table = self.notes = {}
        self._pacer.request()

    def _moved(self, change: Any) -> None:
        """Somebody set a trait from Python."""
        if not self._busy:
            self._pacer.request()

    def view(self, name: str) -> PlotView:
        """The plot that shows one picture of the present lesson; made when first asked for."""
        key = (self.explorer.number, name)
        if key not in self._views:
            view = self._views[key] = SlotView()
            made = next(p for p in self.explorer.parts(Picture) if p.name == name)
            if made.moves:
                view.on_click(lambda point, made=made: self._click(made, point))
            if made.pointing:
                for listen in (view.on_click, view.on_hover):
                    listen(lambda point, made=made: self._point(made, point))
            view.observe(lambda change: self._pacer.request(), "size")
        return self._views[key]

    # ---- messages from the browser ----

    def _receive(self, widget: Any, message: Any, buffers: list[Any]) -> None:
        if not isinstance(message, dict) or "do" not in message:
            return
        handler: Callable[..., None] | None = getattr(self, f"_do_{message['do']}", None)
        if handler is None:
            return
        self.newest = int(message.get("seq", self.newest))
        if self.explorer.veiled and message["do"] in MOVES:
            handler = self._do_nothing
        with self._telling():
            handler(**message.get("with", {}), **({"data": bytes(buffers[0])} if buffers else {}))
        self._pacer.request(last=True)

    @contextlib.contextmanager
    def _telling(self, control: str = "") -> Iterator[None]:
        """Turn what goes wrong into a sentence on the page; the last good settings come back."""
        self._busy = True
        try:
            with language(self.language):
                try:
                    yield
                except BadValue as error:
                    self._refused(error)
                except ValueError as error:
                    self._restore(control, f"✗ {error}")
                except KeyboardInterrupt:
                    self._restore(control, _("✗ Stopped."))
                except MemoryError:
                    self._restore(control, _("✗ That needs more memory than there is."))
                except Exception as error:
                    self.log.exception("The page of %s failed", type(self.explorer).__name__)
                    self._restore(control, _("✗ That failed ({error}).", error=repr(error)))
        finally:
            self._busy = False

    def _refused(self, error: BadValue) -> None:
        control = type(self.explorer).controls()[error.control]
        kept = control.text(getattr(self.explorer, error.control))
        self.errors[error.control] = (
            f"✗ {sentence_html(error, control)}. {_('The picture still shows {value}.', value=kept)}"
        )

    def _restore(self, control: str, sentence: str) -> None:
        self.errors[control] = f"{escape(sentence, quote=False)} {_('The picture is the last good one.')}"
        if self.good != self.explorer.settings():
            with contextlib.suppress(ValueError):
                self.explorer.set(**self.good)

    def _do_hello(self, query: str = "", **look: Any) -> None:
        """A view was opened: what it looks like, and the link that it was opened by."""
        self._do_look(**look)

    def _do_again(self) -> None:
        """The page was cut off for a while, and may have missed anything."""
        self.send_state(SHOWN)
        for view in self._views.values():
            view.again()

    def _do_look(
        self, sizes: dict[str, list[int]] | None = None, lesson: int = 0, lang: str = "", **look: Any
    ) -> None:
        """What the page looks like; `sizes` are those of the pictures of one lesson."""
        if lesson in (0, self.explorer.number):
            self._greeted = True
        else:
            sizes = None
        self.look = {**self.look, **{k: v for k, v in look.items() if k in self.look}}
        self.sizes.update({name: (int(w), int(h)) for name, (w, h) in (sizes or {}).items()})
        if lang in languages() and lang != self.language:
            self.language = lang
            with language(lang):
                self.frame = self._frame()

    def _do_set(self, values: dict[str, Any] | None = None, texts: dict[str, str] | None = None) -> None:
        controls = type(self.explorer).controls()
        for name, v in {**(values or {}), **(texts or {})}.items():
            if (control := controls.get(name)) is None:
                continue
            self.errors.pop(name, None)
            self.errors.pop("", None)
            try:
                self.explorer.set(**{name: control.parse(v) if isinstance(v, str) else v})
            except BadValue as error:
                self._refused(error)

    def _do_nothing(self, **data: Any) -> None:
        """What would move the case of an open question waits until that is answered or skipped."""

    def _do_preset(self, index: int) -> None:
        self.errors = {}
        self.explorer.start_from(self.explorer.presets[index].settings)

    def _do_reset(self) -> None:
        self.errors = {}
        self.explorer.skip()
        self.explorer.start_over()

    def _do_claim(self, step: int = 0, test: bool = False) -> None:
        claims = self.explorer.parts(Claim)
        self._chosen_claim = (self._claim_index() + step) % len(claims)
        if test and not self.explorer.veiled:
            self.errors = {}
            self.explorer.start_from(claims[self._chosen_claim].test)

    def _do_run(self, action: str) -> None:
        made = next(a for a in self.explorer.parts(Action) if a.name == action)
        made.run(self.explorer)

    def _do_ask(self) -> None:
        self.errors = {}
        self.explorer.ask()

    def _do_guess(self, guess: float) -> None:
        self.explorer.predict(guess)

    def _do_commit(self) -> None:
        self.explorer.commit()

    def _do_skip(self) -> None:
        self.explorer.skip()

    def _do_table(self, open: bool) -> None:
        self.table_open = open

    def _do_pin(self, on: bool) -> None:
        self.explorer.pin() if on else self.explorer.unpin()

    def _do_upload(self, name: str, data: bytes = b"", column: str | None = None) -> None:
        explorer = self.explorer
        if not isinstance(explorer, SequenceExplorer):
            return
        self.errors.pop("input", None)
        try:
            if column is None:
                explorer.upload(data, name)
            else:
                explorer.use_column(column)
        except BadValue:
            raise
        except ValueError as error:
            kept = type(explorer).controls()["input"].text(explorer.input)
            if explorer.input == "csv" and explorer.file:
                kept = escape(explorer.file[0], quote=False)
            sentence = escape(f"{name}: {error}." if column is None else f"{error}.", quote=False)
            self.errors["input"] = f"✗ {sentence} {_('The picture still shows {value}.', value=kept)}"

    def _do_code(self) -> None:
        self.send({"code": self.explorer.code()})

    def _do_csv(self) -> None:
        text = self.explorer.csv().encode()
        self.send({"file": f"gradprod-{self.explorer.number}.csv"}, buffers=[text])

    def _click(self, made: Picture, point: Any) -> None:
        """A click in a picture sets what its axes stand for."""
        if self.explorer.veiled:
            return
        controls = type(self.explorer).controls()
        with self._telling():
            wanted = {}
            for axis, (name, step) in made.moves.items():
                v = round(round(float(getattr(point, axis)) / step) * step, 10)
                wanted[name] = int(v) if getattr(controls[name], "whole", False) else v
            self.errors = {k: v for k, v in self.errors.items() if k not in wanted}
            self.explorer.set(**wanted)
        self._pacer.request()

    def _point(self, made: Picture | Diagram, part: Any) -> None:
        """Pointing at a part of a picture puts it into focus."""
        if made.pointing and part is not None and not self.explorer.veiled:
            self._follow(made.pointing.at(self.explorer, part))

    def _follow(self, wanted: Mapping[str, Any] | None) -> None:
        if wanted:
            with self._telling():
                self.explorer.set(**wanted)
            self._pacer.request()

    def _pointed(self, name: str) -> Picture | Diagram:
        made: tuple[Picture | Diagram, ...] = (
            *self.explorer.parts(Picture),
            *self.explorer.parts(Diagram),
        )
        return next(p for p in made if p.name == name)

    def _do_point(self, name: str, at: str) -> None:
        self._point(self._pointed(name), at)

    def _do_walk(self, name: str, right: int, up: int) -> None:
        made = self._pointed(name)
        if made.pointing and not self.explorer.veiled:
            self._follow(made.pointing.walk(self.explorer, right, up))

    # ---- what the browser shows ----

    def _compute(self) -> None:
        """Say and draw the newest settings; where that fails, tell why and stay at the last good ones."""
        tried = self.explorer.settings()
        changed = [name for name, v in tried.items() if self.good.get(name) != v]
        said: dict[str, Any] = {}
        with self._telling(changed[0] if changed else ""), stoppable():
            self._draw()
            said = self._content()
            self.good = tried
        if not said:  # it failed, and the last good settings are back
            with self._telling():
                self._draw()
                said = self._content()
        with self.hold_sync():
            for trait, value in said.items():
                self.set_trait(trait, value)
            self.notes = {
                **{name: {"text": s, "error": False} for name, s in self.explorer.notes.items()},
                **{name: {"text": s, "error": True} for name, s in self.errors.items()},
            }
            self.done = self.newest

    def _draw(self) -> None:
        """The pictures, none before a page has told its size and its link.

        Each leaves at once, the main one first. Only that one is waited for; with the others a page that is
        slow skips what it has no time for. Kernel, server and browser may share two processors: after a
        single step the page draws the main one undisturbed, in a drag there is no time to lose.
        """
        if not self._greeted:
            return
        made = [p for p in self.explorer.parts(Picture) if p.when is None or p.when(self.explorer)]
        calm = time.monotonic() - self._drawn > CALM
        for picture in sorted(made, key=lambda p: p.place != "main"):
            if calm and picture.place != "main":
                time.sleep(HEAD_START)
                calm = False
            view = self.view(picture.name)
            width, height = view.size
            if not width:
                width, height = self.sizes.get(picture.name, (0, 0))
            style = Style(width=width or 700, height=height or picture.heights[0], **self.look)
            drawn, said = self.explorer.draw(picture.name, style), self.explorer.describe(picture.name)
            view.show(drawn, said, awaited=picture.place == "main")
        self._drawn = time.monotonic()

    def _content(self) -> dict[str, Any]:
        """Everything that the page says, by trait."""
        return {
            "values": self._values(),
            "words": self._words(),
            "cards": {"claim": self._claim(), "predict": self._predict()},
            "numbers": self._numbers(),
            "table": self._table(),
            "address": self._address(),
        }

    def _address(self) -> str:
        lang = f"&lang={self.language}" if self.language != "en" else ""
        return self.explorer.query() + lang

    def _frame(self) -> dict[str, Any]:
        """What stays while the reader moves things: the lesson's words and controls."""
        explorer = self.explorer
        controls = type(explorer).controls()
        groups: dict[str, list[dict[str, Any]]] = {}
        for c in controls.values():
            groups.setdefault(c.group, []).append(c.spec())
        for a in explorer.parts(Action):
            groups.setdefault(a.place, []).append({"kind": "action", "name": a.name, "label": _(a.label)})
        side = [p.name for p in explorer.parts(Panel)]
        side += [p.name for p in explorer.parts(Picture) if p.place == "side"]
        order: list[str] = []
        for name in explorer.side:
            order += [s for s in side if s not in explorer.side] if name == "..." else [name]
        return {
            "lang": self.language,
            "languages": [[code, LANGUAGE_NAMES.get(code, code)] for code in languages()],
            "labels": {key: _(label) for key, label in LABELS.items()},
            "app": self.in_app,
            "lessons": [],
            "number": explorer.number,
            "title": _(explorer.title),
            "lead": _(explorer.lead),
            "formula": explorer.formula,
            "formula_text": explorer.formula_text,
            "square": explorer.square,
            "groups": [
                {"title": _(title), "folded": title in explorer.folded, "controls": group}
                for title, group in groups.items()
                if title not in (LAYERS, PICTURE)
            ],
            "layers": groups.get(LAYERS, []),
            "under": groups.get(PICTURE, []),
            "presets": [[_(p.label), plain(_(p.title)) if p.title else ""] for p in explorer.presets],
            "pictures": [
                {
                    "name": p.name,
                    "view": self.view(p.name).model_id,
                    "place": p.place,
                    "title": _(p.title) if p.title else "",
                    "hint": _(p.hint) if p.hint else "",
                    "heights": p.heights,
                    "moves": p.moves,
                    "points": p.pointing is not None,
                }
                for p in explorer.parts(Picture)
            ],
            "panels": [
                {"name": p.name, "title": _(p.title), "presented": p.presented} for p in explorer.parts(Panel)
            ],
            "diagrams": [
                {"name": d.name, "title": _(d.title), "place": d.place, "points": d.pointing is not None}
                for d in explorer.parts(Diagram)
            ],
            "side": order,
            "readouts_title": _(explorer.readouts_title),
            "pins": explorer.curve() is not None,
            "predict": self._question(),
        }

    def _question(self) -> dict[str, Any] | None:
        p = self.explorer.prediction
        if p is None:
            return None
        return {
            "question": _(p.question),
            "low": p.low,
            "high": p.high,
            "step": p.step,
            "ends": [[at, _(text)] for at, text in p.ends],
            "show": _(p.show),
        }

    def _values(self) -> dict[str, Any]:
        explorer = self.explorer
        controls = type(explorer).controls()
        shown: dict[str, Any] = {}
        for name, c in controls.items():
            v = getattr(explorer, name)
            one: dict[str, Any] = {"v": c.send(v), "text": c.text(v)}
            if c.when is not None and not c.when(explorer):
                one["hidden"] = True
            if c.presented(explorer):
                one["live"] = True
            shown[name] = one
        if isinstance(explorer, SequenceExplorer) and explorer.file and explorer.series:
            shown["input"]["file"] = {
                "name": explorer.file[0],
                "columns": explorer.file[1],
                "column": explorer.series.name,
            }
        return {
            "controls": shown,
            "preset": explorer.pressed,
            "hidden": [
                p.name for p in explorer.parts(Picture) if p.when is not None and not p.when(explorer)
            ],
        }

    def _words(self) -> dict[str, Any]:
        explorer = self.explorer
        if explorer.veiled:
            return {"veiled": True, "link": self.link_notes}
        verdict = explorer.verdict()
        return {
            "veiled": False,
            "kind": verdict.kind,
            "name": f"{verdict.glyph} {verdict.name}".strip(),
            "sentence": verdict.sentence,
            "rule": verdict.rule,
            "spoken": plain(f"{verdict.name}. {verdict.sentence}"),
            "link": self.link_notes,
        }

    def _claim_index(self) -> int:
        """The claim on the card: the reader's choice while it applies, else the first that does."""
        claims = self.explorer.parts(Claim)
        if self._chosen_claim is not None:
            return self._chosen_claim
        return next((i for i, c in enumerate(claims) if c.applies(self.explorer)), 0)

    def _claim(self) -> dict[str, Any] | None:
        explorer, claims = self.explorer, self.explorer.parts(Claim)
        if not claims:
            return None
        i = self._claim_index()
        made = claims[i]
        several = made.articles.count(",") + 1
        source = ngettext("article {articles}", "articles {articles}", several, articles=made.articles)
        card: dict[str, Any] = {"i": i + 1, "n": len(claims), "says": _(made.says), "source": source}
        if explorer.veiled:
            return card
        here = made.applies(explorer)
        judged = made.judge(explorer) if here else self._judge_at_test(made)
        return {
            **card,
            "mark": MARKS[judged.mark],
            "tag": judged.tag if here else _("When tested"),
            "why": judged.why,
            "testing": explorer.is_at(made.test),
        }

    def _judge_at_test(self, made: Claim) -> Judgement:
        key = (self.explorer.number, made.number, self.language)
        if key not in self._measured:
            self._measured[key] = made.judge(type(self.explorer)(**made.test))
        return self._measured[key]

    def _predict(self) -> dict[str, Any] | None:
        explorer, p = self.explorer, self.explorer.prediction
        if p is None:
            return None
        state: dict[str, Any] = {"stage": explorer.stage, "guess": explorer.guess}
        if explorer.stage == "done":
            if explorer.prediction_shown is None:
                state["stage"] = "idle"
            else:
                state["reveal"] = p.reveal(explorer.guess, p.truth(explorer))
        if explorer.stage == "open":
            state["words"] = p.words(explorer.guess)
        return state

    def _numbers(self) -> dict[str, Any]:
        explorer = self.explorer
        if explorer.veiled:
            return {"readouts": [], "panels": {}, "pins": 0}
        drawn = explorer.parts(Diagram) if self._greeted else ()  # their width isn't known before
        return {
            "pins": len(explorer.pins),
            "readouts": [[r.name, r.value, r.how] for r in explorer.readouts()],
            "panels": {p.name: p.body(explorer) for p in explorer.parts(Panel)}
            | {d.name: d.body(explorer, self._style(d.height)) for d in drawn},
        }

    def _style(self, height: int) -> Style:
        """For a drawing as wide as the main picture."""
        main = next(p for p in self.explorer.parts(Picture) if p.place == "main")
        width = self.view(main.name).size[0] or self.sizes.get(main.name, (0, 0))[0]
        return Style(width=width or 700, height=height, **self.look)

    def _table(self) -> dict[str, Any]:
        if not self.table_open or self.explorer.veiled:
            return {}
        made = self.explorer.table()
        return {} if made is None else {"head": list(made.head), "rows": [list(r) for r in made.rows]}

    # ---- without a kernel ----

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        main = next((p.name for p in self.explorer.parts(Picture) if p.place == "main"), None)
        if main is not None and not self.in_app:
            if not self._greeted:
                self.view(main).show(self.explorer.draw(main, Style()), self.explorer.describe(main))
            still, _metadata = self.view(main)._repr_mimebundle_() or ({}, {})
            data = {**still, **data}
        return data, metadata
