"""What a link and a node of a fabric are called."""

from __future__ import annotations

from collections.abc import Sequence

from accord.fabric.topology import Topology, Tree


def link_words(topology: Topology, link: int, names: Sequence[str]) -> str:
    """Name of a link; names: of each of ``Machine.tiers``."""
    start, end = int(topology.source[link]), int(topology.target[link])
    return f"{node_words(topology, start)} to {node_words(topology, end)} ({names[int(topology.tier[link])]})"


def node_words(topology: Topology, node: int) -> str:
    """Name of a device or switch."""
    if node < topology.devices:
        return f"device {node}"
    for wires in topology.planes:
        if not isinstance(wires, Tree):
            continue
        for layer in wires.layers:
            if layer.node <= node < layer.node + layer.switches:
                return f"{layer.name} {node - layer.node}" if layer.switches > 1 else layer.name
    return f"node {node}"
