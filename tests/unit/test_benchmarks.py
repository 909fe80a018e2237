"""The benchmarks' tables and command line; nothing is timed here."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.__main__ import lesson_numbers, parser  # noqa: E402
from benchmarks.table import BEGIN, END, Row, budgets, by_page, number, replace  # noqa: E402


def line(row: Row) -> list[str]:
    return [cell.strip() for cell in budgets([row]).splitlines()[2].strip("|").split(" | ")]


def test_ratio_within_its_budget() -> None:
    row = Row(what="sweep", measured=12, unit="ms", reference=10, against="bare loop", budget=1.5)
    assert line(row) == ["sweep", "12.0 ms", "10.0 ms bare loop", "1.20 ×", "≤ 1.50 ×", "yes"]


def test_ratio_beyond_its_budget_says_by_how_much() -> None:
    row = Row(what="sweep", measured=30, unit="ms", reference=10, against="bare loop", budget=1.5)
    assert line(row)[3:] == ["3.00 ×", "≤ 1.50 ×", "**no, off by 2.00 ×**"]


def test_speedup_divides_the_other_way_round() -> None:
    row = Row(what="product", measured=2, unit="ms", reference=50, budget=20, kind="speedup")
    assert line(row)[3:] == ["25.0 ×", "≥ 20.0 × faster", "yes"]
    row = Row(what="product", measured=5, unit="ms", reference=50, budget=20, kind="speedup")
    assert line(row)[3:] == ["10.0 ×", "≥ 20.0 × faster", "**no, off by 2.00 ×**"]


def test_at_least_half() -> None:
    row = Row(what="drag", measured=10, reference=40, budget=0.5, kind="at least")
    assert line(row)[3:] == ["0.250 ×", "≥ 0.500 ×", "**no, off by 2.00 ×**"]


def test_budget_without_a_reference_is_about_the_measurement() -> None:
    row = Row(what="websocket", measured=75.04, unit="KB", budget=150)
    assert line(row) == ["websocket", "75.0 KB", "", "", "≤ 150 KB", "yes"]


def test_skipped_row_gives_its_reason() -> None:
    row = Row(what="product", budget=20, kind="speedup", skipped="torch is not installed")
    assert line(row)[1:] == ["", "", "", "≥ 20.0 × faster", "skipped: torch is not installed"]


def test_pages_side_by_side() -> None:
    def page(budget: float | None) -> list[Row]:
        return [
            Row(what="load", measured=20, unit="KB", budget=budget),
            Row(what="key", measured=5, unit="ms"),
        ]

    table = by_page([("floor", page(None)), ("lesson 3", page(10))]).splitlines()
    assert table[0] == "| page | load, ≤ 10.0 KB | key |"
    assert table[2:] == [
        "| floor | 20.0 KB | 5.00 ms |",
        "| lesson 3 | **20.0 KB ✗ off by 2.00 ×** | 5.00 ms |",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234.4, "1234"),
        (12.345, "12.3"),
        (0.05, "0.0500"),
        (3.21e-10, "3.2e-10"),
        (float("nan"), "–"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_replace_keeps_what_is_around_the_markers() -> None:
    assert replace(f"head\n{BEGIN}\nold\n{END}\ntail\n", "new\n\n") == f"head\n{BEGIN}\nnew\n{END}\ntail\n"


@pytest.mark.parametrize("document", ["", BEGIN, f"{END} {BEGIN}", f"{BEGIN}{BEGIN}{END}"])
def test_replace_needs_both_markers(document: str) -> None:
    with pytest.raises(ValueError, match=r"the document must hold .* once each; add both lines"):
        replace(document, "new")


def test_readme_has_a_place_for_the_table() -> None:
    text = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert "\nnew table\n" in replace(text, "new table")


def test_lessons_by_number() -> None:
    assert lesson_numbers("3") == [3]
    assert lesson_numbers("3,4") == [3, 4]
    assert lesson_numbers("2-4, 11") == [2, 3, 4, 11]
    for text in ("", "x", "3,", "3-x"):
        with pytest.raises(ArgumentTypeError, match="lessons must be numbers such as 3,4 or 2-5, got"):
            lesson_numbers(text)


def test_command_line() -> None:
    given = parser().parse_args(["--quick", "--only", "browser", "--lessons", "3,4", "--write", "x.md"])
    assert (given.quick, given.only, given.lessons, given.write) == (True, "browser", [3, 4], Path("x.md"))
    assert vars(parser().parse_args([])) == {"quick": False, "only": None, "lessons": None, "write": None}
