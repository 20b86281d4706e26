"""Percentiles of counted gaps are within 1 % of those of the gaps themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.outcomes import gaps_of, whole

from accord.serving.percentiles import gap_percentiles, of_gaps, of_values, share_within
from accord.serving.result import Gaps

PERCENTS = np.asarray([0.0, 1.0, 25.0, 50.0, 90.0, 95.0, 99.0, 99.9, 100.0])


def counted(seconds: np.ndarray[tuple[int], np.dtype[np.float64]], width: float) -> Gaps:
    bins, counts = np.unique(np.floor(np.log(seconds) / width), return_counts=True)
    return Gaps(width, bins.astype(np.int64), counts.astype(np.int64), float(seconds.sum()))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1e-5, 1e4), min_size=1, max_size=60), st.sampled_from([0.005, 0.01, 0.0199]))
def test_within_a_percent_of_exact(seconds: list[float], width: float) -> None:
    values = np.asarray(seconds)
    exact = np.percentile(values, PERCENTS)
    found = gap_percentiles(counted(values, width), PERCENTS)
    assert np.all(np.abs(found / exact - 1.0) <= np.tanh(0.5 * width) * (1.0 + 1e-6))
    assert np.all(np.abs(found / exact - 1.0) <= 0.01)


@pytest.mark.parametrize("law", ["lognormal", "two lengths", "exponential"])
def test_many_gaps(law: str) -> None:
    rng = np.random.default_rng(3)
    values = {
        "lognormal": rng.lognormal(-4.0, 1.0, 200_000),
        "two lengths": np.where(rng.uniform(size=200_000) < 0.9, 0.02, 0.31),
        "exponential": rng.exponential(0.05, 200_000) + 1e-6,
    }[law]
    gaps = counted(values, 0.005)
    assert gap_percentiles(gaps, PERCENTS) == pytest.approx(np.percentile(values, PERCENTS), rel=0.0026)
    assert of_gaps(gaps)["mean"] == pytest.approx(values.mean())


def test_lines_of_growing_gaps() -> None:
    from accord.serving.gaps import Tally

    tally = Tally()
    tally.add_line(0.01, 1e-6, 5000, 3)
    exact = np.percentile(np.repeat(0.01 + 1e-6 * np.arange(5000), 3), PERCENTS)
    assert gap_percentiles(tally.result(), PERCENTS) == pytest.approx(exact, rel=0.01)


def test_no_gaps() -> None:
    none = gaps_of([])
    assert of_gaps(none) == {}
    assert share_within(none, 1.0) is None


def test_share_within() -> None:
    gaps = gaps_of([0.1, 0.2, 0.3, 0.4])
    assert [share_within(gaps, limit) for limit in (0.05, 0.25, 1.0)] == [0.0, 0.5, 1.0]


def test_values() -> None:
    found = of_values(np.asarray([4.0, np.nan, 1.0, 2.0, 3.0]))
    assert found == pytest.approx({"mean": 2.5, "p50": 2.5, "p90": 3.7, "p95": 3.85, "p99": 3.97})
    assert of_values(np.asarray([np.nan])) == of_values(np.asarray([])) == {}


def test_a_bin_without_counts_is_passed_over() -> None:
    gaps = Gaps(0.01, whole([0, 100, 200]), whole([5, 0, 5]), 1.0)
    found = gap_percentiles(gaps, np.asarray([0.0, 44.0, 56.0, 100.0]))
    assert found == pytest.approx([1.0, 1.0, np.exp(2.0), np.exp(2.0)], rel=0.01)
