"""What the description of an item in a case says of what it is."""

from __future__ import annotations

import datetime

import pytest

from accord.api.law import Law
from accord.catalog.load import load_catalog
from accord.policy.cases import Case, case_facts, described_item, read_case
from accord.policy.classify import classify
from accord.policy.facts import FactValue


def described(name: str, item_type: str) -> dict[str, FactValue]:
    """Facts of a case that are not of every case: no chip and no party is known."""
    case = Case("c", "official", name, datetime.date(2025, 1, 1), {"item_type": item_type}, None, "none", "no_licence")
    asked = ("material", "memory_kind", "process_nm")
    return {fact: value for fact, value in case_facts(case, (), ()).items() if fact in asked}


@pytest.mark.parametrize(
    "name, item_type, facts",
    [
        ("Gallium metal", "material", {"material": frozenset(("gallium",))}),
        ("Ga, Ge and Sb", "material", {"material": frozenset(("gallium", "germanium", "antimony"))}),
        ("Rare earth magnets", "material", {"material": frozenset(("rare_earth",))}),
        ("Superhard tools", "equipment", {"material": frozenset(("superhard",))}),
        ("Copper", "material", {}),
        ("HBM3E stack", "memory", {"memory_kind": "hbm"}),
        ("Memory stack", "memory", {}),
        ("Logic at 7 nm", "ic", {"process_nm": 7.0}),
        ("Logic at 7 nm", "system", {}),
        ("Gallium logic", "ic", {}),
    ],
)
def test_items_by_their_descriptions(name: str, item_type: str, facts: dict[str, FactValue]) -> None:
    assert described(name, item_type) == facts


@pytest.mark.parametrize(
    ("name", "bandwidth", "eccn"),
    [
        ("LPDDR5X device", 68e9, "none"),
        ("GDDR7 device", 128e9, "none"),
        ("HBM1 stack", 128e9, "3A090.c"),
        ("HBM3E stack", None, "3A090.c"),
        ("Memory stack", 128e9, "unknown"),
    ],
)
def test_memory_of_unknown_area_is_told_by_its_kind(name: str, bandwidth: float | None, eccn: str) -> None:
    facts: dict[str, FactValue] = {"item_type": "memory", "destination": "CN", "hq": "CN"}
    facts |= {"transaction": "export_from_us"} | ({"dram_bandwidth": bandwidth} if bandwidth else {})
    day = datetime.date(2025, 6, 1)
    law = Law(load_catalog())
    asked = case_facts(Case("c", "official", name, day, facts, None, "none", "no_licence"), (), law.parties)
    assert classify(law.book(day), asked).eccn == eccn
    item = described_item("memory", name)
    assert {name: asked[name] for name in item.facts} == dict(item.facts)
    assert set(item.told) == set(item.facts)


def test_a_known_area_goes_before_the_kind() -> None:
    facts: dict[str, FactValue] = {"item_type": "memory", "dram_bandwidth": 900e9, "package_area": 100.0}
    law, day = Law(load_catalog()), datetime.date(2025, 6, 1)
    asked = case_facts(Case("c", "official", "GDDR9 device", day, facts, None, "none", "no_licence"), (), law.parties)
    assert classify(law.book(day), asked).eccn == "3A090.c"


@pytest.mark.parametrize("word", ["licence:requird", "check:soon", "depends:", "restricted:", "nothing"])
def test_an_expected_answer_that_no_rule_gives_is_told(word: str) -> None:
    cells = {"case_id": "a", "chip": "b", "date": "2025-01-01", "expected_eccn": "none", "expected_outcome": word}
    (said,) = read_case(cells, "here").strange
    assert said.startswith(f"here: expected_outcome is '{word}': no answer is called '{word}'")
    assert read_case({**cells, "expected_outcome": "no_licence"}, "here").strange == ()
