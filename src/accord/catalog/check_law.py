"""What entries of law must keep: citations that exist and are strong enough, versions that never overlap, names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.catalog.countries import CODES
from accord.catalog.group import Group
from accord.catalog.instrument import STRONG, Citation, Instrument, Rule, leaves
from accord.catalog.legal_fact import FACTS
from accord.catalog.licence import Licence
from accord.catalog.party import Party
from accord.catalog.value import walk

if TYPE_CHECKING:
    from accord.catalog.load import Catalog

LEGAL = (Instrument, Group, Party, Licence)
_Law = Instrument | Group | Party | Licence
_Problem = tuple[str, str, str | None]
_PLACES = ("destination", "hq", "designer_hq", "origin")


def legal_sources(record: _Law) -> set[str]:
    """Keys of sources that citations, memberships, terms and parameters of an entry name.

    All of a party's and a licence's: they also say who it is, and which models it covers.
    """
    if isinstance(record, Party | Licence):
        return set(record.sources)
    return {key for _, key in _named(record)} | {value.source for _, value in walk(record)}


def legal_problems(record: _Law) -> Iterator[_Problem]:
    """What is wrong within one entry: sources that do not exist, rules in force that rest on weak sources alone."""
    for key, source in _named(record):
        if source not in record.sources:
            hint = did_you_mean(source, record.sources)
            yield key, f"is {source!r}, which this file's 'sources' does not hold", hint
    for key, code in _countries(record):
        if code not in CODES:
            yield key, f"is {code!r}, the code of no country", did_you_mean(code, sorted(CODES))
    if not isinstance(record, Instrument):
        return
    for at, rule in enumerate(record.rules):
        if not rule.cites:
            yield f"rules[{at}].cites", "is empty", "name what the rule is read from, with a locator"
        in_force = any(span.standing == "in_force" for span in rule.spans)
        if in_force and not any(cite.tier in STRONG for cite in rule.cites):
            hint = "cite the text or a law firm's reading of it, or give the span 'standing: reported'"
            yield f"rules[{at}].cites", f"has weak sources alone, but {rule.name} is said to be in force", hint


def legal_links(catalog: Catalog, record: _Law) -> Iterator[_Problem]:
    """What an entry says of others that is not so."""
    if isinstance(record, Instrument):
        yield from _names(catalog, record)
        yield from _line(catalog, record)
    if isinstance(record, Licence):
        for at, model in enumerate(record.models):
            if model not in catalog.ids("models"):
                hint = did_you_mean(model, catalog.ids("models"))
                yield f"models[{at}]", f"is {model!r}, which is not in the catalog's models", hint
        yield from _covered_twice(catalog, record)


def _named(record: _Law) -> Iterator[tuple[str, str]]:
    """Key of every mention of a source that is no value's, and the source."""
    if isinstance(record, Instrument):
        for at, rule in enumerate(record.rules):
            yield from _cited(f"rules[{at}].cites", rule.cites)
    elif isinstance(record, Group):
        for name in ("members", "outside", "unsure"):
            for at, member in enumerate(getattr(record, name)):
                yield f"{name}[{at}].source", member.source
    elif isinstance(record, Party):
        for at, listing in enumerate(record.listings):
            yield from _cited(f"listings[{at}].cites", listing.cites)
        for at, holding in enumerate(record.owners):
            yield f"owners[{at}].source", holding.source
    else:
        for at, term in enumerate(record.terms):
            yield f"terms[{at}].source", term.source


def _countries(record: _Law) -> Iterator[tuple[str, str]]:
    """Key of every country that a group or a party names, and its code."""
    if isinstance(record, Group):
        for name in ("members", "outside", "unsure"):
            for at, member in enumerate(getattr(record, name)):
                yield f"{name}[{at}].country", member.country
    elif isinstance(record, Party):
        yield "country", record.country


def _cited(key: str, cites: tuple[Citation, ...]) -> Iterator[tuple[str, str]]:
    for at, cite in enumerate(cites):
        yield f"{key}[{at}].source", cite.source


def _names(catalog: Catalog, record: Instrument) -> Iterator[_Problem]:
    """Groups, parties and rules that a rule names."""
    codes = {group.code for group in _groups(catalog)}
    for at, rule in enumerate(record.rules):
        for code in _places(rule):
            if code not in codes and code not in CODES:
                hint = did_you_mean(code, (*codes, *sorted(CODES)))
                yield f"rules[{at}].name", f"speaks of {code!r}, no country and no group", hint
        for party in _parties(rule):
            if party not in catalog.ids("parties"):
                hint = did_you_mean(party, catalog.ids("parties"))
                yield f"rules[{at}].name", f"speaks of {party!r}, which is not in the catalog's parties", hint
        for other in (*rule.overrides, *rule.consequence.lifts):
            if not _exists(catalog, record, other):
                yield f"rules[{at}].name", f"overrides {other!r}, which no instrument has", "write INSTRUMENT/RULE"
    for at, other in enumerate(record.supersedes):
        if other not in catalog.ids("instruments"):
            hint = did_you_mean(other, catalog.ids("instruments"))
            yield f"supersedes[{at}]", f"is {other!r}, which is not in the catalog's instruments", hint


def _groups(catalog: Catalog) -> list[Group]:
    found = []
    for id in catalog.ids("groups"):
        try:
            found.append(catalog.group(id))
        except CatalogError:
            continue  # said of that entry itself
    return found


def _places(rule: Rule) -> Iterator[str]:
    scope = rule.scope
    yield from (*scope.destinations, *scope.except_destinations, *scope.headquarters)
    for leaf in leaves(rule.when):
        if leaf.fact in _PLACES:
            yield from leaf.among


def _parties(rule: Rule) -> Iterator[str]:
    yield from rule.scope.addressees
    for leaf in leaves(rule.when):
        if leaf.fact is not None and FACTS[leaf.fact].kind == "party":
            yield from leaf.among


def _exists(catalog: Catalog, record: Instrument, name: str) -> bool:
    id, _, rule = name.partition("/")
    if id == record.id:
        return rule in {one.name for one in record.rules}
    try:
        return id in catalog.ids("instruments") and rule in {one.name for one in catalog.instrument(id).rules}
    except CatalogError:
        return True  # said of that entry itself


def _line(catalog: Catalog, record: Instrument) -> Iterator[_Problem]:
    """Rules of one name in one line that hold on the same day."""
    for id in catalog.ids("instruments") if record.line is not None else ():
        try:
            other = catalog.instrument(id)
        except CatalogError:
            continue  # said of that entry itself
        if other.id >= record.id or other.line != record.line:
            continue
        theirs: Mapping[str, Rule] = {rule.name: rule for rule in other.rules}
        for at, rule in enumerate(record.rules):
            for mine in rule.spans:
                for span in theirs[rule.name].spans if rule.name in theirs else ():
                    if mine.start < (span.until or "9999") and span.start < (mine.until or "9999"):
                        problem = f"of {rule.name} overlap those of {other.id} from {max(mine.start, span.start)} on"
                        yield f"rules[{at}].spans", problem, "end the earlier version where the later one begins"


def _covered_twice(catalog: Catalog, record: Licence) -> Iterator[_Problem]:
    for id in catalog.ids("licences"):
        try:
            shared = set(record.models) & set(catalog.licence(id).models) if id < record.id else set()
        except CatalogError:
            continue  # said of that entry itself
        if shared:
            yield "models", f"has {sorted(shared)[0]!r}, which {id} covers as well", "name a model under one licence"
