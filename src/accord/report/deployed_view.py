"""Where systems stand, as the result of ``accord policy adoption --systems`` and as tables."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence

from accord.catalog.deployment import Deployment
from accord.catalog.value import Value
from accord.policy.deployed import Placed, SystemPlaces
from accord.report.tables import NOTHING, Table, text_column

NOT_TOLD = "not told"  # where the country of a deployment would stand
_FEW = 4


def systems_dict(day: datetime.date, found: Sequence[SystemPlaces]) -> dict[str, object]:
    """The result: systems with the answer for each, and their deployments."""
    return {
        "date": day.isoformat(),
        "systems": [
            {
                "system": one.system, "maker": one.maker, "makers_country": one.home,
                "outside_makers_country": one.outside, "abroad": list(one.abroad), "intended": list(one.intended),
                "withdrawn": list(one.withdrawn), "because": _because(one),
                "said_nowhere_else": [{"id": two.id, "date": two.start, **_cite(two)} for two in one.said_no],
                "deployments": [placed_dict(two) for two in one.placed],
                "of_its_chip_system_not_told": [placed_dict(two) for two in one.kin],
            }
            for one in found
        ],
        "answers": {
            "yes": "a deployment in another country works on the day",
            "no": "a source of the day or later says that it stands in that country alone; never said without one",
            "unknown": "nothing that is recorded decides it; announcements and offers are not deployments",
        },
    }  # fmt: skip


def placed_dict(one: Placed) -> dict[str, object]:
    """One deployment with its source, and the entries it takes the place of."""
    found = one.deployment
    return {
        "id": found.id, "system": found.system, "owner": found.owner, "country": found.country, "site": found.site,
        "state": found.state, "start": found.start, "chips": _count_dict(found.chips),
        "systems": _count_dict(found.systems), **_cite(found), "note": found.note,
        "before": [{"id": old.id, "state": old.state, "start": old.start} for old in one.before],
    }  # fmt: skip


def systems_tables(day: datetime.date, found: Sequence[SystemPlaces], *, one_only: bool) -> tuple[Table, ...]:
    """A row a system; its deployments below where one was asked for, else those of all."""
    rows = tuple(
        (
            one.system, one.home or NOTHING, one.outside, ", ".join(one.abroad) or NOTHING,
            ", ".join(one.intended) or NOTHING, ", ".join(one.withdrawn) or NOTHING,
        )
        for one in found
    )  # fmt: skip
    names = ("system or chip", "maker in", "outside it", "works in", "announced, planned", "withdrawn in")
    notes = [
        "Outside its maker's country: yes by a deployment that works; no only where a source says so; else unknown.",
        *(f"{one.system}: {line}" for one in found if one_only or one.outside == "no" for line in _because(one)),
    ]
    head = Table(
        title=f"Known deployments as of {day}", columns=tuple(text_column(name) for name in names), rows=rows,
        notes=tuple(notes),
    )  # fmt: skip
    placed = _distinct(two for one in found for two in one.placed)
    tables = [head, _places("Deployments", placed, notes=one_only)]
    kin = _distinct(two for one in found for two in one.kin) if one_only else []
    if kin:
        tables.append(_places("Of its chip, system not told", kin, notes=True))
    return tuple(tables)


def _distinct(placed: Iterable[Placed]) -> list[Placed]:
    return list({one.deployment.id: one for one in placed}.values())


def _places(title: str, placed: Sequence[Placed], *, notes: bool) -> Table:
    rows = tuple(
        (
            one.deployment.system, one.deployment.owner,
            ", ".join(text for text in (one.deployment.country or NOT_TOLD, one.deployment.site) if text),
            f"{one.deployment.state} {one.deployment.start}", _numbers(one.deployment),
            f"{_source_words(one.deployment)} ({one.deployment.tier})",
        )
        for one in placed
    )  # fmt: skip
    names = ("system or chip", "owner", "place", "state, since", "how many", "source")
    said = [f"{one.deployment.id}: {one.deployment.note}" for one in placed if notes and one.deployment.note]
    columns = tuple(text_column(name) for name in names)
    return Table(title=title, columns=columns, rows=rows, notes=tuple(said))


def _because(one: SystemPlaces) -> list[str]:
    """Why the answer is what it is, in sentences."""
    if one.home is None:
        return ["its maker's country is not in the catalog, so that no place is outside it"]
    told = []
    if one.outside == "yes":
        works = [two.deployment for two in one.placed if two.deployment.state == "operating"]
        away = [two for two in works if two.country not in (None, one.home)]
        told.append("; ".join(f"{two.country} since {two.start} ({two.owner}: {two.id})" for two in away[:_FEW]))
        if len(away) > _FEW:
            told.append(f"{len(away) - _FEW} more")
    for two in one.said_no:
        words = "said to stand nowhere else" if one.outside == "no" else "last said to stand nowhere else"
        told.append(f"{words} on {two.start} ({two.tier}: {two.id})")
    if one.outside == "unknown" and not one.said_no:
        told.append(f"no deployment outside {one.home} is recorded, and no source says that there is none")
    if one.unplaced and one.outside != "yes":
        told.append(f"in which country they stand is not told: {', '.join(two.id for two in one.unplaced)}")
    if one.withdrawn:
        told.append(f"an announcement was taken back: {', '.join(one.withdrawn)}")
    if one.intended:
        told.append(f"announced or planned, not known to work: {', '.join(one.intended)}")
    return told


def _count_dict(value: Value | None) -> Mapping[str, object] | None:
    if value is None:
        return None
    return {"value": value.number, "low": value.low, "high": value.high, "basis": value.basis, "note": value.note}


def _numbers(one: Deployment) -> str:
    stated = [(value, name) for name, value in (("chips", one.chips), ("systems", one.systems)) if value is not None]
    return " / ".join(f"{value.si:,.0f} {name}" for value, name in stated) or NOTHING


def _cite(one: Deployment) -> dict[str, object]:
    return {
        "source": f"deployments/{one.id}:{one.source}", "tier": one.tier, "locator": one.locator, "basis": one.basis,
    }  # fmt: skip


def _source_words(one: Deployment) -> str:
    return f"{one.sources[one.source].publisher} {one.sources[one.source].date}"
