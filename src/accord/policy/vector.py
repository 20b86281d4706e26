"""Export classes of many items at once, as one pass over the class rules of a day finds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accord.policy.classify import UNKNOWN_CLASS
from accord.policy.columns import Columns, Words, coded, completed_columns
from accord.policy.decide import NONE, NOT_YET
from accord.policy.logic import FALSE, TRUE, UNKNOWN, CompiledRule, Truths
from accord.policy.rulebook import Rulebook


def classes(book: Rulebook, columns: Columns, size: int) -> Words:
    """Return the class of each of ``size`` chips, ``unknown`` where a rule that would decide is.

    columns: by fact, shape (size,): numbers and days as floats with nan for unknown, words as text or :class:`Words`
        with "" for unknown, sets as words joined by ``|``; a fact that is not there is unknown throughout
    The same as ``chip_eccn`` of :func:`accord.policy.decide.export_side`, which tries no values of missing facts.
    """
    full = coded(completed_columns(columns))
    strictest = [(rule, rule.vectorised(full, size)) for rule in book.strictest]
    resort = _standing([(rule, rule.vectorised(full, size)) for rule in book.stage("fallback")])
    others = [(rule, rule.vectorised(full, size)) for rule in book.milder]
    names = [UNKNOWN_CLASS, NONE if book.started else NOT_YET]
    names += dict.fromkeys(rule.rule.consequence.value for rule, _ in (*strictest, *resort, *others))
    codes = np.ones(size, np.intp)
    undecided = np.ones(size, np.bool_)
    for rule, verdicts in (*strictest, *resort, *others):
        codes[undecided & (verdicts == UNKNOWN)] = 0
        codes[undecided & (verdicts == TRUE)] = names.index(rule.rule.consequence.value)
        undecided &= verdicts == FALSE
    _by_default(codes, names, [verdicts for _, verdicts in strictest], resort)
    return Words(tuple(names), codes)


_Asked = list[tuple[CompiledRule, Truths]]


def _standing(resort: _Asked) -> _Asked:
    """Presumptions that can be overcome, false where they are."""
    found = []
    for rule, verdicts in resort:
        if rule.rule.consequence.kind == "presumed":
            against = [
                theirs for other, theirs in resort
                if other.rule.consequence.kind == "rebuts" and rule.id in other.rule.overrides
            ]  # fmt: skip
            rebutted = np.any([theirs == TRUE for theirs in against], axis=0) if against else np.False_
            found.append((rule, np.where(rebutted, FALSE, verdicts).astype(np.int8)))
    return found


def _by_default(codes: NDArray[np.intp], names: list[str], strictest: list[Truths], resort: _Asked) -> None:
    """Let a presumption that holds stand where no stricter rule is known to hold."""
    free = np.ones(codes.shape, np.bool_)
    for verdicts in strictest:
        free &= verdicts != TRUE
    for rule, verdicts in resort:
        codes[free & (verdicts == TRUE)] = names.index(rule.rule.consequence.value)
        free &= verdicts != TRUE
