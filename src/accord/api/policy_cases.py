"""``accord policy cases``: a table of dated cases, each asked of the rules of its day."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.api.law import Law
from accord.base.errors import TableError
from accord.policy.cases import COLUMNS, REQUIRED, Case, Scored, case_facts, read_case, summary
from accord.policy.classify import INSUFFICIENT, Verdict, classify
from accord.policy.gate import NOT_COVERED
from accord.policy.history import deciding_hits, last_read
from accord.policy.logic import UNKNOWN
from accord.report import policy_view as view
from accord.report.policy_result import cases_dict
from accord.report.policy_words import label
from accord.report.tables import Table
from accord.validation.csv_table import Cells, read_table

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class CasesAnswer:
    """What ``policy cases`` prints; warnings: expected words that no rule could give."""

    result: Mapping[str, object]
    tables: Sequence[Table]
    scored: tuple[Scored, ...]
    warnings: tuple[str, ...] = ()


def read_cases(content: str, name: str) -> tuple[Case, ...]:
    """Cases of a CSV table. Raises TableError with file, line and column.

    name: of the file, for messages
    """
    if not content.strip():
        hint = f"its first line names the columns: {', '.join(REQUIRED)}, ..."
        raise TableError("the table is empty", where=f"{name}:1", hint=hint)

    def row(cells: Cells, where: str, line: int) -> Case:
        return read_case(cells, where)

    found = read_table(content, name, "table of cases", COLUMNS, row, REQUIRED)
    if not found:
        raise TableError("the table has a header and no case", where=f"{name}:2", hint="write one case a row")
    return found


def score(cases: Sequence[Case], law: Law) -> tuple[Scored, ...]:
    """Ask the rules of each case's day."""
    chips = [law.catalog.chip(id) for id in law.catalog.ids("chips")]
    scored = []
    for case in cases:
        verdict = classify(law.book(case.day), case_facts(case, chips, law.parties))
        scored.append(Scored(case, verdict.eccn, verdict.outcome, reason(verdict)))
    return tuple(scored)


def cases_answer(content: str, name: str, law: Law) -> CasesAnswer:
    """Answer ``policy cases`` of a table's text. Raises TableError."""
    scored = score(read_cases(content, name), law)
    counts = summary(scored)
    last = last_read(law.instruments)
    not_checked = (*NOT_COVERED, "law of countries without a rule in the catalog", *_unread(scored, last))
    tables = view.cases_tables(scored, counts, name, not_checked)
    strange = tuple(said for one in scored for said in one.case.strange)
    return CasesAnswer(cases_dict(scored, counts, not_checked), tables, scored, strange)


def _unread(scored: Sequence[Scored], last: datetime.date | None) -> tuple[str, ...]:
    late = [one.case.id for one in scored if last is not None and one.case.day > last]
    return (f"rules after {last}, when the last source was read: {', '.join(late)}",) if late else ()


def reason(verdict: Verdict) -> str:
    """The rules that decided, or what is not known, in words."""
    if verdict.outcome == INSUFFICIENT or verdict.outcome.startswith("depends:"):
        return f"not known: {', '.join(label(name) for name in verdict.deciding)}"
    rules = [hit.rule.id for hit in deciding_hits(verdict)]
    if rules:
        return "; ".join(rules)
    unsure = [hit.rule.id for hit in verdict.hits if hit.verdict == UNKNOWN][:_MOST_NAMED]
    return f"no rule holds; not sure of {', '.join(unsure)}" if unsure else "no rule holds"
