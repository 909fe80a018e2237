"""What a fresh machine gets: package lists, README and notebooks."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
NOTEBOOKS = sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("src/gradprod/serve/pages/*.ipynb")])


def test_conda_and_pip_install_the_same_packages():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    packages = [line for line in conda if isinstance(line, str)]
    assert set(packages) - {"pip"} == {
        f"python{PROJECT['project']['requires-python']}",
        *PROJECT["project"]["dependencies"],
    }
    assert [line for line in conda if isinstance(line, dict)] == [{"pip": ["-e ."]}]


def test_the_readme_has_one_command_to_start_and_one_to_test():
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert [block.count("\n") for block in blocks] == [1, 1]
    start, test = blocks
    assert start.rstrip().endswith("&& .venv/bin/gradprod")
    assert "pytest" in test


def test_the_commands_of_the_readme_exist():
    assert PROJECT["project"]["scripts"] == {"gradprod": "gradprod.serve.command:main"}
    assert "test" in PROJECT["project"]["optional-dependencies"]
    for path in re.findall(r"\]\(([^)]*)\)|`(\.ci/run)`", README):
        assert (ROOT / "".join(path)).exists(), path


def test_the_python_of_the_readme_runs(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, {})
        printed = re.search(r"print\(.*#  ?(.*)", block)
        if printed:
            assert capsys.readouterr().out.strip() == printed[1]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_stripped(path):
    for cell in json.loads(path.read_text())["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs(path):
    book = nbformat.read(path, as_version=4)
    NotebookClient(
        book, timeout=600, kernel_name="python3", resources={"metadata": {"path": path.parent}}
    ).execute()
    for cell in book.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output["text"]
