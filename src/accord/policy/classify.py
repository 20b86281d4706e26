"""Class and outcome of an item on a day, both sides, with what is not known told by the difference it makes."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from accord.catalog.legal_fact import FACTS, ITEM
from accord.policy.decide import IMPORT_STAGES, NO_RULE, NONE, Decision, Hit, export_side, import_facts, import_side
from accord.policy.facts import Facts, FactValue, completed
from accord.policy.logic import FALSE, TRUE, CompiledRule, LeafTrace
from accord.policy.rulebook import Rulebook
from accord.policy.unknowns import cases, missing, with_value

UNKNOWN_CLASS, INSUFFICIENT = "unknown", "insufficient_data"
MOST_PASSES = 4000  # over what missing facts could be; beyond them every missing fact counts as deciding

_BARS = {name: at for at, name in enumerate(("licence:presumption_of_denial", "licence:is_informed"))}

_Side = Callable[[Rulebook, Mapping[str, FactValue]], Decision]


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule that was asked, and what each of its comparisons said."""

    rule: CompiledRule
    verdict: int
    leaves: tuple[LeafTrace, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one item, deal and day.

    eccn, chip_eccn: class of the item and of its chips, ``unknown`` where facts are missing
    outcome: under the laws that follow the item; importer: under the law of the destination, ``no_rule`` where the
        catalog has none that speaks of it; both alternatives joined by ``|``
    deciding, importer_deciding: facts whose values would change the class, the outcome, the importer's outcome
    hits, importer_hits: rules that hold or are not known to; conditions: what the counted ones ask to be certified
    """

    day: datetime.date
    facts: Mapping[str, FactValue]
    eccn: str
    chip_eccn: str
    outcome: str
    deciding: tuple[str, ...]
    hits: tuple[Hit, ...]
    importer: str
    importer_deciding: tuple[str, ...]
    importer_hits: tuple[Hit, ...]
    conditions: tuple[str, ...]
    trace: tuple[tuple[CompiledRule, int, list[int]], ...]

    def explained(self) -> tuple[RuleTrace, ...]:
        """Return the trace in readable form: facts, thresholds, margins."""
        known = dict(self.facts)
        if self.chip_eccn != UNKNOWN_CLASS:
            known["class"] = self.chip_eccn
        there = import_facts(known)
        return tuple(
            RuleTrace(rule, verdict, rule.explain(there if rule.rule.stage in IMPORT_STAGES else known, results))
            for rule, verdict, results in self.trace
        )


def classify(book: Rulebook, facts: Facts) -> Verdict:
    """Ask every rule of the day of one item and deal.

    facts: by name of :data:`accord.catalog.legal_fact.FACTS`, what is missing is unknown
    """
    full = completed(facts)
    out, into = export_side(book, full), import_side(book, full)
    found = _settled(book, full, export_side, out)
    there = _settled(book, full, import_side, into)
    counted = [hit for hit in (*out.hits, *into.hits) if hit.counts]
    conditions = dict.fromkeys(text for hit in counted for text in hit.rule.rule.consequence.conditions)
    return Verdict(
        day=book.day,
        facts=full,
        eccn=found.eccn,
        chip_eccn=found.chip_eccn,
        outcome=found.outcome,
        deciding=found.deciding,
        hits=out.hits,
        importer=there.outcome,
        importer_deciding=there.deciding,
        importer_hits=into.hits,
        conditions=tuple(conditions),
        trace=(*out.trace, *into.trace),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    eccn: str
    chip_eccn: str
    outcome: str
    deciding: tuple[str, ...]


def _settled(book: Rulebook, facts: Mapping[str, FactValue], side: _Side, first: Decision) -> _Found:
    """The outcome that every value of the missing facts leads to, else what it depends on."""
    if side is import_side and first.unsure and "destination" not in facts:
        return _Found(UNKNOWN_CLASS, UNKNOWN_CLASS, "depends:destination", ("destination",))
    if not first.unsure:
        return _Found(first.eccn or UNKNOWN_CLASS, first.chip_eccn or UNKNOWN_CLASS, first.outcome, ())
    search = _Search(side)
    answers = search.answers(book, facts, first)
    eccns, chips = ({answer[at] for answer in answers} for at in (0, 1))
    outcomes = {answer[2] for answer in answers}
    if len(eccns) > 1 and {str(name).rpartition(":")[2] for name in eccns} == {NONE}:
        eccns = {NONE}  # whichever text it is none under
    eccn, chip = (_only(names) or UNKNOWN_CLASS for names in (eccns, chips))
    deciding = tuple(name for name in FACTS if name in search.deciding)
    outcome = _only(outcomes)
    if outcome is not None and not search.cut_short:
        return _Found(eccn, chip, outcome, deciding)
    if not search.cut_short and _is_floor(first.outcome, outcomes):
        return _Found(eccn, chip, first.outcome, deciding)
    technical = [name for name in deciding if name in ITEM]
    if eccn == UNKNOWN_CLASS and first.chip_eccn is None and len(technical) > 1:
        return _Found(eccn, chip, INSUFFICIENT, deciding)
    sure = [first.outcome] if side is import_side and first.outcome != NO_RULE else []  # what is known stays told
    return _Found(eccn, chip, "|".join((*sure, *(f"depends:{name}" for name in deciding))), deciding)


def _is_floor(outcome: str, outcomes: set[str]) -> bool:
    """Whether what holds already bars a deal, and what is missing could only make it stricter, or except it.

    An exception that may be there is not there.
    """
    licences = (other.partition("|exception:")[0] for other in outcomes)
    return outcome in _BARS and all(
        licence.startswith("prohibited") or _BARS.get(licence, len(_BARS)) <= _BARS[outcome] for licence in licences
    )


def _false(found: Decision) -> set[str]:
    """Rules that no further fact makes true."""
    return {rule.id for rule, verdict, _ in found.trace if verdict == FALSE}


def _by_default(found: Decision) -> bool:
    """Whether a presumption decides the class that further facts may overcome, and with it rules that ask for it."""
    return any(
        verdict == TRUE and rule.rule.stage == "fallback" and rule.rule.consequence.kind == "presumed"
        for rule, verdict, _ in found.trace
    )


def _only(names: Collection[str | None]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


_Answer = tuple[str | None, str | None, str]


class _Search:
    """Goes through what missing facts could be, one fact at a time.

    deciding: facts whose value made a difference somewhere; cut_short: whether :data:`MOST_PASSES` was reached
    """

    def __init__(self, side: _Side) -> None:
        self.side = side
        self.passes = 0
        self.deciding: set[str] = set()
        self.cut_short = False

    def answers(
        self, book: Rulebook, facts: Mapping[str, FactValue], first: Decision | None = None
    ) -> frozenset[_Answer]:
        """Every answer that some values of the missing facts lead to; ``book`` may lack rules that are false anyway."""
        self.passes += 1
        found = first or self.side(book, facts)
        lacking = missing(self._asked(facts, found), found.unsure)
        if not found.unsure or not lacking:
            return frozenset({(found.eccn, found.chip_eccn, found.outcome)})
        if self.passes > MOST_PASSES:
            self.cut_short = True
            self.deciding |= set(lacking)
            return frozenset({(None, None, found.outcome)})
        name, left = lacking[0], book if _by_default(found) else book.without(_false(found))
        ways = [self.answers(left, with_value(facts, name, case.value)) for case in cases(name, facts, found.unsure)]
        if any(way != ways[0] for way in ways):
            self.deciding.add(name)
        return frozenset().union(*ways)

    def _asked(self, facts: Mapping[str, FactValue], found: Decision) -> dict[str, FactValue]:
        known = dict(facts)
        if found.chip_eccn is not None:
            known["class"] = found.chip_eccn
        return import_facts(known) if self.side is import_side else known
