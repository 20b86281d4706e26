"""The harness itself: what a page may not do is seen, and what is lacking skips here and fails in CI."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.web.browser.harness import axe, fits, need, opened, watched
from tests.web.running import Server


def test_what_is_lacking_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    need(True, "there")
    monkeypatch.delenv("ACCORD_CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        need(None, "no browser")
    monkeypatch.setenv("ACCORD_CI", "1")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        need(None, "no browser")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("deed", "line"),
    [
        ("() => console.error('something went wrong')", "console error: something went wrong"),
        ("() => { setTimeout(() => { throw new Error('not caught') }, 0) }", "page error: .*not caught"),
        ("() => { fetch('http://accord.invalid/x').catch(() => {}) }", "http://accord.invalid/x. violates"),
        ("() => { new Image().src = 'http://accord.invalid/y.png' }", "another host: http://accord.invalid/y.png"),
        ("() => document.body.setAttribute('style', 'color: red')", "Content Security Policy"),
        ("() => { const one = document.createElement('script'); one.text = '1'; document.body.append(one) }", "Policy"),
        ("() => { fetch('/api/v1/no-such-address').catch(() => {}) }", "status of 404"),
    ],
)
def test_what_a_page_may_not_do_is_seen(browser: Browser, server: Server, deed: str, line: str) -> None:
    with (
        pytest.raises(AssertionError, match=f"(?s)the page did what it may not.*{line}"),
        watched(browser, server.url) as (page, _),
    ):
        opened(page, "/claims")
        page.evaluate(deed)
        page.wait_for_timeout(300)


@pytest.mark.browser
def test_what_a_test_expects_is_allowed(browser: Browser, server: Server) -> None:
    with watched(browser, server.url) as (page, watch):
        opened(page, "/claims")
        watch.allow("status of 404")
        page.evaluate("() => fetch('/api/v1/no-such-address').catch(() => {})")
        page.wait_for_timeout(300)


@pytest.mark.browser
def test_axe_and_width_see_what_is_wrong(browser: Browser, server: Server) -> None:
    with watched(browser, server.url, width=390) as (page, _):
        opened(page, "/claims")
        page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
        with pytest.raises(AssertionError, match="button-name"):
            axe(page)
        page.evaluate("() => { document.querySelector('main').style.width = '2000px' }")
        with pytest.raises(AssertionError, match="pixels wide in a window of 390"):
            fits(page)
