"""The machine that measured, in a few lines."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "voila", "ipywidgets", "anywidget", "plotly", "ipykernel", "torch")


def packages() -> str:
    """Names and versions of the packages that matter here, as far as installed."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def processor() -> str:
    """What the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), platform.machine())


def revision() -> str:
    """The commit that was measured, with a plus where files differ from it; nothing outside a repository."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "..") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def load() -> str:
    """How many processes wanted a core in the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def describe(load_before: str) -> str:
    """One paragraph: when, on what, with which versions."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {revision() or 'unknown'}: {os.cpu_count()} × {processor()}, "
        f"{platform.system()}, Python {platform.python_version()}, {packages()}. "
        f"Load before {load_before}, after {load()} (the browser itself is in the second)."
    )
