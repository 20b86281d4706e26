"""Numbers within an interval, and ratios that follow from other facts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.policy.facts import RATIO_PARTS, FactValue, Uncertain, completed

POSITIVE = st.floats(1e-3, 1e26)


@pytest.mark.parametrize("low, value, high", [(2.0, 1.0, 3.0), (1.0, 4.0, 3.0), (0.0, 1.0, 2.0), (1.0, 2.0, math.inf)])
def test_what_is_no_interval_is_refused(low: float, value: float, high: float) -> None:
    with pytest.raises(UsageError, match="is no interval of positive numbers"):
        Uncertain(value, low, high)


def test_five_per_cent_lie_beyond_each_end() -> None:
    one = Uncertain(3.0, 1.0, 12.0)
    assert one.chance_above(1.0) == pytest.approx(0.95)
    assert one.chance_above(3.0) == pytest.approx(0.5)
    assert one.chance_above(12.0) == pytest.approx(0.05)
    assert one.chance_above(0.0) == one.chance_above(-1.0) == 1.0


def test_an_interval_without_width_is_a_number() -> None:
    assert Uncertain(2.0, 2.0, 2.0).chance_above(2.0) == 0.0
    assert Uncertain(2.0, 2.0, 2.0).chance_above(1.0) == 1.0
    assert Uncertain(2.0, 1.0, 2.0).chance_above(2.1) == 0.0  # no width upwards
    assert Uncertain(2.0, 2.0, 4.0).chance_above(1.9) == 1.0


@pytest.mark.parametrize("name", RATIO_PARTS)
def test_a_ratio_follows_from_its_parts(name: str) -> None:
    above, below, per = RATIO_PARTS[name]
    assert completed({above: 6e9, below: 2.0})[name] == 3e9 / per
    assert completed({above: 6e9, below: 2.0, name: 1.0})[name] == 3e9 / per  # parts count for more
    for facts in ({above: 6e9}, {below: 2.0}, {above: 6e9, below: 0.0}):
        assert name not in completed(facts)
        assert completed({**facts, name: 1.0})[name] == 1.0


def test_a_word_is_no_part_of_a_ratio() -> None:
    assert "performance_density" not in completed({"tpp": 4000.0, "die_area": "large"})


@given(POSITIVE, POSITIVE, st.floats(1.0, 9.0), st.floats(1.0, 9.0), st.floats(1.0, 9.0), st.floats(1.0, 9.0))
def test_the_interval_of_a_ratio(top: float, bottom: float, a: float, b: float, c: float, d: float) -> None:
    above, below = Uncertain(top, top / a, top * b), Uncertain(bottom, bottom / c, bottom * d)
    both = completed({"tpp": above, "die_area": below})["performance_density"]
    one = completed({"tpp": above, "die_area": bottom})["performance_density"]
    assert isinstance(both, Uncertain)
    assert isinstance(one, Uncertain)
    assert both.value == one.value == pytest.approx(top / bottom)
    assert one.low == pytest.approx(top / a / bottom)
    assert one.high == pytest.approx(top * b / bottom)
    near = 1.0 + 1e-9  # wider than of one part, narrower than if both were at their ends
    assert top / a / (bottom * d) / near <= both.low <= one.low * near
    assert one.high / near <= both.high <= top * b / (bottom / c) * near


def test_the_facts_given_stay_as_they_are() -> None:
    given_facts: dict[str, FactValue] = {"tpp": 4000.0, "die_area": 800.0}
    assert completed(given_facts)["performance_density"] == 5.0
    assert given_facts == {"tpp": 4000.0, "die_area": 800.0}
