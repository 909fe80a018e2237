"""A folded answer in a notebook, its numbers computed when the notebook runs."""

from __future__ import annotations

from dataclasses import dataclass

from gradprod.i18n import gettext as _


@dataclass(frozen=True)
class Answer:
    """An answer that the reader unfolds after having tried.

    Parameters
    ----------
    text : str
        HTML; the numbers in it come from the library.
    """

    text: str

    def _repr_html_(self) -> str:
        return f"<details><summary>{_('Answer')}</summary><p>{self.text}</p></details>"
