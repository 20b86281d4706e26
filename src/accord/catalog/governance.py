"""A governance instrument: what it asks, who joined it and when, in which state it is."""

from __future__ import annotations

import datetime
from typing import Literal

import msgspec

from accord.base.errors import CatalogError
from accord.catalog.days import first_day, last_day
from accord.catalog.instrument import Tier
from accord.catalog.value import Date, Sources

Form = Literal[
    "initiative", "declaration", "resolution", "treaty", "pledge", "action-plan", "strategy", "principles", "code",
    "organisation", "network", "alliance", "association", "group", "channel", "statement",
]  # fmt: skip
Theme = Literal[
    "capacity", "safety-testing", "transparency", "incident-reporting", "energy", "open-source", "standards", "compute",
    "data", "privacy", "fairness", "human-rights", "governance", "sovereignty", "supply-chain", "export-control",
    "labour", "inclusion", "security", "military", "research", "intellectual-property", "public-sector",
]  # fmt: skip
EvidenceName = Literal[
    "energy_per_token", "energy_of_run", "emissions", "open_weights", "licence", "training_compute", "safety_tests",
    "performance_tests", "shared_compute", "standards", "supply_dependence", "bill_of_materials",
]  # fmt: skip
JoinRole = Literal["signatory", "member", "founder", "sponsor", "co-sponsor", "participant", "observer", "endorser"]
ASIDE: tuple[JoinRole, ...] = ("participant", "observer")
Sure = Literal["seen", "counted", "recalled"]


class Provision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing an instrument asks or promises, in our own words.

    id: unique in the instrument; themes: what it is about; evidence: what Accord could show for it, none = nothing
    """

    id: str
    text: str
    themes: tuple[Theme, ...]
    evidence: tuple[EvidenceName, ...] = ()
    source: str
    tier: Tier
    locator: str


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody's place in an instrument.

    who: ISO code of a state, EU, or the name of an organisation or company; joined: false where a source says that
        they did not; start, until: days of it; sure: named by a source that was seen, only counted there, or recalled
    role: a ``participant`` that is not said to have refused only took part or voted, and an ``observer`` only watches,
        which tells neither
    latest: which of ``start`` and ``until`` is only the last day by which it can have been
    """

    who: str
    kind: Literal["state", "territory", "organisation", "company"]
    role: JoinRole = "signatory"
    joined: bool = True
    start: Date | None = None
    until: Date | None = None
    source: str
    locator: str
    sure: Sure
    latest: tuple[Literal["start", "until"], ...] = ()
    note: str | None = None

    @property
    def took_part(self) -> bool:
        """Whether the entry tells neither that they joined nor that they did not: who only took part or watches."""
        return self.joined and self.role in ASIDE

    def began(self, day: datetime.date) -> bool:
        """Whether it had surely begun: a month or a year is over by its last day."""
        return self.start is None or last_day(self.start) <= day.isoformat()

    def holds(self, day: datetime.date) -> bool:
        """Whether the entry surely speaks of ``day``."""
        text = day.isoformat()
        if self.until is None:
            return self.began(day)
        if "until" in self.latest:
            return self.start is not None and last_day(self.start) == text < first_day(self.until)
        return self.began(day) and text < first_day(self.until)

    def unsure(self, day: datetime.date) -> str | None:
        """Which of ``start`` and ``until`` leaves open whether the entry speaks of ``day``."""
        text = day.isoformat()
        if self.start is not None and text < last_day(self.start):
            return "start" if "start" in self.latest or first_day(self.start) <= text else None
        if self.until is None or self.holds(day) or last_day(self.until) <= text:
            return None
        return "until"


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an instrument stood from a day on, in words."""

    start: Date
    text: str
    source: str
    tier: Tier
    locator: str


class Tally(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that a source states; what: of signatories, co-sponsors, votes ..."""

    date: Date
    number: int
    what: str
    source: str
    locator: str


class Governance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instrument.

    date: when it was made; binding: ``on-ratification`` of a treaty; bloc: whose initiative it is, an ISO code or UN
    complete: the list of members is known to be whole, so that others have not joined; complete_on: the last day it is
        known of, else the newest source's; rules: ids of ``instruments`` with rules of law of the same instrument
    """

    id: str
    title: str
    form: Form
    date: Date
    sponsors: tuple[str, ...]
    bloc: str | None = None
    binding: Literal["binding", "on-ratification", "guidance", "voluntary"]
    states: tuple[State, ...]
    provisions: tuple[Provision, ...]
    members: tuple[Member, ...] = ()
    complete: bool = False
    complete_on: Date | None = None
    tallies: tuple[Tally, ...] = ()
    rules: tuple[str, ...] = ()
    note: str | None = None
    sources: Sources

    def __post_init__(self) -> None:
        """Refuse two provisions of one id. Raises CatalogError."""
        for at, provision in enumerate(self.provisions):
            if provision.id in [other.id for other in self.provisions[:at]]:
                hint = "name each provision of an instrument its own way"
                raise CatalogError(f"provisions[{at}].id is {provision.id!r}, the id of an earlier one", hint=hint)

    @property
    def whole(self) -> tuple[str, str] | None:
        """The first and last day [ISO] of which the list is known to be whole; None where it is not."""
        if not self.complete:
            return None
        made = last_day(self.date)
        told = self.complete_on or max((first_day(source.date) for source in self.sources.values()), default=made)
        return made, max(made, first_day(told))
