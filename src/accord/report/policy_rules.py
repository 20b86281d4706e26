"""Rules that were asked of an item, with what decided each, and the sources of an answer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from accord.base.source import Source
from accord.policy.classify import RuleTrace
from accord.policy.decide import Hit
from accord.policy.logic import FALSE, TRUE, UNKNOWN, LeafTrace
from accord.report.policy_result import ClassAnswer, cited, hit_of, is_left_open, source_key, told_rules
from accord.report.policy_words import RESULTS, comparison, open_comparisons
from accord.report.tables import NOTHING, Table, pairs, text_column

_STANDING = {
    "reported": "reported, no public text was seen",
    "unverified": "nobody has checked that it holds",
    "voluntary": "asked for, not a duty",
}
_PLAIN = ("item_type", "transaction")  # comparisons that are told only where they are not known, or with --explain


def mattering(answer: ClassAnswer) -> list[RuleTrace]:
    """Rules worth a line: those that hold, and of the unknown ones those that a deciding fact leaves open."""
    return [
        trace
        for trace in told_rules(answer)
        if answer.explain
        or (trace.verdict == TRUE and trace.rule.rule.stage != "fallback")
        or is_left_open(answer, trace)
    ]


def rules_table(answer: ClassAnswer) -> Table:
    """A rule in a few lines: what follows, what decided it, where it is read."""
    rows = tuple(
        (trace.rule.id, RESULTS[trace.verdict], "\n".join(_told(answer, trace))) for trace in mattering(answer)
    )
    columns = tuple(map(text_column, ("rule", "holds", "what follows, and why [source]")))
    title = "Rules that were asked" if answer.explain else "Rules that hold, or that a missing fact leaves open"
    return Table(title=title, columns=columns, rows=rows, notes=() if rows else ("none",))


def sources_table(answer: ClassAnswer) -> Table:
    """What rules and figures were read in, each once: publisher, title, date, tier, places, address."""
    cites = [
        (source_key(trace.rule, cite.source), cite) for trace in mattering(answer) for cite in trace.rule.rule.cites
    ]
    screened = answer.screened
    if screened is not None and screened.party is not None:
        cites += [(f"parties/{screened.party.id}:{cite.source}", cite) for cite in screened.cites]
    places: dict[tuple[str, Source], list[str]] = {}
    for key, cite in cites:
        if key in answer.sources:
            found = places.setdefault((cite.source, answer.sources[key]), [])
            found += [text for text in (f"({cite.tier})", cite.locator) if text not in found]
    for key in cited(answer):
        if not key.startswith("instruments/") and key in answer.sources:
            places.setdefault((key.rpartition(":")[2], answer.sources[key]), [])
    merged: dict[tuple[str, str, str], tuple[Source, list[str]]] = {}
    for (name, source), found in places.items():
        _, before = merged.setdefault((name, source.title, source.date), (source, []))
        before += [text for text in found if text not in before]
    rows = [(name, _source(source, found)) for (name, _, _), (source, found) in merged.items()]
    return pairs("Sources", rows)


def _source(source: Source, places: Sequence[str]) -> str:
    tiers = " ".join(place for place in places if place.startswith("("))
    within = "; ".join(place for place in places if not place.startswith("(")) or source.locator or ""
    head = f"{source.publisher}: {source.title}, {source.date}"
    parts = (f"{head} {tiers}".rstrip(), f"at: {within}" if within else "", source.url or "no address is recorded")
    return "\n".join(part for part in parts if part)


def _told(answer: ClassAnswer, trace: RuleTrace) -> Iterator[str]:
    rule, hit = trace.rule, hit_of(answer.verdict, trace.rule)
    consequence = rule.rule.consequence
    what = hit.word if hit is not None else f"{consequence.kind}:{consequence.value}".rstrip(":")
    yield what + (_aside(answer, hit) if hit is not None and hit.verdict == TRUE else "")
    yield from (_all(trace) if answer.explain else _decisive(trace))
    if rule.span.standing in _STANDING:
        yield _STANDING[rule.span.standing]
    if rule.span.compliance is not None and rule.span.compliance > answer.day.isoformat():
        yield f"to be kept from {rule.span.compliance} on"
    yield "[" + (", ".join(dict.fromkeys(cite.source for cite in rule.rule.cites)) or NOTHING) + "]"


def _all(trace: RuleTrace) -> Iterator[str]:
    """Every comparison; of a rule that holds not those that are false."""
    for leaf in trace.leaves:
        if trace.verdict == FALSE or leaf.result != FALSE:
            yield comparison(leaf)


def _decisive(trace: RuleTrace) -> Iterator[str]:
    """Comparisons that settle the rule, or those that leave it open, one line for each fact of these."""
    if trace.verdict == UNKNOWN:
        open_ = [leaf for leaf in trace.leaves if leaf.result == UNKNOWN]
        for _, some in itertools.groupby(sorted(open_, key=lambda leaf: leaf.fact), key=lambda leaf: leaf.fact):
            leaves = list(some)
            known = [leaf for leaf in leaves if leaf.value is not None]
            yield from map(comparison, known)
            if len(known) < len(leaves):
                yield open_comparisons([leaf for leaf in leaves if leaf.value is None])
        return
    results, kept = [leaf.result for leaf in trace.leaves], list[LeafTrace]()
    for at in reversed(range(len(results))):
        before, results[at] = results[at], UNKNOWN
        if trace.rule.join(results) != trace.verdict:
            results[at] = before
            kept.insert(0, trace.leaves[at])
    yield from dict.fromkeys(comparison(leaf) for leaf in kept if leaf.fact not in _PLAIN)


def _aside(answer: ClassAnswer, hit: Hit) -> str:
    """Why a rule that holds is no part of the outcome; empty where it is."""
    rule = hit.rule
    if rule.rule.stage == "class" and rule.rule.consequence.value != answer.verdict.chip_eccn:
        return " (another class comes first)"
    if hit.counts:
        return ""
    if rule.span.compliance is not None and rule.span.compliance > answer.day.isoformat():
        return " (not to be kept yet)"
    return " (a stricter rule, or one in its place, counts)"
