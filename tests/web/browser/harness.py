"""What every test of the page shares: a watched browser page, axe, and pictures to look at."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "src" / "accord" / "web" / "static"
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM_WORDS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGES = ("plan", "compare", "supernode", "simulate", "train", "policy", "claims", "catalog", "accuracy")
WIDTHS = (1440, 1024, 390)
LOCALES = {"en": "en-US", "zh": "zh-CN"}
INLINE = ("data", "blob", "about")


def chromium() -> str | None:
    """Path of the browser: ``ACCORD_CHROMIUM``, else ``chromium`` of the path; None where there is none."""
    return os.environ.get("ACCORD_CHROMIUM") or shutil.which("chromium")


def need(there: object, reason: str) -> None:
    """Skip a test whose needs are not there; in continuous integration that is a failure."""
    if there:
        return
    if "ACCORD_CI" in os.environ:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


# What may not happen on a page


@dataclass
class Watch:
    """Everything that went wrong on the pages of a context.

    base: the only origin that may be asked; problems: one line each; allowed: patterns of lines that a test expects
    """

    base: str
    problems: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Expect lines that match a regular expression, such as ``status of 422`` where a test asks nonsense."""
        self.allowed.append(pattern)

    def follow(self, page: Page) -> None:
        """Listen to a page from now on."""
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("crash", lambda _: self.problems.append("the page crashed"))

    def check(self) -> None:
        """AssertionError with every line that no test allowed."""
        left = [line for line in self.problems if not any(re.search(pattern, line) for pattern in self.allowed)]
        assert not left, "the page did what it may not:\n" + "\n".join(dict.fromkeys(left))

    def _request(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in INLINE and f"{asked.scheme}://{asked.netloc}" != self.base:
            self.problems.append(f"request to another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page took its own question back, or a download began
            self.problems.append(f"request failed: {request.url}: {request.failure}")

    def _console(self, message: ConsoleMessage) -> None:
        policy = "Content Security Policy" in message.text
        if message.type in ("error", "assert") or (message.type == "warning" and policy):
            self.problems.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")


@contextlib.contextmanager
def watched(
    browser: Browser,
    base: str,
    *,
    language: str = "en",
    theme: str = "light",
    width: int = 1440,
    height: int = 900,
) -> Iterator[tuple[Page, Watch]]:
    """A new page of a new context whose misdeeds fail the block at its end.

    language: ``en`` or ``zh``, that of the browser; theme: ``light`` or ``dark``, that of the system;
    width, height: of the window [pixels]
    """
    context: BrowserContext = browser.new_context(
        base_url=base,
        locale=LOCALES[language],
        timezone_id="UTC",
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        viewport={"width": width, "height": height},
        accept_downloads=True,
    )
    watch = Watch(base)
    context.on("page", watch.follow)
    try:
        yield context.new_page(), watch
    finally:
        context.close()
    watch.check()


# What a page must be


def opened(page: Page, address: str, *, idle: bool = True) -> None:
    """Go to an address, such as ``/plan?lang=zh``, and wait until the page has drawn its title.

    idle: wait also until it has asked nothing for half a second; a page that keeps a stream open never is, so wait for
        what you need on it instead
    """
    answer = page.goto(address)
    assert answer is not None and answer.status == 200, f"{address}: {answer.status if answer else 'no answer'}"
    page.get_by_role("heading", level=1).first.wait_for()
    if idle:
        page.wait_for_load_state("networkidle")


def axe(page: Page, *, leave_out: Sequence[str] = ()) -> None:
    """AssertionError unless axe-core finds nothing wrong with the page as it stands.

    leave_out: CSS selectors of parts that are not looked at; give a reason where you use it
    """
    need(AXE.is_file(), "axe-core is not installed: python3 do.py page")
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))  # through the debugger: the page's policy refuses a script tag
    context = {"exclude": [[one] for one in leave_out]} if leave_out else None
    found = page.evaluate(
        """async (context) => {
            const result = await axe.run(context ?? document, {resultTypes: ['violations']});
            return result.violations.map((one) => ({
                rule: one.id, help: one.help, impact: one.impact,
                where: one.nodes.slice(0, 5).map((node) => node.target.join(' ') + ': ' + node.html.slice(0, 160)
                    + (node.any[0] ? ' -- ' + node.any[0].message : '')),
                count: one.nodes.length,
            }));
        }""",
        context,
    )
    lines = [
        f"{one['rule']} ({one['impact']}, {one['count']}): {one['help']}\n    " + "\n    ".join(one["where"])
        for one in found
    ]
    assert not lines, f"axe finds {len(lines)} violations on {page.url}:\n" + "\n".join(lines)


def fits(page: Page) -> None:
    """AssertionError where the page is wider than its window (wide tables must scroll inside a box of their own)."""
    wide, window = page.evaluate("() => [document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= window, f"{page.url} is {wide} pixels wide in a window of {window}"


def shot(page: Page, name: str, widths: Sequence[int] = WIDTHS) -> None:
    """Keep pictures of the page at several widths in the folder that ``ACCORD_SHOTS`` names, if it names one."""
    folder = os.environ.get("ACCORD_SHOTS")
    if not folder:
        return
    before = page.viewport_size or {"width": WIDTHS[0], "height": 900}
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(250)  # charts draw themselves anew
        page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size(before)


def sound(page: Page, name: str) -> None:
    """AssertionError unless axe finds nothing and the page fits windows of every width; keeps pictures as ``name``."""
    axe(page)
    shot(page, name)
    for width in WIDTHS[1:]:
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)
