"""The route that hands out plotly.js: in Voilà by our command, in JupyterLab as a server extension."""

from threading import Thread
from typing import Any

from tornado.web import HTTPError, RequestHandler

from gradprod.view import plotly_js


class PlotlyJS(RequestHandler):
    """plotly.js of exactly the version asked for, kept by the browser for good."""

    def get(self, version: str) -> None:
        if version != plotly_js.version():
            raise HTTPError(404, f"plotly.js {version} is not here, {plotly_js.version()} is")
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.set_header("Vary", "Accept-Encoding")
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.finish(plotly_js.compressed())
        else:
            self.finish(plotly_js.script())

    head = get


def handlers(base_url: str = "/") -> list[tuple[str, type[RequestHandler]]]:
    """Tornado handlers for the route, below ``base_url``."""
    Thread(target=plotly_js.compressed, daemon=True).start()  # ready before the first visitor asks
    return [(base_url.rstrip("/") + plotly_js.ROUTE, PlotlyJS)]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "gradprod.view.server_extension"}]


def _load_jupyter_server_extension(app: Any) -> None:
    plotly_js.add_handlers(app.web_app)
