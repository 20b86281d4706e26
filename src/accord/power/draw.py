"""Power of a whole system: as stated, or built up from its boards."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from accord.base import units
from accord.catalog.chip import Chip
from accord.catalog.system import System
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

_WITH_HOSTS = ("node", "supernode", "pod")


def observed_overhead(systems: Iterable[tuple[System, Chip]]) -> Figure | None:
    """System power over the sum of its boards' power, from systems where both are stated [1].

    systems: each with its chip; those that lack a figure, and those that are no machine of their own, are passed over
    Returns the geometric mean of what is found, spread from 1 (boards alone) to the largest, or None where nothing is.
    """
    found: list[float] = []
    sources: list[str] = []
    for system, chip in systems:
        owner = f"systems/{system.id}"
        power, boards = figure.of(system.power, owner), _boards(system, chip)
        if system.kind in _WITH_HOSTS and power is not None and boards is not None and boards.value > 0.0:
            found.append(power.value / boards.value)
            sources += [*power.sources, *boards.sources]
    if not found:
        return None
    mean = math.exp(sum(math.log(ratio) for ratio in found) / len(found))
    return Figure(
        value=mean,
        unit="1",
        basis="derived",
        points=(1.0, mean, *sorted(found)),
        sources=tuple(dict.fromkeys(sources)),
    )


def system_power(system: System, chip: Chip | None, overhead: Figure | None) -> Figure | None:
    """Power of a system under load [W].

    chip: the entry named by ``system.chip``; overhead: see :func:`observed_overhead`
    Returns what is stated; else boards times overhead, marked as built, with the spread of the overhead and a
    remark that says so; None where a part is missing.
    """
    stated = figure.of(system.power, f"systems/{system.id}")
    if stated is not None and stated.value > 0.0:
        return stated
    boards = _boards(system, chip) if chip is not None else None
    if boards is None or boards.value <= 0.0 or overhead is None:
        return None
    built = figure.times(boards, overhead, "W")
    low, high = min(overhead.points), max(overhead.points)
    text = (
        f"{units.show(built.value, 'W')} (derived): no source states it; built from boards that together draw "
        f"{units.show(boards.value, 'W')} ({boards.basis}), times {overhead.value:.2f} ({low:.2f} to {high:.2f}) for "
        "hosts, network and cooling as in systems of which both are stated"
    )
    return msgspec.structs.replace(built, basis="derived", remarks=(text,), built=True)


def _boards(system: System, chip: Chip | None) -> Figure | None:
    """Power of all boards of a system [W]."""
    if chip is None:
        return None
    chips = figure.of(system.chips, f"systems/{system.id}")
    board = figure.of(chip.board_power, f"chips/{chip.id}")
    if chips is None or board is None:
        return None
    return figure.times(chips, board, "W")
