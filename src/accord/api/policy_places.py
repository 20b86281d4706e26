"""What an answer rests on where countries and their groups decide: memberships recalled, or not known at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from accord.api.law import Classified
from accord.catalog.group import Group
from accord.policy.decide import Hit
from accord.policy.logic import UNKNOWN
from accord.policy.places import recalled, unsettled


def place_remarks(found: Classified, groups: Sequence[Group]) -> tuple[str, ...]:
    """Remarks on memberships that rules which count, or are not known to hold, ask about."""
    verdict = found.verdict
    hits = (*verdict.hits, *verdict.importer_hits)
    counted, open_ = (hit for hit in hits if hit.counts), (hit for hit in hits if hit.verdict == UNKNOWN)
    return (
        *unsettled(groups, _asked(open_), verdict.facts, verdict.day),
        *recalled(groups, _asked(counted), verdict.facts, verdict.day),
    )


def _asked(hits: Iterator[Hit]) -> Iterator[tuple[str, tuple[str, ...]]]:
    return ((leaf.fact, leaf.words) for hit in hits for leaf in hit.rule.leaves)
