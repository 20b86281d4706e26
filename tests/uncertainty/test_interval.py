from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.uncertainty.interval import band, distinct, products, quotients


def spread_band(values: tuple[float, ...] | list[float], level: float = 0.9) -> tuple[float, float]:
    return band(distinct(values), level)


def ratio_band(above: tuple[float, ...] | list[float], below: tuple[float, ...] | list[float]) -> tuple[float, float]:
    return band(quotients(distinct(above), distinct(below)), 0.9)


claims = st.lists(st.floats(min_value=1e-3, max_value=1e18), min_size=1, max_size=8)


def test_roundings_of_one_claim_count_once() -> None:
    assert distinct((288.8, 300.0, 289.0, 300.0, 307.2)) == (288.8, 300.0, 307.2)


def test_few_claims_give_their_extremes() -> None:
    assert spread_band((752.0, 800.0, 780.0, 707.8)) == (707.8, 800.0)
    assert spread_band((5.0,)) == (5.0, 5.0)


def test_a_band_leaves_the_tails_out() -> None:
    points = tuple(float(number) for number in range(1, 101))
    assert band(points) == (6.0, 95.0)
    assert band(points, 0.5) == (26.0, 75.0)


def test_ratio_of_two_facts() -> None:
    low, high = ratio_band((752.0, 707.8, 800.0), (2500.0,))
    assert (low, high) == pytest.approx((707.8 / 2500, 800 / 2500))
    assert ratio_band((400.0, 200.0), (800.0, 400.0)) == (0.25, 1.0)


def test_every_combination() -> None:
    assert sorted(products((2.0, 3.0), (5.0, 7.0))) == [10.0, 14.0, 15.0, 21.0]
    assert sorted(quotients((6.0,), (2.0, 3.0))) == [2.0, 3.0]
    assert quotients((6.0,), (0.0, 3.0)) == (2.0,)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0, 90.0, float("nan")])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(UsageError):
        band((1.0,), level)


def test_no_values_have_no_band() -> None:
    with pytest.raises(UsageError):
        spread_band(())
    with pytest.raises(UsageError):
        ratio_band((1.0,), (0.0,))


@given(claims, st.floats(min_value=0.05, max_value=0.95))
def test_a_band_is_inside_the_claims_and_grows_with_its_level(values: list[float], level: float) -> None:
    low, high = spread_band(values, level)
    assert min(values) <= low <= high <= max(values)
    wide = spread_band(values, (1.0 + level) / 2.0)
    assert wide[0] <= low
    assert wide[1] >= high


@given(claims, claims)
def test_the_inverse_ratio_has_the_inverse_band(a: list[float], b: list[float]) -> None:
    low, high = ratio_band(a, b)
    assert ratio_band(b, a) == pytest.approx((1.0 / high, 1.0 / low))


@given(claims, claims, st.floats(min_value=0.1, max_value=10.0))
def test_scaling_a_fact_scales_the_ratio(a: list[float], b: list[float], factor: float) -> None:
    low, high = ratio_band(a, b)
    kept = distinct(a)
    scaled = quotients([factor * claim for claim in kept], distinct(b))
    assert band(scaled) == pytest.approx((factor * low, factor * high))
