"""The app: one page that holds the lessons."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
from html import escape
from typing import Any
from urllib.parse import parse_qs

from gradprod.explorers.lessons import LESSONS, Entry
from gradprod.explorers.model import Explorer
from gradprod.explorers.page import Page
from gradprod.i18n import gettext as _
from gradprod.i18n import language, languages

FIRST = 3
AHEAD = 1.5
"""Seconds after which the other lessons are imported: a kernel that waits for its visitor has them ready."""

REST_OPENED, REST_MOVED = 1.0, 10.0
"""Seconds at rest, after a lesson was opened and after a control was moved, until freed memory is given back.

Not after each step: what a step frees, the next one takes again.
"""


def give_memory_back() -> None:
    """Have the C library return freed memory to the system, where it can: glibc keeps megabytes of it."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library; Windows
        ctypes.CDLL(None).malloc_trim(0)


class App(Page):
    """All lessons on one page, each built when it is first opened; shared settings go along."""

    in_app = True

    def __init__(self) -> None:
        self._built: dict[int, Explorer] = {}
        self._resting: asyncio.TimerHandle | None = None
        self._rested: Explorer | None = None
        super().__init__(self._lesson(FIRST))
        with contextlib.suppress(RuntimeError):  # in a script nothing runs later
            asyncio.get_running_loop().call_later(AHEAD, self._import_ahead, [e for e in LESSONS if e.home])

    def _import_ahead(self, entries: list[Entry]) -> None:
        """Import one lesson, and the others after what else has come."""
        if entries:
            entries[0].load()
            asyncio.get_running_loop().call_later(0, self._import_ahead, entries[1:])
        else:
            give_memory_back()

    def _compute(self) -> None:
        super()._compute()
        if not self._greeted:
            return
        if self._resting is not None:
            self._resting.cancel()
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
            rest = REST_MOVED if self._rested is self.explorer else REST_OPENED
            self._resting = loop.call_later(rest, self._rest)

    def _rest(self) -> None:
        self._rested = self.explorer
        give_memory_back()

    def _lesson(self, number: int) -> Explorer:
        if number not in self._built:
            entry = next(e for e in LESSONS if e.number == number and e.home)
            self._built[number] = entry.load()()
        return self._built[number]

    def _do_hello(self, query: str = "", **look: Any) -> None:
        super()._do_hello(**look)
        self._do_query(query)

    def _do_query(self, query: str = "") -> None:
        """Open what a link says."""
        asked = parse_qs(query.lstrip("?"))
        lang = asked.get("lang", [""])[-1]
        self.language = lang if lang in languages() else self.language
        wrong = []
        number = asked.get("lesson", [str(self.explorer.number)])[-1]
        open_ones = {str(e.number): e.number for e in LESSONS if e.home}
        with language(self.language):
            if number not in open_ones:
                asked_for = escape(number[:40])
                wrong.append(_("The link is wrong: there is no lesson “{number}”.", number=asked_for))
            explorer = self._lesson(open_ones.get(number, self.explorer.number))
            self.link_notes = wrong + explorer.apply_query(query)
            self._show(explorer)

    def _do_lesson(self, number: int) -> None:
        """Go to another lesson; the shared settings go along."""
        left = self.explorer
        explorer = self._lesson(number)
        if explorer is not left:
            explorer.carry(left)
        self.link_notes = []
        self._show(explorer)

    def _frame(self) -> dict[str, Any]:
        lessons = [[e.number, _(e.name), bool(e.home)] for e in LESSONS]
        return {**super()._frame(), "lessons": lessons}
