"""A whole run: pools, a workload and rules in, what became of every request out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from accord.base.errors import UsageError
from accord.base.streams import stream
from accord.serving.autoscale import Scaler
from accord.serving.book import Book, drawn_steps
from accord.serving.cluster import Cluster
from accord.serving.engine import Engine
from accord.serving.result import Outcome
from accord.serving.routers import ROUTERS
from accord.serving.schedulers import SCHEDULERS
from accord.serving.spec import INFINITE, Pool, Rules
from accord.serving.watch import Watch, uses
from accord.workloads.request import Ints, Workload

Progress = Callable[[float, int, int], bool]


def simulate(
    pools: Sequence[Pool], workload: Workload, rules: Rules, *, progress: Progress | None = None,
    iterations: Ints | None = None,
) -> Outcome:  # fmt: skip
    """Simulate a workload on pools.

    progress: called now and then with the time, requests that ended and requests in all; False ends the run there
    iterations: decode iterations of each answer, instead of drawn ones, shape ``(N,)``
    Raises UsageError for pools, rules and workloads that do not go together.
    """
    check(pools, workload, rules)
    comes = _comes(workload, rules.duration_s)
    count = int(np.count_nonzero(comes))
    drafting = max(pools, key=lambda pool: pool.mtp_tokens)
    if iterations is None:
        iterations = drawn_steps(workload, drafting.mtp_tokens, drafting.accept, stream(rules.seed, "drafts"))
    book = Book(workload, iterations)
    own = workload.arrival_s[comes & (workload.follows < 0)]
    watch = Watch(rules.tick_s, float(own[-1]) if len(own) else 0.0)
    engine = Engine(lambda now: watch.look(cluster, now))
    cluster = Cluster(pools, workload, rules, book, engine)

    def look(now_s: float, events: int) -> None:
        if progress is not None and not progress(now_s, count - cluster.remaining, count):
            engine.stopped = True

    if count:
        cluster.start(comes)
        if rules.autoscale is not None:
            Scaler(cluster, rules.autoscale)
        engine.run(rules.duration_s, look)
    if rules.duration_s < INFINITE and cluster.remaining:
        engine.clock_s = max(engine.clock_s, rules.duration_s) if not engine.stopped else engine.clock_s
    watch.finish(cluster, engine.clock_s)
    complete = not engine.stopped or not cluster.remaining
    used = uses(cluster)
    return Outcome(
        workload, book.result(), cluster.tally.result(), watch.series(cluster), used, tuple(cluster.events),
        tuple(cluster.spans), engine.clock_s, rules.seed, complete,
    )  # fmt: skip


def _comes(workload: Workload, duration_s: float) -> npt.NDArray[np.bool_]:
    """Requests that come, or may: those that follow one that does."""
    comes = (workload.follows >= 0) | (workload.arrival_s <= duration_s)
    if duration_s < INFINITE:
        follows = workload.follows.tolist()
        for request in np.flatnonzero(workload.follows >= 0).tolist():
            comes[request] = comes[follows[request]]
    return comes


def check(pools: Sequence[Pool], workload: Workload, rules: Rules) -> None:
    """Refuse what cannot be simulated. Raises UsageError."""
    roles = [pool.role for pool in pools]
    if not pools or ("prefill" in roles) != ("decode" in roles) or ("both" in roles and "prefill" in roles):
        raise UsageError(
            "pools that do not make a deployment", hint="give pools of role 'both', or one of prefill and one of decode"
        )
    for name, known in (("scheduler", SCHEDULERS), ("router", ROUTERS)):
        if getattr(rules, name) not in known:
            raise UsageError(f"'{getattr(rules, name)}' is no {name}", hint=f"use one of {', '.join(known)}")
    for pool in pools:
        _check_pool(pool, workload)
    _check_times(rules, pools)
    total = sum(pool.instances for pool in pools)
    for outage in rules.outages:
        if not 0 <= outage.instance < total:
            raise UsageError(
                f"there is no instance {outage.instance} to fail", where="--fail",
                hint="there is only instance 0" if total == 1 else f"instances are 0 to {total - 1}",
            )  # fmt: skip


def _check_times(rules: Rules, pools: Sequence[Pool]) -> None:
    """Times that must lie ahead, in the words of the command line where it has them."""
    positive = [("--mtbf", rules.mtbf_s), ("tick_s", rules.tick_s), ("--duration", rules.duration_s)]
    others = [("--repair", rules.repair_s)]
    if rules.mtbf_s < INFINITE:
        positive.append(("--repair", rules.repair_s))
    positive += [("--mtbf", pool.mtbf_s) for pool in pools if pool.mtbf_s is not None]
    others += [("--repair", pool.repair_s) for pool in pools if pool.repair_s is not None]
    for outage in rules.outages:
        others += [("--fail", outage.start_s), ("--fail", outage.down_s)]
    if rules.autoscale is not None:
        positive.append(("--autoscale", rules.autoscale.interval_s))
    for where, time_s in positive:
        if not time_s > 0.0:
            raise UsageError(f"a time of {time_s:g} s", where=where, hint="give more than 0 s")
    for where, time_s in others:
        if not 0.0 <= time_s < INFINITE:
            raise UsageError(f"a time of {time_s:g} s", where=where, hint="give 0 s or more")


def _check_pool(pool: Pool, workload: Workload) -> None:
    if pool.instances < 1 or pool.groups < 1:
        raise UsageError(f"pool {pool.name} has no instance", hint="give 1 or more")
    if pool.kv_tokens < pool.block_tokens:
        raise UsageError(f"the cache of pool {pool.name} holds no block of {pool.block_tokens} tokens")
    if pool.token_budget < 1 + pool.mtp_tokens or pool.max_seqs < 1:
        raise UsageError(
            f"pool {pool.name} has a budget of {pool.token_budget} tokens and {pool.max_seqs} requests an iteration",
            hint="raise --max-num-batched-tokens and --max-num-seqs",
        )
    block, hashed = pool.block_tokens, workload.block_tokens
    if hashed and hashed % block and block % hashed:
        raise UsageError(
            f"blocks of {block} tokens of pool {pool.name} and blocks of {hashed} tokens of the workload",
            hint="one must be a multiple of the other; set --block-size",
        )
