"""Every claim of the lessons, judged now by the library at the settings that test it."""

from __future__ import annotations

from dataclasses import dataclass

from gradprod.explorers.lessons import LESSONS
from gradprod.explorers.model import MARKS, Claim, Judgement
from gradprod.words import plain


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A claim with where it is made, where it is tested, and what the test said just now."""

    number: int
    says: str
    articles: str
    lesson: int
    title: str
    judgement: Judgement
    query: str

    @property
    def verdict(self) -> str:
        """The mark and its words."""
        return f"{MARKS[self.judgement.mark]} {self.judgement.tag}"


def register() -> list[Entry]:
    """All claims by number, each computed anew.

    Returns
    -------
    list of Entry
        A claim that two lessons test stands there twice.
    """
    found = []
    for place in LESSONS:
        if not place.home:
            continue
        lesson = place.load()
        for claim in lesson.parts(Claim):
            model = lesson()
            model.start_from(claim.test)
            found.append(
                Entry(
                    number=claim.number,
                    says=claim.says,
                    articles=claim.articles,
                    lesson=lesson.number,
                    title=lesson.title,
                    judgement=claim.judge(model),
                    query=model.query(),
                )
            )
    return sorted(found, key=lambda entry: (entry.number, entry.lesson))


def as_rst() -> str:
    """The register as a page of reStructuredText."""
    lines = [
        "Claims, measured",
        "================",
        "",
        "What five popular articles say of vanishing gradients, in our words, and what measurement says.",
        "Every number was computed by the library when this page was built, at the settings that the card’s",
        "*Test it* button sets.",
        "",
        ".. list-table::",
        "    :header-rows: 1",
        "    :widths: 4 30 10 12 44",
        "",
        "    * - no.",
        "      - claim (article)",
        "      - lesson",
        "      - verdict",
        "      - measured",
    ]
    for e in register():
        cells = (
            str(e.number),
            f"{plain(e.says)} ({e.articles})",
            f"{e.lesson} {e.title}",
            e.verdict,
            plain(e.judgement.why),
        )
        for k, text in enumerate(cells):
            lines.append(("    * - " if k == 0 else "      - ") + _literal(text))
    return "\n".join([*lines, ""])


def _literal(text: str) -> str:
    for sign in "\\*`|_":
        text = text.replace(sign, "\\" + sign)
    return text
