"""The simulate page: a question, its run with progress, its charts, a second run beside it, its address and exports."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.web.browser.harness import axe, opened, sound, watched
from tests.web.running import Server, running

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser

WAIT_MS = 60_000
ASKED = {
    "model": "llama-3.1-8b",
    "system": "nvidia-hgx-h100-8",
    "tp": 1,
    "chips": 2,
    "isl": "1000",
    "osl": "60",
    "rate": 6,
    "requests": 60,
    "bounds": False,
}
TRACE = "".join(
    f'{{"timestamp": {at * 400}, "input_length": 1024, "output_length": 20, "hash_ids": [0, {at}]}}\n'
    for at in range(12)
)
OLD: dict[str, list[str]] = {}


def finished(api: httpx.Client, **more: object) -> str:
    """Id of a simulation that was started and has ended."""
    job = api.post("/simulate", json={**ASKED, **more}).json()
    until = time.monotonic() + WAIT_MS / 1e3
    while job["state"] in ("queued", "running") and time.monotonic() < until:
        time.sleep(0.1)
        job = api.get(f"/jobs/{job['id']}").json()
    assert job["state"] == "done", job
    return str(job["id"])


@pytest.fixture
def jobs(server: Server, api: httpx.Client) -> list[str]:
    """Two runs that have ended, the second at twice the rate and with limits; made once a server."""
    if server.url not in OLD:
        second = finished(api, rate=12, ttft="60ms", tpot="20ms", fail="instance=0,at=2s,down=1s", label="faster")
        OLD[server.url] = [finished(api), second]
    return OLD[server.url]


def shown(page: Page, job: str, more: str = "") -> None:
    """Open a run by its address and wait until its charts are drawn."""
    opened(page, f"/simulate?job={job}{more}", idle=False)
    page.locator('[data-chart="iterations"] svg').wait_for(timeout=WAIT_MS)


def chart(page: Page, name: str) -> Locator:
    """The drawing of a chart."""
    return page.locator(f'[data-chart^="{name}"] .plot')


def point(page: Page, name: str, x: float, y_pixels: float) -> None:
    """Move the mouse over a chart; x: share of its width, y_pixels: from its top."""
    plot = chart(page, name)
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * x - 2, box["y"] + y_pixels)
    page.mouse.move(box["x"] + box["width"] * x, box["y"] + y_pixels)


def test_opening_the_page_starts_nothing(page: Page, api: httpx.Client) -> None:
    before = len(api.get("/jobs").json()["jobs"])
    opened(page, "/simulate?rate=9&requests=77")
    expect(page.get_by_text("Nothing has been run yet.")).to_be_visible()
    expect(page.get_by_label("Requests", exact=True)).to_have_value("77")
    page.get_by_label("Tensor (TP)").fill("4")
    expect(page).to_have_url(re.compile("tp=4"))
    assert len(api.get("/jobs").json()["jobs"]) == before


def test_from_the_question_to_the_answer(page: Page) -> None:
    opened(page, "/simulate")
    page.get_by_label("Requests", exact=True).fill("40")
    page.get_by_label("Time per output token").fill("")
    page.get_by_label("Requests", exact=True).press("Enter")
    expect(page.get_by_role("progressbar")).to_be_visible()
    figures = page.get_by_role("region", name="Answer")
    expect(figures).to_contain_text(re.compile(r"Completed\s*40"), timeout=WAIT_MS)
    expect(figures).to_contain_text("Time to first token ≤ 500 ms: kept by")
    expect(figures.get_by_role("row", name="Time to first token")).to_contain_text(re.compile(r"\d ms.*–.*\d ms"))
    expect(page).to_have_url(re.compile(r"job=[0-9a-f]{32}.*requests=40.*tpot=%7E"))
    page.reload()
    expect(figures).to_contain_text(re.compile(r"Completed\s*40"), timeout=WAIT_MS)
    expect(page.get_by_label("Time per output token")).to_have_value("")
    expect(page.get_by_text("The question has changed")).to_have_count(0)
    page.go_back()
    expect(page.get_by_text("Nothing has been run yet.")).to_be_visible()
    page.go_forward()
    expect(figures).to_contain_text(re.compile(r"Completed\s*40"), timeout=WAIT_MS)


def test_a_run_can_be_stopped(page: Page) -> None:
    opened(page, "/simulate?requests=60000&rate=5")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="simulated")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("This run was stopped.")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Run again")).to_be_enabled()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_enabled()


def test_what_cannot_be_run_is_said_with_a_hint(page: Page) -> None:
    opened(page, "/simulate?load=trace")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a trace file.")
    page.get_by_label("Trace file", exact=True).last.set_input_files(
        {"name": "odd.csv", "mimeType": "text/csv", "buffer": b"a,b\n1,2\n"}
    )
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("is of no known trace format", timeout=WAIT_MS)
    expect(page.get_by_role("alert")).to_contain_text("say which with “Format”")


def test_a_field_that_is_lacking_is_marked(page: Page) -> None:
    opened(page, "/simulate?load=profile")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Choose a profile of the catalog")
    expect(page.get_by_role("combobox", name="Profile")).to_have_attribute("aria-invalid", "true")


def test_a_trace_keeps_its_pace_and_its_length(page: Page) -> None:
    opened(page, "/simulate")
    page.get_by_label("Requests from").select_option("trace")
    expect(page.get_by_role("textbox", name=re.compile("^Rate"))).to_have_value("")
    expect(page.get_by_label("Requests", exact=True)).to_have_value("")
    page.get_by_label("Requests from").select_option("lengths")
    expect(page.get_by_label("Requests", exact=True)).to_have_value("300")


def test_a_run_that_is_too_short_is_made_longer(page: Page) -> None:
    opened(page, "/simulate?model=llama-3.1-8b&tp=1&chips=2&isl=500&osl=400&rate=30&requests=60")
    page.get_by_role("button", name="Run", exact=True).click()
    told = page.locator("[data-lacking=short]")
    expect(told).to_contain_text("for most of the run the deployment was filling or emptying", timeout=WAIT_MS)
    told.get_by_role("button").click()
    expect(page.get_by_label("Requests", exact=True)).to_have_value("")
    expect(page.get_by_label("Duration")).not_to_have_value("")
    expect(page.get_by_role("region", name="Answer")).to_be_visible(timeout=WAIT_MS)
    expect(told).to_have_count(0)


def test_a_trace_is_played(page: Page) -> None:
    opened(page, "/simulate?load=trace&requests=~&rate=~&model=llama-3.1-8b&tp=1&ttft=~&tpot=~")
    page.get_by_label("Trace file", exact=True).last.set_input_files(
        {"name": "small.jsonl", "mimeType": "application/json", "buffer": TRACE.encode()}
    )
    page.get_by_role("button", name="Run", exact=True).click()
    figures = page.get_by_role("region", name="Answer")
    expect(figures).to_contain_text(re.compile(r"Completed\s*12"), timeout=WAIT_MS)
    expect(figures).to_contain_text("Cache hits")
    expect(figures.get_by_role("heading", level=2)).to_contain_text("small.jsonl")
    expect(chart(page, "timeline").locator("svg")).to_contain_text("Cache hits")
    page.reload()
    expect(page.get_by_text("The file small.jsonl is not in the address")).to_be_visible(timeout=WAIT_MS)


def test_charts_tell_their_values(page: Page, jobs: list[str]) -> None:
    shown(page, jobs[1])
    point(page, "latency", 0.4, 120)
    expect(chart(page, "latency").locator("svg")).to_contain_text(re.compile(r"A: this run.*% ≤ [\d.]+ ms"))
    expect(chart(page, "latency").locator("svg")).to_contain_text("limit 60 ms")
    point(page, "timeline", 0.5, 60)
    told = chart(page, "timeline").locator("svg")
    expect(told).to_contain_text(
        re.compile(r"Time [\d.]+ s.*Queue: .*Running: .*Cache in use: .*In iterations, decode: ")
    )
    point(page, "iterations", 0.5, 50)
    expect(chart(page, "iterations").locator("svg")).to_contain_text(
        re.compile(r"(decode|mixed|prefill), serve [01].*\d s – [\d.]+ s \(")
    )
    page.get_by_text("Events (").click()
    expect(page.get_by_text(re.compile(r"^2 s: Instance 0 down"))).to_be_visible()


def test_a_latency_is_chosen_and_is_in_the_address(page: Page, jobs: list[str]) -> None:
    shown(page, jobs[0])
    page.get_by_role("button", name="Whole answer").press("Enter")
    expect(page.locator('[data-chart="latency-e2e"]')).to_be_visible()
    expect(page).to_have_url(re.compile("metric=e2e"))
    expect(page.get_by_text(re.compile(r"^Whole answer: half within .* 99 % within"))).to_be_visible()
    page.get_by_role("button", name="logarithmic").press("Enter")
    expect(page).to_have_url(re.compile("scale=log"))
    expect(page.get_by_role("button", name="logarithmic")).to_have_attribute("aria-pressed", "true")


def test_zoom_by_keyboard_and_wheel(page: Page, jobs: list[str]) -> None:
    shown(page, jobs[0])
    steps = page.get_by_role("group", name="Iterations of each instance: Stretch shown")
    steps.get_by_role("button", name="Closer").press("Enter")
    expect(page).to_have_url(re.compile(r"steps=[\d.]+-[\d.]+"))
    address = page.url
    point(page, "iterations", 0.5, 50)
    page.mouse.wheel(0, -300)
    expect(page).not_to_have_url(address)
    over = page.get_by_role("group", name="Over time: Stretch shown")
    over.get_by_label("To").fill("4")
    over.get_by_label("To").press("Enter")
    expect(page).to_have_url(re.compile(r"time=0-4"))
    page.reload()
    expect(over.get_by_label("To")).to_have_value("4", timeout=WAIT_MS)
    page.get_by_role("button", name="Iterations of this stretch").click()
    expect(page).to_have_url(re.compile(r"steps=0-4"))
    over.get_by_role("button", name="Whole").click()
    expect(page).not_to_have_url(re.compile("time="))


def test_two_runs_side_by_side(page: Page, jobs: list[str]) -> None:
    shown(page, jobs[0])
    page.get_by_label("Compare with").select_option(f"job-{jobs[1]}")
    both = page.get_by_role("region", name="Two runs side by side").first
    row = both.locator("tr", has=page.get_by_role("rowheader", name="Completed", exact=True))
    expect(row).to_contain_text("1×")
    expect(both).to_contain_text('B: "faster"')
    expect(both.locator("tr", has_text="workload.rate")).to_contain_text("12")
    expect(chart(page, "latency").locator("svg")).to_contain_text("B: other run")
    expect(page.get_by_text(re.compile("Queue, Running.*: ——— A   – – – B"))).to_be_visible()
    expect(page).to_have_url(re.compile(f"other=job-{jobs[1]}"))
    page.get_by_label("Compare with").select_option("")
    expect(both).to_have_count(0)
    page.go_back()
    expect(row).to_contain_text("1×")


def test_past_runs_are_opened(page: Page, jobs: list[str]) -> None:
    opened(page, "/simulate")
    rows = page.get_by_role("region", name="Past runs").get_by_role("row", name=re.compile("faster"))
    rows.first.get_by_role("button").click()
    expect(page).to_have_url(re.compile(f"job={jobs[1]}"))
    expect(page.get_by_role("region", name="Answer")).to_contain_text('"faster"', timeout=WAIT_MS)
    expect(page.get_by_label("Failures at stated times")).to_have_value("instance=0,at=2s,down=1s")


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [("timeline", "CSV", "Running"), ("latency", "SVG", "<svg"), ("iterations", "JSON", "duration_s")],
)
def test_exports_carry_the_citation(page: Page, jobs: list[str], name: str, kind: str, told: str) -> None:
    shown(page, jobs[0])
    drawn = page.locator(f'[data-chart^="{name}"]')
    drawn.get_by_role("button", name="Export").click()
    with page.expect_download() as caught:
        drawn.get_by_role("button", name=kind, exact=True).click()
    text = Path(caught.value.path()).read_text(encoding="utf-8")
    assert told in text
    assert "Accord 0." in text
    assert f"job={jobs[0]}" in text


def test_files_of_the_run(page: Page, jobs: list[str]) -> None:
    shown(page, jobs[0])
    with page.expect_download() as caught:
        page.get_by_role("button", name="requests.csv").click()
    assert caught.value.suggested_filename == "requests.csv"
    rows = Path(caught.value.path()).read_text(encoding="utf-8").splitlines()
    assert len([one for one in rows if not one.startswith("#")]) == 61


def test_an_unknown_run_is_said(page: Page, open_page: OpenPage) -> None:
    other, watch = open_page()
    watch.allow("status of 404")
    opened(other, f"/simulate?job={'0' * 32}")
    expect(other.get_by_role("alert")).to_be_visible()
    expect(other.get_by_role("button", name="Run", exact=True)).to_be_enabled()


def test_chinese(open_page: OpenPage, jobs: list[str]) -> None:
    page, _ = open_page(language="zh")
    shown(page, jobs[0])
    expect(page.get_by_role("heading", level=1)).to_have_text("模拟")
    expect(chart(page, "timeline").locator("svg")).to_contain_text("缓存占用")
    expect(page.get_by_role("region", name="答案")).to_contain_text("首词元时间")


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_axe_and_widths(open_page: OpenPage, jobs: list[str], language: str, theme: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    opened(page, "/simulate")
    axe(page)
    shown(page, jobs[0], f"&other=job-{jobs[1]}")
    page.locator("[data-chart] button[aria-pressed]").last.click()  # a table behind a chart
    page.wait_for_timeout(300)
    sound(page, f"simulate-{language}-{theme}")


@pytest.mark.slow
def test_what_was_interrupted_is_taken_up_again(browser: Browser, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Server(home)
    try:
        with first.client() as api:
            job = api.post("/simulate", json={**ASKED, "requests": 4000}).json()["id"]
            until = time.monotonic() + WAIT_MS / 1e3
            while api.get(f"/jobs/{job}").json()["state"] == "queued" and time.monotonic() < until:
                time.sleep(0.05)
        first.strike()
    finally:
        first.kill()
    with running(home) as second, watched(browser, second.url) as (page, _):
        opened(page, f"/simulate?job={job}")
        page.get_by_role("button", name="Resume").click()
        answer = page.get_by_role("region", name="Answer")
        expect(answer).to_contain_text(re.compile(r"Completed\s*4,000"), timeout=WAIT_MS)
