"""The estimate: a completed request becomes deployments, deployments become metrics.

Metric names are those of the measured tables. Every array has one entry a combination of the
request's lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from accord.base.array import Array, array
from accord.base.errors import NotSupported, UsageError
from accord.hardware.derate import Efficiency
from accord.hardware.fabric import FabricTier
from accord.hardware.system import Machine
from accord.inference.aggregated import batch_run_s, batch_run_tpot_s, serve_point
from accord.inference.cache import Reuse, reuse_load_s
from accord.inference.check import check_request
from accord.inference.complete import Assumed, Defaults, Layout, formats_for, number
from accord.inference.disaggregated import split_point
from accord.inference.job import Job, answer_of, devices_of, enough, layout_of, plan_of, points_of, ranks_asked
from accord.inference.open_loop import open_point
from accord.inference.points import by_ranks
from accord.inference.pools import decode_point, largest_batch, prefill_point
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate, fitting, merge, refuse
from accord.models.spec import ModelSpec
from accord.parallel.memory import prefill_memory, serving_memory
from accord.parallel.plan import Deployments, Setting
from accord.step.breakdown import StepTime


def estimate(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: EstimateRequest, defaults: Defaults
) -> Estimate:
    """Steady-state answer. Raises UsageError, DoesNotFit, MissingFact or NotSupported."""
    return joined([part for _, part in estimate_parts(spec, machine, efficiency, request, defaults)])


def estimate_parts(
    spec: ModelSpec, machine: Machine, efficiency: Efficiency, request: EstimateRequest, defaults: Defaults
) -> tuple[tuple[EstimateRequest, Estimate], ...]:
    """The request of each layout of ranks with its points; those that do not fit are kept for :func:`joined` to judge.

    Raises as :func:`estimate`.
    """
    check_request(request)
    found: list[tuple[EstimateRequest, Estimate]] = []
    for one in by_ranks(request):
        assumed = Assumed()
        formats = formats_for(spec, machine, one, efficiency, assumed)
        setting = Setting(spec, machine, formats, efficiency, one.balanced, one.graph)
        found.append((one, run(Job(one, setting, defaults, assumed, points_of(one)))))
    return tuple(found)


def joined(parts: Sequence[Estimate]) -> Estimate:
    """Points of all layouts after one another. Raises DoesNotFit where none fits."""
    done = merge(parts)
    if not np.any(fitting(done)):
        refuse(done)
    return done


def run(job: Job) -> Estimate:
    """Estimate the points of one layout of ranks, whether they fit or not."""
    request = job.request
    if request.phase in ("serve", "offline") and request.disaggregated:
        return _split(job)
    if request.phase in ("serve", "offline"):
        return _serve(job)
    return _pool(job)


def _pool(job: Job) -> Estimate:
    """A prefill or a decode pool."""
    request, machine = job.request, job.setting.machine
    pool = request.prefill if request.phase == "prefill" else request.decode
    fallback = (pool.devices if pool and pool.devices else None) or ranks_asked(request) or machine.devices_per_chip
    devices = devices_of(job, fallback * (pool.instances if pool else 1))
    size = pool.devices if pool and pool.devices else (ranks_asked(request) or devices)
    layout = layout_of(job, pool, size)
    plan = plan_of(job, layout)
    if request.chips is not None or request.devices is not None:
        enough(plan, devices)
    per_chip = machine.devices_per_chip
    whole = int(plan.devices[0])
    instances = max(int(devices // whole), 1)
    busy, layout = instances * whole, replace(layout, instances=instances)
    if request.phase == "decode":
        if request.batch_per_device is None:
            goal = np.inf if request.full else number(job.defaults, "serving", "tpot")
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
        return answer_of(
            job, metrics, {"decode": plan}, {"decode": layout}, busy / per_chip,
            {"decode": point.step}, {"decode": point.memory}, idle=max(devices - busy, 0),
        )  # fmt: skip
    tokens = plan.tokens
    if request.tokens_per_device is None:
        tokens = np.full_like(tokens, job.setting.efficiency.scalar("engine.prefill_tokens_per_device"))
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
    return answer_of(
        job, metrics, {"prefill": plan}, {"prefill": layout}, busy / per_chip,
        {"prefill": done.step}, {"prefill": done.memory}, idle=max(devices - busy, 0),
    )  # fmt: skip


def _layer_s(step: StepTime, spec: ModelSpec) -> Array:
    return (step.attention_s + step.ffn_s + step.reduce_s + step.exchange_s) / spec.n_layers


def _serve(job: Job) -> Estimate:
    """One engine doing both phases; replicas share the load."""
    request, machine = job.request, job.setting.machine
    asked = ranks_asked(request)
    devices = devices_of(job, asked or machine.devices_per_chip)
    layout = layout_of(job, None, devices)
    plan = plan_of(job, layout)
    enough(plan, devices)
    replicas = np.floor(devices / plan.devices)
    offline = request.phase == "offline"
    wanted, extra = job.column("concurrency", np.inf), {}
    if request.request_rate is not None:
        window = array(number(job.defaults, "serving", "window"))
        arrivals = open_point(job.setting, plan, job.column("request_rate") / replicas, window)
        point, extra = arrivals.served, {"load": arrivals.load}
    else:
        point = serve_point(job.setting, plan, wanted / replicas, job.near)
    rate, latency = point.request_per_s * replicas, point.tpot_s
    if offline and request.concurrency is not None and request.batch_per_device is None:
        spread = request.answer_spread or number(job.defaults, "serving", "answer_spread")
        rate = wanted / batch_run_s(plan, point, wanted, replicas, array(spread))
        shortest = number(job.defaults, "serving", "answer_least")
        latency = batch_run_tpot_s(job.setting, plan, point, wanted / replicas / plan.groups, shortest)
    busy = int(replicas[0] * plan.devices[0])
    chips = busy / machine.devices_per_chip
    layout = replace(layout, instances=int(replicas[0]))
    return answer_of(
        job,
        _rates(rate, plan, chips)
        | {
            "tpot_s": latency, **point.ttft.metrics(), "running": point.running,
            "output_token_per_s_per_user": 1.0 / latency, **extra,
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


def _split(job: Job) -> Estimate:
    """Prefill pool and decode pool."""
    request, setting = job.request, job.setting
    if request.prefill is None or request.decode is None:
        raise NotSupported("a disaggregated deployment needs both pools")
    plans: dict[str, Deployments] = {}
    layouts: dict[str, Layout] = {}
    for name, pool in (("prefill", request.prefill), ("decode", request.decode)):
        devices = pool.devices or setting.machine.devices_per_chip
        layouts[name] = layout_of(job, pool, devices, f"{name}_")
        plans[name] = plan_of(job, layouts[name])
    used = int(sum(float(plan.devices[0]) * layouts[name].instances for name, plan in plans.items()))
    given = devices_of(job, used)
    if given < used:
        raise UsageError(
            f"the pools use {used} devices, more than the {given} given", hint="raise --chips, or leave it out"
        )
    chips = used / setting.machine.devices_per_chip
    point = split_point(
        (setting, plans["prefill"], array(layouts["prefill"].instances)),
        (setting, plans["decode"], array(layouts["decode"].instances)),
        job.column("concurrency", np.inf), transfer_tier(setting.machine), Reuse(request.cache_plane),
        drawn=job.near is not None,
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
    return answer_of(job, metrics, plans, layouts, chips, memories=memories, idle=given - used)


def transfer_tier(machine: Machine) -> FabricTier | None:
    """The plane that carries caches between pools: scale-out where there is one, else the outermost."""
    outward = [tier for tier in machine.tiers if tier.kind == "scale-out"]
    if outward:
        return outward[0]
    return machine.tiers[-1] if machine.tiers else None
