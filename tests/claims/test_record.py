"""What a claim's file may not say, each with the key that is wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

from accord.base.errors import CatalogError
from accord.catalog.claim import Part, Term
from accord.catalog.claim import Test as Check


def test_a_term_is_one_of_three() -> None:
    with pytest.raises(CatalogError, match="one of 0"):
        Term(take="x")
    with pytest.raises(CatalogError, match="one of 2"):
        Term(verb="compare", catalog="chips/x", take="x")
    with pytest.raises(CatalogError, match="take is missing"):
        Term(verb="compare")
    with pytest.raises(CatalogError, match="number has no source"):
        Term(number=1.0, basis="estimate")
    with pytest.raises(CatalogError, match="number has no source or no basis"):
        Term(number=1.0, source="S")


def test_a_test_is_against_one_thing() -> None:
    for tolerance in (-0.5, 1.0, 50.0, math.nan):
        with pytest.raises(CatalogError, match="tolerance is"):
            Check(op="within", number=1.0, tolerance=tolerance)
    with pytest.raises(CatalogError, match="not finite"):
        Check(op=">", number=math.inf)
    for number, against in ((None, None), (1.0, "x")):
        with pytest.raises(CatalogError, match="one of them"):
            Check(op=">", number=number, against=against)
    with pytest.raises(CatalogError, match="tolerance belongs"):
        Check(op=">", number=1.0, tolerance=0.1)
    with pytest.raises(CatalogError, match="tolerance belongs"):
        Check(op="within", number=1.0)


def test_a_part_calculates_or_says_what_would_decide() -> None:
    with pytest.raises(CatalogError, match="belong together"):
        Part(name="x", value="a")
    with pytest.raises(CatalogError, match="needs is empty"):
        Part(name="x")


def test_nothing_is_within_a_share_of_zero() -> None:
    with pytest.raises(CatalogError, match="number is 0"):
        Check(op="within", number=0.0, tolerance=0.1)


def test_a_tolerance_says_why_it_is_that_wide() -> None:
    test = Check(op="within", number=1.0, tolerance=0.1)
    with pytest.raises(CatalogError, match="note is missing"):
        Part(name="x", value="a", test=test)
    assert Part(name="x", value="a", test=test, note="one digit").note


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number": 1e40}, "number is beyond"), ({"number": math.inf}, "number is beyond"),
        ({"number": 1.0, "low": math.nan, "high": 2.0}, "low is beyond"),
        ({"number": 1.0, "low": 2.0, "high": 3.0}, "low is on the wrong side"),
        ({"number": -1.0, "low": 0.0, "high": 1.0}, "low is on the wrong side"),
        ({"number": 1.0, "low": 0.5, "high": 0.0}, "high is on the wrong side"),
        ({"number": 1.0, "low": 0.5}, "high is missing"), ({"number": 1.0, "high": 2.0}, "low is missing"),
    ],
)  # fmt: skip
def test_an_interval_has_two_ends_around_its_number(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        Term(basis="estimate", source="S", **fields)


def test_only_a_number_has_an_interval_of_its_own() -> None:
    for name, value in (("low", 1.0), ("high", 1.0), ("same_as", "x")):
        with pytest.raises(CatalogError, match=f"{name} belongs to a number"):
            Term(verb="compare", take="x", **{name: value})  # type: ignore[arg-type]
