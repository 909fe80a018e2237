"""The scripts that draw, as they travel to a browser: bare, packed, and named by their content."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from functools import cache
from pathlib import Path

UNPACKED = """import(URL.createObjectURL(new Blob([await new Response(
new Blob([Uint8Array.from(atob("%s"), sign => sign.charCodeAt(0))])
.stream().pipeThrough(new DecompressionStream("gzip"))
).text()], { type: "text/javascript" })))"""


def bare(file: Path) -> str:
    """A script or style sheet without its comments and indents."""
    source = re.sub(r"/\*[\s\S]*?\*/", "", file.read_text(encoding="utf-8"))
    return re.sub(r"^\s*(//.*)?\n?|\s// .*$", "", source, flags=re.MULTILINE)


def unpacked(script: str) -> str:
    """An expression in JavaScript, for an async function, that imports a module which it carries gzip'd."""
    return UNPACKED % base64.b64encode(gzip.compress(script.encode(), 9, mtime=0)).decode()


@cache
def plot_script() -> tuple[str, str]:
    """The view's scripts as one module, and the name under which a page keeps it in ``scripts``."""
    names = ("light.js", "step.js", "plot.js")
    script = "\n".join(bare(Path(__file__).with_name(name)) for name in names)
    return script, f"{zlib.crc32(script.encode()):x}"
