"""A number that keeps its pedigree while it is calculated with: unit, basis, sources and what they claim."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from accord.base import units
from accord.base.source import Basis
from accord.catalog.value import Alternative, Value
from accord.uncertainty.interval import LEVEL, band, distinct, products, quotients

_WEAKEST_FIRST: tuple[Basis, ...] = ("assumed", "estimate")


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published fact, or what follows from several.

    value: by the chosen claims, in ``unit``
    points: what the kept claims give, equally weighted, the chosen ones among them
    sources: ``kind/id:key`` of every source that was used; remarks: what they say in words
    built: put together from parts, because nobody states it
    """

    value: float
    unit: str
    basis: Basis
    points: tuple[float, ...]
    sources: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    built: bool = False

    def band(self, level: float = LEVEL) -> tuple[float, float]:
        """Low and high end, in ``unit``; see :func:`accord.uncertainty.interval.band`."""
        return band(self.points, level)

    @property
    def disputed(self) -> bool:
        """Whether the claims differ by more than rounding."""
        return len(distinct(self.points)) > 1


def of(value: Value | None, owner: str) -> Figure | None:
    """A fact of the catalog with its kept alternatives, or None where there is no number.

    owner: ``kind/id`` of the entry that holds it
    """
    if value is None or value.number is None:
        return None
    kept = [other for other in value.alternatives if not other.rejected and other.number is not None]
    keys = dict.fromkeys((value.source, *(other.source for other in kept)))
    return Figure(
        value=value.number,
        unit=value.unit,
        basis=value.basis,
        points=distinct(value.spread()),
        sources=tuple(f"{owner}:{key}" for key in keys),
        remarks=(_remark(value, kept),),
    )


def times(a: Figure, b: Figure, unit: str) -> Figure:
    """Product of two figures, in ``unit``."""
    points = distinct((a.value * b.value, *products(a.points, b.points)))
    return _joined(a, b, a.value * b.value, unit, points)


def over(a: Figure, b: Figure, unit: str) -> Figure | None:
    """Quotient of two figures, in ``unit``; None where the divisor is zero."""
    if b.value == 0.0:
        return None
    return _joined(a, b, a.value / b.value, unit, quotients(a.points, b.points))


def scaled(a: Figure, factor: float, unit: str) -> Figure:
    """The same figure in other units or per other direction."""
    points = tuple(point * factor for point in a.points)
    return msgspec.structs.replace(a, value=a.value * factor, points=points, unit=unit)


def pooled(first: Figure, *others: Figure) -> Figure:
    """One quantity stated in several places: the first's value, the claims and sources of all."""
    claims = (point for figure in (first, *others) for point in figure.points)
    sources = (source for figure in (first, *others) for source in figure.sources)
    return msgspec.structs.replace(
        first, points=distinct((first.value, *claims)), sources=tuple(dict.fromkeys(sources))
    )


def calculated_basis(inputs: Iterable[Basis]) -> Basis:
    """Basis of what is calculated: derived, or assumed or estimate where an input is no more than that."""
    found = set(inputs)
    return next((basis for basis in _WEAKEST_FIRST if basis in found), "derived")


def _joined(a: Figure, b: Figure, value: float, unit: str, points: tuple[float, ...]) -> Figure:
    return Figure(
        value=value,
        unit=unit,
        basis=calculated_basis((a.basis, b.basis)),
        points=points,
        sources=tuple(dict.fromkeys((*a.sources, *b.sources))),
        remarks=tuple(dict.fromkeys((*a.remarks, *b.remarks))),
        built=a.built or b.built,
    )


def _remark(value: Value, kept: list[Alternative]) -> str:
    """The chosen number with its reason, and the others that differ from it."""
    reason = next((text for text in (value.why, value.note) if text and "://" not in text), None)
    told = f"{units.show(value.si, value.unit, 4)} ({value.basis}){f': {reason}' if reason else ''}"
    seen, parts = [value.si], []
    for other in kept:
        number = other.number
        if number is None or len(distinct((*seen, number))) == len(seen):
            continue
        seen.append(number)
        note = f", {other.note}" if other.note and "://" not in other.note else ""
        parts.append(f"{units.show(number, other.unit, 4)} ({other.basis}{note})")
    return f"{told}. Others: {'; '.join(parts)}" if parts else told
