"""Sentences: English is the key, a catalogue changes them, an unknown language is refused."""

import pytest

from gradprod import i18n

CATALOGUE = """
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "{n} % is left"
msgstr "es bleiben {n} %"

msgid "{n} step"
msgid_plural "{n} steps"
msgstr[0] "{n} Schritt"
msgstr[1] "{n} Schritte"
"""


@pytest.fixture
def german(tmp_path, monkeypatch):
    (tmp_path / "de.po").write_text(CATALOGUE.strip(), encoding="utf-8")
    monkeypatch.setattr(i18n, "FOLDER", tmp_path)
    i18n.languages.cache_clear()
    i18n._catalogue.cache_clear()
    yield
    i18n.languages.cache_clear()
    i18n._catalogue.cache_clear()


def test_english_is_the_key():
    assert i18n.gettext("{n} % is left", n=3) == "3 % is left"
    assert i18n.gettext(r"\frac{a}{b}") == r"\frac{a}{b}"


def test_a_catalogue_changes_the_sentence_within_its_block_only(german):
    assert i18n.languages() == ("en", "de")
    with i18n.language("de"):
        assert i18n.current_language() == "de"
        assert i18n.gettext("{n} % is left", n=3) == "es bleiben 3 %"
        assert i18n.ngettext("{n} step", "{n} steps", 1, n=1) == "1 Schritt"
        assert i18n.ngettext("{n} step", "{n} steps", 1.5, n=1.5) == "1.5 Schritte"
        with i18n.language("en"):
            assert i18n.gettext("{n} % is left", n=3) == "3 % is left"
    assert i18n.gettext("{n} % is left", n=3) == "3 % is left"


def test_a_sentence_without_a_translation_stays_english(german):
    with i18n.language("de"):
        assert i18n.gettext("holds") == "holds"


def test_an_unknown_language_is_refused():
    with (
        pytest.raises(ValueError, match=r"language must be one of \"en\".*, got 'xx'; add locale/xx.po"),
        i18n.language("xx"),
    ):
        pass
