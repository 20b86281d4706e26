"""Fixtures of the tests of the page and the API: one real server a worker, a client, a watched browser page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from tests.web.browser.harness import CHROMIUM_WORDS, STATIC, Watch, chromium, need, watched
from tests.web.running import Server, running


class OpenPage(Protocol):
    """How the fixture ``open_page`` is called."""

    def __call__(
        self, *, language: str = "en", theme: str = "light", width: int = 1440, height: int = 900
    ) -> tuple[Page, Watch]: ...


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with a store of its own; ``server.url`` is its address. It must end in order."""
    with running(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[httpx.Client]:
    """A client of the server's API: ``api.post("/estimate", json={...})``."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium; of a module, since playwright's loop must not run while another module starts its own."""
    need(chromium(), "chromium is not installed (Debian: apt-get install chromium), and ACCORD_CHROMIUM names none")
    need((STATIC / "index.html").is_file(), "the page is not built: python3 do.py page")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_WORDS))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Iterator[OpenPage]:
    """Open pages in contexts of their own; at the end of the test what went wrong on any of them fails it."""
    with ExitStack() as stack:

        def opening(
            *, language: str = "en", theme: str = "light", width: int = 1440, height: int = 900
        ) -> tuple[Page, Watch]:
            return stack.enter_context(
                watched(browser, server.url, language=language, theme=theme, width=width, height=height)
            )

        yield opening


@pytest.fixture
def watched_page(open_page: OpenPage) -> tuple[Page, Watch]:
    """A page, English and light, 1440 pixels wide, and the watch on it: ``watch.allow("status of 422")``."""
    return open_page()


@pytest.fixture
def page(watched_page: tuple[Page, Watch]) -> Page:
    """The page of ``watched_page``; fails on requests elsewhere, console errors, refused styles and scripts."""
    return watched_page[0]


@pytest.fixture
def watch(watched_page: tuple[Page, Watch]) -> Watch:
    """The watch on ``page``."""
    return watched_page[1]
