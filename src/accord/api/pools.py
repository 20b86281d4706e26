"""A deployment as pools that the simulator runs: step times, cache, links and rules of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
import numpy as np

from accord.api.records import efficiency_of, engine_id, machine_of, model_spec
from accord.base.array import array
from accord.base.errors import AccordError, DoesNotFit, NotSupported, UsageError
from accord.catalog.load import Catalog
from accord.inference.check import check_request
from accord.inference.complete import Assumed, Layout, formats_for, number
from accord.inference.estimate import transfer_tier
from accord.inference.job import Job, devices_of, enough, layout_of, plan_of, points_of, ranks_asked
from accord.inference.request import EstimateRequest, PoolRequest
from accord.parallel.collectives import rate_of, send_s
from accord.parallel.memory import KvBudget, kv_budget, load_s
from accord.parallel.plan import Deployments, Setting
from accord.serving.spec import Pool, PooledCache, Role
from accord.step.table import StepTable


class EngineRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of the engine, as vLLM and SGLang name them; None takes the engine's default from the catalog.

    max_num_seqs, max_num_batched_tokens, block_size: of one attention group
    gpu_memory_utilization: share of the device memory the engine uses; kv_blocks: cache blocks of a group, stated
    watermark: share of blocks that stays free at admission; prefix_caching: keep blocks of finished requests
    step_overhead_s: host time between iterations, in place of the calibrated one
    frontend_s: server in front of the engine: added to the first token and to the end
    load_s: from start or repair until an instance serves; cold: instances load at the start
    """

    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    block_size: int | None = None
    gpu_memory_utilization: float | None = None
    kv_blocks: int | None = None
    watermark: float | None = None
    prefix_caching: bool = True
    step_overhead_s: float | None = None
    frontend_s: float = 0.0
    load_s: float | None = None
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """A pool with what it was made from; chips_per_instance is in the pool. budget: of one attention group."""

    pool: Pool
    setting: Setting
    plan: Deployments
    layout: Layout
    budget: KvBudget
    system: str
    engine: str
    idle: int


def pools_of(
    catalog: Catalog, request: EstimateRequest, rules: EngineRules, lengths: tuple[float, float],
    places: dict[str, str] | None = None, assumed: Assumed | None = None,
) -> tuple[Built, ...]:  # fmt: skip
    """The pools of a deployment.

    lengths: mean prompt and answer of the workload [token]
    places: system of a pool (``prefill``, ``decode``) that is not the request's
    assumed: notes what was filled by default
    Raises UsageError, DoesNotFit, MissingFact or NotSupported as the estimate does.
    """
    prompt, answer = (max(round(length), 1) for length in lengths)
    request = msgspec.structs.replace(
        request, phase="serve", isl=float(prompt), osl=float(answer), kv_len=None, concurrency=None, request_rate=None,
        batch_per_device=None, tokens_per_device=None, reuse=None,
    )  # fmt: skip
    for name in ("tp", "pp", "dp", "cp", "ep", "mtp_tokens", "mtp_accept", "microbatches"):
        if isinstance(getattr(request, name), tuple):
            raise UsageError(
                "a list where one value is wanted", where=f"--{name.replace('_', '-')}", hint="simulate one at a time"
            )
    check_request(request)
    noted = assumed or Assumed()
    if not request.disaggregated:
        if request.prefill is not None or request.decode is not None:
            raise UsageError("one pool of two", hint="give both --prefill and --decode, or neither")
        return (_aggregated(catalog, request, rules, noted),)
    found = []
    for role, pool in (("prefill", request.prefill), ("decode", request.decode)):
        if pool is not None:
            system = (places or {}).get(role, request.system)
            placed = msgspec.structs.replace(request, system=system)
            try:
                found.append(_part(catalog, placed, rules, pool, "prefill" if role == "prefill" else "decode", noted))
            except AccordError as error:
                raise error.at(f"--{role}") from None
    used = sum(one.pool.chips * one.pool.instances for one in found)
    if request.chips is not None and used > request.chips:
        raise UsageError(
            f"the pools use {used:g} chips, more than the {request.chips} given",
            where="--chips",
            hint="raise it, leave it out, or have --match-rates choose the instances",
        )
    return tuple(found)


def _job(catalog: Catalog, request: EstimateRequest, assumed: Assumed) -> Job:
    spec, machine = model_spec(catalog, request.model), machine_of(catalog, request.system)
    efficiency = efficiency_of(catalog, machine.chip, request.engine, request.engine_version)
    formats = formats_for(spec, machine, request, efficiency, assumed)
    setting = Setting(spec, machine, formats, efficiency, request.balanced, request.graph)
    return Job(request, setting, catalog.defaults(), assumed, points_of(request))


def _aggregated(catalog: Catalog, request: EstimateRequest, rules: EngineRules, assumed: Assumed) -> Built:
    """Replicas that serve both phases."""
    job = _job(catalog, request, assumed)
    devices = devices_of(job, ranks_asked(request) or job.setting.machine.devices_per_chip)
    layout = layout_of(job, None, devices)
    plan = plan_of(job, layout)
    enough(plan, devices)
    whole = int(plan.devices[0])
    layout = replace(layout, instances=devices // whole)
    return _built(catalog, job, plan, layout, rules, "both", devices % whole)


def _part(
    catalog: Catalog, request: EstimateRequest, rules: EngineRules, pool: PoolRequest, role: Role, assumed: Assumed
) -> Built:
    """One of two pools."""
    job = _job(catalog, request, assumed)
    devices = pool.devices or job.setting.machine.devices_per_chip
    layout = layout_of(job, pool, devices, f"{role}_")
    plan = plan_of(job, layout)
    if role == "prefill":
        plan = plan.with_(mtp_tokens=np.zeros_like(plan.mtp_tokens), accept=np.zeros_like(plan.accept))
    return _built(catalog, job, plan, layout, rules, role, 0)


def _built(
    catalog: Catalog, job: Job, plan: Deployments, layout: Layout, rules: EngineRules, role: Role, idle: int
) -> Built:
    setting, request = job.setting, job.request
    efficiency, machine = setting.efficiency, setting.machine
    budget_tokens = rules.max_num_batched_tokens or int(efficiency.scalar("engine.max_num_batched_tokens"))
    if role == "prefill" and rules.max_num_batched_tokens is None:
        budget_tokens = max(
            budget_tokens, int(efficiency.scalar("engine.prefill_tokens_per_device") * plan.tp[0] * plan.cp[0])
        )
    seats = rules.max_num_seqs or int(efficiency.scalar("engine.max_num_seqs"))
    stages = int(plan.pp[0])
    block = rules.block_size or int(efficiency.scalar("engine.block_tokens"))
    length = float(plan.isl[0] + plan.osl[0] / 2.0)
    budget = kv_budget(
        setting, plan, max_num_batched_tokens=budget_tokens / float(plan.cp[0]), max_num_seqs=seats,
        utilisation=rules.gpu_memory_utilization, length=length,
    )  # fmt: skip
    tokens = int(budget.tokens) if rules.kv_blocks is None else rules.kv_blocks * block
    if tokens < block:
        short = setting.machine.device.memory_bytes
        raise DoesNotFit(
            f"{setting.spec.id} leaves no room for a cache on a device of {float(short) / 1e9:,.1f} GB of {machine.id}",
            hint="use more ranks, a narrower --weights format, a higher --gpu-memory-utilization, or fewer "
            "--max-num-batched-tokens and --max-num-seqs"
            if budget.tokens < 1.0
            else f"there is room for {int(budget.tokens):,} tokens; lower --block-size",
        )
    timer = StepTable(
        setting, plan, max_seqs=min(seats * stages, 1024), step_overhead_s=rules.step_overhead_s,
        token_budget=float(budget_tokens),
    )  # fmt: skip
    rate, latency = _link(setting) if role != "both" else (float("inf"), 0.0)
    devices, group = float(plan.devices[0]), float(plan.devices[0] / plan.dp[0])
    loading = rules.load_s
    if loading is None:
        loading = load_s(setting, plan, number(job.defaults, "serving", "load_rate"))
        loading += number(job.defaults, "serving", "warm_up")
    pool = Pool(
        name="serve" if role == "both" else role, role=role, instances=layout.instances, timer=timer,
        kv_tokens=tokens, max_seqs=seats * stages, token_budget=budget_tokens * stages,
        groups=int(plan.dp[0]), block_tokens=block,
        watermark=efficiency.scalar("engine.watermark") if rules.watermark is None else rules.watermark,
        bytes_per_token=float(budget.bytes_per_token), egress_bytes_per_s=rate * devices,
        ingress_bytes_per_s=rate * devices, stream_bytes_per_s=rate * group, latency_s=latency,
        chips=devices / machine.devices_per_chip, load_s=loading, cold=rules.cold,
        mtp_tokens=int(plan.mtp_tokens[0]), accept=float(plan.accept[0]), prefix_cache=rules.prefix_caching,
        must_fit=efficiency.has("reserve_full_prompt"), own_reuse=True,
    )  # fmt: skip
    return Built(pool, setting, plan, layout, budget, machine.id, engine_id(catalog, request.engine), idle)


def _link(setting: Setting) -> tuple[float, float]:
    """Rate of one device onto the plane that carries caches [B/s], and the latency of a transfer [s]."""
    plane = transfer_tier(setting.machine)
    if plane is None:
        return float("inf"), 0.0
    rate = float(np.mean(rate_of(plane, setting.efficiency, "read")))
    return rate, float(send_s(array(0.0), plane, setting.efficiency)[0])


def pooled_cache(built: Built, plane: str | None, capacity_bytes: float) -> PooledCache:
    """The pooled memory as a cache that instances of a pool share.

    plane: the way to it, the first one if omitted; capacity_bytes: of the pool that holds cache

    Raises NotSupported where the system has no pooled memory, UsageError for an unknown plane.
    """
    paths = built.setting.machine.pools
    if not paths:
        raise NotSupported(
            f"{built.system} has no pooled memory to keep context in",
            hint="leave the pooled cache out, or name a system whose catalog entry has a memory pool",
        )
    named = [path for path in paths if plane is None or path.plane.lower() == plane.lower()]
    if not named:
        raise UsageError(
            f"plane '{plane}' does not reach the memory pool of {built.system}",
            where="--cache-plane",
            hint=f"use one of {', '.join(path.plane for path in paths)}",
        )
    devices = float(built.plan.devices[0])
    groups = float(built.plan.dp[0])
    rate = float(np.mean(named[0].bytes_per_s))
    software = float(np.mean(built.setting.efficiency.get("pool.software_rate")))
    each = built.pool.bytes_per_token
    return PooledCache(
        capacity_tokens=capacity_bytes / each,
        bytes_per_token=each,
        bytes_per_s=rate * devices,
        latency_s=named[0].latency_s,
        software_bytes_per_s=software * devices,
        stream_bytes_per_s=devices / groups / (1.0 / rate + 1.0 / software),
    )
