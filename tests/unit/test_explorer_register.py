"""The register of claims, beside the numbers that were computed independently of this project."""

import re

from gradprod.explorers.register import Entry, as_rst, register
from gradprod.words import plain

ENTRIES: dict[int, list[Entry]] = {}
for entry in register():
    ENTRIES.setdefault(entry.number, []).append(entry)


def why(number: int) -> str:
    return " ".join(plain(e.judgement.why) for e in ENTRIES[number])


def marks(number: int) -> set[str]:
    return {e.judgement.mark for e in ENTRIES[number]}


def test_every_claim_but_those_of_training_and_memory_stands_in_its_lesson() -> None:
    elsewhere = {13, 20, 25, 27, 29, 32}
    assert set(range(1, 36)) - elsewhere <= set(ENTRIES)


def test_verdicts_are_those_of_the_measurements() -> None:
    for number in (4, 16, 23, 28, 30, 35):
        assert marks(number) == {"true"}, number
    for number in (5, 7, 8, 12, 21, 31, 33):
        assert marks(number) == {"false"}, number


def test_the_numbers_are_those_computed_elsewhere() -> None:
    assert "400 at lag 5" in why(5)  # 401, said with two digits
    assert "10⁻¹⁰⁰" in why(6)
    assert re.search(r"78 % is near 0, 1 % near 1 and 20 % between", why(8))
    assert re.search(r"10⁻¹⁹[⁸⁹]", why(12))
    assert "4.5·10⁻⁵" in why(12) or "4.3·10⁻⁵" in why(12)
    assert "0.4477, at c = 0.7717" in why(23)
    assert "0.0066" in why(34)
    assert re.search(r"10⁻²¹", why(28))


def test_the_page_lists_them_all() -> None:
    page = as_rst()
    assert page.count("    * - ") == 1 + sum(len(found) for found in ENTRIES.values())
