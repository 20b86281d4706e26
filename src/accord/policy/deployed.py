"""Where systems stand on a day, and whether one stands outside its maker's country."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from accord.catalog.days import first_day, last_day
from accord.catalog.deployment import Deployment

Outside = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A deployment as it stood on a day.

    before: earlier entries of the same place that it takes the place of, the newest first
    """

    deployment: Deployment
    before: tuple[Deployment, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemPlaces:
    """A system or chip on a day.

    maker, home: who makes it, and the country of its headquarters, None where the catalog does not know
    outside: whether it works outside ``home``: ``yes`` by an operating deployment elsewhere; ``no`` only where a source
        of that day or later says that it stands nowhere but in ``home``; else ``unknown``
    abroad: countries where it works; intended: where it is announced or planned; withdrawn: where that was taken back
    said_no: statements that it stands nowhere else: those that reach the day, else the last before it
    kin: deployments of its chip that name no system, which may be this one
    """

    system: str
    maker: str | None
    home: str | None
    placed: tuple[Placed, ...]
    outside: Outside
    abroad: tuple[str, ...] = ()
    intended: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    said_no: tuple[Deployment, ...] = ()
    kin: tuple[Placed, ...] = ()

    @property
    def unplaced(self) -> tuple[Deployment, ...]:
        """What works where nobody tells."""
        works = (one.deployment for one in self.placed if one.deployment.state == "operating")
        return tuple(one for one in works if one.country is None)


def placed_on(deployments: Iterable[Deployment], day: datetime.date) -> tuple[Placed, ...]:
    """What stands where on a day: of entries of one system, owner, country and site the newest that had begun.

    What is dated by a month or a year has begun by its last day.
    """
    text = day.isoformat()
    places: dict[tuple[str, str, str | None, str | None], list[Deployment]] = {}
    for one in sorted(deployments, key=lambda entry: (last_day(entry.start), entry.id)):
        if last_day(one.start) <= text:
            places.setdefault((one.system, one.owner, one.country, one.site), []).append(one)
    found = [Placed(entries[-1], tuple(reversed(entries[:-1]))) for entries in places.values()]
    entries = sorted(found, key=lambda one: one.deployment.id)
    return tuple(sorted(entries, key=lambda one: (one.deployment.system, one.deployment.country or "")))


def system_places(
    system: str,
    deployments: Iterable[Deployment],
    day: datetime.date,
    *,
    maker: str | None,
    home: str | None,
    parts: Iterable[str] = (),
    chip: str | None = None,
) -> SystemPlaces:
    """Where one system or chip stands on a day.

    parts: other ids that count as this one: systems made of it, where a chip is asked about
    chip: its chip, where a system is asked about; that it stands nowhere else says so of the system too
    """
    every = tuple(deployments)
    alike = {system, *parts}
    placed = tuple(one for one in placed_on(every, day) if one.deployment.system in alike)
    states: dict[str, dict[str, None]] = {"operating": {}, "announced": {}, "planned": {}, "withdrawn": {}}
    for one in placed:
        country = one.deployment.country
        if home is not None and country is not None and country != home:
            states[one.deployment.state][country] = None
    abroad = tuple(sorted(states["operating"]))
    denials = sorted(
        (one for one in every if one.nowhere_else and one.system in (system, chip) and one.country == home),
        key=lambda one: one.start,
    )
    later = [one for one in denials if first_day(one.start) >= day.isoformat()]
    return SystemPlaces(
        system=system, maker=maker, home=home, placed=placed, outside=_outside(bool(abroad), bool(later)),
        abroad=abroad, intended=tuple(sorted({**states["announced"], **states["planned"]})),
        withdrawn=tuple(sorted(states["withdrawn"])), said_no=tuple(later or denials[-1:]),
        kin=tuple(one for one in placed_on(every, day) if one.deployment.system == chip and chip not in alike),
    )  # fmt: skip


def _outside(abroad: bool, denied: bool) -> Outside:
    if abroad:
        return "yes"
    return "no" if denied else "unknown"
