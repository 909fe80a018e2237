"""`python -m benchmarks`: the budgets as ratios, all measured in this one run. README.md says how."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# One thread for everybody, as in the app's kernel; numpy and torch read this when they are imported.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

from benchmarks import machine, table  # noqa: E402


def lesson_numbers(text: str) -> list[int]:
    """Lessons from text such as "3,4" or "2-5,11"."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not last)):
            raise argparse.ArgumentTypeError(
                f"lessons must be numbers such as 3,4 or 2-5, got {text!r}; name them by number"
            )
        found += range(int(first), int(last or first) + 1)
    return found


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    p.add_argument("--quick", action="store_true", help="few repeats: a look, not a measurement")
    p.add_argument("--only", choices=("library", "browser"), help="one half")
    p.add_argument(
        "--lessons", type=lesson_numbers, metavar="3,4", help="these lessons' pages (default: all)"
    )
    p.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this Markdown file")
    return p


def report(*, quick: bool, only: str | None, lessons: Sequence[int] | None) -> str:
    """Measure, and say it in Markdown."""
    before, parts = machine.load(), []
    browser_version = ""
    if only != "library":
        from benchmarks import browser, pages

        browser_version = browser.version()
        main, each = pages.measure(quick=quick, lessons=lessons)
        parts += ["### In the browser\n\n" + table.budgets(main)]
        if each:
            parts += ["### Every lesson\n\n" + table.by_page(each)]
    if only != "browser":
        from benchmarks import library

        parts += ["### The library\n\n" + table.budgets(library.rows(quick=quick))]
    head = machine.describe(before) + (f" {browser_version}." if browser_version else "")
    if quick:
        head += " **A quick look with few repeats.**"
    return "\n\n".join([head, *parts]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    given = parser().parse_args(arguments)
    text = report(quick=given.quick, only=given.only, lessons=given.lessons)
    print(text)
    if given.write:
        given.write.write_text(table.replace(given.write.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
