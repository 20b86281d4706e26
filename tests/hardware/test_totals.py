from __future__ import annotations

import pytest

from accord.catalog.chip import Chip, Interconnect, Memory
from accord.catalog.load import load_catalog
from accord.catalog.system import Fabric, Plane, System, Tier
from accord.catalog.value import Alternative, Value
from accord.hardware.totals import LOWEST, totals


def value(number: float, unit: str = "1", *others: float) -> Value:
    kept = tuple(Alternative(number=one, unit=unit, basis="estimate", source="S2") for one in others)
    return Value(number=number, unit=unit, basis="published", source="S1", alternatives=kept)


def chip(**fields: object) -> Chip:
    made: dict[str, object] = {
        "id": "example-chip", "name": "Example", "vendor": "example", "family": "other",
        "devices_per_chip": value(1.0), "sources": {},
        "peak": {"bf16": value(100e12, "FLOP/s", 110e12), "int8": value(200e12, "OP/s")},
        "memory": Memory(capacity=value(64e9, "B"), bandwidth=value(2e12, "B/s")),
        "interconnect": Interconnect(scale_up=value(400e9, "B/s", 300e9)),
    }  # fmt: skip
    return Chip(**(made | fields))  # type: ignore[arg-type]


def system(**fields: object) -> System:
    made: dict[str, object] = {
        "id": "example-node", "name": "Example node", "vendor": "example", "kind": "node", "chip": "example-chip",
        "chips": value(8.0), "sources": {},
    }  # fmt: skip
    return System(**(made | fields))  # type: ignore[arg-type]


def test_chips_times_the_chips_claims() -> None:
    found = totals(system(), chip())
    assert found.whole["bf16"].value == 8 * 100e12
    assert found.whole["bf16"].points == (8 * 100e12, 8 * 110e12)
    assert found.per_chip["bf16"].value == 100e12
    assert found.whole["hbm_capacity"].value == 8 * 64e9
    assert "chips/example-chip:S2" in found.whole["bf16"].sources
    assert "systems/example-node:S1" in found.whole["bf16"].sources


def test_a_printed_total_joins_where_it_fits() -> None:
    printed = {"bf16": value(840e12, "FLOP/s", 1600e12)}
    found = totals(system(totals=printed), chip())
    assert found.whole["bf16"].value == 800e12
    assert found.whole["bf16"].points == (800e12, 880e12, 840e12)
    assert len(found.asides) == 1
    assert "1.6 PFLOP/s is not counted: the chips add up to 800 TFLOP/s" in found.asides[0]


def test_a_printed_total_stands_alone_where_the_chip_is_unknown() -> None:
    found = totals(system(chip=None, totals={"fp8": value(1.6e15, "FLOP/s")}), None)
    assert found.whole["fp8"].value == 1.6e15
    assert found.per_chip["fp8"].value == 2e14
    assert "bf16" not in found.whole
    assert found.lowest_format == "fp8"


def test_without_a_number_of_chips_only_the_chip_is_known() -> None:
    found = totals(system(chips=None), chip())
    assert found.per_chip["bf16"].value == 100e12
    assert found.whole == {}
    assert found.chips is None


def test_the_narrowest_format_is_the_lowest_precision() -> None:
    peak = {"bf16": value(1.0, "FLOP/s"), "fp8": value(2.0, "FLOP/s"), "int8": value(3.0, "OP/s")}
    found = totals(system(), chip(peak=peak))
    assert (found.lowest_format, found.whole[LOWEST].value) == ("int8", 24.0)
    found = totals(system(), chip(peak=peak | {"fp4": value(4.0, "FLOP/s")}))
    assert (found.lowest_format, found.whole[LOWEST].value) == ("fp4", 32.0)
    assert totals(system(), chip(peak={})).lowest_format is None


def test_scale_up_is_that_of_the_outermost_tier_that_states_one() -> None:
    tiers = (
        Tier(name="node", chips=8, bandwidth=value(400e9, "B/s")),
        Tier(name="pod", chips=64, bandwidth=value(100e9, "B/s")),
        Tier(name="more", chips=128),
    )
    planes = (Plane(name="links", kind="scale-up", tiers=tiers),)
    found = totals(system(fabric=Fabric(planes=planes)), chip())
    assert found.per_chip["scaleup"].points == (100e9,)  # the chip's 400 GB/s are another quantity
    assert found.whole["scaleup"].value == 8 * 100e9


def test_the_chips_own_claims_join_where_the_tier_says_the_same() -> None:
    plane = Plane(name="links", kind="scale-up", tiers=(Tier(name="node", chips=8, bandwidth=value(400e9, "B/s")),))
    both_ways = {"scaleup": value(6.4e12, "B/s", 9e12)}
    found = totals(system(fabric=Fabric(planes=(plane,)), totals=both_ways), chip())
    assert found.per_chip["scaleup"].points == (400e9, 300e9)
    assert found.whole["scaleup"].value == 3.2e12
    assert found.whole["scaleup"].points == pytest.approx((3.2e12, 2.4e12))
    assert "9 TB/s in both directions is not counted" in found.asides[0]


def test_scale_out_is_told_in_bits() -> None:
    tiers = (Tier(name="net", chips=0, bandwidth=value(50e9, "B/s")),)
    planes = (Plane(name="net", kind="scale-out", tiers=tiers),)
    found = totals(system(fabric=Fabric(planes=planes)), chip())
    assert found.per_chip["scaleout"].value == pytest.approx(400e9)
    assert found.per_chip["scaleout"].unit == "b/s"


def test_no_unit_is_not_the_same_as_not_known() -> None:
    no = Value(text="no", basis="published", source="S1")
    assert totals(system(), chip(facts={"fp8_support": no})).absent == ("fp8",)
    assert totals(system(), chip()).absent == ()


@pytest.mark.parametrize("id", load_catalog().ids("systems"))
def test_every_system_adds_up(id: str) -> None:
    catalog = load_catalog()
    one = catalog.system(id)
    found = totals(one, catalog.chip(one.chip) if one.chip else None)
    for name, whole in found.whole.items():
        assert whole.value > 0.0
        assert min(whole.points) <= whole.value <= max(whole.points)
        if found.chips is not None:
            assert whole.value == pytest.approx(found.per_chip[name].value * found.chips.value)
        for ref in whole.sources:
            owner, _, key = ref.partition(":")
            kind, _, entry = owner.partition("/")
            assert catalog.source(kind, entry, key)
