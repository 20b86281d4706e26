"""Draws of a quantity: its interval is that of the draws, sources are equally likely, one identity is one draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import CatalogError
from accord.claims.quantity import COUNT, Quantity, drawn


def quantity(value: float, low: float | None = None, high: float | None = None, *, points: tuple[float, ...] = (),
             identity: str = "x") -> Quantity:  # fmt: skip
    return Quantity(
        value=value, low=low, high=high, unit="1", basis="estimate", points=points, identity=identity, how="by hand"
    )


@given(st.floats(1e-6, 1e12), st.floats(1.0, 50.0), st.floats(1.0, 50.0))
def test_the_interval_of_the_draws_is_that_of_the_quantity(value: float, below: float, above: float) -> None:
    draws = drawn(quantity(value, value / below, value * above))
    assert draws.shape == (COUNT,)
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    assert low == pytest.approx(value / below, rel=0.02)
    assert middle == pytest.approx(value, rel=0.02)
    assert high == pytest.approx(value * above, rel=0.02)
    assert np.all(draws > 0.0)


def test_an_end_at_zero_is_drawn_on_a_straight_scale() -> None:
    low, middle, high = np.quantile(drawn(quantity(1.0, 0.0, 3.0)), [0.05, 0.5, 0.95])
    assert (low, middle, high) == pytest.approx((0.0, 1.0, 3.0), abs=0.02)


@pytest.mark.parametrize("one", [quantity(5.0), quantity(5.0, 5.0, 5.0), quantity(5.0, points=(5.0,))])
def test_what_is_exact_does_not_vary(one: Quantity) -> None:
    assert one.exact
    assert np.all(drawn(one) == 5.0)


@pytest.mark.parametrize(("low", "high", "lacking"), [(4.0, None, "high"), (None, 6.0, "low")])
def test_an_interval_with_one_end_is_none(low: float | None, high: float | None, lacking: str) -> None:
    with pytest.raises(CatalogError, match=f"{lacking} is missing"):
        quantity(5.0, low, high)


def test_sources_are_equally_likely() -> None:
    one = quantity(752.0, 708.0, 800.0, points=(752.0, 800.0, 780.0, 708.0))
    values, counts = np.unique(drawn(one), return_counts=True)
    assert values.tolist() == [708.0, 752.0, 780.0, 800.0]
    assert set(counts) == {COUNT // 4}
    assert not one.exact


def test_one_identity_is_one_draw_and_another_is_not() -> None:
    first, again, other = (drawn(quantity(2.0, 1.0, 4.0, identity=name)) for name in ("x", "x", "y"))
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1
    assert np.allclose(np.sort(first), np.sort(other))  # strata: the same numbers in another order


def test_a_value_beside_its_interval_is_let_in() -> None:
    draws = drawn(quantity(10.0, 1.0, 2.0))
    assert np.quantile(draws, 0.05) == pytest.approx(1.0, rel=0.05)
    assert np.max(draws) == pytest.approx(10.0)
