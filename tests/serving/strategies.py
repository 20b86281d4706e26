"""Random small cases for hypothesis.

All times are multiples of a power of two, so that sums are exact and events that fall together do so for everybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from tests.serving.cases import Case, hashed, workload
from tests.serving.timers import LinearTimer

from accord.serving.spec import Outage, Pool, PooledCache, Role, Rules
from accord.workloads.request import NONE

SCHEDULERS = ("fcfs", "shortest-first", "prefill-first", "decode-first")
ROUTERS = ("round-robin", "least-loaded", "prefix-affinity", "peer-to-peer")
INFINITE = float("inf")
FEW = settings(
    max_examples=10,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),  # to explain a failure takes minutes here
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
FEWER = settings(FEW, max_examples=5)
UNSHRUNK = settings(FEW, max_examples=60, phases=(Phase.generate,))
NO_TIE_S = 2.0**-24  # finer than all other times


def dyadic(low: float, high: float, step: float) -> st.SearchStrategy[float]:
    """Multiples of ``step``, a power of two."""
    return st.integers(round(low / step), round(high / step)).map(lambda count: count * step)


@st.composite
def timers(draw: st.DrawFn) -> LinearTimer:
    """About a second an iteration."""
    return LinearTimer(
        a=draw(dyadic(0.125, 1.0, 0.125)),
        b=draw(dyadic(0.0, 0.25, 2.0**-6)),
        c=draw(dyadic(0.0, 2.0**-6, 2.0**-12)),
        d=draw(dyadic(0.0, 2.0**-4, 2.0**-8)),
        e=draw(dyadic(0.0, 2.0**-8, 2.0**-12)),
        f=draw(dyadic(0.0, 0.125, 2.0**-5)),
        reach=draw(st.sampled_from((INFINITE, 64.0, 7.0, 1.0))),
    )


@dataclass(frozen=True, slots=True)
class Shape:
    """What a case may have in it. block: tokens of a block; trace_block: of a hashed one, 0 without"""

    roles: tuple[Role, ...]
    block: int
    trace_block: int
    drafts: bool
    tight: bool


@st.composite
def one_pool(draw: st.DrawFn, role: Role, shape: Shape) -> Pool:
    """A pool that is short of cache where the case is tight."""
    drafts = draw(st.integers(0, 2)) if shape.drafts and role != "prefill" else 0
    blocks = draw(st.integers(4, 40)) if shape.tight else draw(st.integers(40, 200))
    return Pool(
        name=role,
        role=role,
        instances=draw(st.integers(1, 3 if len(shape.roles) == 1 else 2)),
        timer=draw(timers()),
        kv_tokens=blocks * shape.block + draw(st.integers(0, shape.block - 1)),
        max_seqs=draw(st.integers(1, 8)),
        token_budget=draw(st.integers(4, 64)),
        groups=draw(st.sampled_from((1, 1, 1, 2, 3))),
        block_tokens=shape.block,
        watermark=draw(st.sampled_from((0.0, 0.0, 0.0625, 0.25))),
        bytes_per_token=draw(st.sampled_from((0.0, 1.0, 2.0))),
        egress_bytes_per_s=draw(st.sampled_from((2.0, 8.0, 64.0, INFINITE))),
        ingress_bytes_per_s=draw(st.sampled_from((2.0, 8.0, 64.0, INFINITE))),
        latency_s=draw(dyadic(0.125, 0.5, 0.125)),  # a transfer takes some time
        load_s=draw(dyadic(0.0, 4.0, 0.5)),
        cold=draw(st.sampled_from((False, False, False, True))),
        mtp_tokens=drafts,
        accept=0.5 if drafts else 0.0,
        prefix_cache=draw(st.sampled_from((True, True, True, False))),
        must_fit=draw(st.sampled_from((False, False, True))),
    )


@st.composite
def block_ids(draw: st.DrawFn, prompts: list[int], trace_block: int) -> list[list[int]]:
    """Ids of full blocks; a prompt begins as an earlier one does, for a while, and then goes its own way."""
    fresh = 0
    ids: list[list[int]] = []
    for index, prompt in enumerate(prompts):
        size = prompt // trace_block + draw(st.booleans())
        like = ids[draw(st.integers(0, index - 1))] if index else []
        shared = like[: draw(st.integers(0, min(len(like), prompt // trace_block)))]
        ids.append(shared + list(range(fresh, fresh + size - len(shared))))
        fresh += size
    return ids


@st.composite
def arrivals(draw: st.DrawFn, size: int) -> dict[str, Any]:
    """When requests come: in the open, in a closed loop, after one another; with priorities and users who give up."""
    columns: dict[str, Any] = {
        "arrival_s": np.sort(draw(st.lists(dyadic(0.0, 16.0, 0.25), min_size=size, max_size=size)))
    }
    if draw(st.sampled_from((False, False, True))):
        columns["concurrency"] = draw(st.integers(1, 4))
    if draw(st.booleans()):
        columns["priority"] = np.array(draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)))
    if draw(st.booleans()):
        patience = dyadic(0.25, 40.0, 0.25) | st.just(INFINITE)
        columns["patience_s"] = np.array(draw(st.lists(patience, min_size=size, max_size=size)))
    if draw(st.sampled_from((False, False, True))):
        columns["follows"] = np.array([draw(st.integers(NONE, index - 1)) for index in range(size)])
        columns["wait_s"] = np.array(draw(st.lists(dyadic(0.0, 4.0, 0.25), min_size=size, max_size=size)))
    return columns


@st.composite
def rules(draw: st.DrawFn, scheduler: str, router: str, instances: int, pooled: bool) -> Rules:
    """A scheduler and a router, and what may go wrong."""
    outage = st.builds(Outage, st.integers(0, instances - 1), dyadic(0.0, 24.0, 0.25), dyadic(0.0, 8.0, 0.25))
    cache = st.builds(
        PooledCache,
        capacity_tokens=st.sampled_from((8.0, 32.0, 1024.0)),
        bytes_per_token=st.just(1.0),
        bytes_per_s=st.sampled_from((8.0, 64.0)),
        latency_s=dyadic(0.0, 0.5, 0.125),
        software_bytes_per_s=st.sampled_from((32.0, INFINITE)),
    )
    return Rules(
        scheduler=scheduler,
        router=router,
        duration_s=draw(st.sampled_from((INFINITE, INFINITE, INFINITE, 12.0 + NO_TIE_S))),
        pooled=draw(cache) if pooled else None,
        outages=tuple(draw(st.lists(outage, max_size=3))) if draw(st.sampled_from((False, False, True))) else (),
    )


@st.composite
def answers(draw: st.DrawFn, most: int, drafts: int) -> tuple[int, int]:
    """Tokens of an answer, and the decode iterations in which they come: so many each that sums are exact."""
    each = draw(st.sampled_from([tokens for tokens in (1.0, 1.25, 1.5, 2.0, 2.5, 3.0) if tokens <= 1 + drafts]))
    turns = draw(st.integers(0, most))
    turns -= turns % (4 // math.gcd(round(each * 4), 4))
    turns = max(0, turns) if turns * each < most else 0
    return 1 + round(turns * each), turns


@st.composite
def cases(draw: st.DrawFn, scheduler: str, router: str, two_pools: bool | None = None) -> Case:
    """A case with up to a dozen requests."""
    two = draw(st.booleans()) if two_pools is None else two_pools
    block = draw(st.sampled_from((1, 2, 4)))
    trace_block = draw(st.sampled_from((0, block, 2 * block, max(1, block // 2))))
    shape = Shape(
        roles=("prefill", "decode") if two else ("both",),
        block=block,
        trace_block=trace_block,
        drafts=draw(st.booleans()),
        tight=draw(st.sampled_from((True, True, False))),
    )
    pools = tuple(draw(one_pool(role, shape)) for role in shape.roles)
    size = draw(st.integers(1, 12))
    least = min(pool.kv_tokens for pool in pools)
    prompts = draw(st.lists(st.integers(1, min(60, max(4, least * 3 // 4))), min_size=size, max_size=size))
    drafts = max(pool.mtp_tokens for pool in pools)
    both = draw(st.lists(answers(min(24, max(4, least // 3)), drafts), min_size=size, max_size=size))
    columns = draw(arrivals(size))
    if trace_block:
        columns |= hashed(draw(block_ids(prompts, trace_block)), trace_block)
    pooled = bool(trace_block) and draw(st.booleans())
    return Case(
        pools=pools,
        workload=workload(columns.pop("arrival_s"), prompts, [answer for answer, _ in both], **columns),
        rules=draw(rules(scheduler, router, sum(pool.instances for pool in pools), pooled)),
        iterations=tuple(turns for _, turns in both),
    )
