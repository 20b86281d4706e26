"""What the law says of the systems and the model of a plan: terms of the deal, verdicts, and who is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from accord.planner.problem import LawMode
from accord.policy.gate import NOT_COVERED, Mode, gate

NOT_CHECKED = "not checked"
WANTED = "give --from, --to and --date"


class LawTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The deal that the law is asked about.

    mode: what passes, see :func:`accord.policy.gate.gate`; seller, buyer: country of the seller and of delivery
    hq: country of the headquarters or ultimate parent of the consignee; day: ISO date
    exporter, consignee: ids of parties, or names the catalog does not know
    facts: other facts of the deal, as they are written; said: what was taken for granted
    """

    mode: LawMode = "strict"
    seller: str | None = None
    buyer: str | None = None
    hq: str | None = None
    day: str | None = None
    exporter: str | None = None
    consignee: str | None = None
    facts: dict[str, str] = {}
    said: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether both countries and the day are known and the law is to be checked."""
        return self.mode != "off" and None not in (self.seller, self.buyer, self.day)


class SystemLaw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the law says of one system, or one chip where chips are asked about.

    eccn: export class; outcome: of the exporter's law; importer: of the law of the country of destination
    passes, reason, conditions, deciding: see :class:`accord.policy.gate.Gate`
    no_way: restrictions among the importer's words that let no buyer in
    branches: what would follow for each value of the deciding facts, in words; sources: of the rules that decide
    said: remarks
    """

    system: str
    chip: str | None = None
    eccn: str | None = None
    outcome: str
    importer: str
    passes: bool
    reason: str
    conditions: tuple[str, ...] = ()
    deciding: tuple[str, ...] = ()
    no_way: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def mode(self) -> Mode | None:
        """The strictest mode that it passes under, None where it passes under neither."""
        modes: tuple[Mode, ...] = ("strict", "licensable")
        found = (mode for mode in modes if gate(self.outcome, self.importer, mode, no_way=self.no_way).passes)
        return next(found, None)


class ModelLaw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the licence of a model says of the country of use.

    licence: id, None where the catalog knows none; answer: verdict of :class:`accord.policy.licences.LicenceAnswer`
    passes: not where it gives no rights; what is not known of the buyer is a condition
    """

    model: str
    licence: str | None = None
    answer: str
    passes: bool
    reason: str
    conditions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class Lawful(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found.

    systems: one verdict each, empty where the law was not checked; model: None where nobody asked about its licence
    not_covered: what no rule of the catalog covers, in words
    """

    terms: LawTerms = LawTerms(mode="off")
    systems: tuple[SystemLaw, ...] = ()
    model: ModelLaw | None = None
    not_covered: tuple[str, ...] = NOT_COVERED

    def left(self, systems: Iterable[str]) -> tuple[str, ...]:
        """Return those that pass, in their order; of whom nobody asked passes."""
        gone = {system for system, _ in self.stopped(systems)}
        return tuple(system for system in systems if system not in gone)

    def stopped(self, systems: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Return those that do not pass and why, with what would decide where a fact would."""
        if self.model is not None and not self.model.passes:
            return tuple((system, f"law: {self.model.reason}") for system in systems)
        verdicts = {one.system: one for one in self.systems if not one.passes}
        return tuple((system, _why(verdicts[system])) for system in systems if system in verdicts)

    def rejected(self) -> Counter[str]:
        """Count what does not pass, by reason: systems, or the model that has no licence there."""
        found = Counter(f"law: {one.reason}" for one in self.systems if not one.passes)
        if self.model is not None and not self.model.passes:
            found[f"law: {self.model.reason}"] += 1
        return found

    def words(self, systems: Iterable[str]) -> str:
        """Return the state of the law of a plan on these systems: outcome, day, conditions."""
        held = set(systems)
        found = [one for one in self.systems if one.system in held]
        if not found:
            return NOT_CHECKED
        outcomes = list(dict.fromkeys(one.outcome for one in found))
        if len(outcomes) > 1:
            outcomes = [f"{one.system} {one.outcome}" for one in found]
        said = [text for one in found for text in one.conditions]
        said += self.model.conditions if self.model is not None else ()
        conditions = f": {'; '.join(dict.fromkeys(said))}" if said else ""
        return f"{', '.join(outcomes)} (as of {self.terms.day}){conditions}"


UNCHECKED = Lawful()


def outcome_of(law: str) -> str:
    """Return the outcomes alone of what a plan says of the law, without the names of two systems."""
    told, dated, _ = law.partition(" (as of ")
    return " + ".join(part.rpartition(" ")[2] for part in told.split(", ")) if dated else told


def _why(one: SystemLaw) -> str:
    decides = f"; what would decide: {', '.join(one.deciding)}" if one.deciding else ""
    follows = f" ({'; '.join(one.branches)})" if one.branches and decides else ""
    return f"law: {one.reason}{decides}{follows}"
