"""How many instances of each pool serve most: against all ways there are, and against a simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.api.matching import decode_rate, matched, prefill_rate
from accord.api.pools import Built, EngineRules, pools_of
from accord.base.errors import UsageError
from accord.catalog.load import load_catalog
from accord.inference.request import EstimateRequest, PoolRequest
from accord.serving.run import simulate
from accord.serving.spec import Rules
from accord.workloads.request import Workload

Pair = tuple[Built, Built]


def pair(prefill: int, decode: int) -> Pair:
    request = EstimateRequest(
        model="llama-3.1-8b", system="nvidia-hgx-h100-8", phase="serve",
        prefill=PoolRequest(devices=prefill, tp=prefill), decode=PoolRequest(devices=decode, tp=decode),
    )  # fmt: skip
    first, second = pools_of(load_catalog(), request, EngineRules(), (1000.0, 100.0))
    return first, second


@pytest.fixture(scope="module")
def pairs() -> dict[tuple[int, int], Pair]:
    return {sizes: pair(*sizes) for sizes in ((1, 1), (2, 1), (1, 4))}


@given(
    sizes=st.sampled_from([(1, 1), (2, 1), (1, 4)]),
    prompt=st.floats(10.0, 20_000.0),
    answer=st.floats(1.0, 2_000.0),
    chips=st.integers(5, 64),
)
@settings(max_examples=60)
def test_no_other_numbers_serve_more(
    pairs: dict[tuple[int, int], Pair], sizes: tuple[int, int], prompt: float, answer: float, chips: int
) -> None:
    built, lengths = pairs[sizes], (prompt, answer)
    rates = prefill_rate(built[0], lengths), decode_rate(built[1], lengths)

    def serves(first: int, second: int) -> float:
        return min(first * rates[0], second * rates[1])

    found = [one.pool.instances for one in matched(built, lengths, chips)]
    ways = [
        (first, second)
        for first in range(1, chips + 1)
        for second in range(1, chips + 1)
        if first * sizes[0] + second * sizes[1] <= chips
    ]
    assert tuple(found) in ways
    assert serves(*found) == max(serves(*way) for way in ways)


def test_matched_pools_serve_as_many_as_any_in_a_simulation(pairs: dict[tuple[int, int], Pair]) -> None:
    """Requests that all come at once take least time, or nearly, with the numbers that are chosen."""
    built, count = pairs[(1, 1)], 2000
    work = Workload("all", np.zeros(count), np.full(count, 1000), np.full(count, 100))

    def takes(first: int) -> float:
        pools = [replace(one.pool, instances=n) for one, n in zip(built, (first, 6 - first), strict=True)]
        return simulate(pools, work, Rules()).end_s

    chosen = matched(built, (1000.0, 100.0), 6)[0].pool.instances
    times = {first: takes(first) for first in range(1, 6)}
    assert times[chosen] <= 1.15 * min(times.values())


def test_refusals(pairs: dict[tuple[int, int], Pair]) -> None:
    with pytest.raises(UsageError, match="between two pools"):
        matched(pairs[(1, 1)][:1], (10.0, 10.0), 4)
    with pytest.raises(UsageError, match="on a number of chips"):
        matched(pairs[(1, 1)], (10.0, 10.0), None)
    with pytest.raises(UsageError) as caught:
        matched(pairs[(1, 4)], (10.0, 10.0), 4)
    assert (caught.value.where, caught.value.hint) == ("--chips", "give 5 or more")
