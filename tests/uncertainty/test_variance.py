"""How widely quantities are spread, and by what."""

from __future__ import annotations

import numpy as np
import pytest

from accord.uncertainty.draws import COUNT, standard
from accord.uncertainty.variance import variance

CAUSES = np.stack([standard(name, COUNT) for name in "abcdefgh"])
ALONE = np.eye(len(CAUSES))


def test_a_sum_of_causes_has_the_sum_of_their_variances() -> None:
    slopes = np.asarray([0.3, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0, -0.4])
    found = variance((slopes @ CAUSES)[None], CAUSES, ALONE)
    assert found.total[0] == pytest.approx(np.sum(slopes**2), rel=1e-3)
    assert found.parts[:, 0] == pytest.approx(slopes**2, abs=2e-3)
    assert found.rest[0] == pytest.approx(0.0, abs=1e-3)


def test_parts_and_rest_sum_to_the_whole() -> None:
    logs = 0.3 * CAUSES[0] + 0.1 * CAUSES[1] * CAUSES[2]
    found = variance(logs[None], CAUSES, ALONE)
    assert found.total[0] == pytest.approx(found.parts[:, 0].sum() + found.rest[0])
    assert found.total[0] == pytest.approx(0.09 + 0.01, rel=0.1)


def test_correlated_causes_that_cancel_leave_little() -> None:
    tied = ALONE.copy()
    tied[0, 1] = tied[1, 0] = -0.9
    mixed = CAUSES.copy()
    mixed[:2] = np.linalg.cholesky(tied[:2, :2]) @ CAUSES[:2]
    found = variance((mixed[0] + mixed[1])[None], mixed, tied)
    assert found.total[0] == pytest.approx(2.0 - 1.8, rel=0.02)


def test_a_few_wild_draws_do_not_decide() -> None:
    logs = 0.2 * CAUSES[0]
    wild = logs.copy()
    wild[:2] = 50.0
    found = variance(np.stack([logs, wild]), CAUSES, ALONE)
    assert np.sqrt(found.total[1]) < 1.5 * np.sqrt(found.total[0])


def test_a_constant_has_no_variance_and_a_rare_change_has_some() -> None:
    rare = np.zeros(COUNT)
    rare[:4] = 1.0
    found = variance(np.stack([np.zeros(COUNT), rare]), CAUSES, ALONE)
    assert found.total[0] == 0.0
    assert found.total[1] == pytest.approx(np.var(rare), rel=0.3)


def test_entries_without_a_value_are_no_draws() -> None:
    logs = 0.2 * CAUSES[0]
    holes = np.where(CAUSES[1] > 1.0, np.nan, logs)
    found = variance(np.stack([logs, holes, np.full(COUNT, np.nan)]), CAUSES, ALONE)
    assert found.total[1] == pytest.approx(0.04, rel=0.05)
    assert found.total[2] == 0.0


def test_too_few_draws_for_a_regression_give_the_plain_variance() -> None:
    few = CAUSES[:, :10] - CAUSES[:, :10].mean(axis=1, keepdims=True)
    found = variance(0.2 * few[:1], few, ALONE)
    assert found.total[0] == pytest.approx(np.var(0.2 * few[0]))
    assert np.all(found.parts == 0.0)
