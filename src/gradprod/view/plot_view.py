"""The widget that draws a plotly figure, and what comes back from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from uuid import uuid4

import anywidget
import traitlets

from gradprod.i18n import gettext as _
from gradprod.view import plotly_js
from gradprod.view.codec import Wire, diff, pack, plain
from gradprod.view.pacer import FRAMES
from gradprod.view.scripts import plot_script, unpacked

KERNEL = uuid4().hex  # a page may show views of several kernels, and answers each for its own


@dataclass(frozen=True)
class Point:
    """A point of a figure that was clicked or is under the pointer.

    Parameters
    ----------
    curve : int
        Place of the trace in the figure.
    index : int or (int, int)
        Place of the point in the trace, (row, column) in a heatmap; None where plotly knows none.
    x, y, z : Any
        Its values as they were given, not as they were rounded for drawing.
    """

    curve: int
    index: int | tuple[int, int] | None
    x: Any
    y: Any
    z: Any = None
    uid: str | None = None


def _script() -> str:
    """The script as a module that unpacks it once a page: it travels with every view, a third as long."""
    script, name = plot_script()
    return f"""
const scripts = ((globalThis[Symbol.for("gradprod")] ??= {{}}).scripts ??= {{}});
const unpack = async () => await {unpacked(script)};
export default async () => (await (scripts["{name}"] ??= unpack())).default();
"""


class PlotView(anywidget.AnyWidget):
    """A plotly figure on the page: newest state only, arrays as bytes, zoom, legend and hover kept.

    Parameters
    ----------
    figure : plotly.graph_objects.Figure or dict, optional
        What to draw; a dict has ``"data"``, ``"layout"`` and, rarely, ``"config"``, with numpy arrays
        anywhere. Without ``width`` and ``height`` in its layout it fills the place that the page gives it.
    description : str
        What the picture shows, in a sentence, for those who can't see it.
    **kwargs : Any
        Further traits of a widget, such as ``layout``.

    Notes
    -----
    The trait ``size`` is (width, height) in pixels once a browser has made room for the view, (0, 0) before;
    observe it to fit a figure to its place.
    """

    _esm = _script()

    description = traitlets.Unicode()
    # Like _hover a trait that the page writes: ipywidgets keeps the newest and waits for the kernel.
    size = traitlets.Tuple(traitlets.Int(), traitlets.Int(), default_value=(0, 0)).tag(
        sync=True, echo_update=False
    )
    _hover = traitlets.Any().tag(sync=True, echo_update=False)

    # Never assigned: it is read when a page asks for everything. What changes later travels as messages.
    _state = traitlets.Any().tag(sync=True, to_json=lambda _, view: view._everything())

    def __init__(self, figure: Any = None, *, description: str = "", **kwargs: Any) -> None:
        self._id = uuid4().hex
        self._figure = {} if figure is None else figure
        self._sent = self._tree = _tree(self._figure)
        self._number = 0
        self._awaited = True
        self._clicked: list[Callable[[Point], object]] = []
        self._hovered: list[Callable[[Point | None], object]] = []
        self._told = _facts(description, False)
        super().__init__(description=description, model_id=self._id, **kwargs)
        self.on_msg(self._answer)

    def show(self, figure: Any, description: str | None = None, *, awaited: bool = True) -> None:
        """Draw ``figure`` in place of the last one; only what differs is sent.

        Parameters
        ----------
        figure : plotly.graph_objects.Figure or dict
            As in the constructor.
        description : str, optional
            The sentence that goes with it; without, the last one stays.
        awaited : bool
            Whether a `Pacer` computes nothing new before a browser has taken this picture.

        Raises
        ------
        TypeError
            If ``figure`` is no figure; the last one stays on the page.
        """
        self._tree = _tree(figure)
        self._figure = figure
        self._awaited = awaited
        if description is not None:
            self.description = description
        self._tell()

    def on_click(self, call: Callable[[Point], object]) -> None:
        """Have a function called whenever a point is clicked or tapped.

        Parameters
        ----------
        call : callable
            Takes a `Point`.
        """
        self._clicked.append(call)

    def on_hover(self, call: Callable[[Point | None], object]) -> None:
        """Have a function called with the newest point under the pointer.

        Parameters
        ----------
        call : callable
            Takes a `Point`, or None when the pointer has left.
        """
        self._hovered.append(call)
        self._tell()

    def again(self) -> None:
        """Send the whole picture, for a page that has missed something."""
        state = self._everything()
        self.send(state, state.pop("buffers"))

    def close(self) -> None:
        """Take the view off every page."""
        FRAMES.forget(self._id)
        super().close()

    @traitlets.observe("description")
    def _describe(self, change: Any) -> None:
        self._tell()

    @traitlets.observe("_hover")
    def _report_hover(self, change: Any) -> None:
        point = None if change.new is None else self._point(change.new)
        for call in self._hovered:
            call(point)

    def _tell(self) -> None:
        """Send what the page doesn't know yet, if anything."""
        wire = Wire()
        changes = wire.changes(diff(self._sent, self._tree))
        facts = _facts(self.description, bool(self._hovered))
        news = {k: v for k, v in facts.items() if v != self._told[k]}
        if not changes and not news:
            return
        self._sent, self._told = self._tree, facts
        self._number += 1
        if self._awaited:
            FRAMES.sent(self._id, self._number)
        elif changes:
            news["awaited"] = False
        self.send({"n": self._number, "set": changes, "arrays": wire.arrays, **news}, wire.buffers)

    def _everything(self) -> dict[str, Any]:
        """The whole state, for a page that knows nothing or has missed something."""
        wire = Wire()
        return {
            "id": self._id,
            "kernel": KERNEL,
            "plotly": plotly_js.version(),
            "n": self._number,
            "figure": wire.put(self._sent),
            "arrays": wire.arrays,
            "buffers": wire.buffers,
            **self._told,
        }

    def _answer(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
        """Take a message from the page."""
        if "taken" in message:
            FRAMES.taken(message["taken"])
        if "click" in message:
            point = self._point(message["click"])
            for call in self._clicked:
                call(point)
        if message.get("want") == "figure":
            self.again()
        if message.get("want") == "plotly":
            self.send({"plotly": plotly_js.version()}, [plotly_js.compressed()])

    def _point(self, seen: dict[str, Any]) -> Point:
        """The point that the page means, with the values that it was drawn from."""
        index: Any = seen.get("index")
        row, column = index if isinstance(index, list) else (index, index)
        try:
            trace = self._figure["data"][seen["curve"]]
        except LookupError:  # another figure is shown by now
            trace = {}

        def given(key: str, *place: Any) -> Any:
            try:
                value = trace[key]
                for i in place:
                    value = value[i]
            except (KeyError, IndexError, TypeError, ValueError):
                return seen.get(key)
            return value.item() if hasattr(value, "item") else value

        return Point(
            curve=seen["curve"],
            index=(row, column) if isinstance(index, list) else index,
            x=given("x", column),
            y=given("y", row),
            z=given("z", row, column) if isinstance(index, list) else given("z", row),
            uid=given("uid"),
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The live widget, and for pages without a kernel the figure, or at least what it shows."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        hint = _("Open this notebook in JupyterLab and run it to see the picture.")
        data["application/vnd.plotly.v1+json"] = plain(self._tree)
        data["text/html"] = (
            f"<figure><figcaption>{escape(self.description)} <em>{escape(hint)}</em></figcaption></figure>"
        )
        return data, metadata


def _facts(description: str, hover: bool) -> dict[str, Any]:
    """What a page knows apart from the figure: sentences, and whether to report the pointer."""
    lost = _(
        "The picture can't be drawn: plotly.js did not arrive. "
        "Try again; if that doesn't help, reload the page."
    )
    broken = _("The picture can't be drawn: {reason}")
    return {
        "description": description,
        "hover": hover,
        "words": {"lost": lost, "broken": broken, "again": _("Try again")},
    }


def _tree(figure: Any) -> dict[str, Any]:
    """The figure as `pack` makes it, with everything that a page relies on."""
    if not isinstance(figure, Mapping) and not hasattr(figure, "to_dict"):
        raise TypeError(
            "figure must be a plotly.graph_objects.Figure or a dict with its data and layout, "
            f"got {type(figure).__name__}; go.Figure(...) makes one of traces"
        )
    tree = {"data": [], "layout": {}, "config": {}, **pack(figure)}
    for key, kind in (("data", list), ("layout", dict), ("config", dict)):
        if not isinstance(tree[key], kind):
            raise TypeError(
                f"figure[{key!r}] must be a {kind.__name__}, got {type(tree[key]).__name__}; "
                "see plotly's documentation of figures"
            )
    return tree
