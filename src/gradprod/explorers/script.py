"""The script of a page: one module with its style sheet and the script that draws in it."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

from gradprod.view.scripts import bare, plot_script, unpacked

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


@cache
def module() -> str:
    """What a kernel tells the browser to run: the script, or where the page has it from."""
    served = 'import(document.querySelector("link[data-gradprod]").href)'
    found = served if os.environ.get(SERVED) else unpacked(source())
    return f"export default async () => (await {found}).default;"
