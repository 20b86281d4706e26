"""What makes no simulation is refused before it begins."""

from __future__ import annotations

import pytest
from tests.serving.cases import pool, workload

from accord.base.errors import UsageError
from accord.serving.run import simulate
from accord.serving.spec import Autoscale, Outage, Role, Rules

NEVER = float("nan")


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Rules(mtbf_s=0.0, repair_s=1.0), "a time of 0 s"),
        (Rules(mtbf_s=-1.0, repair_s=1.0), "a time of -1 s"),
        (Rules(mtbf_s=NEVER, repair_s=1.0), "a time of nan s"),
        (Rules(mtbf_s=10.0), "a time of 0 s"),
        (Rules(repair_s=-2.0), "a time of -2 s"),
        (Rules(tick_s=0.0), "a time of 0 s"),
        (Rules(tick_s=-0.5), "a time of -0.5 s"),
        (Rules(duration_s=0.0), "a time of 0 s"),
        (Rules(outages=(Outage(0, -1.0, 2.0),)), "a time of -1 s"),
        (Rules(outages=(Outage(0, 1.0, -2.0),)), "a time of -2 s"),
        (Rules(autoscale=Autoscale(1, 2, 4.0, 0.5, 0.0)), "a time of 0 s"),
    ],
)
def test_times_that_do_not_lie_ahead(rules: Rules, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        simulate([pool()], workload([0.0], 1, 1), rules)


def test_an_outage_that_begins_or_ends_at_once() -> None:
    found = simulate([pool()], workload([0.0], 1, 3), Rules(outages=(Outage(0, 0.0, 0.0),)))
    assert found.requests.finish_s[0] == 3.0


def test_failures_of_an_instance_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no instance 1"):
        simulate([pool()], workload([0.0], 1, 1), Rules(outages=(Outage(1, 1.0, 1.0),)))


@pytest.mark.parametrize("roles", [("prefill",), ("decode",), ("both", "prefill", "decode")])
def test_pools_that_make_no_deployment(roles: tuple[Role, ...]) -> None:
    with pytest.raises(UsageError, match="do not make a deployment"):
        simulate([pool(None, role) for role in roles], workload([0.0], 1, 1), Rules())
