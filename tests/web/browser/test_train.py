"""The page of training runs: a run, the memory of a rank, the pipeline, cost and compute."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect
from tests.web.browser.harness import Watch, opened, sound

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SMALL = "/train?model=qwen3-8b&system=nvidia-hgx-h100-8&chips=64&tokens=100B&tp=2&pp=4&auto=0"
WAIT_MS = 60_000


def answered(page: Page, address: str = SMALL) -> None:
    """Open the page and wait for the pipeline, which comes last; a job is asked for by the button."""
    opened(page, address)
    if "failures=1" in address:
        page.get_by_role("button", name="Calculate").click()
    page.locator("[data-chart=pipeline] svg").wait_for(timeout=WAIT_MS)


def test_a_run_is_answered(page: Page) -> None:
    answered(page)
    expect(page.get_by_role("heading", level=2).first).to_contain_text("TP 2 · PP 4 · DP 8")
    for title in ("Days", "MFU", "Cost", "Training compute"):
        expect(page.locator("dl.figures").first).to_contain_text(title)
    expect(page.locator("[data-chart=rank-memory]")).to_contain_text("activations")
    expect(page.locator("[data-chart=cost]")).to_contain_text("rent")


def test_a_task_of_the_pipeline_tells_itself_and_zoom_is_by_the_wheel(page: Page) -> None:
    answered(page)
    plot = page.locator("[data-chart=pipeline] .plot")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    at = box["x"] + 60, box["y"] + 38
    page.mouse.move(*at)
    expect(plot.locator("svg")).to_contain_text("rank 0, Micro-batch")
    before = plot.locator("svg").inner_html()
    page.mouse.wheel(0, -1200)
    page.wait_for_function(
        "(before) => document.querySelector('[data-chart=pipeline] svg').innerHTML !== before", arg=before
    )


def test_what_cannot_be_is_said_and_the_answer_stays(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    answered(page)
    page.get_by_label("Tokens", exact=True).fill("many")
    expect(page.get_by_text("The question has changed since this answer.")).to_be_visible()
    page.get_by_role("button", name="Calculate").click()
    expect(page.get_by_role("alert")).to_contain_text("many", timeout=WAIT_MS)
    expect(page.locator("dl.figures").first).to_contain_text("MFU")


def test_failures_are_played_as_a_job(page: Page) -> None:
    answered(page, SMALL + "&failures=1&runs=50")
    expect(page.get_by_text(re.compile("Played 50 times"))).to_be_visible()


@pytest.mark.parametrize(
    ("chart", "kind", "told"), [("pipeline", "SVG", "<svg"), ("rank-memory", "CSV", "activations")]
)
def test_exports(page: Page, chart: str, kind: str, told: str) -> None:
    answered(page)
    page.locator(f"[data-chart={chart}]").get_by_role("button", name="Export").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name=kind, exact=True).click()
    text = Path(caught.value.path()).read_text(encoding="utf-8")
    assert told in text and "Accord 0." in text


@pytest.mark.parametrize(("language", "theme", "title"), [("en", "light", "Train"), ("zh", "dark", "训练")])
def test_axe_and_widths(open_page: OpenPage, language: str, theme: str, title: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    answered(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    sound(page, f"train-{language}-{theme}")
