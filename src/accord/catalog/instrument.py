"""An instrument of law or policy: its rules with the days they hold, what they ask, what follows, who says so."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec

from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.catalog.legal_fact import FACTS
from accord.catalog.value import Date, Fact, Sources

Tier = Literal["primary", "law-firm", "news", "recalled"]
STRONG: tuple[Tier, ...] = ("primary", "law-firm")
Topic = Literal["export", "import", "ai"]
Standing = Literal["in_force", "reported", "suspended", "unverified", "proposed", "vetoed", "voluntary"]
APPLIES: tuple[Standing, ...] = ("in_force", "reported", "unverified", "voluntary")
Op = Literal[">=", ">", "<=", "<", "is", "in", "meets", "before", "from"]
Stage = Literal[
    "presumption", "class", "fallback", "follows", "licence", "exception", "import", "duty", "obligation", "exemption"
]
Kind = Literal[
    "class", "presumed", "rebuts", "follows", "licence", "exception", "prohibited", "permitted", "restricted", "duty",
    "obligation", "exempt", "none",
]  # fmt: skip
REVIEWS = (
    "required", "is_informed", "case_by_case", "presumption_of_denial", "presumption_of_approval",
    "granted_with_15pct_share",
)  # fmt: skip


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"not_": "not"}):
    """A condition: ``all`` or ``any`` of others, ``not`` another, or a comparison of one fact.

    fact: name of :data:`accord.catalog.legal_fact.FACTS`
    op: ``>=``, ``>``, ``<=``, ``<`` a number, ``before`` or ``from`` a day, ``is`` a word, ``in`` some words, countries
        or country groups, ``meets`` some words of a set
    param: name of the rule's parameter that a number is compared with
    value: word or day; among: words, country codes, codes of groups such as D:5, party ids
    note: what it stands for, in words
    """

    all: tuple[Clause, ...] = ()
    any: tuple[Clause, ...] = ()
    not_: Clause | None = None
    fact: str | None = None
    op: Op | None = None
    param: str | None = None
    value: str | None = None
    among: tuple[str, ...] = ()
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse a clause that is two things, none, or compares what cannot be compared. Raises CatalogError."""
        given = [name for name in ("all", "any", "not_", "fact") if getattr(self, name)]
        if len(given) != 1:
            hint = "give one of 'all:', 'any:', 'not:' and 'fact:'"
            raise CatalogError(f"fact is one of {len(given)} things that this condition says", hint=hint)
        if self.fact is None:
            if self.op or self.param or self.value or self.among:
                raise CatalogError("op belongs to a condition with 'fact:'", hint="move it into the list")
            return
        if self.fact not in FACTS:
            hint = did_you_mean(self.fact, FACTS)
            raise CatalogError(f"fact is {self.fact!r}, which no rule may ask about", hint=hint)
        self._compared(self.fact)

    def _compared(self, name: str) -> None:
        kind = FACTS[name].kind
        takes: dict[str, tuple[str, str]] = {
            **dict.fromkeys((">=", ">", "<=", "<"), ("number", "param")), "is": ("word", "value"),
            "before": ("day", "value"), "from": ("day", "value"), "meets": ("set", "among"), "in": ("", "among"),
        }  # fmt: skip
        if self.op is None:
            raise CatalogError(f"op is missing: how is {name} compared", hint=f"one of {', '.join(takes)}")
        wanted, operand = takes[self.op]
        fits = kind == wanted if wanted else kind in ("word", "country", "party")
        if not fits:
            right = [op for op, (what, _) in takes.items() if what == kind]
            right += ["in"] if kind in ("word", "country", "party") else []
            raise CatalogError(f"op is {self.op!r}, but {name} is a {kind}", hint=f"use {' or '.join(right)}")
        given = [field for field in ("param", "value", "among") if getattr(self, field)]
        if given != [operand]:
            raise CatalogError(f"{operand} is what {self.op!r} compares {name} with", hint=f"give '{operand}:' alone")
        words = FACTS[name].words
        for word in (self.value, *self.among) if words and name != "class" else ():
            if word is not None and word not in words:
                raise CatalogError(f"{operand} is {word!r}, which {name} never is", hint=did_you_mean(word, words))


class Span(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days on which a rule stands in one way.

    start: first day; until: first day no longer, None = open
    standing: ``in_force``; ``reported``: news of an act without a public text; ``suspended``; ``unverified``: nobody
        has checked whether it holds, so the answer is ``check``; ``proposed``, ``vetoed``: no law; ``voluntary``
    compliance: first day on which it must be kept, where that is later than ``start``
    """

    start: Date
    until: Date | None = None
    standing: Standing = "in_force"
    compliance: Date | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse what are not whole days in order. Raises CatalogError."""
        for name in ("start", "until", "compliance"):
            text = getattr(self, name)
            if text is not None and len(text) != len("2025-01-31"):
                raise CatalogError(f"{name} is {text!r}, no whole day", hint="write it as 2025-01-31")
        if self.until is not None and self.until <= self.start:
            raise CatalogError(f"until is {self.until}, not after the start", hint="until is the day after the last")

    def holds(self, day: datetime.date) -> bool:
        """Whether ``day`` lies in the span."""
        return self.start <= day.isoformat() and (self.until is None or day.isoformat() < self.until)


class Scope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule reaches; an empty field leaves it open.

    transactions: such as export_from_us, reexport
    destinations: country codes and groups; except_destinations: of these, not those that are also in one of them
    headquarters: a consignee whose headquarters or ultimate parent is in one of them counts, wherever it is
    addressees: parties a letter is addressed to
    items: item types
    """

    transactions: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    except_destinations: tuple[str, ...] = ()
    headquarters: tuple[str, ...] = ()
    addressees: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


class Duty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody has to do, in our own words.

    due: when, in words or as a day; from_day: first day it must be kept; locator: article or section
    once_offered: whether it is asked only of a model that is offered in the jurisdiction
    """

    text: str
    due: str | None = None
    from_day: Date | None = None
    once_offered: bool = False
    locator: str | None = None


class Consequence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What follows where a rule holds.

    value: the class, review policy, exception, prohibition ...; ``outcome`` is ``kind:value`` in answers
    leaves_a_way: of a restriction: whether a buyer can still be let in; a discouraged purchase can, a ban cannot
    conditions: what an applicant certifies or a transaction must keep; they decide nothing here
    duties: of an obligation; lifts: ``INSTRUMENT/RULE`` whose obligations an exemption takes away
    """

    kind: Kind
    value: str = ""
    text: str = ""
    leaves_a_way: bool | None = None
    conditions: tuple[str, ...] = ()
    duties: tuple[Duty, ...] = ()
    lifts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a review policy nobody knows, a restriction that does not say how far it goes. Raises CatalogError."""
        if (self.kind == "restricted") != (self.leaves_a_way is not None):
            what = "missing" if self.leaves_a_way is None else "given, but only restrictions leave a way or none"
            raise CatalogError(f"leaves_a_way is {what}", hint="of 'kind: restricted' write true or false")
        if self.kind == "licence" and self.value not in REVIEWS:
            raise CatalogError(f"value is {self.value!r}, no review policy", hint=did_you_mean(self.value, REVIEWS))


class Citation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a rule is read.

    source: key of this file's sources; tier: how near to the law; locator: article, section, paragraph
    """

    source: str
    tier: Tier
    locator: str


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule.

    name: unique in the instrument, such as 3A090.a; stage: when it is asked
    spans: the days it holds, which never overlap; when: its condition, None = always, beside the scope
    params: thresholds by name, with unit, basis and source; overrides: ``INSTRUMENT/RULE`` it takes the place of
        where both hold
    """

    name: str
    stage: Stage
    spans: tuple[Span, ...]
    scope: Scope = Scope()
    when: Clause | None = None
    consequence: Consequence
    params: dict[str, Fact] = {}
    overrides: tuple[str, ...] = ()
    cites: tuple[Citation, ...]
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse spans that overlap and parameters that are missing or not used. Raises CatalogError."""
        spans = sorted(self.spans, key=lambda span: span.start)
        for earlier, later in zip(spans, spans[1:], strict=False):
            if earlier.until is None or earlier.until > later.start:
                hint = f"end the earlier one: 'until: {later.start}'"
                raise CatalogError(f"spans of {self.name} overlap on {later.start}", hint=hint)
        asked = {leaf.param for leaf in leaves(self.when) if leaf.param}
        if asked - set(self.params):
            raise CatalogError(f"params lacks {sorted(asked - set(self.params))[0]!r}", hint="add it, with its source")
        if set(self.params) - asked:
            unused = sorted(set(self.params) - asked)[0]
            raise CatalogError(f"params has {unused!r}, which no condition asks for", hint="use it or drop it")


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One instrument.

    jurisdiction: us, us-ca, eu, cn, kr ...; topic: export (of items), import (into the jurisdiction), ai (models,
        compute, services)
    line: instruments of one line restate one another, and rules of one name in it never overlap
    text: how the text is called where an older and a newer one must be told apart, such as 3A090(2022)
    published: day of publication; last_checked: day on which its sources were last read
    """

    id: str
    title: str
    jurisdiction: str
    authority: str
    topic: Topic
    binding: Literal["binding", "guidance", "voluntary", "none"]
    line: str | None = None
    text: str | None = None
    published: Date | None = None
    last_checked: Date
    supersedes: tuple[str, ...] = ()
    rules: tuple[Rule, ...]
    note: str | None = None
    sources: Annotated[Sources, msgspec.Meta(description="what was read")]

    def __post_init__(self) -> None:
        """Refuse two rules of one name. Raises CatalogError."""
        for at, rule in enumerate(self.rules):
            if rule.name in [other.name for other in self.rules[:at]]:
                hint = "name each rule of an instrument its own way"
                raise CatalogError(f"rules[{at}].name is {rule.name!r}, the name of an earlier one", hint=hint)


def leaves(clause: Clause | None) -> tuple[Clause, ...]:
    """Return the comparisons of a condition, in order."""
    if clause is None:
        return ()
    if clause.fact is not None:
        return (clause,)
    inside = (*clause.all, *clause.any, *((clause.not_,) if clause.not_ is not None else ()))
    return tuple(leaf for part in inside for leaf in leaves(part))
