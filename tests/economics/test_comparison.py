from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.catalog.chip import Chip
from accord.catalog.system import System
from accord.catalog.value import Alternative, Value
from accord.economics.comparison import (
    CANNOT_TELL,
    QUANTITIES,
    Dimension,
    Profile,
    compare,
    missing_parts,
    profile,
    times,
)


def value(number: float, unit: str = "1", *others: float) -> Value:
    kept = tuple(Alternative(number=one, unit=unit, basis="estimate", source="S2") for one in others)
    return Value(number=number, unit=unit, basis="published", source="S1", alternatives=kept)


def of(id: str, bf16: Value, chips: float = 8.0, chip: str = "", **facts: Value) -> Profile:
    one = Chip(
        id=chip or f"chip-of-{id}", name="c", vendor="v", family="other", devices_per_chip=value(1.0), sources={},
        peak={"bf16": bf16}, facts=facts,
    )  # fmt: skip
    whole = System(
        id=id, name=id, vendor="v", kind="node", chip=one.id, chips=value(chips), power=value(1000.0, "W"),
        price=value(100.0, "USD", 150.0), sources={},
    )  # fmt: skip
    return profile(whole, one, overhead=None)


def row(a: Profile, b: Profile, name: str) -> Dimension:
    return next(found for found in compare(a, b) if found.quantity.name == name)


def test_names_are_stable_and_distinct() -> None:
    names = [quantity.name for quantity in QUANTITIES]
    assert len(names) == len(set(names))
    wanted = (
        "bf16_dense int8 fp8 lowest_precision hbm_capacity hbm_bandwidth scaleup_total scaleup_per_chip scaleout_total "
        "power bf16_per_watt bf16_per_chip bf16_per_usd hbm_per_watt hbm_bandwidth_per_watt hbm_capacity_per_usd "
        "bf16_per_rack price chips racks"
    )
    assert set(wanted.split()) <= set(names)


def test_a_ratio_that_every_source_agrees_on() -> None:
    found = row(of("a", value(3.0, "FLOP/s", 4.0)), of("b", value(2.0, "FLOP/s")), "bf16_dense")
    assert (found.ratio, found.low, found.high) == (1.5, 1.5, 2.0)
    assert found.verdict == "A has 1.50 times B's dense BF16, holds across all sources"


def test_a_ratio_that_sources_leave_open() -> None:
    found = row(of("a", value(3.0, "FLOP/s", 1.0)), of("b", value(2.0, "FLOP/s")), "bf16_dense")
    assert found.undecided
    assert found.verdict == "open: sources disagree, A has 0.500 to 1.50 times B's dense BF16"


def test_less_and_equal() -> None:
    low = row(of("a", value(1.0, "FLOP/s")), of("b", value(2.0, "FLOP/s")), "bf16_dense")
    assert low.verdict == "A has less: 0.500 of B's dense BF16, no source disagrees"
    same = row(of("a", value(2.0, "FLOP/s")), of("b", value(2.0, "FLOP/s")), "bf16_dense")
    assert same.verdict == "A and B have the same dense BF16"


def test_one_chip_in_both_cancels() -> None:
    disputed = value(3.0, "FLOP/s", 1.0)
    a, b = of("a", disputed, 16.0, "chip"), of("b", disputed, 8.0, "chip")
    assert (row(a, b, "bf16_dense").low, row(a, b, "bf16_dense").high) == (2.0, 2.0)
    assert row(a, b, "bf16_per_chip").verdict == "A and B have the same dense BF16 per chip"
    assert row(a, b, "bf16_per_watt").high == pytest.approx(2.0)
    assert row(a, b, "bf16_per_usd").undecided is False  # 2 times at a price that is disputed by 1.5
    assert row(a, a, "price").verdict == "A and B have the same price"


def test_unknown_is_not_zero() -> None:
    found = row(of("a", value(1.0, "FLOP/s")), of("b", value(2.0, "FLOP/s")), "int8")
    assert (found.a, found.b, found.ratio, found.verdict) == (None, None, None, CANNOT_TELL)
    quantity = found.quantity
    assert missing_parts(of("a", value(1.0, "FLOP/s")), quantity) == ("int8",)


def test_no_unit_is_said() -> None:
    no = Value(text="no", basis="published", source="S1")
    a, b = of("a", value(1.0, "FLOP/s"), fp8_support=no), of("b", value(1.0, "FLOP/s"))
    assert row(a, b, "fp8").verdict == "A has no FP8 unit"
    assert row(b, a, "fp8").verdict == "B has no FP8 unit"
    assert row(a, a, "fp8").verdict == "A and B have no FP8 unit"
    assert missing_parts(a, row(a, b, "fp8").quantity) == ()


@given(*[st.lists(st.floats(min_value=1.0, max_value=1e3), min_size=1, max_size=5)] * 2)
def test_swapping_inverts_every_ratio(first: list[float], second: list[float]) -> None:
    a, b = of("a", value(first[0], "FLOP/s", *first[1:])), of("b", value(second[0], "FLOP/s", *second[1:]))
    for there, back in zip(compare(a, b), compare(b, a), strict=True):
        if there.ratio is None or there.low is None or there.high is None:
            assert back.ratio is None
            continue
        assert there.low <= there.ratio <= there.high
        assert back.ratio == pytest.approx(1.0 / there.ratio)
        assert (back.low, back.high) == pytest.approx((1.0 / there.high, 1.0 / there.low))
        assert there.undecided == back.undecided


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(1.6, "1.60"), (0.15, "0.150"), (384.0, "384"), (1034.4, "1,034"), (2e-5, "2e-05"), (3e7, "3e+07")],
)
def test_ratios_in_words(ratio: float, text: str) -> None:
    assert times(ratio) == text
