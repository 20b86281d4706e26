"""Columns of deployments, and what is no deployment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import rig

from accord.base.errors import UsageError
from accord.parallel.plan import deployments


def test_numbers_and_lists_pair_up() -> None:
    plan = deployments(tp=(1, 2, 4), dp=8, ep=8, isl=100, osl=20)
    assert len(plan) == 3
    assert plan.devices.tolist() == [8, 16, 32]
    assert plan.context.tolist() == [110, 110, 110]


def test_defaults() -> None:
    plan = deployments(tp=1, isl=10)
    assert (plan.pp[0], plan.dp[0], plan.ep[0], plan.batch[0], plan.osl[0]) == (1, 1, 1, 1, 1)
    assert (plan.mtp_tokens[0], plan.microbatches[0], plan.reuse[0], plan.redundant[0]) == (0, 0, 0, 0)
    assert deployments(tp=1, isl=10, context=7).context[0] == 7


def test_parts_of_a_batch() -> None:
    plan = deployments(tp=(1, 2, 4, 8), isl=10)
    assert plan.take(slice(1, 3)).tp.tolist() == [2, 4]
    assert plan.pick(np.array([3, 0])).tp.tolist() == [8, 1]
    assert plan.with_(batch=plan.tp * 2.0).batch.tolist() == [2, 4, 8, 16]


@pytest.mark.parametrize(("columns", "what"), [
    ({"tp": (1, 2), "dp": (1, 2, 3)}, "do not pair up"),
    ({"tp": 0}, "tp must be a whole number"),
    ({"tp": 1.5}, "tp must be a whole number"),
    ({"tp": 1, "pp": 0}, "pp must be a whole number"),
    ({"tp": 1, "batch": -1}, "batch holds a negative"),
    ({"tp": 1, "batch": float("inf")}, "batch holds a negative or infinite"),
    ({"tp": 1, "isl": float("nan")}, "isl holds"),
    ({"tp": 4, "dp": 2, "ep": 3}, "ep 3 does not divide the 8 ranks of tp 4 x dp 2"),
    ({"tp": 4, "dp": 2, "ep": 16}, "ep 16 does not divide"),
    ({"tp": 1, "accept": 1.1}, "shares between 0 and 1"),
    ({"tp": 1, "reuse": 2}, "shares between 0 and 1"),
    ({"tp": 1, "microbatches": 3}, "microbatches is 1 or 2"),
])  # fmt: skip
def test_what_is_no_deployment(columns: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        deployments(**columns)


def test_skew_is_of_the_phase_and_gone_when_balanced() -> None:
    setting = replace(
        rig.setting(),
        efficiency=rig.efficiency(**{"engine.expert_skew.prefill": 0.4, "engine.expert_skew.decode": 0.2}),
    )
    assert (setting.skew("prefill"), setting.skew("decode")) == (0.4, 0.2)
    balanced = type(setting)(setting.spec, setting.machine, setting.formats, setting.efficiency, balanced=True)
    assert balanced.skew("prefill") == 0.0
