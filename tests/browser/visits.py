"""What the browser's tests share: servers to visit, notebooks for them, and what goes wrong in a page."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

PATIENCE = 90
"""Seconds after which what should happen has not: on a busy machine a page may take half a minute to open."""

AT_REST = """() => {
  const pending = document.querySelector('.gradprod.pending, .gradprod.opening');
  const { due, asked, painted } = globalThis[Symbol.for('gradprod')];
  return !pending && !asked && !painted && ![...due].some(screen => screen.visible && screen.Plotly);
}"""


class Problems(list[str]):
    """What went wrong in a page: errors in the console, failed requests, requests to another machine.

    A test that provokes a problem says which with `expect`; any other fails it at the end.
    """

    watching = True

    def append(self, problem: str) -> None:
        if self.watching:
            super().append(problem)

    def expect(self, part: str) -> None:
        """Take out the problems that contain `part`; there must be one."""
        found = [problem for problem in self if part in problem]
        assert found, f"no problem mentions {part!r}: {list(self)}"
        self[:] = [problem for problem in self if part not in problem]

    def watch(self, page: Page) -> None:
        """Collect the problems of `page` from now on."""

        def console(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.append(f"console: {message.text} ({message.location.get('url', '')})")

        def request(request: Request) -> None:
            address = urlsplit(request.url)
            if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in (
                "127.0.0.1",
                "localhost",
            ):
                self.append(f"outside: {request.url}")

        def failed(request: Request) -> None:
            if request.failure != "net::ERR_ABORTED":  # the page went away meanwhile
                self.append(f"failed: {request.url} {request.failure}")

        def response(response: Response) -> None:
            if response.status >= 400:
                self.append(f"failed: {response.url} {response.status}")

        page.on("console", console)
        page.on("pageerror", lambda error: self.append(f"error: {error}"))
        page.on("request", request)
        page.on("requestfailed", failed)
        page.on("response", response)


def settled(page: Page) -> None:
    """Wait until all that was asked for has been computed, and is drawn."""
    page.wait_for_function(AT_REST, timeout=1000 * PATIENCE)


def leave(page: Page) -> None:
    """Go away from a page, which lets the server end its kernel, and close the browser around it."""
    with contextlib.suppress(Error):  # the test has closed it
        page.goto("about:blank")
    page.context.close()


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def heed_interrupts() -> None:
    """Undo what a shell does to the jobs in its background: they would ignore SIGINT, and so would ours."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def running(
    *arguments: str, log: Path, cwd: Path | None = None, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process with these arguments; its output goes to `log`, SIGINT ends it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            start_new_session=True,
            preexec_fn=heed_interrupts,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(PATIENCE)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                    raise


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = PATIENCE) -> str:
    """`url`, once it answers."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return url
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer:\n{log.read_text()}")


def notebook(*cells: str, kernel: str) -> str:
    """A notebook file of these code cells."""
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "id": f"c{i}",
                    "metadata": {},
                    "outputs": [],
                    "source": c,
                }
                for i, c in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"display_name": "Python", "language": "python", "name": kernel}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )
