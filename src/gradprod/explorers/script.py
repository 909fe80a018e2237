"""The script of a page: one module with its style sheet and the script that draws in it."""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path

from gradprod.view.scripts import bare, plot_script

HERE = Path(__file__).parent

SERVED = "GRADPROD_PAGE"
"""Set in the environment of kernels whose server hands out the script itself, and has it in its page as
``<link data-gradprod>``: at once, and kept by the browser, where a kernel would send it again and again."""


@cache
def source() -> str:
    """page.js with page.css and plot.js in it."""
    script = bare(HERE / "page.js")
    plot, name = plot_script()
    for mark, text in (("page.css", bare(HERE / "page.css")), ("plot.js", plot), ("plot.name", name)):
        script = script.replace(f'"{mark}"', json.dumps(text))
    return script


CARRIED = """
const load = async (packed) => (await import(URL.createObjectURL(new Blob([await new Response(
  new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))
).text()], { type: "text/javascript" })))).default;
let script;
export default {
  initialize({ model }) { script = load(model.get("script")); },
  async render(context) { return (await script).render(context); },
};
"""


def module() -> str:
    """What a kernel tells the browser to run: the script that a page brings, or where the server has it."""
    served = 'import(document.querySelector("link[data-gradprod]").href)'
    return f"export default async () => (await {served}).default;" if os.environ.get(SERVED) else CARRIED


def packed() -> bytes:
    """The script as a page brings it along: bytes, since as text it would be a third longer."""
    return b"" if os.environ.get(SERVED) else gzip.compress(source().encode(), 9, mtime=0)
