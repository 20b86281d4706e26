"""Small instruments for tests: rules written as dicts, in the words of the data files."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from accord.catalog.group import Group
from accord.catalog.instrument import Instrument
from accord.policy.rulebook import Rulebook, rulebook

DAY = datetime.date(2025, 1, 1)
SOURCES = {"S1": {"title": "A law", "publisher": "A ministry", "date": "2024-01-01"}}


def rule(name: str, stage: str, kind: str, value: str = "", **more: object) -> dict[str, object]:
    """A rule in force since 2024; ``more`` takes its other fields, ``params`` as plain numbers."""
    params = more.pop("params", {})
    assert isinstance(params, Mapping)
    found: dict[str, object] = {
        "name": name, "stage": stage, "spans": [{"start": "2024-01-01"}],
        "consequence": {"kind": kind, "value": value, **dict(more.pop("then", {}))},  # type: ignore[call-overload]
        "cites": [{"source": "S1", "tier": "primary", "locator": "p. 1"}],
        "params": {key: _number(one) for key, one in params.items()},
    }  # fmt: skip
    return found | more


def _number(number: float) -> dict[str, object]:
    return {"number": float(number), "unit": "1", "basis": "published", "source": "S1"}


def instrument(*rules: dict[str, object], id: str = "law", **more: object) -> Instrument:
    """An instrument of one or more rules."""
    return msgspec.convert(
        {
            "id": id, "title": "A law", "jurisdiction": "us", "authority": "A ministry", "topic": "export",
            "binding": "binding", "last_checked": "2024-06-01", "rules": list(rules), "sources": SOURCES, **more,
        },
        Instrument,
    )  # fmt: skip


def group(code: str, *members: str, complete: bool = True, outside: tuple[str, ...] = ()) -> Group:
    """A group of countries."""

    def listed(codes: tuple[str, ...]) -> list[dict[str, str]]:
        return [{"country": one, "source": "S1", "basis": "published"} for one in codes]

    return msgspec.convert(
        {
            "id": code.lower().replace(":", ""), "code": code, "name": code, "complete": complete,
            "missing": None if complete else "others", "members": listed(members), "outside": listed(outside),
            "sources": SOURCES,
        },
        Group,
    )  # fmt: skip


def book(
    *instruments: Instrument,
    groups: tuple[Group, ...] = (),
    day: datetime.date = DAY,
    what_if: Mapping[str, float] | None = None,
) -> Rulebook:
    """The rules of a day."""
    return rulebook(instruments, groups, day, what_if)


AT_LEAST = {"fact": "tpp", "op": ">=", "param": "tpp"}
DENSE = {
    "all": [{"fact": "tpp", "op": ">=", "param": "low"}, {"fact": "performance_density", "op": ">=", "param": "pd"}]
}
CLASS_A = rule(
    "3A090.a",
    "class",
    "class",
    "3A090.a",
    when={"any": [AT_LEAST, DENSE]},
    params={"tpp": 4800, "low": 1600, "pd": 5.92},
)
DENIED = rule(
    "denial", "licence", "licence", "presumption_of_denial", when={"fact": "class", "op": "in", "among": ["3A090.a"]},
    scope={"destinations": ["D:5"], "headquarters": ["D:5"]},
)  # fmt: skip
LETTER = rule(
    "letter", "licence", "licence", "is_informed", scope={"addressees": ["nvidia"], "destinations": ["D:5"]},
    when={"fact": "item_names", "op": "meets", "among": ["h20"]},
)  # fmt: skip
D5 = group("D:5", "CN", "RU")
