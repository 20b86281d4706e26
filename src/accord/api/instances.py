"""Failures of serving instances, with the rates that jobs in training have: for simulations, and in the long run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from accord.api.pools import Built
from accord.api.reliability import ENTRY, failure_constants, failure_rates, replica_times
from accord.base.array import Array
from accord.base.errors import DoesNotFit
from accord.base.source import Basis
from accord.base.units import show
from accord.catalog.load import Catalog
from accord.inference.result import Estimate
from accord.planner.plan import Metric
from accord.reliability.constants import recovery_of
from accord.reliability.rates import Rates
from accord.reliability.serving import availability
from accord.report.catalog_view import entry_sources
from accord.report.instances import STATED, Taken, Up
from accord.serving.result import Outcome

OWNER = f"reliability/{ENTRY}"
TARGET = 0.999  # share of the time for which spare instances are counted
DRAWS, FEW_DRAWS, MANY = 256, 64, 200  # draws of rates; fewer from so many instances on
MOST_INSTANCES, MOST_SPARES, LEAST_SPARES = 10_000, 2.0, 127  # looked at; spares over instances, and in any case


class CatalogFailures(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Instances fail at the catalog's rates.

    spare: a node stands by for one that fails, else the instance waits for its repair
    repair_s: until an instance may load again, in place of the catalog's
    """

    spare: bool = True
    repair_s: float | None = None


def with_failures(
    catalog: Catalog, built: Sequence[Built], asked: CatalogFailures, level: float
) -> tuple[tuple[Built, ...], tuple[Taken, ...], list[str]]:
    """Pools whose instances fail as often as the catalog says of their chips, what was taken, and warnings."""
    found: list[Built] = []
    taken: list[Taken] = []
    said: list[str] = []
    for one in built:
        chip, chips = one.setting.machine.chip, whole(one.pool.chips)
        mtbf_s, repair_s = replica_times(catalog, chip, chips, asked.spare)
        rates, warnings = failure_rates(catalog, chip, DRAWS)
        said += warnings
        own = repair_s if asked.repair_s is None else asked.repair_s
        mtbf_source, repair_source, basis = _sources(catalog, chip, asked)
        taken.append(
            Taken(
                pool=one.pool.name, chip=chip, chips=one.pool.chips, instances=one.pool.instances,
                mtbf_s=_metric(mtbf_s, "s", rates.mttf_s(chips), level),
                repair_s=Metric(value=own, unit="s", basis=basis), mtbf_source=mtbf_source, repair_source=repair_source,
            )
        )  # fmt: skip
        found.append(replace(one, pool=replace(one.pool, mtbf_s=mtbf_s, repair_s=own)))
    return tuple(found), tuple(taken), list(dict.fromkeys(said))


def whole(chips: float) -> float:
    """Chips that an instance shares its fate with: a package that fails takes all of its devices."""
    return max(chips, 1.0)


def _sources(catalog: Catalog, chip: str, asked: CatalogFailures) -> tuple[str, str, Basis]:
    """Sources of the time between failures and of the repair, and how the repair is known."""
    constants = catalog.reliability(ENTRY).constants
    own = constants.get(f"chip.{chip}", constants["node_mtbf"])
    if asked.repair_s is not None:
        return f"{OWNER}:{own.source}", STATED, "derived"
    used = constants["detection" if asked.spare else "repair"]
    return f"{OWNER}:{own.source}", f"{OWNER}:{used.source}", used.basis


def failure_sources(catalog: Catalog) -> list[dict[str, object]]:
    """Sources of the rates and times of failures."""
    return entry_sources(catalog.reliability(ENTRY), OWNER)


def seldom(taken: Sequence[Taken], outcome: Outcome) -> list[str]:
    """A word where the run is too short for the catalog's failures to be seen in it."""
    count = sum(one.instances * outcome.end_s / one.mtbf_s.value for one in taken)
    if not taken or count >= 1.0 or outcome.end_s <= 0.0:
        return []
    least = min(one.mtbf_s.value / one.instances for one in taken)
    return [
        f"the run lasts {show(outcome.end_s, 's', 2)}, and an instance of a pool fails once in {show(least, 's', 2)}: "
        "it shows what service is like without failures; accord estimate --failures gives the share of time without"
    ]


def instances_up(catalog: Catalog, estimates: Mapping[str, Estimate], level: float) -> tuple[list[Up], list[str]]:
    """How many instances of each pool are up, and warnings. Raises DoesNotFit for more instances than are counted."""
    found: dict[str, Up] = {}
    said: list[str] = []
    for one in estimates.values():
        machine = one.setting.machine
        for pool, layout in one.layouts.items():
            ranks = layout.tp * layout.pp * layout.dp * layout.cp
            found[pool] = _up(catalog, machine.chip, pool, ranks / machine.devices_per_chip, layout.instances, level)
        said += failure_rates(catalog, machine.chip)[1]
    return list(found.values()), list(dict.fromkeys(said))


def _up(catalog: Catalog, chip: str, pool: str, chips: float, instances: int, level: float) -> Up:
    """One pool without spare nodes."""
    if instances > MOST_INSTANCES:
        raise DoesNotFit(
            f"{instances:,} instances", where="--failures", hint=f"up to {MOST_INSTANCES:,} are counted; leave it out"
        )
    times = recovery_of(failure_constants(catalog))
    restart_s, repair_s = float((times.detection_s + times.restart_s)[0]), float(times.repair_s[0])
    middle, _ = failure_rates(catalog, chip)
    drawn, _ = failure_rates(catalog, chip, DRAWS if instances < MANY else FEW_DRAWS)
    one, many = (availability(rates, whole(chips), instances, 0, repair_s, restart_s) for rates in (middle, drawn))

    def metric(name: str, unit: str = "1") -> Metric:
        return _metric(float(getattr(one, name)[0]), unit, getattr(many, name), level)

    spared, all_spared = (1.0 / (1.0 + restart_s / found.mtbf_s) for found in (one, many))

    def at_least(count: int) -> Metric:
        return _metric(float(one.at_least_up(count)[0]), "1", many.at_least_up(count), level)

    spares = [
        _spares(rates, whole(chips), instances, repair_s, restart_s, quantile)
        for rates, quantile in ((middle, 0.5), (drawn, 0.5 - level / 2.0), (drawn, 0.5 + level / 2.0))
    ]
    if spares[0] is None:
        raise DoesNotFit(
            f"no number of spare instances keeps {instances:,} of {chips:,.4g} chips up", where="--failures",
            hint="use smaller instances",
        )  # fmt: skip
    return Up(
        pool=pool, chip=chip, chips=chips, instances=instances, mtbf_s=metric("mtbf_s", "s"), restart_s=restart_s,
        repair_s=repair_s, instance=metric("instance"),
        with_nodes=_metric(float(spared[0]), "1", all_spared, level), up=metric("up"), all_up=at_least(instances),
        all_but_one_up=at_least(instances - 1), target=TARGET,
        spares=Metric(value=spares[0], unit="1", low=spares[1], high=spares[2]),
    )  # fmt: skip


def _spares(
    rates: Rates, chips: float, instances: int, repair_s: float, restart_s: float, quantile: float
) -> float | None:
    """Fewest instances more with which a share ``quantile`` of the draws keeps :data:`TARGET`; None for too many."""

    def kept(more: int) -> bool:
        found = availability(rates, chips, instances + more, 0, repair_s, restart_s).at_least_up(instances)
        return float(np.mean(found >= TARGET)) >= quantile

    few, enough = -1, 0
    while not kept(enough):
        few, enough = enough, 2 * enough + 1
        if enough > max(MOST_SPARES * instances, LEAST_SPARES):
            return None
    while enough - few > 1:
        middle = (few + enough) // 2
        few, enough = (few, middle) if kept(middle) else (middle, enough)
    return float(enough)


def _metric(value: float, unit: str, drawn: Array, level: float) -> Metric:
    """A number at the medians of the rates with the interval of the draws."""
    low, high = (float(np.quantile(drawn, 0.5 + sign * level / 2.0)) for sign in (-1.0, 1.0))
    return Metric(value=value, unit=unit, low=min(low, value), high=max(high, value))
