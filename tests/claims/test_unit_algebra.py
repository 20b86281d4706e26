"""Units multiply, divide and cancel; what is not known is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UnitError
from accord.base.units import known_units
from accord.claims.unit_algebra import PLAIN, parse_unit

COMPOSED = ("FLOP/s/W", "OP/s/USD", "B/W", "USD/h", "kWh", "tok/s", "kgCO2e/kWh", "1", "%", "million", "mm2", "nm")
UNITS = st.sampled_from((*known_units(), *COMPOSED))


@pytest.mark.parametrize(
    ("text", "size", "name"),
    [
        ("1", 1.0, "1"), ("W", 1.0, "J/s"), ("kWh", 3.6e6, "J"), ("FLOP/s/W", 1.0, "FLOP/J"), ("OP/s", 1.0, "FLOP/s"),
        ("b/s", 0.125, "B/s"), ("h", 3600.0, "s"), ("USD/h", 1 / 3600.0, "USD/s"), ("d", 86400.0, "s"),
        ("mm2", 1e-6, "m^2"), ("nm", 1e-9, "m"), ("%", 0.01, "1"), ("PFLOP/s", 1e15, "FLOP/s"), ("Hz", 1.0, "1/s"),
        ("tok/s * h", 3600.0, "tok"), ("1/h", 1 / 3600.0, "1/s"), ("USD/Mtok", 1e-6, "USD/tok"),
    ],
)  # fmt: skip
def test_size_and_base(text: str, size: float, name: str) -> None:
    found = parse_unit(text)
    assert found.size == pytest.approx(size, rel=1e-12)
    assert found.name == name
    assert found.base.size == 1.0
    assert found.alike(found.base)


@given(UNITS, UNITS)
def test_products_and_quotients_undo_each_other(first: str, second: str) -> None:
    a, b = parse_unit(first), parse_unit(second)
    assert (a * b / b).alike(a)
    assert (a * b / b).size == pytest.approx(a.size)
    assert (a / a).alike(PLAIN)
    assert (a * b).powers == (b * a).powers


@pytest.mark.parametrize("text", ["", "furlong", "FLOP//s", "/s", "FLOP s", "FLOP/", "B/s/parsec", "*"])
def test_what_is_no_unit_is_refused(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_unit(text)
    assert caught.value.hint


def test_kinds_differ() -> None:
    assert not parse_unit("B").alike(parse_unit("FLOP"))
    assert parse_unit("OP/s").alike(parse_unit("FLOP/s"))
