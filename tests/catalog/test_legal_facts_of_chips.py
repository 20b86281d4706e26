"""What export law asks of chips is in their entries, in the words and units the law asks for."""

from __future__ import annotations

import pytest

from accord.catalog.chip import Chip
from accord.catalog.load import load_catalog

CATALOG = load_catalog()
CHIPS = {id: CATALOG.chip(id) for id in CATALOG.ids("chips")}
MARKETING_IS_OPEN = {"nvidia-rtx-6000-ada"}  # sold for workstations, called a data center product in its documents
FOR_DESKTOPS = {
    "intel-arc-pro-b60", "nvidia-rtx-3090", "nvidia-rtx-4090", "nvidia-rtx-4090d", "nvidia-rtx-5090",
    "nvidia-rtx-5090d", "nvidia-rtx-a6000",
}  # fmt: skip
# chip, applicable die area [mm2], links in both directions [GB/s]; None: not published
KNOWN: tuple[tuple[str, float | None, float | None], ...] = (
    ("amd-mi250x", 1448.0, 800.0),  # two dies
    ("amd-mi210", 724.0, 300.0),
    ("huawei-ascend-910", 624.0, None),  # compute and I/O die, not HBM and dummies
    ("huawei-ascend-910c", 1330.0, 784.0),  # two dies
    ("nvidia-a100-sxm-80", 826.0, 600.0),
    ("nvidia-a30", 826.0, 200.0),
    ("nvidia-a800-pcie-80", 826.0, 400.0),
    ("nvidia-a800-sxm", 826.0, 400.0),
    ("nvidia-b200", None, 1800.0),
    ("nvidia-h100-sxm", 814.0, 900.0),
    ("nvidia-h20", 814.0, 900.0),
    ("nvidia-h800-pcie", 814.0, 400.0),
    ("nvidia-h800-sxm", 814.0, 400.0),
    ("nvidia-l4", 294.0, 64.0),
    ("nvidia-t4", 545.0, 32.0),
)


def number(chip: Chip, name: str) -> float | None:
    fact = chip.facts.get(name)
    return None if fact is None else fact.si


def test_every_chip_says_whether_it_is_for_data_centers() -> None:
    silent = {id for id, chip in CHIPS.items() if "datacenter_marketed" not in chip.facts}
    assert silent == MARKETING_IS_OPEN
    said = {id: chip.facts["datacenter_marketed"].text for id, chip in CHIPS.items() if id not in silent}
    assert {id for id, text in said.items() if text == "no"} == FOR_DESKTOPS
    assert {text for text in said.values()} == {"yes", "no"}


@pytest.mark.parametrize("id", sorted(CHIPS))
def test_units_and_sizes(id: str) -> None:
    chip = CHIPS[id]
    for name, unit, low, high in (
        ("die_area", "mm2", 100.0, 3000.0), ("process", "nm", 2.0, 28.0), ("transistors", "1", 1e9, 1e12),
        ("scale_up_both_directions", "B/s", 10e9, 10e12), ("tpp", "1", 100.0, 1e6),
    ):  # fmt: skip
        fact = chip.facts.get(name)
        if fact is not None:
            assert fact.unit == unit, name
            assert low <= fact.si <= high, name


@pytest.mark.parametrize("id", sorted(CHIPS))
def test_links_are_counted_both_ways(id: str) -> None:
    chip = CHIPS[id]
    both, one = number(chip, "scale_up_both_directions"), chip.interconnect.scale_up
    if both is not None and one is not None:
        assert both == pytest.approx(2.0 * one.si, rel=0.02)


@pytest.mark.parametrize("id, die_area_mm2, links_gb_per_s", KNOWN)
def test_known_chips(id: str, die_area_mm2: float | None, links_gb_per_s: float | None) -> None:
    assert number(CHIPS[id], "die_area") == die_area_mm2
    links = number(CHIPS[id], "scale_up_both_directions")
    assert links == (None if links_gb_per_s is None else links_gb_per_s * 1e9)


@pytest.mark.parametrize("id, area_mm2", [("amd-mi250x", 724.0), ("huawei-ascend-910", 1228.0)])
def test_areas_that_are_not_what_the_law_counts_are_kept_and_rejected(id: str, area_mm2: float) -> None:
    others = [one for one in CHIPS[id].facts["die_area"].alternatives if one.number == area_mm2]
    assert [one.rejected for one in others] == [True]


def test_chips_of_unknown_figures_stay_without_any() -> None:
    chip = CHIPS["amd-mi309"]
    assert not chip.peak and "die_area" not in chip.facts and "tpp" not in chip.facts
