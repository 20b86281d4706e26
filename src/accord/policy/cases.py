"""Dated cases with the answer that is expected: a row as facts, and what the rules of its day answer.

What a case says goes before the catalog, and an empty cell is unknown. The columns that say where a case is from
(case_id, rule_id, source, note) are no part of its facts.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from accord.base.errors import TableError
from accord.base.registry import did_you_mean
from accord.catalog.chip import Chip
from accord.catalog.countries import CODES
from accord.catalog.instrument import REVIEWS
from accord.catalog.legal_fact import ACTS, FACTS
from accord.catalog.party import Party
from accord.policy.classify import INSUFFICIENT
from accord.policy.countries import OTHERWISE
from accord.policy.decide import NO_LICENCE
from accord.policy.facts import FactValue, Uncertain
from accord.policy.item import Item, Told, name_words
from accord.policy.screen import UNNAMED, exporter_facts, resolve

NUMBERS: Mapping[str, tuple[str, float]] = {  # column -> fact, and its unit in the fact's
    "tpp": ("tpp", 1.0),
    "applicable_die_area_mm2": ("die_area", 1.0),
    "package_area_mm2": ("package_area", 1.0),
    "performance_density": ("performance_density", 1.0),
    "io_bandwidth_gbs": ("io_bandwidth", 1e9),
    "dram_bandwidth_gbs": ("dram_bandwidth", 1e9),
}
WORDS: Mapping[str, str] = {"item_type": "item_type", "datacenter_marketed": "datacenter_marketed"}
COUNTRIES: Mapping[str, str] = {"destination": "destination", "consignee_hq": "hq"}
ASKED = ("chip", "date", "transaction", "exporter", *COUNTRIES, *WORDS, *NUMBERS)
EXPECTED = ("expected_eccn", "expected_outcome")
ABOUT = ("case_id", "basis")
COLUMNS = (*ABOUT, *ASKED, *EXPECTED)
REQUIRED = ("case_id", "chip", "date", *EXPECTED)
UNKNOWN = "unknown"
_CLASSES = (
    "not_3A090_yet", "none", "3A090", "3A090(2022):none", "3A090.a", "3A090.b", "3A090.c", "3A090(presumed)",
    "unknown", "4A090", "4A090.a", "4A090.b", "4A090(presumed)",
)  # fmt: skip
_OUTCOMES = (NO_LICENCE, INSUFFICIENT, *(f"licence:{review}" for review in REVIEWS))
_EXPECTED = {"expected_eccn": _CLASSES, "expected_outcome": _OUTCOMES}
_FORMS = frozenset(("sxm", "pcie", "oam", "mm2", "gb"))  # of words of names: shapes and sizes, which no maker owns
_MEMORY = re.compile(r"(hbm|gddr|lpddr|ddr)[0-9a-z]*")
_JOINED = re.compile(r"([a-z]{4,})([0-9][0-9a-z]*)")  # Ascend910C
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOVES = ("reexport", "in_country_transfer", "domestic", *ACTS)
_SAME = {  # other words for a kind of item
    "gpu": "ic", "accelerator": "ic", "die": "ic", "wafer": "ic", "hbm": "memory", "dram": "memory",
    "server": "system", "computer": "system", "assembly": "system", "board": "system", "rack": "system",
}  # fmt: skip
_NODE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?nm\b")
_SYMBOLS = {"ga": "gallium", "ge": "germanium", "sb": "antimony"}  # of the periodic table
_MATERIALS = frozenset(("gallium", "germanium", "antimony", "superhard", "rare_earth"))
_ACROSS = re.compile(r"(export_from|import_into)_([a-z]{2})")
_PLAIN_DENSITY = Uncertain(0.5, 0.05, 1.5)  # GB/s per mm2; GDDR7 at 48 Gb/s: 192 GB/s over 12 x 14 mm is 1.14
DESCRIBED = ("memory", "material", "equipment", "weights")  # kinds of item that a name and facts describe


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    id, basis: for the reader alone; facts: what the row says of item and deal; names: words of the item's name
    exporter: as written, None where it is not stated; strange: expected words that no rule gives, in words
    """

    id: str
    basis: str
    chip: str
    day: datetime.date
    facts: Mapping[str, FactValue]
    exporter: str | None
    expected_eccn: str
    expected_outcome: str
    strange: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """A case beside what the rules of its day answer; reason: the rule that decided, or what is not known."""

    case: Case
    eccn: str
    outcome: str
    reason: str

    @property
    def eccn_is_right(self) -> bool:
        """Whether the class is the one expected, alternatives compared as a set."""
        return same(self.case.expected_eccn, self.eccn)

    @property
    def outcome_is_right(self) -> bool:
        """Whether the outcome is the one expected, alternatives compared as a set."""
        return same(self.case.expected_outcome, self.outcome)


def same(expected: str, got: str) -> bool:
    """Whether two answers are the same, alternatives joined by ``|`` in any order."""
    return set(expected.split("|")) == set(got.split("|"))


def read_case(cells: Mapping[str, str], where: str) -> Case:
    """Read a row; cells that are empty are left out of ``cells``. Raises TableError with row and column.

    where: file and line, for messages
    """
    facts: dict[str, FactValue] = {}
    for column, (fact, size) in NUMBERS.items():
        if column in cells:
            facts[fact] = _number(cells[column], column, where) * size
    for column, fact in WORDS.items():
        if cells.get(column, UNKNOWN) != UNKNOWN:
            word = _SAME.get(cells[column].lower(), cells[column]) if fact == "item_type" else cells[column]
            facts[fact] = _word(word, column, FACTS[fact].words, where)
    for column, fact in COUNTRIES.items():
        if cells.get(column, UNKNOWN) != UNKNOWN:
            facts[fact] = _country(cells[column], column, where)
    if cells.get("transaction", UNKNOWN) != UNKNOWN:
        facts["transaction"] = _transaction(cells["transaction"], where)
    if "tpp" in facts and "die_area" in facts:
        facts.pop("performance_density", None)  # follows from the two
    strange = tuple(
        said for column, known in _EXPECTED.items() for said in _strange(cells[column], column, known, where)
    )
    return Case(
        id=cells["case_id"], basis=cells.get("basis", UNKNOWN), chip=cells["chip"], day=_day(cells["date"], where),
        facts=facts, exporter=cells.get("exporter"), expected_eccn=cells["expected_eccn"],
        expected_outcome=cells["expected_outcome"], strange=strange,
    )  # fmt: skip


def case_facts(case: Case, chips: Iterable[Chip], parties: Sequence[Party]) -> dict[str, FactValue]:
    """All that rules may ask of a case: its own facts, and what its names say.

    chips: of the catalog, asked only who designs a chip of that name; parties: to find designer and exporter. Of a
        chip that the catalog has not, an exporter that sells chips of its own is the designer.
    """
    facts = dict(case.facts)
    facts |= {name: value for name, value in described(case.chip, facts).items() if name not in case.facts}
    exporter = resolve(parties, case.exporter) if case.exporter is not None else None
    if case.exporter is not None:
        facts |= exporter_facts(exporter) if exporter is not None else {"exporter": case.exporter.strip().lower()}
    designer = designer_of(case.chip, chips, parties)
    if designer is None and exporter is not None and exporter.chip_vendor is not None:
        designer = exporter  # who designs chips and sells them sends its own
    if designer is not None:
        facts["designer_hq"] = facts["origin"] = designer.country
    return {**facts, **UNNAMED}


def described(name: str, facts: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """What the description of an item says of what it is: words, kind of memory, material, node of a circuit.

    facts: what else is known of it. A device of GDDR, LPDDR or DDR has a density far below that of any HBM stack.
    """
    words, item_type = item_words(name), facts.get("item_type")
    found: dict[str, FactValue] = {"item_names": words}
    if item_type == "memory":
        kinds = [one.group(1) for word in sorted(words) if (one := _MEMORY.fullmatch(word))]
        kind = facts.get("memory_kind", kinds[0] if kinds else None)
        if isinstance(kind, str):
            found |= {"memory_kind": kind, "item_names": words | {kind}}
        if kind is not None and kind != "hbm":
            found["memory_density"] = _PLAIN_DENSITY
    elif item_type in ("material", "equipment"):
        made = {_SYMBOLS.get(word, word) for word in words}
        made |= {"rare_earth"} if {"rare", "earth"} <= words else set()
        named = made & _MATERIALS
        found |= {"material": frozenset(named)} if named else {}
    else:
        node = _NODE.search(name.lower())
        found |= {"process_nm": float(node.group(1))} if node and item_type == "ic" else {}
    return found


def described_item(item_type: str, name: str) -> Item:
    """An item that the catalog has not, as its name describes it. item_type: of :data:`DESCRIBED`."""
    known: dict[str, FactValue] = {"item_type": item_type}
    read = described(name, known)
    how = {"memory_density": "no such device comes near the density of HBM"}
    told = {fact: Told(how.get(fact, "the item's name says so"), "assumed", ()) for fact in read}
    told["item_type"] = Told("given with the question", "assumed", ())
    return Item(name, name, {**known, **read}, told)


def item_words(name: str) -> frozenset[str]:
    """Words of an item's name in lower case; of a word and number written as one the two as well."""
    words = name_words(name)
    parts = [part for word in words if (found := _JOINED.fullmatch(word)) for part in found.groups()]
    return frozenset((*words, *parts))


def designer_of(name: str, chips: Iterable[Chip], parties: Sequence[Party]) -> Party | None:
    """The one designer of the chips of that name; None where there is none, or several.

    A chip has the name where its words hold all of the name's, or follow one another as the name does without blanks.
    """
    words = [word for word in name_words(name) if word not in _FORMS]
    vendors = {chip.vendor for chip in chips if words and _is_named(words, chip)}
    found = [party for party in parties if party.chip_vendor in vendors]
    return found[0] if len(found) == 1 and len(vendors) == 1 else None


def _is_named(words: Sequence[str], chip: Chip) -> bool:
    of_name, of_id = name_words(chip.name), name_words(chip.id)
    if set(words) <= {*of_name, *of_id}:
        return True
    asked = "".join(words)
    return any(
        asked == "".join(its[start:end])
        for its in (of_name, of_id)
        for start in range(len(its))
        for end in range(start + 1, len(its) + 1)
    )


def summary(scored: Sequence[Scored]) -> dict[str, object]:
    """Count what is right, in all and by basis."""
    by_basis: dict[str, list[Scored]] = {}
    for one in scored:
        by_basis.setdefault(one.case.basis, []).append(one)
    return {**_counts(scored), "by_basis": {basis: _counts(by_basis[basis]) for basis in sorted(by_basis)}}


def _counts(scored: Sequence[Scored]) -> dict[str, int]:
    return {
        "cases": len(scored),
        "eccn_correct": sum(one.eccn_is_right for one in scored),
        "outcome_correct": sum(one.outcome_is_right for one in scored),
        "both_correct": sum(one.eccn_is_right and one.outcome_is_right for one in scored),
    }


def _number(text: str, column: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0.0):
        hint = "write a plain number above 0, or leave the cell empty where it is not known"
        raise TableError(f"{column} is {text!r}, no number above 0", where=where, hint=hint)
    return value


def _word(text: str, column: str, words: Collection[str], where: str) -> str:
    if text not in words:
        raise TableError(f"{column} is {text!r}", where=where, hint=did_you_mean(text, words))
    return text


def _strange(text: str, column: str, known: Sequence[str], where: str) -> Iterator[str]:
    """Say which words of an expected answer no rule could give, with the closest that one could."""
    for word in text.split("|"):
        kind, _, rest = word.partition(":")
        if word not in known and not (column == "expected_outcome" and _is_open_word(kind, rest)):
            yield f"{where}: {column} is {text!r}: no answer is called {word!r} ({did_you_mean(word, known)})"


def _is_open_word(kind: str, rest: str) -> bool:
    """Whether a word of an outcome is of a kind that names a fact, a day or a rule's own word."""
    return (
        (kind == "depends" and rest in (*FACTS, "from"))
        or (kind == "check" and _DAY.fullmatch(rest) is not None)
        or (kind in ("restricted", "duty", "prohibited", "permitted", "exception") and bool(rest))
    )


def _country(text: str, column: str, where: str) -> str:
    if text in OTHERWISE:
        hint = f"did you mean '{OTHERWISE[text]}'?"
        raise TableError(f"{column} is {text!r}, no country code", where=where, hint=hint)
    if text not in CODES:
        hint = f"{did_you_mean(text, sorted(CODES))} (ISO codes of two letters, such as CN)"
        raise TableError(f"{column} is {text!r}, no country code", where=where, hint=hint)
    return text


def _transaction(text: str, where: str) -> str:
    found = _ACROSS.fullmatch(text)
    if text in _MOVES or (found and found.group(2).upper() in CODES):
        return text
    known = ("export_from_us", "import_into_us", *_MOVES)
    raise TableError(f"transaction is {text!r}", where=where, hint=did_you_mean(text, known))


def _day(text: str, where: str) -> datetime.date:
    try:
        if _DAY.fullmatch(text):
            return datetime.date.fromisoformat(text)
    except ValueError:
        pass
    raise TableError(f"date is {text!r}, no day", where=where, hint="write it as 2025-05-01")
