"""Ranges of shares by country: what is known of the parts of a whole where not every share is stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from accord.catalog.origin import Supplier
from accord.catalog.value import Value

UNKNOWN = "unknown"  # in place of a country: a share of which nobody says where it is from
Range = tuple[float, float]
_NONE = 1e-9


class Share(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Share of a whole that one country has [1], between low and high; ``unknown`` for what is nobody's we know of."""

    country: str
    low: float
    high: float


def stated(value: Value | None) -> Range | None:
    """Range of a share that is stated, over its sources; None where it is not."""
    points = value.spread() if value is not None else ()
    return (min(points), max(points)) if points else None


def supplier_ranges(suppliers: Sequence[Supplier]) -> tuple[tuple[Range, ...], Range]:
    """Range of each supplier's share, and of what none of them makes.

    Shares that are not stated divide what the stated ones leave in a way that nobody knows.
    """
    if not suppliers:
        return (), (1.0, 1.0)
    known = [stated(one.share) for one in suppliers]
    lows = sum(found[0] for found in known if found)
    highs = sum(found[1] for found in known if found)
    rest = (max(0.0, 1.0 - highs), max(0.0, 1.0 - lows))
    open_ones = known.count(None)
    spread = (rest[0] if open_ones == 1 else 0.0, rest[1])
    return tuple(found or spread for found in known), (0.0, 0.0) if open_ones else rest


def of_some(chosen: Sequence[Range], others: Sequence[Range]) -> Range:
    """Range of the sum of some shares of a whole, given those of the others."""
    low = max(sum(low for low, _ in chosen), 1.0 - sum(high for _, high in others))
    high = min(sum(high for _, high in chosen), 1.0 - sum(low for low, _ in others))
    return min(1.0, max(0.0, low)), min(1.0, max(0.0, low, high))


def by_country(suppliers: Sequence[Supplier]) -> tuple[Share, ...]:
    """Share of a component by the suppliers' own countries, the largest first; all ``unknown`` without suppliers."""
    ranges, rest = supplier_ranges(suppliers)
    pairs = [
        (one.countries[0] if one.countries else UNKNOWN, found) for one, found in zip(suppliers, ranges, strict=True)
    ]
    pairs.append((UNKNOWN, rest))
    found = {}
    for country in dict.fromkeys(name for name, _ in pairs):
        own = [entry for name, entry in pairs if name == country]
        found[country] = of_some(own, [entry for name, entry in pairs if name != country])
    return shares(found)


def shares(found: Mapping[str, Range]) -> tuple[Share, ...]:
    """Ranges as records, the largest first, the unknown last; what is nothing is left out."""
    kept = [Share(country=name, low=low, high=high) for name, (low, high) in found.items() if high > _NONE]
    return tuple(sorted(kept, key=lambda one: (one.country == UNKNOWN, -one.high, -one.low, one.country)))


def mixed(parts: Sequence[Sequence[Share]], weights: Sequence[Range | None]) -> tuple[Share, ...]:
    """Shares of a whole made of parts.

    parts: shares within each; weights: range of each part's share of the whole [1], None where nobody says: these
        divide what the others leave, in a way that nobody knows
    """
    open_parts = [part for part, weight in zip(parts, weights, strict=True) if weight is None]
    closed = [(part, weight) for part, weight in zip(parts, weights, strict=True) if weight is not None]
    rest = (
        max(0.0, 1.0 - sum(weight[1] for _, weight in closed)),
        max(0.0, 1.0 - sum(weight[0] for _, weight in closed)),
    )
    if not open_parts:
        open_parts = [by_country(())]
    found: dict[str, Range] = {}
    for country in dict.fromkeys(one.country for part in (*parts, *open_parts) for one in part):
        inside = [(_range(part, country), weight) for part, weight in closed]
        outside = [_range(part, country) for part in open_parts]
        low = sum(own[0] * weight[0] for own, weight in inside) + rest[0] * min(own[0] for own in outside)
        high = sum(own[1] * weight[1] for own, weight in inside) + rest[1] * max(own[1] for own in outside)
        found[country] = (min(1.0, low), min(1.0, high))
    return shares(found)


def parts_of(amounts: Sequence[float | None]) -> tuple[Range | None, ...]:
    """Each amount's share of their sum; None for all where one of several amounts is not known."""
    if len(amounts) == 1:
        return ((1.0, 1.0),)
    known = [amount for amount in amounts if amount is not None]
    total = sum(known)
    if len(known) < len(amounts) or total <= 0.0:
        return (None,) * len(amounts)
    return tuple((amount / total, amount / total) for amount in known)


def _range(part: Sequence[Share], country: str) -> Range:
    return next(((one.low, one.high) for one in part if one.country == country), (0.0, 0.0))
