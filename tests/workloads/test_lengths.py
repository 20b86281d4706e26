"""Means over exponential answer lengths, against numbers drawn and integrated."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import exp1

from accord.base.array import array
from accord.workloads.lengths import exponential_integral, mean_inverse, share_within


def test_the_integral_is_within_nine_percent() -> None:
    x = np.logspace(-3.0, 1.0, 200)
    assert np.max(np.abs(exponential_integral(x) / exp1(x) - 1.0)) < 0.09


@pytest.mark.parametrize("length", [1.0, 50.0, 200.0, 2000.0])
def test_share_of_an_answer_within_its_first_tokens(length: float) -> None:
    drawn = np.random.default_rng(7).exponential(200.0, 200_000)
    expected = np.minimum(1.0, length / drawn).mean()
    assert share_within(array(length), array(200.0))[0] == pytest.approx(expected, rel=0.06)


def test_mean_of_the_inverse_length() -> None:
    drawn = np.random.default_rng(7).exponential(200.0, 400_000)
    expected = np.where(drawn >= 4.0, 1.0 / np.maximum(drawn, 4.0), 0.0).mean()
    assert mean_inverse(4.0, array(200.0))[0] == pytest.approx(expected, rel=0.09)


def test_share_lies_between_nothing_and_all() -> None:
    shares = share_within(np.array([0.0, 1e-6, 1e9]), array(100.0))
    assert np.all((shares >= 0.0) & (shares <= 1.0))
    assert shares[-1] == pytest.approx(1.0)
