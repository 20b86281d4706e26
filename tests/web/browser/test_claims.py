"""The claims page: the list with its filters and chart, a claim unfolded, a claim of one's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from tests.web.browser.harness import Watch, axe, fits, opened, shot

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser

ONE = "/claims?claim=cloudmatrix-beats-nvl72"
OWN = """id: mine
statement: "Two and two are less than five."
said_by: "a test"
date: 2026-01-01
source: SELF
locator: "here"
topic: compute
parts:
  - name: "sum"
    terms:
      two: {number: 2, unit: "1", basis: assumed, source: SELF, locator: "here"}
    value: two + two
    test: {op: "<", number: 5}
sources:
  SELF: {title: "A test", publisher: "nobody", date: 2026-01-01, locator: "this file"}
"""


def listed(page: Page, address: str = "/claims") -> None:
    """Open the list and wait for the claims, which take seconds at first."""
    opened(page, address)
    page.locator("[data-chart] svg text").first.wait_for(timeout=60_000)


def test_the_list_has_verdicts_and_margins(page: Page) -> None:
    listed(page)
    expect(page.locator("li.card")).to_have_count(30)
    expect(page.locator("[data-chart] svg")).to_contain_text("cloudmatrix-beats-nvl72")
    page.get_by_role("button", name=re.compile("cannot tell")).click()
    expect(page).to_have_url(re.compile(r"verdict=cannot\+tell"))
    assert 0 < page.locator("li.card").count() < 30
    page.get_by_role("button", name=re.compile("^all")).click()
    page.get_by_role("textbox", name="Search").fill("h20 a100")
    page.get_by_role("textbox", name="Search").press("Tab")
    expect(page.locator("li.card")).to_have_count(1)
    page.get_by_role("button", name=re.compile("H20 is faster than the A100")).click()
    expect(page).to_have_url(re.compile("claim=h20-against-a100"))
    expect(page.get_by_role("heading", level=2).first).to_contain_text("H20")
    page.go_back()
    expect(page.locator("li.card")).to_have_count(1)


def test_the_chart_is_read_by_tooltip_and_leads_to_a_claim(page: Page) -> None:
    listed(page, "/claims?verdict=holds")
    chart = page.locator("[data-chart]")
    place = page.evaluate(
        """() => {
            const marks = [...document.querySelectorAll('[data-chart] svg path[fill]')]
                .map((one) => one.getBoundingClientRect())
                .filter((one) => one.width > 8 && one.width < 14 && one.height < 14);
            return marks.length ? [marks[0].x + marks[0].width / 2, marks[0].y + marks[0].height / 2] : null;
        }"""
    )
    assert place is not None
    page.mouse.move(*place)
    expect(chart).to_contain_text("Kimi K2 was trained with less than 1e25 operations")
    page.mouse.click(*place)
    expect(page).to_have_url(re.compile("claim=kimi-k2-below-1e25"))


def test_a_claim_is_unfolded_from_its_address(page: Page) -> None:
    opened(page, ONE)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("CloudMatrix 384 surpasses", timeout=30_000)
    part = page.locator("section.part").first
    expect(part).to_contain_text("ours / theirs")
    expect(part.locator("tbody tr")).to_have_count(2)
    expect(part).to_contain_text("4. What would turn it")
    expect(part).to_contain_text("288.8 PFLOP/s")
    expect(part.locator("tbody tr").first).to_contain_text(re.compile(r"0\.623\d*×"))
    expect(part).to_contain_text("accord compare huawei-cloudmatrix-384 nvidia-gb200-nvl72")
    part.get_by_role("link", name="Compare", exact=True).first.click()
    expect(page).to_have_url(re.compile("/compare"))


def test_a_claim_of_ones_own_and_a_bad_file(page: Page, watch: Watch, tmp_path: Path) -> None:
    watch.allow("status of 422")
    listed(page)
    mine = tmp_path / "mine.yaml"
    mine.write_text(OWN, encoding="utf-8")
    page.get_by_label("Claim file (YAML)", exact=True).last.set_input_files(mine)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("Two and two")
    expect(page.locator("section.part")).to_contain_text("1.25×")
    page.get_by_role("button", name="All claims").click()
    mine.write_text(OWN.replace("topic: compute\n", ""), encoding="utf-8")
    page.get_by_label("Claim file (YAML)", exact=True).last.set_input_files(mine)
    expect(page.get_by_role("alert")).to_contain_text("mine.yaml:1")


def test_exports_carry_the_citation(page: Page, tmp_path: Path) -> None:
    listed(page)
    for kind in ("CSV", "SVG"):
        page.locator("[data-chart]").get_by_role("button", name="Export").click()
        with page.expect_download() as found:
            page.get_by_role("button", name=kind, exact=True).click()
        path = tmp_path / kind
        found.value.save_as(path)
        text = path.read_text(encoding="utf-8")
        assert "Claims. Accord" in text
        assert "claims/deepseek-5.6m" in text
    assert "holds if" in (tmp_path / "CSV").read_text(encoding="utf-8")


@pytest.mark.parametrize(("language", "theme", "width"), [("en", "light", 1440), ("zh", "dark", 390)])
@pytest.mark.parametrize("address", ["/claims", ONE])
def test_axe_and_width(open_page: OpenPage, address: str, language: str, theme: str, width: int) -> None:
    page, _ = open_page(language=language, theme=theme, width=width)
    opened(page, address)
    page.locator("[data-chart] svg text").first.wait_for(timeout=60_000)
    fits(page)
    axe(page)
    shot(page, f"claims-{'one' if address == ONE else 'list'}-{language}-{theme}", [width])
