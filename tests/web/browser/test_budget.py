"""What a page costs at first: everything it asks for until it rests, and nothing of another host."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Response
from tests.web.browser.harness import PAGES, opened

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser

INITIAL_BYTES = 400_000  # gzip


@pytest.mark.parametrize("name", PAGES)
def test_the_first_load_is_small(open_page: OpenPage, name: str) -> None:
    """HTML, scripts, styles and data of a cold load, each as gzip would send it; not what a reader asks for then."""
    page, _ = open_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108  playwright takes no built-in
    opened(page, f"/{name}")
    sizes = {answer.url: len(gzip.compress(answer.body())) for answer in answers if _has_body(answer)}
    total = sum(sizes.values())
    most = sorted(sizes.items(), key=lambda item: -item[1])[:6]
    assert total < INITIAL_BYTES, f"{total:,} bytes: " + ", ".join(f"{url} {size:,}" for url, size in most)


def test_assets_are_asked_for_once(page: Page) -> None:
    """Another page of the same visit takes what it shares with the first from the browser's memory."""
    opened(page, "/plan")
    opened(page, "/claims")
    sent = page.evaluate(
        """() => performance.getEntriesByType('resource')
            .filter((one) => one.name.includes('/assets/index-')).map((one) => one.transferSize)"""
    )
    assert sent
    assert set(sent) == {0}


def _has_body(answer: Response) -> bool:
    return 200 <= answer.status < 300 and "text/event-stream" not in answer.headers.get("content-type", "")
