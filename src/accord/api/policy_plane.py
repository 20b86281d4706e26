"""``accord policy zones``: the plane of two facts that class rules ask about, its zones and all chips, through time."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from accord.api.law import Law
from accord.api.policy_ask import check_country
from accord.api.policy_classify import Told, days_told
from accord.api.policy_zones import TPP, across_of, classes_of, cuts, first_told, standard_facts
from accord.catalog.instrument import Stage
from accord.catalog.legal_fact import FACTS
from accord.policy.classify import UNKNOWN_CLASS, classify
from accord.policy.deal import Deal, deal_facts
from accord.policy.decide import NONE, NOT_YET
from accord.policy.facts import RATIO_PARTS, FactValue, Uncertain, completed
from accord.policy.gate import NOT_COVERED
from accord.policy.history import breakpoints, last_read
from accord.policy.item import Item
from accord.policy.logic import CompiledRule
from accord.policy.rulebook import Rulebook
from accord.report.policy_plane_view import Plane, PlaneChip, Stretch, plane_dict, plane_tables
from accord.report.to_json import source_entry

_CLASSING: tuple[Stage, ...] = ("presumption", "class", "fallback")
_NOWHERE = Deal(transaction="domestic")  # moves nothing, so that the class alone is found
_AXES = (TPP, "performance_density", "io_bandwidth")
_BEYOND = 16.0  # factor from the outermost threshold to the end of the outermost cell


@dataclass(frozen=True, slots=True)
class PlaneAsk:
    """What is asked.

    day: one day, None for all stretches of days; designer: country of the chips' designer for whom the zones are made,
    None for one that no rule names; marketed: whether they are marketed for data centres
    """

    day: datetime.date | None = None
    designer: str | None = None
    marketed: bool = True


def plane_answer(ask: PlaneAsk, law: Law) -> Told:
    """Answer ``policy zones``. Raises UsageError for a country that is none."""
    check_country(ask.designer, "--designer", law.catalog)
    items = tuple(law.item(id) for id in law.catalog.ids("chips"))
    stretches = tuple(_stretches(ask, law, items))
    rules = {rule.id: rule for stretch in stretches for rule in stretch.rules}
    last = last_read(law.instruments)
    plane = Plane(
        day=ask.day, designer=ask.designer, marketed=ask.marketed, stretches=stretches, rules=rules,
        chips=tuple(_chip(item, law) for item in items), last_read=last,
        not_checked=(*(days_told(ask.day, law) if ask.day else ()), *NOT_COVERED),
    )  # fmt: skip
    keys = dict.fromkeys(
        f"instruments/{one.instrument.id}:{cite.source}" for one in rules.values() for cite in one.rule.cites
    )
    sources = []
    for key in keys:
        owner, _, name = key.rpartition(":")
        sources.append(source_entry(key, law.catalog.source("instruments", owner.removeprefix("instruments/"), name)))
    return Told(
        inputs={
            "date": ask.day.isoformat() if ask.day else None, "designer": ask.designer,
            "not_datacenter": not ask.marketed,
        },
        result=plane_dict(plane), sources=sources, warnings=days_told(ask.day, law) if ask.day else (),
        tables=plane_tables(plane),
    )  # fmt: skip


def _stretches(ask: PlaneAsk, law: Law, items: Sequence[Item]) -> Iterator[Stretch]:
    """Stretches of days on which the same class rules stand, in order; where a day is asked, the one that holds it."""
    starts = _starts(law)
    last = last_read(law.instruments)
    for start, until in pairwise((*starts, None)):
        if ask.day is not None and not (start or datetime.date.min) <= ask.day < (until or datetime.date.max):
            continue
        day = ask.day or start or (until - datetime.timedelta(days=1) if until else datetime.date.min)
        found = _stretch(law.book(day), ask, items)
        yield replace(found, start=start, until=until, beyond=last is not None and day > last)


def _starts(law: Law) -> list[datetime.date | None]:
    """Days on which the class rules, or the countries that they ask about, change; None for before the first."""
    days = breakpoints(law.instruments, law.groups)
    starts: list[datetime.date | None] = []
    known: object = None
    for day in (days[0] - datetime.timedelta(days=1), *days) if days else ():
        book = law.book(day)
        standing = (
            [_standing(book, rule) for rule in book.stage(*_CLASSING)],
            [_standing(book, rule) for rule in book.pending],
        )
        if standing != known or not starts:
            starts.append(day if starts else None)
        known = standing
    return starts or [None]


def _standing(book: Rulebook, rule: CompiledRule) -> object:
    """What of a rule may change from one day to the next."""
    places = [(leaf.fact, *book.places.sets(leaf.words)) for leaf in rule.leaves if FACTS[leaf.fact].kind == "country"]
    return rule.id, rule.span.start, rule.span.standing, places


def _stretch(book: Rulebook, ask: PlaneAsk, items: Sequence[Item]) -> Stretch:
    """Zones and classes of a day, without its ends."""
    rules = book.stage("class")
    across = across_of(rules)
    xs, ys = cuts(rules, TPP), cuts(rules, across)
    fixed = standard_facts("yes" if ask.marketed else "no", ask.designer)
    classing = book.stage(*_CLASSING)
    names = dict.fromkeys((NONE, NOT_YET, UNKNOWN_CLASS, *(rule.rule.consequence.value for rule in classing)))
    zone = classes_of(book, _cells(xs), _cells(ys), across, fixed, tuple(names))
    return Stretch(
        start=None, until=None, beyond=False, across=across, xs=tuple(xs), ys=tuple(ys),
        zone=tuple(tuple(tuple(names)[at] for at in row) for row in zone.tolist()),
        classes=tuple(classify(book, deal_facts(_NOWHERE, item.facts)).eccn for item in items),
        rules=tuple(rule for rule in (*classing, *book.pending)),
        pending=frozenset(rule.id for rule in book.pending),
    )  # fmt: skip


def _cells(edges: Sequence[float]) -> list[float]:
    """Edges with both ends far outside; one cell where there are none."""
    inner = list(edges) or [1.0]
    ends = [inner[0] / _BEYOND, inner[-1] * _BEYOND]
    return [ends[0], *(inner if edges else []), ends[1]]


def _chip(item: Item, law: Law) -> PlaneChip:
    chip = law.catalog.chip(item.id)
    facts = completed(item.facts)
    marketed, designer = (_word(facts.get(name)) for name in ("datacenter_marketed", "designer_hq"))
    return PlaneChip(
        id=item.id, name=item.name, vendor=chip.vendor, announced=first_told(chip), is_announced=bool(chip.announced),
        marketed=marketed, designer=designer,
        figures={name: _figure(item, facts, name) for name in _AXES},
    )  # fmt: skip


def _word(value: FactValue | None) -> str | None:
    return value if isinstance(value, str) else None


def _figure(item: Item, facts: Mapping[str, FactValue], name: str) -> tuple[float, float, float] | None:
    """A fact with what kept sources give at the least and the most; None where it is not known."""
    value = facts.get(name)
    if isinstance(value, Uncertain):
        return value.value, value.low, value.high
    if not isinstance(value, float) or value <= 0.0:
        return None
    points = [value, *_points(item, name)]
    return value, min(points), max(points)


def _points(item: Item, name: str) -> tuple[float, ...]:
    if name in RATIO_PARTS:
        above, below, per = RATIO_PARTS[name]
        return tuple(
            top / bottom / per for top in _points(item, above) for bottom in _points(item, below) if bottom > 0.0
        )
    told = item.told.get(name)
    return tuple(point for point in told.points if point > 0.0) if told is not None else ()
