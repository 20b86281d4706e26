"""The catalog's constants of failures as rates of interruptions and times to recover, drawn or as they are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from accord.base.array import Array, array
from accord.catalog.reliability import Reliability
from accord.reliability.fit import About, Observation, fit
from accord.reliability.rates import Rates, draw
from accord.uncertainty.draws import standard

# What the catalog counts, as what is fitted: a node's parts, and what strikes from outside.
_PARTS: Mapping[str, tuple[About, ...]] = {
    "job": ("job",), "node": ("node",), "accelerator": ("accelerator", "node"), "memory": ("accelerator", "node"),
    "host": ("node",), "maintenance": ("node",), "network": ("elsewhere",), "software": ("elsewhere",), "planned": (),
}  # fmt: skip
_RATES = {"node_mtbf": "node_per_chip_s", "job_mtbf": "job_per_s", "slow_mtbf": "slow_per_chip_s"}
_PLAIN = ("accelerator_share", "elsewhere", "growth", "planned", "lemons", "lemon_events", "node_chips")
_SLOW = {"slow_stay": "slow_s", "slowdown": "slowdown"}
_CHIP = "chip."


@dataclass(frozen=True, slots=True)
class Constants:
    """What failures are calculated from.

    values, log_sd: medians and log spreads by name; between: of clusters; within: of figures of one
    vendors: whose chips were counted; chips: by chip counted, its rates over those of all, and the log spread of the
        rate of its nodes
    """

    values: Mapping[str, float]
    log_sd: Mapping[str, float]
    between: float
    within: float
    vendors: frozenset[str]
    chips: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What follows an interruption; arrays of shape ``(S,)``.

    detection_s: until it is noticed; restart_s: from then until the job computes, the mean over those that go by
        themselves and those that wait for a person; repair_s: until the node is back
    storage_per_chip: at which a job writes a checkpoint [B/s a chip]; state_per_chip: of a checkpoint [B a chip]
    """

    detection_s: Array
    restart_s: Array
    repair_s: Array
    storage_per_chip: Array
    state_per_chip: Array


def constants_of(record: Reliability, vendors: Iterable[str]) -> Constants:
    """Constants of a catalog entry. vendors: of the chips that it counted."""
    values: dict[str, float] = {}
    spreads: dict[str, float] = {}
    for name, value in record.constants.items():
        if name in _RATES:
            values[_RATES[name]] = 1.0 / value.si
        else:
            values[_SLOW.get(name, name)] = value.si
    for name, one in record.fits.items():
        spreads[_RATES.get(name, _SLOW.get(name, name))] = one.log_sd
    chips = {
        name.removeprefix(_CHIP): (values.pop(name), spreads.pop(name, 0.0))
        for name in tuple(values) if name.startswith(_CHIP)
    }  # fmt: skip
    return Constants(values, spreads, values.pop("between"), values.pop("within"), frozenset(vendors), chips)


def observations_of(record: Reliability) -> tuple[Observation, ...]:
    """What a catalog entry counted, as the fit takes it: the parts of one cluster are added up."""
    counted: dict[tuple[About, str, float, float, str], float] = defaultdict(float)
    found: list[Observation] = []
    for one in record.observed:
        chips, lasts, events = one.chips.si, one.lasts.si, one.events.si
        for about in _PARTS[one.about]:
            if one.mean:
                rate = events / (chips * lasts)
                found.append(Observation(one.events.source, about, chips, rate, chip=one.chip or ""))
                break  # of a mean rate only what it is about is known
            counted[about, one.events.source, chips, lasts, one.chip or ""] += events
    for (about, group, chips, lasts, chip), events in counted.items():
        found.append(Observation(group, about, chips, events / (chips * lasts), events, chip))
    return tuple(found)


def refitted(constants: Constants, observations: Sequence[Observation], vendors: Iterable[str]) -> Constants:
    """The same constants with those of rates fitted anew to other observations."""
    made = fit(observations)
    return Constants(
        {**constants.values, **made.values}, {**constants.log_sd, **made.log_sd}, made.between, made.within,
        frozenset(vendors), made.chips,
    )  # fmt: skip


def rates_of(constants: Constants, chip: str, vendor: str | None, count: int = 0, slow: bool = False) -> Rates:
    """Rates for a chip of a vendor. count: draws, 0 for the medians; slow: with slow chips.

    Slow chips are left out unless asked for: steps that were measured hold those of their cluster already.
    """
    names = [*("node_per_chip_s", "job_per_s"), *_PLAIN, *(("slow_per_chip_s", *_SLOW.values()) if slow else ())]
    values = {name: constants.values[name] for name in names if name in constants.values}
    factor, own = constants.chips.get(chip, (1.0, constants.log_sd.get("node_per_chip_s", 0.0)))
    for name in ("node_per_chip_s", "job_per_s"):
        values[name] *= factor
    return draw(values, {**constants.log_sd, "node_per_chip_s": own}, count, scatter(constants, chip, vendor))


def scatter(constants: Constants, chip: str, vendor: str | None) -> float:
    """Standard deviation of the logarithm of the rates of one cluster about the median of its chip, or of all.

    A cluster is one step away from others of its chip, a chip nobody counted one more, and a vendor nobody counted
    yet one more, each as long as clusters are from one another.
    """
    steps = 1.0 if chip in constants.chips else 2.0 if vendor in constants.vendors else 3.0
    return constants.between * math.sqrt(steps)


def warning(constants: Constants, chip: str, vendor: str) -> str | None:
    """What a reader must know of rates for a chip; None where that chip's interruptions were counted."""
    if chip in constants.chips:
        return None
    near = constants.vendors & {vendor} or constants.vendors
    other = "" if vendor in constants.vendors else f" or another chip of {vendor}"
    own = constants.log_sd.get("node_per_chip_s", 0.0)
    factor = math.exp(1.645 * math.hypot(scatter(constants, chip, vendor), own))
    return (
        f"no source counts interruptions of {chip}{other}: rates are those of chips of {', '.join(sorted(near))},"
        f" with a wider band (clusters lie within a factor of {factor:.0f} either way)"
    )


def recovery_of(constants: Constants, count: int = 0) -> Recovery:
    """Times to recover. count: draws, 0 for the medians."""

    def one(name: str) -> Array:
        noise = standard(f"reliability {name}", count) if count else np.zeros(1)
        return np.asarray(constants.values[name] * np.exp(constants.log_sd.get(name, 0.0) * noise), dtype=np.float64)

    by_hand = np.minimum(one("manual_share"), 1.0)
    restart = (1.0 - by_hand) * one("restart") + by_hand * one("manual")
    return Recovery(one("detection"), array(restart), one("repair"), one("storage_per_chip"), one("state_per_chip"))
