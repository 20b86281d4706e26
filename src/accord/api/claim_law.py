"""Questions of claims about law: class and outcome of an item, duties of a run."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import msgspec

from accord.api.claim_terms import Desk, Entries, Found, asked_text, cited, command_text, day_of, exact, inputs_of
from accord.api.policy_ask import Question, read_question
from accord.api.policy_check import CheckAsk, check_answer
from accord.api.policy_facts import Subject
from accord.base.errors import CatalogError
from accord.base.registry import did_you_mean
from accord.catalog.legal_fact import FACTS, RUN
from accord.claims.quantity import Quantity
from accord.policy.classify import INSUFFICIENT, UNKNOWN_CLASS
from accord.policy.decide import NO_LICENCE, NO_RULE, NONE, NOT_YET
from accord.policy.facts import FactValue

CHIP_CLASS = "3A090"  # of chips; machines that hold them have the same paragraphs of their own class
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


def ask_policy(values: Mapping[str, object], desk: Desk) -> Found:
    """Class and outcome of an item, or duties of a run."""
    asked = inputs_of(PolicyInputs, values)
    day = day_of(asked.date)
    if asked.item is not None:
        return _classified(asked, asked.item, day, values, desk)
    if asked.training_flop is None and not asked.facts:
        raise CatalogError("with.item is missing", hint="name a chip or system, or 'training_flop:'")
    return _duties(asked, day, values, desk)


def _classified(asked: PolicyInputs, item: str, day: datetime.date, values: Mapping[str, object], desk: Desk) -> Found:
    question = Question(
        id=item, seller=asked.seller, buyer=asked.buyer, hq=asked.hq, exporter=asked.exporter,
        consignee=asked.consignee, what_if=asked.what_if,
    )  # fmt: skip
    read = read_question(question, desk.law)
    found = desk.law.classified(read.item, read.deal(day), day, read.what_if)
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
        _check_word(name, kind, word, desk)
        parts = {"class": verdict.eccn, "outcome": verdict.outcome, "importer": verdict.importer}[kind].split("|")
        if any(_under(part, word) for part in parts if kind != "class") or parts == [word]:
            return exact(1.0, "1", f"policy {text} {name}", f"{how}: {name}", sources=sources)
        if len(parts) > 1 and word in parts or any(_is_open(part) for part in parts):
            return f"{kind} of {item} on {day} is {'|'.join(parts)}"
        return exact(0.0, "1", f"policy {text} {name}", f"{how}: {name}", sources=sources)

    return Found(figures, further)


def _is_open(word: str) -> bool:
    """Whether a word leaves the answer open: facts, or the text itself, are not known."""
    return word in (UNKNOWN_CLASS, INSUFFICIENT) or word.startswith(("depends:", "check:"))


def _check_word(take: str, kind: str, word: str, desk: Desk) -> None:
    """Refuse a word that no rule of the catalog can answer. Raises CatalogError with the closest."""
    said = [(rule.consequence.kind, rule.consequence.value) for one in desk.law.instruments for rule in one.rules]
    if kind == "class":
        named = {value for of, value in said if of in ("class", "presumed", "follows") and value}
        texts = {one.text for one in desk.law.instruments if one.text}
        systems = {value for of, value in said if of == "follows"}
        follow = {name.replace(CHIP_CLASS, value, 1) for name in named for value in systems}
        known = {NOT_YET, NONE, *named, *follow, *(f"{text}:{NONE}" for text in texts)}
    else:
        known = {NO_LICENCE, NO_RULE, *(of for of, _ in said), *(f"{of}:{value}" for of, value in said if value)}
    if word not in known:
        ways = [f"{kind}.{one}" for one in sorted(known)]
        raise CatalogError(f"take is {take!r}, which no rule answers", hint=did_you_mean(take, ways))


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
