"""The accuracy page: held-out rows beside measurements, by source, with coverage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from tests.web.browser.harness import opened, sound

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser


def shown(page: Page, address: str = "/accuracy") -> None:
    """Open the page and wait for its charts."""
    opened(page, address)
    page.locator("[data-chart=accuracy-inference-sources] svg, [data-chart$=-sources] svg").first.wait_for()


def test_figures_are_those_of_the_documentation(page: Page) -> None:
    shown(page)
    figures = page.locator("dl.figures")
    expect(figures).to_contain_text("631")
    printed = Path(__file__).parents[3].joinpath("docs", "accuracy.md").read_text(encoding="utf-8")
    macro = re.search(r"macro error, all \[%\] \| [\d.]+ \| ([\d.]+)", printed)
    assert macro is not None
    expect(figures).to_contain_text(f"{macro[1]} %")


def test_another_way_of_leaving_out_is_in_the_address(page: Page) -> None:
    shown(page)
    before = page.locator("dl.figures").inner_text()
    page.get_by_label("Left out of the fit").select_option("chip")
    expect(page).to_have_url(re.compile("way=chip"))
    expect(page.locator("dl.figures")).not_to_have_text(before)
    page.go_back()
    expect(page.get_by_label("Left out of the fit")).to_have_value("source")
    page.get_by_label("Measurements of").select_option("training")
    expect(page.locator("dl.figures")).to_contain_text("389")


def test_a_point_tells_its_row(page: Page) -> None:
    shown(page, "/accuracy?source=sgl-largeEP&metric=decode_token_per_s_per_chip")
    plot = page.locator("[data-chart=accuracy-inference] .plot")
    point = plot.locator("svg path[fill-opacity]").first
    point.wait_for()
    box = point.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(plot.locator("svg")).to_contain_text("Measured: ")


def test_exports(page: Page) -> None:
    shown(page)
    page.locator("[data-chart=accuracy-inference]").get_by_role("button", name="Export").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name="CSV", exact=True).click()
    text = Path(caught.value.path()).read_text(encoding="utf-8")
    assert "cm384v2-" in text and "# Accuracy" in text


@pytest.mark.parametrize(("language", "theme", "title"), [("en", "light", "Accuracy"), ("zh", "dark", "准确度")])
def test_axe_and_widths(open_page: OpenPage, language: str, theme: str, title: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    shown(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    sound(page, f"accuracy-{language}-{theme}")
