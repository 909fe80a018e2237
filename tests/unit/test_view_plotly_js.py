"""The route that hands out plotly.js."""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

import pytest
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.testing import bind_unused_port
from tornado.web import Application

from gradprod.view import plotly_js
from gradprod.view.server_extension import _load_jupyter_server_extension

FILE = plotly_js.path().read_bytes()
SCRIPT = b"//# allFunctionsCalledOnLoad\n" + FILE


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Port of a server that has loaded the extension."""
    socket, port = bind_unused_port()
    started = threading.Event()
    loops: list[IOLoop] = []

    def serve() -> None:
        async def start() -> None:
            class App:
                web_app = Application(base_url="/user/ann/")

            _load_jupyter_server_extension(App)
            server = HTTPServer(App.web_app)
            server.add_sockets([socket])
            loops.append(IOLoop.current())
            started.set()

        loop = IOLoop()
        loop.add_callback(start)
        loop.start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    started.wait(10)
    yield port
    loops[0].add_callback(loops[0].stop)
    thread.join(10)


def fetch(port: int, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    response = connection.getresponse()
    return response, response.read()


def test_version_is_that_of_the_file() -> None:
    assert re.search(rb"plotly\.js v([\d.]+)", FILE[:200])[1].decode() == plotly_js.version()  # type: ignore[index]
    assert plotly_js.url("/user/ann/") == f"/user/ann/gradprod/plotly-{plotly_js.version()}.js"


def test_kept_for_good(port: int) -> None:
    response, body = fetch(port, plotly_js.url("/user/ann/"))
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/javascript")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert body == SCRIPT


def test_travels_packed(port: int) -> None:
    response, body = fetch(port, plotly_js.url("/user/ann/"), **{"Accept-Encoding": "gzip, br"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(body) == SCRIPT
    assert len(body) < len(FILE) / 3


def test_head(port: int) -> None:
    response, body = fetch(port, plotly_js.url("/user/ann/"), "HEAD")
    assert response.headers["Content-Length"] == str(len(SCRIPT))
    assert body == b""


@pytest.mark.parametrize(
    "path", ["/user/ann/gradprod/plotly-1.2.3.js", "/user/ann/gradprod/plotly-..js", plotly_js.url()]
)
def test_nothing_else(port: int, path: str) -> None:
    assert fetch(port, path)[0].status == 404
