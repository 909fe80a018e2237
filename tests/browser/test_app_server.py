"""The server behind the app, as its visitors meet it."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, Page, Route, expect
from visits import PATIENCE, Problems, free_port, running, settled, wait_for

SHOWN = ".gradprod h1"  # the app's page is there


class Server:
    """A running command: its process, its log, its kernels."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    def ready(self, seconds: float = PATIENCE) -> Server:
        """Wait until it has said where it is, and answers there."""
        wait_until(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None, seconds)
        wait_for(f"{self.url}healthz", self.process, self.log)
        return self

    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        found = re.search(r"gradprod is at (http://\S+/)", self.said())
        assert found, self.said()
        return found[1]

    def kernels(self) -> list[psutil.Process]:
        """Its kernels, started or starting."""
        alive = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "gradprod.serve.kernel" in child.cmdline():
                    alive.append(child)
        return alive

    def get(self, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        """The answer to a path sent as it is, which a browser would tidy first."""
        place = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=PATIENCE)
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        return connection.getresponse()


def wait_until(holds: Callable[[], object], seconds: float = PATIENCE, pause: float = 0.1) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(pause)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """`start(*options)` runs the command in an empty folder."""
    with contextlib.ExitStack() as stack:

        def start(*options: str, module: str = "gradprod.serve.command", **environment: str) -> Server:
            log = tmp_path / f"log{time.monotonic_ns()}.txt"
            process = running("-m", module, *options, log=log, cwd=tmp_path, **environment)
            return Server(stack.enter_context(process), log)

        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests that leave it as it is."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    arguments = ("-m", "gradprod.serve.command", "--no-browser", "--port", str(free_port()))
    with running(*arguments, log=log) as process:
        yield Server(process, log).ready()


# ---- the page ----


def test_the_app_comes_up_with_nothing_from_outside(page: Page, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_selector(SHOWN)
    expect(page.locator("#starting")).to_be_hidden()
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert page.title().endswith("gradprod")
    assert page.locator("html").get_attribute("lang") == "en"
    assert server.get("/voila/static/favicon.svg").status == 200


def test_the_frame_is_there_before_the_kernel(start: Callable[..., Server], page: Page) -> None:
    server = start("--no-browser", "--port", "0").ready()
    page.goto(server.url, wait_until="commit")
    expect(page.get_by_role("status")).to_have_text("Starting …")
    page.wait_for_selector(SHOWN)
    expect(page.get_by_role("status")).to_have_count(0)


def test_a_page_whose_kernel_does_not_start_says_so(
    start: Callable[..., Server], page: Page, problems: Problems, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ipykernel.py").write_text("raise SystemExit(1)")
    (tmp_path / "breaking.py").write_text(
        "import os\n"
        "from gradprod.serve import command, server\n"
        "os.environ['PYTHONPATH'] = os.path.abspath('broken')  # the kernels', not this process's\n"
        "command.main()\n"
    )
    server = start("--no-browser", "--port", "0", module="breaking", PYTHONPATH=str(tmp_path)).ready()
    page.goto(server.url, wait_until="commit")
    expect(page.get_by_role("status")).to_have_text(
        "gradprod did not start. Reload this page; if that does not help, start the gradprod command again.",
    )
    assert "Traceback" not in server.said()
    problems.clear()  # Voilà's script may complain that there is no kernel


def test_reload_keeps_the_address(page: Page, server: Server) -> None:
    page.goto(f"{server.url}?lesson=3&W_s=1.5")
    weight = page.get_by_role("slider", name="recurrent weight")
    expect(weight).to_have_attribute("aria-valuetext", "1.5")
    page.wait_for_url(re.compile("W_s=1.5&"))
    address = page.evaluate("location.href")
    page.reload()
    expect(weight).to_have_attribute("aria-valuetext", "1.5")
    settled(page)
    assert page.evaluate("location.href") == address


def test_a_script_that_comes_late_loses_nothing(page: Page, server: Server) -> None:
    page.add_init_script(
        """const timeout = AbortSignal.timeout; // what anywidget starts when it has a model
        AbortSignal.timeout = (ms) => {
          globalThis.began ??= performance.now();
          return timeout.call(AbortSignal, ms);
        };"""
    )
    held: list[Route] = []
    page.route("**/gradprod/page-*.js", lambda route: held.append(route))
    page.goto(f"{server.url}?lesson=3&W_s=1.5", wait_until="commit")
    page.wait_for_function("() => performance.now() > globalThis.began + 2500")
    expect(page.locator("#starting")).to_be_visible()
    held[0].continue_()
    weight = page.get_by_role("slider", name="recurrent weight")
    expect(weight).to_have_attribute("aria-valuetext", "1.5")
    expect(page.locator(".slot.main .main-svg").first).to_be_visible()
    weight.press("ArrowRight")
    page.wait_for_url(re.compile("W_s=1.55&"))


def test_visitors_do_not_see_each_other(browser: Browser, page: Page, server: Server) -> None:
    page.goto(f"{server.url}?lesson=3&W_s=1.5&secret=1")
    page.wait_for_selector(SHOWN)
    wait_until(lambda: len(server.kernels()) >= 2)  # the next visitor's is warm or warming
    with browser.new_context() as other:
        second = other.new_page()
        second.goto(server.url)
        expect(second.get_by_role("slider", name="recurrent weight")).to_have_attribute(
            "aria-valuetext", "0.9"
        )
        assert "1.5" not in second.url
        for kernel in server.kernels():
            assert not any("secret" in value for value in kernel.environ().values())
    expect(page.get_by_role("slider", name="recurrent weight")).to_have_attribute("aria-valuetext", "1.5")


def test_closing_the_tab_ends_its_kernel(page: Page, start: Callable[..., Server]) -> None:
    server = start("--no-browser", "--port", "0").ready()
    wait_until(lambda: len(server.kernels()) == 1)
    (first,) = server.kernels()
    page.goto(server.url)
    page.wait_for_selector(SHOWN)
    wait_until(lambda: len(server.kernels()) == 2)  # this visitor's and the next one's
    page.close(run_before_unload=True)
    wait_until(lambda: not first.is_running())
    assert len(server.kernels()) == 1


IMPATIENT = """
import signal
from gradprod.serve import command, server

class Impatient(server.Server):
    def listen(self):
        def cull_after(seconds):
            self.kernel_manager.cull_idle_timeout = seconds
        signal.signal(signal.SIGUSR1, lambda *_: cull_after(3600))
        signal.signal(signal.SIGUSR2, lambda *_: cull_after(8))
        super().listen()

server.Server = Impatient
server.IDLE_SECONDS, server.CULL_SECONDS = 8, 1
command.main()
"""


def test_a_visit_keeps_its_connection_and_outlives_the_culling_that_ends_an_abandoned_one(
    fresh: Callable[..., Page], start: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    server = start("--no-browser", "--port", "0", module="impatient", PYTHONPATH=str(tmp_path)).ready()
    wait_until(lambda: len(server.kernels()) == 1)
    time.sleep(10)  # the waiting kernel is older than the limit, and kept
    (waiting,) = server.kernels()
    os.kill(server.process.pid, signal.SIGUSR1)  # on a busy machine a page takes longer to connect
    page, sockets = fresh(), []
    page.on("websocket", lambda opened: sockets.append(opened))
    page.goto(server.url)
    page.wait_for_selector(SHOWN)
    os.kill(server.process.pid, signal.SIGUSR2)
    page.wait_for_timeout(33_000)  # the first ping comes after 30 s
    assert len(sockets) == 1
    assert waiting.is_running()
    page.context.set_offline(True)  # no word of goodbye reaches the server
    page.context.close()
    wait_until(lambda: not waiting.is_running())


@pytest.mark.parametrize("far", [None, SimpleNamespace(is_closing=lambda: True)])
def test_what_is_under_way_when_a_page_goes_is_dropped(far: Any) -> None:
    from gradprod.serve.server import Channels

    channels = Channels.__new__(Channels)
    channels.ws_connection = far
    message = b"\xff" * 4096  # lengths that would fill the memory
    assert channels.write_message(message, binary=True) is None
    channels.on_message(message)


def test_no_message_waits_for_others_to_be_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    from gradprod.serve.server import Channels, VoilaKernelWebsocketHandler

    at_once: list[bool] = []
    channels = Channels.__new__(Channels)
    monkeypatch.setattr(Channels, "set_nodelay", lambda self, value: at_once.append(value))
    monkeypatch.setattr(VoilaKernelWebsocketHandler, "open", lambda self, kernel: f"{kernel} is open")
    assert channels.open("a kernel") == "a kernel is open"
    assert at_once == [True]


def test_messages_are_read_when_the_picture_is_shown(server: Server, page: Page, problems: Problems) -> None:
    page.goto(server.url)
    page.wait_for_selector(".gradprod:not(.opening) [data-slot=chart] .main-svg")
    settled(page)
    read = page.evaluate(
        """async () => {
            const G = globalThis[Symbol.for("gradprod")], read = [];
            G.hold(() => read.push("at once"));
            G.painted = true; // a picture is on its way, and stays there, as in a page that is not seen
            G.hold(() => read.push("first"));
            G.hold(() => { throw new Error("in a message"); });
            G.hold(() => read.push("last"));
            const before = [...read];
            while (read.length < 3) await new Promise(done => setTimeout(done, 10));
            G.painted = false;
            return [before, read];
        }"""
    )
    assert read == [["at once"], ["at once", "first", "last"]]
    problems.expect("in a message")


def test_mathjax_is_asked_for_after_the_first_picture(server: Server, page: Page) -> None:
    page.add_init_script(
        """new MutationObserver((_, watch) => {
            if (!document.querySelector(".js-plotly-plot .main-svg")) return;
            globalThis.drawn = performance.now();
            watch.disconnect();
        }).observe(document, { childList: true, subtree: true })"""
    )
    page.goto(server.url)
    page.wait_for_selector("mjx-container, .formula math", state="attached")
    drawn, asked = page.evaluate(
        r"""[drawn, performance.getEntriesByType("resource")
            .filter(({ name }) => /static\/\d+\.voila\.js/.test(name))
            .map(({ startTime }) => startTime)]"""
    )
    assert asked
    assert min(asked) > drawn


# ---- what it doesn't serve ----

FORBIDDEN = [
    "/lab",
    "/tree",
    "/edit/app.ipynb",
    "/notebooks/app.ipynb",
    "/login",
    "/logout",
    "/files/app.ipynb",
    "/view/app.ipynb",
    "/app.ipynb",
    "/voila",
    "/voila/tree",
    "/voila/tree/",
    "/voila/render/app.ipynb",
    "/voila/files/app.ipynb",
    "/voila/files/",
    "/voila/query/x",
    "/voila/api/contents",
    "/voila/templates/gradprod/static/../index.html.j2",
    "/voila/templates/lab/static/voila.js",
    "/api",
    "/api/contents",
    "/api/contents/app.ipynb",
    "/api/kernels",
    "/api/kernelspecs",
    "/api/sessions",
    "/api/terminals",
    "/api/config",
    "/api/status",
    "/api/me",
    "/metrics",
    "/terminals",
    "/static/../server.py",
    "/server.py",
    "/pages/app.ipynb",
    "/index.html.j2",
    "/.git/config",
    "/voila/static/",
    "/voila/static/nothing.js",
    "/voila/static/../frame.html",
    "/voila/static/../../../../../server.py",
    "/voila/static/..%2f..%2fframe.html",
    "/voila/static/%2e%2e/%2e%2e/frame.html",
    "/voila/static//etc/passwd",
    "/voila/static/%2fetc%2fpasswd",
    "/voila/static/....//....//frame.html",
    "/voila/labextensions/",
    "/voila/labextensions/jupyterlab-plotly/package.json",
    "/voila/labextensions/anywidget/../jupyterlab-plotly/package.json",
    "/voila/labextensions/anywidget/%2e%2e/jupyterlab-plotly/package.json",
    "/voila/labextensions/anywidget/..%2f..%2f..%2f..%2f..%2fetc/passwd",
    "/voila/labextensions/anywidget/../../../../../../../../../../etc/passwd",
    "/gradprod/",
    "/gradprod/voila-.js",
    "/gradprod/plotly-0.0.0.js",
    "/gradprod/plotly-../../../../etc/passwd.js",
    "/../../../../../../../../etc/passwd",
    "/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "//etc/passwd",
    "/%00",
    "/proc/self/environ",
]


@pytest.mark.parametrize("path", FORBIDDEN)
def test_nothing_but_the_page_is_served(server: Server, path: str) -> None:
    answer = server.get(path)
    assert answer.status in (403, 404), path
    body = answer.read()
    for secret in (b"root:", b"Server(Voila)", b"explorers import App", b"voila.cell-output", b"nbformat"):
        assert secret not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_the_page_is_only_read(server: Server, method: str) -> None:
    assert server.get("/", method, Content_Length="0").status in (403, 405)


def test_the_page_shows_no_source(server: Server) -> None:
    answer = server.get("/")
    html = answer.read().decode()
    assert "import" not in html
    assert "Traceback" not in html
    assert "default-src 'self'" in str(answer.getheader("Content-Security-Policy"))
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    outside = re.findall(r"(?:https?:)?//(?!www\.w3\.org)[\w.]+", html.split("<script id")[0])
    assert outside == []


def test_the_query_chooses_no_template_or_theme(server: Server) -> None:
    html = server.get("/?template=lab&theme=dark&voila-template=lab").read().decode()
    assert 'id="starting"' in html
    assert "jsdelivr" not in html


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8866", "127.0.0.1.evil.example", "localhost.evil"]
)
def test_a_foreign_name_is_refused(server: Server, host: str) -> None:
    for path in ("/", "/healthz", "/voila/static/voila.js", "/api/kernels/0-0-0-0-0"):
        answer = server.get(path, Host=host)
        assert answer.status == 403
        assert "does not answer to this name" in answer.read().decode()


def kernel_id(server: Server) -> str:
    """The kernel of a new visit, held by nobody."""
    found = re.search(r'"kernelId": "([\w-]+)"', server.get("/").read().decode())
    assert found
    return found[1]


def test_only_our_page_commands_its_kernel(server: Server) -> None:
    kernel = kernel_id(server)
    own = server.url.rstrip("/")
    websocket = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    channels, interrupt = f"/api/kernels/{kernel}/channels", f"/api/kernels/{kernel}/interrupt"
    shutdown = f"/voila/api/shutdown/{kernel}"
    nothing = {"Content_Length": "0"}
    foreign = "http://evil.example"
    assert server.get(channels, Origin=foreign, **websocket).status == 403
    assert server.get(interrupt, "POST", Origin=foreign, **nothing).status == 403
    assert server.get(shutdown, "POST", Origin=foreign, **nothing).status == 403
    assert server.get(f"/api/kernels/{kernel}/restart", "POST", Origin=own, **nothing).status == 404
    assert server.get(f"/api/kernels/{kernel}", Origin=own).status == 200
    assert server.get(interrupt, "POST", Origin=own, **nothing).status == 204
    assert server.get(channels, Origin=own, **websocket).status == 101
    assert server.get(shutdown, "POST", Origin=own, **nothing).status == 204
    assert server.get(f"/api/kernels/{kernel}", Origin=own).status == 404


def test_server_and_kernels_are_limited(server: Server) -> None:
    own = kernel_id(server)
    assert psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_DATA) == (2 * 1024**3,) * 2
    (kernel,) = (k for k in server.kernels() if own in k.cmdline()[-1])
    wait_until(lambda: kernel.rlimit(psutil.RLIMIT_DATA) == (2 * 1024**3,) * 2)
    assert kernel.environ()["OPENBLAS_NUM_THREADS"] == "1"


def test_configuration_lying_about_is_not_read(start: Callable[..., Server], tmp_path: Path) -> None:
    (tmp_path / "voila.json").write_text(
        '{"VoilaConfiguration": {"template": "lab", "strip_sources": false, "file_allowlist": [".*"]},'
        ' "Voila": {"base_url": "/elsewhere/"}}'
    )
    (tmp_path / "ipython_kernel_config.py").write_text("raise SystemExit")
    server = start("--no-browser", "--port", "0").ready()
    html = server.get("/").read().decode()
    assert 'id="starting"' in html
    assert "voila.cell-output" in html
    assert server.get("/voila/files/voila.json").status == 404


# ---- starting and stopping ----


def test_a_taken_port_is_said_and_another_found(start: Callable[..., Server]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start("--no-browser", "--port", str(port)).ready()
    found = urlsplit(server.url).port
    assert found != port
    assert server.said() == (
        f"Port {port} is taken; using {found}.\n"
        f"gradprod is at http://127.0.0.1:{found}/\n"
        "Press Ctrl-C to stop it.\n"
    )


def test_the_browser_is_opened_at_the_address(start: Callable[..., Server], tmp_path: Path) -> None:
    opened, script = tmp_path / "opened.txt", tmp_path / "browser.py"
    script.write_text(f"import sys, pathlib; pathlib.Path({str(opened)!r}).write_text(sys.argv[1])")
    server = start("--port", "0", BROWSER=f"{sys.executable} {script} %s").ready()
    wait_until(lambda: opened.exists() and bool(opened.read_text()))
    assert opened.read_text() == server.url


def test_an_address_for_everybody_is_said_to_be_one(start: Callable[..., Server]) -> None:
    server = start("--no-browser", "--port", "0", "--ip", "0.0.0.0").ready()
    assert "Everybody who reaches this address can use it: there is no password.\n" in server.said()
    assert server.get("/healthz", Host=socket.gethostname()).status == 200
    assert server.get("/healthz", Host="evil.example").status == 403


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_everything(start: Callable[..., Server], page: Page, number: signal.Signals) -> None:
    server = start("--no-browser", "--port", "0").ready()
    page.goto(server.url)
    page.wait_for_selector(SHOWN)
    folder = server.kernels()[0].environ()["IPYTHONDIR"]
    page.goto("about:blank")
    wait_until(lambda: len(server.kernels()) >= 1)
    family = psutil.Process(server.process.pid).children(recursive=True)
    os.kill(server.process.pid, number)
    assert server.process.wait(PATIENCE) == 0
    assert psutil.wait_procs(family, PATIENCE)[1] == []
    assert not Path(folder).exists()
    assert server.said().splitlines()[1:] == ["Press Ctrl-C to stop it."]


def test_a_signal_ends_a_kernel_that_has_just_been_started(start: Callable[..., Server]) -> None:
    for _ in range(4):  # of which about half meet Jupyter before it knows the kernel
        server = start("--no-browser", "--port", "0").ready()
        wait_until(lambda server=server: len(server.kernels()) == 1)
        (first,) = server.kernels()
        server.get("/").read()
        wait_until(lambda server=server, first=first: set(server.kernels()) - {first}, pause=0.001)
        family = psutil.Process(server.process.pid).children(recursive=True)
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
        assert psutil.wait_procs(family, PATIENCE)[1] == []
        assert server.said().splitlines()[1:] == ["Press Ctrl-C to stop it."]


@pytest.mark.parametrize("after", [0.1, 0.6, 1.2, 1.8])
def test_stopped_while_it_starts(start: Callable[..., Server], after: float) -> None:
    server = start("--no-browser", "--port", "0")
    time.sleep(after)
    family = psutil.Process(server.process.pid).children(recursive=True)
    os.kill(server.process.pid, signal.SIGINT)
    assert server.process.wait(PATIENCE) in (0, 1, -signal.SIGINT)  # 1, −2: python itself was still starting
    assert psutil.wait_procs(family, PATIENCE)[1] == []
    if "gradprod is at" in server.said():
        assert "Traceback" not in server.said()


def test_an_open_page_says_that_the_server_went(
    start: Callable[..., Server], page: Page, problems: Problems
) -> None:
    server = start("--no-browser", "--port", "0").ready()
    page.goto(server.url)
    page.wait_for_selector(SHOWN)
    os.kill(server.process.pid, signal.SIGINT)
    server.process.wait(PATIENCE)
    expect(page.get_by_role("alert")).to_contain_text("Not connected")
    problems.clear()  # that the server is gone is what it is about
