"""The estimate: a completed request becomes deployments, deployments become metrics.

Metric names are those of the measured tables. Every array has one entry a combination of the
request's lists.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from accord.base.array import Array, array
from accord.base.errors import DoesNotFit, NotSupported, UsageError
from accord.hardware.derate import Efficiency
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine
from accord.inference.aggregated import batch_run_s, batch_run_tpot_s, serve_point
from accord.inference.cache import Reuse, reuse_load_s
from accord.inference.check import RANKS, check_request
from accord.inference.complete import Assumed, Defaults, Layout, formats_for, layout_for, number
from accord.inference.disaggregated import split_point
from accord.inference.points import by_ranks, merge_arrays
from accord.inference.pools import decode_point, largest_batch, prefill_point
from accord.inference.request import EstimateRequest, PoolRequest
from accord.models.spec import ModelSpec
from accord.parallel.memory import Memory, decode_memory, prefill_memory, serving_memory
from accord.parallel.plan import Deployments, Setting, deployments
from accord.step.breakdown import StepTime

MOST_FACTOR = 1024.0
LIST_FIELDS = (
    "tp", "pp", "dp", "ep", "batch_per_device", "tokens_per_device", "concurrency", "isl", "osl", "kv_len",
    "mtp_tokens", "mtp_accept", "microbatches", "reuse",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Estimate:
    """Answer to a request, shape ``(D,)`` per metric.

    points: the values of the listed fields for each entry; assumed: fields filled by default
    chips: packages at work; idle: devices given that no whole instance uses
    steps, memories: by pool (``prefill``, ``decode``), where the phase has them
    """

    metrics: Mapping[str, Array]
    points: tuple[Mapping[str, float], ...]
    assumed: tuple[str, ...]
    steps: Mapping[str, StepTime]
    memories: Mapping[str, Memory]
    setting: Setting
    plans: Mapping[str, Deployments]
    layouts: Mapping[str, Layout]
    chips: float
    idle: int


@dataclass(frozen=True, slots=True)
class _Job:
    """A request with everything it needs."""

    request: EstimateRequest
    setting: Setting
    defaults: Defaults
    assumed: Assumed
    points: tuple[Mapping[str, float], ...]

    def column(self, field: str, fallback: float | None = None, *, section: str = "serving") -> Array:
        """Values of a listed field, one a point; the default (noted) where the request is silent."""
        if getattr(self.request, field) is not None:
            return array([point[field] for point in self.points])
        if fallback is None:
            fallback = number(self.defaults, section, field)
            self.assumed.note(field)
        return np.full(len(self.points), float(fallback))


def estimate(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: EstimateRequest, defaults: Defaults
) -> Estimate:
    """Steady-state answer. Raises UsageError, DoesNotFit, MissingFact or NotSupported."""
    check_request(request)
    parts = [_estimate(spec, machine, efficiency, one, defaults) for one in by_ranks(request)]
    done = merge(parts)
    if not np.any(fitting(done)):
        _refuse(done)
    return done


def _estimate(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: EstimateRequest, defaults: Defaults
) -> Estimate:
    """Estimate points of one layout of ranks; those that do not fit are kept for the caller to judge."""
    assumed = Assumed()
    formats = formats_for(spec, machine, request, efficiency, assumed)
    setting = Setting(spec, machine, formats, efficiency, request.balanced, request.graph)
    job = _Job(request, setting, defaults, assumed, _points(request))
    if request.phase in ("serve", "offline") and request.disaggregated:
        return _split(job)
    if request.phase in ("serve", "offline"):
        return _serve(job)
    return _pool(job)


def merge(parts: Sequence[Estimate]) -> Estimate:
    """Points of several layouts after one another; layouts, setting and chips are the first one's."""
    first = parts[0]
    if len(parts) == 1:
        return first
    names = [name for name in first.metrics if all(name in part.metrics for part in parts)]
    return replace(
        first,
        metrics={name: np.concatenate([part.metrics[name] for part in parts]) for name in names},
        points=tuple(point for part in parts for point in part.points),
        assumed=tuple(dict.fromkeys(name for part in parts for name in part.assumed)),
        steps={pool: merge_arrays([(part.steps[pool], len(part.points)) for part in parts]) for pool in first.steps},
        memories={
            pool: merge_arrays([(part.memories[pool], len(part.points)) for part in parts]) for pool in first.memories
        },
        plans={pool: merge_arrays([(part.plans[pool], len(part.points)) for part in parts]) for pool in first.plans},
    )


def _points(request: EstimateRequest) -> tuple[Mapping[str, float], ...]:
    listed: dict[str, tuple[float, ...]] = {}
    for field in LIST_FIELDS:
        value = getattr(request, field)
        if value is not None:
            listed[field] = tuple(value) if isinstance(value, tuple) else (value,)
    return tuple(dict(zip(listed, values, strict=True)) for values in product(*listed.values()))


def _devices(job: _Job, fallback: int) -> int:
    """Ranks in use: stated, or whole chips, or ``fallback``."""
    request, machine = job.request, job.setting.machine
    if request.devices is not None:
        return request.devices
    if request.chips is not None:
        return request.chips * machine.devices_per_chip
    return fallback


def _one(value: object) -> int | None:
    """A rank field of a request whose rank lists have been taken apart."""
    if isinstance(value, tuple):
        value = value[0]
    return int(value) if isinstance(value, int | float) else None


def _layout(job: _Job, pool: PoolRequest | None, devices: int, prefix: str = "") -> Layout:
    request = job.request
    if pool is None:
        pool = PoolRequest(
            devices=devices, tp=_one(request.tp), pp=_one(request.pp), dp=_one(request.dp), ep=_one(request.ep)
        )
    return layout_for(job.setting, pool, devices, request.phase, job.assumed, prefix)


def _plan(job: _Job, layout: Layout) -> Deployments:
    """Deployments of one pool: ranks of the layout unless the request lists them."""
    request = job.request
    isl = job.column("isl") if request.kv_len is None or request.isl is not None else job.column("kv_len")
    alone = request.phase == "prefill" or (request.phase == "decode" and request.kv_len is not None)
    osl = job.column("osl", 1.0 if alone else None)
    mtp = job.column("mtp_tokens", number(job.defaults, "speculation", "mtp_tokens") if request.speculative else 0.0)
    accept = job.column("mtp_accept", number(job.defaults, "speculation", "mtp_accept"))
    if request.speculative and request.mtp_tokens is None:
        job.assumed.note("mtp_tokens")
    if np.any(mtp > 0.0) and request.mtp_accept is None:
        job.assumed.note("mtp_accept")
    ranks = {name: array(float(getattr(layout, name))) for name in RANKS}
    context = job.column("kv_len", 0.0)
    context = np.where(context > 0.0, context, isl + osl / 2.0)
    shared = job.setting.efficiency.get("engine.redundant_share") * _experts(job.setting.spec)
    wide = ranks["ep"] >= number(job.defaults, "serving", "wide_ep")
    overlaps = job.setting.efficiency.has("microbatch_overlap")
    return deployments(
        **ranks, isl=isl, osl=osl, context=context, mtp_tokens=mtp, accept=np.where(mtp > 0.0, accept, 0.0),
        batch=job.column("batch_per_device", 1.0), tokens=job.column("tokens_per_device", 0.0),
        microbatches=job.column("microbatches", 0.0 if overlaps else 1.0),
        reuse=job.column("reuse", 0.0), redundant=np.where(wide, shared, 0.0),
    )  # fmt: skip


def _experts(spec: ModelSpec) -> int:
    return max(layer.ffn.experts for layer in spec.distinct_layers)


def _answer(
    job: _Job, metrics: dict[str, Array], plans: Mapping[str, Deployments], layouts: Mapping[str, Layout], chips: float,
    steps: Mapping[str, StepTime] | None = None, memories: Mapping[str, Memory] | None = None,
    idle: int = 0,
) -> Estimate:  # fmt: skip
    shaped = {name: np.broadcast_to(values, (len(job.points),)) for name, values in metrics.items()}
    return Estimate(
        shaped,
        job.points,
        tuple(job.assumed.names),
        steps or {},
        memories or {},
        job.setting,
        plans,
        layouts,
        chips,
        idle,
    )


def fitting(done: Estimate) -> npt.NDArray[np.bool_]:
    """Which points fit their memory, shape ``(D,)``."""
    fits = np.ones(len(done.points), dtype=np.bool_)
    for memory in done.memories.values():
        fits &= np.broadcast_to(memory.free_bytes >= 0.0, fits.shape)
    return fits


def _refuse(done: Estimate) -> None:
    """Refuse when no point fits, by the pool that misses least. Raises DoesNotFit."""
    pool, memory = max(done.memories.items(), key=lambda item: -float(np.max(item[1].free_bytes)))
    plan, at = done.plans[pool], int(np.argmax(memory.free_bytes))
    setting = done.setting
    raise DoesNotFit(
        f"{setting.spec.id} {pool} needs {float(memory.used_bytes[at]) / 1e9:,.1f} GB on a device of "
        f"{float(memory.capacity_bytes[at]) / 1e9:,.1f} GB: {-float(memory.free_bytes[at]) / 1e9:,.1f} GB too much",
        hint=nearest_fit(setting, plan.take(slice(at, at + 1)), memory, at),
    )


def nearest_fit(setting: Setting, plan: Deployments, memory: Memory, at: int) -> str:
    """The smallest change that fits: fewer requests, else more ranks, else shorter requests."""
    fixed = float(memory.weights_bytes[at] + memory.reserve_bytes[at] + memory.activation_bytes[at])
    room, cache = float(memory.capacity_bytes[at]) - fixed, float(memory.cache_bytes[at])
    batch = float(plan.batch[0])
    if room > 0.0 and cache > 0.0 and np.floor(batch * room / cache) >= 1.0:
        return f"--batch-per-device {int(np.floor(batch * room / cache))} fits"
    spread = setting.spec.is_moe and float(plan.dp[0]) > 1.0
    factor = 2.0
    while factor <= MOST_FACTOR:
        wider = plan.with_(dp=plan.dp * factor, ep=plan.ep * factor) if spread else plan.with_(tp=plan.tp * factor)
        if float(decode_memory(setting, wider).free_bytes[0]) >= 0.0:
            flag = f"--ep {float(wider.ep[0]):g}" if spread else f"--tp {float(wider.tp[0]):g}"
            return f"{flag} fits, or use a narrower --weights format"
        factor *= 2.0
    return "shorten the requests (--kv-len, --isl, --osl), or use a narrower --weights or --kv format"


def _pool(job: _Job) -> Estimate:
    """A prefill or a decode pool."""
    request, machine = job.request, job.setting.machine
    pool = request.prefill if request.phase == "prefill" else request.decode
    fallback = (pool.devices if pool and pool.devices else None) or _ranks_asked(request) or machine.devices_per_chip
    devices = _devices(job, fallback * (pool.instances if pool else 1))
    size = pool.devices if pool and pool.devices else (_ranks_asked(request) or devices)
    layout = _layout(job, pool, size)
    plan = _plan(job, layout)
    if request.chips is not None or request.devices is not None:
        _enough(plan, devices)
    per_chip = machine.devices_per_chip
    whole = int(plan.devices[0])
    instances = max(int(devices // whole), 1)
    busy, layout = instances * whole, replace(layout, instances=instances)
    if request.phase == "decode":
        if request.batch_per_device is None:
            goal = number(job.defaults, "serving", "tpot")
            plan = plan.with_(batch=largest_batch(job.setting, plan, goal))
            job.assumed.note("batch_per_device")
        point = decode_point(job.setting, plan)
        metrics = {
            "tpot_s": point.tpot_s,
            "iteration_s": point.iteration_s,
            "decode_token_per_s_per_chip": point.tokens_per_s_per_device * per_chip,
            "output_token_per_s_per_chip": point.tokens_per_s_per_device * per_chip,
            "output_token_per_s_total": point.tokens_per_s_per_device * busy,
            "output_token_per_s_per_user": 1.0 / point.tpot_s,
            "layer_s": _layer_s(point.step, job.setting.spec),
            "microbatches": point.microbatches,
        }
        return _answer(
            job, metrics, {"decode": plan}, {"decode": layout}, busy / per_chip,
            {"decode": point.step}, {"decode": point.memory}, idle=max(devices - busy, 0),
        )  # fmt: skip
    tokens = plan.tokens
    if request.tokens_per_device is None:
        tokens = np.full_like(tokens, job.setting.efficiency.get("engine.prefill_tokens_per_device"))
        job.assumed.note("tokens_per_device")
    plan = plan.with_(tokens=tokens)
    load = reuse_load_s(job.setting, plan, Reuse(request.cache_plane))
    done = prefill_point(job.setting, plan, load)
    metrics = {
        "prefill_token_per_s_per_chip": done.tokens_per_s_per_device * per_chip,
        "input_token_per_s_per_chip": done.served_tokens_per_s_per_device * per_chip,
        "step_s": done.step_s,
        "ttft_s": done.step_s,
        "layer_s": _layer_s(done.step, job.setting.spec),
        "microbatches": done.microbatches,
    }
    return _answer(
        job, metrics, {"prefill": plan}, {"prefill": layout}, busy / per_chip,
        {"prefill": done.step}, {"prefill": done.memory}, idle=max(devices - busy, 0),
    )  # fmt: skip


def _enough(plan: Deployments, devices: int) -> None:
    """Refuse an instance larger than the devices in use. Raises UsageError."""
    if np.any(plan.devices > devices):
        raise UsageError(
            f"tp x pp x dp is {plan.devices.max():g}, more than the {devices} devices in use",
            hint="raise --chips or lower the ranks",
        )


def _ranks_asked(request: EstimateRequest) -> int:
    """Ranks the request names, 0 where it names none."""
    tp, pp, dp, ep = (_one(getattr(request, name)) for name in ("tp", "pp", "dp", "ep"))
    if tp is None and dp is None:
        return (ep or 0) * (pp or 1)
    return max((tp or 1) * (dp or 1), ep or 1) * (pp or 1)


def _layer_s(step: StepTime, spec: ModelSpec) -> Array:
    return (step.attention_s + step.ffn_s + step.reduce_s + step.exchange_s) / spec.n_layers


def _serve(job: _Job) -> Estimate:
    """One engine doing both phases; replicas share the load."""
    request, machine = job.request, job.setting.machine
    asked = _ranks_asked(request)
    devices = _devices(job, asked or machine.devices_per_chip)
    layout = _layout(job, None, devices)
    plan = _plan(job, layout)
    _enough(plan, devices)
    replicas = np.floor(devices / plan.devices)
    offline = request.phase == "offline"
    wanted = job.column("concurrency", np.inf)
    point = serve_point(job.setting, plan, wanted / replicas)
    rate, latency = point.request_per_s * replicas, point.tpot_s
    if offline and request.concurrency is not None and request.batch_per_device is None:
        spread = request.answer_spread or number(job.defaults, "serving", "answer_spread")
        rate = wanted / batch_run_s(plan, point, wanted, replicas, array(spread))
        shortest = number(job.defaults, "serving", "answer_least")
        latency = batch_run_tpot_s(job.setting, plan, point, wanted / replicas / plan.dp, shortest)
    busy = int(replicas[0] * plan.devices[0])
    chips = busy / machine.devices_per_chip
    layout = replace(layout, instances=int(replicas[0]))
    return _answer(
        job,
        _rates(rate, plan, chips)
        | {
            "tpot_s": latency, "ttft_s": point.ttft_s, "running": point.running,
            "output_token_per_s_per_user": 1.0 / latency,
        },
        {"serve": plan}, {"serve": layout}, chips, memories={"serve": serving_memory(job.setting, plan, point.running)},
        idle=devices - busy,
    )  # fmt: skip


def _rates(rate: Array, plan: Deployments, chips: float) -> dict[str, Array]:
    """Token rates of a deployment from its request rate."""
    return {
        "request_per_s": rate,
        "output_token_per_s_total": rate * plan.osl,
        "output_token_per_s_per_chip": rate * plan.osl / chips,
        "input_token_per_s_total": rate * plan.isl,
        "total_token_per_s_per_chip": rate * (plan.isl + plan.osl) / chips,
    }


def _split(job: _Job) -> Estimate:
    """Prefill pool and decode pool."""
    request, setting = job.request, job.setting
    if request.prefill is None or request.decode is None:
        raise NotSupported("a disaggregated deployment needs both pools")
    plans: dict[str, Deployments] = {}
    layouts: dict[str, Layout] = {}
    for name, pool in (("prefill", request.prefill), ("decode", request.decode)):
        devices = pool.devices or setting.machine.devices_per_chip
        layouts[name] = _layout(job, pool, devices, f"{name}_")
        plans[name] = _plan(job, layouts[name])
    used = int(sum(float(plan.devices[0]) * layouts[name].instances for name, plan in plans.items()))
    given = _devices(job, used)
    if given < used:
        raise UsageError(
            f"the pools use {used} devices, more than the {given} given", hint="raise --chips, or leave it out"
        )
    chips = used / setting.machine.devices_per_chip
    point = split_point(
        (setting, plans["prefill"], array(layouts["prefill"].instances)),
        (setting, plans["decode"], array(layouts["decode"].instances)),
        job.column("concurrency", np.inf), transfer_tier(setting.machine), Reuse(request.cache_plane),
    )  # fmt: skip
    latency = point.tpot_s
    metrics = _rates(point.request_per_s, plans["decode"], chips) | {
        "tpot_s": latency,
        "ttft_s": point.ttft_s,
        "kv_transfer_s": point.transfer_s,
        "running": point.running,
        "output_token_per_s_per_user": 1.0 / latency,
    }
    memories = {
        "prefill": prefill_memory(setting, plans["prefill"].with_(tokens=point.prefill_tokens)),
        "decode": serving_memory(setting, plans["decode"], point.running),
    }
    return _answer(job, metrics, plans, layouts, chips, memories=memories, idle=given - used)


def transfer_tier(machine: Machine) -> FabricTier | None:
    """The plane that carries caches between pools: scale-out where there is one, else the outermost."""
    outward = [tier for tier in machine.tiers if tier.kind == "scale-out"]
    if outward:
        return outward[0]
    return machine.tiers[-1] if machine.tiers else None
