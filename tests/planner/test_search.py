"""What may be left out, and what may not: questions with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from tests.planner.rig import table, terms

from accord.planner.compose import Option, Send
from accord.planner.offer import Offer
from accord.planner.problem import Limit, Limits, Objective, Problem, Space
from accord.planner.search import Found, search
from accord.planner.table import Table

RNG = np.random.default_rng(0)
ONE = {"tp": 1.0, "dp": 1.0, "pp": 1.0, "load": 1.0, "gather_s": 0.0, "payload_bytes": 0.0}
SURE = {"rate_sd": 0.1, "first_sd": 0.1, "tpot_sd": 0.1}
EAST = terms(RNG, "east")


def rows(role: str, **columns: object) -> Table:
    """Two rows of one device."""
    plain: dict[str, object] = {**ONE, **SURE, "tpot_s": 0.02, "tpot_q_s": 0.02, "first_s": 0.2, "first_q_s": 0.2}
    if role == "prefill":
        plain |= {"tpot_s": 0.0, "tpot_q_s": 0.0}
    if role == "decode":
        plain |= {"first_s": 0.0, "first_q_s": 0.0}
    return table(role, 2, RNG, **{**plain, **columns})  # type: ignore[arg-type]


def problem(*objectives: Objective, confidence: float = 0.9, **limits: object) -> Problem:
    return Problem(
        model="m", systems=("east",), isl=1000.0, osl=101.0, objectives=objectives, limits=Limits(**limits),  # type: ignore[arg-type]
        confidence=confidence, space=Space(),
    )  # fmt: skip


def asked(question: Problem, units: int = 4, *, prune: bool = True, **tables: Table) -> Found:
    held = Offer(EAST, 1, 1, units, "chips")
    options = {role: [Option("east", "e", "fp8", "fp8", 0, one)] for role, one in tables.items()}

    def sends(first: Option, second: Option) -> Send | None:
        return np.zeros_like

    return search(options, (held,), sends, question, 3, prune=prune)


@pytest.mark.parametrize("prune", [True, False])
def test_the_surer_of_equal_rows_serves_the_load(prune: bool) -> None:
    serve = rows("serve", request_per_s=[2.0, 2.0], rate_sd=[0.6, 0.1])
    found = asked(problem("goodput", request_per_s=7.0), prune=prune, serve=serve)
    pick = found.best[0]
    own = pick.group.options[0].table
    assert own.rate_sd[pick.group.candidates.first[pick.at]] == 0.1
    assert not asked(problem("goodput", request_per_s=7.0), prune=prune, serve=serve.pick(np.array([0]))).best


@pytest.mark.parametrize("prune", [True, False])
def test_a_load_is_not_served_by_a_pool_that_may_well_be_slow(prune: bool) -> None:
    """Prefill is a little slower by the estimate and sure; decode may be much slower."""
    pools = {
        "prefill": rows("prefill", request_per_s=10.0, rate_sd=0.02),
        "decode": rows("decode", request_per_s=10.1, rate_sd=0.5),
    }
    able = asked(problem("goodput"), 2, prune=prune, **pools)
    assert able.best[0].values[0] == pytest.approx(-9.0)
    assert asked(problem("goodput", request_per_s=4.5), 2, prune=prune, **pools).best
    assert not asked(problem("goodput", request_per_s=5.5), 2, prune=prune, **pools).best


@pytest.mark.parametrize("prune", [True, False])
def test_a_slower_decode_pool_asks_less_of_prefill(prune: bool) -> None:
    pools = {
        "prefill": rows("prefill", request_per_s=[4.0, 4.0]),
        "decode": rows("decode", request_per_s=[4.0, 1.0], tpot_s=[0.02, 0.03], tpot_q_s=[[0.02, 0.03]] * 3),
    }
    found = asked(problem("ttft"), 2, prune=prune, **pools)
    assert -found.best[0].group.candidates.request_per_s[found.best[0].at] == pytest.approx(-0.9)


@pytest.mark.parametrize("prune", [True, False])
def test_the_less_sure_prefill_row_waits_less_under_a_limit(prune: bool) -> None:
    """It must be loaded less to keep the limit surely, so it is sooner by the estimate."""
    pools = {
        "prefill": rows("prefill", request_per_s=4.0, first_s=0.2, first_sd=[0.1, 0.4]),
        "decode": rows("decode", request_per_s=40.0),
    }
    limit = Limit(latency="ttft", limit_s=0.5)
    found = asked(problem("ttft", "goodput", latencies=(limit,)), 2, prune=prune, **pools)
    assert len(found.front) == 2
    own = found.best[0].group.options[0].table
    assert own.first_sd[found.best[0].group.candidates.first[found.best[0].at]] == 0.4


@pytest.mark.parametrize("prune", [True, False])
def test_a_limit_on_the_last_token_keeps_slower_rows_with_shorter_gaps(prune: bool) -> None:
    pools = {
        "prefill": rows("prefill", request_per_s=4.0),
        "decode": rows("decode", request_per_s=[3.0, 2.0], tpot_s=[0.05, 0.02], tpot_q_s=[[0.05, 0.02]] * 3),
    }
    limit = Limit(latency="e2el", limit_s=3.0)
    found = asked(problem("goodput", latencies=(limit,)), 2, prune=prune, **pools)
    assert found.best[0].values[0] == pytest.approx(-1.8)


def test_of_equally_good_plans_the_smaller_goes_first() -> None:
    found = asked(problem("energy"), 4, serve=rows("serve", request_per_s=[0.3, 0.3]))
    pick = found.best[0]
    assert pick.group.candidates.units[pick.at] == 1.0
    leaders = asked(problem("energy", "chips"), 4, serve=rows("serve", request_per_s=[0.3, 0.3])).front
    assert len(leaders) == 1, "four times as much of the same is no better"


def test_what_is_exactly_enough_is_enough() -> None:
    serve = rows("serve", request_per_s=[0.7, 0.7], rate_sd=0.31)
    sure = 0.7 * np.exp(-problem("chips").deviations * 0.31)
    for many in range(1, 12):
        found = asked(problem("chips", request_per_s=float(sure * many)), 64, serve=serve)
        assert found.best[0].values[0] == many


def test_nothing_to_look_at() -> None:
    found = asked(problem("goodput"), serve=rows("serve").pick(np.zeros(0, dtype=np.intp)))
    assert not found.best
    assert not found.front
    assert asked(problem("goodput"), 0, serve=rows("serve")).best == ()
