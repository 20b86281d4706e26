"""The supernode page: a drawing with a deployment on it, zoomed, moved, chosen from; its address, exports and pace."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.web.browser.harness import Watch, axe, fits, opened, shot

if TYPE_CHECKING:
    from tests.web.conftest import OpenPage

pytestmark = pytest.mark.browser
FRAME_S = 1 / 30
ZOOMING = """async () => {
    const canvas = document.querySelector('[data-drawing] canvas');
    const box = canvas.getBoundingClientRect();
    const took = [];
    const start = performance.now();
    let last = start;
    await new Promise((done) => {
        const next = () => {
            const now = performance.now();
            took.push(now - last);
            last = now;
            canvas.dispatchEvent(new WheelEvent('wheel', {
                deltaY: now - start < 1000 ? -60 : 60, bubbles: true, cancelable: true,
                clientX: box.x + box.width * 0.35, clientY: box.y + box.height * 0.4,
            }));
            if (now - start < 2000) requestAnimationFrame(next);
            else done();
        };
        requestAnimationFrame(next);
    });
    return took.slice(1).sort((a, b) => a - b);
}"""


def drawn(page: Page, address: str = "/supernode") -> Locator:
    """Open the page and wait until it has drawn; the drawing."""
    opened(page, address)
    canvas = page.locator("[data-drawing] canvas")
    canvas.wait_for()
    page.wait_for_timeout(300)
    return page.locator("[data-drawing] [role=img]")


def inked(page: Page) -> int:
    """Different colours on a grid of places of the canvas."""
    found = page.evaluate(
        """() => {
            const canvas = document.querySelector('[data-drawing] canvas');
            const pen = canvas.getContext('2d');
            const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set();
            for (let at = 0; at < data.length; at += 28) seen.add(`${data[at]} ${data[at + 1]} ${data[at + 2]}`);
            return seen.size;
        }"""
    )
    assert isinstance(found, int)
    return found


def test_the_deployment_of_the_paper_is_there_at_once(page: Page) -> None:
    picture = drawn(page)
    expect(picture).to_have_attribute("aria-label", re.compile("48 nodes and 12 racks. Prefill: 6 instances"))
    assert inked(page) > 5
    links = page.get_by_role("region", name="Links", exact=True)
    expect(links).to_contain_text("UB L2, supernode")
    expect(page.locator("[data-answer]")).to_contain_text("Prefill: dispatch")
    expect(page.locator("[data-answer]")).to_contain_text("Ranks of shared experts")


def test_what_was_chosen_is_told_and_kept_in_the_address(page: Page) -> None:
    drawn(page)
    page.get_by_label("Selected").select_option("chip")
    page.get_by_role("spinbutton", name="Chip").fill("97")
    page.get_by_role("spinbutton", name="Chip").press("Enter")
    expect(page).to_have_url(re.compile(r"pick=chip%3A96"))
    expect(page.locator("[data-where]")).to_have_text("Rack 4, node 13; devices 193 to 194 of 768.")
    expect(page.get_by_text("Die 1")).to_be_visible()
    expect(page.locator("dl.dies")).to_contain_text("rank 0; Experts: 0")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("[data-drawing] [role=img]")).to_have_attribute("data-detail", "die")
    address = page.url
    page.goto(address)
    expect(page.locator("[data-where]")).to_contain_text("node 13")


def test_another_system_gets_a_deployment_that_fits(page: Page) -> None:
    opened(page, "/supernode?system=nvidia-gb200-nvl72", idle=False)
    expect(page.locator("[data-answer]")).to_be_visible(timeout=30_000)
    expect(page.get_by_label("Decode pool")).to_have_value("instances=1,devices=32,ep=32")
    expect(page.get_by_label("Share of prompts reused")).to_have_value("0")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_busiest_link_is_named_and_chosen(page: Page) -> None:
    drawn(page)
    rows = page.get_by_role("region", name="Busiest links of UB").locator("tbody tr")
    expect(rows.first).to_contain_text("device port")
    rows.first.get_by_role("button").click()
    expect(page).to_have_url(re.compile(r"pick=chip%3A\d+"))


def test_a_click_in_the_drawing_chooses(page: Page) -> None:
    picture = drawn(page)
    canvas = page.locator("[data-drawing] canvas")
    box = canvas.bounding_box()
    assert box is not None
    canvas.hover(position={"x": box["width"] * 0.1, "y": box["height"] * 0.3})
    expect(page.locator("[data-drawing] output")).to_contain_text("busiest link")
    canvas.click(position={"x": box["width"] * 0.1, "y": box["height"] * 0.3})
    expect(picture).to_have_attribute("data-picked", re.compile(r"^(rack|node|chip):\d+$"))


def test_keys_buttons_and_dragging_move_the_view(page: Page) -> None:
    drawn(page)
    page.get_by_role("group", name="Drawing: plus and minus zoom").focus()
    for _ in range(4):
        page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"zoom=3\.8"))
    first = page.url
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(first)
    canvas = page.locator("[data-drawing] canvas")
    box = canvas.bounding_box()
    assert box is not None
    second = page.url
    page.mouse.move(box["x"] + 300, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 160, steps=3)
    page.mouse.up()
    expect(page).not_to_have_url(second)
    expect(page.locator("[data-drawing] [role=img]")).to_have_attribute("data-picked", "")
    page.get_by_role("button", name="Show all").click()
    expect(page).not_to_have_url(re.compile("zoom="))
    page.get_by_role("button", name="Zoom in").click()
    expect(page).to_have_url(re.compile(r"zoom=1\.4"))


def test_planes_and_the_back_button(page: Page) -> None:
    picture = drawn(page)
    page.get_by_role("button", name="RDMA", exact=True).click()
    expect(picture).to_have_attribute("aria-label", re.compile("Busiest link of RDMA"))
    expect(page).to_have_url(re.compile("plane=RDMA"))
    page.go_back()
    expect(page.get_by_role("button", name="UB", exact=True)).to_have_attribute("aria-pressed", "true")


def test_another_load_is_calculated_and_gone_back_from(page: Page) -> None:
    drawn(page)
    answer = page.locator("[data-answer]")
    before = answer.inner_text()
    page.get_by_label("Requests a device, decode").fill("12")
    expect(page.get_by_text("The question has changed since.")).to_be_visible()
    page.get_by_role("button", name="Calculate").click()
    expect(answer).not_to_have_text(before)
    expect(page).to_have_url(re.compile("batch=12"))
    page.go_back()
    expect(page.get_by_label("Requests a device, decode")).to_have_value("48")
    expect(answer).to_contain_text("88 ms")


def test_another_system_is_chosen_and_gets_pools_that_fit(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    picture = drawn(page)
    box = page.get_by_role("combobox", name="System")
    box.fill("gb200-nvl72")
    page.get_by_role("option").first.wait_for()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("system=nvidia-gb200-nvl72"))
    expect(picture).to_have_attribute("aria-label", re.compile("72 chips in 18 nodes"))
    expect(page.get_by_label("Decode pool")).to_have_value("instances=1,devices=32,ep=32")
    page.get_by_label("Decode pool").fill("instances=9,devices=32,ep=32")
    page.get_by_role("button", name="Calculate").click()
    expect(page.get_by_role("alert")).to_contain_text("of 72")
    expect(page.get_by_text("the system is shown without it")).to_be_visible()


@pytest.mark.parametrize("kind", ["CSV", "JSON", "SVG", "PNG"])
def test_exports_carry_the_citation(page: Page, kind: str) -> None:
    drawn(page, "/supernode?pick=node:3")
    page.locator("[data-drawing]").get_by_role("button", name="Export").click()
    with page.expect_download() as caught:
        page.get_by_role("button", name=kind, exact=True).click()
    body = Path(caught.value.path()).read_bytes()
    if kind == "PNG":
        assert body.startswith(b"\x89PNG")
        assert len(body) > 20_000
        return
    text = body.decode()
    assert "Accord 0." in text
    assert "/supernode?pick=node" in text
    if kind == "SVG":
        assert text.count("<rect") > 500
        assert "112 switch chips" in text
    if kind == "JSON":
        assert json.loads(text)["data"]["layout"]["chips"] == 384
    if kind == "CSV":
        assert "UB L2, supernode" in text


LARGE = (
    "/supernode?system=huawei-atlas-950-superpod&engine=&weights=&reuse=0"
    "&prefill=instances%3D40%2Cdevices%3D32%2Cep%3D32&decode=instances%3D20%2Cdevices%3D320%2Cep%3D320"
)


@pytest.mark.parametrize(("address", "chips"), [("/supernode", "384"), (LARGE, "8192")], ids=["384", "8192"])
def test_thirty_frames_a_second_while_zooming(page: Page, address: str, chips: str) -> None:
    """With the load of links drawn; in software, on the cores there are."""
    picture = drawn(page, address)
    expect(picture).to_have_attribute("aria-label", re.compile(f"{chips} chips.*Busiest link"))
    page.evaluate(ZOOMING)  # the first time compiles
    took: list[float] = page.evaluate(ZOOMING)
    middle = took[len(took) // 2] / 1e3
    assert len(took) > 20
    assert middle <= FRAME_S, f"a frame takes {middle * 1e3:.1f} ms, {len(took)} frames in 2 s"


def test_a_torus_of_9216_chips(page: Page) -> None:
    drawn(page, "/supernode?system=google-ironwood-pod&lay=0")
    assert inked(page) > 2
    expect(page.get_by_role("region", name="Tiers and planes")).to_contain_text("torus")


def test_one_pool_for_both(page: Page) -> None:
    words = "system=nvidia-hgx-h200-8&model=llama-3.1-70b&serve=instances%3D2%2Cdevices%3D4%2Ctp%3D4"
    drawn(page, f"/supernode?{words}&engine=&weights=&reuse=0&mtp=0&batch=8&pick=node:0")
    expect(page.locator("[data-answer]")).to_contain_text("Prefill and decode by turns: 2 × 4")
    expect(page.locator("[data-answer]")).to_contain_text("sums over ranks")
    expect(page.get_by_role("heading", name="Prefill and decode by turns 2")).to_be_visible()


def test_text_of_an_address_is_shown_as_text(page: Page, watch: Watch) -> None:
    watch.allow("status of 422")
    opened(page, "/supernode?decode=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(page.get_by_role("alert")).to_contain_text("<img")


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_axe_and_widths(open_page: OpenPage, language: str, theme: str) -> None:
    page, _ = open_page(language=language, theme=theme)
    drawn(page, "/supernode?pick=node:2")
    if language == "zh":
        expect(page.get_by_role("heading", level=1)).to_have_text("超节点")
    axe(page)
    shot(page, f"supernode-{language}-{theme}")
    for width in (1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)


def test_fingers_zoom_and_move(page: Page) -> None:
    drawn(page)
    result: Any = page.evaluate(
        """async () => {
            const canvas = document.querySelector('[data-drawing] canvas');
            canvas.setPointerCapture = () => {};
            const box = canvas.getBoundingClientRect();
            const send = (type, id, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
                pointerId: id, pointerType: 'touch', clientX: box.x + x, clientY: box.y + y, bubbles: true}));
            send('pointerdown', 1, 300, 200);
            send('pointerdown', 2, 400, 200);
            for (let step = 1; step <= 10; step += 1) {
                send('pointermove', 1, 300 - 10 * step, 200);
                send('pointermove', 2, 400 + 10 * step, 200);
            }
            send('pointerup', 1, 200, 200);
            send('pointerup', 2, 500, 200);
            await new Promise((done) => setTimeout(done, 500));
            return new URLSearchParams(location.search).get('zoom');
        }"""
    )
    assert 2.5 < float(result) < 3.5
