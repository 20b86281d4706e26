"""Tokens of an iteration and time per output token."""

from __future__ import annotations

import numpy as np
import pytest
from tests.rig import value

from accord.base.array import array
from accord.inference.slo import tokens_per_iteration, tpot_s


@pytest.mark.parametrize(("drafts", "accept", "tokens"), [
    (0, 0.0, 1.0), (0, 0.9, 1.0), (1, 0.7, 1.7), (2, 0.5, 1.75), (3, 0.0, 1.0), (3, 1.0, 4.0),
    (3, 0.7, 1 + 0.7 + 0.49 + 0.343),
])  # fmt: skip
def test_one_and_every_draft_accepted_in_a_row(drafts: int, accept: float, tokens: float) -> None:
    assert value(tokens_per_iteration(array(drafts), array(accept))) == pytest.approx(tokens)


def test_time_per_output_token() -> None:
    """1.7 tokens an iteration of 84 ms make the 49.4 ms of the published decode point."""
    assert value(tpot_s(array(84e-3), array(1), array(0.7))) == pytest.approx(49.4e-3, rel=1e-3)


def test_arrays() -> None:
    found = tokens_per_iteration(np.array([0.0, 1.0, 2.0]), np.array([0.5, 0.5, 0.5]))
    assert found == pytest.approx([1.0, 1.5, 1.75])
