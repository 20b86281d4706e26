"""The fewest chips whose memories hold a model and the cache of a small batch.

Sizes are those practice knows: powers of two of chips inside a scale-up domain (a server, where no larger one is
known), whole domains beyond it. Ranks are tensor parallel inside a domain, as many as divide the heads and at most
:data:`MOST_TP`; what is left is pipeline stages. A mixture may also spread its experts over the tensor ranks, or
over all ranks with attention in groups of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from accord.hardware.system import Machine
from accord.models.spec import ModelSpec
from accord.parallel.memory import most_requests
from accord.parallel.plan import Deployments, Setting, deployments
from accord.planner.space import most_experts

SMALL_BATCH = 4  # requests of full length in flight an instance has room for, if it is said to serve
MOST_TP = 16  # tensor-parallel ranks: a server of two-die chips
SERVER_CHIPS = 8  # of a server whose links nobody states
MOST_DOMAINS = 16  # domains of one instance
MOST_CHIPS = 512


class Ranks(NamedTuple):
    """An instance: chips, ranks, and expert copies beyond one of each."""

    chips: int
    tp: int
    pp: int
    dp: int
    ep: int
    redundant: float


@dataclass(frozen=True, slots=True)
class Smallest:
    """Layouts of the smallest size that holds the model.

    chips: of an instance, None where none of the sizes does; ranks: its layouts
    room: requests of full length that one attention group of each holds
    joined: whether stated links reach that far
    """

    chips: int | None
    ranks: tuple[Ranks, ...] = ()
    room: tuple[float, ...] = ()
    joined: bool = True


def smallest(setting: Setting, isl: float, osl: float, redundant_from: float) -> Smallest:
    """The smallest instance with room for :data:`SMALL_BATCH` requests beside a full step of the engine.

    isl, osl: prompt and answer, both in the cache to the end [token]
    redundant_from: expert-parallel ranks from which redundant experts are kept
    """
    rows = tuple(layouts(setting, redundant_from))
    plan = deployed(rows, isl=isl + osl, osl=0.0)
    step = np.full_like(plan.tp, setting.efficiency.scalar("engine.max_num_batched_tokens"))
    room = most_requests(setting, plan, step)
    good = room >= np.ceil(SMALL_BATCH / plan.dp)
    chips = min((row.chips for row, fits in zip(rows, good, strict=True) if fits), default=None)
    kept = [at for at, row in enumerate(rows) if row.chips == chips and good[at]]
    machine = setting.machine
    reach = machine.tiers[-1].devices if machine.tiers else 1.0
    joined = chips is None or chips * machine.devices_per_chip <= reach
    return Smallest(chips, tuple(rows[at] for at in kept), tuple(float(room[at]) for at in kept), joined)


def deployed(rows: tuple[Ranks, ...], **columns: object) -> Deployments:
    """Rows of ranks as deployments."""
    ranks = {name: [float(getattr(row, name)) for row in rows] for name in ("tp", "pp", "dp", "ep", "redundant")}
    return deployments(**ranks, **columns)


def sizes(domain: int) -> Iterator[int]:
    """Chips of an instance: powers of two inside a domain of so many chips, then whole domains."""
    size = 1
    while size < min(domain, MOST_CHIPS):
        yield size
        size *= 2
    for count in range(1, MOST_DOMAINS + 1):
        if count * domain <= MOST_CHIPS or count == 1:
            yield min(count * domain, MOST_CHIPS)


def layouts(setting: Setting, redundant_from: float) -> Iterator[Ranks]:
    """Every layout of every size, small ones first; among equal sizes tensor ranks first."""
    spec, machine = setting.spec, setting.machine
    per_chip, domain, tensor_all = machine.devices_per_chip, domain_chips(machine), _tensor(spec)
    routed = most_experts(spec)
    share = setting.efficiency.scalar("engine.redundant_share") * routed

    def copies(ep: int) -> float | None:
        """Expert copies beyond one of each, None where ranks would not hold equally many."""
        spare = share if ep >= redundant_from else 0.0
        return spare if 1 < ep <= routed and (routed + spare) % ep == 0.0 else None

    for chips in sizes(domain):
        ranks = chips * per_chip
        inside = min(ranks, domain * per_chip)
        tensor = [tp for tp in tensor_all if tp <= inside and ranks % tp == 0]
        widest = tensor[-1]
        if ranks // widest <= spec.n_layers:
            yield Ranks(chips, widest, ranks // widest, 1, 1, 0.0)
            sliced = copies(widest)
            if sliced is not None:
                yield Ranks(chips, widest, ranks // widest, 1, widest, sliced)
        spread = copies(ranks)
        if spread is not None:
            yield from (Ranks(chips, tp, 1, ranks // tp, ranks, spread) for tp in tensor if tp < ranks)


def domain_chips(machine: Machine) -> int:
    """Chips that load-store fabric joins; where none is known, those of a server of its chips."""
    if any(tier.kind == "scale-up" for tier in machine.tiers):
        return max(int(machine.scale_up_devices // machine.devices_per_chip), 1)
    return min(machine.chips, SERVER_CHIPS)


def _tensor(spec: ModelSpec) -> list[int]:
    """Tensor-parallel degrees that divide the query heads of every layer."""
    heads = math.gcd(*(layer.attention.heads for layer in spec.distinct_layers))
    return [tp for tp in (2**power for power in range(int(math.log2(MOST_TP)) + 1)) if heads % tp == 0]
