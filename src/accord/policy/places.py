"""Country groups on a day: which countries are in one, which are not, and of which nobody knows."""

from __future__ import annotations

import datetime
import itertools
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accord.catalog.group import Group

_EVERY = frozenset(map("".join, itertools.product(string.ascii_uppercase, repeat=2)))  # whatever could be a country


@dataclass(frozen=True, slots=True)
class Members:
    """One group on a day; outside: None where every country that is not inside is outside."""

    inside: frozenset[str]
    outside: frozenset[str] | None


class Places:
    """All groups on a day."""

    def __init__(self, groups: Sequence[Group], day: datetime.date) -> None:
        """Sort the countries of each group for the day."""
        self._members = {group.code: _members(group, day) for group in groups}

    def sets(self, words: Iterable[str]) -> tuple[frozenset[str], frozenset[str] | None]:
        """Return countries in one of the groups or codes of ``words``, and those in none; None = all others."""
        inside: set[str] = set()
        outside: frozenset[str] | None = None
        for word in words:
            members = self._members.get(word)
            if members is None:
                inside.add(word)
                continue
            inside |= members.inside
            if members.outside is not None:
                outside = members.outside if outside is None else outside & members.outside
        return frozenset(inside), None if outside is None else outside - inside


def recalled(
    groups: Sequence[Group], asked: Iterable[tuple[str, Sequence[str]]], facts: Mapping[str, object], day: datetime.date
) -> tuple[str, ...]:
    """Say of each membership that comparisons rest on and that nobody read in a list.

    asked: fact and words of each comparison that counted; facts: with the countries
    """
    found: dict[str, None] = {}
    for fact, words in asked:
        for group in groups:
            held = (one for one in group.members if group.code in words and one.country == facts.get(fact))
            if any(one.holds(day) and one.basis == "assumed" for one in held):
                found[f"that {facts[fact]} is in {group.code} is recalled, not read in a list (groups/{group.id})"] = (
                    None
                )
    return tuple(found)


def unsettled(
    groups: Sequence[Group], asked: Iterable[tuple[str, Sequence[str]]], facts: Mapping[str, object], day: datetime.date
) -> tuple[str, ...]:
    """Say of each group that comparisons ask about and of whose membership nobody knows; as :func:`recalled`."""
    found: dict[str, None] = {}
    for fact, words in asked:
        for group in groups:
            held = (one for one in group.unsure if group.code in words and one.country == facts.get(fact))
            for one in held:
                if one.holds(day):
                    note = f": {one.note}" if one.note else ""
                    found[f"whether {one.country} is in {group.code} is not known (groups/{group.id}){note}"] = None
    return tuple(found)


def _members(group: Group, day: datetime.date) -> Members:
    inside = frozenset(one.country for one in group.members if one.holds(day))
    unsure = frozenset(one.country for one in group.unsure if one.holds(day)) - inside
    if group.complete:
        return Members(inside, _EVERY - inside - unsure if unsure else None)
    former = {one.country for one in group.members} - inside
    outside = {one.country for one in group.outside if one.holds(day)} | former
    return Members(inside, frozenset(outside) - inside - unsure)
