"""The compare page: ratios with bands, values, verdicts, sources; its address, exports, languages and themes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from tests.web.browser.harness import Watch, opened, sound

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser

THREE = "/compare?systems=huawei-cloudmatrix-384,nvidia-gb200-nvl72,nvidia-hgx-h100-8&per=per+watt"


def asked(page: Page, address: str = "/compare") -> None:
    """Open the page and wait for its chart and its table."""
    opened(page, address)
    page.locator("tbody tr").first.wait_for()
    page.locator("[data-chart] svg").first.wait_for()


def test_a_real_answer_is_there_at_once(page: Page) -> None:
    asked(page)
    expect(page.get_by_text("384 x huawei-ascend-910c")).to_be_visible()
    power = page.locator("tbody tr", has=page.get_by_role("rowheader", name="Power", exact=True))
    expect(power).to_contain_text("559 kW")
    expect(power).to_contain_text("3.86×")
    expect(power).to_contain_text("A more")
    fp8 = page.locator("tbody tr", has=page.get_by_role("rowheader", name="FP8", exact=True))
    expect(fp8).to_contain_text("A: no FP8 unit")


def test_sources_are_a_click_away(page: Page) -> None:
    asked(page)
    page.get_by_role("button", name="Details of Dense BF16").click()
    detail = page.locator("tr.unfolded")
    expect(detail).to_contain_text("752 TFLOP/s (published)")
    assert detail.get_by_role("link").count() >= 3
    page.get_by_role("button", name="Details of Dense BF16").press("Enter")
    expect(page.locator("tr.unfolded")).to_have_count(0)


def test_tabs_by_keyboard_are_in_the_address(page: Page) -> None:
    asked(page)
    page.get_by_role("tab", name="Totals").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Per chip")).to_be_focused()
    expect(page).to_have_url(re.compile(r"per=per\+chip"))
    expect(page.get_by_role("heading", name="Ratios of A, Per chip")).to_be_visible()
    page.get_by_role("tab", name="Per dollar").click()
    expect(page.locator("tbody")).to_contain_text("open")
    page.go_back()
    expect(page.get_by_role("tab", name="Per chip")).to_have_attribute("aria-selected", "true")


def test_a_shared_address_shows_three_systems(page: Page) -> None:
    asked(page, THREE)
    expect(page.get_by_role("tab", name="Per watt")).to_have_attribute("aria-selected", "true")
    expect(page.locator("thead th")).to_contain_text(["Quantity", "A", "B", "C", "A/B", "Verdict A/B", "A/C"])
    expect(page.locator("tbody tr").first).to_contain_text("FLOP/s/W")


def test_systems_are_chosen_by_keyboard(page: Page) -> None:
    asked(page)
    box = page.get_by_role("combobox", name="Systems")
    box.focus()
    box.press_sequentially("ironwood")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("google-ironwood"))
    expect(page.locator("thead")).to_contain_text("A/C")
    page.go_back()
    expect(page.locator("thead")).not_to_contain_text("A/C")
    page.get_by_role("button", name="Swap the first two").click()
    power = page.locator("tbody tr", has=page.get_by_role("rowheader", name="Power", exact=True))
    expect(power).to_contain_text("0.259×")


def test_one_system_is_not_enough_and_an_unknown_one_is_said(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    opened(page, "/compare?systems=huawei-cloudmatrix-384")
    expect(page.get_by_text("Choose at least two systems.")).to_be_visible()
    opened(page, "/compare?systems=huawei-cloudmatrix-384,no-such-machine")
    expect(page.get_by_role("alert")).to_contain_text("no-such-machine")


def test_a_tooltip_tells_ratio_and_band(page: Page) -> None:
    asked(page)
    plot = page.locator("[data-chart] .plot")
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.32, box["y"] + 24)
    expect(plot.locator("svg")).to_contain_text("A/B: 1.6×")
    expect(plot.locator("svg")).to_contain_text("Band: 1.51× – 1.71×")


@pytest.mark.parametrize(("kind", "told"), [("CSV", "Dense BF16"), ("SVG", "<svg"), ("JSON", "bf16_dense")])
def test_exports_carry_the_citation(page: Page, kind: str, told: str) -> None:
    asked(page)
    page.locator("[data-chart]").get_by_role("button", name="Export").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name=kind, exact=True).click()
    text = Path(caught.value.path()).read_text(encoding="utf-8")
    assert told in text
    assert "Accord 0." in text
    assert "/compare" in text


def test_chinese(open_page: OpenPage) -> None:
    page, _ = open_page(language="zh")
    asked(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("系统比较")
    expect(page.locator("tbody")).to_contain_text("A 更多")
    expect(page.locator("[data-chart] svg")).to_contain_text("稠密 BF16")


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_axe_and_widths(open_page: OpenPage, language: str, theme: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    asked(page, THREE)
    page.locator("tbody button.link").first.click()
    sound(page, f"compare-{language}-{theme}")
