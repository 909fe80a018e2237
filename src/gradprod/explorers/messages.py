"""English texts that stand in declarations: what a catalogue must know besides the calls of gettext."""

from __future__ import annotations

from collections.abc import Iterator

from gradprod.explorers.controls import LAYERS, PICTURE, Choice, Interval, Picks
from gradprod.explorers.lessons import LESSONS
from gradprod.explorers.model import Action, Claim, Diagram, Explorer, Panel, Picture


def messages() -> set[str]:
    """Texts of the page, the strip and every lesson that are translated when they are shown.

    Returns
    -------
    set of str
        English, the keys of a catalogue.
    """
    from gradprod.explorers.page import LABELS

    found = set(LABELS.values()) | {entry.name for entry in LESSONS}
    for entry in LESSONS:
        if entry.home:
            found |= set(_of(entry.load()))
    return found - {"", LAYERS, PICTURE}


def _of(lesson: type[Explorer]) -> Iterator[str]:
    yield from (lesson.title, lesson.lead, lesson.readouts_title)
    for control in lesson.controls().values():
        yield from (control.label, control.title, control.group)
        if isinstance(control, Choice):
            yield from control.options.values()
        if isinstance(control, Interval):
            yield from control.words
        if isinstance(control, Picks):
            yield from (text for pair in control.options.values() for text in pair)
    for preset in lesson.presets:
        yield from (preset.label, preset.title)
    if (question := lesson.prediction) is not None:
        yield from (question.question, question.show, *(text for _, text in question.ends))
    for made in lesson.parts(Picture):
        yield from (made.title, made.hint)
    yield from (made.says for made in lesson.parts(Claim))
    yield from (made.title for kind in (Panel, Diagram) for made in lesson.parts(kind))
    yield from (made.label for made in lesson.parts(Action))
