"""What is said of a run beside its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from accord.api.cautions import ramp_s
from accord.workloads.request import Workload


def work(follows: list[int], wait_s: list[float]) -> Workload:
    count = len(follows)
    return Workload(
        "some", np.zeros(count), np.full(count, 10), np.full(count, 10),
        follows=np.array(follows), wait_s=np.array(wait_s),
    )  # fmt: skip


def test_no_session_no_ramp() -> None:
    assert ramp_s(work([-1] * 5, [9.0] * 5), 3.0) == 0.0


@pytest.mark.parametrize("turns", [1, 2, 7, 40])
def test_turns_come_one_after_another(turns: int) -> None:
    """With equal waits the turn ``k`` comes ``k`` waits and answers after the first one."""
    follows = [-1 if at % turns == 0 else at - 1 for at in range(turns * 5)]
    found = ramp_s(work(follows, [4.0] * len(follows)), 1.0)
    since = np.tile(np.arange(turns) * 5.0, 5)
    assert found == (pytest.approx(np.quantile(since, 0.95)) if turns > 1 else 0.0)
