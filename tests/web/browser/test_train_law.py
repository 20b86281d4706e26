"""Laws by name beside the compute of a training run, and the way from there to its obligations."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.web.browser.harness import opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SMALL = "/train?model=qwen3-8b&system=nvidia-hgx-h100-8&chips=64&tokens=100B&tp=2&pp=4&auto=0&start=2026-02-01"
WAIT_MS = 60_000


def test_thresholds_name_their_laws(page: Page) -> None:
    opened(page, SMALL)
    chart = page.locator("[data-chart=training-compute]")
    chart.locator("svg").wait_for(timeout=WAIT_MS)
    expect(chart).to_contain_text("2026-02-01")
    expect(chart.locator("svg")).to_contain_text("EU AI Act: general-purpose AI models with systemic risk")
    expect(chart.locator("svg")).to_contain_text("California: SB 53")
    expect(chart.locator("svg")).not_to_contain_text("SB 1047")  # vetoed
    expect(chart.locator("svg")).to_contain_text("1e24")
    chart.get_by_role("button", name="Table").click()
    expect(chart.get_by_role("region")).to_contain_text("kr-aiba/art-32-safety")


def test_the_way_to_obligations_takes_the_compute_along(page: Page) -> None:
    opened(page, SMALL)
    page.locator("[data-chart=training-compute] svg").wait_for(timeout=WAIT_MS)
    page.get_by_role("link", name="What laws ask of this run").click()
    expect(page).to_have_url(re.compile("^[^?]*/policy.*flop="))
    expect(page.get_by_role("tab", name="Obligations of a run")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Training compute [FLOP]")).to_have_value(re.compile(r"^[\d.]+e\+2[0-9]"))
    expect(page.locator("[data-chart=accord-thresholds] svg")).to_contain_text("this run:")
