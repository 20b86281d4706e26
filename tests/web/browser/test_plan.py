"""The plan page: the front, sliders that plan again, a plan explained, the full search, launch files, its address."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Page, expect
from tests.web.browser.harness import Watch, opened, sound

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser

PRICED_MS = 120_000  # pricing all candidates, on a machine that others use too
SMALL = "/plan?model=qwen3-32b&systems=nvidia-hgx-h100-8&isl=2000&osl=500&tpot=40"
RELEASES, ROUNDS = 20, 3
REPLAN_P95_MS = 300.0
CANDIDATES = 20_000


def drawn(page: Page, address: str = SMALL) -> None:
    """Open the page and wait until its front is drawn."""
    opened(page, address)
    page.locator("[data-chart=plan-front] svg").wait_for(timeout=PRICED_MS)
    page.locator("section[aria-busy=false]").first.wait_for(timeout=PRICED_MS)


def replans(page: Page) -> list[dict[str, Any]]:
    """Every measure from a release to the redrawn front."""
    found = page.evaluate(
        "() => performance.getEntriesByName('accord-replan').map((one) => ({ms: one.duration, ...one.detail}))"
    )
    assert isinstance(found, list)
    return found


def slid(page: Page, name: str, key: str, times: int = 1) -> list[dict[str, Any]]:
    """Move a slider by keyboard, waiting for the redrawn front after each release; the measures of these."""
    page.get_by_role("slider", name=name).focus()
    before = len(replans(page))
    for at in range(1, times + 1):
        page.keyboard.press(key)
        page.wait_for_function(
            f"() => performance.getEntriesByName('accord-replan').length >= {before + at}", timeout=PRICED_MS
        )
    return replans(page)[before:]


def counted(page: Page) -> tuple[int, int]:
    """How many candidates keep every limit, and how many there are."""
    found = re.findall(r"[\d,]+", page.locator("p.status").inner_text())
    return int(found[0].replace(",", "")), int(found[1].replace(",", ""))


def test_a_front_is_there_at_once(page: Page) -> None:
    drawn(page, "/plan")
    feasible, candidates = counted(page)
    assert 0 < feasible < candidates
    expect(page.locator("[data-chart=plan-front] svg")).to_contain_text("nvidia-gb200-nvl72")
    expect(page.locator("[data-chart=plan-front] .plot")).to_have_attribute("aria-label", re.compile(r"on the front"))
    expect(page.get_by_role("heading", name="The best plan")).to_be_visible()
    expect(page.locator("#explained")).to_contain_text("huawei-cloudmatrix-384")
    expect(page.locator("#explained").get_by_role("status")).to_contain_text("not on the front, which counts per chip")
    expect(page.get_by_text("Not on the front: huawei-cloudmatrix-384.")).to_be_visible()
    expect(page.get_by_text("Capital is the price of the systems")).to_be_visible()


def test_a_system_without_a_cost_is_named_where_dollars_are_counted(page: Page) -> None:
    drawn(page, "/plan?per=usd")
    expect(page.get_by_text("Not in this picture: huawei-cloudmatrix-384.")).to_be_visible()
    expect(page.locator("[data-chart=plan-front] svg")).not_to_contain_text("huawei-cloudmatrix-384")


def test_what_is_no_number_is_said(page: Page) -> None:
    drawn(page, SMALL.replace("tpot=40", "tpot=abc"))
    expect(page.get_by_text("“abc” is no number above 0: no limit is set.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Per output token")).to_have_attribute("aria-invalid", "true")
    box = page.get_by_role("textbox", name="Prompt")
    box.fill("x")
    box.press("Tab")
    expect(page.get_by_text("Nothing is asked yet")).to_be_visible()
    expect(page.locator("#search").get_by_role("button", name="Full search")).to_be_disabled()


def test_half_a_deal_leaves_the_law_unchecked_and_says_so(page: Page) -> None:
    drawn(page, SMALL + "&date=2026-11-26")
    expect(page.get_by_text("The law is not checked yet. Still to fill in: Seller in, Delivered to.")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_slider_by_keyboard_plans_again(page: Page) -> None:
    drawn(page)
    before, candidates = counted(page)
    slid(page, "Per output token (ms)", "ArrowLeft", 3)
    after, same = counted(page)
    assert after < before
    assert same == candidates
    expect(page).to_have_url(re.compile(r"[?&]tpot=\d"))
    assert "tpot=40&" not in page.url + "&"
    expect(page.get_by_role("slider", name="Per output token (ms)")).to_have_attribute(
        "aria-valuetext", re.compile(r"ms$")
    )
    slid(page, "Power (kW)", "ArrowLeft")
    expect(page).to_have_url(re.compile(r"[?&]power="))
    slid(page, "Power (kW)", "End")
    expect(page).not_to_have_url(re.compile(r"[?&]power="))


def test_a_limit_that_is_typed_and_one_that_nothing_keeps(page: Page) -> None:
    drawn(page)
    box = page.get_by_role("textbox", name="Per output token")
    box.fill("0.01")
    box.press("Tab")
    expect(page.get_by_text("Nothing keeps these limits.")).to_be_visible(timeout=PRICED_MS)
    expect(page.locator("p.status")).to_contain_text("0 of")
    box.fill("")
    box.press("Tab")
    expect(page.get_by_text("Nothing keeps these limits.")).to_have_count(0, timeout=PRICED_MS)
    expect(page.get_by_role("slider", name="Per output token (ms)")).to_have_attribute("aria-valuetext", "no limit")


def test_a_point_is_chosen_shared_and_left_by_the_back_button(page: Page, open_page: OpenPage) -> None:
    drawn(page)
    page.locator("summary", has_text="Deployments on the front").click()
    row = page.get_by_role("region", name="Deployments on the front").locator("tbody tr").nth(2)
    row.locator("td").last.click()
    expect(page.get_by_role("heading", name="The chosen plan")).to_be_in_viewport(timeout=PRICED_MS)
    expect(row).to_have_class(re.compile("chosen"))
    expect(row.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"[?&]pick="))
    told = page.locator("#explained .pools").inner_text()
    other, _ = open_page()
    drawn(other, page.url)
    expect(other.get_by_role("heading", name="The chosen plan")).to_be_visible(timeout=PRICED_MS)
    assert other.locator("#explained .pools").inner_text() == told
    simulate = page.get_by_role("link", name="Simulate this").get_attribute("href") or ""
    assert "model=qwen3-32b" in simulate
    page.go_back()
    expect(page.get_by_role("heading", name="The best plan")).to_be_visible()


def test_a_tooltip_tells_a_deployment_with_its_intervals(page: Page) -> None:
    drawn(page)
    plot = page.locator("[data-chart=plan-front] .plot")
    at = page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll('[data-chart=plan-front] svg path')]
                .filter((mark) => !['none', 'transparent', null].includes(mark.getAttribute('fill')))
                .map((mark) => mark.getBoundingClientRect());
            const top = document.querySelector('[data-chart=plan-front] svg').getBoundingClientRect().y;
            const one = boxes.find((box) => box.width > 7 && box.width < 14 && box.height < 14 && box.y > top + 40);
            return one ? [one.x + one.width / 2, one.y + one.height / 2] : null;
        }"""
    )
    assert at is not None, "no mark of the front"
    page.mouse.move(at[0], at[1])
    expect(plot.locator("svg")).to_contain_text("Tokens per user:")
    expect(plot.locator("svg")).to_contain_text(re.compile(r"tok/s \([\d.,]+ – [\d.,]+\)"))


def test_per_dollar_and_linear_axes_are_in_the_address(page: Page) -> None:
    drawn(page)
    page.get_by_role("button", name="per dollar").click()
    expect(page.locator("[data-chart=plan-front] svg")).to_contain_text("tok/USD", timeout=PRICED_MS)
    expect(page).to_have_url(re.compile(r"per=usd"))
    page.get_by_role("button", name="linear").click()
    expect(page).to_have_url(re.compile(r"axes=linear"))
    page.go_back()
    expect(page.locator("[data-chart=plan-front] svg")).to_contain_text("chip [tok/s]", timeout=PRICED_MS)


def test_the_full_search_ranks_explains_and_writes_launch_files(page: Page) -> None:
    drawn(page)
    page.locator("#search").get_by_role("button", name="Full search").click()
    ranked = page.get_by_role("region", name="Ranked plans")
    expect(ranked.locator("tbody tr").first).to_be_visible(timeout=PRICED_MS)
    expect(page).to_have_url(re.compile(r"[?&]job=[0-9a-f]{32}"))
    assert ranked.evaluate("(box) => box.scrollWidth <= box.clientWidth"), "columns are hidden"
    ranked.get_by_role("button").nth(1).click()
    expect(page.get_by_role("heading", name="The chosen plan")).to_be_visible()
    page.get_by_role("button", name="Why is it ahead of the next?").click()
    expect(page.get_by_role("heading", name="What the ratio is made of")).to_be_visible(timeout=PRICED_MS)
    page.get_by_role("button", name="Write launch files").click()
    target = page.locator(".targets details", has_text="vLLM").first
    target.locator("summary").click(timeout=PRICED_MS)
    with page.expect_download() as caught:
        target.get_by_role("button", name=re.compile(r"^Download .*\.(sh|yaml|md)$")).first.click()
    assert "accord" in Path(caught.value.path()).read_text(encoding="utf-8")
    address = page.url
    drawn(page, address)
    expect(page.get_by_role("region", name="Ranked plans").locator("tbody tr").first).to_be_visible(timeout=PRICED_MS)


def test_the_full_search_names_the_best_of_each_system(page: Page) -> None:
    drawn(page, SMALL.replace("nvidia-hgx-h100-8", "nvidia-hgx-h100-8,nvidia-hgx-h200-8"))
    page.locator("#search").get_by_role("button", name="Full search").click()
    rows = page.get_by_role("region", name="The best of each system").locator("tbody tr")
    expect(rows).to_have_count(2, timeout=PRICED_MS)
    rows.nth(1).click()
    expect(page.locator("#explained .pools")).to_contain_text(
        rows.nth(1).inner_text().split(" chips of ")[1].split(";")[0]
    )
    expect(rows.nth(1)).to_have_class(re.compile("chosen"))


def test_a_search_is_stopped(page: Page) -> None:
    drawn(page)
    page.locator("#search").get_by_role("button", name="Full search").click()
    page.locator("#search").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("alert")).to_contain_text("The search was stopped.", timeout=PRICED_MS)
    expect(page.locator("#search").get_by_role("button", name="Full search")).to_be_enabled()


def test_where_nothing_fits_the_nearest_question_is_asked(page: Page) -> None:
    opened(page, SMALL.replace("tpot=40", "tpot=40&ttft=1"))
    expect(page.get_by_text("Nothing keeps these limits.")).to_be_visible(timeout=PRICED_MS)
    page.locator("#search").get_by_role("button", name="Full search").click()
    page.get_by_role("button", name="Ask this: ttft").click(timeout=PRICED_MS)
    expect(page.get_by_text("Nothing keeps these limits.")).to_have_count(0, timeout=PRICED_MS)
    expect(page).not_to_have_url(re.compile(r"ttft=1(&|$)"))


def test_the_law_is_said(page: Page) -> None:
    opened(page, "/plan?from=US&to=CN&date=2026-11-01&model=qwen3-32b&systems=nvidia-gb200-nvl72&isl=2000&osl=500")
    expect(page.get_by_text("Nothing keeps these limits.")).to_be_visible(timeout=PRICED_MS)
    page.locator("#search").get_by_role("button", name="Full search").click()
    expect(page.get_by_role("region", name="What the law says")).to_contain_text(
        "presumption_of_denial", timeout=PRICED_MS
    )


def test_an_unknown_model_is_said_with_a_hint(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    opened(page, "/plan?model=no-such-model")
    expect(page.get_by_role("alert")).to_contain_text("no-such-model", timeout=PRICED_MS)


@pytest.mark.parametrize(("kind", "told"), [("CSV", "Tokens per user"), ("SVG", "<svg"), ("JSON", '"front"')])
def test_exports_carry_the_citation(page: Page, kind: str, told: str) -> None:
    drawn(page)
    page.locator("[data-chart=plan-front]").get_by_role("button", name="Export").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name=kind, exact=True).click()
    text = Path(caught.value.path()).read_text(encoding="utf-8")
    assert told in text
    assert "Accord 0." in text
    assert "/plan?" in text
    if kind == "JSON":
        assert json.loads(text)["data"]["front"][0]["x_low"] > 0


def test_chinese(open_page: OpenPage) -> None:
    page, _ = open_page(language="zh")
    drawn(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("规划部署")
    expect(page.locator("[data-chart=plan-front] svg")).to_contain_text("每用户词元")
    expect(page.locator("p.status")).to_contain_text("个候选中有")


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_axe_and_widths(open_page: OpenPage, language: str, theme: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    drawn(page, SMALL + "&from=US&to=DE&date=2026-11-01")
    page.locator("details > summary").nth(3).click()
    sound(page, f"plan-{language}-{theme}")


@pytest.mark.slow
def test_planning_again_takes_less_than_300_ms(page: Page) -> None:
    """The 95th percentile from the release of a slider to the redrawn front, the best of three rounds of twenty.

    A round that another process disturbs says nothing about the page; one that is not shows what it does.
    """
    drawn(page, "/plan")
    slid(page, "Per output token (ms)", "ArrowRight", 2)
    rounds = []
    for key in ("ArrowLeft", "ArrowRight", "ArrowLeft")[:ROUNDS]:
        found = slid(page, "Per output token (ms)", key, RELEASES)
        assert len(found) >= RELEASES
        assert min(one["candidates"] for one in found) >= CANDIDATES
        rounds.append(statistics.quantiles([one["ms"] for one in found], n=20, method="inclusive")[-1])
        if min(rounds) < REPLAN_P95_MS:
            break
    assert min(rounds) < REPLAN_P95_MS, rounds
