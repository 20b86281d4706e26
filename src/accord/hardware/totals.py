"""What a whole system adds up to: chips times the chip's own figures, with what sources make of either.

A calculated total is preferred to a printed one, because the chip's figures carry their alternatives and a
printed total often counts something else (sparse rates, other chips, both directions). A printed total joins
as a further claim where it lies within ``CONSISTENT`` of what the chip's claims span; where it does not, it is
left out and said so. It is used alone where the chip's figure or the number of chips is unknown.
"""

from __future__ import annotations

import math

import msgspec

from accord.base import units
from accord.catalog.chip import Chip
from accord.catalog.system import System, Tier
from accord.catalog.value import Value
from accord.hardware.fabric import BITS_PER_BYTE
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

CONSISTENT = 0.05  # printed totals are rounded to two or three digits
SAME = 0.02  # two places state one quantity where their chosen numbers are this close

# Width of a number [bit]; tf32 keeps 19 of its 32.
BITS = {
    "fp4": 4, "mxfp4": 4, "int4": 4, "fp8": 8, "mxfp8": 8, "int8": 8, "fp16": 16, "bf16": 16, "tf32": 19, "fp32": 32,
    "fp64": 64,
}  # fmt: skip
RATES = ("bf16", "int8", "fp8")
LOWEST = "lowest_precision"
OF_THE_CHIP = (*RATES, LOWEST, "hbm_capacity", "hbm_bandwidth")


class Totals(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One system added up.

    chips: how many [1]
    per_chip, whole: by name: bf16, int8, fp8, lowest_precision [FLOP/s or OP/s], hbm_capacity [B],
        hbm_bandwidth [B/s], scaleup [B/s per direction], scaleout [b/s]; a name that is missing is not known
    lowest_format: the narrowest format with a known rate; absent: formats the chip has no unit for
    asides: what was left out, in words
    """

    chips: Figure | None
    per_chip: dict[str, Figure]
    whole: dict[str, Figure]
    lowest_format: str | None
    absent: tuple[str, ...]
    asides: tuple[str, ...]


def totals(system: System, chip: Chip | None) -> Totals:
    """Add up a system.

    chip: the entry named by ``system.chip``, or None where the system names none
    """
    chips = figure.of(system.chips, f"systems/{system.id}")
    chips = chips if chips is not None and chips.value > 0.0 else None
    lowest = lowest_format(system, chip)
    own = _of_chip(chip, lowest)
    links = {"scaleup": _scale_up(system, chip), "scaleout": _scale_out(system, chip)}
    stated: dict[str, Figure | None] = {**own, **links}
    per_chip: dict[str, Figure] = {}
    whole: dict[str, Figure] = {}
    asides: list[str] = []
    for name, one in stated.items():
        printed = _printed(system, name, lowest)
        total = _total(one, chips, printed)
        if total is not None:
            whole[name] = total
            if one is not None and chips is not None and printed is not None and name != LOWEST:
                asides += _left_out(system, name, total, printed)
        each = one if one is not None or total is None or chips is None else figure.over(total, chips, total.unit)
        if each is not None:
            per_chip[name] = each
    return Totals(
        chips=chips,
        per_chip=per_chip,
        whole=whole,
        lowest_format=lowest,
        absent=_absent(chip),
        asides=tuple(asides),
    )


def lowest_format(system: System, chip: Chip | None) -> str | None:
    """The narrowest number format with a known rate; of several of one width the fastest.

    Looks at the chip's peaks and at the system's printed totals.
    """
    rates: dict[str, float] = {}
    share = system.chips.number if system.chips is not None and system.chips.number else None
    for name, value in system.totals.items():
        if name in BITS and value.number:
            rates[name] = value.number / (share or 1.0)
    for name, value in chip.peak.items() if chip is not None else ():
        if value.number:
            rates[name] = value.number
    ranked = sorted(rates, key=lambda name: (BITS[name], -rates[name], name))
    return ranked[0] if ranked else None


def _of_chip(chip: Chip | None, lowest: str | None) -> dict[str, Figure | None]:
    """Figures of one chip by name."""
    if chip is None:
        return dict.fromkeys(OF_THE_CHIP)
    peaks: dict[str, Value] = {str(name): value for name, value in chip.peak.items()}
    facts: dict[str, Value | None] = {name: peaks.get(name) for name in RATES}
    facts |= {LOWEST: peaks.get(lowest or "")}
    facts |= {"hbm_capacity": chip.memory.capacity, "hbm_bandwidth": chip.memory.bandwidth}
    return {name: _positive(figure.of(value, f"chips/{chip.id}")) for name, value in facts.items()}


def _positive(found: Figure | None) -> Figure | None:
    return found if found is not None and found.value > 0.0 else None


def _absent(chip: Chip | None) -> tuple[str, ...]:
    """Formats the chip is known to have no unit for, by its fact ``<format>_support``."""
    if chip is None:
        return ()
    facts = ((name, chip.facts.get(f"{name}_support")) for name in BITS)
    return tuple(name for name, fact in facts if fact is not None and fact.text == "no" and name not in chip.peak)


def _scale_up(system: System, chip: Chip | None) -> Figure | None:
    """Rate per chip and direction of the load-store fabric [B/s]: the outermost tier that states one."""
    found = [
        rate
        for plane in system.fabric.planes
        if plane.kind == "scale-up"
        for tier in plane.tiers
        if (rate := _tier_rate(tier, f"systems/{system.id}")) is not None
    ]
    own = figure.of(chip.interconnect.scale_up, f"chips/{chip.id}") if chip is not None else None
    return _positive(_same_quantity(found[-1] if found else None, own))


def _scale_out(system: System, chip: Chip | None) -> Figure | None:
    """Rate per chip of the network between domains [b/s]."""
    found = [
        figure.scaled(rate, BITS_PER_BYTE, "b/s")
        for plane in system.fabric.planes
        if plane.kind == "scale-out"
        for tier in plane.tiers
        if (rate := _tier_rate(tier, f"systems/{system.id}")) is not None
    ]
    own = figure.of(chip.interconnect.scale_out, f"chips/{chip.id}") if chip is not None else None
    return _positive(_same_quantity(found[0] if found else None, own))


def _tier_rate(tier: Tier, owner: str) -> Figure | None:
    """A tier's rate per chip and direction [B/s]."""
    network = figure.of(tier.link_rate, owner)
    if network is not None:
        return figure.scaled(network, 1.0 / BITS_PER_BYTE, "B/s")
    return figure.of(tier.bandwidth, owner)


def _same_quantity(first: Figure | None, second: Figure | None) -> Figure | None:
    """The first, with the claims of the second where both state one quantity; the second where there is no first."""
    if first is None or second is None:
        return first if first is not None else second
    if not math.isclose(first.value, second.value, rel_tol=SAME):
        return first
    told = [one for one in (first, second) if one.disputed] or [first]
    remarks = tuple(dict.fromkeys(remark for one in told for remark in one.remarks))
    return msgspec.structs.replace(figure.pooled(first, second), remarks=remarks)


def _printed(system: System, name: str, lowest: str | None) -> Figure | None:
    """The total as printed, in the units and per the direction used here."""
    key = lowest if name == LOWEST else name
    found = figure.of(system.totals.get(key or ""), f"systems/{system.id}")
    if found is None or name != "scaleup":
        return _positive(found)
    return _positive(figure.scaled(found, 0.5, "B/s"))  # printed for both directions


def _total(one: Figure | None, chips: Figure | None, printed: Figure | None) -> Figure | None:
    if one is None or chips is None:
        return printed
    total = figure.times(chips, one, one.unit)
    total = msgspec.structs.replace(total, remarks=one.remarks)
    if printed is None:
        return total
    agreeing = tuple(point for point in printed.points if _consistent(point, total))
    return figure.pooled(total, msgspec.structs.replace(printed, points=agreeing)) if agreeing else total


def _consistent(claim: float, total: Figure) -> bool:
    return min(total.points) * (1.0 - CONSISTENT) <= claim <= max(total.points) * (1.0 + CONSISTENT)


def _left_out(system: System, name: str, total: Figure, printed: Figure) -> list[str]:
    """One line for each printed claim that cannot be the same quantity."""
    value = system.totals[name]
    notes = {other.number: other.note for other in value.alternatives} | {value.number: value.note}
    lines = []
    for point in printed.points:
        if not _consistent(point, total):
            raw = point * 2.0 if name == "scaleup" else point
            note = f" ({notes[raw]})" if notes.get(raw) else ""
            shown, made = units.show(raw, value.unit, 4), units.show(total.value, total.unit, 4)
            ways = " in both directions" if name == "scaleup" else ""
            lines.append(f"printed total {shown}{ways}{note} is not counted: the chips add up to {made}")
    return lines
