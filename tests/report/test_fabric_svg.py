"""Pictures of fabrics: well-formed, within their frame, the same every time, with what they must show."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import pytest

from accord.api.records import machine_of
from accord.catalog.load import load_catalog
from accord.fabric.shapes import shapes_of
from accord.fabric.topology import build
from accord.report.fabric_svg import Scene, TierLoad, draw, heat
from accord.report.svg import Sheet

CATALOG = load_catalog()
SPACE = "{http://www.w3.org/2000/svg}"
CASES = [
    ("huawei-cloudmatrix-384", None), ("huawei-cloudmatrix-384", 3000), ("nvidia-gb200-nvl72", None),
    ("nvidia-gb200-superpod-8", None), ("nvidia-hgx-h100-8", None), ("nvidia-hgx-h100-8", 64),
    ("nvidia-hgx-h100-8", 4096), ("amd-mi300x-8", None), ("google-tpu-v5e-pod", None), ("google-tpu-v4-pod", None),
    ("huawei-atlas-800-a2-node", 512), ("nvidia-a100-sxm-1", 16), ("huawei-atlas-950-superpod", None),
]  # fmt: skip


def scene(system: str, devices: int | None, *, loads: bool = True) -> Scene:
    machine, record = machine_of(CATALOG, system), CATALOG.system(system)
    shapes = shapes_of(machine, record)
    topology = build(machine, shapes, devices)
    nodes = int(record.nodes.si) if record.nodes else 1
    return Scene(
        machine, shapes, topology, max(machine.devices // nodes, 1), record.name, "for a test",
        np.arange(topology.devices) < topology.devices // 2 if loads else None,
        {shape.tier: TierLoad(1e6, 0.5) for shape in shapes} if loads else None, ["a <note> & more"],
    )  # fmt: skip


@pytest.mark.parametrize(("system", "devices"), CASES)
def test_a_picture_is_well_formed_and_stays_in_its_frame(system: str, devices: int | None) -> None:
    raw = draw(scene(system, devices))
    root = ElementTree.fromstring(raw)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for shape in root.iter(f"{SPACE}rect"):
        x, y = float(shape.attrib.get("x", 0)), float(shape.attrib.get("y", 0))
        assert -0.01 <= x <= x + float(shape.attrib["width"]) <= width + 0.01
        assert -0.01 <= y <= y + float(shape.attrib["height"]) <= height + 0.01
    for path in root.iter(f"{SPACE}path"):
        ends = re.findall(r"[ML](-?[0-9.]+) (-?[0-9.]+)", path.attrib["d"])
        assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in ends)
    for text in root.iter(f"{SPACE}text"):
        assert 0 <= float(text.attrib["y"]) <= height
    assert raw == draw(scene(system, devices))
    assert len(raw) < 200_000


def words(raw: bytes) -> str:
    return " | ".join(text.text or "" for text in ElementTree.fromstring(raw).iter(f"{SPACE}text"))


def test_tiers_rates_switches_and_loads_are_labelled() -> None:
    shown = words(draw(scene("huawei-cloudmatrix-384", None)))
    for expected in (
        "Huawei CloudMatrix 384", "UB L1, in the node", "196 GB/s each way per device", "3.14 TB/s each way per node",
        "UB L2, supernode: 112 switch chips", "1.9 us one way", "1 MB a device, 50% of it in use",
        "384 chips, 768 devices", "RoCE", "a <note> & more", "100 %",
    ):  # fmt: skip
        assert expected in shown


def test_without_a_collective_no_scale_of_colours() -> None:
    assert "in use" not in words(draw(scene("nvidia-hgx-h100-8", None, loads=False)))


def test_columns_that_do_not_fit_are_counted() -> None:
    assert "+81" in words(draw(scene("nvidia-hgx-h100-8", 1024)))


def test_every_pair_of_a_mesh_has_its_line() -> None:
    raw = draw(scene("amd-mi300x-8", None)).decode()
    mesh = re.search(r'<path d="([^"]+)" stroke="[^"]+" stroke-width="1.6"', raw)
    assert mesh is not None
    assert mesh[1].count("M") == 8 * 7 // 2


def test_colours_run_from_cool_to_hot() -> None:
    assert heat(-1.0) == heat(0.0) == "#bfd3e6"
    assert heat(0.5) == "#e69f00"
    assert heat(1.0) == heat(7.0) == "#c03a00"


def test_words_are_escaped() -> None:
    sheet = Sheet()
    sheet.text(1.0, 2.0, "<a & b>")
    assert "&lt;a &amp; b&gt;" in sheet.done(10.0, 10.0, "<t>").decode()


@pytest.mark.parametrize("system", ["nvidia-hgx-h100-8", "amd-mi300x-8"])
def test_golden(system: str, golden: Callable[[str, str], None]) -> None:
    golden(f"fabric-{system}.svg", draw(scene(system, None)).decode())
