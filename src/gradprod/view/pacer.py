"""No backlog: the next picture is computed when the browser has taken the last one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

PATIENCE = 2.0
"""Seconds after which a browser that doesn't answer is no longer waited for."""


class Frames:
    """What has been sent to the browser and not yet taken there, and who waits for that."""

    def __init__(self) -> None:
        self._sent: dict[str, int] = {}
        self._since = 0.0
        self._silent: set[str] = set()
        self._waiting: list[Callable[[], None]] = []
        self._timer: asyncio.TimerHandle | None = None

    def sent(self, view: str, number: int) -> None:
        """Note that frame ``number`` of ``view`` is under way."""
        if view not in self._silent:
            if not self._sent:
                self._since = time.monotonic()
            self._sent[view] = number

    def taken(self, numbers: Mapping[str, int]) -> None:
        """Note which frames a page has taken; it takes all newest ones at a time."""
        for view, number in numbers.items():
            self._silent.discard(view)
            if self._sent.get(view, -1) <= number:
                self._sent.pop(view, None)
        if not self._sent:
            self._go()

    def forget(self, view: str) -> None:
        """A view is no more."""
        self._silent.discard(view)
        self.taken({view: self._sent.get(view, 0)})
        self._silent.discard(view)

    @property
    def all_taken(self) -> bool:
        """Whether nothing is under way, and nobody waits."""
        return not (self._sent or self._waiting)

    def when_taken(self, call: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        """Call soon, and not before all that is under way has been taken or `PATIENCE` is over."""
        self._waiting.append(call)
        if not self._sent:
            loop.call_soon(self._go)
        elif self._timer is None:
            self._timer = loop.call_later(self._since + PATIENCE - time.monotonic(), self._give_up)

    def _give_up(self) -> None:
        self._silent |= self._sent.keys()
        self._sent.clear()
        self._go()

    def _go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            asyncio.get_running_loop().call_soon(call)  # one that fails doesn't take the others with it


FRAMES = Frames()
"""Those of this kernel."""


class Pacer:
    """Calls ``compute`` for the newest state only, never faster than the browser draws.

    Parameters
    ----------
    compute : callable
        Reads the newest state, and shows it in any number of views.
    frames : Frames
        What to wait for; every view of the kernel by default.
    """

    def __init__(self, compute: Callable[[], object], *, frames: Frames = FRAMES) -> None:
        self._compute = compute
        self._frames = frames
        self._requested = False

    def request(self, *, last: bool = False) -> None:
        """Say that the state has changed; any number of requests before the next computation count as one.

        Outside of an event loop, as in a script or a test, ``compute`` runs at once.

        Parameters
        ----------
        last : bool
            Whether no other request will follow at once, as at the end of a message from the browser:
            where nothing is under way there, ``compute`` need not wait for one.
        """
        if self._requested:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if loop is None or (last and self._frames.all_taken):
            self._compute()
            return
        self._requested = True
        self._frames.when_taken(self._run, loop)

    def _run(self) -> None:
        self._requested = False
        self._compute()
