"""What the verbs that answer claims share: inputs checked, figures found, and a place for what is not known."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from accord.api.law import Law
from accord.base.errors import CatalogError, MissingFact
from accord.base.registry import did_you_mean
from accord.base.source import Basis
from accord.catalog.claim import MOST
from accord.catalog.load import Catalog
from accord.claims.quantity import Quantity
from accord.report.to_json import source_entry
from accord.uncertainty.figure import Figure

_MACHINES = ("systems", "chips")
_ENTRIES: Mapping[str, tuple[str, ...]] = {  # inputs that name an entry of the catalog, and the kinds of it
    "model": ("models",), "system": _MACHINES, "a": _MACHINES, "b": _MACHINES, "item": _MACHINES, "chip": ("chips",),
    "engine": ("engines",), "workload": ("workloads",), "trace": ("workloads",),
}  # fmt: skip
_LONGEST = 60  # characters of what was written that an error repeats
Entries = tuple[Mapping[str, object], ...]
Inputs = TypeVar("Inputs", bound=msgspec.Struct)
_INFINITE = 1e300
_FLAGS: Mapping[str, tuple[str, str]] = {  # inputs that are written otherwise on the command line
    "price_usd_per_chip_hour": ("price", "USD/h"), "tariff_usd_per_kwh": ("tariff", "USD/kWh"),
    "tpot_s": ("tpot", "s"), "ttft_s": ("ttft", "s"), "size_bytes": ("size", "B"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Desk:
    """Where questions are answered: the catalog, the extra paths it was opened with, and the law over it."""

    catalog: Catalog
    paths: tuple[str, ...]
    law: Law


@dataclass(frozen=True, slots=True)
class Found:
    """A verb's answer: figures by name, or why one is not known.

    further: figures whose names are not listed, None for one there is not
    """

    figures: Mapping[str, Quantity | str]
    further: Callable[[str], Quantity | str | None] = field(default=lambda name: None)

    def take(self, name: str) -> Quantity:
        """Return one figure. Raises CatalogError for a name there is not, MissingFact for one that is not known."""
        found = self.figures[name] if name in self.figures else self.further(name)
        if found is None:
            raise CatalogError(f"take is {name!r}, which the answer has not", hint=did_you_mean(name, self.figures))
        if isinstance(found, str):
            raise MissingFact(found)
        return found


def check_entries(values: Mapping[str, object], catalog: Catalog) -> None:
    """Refuse an input that is to name an entry and does not: a claim opens no file, whatever path it writes.

    Raises CatalogError with the closest id.
    """
    for name, value in values.items():
        kinds = _ENTRIES.get(name, ())
        known = tuple(id for kind in kinds for id in catalog.ids(kind))
        if not kinds or not isinstance(value, str) or value in known or _alias(name, value, catalog):
            continue
        said = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
        what = " or ".join(kind.removesuffix("s") for kind in kinds)
        raise CatalogError(f"with.{name} is {said!r}, no {what} of the catalog", hint=did_you_mean(value, known))


def _alias(name: str, value: str, catalog: Catalog) -> bool:
    return name == "engine" and any(value in catalog.engine(id).aliases for id in catalog.ids("engines"))


def inputs_of(kind: type[Inputs], values: Mapping[str, object]) -> Inputs:
    """Read the inputs of a verb. Raises CatalogError naming the input, and the closest where it is unknown."""
    fields = [one.encode_name for one in msgspec.structs.fields(kind)]
    for name in values:
        if name not in fields:
            raise CatalogError(f"with.{name} is no input of the verb", hint=did_you_mean(name, fields))
        _check_sizes(f"with.{name}", values[name])
    try:
        return msgspec.convert(dict(values), kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        key = "".join(("with", place.rstrip("`")))
        raise CatalogError(f"{key}: {what[0].lower()}{what[1:]}") from None


def within(name: str, value: float | None, most: float) -> None:
    """Refuse a number that is not above 0, or above ``most``. Raises CatalogError naming the input."""
    if value is not None and not 0.0 < value <= most:
        raise CatalogError(f"with.{name} is {value:g}", hint=f"give a number above 0, up to {most:g}")


def day_of(text: str) -> datetime.date:
    """Read the input ``date``. Raises CatalogError for what is no day."""
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise CatalogError(f"with.date is {text!r}, no day", hint="write it as 2025-07-26") from None


def asked_text(values: Mapping[str, object]) -> str:
    """Inputs in one order, for the identity of what is asked."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def command_text(verb: str, values: Mapping[str, object], named: Sequence[str] = ()) -> str:
    """Inputs as a command; named: inputs that stand without a flag, in this order."""
    words = [f"accord {verb}", *(str(values[name]) for name in named if name in values)]
    for name, value in values.items():
        if name in named:
            continue
        word, unit = _FLAGS.get(name, (name, ""))
        flag = f"--{word.replace('_', '-')}"
        words += [flag] if value is True else [] if value is False else [flag, f"{_word(value)}{unit}"]
    return " ".join(words)


def of_figure(figure: Figure, desk: Desk, identity: str, how: str, unit: str | None = None) -> Quantity:
    """A figure of the catalog as a quantity whose draws are what its sources say."""
    low, high = figure.band()
    return Quantity(
        value=figure.value, unit=unit or figure.unit, low=min(low, figure.value), high=max(high, figure.value),
        points=figure.points if len(figure.points) > 1 else (), basis=figure.basis, identity=identity, how=how,
        sources=cited(desk, figure.sources),
    )  # fmt: skip


def of_metric(metric: Mapping[str, object], identity: str, how: str, sources: Entries) -> Quantity | str:
    """A metric of a verb's result as a quantity; why not, where it is no finite number."""
    value, low, high = (_float(metric.get(name)) for name in ("value", "low", "high"))
    if value is None:
        return "the answer gives no number"
    if (low is None) != (high is None):
        return f"the answer's interval has no {'lower' if low is None else 'upper'} end"
    basis = metric.get("basis")
    return Quantity(
        value=value, unit=str(metric.get("unit", "1")), low=low, high=high, identity=identity, how=how, sources=sources,
        basis=basis if isinstance(basis, str) and basis in _BASES else "derived",  # type: ignore[arg-type]
    )  # fmt: skip


def exact(
    value: float, unit: str, identity: str, how: str, basis: Basis = "derived", sources: Entries = ()
) -> Quantity:
    """A number without an interval."""
    return Quantity(value=value, unit=unit, basis=basis, identity=identity, how=how, sources=sources)


def cited(desk: Desk, keys: Sequence[str]) -> Entries:
    """Source entries of keys ``kind/id:key``; keys that name no source of the catalog are left out."""
    entries = []
    for ref in dict.fromkeys(keys):
        owner, _, key = ref.partition(":")
        kind, _, id = owner.partition("/")
        try:
            entries.append(source_entry(ref, desk.catalog.source(kind, id, key)))
        except CatalogError:
            continue
    return tuple(entries)


def _check_sizes(key: str, value: object) -> None:
    """Refuse a number that is not finite or beyond all meaning, wherever in a value it stands."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            _check_sizes(f"{key}.{name}", one)
    elif isinstance(value, list | tuple):
        for one in value:
            _check_sizes(key, one)
    elif isinstance(value, int | float) and not -MOST <= value <= MOST:
        raise CatalogError(f"{key} is a number beyond {MOST:g}", hint="leave it out if it is not known")


_BASES = ("measured", "published", "derived", "estimate", "assumed")


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _INFINITE:
        return None
    return float(value)


def _word(value: object) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{name}={_word(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ",".join(_word(one) for one in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
