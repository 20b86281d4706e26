"""The catalogue made readable: pure functions from entries to plain dicts (for JSON) and tables.

A field is named by its dotted key, as in its file (``memory.bandwidth``). Numbers are SI in the dicts
and written with fitting prefixes in the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from accord.base import units
from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.base.source import Source
from accord.catalog.check import Report
from accord.catalog.load import KINDS, Catalog
from accord.catalog.value import Alternative, Value
from accord.report.tables import NOTHING, Table, number_column, pairs, text_column
from accord.report.to_json import source_entry

Plain = str | int | float | bool
Fields = dict[str, Value | Plain]

DIGITS = 4
NAMED_APART = ("id", "sources")

# What a list shows of an entry: heading -> key of the field; the first of several keys that is there.
_LISTED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "chips": (
        ("name", "name"),
        ("vendor", "vendor"),
        ("announced", "announced"),
        ("bf16", "peak.bf16"),
        ("memory", "memory.capacity"),
        ("bandwidth", "memory.bandwidth"),
        ("power", "board_power"),
    ),
    "systems": (("name", "name"), ("vendor", "vendor"), ("kind", "kind"), ("chip", "chip"), ("chips", "chips")),
    "models": (
        ("name", "name"),
        ("vendor", "vendor"),
        ("status", "status"),
        ("released", "released"),
        ("total", "published.total_params"),
        ("active", "published.active_params"),
    ),
    "prices": (("kind", "kind"), ("place", "place"), ("chip", "chip"), ("system", "system")),
    "engines": (("name", "name"), ("aliases", "aliases")),
    "places": (
        ("name", "name"),
        ("kind", "kind"),
        ("country", "country"),
        ("within", "within"),
        ("carbon", "facts.carbon_intensity"),
    ),
    "support": (("name", "name"), ("engine", "engine")),
    "origins": (("name", "name"), ("chips", "chips"), ("systems", "systems"), ("vendors", "vendors")),
    "workloads": (
        ("name", "name"),
        ("prompt", "prompt.mean"),
        ("answer", "answer.mean"),
        ("turns", "turns.mean"),
        ("ttft", "slo.ttft"),
        ("tpot", "slo.tpot"),
        ("e2e", "slo.e2e"),
    ),
    "calibration": (("parent", "parent"), ("families", "families")),
    "collectives": (("parent", "parent"), ("families", "families")),
    "training": (("parent", "parent"), ("families", "families")),
    "reliability": (("name", "name"),),
    "instruments": (
        ("title", "title"),
        ("jurisdiction", "jurisdiction"),
        ("topic", "topic"),
        ("binding", "binding"),
        ("published", "published"),
    ),
    "groups": (("code", "code"), ("name", "name"), ("complete", "complete")),
    "parties": (("name", "name"), ("country", "country"), ("roles", "roles")),
    "governance": (("title", "title"), ("form", "form"), ("date", "date"), ("binding", "binding")),
    "deployments": (
        ("system", "system"),
        ("owner", "owner"),
        ("country", "country"),
        ("state", "state"),
        ("start", "start"),
    ),
    "claims": (("statement", "statement"), ("said by", "said_by"), ("date", "date")),
    "risks": (("name", "name"), ("life in days", "valid_days"), ("about", "about")),
    "conformance": (("title", "title"), ("kind", "kind"), ("format", "format"), ("version", "version")),
    "licences": (("name", "name"), ("spdx", "spdx"), ("free", "free"), ("models", "models")),
}


def fields(record: msgspec.Struct) -> Fields:
    """Every field of an entry that holds something, by its dotted key: facts as they are, the rest as plain values."""
    found: Fields = {}
    for name in record.__struct_fields__:
        if name not in NAMED_APART:
            found.update(_leaves(name, getattr(record, name)))
    return found


def value_dict(value: Value | Alternative, owner: str) -> dict[str, object]:
    """One fact as a plain dict.

    owner: ``kind/id`` of the entry; with the source's key it gives the id used in the envelope's ``sources``.
    """
    entry: dict[str, object] = {
        "value": value.number if value.text is None else value.text,
        "unit": value.unit or None,
        "low": value.low,
        "high": value.high,
        "basis": value.basis,
        "source": f"{owner}:{value.source}",
        "date": value.date,
        "note": value.note,
    }
    if isinstance(value, Alternative):
        entry["rejected"] = value.rejected
    else:
        entry["why"] = value.why
        entry["alternatives"] = [value_dict(other, owner) for other in value.alternatives]
    return entry


def value_text(value: Value | Alternative | Plain | None) -> str:
    """Write a fact or plain value for a reader: ``128 GB``, ``600 W (550 W to 700 W)``, ``TSMC``, ``yes``."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, Value | Alternative):
        return str(value)
    if value.number is None:
        return value.text or NOTHING
    text = units.show(value.number, value.unit, DIGITS)
    ends = [units.show(end, value.unit, DIGITS) for end in (value.low, value.high) if end is not None]
    if len(ends) == 2:
        return f"{text} ({ends[0]} to {ends[1]})"
    if ends:
        return f"{text} ({'from' if value.low is not None else 'up to'} {ends[0]})"
    return text


def entry_sources(record: msgspec.Struct, owner: str) -> list[dict[str, object]]:
    """Entries of the envelope's ``sources`` for all sources of an entry."""
    return [source_entry(f"{owner}:{key}", source) for key, source in _sources(record).items()]


def kind_named(word: str) -> str:
    """Turn ``chip`` or ``chips`` into the catalogue's name of the kind. Raises UsageError naming the closest."""
    for kind in KINDS:
        if word.lower() in (kind, kind.removesuffix("s")):
            return kind
    raise UsageError(f"'{word}' is no kind of entry", hint=did_you_mean(word, KINDS))


# One function for the dict and one for the tables of each verb


def kinds_dict(catalog: Catalog) -> dict[str, object]:
    """Result of ``catalog list`` without a kind: ids by kind."""
    return {"kinds": {kind: list(catalog.ids(kind)) for kind in KINDS}}


def kinds_table(catalog: Catalog) -> Table:
    """How many entries each kind has, with an example."""
    listed = ((kind, catalog.ids(kind)) for kind in KINDS)
    rows = tuple((kind, str(len(ids)), ids[0] if ids else NOTHING) for kind, ids in listed)
    columns = (text_column("kind"), number_column("entries"), text_column("such as"))
    return Table(title="Catalog", columns=columns, rows=rows, notes=("'accord catalog list KIND' lists one kind",))


def list_dict(catalog: Catalog, kind: str) -> dict[str, object]:
    """Result of ``catalog list KIND``: the entries with their leading fields, facts as SI numbers."""
    entries: list[dict[str, object]] = []
    for id, found in _entries(catalog, kind):
        row: dict[str, object] = {"id": id}
        for heading, key in _LISTED[kind]:
            value = found.get(key)
            row[heading] = value.number if isinstance(value, Value) else value
        entries.append(row)
    return {"kind": kind, "entries": entries}


def list_table(catalog: Catalog, kind: str) -> Table:
    """The entries of one kind with their leading fields."""
    rows = tuple(
        (id, *(value_text(found.get(key)) for _, key in _LISTED[kind])) for id, found in _entries(catalog, kind)
    )
    return Table(
        title=f"{len(rows)} {kind}",
        columns=(text_column("id"), *(text_column(heading) for heading, _ in _LISTED[kind])),
        rows=rows,
        notes=("'accord catalog show ID' shows an entry with its sources",),
    )


def show_dict(kind: str, record: msgspec.Struct) -> dict[str, object]:
    """Result of ``catalog show``: plain fields under ``attributes``, facts under ``values``."""
    id = entry_id(record)
    found = fields(record)
    return {
        "kind": kind,
        "id": id,
        "attributes": {key: value for key, value in found.items() if not isinstance(value, Value)},
        "values": {key: value_dict(value, f"{kind}/{id}") for key, value in found.items() if isinstance(value, Value)},
    }


def show_tables(kind: str, record: msgspec.Struct) -> tuple[Table, ...]:
    """One entry for a reader: its attributes, its facts with alternatives, why and notes, its sources."""
    found = fields(record)
    facts = {key: value for key, value in found.items() if isinstance(value, Value)}
    plain = [(key, value_text(value)) for key, value in found.items() if not isinstance(value, Value)]
    rows = tuple(row for key, value in facts.items() for row in _fact_rows(key, value))
    remarks = [remark for key, value in facts.items() for remark in _remarks(key, value)]
    headings = ("field", "value", "basis", "source", "date")
    tables = [
        Table(title="Values", columns=tuple(text_column(heading) for heading in headings), rows=rows),
        pairs("Why, and notes", remarks),
        _source_table(_sources(record)),
    ]
    return pairs(f"{kind}/{entry_id(record)}", plain), *(table for table in tables if table.rows)


def check_dict(report: Report) -> dict[str, object]:
    """Result of ``catalog check``."""
    return {"ok": report.ok, "counts": dict(report.counts), "problems": list(report.problems)}


def check_table(report: Report) -> Table:
    """What was checked, and whether it is in order."""
    rows = tuple((name, str(number)) for name, number in report.counts.items())
    count = len(report.problems)
    verdict = "no problems" if report.ok else f"{count} problem{'s' if count > 1 else ''}, see the errors"
    columns = (text_column("checked"), number_column("count"))
    return Table(title="Catalog check", columns=columns, rows=rows, notes=(verdict,))


def diff_dict(first: msgspec.Struct, second: msgspec.Struct, owners: tuple[str, str]) -> dict[str, object]:
    """Result of ``catalog diff``: every field of either entry with both values, and b / a where both are numbers.

    owners: ``kind/id`` of the two entries, as used in source ids.
    """
    return {
        "a": owners[0],
        "b": owners[1],
        "fields": [
            {
                "key": key,
                "same": _same(a, b),
                "ratio": _ratio(a, b),
                "a": value_dict(a, owners[0]) if isinstance(a, Value) else a,
                "b": value_dict(b, owners[1]) if isinstance(b, Value) else b,
            }
            for key, a, b in _paired(first, second)
        ],
    }


def diff_table(first: msgspec.Struct, second: msgspec.Struct, names: tuple[str, str]) -> Table:
    """The fields in which two entries differ, with second / first; names: headings of the two."""
    paired = list(_paired(first, second))
    rows = tuple((key, value_text(a), value_text(b), _factor(_ratio(a, b))) for key, a, b in paired if not _same(a, b))
    return Table(
        title=f"{names[0]} and {names[1]}: fields that differ ({len(rows)} of {len(paired)})",
        columns=(text_column("field"), text_column(names[0]), text_column(names[1]), number_column("ratio")),
        rows=rows,
    )


def entry_id(record: msgspec.Struct) -> str:
    """The id of an entry of any kind."""
    return str(record.id) if hasattr(record, "id") else ""


def _entries(catalog: Catalog, kind: str) -> Iterator[tuple[str, Fields]]:
    return ((id, fields(catalog.entry(kind, id))) for id in catalog.ids(kind))


def _sources(record: msgspec.Struct) -> Mapping[str, Source]:
    sources = getattr(record, "sources", {})
    assert isinstance(sources, Mapping)
    return sources


def _leaves(key: str, value: object) -> Iterator[tuple[str, Value | Plain]]:
    """What a field holds, opened down to facts and plain values."""
    if isinstance(value, Value | str | int | float):
        yield key, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _leaves(f"{key}.{name}", getattr(value, name))
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _leaves(f"{key}.{name}", entry)
    elif isinstance(value, tuple | list):
        if all(isinstance(entry, str | int | float) for entry in value):
            if value:
                yield key, ", ".join(str(entry) for entry in value)
            return
        for at, entry in enumerate(value):
            yield from _leaves(f"{key}[{at}]", entry)


def _fact_rows(key: str, value: Value) -> Iterator[tuple[str, ...]]:
    """A row for the fact and one for each alternative."""
    yield key, value_text(value), value.basis, value.source, value.date or NOTHING
    for other in value.alternatives:
        mark = "  rejected" if other.rejected else "  or"
        yield mark, value_text(other), other.basis, other.source, other.date or NOTHING


def _remarks(key: str, value: Value) -> Iterator[tuple[str, str]]:
    if value.why:
        yield key, f"why: {value.why}"
    told: tuple[Value | Alternative, ...] = (value, *value.alternatives)
    for fact in told:
        if fact.note:
            yield key, f"{value_text(fact)}, {fact.source}: {fact.note}"


def _source_table(sources: Mapping[str, Source]) -> Table:
    rows = tuple(
        (key, source.date, source.publisher, ", ".join(part for part in (source.title, source.locator) if part))
        for key, source in sources.items()
    )
    headings = ("source", "date", "publisher", "title")
    return Table(title="Sources", columns=tuple(text_column(heading) for heading in headings), rows=rows)


def _paired(
    first: msgspec.Struct, second: msgspec.Struct
) -> Iterator[tuple[str, Value | Plain | None, Value | Plain | None]]:
    """Keys of either entry in the order of the first, with what each has there."""
    a, b = fields(first), fields(second)
    for key in dict.fromkeys((*a, *b)):
        yield key, a.get(key), b.get(key)


def _content(value: Value | Plain | None) -> tuple[object, ...]:
    """What two fields are compared by: number, text, unit and band, not where they are from."""
    if isinstance(value, Value):
        return value.number, value.text, value.unit, value.low, value.high
    return (value,)


def _same(a: Value | Plain | None, b: Value | Plain | None) -> bool:
    return _content(a) == _content(b)


def _ratio(a: Value | Plain | None, b: Value | Plain | None) -> float | None:
    """Second over first, where both are numbers of one unit and the first is not 0."""
    if isinstance(a, Value) and isinstance(b, Value) and a.unit == b.unit and a.number and b.number is not None:
        return b.number / a.number
    return None


def _factor(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.3g}"
