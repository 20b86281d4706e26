"""What ``accord policy`` found of an item, as tables; the dicts of the JSON envelope are in ``policy_result``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from accord.policy.cases import Scored
from accord.policy.decide import NO_RULE
from accord.policy.history import Period
from accord.policy.item import Item, Told
from accord.report.policy_branches import told_branches
from accord.report.policy_result import ClassAnswer, Side, deciding_rules, exporter_sides, importer_side, told_of
from accord.report.policy_rules import rules_table, sources_table
from accord.report.policy_words import DISCLAIMER, fact_text, label, near_text, span_text
from accord.report.tables import NOTHING, Table, number, number_column, pairs, text_column

FIGURES = (
    "tpp", "die_area", "performance_density", "dram_bandwidth", "io_bandwidth", "package_area", "memory_density",
    "process_nm", "transistors", "has_hbm", "memory_kind", "material", "datacenter_marketed", "designer_hq",
)  # fmt: skip
_SHOWN_BY_FORM = 5  # figures that are named even where they are not known


def classify_tables(answer: ClassAnswer) -> tuple[Table, ...]:
    """Everything ``policy classify`` prints: the answer, the item, the rules, what was not checked, what was read."""
    tables = [_answer(answer), _item(answer), rules_table(answer)]
    if answer.history:
        tables.append(periods_table(f"{answer.item.name} through time", answer.periods))
    return (*tables, _end(answer), sources_table(answer))


def periods_table(title: str, periods: Sequence[Period], notes: Sequence[str] = ()) -> Table:
    """Class and outcome through time."""
    rows = tuple(
        (span_text(one.start, one.until), one.eccn, _both(one), "\n".join(one.rules) or NOTHING) for one in periods
    )
    columns = tuple(map(text_column, ("days", "class", "outcome", "rules")))
    beyond = next((one.start for one in periods if one.beyond and one.start), None)
    told = [f"From {beyond} on: as the catalog knew it when its sources were last read; later changes may be missing."]
    return Table(title=title, columns=columns, rows=rows, notes=(*notes, *(told if beyond else [])))


def _both(one: Period) -> str:
    """The outcome, and the importer's side where its law says something."""
    return one.outcome if one.importer == NO_RULE else f"{one.outcome}\nimporter: {one.importer}"


def migrate_tables(item: Item, asked: str, periods: Sequence[Period], notes: Sequence[str]) -> tuple[Table, ...]:
    """Everything ``policy migrate`` prints; asked: the deal in words."""
    return (periods_table(f"{item.name} through time, {asked}", periods, notes),)


def cases_tables(
    scored: Sequence[Scored], summary: Mapping[str, object], name: str, not_checked: Sequence[str] = ()
) -> tuple[Table, ...]:
    """Everything ``policy cases`` prints: case by case, then what is right by basis."""
    rows = tuple(
        (
            one.case.id, one.case.chip, one.case.day.isoformat(), _got(one.case.expected_eccn, one.eccn),
            "\n".join((_got(one.case.expected_outcome, one.outcome), *one.reason.split("; "))),
        )
        for one in scored
    )  # fmt: skip
    columns = tuple(map(text_column, ("case", "item", "date", "class", "outcome, and why")))
    counted = [("all", summary), *_by_basis(summary)]
    counts = tuple(
        (basis, *(str(found[key]) for key in ("cases", "eccn_correct", "outcome_correct", "both_correct")))
        for basis, found in counted
    )
    heads = (text_column("basis"), *map(number_column, ("cases", "class right", "outcome right", "both right")))
    notes = (
        *(f"Not checked: {one}." for one in not_checked), "Not legal advice. Each case holds as of its own day.",
    )  # fmt: skip
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
    rows += [("remark", one) for one in answer.remarks]
    rows += told_branches(answer)
    shown = deciding_rules(answer)
    for side in exporter_sides(answer):
        rows.append((f"law of {_place(side.jurisdiction)}", _side(side, shown)))
    into = importer_side(answer)
    named = f"importer's law, {_place(into.jurisdiction)}" if into.jurisdiction else "importer's law"
    rows.append((named, _side(into, shown) if into.jurisdiction else "no country of destination is told"))
    rows += list(_consignee(answer))
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


def _consignee(answer: ClassAnswer) -> Iterator[tuple[str, str]]:
    """Who gets it, and how applications for it are reviewed by the entry that lists it."""
    if answer.screened is None or answer.screened.party is None:
        return
    yield "consignee", f"{answer.screened.party.name}: {answer.screened.words}"
    for one in answer.screened.listings:
        if one.policy is not None:
            cites = ", ".join(f"{cite.source}: {cite.locator}" for cite in one.cites)
            yield f"entry on {one.list}", f"licences are reviewed with: {one.policy} [{cites}]"


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
    described = answer.kind == "items"
    others = [name for name in answer.item.facts if name not in (*FIGURES, "item_names")] if described else []
    for at, name in enumerate((*FIGURES, *others)):
        if name not in facts:
            if at < _SHOWN_BY_FORM and not described:
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


def _end(answer: ClassAnswer) -> Table:
    rows = [
        ("rules", f"sha256 {answer.digest[:16]}, of all instruments and country groups"),
        *(("not checked", one) for one in answer.not_checked),
    ]
    return pairs("What this stands on, and what was not checked", rows, (DISCLAIMER.format(day=answer.day),))
