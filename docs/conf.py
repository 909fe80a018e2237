"""Sphinx configuration: an API reference from the docstrings, built without a network."""

import re
from importlib.metadata import version as installed
from pathlib import Path

project = "gradprod"
version = release = installed("gradprod")
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates"]
default_role = "py:obj"
html_theme = "alabaster"
html_theme_options = {"description": "Exact gradient products of recurrent networks", "page_width": "1100px"}
html_show_sourcelink = False
autodoc_typehints = "none"  # numpydoc says shapes, which types can't
autodoc_member_order = "bysource"
numpydoc_show_class_members = False


def _set_equations(app, what, name, obj, options, lines):
    """An indented block after a paragraph is an equation: it keeps its lines, as a literal block does."""
    for i in range(len(lines) - 1, 0, -1):
        above = [line for line in lines[:i] if line]
        if re.fullmatch("-{3,}", lines[i]) or not above:
            continue
        if lines[i].startswith("    ") and not lines[i - 1] and not above[-1].startswith((" ", "-", "..")):
            lines[i:i] = ["::", ""]


def _keep_bars(app, what, name, obj, options, lines):
    """In these docstrings |x| is a magnitude, never a substitution."""
    literal = False
    for i, line in enumerate(lines):
        literal = line.strip() == "::" or (literal and (not line or line.startswith(" ")))
        if not literal:
            parts = re.split("(``.*?``)", line)
            lines[i] = "".join(p if p.startswith("``") else p.replace("|", r"\|") for p in parts)


def _write_claims(app):
    """The register of claims, computed now: it can't go stale."""
    from gradprod.explorers.register import as_rst

    page = Path(app.srcdir) / "api" / "claims.rst"
    page.parent.mkdir(exist_ok=True)
    page.write_text(as_rst(), encoding="utf-8")


def setup(app):
    app.connect("builder-inited", _write_claims, priority=100)
    app.connect("autodoc-process-docstring", _set_equations, priority=100)  # before numpydoc
    app.connect("autodoc-process-docstring", _keep_bars, priority=1000)  # after it
