"""A chip or a system of the catalog as facts that rules of law ask for, each with where it is from.

Total processing performance is the most, over number formats, of dense rate x width, of the whole package (88 FR 73458,
note to ECCN 3A090: TPP is 2 x MacTOPS x bit length; a printed rate counts a multiply and add as two already).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from accord.base.source import Basis
from accord.catalog.chip import Chip
from accord.catalog.party import Party
from accord.catalog.system import System
from accord.catalog.value import Value
from accord.hardware.totals import BITS
from accord.policy.facts import FactValue
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure

TPP_FORMATS = ("fp16", "bf16", "fp8", "mxfp8", "int8", "fp4", "mxfp4", "int4")
_TERA = 1e12
_BOTH = 2.0  # directions of a link
_WORDS = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Told:
    """Where a fact of an item is from.

    how: in words; sources: ``kind/id:key``; points: what the kept claims give, the chosen first where it is a number
    """

    how: str
    basis: Basis
    sources: tuple[str, ...]
    points: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """What is traded.

    facts: by name of :data:`accord.catalog.legal_fact.ITEM`; told: where each is from
    remarks: what a reader should know of them
    """

    id: str
    name: str
    facts: Mapping[str, FactValue]
    told: Mapping[str, Told]
    remarks: tuple[str, ...] = ()


def chip_facts(chip: Chip, maker: Party | None) -> Item:
    """Return the facts of a chip.

    maker: the party that sells it, None where the catalog has none
    """
    owner = f"chips/{chip.id}"
    told: dict[str, tuple[FactValue, Told]] = {"item_type": ("ic", Told("a chip of the catalog", "derived", ()))}
    names = frozenset(name_words(f"{chip.id} {chip.name}"))
    told["item_names"] = (names, Told("words of its id and name", "derived", ()))
    for name, found in (("tpp", _tpp(chip, owner)), ("io_bandwidth", _io(chip, owner))):
        if found is not None:
            told[name] = found
    plain = {"die_area": "die_area", "process_nm": "process", "transistors": "transistors"}
    for name, key in plain.items():
        _add(told, name, figure.of(chip.facts.get(key), owner), f"fact {key}")
    _add(told, "dram_bandwidth", figure.of(chip.memory.bandwidth, owner), "memory bandwidth")
    _add_words(told, chip, owner)
    if maker is not None:
        told["designer_hq"] = (maker.country, Told(f"headquarters of {maker.name}", "published", _party_refs(maker)))
    return Item(chip.id, chip.name, {k: v for k, (v, _) in told.items()}, {k: t for k, (_, t) in told.items()})


def system_facts(system: System, chip: Chip, maker: Party | None) -> Item:
    """Return the facts of a system, which are those of one of its chips: performance is never summed over chips."""
    item = chip_facts(chip, maker)
    told = dict(item.told) | {"item_type": Told(f"a system of {chip.name} chips", "derived", ())}
    names = frozenset(name_words(f"{system.id} {system.name} {chip.id} {chip.name}"))
    facts: dict[str, FactValue] = {**item.facts, "item_type": "system", "item_names": names}
    return Item(system.id, system.name, facts, told, item.remarks)


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: ``("ascend", "910c")`` for "Ascend 910C"."""
    return tuple(_WORDS.findall(name.lower()))


def _add(told: dict[str, tuple[FactValue, Told]], name: str, found: Figure | None, how: str) -> None:
    if found is not None and found.value > 0.0:
        told[name] = (found.value, Told(how, found.basis, found.sources, (found.value, *_others(found))))


def _others(found: Figure) -> tuple[float, ...]:
    return tuple(point for point in found.points if point != found.value)


def _tpp(chip: Chip, owner: str) -> tuple[FactValue, Told] | None:
    """Stated as such, else calculated from the peaks."""
    stated = figure.of(chip.facts.get("tpp"), owner)
    if stated is not None and stated.value > 0.0:
        return stated.value, Told("stated", stated.basis, stated.sources, (stated.value, *_others(stated)))
    peaks: dict[str, Value] = {str(name): value for name, value in chip.peak.items()}
    best: tuple[float, str, Figure] | None = None
    for name in TPP_FORMATS:
        peak = figure.of(peaks.get(name), owner)
        if peak is not None and peak.value > 0.0:
            tpp = peak.value / _TERA * BITS[name]
            if best is None or tpp > best[0]:
                best = (tpp, name, peak)
    if best is None:
        return None
    tpp, name, peak = best
    scale = BITS[name] / _TERA
    points = (tpp, *(point * scale for point in _others(peak)))
    return tpp, Told(f"{name} x {BITS[name]} bits", "derived", peak.sources, points)


def _io(chip: Chip, owner: str) -> tuple[FactValue, Told] | None:
    both = figure.of(chip.facts.get("scale_up_both_directions"), owner)
    if both is not None and both.value > 0.0:
        return both.value, Told("links, both directions", both.basis, both.sources, (both.value, *_others(both)))
    one = figure.of(chip.interconnect.scale_up, owner)
    if one is None or one.value <= 0.0:
        return None
    points = tuple(point * _BOTH for point in (one.value, *_others(one)))
    return points[0], Told("links, twice one direction", "derived", one.sources, points)


def _add_words(told: dict[str, tuple[FactValue, Told]], chip: Chip, owner: str) -> None:
    marketed = chip.facts.get("datacenter_marketed")
    if marketed is not None and marketed.text in ("yes", "no"):
        told["datacenter_marketed"] = (marketed.text, _of_text("fact datacenter_marketed", marketed, owner))
    kind = chip.memory.kind
    if kind is not None and kind.text:
        has = "yes" if "hbm" in kind.text.lower() else "no"
        told["has_hbm"] = (has, _of_text(f"memory is {kind.text}", kind, owner))


def _of_text(how: str, value: Value, owner: str) -> Told:
    return Told(how, value.basis, (f"{owner}:{value.source}",))


def _party_refs(party: Party) -> tuple[str, ...]:
    return tuple(f"parties/{party.id}:{key}" for key in party.sources)
