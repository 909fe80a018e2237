"""The widget that draws: any plotly figure, through plotly.js once a page, newest state only."""

from importlib import import_module
from typing import Any

__all__ = ["Pacer", "PlotView", "Point"]

_HOMES = {"Pacer": "pacer", "PlotView": "plot_view", "Point": "plot_view"}


def __getattr__(name: str) -> Any:
    # The Jupyter server imports this package for its route alone, without any widget.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
