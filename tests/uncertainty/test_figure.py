from __future__ import annotations

import pytest

from accord.catalog.value import Alternative, Value
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure


def stated(number: float, *others: float, source: str = "S1", **rest: object) -> Value:
    alternatives = tuple(Alternative(number=one, unit="W", basis="estimate", source=f"S{at + 2}") for at, one in
                         enumerate(others))  # fmt: skip
    return Value(number=number, unit="W", basis="published", source=source, alternatives=alternatives)


def known(value: Value) -> Figure:
    found = figure.of(value, "systems/x")
    assert found is not None
    return found


def test_a_fact_keeps_its_claims_and_sources() -> None:
    found = known(stated(100.0, 120.0, 100.1))
    assert (found.value, found.points) == (100.0, (100.0, 120.0))
    assert found.sources == ("systems/x:S1", "systems/x:S2", "systems/x:S3")
    assert found.band() == (100.0, 120.0)
    assert found.disputed
    assert found.remarks == ("100 W (published). Others: 120 W (estimate)",)


def test_rejected_claims_are_no_claims() -> None:
    wrong = Alternative(number=1.0, unit="W", basis="estimate", source="S9", rejected=True)
    value = Value(number=100.0, unit="W", basis="published", source="S1", alternatives=(wrong,))
    assert known(value).points == (100.0,)
    assert known(value).sources == ("systems/x:S1",)


def test_a_text_is_no_figure() -> None:
    assert figure.of(Value(text="no", basis="published", source="S1"), "chips/x") is None
    assert figure.of(None, "chips/x") is None


def test_a_quotient_of_facts() -> None:
    found = figure.over(known(stated(100.0, 120.0)), known(stated(10.0, 20.0)), "1")
    assert found is not None
    assert found.value == 10.0
    assert sorted(found.points) == [5.0, 6.0, 10.0, 12.0]
    assert found.basis == "derived"
    assert figure.over(known(stated(1.0)), known(stated(0.0)), "1") is None


def test_a_product_is_no_surer_than_its_parts() -> None:
    weak = Value(number=2.0, unit="1", basis="estimate", source="S7")
    found = figure.times(known(stated(100.0)), known(weak), "W")
    assert (found.value, found.basis) == (200.0, "estimate")
    assert figure.calculated_basis(("published", "measured")) == "derived"
    assert figure.calculated_basis(("assumed", "estimate")) == "assumed"


def test_pooled_claims_keep_the_first_value() -> None:
    found = figure.pooled(known(stated(100.0)), known(stated(90.0, source="S8")))
    assert (found.value, found.points) == (100.0, (100.0, 90.0))
    assert found.sources == ("systems/x:S1", "systems/x:S8")


def test_scaled() -> None:
    found = figure.scaled(known(stated(100.0, 120.0)), 0.5, "J")
    assert (found.value, found.points, found.unit) == (50.0, (50.0, 60.0), "J")
    assert found.band() == pytest.approx((50.0, 60.0))
