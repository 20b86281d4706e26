"""What a picture of a system shows: chips in nodes, nodes in racks, host processors."""

from __future__ import annotations

from accord.catalog.system import System
from accord.hardware.system import Machine
from accord.report.placement import Hardware

NODES_PER_RACK = 8  # where nobody says how many stand in one
CHIPS_PER_NODE = 8


def hardware(machine: Machine, system: System | None) -> Hardware:
    """Nodes and racks of a system, as the catalog has them or as assumed."""
    assumed: list[str] = []
    if system is not None and system.nodes is not None:
        nodes = max(int(system.nodes.si), 1)
    elif machine.chips <= CHIPS_PER_NODE:
        nodes = 1
    else:
        inner = machine.tiers[0].devices if machine.tiers else 1.0
        size = int(inner) if 1.0 < inner < machine.devices else CHIPS_PER_NODE * machine.devices_per_chip
        nodes = max(machine.devices // size, 1)
        assumed.append(f"{nodes:,} nodes of {machine.devices // nodes // machine.devices_per_chip} chips")
    racks, others = 0, 0
    if system is not None and system.racks is not None:
        racks = max(int(system.racks.si), 1)
        if system.compute_racks is not None:
            others, racks = racks - int(system.compute_racks.si), int(system.compute_racks.si)
    else:
        racks = max(-(-nodes // NODES_PER_RACK), 1)
        if nodes > 1:
            assumed.append(f"{racks:,} racks of up to {NODES_PER_RACK} nodes")
    if nodes % racks and racks <= nodes:
        assumed.append(f"{nodes:,} nodes are dealt over {racks:,} racks as evenly as may be")
    cpus = system.host_cpus.si / nodes if system is not None and system.host_cpus is not None else 0.0
    return Hardware(
        machine.chips, machine.devices, machine.devices_per_chip, max(machine.devices // nodes, 1), nodes,
        min(racks, nodes), max(others, 0), cpus, tuple(path.plane for path in machine.pools), tuple(assumed),
    )  # fmt: skip
