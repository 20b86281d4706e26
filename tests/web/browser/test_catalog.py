"""The catalog page: lists, search, an entry with its basis, sources and alternatives; exports, languages, widths."""

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


def listed(page: Page, address: str = "/catalog") -> None:
    """Open the page and wait for its table."""
    opened(page, address)
    page.locator("tbody tr").first.wait_for()


def test_an_entry_is_found_opened_and_left_by_the_back_button(page: Page) -> None:
    listed(page)
    page.get_by_label("Search by name, id or maker").fill("nvidia h20")
    expect(page.get_by_role("heading", level=2)).to_contain_text("2 entries")
    page.get_by_role("button", name="NVIDIA H20", exact=True).press("Enter")
    expect(page).to_have_url(re.compile(r"id=nvidia-h20"))
    expect(page.get_by_role("heading", level=2)).to_contain_text("NVIDIA H20")
    power = page.locator("tbody tr", has=page.get_by_role("rowheader", name="Board power"))
    expect(power).to_contain_text("400 W")
    expect(power).to_contain_text("estimate")
    power.get_by_text("Values not chosen (2)").click()
    expect(power.get_by_role("listitem").first).to_contain_text("500 W")
    page.go_back()
    expect(page.get_by_role("button", name="NVIDIA H20", exact=True)).to_be_visible()


def test_a_shared_address_opens_an_entry_with_its_sources(page: Page) -> None:
    listed(page, "/catalog?kind=systems&id=huawei-cloudmatrix-384")
    page.get_by_text(re.compile(r"^Sources \(\d+\)")).click()
    expect(page.locator(".sources li").first).to_be_visible()
    assert page.locator(".sources a[href^='https://']").count() > 3


def test_an_id_may_bring_its_kind_along(page: Page) -> None:
    listed(page, "/catalog?id=systems/huawei-cloudmatrix-384")
    expect(page.get_by_role("heading", level=2)).to_contain_text("Huawei CloudMatrix 384")
    expect(page.get_by_label("Kind")).to_have_value("systems")


def test_only_what_sources_dispute(page: Page) -> None:
    listed(page, "/catalog?kind=chips&id=nvidia-h20")
    everything = page.locator("tbody tr").count()
    page.get_by_label("Only values on which sources differ").check()
    expect(page.get_by_role("rowheader", name="devices_per_chip")).to_have_count(0)
    assert 0 < page.locator("tbody tr").count() < everything


def test_kinds_are_changed_and_what_is_not_there_is_said(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    listed(page)
    page.get_by_label("Kind").select_option("models")
    expect(page.get_by_role("button", name="DeepSeek-V3", exact=True)).to_be_visible()
    page.get_by_label("Search by name, id or maker").fill("no such thing")
    expect(page.get_by_text("Nothing in Models matches")).to_be_visible()
    opened(page, "/catalog?kind=chips&id=no-such-chip")
    expect(page.get_by_role("alert")).to_contain_text("no-such-chip")


@pytest.mark.parametrize(("kind", "told"), [("CSV", "peak.bf16"), ("JSON", '"alternatives"')])
def test_exports_carry_the_citation(page: Page, kind: str, told: str) -> None:
    listed(page, "/catalog?kind=chips&id=nvidia-h20")
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as caught:
        page.get_by_role("button", name=kind, exact=True).click()
    text = Path(caught.value.path()).read_text(encoding="utf-8")
    assert told in text and "Accord 0." in text and "/catalog" in text and "Source: " in text


@pytest.mark.parametrize(("language", "theme", "title"), [("en", "light", "Catalog"), ("zh", "dark", "目录")])
def test_axe_and_widths(open_page: OpenPage, language: str, theme: str, title: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    listed(page, "/catalog?kind=chips&id=nvidia-h20")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    sound(page, f"catalog-{language}-{theme}")
