"""All numbers of a calibration before they are written: entries, who inherits from whom, numbers and curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from accord.base.source import Source
from accord.calibration.numbers import FittedNumber
from accord.calibration.operator_stage import OperatorFit
from accord.calibration.priors import CARDS, ENGINE_SD, ENGINES, EXACT, GENERIC, JUDGEMENTS, TABLED, UNTABLED, Shift
from accord.catalog.calibration import Calibration, Curve, Fit
from accord.catalog.load import Catalog
from accord.catalog.value import Value

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "ascend": ("ascend-910", "ascend-950", "ascend-310"),
    "amd": ("amd-cdna1", "amd-cdna2", "amd-cdna3", "amd-cdna4", "amd-cdna5"),
}
SOURCES: Mapping[str, Source] = {
    "AIC": Source(
        title="aiconfigurator-core 0.12 operator tables", publisher="NVIDIA", date="2026-08",
        locator="systems/data, Apache-2.0",
    ),
    "ROWS": Source(
        title="Published measurements of kernels, pools and deployments", publisher="several, cited row by row",
        date="2026-11", locator="see docs/accuracy.md",
    ),
    "RULE": Source(
        title="Engineering judgement, no measurement", publisher="Accord", date="2026-11-22",
        locator="src/accord/calibration/priors.py",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to be. numbers, curves: by name; sources: key of :data:`SOURCES` by name."""

    id: str
    parent: str | None
    families: tuple[str, ...]
    chips: tuple[str, ...]
    numbers: Mapping[str, FittedNumber]
    curves: Mapping[str, Curve]
    sources: Mapping[str, str]
    correlations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


Book = Mapping[str, Entry]


def first_book(
    catalog: Catalog, operators: OperatorFit, collectives: Mapping[str, Mapping[str, FittedNumber]]
) -> dict[str, Entry]:
    """Entries from tables and judgements alone, before any row is seen."""
    numbers: dict[str, dict[str, FittedNumber]] = {GENERIC: _judged()}
    for source in (operators.levels.entries, collectives):
        for entry, found in source.items():
            numbers.setdefault(entry, {}).update(found)
    sources = {entry: dict.fromkeys(found, "AIC") for entry, found in numbers.items()}
    sources[GENERIC] |= {name: "RULE" for name, number in numbers[GENERIC].items() if number.n == 0}
    for entry in UNTABLED:
        numbers.setdefault(entry, {})
        sources.setdefault(entry, {})
    book: dict[str, Entry] = {}
    for entry, found in sorted(numbers.items()):
        parent, families, chips = _place(catalog, entry)
        curves = operators.curves.entries.get(entry, {})
        book[entry] = Entry(entry, parent, families, chips, found, curves, sources[entry])
    return book


def _judged() -> dict[str, FittedNumber]:
    """Judgements, and each engine's own copy of those that differ between engines."""
    judged = {**JUDGEMENTS, **EXACT}
    found = {name: FittedNumber(one.value, one.log_sd, 0, ()) for name, one in judged.items()}
    for name, spread in ENGINE_SD.items():
        sd = (JUDGEMENTS[name].log_sd ** 2 + spread**2) ** 0.5
        found |= {f"{name}.{engine}": FittedNumber(JUDGEMENTS[name].value, sd, 0, ()) for engine in ENGINES}
    return found


def _place(catalog: Catalog, entry: str) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """Parent, families and chips of an entry by its id: ``generic``, a family or a chip."""
    if entry == GENERIC:
        return None, (), ()
    if entry in catalog.ids("chips"):
        family = catalog.chip(entry).family
        parents = (name for name, members in FAMILIES.items() if family in members)
        return next(parents, family), (), (entry,)
    return GENERIC, FAMILIES.get(entry, (entry,)), ()


def ancestors(book: Book, entry: str) -> tuple[str, ...]:
    """The entry and those it inherits from, nearest first."""
    chain = [entry]
    while (parent := book[chain[-1]].parent) is not None:
        chain.append(parent)
    return tuple(chain)


def stated(book: Book, entry: str, moving: Iterable[Shift]) -> dict[str, Entry]:
    """The book with inherited numbers that factors of ``entry`` move stated by the entry itself."""
    own = dict(book[entry].numbers)
    sources = dict(book[entry].sources)
    for shift in moving:
        for parent in ancestors(book, entry)[1:]:
            for key, number in book[parent].numbers.items():
                if shift.moves(key) and key not in own:
                    own[key] = number if entry in TABLED else replace(number, n=0, chips=())
                    sources[key] = book[parent].sources[key] if entry in TABLED else "ROWS"
    curves = dict(book[entry].curves)
    if entry in CARDS:  # an entry that states a share of the peak does without inherited curves
        for parent in ancestors(book, entry)[1:]:
            curves = {**book[parent].curves, **curves}
    return {**book, entry: replace(book[entry], numbers=own, sources=sources, curves=curves)}


def calibrations(book: Book, fitted: str, notes: Mapping[str, str]) -> dict[str, Calibration]:
    """The records the catalog would read. fitted: day of the fit; notes: what a number is, by longest prefix."""
    return {id: _calibration(entry, fitted, notes) for id, entry in book.items()}


def _calibration(entry: Entry, fitted: str, notes: Mapping[str, str]) -> Calibration:
    values: dict[str, Value] = {}
    for name, number in sorted(entry.numbers.items()):
        key = entry.sources[name]
        values[name] = Value(
            number=rounded(bounded(name, number.value)), unit=unit_of(name), source=key, note=note_of(name, notes),
            basis="assumed" if number.n == 0 else "derived",
        )  # fmt: skip
    fits = {
        name: Fit(log_sd=round(number.log_sd, 3), n=number.n, chips=number.chips)
        for name, number in sorted(entry.numbers.items())
        if number.log_sd > 0.0
    }
    return Calibration(
        id=entry.id, parent=entry.parent, families=entry.families, chips=entry.chips, fitted=fitted,  # type: ignore[arg-type]
        parameters=values, fits=fits, correlations={a: dict(row) for a, row in entry.correlations.items()},
        curves=dict(entry.curves), sources={key: SOURCES[key] for key in sorted(set(entry.sources.values()))},
    )  # fmt: skip


def unit_of(name: str) -> str:
    """Unit of a parameter by its name: seconds, bytes a second, or none."""
    if any(part.endswith("_s") or part == "launch_s" for part in name.split(".")):
        return "s"
    return "B/s" if name.startswith("pool.") else "1"


def note_of(name: str, notes: Mapping[str, str]) -> str | None:
    """The note of the longest prefix of a name."""
    known: Sequence[str] = [key for key in notes if name == key or name.startswith(f"{key}.")]
    return notes[max(known, key=len)] if known else None


_SHARES = (".compute.", ".memory.", ".link.", ".share.")


def bounded(name: str, value: float) -> float:
    """A share of a peak is at most 1."""
    return min(value, 1.0) if any(part in f".{name}." for part in _SHARES) else value


def rounded(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")
