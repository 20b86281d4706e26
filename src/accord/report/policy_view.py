"""What ``accord policy`` found of an item, as tables; the dicts of the JSON envelope are in ``policy_result``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from accord.policy.cases import Scored
from accord.policy.classify import RuleTrace
from accord.policy.decide import Hit
from accord.policy.facts import RATIO_PARTS
from accord.policy.history import Period, deciding_hits
from accord.policy.item import Item, Told
from accord.policy.logic import FALSE, TRUE, UNKNOWN
from accord.report.policy_result import ClassAnswer, Side, exporter_sides, hit_of, importer_side, told_of, told_rules
from accord.report.policy_words import (
    DISCLAIMER,
    RESULTS,
    bound,
    branch_text,
    comparison,
    fact_text,
    label,
    near_text,
    span_text,
)
from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column

FIGURES = (
    "tpp", "die_area", "performance_density", "dram_bandwidth", "io_bandwidth", "package_area", "memory_density",
    "process_nm", "transistors", "has_hbm", "memory_kind", "datacenter_marketed", "designer_hq",
)  # fmt: skip
_SHOWN_BY_FORM = 5  # figures that are named even where they are not known
_STANDING = {
    "reported": "reported, no public text was seen",
    "unverified": "nobody has checked that it holds",
    "voluntary": "asked for, not a duty",
}
_Rows = Iterator[tuple[str, ...]]


def classify_tables(answer: ClassAnswer) -> tuple[Table, ...]:
    """Everything ``policy classify`` prints: the answer, the item, the rules, then what was not checked."""
    tables = [_answer(answer), _item(answer), _rules(answer)]
    if answer.history:
        tables.append(periods_table(f"{answer.item.name} through time", answer.periods))
    return (*tables, _end(answer))


def periods_table(title: str, periods: Sequence[Period], notes: Sequence[str] = ()) -> Table:
    """Class and outcome through time."""
    rows = tuple(
        (
            span_text(one.start, one.until), one.eccn, one.outcome, one.importer,
            "; ".join(one.rules) or NOTHING,
        )
        for one in periods
    )  # fmt: skip
    columns = tuple(map(text_column, ("days", "class", "outcome", "importer's side", "rules")))
    beyond = next((one.start for one in periods if one.beyond and one.start), None)
    told = [f"From {beyond} on: as the catalog knew it when its sources were last read; later changes may be missing."]
    return Table(title=title, columns=columns, rows=rows, notes=(*notes, *(told if beyond else [])))


def migrate_tables(item: Item, asked: str, periods: Sequence[Period], notes: Sequence[str]) -> tuple[Table, ...]:
    """Everything ``policy migrate`` prints; asked: the deal in words."""
    return (periods_table(f"{item.name} through time, {asked}", periods, notes),)


def cases_tables(scored: Sequence[Scored], summary: Mapping[str, object], name: str) -> tuple[Table, ...]:
    """Everything ``policy cases`` prints: case by case, then what is right by basis."""
    rows = tuple(
        (
            one.case.id, one.case.chip, one.case.day.isoformat(), _got(one.case.expected_eccn, one.eccn),
            _got(one.case.expected_outcome, one.outcome), one.reason,
        )
        for one in scored
    )  # fmt: skip
    columns = tuple(map(text_column, ("case", "item", "date", "class", "outcome", "reason")))
    counted = [("all", summary), *_by_basis(summary)]
    counts = tuple(
        (basis, *(str(found[key]) for key in ("cases", "eccn_correct", "outcome_correct", "both_correct")))
        for basis, found in counted
    )
    heads = (text_column("basis"), *map(number_column, ("cases", "class right", "outcome right", "both right")))
    notes = ("Not legal advice. Each case holds as of its own day.",)
    return (
        Table(title=f"Cases of {name}", columns=columns, rows=rows),
        Table(title="Right answers", columns=heads, rows=counts, notes=notes),
    )


def _by_basis(summary: Mapping[str, object]) -> list[tuple[str, Mapping[str, object]]]:
    found = summary.get("by_basis")
    return [(str(name), one) for name, one in found.items()] if isinstance(found, Mapping) else []


def _got(expected: str, got: str) -> str:
    """An answer, and the one expected where it is another."""
    same = set(expected.split("|")) == set(got.split("|"))
    return got if same else f"{got} (WRONG: {expected})"


def _answer(answer: ClassAnswer) -> Table:
    verdict = answer.verdict
    rows = [("class", verdict.eccn if verdict.eccn == verdict.chip_eccn else _system_class(answer))]
    rows.append(("outcome", verdict.outcome))
    rows += _told_depends(answer)
    shown = {hit.rule.id for hit in (*deciding_hits(verdict), *verdict.importer_hits) if hit.counts}
    shown |= {trace.rule.id for trace in _mattering(answer) if trace.verdict == UNKNOWN}
    for side in exporter_sides(answer):
        rows.append((f"law of {_place(side.jurisdiction)}", _side(side, shown)))
    into = importer_side(answer)
    named = f"importer's law, {_place(into.jurisdiction)}" if into.jurisdiction else "importer's law"
    rows.append((named, _side(into, shown) if into.jurisdiction else "no country of destination is told"))
    rows += [("importer's law depends on", label(name)) for name in verdict.importer_deciding]
    rows += [("condition", text) for text in verdict.conditions]
    rows += [
        (
            "other sources",
            f"{label(one.fact)} {fact_text(one.fact, one.value)} would make it {one.eccn} / {one.outcome}",
        )
        for one in answer.flips
    ]
    rows.append(("near-by", near_text(answer.periods, answer.day)))
    rows += [("what if", f"{name} = {number(value)}") for name, value in answer.what_if.items()]
    return pairs(f"{answer.item.name} on {answer.day}, {asked_text(answer.seller, answer.buyer, answer.hq)}", rows)


def asked_text(seller: str | None, buyer: str | None, hq: str | None, exporter: str | None = None) -> str:
    """The deal in words: ``from US to CN, headquarters CN``."""
    says = f"from {seller or 'an unstated country'} to {buyer or 'an unstated country'}"
    says += f", headquarters {hq or 'not stated'}"
    return f"{says}, exporter {exporter}" if exporter else says


def _system_class(answer: ClassAnswer) -> str:
    return f"{answer.verdict.eccn} (follows its chips, {answer.verdict.chip_eccn})"


def _told_depends(answer: ClassAnswer) -> list[tuple[str, str]]:
    """What follows from each value of a fact that decides, and bounds on numbers."""
    rows: list[tuple[str, str]] = []
    for name in answer.verdict.deciding:
        found = answer.branches.get(name, ())
        same_class = len({one.eccn for one in found}) == 1
        for one in found:
            says = one.outcome if same_class else f"{one.eccn} / {one.outcome}"
            rows.append((f"depends on {label(name)}", f"{branch_text(one)} -> {says}"))
        if not found:
            rows.append(("depends on", label(name)))
        bounds = (bound(found, eccn) for eccn in dict.fromkeys(one.eccn for one in found) if eccn != "none")
        rows += [("bound", says) for says in bounds if says]
    return rows


def _place(jurisdiction: str | None) -> str:
    return jurisdiction.upper() if jurisdiction else NOTHING


def _side(side: Side, shown: Collection[str]) -> str:
    if side.outcome == "no_rule":
        return "no_rule: the catalog has no rule that speaks of it"
    rules = [name for name in side.rules if name in shown]
    return side.outcome + (f"  ({', '.join(rules)})" if rules else "")


def _item(answer: ClassAnswer) -> Table:
    facts = answer.verdict.facts
    rows: list[tuple[str, ...]] = []
    for at, name in enumerate(FIGURES):
        if name not in facts:
            if at < _SHOWN_BY_FORM:
                rows.append((label(name), "not known", NOTHING, NOTHING, NOTHING))
            continue
        told = told_of(answer, name)
        rows.append((label(name), fact_text(name, facts[name]), _band(name, told), told.basis, _from(told)))
    columns = tuple(map(text_column, ("fact", "value", "sources say", "basis", "from")))
    return Table(title="The item", columns=columns, rows=tuple(rows), notes=answer.item.remarks)


def _band(name: str, told: Told) -> str:
    if not told.points or min(told.points) == max(told.points):
        return NOTHING
    return f"{fact_text(name, min(told.points))} to {fact_text(name, max(told.points))}"


def _from(told: Told) -> str:
    keys = ", ".join(key.rpartition(":")[2] for key in told.sources[:3])
    more = f" and {len(told.sources) - 3} more" if len(told.sources) > 3 else ""
    return f"{told.how} ({keys}{more})" if keys else told.how


def _mattering(answer: ClassAnswer) -> list[RuleTrace]:
    """Rules worth a line: those that hold, and of the unknown ones those that a deciding fact leaves open."""
    verdict = answer.verdict
    deciding = {*verdict.deciding, *verdict.importer_deciding}
    deciding |= {name for name, parts in RATIO_PARTS.items() if deciding & set(parts[:2])}
    return [
        trace
        for trace in told_rules(answer)
        if answer.explain
        or (trace.verdict == TRUE and trace.rule.rule.stage != "fallback")
        or any(leaf.result == UNKNOWN and leaf.fact in deciding for leaf in trace.leaves)
    ]


def _rules(answer: ClassAnswer) -> Table:
    rows = [row for trace in _mattering(answer) for row in _rule(answer, trace)]
    columns = tuple(map(text_column, ("rule", "holds", "what follows", "why, and where it is read")))
    title = "Rules that were asked" if answer.explain else "Rules that hold, or that a missing fact leaves open"
    notes = () if rows else ("none",)
    return Table(title=title, columns=columns, rows=tuple(rows), notes=notes)


def _rule(answer: ClassAnswer, trace: RuleTrace) -> _Rows:
    """A line for each thing to say of a rule."""
    rule, hit = trace.rule, hit_of(answer.verdict, trace.rule)
    consequence = rule.rule.consequence
    what = hit.word if hit is not None else f"{consequence.kind}:{consequence.value}".rstrip(":")
    if hit is not None and hit.verdict == TRUE:
        what += _aside(answer, hit)
    whys = [*(comparison(leaf) for leaf in trace.leaves if _speaks(leaf.result, trace.verdict))]
    if rule.span.standing in _STANDING:
        whys.append(_STANDING[rule.span.standing])
    if rule.span.compliance is not None and rule.span.compliance > answer.day.isoformat():
        whys.append(f"to be kept from {rule.span.compliance} on")
    whys += [f"[{cite.tier}] {cite.source}: {cite.locator}" for cite in rule.rule.cites]
    heads = (rule.id, RESULTS[trace.verdict], what)
    for at, why in enumerate(whys or [NOTHING]):
        yield (*(heads if at == 0 else ("", "", "")), why)


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


def _speaks(result: int, verdict: int) -> bool:
    """Whether a comparison is worth a line: of a rule that holds not those that are false."""
    return verdict == FALSE or result != FALSE


def _end(answer: ClassAnswer) -> Table:
    rows = [("rules of the day", f"sha256 {answer.digest[:16]}"), *(("not checked", one) for one in answer.not_checked)]
    return pairs("What was not checked", rows, (DISCLAIMER.format(day=answer.day),))
