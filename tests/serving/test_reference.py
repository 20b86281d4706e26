"""The engine and the slow reference agree event for event; the reference agrees with what is worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.serving.cases import Case, assert_same, hashed, pool, run_slowly, workload
from tests.serving.strategies import FEW, ROUTERS, SCHEDULERS, cases
from tests.serving.timers import LinearTimer

from accord.serving.result import CANCELLED, COMPLETED, FAILED
from accord.serving.spec import Outage, Pool, PooledCache, Rules
from accord.workloads.request import Workload

MANY = settings(FEW, max_examples=400)


@pytest.mark.parametrize("two_pools", [False, True], ids=["one-pool", "two-pools"])
@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_engine_does_what_the_reference_does(scheduler: str, router: str, two_pools: bool) -> None:
    @FEW
    @given(cases(scheduler, router, two_pools))
    def check(case: Case) -> None:
        assert_same(case)

    check()


@pytest.mark.slow
@pytest.mark.parametrize("scheduler", SCHEDULERS)
@MANY
@given(data=st.data())
def test_the_engine_does_what_the_reference_does_in_many_cases(scheduler: str, data: st.DataObject) -> None:
    assert_same(data.draw(cases(scheduler, data.draw(st.sampled_from(ROUTERS)))))


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@FEW
@given(data=st.data())
def test_they_agree_where_sums_are_not_exact(scheduler: str, data: st.DataObject) -> None:
    """Iterations of odd lengths, which no event meets: sums in closed form are those of single steps, to 1e-9."""
    case = data.draw(cases(scheduler, "least-loaded", two_pools=False))
    (one,) = case.pools
    assert isinstance(one.timer, LinearTimer)
    odd = replace(one.timer, **{name: getattr(one.timer, name) * math.pi / 3.0 for name in "abcdef"})
    assert_same(replace(case, pools=(replace(one, timer=odd, instances=1),), rules=replace(case.rules, outages=())))


# By hand: an iteration takes one second unless told otherwise.


def slowly(asked: Workload, *pools: Pool, **rules: object) -> dict[str, list[float]]:
    case = Case(pools, asked, Rules(**rules), tuple(int(answer) - 1 for answer in asked.answer))  # type: ignore[arg-type]
    assert_same(case)
    found = run_slowly(case)
    names = ("scheduled_s", "first_s", "finish_s", "status", "produced", "cached", "pooled", "preempted", "restarted")
    return {name: found.column(name) for name in (*names, "prefill", "instance")}


def test_chunks_share_the_budget_with_decoding_requests() -> None:
    """Budget 4: the second prompt of 5 has 3 tokens beside one decoding request, then 2."""
    found = slowly(workload([0.0, 0.5], [4, 5], [4, 1]), pool(token_budget=4))
    assert found["scheduled_s"] == [0.0, 1.0]
    assert found["first_s"] == [1.0, 3.0]
    assert found["finish_s"] == [4.0, 3.0]


def test_what_comes_together_is_seen_together_and_the_rest_waits_for_the_end() -> None:
    found = slowly(workload([0.0, 0.0, 0.25, 1.0], 1, 1), pool())
    assert found["scheduled_s"] == [0.0, 0.0, 1.0, 1.0]


def test_a_request_in_want_of_a_block_takes_it_from_the_last() -> None:
    """Six blocks of one token: 2 + 2 at first, 3 + 3 in the next iteration, then the first needs a fourth."""
    found = slowly(workload([0.0, 0.0], 2, 4), pool(kv_tokens=6))
    assert found["preempted"] == [0, 1]
    assert found["finish_s"] == [4.0, 6.0]
    # The second had 2 tokens; the iteration from 4 s on computes its prompt and them, and gives the third.
    assert found["first_s"] == [1.0, 1.0]


def test_priority_decides_who_loses_and_who_comes_first() -> None:
    asked = workload([0.0, 0.0], 2, 4, priority=[1, 0])
    assert slowly(asked, pool(kv_tokens=6))["preempted"] == [1, 0]
    found = slowly(workload([0.0, 0.0, 0.0], 2, 1, priority=[1, 1, 0]), pool(max_seqs=1))
    assert found["scheduled_s"] == [1.0, 2.0, 0.0]


def test_shortest_prompts_first() -> None:
    found = slowly(workload([0.0, 0.0, 0.0], [3, 2, 1], 1), pool(max_seqs=1), scheduler="shortest-first")
    assert found["scheduled_s"] == [2.0, 1.0, 0.0]


def test_prompts_first_make_answers_wait() -> None:
    found = slowly(workload([0.0, 0.5], [1, 8], [3, 1]), pool(token_budget=4), scheduler="prefill-first")
    assert found["first_s"] == [1.0, 3.0]
    assert found["finish_s"] == [5.0, 3.0]


def test_whole_prompts_take_their_blocks_at_once() -> None:
    """Ten blocks: beside a prompt of 6, one of 5 has to wait with its blocks in whole, and not with a first chunk."""
    asked = workload([0.0, 0.0], [6, 5], 1)
    few = pool(token_budget=8, kv_tokens=10)
    assert slowly(asked, few)["scheduled_s"] == [0.0, 0.0]
    assert slowly(asked, few, scheduler="decode-first")["scheduled_s"] == [0.0, 1.0]


def test_a_prompt_that_must_fit_waits_for_room_for_all_of_it() -> None:
    """Ten blocks: beside a prompt of 6, a first chunk of 2 has room, and all 5 have not."""
    asked = workload([0.0, 0.0], [6, 5], 1)
    assert slowly(asked, pool(token_budget=8, kv_tokens=10, must_fit=True))["scheduled_s"] == [0.0, 1.0]


def test_the_watermark_keeps_blocks_free_while_something_runs() -> None:
    asked = workload([0.0, 0.0], [6, 2], 2)
    assert slowly(asked, pool(kv_tokens=10))["scheduled_s"] == [0.0, 0.0]
    assert slowly(asked, pool(kv_tokens=10, watermark=0.25))["scheduled_s"] == [0.0, 0.0]
    assert slowly(asked, pool(kv_tokens=10, watermark=0.375))["scheduled_s"] == [0.0, 2.0]
    assert slowly(workload([0.0], 8, 1), pool(kv_tokens=10, watermark=0.375))["scheduled_s"] == [0.0]


def test_a_known_prefix_is_not_computed_again() -> None:
    columns = hashed([[1, 2, 3], [1, 2, 4], [1, 2, 3]], 2)
    found = slowly(workload([0.0, 5.0, 9.0], 6, 1, **columns), pool(LinearTimer(1.0, d=1.0), kv_tokens=100))
    # The third knows all of its prompt: one token has to be computed, and so the whole last block.
    assert found["cached"] == [0, 4, 4]
    assert found["finish_s"] == [7.0, 10.0, 13.0]


def test_what_was_released_longest_ago_goes_first_and_of_one_request_the_last_block() -> None:
    """Eight blocks hold two prompts of four; a third of two pushes out the end of the first."""
    ids = [[1, 2, 3, 4], [11, 12, 13, 14], [21, 22], [1, 2, 3, 4], [11, 12, 13, 14]]
    asked = workload([0.0, 5.0, 10.0, 15.0, 20.0], [4, 4, 2, 4, 4], 1, **hashed(ids, 1))
    found = slowly(asked, pool(kv_tokens=8))
    # The fourth finds 1 and 2. Its 3 and 4 push out 14 and 13, so that the fifth finds 11 and 12.
    assert found["cached"] == [0, 0, 0, 2, 2]


def test_a_request_that_can_never_fit_fails_and_the_next_one_comes() -> None:
    found = slowly(workload([0.0, 0.0], [8, 2], [3, 1], follows=[-1, 0]), pool(kv_tokens=10))
    assert found["status"] == [FAILED, COMPLETED]
    assert found["finish_s"] == [0.0, 1.0]


def test_users_who_give_up() -> None:
    """In the middle of an iteration at its end, with its token; while waiting at once."""
    found = slowly(workload([0.0, 0.0], 1, 10, patience_s=[2.5, 0.5]), pool(max_seqs=1))
    assert found["status"] == [CANCELLED, CANCELLED]
    assert found["finish_s"] == [3.0, 0.5]
    assert found["produced"] == [3, 0]


def test_one_gives_up_as_another_of_its_group_ends() -> None:
    """Requests 0 and 2 are of one group, which then has none."""
    found = slowly(workload([0.0] * 3, 1, [10, 10, 3], patience_s=[2.5, np.inf, np.inf]), pool(groups=2))
    assert found["status"] == [CANCELLED, COMPLETED, COMPLETED]
    assert found["finish_s"] == [3.0, 10.0, 3.0]


def test_a_closed_loop_lets_one_in_when_one_ends() -> None:
    found = slowly(workload([0.0] * 3, 1, [2, 3, 1], concurrency=2), pool())
    assert found["scheduled_s"] == [0.0, 0.0, 2.0]


def test_two_pools_send_the_cache() -> None:
    """Prompt 4 s long over the link; the token that the prompt gave arrives with it."""
    sender = pool(None, "prefill", egress_bytes_per_s=1.0, latency_s=0.5)
    found = slowly(workload([0.0], 4, 3), sender, pool(None, "decode"))
    assert found["first_s"] == [5.5]
    assert found["finish_s"] == [7.5]
    assert (found["prefill"], found["instance"]) == ([0], [1])


def test_a_decode_instance_without_room_keeps_the_sender_waiting() -> None:
    sender = pool(None, "prefill", kv_tokens=9, latency_s=0.5)
    found = slowly(workload([0.0, 0.0, 1.0], [4, 4, 6], [5, 2, 2]), sender, pool(None, "decode", max_seqs=1))
    # The third prompt begins when the second one's cache has left: at 5.5 s the first ends, at 6 s it has arrived.
    assert found["finish_s"] == [5.5, 7.0, 8.5]
    assert found["scheduled_s"] == [0.0, 0.0, 6.0]


def test_a_failure_loses_what_was_cached_and_keeps_what_was_given() -> None:
    found = slowly(workload([0.0], 4, 4), pool(LinearTimer(1.0, d=1.0), load_s=2.0), outages=(Outage(0, 6.5, 1.0),))
    # Tokens at 5 and 6 s; down from 6.5 to 9.5 s; six tokens computed by 16.5 s give the third; the fourth a second on.
    assert found["restarted"] == [1]
    assert found["finish_s"] == [17.5]
    assert found["produced"] == [4]


def test_a_pooled_cache_spares_the_second_instance_the_prompt() -> None:
    cache = PooledCache(capacity_tokens=100.0, bytes_per_token=1.0, bytes_per_s=4.0, latency_s=0.25)
    asked = workload([0.0, 20.0], 5, [1, 1], **hashed([[1, 2, 3, 4], [1, 2, 3, 4]], 1))
    found = slowly(asked, pool(LinearTimer(1.0, d=1.0), instances=2), router="round-robin", pooled=cache)
    # Four tokens come over the link in 1.25 s; one is computed in 2 s.
    assert (found["cached"], found["pooled"]) == ([0, 4], [0, 4])
    assert found["scheduled_s"] == [0.0, 21.25]
    assert found["finish_s"] == [6.0, 23.25]


def test_a_known_prefix_draws_requests_until_its_instance_is_crowded() -> None:
    """Twelve come together: eight to the instance that knows, one to the other, and so on in turn."""
    asked = workload([0.0] + [5.0] * 12, 4, 1, **hashed([[1, 2, 3, 4]] * 13, 1))
    found = slowly(asked, pool(instances=2), router="prefix-affinity")
    assert found["prefill"] == [0, *[0] * 8, 1, 0, 1, 0]
