"""The servers whose pages are measured: stock Voilà on the pages for comparison, and our own command."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

PAGES = Path(__file__).parent / "pages"
STOCK = ("floor", "one_figure_widget", "six_figure_widgets")


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server: its address and its process."""

    name: str
    url: str
    process: psutil.Process
    log: Path

    def settle(self, seconds: float = 60) -> None:
        """Wait until nothing in it works any more: its kernels are up, and its pool is full again."""
        end, quiet = time.monotonic() + seconds, 0
        while quiet < 3 and time.monotonic() < end:
            before = _busy(self.process)
            time.sleep(0.5)
            quiet = quiet + 1 if _busy(self.process) - before < 0.02 else 0

    def kernel(self, kernel_id: str) -> psutil.Process:
        """The process of this kernel."""
        children = self.process.children(recursive=True)
        mine = [child for child in children if kernel_id in " ".join(child.cmdline())]
        if not mine:
            raise LookupError(
                f"no process of kernel {kernel_id}; these run: {[c.cmdline() for c in children]}"
            )
        return mine[-1]


def _busy(process: psutil.Process) -> float:
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = each.cpu_times()
                total += times.user + times.system
    return total


def free_port() -> int:
    """A port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextlib.contextmanager
def start(name: str) -> Iterator[Server]:
    """One of the pages in `STOCK` under stock Voilà, or the app (`"app"`) as its command starts it.

    The stock server reads no configuration of the machine's.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": f"{folder}/config",
            "JUPYTER_DATA_DIR": f"{folder}/data",
            "IPYTHONDIR": f"{folder}/ipython",
            "JUPYTER_NO_CONFIG": "1",
        }
        if name == "app":
            command = ["gradprod.serve.command", "--no-browser", f"--port={port}"]
        else:
            page = str(PAGES / f"{name}.ipynb")
            command = ["voila", page, "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
        log = Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
        try:
            yield Server(
                name=name,
                url=_answering(f"http://127.0.0.1:{port}/", process, log),
                process=psutil.Process(process.pid),
                log=log,
            )
        finally:
            process.send_signal(signal.SIGINT if name == "app" else signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _answering(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> str:
    """`url`, once its server answers; not asked for the page itself, which would warm it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}healthz", timeout=5).close()
            return url
        except urllib.error.HTTPError:  # stock Voilà has no such page
            return url
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text()}")
