"""Whether a system may stand in a plan, by what the law of both sides answers of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from accord.policy.classify import INSUFFICIENT
from accord.policy.decide import NO_LICENCE, NO_RULE

Mode = Literal["strict", "licensable"]
NOT_COVERED = (
    "data protection and transfer of data", "sanctions and lists beyond the catalog", "tax", "contracts"
)  # fmt: skip
_LICENSABLE = {
    "licence:case_by_case": "a licence is to be applied for, decided case by case",
    "licence:presumption_of_approval": "a licence is to be applied for, presumed to be approved",
    "licence:granted_with_15pct_share": "a licence is to be applied for; such were granted for 15 % of the revenue",
    "permitted:technical_analysis": "for technical analysis alone",
}
_EXCEPTIONS = {
    "NAC": "licence exception NAC is to be kept",
    "NAC_notify": "licence exception NAC is to be kept; the authority is told first and may refuse",
    "ACA": "licence exception ACA is to be kept; no notice is asked for",
    "HBM": "licence exception HBM is to be kept",
}
_SPARED = ("licence:required", "licence:presumption_of_denial", *_LICENSABLE)  # by an exception that is kept


class Level(IntEnum):
    """How far an answer lets a system come: through, on conditions, not before a fact is known, not at all."""

    FREE = 0
    CONDITIONAL = 1
    OPEN = 2
    BARRED = 3


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a system passes.

    reason: the answer that decides; conditions: what is to be kept where it passes; deciding: facts that would decide
    """

    passes: bool
    reason: str
    conditions: tuple[str, ...] = ()
    deciding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Side:
    """One side's answer as a level, with the conditions it puts and the facts it hangs on."""

    words: str
    level: Level
    conditions: tuple[str, ...] = ()
    deciding: tuple[str, ...] = ()


def gate(
    outcome: str, importer: str, mode: Mode, *, country: str = "the country of destination",
    conditions: Sequence[str] = (), deciding: Sequence[str] = (), importer_deciding: Sequence[str] = (),
    no_way: Collection[str] = (), ruled: bool = False,
) -> Gate:  # fmt: skip
    """Let a system through, or say what stops it.

    outcome: of the exporter's law, importer: of the law of ``country``; words of docs/law.md joined by ``|``
    mode: ``strict`` keeps what needs no licence and is not restricted; ``licensable`` also what has a way that can be
        asked for: an exception, approval, a case-by-case licence, a rule nobody has checked. Letters and prohibitions
        pass in neither, nor does denial unless an exception spares the licence.
    conditions: what an applicant certifies; deciding, importer_deciding: facts that each side's answer hangs on
    no_way: restrictions among the importer's words that let no buyer in; ruled: whether the catalog has rules of
        ``country`` on trade at all
    An importer's answer that hangs on a fact is kept by ``licensable``, with the fact named as a condition.
    """
    out, into = _exporter(outcome, deciding), _importer(importer, country, importer_deciding, no_way, ruled=ruled)
    most = Level.FREE if mode == "strict" else Level.CONDITIONAL
    failed = [side for side in (out, into) if side.level > most]
    if failed:
        worst = max(failed, key=lambda side: side.level)
        asked = () if worst.level is Level.BARRED else [fact for side in failed for fact in side.deciding]
        return Gate(False, worst.words, (), tuple(dict.fromkeys(asked)))
    certified = conditions if Level.CONDITIONAL in (out.level, into.level) else ()
    return Gate(True, outcome, tuple(dict.fromkeys((*out.conditions, *certified, *into.conditions))), into.deciding)


def _exporter(outcome: str, deciding: Sequence[str]) -> _Side:
    words = outcome.split("|")
    ways = [word.removeprefix("exception:") for word in words if word.startswith("exception:")]
    others = [word for word in words if not word.startswith("exception:")]
    if ways and all(word in _SPARED for word in others):
        said = [f"exception:{way}: {_EXCEPTIONS.get(way, f'licence exception {way} is to be kept')}" for way in ways]
        if others:
            said.append(f"without it {', '.join(others)}")
        return _Side(outcome, Level.CONDITIONAL, tuple(said))
    level = max(map(_level, others), default=Level.BARRED)
    if level is Level.OPEN:
        named = [word.partition(":")[2] for word in others if word.startswith("depends:")]
        return _Side(outcome, level, (), (*named, *deciding) or ("what the item is",))
    said = [_condition(word) for word in others if level is Level.CONDITIONAL and word != NO_LICENCE]
    return _Side(outcome, level, tuple(said))


def _level(word: str) -> Level:
    if word == NO_LICENCE:
        return Level.FREE
    if word in _LICENSABLE or word.startswith("check:"):
        return Level.CONDITIONAL
    return Level.OPEN if word == INSUFFICIENT or word.startswith("depends:") else Level.BARRED


def _condition(word: str) -> str:
    if word.startswith("check:"):
        return f"{word}: nobody has checked whether the rule stands as it did before {word.partition(':')[2]}"
    return f"{word}: {_LICENSABLE[word]}"


def _importer(
    importer: str, country: str, deciding: Sequence[str], no_way: Collection[str], *, ruled: bool
) -> _Side:  # fmt: skip
    """The importer's side: ``no_rule`` or nothing passes, duties are told, a restriction is a condition or a bar."""
    words = f"importer: {importer}"
    if importer in (NO_RULE, NO_LICENCE, ""):
        said = f"no rule of {country} here speaks of this item" if ruled else f"no rule of {country} in the catalog"
        return _Side(words, Level.FREE, (said,) if importer != NO_LICENCE else ())
    parts = importer.split("|")
    said_of = tuple(f"law of {country}: {part}" for part in parts)
    if any(part.startswith("prohibited:") or part in no_way for part in parts):
        return _Side(words, Level.BARRED)
    if all(part.startswith("duty:") for part in parts):
        return _Side(words, Level.FREE, said_of)
    named = [part.partition(":")[2] for part in parts if part.startswith("depends:")]
    asked = (*named, *deciding) if named or INSUFFICIENT in parts else ()
    return _Side(words, Level.CONDITIONAL, said_of, tuple(dict.fromkeys(asked)))
