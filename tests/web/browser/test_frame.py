"""The frame of the page: addresses, title, navigation, languages, themes, the keyboard, time to first paint."""

from __future__ import annotations

import re
import statistics
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.web.browser.harness import PAGES, WIDTHS, Watch, axe, fits, opened, shot

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser

NAMES = {
    "en": ("Plan", "Compare", "Supernode", "Simulate", "Train", "Policy", "Claims", "Catalog", "Accuracy"),
    "zh": ("规划", "比较", "超节点", "模拟", "训练", "政策", "说法核查", "目录", "准确度"),
}
FIRST_PAINT_S = 1.5
TRIES = 3


@pytest.mark.parametrize("name", PAGES)
def test_every_address_opens_its_page(page: Page, name: str) -> None:
    opened(page, f"/{name}", idle=False)
    title = NAMES["en"][PAGES.index(name)]
    expect(page).to_have_title(f"{title} · Accord")
    expect(page.locator("nav [aria-current=page]")).to_have_text(title)
    expect(page.locator("main h1")).to_have_count(1)
    assert page.evaluate("() => document.documentElement.lang") == "en"


def test_the_root_shows_the_first_page(page: Page) -> None:
    opened(page, "/", idle=False)
    expect(page.locator("nav [aria-current=page]")).to_have_text("Plan")


def test_an_address_that_names_no_page_is_not_there(page: Page, watch: Watch) -> None:
    watch.allow("status of 404")
    answer = page.goto("/no-such-page")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("navigation").get_by_role("link", name="Compare", exact=True).click()
    expect(page).to_have_title("Compare · Accord")


def test_navigation_and_the_back_button(page: Page) -> None:
    opened(page, "/plan", idle=False)
    for name, title in zip(PAGES[1:4], NAMES["en"][1:4], strict=True):
        page.get_by_role("navigation").get_by_role("link", name=title, exact=True).click()
        expect(page).to_have_url(re.compile(rf"/{name}(\?|$)"))
        expect(page).to_have_title(f"{title} · Accord")
    page.go_back()
    expect(page).to_have_title("Supernode · Accord")
    page.go_back()
    expect(page.locator("nav [aria-current=page]")).to_have_text("Compare")
    page.go_forward()
    expect(page).to_have_url(re.compile(r"/supernode(\?|$)"))


def fields_of(page: Page) -> set[str]:
    """Names of the fields in the address, once a page has been there for a moment."""
    page.wait_for_timeout(150)
    return set(parse_qs(urlsplit(page.url).query))


def test_no_address_carries_fields_of_another_page(page: Page) -> None:
    """From every page, with a field of its own in the address, to every other one and back."""
    own = {}
    for name in PAGES:
        opened(page, f"/{name}", idle=False)
        expect(page.locator("main h1")).to_have_count(1)
        own[name] = fields_of(page)
    links = page.get_by_role("navigation").get_by_role("link")
    for first in ("policy", "plan", "catalog"):
        for second in PAGES:
            for name in (first, second):
                links.nth(PAGES.index(name)).click()
                expect(page).to_have_title(f"{NAMES['en'][PAGES.index(name)]} · Accord")
                expect(page.locator("main h1")).to_have_count(1)
                assert fields_of(page) <= own[name], f"{first} to {second}: {page.url}"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_that_is_shown_is_seen_in_a_narrow_navigation(page: Page, name: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    opened(page, f"/{name}", idle=False)
    expect(page.locator("nav [aria-current=page]")).to_be_in_viewport(ratio=1)


def test_the_language_is_switched_and_stays_in_the_address(page: Page) -> None:
    opened(page, "/catalog", idle=False)
    page.get_by_role("button", name="中文").click()
    expect(page).to_have_url(re.compile(r"[?&]lang=zh(&|$)"))
    expect(page.locator("nav a")).to_have_text(list(NAMES["zh"]))
    assert page.evaluate("() => document.documentElement.lang") == "zh-Hans"
    page.get_by_role("link", name="政策").click()
    expect(page).to_have_title("政策 · Accord")
    page.reload()
    expect(page).to_have_title("政策 · Accord")
    page.get_by_role("button", name="English").click()
    expect(page.locator("nav a")).to_have_text(list(NAMES["en"]))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_language_of_the_browser_is_taken(open_page: OpenPage, language: str) -> None:
    page, _ = open_page(language=language)
    opened(page, "/claims", idle=False)
    expect(page.locator("nav a")).to_have_text(list(NAMES[language]))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_of_the_system_is_taken_and_can_be_switched(open_page: OpenPage, theme: str) -> None:
    page, _ = open_page(theme=theme)
    opened(page, "/claims", idle=False)
    before = _brightness(page)
    assert (before < 0.5) == (theme == "dark")
    other = "Light" if theme == "dark" else "Dark"
    page.get_by_role("button", name=re.compile(other)).click()
    expect(page).to_have_url(re.compile(rf"[?&]theme={other.lower()}(&|$)"))
    assert (_brightness(page) < 0.5) != (theme == "dark")
    page.reload()
    page.get_by_role("heading", level=1).wait_for()
    assert (_brightness(page) < 0.5) != (theme == "dark")


def test_the_keyboard_reaches_everything_of_the_frame(page: Page) -> None:
    opened(page, "/accuracy", idle=False)
    reached = [_focused_after_tab(page) for _ in range(len(PAGES) + 4)]
    assert reached[:2] == ["Skip to the content", "Accord"]
    assert reached[2:-2] == list(NAMES["en"])
    assert reached[-2] == "中文"
    assert reached[-1] == "Dark"
    opened(page, "/plan", idle=False)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    page.get_by_role("link", name="Policy", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_title("Policy · Accord")


def test_what_is_focused_is_seen(page: Page) -> None:
    opened(page, "/claims", idle=False)
    for _ in range(4):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
                const style = getComputedStyle(document.activeElement);
                return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
            }"""
        )
        assert seen, page.evaluate("() => document.activeElement.outerHTML")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_axe_finds_nothing(open_page: OpenPage, name: str, language: str, theme: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    opened(page, f"/{name}")
    axe(page)
    shot(page, f"frame-{name}-{language}-{theme}")


@pytest.mark.parametrize("name", PAGES)
def test_no_page_is_wider_than_its_window(page: Page, name: str) -> None:
    opened(page, f"/{name}")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)


@pytest.mark.timing
@pytest.mark.parametrize("name", PAGES)
def test_first_paint(open_page: OpenPage, name: str) -> None:
    """First contentful paint of a cold load, the median of three, on two cores."""
    took_s = []
    for _ in range(TRIES):
        page, _ = open_page()
        opened(page, f"/{name}", idle=False)
        took_s.append(_first_paint_s(page))
        page.close()
    assert statistics.median(took_s) < FIRST_PAINT_S, took_s


def _first_paint_s(page: Page) -> float:
    """Seconds from navigation to first contentful paint."""
    took_ms = page.evaluate(
        """() => new Promise((done) => new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) if (entry.name === 'first-contentful-paint') done(entry.startTime);
        }).observe({type: 'paint', buffered: true}))"""
    )
    return float(took_ms) / 1000


def _focused_after_tab(page: Page) -> str:
    """The text of what has the focus after one more Tab."""
    page.keyboard.press("Tab")
    return str(page.evaluate("() => document.activeElement.textContent.trim()"))


def _brightness(page: Page) -> float:
    """How bright the page's background is, 0 to 1."""
    told = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    red, green, blue = (float(part) for part in re.findall(r"[\d.]+", told)[:3])
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
