"""A real Chromium and what it visits: the app by its own command, any cell under Voilà or in JupyterLab.

Without a Chromium these tests are skipped, saying so; where GRADPROD_REQUIRE_BROWSER=1 they fail instead.
GRADPROD_CHROMIUM names a browser that isn't on the PATH.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, TimeoutError, expect, sync_playwright
from visits import PATIENCE, Problems, free_port, leave, notebook, running, wait_for

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # the network cable is out
]
VIEWPORT = {"width": 1400, "height": 900}

expect.set_options(timeout=1000 * PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the browser's tests, and put them last: Playwright's event loop stays in the main thread."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: here in item.path.parents)


def find_chromium() -> str | None:
    """Path of the Chromium to drive, None where there is none."""
    named = os.environ.get("GRADPROD_CHROMIUM")
    return named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    path = find_chromium()
    if path is None:
        reason = f"no Chromium: none of {', '.join(CHROMIUM_NAMES)} on the PATH and GRADPROD_CHROMIUM not set"
        if os.environ.get("GRADPROD_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def problems() -> Iterator[Problems]:
    """The problems of this test's page, empty at its end."""
    problems = Problems()
    yield problems
    assert not problems


@pytest.fixture(scope="session")
def fresh(browser: Browser) -> Callable[..., Page]:
    """`fresh(**options)`: a page in a browser that has been nowhere yet."""

    def page(**options: Any) -> Page:
        context = browser.new_context(**{"viewport": VIEWPORT, **options})
        context.set_default_timeout(1000 * PATIENCE)
        return context.new_page()

    return page


@pytest.fixture
def visit(fresh: Callable[..., Page], problems: Problems) -> Iterator[Callable[..., Page]]:
    """`visit(**options)`: a fresh page, its problems watched; left at the end."""
    pages: list[Page] = []

    def page(**options: Any) -> Page:
        pages.append(fresh(**options))
        problems.watch(pages[-1])
        return pages[-1]

    yield page
    problems.watching = False
    for page_left in pages:
        leave(page_left)


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    """A page on a desk."""
    return visit()


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the app, started by its own command."""
    log, port = tmp_path_factory.mktemp("app") / "log.txt", free_port()
    with running("-m", "gradprod.serve.command", "--no-browser", "--port", str(port), log=log) as process:
        wait_for(f"http://127.0.0.1:{port}/healthz", process, log)
        yield f"http://127.0.0.1:{port}/"


SERVE = """
import sys
from pathlib import Path
from gradprod.serve.command import listen
from gradprod.serve.server import serve
serve(listen("127.0.0.1", int(sys.argv[1])), notebook=Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """`voila(*cells)`: address at which our server shows these cells; kept for the module."""
    urls: dict[tuple[str, ...], str] = {}
    with contextlib.ExitStack() as stack:

        def url(*cells: str) -> str:
            if cells not in urls:
                folder, port = tmp_path_factory.mktemp("voila"), free_port()
                (folder / "page.ipynb").write_text(notebook(*cells, kernel="gradprod"))
                arguments = ("-c", SERVE, str(port), str(folder / "page.ipynb"))
                process = stack.enter_context(running(*arguments, log=folder / "log.txt"))
                wait_for(f"http://127.0.0.1:{port}/healthz", process, folder / "log.txt")
                urls[cells] = f"http://127.0.0.1:{port}/"
            return urls[cells]

        yield url


@pytest.fixture(scope="session")
def lab_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the JupyterLab server shows."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def lab_url(lab_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a JupyterLab server without login on `lab_folder`."""
    home, port = tmp_path_factory.mktemp("home"), free_port()
    settings = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (home / "labconfig").mkdir()
    (home / "labconfig" / "page_config.json").write_text(json.dumps(settings))
    arguments = (
        *(
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
        ),
        *("--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={lab_folder}"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    )
    places = {
        "JUPYTER_CONFIG_DIR": str(home),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    log = home / "log.txt"
    with running(*arguments, log=log, **places) as process:
        wait_for(f"http://127.0.0.1:{port}/api", process, log)
        yield f"http://127.0.0.1:{port}/"


@pytest.fixture
def lab(lab_url: str, lab_folder: Path, page: Page) -> Callable[..., Page]:
    """`lab(*cells)`: the page with a notebook of these cells open in JupyterLab, all of them run."""

    def open_notebook(*cells: str) -> Page:
        name = f"page{len(list(lab_folder.iterdir()))}.ipynb"
        (lab_folder / name).write_text(notebook(*cells, kernel="python3"))
        page.goto(f"{lab_url}doc/tree/{name}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        page.get_by_text(re.compile(r"\| Idle$")).wait_for()
        started = page.locator(".jp-InputArea-prompt", has_text=re.compile(r"\[[*\d]")).first
        for _ in range(20):  # JupyterLab drops the command while it is still connecting
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_text("Run All Cells", exact=True).click()
            with contextlib.suppress(TimeoutError):
                started.wait_for(timeout=3_000)
                return page
            page.keyboard.press("Escape")  # its question which kernel to take
        raise AssertionError("JupyterLab does not run the cells")

    return open_notebook
