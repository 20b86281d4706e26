"""``accord fabric``: collectives and concurrent transfers on the wires of a system."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from accord.api.fabric_price import EXPERT, Question, price
from accord.api.fabric_transfers import run_transfers
from accord.api.placement_hardware import hardware
from accord.api.records import calibration_chain, machine_of, training_efficiency
from accord.base.array import array
from accord.base.errors import CatalogError, MissingFact, UsageError
from accord.base.registry import did_you_mean
from accord.base.units import show
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.fabric.algorithms import ALGORITHMS, COLLECTIVES
from accord.fabric.collective import AUTO
from accord.fabric.curves import share_of
from accord.fabric.exchange import MOST_TRANSFERS, exchange, transfers_of
from accord.fabric.group import Group
from accord.fabric.shapes import Shape, shapes_of, sliced
from accord.fabric.spans import spans_of
from accord.fabric.topology import Topology, bisection_bytes_per_s, build, extent
from accord.fabric.transfers import Transfers
from accord.fabric.words import link_words
from accord.hardware.derate import Efficiency
from accord.hardware.system import Machine
from accord.report import fabric_view as view
from accord.report.catalog_view import entry_sources
from accord.report.fabric_svg import Scene, TierLoad, draw
from accord.report.placement import hardware_dict, links
from accord.report.tables import Table
from accord.training.estimate import reaching

NAMES = tuple(name.replace("_", "-") for name in (*COLLECTIVES, *EXPERT))
USUAL_BYTES = (16e3, 1e6, 64e6, 1e9)
_TWO = 2


@dataclass(frozen=True, slots=True)
class FabricRequest:
    """A question about a fabric.

    collective: a name, ``-`` or ``_`` between words, None for a look at the fabric; ranks: () for all of the system
    sizes_bytes: as :func:`accord.fabric.collective.collective` counts; stride: devices from one rank to the next
    topk: copies of a token, for dispatch and combine; transfers: run these instead of a collective
    """

    system: str
    collective: str | None = None
    ranks: tuple[int, ...] = ()
    sizes_bytes: tuple[float, ...] = ()
    stride: int = 1
    algorithm: str = AUTO
    topk: int = 8
    level: float = 0.9
    transfers: Transfers | None = None

    @property
    def reach(self) -> int:
        """Devices from the first that takes part to the last."""
        if self.transfers is not None:
            return int(max(self.transfers.source.max(initial=0), self.transfers.target.max(initial=0))) + 1
        return max(self.ranks, default=_TWO) * self.stride


@dataclass(frozen=True, slots=True)
class FabricAnswer:
    """What ``accord fabric`` prints; picture: SVG, None unless it was asked for."""

    inputs: Mapping[str, object]
    result: Mapping[str, object]
    sources: Sequence[Mapping[str, object]]
    warnings: Sequence[str]
    tables: Sequence[Table]
    picture: bytes | None


@dataclass(frozen=True, slots=True)
class Fabric:
    """A system and its wires; joined: how ranks are joined that no stated link joins, in words."""

    system: System | None
    machine: Machine
    shapes: tuple[Shape, ...]
    efficiency: Efficiency
    joined: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each of ``machine.tiers``."""
        told = {shape.tier: shape.name for shape in self.shapes}
        return tuple(told.get(at, tier.plane) for at, tier in enumerate(self.machine.tiers))

    @property
    def assumed(self) -> list[str]:
        """What the catalog does not say of the wiring."""
        return [line for shape in self.shapes for line in shape.assumed]

    @property
    def node(self) -> int:
        """Devices of one node; the whole system where the number of nodes is not known."""
        nodes = int(self.system.nodes.si) if self.system is not None and self.system.nodes is not None else 1
        return max(self.machine.devices // max(nodes, 1), 1)

    def graph(self, devices: int | None = None, rates: Sequence[float] | None = None) -> Topology:
        """The wires; rates: of each tier in place of the nominal ones [B/s per device]."""
        return build(self.machine, self.shapes, devices, rates)

    def reached(self) -> list[float]:
        """What large transfers reach of each tier's rate [B/s per device]."""
        found = (share_of(tier, self.efficiency) for tier in self.machine.tiers)
        return [float(np.mean(part * nominal)) for part, nominal in found]


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer, and what a picture of it is headed by and shows: the load of a collective, or so many devices."""

    result: dict[str, object]
    tables: list[Table]
    title: str
    priced: view.Priced | None = None
    devices: int | None = None


def fabric_answer(request: FabricRequest, catalog: Catalog, *, picture: bool = False) -> FabricAnswer:
    """Answer a question about the fabric of a system.

    picture: also draw it. Ranks beyond all stated links are joined by an assumed network, which a warning says.
    Raises UsageError for what makes no sense, CatalogError for an unknown system, MissingFact for one without links.
    """
    fabric = fabric_of(catalog, request.system, request.reach)
    machine = fabric.machine
    _check(request, machine)
    if request.transfers is not None:
        told = _transfers(request.transfers, fabric, request.level, request.reach)
    elif request.collective is not None:
        told = _collectives(request, fabric)
    else:
        told = _look(request, fabric)
    return FabricAnswer(
        inputs=_inputs(request, fabric),
        result={**told.result, "assumed": fabric.assumed},
        sources=_sources(request, catalog, machine.chip, bool(fabric.joined)),
        warnings=_warnings(request, fabric),
        tables=told.tables,
        picture=draw(_scene(fabric, told)) if picture else None,
    )


def fabric_of(catalog: Catalog, system: str, reach: int = 1) -> Fabric:
    """A system and its wires, those that join ``reach`` devices included.

    Raises CatalogError for an unknown system, MissingFact for one without links.
    """
    _known(system, catalog)
    machine = machine_of(catalog, system)
    record = catalog.system(system) if system in catalog.ids("systems") else None
    efficiency = training_efficiency(catalog, machine.chip)
    extent(machine, None)  # refuses a system without links before anything else
    machine, joined = reaching(machine, efficiency, reach)
    return Fabric(record, machine, shapes_of(machine, record), efficiency, joined)


def collective_name(name: str) -> str:
    """The name that the fabric room uses, from words joined by ``-`` or ``_``. Raises UsageError with the closest."""
    folded = name.strip().lower().replace("-", "_")
    if folded not in (*COLLECTIVES, *EXPERT):
        raise UsageError(f"no collective is called '{name}'", where="--collective", hint=did_you_mean(name, NAMES))
    return folded


def _known(system: str, catalog: Catalog) -> None:
    """Refuse a name that is no system and no chip. Raises CatalogError with the closest one."""
    names = (*catalog.ids("systems"), *catalog.ids("chips"))
    if system.rpartition("/")[2] not in names:
        raise CatalogError(f"no system or chip is called '{system}'", hint=did_you_mean(system, names))


def _check(request: FabricRequest, machine: Machine) -> None:
    """Refuse what makes no sense. Raises UsageError, MissingFact."""
    if request.algorithm not in (AUTO, *ALGORITHMS):
        hint = did_you_mean(request.algorithm, (AUTO, *ALGORITHMS))
        raise UsageError(f"no algorithm is called '{request.algorithm}'", where="--algorithm", hint=hint)
    if request.stride < 1:
        raise UsageError(f"a stride of {request.stride}", where="--stride", hint="1 for neighbours, or more")
    if request.topk < 1:
        raise UsageError(f"{request.topk} copies of a token", where="--topk", hint="1 or more")
    for size in request.sizes_bytes:
        if not (np.isfinite(size) and size > 0.0):
            raise UsageError(f"a size of {size:g} bytes", where="--size", hint="a size is above 0, such as '1MB'")
    for ranks in request.ranks:
        if ranks < _TWO:
            many = "rank" if ranks == 1 else "ranks"
            raise UsageError(f"{ranks} {many}", where="--ranks", hint="a collective is between 2 ranks or more")
    if request.collective is not None and collective_name(request.collective) == "p2p" and set(request.ranks) - {_TWO}:
        raise UsageError(
            f"a p2p between {max(request.ranks)} ranks", where="--ranks",
            hint="it has two; --stride says how far apart they are",
        )  # fmt: skip
    if machine.devices < _TWO and not request.ranks and request.transfers is None and request.collective != "p2p":
        raise MissingFact(f"{machine.id} is one device", hint="say how many are joined with --ranks")


def _ranks(request: FabricRequest, machine: Machine, name: str) -> tuple[int, ...]:
    if request.ranks:
        return request.ranks
    return (_TWO,) if name == "p2p" else (max(machine.devices // request.stride, _TWO),)


def _collectives(request: FabricRequest, fabric: Fabric) -> _Told:
    """One collective at one or several points."""
    name = collective_name(request.collective or "")
    if not request.sizes_bytes:
        raise UsageError("no size is given", where="--size", hint="say how large, such as '--size 1MB'")
    points = [
        price(
            Question(name, ranks, request.stride, size, request.algorithm, request.topk, request.level),
            fabric.machine, fabric.efficiency,
        )
        for ranks, size in itertools.product(_ranks(request, fabric.machine, name), request.sizes_bytes)
    ]  # fmt: skip
    first = points[0]
    check = _flows(first, fabric) if name == "all_to_all" else None
    told = view.point_dict(first, fabric.names)
    result = {key: value for key, value in told.items() if key != "inputs"}
    if check is not None:
        result["flows"] = view.check_dict(check)
    title = f"{name.replace('_', '-')} on {request.system}"
    one = f"{title}: {first.ranks:,} ranks, {show(first.size_bytes, 'B')}"
    if len(points) == 1:
        tables = view.collective_tables(one, first, fabric.names, check, request.level)
    else:
        result["points"] = [view.point_dict(point, fabric.names) for point in points]
        tables = [view.points_table(title, points, fabric.names)]
    return _Told(result, tables, one, first)


def _flows(priced: view.Priced, fabric: Fabric) -> view.Check:
    """The direct all-to-all transfer by transfer, beside the collective's own term."""
    count = transfers_of(priced.ranks, priced.stride)
    if count > MOST_TRANSFERS:
        return view.Check(left_out=f"{count:,} transfers are more than the {MOST_TRANSFERS:,} that are followed")
    shapes = sliced(fabric.shapes, fabric.machine, priced.ranks) if priced.stride == 1 else fabric.shapes
    topology = build(fabric.machine, shapes, priced.ranks * priced.stride, _used_rates(priced, fabric))
    found = exchange(topology, priced.ranks, priced.stride, priced.size_bytes)
    return view.Check(
        found.transfers, found.fair_s, found.least_s, priced.parts["moved_s"],
        link_words(topology, found.link, fabric.names),
    )  # fmt: skip


def _used_rates(priced: view.Priced, fabric: Fabric) -> list[float]:
    """Rate of each tier that the collective's term for bytes is of, as if a device could use all its links [B/s]."""
    spans = spans_of(Group(array(priced.ranks), array(priced.stride)), fabric.machine)
    rates = fabric.reached()
    for at, (span, tier) in enumerate(zip(spans, priced.tiers, strict=True)):
        if tier.seconds > 0.0:
            links = float(np.mean(span.links)) / span.tier.oversubscription
            rates[at] = tier.bytes / tier.seconds / links
    return rates


def _scene(fabric: Fabric, told: _Told) -> Scene:
    """The picture of an answer, with the load of its collective if it has one."""
    machine, priced = fabric.machine, told.priced
    used = priced.ranks * priced.stride if priced is not None else told.devices
    topology = fabric.graph(used)
    notes = [f"assumed: {line}" for line in fabric.assumed]
    name = fabric.system.name if fabric.system is not None else machine.id
    if priced is None:
        return Scene(machine, fabric.shapes, topology, fabric.node, name, told.title, notes=notes)
    members = np.arange(topology.devices) < priced.ranks * priced.stride
    loads = {at: TierLoad(tier.bytes, tier.share) for at, tier in enumerate(priced.tiers)}
    title = f"{told.title}, {priced.algorithm}: {show(priced.time_s, 's')}"
    return Scene(machine, fabric.shapes, topology, fabric.node, name, title, members, loads, notes)


def _look(request: FabricRequest, fabric: Fabric) -> _Told:
    """What the fabric looks like, and all collectives at some sizes."""
    machine = fabric.machine
    facts = facts_of(fabric)
    points = [
        price(
            Question(name, ranks, request.stride, size, AUTO, request.topk, request.level), machine, fabric.efficiency
        )
        for name in COLLECTIVES
        for ranks in (_ranks(request, machine, name) if name != "p2p" else (_TWO,))
        for size in request.sizes_bytes or USUAL_BYTES
    ]
    result: dict[str, object] = {
        "tiers": [view.tier_fact_dict(fact) for fact in facts],
        "devices": machine.devices, "chips": machine.chips, "devices_per_chip": machine.devices_per_chip,
        "points": [view.point_dict(point, fabric.names) for point in points],
        "layout": hardware_dict(hardware(machine, fabric.system)),
        "links": links(fabric.graph(None, fabric.reached()), fabric.names, [tier.plane for tier in machine.tiers], ()),
    }  # fmt: skip
    title = f"{request.system}: {machine.chips:,} chips of {machine.chip}, {machine.devices:,} devices"
    tables = [
        view.facts_table(title, facts, fabric.assumed),
        view.points_table("collectives", points, fabric.names),
    ]
    return _Told(result, tables, f"{machine.chips:,} chips of {machine.chip}")


def facts_of(fabric: Fabric) -> list[view.TierFact]:
    """Tiers of a system in numbers, nominal and as large transfers reach them."""
    topology = fabric.graph()
    found: list[view.TierFact] = []
    for shape in fabric.shapes:
        tier = fabric.machine.tiers[shape.tier]
        share, nominal = share_of(tier, fabric.efficiency)
        found.append(
            view.TierFact(
                shape.name, tier.plane, tier.kind, shape.kind, int(min(shape.devices, topology.devices)),
                float(np.mean(tier.bytes_per_s)), float(np.mean(share * nominal)), tier.latency_s,
                bisection_bytes_per_s(topology, shape.tier), shape.chips, shape.oversubscription,
            )
        )  # fmt: skip
    return found


def _transfers(sent: Transfers, fabric: Fabric, level: float, devices: int) -> _Told:
    """Concurrent transfers to their end."""
    topology = fabric.graph(devices, fabric.reached())
    result, tables = run_transfers(sent, topology, fabric.machine, fabric.efficiency, fabric.names, level)
    return _Told(result, tables, f"{len(sent.source):,} transfers", devices=devices)


def _inputs(request: FabricRequest, fabric: Fabric) -> dict[str, object]:
    name = collective_name(request.collective) if request.collective is not None else None
    found: dict[str, object] = {"system": request.system, "level": request.level}
    if request.transfers is not None:
        return {**found, "transfers": len(request.transfers.source)}
    return {
        **found, "collective": name, "ranks": list(_ranks(request, fabric.machine, name or "")),
        "size_bytes": list(request.sizes_bytes or (() if name else USUAL_BYTES)), "stride": request.stride,
        "algorithm": request.algorithm, **({"topk": request.topk} if name in EXPERT else {}),
    }  # fmt: skip


def _warnings(request: FabricRequest, fabric: Fabric) -> list[str]:
    """What a reader must know before trusting the numbers."""
    machine, said = fabric.machine, list(fabric.joined)
    used = max(request.ranks, default=0) * request.stride
    if used > machine.devices and not fabric.joined:
        said.append(f"{used:,} devices are {used / machine.devices:,.1f} times {machine.id}, joined by its scale-out")
    fits = [fit for name, fit in fabric.efficiency.fits.items() if name.startswith("collective.")]
    if not any(machine.chip in fit.chips for fit in fits if fit.n > 0):
        said.append(f"no collective was measured on {machine.chip}: constants are carried over or assumed")
    return said


def _sources(request: FabricRequest, catalog: Catalog, chip: str, joined: bool) -> list[dict[str, object]]:
    """Entries of the answer; joined: whether a network was assumed, as training does."""
    found = entry_sources(catalog.chip(chip), f"chips/{chip}")
    if request.system in catalog.ids("systems"):
        found += entry_sources(catalog.system(request.system), f"systems/{request.system}")
    expert = request.collective is not None and collective_name(request.collective) in EXPERT
    for kind in ("calibration" if expert else "collectives", *(("training",) if joined else ())):
        for entry in calibration_chain(catalog, chip, kind):
            found += entry_sources(entry, f"{kind}/{entry.id}")
    return found
