"""Questions that cannot be meant."""

from __future__ import annotations

import msgspec
import pytest

from accord.base.errors import UsageError
from accord.planner.problem import Limit, Limits, Problem, Space, check_problem

GOOD = Problem(model="m", systems=("s",), isl=100.0, osl=10.0)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"isl": 0.0}, "--isl"),
        ({"osl": float("nan")}, "--osl"),
        ({"confidence": 0.49}, "--confidence"),
        ({"confidence": 1.0}, "--confidence"),
        ({"max_load": 0.0}, "--max-load"),
        ({"max_load": 1.01}, "--max-load"),
        ({"objectives": ()}, "--objective"),
        ({"objectives": ("cost", "cost")}, "--objective"),
        ({"objectives": ("cost", "ttft", "tpot", "chips")}, "--objective"),
        ({"systems": ()}, "--system"),
        ({"systems": ("s", "s")}, "--system"),
        ({"space": Space(modes=())}, "--mode"),
        ({"limits": Limits(latencies=(Limit(latency="tpot", limit_s=0.0),))}, "--tpot"),
        ({"limits": Limits(latencies=(Limit(latency="ttft", limit_s=1.0, quantile=0.95),))}, "--ttft"),
        ({"limits": Limits(latencies=(Limit(latency="ttft", limit_s=1.0),) * 2)}, "two limits"),
        ({"limits": Limits(power_w=0.0)}, "power_w"),
        ({"limits": Limits(request_per_s=-1.0)}, "request_per_s"),
    ],
)
def test_what_cannot_be_meant_names_the_flag(changes: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_problem(msgspec.structs.replace(GOOD, **changes))
    assert word in f"{caught.value} {caught.value.where} {caught.value.hint}"


def test_mean_and_percentiles_are_limits_of_their_own() -> None:
    limits = Limits(
        latencies=(Limit(latency="ttft", limit_s=1.0), Limit(latency="ttft", limit_s=2.0, quantile=0.99))
    )  # fmt: skip
    check_problem(msgspec.structs.replace(GOOD, limits=limits))
    assert [one.name for one in limits.latencies] == ["ttft", "ttft_p99"]


def test_deviations() -> None:
    assert msgspec.structs.replace(GOOD, confidence=0.5).deviations == 0.0
    assert msgspec.structs.replace(GOOD, intervals=False).deviations == 0.0
    assert msgspec.structs.replace(GOOD, confidence=0.9).deviations == pytest.approx(1.2815515655)
