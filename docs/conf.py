"""Sphinx configuration: an API reference from the docstrings, built without a network."""

import re
from importlib.metadata import version as installed

project = "gradprod"
version = release = installed("gradprod")
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
exclude_patterns = ["_build"]
default_role = "py:obj"
html_theme = "alabaster"
html_theme_options = {"description": "Exact gradient products of recurrent networks", "page_width": "1100px"}
html_show_sourcelink = False
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # numpydoc says shapes, which types can't
autodoc_member_order = "bysource"
numpydoc_show_class_members = False


def _keep_bars(app, what, name, obj, options, lines):
    """In these docstrings |x| is a magnitude, never a substitution."""
    for i, line in enumerate(lines):
        parts = re.split("(``.*?``)", line)
        lines[i] = "".join(p if p.startswith("``") else p.replace("|", r"\|") for p in parts)


def setup(app):
    app.connect("autodoc-process-docstring", _keep_bars, priority=1000)
