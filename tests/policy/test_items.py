"""Chips of the catalog as facts of law: total processing performance, density, links, and the classes that follow."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from tests import measured

from accord.api.law import Law
from accord.api.policy_cases import read_cases
from accord.catalog.load import load_catalog
from accord.policy.cases import Case, case_facts
from accord.policy.classify import classify
from accord.policy.facts import FactValue, Uncertain, completed

LAW = Law(load_catalog())
DAY = datetime.date(2024, 6, 1)
CASES = "policy/export_cases.csv"
# chip, TPP, class by the rules of DAY; None: not known
KNOWN: tuple[tuple[str, float | None, str], ...] = (
    ("amd-mi100", 2954.0, "3A090.b"),
    ("amd-mi210", 2896.0, "3A090.b"),
    ("amd-mi250x", 6128.0, "3A090.a"),
    ("amd-mi309", None, "unknown"),
    ("google-tpu-v5e", 3152.0, "3A090.a"),
    ("huawei-ascend-910", 4096.0, "3A090.a"),
    ("intel-gaudi2", 6920.0, "3A090.a"),
    ("metax-c500-oam", 4480.0, "unknown"),
    ("nvidia-a10", 2000.0, "none"),
    ("nvidia-a100-sxm-80", 4992.0, "3A090.a"),
    ("nvidia-a30", 2640.0, "3A090.b"),
    ("nvidia-a40", 2395.0, "3A090.b"),
    ("nvidia-b200", 36000.0, "3A090.a"),
    ("nvidia-b300", 56000.0, "3A090.a"),
    ("nvidia-h100-sxm", 15832.0, "3A090.a"),
    ("nvidia-h20", 2368.0, "none"),
    ("nvidia-l2", 1544.0, "none"),
    ("nvidia-l20", 1912.0, "none"),
    ("nvidia-l4", 1936.0, "3A090.a"),
    ("nvidia-l40", 2896.0, "3A090.b"),
    ("nvidia-rtx-3090", 2272.0, "none"),  # Note 2: not for data centers and below 4800
    ("nvidia-rtx-4090", 5285.0, "3A090.a"),  # FP8 with FP16 accumulate
    ("nvidia-rtx-4090d", 4707.0, "none"),
    ("nvidia-rtx-5090", 6707.0, "3A090.a"),
    ("nvidia-rtx-5090d", 4750.0, "none"),
    ("nvidia-t4", 1042.0, "none"),
    ("nvidia-v100-sxm-32", 2000.0, "none"),
)
# what a case calls a chip -> the chip of the catalog
NAMED = {
    "A100": "nvidia-a100-sxm-80", "MI250X": "amd-mi250x", "A800": "nvidia-a800-sxm", "H800 SXM": "nvidia-h800-sxm",
    "L40S": "nvidia-l40s", "H100 PCIe": "nvidia-h100-pcie", "L40": "nvidia-l40", "RTX 4090": "nvidia-rtx-4090",
    "H100 SXM": "nvidia-h100-sxm", "H200 SXM": "nvidia-h200-sxm", "A30": "nvidia-a30", "A10": "nvidia-a10",
    "T4": "nvidia-t4", "Gaudi2": "intel-gaudi2", "RTX 3090": "nvidia-rtx-3090", "RTX 6000 Ada": "nvidia-rtx-6000-ada",
    "RTX 4090D": "nvidia-rtx-4090d", "L20": "nvidia-l20", "MI309": "amd-mi309", "H20": "nvidia-h20",
    "Ascend 910B": "huawei-ascend-910b", "Ascend 910D": "huawei-ascend-910d", "Ascend 910C": "huawei-ascend-910c",
    "MI325X": "amd-mi325x", "MI300X": "amd-mi300x", "B200": "nvidia-b200", "MI355X": "amd-mi355x",
    "MI210": "amd-mi210",
}  # fmt: skip
TECHNICAL = ("tpp", "die_area", "performance_density", "io_bandwidth", "dram_bandwidth", "datacenter_marketed")
# the only figures of cases that the catalog has otherwise, with why
OTHERWISE = {
    ("Ascend 910C", "tpp"): "800 TFLOP/s was reported; 752 is of the paper on CloudMatrix 384",
    ("MI210", "die_area"): "790 is an estimate; 724 is half of the MI250X's two dies",
}


def value(fact: FactValue | None) -> float | None:
    if isinstance(fact, Uncertain):
        return fact.value
    return fact if isinstance(fact, float) else None


@pytest.mark.parametrize("id, tpp, eccn", KNOWN)
def test_known_chips(id: str, tpp: float | None, eccn: str) -> None:
    item = LAW.item(id)
    if tpp is None:
        assert "tpp" not in item.facts
    else:
        assert value(item.facts["tpp"]) == pytest.approx(tpp, rel=0.002)
    assert classify(LAW.book(DAY), item.facts).eccn == eccn


def test_every_fact_of_an_item_says_where_it_is_from() -> None:
    for id in LAW.catalog.ids("chips"):
        item = LAW.item(id)
        assert set(item.told) == set(item.facts), id
        entries = {source.split(":")[0] for told in item.told.values() for source in told.sources}
        assert entries <= {f"chips/{id}", *(f"parties/{party.id}" for party in LAW.parties)}, id


def test_density_is_of_the_whole_package() -> None:
    """Two dies of 724 mm2, not one."""
    assert value(completed(LAW.item("amd-mi250x").facts)["performance_density"]) == pytest.approx(4.23, abs=0.01)


def test_a_system_is_as_its_chip() -> None:
    chip, system = LAW.item("huawei-ascend-910c"), LAW.item("huawei-cloudmatrix-384")
    assert {name: system.facts[name] for name in TECHNICAL if name in system.facts} == {
        name: chip.facts[name] for name in TECHNICAL if name in chip.facts
    }
    assert (chip.facts["item_type"], system.facts["item_type"]) == ("ic", "system")


def test_figures_of_cases_are_those_of_the_catalog() -> None:
    far = set()
    for case in cases():
        ours = LAW.item(NAMED[case.chip]).facts
        for name in ("tpp", "die_area", "io_bandwidth", "dram_bandwidth"):
            theirs, mine = value(case.facts.get(name)), value(ours.get(name))
            if theirs is not None and mine is not None and abs(mine / theirs - 1.0) > 0.02:
                far.add((case.chip, name))
    assert far == set(OTHERWISE)


def test_cases_end_alike_with_the_catalogs_figures() -> None:
    """What a case says of its chip, replaced by the entry of that chip: same class, same outcome."""
    chips = [LAW.catalog.chip(id) for id in LAW.catalog.ids("chips")]
    for case in cases():
        item = LAW.item(NAMED[case.chip]).facts
        own = {name: item[name] for name in TECHNICAL if name in item}
        rest = {name: fact for name, fact in case.facts.items() if name not in TECHNICAL}
        book = LAW.book(case.day)
        theirs = classify(book, case_facts(case, chips, LAW.parties))
        ours = classify(book, case_facts(replace(case, facts={**rest, **own}), chips, LAW.parties))
        assert (ours.eccn, ours.outcome) == (theirs.eccn, theirs.outcome), case.id


def cases() -> list[Case]:
    read = read_cases(measured.table(CASES), CASES)
    return [case for case in read if case.chip in NAMED]
