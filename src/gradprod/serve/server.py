"""The Voilà server behind the app: one page, its kernels, and nothing else."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import logging
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from gradprod.explorers.script import source as page_script
from gradprod.i18n import gettext as _
from gradprod.i18n import language, languages
from gradprod.serve.kernel import limit_memory
from gradprod.view import plotly_js
from gradprod.view.server_extension import handlers as plotly_handlers

HERE = Path(__file__).parent
KERNEL = "gradprod.serve.kernel"  # the module that runs in each
PAGE = HERE / "pages" / "app.ipynb"

# Template and kernel are found by their place in the package, so that an editable install, a wheel and
# conda are the same; Voilà and jupyter_core read the variable when they are imported.
os.environ["JUPYTER_PATH"] = os.pathsep.join(
    filter(None, [str(HERE / "jupyter"), os.environ.get("JUPYTER_PATH")])
)
# jsonschema's optional checker of internationalised addresses compiles its grammar for a second at import.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import psutil  # noqa: E402
import tornado.web  # noqa: E402
from jupyter_server.base.handlers import JupyterHandler  # noqa: E402
from jupyter_server.services.kernels.handlers import KernelActionHandler  # noqa: E402
from jupyter_server.utils import url_path_join  # noqa: E402
from tornado.httpserver import HTTPServer  # noqa: E402
from tornado.ioloop import IOLoop  # noqa: E402
from traitlets.config import Config  # noqa: E402
from voila.app import Voila  # noqa: E402
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler  # noqa: E402
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler  # noqa: E402

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
# All that the page needs of JupyterLab's extensions.
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget"]
IDLE_SECONDS = 30 * 60  # a kernel whose page went away without a word is ended after this long
CULL_SECONDS = 60  # between two looks for such kernels
PATIENCE = 30_000  # milliseconds after which a page that has not come is said to have failed


class Healthz(tornado.web.RequestHandler):
    """Says that the server is there; the page asks before it reloads after a lost connection."""

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish("ok\n")


class ForeignHost(tornado.web.RequestHandler):
    """Refuses a name that isn't this machine's: another site may have pointed its own name here."""

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish(_("gradprod does not answer to this name; open it by the machine's address.") + "\n")


class FromOurPage:
    """What a page asks of its own kernel.

    A closing page can't carry the token that Jupyter waits for, nor has ours been given one; its origin tells
    whose page it is.
    """

    def check_xsrf_cookie(self) -> None:
        if not self.check_origin():  # type: ignore[attr-defined]
            raise tornado.web.HTTPError(403)


class Shutdown(FromOurPage, VoilaShutdownKernelHandler):
    """Ends the kernel of a page that closes."""


class Interrupt(FromOurPage, KernelActionHandler):
    """Interrupts a computation of the page's kernel."""


class Channels(VoilaKernelWebsocketHandler):
    """The socket between a page and its kernel.

    What is still under way when it closes is dropped, in both directions: its format is no longer known then,
    and Jupyter and Voilà would take some of its bytes for a length, and fill the memory.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        self.set_nodelay(True)  # or a short message waits for the browser to acknowledge the one before
        return super().open(*args, **kwargs)

    @property
    def open_to_our_page(self) -> bool:
        """Whether somebody is there who speaks the protocol that the page does."""
        connection = self.ws_connection
        return connection is not None and not connection.is_closing() and bool(self.selected_subprotocol)

    def write_message(self, message: Any, binary: bool = False) -> Any:
        return super().write_message(message, binary) if self.open_to_our_page else None

    def on_message(self, message: Any) -> None:
        if self.open_to_our_page:
            super().on_message(message)


class Script(tornado.web.RequestHandler):
    """A script that the browser may keep for good: its address changes with its content."""

    def initialize(self, script: bytes) -> None:
        self.script = script

    def get(self) -> None:
        self.set_header("Content-Type", "text/javascript; charset=UTF-8")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("Content-Encoding", "gzip")  # every browser that can show the page takes it
        self.finish(self.script)


class Page(JupyterHandler):
    """The app's page: its frame at once, the rest from a kernel that is ready or is started now."""

    def initialize(self, server: Server, notebook: str) -> None:
        self.server, self.notebook = server, notebook

    @tornado.web.authenticated
    async def get(self) -> None:
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")
        self.write(self.server.frame(self.get_argument("lang", "")))
        await self.flush()
        kernels = self.kernel_manager
        try:
            if not kernels.get_pool_size(self.notebook):
                kernels.fill_if_needed(delay=0, notebook_name=self.notebook)
            rendering, _sent, kernel = await kernels.get_rendered_notebook(self.notebook)
            # A kernel that waited long counts as idle: it could be culled before its page connects.
            kernels.get_kernel(kernel).last_activity = datetime.now(UTC)
            rendered, rest = await rendering
            self.write("".join(rendered))
            async for part, _resources in rest:
                self.write(part)
        except Exception as error:
            self.log.error("A page's kernel did not start: %s", error)
            self.write("<script>gradprodFailed()</script>")
        await self.finish()


class Server(Voila):
    """Voilà with one page, on sockets that are already bound.

    Parameters
    ----------
    sockets : sequence of socket.socket
        Bound and listening.
    host_names : sequence of str
        Names by which visitors may call this machine, besides localhost and its addresses.
    ready : callable
        Called once, when requests are answered.
    """

    name = "gradprod"

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        host_names: Sequence[str],
        ready: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.sockets, self.host_names, self.ready = sockets, host_names, ready

    def load_config_file(self, *args: Any, **kwargs: Any) -> None:
        """Read no configuration: a voila.json that lies in the working directory is not ours."""

    def at(self, path: str) -> str:
        """Address of a path on this server."""
        return str(url_path_join(self.base_url, path))

    @cached_property
    def scripts(self) -> dict[str, tuple[str, bytes]]:
        """Address and content, compressed, of Voilà's scripts and of the page's own."""
        made = {"voila": join_scripts(map(Path, self.static_paths)), "page": page_script().encode()}
        packed = {name: gzip.compress(script, 6, mtime=0) for name, script in made.items()}
        return {
            name: (self.at(f"/gradprod/{name}-{hashlib.sha256(script).hexdigest()[:12]}.js"), script)
            for name, script in packed.items()
        }

    def frame(self, lang: str) -> str:
        """The start of the page, the same for everybody: what one sees while a kernel wakes."""
        template = self.app.settings["voila_jinja2_env"].get_template("frame.html")
        lang = lang if lang in languages() else "en"
        with language(lang):
            return str(
                template.render(
                    _=_,
                    base_url=self.base_url,
                    language=lang,
                    patience=PATIENCE,
                    plotly_url=plotly_js.url(self.base_url),
                    scripts_url=self.scripts["voila"][0],
                    page_url=self.scripts["page"][0],
                )
            )

    def init_handlers(self) -> list[tuple[Any, ...]]:
        """Our page, and of Voilà's routes those for kernels and scripts: no files, notebooks or logins."""
        kernel = r"/api/kernels/(?P<kernel_id>[\w-]+)"
        extensions = "|".join(map(re.escape, EXTENSIONS))
        kept = {
            self.at("/voila/static/(.*)"): self.at("/voila/static/(.*)"),
            self.at("/voila/labextensions/(.*)"): self.at(
                rf"/voila/labextensions/((?:{extensions})(?:/[\w-]+)*/[\w.-]+)"
            ),
        }
        stock = super().init_handlers()
        return [
            (self.at("/"), Page, {"server": self, "notebook": Path(self.notebook_path).name}),
            (self.at("/healthz"), Healthz),
            *((address, Script, {"script": script}) for address, script in self.scripts.values()),
            (self.at("/voila/api/shutdown/(.*)"), Shutdown),
            (self.at(f"{kernel}/(?P<action>interrupt)"), Interrupt),
            (self.at(f"{kernel}/channels"), Channels),
            *plotly_handlers(self.base_url),
            *(route for route in stock if route[0].startswith(self.at("/api/kernels/"))),
            *((kept[route[0]], *route[1:]) for route in stock if route[0] in kept),
            (".*", tornado.web.ErrorHandler, {"status_code": 404}),
        ]

    def start(self) -> None:
        """Serve until SIGINT or SIGTERM; like its kernels it can't take the machine's memory with it."""
        limit_memory()
        # Jupyter counts the time between pings in milliseconds where tornado takes seconds, and warns of it.
        logging.getLogger("tornado.general").setLevel(logging.ERROR)
        self.connection_dir = tempfile.mkdtemp(prefix="gradprod-")
        # The reader's own IPython start-up files are no part of the app.
        os.environ["IPYTHONDIR"] = self.connection_dir
        self.app = tornado.web.Application(**{**self.init_settings(), **self.tornado_settings})
        self.app.add_handlers(host_pattern(self.host_names), self.init_handlers())
        self.app.add_handlers(".*", [(".*", ForeignHost)])
        self.listen()

    def listen(self) -> None:
        """Answer on the sockets, and clean up at the end."""
        HTTPServer(self.app).add_sockets(self.sockets)
        self.ioloop = IOLoop.current()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._handle_signal_stop)
        self.ioloop.add_callback(self.ready)
        try:
            self.ioloop.start()
        finally:
            self.stop()

    def stop(self) -> None:
        """End every kernel at once (none holds anything to save) and remove their connection files.

        Jupyter's own way waits for those that are about to start, and fails at one that just does.
        """
        kernels = [child for child in psutil.Process().children(recursive=True) if is_kernel(child)]
        for kernel in kernels:
            with contextlib.suppress(psutil.NoSuchProcess):
                kernel.kill()
        psutil.wait_procs(kernels)
        shutil.rmtree(self.connection_dir, ignore_errors=True)


def is_kernel(process: psutil.Process) -> bool:
    """Whether a child of ours is a kernel; it may also be the reader's browser."""
    try:
        return KERNEL in process.cmdline()
    except psutil.Error:
        return False


def join_scripts(folders: Iterable[Path]) -> bytes:
    """Voilà's start script behind the chunks that it would ask for first: one request instead of sixty.

    It names those chunks itself, as ``.e(number)``; one that is missed here is loaded on its own as ever.
    """
    folder = next(folder for folder in folders if (folder / "voila.js").exists())
    start = (folder / "voila.js").read_text(encoding="utf-8")
    chunks = [folder / f"{number}.voila.js" for number in dict.fromkeys(re.findall(r"\.e\((\d+)\)", start))]
    scripts = [chunk.read_text(encoding="utf-8") for chunk in chunks if chunk.exists()]
    # In functions of their own, so that each keeps its own "use strict".
    joined = "\n".join([*(f"(function () {{{script}\n}})();" for script in scripts), start])
    return f"{PATIENT}\n{MATHJAX_EARLY.sub('void 0', joined)}".encode()


MATHJAX_EARLY = re.compile(r"\w+\.typeset\(document\.createElement\(.div.\)\)")
"""Voilà typesets an empty element at its start, so that MathJax is there early: before the first picture.

Our page asks for it after that.
"""


PATIENT = """AbortSignal.timeout = ((timeout) => (ms) => timeout.call(AbortSignal, Math.max(ms, 600_000)))(
  AbortSignal.timeout);"""
"""anywidget takes no message for a widget, ever, whose script wasn't there two seconds after its model was.

A slow network or a busy machine takes longer; the frame itself says when the page has not come.
"""


def host_pattern(names: Sequence[str]) -> str:
    """Pattern of the Host headers that are answered: every address, and of names only this machine's own.

    Another site's name may be pointed at this machine behind the visitor's back; an address can't.
    """
    address = r"\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]"
    names = ["localhost", *names]
    return f"(?:{'|'.join([address, *(re.escape(name.lower()) for name in names)])})$"


def configuration(notebook: Path) -> Config:
    """Everything that differs from Voilà's defaults."""
    c = Config()
    c.Voila.notebook_path = str(notebook)
    c.Voila.root_dir = str(notebook.parent)
    c.Voila.log_level = logging.ERROR
    c.Voila.tornado_settings = {
        "allow_remote_access": True,  # host_pattern decides
        "headers": {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "X-Content-Type-Options": "nosniff"},
        "log_function": lambda handler: None,
    }
    c.VoilaConfiguration.template = "gradprod"
    c.VoilaConfiguration.allow_template_override = c.VoilaConfiguration.allow_theme_override = "NO"
    c.VoilaConfiguration.preheat_kernel = True
    c.VoilaConfiguration.default_pool_size = 1
    c.VoilaConfiguration.extension_allowlist = EXTENSIONS
    c.VoilaKernelManager.fill_delay = 2.0  # seconds: the visitor's own page comes first
    c.MappingKernelManager.cull_idle_timeout = IDLE_SECONDS
    c.MappingKernelManager.cull_interval = CULL_SECONDS
    c.ZMQChannelsWebsocketConnection.limit_rate = False  # a picture is data, not a runaway print
    return c


def serve(
    sockets: Sequence[socket.socket],
    *,
    host_names: Sequence[str] = (),
    notebook: Path = PAGE,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve a notebook's page until SIGINT or SIGTERM; see `Server` for the parameters."""
    server = Server(sockets, host_names, ready, config=configuration(notebook))
    server.initialize([])
    server.start()
