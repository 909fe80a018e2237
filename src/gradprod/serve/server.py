"""The Voilà server behind the app: one page, its kernels, and nothing else."""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE / "pages" / "app.ipynb"

# Template and kernel are found by their place in the package, so that an editable install, a wheel and conda are
# the same; Voilà and jupyter_core read the variable when they are imported.
os.environ["JUPYTER_PATH"] = os.pathsep.join(
    filter(None, [str(HERE / "jupyter"), os.environ.get("JUPYTER_PATH")])
)
# jsonschema's optional checker of internationalised addresses compiles its grammar for a second at import.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import tornado.web  # noqa: E402
from jupyter_core.utils import run_sync  # noqa: E402
from jupyter_server.base.handlers import JupyterHandler  # noqa: E402
from jupyter_server.utils import url_path_join  # noqa: E402
from tornado.httpserver import HTTPServer  # noqa: E402
from tornado.ioloop import IOLoop  # noqa: E402
from traitlets.config import Config  # noqa: E402
from voila.app import Voila  # noqa: E402
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler  # noqa: E402

from gradprod.view import plotly_js  # noqa: E402
from gradprod.view.server_extension import handlers  # noqa: E402

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' blob:",  # anywidget imports its modules from blobs
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]
IDLE_MINUTES = 30  # a kernel whose page went away without a word is ended after this long


class Healthz(tornado.web.RequestHandler):
    """Says that the server is there; the page asks before it reloads after a lost connection."""

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish("ok\n")


class ForeignHost(tornado.web.RequestHandler):
    """Refuses a name that isn't this machine's: some other site's page may have pointed its own name here."""

    def prepare(self) -> None:
        self.set_status(403)
        self.finish(f"gradprod does not answer to the name {self.request.host_name!r}; use its address.\n")


class Shutdown(VoilaShutdownKernelHandler):
    """Ends the kernel of a page that closes.

    The closing page sends a beacon, which can't carry the token that Voilà waits for; its origin tells whose it is.
    """

    def check_xsrf_cookie(self) -> None:
        if not self.check_origin():
            raise tornado.web.HTTPError(403)


class Page(JupyterHandler):
    """The app's page: its frame at once, the rest from a kernel that is ready or is started now."""

    def initialize(self, notebook: str, frame: str) -> None:
        self.notebook, self.frame = notebook, frame

    async def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.write(self.frame)
        await self.flush()
        kernels = self.kernel_manager
        if not kernels.get_pool_size(self.notebook):
            kernels.fill_if_needed(delay=0, notebook_name=self.notebook)
        try:
            rendering, sent, kernel = await kernels.get_rendered_notebook(self.notebook)
            # A kernel that waited long counts as idle: without this it may be culled before its page connects.
            kernels.get_kernel(kernel).last_activity = datetime.now(UTC)
            self.write("".join(sent))
            rendered, rest = await rendering
            self.write("".join(rendered[len(sent) :]))
            async for part, _ in rest:
                self.write(part)
        except Exception as error:
            self.log.error("The page's kernel did not start: %s", error)
            self.write('<script>document.body.dataset.state = "failed"</script></body></html>')
        await self.finish()


class Server(Voila):
    """Voilà with one page, on sockets that are already bound."""

    name = "gradprod"

    def __init__(self, sockets: Sequence[socket.socket], host_names: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sockets = sockets
        self.host_names = host_names
        self.ready: Callable[[], None] = lambda: None

    def load_config_file(self, *args: Any, **kwargs: Any) -> None:
        """Read no configuration: a voila.json that happens to lie in the working directory is not ours."""

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """Voilà's routes for kernels and its scripts, and our page; no files, no notebooks, no logins."""

        def at(path: str) -> str:
            return url_path_join(self.server_url, path)

        kept = [at("/api/kernels/"), at("/voila/static/"), at("/voila/labextensions/")]
        return [
            (at("/healthz"), Healthz),
            *handlers(self.server_url),
            (at("/voila/api/shutdown/(.*)"), Shutdown),
            (at("/"), Page, {"notebook": Path(self.notebook_path).name, "frame": self.frame()}),
            *(handler for handler in super().init_handlers() if handler[0].startswith(tuple(kept))),
        ]

    def frame(self) -> str:
        """The start of the page, the same for everybody: head, style and the frame to look at while the kernel wakes."""
        environment = self.app.settings["voila_jinja2_env"]
        return str(
            environment.get_template("frame.html").render(
                base_url=self.base_url, plotly_url=plotly_js.url(self.base_url)
            )
        )

    def start(self) -> None:
        """Serve until SIGINT or SIGTERM, then end every kernel."""
        self.connection_dir = tempfile.mkdtemp(prefix="gradprod-")
        os.environ["IPYTHONDIR"] = (
            self.connection_dir
        )  # the reader's own start-up files are no part of the app
        self.app = tornado.web.Application(**{**self.init_settings(), **self.tornado_settings})
        missing = (".*", tornado.web.ErrorHandler, {"status_code": 404})
        self.app.add_handlers(host_pattern(self.host_names), [*self.init_handlers(), missing])
        self.app.add_handlers(".*", [(".*", ForeignHost)])
        self.listen()

    def listen(self) -> None:
        """Answer on the sockets, and clean up at the end."""
        HTTPServer(self.app).add_sockets(self.sockets)
        self.ioloop = IOLoop.current()
        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            signal.signal(number, self._handle_signal_stop)
        self.ioloop.add_callback(self.ready)
        try:
            self.ioloop.start()
        finally:
            self.stop()

    def stop(self) -> None:
        """End every kernel at once (none holds anything to save) and remove their connection files."""
        run_sync(self.kernel_manager.shutdown_all)(now=True)
        shutil.rmtree(self.connection_dir, ignore_errors=True)


def host_pattern(names: Sequence[str]) -> str:
    """Pattern of the Host headers that are answered: every address, and of names only this machine's own.

    A name of another site may be pointed at this machine behind the visitor's back; an address can't.
    """
    address = r"\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]"
    return "|".join([address, *(re.escape(name.lower()) for name in ["localhost", *names])])


def configuration(notebook: Path, ip: str) -> Config:
    """Everything that differs from Voilà's defaults."""
    c = Config()
    c.Voila.notebook_path = str(notebook)
    c.Voila.root_dir = str(notebook.parent)
    c.Voila.ip = ip
    c.Voila.log_level = logging.ERROR
    c.Voila.tornado_settings = {
        "headers": {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff"},
        "log_function": lambda handler: None,
    }
    c.VoilaConfiguration.template = "gradprod"
    c.VoilaConfiguration.allow_template_override = c.VoilaConfiguration.allow_theme_override = "NO"
    c.VoilaConfiguration.preheat_kernel = True
    c.VoilaConfiguration.default_pool_size = 1
    c.VoilaConfiguration.extension_allowlist = EXTENSIONS
    c.MappingKernelManager.cull_idle_timeout = IDLE_MINUTES * 60
    c.MappingKernelManager.cull_interval = 60
    return c


def serve(
    sockets: Sequence[socket.socket],
    *,
    ip: str = "127.0.0.1",
    host_names: Sequence[str] = (),
    notebook: Path = PAGE,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve a notebook's page until SIGINT or SIGTERM.

    Parameters
    ----------
    sockets : sequence of socket.socket
        Bound and listening.
    ip : str
        Their address, for the log.
    host_names : sequence of str
        Names by which visitors may call this machine, besides localhost and its addresses.
    notebook : pathlib.Path
        What to show.
    ready : callable
        Called once, when requests are answered.
    """
    server = Server(sockets, host_names, config=configuration(notebook, ip))
    server.ready = ready
    server.initialize([])
    server.start()
