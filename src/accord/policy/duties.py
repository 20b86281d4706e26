"""What AI law asks of a model, a training run or a service on a day: which rules hold, how surely, who must do what."""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from accord.base.errors import UsageError
from accord.base.registry import did_you_mean
from accord.base.units import show
from accord.catalog.instrument import Duty, Instrument, Rule, Span, Standing
from accord.catalog.legal_fact import FACTS
from accord.policy.facts import FactValue, Uncertain, completed
from accord.policy.logic import FALSE, TRUE, UNKNOWN, CompiledRule, LeafTrace
from accord.policy.rulebook import Rulebook
from accord.policy.unknowns import Case, cases, missing

TOPIC, CLASS = "ai", "class"
APPLIES, NOT, COMMITMENT, EXEMPT, NO_DUTY = "applies", "does_not_apply", "voluntary", "exempt", "no_duty"
LISTED: tuple[Standing, ...] = ("suspended", "proposed", "vetoed")
_SAID: tuple[Standing, ...] = ("in_force", "reported", "unverified")  # what may lift another rule's duties
_ORIGINAL = ("original_flop", "modification_share")
_WORDS = {"obligation": APPLIES, "exempt": EXEMPT, "none": NO_DUTY}


@dataclass(frozen=True, slots=True)
class Because:
    """One comparison behind a verdict.

    log10_distance: of a positive number from a positive threshold, below zero is under it; else None
    pivotal: whether another result of it alone would change the verdict
    """

    trace: LeafTrace
    log10_distance: float | None
    pivotal: bool


@dataclass(frozen=True, slots=True)
class Deciding:
    """A fact that is not known, or not sharply enough.

    decides: what its values would make of the answer, in words, with the verdict; none where it decides nothing alone
    """

    fact: str
    decides: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A duty and the first day it must be kept; later than ``day`` is not due yet."""

    duty: Duty
    from_day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyAnswer:
    """What one rule says on a day.

    verdict: of its own condition; probability: that it applies, where only uncertain numbers leave it open
    outcome: applies, applies_from:DAY, does_not_apply, lifted:RULE, depends:FACT (several joined by |), check:DAY,
        voluntary, suspended, proposed, vetoed, exempt, no_duty, or kind:value of a rule of another kind
    because: its comparisons; duties: what is to be done where it applies, or may
    lifted_by: rules that take its duties away, or may, each with the day from which it no longer does, None = no end
    missing: facts that would decide
    """

    rule: CompiledRule
    verdict: int
    probability: float | None
    outcome: str
    because: tuple[Because, ...]
    duties: tuple[Due, ...]
    lifted_by: tuple[tuple[str, str | None], ...]
    missing: tuple[Deciding, ...]

    @property
    def jurisdiction(self) -> str:
        """Whose law it is."""
        return self.rule.instrument.jurisdiction

    @property
    def transition(self) -> str | None:
        """Day on which what lifts its duties for a time ends, the latest of several; None where nothing does."""
        return max((until for _, until in self.lifted_by if until is not None), default=None)

    @property
    def standing(self) -> Standing:
        """How the rule stands that day."""
        return self.rule.span.standing


@dataclass(frozen=True, slots=True)
class Elsewhen:
    """A rule that does not stand on the day: from when it does, or until when it did.

    span: the days it begins with next, else those that ended last
    """

    instrument: Instrument
    rule: str
    starts: str | None
    ended: str | None
    span: Span


def known_jurisdictions(instruments: Iterable[Instrument]) -> tuple[str, ...]:
    """Every jurisdiction that an instrument names, sorted."""
    return tuple(sorted({one.jurisdiction for one in instruments}))


def with_rules(instruments: Iterable[Instrument]) -> tuple[str, ...]:
    """Jurisdictions with an instrument on AI, sorted."""
    return known_jurisdictions(one for one in instruments if one.topic == TOPIC)


def duties(book: Rulebook, facts: Mapping[str, FactValue], jurisdictions: Sequence[str]) -> tuple[DutyAnswer, ...]:
    """Ask every rule on AI of some jurisdictions that stands on the book's day.

    facts: in the units of the legal facts, a missing one unknown; jurisdictions: ids of the catalog, none twice needed
    Returns the answers by jurisdiction, in the order asked for, then by instrument; none for one without rules.
    Raises UsageError for a jurisdiction that no instrument names.
    """
    _check(book, jurisdictions)
    stands = [rule for rule in (*book.rules, *book.listed) if rule.instrument.topic == TOPIC]
    full = _summed(completed(facts))
    return tuple(
        _answer(book, rule, full, _lifting(rule, book.rules))
        for place in dict.fromkeys(jurisdictions)
        for rule in sorted(stands, key=lambda one: (one.instrument.published or "", one.id))
        if rule.instrument.jurisdiction == place
    )


def _summed(facts: dict[str, FactValue]) -> dict[str, FactValue]:
    """Add the compute of a modified model, original and modification together, where nobody states it.

    The ends of two intervals are added, as if both were off the same way.
    """
    parts = [facts.get(name) for name in ("original_flop", "modification_flop")]
    if "training_flop" in facts or not all(isinstance(one, float | Uncertain) for one in parts):
        return facts
    ends = [(one.low, one.value, one.high) if isinstance(one, Uncertain) else (one,) * 3 for one in parts]
    low, value, high = (sum(each) for each in zip(*ends, strict=True))
    return {**facts, "training_flop": Uncertain(value, low, high) if low < high else value}


def elsewhen(book: Rulebook, jurisdictions: Sequence[str]) -> tuple[Elsewhen, ...]:
    """Rules on AI of some jurisdictions that begin after the book's day, or have ended. Raises UsageError."""
    _check(book, jurisdictions)
    found = []
    for instrument in book.instruments:
        if instrument.topic != TOPIC or instrument.jurisdiction not in jurisdictions:
            continue
        for rule in instrument.rules:
            if not any(span.holds(book.day) for span in rule.spans):
                found.append(_elsewhen(instrument, rule, book.day))
    return tuple(found)


def _elsewhen(instrument: Instrument, rule: Rule, day: datetime.date) -> Elsewhen:
    spans = sorted(rule.spans, key=lambda span: span.start)
    later = [span for span in spans if span.start > day.isoformat()]
    earlier = [span for span in spans if span.start <= day.isoformat()]
    starts = later[0].start if later else None
    return Elsewhen(instrument, rule.name, starts, earlier[-1].until if earlier else None, (later or earlier[-1:])[0])


def _check(book: Rulebook, jurisdictions: Sequence[str]) -> None:
    known = known_jurisdictions(book.instruments)
    for one in jurisdictions:
        if one not in known:
            raise UsageError(f"no instrument of the catalog is of jurisdiction '{one}'", hint=did_you_mean(one, known))


def _lifting(rule: CompiledRule, rules: Iterable[CompiledRule]) -> tuple[CompiledRule, ...]:
    """Rules that take the duties of one away, or take its place."""
    return tuple(
        other
        for other in rules
        if other.span.standing in _SAID and rule.id in (*other.rule.consequence.lifts, *other.rule.overrides)
    )


def _lifts(other: CompiledRule, facts: Mapping[str, FactValue]) -> int:
    """Whether a rule lifts others; one that nobody has checked never surely does."""
    verdict = other.evaluate(facts)[0]
    return min(verdict, UNKNOWN) if other.span.standing == "unverified" else verdict


def _asks(rule: CompiledRule, lifting: Sequence[CompiledRule], facts: Mapping[str, FactValue]) -> int:
    """Whether the rule holds and nothing lifts it; ``facts`` need not be complete."""
    full = completed(facts)
    return min(rule.evaluate(full)[0], *(2 - _lifts(other, full) for other in lifting), TRUE)


def _answer(
    book: Rulebook, rule: CompiledRule, facts: Mapping[str, FactValue], lifting: tuple[CompiledRule, ...]
) -> DutyAnswer:
    verdict, results = rule.evaluate(facts)
    asks = _asks(rule, lifting, facts)
    lifted = tuple(other for other in lifting if verdict != FALSE and _lifts(other, facts) != FALSE)
    lifted = tuple(sorted(lifted, key=lambda other: -_lifts(other, facts)))  # what surely lifts it first
    decides = _deciding(rule, lifting, facts) if asks == UNKNOWN else ()
    offer = _offer(book, facts)
    return DutyAnswer(
        rule=rule, verdict=verdict, probability=_probability(rule, lifting, facts) if asks == UNKNOWN else None,
        outcome=_outcome(book, rule, asks, lifted, decides, offer),
        because=tuple(
            Because(trace, _distance(trace), _pivotal(rule, results, at))
            for at, trace in enumerate(rule.explain(facts, results))
        ),
        duties=_due(rule, _sure(lifted, facts), offer) if verdict != FALSE else (),
        lifted_by=tuple((other.id, other.span.until) for other in lifted),
        missing=decides,
    )  # fmt: skip


def _sure(lifting: Sequence[CompiledRule], facts: Mapping[str, FactValue]) -> list[CompiledRule]:
    return [other for other in lifting if _lifts(other, facts) == TRUE]


def _outcome(
    book: Rulebook, rule: CompiledRule, asks: int, lifted: Sequence[CompiledRule], decides: Sequence[Deciding],
    offer: str | None,
) -> str:  # fmt: skip
    span, consequence = rule.span, rule.rule.consequence
    if span.standing in LISTED:
        return span.standing
    if asks == FALSE:
        return f"lifted:{lifted[0].id}" if lifted else NOT
    if span.standing == "unverified":
        return f"check:{span.start}"
    if span.standing == "voluntary":
        return COMMITMENT
    if asks == UNKNOWN:
        alone = [one.fact for one in decides if one.decides] or [one.fact for one in decides]
        unchecked = [other.span.start for other in lifted if other.span.standing == "unverified"]
        names = alone or ([] if unchecked else [CLASS])
        return "|".join(f"depends:{name}" for name in names) or f"check:{unchecked[0]}"
    if not book.must_be_kept(rule):
        return f"applies_from:{span.compliance}"
    if offer is not None and consequence.duties and all(duty.once_offered for duty in consequence.duties):
        return f"applies_from:{offer}"
    return _WORDS.get(consequence.kind) or ":".join(filter(None, (consequence.kind, consequence.value)))


def _offer(book: Rulebook, facts: Mapping[str, FactValue]) -> str | None:
    """Day on which a model is first offered where that is still to come, else None."""
    day = facts.get("placed_on_market")
    if not isinstance(day, float) or day <= float(book.day.toordinal()):
        return None
    return datetime.date.fromordinal(round(day)).isoformat()


def _due(rule: CompiledRule, lifting: Sequence[CompiledRule], offer: str | None) -> tuple[Due, ...]:
    """Duties with the first day each must be kept: its own, the rule's, the end of what surely lifts it, the offer."""
    ends = [other.span.until for other in lifting]
    if None in ends:
        return ()
    starts = max([rule.span.compliance or rule.span.start, *(end for end in ends if end is not None)])
    return tuple(
        Due(duty, max(duty.from_day or starts, starts, (offer or starts) if duty.once_offered else starts))
        for duty in rule.rule.consequence.duties
    )


def _distance(trace: LeafTrace) -> float | None:
    value = trace.value.value if isinstance(trace.value, Uncertain) else trace.value
    if FACTS[trace.fact].kind != "number" or not isinstance(value, float) or not isinstance(trace.threshold, float):
        return None
    return math.log10(value / trace.threshold) if value > 0.0 and trace.threshold > 0.0 else None


def _pivotal(rule: CompiledRule, results: Sequence[int], at: int) -> bool:
    verdict = rule.join(results)
    others = ([*results[:at], other, *results[at + 1 :]] for other in (FALSE, TRUE))
    return any(rule.join(other) != verdict for other in others)


# What is not known


def _deciding(
    rule: CompiledRule, lifting: Sequence[CompiledRule], facts: Mapping[str, FactValue]
) -> tuple[Deciding, ...]:
    """Facts that keep the answer open, those that decide it alone first."""
    rules = (rule, *lifting)
    found = []
    for name in _missing(facts, rules):
        each = [(case, _asks(rule, lifting, {**facts, name: case.value})) for case in _cases(name, facts, rules)]
        alone = any(verdict != UNKNOWN for _, verdict in each)
        found.append(Deciding(name, tuple(_said(name, each)) if alone else ()))
    return tuple(sorted(found, key=lambda one: not one.decides))


def _missing(facts: Mapping[str, FactValue], rules: Sequence[CompiledRule]) -> Iterator[str]:
    """Facts that keep rules open; not the compute of an original that is said to be beyond knowing."""
    unknowable = _ORIGINAL if facts.get("original_flop_known") == "no" else ()
    yield from (name for name in missing(facts, rules) if name not in unknowable)


def _cases(name: str, facts: Mapping[str, FactValue], rules: Sequence[CompiledRule]) -> tuple[Case, ...]:
    """Values that stand for all; those of an uncertain number lie inside its interval."""
    found, within = cases(name, facts, rules), facts.get(name)
    if not isinstance(within, Uncertain):
        return found
    ends = [(one.low or within.low, one.high or within.high, one) for one in found]
    return tuple(
        Case(low if one.low is None else high if one.high is None else math.sqrt(low * high), one.low, one.high)
        for low, high, one in ends
    )


def _said(name: str, each: Sequence[tuple[Case, int]]) -> Iterator[tuple[str, int]]:
    """Values in words, neighbours of one verdict together."""
    if FACTS[name].kind not in ("number", "day"):
        for verdict, some in itertools.groupby(sorted(each, key=lambda one: -one[1]), key=lambda one: one[1]):
            words = [" or ".join(case.words) or "anything else" for case, _ in some]
            yield " or ".join(words), verdict
        return
    for verdict, some in itertools.groupby(each, key=lambda one: one[1]):
        spans = [case for case, _ in some]
        yield _range(name, spans[0], spans[-1]), verdict


def _range(name: str, first: Case, last: Case) -> str:
    """Numbers or days from the first span to the last, in words."""
    day = FACTS[name].kind == "day"
    words = ("on or after", "after", "by", "before") if day else ("at least", "above", "at most", "below")
    parts = []
    if first.low is not None:
        parts.append(f"{words[0 if first.low == first.high else 1]} {_shown(name, first.low)}")
    if last.high is not None:
        parts.append(f"{words[2 if last.low == last.high else 3]} {_shown(name, last.high)}")
    if first is last and first.low is not None and first.low == first.high:
        return _shown(name, first.low)
    return " and ".join(parts) or "any"


def _shown(name: str, value: float) -> str:
    if FACTS[name].kind == "day":
        return datetime.date.fromordinal(round(value)).isoformat()
    return show(value, FACTS[name].unit)


def _probability(rule: CompiledRule, lifting: Sequence[CompiledRule], facts: Mapping[str, FactValue]) -> float | None:
    """Chance that the rule asks something, its uncertain numbers independent; None where other facts are missing."""
    rules = (rule, *lifting)
    doubts: list[tuple[str, Uncertain]] = []
    for name in _missing(facts, rules):
        value = facts.get(name)
        if isinstance(value, Uncertain):
            doubts.append((name, value))
    total = 0.0
    for some in itertools.product(*(_cases(name, facts, rules) for name, _ in doubts)):
        picked = {name: case.value for (name, _), case in zip(doubts, some, strict=True)}
        verdict = _asks(rule, lifting, {**facts, **picked})
        if verdict == UNKNOWN:
            return None
        if verdict == TRUE:
            total += math.prod(_chance(value, case) for (_, value), case in zip(doubts, some, strict=True))
    return total


def _chance(value: Uncertain, case: Case) -> float:
    """Chance of a span of numbers; a single number has none."""
    above = 1.0 if case.low is None else value.chance_above(case.low)
    return above - (0.0 if case.high is None else value.chance_above(case.high))
