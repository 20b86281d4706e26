"""The policy page: zones through time, a chip's status with its clauses, adoption, obligations of a run."""

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

ZONES = "/policy?date=2025-06-01"
STATUS = "/policy?tab=status&date=2025-07-01"
ADOPTION = "/policy?tab=adoption&date=2026-10-01"
SYSTEMS = "/policy?tab=adoption&view=systems&date=2026-10-01"
DUTIES = "/policy?tab=duties&date=2025-09-01&flop=3e24..6e25"


def drawn(page: Page, address: str) -> None:
    """Open the page and wait for the chart of the tab."""
    opened(page, address)
    page.locator("[data-chart] svg text").first.wait_for()


def test_zones_move_with_the_day(page: Page) -> None:
    drawn(page, ZONES)
    chart = page.locator("[data-chart] svg")
    expect(chart).to_contain_text("3A090.b")
    expect(chart).to_contain_text("5.92")
    slider = page.get_by_role("slider")
    expect(slider).to_have_attribute("aria-valuetext", "2025-06-01")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("date=2025-05-13"))  # the day on which the guidance was given, not a month
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile("date=2022-09-01"))
    expect(page.get_by_text("No class rule stands on this day.")).to_be_visible()
    page.get_by_role("button", name="Next change").click()
    page.get_by_role("button", name="Next change").click()
    expect(page).to_have_url(re.compile("date=2022-10-21"))
    expect(chart).to_contain_text("I/O bandwidth [GB/s]")
    expect(chart).to_contain_text("600")
    page.go_back()
    expect(page).to_have_url(re.compile("date=2022-10-07"))


def test_a_slide_over_all_days_redraws_at_once(page: Page) -> None:
    drawn(page, ZONES)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("Home")
    took = page.evaluate(
        """async () => {
            const slider = document.querySelector('input[type=range]');
            const begun = performance.now();
            for (let step = 0; step < 40; step += 1) {
                slider.stepUp();
                slider.dispatchEvent(new Event('input', {bubbles: true}));
                await new Promise((done) => requestAnimationFrame(done));
            }
            return (performance.now() - begun) / 40;
        }"""
    )
    assert took < 300, f"{took:.0f} ms a step"
    assert not [url for url in asked if "/api/" in url], "the day's zones are there already"


def test_a_chip_is_told_by_tooltip_and_table(page: Page) -> None:
    drawn(page, ZONES)
    page.get_by_role("button", name="NVIDIA H100 SXM").click()
    expect(page.locator(".chosen")).to_contain_text("TPP 15,832")
    expect(page).to_have_url(re.compile("id=nvidia-h100-sxm"))
    label = page.locator("[data-chart] svg text", has_text="Instinct MI300X")
    label.scroll_into_view_if_needed()
    point = label.bounding_box()
    assert point is not None
    for back in (30, 9, 7, 6):  # the point is to the left of its name
        page.mouse.move(point["x"] - back, point["y"] + point["height"] / 2)
        page.wait_for_timeout(60)
    expect(page.locator("[data-chart] svg")).to_contain_text(re.compile("Class: 3A090.aTPP: 20,91[89]"))
    expect(page.locator("[data-chart] svg")).to_contain_text("AMD Instinct MI300X")
    page.get_by_role("button", name="Status through time →").click()
    expect(page.get_by_role("heading", name="NVIDIA H100 SXM, US to CN, on 2025-06-01")).to_be_visible()


def test_a_question_is_answered_by_a_button(page: Page) -> None:
    drawn(page, STATUS)
    expect(page.get_by_text("depends on: exporter").first).to_be_visible()
    deciding = page.locator("details.rule", has_text="us-isinformed-2025-04/nvidia")
    expect(deciding).to_have_attribute("open", "")  # as the command names it beside the law
    expect(deciding).to_contain_text("not known · decides once that is known")
    page.get_by_role("button", name="nvidia", exact=True).click()
    expect(page).to_have_url(re.compile("exporter=nvidia"))
    expect(page.locator("dl.figures")).to_contain_text("licence, by letter to the exporter")
    rule = page.locator("details.rule", has_text="us-isinformed-2025-04/nvidia")
    expect(rule).to_have_attribute("open", "")
    expect(rule).to_contain_text("holds · decides")
    expect(rule.locator("table")).to_contain_text("exporter")
    assert rule.get_by_role("link").count() >= 1
    page.go_back()
    expect(page.locator("dl.figures")).to_contain_text("depends on: exporter")
    expect(page.get_by_text("Not legal advice").first).to_be_visible()


def test_the_timeline_leads_to_a_day(page: Page) -> None:
    drawn(page, STATUS)
    expect(page.locator("[data-chart=accord-history] svg")).to_contain_text("no licence requirement found")
    page.get_by_role("button", name="2025-04-09", exact=True).click()
    expect(page.get_by_role("heading", name="on 2025-04-09")).to_be_visible()
    page.get_by_role("button", name="Table").first.click()
    expect(page.get_by_role("region", name="NVIDIA H20 through time")).to_contain_text("2022-10-21")


def test_nonsense_is_refused_in_words(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    drawn(page, STATUS)
    page.get_by_role("textbox", name="From").fill("china")
    page.get_by_role("textbox", name="From").press("Tab")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("CN")
    expect(page.locator("dl.figures")).to_be_visible()  # the last answer stays


def test_who_has_joined_what(page: Page) -> None:
    drawn(page, ADOPTION)
    chart = page.locator("[data-chart] svg")
    expect(chart).to_contain_text("CN · World Artificial Intelligence Cooperation Organization")
    page.get_by_role("combobox", name="Bloc").select_option("CN")
    expect(chart).not_to_contain_text("Pax Silica")
    page.get_by_role("textbox", name="Countries").fill("kz, sg")
    page.get_by_role("textbox", name="Countries").press("Enter")
    expect(page).to_have_url(re.compile("who=KZ%2CSG"))
    page.get_by_role("button", name="World Artificial Intelligence Cooperation Organization").click()
    expect(page.get_by_role("heading", name="Provisions")).to_be_visible()
    page.get_by_role("button", name="Where systems stand").click()
    expect(page.get_by_role("region", name=re.compile("Where systems stand"))).to_contain_text("huawei-cloudmatrix-384")


def test_obligations_follow_from_facts(page: Page) -> None:
    drawn(page, DUTIES)
    expect(page.locator("[data-chart] svg")).to_contain_text("eu-aia-51/presumed-systemic")
    expect(page.locator("[data-chart] svg")).to_contain_text("(vetoed, never law)")
    expect(page.get_by_text("depends on: role").first).to_be_visible()
    page.get_by_role("button", name="provider", exact=True).click()
    expect(page).to_have_url(re.compile("role=provider"))
    page.get_by_role("button", name="EU", exact=True).click()
    page.get_by_label("Offered to the public").select_option("no")
    expect(page).to_have_url(re.compile("jurisdictions=eu"))
    expect(page.get_by_role("heading", name=re.compile("^CN"))).to_have_count(0)
    page.get_by_label("Training compute [FLOP]").fill("1e26")
    page.get_by_label("Training compute [FLOP]").press("Enter")
    expect(page.locator("[data-chart] svg")).to_contain_text("10× above")


def test_a_link_of_another_page_opens_obligations_with_its_compute(page: Page) -> None:
    drawn(page, "/policy?tab=obligations&flop=3.8574964604928e%2B24&date=2025-09-01")
    expect(page.get_by_role("tab", name="Obligations of a run")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_label("Training compute [FLOP]")).to_have_value("3.8574964604928e+24")
    expect(page.locator("[data-chart] svg")).to_contain_text("this run: 3.86e24")


def test_exports_carry_the_citation(page: Page, tmp_path: Path) -> None:
    drawn(page, ZONES)
    texts = {}
    for kind in ("CSV", "SVG", "JSON"):
        page.locator("[data-chart]").get_by_role("button", name="Export").click()
        with page.expect_download() as found:
            page.get_by_role("button", name=kind, exact=True).click()
        texts[kind] = tmp_path / kind
        found.value.save_as(texts[kind])
    for path in texts.values():
        text = path.read_text(encoding="utf-8")
        assert "Class rules and chips on 2025-06-01" in text
        assert "Not legal advice" in text
        assert "us-ear-3a090-2024" in text
    assert "NVIDIA H20" in texts["CSV"].read_text(encoding="utf-8")
    page.locator("[data-chart]").get_by_role("button", name="Export").click()
    with page.expect_download() as found:
        page.get_by_role("button", name="PNG", exact=True).click()
    assert Path(found.value.path()).read_bytes().startswith(b"\x89PNG")


def test_tabs_by_keyboard(page: Page) -> None:
    drawn(page, ZONES)
    page.get_by_role("tab", name="Export control").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Status through time")).to_be_focused()
    expect(page).to_have_url(re.compile("tab=status"))


@pytest.mark.parametrize(("language", "theme", "width"), [("en", "light", 1440), ("zh", "dark", 390)])
@pytest.mark.parametrize("address", [ZONES, STATUS, ADOPTION, SYSTEMS, DUTIES])
def test_axe_and_width(open_page: OpenPage, address: str, language: str, theme: str, width: int) -> None:
    page, _ = open_page(language=language, theme=theme, width=width)
    opened(page, address)
    page.locator("[role=tabpanel] section, [role=tabpanel] table").first.wait_for()
    fits(page)
    axe(page)
    name = "systems" if address == SYSTEMS else (re.search(r"tab=(\w+)", address) or ["", "zones"])[1]
    shot(page, f"policy-{name}-{language}-{theme}", [width])
    expect(page.get_by_text("不构成法律意见" if language == "zh" else "Not legal advice").first).to_be_visible()
