"""The API reference builds from the docstrings with no warning, and names what there is."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gradprod

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_builds_without_a_warning(tmp_path):
    pytest.importorskip("sphinx", reason="sphinx is not installed")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-E",
        "-d",
        str(tmp_path / "trees"),
    ]
    build = subprocess.run([*command, str(DOCS), str(tmp_path / "html")], capture_output=True, text=True)
    assert build.returncode == 0, build.stderr
    page = (tmp_path / "html" / "api" / "gradprod.gradient_product.html").read_text()
    assert "∂S_t/∂S_k" in page
    equations = (tmp_path / "html" / "api" / "gradprod.ScalarLSTM.html").read_text()
    assert "h_t = o_t tanh(c_t)\n</pre>" in equations
    for path in (tmp_path / "html").rglob("*.html"):
        assert not re.search(r'(src="|<link [^>]*href=")(https?:)?//', path.read_text()), path


def test_every_public_function_and_record_is_in_the_reference():
    listed = set(re.findall(r"^    (\w+)$", (DOCS / "library.rst").read_text(), re.MULTILINE))
    public = {name for name in gradprod.__all__ if callable(getattr(gradprod, name))}
    assert public - listed == set()
    assert listed - set(gradprod.__all__) == set()
    data = set(re.findall(r"^\.\. data:: (\w+)$", (DOCS / "library.rst").read_text(), re.MULTILINE))
    assert data == set(gradprod.__all__) - public


def test_the_table_of_letters_names_every_parameter_of_every_cell():
    table = (DOCS / "names.rst").read_text()
    named = set(re.findall(r"``(\w+)``", table))
    for cell in gradprod.CELLS:
        assert set(cell.enters) - named == set()
    rows = re.findall(r"^    \* - .*\n      - (.*)$", table, re.MULTILINE)
    here = {name for row in rows for name in re.findall(r"``(\w+)``", row)}
    parameters = {name for cell in gradprod.CELLS for name in cell.enters}
    others = {"inputs", "initial_state", "activation", "state_activation", "reset", "sign", "log"}
    assert here - parameters - others == set()
    for owner, attribute in re.findall(r"``([A-Z]\w+)\.(\w+)``", table):
        record = getattr(gradprod, owner)
        assert attribute in {f.name for f in dataclasses.fields(record)} | set(vars(record))
