"""Every sentence that a reader sees passes through here; English is the key."""

from __future__ import annotations

import gettext as catalogues
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

FOLDER = Path(__file__).parent / "locale"
"""One catalogue a language: ``locale/<code>.po``."""

_language: ContextVar[str] = ContextVar("language", default="en")


@cache
def languages() -> tuple[str, ...]:
    """Codes of the languages that there are catalogues for, English first."""
    return ("en", *sorted(file.stem for file in FOLDER.glob("*.po")))


def current_language() -> str:
    """Code of the language that sentences are made in at this moment."""
    return _language.get()


@contextmanager
def language(code: str) -> Iterator[None]:
    """Make sentences in another language within a ``with`` block.

    Parameters
    ----------
    code : str
        One of `languages`.

    Raises
    ------
    ValueError
        If there is no catalogue for `code`.
    """
    if code not in languages():
        known = ", ".join(f'"{name}"' for name in languages())
        raise ValueError(
            f"language must be one of {known}, got {code!r}; add locale/{code}.po to have another"
        )
    token = _language.set(code)
    try:
        yield
    finally:
        _language.reset(token)


@cache
def _catalogue(code: str) -> catalogues.NullTranslations:
    if code == "en":
        return catalogues.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with (FOLDER / f"{code}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return catalogues.GNUTranslations(compiled)


def gettext(message: str, /, **values: object) -> str:
    """A sentence in the current language, with ``{name}`` replaced by the values given.

    Parameters
    ----------
    message : str
        The English sentence.
    **values : object
        What stands for each ``{name}``; without any, braces in the sentence stay as they are.
    """
    text = _catalogue(_language.get()).gettext(message)
    return text.format(**values) if values else text


def ngettext(singular: str, plural: str, n: float, /, **values: object) -> str:
    """As `gettext`, by the plural rule of the current language for the number `n`.

    A number that isn't whole takes the plural, as in “1.5 steps”.
    """
    count = int(n) if n == int(n) else 2
    return _catalogue(_language.get()).ngettext(singular, plural, count).format(**values)
