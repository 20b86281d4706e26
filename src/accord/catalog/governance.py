"""A governance instrument: what it asks, who joined it and when, in which state it is."""

from __future__ import annotations

import datetime
from typing import Literal

import msgspec

from accord.base.errors import CatalogError
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
    role: a ``participant`` only took part or abstained, which tells neither that it joined nor that it did not;
        an ``observer`` joined as one
    """

    who: str
    kind: Literal["state", "organisation", "company"]
    role: JoinRole = "signatory"
    joined: bool = True
    start: Date | None = None
    until: Date | None = None
    source: str
    locator: str
    sure: Sure
    note: str | None = None

    def holds(self, day: datetime.date) -> bool:
        """Whether the entry speaks of ``day``; a date that is no whole day counts from its beginning."""
        text = day.isoformat()
        return (self.start is None or self.start <= text) and (self.until is None or text < self.until)


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
    complete: the list of members is known to be whole, so that others have not joined; rules: ids of
        ``instruments`` with rules of law of the same instrument
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
