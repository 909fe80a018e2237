"""plotly.js as the installed plotly package brings it: which file, which version, at which address."""

import gzip
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROUTE = r"/gradprod/plotly-([\d.]+)\.js"
"""Address of plotly.js below a server's base URL; the group is the version."""


@cache
def path() -> Path:
    """Location of ``plotly.min.js`` inside the installed plotly package, found without importing it."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise ImportError("plotly must be installed to draw figures; run pip install plotly")
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


@cache
def version() -> str:
    """Version of plotly.js, as the head of the file says (the Python package counts differently)."""
    with path().open(encoding="utf-8") as file:
        found = re.search(r"plotly\.js v([\d.]+)", file.read(200))
    if found is None:
        raise ImportError(f"{path()} must start with its version; reinstall plotly")
    return found[1]


def url(base: str = "/") -> str:
    """Address of plotly.js on a server whose base URL is ``base``."""
    return f"{base.rstrip('/')}/gradprod/plotly-{version()}.js"


def script() -> bytes:
    """The file, behind a hint to compile all of it beside the page's own thread, which has enough to do then.

    Chromium obeys it, and has the first picture 5 to 20 % sooner; others take it for a comment.
    """
    return b"//# allFunctionsCalledOnLoad\n" + path().read_bytes()


@cache
def compressed() -> bytes:
    """The script, gzip'd: what travels when no server can hand it out, or a browser is far away."""
    return gzip.compress(script(), 6, mtime=0)


def add_handlers(web_app: Any) -> None:
    """Serve plotly.js from a running tornado application, below its ``base_url`` setting."""
    from gradprod.view.server_extension import handlers

    web_app.add_handlers(".*$", handlers(web_app.settings.get("base_url", "/")))
