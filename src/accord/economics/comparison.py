"""Two systems against each other: totals, per chip, per rack, per watt and per dollar.

Every figure is recomputed from catalog facts. A ratio is A over B by the chosen claims; its band is over every
combination of the claims that were kept (see :mod:`accord.uncertainty.interval`). Where both systems are made
of one chip, what sources say about that chip cancels. A format the chip has no unit for is not a rate of zero:
the value is missing and the verdict says which side has no unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import msgspec

from accord.catalog.chip import Chip
from accord.catalog.price import Price
from accord.catalog.system import System
from accord.economics.capex import system_price
from accord.hardware.totals import LOWEST, Totals, totals
from accord.power.draw import system_power
from accord.uncertainty import figure
from accord.uncertainty.figure import Figure
from accord.uncertainty.interval import LEVEL, band, distinct, quotients

EQUAL = 0.005  # ratios this close to 1 are called equal
CANNOT_TELL = "cannot tell"


class Quantity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dimension of the comparison.

    name: stable; group: of the table; label: in words; short: in a table; unit: of the value
    of: what it counts; per: what it is divided by, "" for the whole system
    """

    name: str
    group: str
    label: str
    short: str
    unit: str
    of: str
    per: Literal["", "chips", "racks", "power", "price"] = ""


def _quantity(group: str, name: str, short: str, unit: str, of: str, label: str = "") -> Quantity:
    per: dict[str, Literal["", "chips", "racks", "power", "price"]] = {
        "per chip": "chips", "per rack": "racks", "per watt": "power", "per dollar": "price",
    }  # fmt: skip
    words = (label or short) + ("" if group == "totals" else f" {group}")
    return Quantity(name=name, group=group, label=words, short=short, unit=unit, of=of, per=per.get(group, ""))


QUANTITIES: tuple[Quantity, ...] = (
    _quantity("totals", "bf16_dense", "dense BF16", "FLOP/s", "bf16"),
    _quantity("totals", "int8", "INT8", "OP/s", "int8"),
    _quantity("totals", "fp8", "FP8", "FLOP/s", "fp8"),
    _quantity("totals", LOWEST, "lowest precision", "OP/s", LOWEST, "rate at the lowest precision"),
    _quantity("totals", "hbm_capacity", "HBM capacity", "B", "hbm_capacity"),
    _quantity("totals", "hbm_bandwidth", "HBM bandwidth", "B/s", "hbm_bandwidth"),
    _quantity("totals", "scaleup_total", "scale-up, one way", "B/s", "scaleup", "scale-up bandwidth"),
    _quantity("totals", "scaleout_total", "scale-out, one way", "b/s", "scaleout", "scale-out bandwidth"),
    _quantity("totals", "power", "power", "W", "power"),
    _quantity("totals", "price", "price", "USD", "price"),
    _quantity("totals", "chips", "chips", "1", "chips"),
    _quantity("totals", "racks", "racks", "1", "racks"),
    _quantity("per chip", "bf16_per_chip", "dense BF16", "FLOP/s", "bf16"),
    _quantity("per chip", "lowest_precision_per_chip", "lowest precision", "OP/s", LOWEST, "lowest-precision rate"),
    _quantity("per chip", "hbm_capacity_per_chip", "HBM capacity", "B", "hbm_capacity"),
    _quantity("per chip", "hbm_bandwidth_per_chip", "HBM bandwidth", "B/s", "hbm_bandwidth"),
    _quantity("per chip", "scaleup_per_chip", "scale-up, one way", "B/s", "scaleup", "scale-up bandwidth"),
    _quantity("per chip", "scaleout_per_chip", "scale-out, one way", "b/s", "scaleout", "scale-out bandwidth"),
    _quantity("per chip", "power_per_chip", "power", "W", "power"),
    _quantity("per chip", "price_per_chip", "price", "USD", "price"),
    _quantity("per rack", "bf16_per_rack", "dense BF16", "FLOP/s", "bf16"),
    _quantity("per rack", "hbm_capacity_per_rack", "HBM capacity", "B", "hbm_capacity"),
    _quantity("per rack", "power_per_rack", "power", "W", "power"),
    _quantity("per watt", "bf16_per_watt", "dense BF16", "FLOP/s/W", "bf16"),
    _quantity("per watt", "lowest_precision_per_watt", "lowest precision", "OP/s/W", LOWEST, "lowest-precision rate"),
    _quantity("per watt", "hbm_per_watt", "HBM capacity", "B/W", "hbm_capacity"),
    _quantity("per watt", "hbm_bandwidth_per_watt", "HBM bandwidth", "B/s/W", "hbm_bandwidth"),
    _quantity("per dollar", "bf16_per_usd", "dense BF16", "FLOP/s/USD", "bf16"),
    _quantity(
        "per dollar", "lowest_precision_per_usd", "lowest precision", "OP/s/USD", LOWEST, "lowest-precision rate"
    ),
    _quantity("per dollar", "hbm_capacity_per_usd", "HBM capacity", "B/USD", "hbm_capacity"),
    _quantity("per dollar", "hbm_bandwidth_per_usd", "HBM bandwidth", "B/s/USD", "hbm_bandwidth"),
)
GROUPS = tuple(dict.fromkeys(quantity.group for quantity in QUANTITIES))


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one system.

    totals: see :class:`accord.hardware.totals.Totals`; whole: its figures with power [W], price [USD], chips, racks
    """

    id: str
    name: str
    chip: str | None
    totals: Totals
    whole: dict[str, Figure]


class Dimension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One quantity of A against B.

    a, b: in the quantity's unit, None where not known; ratio: A over B [1]; low, high: its band
    verdict: one line; summary: the same in a few words; undecided: the band spans 1
    formats: number formats of A and B where they may differ
    """

    quantity: Quantity
    a: Figure | None
    b: Figure | None
    ratio: float | None
    low: float | None
    high: float | None
    verdict: str
    summary: str
    undecided: bool = False
    formats: tuple[str | None, str | None] | None = None


def profile(system: System, chip: Chip | None, *, prices: Iterable[Price] = (), overhead: Figure | None) -> Profile:
    """Gather what is known of a system.

    chip: the entry named by ``system.chip``; prices: see :func:`accord.economics.capex.system_price`
    overhead: system power over board power [1], for a system whose power nobody states
    """
    found = totals(system, chip)
    extra = {
        "power": system_power(system, chip, overhead),
        "price": system_price(system, prices),
        "chips": found.chips,
        "racks": figure.of(system.racks, f"systems/{system.id}"),
    }
    whole = found.whole | {name: one for name, one in extra.items() if one is not None}
    return Profile(id=system.id, name=system.name, chip=chip.id if chip else None, totals=found, whole=whole)


def value_of(of: Profile, quantity: Quantity) -> Figure | None:
    """One quantity of one system, or None where a part of it is not known."""
    total = of.whole.get(quantity.of)
    if quantity.per == "chips" and quantity.of in of.totals.per_chip:
        return msgspec.structs.replace(of.totals.per_chip[quantity.of], unit=quantity.unit)
    if total is None or not quantity.per:
        return total and msgspec.structs.replace(total, unit=quantity.unit)
    divisor = of.whole.get(quantity.per)
    return None if divisor is None else figure.over(total, divisor, quantity.unit)


def missing_parts(of: Profile, quantity: Quantity) -> tuple[str, ...]:
    """Names of the whole-system figures that a quantity lacks; empty where it has a value or no unit."""
    if value_of(of, quantity) is not None or _no_unit(of, quantity):
        return ()
    return tuple(name for name in (quantity.of, quantity.per) if name and name not in of.whole)


def compare(a: Profile, b: Profile, level: float = LEVEL) -> tuple[Dimension, ...]:
    """Every dimension of A against B, in the order of :data:`QUANTITIES`.

    level: share of the combinations inside a band [1]
    """
    return tuple(_dimension(quantity, a, b, level) for quantity in QUANTITIES)


def _dimension(quantity: Quantity, a: Profile, b: Profile, level: float) -> Dimension:
    value_a, value_b = value_of(a, quantity), value_of(b, quantity)
    formats = (a.totals.lowest_format, b.totals.lowest_format) if quantity.of == LOWEST else None
    if value_a is None or value_b is None or value_b.value == 0.0:
        verdict = _without_unit(quantity, a, b) or CANNOT_TELL
        return Dimension(
            quantity=quantity, a=value_a, b=value_b, ratio=None, low=None, high=None, verdict=verdict,
            summary=verdict, formats=formats,
        )  # fmt: skip
    ratio = value_a.value / value_b.value
    points = _ratio_points(quantity, a, b, value_a, value_b)
    low, high = band(points, level)
    low, high = min(low, ratio), max(high, ratio)
    verdict, summary, undecided = _verdict(quantity, ratio, (low, high), points, value_a.built or value_b.built)
    return Dimension(
        quantity=quantity, a=value_a, b=value_b, ratio=ratio, low=low, high=high, verdict=verdict,
        summary=summary, undecided=undecided, formats=formats,
    )  # fmt: skip


def _ratio_points(quantity: Quantity, a: Profile, b: Profile, value_a: Figure, value_b: Figure) -> tuple[float, ...]:
    """What the ratio is by every combination of claims; a fact that both share cancels."""
    if a.id == b.id:
        return (1.0,)
    one, other = a.totals.per_chip.get(quantity.of), b.totals.per_chip.get(quantity.of)
    known = a.chip is not None and a.chip == b.chip and one is not None and other is not None
    shared = known and _claims(one) == _claims(other)
    if not shared or a.totals.chips is None or b.totals.chips is None:
        return quotients(value_a.points, value_b.points)
    if quantity.per == "chips":
        return (value_a.value / value_b.value,)
    counts = quotients(a.totals.chips.points, b.totals.chips.points)
    if not quantity.per:
        return counts
    return quotients(counts, quotients(a.whole[quantity.per].points, b.whole[quantity.per].points))


def _claims(of: Figure | None) -> tuple[float, ...]:
    """The chosen number and every kept one."""
    return (of.value, *of.points) if of is not None else ()


def _no_unit(of: Profile, quantity: Quantity) -> bool:
    return quantity.of in of.totals.absent and quantity.of not in of.whole


def _without_unit(quantity: Quantity, a: Profile, b: Profile) -> str | None:
    """Verdict where a chip is known to have no unit for the format."""
    sides = [side for side, one in (("A", a), ("B", b)) if _no_unit(one, quantity)]
    if not sides:
        return None
    name = quantity.of.upper()
    return f"{' and '.join(sides)} {'has' if len(sides) == 1 else 'have'} no {name} unit"


def _verdict(
    quantity: Quantity, ratio: float, ends: tuple[float, float], points: tuple[float, ...], built: bool
) -> tuple[str, str, bool]:
    """One line, the same in a few words, and whether the question is open."""
    low, high = ends
    if math.isclose(low, 1.0, rel_tol=EQUAL) and math.isclose(high, 1.0, rel_tol=EQUAL):
        return f"A and B have the same {quantity.label}", "equal", False
    if low <= 1.0 <= high:
        cause = "wide estimate" if built else "sources disagree"
        span = f"A has {times(low)} to {times(high)} times B's {quantity.label}"
        return f"open: {cause}, {span}", f"open: {cause}", True
    if len(distinct(points)) == 1:
        scope, short = "no source disagrees", "none disagrees"
    elif built:
        scope, short = "over the whole estimate", "wide estimate"
    elif min(points) > 1.0 or max(points) < 1.0:
        scope, short = "holds across all sources", "every source"
    else:
        scope, short = "holds within the band", "within the band"
    if ratio > 1.0:
        return f"A has {times(ratio)} times B's {quantity.label}, {scope}", f"A more, {short}", False
    return f"A has less: {times(ratio)} of B's {quantity.label}, {scope}", f"A less, {short}", False


def times(ratio: float) -> str:
    """A ratio for a sentence, three digits."""
    if 1e-3 <= ratio < 1e3:
        return f"{ratio:#.3g}".removesuffix(".")
    return f"{ratio:,.0f}" if 1e3 <= ratio < 1e6 else f"{ratio:.2g}"
