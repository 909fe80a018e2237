"""The library's public names, and what importing them costs."""

import ast
import inspect
import subprocess
import sys

import gradprod
from gradprod import bptt, cells, inputs, products

FOREIGN = (
    "plotly",
    "ipywidgets",
    "anywidget",
    "traitlets",
    "voila",
    "babel",
    "IPython",
    "scipy",
    "pandas",
    "torch",
)


def test_importing_the_library_brings_numpy_alone():
    code = "import sys, gradprod; print(sorted({m.partition('.')[0] for m in sys.modules}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(ast.literal_eval(out))
    assert "numpy" in loaded
    assert not loaded & set(FOREIGN)
    # what numpy itself doesn't bring is the standard library's or ours
    base = subprocess.run(
        [sys.executable, "-c", code.replace("gradprod", "numpy.random")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {m for m in loaded - set(ast.literal_eval(base)) if m not in sys.stdlib_module_names} == {
        "gradprod"
    }


def test_what_the_packages_offer_is_public():
    kept_inside = {"Arrays", "Step", "MAX_BYTES", "MAX_LENGTH", "MAX_ROWS"}
    for package in (cells, inputs, products, bptt):
        assert set(package.__all__) - kept_inside <= set(gradprod.__all__), package.__name__


def test_every_public_name_is_there_once_and_documented():
    assert len(set(gradprod.__all__)) == len(gradprod.__all__)
    for name in gradprod.__all__:
        thing = getattr(gradprod, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
            assert thing.__module__.startswith("gradprod."), name
    public = {n for n, v in vars(gradprod).items() if not n.startswith("_") and not inspect.ismodule(v)}
    assert public == set(gradprod.__all__)
