"""Figures added and multiplied with what their sources claim, without lists of claims that grow and grow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from accord.base.source import Basis
from accord.uncertainty.figure import Figure, calculated_basis
from accord.uncertainty.interval import distinct, products, quotients

MOST = 41


def condensed(points: Sequence[float], most: int = MOST) -> tuple[float, ...]:
    """Equally weighted points as no more than ``most`` of them, the lowest and the highest kept."""
    if len(points) <= most:
        return tuple(points)
    ordered = np.sort(np.asarray(points, dtype=float))
    chosen = np.linspace(0, len(ordered) - 1, most).round().astype(int)
    return tuple(ordered[chosen].tolist())


def product(a: Figure, b: Figure, unit: str) -> Figure:
    """Product of two independent figures, in ``unit``."""
    return _joined((a, b), a.value * b.value, products(a.points, b.points), unit)


def ratio(a: Figure, b: Figure, unit: str) -> Figure | None:
    """Quotient of two independent figures, in ``unit``; None where the divisor is zero."""
    if b.value == 0.0:
        return None
    return _joined((a, b), a.value / b.value, quotients(a.points, b.points), unit)


def plus(a: Figure, b: Figure) -> Figure:
    """Sum of two independent figures of one unit."""
    sums = np.add.outer(np.asarray(a.points, dtype=float), np.asarray(b.points, dtype=float)).ravel()
    return _joined((a, b), a.value + b.value, tuple(sums.tolist()), a.unit)


def mapped(of: Sequence[Figure], rule: Callable[..., float], unit: str) -> Figure:
    """What a rule of several independent figures gives, over every combination of their claims.

    rule: takes one number of each figure, in their order
    """
    value = rule(*(one.value for one in of))
    combinations = np.array(np.meshgrid(*(condensed(one.points, 9) for one in of), indexing="ij"), dtype=float)
    points = [rule(*row) for row in combinations.reshape(len(of), -1).T.tolist()]
    return _joined(of, value, points, unit)


def stated(value: float, unit: str, what: str) -> Figure:
    """A number that the user states: one claim, no source, and a remark that says so."""
    return Figure(
        value=value, unit=unit, basis="assumed", points=(value,), sources=(), remarks=(f"{what}: stated by the user",)
    )


def _joined(of: Sequence[Figure], value: float, points: Sequence[float], unit: str) -> Figure:
    basis: Basis = calculated_basis(one.basis for one in of)
    return Figure(
        value=value,
        unit=unit,
        basis=basis,
        points=_kept(value, points),
        sources=tuple(dict.fromkeys(_flat(one.sources for one in of))),
        remarks=tuple(dict.fromkeys(_flat(one.remarks for one in of))),
        built=any(one.built for one in of),
    )


def _kept(value: float, points: Sequence[float]) -> tuple[float, ...]:
    few = condensed(points)
    return distinct((value,)) if all(point == value for point in few) else few


def _flat(groups: Iterable[tuple[str, ...]]) -> Iterable[str]:
    return (one for group in groups for one in group)
