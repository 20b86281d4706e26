"""Where a deployment lies: which devices each instance takes, and which experts each rank holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from accord.base.array import array
from accord.base.errors import UsageError
from accord.inference.complete import Layout
from accord.models.spec import Ffn, ModelSpec
from accord.ops.moe import held_experts
from accord.parallel.plan import Deployments
from accord.report.placement import Experts, Hardware, Instance


def devices_of(layout: Layout) -> int:
    """Devices of one instance."""
    return layout.tp * layout.pp * layout.dp * layout.cp


def laid(pools: Sequence[tuple[str, Layout]], hardware: Hardware) -> tuple[Instance, ...]:
    """Instances one after the other; one that does not fit into what is left of a node begins a new one.

    pools: name and layout, in the order in which they are laid. Raises UsageError where the system is too small.
    """
    found: list[Instance] = []
    at, node = 0, hardware.node_devices
    for name, layout in pools:
        size = devices_of(layout)
        for number in range(layout.instances):
            left = -at % node
            if left and size > left:
                at += left
            found.append(Instance(name, number, at, size))
            at += size
    if at > hardware.devices:
        largest, _ = max(pools, key=lambda one: one[1].instances * devices_of(one[1]))
        raise UsageError(
            f"the deployment takes {at:,} devices, whole nodes counted, of {hardware.devices:,}", where=f"--{largest}",
            hint="use fewer or smaller instances, or a larger system",
        )  # fmt: skip
    return tuple(found)


def experts(spec: ModelSpec, plan: Deployments) -> Experts | None:
    """Experts of the ranks of one instance as the cost model counts them, None where no layer routes tokens.

    Which experts are popular is not known: copies are of experts spread evenly over all.
    """
    routed = [layer for layer in spec.distinct_layers if layer.ffn.experts]
    if not routed:
        return None
    ffn = max((layer.ffn for layer in routed), key=lambda one: one.experts)
    ranks = int(plan.ep[0])
    group = int(plan.tp[0] * plan.groups[0])
    held = int(held_experts(ffn.experts, plan.redundant[:1], array(float(ranks)))[0])
    wanted = ffn.experts + int(plan.redundant[0])
    apart = _apart(ffn, ranks, held, wanted)
    slots = max(min(wanted, held * (ranks - apart)), ffn.experts)
    copies = slots - ffn.experts
    numbers = [*range(ffn.experts), *(at * ffn.experts // copies for at in range(copies))]
    parts = np.array_split(np.asarray(numbers), ranks - apart)
    placed = tuple(tuple(int(one) for one in part) for part in parts) + ((),) * apart
    shared = int(bool(ffn.shared_hidden))
    return Experts(
        ffn.experts, copies, shared, placed, apart, max(group // ranks, 1), sum(int(layer.count) for layer in routed)
    )  # fmt: skip


def _apart(ffn: Ffn, ranks: int, held: int, wanted: int) -> int:
    """Ranks of shared experts alone: what routed ones leave where ranks outnumber the experts."""
    if not ffn.shared_hidden or ranks <= ffn.experts:
        return 0
    return max(ranks - -(-wanted // held), 0)
