"""Zones of the class rules through time, and chips in them: as a dict of the JSON envelope, and as tables."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from accord.catalog.legal_fact import FACTS
from accord.policy.logic import CompiledRule
from accord.report.policy_words import DISCLAIMER, label
from accord.report.tables import NOTHING, Table, number, number_column, text_column

_FIGURES = ("tpp", "performance_density", "io_bandwidth")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days on which the same class rules stand.

    start, until: None where it has no beginning or end; beyond: after the last reading of the sources
    across: the fact on the second axis; xs, ys: thresholds, ascending
    zone: class of each cell between them and outside, shape (len(ys) + 1, len(xs) + 1)
    classes: of each chip; rules: that class, and those of published texts that are not yet in force (``pending``)
    """

    start: datetime.date | None
    until: datetime.date | None
    beyond: bool
    across: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    zone: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...]
    rules: tuple[CompiledRule, ...]
    pending: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlaneChip:
    """A chip of the catalog.

    announced: day, month or year, of the first source that tells of it where not ``is_announced``
    marketed: for data centres, yes or no; figures: by fact ``(value, low, high)`` over kept sources, None = not known
    """

    id: str
    name: str
    vendor: str
    announced: str
    is_announced: bool
    marketed: str | None
    designer: str | None
    figures: Mapping[str, tuple[float, float, float] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """All that is told; day: the one that was asked, None for all stretches."""

    day: datetime.date | None
    designer: str | None
    marketed: bool
    stretches: Sequence[Stretch]
    rules: Mapping[str, CompiledRule]
    chips: Sequence[PlaneChip]
    last_read: datetime.date | None
    not_checked: Sequence[str]


def plane_dict(plane: Plane) -> dict[str, object]:
    """Result of ``policy zones``."""
    return {
        "date": plane.day.isoformat() if plane.day else None,
        "made_for": {"datacenter_marketed": plane.marketed, "designer_hq": plane.designer},
        "stretches": [_stretch_dict(one) for one in plane.stretches],
        "chips": [_chip_dict(one) for one in plane.chips],
        "rules": {name: _rule_dict(one) for name, one in plane.rules.items()},
        "last_checked": plane.last_read.isoformat() if plane.last_read else None,
        "not_checked": list(plane.not_checked),
        "disclaimer": _disclaimer(plane),
    }  # fmt: skip


def plane_tables(plane: Plane) -> tuple[Table, ...]:
    """Stretches with their thresholds and how many chips each class has; the chips too where one day is asked."""
    notes = (
        "Zones are those of chips "
        + ("designed or marketed" if plane.marketed else "not marketed")
        + " for data centres that no letter or guidance names.",
        *(f"Not checked: {one}." for one in plane.not_checked), _disclaimer(plane),
    )  # fmt: skip
    columns = tuple(
        map(text_column, ("from", "until", "thresholds of TPP", "against", "thresholds of it", "chips by class"))
    )
    rows = tuple(_stretch_row(one) for one in plane.stretches)
    title = f"Class rules on {plane.day}" if plane.day else "Class rules through time"
    found = [Table(title=title, columns=columns, rows=rows, notes=() if plane.day else notes)]
    if plane.day is not None:
        heads = (text_column("chip"), *(number_column(label(name)) for name in _FIGURES), text_column("class"))
        found.append(Table(title="Chips", columns=heads, rows=tuple(_chip_rows(plane)), notes=notes))
    return tuple(found)


def _disclaimer(plane: Plane) -> str:
    return DISCLAIMER.format(day=plane.day or plane.last_read or "an unknown day")


def _stretch_dict(one: Stretch) -> dict[str, object]:
    return {
        "from": one.start.isoformat() if one.start else None, "until": one.until.isoformat() if one.until else None,
        "after_last_check": one.beyond, "x": "tpp", "y": one.across, "y_unit": FACTS[one.across].unit,
        "xs": list(one.xs), "ys": list(one.ys), "zone": [list(row) for row in one.zone],
        "classes": list(one.classes), "rules": [rule.id for rule in one.rules if rule.id not in one.pending],
        "pending": [rule.id for rule in one.rules if rule.id in one.pending],
    }  # fmt: skip


def _chip_dict(one: PlaneChip) -> dict[str, object]:
    figures = {
        name: dict(zip(("value", "low", "high"), found, strict=True)) if found is not None else None
        for name, found in one.figures.items()
    }
    return {
        "id": one.id, "name": one.name, "vendor": one.vendor, "announced": one.announced,
        "is_announced": one.is_announced, "datacenter_marketed": one.marketed, "designer_hq": one.designer, **figures,
    }  # fmt: skip


def _rule_dict(rule: CompiledRule) -> dict[str, object]:
    consequence = rule.rule.consequence
    limits = [
        {"fact": leaf.fact, "op": leaf.op, "threshold": leaf.threshold, "unit": FACTS[leaf.fact].unit}
        for leaf in rule.leaves
        if leaf.threshold is not None
    ]
    return {
        "instrument": rule.instrument.id, "title": rule.instrument.title, "jurisdiction": rule.instrument.jurisdiction,
        "rule": rule.rule.name, "stage": rule.rule.stage, "standing": rule.span.standing,
        "from": rule.span.start, "until": rule.span.until, "class": consequence.value, "text": consequence.text,
        "limits": limits,
        "cites": [
            {"source": f"instruments/{rule.instrument.id}:{cite.source}", "tier": cite.tier, "locator": cite.locator}
            for cite in rule.rule.cites
        ],
    }  # fmt: skip


def _stretch_row(one: Stretch) -> tuple[str, ...]:
    counted = Counter(one.classes)
    return (
        one.start.isoformat() if one.start else NOTHING, one.until.isoformat() if one.until else NOTHING,
        ", ".join(number(cut) for cut in one.xs) or NOTHING, label(one.across),
        ", ".join(_threshold(cut, one.across) for cut in one.ys) or NOTHING,
        ", ".join(f"{name}: {count}" for name, count in sorted(counted.items())),
    )  # fmt: skip


def _threshold(value: float, fact: str) -> str:
    return f"{number(value / 1e9)} GB/s" if FACTS[fact].unit == "B/s" else number(value)


def _chip_rows(plane: Plane) -> Iterator[tuple[str, ...]]:
    for chip, found in zip(plane.chips, plane.stretches[0].classes if plane.stretches else (), strict=False):
        cells = []
        for name in _FIGURES:
            figure = chip.figures[name]
            cells.append(NOTHING if figure is None else _threshold(figure[0], name))
        yield (chip.id, *cells, found)
