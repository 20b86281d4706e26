"""Questions of claims about law, governance and where machines stand."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

import msgspec

from accord.api.claim_terms import Desk, Entries, Found, asked_text, cited, command_text, exact, inputs_of
from accord.api.policy_ask import Question, read_question
from accord.api.policy_check import CheckAsk, check_answer
from accord.api.policy_facts import Subject
from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.base.source import Basis
from accord.catalog.deployment import Deployment
from accord.catalog.governance import Governance, Member
from accord.catalog.legal_fact import FACTS, RUN
from accord.claims.quantity import Quantity
from accord.policy.facts import FactValue

_END = datetime.date(9999, 12, 31)
_APPLIES, _NOT = ("applies",), ("does_not_apply", "lifted", "exempt", "no_duty", "voluntary", "suspended", "proposed",
                                "vetoed", "applies_from")  # fmt: skip


class PolicyInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An item in a deal on a day, or facts of a run on a day."""

    date: str
    item: str | None = None
    seller: str | None = msgspec.field(default=None, name="from")
    buyer: str | None = msgspec.field(default=None, name="to")
    hq: str | None = None
    exporter: str | None = None
    consignee: str | None = None
    what_if: dict[str, float] = {}
    training_flop: float | None = None
    jurisdictions: tuple[str, ...] = ()
    facts: dict[str, object] = {}


class AdoptionInputs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Members of an instrument, or of two, or where a system stands, as of a day."""

    instrument: str | None = None
    instruments: tuple[str, str] | None = None
    system: str | None = None
    date: str | None = None
    kind: str | None = None
    role: str | None = None
    state: str = "operating"


def ask_policy(values: Mapping[str, object], desk: Desk) -> Found:
    """Class and outcome of an item, or duties of a run."""
    asked = inputs_of(PolicyInputs, values)
    day = _day(asked.date)
    if asked.item is not None:
        return _classified(asked, asked.item, day, values, desk)
    if asked.training_flop is None and not asked.facts:
        raise CatalogError("with.item is missing", hint="name a chip or system, or 'training_flop:'")
    return _duties(asked, day, values, desk)


def ask_adoption(values: Mapping[str, object], desk: Desk) -> Found:
    """Who joined an instrument, or two, or where a system stands."""
    asked = inputs_of(AdoptionInputs, values)
    given = [name for name in ("instrument", "instruments", "system") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise CatalogError("with: one of instrument, instruments and system", hint="write 'instrument: ID'")
    day = _day(asked.date) if asked.date is not None else _END
    if asked.instrument is not None:
        return _instrument(asked, desk.catalog.governance(asked.instrument), day, values)
    if asked.instruments is not None:
        return _overlap(asked, desk, day, values)
    return _deployed(asked, desk, day, values)


def _classified(asked: PolicyInputs, item: str, day: datetime.date, values: Mapping[str, object], desk: Desk) -> Found:
    question = Question(
        id=item, seller=asked.seller, buyer=asked.buyer, hq=asked.hq, exporter=asked.exporter,
        consignee=asked.consignee, what_if=asked.what_if,
    )  # fmt: skip
    read = read_question(question, desk.law)
    found = desk.law.classified(read.item, read.deal(day), day, question.what_if)
    verdict, text = found.verdict, asked_text(values)
    how = command_text("policy classify", {n: v for n, v in values.items() if n != "what_if"}, ("item",))
    keys = [f"instruments/{hit.rule.instrument.id}:{key}" for hit in (*verdict.hits, *verdict.importer_hits)
            for key in hit.rule.instrument.sources]  # fmt: skip
    keys += [key for told in read.item.told.values() for key in told.sources]
    sources = cited(desk, keys)
    figures: dict[str, Quantity | str] = {
        name: _of_fact(name, value, f"policy {item} {name}", f"{how}: {name}", sources)
        for name, value in verdict.facts.items()
    }

    def further(name: str) -> Quantity | str | None:
        kind, _, word = name.partition(".")
        if kind not in ("class", "outcome", "importer") or not word:
            return f"the catalog does not say {name} of {item}" if name in FACTS else None
        whole = {"class": verdict.eccn, "outcome": verdict.outcome, "importer": verdict.importer}[kind]
        if whole.startswith("depends:") or whole == "unknown":
            return f"{kind} of {item} on {day} is {whole}"
        one = whole == word if kind == "class" else any(_under(part, word) for part in whole.split("|"))
        return exact(float(one), "1", f"policy {text} {name}", f"{how}: {name}", sources=sources)

    return Found(figures, further)


def _under(outcome: str, word: str) -> bool:
    """Whether an outcome is a word, or a kind of it: ``licence:is_informed`` is a ``licence``."""
    return outcome == word or outcome.startswith(f"{word}:")


def _duties(asked: PolicyInputs, day: datetime.date, values: Mapping[str, object], desk: Desk) -> Found:
    facts: dict[str, FactValue] = {}
    if asked.training_flop is not None:
        facts["training_flop"] = asked.training_flop
    for name, value in asked.facts.items():
        if name not in RUN:
            raise CatalogError(f"with.facts.{name} is no fact of a run", hint=did_you_mean(name, tuple(RUN)))
        facts[name] = _fact(name, value)
    subject = Subject(title="a claim", facts={})
    ask = CheckAsk(jurisdictions=asked.jurisdictions, day=day, facts=facts)
    answer = check_answer(ask, subject, desk.catalog)
    how = command_text("policy check", {
        "training_flop": asked.training_flop or 0.0, **asked.facts, "date": asked.date,
        **({"jurisdictions": list(asked.jurisdictions)} if asked.jurisdictions else {}),
    })  # fmt: skip
    rules = answer.result["answers"]
    assert isinstance(rules, list), "as documented"
    sources, text, figures = tuple(answer.sources), asked_text(values), dict[str, Quantity | str]()
    for rule in rules:
        name, outcome = f"duty.{rule['instrument']}.{rule['rule']}", str(rule["outcome"])
        told = outcome.partition(":")[0]
        figures[name] = (
            exact(float(told in _APPLIES), "1", f"policy {text} {name}", f"{how}: {name}", sources=sources)
            if told in (*_APPLIES, *_NOT) else f"{name.removeprefix('duty.')} on {day}: {outcome}"
        )  # fmt: skip
    return Found(figures)


def _fact(name: str, value: object) -> FactValue:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return frozenset(map(str, value))
    raise CatalogError(f"with.facts.{name} is a mapping", hint="write a number, a word, yes or no, or a list")


def _of_fact(name: str, value: FactValue, identity: str, how: str, sources: Entries) -> Quantity | str:
    unit = (FACTS[name].unit if name in FACTS else "") or "1"
    if isinstance(value, int | float):
        return exact(float(value), unit, identity, how, sources=sources)
    if value in ("yes", "no"):
        return exact(float(value == "yes"), "1", identity, how, sources=sources)
    return f"{name} is no number"


def _instrument(asked: AdoptionInputs, one: Governance, day: datetime.date, values: Mapping[str, object]) -> Found:
    owner = f"governance/{one.id}"
    how = _how(f"catalog show {owner}", asked.date)
    held = [member for member in _held(one, day, asked) if member.joined]
    out = [member for member in _held(one, day, asked) if not member.joined]

    def figure(name: str, value: float, keys: list[str]) -> Quantity:
        sources = tuple(
            {"id": f"{owner}:{key}", **msgspec.structs.asdict(one.sources[key])} for key in dict.fromkeys(keys)
        )
        return exact(value, "1", f"adoption {asked_text(values)} {name}", f"{how}: {name}", "published", sources)

    figures: dict[str, Quantity | str] = {
        "members": figure("members", float(len({who.who for who in held})), [who.source for who in held]),
        "not_joined": figure("not_joined", float(len({who.who for who in out})), [who.source for who in out]),
        "provisions": figure("provisions", float(len(one.provisions)), [text.source for text in one.provisions]),
    }
    for tally in sorted(one.tallies, key=lambda tally: tally.date):
        if tally.date <= day.isoformat():
            figures[f"tally.{tally.what}"] = figure(f"tally.{tally.what}", float(tally.number), [tally.source])

    def further(name: str) -> Quantity | str | None:
        kind, _, who = name.partition(".")
        if kind == "tally" and who:
            return f"no source at hand counts {who} of {one.id} by {day}"
        if kind != "joined" or not who:
            return None
        entries = [member for member in _held(one, day, asked) if member.who == who]
        if entries:
            joined = any(member.joined for member in entries)
            return figure(name, float(joined), [member.source for member in entries])
        return figure(name, 0.0, []) if one.complete else f"no source at hand says whether {who} joined {one.id}"

    return Found(figures, further)


def _held(one: Governance, day: datetime.date, asked: AdoptionInputs) -> Iterator[Member]:
    """Entries of members that speak of the day and are of the kind and role that are asked for."""
    for member in one.members:
        if member.holds(day) and asked.kind in (None, member.kind) and asked.role in (None, member.role):
            yield member


def _overlap(asked: AdoptionInputs, desk: Desk, day: datetime.date, values: Mapping[str, object]) -> Found:
    assert asked.instruments is not None, "asked"
    both = [desk.catalog.governance(id) for id in asked.instruments]
    sets = [{member.who: member.source for member in _held(one, day, asked) if member.joined} for one in both]
    shared = set(sets[0]) & set(sets[1])
    keys = [f"governance/{one.id}:{who[name]}" for one, who in zip(both, sets, strict=True) for name in sorted(shared)]
    how = _how(f"catalog show governance/{both[0].id}, {both[1].id}", asked.date)
    identity = f"adoption {asked_text(values)} overlap"
    return Found(
        {"overlap": exact(float(len(shared)), "1", identity, f"{how}: overlap", "published", cited(desk, keys))}
    )


def _deployed(asked: AdoptionInputs, desk: Desk, day: datetime.date, values: Mapping[str, object]) -> Found:
    catalog, system = desk.catalog, asked.system or ""
    catalog.find(system)  # names the closest where there is none
    known = [catalog.deployment(id) for id in catalog.ids("deployments")]
    held = [one for one in known if one.system == system and one.state == asked.state and one.start <= day.isoformat()]
    how = _how(f"deployments of {system} in the catalog, {asked.state}", asked.date)
    text = asked_text(values)

    def counted(name: str, of: list[Deployment], field: str | None) -> Quantity | str:
        stated = [one for one in of if field is None or getattr(one, field) is not None]
        if not stated:
            return f"no source at hand tells of {field or 'deployments'} of {system} ({name})"
        value = sum(1.0 if field is None else float(getattr(one, field).si) for one in stated)
        basis: Basis = "estimate" if any(one.basis != "published" for one in stated) else "published"
        keys = [f"deployments/{one.id}:{one.source}" for one in stated]
        return exact(value, "1", f"adoption {text} {name}", f"{how}: {name}", basis, cited(desk, keys))

    def further(name: str) -> Quantity | str | None:
        kind, _, country = name.partition(".")
        if kind not in ("deployments_outside", "chips_outside") or not country:
            return None
        outside = [one for one in held if one.country != country]
        return counted(name, outside, "chips" if kind == "chips_outside" else None)

    return Found(
        {"deployments": counted("deployments", held, None), "chips": counted("chips", held, "chips"),
         "systems": counted("systems", held, "systems")}, further
    )  # fmt: skip


def _how(what: str, date: str | None) -> str:
    words = what if " in the catalog" in what else f"accord {what}"
    return f"{words}, as of {date}" if date else words


def _day(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise CatalogError(f"with.date is {text!r}, no day", hint="write it as 2025-07-26") from None
