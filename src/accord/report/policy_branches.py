"""What facts that decide would make of an answer, in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from accord.policy.branches import Branch
from accord.policy.classify import INSUFFICIENT
from accord.report.policy_result import ClassAnswer
from accord.report.policy_words import bound, branch_text, label

MOST = 6  # lines; what is left out is in --json and --explain
_Key = Callable[[Branch], tuple[str, ...]]


def told_branches(answer: ClassAnswer) -> list[tuple[str, str]]:
    """What follows from each value of a fact that decides, and bounds on numbers.

    A fact that alone decides nothing, because every value leaves the answer the same or open, is only named.
    """
    verdict, rows, left = answer.verdict, list[tuple[str, str]](), list[str]()
    for name in verdict.deciding:
        told = list(_exporters(answer, name))
        rows += told
        left += [] if told else [label(name)]
    for name in verdict.importer_deciding:
        told = list(_importers(answer, name))
        rows += told
        left += [] if told or label(name) in left else [f"{label(name)} (importer's law)"]
    most = MOST - bool(left)
    if not answer.explain and len(rows) > most:
        rows = [*rows[: most - 1], ("...", f"{len(rows) - most + 1} more lines with --explain")]
    return [*rows, *([("depends on", ", ".join(left))] if left else [])]


def _exporters(answer: ClassAnswer, name: str) -> Iterator[tuple[str, str]]:
    every = answer.branches.get(name, ())
    found = merged(every, lambda one: (one.eccn, one.outcome))
    if not _tells(found, lambda one: one.outcome, lambda one: (one.eccn, one.outcome)):
        return
    same_class = len({one.eccn for one in found}) == 1
    same_outcome = len({one.outcome for one in found}) == 1
    for one in found:
        says = one.outcome if same_class else one.eccn if same_outcome else f"{one.eccn} / {one.outcome}"
        yield f"depends on {label(name)}", f"{branch_text(one, answer.ways)} -> {says}"
    for eccn in dict.fromkeys(one.eccn for one in every):
        limit = bound(every, eccn) if eccn != "none" else None
        if limit:
            yield "bound", limit


def _importers(answer: ClassAnswer, name: str) -> Iterator[tuple[str, str]]:
    found = merged(answer.branches.get(name, ()), lambda one: (one.importer,))
    if _tells(found, lambda one: one.importer, lambda one: (one.importer,)):
        for one in found:
            yield f"importer's law, {label(name)}", f"{branch_text(one, answer.ways)} -> {one.importer}"


def _tells(found: Sequence[Branch], outcome: Callable[[Branch], str], key: _Key) -> bool:
    """Whether branches differ, and one of them answers."""
    return len({key(one) for one in found}) > 1 and any(not _is_open(outcome(one)) for one in found)


def _is_open(outcome: str) -> bool:
    return all(word == INSUFFICIENT or word.startswith("depends:") for word in outcome.split("|"))


def merged(found: Sequence[Branch], key: _Key) -> list[Branch]:
    """Branches that ``key`` does not tell apart as one: neighbours of numbers, any of words."""
    joined: list[Branch] = []
    for one in found:
        at = next((at for at, other in enumerate(joined) if key(other) == key(one)), None)
        if at is None or (one.number and at != len(joined) - 1):
            at = len(joined) - 1 if joined and one.number and key(joined[-1]) == key(one) else None
        if at is None:
            joined.append(one)
            continue
        other = joined[at]
        words = (*other.words, *one.words) if other.words and one.words else ()
        joined[at] = replace(other, high=one.high, with_high=one.with_high, words=words)
    return joined
