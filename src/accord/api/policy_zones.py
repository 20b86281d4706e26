"""The zones of a day for a picture: class rules asked of every cell between their thresholds, chips as points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from accord.api.law import Classified, Law
from accord.api.policy_ask import Asked
from accord.catalog.chip import Chip
from accord.policy.facts import FactValue, Uncertain, completed
from accord.policy.item import chip_facts
from accord.policy.logic import NOWHERE, CompiledRule
from accord.policy.rulebook import Rulebook
from accord.policy.vector import classes
from accord.report.zones_svg import NO_CLASS, UNKNOWN_CLASS, Axis, Point, Zones

TPP = "tpp"
_ACROSS = ("performance_density", "io_bandwidth")  # what the other axis may be, the first that the rules ask
_AXES = {"performance_density": ("performance density", "1/mm2", 1.0), "io_bandwidth": ("I/O bandwidth", "GB/s", 1e9)}
# of a chip that no letter or guidance names, sold by who designed it
_NAMELESS = {"item_names": "|", "exporter_role": "designer", "designer_hq": NOWHERE}
_ROOM = 1.5  # around the outermost point or threshold
_FEWEST, _MOST = 0.5, 2.0


def zones_of(asked: Asked, found: Classified, law: Law, not_checked: Sequence[str] = ()) -> Zones:
    """The picture of a day: zones for chips that differ from the one asked about in nothing but the two axes.

    not_checked: in words, for the notes
    """
    book, facts = found.book, found.verdict.facts
    rules = book.stage("class")
    across = across_of(rules)
    words, unit, size = _AXES[across]
    marketed = "no" if facts.get("datacenter_marketed") == "no" else "yes"
    asks = any(leaf.fact == "datacenter_marketed" for rule in rules for leaf in rule.leaves)
    points = tuple(_points(asked, found, law, across, size, marketed if asks else None))
    xs = _edges(cuts(rules, TPP), [point.x for point in points])
    ys = _edges([cut / size for cut in cuts(rules, across)], [point.y for point in points])
    designer = facts.get("designer_hq")
    fixed = standard_facts(marketed, designer if isinstance(designer, str) else None)
    classing = (*book.stage("presumption"), *rules)
    names = (NO_CLASS, UNKNOWN_CLASS, *dict.fromkeys(rule.rule.consequence.value for rule in classing))
    meant = "not marketed for data centres" if marketed == "no" else "designed or marketed for data centres"
    meant += f", by a designer of {fixed['designer_hq']}" if fixed["designer_hq"] != NOWHERE else ""
    others = "not marketed for data centres" if marketed == "yes" else "marketed for data centres"
    return Zones(
        title=f"{asked.item.name} on {book.day}: {found.verdict.eccn}",
        subtitle=f"zones that the class rules of the day make, for chips {meant}",
        x=Axis("total processing performance", xs[0], xs[-1]),
        y=Axis(words, ys[0], ys[-1], unit),
        xs=xs, ys=ys, zone=classes_of(book, xs, [y * size for y in ys], across, fixed, names), names=names,
        points=points, notes=_notes(others if asks else None, not_checked),
        hollow=f"{others}: zones are not theirs",
    )  # fmt: skip


def _notes(others: str | None, not_checked: Sequence[str]) -> tuple[str, ...]:
    return (
        "Points are chips of the catalog that had been announced; where the day is not known, from the first source on "
        "that tells of them. Those of which a figure is not known are left out.",
        *(
            [f"Hollow points are chips {others}, which the rules may class in another way than their zone."]
            if others
            else []
        ),
        *([f"Not checked: {'; '.join(not_checked)}."] if not_checked else []),
        "Not legal advice.",
    )


def across_of(rules: Sequence[CompiledRule]) -> str:
    """The fact on the other axis: the first that class rules have thresholds for."""
    return next((name for name in _ACROSS if cuts(rules, name)), _ACROSS[0])


def standard_facts(marketed: str, designer: str | None) -> dict[str, str]:
    """Facts of the chips for which zones are made, besides the two axes: no letter or guidance names them.

    marketed: for data centres, ``yes`` or ``no``; designer: country, None for one that no rule names
    """
    fixed = {"item_type": "ic", "datacenter_marketed": marketed, **_NAMELESS}
    return fixed | ({"designer_hq": designer} if designer else {})


def classes_of(
    book: Rulebook, xs: Sequence[float], ys: Sequence[float], across: str, fixed: Mapping[str, str],
    names: Sequence[str],
) -> NDArray[np.intp]:  # fmt: skip
    """Class in the middle of each cell, all cells at once; shape (len(ys) - 1, len(xs) - 1), indices into ``names``."""
    middles = [np.sqrt(np.array(ends[:-1]) * np.array(ends[1:])) for ends in (xs, ys)]
    x, y = (grid.ravel() for grid in np.meshgrid(*middles))
    arrays: dict[str, NDArray[np.generic]] = {TPP: x, across: y}
    arrays |= {name: np.full(len(x), value) for name, value in fixed.items()}
    found = classes(book, arrays, len(x))
    places = np.array([names.index(name) if name in names else names.index(NO_CLASS) for name in found.words], np.intp)
    return places[found.codes].reshape(len(ys) - 1, len(xs) - 1)


def cuts(rules: Sequence[CompiledRule], name: str) -> list[float]:
    """Thresholds of a fact, ascending."""
    found = {leaf.threshold for rule in rules for leaf in rule.leaves if leaf.fact == name and leaf.threshold}
    return sorted(found)


def _edges(cuts: Sequence[float], values: Sequence[float | None]) -> list[float]:
    """Edges of the cells along an axis: its ends and the thresholds between them."""
    known = [value for value in (*cuts, *values) if value is not None and value > 0.0] or [1.0]
    low, high = min(known) / _ROOM, max(known) * _ROOM
    low, high = min(low, min(cuts, default=low) * _FEWEST), max(high, max(cuts, default=high) * _MOST)
    return [low, *(cut for cut in cuts if low < cut < high), high]


def _points(
    asked: Asked, found: Classified, law: Law, across: str, size: float, marketed: str | None
) -> Iterator[Point]:  # fmt: skip
    """Chips of the catalog that had been announced, and the one asked about; hollow those marketed otherwise.

    marketed: as those for which the zones are made, None where the rules do not ask
    """
    yield _point(asked.item.name, found.verdict.facts, across, size, asked=True)
    catalog = law.catalog
    own = catalog.system(asked.item.id).chip if asked.kind == "systems" else asked.item.id
    for id in catalog.ids("chips"):
        chip = catalog.chip(id)
        if id == own or _is_later(chip, found.book.day.isoformat()):
            continue
        facts = completed(chip_facts(chip, None).facts)
        hollow = marketed is not None and facts.get("datacenter_marketed", marketed) != marketed
        point = replace(_point(_short(chip), facts, across, size), hollow=hollow)
        if point.x is not None and point.y is not None:
            yield point


def _short(chip: Chip) -> str:
    """A chip's name without its maker's, where it begins with that."""
    words, gone = chip.name.split(), ""
    while len(words) > 1 and chip.vendor.startswith(gone + words[0].lower()):
        gone += words.pop(0).lower()
    return " ".join(words)


def first_told(chip: Chip) -> str:
    """Day, month or year from which on a chip was there; where no announcement is known, of the first source."""
    return chip.announced or min((source.date for source in chip.sources.values()), default="")


def _is_later(chip: Chip, day: str) -> bool:
    """Whether a chip was not there by a day; a year or month alone counts from its beginning."""
    return first_told(chip) > day


def _point(name: str, facts: Mapping[str, FactValue], across: str, size: float, *, asked: bool = False) -> Point:
    x, y = (_middle(facts.get(fact)) for fact in (TPP, across))
    return Point(name, x, None if y is None else y / size, asked)


def _middle(value: FactValue | None) -> float | None:
    number = value.value if isinstance(value, Uncertain) else value
    return number if isinstance(number, float) and math.isfinite(number) and number > 0.0 else None
