"""Facts: number, band, alternatives."""

from __future__ import annotations

import pytest

from accord.base.errors import CatalogError, MissingFact
from accord.catalog.value import Alternative, Value, walk


def test_spread_holds_every_credible_number() -> None:
    value = Value(
        number=600.0,
        unit="W",
        basis="estimate",
        source="S1",
        low=550.0,
        high=700.0,
        alternatives=(
            Alternative(number=650.0, unit="W", basis="estimate", source="S2"),
            Alternative(number=6000.0, unit="W", basis="estimate", source="S2", rejected=True),
            Alternative(text="unknown", basis="estimate", source="S2"),
        ),
    )
    assert value.si == 600.0
    assert value.spread() == (600.0, 550.0, 700.0, 650.0)


def test_a_text_is_no_number() -> None:
    value = Value(text="liquid", basis="published", source="S1")
    assert value.spread() == ()
    with pytest.raises(MissingFact, match="'liquid' is no number"):
        _ = value.si


@pytest.mark.parametrize("band", [{"low": 2.0}, {"high": 0.5}])
def test_a_band_holds_its_value(band: dict[str, float]) -> None:
    with pytest.raises(CatalogError, match="the value"):
        Value(number=1.0, unit="1", basis="derived", source="S1", **band)  # type: ignore[arg-type]
    with pytest.raises(CatalogError, match="without a value"):
        Alternative(basis="derived", source="S1", **band)  # type: ignore[arg-type]


def test_walk_names_every_fact() -> None:
    one = Value(number=1.0, unit="1", basis="derived", source="S1")
    assert list(walk(one)) == []
