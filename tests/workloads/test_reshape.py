"""Longer, faster, shorter and mixed traffic is the same traffic otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.base.errors import UsageError
from accord.workloads import reshape
from accord.workloads.request import Workload


@st.composite
def workloads(draw: st.DrawFn, least: int = 1) -> Workload:
    count = draw(st.integers(least, 12))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    follows = np.array([rng.integers(-1, at) if at and rng.random() < 0.4 else -1 for at in range(count)])
    blocks = rng.integers(0, 4, count)
    own = np.cumsum(rng.exponential(1.0, count))
    return Workload(
        name="w",
        arrival_s=own - own[0],
        prompt=rng.integers(1, 100, count),
        answer=rng.integers(1, 100, count),
        priority=rng.integers(0, 3, count),
        tenant=rng.integers(0, 2, count),
        tenants=("a", "b"),
        follows=follows,
        wait_s=rng.random(count),
        patience_s=rng.random(count) + 1.0,
        hashes=rng.integers(0, 50, blocks.sum()),
        starts=np.concatenate([[0], np.cumsum(blocks)]),
        block_tokens=16 if blocks.sum() else 0,
    )


def rows(workload: Workload) -> list[tuple[object, ...]]:
    names = ("prompt", "answer", "priority", "wait_s", "patience_s")
    columns = [getattr(workload, name).tolist() for name in names]
    tenants = [workload.tenants[at] for at in workload.tenant]
    blocks = [tuple(workload.hashes[a:b].tolist()) for a, b in zip(workload.starts, workload.starts[1:], strict=False)]
    return list(zip(*columns, tenants, blocks, strict=True))


@settings(max_examples=60, deadline=None)
@given(workload=workloads(), count=st.integers(1, 40))
def test_repeat_keeps_everything_but_time(workload: Workload, count: int) -> None:
    longer = reshape.repeat(workload, count)
    size = len(workload)
    assert rows(longer) == [rows(workload)[at % size] for at in range(count)]
    own = workload.follows < 0
    for at in range(count):
        before = workload.follows[at % size]
        assert longer.follows[at] == (-1 if before < 0 else before + at - at % size)
    if count >= size:
        assert longer.arrival_s[:size] == pytest.approx(workload.arrival_s)
    if count >= 2 * size and own.sum() > 1:
        gap = longer.arrival_s[size] - workload.arrival_s[own][-1]
        assert gap == pytest.approx(np.diff(workload.arrival_s[own]).mean())
        assert reshape.rate_per_s(reshape.repeat(workload, 3 * size)) == pytest.approx(reshape.rate_per_s(workload))


@settings(max_examples=60, deadline=None)
@given(workload=workloads(), factor=st.floats(0.1, 10.0))
def test_scale_is_of_time_alone(workload: Workload, factor: float) -> None:
    faster = reshape.scale(workload, factor)
    assert rows(faster) == rows(workload)
    assert faster.arrival_s * factor == pytest.approx(workload.arrival_s)
    if np.count_nonzero(workload.follows < 0) > 1:
        assert reshape.rate_per_s(reshape.with_rate(workload, factor)) == pytest.approx(factor)


@settings(max_examples=60, deadline=None)
@given(workload=workloads(), count=st.integers(0, 15))
def test_head_is_a_beginning(workload: Workload, count: int) -> None:
    part = reshape.head(workload, count)
    assert rows(part) == rows(workload)[:count]
    assert part.follows.tolist() == workload.follows[:count].tolist()


@settings(max_examples=60, deadline=None)
@given(workload=workloads(), cut=st.floats(0.1, 10.0))
def test_windows_share_all_requests(workload: Workload, cut: float) -> None:
    first, second = reshape.window(workload, 0.0, cut), reshape.window(workload, cut, 1e6)
    assert sorted(map(str, rows(first) + rows(second))) == sorted(map(str, rows(workload)))
    assert np.count_nonzero(first.follows >= 0) + np.count_nonzero(second.follows >= 0) == np.count_nonzero(
        workload.follows >= 0
    )
    assert np.all(first.arrival_s[first.follows < 0] < cut)


@settings(max_examples=60, deadline=None)
@given(first=workloads(), second=workloads())
def test_mixing_keeps_each_kind(first: Workload, second: Workload) -> None:
    second = second.with_(tenants=("c", "d"))
    mixed = reshape.merge((first, second), "both")
    assert mixed.tenants == ("a", "b", "c", "d")
    assert len(mixed) == len(first) + len(second)
    for part, tenants in ((first, (0, 1)), (second, (2, 3))):
        own = np.isin(mixed.tenant, tenants)
        for name in ("prompt", "answer", "priority", "wait_s", "patience_s"):
            assert sorted(getattr(mixed, name)[own]) == sorted(getattr(part, name))
    ids = [set[int](), set[int]()]
    for at in range(len(mixed)):
        ids[mixed.tenant[at] // 2] |= set(mixed.hashes[mixed.starts[at] : mixed.starts[at + 1]].tolist())
        if mixed.follows[at] >= 0:
            assert mixed.tenant[mixed.follows[at]] // 2 == mixed.tenant[at] // 2
    assert not ids[0] & ids[1]
    assert len(ids[0]) == len(set(first.hashes.tolist()))


def test_arrivals_can_be_replaced() -> None:
    work = Workload("w", np.zeros(3), np.array([1, 2, 3]), np.ones(3, dtype=np.int64), follows=np.array([-1, 0, -1]))
    moved = reshape.with_arrivals(work, np.array([5.0, 1.0]))
    assert moved.arrival_s.tolist() == [1.0, 1.0, 5.0]
    with pytest.raises(UsageError, match="3 arrivals for 2 requests"):
        reshape.with_arrivals(work, np.zeros(3))
    with pytest.raises(UsageError, match="no rate"):
        reshape.with_rate(work, 1.0)


def test_what_cannot_be_reshaped() -> None:
    work = Workload("w", np.zeros(1), np.array([1]), np.array([1]))
    closed = work.with_(concurrency=3)
    small = work.with_(hashes=np.array([1]), starts=np.array([0, 1]), block_tokens=16)
    wrong: list[Callable[[], object]] = [
        lambda: reshape.repeat(work, 0),
        lambda: reshape.scale(work, 0.0),
        lambda: reshape.with_rate(work, -1.0),
        lambda: reshape.head(work, -1),
        lambda: reshape.window(work, 0.0, 0.0),
        lambda: reshape.merge((), "none"),
        lambda: reshape.merge((closed, work), "mix"),
        lambda: reshape.merge((small, small.with_(block_tokens=24)), "mix"),
    ]
    for call in wrong:
        with pytest.raises(UsageError):
            call()
    assert reshape.merge((closed,), "one").concurrency == 3


def test_a_million_requests_in_a_second_of_work() -> None:
    work = Workload("w", np.arange(1000.0), np.full(1000, 5), np.full(1000, 5))
    assert len(reshape.repeat(work, 1_000_000)) == 1_000_000


def test_larger_blocks_stand_for_the_same_contents() -> None:
    work = Workload(
        "w", np.zeros(2), np.array([80, 48]), np.ones(2, dtype=np.int64),
        hashes=np.array([0, 1, 2, 3, 4, 0, 1, 9]), starts=np.array([0, 5, 8]), block_tokens=16,
    )  # fmt: skip
    larger = reshape.coarser(work, 32)
    assert (larger.hashes.tolist(), larger.starts.tolist(), larger.block_tokens) == ([1, 3, 1], [0, 2, 3], 32)
    assert reshape.coarser(work, 16) is work
    for block in (24, 8):
        with pytest.raises(UsageError, match="no parts of blocks"):
            reshape.coarser(work, block)
    mixed = reshape.merge((work, larger.with_(tenants=("b",))), "mix")
    assert mixed.block_tokens == 32
    assert len(set(mixed.hashes.tolist())) == 4
