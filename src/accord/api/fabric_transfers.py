"""Transfers that a user names, run to their end on the wires of a system."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from accord.api.fabric_price import drawn_network
from accord.base.array import Array
from accord.base.units import show
from accord.fabric.curves import residual_log_sd, share_of, step_s
from accord.fabric.topology import Topology
from accord.fabric.transfers import Completed, Transfers, complete
from accord.fabric.words import link_words
from accord.hardware.derate import Efficiency, Number
from accord.hardware.system import Machine
from accord.inference.spread import spread_of
from accord.report import fabric_view as view
from accord.report.tables import Table, number, number_column, text_column
from accord.report.to_json import metric
from accord.uncertainty.residual import half_width

MOST_LINKS = 12


def run_transfers(
    sent: Transfers, topology: Topology, machine: Machine, efficiency: Efficiency, names: Sequence[str], level: float
) -> tuple[dict[str, object], list[Table]]:
    """Result and tables of concurrent transfers.

    topology: with the rates that large transfers reach; names: of each of ``machine.tiers``
    Raises UsageError, MissingFact as :func:`accord.fabric.transfers.complete`.
    """
    latency = [float(np.mean(step_s(tier, efficiency))) for tier in machine.tiers]
    done = complete(topology, sent, latency)
    factor = _factor(machine, efficiency, sorted({int(at) for at in done.routes.tier}), level)
    total, moved = done.total_s, float(sent.size_bytes.sum())
    told = [
        view.Sent(
            int(sent.source[at]), int(sent.target[at]), float(sent.size_bytes[at]), float(sent.start_s[at]),
            float(done.end_s[at]), float(done.rate[at]), link_words(topology, int(done.bottleneck[at]), names),
        )
        for at in range(len(sent.source))
    ]  # fmt: skip
    links = _links(done, topology, names)
    metrics = {
        "time_s": metric(total, "s", total / factor, total * factor),
        "algbw_byte_per_s": metric(moved / total, "B/s", moved / total / factor, moved / total * factor),
    }
    result: dict[str, object] = {
        "metrics": metrics, "transfers": [view.sent_dict(one) for one in told], "links": links,
        "tiers": _tiers(done, topology, names), "events": done.events,
    }  # fmt: skip
    title = f"{len(told):,} transfers, {show(moved, 'B')} in {show(total, 's')}"
    title += f" ({show(total / factor, 's')} to {show(total * factor, 's')}, {level:.0%})"
    return result, [view.sent_table(title, told), _links_table(links)]


def _factor(machine: Machine, efficiency: Efficiency, tiers: Sequence[int], level: float) -> float:
    """Half-width factor of the rates of the tiers in use: parameters, disputed facts and what the model leaves out."""

    def rates(drawn: Machine, parameters: Efficiency) -> Mapping[str, Number]:
        found: dict[str, Number] = {}
        for at in tiers:
            share, nominal = share_of(drawn_network(drawn, parameters).tiers[at], parameters)
            found[str(at)] = share * nominal
        return found

    own = max(spread_of(rates, machine, efficiency).values())
    outside = np.asarray([any(machine.tiers[at].kind == "scale-out" for at in tiers)])
    rest = residual_log_sd(np.zeros(1), outside, efficiency)
    return math.exp(half_width(own, float(rest[0]), level))


def _links(done: Completed, topology: Topology, names: Sequence[str]) -> list[dict[str, object]]:
    """The busiest links."""
    busy = _busy(done, topology)
    order = np.argsort(-busy, kind="stable")[:MOST_LINKS]
    return [
        {
            "link": link_words(topology, int(at), names), "bytes": float(done.sent_bytes[at]),
            "bytes_per_s": float(topology.capacity[at]), "share_of_capacity": float(busy[at]),
        }
        for at in order
        if busy[at] > 0.0
    ]  # fmt: skip


def _busy(done: Completed, topology: Topology) -> Array:
    """Share of each link's capacity that was used over the whole time."""
    room = topology.capacity * done.total_s
    return np.divide(done.sent_bytes, room, out=np.zeros_like(room), where=room > 0.0)


def _tiers(done: Completed, topology: Topology, names: Sequence[str]) -> list[dict[str, object]]:
    busy = _busy(done, topology)
    found: list[dict[str, object]] = []
    for at, name in enumerate(names):
        own = topology.tier == at
        if own.any():
            sent = float(done.sent_bytes[own].sum())
            found.append({"name": name, "link_bytes": sent, "busiest_share_of_capacity": float(busy[own].max())})
    return found


def _links_table(links: Sequence[Mapping[str, object]]) -> Table:
    rows = tuple(
        (str(one["link"]), show(_float(one["bytes"]), "B"), show(_float(one["bytes_per_s"]), "B/s"),
         number(100 * _float(one["share_of_capacity"]), 3))
        for one in links
    )  # fmt: skip
    columns = (
        text_column("link"), number_column("carried"), number_column("reaches"), number_column("in use", "%"),
    )  # fmt: skip
    return Table(title="busiest links", columns=columns, rows=rows)


def _float(value: object) -> float:
    assert isinstance(value, float)
    return value
