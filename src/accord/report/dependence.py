"""Tables of what a plan depends on: where each part is from, shares by country, what an embargo takes away."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from accord.base.source import Source
from accord.planner.dependence import Dependence, Effect, Embargo
from accord.planner.origin_parts import Made, Part
from accord.planner.origin_shares import UNKNOWN, Share
from accord.report.tables import NOTHING, Table, number, number_column, text_column

WIDTH = 100
_VERDICTS = {"stops": "stops", "partly": "partly", "unknown": "not known"}
_LABELS = {
    "design": "design", "fab": "fab", "packaging": "packaging", "hbm": "memory", "tools": "fab tools",
    "software": "software", "switch": "switch chips", "host_cpu": "host CPU", "assembly": "rest",
    "licence": "licence",
}  # fmt: skip
_SUPPLY = {"current": "", "installed": "in place", "stock": "from stock", "copies": "open copies", "ended": "ended"}


def dependence_tables(found: Dependence, countries: Sequence[str] = ()) -> tuple[Table, ...]:
    """Parts by country, shares of price and FLOP/s, embargoes, sources.

    countries: whose embargo is shown; every country that a part needs where none is given
    """
    numbered = _numbered(found)
    return (
        _parts(found, numbered),
        _totals(found),
        _embargoes([found.embargo(country) for country in countries or found.countries()]),
        _sources(numbered),
    )


def dependence_dict(found: Dependence, countries: Sequence[str] = ()) -> dict[str, object]:
    """The same as plain data; shares are between 0 and 1."""
    return {
        "parts": [_part_dict(part) for part in found.parts],
        "capex_by_country": _shares(found.capex),
        "flop_by_country_of_design": _shares(found.flop_design),
        "flop_by_country_of_fab": _shares(found.flop_fab),
        "from_stock_alone": list(found.stock_only()),
        "embargoes": [_embargo_dict(found.embargo(country)) for country in countries or found.countries()],
    }


def _part_dict(part: Part) -> dict[str, object]:
    return {
        "component": part.component,
        "of": part.of,
        "subject": part.subject,
        "absent": part.absent,
        "countries": _shares(part.countries),
        "suppliers": [
            {
                "company": one.company,
                "countries": list(one.countries),
                "supply": one.supply,
                "share": [one.low, one.high],
                "basis": one.basis,
                "source": {name: getattr(one.source, name) for name in Source.__struct_fields__},
                "note": one.note,
            }
            for one in part.suppliers
        ],
    }


def _embargo_dict(one: Embargo) -> dict[str, object]:
    return {
        "country": one.country,
        "verdict": one.verdict,
        "flop_removed": [one.flop_low, one.flop_high],
        "removes": list(one.removes),
        "parts": [
            {
                "component": effect.part.component,
                "of": effect.part.of,
                "subject": effect.part.subject,
                "verdict": effect.verdict,
                "removed": [effect.low, effect.high],
                "words": effect.words,
            }
            for effect in one.effects
        ],
    }


def _shares(found: Sequence[Share]) -> dict[str, object]:
    return {one.country: [one.low, one.high] for one in found}


def _parts(found: Dependence, numbered: dict[Source, int]) -> Table:
    """One row a part and supplier, under the thing that they are parts of."""
    rows: list[tuple[str, ...]] = []
    subject = ""
    for part in found.parts:
        if part.subject != subject:
            subject = part.subject
            rows.append((subject, "", "", "", "", ""))
        label = f"  {_LABELS[part.component]}"
        if not part.suppliers:
            rows.append((label, UNKNOWN, NOTHING, NOTHING, NOTHING, NOTHING))
        for at, one in enumerate(part.suppliers):
            words = _lines(", ".join(filter(None, (one.company, _SUPPLY[one.supply]))), 38)
            share = NOTHING if part.absent else _range(one.low, one.high)
            where = "+".join(one.countries) or NOTHING
            rows.append((label if at == 0 else "", where, share, words[0], one.basis, f"[{numbered[one.source]}]"))
            rows += [("", "", "", line, "", "") for line in words[1:]]
    columns = (
        text_column("part"), text_column("from"), number_column("share", "%"),
        text_column("supplier"), text_column("basis"), text_column("source"),
    )  # fmt: skip
    notes = _wrap(
        "Several suppliers of a part are alternatives; countries joined by '+' are all needed. A share that nobody "
        "states is a range. 'From stock' was bought before its maker had to stop; 'in place' works on, but does not "
        "grow; 'open copies' may be copied for ever."
    )
    dry = found.stock_only()
    said = _wrap(f"Nobody makes any more, stock alone: {', '.join(dry)}.") if dry else ()
    return Table(title="Where the parts are from", columns=columns, rows=tuple(rows), notes=(*notes, *said))


def _totals(found: Dependence) -> Table:
    sets = (found.capex, found.flop_design, found.flop_fab)
    names = dict.fromkeys(one.country for shares in sets for one in shares)
    ordered = sorted(names, key=lambda name: name == UNKNOWN)
    rows = tuple((name, *(_of(name, shares) for shares in sets)) for name in ordered)
    columns = (
        text_column("country"), number_column("price", "%"), number_column("FLOP/s by design", "%"),
        number_column("FLOP/s by fab", "%"),
    )  # fmt: skip
    notes = _wrap(
        "The price counts where its receivers are: the designer for a chip with its memory, unless the memory's share "
        "is stated. What is unknown may be any country's."
    )
    return Table(title="Shares by country", columns=columns, rows=rows, notes=notes)


def _embargoes(found: Sequence[Embargo]) -> Table:
    rows: list[tuple[str, ...]] = []
    for one in found:
        told = [line for verdict in ("stops", "partly", "unknown") for line in _told(one, verdict)]
        head = (one.country, one.verdict, _range(one.flop_low, one.flop_high))
        for at, line in enumerate(told or [NOTHING]):
            rows.append((*(head if at == 0 else ("", "", "")), line))
    columns = (
        text_column("by"), text_column("new purchases"), number_column("FLOP/s lost", "%"), text_column("what it does"),
    )  # fmt: skip
    notes = _wrap(
        "An embargo hits new purchases; what is in hand stays. 'Stops': no supplier of a part is left; 'partly': "
        "alternatives or stock are; 'unknown': a part has suppliers that nobody names."
    )
    return Table(title="If a country stops delivering", columns=columns, rows=tuple(rows), notes=notes)


def _told(one: Embargo, verdict: str) -> list[str]:
    """Lines such as ``stops: design, fab of a chip; assembly of a system``."""
    by_words: dict[tuple[str, str], list[str]] = {}
    for effect in one.effects:
        if effect.verdict == verdict:
            by_words.setdefault((effect.part.subject, _rest(effect)), []).append(_LABELS[effect.part.component])
    said = [f"{', '.join(labels)} of {subject}{rest}" for (subject, rest), labels in by_words.items()]
    return _lines(f"{_VERDICTS[verdict]}: {'; '.join(said)}", WIDTH - 40) if said else []


def _rest(effect: Effect) -> str:
    """What is left of a part's supply, in brackets."""
    if effect.verdict != "partly":
        return ""
    if effect.high == 0.0:
        return " (in place, no growth)"
    if all(one.supply == "stock" for one in effect.left):
        return " (stock left)"
    return f" ({', '.join(one.company for one in effect.left)} left)"


def _sources(numbered: dict[Source, int]) -> Table:
    rows = []
    for source, at in numbered.items():
        words = ", ".join(filter(None, (source.title, source.publisher, source.date, source.locator)))
        wrapped = _lines(words, WIDTH - 6) + ([source.url] if source.url else [])
        rows += [(f"[{at}]" if line_at == 0 else "", line) for line_at, line in enumerate(wrapped)]
    return Table(title="Sources", columns=(text_column(""), text_column("")), rows=tuple(rows))


def _numbered(found: Dependence) -> dict[Source, int]:
    made: list[Made] = [one for part in found.parts for one in part.suppliers]
    return {source: at for at, source in enumerate(dict.fromkeys(one.source for one in made), start=1)}


def _of(country: str, shares: Sequence[Share]) -> str:
    return next((_range(one.low, one.high) for one in shares if one.country == country), NOTHING)


def _range(low: float, high: float) -> str:
    """A share in percent, as a range where its ends differ."""
    ends = (number(low * 100, 3), number(high * 100, 3))
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _lines(text: str, width: int = 70) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ")


def _wrap(text: str) -> tuple[str, ...]:
    return tuple(textwrap.wrap(text, WIDTH))
