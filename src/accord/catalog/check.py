"""Rules across files: what one entry says about another, and what a reader of the catalog may rely on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.catalog.calibration import Calibration
from accord.catalog.check_governance import GOVERNED, governed_links, governed_problems, governed_sources
from accord.catalog.check_law import LEGAL, legal_links, legal_problems, legal_sources
from accord.catalog.engine import Engine
from accord.catalog.load import KINDS, Catalog
from accord.catalog.origin import Origin
from accord.catalog.place import Place
from accord.catalog.price import Price
from accord.catalog.support import Support
from accord.catalog.system import System
from accord.catalog.value import walk
from accord.catalog.yaml_text import read_yaml


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a check found.

    counts: entries by kind, and ``values``, the facts in them
    problems: one message each, as an error would print it
    """

    counts: dict[str, int]
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no problems."""
        return not self.problems


_Problem = tuple[str, str, str | None]  # key it is about, what, hint


def check_catalog(catalog: Catalog) -> Report:
    """Read every entry and apply the rules across files.

    Rules: every file reads; every source is used and every used one exists; ``why`` is given where sources
    disagree; chips, systems and parents that are named exist; parents do not go in circles; no two engines share
    a name; what the law's entries must keep (:mod:`accord.catalog.check_law`), and what governance instruments,
    deployments, claims and test definitions must (:mod:`accord.catalog.check_governance`).
    Never raises for what the files hold: everything wrong becomes a problem.
    """
    counts = dict.fromkeys(KINDS, 0)
    counts["values"] = 0
    problems: list[str] = []
    for kind in KINDS:
        for id in catalog.ids(kind):
            try:
                record = catalog.entry(kind, id)
            except CatalogError as err:
                problems.append(str(err))
                continue
            counts[kind] += 1
            counts["values"] += sum(1 for _ in walk(record))
            found = (*_own(kind, record), *_links(catalog, record))
            problems += [str(_placed(catalog, kind, id, problem)) for problem in found]
    try:
        counts["values"] += sum(len(section) for section in catalog.defaults().values())
    except CatalogError as err:
        problems.append(str(err))
    return Report(counts=counts, problems=tuple(problems))


def _placed(catalog: Catalog, kind: str, id: str, problem: _Problem) -> CatalogError:
    """Find the line of a problem; the file is read again, for only then are lines known."""
    key, what, hint = problem
    root = read_yaml(catalog.path(kind, id), catalog.shown(kind, id))
    return (root.find(key) or root).error(what, hint=hint)


def _own(kind: str, record: msgspec.Struct) -> Iterator[_Problem]:
    """What is wrong within one entry though each of its values is right."""
    used: set[str] = set()
    for key, value in walk(record):
        used |= {value.source, *(other.source for other in value.alternatives)}
        if value.alternatives and not value.why:
            yield key, "has alternatives but no why", "add 'why:', the reason for this value and not another"
    if isinstance(record, Support | Origin):
        yield from _cited(record)
    if isinstance(record, LEGAL):
        used |= legal_sources(record)
        yield from legal_problems(record)
    if isinstance(record, GOVERNED):
        used |= governed_sources(record)
        yield from governed_problems(record)
    # features, config, notes, statements and suppliers rest on sources too
    behind_more_than_values = kind in ("engines", "models", "support", "origins")
    for source in () if behind_more_than_values else getattr(record, "sources", ()):
        if source not in used:
            yield f"sources.{source}", "is used by no value", "use it or drop it"


def _cited(record: Support | Origin) -> Iterator[_Problem]:
    """Statements and suppliers name sources as values do."""
    name, lines = "suppliers", [line.source for line in record.suppliers] if isinstance(record, Origin) else []
    if isinstance(record, Support):
        name, lines = "statements", [line.source for line in record.statements]
        for key in ("expert_ranks", "attention_ranks", "stages"):
            ranks = getattr(record, key)
            if ranks is not None and ranks.source not in record.sources:
                yield f"{key}.source", f"is {ranks.source!r}, no source of this entry", "add it to 'sources:'"
    for at, source in enumerate(lines):
        if source not in record.sources:
            yield f"{name}[{at}].source", f"is {source!r}, no source of this entry", "add it to 'sources:'"


def _links(catalog: Catalog, record: msgspec.Struct) -> Iterator[_Problem]:
    """What an entry says of other entries that is not so."""
    if isinstance(record, System | Price):
        yield from _missing(catalog, "chips", "chip", record.chip)
    if isinstance(record, Price):
        yield from _missing(catalog, "systems", "system", record.system)
    if isinstance(record, Place):
        yield from _missing(catalog, "places", "within", record.within)
    if isinstance(record, Calibration):
        yield from _missing(catalog, "calibration", "parent", record.parent)
        yield from _circle(catalog, record)
    if isinstance(record, Engine):
        yield from _missing(catalog, "engines", "base", record.base)
        yield from _shared_names(catalog, record)
    if isinstance(record, LEGAL):
        yield from legal_links(catalog, record)
    if isinstance(record, GOVERNED):
        yield from governed_links(catalog, record)


def _missing(catalog: Catalog, kind: str, key: str, id: str | None) -> Iterator[_Problem]:
    known = catalog.ids(kind)
    if id is not None and id not in known:
        yield key, f"is {id!r}, which is not in the catalog's {kind}", did_you_mean(id, known)


def _circle(catalog: Catalog, record: Calibration) -> Iterator[_Problem]:
    seen = [record.id]
    parent = record.parent
    while parent is not None and parent in catalog.ids("calibration"):
        if parent in seen:
            yield "parent", f"leads in a circle: {' -> '.join([*seen, parent])}", "the topmost set has no parent"
            return
        seen.append(parent)
        try:
            parent = catalog.calibration(parent).parent
        except CatalogError:
            return


def _shared_names(catalog: Catalog, record: Engine) -> Iterator[_Problem]:
    for id in catalog.ids("engines"):
        try:
            other = catalog.engine(id)
        except CatalogError:
            continue
        shared = {record.id, *record.aliases} & {other.id, *other.aliases}
        if other.id != record.id and shared:
            yield "aliases", f"has {sorted(shared)[0]!r}, also a name of {other.id}", None
