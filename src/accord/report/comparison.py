"""Systems side by side: the answer of ``accord compare`` as a plain dict, with its sources and warnings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from accord.base.errors import UsageError
from accord.catalog.chip import Chip
from accord.catalog.load import Catalog
from accord.catalog.system import System
from accord.economics.comparison import (
    QUANTITIES,
    Dimension,
    Profile,
    compare,
    missing_parts,
    profile,
    value_of,
)
from accord.hardware.totals import RATES
from accord.power.draw import observed_overhead
from accord.report.comparison_tables import breakeven, described, many_tables, pair_tables, remarks
from accord.report.tables import Table
from accord.report.to_json import source_entry
from accord.uncertainty.figure import Figure
from accord.uncertainty.interval import LEVEL

MOST = 4


class Comparison(NamedTuple):
    """Everything a verb prints.

    result: for the envelope; tables: for a reader; sources, warnings: for the envelope
    """

    result: dict[str, object]
    tables: tuple[Table, ...]
    sources: list[dict[str, object]]
    warnings: list[str]


def comparison_result(catalog: Catalog, ids: Sequence[str], *, level: float = LEVEL) -> Comparison:
    """Compare the first system with one to three others.

    ids: two to four systems of the catalog; level: share of the claims inside a band [1]
    ``dimensions`` sets the first against the second; with more than two systems each dimension has ``values`` by id
    too, and ``pairs`` sets the first against every other. ``notes``: what sources say about figures that are in doubt.
    Raises UsageError for another number of systems, CatalogError for an id that is not in the catalog.
    """
    if not 2 <= len(ids) <= MOST:
        raise UsageError(
            f"{len(ids)} system{'' if len(ids) == 1 else 's'} to compare", hint=f"name two to {MOST} systems"
        )
    profiles = profiles_of(catalog, ids)
    first, others = profiles[0], profiles[1:]
    compared = [compare(first, other, level) for other in others]
    dimensions = [_dimension_dict(found) for found in compared[0]]
    told = [*remarks(profiles), *(breakeven(compared[0]) if len(profiles) == 2 else ())]
    result: dict[str, object] = {
        "systems": list(ids),
        "described": [described(one) for one in profiles],
        "level": level,
        "dimensions": dimensions,
        "notes": [{"of": of, "text": text} for of, text in told],
    }
    if len(profiles) > 2:
        for entry, quantity in zip(dimensions, QUANTITIES, strict=True):
            entry["values"] = {one.id: _number(value_of(one, quantity)) for one in profiles}
        result["pairs"] = [
            {"a": first.id, "b": other.id, "dimensions": [_dimension_dict(one) for one in found]}
            for other, found in zip(others, compared, strict=True)
        ]
        tables = many_tables(profiles, compared)
    else:
        tables = pair_tables(first, others[0], compared[0], level)
    used = (one for found in compared for dimension in found for one in (dimension.a, dimension.b) if one is not None)
    return Comparison(result, tables, _sources(catalog, used), _warnings(profiles))


def profiles_of(catalog: Catalog, ids: Sequence[str]) -> list[Profile]:
    """What is known of each system. Raises CatalogError for an id that is not in the catalog."""
    systems = [catalog.system(id) for id in ids]
    chips = [_chip(catalog, system) for system in systems]
    built = any(system.power is None and chip is not None for system, chip in zip(systems, chips, strict=True))
    overhead = observed_overhead(with_power(catalog)) if built else None
    prices = [catalog.price(id) for id in catalog.ids("prices")] if any(one.price is None for one in systems) else []
    return [
        profile(system, chip, prices=prices, overhead=overhead) for system, chip in zip(systems, chips, strict=True)
    ]


def _chip(catalog: Catalog, system: System) -> Chip | None:
    return catalog.chip(system.chip) if system.chip is not None else None


def with_power(catalog: Catalog) -> Iterable[tuple[System, Chip]]:
    """Every system that states its power and its chip."""
    for id in catalog.ids("systems"):
        system = catalog.system(id)
        if system.power is not None and system.chip is not None:
            yield system, catalog.chip(system.chip)


def _dimension_dict(found: Dimension) -> dict[str, object]:
    """One entry of ``result.dimensions``; bands and basis of A and B lie beside the ratio."""
    quantity, a, b = found.quantity, found.a, found.b
    entry: dict[str, object] = {
        "name": quantity.name,
        "group": quantity.group,
        "unit": quantity.unit,
        "a": _number(a),
        "b": _number(b),
        "ratio": found.ratio,
        "low": found.low,
        "high": found.high,
        "verdict": found.verdict,
        "summary": found.summary,
        "undecided": found.undecided,
        "basis": {"a": a.basis if a else None, "b": b.basis if b else None},
        "bands": {"a": list(a.band()) if a else None, "b": list(b.band()) if b else None},
        "sources": list(dict.fromkeys(key for one in (a, b) if one is not None for key in one.sources)),
    }
    if found.formats is not None:
        entry["formats"] = {"a": found.formats[0], "b": found.formats[1]}
    return entry


def _number(figure: Figure | None) -> float | None:
    return figure.value if figure is not None else None


def _sources(catalog: Catalog, used: Iterable[Figure]) -> list[dict[str, object]]:
    """Entries of the envelope's ``sources``, in the order of first use."""
    entries = []
    for ref in dict.fromkeys(key for one in used for key in one.sources):
        owner, _, key = ref.partition(":")
        kind, _, id = owner.partition("/")
        entries.append(source_entry(ref, catalog.source(kind, id, key)))
    return entries


def _warnings(profiles: Sequence[Profile]) -> list[str]:
    """For each system one line with the figures it lacks, and one where its power had to be put together."""
    lines = []
    for id, found in {one.id: one for one in profiles}.items():
        parts = [part for quantity in QUANTITIES for part in missing_parts(found, quantity)]
        lacking = [_word(part) for part in dict.fromkeys(parts)]
        if lacking:
            lines.append(f"{id}: no source at hand states {', '.join(lacking)}; what needs them cannot be told")
        power = found.whole.get("power")
        if power is not None and power.built:
            lines.append(f"{id}: power is {power.remarks[0]}")
    return lines


def _word(part: str) -> str:
    """A missing figure in words."""
    word = next((quantity.label for quantity in QUANTITIES if quantity.of == part and not quantity.per), part)
    if part in ("chips", "racks"):
        return f"the number of {word}"
    return f"a {word}" if part in ("power", "price") else f"the {word} rate" if part in RATES else f"the {word}"
