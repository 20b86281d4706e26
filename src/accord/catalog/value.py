"""A fact: a number or a text, where it is from, how sure that makes us, and what other sources say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from accord.base.errors import CatalogError, MissingFact
from accord.base.source import Basis, Source


def _check_band(number: float | None, low: float | None, high: float | None) -> None:
    hint = "a band has its value inside it: low, value, high"
    if low is not None and (number is None or number < low):
        raise CatalogError(
            f"low is {low:g}, {'above the value' if number is not None else 'without a value'}", hint=hint
        )
    if high is not None and (number is None or number > high):
        raise CatalogError(
            f"high is {high:g}, {'below the value' if number is not None else 'without a value'}", hint=hint
        )


class Alternative(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What another source says about the same fact.

    number: in ``unit``; text: where the fact is no number (then ``unit`` is empty)
    basis, source: as in :class:`Value`; date: day the source speaks of; note: in words
    rejected: known to be wrong, kept so that nobody adds it again
    low, high: the source's own band, in ``unit``
    """

    number: float | None = None
    text: str | None = None
    unit: str = ""
    basis: Basis
    source: str
    date: str | None = None
    note: str | None = None
    rejected: bool = False
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Refuse a band the number is outside of. Raises CatalogError."""
        _check_band(self.number, self.low, self.high)


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fact.

    number: in ``unit``, a unit Accord stores (see :func:`accord.base.units.known_units`)
    text: where the fact is no number (then ``unit`` is empty)
    basis: how it is known; source: key into the entry's sources; date: day it holds for or was read
    note: in words; why: why this number and not an alternative
    low, high: the source's own band, in ``unit``
    """

    number: float | None = None
    text: str | None = None
    unit: str = ""
    basis: Basis
    source: str
    date: str | None = None
    note: str | None = None
    why: str | None = None
    low: float | None = None
    high: float | None = None
    alternatives: tuple[Alternative, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a band the number is outside of. Raises CatalogError."""
        _check_band(self.number, self.low, self.high)

    @property
    def si(self) -> float:
        """The number in ``unit``. Raises MissingFact where the fact is a text."""
        if self.number is None:
            raise MissingFact(f"{self.text!r} is no number (source {self.source})")
        return self.number

    def spread(self) -> tuple[float, ...]:
        """Return the number, its band where it has one, and every alternative's number that was not rejected."""
        own = (self.number, self.low, self.high)
        others = (other.number for other in self.alternatives if not other.rejected)
        return tuple(number for number in (*own, *others) if number is not None)


def _quantity(*units: str, note: str = "") -> msgspec.Meta:
    """Say which units a field takes; none means any known unit, or text."""
    takes = " or ".join(units) if units else "any unit, or text"
    about = f"{note} [{takes}]" if note else f"[{takes}]"
    return msgspec.Meta(description=about, extra={"units": units}, extra_json_schema={"x-units": list(units)})


def fact_units(units: Mapping[str, str]) -> msgspec.Meta:
    """Say which unit the well-known ones of a map of facts take; the others take any."""
    listed = ", ".join(f"{name} [{unit}]" for name, unit in units.items())
    return msgspec.Meta(
        description=f"by name; any unit but: {listed}", extra={"units": (), "units_by_name": dict(units)}
    )


Text = Annotated[
    Value, msgspec.Meta(description="text", extra={"units": ("text",)}, extra_json_schema={"x-units": ["text"]})
]
Count = Annotated[Value, _quantity("1")]
Bytes = Annotated[Value, _quantity("B")]
BytesPerS = Annotated[Value, _quantity("B/s")]
BitsPerS = Annotated[Value, _quantity("b/s")]
OpsPerS = Annotated[Value, _quantity("FLOP/s", "OP/s", note="dense, without structured sparsity")]
Watts = Annotated[Value, _quantity("W")]
Seconds = Annotated[Value, _quantity("s")]
Usd = Annotated[Value, _quantity("USD")]
Tokens = Annotated[Value, _quantity("tok")]
Fact = Annotated[Value, _quantity()]
Signed = Annotated[Value, msgspec.Meta(description="[any unit]; may be negative", extra={"units": (), "signed": True})]
Date = Annotated[
    str, msgspec.Meta(description="ISO date or its beginning: 2025, 2025-06, 2025-Q2", extra={"date": True})
]
Sources = dict[str, Source]


def walk(record: msgspec.Struct) -> Iterator[tuple[str, Value]]:
    """Yield every fact of a record with its dotted key, such as ``fabric.planes[0].tiers[1].bandwidth``."""
    for name in record.__struct_fields__:
        yield from _walk(name, getattr(record, name))


def _walk(key: str, value: object) -> Iterator[tuple[str, Value]]:
    if isinstance(value, Value):
        yield key, value
    elif isinstance(value, msgspec.Struct):
        for name, item in walk(value):
            yield f"{key}.{name}", item
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _walk(f"{key}.{name}", entry)
    elif isinstance(value, tuple):
        for at, entry in enumerate(value):
            yield from _walk(f"{key}[{at}]", entry)
