"""The search for the highest rate, on curves whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.serving.saturation import Point, bracket, find_rate


def falling(knee: float, sharpness: float = 8.0) -> Callable[[float], float]:
    """A share that is 0.9 at the knee and falls through it."""
    return lambda rate: 1.0 / (1.0 + (rate / knee) ** sharpness / 9.0)


@settings(max_examples=200, deadline=None)
@given(st.floats(0.02, 900.0), st.floats(0.01, 1000.0), st.floats(1.0, 40.0), st.sampled_from([0.01, 0.05]))
def test_the_knee_is_found(knee: float, start: float, sharpness: float, tolerance: float) -> None:
    found = find_rate(falling(knee, sharpness), 0.01, 1000.0, target=0.9, start=start, tolerance=tolerance, most=64)
    assert found.ending == "found" and found.request_per_s is not None and found.above is not None
    assert found.request_per_s <= knee * (1 + 1e-9) and knee <= found.above * (1 + 1e-9)
    assert found.above <= found.request_per_s * (1.0 + tolerance)
    rates = [point.request_per_s for point in found.points]
    assert len(set(rates)) == len(rates)
    assert all(0.01 <= rate <= 1000.0 for rate in rates)


def test_it_takes_few_evaluations() -> None:
    found = find_rate(falling(37.0), 0.1, 1e4, target=0.9, start=30.0)
    assert found.ending == "found" and len(found.points) <= 10


@settings(max_examples=100, deadline=None)
@given(st.floats(0.02, 900.0))
def test_truth_values_will_do(knee: float) -> None:
    found = find_rate(lambda rate: rate <= knee, 0.01, 1000.0, target=1.0, most=64)
    assert found.request_per_s is not None
    assert found.request_per_s <= knee <= found.request_per_s * 1.02 * (1 + 1e-9)


def test_never() -> None:
    found = find_rate(lambda _: 0.0, 1.0, 100.0, target=0.9, start=10.0)
    assert (found.request_per_s, found.above, found.ending) == (None, 1.0, "never")
    assert [point.request_per_s for point in found.points] == [10.0, 5.0, 2.5, 1.25, 1.0]


def test_always() -> None:
    found = find_rate(lambda _: 1.0, 1.0, 5.0, target=0.9)
    assert (found.request_per_s, found.above, found.ending) == (5.0, None, "always")
    assert [point.request_per_s for point in found.points] == [1.0, 2.0, 4.0, 5.0]


def test_a_single_rate() -> None:
    assert find_rate(lambda _: 1.0, 3.0, 3.0, target=0.9).ending == "always"
    assert find_rate(lambda _: 0.0, 3.0, 3.0, target=0.9).ending == "never"


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.floats(0.02, 900.0), st.integers(0, 2**32 - 1))
def test_evaluations_are_bounded(most: int, knee: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = find_rate(
        lambda rate: falling(knee)(rate) + float(rng.normal(0.0, 0.2)), 0.01, 1000.0, target=0.9, most=most
    )
    assert 1 <= len(found.points) <= most
    if len(found.points) < most:
        assert found.ending != "cut"


def test_not_a_number_keeps_nothing() -> None:
    found = find_rate(lambda rate: math.nan if rate > 4.0 else 1.0, 1.0, 100.0, target=0.9)
    assert found.request_per_s == pytest.approx(4.0, rel=0.02)


def test_chance_moves_the_answer_little() -> None:
    """A share of 200 requests each, which is noisy: the answer stays near the knee."""
    answers = []
    for seed in range(200):
        rng = np.random.default_rng(seed)

        def share(rate: float, rng: np.random.Generator = rng) -> float:
            return float(rng.binomial(200, falling(50.0)(rate)) / 200)

        found = find_rate(share, 0.1, 1e4, target=0.9, start=20.0)
        assert found.request_per_s is not None
        answers.append(found.request_per_s)
    assert np.median(answers) == pytest.approx(50.0, rel=0.03)
    assert np.quantile(answers, 0.05) > 44.0 and np.quantile(answers, 0.95) < 56.0


def test_a_lucky_rate_far_above_is_not_believed() -> None:
    def share(rate: float) -> float:
        return 0.99 if rate == 64.0 else 0.99 if rate <= 40.0 else 0.5

    found = find_rate(share, 1.0, 1000.0, target=0.9, start=1.0)  # 64 is on the way
    assert found.request_per_s == pytest.approx(40.0, rel=0.02)


def test_an_unlucky_rate_far_below_is_not_believed() -> None:
    def share(rate: float) -> float:
        return 0.85 if rate == 8.0 else 0.99 if rate <= 40.0 else 0.5

    found = find_rate(share, 1.0, 1000.0, target=0.9, start=1.0)  # so is 8
    assert found.request_per_s == pytest.approx(40.0, rel=0.02)


def points(*pairs: tuple[float, float]) -> list[Point]:
    return [Point(rate, value, value >= 0.9) for rate, value in pairs]


def test_brackets() -> None:
    assert bracket(points((1.0, 1.0), (2.0, 0.95), (3.0, 0.5)), 0.9) == (2.0, 3.0)
    assert bracket(points((3.0, 0.5), (1.0, 1.0), (2.0, 0.95)), 0.9) == (2.0, 3.0)
    assert bracket(points((1.0, 1.0), (2.0, 0.88), (3.0, 0.95), (4.0, 0.5)), 0.9) == (3.0, 4.0)
    assert bracket(points((1.0, 1.0), (2.0, 0.80), (3.0, 0.95), (4.0, 0.5)), 0.9) == (1.0, 2.0)
    assert bracket(points((1.0, 0.5)), 0.9) == (None, 1.0)
    assert bracket(points((1.0, 0.9)), 0.9) == (1.0, None)
    assert bracket([], 0.9) == (None, None)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 10.0), st.floats(0.0, 1.0)), min_size=1, max_size=12, unique_by=lambda p: p[0])
)
def test_a_bracket_is_two_neighbours(pairs: list[tuple[float, float]]) -> None:
    below, above = bracket(points(*pairs), 0.9)
    ordered = sorted(rate for rate, _ in pairs)
    if below is not None and above is not None:
        assert ordered.index(above) == ordered.index(below) + 1
    elif below is not None:
        assert below == ordered[-1]
    else:
        assert above == ordered[0]


@pytest.mark.parametrize(
    ("low", "high", "start"), [(0.0, 1.0, None), (2.0, 1.0, None), (1.0, 2.0, 3.0), (1.0, math.inf, None)]
)
def test_rates_that_make_no_sense(low: float, high: float, start: float | None) -> None:
    with pytest.raises(UsageError, match="hint: give 0 < low <= start <= high"):
        find_rate(lambda _: 1.0, low, high, target=0.9, start=start)


def test_a_tolerance_of_nothing() -> None:
    with pytest.raises(UsageError, match="both are above 0"):
        find_rate(lambda _: 1.0, 1.0, 2.0, target=0.9, tolerance=0.0)
