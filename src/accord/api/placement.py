"""``accord fabric`` with a model: a deployment laid on a system, and what it puts on the wires while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from accord.parallel.plan import Deployments
from accord.report import placement as view
from accord.report.estimate_view import memory_dict
from accord.report.fabric_view import tier_fact_dict
from accord.report.placement import Experts, Flow, Instance
from accord.step.decode import decode_ops
from accord.step.prefill import prefill_ops

POOLS = ("prefill", "decode")
SERVE = "serve"
ASSUMED = (
    "instances lie side by side, each from a node of its own where it does not fit into what is left of one",
    "tokens fall evenly on ranks, and each rank sends as much to every other rank of its instance",
    "each pool runs at its own full pace, without breaks",
)


@dataclass(frozen=True, slots=True)
class _Pool:
    """One pool in one phase, as it was estimated.

    period_s: of a step; requests_per_s: of all instances without a break; factor: half-width factor of its pace
    share: of its time that it spends in this phase
    """

    name: str
    phase: Phase
    estimate: Estimate
    period_s: float
    requests_per_s: float
    factor: float
    instances: tuple[Instance, ...]
    share: float = 1.0

    @property
    def plan(self) -> Deployments:
        """One instance."""
        return self.estimate.plans[self.phase]

    @property
    def full_per_s(self) -> float:
        """Requests that it serves at its full pace [1/s]."""
        return self.requests_per_s * self.share

    @property
    def devices(self) -> Index:
        """All of its devices."""
        parts = [np.arange(one.first, one.first + one.devices, dtype=np.int64) for one in self.instances]
        return np.concatenate(parts)


def placement_answer(request: EstimateRequest, catalog: Catalog, level: float) -> FabricAnswer:
    """Lay the pools of a request on its system; the load is that of its first point.

    request: with ``prefill``, ``decode`` or both; or with ``devices`` and ranks of instances that do both by turns
    Raises UsageError without a pool or where the system is too small, and as :func:`accord.api.answers.answer`.
    """
    names = [name for name in POOLS if getattr(request, name) is not None]
    if not names and request.devices is None:
        raise UsageError(
            "a model without a pool", where="--model",
            hint="say how it is laid: --decode 'instances=1,devices=320,ep=320', --prefill likewise, or --serve alone",
        )  # fmt: skip
    fabric = fabric_of(catalog, request.system)
    phases = names or list(POOLS)
    found = answer([msgspec.structs.replace(request, phase=phase) for phase in phases], catalog, level, False)
    layouts = {name: found.estimates[name].layouts[name] for name in phases}
    own = list(layouts.items()) if names else [(SERVE, layouts["decode"])]
    lies = laid(own, hardware(fabric.machine, fabric.system))
    pools = _pools(names, found, lies)
    topology = fabric.graph(None, fabric.reached())
    flows = _merged([flow for pool in pools for flow in _exchanges(pool, fabric, topology)])
    flows += _transfer(pools, fabric, topology) + _reuse(pools, request, fabric, topology)
    result = _result(fabric, topology, pools, flows)
    return FabricAnswer(
        inputs={"system": request.system, "level": level, "request": dict(found.inputs)},
        result=result, sources=found.sources,
        warnings=[*found.warnings, *_warnings(pools, flows), *_overloaded(result["links"])],
        tables=view.tables(request.system, result), picture=None,
    )  # fmt: skip


def _pools(names: Sequence[str], found: Answer, lies: Sequence[Instance]) -> list[_Pool]:
    """The pools, those that do both by turns once for each phase."""
    if names:
        return [_pool(phase, phase, found, lies) for phase in POOLS if phase in names]
    both = [_pool(SERVE, phase, found, lies) for phase in POOLS]
    rate = 1.0 / sum(1.0 / max(pool.requests_per_s, 1e-12) for pool in both)
    return [replace(pool, share=rate / max(pool.requests_per_s, 1e-12)) for pool in both]


def _pool(name: str, phase: str, found: Answer, lies: Sequence[Instance]) -> _Pool:
    one, factors = found.estimates[phase], found.factors[phase]
    plan, own = one.plans[phase], tuple(lie for lie in lies if lie.pool == name)
    if phase == "prefill":
        pace = "step_s"
        served = float(one.metrics["input_token_per_s_per_chip"][0]) * one.chips / max(float(plan.isl[0]), 1.0)
        return _Pool(name, "prefill", one, float(one.metrics[pace][0]), served, float(factors[pace][0]), own)
    pace = "iteration_s"
    served = float(one.metrics["output_token_per_s_total"][0]) / max(float(plan.osl[0]), 1.0)
    return _Pool(name, "decode", one, float(one.metrics[pace][0]), served, float(factors[pace][0]), own)


def _merged(flows: Sequence[Flow]) -> list[Flow]:
    """Flows of one pool and name together, as where it has two phases; their steps are not one."""
    found: dict[tuple[str, str], Flow] = {}
    for flow in flows:
        key = (flow.pool, flow.name)
        before = found.get(key)
        found[key] = flow if before is None else Flow(
            flow.name, flow.pool, before.out_bytes_per_s + flow.out_bytes_per_s,
            before.in_bytes_per_s + flow.in_bytes_per_s, 0.0, before.total_bytes_per_s + flow.total_bytes_per_s,
            tuple(dict.fromkeys((*before.planes, *flow.planes))), before.load + flow.load,
        )  # fmt: skip
    return list(found.values())


def _exchanges(pool: _Pool, fabric: Fabric, topology: Topology) -> list[Flow]:
    """What the ranks of each instance send one another."""
    setting, plan, pp = pool.estimate.setting, pool.plan, int(pool.plan.pp[0])
    ops = prefill_ops(setting, plan) if pool.phase == "prefill" else decode_ops(setting, plan)
    found: list[Flow] = []
    for sends in sends_of(ops, setting, pool.phase, pp):
        load = np.zeros(len(topology.capacity))
        for one in pool.instances:
            load += group_load(topology, sends, one, pp, fabric.machine.scale_up_devices)
        sent = sends.near + sends.far
        rate = sent / pool.period_s * pool.share
        found.append(
            Flow(
                sends.name, pool.name, rate, rate, sent, rate * len(pool.devices), _planes(load, fabric, topology),
                load / pool.period_s * pool.share,
            )
        )  # fmt: skip
    return found


def _planes(load: np.ndarray[tuple[int], np.dtype[np.float64]], fabric: Fabric, topology: Topology) -> tuple[str, ...]:
    tiers = np.unique(topology.tier[load > 0.0])
    return tuple(dict.fromkeys(fabric.machine.tiers[int(at)].plane for at in tiers))


def _served(pools: Sequence[_Pool]) -> float:
    return min(pool.full_per_s for pool in pools)


def _transfer(pools: Sequence[_Pool], fabric: Fabric, topology: Topology) -> list[Flow]:
    """Caches from prefill to decode, at the rate that both pools keep up with."""
    tier = transfer_tier(fabric.machine)
    if len({pool.name for pool in pools}) < len(POOLS) or tier is None:
        return []
    first, second = pools
    plan = second.plan
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
    pool = next((one for one in pools if one.phase == "prefill"), None)
    if pool is None or not float(pool.plan.reuse[0]):
        return []
    plan = pool.plan
    wanted = (request.cache_plane or fabric.machine.pools[0].plane).lower()
    plane = next(path.plane for path in fabric.machine.pools if path.plane.lower() == wanted)
    copies = float(plan.tp[0] * plan.pp[0])
    each = float(cache_bytes_per_request(pool.estimate.setting, plan, plan.isl * plan.reuse)[0]) * copies
    total = each * pool.full_per_s
    wires = next((one for one in topology.planes if one.plane == plane), None)
    load = np.zeros(len(topology.capacity))
    if isinstance(wires, Tree):
        load = pool_load(topology, wires, pool.devices, total)
    return [Flow("cache pool reads", pool.name, 0.0, total / len(pool.devices), 0.0, total, (plane,), load)]


def _result(
    fabric: Fabric, topology: Topology, pools: Sequence[_Pool], flows: Sequence[Flow]
) -> dict[str, Any]:  # fmt: skip
    hard = hardware(fabric.machine, fabric.system)
    served, last = _served(pools), {pool.name: pool for pool in pools}
    factor = max(pool.factor for pool in pools)
    links = view.links(topology, fabric.names, [tier.plane for tier in fabric.machine.tiers], flows, factor)
    return {
        "tiers": [tier_fact_dict(fact) for fact in facts_of(fabric)],
        "layout": view.hardware_dict(hard),
        "pools": [
            {
                **_pool_dict(pool), "busy": served / pool.full_per_s if pool.full_per_s else 0.0,
                "experts": view.experts_dict(_experts(pool)),
            }
            for pool in last.values()
        ],
        "instances": [view.instance_dict(one, hard.node_devices) for pool in last.values() for one in pool.instances],
        "served_request_per_s": served, "flows": [view.flow_dict(flow, factor) for flow in flows], "links": links,
        "assumed": [*fabric.assumed, *hard.assumed, *_assumed(pools, flows, fabric)],
    }  # fmt: skip


def _experts(pool: _Pool) -> Experts | None:
    return experts(pool.estimate.setting.spec, pool.plan)


def _pool_dict(pool: _Pool) -> dict[str, object]:
    one = pool.estimate
    layout, plan = one.layouts[pool.phase], pool.plan
    load = {"tokens_per_device": float(plan.tokens[0])} if pool.phase == "prefill" else {
        "batch_per_device": float(plan.batch[0])}  # fmt: skip
    ranks: Mapping[str, int] = {name: getattr(layout, name) for name in ("tp", "pp", "dp", "cp", "ep")}
    return {
        "name": pool.name, "instances": len(pool.instances), "devices": pool.instances[0].devices, **ranks, **load,
        "step_s": pool.period_s, "step_low_s": pool.period_s / pool.factor, "step_high_s": pool.period_s * pool.factor,
        "request_per_s": pool.full_per_s, "memory": memory_dict(one.memories[pool.phase], 0),
        "formats": msgspec.to_builtins(one.setting.formats), "chips": one.chips,
    }  # fmt: skip


def _assumed(pools: Sequence[_Pool], flows: Sequence[Flow], fabric: Fabric) -> list[str]:
    said = list(ASSUMED)
    if any(_experts(pool) is not None for pool in pools):
        said.append("copies of experts are of experts spread evenly over all, since which are popular is not known")
    names = {flow.name for flow in flows}
    if any(pool.name == SERVE for pool in pools):
        said.append("prefill and decode take turns, each at its own step; a step told is one of decode")
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
    if any(float(pool.plan.pp[0]) > 1.0 for pool in pools):
        said.append("activations between pipeline stages are left out")
    return said


def _warnings(pools: Sequence[_Pool], flows: Sequence[Flow]) -> list[str]:
    served, said = _served(pools), []
    for pool in pools:
        share = served / pool.full_per_s if pool.full_per_s else 1.0
        if share < 0.5:
            said.append(
                f"the {pool.name} pool could serve {pool.full_per_s:,.0f} requests/s, the other {served:,.0f}: "
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
