"""One pass through the stages: from facts to class and outcome, unknown rules left aside and said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from accord.catalog.instrument import Stage
from accord.policy.facts import Facts, FactValue
from accord.policy.logic import TRUE, UNKNOWN, CompiledRule
from accord.policy.rulebook import Rulebook

NOT_YET, NONE, NO_LICENCE, NO_RULE = "not_3A090_yet", "none", "no_licence", "no_rule"
_STRICT = (
    "permitted", "prohibited", "licence:presumption_of_denial", "licence:is_informed", "licence:required",
    "licence:case_by_case", "licence:granted_with_15pct_share", "licence:presumption_of_approval",
)  # fmt: skip
_OWN_LETTER = ("is_informed", "granted_with_15pct_share")  # told to one exporter: no exception is beside them
_ACROSS = ("export_from_", "import_into_", "reexport")  # transactions that cross a border
IMPORT_STAGES: tuple[Stage, ...] = ("import", "duty")
_RANK = {name: at for at, name in enumerate(_STRICT)}


@dataclass(frozen=True, slots=True)
class Hit:
    """What one rule said.

    verdict: unknown or true; results: of its leaves; counts: whether it is part of the outcome
    word: ``kind:value`` of its consequence, or ``check:<day>`` where nobody has checked that it holds
    """

    rule: CompiledRule
    verdict: int
    results: tuple[int, ...]
    word: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What one pass found.

    eccn: export class of the item, None where a rule that would decide it is unknown; chip_eccn: of the chips of a
        system; outcome: alternatives joined by ``|``
    hits: rules that hold, or are not known to; trace: every rule asked, with its verdict and the results of its leaves
    unsure: rules whose verdict is unknown
    """

    eccn: str | None
    chip_eccn: str | None
    outcome: str
    hits: tuple[Hit, ...]
    trace: tuple[tuple[CompiledRule, int, list[int]], ...]
    unsure: tuple[CompiledRule, ...]


_Trace = list[tuple[CompiledRule, int, list[int]]]


def export_side(book: Rulebook, facts: Mapping[str, FactValue]) -> Decision:
    """Class and outcome under the laws that follow an item; ``facts`` are complete (:func:`facts.completed`)."""
    trace: _Trace = []
    chip_class, unsure = _class(book, facts, trace)
    known = dict(facts)
    if chip_class is not None:
        known["class"] = chip_class
    follows = _asked(book.stage("follows"), known, trace)
    eccn = _named(book, facts, chip_class)
    for rule, verdict, _ in follows:
        if verdict == TRUE and eccn is not None and eccn.startswith("3A090"):
            eccn = eccn.replace("3A090", rule.rule.consequence.value, 1)
    licences = _asked(book.stage("licence", "exception"), known, trace)
    unsure += [rule for rule, verdict, _ in (*follows, *licences) if verdict == UNKNOWN]
    outcome, hits = _outcome(book, licences)
    deciding = [(rule, verdict, results) for rule, verdict, results in trace if rule.rule.stage in _CLASSING]
    hits = [*(Hit(rule, verdict, tuple(results), _word(rule), verdict == TRUE) for rule, verdict, results in deciding
              if verdict), *hits]  # fmt: skip
    return Decision(eccn, chip_class, outcome, tuple(hits), tuple(trace), tuple(unsure))


def import_side(book: Rulebook, facts: Mapping[str, FactValue]) -> Decision:
    """What the law of the destination says of bringing the item in; outcome ``no_rule`` where it says nothing."""
    trace: _Trace = []
    found = _asked(book.stage(*IMPORT_STAGES), import_facts(facts), trace)
    hits = [
        Hit(rule, verdict, tuple(results), _word(rule), verdict == TRUE) for rule, verdict, results in found if verdict
    ]
    words = list(dict.fromkeys(hit.word for hit in hits if hit.counts))
    unsure = tuple(rule for rule, verdict, _ in found if verdict == UNKNOWN)
    return Decision(None, None, "|".join(words) or NO_RULE, tuple(hits), tuple(trace), unsure)


def import_facts(facts: Mapping[str, FactValue]) -> dict[str, FactValue]:
    """The same deal as the law of the destination sees it: what leaves one country enters another.

    What crosses no border, a use or a test enters nowhere; where the transaction is not known it is taken to enter.
    """
    asked = dict(facts)
    destination, transaction = asked.get("destination"), asked.get("transaction")
    if not isinstance(destination, str):
        asked.pop("transaction", None)
    elif transaction is None or str(transaction).startswith(_ACROSS):
        asked["transaction"] = f"import_into_{destination.lower()}"
    return asked


_CLASSING = ("presumption", "class", "fallback", "follows")


def _asked(rules: Iterable[CompiledRule], facts: Facts, trace: _Trace) -> _Trace:
    """Ask rules in order; what they say is added to the trace, and returned."""
    start = len(trace)
    for rule in rules:
        verdict, results = rule.evaluate(facts)
        trace.append((rule, verdict, results))
    return trace[start:]


def _class(book: Rulebook, facts: Facts, trace: _Trace) -> tuple[str | None, list[CompiledRule]]:
    """Class of the chip, None where it is not known, and the rules that would decide."""
    strictest, others = _asked(book.strictest, facts, trace), _asked(book.milder, facts, trace)
    resort = _standing(_asked(book.stage("fallback"), facts, trace))
    held = next((rule.rule.consequence.value for rule, verdict, _ in resort if verdict == TRUE), None)
    if held is not None and not any(verdict == TRUE for _, verdict, _ in strictest):
        return held, []  # figures that are missing leave a presumption as it is
    unsure: list[CompiledRule] = []
    for rule, verdict, _ in (*strictest, *resort, *others):
        if verdict == UNKNOWN:
            unsure.append(rule)
        elif verdict == TRUE and not unsure:
            return rule.rule.consequence.value, unsure
    if unsure:
        return None, unsure
    return (NONE if book.started else NOT_YET), unsure


def _standing(resort: _Trace) -> _Trace:
    """Presumptions that can be overcome, less those that are; one that may be overcome stands."""
    rebutted = {
        name for rule, verdict, _ in resort if verdict == TRUE and rule.rule.consequence.kind == "rebuts"
        for name in rule.rule.overrides
    }  # fmt: skip
    return [one for one in resort if one[0].rule.consequence.kind == "presumed" and one[0].id not in rebutted]


def _named(book: Rulebook, facts: Facts, chip_class: str | None) -> str | None:
    """The class, with the name of the text where a published one would say otherwise."""
    if chip_class != NONE or not any(rule.evaluate(facts)[0] == TRUE for rule in book.pending):
        return chip_class
    texts = [rule.instrument.text for rule in book.stage("class") if rule.instrument.text]
    return f"{texts[0]}:{NONE}" if texts else chip_class


def _word(rule: CompiledRule) -> str:
    if rule.span.standing == "unverified":
        return f"check:{rule.span.start}"
    consequence = rule.rule.consequence
    return f"{consequence.kind}:{consequence.value}" if consequence.value else consequence.kind


def _rank(rule: CompiledRule) -> int:
    """How strict the consequence of a rule is, 0 the first to count."""
    consequence = rule.rule.consequence
    word = f"{consequence.kind}:{consequence.value}"
    return _RANK.get(word, _RANK.get(consequence.kind, len(_RANK)))


def _order(rule: CompiledRule) -> tuple[int, bool, str]:
    """The strictest first; of two alike the one that is known to stand."""
    return _rank(rule), rule.span.standing == "unverified", rule.id


def _doubts(rule: CompiledRule, ways: Set[str]) -> bool:
    """Whether a rule that nobody has checked would shut an exception that is open otherwise."""
    return rule.span.standing == "unverified" and not ways.isdisjoint(rule.rule.overrides)


def _outcome(book: Rulebook, asked: _Trace) -> tuple[str, list[Hit]]:
    """The strictest licence, prohibition or permission, and the exceptions beside it."""
    holding = [rule for rule, verdict, _ in asked if verdict == TRUE and book.must_be_kept(rule)]
    overridden = {name for rule in holding for name in rule.rule.overrides}
    left = [rule for rule in holding if rule.id not in overridden]
    strict = sorted((rule for rule in left if rule.rule.stage == "licence"), key=_order)
    words = [_word(strict[0])] if strict else []
    counted = {id(rule) for rule in strict if _word(rule) in words}
    if strict and strict[0].rule.consequence.kind == "licence" and not words[0].endswith(_OWN_LETTER):
        open_ways = {rule.id for rule in holding if rule.rule.stage == "exception"}
        exceptions = [rule for rule in left if rule.rule.stage == "exception" or _doubts(rule, open_ways)]
        words += [_word(rule) for rule in exceptions]
        counted |= {id(rule) for rule in exceptions}
    hits = [
        Hit(rule, verdict, tuple(results), _word(rule), id(rule) in counted)
        for rule, verdict, results in asked
        if verdict
    ]
    return "|".join(dict.fromkeys(words)) or NO_LICENCE, hits
