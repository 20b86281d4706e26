"""A plan as pools that the simulator runs, each with the formats, engine and rules that are its own."""

from __future__ import annotations

import math

import msgspec

from accord.api.pools import Built, EngineRules, pools_of
from accord.api.records import efficiency_of, machine_of
from accord.api.simulate import MOST_INSTANCES, SimulateRequest, rules_of
from accord.base.errors import DoesNotFit
from accord.catalog.load import Catalog
from accord.inference.request import EstimateRequest, PoolRequest
from accord.planner.plan import Plan, PoolPlan
from accord.serving.spec import Rules
from accord.workloads.request import Workload

_SEATS = 2.0  # running requests an engine may have over those a plan counts on: a mean, and arrivals come in bunches


def deployed(
    catalog: Catalog, plan: Plan, work: Workload, *, router: str = "least-loaded", seed: int = 0,
    pooled_bytes: float | None = None, cache_plane: str | None = None,
) -> tuple[tuple[Built, ...], Rules]:  # fmt: skip
    """The pools of a plan and the rules by which they serve.

    work: whose mean lengths they are built for; router, seed: of the run
    pooled_bytes, cache_plane: pooled memory of the prefill pool's system that keeps context, where reuse is planned

    Context is kept from prompt to prompt where the plan counts on reuse. An engine may run as many requests as it
    runs by itself, or twice those the plan counts on where that is more: these are a mean.
    Raises what :func:`accord.api.pools.pools_of` raises, NotSupported for pooled memory that is not there.
    """
    lengths = (float(work.prompt.mean()), float(work.answer.mean()))
    built = tuple(_built(catalog, plan.model, pool, lengths) for pool in plan.pools)
    count = sum(one.pool.instances for one in built)
    if count > MOST_INSTANCES:
        raise DoesNotFit(f"{count:,} instances, more than the {MOST_INSTANCES:,} that can be simulated")
    request = SimulateRequest(
        deployment=EstimateRequest(model=plan.model, system=plan.pools[0].system), router=router,
        seed=seed, pool_bytes=pooled_bytes if built[0].pool.prefix_cache else None,
        cache_plane=cache_plane,
    )  # fmt: skip
    return built, rules_of(request, built)


def _built(catalog: Catalog, model: str, pool: PoolPlan, lengths: tuple[float, float]) -> Built:
    """One pool of a plan, with the formats, engine and rules that are its own."""
    efficiency = efficiency_of(catalog, machine_of(catalog, pool.system).chip, pool.engine, pool.engine_version)
    own_seats = int(efficiency.scalar("engine.max_num_seqs"))
    rules = EngineRules(
        max_num_seqs=max(math.ceil(_SEATS * pool.max_num_seqs / pool.pp), own_seats),
        max_num_batched_tokens=pool.max_num_batched_tokens or int(efficiency.scalar("engine.max_num_batched_tokens")),
        prefix_caching=pool.reuse > 0.0,
    )
    request = EstimateRequest(
        model=model, system=pool.system, engine=pool.engine, engine_version=pool.engine_version,
        weights=pool.weights, kv=pool.kv, microbatches=pool.microbatches, mtp_tokens=pool.mtp_tokens,
        mtp_accept=pool.mtp_accept,
    )  # fmt: skip
    ranks = {name: getattr(pool, name) for name in ("tp", "pp", "dp", "cp", "ep")}
    if pool.role == "serve":
        whole = msgspec.structs.replace(request, devices=pool.devices * pool.instances, **ranks)
        return pools_of(catalog, whole, rules, lengths)[0]
    # pools of a plan may differ in formats and engine, those of a request do not: each is built beside its like
    own = PoolRequest(instances=pool.instances, devices=pool.devices, **ranks)
    pair = pools_of(catalog, msgspec.structs.replace(request, prefill=own, decode=own), rules, lengths)
    return pair[0 if pool.role == "prefill" else 1]
