"""The width of an interval: parameters and residual together."""

from __future__ import annotations

import math

import pytest

from accord.base.errors import UsageError
from accord.uncertainty.residual import half_width, quantile


def test_variances_add() -> None:
    assert half_width(0.3, 0.4, 0.9) == pytest.approx(1.6449 * 0.5, rel=1e-4)


@pytest.mark.parametrize(("level", "sides"), [(0.5, 0.6745), (0.9, 1.6449), (0.95, 1.96), (0.99, 2.5758)])
def test_any_level_has_its_quantile(level: float, sides: float) -> None:
    assert quantile(level) == pytest.approx(sides, rel=1e-4)
    assert half_width(0.0, 1.0, level) == pytest.approx(sides, rel=1e-4)


def test_without_parameters_the_residual_is_the_width() -> None:
    assert half_width(0.0, 0.2, 0.9) == pytest.approx(0.2 * quantile(0.9))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.5, 90.0, math.nan])
def test_a_level_is_a_share(level: float) -> None:
    with pytest.raises(UsageError, match="--level"):
        half_width(0.1, 0.1, level)
