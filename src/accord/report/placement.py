"""A deployment on a system as the result of ``accord fabric``, and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from accord.base.array import Array
from accord.base.units import show
from accord.fabric.topology import Index, Layer, Pairs, Topology, Torus, Tree
from accord.report.tables import Table, number, number_column, text_column
from accord.report.to_json import metric

DIGITS = 5  # significant digits of loads
PORT, UPLINK = "device port", "uplink"


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a picture of a system shows.

    node_devices: devices of a node; nodes, racks: their number, those that compute; other_racks: with switches alone
    cpus: of a node, 0 where nobody says; pool_planes: planes that reach the pooled host memory
    assumed: what the catalog does not say
    """

    chips: int
    devices: int
    devices_per_chip: int
    node_devices: int
    nodes: int
    racks: int
    other_racks: int
    cpus: float
    pool_planes: tuple[str, ...]
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """Devices ``first`` to ``first + devices - 1`` of the system, in the order of ranks."""

    pool: str
    number: int
    first: int
    devices: int


@dataclass(frozen=True, slots=True)
class Experts:
    """Experts of one layer over the ranks of an instance.

    routed: different ones; copies: of some of them beyond one; shared: experts that every token uses
    ranks: numbers of the routed experts that each expert-parallel rank holds, () where it holds shared ones alone
    apart: ranks that hold shared experts alone; within: devices that slice the experts of a rank between them
    layers: how many layers have routed experts
    """

    routed: int
    copies: int
    shared: int
    ranks: tuple[tuple[int, ...], ...]
    apart: int
    within: int
    layers: int


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of traffic of one pool.

    out_bytes_per_s: of one device that sends, mean; in_bytes_per_s: of one that receives
    step_bytes: that one device sends in a step, 0 where it has no steps; total_bytes_per_s: of all devices together
    planes: that carry it; load: of each link [B/s], shape ``(L,)``
    """

    name: str
    pool: str
    out_bytes_per_s: float
    in_bytes_per_s: float
    step_bytes: float
    total_bytes_per_s: float
    planes: tuple[str, ...]
    load: Array


def runs(values: Array) -> list[list[float]]:
    """Values as ``[how often, value]`` one after the other, to :data:`DIGITS` digits."""
    found: list[list[float]] = []
    for value in values:
        short = float(f"{value:.{DIGITS - 1}e}")
        if found and found[-1][1] == short:
            found[-1][0] += 1
        else:
            found.append([1, short])
    return found


def hardware_dict(hardware: Hardware) -> dict[str, object]:
    """Nodes and racks; what is assumed of them is told elsewhere."""
    return {name: value for name, value in asdict(hardware).items() if name != "assumed"}


def experts_dict(experts: Experts | None) -> dict[str, object] | None:
    """Experts of the ranks of an instance, None where there are none."""
    return asdict(experts) if experts is not None else None


def instance_dict(instance: Instance, node: int) -> dict[str, object]:
    """One instance; node: devices of a node."""
    last = (instance.first + instance.devices - 1) // node
    return {**asdict(instance), "first_node": instance.first // node, "last_node": last}


def flow_dict(flow: Flow, factor: float) -> dict[str, object]:
    """One flow in numbers; factor: half-width factor of its interval."""
    found: dict[str, object] = {"name": flow.name, "pool": flow.pool, "planes": list(flow.planes)}
    for name in ("out_bytes_per_s", "in_bytes_per_s", "total_bytes_per_s"):
        value = getattr(flow, name)
        found[name] = metric(value, "B/s", value / factor, value * factor)
    return {**found, "step_bytes": flow.step_bytes}


def links(
    topology: Topology, names: Sequence[str], planes: Sequence[str], flows: Sequence[Flow], factor: float = 1.0
) -> list[dict[str, object]]:
    """Load of the links of each plane, level by level.

    names, planes: of each of ``Machine.tiers``; factor: half-width factor of the intervals
    """
    found: list[dict[str, object]] = []
    for wires in topology.planes:
        if isinstance(wires, Tree):
            for depth, layer in enumerate(wires.layers):
                found.append(_layer(topology, layer, depth, names, planes, flows, factor))
        else:
            found.append(_direct(topology, wires, names, flows, factor))
    return found


def _layer(
    topology: Topology, layer: Layer, depth: int, names: Sequence[str], planes: Sequence[str],
    flows: Sequence[Flow], factor: float,
) -> dict[str, object]:  # fmt: skip
    lower = np.arange(layer.lower)
    width = topology.devices // layer.lower
    sides = {"out": layer.up(lower), "in": layer.down(lower)}
    head: dict[str, object] = {
        "plane": planes[layer.tier], "tier": names[layer.tier], "to": layer.name, "kind": UPLINK if depth else PORT,
        "lower": layer.lower, "lower_devices": width, "switches": layer.switches, "switch_chips": layer.chips,
        "parent": runs(layer.parent.astype(np.float64)),
    }  # fmt: skip
    return {**head, **_sides(sides, topology.capacity, flows, factor)}


def _sides(sides: Mapping[str, Index], capacity: Array, flows: Sequence[Flow], factor: float) -> dict[str, object]:
    """Loads of links that leave and enter; sides: ids of links by way."""
    found: dict[str, object] = {"capacity_bytes_per_s": runs(capacity[sides["out"]])}
    shares: dict[str, Array] = {}
    for way, ids in sides.items():
        total = np.zeros(len(ids))
        for flow in flows:
            total = total + flow.load[ids]
        room = capacity[ids]
        shares[way] = np.divide(total, room, out=np.zeros_like(total), where=room > 0.0)
        found[f"{way}_bytes_per_s"] = runs(total)
        found[f"{way}_share"] = runs(shares[way])
    found["by"] = {
        f"{flow.pool}: {flow.name}": {way: runs(flow.load[ids]) for way, ids in sides.items()}
        for flow in flows
        if any(flow.load[ids].any() for ids in sides.values())
    }
    most = max(float(share.max(initial=0.0)) for share in shares.values())
    return {**found, "busiest_share": metric(most, "1", most / factor, most * factor)}


def _direct(
    topology: Topology, wires: Pairs | Torus, names: Sequence[str], flows: Sequence[Flow], factor: float
) -> dict[str, object]:
    """Links between devices, added up for each device; the share is that of its busiest link."""
    own = np.flatnonzero((topology.tier == wires.tier) & (topology.capacity > 0.0))
    ends = {"out": topology.source[own], "in": topology.target[own]}
    count = topology.devices
    found: dict[str, object] = {
        "plane": wires.plane, "tier": names[wires.tier], "to": "other devices", "kind": PORT, "lower": count,
        "lower_devices": 1, "switches": 0, "switch_chips": 0, "parent": [],
        "dims": list(getattr(wires, "dims", ())), "reach": wires.reach,
        "capacity_bytes_per_s": runs(_by(ends["out"], topology.capacity[own], count)),
    }  # fmt: skip
    total = np.zeros(len(own))
    for flow in flows:
        total = total + flow.load[own]
    share = total / topology.capacity[own]
    for way, end in ends.items():
        busiest = np.zeros(count)
        np.maximum.at(busiest, end, share)
        found[f"{way}_bytes_per_s"] = runs(_by(end, total, count))
        found[f"{way}_share"] = runs(busiest)
    found["by"] = {
        f"{flow.pool}: {flow.name}": {way: runs(_by(end, flow.load[own], count)) for way, end in ends.items()}
        for flow in flows
        if flow.load[own].any()
    }
    most = float(share.max(initial=0.0))
    return {**found, "busiest_share": metric(most, "1", most / factor, most * factor)}


def _by(device: Index, values: Array, count: int) -> Array:
    """Values of links added up by device."""
    return np.bincount(device, weights=values, minlength=count).astype(np.float64)


def tables(system: str, result: Mapping[str, Any]) -> list[Table]:
    """Pools, flows and links of a placement."""
    pools = tuple(
        (
            one["name"], f"{one['instances']:,} x {one['devices']:,}",
            " ".join(f"{name}{one[name]}" for name in ("tp", "pp", "dp", "cp", "ep") if one[name] > 1),
            show(one["step_s"], "s"), number(one["request_per_s"]), f"{one['busy']:.0%}", _held(one["experts"]),
        )
        for one in result["pools"]
    )  # fmt: skip
    columns = (
        text_column("pool"), text_column("instances"), text_column("ranks"), number_column("step"),
        number_column("requests", "1/s"), number_column("busy"), text_column("experts of a rank"),
    )  # fmt: skip
    flows = tuple(
        (one["pool"], one["name"], ", ".join(one["planes"]), _rate(one, "out"), _rate(one, "in"), _rate(one, "total"))
        for one in result["flows"]
    )
    flow_columns = (
        text_column("pool"), text_column("traffic"), text_column("plane"), number_column("a device sends"),
        number_column("a device gets"), number_column("all together"),
    )  # fmt: skip
    rows = tuple(
        (one["plane"], one["to"], one["kind"], f"{one['lower']:,}", show(_most(one["capacity_bytes_per_s"]), "B/s"),
         number(100 * one["busiest_share"]["value"], 3),
         f"{number(100 * one['busiest_share']['low'], 3)} to {number(100 * one['busiest_share']['high'], 3)}")
        for one in result["links"]
    )  # fmt: skip
    link_columns = (
        text_column("plane"), text_column("to"), text_column("links"), number_column("number"),
        number_column("each reaches"), number_column("busiest", "%"), number_column("interval", "%"),
    )  # fmt: skip
    notes = tuple(f"assumed: {line}" for line in result["assumed"])
    return [
        Table(title=f"deployment on {system}", columns=columns, rows=pools),
        Table(title="traffic while it runs", columns=flow_columns, rows=flows),
        Table(title="load of the links", columns=link_columns, rows=rows, notes=notes),
    ]


def _rate(flow: Mapping[str, Any], way: str) -> str:
    return show(flow[f"{way}_bytes_per_s"]["value"], "B/s")


def _most(pairs: Sequence[Sequence[float]]) -> float:
    return max((pair[1] for pair in pairs), default=0.0)


def _held(experts: Mapping[str, Any] | None) -> str:
    if experts is None:
        return "none"
    held = sorted({len(rank) for rank in experts["ranks"] if rank})
    words = " or ".join(str(one) for one in held) + f" of {experts['routed']}"
    return words + (f", {experts['apart']} ranks of shared ones" if experts["apart"] else "")
