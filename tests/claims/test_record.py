"""What a claim's file may not say, each with the key that is wrong."""

from __future__ import annotations

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
