"""What the description of an item in a case says of what it is."""

from __future__ import annotations

import datetime

import pytest

from accord.policy.cases import Case, case_facts
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
