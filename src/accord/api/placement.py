"""``accord fabric`` with a model: a deployment laid on a system, and what it puts on the wires while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from accord.api.answers import Answer, answer
from accord.api.fabric import Fabric, FabricAnswer, fabric_of, facts_of
from accord.api.placement_hardware import hardware
from accord.api.placement_lay import experts, laid
from accord.api.placement_load import group_load, pair_load, pool_load, sends_of
from accord.base.errors import UsageError
from accord.catalog.load import Catalog
from accord.fabric.topology import Index, Topology, Tree
from accord.inference.estimate import transfer_tier
from accord.inference.request import EstimateRequest
from accord.inference.result import Estimate
from accord.ops.op import Phase
from accord.parallel.memory import cache_bytes_per_request
from accord.report import placement as view
from accord.report.estimate_view import memory_dict
from accord.report.fabric_view import tier_fact_dict
from accord.report.placement import Experts, Flow, Instance
from accord.step.decode import decode_ops
from accord.step.prefill import prefill_ops

POOLS = ("prefill", "decode")
ASSUMED = (
    "instances lie side by side, each from a node of its own where it does not fit into what is left of one",
    "tokens fall evenly on ranks, and each rank sends as much to every other rank of its instance",
    "each pool runs at its own full pace, without breaks",
)


@dataclass(frozen=True, slots=True)
class _Pool:
    """One pool as it was estimated.

    period_s: of a step; requests_per_s: at full pace, of all instances; factor: half-width factor of its pace
    """

    name: str
    estimate: Estimate
    period_s: float
    requests_per_s: float
    factor: float
    instances: tuple[Instance, ...]

    @property
    def devices(self) -> Index:
        """All of its devices."""
        parts = [np.arange(one.first, one.first + one.devices, dtype=np.int64) for one in self.instances]
        return np.concatenate(parts)


def placement_answer(request: EstimateRequest, catalog: Catalog, level: float) -> FabricAnswer:
    """Lay the pools of a request on its system; the load is that of its first point.

    request: with ``prefill``, ``decode`` or both; a phase is estimated for each
    Raises UsageError without a pool or where the system is too small, and as :func:`accord.api.answers.answer`.
    """
    names = [name for name in POOLS if getattr(request, name) is not None]
    if not names:
        raise UsageError(
            "a model without a pool", where="--model",
            hint="say how it is laid: --decode 'instances=1,devices=320,ep=320', --prefill likewise",
        )  # fmt: skip
    fabric = fabric_of(catalog, request.system)
    asked = [msgspec.structs.replace(request, phase=name) for name in names]
    found = answer(asked, catalog, level, False)
    lies = laid(
        [(name, found.estimates[name].layouts[name]) for name in names], hardware(fabric.machine, fabric.system)
    )
    pools = [_pool(name, found, request, [one for one in lies if one.pool == name]) for name in names]
    topology = fabric.graph(None, fabric.reached())
    flows = [flow for pool in pools for flow in _exchanges(pool, fabric, topology)]
    flows += _transfer(pools, fabric, topology) + _reuse(pools, request, fabric, topology)
    result = _result(fabric, topology, found, pools, flows)
    return FabricAnswer(
        inputs={"system": request.system, "level": level, "request": dict(found.inputs)},
        result=result, sources=found.sources,
        warnings=[*found.warnings, *_warnings(pools, flows), *_overloaded(result["links"])],
        tables=view.tables(request.system, result), picture=None,
    )  # fmt: skip


def _pool(name: str, found: Answer, request: EstimateRequest, lies: Sequence[Instance]) -> _Pool:
    one, factors = found.estimates[name], found.factors[name]
    plan = one.plans[name]
    pace, rate = ("step_s", "input_token_per_s_per_chip") if name == "prefill" else ("iteration_s", "")
    if rate:
        served = float(one.metrics[rate][0]) * one.chips / max(float(plan.isl[0]), 1.0)
    else:
        served = float(one.metrics["output_token_per_s_total"][0]) / max(float(plan.osl[0]), 1.0)
    return _Pool(name, one, float(one.metrics[pace][0]), served, float(factors[pace][0]), tuple(lies))


def _exchanges(pool: _Pool, fabric: Fabric, topology: Topology) -> list[Flow]:
    """What the ranks of each instance send one another."""
    setting, plan = pool.estimate.setting, pool.estimate.plans[pool.name]
    ops = prefill_ops(setting, plan) if pool.name == "prefill" else decode_ops(setting, plan)
    phase: Phase = "prefill" if pool.name == "prefill" else "decode"
    pp = int(plan.pp[0])
    found: list[Flow] = []
    for sends in sends_of(ops, setting, phase, pp):
        load = np.zeros(len(topology.capacity))
        for one in pool.instances:
            load += group_load(topology, sends, one, pp, fabric.machine.scale_up_devices)
        sent = sends.near + sends.far
        rate = sent / pool.period_s
        found.append(
            Flow(
                sends.name, pool.name, rate, rate, sent, rate * len(pool.devices), _planes(load, fabric, topology),
                load / pool.period_s,
            )
        )  # fmt: skip
    return found


def _planes(load: np.ndarray[tuple[int], np.dtype[np.float64]], fabric: Fabric, topology: Topology) -> tuple[str, ...]:
    tiers = np.unique(topology.tier[load > 0.0])
    return tuple(dict.fromkeys(fabric.machine.tiers[int(at)].plane for at in tiers))


def _served(pools: Sequence[_Pool]) -> float:
    return min(pool.requests_per_s for pool in pools)


def _transfer(pools: Sequence[_Pool], fabric: Fabric, topology: Topology) -> list[Flow]:
    """Caches from prefill to decode, at the rate that both pools keep up with."""
    tier = transfer_tier(fabric.machine)
    if len(pools) < len(POOLS) or tier is None:
        return []
    first, second = pools
    plan = second.estimate.plans["decode"]
    each = float(cache_bytes_per_request(second.estimate.setting, plan, plan.isl)[0]) * float(plan.tp[0] * plan.pp[0])
    total = each * _served(pools)
    start, end = first.devices, second.devices
    wires = next((one for one in topology.planes if one.plane == tier.plane), None)
    load = pair_load(topology, start, end, total / len(start) / len(end), wires)
    return [
        Flow("cache transfer", "prefill", total / len(start), total / len(end), 0.0, total, (tier.plane,), load)
    ]  # fmt: skip


def _reuse(
    pools: Sequence[_Pool], request: EstimateRequest, fabric: Fabric, topology: Topology
) -> list[Flow]:  # fmt: skip
    """Reads of reused context from the pool in host memory, at the pace of the prefill pool."""
    pool = next((one for one in pools if one.name == "prefill"), None)
    if pool is None or not float(pool.estimate.plans["prefill"].reuse[0]):
        return []
    plan = pool.estimate.plans["prefill"]
    wanted = (request.cache_plane or fabric.machine.pools[0].plane).lower()
    plane = next(path.plane for path in fabric.machine.pools if path.plane.lower() == wanted)
    copies = float(plan.tp[0] * plan.pp[0])
    each = float(cache_bytes_per_request(pool.estimate.setting, plan, plan.isl * plan.reuse)[0]) * copies
    total = each * pool.requests_per_s
    wires = next((one for one in topology.planes if one.plane == plane), None)
    load = np.zeros(len(topology.capacity))
    if isinstance(wires, Tree):
        load = pool_load(topology, wires, pool.devices, total)
    return [Flow("cache pool reads", "prefill", 0.0, total / len(pool.devices), 0.0, total, (plane,), load)]


def _result(
    fabric: Fabric, topology: Topology, found: Answer, pools: Sequence[_Pool], flows: Sequence[Flow]
) -> dict[str, Any]:  # fmt: skip
    hard = hardware(fabric.machine, fabric.system)
    served = _served(pools)
    factor = max(pool.factor for pool in pools)
    links = view.links(topology, fabric.names, [tier.plane for tier in fabric.machine.tiers], flows, factor)
    return {
        "tiers": [tier_fact_dict(fact) for fact in facts_of(fabric)],
        "layout": view.hardware_dict(hard),
        "pools": [
            {
                **_pool_dict(pool, found), "busy": served / pool.requests_per_s if pool.requests_per_s else 0.0,
                "experts": view.experts_dict(_experts(pool)),
            }
            for pool in pools
        ],
        "instances": [view.instance_dict(one, hard.node_devices) for one in (x for p in pools for x in p.instances)],
        "served_request_per_s": served, "flows": [view.flow_dict(flow, factor) for flow in flows], "links": links,
        "assumed": [*fabric.assumed, *hard.assumed, *_assumed(pools, flows, fabric)],
    }  # fmt: skip


def _experts(pool: _Pool) -> Experts | None:
    return experts(pool.estimate.setting.spec, pool.estimate.plans[pool.name])


def _pool_dict(pool: _Pool, found: Answer) -> dict[str, object]:
    one = pool.estimate
    layout, plan = one.layouts[pool.name], one.plans[pool.name]
    load = {"tokens_per_device": float(plan.tokens[0])} if pool.name == "prefill" else {
        "batch_per_device": float(plan.batch[0])}  # fmt: skip
    ranks: Mapping[str, int] = {name: getattr(layout, name) for name in ("tp", "pp", "dp", "cp", "ep")}
    return {
        "name": pool.name, "instances": len(pool.instances), "devices": pool.instances[0].devices, **ranks, **load,
        "step_s": pool.period_s, "step_low_s": pool.period_s / pool.factor, "step_high_s": pool.period_s * pool.factor,
        "request_per_s": pool.requests_per_s, "memory": memory_dict(one.memories[pool.name], 0),
        "formats": msgspec.to_builtins(one.setting.formats), "chips": one.chips,
    }  # fmt: skip


def _assumed(pools: Sequence[_Pool], flows: Sequence[Flow], fabric: Fabric) -> list[str]:
    said = list(ASSUMED)
    if any(_experts(pool) is not None for pool in pools):
        said.append("copies of experts are of experts spread evenly over all, since which are popular is not known")
    names = {flow.name for flow in flows}
    if "sums over ranks" in names:
        said.append("sums go around a ring of neighbouring ranks")
    if "cache transfer" in names:
        said.append("caches go from every prefill device to every decode device, at the rate both pools keep up with")
    if "cache pool reads" in names:
        said.append("the cache pool lies evenly in the host memory of all nodes, and is read at the pace of prefill")
        outside = [one for flow in flows if flow.name == "cache pool reads" for one in flow.planes]
        drawn = {tier.plane for tier in fabric.machine.tiers}
        said += [f"links of {plane} are not followed" for plane in outside if plane not in drawn]
    if any(tier.wiring == "torus" for tier in fabric.machine.tiers):
        said.append("ranks are numbered along the last dimension of the torus first, in no compact slice")
    if any(float(pool.estimate.plans[pool.name].pp[0]) > 1.0 for pool in pools):
        said.append("activations between pipeline stages are left out")
    return said


def _warnings(pools: Sequence[_Pool], flows: Sequence[Flow]) -> list[str]:
    served, said = _served(pools), []
    for pool in pools:
        share = served / pool.requests_per_s if pool.requests_per_s else 1.0
        if share < 0.5:
            said.append(
                f"the {pool.name} pool could serve {pool.requests_per_s:,.0f} requests/s, the other {served:,.0f}: "
                f"it would be busy {share:.0%} of the time; links are drawn at its full pace"
            )
    if not flows:
        said.append("nothing travels between devices")
    return said


def _overloaded(links: Sequence[Mapping[str, Any]]) -> list[str]:
    """Links that could not carry what is asked of them."""
    return [
        f"a link of {one['plane']} ({one['to']}) would have to carry {one['busiest_share']['value']:.2f} times what it "
        "reaches: the cost model counts ports and not this link, so the pace is too high"
        for one in links
        if one["busiest_share"]["value"] > 1.0
    ]
