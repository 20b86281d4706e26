"""Draws of parameters and of disputed facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from accord.uncertainty.draws import COUNT, among, correlation, normals, standard


@dataclass(frozen=True)
class Some:
    """Parameters of one entry, some correlated."""

    fits: Mapping[str, object]
    owners: Mapping[str, str]
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)


def some(*names: str, **ties: float) -> Some:
    pairs = {(pair[0], pair[1]): value for pair, value in ties.items()}
    return Some(dict.fromkeys(names), dict.fromkeys(names, "entry"), pairs)


@pytest.mark.parametrize("count", [64, COUNT, 127, 4096])
def test_every_parameter_has_mean_zero_and_deviation_one(count: int) -> None:
    for drawn in normals(some("a", "b", "c", ab=0.7), count).values():
        assert drawn.shape == (count,)
        assert np.mean(drawn) == pytest.approx(0.0, abs=1e-12)
        assert np.std(drawn) == pytest.approx(1.0, abs=1e-12)


def test_another_parameter_changes_no_draws() -> None:
    few, more = normals(some("b", "c")), normals(some("a", "b", "c", "d"))
    for name in ("b", "c"):
        assert np.array_equal(few[name], more[name])


def test_draws_are_the_same_every_time_and_differ_by_name() -> None:
    assert np.array_equal(standard("a", COUNT), standard("a", COUNT))
    assert abs(float(np.mean(standard("a", 4096) * standard("b", 4096)))) < 0.05


def test_draws_are_normal() -> None:
    drawn = np.sort(standard("a", 4096))
    assert drawn[int(0.95 * 4096)] == pytest.approx(1.645, abs=0.01)
    assert drawn[int(0.99 * 4096)] == pytest.approx(2.326, abs=0.03)


@pytest.mark.parametrize("tie", [-0.9, -0.4, 0.5, 0.95])
def test_parameters_of_one_entry_are_correlated_as_stated(tie: float) -> None:
    found = normals(some("a", "b", "c", ab=tie), 4096)
    assert float(np.mean(found["a"] * found["b"])) == pytest.approx(tie, abs=0.03)
    assert np.array_equal(found["c"], standard("c", 4096))


def test_each_claim_is_drawn_equally_often_in_an_order_of_its_own() -> None:
    found = among("peak", (1.0, 0.9, 1.1, 1.2), COUNT)
    assert [int(np.count_nonzero(found == point)) for point in (1.0, 0.9, 1.1, 1.2)] == [COUNT // 4] * 4
    assert not np.array_equal(found, among("bandwidth", (1.0, 0.9, 1.1, 1.2), COUNT))


def test_a_correlation_matrix_has_the_order_of_its_names() -> None:
    found = correlation(("c", "a", "b"), {("a", "b"): 0.5, ("a", "x"): 0.9})
    assert found.tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.5, 1.0]]
