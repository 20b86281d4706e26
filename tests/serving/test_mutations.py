"""Breaking the engine in one place makes a named test fail: the tests see what they are there to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import find
from hypothesis.errors import NoSuchExample
from tests.serving import test_invariants as invariants
from tests.serving import test_reference as by_hand
from tests.serving import test_theory as theory
from tests.serving.cases import Case
from tests.serving.strategies import UNSHRUNK, cases

from accord.serving.cache import Blocks
from accord.serving.links import Link
from accord.serving.replica import Rank

Break = Callable[[pytest.MonkeyPatch], None]


def lose_the_first_instead_of_the_last(patch: pytest.MonkeyPatch) -> None:
    """Preemption takes the cache of the request that was admitted first."""
    patch.setattr(Rank, "_victim", lambda rank: next(iter(rank.running)))


def lose_a_block_of_the_preempted(patch: pytest.MonkeyPatch) -> None:
    """A block of every preempted request is lost to all."""
    preempt = Rank.preempt

    def forgetful(rank: Rank, request: int) -> None:
        preempt(rank, request)
        rank.blocks.free -= 1

    patch.setattr(Rank, "preempt", forgetful)


def release_beginnings_first(patch: pytest.MonkeyPatch) -> None:
    """Of one request the first block is evicted first."""
    release = Blocks.release
    patch.setattr(Blocks, "release", lambda blocks, units: release(blocks, list(reversed(units))))


def evict_the_latest(patch: pytest.MonkeyPatch) -> None:
    """What was released last is evicted first."""
    take = Blocks.take

    def backwards(blocks: Blocks, count: int) -> None:
        turned = dict(reversed(blocks.idle.items()))
        blocks.idle.clear()
        blocks.idle.update(turned)
        take(blocks, count)
        turned = dict(reversed(blocks.idle.items()))
        blocks.idle.clear()
        blocks.idle.update(turned)

    patch.setattr(Blocks, "take", backwards)


def spend_more_than_the_budget(patch: pytest.MonkeyPatch) -> None:
    """A group computes twice the tokens of its budget."""
    begin = Rank.__init__

    def generous(rank: Rank, pool: Any, *others: Any) -> None:
        begin(rank, replace(pool, token_budget=2 * pool.token_budget), *others)

    patch.setattr(Rank, "__init__", generous)


def send_all_at_once(patch: pytest.MonkeyPatch) -> None:
    """Transfers do not wait for one another at their sender."""
    patch.setattr(Link, "send", lambda link, now_s, size: (now_s, now_s + size / link.bytes_per_s))


def somewhere(invariant: Callable[[Case], None]) -> Callable[[], None]:
    """An invariant on random cases of one scheduler and router, up to the first on which it does not hold."""

    def check() -> None:
        def fails(case: Case) -> bool:
            try:
                invariant(case)
            except AssertionError:
                return True
            return False

        with suppress(NoSuchExample):
            raise AssertionError(find(cases("fcfs", "least-loaded"), fails, settings=UNSHRUNK))

    return check


MUTATIONS: Sequence[tuple[Break, Callable[[], None]]] = (
    (lose_the_first_instead_of_the_last, by_hand.test_a_request_in_want_of_a_block_takes_it_from_the_last),
    (lose_a_block_of_the_preempted, somewhere(invariants.cache_blocks_are_conserved)),
    (release_beginnings_first, by_hand.test_what_was_released_longest_ago_goes_first_and_of_one_request_the_last_block),
    (evict_the_latest, by_hand.test_what_was_released_longest_ago_goes_first_and_of_one_request_the_last_block),
    (spend_more_than_the_budget, by_hand.test_chunks_share_the_budget_with_decoding_requests),
    (spend_more_than_the_budget, somewhere(invariants.no_iteration_exceeds_budget_seats_or_memory)),
    (send_all_at_once, theory.test_transfers_share_the_links),
)


@pytest.mark.parametrize(("broken", "seen_by"), MUTATIONS, ids=[one[0].__name__ for one in MUTATIONS])
def test_a_broken_engine_is_found_out(
    broken: Break, seen_by: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        seen_by()


@pytest.mark.parametrize("seen_by", [one[1] for one in MUTATIONS], ids=[one[0].__name__ for one in MUTATIONS])
def test_the_same_tests_pass_otherwise(seen_by: Callable[[], None]) -> None:
    seen_by()
