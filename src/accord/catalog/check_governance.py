"""What governance instruments, deployments, claims and test definitions must keep: citations, names, days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from accord.base.registry import did_you_mean
from accord.catalog.claim import Claim
from accord.catalog.conformance import Conformance
from accord.catalog.days import first_day, last_day
from accord.catalog.deployment import Deployment
from accord.catalog.governance import Governance
from accord.catalog.load import KINDS
from accord.catalog.risk import TaxonomyRisk
from accord.catalog.value import walk

if TYPE_CHECKING:
    from accord.catalog.load import Catalog

GOVERNED = (Governance, Deployment, Claim, Conformance, TaxonomyRisk)
_Governed = Governance | Deployment | Claim | Conformance | TaxonomyRisk
_Problem = tuple[str, str, str | None]


def governed_sources(record: _Governed) -> set[str]:
    """Keys of sources that an entry names; all of a test definition's, whose text rests on them as a whole."""
    if isinstance(record, Conformance):
        return set(record.sources)
    counted = walk(record) if isinstance(record, Deployment) else ()
    return {key for _, key, _ in _named(record)} | {value.source for _, value in counted}


def governed_problems(record: _Governed) -> Iterator[_Problem]:
    """What is wrong within one entry: sources that do not exist, no locator, days in the wrong order, members twice."""
    for key, source, locator in _named(record):
        if source not in record.sources:
            hint = did_you_mean(source, record.sources)
            yield f"{key}source", f"is {source!r}, which this file's 'sources' does not hold", hint
        if not (locator or "").strip():
            yield f"{key}source", "has no locator", "say where in the source it is read: page, paragraph, table"
    for key, day in _days(record):
        if day is not None and ("-Q" in day or "-H" in day):
            yield key, f"is {day!r}, which cannot be put before or after a day", "write the day, the month or the year"
    if isinstance(record, Governance):
        yield from _members(record)


def governed_links(catalog: Catalog, record: _Governed) -> Iterator[_Problem]:
    """What an entry says of others that is not so."""
    if isinstance(record, Governance):
        for at, rule in enumerate(record.rules):
            if rule not in catalog.ids("instruments"):
                hint = did_you_mean(rule, catalog.ids("instruments"))
                yield f"rules[{at}]", f"is {rule!r}, which is not in the catalog's instruments", hint
    if isinstance(record, Deployment):
        known = (*catalog.ids("systems"), *catalog.ids("chips"))
        if record.system not in known:
            hint = did_you_mean(record.system, known)
            yield "system", f"is {record.system!r}, neither a system nor a chip of the catalog", hint
    if isinstance(record, Claim):
        yield from _terms(catalog, record)


def _named(record: _Governed) -> Iterator[tuple[str, str, str | None]]:
    """Key of everything that names a source, up to its last dot; the source; the locator."""
    if isinstance(record, Governance):
        for name in ("states", "provisions", "members", "tallies"):
            for at, one in enumerate(getattr(record, name)):
                yield f"{name}[{at}].", one.source, one.locator
    elif isinstance(record, TaxonomyRisk):
        for at, one in enumerate(record.named):
            yield f"named[{at}].", one.source, one.locator
    elif isinstance(record, Deployment):
        yield "", record.source, record.locator
    elif isinstance(record, Claim):
        yield "", record.source, record.locator
        for at, part in enumerate(record.parts):
            for name, term in part.terms.items():
                if term.source is not None:
                    yield f"parts[{at}].terms.{name}.", term.source, term.locator


def _days(record: _Governed) -> Iterator[tuple[str, str | None]]:
    """Dates that are compared with a day, with their keys."""
    if isinstance(record, Deployment):
        yield "start", record.start
    if isinstance(record, Governance):
        yield "date", record.date
        yield "complete_on", record.complete_on
        for name, parts in (("states", ("start",)), ("members", ("start", "until")), ("tallies", ("date",))):
            for at, one in enumerate(getattr(record, name)):
                for part in parts:
                    yield f"{name}[{at}].{part}", getattr(one, part)


def _members(record: Governance) -> Iterator[_Problem]:
    """A list that is whole of no day; members that end before they begin, and two entries of one on the same day."""
    if record.complete_on is not None and (
        not record.complete or last_day(record.complete_on) < first_day(record.date)
    ):
        hint = "give it beside 'complete: true', not before the date of the instrument"
        yield "complete_on", f"is {record.complete_on}, of which no list can be whole", hint
    for at, one in enumerate(record.members):
        for name in one.latest:
            if getattr(one, name) is None:
                yield f"members[{at}].latest", f"names {name}, which is not given", f"give {name}, or leave it out"
        if one.start is not None and one.until is not None and one.until <= one.start:
            hint = "give the first day without"
            yield f"members[{at}].until", f"is {one.until}, not after the start, {one.start}", hint
        for other in record.members[:at]:
            if one.who == other.who and _meet(one.start, one.until, other.start, other.until):
                hint = "end the earlier entry where the later one begins"
                yield f"members[{at}].who", f"is {one.who!r}, whose earlier entry holds at the same time", hint


def _meet(start: str | None, until: str | None, other_start: str | None, other_until: str | None) -> bool:
    return (start or "") < (other_until or "9999") and (other_start or "") < (until or "9999")


def _terms(catalog: Catalog, record: Claim) -> Iterator[_Problem]:
    """Entries of the catalog that a claim's terms are taken from."""
    for at, part in enumerate(record.parts):
        for name, term in part.terms.items():
            if term.catalog is None:
                continue
            kind, _, id = term.catalog.partition("/")
            key = f"parts[{at}].terms.{name}.catalog"
            if kind not in KINDS:
                hint = "write 'catalog: KIND/ID', such as chips/nvidia-h20"
                yield key, f"is {term.catalog!r}, of no kind of entry", hint
            elif id not in catalog.ids(kind):
                hint = did_you_mean(id, catalog.ids(kind))
                yield key, f"is {term.catalog!r}, which is not in the catalog's {kind}", hint
