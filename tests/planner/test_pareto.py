"""Fronts against the definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.planner.slow import slow_front

from accord.planner.pareto import front, leading

POINTS = st.integers(1, 4).flatmap(
    lambda width: st.integers(1, 25).flatmap(
        lambda count: arrays(np.float64, (count, width), elements=st.integers(-3, 4).map(float))
    )
)


def points(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[tuple[float, ...]]:
    return [tuple(map(float, one)) for one in values]


@given(POINTS)
def test_front_is_what_nothing_beats(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    kept = points(values[front(values)])
    assert sorted(kept) == slow_front(points(values))


def test_units_do_not_change_the_front() -> None:
    values = np.random.default_rng(1).random((200, 3))
    assert np.array_equal(front(values), front(values * [1e-9, 1.0, 1e12]))


def test_of_equal_points_the_first_counts() -> None:
    values = np.array([[2.0, 1.0], [1.0, 2.0], [1.0, 2.0], [2.0, 1.0]])
    assert front(values).tolist() == [True, True, False, False]


@given(POINTS, st.integers(1, 4))
def test_leading_is_the_front_of_each_key(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], keys: int) -> None:
    own = np.asarray(np.arange(len(values)) % keys * 1.5, dtype=np.float64)
    found = leading(own, values)
    assert np.all(np.diff(found) > 0)
    for key in np.unique(own):
        assert sorted(points(values[[at for at in found if own[at] == key]])) == slow_front(points(values[own == key]))


def test_leading_of_nothing() -> None:
    assert len(leading(np.zeros(0), np.zeros((0, 2)))) == 0
